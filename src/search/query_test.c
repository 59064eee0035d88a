/* search/query_test.c - queries asked of one message, and the limits. */
#include "search/query.h"

#include <string.h>

#include "base/limits.h"
#include "search/fold.h"
#include "unit.h"

static const slice tags[] = { { (const unsigned char *)"one", 3 },
    { (const unsigned char *)"two words", 9 } };

static struct search_message message(void)
{
	return (struct search_message){
		.from = slice_lit("alice \xc3\xbcn\xc3\xaf alice@example.com"),
		.to = slice_lit("bob bob+taga@example.org carol@example.org"),
		.cc = slice_lit("dan@example.net"),
		.bcc = slice_lit("hidden@example.com"),
		.reply_to = slice_lit("r@example.com"),
		.subject = slice_lit("100% caf\xc3\xa9, two  words"),
		.message_id = slice_lit("4711@example.com"),
		.n_tags = 2, .tags = tags, .size = 1536,
		.received_us = 1795361400 * (int64_t)1000000,   /* 2026-11-22 15:30 UTC */
		.n_attachments = 2, .read = true,
	};
}

#define WORDS "the email body 7 x y caf\xc3\xa9"

static const struct {
	const char *query;
	bool matches;
} cases[] = {
	{ "", true }, { "   ", true }, { "\"\"", true }, { "-", true }, { "from:", true },
	{ "from:\"\"", true }, { "-from:\"\"", true }, { "subject:\" \"", true }, { "(", true },
	{ "body", true }, { "BODY email", true }, { "absent", false }, { "-absent", true },
	{ "!absent -body", false }, { "ema", true }, { "emailbody", false },
	{ "\"the email body 7 x y\"", true }, { "\"The email <body>; 7\"", true },
	{ "\"body the\"", false }, { "\"email body", true },    /* never closed */
	{ "CAF\xc3\x89", true },
	{ "from:alice", true }, { "FROM:Alice", true }, { "from:bob", false },
	{ "from:\xc3\x9cn\xc3\x8f", true }, { "-from:alice", false }, { "from:\"Alice \xc3\x9c\"", true },
	{ "to:taga", true }, { "to:dan", false }, { "cc:dan", true }, { "bcc:hidden", true },
	{ "reply-to:r@", true }, { "addressed:hidden", true }, { "addressed:r@ex", true },
	{ "addressed:4711", false }, { "message-id:4711", true }, { "message-id:0815", false },
	{ "subject:caf", true }, { "subject:CAF\xc3\x89", true }, { "subject:\"two  words\"", true },
	{ "subject:\"two words\"", false },     /* as it stands there */
	{ "subject:1%c", false }, { "subject:_00", false }, { "subject:100%", true },
	{ "tag:one", true }, { "tag:ONE", true }, { "tag:on", false }, { "tag:\"Two Words\"", true },
	{ "!tag:\"two words\"", false }, { "-tag:three", true },
	{ "is:read", true }, { "is:unread", false }, { "-is:unread", true }, { "is:tagged", true },
	{ "IS:READ", true }, { "is:odd", false },       /* words, and they are not there */
	{ "has:attachment", true }, { "has:attachments", true }, { "has:inline", false },
	{ "-has:inlines", true },
	{ "larger:1535", true }, { "larger:1536", false }, { "smaller:1537", true },
	{ "smaller:1536", false }, { "larger:1k", true }, { "larger:1.5k", false },
	{ "larger:1.49KB", true }, { "smaller:1.5M", true }, { "smaller:2mb", true },
	{ "smaller:1536.5", true }, { "larger:1536.5", false }, { "larger:1535.9", true },
	{ "larger:big", false }, { "larger:1.2.3", false }, { "larger:1gb", false },
	{ "larger:9999999999999", false }, { "larger:", false }, { "larger:.", false },
	{ "after:2026-11-22", true }, { "after:2026-11-23", false },
	{ "after:\"2026-11-22 15:30\"", true }, { "after:\"2026-11-22 15:31\"", false },
	{ "before:\"2026-11-22 15:30\"", true }, { "before:2026-11-22", false },
	{ "-before:2026-11-22", true }, { "after:nonsense", true }, { "-after:nonsense", true },
	{ "x:y", false }, { "from:alice to:bob -cc:eve body has:attachment", true },
	{ "from:alice to:bob -cc:dan", false },
};

static const struct when_zone utc, cet = { .rule.usual = 3600 };

static void test_match(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct search_message m = message();

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct arena arena = arena_init(heap, 64 * 1024);
		slice text = guarded_copy(slice_from(cases[i].query));
		struct search_query query;
		bool matches;

		assert_true(search_parse(text, &utc, &arena, &query));
		guarded_free(text);             /* all is the arena's */
		matches = search_matches(&query, &m) &&
		    search_matches_words(&query, slice_lit(WORDS));
		if (matches != cases[i].matches)
			fail_msg("%s: %d", cases[i].query, matches);
		arena_reset(&arena);
	}
	heap_drop(heap);
}

/* A message without any of it, not even an empty text. */
static void test_nothing(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct arena arena = arena_init(heap, 64 * 1024);
	struct search_message m = { 0 };
	struct search_query query;

	assert_true(search_parse(slice_lit("-from:a -subject:b -addressed:c -tag:d -e"), &utc, &arena, &query));
	assert_true(search_matches(&query, &m));
	assert_true(search_matches_words(&query, (slice){ 0 }));
	heap_drop(heap);
}

/* Only then are words read. */
static void test_wants_words(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct arena arena = arena_init(heap, 64 * 1024);
	struct search_query query;

	assert_true(search_parse(slice_lit("from:a is:read larger:1 ("), &utc, &arena, &query));
	assert_int_equal(query.n, 3);
	assert_false(query.words);
	assert_true(search_parse(slice_lit("from:a -b"), &utc, &arena, &query));
	assert_true(query.words);
	arena_reset(&arena);
	heap_drop(heap);
}

static void test_zone(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct arena arena = arena_init(heap, 64 * 1024);
	struct search_message m = message();
	struct search_query query;

	assert_true(search_parse(slice_lit("after:\"2026-11-22 16:30\""), &cet, &arena, &query));
	assert_true(search_matches(&query, &m));
	assert_true(search_parse(slice_lit("after:\"2026-11-22 16:30\""), &(struct when_zone){ .rule.usual = 3540 }, &arena, &query));
	assert_false(search_matches(&query, &m));
	arena_reset(&arena);
	heap_drop(heap);
}

static void test_limits(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct arena arena = arena_init(heap, 1024 * 1024);
	unsigned char text[SEARCH_QUERY_MAX + 1];
	struct search_query query;

	memset(text, 'a', sizeof text);
	assert_true(search_parse(slice_of(text, SEARCH_QUERY_MAX), &utc, &arena, &query));
	assert_int_equal(query.terms[0].text.len, SEARCH_QUERY_MAX);
	assert_false(search_parse(slice_of(text, SEARCH_QUERY_MAX + 1), &utc, &arena, &query));
	for (size_t i = 0; i < sizeof text; i++)
		text[i] = i % 2 ? ' ' : 'a';
	assert_true(search_parse(slice_of(text, 2 * SEARCH_TERMS_MAX), &utc, &arena, &query));
	assert_int_equal(query.n, SEARCH_TERMS_MAX);
	assert_false(search_parse(slice_of(text, 2 * SEARCH_TERMS_MAX + 1), &utc, &arena, &query));
	arena_reset(&arena);
	heap_drop(heap);
}

UNIT_TESTS(cmocka_unit_test(test_match), cmocka_unit_test(test_nothing),
    cmocka_unit_test(test_wants_words), cmocka_unit_test(test_zone), cmocka_unit_test(test_limits))
