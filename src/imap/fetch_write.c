/* imap/fetch_write.c - "* 2 FETCH (...)": the answer to a FETCH about one message.
 *
 * What is of the message is a piece of its text wherever it can be, copied once. It is
 * always a literal: clients know of nothing else. */
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "imap/describe.h"
#include "imap/time.h"
#include "imap/work_impl.h"
#include "mail/mime_view.h"

/* ---- what it takes ---- */

/* Of an item that is no more than what is told of a header. */
static bool is_of_header(const struct imap_fetch_item *item)
{
	if (item->kind == IMAP_FETCH_SECTION)
		return item->section.part.len == 0 && item->section.kind != IMAP_SECTION_ALL &&
		    item->section.kind != IMAP_SECTION_TEXT;
	return item->kind == IMAP_FETCH_ENVELOPE || item->kind == IMAP_FETCH_RFC822_HEADER;
}

static bool is_of_text(const struct imap_fetch_item *item)
{
	switch (item->kind) {
	case IMAP_FETCH_EMAILID:
	case IMAP_FETCH_FLAGS:
	case IMAP_FETCH_INTERNALDATE:
	case IMAP_FETCH_MODSEQ:
	case IMAP_FETCH_RFC822_SIZE:
	case IMAP_FETCH_SAVEDATE:
	case IMAP_FETCH_THREADID:
	case IMAP_FETCH_UID:
		return false;
	default:
		return true;
	}
}

bool imap_fetch_needs(const struct imap_fetch *fetch, enum imap_work_need *ret)
{
	bool needs = false;

	*ret = IMAP_NEED_HEADER;
	for (size_t i = 0; i < fetch->n; i++) {
		if (!is_of_text(&fetch->items[i]))
			continue;
		needs = true;
		if (!is_of_header(&fetch->items[i]))
			*ret = IMAP_NEED_ALL;
	}
	return needs;
}

/* What of a digest an item is told from; 0: none will do. */
static unsigned part_of(const struct imap_fetch_item *item)
{
	if (item->kind == IMAP_FETCH_ENVELOPE)
		return IMAP_DIGEST_ENVELOPE;
	if (item->kind == IMAP_FETCH_BODYSTRUCTURE)
		return IMAP_DIGEST_STRUCTURE;
	return is_of_header(item) ? IMAP_DIGEST_HEADER : 0;
}

unsigned imap_fetch_parts(const struct imap_fetch *fetch)
{
	unsigned parts = 0;

	for (size_t i = 0; i < fetch->n; i++) {
		if (!is_of_text(&fetch->items[i]))
			continue;
		if (part_of(&fetch->items[i]) == 0)
			return 0;
		parts |= part_of(&fetch->items[i]);
	}
	return parts;
}

/* ---- an answer ---- */

struct teller {
	struct imap_writer *out;
	const struct imap_work *w;
	const struct imap_work_item *item;
	bool open;                      /* "* n FETCH (" was written */
	bool uid, flags, modseq;        /* was told */
};

static void begin(struct teller *t)
{
	if (t->open) {
		imap_put(t->out, slice_lit(" "));
		return;
	}
	t->open = true;
	imap_put(t->out, slice_lit("* "));
	imap_put_number(t->out, t->item->sequence);
	imap_put(t->out, slice_lit(" FETCH ("));
}

static void put_named(struct teller *t, const char *name)
{
	begin(t);
	imap_put(t->out, slice_from(name));
}

static void put_numbered(struct teller *t, const char *name, uint64_t number)
{
	put_named(t, name);
	imap_put_number(t->out, number);
}

/* date-time, in quotes. */
static void put_time(struct teller *t, const char *name, int64_t seconds)
{
	char text[IMAP_TIME_TEXT];

	imap_time_print(seconds, text);
	put_named(t, name);
	imap_put(t->out, slice_lit("\""));
	imap_put(t->out, slice_from(text));
	imap_put(t->out, slice_lit("\""));
}

static int64_t received_s(const struct imap_message *m)
{
	int64_t s = m->received_us / 1000000;

	return m->received_us % 1000000 < 0 ? s - 1 : s;
}

static void put_flags(struct teller *t)
{
	static const char *const names[IMAP_KEYWORD_BIT] = { "\\Answered", "\\Flagged", "\\Deleted",
		"\\Seen", "\\Draft" };
	uint64_t left = t->item->message.flags & (((uint64_t)1 << IMAP_FLAG_BITS) - 1);
	const char *between = "";

	put_named(t, "FLAGS (");
	if (t->item->recent) {
		imap_put(t->out, slice_lit("\\Recent"));
		between = " ";
	}
	for (; left != 0; left &= left - 1) {
		unsigned bit = (unsigned)__builtin_ctzll(left);
		slice name = { 0 };

		if (bit < IMAP_KEYWORD_BIT)
			name = slice_from(names[bit]);
		else if (t->w->keywords != NULL)
			name = t->w->keywords[bit];
		if (name.len == 0)
			continue;
		imap_put(t->out, slice_from(between));
		imap_put(t->out, name);
		between = " ";
	}
	imap_put(t->out, slice_lit(")"));
	t->flags = true;
}

static void put_modseq(struct teller *t)
{
	put_numbered(t, "MODSEQ (", t->item->message.modseq);
	imap_put(t->out, slice_lit(")"));
	t->modseq = true;
}

static void put_uid(struct teller *t)
{
	if (!t->uid)
		put_numbered(t, "UID ", t->item->message.uid);
	t->uid = true;
}

size_t imap_email_id(const struct imap_message *message, char ret_text[IMAP_EMAIL_ID_TEXT])
{
	return (size_t)snprintf(ret_text, IMAP_EMAIL_ID_TEXT, "E%016llx%016llx",
	    (unsigned long long)message->email_high, (unsigned long long)message->email_low);
}

static void put_email_id(struct teller *t)
{
	char text[IMAP_EMAIL_ID_TEXT];
	size_t len = imap_email_id(&t->item->message, text);

	put_named(t, "EMAILID (");
	imap_put(t->out, slice_of(text, len));
	imap_put(t->out, slice_lit(")"));
}

static void put_plain(struct teller *t, const struct imap_fetch_item *item)
{
	const struct imap_message *m = &t->item->message;

	switch (item->kind) {
	case IMAP_FETCH_EMAILID:
		put_email_id(t);
		break;
	case IMAP_FETCH_FLAGS:
		put_flags(t);
		break;
	case IMAP_FETCH_INTERNALDATE:
		put_time(t, "INTERNALDATE ", received_s(m));
		break;
	case IMAP_FETCH_MODSEQ:
		put_modseq(t);
		break;
	case IMAP_FETCH_RFC822_SIZE:
		put_numbered(t, "RFC822.SIZE ", m->size);
		break;
	case IMAP_FETCH_SAVEDATE:
		if (m->saved_s == 0)
			put_named(t, "SAVEDATE NIL");
		else
			put_time(t, "SAVEDATE ", m->saved_s);
		break;
	case IMAP_FETCH_THREADID:
		put_named(t, "THREADID NIL");
		break;
	case IMAP_FETCH_UID:
		put_uid(t);
		break;
	default:
		break;
	}
}

/* What nobody asked for by its name, and the end; nothing at all if there was nothing. */
static void finish(struct teller *t)
{
	if (t->item->flags_too && !t->flags)
		put_flags(t);
	if (t->w->modseq && t->flags && !t->modseq)
		put_modseq(t);
	if (t->open)
		imap_put(t->out, slice_lit(")\r\n"));
}

static struct teller start(struct imap_writer *out, const struct imap_work *w,
    const struct imap_work_item *item)
{
	struct teller t = { .out = out, .w = w, .item = item };
	bool more = item->flags_too;

	/* UID alone, with all else left out, would be no answer. */
	for (size_t i = 0; i < w->fetch->n; i++)
		more = more || !is_of_text(&w->fetch->items[i]) || item->result == IMAP_TEXT_OK;
	if (w->uid && more)
		put_uid(&t);
	return t;
}

void imap_put_fetch(struct imap_writer *out, const struct imap_work *w,
    const struct imap_work_item *item)
{
	struct teller t = start(out, w, item);

	for (size_t i = 0; i < w->fetch->n; i++)
		put_plain(&t, &w->fetch->items[i]);
	finish(&t);
}

/* ---- sections ---- */

/* The scratch buffer, empty, with room for n. */
static unsigned char *scratch(struct imap_work *w, size_t n)
{
	buffer_truncate(&w->scratch, 0);
	return n > buffer_room(&w->scratch) ? NULL : buffer_reserve(&w->scratch, n);
}

static bool is_named(const struct imap_section *section, slice name)
{
	for (size_t i = 0; i < section->n; i++) {
		if (section->fields[i].len == name.len && slice_equal_ascii(section->fields[i], name))
			return true;
	}
	return false;
}

/* The fields as they stand, in their order, and a blank line (RFC 9051 s6.4.5.1). */
static slice take_fields(struct imap_work *w, slice header, const struct imap_section *section)
{
	bool wanted = section->kind == IMAP_SECTION_FIELDS;
	unsigned char *at = scratch(w, header.len + 4);
	struct header_field field;
	size_t n = 0;

	if (at == NULL)
		return (slice){ 0 };
	while (mime_field_next(&header, &field)) {
		if (is_named(section, field.name) != wanted)
			continue;
		memcpy(at + n, field.whole.ptr, field.whole.len);
		n += field.whole.len;
	}
	/* The header may have ended in the middle of a line. */
	if (n > 0 && at[n - 1] != '\n') {
		memcpy(at + n, "\r\n", 2);
		n += 2;
	}
	memcpy(at + n, "\r\n", 2);
	return slice_of(at, n + 2);
}

/* Of a message: its header, or what follows that; ptr NULL: a part that has none. */
static slice take_of_message(struct imap_look *r, const struct imap_section *section)
{
	slice header, body;

	if (section->part.len == 0) {
		header = imap_header(r);
		body = slice_drop(r->text, header.len);
	} else {
		const struct mime *m = imap_mime(r);
		long i = mime_find(m, section->part);

		if (i < 0 || m->parts[i].kind != MIME_MESSAGE)
			return (slice){ 0 };
		header = m->parts[i + 1].header;
		body = m->parts[i + 1].body;
	}
	if (section->kind == IMAP_SECTION_TEXT)
		return body;
	return section->kind == IMAP_SECTION_HEADER ? header : take_fields(r->w, header, section);
}

/* ptr NULL: there is none. */
static slice take_section(struct imap_look *r, const struct imap_section *section)
{
	const struct mime *m;
	long i;

	if (section->kind != IMAP_SECTION_ALL && section->kind != IMAP_SECTION_MIME)
		return take_of_message(r, section);
	if (section->part.len == 0)
		return r->text;
	m = imap_mime(r);
	i = mime_find(m, section->part);
	if (i < 0)
		return (slice){ 0 };
	return section->kind == IMAP_SECTION_MIME ? m->parts[i].header : m->parts[i].body;
}

/* BINARY: a part, its encoding undone; what is no leaf stays as it is, and so does a
 * message, which says itself how its parts are encoded. False: nobody knows how. */
static bool take_binary(struct imap_look *r, const struct imap_section *section, slice *ret)
{
	const struct mime_part *part;
	long i;

	*ret = r->text;
	if (section->part.len == 0)
		return true;
	i = mime_find(imap_mime(r), section->part);
	if (i < 0) {
		*ret = (slice){ 0 };
		return true;
	}
	part = &r->m.parts[i];
	*ret = part->body;
	if (part->kind != MIME_LEAF)
		return true;
	if (part->encoding == CONTENT_BASE64 || part->encoding == CONTENT_QUOTED_PRINTABLE) {
		*ret = (slice){ 0 };
		buffer_truncate(&r->w->scratch, 0);
		if (mime_decode(part, &r->w->scratch))
			*ret = part->decoded > 0 ? buffer_bytes(&r->w->scratch) : slice_lit("");
	}
	return part->encoding != CONTENT_UNKNOWN;
}

static slice cut(const struct imap_fetch_item *item, slice text)
{
	if (!item->partial || text.ptr == NULL)
		return text;
	text = slice_drop(text, item->offset < text.len ? item->offset : text.len);
	return slice_head(text, item->length < text.len ? item->length : text.len);
}

/* literal, in which a NUL must not be and becomes "?"; or where it may be, literal8. */
static void put_literal(struct imap_writer *out, slice text, bool binary)
{
	unsigned char *at;
	size_t nul;

	if (text.ptr == NULL) {
		imap_put(out, slice_lit("NIL"));
		return;
	}
	nul = slice_find_byte(text, 0);
	imap_put(out, binary && nul < text.len ? slice_lit("~{") : slice_lit("{"));
	imap_put_number(out, text.len);
	imap_put(out, slice_lit("}\r\n"));
	imap_put(out, text);
	if (out->full || binary || nul == text.len)
		return;
	at = out->out->ptr + out->out->end - text.len;
	for (size_t i = nul; i < text.len; i++) {
		if (at[i] == 0)
			at[i] = '?';
	}
}

/* ---- items that need text ---- */

static void put_section(struct teller *t, struct imap_look *r, const struct imap_fetch_item *item)
{
	static const enum imap_section_kind kinds[] = {
		[IMAP_FETCH_RFC822] = IMAP_SECTION_ALL,
		[IMAP_FETCH_RFC822_HEADER] = IMAP_SECTION_HEADER,
		[IMAP_FETCH_RFC822_TEXT] = IMAP_SECTION_TEXT,
	};
	struct imap_section section = item->section;
	slice text;
	bool binary = item->kind == IMAP_FETCH_BINARY;

	if (item->kind < IMAP_FETCH_SECTION)
		section = (struct imap_section){ .kind = kinds[item->kind] };
	if (!binary) {
		text = take_section(r, &section);
	} else if (!take_binary(r, &section, &text)) {
		r->w->unknown_encoding = true;
		return;
	}
	begin(t);
	imap_put_item(t->out, item);
	imap_put(t->out, slice_lit(" "));
	put_literal(t->out, cut(item, text), binary);
}

/* What BINARY would have. */
static void put_binary_size(struct teller *t, struct imap_look *r,
    const struct imap_fetch_item *item)
{
	slice part = item->section.part;
	long i = part.len > 0 ? mime_find(imap_mime(r), part) : -1;
	size_t size = part.len > 0 ? 0 : r->text.len;

	if (i >= 0 && r->m.parts[i].kind == MIME_LEAF && r->m.parts[i].encoding == CONTENT_UNKNOWN) {
		r->w->unknown_encoding = true;
		return;
	}
	if (i >= 0)
		size = r->m.parts[i].kind == MIME_LEAF ? r->m.parts[i].decoded :
		    r->m.parts[i].body.len;
	begin(t);
	imap_put_item(t->out, item);
	imap_put(t->out, slice_lit(" "));
	imap_put_number(t->out, size);
}

/* RFC 8970: without text it is empty, since NIL would mean that there is one to come. */
static void put_preview(struct teller *t, struct imap_look *r)
{
	struct imap_work *w = r->w;
	const struct mime *m = imap_mime(r);
	const uint8_t *uses = mime_uses(m, imap_work_charsets(w), &w->parts);
	slice text;

	buffer_truncate(&w->scratch, 0);
	mime_snippet(m, uses, w->charsets, &w->scratch);
	text = buffer_bytes(&w->scratch);
	/* s3.2: 200 characters; its dots would be more. */
	if (text.len > SNIPPET_MAX && slice_ends(text, slice_lit("...")))
		text.len -= 3;
	put_named(t, "PREVIEW ");
	imap_put_string(t->out, text);
}

static void put_envelope(struct teller *t, struct imap_look *r)
{
	put_named(t, "ENVELOPE ");
	if (r->digest != NULL) {
		imap_put(t->out, r->digest->envelope);
		return;
	}
	r->envelope_at = buffer_bytes(t->out->out).len;
	imap_put_envelope(t->out, imap_header(r), r->w->heap);
	r->envelope_len = buffer_bytes(t->out->out).len - r->envelope_at;
}

static void put_structure(struct teller *t, struct imap_look *r, const struct imap_fetch_item *item)
{
	bool extended = item->kind == IMAP_FETCH_BODYSTRUCTURE;

	begin(t);
	imap_put_item(t->out, item);
	imap_put(t->out, slice_lit(" "));
	if (r->digest != NULL) {
		imap_put(t->out, r->digest->structure);
		return;
	}
	if (extended)
		r->structure_at = buffer_bytes(t->out->out).len;
	imap_put_structure(t->out, imap_mime(r), extended, r->w->heap);
	if (extended)
		r->structure_len = buffer_bytes(t->out->out).len - r->structure_at;
}

static void put_item(struct teller *t, struct imap_look *r, const struct imap_fetch_item *item)
{
	switch (item->kind) {
	case IMAP_FETCH_BODY:
	case IMAP_FETCH_BODYSTRUCTURE:
		put_structure(t, r, item);
		break;
	case IMAP_FETCH_ENVELOPE:
		put_envelope(t, r);
		break;
	case IMAP_FETCH_PREVIEW:
		put_preview(t, r);
		break;
	case IMAP_FETCH_BINARY_SIZE:
		put_binary_size(t, r, item);
		break;
	case IMAP_FETCH_RFC822:
	case IMAP_FETCH_RFC822_HEADER:
	case IMAP_FETCH_RFC822_TEXT:
	case IMAP_FETCH_SECTION:
	case IMAP_FETCH_BINARY:
		put_section(t, r, item);
		break;
	default:
		put_plain(t, item);
		break;
	}
}

static bool tell(struct imap_look *r)
{
	struct imap_writer out = { .out = &r->w->out };
	struct teller t = start(&out, r->w, r->item);

	for (size_t i = 0; i < r->w->fetch->n && !out.full; i++) {
		const struct imap_fetch_item *item = &r->w->fetch->items[i];

		if (r->item->result == IMAP_TEXT_OK || !is_of_text(item))
			put_item(&t, r, item);
	}
	finish(&t);
	return !out.full;
}

void imap_fetch_message(struct imap_look *r)
{
	size_t before = buffer_bytes(&r->w->out).len;
	bool told = tell(r);

	/* What needs no text always fits: IMAP_ANSWER_MORE. */
	if (!told) {
		buffer_truncate(&r->w->out, before);
		r->item->result = IMAP_TEXT_LIMIT;
		(void)tell(r);
	}
}
