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
	enum scan_part part;
};

/* Where an atom is looked for. */
enum place {
	PLACE_SHORT, /* anywhere, and of a few bytes */
	PLACE_FLOATING,
	PLACE_PREFIX,
	PLACE_SUFFIX,
	PLACES,
};

static const enum scan_part part_of_place[PLACES] = {
    [PLACE_SHORT] = SCAN_SHORT,
    [PLACE_FLOATING] = SCAN_FLOATING,
    [PLACE_PREFIX] = SCAN_PREFIX,
    [PLACE_SUFFIX] = SCAN_SUFFIX,
};

struct scan {
	struct pattern *patterns;
	uint32_t count;
	struct ends *prefixes, *suffixes;
	struct grams *shorts, *floating;
	uint32_t *always; /* patterns without an atom */
	uint32_t always_count;
};

struct scan_scratch {
	uint32_t serial; /* of the search */
	uint32_t *seen;  /* by atom of the table searched: found in search number `serial` */
	uint32_t *found;
	uint32_t cap; /* of both */
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

	if (place == PLACE_FLOATING && atom.len < gram_size_least(GRAMS_LONG))
		place = PLACE_SHORT;
	/* One or two letters anywhere are not worth looking for: such a pattern is tried. */
	if (atom.len < (place == PLACE_SHORT ? gram_size_least(GRAMS_SHORT) : 1))
		return;
	if (r > best->rarity)
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
	p->part = choice.rarity ? part_of_place[choice.place] : SCAN_ALWAYS;
	if (!choice.rarity || !atom_says_all(from, &choice))
		p->whole = eql_pattern_new(arena, from->text, from->fold);
	if (choice.rarity)
		atoms->of[choice.place][atoms->count[choice.place]++] =
		    (struct atom){choice.atom, number};
	else
		scan->always[scan->always_count++] = number;
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
	scan->shorts = grams_new(arena, GRAMS_SHORT, atoms.of[PLACE_SHORT],
				 atoms.count[PLACE_SHORT], rarity_of);
	scan->floating = grams_new(arena, GRAMS_LONG, atoms.of[PLACE_FLOATING],
				   atoms.count[PLACE_FLOATING], rarity_of);
	for (int p = 0; p < PLACES; p++)
		free(atoms.of[p]);
	return scan;
}

enum scan_part scan_part_of(const struct scan *scan, uint32_t number)
{
	return scan->patterns[number].part;
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
	if (!scan || scan->count <= scratch->cap)
		return;
	scratch->cap = scan->count;
	scratch->found = xreallocarray(scratch->found, scratch->cap, sizeof(*scratch->found));
	scratch->seen = xreallocarray(scratch->seen, scratch->cap, sizeof(*scratch->seen));
	memset(scratch->seen, 0, scratch->cap * sizeof(*scratch->seen));
	scratch->serial = 0;
}

static uint32_t next_search(struct scan_scratch *scratch)
{
	if (!++scratch->serial) {
		memset(scratch->seen, 0, scratch->cap * sizeof(*scratch->seen));
		scratch->serial = 1;
	}
	return scratch->serial;
}

static bool verify(const struct pattern *p, struct str s)
{
	return !p->whole || eql_pattern_fits(p->whole, s);
}

/* Of the patterns whose atom was found, by number, those that match and are wanted: their literals
 * take the place of the numbers. Returns how many. */
static uint32_t verify_all(const struct scan *scan, struct str s, const struct scan_want *want,
			   uint32_t *found, uint32_t count)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < count; i++) {
		const struct pattern *p = &scan->patterns[found[i]];

		if ((!want || want->literal(want->context, p->literal)) && verify(p, s))
			found[n++] = p->literal;
	}
	return n;
}

uint32_t scan_value(const struct scan *scan, struct str s, const struct scan_want *want,
		    struct scan_scratch *scratch, const uint32_t **found)
{
	uint32_t *all = scratch->found, n = 0, parts = want ? want->parts : UINT32_MAX;

	if (scan->prefixes && (parts & SCAN_PREFIX))
		n += ends_find(scan->prefixes, s, all + n);
	if (scan->suffixes && (parts & SCAN_SUFFIX))
		n += ends_find(scan->suffixes, s, all + n);
	if (scan->shorts && (parts & SCAN_SHORT))
		n += grams_find(scan->shorts, s, scratch->seen, next_search(scratch), all + n);
	if (scan->floating && (parts & SCAN_FLOATING))
		n += grams_find(scan->floating, s, scratch->seen, next_search(scratch), all + n);
	for (uint32_t i = 0; (parts & SCAN_ALWAYS) && i < scan->always_count; i++)
		all[n++] = scan->always[i];
	*found = all;
	return verify_all(scan, s, want, all, n);
}
