/* account/account_tags_test.c - files of tags: what is written is read, and nothing else. */
#include "account/tags.h"

#include "base/limits.h"
#include "unit.h"

enum { ACCOUNT = 7 };

static struct buffer make(struct heap *heap, const struct tagged *rows, size_t n)
{
	struct buffer file = buffer_init(heap, TAGS_FILE_MAX);

	tags_write(ACCOUNT, rows, n, &file);
	return file;
}

/* How many rows; -1: it is not whole. */
static int read_all(slice file, uint64_t account, struct tagged *rows)
{
	struct bytes in;
	uint32_t n;

	if (!tags_read_begin(file, account, &in, &n))
		return -1;
	for (uint32_t i = 0; i < n; i++) {
		if (!tags_read_next(&in, &rows[i]))
			return -1;
	}
	return bytes_end(&in) ? (int)n : -1;
}

static void there_and_back(void **state)
{
	const struct tagged rows[] = {
		{ 3, { 1, 2, 3 }, slice_lit("\1a\3b c") },
		{ UINT32_MAX, { 9, 8, UINT64_MAX }, { 0 } },
	};
	struct heap *heap = heap_create(SIZE_MAX);
	struct buffer file = make(heap, rows, 2);
	struct tagged got[2];
	slice names, name;

	assert_int_equal(read_all(buffer_bytes(&file), ACCOUNT, got), 2);
	assert_int_equal(got[0].uid, 3);
	assert_true(message_id_equal(got[0].id, rows[0].id));
	names = got[0].names;
	assert_true(tag_names_next(&names, &name) && slice_equal(name, slice_lit("a")));
	assert_true(tag_names_next(&names, &name) && slice_equal(name, slice_lit("b c")));
	assert_false(tag_names_next(&names, &name));
	assert_int_equal(got[1].uid, UINT32_MAX);
	assert_int_equal(got[1].names.len, 0);
	assert_int_equal(read_all(buffer_bytes(&file), ACCOUNT + 1, got), -1);
	file = make(heap, NULL, 0);
	assert_int_equal(read_all(buffer_bytes(&file), ACCOUNT, got), 0);
	heap_drop(heap);
}

/* Any byte another, any end: it is not whole. */
static void damaged(void **state)
{
	const struct tagged row = { 3, { 1, 2, 3 }, slice_lit("\1a\3b c") };
	struct heap *heap = heap_create(SIZE_MAX);
	struct buffer file = make(heap, &row, 1);
	slice whole = buffer_bytes(&file);
	struct tagged got[2];

	for (size_t i = 0; i < whole.len; i++) {
		slice cut = guarded_copy(slice_head(whole, i));

		assert_int_equal(read_all(cut, ACCOUNT, got), -1);
		guarded_free(cut);
		file.ptr[file.start + i] ^= 0x10;
		assert_int_equal(read_all(whole, ACCOUNT, got), -1);
		file.ptr[file.start + i] ^= 0x10;
	}
	assert_int_equal(read_all(whole, ACCOUNT, got), 1);
	heap_drop(heap);
}

static void names(void **state)
{
	unsigned char many[TAG_NAMES_MAX + 2];

	assert_true(tag_names_ok((slice){ 0 }));
	assert_false(tag_names_ok(slice_lit("\0")));
	assert_false(tag_names_ok(slice_lit("\2a")));
	assert_false(tag_names_ok(slice_lit("\1a\2")));
	for (size_t i = 0; i < sizeof many; i++)
		many[i] = i % 2 == 0 ? 1 : 'x';
	assert_true(tag_names_ok(slice_of(many, (size_t)2 * API_TAGS_MAX)));
	assert_false(tag_names_ok(slice_of(many, 2 * (size_t)(API_TAGS_MAX + 1))));
	memset(many, API_TAG_MAX, sizeof many);
	assert_true(tag_names_ok(slice_of(many, TAG_NAMES_MAX)));
	many[0] = API_TAG_MAX + 1;
	assert_false(tag_names_ok(slice_of(many, API_TAG_MAX + 2)));
}

UNIT_TESTS(cmocka_unit_test(there_and_back), cmocka_unit_test(damaged), cmocka_unit_test(names))
