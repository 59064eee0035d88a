/* role/web_keep_test.c - what people do with a mock's messages: what the store is told of it,
 * and when they are answered. */
#include "role/web_world_test.h"

#include "account/tags.h"

enum { ACCOUNT = 7, ASKED_MAX = 32, HOLD = 2 };

/* The stand-in for the store and the router. */
static struct {
	size_t n_watch, n_asked;
	struct asked {
		enum ipc_type type;
		uint64_t number;
		uint8_t seen;
		uint32_t n, first, last;        /* uids */
		char names[64];                 /* of the first, as they are packed */
	} asked[ASKED_MAX];
	uint8_t answer;                 /* 1, 0 or HOLD */
} k;

static void answer(const struct asked *a, uint8_t ok)
{
	struct buffer *out = ipc_begin(w.store[0], a->type == IPC_MARK ? IPC_MARKED : IPC_TAGGED);

	put_u64(out, a->number);
	put_u8(out, ok);
	ipc_end(w.store[0], -1);
}

static bool on_asked(struct ipc_message *m)
{
	struct asked *a = &k.asked[k.n_asked++];
	uint32_t last = 0;

	assert_true(k.n_asked < ASKED_MAX);
	a->type = m->type;
	a->number = get_u64(&m->body);
	assert_int_equal(get_u64(&m->body), ACCOUNT);
	a->seen = m->type == IPC_MARK ? get_u8(&m->body) : 0;
	a->n = get_u32(&m->body);
	for (uint32_t i = 0; i < a->n; i++) {
		uint32_t uid = get_u32(&m->body);
		slice names = m->type == IPC_TAG ? get_slice(&m->body, TAG_NAMES_MAX) : (slice){ 0 };

		assert_true(uid > last && tag_names_ok(names));
		last = a->last = uid;
		a->first = i == 0 ? uid : a->first;
		if (i == 0)
			snprintf(a->names, sizeof a->names, "%.*s", slice_arg(names));
	}
	assert_true(a->n > 0 && bytes_end(&m->body));
	if (k.answer != HOLD)
		answer(a, k.answer);
	return true;
}

static bool hears(struct ipc_channel *channel, struct ipc_message *m)
{
	struct buffer *out;

	switch (m->type) {
	case IPC_WATCH:
		k.n_watch++;
		return true;
	case IPC_SETTLE:
		put_u64(ipc_begin(channel, IPC_SETTLED), get_u64(&m->body));
		ipc_end(channel, -1);
		return true;
	case IPC_FETCH:
		out = ipc_begin(channel, IPC_BODY);
		put_u64(out, get_u64(&m->body));
		put_u8(out, BODY_END);
		put_slice(out, slice_lit("Subject: s\r\nX-Tags: own\r\n\r\nx\r\n"));
		ipc_end(channel, -1);
		return true;
	case IPC_MARK:
	case IPC_TAG:
		return on_asked(m);
	default:
		return false;
	}
}

/* The store tells what it has: uids 1 to n, the first ones read. */
static void tell(uint32_t n, uint32_t n_seen)
{
	for (uint32_t uid = 1; uid <= n; uid++) {
		struct buffer *out = ipc_begin(w.store[0], IPC_MESSAGE);

		put_u64(out, ACCOUNT);
		put_u32(out, uid);
		put_message_id(out, (struct message_id){ 1, uid, 9 });
		put_u64(out, uid);
		put_u64(out, 30);
		put_u32(out, 1);
		put_u32(out, uid);
		put_u8(out, uid <= n_seen);
		ipc_end(w.store[0], -1);
	}
	ipc_send(w.store[0], IPC_WATCHED);
}

static void tell_seen(uint32_t first, uint32_t last, uint8_t seen)
{
	struct buffer *out = ipc_begin(w.store[0], IPC_SEEN);

	put_u64(out, ACCOUNT);
	put_u8(out, seen);
	put_u32(out, 1);
	put_u32(out, first);
	put_u32(out, last);
	ipc_end(w.store[0], -1);
}

static void store_comes(uint32_t n, uint32_t n_seen)
{
	size_t before = k.n_watch;

	w.store[0] = join(ROLE_STORE, 0);
	settle(&k.n_watch, before + 1);
	tell(n, n_seen);
}

static void begin(uint32_t n, uint32_t n_seen)
{
	memset(&k, 0, sizeof k);
	k.answer = 1;
	begin_as("hostname = mx.here.example\ndomains = here.example\nmock = yes\nrelay = no\n"
	    "edges = 1\nstores = 1\n");
	w.hears = hears;
	w.edge[0] = join(ROLE_EDGE, 0);
	w.router = join(ROLE_ROUTER, 0);
	store_comes(n, n_seen);
	settle(&w.n_ready, 1);
}

static void expect(const char *line, const char *body, const char *part)
{
	slice got = ask_with(line, body);

	if (!has(got, part))
		fail_msg("%s: no \"%s\" in %.*s", line, part, slice_arg(got));
}

static const char *name_of(uint32_t uid)
{
	static char text[MESSAGE_ID_TEXT];

	message_id_print((struct message_id){ 1, uid, 9 }, text);
	return text;
}

static void put_read(uint32_t uid, bool read, const char *part)
{
	char body[100];

	snprintf(body, sizeof body, "{\"IDs\":[\"%s\"],\"Read\":%s}", name_of(uid), read ? "true" : "false");
	expect("PUT /api/v1/messages", body, part);
}

/* Ask, and leave it unanswered. */
static int begin_put(const char *path, const char *body)
{
	char text[512];
	int fd = visit(0, 1);

	snprintf(text, sizeof text, "PUT %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
	    "Content-Length: %zu\r\n\r\n%s", path, strlen(body), body);
	say(fd, text);
	return fd;
}

static void some_turns(void)
{
	for (unsigned i = 0; i < 20; i++)
		turn();
}

static bool is_unanswered(int fd)
{
	char byte;

	some_turns();
	return os_read(w.os, fd, &byte, 1) == -EAGAIN;
}

/* One message for all that are marked alike; the answer comes behind the store's. */
static void answered_when_kept(void **state)
{
	int fd;

	begin(5, 2);
	expect("GET /api/v1/messages", "", "\"unread\":3");
	k.answer = HOLD;
	fd = begin_put("/api/v1/messages", "{\"Read\":true}");
	settle(&k.n_asked, 1);
	assert_true(k.asked[0].type == IPC_MARK && k.asked[0].seen == 1 && k.asked[0].n == 3);
	assert_true(k.asked[0].first == 3 && k.asked[0].last == 5);
	assert_true(is_unanswered(fd));
	expect("GET /api/v1/messages", "", "\"unread\":0");       /* it is shown all the same */
	answer(&k.asked[0], 1);
	assert_true(slice_starts(hear_all(fd), slice_lit("HTTP/1.1 200 ")));
	os_close(w.os, fd);
	/* What is so already is not told. */
	expect("PUT /api/v1/messages", "{\"Read\":true}", "HTTP/1.1 200 ");
	assert_int_equal(k.n_asked, 1);
	end();
}

/* What is done while one is under way waits for the next, in its last state, and is stronger
 * than what the store says of before. */
static void gathers(void **state)
{
	int one, two;

	begin(4, 0);
	k.answer = HOLD;
	one = begin_put("/api/v1/messages", "{\"Read\":true}");
	settle(&k.n_asked, 1);
	two = begin_put("/api/v1/messages", "{\"Read\":false}");
	some_turns();
	tell_seen(1, 4, 1);
	assert_true(is_unanswered(two));
	assert_int_equal(k.n_asked, 1);
	expect("GET /api/v1/messages", "", "\"unread\":4");
	answer(&k.asked[0], 1);
	assert_true(slice_starts(hear_all(one), slice_lit("HTTP/1.1 200 ")));
	settle(&k.n_asked, 2);
	assert_true(k.asked[1].seen == 0 && k.asked[1].n == 4);
	assert_true(is_unanswered(two));
	answer(&k.asked[1], 1);
	assert_true(slice_starts(hear_all(two), slice_lit("HTTP/1.1 200 ")));
	/* Now others do something. */
	tell_seen(2, UINT32_MAX, 1);
	tell_seen(3, 3, 0);
	some_turns();
	expect("GET /api/v1/messages", "", "\"unread\":2");
	os_close(w.os, one);
	os_close(w.os, two);
	end();
}

/* It can't be kept: it is said, and tried again; a store that leaves is told again. */
static void again(void **state)
{
	int fd;

	begin(3, 0);
	k.answer = 0;
	put_read(2, true, "HTTP/1.1 503 ");
	assert_int_equal(k.n_asked, 1);
	put_read(3, true, "HTTP/1.1 503 ");             /* in a while */
	assert_int_equal(k.n_asked, 1);
	expect("GET /api/v1/messages", "", "\"unread\":1");
	k.answer = HOLD;
	ipc_send(w.store[0], IPC_WATCHED);
	settle(&k.n_asked, 2);
	assert_true(k.asked[1].n == 2 && k.asked[1].first == 2 && k.asked[1].last == 3);
	fd = begin_put("/api/v1/messages", "{\"Read\":true}");
	assert_true(is_unanswered(fd));
	ipc_channel_destroy(w.store[0]);
	assert_true(slice_starts(hear_all(fd), slice_lit("HTTP/1.1 503 ")));
	os_close(w.os, fd);
	k.answer = 1;
	store_comes(3, 0);
	settle(&k.n_asked, 3);
	assert_true(k.asked[2].seen == 1 && k.asked[2].n == 3);
	expect("GET /api/v1/messages", "", "\"unread\":0");
	answer(&k.asked[1], 0);         /* of a life that is over: nothing */
	some_turns();
	expect("GET /livez", "", "HTTP/1.1 200 ");
	end();
}

/* Sets are told whole, with the marks; what people set hides what messages bring. */
static void tags(void **state)
{
	struct buffer *out;
	char body[200];

	begin(2, 0);
	expect("GET /api/v1/tags", "", "\r\n\r\n[\"own\"]");
	snprintf(body, sizeof body, "{\"IDs\":[\"%s\"],\"Tags\":[\"b\",\"a x\"]}", name_of(1));
	expect("PUT /api/v1/tags", body, "HTTP/1.1 200 ");
	assert_true(k.n_asked == 1 && k.asked[0].type == IPC_TAG && k.asked[0].first == 1);
	assert_string_equal(k.asked[0].names, "\3a x\1b");
	expect("DELETE /api/v1/tags/own", "", "HTTP/1.1 200 ");
	assert_true(k.n_asked == 2 && k.asked[1].first == 2 && k.asked[1].n == 1);
	assert_string_equal(k.asked[1].names, "");
	/* As a store tells of those of an earlier life. */
	out = ipc_begin(w.store[0], IPC_TAGS);
	put_u64(out, ACCOUNT);
	put_u32(out, 2);
	put_slice(out, slice_lit("\5early\1,"));
	ipc_end(w.store[0], -1);
	some_turns();
	expect("GET /api/v1/tags", "", "[\"a x\",\"b\",\"early\"]");
	/* Many, for one message of its kind. */
	memset(k.asked, 0, sizeof k.asked);
	expect("PUT /api/v1/tags/b", "{\"Name\":\"c\"}", "HTTP/1.1 200 ");
	assert_string_equal(k.asked[2].names, "\3a x\1c");
	end();
}

/* It goes when all is kept, though nobody waits for an answer. */
static void drains(void **state)
{
	char line[100];

	begin(1, 0);
	k.answer = HOLD;
	snprintf(line, sizeof line, "GET /api/v1/message/%s", name_of(1));
	expect(line, "", "HTTP/1.1 200 ");
	settle(&k.n_asked, 1);
	put_u32(ipc_begin(w.keeper, IPC_DRAIN), 0);
	ipc_end(w.keeper, -1);
	some_turns();
	assert_int_equal(w.n_drained, 0);
	answer(&k.asked[0], 1);
	settle(&w.n_drained, 1);
	end();
}

UNIT_TESTS(cmocka_unit_test(answered_when_kept), cmocka_unit_test(gathers),
    cmocka_unit_test(again), cmocka_unit_test(tags), cmocka_unit_test(drains))
