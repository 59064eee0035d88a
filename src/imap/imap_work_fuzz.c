/* imap/imap_work_fuzz.c - any bytes as a message, and a FETCH or SEARCH of it. The first octet
 * says which, and whether its text is there; the first line behind it is what is asked for.
 *
 * For: imap/work.c imap/digest.c imap/fetch_write.c imap/search_match.c imap/search_prepare.c
 *
 * Holds: an answer is of the grammar, with each item that was asked for; literals are pieces of
 * the message where they must be; header and text are all of it; the header looked for alone is
 * that of the message taken apart; a search comes to an answer, and its NOT to the other; what is
 * answered of a digest is what is answered of the message. */
#include "fuzz.h"

#include "imap/grammar_test.h"
#include "imap/work_test.h"
#include "mail/mime.h"

static bool take_literal(slice *in)
{
	slice number;
	uint64_t len;
	bool binary = take(in, "~");

	if (take(in, "NIL"))
		return !binary;
	if (!take(in, "{"))
		return false;
	number = slice_cut(in, '}');
	if (!take(in, "\r\n") || !slice_to_u64(number, in->len, &len))
		return false;
	check((slice_find_byte(slice_head(*in, len), 0) < len) == binary);
	*in = slice_drop(*in, len);
	return true;
}

static bool take_flags(slice *in)
{
	*in = slice_drop(*in, slice_find_byte(*in, ')'));
	return take(in, ")");
}

static bool take_value(slice *in, enum imap_fetch_kind kind)
{
	slice text;

	switch (kind) {
	case IMAP_FETCH_BODY:
	case IMAP_FETCH_BODYSTRUCTURE:
		return take_body(in, kind == IMAP_FETCH_BODYSTRUCTURE);
	case IMAP_FETCH_ENVELOPE:
		return take_envelope(in);
	case IMAP_FETCH_EMAILID:
	case IMAP_FETCH_FLAGS:
	case IMAP_FETCH_MODSEQ:
		return take(in, "(") && take_flags(in);
	case IMAP_FETCH_INTERNALDATE:
	case IMAP_FETCH_PREVIEW:
	case IMAP_FETCH_SAVEDATE:
		return take_string(in, &text);
	case IMAP_FETCH_THREADID:
		return take(in, "NIL");
	case IMAP_FETCH_RFC822_SIZE:
	case IMAP_FETCH_UID:
	case IMAP_FETCH_BINARY_SIZE:
		return take_number(in);
	default:
		return take_literal(in);
	}
}

/* Each item stands where it was asked for; *ret: how many do. */
static bool take_answer(slice *in, const struct imap_fetch *f, struct heap *heap)
{
	bool first = true;

	if (in->len == 0)
		return true;
	if (!take(in, "* 3 FETCH ("))
		return false;
	for (size_t i = 0; i < f->n; i++) {
		struct buffer name = buffer_init(heap, SIZE_MAX / 2);
		struct imap_writer w = { .out = &name };
		slice at = *in;

		imap_put_item(&w, &f->items[i]);
		imap_put(&w, slice_lit(" "));
		if (!first && !take(&at, " "))
			continue;
		if (!slice_starts(at, buffer_bytes(&name)))
			continue;       /* left out */
		at = slice_drop(at, buffer_bytes(&name).len);
		if (!take_value(&at, f->items[i].kind))
			return false;
		*in = at;
		first = false;
		buffer_free(&name);
	}
	return !first && take(in, ")\r\n");
}

/* Answer again, of what the work before remembered. False: that was too little. */
static bool again(struct imap_work *w, slice record)
{
	struct imap_digest digest;
	bool all;

	check(imap_digest_read(record, &digest));
	all = (w->digest_parts & ~digest.has) == 0 && w->digest_parts != 0;
	check(imap_work_digest(w, 0, &digest) == all);
	return all;
}

/* Any bytes as a record. */
static void look_record(slice record)
{
	struct imap_digest digest;

	if (imap_digest_read(record, &digest))
		check(digest.header.len + digest.envelope.len + digest.structure.len +
		    IMAP_DIGEST_LENGTHS == record.len);
}

static void look_fetch(struct imap_parse *p, slice message, enum imap_text_result result,
    struct heap *heap)
{
	struct imap_work_item item = work_item(message);
	struct imap_fetch f;
	struct imap_work *w, *other;
	slice answer;

	if (!imap_take_fetch(p, &f) || f.changed_since)
		return;
	w = imap_work_fetch(&f, 1);
	work_keywords(w);
	imap_work_add(w, &item, NULL);
	w->remembers = true;
	imap_work_message(w, 0, result, message);
	other = imap_work_fetch(&f, 1);
	work_keywords(other);
	imap_work_add(other, &item, NULL);
	if (buffer_bytes(&w->digest).len > 0 && again(other, buffer_bytes(&w->digest)))
		check(slice_equal(buffer_bytes(&other->out), buffer_bytes(&w->out)));
	imap_work_free(other);
	answer = buffer_bytes(&w->out);
	check(w->items[0].result == result || w->items[0].result == IMAP_TEXT_LIMIT);
	check(answer.len <= IMAP_ANSWER_TIMES * message.len + IMAP_ANSWER_MORE);
	check(take_answer(&answer, &f, heap) && answer.len == 0);
	imap_work_free(w);
}

/* The answer of a search, with or without NOT around it. */
static bool hits(struct imap_search *s, const struct imap_work_item *item, slice message)
{
	static struct imap_key_state states[IMAP_SEARCH_KEYS_MAX];
	enum imap_answer answer = imap_search_judge(s, item, states);
	struct imap_work *w, *other;
	bool hit;

	if (answer != IMAP_UNKNOWN)
		return answer == IMAP_YES;
	w = imap_work_search(s, 1);
	imap_work_add(w, item, states);
	w->remembers = true;
	imap_work_message(w, 0, IMAP_TEXT_OK, message);
	hit = w->items[0].hit;
	other = imap_work_search(s, 1);
	imap_work_add(other, item, states);
	if (buffer_bytes(&w->digest).len > 0 && again(other, buffer_bytes(&w->digest)))
		check(other->items[0].hit == hit);
	imap_work_free(other);
	check(w->states[0].answer != IMAP_UNKNOWN);
	imap_work_free(w);
	return hit;
}

static void look_search(slice keys, slice message, struct heap *heap)
{
	static const struct imap_host host = { .keyword_bit = work_keyword_bit };
	struct imap_search_facts facts = { &host, heap, 5, 9, NULL, 900000000 };
	struct imap_work_item item = work_item(message);
	struct buffer text = buffer_init(heap, SIZE_MAX / 2);
	bool hit[2];

	for (int i = 0; i < 2; i++) {
		struct arena arena = arena_init(heap, IMAP_PARSE_ARENA_MAX),
		    more = arena_init(heap, IMAP_SEARCH_ARENA_MAX);
		struct imap_search s;
		struct imap_parse p;

		buffer_printf(&text, "NOT (%.*s)", slice_arg(keys));
		p = imap_parse_begin(i == 0 ? keys : buffer_bytes(&text), &arena);
		if (!imap_take_search(&p, &s) || !imap_take_end(&p) ||
		    imap_search_prepare(&s, &facts, &more) != IMAP_SEARCH_READY)
			return;
		hit[i] = hits(&s, &item, message);
	}
	check(hit[0] != hit[1]);
}

static void look_header(slice message, struct heap *heap)
{
	struct arena arena = arena_init(heap, MIME_ARENA_MAX);
	struct mime m = mime_parse(message, &arena);
	slice header = mime_header(message);

	check(header.len == m.parts[0].header.len);
	check(m.parts[0].body.len == message.len - header.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct heap *heap = heap_create(512 << 20);
	struct arena arena = arena_init(heap, IMAP_PARSE_ARENA_MAX);
	slice message = slice_of(data, size), asked;
	struct imap_parse p;
	unsigned how;

	if (size > 0) {
		how = data[0];
		message = slice_drop(message, 1);
		asked = slice_cut(&message, '\n');
		look_header(message, heap);
		look_record(message);
		p = imap_parse_begin(asked, &arena);
		if (how % 2 == 0)
			look_fetch(&p, message, how % 16 == 2 ? IMAP_TEXT_GONE : IMAP_TEXT_OK, heap);
		else if (slice_find_byte(asked, 0) == asked.len)
			look_search(asked, message, heap);
	}
	heap_drop(heap);
	return 0;
}
