/* cli/trace_follow_test.c - each event once, in order, under its own journey: however
 * files grow and are rotated, whatever another host's words say. */
#include "unit.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/limits.h"
#include "cli/trace_follow.h"
#include "cli/trace_tail.h"
#include "os/os_uv.h"

enum { PATH = 128, AGO_US = 60 * 1000 * 1000 };

struct rig {
	char base[32], folders[2][PATH];
	struct os *os;
	struct trace trace;
	struct trace_follow *f;
	struct buffer said;             /* "ID kind;" of each event; "|" before a heading */
	json_int_t base_us;             /* old enough to be in order */
};

static void on_shown(void *owner, const struct trace_shown *shown)
{
	struct rig *r = owner;

	if (shown->other)
		buffer_printf(&r->said, "|%s%s: ", shown->first ? "" : "again ", shown->id);
	buffer_printf(&r->said, "%s;", json_string_value(json_object_get(shown->event, "e")));
}

static void rig_follow(struct rig *r, struct trace_follow_options options)
{
	options.show = on_shown;
	options.owner = r;
	r->f = trace_follow_open(r->os, &r->trace, &options);
}

static void rig_make(struct rig *r)
{
	const struct os_uv_options options = { .name = "test" };
	char path[2 * PATH];

	*r = (struct rig){ .os = os_uv_create(&options) };
	r->said = buffer_init(os_heap(r->os), 1 << 20);
	r->base_us = os_wall_us(r->os) - AGO_US;
	snprintf(r->base, sizeof r->base, "/tmp/trace-test-XXXXXX");
	assert_non_null(mkdtemp(r->base));
	for (size_t i = 0; i < 2; i++) {
		snprintf(r->folders[i], PATH, "%s/%s", r->base, i == 0 ? "bob" : "alice");
		snprintf(path, sizeof path, "%s/journey", r->folders[i]);
		assert_int_equal(mkdir(r->folders[i], 0700), 0);
		assert_int_equal(mkdir(path, 0700), 0);
		r->trace.folders[i] = r->folders[i];
	}
	r->trace.n_folders = 2;
}

static int drop(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static void rig_drop(struct rig *r)
{
	trace_follow_close(r->f);
	nftw(r->base, drop, 16, FTW_DEPTH | FTW_PHYS);
	os_uv_destroy(r->os);
}

/* Append {"t":base + at,"role":...,rest} to a role's file. */
static void add(struct rig *r, size_t folder, const char *role, int at, const char *rest)
{
	char path[2 * PATH];
	FILE *file;

	snprintf(path, sizeof path, "%s/journey/%s.log", r->folders[folder], role);
	file = fopen(path, "a");
	assert_non_null(file);
	fprintf(file, "{\"t\":%lld,\"role\":\"%s\",%s}\n", (long long)(r->base_us + at), role, rest);
	fclose(file);
}

static void rotate(struct rig *r, const char *role)
{
	char from[2 * PATH], to[2 * PATH];

	snprintf(from, sizeof from, "%s/journey/%s.log", r->folders[0], role);
	snprintf(to, sizeof to, "%s/journey/%s.log.1", r->folders[0], role);
	assert_int_equal(rename(from, to), 0);
}

static void expect(struct rig *r, const char *want)
{
	slice bytes = buffer_bytes(&r->said);
	char text[1024];

	while (trace_follow_turn(r->f)) { }
	bytes = buffer_bytes(&r->said);
	snprintf(text, sizeof text, "%.*s", slice_arg(bytes));
	assert_string_equal(text, want);
	buffer_consume(&r->said, bytes.len);
}

/* A message of Bob's that is under way to another host. */
static void add_sending(struct rig *r, const char *id, int at)
{
	char text[256];

	snprintf(text, sizeof text, "\"e\":\"accepted\",\"s\":\"1\",\"x\":\"1\",\"id\":\"%s\","
	    "\"from\":\"b@b\",\"recipients\":1", id);
	add(r, 0, "edge.0", at, text);
	snprintf(text, sizeof text, "\"e\":\"handed\",\"id\":\"%s\",\"to\":\"relay\",\"recipients\":1",
	    id);
	add(r, 0, "router", at + 1, text);
}

static void add_sent(struct rig *r, const char *id, int at, const char *as)
{
	char text[256];

	snprintf(text, sizeof text, "\"e\":\"attempt\",\"id\":\"%s\"", id);
	add(r, 0, "relay", at, text);
	snprintf(text, sizeof text, "\"e\":\"sent\",\"id\":\"%s\",\"to\":\"a@a\",\"host\":\"a\","
	    "\"words\":\"250 Ok: queued as %s\"", id, as);
	add(r, 0, "relay", at, text);
}

static void add_taken(struct rig *r, const char *id, int at, const char *from)
{
	char text[256];

	add(r, 1, "edge.0", at, "\"e\":\"connection\",\"s\":\"9\"");
	snprintf(text, sizeof text, "\"e\":\"accepted\",\"s\":\"9\",\"x\":\"9\",\"id\":\"%s\","
	    "\"from\":\"%s\",\"recipients\":1", id, from);
	add(r, 1, "edge.0", at, text);
}

/* Over sessions and roles, in order of time, not of files; also of the same microsecond. */
static void test_order(void **state)
{
	struct rig r;

	(void)state;
	rig_make(&r);
	rig_follow(&r, (struct trace_follow_options){ .all = true });
	expect(&r, "");
	add(&r, 0, "store.0", 5, "\"e\":\"filed\",\"id\":\"m1\",\"account\":\"a\",\"uid\":7");
	add(&r, 0, "edge.0", 1, "\"e\":\"connection\",\"s\":\"1\"");
	add(&r, 0, "edge.0", 1, "\"e\":\"recipient\",\"s\":\"1\",\"x\":\"1\",\"to\":\"a@a\"");
	add(&r, 0, "edge.0", 1, "\"e\":\"recipient\",\"s\":\"1\",\"x\":\"2\",\"to\":\"a@a\"");
	add(&r, 0, "edge.0", 1, "\"e\":\"mailbox\",\"s\":\"1\",\"x\":\"2\"");
	add(&r, 0, "edge.0", 1, "\"e\":\"accepted\",\"s\":\"1\",\"x\":\"1\",\"id\":\"m1\",\"from\":\"\","
	    "\"recipients\":1");
	expect(&r, "|m1: connection;recipient;accepted;filed;");
	assert_false(trace_follow_rests(r.f));
	expect(&r, "");
	add(&r, 0, "store.0", 5, "\"e\":\"durable\",\"account\":\"other\"");
	add(&r, 0, "store.0", 5, "\"e\":\"durable\",\"account\":\"a\"");
	add(&r, 0, "store.0", 5, "\"e\":\"durable\",\"account\":\"a\"");
	expect(&r, "durable;");
	assert_true(trace_follow_rests(r.f));
	add(&r, 0, "edge.0", 6, "\"e\":\"accepted\",\"s\":\"1\",\"x\":\"2\",\"id\":\"m2\",\"from\":\"\","
	    "\"recipients\":1");
	add(&r, 0, "store.0", 7, "\"e\":\"read\",\"account\":\"a\",\"uid\":7");
	add(&r, 0, "store.0", 7, "\"e\":\"read\",\"account\":\"a\",\"uid\":8");
	add(&r, 0, "edge.0", 8, "\"e\":\"closed\",\"s\":\"1\"");
	expect(&r, "|m2: connection;recipient;mailbox;accepted;|again m1: read;|again m2: closed;");
	rig_drop(&r);
}

/* What is written around a rotation is neither missed nor said twice. */
static void test_rotation(void **state)
{
	struct rig r;

	(void)state;
	rig_make(&r);
	add(&r, 0, "store.0", 0, "\"e\":\"filed\",\"id\":\"old\",\"account\":\"a\",\"uid\":1");
	rig_follow(&r, (struct trace_follow_options){ .all = true });
	add_sending(&r, "m", 1);
	expect(&r, "|m: accepted;handed;");
	add(&r, 0, "store.0", 2, "\"e\":\"filed\",\"id\":\"m\",\"account\":\"a\",\"uid\":2");
	rotate(&r, "store.0");
	add(&r, 0, "store.0", 3, "\"e\":\"filed\",\"id\":\"m\",\"account\":\"b\",\"uid\":3");
	expect(&r, "filed;filed;");
	expect(&r, "");
	rotate(&r, "store.0");
	add(&r, 0, "store.0", 4, "\"e\":\"put-off\",\"id\":\"m\",\"account\":\"c\"");
	expect(&r, "put-off;");
	rig_drop(&r);
}

/* A line that is not whole waits; one that is none is left out, however long it is. */
static void test_lines(void **state)
{
	char path[2 * PATH];
	struct rig r;
	FILE *file;

	(void)state;
	rig_make(&r);
	rig_follow(&r, (struct trace_follow_options){ .all = true });
	add_sending(&r, "m", 1);
	expect(&r, "|m: accepted;handed;");
	snprintf(path, sizeof path, "%s/journey/relay.log", r.folders[0]);
	file = fopen(path, "a");
	for (int i = 0; i < 3 * TRACE_TURN_BYTES; i++)
		fputc('x', file);
	fprintf(file, "\n[]\nnull\n{\"id\":7,\"folder\":99,\"e\":[]}\n{\"t\":1,\"e\":\"queued\",");
	fflush(file);
	expect(&r, "");
	fprintf(file, "\"id\":\"m\"}\n");
	fclose(file);
	expect(&r, "queued;");
	rig_drop(&r);
}

/* Another host's part is not a journey of its own, and comes before its outcome. */
static void test_hop(void **state)
{
	struct rig r;

	(void)state;
	rig_make(&r);
	rig_follow(&r, (struct trace_follow_options){ .all = true });
	add_sending(&r, "m", 1);
	add_taken(&r, "h", 5, "b@b");
	expect(&r, "|m: accepted;handed;");
	add(&r, 1, "store.0", 6, "\"e\":\"filed\",\"id\":\"h\",\"account\":\"a\",\"uid\":1");
	expect(&r, "");
	assert_false(trace_follow_rests(r.f));
	add_sent(&r, "m", 7, "h");
	expect(&r, "connection;accepted;filed;attempt;sent;");
	assert_false(trace_follow_rests(r.f));
	add(&r, 1, "store.0", 8, "\"e\":\"durable\",\"account\":\"a\"");
	expect(&r, "durable;");
	assert_true(trace_follow_rests(r.f));
	rig_drop(&r);
}

/* Words that lead to a message of our own, to another sender's, to one that was there
 * before, or to nothing, change nothing. */
static void test_foreign_words(void **state)
{
	struct rig r;

	(void)state;
	rig_make(&r);
	rig_follow(&r, (struct trace_follow_options){ .all = true });
	add_taken(&r, "before", 0, "b@b");
	add_sending(&r, "m1", 1);
	add_sending(&r, "m2", 3);
	add_taken(&r, "h", 5, "other@b");
	expect(&r, "|before: connection;accepted;|m1: accepted;handed;|m2: accepted;handed;"
	    "|h: connection;accepted;");
	add_sent(&r, "m1", 7, "m2");
	expect(&r, "|again m1: attempt;sent;");
	add_sent(&r, "m2", 8, "m1");
	expect(&r, "|again m2: attempt;sent;");
	add_sent(&r, "m1", 9, "h");
	add_sent(&r, "m1", 10, "before");
	add_sent(&r, "m1", 11, "m1");
	add(&r, 1, "edge.0", 12, "\"e\":\"closed\",\"s\":\"9\"");
	expect(&r, "|again m1: attempt;sent;attempt;sent;attempt;sent;|again h: closed;");
	rig_drop(&r);
}

/* A report that we wrote belongs to the message that it reports. */
static void test_report(void **state)
{
	struct rig r;

	(void)state;
	rig_make(&r);
	rig_follow(&r, (struct trace_follow_options){ .all = true });
	add_sending(&r, "m", 1);
	add(&r, 0, "relay", 3, "\"e\":\"bounced\",\"id\":\"m\"");
	add(&r, 0, "relay", 4, "\"e\":\"reported\",\"id\":\"m\",\"as\":\"r\"");
	add(&r, 0, "store.0", 5, "\"e\":\"filed\",\"id\":\"r\",\"account\":\"b\",\"uid\":1");
	expect(&r, "|m: accepted;handed;bounced;reported;filed;");
	rig_drop(&r);
}

/* Only what was asked for; the past is known, and not said. */
static void test_which(void **state)
{
	struct rig r;

	(void)state;
	rig_make(&r);
	add_sending(&r, "old", 1);
	rig_follow(&r, (struct trace_follow_options){ .since_us = r.base_us + 10,
	    .back = TRACE_BACK_BYTES });
	expect(&r, "");
	add(&r, 0, "relay", 20, "\"e\":\"queued\",\"id\":\"old\"");
	add_taken(&r, "theirs", 21, "x@x");
	expect(&r, "|old: queued;");
	trace_follow_close(r.f);
	rig_follow(&r, (struct trace_follow_options){ .to = "A@a", .back = 0 });
	add(&r, 0, "edge.0", 30, "\"e\":\"recipient\",\"s\":\"1\",\"x\":\"5\",\"to\":\"a@A\"");
	add(&r, 0, "edge.0", 30, "\"e\":\"recipient\",\"s\":\"1\",\"x\":\"6\",\"to\":\"b@A\"");
	add(&r, 0, "edge.0", 31, "\"e\":\"accepted\",\"s\":\"1\",\"x\":\"6\",\"id\":\"no\",\"from\":\"\"");
	add(&r, 0, "edge.0", 31, "\"e\":\"accepted\",\"s\":\"1\",\"x\":\"5\",\"id\":\"yes\",\"from\":\"\"");
	add(&r, 0, "router", 32, "\"e\":\"handed\",\"id\":\"no\",\"recipients\":1");
	add(&r, 0, "router", 32, "\"e\":\"handed\",\"id\":\"yes\",\"recipients\":1");
	expect(&r, "|yes: recipient;accepted;handed;");
	rig_drop(&r);
}

/* Of one message: all that is known first, then what comes; nothing twice. */
static void test_known(void **state)
{
	struct rig r;

	(void)state;
	rig_make(&r);
	add_sending(&r, "m", 1);
	rig_follow(&r, (struct trace_follow_options){ .id = "m", .back = TRACE_BACK_BYTES });
	add(&r, 0, "relay", 3, "\"e\":\"queued\",\"id\":\"m\"");
	trace_message(&r.trace, os_heap(r.os), "m");
	assert_int_equal(json_array_size(r.trace.events), 3);
	trace_follow_known(r.f, r.trace.events);
	json_decref(r.trace.events);
	expect(&r, "");
	add_sending(&r, "other", 4);
	add_taken(&r, "h", 5, "b@b");
	add_sent(&r, "m", 6, "h");
	expect(&r, "|m: connection;accepted;attempt;sent;");
	rig_drop(&r);
}

/* More messages than are remembered: each event is said all the same. */
static void test_many(void **state)
{
	struct rig r;
	char text[128];

	(void)state;
	rig_make(&r);
	rig_follow(&r, (struct trace_follow_options){ .all = true });
	for (int i = 0; i < TRACE_MESSAGES_MAX + 100; i++) {
		snprintf(text, sizeof text, "\"e\":\"accepted\",\"s\":\"1\",\"x\":\"1\",\"id\":\"m%d\","
		    "\"from\":\"\",\"recipients\":1", i);
		add(&r, 0, "edge.0", i, text);
	}
	while (trace_follow_turn(r.f)) { }
	for (int i = 0; i < TRACE_MESSAGES_MAX + 100; i++) {
		char want[64];
		int n = snprintf(want, sizeof want, "|m%d: accepted;", i);
		slice bytes = buffer_bytes(&r.said);

		assert_true(slice_starts(bytes, slice_of(want, (size_t)n)));
		buffer_consume(&r.said, (size_t)n);
	}
	expect(&r, "");
	rig_drop(&r);
}

/* `posthouse trace ID`: to other folders only, and to no message twice. */
static void test_message(void **state)
{
	struct rig r;

	(void)state;
	rig_make(&r);
	add_sending(&r, "m1", 1);
	add_sending(&r, "m2", 2);
	add_taken(&r, "m2", 3, "b@b");
	add(&r, 1, "relay", 4, "\"e\":\"sent\",\"id\":\"m2\",\"words\":\"250 queued as m1\"");
	add_taken(&r, "h", 5, "other@b");
	add_sent(&r, "m1", 6, "m2");
	add_sent(&r, "m1", 7, "h");
	trace_message(&r.trace, os_heap(r.os), "m1");
	/* accepted, handed, two of attempt and sent; of Alice's m2 the session, accepted, sent. */
	assert_int_equal(json_array_size(r.trace.events), 9);
	json_decref(r.trace.events);
	rig_drop(&r);
}

UNIT_TESTS(cmocka_unit_test(test_order), cmocka_unit_test(test_rotation),
    cmocka_unit_test(test_lines), cmocka_unit_test(test_hop),
    cmocka_unit_test(test_foreign_words), cmocka_unit_test(test_report),
    cmocka_unit_test(test_which), cmocka_unit_test(test_known), cmocka_unit_test(test_many),
    cmocka_unit_test(test_message))
