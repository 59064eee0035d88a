/* mail/mime_suite_test.c - what others expect of a message's structure, texts, names and
 * addresses: the suites mime-* of ../shared/suites. Without them it is skipped.
 *
 * Each case becomes two descriptions, what the suite wants and what we have. Where we differ
 * on purpose it is in a table, with the reason; a row that no longer differs is a fault. */
#include <glob.h>

#include "mail/address_field.h"
#include "mail/header_text.h"
#include "mail/mime_sound_test.h"
#include "mail/mime_view.h"
#include "mail/suite_test.h"

enum { DESCRIPTION_MAX = 16 << 20 };

struct difference {
	const char *name, *why;
};

struct fixture {
	struct heap *heap;
	struct arena arena;
	struct charsets *charsets;
	struct buffer want, have;
};

static struct fixture fixture_open(void)
{
	struct heap *heap = heap_create(SIZE_MAX);

	return (struct fixture){ .heap = heap, .arena = arena_init(heap, 2 * MIME_ARENA_MAX),
		.charsets = charsets_create(heap), .want = buffer_init(heap, DESCRIPTION_MAX),
		.have = buffer_init(heap, DESCRIPTION_MAX) };
}

static slice read_file(struct fixture *f, const char *path)
{
	FILE *file = fopen(path, "rb");
	struct buffer text = buffer_init(f->heap, 64 << 20);
	size_t n;

	if (file == NULL)
		return (slice){ 0 };
	do {
		n = fread(buffer_reserve(&text, 1 << 16), 1, 1 << 16, file);
		buffer_filled(&text, n);
	} while (n > 0);
	fclose(file);
	return slice_of(buffer_bytes(&text).ptr ? buffer_bytes(&text).ptr : (const void *)"",
	    buffer_bytes(&text).len);
}

/* With all lines ending alike. */
static slice with_line_ends(struct fixture *f, slice text, bool crlf)
{
	unsigned char *out = heap_alloc(f->heap, 2 * text.len + 1);
	size_t n = 0;

	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] == '\r' && i + 1 < text.len && text.ptr[i + 1] == '\n')
			continue;
		if (crlf && text.ptr[i] == '\n')
			out[n++] = '\r';
		out[n++] = text.ptr[i];
	}
	return slice_of(out, n);
}

static slice lower(struct fixture *f, slice text)
{
	return slice_lower(&f->arena, text);
}

/* The first line that differs; texts are long. */
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

/* True when the descriptions agree as they should. Forgets them. */
static bool settle(struct fixture *f, const char *name, const struct difference *differences,
    size_t n_differences)
{
	const char *why = NULL;
	bool same = slice_equal(buffer_bytes(&f->want), buffer_bytes(&f->have));

	for (size_t i = 0; i < n_differences; i++) {
		const char *at = strstr(name, differences[i].name);

		if (at != NULL && (at[strlen(differences[i].name)] == 0 || at[strlen(differences[i].name)] == '.'))
			why = differences[i].why;
	}
	if (!same && why == NULL)
		print_difference(name, buffer_bytes(&f->want), buffer_bytes(&f->have));
	if (same && why != NULL)
		print_message("# %s no longer differs\n", name);
	buffer_free(&f->want);
	buffer_free(&f->have);
	return same == (why == NULL);
}

/* Calls judge for each file of a pattern below the suites; prints how many. */
static void for_each(const char *pattern, bool (*judge)(struct fixture *f, const char *path))
{
	char path[512];
	glob_t found;
	size_t bad = 0;

	snprintf(path, sizeof path, "%s/%s", suites(), pattern);
	if (glob(path, GLOB_BRACE, NULL, &found) != 0)
		found.gl_pathc = 0;
	for (size_t i = 0; i < found.gl_pathc; i++) {
		struct fixture f = fixture_open();

		bad += !judge(&f, found.gl_pathv[i]);
		heap_drop(f.heap);
	}
	print_message("# %s: %zu cases, %zu wrong\n", pattern, found.gl_pathc, bad);
	assert_true(found.gl_pathc > 0);
	globfree(&found);
	assert_int_equal(bad, 0);
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

/* ---- mime-mail-parser: structure, offsets, contents, addresses, as JSON ---- */

static const struct difference mail_parser_differences[] = {
	{ "legacy/017", "octets that are no UTF-8 are windows-1252, not U+FFFD" },
	{ "legacy/020", "likewise" },
	{ "legacy/026", "likewise" },
	{ "legacy/052", "likewise" },
	{ "malformed/000", "parts whose header no blank line ends are parts" },
	{ "malformed/002", "a multipart without parts is one (mime_text() gives it as text)" },
	{ "malformed/004", "a delimiter is the whole line: --ab is none of boundary a" },
	{ "malformed/007", "a part whose header a line that is no field cuts keeps its rest" },
	{ "malformed/013", "a delimiter at the very end opens an empty part" },
	{ "malformed/021", "the first Content-Type counts, not the last" },
	{ "malformed/022", "message/rfc822 is one, whatever it looks like" },
	{ "rfc/008", "message/rfc822 in base64 (RFC 2046 s5.2.1 forbids it) is not opened" },
	{ "thirdparty/005", "a delimiter begins a line" },
};

static const json_t *find_field(const json_t *part, const char *name)
{
	size_t i;
	const json_t *field;

	json_array_foreach(json_object_get(part, "headers"), i, field) {
		if (strcmp(text_of(field, "name"), name) == 0)
			return json_object_get(field, "value");
	}
	return NULL;
}

static void want_addresses(struct fixture *f, const json_t *part, const char *name)
{
	const json_t *list = json_object_get(json_object_get(find_field(part, name), "Address"), "List");
	const json_t *one;
	size_t i;

	json_array_foreach(list, i, one)
		buffer_printf(&f->want, "%s: %s|%s\n", name, text_of(one, "name"), text_of(one, "address"));
}

/* comments: they may be names. */
static void have_addresses(struct fixture *f, const struct mime_part *part, const char *name,
    bool comments)
{
	struct address_field field = address_field_read(mime_field(part, name), f->charsets, (slice){ 0 },
	    &f->arena);

	for (size_t i = 0; i < field.n; i++) {
		const struct address_member *a = &field.members[i];

		if (comments && a->kind <= ADDRESS_UNREADABLE)
			buffer_printf(&f->have, "%s: %.*s|%.*s\n", name, slice_arg(a->name),
			    slice_arg(a->address));
		else if (a->kind == ADDRESS_MAILBOX)
			buffer_printf(&f->have, "%s: %.*s|%.*s\n", name,
			    a->written.len > 0 ? (int)a->name.len : 0, a->name.ptr, slice_arg(a->address));
		else if (a->kind == ADDRESS_UNREADABLE)
			buffer_printf(&f->have, "%s: |%.*s\n", name, slice_arg(a->name));
	}
}

static void want_content(struct fixture *f, const json_t *body)
{
	static const char *const texts[] = { "Text", "Html" };
	static const char *const bytes[] = { "Binary", "InlineBinary" };

	for (int k = 0; k < 2; k++) {
		const json_t *list = json_object_get(body, bytes[k]), *byte;
		size_t i;

		buffer_add(&f->want, suite_text(body, texts[k]));
		json_array_foreach(list, i, byte)
			buffer_printf(&f->want, "%c", (int)json_integer_value(byte));
	}
	buffer_add(&f->want, slice_lit("\n"));
}

static void want_message(struct fixture *f, const json_t *message, unsigned depth);

static void want_part(struct fixture *f, const json_t *parts, size_t i, unsigned depth)
{
	const json_t *part = json_array_get(parts, i), *body = json_object_get(part, "body"), *child;
	const json_t *type = json_object_get(find_field(part, "content_type"), "ContentType");
	const json_t *children = json_object_get(body, "Multipart");
	bool message = json_object_get(body, "Message") != NULL;
	size_t k;

	buffer_printf(&f->want, "%u %s/%s %d %d %d\n", depth, type ? text_of(type, "c_type") : "text",
	    type ? text_of(type, "c_subtype") : "plain",
	    (int)json_integer_value(json_object_get(part, "offset_header")),
	    (int)json_integer_value(json_object_get(part, "offset_body")),
	    (int)json_integer_value(json_object_get(part, "offset_end")));
	want_addresses(f, part, "from");
	want_addresses(f, part, "to");
	want_addresses(f, part, "cc");
	buffer_printf(&f->want, "%s\n", text_of(find_field(part, "subject"), "Text"));
	if (children == NULL && !message)
		want_content(f, body);
	json_array_foreach(children, k, child)
		want_part(f, parts, (size_t)json_integer_value(child), depth + 1);
	if (message)
		want_message(f, json_object_get(body, "Message"), depth + 1);
}

static void want_message(struct fixture *f, const json_t *message, unsigned depth)
{
	want_part(f, json_object_get(message, "parts"), 0, depth);
}

static void have_parts(struct fixture *f, const struct mime *m)
{
	for (size_t i = 0; i < m->n; i++) {
		const struct mime_part *part = &m->parts[i];
		slice subject = header_text(f->charsets, (slice){ 0 }, mime_field(part, "subject"),
		    HEADER_TEXT_MAX, &f->arena);

		buffer_printf(&f->have, "%u %.*s/%.*s %zu %zu %zu\n", part->depth,
		    slice_arg(lower(f, part->type.type)), slice_arg(lower(f, part->type.subtype)),
		    (size_t)(part->header.ptr - m->message.ptr), (size_t)(part->body.ptr - m->message.ptr),
		    (size_t)(part->body.ptr - m->message.ptr) + part->body.len);
		have_addresses(f, part, "from", true);
		have_addresses(f, part, "to", true);
		have_addresses(f, part, "cc", true);
		buffer_printf(&f->have, "%.*s\n", slice_arg(subject));
		if (part->kind == MIME_LEAF && content_type_is(&part->type, "text", NULL))
			(void)mime_decode_text(part, f->charsets, &f->have);
		else if (part->kind == MIME_LEAF)
			assert_true(mime_decode(part, &f->have));
		if (part->kind == MIME_LEAF)
			buffer_add(&f->have, slice_lit("\n"));
	}
}

static bool judge_mail_parser(struct fixture *f, const char *path)
{
	json_error_t error;
	json_t *want = json_load_file(path, JSON_ALLOW_NUL, &error);
	bool crlf = strstr(path, ".crlf.json") != NULL;
	struct mime m;
	char eml[512];

	assert_non_null(want);
	snprintf(eml, sizeof eml, "%.*s.eml", (int)(strlen(path) - (crlf ? 10 : 5)), path);
	m = mime_parse(with_line_ends(f, read_file(f, eml), crlf), &f->arena);
	mime_sound(&m);
	want_message(f, want, 0);
	have_parts(f, &m);
	json_decref(want);
	return settle(f, path, mail_parser_differences,
	    sizeof mail_parser_differences / sizeof mail_parser_differences[0]);
}

static void test_mail_parser(void **state)
{
	for_each("mime-mail-parser/{legacy,malformed,rfc,thirdparty}/*.json", judge_mail_parser);
}

/* ---- mime-mailcore: structure and names of files, as JSON; what is shown of messages ---- */

static const struct difference mailcore_differences[] = {
	{ "jwz/1", "a type without a subtype is text/plain (RFC 2045 s5.2)" },
	{ "jwz/135", "likewise" },
	{ "jwz/29", "likewise" },
	{ "jwz/116", "the header of the message in it goes on behind \">From -\"" },
	{ "jwz/5", "likewise, behind a line of Andrew's" },
	{ "jwz/144", "names of files have no slashes" },
	{ "jwz/45", "likewise" },
	{ "jwz/22", "an empty parameter is passed over, and the boundary found" },
	{ "jwz/40", "what has no type in a digest is a message, whatever that one's type is" },
	{ "jwz/41", "its parts are there" },
	{ "jwz/63", "ends are trimmed" },
	{ "jwz/86", "a source route without brackets is no address" },
	{ "simple/2", "multiparts of one boundary: innermost first, as the text itself says" },
	{ "simple/3", "an empty boundary is none (RFC 2046 s5.1.1)" },
};

static void want_mailcore_addresses(struct fixture *f, const json_t *header, const char *name)
{
	const json_t *value = json_object_get(header, name), *one;
	const json_t *list = json_object_get(value, "items");
	size_t i;

	if (list == NULL && value != NULL)
		buffer_printf(&f->want, "%s: %s|%s\n", name, text_of(value, "displayName"),
		    text_of(value, "mailbox"));
	json_array_foreach(list, i, one)
		buffer_printf(&f->want, "%s: %s|%s\n", name, text_of(one, "displayName"),
		    text_of(one, "mailbox"));
}

/* It knows three multiparts by name, a word alone as a mailbox, and no names in comments. */
static const char *multipart_name(slice type)
{
	static const char *const known[] = { "multipart/alternative", "multipart/related",
		"multipart/signed" };

	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
		if (slice_equal(type, slice_from(known[i])))
			return known[i];
	}
	return "multipart/mixed";
}

static void want_mailcore_part(struct fixture *f, const json_t *part, unsigned depth)
{
	const json_t *children = json_object_get(json_object_get(part, "parts"), "items"), *child;
	const char *type = text_of(part, "partType");
	slice media = lower(f, suite_text(part, "mimeType"));
	size_t i;

	if (strcmp(type, "single") == 0)
		buffer_printf(&f->want, "%u %.*s %s\n", depth, slice_arg(media), text_of(part, "filename"));
	else
		buffer_printf(&f->want, "%u %s\n", depth, type);
	json_array_foreach(children, i, child)
		want_mailcore_part(f, child, depth + 1);
	if (strcmp(type, "message") == 0)
		want_mailcore_part(f, json_object_get(part, "mainPart"), depth + 1);
}

static void have_mailcore(struct fixture *f, const struct mime *m)
{
	for (size_t i = 0; i < m->n; i++) {
		const struct mime_part *part = &m->parts[i];
		slice type = lower(f, arena_printf(&f->arena, "%.*s/%.*s", slice_arg(part->type.type),
		    slice_arg(part->type.subtype)));

		if (part->kind == MIME_MESSAGE)
			buffer_printf(&f->have, "%u message\n", part->depth);
		else if (content_type_is(&part->type, "multipart", NULL))
			buffer_printf(&f->have, "%u %s\n", part->depth, multipart_name(type));
		else
			buffer_printf(&f->have, "%u %.*s %.*s\n", part->depth, slice_arg(type),
			    slice_arg(mime_filename(part, f->charsets, &f->arena)));
	}
}

static bool judge_mailcore(struct fixture *f, const char *path)
{
	char input[512];
	json_error_t error;
	json_t *want = json_load_file(path, 0, &error);
	const char *output = strstr(path, "/output/");
	struct mime m;

	assert_non_null(want);
	snprintf(input, sizeof input, "%.*s/input/%s", (int)(output - path), path, output + 8);
	m = mime_parse(read_file(f, input), &f->arena);
	mime_sound(&m);
	want_mailcore_addresses(f, json_object_get(want, "header"), "from");
	want_mailcore_addresses(f, json_object_get(want, "header"), "to");
	want_mailcore_addresses(f, json_object_get(want, "header"), "cc");
	buffer_printf(&f->want, "%s\n", text_of(json_object_get(want, "header"), "subject"));
	want_mailcore_part(f, json_object_get(want, "mainPart"), 0);
	have_addresses(f, &m.parts[0], "from", false);
	have_addresses(f, &m.parts[0], "to", false);
	have_addresses(f, &m.parts[0], "cc", false);
	buffer_printf(&f->have, "%.*s\n", slice_arg(header_text(f->charsets, (slice){ 0 },
	    mime_field(&m.parts[0], "subject"), HEADER_TEXT_MAX, &f->arena)));
	have_mailcore(f, &m);
	json_decref(want);
	return settle(f, path, mailcore_differences,
	    sizeof mailcore_differences / sizeof mailcore_differences[0]);
}

static void test_mailcore(void **state)
{
	for_each("mime-mailcore/parser/output/{mbox/*,messages}/*", judge_mailcore);
}

/* ---- mime-mailcore/summary: what people see of mail in all kinds of character sets ---- */

static const struct difference summary_differences[] = {
	{ "2765-korean", "the word is decoded, and the address behind it found" },
	{ "2977-chinese", "it lists what is attached" },
	{ "5231-emoji", "it shows \"No Subject\", and signs of a telephone company as others" },
	{ "6144-russian", "it decodes the subject as another character set than it says" },
	{ "989-encoding-3", "it leaves \"Re:\" out" },
	{ "989-encoding-6", "likewise" },
};

/* Printed as "Name <address>, address". */
static void show_addresses(struct fixture *f, const struct mime *m, const char *title, slice label)
{
	struct address_field field = address_field_read(mime_field(&m->parts[0], title), f->charsets,
	    label, &f->arena);

	for (size_t i = 0; i < field.n; i++) {
		const struct address_member *a = &field.members[i];

		buffer_printf(&f->have, i == 0 ? "%s: " : ", ", title);
		if (a->name.len > 0)
			buffer_printf(&f->have, "%.*s <%.*s>", slice_arg(a->name), slice_arg(a->address));
		else
			buffer_add(&f->have, a->address);
	}
	if (field.n > 0)
		buffer_add(&f->have, slice_lit("\n"));
}

/* The beginning of a text without its blanks: lines are broken by taste. */
static void add_solid(slice text, struct buffer *out)
{
	for (size_t i = 0, n = 0; i < text.len && n < 90; i++) {
		if (text.ptr[i] > ' ' && ++n > 0)
			buffer_add(out, slice_sub(text, i, 1));
	}
	buffer_add(out, slice_lit("\n"));
}

static bool judge_summary(struct fixture *f, const char *path)
{
	struct mime m = mime_parse(read_file(f, path), &f->arena);
	const uint8_t *uses = mime_uses(&m, f->charsets, &f->arena);
	slice label = mime_charset(&m, &f->arena), want;
	const char *input = strstr(path, "/input/");
	struct buffer text = buffer_init(f->heap, 1 << 20);
	char output[512];

	mime_sound(&m);
	snprintf(output, sizeof output, "%.*s/output/%.*stxt", (int)(input - path), path,
	    (int)(strlen(input) - 10), input + 7);
	want = read_file(f, output);
	while (want.len > 0 && want.ptr[0] != '\n') {
		slice line = slice_cut(&want, '\n');

		if (!slice_starts(line, slice_lit("Date:")))
			buffer_printf(&f->want, "%.*s\n", slice_arg(line));
	}
	add_solid(want, &f->want);
	show_addresses(f, &m, "From", label);
	show_addresses(f, &m, "To", label);
	show_addresses(f, &m, "Cc", label);
	buffer_printf(&f->have, "Subject: %.*s\n", slice_arg(header_text(f->charsets, label,
	    mime_field(&m.parts[0], "subject"), HEADER_TEXT_MAX, &f->arena)));
	mime_text(&m, uses, f->charsets, &text);
	add_solid(buffer_bytes(&text), &f->have);
	return settle(f, path, summary_differences,
	    sizeof summary_differences / sizeof summary_differences[0]);
}

static void test_summary(void **state)
{
	for_each("mime-mailcore/summary/input/*.eml", judge_summary);
}

/* ---- mime-mime4j: fields and bodies as they stand, as XML ---- */

static const struct difference mime4j_differences[] = {
	{ "malformedHeader-noheader", "what looks like no header at all is the body, as the text says" },
	{ "very-long-boundary", "no boundary ends with a blank (RFC 2046 s5.1.1)" },
};

static void add_escaped(struct buffer *out, slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] == '<')
			buffer_add(out, slice_lit("&lt;"));
		else if (text.ptr[i] == '>')
			buffer_add(out, slice_lit("&gt;"));
		else if (text.ptr[i] == '&')
			buffer_add(out, slice_lit("&amp;"));
		else
			buffer_add(out, slice_sub(text, i, 1));
	}
}

static void have_xml(struct fixture *f, const struct mime *m, size_t i)
{
	const struct mime_part *part = &m->parts[i];
	const char *name = mime_is_message(m, i) ? "message" : "body-part";
	struct header_field field;
	slice rest = part->header;

	buffer_printf(&f->have, "<%s>\r\n<header>\r\n", name);
	while (mime_field_next(&rest, &field)) {
		buffer_add(&f->have, slice_lit("<field>\r\n"));
		add_escaped(&f->have, slice_of(field.whole.ptr,
		    (size_t)(field.value.ptr - field.whole.ptr) + field.value.len));
		buffer_add(&f->have, slice_lit("</field>\r\n"));
	}
	buffer_add(&f->have, slice_lit("</header>\r\n"));
	buffer_add(&f->have, part->kind == MIME_MULTIPART ? slice_lit("<multipart>\r\n") : (slice){ 0 });
	for (size_t at = i + 1; at < part->end; at = m->parts[at].end)
		have_xml(f, m, at);
	buffer_add(&f->have, part->kind == MIME_MULTIPART ? slice_lit("</multipart>\r\n") : (slice){ 0 });
	if (part->kind == MIME_LEAF) {
		buffer_add(&f->have, slice_lit("<body>\r\n"));
		add_escaped(&f->have, part->body);
		buffer_add(&f->have, slice_lit("</body>\r\n"));
	}
	buffer_printf(&f->have, "</%s>\r\n", name);
}

/* All but what stands around the parts of a multipart, which has no place of its own here. */
static void want_xml(struct fixture *f, slice xml)
{
	static const char *const dropped[][2] = { { "<preamble>", "</preamble>\r\n" },
		{ "<epilogue>", "</epilogue>\r\n" } };

	while (xml.len > 0) {
		bool drop = false;

		for (int k = 0; k < 2 && !drop; k++) {
			slice end = slice_from(dropped[k][1]);

			drop = slice_starts(xml, slice_from(dropped[k][0]));
			if (drop)
				xml = slice_drop(xml, slice_find(xml, end) + end.len);
		}
		if (drop)
			continue;
		buffer_add(&f->want, slice_head(xml, 1));
		xml = slice_drop(xml, 1);
	}
}

static bool judge_mime4j(struct fixture *f, const char *path)
{
	struct mime m = mime_parse(read_file(f, path), &f->arena);
	char xml[512];

	mime_sound(&m);
	snprintf(xml, sizeof xml, "%.*sxml", (int)strlen(path) - 3, path);
	want_xml(f, read_file(f, xml));
	have_xml(f, &m, 0);
	return settle(f, path, mime4j_differences,
	    sizeof mime4j_differences / sizeof mime4j_differences[0]);
}

static void test_mime4j(void **state)
{
	for_each("mime-mime4j/testmsgs/*.msg", judge_mime4j);
}

/* ---- mime-mimekit: offsets in a file of messages, as JSON ---- */

static const struct difference mimekit_differences[] = {
	{ "issue1189", "in a header a line that is no field, then a blank line: that line is content" },
};

static void want_offsets(struct fixture *f, const json_t *part, size_t base)
{
	static const char *const keys[] = { "beginOffset", "headersEndOffset", "endOffset" };
	const json_t *child, *message = json_object_get(part, "message");
	size_t i;

	buffer_printf(&f->want, "%s", text_of(part, "mimeType"));
	for (i = 0; i < 3; i++)
		buffer_printf(&f->want, " %zu",
		    (size_t)json_integer_value(json_object_get(part, keys[i])) - base);
	buffer_add(&f->want, slice_lit("\n"));
	json_array_foreach(json_object_get(part, "children"), i, child)
		want_offsets(f, child, base);
	if (message != NULL)
		want_offsets(f, json_object_get(message, "body"), base);
}

static bool judge_mimekit(struct fixture *f, const char *path)
{
	slice all = with_line_ends(f, read_file(f, path), true);
	char name[512];
	json_error_t error;
	json_t *messages;
	const json_t *one;
	size_t i;

	snprintf(name, sizeof name, "%.*sdos-offsets.json", (int)strlen(path) - 8, path);
	messages = json_load_file(name, 0, &error);
	json_array_foreach(messages, i, one) {
		const json_t *body = json_object_get(one, "body");
		size_t begin = (size_t)json_integer_value(json_object_get(one, "beginOffset"));
		size_t end = (size_t)json_integer_value(json_object_get(one, "endOffset"));
		struct mime m = mime_parse(slice_sub(all, begin, end - begin), &f->arena);

		mime_sound(&m);
		want_offsets(f, body, begin);
		for (size_t k = 0; k < m.n; k++) {
			const struct mime_part *part = &m.parts[k];
			size_t at = (size_t)(part->body.ptr - m.message.ptr);

			buffer_printf(&f->have, "%.*s/%.*s %zu %zu %zu\n", slice_arg(part->type.type),
			    slice_arg(part->type.subtype), (size_t)(part->header.ptr - m.message.ptr), at,
			    at + part->body.len);
		}
	}
	assert_true(json_array_size(messages) > 0);
	json_decref(messages);
	return settle(f, path, mimekit_differences, 1);
}

static void test_mimekit(void **state)
{
	for_each("mime-mimekit/mbox/issue1189.mbox.txt", judge_mimekit);
}

/* ---- all others: nothing is expected of them but that it holds together ---- */

static bool judge_any(struct fixture *f, const char *path)
{
	for (int crlf = 0; crlf < 2; crlf++) {
		slice text = with_line_ends(f, read_file(f, path), crlf);
		struct mime m = mime_parse(text, &f->arena);
		const uint8_t *uses = mime_uses(&m, f->charsets, &f->arena);

		mime_sound(&m);
		mime_text(&m, uses, f->charsets, &f->have);
		mime_snippet(&m, uses, f->charsets, &f->have);
		buffer_free(&f->have);
		arena_reset(&f->arena);
	}
	return true;
}

static void test_all(void **state)
{
	for_each("mime-*/{*.eml,*.txt,*/*.eml,*/*.txt,*/*.raw,*/*.msg,*/*/*.eml,*/*/*/*.txt}", judge_any);
}

UNIT_TESTS(cmocka_unit_test(test_mail_parser), cmocka_unit_test(test_mailcore),
    cmocka_unit_test(test_summary), cmocka_unit_test(test_mime4j), cmocka_unit_test(test_mimekit),
    cmocka_unit_test(test_all))
