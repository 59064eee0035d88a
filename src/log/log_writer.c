/* log/log_writer.c - records become bytes for an offset.
 *
 *   pending   appended, grows       --log_take-->
 *   taken     being written         --log_taken_done-->  forgotten
 *
 * Pending holds at most one mark, at its start. The mark is filled in when the
 * bytes are taken, so that it carries the newest synced_to. */
#include "log/log.h"

#include <string.h>

#include "base/check.h"
#include "log/format.h"

static const unsigned char zeros[LOG_BLOCK];

void log_writer_init(struct log_writer *w, struct heap *heap, const struct log_head *head)
{
	check(head->generation != 0);
	check(head->size % LOG_BLOCK == 0 && head->size <= LOG_SEGMENT_MAX);
	*w = (struct log_writer){
		.heap = heap,
		.head = *head,
		.pending = buffer_init(heap, LOG_SEGMENT_MAX),
		.taken = buffer_init(heap, LOG_SEGMENT_MAX),
		.pending_at = LOG_BLOCK,
		.taken_to = LOG_BLOCK,
		.synced_to = LOG_BLOCK,
		.sequence = 1,
	};
}

void log_writer_finish(struct log_writer *w)
{
	buffer_free(&w->pending);
	buffer_free(&w->taken);
	w->failed = true;
}

static uint32_t pending_len(const struct log_writer *w)
{
	return (uint32_t)buffer_bytes(&w->pending).len;
}

/* Where the next record's header goes, and whether a mark goes before it. */
static uint32_t next_offset(const struct log_writer *w)
{
	uint32_t end = w->pending_at + pending_len(w);

	return w->in_batch ? end : format_round_up(end, LOG_BLOCK) + FORMAT_MARK;
}

uint32_t log_writer_room(const struct log_writer *w)
{
	uint32_t end = w->pending_at + pending_len(w);
	uint64_t used = (uint64_t)format_round_up(end, LOG_BLOCK) + FORMAT_MARK + FORMAT_HEADER;

	if (w->failed || used > w->head.size)
		return 0;
	if (w->head.size - used > LOG_RECORD_MAX)
		return LOG_RECORD_MAX;
	return (uint32_t)(w->head.size - used);
}

static void begin_batch(struct log_writer *w)
{
	check(pending_len(w) == 0 && !w->mark_pending);
	w->pending_at = format_round_up(w->pending_at, LOG_BLOCK);
	buffer_add(&w->pending, slice_of(zeros, FORMAT_MARK));
	w->mark_pending = true;
	w->in_batch = true;
}

bool log_append(struct log_writer *w, uint8_t type, const slice *parts, size_t n,
    uint32_t *ret_sequence, uint32_t *ret_offset)
{
	unsigned char header[FORMAT_HEADER];
	uint32_t offset = next_offset(w);
	size_t length = 0;

	check(type != FORMAT_TYPE_MARK);
	if (w->failed)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (parts[i].len > LOG_RECORD_MAX - length)
			return false;
		length += parts[i].len;
	}
	if ((uint64_t)offset + format_size((uint32_t)length) > w->head.size)
		return false;
	if (!w->in_batch)
		begin_batch(w);
	check(offset == w->pending_at + pending_len(w));
	format_header_write(w->head.generation, offset, type, w->sequence, parts, n, header);
	buffer_add(&w->pending, slice_of(header, sizeof header));
	for (size_t i = 0; i < n; i++)
		buffer_add(&w->pending, parts[i]);
	buffer_add(&w->pending, slice_of(zeros,
	    format_size((uint32_t)length) - FORMAT_HEADER - length));
	*ret_sequence = w->sequence++;
	*ret_offset = offset;
	return true;
}

/* The sequence before the batch: that of its first record less one. */
static void fill_mark(struct log_writer *w)
{
	unsigned char mark[FORMAT_MARK];
	unsigned char *at = w->pending.ptr + w->pending.start;
	struct format_header first;
	bool ok = format_header_read(at + FORMAT_MARK, w->head.generation,
	    w->pending_at + FORMAT_MARK, &first);

	check(ok && w->pending_at % LOG_BLOCK == 0);
	check(w->synced_to <= w->pending_at);
	format_mark_write(w->head.generation, w->pending_at, first.sequence - 1, w->synced_to,
	    mark);
	memcpy(at, mark, sizeof mark);
	w->mark_pending = false;
}

slice log_take(struct log_writer *w, bool close, uint32_t *ret_offset)
{
	uint32_t end = w->pending_at + pending_len(w);
	struct buffer empty = w->taken;

	check(buffer_bytes(&w->taken).len == 0);
	*ret_offset = w->pending_at;
	if (w->failed)
		return (slice){ 0 };
	if (w->mark_pending)
		fill_mark(w);
	/* An open batch is closed with zeros even when all its records are out. */
	if (close && w->in_batch) {
		buffer_add(&w->pending, slice_of(zeros, format_round_up(end, LOG_BLOCK) - end));
		w->in_batch = false;
	}
	w->taken = w->pending;
	w->pending = empty;
	w->pending_at += (uint32_t)buffer_bytes(&w->taken).len;
	w->taken_to = w->pending_at;
	return buffer_bytes(&w->taken);
}

void log_taken_done(struct log_writer *w)
{
	buffer_free(&w->taken);
}

void log_synced(struct log_writer *w, uint32_t offset)
{
	check(offset <= w->taken_to);
	if (w->failed || offset <= w->synced_to)
		return;
	w->synced_to = offset;
	if (pending_len(w) == 0 && offset == w->taken_to)
		w->in_batch = false;
}

void log_failed(struct log_writer *w)
{
	w->failed = true;
	w->in_batch = false;
	w->mark_pending = false;
	buffer_free(&w->pending);
}
