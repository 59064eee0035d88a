/* role/store_append.c - messages that IMAP's APPEND brings.
 *
 *   APPEND -> texts gather, frame by frame -> COMMIT -> a change of the box's:
 *   entries for the pack and rows, of all messages of the command -> its flight -> answered
 *
 * (1) An entry is the same as that of a delivery, without a prefix. Its key names no record of
 *     a journal: nobody hands it over again, so it is forgotten when it has landed. */
#include <zstd.h>

#include "base/check.h"
#include "journey/event.h"
#include "role/store_imap.h"

enum { ZSTD_LEVEL = 1, FLAGS_ARENA_MAX = 64 * 1024 };
_Static_assert((int)IMAP_APPENDS_MAX <= (int)ACCOUNT_CHUNK_ROWS, "an APPEND is one record");

/* One message. */
struct letter {
	struct imap_flags flags;        /* of the arena */
	int64_t received_us;
	uint64_t size;
	struct buffer raw;              /* not yet a frame */
	struct buffer frames;
	struct account_key key;
};

struct appending {
	struct box_change change;
	struct imap_session *im;        /* NULL: it is over */
	struct store *store;
	struct box *box;
	struct arena arena;
	slice name;                     /* of the mailbox; of the arena, as the letters are */
	struct letter *letters[IMAP_APPENDS_MAX];
	size_t n;
	size_t held;                    /* bytes in store->append_bytes and the box's */
	bool committed;                 /* it is the box's now */
	enum imap_result result;
	uint32_t uidvalidity, uid_first;
};

/* ---- memory ---- */

/* Keep the sums right whatever happened to the letters. */
static void count_held(struct appending *a)
{
	size_t held = 0;

	for (size_t i = 0; i < a->n; i++)
		held += buffer_bytes(&a->letters[i]->raw).len +
		    buffer_bytes(&a->letters[i]->frames).len;
	a->store->append_bytes += held - a->held;
	a->box->append_bytes += held - a->held;
	a->held = held;
}

static void forget_texts(struct appending *a)
{
	for (size_t i = 0; i < a->n; i++) {
		buffer_free(&a->letters[i]->raw);
		buffer_free(&a->letters[i]->frames);
	}
	count_held(a);
}

static void append_free(struct appending *a)
{
	forget_texts(a);
	arena_reset(&a->arena);
	heap_free(a->store->heap, a);
}

static bool has_room(const struct box *box, uint64_t more)
{
	return box->append_bytes + more <= STORE_APPEND_ACCOUNT_BYTES &&
	    box->store->append_bytes + more <= STORE_APPEND_BYTES;
}

/* ---- texts ---- */

static void fail(struct appending *a, enum imap_result result)
{
	a->result = result;
	forget_texts(a);
}

/* Compress n bytes off the front. */
static void make_frame(struct appending *a, struct letter *letter, size_t n)
{
	size_t bound = ZSTD_compressBound(n), len;
	unsigned char *out = buffer_reserve(&letter->frames, bound);

	len = ZSTD_compressCCtx(a->store->zstd, out, bound,
	    n > 0 ? buffer_bytes(&letter->raw).ptr : out, n, ZSTD_LEVEL);
	if (ZSTD_isError(len)) {
		os_log(a->store->os, OS_ERROR, "zstd: %s", ZSTD_getErrorName(len));
		fail(a, IMAP_LATER);
		return;
	}
	buffer_filled(&letter->frames, len);
	if (n > 0)
		buffer_consume(&letter->raw, n);
}

void append_text(struct imap_session *im, slice text)
{
	struct appending *a = im->append;
	struct letter *letter;

	check(a != NULL && a->n > 0 && !a->committed);
	letter = a->letters[a->n - 1];
	letter->size += text.len;
	while (a->result == IMAP_DONE && text.len > 0) {
		size_t room = BODY_FRAME_RAW - buffer_bytes(&letter->raw).len;
		size_t n = text.len < room ? text.len : room;

		buffer_add(&letter->raw, slice_head(text, n));
		text = slice_drop(text, n);
		if (n == room)
			make_frame(a, letter, BODY_FRAME_RAW);
	}
	count_held(a);
	if (a->result == IMAP_DONE && !has_room(a->box, 0))
		fail(a, IMAP_LATER);
}

/* The last frame; a body without any byte has one, too. */
static void end_letter(struct appending *a)
{
	struct letter *letter = a->n > 0 ? a->letters[a->n - 1] : NULL;
	size_t n;

	if (letter == NULL || a->result != IMAP_DONE)
		return;
	n = buffer_bytes(&letter->raw).len;
	if (n > 0 || letter->size == 0)
		make_frame(a, letter, n);
	count_held(a);
}

static struct imap_flags copy_flags(struct appending *a, const struct imap_flags *flags)
{
	struct imap_flags copy = { .bits = flags->bits,
	    .keywords = arena_new(&a->arena, slice, flags->n), .n = flags->n };

	for (size_t i = 0; i < flags->n; i++)
		copy.keywords[i] = slice_copy(&a->arena, flags->keywords[i]);
	return copy;
}

static struct appending *begin(struct imap_session *im, slice name)
{
	struct store *s = im->session->store;
	struct appending *a = heap_new(s->heap, struct appending);

	a->im = im;
	a->store = s;
	a->box = im->session->box;
	a->arena = arena_init(s->heap, IMAP_APPENDS_MAX * FLAGS_ARENA_MAX);
	a->name = slice_copy(&a->arena, name);
	im->append = a;
	return a;
}

/* As its messages are on the way, the last one whole already. */
static uint64_t size_of(const struct appending *a)
{
	uint64_t size = 0;

	for (size_t i = 0; a != NULL && i < a->n; i++)
		size += a->letters[i]->size;
	return size;
}

void append_begin(struct imap_session *im, const struct imap_append *message)
{
	struct box *box = im->session->box;
	struct store *s = box->store;
	struct appending *a = im->append;
	struct letter *letter;

	if (!account_mailbox_exists(account_mailbox_find(&box->account->state, message->name))) {
		imap_server_append_ready(im->engine, IMAP_NO_MAILBOX);
		return;
	}
	if (a != NULL && a->n == IMAP_APPENDS_MAX) {
		imap_server_append_ready(im->engine, IMAP_LIMIT);
		return;
	}
	if (!box_has_quota(box, size_of(a) + message->size)) {
		imap_server_append_ready(im->engine, IMAP_OVER_QUOTA);
		return;
	}
	if (!has_room(box, message->size) || store_stopped(s)) {
		imap_server_append_ready(im->engine, IMAP_LATER);
		return;
	}
	if (a == NULL)
		a = begin(im, message->name);
	end_letter(a);
	letter = arena_new(&a->arena, struct letter, 1);
	letter->flags = copy_flags(a, &message->flags);
	letter->received_us = message->dated ? message->received_s * 1000000 : os_wall_us(s->os);
	letter->raw = buffer_init(s->heap, BODY_FRAME_RAW);
	letter->frames = buffer_init(s->heap, SIZE_MAX / 2);
	a->letters[a->n++] = letter;
	imap_server_append_ready(im->engine, IMAP_DONE);
}

/* ---- the change ---- */

/* An id that no journal gives: see STORE_PRODUCER. */
static struct account_key next_key(struct store *s)
{
	while (s->append_generation == 0 || s->append_sequence == UINT32_MAX) {
		s->append_generation = os_random_u64(s->os);
		s->append_sequence = 0;
	}
	return account_key_of((struct message_id){ STORE_PRODUCER, s->append_sequence++,
	    s->append_generation }, 0);
}

static void tell_appended(const struct box *box, const struct account_row *row)
{
	struct event event;

	if (!event_begin(&event, box->store->os, "appended"))
		return;
	event_name(&event, "account", box->id);
	event_number(&event, "mailbox", row->mailbox);
	event_number(&event, "uid", row->uid);
	event_number(&event, "size", row->size);
	event_end(&event);
}

static void add_letter(struct box *box, struct letter *letter, uint16_t mailbox, uint64_t flags,
    struct account_row *ret_row)
{
	struct store *s = box->store;
	slice frames = buffer_bytes(&letter->frames);
	struct pack_body body = { letter->size, frames.len, checksum64(frames, 0) };
	struct pack_place place = { box->id, box->pack, (uint32_t)box->pack_end };
	struct buffer entry = buffer_init(s->heap, PACK_ENTRY);

	letter->key = next_key(s);
	*ret_row = (struct account_row){
		.key = letter->key,
		.mailbox = mailbox,
		.flags = flags,
		.received_us = account_received(letter->received_us),
		.saved_s = (uint32_t)(os_wall_us(s->os) / 1000000),
		.size = (uint32_t)letter->size,
		.pack = place.number,
		.offset = place.offset,
		.stored = (uint32_t)pack_entry_len((slice){ 0 }, body),
	};
	pack_entry_write(&entry, place, (slice){ 0 }, body);
	box_add_piece(box, buffer_bytes(&entry), &letter->frames);
	buffer_free(&entry);
}

/* One record of the log: all of them, or none after a power cut (RFC 3502). */
static void add_letters(struct box *box, struct appending *a, uint16_t mailbox,
    const uint64_t flags[])
{
	struct account_row *rows = heap_alloc(box->store->heap, a->n * sizeof *rows);

	for (size_t i = 0; i < a->n; i++)
		add_letter(box, a->letters[i], mailbox, flags[i], &rows[i]);
	account_deliver_all(box->account, rows, (uint32_t)a->n);
	a->uid_first = rows[0].uid;
	for (size_t i = 0; i < a->n; i++)
		tell_appended(box, &rows[i]);
	heap_free(box->store->heap, rows);
}

static enum imap_result judge(const struct box *box, const struct appending *a)
{
	const struct account *account = box->account;
	/* Flags may be new keywords, each a change of its own. */
	uint64_t n = account->state.n_rows + account->rows_more + account->n_changes + a->n +
	    ACCOUNT_KEYWORDS_MAX;

	if (a->result != IMAP_DONE)
		return a->result;
	if (!account_mailbox_exists(account_mailbox_find(&account->state, a->name)))
		return IMAP_NO_MAILBOX;
	if (n > ACCOUNT_MESSAGES_MAX || a->n >= UINT32_MAX - account->uid_next ||
	    account->state.keys.n + account->pending.n + a->n > ACCOUNT_KEYS_MAX || account_judge(account,
	    (struct account_key){ .producer = STORE_PRODUCER }) != ACCOUNT_ADDED)
		return IMAP_LIMIT;
	if (!box_has_quota(box, size_of(a)))
		return IMAP_OVER_QUOTA;
	return box_pack_is_crowded(box) ? IMAP_LATER : IMAP_DONE;
}

static bool make(struct box *box, struct box_change *change)
{
	struct appending *a = list_item(change, struct appending, change);
	const struct account_mailbox *m = account_mailbox_find(&box->account->state, a->name);
	uint64_t flags[IMAP_APPENDS_MAX];

	a->result = judge(box, a);
	for (size_t i = 0; a->result == IMAP_DONE && i < a->n; i++) {
		if (!change_bits(box->account, &a->letters[i]->flags, true, &flags[i]))
			a->result = IMAP_LIMIT;
	}
	if (a->result != IMAP_DONE)
		return false;
	a->uidvalidity = m->uidvalidity;
	add_letters(box, a, m->number, flags);
	count_held(a);
	return true;
}

static void landed(struct box *box, struct box_change *change, bool ok)
{
	struct appending *a = list_item(change, struct appending, change);
	struct imap_session *im = a->im;

	for (size_t i = 0; i < a->n && a->change.made; i++)
		key_set_remove(&box->account->state.keys, a->letters[i]->key);
	if (im != NULL) {
		im->append = NULL;
		imap_server_appended(im->engine, ok ? a->result : IMAP_LATER, a->uidvalidity,
		    a->uid_first, (uint32_t)a->n);
		imap_wake(im);
	}
	append_free(a);
}

/* They only add: deletions of the mailbox wait, being no such change. */
static const struct change_kind appending = { .together = true, .pack = true, .make = make,
    .landed = landed };

void append_commit(struct imap_session *im)
{
	struct appending *a = im->append;
	struct box *box = a->box;

	end_letter(a);
	a->committed = true;
	box_change(box, &a->change, &appending);
	box_step(box);
}

/* What is made stays made. */
void append_drop(struct imap_session *im)
{
	struct appending *a = im->append;

	im->append = NULL;
	if (a == NULL)
		return;
	a->im = NULL;
	if (a->committed && a->change.made)
		return;
	if (a->committed)
		list_remove(&a->change.link);
	append_free(a);
}

static void free_zstd(void *zstd)
{
	ZSTD_freeCCtx(zstd);
}

void append_init(struct store *s)
{
	s->zstd = ZSTD_createCCtx();
	check(s->zstd != NULL);
	heap_on_drop(s->heap, free_zstd, s->zstd);
}
