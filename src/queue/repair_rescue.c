/* queue/repair_rescue.c - bodies behind damaged headers.
 *
 * The queue's log says what a body's checksum is. So where only its pack's header or the
 * trace between them is damaged, the body can be found again: it begins with a frame. */
#include <errno.h>
#include <string.h>

#include <zstd.h>

#include "queue/repair_impl.h"

enum { COPY_PIECE = 64 * 1024, TRIES_MAX = 64, FRAME_MAGIC = 4 };

struct rescue {
	struct queue_verify *verify;
	uint32_t pack;                  /* the one being written */
	int fd;
	uint64_t end;
};

static bool is_whole(struct queue_verify *v, int fd, uint64_t at, struct pack_body body)
{
	struct pack_reader reader;
	enum pack_result result = pack_reader_open_body(&reader, v->os, v->heap, fd, at, body);
	slice piece;

	if (result != PACK_OK)
		return false;
	while ((result = pack_reader_next(&reader, &piece)) == PACK_OK)
		;
	pack_reader_close(&reader);
	return result == PACK_END;
}

/* Where the body of an entry begins; 0: it is not whole. */
static uint64_t find_body(struct queue_verify *v, int fd, const struct queue_entry *e)
{
	size_t size = PACK_ENTRY + PACK_PREFIX_MAX + FRAME_MAGIC;
	unsigned char *window = heap_alloc(v->heap, size);
	ssize_t got = os_pread(v->os, fd, window, size, e->place.offset);
	uint64_t found = 0;
	unsigned tries = 0;

	for (size_t i = PACK_ENTRY; got > 0 && i + FRAME_MAGIC <= (size_t)got && found == 0 &&
	    tries < TRIES_MAX; i++) {
		if (load_u32(window + i) != ZSTD_MAGICNUMBER)
			continue;
		tries++;
		if (is_whole(v, fd, e->place.offset + i, e->body))
			found = e->place.offset + i;
	}
	heap_free(v->heap, window);
	return found;
}

/* ---- the new pack ---- */

static uint32_t next_pack(const struct queue_verify *v)
{
	uint32_t last = v->disk.n_packs > 0 ? v->disk.packs[v->disk.n_packs - 1] : 0;

	if (v->n_live > 0 && v->live[v->n_live - 1].entry.place.number > last)
		last = v->live[v->n_live - 1].entry.place.number;
	return last < UINT32_MAX - 1 ? last + 1 : 0;
}

static int close_pack(struct rescue *r)
{
	int error;

	if (r->fd < 0)
		return 0;
	error = os_sync(r->verify->os, r->fd);
	os_close(r->verify->os, r->fd);
	r->fd = -1;
	return error == 0 ? os_sync_folder_at(r->verify->os, OS_ROOT, "pack") : error;
}

static int open_pack(struct rescue *r)
{
	char path[QUEUE_PATH];
	int error;

	if (r->fd >= 0 && r->end < QUEUE_PACK_MAX)
		return 0;
	error = close_pack(r);
	if (error != 0)
		return error;
	r->pack = r->pack == 0 ? next_pack(r->verify) : r->pack + 1;
	if (r->pack == 0 || r->pack == UINT32_MAX)
		return -EFBIG;
	r->end = 0;
	queue_pack_path(r->pack, path);
	r->fd = os_open(r->verify->os, OS_ROOT, path, OS_WRITE | OS_CREATE | OS_EXCLUSIVE);
	return r->fd < 0 ? r->fd : 0;
}

static int copy_body(struct rescue *r, int in, uint64_t at, const struct queue_entry *e)
{
	struct queue_verify *v = r->verify;
	struct pack_place place = { QUEUE_PACKS, r->pack, (uint32_t)r->end };
	struct buffer header = buffer_init(v->heap, PACK_ENTRY);
	unsigned char *piece = heap_alloc(v->heap, COPY_PIECE);
	int error;

	pack_entry_write(&header, place, (slice){ 0 }, e->body);
	error = os_pwrite(v->os, r->fd, buffer_bytes(&header), r->end);
	for (uint64_t done = 0; done < e->body.stored && error == 0;) {
		size_t n = e->body.stored - done < COPY_PIECE ? (size_t)(e->body.stored - done) :
		    COPY_PIECE;

		if (os_pread(v->os, in, piece, n, at + done) != (ssize_t)n)
			error = -EIO;
		else
			error = os_pwrite(v->os, r->fd, slice_of(piece, n),
			    r->end + PACK_ENTRY + done);
		done += n;
	}
	heap_free(v->heap, piece);
	buffer_free(&header);
	return error;
}

/* The entries of one message share a body: they come one after the other. */
static int rescue_at(struct rescue *r, int in, size_t i, size_t *ret_next)
{
	struct queue_verify *v = r->verify;
	const struct queue_entry e = v->live[i].entry;
	uint64_t at = find_body(v, in, &e);
	int error;

	for (*ret_next = i + 1; *ret_next < v->n_live && memcmp(&v->live[*ret_next].entry.place,
	    &e.place, sizeof e.place) == 0 && memcmp(&v->live[*ret_next].entry.body, &e.body,
	    sizeof e.body) == 0; ++*ret_next)
		;
	if (at == 0)
		return 0;
	error = open_pack(r);
	if (error == -EFBIG)
		return 0;               /* there is no name for another pack */
	if (error == 0)
		error = copy_body(r, in, at, &e);
	for (size_t k = i; k < *ret_next && error == 0; k++) {
		v->live[k].bare = true;
		v->live[k].bare_place = (struct pack_place){ QUEUE_PACKS, r->pack,
		    (uint32_t)r->end };
	}
	r->end += PACK_ENTRY + e.body.stored;
	return error;
}

int queue_rescue(struct queue_verify *v)
{
	struct rescue r = { .verify = v, .fd = -1 };
	int error = 0, end;

	for (size_t i = 0, next = 0; i < v->n_live && error == 0; i = next) {
		char path[QUEUE_PATH];
		int in;

		next = i + 1;
		if (!v->live[i].due || v->live[i].why != PACK_DAMAGED)
			continue;
		queue_pack_path(v->live[i].entry.place.number, path);
		in = os_open(v->os, OS_ROOT, path, OS_READ);
		if (in < 0 && in != -ENOENT)
			error = in;
		if (in >= 0)
			error = rescue_at(&r, in, i, &next);
		os_close(v->os, in);
	}
	end = close_pack(&r);
	return error != 0 ? error : end;
}
