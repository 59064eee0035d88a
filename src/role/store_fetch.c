/* role/store_fetch.c - messages for a mock's web, read from packs.
 *
 *   FETCH -> waits -> read (pool) <-> sent, as there is room -> BODY_END or BODY_FAILED
 *
 * (1) The web says where the message is, as it was told: an entry's checksum covers whose
 *     it is, in which pack and where, so another place gives nothing.
 * (2) A fetch and its memory belong to the pool while it is busy. Few run at once, so mail
 *     is not kept waiting; and what comes in STORE_FETCH_PAUSE_MS goes together. */
#include <errno.h>

#include "account/slot.h"
#include "role/store_impl.h"

struct fetch {
	struct list link;               /* store->fetches, or store->fetching */
	struct store *store;
	uint64_t request;
	struct pack_place place;
	struct heap *heap;              /* once it runs */
	struct pack_reader reader;
	int fd;                         /* what that reads; -1: done with, or another's */
	bool open, busy;
	bool over;                      /* the web is gone */
	enum pack_result result;
	struct buffer out;              /* read, not yet sent */
};

/* What one work reads: mostly many, each small. */
struct fetch_batch {
	struct os_work work;
	struct store *store;
	int fd;                         /* the pack that was read last; -1: none */
	struct pack_place of;           /* an entry of it */
	bool counts;                    /* in store->n_fetch_works */
	size_t n;
	struct fetch *fetches[STORE_FETCH_BATCH];
};

static void drop_heap(void *heap)
{
	heap_drop(heap);
}

static void start_more(struct store *s);

/* ---- on the pool ---- */

static void close_pack(struct fetch_batch *batch)
{
	if (batch->fd >= 0)
		os_close(batch->store->os, batch->fd);
	batch->fd = -1;
}

/* The pack of an entry, mostly that of the last one. */
static int open_pack(struct fetch_batch *batch, struct pack_place place)
{
	char path[ACCOUNT_PATH_MAX];

	if (batch->fd >= 0 && batch->of.owner == place.owner && batch->of.number == place.number)
		return batch->fd;
	close_pack(batch);
	account_pack_path(place.owner, place.number, path);
	batch->fd = os_open(batch->store->os, OS_ROOT, path, OS_READ);
	batch->of = place;
	return batch->fd;
}

static enum pack_result open_entry(struct fetch_batch *batch, struct fetch *f)
{
	enum pack_result result;
	int fd = open_pack(batch, f->place);

	if (fd < 0)
		return fd == -ENOENT ? PACK_DAMAGED : PACK_IO;
	result = pack_reader_open(&f->reader, f->store->os, f->heap, fd, f->place);
	f->reader.unzip = &f->store->unzip;
	f->open = result == PACK_OK;
	return result;
}

static void read_some(struct fetch_batch *batch, struct fetch *f)
{
	slice piece;

	f->result = f->open ? PACK_OK : open_entry(batch, f);
	while (f->result == PACK_OK && buffer_bytes(&f->out).len < STORE_FETCH_GATHER) {
		f->result = pack_reader_next(&f->reader, &piece);
		if (f->result == PACK_OK)
			buffer_add(&f->out, piece);
	}
	/* What is not through reads on later, with a descriptor of its own. */
	if (f->result == PACK_OK && f->fd < 0) {
		f->fd = batch->fd;
		batch->fd = -1;
	}
}

static void read_batch(struct os_work *work)
{
	struct fetch_batch *batch = work->owner;

	for (size_t i = 0; i < batch->n; i++)
		read_some(batch, batch->fetches[i]);
	close_pack(batch);
}

/* ---- on the loop ---- */

static void fetch_free(struct fetch *f)
{
	struct store *s = f->store;

	list_remove(&f->link);
	if (f->fd >= 0)
		os_close(s->os, f->fd);
	if (f->open)
		pack_reader_close(&f->reader);
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

static void batch_read(struct os_work *work);

static struct fetch_batch *new_batch(struct store *s)
{
	struct fetch_batch *batch = heap_new(s->heap, struct fetch_batch);

	batch->work = (struct os_work){ .run = read_batch, .done = batch_read, .owner = batch };
	batch->store = s;
	batch->fd = -1;
	return batch;
}

static void add_to(struct fetch_batch *batch, struct fetch *f)
{
	f->busy = true;
	batch->fetches[batch->n++] = f;
}

static void read_on(struct fetch *f)
{
	struct fetch_batch *batch = new_batch(f->store);

	add_to(batch, f);
	os_work_start(f->store->os, &batch->work);
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

static void batch_read(struct os_work *work)
{
	struct fetch_batch *batch = work->owner;
	struct store *s = batch->store;

	for (size_t i = 0; i < batch->n; i++) {
		struct fetch *f = batch->fetches[i];

		f->busy = false;
		if (f->over)
			fetch_free(f);
		else
			send_some(f);
	}
	if (batch->counts)
		s->n_fetch_works--;
	heap_free(s->heap, batch);
	start_more(s);
}

void store_fetch_room(struct store *s)
{
	list_for(at, &s->fetching) {
		struct fetch *f = list_item(at, struct fetch, link);

		if (!f->busy && !f->over)
			send_some(f);
	}
}

static void take(struct fetch_batch *batch)
{
	struct store *s = batch->store;

	while (s->n_fetching < STORE_FETCHES_MAX && batch->n < STORE_FETCH_BATCH &&
	    !list_empty(&s->fetches)) {
		struct fetch *f = list_item(list_take_first(&s->fetches), struct fetch, link);

		list_append(&s->fetching, &f->link);
		s->n_fetching++;
		f->heap = heap_create(SIZE_MAX);
		heap_on_drop(s->heap, drop_heap, f->heap);
		f->out = buffer_init(f->heap, STORE_FETCH_GATHER + BODY_FRAME_RAW);
		add_to(batch, f);
	}
}

/* At the end of the turn: all that it brought goes together. */
static void on_turn(struct os_defer *defer)
{
	struct store *s = defer->owner;

	while (s->watch.on && s->n_fetching < STORE_FETCHES_MAX &&
	    s->n_fetch_works < STORE_FETCH_WORKS && !list_empty(&s->fetches)) {
		struct fetch_batch *batch = new_batch(s);

		s->fetch_ms = os_now_ms(s->os);
		batch->counts = true;
		s->n_fetch_works++;
		take(batch);
		os_work_start(s->os, &batch->work);
	}
}

static void on_pause_over(struct os_timer *timer)
{
	struct store *s = timer->owner;

	os_defer(s->os, &s->fetch_defer);
}

/* The first goes at once; of those that come one after the other some go together. */
static void start_more(struct store *s)
{
	uint64_t since_ms = os_now_ms(s->os) - s->fetch_ms;

	if (!s->watch.on || list_empty(&s->fetches))
		return;
	if (since_ms >= STORE_FETCH_PAUSE_MS || s->n_fetches - s->n_fetching >= STORE_FETCH_BATCH)
		os_defer(s->os, &s->fetch_defer);
	else
		os_timer_start(s->os, &s->fetch_timer, STORE_FETCH_PAUSE_MS - since_ms);
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
	f->fd = -1;
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
	pack_unzip_init(&s->unzip, s->heap);
	s->fetch_defer = (struct os_defer){ .run = on_turn, .owner = s };
	s->fetch_timer = (struct os_timer){ .fire = on_pause_over, .owner = s };
}
