/* SPDX-License-Identifier: Apache-2.0 */
/* Kernel records: whatever comes, decoding stays within the record. */
#include <stdlib.h>

#include "sensor/call_names.h"
#include "sensor/dns.h"
#include "sensor/path.h"
#include "sensor/wire_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use_place(struct str wire, struct arena *arena)
{
	struct place place;
	struct str path;

	if (place_read(wire, &place))
		return;
	path = place_namespace_path(&place, arena);
	if (!path_is_below(path, STR("/")) || place_path(&place, arena).len > path.len)
		abort();
	place_super_path(&place, arena);
	place_upper_path(&place, arena);
}

static void use_detail(const struct wire_view *view, struct arena *arena)
{
	struct wire_detail detail;
	struct wire_ids ids;

	if (wire_ids(view, &ids) && wire_detail(view, &detail))
		abort(); /* they differ in size */
	if (!wire_detail(view, &detail))
		return;
	if (!ptrace_request_name(detail.request, arena).len ||
	    !bpf_type_name(detail.request, arena).len ||
	    protection_text(detail.protection).len != 3)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct process_facts facts;
	struct dns_message message;
	struct wire_network net;
	struct wire_view view;
	struct arena arena;
	struct str path;

	if (wire_read(data, size, &view) < 0)
		return 0;
	arena_init(&arena);
	wire_facts(&view, &facts);
	if (!wire_network(&view, &net) && net.family != 4 && net.family != 6)
		abort();
	if (!dns_read(view.span[WIRE_SPAN_TEXT0].p, view.span[WIRE_SPAN_TEXT0].len, &arena,
		      &message) &&
	    !message.name.len)
		abort();
	use_detail(&view, &arena);
	use_place(view.span[WIRE_SPAN_PLACE0], &arena);
	use_place(view.span[WIRE_SPAN_PLACE1], &arena);
	use_place(view.span[WIRE_SPAN_CGROUP], &arena);
	path = path_normalise(&arena, path_join(&arena, STR("/d"), view.span[WIRE_SPAN_TEXT0]));
	if (path.len == 0 || path.p[0] != '/' || str_find(path, STR("/../"), 0) != SIZE_MAX)
		abort();
	path_extension(str_basename(path));
	arena_free(&arena);
	return 0;
}
