/* api/summary.c - made of a message; packed: numbers, what a search asks, what is shown.
 *
 *   0 format u32, 4 read u32, 8 received u64, 16 size u64, 24 attachments u32, 28 inline u32
 *   folded texts: from to cc bcc reply-to subject message-id; u16 tags, each
 *   texts: id mailbox login message-id subject snippet, from's name and address;
 *   u16 and pairs of texts: to cc bcc reply-to; u16 tags, each
 *
 * Numbers are little-endian, a text is its length as u16 and its bytes. */
#include "api/summary.h"

#include <assert.h>
#include <string.h>

#include "base/bytes.h"
#include "base/check.h"
#include "base/limits.h"
#include "mail/html_text.h"
#include "search/fold.h"

static_assert((size_t)API_PACKED_MAX <= IPC_PACKET_MAX && API_PACKED_MAX / 2 <= UINT16_MAX,
    "a summary goes in one message, a text's length in 16 bits");

enum { FORMAT = 0x31504153, AT_READ = 4, AT_RECEIVED = 8, AT_SIZE = 16, HEAD = 32 };

/* ---- made ---- */

static size_t text_of(const struct api_addresses *a)
{
	size_t n = 0;

	for (size_t i = 0; i < a->n; i++)
		n += a->list[i].name.len + a->list[i].address.len;
	return n;
}

static void make_addresses(const struct api_mail *mail, const struct api_facts *facts,
    struct arena *arena, struct api_summary *s)
{
	size_t left = API_SUMMARY_TEXT_MAX;

	s->from = api_mail_from(mail, arena);
	s->to = api_mail_addresses(mail, "to", left, arena);
	left -= text_of(&s->to);
	s->cc = api_mail_addresses(mail, "cc", left, arena);
	left -= text_of(&s->cc);
	s->bcc = api_mail_bcc(mail, facts, left, arena);
	left -= text_of(&s->bcc);
	s->reply_to = api_mail_addresses(mail, "reply-to", left, arena);
}

static slice make_snippet(const struct api_mail *mail, struct arena *arena)
{
	struct buffer out = buffer_init(arena->heap, SNIPPET_MAX + 3);
	slice snippet;

	mime_snippet(&mail->mime, mail->uses, mail->charsets, &out);
	snippet = slice_copy(arena, buffer_bytes(&out));
	buffer_free(&out);
	return snippet;
}

void api_summary_make(const struct api_mail *mail, const struct api_facts *facts,
    struct arena *arena, struct api_summary *ret)
{
	*ret = (struct api_summary){
		.id = facts->id, .mailbox = facts->mailbox, .login = facts->login,
		.received_us = facts->received_us, .size = facts->size, .read = facts->read,
	};
	make_addresses(mail, facts, arena, ret);
	ret->message_id = api_mail_id(mail, "message-id", arena);
	ret->subject = api_mail_field(mail, "subject", API_SUBJECT_MAX, arena);
	ret->snippet = make_snippet(mail, arena);
	ret->tags = api_tags_received(mail, facts, arena);
	for (size_t i = 0; i < mail->mime.n; i++) {
		ret->n_attachments += (mail->uses[i] & MIME_USE_ATTACHMENT) != 0;
		ret->n_inline += (mail->uses[i] & MIME_USE_INLINE) != 0;
	}
}

/* ---- words ---- */

static void add_words(slice text, struct buffer *out)
{
	size_t before = buffer_bytes(out).len;

	if (before > 0 && !buffer_append(out, slice_lit(" ")))
		return;
	(void)!fold_words(text, out);
	if (before > 0 && buffer_bytes(out).len == before + 1)
		buffer_truncate(out, before);
}

static void add_addresses(const struct api_addresses *a, struct buffer *out)
{
	for (size_t i = 0; i < a->n; i++) {
		add_words(a->list[i].name, out);
		add_words(a->list[i].address, out);
	}
}

static void add_names(const struct api_mail *mail, struct buffer *out)
{
	for (size_t i = 0; i < mail->mime.n && buffer_room(out) > 0; i++) {
		struct arena scratch = arena_init(out->heap, API_PART_ARENA_MAX);

		if (mail->uses[i] & (MIME_USE_ATTACHMENT | MIME_USE_INLINE | MIME_USE_OTHER))
			add_words(mime_filename(&mail->mime.parts[i], mail->charsets, &scratch), out);
		arena_reset(&scratch);
	}
}

static void add_body(const struct api_mail *mail, struct buffer *out)
{
	struct buffer body = buffer_init(out->heap, API_TEXT_MAX);
	struct buffer text = buffer_init(out->heap, API_TEXT_MAX);

	if (mime_html(&mail->mime, mail->uses, mail->charsets, &body))
		html_text(buffer_bytes(&body), HTML_TEXT_LINES, &text);
	else
		mime_text(&mail->mime, mail->uses, mail->charsets, &text);
	add_words(buffer_bytes(&text), out);
	buffer_free(&body);
	buffer_free(&text);
}

void api_words(const struct api_mail *mail, const struct api_summary *s, struct buffer *out)
{
	struct arena scratch = arena_init(out->heap, API_SUMMARY_ARENA_MAX);

	add_words(s->from.name, out);
	add_words(s->from.address, out);
	add_words(api_mail_field(mail, "subject", HEADER_TEXT_MAX, &scratch), out);
	add_addresses(&s->to, out);
	add_addresses(&s->cc, out);
	add_addresses(&s->bcc, out);
	add_addresses(&s->reply_to, out);
	add_words(api_mail_id(mail, "return-path", &scratch), out);
	add_names(mail, out);
	add_body(mail, out);
	arena_reset(&scratch);
}

/* ---- packed ---- */

static slice bounded(slice text)
{
	return text.len > API_FIELD_MAX ? slice_head(text, API_FIELD_MAX) : text;
}

static void put_text(struct buffer *out, slice text)
{
	put_u16(out, (uint16_t)text.len);
	buffer_add(out, text);
}

/* Texts with a blank between them, folded, as one; empty ones are passed over. */
static void put_folded(struct buffer *out, const slice *texts, size_t n)
{
	struct buffer folded = buffer_init(out->heap, API_PACKED_MAX / 2);
	bool fits = true;

	for (size_t i = 0; i < n; i++) {
		if (texts[i].len == 0)
			continue;
		if (buffer_bytes(&folded).len > 0)
			fits = fits && buffer_append(&folded, slice_lit(" "));
		fits = fits && fold_text(texts[i], &folded);
	}
	check(fits);
	put_text(out, buffer_bytes(&folded));
	buffer_free(&folded);
}

static void put_folded_addresses(struct buffer *out, const struct api_addresses *a)
{
	static_assert(sizeof(struct api_address) == 2 * sizeof(slice), "a name, an address");

	put_folded(out, a->n > 0 ? &a->list[0].name : NULL, 2 * a->n);
}

static void put_addresses(struct buffer *out, const struct api_addresses *a)
{
	put_u16(out, (uint16_t)a->n);
	for (size_t i = 0; i < a->n; i++) {
		put_text(out, a->list[i].name);
		put_text(out, a->list[i].address);
	}
}

static void pack_search(const struct api_summary *s, struct buffer *out)
{
	const struct api_addresses from = { 1, (struct api_address *)(uintptr_t)&s->from };

	put_folded_addresses(out, &from);
	put_folded_addresses(out, &s->to);
	put_folded_addresses(out, &s->cc);
	put_folded_addresses(out, &s->bcc);
	put_folded_addresses(out, &s->reply_to);
	put_folded(out, &s->subject, 1);
	put_folded(out, &s->message_id, 1);
	put_u16(out, (uint16_t)s->tags.n);
	for (size_t i = 0; i < s->tags.n; i++)
		put_folded(out, &s->tags.names[i], 1);
}

static void pack_shown(const struct api_summary *s, struct buffer *out)
{
	put_text(out, bounded(s->id));
	put_text(out, bounded(s->mailbox));
	put_text(out, bounded(s->login));
	put_text(out, s->message_id);
	put_text(out, s->subject);
	put_text(out, s->snippet);
	put_text(out, s->from.name);
	put_text(out, s->from.address);
	put_addresses(out, &s->to);
	put_addresses(out, &s->cc);
	put_addresses(out, &s->bcc);
	put_addresses(out, &s->reply_to);
	put_u16(out, (uint16_t)s->tags.n);
	for (size_t i = 0; i < s->tags.n; i++)
		put_text(out, s->tags.names[i]);
}

bool api_summary_pack(const struct api_summary *summary, struct buffer *out)
{
	struct buffer packed = buffer_init(out->heap, API_PACKED_MAX);
	bool fits;

	check(summary->tags.n <= API_TAGS_MAX);
	put_u32(&packed, FORMAT);
	put_u32(&packed, summary->read);
	put_u64(&packed, (uint64_t)summary->received_us);
	put_u64(&packed, summary->size);
	put_u32(&packed, summary->n_attachments);
	put_u32(&packed, summary->n_inline);
	pack_search(summary, &packed);
	pack_shown(summary, &packed);
	fits = buffer_append(out, buffer_bytes(&packed));
	buffer_free(&packed);
	return fits;
}

/* ---- unpacked ---- */

static slice get_text(struct bytes *in)
{
	return get_raw(in, get_u16(in));
}

static bool get_head(struct bytes *in, struct api_summary *s)
{
	uint32_t format = get_u32(in);

	s->read = get_u32(in) != 0;
	s->received_us = (int64_t)get_u64(in);
	s->size = get_u64(in);
	s->n_attachments = get_u32(in);
	s->n_inline = get_u32(in);
	return bytes_ok(in) && format == FORMAT;
}

static size_t get_tags(struct bytes *in, slice tags[API_TAGS_MAX])
{
	size_t n = get_u16(in);

	if (n > API_TAGS_MAX)
		in->failed = true;
	for (size_t i = 0; i < n && !in->failed; i++)
		tags[i] = get_text(in);
	return n;
}

static bool get_search(struct bytes *in, slice tags[API_TAGS_MAX], struct search_message *m)
{
	m->from = get_text(in);
	m->to = get_text(in);
	m->cc = get_text(in);
	m->bcc = get_text(in);
	m->reply_to = get_text(in);
	m->subject = get_text(in);
	m->message_id = get_text(in);
	m->n_tags = get_tags(in, tags);
	m->tags = tags;
	return bytes_ok(in);
}

bool api_summary_search(slice packed, slice tags[API_TAGS_MAX], struct search_message *ret)
{
	struct bytes in = bytes_init(packed);
	struct search_message m = { 0 };
	struct api_summary head;

	if (!get_head(&in, &head) || !get_search(&in, tags, &m))
		return false;
	m.read = head.read;
	m.received_us = head.received_us;
	m.size = head.size;
	m.n_attachments = head.n_attachments;
	m.n_inline = head.n_inline;
	*ret = m;
	return true;
}

static struct api_addresses get_addresses(struct bytes *in, struct arena *arena)
{
	struct api_addresses a = { .n = get_u16(in) };

	/* Each is four bytes at least: no number promises more than there is. */
	if (a.n > MAILBOX_LIST_MAX || a.n > in->rest.len / 4)
		in->failed = true;
	if (in->failed)
		return (struct api_addresses){ 0 };
	a.list = arena_new(arena, struct api_address, a.n);
	for (size_t i = 0; i < a.n; i++) {
		a.list[i].name = get_text(in);
		a.list[i].address = get_text(in);
	}
	return a;
}

bool api_summary_unpack(slice packed, struct arena *arena, struct api_summary *ret)
{
	struct bytes in = bytes_init(packed);
	slice *tags = arena_new(arena, slice, API_TAGS_MAX);
	struct search_message skipped;
	struct api_summary s = { 0 };

	if (!get_head(&in, &s) || !get_search(&in, tags, &skipped))
		return false;
	s.id = get_text(&in);
	s.mailbox = get_text(&in);
	s.login = get_text(&in);
	s.message_id = get_text(&in);
	s.subject = get_text(&in);
	s.snippet = get_text(&in);
	s.from.name = get_text(&in);
	s.from.address = get_text(&in);
	s.to = get_addresses(&in, arena);
	s.cc = get_addresses(&in, arena);
	s.bcc = get_addresses(&in, arena);
	s.reply_to = get_addresses(&in, arena);
	s.tags.names = tags;
	s.tags.n = get_tags(&in, tags);
	if (!bytes_end(&in))
		return false;
	*ret = s;
	return true;
}

/* ---- in place ---- */

void api_packed_set_read(unsigned char *packed, bool read)
{
	store_u32(packed + AT_READ, read);
}

bool api_packed_read(slice packed)
{
	check(packed.len >= HEAD);
	return load_u32(packed.ptr + AT_READ) != 0;
}

int64_t api_packed_received_us(slice packed)
{
	check(packed.len >= HEAD);
	return (int64_t)load_u64(packed.ptr + AT_RECEIVED);
}

uint64_t api_packed_size(slice packed)
{
	check(packed.len >= HEAD);
	return load_u64(packed.ptr + AT_SIZE);
}
