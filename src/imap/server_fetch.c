/* imap/server_fetch.c - FETCH (RFC 9051 s6.4.5; CHANGEDSINCE and VANISHED, RFC 7162 s3.1.4.1 and
 * s3.2.6).
 *
 *   [VANISHED]  ->  [CHANGE: \Seen]  ->  answers, or works of some messages each
 *
 * (1) What needs no text is told at once; else works tell everything, so that the order stays.
 * (2) While one work's output leaves, the next is at work; no third one is begun.
 * (3) \Seen is set before the text is told: a client that read it has seen it. */
#include "base/check.h"
#include "base/limits.h"
#include "imap/server_impl.h"

struct fetching {
	struct imap_fetch fetch;
	struct imap_vanishing gone;
	bool vanished, seen;            /* were told; was set, or not to be */
	bool texts;
	enum imap_work_need need;
	slice keywords[IMAP_FLAG_BITS]; /* of the host, for one turn */
	size_t n, at;                   /* of s->uids */
	uint32_t number;                /* of the last of them */
	size_t seen_at;                 /* of change.uids */
	bool quick;                     /* all of the last batch was remembered */
	bool missing;                   /* what could not be told, and why */
	enum imap_text_result worst;
	bool unknown_encoding;
};

/* ---- what is asked for ---- */

static bool take_fetch(struct imap_parse *p, slice *ret_set, struct imap_fetch *ret)
{
	return imap_take_space(p) && imap_take_set(p, ret_set) && imap_take_space(p) &&
	    imap_take_fetch(p, ret) && imap_take_end(p);
}

static bool asks_for(const struct imap_fetch *f, enum imap_fetch_kind kind)
{
	for (size_t i = 0; i < f->n; i++) {
		if (f->items[i].kind == kind)
			return true;
	}
	return false;
}

/* False: it was finished with BAD. */
static bool judge_modifiers(struct imap_server *s, struct imap_fetch *f)
{
	if (f->vanished && !(f->changed_since && s->uid && s->qresync)) {
		imap_finish(s, "BAD", NULL, "VANISHED goes with UID FETCH, CHANGEDSINCE and QRESYNC");
		return false;
	}
	if (f->changed_since || asks_for(f, IMAP_FETCH_MODSEQ))
		imap_use_condstore(s);
	/* RFC 7162 s3.1.4.1: as if it were asked for. */
	if (!f->changed_since || asks_for(f, IMAP_FETCH_MODSEQ))
		return true;
	if (f->n == IMAP_FETCH_ITEMS_MAX) {
		imap_finish(s, "BAD", NULL, "fewer items, please");
		return false;
	}
	f->items[f->n++] = (struct imap_fetch_item){ .kind = IMAP_FETCH_MODSEQ, .peek = true };
	return true;
}

/* VANISHED is about UIDs that are not there any more: the set as it is written. */
static bool begin_vanished(struct imap_server *s, struct fetching *job, slice text)
{
	struct imap_set *set = arena_new(&s->arena, struct imap_set, 1);

	job->gone = (struct imap_vanishing){ .modseq = job->fetch.modseq };
	if (slice_equal(text, slice_lit("$")))
		return true;
	job->gone.known = set;
	return imap_set_read(text, UINT32_MAX, &s->arena, set) == IMAP_SET_OK;
}

/* ---- \Seen ---- */

static bool sets_seen(const struct imap_server *s, const struct imap_fetch *f)
{
	for (size_t i = 0; i < f->n; i++) {
		if (!f->items[i].peek)
			return !s->read_only;
	}
	return false;
}

static void seen(struct imap_server *s, enum imap_result result)
{
	/* That it can't be written is no reason not to read. */
	if (result != IMAP_DONE)
		s->change = (struct imap_change){ 0 };
}

/* Those that are not yet: behind the uids, in the same memory. False: it goes on later. */
static bool set_seen(struct imap_server *s, struct fetching *job)
{
	struct imap_message m;

	if (s->change.uids == NULL) {
		s->uids = heap_resize(s->heap, s->uids, (2 * job->n + 1) * sizeof *s->uids);
		s->change = (struct imap_change){ .kind = IMAP_FLAGS, .op = IMAP_FLAGS_ADD,
			.flags.bits = IMAP_SEEN, .uids = s->uids + job->n };
	}
	for (; job->at < job->n; job->at++) {
		if (imap_yields(s, 1))
			return false;
		if (s->host->message(s->host->context, s->uids[job->at], &m) &&
		    !(m.flags & IMAP_SEEN) &&
		    !(job->fetch.changed_since && m.modseq <= job->fetch.modseq))
			s->change.uids[s->change.n++] = s->uids[job->at];
	}
	job->at = 0;
	job->seen = true;
	if (s->change.n > 0)
		imap_ask_change(s, seen);
	else
		s->change = (struct imap_change){ 0 };
	return true;
}

/* Was it set now? Asked for in their order. */
static bool was_set(struct imap_server *s, struct fetching *job, uint32_t uid)
{
	const struct imap_change *change = &s->change;

	while (job->seen_at < change->n && change->uids[job->seen_at] < uid)
		job->seen_at++;
	return job->seen_at < change->n && change->uids[job->seen_at] == uid;
}

/* ---- messages ---- */

/* The next of them; *ret_item is not there: it is gone, or did not change. */
static bool take_next(struct imap_server *s, struct fetching *job, struct imap_work_item *ret_item)
{
	uint32_t uid = s->uids[job->at++];

	*ret_item = (struct imap_work_item){
		.sequence = imap_view_find_next(s->view, s->n, uid, &job->number) };
	if (!s->host->message(s->host->context, uid, &ret_item->message)) {
		job->missing = job->missing || !s->uid;
		return false;
	}
	ret_item->recent = imap_is_recent(s, uid);
	ret_item->flags_too = was_set(s, job, uid);
	return ret_item->sequence > 0 &&
	    !(job->fetch.changed_since && ret_item->message.modseq <= job->fetch.modseq);
}

/* Answers that need no text. True: all of them were told. */
static bool tell_plain(struct imap_server *s, struct fetching *job)
{
	struct imap_writer w = imap_writer(s);
	struct imap_work how = { .fetch = &job->fetch, .uid = s->uid, .modseq = s->condstore,
		.keywords = job->keywords };
	struct imap_work_item item;

	for (unsigned bit = IMAP_KEYWORD_BIT; bit < IMAP_FLAG_BITS; bit++)
		job->keywords[bit] = s->host->keyword(s->host->context, bit);
	while (job->at < job->n) {
		if (!imap_room(s) || imap_yields(s, 1))
			return false;
		if (take_next(s, job, &item))
			imap_put_fetch(&w, &how, &item);
	}
	check(!w.full);
	return true;
}

static void note(struct fetching *job, const struct imap_work *work)
{
	for (; work != NULL; work = work->beside) {
		for (size_t i = 0; i < work->n; i++) {
			if (work->items[i].result == IMAP_TEXT_GONE)
				job->missing = true;
			else if (work->items[i].result > job->worst)
				job->worst = work->items[i].result;
		}
		job->unknown_encoding = job->unknown_encoding || work->unknown_encoding;
	}
}

static void worked(struct imap_server *s, struct imap_work *work)
{
	struct fetching *job = s->job;

	note(job, work);
	job->quick = work->n_read == 0;
	if (imap_work_unsent(work) == 0)
		imap_spare(s, work);
	else if (s->ready == NULL)
		s->ready = work;
	else
		s->held = work;
}

/* Keywords come, and stay what they are. */
static void name_keywords(struct imap_server *s, struct imap_work *work)
{
	for (unsigned bit = IMAP_KEYWORD_BIT; bit < IMAP_FLAG_BITS; bit++) {
		slice name = s->host->keyword(s->host->context, bit);

		if (!slice_equal(work->keywords[bit], name))
			work->keywords[bit] = slice_copy(&work->names, name);
	}
}

static struct imap_work *make_work(struct imap_server *s, const struct fetching *job, size_t n_max)
{
	struct imap_work *work = imap_work_fetch(&job->fetch, n_max);

	imap_work_own(work, s->heap);
	work->uid = s->uid;
	work->modseq = s->condstore;
	work->utf8 = s->utf8 || s->rev2;
	work->keywords = arena_new(&work->names, slice, IMAP_FLAG_BITS);
	return work;
}

/* Of whole messages two halves, since to unpack them is what takes long. */
static struct imap_work *begin_work(struct imap_server *s, const struct fetching *job)
{
	bool digests = imap_fetch_parts(&job->fetch) != 0;
	size_t n_max = digests ? IMAP_WORK_QUICK : IMAP_WORK_MESSAGES;
	size_t n = job->n - job->at < n_max ? job->n - job->at : n_max;
	struct imap_work *work = imap_take_spare(s);

	if (work == NULL) {
		work = make_work(s, job, n);
		if (n >= IMAP_WORK_HALVED && !digests && job->need == IMAP_NEED_ALL)
			work->beside = make_work(s, job, n);
	}
	name_keywords(s, work);
	if (work->beside != NULL)
		name_keywords(s, work->beside);
	return work;
}

/* With the next messages: up to n and so many octets, counted on. Those that did not change cost a
 * turn, too. */
static void fill(struct imap_server *s, struct fetching *job, struct imap_work *work, size_t n,
    uint64_t octets_max, uint64_t *octets)
{
	struct imap_work_item item;

	while (job->at < job->n && work->n < n && *octets < octets_max && !imap_yields(s, 1)) {
		if (!take_next(s, job, &item))
			continue;
		imap_work_add(work, &item, NULL);
		*octets += imap_work_octets(job->need, job->quick, &item.message);
	}
}

/* A work of the next messages; false: there are none. */
static bool ask_for_texts(struct imap_server *s, struct fetching *job)
{
	struct imap_work *work;
	uint64_t octets = 0;
	size_t n;

	if (job->at == job->n)
		return false;
	work = begin_work(s, job);
	n = job->quick || work->n_max < IMAP_WORK_MESSAGES ? work->n_max : IMAP_WORK_MESSAGES;
	if (work->beside != NULL) {
		fill(s, job, work, (n + 1) / 2, IMAP_WORK_OCTETS / 2, &octets);
		fill(s, job, work->beside, n / 2, IMAP_WORK_OCTETS, &octets);
	} else {
		fill(s, job, work, n, IMAP_WORK_OCTETS, &octets);
	}
	if (work->n == 0) {
		imap_spare(s, work);
		return true;
	}
	s->worked = worked;
	imap_ask(s, IMAP_WAIT_WORK, (struct imap_event){ .kind = IMAP_EVENT_WORK, .work = work });
	return true;
}

/* ---- the command ---- */

static void finish(struct imap_server *s, const struct fetching *job)
{
	if (job->worst == IMAP_TEXT_LIMIT)
		imap_finish(s, "NO", "LIMIT", "that is too much of one message at once");
	else if (job->worst == IMAP_TEXT_IO)
		imap_finish(s, "NO", "UNAVAILABLE", "some can't be read now, try again");
	else if (job->worst == IMAP_TEXT_DAMAGED)
		imap_finish(s, "NO", "CORRUPTION", "some are damaged on the disk");
	else if (job->unknown_encoding)
		imap_finish(s, "NO", "UNKNOWN-CTE", "some are in an encoding that is not known");
	else if (job->missing)
		imap_finish(s, "OK", "EXPUNGEISSUED", "some were expunged meanwhile");
	else
		imap_finish_ok(s);
}

static void fetch_step(struct imap_server *s)
{
	struct fetching *job = s->job;

	if (!job->vanished) {
		job->vanished = imap_tell_vanished(s, &job->gone);
		return;
	}
	if (!job->seen) {
		set_seen(s, job);
		return;
	}
	if (!job->texts) {
		if (tell_plain(s, job))
			finish(s, job);
		return;
	}
	s->drains = s->ready != NULL && (job->at == job->n ||
	    imap_work_unsent(s->ready) > IMAP_WORK_AHEAD);
	if (!s->drains && !ask_for_texts(s, job))
		finish(s, job);
}

void imap_on_fetch(struct imap_server *s, struct imap_parse *p)
{
	struct fetching *job = arena_new(&s->arena, struct fetching, 1);
	slice set;

	s->job = job;
	if (!take_fetch(p, &set, &job->fetch)) {
		imap_finish_bad(s, p);
		return;
	}
	if (!judge_modifiers(s, &job->fetch) || !imap_resolve(s, set, &job->n))
		return;
	job->vanished = !job->fetch.vanished;
	job->seen = !sets_seen(s, &job->fetch);
	job->texts = imap_fetch_needs(&job->fetch, &job->need);
	if (!job->vanished && !begin_vanished(s, job, set)) {
		imap_finish(s, "BAD", NULL, "that is no set of messages");
		return;
	}
	s->step = fetch_step;
}
