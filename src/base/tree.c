/* SPDX-License-Identifier: Apache-2.0 */
#include "base/tree.h"

const struct tree_node *tree_get(const struct tree_node *table, const char *key)
{
	struct str wanted = str_from(key);

	if (!table || table->type != TREE_TABLE)
		return NULL;
	for (uint32_t i = 0; i < table->kid_count; i++)
		if (str_eq(table->kids[i]->key, wanted))
			return table->kids[i];
	return NULL;
}

const struct tree_node *tree_get_typed(const struct tree_node *table, const char *key,
				       enum tree_type type)
{
	const struct tree_node *node = tree_get(table, key);

	return node && node->type == type ? node : NULL;
}
