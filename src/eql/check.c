/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What Elasticsearch refuses when it plans a query, judged bottom up: types of arguments, names and
 * arity of functions, literals that cannot be what they stand for. Errors do not stop it; a node
 * with an error gets type ANY so that nothing above complains again.
 *
 * Fields of fields.def have a type. All others are untyped: their values decide when events come.
 */
#include <stdio.h>

#include "eql/address_internal.h"
#include "eql/function_internal.h"
#include "eql/string_internal.h"

/* A name given to a stage: `[...] as event0`. */
struct alias {
	struct str name;
	uint32_t stage;
};

struct checker {
	struct eql_source *source;
	const struct field_set *fields;
	/* Names of the stages before the one being checked. */
	struct alias aliases[EQL_STAGES_MAX];
	uint32_t alias_count;
	/* In relations, missing events and until: no event of an earlier stage is at hand when
	 * they are decided. */
	bool aliases_hidden;
};

const char *eql_type_name(enum eql_type type)
{
	switch (type) {
	case EQL_TYPE_NULL:
		return "null";
	case EQL_TYPE_BOOLEAN:
		return "boolean";
	case EQL_TYPE_INTEGER:
		return "integer";
	case EQL_TYPE_DOUBLE:
		return "double";
	case EQL_TYPE_NUMBER:
		return "number";
	case EQL_TYPE_STRING:
		return "string";
	case EQL_TYPE_IP:
		return "ip";
	case EQL_TYPE_DATE:
		return "date";
	case EQL_TYPE_ANY:
		break;
	}
	return "any";
}

const char *eql_operator_text(enum eql_operator op)
{
	static const char *const texts[] = {
	    [EQL_EQ] = "==",      [EQL_NE] = "!=",    [EQL_LT] = "<",     [EQL_LE] = "<=",
	    [EQL_GT] = ">",       [EQL_GE] = ">=",    [EQL_ADD] = "+",    [EQL_SUBTRACT] = "-",
	    [EQL_MULTIPLY] = "*", [EQL_DIVIDE] = "/", [EQL_MODULO] = "%",
	};

	return texts[op];
}

bool eql_node_has_field(const struct node *node)
{
	if (node->kind == NODE_FIELD || node->kind == NODE_RELATION)
		return true;
	for (uint32_t i = 0; i < node->kid_count; i++)
		if (eql_node_has_field(node->kids[i]))
			return true;
	return false;
}

static bool is_number(enum eql_type t)
{
	return t == EQL_TYPE_INTEGER || t == EQL_TYPE_DOUBLE || t == EQL_TYPE_NUMBER;
}

static bool is_open(enum eql_type t)
{
	return t == EQL_TYPE_ANY || t == EQL_TYPE_NULL;
}

static enum eql_type literal_type(const struct value *v)
{
	switch (v->type) {
	case VALUE_BOOL:
		return EQL_TYPE_BOOLEAN;
	case VALUE_INT:
		return EQL_TYPE_INTEGER;
	case VALUE_DOUBLE:
		return EQL_TYPE_DOUBLE;
	case VALUE_STRING:
		return EQL_TYPE_STRING;
	default:
		return EQL_TYPE_NULL;
	}
}

enum eql_type eql_field_type(const struct field_set *fields, uint32_t id)
{
	switch (field_set_info(fields, id)->type) {
	case FIELD_TYPE_KEYWORD:
		return EQL_TYPE_STRING;
	case FIELD_TYPE_LONG:
		return EQL_TYPE_INTEGER;
	case FIELD_TYPE_DOUBLE:
		return EQL_TYPE_DOUBLE;
	case FIELD_TYPE_BOOLEAN:
		return EQL_TYPE_BOOLEAN;
	case FIELD_TYPE_IP:
		return EQL_TYPE_IP;
	case FIELD_TYPE_DATE:
		return EQL_TYPE_DATE;
	case FIELD_TYPE_ANY:
		break;
	}
	return EQL_TYPE_ANY;
}

static enum eql_type field_type(const struct checker *c, struct str name)
{
	int32_t id = field_set_find(c->fields, name);

	return id < 0 ? EQL_TYPE_ANY : eql_field_type(c->fields, (uint32_t)id);
}

/* ---- fields of earlier stages, Elastic Endpoint's dialect */

static const struct alias *find_alias(const struct checker *c, struct str name)
{
	for (uint32_t i = 0; i < c->alias_count; i++)
		if (str_eq(c->aliases[i].name, name))
			return &c->aliases[i];
	return NULL;
}

/* event0, event1, ...: what Elastic's rules call their events, and no field of ECS begins with. */
static bool looks_like_alias(struct str name)
{
	if (!str_starts(name, STR("event")) || name.len == 5)
		return false;
	for (size_t i = 5; i < name.len; i++)
		if (name.p[i] < '0' || name.p[i] > '9')
			return false;
	return true;
}

/* `event0.process.name`: the field process.name of the stage that is named event0. */
static void resolve_alias(struct checker *c, struct node *n)
{
	const char *dot = memchr(n->name.p, '.', n->name.len);
	struct str head = {n->name.p, dot ? (size_t)(dot - n->name.p) : n->name.len};
	const struct alias *alias = find_alias(c, head);

	if (alias && !dot) {
		eql_error(c->source, n->span, STR("write one of its fields: event0.process.name"),
			  "[%.*s] is an event and no field", STR_ARG(head));
	} else if (alias && c->aliases_hidden) {
		eql_error(
		    c->source, n->span,
		    STR("relations, missing events and [until] are decided without the events "
			"of earlier queries"),
		    "[%.*s] cannot be used here", STR_ARG(head));
	} else if (alias) {
		n->stage = alias->stage;
		n->name = (struct str){dot + 1, n->name.len - head.len - 1};
	} else if (looks_like_alias(head)) {
		eql_error(c->source, n->span,
			  arena_printf(c->source->scratch,
				       "name an earlier query of the sequence: [...] as %.*s",
				       STR_ARG(head)),
			  "[%.*s] is the name of no earlier query", STR_ARG(head));
	}
}

static enum eql_type check_field(struct checker *c, struct node *n)
{
	if (c->source->options->dialect == EQL_DIALECT_ENDPOINT)
		resolve_alias(c, n);
	return field_type(c, n->name);
}

/* "first argument of [between]" */
static const char *ordinal(uint32_t i)
{
	static const char *const words[] = {"first", "second", "third", "fourth", "fifth"};

	return i < sizeof(words) / sizeof(*words) ? words[i] : "an";
}

static void expect(struct checker *c, const struct node *n, struct str of, uint32_t i, bool fits,
		   const char *type, struct str hint)
{
	if (fits)
		return;
	struct str text = eql_excerpt(c->source, n->span);

	eql_error(c->source, n->span, hint,
		  "%s argument of [%.*s] must be [%s], found [%.*s] of type [%s]", ordinal(i),
		  STR_ARG(of), type, STR_ARG(text), eql_type_name(n->type));
}

/* ---- functions */

static void check_cidr(struct checker *c, const struct node *n, struct str function, uint32_t i)
{
	struct eql_cidr cidr;

	if (n->kind != NODE_LITERAL) {
		eql_error(c->source, n->span, STR("for example: \"10.0.0.0/8\""),
			  "%s argument of [%.*s] must be a constant", ordinal(i),
			  STR_ARG(function));
		return;
	}
	expect(c, n, function, i, n->type == EQL_TYPE_STRING || n->type == EQL_TYPE_NULL, "string",
	       STR("for example: \"10.0.0.0/8\""));
	if (n->type == EQL_TYPE_STRING && !eql_cidr_parse(value_as_str(&n->literal), &cidr)) {
		struct str text = eql_excerpt(c->source, n->span);

		eql_error(
		    c->source, n->span,
		    STR("write an address or a range: \"10.0.0.0/8\", \"fe80::/10\", \"::1\""),
		    "%.*s is no valid CIDR range", STR_ARG(text));
	}
}

static void check_argument(struct checker *c, const struct node *n, struct str function, uint32_t i,
			   char want)
{
	enum eql_type t = n->type;

	switch (want) {
	case 's':
		expect(c, n, function, i, is_open(t) || t == EQL_TYPE_STRING, "string",
		       is_number(t) ? STR("string(...) turns a number into its text") : STR_NULL);
		break;
	case 'n':
		expect(c, n, function, i, is_open(t) || is_number(t), "numeric", STR_NULL);
		break;
	case 'I':
		if (eql_node_has_field(n))
			eql_error(c->source, n->span, STR_NULL,
				  "%s argument of [%.*s] must be a constant", ordinal(i),
				  STR_ARG(function));
		/* fall through */
	case 'i':
		expect(c, n, function, i,
		       is_open(t) || t == EQL_TYPE_INTEGER || t == EQL_TYPE_NUMBER, "integer",
		       STR_NULL);
		break;
	case 'b':
		expect(c, n, function, i, is_open(t) || t == EQL_TYPE_BOOLEAN, "boolean",
		       STR("write true or false"));
		break;
	case 'a':
		expect(c, n, function, i, is_open(t) || t == EQL_TYPE_STRING || t == EQL_TYPE_IP,
		       "ip", STR_NULL);
		break;
	case 'c':
		check_cidr(c, n, function, i);
		break;
	default:
		break;
	}
}

static bool check_arity(struct checker *c, const struct node *n, const struct eql_function *f)
{
	char want[40];

	if (n->kid_count >= f->min_args && n->kid_count <= f->max_args)
		return true;
	if (f->max_args == EQL_ARGS_MANY)
		snprintf(want, sizeof(want), "at least %u", f->min_args);
	else if (f->max_args == f->min_args)
		snprintf(want, sizeof(want), "%u", f->min_args);
	else
		snprintf(want, sizeof(want), "%u or %u", f->min_args, f->max_args);
	eql_error(c->source, n->span, STR_NULL, "[%.*s] takes %s argument%s, found %u",
		  STR_ARG(f->name), want,
		  f->max_args == 1 || f->min_args == EQL_ARGS_MANY ? "" : "s", n->kid_count);
	return false;
}

/* A sum is an integer if all parts are, a double if one is, and open otherwise. */
static enum eql_type number_type(const struct node *n)
{
	enum eql_type type = EQL_TYPE_INTEGER;

	for (uint32_t i = 0; i < n->kid_count; i++) {
		if (n->kids[i]->type == EQL_TYPE_DOUBLE)
			return EQL_TYPE_DOUBLE;
		if (n->kids[i]->type != EQL_TYPE_INTEGER)
			type = EQL_TYPE_NUMBER;
	}
	return type;
}

static enum eql_type check_call(struct checker *c, struct node *n)
{
	const struct eql_function *f = eql_function_find(n->name);

	if (!f) {
		struct str name = eql_excerpt(c->source, n->name_span);

		eql_error(c->source, n->name_span,
			  eql_function_suggest(n->name, c->source->scratch),
			  "unknown function [%.*s]", STR_ARG(name));
		return EQL_TYPE_ANY;
	}
	n->function = f;
	if (n->fold && !f->tilde)
		eql_error(c->source, n->name_span, STR("leave out the ~"),
			  "function [%.*s] has no case-insensitive form", STR_ARG(f->name));
	if (!check_arity(c, n, f))
		return f->result;
	for (uint32_t i = 0, last = (uint32_t)strlen(f->args) - 1; i < n->kid_count; i++)
		check_argument(c, n->kids[i], f->name, i, f->args[i < last ? i : last]);
	if (f->result == EQL_TYPE_NUMBER && f->args[0] == 'n')
		return number_type(n);
	return f->result;
}

/* ---- operators */

static struct str operator_name(const struct checker *c, const struct node *n)
{
	return eql_excerpt(c->source, n->name_span);
}

static void check_boolean(struct checker *c, const struct node *n, struct str of)
{
	if (is_open(n->type) || n->type == EQL_TYPE_BOOLEAN)
		return;
	struct str text = eql_excerpt(c->source, n->span);

	eql_error(c->source, n->span, STR("compare it with something, for example: ... != null"),
		  "argument of [%.*s] must be [boolean], found [%.*s] of type [%s]", STR_ARG(of),
		  STR_ARG(text), eql_type_name(n->type));
}

static enum eql_type check_logical(struct checker *c, struct node *n)
{
	static const struct str names[] = {
	    [NODE_NOT] = {"not", 3}, [NODE_AND] = {"and", 3}, [NODE_OR] = {"or", 2}};

	for (uint32_t i = 0; i < n->kid_count; i++)
		check_boolean(c, n->kids[i], names[n->kind]);
	return EQL_TYPE_BOOLEAN;
}

/* A literal that a field of its type can never equal is refused by Elasticsearch when the query is
 * planned or, at the latest, by the index. */
static void check_literal_for(struct checker *c, const struct node *typed,
			      const struct node *literal)
{
	struct value number;
	bool fits = true;

	if (literal->kind != NODE_LITERAL || literal->type == EQL_TYPE_NULL ||
	    typed->kind == NODE_LITERAL)
		return;
	if (typed->type == EQL_TYPE_DATE)
		fits = is_number(literal->type) || eql_date_ms(literal->literal).type != VALUE_NULL;
	else if (is_number(typed->type))
		fits = is_number(literal->type) ||
		       (literal->type == EQL_TYPE_STRING &&
			eql_number_from_str(value_as_str(&literal->literal), &number));
	else if (typed->type == EQL_TYPE_BOOLEAN)
		fits = literal->type == EQL_TYPE_BOOLEAN;
	else if (typed->type == EQL_TYPE_IP)
		fits = literal->type == EQL_TYPE_STRING;
	if (fits)
		return;
	struct str a = eql_excerpt(c->source, typed->span);
	struct str b = eql_excerpt(c->source, literal->span);

	eql_error(c->source, literal->span,
		  typed->type == EQL_TYPE_DATE ? STR("write \"2024-01-31T23:59:59Z\" or "
						     "milliseconds since 1970")
					       : STR_NULL,
		  "[%.*s] is of type [%s], %.*s is not", STR_ARG(a), eql_type_name(typed->type),
		  STR_ARG(b));
}

static enum eql_type check_compare(struct checker *c, struct node *n)
{
	const struct node *a = n->kids[0], *b = n->kids[1];
	bool fields = a->kind == NODE_FIELD && b->kind == NODE_FIELD;

	/* `?a == ?b` passes: Elasticsearch replaces an optional field it does not know by null. */
	if (c->source->options->dialect != EQL_DIALECT_ENDPOINT && eql_node_has_field(a) &&
	    eql_node_has_field(b) && !(fields && (a->optional || b->optional)))
		eql_error(c->source, n->span, STR("one side of a comparison must be a constant"),
			  "comparisons between fields are not supported");
	check_literal_for(c, a, b);
	check_literal_for(c, b, a);
	return EQL_TYPE_BOOLEAN;
}

/* Types a list may mix. */
static bool compatible(enum eql_type a, enum eql_type b)
{
	return is_open(a) || is_open(b) || a == b || (is_number(a) && is_number(b));
}

static enum eql_type check_in(struct checker *c, struct node *n)
{
	const struct node *left = n->kids[0];
	enum eql_type type = left->type;

	for (uint32_t i = 1; i < n->kid_count; i++) {
		const struct node *item = n->kids[i];

		if (eql_node_has_field(item)) {
			eql_error(c->source, item->span, STR("a list holds constants only"),
				  "comparisons between fields are not supported");
			continue;
		}
		if (left->type == EQL_TYPE_DATE || left->type == EQL_TYPE_IP) {
			check_literal_for(c, left, item);
		} else if (!compatible(type, item->type)) {
			expect(c, item, operator_name(c, n), i, false, eql_type_name(type),
			       STR("all values of a list must be of one type, that of the left "
				   "side"));
		} else if (is_open(type)) {
			type = item->type;
		}
	}
	return EQL_TYPE_BOOLEAN;
}

static enum eql_type check_pattern(struct checker *c, struct node *n)
{
	struct str name = operator_name(c, n);
	enum eql_type left = n->kids[0]->type;
	/* Dates and addresses are written as strings, so they have a text to match. */
	bool fits = is_open(left) || left == EQL_TYPE_STRING || left == EQL_TYPE_IP ||
		    left == EQL_TYPE_DATE;

	expect(c, n->kids[0], name, 0, fits, "string", STR("consider using [==] or [in] instead"));
	for (uint32_t i = 1; i < n->kid_count; i++)
		expect(c, n->kids[i], name, i, n->kids[i]->type == EQL_TYPE_STRING, "string",
		       STR("patterns are strings; to compare other values use [==] or [in]"));
	return EQL_TYPE_BOOLEAN;
}

static enum eql_type check_math(struct checker *c, struct node *n)
{
	for (uint32_t i = 0; i < n->kid_count; i++)
		expect(c, n->kids[i], operator_name(c, n), i,
		       is_open(n->kids[i]->type) || is_number(n->kids[i]->type), "numeric",
		       STR_NULL);
	return number_type(n);
}

static void check_term(struct checker *c, struct ast_term *term);

static enum eql_type check_relation(struct checker *c, struct node *n)
{
	bool hidden = c->aliases_hidden;

	c->aliases_hidden = true;
	check_term(c, n->term);
	c->aliases_hidden = hidden;
	return EQL_TYPE_BOOLEAN;
}

/* A relation is decided apart from the event's values, so it cannot be part of an expression over
 * them. */
static void check_no_relation(struct checker *c, const struct node *n)
{
	if (n->kind == NODE_AND || n->kind == NODE_OR || n->kind == NODE_NOT)
		return;
	for (uint32_t i = 0; i < n->kid_count; i++) {
		const struct node *kid = n->kids[i];

		if (kid->related)
			eql_error(c->source,
				  kid->kind == NODE_RELATION ? kid->name_span : kid->span,
				  STR("join it to other conditions by and, or, not"),
				  "a process relation is a condition by itself");
	}
}

static enum eql_type check_kind(struct checker *c, struct node *n)
{
	switch (n->kind) {
	case NODE_LITERAL:
		return literal_type(&n->literal);
	case NODE_FIELD:
		return check_field(c, n);
	case NODE_CALL:
		return check_call(c, n);
	case NODE_NOT:
	case NODE_AND:
	case NODE_OR:
		return check_logical(c, n);
	case NODE_COMPARE:
		return check_compare(c, n);
	case NODE_IN:
		return check_in(c, n);
	case NODE_LIKE:
	case NODE_REGEX:
		return check_pattern(c, n);
	case NODE_MATH:
	case NODE_NEGATE:
		return check_math(c, n);
	case NODE_RELATION:
		return check_relation(c, n);
	}
	return EQL_TYPE_ANY;
}

static enum eql_type check_node(struct checker *c, struct node *n)
{
	n->related = n->kind == NODE_RELATION;
	for (uint32_t i = 0; i < n->kid_count; i++) {
		n->kids[i]->type = check_node(c, n->kids[i]);
		n->related |= n->kids[i]->related;
	}
	uint32_t errors = c->source->errors;

	check_no_relation(c, n);
	enum eql_type type = check_kind(c, n);

	return c->source->errors > errors ? EQL_TYPE_ANY : type;
}

/* ---- queries */

static void check_term(struct checker *c, struct ast_term *term)
{
	struct node *top = term->condition;

	top->type = check_node(c, top);
	if (is_open(top->type) || top->type == EQL_TYPE_BOOLEAN)
		return;
	struct str text = eql_excerpt(c->source, top->span);

	eql_error(c->source, top->span, STR("compare it with something, for example: ... != null"),
		  "the condition must be [boolean], found [%.*s] of type [%s]", STR_ARG(text),
		  eql_type_name(top->type));
}

/* `stage`: the first the term makes. */
static void declare_alias(struct checker *c, const struct ast_term *term, uint32_t stage)
{
	const char *why = NULL;

	if (!term->alias.len)
		return;
	if (find_alias(c, term->alias))
		why = "is the name of two queries";
	else if (term->missing)
		why = "would be the name of a missing event";
	else if (term->runs > 1)
		why = "would be the name of several events";
	if (why)
		eql_error(c->source, term->alias_span, STR_NULL, "[%.*s] %s", STR_ARG(term->alias),
			  why);
	else
		c->aliases[c->alias_count++] = (struct alias){term->alias, stage};
}

static void check_terms(struct checker *c, struct ast *ast)
{
	uint32_t stage = 0;

	for (uint32_t i = 0; i < ast->term_count; i++) {
		c->aliases_hidden = ast->terms[i].missing;
		check_term(c, &ast->terms[i]);
		declare_alias(c, &ast->terms[i], stage);
		stage += ast->terms[i].runs;
	}
	c->aliases_hidden = true;
	if (ast->until)
		check_term(c, ast->until);
}

/* Values of two join keys are compared with their types, so keys of the same place must have one.
 * Elasticsearch refuses the others when it plans the query. */
static void check_key_types(struct checker *c, const struct node *first,
			    const struct ast_term *term, uint32_t i)
{
	const struct node *key = term->keys[i];

	if (compatible(first->type, key->type))
		return;
	struct str a = eql_excerpt(c->source, key->span), b = eql_excerpt(c->source, first->span);

	eql_error(c->source, key->span, STR("keys are matched by their place: first with first"),
		  "join key [%.*s] of type [%s] cannot equal [%.*s] of type [%s]", STR_ARG(a),
		  eql_type_name(key->type), STR_ARG(b), eql_type_name(first->type));
}

static void check_fields(struct checker *c, struct node **keys, uint32_t count)
{
	c->aliases_hidden = true;
	for (uint32_t i = 0; i < count; i++)
		keys[i]->type = check_node(c, keys[i]);
}

static void check_keys(struct checker *c, struct ast *ast)
{
	check_fields(c, ast->keys, ast->key_count);
	for (uint32_t t = 0; t < ast->term_count; t++)
		check_fields(c, ast->terms[t].keys, ast->terms[t].key_count);
	if (ast->until)
		check_fields(c, ast->until->keys, ast->until->key_count);
	for (uint32_t i = 0; i < ast->terms[0].key_count; i++) {
		const struct node *first = ast->terms[0].keys[i];

		for (uint32_t t = 1; t < ast->term_count; t++) {
			check_key_types(c, first, &ast->terms[t], i);
			if (is_open(first->type))
				first = ast->terms[t].keys[i];
		}
		if (ast->until)
			check_key_types(c, first, ast->until, i);
	}
}

void eql_check(struct eql_source *source, const struct field_set *fields, struct ast *ast)
{
	struct checker c = {.source = source, .fields = fields};

	check_terms(&c, ast);
	check_keys(&c, ast);
	for (uint32_t i = 0; i < ast->pipe_count; i++)
		ast->pipes[i].count->type = check_node(&c, ast->pipes[i].count);
}
