/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/wire_read.h"

#include <errno.h>

static const struct call_info call_infos[CALL_COUNT] = {
#define CALL(id, name, nr64, nr32, how, what, a, b, c, d, flags) \
	[CALL_##id] = {STR(name), HOW_##how, WHAT_##what},
#include "sensor/calls.def"
#undef CALL
};

const struct call_info *call_info(enum call call)
{
	return &call_infos[call < CALL_COUNT ? call : CALL_NONE];
}

bool call_is_uring(enum call call)
{
	return call >= CALL_URING_OPENAT && call < CALL_COUNT;
}

int wire_read(const void *data, size_t bytes, struct wire_view *view)
{
	struct wire_record *r = &view->record;
	const char *tail = (const char *)data + sizeof(*r);
	size_t tail_bytes;

	if (bytes < sizeof(*r))
		return -EINVAL;
	memcpy(r, data, sizeof(*r));
	if (r->bytes < sizeof(*r) || r->bytes > bytes || r->kind >= WIRE_KIND_COUNT ||
	    r->call >= CALL_COUNT)
		return -EINVAL;
	tail_bytes = r->bytes - sizeof(*r);
	for (int i = 0; i < WIRE_SPAN_COUNT; i++) {
		struct wire_span span = r->span[i];

		if ((size_t)span.offset + span.bytes > tail_bytes)
			return -EINVAL;
		view->span[i] = (struct str){span.bytes ? tail + span.offset : "", span.bytes};
	}
	return (int)r->bytes;
}

int wire_network(const struct wire_view *view, struct wire_network *out)
{
	struct str detail = view->span[WIRE_SPAN_DETAIL];

	if (detail.len != sizeof(*out))
		return -EINVAL;
	memcpy(out, detail.p, sizeof(*out));
	if ((out->family != 4 && out->family != 6) || out->what > WIRE_RECEIVED)
		return -EINVAL;
	return 0;
}

static bool copy_detail(const struct wire_view *view, void *to, size_t bytes)
{
	struct str span = view->span[WIRE_SPAN_DETAIL];

	if (span.len != bytes)
		return false;
	memcpy(to, span.p, bytes);
	return true;
}

bool wire_detail(const struct wire_view *view, struct wire_detail *detail)
{
	return copy_detail(view, detail, sizeof(*detail));
}

bool wire_ids(const struct wire_view *view, struct wire_ids *ids)
{
	return copy_detail(view, ids, sizeof(*ids));
}

void wire_facts(const struct wire_view *view, struct process_facts *facts)
{
	const struct wire_actor *a = &view->record.actor;

	*facts = (struct process_facts){
	    .pid = a->pid,
	    .tid = a->tid,
	    .ppid = a->ppid,
	    .pgid = a->pgid,
	    .sid = a->sid,
	    .start_boot_ns = a->start_boot_ns,
	    .parent_start_boot_ns = a->parent_start_boot_ns,
	    .uid = a->uid,
	    .gid = a->gid,
	    .euid = a->euid,
	    .egid = a->egid,
	    .suid = a->suid,
	    .sgid = a->sgid,
	    .login_uid = a->login_uid,
	    .audit_session = a->audit_session,
	    .tty_major = a->tty_major,
	    .tty_minor = a->tty_minor,
	    .mount_ns = a->mount_ns,
	    .pid_ns = a->pid_ns,
	    .pid_in_ns = a->pid_in_ns,
	    .cap_effective = a->cap_effective,
	    .cap_permitted = a->cap_permitted,
	    .comm = {a->comm, strnlen(a->comm, sizeof(a->comm))},
	};
}
