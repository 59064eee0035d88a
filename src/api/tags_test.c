/* api/tags_test.c - names cleaned, and sets of them. */
#include "api/tags.h"

#include "unit.h"

#define TEN "1234567890"
#define HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN

static const struct {
	const char *text, *clean;       /* clean NULL: no name */
} names[] = {
	{ "a", "a" }, { " a ", "a" }, { "A b-c_d.e@f", "A b-c_d.e@f" }, { "a/\t(b)", "a b" },
	{ "\xC3\xA9x", "x" }, { "", NULL }, { " \xC3\xA9", NULL }, { HUNDRED, HUNDRED },
	{ HUNDRED "1", NULL }, { HUNDRED " ", HUNDRED },
};

static void test_clean(void **state)
{
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		slice text = guarded_copy(slice_from(names[i].text)), clean;
		unsigned char room[API_TAG_MAX];

		assert_int_equal(api_tag_clean(text, room, &clean), names[i].clean != NULL);
		if (names[i].clean != NULL)
			assert_slice(clean, slice_from(names[i].clean));
		guarded_free(text);
	}
}

/* Sorted without case; the first spelling stays. */
static void test_sets(void **state)
{
	static const char *const sorted[] = { "a", "B", "c", "ca", "D" };
	struct heap *heap = heap_create(SIZE_MAX);
	struct arena arena = arena_init(heap, 100000);
	struct api_tags tags = { 0 };

	api_tags_add_list(&tags, slice_lit("D,c,B,,a, A ,b,ca,d,\xC3\xA9"), &arena);
	assert_int_equal(tags.n, 5);
	for (size_t i = 0; i < 5; i++)
		assert_slice(tags.names[i], slice_from(sorted[i]));
	assert_true(api_tags_has(&tags, slice_lit("CA")));
	assert_false(api_tags_has(&tags, slice_lit("cab")));
	for (unsigned i = 0; i < 2 * API_TAGS_MAX; i++)
		api_tags_add(&tags, arena_printf(&arena, "t%u", i), &arena);
	assert_int_equal(tags.n, API_TAGS_MAX);
	arena_reset(&arena);
	heap_drop(heap);
}

UNIT_TESTS(cmocka_unit_test(test_clean), cmocka_unit_test(test_sets))
