/* mail/mbox_line.h - what reading and writing an mbox share. */
#ifndef MAIL_MBOX_LINE_H
#define MAIL_MBOX_LINE_H

#include "base/slice.h"

enum mbox_field {
	MBOX_FIELD_OTHER,
	MBOX_FIELD_STATUS,
	MBOX_FIELD_X_STATUS,
	MBOX_FIELD_KEYWORDS,
	MBOX_FIELD_IMAP,                /* X-IMAP: this is no message */
	MBOX_FIELD_DROPPED,             /* X-IMAPbase, X-UID: of the file, not of the message */
};

/* A line off the front of *in, without its end (LF, CRLF); of a longer one than MBOX_LINE_MAX, or
 * of the last, which has none, what there is (*ret_ended false). False: there is no more yet. */
bool mbox_line_take(slice *in, bool final, slice *ret_line, bool *ret_ended);

/* ">" any number of times, then "From ". */
bool mbox_line_is_from(slice line);

/* Which field the line begins; *ret_value is what is behind the colon. */
enum mbox_field mbox_line_field(slice line, slice *ret_value);

#endif
