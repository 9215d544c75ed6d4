/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/scan_internal.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "engine/automaton_internal.h"
#include "engine/grams_internal.h"
#include "eql/query.h"

/* Longer atoms are rarer but make larger tables. Of atoms looked for anywhere, 12 bytes measured
 * best over Elastic's patterns (3 bytes 1.6 times slower, 6 bytes 1.1); where one end is looked at,
 * the table is walked along one path only, so more is free. */
#define ATOM_FLOATING_MAX 12
#define ATOM_ANCHORED_MAX 24
/* What looking at one end only is worth, in the unit of rarity_of(): about one letter. */
#define ANCHORED_BONUS 4

struct pattern {
	const struct eql_pattern *whole; /* NULL: the atom says it all */
	uint32_t literal;
};

#define AUTOMATON_KINDS (AUTOMATON_SUFFIX + 1)

struct scan {
	struct pattern *patterns;
	uint32_t count;
	struct automaton *automata[AUTOMATON_KINDS];
	struct grams *grams; /* of the floating atoms; NULL: the automaton runs over all */
	uint32_t *always;    /* patterns no automaton has */
	uint32_t always_count;
};

struct scan_scratch {
	uint32_t serial; /* of the automaton walk */
	uint32_t *seen;  /* by output of the automaton walked: reported in walk number `serial` */
	uint32_t *found;
	uint32_t seen_cap, found_cap;
};

/* How rare a byte is in paths, names and command lines, roughly in bits. */
static uint32_t rarity_of(unsigned char c)
{
	c = ascii_lower(c);
	if (strchr("/e t-", c) && c)
		return 2;
	if (strchr("aoinsrl.cdupm", c) && c)
		return 3;
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ? 4 : 6;
}

static uint32_t rarity(struct str s)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < s.len; i++)
		sum += rarity_of((unsigned char)s.p[i]);
	return sum;
}

struct choice {
	struct str atom;
	enum automaton_kind kind;
	uint32_t rarity; /* with the bonus; 0: nothing found */
};

static void consider(struct choice *best, struct str atom, enum automaton_kind kind)
{
	uint32_t r = rarity(atom) + (kind == AUTOMATON_FLOATING ? 0 : ANCHORED_BONUS);

	if (atom.len && r > best->rarity)
		*best = (struct choice){atom, kind, r};
}

static struct str first_bytes(struct str s, size_t n)
{
	return (struct str){s.p, s.len < n ? s.len : n};
}

static struct str last_bytes(struct str s, size_t n)
{
	return s.len < n ? s : (struct str){s.p + (s.len - n), n};
}

/* One run of bytes without wildcards. */
static void consider_run(struct choice *best, struct str pattern, struct str run)
{
	if (run.p == pattern.p)
		consider(best, first_bytes(run, ATOM_ANCHORED_MAX), AUTOMATON_PREFIX);
	if (run.p + run.len == pattern.p + pattern.len)
		consider(best, last_bytes(run, ATOM_ANCHORED_MAX), AUTOMATON_SUFFIX);
	for (size_t i = 0; i + ATOM_FLOATING_MAX <= run.len; i++)
		consider(best, (struct str){run.p + i, ATOM_FLOATING_MAX}, AUTOMATON_FLOATING);
	if (run.len < ATOM_FLOATING_MAX)
		consider(best, run, AUTOMATON_FLOATING);
}

static struct choice choose_atom(struct str pattern)
{
	struct choice best = {0};
	size_t begin = 0;

	for (size_t i = 0; i <= pattern.len; i++) {
		if (i < pattern.len && pattern.p[i] != '*' && pattern.p[i] != '?')
			continue;
		consider_run(&best, pattern, (struct str){pattern.p + begin, i - begin});
		begin = i + 1;
	}
	return best;
}

struct scan_shape scan_shape_of(struct str pattern)
{
	struct choice choice = choose_atom(pattern);

	return (struct scan_shape){.rarity = choice.rarity,
				   .anchored = choice.kind != AUTOMATON_FLOATING};
}

static bool has_letter(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)((s.p[i] | 0x20) - 'a') < 26)
			return true;
	return false;
}

/* Is finding the atom, which is found without regard to case, all there is to matching? */
static bool atom_says_all(const struct scan_pattern *p, const struct choice *choice)
{
	struct str text = p->text;
	bool open = text.p[0] == '*', end = text.p[text.len - 1] == '*';
	enum automaton_kind proof = open && end ? AUTOMATON_FLOATING
				    : open      ? AUTOMATON_SUFFIX
						: AUTOMATON_PREFIX;

	return (open || end) && choice->kind == proof &&
	       choice->atom.len + open + end == text.len && (p->fold || !has_letter(text));
}

/* With so many atoms something like one of them is everywhere, and looking first does not pay. */
#define GRAM_ATOMS_MAX 1024

static struct grams *grams_of(struct arena *arena, const struct atom *atoms, uint32_t count)
{
	bool usable = count && count <= GRAM_ATOMS_MAX;

	for (uint32_t i = 0; i < count; i++)
		usable &= atoms[i].bytes.len >= GRAM_BYTES;
	if (!usable)
		return NULL;
	struct grams *grams = ARENA_NEW(arena, struct grams);

	for (uint32_t i = 0; i < count; i++)
		grams_add(grams, atoms[i].bytes, rarity_of);
	return grams;
}

struct scan *scan_new(struct arena *arena, const struct scan_pattern *patterns, uint32_t count)
{
	if (!count)
		return NULL;
	struct scan *scan = ARENA_NEW(arena, struct scan);
	struct atom *atoms[AUTOMATON_KINDS];
	uint32_t counts[AUTOMATON_KINDS] = {0};
	bool *left_out = xcalloc(count, sizeof(*left_out));

	for (int k = 0; k < AUTOMATON_KINDS; k++)
		atoms[k] = xcalloc(count, sizeof(**atoms));
	scan->patterns = ARENA_ARRAY(arena, struct pattern, count);
	scan->always = ARENA_ARRAY(arena, uint32_t, count);
	scan->count = count;
	for (uint32_t i = 0; i < count; i++) {
		struct pattern *p = &scan->patterns[i];
		struct choice choice = choose_atom(patterns[i].text);

		*p = (struct pattern){.literal = patterns[i].literal};
		if (!choice.rarity || !atom_says_all(&patterns[i], &choice))
			p->whole = eql_pattern_new(arena, patterns[i].text, patterns[i].fold);
		if (!choice.rarity) {
			scan->always[scan->always_count++] = i;
			continue;
		}
		atoms[choice.kind][counts[choice.kind]++] = (struct atom){choice.atom, i};
	}
	scan->grams = grams_of(arena, atoms[AUTOMATON_FLOATING], counts[AUTOMATON_FLOATING]);
	for (int k = 0; k < AUTOMATON_KINDS; k++) {
		scan->automata[k] =
		    automaton_new(arena, (enum automaton_kind)k, atoms[k], counts[k], left_out);
		for (uint32_t i = 0; i < counts[k]; i++)
			if (left_out[i])
				scan->always[scan->always_count++] = atoms[k][i].id;
		free(atoms[k]);
	}
	/* Of those left out of an automaton the atom is never found. */
	for (uint32_t i = 0; i < scan->always_count; i++) {
		const struct scan_pattern *p = &patterns[scan->always[i]];

		scan->patterns[scan->always[i]].whole = eql_pattern_new(arena, p->text, p->fold);
	}
	free(left_out);
	return scan;
}

struct scan_scratch *scan_scratch_new(void)
{
	return xcalloc(1, sizeof(struct scan_scratch));
}

void scan_scratch_free(struct scan_scratch *scratch)
{
	if (!scratch)
		return;
	free(scratch->seen);
	free(scratch->found);
	free(scratch);
}

void scan_scratch_fit(struct scan_scratch *scratch, const struct scan *scan)
{
	uint32_t seen = scratch->seen_cap;

	if (!scan)
		return;
	for (int k = 0; k < AUTOMATON_KINDS; k++)
		if (scan->automata[k] && scan->automata[k]->output_count > seen)
			seen = scan->automata[k]->output_count;
	if (seen > scratch->seen_cap) {
		scratch->seen = xreallocarray(scratch->seen, seen, sizeof(*scratch->seen));
		memset(scratch->seen, 0, seen * sizeof(*scratch->seen));
		scratch->serial = 0;
		scratch->seen_cap = seen;
	}
	if (scan->count > scratch->found_cap) {
		scratch->found =
		    xreallocarray(scratch->found, scan->count, sizeof(*scratch->found));
		scratch->found_cap = scan->count;
	}
}

static bool verify(const struct pattern *p, struct str s)
{
	return !p->whole || eql_pattern_fits(p->whole, s);
}

struct walk {
	const struct scan *scan;
	struct scan_scratch *scratch;
	struct str s;
	uint32_t found;
};

/* An output seen before in this walk has been reported, and all shorter ones after it: so a text
 * that repeats an atom costs one comparison per byte, whatever the number of patterns. */
static void report(struct walk *w, const struct automaton *a, uint32_t row)
{
	uint32_t at = (row - a->first_output) / a->classes;

	for (;;) {
		const struct automaton_output *out = &a->outputs[at];

		if (w->scratch->seen[at] == w->scratch->serial)
			return;
		w->scratch->seen[at] = w->scratch->serial;
		for (uint32_t i = 0; i < out->count; i++) {
			const struct pattern *p = &w->scan->patterns[a->ids[out->at + i]];

			if (verify(p, w->s))
				w->scratch->found[w->found++] = p->literal;
		}
		if (!out->up)
			return;
		at = out->up - 1;
	}
}

static void start_walk(struct scan_scratch *scratch)
{
	if (++scratch->serial)
		return;
	memset(scratch->seen, 0, scratch->seen_cap * sizeof(*scratch->seen));
	scratch->serial = 1;
}

/* Goes on from `row` over the bytes from `from` to `to`. */
static uint32_t walk_part(struct walk *w, const struct automaton *a, uint32_t row, size_t from,
			  size_t to)
{
	const unsigned char *p = (const unsigned char *)w->s.p;
	const uint32_t *next = a->next;

	for (size_t i = from; i < to; i++) {
		row = next[row + a->class_of[p[i]]];
		if (row >= a->first_output)
			report(w, a, row);
	}
	return row;
}

/* How far the automaton has gone, and where it stands. */
struct stretch {
	size_t walked;
	uint32_t row;
};

static void walk_window(struct walk *w, const struct automaton *a, struct stretch *done, size_t at)
{
	const struct grams *grams = w->scan->grams;
	size_t from = at > grams->before ? at - grams->before : 0;
	size_t to = at + grams->after < w->s.len ? at + grams->after : w->s.len;

	if (from > done->walked)
		*done = (struct stretch){.walked = from};
	done->row = walk_part(w, a, done->row, done->walked, to);
	done->walked = to;
}

static void walk_around_grams(struct walk *w, const struct automaton *a)
{
	const struct grams *grams = w->scan->grams;
	struct stretch done = {0};

	for (size_t i = 0; i + GRAM_BYTES <= w->s.len; i++)
		if (grams_have(grams, w->s.p + i))
			walk_window(w, a, &done, i);
}

static void walk_floating(struct walk *w, const struct automaton *a)
{
	start_walk(w->scratch);
	if (w->scan->grams)
		walk_around_grams(w, a);
	else
		walk_part(w, a, 0, 0, w->s.len);
}

static void walk_anchored(struct walk *w, const struct automaton *a, bool backwards)
{
	const unsigned char *p = (const unsigned char *)w->s.p;
	uint32_t row = 0;

	start_walk(w->scratch);
	for (size_t i = 0; i < w->s.len; i++) {
		row = a->next[row + a->class_of[p[backwards ? w->s.len - 1 - i : i]]];
		if (!row)
			return;
		if (row >= a->first_output)
			report(w, a, row);
	}
}

uint32_t scan_value(const struct scan *scan, struct str s, struct scan_scratch *scratch,
		    const uint32_t **found)
{
	struct walk w = {.scan = scan, .scratch = scratch, .s = s};

	if (scan->automata[AUTOMATON_PREFIX])
		walk_anchored(&w, scan->automata[AUTOMATON_PREFIX], false);
	if (scan->automata[AUTOMATON_SUFFIX])
		walk_anchored(&w, scan->automata[AUTOMATON_SUFFIX], true);
	if (scan->automata[AUTOMATON_FLOATING])
		walk_floating(&w, scan->automata[AUTOMATON_FLOATING]);
	for (uint32_t i = 0; i < scan->always_count; i++) {
		const struct pattern *p = &scan->patterns[scan->always[i]];

		if (verify(p, s))
			scratch->found[w.found++] = p->literal;
	}
	*found = scratch->found;
	return w.found;
}
