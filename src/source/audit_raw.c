/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Raw and enriched logs (auditd's log_format RAW and ENRICHED, `ausearch --raw`, audisp plugins with
 * format=string): libauparse groups records of interleaved events and knows which fields are
 * encoded.
 *
 * An enriched record has a byte 0x1d and what auditd looked up behind it: UID="root". libauparse
 * takes that for its own interpretation of fields and looks up itself what is not there, on this
 * host, which may not be the log's. So a blank is put for the byte, and libauparse reads the rest as
 * fields of the record.
 */
#include "source/audit_record_internal.h"

#include <auparse.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/counter.h"
#include "base/log.h"

/* libaudit.h, AUDIT_INTERP_SEPARATOR */
#define ENRICHED_BEHIND '\x1d'
/* Stands for a blank in quotes, which libauparse would take for the end of the value. */
#define QUOTED_BLANK '\x1f'
/* libauparse looks for the time in so many bytes of a line, with a node and without
 * (auparse.c, extract_timestamp). */
#define HEAD_BYTES_MAX 80
#define NODE_HEAD_BYTES_MAX 340
/* Above the longest message of the kernel (linux/audit.h, MAX_AUDIT_MESSAGE_LENGTH, 8970) with its
 * enrichment; user space may send longer ones to auditd, up to about this. */
#define RECORD_BYTES_MAX 32768
/* An event that nothing ends is whole when the log is this much further: auditd's own default
 * (auditd.conf(5), end_of_event_timeout). */
#define EVENT_SECONDS 2
/* Records that wait for others of their event. libauparse goes through all that wait for each
 * record; without PROCTITLE or EOE an event waits for two seconds of the log. */
#define WAITING_MAX 10000

struct audit_raw {
	auparse_state_t *library;
	struct buf lines; /* that were added */
	struct arena arena;
	struct audit_group_builder builder;
	const struct audit_group **groups;
	uint32_t count, cap;
	uint64_t waiting; /* records given to the library that did not come back yet */
	uint64_t added;
};

/* libauparse 3.0 has its interpretations and caches of names in static variables. */
static pthread_mutex_t library_lock = PTHREAD_MUTEX_INITIALIZER;

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Takes digits off the front; none or too many are wrong. */
static bool take_digits(struct str *s, size_t max)
{
	size_t n = 0;

	while (n < s->len && is_digit(s->p[n]))
		n++;
	if (!n || n > max)
		return false;
	s->p += n;
	s->len -= n;
	return true;
}

static bool take(struct str *s, struct str what)
{
	if (!str_starts(*s, what))
		return false;
	s->p += what.len;
	s->len -= what.len;
	return true;
}

/* Takes what is before a blank, and the blank. */
static bool take_word(struct str *s)
{
	const char *blank = memchr(s->p, ' ', s->len);

	if (!blank || blank == s->p)
		return false;
	s->len -= (size_t)(blank - s->p) + 1;
	s->p = blank + 1;
	return true;
}

const char *audit_raw_check(struct str line)
{
	struct str s = line;
	bool has_node = take(&s, STR("node="));

	if (memchr(line.p, '\0', line.len))
		return "a NUL byte in it";
	if (line.len > RECORD_BYTES_MAX)
		return "longer than any audit record";
	if (has_node && !take_word(&s))
		return "nothing behind its node";
	if (!take(&s, STR("type=")) || !take_word(&s))
		return "no type=";
	/* Nine digits and the first ten, up to 2255: nanoseconds are kept in 64 bits. */
	if (!take(&s, STR("msg=audit(")) || (s.len > 9 && s.p[0] == '9' && is_digit(s.p[9])) ||
	    !take_digits(&s, 10) || !take(&s, STR(".")) || !take_digits(&s, 3) ||
	    !take(&s, STR(":")) || !take_digits(&s, 19) || !take(&s, STR(")")))
		return "no msg=audit(TIME:SERIAL)";
	if ((size_t)(s.p - line.p) >= (has_node ? NODE_HEAD_BYTES_MAX : HEAD_BYTES_MAX))
		return "its head is too long";
	return NULL;
}

struct audit_raw *audit_raw_new(void)
{
	struct audit_raw *raw = xcalloc(1, sizeof(*raw));

	arena_init(&raw->arena);
	return raw;
}

void audit_raw_free(struct audit_raw *raw)
{
	if (!raw)
		return;
	pthread_mutex_lock(&library_lock);
	if (raw->library)
		auparse_destroy(raw->library);
	pthread_mutex_unlock(&library_lock);
	buf_free(&raw->lines);
	arena_free(&raw->arena);
	free(raw->groups);
	free(raw);
}

/* Blanks in quotes behind `from` do not end a value. */
static void hide_quoted_blanks(char *p, size_t len)
{
	bool quoted = false;

	for (size_t i = 0; i < len; i++) {
		if (p[i] == '"')
			quoted = !quoted;
		else if (p[i] == ' ' && quoted)
			p[i] = QUOTED_BLANK;
	}
}

/* libauparse takes keys apart itself, and loses memory over those that are not well-formed
 * (3.0.9, ellist.c). Under another name it leaves them alone. */
static void hide_keys(char *p, size_t len)
{
	char *end = p + len, *at = p;

	while ((at = memmem(at, (size_t)(end - at), " key=", 5))) {
		memcpy(at + 1, "KEY", 3);
		at += 5;
	}
}

void audit_raw_add(struct audit_raw *raw, struct str line)
{
	size_t at = raw->lines.len;

	buf_add(&raw->lines, line);
	buf_add_char(&raw->lines, '\n');
	char *p = raw->lines.p + at;
	char *behind = memchr(p, ENRICHED_BEHIND, line.len);

	if (behind) {
		*behind = ' ';
		hide_quoted_blanks(behind, line.len - (size_t)(behind - p));
	}
	hide_keys(p, line.len);
	raw->added++;
}

static int hex_of(char c)
{
	if (is_digit(c))
		return c - '0';
	/* The kernel writes capitals (audit.c, audit_log_n_hex), user space may not. */
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* What is not hex stays as it is. */
static struct str from_hex(struct arena *arena, struct str text)
{
	if (text.len % 2)
		return text;
	char *bytes = arena_bytes(arena, text.len / 2 + 1);

	for (size_t i = 0; i < text.len; i += 2) {
		int high = hex_of(text.p[i]), low = hex_of(text.p[i + 1]);

		if (high < 0 || low < 0)
			return text;
		bytes[i / 2] = (char)(high << 4 | low);
	}
	return (struct str){bytes, text.len / 2};
}

static bool is_encoded(int type)
{
	switch (type) {
	case AUPARSE_TYPE_ESCAPED:
	case AUPARSE_TYPE_ESCAPED_FILE:
	case AUPARSE_TYPE_ESCAPED_KEY:
	case AUPARSE_TYPE_PROCTITLE:
	case AUPARSE_TYPE_SOCKADDR:
	case AUPARSE_TYPE_TTY_DATA:
		return true;
	default:
		return false;
	}
}

static struct str unquoted(struct str value)
{
	value.p++;
	value.len--;
	if (value.len && value.p[value.len - 1] == '"')
		value.len--;
	return value;
}

/* The library's texts are gone with its event. */
static struct str decoded(struct audit_raw *raw, struct str value, int type)
{
	struct str copy = arena_str(&raw->arena, value);

	if (copy.len && copy.p[0] == '"')
		copy = unquoted(copy);
	else if (is_encoded(type))
		return from_hex(&raw->arena, copy);
	for (size_t i = 0; i < copy.len; i++)
		if (copy.p[i] == QUOTED_BLANK)
			((char *)copy.p)[i] = ' ';
	return copy;
}

/* "a12" or, of an argument in several parts, "a12[3]". */
static bool is_argument(struct str name, uint32_t *index, bool *is_part)
{
	struct str s = name;

	if (!take(&s, STR("a")) || !take_digits(&s, 7))
		return false;
	*index = (uint32_t)audit_parse_number((struct str){name.p + 1, (size_t)(s.p - name.p) - 1},
					      10, 0);
	*is_part = s.len > 2 && s.p[0] == '[' && !str_eq(s, STR("[0]"));
	return !s.len || s.p[0] == '[';
}

/* auditctl -k several times: the keys are one value with \1 between them (libaudit.h,
 * AUDIT_KEY_SEPARATOR), which the kernel writes as hex. */
static void add_keys(struct audit_raw *raw, struct str keys)
{
	keys = decoded(raw, keys, AUPARSE_TYPE_ESCAPED_KEY);
	while (keys.len) {
		const char *end = memchr(keys.p, '\1', keys.len);
		size_t n = end ? (size_t)(end - keys.p) : keys.len;

		audit_build_field(&raw->builder, STR("key"), (struct str){keys.p, n});
		n += end != NULL;
		keys.p += n;
		keys.len -= n;
	}
}

static void read_field(struct audit_raw *raw, bool is_execve)
{
	struct audit_group_builder *builder = &raw->builder;
	struct str name = str_from(auparse_get_field_name(raw->library));
	struct str value = str_from(auparse_get_field_str(raw->library));
	uint32_t index;
	bool is_part;

	if (!name.len || !value.len || audit_is_nothing(value))
		return;
	if (str_eq(name, STR("KEY"))) {
		add_keys(raw, value);
		return;
	}
	value = decoded(raw, value, auparse_get_field_type(raw->library));
	if (is_execve && is_argument(name, &index, &is_part))
		audit_build_argument(builder, index, value, is_part);
	else
		audit_build_field(builder, arena_str(&raw->arena, name), value);
}

static void read_record(struct audit_raw *raw)
{
	struct audit_group_builder *builder = &raw->builder;
	struct str type = STR_NULL;

	if (auparse_first_field(raw->library) != 1)
		return;
	do {
		struct str name = str_from(auparse_get_field_name(raw->library));
		struct str value = str_from(auparse_get_field_str(raw->library));

		if (!type.len && str_eq(name, STR("type")))
			type = arena_str(&raw->arena, value);
		else if (!type.len && str_eq(name, STR("node")))
			builder->group->node = arena_str(&raw->arena, value);
		else
			read_field(raw, str_eq(type, STR("EXECVE")));
	} while (auparse_next_field(raw->library) == 1);
	audit_build_record(builder, type);
	raw->waiting -= raw->waiting > 0;
}

static void keep(struct audit_raw *raw, const struct audit_group *group)
{
	if (raw->count == raw->cap) {
		raw->cap = raw->cap ? raw->cap * 2 : 64;
		raw->groups = xreallocarray(raw->groups, raw->cap, sizeof(*raw->groups));
	}
	raw->groups[raw->count++] = group;
}

static void on_event(auparse_state_t *library, auparse_cb_event_t what, void *context)
{
	struct audit_raw *raw = context;
	const au_event_t *stamp = auparse_get_timestamp(library);

	if (what != AUPARSE_CB_EVENT_READY || !stamp || auparse_first_record(library) != 1)
		return;
	audit_build(&raw->builder, &raw->arena);
	raw->builder.group->time_ns =
	    (int64_t)stamp->sec * 1000000000 + (int64_t)stamp->milli * 1000000;
	raw->builder.group->serial = stamp->serial;
	do
		read_record(raw);
	while (auparse_next_record(library) == 1);
	keep(raw, audit_build_end(&raw->builder));
}

/* What of the library fails for want of memory alone ends the program, as our own does. */
static void must(bool done)
{
	if (done)
		return;
	log_error("out of memory");
	abort();
}

static void begin(struct audit_raw *raw)
{
	if (raw->library)
		return;
	raw->library = auparse_init(AUSOURCE_FEED, NULL);
	must(raw->library != NULL);
	/* Not what this host's auditd.conf says, which the library has read. */
	auparse_set_eoe_timeout(EVENT_SECONDS);
	auparse_add_callback(raw->library, on_event, raw, NULL);
}

static void hand_out(struct audit_raw *raw, audit_take *taker, void *context)
{
	for (uint32_t i = 0; i < raw->count; i++)
		taker(context, raw->groups[i]);
	raw->count = 0;
	arena_reset(&raw->arena);
}

bool audit_raw_run(struct audit_raw *raw, bool flush, audit_take *taker, void *context)
{
	pthread_mutex_lock(&library_lock);
	begin(raw);
	raw->waiting += raw->added;
	raw->added = 0;
	if (raw->lines.len)
		must(auparse_feed(raw->library, raw->lines.p, raw->lines.len) == 0);
	buf_reset(&raw->lines);
	/* An event that the last line ended is given out by the next call alone. */
	must(auparse_feed(raw->library, "", 0) == 0);
	if (raw->waiting > WAITING_MAX && !flush) {
		counter_add(COUNTER_AUDIT_CUT, 1);
		flush = true;
	}
	if (flush) {
		auparse_flush_feed(raw->library);
		raw->waiting = 0;
	}
	bool waits = auparse_feed_has_data(raw->library) > 0;

	if (!waits)
		raw->waiting = 0;
	pthread_mutex_unlock(&library_lock);
	hand_out(raw, taker, context);
	return waits;
}

void audit_raw_age(struct audit_raw *raw, audit_take *taker, void *context)
{
	pthread_mutex_lock(&library_lock);
	begin(raw);
	auparse_feed_age_events(raw->library);
	pthread_mutex_unlock(&library_lock);
	hand_out(raw, taker, context);
}
