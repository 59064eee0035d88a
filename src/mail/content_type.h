/* mail/content_type.h - what a MIME entity says that it is: the values of its
 * Content-Type and Content-Transfer-Encoding fields (RFC 2045 s5, s6). */
#ifndef MAIL_CONTENT_TYPE_H
#define MAIL_CONTENT_TYPE_H

#include "base/slice.h"

/* Slices are borrowed from the value. */
struct content_type {
	slice type, subtype;            /* empty: no such field, or it says none: text/plain
	                                 * (RFC 2045 s5.2) */
	slice boundary;                 /* empty: there is none, or programs may read it
	                                 * differently: twice, with blanks or a comment and no
	                                 * quotes, with a backslash, in pieces (RFC 2231) */
};

struct content_type content_type_read(slice value);
bool content_type_is(const struct content_type *t, const char *type, const char *subtype);

/* What stands before the next semicolon that is not in quotes; *rest is what comes after,
 * as with slice_cut(). */
slice content_type_cut(slice *rest);

/* Is the line, without its end, a delimiter of that boundary: all of it, but for blanks
 * behind it (RFC 2046 s5.1.1)? *ret_last, set if it is: the one with "--" behind it. */
bool content_type_delimiter(slice line, slice boundary, bool *ret_last);

enum content_encoding {
	CONTENT_7BIT,                   /* also when there is no such field, or it is empty */
	CONTENT_8BIT,
	CONTENT_BINARY,
	CONTENT_QUOTED_PRINTABLE,
	CONTENT_BASE64,
	CONTENT_UNKNOWN,
};

enum content_encoding content_encoding_read(slice value);

#endif
