/* api/posthouse_test.c - lint, envelope and parts of the golden message and of odd ones. */
#include "api/posthouse.h"

#include <jansson.h>

#include "api/sample_test.h"

static json_t *read_json(struct sample_world *w)
{
	slice text = sample_take(w);
	json_t *root = json_loadb((const char *)text.ptr, text.len, 0, NULL);

	assert_non_null(root);
	return root;
}

static void test_envelope(void **state)
{
	struct sample_world w = sample_world(slice_lit(""));
	struct api_facts facts = sample_facts();

	facts.login = slice_lit("bob");
	facts.utf8 = true;
	assert_true(api_envelope_json(&facts, &w.out));
	assert_slice(sample_take(&w), slice_lit("{\"ID\":\"1.2x.1\",\"Mailbox\":\"all\","
	    "\"From\":\"bounce@example.com\",\"To\":[\"bob+tagA@example.org\",\"carol@example.org\","
	    "\"dan@example.net\",\"hidden@example.com\"],\"Login\":\"bob\",\"SMTPUTF8\":true,"
	    "\"Received\":\"2026-11-22T06:15:54.749Z\",\"Size\":1930}\n"));
	sample_end(&w);
}

/* ---- lint ---- */

#define SOUND "Date: Sun, 22 Nov 2026 06:15:00 +0000\r\nFrom: a@b.example\r\nTo: e@x.example\r\n" \
	"Message-ID: <1@b.example>\r\nSubject: s\r\n\r\ntext\r\n"
#define TRACE "Return-Path: <a@b.example>\r\nDelivered-To: all@mock\r\n" \
	"Received: from c\r\n by d; Sun, 22 Nov 2026 06:15:54 +0000\r\n"

static size_t count_findings(const char *raw, uint32_t departures, const char *first)
{
	static const slice recipient = { (const unsigned char *)"e@x.example", 11 };
	struct sample_world w = sample_world(slice_from(raw));
	struct api_facts facts = { .sender = slice_lit("a@b.example"), .recipients = &recipient,
		.n_recipients = 1, .departures = departures };
	json_t *root, *list, *finding;
	size_t n, sum;

	assert_true(api_mail_lint_json(&w.mail, &facts, sample_us / 1000000, &w.out));
	root = read_json(&w);
	list = json_object_get(root, "Findings");
	n = json_array_size(list);
	sum = (size_t)(json_integer_value(json_object_get(root, "Errors")) +
	    json_integer_value(json_object_get(root, "Warnings")) +
	    json_integer_value(json_object_get(root, "Hints")));
	assert_int_equal(n, sum);
	finding = json_array_get(list, 0);
	if (first != NULL)
		assert_string_equal(json_string_value(json_object_get(finding, "Name")), first);
	for (size_t i = 0; i < n; i++) {
		finding = json_array_get(list, i);
		assert_true(json_is_string(json_object_get(finding, "Severity")));
		assert_true(json_string_length(json_object_get(finding, "Clause")) > 0);
		assert_true(json_string_length(json_object_get(finding, "Text")) > 0);
		assert_true(json_string_length(json_object_get(finding, "Remedy")) > 0);
	}
	json_decref(root);
	sample_end(&w);
	return n;
}

#define HUNDRED "0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 012345 7890123 789 "
#define LONG HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED

/* Where says a line of what came, Line one of what is stored. */
static void test_lint_line(void **state)
{
	struct sample_world w = sample_world(slice_lit("Return-Path: <a@b.example>\r\n"
	    "Delivered-To: c@d.example\r\nDelivered-To: e@d.example\r\n"
	    "X-Posthouse-Login: f\r\n"
	    "Received: from c\r\n by d; Sun, 22 Nov 2026 06:15:54 +0000\r\n"
	    "X: y\r\nLong: " LONG "\r\n" SOUND));
	struct api_facts facts = { .sender = slice_lit("a@b.example") };
	json_t *root, *finding = NULL;
	size_t i = 0;

	assert_true(api_mail_lint_json(&w.mail, &facts, sample_us / 1000000, &w.out));
	root = read_json(&w);
	json_array_foreach(json_object_get(root, "Findings"), i, finding) {
		if (json_integer_value(json_object_get(finding, "Line")) > 0)
			break;
	}
	assert_string_equal(json_string_value(json_object_get(finding, "Where")), "line 2");
	assert_int_equal(json_integer_value(json_object_get(finding, "Line")), 8);
	json_decref(root);
	sample_end(&w);
}

/* Our own trace is no fault of the message's. */
static void test_lint(void **state)
{
	assert_int_equal(count_findings(SOUND, 0, NULL), 0);
	assert_int_equal(count_findings(TRACE SOUND, 0, NULL), 0);
	assert_int_equal(count_findings(TRACE SOUND, departure_bit(DEPARTURE_PATH_BRACKETS), "path-brackets"), 1);
	assert_true(count_findings("", 0, NULL) > 0);
}

static void test_lint_json(void **state)
{
	struct lint_finding findings[] = {
		{ "r", LINT_ERROR, slice_lit("line 12"), "RFC 1", "w\"", "m" },
		{ "s", LINT_HINT, slice_lit("Subject"), "RFC 2", "x", "n" },
	};
	const struct lint lint = { findings, 2 };
	struct sample_world w = sample_world(slice_lit(""));

	assert_true(api_lint_json(slice_lit("1"), &lint, &w.out));
	assert_slice(sample_take(&w), slice_lit("{\"ID\":\"1\",\"Findings\":[{\"Name\":\"r\",\"Severity\":\"error\","
	    "\"Where\":\"line 12\",\"Line\":12,\"Clause\":\"RFC 1\",\"Text\":\"w\\\"\",\"Remedy\":\"m\"},"
	    "{\"Name\":\"s\",\"Severity\":\"hint\",\"Where\":\"Subject\",\"Line\":0,\"Clause\":\"RFC 2\","
	    "\"Text\":\"x\",\"Remedy\":\"n\"}],\"Errors\":1,\"Warnings\":0,\"Hints\":1}\n"));
	sample_end(&w);
}

/* ---- parts ---- */

static void test_parts(void **state)
{
	static const struct {
		const char *id, *type, *use;
		int parent, depth;
	} wanted[] = {
		{ "0", "multipart/mixed", NULL, -1, 0 }, { "1", "multipart/alternative", NULL, 0, 1 },
		{ "1.1", "text/plain", "text", 1, 2 }, { "1.2", "multipart/related", NULL, 1, 2 },
		{ "1.2.1", "text/html", "html", 3, 3 }, { "1.2.2", "image/png", "attachment", 3, 3 },
		{ "2", "application/octet-stream", "attachment", 0, 1 },
	};
	struct sample_world w = sample_world(slice_lit(sample));
	json_t *root, *list;

	assert_true(api_parts_json(&w.mail, slice_lit("1"), &w.out));
	root = read_json(&w);
	list = json_object_get(root, "Parts");
	assert_int_equal(json_array_size(list), sizeof wanted / sizeof *wanted);
	for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
		json_t *part = json_array_get(list, i);
		const char *use = json_string_value(json_array_get(json_object_get(part, "Use"), 0));

		assert_string_equal(json_string_value(json_object_get(part, "PartID")), wanted[i].id);
		assert_string_equal(json_string_value(json_object_get(part, "ContentType")), wanted[i].type);
		assert_int_equal(json_integer_value(json_object_get(part, "Parent")), wanted[i].parent);
		assert_int_equal(json_integer_value(json_object_get(part, "Depth")), wanted[i].depth);
		assert_string_equal(use != NULL ? use : "", wanted[i].use != NULL ? wanted[i].use : "");
	}
	assert_string_equal(json_string_value(json_object_get(json_array_get(list, 6), "FileName")),
	    "\xC3\xA9 a.bin");
	json_decref(root);
	sample_end(&w);
}

/* A part inside of an attached message; and one defect for each bit that there is. */
static void test_defects(void **state)
{
	struct sample_world w = sample_world(slice_lit("Content-Type: message/rfc822\r\n\r\n"
	    "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nx\n"));
	json_t *root, *list;
	size_t n = 0;

	assert_true(api_parts_json(&w.mail, slice_lit("1"), &w.out));
	root = read_json(&w);
	list = json_object_get(root, "Parts");
	assert_int_equal(json_array_size(list), 3);
	assert_string_equal(json_string_value(json_object_get(json_array_get(list, 0), "PartID")), "0");
	assert_string_equal(json_string_value(json_object_get(json_array_get(list, 1), "PartID")), "");
	json_decref(root);
	w.mail.mime.parts[0].defects = UINT32_MAX;
	assert_true(api_parts_json(&w.mail, slice_lit("1"), &w.out));
	root = read_json(&w);
	n = json_array_size(json_object_get(json_array_get(json_object_get(root, "Parts"), 0), "Defects"));
	assert_true(1u << (n - 1) == MIME_LONG_BOUNDARY);       /* the last there is */
	json_decref(root);
	sample_end(&w);
}

static void test_wait(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;             /* -1: none */
	} rows[] = {
		{ "30s", 30000 }, { "500ms", 500 }, { "2m", 120000 }, { "10", 10000 }, { "0", 0 },
		{ "4294967295m", 4294967295LL * 60000 }, { "4294967296", -1 }, { "", -1 }, { "s", -1 },
		{ "-1s", -1 }, { "1.5s", -1 }, { "1h", -1 }, { " 1s", -1 },
	};
	uint64_t ms;

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		bool ok = api_wait_read(slice_from(rows[i].text), &ms);

		if (ok != (rows[i].ms >= 0) || (ok && ms != (uint64_t)rows[i].ms))
			fail_msg("%s", rows[i].text);
	}
}

UNIT_TESTS(cmocka_unit_test(test_wait), cmocka_unit_test(test_envelope), cmocka_unit_test(test_lint),
    cmocka_unit_test(test_lint_line),
    cmocka_unit_test(test_lint_json), cmocka_unit_test(test_parts), cmocka_unit_test(test_defects))
