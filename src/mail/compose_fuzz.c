/* mail/compose_fuzz.c - messages that are written: of values from anywhere, separated
 * by NUL, and of what programs hand to sendmail. The first byte chooses.
 *
 * For: mail/compose.c mail/field.c mail/encoded_word.c mail/quoted_printable.c mail/parameter.c mail/media_type.c mail/handed.c mail/qualify.c mail/address_list.c
 *
 * Holds: whatever the values are, the header has the fields that were meant, each
 * once, and no other; no line is longer than 998, none has a bare CR or LF; only
 * addresses may be other than ASCII; what is refused has a fault. Of what was handed
 * over no Bcc is left, From, Date and Message-ID are there, the header ends where the
 * body begins, the body's bytes stay, and each recipient is an address; in whatever
 * pieces it came. */
#include "fuzz.h"

#include "base/limits.h"
#include "mail/compose.h"
#include "mail/handed.h"
#include "mail/header.h"
#include "mail/media_type.h"
#include "mail/utf8.h"

enum { ITEMS = 8, MEMORY = 1 << 20 };

static void check_lines(slice text, bool bounded)
{
	while (text.len > 0) {
		slice line = slice_cut(&text, '\n');

		check(line.len > 0 && line.ptr[line.len - 1] == '\r');
		check(!bounded || line.len - 1 <= LINE_MAX_OCTETS);
		check(slice_find_byte(line, '\r') == line.len - 1);
	}
}

/* ---- composing ---- */

static slice take_value(slice *in)
{
	return fuzz_copy(slice_cut(in, 0));
}

static void check_composed(slice text, const struct compose_message *m)
{
	static const char *const names[] = { "Date", "From", "To", "Cc", "Subject", "Message-ID",
	    "MIME-Version", "Content-Type", "Content-Transfer-Encoding" };
	struct header_field field;
	slice rest = text;
	size_t at = 0;

	check_lines(text, true);
	while (header_next(&rest, true, &field) == HEADER_FIELD) {
		while (at < 9 && !slice_equal(field.name, slice_from(names[at])))
			at++;
		check(at++ < 9);
	}
	check(at == 9 || (m->n_files > 0 && at == 8));
	check(slice_ends(slice_head(text, text.len - rest.len), slice_lit("\r\n\r\n")));
	check((header_find(text, slice_lit("Subject")).ptr != NULL) == (m->subject.len > 0));
}

static bool has_fault(slice value)
{
	bool found = value.len > COMPOSE_VALUE_MAX || !utf8_valid(value);

	for (size_t i = 0; i < value.len; i++)
		found = found || (value.ptr[i] < ' ' && value.ptr[i] != '\t') ||
		    value.ptr[i] == 127;
	return found;
}

static void fuzz_compose(slice in, struct heap *heap, uint8_t choice)
{
	struct arena arena = arena_init(heap, MEMORY);
	struct address_list to = address_list_init(&arena, ITEMS);
	struct buffer out = buffer_init(heap, MEMORY);
	slice subject = take_value(&in), name = take_value(&in), list = take_value(&in);
	slice file_name = take_value(&in), text = take_value(&in), bytes = fuzz_copy(in);
	const struct compose_file file = { file_name, media_type_guess(file_name), bytes };
	struct compose_message m = { .unique = slice_lit("u"), .hostname = slice_lit("h"),
		.from = { name, choice & 2 ? slice_lit("\xc3\xa4@x") : slice_lit("a@x") },
		.subject = subject, .text = text, .files = &file, .n_files = choice & 1 };
	const char *where = NULL;

	if (address_list_add(&to, list, choice & 4 ? slice_lit("h") : (slice){ 0 }) ==
	    ADDRESS_LIST_OK) {
		m.to = m.cc = to.items;
		m.n_to = to.n;
		m.n_cc = choice & 8 ? to.n : 0;
	}
	if (compose_write(&m, &out, &where) == COMPOSE_OK) {
		check(!has_fault(subject) && !has_fault(name) && utf8_valid(text));
		check(m.n_files == 0 || !has_fault(file_name));
		check_composed(buffer_bytes(&out), &m);
	} else {
		check(where != NULL);
		for (size_t i = 0; i < m.n_to; i++)
			check(compose_judge_mailbox(&m.to[i]) == COMPOSE_OK || has_fault(m.to[i].name));
	}
	fuzz_free(subject);
	fuzz_free(name);
	fuzz_free(list);
	fuzz_free(file_name);
	fuzz_free(text);
	fuzz_free(bytes);
}

/* ---- handed over ---- */

static void check_handed(slice header)
{
	struct header_field field;
	slice rest = header;
	enum header_result result;

	while ((result = header_next(&rest, true, &field)) == HEADER_FIELD)
		check(!slice_equal_ascii(field.name, slice_lit("Bcc")));
	check(result == HEADER_END && rest.len == 0);
	check(header_find(header, slice_lit("From")).ptr != NULL);
	check(header_find(header, slice_lit("Date")).ptr != NULL);
	check(header_find(header, slice_lit("Message-ID")).ptr != NULL);
	check_lines(header, false);
}

/* In pieces, to CRLF. */
static void read_text(slice in, struct fuzz_chance *chance, bool dot_ends, struct buffer *out)
{
	struct handed_text t = { .dot_ends = dot_ends };

	while (in.len > 0) {
		size_t n = fuzz_piece(chance, in.len);
		slice piece = fuzz_copy(slice_head(in, n));

		check(handed_text_take(&t, piece, out));
		fuzz_free(piece);
		in = slice_drop(in, n);
	}
	check(handed_text_end(&t, out));
}

static void fuzz_handed(slice in, struct heap *heap, uint8_t choice)
{
	struct fuzz_chance chance = { choice };
	struct arena arena = arena_init(heap, MEMORY);
	struct address_list list = address_list_init(&arena, ITEMS);
	struct buffer whole = buffer_init(heap, MEMORY), text = buffer_init(heap, MEMORY);
	struct buffer out = buffer_init(heap, MEMORY);
	const struct handed_plan plan = { .recipients = choice & 1, .domain = slice_lit("h"),
		.sender = { slice_lit("A"), slice_lit("a@x") }, .unique = slice_lit("u"),
		.hostname = slice_lit("h") };
	struct handed_text t = { .dot_ends = choice & 2 };
	slice copy, body;

	read_text(in, &chance, choice & 2, &text);
	check(handed_text_take(&t, in, &whole) && handed_text_end(&t, &whole));
	check(slice_equal(buffer_bytes(&whole), buffer_bytes(&text)));
	copy = fuzz_copy(buffer_bytes(&text));
	switch (handed_header(copy, &plan, &list, &out, &body)) {
	case HANDED_OK:
		check_handed(buffer_bytes(&out));
		check(slice_ends(copy, body));
		break;
	case HANDED_NO_FIELD:
	case HANDED_BAD:
	case HANDED_MANY:
		check(plan.recipients);
		break;
	case HANDED_LONG:
		check(0);
	}
	for (size_t i = 0; i < list.n; i++)
		check(compose_judge_mailbox(&list.items[i]) != COMPOSE_ADDRESS);
	fuzz_free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct heap *heap = heap_create(SIZE_MAX);
	slice in = slice_of(data + 1, len > 0 ? len - 1 : 0);

	/* So that all of it, and a domain for each word, has room. */
	if (len > 0 && len < MEMORY / 16)
		(data[0] & 128 ? fuzz_handed : fuzz_compose)(in, heap, data[0] & 127);
	heap_drop(heap);
	return 0;
}
