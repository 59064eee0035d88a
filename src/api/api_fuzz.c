/* api/api_fuzz.c - any bytes as a message, and all that the API says of it; and as the body
 * of a request. The first octet says how much room there is for the words, and which
 * recipients it has.
 *
 * For: api/mail.c api/tags.c api/summary.c api/json.c api/list.c api/message.c
 * api/message_part.c api/message_view.c api/unsubscribe.c api/posthouse.c api/events.c
 * api/json_read.c api/bodies.c api/send.c api/send_write.c
 *
 * Holds: each answer is one JSON value, read by jansson, within its bound, and comes again
 * the same from the same bytes; what is packed is within its bound, and unpacks to the same
 * JSON; a search finds each message by its own folded texts; words are folded, and UTF-8,
 * and fewer room has their beginning; each part that is listed can be had, is as large as
 * it says, and its type and disposition are printable ASCII; a message that /send makes has
 * those recipients, and no defect. */
#include "fuzz.h"

#include <jansson.h>

#include "api/bodies.h"
#include "api/events.h"
#include "api/list.h"
#include "api/message.h"
#include "api/posthouse.h"
#include "api/send.h"
#include "api/summary.h"
#include "base/limits.h"
#include "mail/utf8.h"
#include "search/fold.h"

struct look {
	struct heap *heap;
	struct charsets *charsets;
	struct api_facts facts;
	uint8_t choice;
};

/* One value with nothing behind it; free with json_decref(). */
static json_t *read_json(const struct buffer *out, bool line)
{
	slice text = buffer_bytes(out);
	json_t *root;

	check(utf8_valid(text));
	check(slice_ends(text, slice_lit("\n")) == line);
	root = json_loadb((const char *)text.ptr, text.len, JSON_ALLOW_NUL, NULL);
	check(json_is_object(root));
	return root;
}

static slice summary_text(const struct look *l, const struct api_summary *s, struct arena *arena)
{
	struct buffer out = buffer_init(l->heap, API_SUMMARY_JSON_MAX);
	struct api_json j = api_json_begin(&out);
	slice text;

	api_summary_json(&j, NULL, s);
	check(api_json_end(&j, false));
	json_decref(read_json(&out, false));
	text = slice_copy(arena, buffer_bytes(&out));
	buffer_free(&out);
	return text;
}

static void check_search(const struct look *l, const struct api_summary *s, slice packed)
{
	slice tags[API_TAGS_MAX];
	struct search_message m;

	check(api_summary_search(packed, tags, &m));
	check(m.n_tags == s->tags.n && m.size == s->size && m.received_us == s->received_us);
	check(m.n_attachments == s->n_attachments && m.n_inline == s->n_inline);
	for (size_t i = 0; i < s->to.n; i++) {
		struct buffer folded = buffer_init(l->heap, API_PACKED_MAX);

		check(fold_text(s->to.list[i].address, &folded));
		check(slice_find(m.to, buffer_bytes(&folded)) < m.to.len || buffer_bytes(&folded).len == 0);
		buffer_free(&folded);
	}
}

static void check_words(const struct look *l, const struct api_mail *mail,
    const struct api_summary *s)
{
	struct buffer all = buffer_init(l->heap, API_WORDS_MAX);
	struct buffer less = buffer_init(l->heap, (size_t)l->choice * 8);
	struct buffer again = buffer_init(l->heap, 2 * API_WORDS_MAX);

	api_words(mail, s, &all);
	api_words(mail, s, &less);
	check(utf8_valid(buffer_bytes(&all)) && utf8_valid(buffer_bytes(&less)));
	check(fold_text(buffer_bytes(&all), &again));
	check(slice_equal(buffer_bytes(&again), buffer_bytes(&all)));
	buffer_free(&all);
	buffer_free(&less);
	buffer_free(&again);
}

static void check_summary(const struct look *l, const struct api_mail *mail)
{
	struct arena arena = arena_init(l->heap, 2 * API_SUMMARY_ARENA_MAX);
	struct buffer packed = buffer_init(l->heap, API_PACKED_MAX), event = buffer_init(l->heap, API_EVENT_MAX);
	struct api_summary s, again;
	slice text;

	api_summary_make(mail, &l->facts, &arena, &s);
	text = summary_text(l, &s, &arena);
	check_words(l, mail, &s);
	check(api_summary_pack(&s, &packed));
	check(api_summary_unpack(buffer_bytes(&packed), &arena, &again));
	check(slice_equal(text, summary_text(l, &again, &arena)));
	check_search(l, &s, buffer_bytes(&packed));
	check(api_event_new(&s, &event));
	json_decref(read_json(&event, false));
	buffer_free(&packed);
	buffer_free(&event);
	arena_reset(&arena);
}

static void check_part(const struct api_mail *mail, const json_t *listed)
{
	slice id = slice_from(json_string_value(json_object_get(listed, "PartID")));
	struct arena arena = arena_init(mail->heap, API_PART_ARENA_MAX);
	struct buffer content;
	struct api_part part;

	check(api_part_find(mail, id, &arena, &part));
	check((json_int_t)part.size == json_integer_value(json_object_get(listed, "Size")));
	content = buffer_init(mail->heap, part.size);
	check(api_part_content(&part, &content) && buffer_bytes(&content).len == part.size);
	buffer_free(&content);
	for (size_t i = 0; i < part.type.len; i++)
		check(part.type.ptr[i] > ' ' && part.type.ptr[i] < 127 && part.type.ptr[i] != ';');
	for (size_t i = 0; i < part.disposition.len; i++)
		check(part.disposition.ptr[i] >= ' ' && part.disposition.ptr[i] < 127);
	check(part.disposition.len <= HTTP_FIELD_MAX && part.type.len > 0);
	check(slice_equal(part.type,
	    slice_from(json_string_value(json_object_get(listed, "ContentType")))));
	arena_reset(&arena);
}

static void check_message(const struct look *l, const struct api_mail *mail)
{
	static const char *const lists[] = { "Attachments", "Inline" };
	struct buffer out = buffer_init(l->heap, API_MESSAGE_JSON_MAX);
	struct arena arena = arena_init(l->heap, API_SUMMARY_ARENA_MAX);
	struct api_tags tags = api_tags_received(mail, &l->facts, &arena);
	json_t *root, *part;
	size_t at;

	check(api_message_json(mail, &l->facts, &tags, &out));
	root = read_json(&out, true);
	for (size_t i = 0; i < 2; i++) {
		check(json_array_size(json_object_get(root, lists[i])) <= API_PARTS_MAX);
		json_array_foreach(json_object_get(root, lists[i]), at, part) {
			if (at < 20)
				check_part(mail, part);
		}
	}
	json_decref(root);
	buffer_free(&out);
	arena_reset(&arena);
}

static void check_others(const struct look *l, const struct api_mail *mail)
{
	struct buffer out = buffer_init(l->heap, API_MESSAGE_JSON_MAX);
	const struct api_view view = { .webroot = slice_lit("/"), .id = slice_lit("1"),
		.embed = l->choice & 1, .nonce = slice_lit("n") };

	check(api_headers_json(mail, &out));
	json_decref(read_json(&out, true));
	buffer_free(&out);
	check(api_mail_lint_json(mail, &l->facts, 1795361400, &out));
	json_decref(read_json(&out, true));
	buffer_free(&out);
	check(api_envelope_json(&l->facts, &out));
	json_decref(read_json(&out, true));
	buffer_free(&out);
	check(api_parts_json(mail, l->facts.id, &out));
	json_decref(read_json(&out, true));
	buffer_free(&out);
	(void)api_view_html(mail, &view, &out);
	check(utf8_valid(buffer_bytes(&out)));
	buffer_free(&out);
}

/* ---- as the body of a request ---- */

static void check_sent(const struct look *l, const struct api_send *sent, slice message)
{
	struct arena arena = arena_init(l->heap, API_MAIL_ARENA_MAX);
	struct arena more = arena_init(l->heap, API_SUMMARY_ARENA_MAX);
	const struct api_facts facts = { .recipients = sent->recipients, .n_recipients = sent->n_recipients };
	struct api_mail mail = api_mail_read(message, l->charsets, &arena);
	struct api_addresses from = api_mail_addresses(&mail, "from", SIZE_MAX, &more);
	struct api_addresses bcc = api_mail_bcc(&mail, &facts, SIZE_MAX, &more);

	check(sent->n_recipients > 0 && sent->n_recipients <= API_SEND_RECIPIENTS_MAX);
	check(from.n == 1 && slice_equal(from.list[0].address, sent->sender));
	check(bcc.n <= sent->n_recipients);
	for (size_t i = 0; i < mail.mime.n; i++)
		check((mail.mime.parts[i].defects & ~(uint32_t)(MIME_UTF8_HEADER | MIME_TWICE)) == 0);
	arena_reset(&arena);
	arena_reset(&more);
}

static void check_bodies(const struct look *l, slice body)
{
	const struct api_send_facts facts = { .wall_us = 1795328154749000, .unique = slice_lit("u1"),
		.hostname = slice_lit("h.example") };
	struct arena arena = arena_init(l->heap, API_BODY_ARENA_MAX);
	struct buffer out = buffer_init(l->heap, (size_t)l->choice * 64), answer = buffer_init(l->heap, 8192);
	struct api_fault fault = { 0 };
	struct api_read_body read;
	struct api_texts ids, tags;
	struct api_send sent;
	slice name;

	(void)!api_read_body(body, &arena, &read, &fault);
	(void)!api_ids_body(body, &arena, &ids, &fault);
	(void)!api_tags_body(body, &arena, &ids, &tags, &fault);
	(void)!api_name_body(body, &arena, &name, &fault);
	if (api_send_read(body, &facts, &arena, &out, &sent, &fault)) {
		check_sent(l, &sent, buffer_bytes(&out));
	} else {
		check(buffer_bytes(&out).len == 0 && (fault.status == 400 || fault.status == 413));
		check(api_fault_json(&fault, &answer));
		json_decref(read_json(&answer, true));
	}
	buffer_free(&out);
	buffer_free(&answer);
	arena_reset(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const slice recipients[] = { { (const unsigned char *)"a+x@b.example", 13 },
		{ (const unsigned char *)"\xFF<@c", 4 } };
	struct look l = { 0 };
	struct arena arena;
	struct api_mail mail;
	slice in;

	if (len == 0)
		return 0;
	l.heap = heap_create(SIZE_MAX);
	l.charsets = charsets_create(l.heap);
	l.choice = data[0];
	l.facts = (struct api_facts){ .id = slice_lit("1"), .sender = slice_lit("s@x"), .size = len,
		.recipients = recipients, .n_recipients = data[0] % 3, .received_us = 1795328154749000,
		.departures = data[0] };
	arena = arena_init(l.heap, API_MAIL_ARENA_MAX);
	in = fuzz_copy(slice_of(data + 1, len - 1));
	mail = api_mail_read(in, l.charsets, &arena);
	check_summary(&l, &mail);
	check_message(&l, &mail);
	check_others(&l, &mail);
	check_bodies(&l, in);
	fuzz_free(in);
	heap_drop(l.heap);
	return 0;
}
