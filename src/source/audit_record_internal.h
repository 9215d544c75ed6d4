/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An audit event before it is an ECS event: the records of one msg=audit(TIME:SERIAL), as the raw
 * log, the enriched log and laurel's JSON all have them.
 *
 *	group: SYSCALL {arch, syscall, a0, ..., SYSCALL, UID} ─ CWD {cwd} ─ PATH {name, ...} ─ PATH ...
 *
 * Values are texts as the raw log has them (a0 to a3 in hex without 0x, modes in octal), but with
 * quotes and hex encoding taken off: "saddr" is the bytes of the address. Fields that have no value
 * ("(null)", "(none)", "?") are left out. What a log adds by its own look-ups has a name in capitals:
 * uid=0 and UID=root.
 */
#ifndef LINTEL_SOURCE_AUDIT_RECORD_INTERNAL_H
#define LINTEL_SOURCE_AUDIT_RECORD_INTERNAL_H

#include "base/arena.h"

/* The kernel's longest argument list is megabytes; what the process table keeps is 16 KiB of it. */
#define AUDIT_ARGS_BYTES_MAX 65536
#define AUDIT_ARGS_MAX 4096
/* A SYSCALL record has 35 fields with its enrichment, a USER_* record 20. */
#define AUDIT_FIELDS_MAX 128
/* An event has a record per path and per EXECVE part of 8 KB, so tens. */
#define AUDIT_RECORDS_MAX 512

struct audit_field {
	struct str name;
	struct str value;
};

struct audit_record {
	struct str type; /* "SYSCALL" */
	const struct audit_field *fields;
	uint32_t count;
};

struct audit_group {
	struct str node; /* of node=; empty when the log names none */
	int64_t time_ns;
	uint64_t serial;
	struct audit_record *records;
	uint32_t count;
	/* Of the EXECVE records, put together: NUL-separated. */
	struct str args;
	uint32_t args_count; /* as argc says */
	bool args_cut;       /* some are missing, or were more than the limits */
};

/* The first record of a type, or NULL. */
const struct audit_record *audit_record_of(const struct audit_group *group, struct str type);
/* A field's value, or STR_NULL. `record` may be NULL. */
struct str audit_get(const struct audit_record *record, struct str name);
/* As a number; `otherwise` when it is missing or none. */
uint64_t audit_number(const struct audit_record *record, struct str name, unsigned base,
		      uint64_t otherwise);
uint64_t audit_parse_number(struct str text, unsigned base, uint64_t otherwise);
/* Is it what stands for no value? */
bool audit_is_nothing(struct str value);

/* Builds a group record by record; what is added must stay where it is until the group is used. */
struct audit_group_builder {
	struct arena *arena;
	struct audit_group *group;
	struct audit_field fields[AUDIT_FIELDS_MAX]; /* of the record that is built */
	uint32_t field_count;
	char *args; /* AUDIT_ARGS_BYTES_MAX once there are any */
	size_t args_len;
	uint32_t args_added;
};

void audit_build(struct audit_group_builder *builder, struct arena *arena);
/* Beyond AUDIT_FIELDS_MAX it is left out. */
void audit_build_field(struct audit_group_builder *builder, struct str name, struct str value);
/* Ends the record that the fields so far are of. */
void audit_build_record(struct audit_group_builder *builder, struct str type);
/* Argument number `index`, or a further part of it. */
void audit_build_argument(struct audit_group_builder *builder, uint32_t index, struct str text,
			  bool is_part);
struct audit_group *audit_build_end(struct audit_group_builder *builder);

/* audit_raw.c: raw and enriched logs, by libauparse. */
struct audit_raw;

/* A group is good until the arena of the feed is reset, which the taker does when it has all. */
typedef void audit_take(void *context, const struct audit_group *group);

struct audit_raw *audit_raw_new(void);
void audit_raw_free(struct audit_raw *raw);
/* Is it a line of an audit log? NULL, or what is wrong with it. */
const char *audit_raw_check(struct str line);
/* Adds a line that was checked; nothing comes of it before audit_raw_run(). */
void audit_raw_add(struct audit_raw *raw, struct str line);
/* Groups the lines added. `flush`: ends those that still wait for records. Returns whether some
 * wait. */
bool audit_raw_run(struct audit_raw *raw, bool flush, audit_take *take, void *context);
/* Ends those that wait since longer than libauparse waits, by the wall clock. */
void audit_raw_age(struct audit_raw *raw, audit_take *take, void *context);

/* audit_laurel.c */
/* The group of a line; NULL with a static text in *why when it is none. */
const struct audit_group *audit_laurel_read(struct arena *arena, struct str line, const char **why);

#endif
