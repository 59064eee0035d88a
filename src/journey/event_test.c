/* journey/event_test.c - each line is JSON that says what was put in, however long or
 * strange that is. */
#include "unit.h"

#include <fcntl.h>
#include <stdio.h>

#include <jansson.h>

#include "journey/event.h"
#include "os/os_uv.h"

struct rig {
	struct os *os;
	char path[32];
	int fd;
};

static struct rig rig_make(void)
{
	const struct os_uv_options options = { .name = "edge.0" };
	struct rig r = { .os = os_uv_create(&options) };

	snprintf(r.path, sizeof r.path, "/tmp/event-test-XXXXXX");
	r.fd = mkstemp(r.path);
	assert_true(r.fd >= 0);
	os_event_to(r.os, fcntl(r.fd, F_DUPFD_CLOEXEC, 3));
	return r;
}

/* What was written, as JSON; the caller's. */
static json_t *rig_read(struct rig *r)
{
	char text[2 * JOURNEY_LINE_MAX];
	ssize_t n;
	json_t *json;

	os_event_to(r->os, -1);
	n = pread(r->fd, text, sizeof text, 0);
	assert_true(n > 0 && text[n - 1] == '\n');
	json = json_loadb(text, (size_t)n, 0, NULL);
	assert_non_null(json);
	close(r->fd);
	unlink(r->path);
	os_uv_destroy(r->os);
	return json;
}

static void fields_are_told(void **state)
{
	static const uint8_t ip[16] = { [10] = 0xff, [11] = 0xff, 192, 0, 2, 1 };
	struct rig r = rig_make();
	struct event e;
	json_t *json;

	(void)state;
	assert_true(event_begin(&e, r.os, "accepted"));
	event_id(&e, (struct message_id){ 1, 2, 3 });
	event_text(&e, "from", slice_lit("a\"b\\c\n\x01\x7f\xc3\xa4\xff\xe2\x82"));
	event_number(&e, "size", UINT64_MAX / 2);
	event_name(&e, "s", 33);
	event_ip(&e, "peer", ip);
	event_end(&e);
	json = rig_read(&r);
	assert_string_equal(json_string_value(json_object_get(json, "e")), "accepted");
	assert_string_equal(json_string_value(json_object_get(json, "role")), "edge.0");
	assert_true(json_integer_value(json_object_get(json, "t")) > 1700000000000000);
	assert_string_equal(json_string_value(json_object_get(json, "id")), "1.3.2");
	assert_string_equal(json_string_value(json_object_get(json, "from")),
	    "a\"b\\c\n\x01\x7f\xc3\xa4???");
	assert_string_equal(json_string_value(json_object_get(json, "s")), "11");
	assert_string_equal(json_string_value(json_object_get(json, "peer")), "192.0.2.1");
	assert_int_equal(json_integer_value(json_object_get(json, "size")), INT64_MAX);
	json_decref(json);
}

/* Text of any length, ending anywhere: a whole line. */
static void long_text_is_cut(void **state)
{
	char text[JOURNEY_LINE_MAX + 100];

	(void)state;
	for (size_t i = 0; i < sizeof text; i++)
		text[i] = i % 3 == 0 ? '"' : i % 3 == 1 ? '\x01' : 'x';
	for (size_t n = JOURNEY_LINE_MAX / 5; n < sizeof text; n += 97) {
		struct rig r = rig_make();
		struct event e;

		event_begin(&e, r.os, "x");
		event_text(&e, "first", slice_of(text, n));
		event_text(&e, "second", slice_of(text, n));
		event_number(&e, "third", 3);
		event_end(&e);
		json_decref(rig_read(&r));
	}
}

static void nobody_wants_it(void **state)
{
	const struct os_uv_options options = { .name = "edge.0" };
	struct os *os = os_uv_create(&options);
	struct event e;

	(void)state;
	assert_false(event_begin(&e, os, "x"));
	event_text(&e, "a", slice_lit("b"));
	event_id(&e, (struct message_id){ 1, 2, 3 });
	event_end(&e);
	os_uv_destroy(os);
}

UNIT_TESTS(cmocka_unit_test(fields_are_told), cmocka_unit_test(long_text_is_cut),
    cmocka_unit_test(nobody_wants_it))
