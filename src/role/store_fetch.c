/* role/store_fetch.c - messages for a mock's web, read from packs.
 *
 *   FETCH -> waits -> read (pool) <-> sent, as there is room -> BODY_END or BODY_FAILED
 *
 * (1) The web says where the message is, as it was told: an entry's checksum covers whose
 *     it is, in which pack and where, so another place gives nothing.
 * (2) A fetch and its memory belong to the pool while it is busy. Few run at once, so mail
 *     is not kept waiting. */
#include <errno.h>

#include "account/slot.h"
#include "role/store_impl.h"

struct fetch {
	struct list link;               /* store->fetches, or store->fetching */
	struct store *store;
	uint64_t request;
	struct pack_place place;
	struct os_work work;
	struct heap *heap;              /* once it runs */
	struct pack_reader reader;
	bool open, busy;
	bool over;                      /* the web is gone */
	enum pack_result result;
	struct buffer out;              /* read, not yet sent */
};

static void drop_heap(void *heap)
{
	heap_drop(heap);
}

static void start_more(struct store *s);

/* ---- on the pool ---- */

static enum pack_result open_entry(struct fetch *f)
{
	struct os *os = f->store->os;
	char path[ACCOUNT_PATH_MAX];
	enum pack_result result;
	int fd;

	account_pack_path(f->place.owner, f->place.number, path);
	fd = os_open(os, OS_ROOT, path, OS_READ);
	if (fd < 0)
		return fd == -ENOENT ? PACK_DAMAGED : PACK_IO;
	result = pack_reader_open(&f->reader, os, f->heap, fd, f->place);
	f->open = result == PACK_OK;
	if (!f->open)
		os_close(os, fd);
	return result;
}

static void read_some(struct os_work *work)
{
	struct fetch *f = work->owner;
	slice piece;

	f->result = f->open ? PACK_OK : open_entry(f);
	while (f->result == PACK_OK && buffer_bytes(&f->out).len < STORE_FETCH_GATHER) {
		f->result = pack_reader_next(&f->reader, &piece);
		if (f->result == PACK_OK)
			buffer_add(&f->out, piece);
	}
}

/* ---- on the loop ---- */

static void fetch_free(struct fetch *f)
{
	struct store *s = f->store;

	list_remove(&f->link);
	if (f->open) {
		os_close(s->os, f->reader.fd);
		pack_reader_close(&f->reader);
	}
	if (f->heap != NULL) {
		heap_cancel_on_drop(s->heap, drop_heap, f->heap);
		heap_drop(f->heap);
		s->n_fetching--;
	}
	heap_free(s->heap, f);
	s->n_fetches--;
	start_more(s);
	store_drain_check(s);
}

static void some_read(struct os_work *work);

static void read_on(struct fetch *f)
{
	f->busy = true;
	f->work = (struct os_work){ .run = read_some, .done = some_read, .owner = f };
	os_work_start(f->store->os, &f->work);
}

/* Send what was read. The last piece says how it ended. */
static void send_some(struct fetch *f)
{
	struct ipc_channel *web = frame_peer(&f->store->frame, ROLE_WEB, 0);
	bool last = f->result != PACK_OK, sent = false;

	while (!sent) {
		slice piece = buffer_bytes(&f->out);
		struct buffer *out;

		if (piece.len == 0 && !last) {
			read_on(f);
			return;
		}
		if (ipc_room(web) < IPC_PACKET_MAX) {
			ipc_on_room(web, store_web_room);
			return;
		}
		if (piece.len > STORE_FETCH_PIECE)
			piece = slice_head(piece, STORE_FETCH_PIECE);
		sent = last && piece.len == buffer_bytes(&f->out).len;
		out = ipc_begin(web, IPC_BODY);
		put_u64(out, f->request);
		put_u8(out, !sent ? BODY_MORE : f->result == PACK_END ? BODY_END : BODY_FAILED);
		put_slice(out, piece);
		ipc_end(web, -1);
		buffer_consume(&f->out, piece.len);
	}
	fetch_free(f);
}

static void some_read(struct os_work *work)
{
	struct fetch *f = work->owner;

	f->busy = false;
	if (f->over)
		fetch_free(f);
	else
		send_some(f);
}

void store_fetch_room(struct store *s)
{
	list_for(at, &s->fetching) {
		struct fetch *f = list_item(at, struct fetch, link);

		if (!f->busy && !f->over)
			send_some(f);
	}
}

static void start_more(struct store *s)
{
	while (s->watch.on && s->n_fetching < STORE_FETCHES_MAX && !list_empty(&s->fetches)) {
		struct fetch *f = list_item(list_take_first(&s->fetches), struct fetch, link);

		list_append(&s->fetching, &f->link);
		s->n_fetching++;
		f->heap = heap_create(SIZE_MAX);
		heap_on_drop(s->heap, drop_heap, f->heap);
		f->out = buffer_init(f->heap, STORE_FETCH_GATHER + BODY_FRAME_RAW);
		read_on(f);
	}
}

bool store_fetch(struct store *s, struct ipc_message *message)
{
	struct bytes *in = &message->body;
	uint64_t request = get_u64(in), account = get_u64(in);
	struct fetch *f;

	get_u32(in);                    /* the uid, for who reads along */
	if (!s->watch.on || s->n_fetches >= STORE_FETCHES_WAITING)
		return false;
	f = heap_new(s->heap, struct fetch);
	f->store = s;
	f->request = request;
	f->place.owner = account;
	f->place.number = get_u32(in);
	f->place.offset = get_u32(in);
	list_init(&f->link);
	if (!bytes_end(in)) {
		heap_free(s->heap, f);
		return false;
	}
	list_append(&s->fetches, &f->link);
	s->n_fetches++;
	start_more(s);
	return true;
}

void store_fetches_over(struct store *s)
{
	list_for(at, &s->fetches)
		list_item(at, struct fetch, link)->over = true;
	list_for(at, &s->fetching)
		list_item(at, struct fetch, link)->over = true;
	while (!list_empty(&s->fetches)) {
		struct fetch *f = list_item(s->fetches.next, struct fetch, link);

		fetch_free(f);
	}
	list_for(at, &s->fetching) {
		struct fetch *f = list_item(at, struct fetch, link);

		if (!f->busy)
			fetch_free(f);
	}
}

void store_fetch_init(struct store *s)
{
	list_init(&s->fetches);
	list_init(&s->fetching);
}
