/* pack/reader.c - one entry of a pack, from the disk to plain bytes.
 *
 *   open: header -> prefix -> every stored byte against the body's checksum
 *   next: prefix -> frame -> frame ... -> end
 *
 * A reply that has begun can't be taken back, so all is judged before (3). A body
 * that fits into the window is given out of it, as it was judged. A longer one is
 * read twice, and bits may turn in between: it is summed once more, and its last
 * window gives nothing before the sum holds. Whoever gets such a body damaged
 * must not end it as if it were whole.
 *
 * Sizes come from the disk. They are believed only up to the file's own size
 * and, a frame at a time, up to BODY_FRAME_*. */
#include "pack/pack.h"

#include <string.h>

#include <zstd.h>

#include "base/check.h"
#include "base/limits.h"
#include "pack/format.h"

/* Of those bytes the ones that were read ahead; none unless all were. */
static slice ahead(const struct pack_reader *r, uint64_t n, uint64_t at)
{
	if (at < r->ahead_at || at - r->ahead_at > r->ahead.len ||
	    n > r->ahead.len - (at - r->ahead_at))
		return (slice){ 0 };
	return slice_sub(r->ahead, (size_t)(at - r->ahead_at), (size_t)n);
}

static enum pack_result read_exactly(struct pack_reader *r, void *buf, size_t n, uint64_t at)
{
	slice known = ahead(r, n, at);
	ssize_t got;

	if (known.len > 0) {
		memcpy(buf, known.ptr, n);
		return PACK_OK;
	}
	got = os_pread(r->os, r->fd, buf, n, at);
	if (got < 0)
		return PACK_IO;
	return (size_t)got == n ? PACK_OK : PACK_DAMAGED;
}

static size_t least(uint64_t a, size_t b)
{
	return a < b ? (size_t)a : b;
}

static enum pack_result read_header(struct pack_reader *r, struct pack_place place)
{
	unsigned char raw[PACK_ENTRY], *text;
	enum pack_result result;
	uint32_t len;

	result = read_exactly(r, raw, sizeof raw, place.offset);
	if (result != PACK_OK)
		return result;
	result = pack_entry_begin(slice_of(raw, sizeof raw), &len);
	if (result != PACK_OK)
		return result;
	text = heap_alloc(r->heap, len + 1);
	r->prefix = slice_of(text, len);
	result = read_exactly(r, text, len, place.offset + (uint64_t)PACK_ENTRY);
	if (result != PACK_OK)
		return result;
	r->frames_at = place.offset + (uint64_t)PACK_ENTRY + len;
	return pack_entry_read(place, slice_of(raw, sizeof raw), r->prefix, &r->body);
}

/* All stored bytes against their checksum, through the window. */
static enum pack_result judge_body(struct pack_reader *r)
{
	enum pack_result result;
	struct checksum_stream sum;

	checksum_begin(&sum, 0);
	for (uint64_t done = 0; done < r->body.stored;) {
		size_t n = least(r->body.stored - done, r->stored_room);

		result = read_exactly(r, r->stored, n, r->frames_at + done);
		if (result != PACK_OK)
			return result;
		checksum_add(&sum, slice_of(r->stored, n));
		done += n;
	}
	return checksum_end(&sum) == r->body.checksum ? PACK_OK : PACK_DAMAGED;
}

/* Does the file have all of the body? */
static enum pack_result has_body(struct pack_reader *r)
{
	int64_t size;

	if (ahead(r, r->body.stored, r->frames_at).len > 0)
		return PACK_OK;
	size = os_size(r->os, r->fd);
	if (size < 0)
		return PACK_IO;
	if (r->frames_at > (uint64_t)size || r->body.stored > (uint64_t)size - r->frames_at)
		return PACK_DAMAGED;
	return PACK_OK;
}

/* Windows for the body. */
static enum pack_result make_windows(struct pack_reader *r)
{
	enum pack_result result = has_body(r);

	if (result != PACK_OK)
		return result;
	r->stored_room = least(r->body.stored, BODY_FRAME_STORED_MAX);
	r->raw_room = least(r->body.size, BODY_FRAME_RAW);
	r->stored = heap_alloc(r->heap, r->stored_room + 1);
	r->raw = heap_alloc(r->heap, r->raw_room + 1);
	return PACK_OK;
}

static enum pack_result open_body(struct pack_reader *r)
{
	enum pack_result result = make_windows(r);

	if (result == PACK_OK)
		result = judge_body(r);
	if (result != PACK_OK)
		return result;
	if (r->body.stored <= r->stored_room) {
		r->stored_to = r->stored_room;
		r->read = r->body.stored;
	} else {
		r->judges_again = true;
		checksum_begin(&r->again, 0);
	}
	return PACK_OK;
}

enum pack_result pack_reader_open(struct pack_reader *r, struct os *os, struct heap *heap,
    int fd, struct pack_place place)
{
	unsigned char first[PACK_READ_AHEAD];
	ssize_t got = os_pread(os, fd, first, sizeof first, place.offset);
	enum pack_result result;

	*r = (struct pack_reader){ .os = os, .heap = heap, .fd = fd };
	if (got < 0)
		return PACK_IO;
	r->ahead = slice_of(first, (size_t)got);
	r->ahead_at = place.offset;
	result = read_header(r, place);
	if (result == PACK_OK)
		result = open_body(r);
	r->ahead = (slice){ 0 };
	if (result != PACK_OK)
		pack_reader_close(r);
	return result;
}

enum pack_result pack_reader_open_body(struct pack_reader *r, struct os *os, struct heap *heap,
    int fd, uint64_t frames_at, struct pack_body body)
{
	enum pack_result result;

	*r = (struct pack_reader){ .os = os, .heap = heap, .fd = fd, .body = body,
	    .frames_at = frames_at };
	result = open_body(r);
	if (result != PACK_OK)
		pack_reader_close(r);
	return result;
}

enum pack_result pack_reader_open_damaged(struct pack_reader *r, struct os *os,
    struct heap *heap, int fd, struct pack_place place)
{
	enum pack_result result;

	*r = (struct pack_reader){ .os = os, .heap = heap, .fd = fd };
	result = read_header(r, place);
	if (result == PACK_OK)
		result = make_windows(r);
	if (result != PACK_OK)
		pack_reader_close(r);
	return result;
}

enum pack_result pack_look(struct os *os, struct heap *heap, int fd, struct pack_place place,
    slice *ret_prefix, struct pack_body *ret_body)
{
	struct pack_reader r = { .os = os, .heap = heap, .fd = fd };
	enum pack_result result = read_header(&r, place);

	if (result == PACK_OK) {
		*ret_prefix = r.prefix;
		*ret_body = r.body;
		return PACK_OK;
	}
	pack_reader_close(&r);
	return result;
}

void pack_reader_close(struct pack_reader *r)
{
	heap_free(r->heap, (void *)(uintptr_t)r->prefix.ptr);
	heap_free(r->heap, r->stored);
	heap_free(r->heap, r->raw);
	*r = (struct pack_reader){ .fd = -1 };
}

uint64_t pack_reader_size(const struct pack_reader *r)
{
	return r->prefix.len + r->body.size;
}

static enum pack_result judge_again(struct pack_reader *r, slice bytes)
{
	checksum_add(&r->again, bytes);
	if (r->read < r->body.stored)
		return PACK_OK;
	return checksum_end(&r->again) == r->body.checksum ? PACK_OK : PACK_DAMAGED;
}

/* Move what is left to the front of the window and fill it up. */
static enum pack_result refill(struct pack_reader *r)
{
	size_t left = r->stored_to - r->stored_from;
	size_t n = least(r->body.stored - r->read, r->stored_room - left);
	enum pack_result result;

	if (n == 0)
		return PACK_DAMAGED;    /* a frame that never ends */
	memmove(r->stored, r->stored + r->stored_from, left);
	r->stored_from = 0;
	r->stored_to = left;
	result = read_exactly(r, r->stored + left, n, r->frames_at + r->read);
	if (result != PACK_OK)
		return result;
	r->stored_to += n;
	r->read += n;
	return r->judges_again ? judge_again(r, slice_of(r->stored + left, n)) : PACK_OK;
}

/* The next frame. Refills only when the window ends before the frame does, so
 * many tiny frames cost no more than their bytes. */
static enum pack_result next_frame(struct pack_reader *r, slice *ret_piece)
{
	slice window = slice_of(r->stored + r->stored_from, r->stored_to - r->stored_from);
	size_t frame = ZSTD_findFrameCompressedSize(window.ptr, window.len);
	enum pack_result result;
	size_t len;

	if (ZSTD_isError(frame)) {
		result = refill(r);
		if (result != PACK_OK)
			return result;
		window = slice_of(r->stored, r->stored_to);
		frame = ZSTD_findFrameCompressedSize(window.ptr, window.len);
	}
	if (ZSTD_isError(frame) || frame == 0)
		return PACK_DAMAGED;
	len = pack_unzip(r->unzip, r->raw, r->raw_room, window.ptr, frame);
	if (ZSTD_isError(len) || len > r->body.size - r->given)
		return PACK_DAMAGED;
	r->stored_from += frame;
	r->given += len;
	*ret_piece = slice_of(r->raw, len);
	return PACK_OK;
}

enum pack_result pack_reader_next(struct pack_reader *r, slice *ret_piece)
{
	enum pack_result result;
	slice piece = { 0 };

	if (!r->prefix_given) {
		r->prefix_given = true;
		piece = r->prefix;
	}
	/* An empty frame is legal, and no piece. */
	while (piece.len == 0 && (r->read < r->body.stored || r->stored_from < r->stored_to)) {
		result = next_frame(r, &piece);
		if (result != PACK_OK)
			return result;
	}
	if (piece.len > 0) {
		*ret_piece = piece;
		return PACK_OK;
	}
	return r->given == r->body.size ? PACK_END : PACK_DAMAGED;
}
