/* mail/dots.h - the lone dot that ends a text, and the dots doubled because of it
 * (RFC 5321 section 4.5.2, RFC 1939 section 3). Both ways, for any split of the
 * text into parts. A line ends with CRLF and with nothing else. */
#ifndef MAIL_DOTS_H
#define MAIL_DOTS_H

#include "base/buffer.h"

/* ---- writing ---- */

struct dots_writer {
	bool mend;                      /* a bare CR or LF becomes CRLF; else it stays */
	enum { DOTS_LINE_START, DOTS_MIDDLE, DOTS_CR } at;
};

/* The most that may be given to write() when `out` has that much room. Keeps
 * DOTS_END_MAX bytes back, so that end() always fits. */
size_t dots_write_max(const struct buffer *out);

/* Append a part, at most dots_write_max(out) bytes, with its dots doubled. */
void dots_write(struct dots_writer *w, slice part, struct buffer *out);

/* Append the CRLF that the last line lacks, and the lone dot. */
void dots_write_end(struct dots_writer *w, struct buffer *out);

/* ---- reading ---- */

struct dots_reader {
	enum { DOTS_AT_START, DOTS_AFTER_DOT, DOTS_AFTER_DOT_CR, DOTS_WITHIN, DOTS_AFTER_CR } at;
};

enum dots_result {
	DOTS_MORE,                      /* *in is used up */
	DOTS_PART,                      /* *ret_part is the next part of the text */
	DOTS_END,                       /* the lone dot was taken; *in is what follows */
};

/* Take the next part of the text off *in. Parts are borrowed from *in (or are
 * constant), never empty, and as long as the doubled dots let them be. */
enum dots_result dots_read(struct dots_reader *r, slice *in, slice *ret_part)
    __attribute__((warn_unused_result));

#endif
