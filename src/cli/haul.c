/* cli/haul.c - progress and summary. */
#include "cli/haul.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/text.h"
#include "cli/cli.h"
#include "mail/utf8.h"

static volatile sig_atomic_t stopped;

/* A second one ends us at once: what was begun is there, or it is not. */
static void on_signal(int number)
{
	stopped = 1;
}

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void haul_begin(struct haul *t, struct mail_session *session, const char *verb)
{
	const struct sigaction action = { .sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND };

	*t = (struct haul){ .session = session, .heap = session->heap, .verb = verb,
		.live = isatty(STDERR_FILENO), .began_ms = now_ms(), .mailboxes = json_array() };
	t->shown_ms = t->began_ms;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

bool haul_stopped(void)
{
	return stopped != 0;
}

static double megabytes(uint64_t bytes)
{
	return (double)bytes / 1e6;
}

void haul_show(struct haul *t)
{
	uint64_t now = now_ms();
	double seconds = (double)(now - t->began_ms) / 1000;

	if (now - t->shown_ms < (t->live ? HAUL_LIVE_MS : HAUL_LINE_MS))
		return;
	t->shown_ms = now;
	fprintf(stderr, "%s%llu messages %s, %.1f MB, %.1f MB/s", t->live ? "\r" : "posthouse: ",
	    (unsigned long long)(t->done + t->present), t->verb, megabytes(t->at_bytes),
	    megabytes(t->at_bytes) / seconds);
	if (t->total_bytes > t->at_bytes)
		fprintf(stderr, ", %.1f MB left", megabytes(t->total_bytes - t->at_bytes));
	else if (t->total_messages > t->at_messages)
		fprintf(stderr, ", %llu messages left",
		    (unsigned long long)(t->total_messages - t->at_messages));
	fprintf(stderr, "%s", t->live ? "\x1b[K" : "\n");
}

static bool is_plain(slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] < ' ' || text.ptr[i] == 0x7f)
			return false;
	}
	return utf8_valid(text);
}

static void say(struct haul *t, const char *format, va_list args)
{
	char line[4 * 4096], shown[4 * 4096];
	slice text;

	vsnprintf(line, sizeof line, format, args);
	text = slice_from(line);
	/* Names of files are anybody's. */
	if (!is_plain(text))
		text = slice_from(text_printable(text, shown, sizeof shown));
	fprintf(stderr, "%sposthouse: %.*s\n", t->live ? "\r\x1b[K" : "", slice_arg(text));
}

void haul_fail(struct haul *t, const char *format, ...)
{
	va_list args;

	t->failed++;
	va_start(args, format);
	say(t, format, args);
	va_end(args);
}

void haul_note(struct haul *t, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(t, format, args);
	va_end(args);
}

static void print_json(const struct haul *t, bool whole, double seconds)
{
	json_t *row = json_pack("{s:I, s:I, s:I, s:I, s:f, s:b, s:O}", t->verb,
	    (json_int_t)t->done, "present", (json_int_t)t->present, "failed",
	    (json_int_t)t->failed, "bytes", (json_int_t)t->done_bytes, "seconds", seconds, "whole",
	    whole, "mailboxes", t->mailboxes);

	json_dumpf(row, stdout, JSON_INDENT(1));
	printf("\n");
	json_decref(row);
}

static const char *plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

int haul_end(struct haul *t, bool ok, bool json)
{
	double seconds = (double)(now_ms() - t->began_ms) / 1000;
	bool whole = ok && !stopped;

	if (t->live)
		fprintf(stderr, "\r\x1b[K");
	if (!ok && t->done + t->present + t->failed == 0) {
		/* The line that says why is all. */
	} else if (json) {
		print_json(t, whole, seconds);
	} else {
		printf("%s %llu message%s (%.1f MB) in %.1f s", t->verb,
		    (unsigned long long)t->done, plural(t->done), megabytes(t->done_bytes),
		    seconds);
		if (t->present > 0)
			printf("; %llu were there already", (unsigned long long)t->present);
		if (t->failed > 0)
			printf("; %llu failed", (unsigned long long)t->failed);
		printf("\n");
	}
	if (stopped && ok)
		fprintf(stderr, "posthouse: stopped before the end; run the same again to go on\n");
	json_decref(t->mailboxes);
	return whole && t->failed == 0 ? CLI_OK : CLI_FAILED;
}
