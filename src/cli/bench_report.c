/* cli/bench_report.c - what bench found, for people and as JSON. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "cli/bench.h"

static const char *const tls_names[] = { "no TLS", "STARTTLS", "TLS" };

static double seconds(uint64_t from_us, uint64_t to_us)
{
	return to_us > from_us ? (double)(to_us - from_us) / 1e6 : 0;
}

static double rate(unsigned long n, double time)
{
	return time > 0 ? (double)n / time : 0;
}

/* ---- the bar ---- */

static unsigned long expected(const struct bench *b)
{
	unsigned long sum = 0;

	for (size_t i = 0; i < b->plan.n_mailboxes; i++)
		sum += b->plan.mailboxes[i].expected;
	return sum;
}

void bench_bar(const struct bench *b)
{
	enum { WIDTH = 30 };
	const struct bench_result *r = &b->result;
	unsigned long all = b->waiting ? expected(b) : b->plan.messages;
	unsigned long n = b->waiting ? r->delivered : r->accepted + r->failed;
	double time = seconds(r->started_us, os_now_us(b->os));
	int full = all > 0 ? (int)((double)WIDTH * (double)n / (double)all) : WIDTH;

	if (!b->bar || r->started_us == 0)
		return;
	full = full < WIDTH ? full : WIDTH;
	fprintf(stderr, "\r[%.*s%*s] %lu/%lu %s, %lu failed, %.0f/s ", full,
	    "##############################", WIDTH - full, "", n, all,
	    b->waiting ? "delivered" : "sent", r->failed, rate(n, time));
	fflush(stderr);
}

void bench_bar_end(const struct bench *b)
{
	if (!b->bar)
		return;
	bench_bar(b);
	fputc('\n', stderr);
}

/* ---- the numbers ---- */

static int by_size(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static const struct percentile {
	const char *name;
	unsigned per_cent;
} percentiles[] = { { "p50", 50 }, { "p90", 90 }, { "p99", 99 }, { "max", 100 } };

enum { PERCENTILES = sizeof percentiles / sizeof percentiles[0] };

/* Nearest rank, of the sorted latencies, in ms. */
static double percentile_ms(const struct bench_result *r, unsigned per_cent)
{
	size_t rank = (r->accepted * per_cent + 99) / 100;

	return r->accepted == 0 ? 0 : r->latency_us[rank > 0 ? rank - 1 : 0] / 1e3;
}

static unsigned long unsent(const struct bench *b)
{
	return b->plan.messages - b->result.accepted - b->result.failed;
}

static void print_faults(const struct bench *b)
{
	const struct bench_result *r = &b->result;

	printf("failed     %lu", r->failed);
	for (unsigned code = 0; code < BENCH_CODES; code++) {
		if (r->codes[code] == 0)
			continue;
		if (code == 0)
			printf("   connection lost: %lu", r->codes[code]);
		else
			printf("   %u: %lu", code, r->codes[code]);
	}
	printf("\n");
	if (r->recipients_refused > 0)
		printf("refused    %lu recipients of accepted messages\n", r->recipients_refused);
	if (r->refused_sessions > 0)
		printf("refused    %lu connections\n", r->refused_sessions);
	if (unsent(b) > 0)
		printf("not sent   %lu%s\n", unsent(b), r->interrupted ? " (interrupted)" : "");
	if (r->first_fault[0] != 0)
		printf("first      %s\n", r->first_fault);
}

static void print_words(const struct bench *b)
{
	const struct bench_plan *p = &b->plan;
	const struct bench_result *r = &b->result;
	double took = seconds(r->started_us, r->accepted_us);
	double delivered = seconds(r->started_us, r->delivered_us);
	char to[OS_ADDRESS_TEXT];

	os_address_print(&p->to, to, sizeof to);
	printf("%lu messages of %lu bytes to %s: %lu sessions, %s, %s\n", p->messages, p->size,
	    to, p->sessions, p->renew ? "new connections" : "connections reused",
	    tls_names[p->tls]);
	printf("accepted   %lu in %.3f s   %.0f/s\n", r->accepted, took, rate(r->accepted, took));
	if (p->n_mailboxes == 0)
		printf("delivered  not measured (--demo, or --pop3 and --pop3-login)\n");
	else
		printf("delivered  %lu of %lu in %.3f s   %.0f/s\n", r->delivered, expected(b),
		    delivered, rate(r->delivered, delivered));
	printf("latency   ");
	for (size_t i = 0; i < PERCENTILES; i++)
		printf(" %s %.2f ms  ", percentiles[i].name,
		    percentile_ms(r, percentiles[i].per_cent));
	printf("\n");
	print_faults(b);
}

static json_t *codes_json(const struct bench_result *r)
{
	json_t *codes = json_object();

	for (unsigned code = 0; code < BENCH_CODES; code++) {
		char name[8];

		snprintf(name, sizeof name, "%u", code);
		if (r->codes[code] > 0)
			json_object_set_new(codes, name, json_integer((json_int_t)r->codes[code]));
	}
	return codes;
}

static json_t *latency_json(const struct bench_result *r)
{
	json_t *latency = json_object();

	for (size_t i = 0; i < PERCENTILES; i++)
		json_object_set_new(latency, percentiles[i].name,
		    json_real(percentile_ms(r, percentiles[i].per_cent)));
	return latency;
}

static json_t *delivered_json(const struct bench *b)
{
	const struct bench_result *r = &b->result;
	double time = seconds(r->started_us, r->delivered_us);

	if (b->plan.n_mailboxes == 0)
		return json_null();
	return json_pack("{s:I, s:I, s:f, s:f}", "messages", (json_int_t)r->delivered,
	    "expected", (json_int_t)expected(b), "seconds", time,
	    "per_second", rate(r->delivered, time));
}

static void print_json(const struct bench *b)
{
	const struct bench_plan *p = &b->plan;
	const struct bench_result *r = &b->result;
	double took = seconds(r->started_us, r->accepted_us);
	/* When it started is of the monotonic clock, for who watches beside us. */
	json_t *root = json_pack("{s:I, s:I, s:I, s:I, s:b, s:s, s:{s:I, s:f, s:f}, s:o, s:o, s:I, "
	    "s:o, s:I, s:I, s:I, s:b, s:s}",
	    "started_us", (json_int_t)r->started_us,
	    "messages", (json_int_t)p->messages, "size", (json_int_t)p->size,
	    "sessions", (json_int_t)p->sessions, "new", p->renew, "tls", tls_names[p->tls],
	    "accepted", "messages", (json_int_t)r->accepted, "seconds", took,
	    "per_second", rate(r->accepted, took), "delivered", delivered_json(b),
	    "latency_ms", latency_json(r), "failed", (json_int_t)r->failed,
	    "codes", codes_json(r), "recipients_refused", (json_int_t)r->recipients_refused,
	    "refused_sessions", (json_int_t)r->refused_sessions,
	    "not_sent", (json_int_t)unsent(b), "interrupted", r->interrupted,
	    "first_fault", r->first_fault);

	json_dumpf(root, stdout, JSON_COMPACT | JSON_REAL_PRECISION(6));
	printf("\n");
	json_decref(root);
}

void bench_report(struct bench *b)
{
	qsort(b->result.latency_us, b->result.accepted, sizeof b->result.latency_us[0], by_size);
	if (b->plan.json)
		print_json(b);
	else
		print_words(b);
}
