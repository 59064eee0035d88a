/* http/websocket_test.c - frames of clients, whole and at every split; what is refused. */
#include "http/websocket.h"

#include "base/limits.h"
#include "unit.h"

/* RFC 6455 s1.3. */
static void the_handshake(void **state)
{
	char accept[WEBSOCKET_ACCEPT + 1];

	assert_true(websocket_accept(slice_lit("dGhlIHNhbXBsZSBub25jZQ=="), accept));
	assert_string_equal(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
	assert_false(websocket_accept(slice_lit(""), accept));
	assert_false(websocket_accept(slice_lit("dGhlIHNhbXBsZSBub25jZQ="), accept));
	assert_false(websocket_accept(slice_lit("dGhlIHNhbXBsZSBub25jZQ!="), accept));
	assert_false(websocket_accept(slice_lit("dGhlIHNhbXBsZSBub25jZWFi"), accept));
}

static const struct {
	const char *name;
	slice in;
	enum websocket_event events[4];
	unsigned code;
	slice payload;                  /* of the last */
} cases[] = {
	/* RFC 6455 s5.7: a masked "Hello", a masked pong. */
	{ "text", slice_lit("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"), { WEBSOCKET_MESSAGE }, 0, { 0 } },
	{ "pong", slice_lit("\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"), { WEBSOCKET_PONG }, 0,
	    slice_lit("Hello") },
	{ "empty ping", slice_lit("\x89\x80\1\2\3\4"), { WEBSOCKET_PING }, 0, slice_lit("") },
	{ "fragments with a ping between", slice_lit("\x01\x81\0\0\0\0a\x89\x81\0\0\0\0p\x80\x81\0\0\0\0b"),
	    { WEBSOCKET_MESSAGE, WEBSOCKET_PING, WEBSOCKET_MESSAGE }, 0, { 0 } },
	{ "16 bits of length", slice_lit("\x82\xfe\0\3\0\0\0\0abc"), { WEBSOCKET_MESSAGE }, 0, { 0 } },
	{ "64 bits of length", slice_lit("\x82\xff\0\0\0\0\0\0\0\1\0\0\0\0a"), { WEBSOCKET_MESSAGE }, 0, { 0 } },
	{ "close", slice_lit("\x88\x82\0\0\0\0\3\xe8rest"), { WEBSOCKET_CLOSE }, 0, slice_lit("\3\xe8") },
	{ "close without a code", slice_lit("\x88\x80\0\0\0\0"), { WEBSOCKET_CLOSE }, 0, slice_lit("") },
	{ "half a code", slice_lit("\x88\x81\0\0\0\0\3"), { WEBSOCKET_BAD }, WEBSOCKET_PROTOCOL, { 0 } },
	{ "not masked", slice_lit("\x81\x01"), { WEBSOCKET_BAD }, WEBSOCKET_PROTOCOL, { 0 } },
	{ "reserved bit", slice_lit("\xc1\x80zzzz"), { WEBSOCKET_BAD }, WEBSOCKET_PROTOCOL, { 0 } },
	{ "unknown opcode", slice_lit("\x83\x80zzzz"), { WEBSOCKET_BAD }, WEBSOCKET_PROTOCOL, { 0 } },
	{ "unknown control", slice_lit("\x8b\x80zzzz"), { WEBSOCKET_BAD }, WEBSOCKET_PROTOCOL, { 0 } },
	{ "ping in parts", slice_lit("\x09\x80zzzz"), { WEBSOCKET_BAD }, WEBSOCKET_PROTOCOL, { 0 } },
	{ "long ping", slice_lit("\x89\xfe\0\x7ezzzz"), { WEBSOCKET_BAD }, WEBSOCKET_PROTOCOL, { 0 } },
	{ "continued from nothing", slice_lit("\x80\x80zzzz"), { WEBSOCKET_BAD }, WEBSOCKET_PROTOCOL, { 0 } },
	{ "begun twice", slice_lit("\x01\x80zzzz\x01\x80zzzz"), { WEBSOCKET_MESSAGE, WEBSOCKET_BAD },
	    WEBSOCKET_PROTOCOL, { 0 } },
	{ "too big", slice_lit("\x81\xff\0\0\0\0\1\0\0\0zzzz"), { WEBSOCKET_BAD }, WEBSOCKET_TOO_BIG, { 0 } },
};

/* In pieces of n bytes. */
static void feed(size_t i, size_t n)
{
	struct websocket ws = { 0 };
	enum websocket_event event, last = WEBSOCKET_NONE;
	slice rest = cases[i].in;
	size_t n_events = 0;

	while (rest.len > 0) {
		size_t used = websocket_feed(&ws, slice_head(rest, n < rest.len ? n : rest.len), &event);

		assert_true(used > 0);
		rest = slice_drop(rest, used);
		if (event == WEBSOCKET_NONE)
			continue;
		if (n_events == 4 || cases[i].events[n_events++] != event)
			fail_msg("%s: event %d", cases[i].name, event);
		last = event;
	}
	if (n_events < 4 && cases[i].events[n_events] != WEBSOCKET_NONE)
		fail_msg("%s: %zu events", cases[i].name, n_events);
	if (last == WEBSOCKET_BAD)
		assert_int_equal(ws.code, cases[i].code);
	if (cases[i].payload.ptr != NULL)
		assert_true(slice_equal(slice_of(ws.payload, ws.n_payload), cases[i].payload));
}

static void frames(void **state)
{
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		for (size_t n = 1; n <= cases[i].in.len; n++)
			feed(i, n);
	}
}

static void ours(void **state)
{
	static const size_t sizes[] = { 0, 125, 126, UINT16_MAX, UINT16_MAX + 1 };
	static const char *const heads[] = { "\x81\0", "\x81\x7d", "\x81\x7e\0\x7e", "\x81\x7e\xff\xff",
	    "\x81\x7f\0\0\0\0\0\1\0\0" };
	static const size_t lengths[] = { 2, 2, 4, 4, 10 };
	struct heap *heap = heap_create(SIZE_MAX);
	unsigned char *text = heap_alloc(heap, UINT16_MAX + 1);

	for (size_t i = 0; i < 5; i++) {
		struct buffer out = buffer_init(heap, 1 << 20);

		websocket_write(WEBSOCKET_OP_TEXT, slice_of(text, sizes[i]), &out);
		assert_int_equal(buffer_bytes(&out).len, lengths[i] + sizes[i]);
		assert_memory_equal(buffer_bytes(&out).ptr, heads[i], lengths[i]);
		buffer_free(&out);
		websocket_write_close(WEBSOCKET_GOING_AWAY, &out);
		assert_true(slice_equal(buffer_bytes(&out), slice_lit("\x88\2\3\xe9")));
		buffer_free(&out);
	}
	heap_drop(heap);
}

UNIT_TESTS(cmocka_unit_test(the_handshake), cmocka_unit_test(frames), cmocka_unit_test(ours))
