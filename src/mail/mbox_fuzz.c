/* mail/mbox_fuzz.c - any bytes as an mbox. The first octet says how it is cut.
 *
 * For: mail/mbox.c mail/mbox_from.c mail/mbox_line.c mail/mbox_write.c
 *
 * Holds: however it is cut, the same messages come out, in lines; a message that is written
 * is read again as it was, alone in its file, with its flags. */
#include "fuzz.h"

#include "base/arena.h"
#include "mail/mbox.h"

enum { MESSAGES_MAX = 1000 };

struct one {
	slice text, keywords;
	unsigned flags;
};

static bool is_old(slice keywords)
{
	return keywords.len > 0;
}

static size_t read_all(slice in, size_t step, struct arena *arena, struct one *ones)
{
	struct buffer out = buffer_init(arena->heap, SIZE_MAX / 2);
	struct mbox_reader r = { 0 };
	size_t at = 0, have = 0, n = 0;
	enum mbox_result result;

	do {
		slice part = fuzz_copy(slice_sub(in, at, have - at)), rest = part;

		result = mbox_read(&r, &rest, have == in.len, &out);
		at += part.len - rest.len;
		fuzz_free(part);
		check(r.keywords_len <= sizeof r.keywords && r.from_len <= sizeof r.from);
		if (result == MBOX_MESSAGE) {
			slice text = buffer_bytes(&out);

			check(n < MESSAGES_MAX && !r.too_long && r.size == text.len);
			check(text.len == 0 || slice_ends(text, slice_lit("\r\n")));
			ones[n++] = (struct one){ slice_copy(arena, text),
			    slice_copy(arena, slice_of(r.keywords, r.keywords_len)), r.flags };
			buffer_truncate(&out, 0);
		} else if (result == MBOX_MORE) {
			check(have < in.len);
			have = in.len - have > step ? have + step : in.len;
		}
	} while (result == MBOX_MORE || result == MBOX_MESSAGE);
	buffer_free(&out);
	return result == MBOX_NOT ? SIZE_MAX : n;
}

/* Its header ends, so that the writer's fields have their place. */
static bool has_end(slice text)
{
	return slice_starts(text, slice_lit("\r\n")) ||
	    slice_find(text, slice_lit("\r\n\r\n")) < text.len;
}

static void write_again(const struct one *one, struct arena *arena)
{
	struct buffer out = buffer_init(arena->heap, SIZE_MAX / 2);
	struct mbox_writer w = { .flags = one->flags, .keywords = one->keywords };
	struct one *back = arena_new(arena, struct one, MESSAGES_MAX);
	slice in = one->text;

	mbox_from_write(&out, slice_lit("a@b"), 1);
	mbox_write(&w, &in, true, &out);
	check(in.len == 0);
	check(read_all(buffer_bytes(&out), SIZE_MAX, arena, back) == 1);
	check((back->flags | MBOX_OLD) == (one->flags | MBOX_OLD));
	check(is_old(one->keywords) == is_old(back->keywords));
	check(slice_equal(back->text, one->text));
	buffer_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct arena arena = arena_init(heap, SIZE_MAX / 2);
	struct one *a = arena_new(&arena, struct one, MESSAGES_MAX);
	struct one *b = arena_new(&arena, struct one, MESSAGES_MAX);
	slice in = slice_of(data, size);
	size_t step, n;

	if (size > 1 && size < 4000) {
		step = 1 + data[0] % 40;
		in = slice_drop(in, 1);
		n = read_all(in, SIZE_MAX, &arena, a);
		check(read_all(in, step, &arena, b) == n);
		for (size_t i = 0; n != SIZE_MAX && i < n; i++) {
			check(slice_equal(a[i].text, b[i].text) && a[i].flags == b[i].flags);
			check(slice_equal(a[i].keywords, b[i].keywords));
			if (has_end(a[i].text))
				write_again(&a[i], &arena);
		}
	}
	heap_drop(heap);
	return 0;
}
