/* mail/mime_test.c - messages and their parts, by table; hostile ones; every beginning of
 * one that has everything. */
#include "mail/mime.h"

#include <stdio.h>

#include "mail/mime_sound_test.h"
#include "unit.h"

static const char *const defect_names[] = {
	"no-end", "no-boundary", "no-parts", "too-deep", "too-many", "encoded", "bad-type",
	"bad-encoding", "twice", "no-colon", "no-blank-line", "bad-base64", "bad-quoted",
	"8bit-header", "utf8-header", "8bit-body", "nul", "bare-lf", "bare-cr", "long-line",
	"long-boundary",
};

/* "[1.2] text/plain <body> defect", a line a part; LF and CR as "/" and "\". */
static void describe(const struct mime *m, struct buffer *out)
{
	for (size_t i = 0; i < m->n; i++) {
		const struct mime_part *part = &m->parts[i];
		char section[MIME_SECTION_MAX];
		size_t start = buffer_bytes(out).len;

		mime_section(m, i, section);
		buffer_printf(out, "%s[%s] ", i > 0 ? "\n" : "", section);
		start = buffer_bytes(out).len;
		buffer_add(out, part->type.type);
		buffer_add(out, slice_lit("/"));
		buffer_add(out, part->type.subtype);
		if (part->kind == MIME_LEAF) {
			buffer_add(out, slice_lit(" <"));
			buffer_add(out, part->body);
			buffer_add(out, slice_lit(">"));
		}
		for (size_t k = start; k < buffer_bytes(out).len; k++) {
			unsigned char *c = (unsigned char *)(uintptr_t)buffer_bytes(out).ptr + k;

			*c = *c == '\n' ? '/' : *c == '\r' ? '\\' : *c == 0 ? '0' : *c;
		}
		for (unsigned d = 0; d < sizeof defect_names / sizeof defect_names[0]; d++) {
			if (part->defects & 1u << d)
				buffer_printf(out, " %s", defect_names[d]);
		}
	}
}

#define MIXED "Content-Type: multipart/mixed; boundary=b\r\n"

static const struct {
	const char *message, *want;
} rows[] = {
	{ "", "[1] text/plain <>" },
	{ "\r\n", "[1] text/plain <>" },
	{ "\r\nbody", "[1] text/plain <body>" },
	{ "A: b\r\n", "[1] text/plain <>" },
	{ "A: b\r\n\r\nbody\r\n", "[1] text/plain <body\\/>" },
	{ "A: b\n\nbody\n", "[1] text/plain <body/> bare-lf" },
	{ "A: b\r\n\r\nc\rd\0\r\n", "[1] text/plain <c\\d> bare-cr" },
	{ "Content-Type: Text/HTML; charset=x\r\n\r\n<p>", "[1] Text/HTML <<p>>" },
	{ "Content-Type: text\r\n\r\nx", "[1] text/plain <x> bad-type" },
	{ "Content-Type: a/b\r\nContent-type: c/d\r\n\r\nx", "[1] a/b <x> twice" },
	{ "Content-Transfer-Encoding: x-uue\r\n\r\nx", "[1] text/plain <x> bad-encoding" },
	{ "Content-Transfer-Encoding: base64\r\n\r\nYQ", "[1] text/plain <YQ> bad-base64" },
	{ "Content-Transfer-Encoding: quoted-printable\r\n\r\n=", "[1] text/plain <=>" },
	{ "Content-Transfer-Encoding: quoted-printable\r\n\r\n=x", "[1] text/plain <=x> bad-quoted" },
	{ "A: \xe9\r\n\r\n\xe9", "[1] text/plain <\xe9> 8bit-header 8bit-body" },
	{ "A: \xc3\xa9\r\nContent-Transfer-Encoding: 8BIT\r\n\r\n\xe9", "[1] text/plain <\xe9> utf8-header" },
	/* Headers that are none. */
	{ "no header\r\nat all\r\n", "[1] text/plain <no header\\/at all\\/> no-blank-line" },
	{ "From b  Thu\r\nContent-Type: a/b\r\n\r\nx", "[1] a/b <x> no-colon" },
	{ "A: b\r\njunk\r\nContent-Type: a/b\r\n\r\nx", "[1] a/b <x> no-colon" },
	{ "A: b\r\njunk\r\n folded\r\nContent-Type: a/b\r\n\r\nx", "[1] a/b <x> no-colon" },
	{ "A: b\r\njunk\r\n\r\nx", "[1] text/plain <junk\\/\\/x> no-blank-line" },
	{ "A: b\r\njunk", "[1] text/plain <junk> no-blank-line" },
	{ "A: b\r\nDear B,\r\nwell, c: d\r\n\r\nx",
	    "[1] text/plain <Dear B,\\/well, c: d\\/\\/x> no-blank-line" },
	{ "A: b\r\n \r\n c\r\n\r\nx", "[1] text/plain <x>" },
	{ " folded at first\r\nA: b\r\n\r\nx", "[1] text/plain <x> no-colon" },
	/* Multiparts. */
	{ MIXED "\r\n--b\r\n\r\none\r\n--b\r\nContent-Type: a/b\r\n\r\ntwo\r\n\r\n--b--\r\nend",
	    "[] multipart/mixed\n[1] text/plain <one>\n[2] a/b <two\\/>" },
	{ MIXED "\r\npreamble\r\n--b  \r\n\r\none\r\n--b--\t", "[] multipart/mixed\n[1] text/plain <one>" },
	{ MIXED "\r\n--b\r\n\r\none\r\n--bb\r\n--b-\r\n --b\r\n--b--x",
	    "[] multipart/mixed no-end\n[1] text/plain <one\\/--bb\\/--b-\\/ --b\\/--b--x>" },
	{ MIXED "\r\n--b\r\n\r\n--b\r\n--b\r\nA: b\r\n--b--",
	    "[] multipart/mixed\n[1] text/plain <>\n[2] text/plain <>\n[3] text/plain <>" },
	{ MIXED "\r\n--b\r\n\r\n\r\n--b--\r\n", "[] multipart/mixed\n[1] text/plain <>" },
	{ MIXED "\r\n--b\r\njunk\r\n--b\r\njunk\r\n\r\n--b--\r\n", "[] multipart/mixed\n"
	    "[1] text/plain <junk> no-blank-line\n[2] text/plain <junk\\/> no-blank-line" },
	{ MIXED "--b\r\n\r\none\r\n--b--\r\n",
	    "[] multipart/mixed no-blank-line\n[1] text/plain <one>" },
	{ MIXED "\r\nno parts\r\n", "[] multipart/mixed no-end no-parts" },
	{ MIXED "\r\n--b--\r\n--b\r\n\r\nno\r\n", "[] multipart/mixed no-parts" },
	{ MIXED "\r\n--b", "[] multipart/mixed no-end\n[1] text/plain <>" },
	{ MIXED, "[] multipart/mixed no-end no-parts" },
	{ "Content-Type: multipart/mixed\r\n\r\n--b\r\n", "[1] multipart/mixed <--b\\/> no-boundary" },
	{ "Content-Type: multipart/mixed\r\n\tboundary=b\r\n\r\n--b\r\n\r\none\r\n--b--\r\n",
	    "[] multipart/mixed\n[1] text/plain <one>" },
	{ "Content-Type: multipart/mixed; boundary*0=a; boundary*1=\" b \"\r\n\r\n--a b\r\n\r\none\r\n--a b--",
	    "[] multipart/mixed\n[1] text/plain <one>" },
	{ "Content-Type: multipart/mixed; boundary=\"b \t\"\r\n\r\n--b\r\n\r\none\r\n--b--",
	    "[] multipart/mixed\n[1] text/plain <one>" },
	{ MIXED "Content-Transfer-Encoding: base64\r\n\r\n--b\r\n\r\none\r\n--b--",
	    "[] multipart/mixed encoded\n[1] text/plain <one>" },
	/* In one another, boundaries that are beginnings of others. */
	{ MIXED "\r\n--b\r\nContent-Type: multipart/x; boundary=bb\r\n\r\n--bb\r\n\r\none\r\n--bb--\r\n"
	  "--b\r\n\r\ntwo\r\n--b--",
	    "[] multipart/mixed\n[1] multipart/x\n[1.1] text/plain <one>\n[2] text/plain <two>" },
	{ MIXED "\r\n--b\r\nContent-Type: multipart/x; boundary=c\r\n\r\n--c\r\n\r\none\r\n--b\r\n\r\ntwo\r\n"
	  "--c\r\n--b--",
	    "[] multipart/mixed\n[1] multipart/x no-end\n[1.1] text/plain <one>\n[2] text/plain <two\\/--c>" },
	{ MIXED "\r\n--b\r\n" MIXED "\r\n--b\r\n\r\none\r\n--b--\r\n--b\r\n\r\ntwo\r\n--b--",
	    "[] multipart/mixed\n[1] multipart/mixed\n[1.1] text/plain <one>\n[2] text/plain <two>" },
	/* Messages. */
	{ "Content-Type: message/rfc822\r\n\r\nA: b\r\n\r\nin\r\n",
	    "[1] message/rfc822\n[1.1] text/plain <in\\/>" },
	{ "Content-Type: message/rfc822\r\n\r\n", "[1] message/rfc822\n[1.1] text/plain <>" },
	{ "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\nQTo=",
	    "[1] message/rfc822 <QTo=> encoded" },
	{ "Content-Type: message/global\r\n\r\n" MIXED "\r\n--b\r\n\r\none\r\n--b--",
	    "[1] message/global\n[1] multipart/mixed\n[1.1] text/plain <one>" },
	{ "Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n\r\nA: b\r\n\r\none\r\n--b\r\n"
	  "Content-Type: text/x\r\n\r\ntwo\r\n--b\r\n--b--\r\n",
	    "[] multipart/digest\n[1] message/rfc822\n[1.1] text/plain <one>\n[2] text/x <two>\n"
	    "[3] message/rfc822\n[3.1] text/plain <>" },
	{ MIXED "\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n" MIXED "\r\n--b\r\n\r\none\r\n--b--\r\n--b--",
	    "[] multipart/mixed\n[1] message/rfc822\n[1] multipart/mixed\n[1.1] text/plain <one>" },
};

static void test_rows(void **state)
{
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct heap *heap = heap_create(SIZE_MAX);
		struct arena arena = arena_init(heap, MIME_ARENA_MAX);
		struct buffer out = buffer_init(heap, 4096);
		slice message = guarded_copy(slice_from(rows[i].message));
		struct mime m = mime_parse(message, &arena);

		print_message("# %zu\n", i);
		mime_sound(&m);
		describe(&m, &out);
		assert_slice(buffer_bytes(&out), slice_from(rows[i].want));
		guarded_free(message);
		heap_drop(heap);
	}
}

static const char everything[] =
    "From: a@b\r\nSubject: s\r\nContent-Type: multipart/mixed;\r\n boundary=\"=_b\"\r\n\r\npre\r\n"
    "--=_b\r\nContent-Type: text/plain; name=n.txt\r\nContent-Disposition: inline\r\n\r\nbody\r\n"
    "--=_b\r\njunk\r\nContent-Type: message/rfc822\r\nContent-ID: <c@d>\r\n\r\nFrom: c@d\r\n"
    "Content-Type: multipart/alternative; boundary=\"=_b2\"\r\n\r\n--=_b2\r\n\r\nin\r\n"
    "--=_b2\r\nContent-Type: image/png;\r\n name*=utf-8''%C3%A9%2F..\r\n"
    "Content-Transfer-Encoding: base64\r\nContent-Disposition: Attachment (c); x=y\r\n\r\nYWJj\r\n"
    "--=_b2--\r\n--=_b\r\nContent-Disposition: inline; filename=\"..\"\r\nContent-ID: e@f \r\n\r\n"
    "--=_b--\r\nepilogue\r\n";

/* Every beginning, and with each byte changed. */
static void test_beginnings(void **state)
{
	for (size_t n = 0; n < sizeof everything; n++) {
		struct heap *heap = heap_create(SIZE_MAX);
		struct arena arena = arena_init(heap, 2 * MIME_ARENA_MAX);
		slice message = guarded_copy(slice_of(everything, n));
		slice changed = guarded_copy(slice_lit(everything));
		struct mime m = mime_parse(message, &arena);

		mime_sound(&m);
		if (n < changed.len) {
			((unsigned char *)(uintptr_t)changed.ptr)[n] ^= 0x2a;
			m = mime_parse(changed, &arena);
			mime_sound(&m);
		}
		guarded_free(message);
		guarded_free(changed);
		heap_drop(heap);
	}
}

static void test_helpers(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct arena arena = arena_init(heap, MIME_ARENA_MAX);
	struct charsets *c = charsets_create(heap);
	struct mime m = mime_parse(slice_lit(everything), &arena);
	struct buffer out = buffer_init(heap, 3);
	static const struct {
		const char *section;
		long part;
	} finds[] = {
		{ "", 0 }, { "1", 1 }, { "2", 2 }, { "2.1", 4 }, { "2.2", 5 }, { "3", 6 }, { "4", -1 },
		{ "1.1", -1 }, { "2.1.1", -1 }, { "0", -1 }, { "2.", -1 }, { ".2", -1 }, { "x", -1 },
		{ "2.0", -1 }, { "99999999999999999999", -1 },
	};

	assert_int_equal(m.n, 7);
	for (size_t i = 0; i < sizeof finds / sizeof finds[0]; i++) {
		print_message("# %s\n", finds[i].section);
		assert_int_equal(mime_find(&m, slice_from(finds[i].section)), finds[i].part);
	}
	assert_true(mime_is_message(&m, 0) && mime_is_message(&m, 3) && !mime_is_message(&m, 2));
	assert_slice(mime_field(&m.parts[0], "subject"), slice_lit(" s"));
	assert_slice(mime_field(&m.parts[2], "content-id"), slice_lit(" <c@d>"));
	assert_true(mime_field(&m.parts[2], "junk").ptr == NULL);
	assert_slice(mime_id(&m.parts[2]), slice_lit("c@d"));
	assert_slice(mime_id(&m.parts[6]), slice_lit("e@f"));
	assert_slice(mime_disposition(&m.parts[5]), slice_lit("Attachment"));
	assert_slice(mime_disposition(&m.parts[0]), slice_lit(""));
	assert_slice(mime_filename(&m.parts[1], c, &arena), slice_lit("n.txt"));
	assert_slice(mime_filename(&m.parts[5], c, &arena), slice_lit("\xc3\xa9_.."));
	assert_slice(mime_filename(&m.parts[6], c, &arena), slice_lit("_"));
	assert_int_equal(m.parts[5].decoded, 3);
	assert_true(mime_decode(&m.parts[5], &out));
	assert_slice(buffer_bytes(&out), slice_lit("abc"));
	assert_false(mime_decode(&m.parts[5], &out));
	heap_drop(heap);
}

/* What a name may not do to who saves under it or reads it. */
static void test_names(void **state)
{
	static const char *const names[][2] = {
		{ "a/b\\\\c.txt", "a_b_c.txt" }, { "../../etc/passwd", ".._.._etc_passwd" }, { ".", "_" },
		{ " . ", "_" }, { "a\x01\x7f" "b", "a  b" }, { "x\xe2\x80\xae" "fdp.exe", "xfdp.exe" },
		{ "\xd8\x9c\xe2\x81\xa6" "a", "a" }, { "", "" },
		{ "a\xc2\x9b" "b\xe2\x80\xa8" "c", "a b c" },
		{ "\"; filename*=\"utf-8''a%C2%9Bb%E2%80%AEc", "a_bc" },
	};
	struct heap *heap = heap_create(SIZE_MAX);
	struct charsets *c = charsets_create(heap);

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		struct arena arena = arena_init(heap, MIME_ARENA_MAX);
		slice text = arena_printf(&arena, "Content-Disposition: x; filename=\"%s\"\r\n\r\n", names[i][0]);
		struct mime m = mime_parse(text, &arena);

		assert_slice(slice_trim(mime_filename(&m.parts[0], c, &arena)), slice_from(names[i][1]));
		arena_reset(&arena);
	}
	heap_drop(heap);
}

/* Of the arena a name takes what it has, however long it is written and in how many pieces. */
static void test_name_room(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct charsets *c = charsets_create(heap);
	struct arena arena = arena_init(heap, FILENAME_BYTES_MAX + 1);
	struct arena parts = arena_init(heap, MIME_ARENA_MAX);
	struct buffer text = buffer_init(heap, 64 * 1024);
	struct mime m;

	buffer_add(&text, slice_lit("Content-Disposition: x"));
	for (unsigned i = 0; i < 200; i++)
		buffer_printf(&text, ";\r\n filename*%u*=%%20%u%%C3%%A9;\r\n filename*%u=\"%050u\"", i, i, i, i);
	buffer_add(&text, slice_lit("\r\nContent-Type: x/y; name=short\r\n\r\n"));
	m = mime_parse(buffer_bytes(&text), &parts);
	assert_true(mime_filename(&m.parts[0], c, &arena).len > FILENAME_BYTES_MAX - 4);
	arena_reset(&arena);
	m.parts[0].disposition = (slice){ 0 };
	assert_slice(mime_filename(&m.parts[0], c, &arena), slice_lit("short"));
	assert_int_equal(arena.used, 16);
	heap_drop(heap);
}

/* ---- hostile ---- */

static struct mime parse_repeated(struct heap *heap, struct arena *arena, const char *head,
    const char *again, unsigned times)
{
	struct buffer text = buffer_init(heap, 64 << 20);
	slice message;

	buffer_add(&text, slice_from(head));
	for (unsigned i = 0; i < times; i++)
		buffer_printf(&text, again, i, i, i);
	message = buffer_bytes(&text);
	return mime_parse(message, arena);
}

static void test_hostile(void **state)
{
	static const struct {
		const char *head, *again;
		unsigned times;
		size_t n;
		uint32_t root, last;
	} cases[] = {
		/* 100,000 boundaries that open, of one multipart; each inside the one before. */
		{ MIXED "\r\n", "--b\r\n\r\nx\r\n", 100000, MIME_PARTS_MAX, MIME_TOO_MANY | MIME_NO_END, 0 },
		{ MIXED "\r\n--b\r\n", "Content-Type: multipart/x; boundary=b%u\r\n\r\n--b%u\r\n", 10000,
		    MIME_DEPTH_MAX + 1, MIME_NO_END, MIME_TOO_DEEP },
		{ "", "Content-Type: message/rfc822\r\n\r\n", 10000, MIME_DEPTH_MAX + 1, 0, MIME_TOO_DEEP },
		/* The same boundary at each depth, then delimiters of it. */
		{ MIXED "\r\n", "--b\r\n" MIXED "\r\n", 10000, MIME_PARTS_MAX, MIME_TOO_MANY | MIME_NO_END,
		    MIME_TOO_DEEP },
		{ "Content-Type: multipart/digest; boundary=b\r\n\r\n", "--b\r\n\r\n", 100000, MIME_PARTS_MAX,
		    MIME_TOO_MANY | MIME_NO_END, 0 },
		/* A delimiter ends a message's header: two parts come at once, from an even number
		 * and from an odd one. */
		{ "Content-Type: multipart/digest; boundary=b\r\n\r\n", "--b\r\n", 100000, MIME_PARTS_MAX,
		    MIME_TOO_MANY | MIME_NO_END, 0 },
		{ "Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\nContent-Type: text/x\r\n\r\n",
		    "--b\r\n", 100000, MIME_PARTS_MAX, MIME_TOO_MANY | MIME_NO_END, 0 },
		/* No header ever ends, or all lines of it are none. */
		{ "", "X-%u: y\r\n z\r\n", 200000, 1, 0, 0 },
		{ "", "junk %u\r\n", 200000, 1, MIME_NO_BLANK_LINE, MIME_NO_BLANK_LINE },
		{ "", "junk %u\r\nX: y\r\n", 200000, 1, MIME_NO_COLON, MIME_NO_COLON },
		{ MIXED "\r\n", "--b\r\njunk\r\njunk\r\n", 9000, 9001, MIME_NO_END, MIME_NO_BLANK_LINE },
		{ "junk\r\n", " folded %u\r\n", 200000, 1, MIME_NO_BLANK_LINE, MIME_NO_BLANK_LINE },
		{ "Content-Type: multipart/mixed", "; boundary*%u=x", 100000, 1,
		    MIME_LONG_LINE | MIME_NO_PARTS | MIME_NO_END, MIME_NO_PARTS },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct heap *heap = heap_create(SIZE_MAX);
		struct arena arena = arena_init(heap, MIME_ARENA_MAX);
		struct mime m = parse_repeated(heap, &arena, cases[i].head, cases[i].again, cases[i].times);

		print_message("# %zu: %zu parts, %zu bytes of arena\n", i, m.n, arena.used);
		assert_int_equal(m.n, cases[i].n);
		assert_int_equal(m.parts[0].defects & cases[i].root, cases[i].root);
		assert_int_equal(m.parts[m.n - 1].defects & cases[i].last, cases[i].last);
		for (size_t k = 0; k < m.n; k++)
			assert_true(m.parts[k].end > k && m.parts[k].end <= m.n);
		heap_drop(heap);
	}
}

/* Of what says what a part is, so much is read and no more, of one and of all together. */
static void test_values(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct arena arena = arena_init(heap, MIME_ARENA_MAX);
	struct mime m = parse_repeated(heap, &arena, "Content-Type: text/html; charset=utf-8",
	    "; a%u=b", 100000);
	struct buffer part = buffer_init(heap, 128 * 1024);
	size_t sum = 0;

	assert_int_equal(m.n, 1);
	assert_true(content_type_is(&m.parts[0].type, "text", "html"));
	assert_true(m.parts[0].parameters.len <= MIME_VALUE_MAX);
	arena_reset(&arena);
	buffer_add(&part, slice_lit("--b\r\nContent-Type: text/html"));
	while (buffer_bytes(&part).len < 60000)
		buffer_add(&part, slice_lit("; a=b"));
	buffer_add(&part, slice_lit("\r\n\r\nx\r\n"));
	buffer_add(&part, slice_of("", 1));
	m = parse_repeated(heap, &arena, MIXED "\r\n", (const char *)buffer_bytes(&part).ptr, 100);
	assert_int_equal(m.n, 101);
	for (size_t i = 1; i < m.n; i++)
		sum += m.parts[i].parameters.len;
	assert_true(sum > MIME_VALUES_MAX / 2 && sum <= MIME_VALUES_MAX);
	heap_drop(heap);
}

UNIT_TESTS(cmocka_unit_test(test_values), cmocka_unit_test(test_rows), cmocka_unit_test(test_beginnings),
    cmocka_unit_test(test_helpers), cmocka_unit_test(test_names),
    cmocka_unit_test(test_name_room), cmocka_unit_test(test_hostile))
