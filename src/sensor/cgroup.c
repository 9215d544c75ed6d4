/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/cgroup.h"

#include <bpf/btf.h>
#include <errno.h>
#include <linux/magic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "base/log.h"

/* Controllers are numbered at the kernel's build; its BTF has the numbers. */
static int subsys_number(const struct btf *btf, const char *name)
{
	int id = btf__find_by_name_kind(btf, "cgroup_subsys_id", BTF_KIND_ENUM);
	const struct btf_type *type = id < 0 ? NULL : btf__type_by_id(btf, (uint32_t)id);
	const struct btf_enum *value;
	char wanted[64];

	if (!type)
		return -ENOTSUP;
	snprintf(wanted, sizeof(wanted), "%s_cgrp_id", strcmp(name, "blkio") ? name : "io");
	value = btf_enum(type);
	for (int i = 0; i < btf_vlen(type); i++)
		if (!strcmp(btf__name_by_offset(btf, value[i].name_off), wanted))
			return value[i].val;
	return -ENOENT;
}

/* On v1 a hierarchy is mounted in a directory named after its controllers ("cpu,cpuacct"). */
static int hierarchy_number(const struct btf *btf, const char *path)
{
	char name[64];
	const char *at;

	for (at = path; (at = strchr(at, '/')) != NULL;) {
		size_t bytes = strcspn(++at, "/,");

		if (bytes == 0 || bytes >= sizeof(name))
			continue;
		memcpy(name, at, bytes);
		name[bytes] = '\0';
		if (subsys_number(btf, name) >= 0)
			return subsys_number(btf, name);
	}
	return -ENOENT;
}

int cgroup_find(const char *path, const struct btf *btf, struct wire_config *config)
{
	static const char *const above[] = {"", "/sys/fs/cgroup/", "/sys/fs/cgroup/unified/"};
	char full[4096];
	struct statfs fs;
	struct stat st;
	int number;

	for (size_t i = 0; i < sizeof(above) / sizeof(above[0]); i++) {
		snprintf(full, sizeof(full), "%s%s", above[i], path);
		if (statfs(full, &fs) || stat(full, &st))
			continue;
		if (fs.f_type == CGROUP2_SUPER_MAGIC) {
			config->cgroup_id = st.st_ino;
			return 0;
		}
		if (fs.f_type != CGROUP_SUPER_MAGIC)
			continue;
		number = hierarchy_number(btf, full);
		if (number < 0) {
			log_error("sensor: %s: no controller of this kernel in its path", full);
			return -EINVAL;
		}
		config->cgroup_subsys = (uint32_t)number;
		config->cgroup_id = st.st_ino;
		return 0;
	}
	log_error("sensor: %s is not a cgroup directory", path);
	return -ENOENT;
}
