/* imap/imap_fetch_test.c - what FETCH answers for one message: each item, each kind of section. */
#include "imap/work_test.h"

#include <stdio.h>

#include "unit.h"

enum { HEAP = 256 << 20, TEXT = 1 << 20 };

static struct heap *heap;

/* The answer; freed with the work. */
static slice fetch(struct imap_work **ret, const char *items, const struct imap_work_item *item,
    enum imap_text_result result, slice text)
{
	struct arena arena = arena_init(heap, IMAP_PARSE_ARENA_MAX);
	struct imap_parse p = imap_parse_begin(slice_from(items), &arena);
	struct imap_fetch f;

	assert_true(imap_take_fetch(&p, &f) && imap_take_end(&p));
	*ret = imap_work_fetch(&f, 1);
	arena_reset(&arena);
	work_keywords(*ret);
	imap_work_add(*ret, item, NULL);
	imap_work_message(*ret, 0, result, text);
	return buffer_bytes(&(*ret)->out);
}

/* "* 3 FETCH (" and ")" are not in `want`. */
static void expect(const char *items, const char *message, const char *want)
{
	slice text = guarded_copy(slice_from(message));
	struct imap_work_item item = work_item(text);
	struct imap_work *w;
	char line[4096];
	slice answer = fetch(&w, items, &item, IMAP_TEXT_OK, text);

	snprintf(line, sizeof line, "* 3 FETCH (%s)\r\n", want);
	if (!slice_equal(answer, slice_from(line)))
		fail_msg("%s: have \"%.*s\" want \"%s\"", items, slice_arg(answer), line);
	assert_int_equal(w->items[0].result, IMAP_TEXT_OK);
	imap_work_free(w);
	guarded_free(text);
}

/* ---- items ---- */

#define SMALL "Subject: x\r\nFrom: a@b\r\n\r\nHello\r\n"

static const struct {
	const char *items, *message, *want;
} items[] = {
	{ "FLAGS", SMALL, "FLAGS (\\Seen)" },
	{ "UID", SMALL, "UID 7" },
	{ "INTERNALDATE", SMALL, "INTERNALDATE \"17-Jul-1996 02:44:25 +0000\"" },
	{ "SAVEDATE", SMALL, "SAVEDATE \"18-Jul-1996 02:44:25 +0000\"" },
	{ "RFC822.SIZE", SMALL, "RFC822.SIZE 32" },
	{ "MODSEQ", SMALL, "MODSEQ (12)" },
	{ "EMAILID", SMALL, "EMAILID (E0123456789abcdeffedcba9876543210)" },
	{ "THREADID", SMALL, "THREADID NIL" },
	{ "(UID FLAGS)", SMALL, "UID 7 FLAGS (\\Seen)" },
	{ "FAST", SMALL, "FLAGS (\\Seen) INTERNALDATE \"17-Jul-1996 02:44:25 +0000\" RFC822.SIZE 32" },
	{ "ENVELOPE", SMALL, "ENVELOPE (NIL \"x\" ((NIL NIL \"a\" \"b\")) ((NIL NIL \"a\" \"b\")) "
	  "((NIL NIL \"a\" \"b\")) NIL NIL NIL NIL NIL)" },
	{ "BODY", SMALL, "BODY (\"text\" \"plain\" NIL NIL NIL \"7bit\" 7 1)" },
	{ "BODYSTRUCTURE", SMALL,
	  "BODYSTRUCTURE (\"text\" \"plain\" NIL NIL NIL \"7bit\" 7 1 NIL NIL NIL NIL)" },
	{ "RFC822", SMALL, "RFC822 {32}\r\n" SMALL },
	{ "RFC822.HEADER", SMALL, "RFC822.HEADER {25}\r\nSubject: x\r\nFrom: a@b\r\n\r\n" },
	{ "RFC822.TEXT", SMALL, "RFC822.TEXT {7}\r\nHello\r\n" },
	{ "PREVIEW", SMALL, "PREVIEW \"Hello\"" },
	{ "PREVIEW (LAZY)", SMALL, "PREVIEW \"Hello\"" },
	{ "PREVIEW", "Content-Type: text/html\r\n\r\n<p>Gr&uuml;&szlig;e</p>",
	  "PREVIEW {7}\r\nGr\xc3\xbc\xc3\x9f" "e" },
	{ "PREVIEW", "Content-Type: image/png\r\n\r\nabc", "PREVIEW \"\"" },
	{ "BODY[]", SMALL, "BODY[] {32}\r\n" SMALL },
	{ "BODY[TEXT]", SMALL, "BODY[TEXT] {7}\r\nHello\r\n" },
	{ "BODY[HEADER]", SMALL, "BODY[HEADER] {25}\r\nSubject: x\r\nFrom: a@b\r\n\r\n" },
	{ "BODY[1]", SMALL, "BODY[1] {7}\r\nHello\r\n" },
	{ "BODY[1.MIME]", SMALL, "BODY[1.MIME] {25}\r\nSubject: x\r\nFrom: a@b\r\n\r\n" },
	{ "BODY[1.TEXT]", SMALL, "BODY[1.TEXT] NIL" },
	{ "BODY[2]", SMALL, "BODY[2] NIL" },
	{ "BODY[1.1]", SMALL, "BODY[1.1] NIL" },
	/* Several, each told once. */
	{ "(BODY[TEXT] UID BODY.PEEK[TEXT] BODY[]<0.3>)", SMALL,
	  "BODY[TEXT] {7}\r\nHello\r\n UID 7 BODY[]<0> {3}\r\nSub" },
	/* Partials: a piece, to the end, behind it. */
	{ "BODY[]<9.4>", SMALL, "BODY[]<9> {4}\r\nx\r\nF" },
	{ "BODY[TEXT]<4.4294967295>", SMALL, "BODY[TEXT]<4> {3}\r\no\r\n" },
	{ "BODY[TEXT]<7.1>", SMALL, "BODY[TEXT]<7> {0}\r\n" },
	{ "BODY[TEXT]<4294967295.1>", SMALL, "BODY[TEXT]<4294967295> {0}\r\n" },
	{ "BODY[2]<1.1>", SMALL, "BODY[2]<1> NIL" },
	{ "BODY[HEADER.FIELDS (SUBJECT)]<2.5>", SMALL, "BODY[HEADER.FIELDS (SUBJECT)]<2> {5}\r\nbject" },
	/* A message without a header, without a body, without anything. */
	{ "(BODY[HEADER] BODY[TEXT])", "\r\nx", "BODY[HEADER] {2}\r\n\r\n BODY[TEXT] {1}\r\nx" },
	{ "(BODY[HEADER] BODY[TEXT] BODY[1])", "A: b\r\n", "BODY[HEADER] {6}\r\nA: b\r\n BODY[TEXT] {0}\r\n"
	  " BODY[1] {0}\r\n" },
	{ "(BODY[] BODY[HEADER] BODY[TEXT] BODY[HEADER.FIELDS (A)] BINARY[] BINARY[1])", "",
	  "BODY[] {0}\r\n BODY[HEADER] {0}\r\n BODY[TEXT] {0}\r\n"
	  " BODY[HEADER.FIELDS (A)] {2}\r\n\r\n BINARY[] {0}\r\n BINARY[1] {0}\r\n" },
	/* A CR without its LF is a blank line at the end. */
	{ "(BODY[HEADER] BODY[TEXT])", "A: b\r\n\r", "BODY[HEADER] {7}\r\nA: b\r\n\r BODY[TEXT] {0}\r\n" },
	{ "BODY[HEADER]", "\r", "BODY[HEADER] {1}\r\n\r" },
	/* No blank line: the body begins with what is no field. */
	{ "(BODY[HEADER] BODY[TEXT])", "A: b\nno field\nneither\n",
	  "BODY[HEADER] {5}\r\nA: b\n BODY[TEXT] {17}\r\nno field\nneither\n" },
};

static void test_items(void **state)
{
	for (size_t i = 0; i < sizeof items / sizeof items[0]; i++)
		expect(items[i].items, items[i].message, items[i].want);
}

/* ---- HEADER.FIELDS ---- */

#define FIELDS "To: a\r\nX: 1\r\n 2\r\nto : b\r\nCc:c\r\n"

static const struct {
	const char *items, *message, *want;
} fields[] = {
	/* In the message's order, with folds, of either case. */
	{ "BODY.PEEK[HEADER.FIELDS (x TO)]", FIELDS "\r\nT",
	  "BODY[HEADER.FIELDS (x TO)] {27}\r\nTo: a\r\nX: 1\r\n 2\r\nto : b\r\n\r\n" },
	{ "BODY[HEADER.FIELDS.NOT (x TO)]", FIELDS "\r\nT",
	  "BODY[HEADER.FIELDS.NOT (x TO)] {8}\r\nCc:c\r\n\r\n" },
	{ "BODY[HEADER.FIELDS (Y)]", FIELDS "\r\nT", "BODY[HEADER.FIELDS (Y)] {2}\r\n\r\n" },
	{ "BODY[HEADER.FIELDS (CC)]", FIELDS, "BODY[HEADER.FIELDS (CC)] {8}\r\nCc:c\r\n\r\n" },
	/* The line that is no field goes; the last one has no end. */
	{ "BODY[HEADER.FIELDS.NOT (Y)]", "A: 1\njunk\nB: 2",
	  "BODY[HEADER.FIELDS.NOT (Y)] {13}\r\nA: 1\nB: 2\r\n\r\n" },
	{ "BODY[1.HEADER.FIELDS (A)]", "Content-Type: message/rfc822\r\n\r\nA: b\r\nC: d\r\n\r\nx",
	  "BODY[1.HEADER.FIELDS (A)] {8}\r\nA: b\r\n\r\n" },
	{ "BODY[2.HEADER.FIELDS (A)]", FIELDS, "BODY[2.HEADER.FIELDS (A)] NIL" },
};

static void test_fields(void **state)
{
	for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
		expect(fields[i].items, fields[i].message, fields[i].want);
}

/* ---- the numbers of RFC 9051 s6.4.5.1 and RFC 3501 s6.4.5 ---- */

#define M41 "Content-Type: image/gif\r\n\r\nGIF"
#define M421 "Content-Type: text/plain\r\n\r\nP421"
#define M422 "Content-Type: multipart/alternative; boundary=e\r\n\r\n" \
	"--e\r\n\r\nP4221\r\n--e\r\nContent-Type: text/richtext\r\n\r\nP4222\r\n--e--"
#define M42 "Subject: 4.2\r\nContent-Type: multipart/mixed; boundary=d\r\n\r\n" \
	"--d\r\n" M421 "\r\n--d\r\n" M422 "\r\n--d--"
#define M3 "Subject: 3\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n" \
	"--c\r\n\r\nP31\r\n--c\r\nContent-Type: application/octet-stream\r\n\r\nP32\r\n--c--"
#define M0 "Subject: 0\r\nContent-Type: multipart/mixed; boundary=a\r\n\r\n" \
	"--a\r\n\r\nP1\r\n" \
	"--a\r\nContent-Type: application/octet-stream\r\n\r\nP2\r\n" \
	"--a\r\nContent-Type: message/rfc822\r\n\r\n" M3 "\r\n" \
	"--a\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" \
	"--b\r\n" M41 "\r\n" \
	"--b\r\nContent-Type: message/rfc822\r\n\r\n" M42 "\r\n--b--\r\n--a--\r\n"

static const struct {
	const char *section, *want;     /* NULL: NIL */
} numbers[] = {
	{ "", M0 },
	{ "HEADER", "Subject: 0\r\nContent-Type: multipart/mixed; boundary=a\r\n\r\n" },
	{ "1", "P1" }, { "1.MIME", "\r\n" }, { "1.HEADER", NULL }, { "1.TEXT", NULL }, { "1.1", NULL },
	{ "2", "P2" }, { "2.MIME", "Content-Type: application/octet-stream\r\n\r\n" },
	{ "3", M3 }, { "3.MIME", "Content-Type: message/rfc822\r\n\r\n" },
	{ "3.HEADER", "Subject: 3\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n" },
	{ "3.TEXT", "--c\r\n\r\nP31\r\n--c\r\nContent-Type: application/octet-stream\r\n\r\nP32\r\n--c--" },
	{ "3.1", "P31" }, { "3.1.MIME", "\r\n" }, { "3.2", "P32" }, { "3.3", NULL }, { "3.1.1", NULL },
	{ "4.MIME", "Content-Type: multipart/mixed; boundary=b\r\n\r\n" },
	{ "4.HEADER", NULL }, { "4.TEXT", NULL },
	{ "4.1", "GIF" }, { "4.1.MIME", "Content-Type: image/gif\r\n\r\n" },
	{ "4.2", M42 },
	{ "4.2.HEADER", "Subject: 4.2\r\nContent-Type: multipart/mixed; boundary=d\r\n\r\n" },
	{ "4.2.TEXT", "--d\r\n" M421 "\r\n--d\r\n" M422 "\r\n--d--" },
	{ "4.2.1", "P421" }, { "4.2.2.MIME", "Content-Type: multipart/alternative; boundary=e\r\n\r\n" },
	{ "4.2.2.1", "P4221" }, { "4.2.2.2", "P4222" },
	{ "4.2.2.2.MIME", "Content-Type: text/richtext\r\n\r\n" }, { "4.2.2.3", NULL },
	{ "5", NULL }, { "4294967295", NULL }, { "5.MIME", NULL }, { "5.HEADER", NULL },
};

static void test_numbers(void **state)
{
	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
		char item[100], want[2048];

		snprintf(item, sizeof item, "BODY.PEEK[%s]", numbers[i].section);
		if (numbers[i].want == NULL)
			snprintf(want, sizeof want, "BODY[%s] NIL", numbers[i].section);
		else
			snprintf(want, sizeof want, "BODY[%s] {%zu}\r\n%s", numbers[i].section,
			    strlen(numbers[i].want), numbers[i].want);
		expect(item, M0, want);
	}
}

/* ---- BINARY ---- */

#define PARTS "Content-Type: multipart/mixed; boundary=b\r\n\r\n" \
	"--b\r\nContent-Transfer-Encoding: base64\r\n\r\nQUJD\r\nAEQ=\r\n" \
	"--b\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=C3=A4=\r\n!\r\n" \
	"--b\r\nContent-Transfer-Encoding: x-odd\r\n\r\nodd\r\n" \
	"--b\r\nContent-Type: message/rfc822\r\n\r\nContent-Transfer-Encoding: base64\r\n\r\nWFla\r\n" \
	"--b\r\nContent-Transfer-Encoding: base64\r\n\r\n\r\n--b--"

static void binary(const char *request, const char *start, const char *value, size_t len,
    bool unknown)
{
	struct imap_work_item item = work_item(slice_lit(PARTS));
	struct buffer want = buffer_init(heap, TEXT);
	struct imap_work *w;
	slice answer = fetch(&w, request, &item, IMAP_TEXT_OK, slice_lit(PARTS));

	buffer_printf(&want, "* 3 FETCH (%s", start);
	buffer_add(&want, slice_of(value, len));
	buffer_add(&want, slice_lit(")\r\n"));
	if (start[0] != 0)
		assert_slice(answer, buffer_bytes(&want));
	else
		assert_int_equal(answer.len, 0);
	assert_int_equal(w->unknown_encoding, unknown);
	imap_work_free(w);
	buffer_free(&want);
}

static void test_binary(void **state)
{
	/* Of a NUL only literal8 may be made. */
	binary("BINARY[1]", "BINARY[1] ~{5}\r\n", "ABC\0D", 5, false);
	binary("BINARY.PEEK[1]<1.2>", "BINARY[1]<1> {2}\r\n", "BC", 2, false);
	binary("BINARY.PEEK[1]<3.9>", "BINARY[1]<3> ~{2}\r\n", "\0D", 2, false);
	binary("BINARY.SIZE[1]", "BINARY.SIZE[1] 5", "", 0, false);
	binary("BINARY[2]", "BINARY[2] {3}\r\n", "\xc3\xa4!", 3, false);
	binary("BINARY.SIZE[2]", "BINARY.SIZE[2] 3", "", 0, false);
	/* A message stays as it is; what is in it does not. */
	binary("BINARY[4]", "BINARY[4] {41}\r\n", "Content-Transfer-Encoding: base64\r\n\r\nWFla", 41, false);
	binary("BINARY.SIZE[4]", "BINARY.SIZE[4] 41", "", 0, false);
	binary("BINARY[4.1]", "BINARY[4.1] {3}\r\n", "XYZ", 3, false);
	binary("BINARY[5]", "BINARY[5] {0}\r\n", "", 0, false);
	binary("BINARY[9]", "BINARY[9] NIL", "", 0, false);
	binary("BINARY.SIZE[9]", "BINARY.SIZE[9] 0", "", 0, false);
	/* What nobody knows how to decode is left out. */
	binary("BINARY[3]", "", "", 0, true);
	binary("BINARY.SIZE[3]", "", "", 0, true);
	binary("(UID BINARY[3])", "UID 7", "", 0, true);
}

/* A NUL in a literal, which must have none. */
static void test_nul(void **state)
{
	static const char message[] = "A: b\r\n\r\nx\0y\0";
	struct imap_work_item item = work_item(slice_lit(message));
	struct imap_work *w;

	assert_slice(fetch(&w, "(BODY[TEXT] BODY[TEXT]<1.1>)", &item, IMAP_TEXT_OK, slice_lit(message)),
	    slice_lit("* 3 FETCH (BODY[TEXT] {4}\r\nx?y? BODY[TEXT]<1> {1}\r\n?)\r\n"));
	imap_work_free(w);
}

/* ---- what is told without being asked for, and what is not ---- */

static void test_flags(void **state)
{
	struct imap_work_item item = work_item(slice_lit(""));
	struct imap_fetch f = { .n = 1, .items[0].kind = IMAP_FETCH_FLAGS };
	struct imap_work w = { .fetch = &f };
	struct buffer out = buffer_init(heap, TEXT);
	struct imap_writer to = { .out = &out };

	item.message.flags = 0xFFFFFFFFFFFFFFFF;
	item.message.saved_s = 0;
	item.recent = true;
	w.keywords = (slice[IMAP_FLAG_BITS]){ [IMAP_KEYWORD_BIT] = slice_lit("$Forwarded"),
		[IMAP_FLAG_BITS - 1] = slice_lit("last") };
	imap_put_fetch(&to, &w, &item);
	f.items[0].kind = IMAP_FETCH_UID;
	item.flags_too = w.uid = w.modseq = true;
	item.message.flags = 0;
	item.recent = false;
	imap_put_fetch(&to, &w, &item);
	f.items[0].kind = IMAP_FETCH_SAVEDATE;
	item.flags_too = false;
	imap_put_fetch(&to, &w, &item);
	f = (struct imap_fetch){ .n = 2, .items = { { .kind = IMAP_FETCH_MODSEQ },
		{ .kind = IMAP_FETCH_FLAGS } } };
	imap_put_fetch(&to, &w, &item);
	assert_slice(buffer_bytes(&out),
	    slice_lit("* 3 FETCH (FLAGS (\\Recent \\Answered \\Flagged \\Deleted \\Seen \\Draft $Forwarded last))\r\n"
	    "* 3 FETCH (UID 7 FLAGS () MODSEQ (12))\r\n"
	    "* 3 FETCH (UID 7 SAVEDATE NIL)\r\n"
	    "* 3 FETCH (UID 7 MODSEQ (12) FLAGS ())\r\n"));
	assert_false(to.full);
	buffer_free(&out);
}

/* Without its text: what needs none. */
static void test_gone(void **state)
{
	struct imap_work_item item = work_item(slice_lit(""));
	struct imap_work *w;

	assert_slice(fetch(&w, "(BODY[] FLAGS ENVELOPE UID)", &item, IMAP_TEXT_GONE, (slice){ 0 }),
	    slice_lit("* 3 FETCH (FLAGS (\\Seen) UID 7)\r\n"));
	assert_int_equal(w->items[0].result, IMAP_TEXT_GONE);
	imap_work_free(w);
	assert_slice(fetch(&w, "(BODY[] PREVIEW)", &item, IMAP_TEXT_IO, (slice){ 0 }), (slice){ 0 });
	assert_int_equal(w->items[0].result, IMAP_TEXT_IO);
	imap_work_free(w);
	item.flags_too = true;
	assert_slice(fetch(&w, "BODY[]", &item, IMAP_TEXT_DAMAGED, (slice){ 0 }),
	    slice_lit("* 3 FETCH (FLAGS (\\Seen))\r\n"));
	imap_work_free(w);
}

/* ---- bounds ---- */

static const struct {
	const char *items;
	int need;                       /* -1: none */
} needs[] = {
	{ "(FLAGS UID INTERNALDATE RFC822.SIZE MODSEQ EMAILID THREADID SAVEDATE)", -1 },
	{ "FAST", -1 }, { "ALL", IMAP_NEED_HEADER }, { "FULL", IMAP_NEED_ALL },
	{ "(UID BODY[HEADER])", IMAP_NEED_HEADER }, { "RFC822.HEADER", IMAP_NEED_HEADER },
	{ "BODY[HEADER.FIELDS (A)]", IMAP_NEED_HEADER }, { "BODY[HEADER.FIELDS.NOT (A)]", IMAP_NEED_HEADER },
	{ "BODY[]", IMAP_NEED_ALL }, { "BODY[TEXT]", IMAP_NEED_ALL }, { "BODY[1]", IMAP_NEED_ALL },
	{ "BODY[1.HEADER]", IMAP_NEED_ALL }, { "BODY[1.MIME]", IMAP_NEED_ALL }, { "BINARY[]", IMAP_NEED_ALL },
	{ "BINARY.SIZE[1]", IMAP_NEED_ALL }, { "PREVIEW", IMAP_NEED_ALL }, { "RFC822", IMAP_NEED_ALL },
	{ "RFC822.TEXT", IMAP_NEED_ALL }, { "BODY", IMAP_NEED_ALL },
};

static void test_needs(void **state)
{
	for (size_t i = 0; i < sizeof needs / sizeof needs[0]; i++) {
		struct arena arena = arena_init(heap, IMAP_PARSE_ARENA_MAX);
		struct imap_parse p = imap_parse_begin(slice_from(needs[i].items), &arena);
		enum imap_work_need need;
		struct imap_fetch f;

		assert_true(imap_take_fetch(&p, &f) && imap_take_end(&p));
		assert_int_equal(imap_fetch_needs(&f, &need), needs[i].need >= 0);
		if (needs[i].need >= 0)
			assert_int_equal(need, needs[i].need);
		arena_reset(&arena);
	}
}

/* The same again and again: no more than IMAP_ANSWER_TIMES and _MORE. The messages beside it
 * are answered. */
static void test_limit(void **state)
{
	size_t len = IMAP_ANSWER_MORE;
	struct arena arena = arena_init(heap, IMAP_PARSE_ARENA_MAX);
	struct imap_parse p = imap_parse_begin(slice_lit("(UID BODY[] BODY[TEXT] BODY[]<0.99999999> "
	    "BODY[]<1.99999999> BODY[]<2.99999999> BODY[]<3.99999999>)"), &arena);
	unsigned char *text = heap_alloc(heap, len);
	struct imap_work_item item = work_item(slice_lit(""));
	struct imap_fetch f;
	struct imap_work *w;

	memset(text, 'x', len);
	assert_true(imap_take_fetch(&p, &f) && imap_take_end(&p));
	w = imap_work_fetch(&f, 3);
	for (int i = 0; i < 3; i++) {
		imap_work_add(w, &item, NULL);
		imap_work_message(w, (size_t)i, IMAP_TEXT_OK, slice_of(text, i == 1 ? len : 1));
		assert_int_equal(w->items[i].result, i == 1 ? IMAP_TEXT_LIMIT : IMAP_TEXT_OK);
	}
	assert_in_range(buffer_bytes(&w->out).len, 200, 1000);
	assert_true(slice_find(buffer_bytes(&w->out), slice_lit(")\r\n* 3 FETCH (UID 7)\r\n* 3")) <
	    buffer_bytes(&w->out).len);
	assert_true(slice_ends(buffer_bytes(&w->out), slice_lit("BODY[]<3> {0}\r\n)\r\n")));
	imap_work_free(w);
	heap_free(heap, text);
	arena_reset(&arena);
}

/* 200 characters, without dots. */
static void test_long_preview(void **state)
{
	struct imap_work_item item = work_item(slice_lit(""));
	struct imap_work *w;
	char message[400], want[400];

	snprintf(message, sizeof message, "\r\n%0300d", 0);
	snprintf(want, sizeof want, "* 3 FETCH (PREVIEW \"%0200d\")\r\n", 0);
	assert_slice(fetch(&w, "PREVIEW", &item, IMAP_TEXT_OK, slice_from(message)), slice_from(want));
	imap_work_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_items), cmocka_unit_test(test_fields),
		cmocka_unit_test(test_numbers), cmocka_unit_test(test_binary),
		cmocka_unit_test(test_nul), cmocka_unit_test(test_flags), cmocka_unit_test(test_gone),
		cmocka_unit_test(test_needs), cmocka_unit_test(test_limit),
		cmocka_unit_test(test_long_preview),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	heap = heap_create(HEAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
