/* api/tags_test.c - names cleaned, and sets of them. */
#include "api/tags.h"

#include "api/sample_test.h"
#include "base/limits.h"
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

/* Which fields and recipients give tags; a header of more fields than are found at once. */
static const struct {
	const char *header, *recipient, *tags;
} received[] = {
	{ "To: a@x\r\n", "b@x", "" },
	{ "To: a+One+two@x, c+one@x\r\n", "", "One two" },
	{ "From: F <f+f@x>\r\nCc: c+c@x\r\nBcc: b+b@x\r\nReply-To: r+r@x\r\n", "", "b c f" },
	{ "To: a@x\r\n", "b+r@x", "r" },
	{ "To: A+r@x\r\n", "a+R@x", "r" },
	{ "X-Tags: q, +p\r\nSubject: a+b\r\n", "", "p q" },
	{ "To: \"a+b\" <a@x>\r\n", "", "" },
};

static void test_received(void **state)
{
	for (size_t i = 0; i < 2 * (sizeof received / sizeof *received); i++) {
		slice recipient = slice_from(received[i / 2].recipient);
		struct api_facts facts = { .recipients = &recipient, .n_recipients = recipient.len > 0 };
		struct heap *heap = heap_create(SIZE_MAX);
		struct arena arena = arena_init(heap, 100000);
		struct buffer text = buffer_init(heap, 100000), have = buffer_init(heap, 1000);
		struct sample_world w;
		struct api_tags tags;

		for (int n = 0; n < (i % 2 ? 0 : API_FIELDS_FOUND + 3); n++)
			buffer_printf(&text, "X-%d: %d\r\n", n, n);
		buffer_printf(&text, "%s\r\nbody", received[i / 2].header);
		w = sample_world(buffer_bytes(&text));
		tags = api_tags_received(&w.mail, &facts, &arena);
		for (size_t k = 0; k < tags.n; k++)
			buffer_printf(&have, "%s%.*s", k > 0 ? " " : "", slice_arg(tags.names[k]));
		assert_slice(buffer_bytes(&have), slice_from(received[i / 2].tags));
		sample_end(&w);
		heap_drop(heap);
	}
}

UNIT_TESTS(cmocka_unit_test(test_clean), cmocka_unit_test(test_sets),
    cmocka_unit_test(test_received))
