/* cli/bench.c - posthouse bench smtp: a load generator on our own client engine. */
#include "cli/bench.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/text.h"
#include "cli/bench_imap.h"
#include "cli/bench_text.h"
#include "cli/commands.h"
#include "mail/date.h"
#include "os/os_uv.h"

enum { TICK_MS = 200 };

static void finish(struct bench *b)
{
	os_timer_stop(b->os, &b->tick);
	os_signal_stop(b->os, &b->interrupt);
	bench_bar_end(b);
	os_stop(b->os, 0);
}

void bench_fault(struct bench *b, slice words)
{
	char *first = b->result.first_fault;

	if (first[0] == 0)
		text_printable(words, first, sizeof b->result.first_fault);
}

/* ---- the phases ---- */

void bench_counted(struct bench *b, bool ok)
{
	if (b->waiting || b->result.interrupted) {
		finish(b);
		return;
	}
	if (!ok) {
		bench_fault(b, slice_lit("the mailboxes can't be read"));
		finish(b);
		return;
	}
	bench_smtp_start(b);
}

void bench_sent(struct bench *b)
{
	if (b->plan.n_mailboxes == 0 || b->result.interrupted) {
		finish(b);
		return;
	}
	b->waiting = true;
	bench_pop3_start(b);
}

static void on_tick(struct os_timer *timer)
{
	struct bench *b = timer->owner;

	bench_bar(b);
	os_timer_start(b->os, timer, TICK_MS);
}

static void on_interrupt(struct os_signal *signal)
{
	struct bench *b = signal->owner;

	if (b->result.interrupted)
		return;
	b->result.interrupted = true;
	if (b->active > 0)
		bench_smtp_stop(b);
	else
		bench_pop3_stop(b);
}

/* ---- set-up ---- */

static bool make_tls(struct bench *b)
{
	char error[TLS_ERROR_TEXT];

	if (b->plan.tls == BENCH_TLS_NONE)
		return true;
	b->tls = tls_client_context(os_heap(b->os), (slice){ 0 }, error, sizeof error);
	if (b->tls == NULL)
		cli_fail("bench: %s", error);
	return b->tls != NULL;
}

static void start(struct bench *b)
{
	text_from_u64(os_random_u64(b->os), b->run);
	date_print(os_wall_us(b->os), b->date);
	b->text = bench_text_make(&b->arena, b->plan.size);
	b->result.latency_us = heap_alloc(os_heap(b->os),
	    b->plan.messages * sizeof *b->result.latency_us);
	b->bar = !b->plan.json && isatty(STDERR_FILENO);
	b->interrupt = (struct os_signal){ .caught = on_interrupt, .owner = b };
	os_signal_start(b->os, &b->interrupt, SIGINT);
	b->tick = (struct os_timer){ .fire = on_tick, .owner = b };
	if (b->bar)
		os_timer_start(b->os, &b->tick, TICK_MS);
	if (b->plan.n_mailboxes > 0 && !b->plan.before_known)
		bench_pop3_start(b);
	else
		bench_smtp_start(b);
}

/* Everything was accepted, and delivered where that was looked at. */
static bool succeeded(const struct bench *b)
{
	unsigned long expected = 0;

	for (size_t i = 0; i < b->plan.n_mailboxes; i++)
		expected += b->plan.mailboxes[i].expected;
	return b->result.accepted == b->plan.messages && b->result.recipients_refused == 0 &&
	    b->result.delivered == expected;
}

static int run_smtp(const struct cli_args *args)
{
	const struct os_uv_options options = { .name = "bench", .log_from = OS_ERROR };
	struct bench b = { .os = os_uv_create(&options) };
	int status;

	b.arena = arena_init(os_heap(b.os), SIZE_MAX);
	status = bench_plan_read(&b, args);
	if (status == CLI_OK && !make_tls(&b))
		status = CLI_FAILED;
	if (status == CLI_OK) {
		start(&b);
		os_uv_run(b.os);
		bench_report(&b);
		status = succeeded(&b) ? CLI_OK : CLI_FAILED;
		tls_context_unref(b.tls);
	}
	os_uv_destroy(b.os);
	return status;
}

static int run(const struct cli_args *args)
{
	if (strcmp(args->words[0], "imap") == 0)
		return bench_imap_run(args);
	return run_smtp(args);
}

const struct cli_command cli_bench = {
	.name = "bench",
	.words = "smtp | imap",
	.words_min = 1,
	.words_max = 1,
	.summary = "measure how fast a server takes, delivers and shows messages",
	.details =
	    "It starts no server. With one of ours to try:\n"
	    "    posthouse serve --demo --json --data /tmp/try > /tmp/demo.json &\n"
	    "    posthouse bench smtp --demo /tmp/demo.json --messages 10000\n"
	    "Any other server will do: --to, and --recipients or --rcpt-template. \"delivered\"\n"
	    "counts messages that POP3 shows in the mailboxes of --pop3-login, whose logins\n"
	    "must be the recipients' addresses, or of all recipients, if they have one\n"
	    "password (--pop3-password). Certificates are not judged. Bodies are words that\n"
	    "compress as mail does.\n"
	    "It exits with 1 unless every message was accepted (and delivered).\n"
	    "`bench imap` fills two mailboxes of its own by APPEND, unless they are full already\n"
	    "(bench: --messages, 20000, of --size, 8192; bench-few), and measures SELECT, FETCH,\n"
	    "SEARCH, STORE, COPY, MOVE, EXPUNGE, APPEND and sessions; --to, --demo, --auth, --tls none\n"
	    "or tls, --sessions (50), --logins, --appends, --pid, --json are for it.\n",
	.options = {
		{ "--to", "ADDR:PORT", "The SMTP server." },
		{ "--demo", "FILE", "Server, recipients and mailboxes from serve's JSON line." },
		{ "--sessions", "N", "Connections at the same time (10)." },
		{ "--messages", "N", "How many in all (1000)." },
		{ "--size", "BYTES", "Of each message (10240)." },
		{ "--recipients", "A,B,...", "Messages go to them in turn." },
		{ "--rcpt-template", "NAME", "Such as user%d@x: recipients from 1 to --users." },
		{ "--users", "N", "See --rcpt-template (100)." },
		{ "--per-message", "N", "Recipients of each message (1)." },
		{ "--from", "ADDRESS", "The sender (bench@client.example, or the login)." },
		{ "--new", NULL, "A new connection for each message." },
		{ "--tls", "HOW", "none, starttls or tls (none)." },
		{ "--auth", "LOGIN", "USER:PASSWORD, to log in first." },
		{ "--pop3", "ADDR:PORT", "Where to look for what was delivered." },
		{ "--pop3-login", "LOGIN", "USER:PASSWORD of a mailbox; may be repeated." },
		{ "--pop3-password", "SECRET", "Look into the mailboxes of all recipients." },
		{ "--pop3-before", "N", "Each holds N now: don't look before sending." },
		{ "--logins", "N", "imap: sessions in all, --sessions at a time (2000)." },
		{ "--appends", "N", "imap: messages appended one by one (1000)." },
		{ "--pid", "PID", "imap: the server's first process, for its CPU time." },
		{ "--json", NULL, "Print one JSON object." },
	},
	.run = run,
};
