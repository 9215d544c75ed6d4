/* SPDX-License-Identifier: Apache-2.0 */
#include "guard/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"
#include "guard/guard_internal.h"

int guard_find_user(const char *name, struct guard_user *user)
{
	errno = 0;
	const struct passwd *found = getpwnam(name);

	if (!found) {
		log_error("user '%s': %s; make it with: useradd --system --shell "
			  "/usr/sbin/nologin %s",
			  name, errno ? strerror(errno) : "there is none", name);
		return -ENOENT;
	}
	*user = (struct guard_user){name, found->pw_uid, found->pw_gid};
	return 0;
}

/* The state directory must take files from who we are now, or the first save would fail. */
static int check_writable(const struct guard_options *options)
{
	const char *state = options->writable[0];

	if (!state || !faccessat(AT_FDCWD, state, W_OK | X_OK, AT_EACCESS))
		return 0;
	int error = errno;

	log_error("state directory %s cannot be written by user %s: %s; chown it to that user",
		  state, options->user.name ? options->user.name : "(as before)", strerror(error));
	return -error;
}

/* What is in memory now (code, rules, ring buffer) stays there: an event must not wait for the disk
 * of a host under load, nor an attacker who fills memory push the rules out. Only pages once touched
 * (MCL_ONFAULT), nothing that comes later: state has its own bound, which may be most of a small
 * host's memory. */
static bool lock_memory(void)
{
	return !mlockall(MCL_CURRENT | MCL_ONFAULT);
}

static void say_writes(const struct guard_options *options, struct buf *line)
{
	if (options->reads_processes) {
		/* security/landlock/task.c: hook_ptrace_access_check() */
		buf_add(line,
			STR("no Landlock (it would close /proc/PID/root of other processes)"));
		return;
	}
	int abi = landlock_enter(options->writable);

	if (abi > 0)
		buf_printf(line, "Landlock ABI %d: writes only where state and outputs are", abi);
	else if (abi == 0)
		buf_add(line, STR("no Landlock in this kernel"));
	else
		buf_printf(line, "no Landlock (%s)", strerror(-abi));
}

static int enter(const struct guard_options *options, struct buf *kept, struct buf *writes)
{
	bool is_locked = lock_memory();
	int locked_error = errno;
	int err = capabilities_drop(options, kept);

	if (err)
		return err;
	if ((err = check_writable(options)) != 0)
		return err;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) {
		log_error("no_new_privs: %s", strerror(errno));
		return -errno;
	}
	say_writes(options, writes);
	if (!GUARD_SANITIZER) {
		/* No ptrace, core dump or /proc/PID/mem for processes of the same user; root with
		 * CAP_SYS_PTRACE still may, and is reported. */
		prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
		err = filter_enter();
	}
	if (err)
		log_error("the list of system calls could not be set: %s; --no-sandbox goes on "
			  "without",
			  strerror(-err));
	buf_printf(writes, "; %s%s", is_locked ? "memory locked" : "memory not locked: ",
		   is_locked ? "" : strerror(locked_error));
	return err;
}

int guard_enter(const struct guard_options *options)
{
	struct buf kept = {0}, writes = {0};
	int err = enter(options, &kept, &writes);

	if (!err)
		log_info("sandbox: user %s, capabilities %s; no_new_privs; %s; %s",
			 options->user.name ? options->user.name
			 : geteuid()        ? "as before"
					    : "root",
			 kept.len ? kept.p : "none",
			 GUARD_SANITIZER ? "all system calls (built with a sanitizer)"
					 : "system calls by list",
			 writes.p);
	buf_free(&kept);
	buf_free(&writes);
	return err;
}
