/* smtp/server_impl.h - the inside of the SMTP server engine, for server*.c only. */
#ifndef SMTP_SERVER_IMPL_H
#define SMTP_SERVER_IMPL_H

#include "auth/sasl.h"
#include "base/limits.h"
#include "mail/address.h"
#include "mail/departure.h"
#include "smtp/server.h"

/* What the next bytes are. */
enum smtp_phase {
	PHASE_SILENT,           /* before the greeting: nothing is taken */
	PHASE_COMMAND,          /* command lines */
	PHASE_SKIP,             /* the rest of a line that is too long */
	PHASE_AUTH,             /* the client's lines of an AUTH exchange */
	PHASE_BODY,             /* after 354, up to CRLF . CRLF */
	PHASE_TLS,              /* after STARTTLS: bytes in the clear are dropped */
	PHASE_CLOSED,           /* bytes are dropped */
};

/* How far a session is, as a set for the verbs' rows. */
enum {
	IN_START = 1,           /* before EHLO */
	IN_READY = 2,
	IN_MAIL = 4,
	IN_RCPT = 8,            /* with at least one recipient */
	IN_ANY = IN_START | IN_READY | IN_MAIL | IN_RCPT,
};

/* Why a body is refused at its end, as a set; the lowest names the reply, so that
 * it does not depend on how the input was cut. */
enum { BODY_BARE = 1, BODY_NUL = 2, BODY_LARGE = 4 };

/* Where in a body the next byte stands: lenient only. */
enum body_at { BODY_LINE_START, BODY_WITHIN, BODY_CR, BODY_DOT, BODY_DOT_CR };

enum { SMTP_EVENTS_MAX = 2, SMTP_FOLLOW_MAX = 2 };

struct smtp_server {
	struct heap *heap;
	const struct smtp_server_config *config;
	struct buffer out;
	enum smtp_phase phase;
	unsigned state;                 /* one of IN_* */

	struct smtp_event events[SMTP_EVENTS_MAX];
	unsigned n_events;
	enum smtp_event_kind question;  /* while asked */
	bool asked;

	bool secure, loopback, authenticated, draining;
	unsigned errors;

	/* the transaction */
	bool utf8;                      /* MAIL had SMTPUTF8 */
	unsigned recipients, refused;

	/* the body */
	uint64_t body_size;
	bool line_start;
	unsigned faults;                /* BODY_* */

	/* lenient */
	uint32_t noted;                 /* of the line that is read; departure_bit() */
	uint32_t in_session, in_transaction;    /* of those before */
	struct smtp_event follow[SMTP_FOLLOW_MAX];      /* questions, once the last is answered */
	unsigned n_follow;
	bool after_cr;                  /* a line ended with CR: its LF may come yet */
	bool pipelining;                /* the EHLO that offers it was answered and read */
	bool extended;                  /* EHLO, not HELO */
	bool hung_up;                   /* close after the answer */
	enum body_at at;
	size_t crs;                     /* BODY_CR: how many, one after the other */
	bool crlf;                      /* the last line end was one */
	bool bare_cr;                   /* one was seen in this transaction */

	struct sasl_server *sasl;       /* from AUTH to its end */
	bool proved;                    /* and only its last, empty line is missing */
	unsigned char text[ADDRESS_PATH_MAX];   /* of an event */
};

/* server.c */
void smtp_say(struct smtp_server *s, unsigned code, const char *enhanced, const char *text);
/* A 5xx that counts towards errors_max; becomes 421 when that is passed. */
void smtp_error(struct smtp_server *s, unsigned code, const char *enhanced, const char *text);
void smtp_push(struct smtp_server *s, struct smtp_event event);
slice smtp_keep(struct smtp_server *s, slice text);     /* into s->text */
void smtp_close(struct smtp_server *s);         /* QUIT event, no more input */
void smtp_forget(struct smtp_server *s);        /* the transaction, if any; state READY */
void smtp_line(struct smtp_server *s, slice line);      /* whole, without its end */
void smtp_long_line(struct smtp_server *s);     /* it was skipped */

/* server_verbs.c: one command line without CRLF. */
void smtp_command(struct smtp_server *s, slice line);
/* server_auth.c */
void smtp_on_auth(struct smtp_server *s, slice arg);
void smtp_auth_line(struct smtp_server *s, slice line);
void smtp_auth_long(struct smtp_server *s);
bool smtp_auth_offered(const struct smtp_server *s);
unsigned smtp_sasl_offer(const struct smtp_server *s);
void smtp_auth_end(struct smtp_server *s);      /* wipe and free; none is fine */
/* server_body.c: bytes of a body; returns how many were taken, 0: needs more. */
size_t smtp_body_feed(struct smtp_server *s, slice in);
void smtp_body_add(struct smtp_server *s, slice run);   /* it passes, unless there are faults */
void smtp_body_end(struct smtp_server *s);              /* the lone dot came */
/* server_lenient.c: likewise, where more is taken. */
void smtp_note(struct smtp_server *s, enum departure d);        /* nothing unless lenient */
size_t smtp_lenient_line(struct smtp_server *s, slice in);
size_t smtp_lenient_line_end(struct smtp_server *s, slice in);
size_t smtp_lenient_skip(struct smtp_server *s, slice in);
void smtp_lenient_body_begin(struct smtp_server *s);
size_t smtp_lenient_body(struct smtp_server *s, slice in);
bool smtp_lenient_cut(struct smtp_server *s);           /* true: an END event is there */
/* Push the question, behind those whose commands the client left out. */
void smtp_ask(struct smtp_server *s, struct smtp_event event);
/* What may be meant by arg, which is no path. */
bool smtp_mend_path(struct smtp_server *s, slice arg, struct address *ret);

#endif
