/* cli/trace_command.c - posthouse trace: how a message went, hop by hop. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/setting.h"
#include "cli/trace.h"
#include "cli/trace_follow.h"
#include "os/os_uv.h"

enum { MEMORY = 8 * 1024 * 1024, FOLLOW_MS = 200 };

struct tracing {
	const struct cli_args *args;
	struct trace trace;
	struct os *os;
	bool json, dialogue;
};

/* "message ID, 2026-11-26 18:00:00"; `goes_on`: it was shown before. */
static void print_head(const char *id, json_int_t begin_us, bool goes_on)
{
	time_t second = (time_t)(begin_us / 1000000);
	char text[32], shown[64];
	struct tm tm;

	strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", localtime_r(&second, &tm));
	printf("message %s%s, %s\n", text_printable(slice_from(id), shown, sizeof shown),
	    goes_on ? " goes on" : "", text);
}

static void print_event(const struct tracing *t, const json_t *event, json_int_t begin_us)
{
	if (t->json) {
		json_dumpf(event, stdout, JSON_COMPACT);
		printf("\n");
	} else {
		trace_print(stdout, &t->trace, event, begin_us, t->dialogue);
	}
}

/* All that there is of it; an array, the caller's. */
static json_t *tell(struct tracing *t, const char *id)
{
	struct trace *trace = &t->trace;
	json_int_t begin_us;
	json_t *event;
	size_t i;

	trace_message(trace, os_heap(t->os), id);
	begin_us = json_integer_value(json_object_get(json_array_get(trace->events, 0), "t"));
	if (!t->json && json_array_size(trace->events) > 0)
		print_head(id, begin_us, false);
	json_array_foreach(trace->events, i, event)
		print_event(t, event, begin_us);
	fflush(stdout);
	return trace->events;
}

static void tell_all(struct tracing *t, json_t *ids)
{
	json_t *id;
	size_t i;

	json_array_foreach(ids, i, id)
		json_decref(tell(t, json_string_value(id)));
	json_decref(ids);
}

static void on_shown(void *owner, const struct trace_shown *shown)
{
	const struct tracing *t = owner;

	if (!t->json && shown->other)
		print_head(shown->id, shown->begin_us, !shown->first);
	print_event(t, shown->event, shown->begin_us);
}

/* Of that message all; else what happens from now on; until Ctrl-C. */
static int follow(struct tracing *t, const char *id, const char *to)
{
	const struct timespec pause = { .tv_nsec = FOLLOW_MS * 1000000L };
	struct trace_follow_options options = { .id = id, .to = to, .show = on_shown, .owner = t,
		.since_us = id != NULL ? 0 : os_wall_us(t->os), .back = TRACE_BACK_BYTES };
	struct trace_follow *f = trace_follow_open(t->os, &t->trace, &options);

	if (id != NULL) {
		json_t *events = tell(t, id);

		trace_follow_known(f, events);
		json_decref(events);
	}
	/* Until nobody reads it. */
	while (!ferror(stdout)) {
		bool more = trace_follow_turn(f);

		fflush(stdout);
		if (!more)
			nanosleep(&pause, NULL);
	}
	trace_follow_close(f);
	return CLI_OK;
}

static int trace_all(struct tracing *t)
{
	const char *id = t->args->n_words > 0 ? t->args->words[0] : NULL;
	const char *to = cli_value(t->args, "--to");
	unsigned long last;
	json_t *ids;

	if (!cli_number(t->args, "--last", 1, TRACE_LAST_MAX, 1, &last))
		return CLI_USAGE;
	if (cli_flag(t->args, "--follow"))
		return follow(t, id, to);
	if (id != NULL) {
		json_t *events = tell(t, id);
		bool any = json_array_size(events) > 0;
		char shown[64];

		json_decref(events);
		return any ? CLI_OK : cli_fail("nothing is written down of message \"%s\"; "
		    "`posthouse trace --last 10` shows the last ones",
		    text_printable(slice_from(id), shown, sizeof shown));
	}
	ids = trace_ids(&t->trace, to, cli_value(t->args, "--last") == NULL && to != NULL ?
	    TRACE_LAST_MAX : last);
	if (json_array_size(ids) == 0) {
		json_decref(ids);
		return cli_fail(to != NULL ? "no message to that address is written down" :
		    "no message is written down yet");
	}
	tell_all(t, ids);
	return CLI_OK;
}

/* Without the slashes at its end: the last part is its name. */
static const char *add_folder(struct trace *trace, struct arena *arena, slice path)
{
	while (path.len > 1 && path.ptr[path.len - 1] == '/')
		path.len--;
	trace->folders[trace->n_folders] = slice_cstr(arena, path);
	return trace->folders[trace->n_folders++];
}

/* A folder without journeys is no data folder; or it is another user's. */
static bool has_journeys(const char *folder)
{
	int root = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int fd = root >= 0 ? openat(root, "journey", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : root;

	if (fd < 0)
		cli_fail("no journeys can be read in %s%s: %s", folder, root < 0 ? "" : "/journey",
		    strerror(errno));
	else
		close(fd);
	if (root >= 0)
		close(root);
	return fd >= 0;
}

static bool take_folders(const struct cli_args *args, struct arena *arena, slice data,
    struct trace *trace)
{
	if (!has_journeys(add_folder(trace, arena, data)))
		return false;
	for (size_t i = 0; cli_value_at(args, "--also", i) != NULL; i++) {
		if (trace->n_folders == TRACE_FOLDERS_MAX) {
			cli_fail("more than %d folders: leave out some --also", TRACE_FOLDERS_MAX);
			return false;
		}
		if (!has_journeys(add_folder(trace, arena, slice_from(cli_value_at(args, "--also",
		    i)))))
			return false;
	}
	/* By the last part of their paths, when there are several. */
	for (size_t i = 0; i < trace->n_folders && trace->n_folders > 1; i++) {
		const char *slash = strrchr(trace->folders[i], '/');

		trace->names[i] = slash != NULL && slash[1] != '\0' ? slash + 1 : trace->folders[i];
	}
	return true;
}

static int run(const struct cli_args *args)
{
	const struct os_uv_options options = { .log_stderr = true, .log_from = OS_WARN };
	struct tracing t = { .args = args, .json = cli_flag(args, "--json"),
	    .dialogue = cli_flag(args, "--dialogue"), .os = os_uv_create(&options) };
	struct arena arena = arena_init(os_heap(t.os), MEMORY);
	struct setting setting;
	int result = CLI_FAILED;

	if (setting_read(args, NULL, "hostname = localhost\n", &arena, &complain_stderr, &setting) &&
	    take_folders(args, &arena, setting.config->data, &t.trace))
		result = trace_all(&t);
	os_uv_destroy(t.os);
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
	    "names it, and the journey goes on there, or began there.\n"
	    "--follow shows each event once, as it happens: of ID all of it, else the messages\n"
	    "that come from now on, and what becomes of those that wait.\n",
	.options = {
		{ "--to", "ADDRESS", "The messages for this address." },
		{ "--last", "N", "The last N messages." },
		{ "--dialogue", NULL, "With the lines of SMTP, secrets masked." },
		{ "--follow", NULL, "Go on with what happens from now on, until Ctrl-C." },
		{ "--json", NULL, "A line of JSON for each event." },
		{ "--also", "DIR", "Another host's data folder; up to seven of them." },
		SETTING_OPTIONS,
	},
	.run = run,
};
