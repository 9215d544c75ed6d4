/* SPDX-License-Identifier: Apache-2.0 */
#include "event/json.h"

#include "base/json_writer.h"

static void write_scalar(struct json_writer *w, const struct value *v)
{
	switch (v->type) {
	case VALUE_BOOL:
		json_bool(w, v->boolean);
		break;
	case VALUE_INT:
		json_int(w, v->integer);
		break;
	case VALUE_DOUBLE:
		json_double(w, v->real);
		break;
	case VALUE_STRING:
		json_string(w, value_as_str(v));
		break;
	default:
		json_null(w);
	}
}

void value_write_json(const struct value *v, struct json_writer *w)
{
	if (v->type != VALUE_LIST) {
		write_scalar(w, v);
		return;
	}
	json_array(w);
	for (uint32_t i = 0; i < v->count; i++)
		write_scalar(w, &v->items[i]);
	json_end(w);
}

static void write_value(struct json_writer *w, const struct value *v, bool multi)
{
	bool wrap = multi && v->type != VALUE_LIST;

	if (wrap)
		json_array(w);
	value_write_json(v, w);
	if (wrap)
		json_end(w);
}

/* Bytes of `name`, up to and with a dot, that it shares with the objects that are open: of
 * "process.parent.name" and the open "process.group_leader." these are "process.". */
static size_t shared(struct str open, struct str name)
{
	size_t dots = 0;

	for (size_t i = 0; i < open.len && i < name.len && open.p[i] == name.p[i]; i++)
		if (open.p[i] == '.')
			dots = i + 1;
	return dots;
}

/* Close and open objects until those of `name` are open; returns the name's last part. */
static struct str go_to(struct json_writer *w, struct str *open, struct str name)
{
	size_t keep = shared(*open, name);

	for (size_t i = keep; i < open->len; i++)
		if (open->p[i] == '.')
			json_end(w);
	const char *dot;

	while ((dot = memchr(name.p + keep, '.', name.len - keep))) {
		json_key(w, (struct str){name.p + keep, (size_t)(dot - name.p) - keep});
		json_object(w);
		keep = (size_t)(dot - name.p) + 1;
	}
	*open = (struct str){name.p, keep};
	return (struct str){name.p + keep, name.len - keep};
}

static void write_known(const struct event *event, struct json_writer *w)
{
	struct str open = {"", 0};

	for (uint32_t id = 0; id < FIELD_KNOWN_COUNT; id++) {
		const struct value *v = event_get(event, id);

		if (v->type == VALUE_NULL)
			continue;
		const struct field_info *info = field_set_info(event->fields, id);

		json_key(w, go_to(w, &open, info->name));
		write_value(w, v, info->multi);
	}
	for (size_t i = 0; i < open.len; i++)
		if (open.p[i] == '.')
			json_end(w);
}

void event_write_json(const struct event *event, struct buf *out)
{
	if (event->document.len) {
		buf_add(out, event->document);
		return;
	}
	struct json_writer w = json_writer_to(out);

	json_object(&w);
	write_known(event, &w);
	for (uint32_t id = FIELD_KNOWN_COUNT; id < field_set_count(event->fields); id++) {
		const struct value *v = event_get(event, id);

		if (v->type == VALUE_NULL)
			continue;
		json_key(&w, field_set_info(event->fields, id)->name);
		value_write_json(v, &w);
	}
	json_end(&w);
}
