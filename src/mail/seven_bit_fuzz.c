/* mail/seven_bit_fuzz.c - any bytes as a message that is converted to 7 bits, in
 * pieces and with the room that chance gives.
 *
 * For: mail/seven_bit.c mail/content_type.c mail/transfer.c
 *
 * Holds: what is read and written does not depend on the pieces; what was converted is
 * ASCII, its lines end with CRLF and are no longer than they were or than 998, and a
 * second time nothing is to be done; only what has 8 bits is converted or refused, and
 * what is refused has a reason. A message of which no two passes are the same comes
 * out as ASCII, too. */
#include "fuzz.h"

#include "mail/seven_bit.h"

enum { OUT_MAX = 64 << 20 };

static void scan(struct seven_bit *s, slice in, struct fuzz_chance *chance)
{
	while (in.len > 0) {
		size_t n = chance ? fuzz_piece(chance, in.len) : in.len;
		slice part = fuzz_copy(slice_head(in, n));

		seven_bit_scan(s, part);
		fuzz_free(part);
		in = slice_drop(in, n);
	}
}

static bool convert(struct seven_bit *s, slice in, struct fuzz_chance *chance,
    struct heap *heap, struct buffer *all)
{
	struct buffer out = buffer_init(heap, SEVEN_BIT_ROOM + (chance ? fuzz_below(chance, 3000) : 0));
	bool same;

	while (in.len > 0) {
		size_t n = chance ? fuzz_piece(chance, in.len) : in.len;
		slice part = fuzz_copy(slice_head(in, n));
		size_t taken = seven_bit_convert(s, part, &out);

		fuzz_free(part);
		check(taken == n || buffer_bytes(&out).len > 0);
		buffer_add(all, buffer_bytes(&out));
		buffer_consume(&out, buffer_bytes(&out).len);
		in = slice_drop(in, taken);
	}
	same = seven_bit_convert_end(s, &out);
	buffer_add(all, buffer_bytes(&out));
	buffer_free(&out);
	return same;
}

static size_t longest(slice text)
{
	size_t most = 0, n = 0;

	for (size_t i = 0; i < text.len; i++) {
		n = text.ptr[i] == '\r' || text.ptr[i] == '\n' ? 0 : n + 1;
		most = n > most ? n : most;
	}
	return most;
}

static void check_text(slice text, slice in, struct heap *heap)
{
	struct seven_bit *s = seven_bit_create(heap);
	const char *why;
	size_t most = longest(in);

	check(slice_is_ascii(text));
	check(longest(text) <= (most > LINE_MAX_OCTETS ? most : LINE_MAX_OCTETS));
	for (size_t i = 0; i < text.len; i++)
		check((text.ptr[i] == '\r') == (i + 1 < text.len && text.ptr[i + 1] == '\n'));
	seven_bit_scan(s, text);
	check(seven_bit_judge(s, &why) == SEVEN_BIT_NOTHING);
	seven_bit_destroy(s);
}

static void fuzz_message(slice in, struct fuzz_chance *chance, struct heap *heap)
{
	struct seven_bit *a = seven_bit_create(heap), *b = seven_bit_create(heap);
	struct buffer whole = buffer_init(heap, OUT_MAX), pieces = buffer_init(heap, OUT_MAX);
	const char *why = NULL, *again = NULL;
	enum seven_bit_result result;

	scan(a, in, NULL);
	scan(b, in, chance);
	result = seven_bit_judge(a, &why);
	check(result == seven_bit_judge(b, &again) && why == again);
	check((result == SEVEN_BIT_NOTHING) == slice_is_ascii(in));
	check((result == SEVEN_BIT_CANNOT) == (why != NULL));
	if (result == SEVEN_BIT_CONVERTIBLE) {
		check(convert(a, in, NULL, heap, &whole) && convert(b, in, chance, heap, &pieces));
		check(slice_equal(buffer_bytes(&whole), buffer_bytes(&pieces)));
		check_text(buffer_bytes(&whole), in, heap);
	}
	seven_bit_destroy(a);
	seven_bit_destroy(b);
}

/* Scanned to the middle only. */
static void fuzz_another(slice in, struct fuzz_chance *chance, struct heap *heap)
{
	struct seven_bit *s = seven_bit_create(heap);
	struct buffer out = buffer_init(heap, OUT_MAX);
	const char *why;

	scan(s, slice_head(in, in.len / 2), chance);
	if (seven_bit_judge(s, &why) != SEVEN_BIT_CANNOT) {
		(void)convert(s, in, chance, heap, &out);
		check(slice_is_ascii(buffer_bytes(&out)));
	}
	seven_bit_destroy(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct fuzz_chance chance = { len > 0 ? data[0] : 0 };
	struct heap *heap = heap_create(512 << 20);

	if (len > 0) {
		slice in = slice_of(data + 1, len - 1);

		fuzz_message(in, &chance, heap);
		fuzz_another(in, &chance, heap);
	}
	heap_drop(heap);
	return 0;
}
