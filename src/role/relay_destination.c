/* role/relay_destination.c - a destination: all mail of one domain, or all mail when
 * there is a smart host; and how many sessions it gets.
 *
 * Few at first, one more for each message that goes well, half as many when one does
 * not. When all have as many as there may be, they take turns. A destination that can't
 * be reached costs one attempt for all that is due. */
#include <string.h>

#include "base/check.h"
#include "role/relay_impl.h"

struct destination *destination_get(struct relay *r, slice domain)
{
	unsigned char lower[SEALED_ADDRESS_MAX];
	struct destination *d;
	slice key;

	if (r->frame.config->relay_host.name.len > 0)
		domain = r->frame.config->relay_host.name;
	if (domain.len > sizeof lower)
		domain = slice_head(domain, sizeof lower);
	for (size_t i = 0; i < domain.len; i++)
		lower[i] = ascii_lower(domain.ptr[i]);
	key = slice_of(lower, domain.len);
	d = table_get(&r->destinations, key);
	if (d != NULL)
		return d;
	d = heap_new(r->heap, struct destination);
	d->relay = r;
	d->domain = entry_copy(r, key);
	d->sessions_max = RELAY_SESSIONS_FIRST;
	list_init(&d->ready);
	list_init(&d->sessions);
	table_put(&r->destinations, d->domain, d);
	list_append(&r->all_destinations, &d->link);
	return d;
}

static void destination_free(struct destination *d)
{
	struct relay *r = d->relay;

	table_remove(&r->destinations, d->domain);
	list_remove(&d->link);
	heap_free(r->heap, (void *)(uintptr_t)d->domain.ptr);
	heap_free(r->heap, d->places);
	heap_free(r->heap, d);
}

/* ---- how it goes ---- */

static unsigned sessions_allowed(const struct destination *d)
{
	unsigned most = d->relay->frame.config->relay_sessions_per_host;

	return d->sessions_max < most ? d->sessions_max : most;
}

void destination_went_well(struct destination *d)
{
	d->sessions_max = sessions_allowed(d) + 1;
}

void destination_went_badly(struct destination *d)
{
	d->sessions_max = d->sessions_max > 1 ? d->sessions_max / 2 : 1;
}

/* ---- entries ---- */

struct entry *destination_take(struct destination *d)
{
	struct entry *e;

	if (list_empty(&d->ready) || d->relay->frame.draining)
		return NULL;
	e = list_item(d->ready.next, struct entry, at);
	list_remove(&e->at);
	d->n_ready--;
	e->state = ENTRY_SENDING;
	return e;
}

void destination_defer(struct destination *d, const char *why)
{
	unsigned n = d->n_ready;

	for (; n > 0 && !list_empty(&d->ready); n--)
		entry_defer(list_item(d->ready.next, struct entry, at), slice_from(why));
}

void destination_refuse(struct destination *d, const char *why)
{
	unsigned n = d->n_ready;

	for (; n > 0 && !list_empty(&d->ready); n--)
		entry_refuse(list_item(d->ready.next, struct entry, at), slice_from(why));
}

/* ---- sessions ---- */

static unsigned on_their_way(const struct destination *d)
{
	unsigned n = 0;

	list_for (at, &d->sessions)
		n += !list_item(at, struct session, link)->was_ready;
	return n;
}

static bool may_dial(const struct destination *d)
{
	const struct relay *r = d->relay;

	return !smart_pauses(r) && !(smart_one_only(r) && on_their_way(d) > 0);
}

void destination_pump(struct destination *d)
{
	struct relay *r = d->relay;
	const struct config *config = r->frame.config;

	if (list_empty(&d->ready) || r->frame.draining || !r->loaded)
		return;
	/* Those that are up do not need it any more. */
	if (d->route == ROUTE_READY && os_now_ms(r->os) >= d->route_until_ms &&
	    on_their_way(d) == 0)
		d->route = ROUTE_NONE;
	if (!smart_is_known(r))
		return;                 /* its message comes soon */
	if (smart_pauses(r) && d->n_sessions == 0) {
		destination_defer(d, r->smart.refusal);
		return;
	}
	if (d->route == ROUTE_NONE)
		route_find(d);
	if (d->route != ROUTE_READY || d->route_reload != r->reloads)
		return;
	sessions_wake(d);
	/* Those that are on their way to it will take something, too. */
	while (may_dial(d) && d->n_ready > on_their_way(d) && d->n_sessions < sessions_allowed(d) &&
	    r->n_sessions < config->relay_sessions)
		session_open(d);
}

/* A session of d has ended. When there were as many as there may be, whoever waits
 * longest takes its place. */
void destination_lost_session(struct destination *d)
{
	struct relay *r = d->relay;
	unsigned most = r->frame.config->relay_sessions;

	r->n_sessions--;
	d->n_sessions--;
	if (r->n_sessions + 1 < most) {
		destination_pump(d);
		return;
	}
	list_remove(&d->link);
	list_append(&r->all_destinations, &d->link);
	list_for (at, &r->all_destinations) {
		if (r->n_sessions >= most)
			return;
		destination_pump(list_item(at, struct destination, link));
	}
}

void destinations_tick(struct relay *r)
{
	uint64_t now = os_now_ms(r->os);

	list_for (at, &r->all_destinations) {
		struct destination *d = list_item(at, struct destination, link);

		if (r->frame.draining) {
			list_for (s, &d->sessions)
				session_quit(list_item(s, struct session, link));
		}
		if (d->n_ready > 0)
			destination_pump(d);
		else if (d->n_entries == 0 && d->n_sessions == 0 && d->asking == 0 &&
		    now >= d->route_until_ms)
			destination_free(d);
	}
}

/* Another smart host, another port or password: nothing more goes the old way, neither
 * what is ready for it nor what is asked about it. Messages under way there may end. */
void destinations_reload(struct relay *r)
{
	r->reloads++;
	list_for (at, &r->all_destinations) {
		struct destination *d = list_item(at, struct destination, link);

		d->route_until_ms = 0;
		list_for (of, &d->sessions) {
			struct session *s = list_item(of, struct session, link);

			s->messages = RELAY_SESSION_MESSAGES;
			if (s->at_rest || !s->was_ready)
				session_quit(s);
		}
	}
	route_forget_questions(r);
	list_for (at, &r->entries) {
		struct entry *e = list_item(at, struct entry, link);

		if (e->state == ENTRY_READY)
			entry_ready(e);
	}
}
