/* role/store_web_world_test.h - a stand-in for a mock's web in store_world_test.h's world: it
 * remembers what it is told, and asks for what a test wants. */
#ifndef ROLE_STORE_WEB_WORLD_TEST_H
#define ROLE_STORE_WEB_WORLD_TEST_H

#include "account/tags.h"
#include "os/os_faulty.h"
#include "role/store_imap_world_test.h"

#define MOCK "domains = here.example\nmock = yes\nrelay = no\n"

enum { KNOWN_MAX = 8192, REQUESTS_MAX = 64 };

/* A message, as the web was told of it. */
struct known {
	uint64_t account;
	uint32_t uid, pack, offset;
	struct message_id id;
	bool gone, seen;
	char tags[64];                  /* "a,b,"; "none": all were taken away; empty: not told */
};

/* The stand-in for the web. */
static struct {
	struct frame *frame;
	bool there;                     /* with its store */
	unsigned n_watched, n_seen, n_joined;
	struct known known[KNOWN_MAX];
	size_t n;
	struct buffer bodies[REQUESTS_MAX];
	uint8_t states[REQUESTS_MAX];   /* of fetches, and of expunges */
	bool silent;                    /* it does not ask for messages */
} web;

static struct known *find(uint64_t account, uint32_t uid)
{
	for (size_t i = web.n; i > 0; i--) {
		if (web.known[i - 1].account == account && web.known[i - 1].uid == uid)
			return &web.known[i - 1];
	}
	return NULL;
}

static bool on_message_is(struct bytes *in)
{
	struct known k = { .account = get_u64(in) };

	assert_true(web.n < KNOWN_MAX);
	k.uid = get_u32(in);
	k.id = get_message_id(in);
	get_u64(in);
	get_u64(in);
	k.pack = get_u32(in);
	k.offset = get_u32(in);
	k.seen = get_u8(in) == 1;
	assert_null(find(k.account, k.uid));    /* told once */
	web.known[web.n++] = k;
	return bytes_end(in);
}

static bool on_gone(struct bytes *in)
{
	uint64_t account = get_u64(in);
	uint32_t first = get_u32(in), last = get_u32(in);

	for (uint64_t uid = first; uid <= last; uid++) {
		struct known *k = find(account, (uint32_t)uid);

		assert_non_null(k);     /* that may have been gone before */
		k->gone = true;
	}
	return bytes_end(in);
}

static bool on_seen(struct bytes *in)
{
	uint64_t account = get_u64(in);
	uint8_t seen = get_u8(in);
	uint32_t n = get_u32(in);

	web.n_seen++;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t first = get_u32(in), last = get_u32(in);

		for (uint64_t uid = first; uid <= last; uid++) {
			if (find(account, (uint32_t)uid) != NULL)
				find(account, (uint32_t)uid)->seen = seen == 1;
		}
	}
	return bytes_end(in);
}

static bool on_tags(struct bytes *in)
{
	uint64_t account = get_u64(in);
	struct known *k = find(account, get_u32(in));
	slice names = get_slice(in, TAG_NAMES_MAX), name;

	assert_true(k != NULL && k == &web.known[web.n - 1] && k->tags[0] == 0);
	if (names.len == 0)
		snprintf(k->tags, sizeof k->tags, "none");
	while (tag_names_next(&names, &name))
		snprintf(k->tags + strlen(k->tags), sizeof k->tags - strlen(k->tags), "%.*s,",
		    slice_arg(name));
	return bytes_end(in);
}

static bool web_message(struct frame *f, struct ipc_channel *peer, struct ipc_message *m)
{
	struct bytes *in = &m->body;
	uint64_t request;

	switch (m->type) {
	case IPC_WATCHED:
		web.n_watched++;
		return bytes_end(in);
	case IPC_MESSAGE:
		return on_message_is(in);
	case IPC_GONE:
		return on_gone(in);
	case IPC_SEEN:
		return on_seen(in);
	case IPC_TAGS:
		return on_tags(in);
	case IPC_BODY:
	case IPC_EXPUNGED:
	case IPC_MARKED:
	case IPC_TAGGED:
		request = get_u64(in);
		assert_true(request < REQUESTS_MAX);
		web.states[request] = get_u8(in);
		if (m->type == IPC_BODY)
			buffer_add(&web.bodies[request], get_slice(in, IPC_BODY_MAX));
		return bytes_end(in);
	case IPC_MAILBOX:
	case IPC_COUNTERS:
		return true;
	default:
		return false;
	}
}

static void web_joined(struct frame *f, struct ipc_channel *peer)
{
	if (ipc_peer_kind(peer) != ROLE_STORE)
		return;
	web.there = true;
	web.n_joined++;
	web.n = 0;
	if (!web.silent)
		ipc_send(peer, IPC_WATCH);
}

static void web_left(struct frame *f, struct ipc_channel *peer)
{
	if (ipc_peer_kind(peer) == ROLE_STORE)
		web.there = false;
}

static const struct frame_handler web_handler = { .start = frame_ready, .drain = on_drain,
    .peer_joined = web_joined, .peer_left = web_left, .peer_message = web_message };

void web_start(struct os *os, int channel, unsigned index)
{
	web.frame = heap_new(os_heap(os), struct frame);
	frame_init(web.frame, os, ROLE_WEB, 0, channel, &web_handler, web.frame);
}

static void begin(const char *extra)
{
	memset(&web, 0, sizeof web);
	world_begin_with(1, extra, true);
	for (size_t i = 0; i < REQUESTS_MAX; i++) {
		web.bodies[i] = buffer_init(world.heap, SIZE_MAX / 2);
		web.states[i] = NO_RESULT;
	}
}

static inline size_t count(uint64_t account)
{
	size_t n = 0;

	for (size_t i = 0; i < web.n; i++)
		n += web.known[i].account == account && !web.known[i].gone;
	return n;
}

static inline void wait_until(uint64_t account, size_t n)
{
	for (unsigned i = 0; i < WAIT_MS && count(account) != n; i++)
		run_ms(1);
	assert_int_equal(count(account), n);
}

static inline void wait_watched(unsigned n)
{
	for (unsigned i = 0; i < WAIT_MS && web.n_watched < n; i++)
		run_ms(1);
	assert_int_equal(web.n_watched, n);
}

static inline uint8_t wait_state(unsigned request)
{
	for (unsigned i = 0; i < WAIT_MS && (web.states[request] == NO_RESULT ||
	    web.states[request] == BODY_MORE); i++)
		run_ms(1);
	return web.states[request];
}

static inline void fetch(unsigned request, const struct known *k)
{
	struct buffer *out = ipc_begin(to_store(web.frame), IPC_FETCH);

	put_u64(out, request);
	put_u64(out, k->account);
	put_u32(out, k->uid);
	put_u32(out, k->pack);
	put_u32(out, k->offset);
	ipc_end(to_store(web.frame), -1);
}

static inline void expunge(unsigned request, uint64_t account, const uint32_t *uids, uint32_t n)
{
	struct buffer *out = ipc_begin(to_store(web.frame), IPC_EXPUNGE);

	put_u64(out, request);
	put_u64(out, account);
	put_u32(out, n);
	for (uint32_t i = 0; i < n; i++)
		put_u32(out, uids[i]);
	ipc_end(to_store(web.frame), -1);
}

static inline void mark(unsigned request, uint64_t account, uint8_t seen, const uint32_t *uids,
    uint32_t n)
{
	struct buffer *out = ipc_begin(to_store(web.frame), IPC_MARK);

	put_u64(out, request);
	put_u64(out, account);
	put_u8(out, seen);
	put_u32(out, n);
	for (uint32_t i = 0; i < n; i++)
		put_u32(out, uids[i]);
	ipc_end(to_store(web.frame), -1);
}

static inline void expect_body(unsigned request, uint32_t n)
{
	char line[64];
	slice got;

	assert_int_equal(wait_state(request), BODY_END);
	got = buffer_bytes(&web.bodies[request]);
	snprintf(line, sizeof line, "Subject: message %u\r\n", n);
	assert_true(slice_starts(got, slice_lit("Return-Path: <from@there.example>\r\nDelivered-To: ")));
	assert_true(slice_find(got, slice_from(line)) < got.len);
}

#endif
