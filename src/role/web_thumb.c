/* role/web_thumb.c - thumbnails.
 *
 *   picture -> waiting -> the first is being made (pool) -> answered */
#include "role/web_thumb.h"

#include <stdlib.h>

#include "api/thumb.h"

struct thumb {
	struct list link;               /* web->thumbs */
	struct os_work work;
	struct web *web;
	struct http_request *request;
	struct buffer picture;
	struct arena arena;
	slice disposition;
	unsigned char *made;            /* of malloc(); NULL: no memory */
	size_t n;
};

static void run_on_pool(struct os_work *work)
{
	struct thumb *t = work->owner;

	t->made = api_thumb(buffer_bytes(&t->picture), &t->n);
}

static void answer(struct thumb *t)
{
	const struct http_field field = { "Content-Disposition", t->disposition };

	if (t->made != NULL)
		web_answer_as(t->web, t->request, &(struct http_answer){ .status = 200,
		    .type = "image/jpeg", .fields = &field, .n_fields = 1,
		    .body = slice_of(t->made, t->n) }, NULL);
	else
		web_answer_text(t->web, t->request, 503, "No memory for it now, try again");
}

static void done_on_loop(struct os_work *work)
{
	struct thumb *t = work->owner;
	struct web *web = t->web;

	answer(t);
	free(t->made);
	buffer_free(&t->picture);
	arena_reset(&t->arena);
	list_remove(&t->link);
	web->n_thumbs--;
	heap_free(web->heap, t);
	if (!list_empty(&web->thumbs))
		os_work_start(web->os, &list_item(web->thumbs.next, struct thumb, link)->work);
}

void web_thumb_answer(struct web *web, struct http_request *request, struct buffer *picture,
    slice disposition)
{
	struct thumb *t;

	if (web->n_thumbs >= WEB_THUMBS_WAITING) {
		web_answer_text(web, request, 503, "Too many pictures wait, try again later");
		buffer_free(picture);
		return;
	}
	t = heap_new(web->heap, struct thumb);
	*t = (struct thumb){ .web = web, .request = request, .picture = *picture,
	    .arena = arena_init(web->heap, HTTP_FIELD_MAX) };
	*picture = buffer_init(web->heap, picture->size_max);
	if (disposition.len < HTTP_FIELD_MAX)
		t->disposition = slice_copy(&t->arena, disposition);
	t->work = (struct os_work){ .run = run_on_pool, .done = done_on_loop, .owner = t };
	list_append(&web->thumbs, &t->link);
	if (web->n_thumbs++ == 0)
		os_work_start(web->os, &t->work);
}

void web_thumb_init(struct web *web)
{
	list_init(&web->thumbs);
}
