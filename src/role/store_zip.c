/* role/store_zip.c - COMPRESS (RFC 4978): raw DEFLATE in both directions, between an IMAP
 * session's engine and its stream.
 *
 * Ours has a small window, which the client's inflate does not mind: some 30 KB, not 270. */
#include <zlib.h>

#include "base/check.h"
#include "role/store_imap.h"

enum {
	WINDOW_IN = -15,                /* of the client's choice; raw */
	WINDOW_OUT = -12,
	MEMORY = 5,
	LEVEL = 3,
	PLAIN_MAX = 16 * 1024,          /* unpacked at once */
	PIECE = 16 * 1024,              /* packed at once, and what that takes at most: */
	ROOM = 3 * PIECE,
};

struct zipping {
	bool on;
	bool owes;                      /* deflate holds some back */
	bool over;                      /* the client's has ended, or is none */
	bool stuck;                     /* the engine took nothing of what is unpacked */
	z_stream in, out;
	struct buffer plain;            /* unpacked, not yet with the engine */
};

static void *zip_alloc(void *heap, unsigned n, unsigned size)
{
	return heap_alloc(heap, n * (size_t)size);
}

static void zip_release(void *heap, void *block)
{
	heap_free(heap, block);
}

void zip_ask(struct imap_session *im)
{
	struct heap *heap = im->session->store->heap;

	check(im->zip == NULL);
	im->zip = heap_new(heap, struct zipping);
	im->zip->plain = buffer_init(heap, PLAIN_MAX);
}

void zip_begin(struct imap_session *im)
{
	struct heap *heap = im->session->store->heap;
	struct zipping *z = im->zip;

	z->in = z->out = (z_stream){ .zalloc = zip_alloc, .zfree = zip_release, .opaque = heap };
	check(inflateInit2(&z->in, WINDOW_IN) == Z_OK);
	check(deflateInit2(&z->out, LEVEL, Z_DEFLATED, WINDOW_OUT, MEMORY, Z_DEFAULT_STRATEGY) == Z_OK);
	z->on = true;
}

bool zip_is_on(const struct zipping *z)
{
	return z->on;
}

bool zip_owes(const struct imap_session *im)
{
	return im->zip != NULL && im->zip->on && im->zip->owes;
}

void zip_free(struct imap_session *im)
{
	struct zipping *z = im->zip;

	if (z == NULL)
		return;
	if (z->on) {
		inflateEnd(&z->in);
		deflateEnd(&z->out);
	}
	buffer_free(&z->plain);
	heap_free(im->session->store->heap, z);
}

bool zip_send(struct imap_session *im)
{
	struct zipping *z = im->zip;
	slice out = imap_server_output(im->engine);
	unsigned char packed[4096];
	bool all = out.len <= PIECE;

	if ((out.len == 0 && !z->owes) || stream_room(im->session->stream) < ROOM)
		return false;
	out = all ? out : slice_head(out, PIECE);
	z->out.next_in = (Bytef *)(uintptr_t)out.ptr;
	z->out.avail_in = (uInt)out.len;
	do {
		z->out.next_out = packed;
		z->out.avail_out = sizeof packed;
		/* Z_BUF_ERROR: there was nothing left to do. */
		(void)deflate(&z->out, all ? Z_SYNC_FLUSH : Z_NO_FLUSH);
		stream_write(im->session->stream, slice_of(packed, sizeof packed - z->out.avail_out));
	} while (z->out.avail_out == 0);
	z->owes = !all;
	imap_server_sent(im->engine, out.len);
	return true;
}

/* Unpack some, as far as there is room. */
static bool unpack(struct imap_session *im, slice in, void (*used)(struct imap_session *im, size_t n))
{
	struct zipping *z = im->zip;
	size_t room = PLAIN_MAX - buffer_bytes(&z->plain).len;
	unsigned char *plain;
	int result;

	if (z->over || room == 0)
		return false;
	plain = buffer_reserve(&z->plain, room);
	z->in.next_in = (Bytef *)(uintptr_t)in.ptr;
	z->in.avail_in = (uInt)in.len;
	z->in.next_out = plain;
	z->in.avail_out = (uInt)room;
	result = inflate(&z->in, Z_SYNC_FLUSH);
	used(im, in.len - z->in.avail_in);
	buffer_filled(&z->plain, room - z->in.avail_out);
	if (result == Z_OK || result == Z_BUF_ERROR)
		return result == Z_OK;
	/* Or the client ended its stream: what it said is all. */
	z->over = true;
	if (result != Z_STREAM_END)
		imap_server_refuse(im->engine, NULL, slice_lit("this is not DEFLATE"));
	return true;
}

bool zip_feed(struct imap_session *im, slice in, void (*used)(struct imap_session *im, size_t n))
{
	struct zipping *z = im->zip;
	bool more = false;
	size_t n;

	if (z->over && buffer_bytes(&z->plain).len == 0) {
		used(im, in.len);
		return false;
	}
	/* Inflate may hold some back for which there was no room; and the engine may wait for the
	 * rest of a line. */
	if (buffer_bytes(&z->plain).len == 0 || z->stuck)
		more = unpack(im, in, used);
	n = imap_server_feed(im->engine, buffer_bytes(&z->plain));
	buffer_consume(&z->plain, n);
	z->stuck = n == 0;
	return n > 0 || more;
}
