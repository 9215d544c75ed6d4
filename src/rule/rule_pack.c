/* SPDX-License-Identifier: Apache-2.0 */
/* lintel's own rules, embedded in the binary by scripts/embed_rules.py. */
#include "rule/rule_internal.h"

#include <errno.h>
#include <stdio.h>

int rule_set_load_builtin(struct rule_set *set, struct field_set *fields, struct diag_list *diags)
{
	int error = 0;

	for (size_t i = 0; i < rule_pack_count; i++) {
		const struct rule_pack_file *file = &rule_pack[i];
		char path[256];
		struct str text = {file->text, file->bytes};
		int n = snprintf(path, sizeof(path), "builtin:%s", file->path);

		if (n < 0 || (size_t)n >= sizeof(path))
			return -ENAMETOOLONG;
		if (rule_set_load_text(set, fields, text, str_from(path), diags))
			error = -EINVAL;
	}
	return error;
}
