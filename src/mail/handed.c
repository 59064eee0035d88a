/* mail/handed.c - what sendmail(8) mends before a message goes to the server. */
#include "mail/handed.h"

#include <string.h>

#include "mail/date.h"
#include "mail/header.h"
#include "mail/qualify.h"
#include "mail/submit.h"

/* ---- bytes to lines ---- */

static bool ends_with_cr(const struct buffer *out)
{
	return slice_ends(buffer_bytes(out), slice_lit("\r"));
}

/* The line that begins at t->line got its end. */
static void judge_line(struct handed_text *t, struct buffer *out)
{
	slice line = slice_drop(buffer_bytes(out), t->line);
	unsigned char *bytes = out->ptr + out->start + t->line;

	t->in_body = t->in_body || slice_equal(line, slice_lit("\r\n"));
	for (size_t i = 0; !t->in_body && i + 2 < line.len; i++) {
		if (bytes[i] == '\r')
			bytes[i] = ' ';
	}
	if (t->dot_ends && slice_equal(line, slice_lit(".\r\n"))) {
		buffer_truncate(out, t->line);
		t->ended = true;
	}
	t->line = buffer_bytes(out).len;
}

bool handed_text_take(struct handed_text *t, slice in, struct buffer *out)
{
	while (in.len > 0 && !t->ended) {
		bool whole = slice_find_byte(in, '\n') < in.len;
		slice part = slice_cut(&in, '\n');

		if (!buffer_append(out, part))
			return false;
		if (!whole)
			return true;
		if (!buffer_append(out, ends_with_cr(out) ? slice_lit("\n") : slice_lit("\r\n")))
			return false;
		judge_line(t, out);
	}
	return true;
}

bool handed_text_end(struct handed_text *t, struct buffer *out)
{
	return t->ended || buffer_bytes(out).len == t->line ||
	    handed_text_take(t, slice_lit("\n"), out);
}

/* ---- the header ---- */

enum {
	MAILBOXES = 1,                  /* names in it get a domain */
	RECIPIENTS = 2,
	DROPPED = 4,
	AUTHOR = 8,                     /* without a value it is missing */
};

enum seen { SEEN_FROM = 1, SEEN_DATE = 2, SEEN_ID = 4, SEEN_RESENT = 8 };

static const struct row {
	const char *name;
	unsigned flags;
	unsigned seen;
} rows[] = {
	{ "From",              MAILBOXES | AUTHOR,         SEEN_FROM   },
	{ "Sender",            MAILBOXES,                  0           },
	{ "Reply-To",          MAILBOXES,                  0           },
	{ "To",                MAILBOXES | RECIPIENTS,     0           },
	{ "Cc",                MAILBOXES | RECIPIENTS,     0           },
	{ "Bcc",               RECIPIENTS | DROPPED,       0           },
	{ "Resent-Date",       0,                          0           },
	{ "Resent-From",       MAILBOXES,                  0           },
	{ "Resent-Sender",     MAILBOXES,                  0           },
	{ "Resent-Reply-To",   MAILBOXES,                  0           },
	{ "Resent-To",         MAILBOXES | RECIPIENTS,     SEEN_RESENT },
	{ "Resent-Cc",         MAILBOXES | RECIPIENTS,     SEEN_RESENT },
	{ "Resent-Bcc",        RECIPIENTS | DROPPED,       SEEN_RESENT },
	{ "Resent-Message-ID", 0,                          0           },
	{ "Date",              0,                          SEEN_DATE   },
	{ "Message-ID",        0,                          SEEN_ID     },
};

static bool is_resent(const struct header_field *field)
{
	return slice_starts_ascii(field->name, slice_lit("Resent-"));
}

static bool is_empty(slice value)
{
	for (size_t i = 0; i < value.len; i++) {
		if (strchr(" \t\r\n", value.ptr[i]) == NULL)
			return false;
	}
	return true;
}

static const struct row *row_of(slice name)
{
	static const struct row other = { NULL, 0, 0 };

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		if (slice_equal_ascii(name, slice_from(rows[i].name)))
			return &rows[i];
	}
	return &other;
}

/* mbox's line before a message, which some programs leave there. */
static slice without_envelope_line(slice text)
{
	if (slice_starts(text, slice_lit("From ")))
		slice_cut(&text, '\n');
	return text;
}

static bool is_missing(const struct header_field *field, const struct row *row)
{
	return (row->flags & AUTHOR) && is_empty(field->value);
}

static unsigned look(slice header)
{
	struct header_field field;
	unsigned seen = 0;

	while (header_next(&header, true, &field) == HEADER_FIELD) {
		const struct row *row = row_of(field.name);

		if (!is_missing(&field, row))
			seen |= row->seen;
	}
	return seen;
}

/* ---- whose fields count ---- */

/* A message that was sent on has a block of Resent fields for each time, the newest
 * first (RFC 5322 s3.6.6). A block ends with a field of another kind, or with one
 * that it has already. */
struct blocks {
	bool resent;                    /* there are any: only these count */
	bool begun, over;               /* the first block */
	bool has[sizeof rows / sizeof rows[0]];
};

static bool counts(struct blocks *b, const struct header_field *field, const struct row *row)
{
	bool *has;

	if (!b->resent || !is_resent(field)) {
		b->over = b->over || b->begun;
		return !b->resent;
	}
	b->begun = true;
	if (row->name == NULL)
		return false;
	has = &b->has[row - rows];
	b->over = b->over || *has;
	*has = true;
	return !b->over;
}

/* ---- all of it ---- */

static bool add_missing(const struct handed_plan *p, unsigned seen, struct buffer *out)
{
	const struct submission have = { .has_date = seen & SEEN_DATE,
		.has_message_id = seen & SEEN_ID };

	if (!(seen & SEEN_FROM) && !compose_mailboxes(out, "From", &p->sender, 1))
		return false;
	if (buffer_room(out) < DATE_TEXT + p->unique.len + p->hostname.len + 64)
		return false;
	submit_add_fields(&have, p->wall_us, p->unique, p->hostname, out);
	return true;
}

static bool write_field(const struct header_field *field, const struct row *row, slice domain,
    struct buffer *out)
{
	slice head = slice_head(field->whole, (size_t)(field->value.ptr - field->whole.ptr));

	if ((row->flags & DROPPED) || is_missing(field, row))
		return true;
	if (!(row->flags & MAILBOXES))
		return buffer_append(out, field->whole) &&
		    (slice_ends(field->whole, slice_lit("\r\n")) ||
		        buffer_append(out, slice_lit("\r\n")));
	return buffer_append(out, head) && qualify_mailboxes(field->value, domain, out) &&
	    buffer_append(out, slice_lit("\r\n"));
}

static enum handed_result add_recipients(struct address_list *list, slice value, slice domain,
    slice *ret_fault)
{
	switch (address_list_add(list, value, domain)) {
	case ADDRESS_LIST_OK:
		return HANDED_OK;
	case ADDRESS_LIST_MANY:
		return HANDED_MANY;
	case ADDRESS_LIST_BAD:
		break;
	}
	*ret_fault = value;
	return HANDED_BAD;
}

/* Up to the next blank line. */
static bool recipients_follow(slice rest)
{
	while (rest.len > 0) {
		struct header_field field;
		slice line = rest;

		switch (header_next(&line, true, &field)) {
		case HEADER_FIELD:
			if (row_of(field.name)->flags & RECIPIENTS)
				return true;
			break;
		case HEADER_BODY:
			break;
		case HEADER_END:
		case HEADER_MORE:
			return false;
		}
		slice_cut(&rest, '\n');
	}
	return false;
}

enum handed_result handed_header(slice text, const struct handed_plan *plan,
    struct address_list *list, struct buffer *out, slice *ret_body)
{
	slice rest = without_envelope_line(text);
	unsigned seen = look(rest);
	struct blocks blocks = { .resent = seen & SEEN_RESENT };
	enum handed_result result = HANDED_OK;
	enum header_result end;
	struct header_field field;
	size_t n = 0;

	if (!add_missing(plan, seen, out))
		return HANDED_LONG;
	for (; (end = header_next(&rest, true, &field)) == HEADER_FIELD; n++) {
		const struct row *row = row_of(field.name);
		bool counted = counts(&blocks, &field, row);

		if (!write_field(&field, row, plan->domain, out))
			return HANDED_LONG;
		if (plan->recipients && counted && (row->flags & RECIPIENTS))
			result = add_recipients(list, field.value, plan->domain, ret_body);
		if (result != HANDED_OK)
			return result;
	}
	*ret_body = rest;
	if (end == HEADER_BODY && n > 0 && plan->recipients && recipients_follow(rest))
		return HANDED_NO_FIELD;
	/* It ends with its own blank line, which was taken, or without any. */
	return buffer_append(out, slice_lit("\r\n")) ? HANDED_OK : HANDED_LONG;
}
