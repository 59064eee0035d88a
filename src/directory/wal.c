/* directory/wal.c - a WAL whose middle is damaged (sqlite.org/fileformat2, 4.1).
 *
 *   header   magic  version  page size  sequence  salt salt  checksum checksum
 *   frame    page  size after a commit, or 0  salt salt  checksum checksum  | the page
 *
 * All fields are big-endian words; a checksum covers all that stands before it.
 * SQLite stops at the first frame that does not fit, without a word: what was
 * committed behind it is lost. Frames of an earlier use have other salts. */
#include "directory/wal.h"

enum { HEADER = 32, FRAME = 24, PAGE_MAX = 65536 };

struct wal {
	struct os *os;
	int fd;
	bool big_endian;                /* the words that checksums are made of */
	uint32_t page, salt[2], sum[2];
	unsigned char *frame;           /* FRAME + page */
};

static uint32_t big(const unsigned char *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static uint32_t word(const struct wal *wal, const unsigned char *at)
{
	return wal->big_endian ? big(at) :
	    (uint32_t)at[3] << 24 | (uint32_t)at[2] << 16 | (uint32_t)at[1] << 8 | at[0];
}

static void add(const struct wal *wal, uint32_t sum[2], const unsigned char *at, size_t n)
{
	for (size_t i = 0; i < n; i += 8) {
		sum[0] += word(wal, at + i) + sum[1];
		sum[1] += word(wal, at + i + 4) + sum[0];
	}
}

static bool read_header(struct wal *wal)
{
	unsigned char header[HEADER];

	if (os_pread(wal->os, wal->fd, header, HEADER, 0) != HEADER ||
	    (big(header) & ~1u) != 0x377f0682)
		return false;
	wal->big_endian = (big(header) & 1) != 0;
	wal->page = big(header + 8);
	wal->salt[0] = big(header + 16);
	wal->salt[1] = big(header + 20);
	add(wal, wal->sum, header, HEADER - 8);
	return big(header + 24) == wal->sum[0] && big(header + 28) == wal->sum[1] &&
	    wal->page >= 512 && wal->page <= PAGE_MAX && (wal->page & (wal->page - 1)) == 0;
}

enum frame { FRAME_GOOD, FRAME_BAD, FRAME_BAD_COMMIT, FRAME_OTHER };

/* Takes the frame into the sum, if it fits. OTHER: of another use, or none. */
static enum frame judge(struct wal *wal)
{
	uint32_t sum[2] = { wal->sum[0], wal->sum[1] };

	if (big(wal->frame + 8) != wal->salt[0] || big(wal->frame + 12) != wal->salt[1])
		return FRAME_OTHER;
	add(wal, sum, wal->frame, 8);
	add(wal, sum, wal->frame + FRAME, wal->page);
	if (big(wal->frame + 16) != sum[0] || big(wal->frame + 20) != sum[1])
		return big(wal->frame + 4) != 0 ? FRAME_BAD_COMMIT : FRAME_BAD;
	wal->sum[0] = sum[0];
	wal->sum[1] = sum[1];
	return FRAME_GOOD;
}

static bool read_frames(struct wal *wal, uint64_t *ret_at)
{
	size_t size = FRAME + wal->page;
	bool broken = false, commit = false;

	for (uint64_t at = HEADER; os_pread(wal->os, wal->fd, wal->frame, size, at) ==
	    (ssize_t)size; at += size) {
		enum frame frame = judge(wal);

		if (frame == FRAME_GOOD)
			continue;
		if (!broken)
			*ret_at = at;
		broken = true;
		commit = commit || frame == FRAME_BAD_COMMIT;
	}
	return !commit;
}

bool wal_is_whole(struct os *os, int dir, const char *name, uint64_t *ret_at)
{
	struct wal wal = { .os = os };
	int64_t size;
	bool whole;

	wal.fd = os_open(os, dir, name, OS_READ);
	if (wal.fd < 0)
		return true;
	size = os_size(os, wal.fd);
	*ret_at = 0;
	/* Shorter than a frame: nothing was committed. */
	whole = size < HEADER + FRAME || read_header(&wal);
	if (whole && wal.page > 0) {
		wal.frame = heap_alloc(os_heap(os), FRAME + wal.page);
		whole = read_frames(&wal, ret_at);
		heap_free(os_heap(os), wal.frame);
	}
	os_close(os, wal.fd);
	return whole;
}
