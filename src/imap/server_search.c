/* imap/server_search.c - SEARCH (RFC 9051 s6.4.4; SEARCHRES, RFC 5182; with MODSEQ, RFC 7162 s3.1.5
 * and RFC 4731 s3.2).
 *
 *   messages, one by one  ->  works of those that need their text  ->  the answer
 *
 * (1) hits has a bit for each message that the session knows of: works may come to their
 *     answer later than what needed none.
 * (2) The answer is told piece by piece, as there is room: it may be as long as all numbers. */
#include "base/check.h"
#include "base/limits.h"
#include "imap/server_impl.h"

enum { WORD = 32 };

enum phase { PHASE_LOOK, PHASE_COUNT, PHASE_NUMBERS, PHASE_END };

struct searching {
	struct imap_search search;
	enum imap_work_need need;
	struct imap_key_state *states;
	uint32_t *hits;                 /* s->uids: of the heap */
	enum phase phase;
	uint32_t at;                    /* indexes of the view */
	uint64_t octets;                /* that are looked at in s->building, as often as they are */
	unsigned texts;                 /* keys that look at all of a message */
	bool quick;                     /* all of the last batch was remembered */
	bool esearch, begun;

	uint32_t count, first, last;    /* indexes, when there are any */
	uint64_t modseq;
	struct imap_set_writer set;
	bool io;                        /* some could not be read */
};

/* ---- messages ---- */

static void hit(struct searching *job, uint32_t index)
{
	job->hits[index / WORD] |= UINT32_C(1) << index % WORD;
}

static bool is_hit(const struct searching *job, uint32_t index)
{
	return job->hits[index / WORD] >> index % WORD & 1;
}

static void worked(struct imap_server *s, struct imap_work *work)
{
	struct searching *job = s->job;

	job->quick = work->n_read == 0;
	for (size_t i = 0; i < work->n; i++) {
		if (work->items[i].hit)
			hit(job, work->items[i].sequence - 1);
		job->io = job->io || work->items[i].result == IMAP_TEXT_IO;
	}
	imap_spare(s, work);
}

static void ask(struct imap_server *s, struct searching *job)
{
	struct imap_work *work = s->building;

	s->building = NULL;
	job->octets = 0;
	s->worked = worked;
	imap_ask(s, IMAP_WAIT_WORK, (struct imap_event){ .kind = IMAP_EVENT_WORK, .work = work });
}

/* It may be a hit: its text will tell. */
static void look_later(struct imap_server *s, struct searching *job,
    const struct imap_work_item *item)
{
	if (s->building == NULL)
		s->building = imap_take_spare(s);
	if (s->building == NULL) {
		s->building = imap_work_search(&job->search,
		    imap_search_parts(&job->search) != 0 ? IMAP_WORK_QUICK : IMAP_WORK_MESSAGES);
		imap_work_own(s->building, s->heap);
	}
	imap_work_add(s->building, item, job->states);
	job->octets += imap_work_octets(job->need, job->quick, &item->message) *
	    (1 + (job->texts + job->search.n_fields) / 4);
}

static void look(struct imap_server *s, struct searching *job)
{
	struct imap_work_item item = { .sequence = job->at + 1 };
	uint32_t uid = imap_view_uid(s->view, job->at++);

	if (!s->host->message(s->host->context, uid, &item.message))
		return;
	item.recent = imap_is_recent(s, uid);
	switch (imap_search_judge(&job->search, &item, job->states)) {
	case IMAP_YES:
		hit(job, item.sequence - 1);
		break;
	case IMAP_UNKNOWN:
		look_later(s, job, &item);
		break;
	case IMAP_NO:
		break;
	}
}

static void look_step(struct imap_server *s, struct searching *job)
{
	while (job->at < s->n) {
		if (s->building != NULL && (s->building->n == s->building->n_max ||
		    (!job->quick && s->building->n == IMAP_WORK_MESSAGES) ||
		    job->octets >= IMAP_WORK_OCTETS)) {
			ask(s, job);
			return;
		}
		if (imap_yields(s, 1 + (unsigned)job->search.n / 16))
			return;
		look(s, job);
	}
	if (s->building != NULL) {
		ask(s, job);
		return;
	}
	job->at = 0;
	job->phase = PHASE_COUNT;
}

/* ---- what there is to tell ---- */

static uint64_t modseq_of(struct imap_server *s, uint32_t index)
{
	struct imap_message m;

	return s->host->message(s->host->context, imap_view_uid(s->view, index), &m) ? m.modseq : 0;
}

static void count_step(struct imap_server *s, struct searching *job)
{
	for (; job->at < s->n; job->at++) {
		uint64_t modseq;

		if (!is_hit(job, job->at))
			continue;
		if (imap_yields(s, 1))
			return;
		if (job->count++ == 0)
			job->first = job->at;
		job->last = job->at;
		modseq = job->search.modseq ? modseq_of(s, job->at) : 0;
		if (modseq > job->modseq)
			job->modseq = modseq;
	}
	job->at = 0;
	job->phase = PHASE_NUMBERS;
}

/* RFC 5182 s2.1, s2.4: all of them, or when only MIN or MAX are asked for, those. */
static void save(struct imap_server *s, const struct searching *job)
{
	const struct imap_search *q = &job->search;
	bool few = (q->min || q->max) && !q->all && !q->count;
	uint32_t *saved;
	size_t n = 0;

	saved = heap_alloc(s->heap, ((few ? 2 : job->count) + 1) * sizeof *saved);
	for (uint32_t i = job->first; job->count > 0 && i <= job->last; i++) {
		if (few ? (q->min && i == job->first) || (q->max && i == job->last) : is_hit(job, i))
			saved[n++] = imap_view_uid(s->view, i);
	}
	heap_free(s->heap, s->saved);
	s->saved = saved;
	s->n_saved = n;
}

static uint32_t number_of(const struct imap_server *s, uint32_t index)
{
	return s->uid ? imap_view_uid(s->view, index) : index + 1;
}

/* RFC 4731 s3.2: of what is told. */
static uint64_t told_modseq(struct imap_server *s, const struct searching *job)
{
	const struct imap_search *q = &job->search;
	uint64_t first, last;

	if (q->all || q->count || !(q->min || q->max))
		return job->modseq;
	first = q->min ? modseq_of(s, job->first) : 0;
	last = q->max ? modseq_of(s, job->last) : 0;
	return first > last ? first : last;
}

/* "* ESEARCH (TAG "A1") UID MIN 1 MAX 9 COUNT 2", and MODSEQ; ALL comes last. */
static void begin_esearch(struct imap_server *s, struct searching *job)
{
	const struct imap_search *q = &job->search;
	struct imap_writer w = imap_writer(s);

	imap_put(&w, slice_lit("* ESEARCH (TAG "));
	imap_put_string(&w, s->tag);
	imap_put(&w, s->uid ? slice_lit(") UID") : slice_lit(")"));
	if (q->min && job->count > 0)
		buffer_printf(&s->out, " MIN %u", number_of(s, job->first));
	if (q->max && job->count > 0)
		buffer_printf(&s->out, " MAX %u", number_of(s, job->last));
	if (q->count)
		buffer_printf(&s->out, " COUNT %u", job->count);
	if (q->modseq && job->count > 0)
		buffer_printf(&s->out, " MODSEQ %llu", (unsigned long long)told_modseq(s, job));
	if (q->all && job->count > 0)
		imap_put(&w, slice_lit(" ALL "));
	job->set = (struct imap_set_writer){ .out = &s->out };
}

/* The numbers, as a set or one by one. False: they go on later. */
static bool tell_numbers(struct imap_server *s, struct searching *job)
{
	for (; job->count > 0 && job->at <= job->last; job->at++) {
		if (!is_hit(job, job->at))
			continue;
		if (!imap_room(s) || imap_yields(s, 1))
			return false;
		if (job->esearch)
			imap_set_add(&job->set, number_of(s, job->at), number_of(s, job->at));
		else
			buffer_printf(&s->out, " %u", number_of(s, job->at));
	}
	return true;
}

static void numbers_step(struct imap_server *s, struct searching *job)
{
	const struct imap_search *q = &job->search;
	/* RFC 5182 s2.1: who only wants it to be saved is told nothing. */
	bool silent = job->esearch && !(q->min || q->max || q->all || q->count);

	if (job->io) {
		job->phase = PHASE_END;
		return;
	}
	if (!job->begun && !silent) {
		job->begun = true;
		if (job->esearch)
			begin_esearch(s, job);
		else
			buffer_add(&s->out, slice_lit("* SEARCH"));
		job->at = job->first;
	}
	if (!silent && (!job->esearch || q->all) && !tell_numbers(s, job))
		return;
	if (job->esearch && q->all && !silent)
		imap_set_finish(&job->set);
	if (!job->esearch && q->modseq && job->count > 0)
		buffer_printf(&s->out, " (MODSEQ %llu)", (unsigned long long)job->modseq);
	if (!silent)
		buffer_add(&s->out, slice_lit("\r\n"));
	job->phase = PHASE_END;
}

/* ---- the command ---- */

static void forget_saved(struct imap_server *s)
{
	heap_free(s->heap, s->saved);
	s->saved = NULL;
	s->n_saved = 0;
}

static void finish(struct imap_server *s, struct searching *job)
{
	if (job->search.save && !job->io)
		save(s, job);
	else if (job->search.save)
		forget_saved(s);
	if (job->io)
		imap_finish(s, "NO", "UNAVAILABLE", "some can't be read now, try again");
	else
		imap_finish_ok(s);
}

static void search_step(struct imap_server *s)
{
	struct searching *job = s->job;

	switch (job->phase) {
	case PHASE_LOOK:
		look_step(s, job);
		break;
	case PHASE_COUNT:
		count_step(s, job);
		break;
	case PHASE_NUMBERS:
		numbers_step(s, job);
		break;
	case PHASE_END:
		finish(s, job);
		break;
	}
}

static unsigned count_cost(const struct imap_search *search, enum imap_key_cost cost)
{
	unsigned n = 0;

	for (size_t i = 0; i < search->n; i++)
		n += imap_key_cost(&search->keys[i]) == cost;
	return n;
}

/* "$" as ranges. */
static const struct imap_set *saved_set(struct imap_server *s)
{
	struct imap_set *set = arena_new(&s->arena, struct imap_set, 1);

	for (size_t i = 0; i < s->n_saved; i++)
		set->n += i == 0 || s->saved[i] != s->saved[i - 1] + 1;
	set->ranges = arena_new(&s->arena, struct imap_range, set->n);
	for (size_t i = 0, n = 0; i < s->n_saved; i++) {
		if (i == 0 || s->saved[i] != s->saved[i - 1] + 1)
			set->ranges[n++].first = s->saved[i];
		set->ranges[n - 1].last = s->saved[i];
	}
	return set;
}

static enum imap_search_ready prepare(struct imap_server *s, struct imap_search *search)
{
	struct imap_search_facts facts = { .host = s->host, .heap = s->heap, .star_sequence = s->n,
		.star_uid = s->n > 0 ? imap_view_uid(s->view, s->n - 1) : 0, .saved = saved_set(s),
		.now_s = s->host->now_s(s->host->context) };

	return imap_search_prepare(search, &facts, &s->arena);
}

static void begin(struct imap_server *s, struct searching *job)
{
	if (job->search.modseq)
		imap_use_condstore(s);
	(void)imap_search_needs(&job->search, &job->need);
	job->esearch = job->search.returns || s->rev2;
	job->search.all = job->search.all || !job->search.returns;
	job->states = arena_new(&s->arena, struct imap_key_state, job->search.n);
	job->hits = heap_alloc(s->heap, (s->n / WORD + 1) * sizeof *job->hits);
	s->uids = job->hits;
	s->step = search_step;
}

void imap_on_search(struct imap_server *s, struct imap_parse *p)
{
	struct searching *job = arena_new(&s->arena, struct searching, 1);

	s->job = job;
	if (!imap_take_space(p) || !imap_take_search(p, &job->search) || !imap_take_end(p)) {
		imap_finish_bad(s, p);
		return;
	}
	/* RFC 6855 s3. */
	if (s->utf8 && job->search.charset.len > 0) {
		imap_finish(s, "BAD", NULL, "all is UTF-8 after ENABLE UTF8=ACCEPT, no CHARSET");
		return;
	}
	job->texts = count_cost(&job->search, IMAP_COST_ALL);
	if (job->texts > IMAP_SEARCH_TEXTS_MAX) {
		imap_finish(s, "NO", "LIMIT", "at most %d of BODY and TEXT", IMAP_SEARCH_TEXTS_MAX);
		return;
	}
	job->search.n_fields = count_cost(&job->search, IMAP_COST_HEADER);
	if (job->search.n_fields > IMAP_SEARCH_FIELDS_MAX) {
		imap_finish(s, "NO", "LIMIT", "at most %d that look into the header", IMAP_SEARCH_FIELDS_MAX);
		return;
	}
	switch (prepare(s, &job->search)) {
	case IMAP_SEARCH_READY:
		begin(s, job);
		break;
	case IMAP_SEARCH_CHARSET:
		if (job->search.save)
			forget_saved(s);        /* RFC 5182 s2.1: NO empties it */
		imap_finish(s, "NO", "BADCHARSET (US-ASCII UTF-8)", "that character set is not known");
		break;
	case IMAP_SEARCH_SET:
		imap_finish(s, "BAD", NULL, "that is no set of messages, or has too many ranges");
		break;
	}
}
