/* cli/undelete.c - posthouse undelete: messages that were expunged are listed, and brought back. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/limits.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/control_client.h"
#include "mail/shown.h"

enum { TEXT = 1200 };

/* ---- what is asked ---- */

/* "2d", "36h", "90m", "45s": seconds. False after a line. */
static bool read_since(const char *text, json_int_t *ret_s)
{
	static const struct {
		char unit;
		long seconds;
	} units[] = { { 'd', 86400 }, { 'h', 3600 }, { 'm', 60 }, { 's', 1 } };
	char *end = NULL;
	unsigned long n = strtoul(text, &end, 10);

	for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
		if (end == text || text[0] < '0' || text[0] > '9' || end[0] != units[i].unit ||
		    end[1] != '\0' || n == 0 || n > UNDELETE_MAX_S)
			continue;
		if (n * (unsigned long)units[i].seconds > UNDELETE_MAX_S)
			break;
		*ret_s = (json_int_t)n * units[i].seconds;
		return true;
	}
	cli_misuse("--since takes how long ago at most, up to a year: 90m, 36h, 2d");
	return false;
}

/* Of a command, with what leaves out messages. NULL after a line. */
static json_t *begin(const struct cli_args *args, const char *command)
{
	json_t *request = json_pack("{s:s, s:s}", "command", command, "address", args->words[0]);
	const char *mailbox = cli_value(args, "--mailbox"), *since = cli_value(args, "--since");
	json_int_t seconds;

	if (request == NULL) {
		cli_misuse("the address is not UTF-8");
		return NULL;
	}
	if (mailbox != NULL && json_object_set_new(request, "mailbox", json_string(mailbox)) != 0) {
		cli_misuse("the name after --mailbox is not UTF-8");
		json_decref(request);
		return NULL;
	}
	if (since == NULL)
		return request;
	if (!read_since(since, &seconds)) {
		json_decref(request);
		return NULL;
	}
	json_object_set_new(request, "since", json_integer(seconds));
	return request;
}

/* NULL after a line. */
static json_t *read_ids(const struct cli_args *args)
{
	json_t *ids = json_array();

	for (size_t i = 1; i < args->n_words; i++) {
		const char *word = args->words[i];
		char *end = NULL, shown[64];
		unsigned long number = strtoul(word, &end, 10);

		if (word[0] < '0' || word[0] > '9' || *end != '\0' || number == 0 ||
		    number > UINT32_MAX) {
			cli_misuse("\"%s\" is no number of a message; `posthouse undelete %s` "
			    "lists them", text_printable(slice_from(word), shown, sizeof shown),
			    args->words[0]);
			json_decref(ids);
			return NULL;
		}
		json_array_append_new(ids, json_integer((json_int_t)number));
	}
	return ids;
}

/* ---- words ---- */

/* What does something to a terminal is left out; the names of mailboxes are what clients wrote. */
static const char *shown(const json_t *row, const char *field, char ret_text[TEXT])
{
	const char *text = json_string_value(json_object_get(row, field));
	size_t len;

	snprintf(ret_text, TEXT, "%s", text != NULL ? text : "");
	len = shown_line((unsigned char *)ret_text, strlen(ret_text));
	ret_text[len] = '\0';
	return ret_text;
}

static void print_row(const json_t *row)
{
	time_t expunged = (time_t)json_integer_value(json_object_get(row, "expunged"));
	char when[32] = "", mailbox[TEXT], from[TEXT], subject[TEXT];
	struct tm tm;

	if (localtime_r(&expunged, &tm) != NULL)
		strftime(when, sizeof when, "%Y-%m-%d %H:%M:%S", &tm);
	printf("%-10lld  expunged %s from %s%s, %lld bytes\n"
	    "            %s\n            %s\n",
	    (long long)json_integer_value(json_object_get(row, "id")), when,
	    shown(row, "mailbox", mailbox),
	    json_is_true(json_object_get(row, "mailbox_gone")) ? " (which is deleted)" : "",
	    (long long)json_integer_value(json_object_get(row, "size")),
	    shown(row, "from", from), shown(row, "subject", subject));
}

static void print_back(const json_t *row)
{
	json_int_t n = json_integer_value(json_object_get(row, "messages"));
	char mailbox[TEXT], to[TEXT];

	shown(row, "mailbox", mailbox);
	shown(row, "to", to);
	printf("%lld message%s of %s: back in ", (long long)n, n == 1 ? "" : "s", mailbox);
	if (json_is_true(json_object_get(row, "made")))
		printf("%s, which was deleted and is made again\n", to);
	else if (strcmp(mailbox, to) != 0)
		printf("%s, since %s is deleted and can't be made again\n", to, mailbox);
	else
		printf("it\n");
}

/* ---- what is done ---- */

/* All parts. NULL after a line. */
static json_t *fetch_rows(struct control *control, const struct cli_args *args)
{
	json_t *rows = json_array(), *more = json_string("");

	while (more != NULL) {
		json_t *request = begin(args, "undelete list"), *answer = NULL;

		if (request != NULL) {
			json_object_set_new(request, "after", more);
			answer = control_call(control, request);
		}
		if (answer == NULL) {
			json_decref(rows);
			return NULL;
		}
		json_array_extend(rows, json_object_get(answer, "rows"));
		more = json_incref(json_object_get(answer, "more"));
		json_decref(answer);
	}
	return rows;
}

static int list(struct control *control, const struct cli_args *args)
{
	json_t *rows = fetch_rows(control, args), *row;
	size_t i, n = json_array_size(rows);

	if (rows == NULL)
		return CLI_FAILED;
	if (cli_flag(args, "--json")) {
		json_dumpf(rows, stdout, JSON_INDENT(2));
		printf("\n");
	} else {
		json_array_foreach(rows, i, row)
			print_row(row);
		if (n == 0)
			printf("nothing that can be brought back\n");
		else
			printf("%zu message%s; `%s undelete %s NUMBER...`, or --all, brings them back\n",
			    n, n == 1 ? "" : "s", cli_program(), args->words[0]);
	}
	json_decref(rows);
	return CLI_OK;
}

static int restore(struct control *control, const struct cli_args *args, json_t *ids)
{
	json_t *request = begin(args, "undelete restore"), *answer, *row;
	size_t i;

	if (request == NULL) {
		json_decref(ids);
		return CLI_USAGE;
	}
	json_object_set_new(request, ids != NULL ? "ids" : "all", ids != NULL ? ids : json_true());
	answer = control_call(control, request);
	if (answer == NULL)
		return CLI_FAILED;
	if (cli_flag(args, "--json")) {
		json_dumpf(answer, stdout, JSON_INDENT(2));
		printf("\n");
	} else {
		json_array_foreach(json_object_get(answer, "mailboxes"), i, row)
			print_back(row);
	}
	json_decref(answer);
	return CLI_OK;
}

static int run(const struct cli_args *args)
{
	bool all = cli_flag(args, "--all"), some = args->n_words > 1;
	json_t *ids = NULL, *judged;
	struct control control;
	int result = CLI_FAILED;

	if (all && some)
		return cli_misuse("--all and numbers of messages do not go together");
	judged = begin(args, "");
	if (judged == NULL)
		return CLI_USAGE;
	json_decref(judged);
	if (some && (ids = read_ids(args)) == NULL)
		return CLI_USAGE;
	if (!control_open(&control, args, false)) {
		json_decref(ids);
		return CLI_FAILED;
	}
	if (control.socket < 0) {
		cli_fail("no server runs on %s: messages are brought back by a running one",
		    control.data.path);
		json_decref(ids);
	} else if (all || some) {
		result = restore(&control, args, ids);
	} else {
		result = list(&control, args);
	}
	control_close(&control);
	return result;
}

const struct cli_command cli_undelete = {
	.name = "undelete",
	.words = "ADDRESS [NUMBER...]",
	.words_min = 1,
	.words_max = CLI_WORDS_MAX - 1,
	.summary = "bring back messages that were expunged",
	.details =
	    "What an account's owner expunged (IMAP), deleted (POP3), or had in a mailbox that was\n"
	    "deleted, stays for the time of `mailbox.undelete` in the configuration. ADDRESS alone\n"
	    "lists it; with numbers of that list, or --all, messages go back to their mailboxes,\n"
	    "where mail programs see them at once, as new messages with their flags. A mailbox\n"
	    "that is deleted is made again; if it can't be, they go to INBOX.\n"
	    "--mailbox and --since leave out others, of the list and of --all.\n",
	.options = {
		{ "--all", NULL, "Bring back all that the list shows." },
		{ "--mailbox", "NAME", "Only what was in this mailbox." },
		{ "--since", "TIME", "Only what was expunged within this time: 90m, 36h, 2d." },
		{ "--json", NULL, "Print as JSON." },
		SETTING_OPTIONS,
	},
	.run = run,
};
