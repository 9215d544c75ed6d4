/* SPDX-License-Identifier: Apache-2.0 */
/* Leaves of all rules, each once, and the literals they compare fields with. */
#include "base/alloc.h"
#include "engine/build_internal.h"

static uint32_t index_of(struct builder *b, uint32_t field)
{
	uint32_t *index = &b->index_of_field[field];

	if (*index == INDEX_NONE) {
		*index = b->index_count;
		b->index_parts[b->index_count].null_bit = BIT_NONE;
		b->index_parts[b->index_count].exists_bit = BIT_NONE;
		b->field_of_index[b->index_count++] = field;
	}
	return *index;
}

static struct str lower(struct builder *b, struct str s)
{
	char *copy = arena_bytes(&b->engine->arena, s.len + 1);

	for (size_t i = 0; i < s.len; i++)
		copy[i] = (char)ascii_lower((unsigned char)s.p[i]);
	copy[s.len] = '\0';
	return (struct str){copy, s.len};
}

static bool has_wildcard(struct str s)
{
	return s.len && (memchr(s.p, '*', s.len) || memchr(s.p, '?', s.len));
}

static uint32_t literal_number(struct builder *b, uint32_t index, struct str text, bool fold,
			       bool pattern)
{
	if (fold)
		text = lower(b, text);
	struct str key =
	    arena_printf(&b->arena, "%u %c%c ", index, fold ? 'f' : 'c', pattern ? 'p' : 'x');
	char *bytes = arena_bytes(&b->arena, key.len + text.len);
	bool is_new;

	memcpy(bytes, key.p, key.len);
	if (text.len)
		memcpy(bytes + key.len, text.p, text.len);
	uint32_t number =
	    intern_key(&b->literal_keys, (struct str){bytes, key.len + text.len}, &is_new);

	if (!is_new)
		return number;
	GROW(b->literals, number, b->literal_cap);
	b->literals[number] =
	    (struct literal){.index = index,
			     .text = fold ? text : arena_str(&b->engine->arena, text),
			     .fold = fold,
			     .pattern = pattern};
	if (pattern)
		b->literals[number].shape = scan_shape_of(text);
	return number;
}

/* In eql_leaf.cost: a regular expression, or a comparison with each of many values. Few values are
 * ever asked for such a leaf, and working it out for every value of the field would cost more. */
#define COSTLY 100

/* Facts of a leaf are used only if the leaf cannot hold without a value, whatever it says else. */
static enum leaf_how how_of(const struct eql_leaf *eql)
{
	switch (eql->kind) {
	case EQL_LEAF_EXACT:
	case EQL_LEAF_WILDCARD:
		if (eql->needs_value)
			return LEAF_INDEXED;
		break;
	case EQL_LEAF_NULL:
		return LEAF_NULL;
	case EQL_LEAF_EXISTS:
		return LEAF_EXISTS;
	case EQL_LEAF_OTHER:
		break;
	}
	if (eql->field_count != 1)
		return LEAF_EVENT;
	return eql->cost < COSTLY ? LEAF_VALUE : LEAF_LATER;
}

static uint32_t new_bit(struct builder *b, uint32_t index)
{
	return b->index_parts[index].bits++;
}

uint32_t build_exists_bit(struct builder *b, uint32_t index)
{
	struct index_parts *parts = &b->index_parts[index];

	if (parts->exists_bit == BIT_NONE)
		parts->exists_bit = new_bit(b, index);
	return parts->exists_bit;
}

static uint32_t null_bit(struct builder *b, uint32_t index)
{
	struct index_parts *parts = &b->index_parts[index];

	if (parts->null_bit == BIT_NONE)
		parts->null_bit = new_bit(b, index);
	return parts->null_bit;
}

static void add_literals(struct builder *b, uint32_t number, struct leaf *leaf)
{
	const struct eql_leaf *eql = leaf->eql;
	uint32_t at = b->literal_list_count;

	for (uint32_t i = 0; i < eql->string_count; i++) {
		bool pattern = eql->kind == EQL_LEAF_WILDCARD && has_wildcard(eql->strings[i]);
		uint32_t id = literal_number(b, leaf->index, eql->strings[i], eql->fold, pattern);

		GROW(b->literal_lists, b->literal_list_count, b->literal_list_cap);
		b->literal_lists[b->literal_list_count++] = id;
		pairs_add(&b->literal_bits, id, leaf->bit);
	}
	b->leaf_literals[number] = (struct span){at, eql->string_count};
}

static void count_shares(struct builder *b, uint32_t leaf, uint32_t slot)
{
	struct span span = b->leaf_literals[leaf];

	for (uint32_t i = 0; i < span.count; i++) {
		struct literal *l = &b->literals[b->literal_lists[span.at + i]];

		if (l->last_slot != slot + 1)
			l->share++;
		l->last_slot = slot + 1;
	}
}

/* Its place in the verdicts of its field, and who is to fill that in. */
static void enter_leaf(struct builder *b, uint32_t number, struct leaf *leaf)
{
	const struct eql_leaf *eql = leaf->eql;

	if (leaf->how == LEAF_EVENT)
		return;
	leaf->field = eql->kind == EQL_LEAF_OTHER ? eql->fields[0] : eql->field;
	leaf->index = index_of(b, leaf->field);
	switch ((enum leaf_how)leaf->how) {
	case LEAF_NULL:
		leaf->bit = null_bit(b, leaf->index);
		return;
	case LEAF_EXISTS:
		leaf->bit = build_exists_bit(b, leaf->index);
		return;
	case LEAF_INDEXED:
		leaf->bit = new_bit(b, leaf->index);
		add_literals(b, number, leaf);
		if (!eql->strings_only)
			pairs_add(&b->index_untyped, leaf->index, number);
		return;
	case LEAF_VALUE:
		leaf->bit = new_bit(b, leaf->index);
		pairs_add(&b->index_values, leaf->index, number);
		return;
	case LEAF_LATER:
		leaf->bit = new_bit(b, leaf->index);
		leaf->asked_bit = new_bit(b, leaf->index);
		pairs_add(&b->index_later, leaf->index, number);
		return;
	case LEAF_EVENT:
		return;
	}
}

uint32_t build_leaf(struct builder *b, const struct eql_leaf *eql, uint32_t slot)
{
	bool is_new;
	uint32_t number = intern_key(&b->leaf_keys, eql->key, &is_new);

	if (is_new) {
		if (number >= b->leaf_cap) {
			b->leaf_cap = b->leaf_cap ? b->leaf_cap * 2 : 256;
			b->leaves = xreallocarray(b->leaves, b->leaf_cap, sizeof(*b->leaves));
			b->leaf_literals =
			    xreallocarray(b->leaf_literals, b->leaf_cap, sizeof(*b->leaf_literals));
		}
		b->leaves[number] = (struct leaf){.eql = eql, .how = (uint8_t)how_of(eql)};
		b->leaf_literals[number] = (struct span){0};
		for (uint32_t i = 0; i < eql->field_count; i++)
			index_of(b, eql->fields[i]);
		enter_leaf(b, number, &b->leaves[number]);
	}
	count_shares(b, number, slot);
	return number;
}
