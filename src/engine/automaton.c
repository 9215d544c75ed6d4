/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/automaton_internal.h"

#include <stdlib.h>

#include "base/alloc.h"

/* While building, rows are numbered 0, 1, 2, ... and 0, the root, doubles as "no transition": no
 * edge of a trie leads back to its root. */
struct building {
	uint32_t classes;
	uint32_t *next; /* state * classes + class */
	uint32_t *fail;
	uint32_t *ends;  /* first atom that ends in the state + 1, others by `also` */
	uint32_t *up;    /* nearest suffix state that ends an atom; 0: none */
	uint32_t *order; /* breadth first */
	uint32_t *also;  /* by atom: next atom ending in the same state + 1 */
	uint32_t states, states_max;
};

static void set_classes(struct automaton *a, const struct atom *atoms, uint32_t count)
{
	/* Class 0 is every byte no atom has. With all 256 bytes in use and letters folded there are
	 * at most 230 others. */
	a->classes = 1;
	for (uint32_t i = 0; i < count; i++) {
		for (size_t k = 0; k < atoms[i].bytes.len; k++) {
			uint8_t *c = &a->class_of[ascii_lower((unsigned char)atoms[i].bytes.p[k])];

			if (!*c)
				*c = (uint8_t)a->classes++;
		}
	}
	for (int c = 'A'; c <= 'Z'; c++)
		a->class_of[c] = a->class_of[c - 'A' + 'a'];
}

static bool insert(struct building *b, const struct automaton *a, const struct atom *atoms,
		   uint32_t i)
{
	struct str s = atoms[i].bytes;
	uint32_t state = 0;

	if (s.len > b->states_max - b->states)
		return false;
	for (size_t k = 0; k < s.len; k++) {
		uint32_t *edge = &b->next[state * b->classes + a->class_of[(unsigned char)s.p[k]]];

		if (!*edge)
			*edge = b->states++;
		state = *edge;
	}
	b->also[i] = b->ends[state];
	b->ends[state] = i + 1;
	return true;
}

/* Breadth first, so that a state's suffix is done before it; then every missing transition is that
 * of the suffix. */
static void link_suffixes(struct building *b)
{
	uint32_t head = 0, tail = 0;

	b->order[tail++] = 0;
	while (head < tail) {
		uint32_t state = b->order[head++];
		uint32_t fail = b->fail[state];

		b->up[state] = b->ends[fail] ? fail : b->up[fail];
		for (uint32_t c = 0; c < b->classes; c++) {
			uint32_t *edge = &b->next[state * b->classes + c];
			uint32_t shorter = state ? b->next[fail * b->classes + c] : 0;

			if (!*edge) {
				*edge = shorter;
				continue;
			}
			b->fail[*edge] = shorter;
			b->order[tail++] = *edge;
		}
	}
}

static bool has_output(const struct building *b, uint32_t state)
{
	return b->ends[state] || b->up[state];
}

/* Give the states their final rows, those with output last, and write table and outputs. */
static void finish(struct automaton *a, const struct building *b, struct arena *arena,
		   const struct atom *atoms, uint32_t count)
{
	uint32_t *row = xcalloc(b->states, sizeof(*row));
	uint32_t plain = 0, with = 0, ids = 0;

	for (uint32_t s = 0; s < b->states; s++)
		plain += !has_output(b, s);
	a->first_output = plain * b->classes;
	a->output_count = b->states - plain;
	a->outputs = ARENA_ARRAY(arena, struct automaton_output, a->output_count);
	a->ids = ARENA_ARRAY(arena, uint32_t, count);
	for (uint32_t s = 0, low = 0; s < b->states; s++)
		row[s] = has_output(b, s) ? plain + with++ : low++;
	a->next = ARENA_ARRAY(arena, uint32_t, (size_t)b->states * b->classes);
	for (uint32_t s = 0; s < b->states; s++) {
		uint32_t *to = a->next + (size_t)row[s] * b->classes;

		for (uint32_t c = 0; c < b->classes; c++)
			to[c] = row[b->next[s * b->classes + c]] * b->classes;
		if (!has_output(b, s))
			continue;
		struct automaton_output *out = &a->outputs[row[s] - plain];

		out->at = ids;
		for (uint32_t i = b->ends[s]; i; i = b->also[i - 1])
			a->ids[ids++] = atoms[i - 1].id;
		out->count = ids - out->at;
		out->up = b->up[s] ? row[b->up[s]] - plain + 1 : 0;
	}
	free(row);
}

struct automaton *automaton_new(struct arena *arena, const struct atom *atoms, uint32_t count,
				bool *left_out)
{
	if (!count)
		return NULL;
	struct automaton *a = ARENA_NEW(arena, struct automaton);
	size_t states = 1;

	set_classes(a, atoms, count);
	for (uint32_t i = 0; i < count; i++)
		states += atoms[i].bytes.len;
	size_t most = AUTOMATON_BYTES_MAX / (a->classes * sizeof(uint32_t));

	if (states > most)
		states = most;
	struct building b = {.classes = a->classes, .states = 1, .states_max = (uint32_t)states};

	b.next = xcalloc(states * b.classes, sizeof(*b.next));
	b.fail = xcalloc(states, sizeof(*b.fail));
	b.ends = xcalloc(states, sizeof(*b.ends));
	b.up = xcalloc(states, sizeof(*b.up));
	b.order = xcalloc(states, sizeof(*b.order));
	b.also = xcalloc(count, sizeof(*b.also));
	for (uint32_t i = 0; i < count; i++)
		left_out[i] = !insert(&b, a, atoms, i);
	link_suffixes(&b);
	finish(a, &b, arena, atoms, count);
	free(b.next);
	free(b.fail);
	free(b.ends);
	free(b.up);
	free(b.order);
	free(b.also);
	return a;
}
