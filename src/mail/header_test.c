/* mail/header_test.c - fields, submissions, Received. */
#include "mail/header.h"

#include "mail/received.h"
#include "mail/submit.h"
#include "unit.h"

static const struct {
	const char *name, *text, *want; /* name=value; each, then how it ended */
} headers[] = {
	{ "two", "A: 1\r\nB:2\r\n\r\nbody", "A= 1;B=2;end" },
	{ "folded", "A: 1\r\n 2\r\n\t3\r\nB: x\r\n\r\n", "A= 1\r\n 2\r\n\t3;B= x;end" },
	{ "blank before colon", "A : 1\r\n\r\n", "A= 1;end" },
	{ "empty value", "A:\r\n\r\n", "A=;end" },
	{ "no header", "hello\r\n\r\n", "body" },
	{ "begins with a fold", " A: 1\r\n", "body" },
	{ "blank line first", "\r\nA: 1\r\n", "end" },
	{ "nothing", "", "end" },
	{ "ends without blank line", "A: 1\r\n", "A= 1;end" },
	{ "last line open", "A: 1\r\nB: 2", "A= 1;B= 2;end" },
	{ "body without blank line", "A: 1\r\nhello there\r\n", "A= 1;body" },
	{ "colon first", ": 1\r\n", "body" },
	{ "8-bit name", "\xe4: 1\r\n", "body" },
	{ "blanks only fold", "A: 1\r\n \r\nB: 2\r\n\r\n", "A= 1\r\n ;B= 2;end" },
};

static void scan(slice text, bool final, struct buffer *out)
{
	static const char *const ends[] = { "", "end", "body", "more" };
	struct header_field field;
	enum header_result result;

	while ((result = header_next(&text, final, &field)) == HEADER_FIELD)
		buffer_printf(out, "%.*s=%.*s;", slice_arg(field.name), slice_arg(field.value));
	buffer_printf(out, "%s", ends[result]);
}

static void test_scan(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);

	for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
		struct buffer out = buffer_init(heap, 1 << 16);
		slice text = guarded_copy(slice_from(headers[i].text));

		scan(text, true, &out);
		if (!slice_equal(buffer_bytes(&out), slice_from(headers[i].want)))
			fail_msg("%s: %.*s", headers[i].name, slice_arg(buffer_bytes(&out)));
		buffer_free(&out);
		guarded_free(text);
	}
	heap_drop(heap);
}

/* Of every beginning of a header, not final: what is said stays true later. */
static void test_every_beginning(void **state)
{
	const slice text = slice_lit("A: 1\r\n 2\r\nB: 3\r\n\r\nbody\r\n");
	struct heap *heap = heap_create(SIZE_MAX);

	for (size_t len = 0; len <= text.len; len++) {
		struct buffer out = buffer_init(heap, 1 << 16);
		slice part = guarded_copy(slice_head(text, len)), have;

		scan(part, false, &out);
		have = buffer_bytes(&out);
		if (slice_ends(have, slice_lit("more")))
			have.len -= 4;
		else
			assert_true(len >= 18);
		assert_true(slice_starts(slice_lit("A= 1\r\n 2;B= 3;end"), have));
		buffer_free(&out);
		guarded_free(part);
	}
	heap_drop(heap);
}

static const struct {
	const char *name, *text;
	enum submit_result want;
	const char *authors, *left;
	bool date, id;
} submissions[] = {
	{ "plain", "From: A <a@b>\r\nTo: c@d\r\n\r\nx", SUBMIT_OK, "a@b,",
	    "From: A <a@b>\r\nTo: c@d\r\n\r\nx", false, false },
	{ "all there", "date: x\r\nMESSAGE-ID: <1@2>\r\nFrom: a@b\r\n\r\n", SUBMIT_OK, "a@b,",
	    "date: x\r\nMESSAGE-ID: <1@2>\r\nFrom: a@b\r\n\r\n", true, true },
	{ "Bcc goes", "Bcc: x@y,\r\n z@y\r\nFrom: a@b\r\nresent-bcc: q@r\r\n\r\nBcc: stays\r\n",
	    SUBMIT_OK, "a@b,", "From: a@b\r\n\r\nBcc: stays\r\n", false, false },
	{ "Sender too", "From: a@b, c@d\r\nSender: e@f\r\n\r\n", SUBMIT_OK, "a@b,c@d,e@f,",
	    "From: a@b, c@d\r\nSender: e@f\r\n\r\n", false, false },
	{ "two From", "From: a@b\r\nFrom: c@d\r\n\r\n", SUBMIT_TWICE, NULL, NULL, false, false },
	{ "empty From", "From: \r\n\r\n", SUBMIT_BAD_FROM, NULL, NULL, false, false },
	{ "bad From", "From: me\r\n\r\n", SUBMIT_BAD_FROM, NULL, NULL, false, false },
	{ "no From", "Subject: x\r\n\r\n", SUBMIT_OK, "", "Subject: x\r\n\r\n", false, false },
	{ "no header", "hello\r\n", SUBMIT_OK, "", "hello\r\n", false, false },
	{ "no blank line", "From: a@b\r\nhello\r\nFrom: c@d\r\n\r\n", SUBMIT_BAD_HEADER, NULL,
	    NULL, false, false },
	{ "no header, a fold", " x\r\nFrom: c@d\r\n\r\n", SUBMIT_OK, "",
	    " x\r\nFrom: c@d\r\n\r\n", false, false },
	{ "many", "From: a@b,a@b,a@b,a@b,a@b,a@b,a@b,a@b,a@b,a@b,a@b,a@b,a@b,a@b,a@b,a@b,"
	    "a@b\r\n\r\n", SUBMIT_MANY, NULL, NULL, false, false },
};

static void test_submit(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);

	for (size_t i = 0; i < sizeof submissions / sizeof submissions[0]; i++) {
		struct arena arena = arena_init(heap, 1 << 16);
		struct buffer authors = buffer_init(heap, 1 << 16);
		slice text = guarded_copy(slice_from(submissions[i].text));
		unsigned char copy[512];
		struct submission s;
		enum submit_result have = submit_read(text, true, &arena, &s);

		if (have != submissions[i].want)
			fail_msg("%s: %d", submissions[i].name, have);
		if (have == SUBMIT_OK) {
			for (size_t k = 0; k < s.n_authors; k++)
				buffer_printf(&authors, "%.*s,", slice_arg(s.authors[k]));
			assert_slice(buffer_bytes(&authors), slice_from(submissions[i].authors));
			memcpy(copy, text.ptr, text.len);
			assert_slice(slice_of(copy, submit_cut(&s, copy, text.len)),
			    slice_from(submissions[i].left));
			assert_int_equal(s.has_date, submissions[i].date);
			assert_int_equal(s.has_message_id, submissions[i].id);
		}
		buffer_free(&authors);
		arena_reset(&arena);
		guarded_free(text);
	}
	heap_drop(heap);
}

static void test_submit_fields(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct arena arena = arena_init(heap, 1 << 16);
	struct buffer out = buffer_init(heap, 1 << 16);
	struct submission s;

	assert_int_equal(submit_read(slice_lit("From: a@b\r\n"), false, &arena, &s), SUBMIT_MORE);
	assert_int_equal(submit_read(slice_lit("From: a@b\r\n\r\n"), false, &arena, &s), SUBMIT_OK);
	submit_add_fields(&s, 0, slice_lit("1.a.2"), slice_lit("mx.example"), &out);
	assert_slice(buffer_bytes(&out), slice_lit("Date: Thu, 1 Jan 1970 00:00:00 +0000\r\n"
	    "Message-ID: <1.a.2@mx.example>\r\n"));
	heap_drop(heap);
}

static void test_received(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct buffer out = buffer_init(heap, 1 << 16);
	struct received r = { .helo = slice_lit("c(x).example"), .extended = true, .tls = true,
	    .auth = true, .peer_ip = slice_lit("2001:db8::1"), .by = slice_lit("mx.example"),
	    .tls_version = slice_lit("TLSv1.3"), .tls_cipher = slice_lit("TLS_AES_256_GCM_SHA384"),
	    .id = slice_lit("1.a.2"), .recipient = slice_lit("a@b") };

	received_write(&r, &out);
	assert_slice(buffer_bytes(&out), slice_lit(
	    "Received: from c?x?.example ([IPv6:2001:db8::1])\r\n"
	    "\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384)\r\n"
	    "\tby mx.example (Posthouse) with ESMTPSA id 1.a.2\r\n"
	    "\tfor <a@b>; Thu, 1 Jan 1970 00:00:00 +0000\r\n"));
	buffer_free(&out);
	r = (struct received){ .peer_ip = slice_lit("192.0.2.1"), .by = slice_lit("mx.example"),
	    .id = slice_lit("1.a.2") };
	received_write(&r, &out);
	assert_slice(buffer_bytes(&out), slice_lit(
	    "Received: from unknown ([192.0.2.1])\r\n"
	    "\tby mx.example (Posthouse) with SMTP id 1.a.2; Thu, 1 Jan 1970 00:00:00 +0000\r\n"));
	buffer_free(&out);
	r.peer_ip = (slice){ 0 };
	received_write(&r, &out);
	assert_slice(buffer_bytes(&out), slice_lit("Received: by mx.example (Posthouse) id 1.a.2; "
	    "Thu, 1 Jan 1970 00:00:00 +0000\r\n"));
	r.extended = r.utf8 = r.auth = true;
	assert_string_equal(received_protocol(&r), "UTF8SMTPA");
	heap_drop(heap);
}

UNIT_TESTS(cmocka_unit_test(test_scan), cmocka_unit_test(test_every_beginning),
    cmocka_unit_test(test_submit), cmocka_unit_test(test_submit_fields),
    cmocka_unit_test(test_received))
