/* sim/dark_read.c - messages that are about to be lost, as they still can be read. */
#include "sim/dark_impl.h"

#include "journal/parked.h"

enum { BODY_MAX = 4 * 1024 * 1024 };

static slice read_all(struct heap *heap, struct pack_reader *reader, slice sender, bool prefix)
{
	struct buffer out = buffer_init(heap, BODY_MAX);
	enum pack_result result;
	slice piece;

	if (!prefix) {
		buffer_add(&out, slice_lit("Return-Path: <"));
		buffer_add(&out, sender);
		buffer_add(&out, slice_lit(">\r\n"));
	}
	while ((result = pack_reader_next(reader, &piece)) == PACK_OK)
		buffer_add(&out, piece);
	pack_reader_close(reader);
	return result == PACK_END ? buffer_bytes(&out) : (slice){ 0 };
}

slice dark_read_entry(struct os *os, struct heap *heap, const char *path,
    struct pack_place place, slice sender, bool prefix)
{
	int fd = os_open(os, OS_ROOT, path, OS_READ);
	struct pack_reader reader;
	struct pack_body body;
	slice bytes = { 0 };

	if (fd < 0)
		return bytes;
	if (pack_reader_open(&reader, os, heap, fd, place) == PACK_OK)
		bytes = read_all(heap, &reader, sender, prefix);
	else if (prefix && pack_look(os, heap, fd, place, &bytes, &body) != PACK_OK)
		bytes = (slice){ 0 };
	os_close(os, fd);
	return bytes;
}

slice dark_read_body(struct os *os, struct heap *heap, const char *path, uint64_t at,
    const struct journal_body *body, slice sender)
{
	const struct pack_body what = { body->size, body->stored, body->checksum };
	int fd = os_open(os, OS_ROOT, path, OS_READ);
	struct pack_reader reader;
	slice bytes = { 0 };

	if (fd < 0)
		return bytes;
	if (pack_reader_open_body(&reader, os, heap, fd, at, what) == PACK_OK)
		bytes = read_all(heap, &reader, sender, false);
	os_close(os, fd);
	return bytes;
}

bool dark_read_record(const struct journal_file *file, const struct log_record *record,
    struct arena *arena, struct journal_commit *ret)
{
	struct delivery d = { 0 };

	if (file->head.kind != LOG_PARKED)
		return journal_commit_read(record->payload, arena, ret);
	if (!parked_read(record->payload, arena, &d))
		return false;
	*ret = (struct journal_commit){ .sender = d.sender, .body = d.body };
	return true;
}
