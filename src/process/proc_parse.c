/* SPDX-License-Identifier: Apache-2.0 */
#include "process/proc_internal.h"

#include <errno.h>

#include "base/clock.h"
#include "process/process_internal.h"

static struct str rest_from(struct str s, size_t from)
{
	return (struct str){s.p + from, s.len - from};
}

static struct str next_line(struct str *text)
{
	const char *end = text->len ? memchr(text->p, '\n', text->len) : NULL;
	struct str line = {text->p, end ? (size_t)(end - text->p) : text->len};

	*text = rest_from(*text, end ? line.len + 1 : line.len);
	return line;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n';
}

static struct str next_word(struct str *text)
{
	size_t start = 0, end;

	while (start < text->len && is_blank(text->p[start]))
		start++;
	for (end = start; end < text->len && !is_blank(text->p[end]);)
		end++;
	struct str word = {text->p + start, end - start};

	*text = rest_from(*text, end);
	return word;
}

/* A whole number in `base` 10 or 16, with a sign if `negative` is given. */
static bool number(struct str word, unsigned base, uint64_t *value, bool *negative)
{
	uint64_t n = 0;

	if (negative) {
		*negative = word.len && word.p[0] == '-';
		if (*negative)
			word = rest_from(word, 1);
	}
	if (!word.len)
		return false;
	for (size_t i = 0; i < word.len; i++) {
		char c = word.p[i];
		unsigned digit = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
				 : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10)
							: 16;

		if (digit >= base || n > (UINT64_MAX - digit) / base)
			return false;
		n = n * base + digit;
	}
	*value = n;
	return true;
}

static bool next_u32(struct str *text, uint32_t *value)
{
	uint64_t n;

	if (!number(next_word(text), 10, &n, NULL) || n > UINT32_MAX)
		return false;
	*value = (uint32_t)n;
	return true;
}

static bool skip_words(struct str *text, int n)
{
	while (n--)
		if (!next_word(text).len)
			return false;
	return true;
}

/* tty_nr is the kernel's new_encode_dev(): minor 0-7, major 8-19, minor 20-31; printed signed, and
 * -1 by kernels before 2.6.38 for none. */
static bool next_tty(struct str *text, struct proc_stat *stat)
{
	uint64_t n;
	bool negative;

	if (!number(next_word(text), 10, &n, &negative) || n > UINT32_MAX)
		return false;
	uint32_t dev = negative ? -(uint32_t)n : (uint32_t)n;

	if (dev == UINT32_MAX)
		dev = 0;
	stat->tty_major = (dev >> 8) & 0xfff;
	stat->tty_minor = (dev & 0xff) | ((dev >> 12) & 0xfff00);
	return true;
}

int proc_parse_stat(struct str text, struct proc_stat *stat)
{
	uint64_t start;

	*stat = (struct proc_stat){0};
	/* The comm may hold anything, ')' and newlines too; what follows it holds no ')'. */
	const char *open = text.len ? memchr(text.p, '(', text.len) : NULL;
	const char *close = text.len ? memrchr(text.p, ')', text.len) : NULL;

	if (!open || !close || close < open)
		return -EINVAL;
	struct str head = {text.p, (size_t)(open - text.p)};
	struct str tail = rest_from(text, (size_t)(close - text.p) + 1);

	stat->comm = (struct str){open + 1, (size_t)(close - open - 1)};
	/* After the comm: state ppid pgrp session tty_nr (field 7), 14 others, starttime (22). */
	if (!next_u32(&head, &stat->pid) || !skip_words(&tail, 1) ||
	    !next_u32(&tail, &stat->ppid) || !next_u32(&tail, &stat->pgid) ||
	    !next_u32(&tail, &stat->sid) || !next_tty(&tail, stat) || !skip_words(&tail, 14) ||
	    !number(next_word(&tail), 10, &start, NULL))
		return -EINVAL;
	/* Beyond this it does not fit into nanoseconds; such a host has been up for 584 years. */
	if (start > UINT64_MAX / TICK_NS)
		return -EINVAL;
	stat->start_ticks = start;
	return 0;
}

/* "Uid: real effective saved filesystem" */
static bool parse_ids(struct str values, uint32_t *real, uint32_t *effective, uint32_t *saved)
{
	uint32_t r, e, s;

	if (!next_u32(&values, &r) || !next_u32(&values, &e) || !next_u32(&values, &s))
		return false;
	*real = r;
	*effective = e;
	*saved = s;
	return true;
}

/* "NSpid: outermost ... innermost" */
static void parse_ns_pid(struct str values, struct process_facts *facts)
{
	uint32_t pid;

	while (next_u32(&values, &pid))
		facts->pid_in_ns = pid;
}

int proc_parse_status(struct str text, struct process_facts *facts)
{
	bool uid = false;
	uint64_t caps;

	/* A newline in a comm is shown escaped (fs/proc/array.c, proc_task_name), so no line of
	 * this file can be forged. */
	while (text.len) {
		struct str values = next_line(&text);
		struct str key = next_word(&values);

		if (str_eq(key, STR("Uid:")))
			uid = parse_ids(values, &facts->uid, &facts->euid, &facts->suid);
		else if (str_eq(key, STR("Gid:")))
			(void)parse_ids(values, &facts->gid, &facts->egid, &facts->sgid);
		else if (str_eq(key, STR("NSpid:")))
			parse_ns_pid(values, facts);
		else if (str_eq(key, STR("CapPrm:")) && number(next_word(&values), 16, &caps, NULL))
			facts->cap_permitted = caps;
		else if (str_eq(key, STR("CapEff:")) && number(next_word(&values), 16, &caps, NULL))
			facts->cap_effective = caps;
	}
	return uid ? 0 : -ESRCH;
}

/* "hierarchy-ID:controllers:path", the path may hold colons */
static bool cgroup_line(struct str line, bool *unified, struct str *path)
{
	const char *first = line.len ? memchr(line.p, ':', line.len) : NULL;

	if (!first)
		return false;
	struct str rest = rest_from(line, (size_t)(first - line.p) + 1);
	const char *second = rest.len ? memchr(rest.p, ':', rest.len) : NULL;

	if (!second)
		return false;
	*unified = first - line.p == 1 && line.p[0] == '0' && second == rest.p;
	*path = rest_from(rest, (size_t)(second - rest.p) + 1);
	return true;
}

struct str proc_parse_cgroup(struct str text)
{
	struct str best = STR_NULL;
	bool best_unified = false;

	while (text.len) {
		struct str path;
		bool unified;

		if (!cgroup_line(next_line(&text), &unified, &path))
			continue;
		if (container_id_of(path).len)
			return path;
		if (!best.p || (unified && !best_unified)) {
			best = path;
			best_unified = unified;
		}
	}
	return best;
}

int64_t proc_parse_time_offset(struct str text)
{
	while (text.len) {
		struct str line = next_line(&text);
		struct str clock = next_word(&line);
		uint64_t seconds, nanoseconds;
		bool negative;

		if (!str_eq(clock, STR("boottime")) && !str_eq(clock, STR("7")))
			continue;
		if (!number(next_word(&line), 10, &seconds, &negative) ||
		    !number(next_word(&line), 10, &nanoseconds, NULL) ||
		    seconds >= INT64_MAX / NS_PER_SEC || nanoseconds >= (uint64_t)NS_PER_SEC)
			return 0;
		int64_t s = (int64_t)seconds * NS_PER_SEC;

		return (negative ? -s : s) + (int64_t)nanoseconds;
	}
	return 0;
}
