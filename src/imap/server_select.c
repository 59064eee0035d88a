/* imap/server_select.c - SELECT and EXAMINE (RFC 9051 s6.3.2, s6.3.3; CONDSTORE and QRESYNC, RFC 7162),
 * CLOSE, UNSELECT, ENABLE, COMPRESS. */
#include <stdio.h>

#include "base/check.h"
#include "base/limits.h"
#include "imap/mailbox.h"
#include "imap/server_impl.h"

/* What SELECT has in parentheses. */
struct selecting {
	slice name;
	bool condstore, qresync;
	uint64_t uidvalidity;
	slice known;                    /* UIDs that the client has; empty: it did not say */
	struct imap_vanishing gone;
	bool told;                      /* all of it */
	uint32_t changed;
};

void imap_unselect(struct imap_server *s)
{
	imap_sync_stop(s);
	if (s->view == NULL)
		return;
	imap_view_unref(s->view);
	s->view = NULL;
	s->n = 0;
	imap_forget_recent(s);
	heap_free(s->heap, s->saved);
	s->saved = NULL;
	s->n_saved = 0;
	s->flags_told = false;
	if (s->state == IMAP_SELECTED)
		s->state = IMAP_AUTHENTICATED;
	s->host->unselect(s->host->context);
}

void imap_use_condstore(struct imap_server *s)
{
	if (s->condstore)
		return;
	s->condstore = true;
	if (s->state == IMAP_SELECTED)
		imap_untagged(s, "OK [HIGHESTMODSEQ %llu] noted", (unsigned long long)s->modseq);
}

/* ---- its arguments ---- */

/* known-uids, then pairs of numbers and UIDs, which help to find what vanished; they are not
 * needed where that is known. */
static bool take_known(struct imap_parse *p, struct selecting *job)
{
	slice numbers, uids;

	if (!imap_sees(p, ' '))
		return true;
	if (!imap_take_space(p))
		return false;
	if (!imap_sees(p, '(')) {
		if (!imap_take_set(p, &job->known))
			return false;
		if (!imap_sees(p, ' '))
			return true;
		if (!imap_take_space(p))
			return false;
	}
	return imap_take(p, '(', "a list of numbers and UIDs") && imap_take_set(p, &numbers) &&
	    imap_take_space(p) && imap_take_set(p, &uids) && imap_take(p, ')', "its end");
}

static bool take_param(struct imap_parse *p, struct selecting *job)
{
	if (imap_skip_word(p, "CONDSTORE")) {
		job->condstore = true;
		return true;
	}
	if (!imap_take_word(p, "QRESYNC"))
		return false;
	job->qresync = job->condstore = true;
	return imap_take_space(p) && imap_take(p, '(', "what is known of the mailbox") &&
	    imap_take_nz_number(p, UINT32_MAX, &job->uidvalidity) && imap_take_space(p) &&
	    imap_take_number(p, INT64_MAX, &job->gone.modseq) && take_known(p, job) &&
	    imap_take(p, ')', "its end");
}

static bool take_arguments(struct imap_server *s, struct imap_parse *p, struct selecting *job)
{
	if (!imap_take_space(p) || !imap_take_mailbox(p, s->utf8 || s->rev2, &job->name))
		return false;
	if (!imap_sees(p, ' '))
		return imap_take_end(p);
	if (!imap_take_space(p) || !imap_take(p, '(', "parameters in parentheses"))
		return false;
	do {
		if (!take_param(p, job))
			return false;
	} while (imap_sees(p, ' ') && imap_take_space(p));
	return imap_take(p, ')', "the end of the parameters") && imap_take_end(p);
}

/* ---- what it tells ---- */

void imap_tell_flags(struct imap_server *s)
{
	struct imap_writer w = imap_writer(s);
	uint64_t all = (1u << IMAP_KEYWORD_BIT) - 1;

	for (unsigned bit = IMAP_KEYWORD_BIT; bit < IMAP_FLAG_BITS; bit++) {
		if (s->host->keyword(s->host->context, bit).ptr != NULL)
			all |= UINT64_C(1) << bit;
	}
	imap_put(&w, slice_lit("* FLAGS "));
	imap_put_flags(&w, s, all, false);
	imap_put(&w, slice_lit("\r\n* OK [PERMANENTFLAGS "));
	if (s->read_only) {
		imap_put(&w, slice_lit("()] read-only\r\n"));
		return;
	}
	imap_put_flags(&w, s, all, false);
	if (!s->host->keywords_full(s->host->context)) {
		buffer_truncate(&s->out, buffer_bytes(&s->out).len - 1);
		imap_put(&w, slice_lit(" \\*)"));
	}
	imap_put(&w, slice_lit("] flags that stay\r\n"));
}

/* Of the first few messages only: a client that asks for more has SEARCH. */
static void tell_unseen(struct imap_server *s)
{
	struct imap_message m;

	for (uint32_t i = 0; i < s->n && i < IMAP_UNSEEN_SCAN; i++) {
		if (s->host->message(s->host->context, imap_view_uid(s->view, i), &m) &&
		    (m.flags & IMAP_SEEN) == 0) {
			imap_untagged(s, "OK [UNSEEN %u] the first unseen", i + 1);
			return;
		}
	}
}

static void tell_mailbox(struct imap_server *s, const struct imap_mailbox *mailbox)
{
	struct imap_writer w = imap_writer(s);

	imap_tell_keywords(s);
	imap_untagged(s, "%u EXISTS", s->n);
	if (!s->rev2) {
		imap_untagged(s, "%u RECENT", imap_count_recent(s));
		if (mailbox->unseen > 0)
			tell_unseen(s);
	}
	imap_untagged(s, "OK [UIDVALIDITY %u] UIDs are of this", mailbox->uidvalidity);
	imap_untagged(s, "OK [UIDNEXT %u] the next UID", mailbox->uid_next);
	imap_untagged(s, "OK [HIGHESTMODSEQ %llu] the last change", (unsigned long long)s->modseq);
	imap_untagged(s, "OK [MAILBOXID (M%u)] its name for ever", mailbox->uidvalidity);
	if (s->rev2) {
		imap_put(&w, slice_lit("* LIST () \"/\" "));
		imap_put_mailbox(&w, s, mailbox->name);
		imap_put(&w, slice_lit("\r\n"));
	}
}

/* ---- QRESYNC: what changed while the client was away ---- */

/* False: it goes on later. */
static bool tell_absent(struct imap_server *s, struct imap_vanishing *job)
{
	struct imap_set_writer set = { .out = &s->out };
	uint32_t limit = s->n > 0 ? imap_view_uid(s->view, s->n - 1) : 0, ranges = 0;
	struct imap_mailbox mailbox;
	struct imap_view *view;

	if (s->host->view(s->host->context, &view, &mailbox) && mailbox.uid_next > 0)
		limit = mailbox.uid_next - 1;
	while (job->absent < limit && ranges < IMAP_SET_LINE) {
		uint32_t first = job->absent + 1;
		uint32_t at = imap_view_below(s->view, s->n, first);
		uint32_t next = at < s->n ? imap_view_uid(s->view, at) : limit + 1;

		if (next > first && (job->known == NULL ||
		    imap_set_overlaps(job->known, first, next - 1))) {
			if (ranges++ == 0)
				buffer_add(&s->out, slice_lit("* VANISHED (EARLIER) "));
			imap_set_add(&set, first, next - 1);
		}
		job->absent = next;
	}
	if (ranges > 0) {
		imap_set_finish(&set);
		buffer_add(&s->out, slice_lit("\r\n"));
	}
	return job->absent >= limit;
}

bool imap_tell_vanished(struct imap_server *s, struct imap_vanishing *job)
{
	const struct imap_host *host = s->host;
	uint32_t first, last, ranges = 0;
	bool more = true, all = false;

	if (job->all)
		return tell_absent(s, job);
	while (more && ranges < IMAP_SET_LINE && !imap_yields(s, 1)) {
		more = host->vanished(host->context, job->modseq, job->at++, &first, &last,
		    &all);
		if (!more || all || (job->known != NULL &&
		    !imap_set_overlaps(job->known, first, last))) {
			more = more && !all;
			continue;
		}
		buffer_printf(&s->out, "%s%u", ranges++ == 0 ? "* VANISHED (EARLIER) " : ",", first);
		if (first != last)
			buffer_printf(&s->out, ":%u", last);
	}
	if (ranges > 0)
		buffer_add(&s->out, slice_lit("\r\n"));
	job->all = all;
	return !more && !all;
}

static bool tell_changed(struct imap_server *s, struct selecting *job)
{
	const struct imap_host *host = s->host;
	struct imap_writer w = imap_writer(s);

	while (imap_room(s) && !imap_yields(s, 1)) {
		struct imap_message m;
		uint32_t number;

		job->changed = host->changed(host->context, job->gone.modseq, job->changed);
		if (job->changed == 0)
			return true;
		number = imap_view_find(s->view, s->n, job->changed);
		if (number == 0 || !host->message(host->context, job->changed, &m) ||
		    (job->gone.known != NULL && !imap_set_has(job->gone.known, job->changed)))
			continue;
		buffer_printf(&s->out, "* %u FETCH (UID %u FLAGS ", number, m.uid);
		imap_put_flags(&w, s, m.flags, imap_is_recent(s, m.uid));
		buffer_printf(&s->out, " MODSEQ (%llu))\r\n", (unsigned long long)m.modseq);
	}
	return false;
}

static void selected(struct imap_server *s)
{
	imap_finish(s, "OK", s->read_only ? "READ-ONLY" : "READ-WRITE", "%s done", s->row->name);
}

static void qresync_step(struct imap_server *s)
{
	struct selecting *job = s->job;

	if (!job->told) {
		job->told = imap_tell_vanished(s, &job->gone);
		return;
	}
	if (tell_changed(s, job))
		selected(s);
}

/* ---- the commands ---- */

static void open_mailbox(struct imap_server *s, struct selecting *job)
{
	const struct imap_host *host = s->host;
	struct imap_mailbox mailbox;
	struct imap_view *view;

	if (!host->find(host->context, job->name, &mailbox) || !mailbox.exists) {
		imap_finish_result(s, IMAP_NO_MAILBOX, false);
		return;
	}
	host->select(host->context, mailbox.number);
	if (!host->view(host->context, &view, &mailbox)) {
		host->unselect(host->context);
		imap_finish_result(s, IMAP_NO_MAILBOX, false);
		return;
	}
	s->state = IMAP_SELECTED;
	s->mailbox = mailbox.number;
	s->view = imap_view_ref(view);
	s->n = view->n;
	imap_charge(s, s->n);
	s->modseq = mailbox.highest_modseq;
	imap_claim_recent(s);
	tell_mailbox(s, &mailbox);
	if (job->qresync && job->uidvalidity == mailbox.uidvalidity)
		s->step = qresync_step;
	else
		selected(s);
}

static void run_select(struct imap_server *s, struct imap_parse *p, bool read_only)
{
	struct selecting *job = arena_new(&s->arena, struct selecting, 1);
	struct imap_set *known = arena_new(&s->arena, struct imap_set, 1);

	s->job = job;
	if (!take_arguments(s, p, job)) {
		imap_finish_bad(s, p);
		return;
	}
	if (job->qresync && !s->qresync) {
		imap_finish(s, "BAD", NULL, "ENABLE QRESYNC first");
		return;
	}
	job->gone.known = job->known.len > 0 ? known : NULL;
	if (job->known.len > 0 && imap_set_read(job->known, 0, &s->arena, known) != IMAP_SET_OK) {
		imap_finish(s, "BAD", NULL, "the known UIDs are no set");
		return;
	}
	/* What was selected is not any more, whether this succeeds or not. */
	if (s->state == IMAP_SELECTED) {
		imap_unselect(s);
		imap_untagged(s, "OK [CLOSED] the mailbox before is closed");
	}
	s->condstore = s->condstore || job->condstore;
	s->read_only = read_only;
	open_mailbox(s, job);
}

void imap_on_select(struct imap_server *s, struct imap_parse *p)
{
	run_select(s, p, false);
}

void imap_on_examine(struct imap_server *s, struct imap_parse *p)
{
	run_select(s, p, true);
}

void imap_on_unselect(struct imap_server *s, struct imap_parse *p)
{
	if (!imap_take_end(p)) {
		imap_finish_bad(s, p);
		return;
	}
	imap_unselect(s);
	imap_finish_ok(s);
}

static void closed(struct imap_server *s, enum imap_result result)
{
	if (result == IMAP_DONE)
		imap_unselect(s);
	imap_finish_result(s, result, false);
}

void imap_on_close(struct imap_server *s, struct imap_parse *p)
{
	if (!imap_take_end(p))
		imap_finish_bad(s, p);
	else if (!s->read_only && imap_find_deleted(s, NULL, 0))
		imap_ask_change(s, closed);
	else
		closed(s, IMAP_DONE);
}

/* ---- ENABLE ---- */

static void enable(struct imap_server *s, slice name)
{
	static const struct {
		const char *name;
		size_t flag;            /* offset of a bool */
	} rows[] = {
		{ "IMAP4rev2", offsetof(struct imap_server, rev2) },
		{ "UTF8=ACCEPT", offsetof(struct imap_server, utf8) },
		{ "CONDSTORE", offsetof(struct imap_server, condstore) },
		{ "QRESYNC", offsetof(struct imap_server, qresync) },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		bool *flag = (bool *)((unsigned char *)s + rows[i].flag);

		if (!slice_equal_ascii(name, slice_from(rows[i].name)))
			continue;
		if (!*flag)
			buffer_printf(&s->out, " %s", rows[i].name);
		*flag = true;
	}
}

void imap_on_enable(struct imap_server *s, struct imap_parse *p)
{
	struct imap_parse again;
	bool before = s->condstore;
	slice name;

	if (!imap_take_space(p) || !imap_take_atom(p, &name)) {
		imap_finish_bad(s, p);
		return;
	}
	again = *p;
	while (imap_sees(p, ' ') && imap_take_space(p)) {
		slice other;

		if (!imap_take_atom(p, &other))
			break;
	}
	if (!imap_take_end(p)) {
		imap_finish_bad(s, p);
		return;
	}
	buffer_add(&s->out, slice_lit("* ENABLED"));
	enable(s, name);
	while (imap_take_space(&again) && imap_take_atom(&again, &name))
		enable(s, name);
	s->condstore = s->condstore || s->qresync;      /* named or not */
	buffer_add(&s->out, slice_lit("\r\n"));
	if (s->condstore && !before && s->state == IMAP_SELECTED)
		imap_untagged(s, "OK [HIGHESTMODSEQ %llu] noted", (unsigned long long)s->modseq);
	imap_finish_ok(s);
}

void imap_on_compress(struct imap_server *s, struct imap_parse *p)
{
	if (!imap_take_space(p) || !imap_take_word(p, "DEFLATE") || !imap_take_end(p)) {
		imap_finish_bad(s, p);
	} else if (s->compressed) {
		imap_finish(s, "NO", "COMPRESSIONACTIVE", "it is compressed already");
	} else if (!s->config->compress) {
		imap_finish(s, "NO", "CANNOT", "not here");
	} else {
		buffer_add(&s->out, s->tag);
		buffer_add(&s->out, slice_lit(" OK DEFLATE from here\r\n"));
		s->compressed = true;
		imap_command_over(s);
		imap_raise(s, (struct imap_event){ .kind = IMAP_EVENT_COMPRESS });
	}
}
