/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/sensor_internal.h"
#include <errno.h>
int witness_open(struct witness **out, struct sensor *sensor, const char *const *directories)
{
	(void)sensor;
	(void)directories;
	*out = NULL;
	return -ENOTSUP;
}
void witness_close(struct witness *witness)
{
	(void)witness;
}
int witness_fd(const struct witness *witness)
{
	(void)witness;
	return -1;
}
void witness_read(struct witness *witness)
{
	(void)witness;
}
void witness_expire(struct witness *witness)
{
	(void)witness;
}
void witness_confirm(struct witness *witness, uint32_t pid, struct str path, const char *action)
{
	(void)witness;
	(void)pid;
	(void)path;
	(void)action;
}
void witness_view(struct witness *witness, const struct wire_actor *actor)
{
	(void)witness;
	(void)actor;
}
