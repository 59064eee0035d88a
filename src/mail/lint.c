/* mail/lint.c - the rules, one row each, and what of them was found. */
#include "mail/lint.h"

#include <string.h>

#include "base/check.h"
#include "mail/lint_impl.h"

static const struct {
	const char *name;
	enum lint_severity severity;
	const char *clause, *words, *remedy;
} rules[LINT_RULES] = {
	[LINT_LINE_END] = { "line-end", LINT_ERROR, "RFC 5322 section 2.3",
	    "a CR or LF stands alone", "end each line with CR LF" },
	[LINT_NUL] = { "nul", LINT_ERROR, "RFC 5322 section 4.1",
	    "a NUL octet stands in the message", "encode binary data in base 64" },
	[LINT_HEADER_LONG] = { "header-long", LINT_ERROR, "RFC 5322 section 2.1.1",
	    "a line of the header is over 998 octets",
	    "fold it: a line end before a blank" },
	[LINT_HEADER_WIDE] = { "header-wide", LINT_HINT, "RFC 5322 section 2.1.1",
	    "a line of the header is over 78 characters",
	    "fold it: a line end before a blank" },
	[LINT_BODY_LONG] = { "body-long", LINT_ERROR, "RFC 5322 section 2.1.1",
	    "a line of the body is over 998 octets",
	    "break the line, or encode the body in quoted-printable or base 64" },
	[LINT_FOLD_EMPTY] = { "fold-empty", LINT_WARNING, "RFC 5322 section 3.2.2",
	    "a folded line of the header has nothing but blanks: some take it for the end of "
	    "the header", "leave it out" },
	[LINT_HEADER_EMPTY] = { "header-empty", LINT_ERROR, "RFC 5322 section 2.1",
	    "the message has no header", "send the fields first, then a blank line, then the text" },
	[LINT_HEADER_LINE] = { "header-line", LINT_ERROR, "RFC 5322 section 2.2",
	    "a line between the fields is no field: the header ends there",
	    "write Name: value; put a blank line between header and body" },
	[LINT_BODY_MISSING] = { "body-missing", LINT_HINT, "RFC 5322 section 2.1",
	    "no blank line, and no body: all of it is header",
	    "put a blank line between header and body" },
	[LINT_FIELD_BLANK] = { "field-blank", LINT_WARNING, "RFC 5322 section 4.5",
	    "a blank stands before the colon of a field", "write the colon behind the name" },
	[LINT_FIELD_TWICE] = { "field-twice", LINT_ERROR, "RFC 5322 section 3.6",
	    "a field that may be there once is there twice",
	    "send it once, with all in it" },
	[LINT_FIELD_8BIT] = { "field-8bit", LINT_ERROR, "RFC 6532 section 3",
	    "octets over 127 stand in the header, without SMTPUTF8",
	    "write encoded words: =?UTF-8?Q?...?=" },
	[LINT_FIELD_UTF8] = { "field-utf8", LINT_ERROR, "RFC 6532 section 3.1",
	    "octets over 127 in the header are not UTF-8", "write the header in UTF-8" },
	[LINT_SUBJECT_8BIT] = { "subject-8bit", LINT_ERROR, "RFC 2047 section 5",
	    "Subject has octets over 127: each program guesses the character set",
	    "write encoded words: =?UTF-8?Q?...?=" },
	[LINT_DATE_MISSING] = { "date-missing", LINT_WARNING, "RFC 5322 section 3.6.1",
	    "there is no Date", "add one: Date: Sun, 22 Nov 2026 15:30:00 +0000" },
	[LINT_DATE_BAD] = { "date-bad", LINT_WARNING, "RFC 5322 section 3.3",
	    "Date cannot be read", "write Date: Sun, 22 Nov 2026 15:30:00 +0000, in English" },
	[LINT_DATE_FAR] = { "date-far", LINT_WARNING, "RFC 5322 section 3.6.1",
	    "Date is over a day from now", "say when the message was sent; set the clock" },
	[LINT_FROM_MISSING] = { "from-missing", LINT_ERROR, "RFC 5322 section 3.6.2",
	    "there is no From", "add one: From: Alice <alice@example.org>" },
	[LINT_FROM_BAD] = { "from-bad", LINT_ERROR, "RFC 5322 section 3.6.2",
	    "From holds no address that can be read",
	    "write From: Alice <alice@example.org>; quotes around names with a dot or comma" },
	[LINT_FROM_ENVELOPE] = { "from-envelope", LINT_HINT, "RFC 7489 section 3.1",
	    "From is another address than the envelope's: receivers may ask who is right",
	    "say the same address in MAIL FROM, unless bounces go elsewhere on purpose" },
	[LINT_SENDER_MISSING] = { "sender-missing", LINT_WARNING, "RFC 5322 section 3.6.2",
	    "From names several, and there is no Sender", "add Sender: the one who sends it" },
	[LINT_MESSAGE_ID_MISSING] = { "message-id-missing", LINT_WARNING, "RFC 5322 section 3.6.4",
	    "there is no Message-ID: replies can't refer to it",
	    "add one: Message-ID: <unique@example.org>" },
	[LINT_MESSAGE_ID_BAD] = { "message-id-bad", LINT_WARNING, "RFC 5322 section 3.6.4",
	    "Message-ID is not <left@right>", "write Message-ID: <unique@example.org>" },
	[LINT_SUBJECT_MISSING] = { "subject-missing", LINT_HINT, "RFC 5322 section 3.6.5",
	    "there is no Subject", "say in a few words what it is about" },
	[LINT_ADDRESSES_BAD] = { "addresses-bad", LINT_WARNING, "RFC 5322 section 3.4",
	    "a field of addresses holds what is none",
	    "write Name <local@domain>, with commas between" },
	[LINT_ADDRESSES_MANY] = { "addresses-many", LINT_HINT, "RFC 5322 section 3.4",
	    "a field names over 1,000 addresses: those behind are not looked at, here and "
	    "elsewhere", "send it to fewer at once, or to the address of a list" },
	[LINT_RECIPIENT_UNNAMED] = { "recipient-unnamed", LINT_HINT, "RFC 5322 section 3.6.3",
	    "To and Cc name no recipient of the envelope",
	    "name them, unless it is a blind copy or a list on purpose" },
	[LINT_BCC] = { "bcc", LINT_WARNING, "RFC 5322 section 3.6.3",
	    "Bcc is still in the header: all recipients see who got a blind copy",
	    "name them in RCPT TO only" },
	[LINT_RETURN_PATH] = { "return-path", LINT_WARNING, "RFC 5321 section 4.4",
	    "the sender wrote Return-Path, which the last server adds",
	    "leave it out; MAIL FROM says it" },
	[LINT_RESENT] = { "resent", LINT_WARNING, "RFC 5322 section 3.6.6",
	    "Resent fields without Resent-From or Resent-Date",
	    "add both, in one block above the rest" },
	[LINT_ENCODED_LONG] = { "encoded-word-long", LINT_WARNING, "RFC 2047 section 2",
	    "an encoded word is over 75 characters", "make several of it, with a fold between" },
	[LINT_ENCODED_QUOTED] = { "encoded-word-quoted", LINT_WARNING, "RFC 2047 section 5",
	    "an encoded word stands within quotes, where it is shown as it is",
	    "leave the quotes out" },
	[LINT_MIME_VERSION_MISSING] = { "mime-version-missing", LINT_WARNING,
	    "RFC 2045 section 4", "there is a Content- field and no MIME-Version",
	    "add MIME-Version: 1.0" },
	[LINT_TYPE_BAD] = { "content-type-bad", LINT_WARNING, "RFC 2045 section 5.1",
	    "Content-Type is not type/subtype", "write Content-Type: text/plain; charset=utf-8" },
	[LINT_BOUNDARY_MISSING] = { "boundary-missing", LINT_ERROR, "RFC 2046 section 5.1.1",
	    "a multipart has no boundary that all programs read alike",
	    "add boundary=\"...\", once, in quotes" },
	[LINT_BOUNDARY_UNUSED] = { "boundary-unused", LINT_ERROR, "RFC 2046 section 5.1.1",
	    "the boundary of a multipart is not in its body",
	    "begin each part with a line --boundary, and end the last with --boundary--" },
	[LINT_ENCODING_UNKNOWN] = { "encoding-unknown", LINT_WARNING, "RFC 2045 section 6.1",
	    "Content-Transfer-Encoding is none of those there are",
	    "say 7bit, 8bit, quoted-printable or base64" },
	[LINT_CHARSET_UNKNOWN] = { "charset-unknown", LINT_WARNING, "RFC 2046 section 4.1.2",
	    "the character set is none that programs know", "say charset=utf-8" },
	[LINT_BODY_8BIT] = { "body-8bit", LINT_WARNING, "RFC 2045 section 6.2",
	    "octets over 127 stand in a body that does not say 8bit",
	    "say MIME-Version: 1.0, Content-Type: text/plain; charset=utf-8 and "
	    "Content-Transfer-Encoding: 8bit" },
	[LINT_BASE64_BAD] = { "base64-bad", LINT_WARNING, "RFC 2045 section 6.8",
	    "the body says base64, and is not", "encode it, in lines of at most 76 characters" },
	[LINT_QUOTED_PRINTABLE_BAD] = { "quoted-printable-bad", LINT_WARNING,
	    "RFC 2045 section 6.7", "the body says quoted-printable, and is not",
	    "write = as =3D; keep lines within 76 characters" },
	[LINT_HTML_ONLY] = { "html-only", LINT_HINT, "RFC 2046 section 5.1.4",
	    "HTML without a text alternative: filters and some readers mind",
	    "send multipart/alternative: text/plain first, then text/html" },
};

_Static_assert(MAILBOX_LIST_MAX == 1000, "as addresses-many says");
_Static_assert(LINT_ARENA_MAX >= (LINT_RULES + DEPARTURES) *
    (sizeof(struct lint_finding) + LINT_WHERE_MAX + 16), "findings fit");

const char *lint_severity_name(enum lint_severity severity)
{
	static const char *const names[] = { "hint", "warning", "error" };

	return names[severity];
}

/* Names of fields come from the message, but ftext is printable (RFC 5322 s2.2). */
void lint_at(struct linting *l, enum lint_rule rule, slice where)
{
	if (l->where[rule].ptr == NULL)
		l->where[rule] = slice_copy(l->arena,
		    where.len > LINT_WHERE_MAX ? slice_head(where, LINT_WHERE_MAX) : where);
}

void lint_at_line(struct linting *l, enum lint_rule rule, size_t line)
{
	if (l->where[rule].ptr == NULL)
		l->where[rule] = arena_printf(l->arena, "line %zu", line);
}

struct lint lint_read(const struct lint_input *input, struct arena *arena)
{
	struct linting l = { .input = input, .arena = arena };
	struct lint lint = { .findings = arena_new(arena, struct lint_finding,
	    LINT_RULES + DEPARTURES) };

	lint_header(&l);
	lint_lines(&l);
	lint_body(&l);
	for (unsigned i = 0; i < DEPARTURES; i++) {
		const struct departure_row *row = departure_row((enum departure)i);

		if (input->departures & departure_bit((enum departure)i))
			lint.findings[lint.n++] = (struct lint_finding){ row->name,
			    row->answer != NULL ? LINT_ERROR : LINT_WARNING,
			    slice_lit("dialogue"), row->clause, row->words, row->remedy };
	}
	for (size_t i = 0; i < LINT_RULES; i++) {
		if (l.where[i].ptr != NULL)
			lint.findings[lint.n++] = (struct lint_finding){ rules[i].name,
			    rules[i].severity, l.where[i], rules[i].clause, rules[i].words,
			    rules[i].remedy };
	}
	return lint;
}
