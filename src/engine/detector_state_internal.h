/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state file: NDJSON, so that one can look into it, in sections of one rule each.
 *
 *	{"lintel":"detector state","version":1}
 *	{"waiting":{...}}              an event that waits for earlier ones, with its hits
 *	{"rule":"...","check":"..."}   what follows is of this rule
 *	{"machine":true}               the next line is eql_machine_save()'s
 *	{"group":{...}}                a threshold's group; what it has counted follows
 *	{"counted":{...}}
 *	{"terms":{...}}                some hundred new_terms values
 *	{"suppressed":{...}}
 *
 * Groups are written the least recently used first, so that they come back in that order.
 */
#ifndef LINTEL_ENGINE_DETECTOR_STATE_INTERNAL_H
#define LINTEL_ENGINE_DETECTOR_STATE_INTERNAL_H

#include "engine/detector_internal.h"

#define STATE_NAME "detector state"
#define STATE_VERSION 1
/* A hash as text, in hex. */
#define STATE_HASH_DIGITS 32

#endif
