/* imap/server_drive.h - plays the edge and the store around server engines, for their test and
 * their fuzz target: some mailboxes in memory, seen by several sessions; changes are made at
 * once.
 *
 * The password is "secret"; everything else is refused. */
#ifndef IMAP_SERVER_DRIVE_H
#define IMAP_SERVER_DRIVE_H

#include <string.h>

#include "base/check.h"
#include "imap/mailbox.h"
#include "imap/server.h"

enum { DRIVE_SESSIONS = 3, DRIVE_BOXES = 12, DRIVE_MESSAGES = 200, DRIVE_KEYWORDS = 4, DRIVE_VANISHED = 400, DRIVE_STORE = 20 };

struct drive_message {
	uint32_t box;                   /* its number; 0xFFFF: gone */
	struct imap_message m;
	slice text;                     /* of the heap */
};

struct drive_box {
	bool used;
	char name[64];
	struct imap_mailbox info;
	struct imap_view *view;
};

struct drive_vanished {
	uint32_t box, uid;
	uint64_t modseq;
};

struct drive;

struct drive_session {
	struct drive *d;
	struct imap_server *s;
	struct imap_host host;
	struct buffer in, out;          /* given, not consumed; all that was sent */
	int box;                        /* selected; -1: none */
	bool tls_wanted, closed, compressed;
	/* APPEND */
	struct buffer text[4];
	struct drive_message appended[4];
	size_t n_appended;
	uint32_t append_box;
};

struct drive {
	struct heap *heap;
	struct imap_server_config config;
	struct drive_session sessions[DRIVE_SESSIONS];
	struct drive_box boxes[DRIVE_BOXES];
	struct drive_message messages[DRIVE_MESSAGES];
	size_t n;
	char keywords[DRIVE_KEYWORDS][32];
	struct drive_vanished vanished[DRIVE_VANISHED];
	size_t n_vanished;
	uint32_t uid_next, uidvalidity;
	uint64_t modseq;
	size_t send_max;                /* bytes that leave at once */
	bool fail_changes;              /* the disk is broken */
	bool fail_text;
	bool boundless;                 /* no quota */
	bool full;                      /* it is used up */
	struct buffer events;           /* in words */
};

/* ---- the host ---- */

static inline int drive_find_box(struct drive *d, slice name)
{
	for (int i = 0; i < DRIVE_BOXES; i++) {
		if (d->boxes[i].used && imap_name_same(slice_from(d->boxes[i].name), name))
			return i;
	}
	return -1;
}

static inline void drive_count(struct drive *d, int i, struct imap_mailbox *ret)
{
	struct drive_box *box = &d->boxes[i];

	*ret = box->info;
	ret->number = (uint32_t)i;
	ret->name = slice_from(box->name);
	for (size_t k = 0; k < d->n; k++) {
		const struct drive_message *m = &d->messages[k];

		if (m->box != (uint32_t)i)
			continue;
		ret->messages++;
		ret->bytes += m->m.size;
		ret->unseen += (m->m.flags & IMAP_SEEN) == 0;
		ret->deleted += (m->m.flags & IMAP_DELETED) != 0;
		ret->deleted_bytes += (m->m.flags & IMAP_DELETED) != 0 ? m->m.size : 0;
		ret->recent += m->m.uid >= box->info.recent_from;
	}
}

static inline bool drive_mailbox(void *context, size_t i, struct imap_mailbox *ret)
{
	struct drive *d = ((struct drive_session *)context)->d;

	for (int k = 0; k < DRIVE_BOXES; k++) {
		if (d->boxes[k].used && i-- == 0) {
			drive_count(d, k, ret);
			return true;
		}
	}
	return false;
}

static inline bool drive_find(void *context, slice name, struct imap_mailbox *ret)
{
	struct drive *d = ((struct drive_session *)context)->d;
	int i = drive_find_box(d, name);

	if (i >= 0)
		drive_count(d, i, ret);
	return i >= 0;
}

static inline void drive_select(void *context, uint32_t number)
{
	((struct drive_session *)context)->box = (int)number;
}

static inline void drive_unselect(void *context)
{
	((struct drive_session *)context)->box = -1;
}

static inline bool drive_view(void *context, struct imap_view **ret_view, struct imap_mailbox *ret)
{
	struct drive_session *session = context;
	struct drive *d = session->d;

	check(session->box >= 0);
	if (!d->boxes[session->box].used || !d->boxes[session->box].info.exists)
		return false;
	*ret_view = d->boxes[session->box].view;
	drive_count(d, session->box, ret);
	return true;
}

static inline uint32_t drive_recent(void *context, uint32_t before)
{
	struct drive_session *session = context;
	struct imap_mailbox *info = &session->d->boxes[session->box].info;
	uint32_t from = info->recent_from;

	if (before > from)
		info->recent_from = before;
	return from;
}

static inline struct drive_message *drive_at(struct drive *d, int box, uint32_t uid)
{
	for (size_t i = 0; i < d->n; i++) {
		if (d->messages[i].box == (uint32_t)box && d->messages[i].m.uid == uid)
			return &d->messages[i];
	}
	return NULL;
}

static inline bool drive_message(void *context, uint32_t uid, struct imap_message *ret)
{
	struct drive_session *session = context;
	const struct drive_message *m = drive_at(session->d, session->box, uid);

	if (m != NULL)
		*ret = m->m;
	return m != NULL;
}

static inline uint32_t drive_changed(void *context, uint64_t modseq, uint32_t after)
{
	struct drive_session *session = context;
	uint32_t uid = 0;

	for (size_t i = 0; i < session->d->n; i++) {
		const struct drive_message *m = &session->d->messages[i];

		if (m->box == (uint32_t)session->box && m->m.modseq > modseq && m->m.uid > after &&
		    (uid == 0 || m->m.uid < uid))
			uid = m->m.uid;
	}
	return uid;
}

static inline bool drive_vanished(void *context, uint64_t modseq, size_t i, uint32_t *ret_first,
    uint32_t *ret_last, bool *ret_all)
{
	struct drive_session *session = context;
	struct drive *d = session->d;

	*ret_all = false;
	for (size_t k = 0; k < d->n_vanished; k++) {
		if (d->vanished[k].box != (uint32_t)session->box || d->vanished[k].modseq <= modseq ||
		    i-- > 0)
			continue;
		*ret_first = *ret_last = d->vanished[k].uid;
		return true;
	}
	return false;
}

static inline slice drive_keyword(void *context, unsigned bit)
{
	struct drive *d = ((struct drive_session *)context)->d;

	if (bit < IMAP_KEYWORD_BIT || bit >= IMAP_KEYWORD_BIT + DRIVE_KEYWORDS ||
	    d->keywords[bit - IMAP_KEYWORD_BIT][0] == '\0')
		return (slice){ 0 };
	return slice_from(d->keywords[bit - IMAP_KEYWORD_BIT]);
}

static inline int drive_keyword_bit(void *context, slice name)
{
	for (unsigned bit = IMAP_KEYWORD_BIT; bit < IMAP_FLAG_BITS; bit++) {
		slice is = drive_keyword(context, bit);

		if (is.ptr != NULL && slice_equal_ascii(is, name))
			return (int)bit;
	}
	return -1;
}

static inline bool drive_keywords_full(void *context)
{
	return drive_keyword(context, IMAP_KEYWORD_BIT + DRIVE_KEYWORDS - 1).ptr != NULL;
}

static inline void drive_quota(void *context, struct imap_quota *ret)
{
	struct drive_session *session = context;

	*ret = (struct imap_quota){ .bytes = session->d->full ? 1024 * 1024 : 2048,
		.bytes_max = session->d->boundless ? 0 : 1024 * 1024 };
}

static inline int64_t drive_now(void *context)
{
	return 1000000000;
}

/* ---- making things ---- */

static inline uint32_t drive_add(struct drive *d, int box, slice text, uint64_t flags,
    int64_t received_s)
{
	struct drive_message *m = &d->messages[d->n];
	unsigned char *copy;

	if (d->n == DRIVE_MESSAGES)
		return 0;
	d->n++;
	copy = heap_alloc(d->heap, text.len + 1);
	if (text.len > 0)
		memcpy(copy, text.ptr, text.len);
	*m = (struct drive_message){ .box = (uint32_t)box, .text = slice_of(copy, text.len) };
	m->m = (struct imap_message){ .uid = d->uid_next++, .flags = flags, .modseq = ++d->modseq,
		.received_us = received_s * 1000000, .saved_s = 999999999, .size = text.len,
		.email_high = 1, .email_low = m->m.uid };
	d->boxes[box].info.uid_next = m->m.uid + 1;
	d->boxes[box].info.highest_modseq = d->modseq;
	imap_view_add(d->boxes[box].view, m->m.uid);
	return m->m.uid;
}

static inline int drive_make_box(struct drive *d, slice name)
{
	unsigned char room[IMAP_NAME_MAX];
	int i = 0;

	name = imap_name_spelt(name, room);
	while (i < DRIVE_BOXES && d->boxes[i].used)
		i++;
	if (i == DRIVE_BOXES || name.len >= sizeof d->boxes[0].name)
		return -1;
	d->boxes[i] = (struct drive_box){ .used = true, .view = imap_view_create(d->heap, 0) };
	memcpy(d->boxes[i].name, name.ptr, name.len);
	d->boxes[i].info = (struct imap_mailbox){ .exists = true, .uidvalidity = d->uidvalidity++,
		.uid_next = 1, .recent_from = 1, .highest_modseq = ++d->modseq };
	return i;
}

static inline void drive_new_view(struct drive *d, int box)
{
	struct imap_view *view = imap_view_create(d->heap, 4);

	for (size_t i = 0; i < d->n; i++) {
		if (d->messages[i].box == (uint32_t)box)
			imap_view_add(view, d->messages[i].m.uid);
	}
	imap_view_unref(d->boxes[box].view);
	d->boxes[box].view = view;
	d->boxes[box].info.highest_modseq = d->modseq;
}

static inline void drive_gone(struct drive *d, struct drive_message *m)
{
	check(d->n_vanished < DRIVE_VANISHED);
	d->vanished[d->n_vanished++] = (struct drive_vanished){ m->box, m->m.uid, d->modseq };
	m->box = 0xFFFF;
}

/* ---- changes ---- */

static inline uint64_t drive_flags(struct drive_session *session, const struct imap_flags *flags)
{
	uint64_t bits = flags->bits;

	for (size_t i = 0; i < flags->n; i++) {
		int bit = drive_keyword_bit(session, flags->keywords[i]);

		for (unsigned k = 0; bit < 0 && k < DRIVE_KEYWORDS; k++) {
			char *name = session->d->keywords[k];

			if (name[0] != '\0' || flags->keywords[i].len >= 32)
				continue;
			memcpy(name, flags->keywords[i].ptr, flags->keywords[i].len);
			bit = (int)(IMAP_KEYWORD_BIT + k);
		}
		if (bit >= 0)
			bits |= UINT64_C(1) << bit;
	}
	return bits;
}

static inline void drive_store(struct drive_session *session, struct imap_change *change)
{
	struct drive *d = session->d;
	uint64_t bits = drive_flags(session, &change->flags);
	uint32_t modified[DRIVE_MESSAGES];
	size_t kept = 0, n_modified = 0;
	unsigned changes = 0;

	change->modseq_first = ++d->modseq;
	for (size_t i = 0; i < change->n; i++) {
		struct drive_message *m = drive_at(d, session->box, change->uids[i]);
		uint64_t before;

		if (m == NULL)
			continue;
		if (change->conditional && m->m.modseq > change->unchanged_since) {
			modified[n_modified++] = change->uids[i];
			continue;
		}
		before = m->m.flags;
		m->m.flags = change->op == IMAP_FLAGS_SET ? bits : change->op == IMAP_FLAGS_ADD ?
		    before | bits : before & ~bits;
		/* A record has room for so many. */
		if (m->m.flags != before && changes++ % DRIVE_STORE == DRIVE_STORE - 1)
			d->modseq++;
		if (m->m.flags != before)
			m->m.modseq = d->modseq;
		change->uids[kept++] = change->uids[i];
	}
	if (n_modified > 0)
		memcpy(change->uids + kept, modified, n_modified * sizeof *modified);
	change->n = kept;
	change->n_modified = n_modified;
	change->modseq = changes > 0 ? d->modseq : 0;
	if (changes > 0)
		d->boxes[session->box].info.highest_modseq = d->modseq;
}

static inline enum imap_result drive_copy(struct drive_session *session, struct imap_change *change)
{
	struct drive *d = session->d;
	int to = drive_find_box(d, change->name);
	size_t kept = 0;

	if (to < 0 || !d->boxes[to].info.exists)
		return IMAP_NO_MAILBOX;
	change->uid_first = d->uid_next;
	change->uidvalidity = d->boxes[to].info.uidvalidity;
	for (size_t i = 0; i < change->n; i++) {
		struct drive_message *m = drive_at(d, session->box, change->uids[i]);

		if (m == NULL)
			continue;
		if (drive_add(d, to, m->text, m->m.flags, m->m.received_us / 1000000) == 0)
			return IMAP_LIMIT;
		change->uids[kept++] = change->uids[i];
		if (change->kind == IMAP_MOVE)
			drive_gone(d, m);
	}
	change->n = kept;
	change->modseq = d->modseq;
	drive_new_view(d, session->box);
	return IMAP_DONE;
}

static inline void drive_expunge(struct drive_session *session, struct imap_change *change)
{
	struct drive *d = session->d;
	size_t kept = 0;

	d->modseq++;
	for (size_t i = 0; i < change->n; i++) {
		struct drive_message *m = drive_at(d, session->box, change->uids[i]);

		if (m == NULL || (m->m.flags & IMAP_DELETED) == 0)
			continue;
		drive_gone(d, m);
		change->uids[kept++] = change->uids[i];
	}
	change->n = kept;
	change->modseq = d->modseq;
	drive_new_view(d, session->box);
}

static inline enum imap_result drive_rename(struct drive *d, struct imap_change *change)
{
	int from = drive_find_box(d, change->name);
	unsigned char room[IMAP_NAME_MAX];
	slice name;

	if (from < 0 || !d->boxes[from].info.exists)
		return IMAP_NO_MAILBOX;
	if (drive_find_box(d, change->new_name) >= 0)
		return IMAP_EXISTS;
	if (from == 0 || change->new_name.len >= sizeof d->boxes[0].name)
		return IMAP_CANNOT;
	memset(d->boxes[from].name, 0, sizeof d->boxes[from].name);
	name = imap_name_spelt(change->new_name, room);
	memcpy(d->boxes[from].name, name.ptr, name.len);
	return IMAP_DONE;
}

static inline void drive_delete(struct drive *d, int i)
{
	for (size_t k = 0; k < d->n; k++) {
		if (d->messages[k].box == (uint32_t)i)
			d->messages[k].box = 0xFFFF;
	}
	imap_view_unref(d->boxes[i].view);
	d->boxes[i].view = imap_view_create(d->heap, 0);
	d->boxes[i].info.exists = false;
	d->boxes[i].used = d->boxes[i].info.subscribed;
	if (!d->boxes[i].used) {
		imap_view_unref(d->boxes[i].view);
		d->boxes[i].view = NULL;
	}
}

static inline enum imap_result drive_mailbox_change(struct drive *d, struct imap_change *change)
{
	int i = drive_find_box(d, change->name);

	switch (change->kind) {
	case IMAP_CREATE:
		if (i >= 0 && d->boxes[i].info.exists)
			return IMAP_EXISTS;
		if (i >= 0)
			d->boxes[i].info.exists = true;
		else
			i = drive_make_box(d, change->name);
		if (i < 0)
			return IMAP_LIMIT;
		d->boxes[i].info.use = change->use;
		return IMAP_DONE;
	case IMAP_DELETE:
		if (i < 0 || !d->boxes[i].info.exists)
			return IMAP_NO_MAILBOX;
		drive_delete(d, i);
		return IMAP_DONE;
	case IMAP_SUBSCRIBE:
	case IMAP_UNSUBSCRIBE:
		if (i < 0)
			return IMAP_NO_MAILBOX;
		d->boxes[i].info.subscribed = change->kind == IMAP_SUBSCRIBE;
		return IMAP_DONE;
	default:
		return drive_rename(d, change);
	}
}

static inline enum imap_result drive_change(struct drive_session *session,
    struct imap_change *change)
{
	if (session->d->fail_changes)
		return IMAP_LATER;
	switch (change->kind) {
	case IMAP_FLAGS:
		drive_store(session, change);
		return IMAP_DONE;
	case IMAP_COPY:
		return session->d->full ? IMAP_OVER_QUOTA : drive_copy(session, change);
	case IMAP_MOVE:
		return drive_copy(session, change);
	case IMAP_EXPUNGE:
		drive_expunge(session, change);
		return IMAP_DONE;
	default:
		return drive_mailbox_change(session->d, change);
	}
}

static inline void drive_poke_all(struct drive *d)
{
	for (size_t i = 0; i < DRIVE_SESSIONS; i++) {
		if (d->sessions[i].s != NULL)
			imap_server_poke(d->sessions[i].s);
	}
}

/* ---- APPEND ---- */

static inline void drive_drop(struct drive_session *session)
{
	for (size_t i = 0; i < 4; i++)
		buffer_free(&session->text[i]);
	session->n_appended = 0;
}

static inline enum imap_result drive_append(struct drive_session *session,
    const struct imap_append *append)
{
	struct drive *d = session->d;
	int box = drive_find_box(d, append->name);

	check(append->number == session->n_appended);
	if (box < 0 || !d->boxes[box].info.exists)
		return IMAP_NO_MAILBOX;
	if (session->n_appended == 4)
		return IMAP_LIMIT;
	if (d->full)
		return IMAP_OVER_QUOTA;
	session->append_box = (uint32_t)box;
	session->appended[session->n_appended] = (struct drive_message){ 0 };
	session->appended[session->n_appended].m.flags = drive_flags(session, &append->flags);
	session->appended[session->n_appended].m.received_us = append->dated ? append->received_s : 7;
	session->appended[session->n_appended++].m.size = append->size;
	return IMAP_DONE;
}

static inline void drive_commit(struct drive_session *session)
{
	struct drive *d = session->d;
	int box = (int)session->append_box;
	uint32_t first = d->uid_next, n = (uint32_t)session->n_appended;

	if (d->fail_changes || d->n + n > DRIVE_MESSAGES) {
		drive_drop(session);
		imap_server_appended(session->s, IMAP_LATER, 0, 0, 0);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		const struct drive_message *m = &session->appended[i];

		check(buffer_bytes(&session->text[i]).len == m->m.size);
		drive_add(d, box, buffer_bytes(&session->text[i]), m->m.flags, m->m.received_us);
	}
	drive_drop(session);
	imap_server_appended(session->s, IMAP_DONE, d->boxes[box].info.uidvalidity, first, n);
	drive_poke_all(d);
}

/* ---- events ---- */

static inline void drive_half(struct drive_session *session, struct imap_work *work)
{
	for (size_t i = 0; i < work->n; i++) {
		const struct drive_message *m = drive_at(session->d, session->box,
		    work->items[i].message.uid);

		if (m == NULL)
			imap_work_message(work, i, IMAP_TEXT_GONE, (slice){ 0 });
		else if (session->d->fail_text)
			imap_work_message(work, i, IMAP_TEXT_IO, (slice){ 0 });
		else
			imap_work_message(work, i, IMAP_TEXT_OK, m->text);
	}
}

/* The second half is done first: it may be. */
static inline void drive_work(struct drive_session *session, struct imap_work *work)
{
	if (work->beside != NULL)
		drive_half(session, work->beside);
	drive_half(session, work);
	imap_server_worked(session->s, work);
}

static inline void drive_log_in(struct drive_session *session)
{
	struct drive *d = session->d;
	bool secure = true;
	char tag[100];
	slice is = imap_server_tag(session->s);

	check(is.len < sizeof tag);
	memcpy(tag, is.ptr, is.len);
	imap_server_destroy(session->s);
	session->s = imap_server_create(d->heap, &d->config, secure, false);
	imap_server_resume(session->s, &session->host, slice_of(tag, is.len), slice_lit("alice"));
}

/* A proof of 32 zeros is right, and so is the signature of so many. */
static inline void drive_scram(struct imap_server *s, const struct imap_event *e)
{
	static const struct sasl_salt salt = { .iterations = 4096, .exporter = slice_lit("bound") };

	if (e->ask == SASL_ASK_SALT)
		imap_server_salted(s, &salt);
	else if (memcmp(e->secret.ptr, salt.salt, sizeof salt.salt) == 0)
		imap_server_proved(s, slice_of((unsigned char[SCRAM_HASH_LEN]){ 0 }, SCRAM_HASH_LEN));
	else
		imap_server_login_refused(s, "AUTHENTICATIONFAILED", slice_lit("wrong name or password"));
}

static inline void drive_event(struct drive_session *session, const struct imap_event *e)
{
	struct drive *d = session->d;
	enum imap_result result;

	switch (e->kind) {
	case IMAP_EVENT_LOGGED_IN:
		drive_log_in(session);
		break;
	case IMAP_EVENT_LOGIN:
		if (e->ask != SASL_ASK_PASSWORD)
			drive_scram(session->s, e);
		else if (slice_equal(e->secret, slice_lit("secret")))
			drive_log_in(session);
		else
			imap_server_login_refused(session->s, "AUTHENTICATIONFAILED",
			    slice_lit("wrong name or password"));
		break;
	case IMAP_EVENT_STARTTLS:
		session->tls_wanted = true;
		break;
	case IMAP_EVENT_CHANGE:
		result = drive_change(session, e->change);
		imap_server_changed(session->s, result);
		drive_poke_all(d);
		break;
	case IMAP_EVENT_APPEND:
		imap_server_append_ready(session->s, drive_append(session, e->append));
		break;
	case IMAP_EVENT_TEXT:
		check(session->n_appended > 0);
		buffer_add(&session->text[session->n_appended - 1], e->text);
		break;
	case IMAP_EVENT_COMMIT:
		drive_commit(session);
		break;
	case IMAP_EVENT_DROP:
		drive_drop(session);
		break;
	case IMAP_EVENT_WORK:
		drive_work(session, e->work);
		break;
	case IMAP_EVENT_COMPRESS:
		session->compressed = true;
		break;
	case IMAP_EVENT_BYE:
		check(!session->closed);
		session->closed = true;
		break;
	}
}

static inline bool drive_send(struct drive_session *session)
{
	slice out = imap_server_output(session->s);

	if (out.len > session->d->send_max)
		out = slice_head(out, session->d->send_max);
	if (out.len == 0)
		return false;
	buffer_add(&session->out, out);
	imap_server_sent(session->s, out.len);
	return true;
}

/* Let an engine go as far as it can. */
static inline bool drive_run_one(struct drive_session *session)
{
	bool any = false, moved;

	do {
		struct imap_event event;
		size_t used = imap_server_feed(session->s, buffer_bytes(&session->in));

		moved = used > 0;
		buffer_consume(&session->in, used);
		while (imap_server_next(session->s, &event)) {
			drive_event(session, &event);
			moved = true;
		}
		moved = imap_server_run(session->s) || moved;
		imap_server_turn(session->s);
		moved = drive_send(session) || moved;
		any = any || moved;
	} while (moved);
	return any;
}

static inline void drive_run(struct drive *d)
{
	bool moved;

	do {
		moved = false;
		for (size_t i = 0; i < DRIVE_SESSIONS; i++)
			moved = (d->sessions[i].s != NULL && drive_run_one(&d->sessions[i])) || moved;
	} while (moved);
}

static inline void drive_feed(struct drive *d, size_t session, slice part)
{
	buffer_add(&d->sessions[session].in, part);
	drive_run(d);
}

/* ---- life ---- */

static inline void drive_open(struct drive *d, size_t i, bool secure)
{
	struct drive_session *session = &d->sessions[i];

	*session = (struct drive_session){ .d = d, .box = -1 };
	session->in = buffer_init(d->heap, SIZE_MAX);
	session->out = buffer_init(d->heap, SIZE_MAX);
	for (size_t k = 0; k < 4; k++)
		session->text[k] = buffer_init(d->heap, SIZE_MAX);
	session->host = (struct imap_host){ .context = session, .mailbox = drive_mailbox,
		.find = drive_find, .select = drive_select, .unselect = drive_unselect,
		.view = drive_view, .recent = drive_recent, .message = drive_message, .changed = drive_changed,
		.vanished = drive_vanished, .keyword = drive_keyword,
		.keyword_bit = drive_keyword_bit, .keywords_full = drive_keywords_full,
		.quota = drive_quota, .now_s = drive_now };
	session->s = imap_server_create(d->heap, &d->config, secure, false);
}

static inline void drive_start(struct drive *d)
{
	d->heap = heap_create(SIZE_MAX);
	d->config = (struct imap_server_config){ .hostname = slice_lit("mx.test"), .starttls = true,
		.compress = true, .errors_max = 5, .append_max = 100000 };
	d->events = buffer_init(d->heap, SIZE_MAX);
	d->uid_next = 1;
	d->uidvalidity = 100;
	d->modseq = 1;
	drive_make_box(d, slice_lit("INBOX"));
	d->boxes[0].info.subscribed = true;
}

static inline void drive_stop(struct drive *d)
{
	for (size_t i = 0; i < DRIVE_SESSIONS; i++)
		imap_server_destroy(d->sessions[i].s);
	heap_drop(d->heap);
}

/* The handshake is through, if one was asked for. */
static inline void drive_secure(struct drive *d, size_t i)
{
	if (!d->sessions[i].tls_wanted)
		return;
	d->sessions[i].tls_wanted = false;
	imap_server_secured(d->sessions[i].s);
	drive_run(d);
}

#endif
