/* mail/parameter_read.h - the parameters of Content-Type and Content-Disposition (RFC 2045
 * s5.1, RFC 2183), in pieces and of any character set (RFC 2231), and as broken programs
 * write them. */
#ifndef MAIL_PARAMETER_READ_H
#define MAIL_PARAMETER_READ_H

#include "base/arena.h"
#include "mail/charset.h"

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
