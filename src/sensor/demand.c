/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/demand.h"

#include <string.h>

void demand_key(const struct demand *demand, struct demand_key *key)
{
	size_t n = demand->text.len < DEMAND_TEXT_BYTES ? demand->text.len : DEMAND_TEXT_BYTES - 1;

	memset(key, 0, sizeof(*key));
	/* the kernel side's reads end with a NUL, so the last byte is never part of a name */
	memcpy(key->text, demand->text.p, n);
	key->kind = (uint8_t)demand->kind;
}

uint32_t demand_kinds(const struct file_demand *demand)
{
	/* With nothing asked for there must still be a bit, or everything would be. */
	uint32_t kinds = 1u << DEMAND_NAME;

	if (!demand || demand->all)
		return 0;
	for (uint32_t i = 0; i < demand->count; i++)
		kinds |= 1u << demand->items[i].kind;
	return kinds;
}

static bool has_part(struct str name, struct str part)
{
	for (size_t i = 0; i + part.len <= name.len; i++)
		if (str_eq_fold((struct str){name.p + i, part.len}, part))
			return true;
	return false;
}

static bool fits(const struct demand *demand, struct str name, struct str executable)
{
	struct str cut = {name.p,
			  name.len < DEMAND_PROGRAM_BYTES ? name.len : DEMAND_PROGRAM_BYTES};

	switch (demand->kind) {
	case DEMAND_PROGRAM:
	case DEMAND_ARMS:
		return str_eq_fold(cut, demand->text);
	case DEMAND_PROGRAM_START:
		return str_starts_fold(name, demand->text);
	case DEMAND_PROGRAM_PART:
		return name.len >= DEMAND_PROGRAM_BYTES || has_part(name, demand->text);
	case DEMAND_PROGRAM_PATH:
		return str_starts_fold(executable, demand->text);
	default:
		return false;
	}
}

uint32_t demand_program(const struct file_demand *demand, struct str name, struct str executable)
{
	uint32_t flags = 0;

	for (uint32_t i = 0; i < demand->count; i++)
		if (fits(&demand->items[i], name, executable))
			flags |=
			    demand->items[i].kind == DEMAND_ARMS ? PROGRAM_ARMS : PROGRAM_WANTED;
	return flags;
}
