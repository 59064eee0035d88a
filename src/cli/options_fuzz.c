/* cli/options_fuzz.c - a command line, its words separated by NUL, against a row
 * with options of every kind; and --set on a configuration.
 *
 * For: cli/options.c config/config.c
 *
 * Holds: what is accepted keeps the row's bounds, each value belongs to an option of
 * the row that wants one, numbers are within theirs; an overridden key has its value
 * once, and the other lines stay. */
#include "fuzz.h"

#include <stdio.h>

#include "base/limits.h"
#include "cli/cli.h"
#include "config/config.h"

static const struct cli_command row = {
	.name = "fuzz", .words = "[WORD...]", .words_min = 1, .words_max = 3,
	.options = { { "--flag", NULL, "A flag." }, { "--value", "VALUE", "A value." },
	    { "--number", "N", "A number." }, { NULL, NULL, NULL } },
};

/* options.c says what is wrong on stderr; main.c has these rows. */
const struct cli_command *const cli_commands[] = { &row, NULL };

static void check_args(const struct cli_args *args)
{
	unsigned long number;

	check(args->command == &row);
	check(args->n_words >= row.words_min && args->n_words <= row.words_max);
	check(args->n_given <= CLI_GIVEN_MAX);
	for (size_t i = 0; i < args->n_given; i++)
		check((args->given[i].value != NULL) == (args->given[i].option->value != NULL));
	check(cli_value(args, "--value") == NULL ||
	    cli_value_at(args, "--value", 0) != NULL);
	if (cli_number(args, "--number", 3, 1000, 7, &number))
		check(number >= 3 && number <= 1000);
	else
		check(cli_value(args, "--number") != NULL);
	(void)cli_flag(args, "--flag");
}

static bool is_key(slice key)
{
	for (size_t i = 0; i < key.len; i++) {
		if ((key.ptr[i] < 'a' || key.ptr[i] > 'z') && key.ptr[i] != '.')
			return false;
	}
	return key.len > 0 && key.len < 100;
}

/* Every line is there, or empty because it had the key. */
static void fuzz_override(slice in)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct buffer out = buffer_init(heap, CONFIG_TEXT_MAX + CONFIG_FILE_MAX);
	slice key = slice_cut(&in, '\0'), value = slice_cut(&in, '\0'), rest;

	if (is_key(key) && value.len < 1000 && slice_find_byte(value, '\n') == value.len) {
		config_override(in, key, value, &out);
		rest = buffer_bytes(&out);
		while (in.len > 0) {
			slice line = slice_cut(&in, '\n'), now = slice_cut(&rest, '\n');

			check(slice_equal(line, now) ||
			    (now.len == 0 && slice_starts(slice_trim(line), key)));
		}
		check(slice_starts(rest, key) && slice_ends(rest, slice_lit("\n")));
		check(rest.len == key.len + 3 + value.len + 1);
	}
	heap_drop(heap);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct cli_args args;
	char *text, *argv[100];
	int argc = 0;

	/* What is wrong with each input is of no interest; libFuzzer's and the
	 * sanitizers' own lines do not go through stdio. */
	if (fileno(stderr) == 2)
		stderr = fopen("/dev/null", "w");
	if (len == 0 || len > CONFIG_FILE_MAX)
		return 0;
	fuzz_override(slice_of(data, len));
	text = malloc(len + 1);
	check(text != NULL);
	memcpy(text, data, len);
	text[len] = 0;
	for (size_t at = 0; at < len && argc < 100; at += strlen(text + at) + 1)
		argv[argc++] = text + at;
	if (cli_parse(&row, argc, argv, &args))
		check_args(&args);
	free(text);
	return 0;
}
