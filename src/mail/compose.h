/* mail/compose.h - writes a message (RFC 5322) with MIME parts (RFC 2045, RFC 2046)
 * and files that are attached (RFC 2183): words, text and files in; header and body
 * out, lines with CRLF, none longer than LINE_MAX_OCTETS.
 *
 * (1) A value with a control character is refused: nobody can smuggle a field in.
 * (2) Bcc is not written: there is no place for it.
 * (3) The header is ASCII, but for addresses that are not (RFC 6531). */
#ifndef MAIL_COMPOSE_H
#define MAIL_COMPOSE_H

#include "base/buffer.h"
#include "mail/field.h"

struct compose_mailbox {
	slice name;                     /* plain words, UTF-8; empty: none */
	slice address;                  /* local@domain */
};

struct compose_file {
	slice name;                     /* UTF-8, without folders */
	const char *type;               /* "image/png" */
	slice bytes;
};

/* Borrowed for the call. */
struct compose_message {
	int64_t wall_us;                /* Date */
	slice unique;                   /* letters and digits, never the same again */
	slice hostname;                 /* behind the @ of the Message-ID */
	struct compose_mailbox from;
	const struct compose_mailbox *to, *cc;
	size_t n_to, n_cc;
	slice subject;                  /* UTF-8; empty: no such field */
	slice text;                     /* UTF-8; lines end with LF or CRLF */
	const struct compose_file *files;
	size_t n_files;
};

enum compose_result {
	COMPOSE_OK,
	COMPOSE_CONTROL,                /* a value holds a control character */
	COMPOSE_UTF8,                   /* a value, or the text, is not UTF-8 */
	COMPOSE_ADDRESS,                /* no address */
	COMPOSE_VALUE,                  /* a value is over COMPOSE_VALUE_MAX */
	COMPOSE_LONG,                   /* more than *out has room for */
};

/* Append the message to *out. After a failure *ret_where says what it is about
 * ("the subject") and *out may hold a part. */
enum compose_result compose_write(const struct compose_message *m, struct buffer *out,
    const char **ret_where) __attribute__((warn_unused_result));

/* Words for an error line: "holds a control character". */
const char *compose_fault(enum compose_result result);

/* A field of mailboxes alone, for others that write headers; they were judged. False
 * when there is no room. */
bool compose_mailboxes(struct buffer *out, const char *field,
    const struct compose_mailbox *list, size_t n) __attribute__((warn_unused_result));
/* Judge one: COMPOSE_OK or why not. */
enum compose_result compose_judge_mailbox(const struct compose_mailbox *mailbox);

#endif
