/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration file, TOML. Every key, its type and its meaning are one table in config.c; a
 * flag of the same name wins over the file. docs/man/lintel.toml.5 describes it.
 */
#ifndef LINTEL_CLI_CONFIG_H
#define LINTEL_CLI_CONFIG_H

#include "base/arena.h"
#include "base/diag.h"
#include "cli/setup.h"

#define CONFIG_PATH_DEFAULT "/etc/lintel/lintel.toml"

struct config_list {
	const char **items;
	uint32_t count;
};

struct config {
	struct arena arena;
	/* [rules] */
	bool default_rules;
	struct config_list rule_paths;
	/* [watch] */
	const char *state;
	const char *format;    /* "terminal" or "ndjson" */
	const char *output;    /* NULL: stdout */
	const char *events;    /* NULL: not written */
	const char *user;      /* to become after start; NULL: stay */
	const char *cgroup;    /* NULL: all */
	const char *audit_log; /* NULL: the sensor */
	struct detection_options detection;
	uint64_t ring_megabytes;
	struct config_list directories; /* for the second witness, beside those the rules name */
	/* [process] */
	uint64_t max_processes;
	struct config_list
	    env_vars; /* captured from a new program's environment; NULL-terminated */
};

/* Defaults. */
void config_init(struct config *config);
void config_free(struct config *config);
/* Read `path` over the defaults. A file that is not there is -ENOENT without a diagnostic;
 * otherwise 0 or -errno with diagnostics (an unknown key is an error: a misspelt setting that is
 * silently ignored is worse than none). */
int config_load(struct config *config, const char *path, struct diag_list *diags)
    __attribute__((warn_unused_result));
/* The same for a verb: what is wrong goes to stderr. `path` NULL is the default one, which need not
 * be there. */
int config_read(struct config *config, const char *path) __attribute__((warn_unused_result));
/* What [rules] says, before the flags add to it. */
void config_rules(const struct config *config, struct rule_options *rules);

#endif
