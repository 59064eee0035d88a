/* account/survey_packs.c - each message that a row names, and what else is there.
 *
 * Rows are gone through by place; those of copies share one. Between them an entry that
 * no row names is stepped over by its own length, or, when it is damaged, up to the next
 * row: it is nobody's. */
#include "account/survey.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "account/slot.h"
#include "base/checksum.h"

/* A row, by its place. */
struct placed {
	uint64_t place;
	const struct account_row *row;
};

struct walk {
	struct account_survey *s;
	struct placed *placed;          /* all rows, ascending by place, then by uid */
	int fd;
	uint32_t pack;
	uint64_t size;                  /* of the pack, when the survey began */
	char path[ACCOUNT_PATH_MAX];
	struct survey_unnamed *found;   /* candidates, before twins are taken out */
	size_t n_found, found_capacity;
	uint64_t uids;                  /* that what no row names may have used up */
};

static bool in_gap(const struct account_survey *s, uint64_t place, bool *ret_soft)
{
	bool in = false;

	*ret_soft = true;
	for (size_t i = 0; i < s->n_gaps; i++) {
		if (place <= s->gaps[i].after || place >= s->gaps[i].before)
			continue;
		in = true;
		*ret_soft = *ret_soft && s->gaps[i].soft;
	}
	return in;
}

static int compare_places(const void *key, const void *at)
{
	uint64_t x, y;

	memcpy(&x, key, sizeof x);
	memcpy(&y, at, sizeof y);
	return x < y ? -1 : x > y;
}

static bool was_named(const struct account_survey *s, uint64_t place)
{
	return s->n_places > 0 && bsearch(&place, s->places, s->n_places, sizeof place,
	    compare_places) != NULL;
}

/* A delivery that came again has the same trace and the same body. */
static uint64_t twin_of(slice prefix, const struct pack_body *body)
{
	return checksum64(prefix, body->checksum ^ body->size);
}

/* ---- messages ---- */

static const char *reason(enum pack_result why)
{
	switch (why) {
	case PACK_DAMAGED:
		return "its bytes are damaged";
	case PACK_NEWER:
		return "a later Posthouse wrote it";
	case PACK_IO:
		return "the disk can't read it";
	case PACK_OK:
	case PACK_END:
		break;
	}
	return "its size is not what its record says";
}

static void tell_bad(struct walk *w, const struct account_row *row, enum pack_result why)
{
	struct account_survey *s = w->s;
	struct finding finding = {
		.kind = why == PACK_IO ? FINDING_DISK : why == PACK_NEWER ? FINDING_NEWER :
		    FINDING_MESSAGE,
		.from = row->offset, .to = row->offset + (uint64_t)row->stored, .uid = row->uid,
	};

	message_id_print(account_key_id(row->key), finding.message);
	s->newer = s->newer || why == PACK_NEWER;
	if (s->n_bad == s->bad_capacity) {
		s->bad_capacity = s->bad_capacity == 0 ? 16 : 2 * s->bad_capacity;
		s->bad = heap_resize(s->heap, s->bad, s->bad_capacity * sizeof *s->bad);
	}
	s->bad[s->n_bad++] = (struct survey_bad){ row->uid, why };
	survey_tell(s, &finding, w->path, "a message of this mailbox can't be read as a whole: "
	    "%s", w->fd < 0 ? "its pack is not there" : reason(why));
}

/* Every byte. PACK_END: it is whole. */
static enum pack_result read_message(struct walk *w, const struct account_row *row)
{
	struct account_survey *s = w->s;
	struct pack_place place = { s->account, row->pack, row->offset };
	struct pack_reader reader;
	enum pack_result result;
	uint64_t prefix_len;
	slice piece;

	result = pack_reader_open(&reader, s->os, s->heap, w->fd, place);
	if (result != PACK_OK)
		return result;
	prefix_len = reader.prefix.len;
	while ((result = pack_reader_next(&reader, &piece)) == PACK_OK)
		;
	if (result == PACK_END && (pack_reader_size(&reader) != row->size ||
	    PACK_ENTRY + prefix_len + reader.body.stored != row->stored))
		result = PACK_OK;       /* whole, but another one */
	pack_reader_close(&reader);
	return result;
}

/* The message of n rows, which are copies of each other. */
static void check_message(struct walk *w, const struct placed *placed, size_t n)
{
	const struct account_row *row = placed[0].row;
	enum pack_result result = w->fd < 0 ? PACK_DAMAGED : read_message(w, row);

	for (size_t i = 0; i < n && result != PACK_END; i++)
		tell_bad(w, placed[i].row, result);
	finder_read(w->s->finder, w->path, row->stored);
}

/* ---- what no row names ---- */

static void add_found(struct walk *w, struct survey_unnamed unnamed)
{
	if (w->n_found == SURVEY_UNNAMED_MAX)
		return;
	if (w->n_found == w->found_capacity) {
		w->found_capacity = w->found_capacity == 0 ? 16 : 2 * w->found_capacity;
		w->found = heap_resize(w->s->heap, w->found,
		    w->found_capacity * sizeof *w->found);
	}
	w->found[w->n_found++] = unnamed;
}

/* Its body too, before it counts as a message. */
static bool is_whole(struct walk *w, struct pack_place place)
{
	struct pack_reader reader;
	enum pack_result result;
	slice piece;

	result = pack_reader_open(&reader, w->s->os, w->s->heap, w->fd, place);
	if (result == PACK_OK) {
		while ((result = pack_reader_next(&reader, &piece)) == PACK_OK)
			;
		pack_reader_close(&reader);
	}
	if (result == PACK_IO)
		survey_disk_failed(w->s, w->path);
	return result == PACK_END;
}

/* For any recipient: which one it was, a prefix does not say. */
static bool has_key(const struct key_set *keys, struct message_id id)
{
	size_t low = 0, high = keys->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		struct message_id at = account_key_id(keys->keys[middle]);

		if (at.generation < id.generation ||
		    (at.generation == id.generation && at.sequence < id.sequence))
			low = middle + 1;
		else
			high = middle;
	}
	return low < keys->n && message_id_equal(account_key_id(keys->keys[low]), id);
}

static void judge_entry(struct walk *w, struct pack_place place, slice prefix,
    const struct pack_body *body)
{
	struct account_survey *s = w->s;
	uint64_t at = survey_place(place.number, place.offset);
	struct message_id id;
	bool soft;

	if (!in_gap(s, at, &soft) || was_named(s, at))
		return;
	w->uids++;
	/* An APPEND that failed, or did not come to its end: nobody hands it over again. */
	if (soft && prefix.len == 0)
		return;
	if (survey_message_id(prefix, &id) && s->pending != NULL &&
	    s->pending(s->context, id) && !has_key(&s->state.keys, id))
		return;         /* on its way still: nobody was told that it is here */
	if (!is_whole(w, place))
		return;
	add_found(w, (struct survey_unnamed){ place, pack_entry_len(prefix, *body),
	    twin_of(prefix, body), soft });
}

/* The next entry behind a damaged place; what stood there may have used up UIDs. */
static enum pack_result find_entry(struct walk *w, uint64_t at, uint64_t end,
    struct pack_place *place)
{
	struct account_survey *s = w->s;
	bool soft;

	place->offset++;
	/* Worth a search only where something may be lost. */
	if (!in_gap(s, survey_place(w->pack, place->offset), &soft))
		return PACK_END;
	w->uids += (end - at) / (2 * PACK_ENTRY) + 1;
	return pack_find(s->os, s->heap, w->fd, end, place);
}

/* Entries from `at` on, up to the next row or the end of the pack. */
static void walk_unnamed(struct walk *w, uint64_t at, uint64_t end)
{
	struct account_survey *s = w->s;

	while (at + PACK_ENTRY <= end && at <= UINT32_MAX) {
		struct pack_place place = { s->account, w->pack, (uint32_t)at };
		struct pack_body body;
		enum pack_result result;
		slice prefix;

		result = pack_look(s->os, s->heap, w->fd, place, &prefix, &body);
		if (result == PACK_OK) {
			judge_entry(w, place, prefix, &body);
			at += pack_entry_len(prefix, body);
			heap_free(s->heap, (void *)(uintptr_t)prefix.ptr);
			continue;
		}
		if (result == PACK_DAMAGED)
			result = find_entry(w, at, end, &place);
		if (result == PACK_IO)
			survey_disk_failed(s, w->path);
		if (result != PACK_OK)
			return;
		at = place.offset;
	}
}

/* ---- packs ---- */

static void open_pack(struct walk *w, bool named)
{
	struct finding finding = { .kind = FINDING_MISSING };
	struct account_survey *s = w->s;
	int64_t size = 0;

	account_pack_path(s->account, w->pack, w->path);
	w->fd = os_open(s->os, OS_ROOT, w->path, OS_READ);
	if (w->fd >= 0)
		size = os_size(s->os, w->fd);
	if (size < 0 || (w->fd < 0 && w->fd != -ENOENT && !named))
		survey_disk_failed(s, w->path);
	w->size = size > 0 ? (uint64_t)size : 0;
	if (survey_place(w->pack, 0) > s->packs_end)
		w->size = 0;
	else if (w->pack == s->packs_end >> 32 && w->size > (uint32_t)s->packs_end)
		w->size = (uint32_t)s->packs_end;
	if (w->fd < 0 && named)
		survey_tell(s, &finding, w->path, "a pack that messages of the mailbox are in "
		    "can't be opened: %s", strerror(-w->fd));
}

/* Rows that name the same entry as the first one: copies. */
static size_t count_copies(const struct placed *placed, size_t n)
{
	size_t same = 1;

	while (same < n && placed[same].place == placed[0].place &&
	    placed[same].row->stored == placed[0].row->stored &&
	    placed[same].row->size == placed[0].row->size)
		same++;
	return same;
}

/* Rows from the first on that are in this pack; returns the first one behind it. */
static size_t walk_pack(struct walk *w, size_t first)
{
	struct account_survey *s = w->s;
	size_t n = s->state.n_rows, i = first, copies;
	bool named = first < n && w->placed[first].row->pack == w->pack;
	uint64_t at = 0;

	open_pack(w, named);
	for (; i < n && w->placed[i].row->pack == w->pack; i += copies) {
		const struct account_row *row = w->placed[i].row;

		copies = count_copies(w->placed + i, n - i);
		if (w->fd >= 0 && row->offset > at)
			walk_unnamed(w, at, row->offset);
		check_message(w, w->placed + i, copies);
		at = row->offset + (uint64_t)row->stored;
	}
	if (w->fd >= 0) {
		walk_unnamed(w, at, w->size);
		os_close(s->os, w->fd);
	}
	return i;
}

static int by_row_place(const void *a, const void *b)
{
	const struct placed *x = a, *y = b;

	if (x->place != y->place)
		return x->place < y->place ? -1 : 1;
	return x->row->uid < y->row->uid ? -1 : x->row->uid > y->row->uid;
}

static void place_rows(struct walk *w)
{
	const struct account_state *state = &w->s->state;

	w->placed = heap_alloc(w->s->heap, (state->n_rows + 1) * sizeof *w->placed);
	for (size_t i = 0; i < state->n_rows; i++) {
		const struct account_row *row = &state->rows[i];

		w->placed[i] = (struct placed){ survey_place(row->pack, row->offset), row };
	}
	qsort(w->placed, state->n_rows, sizeof *w->placed, by_row_place);
}

/* Two rows name the same entry, or two that stand apart. */
static bool overlaps(const struct placed *before, const struct placed *at)
{
	if (before->place == at->place)
		return before->row->stored != at->row->stored ||
		    before->row->size != at->row->size;
	return before->row->pack == at->row->pack &&
	    at->row->offset < before->row->offset + (uint64_t)before->row->stored;
}

static void check_places(struct walk *w)
{
	struct account_survey *s = w->s;
	struct finding finding = { .kind = FINDING_ACCOUNT };
	char path[ACCOUNT_PATH_MAX];

	account_folder_path(s->account, path);
	for (size_t i = 1; i < s->state.n_rows; i++) {
		if (!overlaps(&w->placed[i - 1], &w->placed[i]))
			continue;
		finding.uid = w->placed[i].row->uid;
		survey_tell(s, &finding, path, "the place of this message in the packs is within "
		    "that of UID %u", w->placed[i - 1].row->uid);
		return;
	}
}

static int by_uid(const void *a, const void *b)
{
	const struct survey_bad *x = a, *y = b;

	return x->uid < y->uid ? -1 : x->uid > y->uid;
}

/* ---- which of them are lost ---- */

static int by_twin(const void *a, const void *b)
{
	const struct survey_unnamed *x = a, *y = b;

	if (x->twin != y->twin)
		return x->twin < y->twin ? -1 : 1;
	return x->place.number != y->place.number ?
	    (x->place.number < y->place.number ? -1 : 1) :
	    x->place.offset < y->place.offset ? -1 : x->place.offset > y->place.offset;
}

static int by_place(const void *a, const void *b)
{
	const struct survey_unnamed *x = a, *y = b;
	uint64_t left = survey_place(x->place.number, x->place.offset);
	uint64_t right = survey_place(y->place.number, y->place.offset);

	return left < right ? -1 : left > right;
}

/* len 0 marks those that are no loss. Sorted by twin. */
static void mark_twin(struct walk *w, uint64_t twin)
{
	size_t low = 0, high = w->n_found;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (w->found[middle].twin < twin)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < w->n_found && w->found[low].twin == twin; low++)
		w->found[low].len = 0;
}

static void mark_twins_of_rows(struct walk *w)
{
	struct account_survey *s = w->s;
	uint32_t pack = 0;
	int fd = -1;

	for (size_t i = 0; i < s->state.n_rows; i++) {
		const struct account_row *row = &s->state.rows[i];
		struct pack_place place = { s->account, row->pack, row->offset };
		struct pack_body body;
		slice prefix;

		if (row->pack != pack) {
			os_close(s->os, fd);
			pack = row->pack;
			account_pack_path(s->account, pack, w->path);
			fd = os_open(s->os, OS_ROOT, w->path, OS_READ);
		}
		if (fd < 0 || pack_look(s->os, s->heap, fd, place, &prefix, &body) != PACK_OK)
			continue;
		mark_twin(w, twin_of(prefix, &body));
		heap_free(s->heap, (void *)(uintptr_t)prefix.ptr);
	}
	os_close(s->os, fd);
}

/* The twins of messages that are there, and of each other: the last one stays. */
static void drop_twins(struct walk *w)
{
	size_t kept = 0;

	qsort(w->found, w->n_found, sizeof *w->found, by_twin);
	mark_twins_of_rows(w);
	for (size_t i = 0; i < w->n_found; i++) {
		bool again = i + 1 < w->n_found && w->found[i].twin == w->found[i + 1].twin;

		if (w->found[i].len > 0 && !again)
			w->found[kept++] = w->found[i];
	}
	w->n_found = kept;
	qsort(w->found, w->n_found, sizeof *w->found, by_place);
}

/* UIDs behind the last one that a record names, and gone: as many entries that no
 * record names any more are explained. Where there are other mailboxes the last one may be
 * that of a copy, above UIDs that were given behind its place: then any that is gone counts. */
static uint64_t vanished_behind(const struct account_survey *s)
{
	uint32_t last = s->state.n_mailboxes > 1 ? 0 : s->uid_last;
	uint64_t n = 0;

	if (s->state.horizon > 0)
		return UINT64_MAX;
	for (size_t i = 0; i < s->state.n_vanished; i++) {
		struct uid_range uids = s->state.vanished[i].uids;

		if (uids.last > last)
			n += uids.last - (uids.first > last ? uids.first - 1 : last);
	}
	return n;
}

static void tell_unnamed(struct account_survey *s, const struct survey_unnamed *unnamed)
{
	struct finding finding = { .kind = FINDING_UNNAMED, .from = unnamed->place.offset,
	    .to = unnamed->place.offset + unnamed->len };
	char path[ACCOUNT_PATH_MAX];
	struct pack_body body;
	struct message_id id;
	slice prefix;
	int fd;

	account_pack_path(s->account, unnamed->place.number, path);
	fd = os_open(s->os, OS_ROOT, path, OS_READ);
	if (fd >= 0 && pack_look(s->os, s->heap, fd, unnamed->place, &prefix, &body) == PACK_OK) {
		if (survey_message_id(prefix, &id))
			message_id_print(id, finding.message);
		heap_free(s->heap, (void *)(uintptr_t)prefix.ptr);
	}
	os_close(s->os, fd);
	survey_tell(s, &finding, path, "a whole message that no record of the log names: its "
	    "record is lost, the mailbox does not show it");
}

static void decide(struct walk *w)
{
	struct account_survey *s = w->s;
	uint64_t explained = vanished_behind(s);
	bool hard = false;

	for (size_t i = 0; i < w->n_found; i++)
		hard = hard || !w->found[i].soft;
	if (w->n_found == 0 || (!hard && w->n_found <= explained))
		return;
	drop_twins(w);
	s->unnamed = w->found;
	for (size_t i = 0; i < w->n_found; i++) {
		if (w->found[i].soft && explained > 0) {
			explained--;
			continue;
		}
		s->unnamed[s->n_unnamed++] = w->found[i];
	}
	/* Their UIDs are not known, and none of them must name another message. */
	if (s->n_unnamed > 0 && w->uids < UINT32_MAX - s->uid_next)
		s->uid_next += (uint32_t)w->uids;
	for (size_t i = 0; i < s->n_unnamed; i++)
		tell_unnamed(s, &s->unnamed[i]);
}

/* Numbers of files and of rows, both ascending, are gone through together: a pack
 * that rows name may be missing, one that is there may have no rows. */
void survey_packs(struct account_survey *s)
{
	struct walk w = { .s = s, .fd = -1 };
	size_t row = 0, file = 0;

	place_rows(&w);
	check_places(&w);
	while (row < s->state.n_rows || file < s->n_packs) {
		uint32_t by_row = row < s->state.n_rows ? w.placed[row].row->pack : UINT32_MAX;
		uint32_t by_file = file < s->n_packs ? s->packs[file] : UINT32_MAX;

		w.pack = by_row < by_file ? by_row : by_file;
		row = walk_pack(&w, row);
		if (by_file == w.pack)
			file++;
	}
	if (s->n_bad > 0)
		qsort(s->bad, s->n_bad, sizeof *s->bad, by_uid);
	heap_free(s->heap, w.placed);
	decide(&w);
}
