/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events, time and restarts for a detector with rules of every kind. The first byte tells the
 * memory, every following group of bytes is one step:
 *
 *	an event			goes to both detectors
 *	time goes on			in both
 *	a restart			of the second: saved, loaded again; the first only pauses
 *	a damaged state file		loaded into a third, which then runs
 *
 * The second must find what the first finds, unless memory is so small that state is evicted.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "engine/detector.h"

#define REQUIRE(condition)                                                              \
	do {                                                                            \
		if (!(condition)) {                                                     \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
			abort();                                                        \
		}                                                                       \
	} while (0)

/* What max_signals has counted is no state: a restart begins a new interval. */
#define RULE(id, type, more)                                                                      \
	"[rule]\nname = \"" id "\"\ndescription = \"d\"\nrule_id = \"" id "\"\nrisk_score = 21\n" \
	"severity = \"low\"\nmax_signals = 10000\ninterval = \"5s\"\nfrom = \"now-10s\"\ntype = " \
	"\"" type "\"\n" more
#define EQL(id, query, more) RULE(id, "eql", "language = \"eql\"\nquery = '''" query "'''\n" more)

static const char *const rules[] = {
    EQL("plain", "any where event.action == \"a\"", ""),
    EQL("seq",
	"sequence by user.name with maxspan=4s [any where event.action == \"a\"] "
	"[any where event.action == \"b\"] until [any where event.action == \"c\"]",
	""),
    EQL("gap",
	"sequence by user.name with maxspan=3s [any where event.action == \"a\"] "
	"![any where event.action == \"b\"]",
	""),
    EQL("sample",
	"sample by host.id [any where event.action == \"a\"] [any where event.action == \"c\"]",
	""),
    EQL("few", "any where event.action == \"b\"",
	"[rule.alert_suppression]\ngroup_by = [\"user.name\"]\n"
	"missing_fields_strategy = \"suppress\"\nduration = {value = 6, unit = \"s\"}\n"),
    RULE("thr", "threshold",
	 "language = \"kuery\"\nquery = 'event.action: (b or c)'\n[rule.threshold]\n"
	 "field = [\"user.name\"]\nvalue = 3\n[[rule.threshold.cardinality]]\nfield = \"host.id\"\n"
	 "value = 2\n"),
    RULE("new", "new_terms",
	 "language = \"kuery\"\nquery = 'event.action: *'\n[rule.new_terms]\n"
	 "field = \"new_terms_fields\"\nvalue = [\"user.name\", \"host.id\"]\n"
	 "[[rule.new_terms.history_window_start]]\nfield = \"history_window_start\"\n"
	 "value = \"now-10s\"\n"),
};

#define RULE_COUNT (sizeof(rules) / sizeof(*rules))

static const char *const actions[] = {"a", "b", "c", "none"};
static const char *const users[] = {"\"u\"", "\"v\"", "1", "null", "[\"u\",\"w\"]", "true"};

#define MEMORY_LARGE ((size_t)64 << 20)
#define MEMORY_SMALL ((size_t)16384)
/* More steps show nothing new and would make an input run for long. */
#define STEPS_MAX 500
#define STATE_BYTES_MAX ((size_t)1 << 20)

/* What all inputs share. */
static struct {
	struct field_set *fields;
	struct rule_set rules;
	struct engine *engine;
	struct engine_scratch *scratch;
	struct event_reader *reader;
	struct event event;
	char directory[64];
	struct buf path;
} shared;

struct bytes {
	const uint8_t *p;
	size_t left;
};

struct side {
	struct detector *detector;
	struct buf found;
};

struct fuzz {
	size_t memory;
	int64_t ms, stream_ns;
	int64_t paused_ms; /* how far the stream was at the last restart; none comes before that */
	uint64_t arrivals;
	struct side straight, restarted;
};

static uint8_t next(struct bytes *bytes)
{
	if (!bytes->left)
		return 0;
	bytes->left--;
	return *bytes->p++;
}

static void remove_directory(void)
{
	rmdir(shared.directory);
}

/* A state file is synced each time: in memory that costs nothing. */
static void make_directory(void)
{
	const char *in = access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm";

	snprintf(shared.directory, sizeof(shared.directory), "%s/lintel-fuzz-XXXXXX", in);
	REQUIRE(mkdtemp(shared.directory));
	atexit(remove_directory);
	buf_printf(&shared.path, "%s/state", shared.directory);
	buf_add_char(&shared.path, '\0');
}

static void set_up(void)
{
	struct diag_list diags;

	if (shared.fields)
		return;
	log_set_level(LOG_LEVEL_ERROR);
	diag_list_init(&diags);
	shared.fields = field_set_new();
	rule_set_init(&shared.rules);
	for (size_t i = 0; i < RULE_COUNT; i++)
		if (rule_set_load_text(&shared.rules, shared.fields, str_from(rules[i]),
				       STR("fuzz.toml"), &diags))
			diag_list_print(&diags, 2);
	REQUIRE(shared.rules.loaded == RULE_COUNT);
	diag_list_free(&diags);
	field_set_demand(shared.fields, field_known_name(FIELD_TIMESTAMP));
	field_set_demand(shared.fields, field_known_name(FIELD_EVENT_SEQUENCE));
	shared.engine = engine_new(&shared.rules, shared.fields);
	shared.scratch = engine_scratch_new(shared.engine);
	shared.reader = event_reader_new(shared.fields, NULL);
	event_init(&shared.event, shared.fields);
	make_directory();
}

static void put_values(struct buf *out, const struct value *values, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		buf_printf(out, " %u/%u", values[i].type, values[i].count);
}

static void found(void *context, const struct finding *finding)
{
	struct buf *out = context;

	buf_add(out, finding->rule->id);
	for (uint32_t i = 0; i < finding->event_count; i++) {
		buf_add_char(out, ' ');
		buf_add(out, finding->events[i] ? finding->events[i]->document : STR("-"));
	}
	put_values(out, finding->keys, finding->key_count);
	put_values(out, finding->group, finding->group_count);
	buf_printf(out, " %llu %llu %llu %llu\n", (unsigned long long)finding->count,
		   (unsigned long long)finding->cardinality,
		   (unsigned long long)finding->suppressed, (unsigned long long)finding->withheld);
}

static struct detector *detector_for(const struct fuzz *f, struct buf *out)
{
	struct detector_options options = {
	    .tolerance_ns = DETECTOR_TOLERANCE_DEFAULT_NS,
	    .bytes_max = f->memory,
	    .found = found,
	    .context = out,
	};

	return detector_new(&shared.rules, shared.fields, &options);
}

static void write_event(struct fuzz *f, struct bytes *bytes, struct buf *out)
{
	uint8_t what = next(bytes), when = next(bytes);
	char time[CLOCK_TEXT_MAX];

	f->ms += when < 230 ? when % 8 * 300 : -(int64_t)(when % 8) * 500;
	if (f->ms < f->paused_ms)
		f->ms = f->paused_ms;
	clock_format(f->ms * NS_PER_MS, time);
	buf_printf(out,
		   "{\"@timestamp\":\"%s\",\"event\":{\"action\":\"%s\"},\"n\":%llu,"
		   "\"user\":{\"name\":%s},\"host\":{\"id\":\"h%d\"}}",
		   time, actions[what % 4], (unsigned long long)f->arrivals, users[what / 4 % 6],
		   what / 24 % 4);
}

static void give_event(struct fuzz *f, struct detector *detector, struct str document)
{
	const struct engine_hit *hits;
	struct buf padded = {0};

	buf_add(&padded, document);
	buf_reserve(&padded, EVENT_JSON_PADDING);
	event_reset(&shared.event);
	REQUIRE(event_read_json(shared.reader, buf_str(&padded), &shared.event, NULL) == 0);
	uint32_t count = engine_match(shared.engine, &shared.event, shared.scratch, &hits);

	if (shared.event.time_ns > f->stream_ns)
		f->stream_ns = shared.event.time_ns;
	if (count)
		detector_take(
		    detector,
		    detector_keep(detector, &shared.event, hits, count, f->arrivals, document),
		    hits, count, f->stream_ns);
	buf_free(&padded);
}

static void take_event(struct fuzz *f, struct bytes *bytes)
{
	struct buf document = {0};

	write_event(f, bytes, &document);
	give_event(f, f->straight.detector, buf_str(&document));
	give_event(f, f->restarted.detector, buf_str(&document));
	f->arrivals++;
	buf_free(&document);
}

/* A pause ends the waiting for what comes late. How far the stream was is no state, so what comes
 * from before the pause is late for who was not restarted, and not for who was. */
static void restart(struct fuzz *f)
{
	if (f->stream_ns != INT64_MIN)
		f->paused_ms = f->stream_ns / NS_PER_MS;
	detector_flush(f->straight.detector);
	detector_flush(f->restarted.detector);
	REQUIRE(detector_save(f->restarted.detector, shared.path.p) == 0);
	detector_free(f->restarted.detector);
	f->restarted.detector = detector_for(f, &f->restarted.found);
	REQUIRE(detector_load(f->restarted.detector, shared.path.p, shared.reader) == 0);
	REQUIRE(unlink(shared.path.p) == 0);
}

static void damage(struct bytes *bytes)
{
	static char text[STATE_BYTES_MAX];
	FILE *file = fopen(shared.path.p, "r+");

	REQUIRE(file);
	size_t len = fread(text, 1, sizeof(text), file);

	for (int i = next(bytes) % 4; i >= 0 && len; i--) {
		size_t at = (size_t)(next(bytes) << 8 | next(bytes)) % len;

		text[at] = (char)next(bytes);
	}
	rewind(file);
	REQUIRE(fwrite(text, 1, len, file) == len);
	REQUIRE(fclose(file) == 0);
}

static void load_damaged(struct fuzz *f, struct bytes *bytes)
{
	struct fuzz other = *f;
	struct buf document = {0}, out = {0};

	if (detector_save(f->restarted.detector, shared.path.p))
		abort();
	damage(bytes);
	struct detector *detector = detector_for(f, &out);
	int err = detector_load(detector, shared.path.p, shared.reader);

	(void)err; /* refused or not: what is there must be usable */
	for (int i = 0; i < 4; i++) {
		buf_reset(&document);
		write_event(&other, bytes, &document);
		give_event(&other, detector, buf_str(&document));
	}
	detector_finish(detector);
	detector_free(detector);
	unlink(shared.path.p);
	buf_free(&document);
	buf_free(&out);
}

static void step(struct fuzz *f, struct bytes *bytes)
{
	switch (next(bytes) % 16) {
	case 0:
		restart(f);
		break;
	case 1:
		load_damaged(f, bytes);
		break;
	case 2:
		f->ms += next(bytes) * 50;
		if (f->ms * NS_PER_MS > f->stream_ns)
			f->stream_ns = f->ms * NS_PER_MS;
		detector_advance(f->straight.detector, f->stream_ns);
		detector_advance(f->restarted.detector, f->stream_ns);
		break;
	default:
		take_event(f, bytes);
		break;
	}
}

static int by_line(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

/* Rules without order alert at once, so lines of different rules may change places. */
static void sort_lines(struct buf *text)
{
	struct str *lines = xcalloc(text->len + 1, sizeof(*lines));
	struct buf sorted = {0};
	uint32_t n = 0;

	for (size_t at = 0, end; at < text->len; at = end + 1) {
		end = str_find(buf_str(text), STR("\n"), at);
		lines[n++] = (struct str){text->p + at, end - at + 1};
	}
	qsort(lines, n, sizeof(*lines), by_line);
	for (uint32_t i = 0; i < n; i++)
		buf_add(&sorted, lines[i]);
	free(lines);
	buf_free(text);
	*text = sorted;
}

static void compare(struct fuzz *f)
{
	sort_lines(&f->straight.found);
	sort_lines(&f->restarted.found);
	if (f->memory != MEMORY_LARGE ||
	    str_eq(buf_str(&f->straight.found), buf_str(&f->restarted.found)))
		return;
	fprintf(stderr, "straight:\n%.*srestarted:\n%.*s", STR_ARG(buf_str(&f->straight.found)),
		STR_ARG(buf_str(&f->restarted.found)));
	abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes bytes = {data, size};
	struct fuzz f = {.ms = INT64_C(1767582000000), .stream_ns = INT64_MIN};

	set_up();
	f.memory = next(&bytes) < 128 ? MEMORY_LARGE : MEMORY_SMALL;
	f.straight.detector = detector_for(&f, &f.straight.found);
	f.restarted.detector = detector_for(&f, &f.restarted.found);
	for (int i = 0; i < STEPS_MAX && bytes.left; i++)
		step(&f, &bytes);
	detector_finish(f.straight.detector);
	detector_finish(f.restarted.detector);
	compare(&f);
	detector_free(f.straight.detector);
	detector_free(f.restarted.detector);
	buf_free(&f.straight.found);
	buf_free(&f.restarted.found);
	return 0;
}
