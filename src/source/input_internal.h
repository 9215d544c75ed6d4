/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes of one input: a file or standard input, decompressed where its content is gzip or zstd
 * (several members or frames after another are one stream). Reading never waits: a pipe that has
 * nothing yet says so, and who has nothing better to do waits for it by input_wait().
 */
#ifndef LINTEL_SOURCE_INPUT_INTERNAL_H
#define LINTEL_SOURCE_INPUT_INTERNAL_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

struct input;

struct input *input_new(void);
void input_free(struct input *input);
/* "-" is standard input. 0 or -errno. */
int input_open(struct input *input, const char *path) __attribute__((warn_unused_result));
void input_close(struct input *input);
/* Is this the file that `st` is of? */
bool input_is(const struct input *input, const struct stat *st);
/* Not a regular file. */
bool input_is_stream(const struct input *input);
/*
 * Up to `room` bytes into `out`; *got is 0 only at the end. 0; -EAGAIN: nothing is there yet, and
 * nothing is lost by calling again; or -errno with a text in *why: the input cannot be read on, or
 * its compressed data is damaged or cut off (-EBADMSG). What was read before is good.
 */
int input_read(struct input *input, char *out, size_t room, size_t *got, const char **why)
    __attribute__((warn_unused_result));
/* Waits until something can be read, or -EINTR once a signal handler has set `*stop`. Not for two
 * threads at a time. */
int input_wait(const struct input *input, const volatile sig_atomic_t *stop)
    __attribute__((warn_unused_result));
/* Bytes taken from the file so far, as stored. */
uint64_t input_position(const struct input *input);

#endif
