/* cli/mailbox.c - posthouse mailbox: what an account has, and how much of it. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/limits.h"
#include "cli/commands.h"
#include "cli/mail_session.h"
#include "cli/verb.h"
#include "imap/mailbox.h"

#define ITEMS "(MESSAGES UNSEEN DELETED SIZE UIDVALIDITY UIDNEXT HIGHESTMODSEQ MAILBOXID)"

struct survey {
	struct arena arena;
	json_t *rows;                   /* in the server's order */
	bool broken;                    /* an answer that is not understood */
	/* Of the mailbox that is looked through. */
	int64_t oldest_s, newest_s;
	uint64_t seen;
};

/* ---- answers ---- */

static json_t *name_json(slice name)
{
	return json_stringn((const char *)name.ptr, name.len);
}

static bool read_list(struct survey *v, slice text)
{
	struct mail_listed listed;
	bool subscribed = false;
	slice use = { 0 };
	json_t *row;

	if (!mail_listed_read(text, &v->arena, &listed))
		return false;
	while (listed.attributes.len > 0) {
		slice one = slice_cut(&listed.attributes, ' ');

		if (slice_equal_ascii(one, slice_lit("\\Subscribed")))
			subscribed = true;
		else if (!slice_starts_ascii(one, slice_lit("\\Has")))
			use = one;
	}
	if (!listed.exists)
		return true;
	row = json_object();
	json_object_set_new(row, "name", name_json(listed.name));
	if (use.len > 0)
		json_object_set_new(row, "use", name_json(use));
	json_object_set_new(row, "subscribed", json_boolean(subscribed));
	json_array_append_new(v->rows, row);
	return true;
}

/* name (MESSAGES 3 ... MAILBOXID (M7)): what follows its LIST. */
static bool read_status(struct survey *v, slice text)
{
	static const struct {
		const char *item, *field;
	} items[] = {
		{ "MESSAGES", "messages" }, { "UNSEEN", "unseen" }, { "DELETED", "deleted" },
		{ "SIZE", "size" }, { "UIDVALIDITY", "uidvalidity" }, { "UIDNEXT", "uidnext" },
		{ "HIGHESTMODSEQ", "highestmodseq" },
	};
	struct imap_parse p = imap_parse_begin(text, &v->arena);
	json_t *row = json_array_get(v->rows, json_array_size(v->rows) - 1);
	slice name, id;

	if (row == NULL || !imap_take_mailbox(&p, false, &name) || !imap_take_space(&p) ||
	    !imap_take(&p, '(', "items"))
		return false;
	do {
		uint64_t value;
		size_t i = 0;

		while (i < sizeof items / sizeof *items && !imap_skip_word(&p, items[i].item))
			i++;
		if (i < sizeof items / sizeof *items) {
			if (!imap_take_space(&p) || !imap_take_number(&p, INT64_MAX, &value))
				return false;
			json_object_set_new(row, items[i].field, json_integer((json_int_t)value));
		} else if (!imap_take_word(&p, "MAILBOXID") || !imap_take_space(&p) ||
		    !imap_take(&p, '(', "an id") || !imap_take_atom(&p, &id) ||
		    !imap_take(&p, ')', "the end")) {
			return false;
		} else {
			json_object_set_new(row, "mailboxid", name_json(id));
		}
	} while (imap_sees(&p, ' ') && imap_take_space(&p));
	return imap_take(&p, ')', "the end");
}

static void on_listed(void *context, const struct imap_client_event *event)
{
	struct survey *v = context;

	arena_reset(&v->arena);
	if (slice_equal_ascii(event->name, slice_lit("LIST")))
		v->broken = !read_list(v, event->text) || v->broken;
	else if (slice_equal_ascii(event->name, slice_lit("STATUS")))
		v->broken = !read_status(v, event->text) || v->broken;
}

/* ---- how old what is in it is ---- */

static void on_dated(void *context, const struct imap_client_event *event)
{
	struct survey *v = context;
	struct mail_fetched f;

	arena_reset(&v->arena);
	if (!slice_equal_ascii(event->name, slice_lit("FETCH")) ||
	    !mail_fetched_read(event->text, &v->arena, &f))
		return;
	if (v->seen == 0 || f.received_s < v->oldest_s)
		v->oldest_s = f.received_s;
	if (v->seen == 0 || f.received_s > v->newest_s)
		v->newest_s = f.received_s;
	v->seen++;
}

static void print_time(int64_t seconds, char ret_text[32])
{
	time_t when = (time_t)seconds;
	struct tm tm;

	if (gmtime_r(&when, &tm) == NULL || strftime(ret_text, 32, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		ret_text[0] = '\0';
}

/* From memory of the server: no message is read. */
static bool add_ages(struct mail_session *s, struct survey *v, json_t *row)
{
	struct buffer line = buffer_init(s->heap, 8 * IMAP_NAME_MAX);
	const char *name = json_string_value(json_object_get(row, "name"));
	char text[32];
	bool ok = true;

	v->seen = 0;
	if (json_integer_value(json_object_get(row, "messages")) > 0)
		ok = mail_session_name(&line, "EXAMINE", slice_from(name)) &&
		    mail_session_run(s, buffer_bytes(&line), NULL, NULL) &&
		    mail_session_run(s, slice_lit("UID FETCH 1:* (INTERNALDATE)"), on_dated, v);
	buffer_free(&line);
	if (!ok || v->seen == 0)
		return ok;
	print_time(v->oldest_s, text);
	json_object_set_new(row, "oldest", json_string(text));
	print_time(v->newest_s, text);
	json_object_set_new(row, "newest", json_string(text));
	return true;
}

/* ---- verbs ---- */

/* The rows of all mailboxes, or with `only` of that one; NULL after a line. */
static json_t *survey(struct mail_session *s, const char *only, bool ages)
{
	struct survey v = { .arena = arena_init(s->heap, IMAP_PARSE_ARENA_MAX),
		.rows = json_array() };
	json_t *rows = json_array(), *row;
	size_t i;
	bool ok = mail_session_run(s,
	    slice_lit("LIST \"\" \"*\" RETURN (SUBSCRIBED SPECIAL-USE STATUS " ITEMS ")"), on_listed,
	    &v);

	if (ok && v.broken) {
		cli_fail("the server's list of mailboxes is not understood; is it of this version?");
		ok = false;
	}
	json_array_foreach(v.rows, i, row) {
		if (!ok || (only != NULL && !imap_name_same(slice_from(only),
		    slice_from(json_string_value(json_object_get(row, "name"))))))
			continue;
		ok = !ages || add_ages(s, &v, row);
		json_array_append(rows, row);
	}
	if (ok && only != NULL && json_array_size(rows) == 0) {
		cli_fail("%s has no mailbox \"%s\"; `posthouse mailbox list` tells all", s->address,
		    only);
		ok = false;
	}
	json_decref(v.rows);
	arena_reset(&v.arena);
	if (ok)
		return rows;
	json_decref(rows);
	return NULL;
}

static json_t *look(struct control *control, const char *address, const char *only, bool ages)
{
	struct mail_session *s = heap_new(os_heap(control->os), struct mail_session);
	json_t *rows = NULL;

	if (mail_session_open(s, control, address, false))
		rows = survey(s, only, ages);
	mail_session_close(s);
	heap_free(os_heap(control->os), s);
	return rows;
}

static int list(struct control *control, const struct cli_args *args, const char *const *words,
    size_t n)
{
	static const char *const fields[] = { "name", "use", "messages", "unseen", "size",
		"subscribed" };

	return cli_print_rows(args, look(control, words[0], NULL, false), fields, 6);
}

static void print_stat(const json_t *row)
{
	static const char *const fields[] = { "use", "messages", "unseen", "deleted", "size",
		"oldest", "newest", "uidvalidity", "uidnext", "highestmodseq", "mailboxid" };

	printf("%s\n", json_string_value(json_object_get(row, "name")));
	for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
		const json_t *value = json_object_get(row, fields[i]);

		if (json_is_string(value))
			printf("    %-14s %s\n", fields[i], json_string_value(value));
		else if (value != NULL)
			printf("    %-14s %lld\n", fields[i], (long long)json_integer_value(value));
	}
}

static int stat_mailbox(struct control *control, const struct cli_args *args,
    const char *const *words, size_t n)
{
	json_t *rows = look(control, words[0], n > 1 ? words[1] : NULL, true), *row;
	size_t i;

	if (rows == NULL)
		return CLI_FAILED;
	if (cli_flag(args, "--json")) {
		json_dumpf(n > 1 ? json_array_get(rows, 0) : rows, stdout, JSON_INDENT(1));
		printf("\n");
	} else {
		json_array_foreach(rows, i, row)
			print_stat(row);
	}
	json_decref(rows);
	return CLI_OK;
}

static const struct cli_verb verbs[] = {
	{ "list", "ADDRESS", 1, 1, " --json ", false, list },
	{ "stat", "ADDRESS [NAME]", 1, 2, " --json ", false, stat_mailbox },
};

static int run(const struct cli_args *args)
{
	return cli_run_verb(args, verbs, sizeof(verbs) / sizeof(verbs[0]));
}

const struct cli_command cli_mailbox = {
	.name = "mailbox",
	.words = "list ADDRESS | stat ADDRESS [NAME]",
	.words_min = 1,
	.words_max = 3,
	.summary = "an account's mailboxes, and what is in them",
	.details =
	    "`list` tells each mailbox with its special use, how many messages it has, how many\n"
	    "of them nobody has seen, and their bytes. `stat` tells more of each, or of the one\n"
	    "NAME: as IMAP's STATUS has it, with the times (UTC) of its oldest and newest message.\n"
	    "The server must run; nothing is changed, and no message becomes a seen one.\n",
	.options = {
		{ "--json", NULL, "Print as JSON." },
		SETTING_OPTIONS,
	},
	.run = run,
};
