/* role/store_imap_world_test.h - a store's clients that speak IMAP, in store_world_test.h's world. */
#ifndef ROLE_STORE_IMAP_WORLD_TEST_H
#define ROLE_STORE_IMAP_WORLD_TEST_H

#include "role/store_world_test.h"

/* A client whose login the store completes: "a OK". */
static inline void imap_open(struct client *c, uint64_t account)
{
	adopt_as(c, SERVICE_IMAP, "a", "");
	login(c->nonce, account);
	client_until(c, "a OK [CAPABILITY ");
	client_until(c, "\r\n");
}

/* Say a command with the tag T7; returns what comes before its reply, which begins so. */
static inline slice say(struct client *c, const char *command, const char *reply)
{
	char text[512];
	slice before;

	snprintf(text, sizeof text, "T7 %s\r\n", command);
	stream_write(c->stream, slice_from(text));
	snprintf(text, sizeof text, "T7 %s", reply);
	before = client_until(c, "T7 ");
	c->seen -= 3;
	if (!slice_starts(client_rest(c), slice_from(text)))
		fail_msg("%s: %.*s", command, slice_arg(client_rest(c)));
	client_until(c, "\r\n");
	return before;
}

static inline bool has(slice text, const char *what)
{
	return slice_find(text, slice_from(what)) < text.len;
}

static inline void expect(struct client *c, const char *command, const char *what)
{
	slice got = say(c, command, "OK");

	if (!has(got, what))
		fail_msg("%s: no \"%s\" in \"%.*s\"", command, what, slice_arg(got));
}

static inline void imap_select(struct client *c, const char *name, unsigned exists)
{
	char command[64], words[64];

	snprintf(command, sizeof command, "SELECT %s", name);
	snprintf(words, sizeof words, "* %u EXISTS\r\n", exists);
	expect(c, command, words);
}

static inline void imap_logout(struct client *c)
{
	say(c, "LOGOUT", "OK");
	for (unsigned i = 0; i < WAIT_MS && !c->closed; i++)
		run_ms(1);
	assert_true(c->closed);
	client_close(c);
}

static inline void deliver_all(uint32_t first, uint32_t n, uint64_t account, size_t size)
{
	for (uint32_t i = first; i < first + n; i++)
		deliver(i, account, size);
	for (uint32_t i = first; i < first + n; i++)
		assert_int_equal(wait_result(i), DELIVERY_DURABLE);
}

/* Append a message of `size` bytes, and wait for the reply. */
static inline void append(struct client *c, const char *to, const char *flags, size_t size,
    const char *reply)
{
	slice text = body_text(77, size);
	char line[128];

	snprintf(line, sizeof line, "T7 APPEND %s %s{%zu+}\r\n", to, flags, text.len);
	stream_write(c->stream, slice_from(line));
	for (slice rest = text; rest.len > 0;) {
		size_t n = rest.len < 200000 ? rest.len : 200000;

		while (stream_room(c->stream) < n)
			run_ms(1);
		stream_write(c->stream, slice_head(rest, n));
		rest = slice_drop(rest, n);
	}
	stream_write(c->stream, slice_lit("\r\n"));
	client_until(c, reply);
	client_until(c, "\r\n");
	heap_free(world.heap, (void *)(uintptr_t)text.ptr);
}

#endif
