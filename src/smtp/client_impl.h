/* smtp/client_impl.h - the client engine's inside, shared by client.c (the
 * session: greeting to READY, replies, events, output), client_auth.c (AUTH) and
 * client_mail.c (the transaction).
 *
 * (1) `expect` says what the next reply answers; EXPECT_NOTHING: a reply now is
 *     out of turn, and ends the session.
 * (2) No reply is read while an event waits; one reply raises at most two.
 * (3) Of a transaction, replies come in the order MAIL, RCPT..., DATA; how many
 *     RCPT and whether DATA were sent is counted, so that pipelining is only a
 *     matter of sending earlier. */
#ifndef SMTP_CLIENT_IMPL_H
#define SMTP_CLIENT_IMPL_H

#include "mail/dots.h"
#include "smtp/client.h"

enum smtp_expect {
	EXPECT_NOTHING,
	EXPECT_GREETING,
	EXPECT_EHLO,
	EXPECT_HELO,
	EXPECT_STARTTLS,
	EXPECT_TLS,                     /* no reply: _secured() */
	EXPECT_AUTH_MESSAGE,            /* 334: PLAIN's message, or LOGIN's name */
	EXPECT_AUTH_SECRET,             /* 334: LOGIN's password */
	EXPECT_AUTH,                    /* 235 */
	EXPECT_MAIL,
	EXPECT_RCPT,
	EXPECT_DATA,
	EXPECT_END,
	EXPECT_EMPTY_END,               /* of the empty message that nobody gets */
	EXPECT_RSET,
	EXPECT_QUIT,
	EXPECT_OVER,                    /* FAILED or CLOSED: input is dropped */
	EXPECT_KINDS
};

struct smtp_client {
	struct heap *heap;
	const struct smtp_client_config *config;
	enum smtp_expect expect;
	bool secure;
	enum smtp_client_step step;     /* for FAILED */
	bool ready;                     /* READY was raised, nothing was sent since */
	unsigned offers;
	uint64_t size_max;
	struct buffer out;
	bool out_secret;                /* what is in out must be wiped as it leaves */
	struct buffer text;             /* of the last reply */
	unsigned code;
	struct smtp_client_event events[2];
	unsigned n_events;

	/* The transaction. */
	struct smtp_client_message message;
	bool open;                      /* MAIL was sent, and no end since */
	bool mail_taken;                /* 2xx */
	bool judged;                    /* SENT was raised; what is left is to tidy up */
	bool data_sent;
	bool data_due;                  /* its reply, that is */
	bool in_body;
	size_t rcpt_sent, rcpt_answered, rcpt_taken;
	struct dots_writer dots;
};

/* client.c */
void smtp_client_raise(struct smtp_client *c, struct smtp_client_event event);
void smtp_client_fail(struct smtp_client *c, unsigned code, slice text);
void smtp_client_become_ready(struct smtp_client *c);
void smtp_client_command(struct smtp_client *c, const char *command, enum smtp_expect expect);

/* The last reply says that it can't go on. */
void smtp_client_fail_reply(struct smtp_client *c);

/* client_auth.c */
void smtp_client_authenticate(struct smtp_client *c);
void smtp_client_on_auth_message(struct smtp_client *c);
void smtp_client_on_auth_secret(struct smtp_client *c);
void smtp_client_on_auth(struct smtp_client *c);

/* client_mail.c: what a reply means; the code and text are in the engine. */
void smtp_client_on_mail(struct smtp_client *c);
void smtp_client_on_rcpt(struct smtp_client *c);
void smtp_client_on_data(struct smtp_client *c);
void smtp_client_on_end(struct smtp_client *c);
void smtp_client_on_empty_end(struct smtp_client *c);
void smtp_client_on_rset(struct smtp_client *c);
void smtp_client_pump(struct smtp_client *c);   /* write what there is room for */

#endif
