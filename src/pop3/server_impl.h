/* pop3/server_impl.h - the server engine's inside, shared by its three files:
 * server.c (bytes, lines, events), server_login.c (AUTHORIZATION) and
 * server_mail.c (TRANSACTION).
 *
 *   AUTHORIZATION --login, then resume()--> TRANSACTION --QUIT, COMMIT--> OVER
 *         '--------------QUIT, too many errors, timeout-----------------^
 *
 * (1) Each command queues exactly one reply, a question's when it is answered.
 * (2) While an event is not taken, a question not answered, a list not wholly in
 *     the output, or the output nearly full, no command starts.
 * (3) Marks are carried out by COMMIT only: nothing else leads there than QUIT
 *     in TRANSACTION. */
#ifndef POP3_SERVER_IMPL_H
#define POP3_SERVER_IMPL_H

#include "auth/sasl.h"
#include "mail/dots.h"
#include "pop3/server.h"

enum pop3_state {                       /* bits: verbs name several */
	POP3_AUTHORIZATION = 1,
	POP3_TRANSACTION = 2,
	POP3_OVER = 4,
};

enum pop3_wait {
	POP3_WAIT_NOTHING,
	POP3_WAIT_TLS,                  /* after STLS, for _secured() */
	POP3_WAIT_LOGIN,
	POP3_WAIT_BODY,                 /* for _body_begin() or _fail() */
	POP3_WAIT_BODY_END,
	POP3_WAIT_COMMIT,
};

/* TOP's count of what it still lets through. */
struct pop3_top {
	bool header;                    /* before the blank line */
	bool after_cr;
	size_t line_len;                /* of the line so far */
	uint32_t lines;                 /* of the body, still to come */
	bool enough;
};

struct pop3_server {
	struct heap *heap;
	const struct pop3_server_config *config;
	enum pop3_state state;
	enum pop3_wait wait;
	bool secure, loopback;
	bool utf8;
	bool skipping;                  /* the rest of an over-long line */
	bool event_ready;
	unsigned errors;
	struct pop3_event event;
	struct buffer out;

	/* AUTHORIZATION: wiped when the login is answered. */
	struct buffer login, secret;    /* of USER and PASS */
	struct sasl_server *sasl;       /* of AUTH; NULL: none runs */
	bool sasl_running;              /* the next line belongs to it */

	/* TRANSACTION */
	struct pop3_message *messages;
	uint32_t n_messages;
	uint32_t n_left;                /* not marked as deleted */
	uint64_t octets_left;
	void (*list_row)(struct pop3_server *s, uint32_t number);       /* NULL: no list runs */
	uint32_t list_next;
	uint64_t body_size;
	struct dots_writer dots;
	struct pop3_top top;
};

/* The parsed arguments of a command. */
struct pop3_command {
	slice text;
	uint32_t number;                /* 0: not given */
	uint32_t lines;
};

/* What a verb takes. A number must be that of a message, not deleted. */
enum pop3_arguments {
	POP3_ARGS_NONE,
	POP3_ARGS_TEXT,                 /* all of the rest, at least one byte */
	POP3_ARGS_MAYBE_TEXT,
	POP3_ARGS_NUMBER,
	POP3_ARGS_MAYBE_NUMBER,
	POP3_ARGS_NUMBER_LINES,
};

struct pop3_verb {
	const char *name;
	unsigned states;                /* legal in */
	enum pop3_arguments arguments;
	void (*run)(struct pop3_server *s, const struct pop3_command *command);
};

/* server.c */
void pop3_reply_ok(struct pop3_server *s, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void pop3_reply_no(struct pop3_server *s, slice words); /* -ERR; no fault of the client's */
void pop3_reply_error(struct pop3_server *s, slice words);      /* counts, may end the session */
void pop3_raise(struct pop3_server *s, struct pop3_event event);
void pop3_end(struct pop3_server *s);                   /* QUIT event; OVER */
/* The answer to a question came: true when it was asked and still matters. */
bool pop3_answered(struct pop3_server *s, enum pop3_wait wait);

/* server_login.c */
void pop3_on_user(struct pop3_server *s, const struct pop3_command *command);
void pop3_on_pass(struct pop3_server *s, const struct pop3_command *command);
void pop3_on_auth(struct pop3_server *s, const struct pop3_command *command);
void pop3_on_auth_line(struct pop3_server *s, slice line);
void pop3_on_stls(struct pop3_server *s, const struct pop3_command *command);
void pop3_on_utf8(struct pop3_server *s, const struct pop3_command *command);
void pop3_on_capa(struct pop3_server *s, const struct pop3_command *command);
void pop3_forget_login(struct pop3_server *s);          /* wipes */

/* server_mail.c */
void pop3_on_stat(struct pop3_server *s, const struct pop3_command *command);
void pop3_on_list(struct pop3_server *s, const struct pop3_command *command);
void pop3_on_uidl(struct pop3_server *s, const struct pop3_command *command);
void pop3_on_retr(struct pop3_server *s, const struct pop3_command *command);
void pop3_on_top(struct pop3_server *s, const struct pop3_command *command);
void pop3_on_dele(struct pop3_server *s, const struct pop3_command *command);
void pop3_on_rset(struct pop3_server *s, const struct pop3_command *command);
void pop3_on_quit(struct pop3_server *s, const struct pop3_command *command);
void pop3_list_more(struct pop3_server *s);             /* as far as there is room */

#endif
