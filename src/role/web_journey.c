/* role/web_journey.c - files of journeys, through a window of some size.
 *
 * A file may be rotated while it is read, and so be read twice: what was found twice counts
 * once (journey/search.c). */
#include "role/web_journey.h"

#include <string.h>

void web_journey_init(struct web *web)
{
	list_init(&web->journeys);
}

/* ---- on the pool ---- */

enum { NAME = 64 };

/* A folder's files. */
struct folder {
	struct heap *heap;
	char (*names)[NAME];
	size_t n;
};

static bool add_name(void *context, const char *name)
{
	struct folder *f = context;

	if (strstr(name, ".log") == NULL || strlen(name) >= NAME)
		return true;
	if (f->n == WEB_JOURNEY_FILES)
		return false;
	f->names = heap_resize(f->heap, f->names, (f->n + 1) * sizeof *f->names);
	memcpy(f->names[f->n++], name, strlen(name) + 1);
	return true;
}

/* Whole lines; what is left of the last one is moved to the front. Returns its length. */
static size_t take_lines(struct journey_search *search, unsigned char *window, size_t n)
{
	slice rest = slice_of(window, n);

	while (slice_find_byte(rest, '\n') < rest.len)
		journey_search_line(search, slice_cut(&rest, '\n'));
	/* No event is so long. */
	if (rest.len > JOURNEY_LINE_MAX)
		rest.len = 0;
	if (rest.len > 0)
		memmove(window, rest.ptr, rest.len);
	return rest.len;
}

static void read_file(struct os *os, struct journey_search *search, int fd, unsigned char *window)
{
	size_t have = 0;
	ssize_t n;

	for (uint64_t at = 0; at < WEB_JOURNEY_BYTES; at += (uint64_t)n) {
		n = os_pread(os, fd, window + have, WEB_JOURNEY_PIECE, at);
		if (n <= 0)
			return;
		have = take_lines(search, window, have + (size_t)n);
	}
}

static void read_folder(struct web_journey *j, int dir, unsigned char *window)
{
	struct os *os = j->web->os;
	struct folder f = { .heap = j->heap };

	os_list(os, dir, ".", add_name, &f);        /* what can't be read is not there */
	for (size_t i = 0; i < f.n; i++) {
		int fd = os_open(os, dir, f.names[i], OS_READ);

		if (fd < 0)
			continue;
		read_file(os, j->search, fd, window);
		os_close(os, fd);
	}
	heap_free(j->heap, f.names);
}

static void run(struct os_work *work)
{
	struct web_journey *j = work->owner;
	unsigned char *window = heap_alloc(j->heap, WEB_JOURNEY_PIECE + JOURNEY_LINE_MAX);
	size_t folder;

	while (journey_search_next(j->search, &folder))
		read_folder(j, folder == 0 ? OS_ROOT : j->web->frame.beside, window);
	heap_free(j->heap, window);
}

/* ---- on the loop ---- */

/* In a lab the other one's name is the other domain. */
size_t web_journey_hosts(const struct web *web, slice ret_hosts[JOURNEY_FOLDERS_MAX])
{
	const struct config *config = web->frame.config;
	struct web_host hosts[WEB_HOSTS_MAX];
	size_t n = web_lab_hosts(web, hosts);

	ret_hosts[0] = config->lab && config->n_domains > 0 ? config->domains[0] : config->hostname;
	ret_hosts[1] = (slice){ 0 };
	for (size_t i = 0; i < n; i++) {
		if (!hosts[i].here)
			ret_hosts[1] = hosts[i].name;
	}
	return web->frame.beside >= 0 ? 2 : 1;
}

static void start(struct web_journey *j)
{
	os_work_start(j->web->os, &j->work);
}

static void on_read(struct os_work *work)
{
	struct web_journey *j = work->owner;
	struct web *web = j->web;

	list_remove(&j->link);
	if (!list_empty(&web->journeys))
		start(list_item(web->journeys.next, struct web_journey, link));
	j->done(j);
}

static void drop_heap(void *heap)
{
	heap_drop(heap);
}

static size_t count(const struct list *list)
{
	size_t n = 0;

	list_for (at, list)
		n++;
	return n;
}

struct web_journey *web_journey_read(struct web *web, const struct web_entry *entry,
    void (*done)(struct web_journey *journey), void *owner)
{
	char id[MESSAGE_ID_TEXT];
	size_t len = message_id_print(entry->id, id);
	slice hosts[JOURNEY_FOLDERS_MAX];
	struct web_journey *j;

	if (count(&web->journeys) >= WEB_JOURNEYS_MAX)
		return NULL;
	j = heap_new(web->heap, struct web_journey);
	*j = (struct web_journey){ .web = web, .heap = heap_create(SIZE_MAX), .done = done,
	    .owner = owner, .work = { .run = run, .done = on_read, .owner = j } };
	heap_on_drop(web->heap, drop_heap, j->heap);
	j->search = journey_search_open(j->heap, slice_of(id, len),
	    web_journey_hosts(web, hosts));
	list_append(&web->journeys, &j->link);
	if (web->journeys.next == &j->link)
		start(j);
	return j;
}

void web_journey_free(struct web_journey *j)
{
	struct web *web;

	if (j == NULL)
		return;
	web = j->web;
	heap_cancel_on_drop(web->heap, drop_heap, j->heap);
	heap_drop(j->heap);
	heap_free(web->heap, j);
}
