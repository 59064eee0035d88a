/* imap/imap_words_fuzz.c - any bytes as a set, as a mailbox's name, as a pattern and as a date. The
 * first octet says where the pattern ends, and how much room there is.
 *
 * For: imap/sequence.c imap/mailbox.c imap/time.c
 *
 * Holds: a set is ascending, with gaps, and is read again as it is written; modified UTF-7
 * has one way to be written; a name fits itself; a pattern fits as the book says (by a table);
 * a time is read as it is printed. */
#include "fuzz.h"

#include "base/limits.h"
#include "imap/mailbox.h"
#include "imap/sequence.h"
#include "imap/time.h"
#include "mail/utf8.h"

static void check_set(slice in, uint32_t star, struct heap *heap)
{
	struct arena arena = arena_init(heap, 64 << 20);
	struct buffer out = buffer_init(heap, 1 << 20);
	struct imap_set_writer w = { .out = &out };
	struct imap_set set, again;

	if (imap_set_read(in, star, &arena, &set) == IMAP_SET_OK) {
		for (size_t i = 0; i < set.n; i++) {
			check(set.ranges[i].first > 0 && set.ranges[i].first <= set.ranges[i].last);
			check(i == 0 || set.ranges[i - 1].last + 1 < set.ranges[i].first);
			imap_set_add(&w, set.ranges[i].first, set.ranges[i].last);
		}
		check(imap_set_finish(&w));
		if (set.n > 0) {
			check(imap_set_read(buffer_bytes(&out), star, &arena, &again) == IMAP_SET_OK);
			check(again.n == set.n &&
			    memcmp(again.ranges, set.ranges, set.n * sizeof *set.ranges) == 0);
		}
	}
	buffer_free(&out);
	arena_reset(&arena);
}

static void check_name(slice in, size_t room, struct heap *heap)
{
	struct buffer name = buffer_init(heap, room), back = buffer_init(heap, 8 * in.len + 8);

	if (imap_utf7_read(in, &name)) {
		check(utf8_valid(buffer_bytes(&name)));
		check(imap_utf7_write(buffer_bytes(&name), &back));
		check(slice_equal(buffer_bytes(&back), in));
	} else {
		check(buffer_bytes(&name).len == 0);
	}
	buffer_truncate(&back, 0);
	if (utf8_valid(in) && imap_name_judge(in) == IMAP_NAME_OK) {
		check(imap_utf7_write(in, &back));
		buffer_free(&name);
		name = buffer_init(heap, in.len);
		check(imap_utf7_read(buffer_bytes(&back), &name));
		check(slice_equal(buffer_bytes(&name), in));
	}
	buffer_free(&name);
	buffer_free(&back);
}

/* fits[i][p]: the name from i on fits the pattern from p on. */
static bool fits(slice name, slice pattern)
{
	static bool table[65][65];

	for (size_t i = name.len + 1; i-- > 0;) {
		for (size_t p = pattern.len + 1; p-- > 0;) {
			unsigned char c = p < pattern.len ? pattern.ptr[p] : 0;
			bool more = i < name.len;

			if (p == pattern.len)
				table[i][p] = !more;
			else if (c == '*' || c == '%')
				table[i][p] = table[i][p + 1] || (more && (c == '*' ||
				    name.ptr[i] != IMAP_DELIMITER) && table[i + 1][p]);
			else
				table[i][p] = more && c == name.ptr[i] && table[i + 1][p + 1];
		}
	}
	return table[0][0];
}

static void check_pattern(slice in, size_t at)
{
	slice pattern = slice_head(in, at < in.len ? at : in.len), name = slice_drop(in, pattern.len);

	if (pattern.len > 64)
		pattern.len = 64;
	if (name.len > 64)
		name.len = 64;
	if (!imap_name_in_inbox(name))
		check(imap_name_fits(name, pattern) == fits(name, pattern));
	check(imap_name_fits(in, slice_lit("*")));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct heap *heap = heap_create(256 << 20);
	char text[IMAP_TIME_TEXT];
	int64_t seconds, again;
	slice in;

	if (size > 0) {
		in = slice_of(data + 1, size - 1);
		check_set(in, data[0], heap);
		check_name(in, data[0], heap);
		check_pattern(in, data[0] % 32);
		(void)!imap_date_read(in, &again);
		if (imap_time_read(in, &seconds)) {
			imap_time_print(seconds, text);
			if (seconds > -62135596800 && seconds < 253402300800)
				check(imap_time_read(slice_from(text), &again) && again == seconds);
		}
	}
	heap_drop(heap);
	return 0;
}
