/* account/segment.c - one segment, read through a window that moves. */
#include "account/load.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "account/slot.h"
#include "base/check.h"

enum { WINDOW_FIRST = 64 * 1024 };

static enum segment_open read_head(struct segment_reader *r, uint64_t account, uint32_t number)
{
	unsigned char block[LOG_BLOCK];
	ssize_t n = os_pread(r->os, r->fd, block, sizeof block, 0);
	struct log_head head;

	if (n < 0)
		return SEGMENT_IO;
	if (n < LOG_BLOCK)
		return SEGMENT_DAMAGED;
	switch (log_head_read(slice_of(block, sizeof block), &head)) {
	case LOG_HEAD_NEWER:
		return SEGMENT_NEWER;
	case LOG_HEAD_DAMAGED:
		return SEGMENT_DAMAGED;
	case LOG_HEAD_OK:
		break;
	}
	if (head.kind != LOG_ACCOUNT || head.owner != account || head.number != number)
		return SEGMENT_DAMAGED;
	log_reader_init(&r->log, &head, head.size);
	return SEGMENT_OPEN;
}

enum segment_open segment_open(struct segment_reader *r, struct os *os, struct heap *heap,
    uint64_t account, uint32_t number)
{
	char path[ACCOUNT_PATH_MAX];
	enum segment_open result;

	account_log_path(account, number, path);
	*r = (struct segment_reader){ .os = os, .heap = heap };
	r->fd = os_open(os, OS_ROOT, path, OS_READ);
	if (r->fd < 0)
		return r->fd == -ENOENT ? SEGMENT_NONE : SEGMENT_IO;
	result = read_head(r, account, number);
	if (result != SEGMENT_OPEN) {
		os_close(os, r->fd);
		return result;
	}
	r->window_size = WINDOW_FIRST;
	r->window = heap_alloc(heap, r->window_size);
	return SEGMENT_OPEN;
}

void segment_close(struct segment_reader *r)
{
	heap_free(r->heap, r->window);
	r->window = NULL;
	os_close(r->os, r->fd);
}

/* A window from where the log is on, with at least `need` bytes if there are. */
static bool fill(struct segment_reader *r, uint32_t need)
{
	size_t n;
	ssize_t got;

	if (need > r->window_size) {
		r->window_size = need;
		r->window = heap_resize(r->heap, r->window, r->window_size);
	}
	/* Never beyond the limit: what lies there does not count. */
	n = r->log.limit > r->log.offset ? r->log.limit - r->log.offset : 0;
	if (n > r->window_size)
		n = r->window_size;
	got = os_pread(r->os, r->fd, r->window, n, r->log.offset);
	if (got < 0)
		return false;
	r->window_at = r->log.offset;
	r->window_len = (size_t)got;
	r->final = (size_t)got < n || r->log.offset + n == r->log.limit;
	return true;
}

enum segment_next segment_next(struct segment_reader *r, struct log_record *ret_record,
    uint32_t *ret_from, uint32_t *ret_to)
{
	for (;;) {
		slice window = slice_of(r->window, r->window_len);
		uint32_t need = 0;

		switch (log_next(&r->log, window, r->window_at, r->final, ret_record, ret_from,
		    ret_to, &need)) {
		case LOG_RECORD:
			return SEGMENT_RECORD;
		case LOG_END:
			return SEGMENT_END;
		case LOG_ROT:
			return SEGMENT_ROT;
		case LOG_MORE:
			check(need > 0 && need <= LOG_RECORD_MAX + LOG_BLOCK);
			if (!fill(r, need))
				return SEGMENT_FAILED;
		}
	}
}

struct listing {
	struct heap *heap;
	const char *suffix;
	uint32_t *numbers;
	size_t n;
	bool too_many;
};

static bool list_one(void *context, const char *name)
{
	struct listing *listing = context;
	uint32_t number;

	if (!account_file_number(name, listing->suffix, &number))
		return true;
	if (listing->n == ACCOUNT_FILES_MAX) {
		listing->too_many = true;
		return false;
	}
	listing->numbers[listing->n++] = number;
	return true;
}

static int ascending(const void *a, const void *b)
{
	uint32_t x, y;

	memcpy(&x, a, sizeof x);
	memcpy(&y, b, sizeof y);
	return x < y ? -1 : x > y;
}

int account_list(struct os *os, struct heap *heap, const char *folder, const char *suffix,
    uint32_t **ret_numbers, size_t *ret_n)
{
	struct listing listing = { .heap = heap, .suffix = suffix };
	int error;

	listing.numbers = heap_alloc(heap, ACCOUNT_FILES_MAX * sizeof *listing.numbers);
	error = os_list(os, OS_ROOT, folder, list_one, &listing);
	if (error == 0 && listing.too_many)
		error = -E2BIG;         /* the newest may be among those not seen */
	if (error < 0 && error != -ENOENT) {
		heap_free(heap, listing.numbers);
		return error;
	}
	qsort(listing.numbers, listing.n, sizeof *listing.numbers, ascending);
	*ret_numbers = listing.numbers;
	*ret_n = listing.n;
	return 0;
}
