/* mail/mime_fuzz.c - any bytes as a message: its parts, what they are called and what they
 * hold, its addresses and subject, its text and snippet. The first octet says how much room
 * there is for texts.
 *
 * For: mail/mime.c mail/mime_part.c mail/mime_view.c mail/charset.c mail/content_decode.c
 * mail/parameter_read.c mail/header_text.c mail/address_field.c mail/html_text.c mail/shown.c
 *
 * Holds: parts lie in their parents, one behind the other, each is found by its number, and
 * header and body of the root are all of the message; line ends are counted right; the same
 * message inside of a message/rfc822 has the same parts, one deeper; what is decoded has the
 * length that was told and fits in any less; every text is well-formed UTF-8 within its
 * bound, what is shown of a header, and a snippet, is one line with nothing in it that does more
 * than stand there, and a file's name has nothing that leads elsewhere and takes no more memory
 * than it has. */
#include "fuzz.h"

#include "mail/address_field.h"
#include "mail/content_decode.h"
#include "mail/header_text.h"
#include "mail/mime_sound_test.h"
#include "mail/mime_view.h"
#include "mail/shown.h"
#include "mail/utf8.h"

enum { NAME_ARENA = FILENAME_BYTES_MAX + 1 };

struct look {
	struct heap *heap;
	struct charsets *charsets;
	size_t room;
};

static void check_line(slice text, size_t max)
{
	check(text.len <= max && utf8_valid(text) && shown_is_plain(text));
}

static void check_name(slice name)
{
	check_line(name, FILENAME_BYTES_MAX);
	check(slice_find_byte(name, '/') == name.len && slice_find_byte(name, '\\') == name.len);
	check(!slice_equal(name, slice_lit("..")) && !slice_equal(name, slice_lit(".")));
}

/* As much as fits is the beginning of all. */
static void check_content(const struct look *l, const struct mime_part *part)
{
	struct buffer all = buffer_init(l->heap, part->decoded), less = buffer_init(l->heap, l->room);
	struct buffer text = buffer_init(l->heap, l->room);
	bool bad;

	check(mime_decode(part, &all) && buffer_bytes(&all).len == part->decoded);
	check(mime_decode(part, &less) == (part->decoded <= l->room));
	buffer_free(&less);
	if (l->room > 0) {
		unsigned char *out = buffer_reserve(&less, l->room);
		size_t n = content_decode(part->encoding, part->body, out, l->room, &bad);

		check(n == part->decoded);
		buffer_filled(&less, n < l->room ? n : l->room);
		check(slice_starts(buffer_bytes(&all), buffer_bytes(&less)) ||
		    part->encoding == CONTENT_QUOTED_PRINTABLE);
	}
	(void)mime_decode_text(part, l->charsets, &text);
	check(utf8_valid(buffer_bytes(&text)));
	buffer_free(&all);
	buffer_free(&less);
	buffer_free(&text);
}

static void check_fields(const struct look *l, const struct mime_part *part)
{
	struct header_field field;
	slice rest = part->header;
	const unsigned char *at = rest.ptr;

	while (mime_field_next(&rest, &field)) {
		struct arena arena = arena_init(l->heap, 4 * HEADER_TEXT_MAX);

		check(field.whole.ptr >= at && field.name.ptr == field.whole.ptr);
		at = field.whole.ptr + field.whole.len;
		check(at <= part->header.ptr + part->header.len);
		check_line(header_text(l->charsets, slice_lit("koi8-r"), field.value, l->room, &arena),
		    l->room);
		arena_reset(&arena);
	}
}

static void check_addresses(const struct look *l, slice value)
{
	struct arena arena = arena_init(l->heap, ADDRESS_FIELD_ARENA_MAX);
	struct address_field f = address_field_read(value, l->charsets, (slice){ 0 }, &arena);
	unsigned depth = 0;

	check(f.n <= MAILBOX_LIST_MAX);
	for (size_t i = 0; i < f.n; i++) {
		const struct address_member *m = &f.members[i];

		depth += m->kind == ADDRESS_GROUP;
		depth -= m->kind == ADDRESS_GROUP_END;
		check(depth <= 1);
		check_line(m->name, HEADER_TEXT_MAX);
		check_line(m->address, 3 * MAILBOX_PART_MAX);
		check(m->kind == ADDRESS_MAILBOX || m->address.len == 0);
		check(m->local.len + m->domain.len <= m->address.len);
	}
	arena_reset(&arena);
}

static void check_view(const struct look *l, const struct mime *m, struct arena *arena)
{
	const uint8_t *uses = mime_uses(m, l->charsets, arena);
	struct buffer text = buffer_init(l->heap, l->room), html = buffer_init(l->heap, l->room);
	struct buffer snippet = buffer_init(l->heap, SNIPPET_MAX + 3);
	unsigned n_html = 0;

	for (size_t i = 0; i < m->n; i++) {
		n_html += (uses[i] & MIME_USE_HTML) != 0;
		check(uses[i] == 0 || m->parts[i].end == i + 1 || m->parts[i].kind == MIME_MESSAGE);
	}
	mime_text(m, uses, l->charsets, &text);
	check(n_html <= 1 && mime_html(m, uses, l->charsets, &html) == (n_html > 0));
	mime_snippet(m, uses, l->charsets, &snippet);
	check(utf8_valid(buffer_bytes(&text)) && utf8_valid(buffer_bytes(&html)));
	check_line(buffer_bytes(&snippet), SNIPPET_MAX + 3);
	(void)mime_charset(m, arena);
	buffer_free(&text);
	buffer_free(&html);
	buffer_free(&snippet);
}

/* The same parts, but for what is too deep in there. */
static void check_inside(const struct look *l, const struct mime *m)
{
	struct arena arena = arena_init(l->heap, MIME_ARENA_MAX);
	struct buffer text = buffer_init(l->heap, SIZE_MAX / 2);
	struct mime outer;
	size_t shift;

	buffer_add(&text, slice_lit("Content-Type: message/rfc822\r\n\r\n"));
	shift = buffer_bytes(&text).len;
	buffer_add(&text, m->message);
	outer = mime_parse(buffer_bytes(&text), &arena);
	mime_sound(&outer);
	for (size_t i = 0; i < m->n && outer.n == m->n + 1; i++) {
		const struct mime_part *a = &m->parts[i], *b = &outer.parts[i + 1];

		check(a->header.ptr - m->message.ptr + shift == (size_t)(b->header.ptr - outer.message.ptr));
		check(a->header.len == b->header.len && a->body.len == b->body.len);
		check(a->depth + 1 == b->depth && a->ordinal == b->ordinal && a->decoded == b->decoded);
	}
	buffer_free(&text);
	arena_reset(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct look l = { .heap = heap_create(SIZE_MAX) };
	struct arena arena = arena_init(l.heap, MIME_ARENA_MAX);
	struct mime m;
	slice in;

	if (len == 0) {
		heap_drop(l.heap);
		return 0;
	}
	l.charsets = charsets_create(l.heap);
	l.room = (size_t)data[0] * data[0];
	in = fuzz_copy(slice_of(data + 1, len - 1));
	m = mime_parse(in, &arena);
	mime_sound(&m);
	for (size_t i = 0; i < m.n && i < 50; i++) {
		struct arena names = arena_init(l.heap, NAME_ARENA);

		check_name(mime_filename(&m.parts[i], l.charsets, &names));
		check(mime_id(&m.parts[i]).len <= m.parts[i].id.len);
		check_fields(&l, &m.parts[i]);
		check_content(&l, &m.parts[i]);
		arena_reset(&names);
	}
	check_addresses(&l, mime_field(&m.parts[0], "from"));
	check_addresses(&l, mime_field(&m.parts[0], "to"));
	check_view(&l, &m, &arena);
	check_inside(&l, &m);
	fuzz_free(in);
	heap_drop(l.heap);
	return 0;
}
