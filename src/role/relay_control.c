/* role/relay_control.c - posthouse queue: what waits, why, until when; and what an
 * administrator wants done with it. Requests and answers are those of
 * directory/command.h; the directory passes them on. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/check.h"
#include "base/text.h"
#include "role/relay_impl.h"

/* Rows of one part of a list, addresses shown in one; and bytes of JSON, whatever had
 * to be escaped: with one row more it still fits in a message. */
enum { ROWS_MAX = 30, SHOWN_MAX = 3, LIST_BYTES_MAX = 64 * 1024, SHOW_BYTES_MAX = 96 * 1024 };

static json_t *fault(const char *text)
{
	return json_pack("{s:s}", "error", text);
}

/* ---- an entry ---- */

static const char *state_of(const struct entry *e)
{
	if (e->held)
		return "held";
	switch (e->state) {
	case ENTRY_WAITING:
		return "waiting";
	case ENTRY_READY:
		return "ready";
	case ENTRY_SENDING:
		return "sending";
	default:
		return "reporting";
	}
}

static json_t *text_of(slice text)
{
	char shown[QUEUE_REPLY_MAX + 1];
	json_t *as_it_is = json_stringn((const char *)text.ptr, text.len);

	return as_it_is != NULL ? as_it_is : json_string(text_printable(text, shown, sizeof shown));
}

static size_t bytes_of(const json_t *value)
{
	return json_dumpb(value, NULL, 0, JSON_COMPACT | JSON_ENCODE_ANY);
}

static json_t *recipients_of(const struct entry *e, bool whole)
{
	json_t *list = json_array();
	size_t bytes = 0;

	for (size_t i = 0; i < e->n_recipients; i++) {
		const struct recipient *to = &e->recipients[i];
		json_t *shown;

		if (to->delivered || bytes > SHOW_BYTES_MAX ||
		    (!whole && json_array_size(list) == SHOWN_MAX))
			continue;
		shown = whole ? json_pack("{s:o, s:s, s:o}", "address", text_of(to->address),
		    "state", to->state == QUEUE_FAILED ? "failed" : "waiting", "reply",
		    text_of(to->reply)) : text_of(to->address);
		bytes += bytes_of(shown);
		json_array_append_new(list, shown);
	}
	return list;
}

static slice last_reply(const struct entry *e)
{
	for (size_t i = 0; i < e->n_recipients; i++) {
		if (!e->recipients[i].delivered && e->recipients[i].reply.len > 0)
			return e->recipients[i].reply;
	}
	return (slice){ 0 };
}

static json_t *row_of(const struct entry *e, bool whole)
{
	char number[14], id[MESSAGE_ID_TEXT];
	json_t *row;

	entry_name(e, number);
	message_id_print(e->id, id);
	row = json_pack("{s:s, s:s, s:s, s:o, s:o, s:I, s:i, s:I}", "id", number, "message", id,
	    "state", state_of(e), "from", text_of(e->sender), "to", recipients_of(e, whole),
	    "size", (json_int_t)e->body->what.size, "tries", (int)e->tries,
	    "arrived", (json_int_t)(e->received_us / 1000000));
	if (e->state == ENTRY_WAITING && !e->held)
		json_object_set_new(row, "next", json_integer((json_int_t)(e->next_us / 1000000)));
	json_object_set_new(row, "destination", text_of(e->destination->domain));
	json_object_set_new(row, "reply", text_of(last_reply(e)));
	return row;
}

/* ---- commands ---- */

static json_t *list(struct relay *r, json_t *request)
{
	json_t *rows = json_array(), *answer = json_pack("{s:b, s:o}", "ok", 1, "rows", rows);
	const char *after = json_string_value(json_object_get(request, "after"));
	uint64_t from = 0;
	size_t bytes = 0;
	char more[14];

	if (after != NULL && !text_to_u64(slice_from(after), &from))
		from = 0;
	list_for (at, &r->entries) {
		const struct entry *e = list_item(at, struct entry, link);
		json_t *row;

		if (e->serial <= from || e->state == ENTRY_GONE)
			continue;
		row = row_of(e, false);
		bytes += bytes_of(row);
		json_array_append_new(rows, row);
		if (json_array_size(rows) < ROWS_MAX && bytes < LIST_BYTES_MAX)
			continue;
		text_from_u64(e->serial, more);
		json_object_set_new(answer, "more", json_string(more));
		break;
	}
	return answer;
}

/* Again as soon as may be. */
static bool retry(struct entry *e)
{
	if (e->held)
		return false;
	if (e->state == ENTRY_WAITING)
		entry_ready(e);
	return true;
}

static bool hold(struct entry *e)
{
	e->held = true;
	if (e->state == ENTRY_WAITING || e->state == ENTRY_READY)
		entry_wait(e);
	entry_changed(e);
	return true;
}

static bool release(struct entry *e)
{
	e->held = false;
	entry_changed(e);
	if (e->state == ENTRY_WAITING)
		entry_ready(e);
	return true;
}

/* Nobody is told. */
static bool drop(struct entry *e)
{
	char id[MESSAGE_ID_TEXT];

	message_id_print(e->id, id);
	os_log(e->relay->os, OS_WARN, "%s: dropped from the queue by hand", id);
	for (size_t i = 0; i < e->n_recipients; i++) {
		struct recipient *to = &e->recipients[i];

		take_answer(e->relay, e, to, DELIVERY_DURABLE);
		to->delivered = true;
		to->state = QUEUE_WAITING;
		to->in_report = false;
	}
	e->warn_due = false;
	entry_settle(e);
	return true;
}

static const struct {
	const char *command;
	bool (*act)(struct entry *e);   /* false: not while it is held */
} acts[] = {
	{ "queue retry", retry }, { "queue hold", hold }, { "queue release", release },
	{ "queue drop", drop },
};

static json_t *act_on(struct relay *r, const char *id, bool (*act)(struct entry *e))
{
	unsigned n = 0;
	uint64_t number;
	struct entry *e;

	if (strcmp(id, "all") == 0) {
		list_for (at, &r->entries) {
			e = list_item(at, struct entry, link);
			if (e->state == ENTRY_GONE || e->state == ENTRY_SENDING)
				continue;
			n += act(e);
		}
		return json_pack("{s:b, s:i}", "ok", 1, "entries", (int)n);
	}
	e = text_to_u64(slice_from(id), &number) ? table_get(&r->numbers, table_key(number)) : NULL;
	if (e == NULL || e->state == ENTRY_GONE)
		return NULL;
	if (e->state == ENTRY_SENDING && act == drop)
		return fault("it is being sent right now; try again in a moment");
	if (!act(e))
		return fault("it is held; `posthouse queue release` lets it go");
	return json_pack("{s:b, s:i}", "ok", 1, "entries", 1);
}

static json_t *show(struct relay *r, const char *id)
{
	uint64_t number;
	struct entry *e = text_to_u64(slice_from(id), &number) ?
	    table_get(&r->numbers, table_key(number)) : NULL;

	if (e == NULL || e->state == ENTRY_GONE)
		return NULL;
	return json_pack("{s:b, s:o}", "ok", 1, "entry", row_of(e, true));
}

static json_t *answer(struct relay *r, json_t *request)
{
	const char *command = json_string_value(json_object_get(request, "command"));
	const char *id = json_string_value(json_object_get(request, "id"));
	json_t *is = NULL;
	char text[160], shown[64];

	if (!r->loaded)
		return fault("the relay is still reading its queue; try again");
	if (command != NULL && strcmp(command, "queue list") == 0)
		return list(r, request);
	if (command == NULL || id == NULL)
		return fault("no such command of the queue");
	if (strcmp(command, "queue show") == 0) {
		is = show(r, id);
	} else {
		size_t i = 0;

		while (i < sizeof acts / sizeof *acts && strcmp(command, acts[i].command) != 0)
			i++;
		if (i == sizeof acts / sizeof *acts)
			return fault("no such command of the queue");
		is = act_on(r, id, acts[i].act);
	}
	if (is != NULL)
		return is;
	snprintf(text, sizeof text, "there is no entry \"%s\" in the queue; `posthouse queue "
	    "list` lists all", text_printable(slice_from(id), shown, sizeof shown));
	return fault(text);
}

bool control_queue(struct relay *r, struct ipc_message *message)
{
	uint64_t number = get_u64(&message->body);
	slice text = get_slice(&message->body, CONTROL_REQUEST_MAX);
	struct ipc_channel *directory = frame_peer(&r->frame, ROLE_DIRECTORY, 0);
	json_t *request, *is;
	struct buffer *out;
	char *bytes;

	if (!bytes_end(&message->body))
		return false;
	request = json_loadb((const char *)text.ptr, text.len, 0, NULL);
	is = request != NULL ? answer(r, request) : fault("that is no JSON");
	bytes = json_dumps(is, JSON_COMPACT);
	out = ipc_begin(directory, IPC_QUEUE_IS);
	put_u64(out, number);
	put_slice(out, slice_from(bytes));
	ipc_end(directory, -1);
	free(bytes);
	json_decref(is);
	json_decref(request);
	return true;
}
