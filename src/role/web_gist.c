/* role/web_gist.c - messages taken apart on the pool.
 *
 *   web_gather() -> web->read -> a gatherer takes some -> pool -> in order: web_gathered()
 *
 * (1) A gatherer at work belongs to the pool, with its heap and its converters; of the fetches
 *     that it has the pool reads `raw`, which nobody changes any more.
 *     What one turn brings goes together.
 * (2) One that is done before an older one waits for it: what is announced has an order. */
#include "role/web_gist.h"

#include "base/check.h"
#include "role/web_mail.h"

struct job {
	struct web_fetch *fetch;
	struct api_facts facts;
	struct arena arena;
	struct web_gist gist;
};

struct web_gatherer {
	struct list link;               /* web->gatherers, or web->idle */
	struct os_work work;
	struct web *web;
	struct heap *heap;
	struct charsets *charsets;
	bool done;                      /* waits for older ones */
	size_t n;
	struct job jobs[WEB_GIST_BATCH];
};

/* ---- on the pool ---- */

static void make(struct job *job, struct charsets *charsets)
{
	struct web_gist *gist = &job->gist;
	struct web_mail mail;

	web_mail_open(&job->facts, buffer_bytes(&job->fetch->raw), charsets, &job->arena, &mail);
	api_summary_make(&mail.mail, &mail.facts, &job->arena, &gist->summary);
	api_words(&mail.mail, &gist->summary, &gist->words);
	gist->fits = api_summary_pack(&gist->summary, &gist->head);
}

static void run(struct os_work *work)
{
	struct web_gatherer *g = work->owner;

	for (size_t i = 0; i < g->n; i++)
		make(&g->jobs[i], g->charsets);
}

/* ---- on the loop ---- */

static void start_more(struct web *web);

static void hand_over(struct web_gatherer *g)
{
	for (size_t i = 0; i < g->n; i++) {
		struct job *job = &g->jobs[i];

		web_gathered(g->web, job->fetch, &job->gist);
		buffer_free(&job->gist.head);
		buffer_free(&job->gist.words);
		arena_reset(&job->arena);
	}
	g->n = 0;
	g->done = false;
	list_remove(&g->link);
	list_append(&g->web->idle, &g->link);
}

static void on_done(struct os_work *work)
{
	struct web_gatherer *g = work->owner;
	struct web *web = g->web;

	g->done = true;
	while (!list_empty(&web->gatherers)) {
		g = list_item(web->gatherers.next, struct web_gatherer, link);
		if (!g->done)
			break;
		hand_over(g);
	}
	start_more(web);
	if (list_empty(&web->gatherers))
		os_timer_start(web->os, &web->calm, WEB_CALM_MS);
}

static void take(struct web_gatherer *g, struct web_fetch *fetch)
{
	struct job *job = &g->jobs[g->n++];

	*job = (struct job){ .fetch = fetch, .arena = arena_init(g->heap, WEB_MAIL_ARENA_MAX) };
	job->gist.head = buffer_init(g->heap, API_PACKED_MAX);
	job->gist.words = buffer_init(g->heap, API_WORDS_MAX);
	job->facts = web_mail_facts(g->web, fetch->entry, &job->arena);
}

static void start_more(struct web *web)
{
	while (!list_empty(&web->read) && !list_empty(&web->idle)) {
		struct web_gatherer *g = list_item(list_take_first(&web->idle), struct web_gatherer,
		    link);
		struct list *link;

		list_append(&web->gatherers, &g->link);
		while (g->n < WEB_GIST_BATCH && (link = list_take_first(&web->read)) != NULL)
			take(g, list_item(link, struct web_fetch, link));
		os_work_start(web->os, &g->work);
	}
}

void web_gather(struct web *web, struct web_fetch *fetch)
{
	check(fetch->feeds);
	list_append(&web->read, &fetch->link);
	os_defer(web->os, &web->gather_defer);
}

static void on_turn(struct os_defer *defer)
{
	start_more(defer->owner);
}

static void on_calm(struct os_timer *timer)
{
	heap_give_back();
}

static void drop_heap(void *heap)
{
	heap_drop(heap);
}

void web_gist_init(struct web *web)
{
	list_init(&web->read);
	list_init(&web->gatherers);
	list_init(&web->idle);
	web->gather_defer = (struct os_defer){ .run = on_turn, .owner = web };
	web->calm = (struct os_timer){ .fire = on_calm };
	for (size_t i = 0; i < WEB_GATHERERS; i++) {
		struct web_gatherer *g = heap_new(web->heap, struct web_gatherer);

		g->web = web;
		g->heap = heap_create(SIZE_MAX);
		heap_on_drop(web->heap, drop_heap, g->heap);
		g->charsets = charsets_create(g->heap);
		g->work = (struct os_work){ .run = run, .done = on_done, .owner = g };
		list_append(&web->idle, &g->link);
	}
}
