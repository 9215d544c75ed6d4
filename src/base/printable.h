/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text from events, for a person's terminal. File names, arguments and host names are chosen by
 * whoever is being watched: control characters in them would be commands to the terminal, and
 * direction overrides would show another name than the one meant. Both are written as escapes
 * (\x1b, \u{202e}), and so is every byte that is not UTF-8.
 */
#ifndef LINTEL_BASE_PRINTABLE_H
#define LINTEL_BASE_PRINTABLE_H

#include "base/buf.h"

/* Append `s`, at most about `max_bytes` of it, then an ellipsis. */
void printable_add(struct buf *out, struct str s, size_t max_bytes);

#endif
