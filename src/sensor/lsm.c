/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/lsm.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/log.h"
#include "sensor/calls.h"

#include "lsm.skel.h"

/* The ways to a decision, best first. */
enum way {
	WAY_LSM,
	WAY_FENTRY,
	WAY_COUNT
};

static const struct {
	const char *program;  /* its program, before the hook's name */
	const char *function; /* the kernel's function it is attached to, likewise */
	const char *name;
	enum sensor_layer layer; /* that asks for it alone */
} ways[WAY_COUNT] = {
    [WAY_LSM] = {"lsm_path_", "bpf_lsm_path_", "LSM hooks path_*", SENSOR_LAYER_LSM},
    [WAY_FENTRY] = {"fentry_path_", "security_path_", "fentry of security_path_*",
		    SENSOR_LAYER_FENTRY},
};

static const char *const hook_names[PATH_HOOK_COUNT] = {
#define PATH_HOOK(id, name, what) [PATH_HOOK_##id] = #name,
#include "sensor/path_hooks.def"
#undef PATH_HOOK
};

/* All of a way in one object, or each hook in its own where that is refused. */
#define OBJECTS_MAX (2 * PATH_HOOK_COUNT)
#define ALL_HOOKS ((1u << PATH_HOOK_COUNT) - 1)

struct lsm {
	struct lsm_bpf *object[OBJECTS_MAX]; /* that have a hook that works */
	int objects;
	struct bpf_link *link[PATH_HOOK_COUNT];
	uint32_t hooks[WAY_COUNT];   /* those that work, by way */
	uint32_t silent[WAY_COUNT];  /* attached, but told nothing */
	uint32_t refused[WAY_COUNT]; /* could not be loaded */
	int error[WAY_COUNT];        /* why: -errno */
	/* of lsm_open */
	const struct wire_config *config;
	const uint64_t *demand_bits;
	lsm_prepare *prepare;
	void *context;
};

static bool has_function(const struct btf *btf, enum way way, enum path_hook hook)
{
	char name[64];

	snprintf(name, sizeof(name), "%s%s", ways[way].function, hook_names[hook]);
	return btf__find_by_name_kind(btf, name, BTF_KIND_FUNC) >= 0;
}

static struct bpf_program *program_of(const struct lsm_bpf *object, enum way way,
				      enum path_hook hook)
{
	char name[64];

	snprintf(name, sizeof(name), "%s%s", ways[way].program, hook_names[hook]);
	return bpf_object__find_program_by_name(object->obj, name);
}

int lsm_share(const struct lsm *lsm, struct bpf_object *object)
{
	static const char *const names[] = {"asked", "decided_small", "decided_large"};
	int err = 0;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && !err; i++) {
		struct bpf_map *map = bpf_object__find_map_by_name(object, names[i]);

		if (map && lsm->objects)
			err = bpf_map__reuse_fd(map, bpf_map__fd(bpf_object__find_map_by_name(
							 lsm->object[0]->obj, names[i])));
		else if (map)
			err = bpf_map__set_max_entries(map, 1);
	}
	return err;
}

static int configure(struct lsm *lsm, struct lsm_bpf *object, enum way way, uint32_t hooks)
{
	int cpus = libbpf_num_possible_cpus(), err;

	if (cpus < 0)
		return cpus;
	object->rodata->config = *lsm->config;
	memcpy(object->rodata->demand_bits, lsm->demand_bits, sizeof(object->rodata->demand_bits));
	for (int w = 0; w < WAY_COUNT; w++)
		for (int hook = 0; hook < PATH_HOOK_COUNT; hook++)
			bpf_program__set_autoload(program_of(object, w, hook),
						  w == (int)way && hooks >> hook & 1);
	err = bpf_map__set_max_entries(object->maps.busy, (uint32_t)cpus);
	if (!err)
		err = lsm->prepare(lsm->context, object->obj);
	if (!err && lsm->objects)
		err = lsm_share(lsm, object->obj);
	return err;
}

/* Attach the loaded programs, try them, and keep those that work. */
static uint32_t attach(struct lsm *lsm, struct lsm_bpf *object, enum way way, uint32_t hooks)
{
	uint32_t works;

	for (int hook = 0; hook < PATH_HOOK_COUNT; hook++)
		if (hooks >> hook & 1) {
			lsm->link[hook] = bpf_program__attach(program_of(object, way, hook));
			if (!lsm->link[hook])
				hooks &= ~(1u << hook);
		}
	works = hooks & lsm_probe(bpf_map__fd(object->maps.asked),
				  bpf_map__fd(object->maps.decided_small),
				  bpf_map__fd(object->maps.programs));
	for (int hook = 0; hook < PATH_HOOK_COUNT; hook++)
		if (hooks >> hook & 1 && !(works >> hook & 1)) {
			bpf_link__destroy(lsm->link[hook]);
			lsm->link[hook] = NULL;
		}
	lsm->silent[way] |= hooks & ~works;
	lsm->hooks[way] |= works;
	return works;
}

static int load(struct lsm *lsm, enum way way, uint32_t hooks)
{
	struct lsm_bpf *object = lsm_bpf__open();
	int err = object ? configure(lsm, object, way, hooks) : -errno;

	if (!err)
		err = lsm_bpf__load(object);
	if (!err && attach(lsm, object, way, hooks))
		lsm->object[lsm->objects++] = object;
	else
		lsm_bpf__destroy(object);
	return err;
}

static void load_or_refuse(struct lsm *lsm, enum way way, uint32_t hooks)
{
	int err = load(lsm, way, hooks);

	if (!err)
		return;
	lsm->error[way] = err;
	/* A kernel that forbids the kind of program forbids each. One that lacks something, such as
	 * arguments that are structs (path_chown's, before 6.0), refuses one hook. */
	if (err == -EPERM || !(hooks & (hooks - 1))) {
		lsm->refused[way] |= hooks;
		return;
	}
	for (int hook = 0; hook < PATH_HOOK_COUNT; hook++)
		if (hooks >> hook & 1)
			load_or_refuse(lsm, way, 1u << hook);
}

static void try_way(struct lsm *lsm, enum way way, const struct btf *btf)
{
	uint32_t hooks = 0;

	for (int hook = 0; hook < PATH_HOOK_COUNT; hook++)
		if (!(lsm_hooks(lsm) >> hook & 1) && has_function(btf, way, hook))
			hooks |= 1u << hook;
	if (hooks)
		load_or_refuse(lsm, way, hooks);
}

/* "rename, unlink"; NULL when there is none. */
static const char *list(struct buf *buf, uint32_t hooks)
{
	buf_reset(buf);
	for (int hook = 0; hook < PATH_HOOK_COUNT; hook++)
		if (hooks >> hook & 1)
			buf_printf(buf, "%s%s", buf->len ? ", " : "", hook_names[hook]);
	buf_add_char(buf, '\0');
	return buf->len > 1 ? buf->p : NULL;
}

int lsm_open(struct lsm **out, enum sensor_layer layer, const struct wire_config *config,
	     const uint64_t *demand_bits, const struct btf *btf, lsm_prepare *prepare,
	     void *context)
{
	struct lsm *lsm = xcalloc(1, sizeof(*lsm));

	lsm->config = config;
	lsm->demand_bits = demand_bits;
	lsm->prepare = prepare;
	lsm->context = context;
	for (int way = 0; way < WAY_COUNT; way++)
		if (layer == SENSOR_LAYER_AUTO || layer == ways[way].layer)
			try_way(lsm, way, btf);
	lsm->config = NULL;
	lsm->demand_bits = NULL;
	*out = lsm;
	if (layer == SENSOR_LAYER_AUTO || layer == SENSOR_LAYER_TRACEPOINT || lsm_hooks(lsm))
		return 0;
	for (int way = 0; way < WAY_COUNT; way++)
		if (layer == ways[way].layer)
			log_error("sensor: %s do not work on this kernel (%s); --layer auto takes "
				  "what does",
				  ways[way].name,
				  lsm->refused[way]  ? strerror(-lsm->error[way])
				  : lsm->silent[way] ? "attached, but never called"
						     : "it has none");
	return -ENOTSUP;
}

void lsm_detach(struct lsm *lsm)
{
	for (int hook = 0; lsm && hook < PATH_HOOK_COUNT; hook++) {
		bpf_link__destroy(lsm->link[hook]);
		lsm->link[hook] = NULL;
	}
}

void lsm_close(struct lsm *lsm)
{
	if (!lsm)
		return;
	lsm_detach(lsm);
	for (int i = 0; i < lsm->objects; i++)
		lsm_bpf__destroy(lsm->object[i]);
	free(lsm);
}

uint32_t lsm_hooks(const struct lsm *lsm)
{
	return lsm ? lsm->hooks[WAY_LSM] | lsm->hooks[WAY_FENTRY] : 0;
}

struct bpf_object *lsm_object(const struct lsm *lsm, int n)
{
	return lsm && n < lsm->objects ? lsm->object[n]->obj : NULL;
}

void lsm_report(const struct lsm *lsm)
{
	struct buf text = {0};
	const char *names;

	for (int way = 0; lsm && way < WAY_COUNT; way++) {
		if ((names = list(&text, lsm->silent[way])))
			log_info("sensor: %s can be attached and are not called on this kernel: %s",
				 ways[way].name, names);
		if ((names = list(&text, lsm->refused[way])))
			log_info("sensor: %s refused by this kernel (%s): %s", ways[way].name,
				 strerror(-lsm->error[way]), names);
		if ((names = list(&text, lsm->hooks[way])))
			log_info("sensor: %s serve %s: their paths are those the kernel decided on",
				 ways[way].name, names);
	}
	names = list(&text, ALL_HOOKS & ~lsm_hooks(lsm));
	log_info("sensor: names given to %s%ssetxattr are the caller's strings, read as the call "
		 "begins; a thread of the caller could change them in between, fanotify is the "
		 "check on that",
		 names ? names : "", names ? ", " : "");
	buf_free(&text);
}
