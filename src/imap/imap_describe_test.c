/* imap/imap_describe_test.c - ENVELOPE and BODYSTRUCTURE: by tables, and by the grammar. */
#include "imap/describe.h"

#include <glob.h>
#include <stdio.h>

#include "base/checksum.h"
#include "imap/grammar_test.h"
#include "imap/work_test.h"
#include "mail/suite_test.h"

enum { HEAP = 256 << 20, TEXT = 32 << 20 };

static struct heap *heap;

static slice envelope_of(const char *header, struct buffer *out)
{
	struct imap_writer w = { .out = out };

	imap_put_envelope(&w, slice_from(header), heap);
	assert_false(w.full);
	return buffer_bytes(out);
}

static slice structure_of(slice message, bool extended, struct buffer *out)
{
	struct arena arena = arena_init(heap, MIME_ARENA_MAX);
	struct mime m = mime_parse(message, &arena);
	struct imap_writer w = { .out = out };

	imap_put_structure(&w, &m, extended, heap);
	assert_false(w.full);
	arena_reset(&arena);
	return buffer_bytes(out);
}

/* ---- ENVELOPE ---- */

#define NOBODY "NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL"
#define FROM_ONE(address) "(NIL NIL " address " " address " " address " NIL NIL NIL NIL NIL)"

static const struct {
	const char *header, *want;
} envelopes[] = {
	{ "", "(" NOBODY ")" },
	/* RFC 9051 s8. */
	{ "Date: Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\r\n"
	  "From: Terry Gray <gray@cac.washington.edu>\r\n"
	  "Subject: IMAP4rev2 WG mtg summary and minutes\r\n"
	  "To: imap@cac.washington.edu\r\n"
	  "Cc: minutes@CNRI.Reston.VA.US, John Klensin <KLENSIN@MIT.EDU>\r\n"
	  "Message-Id: <B27397-0100000@cac.washington.edu>\r\n"
	  "MIME-Version: 1.0\r\n\r\n",
	  "(\"Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\" \"IMAP4rev2 WG mtg summary and minutes\" "
	  "((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\")) "
	  "((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\")) "
	  "((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\")) "
	  "((NIL NIL \"imap\" \"cac.washington.edu\")) "
	  "((NIL NIL \"minutes\" \"CNRI.Reston.VA.US\")(\"John Klensin\" NIL \"KLENSIN\" \"MIT.EDU\")) "
	  "NIL NIL \"<B27397-0100000@cac.washington.edu>\")" },
	/* Sender and Reply-To that are there, and one that is empty. */
	{ "From: a@x\r\nSender: b@x\r\nReply-To: \r\n\r\n",
	  "(NIL NIL ((NIL NIL \"a\" \"x\")) ((NIL NIL \"b\" \"x\")) ((NIL NIL \"a\" \"x\")) "
	  "NIL NIL NIL NIL NIL)" },
	/* A group, and one without members. */
	{ "To: Friends: bob@x, \"C. D\" <c@y>;, Undisclosed recipients:;\r\n\r\n",
	  "(NIL NIL NIL NIL NIL ((NIL NIL \"Friends\" NIL)(NIL NIL \"bob\" \"x\")"
	  "(\"C. D\" NIL \"c\" \"y\")(NIL NIL NIL NIL)(NIL NIL \"Undisclosed recipients\" NIL)"
	  "(NIL NIL NIL NIL)) NIL NIL NIL NIL)" },
	/* Encoded words stay; folds go; quotes and backslashes are escaped. */
	{ "Subject: =?UTF-8?Q?Gr=C3=BC=C3=9Fe?=\r\n an \"alle\" \\o/\r\n\r\n",
	  "(NIL \"=?UTF-8?Q?Gr=C3=BC=C3=9Fe?= an \\\"alle\\\" \\\\o/\" NIL NIL NIL NIL NIL NIL NIL NIL)" },
	{ "From: =?utf-8?q?J=C3=B6rg?= <j@x>\r\n\r\n",
	  FROM_ONE("((\"=?utf-8?q?J=C3=B6rg?=\" NIL \"j\" \"x\"))") },
	/* The local part loses its quoting. */
	{ "From: \"a \\\"b\\\"\"@x\r\n\r\n", FROM_ONE("((NIL NIL \"a \\\"b\\\"\" \"x\"))") },
	/* 8 bits are a literal, whatever they are. */
	{ "Subject: Gr\xc3\xbc\xc3\x9f" "e\r\n\r\n",
	  "(NIL {7}\r\nGr\xc3\xbc\xc3\x9f" "e NIL NIL NIL NIL NIL NIL NIL NIL)" },
	{ "Subject: \xff\r\n\r\n", "(NIL {1}\r\n\xff NIL NIL NIL NIL NIL NIL NIL NIL)" },
	/* Of what is there twice: the first; of addresses all. */
	{ "Subject: one\r\nSubject: two\r\nTo: a@x\r\nTo: b@x\r\n\r\n",
	  "(NIL \"one\" NIL NIL NIL ((NIL NIL \"a\" \"x\")(NIL NIL \"b\" \"x\")) NIL NIL NIL NIL)" },
	/* No domain; no address at all. */
	{ "From: root\r\n\r\n", FROM_ONE("((\"root\" NIL \"\" \"\"))") },
	{ "From: Bob <bob>\r\n\r\n", FROM_ONE("((\"Bob\" NIL \"bob\" \"\"))") },
	{ "Subject:\r\nIn-Reply-To: <1@x>\r\n\r\n", "(NIL \"\" NIL NIL NIL NIL NIL NIL \"<1@x>\" NIL)" },
};

static void test_envelopes(void **state)
{
	for (size_t i = 0; i < sizeof envelopes / sizeof envelopes[0]; i++) {
		struct buffer out = buffer_init(heap, TEXT);
		slice text = envelope_of(envelopes[i].header, &out);

		assert_slice(text, slice_from(envelopes[i].want));
		assert_true(take_envelope(&text) && text.len == 0);
		buffer_free(&out);
	}
}

/* ---- BODY and BODYSTRUCTURE ---- */

static const struct {
	const char *message, *body, *structure;
} structures[] = {
	{ "Subject: x\r\n\r\nHello\r\n",
	  "(\"text\" \"plain\" NIL NIL NIL \"7bit\" 7 1)",
	  "(\"text\" \"plain\" NIL NIL NIL \"7bit\" 7 1 NIL NIL NIL NIL)" },
	{ "Content-Type: TEXT/HTML; charset=\"utf-8\"; x=\"a \\\"b\\\"\"\r\n"
	  "Content-Transfer-Encoding: Base64\r\nContent-ID: <1@x>\r\nContent-Description: a\r\n b\r\n"
	  "Content-MD5: xx==\r\nContent-Language: en, de-CH\r\nContent-Location: http://x/\r\n"
	  "Content-Disposition: Inline; filename*=utf-8''%41\r\n\r\nQQ==\r\n",
	  "(\"TEXT\" \"HTML\" (\"charset\" \"utf-8\" \"x\" \"a \\\"b\\\"\") \"<1@x>\" \"a b\" \"Base64\" 6 1)",
	  "(\"TEXT\" \"HTML\" (\"charset\" \"utf-8\" \"x\" \"a \\\"b\\\"\") \"<1@x>\" \"a b\" \"Base64\" 6 1 "
	  "\"xx==\" (\"Inline\" (\"filename*\" \"utf-8''%41\")) (\"en\" \"de-CH\") \"http://x/\")" },
	{ "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nA\r\n--b\r\n"
	  "Content-Type: image/png; name=p\r\nContent-Disposition: attachment\r\n\r\nxyz\r\n--b--\r\n",
	  "((\"text\" \"plain\" NIL NIL NIL \"7bit\" 1 0)"
	  "(\"image\" \"png\" (\"name\" \"p\") NIL NIL \"7bit\" 3) \"mixed\")",
	  "((\"text\" \"plain\" NIL NIL NIL \"7bit\" 1 0 NIL NIL NIL NIL)"
	  "(\"image\" \"png\" (\"name\" \"p\") NIL NIL \"7bit\" 3 NIL (\"attachment\" NIL) NIL NIL) "
	  "\"mixed\" (\"boundary\" \"b\") NIL NIL NIL)" },
	/* A message in a message; its lines, and the envelope that it has. */
	{ "Content-Type: message/rfc822\r\n\r\nSubject: in\r\n\r\nA\r\nB\r\n",
	  "(\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 21 (NIL \"in\" NIL NIL NIL NIL NIL NIL NIL NIL) "
	  "(\"text\" \"plain\" NIL NIL NIL \"7bit\" 6 2) 4)",
	  "(\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 21 (NIL \"in\" NIL NIL NIL NIL NIL NIL NIL NIL) "
	  "(\"text\" \"plain\" NIL NIL NIL \"7bit\" 6 2 NIL NIL NIL NIL) 4 NIL NIL NIL NIL)" },
	/* Nothing in it; no boundary; a message that is encoded. */
	{ "Content-Type: multipart/mixed; boundary=b\r\n\r\nnothing\r\n",
	  "((\"text\" \"plain\" NIL NIL NIL \"7bit\" 0 0) \"mixed\")", NULL },
	{ "Content-Type: multipart/mixed\r\n\r\nA\r\n",
	  "(\"text\" \"plain\" NIL NIL NIL \"7bit\" 3 1)", NULL },
	{ "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\nQQ==\r\n",
	  "(\"application\" \"octet-stream\" NIL NIL NIL \"base64\" 6)", NULL },
};

static void test_structures(void **state)
{
	for (size_t i = 0; i < sizeof structures / sizeof structures[0]; i++) {
		slice message = guarded_copy(slice_from(structures[i].message));
		struct buffer body = buffer_init(heap, TEXT), structure = buffer_init(heap, TEXT);

		assert_slice(structure_of(message, false, &body), slice_from(structures[i].body));
		structure_of(message, true, &structure);
		if (structures[i].structure != NULL)
			assert_slice(buffer_bytes(&structure), slice_from(structures[i].structure));
		buffer_free(&body);
		buffer_free(&structure);
		guarded_free(message);
	}
}

static void check_grammar(slice message, const char *name)
{
	for (int extended = 0; extended < 2; extended++) {
		struct buffer out = buffer_init(heap, TEXT);
		slice text = structure_of(message, extended, &out);

		if (!take_body(&text, extended) || text.len > 0)
			fail_msg("%s: at %zu of %.*s", name, buffer_bytes(&out).len - text.len,
			    slice_arg(buffer_bytes(&out)));
		buffer_free(&out);
	}
}

/* As deep as it goes, and deeper; with and without room. */
static void test_deep(void **state)
{
	struct buffer message = buffer_init(heap, TEXT);
	struct arena arena = arena_init(heap, MIME_ARENA_MAX);
	struct mime m;

	for (int i = 0; i < 2 * MIME_DEPTH_MAX; i++)
		buffer_printf(&message, "Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n", i, i);
	check_grammar(buffer_bytes(&message), "deep");
	m = mime_parse(buffer_bytes(&message), &arena);
	for (size_t room = 0; room < 200; room++) {
		struct buffer out = buffer_init(heap, room);
		struct imap_writer w = { .out = &out };

		imap_put_structure(&w, &m, true, heap);
		assert_true(w.full && buffer_bytes(&out).len <= room);
		buffer_free(&out);
	}
	arena_reset(&arena);
	buffer_free(&message);
}

/* ---- digests ---- */

/* What a FETCH answers of a message, or of the record of one. */
static slice answer(struct imap_work **ret, const char *items, slice message, slice record)
{
	struct arena arena = arena_init(heap, IMAP_PARSE_ARENA_MAX);
	struct imap_parse p = imap_parse_begin(slice_from(items), &arena);
	struct imap_work_item item = work_item(message);
	struct imap_digest digest;
	struct imap_fetch f;
	struct imap_work *w;

	assert_true(imap_take_fetch(&p, &f) && imap_take_end(&p));
	*ret = w = imap_work_fetch(&f, 1);
	imap_work_add(w, &item, NULL);
	w->remembers = true;
	if (record.ptr == NULL)
		imap_work_message(w, 0, IMAP_TEXT_OK, message);
	else
		assert_true(imap_digest_read(record, &digest) && imap_work_digest(w, 0, &digest));
	arena_reset(&arena);
	return buffer_bytes(&w->out);
}

/* Whoever remembers the message answers what its reader does. */
static void check_digest(slice message, const char *name)
{
	static const char *const asked[] = { "(UID ENVELOPE BODYSTRUCTURE)", "(BODYSTRUCTURE)",
		"(BODY.PEEK[HEADER])", "ALL", "(FLAGS BODY[HEADER.FIELDS (FROM TO CC SUBJECT DATE)] ENVELOPE)",
		"BODY[HEADER.FIELDS.NOT (RECEIVED)]<3.200>" };
	struct imap_work *reader, *w, *other;
	slice record;

	for (size_t i = 0; i < sizeof asked / sizeof asked[0]; i++) {
		(void)answer(&reader, asked[i], message, (slice){ 0 });
		record = buffer_bytes(&reader->digest);
		for (size_t k = 0; k < sizeof asked / sizeof asked[0] && record.len > 0; k++) {
			if (!slice_equal(answer(&w, asked[k], message, (slice){ 0 }),
			    answer(&other, asked[k], message, record)))
				fail_msg("%s: %s, remembered by %s", name, asked[k], asked[i]);
			imap_work_free(w);
			imap_work_free(other);
		}
		imap_work_free(reader);
	}
}

/* Is this another number than it was? Then what was remembered is not what would be answered now:
 * IMAP_DIGEST_VERSION goes up, and the number here becomes the new one. */
static void test_version(void **state)
{
	static const char *const messages[] = {
		"Subject: plain\r\nFrom: A <a@b.example>, \"B \\\"C\\\"\" <c@d.example>\r\n\r\nbody\r\n",
		"subject: =?utf-8?q?=C3=A9?=\n\tfolded\nTo: group: a@b, c@d;, <@r:e@f>\nSender: x\n\nb",
		"Content-Type: multipart/mixed; boundary=x; name*0=a; name*1=b\r\nDate: today\r\n\r\n"
		"--x\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Language: en, de\r\n\r\n1\r\n"
		"--x\r\nContent-Type: message/rfc822\r\n\r\nSubject: in\r\n\r\ntext\r\n--x\r\n"
		"Content-Disposition: attachment; filename=\"a b\"\r\nContent-MD5: x\r\n\r\n\r\n--x--\r\n",
		"Content-Type: text\r\nSubject: \303\251\r\nMessage-ID: <a>\r\nIn-Reply-To: \r\n",
		"", "no header\r\n",
	};
	uint64_t sum = 0;

	for (size_t i = 0; i < sizeof messages / sizeof messages[0]; i++) {
		struct imap_work *w;

		(void)answer(&w, "(ENVELOPE BODYSTRUCTURE)", slice_from(messages[i]), (slice){ 0 });
		sum = checksum64(buffer_bytes(&w->digest), sum);
		imap_work_free(w);
		check_digest(slice_from(messages[i]), messages[i]);
	}
	if (IMAP_DIGEST_VERSION != 1 || sum != UINT64_C(0x7035b14b896f3880))
		fail_msg("version %d, 0x%llx", IMAP_DIGEST_VERSION, (unsigned long long)sum);
}

/* Whatever the message is, clients can read what is said of it. */
static void test_suites(void **state)
{
	char pattern[512];
	glob_t found;

	snprintf(pattern, sizeof pattern, "%s/mime-*/*", suites());
	glob(pattern, 0, NULL, &found);
	for (int depth = 0; depth < 3; depth++) {
		snprintf(pattern, sizeof pattern, "%s/mime-*/*%s", suites(), depth == 0 ? "/*" :
		    depth == 1 ? "/*/*" : "/*/*/*");
		glob(pattern, GLOB_APPEND, NULL, &found);
	}
	for (size_t i = 0; i < found.gl_pathc; i++) {
		FILE *file = fopen(found.gl_pathv[i], "r");
		struct buffer message = buffer_init(heap, TEXT);
		size_t n;

		assert_non_null(file);
		do {
			n = fread(buffer_reserve(&message, 65536), 1, 65536, file);
			buffer_filled(&message, n);
		} while (n > 0 && buffer_room(&message) >= 65536);
		fclose(file);
		check_grammar(buffer_bytes(&message), found.gl_pathv[i]);
		if (i % 4 == 0)
			check_digest(buffer_bytes(&message), found.gl_pathv[i]);
		buffer_free(&message);
	}
	assert_true(found.gl_pathc > 100);
	globfree(&found);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_envelopes), cmocka_unit_test(test_structures),
		cmocka_unit_test(test_deep), cmocka_unit_test(test_version), cmocka_unit_test(test_suites),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	heap = heap_create(HEAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
