/* imap/server_sync.c - a session's picture of its mailbox catches up with what is there
 * (RFC 9051 s5.2, s7.4.1, s7.5.1; RFC 7162 s3.2.10 VANISHED), at the end of a command and in
 * IDLE (RFC 9051 s6.3.13).
 *
 *   EXPUNGE, or VANISHED  ->  EXISTS (RECENT)  ->  FETCH (FLAGS)
 *
 * What does not fit the output waits for room: each of the three goes on where it stopped. */
#include <string.h>

#include "base/check.h"
#include "base/limits.h"
#include "imap/server_impl.h"

enum phase { PHASE_GONE, PHASE_EXISTS, PHASE_FLAGS };

/* ---- \Recent ---- */

static void note_recent(struct imap_server *s, struct imap_range range)
{
	struct imap_recent *r = &s->recent;
	struct imap_range *last = r->n > 0 ? &r->ranges[r->n - 1] : NULL;

	/* UIDs are of the whole account: what is between may be nothing of this mailbox. */
	if (last != NULL && imap_view_below(s->view, s->n, range.first) ==
	    imap_view_below(s->view, s->n, last->last + 1)) {
		last->last = range.last;
		return;
	}
	if (r->ranges == NULL)
		r->ranges = heap_alloc(s->heap, IMAP_RECENT_RANGES * sizeof *r->ranges);
	if (r->n == IMAP_RECENT_RANGES)         /* the oldest are recent no more */
		memmove(r->ranges, r->ranges + 1, --r->n * sizeof *r->ranges);
	r->ranges[r->n++] = range;
}

void imap_claim_recent(struct imap_server *s)
{
	struct imap_range range = { .last = s->n > 0 ? imap_view_uid(s->view, s->n - 1) : 0 };

	if (s->rev2 || range.last == 0)
		return;
	range.first = s->host->recent(s->host->context, s->read_only ? 0 : range.last + 1);
	if (s->recent.n > 0 && range.first <= s->recent.ranges[s->recent.n - 1].last)
		range.first = s->recent.ranges[s->recent.n - 1].last + 1;
	if (range.first <= range.last)
		note_recent(s, range);
}

bool imap_is_recent(const struct imap_server *s, uint32_t uid)
{
	const struct imap_recent *r = &s->recent;
	size_t low = 0, high = r->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (r->ranges[middle].last < uid)
			low = middle + 1;
		else
			high = middle;
	}
	return !s->rev2 && low < r->n && uid >= r->ranges[low].first;
}

uint32_t imap_count_recent(const struct imap_server *s)
{
	uint32_t n = 0;

	for (size_t i = 0; i < s->recent.n; i++)
		n += imap_view_below(s->view, s->n, s->recent.ranges[i].last + 1) -
		    imap_view_below(s->view, s->n, s->recent.ranges[i].first);
	return n;
}

void imap_forget_recent(struct imap_server *s)
{
	heap_free(s->heap, s->recent.ranges);
	s->recent = (struct imap_recent){ 0 };
}

/* ---- one round ---- */

void imap_sync_stop(struct imap_server *s)
{
	imap_view_unref(s->sync.target);
	s->sync = (struct imap_sync){ 0 };
}

void imap_sync_begin(struct imap_server *s, bool expunges)
{
	struct imap_mailbox mailbox;
	struct imap_view *view;
	bool same;

	imap_sync_stop(s);
	s->poked = false;
	if (s->state != IMAP_SELECTED)
		return;
	if (!s->host->view(s->host->context, &view, &mailbox)) {
		imap_server_refuse(s, NULL, slice_lit("the mailbox was deleted"));
		return;
	}
	same = view == s->view;
	s->sync.target = imap_view_ref(view);
	s->sync.target_n = view->n;
	s->sync.modseq = mailbox.highest_modseq;
	s->sync.last = s->n > 0 ? imap_view_uid(s->view, s->n - 1) : 0;
	s->sync.phase = same ? PHASE_EXISTS : expunges ? PHASE_GONE : PHASE_FLAGS;
	s->sync.at = 0;
}

/* ---- what is gone ---- */

static void gone_over(struct imap_server *s)
{
	struct imap_sync *sync = &s->sync;

	imap_view_unref(s->view);
	s->view = imap_view_ref(sync->target);
	s->n = imap_view_below(s->view, sync->target_n, sync->last + 1);
	sync->phase = PHASE_EXISTS;
	sync->at = 0;
}

/* From the last to the first, so that no number changes that is still to be told. sync->at
 * have been looked at. */
static void tell_expunged(struct imap_server *s)
{
	struct imap_sync *sync = &s->sync;

	for (; sync->at < s->n; sync->at++) {
		uint32_t number = s->n - sync->at, uid = imap_view_uid(s->view, number - 1);

		if (!imap_room(s) || imap_yields(s, 1))
			return;
		if (imap_view_find(sync->target, sync->target_n, uid) == 0)
			imap_untagged(s, "%u EXPUNGE", number);
	}
	gone_over(s);
}

static void tell_vanished(struct imap_server *s)
{
	struct imap_sync *sync = &s->sync;
	struct imap_set_writer set = { .out = &s->out };
	unsigned ranges = 0;

	for (; sync->at < s->n; sync->at++) {
		uint32_t uid = imap_view_uid(s->view, sync->at);

		if ((set.open.first == 0 && !imap_room(s)) || ranges == IMAP_SET_LINE)
			break;
		if (imap_view_find(sync->target, sync->target_n, uid) != 0)
			continue;
		if (ranges++ == 0)
			buffer_add(&s->out, slice_lit("* VANISHED "));
		imap_set_add(&set, uid, uid);
	}
	if (ranges > 0) {
		imap_set_finish(&set);
		buffer_add(&s->out, slice_lit("\r\n"));
	}
	if (sync->at == s->n)
		gone_over(s);
}

/* ---- what is there ---- */

static void tell_exists(struct imap_server *s)
{
	struct imap_sync *sync = &s->sync;

	if (sync->target_n > s->n) {
		s->n = sync->target_n;
		imap_claim_recent(s);
		imap_untagged(s, "%u EXISTS", s->n);
		if (!s->rev2)
			imap_untagged(s, "%u RECENT", imap_count_recent(s));
	}
	sync->phase = PHASE_FLAGS;
	sync->at = 0;
}

void imap_tell_keywords(struct imap_server *s)
{
	unsigned n = 0;

	while (IMAP_KEYWORD_BIT + n < IMAP_FLAG_BITS &&
	    s->host->keyword(s->host->context, IMAP_KEYWORD_BIT + n).ptr != NULL)
		n++;
	if (s->flags_told && n == s->keywords_told)
		return;
	imap_tell_flags(s);
	s->keywords_told = n;
	s->flags_told = true;
}

static void tell_message(struct imap_server *s, uint32_t number, const struct imap_message *m)
{
	struct imap_writer w = imap_writer(s);

	buffer_printf(&s->out, "* %u FETCH (", number);
	if (s->qresync || s->uid)
		buffer_printf(&s->out, "UID %u ", m->uid);
	imap_put(&w, slice_lit("FLAGS "));
	imap_put_flags(&w, s, m->flags, imap_is_recent(s, m->uid));
	if (s->condstore)
		buffer_printf(&s->out, " MODSEQ (%llu)", (unsigned long long)m->modseq);
	imap_put(&w, slice_lit(")\r\n"));
}

/* A command's own change was answered by it. */
static bool is_own(const struct imap_server *s, const struct imap_message *m)
{
	return s->change.kind == IMAP_FLAGS && s->change.modseq != 0 &&
	    m->modseq >= s->change.modseq_first && m->modseq <= s->change.modseq;
}

static bool tell_flags(struct imap_server *s)
{
	struct imap_sync *sync = &s->sync;
	const struct imap_host *host = s->host;

	if (sync->at == 0 && s->modseq != sync->modseq)
		imap_tell_keywords(s);
	while (s->modseq != sync->modseq) {
		struct imap_message m;
		uint32_t number;

		if (!imap_room(s) || imap_yields(s, 1))
			return false;
		sync->at = host->changed(host->context, s->modseq, sync->at);
		if (sync->at == 0 || sync->at > sync->last) {
			s->modseq = sync->modseq;
			break;
		}
		number = imap_view_find_next(s->view, s->n, sync->at, &sync->number);
		if (number > 0 && host->message(host->context, sync->at, &m) && !is_own(s, &m))
			tell_message(s, number, &m);
	}
	return true;
}

bool imap_sync_more(struct imap_server *s)
{
	if (s->sync.target == NULL)
		return true;
	if (s->sync.phase == PHASE_GONE) {
		if (s->qresync)
			tell_vanished(s);
		else
			tell_expunged(s);
	}
	if (s->sync.phase == PHASE_EXISTS && imap_room(s))
		tell_exists(s);
	if (s->sync.phase != PHASE_FLAGS || !tell_flags(s))
		return false;
	imap_sync_stop(s);
	return true;
}

/* ---- IDLE ---- */

static void idle_step(struct imap_server *s)
{
	if (!imap_sync_more(s))
		return;
	s->step = NULL;
	if (s->poked)
		imap_server_poke(s);
}

void imap_server_poke(struct imap_server *s)
{
	s->poked = true;
	if (s->state != IMAP_SELECTED || s->reading != IMAP_READ_IDLE || s->step != NULL)
		return;
	s->step = idle_step;
	imap_sync_begin(s, true);
	imap_go_on(s);
}

void imap_on_idle(struct imap_server *s, struct imap_parse *p)
{
	if (!imap_take_end(p)) {
		imap_finish_bad(s, p);
		return;
	}
	buffer_add(&s->out, slice_lit("+ idling\r\n"));
	s->reading = IMAP_READ_IDLE;
	imap_server_poke(s);
}

void imap_on_idle_line(struct imap_server *s, slice line)
{
	s->reading = IMAP_READ_COMMAND;
	if (slice_equal_ascii(line, slice_lit("DONE")))
		imap_finish_ok(s);
	else
		imap_finish(s, "BAD", NULL, "IDLE ends with DONE");
}

/* ---- sets ---- */

static bool resolve_saved(struct imap_server *s, size_t *ret_n)
{
	size_t n = 0;

	s->uids = heap_alloc(s->heap, (s->n_saved + 1) * sizeof *s->uids);
	for (size_t i = 0; i < s->n_saved; i++) {
		if (imap_view_find(s->view, s->n, s->saved[i]) != 0)
			s->uids[n++] = s->saved[i];
	}
	*ret_n = n;
	return true;
}

static bool resolve_bad(struct imap_server *s, const char *words)
{
	imap_finish(s, "BAD", NULL, "%s", words);
	return false;
}

/* Indexes of the view that a range has: from, and how many. */
static uint32_t range_in_view(const struct imap_server *s, struct imap_range range, uint32_t *ret_from)
{
	uint32_t end;

	if (!s->uid) {
		*ret_from = range.first - 1;
		return range.last - range.first + 1;
	}
	*ret_from = imap_view_below(s->view, s->n, range.first);
	end = range.last == UINT32_MAX ? s->n : imap_view_below(s->view, s->n, range.last + 1);
	return end - *ret_from;
}

bool imap_resolve(struct imap_server *s, slice text, size_t *ret_n)
{
	uint32_t star = !s->uid ? s->n : s->n > 0 ? imap_view_uid(s->view, s->n - 1) : 0, from;
	struct imap_set set;
	size_t n = 0;

	if (slice_equal(text, slice_lit("$")))
		return resolve_saved(s, ret_n);
	switch (imap_set_read(text, star, &s->arena, &set)) {
	case IMAP_SET_OK:
		break;
	case IMAP_SET_BAD:
		return resolve_bad(s, "that is no set of messages");
	case IMAP_SET_MANY:
		return resolve_bad(s, "too many ranges in the set");
	}
	if (!s->uid && set.n > 0 && set.ranges[set.n - 1].last > s->n)
		return resolve_bad(s, "there is no message of that number");
	for (size_t i = 0; i < set.n; i++)
		n += range_in_view(s, set.ranges[i], &from);
	s->uids = heap_alloc(s->heap, (n + 1) * sizeof *s->uids);
	n = 0;
	for (size_t i = 0; i < set.n; i++) {
		uint32_t count = range_in_view(s, set.ranges[i], &from);

		for (uint32_t k = 0; k < count; k++)
			s->uids[n++] = imap_view_uid(s->view, from + k);
	}
	imap_charge(s, n);
	*ret_n = n;
	return true;
}
