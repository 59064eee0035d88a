/* role/relay_body.c - a message's bytes: trace and body, decompressed, piece by piece.
 *
 * They are in memory, in a file of the router's, or in a pack of the queue. A piece is
 * as much as fits into RELAY_PIECE_MAX: what is large, or in a file, is read on the
 * pool, and the way there costs more than a small message's frames. */
#include <stdio.h>
#include <string.h>

#include <zstd.h>

#include "base/check.h"
#include "base/checksum.h"
#include "role/relay_impl.h"

struct body *body_new(struct relay *r)
{
	struct body *b = heap_new(r->heap, struct body);

	b->relay = r;
	b->refs = 1;
	b->fd = -1;
	return b;
}

void body_leave_memory(struct body *b)
{
	struct relay *r = b->relay;

	b->leaves = b->readers > 0;
	if (b->leaves)
		return;
	heap_free(r->heap, (void *)(uintptr_t)b->trace.ptr);
	heap_free(r->heap, (void *)(uintptr_t)b->frames.ptr);
	b->trace = b->frames = (slice){ 0 };
	if (b->fd >= 0)
		os_close(r->os, b->fd);
	b->fd = -1;
}

void body_unref(struct body *b)
{
	if (--b->refs > 0)
		return;
	body_leave_memory(b);
	if (b->place.number > 0)
		queue_pack_unused(b->relay, b->place.number);
	heap_free(b->relay->heap, b);
}

/* ---- on the pool ---- */

/* It must be the one that the queue's log means: places come again, in a queue that was
 * put together from copies. */
static enum pack_result open_in_pack(struct reading *g)
{
	const struct pack_body *want = &g->body->what, *is = &g->reader.body;
	enum pack_result result;
	char path[32];

	snprintf(path, sizeof path, "pack/%03u.pack", g->place.number);
	g->fd = os_open(g->body->relay->os, OS_ROOT, path, OS_READ);
	if (g->fd < 0)
		return PACK_IO;
	result = pack_reader_open(&g->reader, g->body->relay->os, g->heap, g->fd, g->place);
	if (result != PACK_OK || (is->checksum == want->checksum && is->size == want->size &&
	    is->stored == want->stored))
		return result;
	pack_reader_close(&g->reader);
	return PACK_DAMAGED;
}

static enum pack_result open_reader(struct reading *g)
{
	const struct body *b = g->body;

	if (g->place.number > 0)
		return open_in_pack(g);
	return pack_reader_open_body(&g->reader, b->relay->os, g->heap, b->fd, b->offset,
	    b->what);
}

/* The next frame of those in memory. */
static enum pack_result next_in_memory(struct reading *g)
{
	size_t len, raw;

	if (g->frames.len == 0)
		return PACK_END;
	if (g->raw == NULL)
		g->raw = heap_alloc(g->heap, BODY_FRAME_RAW);
	len = ZSTD_findFrameCompressedSize(g->frames.ptr, g->frames.len);
	if (ZSTD_isError(len))
		return PACK_DAMAGED;
	raw = pack_unzip(&g->body->relay->unzip, g->raw, BODY_FRAME_RAW, g->frames.ptr, len);
	if (ZSTD_isError(raw))
		return PACK_DAMAGED;
	g->frames = slice_drop(g->frames, len);
	g->rest = slice_of(g->raw, raw);
	return PACK_OK;
}

/* Trace or frame, to g->rest; it may be empty. */
static enum pack_result next_frame(struct reading *g)
{
	const struct body *b = g->body;
	enum pack_result result;

	if (g->place.number == 0 && !g->trace_given && b->trace.len > 0) {
		g->trace_given = true;
		g->rest = b->trace;
		return PACK_OK;
	}
	if (g->place.number == 0 && b->fd < 0)
		return next_in_memory(g);
	if (!g->open) {
		result = open_reader(g);
		if (result != PACK_OK)
			return result;
		g->reader.unzip = &b->relay->unzip;
		g->open = true;
	}
	return pack_reader_next(&g->reader, &g->rest);
}

/* As much as there is, if that is little. */
static void make_window(struct reading *g)
{
	uint64_t size = g->body->trace.len + g->body->what.size;

	if (g->place.number > 0)
		size = g->open ? pack_reader_size(&g->reader) : 0;
	g->room = size > 0 && size < RELAY_PIECE_MAX ? (size_t)size : RELAY_PIECE_MAX;
	g->window = heap_alloc(g->heap, g->room);
}

static void run(struct os_work *work)
{
	struct reading *g = work->owner;
	size_t filled = 0;

	for (;;) {
		size_t n;

		if (g->rest.len == 0 && !g->last) {
			enum pack_result result = next_frame(g);

			g->last = result != PACK_OK;
			g->failed = g->last && result != PACK_END;
			if (g->window == NULL)
				make_window(g);
			continue;
		}
		n = g->rest.len < g->room - filled ? g->rest.len : g->room - filled;
		if (n == 0)
			break;
		memcpy(g->window + filled, g->rest.ptr, n);
		g->rest = slice_drop(g->rest, n);
		filled += n;
	}
	g->piece = slice_of(g->window, filled);
}

/* ---- on the loop ---- */

static void drop_heap(void *heap)
{
	heap_drop(heap);
}

static void finish(struct reading *g)
{
	struct relay *r = g->body->relay;

	if (g->open)
		pack_reader_close(&g->reader);
	if (g->fd >= 0)
		os_close(r->os, g->fd);
	if (--g->body->readers == 0 && g->body->leaves)
		body_leave_memory(g->body);
	body_unref(g->body);
	heap_cancel_on_drop(r->heap, drop_heap, g->heap);
	heap_drop(g->heap);
	heap_free(r->heap, g);
}

static void give(struct reading *g)
{
	g->busy = false;
	if (g->stopped)
		finish(g);
	else
		g->done(g, g->piece, g->piece.len > 0 || !g->failed);
}

static void on_work(struct os_work *work)
{
	give(work->owner);
}

static void on_defer(struct os_defer *defer)
{
	struct reading *g = defer->owner;

	run(&g->work);
	give(g);
}

struct reading *body_read(struct body *b, void (*done)(struct reading *, slice, bool),
    void *owner)
{
	struct relay *r = b->relay;
	struct reading *g = heap_new(r->heap, struct reading);

	b->refs++;
	b->readers++;
	g->body = b;
	if (b->durable)
		g->place = b->place;
	g->heap = heap_create(SIZE_MAX);
	heap_on_drop(r->heap, drop_heap, g->heap);
	g->fd = -1;
	g->frames = b->frames;
	g->done = done;
	g->owner = owner;
	g->work = (struct os_work){ .run = run, .done = on_work, .owner = g };
	g->defer = (struct os_defer){ .run = on_defer, .owner = g };
	body_read_on(g);
	return g;
}

void body_read_on(struct reading *g)
{
	const struct body *b = g->body;
	bool in_memory = g->place.number == 0 && b->fd < 0;

	check(!g->busy && !g->stopped);
	g->busy = true;
	if (in_memory && b->what.size <= RELAY_PIECE_MAX)
		os_defer(b->relay->os, &g->defer);
	else
		os_work_start(b->relay->os, &g->work);
}

bool body_read_ended(const struct reading *g)
{
	return g->last && !g->failed && g->rest.len == 0;
}

void body_read_stop(struct reading *g)
{
	if (g == NULL)
		return;
	g->stopped = true;
	if (!g->busy)
		finish(g);
}
