/* SPDX-License-Identifier: Apache-2.0 */
/* The steps of guard_enter(). */
#ifndef LINTEL_GUARD_GUARD_INTERNAL_H
#define LINTEL_GUARD_GUARD_INTERNAL_H

#include <stddef.h>

#include "base/buf.h"
#include "guard/guard.h"

/* Become the user and keep only the capabilities needed; names of those kept to `kept`. */
int capabilities_drop(const struct guard_options *options, struct buf *kept);
/* Landlock: the ABI that holds now, 0 without Landlock, or -errno. */
int landlock_enter(const char *const *writable);
/* The list of system calls. */
int filter_enter(void);

/* Sanitizers at exit read the process with ptrace and threads of their own. */
#if defined(__SANITIZE_ADDRESS__)
#define GUARD_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define GUARD_SANITIZER 1
#endif
#endif
#ifndef GUARD_SANITIZER
#define GUARD_SANITIZER 0
#endif

#endif
