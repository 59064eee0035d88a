/* auth/sasl.h - SASL, the server's side: PLAIN (RFC 4616), LOGIN, SCRAM-SHA-256 and
 * SCRAM-SHA-256-PLUS (RFC 5802, RFC 7677), as SMTP (RFC 4954), POP3 (RFC 5034) and
 * IMAP carry it.
 *
 * Sans-I/O: start() with the words of the AUTH command, then step() with each
 * line of the client, until the result is not SASL_CHALLENGE. The engine puts
 * "334 " or "+ " before the challenge and its own replies after the result:
 *
 *   result           SMTP         POP3         when
 *   SASL_CHALLENGE   334          +            send sasl_server_challenge()
 *   SASL_KEYS        (question)   (question)   SCRAM: how are the keys of login salted?
 *                                              then sasl_server_salted()
 *   SASL_DONE        (question)   (question)   login and secret are there to be judged; a
 *                                              proof that was right: sasl_server_proved()
 *   SASL_ACCEPTED    235          +OK          the client took the server's own proof
 *   SASL_UNBOUND     535 5.7.8    -ERR [AUTH]  the channel binding is none, or another's
 *   SASL_UNKNOWN     504 5.5.4    -ERR         no such mechanism
 *   SASL_CANCELLED   501 5.7.0    -ERR         the client sent "*"
 *   SASL_MALFORMED   501 5.5.2    -ERR         not base 64, a NUL, nothing where something must be
 *   SASL_LONG        500 5.5.6    -ERR         over a limit
 *   SASL_REFUSED     535 5.7.8    -ERR [AUTH]  wants to act as somebody else
 *
 * The struct has some KiB: take it from the heap when AUTH begins, and give it
 * back when the login is answered, after sasl_server_wipe(). */
#ifndef AUTH_SASL_H
#define AUTH_SASL_H

#include "auth/scram.h"
#include "base/buffer.h"
#include "base/limits.h"

enum sasl_result {
	SASL_CHALLENGE,
	SASL_KEYS,
	SASL_DONE,
	SASL_ACCEPTED,
	SASL_UNBOUND,
	SASL_UNKNOWN,
	SASL_CANCELLED,
	SASL_MALFORMED,
	SASL_LONG,
	SASL_REFUSED,
};

/* What a question of the engines asks of whoever knows the accounts. */
enum sasl_ask {
	SASL_ASK_PASSWORD,      /* is the secret the password? */
	SASL_ASK_SALT,          /* how are the keys salted? No secret */
	SASL_ASK_PROOF,         /* the secret: SCRAM_HASH_LEN bytes of proof, then the AuthMessage
	                         * that it is about */
	SASL_ASKS
};

/* What may be offered on a connection. */
enum {
	SASL_SCRAM = 1,         /* there are keys */
	SASL_BINDING = 2,       /* TLS, of which both sides know something: the -PLUS */
};

struct sasl_server;

/* For SASL_KEYS. */
struct sasl_salt {
	uint32_t iterations;
	unsigned char salt[SCRAM_SALT_LEN];
	unsigned char nonce[SCRAM_NONCE_LEN];   /* at random */
	/* Channel bindings, at most SCRAM_BINDING_MAX bytes: tls-exporter (RFC 9266) and
	 * tls-server-end-point (RFC 5929 s4); empty: there is none. */
	slice exporter, endpoint;
};

/* A row of the table. LOGIN's first challenge asks for something, so it is sent
 * even when the client could go first; PLAIN's is empty. */
struct sasl_mechanism {
	const char *name;
	unsigned needs;         /* SASL_SCRAM, SASL_BINDING */
	/* What the client's n-th message (0, 1, ...), decoded, leads to. */
	enum sasl_result (*message)(struct sasl_server *s, unsigned n, slice message);
	/* Asks for message n; "" when it needs no asking, NULL: what the mechanism composed. */
	const char *challenges[3];
};

enum scram_binding { SCRAM_UNBOUND, SCRAM_EXPORTER, SCRAM_ENDPOINT };

struct sasl_scram {
	enum scram_binding bound;
	bool proof;                             /* said is whole */
	size_t header_len, binding_len, challenge_len, nonce_len, text_len;
	unsigned char header[SCRAM_HEADER_MAX];         /* gs2-header */
	unsigned char binding[SCRAM_BINDING_MAX];
	char challenge[SCRAM_CHALLENGE_MAX];    /* "r=" nonce ... */
	unsigned char said[SCRAM_HASH_LEN + SCRAM_TEXT_MAX];    /* proof, then AuthMessage */
};

struct sasl_server {
	const struct sasl_mechanism *mechanism; /* NULL: not started, or over */
	unsigned n;                             /* messages taken so far */
	unsigned char bytes[SASL_MESSAGE_MAX];  /* the decoded message */
	unsigned char login[SASL_LOGIN_MAX];
	unsigned char secret[SASL_SECRET_MAX];
	size_t login_len, secret_len;
	unsigned offer;
	struct sasl_scram scram;
};

/* s is zeroed or wiped. offer: SASL_SCRAM, SASL_BINDING. mechanism: its name, in either
 * case. initial: the initial response as it came ("=" is an empty one), or NULL for none. */
enum sasl_result sasl_server_start(struct sasl_server *s, unsigned offer, slice mechanism,
    const slice *initial) __attribute__((warn_unused_result));

/* The client's line without CRLF; only while the last result was SASL_CHALLENGE. */
enum sasl_result sasl_server_step(struct sasl_server *s, slice line)
    __attribute__((warn_unused_result));

/* Append the challenge in base 64, at most SASL_CHALLENGE_MAX bytes. */
void sasl_server_challenge(const struct sasl_server *s, struct buffer *out);

/* After SASL_DONE or SASL_KEYS: what is to be asked. Login: 1 to SASL_LOGIN_MAX bytes
 * without NUL, not checked for anything else; a password likewise, to SASL_SECRET_MAX.
 * Borrowed until the wipe. */
enum sasl_ask sasl_server_ask(const struct sasl_server *s);
slice sasl_server_login(const struct sasl_server *s);
slice sasl_server_secret(const struct sasl_server *s);

/* The answer to SASL_KEYS; a challenge follows, unless it needs a binding that is not there. */
enum sasl_result sasl_server_salted(struct sasl_server *s, const struct sasl_salt *salt)
    __attribute__((warn_unused_result));
/* The proof was right: a challenge follows with this signature of SCRAM_HASH_LEN bytes. */
enum sasl_result sasl_server_proved(struct sasl_server *s, slice signature)
    __attribute__((warn_unused_result));

/* Overwrite what came from the client; s can start again. */
void sasl_server_wipe(struct sasl_server *s);

/* Append the names for EHLO's AUTH and CAPA's SASL: "PLAIN LOGIN SCRAM-SHA-256". */
void sasl_mechanism_names(unsigned offer, struct buffer *out);

#endif
