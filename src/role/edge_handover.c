/* role/edge_handover.c - who is logged in, by POP3 or IMAP, goes to the account's store.
 *
 *   LOGIN asked -> granted -> (output gone) -> ADOPT
 *   PROOF asked -> the server's own proof, an empty line -> granted ...
 *
 * A plain connection goes as it is: the socket, and what was read of it. Under
 * TLS the store gets one end of a pair, and this session turns into a pump that
 * carries bytes between the client's TLS and the other end; neither side is read
 * faster than the other takes. The store keeps the time. The pump has a longer
 * one: behind a client that reads nothing it does not see that the store left. */
#include <errno.h>

#include "base/check.h"
#include "base/text.h"
#include "role/edge_impl.h"

/* ---- the pump ---- */

/* From one stream to the other, as much as fits. */
static size_t pump(struct stream *to, slice in)
{
	size_t room = stream_room(to);

	if (in.len > room)
		in = slice_head(in, room);
	if (in.len > 0)
		stream_write(to, in);
	return in.len;
}

static size_t inner_data(struct stream *inner, slice in)
{
	struct session *s = stream_owner(inner);
	size_t n;

	if (s->dead || s->ending)
		return in.len;
	n = pump(s->stream, in);
	edge_session_lives(s, n);
	if (n < in.len)
		stream_pause(inner);    /* so that its end waits for what is left */
	return n;
}

static void inner_drained(struct stream *inner)
{
	struct session *s = stream_owner(inner);

	if (!s->dead && !s->ending)
		stream_resume(s->stream);
}

/* The store said goodbye: what it sent goes out, then the client's side ends. */
static void inner_closed(struct stream *inner, int error)
{
	struct session *s = stream_owner(inner);

	s->inner_closed = true;
	edge_session_end(s);
}

static const struct stream_handler inner_handler = { inner_data, inner_drained, NULL,
    inner_closed };

static size_t pump_feed(struct session *s, slice in)
{
	return in.len > 0 && !s->inner_closed ? pump(s->inner, in) : 0;
}

static bool pump_events(struct session *s)
{
	return false;
}

static bool pump_waits(struct session *s)
{
	return !s->inner_closed && stream_room(s->inner) == 0;
}

static slice pump_output(struct session *s)
{
	return (slice){ 0 };
}

static bool pump_lives(struct session *s, size_t n)
{
	return true;
}

static void pump_nothing(struct session *s)
{
}

static void pump_sent(struct session *s, size_t n)
{
	check(n == 0);
}

static void pump_drained(struct session *s)
{
	if (!s->inner_closed)
		stream_resume(s->inner);
}

/* Each keeps the time of what it carries. */
#define PUMP(kind) { \
	.feed = pump_feed, .events = pump_events, .waits = pump_waits, \
	.lives = pump_lives, .clock = (kind), \
	.output = pump_output, .sent = pump_sent, .greet = pump_nothing, \
	.secured = pump_nothing, .timeout = edge_session_kill, .drain = pump_nothing, \
	.drained = pump_drained, .closed = pump_nothing, \
}

static const struct session_protocol pop3_pump = PUMP(CLOCK_POP3_PUMP);
static const struct session_protocol imap_pump = PUMP(CLOCK_IMAP_PUMP);

/* ---- the hand-over ---- */

/* The store will not have it, now. */
static void refuse(struct session *s, const char *words)
{
	s->granted = false;
	s->protocol->unavailable(s, slice_from(words));
}

static void send_adopt(struct session *s, struct ipc_channel *store, slice unread, int fd)
{
	struct buffer *out = ipc_begin(store, IPC_ADOPT);
	struct session_passport passport = s->protocol->passport(s);

	put_u64(out, s->nonce);
	put_u8(out, (uint8_t)s->service);
	put_u8(out, (uint8_t)((s->secure ? ADOPT_TLS : 0) | (s->loopback ? ADOPT_LOOPBACK : 0) |
	    passport.flags));
	buffer_add(out, slice_of(s->ip, sizeof s->ip));
	put_slice(out, passport.greeting);
	put_slice(out, unread);
	ipc_end(store, fd);
}

static void hand_over_plain(struct session *s, struct ipc_channel *store)
{
	slice unread;
	int fd = stream_release(s->stream, &unread);

	if (fd < 0)
		return;                 /* broken in this turn: its end follows */
	check(unread.len <= SESSION_UNREAD_MAX);
	send_adopt(s, store, unread, fd);
	edge_session_died(s);
}

/* What the client sent behind its password stays in its stream, and is offered
 * to the pump. */
static void hand_over_tls(struct session *s, struct ipc_channel *store)
{
	struct edge *e = s->edge;
	int fds[2];
	int error = os_stream_pair(e->os, fds);

	if (error == 0 && (size_t)fds[1] >= e->fds_max / 8 * 7) {
		os_close(e->os, fds[0]);
		os_close(e->os, fds[1]);
		error = -EMFILE;
	}
	if (error < 0) {
		refuse(s, "no connection to the mailbox, try again later");
		return;
	}
	send_adopt(s, store, (slice){ 0 }, fds[1]);
	s->protocol->closed(s);
	s->protocol = service_is_imap(s->service) ? &imap_pump : &pop3_pump;
	s->granted = false;
	edge_session_touch(s, s->protocol->clock);
	s->inner = stream_create(e->os, fds[0], EDGE_PUMP_MAX, EDGE_PUMP_MAX, &inner_handler, s);
	/* The store answers while we still send: who waits first would wait for both. */
	stream_read_always(s->inner);
	stream_acknowledge(s->stream, true);
	stream_resume(s->stream);
}

void edge_handover_try(struct session *s)
{
	struct ipc_channel *store;

	/* Nothing of ours may still be on its way to the client. */
	if (!s->granted || s->dead || s->ending || s->protocol->output(s).len > 0 ||
	    stream_unsent(s->stream) > 0)
		return;
	store = frame_peer(&s->edge->frame, ROLE_STORE, s->store);
	if (store == NULL)
		refuse(s, "the mailbox is not there right now, try again later");
	else if (s->secure)
		hand_over_tls(s, store);
	else
		hand_over_plain(s, store);
}

/* ---- login ---- */

static void on_grant(struct os_defer *defer)
{
	struct session *s = defer->owner;

	s->granted = true;
	edge_session_wake(s);
}

void edge_handover_grant(struct session *s)
{
	s->grant = (struct os_defer){ .run = on_grant, .owner = s };
	os_defer(s->edge->os, &s->grant);
}

const struct directory_verdict_row *edge_handover_answer(struct session *s,
    const struct answer *answer, char *ret_words, size_t size)
{
	const struct directory_verdict_row *row = directory_verdict_row(answer->verdict);

	if (answer->verdict == DIRECTORY_OK && answer->store < STORES_MAX) {
		/* SCRAM's client still wants to see the server's proof. */
		s->granted = answer->ask == SASL_ASK_PASSWORD;
		s->store = answer->store;
		s->nonce = answer->nonce;
		return NULL;
	}
	edge_log_login(s, answer->verdict);
	text_printable(answer->words.len > 0 ? answer->words : slice_from(row->words), ret_words,
	    size);
	return row;
}
