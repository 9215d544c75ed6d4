/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Calls that change the kernel, or what the caller sees of the system. */
#ifndef LINTEL_SENSOR_BPF_SYSTEM_H
#define LINTEL_SENSOR_BPF_SYSTEM_H

#include "sensor/bpf/memory.h"

/* include/uapi/linux/bpf.h: BPF_PROG_LOAD */
#define BPF_CMD_PROG_LOAD 5

/* What the tracepoint told of the module a thread is loading. */
struct module_facts {
	__u64 taints;
	char name[56];
	char version[64];
	char srcversion[32];
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, struct module_facts);
} modules SEC(".maps");

/* Which kind of namespace a descriptor of one is. */
static __always_inline __u64 namespace_type(struct ns_common *ns)
{
	const struct proc_ns_operations *ops = 0;

	if (bpf_core_field_exists(ns->ns_type))
		return BPF_CORE_READ(ns, ns_type);
	if (!bpf_core_field_exists(ops->type))
		return 0;
	return BPF_CORE_READ(ns, ops, type);
}

/* fs/nsfs.c */
#define NSFS_MAGIC 0x6e736673

static __noinline int on_namespace(struct call_site *at, __u32 call)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct scratch *s = begin(at, WIRE_NAMESPACE, call);
	struct wire_detail *detail;
	struct inode *inode;
	struct file *file;

	if (!s)
		return 0;
	detail = detail_of(s);
	if (call == CALL_UNSHARE) {
		detail->flags = argument(at, 0);
	} else {
		detail->flags = argument(at, 1);
		file = file_of_fd(task, argument(at, 0));
		inode = file ? BPF_CORE_READ(file, f_inode) : 0;
		/* a namespace's own file; else it is a pidfd, and flags are given */
		if (inode && BPF_CORE_READ(inode, i_sb, s_magic) == NSFS_MAGIC) {
			detail->data = BPF_CORE_READ(inode, i_ino);
			detail->flags = namespace_type(BPF_CORE_READ(inode, i_private));
		}
	}
	record_send(s, false);
	return 0;
}

static __noinline int on_mount(struct call_site *at, __u32 call)
{
	struct scratch *s = begin(at, WIRE_MOUNT, call);
	struct wire_detail *detail;
	const void *source = 0, *target = 0;

	if (!s)
		return 0;
	detail = detail_of(s);
	switch (call) {
	case CALL_MOUNT:
		source = (void *)argument(at, 0);
		target = (void *)argument(at, 1);
		if (argument(at, 2))
			bpf_probe_read_user_str(detail->name, sizeof(detail->name),
						(void *)argument(at, 2));
		detail->flags = argument(at, 3);
		break;
	case CALL_MOVE_MOUNT:
		source = (void *)argument(at, 1);
		target = (void *)argument(at, 3);
		detail->flags = argument(at, 4);
		break;
	case CALL_UMOUNT2:
		detail->flags = argument(at, 1);
		__attribute__((fallthrough));
	default:
		target = (void *)argument(at, 0);
	}
	if (source)
		add_text(s, WIRE_SPAN_TEXT0, source, WIRE_PATH_BYTES, true);
	if (target)
		add_text(s, WIRE_SPAN_TEXT1, target, WIRE_PATH_BYTES, true);
	record_send(s, false);
	return 0;
}

/* Before the module's own code runs. Where there are no modules there is no such tracepoint, and
 * the loader leaves this out. */
SEC("tp_btf/module_load")
int BPF_PROG(on_module_load, struct module *module)
{
	__u32 tid = bpf_get_current_pid_tgid();
	struct module_facts facts = {};
	const char *text;

	facts.taints = BPF_CORE_READ(module, taints);
	bpf_core_read_str(facts.name, sizeof(facts.name), &module->name);
	text = BPF_CORE_READ(module, version);
	if (text)
		bpf_probe_read_kernel_str(facts.version, sizeof(facts.version), text);
	text = BPF_CORE_READ(module, srcversion);
	if (text)
		bpf_probe_read_kernel_str(facts.srcversion, sizeof(facts.srcversion), text);
	if (bpf_map_update_elem(&modules, &tid, &facts, BPF_ANY))
		count_loss(WIRE_LOSS_MAP);
	return 0;
}

static __noinline int on_module(struct call_site *at, __u32 call, long ret)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	__u32 tid = bpf_get_current_pid_tgid();
	struct module_facts *facts = bpf_map_lookup_elem(&modules, &tid);
	struct wire_detail *detail;
	struct file *file = 0;
	struct scratch *s;

	if (!facts && ret)
		return 0;
	s = begin(at, WIRE_MODULE, call);
	if (!s)
		goto out;
	detail = detail_of(s);
	s->record.value = ret;
	if (call == CALL_FINIT_MODULE) {
		file = file_of_fd(task, argument(at, 0));
		detail->flags = argument(at, 2);
	}
	if (facts) {
		detail->request = 1;
		detail->data = facts->taints;
		__builtin_memcpy(detail->name, facts->name, sizeof(facts->name));
		add_text(s, WIRE_SPAN_TEXT0, facts->version, sizeof(facts->version), false);
		add_text(s, WIRE_SPAN_TEXT1, facts->srcversion, sizeof(facts->srcversion), false);
	}
	if (file)
		add_file(s, file);
	record_send(s, true);
out:
	bpf_map_delete_elem(&modules, &tid);
	return 0;
}

static __noinline int on_unload(struct call_site *at, __u32 call)
{
	struct scratch *s = begin(at, WIRE_UNLOAD, call);
	struct wire_detail *detail;

	if (!s)
		return 0;
	detail = detail_of(s);
	detail->flags = argument(at, 1);
	bpf_probe_read_user_str(detail->name, sizeof(detail->name), (void *)argument(at, 0));
	record_send(s, false);
	return 0;
}

static __noinline int on_bpf(struct call_site *at, __u32 call, long fd)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct bpf_prog_aux *aux;
	struct wire_detail *detail;
	struct bpf_prog *program;
	struct file *file;
	struct scratch *s;

	if ((__u32)argument(at, 0) != BPF_CMD_PROG_LOAD)
		return 0;
	file = file_of_fd(task, fd);
	program = file ? BPF_CORE_READ(file, private_data) : 0;
	s = begin(at, WIRE_BPF, call);
	if (!s)
		return 0;
	detail = detail_of(s);
	if (program) {
		aux = BPF_CORE_READ(program, aux);
		detail->request = BPF_CORE_READ(program, type);
		detail->data = BPF_CORE_READ(aux, id);
		bpf_core_read_str(detail->name, 16, &aux->name);
	}
	record_send(s, false);
	return 0;
}

#endif
