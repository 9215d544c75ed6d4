/* SPDX-License-Identifier: Apache-2.0 */
/* The state directory: one lintel at a time uses it, and finds there what the last one left: alerts
 * so far, sequences half complete, values seen. */
#ifndef LINTEL_CLI_STATE_H
#define LINTEL_CLI_STATE_H

#include "engine/detector.h"

struct state;

/* Makes the directory if it is not there and locks it. 0, or -errno with a message. */
int state_open(struct state **out, const char *directory) __attribute__((warn_unused_result));
void state_close(struct state *state);
/* DIRECTORY/NAME; the state's until the next call. */
const char *state_path(struct state *state, const char *name);
/* What was saved for the detector, if anything. A file that is not a state is left out with a
 * warning: old state must not stop a watch. `fields` are those the detector was made with. */
void state_load(struct state *state, struct detector *detector, const struct field_set *fields);
/* Save what has changed, at most once in STATE_INTERVAL_S unless `now`. 0, or -errno; a failure is
 * said once and counted. */
int state_save(struct state *state, const struct detector *detector, bool now);

/* What kill -9 or a power cut can cost: this much of what sequences and histories have seen. */
#define STATE_INTERVAL_S 60

#endif
