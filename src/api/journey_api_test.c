/* api/journey_api_test.c - a journey as JSON, its dialogue line by line with times, its
 * departures; of a session with several messages each gets its own. */
#include "unit.h"

#include "api/journey.h"
#include "mail/departure.h"

enum { MEMORY = 1 << 20 };

#define ACCEPTED(t, x, id, dialogue) "{\"t\":" t ",\"role\":\"edge.0\",\"e\":\"accepted\",\"s\":\"k\"," \
	"\"x\":\"" x "\",\"id\":\"" id "\",\"from\":\"b@b\",\"size\":5,\"dialogue\":\"" dialogue "\"}"

static const char *const lines[] = {
	"{\"t\":1000000,\"role\":\"edge.0\",\"e\":\"connection\",\"s\":\"k\",\"peer\":\"127.0.0.1\"}",
	ACCEPTED("1020000", "1", "1.1.1", "0 S: 220 hi\\n7 C: EHLO <c>\\n8 C: (secret)\\n9 C: .\\n20 S: 250 queued"),
	"{\"t\":1020000,\"role\":\"edge.0\",\"e\":\"departure\",\"s\":\"k\",\"x\":\"1\",\"id\":\"1.1.1\","
	"\"name\":\"path-brackets\"}",
	ACCEPTED("1030000", "2", "2.2.2", "21 C: MAIL\\n30 S: 250 2"),
	"{\"t\":1040000,\"role\":\"edge.0\",\"e\":\"departure\",\"s\":\"k\",\"name\":\"quit-missing\"}",
	"{\"t\":1040000,\"role\":\"edge.0\",\"e\":\"departure\",\"s\":\"k\",\"name\":\"unheard-of\"}",
	"{\"t\":1050000,\"role\":\"edge.0\",\"e\":\"closed\",\"s\":\"k\",\"dialogue\":\"40 C: QUIT\"}",
};

struct rig {
	struct heap *heap;
	struct buffer out;
	struct journey_search *search;
	struct api_journey journey;
};

/* Without the first `skip` lines. */
static struct rig rig_make(const char *id, size_t skip)
{
	static const slice host = slice_lit("mx.example");
	struct rig r = { .heap = heap_create(SIZE_MAX) };
	size_t folder;

	r.out = buffer_init(r.heap, MEMORY);
	r.search = journey_search_open(r.heap, slice_from(id), 1);
	while (journey_search_next(r.search, &folder)) {
		for (size_t i = skip; i < sizeof lines / sizeof *lines; i++)
			journey_search_line(r.search, slice_from(lines[i]));
	}
	r.journey = (struct api_journey){ .name = slice_from(id), .id = slice_from(id),
	    .followed = journey_search_followed(r.search), .hosts = &host, .n_hosts = 1 };
	r.journey.found = journey_search_found(r.search, &r.journey.n);
	return r;
}

static void rig_end(struct rig *r)
{
	journey_search_close(r->search);
	heap_drop(r->heap);
}

static void test_journey(void **state)
{
	struct rig r = rig_make("1.1.1", 0);

	assert_true(api_journey_json(&r.journey, &r.out));
	assert_true(slice_starts(buffer_bytes(&r.out), slice_lit("{\"ID\":\"1.1.1\",\"Events\":[{"
	    "\"At\":\"1970-01-01T00:00:01.000Z\",\"Role\":\"edge.0\",\"Host\":\"mx.example\","
	    "\"What\":\"connection\",\"Words\":\"127.0.0.1: connects ()\","
	    "\"Details\":{\"s\":\"k\",\"peer\":\"127.0.0.1\"}},{\"At\":\"1970-01-01T00:00:01.020Z\","
	    "\"Role\":\"edge.0\",\"Host\":\"mx.example\",\"What\":\"accepted\",")));
	/* The dialogue has a route of its own. */
	assert_int_equal(slice_find(buffer_bytes(&r.out), slice_lit("EHLO")), buffer_bytes(&r.out).len);
	rig_end(&r);
}

static void assert_transcript(const char *id, size_t skip, const char *expected)
{
	struct rig r = rig_make(id, skip);

	assert_true(api_transcript_json(&r.journey, &r.out));
	assert_slice(buffer_bytes(&r.out), slice_from(expected));
	rig_end(&r);
}

#define LINE(at, from, text, masked) "{\"At\":\"1970-01-01T00:00:01." at "Z\",\"From\":\"" from "\",\"Text\":\"" \
	text "\",\"Masked\":" masked "}"

static void test_transcript(void **state)
{
	assert_transcript("1.1.1", 0, "{\"ID\":\"1.1.1\",\"Lines\":["
	    LINE("000", "server", "220 hi", "false") "," LINE("007", "client", "EHLO \\u003cc\\u003e", "false") ","
	    LINE("008", "client", "(secret)", "true") "," LINE("009", "client", ".", "false") ","
	    LINE("020", "server", "250 queued", "false") "]}\n");
	/* The last one has the session's end. */
	assert_transcript("2.2.2", 0, "{\"ID\":\"2.2.2\",\"Lines\":[" LINE("021", "client", "MAIL", "false") ","
	    LINE("030", "server", "250 2", "false") "," LINE("040", "client", "QUIT", "false") "]}\n");
	/* When the session began is not known any more. */
	assert_transcript("2.2.2", 3, "{\"ID\":\"2.2.2\",\"Lines\":[" LINE("021", "client", "MAIL", "false") ","
	    LINE("030", "server", "250 2", "false") "," LINE("040", "client", "QUIT", "false") "]}\n");
	/* Nothing is known. */
	assert_transcript("3.3.3", 0, "{\"ID\":\"3.3.3\",\"Lines\":[]}\n");
}

static void test_departures(void **state)
{
	struct rig r = rig_make("1.1.1", 0), s = rig_make("2.2.2", 0), t = rig_make("3.3.3", 0);

	assert_int_equal(api_journey_departures(&r.journey),
	    departure_bit(DEPARTURE_PATH_BRACKETS) | departure_bit(DEPARTURE_QUIT_MISSING));
	assert_int_equal(api_journey_departures(&s.journey), departure_bit(DEPARTURE_QUIT_MISSING));
	assert_int_equal(api_journey_departures(&t.journey), 0);
	rig_end(&r);
	rig_end(&s);
	rig_end(&t);
}

UNIT_TESTS(cmocka_unit_test(test_journey), cmocka_unit_test(test_transcript),
    cmocka_unit_test(test_departures))
