/* imap/server_store.c - STORE, COPY, MOVE, EXPUNGE (RFC 9051 s6.4.3, s6.4.6 to s6.4.8; UIDPLUS,
 * RFC 4315; CONDSTORE's UNCHANGEDSINCE, RFC 7162 s3.1.3). */
#include <stdio.h>

#include "base/check.h"
#include "base/limits.h"
#include "imap/server_impl.h"

/* Append a set of ascending uids, or of their numbers in the session. */
static void put_set(struct imap_server *s, struct buffer *out, const uint32_t *uids, size_t n,
    bool numbers)
{
	struct imap_set_writer set = { .out = out };
	uint32_t last = 0;
	bool whole;

	for (size_t i = 0; i < n; i++) {
		uint32_t number = numbers ? imap_view_find_next(s->view, s->n, uids[i], &last) :
		    uids[i];

		if (number != 0)
			imap_set_add(&set, number, number);
	}
	whole = imap_set_finish(&set);
	check(whole);                   /* of at most IMAP_RANGES_MAX ranges */
}

/* UIDs count through the account: those of a mailbox that fills beside others have gaps. */
static size_t count_ranges(const uint32_t *uids, size_t n)
{
	size_t ranges = 0;

	for (size_t i = 0; i < n; i++)
		ranges += i == 0 || uids[i] != uids[i - 1] + 1;
	return ranges;
}

static bool refuse_read_only(struct imap_server *s)
{
	if (s->read_only)
		imap_finish(s, "NO", "NOPERM", "the mailbox is open to read only");
	return s->read_only;
}

/* ---- STORE ---- */

struct storing {
	bool silent;
	size_t at;                      /* of the uids that were told */
	uint32_t number;                /* of the last of them */
};

static bool take_unchanged_since(struct imap_server *s, struct imap_parse *p)
{
	if (!imap_sees(p, '('))
		return true;
	s->change.conditional = true;
	return imap_take(p, '(', "a modifier") && imap_take_word(p, "UNCHANGEDSINCE") &&
	    imap_take_space(p) && imap_take_number(p, INT64_MAX, &s->change.unchanged_since) &&
	    imap_take(p, ')', "its end") && imap_take_space(p);
}

static bool take_store(struct imap_server *s, struct imap_parse *p, slice *ret_set,
    struct storing *job)
{
	struct imap_change *change = &s->change;

	if (!imap_take_space(p) || !imap_take_set(p, ret_set) || !imap_take_space(p) ||
	    !take_unchanged_since(s, p))
		return false;
	change->op = IMAP_FLAGS_SET;
	if (imap_sees(p, '+') || imap_sees(p, '-')) {
		change->op = imap_sees(p, '+') ? IMAP_FLAGS_ADD : IMAP_FLAGS_REMOVE;
		imap_take(p, p->rest.ptr[0], "");
	}
	if (imap_skip_word(p, "FLAGS.SILENT"))
		job->silent = true;
	else if (!imap_take_word(p, "FLAGS"))
		return false;
	return imap_take_space(p) && imap_take_flags(p, true, &change->flags) && imap_take_end(p);
}

static void tell_stored(struct imap_server *s, const struct storing *job, uint32_t number,
    const struct imap_message *m)
{
	struct imap_writer w = imap_writer(s);

	/* Of each message: without printf, which takes longer than all the rest. */
	imap_put(&w, slice_lit("* "));
	imap_put_number(&w, number);
	imap_put(&w, slice_lit(" FETCH ("));
	if (s->uid || s->qresync) {
		imap_put(&w, slice_lit("UID "));
		imap_put_number(&w, m->uid);
		imap_put(&w, job->silent ? slice_lit("") : slice_lit(" "));
	}
	if (!job->silent) {
		imap_put(&w, slice_lit("FLAGS "));
		imap_put_flags(&w, s, m->flags, imap_is_recent(s, m->uid));
	}
	if (s->condstore) {
		imap_put(&w, s->uid || s->qresync || !job->silent ? slice_lit(" MODSEQ (") :
		    slice_lit("MODSEQ ("));
		imap_put_number(&w, m->modseq);
		imap_put(&w, slice_lit(")"));
	}
	imap_put(&w, slice_lit(")\r\n"));
	check(!w.full);
}

static void finish_store(struct imap_server *s)
{
	struct imap_change *change = &s->change;
	struct buffer code = buffer_init(s->heap, IMAP_SYNC_MAX);

	if (change->n_modified == 0) {
		imap_finish_ok(s);
		return;
	}
	buffer_add(&code, slice_lit("MODIFIED "));
	put_set(s, &code, change->uids + change->n, change->n_modified, !s->uid);
	buffer_add(&code, slice_of("", 1));
	imap_finish(s, "OK", (const char *)buffer_bytes(&code).ptr, "some had changed meanwhile");
	buffer_free(&code);
}

static void store_step(struct imap_server *s)
{
	struct storing *job = s->job;

	for (; job->at < s->change.n; job->at++) {
		uint32_t uid = s->change.uids[job->at], number;
		struct imap_message m;

		if (job->silent && !s->condstore)
			break;
		if (!imap_room(s) || imap_yields(s, 1))
			return;
		number = imap_view_find_next(s->view, s->n, uid, &job->number);
		if (number != 0 && s->host->message(s->host->context, uid, &m))
			tell_stored(s, job, number, &m);
	}
	finish_store(s);
}

static void stored(struct imap_server *s, enum imap_result result)
{
	if (result != IMAP_DONE) {
		imap_finish_result(s, result, false);
		return;
	}
	/* What others did meanwhile is hidden behind this change from now on: then all flags are
	 * told, .SILENT or not (RFC 9051 s6.4.6). */
	if (s->change.others)
		((struct storing *)s->job)->silent = false;
	imap_tell_keywords(s);
	s->step = store_step;
}

void imap_on_store(struct imap_server *s, struct imap_parse *p)
{
	struct storing *job = arena_new(&s->arena, struct storing, 1);
	slice set;

	s->job = job;
	s->change = (struct imap_change){ .kind = IMAP_FLAGS, .told = s->modseq };
	if (!take_store(s, p, &set, job)) {
		imap_finish_bad(s, p);
		return;
	}
	if (refuse_read_only(s))
		return;
	if (s->change.conditional)
		imap_use_condstore(s);
	if (!imap_resolve(s, set, &s->change.n))
		return;
	s->change.uids = s->uids;
	if (s->change.n == 0)
		imap_finish_ok(s);
	else if (s->change.conditional && s->change.n > 2 * IMAP_RANGES_MAX)
		/* MODIFIED has to name each second one, maybe. */
		imap_finish(s, "NO", "LIMIT", "at most %d messages at once with UNCHANGEDSINCE",
		    2 * IMAP_RANGES_MAX);
	else
		imap_ask_change(s, stored);
}

/* ---- COPY and MOVE ---- */

static bool put_copyuid(struct imap_server *s, struct buffer *out)
{
	const struct imap_change *change = &s->change;

	/* RFC 4315 s3 lets it be left out; who wants to know looks. */
	if (change->n == 0 || count_ranges(change->uids, change->n) > IMAP_RANGES_MAX)
		return false;
	buffer_printf(out, "COPYUID %u ", change->uidvalidity);
	put_set(s, out, change->uids, change->n, false);
	if (change->n == 1)
		buffer_printf(out, " %u", change->uid_first);
	else
		buffer_printf(out, " %u:%u", change->uid_first,
		    change->uid_first + (uint32_t)change->n - 1);
	return true;
}

static void copied(struct imap_server *s, enum imap_result result)
{
	struct buffer code = buffer_init(s->heap, IMAP_SYNC_MAX);

	if (result != IMAP_DONE) {
		imap_finish_result(s, result, true);
		return;
	}
	if (!put_copyuid(s, &code)) {
		imap_finish(s, "OK", NULL, s->change.n == 0 ? "no such messages" :
		    "they had too many UIDs to name");
		return;
	}
	if (s->change.kind == IMAP_MOVE) {
		buffer_add(&s->out, slice_lit("* OK ["));
		buffer_add(&s->out, buffer_bytes(&code));
		buffer_add(&s->out, slice_lit("] moved\r\n"));
		imap_finish_ok(s);
	} else {
		buffer_add(&code, slice_of("", 1));
		imap_finish(s, "OK", (const char *)buffer_bytes(&code).ptr, "copied");
	}
	buffer_free(&code);
}

static void run_copy(struct imap_server *s, struct imap_parse *p, enum imap_change_kind kind)
{
	slice set;

	s->change = (struct imap_change){ .kind = kind };
	if (!imap_take_space(p) || !imap_take_set(p, &set) || !imap_take_space(p) ||
	    !imap_take_mailbox(p, s->utf8 || s->rev2, &s->change.name) || !imap_take_end(p)) {
		imap_finish_bad(s, p);
		return;
	}
	if ((kind == IMAP_MOVE && refuse_read_only(s)) || !imap_resolve(s, set, &s->change.n))
		return;
	s->change.uids = s->uids;
	if (s->change.n == 0)
		imap_finish(s, "OK", NULL, "no such messages");
	else
		imap_ask_change(s, copied);
}

void imap_on_copy(struct imap_server *s, struct imap_parse *p)
{
	run_copy(s, p, IMAP_COPY);
}

void imap_on_move(struct imap_server *s, struct imap_parse *p)
{
	run_copy(s, p, IMAP_MOVE);
}

/* ---- EXPUNGE ---- */

bool imap_find_deleted(struct imap_server *s, const uint32_t *uids, size_t n)
{
	size_t all = uids != NULL ? n : s->n, kept = 0;
	uint32_t *deleted = heap_alloc(s->heap, (all + 1) * sizeof *deleted);
	struct imap_message m;

	for (size_t i = 0; i < all; i++) {
		uint32_t uid = uids != NULL ? uids[i] : imap_view_uid(s->view, (uint32_t)i);

		if (s->host->message(s->host->context, uid, &m) && (m.flags & IMAP_DELETED) != 0)
			deleted[kept++] = uid;
	}
	imap_charge(s, all);
	heap_free(s->heap, s->uids);
	s->uids = deleted;
	s->change = (struct imap_change){ .kind = IMAP_EXPUNGE, .uids = deleted, .n = kept };
	return kept > 0;
}

static void expunged(struct imap_server *s, enum imap_result result)
{
	char code[64];

	if (result != IMAP_DONE || !s->condstore || s->change.modseq == 0) {
		imap_finish_result(s, result, false);
		return;
	}
	snprintf(code, sizeof code, "HIGHESTMODSEQ %llu", (unsigned long long)s->change.modseq);
	imap_finish(s, "OK", code, "%sEXPUNGE done", s->uid ? "UID " : "");
}

void imap_on_expunge(struct imap_server *s, struct imap_parse *p)
{
	uint32_t *named = NULL;
	size_t n = 0;
	slice set;
	bool some;

	if ((s->uid && (!imap_take_space(p) || !imap_take_set(p, &set))) || !imap_take_end(p)) {
		imap_finish_bad(s, p);
		return;
	}
	if (refuse_read_only(s) || (s->uid && !imap_resolve(s, set, &n)))
		return;
	if (s->uid) {
		named = s->uids;
		s->uids = NULL;
	}
	some = imap_find_deleted(s, named, n);
	heap_free(s->heap, named);
	if (some)
		imap_ask_change(s, expunged);
	else
		imap_finish_ok(s);
}
