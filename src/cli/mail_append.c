/* cli/mail_append.c - batches of letters, and what of them is there already. */
#include "cli/mail_append.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/limits.h"
#include "base/text.h"
#include "imap/mailbox.h"
#include "imap/time.h"

enum { HASH = 32 };

/* A message of the mailbox, as it was when we came. */
struct there {
	uint64_t size;
	uint32_t uid;
	bool asked, claimed;
	bool ready;                     /* all of its size are hashed, and sorted by that */
	unsigned char hash[HASH];
};

struct letter {
	size_t text, text_len;          /* in the batch's bytes, as the others */
	size_t keywords, keywords_len;
	size_t label;
	unsigned flags;
	int64_t received_s;
	bool present;
};

struct batch {
	struct buffer bytes;
	struct letter letters[IMPORT_BATCH];
	size_t n;
	uint32_t command;               /* 0: not under way */
	bool answered, taken;
};

struct mail_append {
	struct haul *t;
	struct mail_session *s;
	struct buffer append;           /* APPEND "name" */
	uint64_t limit;
	slice name;
	bool exists;
	struct there *there;            /* by size */
	size_t n_there, room_there;
	struct arena arena;             /* of one response */
	struct batch batches[2];
	unsigned filling;
	struct there *asked[IMPORT_BATCH];      /* by the FETCH that is under way */
	unsigned n_asked;
	struct there *hashing;          /* whose text comes in pieces */
	crypto_generichash_state *hash;
};

/* ---- what is there ---- */

static void on_size(void *context, const struct imap_client_event *event)
{
	struct mail_append *a = context;
	struct mail_fetched f;

	arena_reset(&a->arena);
	if (!slice_equal_ascii(event->name, slice_lit("FETCH")) ||
	    !mail_fetched_read(event->text, &a->arena, &f))
		return;
	if (a->n_there == a->room_there) {
		size_t room = a->room_there > 0 ? 2 * a->room_there : 1024;
		struct there *more = heap_alloc(a->s->heap, room * sizeof *more);

		if (a->n_there > 0)
			memcpy(more, a->there, a->n_there * sizeof *more);
		heap_free(a->s->heap, a->there);
		a->there = more;
		a->room_there = room;
	}
	a->there[a->n_there++] = (struct there){ .size = f.size, .uid = f.uid };
}

static int by_size(const void *x, const void *y)
{
	const struct there *a = x, *b = y;

	if (a->size != b->size)
		return a->size < b->size ? -1 : 1;
	return a->uid < b->uid ? -1 : a->uid > b->uid;
}

/* The first of that size, or where it would be. */
static size_t find_size(const struct mail_append *a, uint64_t size)
{
	size_t low = 0, high = a->n_there;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (a->there[middle].size < size)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* ---- their hashes ---- */

static void on_body(void *context, const struct imap_client_event *event)
{
	struct mail_append *a = context;
	struct there *there = a->hashing;
	struct mail_fetched f;

	arena_reset(&a->arena);
	if (!slice_equal_ascii(event->name, slice_lit("FETCH")) ||
	    !mail_fetched_read(event->text, &a->arena, &f) || f.body.ptr == NULL)
		return;
	if (there != NULL) {
		crypto_generichash_update(a->hash, f.body.ptr, f.body.len);
		return;
	}
	for (unsigned i = 0; i < a->n_asked; i++) {
		if (a->asked[i]->uid == f.uid && a->asked[i]->size == f.body.len)
			crypto_generichash(a->asked[i]->hash, HASH, f.body.ptr, f.body.len, NULL, 0);
	}
}

/* One that is too long for a literal, piece by piece. */
static bool hash_long(struct mail_append *a, struct there *there)
{
	crypto_generichash_state hash;
	bool ok = true;
	char line[100];

	a->hashing = there;
	a->hash = &hash;
	crypto_generichash_init(&hash, NULL, 0, HASH);
	for (uint64_t at = 0; at < there->size && ok; at += MAIL_LITERAL_MAX) {
		snprintf(line, sizeof line, "UID FETCH %u (UID BINARY.PEEK[]<%llu.%u>)", there->uid,
		    (unsigned long long)at, MAIL_LITERAL_MAX);
		ok = mail_session_run(a->s, slice_from(line), on_body, a);
	}
	a->hashing = NULL;
	crypto_generichash_final(&hash, there->hash, HASH);
	return ok || !a->s->failed;
}

static bool run_asked(struct mail_append *a)
{
	struct buffer set = buffer_init(a->s->heap, 16 * IMPORT_BATCH + 100);
	bool ok = true;

	for (unsigned i = 0; i < a->n_asked; i++)
		buffer_printf(&set, "%s%u", i == 0 ? "UID FETCH " : ",", a->asked[i]->uid);
	if (a->n_asked > 0) {
		buffer_add(&set, slice_lit(" (UID BINARY.PEEK[])"));
		ok = mail_session_run(a->s, buffer_bytes(&set), on_body, a);
	}
	a->n_asked = 0;
	buffer_free(&set);
	return ok || !a->s->failed;
}

/* One that never comes has a hash that fits nothing. */
static bool ask(struct mail_append *a, struct there *there)
{
	if (there->asked)
		return true;
	there->asked = true;
	if (there->size > MAIL_LITERAL_MAX)
		return hash_long(a, there);
	a->asked[a->n_asked++] = there;
	return a->n_asked < IMPORT_BATCH || run_asked(a);
}

static int by_hash(const void *x, const void *y)
{
	const struct there *a = x, *b = y;

	return memcmp(a->hash, b->hash, HASH);
}

static size_t count_size(const struct mail_append *a, size_t first)
{
	size_t n = 0;

	while (first + n < a->n_there && a->there[first + n].size == a->there[first].size)
		n++;
	return n;
}

static void make_ready(struct mail_append *a, size_t first)
{
	size_t n = count_size(a, first);

	qsort(a->there + first, n, sizeof *a->there, by_hash);
	for (size_t i = 0; i < n; i++)
		a->there[first + i].ready = true;
}

/* All that have the size of a letter of the batch. */
static bool hash_candidates(struct mail_append *a, const struct batch *b)
{
	bool ok = true;

	for (size_t i = 0; i < b->n && ok; i++) {
		uint64_t size = b->letters[i].text_len;
		size_t k = find_size(a, size);

		for (; ok && k < a->n_there && a->there[k].size == size && !a->there[k].ready; k++)
			ok = ask(a, &a->there[k]);
	}
	ok = ok && run_asked(a);
	for (size_t i = 0; i < b->n && ok; i++) {
		size_t k = find_size(a, b->letters[i].text_len);

		if (k < a->n_there && a->there[k].size == b->letters[i].text_len && !a->there[k].ready)
			make_ready(a, k);
	}
	return ok;
}

static slice text_of(const struct batch *b, const struct letter *letter)
{
	return slice_sub(buffer_bytes(&b->bytes), letter->text, letter->text_len);
}

/* Is there one that stands for it? Then for no other. */
static bool claim(struct mail_append *a, slice text)
{
	size_t low = find_size(a, text.len), high, end;
	unsigned char hash[HASH];

	if (low == a->n_there || a->there[low].size != text.len)
		return false;
	crypto_generichash(hash, HASH, text.ptr, text.len, NULL, 0);
	high = end = low + count_size(a, low);
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (memcmp(a->there[middle].hash, hash, HASH) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	while (low < end && memcmp(a->there[low].hash, hash, HASH) == 0 && a->there[low].claimed)
		low++;
	if (low == end || memcmp(a->there[low].hash, hash, HASH) != 0)
		return false;
	a->there[low].claimed = true;
	return true;
}

/* ---- APPEND ---- */

static bool is_keyword(slice word)
{
	for (size_t i = 0; i < word.len; i++) {
		if (word.ptr[i] <= ' ' || word.ptr[i] >= 0x7f ||
		    memchr("(){%*\"\\]", word.ptr[i], 8) != NULL)
			return false;
	}
	return word.len > 0 && word.len <= IMAP_KEYWORD_MAX;
}

/* " (\Seen) "17-Jul-1996 02:44:25 +0000" {310+}", with CRLF. */
static void put_options(const struct batch *b, const struct letter *letter, bool keywords,
    struct buffer *out)
{
	static const struct {
		unsigned flag;
		const char *name;
	} flags[] = {
		{ IMAP_SEEN, "\\Seen " }, { IMAP_ANSWERED, "\\Answered " },
		{ IMAP_FLAGGED, "\\Flagged " }, { IMAP_DELETED, "\\Deleted " },
		{ IMAP_DRAFT, "\\Draft " },
	};
	slice rest = slice_sub(buffer_bytes(&b->bytes), letter->keywords, letter->keywords_len);
	char date[IMAP_TIME_TEXT];
	size_t n = 0;

	buffer_add(out, slice_lit(" ("));
	for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
		if (letter->flags & flags[i].flag)
			buffer_add(out, slice_from(flags[i].name));
	}
	while (keywords && rest.len > 0 && n < IMAP_KEYWORDS_MAX) {
		slice word = slice_cut(&rest, ' ');

		if (!is_keyword(word))
			continue;
		buffer_add(out, word);
		buffer_add(out, slice_lit(" "));
		n++;
	}
	/* The blank behind the last one. */
	if (slice_ends(buffer_bytes(out), slice_lit(" ")) &&
	    !slice_ends(buffer_bytes(out), slice_lit(" (")))
		buffer_truncate(out, buffer_bytes(out).len - 1);
	imap_time_print(letter->received_s, date);
	buffer_printf(out, ") \"%s\" {%zu+}", date, letter->text_len);
}

/* Begin the command with the first of them, or go on with the next. */
static bool say_letter(struct mail_append *a, const struct batch *b, const struct letter *letter,
    bool keywords, uint32_t *command)
{
	struct buffer line = buffer_init(a->s->heap, 16 * IMAP_NAME_MAX + IMAP_KEYWORDS_MAX *
	    (IMAP_KEYWORD_MAX + 1));
	bool ok = true;

	if (*command == 0)
		buffer_add(&line, buffer_bytes(&a->append));
	put_options(b, letter, keywords, &line);
	if (*command == 0)
		*command = mail_session_send(a->s, buffer_bytes(&line));
	else
		ok = mail_session_say(a->s, buffer_bytes(&line)) &&
		    mail_session_say(a->s, slice_lit("\r\n"));
	buffer_free(&line);
	return ok && mail_session_say(a->s, text_of(b, letter));
}

/* Until a command is done; what that of a batch came to is written down. */
static bool wait_done(struct mail_append *a, struct imap_client_event *ret)
{
	while (mail_session_next(a->s, ret)) {
		if (ret->kind != IMAP_CLIENT_EVENT_DONE)
			continue;
		for (unsigned i = 0; i < 2; i++) {
			struct batch *b = &a->batches[i];

			if (b->command != ret->number)
				continue;
			b->answered = true;
			b->taken = ret->status == IMAP_CLIENT_OK;
		}
		return true;
	}
	return false;
}

static void count_done(struct mail_append *a, const struct letter *letter)
{
	a->t->done++;
	a->t->done_bytes += letter->text_len;
}

/* The letter as a command of its own, and what the server says to that. */
static bool send_alone(struct mail_append *a, const struct batch *b, const struct letter *letter,
    bool keywords, struct imap_client_event *ret)
{
	uint32_t command = 0;

	if (!say_letter(a, b, letter, keywords, &command) ||
	    !mail_session_say(a->s, slice_lit("\r\n")))
		return false;
	do {
		if (!wait_done(a, ret))
			return false;
	} while (ret->number != command);
	return true;
}

/* It would be said to all that follow, too. */
static bool is_for_all(slice text)
{
	return slice_starts(text, slice_lit("[LIMIT]")) ||
	    slice_starts(text, slice_lit("[OVERQUOTA]")) ||
	    slice_starts(text, slice_lit("[UNAVAILABLE]"));
}

/* Alone, so that it is known which one the server does not like. */
static bool append_alone(struct mail_append *a, const struct batch *b, const struct letter *letter)
{
	const char *label = (const char *)buffer_bytes(&b->bytes).ptr + letter->label;
	struct imap_client_event event;
	bool keywords = true;
	char said[200];

	if (!send_alone(a, b, letter, true, &event))
		return false;
	/* An account has so many keywords, and no more. */
	if (event.status != IMAP_CLIENT_OK && letter->keywords_len > 0 &&
	    slice_starts(event.text, slice_lit("[LIMIT]"))) {
		keywords = false;
		if (!send_alone(a, b, letter, false, &event))
			return false;
	}
	if (event.status == IMAP_CLIENT_OK) {
		if (!keywords)
			haul_note(a->t, "%s: imported without its keywords: the account has too many",
			    label);
		count_done(a, letter);
		return true;
	}
	text_printable(event.text, said, sizeof said);
	haul_fail(a->t, "%s: not imported: %s", label, said);
	if (!is_for_all(event.text))
		return true;
	haul_note(a->t, "nor is what comes behind it; run this again when that is mended");
	a->s->failed = true;
	return false;
}

static void empty(struct batch *b)
{
	buffer_truncate(&b->bytes, 0);
	b->n = 0;
	b->command = 0;
	b->answered = false;
}

/* Its answer is here, or comes. */
static bool finish(struct mail_append *a, struct batch *b)
{
	struct imap_client_event event;
	bool ok = true;

	if (b->command == 0)
		return true;
	while (!b->answered) {
		if (!wait_done(a, &event))
			return false;
	}
	for (size_t i = 0; i < b->n && ok; i++) {
		if (b->letters[i].present)
			continue;
		if (b->taken)
			count_done(a, &b->letters[i]);
		else
			ok = append_alone(a, b, &b->letters[i]);
	}
	empty(b);
	return ok;
}

/* Send what gathered, then wait for what went before. */
static bool turn(struct mail_append *a)
{
	struct batch *b = &a->batches[a->filling], *other = &a->batches[1 - a->filling];
	bool ok = true;

	/* A comparison is a command too, and its answers come in order; so does one more
	 * large message than the server has room for. */
	if (a->n_there > 0 || buffer_bytes(&b->bytes).len > 2 * IMPORT_BATCH_BYTES)
		ok = finish(a, other);
	ok = ok && hash_candidates(a, b);
	for (size_t i = 0; i < b->n && ok; i++) {
		struct letter *letter = &b->letters[i];

		letter->present = claim(a, text_of(b, letter));
		a->t->present += letter->present;
		if (!letter->present)
			ok = say_letter(a, b, letter, true, &b->command);
	}
	if (b->command != 0)
		ok = ok && mail_session_say(a->s, slice_lit("\r\n"));
	else
		empty(b);
	ok = ok && finish(a, other);
	a->filling = 1 - a->filling;
	haul_show(a->t);
	return ok;
}

/* ---- letters come ---- */

static size_t keep(struct batch *b, slice bytes)
{
	size_t at = buffer_bytes(&b->bytes).len;

	buffer_add(&b->bytes, bytes);
	return at;
}

bool mail_append_add(struct mail_append *a, const struct mail_letter *letter)
{
	struct batch *b = &a->batches[a->filling];

	if (letter->text.len == 0) {
		haul_fail(a->t, "%s: not imported: it is empty", letter->label);
		return true;
	}
	if (letter->text.len > a->limit) {
		haul_fail(a->t, "%s: not imported: it has %zu bytes, and %llu are the most "
		    "(limit.message_size)", letter->label, letter->text.len,
		    (unsigned long long)a->limit);
		return true;
	}
	b->letters[b->n++] = (struct letter){
		.text = keep(b, letter->text),
		.text_len = letter->text.len,
		.keywords = keep(b, letter->keywords),
		.keywords_len = letter->keywords.len,
		.label = keep(b, slice_of(letter->label, strlen(letter->label) + 1)),
		.flags = letter->flags,
		.received_s = letter->received_s,
	};
	if (b->n < IMPORT_BATCH && buffer_bytes(&b->bytes).len < IMPORT_BATCH_BYTES)
		return true;
	return turn(a);
}

uint64_t mail_append_limit(const struct mail_append *a)
{
	return a->limit;
}

/* ---- begin and end ---- */

static void on_status(void *context, const struct imap_client_event *event)
{
	struct mail_append *a = context;
	slice item = slice_lit("(APPENDLIMIT ");
	size_t at = slice_find(event->text, item);

	if (!slice_equal_ascii(event->name, slice_lit("STATUS")) || at == event->text.len)
		return;
	item = slice_drop(event->text, at + item.len);
	slice_to_u64(slice_head(item, slice_find_byte(item, ')')), UINT32_MAX, &a->limit);
}

static bool run_named(struct mail_append *a, const char *verb, slice name, const char *more,
    void (*on)(void *context, const struct imap_client_event *event))
{
	struct buffer line = buffer_init(a->s->heap, 16 * IMAP_NAME_MAX);
	bool ok = mail_session_name(&line, verb, name) && buffer_append(&line, slice_from(more)) &&
	    mail_session_run(a->s, buffer_bytes(&line), on, a);

	buffer_free(&line);
	return ok;
}

/* The name may look like a pattern. */
static void on_listed(void *context, const struct imap_client_event *event)
{
	struct mail_append *a = context;
	struct mail_listed listed;

	arena_reset(&a->arena);
	if (slice_equal_ascii(event->name, slice_lit("LIST")) &&
	    mail_listed_read(event->text, &a->arena, &listed) && listed.exists &&
	    (slice_equal(listed.name, a->name) || (imap_name_is_inbox(a->name) &&
	    imap_name_is_inbox(listed.name))))
		a->exists = true;
}

/* Made and subscribed, as mail programs do. */
static bool make_mailbox(struct mail_append *a, slice name)
{
	struct buffer line = buffer_init(a->s->heap, 16 * IMAP_NAME_MAX);
	bool ok = mail_session_name(&line, "LIST \"\"", name) &&
	    mail_session_run(a->s, buffer_bytes(&line), on_listed, a);

	buffer_free(&line);
	if (!ok || a->exists)
		return ok;
	/* In this order: who is killed between the two does both the next time. */
	return run_named(a, "SUBSCRIBE", name, "", NULL) && run_named(a, "CREATE", name, "", NULL);
}

static void destroy(struct mail_append *a)
{
	for (unsigned i = 0; i < 2; i++)
		buffer_free(&a->batches[i].bytes);
	buffer_free(&a->append);
	arena_reset(&a->arena);
	heap_free(a->s->heap, a->there);
	heap_free(a->s->heap, a);
}

struct mail_append *mail_append_begin(struct haul *t, slice name)
{
	struct heap *heap = t->heap;
	struct mail_append *a = heap_new(heap, struct mail_append);

	a->t = t;
	a->s = t->session;
	a->name = name;
	a->append = buffer_init(heap, 16 * IMAP_NAME_MAX);
	a->arena = arena_init(heap, IMAP_PARSE_ARENA_MAX);
	for (unsigned i = 0; i < 2; i++)
		a->batches[i].bytes = buffer_init(heap, SIZE_MAX / 2);
	if (!mail_session_name(&a->append, "APPEND", name) || !make_mailbox(a, name) ||
	    !run_named(a, "STATUS", name, " (APPENDLIMIT)", on_status) ||
	    !run_named(a, "EXAMINE", name, "", NULL) ||
	    !mail_session_run(a->s, slice_lit("UID FETCH 1:* (UID RFC822.SIZE)"), on_size, a)) {
		destroy(a);
		return NULL;
	}
	if (a->n_there > 0)
		qsort(a->there, a->n_there, sizeof *a->there, by_size);
	json_array_append_new(t->mailboxes, json_stringn((const char *)name.ptr, name.len));
	return a;
}

bool mail_append_end(struct mail_append *a)
{
	bool ok = !a->s->failed;

	ok = ok && turn(a) && finish(a, &a->batches[0]) && finish(a, &a->batches[1]);
	destroy(a);
	return ok;
}
