/* api/send.h - POST /api/v1/send: a JSON body made a message. Pure.
 *
 *   {"From":{"Name","Email"},"To":[{"Name","Email"}],"Cc":[],"Bcc":["a@b"],"ReplyTo":[],
 *    "Subject","Text","HTML","Attachments":[{"Content","Filename","ContentType",
 *    "ContentID"}],"Tags":[],"Headers":{"X-Name":"value"}}
 *
 * Text and HTML become multipart/alternative; attachments with a ContentID stand beside the
 * HTML in multipart/related, the others in multipart/mixed. Bcc is of the envelope only, so
 * that it shows as hidden recipients do; tags go as X-Tags. */
#ifndef API_SEND_H
#define API_SEND_H

#include "api/json_read.h"
#include "base/buffer.h"

/* Borrowed for the call. */
struct api_send_facts {
	int64_t wall_us;                /* Date */
	slice unique;                   /* letters and digits, at most 60, never the same again:
	                                 * Message-ID and boundaries */
	slice hostname;                 /* behind the @ of the Message-ID */
};

/* Of the arena. */
struct api_send {
	slice sender;                   /* From's address */
	slice *recipients;              /* of To, Cc and Bcc, each once, without brackets; at most
	                                 * API_SEND_RECIPIENTS_MAX */
	size_t n_recipients;
	bool utf8;                      /* an address is not ASCII: MAIL needs SMTPUTF8 */
};

/* Append the message to *out, whose size_max is the most that a message may be; lines end
 * with CRLF, and it is 7bit but for addresses that are not ASCII. Without a Received field.
 * arena: API_SEND_ARENA_MAX. False: *out is as before, and *fault has the contract's words,
 * with 413 when the message is too large. */
bool api_send_read(slice body, const struct api_send_facts *facts, struct arena *arena,
    struct buffer *out, struct api_send *ret, struct api_fault *fault)
    __attribute__((warn_unused_result));

/* The answers: {"ID":"..."} and {"Error":"..."}, with a line end. False: no room. */
bool api_send_answer(slice id, struct buffer *out) __attribute__((warn_unused_result));
bool api_fault_json(const struct api_fault *fault, struct buffer *out)
    __attribute__((warn_unused_result));

#endif
