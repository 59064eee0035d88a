/* mail/field.h - writes one header field, folded (RFC 5322 s2.1.1, s2.2.3).
 *
 * Words are never cut: a line is longer than FIELD_LINE only when one word is.
 * Nothing checks what is written: values with control characters are the
 * caller's to refuse (mail/compose.h does). */
#ifndef MAIL_FIELD_H
#define MAIL_FIELD_H

#include "base/buffer.h"

/* RFC 5322 s2.1.1 says 78; RFC 2047 s2, for lines with encoded words, 76. */
enum { FIELD_LINE = 76 };

struct field {
	struct buffer *out;
	size_t column;                  /* bytes in the line so far */
	bool begun;                     /* something stands behind the name */
	bool fits;                      /* false: *out is full, what follows is dropped */
};

struct field field_begin(struct buffer *out, const char *name);

/* A blank before `len` bytes that will be glued on, or a fold when the line, with
 * a comma behind them, would get too long. */
void field_space(struct field *f, size_t len);
void field_glue(struct field *f, slice text);
/* Both at once. */
void field_word(struct field *f, slice word);
/* The next blank begins a new line. */
void field_fold(struct field *f);

/* Words with the blanks between them as they are; ends are trimmed. */
void field_text(struct field *f, slice text);

/* The line end. False when *out was too small; then it holds a part of the field. */
bool field_end(struct field *f) __attribute__((warn_unused_result));

#endif
