/* mail/header_fuzz.c - any bytes as a header and as a submission. The first
 * octet says where the input is cut. */
#include <string.h>

#include "base/check.h"
#include "mail/header.h"
#include "mail/submit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Fields lie one behind the other; what a beginning tells stays true. */
static void fuzz_scan(slice in, size_t cut)
{
	slice whole = in, part = slice_head(in, cut);
	struct header_field a, b;
	enum header_result ra, rb;

	for (;;) {
		const unsigned char *at = whole.ptr;

		ra = header_next(&whole, true, &a);
		rb = header_next(&part, false, &b);
		if (rb == HEADER_MORE)
			return;
		check(ra == rb && whole.ptr == part.ptr);
		if (ra != HEADER_FIELD)
			return;
		check(a.whole.ptr == at && a.whole.ptr + a.whole.len == whole.ptr);
		check(slice_equal(a.whole, b.whole) && slice_equal(a.value, b.value));
		check(a.name.len > 0 && a.name.len + a.value.len < a.whole.len);
	}
}

static void fuzz_submit(slice in, struct heap *heap)
{
	struct arena arena = arena_init(heap, SUBMIT_ARENA_MAX);
	struct submission s, again;
	unsigned char *copy;
	size_t len;

	if (submit_read(in, true, &arena, &s) != SUBMIT_OK)
		return;
	check(s.header_len <= in.len);
	copy = heap_alloc(heap, in.len + 1);
	memcpy(copy, in.ptr, in.len);
	len = submit_cut(&s, copy, in.len);
	arena_reset(&arena);
	/* Without its Bcc it is the same submission, and has no more of them. */
	check(submit_read(slice_of(copy, len), true, &arena, &again) == SUBMIT_OK);
	check(again.n_cuts == 0 && again.n_authors == s.n_authors);
	check(in.len - len == s.header_len - again.header_len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct heap *heap = heap_create(64 << 20);
	struct arena arena = arena_init(heap, 1 << 20);
	slice in;

	if (len > 0) {
		in = slice_drop(slice_of(data, len), 1);
		fuzz_scan(in, in.len * data[0] / 256);
		fuzz_submit(in, heap);
		header_unfold(&arena, in);
	}
	heap_drop(heap);
	return 0;
}
