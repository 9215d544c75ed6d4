/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes of one input: a file or standard input, decompressed where its content is gzip or zstd
 * (several members or frames after another are one stream). One input is open at a time, so a
 * source needs one file descriptor however many files it reads.
 */
#ifndef LINTEL_SOURCE_INPUT_INTERNAL_H
#define LINTEL_SOURCE_INPUT_INTERNAL_H

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
/*
 * Up to `room` bytes into `out`; *got is 0 only at the end. 0; or -errno with a text in *why: the
 * input cannot be read on, or its compressed data is damaged or cut off (-EBADMSG). What was read
 * before is good. -EINTR: a signal came before anything was read; nothing is lost by calling again.
 */
int input_read(struct input *input, char *out, size_t room, size_t *got, const char **why)
    __attribute__((warn_unused_result));
/* Bytes taken from the file so far, as stored. */
uint64_t input_position(const struct input *input);

#endif
