/* SPDX-License-Identifier: Apache-2.0 */
/* What a process does to the kernel and to what it sees of the system: modules, BPF programs,
 * namespaces, mounts. */
#include "sensor/sensor_internal.h"

#include "sensor/call_names.h"

static void begin(struct sensor *sensor, const struct wire_view *view, const char *type,
		  const char *action)
{
	emit_begin(sensor, view->record.boot_ns, STR("tracepoint"));
	emit_kind(sensor, "process", type, action);
	emit_call(sensor, view);
}

static void set_text(struct event *event, uint32_t field, struct str text)
{
	if (text.len)
		event_set_str(event, field, text);
}

static struct str name_of(const struct wire_detail *detail, struct arena *arena)
{
	return arena_str(arena,
			 (struct str){detail->name, strnlen(detail->name, sizeof(detail->name))});
}

static void on_module(struct sensor *sensor, const struct wire_view *view,
		      const struct wire_detail *detail)
{
	struct event *event = &sensor->event;
	struct record_file file;

	begin(sensor, view, "start", "load_module");
	if (view->record.value)
		event_set_str(event, FIELD_EVENT_OUTCOME, STR("failure"));
	if (detail->request) {
		set_text(event, FIELD_PROCESS_EXT_LOAD_MODULE_NAME, name_of(detail, &event->arena));
		set_text(event, FIELD_PROCESS_EXT_LOAD_MODULE_VERSION, view->span[WIRE_SPAN_TEXT0]);
		set_text(event, FIELD_PROCESS_EXT_LOAD_MODULE_SRC_VERSION,
			 view->span[WIRE_SPAN_TEXT1]);
		event_set_int(event, FIELD_PROCESS_EXT_LOAD_MODULE_TAINTS, (int64_t)detail->data);
		emit_names(sensor, FIELD_PROCESS_EXT_LOAD_MODULE_TAINT_FLAGS, taint_names,
			   detail->data);
	} else {
		emit_incomplete(sensor, "process.Ext.load_module: the tracepoint module_load did "
					"not tell");
	}
	if (view->record.call != CALL_FINIT_MODULE)
		return;
	event_set_int(event, FIELD_LINTEL_MODULE_FLAGS, (int64_t)detail->flags);
	record_file(sensor, view, &file);
	set_text(event, FIELD_FILE_PATH, file.path);
	if (file.path.len)
		event_set_str(event, FIELD_FILE_NAME, str_basename(file.path));
}

static void on_unload(struct sensor *sensor, const struct wire_view *view,
		      const struct wire_detail *detail)
{
	struct event *event = &sensor->event;

	begin(sensor, view, "end", "unload_module");
	set_text(event, FIELD_PROCESS_EXT_LOAD_MODULE_NAME, name_of(detail, &event->arena));
	event_set_int(event, FIELD_LINTEL_MODULE_FLAGS, (int64_t)detail->flags);
}

static void on_bpf(struct sensor *sensor, const struct wire_view *view,
		   const struct wire_detail *detail)
{
	struct event *event = &sensor->event;

	begin(sensor, view, "start", "bpf_prog_load");
	event_set_int(event, FIELD_LINTEL_BPF_ID, (int64_t)detail->data);
	event_set_str(event, FIELD_LINTEL_BPF_TYPE, bpf_type_name(detail->request, &event->arena));
	set_text(event, FIELD_LINTEL_BPF_NAME, name_of(detail, &event->arena));
}

static void on_namespace(struct sensor *sensor, const struct wire_view *view,
			 const struct wire_detail *detail)
{
	begin(sensor, view, "change", view->record.call == CALL_SETNS ? "setns" : "unshare");
	emit_names(sensor, FIELD_LINTEL_NAMESPACE_TYPE, namespace_names, detail->flags);
	if (detail->data)
		event_set_int(&sensor->event, FIELD_LINTEL_NAMESPACE_INODE, (int64_t)detail->data);
}

static void on_mount(struct sensor *sensor, const struct wire_view *view,
		     const struct wire_detail *detail)
{
	bool mounts = view->record.call == CALL_MOUNT || view->record.call == CALL_MOVE_MOUNT;
	struct event *event = &sensor->event;

	begin(sensor, view, "change", mounts ? "mount" : "umount");
	set_text(event, FIELD_LINTEL_MOUNT_SOURCE, view->span[WIRE_SPAN_TEXT0]);
	set_text(event, FIELD_LINTEL_MOUNT_TARGET, view->span[WIRE_SPAN_TEXT1]);
	set_text(event, FIELD_LINTEL_MOUNT_TYPE, name_of(detail, &event->arena));
	event_set_int(event, FIELD_LINTEL_MOUNT_FLAGS, (int64_t)detail->flags);
	if (wire_has_failed(view, WIRE_SPAN_TEXT0))
		emit_incomplete(sensor, "lintel.mount.source: could not be read");
	if (wire_has_failed(view, WIRE_SPAN_TEXT1))
		emit_incomplete(sensor, "lintel.mount.target: could not be read");
}

void kernel_event(struct sensor *sensor, const struct wire_view *view)
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
	case WIRE_MODULE:
		on_module(sensor, view, &detail);
		break;
	case WIRE_UNLOAD:
		on_unload(sensor, view, &detail);
		break;
	case WIRE_BPF:
		on_bpf(sensor, view, &detail);
		break;
	case WIRE_NAMESPACE:
		on_namespace(sensor, view, &detail);
		break;
	default:
		on_mount(sensor, view, &detail);
		break;
	}
	emit_end(sensor, process);
}
