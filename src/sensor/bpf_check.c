/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/bpf_check.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/io_uring.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"

/* One operation that does nothing, through a ring of one entry. */
static void run_uring_nop(void)
{
	struct io_uring_params p = {0};
	int fd = (int)syscall(SYS_io_uring_setup, 1, &p);
	size_t ring_bytes = p.sq_off.array + p.sq_entries * sizeof(unsigned);
	struct io_uring_sqe *sqe;
	char *ring;

	if (fd < 0)
		return;
	ring = mmap(NULL, ring_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, IORING_OFF_SQ_RING);
	sqe = mmap(NULL, sizeof(*sqe), PROT_READ | PROT_WRITE, MAP_SHARED, fd, IORING_OFF_SQES);
	if (ring != MAP_FAILED && sqe != MAP_FAILED) {
		sqe->opcode = IORING_OP_NOP;
		*(unsigned *)(ring + p.sq_off.array) = 0;
		atomic_store((_Atomic unsigned *)(ring + p.sq_off.tail), 1);
		syscall(SYS_io_uring_enter, fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0);
	}
	if (ring != MAP_FAILED)
		munmap(ring, ring_bytes);
	if (sqe != MAP_FAILED)
		munmap(sqe, sizeof(*sqe));
	close(fd);
}

static void run_child(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	if (pid > 0)
		waitpid(pid, NULL, 0);
}

/* A socket that begins to listen, where nobody can reach it for long, and ends: two changes of state. */
static void run_socket(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in loopback = {.sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	if (fd < 0)
		return;
	if (!bind(fd, (struct sockaddr *)&loopback, sizeof(loopback)))
		(void)!listen(fd, 1);
	close(fd);
}

static uint64_t runs_of(const struct bpf_program *program)
{
	struct bpf_prog_info info;
	uint32_t bytes = sizeof(info);

	memset(&info, 0, sizeof(info));
	if (bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &bytes))
		return 0;
	return info.run_cnt;
}

void bpf_check_fired(struct bpf_check *checks, int count)
{
	int stats = bpf_enable_stats(BPF_STATS_RUN_TIME);

	if (stats >= 0) {
		run_child();
		run_uring_nop();
		run_socket();
	}
	for (int i = 0; i < count; i++) {
		struct bpf_check *check = &checks[i];

		check->state = !check->program           ? HOOK_MISSING
			       : stats < 0               ? HOOK_UNCHECKED
			       : runs_of(check->program) ? HOOK_FIRES
							 : HOOK_SILENT;
		if (check->state == HOOK_SILENT)
			log_warning("sensor: %s is attached but does not fire on this kernel: %s",
				    sensor_hook(check->hook)->name, sensor_hook(check->hook)->lost);
	}
	if (stats >= 0)
		close(stats);
}

/* False when there is nothing to execute. */
static bool run_true(void)
{
	char *const arguments[] = {(char *)(uintptr_t) "true", NULL};
	char *const environment[] = {NULL};
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		execve("/bin/true", arguments, environment);
		_exit(127);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

/* Does the program run when `act` does something? */
static enum hook_state check_one(const struct bpf_program *program, bool (*act)(void))
{
	int stats = bpf_enable_stats(BPF_STATS_RUN_TIME);
	enum hook_state state = HOOK_UNCHECKED;

	if (stats < 0)
		return state;
	uint64_t before = runs_of(program);

	if (act())
		state = runs_of(program) > before ? HOOK_FIRES : HOOK_SILENT;
	close(stats);
	return state;
}

enum hook_state bpf_check_exec(const struct bpf_program *program)
{
	return check_one(program, run_true);
}
