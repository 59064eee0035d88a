/* mail/mbox.h - messages in one file, each below a line that begins with "From " (RFC 4155;
 * mboxrd, of which the reader takes mboxo and mboxcl for the same).
 *
 *   From alice@example.org Thu Jan  1 00:00:00 2026
 *   Subject: one                              Status, X-Status: its flags; X-Keywords
 *
 *   >From is how a line is written that begins with "From "; one more ">" before ">From "
 *                                             a blank line, then the next "From " or the end
 *
 * Messages have CRLF here, the file LF; it may have CRLF. Memory is what the caller gives, and
 * MBOX_LINE_MAX of input at a time. */
#ifndef MAIL_MBOX_H
#define MAIL_MBOX_H

#include "base/buffer.h"
#include "base/limits.h"

enum mbox_flag {                        /* R, A, F, D, T */
	MBOX_SEEN = 1, MBOX_ANSWERED = 2, MBOX_FLAGGED = 4, MBOX_DELETED = 8, MBOX_DRAFT = 16,
	MBOX_OLD = 32,                  /* O: it was there before */
};

/* ---- the From_ line ---- */

struct mbox_from {
	slice sender;
	bool dated;
	int64_t seconds;                /* since 1970; UTC, unless a zone is written */
};

/* What is behind "From ", without a line end. */
struct mbox_from mbox_from_read(slice text);

/* All of the line, with LF. An empty sender, or what none can be, is MAILER-DAEMON. */
void mbox_from_write(struct buffer *out, slice sender, int64_t seconds);

/* ---- reading ---- */

enum mbox_result {
	MBOX_MORE,                      /* of the input, with what is left in *in before it */
	MBOX_MESSAGE,                   /* it is in *out, whole unless too_long */
	MBOX_END,                       /* final, and all was told */
	MBOX_NOT,                       /* the first line does not begin with "From " */
};

struct mbox_reader {
	/* Of the message that was told, until the next call. */
	unsigned flags;                 /* enum mbox_flag */
	uint64_t size;                  /* also of what had no room */
	bool too_long;
	bool pseudo;                    /* no message, but what IMAP servers (X-IMAP) wrote of all */
	size_t from_len, keywords_len;
	char from[MBOX_FROM_MAX], keywords[MBOX_KEYWORDS_MAX];  /* with blanks between them */

	/* Its own. */
	bool begun, open, header, after_blank, blank_held, mid_line, dateless;
	bool dropping, in_keywords;     /* the field is not of the message */
	bool from_goes_on;              /* a From_ line longer than MBOX_LINE_MAX */
};

/* Reads on, from zeroes. *in moves behind what was used. The next message is appended to
 * *out, which the caller empties after each. */
enum mbox_result mbox_read(struct mbox_reader *r, slice *in, bool final, struct buffer *out)
    __attribute__((warn_unused_result));

/* ---- writing ---- */

struct mbox_writer {
	unsigned flags;
	slice keywords;                 /* with blanks between them; or empty */
	bool body, mid_line, dropping;  /* its own */
};

/* A message below its From_ line, in pieces; *in moves behind what was used, all of it when
 * final. Fields of the names above that it came with are left out: here they mean our flags.
 * *out grows by at most twice the input and MBOX_LINE_MAX. */
void mbox_write(struct mbox_writer *w, slice *in, bool final, struct buffer *out);

#endif
