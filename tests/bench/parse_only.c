/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What reading alone costs: the lines of the inputs, each parsed and checked by simdjson as lintel
 * calls it, then every value of its tree visited and handed to a function that drops it. No name
 * is looked up, no event is made. The yardstick of `make bench`.
 *
 *	parse_only FILE...		the JSON parser alone
 *	parse_only --lines FILE...	splitting lines alone
 */
#include <stdio.h>
#include <string.h>

#include "base/json_reader.h"
#include "source/ndjson.h"

static void ignore(void *context, uint32_t id, const struct json_value *value)
{
	(void)context;
	(void)id;
	(void)value;
}

int main(int argc, char **argv)
{
	bool lines_only = argc > 1 && strcmp(argv[1], "--lines") == 0;
	const char *const *inputs = (const char *const *)argv + 1 + lines_only;
	struct json_handler handler = {.value = ignore};
	struct ndjson_source *source;
	struct str line;
	uint64_t good = 0;
	int more;

	if (ndjson_open(&source, inputs, (uint32_t)(argc - 1 - lines_only)))
		return 1;
	struct json_reader *reader = json_reader_new();
	struct json_paths *paths = json_paths_new();

	json_paths_want_all(paths, 0);
	while ((more = ndjson_next_line(source, &line)) > 0)
		good += lines_only || json_read(reader, paths, line, &handler, NULL, NULL) == 0;
	printf("%llu\n", (unsigned long long)good);
	json_paths_free(paths);
	json_reader_free(reader);
	ndjson_close(source);
	return more < 0;
}
