/* cli/options_test.c - arguments against a row. */
#include "unit.h"

#include <stdio.h>

#include "cli/cli.h"

/* cli_nearest and cli_find look here; no command is run. */
const struct cli_command *const cli_commands[] = { NULL };

static const struct cli_command command = {
	.name = "try",
	.words = "NAME [NAME]",
	.words_min = 1,
	.words_max = 2,
	.options = { { "--file", "FILE", "A file." }, { "--json", NULL, "As JSON." } },
};

static const struct {
	const char *name;
	const char *args[6];
	bool ok;
	size_t n_words;
	const char *file;
	bool json;
} cases[] = {
	{ "a word", { "a" }, true, 1, NULL, false },
	{ "two words", { "a", "b" }, true, 2, NULL, false },
	{ "none", { NULL }, false, 0, NULL, false },
	{ "three words", { "a", "b", "c" }, false, 0, NULL, false },
	{ "option before", { "--file", "f", "a" }, true, 1, "f", false },
	{ "option after", { "a", "--file", "f" }, true, 1, "f", false },
	{ "joined", { "a", "--file=f=g" }, true, 1, "f=g", false },
	{ "joined and empty", { "a", "--file=" }, true, 1, "", false },
	{ "the last one counts", { "a", "--file", "f", "--file", "g" }, true, 1, "g", false },
	{ "flag", { "--json", "a" }, true, 1, NULL, true },
	{ "flag with a value", { "--json=1", "a" }, false, 0, NULL, false },
	{ "no value", { "a", "--file" }, false, 0, NULL, false },
	{ "unknown", { "a", "--fil", "f" }, false, 0, NULL, false },
	{ "short", { "a", "-j" }, false, 0, NULL, false },
	{ "end of options", { "--", "--json" }, true, 1, NULL, false },
	{ "a dash is a word", { "-" }, true, 1, NULL, false },
	{ "an option's value may look like one", { "a", "--file", "--json" }, true, 1, "--json",
	    false },
};

static void test_parse(void **state)
{
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char *argv[6];
		struct cli_args args;
		const char *file;
		int argc = 0;
		bool ok;

		while (argc < 6 && cases[i].args[argc] != NULL) {
			argv[argc] = strdup(cases[i].args[argc]);
			argc++;
		}
		ok = cli_parse(&command, argc, argv, &args);
		if (ok != cases[i].ok)
			fail_msg("%s: %s", cases[i].name, ok ? "taken" : "refused");
		if (ok) {
			file = cli_value(&args, "--file");
			assert_int_equal(args.n_words, cases[i].n_words);
			assert_int_equal(cli_flag(&args, "--json"), cases[i].json);
			assert_int_equal(file == NULL, cases[i].file == NULL);
			if (file != NULL)
				assert_string_equal(file, cases[i].file);
		}
		while (argc > 0)
			free(argv[--argc]);
	}
}

static void test_values(void **state)
{
	char a[] = "a", one[] = "--file=1", two[] = "--file=22", *argv[] = { a, one, two };
	struct cli_args args;
	unsigned long number = 77;

	assert_true(cli_parse(&command, 3, argv, &args));
	assert_string_equal(cli_value_at(&args, "--file", 0), "1");
	assert_string_equal(cli_value_at(&args, "--file", 1), "22");
	assert_null(cli_value_at(&args, "--file", 2));
	assert_true(cli_number(&args, "--file", 1, 22, 5, &number));
	assert_int_equal(number, 22);
	assert_false(cli_number(&args, "--file", 1, 21, 5, &number));
	assert_false(cli_number(&args, "--file", 23, 99, 5, &number));
	assert_int_equal(number, 22);
	assert_true(cli_parse(&command, 1, argv, &args));
	assert_true(cli_number(&args, "--file", 1, 22, 5, &number));
	assert_int_equal(number, 5);
}

/* More than there is room for is refused, not written past. */
static void test_many(void **state)
{
	char json[] = "--json", a[] = "a", *argv[CLI_GIVEN_MAX + 2];
	struct cli_args args;

	argv[0] = a;
	for (size_t i = 1; i < CLI_GIVEN_MAX + 2; i++)
		argv[i] = json;
	assert_true(cli_parse(&command, CLI_GIVEN_MAX + 1, argv, &args));
	assert_false(cli_parse(&command, CLI_GIVEN_MAX + 2, argv, &args));
}

UNIT_TESTS(cmocka_unit_test(test_parse), cmocka_unit_test(test_values),
    cmocka_unit_test(test_many))
