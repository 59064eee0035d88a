/* cli/help.c - posthouse help, posthouse version: the rows as text and as a man
 * page, so that neither can be out of date. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "cli/commands.h"
#include "config/config_table.h"
#include "imap/commands.h"

const struct cli_command *cli_find(const char *name)
{
	for (size_t i = 0; cli_commands[i] != NULL; i++) {
		if (strcmp(cli_commands[i]->name, name) == 0)
			return cli_commands[i];
	}
	return NULL;
}

enum { COMMANDS_MAX = 64 };

const char *cli_nearest(const char *name)
{
	const char *names[COMMANDS_MAX];
	size_t n = 0;

	for (size_t i = 0; cli_commands[i] != NULL && n < COMMANDS_MAX; i++) {
		if (!cli_commands[i]->hidden)
			names[n++] = cli_commands[i]->name;
	}
	return text_nearest(slice_from(name), names, n);
}

/* ---- words ---- */

static void print_usage(const struct cli_command *command)
{
	printf("usage: posthouse %s", command->name);
	if (command->words[0] != 0)
		printf(" %s", command->words);
	for (const struct cli_option *o = command->options; o->name != NULL; o++)
		printf(o->value ? " [%s %s]" : " [%s]", o->name, o->value);
	putchar('\n');
}

static void print_command(const struct cli_command *command)
{
	print_usage(command);
	printf("\nposthouse %s - %s\n", command->name, command->summary);
	if (command->details != NULL)
		printf("\n%s", command->details);
	if (command->options[0].name != NULL)
		printf("\noptions:\n");
	for (const struct cli_option *o = command->options; o->name != NULL; o++) {
		char left[64];

		snprintf(left, sizeof left, "%s %s", o->name, o->value ? o->value : "");
		printf("  %-22s %s\n", left, o->means);
	}
}

static void print_config(void)
{
	printf("posthouse.conf: lines of \"key = value\"; # begins a comment; lists have "
	    "commas.\nSizes: 500, 64K, 35M, 2G. Times: 500ms, 30s, 5m, 2h. \"none\" is an empty "
	    "value or list.\nWhere to listen: 25 (this port on all addresses), 127.0.0.1:2525, "
	    "[::1]:2525, none.\n\n");
	for (size_t i = 0; i < CONFIG_KEYS; i++) {
		const struct config_key *key = &config_keys[i];

		printf("  %s = %s\n      %s%s\n", key->name,
		    key->preset ? key->preset : "(must be set)", key->means,
		    key->flags & CONFIG_RESTART ? " A change wants a restart." : "");
	}
}

static void print_imap(void)
{
	struct imap_command_words row;

	printf("What the IMAP server understands. Commands:\n\n");
	for (size_t i = 0; imap_command_row(i, &row); i++)
		printf("  %-4s%-14s %-18s %s\n", row.uid ? "UID" : "", row.name, row.rfc, row.words);
	printf("\nThose with UID go with it and without; with it they are about UIDs. Capabilities, "
	    "as far as they apply:\n\n");
	for (size_t i = 0; imap_capability_row(i, &row); i++)
		printf("  %-18s %s\n", row.name, row.rfc);
}

static void print_list(void)
{
	printf("posthouse - all of e-mail in one program\n\ncommands:\n");
	for (size_t i = 0; cli_commands[i] != NULL; i++) {
		if (!cli_commands[i]->hidden)
			printf("  %-10s %s\n", cli_commands[i]->name,
			    cli_commands[i]->summary);
	}
	printf("\n`posthouse help COMMAND` says more; `posthouse help config` lists the keys "
	    "of posthouse.conf,\n`posthouse help imap` the commands of IMAP.\nExit status: 0 done, 1 could not be done, 2 wrong usage.\n");
}

/* ---- the man page, roff ---- */

/* Text with what roff would take for its own escaped. */
static void print_roff(const char *text)
{
	bool line_start = true;

	for (; *text != 0; text++) {
		if (line_start && (*text == '.' || *text == '\''))
			fputs("\\&", stdout);
		line_start = *text == '\n';
		if (*text == '\\')
			fputs("\\e", stdout);
		else if (*text == '-')
			fputs("\\-", stdout);
		else
			putchar(*text);
	}
}

static void print_item(const char *name, const char *value, const char *means)
{
	printf(".TP\n.B ");
	print_roff(name);
	if (value != NULL) {
		putchar(' ');
		print_roff(value);
	}
	putchar('\n');
	print_roff(means);
	putchar('\n');
}

static void print_man_command(const struct cli_command *command)
{
	printf(".SS posthouse %s %s\n", command->name, command->words);
	print_roff(command->summary);
	printf(".\n");
	if (command->details != NULL) {
		printf(".PP\n.nf\n");
		print_roff(command->details);
		printf("\n.fi\n");
	}
	for (const struct cli_option *o = command->options; o->name != NULL; o++)
		print_item(o->name, o->value, o->means);
}

static void print_man(void)
{
	printf(".TH POSTHOUSE 1 \"\" \"posthouse " POSTHOUSE_VERSION "\"\n"
	    ".SH NAME\nposthouse \\- all of e\\-mail in one program\n"
	    ".SH SYNOPSIS\n.B posthouse\n.I COMMAND\n[\n.I ARGUMENTS\n]\n.SH COMMANDS\n");
	for (size_t i = 0; cli_commands[i] != NULL; i++) {
		if (!cli_commands[i]->hidden)
			print_man_command(cli_commands[i]);
	}
	printf(".SH CONFIGURATION\nKeys of\n.IR posthouse.conf :\n");
	for (size_t i = 0; i < CONFIG_KEYS; i++) {
		const struct config_key *key = &config_keys[i];

		print_item(key->name, key->preset ? key->preset : "(must be set)", key->means);
		if (key->flags & CONFIG_RESTART)
			printf("A change wants a restart.\n");
	}
	printf(".SH EXIT STATUS\n0 done, 1 could not be done, 2 wrong usage.\n");
}

/* ---- commands ---- */

static int run_help(const struct cli_args *args)
{
	const struct cli_command *command;

	if (cli_flag(args, "--man")) {
		print_man();
	} else if (args->n_words == 0) {
		print_list();
	} else if (strcmp(args->words[0], "config") == 0) {
		print_config();
	} else if (strcmp(args->words[0], "imap") == 0) {
		print_imap();
	} else {
		command = cli_find(args->words[0]);
		if (command == NULL)
			return cli_misuse("help: there is no command \"%s\"", args->words[0]);
		print_command(command);
	}
	return CLI_OK;
}

const struct cli_command cli_help = {
	.name = "help",
	.words = "[COMMAND | config | imap]",
	.words_max = 1,
	.summary = "what the commands and the keys of posthouse.conf are",
	.options = { { "--man", NULL, "Print the man page, posthouse(1), instead." } },
	.run = run_help,
};

static int run_version(const struct cli_args *args)
{
	printf("posthouse %s\n", POSTHOUSE_VERSION);
	return CLI_OK;
}

const struct cli_command cli_version = {
	.name = "version",
	.words = "",
	.summary = "which version this is",
	.run = run_version,
};
