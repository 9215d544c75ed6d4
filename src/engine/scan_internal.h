/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Wildcard patterns of one field, matched against a value all at once.
 *
 * Of every pattern one piece without wildcards, the atom, is looked for: at the beginning of the
 * value ("/tmp/" of "/tmp/x?*"), at its end, or anywhere, whichever piece looks rarest. Only where
 * an atom is found its pattern is verified, and not even then if the atom says it all ("*foo*").
 * A pattern without any literal ("?*") is tried on every value.
 */
#ifndef LINTEL_ENGINE_SCAN_INTERNAL_H
#define LINTEL_ENGINE_SCAN_INTERNAL_H

#include "base/arena.h"

struct scan_pattern {
	struct str text; /* lower case when it folds */
	bool fold;
	uint32_t literal; /* reported */
};

/* How likely a value has what the pattern needs; what rarity a piece has, see scan.c. */
struct scan_shape {
	uint32_t rarity; /* 0: no literal at all */
	bool anchored;   /* its atom is looked for at one end only */
};

/* Where the atom of a pattern is looked for. Not all are of interest every time. */
enum scan_part {
	SCAN_PREFIX = 1,
	SCAN_SUFFIX = 2,
	SCAN_SHORT = 4, /* anywhere, and of a few bytes */
	SCAN_FLOATING = 8,
	SCAN_ALWAYS = 16, /* nowhere: the pattern has none */
};

struct scan;
struct scan_scratch;

/* What is looked for: patterns of these parts (enum scan_part), and of them those whose literal is
 * wanted, for verifying a pattern costs more than finding its atom. */
struct scan_want {
	uint32_t parts;
	bool (*literal)(const void *context, uint32_t literal);
	const void *context;
};

/* `patterns` is copied, their texts are borrowed. NULL for none. */
struct scan *scan_new(struct arena *arena, const struct scan_pattern *patterns, uint32_t count);
struct scan_shape scan_shape_of(struct str pattern);
/* Of the pattern that had this number in scan_new(). */
enum scan_part scan_part_of(const struct scan *scan, uint32_t number);

/* A scratch serves any number of scans, one after the other. */
struct scan_scratch *scan_scratch_new(void);
void scan_scratch_free(struct scan_scratch *scratch);
/* Before a scratch is first used with a scan. Not while matching. */
void scan_scratch_fit(struct scan_scratch *scratch, const struct scan *scan);

/* The literals whose patterns match `s`, each once, in `*found`: good until the next call with
 * this scratch. `want` NULL: all of them. Takes time in the length of `s` and the number of patterns
 * to verify. */
uint32_t scan_value(const struct scan *scan, struct str s, const struct scan_want *want,
		    struct scan_scratch *scratch, const uint32_t **found);

#endif
