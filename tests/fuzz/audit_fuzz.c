/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a log of audit: raw and enriched through libauparse, laurel's as JSON; the first byte
 * says which, and whether events are taken after each line or at the end. Each event that comes out
 * must read back as one, on a line of its own.
 */
#include <stdint.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/log.h"
#include "event/json.h"
#include "source/audit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void);

/* libauparse 3.0.9 loses some bytes for a record that has a field twice which it copies, as cwd
 * (ellist.c, parse_up_record). */
const char *__lsan_default_suppressions(void)
{
	return "leak:parse_up_record\nleak:libauparse";
}

static struct event_reader *reader;
static struct event event;

static void set_up(void)
{
	struct field_set *fields = field_set_new();

	field_set_demand(fields, field_known_name(FIELD_TIMESTAMP));
	field_set_demand(fields, field_known_name(FIELD_EVENT_SEQUENCE));
	reader = event_reader_new(fields, NULL);
	event_init(&event, fields);
	log_set_level(LOG_LEVEL_ERROR);
}

static void check(struct buf *out)
{
	size_t at = 0, len = out->len;

	memset(buf_reserve(out, EVENT_JSON_PADDING), 0, EVENT_JSON_PADDING);
	while (at < len) {
		const char *end = memchr(out->p + at, '\n', len - at);

		if (!end)
			abort();
		size_t n = (size_t)(end - (out->p + at));

		event_reset(&event);
		if (event_read_json(reader, (struct str){out->p + at, n}, &event, NULL))
			abort();
		if (event.time_ns == INT64_MIN)
			abort();
		at += n + 1;
	}
	buf_reset(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!reader)
		set_up();
	if (!size)
		return 0;
	struct audit_reader *audit = audit_reader_new(
	    &(struct audit_reader_options){.format = data[0] & 1 ? INPUT_LAUREL : INPUT_AUDIT,
					   .origin = STR("audit.log"),
					   .max_processes = 64});
	bool each = data[0] & 2;
	struct str rest = {(const char *)data + 1, size - 1};
	struct buf out = {0};

	while (rest.len) {
		const char *end = memchr(rest.p, '\n', rest.len);
		size_t n = end ? (size_t)(end - rest.p) : rest.len;

		input_format_by((struct str){rest.p, n});
		(void)audit_reader_line(audit, (struct str){rest.p, n}, &out);
		if (each)
			audit_reader_run(audit, false, &out);
		n += end != NULL;
		rest.p += n;
		rest.len -= n;
	}
	audit_reader_run(audit, true, &out);
	check(&out);
	buf_free(&out);
	audit_reader_free(audit);
	return 0;
}
