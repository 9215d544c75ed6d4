/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "base/toml_reader.h"
#include "cli/cli.h"
#include "process/process.h"
#include "sensor/sensor.h"

/* A configuration is a page; a device or a log given by mistake is not read to its end. */
#define CONFIG_BYTES_MAX ((size_t)256 * 1024)

enum key_type {
	KEY_BOOL,
	KEY_TEXT,
	KEY_NUMBER,
	KEY_POWER_OF_TWO,
	KEY_SECONDS, /* a number, or text as --tolerance takes it */
	KEY_LIST
};

static const struct key {
	const char *table, *name;
	enum key_type type;
	size_t offset; /* in struct config */
	uint64_t min, max;
	const char *one_of[3];
} keys[] = {
    {"rules", "default", KEY_BOOL, offsetof(struct config, default_rules), 0, 0, {0}},
    {"rules", "paths", KEY_LIST, offsetof(struct config, rule_paths), 0, 0, {0}},
    {"watch", "state", KEY_TEXT, offsetof(struct config, state), 0, 0, {0}},
    {"watch", "format", KEY_TEXT, offsetof(struct config, format), 0, 0, {"terminal", "ndjson"}},
    {"watch", "output", KEY_TEXT, offsetof(struct config, output), 0, 0, {0}},
    {"watch", "events", KEY_TEXT, offsetof(struct config, events), 0, 0, {0}},
    {"watch", "user", KEY_TEXT, offsetof(struct config, user), 0, 0, {0}},
    {"watch", "cgroup", KEY_TEXT, offsetof(struct config, cgroup), 0, 0, {0}},
    {"watch", "audit_log", KEY_TEXT, offsetof(struct config, audit_log), 0, 0, {0}},
    {"watch", "tolerance", KEY_SECONDS, offsetof(struct config, detection.tolerance_ns), 0, 0, {0}},
    {"watch",
     "state_memory",
     KEY_NUMBER,
     offsetof(struct config, detection.state_megabytes),
     STATE_MEGABYTES_MIN,
     STATE_MEGABYTES_MAX,
     {0}},
    {"watch",
     "building_blocks",
     KEY_BOOL,
     offsetof(struct config, detection.building_blocks),
     0,
     0,
     {0}},
    /* the kernel has ring buffers of no other sizes */
    {"watch",
     "ring_megabytes",
     KEY_POWER_OF_TWO,
     offsetof(struct config, ring_megabytes),
     1,
     1024,
     {0}},
    {"watch", "directories", KEY_LIST, offsetof(struct config, directories), 0, 0, {0}},
    {"process", "max", KEY_NUMBER, offsetof(struct config, max_processes), 64, 4194304, {0}},
    {"process", "env_vars", KEY_LIST, offsetof(struct config, env_vars), 0, 0, {0}},
};

/* What the dynamic linker and libc heed, and what published rules read. */
static const char *env_vars_default[] = {
    "LD_*",        "GLIBC_TUNABLES", "HISTFILE",           "HISTSIZE",  "HISTFILESIZE",
    "HISTCONTROL", "HTTP_PROXY",     "HTTPS_PROXY",        "ALL_PROXY", "http_proxy",
    "https_proxy", "all_proxy",      "RUNNER_TRACKING_ID", NULL};

void config_init(struct config *config)
{
	*config = (struct config){
	    .default_rules = true,
	    .state = "/var/lib/lintel",
	    .format = "terminal",
	    .detection.tolerance_ns = DETECTOR_TOLERANCE_DEFAULT_NS,
	    .detection.state_megabytes = STATE_MEGABYTES_DEFAULT,
	    .ring_megabytes = SENSOR_RING_BYTES_DEFAULT >> 20,
	    .max_processes = PROCESS_MAX_DEFAULT,
	    .env_vars.items = env_vars_default,
	    .env_vars.count = sizeof(env_vars_default) / sizeof(*env_vars_default) - 1,
	};
	arena_init(&config->arena);
}

void config_free(struct config *config)
{
	arena_free(&config->arena);
}

struct reader {
	struct config *config;
	struct str file, text;
	struct diag_list *diags;
};

/* The place of a node: toml++ gives line and column, a diagnostic wants the line's text too. */
static struct diag place(const struct reader *r, uint32_t line, uint32_t column, size_t width)
{
	size_t offset = 0;

	for (uint32_t l = 1; l < line && offset < r->text.len; offset++)
		l += r->text.p[offset] == '\n';
	return diag_at(r->file, r->text, offset + (column ? column - 1 : 0), width, 1, 1);
}

static void wrong(const struct reader *r, const struct tree_node *node, const struct key *key,
		  const char *expected)
{
	struct diag diag = place(r, node->line, node->column, 1);

	diag_add(r->diags, diag, "%s.%s must be %s", key->table, key->name, expected);
}

static void set_list(const struct reader *r, const struct key *key, const struct tree_node *node)
{
	struct config_list *list = (struct config_list *)((char *)r->config + key->offset);

	list->items = ARENA_ARRAY(&r->config->arena, const char *, node->kid_count + 1);
	list->count = 0;
	for (uint32_t i = 0; i < node->kid_count; i++) {
		if (node->kids[i]->type != TREE_STRING)
			wrong(r, node->kids[i], key, "a list of strings");
		else
			list->items[list->count++] = node->kids[i]->text.p;
	}
	list->items[list->count] = NULL;
}

static void set_text(const struct reader *r, const struct key *key, const struct tree_node *node)
{
	bool known = !key->one_of[0];

	for (size_t i = 0; i < 3 && key->one_of[i]; i++)
		known |= str_eq(node->text, str_from(key->one_of[i]));
	if (!known) {
		struct diag diag = place(r, node->line, node->column, node->text.len + 2);

		diag_add(r->diags, diag, "%s.%s is \"%s\" or \"%s\", not \"%.*s\"", key->table,
			 key->name, key->one_of[0], key->one_of[1], STR_ARG(node->text));
		return;
	}
	*(const char **)((char *)r->config + key->offset) = node->text.p;
}

static bool read_seconds(const struct tree_node *node, int64_t *ns)
{
	char text[64];

	if (node->type == TREE_STRING)
		return cli_parse_seconds(node->text.p, ns);
	if (node->type == TREE_INT)
		snprintf(text, sizeof(text), "%lld", (long long)node->integer);
	else if (node->type == TREE_DOUBLE)
		snprintf(text, sizeof(text), "%.9f", node->real);
	else
		return false;
	return cli_parse_seconds(text, ns);
}

static void set_key(const struct reader *r, const struct key *key, const struct tree_node *node)
{
	char *slot = (char *)r->config + key->offset;
	struct diag diag;

	switch (key->type) {
	case KEY_BOOL:
		if (node->type != TREE_BOOL)
			wrong(r, node, key, "true or false");
		else
			*(bool *)slot = node->boolean;
		break;
	case KEY_TEXT:
		if (node->type != TREE_STRING)
			wrong(r, node, key, "a string");
		else
			set_text(r, key, node);
		break;
	case KEY_NUMBER:
	case KEY_POWER_OF_TWO:
		if (node->type == TREE_INT && node->integer >= (int64_t)key->min &&
		    node->integer <= (int64_t)key->max &&
		    (key->type == KEY_NUMBER || !(node->integer & (node->integer - 1)))) {
			*(uint64_t *)slot = (uint64_t)node->integer;
			break;
		}
		diag = place(r, node->line, node->column, 1);
		diag_add(r->diags, diag, "%s.%s must be a %s from %llu to %llu", key->table,
			 key->name, key->type == KEY_NUMBER ? "whole number" : "power of two",
			 (unsigned long long)key->min, (unsigned long long)key->max);
		break;
	case KEY_SECONDS:
		if (!read_seconds(node, (int64_t *)slot))
			wrong(r, node, key, "seconds, like 2, 0.5 or \"500ms\", at most a day");
		break;
	case KEY_LIST:
		if (node->type != TREE_ARRAY)
			wrong(r, node, key, "a list of strings");
		else
			set_list(r, key, node);
		break;
	}
}

static const struct key *find_key(struct str table, struct str name)
{
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		if (str_eq(table, str_from(keys[i].table)) && str_eq(name, str_from(keys[i].name)))
			return &keys[i];
	return NULL;
}

/* "known keys: a, b, c" of a table, or the tables when it is none of them. */
static struct str known_names(const struct reader *r, struct str table)
{
	struct buf names = {0};
	bool any = false;

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		if (str_eq(table, str_from(keys[i].table))) {
			buf_printf(&names, "%s %s", any ? "," : "known here:", keys[i].name);
			any = true;
		}
	if (!any)
		buf_add(&names, STR("known tables: [rules], [watch], [process]"));
	struct str text = arena_str(&r->diags->arena, buf_str(&names));

	buf_free(&names);
	return text;
}

static void unknown(const struct reader *r, const struct tree_node *node, struct str table)
{
	struct diag diag = place(r, node->key_line, node->key_column, node->key.len);

	diag.hint = known_names(r, table);
	diag_add(r->diags, diag, "unknown key [%.*s]", STR_ARG(node->key));
}

static void read_tables(const struct reader *r, const struct tree_node *root)
{
	for (uint32_t i = 0; i < root->kid_count; i++) {
		const struct tree_node *table = root->kids[i];

		if (table->type != TREE_TABLE) {
			unknown(r, table, STR(""));
			continue;
		}
		for (uint32_t j = 0; j < table->kid_count; j++) {
			const struct key *key = find_key(table->key, table->kids[j]->key);

			if (key)
				set_key(r, key, table->kids[j]);
			else
				unknown(r, table->kids[j], table->key);
		}
	}
}

/* The whole file into the arena. */
static int read_file(struct arena *arena, const char *path, struct str *text)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	struct buf content = {0};
	int error = 0;

	if (fd < 0)
		return -errno;
	while (content.len <= CONFIG_BYTES_MAX) {
		ssize_t n = read(fd, buf_reserve(&content, 4096), 4096);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			error = -errno;
		if (n <= 0)
			break;
		content.len += (size_t)n;
	}
	if (content.len > CONFIG_BYTES_MAX)
		error = -EFBIG;
	*text = arena_str(arena, buf_str(&content));
	buf_free(&content);
	close(fd);
	return error;
}

int config_load(struct config *config, const char *path, struct diag_list *diags)
{
	struct reader r = {.config = config, .file = str_from(path), .diags = diags};
	struct tree_node *root;
	int error = read_file(&config->arena, path, &r.text);

	if (error == -ENOENT)
		return error;
	if (error) {
		diag_add(diags, (struct diag){.file = r.file}, "cannot be read: %s",
			 strerror(-error));
		return error;
	}
	error = toml_read(&config->arena, r.text, r.file, diags, &root);
	if (error)
		return error;
	read_tables(&r, root);
	return diags->errors ? -EINVAL : 0;
}

int config_read(struct config *config, const char *path)
{
	const char *from = path ? path : CONFIG_PATH_DEFAULT;
	struct diag_list diags;

	diag_list_init(&diags);
	int error = config_load(config, from, &diags);

	diag_list_print(&diags, STDERR_FILENO);
	diag_list_free(&diags);
	if (error == -ENOENT && !path)
		return 0;
	if (error == -ENOENT)
		log_error("--config %s: %s", from, strerror(ENOENT));
	return error;
}

void config_rules(const struct config *config, struct rule_options *rules)
{
	rules->no_default_rules = !config->default_rules;
	for (uint32_t i = 0; i < config->rule_paths.count; i++)
		rule_options_add(rules, config->rule_paths.items[i]);
}
