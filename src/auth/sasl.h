/* auth/sasl.h - SASL, the server's side: PLAIN (RFC 4616) and LOGIN, as SMTP
 * (RFC 4954) and POP3 (RFC 5034) carry it.
 *
 * Sans-I/O: start() with the words of the AUTH command, then step() with each
 * line of the client, until the result is not SASL_CHALLENGE. The engine puts
 * "334 " or "+ " before the challenge and its own replies after the result:
 *
 *   result           SMTP         POP3         when
 *   SASL_CHALLENGE   334          +            send sasl_server_challenge()
 *   SASL_DONE        (question)   (question)   login and secret are there to be judged
 *   SASL_UNKNOWN     504 5.5.4    -ERR         no such mechanism
 *   SASL_CANCELLED   501 5.7.0    -ERR         the client sent "*"
 *   SASL_MALFORMED   501 5.5.2    -ERR         not base 64, a NUL, nothing where something must be
 *   SASL_LONG        500 5.5.6    -ERR         over a limit
 *   SASL_REFUSED     535 5.7.8    -ERR [AUTH]  wants to act as somebody else
 *
 * The struct is over 1 KiB: take it from the heap when AUTH begins, and give it
 * back when the login is answered, after sasl_server_wipe(). */
#ifndef AUTH_SASL_H
#define AUTH_SASL_H

#include "base/buffer.h"
#include "base/limits.h"

enum sasl_result {
	SASL_CHALLENGE,
	SASL_DONE,
	SASL_UNKNOWN,
	SASL_CANCELLED,
	SASL_MALFORMED,
	SASL_LONG,
	SASL_REFUSED,
};

struct sasl_server;

/* A row of the table. LOGIN's first challenge asks for something, so it is sent
 * even when the client could go first; PLAIN's is empty. */
struct sasl_mechanism {
	const char *name;
	bool plaintext;         /* who reads the line reads the password */
	/* What the client's n-th message (0, 1, ...), decoded, leads to. */
	enum sasl_result (*message)(struct sasl_server *s, unsigned n, slice message);
	const char *challenges[2];      /* asks for message n; "" when it needs no asking */
};

struct sasl_server {
	const struct sasl_mechanism *mechanism; /* NULL: not started, or over */
	unsigned n;                             /* messages taken so far */
	unsigned char bytes[SASL_MESSAGE_MAX];  /* the decoded message */
	unsigned char login[SASL_LOGIN_MAX];
	unsigned char secret[SASL_SECRET_MAX];
	size_t login_len, secret_len;
};

/* s is zeroed or wiped. mechanism: its name, in either case. initial: the
 * initial response as it came ("=" is an empty one), or NULL for none. */
enum sasl_result sasl_server_start(struct sasl_server *s, slice mechanism,
    const slice *initial) __attribute__((warn_unused_result));

/* The client's line without CRLF; only while the last result was SASL_CHALLENGE. */
enum sasl_result sasl_server_step(struct sasl_server *s, slice line)
    __attribute__((warn_unused_result));

/* Append the challenge in base 64, at most SASL_CHALLENGE_MAX bytes. */
void sasl_server_challenge(const struct sasl_server *s, struct buffer *out);

/* After SASL_DONE: 1 to SASL_LOGIN_MAX and 1 to SASL_SECRET_MAX bytes without
 * NUL, not checked for anything else. Borrowed until the wipe. */
slice sasl_server_login(const struct sasl_server *s);
slice sasl_server_secret(const struct sasl_server *s);

/* Overwrite what came from the client; s can start again. */
void sasl_server_wipe(struct sasl_server *s);

/* Append the names for EHLO's AUTH and CAPA's SASL: "PLAIN LOGIN". */
void sasl_mechanism_names(struct buffer *out);

#endif
