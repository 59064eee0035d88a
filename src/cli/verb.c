/* cli/verb.c - finds the verb, judges what was given, prints lists. */
#include "cli/verb.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "mail/shown.h"

enum { VERBS_MAX = 16, CELL_MAX = 1024, FIELDS_MAX = 8 };

static const char *const everywhere = " --config --data --set ";

static const struct cli_verb *find(const struct cli_args *args, const struct cli_verb *verbs,
    size_t n)
{
	const char *names[VERBS_MAX], *given = args->words[0], *nearest;
	char shown[64];

	for (size_t i = 0; i < n && i < VERBS_MAX; i++) {
		names[i] = verbs[i].name;
		if (strcmp(given, verbs[i].name) == 0)
			return &verbs[i];
	}
	nearest = text_nearest(slice_from(given), names, n);
	text_printable(slice_from(given), shown, sizeof(shown));
	if (nearest)
		cli_misuse("%s: unknown word \"%s\"; did you mean \"%s\"?", args->command->name,
		    shown, nearest);
	else
		cli_misuse("%s: unknown word \"%s\"; write %s", args->command->name, shown,
		    args->command->words);
	return NULL;
}

static bool knows(const char *options, const char *name)
{
	const char *at = strstr(options, name);

	return at && at[-1] == ' ' && at[strlen(name)] == ' ';
}

static bool judge(const struct cli_args *args, const struct cli_verb *verb)
{
	size_t n = args->n_words - 1;

	if (n < verb->words_min || n > verb->words_max) {
		cli_misuse("write: posthouse %s %s %s", args->command->name, verb->name,
		    verb->words);
		return false;
	}
	for (size_t i = 0; i < args->n_given; i++) {
		const char *name = args->given[i].option->name;

		if (knows(everywhere, name) || knows(verb->options, name))
			continue;
		cli_misuse("%s %s has no option %s", args->command->name, verb->name, name);
		return false;
	}
	return true;
}

int cli_run_verb(const struct cli_args *args, const struct cli_verb *verbs, size_t n)
{
	const struct cli_verb *verb = find(args, verbs, n);
	struct control control;
	int result;

	if (verb == NULL || !judge(args, verb))
		return CLI_USAGE;
	if (!control_open(&control, args, verb->make))
		return CLI_FAILED;
	result = verb->run(&control, args, args->words + 1, args->n_words - 1);
	control_close(&control);
	return result;
}

/* ---- lists ---- */

static void add_text(char *cell, const char *text)
{
	size_t len = strlen(cell);

	snprintf(cell + len, CELL_MAX - len, "%s%s", len ? " " : "", text);
}

/* What stands in a column. */
static void make_cell(const json_t *row, const char *field, char cell[CELL_MAX])
{
	const json_t *value = json_object_get(row, field), *item;
	char number[64];
	size_t i;

	cell[0] = '\0';
	switch (value ? json_typeof(value) : JSON_NULL) {
	case JSON_STRING:
		add_text(cell, json_string_value(value));
		break;
	case JSON_INTEGER:
		snprintf(number, sizeof(number), "%s %lld", field,
		    (long long)json_integer_value(value));
		add_text(cell, number);
		break;
	case JSON_TRUE:
		add_text(cell, field);
		break;
	case JSON_ARRAY:
		json_array_foreach(value, i, item)
			add_text(cell, json_string_value(item) ? json_string_value(item) : "");
		break;
	default:
		break;
	}
	/* Names of mailboxes are what clients wrote. */
	cell[shown_line((unsigned char *)cell, strlen(cell))] = '\0';
}

static void print_table(const json_t *rows, const char *const *fields, size_t n_fields)
{
	size_t widths[FIELDS_MAX] = { 0 }, i;
	char cell[CELL_MAX];
	const json_t *row;

	json_array_foreach(rows, i, row) {
		for (size_t f = 0; f < n_fields; f++) {
			make_cell(row, fields[f], cell);
			if (strlen(cell) > widths[f])
				widths[f] = strlen(cell);
		}
	}
	json_array_foreach(rows, i, row) {
		size_t blanks = 0;

		/* Blanks come before the next cell, so that no line ends in them. */
		for (size_t f = 0; f < n_fields; f++) {
			make_cell(row, fields[f], cell);
			if (cell[0] != '\0')
				printf("%*s%s", (int)blanks, "", cell);
			blanks = (cell[0] != '\0' ? 0 : blanks) + widths[f] + 2 - strlen(cell);
		}
		printf("\n");
	}
}

int cli_print_rows(const struct cli_args *args, json_t *rows, const char *const *fields,
    size_t n_fields)
{
	if (rows == NULL)
		return CLI_FAILED;
	if (cli_flag(args, "--json")) {
		json_dumpf(rows, stdout, JSON_INDENT(1));
		printf("\n");
	} else {
		print_table(rows, fields, n_fields);
	}
	json_decref(rows);
	return CLI_OK;
}
