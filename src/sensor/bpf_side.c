/* SPDX-License-Identifier: Apache-2.0 */
/* The BPF programs: loading what this kernel takes, attaching it, and the ring they share. */
#include "sensor/bpf_side_internal.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"
#include "sensor/bpf_check.h"
#include "sensor/cgroup.h"
#include "sensor/demand.h"
#include "sensor/lsm.h"
#include "sensor/wire.h"

/* bpf/common.h */
#define SCRATCH_SLOTS 3

/* libbpf speaks of every hook that is missing; lintel says it once and in its own words. */
__attribute__((format(printf, 2, 0))) static int print_debug(enum libbpf_print_level level,
							     const char *format, va_list arguments)
{
	char *text, *rest, *line;
	int n = vasprintf(&text, format, arguments);

	(void)level;
	if (n < 0)
		return n;
	/* the verifier's reasons are thousands of lines in one */
	for (rest = text; (line = strsep(&rest, "\n"));)
		if (*line)
			log_debug("%s", line);
	free(text);
	return n;
}

/* Is there a BTF tracepoint of this name, and with how many arguments? -1: none. */
static int tracepoint_arguments(const struct btf *btf, const char *name)
{
	char type_name[64];
	const struct btf_type *type;
	int id;

	snprintf(type_name, sizeof(type_name), "btf_trace_%s", name);
	id = btf__find_by_name_kind(btf, type_name, BTF_KIND_TYPEDEF);
	if (id < 0)
		return -1;
	type = btf__type_by_id(btf, btf__type_by_id(btf, (uint32_t)id)->type);
	if (!type || !btf_is_ptr(type))
		return -1;
	type = btf__type_by_id(btf, type->type);
	/* the first parameter is the tracepoint's own */
	return type && btf_is_func_proto(type) ? btf_vlen(type) - 1 : -1;
}

/* Let `object` use the map of this name that `from` has, where both have one. */
static int share_map(struct bpf_object *object, const struct bpf_object *from, const char *name)
{
	struct bpf_map *map = bpf_object__find_map_by_name(object, name);
	struct bpf_map *theirs = from ? bpf_object__find_map_by_name(from, name) : NULL;

	return map && theirs ? bpf_map__reuse_fd(map, bpf_map__fd(theirs)) : 0;
}

static int prepare(struct bpf_side *bpf, struct bpf_object *object)
{
	static const char *const shared[] = {"ring",    "losses",   "tracked", "written",
					     "demands", "programs", "armed"};
	static const char *const of_sockets[] = {"sockets", "flows", "announced"};
	struct bpf_map *scratch = bpf_object__find_map_by_name(object, "scratch");
	int cpus = libbpf_num_possible_cpus();
	struct bpf_object *first = bpf->process->obj;
	int err;

	if (cpus < 0)
		return cpus;
	err = bpf_map__set_max_entries(scratch, (uint32_t)cpus * SCRATCH_SLOTS);
	if (err)
		return err;
	if (object == first) {
		err = bpf_map__set_max_entries(bpf->process->maps.demands, bpf->demand_count + 1);
		return err ? err
			   : bpf_map__set_max_entries(bpf->process->maps.ring, bpf->ring_bytes);
	}
	for (size_t i = 0; i < sizeof(shared) / sizeof(shared[0]); i++)
		if ((err = share_map(object, first, shared[i])))
			return err;
	if (bpf->lsm && (err = lsm_share(bpf->lsm, object)))
		return err;
	if (bpf->network && object != bpf->network->obj)
		for (size_t i = 0; i < sizeof(of_sockets) / sizeof(of_sockets[0]); i++)
			if ((err = share_map(object, bpf->network->obj, of_sockets[i])))
				return err;
	if (bpf->file && object != bpf->file->obj &&
	    (err = share_map(object, bpf->file->obj, "ids_before")))
		return err;
	if (!bpf->calls || object == bpf->calls->obj)
		return 0;
	err = share_map(object, bpf->calls->obj, "groups");
	return err ? err : share_map(object, bpf->calls->obj, "resolvers");
}

/* Let the program at sys_exit jump to the one that handles this group's calls. */
static int serve_group(const struct bpf_side *bpf, enum call_group group,
		       const struct bpf_program *program)
{
	uint32_t key = group;
	int fd = bpf_program__fd(program);

	return bpf_map__update_elem(bpf->calls->maps.groups, &key, sizeof(key), &fd, sizeof(fd),
				    BPF_ANY);
}

static void choose_process(struct bpf_side *bpf, struct process_bpf *process)
{
	memcpy(process->rodata->demand_bits, bpf->demand_bits, sizeof(bpf->demand_bits));
}

/* Only sys_enter's program is attached; the other is reached from the one at sys_exit. */
static void choose_file(struct bpf_side *bpf, struct file_bpf *file)
{
	memcpy(file->rodata->demand_bits, bpf->demand_bits, sizeof(bpf->demand_bits));
	bpf_program__set_autoattach(file->progs.on_file_call, false);
}

/* Likewise: only the program at inet_sock_set_state is attached. */
static void choose_network(struct bpf_side *bpf, struct network_bpf *network)
{
	(void)bpf;
	bpf_program__set_autoattach(network->progs.on_network_call, false);
}

/* A kernel without modules has no such tracepoint. */
static void choose_procall(struct bpf_side *bpf, struct procall_bpf *procall)
{
	bool has_modules = tracepoint_arguments(bpf->btf, "module_load") >= 0;

	bpf_program__set_autoattach(procall->progs.on_process_call, false);
	bpf_program__set_autoload(procall->progs.on_module_load, has_modules);
}

/* Of the two names of the tracepoint keep the one this kernel has. */
static void choose_submit(struct bpf_side *bpf, struct uring_bpf *uring)
{
	bool is_new = tracepoint_arguments(bpf->btf, "io_uring_submit_req") >= 0;

	memcpy(uring->rodata->demand_bits, bpf->demand_bits, sizeof(bpf->demand_bits));
	bpf_program__set_autoload(uring->progs.on_submit, is_new);
	bpf_program__set_autoload(uring->progs.on_submit_sqe, !is_new);
}

static void choose_network_submit(struct bpf_side *bpf, struct uring_network_bpf *uring)
{
	bool is_new = tracepoint_arguments(bpf->btf, "io_uring_submit_req") >= 0;

	bpf_program__set_autoload(uring->progs.on_network_submit, is_new);
	bpf_program__set_autoload(uring->progs.on_network_submit_sqe, !is_new);
}

static void choose_none(struct bpf_side *bpf, void *object)
{
	(void)bpf;
	(void)object;
}

/* Open, configure and load one of the objects; `out` stays NULL when that fails. */
#define LOAD(bpf, name, out, choose)                           \
	do {                                                   \
		(out) = name##_bpf__open();                    \
		err = (out) ? 0 : -errno;                      \
		if ((out)) {                                   \
			(out)->rodata->config = (bpf)->config; \
			choose((bpf), (out));                  \
			err = prepare((bpf), (out)->obj);      \
			if (!err)                              \
				err = name##_bpf__load((out)); \
		}                                              \
		if (err && (out)) {                            \
			name##_bpf__destroy((out));            \
			(out) = NULL;                          \
		}                                              \
	} while (0)

static int on_ring_record(void *context, void *data, size_t bytes)
{
	struct bpf_side *bpf = context;

	sensor_record(bpf->sensor, data, bytes);
	return --bpf->left > 0 ? 0 : -EAGAIN;
}

static int prepare_lsm(void *bpf, struct bpf_object *object)
{
	return prepare(bpf, object);
}

static void load_network(struct bpf_side *bpf)
{
	int err = 0;

	if (!bpf->calls)
		return;
	LOAD(bpf, network, bpf->network, choose_network);
	if (!err)
		err = serve_group(bpf, GROUP_NETWORK, bpf->network->progs.on_network_call);
	if (err)
		log_warning("sensor: network programs refused (%s): no network events",
			    strerror(-err));
}

/* The programs behind the one at sys_exit: each group's without the others'. */
static void load_groups(struct bpf_side *bpf)
{
	int err;

	LOAD(bpf, calls, bpf->calls, choose_none);
	if (err) {
		log_warning("sensor: sys_exit program refused (%s): no file events but fanotify's, "
			    "of processes only their start and end",
			    strerror(-err));
		return;
	}
	LOAD(bpf, file, bpf->file, choose_file);
	if (!err)
		err = serve_group(bpf, GROUP_FILE, bpf->file->progs.on_file_call);
	if (err)
		log_warning("sensor: file programs refused (%s): no file events but fanotify's",
			    strerror(-err));
	load_network(bpf);
	LOAD(bpf, procall, bpf->procall, choose_procall);
	if (!err)
		err = serve_group(bpf, GROUP_PROCESS, bpf->procall->progs.on_process_call);
	if (err)
		log_warning("sensor: programs for calls on processes refused (%s): of processes "
			    "only their start and end",
			    strerror(-err));
}

static void load_optional(struct bpf_side *bpf)
{
	int err;

	load_groups(bpf);
	LOAD(bpf, guard, bpf->guard, choose_none);
	if (err)
		log_warning("sensor: signal_generate program refused (%s): signals sent to lintel "
			    "are not seen",
			    strerror(-err));
	LOAD(bpf, tasks, bpf->tasks, choose_none);
	/* its operations' structs, as uring.bpf.c reads them */
	if (btf__find_by_name_kind(bpf->btf, "io_open", BTF_KIND_STRUCT) < 0) {
		log_info(
		    "sensor: no io_uring tracepoint to use (6.0) on this kernel: file operations "
		    "by io_uring are seen by fanotify only");
		return;
	}
	LOAD(bpf, uring, bpf->uring, choose_submit);
	if (err)
		log_warning("sensor: io_uring programs refused (%s): file operations by io_uring "
			    "are seen by fanotify only",
			    strerror(-err));
	if (bpf->network)
		LOAD(bpf, uring_network, bpf->uring_network, choose_network_submit);
	if (err)
		log_warning("sensor: io_uring network program refused (%s): connections made by "
			    "io_uring are not seen",
			    strerror(-err));
}

static int explain(int err)
{
	if (err == -EMFILE || err == -ENFILE)
		log_error("sensor: too few file descriptors allowed; raise the limit (ulimit -n "
			  "1024)");
	else if (err == -EPERM || err == -EACCES)
		log_error(
		    "sensor: the kernel does not let this process load BPF programs; it needs "
		    "root with CAP_BPF and CAP_PERFMON, or CAP_SYS_ADMIN");
	else if (err == -ENOMEM)
		log_error("sensor: the kernel has no memory for the BPF maps; if this is a kernel "
			  "before 5.11, raise RLIMIT_MEMLOCK (ulimit -l unlimited)");
	else
		log_error("sensor: process programs refused by this kernel: %s; lintel needs 5.10 "
			  "or later with BTF (LINTEL_DEBUG=1 shows the kernel's reasons)",
			  strerror(-err));
	return err == -EMFILE || err == -ENFILE || err == -EPERM || err == -ENOMEM ? err : -ENOTSUP;
}

static int fill_demands(const struct bpf_side *bpf, const struct file_demand *demand)
{
	uint8_t one = 1;

	for (uint32_t i = 0; bpf->config.demands && i < demand->count; i++) {
		struct demand_key key;
		int err;

		demand_key(&demand->items[i], &key);
		err = bpf_map__update_elem(bpf->process->maps.demands, &key, sizeof(key), &one,
					   sizeof(one), BPF_ANY);
		if (err)
			return err;
	}
	return 0;
}

/* A key of the map `env_names`: as bpf/env.h has it. */
struct env_name {
	uint32_t bits;
	char name[WIRE_ENV_NAME_BYTES];
};

static int add_env_name(const struct bpf_side *bpf, const char *name)
{
	struct env_name key = {0};
	size_t n = strlen(name);
	uint8_t one = 1;
	bool is_prefix = n && name[n - 1] == '*';

	n -= is_prefix;
	if (!n || n + !is_prefix > sizeof(key.name) || strpbrk(name, "=") || memchr(name, '*', n)) {
		log_error("sensor: '%s' is no name of an environment variable to capture: at most "
			  "%zu bytes, '*' only at its end",
			  name, sizeof(key.name) - 1);
		return -EINVAL;
	}
	memcpy(key.name, name, n);
	if (!is_prefix)
		key.name[n++] = '=';
	key.bits = 8 * (uint32_t)n;
	return bpf_map__update_elem(bpf->process->maps.env_names, &key, sizeof(key), &one,
				    sizeof(one), BPF_ANY);
}

static int set_env_names(const struct bpf_side *bpf, const struct sensor_options *options)
{
	for (size_t i = 0; options->env_names && options->env_names[i]; i++) {
		int err = add_env_name(bpf, options->env_names[i]);

		if (err == -ENOSPC || err == -ENOMEM)
			log_error("sensor: too many environment variables to capture, at most %u",
				  bpf_map__max_entries(bpf->process->maps.env_names));
		if (err)
			return err;
	}
	return 0;
}

static void set_demand_bits(struct bpf_side *bpf, const struct file_demand *demand)
{
	struct demand_key key;

	for (uint32_t i = 0; i < demand->count; i++) {
		demand_key(&demand->items[i], &key);
		bpf->demand_bits[demand_hash(&key) / 64] |= UINT64_C(1) << demand_hash(&key) % 64;
	}
}

/* How full the ring may be, in sixteenths, before a kind is held back. In the order in which a host
 * can do without: files changed, libraries and memory mapped; connections and lookups; ends. Starts of
 * processes never, for without them nothing else can be understood, nor what hosts do rarely: ids,
 * tracing, modules, mounts. */
static const uint8_t shed_share[WIRE_KIND_COUNT] = {
    [WIRE_FILE] = 8,    [WIRE_PATHS] = 8, [WIRE_PLACES] = 8,   [WIRE_LIBRARY] = 8, [WIRE_MAP] = 8,
    [WIRE_PROTECT] = 8, [WIRE_MEMFD] = 8, [WIRE_NETWORK] = 12, [WIRE_DNS] = 12,    [WIRE_EXIT] = 14,
};

static void configure_shedding(struct bpf_side *bpf)
{
	for (int kind = 0; kind < WIRE_KIND_COUNT; kind++)
		bpf->config.shed_bytes[kind] = bpf->ring_bytes / 16 * shed_share[kind];
}

static void configure_demands(struct bpf_side *bpf, const struct file_demand *demand)
{
	if (demand)
		set_demand_bits(bpf, demand);
	bpf->config.demands = demand_kinds(demand);
	bpf->demand_count = demand ? demand->count : 0;
	bpf->config.armed_ns = demand ? demand->armed_ns : 0;
}

int bpf_side_open(struct bpf_side **out, const struct sensor_options *options,
		  const struct wire_actor *own)
{
	const struct rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};
	struct bpf_side *bpf = xcalloc(1, sizeof(*bpf));
	int err;

	libbpf_set_print(print_debug);
	setrlimit(RLIMIT_MEMLOCK, &unlimited); /* needed before 5.11 only */
	bpf->ring_bytes = options->ring_bytes ? options->ring_bytes : SENSOR_RING_BYTES_DEFAULT;
	bpf->config.self_tgid = own->pid;
	bpf->config.own_mount_ns = own->mount_ns;
	bpf->config.own_root_inode = own->root_inode;
	bpf->config.track = options->root_pid != 0;
	bpf->config.cgroup_subsys = WIRE_NO_SUBSYS;
	configure_demands(bpf, options->demand);
	configure_shedding(bpf);
	bpf->config.wanted = ~options->unwanted;
	bpf->config.env = options->env_names && options->env_names[0];
	bpf->btf = btf__load_vmlinux_btf();
	if (!bpf->btf) {
		err = -errno;
		if (err == -EMFILE || err == -ENFILE) {
			err = explain(err);
			goto fail;
		}
		log_error("sensor: no BTF (/sys/kernel/btf/vmlinux): this kernel was built without "
			  "CONFIG_DEBUG_INFO_BTF; run one that has it (Debian 11, RHEL 8.2, Ubuntu "
			  "20.10 and later do), or take events from auditd's log: lintel watch "
			  "--audit-log /var/log/audit/audit.log");
		err = -ENOTSUP;
		goto fail;
	}
	bpf->config.uring_cqe = tracepoint_arguments(bpf->btf, "io_uring_complete") <= 3;
	if (options->cgroup_path) {
		err = cgroup_find(options->cgroup_path, bpf->btf, &bpf->config);
		if (err)
			goto fail;
	}
	LOAD(bpf, process, bpf->process, choose_process);
	if (!err)
		err = fill_demands(bpf, options->demand);
	if (err) {
		err = explain(err);
		goto fail;
	}
	err = set_env_names(bpf, options);
	if (err)
		goto fail;
	/* before the programs at a call's end, which are told what works */
	err = lsm_open(&bpf->lsm, options->layer, &bpf->config, bpf->demand_bits, bpf->btf,
		       prepare_lsm, bpf);
	if (err)
		goto fail;
	bpf->config.hooks = lsm_hooks(bpf->lsm);
	load_optional(bpf);
	bpf->ring =
	    ring_buffer__new(bpf_map__fd(bpf->process->maps.ring), on_ring_record, bpf, NULL);
	if (!bpf->ring) {
		err = explain(-errno);
		goto fail;
	}
	*out = bpf;
	return 0;
fail:
	bpf_side_close(bpf);
	return err;
}

void bpf_side_close(struct bpf_side *bpf)
{
	if (!bpf)
		return;
	ring_buffer__free(bpf->ring);
	tasks_bpf__destroy(bpf->tasks);
	uring_network_bpf__destroy(bpf->uring_network);
	uring_bpf__destroy(bpf->uring);
	guard_bpf__destroy(bpf->guard);
	network_bpf__destroy(bpf->network);
	procall_bpf__destroy(bpf->procall);
	file_bpf__destroy(bpf->file);
	calls_bpf__destroy(bpf->calls);
	lsm_close(bpf->lsm);
	process_bpf__destroy(bpf->process);
	btf__free(bpf->btf);
	free(bpf);
}

static void check_fired(struct bpf_side *bpf)
{
	const struct uring_bpf *uring = bpf->uring;
	const struct bpf_program *submit = NULL;

	if (uring)
		submit = bpf_program__fd(uring->progs.on_submit) >= 0 ? uring->progs.on_submit
								      : uring->progs.on_submit_sqe;
	struct bpf_check checks[] = {
	    {bpf->process->progs.on_fork, HOOK_FORK, HOOK_MISSING},
	    {bpf->process->progs.on_exit, HOOK_EXIT, HOOK_MISSING},
	    {bpf->file ? bpf->file->progs.on_sys_enter : NULL, HOOK_SYS_ENTER, HOOK_MISSING},
	    {bpf->calls ? bpf->calls->progs.on_sys_exit : NULL, HOOK_SYS_EXIT, HOOK_MISSING},
	    {bpf->network ? bpf->network->progs.on_tcp_state : NULL, HOOK_SOCK_STATE, HOOK_MISSING},
	    {submit, HOOK_URING_SUBMIT, HOOK_MISSING},
	    {uring ? uring->progs.on_complete : NULL, HOOK_URING_COMPLETE, HOOK_MISSING},
	};
	int count = (int)(sizeof(checks) / sizeof(checks[0]));

	bpf_check_fired(checks, count);
	for (int i = 0; i < count; i++)
		bpf->hooks[checks[i].hook] = checks[i].state;
	/* Attached, or bpf_side_attach() had failed. */
	bpf->hooks[HOOK_EXEC] = HOOK_UNCHECKED;
	/* A map of the process object, which is there. */
	bpf->hooks[HOOK_LOSSES] = HOOK_FIRES;
	/* lsm_open() has tried each. */
	bpf->hooks[HOOK_DECISIONS] =
	    bpf->config.hooks == (1u << PATH_HOOK_COUNT) - 1 ? HOOK_FIRES : HOOK_MISSING;
	bpf->hooks[HOOK_URING_NETWORK] = bpf->uring_network ? HOOK_UNCHECKED : HOOK_MISSING;
	/* Reached by a tail call, which the kernel does not count by itself. */
	bpf->hooks[HOOK_FILE_CALLS] = bpf->file ? bpf->hooks[HOOK_SYS_EXIT] : HOOK_MISSING;
	bpf->hooks[HOOK_NETWORK_CALLS] = bpf->network ? bpf->hooks[HOOK_SYS_EXIT] : HOOK_MISSING;
	bpf->hooks[HOOK_PROCESS_CALLS] = bpf->procall ? bpf->hooks[HOOK_SYS_EXIT] : HOOK_MISSING;
	bpf->hooks[HOOK_SIGNALS] = bpf->guard ? HOOK_UNCHECKED : HOOK_MISSING;
}

void bpf_side_try_more(struct bpf_side *bpf)
{
	bpf->hooks[HOOK_EXEC] = bpf_check_exec(bpf->process->progs.on_exec);
}

void bpf_side_hooks(const struct bpf_side *bpf, enum hook_state states[HOOK_COUNT])
{
	for (int i = 0; i < HOOK_COUNT; i++)
		if (i != HOOK_FANOTIFY)
			states[i] = bpf->hooks[i];
}

int bpf_side_attach(struct bpf_side *bpf)
{
	int err = process_bpf__attach(bpf->process);

	if (err)
		return explain(err);
	if (bpf->calls && (err = calls_bpf__attach(bpf->calls))) {
		log_warning("sensor: sys_exit not attached (%s): no file events but fanotify's",
			    strerror(-err));
		calls_bpf__destroy(bpf->calls);
		bpf->calls = NULL;
	}
	if (bpf->file && (err = file_bpf__attach(bpf->file)))
		log_warning("sensor: sys_enter not attached (%s): paths are read after the call",
			    strerror(-err));
	if (bpf->procall && (err = procall_bpf__attach(bpf->procall)))
		log_warning("sensor: module_load not attached (%s): modules without name",
			    strerror(-err));
	if (bpf->network && (err = network_bpf__attach(bpf->network)))
		log_warning(
		    "sensor: inet_sock_set_state not attached (%s): TCP connections are not "
		    "seen to begin or end",
		    strerror(-err));
	if (bpf->guard && (err = guard_bpf__attach(bpf->guard)))
		log_warning("sensor: signal_generate not attached (%s): signals sent to lintel are "
			    "not seen",
			    strerror(-err));
	if (bpf->uring_network && (err = uring_network_bpf__attach(bpf->uring_network)))
		log_warning("sensor: io_uring_complete not attached (%s): connections made by "
			    "io_uring are not seen",
			    strerror(-err));
	if (bpf->uring && (err = uring_bpf__attach(bpf->uring))) {
		log_warning("sensor: io_uring not attached (%s)", strerror(-err));
		uring_bpf__destroy(bpf->uring);
		bpf->uring = NULL;
	}
	log_info("sensor: tracepoints sched_process_fork, sched_process_exec, "
		 "sched_process_exit%s%s%s attached",
		 bpf->calls ? ", sys_enter, sys_exit" : "",
		 bpf->network ? ", inet_sock_set_state" : "",
		 bpf->uring ? ", io_uring_submit_req, io_uring_complete" : "");
	check_fired(bpf);
	lsm_report(bpf->lsm);
	return 0;
}

void bpf_side_detach(struct bpf_side *bpf)
{
	lsm_detach(bpf->lsm);
	if (bpf->uring_network)
		uring_network_bpf__detach(bpf->uring_network);
	if (bpf->uring)
		uring_bpf__detach(bpf->uring);
	if (bpf->guard)
		guard_bpf__detach(bpf->guard);
	if (bpf->network)
		network_bpf__detach(bpf->network);
	if (bpf->calls)
		calls_bpf__detach(bpf->calls);
	if (bpf->file)
		file_bpf__detach(bpf->file);
	if (bpf->procall)
		procall_bpf__detach(bpf->procall);
	process_bpf__detach(bpf->process);
}

int bpf_side_fd(const struct bpf_side *bpf)
{
	return ring_buffer__epoll_fd(bpf->ring);
}

int bpf_side_consume(struct bpf_side *bpf, struct sensor *sensor, int max)
{
	int n;

	bpf->sensor = sensor;
	bpf->left = max;
	n = ring_buffer__consume(bpf->ring);
	return n == -EAGAIN ? max : n;
}

int bpf_side_track(struct bpf_side *bpf, uint32_t pid)
{
	uint8_t one = 1;

	return bpf_map__update_elem(bpf->process->maps.tracked, &pid, sizeof(pid), &one,
				    sizeof(one), BPF_ANY);
}

int bpf_side_program(struct bpf_side *bpf, uint32_t pid, uint32_t flags)
{
	return bpf_map__update_elem(bpf->process->maps.programs, &pid, sizeof(pid), &flags,
				    sizeof(flags), BPF_NOEXIST);
}

int bpf_side_tasks(struct bpf_side *bpf)
{
	int link, fd;

	if (!bpf->tasks)
		return -ENOTSUP;
	link = bpf_link_create(bpf_program__fd(bpf->tasks->progs.on_task), 0, BPF_TRACE_ITER, NULL);
	if (link < 0)
		return link;
	fd = bpf_iter_create(link);
	close(link);
	return fd;
}
