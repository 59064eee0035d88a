/* cli/bench_imap.h - what the files of `posthouse bench imap` share.
 *
 *   log in -> fill the mailboxes, if they are not full -> the rows in turn -> log out
 *
 * One connection does all but the row of many sessions (bench_imap_crowd.c). */
#ifndef CLI_BENCH_IMAP_H
#define CLI_BENCH_IMAP_H

#include "base/arena.h"
#include "cli/bench_process.h"
#include "cli/cli.h"
#include "imap/client.h"
#include "os/link.h"

/* The mailboxes, as commands have them. */
#define BENCH_IMAP_BOX "bench"          /* of --messages */
#define BENCH_IMAP_FEW_BOX "bench-few"  /* of BENCH_IMAP_FEW, for many clients */

enum bench_imap_row_name {
	BENCH_IMAP_SELECT,
	BENCH_IMAP_FLAGS,
	BENCH_IMAP_HEADERS,
	BENCH_IMAP_AGAIN,
	BENCH_IMAP_BODIES,
	BENCH_IMAP_SUBJECT,
	BENCH_IMAP_TEXT,
	BENCH_IMAP_STORE,
	BENCH_IMAP_COPY,
	BENCH_IMAP_MOVE,
	BENCH_IMAP_EXPUNGE,
	BENCH_IMAP_APPEND,
	BENCH_IMAP_SESSIONS,
	BENCH_IMAP_ROWS,
};

struct bench_imap_row {
	bool done;
	double seconds;
	unsigned long count;            /* of what words[] in bench_imap_report.c says */
	uint64_t bytes;                 /* that came on the first connection */
	bool has_cpu, has_latency;
	double cpu_s;                   /* of the server, until it answered */
	double p50_ms, p99_ms;          /* of an APPEND, a session */
};

struct bench_imap_plan {
	struct os_address server;
	slice login, secret;
	bool tls, json;
	unsigned long messages, size, sessions, logins, appends;
	unsigned long pid;              /* the server's first process; 0: not known */
};

struct bench_imap;
struct bench_imap_peer;
struct bench_imap_crowd;

/* What happens on a connection, in this order. */
struct bench_imap_handler {
	void (*ready)(struct bench_imap_peer *peer);    /* logged in */
	void (*event)(struct bench_imap_peer *peer, const struct imap_client_event *event);
	void (*sent)(struct bench_imap_peer *peer);     /* there is room; may be NULL */
	void (*down)(struct bench_imap_peer *peer);     /* for whatever reason */
};

/* A connection (bench_imap_peer.c). It may be opened again in down(), not before. */
struct bench_imap_peer {
	struct bench_imap *bench;
	const struct bench_imap_handler *handler;
	struct link link;
	struct imap_client *client;
	bool is_ready;                  /* logged in */
	uint64_t bytes;                 /* that came, ever */
};

struct bench_imap_latencies {
	uint32_t *us;
	unsigned long n, max;
};

/* Messages that are appended one command after the other (bench_imap_append.c). */
struct bench_imap_append {
	const char *box;
	unsigned long next, end;        /* numbers of messages */
	unsigned long at_once, batch;   /* in one command; still to come of this one */
	uint64_t began_us;
	struct bench_imap_latencies *latencies;
	struct buffer message;
};

struct bench_imap {
	struct os *os;
	struct arena arena;
	struct bench_imap_plan plan;
	struct tls_context *tls;
	struct bench_imap_row rows[BENCH_IMAP_ROWS];
	char first_fault[200];          /* printable; the rest is likely the same */

	struct bench_imap_peer peer;    /* the first connection */
	bool literal_plus, multiappend;
	bool over;
	uint64_t held;                  /* messages in the mailbox that was selected last */
	size_t step;                    /* of steps[] */
	unsigned long count;            /* of untagged responses in this one */
	uint64_t began_us, bytes_before;
	struct bench_process_use before;
	struct bench_imap_latencies latencies;
	struct bench_imap_append append;
	struct bench_imap_crowd *crowd;

	slice text;                     /* of the bodies */
	char date[40];
	char run[16];
};

/* bench_imap.c: the options, judged; all of it. Returns CLI_*. */
int bench_imap_run(const struct cli_args *args);

/* bench_imap_peer.c */
void bench_imap_open(struct bench_imap_peer *peer);
void bench_imap_close(struct bench_imap_peer *peer);
void bench_imap_command(struct bench_imap_peer *peer, const char *text);
/* The first thing that went wrong is kept for the report. */
void bench_imap_fault(struct bench_imap *b, slice words);
void bench_imap_fault_event(struct bench_imap *b, const char *what,
    const struct imap_client_event *event);

/* bench_imap_append.c: appends the numbers from..end-1; the first connection is to hand on
 * its events until event() says that it is over: true, or false after a fault. */
enum bench_imap_progress { BENCH_IMAP_GOES_ON, BENCH_IMAP_DONE, BENCH_IMAP_FAULT };

void bench_imap_append_start(struct bench_imap *b, const char *box, unsigned long from,
    unsigned long end, bool one_by_one);
enum bench_imap_progress bench_imap_append_event(struct bench_imap *b,
    const struct imap_client_event *event);
void bench_imap_append_more(struct bench_imap *b);      /* there is room again */

/* bench_imap_rows.c */
void bench_imap_start(struct bench_imap *b);
/* By bench_imap_crowd.c: the sessions are over. */
void bench_imap_crowd_done(struct bench_imap *b);

/* bench_imap_crowd.c: plan.logins times login, SELECT, FETCH, LOGOUT; plan.sessions at a
 * time. */
void bench_imap_crowd_start(struct bench_imap *b);

/* bench_imap_report.c */
void bench_imap_add_latency(struct bench_imap_latencies *latencies, uint64_t us);
void bench_imap_take_latencies(struct bench_imap_latencies *latencies, struct bench_imap_row *row);
void bench_imap_report(const struct bench_imap *b);

#endif
