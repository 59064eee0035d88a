/* cli/bench_imap_append.c - messages that the load generator makes, and appends: one or, with
 * MULTIAPPEND, many in a command, without waiting before each where there is LITERAL+.
 *
 * Every second message is multipart/alternative, every hundredth has "needle" in its text. */
#include <stdio.h>

#include "base/check.h"
#include "base/limits.h"
#include "cli/bench_imap.h"
#include "cli/bench_text.h"

enum { NEEDLE = 100 };

/* ---- a message ---- */

static void add_text(struct bench_imap *b, unsigned long number, size_t size)
{
	struct buffer *m = &b->append.message;
	slice text = bench_text_body(b->text, number, size);

	/* It may begin between CR and LF: no lone LF goes out. */
	if (text.len > 0 && text.ptr[0] == '\n') {
		buffer_add(m, slice_lit("x"));
		text = slice_drop(text, 1);
	}
	buffer_add(m, text);
}

static void add_header(struct bench_imap *b, unsigned long number, bool multipart)
{
	struct buffer *m = &b->append.message;

	buffer_printf(m, "Return-Path: <sender%lu@client.example>\r\nDate: %s\r\n"
	    "From: \"Sender %lu\" <sender%lu@client.example>\r\n"
	    "To: Reader <reader@bench.example>, other%lu@bench.example\r\n"
	    "Subject: Re: a message for the bench, number %lu\r\n"
	    "Message-ID: <%s.%lu@bench.invalid>\r\nIn-Reply-To: <%s.%lu@bench.invalid>\r\n"
	    "MIME-Version: 1.0\r\n", number % 100, b->date, number % 100, number % 100, number % 50,
	    number, b->run, number, b->run, number / 2);
	buffer_add(m, multipart ?
	    slice_lit("Content-Type: multipart/alternative; boundary=\"=_bench\"\r\n\r\n") :
	    slice_lit("Content-Type: text/plain; charset=us-ascii\r\n\r\n"));
	if (multipart)
		buffer_add(m, slice_lit("--=_bench\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n"));
	if (number % NEEDLE == 0)
		buffer_add(m, slice_lit("There is a needle in here.\r\n"));
}

/* Of the size that was asked for, if header and boundaries leave room. */
static slice make_message(struct bench_imap *b, unsigned long number)
{
	static const char between[] =
	    "\r\n--=_bench\r\nContent-Type: text/html; charset=us-ascii\r\n\r\n<html><p>\r\n";
	static const char after[] = "\r\n--=_bench--\r\n";
	struct buffer *m = &b->append.message;
	bool multipart = number % 2 == 1;
	size_t used, rest;

	buffer_truncate(m, 0);
	add_header(b, number, multipart);
	used = buffer_bytes(m).len + (multipart ? sizeof between + sizeof after - 2 : 0);
	rest = b->plan.size > used ? b->plan.size - used : 0;
	if (!multipart) {
		add_text(b, number, rest);
		return buffer_bytes(m);
	}
	add_text(b, number, rest / 2);
	buffer_add(m, slice_from(between));
	add_text(b, number, rest - rest / 2);
	buffer_add(m, slice_from(after));
	return buffer_bytes(m);
}

/* ---- commands ---- */

/* What stands before the next message: "APPEND x {3+}", or "{3+}" behind the one before. */
static void announce(struct bench_imap *b, bool first)
{
	struct bench_imap_append *a = &b->append;
	slice message = make_message(b, a->next);
	char line[120];

	snprintf(line, sizeof line, "%s%s {%zu%s}", first ? "APPEND " : "", first ? a->box : "",
	    message.len, b->literal_plus ? "+" : "");
	if (first) {
		bench_imap_command(&b->peer, line);
		return;
	}
	imap_client_say(b->peer.client, slice_from(line));
	imap_client_say(b->peer.client, slice_lit("\r\n"));
}

static void give_message(struct bench_imap *b)
{
	struct bench_imap_append *a = &b->append;

	imap_client_say(b->peer.client, buffer_bytes(&a->message));
	a->next++;
	if (--a->batch > 0)
		announce(b, false);
	else
		imap_client_say(b->peer.client, slice_lit("\r\n"));
}

void bench_imap_append_more(struct bench_imap *b)
{
	struct bench_imap_append *a = &b->append;

	while (b->literal_plus && a->batch > 0 &&
	    imap_client_room(b->peer.client) > BENCH_IMAP_SIZE_MAX + BENCH_IMAP_HEADER_MAX)
		give_message(b);
}

static void begin_command(struct bench_imap *b)
{
	struct bench_imap_append *a = &b->append;
	unsigned long left = a->end - a->next;

	a->batch = left < a->at_once ? left : a->at_once;
	a->began_us = os_now_us(b->os);
	announce(b, true);
	bench_imap_append_more(b);
}

/* ---- start, and what comes ---- */

static enum bench_imap_progress finish(struct bench_imap *b, bool ok)
{
	buffer_free(&b->append.message);
	b->append = (struct bench_imap_append){ 0 };
	return ok ? BENCH_IMAP_DONE : BENCH_IMAP_FAULT;
}

void bench_imap_append_start(struct bench_imap *b, const char *box, unsigned long from,
    unsigned long end, bool one_by_one)
{
	check(from < end && b->append.box == NULL);
	b->append = (struct bench_imap_append){ .box = box, .next = from, .end = end,
		.at_once = one_by_one || !b->multiappend ? 1 : BENCH_IMAP_APPEND_AT_ONCE,
		.latencies = one_by_one ? &b->latencies : NULL,
		.message = buffer_init(os_heap(b->os), BENCH_IMAP_SIZE_MAX + BENCH_IMAP_HEADER_MAX) };
	begin_command(b);
}

enum bench_imap_progress bench_imap_append_event(struct bench_imap *b,
    const struct imap_client_event *event)
{
	struct bench_imap_append *a = &b->append;

	if (event->kind == IMAP_CLIENT_EVENT_CONTINUE && !b->literal_plus && a->batch > 0)
		give_message(b);
	if (event->kind != IMAP_CLIENT_EVENT_DONE)
		return BENCH_IMAP_GOES_ON;
	if (event->status != IMAP_CLIENT_OK || a->batch > 0) {
		bench_imap_fault_event(b, "APPEND", event);
		return finish(b, false);
	}
	if (a->latencies != NULL)
		bench_imap_add_latency(a->latencies, os_now_us(b->os) - a->began_us);
	if (a->next == a->end)
		return finish(b, true);
	begin_command(b);
	return BENCH_IMAP_GOES_ON;
}
