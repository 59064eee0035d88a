/* pack/digest.c - blocks of records, and a reader over those of one pack. */
#include "pack/digest.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/check.h"
#include "base/checksum.h"
#include "base/limits.h"

enum { MAGIC = 0x47444850 };            /* "PHDG" */

/* ---- a block ---- */

static size_t records_at(const struct digest_block *block)
{
	return DIGEST_HEAD + (size_t)block->n * DIGEST_ROW;
}

bool digest_head_read(slice head, struct digest_place place, uint64_t at, struct digest_block *ret)
{
	struct bytes in = bytes_init(head);
	struct digest_block block = { .at = at };

	if (head.len < DIGEST_HEAD || checksum64(slice_head(head, DIGEST_HEAD - 8), 0) !=
	    load_u64(head.ptr + DIGEST_HEAD - 8))
		return false;
	if (get_u32(&in) != MAGIC || get_u32(&in) != place.version || get_u64(&in) != place.owner ||
	    get_u32(&in) != place.number)
		return false;
	block.n = get_u32(&in);
	block.first = get_u32(&in);
	block.last = get_u32(&in);
	block.len = get_u32(&in);
	(void)get_u32(&in);
	if (get_u64(&in) != at || block.n == 0 || block.n > DIGEST_ROWS_MAX ||
	    block.first > block.last || block.len < records_at(&block) || block.len > DIGEST_BLOCK_MAX)
		return false;
	*ret = block;
	return true;
}

bool digest_rows_read(slice bytes, const struct digest_block *block, struct digest_row *ret_rows)
{
	uint64_t at = block->at + records_at(block), end = block->at + block->len;
	struct bytes in;
	slice rows;

	if (bytes.len < records_at(block))
		return false;
	rows = slice_sub(bytes, DIGEST_HEAD, (size_t)block->n * DIGEST_ROW);
	if (checksum64(rows, 0) != load_u64(bytes.ptr + DIGEST_HEAD - 16))
		return false;
	in = bytes_init(rows);
	for (uint32_t i = 0; i < block->n; i++) {
		struct digest_row row = { .offset = get_u32(&in), .at = at };

		row.stored = get_u32(&in);
		row.len = get_u32(&in);
		(void)get_u32(&in);
		row.checksum = get_u64(&in);
		if (row.len > DIGEST_RECORD_MAX || row.len > end - at)
			return false;
		at += row.len;
		ret_rows[i] = row;
	}
	return at == end;
}

struct digest_writer digest_writer_init(struct heap *heap)
{
	return (struct digest_writer){
		.rows = buffer_init(heap, DIGEST_ROWS_MAX * DIGEST_ROW),
		.records = buffer_init(heap, DIGEST_BLOCK_MAX - DIGEST_HEAD - DIGEST_ROWS_MAX * DIGEST_ROW),
	};
}

bool digest_writer_add(struct digest_writer *w, uint32_t offset, uint32_t stored, slice record)
{
	if (w->n == DIGEST_ROWS_MAX || record.len > DIGEST_RECORD_MAX ||
	    record.len > buffer_room(&w->records))
		return false;
	put_u32(&w->rows, offset);
	put_u32(&w->rows, stored);
	put_u32(&w->rows, (uint32_t)record.len);
	put_u32(&w->rows, 0);
	put_u64(&w->rows, checksum64(record, 0));
	buffer_add(&w->records, record);
	w->first = w->n == 0 || offset < w->first ? offset : w->first;
	w->last = w->n == 0 || offset > w->last ? offset : w->last;
	w->n++;
	return true;
}

void digest_writer_finish(struct digest_writer *w, struct digest_place place, uint64_t at,
    struct buffer *out, struct digest_block *ret)
{
	slice rows = buffer_bytes(&w->rows), records = buffer_bytes(&w->records);
	size_t from = buffer_bytes(out).len;

	*ret = (struct digest_block){ .at = at, .first = w->first, .last = w->last, .n = w->n };
	ret->len = (uint32_t)(records_at(ret) + records.len);
	put_u32(out, MAGIC);
	put_u32(out, place.version);
	put_u64(out, place.owner);
	put_u32(out, place.number);
	put_u32(out, ret->n);
	put_u32(out, ret->first);
	put_u32(out, ret->last);
	put_u32(out, ret->len);
	put_u32(out, 0);
	put_u64(out, at);
	put_u64(out, checksum64(rows, 0));
	put_u64(out, checksum64(slice_drop(buffer_bytes(out), from), 0));
	buffer_add(out, rows);
	buffer_add(out, records);
	buffer_truncate(&w->rows, 0);
	buffer_truncate(&w->records, 0);
	w->n = 0;
}

/* ---- in memory ---- */

void digests_init(struct digests *d, struct heap *heap, uint64_t owner, uint32_t version)
{
	*d = (struct digests){ .heap = heap, .owner = owner, .version = version };
}

static void *grow(struct heap *heap, void *array, size_t n, size_t *capacity, size_t size)
{
	if (n < *capacity)
		return array;
	*capacity = *capacity == 0 ? 4 : *capacity * 2;
	return heap_resize(heap, array, *capacity * size);
}

static void add_block(struct digests *d, struct digest_pack *pack, const struct digest_block *block)
{
	pack->blocks = grow(d->heap, pack->blocks, pack->n, &pack->capacity, sizeof *pack->blocks);
	pack->blocks[pack->n++] = *block;
	pack->end = block->at + block->len;
}

static struct digest_place place_of(const struct digests *d, uint32_t number)
{
	return (struct digest_place){ .owner = d->owner, .version = d->version, .number = number };
}

/* ---- with files ---- */

void digest_reader_init(struct digest_reader *r, struct os *os, struct heap *heap)
{
	*r = (struct digest_reader){ .os = os, .heap = heap, .fd = -1 };
	r->writer = digest_writer_init(heap);
	r->block = buffer_init(heap, DIGEST_BLOCK_MAX);
}

void digest_reader_begin(struct digest_reader *r, struct digests *of,
    int (*open)(void *context, uint32_t number, int flags), void *context)
{
	r->of = of;
	r->open = open;
	r->context = context;
	r->pack = NULL;
}

/* Heads up to the first that is none: what stands behind it is overwritten. */
static void read_heads(struct digest_reader *r, struct digest_pack *pack)
{
	int64_t size = os_size(r->os, r->fd);
	unsigned char head[DIGEST_HEAD];
	struct digest_block block;

	while (size >= 0 && pack->end + DIGEST_HEAD <= (uint64_t)size) {
		if (os_pread(r->os, r->fd, head, sizeof head, pack->end) != sizeof head ||
		    !digest_head_read(slice_of(head, sizeof head), place_of(r->of, pack->number),
		    pack->end, &block) || block.len > (uint64_t)size - pack->end)
			break;
		add_block(r->of, pack, &block);
	}
	pack->closed = size < 0;
}

static struct digest_pack *find_pack(struct digest_reader *r, uint32_t number)
{
	struct digests *d = r->of;
	struct digest_pack *pack;

	for (size_t i = d->n; i > 0; i--) {
		if (d->packs[i - 1].number == number)
			return &d->packs[i - 1];
	}
	d->packs = grow(d->heap, d->packs, d->n, &d->capacity, sizeof *d->packs);
	pack = &d->packs[d->n++];
	*pack = (struct digest_pack){ .number = number };
	r->fd = r->open(r->context, number, OS_READ | OS_WRITE);
	if (r->fd >= 0)
		read_heads(r, pack);
	return pack;
}

static void forget_open(struct digest_reader *r)
{
	if (r->fd >= 0)
		os_close(r->os, r->fd);
	r->fd = -1;
	r->pack = NULL;
	r->n_rows = 0;
	r->window_len = 0;
}

/* Writes what gathered for the pack that is open. */
static void flush(struct digest_reader *r)
{
	struct digest_pack *pack = r->pack;
	struct digest_block block;

	if (r->writer.n == 0)
		return;
	buffer_truncate(&r->block, 0);
	digest_writer_finish(&r->writer, place_of(r->of, pack->number), pack->end, &r->block, &block);
	if (pack->closed || pack->end + block.len > DIGEST_FILE_MAX)
		return;
	if (r->fd < 0)
		r->fd = r->open(r->context, pack->number, OS_READ | OS_WRITE | OS_CREATE);
	if (r->fd < 0 || os_pwrite(r->os, r->fd, buffer_bytes(&r->block), pack->end) < 0)
		pack->closed = true;
	else
		add_block(r->of, pack, &block);
}

/* Rows of one block that are between two offsets, behind the others. */
static void read_rows(struct digest_reader *r, const struct digest_block *block, uint32_t first,
    uint32_t last)
{
	size_t len = records_at(block), n = r->n_rows;

	if (r->rows_room < n + block->n) {
		r->rows_room = 2 * (n + block->n);
		r->rows = heap_resize(r->heap, r->rows, r->rows_room * sizeof *r->rows);
	}
	buffer_truncate(&r->block, 0);
	if (os_pread(r->os, r->fd, buffer_reserve(&r->block, len), len, block->at) != (ssize_t)len)
		return;
	buffer_filled(&r->block, len);
	if (!digest_rows_read(buffer_bytes(&r->block), block, r->rows + n))
		return;
	for (size_t i = 0; i < block->n; i++) {
		struct digest_row row = r->rows[n + i];

		if (row.offset >= first && row.offset <= last)
			r->rows[r->n_rows++] = row;
	}
}

static int by_offset(const void *a, const void *b)
{
	const struct digest_row *x = a, *y = b;

	if (x->offset != y->offset)
		return x->offset < y->offset ? -1 : 1;
	return x->at < y->at ? -1 : x->at > y->at;
}

/* Open the pack of wants[i], with the rows of all that are of it from there on. */
static void open_pack(struct digest_reader *r, const struct pack_want *wants, size_t n, size_t i)
{
	uint32_t first = wants[i].offset, last = first;
	bool sorted = true;

	digest_reader_end(r);
	r->number = wants[i].number;
	for (size_t j = i; j < n; j++) {
		if (wants[j].number != r->number)
			continue;
		first = wants[j].offset < first ? wants[j].offset : first;
		last = wants[j].offset > last ? wants[j].offset : last;
	}
	r->pack = find_pack(r, r->number);
	if (r->fd < 0 && r->pack->n > 0)
		r->fd = r->open(r->context, r->number, OS_READ | OS_WRITE);
	for (size_t k = 0; r->fd >= 0 && k < r->pack->n; k++) {
		const struct digest_block *block = &r->pack->blocks[k];

		if (block->first <= last && block->last >= first && r->n_rows < DIGEST_LOOK_MAX)
			read_rows(r, block, first, last);
	}
	for (size_t k = 1; k < r->n_rows && sorted; k++)
		sorted = r->rows[k - 1].offset < r->rows[k].offset;
	if (!sorted)
		qsort(r->rows, r->n_rows, sizeof *r->rows, by_offset);
	r->row = 0;
}

/* The last row of an offset; NULL: there is none. */
static const struct digest_row *find_row(struct digest_reader *r, uint32_t offset)
{
	size_t low = 0, high = r->n_rows;

	/* Mostly the one behind the last. */
	if (r->row + 2 < high && r->rows[r->row + 1].offset == offset &&
	    r->rows[r->row + 2].offset != offset)
		return &r->rows[++r->row];
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (r->rows[middle].offset <= offset)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0 || r->rows[low - 1].offset != offset)
		return NULL;
	r->row = low - 1;
	return &r->rows[r->row];
}

/* Where records end that stand behind that of wants[i] and are wanted as well. */
static uint64_t run_end(const struct digest_reader *r, const struct pack_want *wants, size_t n,
    size_t i)
{
	size_t row = r->row;
	uint64_t from = r->rows[row].at, end = from + r->rows[row].len;

	while (++i < n && ++row < r->n_rows && wants[i].number == r->number &&
	    wants[i].offset == r->rows[row].offset && r->rows[row].at >= end &&
	    r->rows[row].at - end <= DIGEST_WINDOW_GAP &&
	    r->rows[row].at + r->rows[row].len - from <= DIGEST_WINDOW)
		end = r->rows[row].at + r->rows[row].len;
	return end;
}

bool digest_reader_look(struct digest_reader *r, const struct pack_want *wants, size_t n, size_t i,
    slice *ret_record)
{
	const struct digest_row *row;
	ssize_t got;
	uint64_t end;

	if (r->pack == NULL || r->number != wants[i].number)
		open_pack(r, wants, n, i);
	row = find_row(r, wants[i].offset);
	if (row == NULL || row->stored != wants[i].stored)
		return false;
	if (row->at < r->window_at || row->at + row->len > r->window_at + r->window_len) {
		end = run_end(r, wants, n, i);
		if (r->window == NULL)
			r->window = heap_resize(r->heap, NULL, DIGEST_WINDOW);
		r->window_len = 0;
		got = os_pread(r->os, r->fd, r->window, (size_t)(end - row->at), row->at);
		if (got < (ssize_t)row->len)
			return false;
		r->window_at = row->at;
		r->window_len = (size_t)got;
	}
	*ret_record = slice_of(r->window + (row->at - r->window_at), row->len);
	return checksum64(*ret_record, 0) == row->checksum;
}

void digest_reader_keep(struct digest_reader *r, const struct pack_want *want, slice record)
{
	check(r->pack != NULL && r->number == want->number);
	if (digest_writer_add(&r->writer, want->offset, want->stored, record) ||
	    record.len > DIGEST_RECORD_MAX)
		return;
	flush(r);
	(void)digest_writer_add(&r->writer, want->offset, want->stored, record);
}

void digest_reader_end(struct digest_reader *r)
{
	if (r->pack != NULL)
		flush(r);
	forget_open(r);
}
