/* cli/queue.c - posthouse queue: what waits for other hosts, why, and until when. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/verb.h"

enum { TEXT = 512 };

/* The queue is the relay's: without a server nobody looks after it. */
static bool has_server(const struct control *control)
{
	if (control->socket < 0)
		cli_fail("no server runs on %s: the queue is shown and changed by a running one",
		    control->data.path);
	return control->socket >= 0;
}

static json_t *call(struct control *control, json_t *request)
{
	if (has_server(control))
		return control_call(control, request);
	json_decref(request);
	return NULL;
}

/* ---- words ---- */

static const char *shown(const json_t *row, const char *field, char ret_text[TEXT])
{
	const char *text = json_string_value(json_object_get(row, field));

	return text_printable(slice_from(text != NULL ? text : ""), ret_text, TEXT);
}

/* The relay made it printable; escapes in it are not escaped again. */
static const char *reply_of(const json_t *row)
{
	const char *text = json_string_value(json_object_get(row, "reply"));

	return text != NULL ? text : "";
}

/* "in 4 min", "2 h ago" */
static const char *print_when(json_int_t when, bool past, char ret_text[32])
{
	static const struct {
		long seconds;
		const char *unit;
	} units[] = { { 86400, "d" }, { 3600, "h" }, { 60, "min" }, { 1, "s" } };
	long away = (long)(when - (json_int_t)time(NULL)), size = away < 0 ? -away : away;
	size_t i = 0;

	while (i < 3 && size < 2 * units[i].seconds)
		i++;
	past = past || away < 0;
	snprintf(ret_text, 32, "%s%ld %s%s", past ? "" : "in ", size / units[i].seconds,
	    units[i].unit, past ? " ago" : "");
	return ret_text;
}

static void print_state(const json_t *row)
{
	const json_t *next = json_object_get(row, "next");
	json_int_t tries = json_integer_value(json_object_get(row, "tries"));
	char state[TEXT], when[32];

	printf("%s", shown(row, "state", state));
	if (next != NULL)
		printf(", next try %s", print_when(json_integer_value(next), false, when));
	printf("; tried %lld time%s, arrived %s", (long long)tries, tries == 1 ? "" : "s",
	    print_when(json_integer_value(json_object_get(row, "arrived")), true, when));
}

static void print_entry(const json_t *row)
{
	const json_t *to = json_object_get(row, "to");
	char id[TEXT], from[TEXT], text[TEXT];
	const json_t *one;
	size_t i;

	printf("%s  %s  <%s>  %lld bytes\n    ", shown(row, "id", id), shown(row, "message", text),
	    shown(row, "from", from), (long long)json_integer_value(json_object_get(row, "size")));
	print_state(row);
	printf("\n");
	json_array_foreach(to, i, one) {
		const char *address = json_string_value(json_is_object(one) ?
		    json_object_get(one, "address") : one);

		printf("    to <%s>%s%s\n", text_printable(slice_from(address), text, sizeof text),
		    json_is_object(one) ? ": " : "",
		    json_is_object(one) ? reply_of(one) : "");
	}
	if (!json_is_object(json_array_get(to, 0)) && reply_of(row)[0] != '\0')
		printf("    last answer: %s\n", reply_of(row));
}

/* ---- verbs ---- */

static int list(struct control *control, const struct cli_args *args, const char *const *words,
    size_t n)
{
	json_t *rows = NULL, *row;
	size_t i;

	if (!has_server(control))
		return CLI_FAILED;
	rows = control_list(control, "queue list");
	if (rows == NULL)
		return CLI_FAILED;
	if (cli_flag(args, "--json")) {
		json_dumpf(rows, stdout, JSON_INDENT(2));
		printf("\n");
	} else {
		json_array_foreach(rows, i, row)
			print_entry(row);
		if (json_array_size(rows) == 0)
			printf("the queue is empty\n");
	}
	json_decref(rows);
	return CLI_OK;
}

static int show(struct control *control, const struct cli_args *args, const char *const *words,
    size_t n)
{
	json_t *answer = call(control, json_pack("{s:s, s:s}", "command", "queue show", "id",
	    words[0]));
	json_t *row = json_object_get(answer, "entry");

	if (answer == NULL)
		return CLI_FAILED;
	if (cli_flag(args, "--json")) {
		json_dumpf(row, stdout, JSON_INDENT(2));
		printf("\n");
	} else {
		print_entry(row);
	}
	json_decref(answer);
	return CLI_OK;
}

static int act(struct control *control, const char *command, const char *id, const char *done)
{
	json_t *answer = call(control, json_pack("{s:s, s:s}", "command", command, "id", id));
	json_int_t n = json_integer_value(json_object_get(answer, "entries"));

	if (answer == NULL)
		return CLI_FAILED;
	json_decref(answer);
	printf("%lld entr%s %s\n", (long long)n, n == 1 ? "y" : "ies", done);
	return CLI_OK;
}

static int retry(struct control *control, const struct cli_args *args, const char *const *words,
    size_t n)
{
	return act(control, "queue retry", words[0], "will be tried now");
}

static int hold(struct control *control, const struct cli_args *args, const char *const *words,
    size_t n)
{
	return act(control, "queue hold", words[0], "held");
}

static int release(struct control *control, const struct cli_args *args,
    const char *const *words, size_t n)
{
	return act(control, "queue release", words[0], "released");
}

static int drop(struct control *control, const struct cli_args *args, const char *const *words,
    size_t n)
{
	return act(control, "queue drop", words[0], "dropped");
}

static const struct cli_verb verbs[] = {
	{ "list", "", 0, 0, " --json ", false, list },
	{ "show", "ID", 1, 1, " --json ", false, show },
	{ "retry", "ID", 1, 1, "", false, retry },
	{ "hold", "ID", 1, 1, "", false, hold },
	{ "release", "ID", 1, 1, "", false, release },
	{ "drop", "ID", 1, 1, "", false, drop },
};

static int run(const struct cli_args *args)
{
	return cli_run_verb(args, verbs, sizeof(verbs) / sizeof(verbs[0]));
}

const struct cli_command cli_queue = {
	.name = "queue",
	.words = "list | show ID | retry|hold|release|drop ID",
	.words_min = 1,
	.words_max = 2,
	.summary = "mail that waits for other servers",
	.details =
	    "An entry is one message for the recipients of one domain, with the last answer of\n"
	    "the other side and the time of the next try. `retry` does not wait for that; `hold`\n"
	    "keeps an entry until `release`; `drop` removes it, and nobody is told. ID may be\n"
	    "\"all\": of all but those that are being sent right now.\n",
	.options = {
		{ "--json", NULL, "Print as JSON." },
		SETTING_OPTIONS,
	},
	.run = run,
};
