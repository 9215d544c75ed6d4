/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LINTEL_SINK_SINK_INTERNAL_H
#define LINTEL_SINK_SINK_INTERNAL_H

#include "sink/sink.h"

/* What the terminal form needs from one alert to the next. */
struct terminal;

struct terminal *terminal_new(bool colour);
void terminal_free(struct terminal *terminal);
/* Append the alert as one readable block, with an empty line after it. */
void terminal_write(struct terminal *terminal, const struct alert *alert, struct buf *out);

#endif
