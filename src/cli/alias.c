/* cli/alias.c - posthouse alias: addresses that lead to others. */
#include <stdio.h>

#include "cli/commands.h"
#include "cli/verb.h"

enum { ALIAS_WORDS_MAX = CLI_WORDS_MAX - 1 };   /* more targets: `add` again */

static json_t *request(const char *command, const char *const *words, size_t n)
{
	json_t *targets = json_array();

	for (size_t i = 1; i < n; i++)
		json_array_append_new(targets, json_string(words[i]));
	return json_pack("{s:s, s:s, s:o}", "command", command, "address", words[0], "targets",
	    targets);
}

static int add(struct control *control, const struct cli_args *args, const char *const *words,
    size_t n)
{
	json_t *answer = control_call(control, request("alias add", words, n));

	if (answer == NULL)
		return CLI_FAILED;
	json_decref(answer);
	printf("alias %s added\n", words[0]);
	return CLI_OK;
}

static int remove_alias(struct control *control, const struct cli_args *args,
    const char *const *words, size_t n)
{
	json_t *answer = control_call(control, request("alias remove", words, n));

	if (answer == NULL)
		return CLI_FAILED;
	json_decref(answer);
	printf("alias %s %s\n", words[0], n > 1 ? "shortened" : "removed");
	return CLI_OK;
}

static int list(struct control *control, const struct cli_args *args, const char *const *words,
    size_t n)
{
	static const char *const fields[] = { "alias", "targets" };

	return cli_print_rows(args, control_list(control, "alias list"), fields, 2);
}

static const struct cli_verb verbs[] = {
	{ "add", "ALIAS TARGET...", 2, ALIAS_WORDS_MAX, "", true, add },
	{ "remove", "ALIAS [TARGET...]", 1, ALIAS_WORDS_MAX, "", false, remove_alias },
	{ "list", "", 0, 0, " --json ", false, list },
};

static int run(const struct cli_args *args)
{
	return cli_run_verb(args, verbs, sizeof(verbs) / sizeof(verbs[0]));
}

const struct cli_command cli_alias = {
	.name = "alias",
	.words = "add ALIAS TARGET... | remove ALIAS [TARGET...] | list",
	.words_min = 1,
	.words_max = ALIAS_WORDS_MAX,
	.summary = "addresses that lead to other addresses",
	.details =
	    "Mail to an alias goes to each of its targets: accounts, other aliases, subaddresses\n"
	    "such as alice+lists@example.org, or addresses of other hosts. Who is reached here\n"
	    "by an alias may also send as it. `add` extends an alias that is there; `remove`\n"
	    "with targets takes out only those.\n",
	.options = {
		{ "--json", NULL, "Print the list as JSON." },
		SETTING_OPTIONS,
	},
	.run = run,
};
