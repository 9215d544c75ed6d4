/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/counter.h"
#include "process/host.h"
#include "process/host_internal.h"
#include "process/proc_internal.h"
#include "process/process_internal.h"

#define assert_str(actual, expected) assert_str_at(actual, expected, __LINE__)

static void assert_str_at(struct str actual, const char *expected, int line)
{
	if (str_eq(actual, str_from(expected)))
		return;
	print_error("line %d: [%.*s] is not [%s]\n", line, STR_ARG(actual), expected);
	fail();
}

static void stat_with_any_comm(void **state)
{
	(void)state;
	struct proc_stat stat;
	static const char *const comms[] = {"cat", "a) R 1 2",   "x (y)", ")",
					    "(",   "a\nUid:\t0", "",      ")))"};

	for (size_t i = 0; i < sizeof(comms) / sizeof(*comms); i++) {
		char text[300];

		snprintf(text, sizeof(text),
			 "6066 (%s) R 6062 6061 3303 34817 -1 4194304 102 0 0 0 0 0 0 0 20 0 1 0 "
			 "157853 3133440 382 18446744073709551615\n",
			 comms[i]);
		assert_int_equal(proc_parse_stat(str_from(text), &stat), 0);
		assert_str(stat.comm, comms[i]);
		assert_int_equal(stat.pid, 6066);
		assert_int_equal(stat.ppid, 6062);
		assert_int_equal(stat.pgid, 6061);
		assert_int_equal(stat.sid, 3303);
		assert_int_equal(stat.tty_major, 136);
		assert_int_equal(stat.tty_minor, 1);
		assert_true(stat.start_ticks == 157853);
	}
	static const char *const wrong[] = {
	    "",
	    "1",
	    "1 (x",
	    "1 x) R",
	    "x (x) R 1 1 1 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 1",
	    "1 (x) R 1 1 1",
	    "1 (x) R 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 99999999999999999999999",
	    "1 (x) R 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 18446744073709551615",
	    "1 (x) R 4294967296 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 5",
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		assert_int_equal(proc_parse_stat(str_from(wrong[i]), &stat), -EINVAL);
}

static void status_and_offsets(void **state)
{
	(void)state;
	struct process_facts facts = {.pid_in_ns = 9};

	assert_int_equal(proc_parse_status(STR("Name:\tUid: 0\nUid:\t1\t2\t3\t4\nGid:\t5\t6\t7\t8\n"
					       "NSpid:\t500\t20\t1\nCapPrm:\t000001ffffffffff\n"
					       "CapEff:\t00000000000000ff"),
					   &facts),
			 0);
	assert_int_equal(facts.uid, 1);
	assert_int_equal(facts.euid, 2);
	assert_int_equal(facts.suid, 3);
	assert_int_equal(facts.egid, 6);
	assert_int_equal(facts.pid_in_ns, 1);
	assert_true(facts.cap_permitted == 0x1ffffffffff);
	assert_true(facts.cap_effective == 0xff);
	assert_int_equal(proc_parse_status(STR("Uid:\t1\tx\n"), &facts), -ESRCH);
	assert_int_equal(proc_parse_status(STR(""), &facts), -ESRCH);

	assert_true(proc_parse_time_offset(STR("monotonic  1  2\nboottime  -3  500000000\n")) ==
		    -2500000000);
	assert_true(proc_parse_time_offset(STR("boottime 604800 1\n")) == 604800000000001);
	assert_true(proc_parse_time_offset(STR("boottime 99999999999999999999 0")) == 0);
	assert_true(proc_parse_time_offset(STR("")) == 0);
}

#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void container_ids(void **state)
{
	(void)state;
	static const struct {
		const char *cgroup, *id;
	} cases[] = {
	    {"/", ""},
	    {"", ""},
	    {"/user.slice/user-0.slice/session-1.scope", ""},
	    {"/docker/" HEX64, HEX64},
	    {"/system.slice/docker-" HEX64 ".scope", HEX64},
	    {"/machine.slice/libpod-" HEX64 ".scope/container", HEX64},
	    {"/machine.slice/libpod-conmon-" HEX64 ".scope", HEX64},
	    {"/kubepods.slice/kubepods-pod1.slice/cri-containerd-" HEX64 ".scope", HEX64},
	    {"/kubepods.slice/crio-" HEX64 ".scope", HEX64},
	    {"/kubepods/burstable/pod0b1e5ad7-2c4f-4a6e-8d39-0c7f5be41a22/" HEX64, HEX64},
	    {"/system.slice/containerd.service/kubepods-x.slice:cri-containerd:" HEX64, HEX64},
	    {"/docker/" HEX64 "0", ""},
	    {"/docker/x" HEX64, ""},
	    {"/docker/" HEX64 "/docker/" HEX64, HEX64},
	    {"/garden/6f265890-5165-7fab-6b52-18d1", "6f265890-5165-7fab-6b52-18d1"},
	    {"/garden/0b1e5ad7-2c4f-4a6e-8d39-0c7f5be41a22",
	     "0b1e5ad7-2c4f-4a6e-8d39-0c7f5be41a22"},
	    {"/x/0b1e5ad7-2c4f-4a6e-8d39-0c7f5be41a22", ""},
	    {"/lxc.payload.web/init.scope", "web"},
	    {"/lxc/web/user.slice", "web"},
	    {"/lxc.monitor.web", ""},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_str(container_id_of(str_from(cases[i].cgroup)), cases[i].id);
	char *name = malloc(300);

	strcpy(name, "/lxc/");
	memset(name + 5, 'a', 200);
	assert_int_equal(container_id_of((struct str){name, 205}).len, 0);
	free(name);

	assert_str(proc_parse_cgroup(STR("3:cpuset:/\n2:cpu,cpuacct:/a:b\n0::/u\n")), "/u");
	assert_str(proc_parse_cgroup(STR("3:cpuset:/\n2:cpu,cpuacct:/a:b")), "/");
	assert_str(proc_parse_cgroup(STR("4:memory:/docker/" HEX64 "\n0::/")), "/docker/" HEX64);
	assert_str(proc_parse_cgroup(STR("0::/\n9:x")), "/");
	assert_int_equal(proc_parse_cgroup(STR("nothing\n\n:")).len, 0);
}

static void hostile_comm_in_real_proc(void **state)
{
	(void)state;
	int ready[2], go[2];
	char byte;

	assert_int_equal(pipe(ready) | pipe(go), 0);
	pid_t child = fork();

	if (!child) {
		prctl(PR_SET_NAME, ") R 1\n(x");
		if (write(ready[1], "x", 1) == 1 && read(go[0], &byte, 1) == 1)
			_exit(0);
		_exit(1);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);

	struct arena arena;
	struct process_facts facts;
	struct process_exec exec;

	arena_init(&arena);
	assert_int_equal(proc_read(&arena, (uint32_t)child, 0, &facts, &exec), 0);
	assert_str(facts.comm, ") R 1\n(x");
	assert_int_equal(facts.ppid, getpid());
	uint64_t ticks = start_ticks_of(facts.start_boot_ns);

	assert_int_equal(proc_read(&arena, (uint32_t)child, ticks + 1, &facts, &exec), -ESRCH);
	assert_int_equal(write(go[1], "x", 1), 1);
	siginfo_t info;

	/* A zombie still has its ids, but no image. */
	assert_int_equal(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), 0);
	assert_int_equal(proc_read(&arena, (uint32_t)child, ticks, &facts, &exec), 0);
	assert_int_equal(exec.argv.len, 0);
	assert_int_equal(exec.executable_path.len, 0);
	waitpid(child, NULL, 0);
	assert_int_equal(proc_read(&arena, (uint32_t)child, ticks, &facts, &exec), -ESRCH);
	arena_free(&arena);
}

static void deleted_executables(void **state)
{
	(void)state;
	char dir[] = "/tmp/lintel-test-XXXXXX", path[64];
	int go[2];

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/sleep (deleted)", dir);
	assert_int_equal(pipe(go), 0);
	char copy[200];

	snprintf(copy, sizeof(copy), "cp \"$(command -v sleep)\" '%s'", path);
	assert_int_equal(system(copy), 0);
	for (int deleted = 0; deleted < 2; deleted++) {
		pid_t child = fork();

		if (!child) {
			execl(path, "sleep", "100", NULL);
			_exit(127);
		}
		struct str argv = STR_NULL;
		struct arena arena;
		struct process_facts facts;
		struct process_exec exec;

		arena_init(&arena);
		for (int i = 0; i < 500 && !str_eq(argv, STR("sleep\000100\0")); i++) {
			usleep(10000);
			arena_reset(&arena);
			assert_int_equal(proc_read(&arena, (uint32_t)child, 0, &facts, &exec), 0);
			argv = exec.argv;
		}
		if (deleted) {
			unlink(path);
			assert_int_equal(proc_read(&arena, (uint32_t)child, 0, &facts, &exec), 0);
		}
		assert_str(exec.executable_path, path);
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
		arena_free(&arena);
	}
	rmdir(dir);
}

static void host_facts(void **state)
{
	(void)state;
	struct arena arena;
	struct os_release os;

	arena_init(&arena);
	os_release_parse(
	    &arena,
	    STR("# x\nNAME=\"A \\\"B\\\"\" \n\n  ID='u x'\nID_LIKE=\"foo centos rhel\"\n"
		"VERSION_ID=1.2\nbad line\n=\nNAME2=x\nID_X"),
	    &os);
	assert_str(os.name, "A \"B\"");
	assert_str(os.id, "u x");
	assert_str(os.version_id, "1.2");
	assert_str(os_release_family(&os), "redhat");
	os_release_parse(&arena, STR("ID=\"debian\nNAME="), &os);
	assert_str(os.id, "debian");
	assert_int_equal(os.name.len, 0);
	assert_str(os_release_family(&os), "debian");
	arena_free(&arena);

	/* Computed with Python: hmac.new(bytes.fromhex(machine), app.bytes, "sha256"). */
	char id[HOST_ID_LEN];

	assert_int_equal(host_id_of_machine(STR("00112233445566778899aabbccddeeff"), id), 0);
	struct str made = {id, sizeof(id)};

	assert_str(made, "f3ddf947-0b07-4409-b4cf-95a050d5b3f3");
	assert_int_equal(host_id_of_machine(STR("00000000000000000000000000000000"), id), -EINVAL);
	assert_int_equal(host_id_of_machine(STR("uninitialized"), id), -EINVAL);
	assert_int_equal(host_id_of_machine(STR("00112233445566778899aabbccddeefg"), id), -EINVAL);
	assert_int_equal(host_id_of_machine(STR(""), id), -EINVAL);

	struct host *host = host_new();

	struct field_set *fields = field_set_new();
	struct event event;

	event_init(&event, fields);
	host_fill(host, &event);
	assert_str(event_get_str(&event, FIELD_HOST_OS_TYPE), "linux");
	assert_true(event_get_str(&event, FIELD_HOST_ID).len > 0);
	assert_int_equal(host_boot_id(host).len, 36);
	assert_true(event_get_str(&event, FIELD_HOST_NAME).len > 0);
	assert_str(host_user_name(0), "root");
	assert_int_equal(host_user_name(UINT32_MAX - 5).len, 0);
	assert_str(host_user_name(0), "root");
	host_free(host);
	event_free(&event);
	field_set_free(fields);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(stat_with_any_comm),  cmocka_unit_test(status_and_offsets),
	    cmocka_unit_test(container_ids),       cmocka_unit_test(hostile_comm_in_real_proc),
	    cmocka_unit_test(deleted_executables), cmocka_unit_test(host_facts),
	};

	return cmocka_run_group_tests_name("proc", tests, NULL, NULL);
}
