/* cli/trace_command.c - posthouse trace: how a message went, hop by hop. */
#include <string.h>
#include <time.h>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/setting.h"
#include "cli/trace.h"
#include "os/os_uv.h"

enum { MEMORY = 8 * 1024 * 1024, FOLLOW_MS = 300, LAST_MAX = 100000 };

struct tracing {
	const struct cli_args *args;
	struct trace trace;
	bool json, dialogue;
	json_t *told;                   /* ids -> how many of their events were printed */
};

static void print_events(struct tracing *t, const char *id)
{
	struct trace *trace = &t->trace;
	json_t *event, *told = json_object_get(t->told, id);
	size_t i, from = told != NULL ? (size_t)json_integer_value(told) : 0;
	json_int_t begin;

	begin = json_integer_value(json_object_get(json_array_get(trace->events, 0), "t"));
	if (from == 0 && !t->json && json_array_size(trace->events) > 0) {
		time_t second = (time_t)(begin / 1000000);
		char text[32], shown[64];
		struct tm tm;

		strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", localtime_r(&second, &tm));
		printf("message %s, %s\n", text_printable(slice_from(id), shown, sizeof shown), text);
	}
	json_array_foreach(trace->events, i, event) {
		if (i < from)
			continue;
		if (t->json) {
			json_dumpf(event, stdout, JSON_COMPACT);
			printf("\n");
		} else {
			trace_print(stdout, trace, event, begin, t->dialogue);
		}
	}
	json_object_set_new(t->told, id, json_integer((json_int_t)json_array_size(trace->events)));
	fflush(stdout);
}

static bool tell(struct tracing *t, const char *id)
{
	bool any;

	trace_message(&t->trace, id);
	any = json_array_size(t->trace.events) > 0;
	print_events(t, id);
	json_decref(t->trace.events);
	return any;
}

static void tell_all(struct tracing *t, json_t *ids)
{
	json_t *id;
	size_t i;

	json_array_foreach(ids, i, id)
		tell(t, json_string_value(id));
	json_decref(ids);
}

/* What has been told, and what comes; until Ctrl-C. */
static int follow(struct tracing *t, const char *id, const char *to)
{
	const struct timespec pause = { .tv_nsec = FOLLOW_MS * 1000000L };
	json_int_t since = (json_int_t)time(NULL) * 1000000;

	for (;;) {
		if (id != NULL)
			tell(t, id);
		else
			tell_all(t, trace_ids(&t->trace, to, LAST_MAX, since));
		nanosleep(&pause, NULL);
	}
	return CLI_OK;
}

static int trace_all(struct tracing *t)
{
	const char *id = t->args->n_words > 0 ? t->args->words[0] : NULL;
	const char *to = cli_value(t->args, "--to");
	unsigned long last;
	json_t *ids;

	if (!cli_number(t->args, "--last", 1, LAST_MAX, 1, &last))
		return CLI_USAGE;
	if (cli_flag(t->args, "--follow"))
		return follow(t, id, to);
	if (id != NULL) {
		char shown[64];

		return tell(t, id) ? CLI_OK : cli_fail("nothing is written down of message \"%s\"; "
		    "`posthouse trace --last 10` shows the last ones",
		    text_printable(slice_from(id), shown, sizeof shown));
	}
	ids = trace_ids(&t->trace, to, cli_value(t->args, "--last") == NULL && to != NULL ?
	    LAST_MAX : last, 0);
	if (json_array_size(ids) == 0) {
		json_decref(ids);
		return cli_fail(to != NULL ? "no message to that address is written down" :
		    "no message is written down yet");
	}
	tell_all(t, ids);
	return CLI_OK;
}

/* By the last part of their paths, when there are several. */
static void name_folders(struct trace *trace)
{
	for (size_t i = 0; i < trace->n_folders && trace->n_folders > 1; i++) {
		const char *slash = strrchr(trace->folders[i], '/');

		trace->names[i] = slash != NULL ? slash + 1 : trace->folders[i];
	}
}

static int run(const struct cli_args *args)
{
	const struct os_uv_options options = { .log_stderr = true, .log_from = OS_WARN };
	struct tracing t = { .args = args, .json = cli_flag(args, "--json"),
	    .dialogue = cli_flag(args, "--dialogue"), .told = json_object() };
	struct os *os = os_uv_create(&options);
	struct arena arena = arena_init(os_heap(os), MEMORY);
	struct setting setting;
	int result = CLI_FAILED;

	if (setting_read(args, NULL, "hostname = localhost\n", &arena, &complain_stderr, &setting)) {
		t.trace.folders[t.trace.n_folders++] = slice_cstr(&arena, setting.config->data);
		for (size_t i = 0; t.trace.n_folders < TRACE_FOLDERS_MAX &&
		    cli_value_at(args, "--also", i) != NULL; i++)
			t.trace.folders[t.trace.n_folders++] = cli_value_at(args, "--also", i);
		name_folders(&t.trace);
		result = trace_all(&t);
	}
	json_decref(t.told);
	os_uv_destroy(os);
	return result;
}

const struct cli_command cli_trace = {
	.name = "trace",
	.words = "[ID]",
	.words_max = 1,
	.summary = "how a message went: each hop, look-up, reply and decision",
	.details =
	    "ID is what the 250 said: \"queued as ID\". Without it, the last message. Times are\n"
	    "those since the first event. What other programs' servers do with a message that\n"
	    "they took is not known here; but if their data folder is on this machine, --also\n"
	    "names it, and the journey goes on there.\n",
	.options = {
		{ "--to", "ADDRESS", "The messages for this address." },
		{ "--last", "N", "The last N messages." },
		{ "--dialogue", NULL, "With the lines of SMTP, secrets masked." },
		{ "--follow", NULL, "Go on with what happens from now on, until Ctrl-C." },
		{ "--json", NULL, "A line of JSON for each event." },
		{ "--also", "DIR", "Another host's data folder; may be repeated." },
		SETTING_OPTIONS,
	},
	.run = run,
};
