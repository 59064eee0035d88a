/* mail/lint_impl.h - the inside of the lint, for lint*.c only.
 *
 *   lint.c          the table, and what is found
 *   lint_lines.c    line by line: ends, lengths, octets
 *   lint_header.c   field by field
 *   lint_body.c     what Content-* says of the body. Rules that look into the parts of
 *                   a multipart belong here, too */
#ifndef MAIL_LINT_IMPL_H
#define MAIL_LINT_IMPL_H

#include "base/limits.h"
#include "mail/lint.h"

enum lint_rule {
	/* lines */
	LINT_LINE_END, LINT_NUL, LINT_HEADER_LONG, LINT_HEADER_WIDE, LINT_BODY_LONG,
	LINT_FOLD_EMPTY,
	/* fields */
	LINT_HEADER_EMPTY, LINT_HEADER_LINE, LINT_BODY_MISSING, LINT_FIELD_BLANK,
	LINT_FIELD_TWICE, LINT_FIELD_8BIT, LINT_FIELD_UTF8, LINT_SUBJECT_8BIT,
	LINT_DATE_MISSING, LINT_DATE_BAD, LINT_DATE_FAR,
	LINT_FROM_MISSING, LINT_FROM_BAD, LINT_FROM_ENVELOPE, LINT_SENDER_MISSING,
	LINT_MESSAGE_ID_MISSING, LINT_MESSAGE_ID_BAD, LINT_SUBJECT_MISSING,
	LINT_ADDRESSES_BAD, LINT_ADDRESSES_MANY, LINT_RECIPIENT_UNNAMED, LINT_BCC,
	LINT_RETURN_PATH, LINT_RESENT,
	LINT_ENCODED_LONG, LINT_ENCODED_QUOTED,
	/* body */
	LINT_MIME_VERSION_MISSING, LINT_TYPE_BAD, LINT_BOUNDARY_MISSING, LINT_BOUNDARY_UNUSED,
	LINT_ENCODING_UNKNOWN, LINT_CHARSET_UNKNOWN, LINT_BODY_8BIT, LINT_BASE64_BAD,
	LINT_QUOTED_PRINTABLE_BAD, LINT_HTML_ONLY,
	LINT_RULES,
};

struct linting {
	const struct lint_input *input;
	struct arena *arena;
	slice where[LINT_RULES];        /* ptr NULL: not found */
	slice header, body;             /* of the message; the blank line is in neither */
	size_t body_8bit;               /* the first such line, or 0 */
	bool many_from;                 /* it names several */
};

/* Found; the first place counts. */
void lint_at(struct linting *l, enum lint_rule rule, slice where);
void lint_at_line(struct linting *l, enum lint_rule rule, size_t line);

void lint_header(struct linting *l);    /* fills header and body */
void lint_lines(struct linting *l);     /* wants them */
void lint_body(struct linting *l);

#endif
