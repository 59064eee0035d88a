/* mail/handed.h - a message as programs hand it to sendmail(8): lines end with LF,
 * fields are missing, names have no domain, Bcc is still in it. */
#ifndef MAIL_HANDED_H
#define MAIL_HANDED_H

#include "mail/address_list.h"

/* ---- bytes to lines ---- */

struct handed_text {
	bool dot_ends;                  /* a line of one dot is the end (no -i) */
	bool ended;                     /* it came */
	bool in_body;                   /* behind the blank line */
	size_t line;                    /* where in *out the last line begins */
};

/* Append input, in any pieces, with CRLF for LF. What follows the lone dot is
 * dropped. A bare CR in the header becomes a blank: the SMTP engine would make it a
 * line end, and what stands behind it a field. False when *out is full. */
bool handed_text_take(struct handed_text *t, slice in, struct buffer *out)
    __attribute__((warn_unused_result));
/* The input is over: give the last line its end. */
bool handed_text_end(struct handed_text *t, struct buffer *out)
    __attribute__((warn_unused_result));

/* ---- the header ---- */

struct handed_plan {
	bool recipients;                /* -t: they stand in To, Cc and Bcc */
	slice domain;                   /* for names that have none */
	struct compose_mailbox sender;  /* for the From that is missing */
	int64_t wall_us;
	slice unique, hostname;         /* for the Message-ID that is missing */
};

enum handed_result {
	HANDED_OK,
	HANDED_BAD,                     /* a field of recipients holds what is no address */
	HANDED_NO_FIELD,                /* -t, and between fields of recipients is a line that is
	                                 * no field: if the body began there, some would not get
	                                 * it, and all would see a Bcc. *ret_body begins there */
	HANDED_MANY,                    /* more recipients than the list takes */
	HANDED_LONG,                    /* the header has no room in *out */
};

/* Reads the header of text, all of the message with CRLF; appends it to *out as it
 * should be, with the blank line that ends it, and what -t finds to `list` (RFC
 * 5322 s3.6.6: of the newest Resent fields only, when there are any). The body is
 * *ret_body, of text: what is behind the blank line, or a line that is no field, as
 * sendmail has it. On HANDED_BAD that is the value at fault. */
enum handed_result handed_header(slice text, const struct handed_plan *plan,
    struct address_list *list, struct buffer *out, slice *ret_body)
    __attribute__((warn_unused_result));

#endif
