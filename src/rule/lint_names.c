/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names as facts. Fields: fields.def, the field sets of ECS (elastic.co/docs/reference/ecs) that
 * rules about hosts read, and what Elastic Defend adds. Actions: lintel's own (docs/sensor-events.md),
 * and those that Elastic Defend, Auditbeat, auditd_manager, CrowdStrike, SentinelOne, Sysmon for
 * Linux and Elastic's session data report.
 */
#include "event/action.h"
#include "rule/lint_internal.h"

static const char *const event_categories[] = {
    "api", "authentication", "configuration", "database", "driver", "email", "file", "host", "iam",
    "intrusion_detection", "library", "malware", "network", "package", "process", "registry",
    "session", "threat", "vulnerability", "web",
    /* Elastic Defend's own */
    "credential_access", "dns", "security", "virtualization", NULL};

static const char *const event_types[] = {
    "access",       "admin",    "allowed", "change", "connection",      "creation",  "deletion",
    "denied",       "device",   "end",     "error",  "group",           "indicator", "info",
    "installation", "protocol", "start",   "user",   "process_started", NULL};

static const char *const event_kinds[] = {"alert",  "asset", "enrichment",     "event", "metric",
					  "signal", "state", "pipeline_error", NULL};

static const char *const event_outcomes[] = {"failure", "success", "unknown", NULL};

static const char *const os_types[] = {"android", "ios", "linux", "macos", "unix", "windows", NULL};

static const struct {
	const char *field;
	const char *const *values;
} allowed[] = {
    {"event.category", event_categories}, {"event.type", event_types}, {"event.kind", event_kinds},
    {"event.outcome", event_outcomes},    {"host.os.type", os_types},
};

const char *const *lint_allowed_values(struct str field)
{
	for (size_t i = 0; i < sizeof(allowed) / sizeof(*allowed); i++)
		if (str_eq(field, str_from(allowed[i].field)))
			return allowed[i].values;
	return NULL;
}

/* ---- actions */

/* What sources other than lintel call what they report. */
static const char *const other_actions[] = {"already_running",
					    "connection_accepted",
					    "connection_attempted",
					    "disconnect_received",
					    "dns_result",
					    "lookup_requested",
					    "lookup_result",
					    "exec_event",
					    "executed",
					    "execution",
					    "file_create_event",
					    "file_delete_event",
					    "file_modify_event",
					    "file_rename_event",
					    "fork_event",
					    "end_event",
					    "gid_change",
					    "load",
					    "load_module",
					    "memfd_create",
					    "mprotect",
					    "open",
					    "overwrite",
					    "process_started",
					    "process_stopped",
					    "process_vm_writev",
					    "ProcessRollup2",
					    "ptrace",
					    "session_id_change",
					    "setsid",
					    "shmget",
					    "start",
					    "stop",
					    "text_output",
					    "uid_change",
					    "unload_module",
					    "access",
					    "created",
					    "deleted",
					    "updated",
					    "moved",
					    "attributes_modified",
					    "config_change",
					    "existing_process",
					    "network_flow",
					    "bound-socket",
					    "changed-file-ownership-of",
					    "changed-file-permissions-of",
					    "changed-password",
					    "changed-login-id-to",
					    "changed-role-to",
					    "changed-group",
					    "connected-to",
					    "accepted-connection-from",
					    "added-user-account",
					    "added-group-account-to",
					    "deleted-user-account",
					    "deleted-group-account-from",
					    "killed-pid",
					    "loaded-kernel-module",
					    "unloaded-kernel-module",
					    "opened-file",
					    "wrote-to-file",
					    "renamed",
					    "mounted",
					    "started-session",
					    "ended-session",
					    "logged-in",
					    "ssh_login",
					    "user_login",
					    "user_logout",
					    "user_added",
					    "user_removed",
					    "user_changed",
					    "password_changed",
					    "group_added",
					    "group_removed",
					    "violated-apparmor-policy",
					    "violated-selinux-policy",
					    "changed-audit-configuration",
					    "signature",
					    "rule_detection",
					    "Process Create",
					    NULL};

bool lint_action_ours(struct str action, struct str category)
{
	return action_find(action, category) != NULL;
}

static bool listed(struct str name, const char *const *list)
{
	for (; *list; list++)
		if (str_eq_fold(name, str_from(*list)))
			return true;
	return false;
}

bool lint_action_known(struct str action)
{
	return lint_action_ours(action, STR_NULL) || listed(action, other_actions);
}

/* ---- fields */

/* What a process has, and what stands before it for processes related to it. */
static const char *const process_relatives[] = {
    "parent.", "group_leader.", "session_leader.", "entry_leader.", "previous.", "responsible.",
    NULL};

static const char *const process_fields[] = {"args",
					     "args_count",
					     "command_line",
					     "end",
					     "entity_id",
					     "env_vars",
					     "executable",
					     "exit_code",
					     "interactive",
					     "name",
					     "pid",
					     "ppid",
					     "pgid",
					     "same_as_process",
					     "start",
					     "supplemental_groups.id",
					     "supplemental_groups.name",
					     "thread.id",
					     "thread.name",
					     "thread.capabilities.effective",
					     "thread.capabilities.permitted",
					     "title",
					     "tty.char_device.major",
					     "tty.char_device.minor",
					     "tty.columns",
					     "tty.rows",
					     "uptime",
					     "user.id",
					     "user.name",
					     "real_user.id",
					     "real_user.name",
					     "saved_user.id",
					     "saved_user.name",
					     "attested_user.id",
					     "attested_user.name",
					     "group.id",
					     "group.name",
					     "real_group.id",
					     "real_group.name",
					     "saved_group.id",
					     "saved_group.name",
					     "attested_groups.name",
					     "vpid",
					     "working_directory",
					     "entry_meta.type",
					     "entry_meta.source.ip",
					     "io.text",
					     "io.type",
					     "hash.md5",
					     "hash.sha1",
					     "hash.sha256",
					     "hash.sha384",
					     "hash.sha512",
					     "hash.ssdeep",
					     "hash.tlsh",
					     "hash.cdhash",
					     "code_signature.exists",
					     "code_signature.status",
					     "code_signature.subject_name",
					     "code_signature.trusted",
					     "code_signature.valid",
					     "code_signature.signing_id",
					     "code_signature.team_id",
					     "code_signature.digest_algorithm",
					     "pe.original_file_name",
					     "pe.imphash",
					     "pe.company",
					     "pe.product",
					     "pe.description",
					     "elf.telfhash",
					     "elf.import_hash",
					     NULL};

static const char *const other_fields[] = {"agent.id",
					   "agent.name",
					   "agent.type",
					   "agent.version",
					   "agent.ephemeral_id",
					   "client.address",
					   "client.ip",
					   "client.port",
					   "client.bytes",
					   "client.user.name",
					   "container.name",
					   "container.runtime",
					   "container.image.name",
					   "container.image.tag",
					   "container.security_context.privileged",
					   "data_stream.dataset",
					   "data_stream.namespace",
					   "data_stream.type",
					   "destination.address",
					   "destination.as.organization.name",
					   "destination.bytes",
					   "destination.domain",
					   "destination.geo.country_name",
					   "destination.ip",
					   "destination.packets",
					   "destination.port",
					   "destination.user.name",
					   "dll.name",
					   "dll.path",
					   "dll.hash.sha256",
					   "dns.answers.data",
					   "dns.answers.name",
					   "dns.question.class",
					   "dns.question.name",
					   "dns.question.registered_domain",
					   "dns.question.type",
					   "dns.resolved_ip",
					   "dns.response_code",
					   "error.code",
					   "error.message",
					   "event.agent_id_status",
					   "event.code",
					   "event.duration",
					   "event.end",
					   "event.hash",
					   "event.original",
					   "event.reason",
					   "event.reference",
					   "event.risk_score",
					   "event.severity",
					   "event.start",
					   "event.timezone",
					   "event.url",
					   "file.accessed",
					   "file.attributes",
					   "file.created",
					   "file.ctime",
					   "file.device",
					   "file.drive_letter",
					   "file.hash.md5",
					   "file.hash.sha1",
					   "file.hash.sha256",
					   "file.mime_type",
					   "file.mtime",
					   "file.origin_url",
					   "file.code_signature.trusted",
					   "file.elf.telfhash",
					   "group.domain",
					   "host.domain",
					   "host.geo.name",
					   "host.ip",
					   "host.mac",
					   "host.type",
					   "host.uptime",
					   "host.boot.id",
					   "host.os.full",
					   "host.os.codename",
					   "host.user.name",
					   "http.request.body.content",
					   "http.request.body.bytes",
					   "http.request.bytes",
					   "http.request.method",
					   "http.request.mime_type",
					   "http.request.referrer",
					   "http.response.body.bytes",
					   "http.response.body.content",
					   "http.response.bytes",
					   "http.response.status_code",
					   "labels",
					   "log.file.path",
					   "log.level",
					   "log.logger",
					   "log.syslog.facility.name",
					   "network.application",
					   "network.bytes",
					   "network.community_id",
					   "network.direction",
					   "network.iana_number",
					   "network.name",
					   "network.packets",
					   "network.protocol",
					   "network.transport",
					   "network.type",
					   "observer.name",
					   "orchestrator.cluster.name",
					   "orchestrator.namespace",
					   "orchestrator.resource.name",
					   "orchestrator.resource.type",
					   "package.name",
					   "package.version",
					   "package.architecture",
					   "related.hash",
					   "related.hosts",
					   "related.ip",
					   "related.user",
					   "rule.id",
					   "rule.name",
					   "server.address",
					   "server.ip",
					   "server.port",
					   "service.name",
					   "service.type",
					   "session.id",
					   "source.address",
					   "source.as.organization.name",
					   "source.bytes",
					   "source.domain",
					   "source.geo.country_name",
					   "source.ip",
					   "source.packets",
					   "source.port",
					   "source.user.name",
					   "tags",
					   "threat.indicator.ip",
					   "url.domain",
					   "url.extension",
					   "url.full",
					   "url.original",
					   "url.path",
					   "url.query",
					   "url.scheme",
					   "user.changes.name",
					   "user.domain",
					   "user.effective.name",
					   "user.email",
					   "user.full_name",
					   "user.hash",
					   "user.roles",
					   "user.target.name",
					   "user.target.id",
					   "user.target.group.name",
					   "user_agent.name",
					   "user_agent.original",
					   "vulnerability.id",
					   "kubernetes.pod.name",
					   "kubernetes.namespace",
					   NULL};

/* Field sets whose names ECS lists; what is below other roots is their integration's business. */
static const char *const roots[] = {
    "agent.",   "client.",  "container.", "data_stream.", "destination.", "dll.",  "dns.",
    "ecs.",     "event.",   "file.",      "group.",       "host.",        "http.", "log.",
    "network.", "process.", "server.",    "source.",      "url.",         "user.", "user_agent.",
    NULL};

static struct str behind(struct str s, size_t bytes)
{
	return (struct str){s.p + bytes, s.len - bytes};
}

/* "process.parent.group_leader.name" without "process." and relatives: "name". */
static struct str own_part(struct str name)
{
	if (!str_starts(name, STR("process.")))
		return name;
	name = behind(name, strlen("process."));
	for (const char *const *r = process_relatives; *r; r++)
		if (str_starts(name, str_from(*r))) {
			name = behind(name, strlen(*r));
			r = process_relatives - 1;
		}
	return name;
}

/* Elastic Defend's extensions have a namespace of their own, with hundreds of names. */
static bool is_extension(struct str name)
{
	return str_find(name, STR(".Ext."), 0) != SIZE_MAX || str_starts(name, STR("Effective_")) ||
	       str_starts(name, STR("Target."));
}

static bool in_registry(struct str name)
{
	for (int i = 0; i < FIELD_KNOWN_COUNT; i++)
		if (str_eq(name, field_known_name((enum field_id)i)))
			return true;
	return false;
}

static bool listed_exactly(struct str name, const char *const *list)
{
	for (; *list; list++)
		if (str_eq(name, str_from(*list)))
			return true;
	return false;
}

static bool has_listed_root(struct str name)
{
	for (const char *const *root = roots; *root; root++)
		if (str_starts(name, str_from(*root)))
			return true;
	return false;
}

bool lint_field_known(struct str name)
{
	return in_registry(name) || is_extension(name) || listed_exactly(name, other_fields) ||
	       (str_starts(name, STR("process.")) &&
		listed_exactly(own_part(name), process_fields));
}

/* Longest name compared; no field's name comes near. */
#define NEAR_MAX 96

/* How many letters must be changed, put in, taken out or exchanged with their neighbour: the slips
 * of a typist (optimal string alignment), over three rows. */
static size_t slips(struct str a, struct str b)
{
	size_t rows[3][NEAR_MAX + 1];

	if (a.len > NEAR_MAX || b.len > NEAR_MAX)
		return SIZE_MAX;
	for (size_t j = 0; j <= b.len; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= a.len; i++) {
		size_t *row = rows[i % 3], *up = rows[(i + 2) % 3], *upper = rows[(i + 1) % 3];

		row[0] = i;
		for (size_t j = 1; j <= b.len; j++) {
			bool same = a.p[i - 1] == b.p[j - 1];
			size_t best = up[j - 1] + !same;

			if (up[j] + 1 < best)
				best = up[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			if (i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] &&
			    a.p[i - 2] == b.p[j - 1] && upper[j - 2] + 1 < best)
				best = upper[j - 2] + 1;
			row[j] = best;
		}
	}
	return rows[a.len % 3][b.len];
}

/* So many slips make another word of a name: of a short one already the second. */
static size_t slips_allowed(struct str name)
{
	return name.len < 4 ? 0 : name.len < 9 ? 1 : 2;
}

struct nearest {
	struct str name;
	size_t slips;
};

static void look(struct nearest *best, struct str name, struct str candidate)
{
	size_t n;

	if (candidate.len + best->slips < name.len || name.len + best->slips < candidate.len)
		return;
	n = slips(name, candidate);
	if (n < best->slips) {
		best->slips = n;
		best->name = candidate;
	}
}

struct str lint_near(struct str name, const char *const *list)
{
	struct nearest best = {.slips = slips_allowed(name) + 1};

	for (; *list; list++)
		look(&best, name, str_from(*list));
	return best.name;
}

struct str lint_action_near(struct str action)
{
	struct nearest best = {.slips = slips_allowed(action) + 1};

	uint32_t count;
	const struct action *ours = action_table(&count);

	for (uint32_t i = 0; i < count; i++)
		look(&best, action, str_from(ours[i].action));
	for (const char *const *a = other_actions; *a; a++)
		look(&best, action, str_from(*a));
	return best.name;
}

/* The part behind "process." and relatives is compared by itself: it is what may be misspelt. */
static struct str near_process_field(struct str name, struct arena *arena)
{
	struct str own = own_part(name);
	struct str near = lint_near(own, process_fields);

	if (!near.p)
		return STR_NULL;
	return arena_printf(arena, "%.*s%.*s", (int)(name.len - own.len), name.p, STR_ARG(near));
}

struct str lint_field_near(struct str name, struct arena *arena)
{
	struct nearest best = {.slips = 3};

	for (int i = 0; i < FIELD_KNOWN_COUNT; i++)
		look(&best, name, field_known_name((enum field_id)i));
	for (const char *const *f = other_fields; *f; f++)
		look(&best, name, str_from(*f));
	/* Two names of one field set may differ by two letters: the own part must be long enough. */
	if (best.name.p && name.len > 8)
		return best.name;
	return has_listed_root(name) && str_starts(name, STR("process."))
		   ? near_process_field(name, arena)
		   : STR_NULL;
}
