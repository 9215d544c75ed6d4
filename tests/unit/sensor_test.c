/* SPDX-License-Identifier: Apache-2.0 */
/* The sensor's parts that need no kernel: records, places, paths, mountinfo. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>

#include "sensor/call_names.h"
#include "sensor/dns.h"
#include "sensor/mounts.h"
#include "sensor/path.h"
#include "sensor/wire_read.h"

#define assert_str(s, literal) assert_true(str_eq((s), STR(literal)))

/* A record with a tail of these bytes, the first span covering it. */
static size_t make_record(char *out, const char *tail, uint16_t bytes)
{
	struct wire_record record = {.kind = WIRE_FILE, .call = CALL_WRITE};

	record.bytes = (uint32_t)sizeof(record) + bytes;
	record.span[WIRE_SPAN_PLACE0].bytes = bytes;
	memcpy(out, &record, sizeof(record));
	memcpy(out + sizeof(record), tail, bytes);
	return record.bytes;
}

static void change(char *record, size_t offset, uint32_t value, size_t bytes)
{
	memcpy(record + offset, &value, bytes);
}

static void test_record(void **state)
{
	char text[1024];
	struct wire_view view;
	size_t bytes = make_record(text + 1, "abc", 3); /* unaligned */

	(void)state;
	assert_int_equal(wire_read(text + 1, bytes, &view), (int)bytes);
	assert_str(view.span[WIRE_SPAN_PLACE0], "abc");
	assert_str(view.span[WIRE_SPAN_TEXT0], "");
	/* more than the record may follow */
	assert_int_equal(wire_read(text + 1, bytes + 100, &view), (int)bytes);
}

static void test_hostile_record(void **state)
{
	const size_t span = offsetof(struct wire_record, span);
	char text[1024];
	struct wire_view view;
	size_t bytes = make_record(text, "abc", 3);

	(void)state;
	for (size_t n = 0; n < bytes; n++)
		assert_int_equal(wire_read(text, n, &view), -EINVAL);
	change(text, 0, 0, 4); /* its own length below the fixed part */
	assert_int_equal(wire_read(text, bytes, &view), -EINVAL);
	change(text, 0, UINT32_MAX, 4);
	assert_int_equal(wire_read(text, bytes, &view), -EINVAL);
	make_record(text, "abc", 3);
	change(text, offsetof(struct wire_record, kind), WIRE_KIND_COUNT, 1);
	assert_int_equal(wire_read(text, bytes, &view), -EINVAL);
	make_record(text, "abc", 3);
	change(text, offsetof(struct wire_record, call), CALL_COUNT, 2);
	assert_int_equal(wire_read(text, bytes, &view), -EINVAL);
	make_record(text, "abc", 3);
	change(text, span, 0xffff, 2); /* offset beyond the tail */
	assert_int_equal(wire_read(text, bytes, &view), -EINVAL);
	make_record(text, "abc", 3);
	change(text, span + 2, 4, 2); /* one byte too long */
	assert_int_equal(wire_read(text, bytes, &view), -EINVAL);
	make_record(text, "abc", 3);
	change(text, span + 4 * (WIRE_SPAN_COUNT - 1), 0xffffffff, 4);
	assert_int_equal(wire_read(text, bytes, &view), -EINVAL);
}

static void test_detail(void **state)
{
	char text[1024];
	struct wire_detail sent = {.address = 0x1000, .request = 16, .name = "x"}, detail;
	struct wire_record record = {.kind = WIRE_PTRACE, .call = CALL_PTRACE};
	struct wire_view view;
	struct wire_ids ids;

	(void)state;
	record.bytes = sizeof(record) + sizeof(sent);
	record.span[WIRE_SPAN_DETAIL].bytes = sizeof(sent);
	memcpy(text + 1, &record, sizeof(record));
	memcpy(text + 1 + sizeof(record), &sent, sizeof(sent));
	assert_int_equal(wire_read(text + 1, record.bytes, &view), (int)record.bytes);
	assert_true(wire_detail(&view, &detail));
	assert_memory_equal(&detail, &sent, sizeof(sent));
	assert_false(wire_ids(&view, &ids)); /* another size */
	/* a byte less is none */
	change(text + 1, offsetof(struct wire_record, span) + 4 * WIRE_SPAN_DETAIL + 2,
	       sizeof(sent) - 1, 2);
	assert_int_equal(wire_read(text + 1, record.bytes, &view), (int)record.bytes);
	assert_false(wire_detail(&view, &detail));
}

static void test_call_names(void **state)
{
	struct arena arena;

	(void)state;
	arena_init(&arena);
	assert_str(ptrace_request_name(16, &arena), "PTRACE_ATTACH");
	assert_str(ptrace_request_name(0x4206, &arena), "PTRACE_SEIZE");
	assert_str(ptrace_request_name(0xffffffff, &arena), "0xffffffff");
	assert_str(bpf_type_name(2, &arena), "kprobe");
	assert_str(bpf_type_name(32, &arena), "netfilter");
	assert_str(bpf_type_name(4000, &arena), "4000");
	assert_str(protection_text(5), "r-x");
	assert_str(protection_text(0xff), "rwx");
	assert_str(call_info(CALL_VM_WRITE)->name, "process_vm_writev");
	assert_int_equal(call_info(CALL_SETSID)->how, HOW_SESSION);
	arena_free(&arena);
}

static void test_calls(void **state)
{
	(void)state;
	assert_str(call_info(CALL_RENAMEAT2)->name, "renameat2");
	assert_int_equal(call_info(CALL_RENAMEAT2)->what, WHAT_RENAME);
	assert_int_equal(call_info((enum call)60000)->what, WHAT_NONE);
	assert_true(call_is_uring(CALL_URING_SYMLINKAT));
	assert_false(call_is_uring(CALL_SETNS));
}

/* "a b /m c" as it goes over the wire; blanks stand for NULs. */
static int read_place(const char *text, struct place *place)
{
	static char wire[1024];
	size_t n = strlen(text) + 1;

	memcpy(wire, text, n);
	for (size_t i = 0; i < n; i++)
		if (wire[i] == ' ')
			wire[i] = '\0';
	return place_read((struct str){wire, n}, place);
}

static void test_place(void **state)
{
	struct arena arena;
	struct place place;

	(void)state;
	arena_init(&arena);
	/* /etc/ld/x in a chroot /srv/jail, /etc/ld mounted there, which is /lower/conf of its file
	 * system and /up/x of the upper layer's */
	assert_int_equal(read_place("x /m ld etc /r jail srv /s conf lower /u x up", &place), 0);
	assert_str(place_path(&place, &arena), "/etc/ld/x");
	assert_str(place_namespace_path(&place, &arena), "/srv/jail/etc/ld/x");
	assert_str(place_super_path(&place, &arena), "/lower/conf/x");
	assert_str(place_upper_path(&place, &arena), "/up/x");
	/* no chroot: the root is met at the end */
	assert_int_equal(read_place("x etc /r", &place), 0);
	assert_true(place.has_root);
	assert_str(place_path(&place, &arena), "/etc/x");
	assert_str(place_namespace_path(&place, &arena), "/etc/x");
	assert_str(place_super_path(&place, &arena), "/etc/x");
	assert_int_equal(place_upper_path(&place, &arena).len, 0);
	/* outside of the root */
	assert_int_equal(read_place("x etc", &place), 0);
	assert_false(place.has_root);
	assert_str(place_path(&place, &arena), "/etc/x");
	/* the root itself */
	assert_int_equal(read_place("/r", &place), 0);
	assert_str(place_path(&place, &arena), "/");
	assert_int_equal(place_read(STR_NULL, &place), 0);
	assert_str(place_path(&place, &arena), "/");
	/* two mount points, one on the other; only the upper layer's names after /u */
	assert_int_equal(read_place("/m /m a /r /u b c", &place), 0);
	assert_str(place_path(&place, &arena), "/a");
	assert_str(place_super_path(&place, &arena), "/");
	assert_str(place_upper_path(&place, &arena), "/c/b");
	/* walked to the process's root but no further, and not even that far */
	assert_int_equal(read_place("x etc /r jail", &place), 0);
	place.is_cut = true;
	assert_true(place_is_whole(&place));
	assert_str(place_path(&place, &arena), "/etc/x");
	assert_int_equal(read_place("x etc", &place), 0);
	place.is_cut = true;
	assert_false(place_is_whole(&place));
	assert_str(place_path(&place, &arena), "etc/x");
	arena_free(&arena);
}

static void test_hostile_place(void **state)
{
	static const char *const bad[] = {"x  y",  "a/b",   "/q",    "/",     "/rr",     "/r /r",
					  "/s /r", "/s /s", "/u /u", "/u /s", "/u a /m", "/s /m"};
	struct place place;
	char many[2 * (PLACE_ENTRIES_MAX + 1)];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(read_place(bad[i], &place), -EINVAL);
	assert_int_equal(place_read(STR("no end"), &place), -EINVAL);
	for (size_t i = 0; i < sizeof(many); i += 2)
		memcpy(many + i, "a", 2);
	assert_int_equal(place_read((struct str){many, sizeof(many)}, &place), -EINVAL);
	assert_int_equal(place_read((struct str){many, sizeof(many) - 2}, &place), 0);
}

static void test_paths(void **state)
{
	static const struct {
		const char *path, *normal;
	} cases[] = {
	    {"/a//b/./c/../d/", "/a/b/d"},
	    {"/..", "/"},
	    {"", "/"},
	    {"/../../x", "/x"},
	    {"/a/../..", "/"},
	    {"//", "/"},
	    {"a/b", "/a/b"},
	    {"/...", "/..."},
	};
	struct arena arena;

	(void)state;
	arena_init(&arena);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_true(str_eq(path_normalise(&arena, str_from(cases[i].path)),
				   str_from(cases[i].normal)));
	assert_str(path_join(&arena, STR("/"), STR("a")), "/a");
	assert_str(path_join(&arena, STR("/a"), STR("b")), "/a/b");
	assert_str(path_join(&arena, STR("/a"), STR("/b")), "/b");
	assert_str(path_directory(STR("/a/b")), "/a");
	assert_str(path_directory(STR("/a")), "/");
	assert_str(path_directory(STR("a")), "");
	assert_true(path_is_below(STR("/a/b"), STR("/a")));
	assert_true(path_is_below(STR("/a"), STR("/a")));
	assert_false(path_is_below(STR("/ab"), STR("/a")));
	assert_true(path_is_below(STR("/ab"), STR("/")));
	assert_str(path_strip_root(STR("/a/b"), STR("/a")), "/b");
	assert_str(path_strip_root(STR("/a"), STR("/a")), "/");
	assert_str(path_strip_root(STR("/a"), STR("/")), "/a");
	arena_free(&arena);
}

static void test_extensions(void **state)
{
	(void)state;
	assert_str(path_extension(STR("ld.so.preload")), "preload");
	assert_str(path_extension(STR("x.conf")), "conf");
	assert_int_equal(path_extension(STR("README")).len, 0);
	assert_int_equal(path_extension(STR(".bashrc")).len, 0);
	assert_int_equal(path_extension(STR("x.")).len, 0);
	assert_str(path_extension(STR(".a.b")), "b");
}

static const char mountinfo[] =
    "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
    "30 22 8:1 /srv/data /mnt/my\\040data rw - ext4 /dev/sda1 rw\n"
    "31 22 0:40 / /merged rw - overlay overlay rw,lowerdir=/l,upperdir=/srv/u\\134,p,workdir=/w\n"
    "32 22 0:41 / /tmp rw shared:7 master:2 - tmpfs none rw,upperdir=/no\n"
    "33 32 8:2 / /tmp/x rw - xfs /dev/sdb rw\n"
    "34 32 0:42 / /tmp rw - tmpfs none rw\n";

static void test_mountinfo(void **state)
{
	struct mount_table table;
	struct arena arena;

	(void)state;
	arena_init(&arena);
	mounts_init(&table);
	assert_int_equal(mounts_parse(&table, STR(mountinfo)), 0);
	assert_int_equal(table.count, 6);
	assert_null(mounts_find(&table, 99));
	assert_str(mounts_find(&table, 30)->point, "/mnt/my data");
	assert_str(mounts_find(&table, 30)->type, "ext4");
	assert_int_equal(mounts_find(&table, 30)->dev, 8 << 20 | 1);
	assert_int_equal(mounts_find(&table, 32)->upper.len, 0);
	/* through the root first, though the bind mount holds it too */
	assert_str(mounts_path_of(&table, 8 << 20 | 1, STR("/srv/data/f"), &arena), "/srv/data/f");
	/* covered by the last mount on /tmp */
	assert_int_equal(mounts_path_of(&table, 41, STR("/f"), &arena).len, 0);
	assert_int_equal(mounts_path_of(&table, 8 << 20 | 2, STR("/f"), &arena).len, 0);
	assert_str(mounts_path_of(&table, 42, STR("/f"), &arena), "/tmp/f");
	assert_int_equal(mounts_path_of(&table, 77, STR("/f"), &arena).len, 0);
	assert_int_equal(mounts_on(&table, STR("/tmp/x/y"))->id, 34);
	assert_int_equal(mounts_on(&table, STR("/merged"))->id, 31);
	assert_int_equal(mounts_on(&table, STR("/tmpx"))->id, 22);
	assert_str(mounts_super_path(mounts_find(&table, 30), STR("/mnt/my data/d/e"), &arena),
		   "/srv/data/d/e");
	mounts_free(&table);
	arena_free(&arena);
}

static void test_hostile_mountinfo(void **state)
{
	static const char *const bad[] = {
	    "x 1 8:1 / / rw - ext4 d rw",
	    "1 1 8 / / rw - ext4 d rw",
	    "1 1 8:1 / rel rw - e d r",
	    "1 1 8:1 / / rw ext4 /dev/x rw",
	    "1",
	    " ",
	    "99999999999 1 8:1 / / r - e d",
	    "1 1 8:1 / / rw -ext4 d rw",
	    "1 1 :1 / / rw - e d r",
	};
	struct mount_table table;

	(void)state;
	mounts_init(&table);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(mounts_parse(&table, str_from(bad[i])), 1);
		assert_int_equal(table.count, 0);
		assert_null(mounts_on(&table, STR("/")));
	}
	/* escapes that are none stay; a line that ends early is taken as far as it goes */
	assert_int_equal(mounts_parse(&table, STR("1 1 8:1 / /a\\04 rw - ext4\n")), 0);
	assert_str(table.entry[0].point, "/a\\04");
	mounts_free(&table);
}

static void test_network_detail(void **state)
{
	const struct wire_network good = {.family = 6, .what = WIRE_RECEIVED};
	struct wire_network net, bad = good;
	struct wire_view view = {0};

	(void)state;
	view.span[WIRE_SPAN_DETAIL] = (struct str){(const char *)&good, sizeof(good)};
	assert_int_equal(wire_network(&view, &net), 0);
	view.span[WIRE_SPAN_DETAIL].len--;
	assert_int_equal(wire_network(&view, &net), -EINVAL);
	view.span[WIRE_SPAN_DETAIL] = (struct str){(const char *)&bad, sizeof(bad)};
	bad.family = 5;
	assert_int_equal(wire_network(&view, &net), -EINVAL);
	bad = good;
	bad.what = WIRE_RECEIVED + 1;
	assert_int_equal(wire_network(&view, &net), -EINVAL);
}

/* Messages: header; question for a.bc; alias a.bc -> a.bc; its A; its AAAA. */
#define DNS_HEADER(flags, questions, answers) \
	"\x12\x34\x81" flags "\0" questions "\0" answers "\0\0\0\0"
#define DNS_QUESTION(type) "\1a\2bc\0\0" type "\0\1"
#define DNS_ALIAS "\xc0\x0c\0\5\0\1\0\0\0\1\0\2\xc0\x0c"
#define DNS_A "\xc0\x0c\0\1\0\1\0\0\0\1\0\4\300\0\2\1"
#define DNS_AAAA "\xc0\x0c\0\x1c\0\1\0\0\0\1\0\x10\x20\1\r\xb8\0\0\0\0\0\0\0\0\0\0\0\1"
/* A literal's bytes without the NUL at its end. */
#define BYTES(literal) (literal), sizeof(literal) - 1

static void test_dns(void **state)
{
	struct dns_message m;
	struct arena arena;

	(void)state;
	arena_init(&arena);
	assert_int_equal(
	    dns_read(BYTES("\x12\x34\1\0\0\1\0\0\0\0\0\0" DNS_QUESTION("\xff")), &arena, &m), 0);
	assert_false(m.is_answer);
	assert_str(m.name, "a.bc");
	assert_str(m.type, "ANY");
	assert_int_equal(dns_read(BYTES(DNS_HEADER("\x80", "\1", "\3") DNS_QUESTION("\1")
					    DNS_ALIAS DNS_A DNS_AAAA),
				  &arena, &m),
			 0);
	assert_true(m.is_answer && !m.is_partial);
	assert_int_equal(m.status, 0);
	assert_int_equal(m.address_count, 2);
	assert_str(m.addresses[0], "192.0.2.1");
	assert_str(m.addresses[1], "2001:db8::1");
	/* no such name; the root; a type without a name; a byte that is no letter */
	assert_int_equal(dns_read(BYTES(DNS_HEADER("\x83", "\1", "\0") "\0\1\7\0\1"), &arena, &m),
			 0);
	assert_int_equal(m.status, 3);
	assert_str(m.name, ".");
	assert_str(m.type, "TYPE263");
	assert_int_equal(
	    dns_read(BYTES(DNS_HEADER("\x80", "\1", "\0") "\2\1.\0\0\1\0\1"), &arena, &m), 0);
	assert_str(m.name, "\\001\\.");
	arena_free(&arena);
}

/* What is cut, or has something behind its end, still names the question. */
static void test_dns_in_part(void **state)
{
	static const char whole[] =
	    DNS_HEADER("\x80", "\1", "\2") DNS_QUESTION("\x1c") DNS_A DNS_AAAA;
	const size_t question = 12 + 10;
	struct dns_message m;
	struct arena arena;

	(void)state;
	arena_init(&arena);
	for (size_t n = 0; n < sizeof(whole) - 1; n++) {
		int err = dns_read(whole, n, &arena, &m);

		assert_int_equal(err, n < question ? -EBADMSG : 0);
		if (err)
			continue;
		assert_true(m.is_partial);
		assert_str(m.name, "a.bc");
		assert_str(m.type, "AAAA");
	}
	assert_int_equal(dns_read(whole, sizeof(whole), &arena, &m), 0); /* a NUL more */
	assert_true(m.is_partial);
	assert_str(m.name, "a.bc");
	/* no question; a name that points to itself, or beyond the end */
	assert_int_equal(dns_read(BYTES(DNS_HEADER("\0", "\0", "\0")), &arena, &m), -EBADMSG);
	assert_int_equal(
	    dns_read(BYTES(DNS_HEADER("\0", "\1", "\0") "\xc0\x0c\0\1\0\1"), &arena, &m), -EBADMSG);
	assert_int_equal(
	    dns_read(BYTES(DNS_HEADER("\0", "\1", "\0") "\xff\xff\0\1\0\1"), &arena, &m), -EBADMSG);
	arena_free(&arena);
}

static void test_dns_stream(void **state)
{
	static const char alone[] = DNS_HEADER("\x80", "\1", "\1") DNS_QUESTION("\1") DNS_A;
	static const char framed[] =
	    "\0\x26" DNS_HEADER("\x80", "\1", "\1") DNS_QUESTION("\1") DNS_A;
	struct dns_message m;
	struct arena arena;

	(void)state;
	arena_init(&arena);
	assert_int_equal(dns_read_stream(BYTES(alone), &arena, &m), 0);
	assert_int_equal(m.address_count, 1);
	assert_int_equal(dns_read_stream(BYTES(framed), &arena, &m), 0);
	assert_int_equal(m.address_count, 1);
	/* the first segment of two */
	assert_int_equal(dns_read_stream(framed, sizeof(framed) - 5, &arena, &m), 0);
	assert_true(m.is_partial);
	assert_str(m.name, "a.bc");
	assert_int_equal(dns_read_stream(BYTES("\0"), &arena, &m), -EBADMSG);
	assert_int_equal(dns_read_stream(BYTES("GET / HTTP/1.1\r\n\r\n"), &arena, &m), -EBADMSG);
	arena_free(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_record),
	    cmocka_unit_test(test_network_detail),
	    cmocka_unit_test(test_dns),
	    cmocka_unit_test(test_dns_in_part),
	    cmocka_unit_test(test_dns_stream),
	    cmocka_unit_test(test_hostile_record),
	    cmocka_unit_test(test_detail),
	    cmocka_unit_test(test_call_names),
	    cmocka_unit_test(test_calls),
	    cmocka_unit_test(test_place),
	    cmocka_unit_test(test_hostile_place),
	    cmocka_unit_test(test_paths),
	    cmocka_unit_test(test_extensions),
	    cmocka_unit_test(test_mountinfo),
	    cmocka_unit_test(test_hostile_mountinfo),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
