/* role/resolver.c - the resolver role: questions to the DNS for the relay.
 *
 *   RESOLVE -> os_dns_ask -> RESOLVED, or after RESOLVER_TIMEOUT_MS a failure
 *
 * It speaks with name servers, which may be anybody, so it has nothing to lose: no
 * files, no keys, no mail. Caching and DNSSEC are the library's (os/os_uv_dns.c). */
#include <string.h>

#include "base/check.h"
#include "base/limits.h"
#include "base/list.h"
#include "role/frame.h"
#include "role/role.h"

struct resolver {
	struct frame frame;
	struct os *os;
	struct list asking;             /* oldest first */
	unsigned n_asking;
	struct os_timer patience;
	slice anchors;                  /* of dns.trust_anchor */
};

struct asking {
	struct list link;
	struct resolver *resolver;
	struct os_dns_query query;
	struct ipc_channel *peer;
	uint64_t request, deadline_ms;
};

/* ---- answers ---- */

static void answer(struct ipc_channel *peer, uint64_t request, const struct os_dns_answer *a)
{
	struct buffer *out = ipc_begin(peer, IPC_RESOLVED);
	size_t n = 0, room = IPC_BODY_MAX - 64;

	put_u64(out, request);
	put_u8(out, (uint8_t)a->status);
	put_u8(out, a->secure);
	put_u32(out, a->ttl_s);
	put_slice(out, slice_head(a->canonical, a->canonical.len < OS_DNS_NAME_MAX ?
	    a->canonical.len : 0));
	put_slice(out, slice_head(a->why, a->why.len < IPC_TEXT_MAX ? a->why.len : IPC_TEXT_MAX));
	room -= IPC_TEXT_MAX + OS_DNS_NAME_MAX;
	/* All of a set, or as many as a message holds: none of them is the only one. */
	for (; n < a->n_data && a->data[n].len + 4 <= room; n++)
		room -= a->data[n].len + 4;
	put_u16(out, (uint16_t)n);
	for (size_t i = 0; i < n; i++)
		put_slice(out, a->data[i]);
	ipc_end(peer, -1);
}

static void answer_failure(struct ipc_channel *peer, uint64_t request, slice why)
{
	const struct os_dns_answer a = { .status = OS_DNS_FAILED, .why = why };

	answer(peer, request, &a);
}

static void finish(struct asking *asking)
{
	struct resolver *r = asking->resolver;

	list_remove(&asking->link);
	r->n_asking--;
	heap_free(os_heap(r->os), asking);
}

static void on_answered(struct os_dns_query *query, const struct os_dns_answer *a)
{
	struct asking *asking = query->owner;

	answer(asking->peer, asking->request, a);
	finish(asking);
}

/* ---- patience ---- */

static void wait_for_oldest(struct resolver *r)
{
	uint64_t now = os_now_ms(r->os);
	const struct asking *oldest;

	if (list_empty(&r->asking))
		return;
	oldest = list_item(r->asking.next, struct asking, link);
	os_timer_start(r->os, &r->patience,
	    oldest->deadline_ms > now ? oldest->deadline_ms - now : 0);
}

static void on_patience(struct os_timer *timer)
{
	struct resolver *r = timer->owner;
	uint64_t now = os_now_ms(r->os);

	list_for (at, &r->asking) {
		struct asking *asking = list_item(at, struct asking, link);

		if (asking->deadline_ms > now)
			break;
		os_dns_cancel(r->os, &asking->query);
		answer_failure(asking->peer, asking->request,
		    slice_lit("the name servers did not answer in time"));
		finish(asking);
	}
	wait_for_oldest(r);
}

/* ---- questions ---- */

static bool on_resolve(struct resolver *r, struct ipc_channel *peer, struct bytes *in)
{
	uint64_t request = get_u64(in);
	unsigned type = get_u16(in);
	slice name = get_slice(in, OS_DNS_NAME_MAX - 1);
	char text[OS_DNS_NAME_MAX];
	struct asking *asking;

	if (!bytes_end(in) || slice_find_byte(name, '\0') < name.len)
		return false;
	if (r->n_asking == RESOLVER_QUERIES_MAX) {
		answer_failure(peer, request, slice_lit("too many questions at once"));
		return true;
	}
	for (size_t i = 0; i < name.len; i++)
		text[i] = (char)name.ptr[i];
	text[name.len] = '\0';
	asking = heap_new(os_heap(r->os), struct asking);
	asking->resolver = r;
	asking->peer = peer;
	asking->request = request;
	asking->deadline_ms = os_now_ms(r->os) + RESOLVER_TIMEOUT_MS;
	asking->query = (struct os_dns_query){ .answered = on_answered, .owner = asking };
	list_append(&r->asking, &asking->link);
	if (r->n_asking++ == 0)
		wait_for_oldest(r);
	os_dns_ask(r->os, &asking->query, text, type);
	return true;
}

static bool on_peer_message(struct frame *frame, struct ipc_channel *peer,
    struct ipc_message *message)
{
	return message->type == IPC_RESOLVE && on_resolve(frame->owner, peer, &message->body);
}

static void on_peer_left(struct frame *frame, struct ipc_channel *peer)
{
	struct resolver *r = frame->owner;

	list_for (at, &r->asking) {
		struct asking *asking = list_item(at, struct asking, link);

		if (asking->peer != peer)
			continue;
		os_dns_cancel(r->os, &asking->query);
		finish(asking);
	}
}

/* ---- the frame ---- */

static bool on_keeper(struct frame *frame, struct ipc_message *message)
{
	struct resolver *r = frame->owner;
	slice text = get_slice(&message->body, DNS_ANCHORS_MAX);
	unsigned char *copy;

	if (message->type != IPC_ANCHORS || !bytes_end(&message->body) || text.len == 0 ||
	    frame->started || r->anchors.len > 0)
		return false;
	copy = heap_alloc(os_heap(r->os), text.len);
	memcpy(copy, text.ptr, text.len);
	r->anchors = slice_of(copy, text.len);
	return true;
}

static void on_start(struct frame *frame)
{
	struct resolver *r = frame->owner;
	const struct config *config = frame->config;
	const struct os_dns_options options = { config->dns_servers.list, config->dns_servers.n,
	    config->dns_validate, r->anchors };
	int result = os_dns_start(r->os, &options);

	if (result < 0) {
		frame_fatal(frame, "the DNS library does not take its settings; look at "
		    "dns.servers and dns.trust_anchor");
		return;
	}
	frame_ready(frame);
}

static void on_drain(struct frame *frame, uint32_t grace_ms)
{
	frame_drained(frame);
}

static const struct frame_handler handler = {
	.keeper = on_keeper,
	.start = on_start,
	.drain = on_drain,
	.peer_left = on_peer_left,
	.peer_message = on_peer_message,
};

void resolver_start(struct os *os, int channel, unsigned index)
{
	struct resolver *r = heap_new(os_heap(os), struct resolver);

	r->os = os;
	list_init(&r->asking);
	r->patience = (struct os_timer){ .fire = on_patience, .owner = r };
	frame_init(&r->frame, os, ROLE_RESOLVER, index, channel, &handler, r);
}
