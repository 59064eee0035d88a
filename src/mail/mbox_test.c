/* mail/mbox_test.c - mboxes read, at every split in two and byte by byte, and written. */
#include "unit.h"

#include <stdio.h>

#include "base/heap.h"
#include "mail/mbox.h"

#define F "From a@b.example Thu Jan  1 00:00:00 2026\n"

/* What was read: each message as "(flags,keywords)" and its text, with "/" for CRLF. */
static const struct {
	const char *name, *text, *want;
} readings[] = {
	{ "nothing", "", "" },
	{ "blank lines", "\n\n", "" },
	{ "one", F "Subject: a\n\nb\n\n", "()Subject: a//b/" },
	{ "CRLF", "From a Thu Jan  1 00:00:00 2026\r\nS: a\r\n\r\nb\r\n\r\n", "()S: a//b/" },
	{ "without the last blank line", F "S: a\n\nb\n", "()S: a//b/" },
	{ "without the last LF", F "S: a\n\nb", "()S: a//b/" },
	{ "blank lines before", "\n\n" F "S: a\n\nb\n\n", "()S: a//b/" },
	{ "two", F "S: a\n\nb\n\n" F "S: c\n\nd\n\n", "()S: a//b/()S: c//d/" },
	{ "empty bodies", F "S: a\n\n" F "S: b\n\n\n" F "S: c\n", "()S: a//()S: b//()S: c/" },
	{ "empty messages", F F "\n" F, "()From a@b.example Thu Jan  1 00:00:00 2026//()" },
	{ "blank lines at the end are kept", F "S: a\n\nb\n\n\n\n", "()S: a//b///" },
	{ "quoted", F "S: a\n\n>From b\n>>From c\n> From d\n>Fro\n>\n\n", 
	  "()S: a//From b/>From c/> From d/>Fro/>/" },
	{ "From without a blank line", F "S: a\n\nb\n" F "c\n\n",
	  "()S: a//b/From a@b.example Thu Jan  1 00:00:00 2026/c/" },
	{ "From without a time", F "S: a\n\n\nFrom here on\n\nFrom a to b\n\n",
	  "()S: a///From here on//From a to b/" },
	{ "no line has a time", "From a\nS: a\n\nb\n\nFrom c\nS: d\n\n", "()S: a//b/()S: d//" },
	{ "flags", F "Status: RO\nS: a\nX-Status: AFTD\n\nStatus: O\n\n", "(ROAFDT)S: a//Status: O/" },
	{ "flags of strangers", F "status: XR\nX-Status: RO\n\n", "(R)/" },
	{ "keywords", F "X-Keywords: a  $Forwarded\n\tb c\n d\nS: e\n f\n\n",
	  "(a $Forwarded b c d)S: e/ f//" },
	{ "what is the file's", F "X-UID: 3\nX-IMAPbase: 1 2\n 3\nContent-Length: 4\n\n",
	  "()Content-Length: 4//" },
	{ "no message", F "X-IMAP: 1 2\nS: a\n\nb\n\n", "(!)S: a//b/" },
	{ "a CR alone", F "S: a\rb\n\nc\r\r\n\n", "()S: a\rb//c\r/" },
	{ "no mbox", "Subject: a\n\nb\n", "?" },
	{ "blanks before", " From a@b\n", "?" },
};

static void tell(const struct mbox_reader *r, slice text, struct buffer *to)
{
	static const char letters[] = { 'R', 'A', 'F', 'D', 'T', 'O' };
	static const unsigned order[] = { 0, 5, 1, 2, 3, 4 };
	slice rest = text;

	buffer_printf(to, "(%s", r->pseudo ? "!" : "");
	for (size_t i = 0; i < 6; i++)
		buffer_printf(to, "%.1s", r->flags & 1u << order[i] ? &letters[order[i]] : "");
	buffer_printf(to, "%.*s)", (int)r->keywords_len, r->keywords);
	assert_int_equal(r->size, text.len);
	while (rest.len > 0) {
		size_t n = slice_find(rest, slice_lit("\r\n"));

		assert_true(n < rest.len);
		buffer_add(to, slice_head(rest, n));
		buffer_add(to, slice_lit("/"));
		rest = slice_drop(rest, n + 2);
	}
}

/* Offers pieces as a file gives them: what was not used comes again, with more behind it. */
static void read_all(slice text, size_t cut, size_t step, struct heap *heap, struct buffer *to)
{
	struct buffer message = buffer_init(heap, 4096);
	struct mbox_reader r = { 0 };
	enum mbox_result result = MBOX_MORE;
	size_t at = 0, have = cut;

	while (result == MBOX_MORE || result == MBOX_MESSAGE) {
		slice in = guarded_copy(slice_sub(text, at, have - at)), rest = in;

		result = mbox_read(&r, &rest, have == text.len, &message);
		at += in.len - rest.len;
		guarded_free(in);
		if (result == MBOX_MESSAGE) {
			tell(&r, buffer_bytes(&message), to);
			buffer_truncate(&message, 0);
		} else if (result == MBOX_MORE) {
			assert_true(have < text.len);
			have = step > 0 && have + step < text.len ? have + step : text.len;
		}
	}
	if (result == MBOX_NOT)
		buffer_add(to, slice_lit("?"));
	buffer_free(&message);
}

static void reads(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct buffer told = buffer_init(heap, 4096);

	for (size_t i = 0; i < sizeof readings / sizeof *readings; i++) {
		slice text = slice_from(readings[i].text);

		for (size_t cut = 0; cut <= text.len; cut++) {
			buffer_truncate(&told, 0);
			read_all(text, cut, cut == 0 ? 1 : 0, heap, &told);
			if (!slice_equal(buffer_bytes(&told), slice_from(readings[i].want)))
				fail_msg("%s, cut at %zu: have \"%.*s\" want \"%s\"", readings[i].name,
				    cut, slice_arg(buffer_bytes(&told)), readings[i].want);
		}
	}
	heap_drop(heap);
}

/* A line has no end for long; a message has no room; what is behind it is read all the same. */
static void reads_what_is_long(void **state)
{
	enum { LONG = 3 * MBOX_LINE_MAX };
	static char text[2 * LONG];
	struct heap *heap = heap_create(SIZE_MAX);
	struct buffer out = buffer_init(heap, LONG + 100);
	struct mbox_reader r = { 0 };
	slice in;
	int head = snprintf(text, sizeof text, F "S: a\n\n");

	memset(text + head, 'x', LONG);
	snprintf(text + head + LONG, 200, "\n\n" F "S: b\n\nc\n\n");
	in = slice_from(text);
	assert_int_equal(mbox_read(&r, &in, false, &out), MBOX_MESSAGE);
	assert_int_equal(buffer_bytes(&out).len, 8 + LONG + 2);
	assert_false(r.too_long);
	buffer_free(&out);

	out = buffer_init(heap, LONG);
	r = (struct mbox_reader){ 0 };
	in = slice_from(text);
	assert_int_equal(mbox_read(&r, &in, false, &out), MBOX_MESSAGE);
	assert_true(r.too_long);
	assert_int_equal(r.size, 8 + LONG + 2);
	buffer_truncate(&out, 0);
	assert_int_equal(mbox_read(&r, &in, true, &out), MBOX_MESSAGE);
	assert_false(r.too_long);
	assert_slice(buffer_bytes(&out), slice_lit("S: b\r\n\r\nc\r\n"));
	assert_int_equal(mbox_read(&r, &in, true, &out), MBOX_END);
	heap_drop(heap);
}

static const struct {
	const char *text, *sender;
	int64_t seconds;                /* -1: no date */
} froms[] = {
	{ "a@b.example Thu Jan  1 00:00:00 1970", "a@b.example", 0 },
	{ "a@b.example Wed Jul 17 02:44:25 1996", "a@b.example", 837571465 },
	{ "a@b Wed Jul 17 02:44:25 1996 -0700", "a@b", 837571465 + 7 * 3600 },
	{ "a@b Wed Jul 17 02:44:25 +0200 1996", "a@b", 837571465 - 2 * 3600 },
	{ "a@b Wed, 17 Jul 1996 02:44:25 GMT", "a@b", 837571465 },
	{ "a@b Wed Jul 17 02:44 1996 remote from c", "a@b", 837571440 },
	{ "- Wed Jul 17 02:44:25 1996", "-", 837571465 },
	{ "Wed Jul 17 02:44:25 1996", "", 837571465 },
	{ "MAILER-DAEMON Fri Feb 29 00:00:00 2008", "MAILER-DAEMON", 1204243200 },
	{ "a Fri Feb 29 00:00:00 2007", "a", -1 }, { "a Fri Feb 28 24:00:00 2007", "a", -1 },
	{ "a Fri Feb 0 00:00:00 2007", "a", -1 }, { "a Fri Feb 1 00:00:00 07", "a", -1 },
	{ "here on at 10:30 there is", "here", -1 }, { "", "", -1 }, { "a", "a", -1 },
};

static void knows_from_lines(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct buffer out = buffer_init(heap, 1000);

	for (size_t i = 0; i < sizeof froms / sizeof *froms; i++) {
		slice text = guarded_copy(slice_from(froms[i].text));
		struct mbox_from from = mbox_from_read(text);

		assert_slice(from.sender, slice_from(froms[i].sender));
		assert_int_equal(from.dated, froms[i].seconds >= 0);
		if (from.dated)
			assert_int_equal(from.seconds, froms[i].seconds);
		guarded_free(text);
	}
	mbox_from_write(&out, slice_lit("a@b"), 837571465);
	mbox_from_write(&out, slice_lit("a b"), -1);
	mbox_from_write(&out, slice_lit(""), INT64_MAX);
	assert_slice(buffer_bytes(&out), slice_lit("From a@b Wed Jul 17 02:44:25 1996\n"
	    "From MAILER-DAEMON Wed Dec 31 23:59:59 1969\n"
	    "From MAILER-DAEMON Thu Jan  1 00:00:00 1970\n"));
	heap_drop(heap);
}

static const struct {
	const char *name;
	unsigned flags;
	const char *keywords, *text, *want;
} writings[] = {
	{ "plain", MBOX_SEEN, "", "S: a\r\n\r\nb\r\n", "S: a\nStatus: RO\n\nb\n\n" },
	{ "flags", MBOX_ANSWERED | MBOX_FLAGGED | MBOX_DRAFT | MBOX_DELETED, "x $y", "S: a\r\n\r\n",
	  "S: a\nStatus: O\nX-Status: AFTD\nX-Keywords: x $y\n\n\n" },
	{ "no last line end", 0, "", "S: a\r\n\r\nb", "S: a\nStatus: O\n\nb\n\n" },
	{ "no body", 0, "", "S: a\r\n", "S: a\nStatus: O\n\n\n" },
	{ "no end of a header", 0, "", "S: a", "S: a\nStatus: O\n\n\n" },
	{ "nothing", 0, "", "", "Status: O\n\n\n" },
	{ "quoted", 0, "", "\r\nFrom a\r\n>From b\r\n>>From c\r\nFrom\r\n From d\r\n",
	  "Status: O\n\n>From a\n>>From b\n>>>From c\nFrom\n From d\n\n" },
	{ "fields of an mbox", 0, "", "Status: RO\r\nX-UID: 1\r\n 2\r\nS: a\r\nx-keywords: b\r\n\r\n",
	  "S: a\nStatus: O\n\n\n" },
	{ "LF and CR", 0, "", "S: a\n\r\nb\rc\r\r\nd\n", "S: a\nStatus: O\n\nb\rc\r\r\nd\n\n" },
};

static void writes(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct buffer out = buffer_init(heap, 4096);

	for (size_t i = 0; i < sizeof writings / sizeof *writings; i++) {
		slice text = slice_from(writings[i].text);

		for (size_t cut = 0; cut <= text.len; cut++) {
			struct mbox_writer w = { .flags = writings[i].flags,
				.keywords = slice_from(writings[i].keywords) };
			slice first = guarded_copy(slice_head(text, cut)), rest = first;

			buffer_truncate(&out, 0);
			mbox_write(&w, &rest, false, &out);
			rest = slice_drop(text, cut - rest.len);
			guarded_free(first);
			first = guarded_copy(rest);
			rest = first;
			mbox_write(&w, &rest, true, &out);
			guarded_free(first);
			if (!slice_equal(buffer_bytes(&out), slice_from(writings[i].want)))
				fail_msg("%s, cut at %zu: have \"%.*s\" want \"%s\"", writings[i].name,
				    cut, slice_arg(buffer_bytes(&out)), writings[i].want);
		}
	}
	heap_drop(heap);
}

UNIT_TESTS(cmocka_unit_test(reads), cmocka_unit_test(reads_what_is_long),
    cmocka_unit_test(knows_from_lines), cmocka_unit_test(writes))
