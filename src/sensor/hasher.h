/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hashes of executed files. Reading a file may take as long as its file system likes, and must not
 * hold up the events behind it: a thread of its own does it, and an event waits for it no longer
 * than HASHER_WAIT_NS. What comes later is remembered for the file's next use.
 *
 *	reader ──► one request ──► worker: open, compare, read, hash
 *	  ▲                           │
 *	  └── cache: device, inode, change time → hashes
 */
#ifndef LINTEL_SENSOR_HASHER_H
#define LINTEL_SENSOR_HASHER_H

#include "process/process.h"

/* A file as the kernel knows it when it is executed. */
struct hash_file {
	uint64_t inode;
	uint64_t changed_ns;
	uint64_t size;
	uint32_t dev;         /* the kernel's dev_t */
	uint32_t pid;         /* who runs it: /proc/PID/exe */
	struct str host_path; /* for when that process is gone; may be empty */
};

enum hash_outcome {
	HASH_DONE,
	HASH_TOO_LARGE, /* above HASHER_BYTES_MAX */
	HASH_LATE,      /* not done in time; remembered when it is */
	HASH_BUSY,      /* another file is being read */
	HASH_FAILED,    /* gone, or another file by then, or not readable */
};

/* Larger programs are rare (browsers, 200 MB); reading one takes longer than any event may wait. */
#define HASHER_BYTES_MAX (256u << 20)
/* A program of 5 MB that is in the page cache takes 10 to 15 ms. The ring holds seconds of events. */
#define HASHER_WAIT_NS (50 * INT64_C(1000000))
/* Files remembered: more programs than a host runs in a day. 200 bytes each. */
#define HASHER_FILES 4096

struct hasher;

/* Which hashes to make. */
struct hasher *hasher_new(bool md5, bool sha1, bool sha256);
/* Waits two seconds at most for a file being read. */
void hasher_free(struct hasher *hasher);
enum hash_outcome hasher_get(struct hasher *hasher, const struct hash_file *file,
			     struct file_hashes *hashes);

#endif
