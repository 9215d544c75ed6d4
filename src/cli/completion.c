/* SPDX-License-Identifier: Apache-2.0 */
/* Shell completion, made from the verbs' own help texts: an option is a word that begins with "--"
 * at the start of an indented line of help. So completion cannot know less than --help. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "cli/cli.h"

/* Calls `each` for every option named in a verb's help, with whether it takes an argument. */
static void each_option(const struct verb *verb, struct buf *out,
			void (*each)(struct buf *out, const struct verb *verb, struct str option,
				     struct str text))
{
	for (const char *line = verb->help; line && *line;) {
		const char *end = strchr(line, '\n');
		const char *p = line;

		while (*p == ' ')
			p++;
		/* "  -o, --output FILE" names the long form second. */
		if (p[0] == '-' && p[1] != '-' && p[1] && p[2] == ',')
			p += 4;
		if (p > line && p[0] == '-' && p[1] == '-') {
			size_t n = 2;

			while (isalnum((unsigned char)p[n]) || p[n] == '-')
				n++;
			const char *text = p + n;

			while (*text && *text != '\n' && strncmp(text, "  ", 2) != 0)
				text++;
			while (*text == ' ')
				text++;
			size_t length = end ? (size_t)(end - text) : strlen(text);

			if (end && text > end)
				length = 0;
			each(out, verb, (struct str){p, n}, (struct str){text, length});
		}
		line = end ? end + 1 : NULL;
	}
}

static void add_word(struct buf *out, const struct verb *verb, struct str option, struct str text)
{
	(void)verb;
	(void)text;
	buf_add_char(out, ' ');
	buf_add(out, option);
}

static void bash(struct buf *out)
{
	uint32_t count;
	const struct verb *const *verbs = cli_verbs(&count);

	buf_add(out, STR("# bash completion for lintel: source <(lintel completion bash)\n"
			 "_lintel() {\n"
			 "\tlocal cur=${COMP_WORDS[COMP_CWORD]} words= actions=\n"
			 "\tif ((COMP_CWORD == 1)); then\n"
			 "\t\tCOMPREPLY=($(compgen -W '"));
	for (uint32_t i = 0; i < count; i++)
		buf_printf(out, "%s ", verbs[i]->name);
	buf_add(out, STR("help version' -- \"$cur\"))\n\t\treturn\n\tfi\n"
			 "\tcase ${COMP_WORDS[1]} in\n"));
	for (uint32_t i = 0; i < count; i++) {
		buf_printf(out, "\t%s) words='", verbs[i]->name);
		each_option(verbs[i], out, add_word);
		buf_add(out, STR("'"));
		if (verbs[i]->actions)
			buf_printf(out, "; ((COMP_CWORD == 2)) && actions='%s'", verbs[i]->actions);
		buf_add(out, STR(" ;;\n"));
	}
	buf_add(out, STR("\tesac\n"
			 "\tif [[ $cur == -* ]]; then\n"
			 "\t\tCOMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
			 "\telif [[ $actions ]]; then\n"
			 "\t\tCOMPREPLY=($(compgen -W \"$actions\" -- \"$cur\"))\n"
			 "\telse\n"
			 "\t\tCOMPREPLY=($(compgen -f -- \"$cur\"))\n"
			 "\tfi\n"
			 "}\n"
			 "complete -o filenames -F _lintel lintel\n"));
}

/* Text inside zsh's '...[text]': brackets and quotes would end it. */
static void add_quoted(struct buf *out, struct str text)
{
	for (size_t i = 0; i < text.len; i++)
		if (!strchr("[]'\\:", text.p[i]))
			buf_add_char(out, text.p[i]);
}

static void add_zsh(struct buf *out, const struct verb *verb, struct str option, struct str text)
{
	(void)verb;
	buf_add(out, STR(" '"));
	buf_add(out, option);
	buf_add_char(out, '[');
	add_quoted(out, text);
	buf_add(out, STR("]'"));
}

static void zsh(struct buf *out)
{
	uint32_t count;
	const struct verb *const *verbs = cli_verbs(&count);

	buf_add(out, STR("#compdef lintel\n"
			 "# zsh completion for lintel: lintel completion zsh > _lintel, in $fpath\n"
			 "_lintel() {\n"
			 "\tif ((CURRENT == 2)); then\n"
			 "\t\tlocal -a verbs=("));
	for (uint32_t i = 0; i < count; i++) {
		buf_printf(out, " '%s:", verbs[i]->name);
		add_quoted(out, str_from(verbs[i]->summary));
		buf_add_char(out, '\'');
	}
	buf_add(out, STR(")\n\t\t_describe verb verbs\n\t\treturn\n\tfi\n\tcase $words[2] in\n"));
	for (uint32_t i = 0; i < count; i++) {
		buf_printf(out, "\t%s) _arguments", verbs[i]->name);
		/* The verb itself is the first word. */
		if (verbs[i]->actions)
			buf_printf(out, " '2:action:(%s)'", verbs[i]->actions);
		buf_add(out, STR(" '*:file:_files'"));
		each_option(verbs[i], out, add_zsh);
		buf_add(out, STR(" ;;\n"));
	}
	buf_add(out, STR("\tesac\n}\n_lintel \"$@\"\n"));
}

static void add_fish(struct buf *out, const struct verb *verb, struct str option, struct str text)
{
	buf_printf(out, "complete -c lintel -n '__fish_seen_subcommand_from %s' -l %.*s -d '",
		   verb->name, (int)option.len - 2, option.p + 2);
	add_quoted(out, text);
	buf_add(out, STR("'\n"));
}

static void fish(struct buf *out)
{
	uint32_t count;
	const struct verb *const *verbs = cli_verbs(&count);

	buf_add(out, STR("# fish completion for lintel: lintel completion fish | source\n"));
	for (uint32_t i = 0; i < count; i++) {
		buf_printf(out, "complete -c lintel -n __fish_use_subcommand -a %s -d '",
			   verbs[i]->name);
		add_quoted(out, str_from(verbs[i]->summary));
		buf_add(out, STR("'\n"));
		if (verbs[i]->actions)
			buf_printf(out,
				   "complete -c lintel -n '__fish_seen_subcommand_from %s; and not "
				   "__fish_seen_subcommand_from %s' -a '%s'\n",
				   verbs[i]->name, verbs[i]->actions, verbs[i]->actions);
		each_option(verbs[i], out, add_fish);
	}
}

static const struct {
	const char *name;
	void (*write)(struct buf *out);
} shells[] = {{"bash", bash}, {"zsh", zsh}, {"fish", fish}};

static int run(int argc, char **argv)
{
	struct buf out = {0};

	if (argc == 2 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")))
		return cli_help(&verb_completion);
	if (argc != 2)
		return cli_usage_error(&verb_completion, "name one shell");
	for (size_t i = 0; i < sizeof(shells) / sizeof(*shells); i++)
		if (!strcmp(argv[1], shells[i].name)) {
			shells[i].write(&out);
			int error = buf_write_fd(&out, 1);

			buf_free(&out);
			return error ? EXIT_FAILED : EXIT_OK;
		}
	return cli_usage_error(&verb_completion, "no completion for '%s'", argv[1]);
}

const struct verb verb_completion = {
    .name = "completion",
    .summary = "Print shell completion for bash, zsh or fish",
    .usage = "lintel completion bash|zsh|fish",
    .help = "  source <(lintel completion bash)\n"
	    "  lintel completion zsh > \"${fpath[1]}/_lintel\"\n"
	    "  lintel completion fish > ~/.config/fish/completions/lintel.fish\n",
    .run = run,
};
