/* cli/options.c - the arguments of a sub-command, judged against its row. */
#include "cli/cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/slice.h"
#include "base/text.h"

static void complain(const char *format, va_list args)
{
	fputs("posthouse: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
}

int cli_fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	complain(format, args);
	va_end(args);
	return CLI_FAILED;
}

int cli_misuse(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	complain(format, args);
	va_end(args);
	return CLI_USAGE;
}

bool cli_printed(void)
{
	bool failed = ferror(stdout) != 0;

	errno = 0;
	if (fflush(stdout) == 0 && !failed)
		return true;
	cli_fail("cannot write to standard output%s%s", errno != 0 ? ": " : "",
	    errno != 0 ? strerror(errno) : "");
	__fpurge(stdout);
	clearerr(stdout);
	return false;
}

/* ./run says so: it is what was typed. */
const char *cli_program(void)
{
	const char *name = getenv("POSTHOUSE_AS");

	return name != NULL && name[0] != '\0' ? name : program_invocation_name;
}

static const struct cli_option *find_option(const struct cli_command *command, slice name)
{
	for (const struct cli_option *o = command->options; o->name != NULL; o++) {
		if (slice_equal(name, slice_from(o->name)))
			return o;
	}
	return NULL;
}

static bool refuse_unknown(const struct cli_command *command, slice name)
{
	const char *names[CLI_OPTIONS_MAX], *nearest;
	size_t n = 0;
	char shown[64];

	for (const struct cli_option *o = command->options; o->name != NULL; o++)
		names[n++] = o->name;
	nearest = text_nearest(name, names, n);
	text_printable(name, shown, sizeof shown);
	if (nearest != NULL)
		cli_misuse("%s: unknown option %s; did you mean %s?", command->name, shown,
		    nearest);
	else
		cli_misuse("%s: unknown option %s; see `posthouse help %s`", command->name,
		    shown, command->name);
	return false;
}

/* One option at argv[*at], with its value. */
static bool take_option(const struct cli_command *command, int argc, char **argv, int *at,
    struct cli_args *args)
{
	slice rest = slice_from(argv[*at]);
	bool joined = slice_find_byte(rest, '=') < rest.len;
	slice name = slice_cut(&rest, '=');
	const struct cli_option *option = find_option(command, name);
	const char *value = NULL;

	if (option == NULL)
		return refuse_unknown(command, name);
	if (option->value == NULL && joined) {
		cli_misuse("%s: %s takes no value", command->name, option->name);
		return false;
	}
	if (option->value != NULL) {
		value = joined ? (const char *)rest.ptr : *at + 1 < argc ? argv[++*at] : NULL;
		if (joined && rest.len == 0)
			value = "";
		if (value == NULL) {
			cli_misuse("%s: %s wants a value: %s %s", command->name, option->name,
			    option->name, option->value);
			return false;
		}
	}
	if (args->n_given == CLI_GIVEN_MAX) {
		cli_misuse("%s: more than %d options", command->name, CLI_GIVEN_MAX);
		return false;
	}
	args->given[args->n_given].option = option;
	args->given[args->n_given++].value = value;
	return true;
}

static bool judge_words(const struct cli_args *args)
{
	const struct cli_command *command = args->command;
	char shown[64];

	if (args->n_words > command->words_max)
		cli_misuse("%s: \"%s\" is one word too many; usage: posthouse %s%s%s",
		    command->name, text_printable(slice_from(args->words[command->words_max]),
		    shown, sizeof shown), command->name, command->words[0] ? " " : "",
		    command->words);
	else if (args->n_words < command->words_min)
		cli_misuse("%s: something is missing; usage: posthouse %s %s", command->name,
		    command->name, command->words);
	else
		return true;
	return false;
}

bool cli_parse(const struct cli_command *command, int argc, char **argv,
    struct cli_args *ret_args)
{
	struct cli_args args = { .command = command };
	bool options = true;

	check(command->words_max <= CLI_WORDS_MAX - 1);
	for (int i = 0; i < argc; i++) {
		if (options && strcmp(argv[i], "--") == 0) {
			options = false;
		} else if (options && argv[i][0] == '-' && argv[i][1] != 0) {
			if (!take_option(command, argc, argv, &i, &args))
				return false;
		} else if (args.n_words <= command->words_max) {
			args.words[args.n_words++] = argv[i];
		}
	}
	if (!judge_words(&args))
		return false;
	*ret_args = args;
	return true;
}

const char *cli_value_at(const struct cli_args *args, const char *name, size_t i)
{
	for (size_t j = 0; j < args->n_given; j++) {
		if (strcmp(args->given[j].option->name, name) == 0 && i-- == 0)
			return args->given[j].value;
	}
	return NULL;
}

const char *cli_value(const struct cli_args *args, const char *name)
{
	const char *value = NULL;

	check(find_option(args->command, slice_from(name)) != NULL);
	for (size_t i = 0; i < args->n_given; i++) {
		if (strcmp(args->given[i].option->name, name) == 0)
			value = args->given[i].value;
	}
	return value;
}

bool cli_flag(const struct cli_args *args, const char *name)
{
	check(find_option(args->command, slice_from(name)) != NULL);
	for (size_t i = 0; i < args->n_given; i++) {
		if (strcmp(args->given[i].option->name, name) == 0)
			return true;
	}
	return false;
}

bool cli_number(const struct cli_args *args, const char *name, unsigned long min,
    unsigned long max, unsigned long preset, unsigned long *ret_value)
{
	const char *text = cli_value(args, name);
	uint64_t value = preset;

	if (text != NULL && (!slice_to_u64(slice_from(text), max, &value) || value < min)) {
		char shown[64];

		cli_misuse("%s: %s wants a number from %lu to %lu, not \"%s\"",
		    args->command->name, name, min, max,
		    text_printable(slice_from(text), shown, sizeof shown));
		return false;
	}
	*ret_value = (unsigned long)value;
	return true;
}
