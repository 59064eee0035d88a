/* role/router_settle.c - a mock's web asks: is all delivered that was answered 250?
 *
 *   SETTLE -> what edges have announced by now is read -> and is done -> SETTLED
 *
 * So whoever sends a message, gets its 250 and asks the API for it, finds it. */
#include "role/router_impl.h"

enum { GOALS = EDGES_MAX };

struct settle {
	struct list link;               /* router->settles, oldest first */
	uint64_t request;
	size_t n_goals;                 /* of segments that are not read so far */
	struct goal {
		uint64_t generation;
		uint32_t limit;
	} goals[GOALS];
	bool read;                      /* they are: */
	uint64_t serial;                /* of the last message by then */
};

static bool is_read(const struct router *r, const struct goal *goal)
{
	const struct segment *s = segment_by_generation(r, goal->generation);

	return s == NULL || s->ended_at >= goal->limit;
}

static bool all_read(const struct router *r, const struct settle *settle)
{
	for (size_t i = 0; i < settle->n_goals; i++) {
		if (!is_read(r, &settle->goals[i]))
			return false;
	}
	return true;
}

/* False: not yet. */
static bool is_settled(struct router *r, struct settle *settle)
{
	if (!settle->read && !all_read(r, settle))
		return false;
	if (!settle->read)
		settle->serial = r->serial_last;
	settle->read = true;
	return list_empty(&r->messages) ||
	    list_item(r->messages.next, struct message, link)->serial > settle->serial;
}

static void answer(struct router *r, struct settle *settle)
{
	struct ipc_channel *web = frame_peer(&r->frame, ROLE_WEB, 0);

	put_u64(ipc_begin(web, IPC_SETTLED), settle->request);
	ipc_end(web, -1);
	list_remove(&settle->link);
	heap_free(r->heap, settle);
	r->n_settles--;
}

static void on_turn(struct os_defer *defer)
{
	struct router *r = defer->owner;

	list_for (at, &r->settles) {
		struct settle *settle = list_item(at, struct settle, link);

		if (is_settled(r, settle))
			answer(r, settle);
	}
}

void settles_check(struct router *r)
{
	if (!list_empty(&r->settles))
		os_defer(r->os, &r->settle_defer);
}

bool settle_message(struct router *r, struct ipc_message *message)
{
	uint64_t request = get_u64(&message->body);
	struct settle *settle;

	if (message->type != IPC_SETTLE || !bytes_end(&message->body) || !config_shows_mail(r->frame.config) ||
	    r->n_settles >= ROUTER_SETTLES_MAX)
		return false;
	settle = heap_new(r->heap, struct settle);
	settle->request = request;
	list_for (at, &r->segments) {
		const struct segment *s = list_item(at, struct segment, link);

		if (s->pool->kind == LOG_JOURNAL &&
		    (s->state == SEGMENT_OPEN || s->state == SEGMENT_CLOSED) &&
		    s->ended_at < s->reader.limit && settle->n_goals < GOALS)
			settle->goals[settle->n_goals++] = (struct goal){ s->head.generation,
			    s->reader.limit };
	}
	list_append(&r->settles, &settle->link);
	r->n_settles++;
	settles_check(r);
	return true;
}

void settles_forget(struct router *r)
{
	struct list *at;

	while ((at = list_take_first(&r->settles)) != NULL)
		heap_free(r->heap, list_item(at, struct settle, link));
	r->n_settles = 0;
	os_defer_cancel(r->os, &r->settle_defer);
}

void settles_init(struct router *r)
{
	list_init(&r->settles);
	r->settle_defer = (struct os_defer){ .run = on_turn, .owner = r };
}
