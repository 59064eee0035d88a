/* api/sample_test.h - the golden message of Mailpit's contract, and what tests want of
 * any message: taken apart, with a heap of its own. */
#ifndef API_SAMPLE_TEST_H
#define API_SAMPLE_TEST_H

#include "api/mail.h"
#include "base/limits.h"
#include "unit.h"

#define SAMPLE_PNG "iVBORw0KGgo="
static const char sample[] =
    "Return-Path: <bounce@example.com>\r\n"
    "Delivered-To: all@mock\r\n"
    "Received: from c.example (localhost [127.0.0.1])\r\n"
    "\tby mock with ESMTP id 1; Tue, 1 Jul 2025 08:00:01 +0000\r\n"
    "From: =?utf-8?q?Alice_=C3=9Cn=C3=AF?= <alice@example.com>\r\n"
    "To: Bob <bob+tagA@example.org>,\r\n carol@example.org\r\n"
    "Cc: dan@example.net\r\n"
    "Reply-To: r@example.com\r\n"
    "Subject: caf=?utf-8?q?=C3=A9?= =?utf-8?q?s?= <1> & 2\r\n"
    "Date: Tue, 1 Jul 2025 10:00:00 +0200\r\n"
    "Message-ID: <4711@example.com>\r\n"
    "X-Tags: two words, one\r\n"
    "x-odd: a\r\nX-Odd: b\r\n"
    "MIME-Version: 1.0\r\n"
    "Content-Type: multipart/mixed; boundary=m\r\n"
    "\r\n"
    "--m\r\nContent-Type: multipart/alternative; boundary=a\r\n\r\n"
    "--a\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nHello\r\n"
    "--a\r\nContent-Type: multipart/related; boundary=r\r\n\r\n"
    "--r\r\nContent-Type: text/html; charset=iso-8859-1\r\n\r\n"
    "<p>Hi <a href=\"https://example.com/x\">l</a><img src=\"cid:logo1\"></p>\r\n"
    "--r\r\nContent-Type: image/png; name=l.png\r\nContent-ID: <logo1>\r\n"
    "Content-Disposition: attachment; filename=l.png\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    SAMPLE_PNG "\r\n--r--\r\n--a--\r\n"
    "--m\r\nContent-Type: application/octet-stream\r\n"
    "Content-Disposition: attachment; filename*=utf-8''%C3%A9%20a.bin\r\n\r\nabc\r\n--m--\r\n";

/* 2026-11-22T06:15:54.749Z */
static const int64_t sample_us = 1795328154749000;

static const slice sample_recipients[] = {
	{ (const unsigned char *)"bob+tagA@example.org", 20 },
	{ (const unsigned char *)"carol@example.org", 17 },
	{ (const unsigned char *)"dan@example.net", 15 },
	{ (const unsigned char *)"hidden@example.com", 18 },
};

static inline struct api_facts sample_facts(void)
{
	return (struct api_facts){
		.id = slice_lit("1.2x.1"), .mailbox = slice_lit("all"),
		.sender = slice_lit("bounce@example.com"), .recipients = sample_recipients,
		.n_recipients = 4, .received_us = sample_us, .size = 1930,
	};
}

struct sample_world {
	struct heap *heap;
	struct arena arena, more;       /* of the message; of what is asked of it */
	struct charsets *charsets;
	struct api_mail mail;
	slice raw;                      /* guarded */
	struct buffer out;
};

static inline struct sample_world sample_world(slice raw)
{
	struct sample_world w = { .heap = heap_create(SIZE_MAX), .raw = guarded_copy(raw) };

	w.arena = arena_init(w.heap, API_MAIL_ARENA_MAX);
	w.more = arena_init(w.heap, API_SUMMARY_ARENA_MAX);
	w.charsets = charsets_create(w.heap);
	w.out = buffer_init(w.heap, 64 * 1024 * 1024);
	w.mail = api_mail_read(w.raw, w.charsets, &w.arena);
	return w;
}

static inline void sample_end(struct sample_world *w)
{
	guarded_free(w->raw);
	heap_drop(w->heap);
}

/* What stands in `out`, and it is empty again. */
static inline slice sample_take(struct sample_world *w)
{
	slice text = slice_copy(&w->more, buffer_bytes(&w->out));

	buffer_free(&w->out);
	return text;
}

#endif
