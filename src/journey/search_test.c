/* journey/search_test.c - lines are read as they were written, damaged ones are none; a
 * message's events are found, in order, and no others; what its dialogue says. */
#include "unit.h"

#include <stdio.h>

#include "base/buffer.h"
#include "journey/dialogue.h"
#include "journey/event_words.h"
#include "journey/search.h"

enum { MEMORY = 1 << 20 };

struct rig {
	struct heap *heap;
	struct arena arena;
	struct buffer said;             /* "FOLDER kind;" of each event */
	bool followed;
};

static struct rig rig_make(void)
{
	struct rig r = { .heap = heap_create(SIZE_MAX) };

	r.arena = arena_init(r.heap, MEMORY);
	r.said = buffer_init(r.heap, MEMORY);
	return r;
}

static void rig_end(struct rig *r)
{
	arena_reset(&r->arena);
	heap_drop(r->heap);
}

/* ---- lines ---- */

static bool reads(struct rig *r, const char *line, struct event_view *event)
{
	return event_read(slice_from(line), &r->arena, event);
}

static void test_lines(void **state)
{
	static const char *const bad[] = { "", "{", "{}", "{\"t\":1", "{\"t\":1}x", "{\"t\":}", "{\"t\"}",
		"{\"t\":\"x}", "{\"t\":1,}", "{\"t\":1.5}", "{\"t\":-}", "{\"t\":true}", "{\"t\":[1]}",
		"{\"t\":{}}", "{t:1}", "{\"a\\\"\":1}", "{\"t\":\"\\x\"}", "{\"t\":\"\\u12g4\"}",
		"{\"t\":\"\\u12\"}", "{\"t\":99999999999999999999}", "[\"t\",1]", "{\"t\":\"\\", "{\"t\":\"\\\"}" };
	struct rig r = rig_make();
	struct event_view event;

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		if (reads(&r, bad[i], &event))
			fail_msg("%s is an event", bad[i]);
	}
	assert_true(reads(&r, "{\"t\":12,\"e\":\"sent\",\"n\":-3,\"w\":\"a\\\"\\\\\\n\\u0000\\u00fc\\u20ac"
	    "\\ud83d\xc3\xbc\\/\"}", &event));
	assert_int_equal(event_number_of(&event, "t"), 12);
	assert_int_equal(event_number_of(&event, "n"), -3);
	assert_true(event_is(&event, "sent"));
	assert_slice(event_text_of(&event, "w"), slice_of("a\"\\\n\0\xc3\xbc\xe2\x82\xac?\xc3\xbc/", 14));
	assert_int_equal(event_text_of(&event, "none").len, 0);
	assert_null(event_find(&event, "x"));
	rig_end(&r);
}

static void test_many_fields(void **state)
{
	struct rig r = rig_make();
	struct event_view event;

	buffer_printf(&r.said, "{\"f\":0");
	for (size_t i = 1; i < JOURNEY_FIELDS_MAX; i++)
		buffer_printf(&r.said, ",\"f\":%zu", i);
	assert_true(event_read(slice_copy(&r.arena, buffer_bytes(&r.said)), &r.arena, &event) == false);
	buffer_printf(&r.said, "}");
	assert_true(event_read(buffer_bytes(&r.said), &r.arena, &event));
	assert_int_equal(event.n, JOURNEY_FIELDS_MAX);
	buffer_truncate(&r.said, buffer_bytes(&r.said).len - 1);
	buffer_printf(&r.said, ",\"f\":1}");
	assert_false(event_read(buffer_bytes(&r.said), &r.arena, &event));
	rig_end(&r);
}

static void test_words(void **state)
{
	static const struct {
		const char *line, *words;
	} cases[] = {
		{ "{\"t\":1,\"e\":\"filed\",\"to\":\"a@b\",\"uid\":7,\"pack\":1,\"offset\":0}",
		  "the router handed it on: mailbox of a@b, UID 7, in pack 1 at byte 0" },
		{ "{\"t\":1,\"e\":\"recipient\",\"to\":\"\\u0000<\xc3\xbc\",\"verdict\":\"ok\",\"words\":\"\"}",
		  "who is <\\x00<\\xc3\\xbc>? The directory says: ok" },
		{ "{\"t\":1,\"e\":\"unheard\\n\"}", "unheard\\x0a" },
		{ "{\"t\":1}", "" },
	};
	struct rig r = rig_make();

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char words[JOURNEY_WORDS_MAX];
		struct event_view event;

		assert_true(reads(&r, cases[i].line, &event));
		event_words(&event, words);
		assert_string_equal(words, cases[i].words);
	}
	rig_end(&r);
}

static void test_dialogue(void **state)
{
	slice rest = slice_lit("0 S: 220 x\n12 C: (secret)\nC: QUIT\nwhat\n7 X: no\n99 S: (secret)\n"
	    "99999999999999999999 S: x\n5 C:");
	const struct dialogue_line expected[] = {
		{ 0, true, false, slice_lit("220 x") }, { 12, false, true, slice_lit("(secret)") },
		{ -1, false, false, slice_lit("QUIT") }, { 99, true, false, slice_lit("(secret)") },
	};
	struct dialogue_line line;

	for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
		assert_true(dialogue_next(&rest, &line));
		assert_int_equal(line.ms, expected[i].ms);
		assert_int_equal(line.server, expected[i].server);
		assert_int_equal(line.masked, expected[i].masked);
		assert_slice(line.text, expected[i].text);
	}
	assert_false(dialogue_next(&rest, &line));
}

/* ---- a message ---- */

/* Two hosts; the lines are in no order, and some are none. */
static const char *const bob[] = {
	"{\"t\":40,\"role\":\"store.0\",\"e\":\"durable\",\"account\":\"9\"}",
	"{\"t\":60,\"role\":\"store.0\",\"e\":\"durable\",\"account\":\"9\"}",
	"{\"t\":70,\"role\":\"store.0\",\"e\":\"durable\",\"account\":\"9\"}",
	"{\"t\":80,\"role\":\"store.0\",\"e\":\"read\",\"account\":\"9\",\"uid\":3}",
	"{\"t\":81,\"role\":\"store.0\",\"e\":\"read\",\"account\":\"9\",\"uid\":4}",
	"{\"t\":82,\"role\":\"store.0\",\"e\":\"read\",\"account\":\"8\",\"uid\":3}",
	"{\"t\":50,\"role\":\"router\",\"e\":\"filed\",\"id\":\"1.2.3\",\"account\":\"9\",\"uid\":3}",
	"{\"t\":10,\"role\":\"edge.0\",\"e\":\"connection\",\"s\":\"k\"}",
	"{\"t\":11,\"role\":\"edge.1\",\"e\":\"connection\",\"s\":\"k\"}",
	"{\"t\":12,\"role\":\"edge.0\",\"e\":\"recipient\",\"s\":\"k\",\"x\":\"1\",\"to\":\"a@b\"}",
	"{\"t\":13,\"role\":\"edge.0\",\"e\":\"recipient\",\"s\":\"k\",\"x\":\"2\",\"to\":\"c@b\"}",
	"{\"t\":20,\"role\":\"edge.0\",\"e\":\"accepted\",\"s\":\"k\",\"x\":\"1\",\"id\":\"1.2.3\",\"from\":\"b@b\"}",
	"{\"t\":21,\"role\":\"edge.0\",\"e\":\"recipient\",\"s\":\"k\",\"x\":\"2\",\"to\":\"d@b\"}",
	"{\"t\":22,\"role\":\"edge.0\",\"e\":\"login\",\"s\":\"k\"}",
	"{\"t\":29,\"role\":\"edge.0\",\"e\":\"departure\",\"s\":\"k\",\"name\":\"quit-missing\"}",
	"{\"t\":30,\"role\":\"edge.0\",\"e\":\"closed\",\"s\":\"k\"}",
	"{\"t\":55,\"role\":\"relay\",\"e\":\"sent\",\"id\":\"1.2.3\",\"words\":\"250 Ok: queued as 7.7.7\"}",
	"{\"t\":20,\"role\":\"edge.0\",\"id\":\"1.2.3\"", "id\":\"1.2.3\"", "",
};
static const char *const alice[] = {
	"{\"t\":52,\"role\":\"edge.0\",\"e\":\"accepted\",\"s\":\"z\",\"x\":\"9\",\"id\":\"7.7.7\",\"from\":\"b@b\"}",
	"{\"t\":51,\"role\":\"edge.0\",\"e\":\"connection\",\"s\":\"z\"}",
	"{\"t\":99,\"role\":\"edge.0\",\"e\":\"accepted\",\"s\":\"y\",\"x\":\"8\",\"id\":\"7.7.8\",\"from\":\"x@b\"}",
};

static void search(struct rig *r, const char *id, const char *more)
{
	struct journey_search *s = journey_search_open(r->heap, slice_from(id), 2);
	const struct journey_found *found;
	size_t folder, n;

	buffer_truncate(&r->said, 0);
	while (journey_search_next(s, &folder)) {
		const char *const *lines = folder == 0 ? bob : alice;

		n = folder == 0 ? sizeof bob / sizeof *bob : sizeof alice / sizeof *alice;
		for (size_t i = 0; i < n; i++)
			journey_search_line(s, slice_from(lines[i]));
		if (folder == 0)
			journey_search_line(s, slice_from(more));
	}
	found = journey_search_found(s, &n);
	for (size_t i = 0; i < n; i++)
		buffer_printf(&r->said, "%zu %.*s %lld;", found[i].folder,
		    slice_arg(event_text_of(&found[i].event, "e")), (long long)found[i].wall_us);
	r->followed = journey_search_followed(s);
	journey_search_close(s);
}

static void test_search(void **state)
{
	static const char all[] = "0 connection 10;0 recipient 12;0 accepted 20;0 departure 29;"
	    "0 closed 30;0 filed 50;1 connection 51;1 accepted 52;0 sent 55;0 durable 60;0 read 80;";
	struct rig r = rig_make();

	search(&r, "1.2.3", "");
	assert_slice(buffer_bytes(&r.said), slice_from(all));
	assert_false(r.followed);
	/* The session went on with another message. */
	search(&r, "1.2.3", "{\"t\":25,\"role\":\"edge.0\",\"e\":\"accepted\",\"s\":\"k\",\"x\":\"2\",\"id\":\"1.2.4\"}");
	assert_slice(buffer_bytes(&r.said), slice_from(all));
	assert_true(r.followed);
	/* Another host's alone; one that nobody knows; what is no id. */
	search(&r, "7.7.8", "");
	assert_slice(buffer_bytes(&r.said), slice_lit("1 accepted 99;"));
	search(&r, "1.2", "");
	assert_slice(buffer_bytes(&r.said), slice_lit(""));
	search(&r, "", "");
	assert_slice(buffer_bytes(&r.said), slice_lit(""));
	search(&r, "\",\"t\":1", "");
	assert_slice(buffer_bytes(&r.said), slice_lit(""));
	rig_end(&r);
}

static void search_from(struct rig *r, const char *id, const char *more)
{
	struct journey_search *s = journey_search_open(r->heap, slice_from(id), 2);
	const struct journey_found *found;
	size_t folder, n;

	buffer_truncate(&r->said, 0);
	while (journey_search_next(s, &folder)) {
		const char *const *lines = folder == 1 ? bob : alice;

		n = folder == 1 ? sizeof bob / sizeof *bob : sizeof alice / sizeof *alice;
		for (size_t i = 0; i < n; i++)
			journey_search_line(s, slice_from(lines[i]));
		if (folder == 1)
			journey_search_line(s, slice_from(more));
	}
	found = journey_search_found(s, &n);
	for (size_t i = 0; i < n; i++)
		buffer_printf(&r->said, "%zu %.*s;", found[i].folder,
		    slice_arg(event_text_of(&found[i].event, "e")));
	r->followed = journey_search_followed(s);
	journey_search_close(s);
}

/* Who asks Alice hears what Bob's host did; unless its words are about another message. */
static void test_back(void **state)
{
	struct rig r = rig_make();

	search_from(&r, "7.7.7", "");
	assert_slice(buffer_bytes(&r.said), slice_lit("1 connection;1 recipient;1 accepted;1 departure;"
	    "1 closed;1 filed;0 connection;0 accepted;1 sent;1 durable;1 read;"));
	search_from(&r, "7.7.7", "{\"t\":25,\"role\":\"edge.0\",\"e\":\"accepted\",\"s\":\"k\",\"x\":\"2\",\"id\":\"1.2.4\"}");
	assert_false(r.followed);
	search_from(&r, "7.7.8", "{\"t\":56,\"role\":\"relay\",\"e\":\"sent\",\"id\":\"1.2.3\",\"words\":\"queued as 7.7.8\"}");
	assert_slice(buffer_bytes(&r.said), slice_lit("0 accepted;"));
	search_from(&r, "7.7.8", "{\"t\":56,\"role\":\"relay\",\"e\":\"sent\",\"id\":\"none\",\"words\":\"queued as 7.7.8\"}");
	assert_slice(buffer_bytes(&r.said), slice_lit("0 accepted;"));
	rig_end(&r);
}

/* What another host's words lead to must be of this sender, and later. */
static void test_other_sender(void **state)
{
	struct rig r = rig_make();

	search(&r, "1.2.3", "{\"t\":56,\"role\":\"relay\",\"e\":\"sent\",\"id\":\"1.2.3\",\"words\":\"queued as 7.7.8\"}");
	assert_int_equal(slice_find(buffer_bytes(&r.said), slice_lit("99")), buffer_bytes(&r.said).len);
	rig_end(&r);
}

/* However many lines name it, memory is bounded, and the search ends. */
static void test_bounds(void **state)
{
	struct rig r = rig_make();
	struct journey_search *s = journey_search_open(r.heap, slice_lit("1.2.3"), 1);
	size_t folder, n;

	while (journey_search_next(s, &folder)) {
		for (int i = 0; i < JOURNEY_FOUND_MAX + 100; i++) {
			char line[128];

			snprintf(line, sizeof line, "{\"t\":%d,\"e\":\"filed\",\"id\":\"1.2.3\",\"account\":\"%d\",\"uid\":1}",
			    i, i);
			journey_search_line(s, slice_from(line));
		}
	}
	(void)journey_search_found(s, &n);
	assert_int_equal(n, JOURNEY_FOUND_MAX);
	journey_search_close(s);
	rig_end(&r);
}

UNIT_TESTS(cmocka_unit_test(test_lines), cmocka_unit_test(test_many_fields),
    cmocka_unit_test(test_words), cmocka_unit_test(test_dialogue), cmocka_unit_test(test_search),
    cmocka_unit_test(test_back), cmocka_unit_test(test_other_sender), cmocka_unit_test(test_bounds))
