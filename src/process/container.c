/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Container ids in cgroup paths. What the runtimes call their cgroups:
 *
 *	docker, podman, containerd, CRI-O by systemd:	.../docker-<64 hex>.scope, libpod-,
 *							cri-containerd-, crio-
 *	docker by cgroupfs, Kubernetes:			/docker/<64 hex>,
 *							/kubepods/.../pod<uid>/<64 hex>
 *	containerd under its own slice:			system.slice:cri-containerd:<64 hex>
 *	Garden (Cloud Foundry):				/garden/<8-4-4-4-4 hex>, /garden/<UUID>
 *	LXC and Incus:					/lxc.payload.<name>, /lxc/<name>
 *
 * A process can make cgroups of any name where it may write; the id is a claim of whoever owns the
 * hierarchy, as everywhere else that reads it.
 */
#include "process/process_internal.h"

#include <ctype.h>

#define HEX_ID_LEN 64
/* Garden's handles: 8-4-4-4-4 hex digits with dashes, or a UUID. Only the first is telling enough
 * by itself. */
#define GARDEN_ID_LEN 28
#define UUID_LEN 36

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

/* 64 hex digits that neither begin nor end inside a longer word. */
static struct str hex_id_in(struct str part)
{
	size_t run = 0;

	for (size_t i = 0; i <= part.len; i++) {
		if (i < part.len && is_hex(part.p[i])) {
			run++;
			continue;
		}
		bool ends = i == part.len || !isalnum((unsigned char)part.p[i]);
		size_t start = i - run;
		bool begins = start == 0 || !isalnum((unsigned char)part.p[start - 1]);

		if (run == HEX_ID_LEN && begins && ends)
			return (struct str){part.p + start, run};
		run = 0;
	}
	return STR_NULL;
}

static bool is_garden_id(struct str part, struct str before)
{
	bool uuid = part.len == UUID_LEN && str_eq(before, STR("garden"));

	if (part.len != GARDEN_ID_LEN && !uuid)
		return false;
	for (size_t i = 0; i < part.len; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? part.p[i] != '-' : !is_hex(part.p[i]))
			return false;
	}
	return true;
}

static struct str lxc_name(struct str part, struct str before)
{
	static const struct str payload = {"lxc.payload.", 12};

	if (str_starts(part, payload))
		part = (struct str){part.p + payload.len, part.len - payload.len};
	else if (!str_eq(before, STR("lxc")))
		return STR_NULL;
	return part.len <= CONTAINER_ID_MAX ? part : STR_NULL;
}

static struct str next_part(struct str *path)
{
	const char *slash = path->len ? memchr(path->p, '/', path->len) : NULL;
	struct str part = {path->p, slash ? (size_t)(slash - path->p) : path->len};
	size_t step = slash ? part.len + 1 : part.len;

	path->p += step;
	path->len -= step;
	return part;
}

/* The innermost container's: of nested containers that is where the process lives. */
struct str container_id_of(struct str cgroup)
{
	struct str id = STR_NULL, before = STR_NULL;

	while (cgroup.len) {
		struct str part = next_part(&cgroup);
		struct str found = hex_id_in(part);

		if (!found.len && is_garden_id(part, before))
			found = part;
		if (!found.len)
			found = lxc_name(part, before);
		if (found.len)
			id = found;
		before = part;
	}
	return id;
}
