/* SPDX-License-Identifier: Apache-2.0 */
#include "process/process_internal.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "process/host.h"

static bool has_ids(const struct credential *c, const struct process_facts *facts)
{
	return c->uid == facts->uid && c->gid == facts->gid && c->euid == facts->euid &&
	       c->egid == facts->egid && c->cap_effective == facts->cap_effective &&
	       c->cap_permitted == facts->cap_permitted;
}

/* A log may name a user in one record and not in the next. */
static bool knows(struct str has, struct str wanted)
{
	return !wanted.len || str_eq(has, wanted);
}

static bool has_names(const struct credential *c, const struct process_facts *facts)
{
	return knows(c->user_name, facts->user_name) && knows(c->group_name, facts->group_name) &&
	       knows(c->real_user_name, facts->real_user_name) &&
	       knows(c->real_group_name, facts->real_group_name);
}

bool credential_is(const struct process_table *table, const struct credential *c,
		   const struct process_facts *facts)
{
	if (!c || !has_ids(c, facts))
		return false;
	return table->offline ? has_names(c, facts) : c->names_generation == names_generation();
}

static struct credential **bucket_of(struct process_table *table, uint32_t uid, uint32_t gid,
				     uint32_t euid, uint32_t egid)
{
	uint32_t h = uid * 0x9e3779b1u ^ gid * 0x85ebca6bu ^ euid * 0xc2b2ae35u ^ egid;

	h ^= h >> 16;
	return &table->credentials[h % CREDENTIAL_BUCKETS];
}

/* A name is good until the next call, an id has to be printed: both go into a buffer, and become
 * slices when it does not move any more. */
struct texts {
	struct buf buf;
	struct {
		struct str *to;
		size_t offset, len;
	} parts[8];
	uint32_t count;
};

static void add_text(struct texts *texts, struct str *to, struct str s)
{
	if (!s.len)
		return;
	texts->parts[texts->count].to = to;
	texts->parts[texts->count].offset = texts->buf.len;
	texts->parts[texts->count++].len = s.len;
	buf_add(&texts->buf, s);
}

/* (uid_t)-1 is no user's: a log does not tell. */
static void add_id(struct texts *texts, struct str *to, uint32_t id)
{
	char text[16];

	if (id == UINT32_MAX)
		return;
	int n = snprintf(text, sizeof(text), "%u", id);

	add_text(texts, to, (struct str){text, (size_t)n});
}

static struct value list_at(struct value *items, uint32_t count)
{
	if (count == 0)
		return (struct value){0};
	return count == 1 ? items[0]
			  : (struct value){.type = VALUE_LIST, .count = count, .items = items};
}

/* host_user_name() and its like are not for several threads, each with a log. */
static struct str name_of(const struct process_table *table, struct str told,
			  struct str (*ask)(uint32_t), uint32_t id)
{
	return table->offline ? told : ask(id);
}

static struct credential *credential_new(const struct process_table *table,
					 const struct process_facts *facts)
{
	struct credential c = {.refs = 1,
			       .names_generation = table->offline ? 0 : names_generation(),
			       .uid = facts->uid,
			       .gid = facts->gid,
			       .euid = facts->euid,
			       .egid = facts->egid,
			       .cap_effective = facts->cap_effective,
			       .cap_permitted = facts->cap_permitted};
	struct value effective[CAPABILITIES_MAX], permitted[CAPABILITIES_MAX];
	uint32_t effective_count = capability_list(c.cap_effective, effective);
	uint32_t permitted_count = capability_list(c.cap_permitted, permitted);
	size_t list_bytes = (effective_count + permitted_count) * sizeof(struct value);
	struct texts texts = {0};

	add_id(&texts, &c.user_id, c.euid);
	add_text(&texts, &c.user_name, name_of(table, facts->user_name, host_user_name, c.euid));
	add_id(&texts, &c.group_id, c.egid);
	add_text(&texts, &c.group_name, name_of(table, facts->group_name, host_group_name, c.egid));
	add_id(&texts, &c.real_user_id, c.uid);
	add_text(&texts, &c.real_user_name,
		 name_of(table, facts->real_user_name, host_user_name, c.uid));
	add_id(&texts, &c.real_group_id, c.gid);
	add_text(&texts, &c.real_group_name,
		 name_of(table, facts->real_group_name, host_group_name, c.gid));

	struct credential *made = xmalloc(sizeof(*made) + list_bytes + texts.buf.len);
	struct value *items = (struct value *)(made + 1);
	char *bytes = (char *)items + list_bytes;

	memcpy(items, effective, effective_count * sizeof(*items));
	memcpy(items + effective_count, permitted, permitted_count * sizeof(*items));
	c.effective = list_at(items, effective_count);
	c.permitted = list_at(items + effective_count, permitted_count);

	if (texts.buf.len)
		memcpy(bytes, texts.buf.p, texts.buf.len);
	for (uint32_t i = 0; i < texts.count; i++)
		*texts.parts[i].to =
		    (struct str){bytes + texts.parts[i].offset, texts.parts[i].len};
	*made = c;
	buf_free(&texts.buf);
	return made;
}

struct credential *credential_get(struct process_table *table, const struct process_facts *facts)
{
	struct credential **bucket =
	    bucket_of(table, facts->uid, facts->gid, facts->euid, facts->egid);

	for (struct credential *c = *bucket; c; c = c->next) {
		if (credential_is(table, c, facts)) {
			c->refs++;
			return c;
		}
	}
	struct credential *made = credential_new(table, facts);

	made->next = *bucket;
	*bucket = made;
	return made;
}

void credential_unref(struct process_table *table, struct credential *credential)
{
	if (!credential || --credential->refs)
		return;
	struct credential **at =
	    bucket_of(table, credential->uid, credential->gid, credential->euid, credential->egid);

	while (*at != credential)
		at = &(*at)->next;
	*at = credential->next;
	free(credential);
}
