/* cli/trace_read.c - files of events: those lines are parsed that may matter. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "cli/trace.h"

typedef void visit_line(void *context, slice line);

/* ---- files ---- */

static void visit_file(int folder, const char *name, visit_line *visit, void *context)
{
	int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct stat st;
	void *bytes;
	slice rest;

	if (fd < 0)
		return;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0) {
		bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
		rest = slice_of(bytes, bytes != MAP_FAILED ? (size_t)st.st_size : 0);
		while (rest.len > 0) {
			slice line = slice_cut(&rest, '\n');

			if (line.len > 2 && line.len <= JOURNEY_LINE_MAX &&
			    line.ptr[line.len - 1] == '}')
				visit(context, line);
		}
		if (bytes != MAP_FAILED)
			munmap(bytes, (size_t)st.st_size);
	}
	close(fd);
}

static void visit_folder(const char *data, visit_line *visit, void *context)
{
	int root = open(data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int fd = root >= 0 ? openat(root, "journey", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *entry;

	while (folder != NULL && (entry = readdir(folder)) != NULL) {
		if (strstr(entry->d_name, ".log") != NULL)
			visit_file(fd, entry->d_name, visit, context);
	}
	if (folder != NULL)
		closedir(folder);
	if (root >= 0)
		close(root);
}

static json_t *parse(slice line)
{
	return json_loadb((const char *)line.ptr, line.len, 0, NULL);
}

static const char *text_of(const json_t *event, const char *field)
{
	const char *text = json_string_value(json_object_get(event, field));

	return text != NULL ? text : "";
}

static bool has(slice line, const char *needle)
{
	return memmem(line.ptr, line.len, needle, strlen(needle)) != NULL;
}

/* ---- the lines of one message ---- */

enum { ID = 64, NUMBER = 32, SENDER = 400 };

/* A message as one host calls it. */
struct hop {
	size_t host;
	char id[ID];
};

struct search {
	json_t *events;                 /* found so far */
	struct hop hops[TRACE_HOPS_MAX];        /* where it was; those after `at`: where it may be */
	size_t n_hops, at;
	char session[NUMBER], transaction[NUMBER];
	char sender[SENDER], first_sender[SENDER];
	json_t *places;                 /* "account uid" of what was filed */
	json_t *durable;                /* "account" -> when it was filed; until it was synced */
	json_int_t accepted_us, first_us;
};

static void keep(struct search *s, json_t *event)
{
	json_object_set_new(event, "folder", json_integer((json_int_t)s->hops[s->at].host));
	json_array_append(s->events, event);
}

/* "250 2.0.0 Ok: queued as ID": other programs say it likewise. */
bool trace_next_id(const json_t *event, char *ret_id, size_t size)
{
	const char *at = strstr(text_of(event, "words"), "queued as ");
	size_t len;

	if (at == NULL || strcmp(text_of(event, "e"), "sent") != 0)
		return false;
	at += strlen("queued as ");
	len = strcspn(at, " )\\\"");
	if (len == 0 || len >= size)
		return false;
	snprintf(ret_id, size, "%.*s", (int)len, at);
	return true;
}

/* Another host's words: they lead to other hosts, to each message once. */
static void note_next(struct search *s, const struct trace *trace, const json_t *event)
{
	char id[ID];

	if (!trace_next_id(event, id, sizeof id))
		return;
	for (size_t host = 0; host < trace->n_folders && s->n_hops < TRACE_HOPS_MAX; host++) {
		bool was = false;

		for (size_t i = 0; i < s->n_hops; i++)
			was = was || (s->hops[i].host == host &&
			    (i <= s->at || strcmp(s->hops[i].id, id) == 0));
		if (was)
			continue;
		s->hops[s->n_hops].host = host;
		snprintf(s->hops[s->n_hops++].id, ID, "%s", id);
	}
}

static void by_id(void *context, slice line)
{
	struct search *s = context;
	char needle[96];
	json_t *event;

	snprintf(needle, sizeof needle, "\"id\":\"%s\"", s->hops[s->at].id);
	if (!has(line, needle) || (event = parse(line)) == NULL)
		return;
	keep(s, event);
	if (strcmp(text_of(event, "e"), "accepted") == 0) {
		snprintf(s->session, sizeof s->session, "%s", text_of(event, "s"));
		snprintf(s->transaction, sizeof s->transaction, "%s", text_of(event, "x"));
		snprintf(s->sender, sizeof s->sender, "%s", text_of(event, "from"));
		s->accepted_us = json_integer_value(json_object_get(event, "t"));
	} else if (strcmp(text_of(event, "e"), "filed") == 0) {
		json_object_set(s->durable, text_of(event, "account"), json_object_get(event, "t"));
		json_array_append_new(s->places, json_sprintf("\"account\":\"%s\",\"uid\":%lld}",
		    text_of(event, "account"),
		    (long long)json_integer_value(json_object_get(event, "uid"))));
	}
	json_decref(event);
}

/* The first sync of the mailbox after it was filed there. */
static void note_durable(struct search *s, slice line)
{
	json_t *event = parse(line);
	const char *account = text_of(event, "account");
	json_t *filed = json_object_get(s->durable, account);

	if (event != NULL && filed != NULL && json_integer_value(json_object_get(event, "t")) >=
	    json_integer_value(filed)) {
		keep(s, event);
		json_object_del(s->durable, account);
	}
	json_decref(event);
}

/* Its session, up to the message; and what became of it in the mailbox. */
static void by_session(void *context, slice line)
{
	struct search *s = context;
	char needle[64];
	json_t *event, *place;
	bool match = false;
	size_t i;

	snprintf(needle, sizeof needle, "\"s\":\"%s\"", s->session);
	if (s->session[0] != '\0' && has(line, needle) && !has(line, "\"id\":")) {
		event = parse(line);
		match = event != NULL &&
		    (json_object_get(event, "x") == NULL ||
		    strcmp(text_of(event, "x"), s->transaction) == 0) &&
		    (json_integer_value(json_object_get(event, "t")) <= s->accepted_us ||
		    strcmp(text_of(event, "e"), "closed") == 0 ||
		    strcmp(text_of(event, "e"), "departure") == 0);
		if (match)
			keep(s, event);
		json_decref(event);
		return;
	}
	if (has(line, "\"e\":\"durable\"") && json_object_size(s->durable) > 0)
		note_durable(s, line);
	json_array_foreach(s->places, i, place)
		match = match || has(line, json_string_value(place));
	if (match && !has(line, "\"e\":\"filed\"") && (event = parse(line)) != NULL) {
		keep(s, event);
		json_decref(event);
	}
}

static int by_time(const void *a, const void *b)
{
	json_t *const *x = a, *const *y = b;
	json_int_t left = json_integer_value(json_object_get(*x, "t"));
	json_int_t right = json_integer_value(json_object_get(*y, "t"));

	return left < right ? -1 : left > right;
}

static json_t *sorted(json_t *array)
{
	size_t n = json_array_size(array);
	json_t **list = malloc((n + 1) * sizeof *list), *result = json_array();

	for (size_t i = 0; i < n; i++)
		list[i] = json_array_get(array, i);
	qsort(list, n, sizeof *list, by_time);
	for (size_t i = 0; i < n; i++)
		json_array_append(result, list[i]);
	free(list);
	json_decref(array);
	return result;
}

static void forget(struct search *s, size_t before)
{
	while (json_array_size(s->events) > before)
		json_array_remove(s->events, json_array_size(s->events) - 1);
}

/* False: this host knows nothing of it, or of another one with that id. */
static bool search_hop(struct search *s, const struct trace *trace)
{
	const char *folder = trace->folders[s->hops[s->at].host];
	size_t before = json_array_size(s->events);

	s->session[0] = s->sender[0] = '\0';
	s->accepted_us = 0;
	json_array_clear(s->places);
	json_object_clear(s->durable);
	visit_folder(folder, by_id, s);
	if (s->at > 0 && (strcmp(s->sender, s->first_sender) != 0 || s->accepted_us < s->first_us))
		forget(s, before);
	if (json_array_size(s->events) == before)
		return false;
	visit_folder(folder, by_session, s);
	return true;
}

void trace_message(struct trace *trace, const char *id)
{
	struct search s = { .events = json_array(), .places = json_array(),
		.durable = json_object() };

	for (size_t host = 0; host < trace->n_folders && s.n_hops < TRACE_HOPS_MAX; host++) {
		s.hops[0].host = host;
		snprintf(s.hops[0].id, ID, "%s", id);
		s.n_hops = 1;
		if (search_hop(&s, trace))
			break;
	}
	snprintf(s.first_sender, SENDER, "%s", s.sender);
	s.first_us = s.accepted_us;
	for (s.at = 0; s.at < s.n_hops; s.at++) {
		size_t before = json_array_size(s.events), i;

		if (s.at > 0 && !search_hop(&s, trace))
			continue;
		for (i = s.at > 0 ? before : 0; i < json_array_size(s.events); i++)
			note_next(&s, trace, json_array_get(s.events, i));
	}
	json_decref(s.places);
	json_decref(s.durable);
	trace->events = sorted(s.events);
}

/* ---- which messages ---- */

struct ids {
	json_t *accepted;               /* events */
	json_t *transactions;           /* of recipients that match; an object as a set */
	const char *to;
};

static void on_recipient(void *context, slice line)
{
	struct ids *ids = context;
	json_t *event;

	if (!has(line, "\"e\":\"recipient\"") || (event = parse(line)) == NULL)
		return;
	if (strcasecmp(text_of(event, "to"), ids->to) == 0)
		json_object_set_new(ids->transactions, text_of(event, "x"), json_true());
	json_decref(event);
}

static void on_accepted(void *context, slice line)
{
	struct ids *ids = context;
	json_t *event;

	if (!has(line, "\"e\":\"accepted\"") || (event = parse(line)) == NULL)
		return;
	if (ids->to == NULL || json_object_get(ids->transactions, text_of(event, "x")))
		json_array_append(ids->accepted, event);
	json_decref(event);
}

json_t *trace_ids(const struct trace *trace, const char *to, size_t n)
{
	struct ids ids = { json_array(), json_object(), to };
	json_t *result = json_array();
	size_t have, i;

	/* The first folder's: what others took of these comes with them. */
	if (to != NULL)
		visit_folder(trace->folders[0], on_recipient, &ids);
	visit_folder(trace->folders[0], on_accepted, &ids);
	ids.accepted = sorted(ids.accepted);
	have = json_array_size(ids.accepted);
	for (i = have > n ? have - n : 0; i < have; i++)
		json_array_append_new(result, json_string(text_of(json_array_get(ids.accepted, i),
		    "id")));
	json_decref(ids.accepted);
	json_decref(ids.transactions);
	return result;
}
