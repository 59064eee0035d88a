/* cli/bench.h - what the files of `posthouse bench smtp` share.
 *
 *   BASELINE --> SENDING --> WAITING --> the report
 *
 * BASELINE and WAITING ask the given mailboxes by POP3 how many messages they
 * hold; BASELINE is left out if that is known; without mailboxes there is SENDING
 * only, and "delivered" is not measured. */
#ifndef CLI_BENCH_H
#define CLI_BENCH_H

#include "base/arena.h"
#include "base/table.h"
#include "cli/cli.h"
#include "os/link.h"
#include "pop3/client.h"
#include "smtp/client.h"

enum bench_tls { BENCH_TLS_NONE, BENCH_TLS_STARTTLS, BENCH_TLS_IMPLICIT };

struct bench_mailbox {
	slice login, secret;
	uint64_t before;                /* messages in it at the start */
	uint64_t now;
	uint64_t expected;              /* accepted for it since */
};

struct bench_recipient {
	slice address;
	struct bench_mailbox *mailbox;  /* NULL: not looked into */
};

struct bench_plan {
	struct os_address to;
	unsigned long sessions, messages, size, per_message;
	struct bench_recipient *recipients;     /* messages go to them in turn */
	size_t n_recipients;
	slice from;
	enum bench_tls tls;
	bool renew;                     /* a connection for each message */
	slice login, secret;            /* AUTH, unless login is empty */
	struct os_address pop3;
	struct bench_mailbox *mailboxes;
	size_t n_mailboxes;             /* 0: delivery is not measured */
	slice pop3_secret;              /* of all recipients; empty: see mailboxes */
	bool before_known;              /* how many are in each mailbox at the start */
	unsigned long before;
	bool json;
};

enum { BENCH_CODES = 600 };

struct bench_result {
	unsigned long accepted;
	unsigned long failed;           /* with a code, or 0: the connection was lost */
	unsigned long codes[BENCH_CODES];
	unsigned long recipients_refused;       /* of accepted messages */
	unsigned long refused_sessions; /* by code, or not even a connection */
	char first_fault[200];          /* printable; the rest is likely the same */
	uint32_t *latency_us;           /* of each accepted message, MAIL to the last reply */
	uint64_t started_us, accepted_us, delivered_us;
	unsigned long delivered;
	bool interrupted;
};

struct bench_session;
struct bench_poll;

struct bench {
	struct os *os;
	struct arena arena;             /* of the plan */
	struct bench_plan plan;
	struct bench_result result;
	struct tls_context *tls;
	struct smtp_client_config smtp_config;

	/* SENDING */
	struct bench_session *sessions;
	unsigned long next;             /* the message that nobody took yet */
	unsigned long active;           /* sessions */
	slice text;                     /* of the bodies */
	char date[40];
	char run[16];                   /* random, in each Message-ID */

	/* BASELINE, WAITING */
	struct bench_poll *poll;
	bool waiting;

	struct os_timer tick;           /* the progress bar */
	struct os_signal interrupt;
	bool bar;
};

/* bench_plan.c: judge the options; CLI_OK, or the exit status after a line. */
int bench_plan_read(struct bench *b, const struct cli_args *args);

/* bench_smtp.c: calls bench_sent() once all is sent, or nobody goes on. */
void bench_smtp_start(struct bench *b);
void bench_smtp_stop(struct bench *b);
void bench_sent(struct bench *b);
/* The first thing that went wrong is kept for the report. */
void bench_fault(struct bench *b, slice words);

/* bench_pop3.c: calls bench_counted(ok) when the baseline is there; when all
 * expected messages are, or none came for long. */
void bench_pop3_start(struct bench *b);
void bench_pop3_stop(struct bench *b);
void bench_counted(struct bench *b, bool ok);

/* bench_report.c */
void bench_bar(const struct bench *b);
void bench_bar_end(const struct bench *b);
void bench_report(struct bench *b);

#endif
