/* cli/post.h - hands one message to a server: one connection, one transaction.
 * `send` and `sendmail` are this with a message.
 *
 * (1) A recipient's refusal is told at once; the outcome at the end.
 * (2) After POST_UNSURE the server may have the message: the connection was lost
 *     between the end of the message and the server's word on it. */
#ifndef CLI_POST_H
#define CLI_POST_H

#include "os/link.h"
#include "cli/post_server.h"
#include "cli/transcript.h"
#include "smtp/client.h"

enum post_outcome {
	POST_UNREACHED,                 /* no server, or it left without a word */
	POST_UNSURE,
	POST_REFUSED,                   /* code: the server's, or 0 */
	POST_TAKEN,                     /* for the recipients that were not refused */
};

enum { POST_PARTS_MAX = 2 };

struct post {
	/* Filled by the caller; borrowed until post_run() returns. */
	struct os *os;
	const struct post_server *server;
	slice hostname;                 /* ours, for EHLO */
	slice login, secret;            /* an empty login: none */
	slice from;                     /* empty: <> */
	const slice *recipients;
	size_t n_recipients;
	slice parts[POST_PARTS_MAX];    /* of the message */
	bool verbose;                   /* the dialogue on stdout, as it happens */
	/* words: printable, one line. */
	void (*refused)(struct post *p, size_t index, unsigned code, const char *words);
	void *owner;

	/* What came of it. */
	enum post_outcome outcome;
	unsigned code;                  /* of the last word; 0: nobody said one */
	char words[POST_WORDS_MAX];     /* the last word, or why there was none; printable */
	size_t n_refused;               /* recipients */

	/* Its own. */
	struct link link;
	size_t address;                 /* that is tried */
	struct smtp_client_config config;
	struct smtp_client *client;
	struct smtp_client_message message;
	size_t part, part_at;
	bool up, greeted, sent, in_body, body_ended, answered;
	struct transcript transcript;
	unsigned long shown_lines;      /* of the message, shown or not */
};

/* Zeroed but for the caller's fields. Runs the loop until it is over. */
void post_run(struct post *p);

/* This host's name if it has one that EHLO may say, else "localhost". */
slice post_hostname(struct arena *arena);

#endif
