/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/scan_internal.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "engine/ends_internal.h"
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

/* Where an atom is looked for. */
enum place {
	PLACE_SHORT, /* anywhere, but too short for a gram */
	PLACE_FLOATING,
	PLACE_PREFIX,
	PLACE_SUFFIX,
	PLACES,
};

struct scan {
	struct pattern *patterns;
	uint32_t count;
	struct ends *prefixes, *suffixes;
	struct automaton *shorts, *floating;
	struct grams *grams; /* of the floating atoms; NULL: the automaton runs over all */
	uint32_t *always;    /* patterns without an atom */
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
	enum place place;
	uint32_t rarity; /* with the bonus; 0: nothing found */
};

static void consider(struct choice *best, struct str atom, enum place place)
{
	uint32_t r = rarity(atom) + (place == PLACE_FLOATING ? 0 : ANCHORED_BONUS);

	if (place == PLACE_FLOATING && atom.len < GRAM_BYTES)
		place = PLACE_SHORT;
	if (atom.len && r > best->rarity)
		*best = (struct choice){atom, place, r};
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
		consider(best, first_bytes(run, ATOM_ANCHORED_MAX), PLACE_PREFIX);
	if (run.p + run.len == pattern.p + pattern.len)
		consider(best, last_bytes(run, ATOM_ANCHORED_MAX), PLACE_SUFFIX);
	for (size_t i = 0; i + ATOM_FLOATING_MAX <= run.len; i++)
		consider(best, (struct str){run.p + i, ATOM_FLOATING_MAX}, PLACE_FLOATING);
	if (run.len < ATOM_FLOATING_MAX)
		consider(best, run, PLACE_FLOATING);
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
				   .anchored = choice.place == PLACE_PREFIX ||
					       choice.place == PLACE_SUFFIX};
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
	bool proves = open && end ? choice->place == PLACE_FLOATING || choice->place == PLACE_SHORT
		      : open      ? choice->place == PLACE_SUFFIX
				  : choice->place == PLACE_PREFIX;

	return (open || end) && proves && choice->atom.len + open + end == text.len &&
	       (p->fold || !has_letter(text));
}

/* With so many atoms something like one of them is everywhere, and looking first does not pay. */
#define GRAM_ATOMS_MAX 1024

static struct grams *grams_of(struct arena *arena, const struct atom *atoms, uint32_t count)
{
	if (!count || count > GRAM_ATOMS_MAX)
		return NULL;
	struct grams *grams = ARENA_NEW(arena, struct grams);

	for (uint32_t i = 0; i < count; i++)
		grams_add(grams, atoms[i].bytes, rarity_of);
	return grams;
}

/* Atoms by where they are looked for; ids are numbers of patterns. */
struct atoms {
	struct atom *of[PLACES];
	uint32_t count[PLACES];
};

static void add_pattern(struct scan *scan, struct arena *arena, const struct scan_pattern *from,
			uint32_t number, struct atoms *atoms)
{
	struct pattern *p = &scan->patterns[number];
	struct choice choice = choose_atom(from->text);

	p->literal = from->literal;
	if (!choice.rarity || !atom_says_all(from, &choice))
		p->whole = eql_pattern_new(arena, from->text, from->fold);
	if (choice.rarity)
		atoms->of[choice.place][atoms->count[choice.place]++] =
		    (struct atom){choice.atom, number};
	else
		scan->always[scan->always_count++] = number;
}

/* Atoms that do not fit the automaton are never found: their patterns are tried on every value. */
static struct automaton *automaton_of(struct scan *scan, struct arena *arena,
				      const struct scan_pattern *patterns, const struct atom *atoms,
				      uint32_t count)
{
	bool *left_out = xcalloc((size_t)count + 1, sizeof(*left_out));
	struct automaton *a = automaton_new(arena, atoms, count, left_out);

	for (uint32_t i = 0; i < count; i++) {
		uint32_t number = atoms[i].id;

		if (!left_out[i])
			continue;
		scan->always[scan->always_count++] = number;
		scan->patterns[number].whole =
		    eql_pattern_new(arena, patterns[number].text, patterns[number].fold);
	}
	free(left_out);
	return a;
}

struct scan *scan_new(struct arena *arena, const struct scan_pattern *patterns, uint32_t count)
{
	struct atoms atoms = {0};

	if (!count)
		return NULL;
	struct scan *scan = ARENA_NEW(arena, struct scan);

	for (int p = 0; p < PLACES; p++)
		atoms.of[p] = xcalloc(count, sizeof(**atoms.of));
	scan->patterns = ARENA_ARRAY(arena, struct pattern, count);
	scan->always = ARENA_ARRAY(arena, uint32_t, count);
	scan->count = count;
	for (uint32_t i = 0; i < count; i++)
		add_pattern(scan, arena, &patterns[i], i, &atoms);
	scan->prefixes = ends_new(arena, false, atoms.of[PLACE_PREFIX], atoms.count[PLACE_PREFIX]);
	scan->suffixes = ends_new(arena, true, atoms.of[PLACE_SUFFIX], atoms.count[PLACE_SUFFIX]);
	scan->shorts =
	    automaton_of(scan, arena, patterns, atoms.of[PLACE_SHORT], atoms.count[PLACE_SHORT]);
	scan->floating = automaton_of(scan, arena, patterns, atoms.of[PLACE_FLOATING],
				      atoms.count[PLACE_FLOATING]);
	scan->grams = grams_of(arena, atoms.of[PLACE_FLOATING], atoms.count[PLACE_FLOATING]);
	for (int p = 0; p < PLACES; p++)
		free(atoms.of[p]);
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

static uint32_t outputs_of(const struct automaton *a)
{
	return a ? a->output_count : 0;
}

void scan_scratch_fit(struct scan_scratch *scratch, const struct scan *scan)
{
	if (!scan)
		return;
	uint32_t shorts = outputs_of(scan->shorts), floating = outputs_of(scan->floating);
	uint32_t seen = shorts > floating ? shorts : floating;

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
	uint64_t bytes = 0;
	size_t i = 0;

	for (; i + sizeof(bytes) <= w->s.len; i++) {
		memcpy(&bytes, w->s.p + i, sizeof(bytes));
		if (grams_have(grams, bytes))
			walk_window(w, a, &done, i);
	}
	/* Nothing may be read behind the text. */
	for (; i + GRAM_BYTES <= w->s.len; i++) {
		memcpy(&bytes, w->s.p + i, GRAM_BYTES);
		if (grams_have(grams, bytes))
			walk_window(w, a, &done, i);
	}
}

/* Patterns whose atoms are at an end, verified in place. */
static void look_at_end(struct walk *w, const struct ends *ends)
{
	uint32_t *found = w->scratch->found + w->found;
	uint32_t n = ends_find(ends, w->s, found);

	for (uint32_t i = 0; i < n; i++) {
		const struct pattern *p = &w->scan->patterns[found[i]];

		if (verify(p, w->s))
			w->scratch->found[w->found++] = p->literal;
	}
}

uint32_t scan_value(const struct scan *scan, struct str s, struct scan_scratch *scratch,
		    const uint32_t **found)
{
	struct walk w = {.scan = scan, .scratch = scratch, .s = s};

	if (scan->prefixes)
		look_at_end(&w, scan->prefixes);
	if (scan->suffixes)
		look_at_end(&w, scan->suffixes);
	if (scan->shorts) {
		start_walk(scratch);
		walk_part(&w, scan->shorts, 0, 0, s.len);
	}
	if (scan->floating) {
		start_walk(scratch);
		if (scan->grams)
			walk_around_grams(&w, scan->floating);
		else
			walk_part(&w, scan->floating, 0, 0, s.len);
	}
	for (uint32_t i = 0; i < scan->always_count; i++) {
		const struct pattern *p = &scan->patterns[scan->always[i]];

		if (verify(p, s))
			scratch->found[w.found++] = p->literal;
	}
	*found = scratch->found;
	return w.found;
}
