/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json_writer.h"
#include "process/process_internal.h"

static void write_args(struct json_writer *w, const struct value *args)
{
	const struct value *items = args->type == VALUE_LIST ? args->items : args;
	uint32_t count = args->type == VALUE_LIST ? args->count : 1;

	if (args->type == VALUE_NULL)
		return;
	json_key(w, STR("args"));
	json_array(w);
	for (uint32_t i = 0; i < count; i++)
		json_string(w, value_as_str(&items[i]));
	json_end(w);
}

static void write_process(struct json_writer *w, const struct process *p)
{
	json_object(w);
	json_member(w, STR("entity_id"), process_entity_id(p));
	json_key(w, STR("pid"));
	json_uint(w, p->pid);
	if (p->image) {
		json_member(w, STR("name"), p->image->name);
		json_member(w, STR("executable"), p->image->executable);
		write_args(w, &p->image->args);
	}
	if (!p->start_is_unknown)
		json_member(w, STR("start"), (struct str){p->start_text, p->start_len});
	if (p->credential) {
		json_key(w, STR("user"));
		json_object(w);
		json_member(w, STR("id"), p->credential->user_id);
		json_member(w, STR("name"), p->credential->user_name);
		json_end(w);
	}
	json_end(w);
}

void process_write_ancestors(struct process_table *table, const struct process *process,
			     struct buf *out)
{
	struct json_writer w = json_writer_to(out);

	json_array(&w);
	for (int i = 0; process && i < PROCESS_ANCESTORS_MAX; i++) {
		lineage_settle(table, (struct process *)process);
		write_process(&w, process);
		process = process_parent(table, process);
	}
	json_end(&w);
}
