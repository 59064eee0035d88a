/* mail/seven_bit_test.c - by table: each whole, octet by octet and at every split, with
 * little room; what comes out has 7 bits, and is left alone the second time. */
#include "mail/seven_bit.h"

#include "unit.h"

#define U "\xc3\xbc"
#define QP "Content-Transfer-Encoding: quoted-printable\r\n"
#define B64 "Content-Transfer-Encoding: base64\r\n"
#define SEVEN "Content-Transfer-Encoding: 7bit\r\n"
#define EIGHT "Content-Transfer-Encoding: 8bit\r\n"
#define MIME "MIME-Version: 1.0\r\n"
#define TEXT "Content-Type: text/plain; charset=utf-8\r\n"
#define MIXED "Content-Type: multipart/mixed; boundary=b\r\n"
#define UNKNOWN "Content-Type: text/plain; charset=unknown-8bit\r\n"
#define X100 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" \
	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X1000 X100 X100 X100 X100 X100 X100 X100 X100 X100 X100

static const struct {
	const char *name, *in, *want;
} rows[] = {
	{ "a text", MIME TEXT EIGHT "Subject: x\r\n\r\n" U "\r\n",
	    MIME TEXT QP "Subject: x\r\n\r\n=C3=BC\r\n" },
	{ "no line end", MIME TEXT EIGHT "\r\n" U, MIME TEXT QP "\r\n=C3=BC" },
	{ "other line ends", MIME TEXT EIGHT "\n" U "\nx\r" U "\r",
	    MIME TEXT QP "\r\n=C3=BC\r\nx\r\n=C3=BC\r\n" },
	{ "an encoding in two lines", MIME TEXT "Content-Transfer-Encoding:\r\n 8bit\r\nA: b\r\n\r\n" U,
	    MIME TEXT QP "A: b\r\n\r\n=C3=BC" },
	{ "no encoding said", MIME TEXT "\r\n" U, MIME TEXT QP "\r\n=C3=BC" },
	{ "7bit said", MIME TEXT SEVEN "\r\n" U, MIME TEXT QP "\r\n=C3=BC" },
	{ "text, binary", MIME TEXT "Content-Transfer-Encoding: binary\r\n\r\n" U "\r\n",
	    MIME TEXT B64 "\r\nw7wNCg==\r\n" },
	{ "no text", MIME "Content-Type: image/png\r\n" EIGHT "\r\n" U "\r\n",
	    MIME "Content-Type: image/png\r\n" B64 "\r\nw7wNCg==\r\n" },
	{ "no MIME at all", "Subject: x\r\n\r\n" U,
	    "Subject: x\r\n" MIME UNKNOWN QP "\r\n=C3=BC" },
	{ "MIME without a type", MIME EIGHT "\r\n" U, MIME QP UNKNOWN "\r\n=C3=BC" },
	{ "a type without MIME", TEXT "\r\n" U, TEXT MIME QP "\r\n=C3=BC" },
	{ "a type that is none", MIME "Content-Type: text\r\n\r\n" U,
	    MIME "Content-Type: text\r\n" QP "\r\n=C3=BC" },
	{ "no header", "\r\n" U, MIME UNKNOWN QP "\r\n=C3=BC" },
	{ "no blank line", MIME TEXT EIGHT "no field " U, MIME TEXT QP "\r\nno field =C3=BC" },
	{ "nothing but a body", "no field " U "\r\n", MIME UNKNOWN QP "\r\nno field =C3=BC\r\n" },
	{ "mbox's line", "From x\r\n" MIME TEXT "\r\n" U, "From x\r\n" MIME TEXT QP "\r\n=C3=BC" },
	{ "names of fields", "mime-VERSION : 1.0\r\ncontent-TYPE : text/plain\r\n"
	    "content-transfer-ENCODING : 8BIT\r\n\r\n" U,
	    "mime-VERSION : 1.0\r\ncontent-TYPE : text/plain\r\n" QP "\r\n=C3=BC" },
	{ "long lines beside", MIME MIXED "\r\n--b\r\n" TEXT EIGHT "\r\n" X1000 X1000 "\r\n--b\r\n"
	    TEXT "\r\n" X1000 X1000 "\r\n--b\r\n\r\n" U "\r\n--b--\r\n", NULL },

	{ "parts", MIME MIXED EIGHT "\r\npreamble\r\n--b\r\n" TEXT EIGHT "\r\n" U " \r\n--b\r\n"
	    "Content-Type: image/x\r\n" EIGHT "\r\n\xff\r\n--b\r\n" TEXT EIGHT "\r\nascii\r\n--b\r\n"
	    B64 "\r\nAAAA\r\n--b\r\n\r\n\r\n--b--\r\nend\r\n",
	    MIME MIXED SEVEN "\r\npreamble\r\n--b\r\n" TEXT QP "\r\n=C3=BC=20\r\n--b\r\n"
	    "Content-Type: image/x\r\n" B64 "\r\n/w==\r\n--b\r\n" TEXT SEVEN "\r\nascii\r\n--b\r\n"
	    B64 "\r\nAAAA\r\n--b\r\n\r\n\r\n--b--\r\nend\r\n" },
	{ "a part without fields", MIME MIXED "\r\n--b\r\n\r\n" U "\r\n--b--",
	    MIME MIXED "\r\n--b\r\n" UNKNOWN QP "\r\n=C3=BC\r\n--b--" },
	{ "parts without MIME", MIXED "\r\n--b\r\n" TEXT "\r\n" U "\r\n--b--",
	    MIXED MIME "\r\n--b\r\n" TEXT QP "\r\n=C3=BC\r\n--b--" },
	{ "boundaries that are none", MIME MIXED "\r\n--b \t\r\n" TEXT "\r\n" U "\r\n--bb\r\n-b\r\n"
	    " --b\r\n--b-\r\n--b--\r\n--b\r\n",
	    MIME MIXED "\r\n--b \t\r\n" TEXT QP "\r\n=C3=BC\r\n=2D-bb\r\n-b\r\n --b\r\n"
	    "=2D-b-\r\n--b--\r\n--b\r\n" },
	{ "no last boundary", MIME MIXED "\r\n--b\r\n" TEXT "\r\n" U "\r\n",
	    MIME MIXED "\r\n--b\r\n" TEXT QP "\r\n=C3=BC\r\n" },
	{ "a boundary within a header", MIME MIXED "\r\n--b\r\n" TEXT EIGHT "--b\r\n" TEXT "\r\n" U
	    "\r\n--b--\r\n",
	    MIME MIXED "\r\n--b\r\n" TEXT EIGHT "--b\r\n" TEXT QP "\r\n=C3=BC\r\n--b--\r\n" },
	{ "parts in parts", MIME MIXED EIGHT "\r\n--b\r\nContent-Type: multipart/alternative;\r\n"
	    " boundary=\"c d\"\r\n" EIGHT "\r\n--c d\r\n" TEXT EIGHT "\r\n" U "\r\n--c d--\r\n\r\n--b\r\n"
	    TEXT EIGHT "\r\n" U U "\r\n--b--\r\n",
	    MIME MIXED SEVEN "\r\n--b\r\nContent-Type: multipart/alternative;\r\n boundary=\"c d\"\r\n"
	    SEVEN "\r\n--c d\r\n" TEXT QP "\r\n=C3=BC\r\n--c d--\r\n\r\n--b\r\n" TEXT QP
	    "\r\n=C3=BC=C3=BC\r\n--b--\r\n" },
	{ "inner parts that don't end", MIME MIXED "\r\n--b\r\n"
	    "Content-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\n\r\nx\r\n--b\r\n" TEXT "\r\n" U
	    "\r\n--c\r\n--b--\r\n",
	    MIME MIXED "\r\n--b\r\n"
	    "Content-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\n\r\nx\r\n--b\r\n" TEXT QP
	    "\r\n=C3=BC\r\n=2D-c\r\n--b--\r\n" },
	{ "around parts", MIME MIXED "\r\n" U U "\r\n--b\r\n\r\nx\r\n--b--\r\n" U "\r\n",
	    MIME MIXED "\r\n????\r\n--b\r\n\r\nx\r\n--b--\r\n??\r\n" },
	{ "a message", MIME "Content-Type: message/rfc822\r\n" EIGHT "\r\nSubject: x\r\n" TEXT EIGHT
	    "\r\n" U "\r\n",
	    MIME "Content-Type: message/rfc822\r\n" SEVEN "\r\nSubject: x\r\n" TEXT QP MIME
	    "\r\n=C3=BC\r\n" },
	{ "a message in a part", MIME MIXED "\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n"
	    "Subject: x\r\n\r\n" U "\r\n--b--\r\n",
	    MIME MIXED "\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: x\r\n" MIME UNKNOWN QP
	    "\r\n=C3=BC\r\n--b--\r\n" },
	{ "a digest", MIME "Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n\r\n" MIME TEXT
	    "\r\n" U "\r\n--b\r\n" TEXT "\r\n" U "\r\n--b--\r\n",
	    MIME "Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n\r\n" MIME TEXT QP
	    "\r\n=C3=BC\r\n--b\r\n" TEXT QP "\r\n=C3=BC\r\n--b--\r\n" },
	{ "a report of any script", MIME "Content-Type: message/global-delivery-status\r\n" EIGHT
	    "\r\nx: " U "\r\n",
	    MIME "Content-Type: message/global-delivery-status\r\n" QP "\r\nx: =C3=BC\r\n" },
	{ "signed, beside", MIME MIXED "\r\n--b\r\nContent-Type: multipart/signed; boundary=c\r\n" EIGHT
	    "\r\n--c\r\n" EIGHT "\r\nx\r\n--c--\r\n--b\r\n" TEXT "\r\n" U "\r\n--b--\r\n",
	    MIME MIXED "\r\n--b\r\nContent-Type: multipart/signed; boundary=c\r\n" EIGHT
	    "\r\n--c\r\n" EIGHT "\r\nx\r\n--c--\r\n--b\r\n" TEXT QP "\r\n=C3=BC\r\n--b--\r\n" },
};

static const struct {
	const char *name, *in, *why;
} refused[] = {
	{ "a field", "Subject: " U "\r\n\r\nx", "RFC 6532" },
	{ "a field, folded", "Subject: x\r\n " U "\r\n\r\nx", "RFC 6532" },
	{ "a field, far behind", "Subject: " X1000 X1000 U "\r\n\r\nx", "RFC 6532" },
	{ "a part's field", MIME MIXED "\r\n--b\r\nX: " U "\r\n\r\n\r\n--b--\r\n", "RFC 6532" },
	{ "a message's field", MIME "Content-Type: message/rfc822\r\n\r\nX: " U "\r\n\r\n", "RFC 6532" },
	{ "signed", MIME "Content-Type: multipart/signed; boundary=c\r\n\r\n--c\r\n" TEXT "\r\n" U
	    "\r\n--c--\r\n", "signed" },
	{ "signed, within", MIME MIXED "\r\n--b\r\nContent-Type: multipart/signed; boundary=c\r\n\r\n"
	    "--c\r\n\r\n" U "\r\n--c--\r\n--b--\r\n", "RFC 1847" },
	{ "a piece of a message", MIME "Content-Type: message/partial\r\n\r\n" U, "RFC 2046 s5.2" },
	{ "a report", MIME "Content-Type: message/delivery-status\r\n\r\n" U, "RFC 2046 s5.2" },
	{ "base 64 that is none", MIME TEXT B64 "\r\n" U, "RFC 2045 s6.2" },
	{ "quoted-printable that is none", MIME TEXT QP "\r\n" U, "RFC 2045 s6.2" },
	{ "parts that are encoded", MIME MIXED B64 "\r\n--b\r\n\r\n" U, "RFC 2045 s6.2" },
	{ "another encoding", MIME TEXT "Content-Transfer-Encoding: x-uu\r\n\r\n" U, "RFC 2045 s6.3" },
	{ "no boundary said", MIME "Content-Type: multipart/mixed\r\n\r\n--b\r\n\r\n" U, "RFC 2046 s5.1.1" },
	{ "two boundaries said", MIME "Content-Type: multipart/mixed; boundary=a; boundary=b\r\n\r\n"
	    "--b\r\n\r\n" U, "RFC 2046 s5.1.1" },
	{ "a boundary too long", MIME "Content-Type: multipart/mixed; boundary=" X100 X100 X100
	    "\r\n\r\n" U, "RFC 2046 s5.1.1" },
	{ "a boundary that never comes", MIME MIXED "\r\n" U "\r\n--c\r\n", "RFC 2046 s5.1.1" },
	{ "nor within", MIME MIXED "\r\n--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n" U
	    "\r\n--b--\r\n", "RFC 2046 s5.1.1" },
	{ "mbox's line among the fields", "Received: x\r\nFrom x\r\n" MIME TEXT "\r\n" U, "RFC 2045 s3" },
	{ "two types", MIME TEXT TEXT "\r\n" U, "RFC 2045 s3" },
	{ "two encodings", MIME TEXT EIGHT B64 "\r\n" U, "RFC 2045 s3" },
	{ "a type too long", MIME "Content-Type: text/plain; x=" X1000 X1000 X1000 X1000 X1000
	    "\r\n\r\n" U, "RFC 2045 s3" },
};

static const char *const plain[] = {
	"", "\r\n", "x", "Subject: x\r\n\r\nx\r\n", MIME TEXT EIGHT "\r\nx", MIME MIXED EIGHT "\r\n",
	"\r\n" X1000 X1000, MIME TEXT "Content-Transfer-Encoding: binary\r\n\r\n" X1000 "\r\n",
};

/* Pieces: `first`, then `piece` each. Returns what was written. */
static slice convert(struct heap *heap, slice in, size_t first, size_t piece,
    enum seven_bit_result *ret_result, const char **ret_why)
{
	struct seven_bit *s = seven_bit_create(heap);
	struct buffer out = buffer_init(heap, SEVEN_BIT_ROOM), all = buffer_init(heap, SIZE_MAX / 2);

	for (size_t at = 0, n = first; at < in.len; at += n, n = piece) {
		n = n < in.len - at ? n : in.len - at;
		seven_bit_scan(s, slice_sub(in, at, n));
	}
	*ret_why = NULL;
	*ret_result = seven_bit_judge(s, ret_why);
	for (size_t at = 0, n = first; *ret_result == SEVEN_BIT_CONVERTIBLE && at < in.len;) {
		n = n < in.len - at ? n : in.len - at;
		n = seven_bit_convert(s, slice_sub(in, at, n), &out);
		assert_true(n > 0 || buffer_bytes(&out).len > 0);
		buffer_add(&all, buffer_bytes(&out));
		buffer_consume(&out, buffer_bytes(&out).len);
		at += n;
		n = piece;
	}
	if (*ret_result == SEVEN_BIT_CONVERTIBLE)
		assert_true(seven_bit_convert_end(s, &out));
	buffer_add(&all, buffer_bytes(&out));
	seven_bit_destroy(s);
	return buffer_bytes(&all);
}

static void check_again(struct heap *heap, slice text)
{
	enum seven_bit_result result;
	const char *why;

	assert_true(slice_is_ascii(text));
	convert(heap, text, SIZE_MAX, SIZE_MAX, &result, &why);
	assert_int_equal(result, SEVEN_BIT_NOTHING);
}

static void test_rows(void **state)
{
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct heap *heap = heap_create(SIZE_MAX);
		slice in = guarded_copy(slice_from(rows[i].in)), whole;
		enum seven_bit_result result;
		const char *why;

		print_message("# %s\n", rows[i].name);
		whole = convert(heap, in, SIZE_MAX, SIZE_MAX, &result, &why);
		if (why != NULL)
			print_message("# %s\n", why);
		assert_int_equal(result, SEVEN_BIT_CONVERTIBLE);
		if (rows[i].want != NULL)
			assert_slice(whole, slice_from(rows[i].want));
		check_again(heap, whole);
		assert_slice(convert(heap, in, 1, 1, &result, &why), whole);
		for (size_t cut = 1; cut < in.len; cut++) {
			struct heap *inner = heap_create(SIZE_MAX);

			assert_slice(convert(inner, in, cut, SIZE_MAX, &result, &why), whole);
			heap_drop(inner);
		}
		guarded_free(in);
		heap_drop(heap);
	}
}

static void test_refused(void **state)
{
	for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
		struct heap *heap = heap_create(SIZE_MAX);
		slice in = guarded_copy(slice_from(refused[i].in));
		enum seven_bit_result result;
		const char *why, *again;

		print_message("# %s\n", refused[i].name);
		convert(heap, in, SIZE_MAX, SIZE_MAX, &result, &why);
		assert_int_equal(result, SEVEN_BIT_CANNOT);
		if (strstr(why, refused[i].why) == NULL)
			fail_msg("%s", why);
		convert(heap, in, 1, 1, &result, &again);
		assert_ptr_equal(why, again);
		guarded_free(in);
		heap_drop(heap);
	}
}

static void test_plain(void **state)
{
	for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++) {
		struct heap *heap = heap_create(SIZE_MAX);
		enum seven_bit_result result;
		const char *why;

		convert(heap, slice_from(plain[i]), 1, 1, &result, &why);
		assert_int_equal(result, SEVEN_BIT_NOTHING);
		heap_drop(heap);
	}
}

/* What has only ASCII and long lines is encoded where 8bit was said, and not elsewhere. */
static void test_long_lines(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);
	enum seven_bit_result result;
	const char *why;
	slice text = convert(heap, slice_from(MIME MIXED "\r\n--b\r\n" TEXT EIGHT "\r\n" X1000
	    "\r\n--b\r\n" TEXT "\r\n" X1000 "\r\n--b\r\n\r\n" U "\r\n--b--\r\n"), SIZE_MAX, SIZE_MAX,
	    &result, &why);
	size_t n = 0, quoted = 0;

	while (text.len > 0) {
		slice line = slice_cut(&text, '\n');

		n += line.len > 1000;
		quoted += slice_starts(line, slice_lit("Content-Transfer-Encoding: quoted"));
	}
	assert_int_equal(n, 1);
	assert_int_equal(quoted, 2);
	heap_drop(heap);
}

/* As many as are counted, and one more. */
static void many(const char *before, const char *each, const char *behind, unsigned n,
    bool *ret_possible)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct buffer text = buffer_init(heap, SIZE_MAX / 2);
	enum seven_bit_result result;
	const char *why;
	slice out;

	buffer_add(&text, slice_from(before));
	for (unsigned i = 0; i < n; i++)
		buffer_printf(&text, each, i, i);
	buffer_add(&text, slice_from(behind));
	out = convert(heap, buffer_bytes(&text), 777, 777, &result, &why);
	*ret_possible = result == SEVEN_BIT_CONVERTIBLE;
	if (*ret_possible)
		check_again(heap, out);
	else
		assert_non_null(strstr(why, "RFC 2046 s5.1)"));
	heap_drop(heap);
}

static void test_limits(void **state)
{
	bool possible;

	/* The message is one. */
	many(MIME MIXED "\r\n", "--b\r\n\r\n" U "\r\n", "--b--\r\n", SEVEN_BIT_PARTS_MAX - 1, &possible);
	assert_true(possible);
	many(MIME MIXED "\r\n", "--b\r\n\r\n" U "\r\n", "--b--\r\n", SEVEN_BIT_PARTS_MAX, &possible);
	assert_false(possible);
	many(MIME, "Content-Type: multipart/mixed; boundary=b%u\r\n\r\n--b%u\r\n", "\r\n" U,
	    SEVEN_BIT_DEPTH_MAX, &possible);
	assert_true(possible);
	many(MIME, "Content-Type: multipart/mixed; boundary=b%u\r\n\r\n--b%u\r\n", "\r\n" U,
	    SEVEN_BIT_DEPTH_MAX + 1, &possible);
	assert_false(possible);
	/* Messages in messages have no limit of their own. */
	many("", "Content-Type: message/rfc822\r\n\r\n", TEXT "\r\n" U, 3000, &possible);
	assert_true(possible);
}

/* The second time it is another message. */
static void test_another(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct seven_bit *s = seven_bit_create(heap);
	struct buffer out = buffer_init(heap, SIZE_MAX / 2);
	slice second = slice_lit(MIME MIXED "\r\n--b\r\n\r\n" U "\r\n--b\r\n");
	const char *why;

	seven_bit_scan(s, slice_lit(MIME MIXED "\r\n--b\r\n\r\nx\r\n--b\r\n\r\n" U "\r\n--b--\r\n"));
	assert_int_equal(seven_bit_judge(s, &why), SEVEN_BIT_CONVERTIBLE);
	assert_int_equal(seven_bit_convert(s, second, &out), second.len);
	assert_false(seven_bit_convert_end(s, &out));
	assert_true(slice_is_ascii(buffer_bytes(&out)));
	heap_drop(heap);
}

UNIT_TESTS(cmocka_unit_test(test_rows), cmocka_unit_test(test_refused),
    cmocka_unit_test(test_plain), cmocka_unit_test(test_long_lines), cmocka_unit_test(test_limits),
    cmocka_unit_test(test_another))
