/* journal/read_file.c - a file of the journal through a window that moves. */
#include "journal/verify.h"

#include "base/check.h"
#include "base/limits.h"

struct window {
	struct os *os;
	struct heap *heap;
	int fd;
	unsigned char *bytes;
	size_t size, len;
	uint32_t at;
	bool final;
};

static bool fill(struct window *w, const struct log_reader *reader, uint32_t need)
{
	size_t n = reader->limit > reader->offset ? reader->limit - reader->offset : 0;
	ssize_t got;

	if (need > w->size) {
		w->size = need;
		w->bytes = heap_resize(w->heap, w->bytes, w->size);
	}
	if (n > w->size)
		n = w->size;
	got = os_pread(w->os, w->fd, w->bytes, n, reader->offset);
	if (got < 0)
		return false;
	w->at = reader->offset;
	w->len = (size_t)got;
	w->final = w->len < n || reader->offset + n == reader->limit;
	return true;
}

static bool read_all(struct window *w, struct log_reader *reader,
    const struct journal_reading *reading)
{
	struct log_record record;
	uint32_t from, to, need = 0;

	for (;;) {
		switch (log_next(reader, slice_of(w->bytes, w->len), w->at, w->final, &record,
		    &from, &to, &need)) {
		case LOG_RECORD:
			reading->record(reading->context, &record);
			break;
		case LOG_ROT:
			reading->rot(reading->context, from, to);
			break;
		case LOG_END:
			return true;
		case LOG_MORE:
			check(need > 0 && need <= LOG_RECORD_MAX + LOG_BLOCK);
			if (!fill(w, reader, need))
				return false;
		}
	}
}

bool journal_read_file(struct os *os, struct heap *heap, int fd, const struct log_head *head,
    uint32_t cut, const struct journal_reading *reading)
{
	struct window window = { .os = os, .heap = heap, .fd = fd, .size = ROUTER_WINDOW };
	struct log_reader reader;
	bool ok;

	log_reader_init(&reader, head, head->size);
	if (cut != 0)
		reader.limit = reader.synced_to = cut;
	window.bytes = heap_alloc(heap, window.size);
	ok = read_all(&window, &reader, reading);
	heap_free(heap, window.bytes);
	return ok;
}
