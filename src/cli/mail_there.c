/* cli/mail_there.c - the messages of a mailbox, by size and hash. */
#include "cli/mail_there.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"

enum { HASH = 32 };

/* A message of the mailbox, as it was when we came. */
struct there {
	uint64_t size;
	uint32_t uid;
	bool asked, claimed;
	bool ready;                     /* all of its size are hashed, and sorted by that */
	unsigned char hash[HASH];
};

struct mail_there {
	struct mail_session *session;
	struct there *list;             /* by size */
	size_t n, room;
	struct arena arena;             /* of one response */
	struct there *asked[IMPORT_BATCH];      /* by the FETCH that is under way */
	unsigned n_asked;
	struct there *hashing;          /* whose text comes in pieces */
	crypto_generichash_state *hash;
};

/* ---- what is there ---- */

static void on_size(void *context, const struct imap_client_event *event)
{
	struct mail_there *t = context;
	struct mail_fetched f;

	arena_reset(&t->arena);
	if (!slice_equal_ascii(event->name, slice_lit("FETCH")) ||
	    !mail_fetched_read(event->text, &t->arena, &f))
		return;
	if (t->n == t->room) {
		size_t room = t->room > 0 ? 2 * t->room : 1024;
		struct there *more = heap_alloc(t->session->heap, room * sizeof *more);

		if (t->n > 0)
			memcpy(more, t->list, t->n * sizeof *more);
		heap_free(t->session->heap, t->list);
		t->list = more;
		t->room = room;
	}
	t->list[t->n++] = (struct there){ .size = f.size, .uid = f.uid };
}

static int by_size(const void *x, const void *y)
{
	const struct there *a = x, *b = y;

	if (a->size != b->size)
		return a->size < b->size ? -1 : 1;
	return a->uid < b->uid ? -1 : a->uid > b->uid;
}

/* The first of that size, or where it would be. */
static size_t find_size(const struct mail_there *t, uint64_t size)
{
	size_t low = 0, high = t->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (t->list[middle].size < size)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* ---- their hashes ---- */

static void on_body(void *context, const struct imap_client_event *event)
{
	struct mail_there *t = context;
	struct there *there = t->hashing;
	struct mail_fetched f;

	arena_reset(&t->arena);
	if (!slice_equal_ascii(event->name, slice_lit("FETCH")) ||
	    !mail_fetched_read(event->text, &t->arena, &f) || f.body.ptr == NULL)
		return;
	if (there != NULL) {
		crypto_generichash_update(t->hash, f.body.ptr, f.body.len);
		return;
	}
	for (unsigned i = 0; i < t->n_asked; i++) {
		if (t->asked[i]->uid == f.uid && t->asked[i]->size == f.body.len)
			crypto_generichash(t->asked[i]->hash, HASH, f.body.ptr, f.body.len, NULL, 0);
	}
}

/* One that is too long for a literal, piece by piece. */
static bool hash_long(struct mail_there *t, struct there *there)
{
	crypto_generichash_state hash;
	bool ok = true;
	char line[100];

	t->hashing = there;
	t->hash = &hash;
	crypto_generichash_init(&hash, NULL, 0, HASH);
	for (uint64_t at = 0; at < there->size && ok; at += MAIL_LITERAL_MAX) {
		snprintf(line, sizeof line, "UID FETCH %u (UID BINARY.PEEK[]<%llu.%u>)", there->uid,
		    (unsigned long long)at, MAIL_LITERAL_MAX);
		ok = mail_session_run(t->session, slice_from(line), on_body, t);
	}
	t->hashing = NULL;
	crypto_generichash_final(&hash, there->hash, HASH);
	return ok || !t->session->failed;
}

static bool run_asked(struct mail_there *t)
{
	struct buffer set = buffer_init(t->session->heap, 16 * IMPORT_BATCH + 100);
	bool ok = true;

	for (unsigned i = 0; i < t->n_asked; i++)
		buffer_printf(&set, "%s%u", i == 0 ? "UID FETCH " : ",", t->asked[i]->uid);
	if (t->n_asked > 0) {
		buffer_add(&set, slice_lit(" (UID BINARY.PEEK[])"));
		ok = mail_session_run(t->session, buffer_bytes(&set), on_body, t);
	}
	t->n_asked = 0;
	buffer_free(&set);
	return ok || !t->session->failed;
}

/* One that never comes has a hash that fits nothing. */
static bool ask(struct mail_there *t, struct there *there)
{
	if (there->asked)
		return true;
	there->asked = true;
	if (there->size > MAIL_LITERAL_MAX)
		return hash_long(t, there);
	t->asked[t->n_asked++] = there;
	return t->n_asked < IMPORT_BATCH || run_asked(t);
}

static int by_hash(const void *x, const void *y)
{
	const struct there *a = x, *b = y;

	return memcmp(a->hash, b->hash, HASH);
}

static void make_ready(struct mail_there *t, size_t first)
{
	size_t n = find_size(t, t->list[first].size + 1) - first;

	qsort(t->list + first, n, sizeof *t->list, by_hash);
	for (size_t i = 0; i < n; i++)
		t->list[first + i].ready = true;
}

bool mail_there_look(struct mail_there *t, const uint64_t *sizes, size_t n)
{
	bool ok = true;

	for (size_t i = 0; i < n && ok; i++) {
		size_t k = find_size(t, sizes[i]);

		for (; ok && k < t->n && t->list[k].size == sizes[i] && !t->list[k].ready; k++)
			ok = ask(t, &t->list[k]);
	}
	ok = ok && run_asked(t);
	for (size_t i = 0; i < n && ok; i++) {
		size_t k = find_size(t, sizes[i]);

		if (k < t->n && t->list[k].size == sizes[i] && !t->list[k].ready)
			make_ready(t, k);
	}
	return ok;
}

bool mail_there_claim(struct mail_there *t, slice text)
{
	size_t low = find_size(t, text.len), high, end;
	unsigned char hash[HASH];

	if (low == t->n || t->list[low].size != text.len)
		return false;
	crypto_generichash(hash, HASH, text.ptr, text.len, NULL, 0);
	high = end = find_size(t, text.len + 1);
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (memcmp(t->list[middle].hash, hash, HASH) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	while (low < end && memcmp(t->list[low].hash, hash, HASH) == 0 && t->list[low].claimed)
		low++;
	if (low == end || memcmp(t->list[low].hash, hash, HASH) != 0)
		return false;
	t->list[low].claimed = true;
	return true;
}

/* ---- life ---- */

void mail_there_destroy(struct mail_there *t)
{
	if (t == NULL)
		return;
	arena_reset(&t->arena);
	heap_free(t->session->heap, t->list);
	heap_free(t->session->heap, t);
}

struct mail_there *mail_there_create(struct mail_session *session)
{
	struct mail_there *t = heap_new(session->heap, struct mail_there);

	t->session = session;
	t->arena = arena_init(session->heap, IMAP_PARSE_ARENA_MAX);
	if (!mail_session_run(session, slice_lit("UID FETCH 1:* (UID RFC822.SIZE)"), on_size, t)) {
		mail_there_destroy(t);
		return NULL;
	}
	if (t->n > 0)
		qsort(t->list, t->n, sizeof *t->list, by_size);
	return t;
}

bool mail_there_any(const struct mail_there *t)
{
	return t->n > 0;
}
