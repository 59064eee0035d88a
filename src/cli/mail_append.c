/* cli/mail_append.c - batches of letters: compared with what is there, sent, answered. */
#include "cli/mail_append.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/limits.h"
#include "base/text.h"
#include "cli/mail_there.h"
#include "imap/mailbox.h"
#include "imap/time.h"

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
	struct mail_there *there;
	struct arena arena;             /* of one response */
	struct batch batches[2];
	unsigned filling;
};

static slice text_of(const struct batch *b, const struct letter *letter)
{
	return slice_sub(buffer_bytes(&b->bytes), letter->text, letter->text_len);
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

static bool look(struct mail_append *a, const struct batch *b)
{
	uint64_t sizes[IMPORT_BATCH];

	for (size_t i = 0; i < b->n; i++)
		sizes[i] = b->letters[i].text_len;
	return mail_there_look(a->there, sizes, b->n);
}

/* Send what gathered, then wait for what went before. */
static bool turn(struct mail_append *a)
{
	struct batch *b = &a->batches[a->filling], *other = &a->batches[1 - a->filling];
	bool ok = true;

	/* A comparison is a command too, and its answers come in order; so does one more
	 * large message than the server has room for. */
	if (mail_there_any(a->there) || buffer_bytes(&b->bytes).len > 2 * IMPORT_BATCH_BYTES)
		ok = finish(a, other);
	ok = ok && look(a, b);
	for (size_t i = 0; i < b->n && ok; i++) {
		struct letter *letter = &b->letters[i];

		letter->present = mail_there_claim(a->there, text_of(b, letter));
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
	    imap_name_same(listed.name, a->name))
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
	mail_there_destroy(a->there);
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
	    (a->there = mail_there_create(a->s)) == NULL) {
		destroy(a);
		return NULL;
	}
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
