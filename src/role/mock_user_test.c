/* role/mock_user_test.c - any login, there and back. */
#include "role/mock_user.h"

#include <string.h>

#include "base/limits.h"
#include "unit.h"

static void test_there_and_back(void **state)
{
	static const struct {
		slice login;
		const char *line;
	} cases[] = {
		{ slice_lit("bob"), "bob" },
		{ slice_lit("Bob@There.example"), "Bob@There.example" },
		{ slice_lit("a b%20"), "a%20b%2520" },
		{ slice_lit("\xc3\xbc\r\nX: y\xff"), "%C3%BC%0D%0AX:%20y%FF" },
		{ slice_lit(" "), "%20" },
	};
	struct heap *heap = heap_create(SIZE_MAX);
	struct arena arena = arena_init(heap, 64 * 1024);

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct buffer out = buffer_init(heap, MOCK_USER_MAX);
		slice value;

		mock_user_write(cases[i].login, &out);
		value = buffer_bytes(&out);
		assert_true(slice_starts(value, slice_lit(MOCK_USER_FIELD)) &&
		    slice_ends(value, slice_lit("\r\n")));
		value = slice_drop(value, strlen(MOCK_USER_FIELD));
		value = slice_head(value, value.len - 2);
		assert_slice(value, slice_from(cases[i].line));
		assert_slice(mock_user_read(value, &arena), cases[i].login);
		buffer_free(&out);
	}
	/* What no edge wrote. */
	assert_slice(mock_user_read(slice_lit("%"), &arena), slice_lit("%"));
	assert_slice(mock_user_read(slice_lit("%4"), &arena), slice_lit("%4"));
	assert_slice(mock_user_read(slice_lit("%4x%41"), &arena), slice_lit("%4xA"));
	assert_int_equal(mock_user_read((slice){ 0 }, &arena).len, 0);
	arena_reset(&arena);
	heap_drop(heap);
}

static void test_longest(void **state)
{
	unsigned char login[SASL_LOGIN_MAX];
	struct heap *heap = heap_create(SIZE_MAX);
	struct buffer out = buffer_init(heap, MOCK_USER_MAX);

	memset(login, 0, sizeof login);
	mock_user_write(slice_of(login, sizeof login), &out);
	assert_int_equal(buffer_bytes(&out).len, strlen(MOCK_USER_FIELD) + 3 * sizeof login + 2);
	buffer_free(&out);
	heap_drop(heap);
}

UNIT_TESTS(cmocka_unit_test(test_there_and_back), cmocka_unit_test(test_longest))
