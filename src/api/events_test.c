/* api/events_test.c - each frame as the contract has it, and no room for it. */
#include "api/events.h"

#include "api/sample_test.h"

enum event { NEW, STATS, READ, TAGS, DELETE, TRUNCATE, PRUNE, REFUSED, EVENTS };

static bool write_event(enum event which, struct buffer *out)
{
	slice names[] = { slice_lit("a"), slice_lit("b c") };
	struct api_tags tags = { 2, names };
	struct api_summary summary = { .id = slice_lit("1"), .read = true, .subject = slice_lit("s") };
	slice line = slice_lit("550 5.1.1 <no>");

	switch (which) {
	case NEW:
		return api_event_new(&summary, out);
	case STATS:
		return api_event_stats(3, 2, out);
	case READ:
		return api_event_read(slice_lit("1"), true, out);
	case TAGS:
		return api_event_tags(slice_lit("1"), &tags, out);
	case DELETE:
		return api_event_delete(slice_lit("1"), out);
	case TRUNCATE:
		return api_event_truncate(out);
	case PRUNE:
		return api_event_prune(out);
	default:
		return api_event_error("error", "smtpd", slice_lit("127.0.0.1"), line, out);
	}
}

static const char *const frames[EVENTS] = {
	[NEW] = "{\"Type\":\"new\",\"Data\":{\"ID\":\"1\",\"MessageID\":\"\",\"Read\":false,\"From\":{\"Name\":\"\","
	    "\"Address\":\"\"},\"To\":[],\"Cc\":[],\"Bcc\":[],\"ReplyTo\":[],\"Subject\":\"s\",\"Created\":"
	    "\"1970-01-01T00:00:00.000Z\",\"Username\":\"\",\"Tags\":[],\"Size\":0,\"Attachments\":0,"
	    "\"Snippet\":\"\"}}",
	[STATS] = "{\"Type\":\"stats\",\"Data\":{\"Total\":3,\"Unread\":2,\"Version\":\"" POSTHOUSE_VERSION "\"}}",
	[READ] = "{\"Type\":\"update\",\"Data\":{\"ID\":\"1\",\"Read\":true}}",
	[TAGS] = "{\"Type\":\"update\",\"Data\":{\"ID\":\"1\",\"Tags\":[\"a\",\"b c\"]}}",
	[DELETE] = "{\"Type\":\"delete\",\"Data\":{\"ID\":\"1\"}}",
	[TRUNCATE] = "{\"Type\":\"truncate\",\"Data\":null}",
	[PRUNE] = "{\"Type\":\"prune\",\"Data\":null}",
	[REFUSED] = "{\"Type\":\"error\",\"Data\":{\"Level\":\"error\",\"Type\":\"smtpd\",\"IP\":\"127.0.0.1\","
	    "\"Message\":\"550 5.1.1 \\u003cno\\u003e\"}}",
};

static void test_frames(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);

	for (enum event which = NEW; which < EVENTS; which++) {
		slice want = slice_from(frames[which]);
		struct buffer out = buffer_init(heap, want.len), small = buffer_init(heap, want.len - 1);

		assert_true(write_event(which, &out));
		assert_slice(buffer_bytes(&out), want);
		assert_false(write_event(which, &small));
		assert_int_equal(buffer_bytes(&small).len, 0);
		buffer_free(&out);
	}
	heap_drop(heap);
}

static void test_long_line(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct buffer out = buffer_init(heap, API_EVENT_MAX);
	static unsigned char line[100 * 1024];

	memset(line, 1, sizeof line);
	assert_true(api_event_error("warning", "pop3", slice_lit("::1"), slice_of(line, sizeof line), &out));
	assert_true(buffer_bytes(&out).len < 7 * API_EVENT_LINE_MAX);
	heap_drop(heap);
}

UNIT_TESTS(cmocka_unit_test(test_frames), cmocka_unit_test(test_long_line))
