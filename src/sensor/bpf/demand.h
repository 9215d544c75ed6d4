/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Does anybody ask for what is done to this file? Rules name files by parts of their paths and by
 * who acts; the loader puts those parts into `demands` (sensor/demand_key.h). What no part fits
 * does not leave the kernel: building and sending a record costs ten times what this does. When in
 * doubt it is wanted, so rules see everything they could match; with events kept nothing is asked.
 */
#ifndef LINTEL_SENSOR_BPF_DEMAND_H
#define LINTEL_SENSOR_BPF_DEMAND_H

#include "sensor/bpf/place.h"
#include "sensor/bpf/task.h"
#include "sensor/demand_key.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1); /* set by the loader */
	__type(key, struct demand_key);
	__type(value, __u8);
} demands SEC(".maps");

/* One bit for each demand_hash() of a key in `demands`; filled by the loader. */
const volatile __u64 demand_bits[DEMAND_BITS / 64] = {};

/* What is known of thread groups: PROGRAM_ bits; only those with any. When it is full the longest
 * unused goes. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 32768);
	__type(key, __u32);
	__type(value, __u32);
} programs SEC(".maps");

/* Until when (boot time) all changes are wanted. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} armed SEC(".maps");

static __always_inline bool asks_for(enum demand_kind kind)
{
	return config.demands & (1u << kind);
}

static __always_inline bool is_demanded(struct demand_key *key, enum demand_kind kind)
{
	__u32 hash;
	__u8 *found;

	key->kind = kind;
	hash = demand_hash(key);
	if (!(demand_bits[(hash / 64) & (DEMAND_BITS / 64 - 1)] & 1ull << (hash % 64)))
		return false;
	found = bpf_map_lookup_elem(&demands, key);
	/* reading it keeps the compiler from arithmetic on pointers */
	return found && *found;
}

/* Eight characters at once: ASCII letters to lower case, the rest as it is. */
static __always_inline __u64 lower(__u64 x)
{
	const __u64 ones = 0x0101010101010101u;
	__u64 low = x & ones * 0x7f;
	__u64 above_z = low + ones * (0x7f - 'Z');
	__u64 from_a = low + ones * (0x80 - 'A');

	return x | (((from_a ^ above_z) & ~x & ones * 0x80) >> 2);
}

static __always_inline void fold_key(struct demand_key *key)
{
#pragma unroll
	for (int i = 0; i < 4; i++)
		key->words[i] = lower(key->words[i]);
}

/* The high bit of every byte of `x` that is `byte`. Of bytes above such a one, one that differs in
 * the lowest bit alone is marked too. */
static __always_inline __u64 bytes_equal(__u64 x, __u8 byte)
{
	const __u64 ones = 0x0101010101010101u;

	x ^= ones * byte;
	return (x - ones) & ~x & ones * 0x80;
}

static __always_inline bool has_slash(const struct demand_key *key)
{
	return bytes_equal(key->words[0], '/') | bytes_equal(key->words[1], '/') |
	       bytes_equal(key->words[2], '/') | bytes_equal(key->words[3], '/');
}

/* The NUL-terminated name at `from`, in kernel memory, as a key; how many bytes with its NUL,
 * negative: could not be read. */
static __always_inline long read_key(struct demand_key *key, const void *from)
{
	long n;

	__builtin_memset(key, 0, sizeof(*key));
	n = bpf_probe_read_kernel_str(key->text, sizeof(key->text), from);
	fold_key(key);
	return n;
}

/* Where the last dot is; -1: there is none. A slash, which differs from a dot in the lowest bit, is
 * in no name. */
static __always_inline int last_dot(const struct demand_key *key)
{
	int at = -1;

#pragma unroll
	for (int word = 0; word < 4; word++) {
		__u64 dots = bytes_equal(key->words[word], '.');

		if (!dots)
			continue;
#pragma unroll
		for (int i = 0; i < 8; i++)
			if (dots & 0x80ull << (8 * i))
				at = 8 * word + i;
	}
	return at;
}

/* Is this last name of a path one that rules name? `n` as read_key() gave it. */
static __always_inline bool is_name_wanted(struct demand_key *key, long n)
{
	struct demand_key part = {};
	int dot;

	if (n <= 0 || is_demanded(key, DEMAND_NAME))
		return true;
	key->kind = 0;
	if (asks_for(DEMAND_NAME_START)) {
		part.words[0] = (__u32)key->words[0];
		if (is_demanded(&part, DEMAND_NAME_START))
			return true;
	}
	if (!asks_for(DEMAND_EXTENSION))
		return false;
	if (n == sizeof(key->text))
		return true; /* its end was not read */
	dot = last_dot(key);
	if (dot < 0 || read_key(&part, key->text + dot + 1) <= 0)
		return false;
	return is_demanded(&part, DEMAND_EXTENSION);
}

static __always_inline bool is_one_directory_wanted(struct dentry *dentry)
{
	struct demand_key key, part = {};

	if (read_key(&key, BPF_CORE_READ(dentry, d_name.name)) <= 0 ||
	    is_demanded(&key, DEMAND_DIRECTORY))
		return true;
	if (!asks_for(DEMAND_DIRECTORY_START))
		return false;
	part.words[0] = (__u32)key.words[0];
	return is_demanded(&part, DEMAND_DIRECTORY_START);
}

/* Is one of the directories from here up to the root one that rules name? Up through the mounts, as
 * add_place() goes, and to the root of the file system the file is on: below a bind mount those are
 * other names. */
__noinline int is_directory_wanted(__u64 mnt_address, __u64 dentry_address)
{
	struct vfsmount *mnt = (void *)mnt_address;
	struct mount *mount = (void *)mnt - bpf_core_field_offset(struct mount, mnt), *above;
	__u64 mnt_root = (__u64)BPF_CORE_READ(mnt, mnt_root), first_root = mnt_root;
	struct dentry *dentry = (void *)dentry_address, *parent;
	bool in_mounts = true;

	for (int i = 0; i < WIRE_NAMES_MAX; i++) {
		if (in_mounts && (__u64)dentry == mnt_root) {
			above = BPF_CORE_READ(mount, mnt_parent);
			in_mounts = above != mount;
			dentry =
			    in_mounts ? BPF_CORE_READ(mount, mnt_mountpoint) : (void *)first_root;
			mount = above;
			mnt_root = (__u64)BPF_CORE_READ(mount, mnt.mnt_root);
			continue;
		}
		parent = BPF_CORE_READ(dentry, d_parent);
		if (!parent || parent == dentry)
			return in_mounts; /* not below its mount's root any more: who knows */
		if (is_one_directory_wanted(dentry))
			return 1;
		dentry = parent;
	}
	return 1;
}

static __always_inline bool is_armed(void)
{
	__u32 zero = 0;
	__u64 *until = bpf_map_lookup_elem(&armed, &zero);

	return until && *until > bpf_ktime_get_boot_ns();
}

/* Whatever file it is? */
static __always_inline bool is_anything_wanted(void)
{
	__u32 tgid = bpf_get_current_pid_tgid() >> 32;
	__u32 *flags;

	if (!config.demands)
		return true;
	flags = bpf_map_lookup_elem(&programs, &tgid);
	if (flags && *flags & PROGRAM_WANTED)
		return true;
	return asks_for(DEMAND_ARMS) && is_armed();
}

static __always_inline bool is_file_wanted(struct file *file)
{
	struct dentry *dentry = BPF_CORE_READ(file, f_path.dentry);
	struct vfsmount *mnt = BPF_CORE_READ(file, f_path.mnt);
	struct demand_key key;
	long n;

	if (is_anything_wanted())
		return true;
	n = read_key(&key, BPF_CORE_READ(dentry, d_name.name));
	if (is_name_wanted(&key, n))
		return true;
	/* A file mounted over another is known by the other's name. */
	if (dentry == BPF_CORE_READ(mnt, mnt_root))
		return true;
	return is_directory_wanted((__u64)mnt, (__u64)BPF_CORE_READ(dentry, d_parent));
}

#endif
