/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/grams_internal.h"

void grams_add(struct grams *grams, struct str atom, uint32_t (*rarity)(unsigned char c))
{
	uint32_t best = 0, rarest = 0;

	for (uint32_t i = 0; i + GRAM_BYTES <= atom.len; i++) {
		uint32_t sum = 0;

		for (uint32_t k = 0; k < GRAM_BYTES; k++)
			sum += rarity((unsigned char)atom.p[i + k]);
		if (sum > rarest) {
			rarest = sum;
			best = i;
		}
	}
	uint32_t hash = gram_hash(atom.p + best);

	grams->bits[hash / 64] |= UINT64_C(1) << (hash % 64);
	if (best > grams->before)
		grams->before = best;
	if (atom.len - best > grams->after)
		grams->after = (uint32_t)atom.len - best;
}
