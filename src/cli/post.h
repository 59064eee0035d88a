/* cli/post.h - hands one message to a server over one connection. `send` and
 * `sendmail` are this with a message.
 *
 * (1) Recipients go in transactions of up to POST_BATCH_MAX. Whom the server refuses
 *     with 452 ("too many recipients") beside others goes in the next one.
 * (2) A transaction that the server took is never taken back: `n_taken` counts those
 *     who have the message, whatever came later.
 * (3) After POST_UNSURE the server may have the message for those of the transaction
 *     under way: there was no word on it that can be read. */
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

/* What became of one recipient. */
enum post_fate {
	POST_WAITS,                     /* for a transaction */
	POST_LATER,                     /* the same, after a 452 */
	POST_ASKED,                     /* in the transaction under way */
	POST_ACCEPTED,                  /* 2xx to RCPT; the word on the message is due */
	POST_SAID_NO,                   /* to this one: code and words say why */
	POST_HAS_IT,
};

struct post_recipient {
	enum post_fate fate;
	unsigned code;                  /* LATER, SAID_NO */
	slice words;                    /* printable */
};

struct post {
	/* Filled by the caller; borrowed until post_run() returns. */
	struct os *os;
	const char *command;            /* for lines on stderr: "send" */
	const struct post_server *server;
	slice hostname;                 /* ours, for EHLO */
	slice login, secret;            /* an empty login: none */
	slice from;                     /* empty: <> */
	const slice *addresses;
	size_t n_recipients;
	slice parts[POST_PARTS_MAX];    /* of the message */
	bool has_options;               /* --tls, --ca, --insecure: worth a hint */
	bool verbose;                   /* the dialogue on stdout, as it happens */

	/* What came of it. */
	struct post_recipient *recipients;      /* of addresses; until post_finish() */
	size_t n_taken, n_refused;      /* have it; were refused by themselves */
	enum post_outcome outcome;      /* for all others, if there are any */
	unsigned code;                  /* of the last word; 0: nobody said one */
	char words[POST_WORDS_MAX];     /* the last word, or why there was none; printable */

	/* Its own. */
	struct arena arena;
	struct link link;
	size_t address;                 /* of the server, that is tried */
	struct smtp_client_config config;
	struct smtp_client *client;
	struct smtp_client_message message;
	slice paths[POST_BATCH_MAX];    /* of the transaction */
	size_t batch[POST_BATCH_MAX];   /* whose they are */
	size_t part, part_at;
	bool up, greeted, in_body, body_ended;
	bool over;                      /* nothing is left to be sent: outcome stands */
	struct transcript transcript;
	unsigned long shown_lines;      /* of the message, shown or not */
};

/* Zeroed but for the caller's fields. Runs the loop until it is over. A recipient's
 * refusal is told at once (post_report.h). */
void post_run(struct post *p);
void post_finish(struct post *p);

/* This host's name if it has one that EHLO may say, else "localhost". */
slice post_hostname(struct arena *arena);

#endif
