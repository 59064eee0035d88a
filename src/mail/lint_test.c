/* mail/lint_test.c - each rule: a message that breaks it, and a near one that does not. */
#include "mail/lint.h"

#include <stdio.h>

#include "base/buffer.h"
#include "base/limits.h"
#include "unit.h"

#define D "Date: Sun, 22 Nov 2026 15:30:00 +0000\r\n"
#define F "From: Alice <a@b.example>\r\n"
#define T "To: c@d.example\r\n"
#define I "Message-ID: <1@b.example>\r\n"
#define S "Subject: s\r\n"
#define ALL D F T I S
#define MIME ALL "MIME-Version: 1.0\r\n"
#define TEN "xxxxxxxxxx"
#define HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN
#define LONG HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED TEN TEN \
	TEN TEN TEN TEN TEN TEN TEN "xxxxxxx"

enum { NOW = 1795361400 };      /* that Date */

static const struct {
	const char *rule;
	slice bad, good;
} rows[] = {
	{ "line-end", slice_lit(ALL "\r\ntext\n"), slice_lit(ALL "\r\ntext\r\n") },
	{ "line-end", slice_lit(ALL "\r\nte\rxt\r\n"), slice_lit(ALL "\r\ntext") },
	{ "nul", slice_lit(ALL "\r\nte\0xt\r\n"), slice_lit(ALL "\r\nte\\0xt\r\n") },
	{ "header-long", slice_lit(ALL "X: xx" LONG "\r\n\r\n"),
	    slice_lit(ALL "X:\r\n " LONG "\r\n\r\n") },
	{ "header-wide", slice_lit(ALL "X: " TEN TEN TEN TEN TEN TEN TEN "123456\r\n\r\n"),
	    slice_lit(ALL "X: " TEN TEN TEN TEN TEN TEN TEN "12345\r\n\r\n") },
	{ "body-long", slice_lit(ALL "\r\nxx" LONG "\r\n"), slice_lit(ALL "\r\nx" LONG "\r\n") },
	{ "fold-empty", slice_lit(ALL "X: y\r\n \r\n z\r\n\r\n"),
	    slice_lit(ALL "X: y\r\n z\r\n\r\n \r\n") },
	{ "header-empty", slice_lit("\r\n" ALL), slice_lit(ALL "\r\n") },
	{ "header-empty", slice_lit("text\r\n"), slice_lit("X: y\r\n") },
	{ "header-line", slice_lit(ALL "text\r\n"), slice_lit(ALL "\r\ntext\r\n") },
	{ "body-missing", slice_lit(ALL), slice_lit(ALL "\r\n") },
	{ "field-blank", slice_lit(ALL "X : y\r\n\r\n"), slice_lit(ALL "X: y : z\r\n\r\n") },
	{ "field-twice", slice_lit(ALL S "\r\n"), slice_lit(ALL "X: y\r\nX: y\r\n\r\n") },
	{ "field-8bit", slice_lit(ALL "X: \xc3\xa4\r\n\r\n"), slice_lit(ALL "\r\n\xc3\xa4\r\n") },
	{ "subject-8bit", slice_lit(D F T I "Subject: \xe4\r\n\r\n"),
	    slice_lit(D F T I "Subject: =?UTF-8?Q?=C3=A4?=\r\n\r\n") },
	{ "date-missing", slice_lit(F T I S "\r\n"), slice_lit(ALL "\r\n") },
	{ "date-bad", slice_lit("Date: 2026-11-22\r\n" F T I S "\r\n"), slice_lit(ALL "\r\n") },
	{ "date-far", slice_lit("Date: Tue, 24 Nov 2026 15:30:00 +0000\r\n" F T I S "\r\n"),
	    slice_lit("Date: Mon, 23 Nov 2026 15:30:00 +0000\r\n" F T I S "\r\n") },
	{ "from-missing", slice_lit(D T I S "\r\n"), slice_lit(ALL "\r\n") },
	{ "from-bad", slice_lit(D "From: Alice\r\n" T I S "\r\n"), slice_lit(ALL "\r\n") },
	{ "from-envelope", slice_lit(D "From: x@b.example\r\n" T I S "\r\n"),
	    slice_lit(D "From: A@B.example\r\n" T I S "\r\n") },
	{ "sender-missing", slice_lit(D "From: a@b.example, e@b.example\r\n" T I S "\r\n"),
	    slice_lit(D "From: a@b.example, e@b.example\r\nSender: a@b.example\r\n" T I S "\r\n") },
	{ "message-id-missing", slice_lit(D F T S "\r\n"), slice_lit(ALL "\r\n") },
	{ "message-id-bad", slice_lit(D F T "Message-ID: 1@b.example\r\n" S "\r\n"),
	    slice_lit(D F T "Message-ID:\r\n <1@b.example> \r\n" S "\r\n") },
	{ "message-id-bad", slice_lit(D F T "Message-ID: <a b@c>\r\n" S "\r\n"),
	    slice_lit(D F T "Message-ID: <a.b@[c]>\r\n" S "\r\n") },
	{ "subject-missing", slice_lit(D F T I "\r\n"), slice_lit(D F T I "Subject:\r\n\r\n") },
	{ "addresses-bad", slice_lit(ALL "Cc: x@\r\n\r\n"), slice_lit(ALL "Cc: x@y.example\r\n\r\n") },
	{ "recipient-unnamed", slice_lit(D F I S "To: x@y.example\r\n\r\n"),
	    slice_lit(D F I S "To: x@y.example\r\nCc: Carl <C@d.example>\r\n\r\n") },
	{ "bcc", slice_lit(ALL "Bcc: x@y.example\r\n\r\n"), slice_lit(ALL "\r\nBcc: x@y.example\r\n") },
	{ "return-path", slice_lit(ALL "Return-Path: <a@b.example>\r\n\r\n"),
	    slice_lit(ALL "X-Return-Path: <a@b.example>\r\n\r\n") },
	{ "resent", slice_lit("Resent-To: x@y.example\r\n" ALL "\r\n"),
	    slice_lit("Resent-From: x@y.example\r\nResent-Date: x\r\n" ALL "\r\n") },
	{ "encoded-word-long", slice_lit(ALL "X: =?UTF-8?Q?" TEN TEN TEN TEN TEN TEN "1234?=\r\n\r\n"),
	    slice_lit(ALL "X: =?UTF-8?Q?" TEN TEN TEN TEN TEN TEN "123?=\r\n\r\n") },
	{ "encoded-word-quoted", slice_lit(ALL "Cc: \"=?UTF-8?Q?x?=\" <x@y.example>\r\n\r\n"),
	    slice_lit(ALL "Cc: =?UTF-8?Q?x?= <x@y.example>\r\n\r\n") },
	{ "mime-version-missing", slice_lit(ALL "Content-Type: text/plain\r\n\r\n"),
	    slice_lit(MIME "Content-Type: text/plain\r\n\r\n") },
	{ "content-type-bad", slice_lit(MIME "Content-Type: text\r\n\r\n"),
	    slice_lit(MIME "Content-Type: text/x\r\n\r\n") },
	{ "boundary-missing", slice_lit(MIME "Content-Type: multipart/mixed\r\n\r\n"),
	    slice_lit(MIME "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n--b--\r\n") },
	{ "boundary-unused", slice_lit(MIME "Content-Type: multipart/mixed; boundary=b\r\n\r\n--c\r\n"),
	    slice_lit(MIME "Content-Type: multipart/mixed; boundary=b\r\n\r\nx\r\n--b--\r\n") },
	{ "boundary-unused",
	    slice_lit(MIME "Content-Type: multipart/mixed; boundary=b\r\n\r\n--bX\r\n--b -x\r\n--b--x\r\n"),
	    slice_lit(MIME "Content-Type: multipart/mixed; boundary=b\r\n\r\n--bX\r\n--b \t\r\n") },
	{ "encoding-unknown", slice_lit(MIME "Content-Transfer-Encoding: utf-8\r\n\r\n"),
	    slice_lit(MIME "Content-Transfer-Encoding: 8BIT\r\n\r\n") },
	{ "charset-unknown", slice_lit(MIME "Content-Type: text/plain; charset=\"german\"\r\n\r\n"),
	    slice_lit(MIME "Content-Type: text/plain;\r\n\tCharset=\"UTF-8\"\r\n\r\n") },
	{ "charset-unknown", slice_lit(MIME "Content-Type: text/plain; charset*=us-ascii'en'german\r\n\r\n"),
	    slice_lit(MIME "Content-Type: text/plain; charset*=us-ascii'en'utf%2D8\r\n\r\n") },
	{ "charset-unknown", slice_lit(MIME "Content-Type: text/plain; charset=iso-8859-77\r\n\r\n"),
	    slice_lit(MIME "Content-Type: text/plain; charset=utf-8 (;charset=x)\r\n\r\n") },
	{ "charset-unknown", slice_lit(MIME "Content-Type: text/plain; charset*0=ger; charset*1=man\r\n\r\n"),
	    slice_lit(MIME "Content-Type: text/plain; charset*0=utf; charset*1=-8;\r\n"
	    " x=\";charset=y\"\r\n\r\n") },
	{ "body-8bit", slice_lit(ALL "\r\n\xc3\xa4\r\n"),
	    slice_lit(MIME "Content-Transfer-Encoding: 8bit\r\n\r\n\xc3\xa4\r\n") },
	{ "base64-bad", slice_lit(MIME "Content-Transfer-Encoding: base64\r\n\r\nYQ=\r\n"),
	    slice_lit(MIME "Content-Transfer-Encoding: base64\r\n\r\nY\r\nQ==\r\n") },
	{ "quoted-printable-bad",
	    slice_lit(MIME "Content-Transfer-Encoding: quoted-printable\r\n\r\n1=2\r\n"),
	    slice_lit(MIME "Content-Transfer-Encoding: quoted-printable\r\n\r\n1=3D= \r\n2=\r\n") },
	{ "html-only", slice_lit(MIME "Content-Type: text/html\r\n\r\n"),
	    slice_lit(MIME "Content-Type: text/plain\r\n\r\n<html>\r\n") },
};

static const struct lint_finding *find(const struct lint *lint, const char *rule)
{
	for (size_t i = 0; i < lint->n; i++) {
		if (strcmp(lint->findings[i].rule, rule) == 0)
			return &lint->findings[i];
	}
	return NULL;
}

static struct lint run(struct arena *arena, slice message, struct lint_input more)
{
	const slice recipient = slice_lit("c@d.example");
	slice copy = guarded_copy(message);
	struct lint lint;

	more.message = copy;
	more.envelope = true;
	more.sender = slice_lit("a@b.example");
	more.recipients = &recipient;
	more.n_recipients = 1;
	more.now_s = NOW;
	lint = lint_read(&more, arena);
	guarded_free(copy);
	return lint;
}

static void test_rules(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct arena arena = arena_init(heap, 2 * LINT_ARENA_MAX);
		struct lint bad = run(&arena, rows[i].bad, (struct lint_input){ 0 });
		struct lint good = run(&arena, rows[i].good, (struct lint_input){ 0 });

		if (find(&bad, rows[i].rule) == NULL)
			fail_msg("%s, row %zu: not found", rows[i].rule, i);
		if (find(&good, rows[i].rule) != NULL)
			fail_msg("%s, row %zu: found where it is not", rows[i].rule, i);
		assert_true(find(&bad, rows[i].rule)->where.len > 0);
		arena_reset(&arena);
	}
	heap_drop(heap);
}

/* Not even a pointer to no message. */
static void test_none(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct arena arena = arena_init(heap, LINT_ARENA_MAX);
	struct lint_input input = { .utf8 = true };
	struct lint lint = lint_read(&input, &arena);

	assert_true(find(&lint, "header-empty") != NULL);
	heap_drop(heap);
}

static void test_clean(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct arena arena = arena_init(heap, LINT_ARENA_MAX);
	struct lint lint = run(&arena, slice_lit(ALL "\r\ntext\r\n"), (struct lint_input){ 0 });

	if (lint.n > 0)
		fail_msg("%s", lint.findings[0].rule);
	heap_drop(heap);
}

static void test_utf8(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct arena arena = arena_init(heap, 2 * LINT_ARENA_MAX);
	struct lint lint = run(&arena, slice_lit(D F T I "Subject: \xc3\xa4\r\n\r\n"),
	    (struct lint_input){ .utf8 = true });

	assert_int_equal(lint.n, 0);
	lint = run(&arena, slice_lit(D F T I "Subject: \xe4\r\n\r\n"),
	    (struct lint_input){ .utf8 = true });
	assert_int_equal(lint.n, 1);
	assert_string_equal(lint.findings[0].rule, "field-utf8");
	assert_slice(lint.findings[0].where, slice_lit("Subject"));
	heap_drop(heap);
}

/* Not read to its end is not wrong: neither what is there nor who is not. */
static void test_many(void **state)
{
	static const char *const fields[] = { "To", "From" };

	for (size_t n = MAILBOX_LIST_MAX; n <= MAILBOX_LIST_MAX + 1; n++) {
		for (size_t k = 0; k < 2; k++) {
			struct heap *heap = heap_create(SIZE_MAX);
			struct arena arena = arena_init(heap, LINT_ARENA_MAX);
			struct buffer text = buffer_init(heap, 64 * 1024);
			struct lint lint;

			buffer_printf(&text, D I S "%s: x@y.example", fields[k]);
			for (size_t i = 1; i < n; i++)
				buffer_add(&text, slice_lit(",\r\n x@y.example"));
			buffer_add(&text, k == 0 ? slice_lit("\r\n" F "\r\n") :
			    slice_lit("\r\n" T "Sender: a@b.example\r\n\r\n"));
			lint = run(&arena, buffer_bytes(&text), (struct lint_input){ 0 });
			assert_int_equal(lint.n, 1);
			assert_string_equal(lint.findings[0].rule, n > MAILBOX_LIST_MAX ? "addresses-many" :
			    k == 0 ? "recipient-unnamed" : "from-envelope");
			heap_drop(heap);
		}
	}
}

/* Of more recipients than are compared nobody knows that none is named. */
static void test_many_recipients(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);
	slice recipients[LINT_RECIPIENTS_MAX + 1];

	for (size_t i = 0; i <= LINT_RECIPIENTS_MAX; i++)
		recipients[i] = slice_lit("x@y.example");
	recipients[LINT_RECIPIENTS_MAX] = slice_lit("c@d.example");
	for (size_t n = LINT_RECIPIENTS_MAX; n <= LINT_RECIPIENTS_MAX + 1; n++) {
		struct arena arena = arena_init(heap, LINT_ARENA_MAX);
		struct lint_input input = { .message = slice_lit(ALL "\r\n"), .envelope = true,
			.recipients = recipients, .n_recipients = n };
		struct lint lint = lint_read(&input, &arena);

		assert_int_equal(find(&lint, "recipient-unnamed") != NULL, n == LINT_RECIPIENTS_MAX);
		arena_reset(&arena);
	}
	heap_drop(heap);
}

/* Each departure has all its words, and comes first. */
static void test_departures(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct arena arena = arena_init(heap, LINT_ARENA_MAX);
	struct lint lint = run(&arena, slice_lit("\n"), (struct lint_input){
	    .departures = (uint32_t)((1ull << DEPARTURES) - 1) });

	assert_true(lint.n > DEPARTURES);
	for (size_t i = 0; i < lint.n; i++) {
		const struct lint_finding *f = &lint.findings[i];

		assert_true((i < DEPARTURES) == slice_equal(f->where, slice_lit("dialogue")));
		assert_true(strlen(f->rule) > 0 && strlen(f->words) > 0 && strlen(f->remedy) > 0);
		assert_true(strncmp(f->clause, "RFC ", 4) == 0);
	}
	assert_string_equal(lint_severity_name(lint.findings[0].severity), "error");
	heap_drop(heap);
}

UNIT_TESTS(cmocka_unit_test(test_rules), cmocka_unit_test(test_none), cmocka_unit_test(test_clean),
    cmocka_unit_test(test_utf8), cmocka_unit_test(test_many),
    cmocka_unit_test(test_many_recipients), cmocka_unit_test(test_departures))
