/* imap/imap_search_test.c - does a message fit? Each key; and what may be told without text. */
#include "imap/work_test.h"

#include <stdio.h>

#include "unit.h"

enum { HEAP = 256 << 20, NOW = 837571465 + 3600 };

static struct heap *heap;

static const struct imap_host host = { .keyword_bit = work_keyword_bit };

/* "y", "n", or "N" and "Y" when that needs its text; "c" a bad charset, "s" a bad set. */
static char search(const char *keys, const struct imap_work_item *item, slice text)
{
	struct arena arena = arena_init(heap, IMAP_PARSE_ARENA_MAX), more =
	    arena_init(heap, IMAP_SEARCH_ARENA_MAX);
	struct imap_parse p = imap_parse_begin(slice_from(keys), &arena);
	struct imap_range ranges[] = { { 7, 8 } };
	struct imap_set saved = { ranges, 1 };
	struct imap_search_facts facts = { &host, heap, 5, 9, &saved, NOW };
	struct imap_key_state states[IMAP_SEARCH_KEYS_MAX];
	enum imap_search_ready ready;
	enum imap_answer answer;
	struct imap_search s;
	char ret = 's';

	if (!imap_take_search(&p, &s) || !imap_take_end(&p))
		fail_msg("%s: %s", keys, p.wanted);
	ready = imap_search_prepare(&s, &facts, &more);
	if (ready == IMAP_SEARCH_CHARSET)
		ret = 'c';
	if (ready == IMAP_SEARCH_READY) {
		enum imap_work_need need;

		answer = imap_search_judge(&s, item, states);
		ret = "?ny"[answer];
		if (answer == IMAP_UNKNOWN) {
			struct imap_work *w = imap_work_search(&s, 1);

			assert_true(imap_search_needs(&s, &need));
			imap_work_add(w, item, states);
			imap_work_message(w, 0, IMAP_TEXT_OK, text);
			ret = w->items[0].hit ? 'Y' : 'N';
			imap_work_free(w);
		}
	}
	arena_reset(&arena);
	arena_reset(&more);
	return ret;
}

/* ---- without text ---- */

/* Number 3 of 5, uid 7 of 9, of 4,000 octets, seen, a keyword, received 17-Jul-1996 02:44:25,
 * saved a day later, an hour ago. */
static const struct {
	const char *keys;
	char want;
} plain[] = {
	{ "ALL", 'y' }, { "SEEN", 'y' }, { "UNSEEN", 'n' }, { "ANSWERED", 'n' }, { "UNANSWERED", 'y' },
	{ "DELETED", 'n' }, { "UNDELETED", 'y' }, { "DRAFT", 'n' }, { "UNDRAFT", 'y' }, { "FLAGGED", 'n' },
	{ "UNFLAGGED", 'y' }, { "KEYWORD todo", 'y' }, { "KEYWORD TODO", 'y' }, { "UNKEYWORD todo", 'n' },
	{ "KEYWORD $Forwarded", 'n' }, { "UNKEYWORD $Forwarded", 'y' }, { "KEYWORD never", 'n' },
	{ "UNKEYWORD never", 'y' }, { "RECENT", 'y' }, { "OLD", 'n' }, { "NEW", 'n' }, { "NOT NEW", 'y' },
	{ "3", 'y' }, { "2,4:*", 'n' }, { "1:*", 'y' }, { "*", 'n' }, { "5:2", 'y' }, { "UID 7", 'y' },
	{ "UID 8:*", 'n' }, { "UID *", 'n' }, { "UID 5:*", 'y' }, { "$", 'y' }, { "UID $", 'y' }, { "NOT $", 'n' },
	{ "BEFORE 17-Jul-1996", 'n' }, { "BEFORE 18-Jul-1996", 'y' }, { "ON 17-Jul-1996", 'y' },
	{ "ON 16-Jul-1996", 'n' }, { "SINCE 17-Jul-1996", 'y' }, { "SINCE 18-Jul-1996", 'n' },
	{ "SAVEDBEFORE 18-Jul-1996", 'n' }, { "SAVEDBEFORE 19-Jul-1996", 'y' }, { "SAVEDON 18-Jul-1996", 'y' },
	{ "SAVEDON 17-Jul-1996", 'n' }, { "SAVEDSINCE 18-Jul-1996", 'y' }, { "SAVEDSINCE 19-Jul-1996", 'n' },
	{ "SAVEDATESUPPORTED", 'y' }, { "LARGER 3999", 'y' }, { "LARGER 4000", 'n' }, { "SMALLER 4001", 'y' },
	{ "SMALLER 4000", 'n' }, { "OLDER 3600", 'y' }, { "OLDER 3601", 'n' }, { "YOUNGER 3600", 'y' },
	{ "YOUNGER 3599", 'n' }, { "MODSEQ 12", 'y' }, { "MODSEQ 13", 'n' },
	{ "MODSEQ \"/flags/\\\\draft\" all 5", 'y' }, { "EMAILID E0123456789abcdeffedcba9876543210", 'y' },
	{ "EMAILID E0123456789abcdeffedcba9876543211", 'n' }, { "THREADID T1", 'n' }, { "NOT ALL", 'n' },
	{ "OR UNSEEN UID 7", 'y' }, { "OR UNSEEN UID 8", 'n' }, { "SEEN NOT (UID 7 FLAGGED)", 'y' },
	{ "UNSEEN BODY x", 'n' }, { "OR SEEN BODY x", 'y' }, { "BODY \"\"", 'y' }, { "TEXT \"\"", 'y' },
	/* What no text can have is asked for all the same. */
	{ "SEEN BODY x", 'N' }, { "CHARSET x-odd BODY x", 'c' }, { "CHARSET utf-8 SEEN", 'y' },
	{ "CHARSET US-ASCII SEEN", 'y' }, { "CHARSET iso-8859-15 SEEN", 'y' },
};

static void test_plain(void **state)
{
	struct imap_work_item item = work_item(slice_lit(""));

	item.recent = true;
	item.message.flags |= (uint64_t)1 << (IMAP_KEYWORD_BIT + 2);
	item.message.size = 4000;
	for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++) {
		if (search(plain[i].keys, &item, slice_lit("")) != plain[i].want)
			fail_msg("%s: not %c", plain[i].keys, plain[i].want);
	}
	item.message.flags = 0;
	assert_int_equal(search("NEW", &item, slice_lit("")), 'y');
	/* RFC 8514 s4.3: not known when it was saved. A second before 1970 is a day before. */
	item.message.saved_s = 0;
	assert_int_equal(search("SAVEDON 17-Jul-1996", &item, slice_lit("")), 'y');
	item.message.received_us = -1;
	assert_int_equal(search("ON 31-Dec-1969", &item, slice_lit("")), 'y');
}

/* ---- with text ---- */

#define HEAD "Date: Wed, 17 Jul 1996 23:30:00 -0700\r\n" \
	"From: =?iso-8859-1?Q?J=F6rg_M=FCller?= <joerg@example.org>\r\nTo: a@x, \"B. C\" <b@x>\r\n" \
	"Subject: =?UTF-8?B?R3LDvMOfZQ==?= =?UTF-8?Q?_aus?=\r\n dem HARZ\r\nX-Empty:\r\nX-Two: one\r\nX-Two: two\r\n" \
	"X-8: Gr\xfc\xdf\r\n"

static const struct {
	const char *keys, *message;
	char want;
} texts[] = {
	{ "FROM joerg", HEAD, 'Y' }, { "FROM JOERG@EXAMPLE", HEAD, 'Y' }, { "FROM anna", HEAD, 'N' },
	{ "FROM \"j\xc3\x96rg m\xc3\xbcLLER\"", HEAD, 'Y' }, { "CHARSET UTF-8 FROM {3}\r\n\xc3\x96r", HEAD, 'Y' },
	{ "CHARSET iso-8859-1 FROM {2}\r\n\xd6R", HEAD, 'Y' }, { "FROM iso-8859", HEAD, 'N' },
	{ "TO b@x", HEAD, 'Y' }, { "TO \"b. c\"", HEAD, 'Y' }, { "TO c@x", HEAD, 'N' }, { "CC a", HEAD, 'N' },
	{ "BCC a", HEAD, 'N' }, { "SUBJECT \"GR\xc3\x9c\xc3\x9f" "e aus dem harz\"", HEAD, 'Y' },
	{ "SUBJECT \"e aus\"", HEAD, 'Y' }, { "SUBJECT =?UTF", HEAD, 'N' },
	{ "HEADER X-Empty \"\"", HEAD, 'Y' }, { "HEADER X-None \"\"", HEAD, 'N' }, { "HEADER x-empty a", HEAD, 'N' },
	{ "HEADER X-TWO two", HEAD, 'Y' }, { "HEADER X-TWO onetwo", HEAD, 'N' },
	{ "HEADER X-8 {6}\r\ngr\xc3\xbc\xc3\x9f", HEAD, 'Y' }, { "HEADER X-Two one SEEN", HEAD, 'Y' },
	/* The day in the zone of who wrote it. */
	{ "SENTON 17-Jul-1996", HEAD, 'Y' }, { "SENTON 18-Jul-1996", HEAD, 'N' },
	{ "SENTBEFORE 17-Jul-1996", HEAD, 'N' }, { "SENTBEFORE 18-Jul-1996", HEAD, 'Y' },
	{ "SENTSINCE 17-Jul-1996", HEAD, 'Y' }, { "SENTSINCE 18-Jul-1996", HEAD, 'N' },
	{ "SENTSINCE 1-Jan-1970", "Date: never\r\n\r\n", 'N' }, { "SENTSINCE 1-Jan-1970", "\r\n", 'N' },
	{ "NOT SENTSINCE 1-Jan-1970", "\r\n", 'Y' },
	/* BODY is not the header; TEXT is both. */
	{ "BODY harz", HEAD "\r\nnothing", 'N' }, { "TEXT harz", HEAD "\r\nnothing", 'Y' },
	{ "TEXT \"aus dem\"", HEAD "\r\nnothing", 'Y' }, { "TEXT thing", HEAD "\r\nnothing", 'Y' },
	{ "TEXT \"x-two: TWO\"", HEAD "\r\n", 'Y' }, { "TEXT \"gr\xc3\xbc\xc3\x9f" "e\"", HEAD "\r\n", 'Y' },
	{ "TEXT \"b c\"", "A: b\r\n c\r\n\r\n", 'Y' }, { "TEXT bc", "A: b\r\n c\r\n\r\n", 'N' },
	{ "BODY NOTH", HEAD "\r\nnothing", 'Y' }, { "BODY nothings", HEAD "\r\nnothing", 'N' },
	{ "BODY \"\xc3\xa4\"", "\r\nASCII", 'N' }, { "BODY \"\xc3\x84 b\"", "\r\na \xc3\xa4 b", 'Y' },
	{ "BODY B", "\r\na \xc3\xa4 b", 'Y' },
	/* Encodings and character sets. */
	{ "BODY \"\xc3\xa4" "ndern\"", "Content-Type: text/plain; charset=iso-8859-1\r\n"
	  "Content-Transfer-Encoding: quoted-printable\r\n\r\n=C4nd=\r\nern", 'Y' },
	{ "BODY =C4nd", "Content-Transfer-Encoding: quoted-printable\r\n\r\n=C4nd", 'N' },
	{ "BODY \"hello world\"", "Content-Transfer-Encoding: base64\r\n\r\nSGVsbG8g\r\nV29ybGQ=", 'Y' },
	{ "BODY SGVs", "Content-Transfer-Encoding: base64\r\n\r\nSGVsbG8g\r\nV29ybGQ=", 'N' },
	{ "BODY \"\xe6\x97\xa5\xe6\x9c\xac\"", "Content-Type: text/plain; charset=iso-2022-jp\r\n\r\n\x1b$BF|K\\\x1b(B", 'Y' },
	{ "BODY F|K", "Content-Type: text/plain; charset=iso-2022-jp\r\n\r\n\x1b$BF|K\\\x1b(B", 'N' },
	{ "BODY \"\xc3\xbc\"", "Content-Type: text/plain; charset=UTF-7\r\n\r\nx +APw- y", 'Y' },
	{ "BODY \"\xce\xbb\xcf\x8c\xce\xb3\xce\xbf\xcf\x82\"", "\r\n\xce\x9b\xce\x8c\xce\x93\xce\x9f\xcf\x82", 'Y' },
	/* Which parts are looked into. */
	{ "BODY needle", "Content-Type: image/png\r\n\r\nneedle", 'N' },
	{ "BODY needle", "Content-Type: text/html\r\n\r\n<b>Needle", 'Y' },
	{ "BODY needle", "Content-Type: multipart/mixed; boundary=b\r\n\r\nneedle\r\n--b\r\n\r\nx\r\n--b--", 'N' },
	{ "BODY needle", "Content-Type: multipart/mixed\r\n\r\nneedle", 'Y' },
	{ "BODY needle", "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b\r\n"
	  "Content-Transfer-Encoding: base64\r\n\r\nbmVlZGxl\r\n--b--", 'Y' },
	{ "BODY needle", "Content-Type: message/rfc822\r\n\r\nSubject: needle\r\n\r\nx", 'Y' },
	{ "BODY needle", "Content-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\nneedle", 'Y' },
	{ "BODY needle", "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nX: needle\r\n\r\nx\r\n--b--", 'N' },
	{ "TEXT needle", "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nX: needle\r\n\r\nx\r\n--b--", 'Y' },
	/* Where the answer hangs on it. */
	{ "FROM anna BODY x", HEAD "\r\nx", 'N' }, { "OR FROM anna BODY x", HEAD "\r\nx", 'Y' },
	{ "NOT BODY x", HEAD "\r\ny", 'Y' }, { "NOT (BODY x FROM joerg)", HEAD "\r\nx", 'N' },
};

static void test_texts(void **state)
{
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		slice text = guarded_copy(slice_from(texts[i].message));
		struct imap_work_item item = work_item(text);
		char have = search(texts[i].keys, &item, text);

		if (have != texts[i].want)
			fail_msg("%s in %s: %c", texts[i].keys, texts[i].message, have);
		guarded_free(text);
	}
}

/* Each part is decoded, and folded, once for all keys, and whatever was asked before. */
static void test_many_keys(void **state)
{
	static const char head[] = "Content-Type: multipart/mixed; boundary=b\r\n\r\n"
	    "--b\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=C3=84rger\r\n"
	    "--b\r\nContent-Transfer-Encoding: base64\r\n\r\nw5xiZWw=\r\n"
	    "--b\r\n\r\nplain\r\n--b--";
	static const char *const words[] = { "\xc3\xa4rg", "rger", "\xc3\xbc" "bel", "bel", "plain", "none",
		"\xc3\xb6" };
	enum { WORDS = sizeof words / sizeof words[0], KEYS = 3 * WORDS };
	struct imap_key keys[1 + 2 * KEYS] = { { IMAP_KEY_AND, .end = 1 + 2 * KEYS, .children = KEYS } };
	struct imap_search s = { .keys = keys, .n = 1 };
	struct imap_work_item item = work_item(slice_lit(head));
	struct imap_key_state states[1 + 2 * KEYS];
	struct imap_work *w;

	for (uint32_t i = 0; i < KEYS; i++) {
		bool without = i % WORDS >= WORDS - 2;
		uint32_t at = (uint32_t)s.n;

		if (without)
			keys[s.n++] = (struct imap_key){ IMAP_KEY_NOT, .end = at + 2, .children = 1 };
		keys[s.n] = (struct imap_key){ i / WORDS == 1 ? IMAP_KEY_TEXT : IMAP_KEY_BODY,
			.parent = without ? at : 0, .text = slice_from(words[i % WORDS]) };
		keys[s.n].end = (uint32_t)s.n + 1;
		s.n++;
	}
	keys[0].end = (uint32_t)s.n;
	assert_int_equal(imap_search_judge(&s, &item, states), IMAP_UNKNOWN);
	w = imap_work_search(&s, 2);
	for (size_t i = 0; i < 2; i++) {
		imap_work_add(w, &item, states);
		imap_work_message(w, i, IMAP_TEXT_OK, slice_lit(head));
		assert_true(w->items[i].hit);
		assert_slice(buffer_bytes(&w->texts), slice_lit("\xc3\x84rger\xc3\x9c" "bel"));
		assert_slice(buffer_bytes(&w->folds), slice_lit("\xc3\xa4rger\xc3\xbc" "bel"));
	}
	imap_work_free(w);
}

/* Without its text nothing fits, not even what does not have something. */
static void test_gone(void **state)
{
	struct imap_work_item item = work_item(slice_lit(""));
	struct imap_key keys[] = { { IMAP_KEY_AND, .end = 3, .children = 1 },
		{ IMAP_KEY_NOT, .end = 3, .children = 1 },
		{ IMAP_KEY_BODY, .end = 3, .parent = 1, .text = slice_lit("x") } };
	struct imap_search s = { .keys = keys, .n = 3 };
	struct imap_key_state states[3];
	struct imap_work *w = imap_work_search(&s, 2);

	assert_int_equal(imap_search_judge(&s, &item, states), IMAP_UNKNOWN);
	imap_work_add(w, &item, states);
	imap_work_add(w, &item, states);
	imap_work_message(w, 0, IMAP_TEXT_IO, (slice){ 0 });
	imap_work_message(w, 1, IMAP_TEXT_OK, (slice){ 0 });
	assert_false(w->items[0].hit);
	assert_int_equal(w->items[0].result, IMAP_TEXT_IO);
	assert_true(w->items[1].hit);
	imap_work_free(w);
}

static void test_needs(void **state)
{
	static const struct {
		enum imap_key_kind kind;
		int need;
	} rows[] = {
		{ IMAP_KEY_ALL, -1 }, { IMAP_KEY_UIDS, -1 }, { IMAP_KEY_HEADER, IMAP_NEED_HEADER },
		{ IMAP_KEY_SENT_ON, IMAP_NEED_HEADER }, { IMAP_KEY_BODY, IMAP_NEED_ALL },
		{ IMAP_KEY_TEXT, IMAP_NEED_ALL },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct imap_key keys[] = { { IMAP_KEY_AND, .end = 2, .children = 1 },
			{ rows[i].kind, .end = 2, .text = slice_lit("x") } };
		struct imap_search s = { .keys = keys, .n = 2 };
		enum imap_work_need need;

		assert_int_equal(imap_search_needs(&s, &need), rows[i].need >= 0);
		if (rows[i].need >= 0)
			assert_int_equal(need, rows[i].need);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain), cmocka_unit_test(test_texts), cmocka_unit_test(test_gone),
		cmocka_unit_test(test_needs), cmocka_unit_test(test_many_keys),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	heap = heap_create(HEAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
