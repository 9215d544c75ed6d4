/* SPDX-License-Identifier: Apache-2.0 */
/* What a process does to memory, its own and other processes', and what it loads into its own. */
#include "sensor/sensor_internal.h"

#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/stat.h>

#include "sensor/call_names.h"

static void begin(struct sensor *sensor, const struct wire_view *view, const char *category,
		  const char *type, const char *action)
{
	emit_begin(sensor, view->record.boot_ns, STR("tracepoint"));
	emit_kind(sensor, category, type, action);
	emit_call(sensor, view);
}

/* ---- other processes */

static struct process *target_of(struct sensor *sensor, const struct wire_view *view,
				 const struct wire_detail *detail)
{
	struct process *target = NULL;

	if (detail->target_start_boot_ns)
		target = process_find(sensor->processes, detail->target_pid,
				      detail->target_start_boot_ns);
	if (!target && detail->target_pid)
		target = process_by_number(sensor->processes, 0, detail->target_pid);
	if (!target && !detail->target_pid)
		target = process_by_number(sensor->processes, view->record.actor.pid_ns,
					   detail->requested_pid);
	return target;
}

/* To be called once the acting process is brought up to date: finding the target may read /proc,
 * and making room for it must not forget who acts. */
static void fill_target(struct sensor *sensor, const struct process *target)
{
	if (target) {
		process_fill_target(target, &sensor->event);
		return;
	}
	counter_add(COUNTER_TARGET_UNKNOWN, 1);
	emit_incomplete(sensor, "Target.process: not known, and gone before it could be read");
}

/* An attempt on lintel's own process is told as one; what lintel does itself, the kernel side leaves
 * out. By number where the process is not known, as it is the kernel's own. */
static void mark_self(struct sensor *sensor, const struct process *target,
		      const struct wire_detail *detail)
{
	if ((target ? process_pid(target) : detail->target_pid) == sensor->self_pid)
		event_set_str(&sensor->event, FIELD_LINTEL_SELF_TARGET, STR("process"));
}

static void on_ptrace(struct sensor *sensor, const struct wire_view *view,
		      const struct process *process, const struct wire_detail *detail)
{
	struct process *target = target_of(sensor, view, detail);
	struct event *event = &sensor->event;
	uint32_t traced = target ? process_pid(target) : detail->target_pid;

	if (detail->request == PTRACE_TRACEME)
		traced = process_pid(process);
	begin(sensor, view, "process", "start", "ptrace");
	event_set_str(event, FIELD_PROCESS_EXT_PTRACE_REQUEST,
		      ptrace_request_name(detail->request, &event->arena));
	event_set_int(event, FIELD_LINTEL_PTRACE_REQUEST_NUMBER, detail->request);
	if (detail->request != PTRACE_TRACEME) {
		event_set_int(event, FIELD_PROCESS_EXT_PTRACE_ADDR, (int64_t)detail->address);
		event_set_int(event, FIELD_PROCESS_EXT_PTRACE_DATA, (int64_t)detail->data);
	}
	if (traced)
		event_set_int(event, FIELD_PROCESS_EXT_PTRACE_CHILD_PID, traced);
	fill_target(sensor, target);
	if (detail->request != PTRACE_TRACEME)
		mark_self(sensor, target, detail);
	emit_end(sensor, process);
}

static void on_vm(struct sensor *sensor, const struct wire_view *view,
		  const struct process *process, const struct wire_detail *detail)
{
	struct process *target = target_of(sensor, view, detail);
	struct event *event = &sensor->event;
	bool writes = view->record.call == CALL_VM_WRITE || view->record.call == CALL_VM_WRITE_X32;

	/* a thread naming a sibling */
	if (target == process)
		return;
	begin(sensor, view, "process", "access", "process_vm_access");
	event_set_str(event, FIELD_PROCESS_EXT_PROCESS_VM_ACCESS_OPERATION,
		      writes ? STR("write") : STR("read"));
	event_set_int(event, FIELD_PROCESS_EXT_PROCESS_VM_ACCESS_BYTES_TRANSFERRED,
		      (int64_t)detail->length);
	event_set_int(event, FIELD_PROCESS_EXT_PROCESS_VM_ACCESS_REQUESTED_PID,
		      detail->requested_pid);
	if (target)
		event_set_int(event, FIELD_PROCESS_EXT_PROCESS_VM_ACCESS_TARGET_PID,
			      process_pid(target));
	fill_target(sensor, target);
	mark_self(sensor, target, detail);
	emit_end(sensor, process);
}

static void on_proc_mem(struct sensor *sensor, const struct wire_view *view,
			const struct process *process, const struct wire_detail *detail)
{
	struct process *target = target_of(sensor, view, detail);
	bool is_open = call_info(view->record.call)->how == HOW_OPEN;
	struct record_file file;

	begin(sensor, view, "process", "access", is_open ? "proc_mem_open" : "proc_mem_write");
	record_file(sensor, view, &file);
	event_set_str(&sensor->event, FIELD_FILE_PATH, file.path);
	event_set_str(&sensor->event, FIELD_FILE_NAME, str_basename(file.path));
	fill_target(sensor, target);
	mark_self(sensor, target, detail);
	emit_end(sensor, process);
}

/* ---- its own memory */

static void on_memfd(struct sensor *sensor, const struct wire_view *view,
		     const struct process *process, const struct wire_detail *detail)
{
	static const struct {
		uint32_t flag;
		uint32_t field;
	} flags[] = {
	    {0x1 /* CLOEXEC */, FIELD_PROCESS_EXT_MEMFD_FLAG_CLOEXEC},
	    {0x2 /* ALLOW_SEALING */, FIELD_PROCESS_EXT_MEMFD_FLAG_ALLOW_SEAL},
	    {0x4 /* HUGETLB */, FIELD_PROCESS_EXT_MEMFD_FLAG_HUGETLB},
	    {0x8 /* NOEXEC_SEAL, 6.3 */, FIELD_PROCESS_EXT_MEMFD_FLAG_NOEXEC_SEAL},
	    {0x10 /* EXEC, 6.3 */, FIELD_PROCESS_EXT_MEMFD_FLAG_EXEC},
	};
	struct event *event = &sensor->event;

	begin(sensor, view, "process", "start", "memfd_create");
	if (view->span[WIRE_SPAN_TEXT0].len)
		event_set_str(event, FIELD_PROCESS_EXT_MEMFD_NAME, view->span[WIRE_SPAN_TEXT0]);
	else
		emit_incomplete(sensor, "process.Ext.memfd.name: could not be read");
	event_set_int(event, FIELD_PROCESS_EXT_MEMFD_FLAGS, (uint32_t)detail->flags);
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		event_set_bool(event, flags[i].field, detail->flags & flags[i].flag);
	emit_end(sensor, process);
}

static void fill_memory(struct event *event, const struct wire_detail *detail)
{
	static const char *const regions[] = {NULL, "heap", "stack", "vdso"};

	event_set_str(event, FIELD_LINTEL_MEMORY_ADDRESS,
		      arena_printf(&event->arena, "%llx", (unsigned long long)detail->address));
	event_set_int(event, FIELD_LINTEL_MEMORY_LENGTH, (int64_t)detail->length);
	event_set_str(event, FIELD_LINTEL_MEMORY_PROTECTION, protection_text(detail->protection));
	event_set_bool(event, FIELD_LINTEL_MEMORY_WRITABLE, detail->protection & PROT_WRITE);
	if (detail->region < sizeof(regions) / sizeof(regions[0]) && regions[detail->region])
		event_set_str(event, FIELD_LINTEL_MEMORY_REGION, str_from(regions[detail->region]));
}

/* Where a mapping's content is. */
static struct str backing_of(const struct wire_view *view, const struct record_file *file)
{
	if (!view->record.inode.number)
		return STR("anonymous");
	if (!S_ISREG(view->record.inode.mode))
		return STR("device");
	if (file->is_memfd)
		return STR("memfd");
	return view->record.inode.links ? STR("file") : STR("deleted");
}

static void on_map(struct sensor *sensor, const struct wire_view *view,
		   const struct process *process, const struct wire_detail *detail)
{
	struct event *event = &sensor->event;
	struct record_file file;

	begin(sensor, view, "process", "change", "mmap");
	record_file(sensor, view, &file);
	fill_memory(event, detail);
	event_set_str(event, FIELD_LINTEL_MEMORY_BACKING, backing_of(view, &file));
	event_set_bool(event, FIELD_LINTEL_MEMORY_SHARED, detail->flags & MAP_SHARED);
	if (file.path.len) {
		event_set_str(event, FIELD_FILE_PATH, file.path);
		event_set_str(event, FIELD_FILE_NAME, str_basename(file.path));
	}
	emit_end(sensor, process);
}

static void on_protect(struct sensor *sensor, const struct wire_view *view,
		       const struct process *process, const struct wire_detail *detail)
{
	struct event *event = &sensor->event;

	begin(sensor, view, "process", "change", "mprotect");
	fill_memory(event, detail);
	event_set_int(event, FIELD_PROCESS_EXT_MPROTECT_ADDR, (int64_t)detail->address);
	event_set_int(event, FIELD_PROCESS_EXT_MPROTECT_LEN, (int64_t)detail->length);
	event_set_int(event, FIELD_PROCESS_EXT_MPROTECT_PROT, detail->protection);
	emit_names(sensor, FIELD_PROCESS_EXT_MPROTECT_PROT_FLAGS, protection_names,
		   detail->protection);
	emit_end(sensor, process);
}

static void on_library(struct sensor *sensor, const struct wire_view *view,
		       const struct process *process, const struct wire_detail *detail)
{
	const struct wire_inode *inode = &view->record.inode;
	struct event *event = &sensor->event;
	struct record_file file;

	begin(sensor, view, "library", "start", "load");
	record_file(sensor, view, &file);
	fill_memory(event, detail);
	event_set_str(event, FIELD_LINTEL_LIBRARY_BACKING, backing_of(view, &file));
	event_set_str(event, FIELD_LINTEL_LIBRARY_INODE,
		      arena_printf(&event->arena, "%llu", (unsigned long long)inode->number));
	event_set_str(event, FIELD_LINTEL_LIBRARY_OWNER_ID,
		      arena_printf(&event->arena, "%u", inode->uid));
	event_set_int(event, FIELD_DLL_EXT_SIZE, (int64_t)inode->size);
	if (file.path.len) {
		event_set_str(event, FIELD_DLL_PATH, file.path);
		event_set_str(event, FIELD_DLL_NAME, str_basename(file.path));
	}
	if (file.host_path.len)
		event_set_str(event, FIELD_LINTEL_LIBRARY_HOST_PATH, file.host_path);
	if (!file.is_whole)
		emit_incomplete(sensor, "dll.path: could not be read to its root");
	emit_end(sensor, process);
}

void memory_event(struct sensor *sensor, const struct wire_view *view)
{
	struct process_facts facts;
	struct wire_detail detail;
	const struct process *process;

	if (!wire_detail(view, &detail)) {
		counter_add(COUNTER_RECORD_INVALID, 1);
		return;
	}
	wire_facts(view, &facts);
	process = process_acting(sensor->processes, &facts);
	switch (view->record.kind) {
	case WIRE_PTRACE:
		on_ptrace(sensor, view, process, &detail);
		return;
	case WIRE_VM:
		on_vm(sensor, view, process, &detail);
		return;
	case WIRE_PROC_MEM:
		on_proc_mem(sensor, view, process, &detail);
		return;
	case WIRE_MEMFD:
		on_memfd(sensor, view, process, &detail);
		return;
	case WIRE_MAP:
		on_map(sensor, view, process, &detail);
		return;
	case WIRE_PROTECT:
		on_protect(sensor, view, process, &detail);
		return;
	default:
		on_library(sensor, view, process, &detail);
		return;
	}
}
