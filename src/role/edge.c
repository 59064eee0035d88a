/* role/edge.c - the edge: accepts connections, speaks SMTP, and POP3 and IMAP until
 * login, hands HTTP's to the web; commits messages to the journal segment that the router gave it.
 *
 *   create -> CERTIFICATE, LISTENERs -> START (confined) -> accept ... -> drain
 *
 * It opens no file and connects to nobody: all it holds it was handed. */
#include <errno.h>
#include <string.h>

#include "base/check.h"
#include "role/edge_impl.h"
#include "role/role.h"

/* ---- who may come in ---- */

void edge_session_gone(struct edge *e, struct session *s)
{
	check(e->n_sessions > 0);
	e->n_sessions--;
	shares_close(&e->shares, &s->shares);
}

/* One line that fits into any socket's buffer; under TLS there is no line yet. */
static void turn_away(struct edge *e, int fd, enum service service, const char *why)
{
	bool smtp = service == SERVICE_SMTP || service == SERVICE_SUBMISSION;
	const slice http = slice_lit("HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\n"
	    "Content-Length: 0\r\nConnection: close\r\n\r\n");
	const char *bye = smtp ? "421 4.7.0 " : service == SERVICE_IMAP ? "* BYE [UNAVAILABLE] " :
	    "-ERR [SYS/TEMP] ";
	slice parts[3] = { slice_from(bye), slice_from(why), slice_lit("\r\n") };

	if (smtp || service == SERVICE_POP3 || service == SERVICE_IMAP)
		os_write(e->os, fd, parts, 3);
	else if (service == SERVICE_HTTP)
		os_write(e->os, fd, &http, 1);
	os_close(e->os, fd);
}

/* ---- listeners ---- */

/* How many more sessions there may be, that of fd included. A quarter of the
 * descriptors is for those who are in; the system gives the lowest one first. */
static size_t free_places(const struct edge *e, int fd)
{
	size_t sessions_max = e->frame.config->sessions_max, fds = e->fds_max / 4 * 3;
	size_t sessions = sessions_max > e->n_sessions ? sessions_max - e->n_sessions : 0;
	size_t descriptors = fds > (size_t)fd ? fds - (size_t)fd : 0;

	return sessions < descriptors ? sessions : descriptors;
}

/* NULL: there is no session of it. */
static struct session *accept_one(struct edge *e, int fd, const struct os_address *peer,
    enum service service)
{
	static const char *const why[] = {
		[SHARES_FULL] = "Too many connections, try again later",
		[SHARES_PEER] = "Too many connections from your address",
		[SHARES_NETWORK] = "Too many connections from your network",
		[SHARES_OFTEN] = "Too many new connections, try again later",
	};
	uint64_t now_ms = os_now_ms(e->os);
	struct session_shares shares;
	size_t free = service == SERVICE_HTTP ? edge_http_places(e, free_places(e, fd)) :
	    free_places(e, fd);
	enum shares_answer answer = shares_open(&e->shares, e->frame.config, free, peer->ip,
	    now_ms, &shares);
	char text[OS_IP_TEXT];

	e->n_connections++;
	if (answer == SHARES_OK && service == SERVICE_HTTP) {
		edge_http_open(e, fd, peer, shares);
		return NULL;
	}
	if (answer == SHARES_OK) {
		e->n_sessions++;
		return edge_session_open(e, fd, peer, service, shares);
	}
	e->n_turned_away++;
	turn_away(e, fd, service, why[answer]);
	if (!shares_note(&e->shares, answer, peer->ip, now_ms))
		return NULL;
	os_ip_print(peer->ip, text, sizeof text);
	os_log(e->os, OS_WARN, "%s: turned away (said once a minute): %s peer=%s",
	    service_name(service), why[answer], text);
	return NULL;
}

/* The web of a mock has a message to send. */
static bool on_smtp(struct edge *e, struct ipc_message *message)
{
	struct os_address peer = { .port = 0 };
	slice ip = get_raw(&message->body, sizeof peer.ip);
	slice user = get_slice(&message->body, SASL_LOGIN_MAX);
	struct session *s;

	if (!bytes_end(&message->body) || !e->frame.config->mock)
		return false;
	memcpy(peer.ip, ip.ptr, sizeof peer.ip);
	if (e->draining)
		return true;
	s = accept_one(e, ipc_take_fd(message), &peer, SERVICE_SMTP);
	if (s != NULL)
		edge_user_told(s, user);
	return true;
}

static void watch_listener(struct edge_listener *l)
{
	if (l->watching || !l->edge->frame.started || l->edge->draining ||
	    (l->service == SERVICE_HTTP && !edge_http_room(l->edge)))
		return;
	os_watch_start(l->edge->os, &l->watch, l->fd, OS_READABLE);
	l->watching = true;
}

static void unwatch_listener(struct edge_listener *l)
{
	if (l->watching)
		os_watch_stop(l->edge->os, &l->watch);
	l->watching = false;
}

static void on_connection(struct os_watch *watch, int events)
{
	struct edge_listener *l = watch->owner;
	struct edge *e = l->edge;

	for (unsigned i = 0; i < EDGE_ACCEPTS_PER_TURN && !e->draining; i++) {
		struct os_address peer;
		int fd;

		if (l->service == SERVICE_HTTP && !edge_http_room(e)) {
			unwatch_listener(l);
			return;
		}
		fd = os_accept(e->os, l->fd, &peer);
		if (fd >= 0) {
			accept_one(e, fd, &peer, l->service);
			continue;
		}
		/* Out of descriptors: wait until a session has gone. */
		if (fd == -EMFILE || fd == -ENFILE) {
			os_log(e->os, OS_WARN, "out of descriptors: %zu sessions", e->n_sessions);
			unwatch_listener(l);
		}
		return;
	}
}

static void watch_all(struct edge *e)
{
	list_for (at, &e->listeners)
		watch_listener(list_item(at, struct edge_listener, link));
}

static bool on_listener(struct edge *e, struct ipc_message *message)
{
	unsigned service = get_u8(&message->body);
	slice address = get_slice(&message->body, IPC_TEXT_MAX);
	struct edge_listener *l;
	unsigned char *copy;

	if (!bytes_end(&message->body) || service >= SERVICE_CONTROL)
		return false;
	l = heap_new(e->heap, struct edge_listener);
	copy = heap_alloc(e->heap, address.len);
	memcpy(copy, address.ptr, address.len);
	*l = (struct edge_listener){ .edge = e, .fd = ipc_take_fd(message),
	    .service = (enum service)service, .address = slice_of(copy, address.len) };
	l->watch = (struct os_watch){ .ready = on_connection, .owner = l };
	list_append(&e->listeners, &l->link);
	watch_listener(l);
	return true;
}

static void drop_listener(struct edge *e, struct edge_listener *l)
{
	unwatch_listener(l);
	os_close(e->os, l->fd);
	list_remove(&l->link);
	heap_free(e->heap, (void *)(uintptr_t)l->address.ptr);
	heap_free(e->heap, l);
}

static bool on_unlisten(struct edge *e, struct ipc_message *message)
{
	unsigned service = get_u8(&message->body);
	slice address = get_slice(&message->body, IPC_TEXT_MAX);

	if (!bytes_end(&message->body))
		return false;
	list_for (at, &e->listeners) {
		struct edge_listener *l = list_item(at, struct edge_listener, link);

		if (l->service == service && slice_equal(l->address, address))
			drop_listener(e, l);
	}
	return true;
}

/* ---- certificate and configuration ---- */

static bool on_certificate(struct edge *e, struct ipc_message *message)
{
	slice chain = get_slice(&message->body, IPC_BODY_MAX);
	slice key = get_slice(&message->body, IPC_BODY_MAX);
	char error[TLS_ERROR_TEXT];
	struct tls_context *tls;

	if (!bytes_end(&message->body))
		return false;
	tls = tls_server_context(e->heap, chain, key, error, sizeof error);
	if (tls == NULL) {
		frame_fatal(&e->frame, "certificate: %s", error);
		return true;
	}
	if (e->tls != NULL)
		tls_context_unref(e->tls);
	e->tls = tls;
	return true;
}

static void take_config(struct edge *e)
{
	const struct config *c = e->frame.config;
	unsigned recipients = c->recipients_max < JOURNAL_RECIPIENTS_MAX ? c->recipients_max :
	    JOURNAL_RECIPIENTS_MAX;
	/* A mock takes any password, and so can prove that it knows none. */
	bool scram = c->password_scram && !c->mock;

	for (unsigned i = 0; i < sizeof e->smtp / sizeof e->smtp[0]; i++) {
		bool submission = i != SMTP_RELAY_IN;

		e->smtp[i] = (struct smtp_server_config){ .service = (enum smtp_service)i,
		    .hostname = c->hostname, .message_size_max = c->message_size_max,
		    .recipients_max = recipients, .errors_max = c->errors_max,
		    .starttls = e->tls != NULL, .auth = submission || c->mock, .scram = scram,
		    .auth_required = submission, .lenient = edge_lenient(e) };
	}
	e->pop3 = (struct pop3_server_config){ .hostname = c->hostname, .stls = e->tls != NULL,
	    .scram = scram, .errors_max = c->errors_max };
	e->imap = (struct imap_server_config){ .hostname = c->hostname,
	    .starttls = e->tls != NULL, .scram = scram, .errors_max = c->errors_max,
	    .append_max = c->message_size_max };
	e->clocks[CLOCK_GREETING].duration_ms = c->greeting_delay_ms;
	e->clocks[CLOCK_SMTP].duration_ms = (uint64_t)c->session_timeout_s * 1000;
	e->clocks[CLOCK_POP3].duration_ms = (uint64_t)c->pop3_timeout_s * 1000;
	e->clocks[CLOCK_IMAP].duration_ms = EDGE_IMAP_LOGIN_MS;
	/* The store says that time is up, and waits as long for that to leave. */
	e->clocks[CLOCK_POP3_PUMP].duration_ms = 2 * (uint64_t)c->pop3_timeout_s * 1000 +
	    STREAM_END_MS;
	e->clocks[CLOCK_IMAP_PUMP].duration_ms = 2 * (uint64_t)c->imap_timeout_s * 1000 +
	    STREAM_END_MS;
	e->fruitless_ms = (uint64_t)c->fruitless_s * 1000;
}

static bool on_keeper(struct frame *frame, struct ipc_message *message)
{
	struct edge *e = frame->owner;

	switch (message->type) {
	case IPC_CERTIFICATE:
		return on_certificate(e, message);
	case IPC_LISTENER:
		return on_listener(e, message);
	case IPC_UNLISTEN:
		return on_unlisten(e, message);
	default:
		return false;
	}
}

static void on_start(struct frame *frame)
{
	struct edge *e = frame->owner;

	take_config(e);
	watch_all(e);
	frame_ready(frame);
}

static void on_reload(struct frame *frame)
{
	take_config(frame->owner);
}

/* ---- peers ---- */

static void on_joined(struct frame *frame, struct ipc_channel *peer)
{
	if (ipc_peer_kind(peer) == ROLE_ROUTER)
		edge_journal_router_came(frame->owner);
	else if (ipc_peer_kind(peer) == ROLE_WEB)
		edge_check_drained(frame->owner);
}

static void on_left(struct frame *frame, struct ipc_channel *peer)
{
	if (ipc_peer_kind(peer) == ROLE_ROUTER)
		edge_journal_router_left(frame->owner);
	else if (ipc_peer_kind(peer) == ROLE_DIRECTORY)
		edge_directory_left(frame->owner);
	else if (ipc_peer_kind(peer) == ROLE_WEB)
		edge_web_left(frame->owner);
}

static bool on_space(struct edge *e, struct ipc_message *message)
{
	e->router_full = get_u8(&message->body) != 0;
	return bytes_end(&message->body);
}

static bool on_message(struct frame *frame, struct ipc_channel *peer, struct ipc_message *message)
{
	struct edge *e = frame->owner;

	switch (message->type) {
	case IPC_RECIPIENT_IS:
	case IPC_OWNS_IS:
	case IPC_LOGIN_IS:
	case IPC_SALT_IS:
	case IPC_PROOF_IS:
		return edge_on_answer(e, message);
	case IPC_SEGMENT:
		return edge_journal_on_segment(e, message);
	case IPC_SPOOL:
		return edge_on_spool(e, message);
	case IPC_SPACE:
		return on_space(e, message);
	case IPC_SMTP:
		return on_smtp(e, message);
	case IPC_HTTP_IS:
		return edge_on_http_is(e, message);
	default:
		return false;
	}
}

/* ---- drain ---- */

void edge_check_drained(struct edge *e)
{
	if (!e->draining) {
		watch_all(e);
		return;
	}
	if (e->drained || e->n_sessions > 0 || !edge_journal_idle(e))
		return;
	e->drained = true;
	os_timer_stop(e->os, &e->grace);
	edge_journal_end(e);
	frame_drained(&e->frame);
}

static void on_grace(struct os_timer *timer)
{
	struct edge *e = timer->owner;

	list_for (at, &e->sessions)
		edge_session_kill(list_item(at, struct session, link));
	edge_check_drained(e);
}

static void on_drain(struct frame *frame, uint32_t grace_ms)
{
	struct edge *e = frame->owner;

	e->draining = true;
	list_for (at, &e->listeners)
		drop_listener(e, list_item(at, struct edge_listener, link));
	os_timer_start(e->os, &e->grace, grace_ms);
	list_for (at, &e->sessions) {
		struct session *s = list_item(at, struct session, link);

		if (!s->greeted) {
			edge_session_kill(s);
			continue;
		}
		s->protocol->drain(s);
		edge_session_wake(s);
	}
	edge_check_drained(e);
}

/* ---- create ---- */

static void count(struct frame *frame, uint64_t values[COUNTERS])
{
	const struct edge *e = frame->owner;

	values[COUNTER_EDGE_SESSIONS] = e->n_sessions;
	values[COUNTER_EDGE_CONNECTIONS] = e->n_connections;
	values[COUNTER_EDGE_TURNED_AWAY] = e->n_turned_away;
	values[COUNTER_EDGE_ACCEPTED] = e->n_accepted;
	values[COUNTER_EDGE_ACCEPTED_BYTES] = e->accepted_bytes;
	values[COUNTER_EDGE_REJECTED] = e->n_refused;
}

static const struct frame_handler handler = {
	.keeper = on_keeper, .start = on_start, .reload = on_reload, .drain = on_drain,
	.count = count,
	.peer_joined = on_joined, .peer_left = on_left, .peer_message = on_message,
};

static void free_zstd(void *context)
{
	ZSTD_freeCCtx(context);
}

void edge_start(struct os *os, int channel, unsigned index)
{
	struct edge *e = heap_new(os_heap(os), struct edge);
	unsigned char secret[16];

	e->os = os;
	e->heap = os_heap(os);
	list_init(&e->listeners);
	list_init(&e->sessions);
	list_init(&e->dead);
	list_init(&e->spool_wanted);
	os_random(os, secret, sizeof secret);
	shares_init(&e->shares, e->heap, os_random_u64(os), secret);
	e->fds_max = os_descriptors_max(os);
	e->transaction_last = os_random_u64(os);
	e->session_last = os_random_u64(os);
	e->visit_last = os_random_u64(os);
	e->requests = table_init(e->heap, os_random_u64(os));
	e->visits = table_init(e->heap, os_random_u64(os));
	e->grace = (struct os_timer){ .fire = on_grace, .owner = e };
	e->bury = (struct os_defer){ .run = edge_bury, .owner = e };
	e->zstd = ZSTD_createCCtx();
	check(e->zstd != NULL);
	heap_on_drop(e->heap, free_zstd, e->zstd);
	edge_clocks_init(e);
	edge_journal_init(e);
	frame_init(&e->frame, os, ROLE_EDGE, index, channel, &handler, e);
}
