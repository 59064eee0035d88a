/* role/store_session.c - logins and connections meet, and become sessions.
 *
 * The directory says "nonce N is account A", an edge says "this descriptor is
 * nonce N". They come on two channels, so either may be first; the first waits
 * STORE_NONCE_MS. A nonce is good for one connection. */
#include <string.h>

#include "journey/event.h"
#include "role/store_imap.h"

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
	buffer_free(&nonce->login);
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

static void add_nonce(struct store *s, uint64_t number, uint64_t account, slice login,
    struct session *session)
{
	struct nonce *nonce = heap_new(s->heap, struct nonce);

	if (s->n_nonces >= STORE_NONCES_MAX)
		drop_nonce(s, list_item(s->nonces.next, struct nonce, link));
	nonce->number = number;
	nonce->account = account;
	nonce->login = buffer_init(s->heap, SEALED_ADDRESS_MAX);
	buffer_add(&nonce->login, login);
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

	session->kind->free(session);
	os_timer_stop(s->os, &session->timer);
	if (session->stream != NULL)
		stream_destroy(session->stream);
	if (session->fd >= 0)
		os_close(s->os, session->fd);
	buffer_free(&session->in);
	buffer_free(&session->tag);
	buffer_free(&session->login);
	list_remove(&session->link);
	heap_free(s->heap, session);
	s->n_sessions--;
	store_drain_check(s);
}

static void on_end(struct os_defer *defer)
{
	session_free(defer->owner);
}

static void join_box(struct session *session, uint64_t account);

static void leave_box(struct session *session)
{
	struct box *box = session->box;
	struct list *next;

	session->kind->leave(session);
	session->box = NULL;
	list_remove(&session->queue);
	list_remove(&session->in_box);
	if (box == NULL)
		return;
	if (session->imap != NULL) {
		box_step(box);
		boxes_limit(session->store);
		return;
	}
	box->session = NULL;
	next = list_take_first(&box->next);
	if (next != NULL)
		join_box(list_item(next, struct session, queue), box->id);
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
		leave_box(session);
	}
	/* A work that runs reads with this session's memory: it calls again. */
	if (!session->kind->busy(session))
		os_defer(session->store->os, &session->end);
}

void sessions_end(struct store *s)
{
	list_for(at, &s->sessions)
		session_over(list_item(at, struct session, link));
}

/* Half a message takes memory: it is waited for as SMTP waits. */
void store_session_touch(struct session *session)
{
	const struct config *config = session->store->frame.config;
	unsigned seconds = session->imap == NULL ? config->pop3_timeout_s :
	    session->imap->append == NULL ? config->imap_timeout_s : config->session_timeout_s;

	os_timer_start(session->store->os, &session->timer, 1000ULL * seconds);
}

/* RFC 1939 s3: the client said nothing for too long; no UPDATE. Or it waited in
 * vain for the mailbox. */
static void on_timeout(struct os_timer *timer)
{
	struct session *session = timer->owner;

	if (session->state == SESSION_QUEUE) {
		list_remove(&session->queue);
		store_session_touch(session);
		session->kind->refuse(session, REFUSE_IN_USE);
		return;
	}
	/* A second time: not even our last words went out. */
	if (session->stream == NULL || session->quitting) {
		session_over(session);
		return;
	}
	store_session_touch(session);
	session->kind->timeout(session);
}

static struct session *session_create(struct store *s, int fd, enum service service,
    uint8_t flags, slice tag, slice unread)
{
	struct session *session = heap_new(s->heap, struct session);

	session->store = s;
	session->fd = fd;
	session->flags = flags;
	session->tag = buffer_init(s->heap, IMAP_TAG_MAX);
	buffer_add(&session->tag, tag);
	session->login = buffer_init(s->heap, SEALED_ADDRESS_MAX);
	session->in = buffer_init(s->heap, IN_MAX);
	buffer_add(&session->in, unread);
	session->timer = (struct os_timer){ .fire = on_timeout, .owner = session };
	session->end = (struct os_defer){ .run = on_end, .owner = session };
	list_init(&session->reading.link);
	list_init(&session->queue);
	list_init(&session->in_box);
	list_append(&s->sessions, &session->link);
	s->n_sessions++;
	session->kind = service_is_imap(service) ? &session_imap : &session_pop3;
	if (session->kind->create != NULL)
		session->kind->create(session);
	return session;
}

/* What an import brings it compares with what is there: the one before it, of which the last
 * message may still be on its way, must be over. */
static bool alone_is_taken(const struct box *box)
{
	list_for(at, &box->imap) {
		if (list_item(at, struct session, in_box)->flags & ADOPT_ALONE)
			return true;
	}
	return false;
}

/* limit.sessions_per_account: those that meet it, also POP3's that wait for the box. */
static bool is_crowded(const struct box *box)
{
	unsigned n = box->session != NULL && !box->session->trusted;
	unsigned max = box->store->frame.config->sessions_per_account;

	list_for(at, &box->imap)
		n += !list_item(at, struct session, in_box)->trusted;
	list_for(at, &box->next)
		n += !list_item(at, struct session, queue)->trusted;
	return max > 0 && n >= max;
}

/* One POP3 session has the box, any number of IMAP's; together, as many as one account may. */
static void join_box(struct session *session, uint64_t account)
{
	struct box *box = box_get(session->store, account);

	store_session_touch(session);
	if (box->removing) {
		session->kind->refuse(session, REFUSE_REMOVED);
		return;
	}
	if (!session->trusted && session->state == SESSION_LOGIN && is_crowded(box)) {
		session->kind->refuse(session, REFUSE_MANY);
		return;
	}
	if (session->imap != NULL && (session->flags & ADOPT_ALONE) && alone_is_taken(box)) {
		session->kind->refuse(session, REFUSE_IN_USE);
		return;
	}
	if (session->imap == NULL && box->session != NULL) {
		session->state = SESSION_QUEUE;
		list_append(&box->next, &session->queue);
		os_timer_start(session->store->os, &session->timer, STORE_IN_USE_MS);
		return;
	}
	session->box = box;
	session->state = SESSION_BOX;
	session->flight = box->boarded + 1;
	if (session->imap != NULL)
		list_append(&box->imap, &session->in_box);
	else
		box->session = session;
	box->flush_failed = false;
	box_step(box);
}

/* The account is known: the session begins. */
static void bind(struct session *session, uint64_t account, slice login)
{
	buffer_add(&session->login, login);
	join_box(session, account);
}

/* ---- those of one box ---- */

bool box_has_sessions(const struct box *box)
{
	return box->session != NULL || !list_empty(&box->imap);
}

static bool waits(const struct session *session)
{
	return session != NULL && session->state == SESSION_BOX;
}

/* Of IMAP's: they are last in the list, for all of them get the box at once. There may be
 * thousands before them. The list's head: none waits. */
static struct list *first_waiting(struct box *box)
{
	struct list *at = &box->imap;

	while (at->prev != &box->imap && waits(list_item(at->prev, struct session, in_box)))
		at = at->prev;
	return at;
}

bool box_is_awaited(struct box *box)
{
	return waits(box->session) || first_waiting(box) != &box->imap;
}

/* All that was there when it asked is to be durable; and for IMAP, which tells its clients
 * of UIDVALIDITY, the account itself. */
static bool wants_flight(const struct session *session)
{
	const struct box *box = session->box;
	const struct account *a = box->account;

	if (session->imap != NULL && (a->state.head.uidvalidity == 0 || a->head_block != NULL))
		return true;
	return a->n_changes > 0 && (a->changes[0].kept || (int)(session->flight - box->landed) > 0);
}

bool sessions_want_flight(struct box *box)
{
	if (waits(box->session) && wants_flight(box->session))
		return true;
	for (struct list *at = first_waiting(box); at != &box->imap; at = at->next) {
		if (wants_flight(list_item(at, struct session, in_box)))
			return true;
	}
	return false;
}

/* It loses its box, and says why. */
static void session_dismiss(struct session *session, enum session_refusal why)
{
	struct box *box = session->box;

	session->kind->leave(session);
	list_remove(&session->in_box);
	if (box->session == session)
		box->session = NULL;
	session->box = NULL;
	store_session_touch(session);
	session->kind->refuse(session, why);
}

void sessions_ready(struct box *box)
{
	if (waits(box->session))
		box->session->kind->speak(box->session);
	for (struct list *at = first_waiting(box), *next; at != &box->imap; at = next) {
		struct session *session = list_item(at, struct session, in_box);

		next = at->next;
		if (!waits(session))
			continue;       /* one before it stepped the box */
		if (box->account->state.head.uidvalidity == 0)
			session_dismiss(session, REFUSE_LATER);
		else
			session->kind->speak(session);
	}
}

/* With those who wait for the same box: it is the same for them. */
static void refuse_pop3(struct box *box, enum session_refusal why)
{
	struct list *next;

	session_dismiss(box->session, why);
	while ((next = list_take_first(&box->next)) != NULL) {
		struct session *session = list_item(next, struct session, queue);

		store_session_touch(session);
		session->kind->refuse(session, why);
	}
}

void sessions_refuse(struct box *box, enum session_refusal why, bool all)
{
	if (waits(box->session))
		refuse_pop3(box, why);
	list_for(at, &box->imap) {
		struct session *session = list_item(at, struct session, in_box);

		if (all || waits(session))
			session_dismiss(session, why);
	}
}

void box_wake_sessions(struct box *box)
{
	list_for(at, &box->imap)
		imap_wake(list_item(at, struct session, in_box)->imap);
}

void sessions_drain(struct store *s)
{
	list_for(at, &s->sessions) {
		struct session *session = list_item(at, struct session, link);

		if (session->imap != NULL)
			imap_wake(session->imap);
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

/* ---- messages ---- */

bool store_login(struct store *s, struct ipc_message *message)
{
	struct bytes *in = &message->body;
	uint64_t number = get_u64(in), account = get_u64(in);
	slice login = get_slice(in, SEALED_ADDRESS_MAX);
	struct session *session;
	struct nonce *nonce;

	if (!bytes_end(in) ||
	    account_store(account, s->frame.config->stores) != s->frame.index)
		return false;
	nonce = table_get(&s->nonce_table, table_key(number));
	if (nonce == NULL) {
		add_nonce(s, number, account, login, NULL);
		return true;
	}
	session = nonce->session;
	nonce_free(s, nonce);
	if (session == NULL)
		return false;           /* the same nonce twice */
	bind(session, account, login);
	return true;
}

/* One line that fits into any socket's buffer. */
static void turn_away(struct store *s, enum service service, int fd)
{
	slice words = service_is_imap(service) ?
	    slice_lit("* BYE [UNAVAILABLE] Too many sessions, try again later\r\n") :
	    slice_lit("-ERR [SYS/TEMP] Too many sessions, try again later\r\n");

	os_write(s->os, fd, &words, 1);
	os_close(s->os, fd);
}

bool store_adopt(struct store *s, struct ipc_message *message)
{
	static const unsigned char nowhere[16];         /* an administrator's */
	struct bytes *in = &message->body;
	uint64_t number = get_u64(in);
	uint8_t service = get_u8(in), flags = get_u8(in);
	struct session *session;
	struct nonce *nonce;
	slice ip, tag, unread;

	ip = get_raw(in, 16);
	tag = get_slice(in, IMAP_TAG_MAX);
	unread = get_slice(in, SESSION_UNREAD_MAX);
	if (!bytes_end(in) || (!service_is_pop3(service) && !service_is_imap(service)))
		return false;
	if (s->frame.draining || s->n_sessions >= STORE_SESSIONS_MAX ||
	    !boxes_leave_descriptor(s)) {
		turn_away(s, service, ipc_take_fd(message));
		return true;
	}
	nonce = table_get(&s->nonce_table, table_key(number));
	if (nonce != NULL && nonce->session != NULL)
		return false;           /* two connections for one login */
	session = session_create(s, ipc_take_fd(message), service, flags, tag, unread);
	session->trusted = memcmp(ip.ptr, nowhere, sizeof nowhere) == 0 ||
	    config_trusts(s->frame.config, ip.ptr);
	if (nonce == NULL) {
		add_nonce(s, number, 0, (slice){ 0 }, session);
		return true;
	}
	bind(session, nonce->account, buffer_bytes(&nonce->login));
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
	sessions_refuse(box, REFUSE_REMOVED, true);
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
