/* SPDX-License-Identifier: Apache-2.0 */
#include "source/audit.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/counter.h"
#include "source/audit_make_internal.h"

struct audit_reader {
	struct audit_reader_options options;
	char *origin_id; /* host.id of events that name no node */
	struct audit_raw *raw;
	struct field_set *fields;
	struct event event;
	struct audit_making making;
	struct arena arena; /* of a line of laurel's */
	struct audit_node nodes[AUDIT_NODES_MAX];
	uint32_t node_count;
	uint64_t uses;
	uint64_t lost, lost_told; /* not taken yet; the kernel's count when it was last told */
	struct buf *out;          /* where what is made goes, during a call */
};

static const char *const format_names[] = {
    [INPUT_AUTO] = "auto",
    [INPUT_NDJSON] = "ndjson",
    [INPUT_AUDIT] = "audit",
    [INPUT_LAUREL] = "laurel",
};

int input_format_of(const char *name)
{
	for (int i = 0; i < INPUT_FORMATS; i++)
		if (strcmp(format_names[i], name) == 0)
			return i;
	return -1;
}

static struct str without_blanks(struct str s)
{
	while (s.len && (s.p[0] == ' ' || s.p[0] == '\t')) {
		s.p++;
		s.len--;
	}
	return s;
}

/* laurel writes the ID first: {"ID":"1626611363.720:348501", ...; NODE may come before it. */
static bool is_laurel(struct str line)
{
	size_t at = str_find(line, STR("\"ID\""), 0);
	struct str rest;

	if (!line.len || line.p[0] != '{' || at > 300)
		return false;
	rest = without_blanks((struct str){line.p + at + 4, line.len - at - 4});
	if (!rest.len || rest.p[0] != ':')
		return false;
	rest = without_blanks((struct str){rest.p + 1, rest.len - 1});
	size_t n = 1, marks = 0;

	if (!rest.len || rest.p[0] != '"')
		return false;
	for (; n < rest.len && rest.p[n] != '"'; n++)
		if (rest.p[n] == '.' || rest.p[n] == ':')
			marks++;
		else if (rest.p[n] < '0' || rest.p[n] > '9')
			return false;
	return marks == 2;
}

enum input_format input_format_by(struct str line)
{
	line = without_blanks(line);
	if (str_starts(line, STR("type=")) || str_starts(line, STR("node=")))
		return INPUT_AUDIT;
	return is_laurel(line) ? INPUT_LAUREL : INPUT_NDJSON;
}

/* Logs that lie together are of one host, rotated. */
static char *id_of_origin(struct str origin)
{
	struct str name = str_basename(origin);
	char *id = xmalloc(32);

	snprintf(id, 32, "audit-%016llx",
		 (unsigned long long)str_hash((struct str){origin.p, origin.len - name.len}));
	return id;
}

struct audit_reader *audit_reader_new(const struct audit_reader_options *options)
{
	struct audit_reader *reader = xcalloc(1, sizeof(*reader));

	reader->options = *options;
	reader->origin_id = id_of_origin(options->origin);
	reader->options.origin = STR_NULL;
	reader->fields = field_set_new();
	event_init(&reader->event, reader->fields);
	arena_init(&reader->arena);
	if (options->format == INPUT_AUDIT)
		reader->raw = audit_raw_new();
	return reader;
}

static void free_node(struct audit_node *node)
{
	process_table_free(node->processes);
	free((char *)node->name.p);
	free(node->id);
	*node = (struct audit_node){0};
}

void audit_reader_free(struct audit_reader *reader)
{
	if (!reader)
		return;
	for (uint32_t i = 0; i < reader->node_count; i++)
		free_node(&reader->nodes[i]);
	audit_raw_free(reader->raw);
	event_free(&reader->event);
	field_set_free(reader->fields);
	arena_free(&reader->arena);
	free(reader->origin_id);
	free(reader);
}

static char *copy_of(struct str s)
{
	char *copy = xmalloc(s.len + 1);

	if (s.len)
		memcpy(copy, s.p, s.len);
	copy[s.len] = '\0';
	return copy;
}

static char *id_of_node(const struct audit_reader *reader, struct str name)
{
	if (name.len)
		return copy_of(name);
	return reader->options.host ? copy_of(host_id(reader->options.host))
				    : xstrdup(reader->origin_id);
}

/* A free place, if need be that of the host not heard of for longest. */
static struct audit_node *place_for_node(struct audit_reader *reader)
{
	struct audit_node *oldest = &reader->nodes[0];

	if (reader->node_count < AUDIT_NODES_MAX)
		return &reader->nodes[reader->node_count++];
	for (uint32_t i = 1; i < AUDIT_NODES_MAX; i++)
		if (reader->nodes[i].used < oldest->used)
			oldest = &reader->nodes[i];
	counter_add(COUNTER_AUDIT_NODE_EVICTED, 1);
	free_node(oldest);
	return oldest;
}

static struct audit_node *node_of(struct audit_reader *reader, struct str name)
{
	struct audit_node *node = NULL;

	for (uint32_t i = 0; i < reader->node_count && !node; i++)
		if (str_eq(reader->nodes[i].name, name))
			node = &reader->nodes[i];
	if (!node) {
		node = place_for_node(reader);
		node->name = (struct str){copy_of(name), name.len};
		node->id = id_of_node(reader, name);
		node->processes = process_table_new(
		    &(struct process_table_options){.max_processes = reader->options.max_processes,
						    .host_id = str_from(node->id),
						    .offline = true});
	}
	node->used = ++reader->uses;
	return node;
}

struct process_table *audit_reader_processes(struct audit_reader *reader, struct str id)
{
	for (uint32_t i = 0; i < reader->node_count; i++)
		if (str_eq(str_from(reader->nodes[i].id), id))
			return reader->nodes[i].processes;
	return NULL;
}

static void set_host(struct audit_reader *reader, const struct audit_node *node)
{
	struct event *event = &reader->event;

	if (!node->name.len && reader->options.host) {
		host_fill(reader->options.host, event);
		return;
	}
	event_set_str(event, FIELD_HOST_ID, str_from(node->id));
	event_set_str(event, FIELD_HOST_OS_TYPE, STR("linux"));
	if (node->name.len) {
		event_set_str(event, FIELD_HOST_NAME, node->name);
		event_set_str(event, FIELD_HOST_HOSTNAME, node->name);
	}
}

static void note_lost(struct audit_reader *reader, struct str count)
{
	uint64_t told = audit_parse_number(count, 10, 0);

	/* It begins anew with a boot. */
	reader->lost += told >= reader->lost_told ? told - reader->lost_told : told;
	reader->lost_told = told;
}

static void on_group(void *context, const struct audit_group *group)
{
	struct audit_reader *reader = context;
	struct audit_making *making = &reader->making;

	event_reset(&reader->event);
	making->group = group;
	making->process = NULL;
	making->event = &reader->event;
	making->extra_count = 0;
	making->call_name = STR_NULL;
	if (!audit_kind_of(making)) {
		counter_add(COUNTER_AUDIT_INCOMPLETE, 1);
		return;
	}
	struct str lost = audit_get(making->main, STR("audit_lost"));

	if (lost.len)
		note_lost(reader, lost);
	making->node = node_of(reader, group->node);
	if (!audit_make(making))
		return;
	set_host(reader, making->node);
	audit_write(making, reader->out);
}

/* What the kernel's log says of audit, in a file that has both. True: it is that. */
static bool is_kernel_message(struct audit_reader *reader, struct str line)
{
	size_t at = str_find(line, STR("audit: audit_lost="), 0);

	if (at != SIZE_MAX) {
		struct str count = {line.p + at + 18, 0};

		while (count.p + count.len < line.p + line.len && count.p[count.len] >= '0' &&
		       count.p[count.len] <= '9')
			count.len++;
		note_lost(reader, count);
		return true;
	}
	return str_find(line, STR("audit: backlog limit exceeded"), 0) != SIZE_MAX;
}

static const char *raw_line(struct audit_reader *reader, struct str line)
{
	const char *why = audit_raw_check(line);

	if (!why)
		audit_raw_add(reader->raw, line);
	else if (is_kernel_message(reader, line))
		return NULL;
	return why;
}

static const char *laurel_line(struct audit_reader *reader, struct str line, struct buf *out)
{
	const char *why;

	arena_reset(&reader->arena);
	const struct audit_group *group = audit_laurel_read(&reader->arena, line, &why);

	if (!group)
		return why;
	reader->out = out;
	on_group(reader, group);
	return NULL;
}

const char *audit_reader_line(struct audit_reader *reader, struct str line, struct buf *out)
{
	return reader->raw ? raw_line(reader, line) : laurel_line(reader, line, out);
}

bool audit_reader_run(struct audit_reader *reader, bool flush, struct buf *out)
{
	reader->out = out;
	return reader->raw && audit_raw_run(reader->raw, flush, on_group, reader);
}

void audit_reader_age(struct audit_reader *reader, struct buf *out)
{
	reader->out = out;
	if (reader->raw)
		audit_raw_age(reader->raw, on_group, reader);
}

uint64_t audit_reader_take_lost(struct audit_reader *reader)
{
	uint64_t lost = reader->lost;

	reader->lost = 0;
	return lost;
}
