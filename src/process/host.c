/* SPDX-License-Identifier: Apache-2.0 */
#include "process/host.h"

#include <errno.h>
#include <fcntl.h>
#include <nettle/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "process/host_internal.h"
#include "process/proc_internal.h"

/* os-release is below 1 KiB everywhere. */
#define TEXT_BYTES_MAX 16384
#define MACHINE_ID_BYTES 16

struct host {
	struct arena arena; /* owns every text */
	struct str id;
	struct str boot_id;
	struct str name;
	struct str architecture;
	struct str kernel;
	struct os_release os;
	struct str family;
};

/* Drawn at random for lintel, see sd_id128_get_machine_app_specific(3). Changing it gives every
 * host a new id. */
static const uint8_t application_id[16] = {0xb4, 0x64, 0x6d, 0x49, 0x63, 0x5e, 0x4b, 0x16,
					   0xb0, 0x10, 0xba, 0x36, 0x89, 0x78, 0x5a, 0x93};

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

static int machine_id_bytes(struct str text, uint8_t bytes[MACHINE_ID_BYTES])
{
	uint8_t all = 0;

	/* "uninitialized" during the first boot is none either. */
	if (text.len != (size_t)2 * MACHINE_ID_BYTES)
		return -EINVAL;
	for (int i = 0; i < MACHINE_ID_BYTES; i++) {
		int high = hex_digit(text.p[2 * i]), low = hex_digit(text.p[2 * i + 1]);

		if (high < 0 || low < 0)
			return -EINVAL;
		bytes[i] = (uint8_t)(high << 4 | low);
		all |= bytes[i];
	}
	return all ? 0 : -EINVAL;
}

/* machine-id(5): the id is confidential; hand out HMAC-SHA256 of an application id keyed by it, cut
 * to a version 4 UUID. The same construction as systemd's, so `systemd-id128 machine-id -a` of our
 * application id gives the same. */
int host_id_of_machine(struct str machine_id, char id[HOST_ID_LEN])
{
	uint8_t key[MACHINE_ID_BYTES], hash[MACHINE_ID_BYTES];
	struct hmac_sha256_ctx hmac;
	char text[HOST_ID_LEN + 1];
	int err = machine_id_bytes(machine_id, key);

	if (err)
		return err;
	hmac_sha256_set_key(&hmac, sizeof(key), key);
	hmac_sha256_update(&hmac, sizeof(application_id), application_id);
	hmac_sha256_digest(&hmac, sizeof(hash), hash);
	hash[6] = (hash[6] & 0x0f) | 0x40;
	hash[8] = (hash[8] & 0x3f) | 0x80;
	snprintf(text, sizeof(text),
		 "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", hash[0],
		 hash[1], hash[2], hash[3], hash[4], hash[5], hash[6], hash[7], hash[8], hash[9],
		 hash[10], hash[11], hash[12], hash[13], hash[14], hash[15]);
	memcpy(id, text, HOST_ID_LEN);
	return 0;
}

static struct str read_file(struct arena *arena, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return STR_NULL;
	char *text = arena_bytes(arena, TEXT_BYTES_MAX);
	ssize_t n = read(fd, text, TEXT_BYTES_MAX);

	close(fd);
	return n > 0 ? (struct str){text, (size_t)n} : STR_NULL;
}

static struct str first_line(struct str text)
{
	const char *end = text.len ? memchr(text.p, '\n', text.len) : NULL;

	return end ? (struct str){text.p, (size_t)(end - text.p)} : text;
}

static void read_ids(struct host *host)
{
	char id[HOST_ID_LEN];

	host->boot_id = first_line(read_file(&host->arena, "/proc/sys/kernel/random/boot_id"));
	if (!host_id_of_machine(first_line(read_file(&host->arena, "/etc/machine-id")), id)) {
		host->id = arena_str(&host->arena, (struct str){id, sizeof(id)});
		return;
	}
	log_warning("/etc/machine-id is missing or empty: host.id is the boot id, and another "
		    "after the next boot (systemd-machine-id-setup makes the file)");
	host->id = host->boot_id;
}

struct host *host_new(void)
{
	struct host *host = xcalloc(1, sizeof(*host));
	struct utsname name;

	arena_init(&host->arena);
	if (!uname(&name)) {
		host->name = arena_str(&host->arena, str_from(name.nodename));
		host->architecture = arena_str(&host->arena, str_from(name.machine));
		host->kernel = arena_str(&host->arena, str_from(name.release));
	}
	struct str text = read_file(&host->arena, "/etc/os-release");

	if (!text.len)
		text = read_file(&host->arena, "/usr/lib/os-release");
	os_release_parse(&host->arena, text, &host->os);
	host->family = os_release_family(&host->os);
	read_ids(host);
	return host;
}

void host_free(struct host *host)
{
	if (!host)
		return;
	arena_free(&host->arena);
	free(host);
}

void host_fill(const struct host *host, struct event *event)
{
	event_set_str(event, FIELD_HOST_ARCHITECTURE, host->architecture);
	event_set_str(event, FIELD_HOST_HOSTNAME, host->name);
	event_set_str(event, FIELD_HOST_ID, host->id);
	event_set_str(event, FIELD_HOST_NAME, host->name);
	event_set_str(event, FIELD_HOST_OS_FAMILY, host->family);
	event_set_str(event, FIELD_HOST_OS_KERNEL, host->kernel);
	event_set_str(event, FIELD_HOST_OS_NAME, host->os.name);
	event_set_str(event, FIELD_HOST_OS_PLATFORM, host->os.id);
	event_set_str(event, FIELD_HOST_OS_TYPE, STR("linux"));
	event_set_str(event, FIELD_HOST_OS_VERSION, host->os.version_id);
}

struct str host_id(const struct host *host)
{
	return host->id;
}

struct str host_boot_id(const struct host *host)
{
	return host->boot_id;
}

struct str host_name(const struct host *host)
{
	return host->name;
}

int64_t host_boot_offset_ns(void)
{
	return clock_boot_offset_ns() + proc_time_namespace_offset_ns();
}
