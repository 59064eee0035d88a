/* mail/compose_test.c - messages, whole; and what each rule refuses. */
#include "mail/compose.h"

#include <stdio.h>

#include "base/limits.h"
#include "mail/media_type.h"
#include "mail/parameter.h"
#include "unit.h"

#define HEAD "Date: Sun, 22 Nov 2026 15:30:00 +0000\r\n"
#define MIME "Message-ID: <u1@alice.example>\r\nMIME-Version: 1.0\r\n"
#define PLAIN "Content-Type: text/plain; charset=utf-8\r\n"
#define ENCODING(name) "Content-Transfer-Encoding: " name "\r\n\r\n"

static const struct compose_mailbox bob[] = { { .address = { (const unsigned char *)"bob@x", 5 } } };

static struct compose_message letter(void)
{
	return (struct compose_message){ .wall_us = 1795361400000000, .unique = slice_lit("u1"),
		.hostname = slice_lit("alice.example"), .from = { slice_lit("Alice"),
		    slice_lit("alice@alice.example") },
		.to = bob, .n_to = 1, .subject = slice_lit("hello"), .text = slice_lit("Hi.\n") };
}

static slice written(struct heap *heap, const struct compose_message *m)
{
	struct buffer out = buffer_init(heap, 1 << 20);
	const char *where = "nothing";
	enum compose_result result = compose_write(m, &out, &where);

	if (result != COMPOSE_OK)
		fail_msg("%s %s", where, compose_fault(result));
	return buffer_bytes(&out);
}

static void test_plain(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct compose_message m = letter();

	assert_slice(written(heap, &m), slice_lit(HEAD "From: Alice <alice@alice.example>\r\n"
	    "To: bob@x\r\nSubject: hello\r\n" MIME PLAIN ENCODING("7bit") "Hi.\r\n"));
	heap_drop(heap);
}

/* Nobody to name; no subject; no text. */
static void test_least(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct compose_message m = letter();

	m.n_to = 0;
	m.subject = m.text = m.from.name = (slice){ 0 };
	assert_slice(written(heap, &m), slice_lit(HEAD "From: alice@alice.example\r\n"
	    "To: undisclosed-recipients:;\r\n" MIME PLAIN ENCODING("7bit")));
	heap_drop(heap);
}

static void test_cc_only(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct compose_message m = letter();
	slice text;

	m.cc = m.to;
	m.n_cc = 1;
	m.n_to = 0;
	text = written(heap, &m);
	assert_true(slice_find(text, slice_lit("\r\nCc: bob@x\r\n")) < text.len);
	assert_true(slice_find(text, slice_lit("\r\nTo:")) == text.len);
	heap_drop(heap);
}

static const struct {
	const char *name, *text, *encoding, *want;
	bool eight_bit;                 /* by its sender: RFC 6531 */
} texts[] = {
	{ "LF and CRLF", "a\nb\r\nc", "7bit", "a\r\nb\r\nc\r\n", false },
	{ "dots and blanks", ".\n \n", "7bit", ".\r\n \r\n", false },
	{ "UTF-8", "\xc3\xbc\n", "quoted-printable", "=C3=BC\r\n", false },
	{ "UTF-8, 8BITMIME", "\xc3\xbc\n", "8bit", "\xc3\xbc\r\n", true },
	{ "UTF-8, no last end", "\xc3\xbc", "quoted-printable", "=C3=BC\r\n", false },
	{ "bare CR", "a\rb\n", "quoted-printable", "a=0Db\r\n", true },
	{ "bare CR at the end", "a\r", "quoted-printable", "a=0D\r\n", true },
	{ "control", "a\x01\n", "quoted-printable", "a=01\r\n", true },
};

static void test_texts(void **state)
{
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		struct heap *heap = heap_create(SIZE_MAX);
		struct compose_message m = letter();
		char want[200];
		slice text;

		m.text = guarded_copy(slice_from(texts[i].text));
		if (texts[i].eight_bit)
			m.from.address = slice_lit("\xc3\xa4@x");
		text = written(heap, &m);
		snprintf(want, sizeof want, PLAIN ENCODING("%s") "%s", texts[i].encoding,
		    texts[i].want);
		if (!slice_ends(text, slice_from(want)))
			fail_msg("%s: %.*s", texts[i].name, slice_arg(text));
		guarded_free(m.text);
		heap_drop(heap);
	}
}

/* 998 is the longest that goes as it is. */
static void test_long_lines(void **state)
{
	for (size_t n = LINE_MAX_OCTETS - 1; n <= LINE_MAX_OCTETS + 1; n++) {
		struct heap *heap = heap_create(SIZE_MAX);
		struct compose_message m = letter();
		char line[LINE_MAX_OCTETS + 4];
		slice text;

		memset(line, 'x', n);
		memcpy(line + n, "\r\n", 2);
		m.text = slice_of(line, n + 2);
		text = written(heap, &m);
		assert_int_equal(slice_find(text, slice_lit("quoted-printable")) == text.len,
		    n <= LINE_MAX_OCTETS);
		for (slice rest = text; rest.len > 0;)
			assert_true(slice_cut(&rest, '\n').len - 1 <= LINE_MAX_OCTETS);
		heap_drop(heap);
	}
}

/* RFC 2045 s6.4: a multipart says what the parts are. */
static void test_outer_encoding(void **state)
{
	static const struct {
		const char *from, *text;
		bool eight_bit;
	} rows[] = {
		{ "\xc3\xa4@x", "\xc3\xbc\n", true },
		{ "\xc3\xa4@x", "u\n", false },
		{ "a@x", "\xc3\xbc\n", false },
	};
	const struct compose_file file = { slice_lit("f"), "image/png", slice_lit("\xfc") };

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct heap *heap = heap_create(SIZE_MAX);
		struct compose_message m = letter();
		slice text;

		m.from.address = slice_from(rows[i].from);
		m.text = slice_from(rows[i].text);
		m.files = &file;
		m.n_files = 1;
		text = written(heap, &m);
		text = slice_head(text, slice_find(text, slice_lit("\r\n\r\n")));
		assert_int_equal(slice_find(text, slice_lit("\r\nContent-Transfer-Encoding: 8bit")) <
		    text.len, rows[i].eight_bit);
		assert_int_equal(slice_find(text, slice_lit("Transfer-Encoding")) < text.len,
		    rows[i].eight_bit);
		heap_drop(heap);
	}
}

static void test_files(void **state)
{
	const struct compose_file files[] = {
		{ slice_lit("a \"b\".txt"), "text/plain", slice_lit("\xc3\xbc") },
		{ slice_lit("l.txt"), "text/plain", slice_lit("\xfc") },
		{ slice_lit(""), "image/png", slice_lit("") },
	};
	struct heap *heap = heap_create(SIZE_MAX);
	struct compose_message m = letter();
	slice text;

	m.files = files;
	m.n_files = 3;
	text = written(heap, &m);
	text = slice_drop(text, slice_find(text, slice_lit("Content-Type")));
	assert_slice(text, slice_lit("Content-Type: multipart/mixed; boundary=\"=_u1\"\r\n"
	    "\r\n--=_u1\r\n" PLAIN ENCODING("7bit") "Hi.\r\n"
	    "\r\n--=_u1\r\nContent-Type: text/plain; charset=utf-8\r\n"
	    "Content-Disposition: attachment; filename=\"a \\\"b\\\".txt\"\r\n"
	    ENCODING("base64") "w7w=\r\n"
	    "\r\n--=_u1\r\nContent-Type: text/plain\r\n"
	    "Content-Disposition: attachment; filename=\"l.txt\"\r\n"
	    ENCODING("base64") "/A==\r\n"
	    "\r\n--=_u1\r\nContent-Type: image/png\r\nContent-Disposition: attachment\r\n"
	    ENCODING("base64")
	    "\r\n--=_u1--\r\n"));
	heap_drop(heap);
}

/* A text that holds the boundary would end its part. */
static void test_boundary(void **state)
{
	const struct compose_file file = { slice_lit("a"), "image/png", slice_lit("x") };
	struct heap *heap = heap_create(SIZE_MAX);
	struct compose_message m = letter();
	slice text;

	m.files = &file;
	m.n_files = 1;
	m.text = slice_lit("--=_u1--\n");
	text = written(heap, &m);
	assert_true(slice_find(text, slice_lit("--=3D_u1--\r\n")) < text.len);
	heap_drop(heap);
}

static const struct {
	const char *name, *want;
} names[] = {
	{ "Alice", "Alice <a@x>" },
	{ "  Alice  B  ", "Alice  B <a@x>" },
	{ "John Q. Public", "\"John Q. Public\" <a@x>" },
	{ "Doe, \"J\\", "\"Doe, \\\"J\\\\\" <a@x>" },
	{ "J\xc3\xb6rg", "=?UTF-8?Q?J=C3=B6rg?= <a@x>" },
	/* Too long for quotes in one line. */
	{ "Prof. A Name With More Titles Before And After It Than Fit In One Line, M.A.",
	    "=?UTF-8?Q?Prof=2E_A_Name_With_More_Titles_Before_And_After_It_Than_Fi?=\r\n"
	    " =?UTF-8?Q?t_In_One_Line=2C_M=2EA=2E?= <a@x>" },
};

static void test_names(void **state)
{
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		struct heap *heap = heap_create(SIZE_MAX);
		struct buffer out = buffer_init(heap, 4096);
		struct compose_mailbox m = { slice_from(names[i].name), slice_lit("a@x") };
		slice have;

		assert_int_equal(compose_judge_mailbox(&m), COMPOSE_OK);
		assert_true(compose_mailboxes(&out, "To", &m, 1));
		have = slice_drop(buffer_bytes(&out), 4);
		assert_slice(slice_head(have, have.len - 2), slice_from(names[i].want));
		heap_drop(heap);
	}
}

/* Lists and subjects fold at blanks, and unfold to what they were. */
static void test_folds(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct compose_mailbox many[40];
	struct compose_message m = letter();
	char subject[600];
	slice text, header, rest;
	struct buffer plain = buffer_init(heap, 8192);

	for (size_t i = 0; i < sizeof subject; i++)
		subject[i] = i % 7 == 3 || i % 11 == 6 ? ' ' : 'a';
	for (size_t i = 0; i < 40; i++)
		many[i] = (struct compose_mailbox){ i % 3 ? slice_lit("Some Body") : (slice){ 0 },
			slice_lit("somebody@somewhere.example") };
	m.to = m.cc = many;
	m.n_to = 40;
	m.n_cc = 2;
	m.subject = slice_of(subject, sizeof subject);
	text = written(heap, &m);
	header = slice_head(text, slice_find(text, slice_lit("\r\n\r\n")));
	for (rest = header; rest.len > 0;) {
		slice line = slice_cut(&rest, '\n');

		assert_true(line.len <= FIELD_LINE + 1 && slice_trim(line).len > 1);
	}
	for (size_t i = 0; i < header.len; i++) {
		if (header.ptr[i] != '\r' && header.ptr[i] != '\n')
			buffer_add(&plain, slice_sub(header, i, 1));
	}
	text = buffer_bytes(&plain);
	assert_true(slice_find(text, m.subject) < text.len);
	heap_drop(heap);
}

/* An address in UTF-8 needs SMTPUTF8, whose servers take 8BITMIME. */
static void test_utf8_address(void **state)
{
	const struct compose_mailbox utf8 = { .address = slice_lit("j\xc3\xb6rg@x") };
	struct heap *heap = heap_create(SIZE_MAX);

	for (int i = 0; i < 3; i++) {
		struct compose_message m = letter();
		slice text;

		m.text = slice_lit("\xc3\xbc");
		if (i == 0)
			m.from = utf8;
		else if (i == 1)
			m.to = &utf8;
		else
			m.cc = &utf8;
		m.n_cc = i == 2;
		text = written(heap, &m);
		assert_true(slice_find(text, slice_lit(": j\xc3\xb6rg@x\r\n")) < text.len);
		assert_true(slice_find(text, slice_lit("8bit\r\n")) < text.len);
	}
	heap_drop(heap);
}

/* ---- refusals ---- */

static void refused(const struct compose_message *m, enum compose_result want,
    const char *want_where)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct buffer out = buffer_init(heap, 1 << 20);
	const char *where = "";
	enum compose_result result = compose_write(m, &out, &where);

	assert_int_equal(result, want);
	assert_string_equal(where, want_where);
	assert_true(strlen(compose_fault(result)) > 0);
	assert_int_equal(buffer_bytes(&out).len, 0);
	heap_drop(heap);
}

static void test_refusals(void **state)
{
	static const char *const controls[] = { "a\r\nBcc: x", "a\nb", "a\rb", "a\x7f", "\x1b[2J" };
	static char huge[COMPOSE_VALUE_MAX + 1];

	for (size_t i = 0; i < sizeof controls / sizeof controls[0]; i++) {
		slice bad = slice_from(controls[i]);
		const struct compose_mailbox name = { bad, slice_lit("a@x") };
		const struct compose_mailbox address = { slice_lit("a"), bad };
		const struct compose_file file = { bad, "image/png", slice_lit("") };
		struct compose_message m = letter();

		m.subject = bad;
		refused(&m, COMPOSE_CONTROL, "the subject");
		m = letter();
		m.from = name;
		refused(&m, COMPOSE_CONTROL, "the sender");
		m = letter();
		m.to = &name;
		refused(&m, COMPOSE_CONTROL, "a recipient");
		m = letter();
		m.cc = &address;
		m.n_cc = 1;
		refused(&m, COMPOSE_CONTROL, "a recipient");
		m = letter();
		m.files = &file;
		m.n_files = 1;
		refused(&m, COMPOSE_CONTROL, "the name of an attachment");
	}
	memset(huge, 'x', sizeof huge);
	struct compose_message m = letter();
	m.subject = slice_of("a\0b", 3);
	refused(&m, COMPOSE_CONTROL, "the subject");
	m.subject = slice_of(huge, sizeof huge);
	refused(&m, COMPOSE_VALUE, "the subject");
	m.subject = slice_lit("\xfc");
	refused(&m, COMPOSE_UTF8, "the subject");
	m = letter();
	m.text = slice_lit("Gr\xfc\xdf" "e");
	refused(&m, COMPOSE_UTF8, "the text");
	m = letter();
	m.from.address = slice_lit("alice");
	refused(&m, COMPOSE_ADDRESS, "the sender");
}

/* However little room there is: COMPOSE_LONG, never a cut message that is called good. */
static void test_no_room(void **state)
{
	const struct compose_file file = { slice_lit("\xc3\xbc.txt"), "text/plain",
	    slice_lit("some bytes") };
	struct heap *heap = heap_create(SIZE_MAX);
	struct compose_message m = letter();
	size_t whole;

	m.subject = slice_lit("\xc3\xbc");
	m.text = slice_lit("\xc3\xbc");
	m.files = &file;
	m.n_files = 1;
	whole = written(heap, &m).len;
	for (size_t room = 0; room <= whole; room++) {
		struct buffer out = buffer_init(heap, room);
		const char *where = "";
		enum compose_result result = compose_write(&m, &out, &where);

		assert_int_equal(result, room == whole ? COMPOSE_OK : COMPOSE_LONG);
		assert_string_equal(where, room == whole ? "" : "the message");
		buffer_free(&out);
	}
	heap_drop(heap);
}

/* ---- parameters, types ---- */

static const struct {
	const char *value, *want;
} parameters[] = {
	{ "a.pdf", "X: y; filename=\"a.pdf\"" },
	{ "50% (1)*.pdf", "X: y; filename=\"50% (1)*.pdf\"" },
	{ "a\xc3\xa4.pdf", "X: y; filename*=UTF-8''a%C3%A4.pdf" },
	{ "\xc3\xa4 50%'*.pdf", "X: y; filename*=UTF-8''%C3%A4%2050%25%27%2A.pdf" },
	{ "a name that is longer than a line of a header has room for it.pdf",
	    "X: y; filename*0*=UTF-8''a%20name%20that%20is%20longer%20than%20a%20line;\r\n"
	    " filename*1*=%20of%20a%20header%20has%20room%20for%20it.pdf" },
	{ "\xe4\xbd\xa0\xe4\xbd\xa0\xe4\xbd\xa0\xe4\xbd\xa0\xe4\xbd\xa0\xe4\xbd\xa0",
	    "X: y; filename*0*=UTF-8''%E4%BD%A0%E4%BD%A0%E4%BD%A0%E4%BD%A0%E4%BD%A0;\r\n"
	    " filename*1*=%E4%BD%A0" },
};

static void test_parameters(void **state)
{
	for (size_t i = 0; i < sizeof parameters / sizeof parameters[0]; i++) {
		struct heap *heap = heap_create(SIZE_MAX);
		struct buffer out = buffer_init(heap, 4096);
		struct field f = field_begin(&out, "X");

		field_word(&f, slice_lit("y"));
		parameter_write(&f, "filename", slice_from(parameters[i].value));
		assert_slice(buffer_bytes(&out), slice_from(parameters[i].want));
		heap_drop(heap);
	}
}

static void test_media_types(void **state)
{
	assert_string_equal(media_type_guess(slice_lit("a.b.PNG")), "image/png");
	assert_string_equal(media_type_guess(slice_lit("x.txt")), "text/plain");
	assert_string_equal(media_type_guess(slice_lit("x.unknown")), "application/octet-stream");
	assert_string_equal(media_type_guess(slice_lit("png")), "application/octet-stream");
	assert_string_equal(media_type_guess(slice_lit("")), "application/octet-stream");
	assert_string_equal(media_type_guess(slice_lit("x.")), "application/octet-stream");
}

UNIT_TESTS(cmocka_unit_test(test_plain), cmocka_unit_test(test_least),
    cmocka_unit_test(test_cc_only), cmocka_unit_test(test_texts),
    cmocka_unit_test(test_long_lines), cmocka_unit_test(test_outer_encoding), cmocka_unit_test(test_files),
    cmocka_unit_test(test_boundary), cmocka_unit_test(test_names),
    cmocka_unit_test(test_folds), cmocka_unit_test(test_utf8_address),
    cmocka_unit_test(test_refusals), cmocka_unit_test(test_no_room),
    cmocka_unit_test(test_parameters), cmocka_unit_test(test_media_types))
