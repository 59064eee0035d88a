/* cli/bench_imap_report.c - what bench imap found, for people and as JSON. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "cli/bench_imap.h"

static const struct {
	const char *name, *words, *of;
} rows[BENCH_IMAP_ROWS] = {
	[BENCH_IMAP_SELECT] = { "select", "SELECT", "responses" },
	[BENCH_IMAP_FLAGS] = { "flags", "FETCH 1:* (FLAGS)", "messages" },
	[BENCH_IMAP_HEADERS] = { "envelope", "FETCH 1:* (... ENVELOPE BODYSTRUCTURE)", "messages" },
	[BENCH_IMAP_AGAIN] = { "envelope-again", "the same again", "messages" },
	[BENCH_IMAP_BODIES] = { "bodies", "FETCH 1:* BODY.PEEK[]", "messages" },
	[BENCH_IMAP_SUBJECT] = { "search-subject", "SEARCH SUBJECT", "responses" },
	[BENCH_IMAP_TEXT] = { "search-body", "SEARCH BODY", "responses" },
	[BENCH_IMAP_STORE] = { "store", "STORE 1:* +FLAGS", "messages" },
	[BENCH_IMAP_COPY] = { "copy", "COPY 1:*", "responses" },
	[BENCH_IMAP_MOVE] = { "move", "MOVE 1:*", "responses" },
	[BENCH_IMAP_EXPUNGE] = { "expunge", "EXPUNGE", "responses" },
	[BENCH_IMAP_APPEND] = { "append", "APPEND, one by one", "messages" },
	[BENCH_IMAP_SESSIONS] = { "sessions", "login, SELECT, FETCH 1:20, LOGOUT", "sessions" },
};

void bench_imap_add_latency(struct bench_imap_latencies *latencies, uint64_t us)
{
	if (latencies->n < latencies->max)
		latencies->us[latencies->n++] = us < UINT32_MAX ? (uint32_t)us : UINT32_MAX;
}

static int by_size(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

void bench_imap_take_latencies(struct bench_imap_latencies *latencies, struct bench_imap_row *row)
{
	unsigned long n = latencies->n;

	if (n == 0)
		return;
	qsort(latencies->us, n, sizeof *latencies->us, by_size);
	row->has_latency = true;
	row->p50_ms = latencies->us[(n + 1) / 2 - 1] / 1e3;
	row->p99_ms = latencies->us[(n * 99 + 99) / 100 - 1] / 1e3;
	latencies->n = 0;
}

static bool is_rate(size_t i)
{
	return i == BENCH_IMAP_APPEND || i == BENCH_IMAP_SESSIONS;
}

static void print_words(const struct bench_imap *b)
{
	char to[OS_ADDRESS_TEXT];

	os_address_print(&b->plan.server, to, sizeof to);
	printf("%lu messages of %lu bytes at %s\n", b->plan.messages, b->plan.size, to);
	for (size_t i = 0; i < BENCH_IMAP_ROWS; i++) {
		const struct bench_imap_row *row = &b->rows[i];

		if (!row->done)
			continue;
		printf("%-40s", rows[i].words);
		if (is_rate(i))
			printf(" %9.0f/s", row->seconds > 0 ? (double)row->count / row->seconds : 0);
		else
			printf(" %9.2f ms", row->seconds * 1e3);
		if (row->has_cpu)
			printf("  %7.2f s CPU", row->cpu_s);
		if (i == BENCH_IMAP_BODIES && row->seconds > 0)
			printf("  %.0f MB/s", (double)row->bytes / row->seconds / 1e6);
		if (row->has_latency)
			printf("  p50 %.2f ms  p99 %.2f ms", row->p50_ms, row->p99_ms);
		printf("\n");
	}
	if (b->first_fault[0] != 0)
		printf("first fault: %s\n", b->first_fault);
}

static json_t *row_json(const struct bench_imap_row *row, size_t i)
{
	json_t *json = json_pack("{s:f, s:I, s:I}", "seconds", row->seconds, rows[i].of,
	    (json_int_t)row->count, "bytes", (json_int_t)row->bytes);

	if (row->has_cpu)
		json_object_set_new(json, "cpu_seconds", json_real(row->cpu_s));
	if (row->has_latency) {
		json_object_set_new(json, "p50_ms", json_real(row->p50_ms));
		json_object_set_new(json, "p99_ms", json_real(row->p99_ms));
	}
	return json;
}

static void print_json(const struct bench_imap *b)
{
	json_t *all = json_object();
	json_t *root = json_pack("{s:I, s:I, s:o, s:s}", "messages", (json_int_t)b->plan.messages,
	    "size", (json_int_t)b->plan.size, "rows", all, "first_fault", b->first_fault);

	for (size_t i = 0; i < BENCH_IMAP_ROWS; i++) {
		if (b->rows[i].done)
			json_object_set_new(all, rows[i].name, row_json(&b->rows[i], i));
	}
	json_dumpf(root, stdout, JSON_COMPACT | JSON_REAL_PRECISION(6));
	printf("\n");
	json_decref(root);
}

void bench_imap_report(const struct bench_imap *b)
{
	if (b->plan.json)
		print_json(b);
	else
		print_words(b);
}
