/* SPDX-License-Identifier: Apache-2.0 */
#include "base/slabs.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/alloc.h"

#define REGION_BYTES ((size_t)2 << 20)
#define SLAB_BYTES ((size_t)64 << 10)
#define SLABS_PER_REGION (REGION_BYTES / SLAB_BYTES)
/* Few regions are left as they are: a large page is there as a whole once a byte of it is. */
#define SMALL_REGIONS 2

/* Sizes are multiples of 64, a cache line, up to 1 KB, and of 256 up to 8 KB; malloc() is good
 * enough at the few that are larger. */
#define FINE_STEP 64
#define FINE_MAX 1024
#define COARSE_STEP 256
#define COARSE_MAX 8192
#define FINE_CLASSES (FINE_MAX / FINE_STEP)
#define CLASSES (FINE_CLASSES + (COARSE_MAX - FINE_MAX) / COARSE_STEP)

/* With a sanitizer every thing is malloc()'s, so that it sees what is used too long. */
#if defined(__SANITIZE_ADDRESS__)
#define PLAIN true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer)
#define PLAIN true
#endif
#endif
#ifndef PLAIN
#define PLAIN false
#endif

struct free_thing {
	struct free_thing *next;
};

struct slab {
	struct slab *before, *next; /* those with room for this class; or of free slabs: next */
	struct region *region;
	struct free_thing *free;
	uint32_t used;        /* things */
	uint32_t begun, room; /* things ever taken of it; that it has place for */
	uint32_t class;
};

/* Things begin at a cache line of their own. */
#define HEADER_BYTES ((sizeof(struct slab) + FINE_STEP - 1) / FINE_STEP * FINE_STEP)
/* Headers are not all at the begin of their slab: a cache has few places for addresses that are
 * alike in all of their low bits. */
#define COLOURS 32

struct region {
	char *bytes;
	uint32_t used; /* slabs */
	uint32_t place;
};

struct slabs {
	struct slab *with_room[CLASSES];
	struct slab *free;       /* slabs of all regions that are of no class now */
	struct region **regions; /* region->place is where */
	uint32_t region_count, region_cap;
};

struct slabs *slabs_new(void)
{
	return xcalloc(1, sizeof(struct slabs));
}

static void region_free(struct slabs *slabs, struct region *region)
{
	struct region *last = slabs->regions[--slabs->region_count];

	slabs->regions[region->place] = last;
	last->place = region->place;
	free(region->bytes);
	free(region);
}

void slabs_free(struct slabs *slabs)
{
	if (!slabs)
		return;
	while (slabs->region_count)
		region_free(slabs, slabs->regions[0]);
	free(slabs->regions);
	free(slabs);
}

size_t slabs_bytes(const struct slabs *slabs)
{
	return slabs->region_count * REGION_BYTES;
}

/* Of any address in the slab. */
static struct slab *slab_at(const void *address)
{
	uintptr_t begin = (uintptr_t)address & ~(uintptr_t)(SLAB_BYTES - 1);

	return (struct slab *)(begin + begin / SLAB_BYTES % COLOURS * FINE_STEP);
}

static char *things_of(struct slab *slab)
{
	return (char *)slab + HEADER_BYTES;
}

static uint32_t room_of(struct slab *slab, size_t bytes)
{
	uintptr_t end = ((uintptr_t)slab | (SLAB_BYTES - 1)) + 1;

	return (uint32_t)((end - (uintptr_t)things_of(slab)) / bytes);
}

static uint32_t class_of(size_t bytes)
{
	if (bytes <= FINE_MAX)
		return bytes ? (uint32_t)((bytes - 1) / FINE_STEP) : 0;
	return (uint32_t)(FINE_CLASSES + (bytes - FINE_MAX - 1) / COARSE_STEP);
}

static size_t bytes_of(uint32_t class)
{
	if (class < FINE_CLASSES)
		return (size_t)(class + 1) * FINE_STEP;
	return FINE_MAX + (size_t)(class - FINE_CLASSES + 1) * COARSE_STEP;
}

static void add_free_slab(struct slabs *slabs, struct slab *slab)
{
	slab->before = NULL;
	slab->next = slabs->free;
	if (slabs->free)
		slabs->free->before = slab;
	slabs->free = slab;
}

static void unlink_from(struct slab **list, struct slab *slab)
{
	*(slab->before ? &slab->before->next : list) = slab->next;
	if (slab->next)
		slab->next->before = slab->before;
}

static void add_region(struct slabs *slabs)
{
	struct region *region = xmalloc(sizeof(*region));

	*region = (struct region){.bytes = xaligned_alloc(REGION_BYTES, REGION_BYTES),
				  .place = slabs->region_count};
	if (slabs->region_count >= SMALL_REGIONS)
		(void)madvise(region->bytes, REGION_BYTES, MADV_HUGEPAGE); /* only a wish */
	if (slabs->region_count == slabs->region_cap) {
		slabs->region_cap = slabs->region_cap ? slabs->region_cap * 2 : 8;
		slabs->regions =
		    xreallocarray(slabs->regions, slabs->region_cap, sizeof(*slabs->regions));
	}
	slabs->regions[slabs->region_count++] = region;
	/* The first is used first. */
	for (size_t i = SLABS_PER_REGION; i-- > 0;) {
		struct slab *slab = slab_at(region->bytes + i * SLAB_BYTES);

		slab->region = region;
		add_free_slab(slabs, slab);
	}
}

static struct slab *add_slab(struct slabs *slabs, uint32_t class)
{
	if (!slabs->free)
		add_region(slabs);
	struct slab *slab = slabs->free;

	unlink_from(&slabs->free, slab);
	slab->region->used++;
	slab->before = slab->next = NULL;
	slab->free = NULL;
	slab->used = slab->begun = 0;
	slab->room = room_of(slab, bytes_of(class));
	slab->class = class;
	slabs->with_room[class] = slab;
	return slab;
}

void *slabs_take(struct slabs *slabs, size_t bytes)
{
	if (PLAIN || bytes > COARSE_MAX)
		return xmalloc(bytes);
	uint32_t class = class_of(bytes);
	struct slab *slab = slabs->with_room[class];

	if (!slab)
		slab = add_slab(slabs, class);
	struct free_thing *thing = slab->free;

	if (thing)
		slab->free = thing->next;
	else
		thing = (void *)(things_of(slab) + slab->begun++ * bytes_of(class));
	if (++slab->used == slab->room)
		unlink_from(&slabs->with_room[class], slab);
	return thing;
}

void *slabs_take_zeroed(struct slabs *slabs, size_t bytes)
{
	return memset(slabs_take(slabs, bytes), 0, bytes);
}

static void slab_unused(struct slabs *slabs, struct slab *slab)
{
	struct region *region = slab->region;

	unlink_from(&slabs->with_room[slab->class], slab);
	add_free_slab(slabs, slab);
	/* One is kept, for what goes up and down. */
	if (--region->used || slabs->region_count == 1)
		return;
	for (size_t i = 0; i < SLABS_PER_REGION; i++)
		unlink_from(&slabs->free, slab_at(region->bytes + i * SLAB_BYTES));
	region_free(slabs, region);
}

void slabs_give(struct slabs *slabs, void *thing, size_t bytes)
{
	if (PLAIN || bytes > COARSE_MAX || !thing) {
		free(thing);
		return;
	}
	struct slab *slab = slab_at(thing);
	struct free_thing *given = thing;

	given->next = slab->free;
	slab->free = given;
	if (slab->used-- == slab->room) {
		slab->before = NULL;
		slab->next = slabs->with_room[slab->class];
		if (slab->next)
			slab->next->before = slab;
		slabs->with_room[slab->class] = slab;
	}
	if (!slab->used && slabs->with_room[slab->class]->next)
		slab_unused(slabs, slab);
}
