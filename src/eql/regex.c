/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "base/alloc.h"
#include "eql/regex_tree_internal.h"
#include "eql/string_internal.h"

/* A value that makes a pattern backtrack more often than this is given up on. PCRE2's default of
 * ten million takes a second; this stays in the order of ten milliseconds. */
#define MATCH_LIMIT 1000000
/* Without JIT: backtracking points kept at once, and their memory in KiB. */
#define DEPTH_LIMIT 100000
#define HEAP_LIMIT_KIB 8192
/* JIT code's own stack; deep recursion beyond it is reported like any other limit. */
#define JIT_STACK_START ((size_t)32 * 1024)
#define JIT_STACK_MAX ((size_t)1024 * 1024)
/* The text of one translated list of patterns. Compiled size is bounded by PCRE2 (64 KiB). */
#define TRANSLATION_BYTES_MAX ((size_t)256 * 1024)

struct eql_regex {
	pcre2_code *code;
	bool fold;
	const struct str *patterns;
	uint32_t pattern_count;
};

struct eql_regex_scratch {
	pcre2_match_data *data;
	pcre2_match_context *context;
	pcre2_jit_stack *stack;
	struct buf clean; /* a value with its stray bytes replaced */
};

bool eql_regex_translate(struct str pattern, bool fold, struct buf *out, struct regex_error *error)
{
	struct arena arena;

	arena_init(&arena);
	struct rx *rx = eql_rx_parse(&arena, pattern, error);
	bool ok = rx && eql_rx_emit(rx, fold, out, error);

	arena_free(&arena);
	return ok;
}

static int compare_strs(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static void keep_patterns(struct eql_regex *regex, struct arena *arena, const struct str *patterns,
			  uint32_t count)
{
	struct str *copy = ARENA_ARRAY(arena, struct str, count);

	for (uint32_t i = 0; i < count; i++)
		copy[i] = arena_str(arena, patterns[i]);
	qsort(copy, count, sizeof(*copy), compare_strs);
	regex->patterns = copy;
	for (uint32_t i = 0; i < count; i++)
		if (!i || !str_eq(copy[i], copy[regex->pattern_count - 1]))
			copy[regex->pattern_count++] = copy[i];
}

/* All patterns as alternatives. */
static bool translate_all(const struct str *patterns, uint32_t count, bool fold, struct buf *out,
			  uint32_t *failed, struct regex_error *error)
{
	for (*failed = 0; *failed < count; ++*failed) {
		buf_add(out, *failed ? STR("|(?:") : STR("(?:"));
		if (!eql_regex_translate(patterns[*failed], fold, out, error))
			return false;
		buf_add_char(out, ')');
		if (out->len > TRANSLATION_BYTES_MAX)
			return eql_rx_fail(error, 0, "the pattern is too large");
	}
	*failed = 0;
	return true;
}

static pcre2_code *compile(const struct buf *text, struct regex_error *error)
{
	uint32_t options = PCRE2_UTF | PCRE2_DOTALL | PCRE2_ANCHORED | PCRE2_ENDANCHORED |
			   PCRE2_NO_AUTO_CAPTURE | PCRE2_NEVER_BACKSLASH_C;
	int code;
	PCRE2_SIZE offset;
	pcre2_code *re =
	    pcre2_compile((PCRE2_SPTR)text->p, text->len, options, &code, &offset, NULL);

	if (!re) {
		PCRE2_UCHAR message[120];

		pcre2_get_error_message(code, message, sizeof(message));
		eql_rx_fail(error, 0, "%s", (const char *)message);
		return NULL;
	}
	/* Where the system forbids writable code pages the interpreter does. */
	pcre2_jit_compile(re, PCRE2_JIT_COMPLETE);
	return re;
}

static void free_code(void *code)
{
	pcre2_code_free(code);
}

const struct eql_regex *eql_regex_new(struct arena *arena, const struct str *patterns,
				      uint32_t count, bool fold, uint32_t *failed,
				      struct regex_error *error)
{
	struct buf text = {0};
	struct eql_regex *regex = NULL;
	pcre2_code *code = NULL;

	*error = (struct regex_error){0};
	if (translate_all(patterns, count, fold, &text, failed, error))
		code = compile(&text, error);
	buf_free(&text);
	if (!code)
		return NULL;
	regex = ARENA_NEW(arena, struct eql_regex);
	regex->code = code;
	regex->fold = fold;
	arena_on_free(arena, free_code, code);
	keep_patterns(regex, arena, patterns, count);
	return regex;
}

const struct str *eql_regex_patterns(const struct eql_regex *regex, uint32_t *count)
{
	*count = regex->pattern_count;
	return regex->patterns;
}

bool eql_regex_folds(const struct eql_regex *regex)
{
	return regex->fold;
}

/* What an index would have made of the value: U+FFFD for every byte that is no UTF-8. */
static struct str clean_utf8(struct str s, struct buf *out)
{
	buf_reset(out);
	for (size_t at = 0, len; at < s.len; at += len) {
		len = eql_char_len(s, at);
		if (len == 1 && (unsigned char)s.p[at] >= 0x80)
			buf_add(out, STR("\xef\xbf\xbd"));
		else
			buf_add(out, (struct str){s.p + at, len});
	}
	return buf_str(out);
}

static int run(const struct eql_regex *regex, struct str s, struct eql_regex_scratch *scratch)
{
	return pcre2_match(regex->code, (PCRE2_SPTR)(s.len ? s.p : ""), s.len, 0, 0, scratch->data,
			   scratch->context);
}

int eql_regex_match(const struct eql_regex *regex, struct str s, struct eql_regex_scratch *scratch)
{
	int code = run(regex, s, scratch);

	if (code <= PCRE2_ERROR_UTF8_ERR1 && code >= PCRE2_ERROR_UTF8_ERR21)
		code = run(regex, clean_utf8(s, &scratch->clean), scratch);
	if (code >= 0)
		return 1;
	return code == PCRE2_ERROR_NOMATCH ? 0 : -1;
}

struct eql_regex_scratch *eql_regex_scratch_new(void)
{
	struct eql_regex_scratch *scratch = xcalloc(1, sizeof(*scratch));

	scratch->data = pcre2_match_data_create(1, NULL);
	scratch->context = pcre2_match_context_create(NULL);
	scratch->stack = pcre2_jit_stack_create(JIT_STACK_START, JIT_STACK_MAX, NULL);
	if (!scratch->data || !scratch->context)
		abort();
	pcre2_set_match_limit(scratch->context, MATCH_LIMIT);
	pcre2_set_depth_limit(scratch->context, DEPTH_LIMIT);
	pcre2_set_heap_limit(scratch->context, HEAP_LIMIT_KIB);
	if (scratch->stack)
		pcre2_jit_stack_assign(scratch->context, NULL, scratch->stack);
	return scratch;
}

void eql_regex_scratch_free(struct eql_regex_scratch *scratch)
{
	if (!scratch)
		return;
	pcre2_match_data_free(scratch->data);
	pcre2_match_context_free(scratch->context);
	pcre2_jit_stack_free(scratch->stack);
	buf_free(&scratch->clean);
	free(scratch);
}
