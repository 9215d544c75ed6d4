/* SPDX-License-Identifier: Apache-2.0 */
/*
 * liblintel-eql: EQL, Elasticsearch's event query language, as a C library.
 *
 * A query is compiled once and then run over events, which are JSON documents or are filled field
 * by field:
 *
 *	text ──lintel_eql_compile()──► query ─┬─ lintel_eql_match(): does this event match?
 *	                                      └─ lintel_eql_run_new(): a run over many events
 *	                                           │ lintel_eql_run_add_json(), ...
 *	                                           ▼
 *	                                         found(result), as results are complete
 *
 * Everything of Elasticsearch's dialect runs: event queries, sequences (maxspan, until, missing
 * events, runs), samples, head and tail; and that of Elastic Endpoint's rules. docs/eql.md of lintel
 * describes the language, docs/library.md this library with an example.
 *
 * Threads: a query never changes and may be used by several threads at once. An event, a run and an
 * error belong to one thread at a time; different ones are independent of each other.
 *
 * Errors of the caller's data come back as 0 or a negative errno value, and nothing the caller
 * passes as text, JSON or fields makes the library end the process. When memory cannot be had at
 * all, it does, with a message.
 *
 * Text: UTF-8, not necessarily ended by a zero byte; every text has its length beside it.
 */
#ifndef LINTEL_EQL_H
#define LINTEL_EQL_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define LINTEL_EQL_API __attribute__((visibility("default")))
#else
#define LINTEL_EQL_API
#endif

/* The version of this header. The interface is kept within one major version; before 1.0 a minor
 * version may change it, and the shared library's soname with it. */
#define LINTEL_EQL_VERSION_MAJOR 0
#define LINTEL_EQL_VERSION_MINOR 1
#define LINTEL_EQL_VERSION_PATCH 0

/* The version of the library that is running, "0.1.0". */
LINTEL_EQL_API const char *lintel_eql_version(void);

/* ---- compiling */

/* A compiled query. */
typedef struct lintel_eql_query lintel_eql_query;
/* Why a text is no query: one or more mistakes, in order of their place. */
typedef struct lintel_eql_error lintel_eql_error;

typedef enum lintel_eql_dialect {
	LINTEL_EQL_ELASTICSEARCH = 0,
	/* Elastic Endpoint's behaviour rules: `as event0`, `child of [...]`, comparisons of fields. */
	LINTEL_EQL_ENDPOINT = 1
} lintel_eql_dialect;

/* All zero but `struct_size` is good: write LINTEL_EQL_OPTIONS_INIT, then set what differs. */
typedef struct lintel_eql_options {
	size_t struct_size; /* sizeof(lintel_eql_options): later versions add members at the end */
	lintel_eql_dialect dialect;
	/* Names of fields, ended by a zero byte. NULL means the default. */
	const char *category_field;   /* what `process where` is compared with: event.category */
	const char *timestamp_field;  /* the time of an event: @timestamp */
	const char *tiebreaker_field; /* order of events of the same time: none */
} lintel_eql_options;

#define LINTEL_EQL_OPTIONS_INIT                                                        \
	{                                                                              \
		sizeof(lintel_eql_options), LINTEL_EQL_ELASTICSEARCH, NULL, NULL, NULL \
	}

/*
 * Compile `text` (at most 1 MiB). `options` may be NULL. Returns the query, to be given to
 * lintel_eql_query_free(), or NULL; then, if `error` is not NULL, *error says why and belongs to
 * the caller.
 */
LINTEL_EQL_API lintel_eql_query *lintel_eql_compile(const char *text, size_t length,
						    const lintel_eql_options *options,
						    lintel_eql_error **error);
/* No event and no run of it may be in use any more. NULL is fine. */
LINTEL_EQL_API void lintel_eql_query_free(lintel_eql_query *query);

/* All mistakes as lintel shows them: line and column, the place, a hint. Ended by a zero byte; the
 * error's. */
LINTEL_EQL_API const char *lintel_eql_error_text(const lintel_eql_error *error);
LINTEL_EQL_API size_t lintel_eql_error_count(const lintel_eql_error *error);
/* Of the mistake `i`, below the count: its message, and its line and column from 1, in bytes. */
LINTEL_EQL_API const char *lintel_eql_error_message(const lintel_eql_error *error, size_t i);
LINTEL_EQL_API unsigned lintel_eql_error_line(const lintel_eql_error *error, size_t i);
LINTEL_EQL_API unsigned lintel_eql_error_column(const lintel_eql_error *error, size_t i);
/* NULL is fine. */
LINTEL_EQL_API void lintel_eql_error_free(lintel_eql_error *error);

typedef enum lintel_eql_kind {
	LINTEL_EQL_EVENT = 0,
	LINTEL_EQL_SEQUENCE = 1,
	LINTEL_EQL_SAMPLE = 2
} lintel_eql_kind;

LINTEL_EQL_API lintel_eql_kind lintel_eql_query_kind(const lintel_eql_query *query);
/* Is one event and nothing else enough to decide? Of event queries, unless they ask for processes'
 * relatives. Pipes are not counted: lintel_eql_match() leaves them out. */
LINTEL_EQL_API int lintel_eql_query_is_single(const lintel_eql_query *query);
/* The fields a run reads of an event, by dotted name; `i` below the count. */
LINTEL_EQL_API size_t lintel_eql_query_field_count(const lintel_eql_query *query);
LINTEL_EQL_API const char *lintel_eql_query_field(const lintel_eql_query *query, size_t i);

/* ---- events */

/* One event at a time of one query, filled anew again and again. */
typedef struct lintel_eql_event lintel_eql_event;

LINTEL_EQL_API lintel_eql_event *lintel_eql_event_new(const lintel_eql_query *query);
LINTEL_EQL_API void lintel_eql_event_free(lintel_eql_event *event);

/*
 * Fill it from one JSON object: fields nested, dotted or both; arrays are several values; a search
 * hit is read from its _source. What was in the event is gone. Returns 0; -EINVAL when it is not
 * JSON or no object, -E2BIG when it is nested more than 256 levels deep or longer than 16 MiB; then
 * the event is empty and `why`, if not NULL, gets a static text.
 */
LINTEL_EQL_API int lintel_eql_event_read_json(lintel_eql_event *event, const char *json,
					      size_t length, const char **why);

/*
 * Or empty it and add values. A field to which several values are added has all of them. `field` is
 * a dotted name ended by a zero byte; values of fields the query does not read are left out. The
 * time goes by lintel_eql_event_set_time(), in nanoseconds since 1970, and stands for the timestamp
 * field's value too. Texts are copied. Return 0, or -E2BIG: more than 8,192 values in one field or
 * a text of 16 MiB or more.
 */
LINTEL_EQL_API void lintel_eql_event_reset(lintel_eql_event *event);
LINTEL_EQL_API int lintel_eql_event_set_time(lintel_eql_event *event, int64_t ns);
LINTEL_EQL_API int lintel_eql_event_add_string(lintel_eql_event *event, const char *field,
					       const char *value, size_t length);
LINTEL_EQL_API int lintel_eql_event_add_int(lintel_eql_event *event, const char *field,
					    int64_t value);
LINTEL_EQL_API int lintel_eql_event_add_double(lintel_eql_event *event, const char *field,
					       double value);
LINTEL_EQL_API int lintel_eql_event_add_bool(lintel_eql_event *event, const char *field, int value);

/* Does the query match this event? 1, 0, or -ENOTSUP: one event does not decide it. */
LINTEL_EQL_API int lintel_eql_event_match(lintel_eql_event *event);
/* The same in one call, for few events: what an event needs is made and freed each time. Errors of
 * lintel_eql_event_read_json() too. */
LINTEL_EQL_API int lintel_eql_match(const lintel_eql_query *query, const char *json, size_t length);

/* ---- runs */

/* A query at work on many events. */
typedef struct lintel_eql_run lintel_eql_run;

/* What was found: an event, or those of a sequence or sample. Good during the callback. */
typedef struct lintel_eql_result lintel_eql_result;

/* One for an event query, else one per stage of a sequence, `with runs` counted, or member of a
 * sample. */
LINTEL_EQL_API size_t lintel_eql_result_event_count(const lintel_eql_result *result);
/* The document of event `i`, as it was added, or the _source in it; of an event that was filled by
 * fields, what the query reads of it. NULL for one that had to be missing. */
LINTEL_EQL_API const char *lintel_eql_result_event(const lintel_eql_result *result, size_t i,
						   size_t *length);
/* Which of the events added it was, counted from 0; UINT64_MAX for one that had to be missing. */
LINTEL_EQL_API uint64_t lintel_eql_result_event_number(const lintel_eql_result *result, size_t i);
/* The join keys as a JSON array, "[]" without any; ended by a zero byte. */
LINTEL_EQL_API const char *lintel_eql_result_keys(const lintel_eql_result *result, size_t *length);

/* Gets every result. It may not use the run. */
typedef void (*lintel_eql_found)(void *context, const lintel_eql_result *result);

typedef enum lintel_eql_mode {
	/* Events may come in any order. Results come from lintel_eql_run_finish(), or before where
	 * memory_max demands it, in the order Elasticsearch's API gives them. */
	LINTEL_EQL_BATCH = 0,
	/* Events come roughly in order of time. Results come as soon as they are certain. Memory
	 * has a bound. Pipes and `size` are refused. */
	LINTEL_EQL_STREAM = 1
} lintel_eql_mode;

typedef struct lintel_eql_run_options {
	size_t struct_size; /* sizeof(lintel_eql_run_options) */
	lintel_eql_mode mode;
	lintel_eql_found found;
	void *context; /* given to `found` */
	/* BATCH: at most so many results, the last ones, or the first ones when the query's first
	 * pipe is head. Negative: all. */
	int64_t size;
	/* BATCH: samples of each key. 0 means 1. */
	uint32_t samples_per_key;
	/* STREAM: events that are this much earlier than the latest so far are still put in their
	 * place, and results wait as long. What comes later than that can no longer be joined to
	 * events behind it. */
	int64_t tolerance_ns;
	/* STREAM: not 0: of events with the same time and tiebreaker the one added first is first.
	 * 0: neither is, as in Elasticsearch, and no sequence goes from one to the other. */
	int arrival_breaks_ties;
	/* STREAM: the events of a sample are at most this far apart. 0: any. */
	int64_t sample_window_ns;
	/* Bound of what is kept between events, in bytes; 0 means 1 GiB for a BATCH, 256 MiB for a
	 * STREAM. When it is reached, events that wait for earlier ones wait no longer, and the oldest
	 * partial results are dropped and counted. */
	size_t memory_max;
} lintel_eql_run_options;

#define LINTEL_EQL_RUN_OPTIONS_INIT                                                  \
	{                                                                            \
		sizeof(lintel_eql_run_options), LINTEL_EQL_BATCH, NULL, NULL, -1, 1, \
		    INT64_C(2000000000), 0, 0, 0                                     \
	}

/* Returns NULL when `options` lack `found`, or ask for a stream of a query with pipes or for its
 * `size`. The query must outlive it. */
LINTEL_EQL_API lintel_eql_run *lintel_eql_run_new(const lintel_eql_query *query,
						  const lintel_eql_run_options *options);
/* Without lintel_eql_run_finish() before, what was not yet certain is dropped. NULL is fine. */
LINTEL_EQL_API void lintel_eql_run_free(lintel_eql_run *run);

/* The next event. Errors as those of lintel_eql_event_read_json(): it is left out and gets no number;
 * the run goes on. */
LINTEL_EQL_API int lintel_eql_run_add_json(lintel_eql_run *run, const char *json, size_t length,
					   const char **why);
/* The same for an event of this run's query that the caller filled. Returns 0, or -EINVAL: it is of
 * another query. */
LINTEL_EQL_API int lintel_eql_run_add(lintel_eql_run *run, const lintel_eql_event *event);
/* No more events: what is left is decided and found. Then only lintel_eql_run_free() is allowed. */
LINTEL_EQL_API void lintel_eql_run_finish(lintel_eql_run *run);

/* ---- what was lost */

/*
 * Causes for which something was cut, dropped or could not be evaluated, in all runs of the process
 * so far: the text of cause `i` and its count, or NULL when there are no more causes. A text does
 * not change and its place in the list does not either.
 */
LINTEL_EQL_API const char *lintel_eql_loss(size_t i, uint64_t *count);

#ifdef __cplusplus
}
#endif

#endif
