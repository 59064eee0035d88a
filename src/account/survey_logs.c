/* account/survey_logs.c - the log of an account, as far as it can be read.
 *
 * The newest HEAD decides, as in load.c. Unlike there, segments behind it whose
 * own HEAD is damaged are read too, and what an old HEAD remembers as damage is
 * looked for in the files that were kept. */
#include "account/survey.h"

#include <errno.h>
#include <string.h>

#include "account/slot.h"
#include "base/check.h"

struct replay {
	struct account_survey *s;
	struct account_state *state;
	struct segment_reader reader;
	uint32_t number;
	uint64_t modseq;                /* of the last change */
	bool counted;                   /* nothing is lost so far: HEADs can be compared */
	uint32_t keys_left;             /* of a HEAD, still to come */
	bool only_head;                 /* it is read, it follows others, and none is older */
};

static void tell_log(struct replay *r, enum finding_kind kind, uint64_t from, uint64_t to,
    const char *text)
{
	struct finding finding = { .kind = kind, .from = from, .to = to };
	char path[ACCOUNT_PATH_MAX];

	account_log_path(r->s->account, r->number, path);
	survey_tell(r->s, &finding, path, "%s", text);
}

static void tell_unread(struct account_survey *s, uint32_t number)
{
	char path[ACCOUNT_PATH_MAX];

	account_log_path(s->account, number, path);
	survey_disk_failed(s, path);
}

/* ---- gaps ---- */

static void lose(struct replay *r)
{
	struct account_survey *s = r->s;

	s->lost = true;
	r->counted = false;
	if (s->gap_open)
		return;
	if (s->n_gaps == SURVEY_GAPS_MAX) {
		s->gaps[s->n_gaps - 1].before = UINT64_MAX;
		return;
	}
	s->gaps[s->n_gaps++] = (struct survey_gap){ s->place_last, UINT64_MAX, false };
	s->gap_open = true;
}

static void note_row(struct account_survey *s, const struct account_row *row)
{
	uint64_t place = survey_place(row->pack, row->offset);

	/* A copy may stand behind younger messages: it says nothing of the gap's end. */
	if (s->gap_open && place > s->place_last) {
		s->gaps[s->n_gaps - 1].before = place;
		s->gap_open = false;
	}
	if (place > s->place_last) {
		s->place_last = place;
		s->uid_last = row->uid;
	}
	if (s->n_places == s->places_capacity) {
		s->places_capacity = s->places_capacity == 0 ? 64 : 2 * s->places_capacity;
		s->places = heap_resize(s->heap, s->places,
		    s->places_capacity * sizeof *s->places);
	}
	s->places[s->n_places++] = place;
	if (row->uid >= s->uid_next && row->uid < UINT32_MAX)
		s->uid_next = row->uid + 1;
}

/* ---- records ---- */

static void compare_head(struct replay *r, const struct account_head *head, uint32_t offset)
{
	const struct account_head *have = &r->state->head;

	if (!r->counted || head->removed || have->removed)
		return;
	if (head->count != have->count || head->bytes != have->bytes ||
	    head->rows != have->rows ||
	    head->uid_next < have->uid_next || head->modseq < have->modseq)
		tell_log(r, FINDING_ACCOUNT, offset, 0, "what this segment begins with is not "
		    "what the segments before it add up to");
}

static void take_head(struct replay *r, const struct log_record *record)
{
	struct account_state *state = r->state;
	struct account_survey *s = r->s;
	struct account_head head;

	if (record_head_read(record->payload, &head) != RECORD_OK ||
	    head.account != s->account) {
		tell_log(r, FINDING_RECORD, record->offset, record->next,
		    "the head record can't be read");
		lose(r);
		return;
	}
	compare_head(r, &head, record->offset);
	r->keys_left = head.n_keys;
	if (head.uid_next > state->head.uid_next)
		state->head.uid_next = head.uid_next;
	if (head.modseq > state->head.modseq)
		state->head.modseq = head.modseq;
	state->head.uidvalidity = head.uidvalidity;
	state->head.created_us = head.created_us;
	if (head.uidvalidity_next > state->head.uidvalidity_next)
		state->head.uidvalidity_next = head.uidvalidity_next;
	account_state_born(state);
	state->head.damaged = head.damaged;
	state->head.removed = state->head.removed || head.removed;
	if (head.pack_next > state->head.pack_next)
		state->head.pack_next = head.pack_next;
	if (head.uid_floor > s->uid_next)
		s->uid_next = head.uid_floor;
	if (head.uid_next > s->uid_next)
		s->uid_next = head.uid_next;
}

/* Changes count modseq up; rows of a base are older than what follows. */
static void check_modseq(struct replay *r, const struct log_record *record, uint64_t modseq)
{
	if (r->counted && modseq <= r->modseq)
		tell_log(r, FINDING_ACCOUNT, record->offset, record->next,
		    "its modseq is not above that of the change before");
	if (modseq > r->modseq)
		r->modseq = modseq;
}

static void take_rows(struct replay *r, const struct log_record *record)
{
	struct bytes in = bytes_init(record->payload);
	uint32_t n;

	if (!record_list_begin(&in, RECORD_ROW_LEN, &n))
		return;
	for (uint32_t i = 0; i < n; i++) {
		struct account_row row = get_account_row(&in);

		note_row(r->s, &row);
		if (record->type == RECORD_DELIVERED)
			check_modseq(r, record, row.modseq);
		else if (row.modseq > r->modseq)
			r->modseq = row.modseq;
	}
}

static void take_other(struct replay *r, const struct log_record *record)
{
	struct bytes in = bytes_init(record->payload);
	uint64_t modseq;

	switch (record->type) {
	case RECORD_BASE:
	case RECORD_DELIVERED:
		take_rows(r, record);
		break;
	case RECORD_EXPUNGED:
	case RECORD_EXPUNGED_FROM:
	case RECORD_FLAGS:
	case RECORD_COPIED:
	case RECORD_MAILBOX:
		modseq = get_u64(&in);
		if (modseq != 0)        /* 0: of a base */
			check_modseq(r, record, modseq);
		break;
	}
}

/* A COPIED record a second time: all of its copies are there, or were. */
static bool is_copied_again(const struct replay *r, struct bytes in)
{
	struct account_copied copied;

	return record_copied_begin(&in, &copied) &&
	    copied.uid_first + (uint32_t)copied.count <= r->state->head.uid_next &&
	    copied.modseq <= r->state->head.modseq;
}

/* What was never called synced is written again in the next segment. Where that
 * one's HEAD is damaged, nobody says how much of this one counts. */
static bool is_again(const struct replay *r, const struct log_record *record)
{
	struct bytes in = bytes_init(record->payload);
	const struct account_row *have;
	struct account_row row;
	uint32_t n;

	if (record->type == RECORD_COPIED)
		return is_copied_again(r, in);
	if (record->type != RECORD_DELIVERED || !record_list_begin(&in, RECORD_ROW_LEN, &n))
		return false;
	for (uint32_t i = 0; i < n; i++) {
		row = get_account_row(&in);
		have = account_state_find(r->state, row.uid);
		if (have == NULL || have->pack != row.pack || have->offset != row.offset)
			return false;
	}
	return true;
}

static void take_record(struct replay *r, const struct log_record *record)
{
	if (record->type == RECORD_HEAD) {
		take_head(r, record);
		return;
	}
	if (record->type != RECORD_KEYS && r->keys_left > 0) {
		r->keys_left = 0;
		tell_log(r, FINDING_RECORD, record->offset, record->next,
		    "there are fewer delivery keys before it than the head record says");
		r->s->lost = true;
	}
	switch (account_state_apply(r->state, record->type, record->payload)) {
	case RECORD_OK:
		take_other(r, record);
		if (record->type == RECORD_KEYS) {
			uint32_t n = (uint32_t)(record->payload.len / RECORD_KEY_LEN);

			r->keys_left -= n < r->keys_left ? n : r->keys_left;
		}
		break;
	case RECORD_NEWER:
		r->s->newer = true;
		tell_log(r, FINDING_NEWER, record->offset, record->next,
		    "a record of a later Posthouse");
		break;
	case RECORD_BAD:
		if (is_again(r, record))
			break;
		tell_log(r, FINDING_RECORD, record->offset, record->next,
		    "a record that does not fit what stands before it: it does not count");
		lose(r);
		break;
	}
}

/* ---- segments ---- */

/* What was written last and never called synced; zeros fill a batch up. */
static void look_at_tail(struct replay *r)
{
	unsigned char piece[LOG_BLOCK];
	int64_t size = os_size(r->s->os, r->reader.fd);
	uint64_t at = r->reader.log.offset;

	if (size < 0)
		tell_unread(r->s, r->number);
	while (size > 0 && at < (uint64_t)size) {
		ssize_t got = os_pread(r->s->os, r->reader.fd, piece, sizeof piece, at);

		if (got < 0)
			tell_unread(r->s, r->number);
		if (got <= 0)
			return;
		for (ssize_t i = 0; i < got; i++) {
			if (piece[i] == 0)
				continue;
			r->s->uids_lost += ((uint64_t)size - r->reader.log.offset) /
			    RECORD_DELIVERED_MIN + 1;
			tell_log(r, FINDING_TORN, r->reader.log.offset, (uint64_t)size,
			    "the log ends in a record that is not whole: a crash while it was "
			    "written leaves that");
			return;
		}
		at += (uint64_t)got;
	}
}

static void read_records(struct replay *r, bool newest)
{
	struct log_record record;
	uint32_t from, to;

	for (;;) {
		switch (segment_next(&r->reader, &record, &from, &to)) {
		case SEGMENT_RECORD:
			take_record(r, &record);
			break;
		case SEGMENT_ROT:
			tell_log(r, FINDING_ROT, from, to, "bytes that were on disk are "
			    "damaged: what these records did to the mailbox is lost");
			r->s->uids_lost += (to - from) / RECORD_DELIVERED_MIN + 1;
			lose(r);
			break;
		case SEGMENT_FAILED:
			r->s->failed = true;
			tell_log(r, FINDING_DISK, r->reader.log.offset, 0,
			    "the disk can't read on from here");
			lose(r);
			return;
		case SEGMENT_END:
			if (r->only_head && r->keys_left > 0) {
				tell_log(r, FINDING_RECORD, r->reader.log.offset, 0, "the delivery "
				    "keys behind the head record are damaged, and no older log "
				    "is there");
				r->s->lost = true;
			}
			if (newest)
				look_at_tail(r);
			return;
		}
	}
}

static void tell_head(struct replay *r, const char *text)
{
	tell_log(r, FINDING_HEAD, 0, LOG_BLOCK, text);
	r->s->uids_lost += LOG_BLOCK;
	lose(r);
}

/* end 0: to the end of the file; generation 0: whatever it is. */
static void read_segment(struct replay *r, const struct account_segment *link)
{
	struct account_survey *s = r->s;
	char path[ACCOUNT_PATH_MAX];

	r->number = link->number;
	switch (segment_open(&r->reader, s->os, s->heap, s->account, link->number)) {
	case SEGMENT_OPEN:
		break;
	case SEGMENT_NONE:
		tell_log(r, FINDING_MISSING, 0, 0, "a part of the account's log is not there: "
		    "what it did to the mailbox is lost");
		s->uids_lost += link->end / RECORD_DELIVERED_MIN + 1;
		lose(r);
		return;
	case SEGMENT_DAMAGED:
		tell_head(r, "the head of this log can't be read: nothing in it counts");
		return;
	case SEGMENT_NEWER:
		s->newer = true;
		tell_log(r, FINDING_NEWER, 0, 0, "a log of a later Posthouse");
		return;
	case SEGMENT_IO:
		tell_unread(s, link->number);
		lose(r);
		return;
	}
	account_log_path(s->account, link->number, path);
	if (link->generation != 0 && r->reader.log.head.generation != link->generation) {
		tell_head(r, "this log is not the one that the account's newest log names");
	} else {
		if (link->end > 0) {
			r->reader.log.limit = link->end;
			r->reader.log.synced_to = link->end;
		}
		read_records(r, link->end == 0);
		finder_read(s->finder, path, r->reader.log.offset);
	}
	segment_close(&r->reader);
	r->keys_left = 0;
}

/* ---- which segments ---- */

enum peek { PEEK_HEAD, PEEK_BASE, PEEK_OTHER, PEEK_NOTHING, PEEK_NEVER, PEEK_HURT };

/* Does a base have such records, and no other segment? */
static bool is_of_base(const struct log_record *record)
{
	struct bytes in = bytes_init(record->payload);

	return record->type == RECORD_BASE || record->type == RECORD_VANISHED ||
	    (record->type == RECORD_MAILBOX && get_u64(&in) == 0);
}

/* How a segment begins. NEVER: without a head (never_began()). NOTHING: a crash left it
 * before anything counted, or it is a base, which counts only when a HEAD names it. */
static enum peek peek(struct account_survey *s, uint32_t number, struct account_head *ret_head)
{
	struct segment_reader reader;
	enum peek result = PEEK_NOTHING;
	struct log_record record;
	uint32_t from, to;
	enum segment_next next;

	switch (segment_open(&reader, s->os, s->heap, s->account, number)) {
	case SEGMENT_OPEN:
		break;
	case SEGMENT_NONE:
		return PEEK_NOTHING;
	case SEGMENT_IO:
		tell_unread(s, number);
		return PEEK_HURT;
	case SEGMENT_DAMAGED:
	case SEGMENT_NEWER:
		return PEEK_HURT;
	}
	next = segment_next(&reader, &record, &from, &to);
	if (next == SEGMENT_ROT) {
		result = PEEK_OTHER;
		next = segment_next(&reader, &record, &from, &to);
	}
	if (next == SEGMENT_RECORD && record.type == RECORD_HEAD)
		result = record_head_read(record.payload, ret_head) == RECORD_OK &&
		    ret_head->account == s->account ? PEEK_HEAD : PEEK_OTHER;
	else if (next == SEGMENT_RECORD && is_of_base(&record))
		result = PEEK_BASE;
	else if (next == SEGMENT_FAILED) {
		tell_unread(s, number);
		result = PEEK_HURT;
	}
	segment_close(&reader);
	return result;
}

/* Its head block was never written, or not as a whole: a segment on its way when all
 * went dark. What is shorter holds no record. */
static bool never_began(struct account_survey *s, uint32_t number)
{
	unsigned char block[LOG_BLOCK];
	char path[ACCOUNT_PATH_MAX];
	bool zeros = true;
	ssize_t n;
	int fd;

	account_log_path(s->account, number, path);
	fd = os_open(s->os, OS_ROOT, path, OS_READ);
	if (fd < 0 && fd != -ENOENT)
		tell_unread(s, number);
	if (fd < 0)
		return false;
	n = os_pread(s->os, fd, block, sizeof block, 0);
	os_close(s->os, fd);
	if (n < 0)
		tell_unread(s, number);
	for (ssize_t i = 0; i < n; i++)
		zeros = zeros && block[i] == 0;
	return n >= 0 && (zeros || n < LOG_BLOCK);
}

static void tell_never(struct replay *r, uint32_t number)
{
	r->number = number;
	tell_log(r, FINDING_LEFTOVER, 0, 0, "a log without a head, in which nothing counts: a crash "
	    "came while it was begun, or its first records are on their way");
}

/* A base is written when an account is there already, and its log goes when a HEAD
 * that names the base is on disk. */
static void tell_orphan(struct replay *r, uint32_t number)
{
	r->number = number;
	tell_head(r, "the log that says that this base counts can't be read");
}

/* Is there a HEAD in files below this one? */
static bool has_head_below(struct account_survey *s, size_t at)
{
	struct account_head head;

	while (at > 0) {
		if (peek(s, s->logs[--at], &head) == PEEK_HEAD)
			return true;
	}
	return false;
}

/* Replay the newest HEAD at or below `upto` of the files, its chain, and what
 * stands behind it. */
static void replay(struct account_survey *s, struct account_state *state, size_t upto)
{
	struct replay r = { .s = s, .state = state, .counted = true };
	struct account_head head = { 0 };
	size_t at = upto;
	enum peek how = PEEK_NOTHING;

	s->place_last = 0;
	s->gap_open = false;
	while (at > 0 && (how = peek(s, s->logs[at - 1], &head)) != PEEK_HEAD)
		at--;
	if (how == PEEK_HEAD) {
		s->head_number = s->logs[at - 1];
		for (uint32_t i = 0; i < head.n_chain; i++)
			read_segment(&r, &head.chain[i]);
		r.only_head = head.n_chain > 0 && !has_head_below(s, at - 1);
		read_segment(&r, &(struct account_segment){ .number = s->head_number });
		r.only_head = false;
	}
	for (; at < upto; at++) {
		enum peek what = never_began(s, s->logs[at]) ? PEEK_NEVER :
		    peek(s, s->logs[at], &head);

		if (what == PEEK_NEVER)
			tell_never(&r, s->logs[at]);
		if (what == PEEK_BASE && s->head_number == 0)
			tell_orphan(&r, s->logs[at]);
		if (what == PEEK_NEVER || what == PEEK_NOTHING || what == PEEK_BASE)
			continue;
		read_segment(&r, &(struct account_segment){ .number = s->logs[at] });
	}
	if (r.modseq > s->modseq)
		s->modseq = r.modseq;
	if (state->head.modseq > s->modseq)
		s->modseq = state->head.modseq;
}

/* Files from before the damage that the HEAD remembers: nobody cleared them away. */
static void look_behind(struct account_survey *s)
{
	struct account_state before;
	uint32_t number = s->head_number, uid = s->uid_last;
	uint64_t place = s->place_last;
	bool open = s->gap_open;
	size_t upto = 0;

	while (upto < s->n_logs && s->logs[upto] < s->state.head.chain[0].number)
		upto++;
	account_state_init(&before, s->heap, s->account);
	before.full = true;
	replay(s, &before, upto);
	account_state_free(&before);
	s->head_number = number;
	s->place_last = place;
	s->uid_last = uid;
	s->gap_open = open;
}

static void check_vanished(struct account_survey *s)
{
	const struct account_state *state = &s->state;
	struct finding finding = { .kind = FINDING_ACCOUNT };
	char path[ACCOUNT_PATH_MAX];

	account_folder_path(s->account, path);
	for (size_t i = 0; i < state->n_vanished; i++) {
		const struct account_vanished *v = &state->vanished[i];
		uint64_t count, bytes;

		account_state_measure(state, v->mailbox, v->uids, &count, &bytes);
		if (v->uids.first > 0 && v->uids.first <= v->uids.last && count == 0 &&
		    v->modseq <= state->head.modseq &&
		    (i == 0 || v->modseq >= state->vanished[i - 1].modseq))
			continue;
		s->bad_vanished = true;
		survey_tell(s, &finding, path, "the list of UIDs that vanished contradicts the "
		    "messages that are there (UID %u to %u)", v->uids.first, v->uids.last);
		return;
	}
}

static void check_sum(struct account_survey *s)
{
	struct account_state *state = &s->state;
	struct finding finding = { .kind = FINDING_ACCOUNT };
	char path[ACCOUNT_PATH_MAX];
	uint64_t bytes = 0, count = 0;

	account_folder_path(s->account, path);
	for (size_t i = 0; i < state->n_rows; i++) {
		count += !is_graveyard(state->rows[i].mailbox);
		bytes += is_graveyard(state->rows[i].mailbox) ? 0 : state->rows[i].size;
	}
	if (!s->lost && (state->head.count != count || state->head.bytes != bytes))
		survey_tell(s, &finding, path, "%llu messages of %llu bytes are counted, %llu of "
		    "%llu bytes are there", (unsigned long long)state->head.count,
		    (unsigned long long)state->head.bytes, (unsigned long long)count,
		    (unsigned long long)bytes);
	state->head.count = count;
	state->head.bytes = bytes;
	state->head.rows = state->n_rows;
	if (state->head.damaged && !s->lost)
		survey_tell(s, &finding, path, "damage was found here before: messages may be "
		    "missing, files that would else be gone are kept");
}

/* Messages whose mailbox no record names. */
static void check_mailboxes(struct account_survey *s)
{
	struct finding finding = { .kind = FINDING_ACCOUNT };
	char path[ACCOUNT_PATH_MAX];
	size_t made = account_state_adopt(&s->state);

	account_folder_path(s->account, path);
	if (made > 0 && !s->lost)
		survey_tell(s, &finding, path, "messages are in %zu mailboxes that no record "
		    "tells of: they are \"Recovered N\" now", made);
}

void survey_logs(struct account_survey *s)
{
	struct account_head head;
	bool lost;

	account_state_init(&s->state, s->heap, s->account);
	s->state.full = true;
	s->uid_next = 1;
	replay(s, &s->state, s->n_logs);
	/* The chain, which records do not bring into a state. */
	if (s->head_number != 0 && peek(s, s->head_number, &head) == PEEK_HEAD) {
		memcpy(s->state.head.chain, head.chain, sizeof head.chain);
		s->state.head.n_chain = head.n_chain;
	}
	check_vanished(s);
	check_sum(s);
	check_mailboxes(s);
	lost = s->lost;
	if (s->state.head.damaged && s->state.head.n_chain > 0)
		look_behind(s);
	s->lost = lost || s->state.head.damaged;
	if (!s->gap_open && s->n_gaps < SURVEY_GAPS_MAX)
		s->gaps[s->n_gaps++] = (struct survey_gap){ s->place_last, UINT64_MAX, true };
	/* A copy of all messages is a short record. */
	if (s->uids_lost > 0)
		s->uids_lost += s->state.head.rows;
	if (s->uids_lost < UINT32_MAX - s->uid_next)
		s->uid_next += (uint32_t)s->uids_lost;
}
