/* mail/parameter_read.h - the parameters of Content-Type and Content-Disposition (RFC 2045
 * s5.1, RFC 2183), in pieces and of any character set (RFC 2231), and as broken programs
 * write them. */
#ifndef MAIL_PARAMETER_READ_H
#define MAIL_PARAMETER_READ_H

#include "base/arena.h"
#include "mail/charset.h"

/* One as it stands; borrowed. */
struct parameter {
	slice name;             /* "filename*0*" */
	slice value;            /* without the quotes, if it was all quoted */
	bool quoted;            /* backslashes and folds still stand in it */
};

struct parameter_reader {
	slice rest;             /* begins as a field's value behind its first word */
	slice one;              /* up to the next semicolon, what is left of that */
};

/* False at the end. What has no name or no "=" is passed over; where a semicolon is
 * missing, a blank does. */
bool parameter_next(struct parameter_reader *r, struct parameter *ret);

/* The value without folds, and without backslashes before a quote or a backslash: others
 * are of file names of Windows. Returns its length, at most value.len; `out` has as much. */
size_t parameter_plain(const struct parameter *p, unsigned char *out);

/* Append the bytes of the parameter of that name, its pieces joined, percents undone; no
 * more than fit. *ret_charset: borrowed; empty: none said. *ret_extended: RFC 2231 made it.
 * False: there is none. Pieces that are not there end it. */
bool parameter_join(slice parameters, slice name, struct buffer *out, slice *ret_charset,
    bool *ret_extended);

/* The same, decoded to UTF-8 (encoded words too, which should not be there), from the
 * arena, at most PARAMETER_MAX bytes. ptr NULL: there is none. */
slice parameter_text(slice parameters, slice name, struct charsets *charsets,
    struct arena *arena);

#endif
