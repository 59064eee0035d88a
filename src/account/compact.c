/* account/compact.c - one pack after the other: its live entries into a new file. */
#include "account/compact.h"

#include <errno.h>
#include <stdlib.h>

#include "account/files.h"
#include "account/slot.h"
#include "base/check.h"
#include "base/limits.h"
#include "pack/pack.h"

void account_places_of(const struct account *a, struct account_compaction *c)
{
	const struct account_state *s = &a->state;

	check(s->full);
	c->places = heap_alloc(c->heap, (s->n_rows + 1) * sizeof *c->places);
	c->n_places = s->n_rows;
	for (size_t i = 0; i < s->n_rows; i++)
		c->places[i] = (struct account_place){ s->rows[i].pack, s->rows[i].offset,
			s->rows[i].stored };
}

static int compare_places(const void *a, const void *b)
{
	const struct account_place *x = a, *y = b;

	if (x->pack != y->pack)
		return x->pack < y->pack ? -1 : 1;
	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

/* Copies name the same place. */
static void sort_places(struct account_compaction *c)
{
	size_t n = 0;

	qsort(c->places, c->n_places, sizeof *c->places, compare_places);
	for (size_t i = 0; i < c->n_places; i++) {
		if (n == 0 || compare_places(&c->places[n - 1], &c->places[i]) != 0)
			c->places[n++] = c->places[i];
	}
	c->n_places = n;
}

/* ---- one pack ---- */

struct copy {
	struct os *os;
	struct account_compaction *c;
	const struct account_place *places;     /* of the pack */
	size_t n;
	int in;
	struct account_files out;
	uint64_t end;                   /* of out */
};

/* -EBADMSG: it is not whole. */
static int copy_entry(struct copy *copy, const struct account_place *from)
{
	struct heap *heap = copy->c->heap;
	struct pack_place place = { copy->c->account, from->pack, from->offset };
	struct pack_body body;
	enum pack_result result;
	uint64_t checksum;
	slice prefix;
	int error;

	result = pack_look(copy->os, heap, copy->in, place, &prefix, &body);
	if (result != PACK_OK)
		return result == PACK_IO ? -EIO : -EBADMSG;
	if (pack_entry_len(prefix, body) != from->stored) {
		heap_free(heap, (void *)(uintptr_t)prefix.ptr);
		return -EBADMSG;
	}
	error = pack_copy(copy->os, heap, copy->in, place, copy->out.pack,
	    (struct pack_place){ place.owner, copy->out.pack_number, (uint32_t)copy->end }, prefix, body,
	    &checksum);
	heap_free(heap, (void *)(uintptr_t)prefix.ptr);
	return error == 0 && checksum != body.checksum ? -EBADMSG : error;
}

static void add_move(struct copy *copy, const struct account_place *from)
{
	struct account_compaction *c = copy->c;

	c->moves = account_state_grow(c->heap, c->moves, c->n_moves, &c->moves_capacity,
	    sizeof *c->moves);
	c->moves[c->n_moves++] = (struct account_move){ *from, copy->out.pack_number,
		(uint32_t)copy->end };
	copy->end += from->stored;
}

static int has_room(struct copy *copy, uint64_t bytes)
{
	uint64_t free_bytes, total;
	int error = os_free_space(copy->os, copy->in, &free_bytes, &total);

	if (error != 0)
		return error;
	return free_bytes > bytes + total / ACCOUNT_COMPACT_SPARE_DIVISOR ? 0 : -ENOSPC;
}

static int fill(struct copy *copy)
{
	int error = 0;

	for (size_t i = 0; i < copy->n && error == 0; i++) {
		error = copy_entry(copy, &copy->places[i]);
		if (error == 0)
			add_move(copy, &copy->places[i]);
	}
	if (error == 0)
		error = os_sync(copy->os, copy->out.pack);
	for (size_t i = 0; i < ACCOUNT_FOLDERS && error == 0; i++) {
		if (copy->out.folders[i] >= 0)
			error = os_sync_folder(copy->os, copy->out.folders[i]);
	}
	return error;
}

/* Their moves are added, or none, and nothing is left of the new pack. */
static int copy_pack(struct copy *copy, uint64_t live)
{
	struct account_compaction *c = copy->c;
	char path[ACCOUNT_PATH_MAX];
	size_t before = c->n_moves;
	int error = has_room(copy, live);

	if (error == 0)
		error = account_files_create(copy->os, c->account, FILES_PACK, 0, c->pack_next,
		    &copy->out);
	if (error != 0)
		return error;
	copy->end = 0;
	error = fill(copy);
	account_files_close(copy->os, &copy->out);
	if (error == 0) {
		c->pack_next = copy->out.pack_number + 1;
		return 0;
	}
	c->n_moves = before;
	account_pack_path(c->account, copy->out.pack_number, path);
	(void)os_unlink(copy->os, OS_ROOT, path);
	return error;
}

/* Is it worth it? */
static bool is_wanted(const struct account_compaction *c, uint64_t live, uint64_t size)
{
	if (live == 0 || size <= live)
		return false;
	return c->dead_divisor == 0 || (size - live) >= size / c->dead_divisor;
}

static int look_at_pack(struct os *os, struct account_compaction *c,
    const struct account_place *places, size_t n, uint32_t number)
{
	struct copy copy = { .os = os, .c = c, .places = places, .n = n };
	char path[ACCOUNT_PATH_MAX];
	uint64_t live = 0;
	int64_t size;
	int error = 0;

	for (size_t i = 0; i < n; i++)
		live += places[i].stored;
	account_pack_path(c->account, number, path);
	copy.in = os_open(os, OS_ROOT, path, OS_READ);
	if (copy.in < 0)
		return copy.in;
	size = os_size(os, copy.in);
	if (size < 0) {
		error = (int)size;
	} else if (is_wanted(c, live, (uint64_t)size)) {
		c->more = c->bytes_max < live;
		if (!c->more)
			error = copy_pack(&copy, live);
		if (!c->more && error == 0) {
			c->bytes_max -= live;
			c->freed += (uint64_t)size - live;
			c->packs++;
		}
	}
	os_close(os, copy.in);
	return error;
}

/* ---- all of them ---- */

static void drop_all(struct os *os, struct account_compaction *c)
{
	char path[ACCOUNT_PATH_MAX];
	uint32_t last = 0;

	for (size_t i = 0; i < c->n_moves; i++) {
		if (c->moves[i].pack == last)
			continue;
		last = c->moves[i].pack;
		account_pack_path(c->account, last, path);
		(void)os_unlink(os, OS_ROOT, path);
	}
	c->n_moves = 0;
	c->packs = 0;
}

static void look_at_all(struct os *os, struct account_compaction *c, const uint32_t *numbers,
    size_t n)
{
	uint32_t unused_below = c->open_pack != 0 ? c->open_pack : c->pack_next;
	size_t at = 0, to;
	int error;

	for (size_t i = 0; i < n && !c->more; i++) {
		while (at < c->n_places && c->places[at].pack < numbers[i])
			at++;
		for (to = at; to < c->n_places && c->places[to].pack == numbers[i];)
			to++;
		c->unused = c->unused || (to == at && numbers[i] < unused_below);
		if (numbers[i] == c->open_pack || to == at)
			continue;
		error = look_at_pack(os, c, c->places + at, to - at, numbers[i]);
		if (error == -EBADMSG) {
			c->damaged = numbers[i];
		} else if (error != 0) {
			c->error = error;
			drop_all(os, c);
			return;
		}
	}
}

void account_compact(struct os *os, struct account_compaction *c)
{
	char path[ACCOUNT_PATH_MAX];
	uint32_t *numbers;
	size_t n;

	sort_places(c);
	account_packs_path(c->account, path);
	c->error = account_list(os, c->heap, path, ".pack", &numbers, &n);
	if (c->error < 0)
		return;
	c->error = 0;
	look_at_all(os, c, numbers, n);
	heap_free(c->heap, numbers);
}

/* ---- rows ---- */

const struct account_move *account_moved(const struct account_compaction *c, uint32_t pack,
    uint32_t offset)
{
	struct account_place key = { pack, offset, 0 };

	/* Most of a million rows are in other packs. */
	if (c->n_moves == 0 || pack < c->moves[0].from.pack ||
	    pack > c->moves[c->n_moves - 1].from.pack)
		return NULL;
	return bsearch(&key, c->moves, c->n_moves, sizeof *c->moves, compare_places);
}

void account_move(struct account *a, const struct account_compaction *c)
{
	struct account_state *s = &a->state;

	check(s->full);
	for (size_t i = 0; i < s->n_rows; i++) {
		struct account_row *row = &s->rows[i];
		const struct account_move *move = account_moved(c, row->pack, row->offset);

		if (move == NULL)
			continue;
		row->pack = move->pack;
		row->offset = move->offset;
		if (move->pack >= s->head.pack_next)
			s->head.pack_next = move->pack + 1;
	}
}
