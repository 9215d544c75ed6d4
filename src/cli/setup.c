/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/setup.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/counter.h"
#include "base/log.h"

void rule_options_add(struct rule_options *options, const char *path)
{
	options->paths = xreallocarray(options->paths, options->path_count + 1, sizeof(path));
	options->paths[options->path_count++] = path;
}

void rule_options_free(struct rule_options *options)
{
	free(options->paths);
	*options = (struct rule_options){0};
}

static int load_all(const struct rule_options *options, struct rule_set *rules,
		    struct field_set *fields, struct diag_list *diags)
{
	if (!options->no_default_rules) {
		int error = rule_set_load_builtin(rules, fields, diags);

		if (error)
			return error;
	}
	for (uint32_t i = 0; i < options->path_count; i++) {
		int error = rule_set_load(rules, fields, options->paths[i], diags);

		if (error)
			return error;
	}
	rule_set_finish(rules, fields, diags);
	return 0;
}

int load_rules(const struct rule_options *options, struct rule_set *rules, struct field_set *fields)
{
	struct diag_list diags;

	diag_list_init(&diags);
	int error = load_all(options, rules, fields, &diags);

	diag_list_print(&diags, STDERR_FILENO);
	diag_list_free(&diags);
	if (error)
		return error;
	log_info("%u rule%s from %u file%s: %u run, %u skipped, %u with errors%s", rules->count,
		 rules->count == 1 ? "" : "s", rules->files, rules->files == 1 ? "" : "s",
		 rules->loaded, rules->skipped, rules->errors,
		 rules->skipped || rules->errors ? " (lintel rules check PATH says why)" : "");
	if (!rules->loaded) {
		log_error("no rule to run");
		return -ENOENT;
	}
	return 0;
}

static void say_withheld_by(void *context, const struct rule *rule, uint64_t withheld)
{
	(void)context;
	log_info("max_signals (%u in %" PRId64 " s) held back %" PRIu64 " more alerts of \"%.*s\"",
		 rule->max_signals, rule->interval_ns / NS_PER_SEC, withheld, STR_ARG(rule->name));
}

void say_withheld(const struct alert_caps *caps)
{
	alert_caps_report(caps, say_withheld_by, NULL);
}

uint32_t write_losses(struct buf *out)
{
	uint32_t causes = 0;

	for (enum counter c = 0; c < COUNTER_COUNT; c++)
		if (counter_get(c)) {
			buf_printf(out, "  %" PRIu64 " %s\n", counter_get(c), counter_text(c));
			causes++;
		}
	return causes;
}
