/* SPDX-License-Identifier: Apache-2.0 */
/* Where building tells explain.c what it decides. */
#ifndef LINTEL_ENGINE_EXPLAIN_INTERNAL_H
#define LINTEL_ENGINE_EXPLAIN_INTERNAL_H

#include "engine/build_internal.h"
#include "engine/explain.h"

/* engine_new(), with what is decided noted in `facts` if not NULL. */
struct engine *engine_build(const struct rule_set *rules, struct field_set *fields,
			    struct engine_facts *facts);
/* The anchor chosen for a slot. */
void explain_anchor(struct builder *b, uint32_t slot, const struct anchor *anchor);
/* Everything is decided and written. */
void explain_slots(struct builder *b);

#endif
