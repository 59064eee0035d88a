/* role/edge_http.c - HTTP's connections: counted here, served by the web.
 *
 *   accepted -> offered -> taken -> closed
 *
 * Nothing is read here. The web says when it has a connection, and when that is over, so
 * that shares are counted for as long as it lasts. While the web is away, or slow in
 * taking, connections wait in the kernel. */
#include "base/check.h"
#include "role/edge_impl.h"

struct visit {
	uint64_t number;
	struct session_shares shares;
	bool taken;
};

bool edge_http_room(const struct edge *e)
{
	return frame_peer(&e->frame, ROLE_WEB, 0) != NULL && e->n_offers < EDGE_OFFERS_MAX;
}

/* The web has as many as it has, for all edges. */
size_t edge_http_places(const struct edge *e, size_t free)
{
	size_t descriptors = e->fds_max / 2, all = HTTP_CONNECTIONS_MAX < descriptors ?
	    HTTP_CONNECTIONS_MAX : descriptors;
	size_t ours = all / e->frame.config->edges;
	size_t left = ours > e->visits.count ? ours - e->visits.count : 0;

	return left < free ? left : free;
}

void edge_http_open(struct edge *e, int fd, const struct os_address *peer,
    struct session_shares shares)
{
	struct ipc_channel *web = frame_peer(&e->frame, ROLE_WEB, 0);
	struct visit *visit = heap_new(e->heap, struct visit);
	struct buffer *out;

	check(web != NULL);
	*visit = (struct visit){ .number = ++e->visit_last, .shares = shares };
	table_put(&e->visits, table_key(visit->number), visit);
	e->n_offers++;
	out = ipc_begin(web, IPC_HTTP);
	put_u64(out, visit->number);
	buffer_add(out, slice_of(peer->ip, sizeof peer->ip));
	ipc_end(web, fd);
}

static void taken(struct edge *e, struct visit *visit)
{
	if (!visit->taken)
		e->n_offers--;
	visit->taken = true;
}

static void over(struct edge *e, struct visit *visit)
{
	taken(e, visit);
	shares_close(&e->shares, &visit->shares);
	heap_free(e->heap, visit);
}

bool edge_on_http_is(struct edge *e, struct ipc_message *message)
{
	uint64_t number = get_u64(&message->body);
	uint8_t state = get_u8(&message->body);
	struct visit *visit = table_get(&e->visits, table_key(number));

	if (!bytes_end(&message->body) || state > HTTP_CLOSED)
		return false;
	if (visit == NULL)
		return true;            /* of an edge before this one */
	if (state == HTTP_TAKEN) {
		taken(e, visit);
	} else {
		table_remove(&e->visits, table_key(number));
		over(e, visit);
	}
	edge_check_drained(e);          /* listeners go on */
	return true;
}

void edge_web_left(struct edge *e)
{
	struct visit *visit;
	size_t at = 0;

	while ((visit = table_next(&e->visits, &at)) != NULL)
		over(e, visit);
	table_free(&e->visits);
	e->visits = table_init(e->heap, os_random_u64(e->os));
}
