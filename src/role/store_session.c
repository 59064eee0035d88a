/* role/store_session.c - logins and connections meet, and become sessions.
 *
 * The directory says "nonce N is account A", an edge says "this descriptor is
 * nonce N". They come on two channels, so either may be first; the first waits
 * STORE_NONCE_MS. A nonce is good for one connection. */
#include "journey/event.h"
#include "role/store_session.h"

#include "account/slot.h"
#include "base/check.h"

enum { IN_MAX = SESSION_UNREAD_MAX + 4096 };

/* ---- nonces ---- */

static void nonce_free(struct store *s, struct nonce *nonce)
{
	if (nonce->session != NULL)
		nonce->session->nonce = NULL;
	table_remove(&s->nonce_table, table_key(nonce->number));
	list_remove(&nonce->link);
	heap_free(s->heap, nonce);
	s->n_nonces--;
}

static void watch_nonces(struct store *s)
{
	uint64_t now = os_now_ms(s->os);
	struct nonce *first;

	os_timer_stop(s->os, &s->nonce_timer);
	if (list_empty(&s->nonces))
		return;
	first = list_item(s->nonces.next, struct nonce, link);
	os_timer_start(s->os, &s->nonce_timer,
	    first->expires_ms > now ? first->expires_ms - now : 0);
}

static void drop_nonce(struct store *s, struct nonce *nonce)
{
	if (nonce->session != NULL)
		session_over(nonce->session);
	else
		nonce_free(s, nonce);
}

static void on_nonce_timer(struct os_timer *timer)
{
	struct store *s = timer->owner;
	uint64_t now = os_now_ms(s->os);

	list_for(at, &s->nonces) {
		struct nonce *nonce = list_item(at, struct nonce, link);

		if (nonce->expires_ms > now)
			break;
		drop_nonce(s, nonce);
	}
	watch_nonces(s);
}

static void add_nonce(struct store *s, uint64_t number, uint64_t account,
    struct session *session)
{
	struct nonce *nonce = heap_new(s->heap, struct nonce);

	if (s->n_nonces >= STORE_NONCES_MAX)
		drop_nonce(s, list_item(s->nonces.next, struct nonce, link));
	nonce->number = number;
	nonce->account = account;
	nonce->session = session;
	if (session != NULL)
		session->nonce = nonce;
	nonce->expires_ms = os_now_ms(s->os) + STORE_NONCE_MS;
	table_put(&s->nonce_table, table_key(nonce->number), nonce);
	list_append(&s->nonces, &nonce->link);
	s->n_nonces++;
	watch_nonces(s);
}

/* ---- sessions ---- */

static void session_free(struct session *session)
{
	struct store *s = session->store;

	reading_stop(session);
	os_timer_stop(s->os, &session->timer);
	if (session->stream != NULL)
		stream_destroy(session->stream);
	if (session->fd >= 0)
		os_close(s->os, session->fd);
	pop3_server_destroy(session->engine);
	buffer_free(&session->in);
	heap_free(s->heap, session->messages);
	heap_free(s->heap, session->rows);
	heap_free(s->heap, session->uidls);
	list_remove(&session->link);
	heap_free(s->heap, session);
	s->n_sessions--;
	store_drain_check(s);
}

static void on_end(struct os_defer *defer)
{
	session_free(defer->owner);
}

static void bind(struct session *session, uint64_t account);

static void leave_box(struct session *session)
{
	struct box *box = session->box;
	struct list *next;

	session->box = NULL;
	list_remove(&session->queue);
	if (box == NULL)
		return;
	box->session = NULL;
	next = list_take_first(&box->next);
	if (next != NULL)
		bind(list_item(next, struct session, queue), box->id);
	else
		box_step(box);
	boxes_limit(session->store);
}

void session_over(struct session *session)
{
	if (session->state != SESSION_OVER) {
		session->state = SESSION_OVER;
		if (session->nonce != NULL)
			nonce_free(session->store, session->nonce);
		/* Its turn to read must not come any more. */
		list_remove(&session->reading.link);
		leave_box(session);
	}
	/* A work that runs reads with this session's memory: it calls again. */
	if (!session->reading.busy)
		os_defer(session->store->os, &session->end);
}

void sessions_end(struct store *s)
{
	list_for(at, &s->sessions)
		session_over(list_item(at, struct session, link));
}

void store_session_touch(struct session *session)
{
	struct store *s = session->store;

	os_timer_start(s->os, &session->timer,
	    (uint64_t)s->frame.config->pop3_timeout_s * 1000);
}

/* RFC 1939 s3: the client said nothing for too long; no UPDATE. Or it waited in
 * vain for the mailbox. */
static void on_timeout(struct os_timer *timer)
{
	struct session *session = timer->owner;

	if (session->state == SESSION_QUEUE) {
		/* RFC 2449 s8.1.1 */
		list_remove(&session->queue);
		store_session_touch(session);
		session_refuse(session, "[IN-USE] Another session has this mailbox");
		return;
	}
	/* A second time: not even our last words went out. */
	if (session->engine == NULL || session->quitting) {
		session_over(session);
		return;
	}
	store_session_touch(session);
	pop3_server_timeout(session->engine);
	session_pump(session);
}

static struct session *session_create(struct store *s, int fd, uint8_t flags, slice unread)
{
	struct session *session = heap_new(s->heap, struct session);

	session->store = s;
	session->fd = fd;
	session->flags = flags;
	session->in = buffer_init(s->heap, IN_MAX);
	buffer_add(&session->in, unread);
	session->timer = (struct os_timer){ .fire = on_timeout, .owner = session };
	session->end = (struct os_defer){ .run = on_end, .owner = session };
	list_init(&session->reading.link);
	list_init(&session->queue);
	list_append(&s->sessions, &session->link);
	s->n_sessions++;
	return session;
}

static void bind(struct session *session, uint64_t account)
{
	struct box *box = box_get(session->store, account);

	store_session_touch(session);
	if (box->removing) {
		session_refuse(session, "[AUTH] This account was removed");
		return;
	}
	if (box->session != NULL) {
		session->state = SESSION_QUEUE;
		list_append(&box->next, &session->queue);
		os_timer_start(session->store->os, &session->timer, STORE_IN_USE_MS);
		return;
	}
	session->box = box;
	session->state = SESSION_BOX;
	box->session = session;
	box->flush_failed = false;
	box_step(box);
}

bool session_wants(const struct session *session)
{
	return session->state == SESSION_BOX || session->state == SESSION_COMMIT;
}

bool session_waits(const struct session *session)
{
	return session->state == SESSION_BOX;
}

bool session_deletes(const struct session *session)
{
	for (uint32_t i = 0; i < session->n; i++) {
		if (session->messages[i].deleted)
			return true;
	}
	return false;
}

bool session_expunges(const struct session *session)
{
	return session->state == SESSION_EXPUNGE;
}

void session_box_ready(struct session *session)
{
	check(session->state == SESSION_BOX);
	session_speak(session);
}

/* With those who wait for the same box: it is the same for them. */
void session_box_bad(struct session *session, bool later)
{
	const char *words = later ? "[SYS/TEMP] The mailbox can't be read now; try again" :
	    "[SYS/PERM] The mailbox can't be read; tell the postmaster";
	struct box *box = session->box;
	struct list *next;

	if (session->state == SESSION_COMMIT) {
		session_committed(session, false);
		return;
	}
	if (session->state != SESSION_BOX)
		return;
	box->session = NULL;
	session->box = NULL;
	session_refuse(session, words);
	while ((next = list_take_first(&box->next)) != NULL) {
		session = list_item(next, struct session, queue);
		store_session_touch(session);
		session_refuse(session, words);
	}
}

void store_tell_deleted(const struct box *box, const uint32_t *uids, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct event event;

		if (!event_begin(&event, box->store->os, "deleted"))
			return;
		event_name(&event, "account", box->id);
		event_number(&event, "uid", uids[i]);
		event_end(&event);
	}
}

void session_expunge(struct session *session)
{
	struct store *s = session->store;
	uint32_t *uids = heap_alloc(s->heap, (session->n + (size_t)1) * sizeof *uids);
	size_t n = 0;

	check(session->state == SESSION_COMMIT);
	for (uint32_t i = 0; i < session->n; i++) {
		if (session->messages[i].deleted)
			uids[n++] = session->rows[i].uid;
	}
	session->state = SESSION_EXPUNGE;
	store_tell_deleted(session->box, uids, n);
	if (account_expunge(session->box->account, ACCOUNT_INBOX, uids, n, 0) > 0)
		box_dirty(session->box, true);
	else
		session_committed(session, true);
	heap_free(s->heap, uids);
}

void session_committed(struct session *session, bool all)
{
	if (session->state != SESSION_COMMIT && session->state != SESSION_EXPUNGE)
		return;
	session->state = SESSION_OPEN;
	pop3_server_committed(session->engine, all);
	session_pump(session);
}

/* ---- messages ---- */

bool store_login(struct store *s, struct ipc_message *message)
{
	struct bytes *in = &message->body;
	uint64_t number = get_u64(in), account = get_u64(in);
	struct session *session;
	struct nonce *nonce;

	get_slice(in, SEALED_ADDRESS_MAX);
	if (!bytes_end(in) ||
	    account_store(account, s->frame.config->stores) != s->frame.index)
		return false;
	nonce = table_get(&s->nonce_table, table_key(number));
	if (nonce == NULL) {
		add_nonce(s, number, account, NULL);
		return true;
	}
	session = nonce->session;
	nonce_free(s, nonce);
	if (session == NULL)
		return false;           /* the same nonce twice */
	bind(session, account);
	return true;
}

/* One line that fits into any socket's buffer. */
static void turn_away(struct store *s, int fd)
{
	slice words = slice_lit("-ERR [SYS/TEMP] Too many sessions, try again later\r\n");

	os_write(s->os, fd, &words, 1);
	os_close(s->os, fd);
}

bool store_adopt(struct store *s, struct ipc_message *message)
{
	struct bytes *in = &message->body;
	uint64_t number = get_u64(in);
	uint8_t service = get_u8(in), flags = get_u8(in);
	struct session *session;
	struct nonce *nonce;
	slice unread;

	get_raw(in, 16);
	get_slice(in, IPC_ADOPT_MAX);
	unread = get_slice(in, SESSION_UNREAD_MAX);
	if (!bytes_end(in) || (service != SERVICE_POP3 && service != SERVICE_POP3S))
		return false;
	if (s->frame.draining || s->n_sessions >= STORE_SESSIONS_MAX ||
	    !boxes_leave_descriptor(s)) {
		turn_away(s, ipc_take_fd(message));
		return true;
	}
	nonce = table_get(&s->nonce_table, table_key(number));
	if (nonce != NULL && nonce->session != NULL)
		return false;           /* two connections for one login */
	session = session_create(s, ipc_take_fd(message), flags, unread);
	if (nonce == NULL) {
		add_nonce(s, number, 0, session);
		return true;
	}
	bind(session, nonce->account);
	nonce_free(s, nonce);
	return true;
}

bool store_removed(struct store *s, struct ipc_message *message)
{
	uint64_t account = get_u64(&message->body);
	struct box *box;

	if (!bytes_end(&message->body) ||
	    account_store(account, s->frame.config->stores) != s->frame.index)
		return false;
	box = box_get(s, account);
	box->removing = true;
	if (box->session != NULL)
		session_over(box->session);
	else
		box_step(box);
	return true;
}

void sessions_init(struct store *s)
{
	list_init(&s->sessions);
	list_init(&s->nonces);
	list_init(&s->readers);
	s->nonce_table = table_init(s->heap, os_random_u64(s->os));
	s->nonce_timer = (struct os_timer){ .fire = on_nonce_timer, .owner = s };
}
