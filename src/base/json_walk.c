/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The walk over a document's index: JSON's grammar, token by token, with a stack of its own so that
 * nesting costs no C stack.
 *
 * What stage 1 promises and the walk relies on: the text is UTF-8, every string is closed and free
 * of control bytes, every token outside of strings is in the index. A scalar's token starts where
 * the index says and ends at white space, at a structural character or, when something was glued to
 * it (1"a"), not at all: that is checked here.
 */
#include "base/json_reader.h"

#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/json_internal.h"
#include "base/json_paths_internal.h"

struct frame {
	uint32_t node;
	bool object;
};

struct json_reader {
	struct json_indexer *indexer;
	struct frame stack[JSON_DEPTH_MAX];
};

struct walk {
	const char *text;
	const uint32_t *at;
	uint32_t token; /* the next to be taken */
	uint32_t count;
	uint32_t depth; /* frames in use */
	bool escapes;   /* the document has a backslash somewhere */
	bool in_envelope;
	uint32_t document_start, document_end;
	const struct json_paths *paths;
	const struct json_handler *handler;
	const char *why;
};

struct json_reader *json_reader_new(void)
{
	struct json_reader *reader = xcalloc(1, sizeof(*reader));

	reader->indexer = json_indexer_new();
	if (!reader->indexer)
		abort(); /* out of memory at start-up, as xcalloc does */
	return reader;
}

void json_reader_free(struct json_reader *reader)
{
	if (!reader)
		return;
	json_indexer_free(reader->indexer);
	free(reader);
}

static int bad(struct walk *w, const char *why)
{
	w->why = why;
	return -EINVAL;
}

/* The first byte of the next token, NUL at the end of the document. */
static inline char next(struct walk *w)
{
	return w->token < w->count ? w->text[w->at[w->token++]] : '\0';
}

static inline bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static inline bool ends_scalar(char c)
{
	return c == ',' || c == '}' || c == ']' || is_space(c);
}

static inline bool is_digit(char c)
{
	return (unsigned char)(c - '0') <= 9;
}

/* The string whose quote was just taken: it ends at the last quote before the next token. */
static inline struct str taken_string(const struct walk *w)
{
	uint32_t start = w->at[w->token - 1] + 1, end = w->at[w->token] - 1;

	while (end > start && w->text[end] != '"')
		end--;
	return (struct str){w->text + start, end - start};
}

/* -1: an escape is broken, 0: none, 1: some. */
static inline int escapes_of(const struct walk *w, struct str s)
{
	if (!w->escapes || !memchr(s.p, '\\', s.len))
		return 0;
	return json_escapes_valid(s) ? 1 : -1;
}

static uint32_t step_escaped(const struct json_paths *paths, uint32_t node, struct str key)
{
	char plain[1024 + 8] = {0};

	/* Unescaped it is at least a sixth as long. */
	if (key.len / 6 > paths->key_len_max || key.len > sizeof(plain) - 8)
		return JSON_NODE_UNWANTED;
	return json_paths_step(paths, node, (struct str){plain, json_unescape(key, plain)});
}

/* Takes a key and its colon; *node becomes where the key leads. */
static inline int take_key(struct walk *w, char c, uint32_t *node)
{
	if (c != '"')
		return bad(w, "a key is missing");
	struct str key = taken_string(w);
	int escapes = escapes_of(w, key);

	if (escapes < 0)
		return bad(w, "invalid escape in a key");
	if (next(w) != ':')
		return bad(w, "a colon is missing");
	if (*node == JSON_NODE_UNWANTED)
		return 0;
	*node =
	    escapes ? step_escaped(w->paths, *node, key) : json_paths_step(w->paths, *node, key);
	return 0;
}

static inline bool wanted(const struct walk *w, uint32_t node)
{
	return w->paths->nodes[node].id != JSON_NO_ID;
}

static inline void hand_out(const struct walk *w, uint32_t node, const struct json_value *value)
{
	w->handler->value(w->handler->context, w->paths->nodes[node].id, value);
}

static inline int take_string(struct walk *w, uint32_t node)
{
	struct json_value value = {.type = JSON_STRING, .string = taken_string(w)};
	int escapes = escapes_of(w, value.string);

	if (escapes < 0)
		return bad(w, "invalid escape in a string");
	value.escaped = escapes;
	if (wanted(w, node))
		hand_out(w, node, &value);
	return 0;
}

/* A number with a fraction or an exponent, or too long for the fast way; `p` is at its first byte.
 */
static int take_long_number(struct walk *w, uint32_t node, const char *start)
{
	const char *p = start + (*start == '-');
	bool zero = *p == '0';
	const char *first = p;

	while (is_digit(*p))
		p++;
	if (p == first || (zero && p - first > 1))
		return bad(w, "invalid number");
	if (*p == '.') {
		if (!is_digit(*++p))
			return bad(w, "invalid number");
		while (is_digit(*p))
			p++;
	}
	if (*p == 'e' || *p == 'E') {
		p++;
		p += *p == '+' || *p == '-';
		if (!is_digit(*p))
			return bad(w, "invalid number");
		while (is_digit(*p))
			p++;
	}
	if (!ends_scalar(*p))
		return bad(w, "invalid number");
	if (!wanted(w, node))
		return 0;
	struct json_value value = {
	    .type = JSON_DOUBLE,
	    .real = json_double_parse((struct str){start, (size_t)(p - start)}),
	};

	hand_out(w, node, &value);
	return 0;
}

/* An integer of 19 digits may or may not fit. */
static int64_t as_integer(const char *p, const char *end, bool negative, bool *fits)
{
	uint64_t n = 0;

	*fits = end - p <= 19;
	for (; *fits && p < end; p++)
		n = n * 10 + (uint64_t)(*p - '0'); /* 10^19 - 1 is below 2^64 */
	if (n > (uint64_t)INT64_MAX + negative)
		*fits = false;
	return negative ? (int64_t)(0 - n) : (int64_t)n;
}

static inline int take_number(struct walk *w, uint32_t node)
{
	const char *start = w->text + w->at[w->token - 1];
	bool negative = *start == '-', fits;
	const char *digits = start + negative, *p = digits;

	while (is_digit(*p))
		p++;
	if (!ends_scalar(*p) || p == digits || (*digits == '0' && p - digits > 1))
		return take_long_number(w, node, start);
	if (!wanted(w, node))
		return 0;
	struct json_value value = {.type = JSON_INT,
				   .integer = as_integer(digits, p, negative, &fits)};

	if (!fits)
		return take_long_number(w, node, start);
	hand_out(w, node, &value);
	return 0;
}

static inline int take_word(struct walk *w, uint32_t node, char c)
{
	static const struct {
		const char text[6];
		uint32_t len;
	} words[] = {{"true", 4}, {"false", 5}, {"null", 4}};
	unsigned which = c == 't' ? 0 : c == 'f' ? 1 : 2;
	const char *p = w->text + w->at[w->token - 1];

	/* Five bytes are readable: the document is padded. */
	if (memcmp(p, words[which].text, words[which].len) != 0 ||
	    !ends_scalar(p[words[which].len]))
		return bad(w, "neither a value nor true, false or null");
	if (c == 'n' || !wanted(w, node))
		return 0;
	struct json_value value = {.type = JSON_BOOL, .boolean = c == 't'};

	hand_out(w, node, &value);
	return 0;
}

static inline int take_scalar(struct walk *w, uint32_t node, char c)
{
	switch (c) {
	case '"':
		return take_string(w, node);
	case '-':
	case '0':
	case '1':
	case '2':
	case '3':
	case '4':
	case '5':
	case '6':
	case '7':
	case '8':
	case '9':
		return take_number(w, node);
	case 't':
	case 'f':
	case 'n':
		return take_word(w, node, c);
	case '\0':
		return bad(w, w->token < w->count ? "a value is missing" : "cut off");
	default:
		return bad(w, "a value is missing");
	}
}

static inline bool opens(char c)
{
	return c == '{' || c == '[';
}

/* Elements of an array are values of the array's own name. Below a name with no wanted path behind
 * it nothing needs to be looked up. */
static int push(struct json_reader *reader, struct walk *w, uint32_t node, char c)
{
	if (w->depth == JSON_DEPTH_MAX) {
		w->why = "nested too deep";
		return -E2BIG;
	}
	if (node == JSON_NODE_ENVELOPE) {
		node = JSON_NODE_UNWANTED;
		if (w->depth == 1 && c == '{' && !w->document_end) {
			node = JSON_NODE_ROOT;
			w->in_envelope = true;
			w->document_start = w->at[w->token - 1];
			w->handler->restart(w->handler->context);
		}
	} else if (c == '{' && !w->paths->nodes[node].has_edges) {
		node = JSON_NODE_UNWANTED;
	}
	reader->stack[w->depth++] = (struct frame){.node = node, .object = c == '{'};
	return 0;
}

static inline void pop(struct json_reader *reader, struct walk *w)
{
	if (--w->depth == 1 && w->in_envelope) {
		w->in_envelope = false;
		w->document_end = w->at[w->token - 1] + 1;
		reader->stack[0].node = JSON_NODE_UNWANTED;
	}
}

/*
 * One member or element after another. `c` is always the token just taken; `fresh` says that a
 * container was just opened, so that it may close at once and no comma is due.
 */
static int walk(struct json_reader *reader, struct walk *w)
{
	bool fresh = true;
	int err = push(reader, w, JSON_NODE_ROOT, '{');

	while (!err && w->depth) {
		const struct frame *top = &reader->stack[w->depth - 1];
		uint32_t node = top->node;
		char c = next(w);

		if (c == (top->object ? '}' : ']')) {
			pop(reader, w);
			fresh = false;
			continue;
		}
		if (!fresh) {
			if (c != ',')
				return bad(w, c ? "a comma or a closing bracket is missing"
						: "cut off");
			c = next(w);
		}
		if (top->object) {
			err = take_key(w, c, &node);
			if (err)
				break;
			c = next(w);
		}
		fresh = opens(c);
		err = fresh ? push(reader, w, node, c) : take_scalar(w, node, c);
	}
	if (!err && w->token != w->count)
		return bad(w, "more text behind the object");
	return err;
}

int json_read(struct json_reader *reader, const struct json_paths *paths, struct str json,
	      const struct json_handler *handler, struct str *document, const char **why)
{
	struct walk w = {.text = json.p, .paths = paths, .handler = handler, .why = "too long"};
	struct json_index index;
	int err = -E2BIG;

	if (json.len > JSON_DOCUMENT_BYTES_MAX)
		goto out;
	err = json_index_document(reader->indexer, json, &index, &w.why);
	if (err)
		goto out;
	w.at = index.at;
	w.count = index.count;
	w.escapes = memchr(json.p, '\\', json.len);
	if (next(&w) != '{') {
		err = bad(&w, "not an object");
		goto out;
	}
	err = walk(reader, &w);
	if (document)
		*document = w.document_end ? (struct str){json.p + w.document_start,
							  w.document_end - w.document_start}
					   : json;
out:
	if (err && why)
		*why = w.why;
	return err;
}
