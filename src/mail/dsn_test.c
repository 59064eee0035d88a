/* mail/dsn_test.c - what a report says, to people and to programs. */
#include "unit.h"

#include "mail/dsn.h"

static void status_comes_from_the_reply(void **state)
{
	static const struct {
		const char *reply;
		bool delayed;
		const char *want;
	} table[] = {
		{ "550 5.1.1 nobody", false, "5.1.1" },
		{ "550-5.7.1 no", false, "5.7.1" },
		{ "550 no such user", false, "5.0.0" },
		{ "450 later", true, "4.0.0" },
		{ "450 4.2.0 later", true, "4.2.0" },
		{ "4.4.7 too long", false, "4.4.7" },
		{ "5.1.10 null MX", false, "5.1.10" },
		{ "connection lost", true, "4.0.0" },
		{ "connection lost", false, "5.0.0" },
		{ "", false, "5.0.0" },
		{ "550", false, "5.0.0" },
		{ "550 5.1", false, "5.0.0" },
		{ "550 5..1 x", false, "5.0.0" },
		{ "550 9.1.1 x", false, "5.0.0" },
		/* Of another class than the code; no word of its own; zeros before it. */
		{ "550 4.2.2 full", false, "5.0.0" },
		{ "450 2.1.5 ok", true, "4.0.0" },
		{ "550 5.1.1234 x", false, "5.0.0" },
		{ "550 5.1.1.2 x", false, "5.0.0" },
		{ "550 5.1.1abc", false, "5.0.0" },
		{ "550 5.01.1 x", false, "5.0.0" },
		{ "550 5.1.0 x", false, "5.1.0" },
		{ "550 5.7.1", false, "5.7.1" },
		{ "2.0.0 ok", false, "5.0.0" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		char text[DSN_STATUS_TEXT];

		assert_string_equal(dsn_status(slice_from(table[i].reply), table[i].delayed,
		    text), table[i].want);
	}
}

static const struct dsn_recipient two[] = {
	{ slice_lit("a@b.example"), slice_lit("550 5.1.1 nobody here") },
	{ slice_lit("\xc3\xa4@b.example"), slice_lit("4.4.7 it took too long") },
};

static void a_failure_is_a_report(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct buffer out = buffer_init(heap, 65536);
	const struct dsn dsn = { .hostname = slice_lit("mx.a.example"),
	    .to = slice_lit("bob@a.example"), .id = slice_lit("1.x.2"),
	    .envelope_id = slice_lit("1.x.1"), .now_us = 1700000000000000,
	    .arrival_us = 1699990000000000, .recipients = two, .n_recipients = 2,
	    .head = slice_lit("Subject: hello\r\n") };

	(void)state;
	dsn_write(&dsn, &out);
	assert_slice(buffer_bytes(&out), slice_lit(
	    "From: Mail Delivery System <MAILER-DAEMON@mx.a.example>\r\n"
	    "To: <bob@a.example>\r\n"
	    "Subject: Undelivered mail returned to sender\r\n"
	    "Date: Tue, 14 Nov 2023 22:13:20 +0000\r\n"
	    "Message-ID: <1.x.2@mx.a.example>\r\n"
	    "Auto-Submitted: auto-replied\r\n"
	    "MIME-Version: 1.0\r\n"
	    "Content-Type: multipart/report; report-type=delivery-status;\r\n"
	    "\tboundary=\"=_1.x.2\"\r\n"
	    "Content-Transfer-Encoding: 8bit\r\n"
	    "\r\n"
	    "--=_1.x.2\r\n"
	    "Content-Type: text/plain; charset=utf-8\r\n"
	    "Content-Transfer-Encoding: 8bit\r\n"
	    "\r\n"
	    "This is the mail server mx.a.example.\r\n"
	    "\r\n"
	    "Your message could not be delivered to:\r\n"
	    "\r\n"
	    "  <a@b.example>\r\n"
	    "      550 5.1.1 nobody here\r\n"
	    "\r\n"
	    "  <\xc3\xa4@b.example>\r\n"
	    "      4.4.7 it took too long\r\n"
	    "\r\n"
	    "It is not tried again. The header of your message is attached.\r\n"
	    "\r\n"
	    "--=_1.x.2\r\n"
	    "Content-Type: message/global-delivery-status\r\n"
	    "Content-Transfer-Encoding: 8bit\r\n"
	    "\r\n"
	    "Reporting-MTA: dns; mx.a.example\r\n"
	    "X-Posthouse-Queue-ID: 1.x.1\r\n"
	    "Arrival-Date: Tue, 14 Nov 2023 19:26:40 +0000\r\n"
	    "\r\n"
	    "Final-Recipient: rfc822; a@b.example\r\n"
	    "Action: failed\r\n"
	    "Status: 5.1.1\r\n"
	    "Diagnostic-Code: smtp; 550 5.1.1 nobody here\r\n"
	    "\r\n"
	    "Final-Recipient: utf-8; \xc3\xa4@b.example\r\n"
	    "Action: failed\r\n"
	    "Status: 4.4.7\r\n"
	    "\r\n"
	    "--=_1.x.2\r\n"
	    "Content-Type: text/rfc822-headers\r\n"
	    "\r\n"
	    "Subject: hello\r\n"
	    "\r\n"
	    "--=_1.x.2--\r\n"));
	heap_drop(heap);
}

static void a_delay_says_until_when(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct buffer out = buffer_init(heap, 65536);
	const struct dsn dsn = { .delayed = true, .hostname = slice_lit("mx.a.example"),
	    .to = slice_lit("bob@a.example"), .id = slice_lit("1.x.2"),
	    .now_us = 1700000000000000, .arrival_us = 1699990000000000,
	    .until_us = 1700400000000000, .recipients = two, .n_recipients = 1,
	    .head = slice_lit("X: \xc3\xa4\r\n") };
	slice text;

	(void)state;
	dsn_write(&dsn, &out);
	text = buffer_bytes(&out);
	assert_true(slice_find(text, slice_lit("\r\nAction: delayed\r\n")) < text.len);
	assert_true(slice_find(text, slice_lit("\r\nWill-Retry-Until: Sun, 19 Nov 2023 13:20:00 "
	    "+0000\r\n")) < text.len);
	assert_true(slice_find(text, slice_lit("message/global-headers\r\n"
	    "Content-Transfer-Encoding: 8bit\r\n")) < text.len);
	assert_true(slice_find(text, slice_lit("Content-Type: message/delivery-status\r\n\r\n")) <
	    text.len);
	assert_true(slice_find(text, slice_lit("boundary=\"=_1.x.2\"\r\n"
	    "Content-Transfer-Encoding: 8bit\r\n\r\n")) < text.len);
	assert_true(slice_find(text, slice_lit("Queue-ID")) == text.len);
	heap_drop(heap);
}

static void a_header_that_is_no_utf8(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct buffer out = buffer_init(heap, 65536);
	const struct dsn dsn = { .hostname = slice_lit("mx.a.example"),
	    .to = slice_lit("bob@a.example"), .id = slice_lit("1.x.2"), .recipients = two,
	    .n_recipients = 1, .head = slice_lit("X: \xe4\r\n") };
	slice text;

	(void)state;
	dsn_write(&dsn, &out);
	text = buffer_bytes(&out);
	assert_true(slice_find(text, slice_lit("text/rfc822-headers\r\n"
	    "Content-Transfer-Encoding: 8bit\r\n\r\nX: \xe4\r\n")) < text.len);
	assert_true(slice_find(text, slice_lit("global")) == text.len);
	heap_drop(heap);
}

UNIT_TESTS(cmocka_unit_test(status_comes_from_the_reply),
    cmocka_unit_test(a_failure_is_a_report), cmocka_unit_test(a_delay_says_until_when),
    cmocka_unit_test(a_header_that_is_no_utf8))
