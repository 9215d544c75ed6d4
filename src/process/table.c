/* SPDX-License-Identifier: Apache-2.0 */
#include "process/process_internal.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/counter.h"
#include "base/log.h"
#include "process/host.h"
#include "process/proc_internal.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

/* When the table is full, this many of the exited are looked at for one nobody refers to. */
#define EVICT_LOOK_MAX 32

uint64_t start_ticks_of(uint64_t start_boot_ns)
{
	return start_boot_ns / TICK_NS;
}

static uint32_t bucket_of(const struct process_table *table, uint32_t pid)
{
	return (pid * 0x9e3779b1u) >> (32 - table->by_pid_bits);
}

static void list_remove(struct process_table *table, struct process *process)
{
	struct process_list *list = &table->lists[process->life];

	if (process->prev)
		process->prev->next = process->next;
	else
		list->first = process->next;
	if (process->next)
		process->next->prev = process->prev;
	else
		list->last = process->prev;
	process->prev = process->next = NULL;
}

static void list_append(struct process_table *table, struct process *process, enum life life)
{
	struct process_list *list = &table->lists[life];

	process->life = (uint8_t)life;
	process->next = NULL;
	process->prev = list->last;
	if (list->last)
		list->last->next = process;
	else
		list->first = process;
	list->last = process;
}

static void by_pid_remove(struct process_table *table, struct process *process)
{
	struct process **at = &table->by_pid[bucket_of(table, process->pid)];

	while (*at != process)
		at = &(*at)->by_pid_next;
	*at = process->by_pid_next;
}

struct process *link_get(const struct link *link)
{
	if (link->process && link->process->generation == link->generation)
		return link->process;
	return NULL;
}

/* One reference less; what is then of no more use is put on the list of the dying. */
static void release(struct process_table *table, struct process *process)
{
	if (--process->refs || process->life != LIFE_KEPT)
		return;
	list_remove(table, process);
	process->life = LIFE_FREE;
	process->next = table->dying;
	table->dying = process;
}

static void link_clear(struct process_table *table, struct link *link)
{
	struct process *to = link->counted ? link_get(link) : NULL;

	*link = (struct link){0};
	if (to)
		release(table, to);
}

/* Take the process, already off its list, out of the table. */
static void forget(struct process_table *table, struct process *process)
{
	by_pid_remove(table, process);
	process->generation++;
	link_clear(table, &process->parent);
	link_clear(table, &process->group_leader);
	link_clear(table, &process->session_leader);
	link_clear(table, &process->entry_leader);
	image_unref(table, process->image);
	credential_unref(table, process->credential);
	process->image = NULL;
	process->credential = NULL;
	process->life = LIFE_FREE;
	process->next = table->free_slots;
	table->free_slots = process;
	table->count--;
}

/* Forgetting one may leave its parent of no use, and so on: a loop, as chains are as long as the
 * table. */
static void bury(struct process_table *table)
{
	while (table->dying) {
		struct process *process = table->dying;

		table->dying = process->next;
		forget(table, process);
	}
}

void link_set(struct process_table *table, struct process *owner, struct link *link,
	      struct process *to)
{
	bool counted = to != owner;

	/* Referenced before the old one is released: they may be the same. */
	to->refs += counted;
	link_clear(table, link);
	*link = (struct link){.process = to,
			      .generation = to->generation,
			      .pid = to->pid,
			      .start_ticks = to->start_ticks,
			      .counted = counted};
	bury(table);
}

void link_set_unknown(struct process_table *table, struct link *link, uint32_t pid)
{
	link_clear(table, link);
	link->pid = pid;
	bury(table);
}

void link_copy(struct process_table *table, struct process *owner, struct link *link,
	       const struct link *from)
{
	struct process *to = link_get(from);

	if (to) {
		link_set(table, owner, link, to);
		return;
	}
	struct link copy = *from;

	copy.counted = false;
	link_clear(table, link);
	*link = copy;
	bury(table);
}

struct process *table_find(const struct process_table *table, uint32_t pid, uint64_t ticks)
{
	struct process *p = table->by_pid[bucket_of(table, pid)];

	while (p && (p->pid != pid || p->start_ticks != ticks))
		p = p->by_pid_next;
	return p;
}

struct process *link_find(const struct process_table *table, const struct link *link)
{
	struct process *p = link_get(link);

	return p || !link->process ? p : table_find(table, link->pid, link->start_ticks);
}

struct process *table_newest(const struct process_table *table, uint32_t pid)
{
	struct process *newest = NULL;

	for (struct process *p = table->by_pid[bucket_of(table, pid)]; p; p = p->by_pid_next)
		if (p->pid == pid && (!newest || p->start_ticks > newest->start_ticks))
			newest = p;
	return newest;
}

struct process *process_find(struct process_table *table, uint32_t pid, uint64_t start_boot_ns)
{
	if (!start_boot_ns)
		return table_newest(table, pid);
	return table_find(table, pid, start_ticks_of(start_boot_ns));
}

/* The first to exit that nobody refers to, else the first to exit, else an ancestor kept for its
 * descendants, else the oldest of the living. */
static struct process *victim(struct process_table *table)
{
	struct process *p = table->lists[LIFE_EXITED].first;

	for (int i = 0; p && i < EVICT_LOOK_MAX; p = p->next, i++)
		if (!p->refs)
			return p;
	if (table->lists[LIFE_EXITED].first)
		return table->lists[LIFE_EXITED].first;
	if (table->lists[LIFE_KEPT].first)
		return table->lists[LIFE_KEPT].first;
	return table->lists[LIFE_LIVING].first;
}

static struct process *take_slot(struct process_table *table)
{
	if (!table->free_slots && table->used_slots == table->max) {
		struct process *out = victim(table);

		counter_add(COUNTER_PROCESS_EVICTED, 1);
		list_remove(table, out);
		forget(table, out);
		bury(table);
	}
	struct process *slot = table->free_slots;

	if (slot)
		table->free_slots = slot->next;
	else
		slot = &table->slots[table->used_slots++];
	return slot;
}

void entity_id_of(const struct process_table *table, uint32_t pid, uint64_t ticks,
		  char id[ENTITY_ID_LEN])
{
	static const char digits[] = "0123456789abcdef";
	char *tail = table->identity + table->identity_len; /* 12 bytes are there for it */
	XXH128_canonical_t hash;

	for (int i = 0; i < 4; i++)
		tail[i] = (char)(pid >> (8 * i));
	for (int i = 0; i < 8; i++)
		tail[4 + i] = (char)(ticks >> (8 * i));
	XXH128_canonicalFromHash(&hash, XXH3_128bits(table->identity, table->identity_len + 12));
	for (int i = 0; i < ENTITY_ID_LEN / 2; i++) {
		id[2 * i] = digits[hash.digest[i] >> 4];
		id[2 * i + 1] = digits[hash.digest[i] & 15];
	}
}

void table_set_start(struct process_table *table, struct process *process, uint64_t boot_ns)
{
	process->start_boot_ns = boot_ns;
	process->start_len =
	    (uint8_t)clock_format((int64_t)boot_ns + table->boot_offset_ns, process->start_text)
		.len;
}

struct process *table_insert(struct process_table *table, uint32_t pid, uint64_t start_boot_ns)
{
	struct process *process = take_slot(table);
	uint32_t generation = process->generation;
	uint32_t bucket = bucket_of(table, pid);

	*process = (struct process){.generation = generation,
				    .pid = pid,
				    .tid = pid,
				    .start_ticks = start_ticks_of(start_boot_ns)};
	table_set_start(table, process, start_boot_ns);
	entity_id_of(table, pid, process->start_ticks, process->entity_id);
	process->by_pid_next = table->by_pid[bucket];
	table->by_pid[bucket] = process;
	list_append(table, process, LIFE_LIVING);
	table->count++;
	return process;
}

void table_mark_exited(struct process_table *table, struct process *process, uint64_t boot_ns)
{
	if (process->life != LIFE_LIVING)
		return;
	process->exited_boot_ns = boot_ns;
	list_remove(table, process);
	list_append(table, process, LIFE_EXITED);
}

void table_sweep(struct process_table *table, uint64_t boot_ns)
{
	struct process *p;

	if (boot_ns > table->now_boot_ns)
		table->now_boot_ns = boot_ns;
	while ((p = table->lists[LIFE_EXITED].first) &&
	       p->exited_boot_ns + table->exited_keep_ns < table->now_boot_ns) {
		list_remove(table, p);
		if (p->refs)
			list_append(table, p, LIFE_KEPT);
		else
			forget(table, p);
		bury(table);
	}
}

static void set_identity(struct process_table *table, struct str host, struct str boot)
{
	table->identity = xmalloc(host.len + boot.len + 2 + 12);
	if (host.len)
		memcpy(table->identity, host.p, host.len);
	table->identity[host.len] = '\0';
	if (boot.len)
		memcpy(table->identity + host.len + 1, boot.p, boot.len);
	table->identity[host.len + 1 + boot.len] = '\0';
	table->identity_len = host.len + boot.len + 2;
}

struct process_table *process_table_new(const struct process_table_options *options)
{
	struct process_table *table = xcalloc(1, sizeof(*table));

	table->max = options->max_processes ? options->max_processes : PROCESS_MAX_DEFAULT;
	table->exited_keep_ns = options->exited_keep_ns ? (uint64_t)options->exited_keep_ns
							: (uint64_t)PROCESS_EXITED_KEEP_NS;
	for (table->by_pid_bits = 4; table->by_pid_bits < 24; table->by_pid_bits++)
		if ((UINT32_C(1) << table->by_pid_bits) >= table->max)
			break;
	/* Zero pages: what is not used yet takes no memory. */
	table->slots = xcalloc(table->max, sizeof(*table->slots));
	table->by_pid = xcalloc((size_t)1 << table->by_pid_bits, sizeof(struct process *));
	table->offline = options->offline;
	if (!table->offline) {
		table->time_namespace_ns = proc_time_namespace_offset_ns();
		table->boot_offset_ns = host_boot_offset_ns();
	}
	set_identity(table, options->host_id, options->boot_id);
	return table;
}

void process_table_free(struct process_table *table)
{
	if (!table)
		return;
	for (uint32_t i = 0; i < table->used_slots; i++) {
		image_unref(table, table->slots[i].image);
		credential_unref(table, table->slots[i].credential);
	}
	free(table->slots);
	free(table->by_pid);
	free(table->identity);
	free(table);
}

uint32_t process_count(const struct process_table *table)
{
	return table->count;
}

struct str process_entity_id(const struct process *process)
{
	return (struct str){process->entity_id, ENTITY_ID_LEN};
}

uint32_t process_pid(const struct process *process)
{
	return process->pid;
}

struct process_brief process_brief(const struct process *process)
{
	return (struct process_brief){
	    .start_boot_ns = process->start_boot_ns,
	    .ppid = process->ppid,
	    .has_exited = process->life != LIFE_LIVING,
	    .exited_boot_ns = process->exited_boot_ns,
	    .executable_path = process->image ? process->image->path : STR_NULL,
	};
}

uint64_t process_mount_ns(const struct process *process)
{
	return process->mount_ns;
}
