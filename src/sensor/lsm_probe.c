/* SPDX-License-Identifier: Apache-2.0 */
/* Trying the hooks: a tmpfs that is mounted nowhere, and one call for each. */
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "sensor/calls.h"
#include "sensor/demand_key.h"
#include "sensor/lsm.h"

static int make_node(int dir)
{
	return mknodat(dir, "a", S_IFREG | 0600, 0);
}

static int make_link(int dir)
{
	return linkat(dir, "a", dir, "b", 0);
}

static int make_symlink(int dir)
{
	return symlinkat("aim", dir, "c");
}

static int change_mode(int dir)
{
	return fchmodat(dir, "a", 0640, 0);
}

static int change_owner(int dir)
{
	return fchownat(dir, "a", 0, 0, 0);
}

/* There is no truncateat. */
static int change_size(int dir)
{
	char path[48];

	snprintf(path, sizeof(path), "/proc/self/fd/%d/a", dir);
	return truncate(path, 1);
}

static int move(int dir)
{
	return renameat(dir, "b", dir, "d");
}

static int take_away(int dir)
{
	return unlinkat(dir, "d", 0);
}

/* In this order; `name` is what the hook has to tell first. */
static const struct {
	enum path_hook hook;
	enum call call;
	int (*act)(int dir);
	const char *name;
} actions[] = {
    {PATH_HOOK_MKNOD, CALL_MKNODAT, make_node, "a"},
    {PATH_HOOK_LINK, CALL_LINKAT, make_link, "a"},
    {PATH_HOOK_SYMLINK, CALL_SYMLINKAT, make_symlink, "c"},
    {PATH_HOOK_CHMOD, CALL_FCHMODAT, change_mode, "a"},
    {PATH_HOOK_CHOWN, CALL_FCHOWNAT, change_owner, "a"},
    {PATH_HOOK_TRUNCATE, CALL_TRUNCATE, change_size, "a"},
    {PATH_HOOK_RENAME, CALL_RENAMEAT, move, "b"},
    {PATH_HOOK_UNLINK, CALL_UNLINKAT, take_away, "d"},
};

static int private_directory(void)
{
	int fs = fsopen("tmpfs", FSOPEN_CLOEXEC), dir = -1;

	if (fs >= 0 && !fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		dir = fsmount(fs, FSMOUNT_CLOEXEC, 0);
	if (dir < 0)
		dir = -errno;
	if (fs >= 0)
		close(fs);
	return dir;
}

static bool is_told(const struct decided_small *told, enum call call, const char *name)
{
	const struct wire_span *place = &told->record.span[WIRE_SPAN_PLACE0];

	return told->record.kind == WIRE_PLACES && told->record.call == call &&
	       place->offset + strlen(name) + 1 <= DECIDED_SMALL &&
	       !strcmp(told->tail + place->offset, name);
}

static bool try_action(size_t i, int dir, int asked_fd, int decided_fd)
{
	uint64_t id = (uint32_t)gettid();
	uint32_t call = actions[i].call;
	struct decided_small told;
	bool works = false;

	if (bpf_map_update_elem(asked_fd, &id, &call, BPF_ANY))
		return false;
	if (actions[i].act(dir))
		log_debug("sensor: probing hook %s: %s", actions[i].name, strerror(errno));
	else if (!bpf_map_lookup_elem(decided_fd, &id, &told))
		works = is_told(&told, call, actions[i].name);
	bpf_map_delete_elem(asked_fd, &id);
	bpf_map_delete_elem(decided_fd, &id);
	return works;
}

uint32_t lsm_probe(int asked_fd, int decided_fd, int programs_fd)
{
	int dir = private_directory();
	uint32_t self = (uint32_t)getpid(), wanted = PROGRAM_WANTED, works = 0;

	if (dir < 0) {
		log_debug("sensor: no file system to try hooks in: %s", strerror(-dir));
		return 0;
	}
	/* no rule names these files */
	bpf_map_update_elem(programs_fd, &self, &wanted, BPF_ANY);
	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
		if (try_action(i, dir, asked_fd, decided_fd))
			works |= 1u << actions[i].hook;
	bpf_map_delete_elem(programs_fd, &self);
	close(dir);
	return works;
}
