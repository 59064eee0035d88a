/* mail/header.h - the fields of a header, one after the other (RFC 5322 s2.2).
 *
 * Lines end with CRLF, which the SMTP engine made sure of. Nothing is copied. */
#ifndef MAIL_HEADER_H
#define MAIL_HEADER_H

#include "base/arena.h"
#include "base/slice.h"

struct header_field {
	slice name;             /* without the blanks that may stand before the colon */
	slice value;            /* behind the colon, with folds, without the last CRLF */
	slice whole;            /* all of it, with the last CRLF */
};

enum header_result {
	HEADER_FIELD,
	HEADER_END,             /* the blank line, which is taken off, or the end of input */
	HEADER_BODY,            /* a line that is no field: the body begins without a blank
	                         * line; *in stays at that line */
	HEADER_MORE,            /* the input ends before it can be told */
};

/* *in is at the start of a line; moves behind what was found. final: nothing
 * follows the input. A field may be as long as the input: bound that. */
enum header_result header_next(slice *in, bool final, struct header_field *ret)
    __attribute__((warn_unused_result));

/* How long the field's name is that the line begins with; 0: the line begins no field. */
size_t header_name_length(slice line);

/* The first field of that name in a header that ends, or value.ptr NULL. */
slice header_find(slice header, slice name);

/* The value in one line: CRLF before a blank goes (s2.2.3), ends are trimmed. */
slice header_unfold(struct arena *arena, slice value);

#endif
