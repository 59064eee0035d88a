/* mail/handed.c - what sendmail(8) mends before a message goes to the server. */
#include "mail/handed.h"

#include "mail/date.h"
#include "mail/header.h"
#include "mail/qualify.h"

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
	RESENT = 4,                     /* recipients of a message that was sent on */
	DROPPED = 8,
};

enum seen { SEEN_FROM = 1, SEEN_DATE = 2, SEEN_ID = 4, SEEN_RESENT = 8 };

static const struct row {
	const char *name;
	unsigned flags;
	unsigned seen;
} rows[] = {
	{ "From",        MAILBOXES,                        SEEN_FROM   },
	{ "Sender",      MAILBOXES,                        0           },
	{ "Reply-To",    MAILBOXES,                        0           },
	{ "To",          MAILBOXES | RECIPIENTS,           0           },
	{ "Cc",          MAILBOXES | RECIPIENTS,           0           },
	{ "Bcc",         RECIPIENTS | DROPPED,             0           },
	{ "Resent-From", MAILBOXES,                        0           },
	{ "Resent-To",   MAILBOXES | RESENT,               SEEN_RESENT },
	{ "Resent-Cc",   MAILBOXES | RESENT,               SEEN_RESENT },
	{ "Resent-Bcc",  RESENT | DROPPED,                 SEEN_RESENT },
	{ "Date",        0,                                SEEN_DATE   },
	{ "Message-ID",  0,                                SEEN_ID     },
};

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

static unsigned look(slice header)
{
	struct header_field field;
	unsigned seen = 0;

	while (header_next(&header, true, &field) == HEADER_FIELD)
		seen |= row_of(field.name)->seen;
	return seen;
}

static bool add_missing(const struct handed_plan *p, unsigned seen, struct buffer *out)
{
	char date[DATE_TEXT];

	date_print(p->wall_us, date);
	if (!(seen & SEEN_FROM) && !compose_mailboxes(out, "From", &p->sender, 1))
		return false;
	if (buffer_room(out) < sizeof date + p->unique.len + p->hostname.len + 64)
		return false;
	if (!(seen & SEEN_DATE))
		buffer_printf(out, "Date: %s\r\n", date);
	if (!(seen & SEEN_ID))
		buffer_printf(out, "Message-ID: <%.*s@%.*s>\r\n", slice_arg(p->unique),
		    slice_arg(p->hostname));
	return true;
}

static bool write_field(const struct header_field *field, unsigned flags, slice domain,
    struct buffer *out)
{
	slice head = slice_head(field->whole, (size_t)(field->value.ptr - field->whole.ptr));

	if (flags & DROPPED)
		return true;
	if (!(flags & MAILBOXES))
		return buffer_append(out, field->whole) &&
		    (slice_ends(field->whole, slice_lit("\r\n")) ||
		        buffer_append(out, slice_lit("\r\n")));
	return buffer_append(out, head) && qualify_mailboxes(field->value, domain, out) &&
	    buffer_append(out, slice_lit("\r\n"));
}

enum handed_result handed_header(slice text, const struct handed_plan *plan,
    struct address_list *list, struct buffer *out, slice *ret_body)
{
	slice rest = without_envelope_line(text);
	unsigned seen = look(rest);
	unsigned wanted = !plan->recipients ? 0 : seen & SEEN_RESENT ? RESENT : RECIPIENTS;
	struct header_field field;

	if (!add_missing(plan, seen, out))
		return HANDED_LONG;
	while (header_next(&rest, true, &field) == HEADER_FIELD) {
		unsigned flags = row_of(field.name)->flags;

		if (!write_field(&field, flags, plan->domain, out))
			return HANDED_LONG;
		if (!(flags & wanted))
			continue;
		switch (address_list_add(list, field.value, plan->domain)) {
		case ADDRESS_LIST_OK:
			break;
		case ADDRESS_LIST_MANY:
			return HANDED_MANY;
		case ADDRESS_LIST_BAD:
			*ret_body = field.value;
			return HANDED_BAD;
		}
	}
	/* It ends with its own blank line, which was taken, or without any. */
	if (!buffer_append(out, slice_lit("\r\n")))
		return HANDED_LONG;
	*ret_body = rest;
	return HANDED_OK;
}
