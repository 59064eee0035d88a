/* sim/log_look.c - marks by their blocks, records by the reader. */
#include "sim/log_look.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "log/format.h"

static void add(struct log_look *look, const struct log_item *item)
{
	if (look->n == look->capacity) {
		look->capacity = look->capacity == 0 ? 64 : 2 * look->capacity;
		look->items = heap_resize(look->heap, look->items,
		    look->capacity * sizeof *look->items);
	}
	look->items[look->n++] = *item;
}

static void add_records(struct log_look *look)
{
	struct log_reader reader;
	struct log_record record;
	uint32_t from, to, need;

	log_reader_init(&reader, &look->head, look->head.size);
	while (reader.offset <= look->bytes.len && log_next(&reader,
	    slice_drop(look->bytes, reader.offset), (uint32_t)reader.offset, true, &record,
	    &from, &to, &need) == LOG_RECORD)
		add(look, &(struct log_item){ .type = record.type, .offset = record.offset,
		    .next = record.next, .payload = record.payload });
}

/* Up to where records are read: what follows may be of an earlier use, or torn. */
static void add_marks(struct log_look *look)
{
	uint32_t end = look->items[look->n - 1].next;

	for (uint32_t at = LOG_BLOCK; at + FORMAT_MARK <= look->bytes.len && at < end;
	    at += LOG_BLOCK) {
		slice block = slice_drop(look->bytes, at), payload = slice_sub(block,
		    FORMAT_HEADER, FORMAT_MARK_PAYLOAD);
		struct format_header header;

		if (format_header_read(block.ptr, look->head.generation, at, &header) &&
		    header.type == FORMAT_TYPE_MARK &&
		    format_verify(&header, look->head.generation, at, payload))
			add(look, &(struct log_item){ .type = LOG_LOOK_MARK, .offset = at,
			    .next = at + FORMAT_MARK, .synced_to = load_u32(payload.ptr + 8),
			    .payload = payload });
	}
}

static int by_offset(const void *a, const void *b)
{
	const struct log_item *x = a, *y = b;

	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

bool log_look(const struct sim_disk_file *file, struct heap *heap, struct log_look *ret)
{
	struct log_look look = { .heap = heap };
	unsigned char *bytes = heap_alloc(heap, (size_t)file->size + 1);

	sim_disk_read(file, bytes, (size_t)file->size, 0);
	memcpy(look.path, file->path, sizeof look.path);
	look.bytes = slice_of(bytes, (size_t)file->size);
	if (look.bytes.len < LOG_BLOCK || log_head_read(slice_head(look.bytes, LOG_BLOCK),
	    &look.head) != LOG_HEAD_OK || look.head.generation == 0)
		return false;
	add(&look, &(struct log_item){ .type = LOG_LOOK_HEAD, .next = LOG_BLOCK });
	add_records(&look);
	if (look.n == 1)
		return false;
	add_marks(&look);
	qsort(look.items, look.n, sizeof *look.items, by_offset);
	*ret = look;
	return true;
}

bool log_look_sure(const struct log_look *look, size_t item, uint32_t end)
{
	uint32_t offset = look->items[item].offset;

	for (size_t i = item + 1; i < look->n; i++) {
		if (look->items[i].type == LOG_LOOK_MARK && look->items[i].synced_to > offset)
			return true;
	}
	return end > offset || look->items[item].type == LOG_LOOK_HEAD;
}

bool log_look_lost(const struct log_look *look, size_t hit, uint32_t end, size_t i)
{
	if (look->items[hit].type == LOG_LOOK_HEAD)
		return true;
	return i == hit || (i > hit && !log_look_sure(look, hit, end));
}
