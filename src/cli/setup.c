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

static void say_left_out_of(void *context, const struct rule *rule, uint64_t suppressed,
			    uint64_t withheld)
{
	uint64_t *total = context;

	*total += suppressed + withheld;
	if (suppressed)
		log_info("alert_suppression left out %" PRIu64 " more alert%s of \"%.*s\"",
			 suppressed, suppressed == 1 ? "" : "s", STR_ARG(rule->name));
	if (withheld)
		log_info("max_signals (%u in %" PRId64 " s) held back %" PRIu64
			 " more alert%s of \"%.*s\"",
			 rule->max_signals, rule->interval_ns / NS_PER_SEC, withheld,
			 withheld == 1 ? "" : "s", STR_ARG(rule->name));
}

uint64_t say_left_out(const struct detector *detector)
{
	uint64_t total = 0;

	detector_report(detector, say_left_out_of, &total);
	return total;
}

void write_blocks(uint64_t count, bool shown, struct buf *out)
{
	if (count)
		buf_printf(out, ", %" PRIu64 " of them building blocks%s", count,
			   shown ? "" : " (--building-blocks shows them)");
	buf_add_char(out, '\0');
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
