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
#include "journey/search.h"

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
	return json_loadb((const char *)line.ptr, line.len, JSON_ALLOW_NUL, NULL);
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

/* ---- one message ---- */

static void on_line(void *context, slice line)
{
	journey_search_line(context, line);
}

void trace_message(struct trace *trace, struct heap *heap, const char *id)
{
	struct journey_search *s = journey_search_open(heap, slice_from(id), trace->n_folders);
	const struct journey_found *found;
	size_t folder, n;

	while (journey_search_next(s, &folder))
		visit_folder(trace->folders[folder], on_line, s);
	found = journey_search_found(s, &n);
	trace->events = json_array();
	for (size_t i = 0; i < n; i++) {
		json_t *event = parse(found[i].event.line);

		json_object_set_new(event, "folder", json_integer((json_int_t)found[i].folder));
		json_array_append_new(trace->events, event);
	}
	journey_search_close(s);
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
