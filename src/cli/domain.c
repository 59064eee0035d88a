/* cli/domain.c - posthouse domain: which domains are served. */
#include <stdio.h>

#include "cli/commands.h"
#include "cli/verb.h"

static int change(struct control *control, const char *command, const char *domain,
    const char *done)
{
	json_t *answer = control_call(control,
	    json_pack("{s:s, s:s}", "command", command, "domain", domain));

	if (answer == NULL)
		return CLI_FAILED;
	json_decref(answer);
	printf("domain %s %s\n", domain, done);
	return CLI_OK;
}

static int add(struct control *control, const struct cli_args *args, const char *const *words,
    size_t n)
{
	return change(control, "domain add", words[0], "added");
}

static int remove_domain(struct control *control, const struct cli_args *args,
    const char *const *words, size_t n)
{
	return change(control, "domain remove", words[0], "removed");
}

static int list(struct control *control, const struct cli_args *args, const char *const *words,
    size_t n)
{
	static const char *const fields[] = { "domain", "accounts", "aliases", "configured" };

	return cli_print_rows(args, control_list(control, "domain list"), fields, 4);
}

static const struct cli_verb verbs[] = {
	{ "add", "DOMAIN", 1, 1, "", true, add },
	{ "remove", "DOMAIN", 1, 1, "", false, remove_domain },
	{ "list", "", 0, 0, " --json ", false, list },
};

static int run(const struct cli_args *args)
{
	return cli_run_verb(args, verbs, sizeof(verbs) / sizeof(verbs[0]));
}

const struct cli_command cli_domain = {
	.name = "domain",
	.words = "add DOMAIN | remove DOMAIN | list",
	.words_min = 1,
	.words_max = 2,
	.summary = "the domains that are served here",
	.details =
	    "Mail to these domains is delivered here; for all others it is refused. Domains of\n"
	    "posthouse.conf are served too; they are \"configured\" and removed there. A domain\n"
	    "with accounts or aliases stays until those are gone.\n",
	.options = {
		{ "--json", NULL, "Print the list as JSON." },
		SETTING_OPTIONS,
	},
	.run = run,
};
