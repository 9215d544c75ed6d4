/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/json_writer.h"
#include "engine/detector_state_internal.h"
#include "event/json.h"

/* What is written at once. */
#define WRITE_BYTES ((size_t)1 << 20)
/* Values in one line of terms: some kilobytes. */
#define TERMS_PER_LINE 256

struct writing {
	const struct detector *detector;
	int fd;
	int error; /* the first; nothing is written after it */
	struct buf out;
	struct json_writer json;
};

static void flush(struct writing *w)
{
	if (!w->error)
		w->error = buf_write_fd(&w->out, w->fd);
	buf_reset(&w->out);
}

static void begin_line(struct writing *w)
{
	w->json = json_writer_to(&w->out);
	json_object(&w->json);
}

static void begin_object_line(struct writing *w, struct str key)
{
	begin_line(w);
	json_key(&w->json, key);
	json_object(&w->json);
}

static void end_line(struct writing *w)
{
	while (w->json.depth)
		json_end(&w->json);
	buf_add_char(&w->out, '\n');
	if (w->out.len >= WRITE_BYTES)
		flush(w);
}

static void write_number(struct writing *w, struct str key, int64_t number)
{
	json_key(&w->json, key);
	json_int(&w->json, number);
}

static void write_hash(struct writing *w, struct group_hash hash)
{
	char text[STATE_HASH_DIGITS + 1];

	snprintf(text, sizeof(text), "%016" PRIx64 "%016" PRIx64, hash.high, hash.low);
	json_string(&w->json, str_from(text));
}

static void write_rule(struct writing *w, uint32_t rule)
{
	begin_line(w);
	json_key(&w->json, STR("rule"));
	json_string(&w->json, w->detector->rules->rules[rule]->id);
	json_key(&w->json, STR("check"));
	write_hash(w, w->detector->runs[rule].check);
	end_line(w);
}

/* A document that says what was kept of an event that has none. */
static void make_document(struct writing *w, const struct kept_event *event, struct buf *out)
{
	struct json_writer json = json_writer_to(out);
	char time[CLOCK_TEXT_MAX];

	json_object(&json);
	json_member(&json, field_known_name(FIELD_TIMESTAMP), clock_format(event->time_ns, time));
	if (event->tiebreaker.type != VALUE_NULL) {
		json_key(&json, field_known_name(FIELD_EVENT_SEQUENCE));
		value_write_json(&event->tiebreaker, &json);
	}
	for (uint32_t i = 0; i < event->value_count; i++) {
		const struct kept_value *kept = &event->values[i];

		if (kept->field == FIELD_TIMESTAMP || kept->field == FIELD_EVENT_SEQUENCE)
			continue;
		json_key(&json, field_set_info(w->detector->fields, kept->field)->name);
		value_write_json(&kept->value, &json);
	}
	json_end(&json);
}

static void write_event(struct writing *w, const struct kept_event *event, uint64_t arrival)
{
	struct buf made = {0};

	if (!event->document.len)
		make_document(w, event, &made);
	write_number(w, STR("arrival"), (int64_t)arrival);
	json_key(&w->json, STR("document"));
	json_string(&w->json, made.len ? buf_str(&made) : event->document);
	buf_free(&made);
}

static bool waits(const struct writing *w, const struct reorder_entry *entry, uint32_t hit)
{
	return w->detector->gates[entry->hits[hit].number].ordered;
}

static void write_waiting(struct writing *w, const struct reorder_entry *entry)
{
	begin_object_line(w, STR("waiting"));
	write_event(w, entry->event, entry->arrival);
	json_key(&w->json, STR("rules"));
	json_array(&w->json);
	for (uint32_t i = 0; i < entry->hit_count; i++)
		if (waits(w, entry, i))
			json_string(&w->json, entry->hits[i].rule->id);
	json_end(&w->json);
	json_key(&w->json, STR("checks"));
	json_array(&w->json);
	for (uint32_t i = 0; i < entry->hit_count; i++)
		if (waits(w, entry, i))
			write_hash(w, w->detector->runs[entry->hits[i].number].check);
	json_end(&w->json);
	json_key(&w->json, STR("filters"));
	json_array(&w->json);
	for (uint32_t i = 0; i < entry->hit_count; i++)
		if (waits(w, entry, i))
			json_int(&w->json, entry->hits[i].filter);
	json_end(&w->json);
	end_line(w);
}

static void write_machine(struct writing *w, const struct eql_machine *machine)
{
	begin_line(w);
	json_key(&w->json, STR("machine"));
	json_bool(&w->json, true);
	end_line(w);
	eql_machine_save(machine, &w->out);
	buf_add_char(&w->out, '\n');
	flush(w);
}

static void write_counted(struct writing *w, const struct counted *c)
{
	const uint64_t *values = c->value_count > 1 ? c->values : &c->value;

	begin_object_line(w, STR("counted"));
	write_number(w, STR("time"), c->time_ns);
	if (c->value_count) {
		json_key(&w->json, STR("values"));
		json_array(&w->json);
		for (uint32_t i = 0; i < c->value_count; i++)
			write_hash(w, (struct group_hash){0, values[i]});
		json_end(&w->json);
	}
	if (c->event)
		write_event(w, c->event, c->event->arrival);
	end_line(w);
}

static void write_threshold_group(struct writing *w, const struct group *group)
{
	const struct threshold_group *g = (const struct threshold_group *)group;
	uint32_t keys = w->detector->rules->rules[group->rule]->threshold.fields.count;

	begin_object_line(w, STR("group"));
	write_number(w, STR("fields"), keys);
	json_key(&w->json, STR("keys"));
	json_array(&w->json);
	for (uint32_t i = 0; i < keys; i++)
		value_write_json(&g->keys[i], &w->json);
	end_line(w);
	for (uint32_t i = 0; i < g->count; i++)
		write_counted(w, &g->counted[(g->first + i) & (g->cap - 1)]);
}

static void write_suppressed(struct writing *w, const struct group *group)
{
	const struct suppressed *s = (const struct suppressed *)group;

	begin_object_line(w, STR("suppressed"));
	json_key(&w->json, STR("hash"));
	write_hash(w, group->hash);
	write_number(w, STR("start"), s->start_ns);
	write_number(w, STR("count"), (int64_t)s->count);
	end_line(w);
}

static void write_terms(struct writing *w, struct group *const *terms, size_t count)
{
	begin_object_line(w, STR("terms"));
	json_key(&w->json, STR("hashes"));
	json_array(&w->json);
	for (size_t i = 0; i < count; i++)
		write_hash(w, terms[i]->hash);
	json_end(&w->json);
	json_key(&w->json, STR("times"));
	json_array(&w->json);
	for (size_t i = 0; i < count; i++)
		json_int(&w->json, ((const struct term *)terms[i])->last_ns);
	end_line(w);
}

struct ranked {
	struct group *group;
	size_t rank;
};

static int by_rule_and_rank(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	if (x->group->rule != y->group->rule)
		return x->group->rule < y->group->rule ? -1 : 1;
	return (x->rank > y->rank) - (x->rank < y->rank);
}

/* Groups of a table, by rule, within a rule the least recently used first; `at` is the first of the
 * rule that is next. */
struct part {
	struct group **groups;
	size_t count, at;
};

static void list_groups(const struct group_table *table, struct part *part)
{
	struct ranked *ranked = xreallocarray(NULL, table->items.count + 1, sizeof(*ranked));
	size_t n = 0;

	for (struct group *g = table->oldest; g; g = g->newer, n++)
		ranked[n] = (struct ranked){g, n};
	if (n)
		qsort(ranked, n, sizeof(*ranked), by_rule_and_rank);
	part->groups = xreallocarray(NULL, n + 1, sizeof(*part->groups));
	part->count = n;
	for (size_t i = 0; i < n; i++)
		part->groups[i] = ranked[i].group;
	free(ranked);
}

static size_t take_rule(struct part *part, uint32_t rule, struct group ***groups)
{
	size_t begin = part->at;

	while (part->at < part->count && part->groups[part->at]->rule == rule)
		part->at++;
	*groups = part->groups + begin;
	return part->at - begin;
}

/* Does anything of its past decide what the machine will find? */
static bool is_machine_kept(const struct rule_run *run)
{
	const struct eql_query *q;

	if (!run->machine)
		return false;
	q = run->detector->rules->rules[run->number]->query;
	for (uint32_t i = 0; i < q->stage_count; i++)
		if (q->stages[i].missing)
			return true;
	return q->until || q->relation_count || eql_machine_live(run->machine);
}

/* What is kept of groups, by rule. */
struct parts {
	struct part thresholds, terms, suppressions;
};

static void write_groups(struct writing *w, uint32_t rule, struct parts *parts)
{
	struct group **groups;
	size_t n = take_rule(&parts->thresholds, rule, &groups);

	for (size_t i = 0; i < n; i++)
		write_threshold_group(w, groups[i]);
	n = take_rule(&parts->terms, rule, &groups);
	for (size_t i = 0; i < n; i += TERMS_PER_LINE)
		write_terms(w, groups + i, n - i < TERMS_PER_LINE ? n - i : TERMS_PER_LINE);
	n = take_rule(&parts->suppressions, rule, &groups);
	for (size_t i = 0; i < n; i++)
		write_suppressed(w, groups[i]);
}

static bool has_groups(const struct parts *parts, uint32_t rule)
{
	const struct part *all[] = {&parts->thresholds, &parts->terms, &parts->suppressions};

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		if (all[i]->at < all[i]->count && all[i]->groups[all[i]->at]->rule == rule)
			return true;
	return false;
}

static void write_rules(struct writing *w)
{
	const struct detector *d = w->detector;
	struct parts parts = {0};

	list_groups(&d->thresholds, &parts.thresholds);
	list_groups(&d->terms, &parts.terms);
	list_groups(&d->suppressions, &parts.suppressions);
	for (uint32_t rule = 0; rule < d->rules->count; rule++) {
		bool machine = is_machine_kept(&d->runs[rule]);

		if (!machine && !has_groups(&parts, rule))
			continue;
		write_rule(w, rule);
		if (machine)
			write_machine(w, d->runs[rule].machine);
		write_groups(w, rule, &parts);
	}
	free(parts.thresholds.groups);
	free(parts.terms.groups);
	free(parts.suppressions.groups);
}

static int write_all(const struct detector *d, int fd)
{
	struct writing w = {.detector = d, .fd = fd};

	detector_sync_time(d);
	begin_line(&w);
	json_member(&w.json, STR("lintel"), STR(STATE_NAME));
	write_number(&w, STR("version"), STATE_VERSION);
	end_line(&w);
	for (uint32_t i = 0; i < d->reorder.count; i++)
		write_waiting(&w, reorder_at(&d->reorder, i));
	write_rules(&w);
	flush(&w);
	buf_free(&w.out);
	if (!w.error && fsync(fd) != 0)
		w.error = -errno;
	return w.error;
}

/* A rename is on disk only when its directory is. */
static int sync_directory(const char *path)
{
	char *directory = xstrdup(path);
	char *slash = strrchr(directory, '/');
	int error = 0;

	if (slash)
		slash[slash == directory] = '\0';
	int fd = open(slash ? directory : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || fsync(fd) != 0)
		error = -errno;
	if (fd >= 0)
		close(fd);
	free(directory);
	return error;
}

int detector_save(const struct detector *d, const char *path)
{
	struct buf name = {0};

	buf_printf(&name, "%s.new", path);
	buf_add_char(&name, '\0');
	int fd = open(name.p, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	int error = fd < 0 ? -errno : write_all(d, fd);

	if (fd >= 0 && close(fd) != 0 && !error)
		error = -errno;
	if (!error && rename(name.p, path) != 0)
		error = -errno;
	if (error && fd >= 0)
		unlink(name.p);
	buf_free(&name);
	return error ? error : sync_directory(path);
}
