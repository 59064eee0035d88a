/* mail/header.h - the fields of a header, one after the other (RFC 5322 s2.2).
 *
 * Lines end with LF, with a CR before it, which the SMTP engine made sure of, or without, as a
 * mock takes them. Nothing is copied. */
#ifndef MAIL_HEADER_H
#define MAIL_HEADER_H

#include "base/arena.h"
#include "base/slice.h"

struct header_field {
	slice name;             /* without the blanks that may stand before the colon */
	slice value;            /* behind the colon, with folds, without the last line end */
	slice whole;            /* all of it, with the last line end, if there is one */
};

enum header_result {
	HEADER_FIELD,
	HEADER_END,             /* the blank line, which is taken off, or the end of input */
	HEADER_BODY,            /* a line that is no field: the body begins without a blank
	                         * line; *in stays at that line */
	HEADER_MORE,            /* the input ends before it can be told */
};

/* *in is at the start of a line; moves behind a field or the blank line. final: nothing
 * follows the input. A field may be as long as the input: bound that. */
enum header_result header_next(slice *in, bool final, struct header_field *ret)
    __attribute__((warn_unused_result));

/* The line without its LF, and the CR before that. */
slice header_without_end(slice line);

/* How long the field's name is that the line begins with; 0: the line begins no field. */
size_t header_name_length(slice line);

/* The value of the first field of that name, letters of any case, in all of a header; ptr
 * NULL: there is none before a line that is no field. */
slice header_find(slice header, slice name);

#endif
