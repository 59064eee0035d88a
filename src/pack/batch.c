/* pack/batch.c - a window over several entries, and one message made of each.
 *
 * What does not fit into the window goes through reader.c, a piece at a time. */
#include "pack/batch.h"

#include <errno.h>
#include <string.h>

#include <zstd.h>

#include "base/check.h"
#include "base/limits.h"
#include "pack/format.h"

static void free_zstd(void *zstd)
{
	ZSTD_freeDCtx(zstd);
}

void pack_batch_init(struct pack_batch *b, struct os *os, struct heap *heap, uint64_t owner,
    int (*open)(void *context, uint32_t number), void *context)
{
	*b = (struct pack_batch){ .os = os, .heap = heap, .owner = owner, .open = open,
	    .context = context, .fd = -1 };
	b->zstd = ZSTD_createDCtx();
	check(b->zstd != NULL);
	heap_on_drop(heap, free_zstd, b->zstd);
}

static void close_pack(struct pack_batch *b)
{
	if (b->fd >= 0)
		os_close(b->os, b->fd);
	b->fd = -1;
	b->len = 0;
}

void pack_batch_rest(struct pack_batch *b)
{
	close_pack(b);
}

void pack_batch_close(struct pack_batch *b)
{
	close_pack(b);
	heap_cancel_on_drop(b->heap, free_zstd, b->zstd);
	ZSTD_freeDCtx(b->zstd);
	heap_free(b->heap, b->window);
	heap_free(b->heap, b->text);
}

static enum pack_result open_pack(struct pack_batch *b, uint32_t number)
{
	if (b->fd >= 0 && b->number == number)
		return PACK_OK;
	close_pack(b);
	b->number = number;
	b->fd = b->open(b->context, number);
	if (b->fd >= 0)
		return PACK_OK;
	return b->fd == -ENOENT ? PACK_DAMAGED : PACK_IO;
}

/* Room for a text of so many bytes, with what is there. */
static void make_room(struct pack_batch *b, size_t size)
{
	if (size <= b->text_room)
		return;
	if (size < b->text_room * 2)
		size = b->text_room * 2;
	b->text = heap_resize(b->heap, b->text, size);
	b->text_room = size;
}

/* ---- the window ---- */

/* Where the entries end that are wanted from i on, near each other and in their order, as
 * far as a window holds them. */
static uint64_t run_end(const struct pack_want *wants, size_t n, size_t i)
{
	uint64_t from = wants[i].offset, end = from + wants[i].stored;

	for (size_t j = i + 1; j < n && wants[j].number == wants[i].number; j++) {
		uint64_t next = wants[j].offset + (uint64_t)wants[j].stored;

		if (wants[j].offset < end || wants[j].offset - end > PACK_WINDOW_GAP ||
		    next - from > PACK_WINDOW)
			break;
		end = next;
	}
	return end;
}

/* The bytes of wants[i], which fit into a window. */
static enum pack_result look(struct pack_batch *b, const struct pack_want *wants, size_t n,
    size_t i, slice *ret)
{
	uint64_t from = wants[i].offset, end;
	ssize_t got;

	if (from < b->at || from + wants[i].stored > b->at + b->len) {
		end = run_end(wants, n, i);
		if (b->window_room < end - from) {
			b->window = heap_resize(b->heap, b->window, (size_t)(end - from));
			b->window_room = (size_t)(end - from);
		}
		b->len = 0;
		got = os_pread(b->os, b->fd, b->window, end - from, from);
		if (got < 0)
			return PACK_IO;
		b->at = from;
		b->len = (size_t)got;
		if (b->len < wants[i].stored)
			return PACK_DAMAGED;
	}
	*ret = slice_of(b->window + (from - b->at), wants[i].stored);
	return PACK_OK;
}

static bool has_header(const struct pack_batch *b, size_t from, size_t len)
{
	size_t back = from < 3 ? from : 3;
	slice text = slice_of(b->text + from - back, len - from + back);

	return slice_find(text, slice_lit("\r\n\r\n")) < text.len ||
	    slice_find(text, slice_lit("\n\n")) < text.len;
}

/* Frames, behind a prefix that is there. */
static enum pack_result unpack(struct pack_batch *b, slice frames, uint64_t size, size_t prefix,
    bool head, slice *ret_text)
{
	size_t len = prefix;

	while (frames.len > 0) {
		size_t frame = ZSTD_findFrameCompressedSize(frames.ptr, frames.len);
		uint64_t left = size - (len - prefix);
		size_t room = left < BODY_FRAME_RAW ? (size_t)left : BODY_FRAME_RAW, got;

		if (ZSTD_isError(frame) || frame == 0)
			return PACK_DAMAGED;
		make_room(b, len + room + 1);
		got = ZSTD_decompressDCtx(b->zstd, b->text + len, room, frames.ptr, frame);
		if (ZSTD_isError(got))
			return PACK_DAMAGED;
		len += got;
		frames = slice_drop(frames, frame);
		if (head && has_header(b, len - got, len))
			break;
	}
	if (frames.len == 0 && len - prefix != size)
		return PACK_DAMAGED;
	*ret_text = slice_of(b->text, len);
	return PACK_OK;
}

static enum pack_result read_entry(struct pack_batch *b, slice bytes, struct pack_place place,
    bool head, slice *ret_text)
{
	struct pack_body body;
	enum pack_result result;
	slice prefix, frames;

	result = pack_entry_parse(bytes, place, &prefix, &body);
	if (result != PACK_OK)
		return result;
	frames = slice_sub(bytes, PACK_ENTRY + prefix.len, body.stored);
	if (checksum64(frames, 0) != body.checksum)
		return PACK_DAMAGED;
	make_room(b, prefix.len + 1);
	if (prefix.len > 0)
		memcpy(b->text, prefix.ptr, prefix.len);
	return unpack(b, frames, body.size, prefix.len, head, ret_text);
}

/* ---- what is longer ---- */

static enum pack_result read_long(struct pack_batch *b, struct pack_place place, bool head,
    slice *ret_text)
{
	struct pack_reader reader;
	enum pack_result result = pack_reader_open(&reader, b->os, b->heap, b->fd, place);
	size_t len = 0;
	slice piece;

	if (result != PACK_OK)
		return result;
	while ((result = pack_reader_next(&reader, &piece)) == PACK_OK) {
		make_room(b, len + piece.len);
		memcpy(b->text + len, piece.ptr, piece.len);
		len += piece.len;
		if (head && has_header(b, len - piece.len, len))
			break;
	}
	pack_reader_close(&reader);
	*ret_text = slice_of(b->text, len);
	return result == PACK_END ? PACK_OK : result;
}

enum pack_result pack_batch_read(struct pack_batch *b, const struct pack_want *wants, size_t n,
    size_t i, bool head, slice *ret_text)
{
	struct pack_place place = { b->owner, wants[i].number, wants[i].offset };
	enum pack_result result = open_pack(b, wants[i].number);
	slice bytes;

	*ret_text = (slice){ 0 };
	if (result != PACK_OK)
		return result;
	if (wants[i].stored < PACK_ENTRY || wants[i].stored > PACK_WINDOW)
		return read_long(b, place, head, ret_text);
	result = look(b, wants, n, i, &bytes);
	if (result == PACK_OK)
		result = read_entry(b, bytes, place, head, ret_text);
	/* Its row may be wrong about its length. */
	return result == PACK_DAMAGED ? read_long(b, place, head, ret_text) : result;
}
