/* mail/encoding_fuzz.c - the small parsers of mail and base, chosen by the first
 * byte. The second says how input is cut.
 *
 * For: mail/base64.c mail/dots.c mail/date.c mail/utf8.c mail/received.c mail/cfws.c base/text.c
 *
 * Holds: what was encoded decodes to the same, and what decodes encodes to the same
 * text; dots that were stuffed, in any pieces, come back undone in any others, and
 * the text ends where it ended; a date that was read prints as one that reads the
 * same; a character of UTF-8 is what its bits say; a Received field is one field,
 * within its bound, whatever the names in it are; blanks are skipped to the same
 * place from wherever one begins among them. */
#include "fuzz.h"

#include "base/limits.h"
#include "base/text.h"
#include "mail/base64.h"
#include "mail/cfws.h"
#include "mail/date.h"
#include "mail/dots.h"
#include "mail/header.h"
#include "mail/received.h"
#include "mail/utf8.h"

static void fuzz_base64(slice in, struct heap *heap, uint8_t choice)
{
	struct buffer text = buffer_init(heap, SIZE_MAX / 2);
	size_t size = in.len + 1, n = 0;
	unsigned char *bytes = malloc(size);

	if (base64_decode(in, bytes, in.len, &n) == BASE64_OK) {
		base64_encode(slice_of(bytes, n), &text);
		check(slice_equal(buffer_bytes(&text), in));
		/* The room is what decides, to the byte. */
		check(base64_decode(in, bytes, n, &n) == BASE64_OK);
		check(n == 0 || base64_decode(in, bytes, n - 1, &n) == BASE64_LONG);
	}
	buffer_free(&text);
	base64_encode(in, &text);
	check(buffer_bytes(&text).len == base64_length(in.len));
	check(base64_decode(buffer_bytes(&text), bytes, in.len, &n) == BASE64_OK);
	check(slice_equal(slice_of(bytes, n), in));
	free(bytes);
}

/* `text` in pieces through a reader; returns what comes behind its end. */
static slice unstuff(slice text, struct fuzz_chance *chance, struct buffer *out, bool *ret_ended)
{
	struct dots_reader r = { 0 };
	slice part;

	*ret_ended = false;
	while (text.len > 0 && !*ret_ended) {
		size_t n = fuzz_piece(chance, text.len);
		slice piece = fuzz_copy(slice_head(text, n)), in = piece;
		enum dots_result result;

		while ((result = dots_read(&r, &in, &part)) == DOTS_PART) {
			check(part.len > 0);
			buffer_add(out, part);
		}
		*ret_ended = result == DOTS_END;
		check(*ret_ended || in.len == 0);
		text = slice_drop(text, n - in.len);
		fuzz_free(piece);
	}
	return text;
}

static void fuzz_dots(slice in, struct heap *heap, uint8_t choice)
{
	struct fuzz_chance chance = { choice };
	struct dots_writer w = { .mend = choice & 1 };
	struct buffer stuffed = buffer_init(heap, SIZE_MAX / 2);
	struct buffer out = buffer_init(heap, SIZE_MAX / 2), again = out;
	slice text;
	bool ended;

	for (slice rest = in; rest.len > 0;) {
		slice piece = slice_head(rest, fuzz_piece(&chance, rest.len));

		dots_write(&w, piece, &stuffed);
		rest = slice_drop(rest, piece.len);
	}
	dots_write_end(&w, &stuffed);
	buffer_add(&stuffed, slice_lit("next"));
	check(slice_equal(unstuff(buffer_bytes(&stuffed), &chance, &out, &ended), slice_lit("next")));
	text = buffer_bytes(&out);
	check(ended);
	if (w.mend) {
		for (size_t i = 0; i < text.len; i++)
			check((text.ptr[i] == '\r') == (i + 1 < text.len && text.ptr[i + 1] == '\n'));
	} else {
		check(slice_starts(text, in));
		text = slice_drop(text, in.len);
		check(text.len == 0 || slice_ends(slice_lit("\r\n"), text));
	}
	/* Any bytes: cut one way and the other. */
	buffer_truncate(&out, 0);
	text = unstuff(in, &chance, &out, &ended);
	check(unstuff(in, &chance, &again, &ended).len == text.len);
	check(slice_equal(buffer_bytes(&out), buffer_bytes(&again)));
}

static void fuzz_date(slice in, struct heap *heap, uint8_t choice)
{
	const int64_t from = -2208988800, to = 253402300800;    /* 1900 to 9999 */
	struct date date, again;
	char text[DATE_TEXT];

	if (!date_parse(in, &date))
		return;
	check(date.zone_minutes >= -5999 && date.zone_minutes <= 5999);        /* 99:59 */
	if (date.seconds < from || date.seconds >= to)
		return;
	check(date_print(date.seconds * 1000000, text) == strlen(text));
	check(date_parse(slice_from(text), &again));
	check(again.seconds == date.seconds && again.zone_minutes == 0);
}

/* By the bits: RFC 3629 s3. */
static size_t utf8_by_the_book(slice s)
{
	static const uint32_t least[5] = { 0, 0, 0x80, 0x800, 0x10000 };
	uint32_t c;
	size_t n;

	if (s.len == 0)
		return 0;
	c = s.ptr[0];
	n = c < 0x80 ? 1 : (c & 0xe0) == 0xc0 ? 2 : (c & 0xf0) == 0xe0 ? 3 :
	    (c & 0xf8) == 0xf0 ? 4 : 0;
	if (n <= 1 || n > s.len)
		return n <= 1 ? n : 0;
	c &= 0x7fu >> n;
	for (size_t i = 1; i < n; i++) {
		if ((s.ptr[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s.ptr[i] & 0x3f);
	}
	return c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff) ? 0 : n;
}

static void fuzz_utf8(slice in, struct heap *heap, uint8_t choice)
{
	char printable[64];
	bool valid = true;

	for (slice rest = in; rest.len > 0 && valid;) {
		size_t n = utf8_length(rest);

		check(n == utf8_by_the_book(rest));
		valid = n > 0;
		rest = slice_drop(rest, n);
	}
	check(valid == utf8_valid(in));
	text_printable(in, printable, 8 + choice % 56);
	for (size_t i = 0; printable[i] != 0; i++)
		check(printable[i] >= ' ' && printable[i] <= '~');
}

static void fuzz_numbers(slice in, struct heap *heap, uint8_t choice)
{
	uint64_t value, again;
	char text[14];

	if (text_to_u64(in, &value)) {
		size_t n = text_from_u64(value, text);

		check(n <= 13 && text_to_u64(slice_of(text, n), &again) && again == value);
	}
	check(text_distance(in, slice_lit("hostname"), 3) <= 3);
	check(text_distance(in, in, 3) == (in.len > 64 ? 3 : 0));
}

static void fuzz_cfws(slice in, struct heap *heap, uint8_t choice)
{
	slice rest = in, again;

	if (!cfws_skip(&rest)) {
		check(rest.ptr == in.ptr && rest.len == in.len);
		return;
	}
	check(rest.ptr + rest.len == in.ptr + in.len);
	again = rest;
	check(cfws_skip(&again) && again.ptr == rest.ptr);
}

static void fuzz_received(slice in, struct heap *heap, uint8_t choice)
{
	struct buffer out = buffer_init(heap, RECEIVED_MAX);
	slice words[3], all;
	struct header_field field;

	/* As an engine lets them through: a name of 255, addresses of 254. */
	for (size_t i = 0; i < 3; i++) {
		words[i] = slice_cut(&in, '\n');
		words[i] = slice_head(words[i], words[i].len < 254 ? words[i].len : 254);
	}
	if (!utf8_valid(words[1]) || slice_find_byte(words[1], 0) < words[1].len ||
	    slice_find_byte(words[1], '\r') < words[1].len)
		return;
	received_write(&(struct received){ .helo = words[0], .extended = choice & 1,
	    .utf8 = choice & 2, .tls = choice & 4, .auth = choice & 8,
	    .peer_ip = slice_lit("2001:db8::1"), .by = slice_lit("mx.example"),
	    .tls_version = choice & 4 ? slice_lit("TLSv1.3") : (slice){ 0 },
	    .tls_cipher = choice & 4 ? slice_lit("TLS_AES_256_GCM_SHA384") : (slice){ 0 },
	    .id = slice_lit("3.7zk2m9q4w8x1c.2f"), .recipient = words[1],
	    .wall_us = 1700000000000000 }, &out);
	all = buffer_bytes(&out);
	check(header_next(&all, true, &field) == HEADER_FIELD && all.len == 0);
	check(slice_equal(field.name, slice_lit("Received")));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static void (*const parsers[])(slice in, struct heap *heap, uint8_t choice) = {
		fuzz_base64, fuzz_dots, fuzz_date, fuzz_utf8, fuzz_numbers, fuzz_cfws, fuzz_received,
	};
	struct heap *heap;
	slice in;

	if (len < 2)
		return 0;
	heap = heap_create(64 << 20);
	in = fuzz_copy(slice_of(data + 2, len - 2));
	parsers[data[0] % (sizeof parsers / sizeof parsers[0])](in, heap, data[1]);
	fuzz_free(in);
	heap_drop(heap);
	return 0;
}
