/* role/web_reading.c - messages taken apart.
 *
 *   bytes -> (short) -------------------------------> done
 *        '-> waiting -> the first is read (pool) -'
 *
 * (1) A reading has a heap and converters of its own: the pool may use them. */
#include "role/web_reading.h"

enum { SHORT = 256 * 1024 };            /* some milliseconds */

static void drop_heap(void *heap)
{
	heap_drop(heap);
}

static void run(struct os_work *work)
{
	struct web_reading *r = work->owner;
	struct api_facts facts = r->mail.facts;

	web_mail_open(&facts, r->raw, charsets_create(r->heap), &r->arena, &r->mail);
	if (r->make != NULL && !r->make(r, &r->made))
		buffer_truncate(&r->made, 0);
}

static void finish(struct web_reading *r)
{
	struct web *web = r->web;

	r->done(r);
	buffer_free(&r->bytes);
	heap_cancel_on_drop(web->heap, drop_heap, r->heap);
	heap_drop(r->heap);
	heap_free(web->heap, r);
}

static void on_done(struct os_work *work)
{
	struct web_reading *r = work->owner;
	struct web *web = r->web;

	list_remove(&r->link);
	finish(r);
	if (!list_empty(&web->readings))
		os_work_start(web->os, &list_item(web->readings.next, struct web_reading,
		    link)->work);
}

void web_read(struct web *web, const struct web_entry *entry, struct buffer *raw,
    bool (*make)(const struct web_reading *r, struct buffer *out),
    void (*done)(struct web_reading *r), void *owner)
{
	struct web_reading *r = heap_new(web->heap, struct web_reading);

	*r = (struct web_reading){ .web = web, .make = make, .done = done, .owner = owner,
	    .bytes = *raw, .heap = heap_create(SIZE_MAX),
	    .work = { .run = run, .done = on_done, .owner = r } };
	*raw = buffer_init(web->heap, raw->size_max);
	heap_on_drop(web->heap, drop_heap, r->heap);
	r->raw = buffer_bytes(&r->bytes);
	r->arena = arena_init(r->heap, WEB_MAIL_ARENA_MAX);
	r->made = buffer_init(r->heap, API_MESSAGE_JSON_MAX);
	r->mail.facts = web_mail_facts(web, entry, &r->arena);
	r->mail.facts.mailbox = slice_copy(&r->arena, r->mail.facts.mailbox);
	r->mail.facts.login = slice_copy(&r->arena, r->mail.facts.login);
	r->tags = web_entry_tags(entry, &r->arena);
	if (r->raw.len <= SHORT) {
		run(&r->work);
		finish(r);
		return;
	}
	list_append(&web->readings, &r->link);
	if (web->readings.next == &r->link)
		os_work_start(web->os, &r->work);
}

void web_reading_init(struct web *web)
{
	list_init(&web->readings);
}
