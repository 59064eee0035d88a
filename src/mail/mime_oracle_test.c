/* mail/mime_oracle_test.c - GMime as an oracle: of each mail of ../shared/suites/mime-* it
 * must have the same parts, contents, names and subject as we have. Skipped where GMime was
 * not at hand to build with; without the suites there are a few messages of our own. */
#include "mail/suite_test.h"

#ifndef HAVE_GMIME

static void test_gmime(void **state)
{
	print_message("# GMime is not here: nothing is compared\n");
	skip();
}

UNIT_TESTS(cmocka_unit_test(test_gmime))

#else

#include <glob.h>
#include <gmime/gmime.h>

#include "mail/header_text.h"
#include "mail/mime_sound_test.h"

enum { DESCRIPTION_MAX = 64 << 20, DEPTH = 64 };

struct difference {
	const char *name, *why;
};

#define UNFINISHED "of an unfinished group in base 64 we give the octets that it has"
#define JUNK "a line in a header that is no field: where the header ends"
#define TYPE "a bad type is text/plain (RFC 2045 s5.2), not application/octet-stream"
#define UUENCODE "uuencoding is not undone"
#define NAME "backslashes and slashes in names of files become \"_\""
#define BLANK "parts whose header no blank line ends are parts"
#define EMPTY "a delimiter with nothing behind it opens an empty part"
#define SEMICOLON "a parameter may stand without a semicolon before it"
#define FIRST "of fields that are there twice the first counts"
#define WORDS "words side by side may cut a character in two"
#define LABEL "UTF-8 that cannot be anything else is UTF-8"
#define BINARY "content in \"binary\" is as it stands"
#define BOUNDARY "boundaries that RFC 2046 s5.1.1 does not allow"

static const struct difference differences[] = {
	{ "mime-cpython/msg_39.txt", UNFINISHED },
	{ "mime-enmime/mail/mime-blank-media-name.raw", UNFINISHED },
	{ "jwz/85", UNFINISHED },
	{ "mime-enmime/low-quality/bad-header-start.raw", JUNK },
	{ "mime-mail-parser/malformed/022.eml", JUNK },
	{ "jwz/20", JUNK },
	{ "jwz/52", JUNK },
	{ "mime-ruby-mail/error_emails/bad_subject.eml", JUNK },
	{ "mime-mime4j/testmsgs/malformedHeader-noheader.msg", JUNK },
	{ "mime-mail-parser/malformed/007.eml", JUNK },
	{ "mime-enmime/mail/qp-utf8-header-no-break.raw", JUNK },
	{ "mime-enmime/parts/empty-ctype-bad-content.raw", TYPE },
	{ "jwz/1", TYPE },
	{ "jwz/135", TYPE },
	{ "jwz/29", TYPE },
	{ "mime-mimekit/messages/missing-subtype.txt", TYPE },
	{ "legacy/017.eml", UUENCODE },
	{ "legacy/026.eml", UUENCODE },
	{ "m2010.txt", UUENCODE },
	{ "m2013.txt", UUENCODE },
	{ "m3007.txt", UUENCODE },
	{ "legacy/035.eml", NAME },
	{ "legacy/039.eml", NAME },
	{ "rfc/001.eml", NAME },
	{ "jwz/144", NAME },
	{ "jwz/45", NAME },
	{ "m1005.txt", NAME },
	{ "m1006.txt", NAME },
	{ "m4008.txt", NAME },
	{ "malformed/000.eml", BLANK },
	{ "malformed/013.eml", EMPTY },
	{ "multipartemptypart.msg", EMPTY },
	{ "malformed/017.eml", SEMICOLON },
	{ "malformed/021.eml", FIRST },
	{ "multiple_content_types.eml", FIRST },
	{ "raw_email_with_binary_encoded.eml", FIRST },
	{ "raw_email_with_multipart_mixed_quoted_boundary.eml", FIRST },
	{ "5230-thai-chinese.eml", WORDS },
	{ "6144-russian.eml", LABEL },
	{ "thirdparty/001.eml", BINARY },
	{ "simple/3", BOUNDARY },
	{ "very-long-boundary.msg", BOUNDARY },
};

/* Of quoted-printable without blanks before line ends: GMime keeps them, RFC 2045 s6.7 (3)
 * says that they must go. */
static void add_bytes(slice bytes, bool quoted, struct buffer *out)
{
	while (quoted && bytes.len > 0 && bytes.ptr[bytes.len - 1] <= ' ')
		bytes.len--;
	while (bytes.len > 0) {
		slice line = slice_head(bytes, slice_find_byte(bytes, '\n'));

		bytes = slice_drop(bytes, line.len < bytes.len ? line.len + 1 : line.len);
		if (quoted && slice_ends(line, slice_lit("\r")))
			line.len--;
		buffer_add(out, quoted ? slice_trim(line) : line);
		buffer_add(out, slice_lit("\n"));
	}
}

/* ---- what GMime has ---- */

static void add_content(GMimePart *part, struct buffer *out)
{
	GMimeDataWrapper *content = g_mime_part_get_content(part);
	GMimeStream *stream = g_mime_stream_mem_new();
	GByteArray *bytes;

	if (content != NULL)
		g_mime_data_wrapper_write_to_stream(content, stream);
	bytes = g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(stream));
	add_bytes(slice_of(bytes->data, bytes->len), g_mime_part_get_content_encoding(part) ==
	    GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE, out);
	g_object_unref(stream);
}

static void want_object(GMimeObject *object, unsigned depth, struct buffer *out)
{
	GMimeContentType *type = g_mime_object_get_content_type(object);
	char *text = g_mime_content_type_get_mime_type(type);
	char *small = g_ascii_strdown(text, -1);

	buffer_printf(out, "%u %s\n", depth, small);
	g_free(text);
	g_free(small);
	if (GMIME_IS_MULTIPART(object)) {
		for (int i = 0; i < g_mime_multipart_get_count(GMIME_MULTIPART(object)); i++)
			want_object(g_mime_multipart_get_part(GMIME_MULTIPART(object), i), depth + 1, out);
	} else if (GMIME_IS_MESSAGE_PART(object)) {
		GMimeMessage *inner = g_mime_message_part_get_message(GMIME_MESSAGE_PART(object));

		if (inner != NULL && g_mime_message_get_mime_part(inner) != NULL)
			want_object(g_mime_message_get_mime_part(inner), depth + 1, out);
	} else if (GMIME_IS_PART(object)) {
		const char *name = g_mime_part_get_filename(GMIME_PART(object));

		buffer_printf(out, "%s\n", name ? name : "");
		add_content(GMIME_PART(object), out);
	}
}

static void want_message(slice text, struct buffer *out)
{
	GMimeStream *stream = g_mime_stream_mem_new_with_buffer((const char *)text.ptr, text.len);
	GMimeParser *parser = g_mime_parser_new_with_stream(stream);
	GMimeMessage *message = g_mime_parser_construct_message(parser, NULL);

	if (message != NULL) {
		const char *subject = g_mime_message_get_subject(message);

		buffer_printf(out, "%s\n", subject ? subject : "");
		want_object(g_mime_message_get_mime_part(message), 0, out);
		g_object_unref(message);
	}
	g_object_unref(parser);
	g_object_unref(stream);
}

/* ---- what we have ---- */

static void have_message(slice text, struct heap *heap, struct buffer *out)
{
	struct arena arena = arena_init(heap, 2 * MIME_ARENA_MAX);
	struct charsets *charsets = charsets_create(heap);
	struct buffer bytes = buffer_init(heap, DESCRIPTION_MAX);
	struct mime m = mime_parse(text, &arena);

	mime_sound(&m);
	buffer_add(out, header_text(charsets, (slice){ 0 }, mime_field(&m.parts[0], "subject"),
	    HEADER_TEXT_MAX, &arena));
	buffer_add(out, slice_lit("\n"));
	for (size_t i = 0; i < m.n; i++) {
		const struct mime_part *part = &m.parts[i];
		slice type = slice_lower(&arena, arena_printf(&arena, "%.*s/%.*s",
		    slice_arg(part->type.type), slice_arg(part->type.subtype)));

		buffer_printf(out, "%u %.*s\n", part->depth, slice_arg(type));
		if (part->kind != MIME_LEAF || content_type_is(&part->type, "multipart", NULL))
			continue;
		buffer_add(out, mime_filename(part, charsets, &arena));
		buffer_add(out, slice_lit("\n"));
		assert_true(mime_decode(part, &bytes));
		add_bytes(buffer_bytes(&bytes), part->encoding == CONTENT_QUOTED_PRINTABLE, out);
		buffer_free(&bytes);
	}
}

/* ---- both ---- */

static void print_difference(const char *name, slice want, slice have)
{
	slice a, b;

	do {
		a = slice_cut(&want, '\n');
		b = slice_cut(&have, '\n');
	} while (slice_equal(a, b) && (want.len > 0 || have.len > 0));
	print_message("# %s\n#   want %.*s\n#   have %.*s\n", name, (int)(a.len < 200 ? a.len : 200),
	    a.ptr, (int)(b.len < 200 ? b.len : 200), b.ptr);
}

/* False: they differ and should not, or no longer differ. */
static bool judge(const char *name, slice text)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct buffer want = buffer_init(heap, DESCRIPTION_MAX);
	struct buffer have = buffer_init(heap, DESCRIPTION_MAX);
	const char *why = NULL;
	bool same;

	want_message(text, &want);
	have_message(text, heap, &have);
	same = slice_equal(buffer_bytes(&want), buffer_bytes(&have));
	for (size_t i = 0; i < sizeof differences / sizeof differences[0]; i++) {
		const char *at = strstr(name, differences[i].name);

		if (at != NULL && strcmp(at, differences[i].name) == 0)
			why = differences[i].why;
	}
	if (!same && why == NULL)
		print_difference(name, buffer_bytes(&want), buffer_bytes(&have));
	if (same && why != NULL)
		print_message("# %s no longer differs\n", name);
	heap_drop(heap);
	return same == (why == NULL);
}

static bool judge_file(const char *path)
{
	gchar *contents;
	gsize len;
	bool good;

	assert_true(g_file_get_contents(path, &contents, &len, NULL));
	good = judge(path, slice_of(contents, len));
	g_free(contents);
	return good;
}

static void test_suites(void **state)
{
	char pattern[512];
	size_t bad = 0;
	glob_t found;

	snprintf(pattern, sizeof pattern, "%s/mime-{cpython/*.txt,enmime/{low-quality,mail,parts}/*.raw,"
	    "mail-parser/*/*.eml,mailcore/summary/input/*.eml,mailcore/parser/input/*/*/*,"
	    "mime4j/testmsgs/*.msg,mimekit/messages/*,mox/*/*.eml,nodemailer/*.eml,rspamd/*.eml,"
	    "ruby-mail/*/*.eml,zbateson/*.txt}", suites());
	if (glob(pattern, GLOB_BRACE, NULL, &found) != 0)
		found.gl_pathc = 0;
	for (size_t i = 0; i < found.gl_pathc; i++)
		bad += !judge_file(found.gl_pathv[i]);
	print_message("# %zu mails, %zu wrong\n", found.gl_pathc, bad);
	assert_true(found.gl_pathc > 0);
	globfree(&found);
	assert_int_equal(bad, 0);
}

static const char *const own[] = {
	"Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=\r\n\r\nbody\r\n",
	"Content-Type: multipart/mixed; boundary=b\r\n\r\npre\r\n--b\r\n\r\none\r\n--b\r\n"
	"Content-Type: application/pdf; name=\"a.pdf\"\r\nContent-Transfer-Encoding: base64\r\n\r\n"
	"YWJj\r\nZA==\r\n--b--\r\nend\r\n",
	"Content-Type: multipart/alternative; boundary=\"a b\"\r\n\r\n--a b\r\n"
	"Content-Transfer-Encoding: quoted-printable\r\n\r\nx=3Dy=\r\nz \r\n--a b\r\n"
	"Content-Type: message/rfc822\r\n\r\nSubject: in\r\n\r\nit\r\n--a b--\r\n",
	"Content-Type: image/png\r\nContent-Disposition: attachment;\r\n filename*0*=utf-8''%C3%A9;\r\n"
	" filename*1=\".png\"\r\n\r\n",
};

static void test_own(void **state)
{
	for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
		assert_true(judge("own", slice_from(own[i])));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_own), cmocka_unit_test(test_suites) };
	int result;

	g_mime_init();
	cmocka_set_message_output(CM_OUTPUT_TAP);
	result = cmocka_run_group_tests(tests, NULL, NULL);
	g_mime_shutdown();
	return result;
}

#endif
