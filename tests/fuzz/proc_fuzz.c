/* SPDX-License-Identifier: Apache-2.0 */
/* The texts of /proc and os-release. The first byte chooses the parser. */
#include "process/host_internal.h"
#include "process/proc_internal.h"
#include "process/process_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_inside(struct str part, struct str whole)
{
	if (part.len && (part.p < whole.p || part.p + part.len > whole.p + whole.len))
		__builtin_trap();
}

static void fuzz_stat(struct str text)
{
	struct proc_stat stat;

	if (!proc_parse_stat(text, &stat))
		check_inside(stat.comm, text);
}

static void fuzz_cgroup(struct str text)
{
	struct str path = proc_parse_cgroup(text);
	struct str id = container_id_of(path);

	check_inside(path, text);
	check_inside(id, path);
	if (id.len > CONTAINER_ID_MAX)
		__builtin_trap();
}

static void fuzz_os_release(struct str text)
{
	struct arena arena;
	struct os_release os;
	char id[HOST_ID_LEN];

	arena_init(&arena);
	os_release_parse(&arena, text, &os);
	(void)os_release_family(&os);
	(void)host_id_of_machine(text, id);
	arena_free(&arena);
}

static void fuzz_image(struct str text)
{
	struct process_table_options options = {.max_processes = 4};
	struct process_table *table = process_table_new(&options);
	struct process_facts facts = {.pid = 1, .comm = text};
	struct process_exec exec = {.filename = {text.p, text.len / 2}, .argv = text};

	process_seed(table, &facts, &exec);
	process_table_free(table);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct process_facts facts = {0};

	if (!size)
		return 0;
	struct str text = {(const char *)data + 1, size - 1};

	switch (data[0] % 6) {
	case 0:
		fuzz_stat(text);
		break;
	case 1:
		(void)proc_parse_status(text, &facts);
		break;
	case 2:
		fuzz_cgroup(text);
		break;
	case 3:
		fuzz_os_release(text);
		break;
	case 4:
		(void)proc_parse_time_offset(text);
		break;
	case 5:
		fuzz_image(text);
		break;
	}
	return 0;
}
