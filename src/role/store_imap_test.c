/* role/store_imap_test.c - IMAP sessions of a store: what one changes the others see, what is
 * delivered is pushed, what fails changes nothing. See store_world_test.h. */
#include <zlib.h>

#include "os/os_faulty.h"
#include "role/store_world_test.h"

/* A client whose login the store completes: "a OK". */
static void imap_open(struct client *c, uint64_t account)
{
	adopt_as(c, SERVICE_IMAP, "a", "");
	login(c->nonce, account);
	client_until(c, "a OK [CAPABILITY ");
	client_until(c, "\r\n");
}

/* Say a command with the tag x; returns what comes before its reply, which begins so. */
static slice say(struct client *c, const char *command, const char *reply)
{
	char text[512];
	slice before;

	snprintf(text, sizeof text, "x %s\r\n", command);
	stream_write(c->stream, slice_from(text));
	snprintf(text, sizeof text, "x %s", reply);
	before = client_until(c, "x ");
	c->seen -= 2;
	if (!slice_starts(client_rest(c), slice_from(text)))
		fail_msg("%s: %.*s", command, slice_arg(client_rest(c)));
	client_until(c, "\r\n");
	return before;
}

static bool has(slice text, const char *what)
{
	return slice_find(text, slice_from(what)) < text.len;
}

static void expect(struct client *c, const char *command, const char *what)
{
	slice got = say(c, command, "OK");

	if (!has(got, what))
		fail_msg("%s: no \"%s\" in \"%.*s\"", command, what, slice_arg(got));
}

static void imap_select(struct client *c, const char *name, unsigned exists)
{
	char command[64], words[64];

	snprintf(command, sizeof command, "SELECT %s", name);
	snprintf(words, sizeof words, "* %u EXISTS\r\n", exists);
	expect(c, command, words);
}

static void imap_logout(struct client *c)
{
	say(c, "LOGOUT", "OK");
	for (unsigned i = 0; i < WAIT_MS && !c->closed; i++)
		run_ms(1);
	assert_true(c->closed);
	client_close(c);
}

static void deliver_all(uint32_t first, uint32_t n, uint64_t account, size_t size)
{
	for (uint32_t i = first; i < first + n; i++)
		deliver(i, account, size);
	for (uint32_t i = first; i < first + n; i++)
		assert_int_equal(wait_result(i), DELIVERY_DURABLE);
}

/* Append a message of `size` bytes, and wait for the reply. */
static void append(struct client *c, const char *to, const char *flags, size_t size,
    const char *reply)
{
	slice text = body_text(77, size);
	char line[128];

	snprintf(line, sizeof line, "x APPEND %s %s{%zu+}\r\n", to, flags, text.len);
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

/* ---- */

static void selected_and_fetched(void **state)
{
	static const size_t sizes[] = { 100, 5000, 300 * 1000, 3 * 1000 * 1000, 200 };
	struct client c;

	world_begin(1);
	for (uint32_t i = 0; i < 5; i++)
		deliver_all(i, 1, 7, sizes[i]);
	imap_open(&c, 7);
	imap_select(&c, "INBOX", 5);
	expect(&c, "FETCH 1:* (UID FLAGS)", "* 5 FETCH (UID 5 FLAGS (\\Recent))");
	for (uint32_t i = 0; i < 5; i++) {
		struct buffer want = buffer_init(world.heap, SIZE_MAX / 2);
		slice text = body_text(i, sizes[i]), got;
		char command[64];

		buffer_add(&want, slice_lit("Return-Path: <from@there.example>\r\n"
		    "Delivered-To: to@here\r\nReceived: from there\r\n"));
		buffer_add(&want, text);
		snprintf(command, sizeof command, "FETCH %u BODY.PEEK[]", i + 1);
		got = say(&c, command, "OK");
		got = slice_drop(got, slice_find(got, slice_lit("}\r\n")) + 3);
		assert_true(got.len >= buffer_bytes(&want).len);
		assert_true(slice_starts(got, buffer_bytes(&want)));
		buffer_free(&want);
		heap_free(world.heap, (void *)(uintptr_t)text.ptr);
	}
	expect(&c, "SEARCH SUBJECT \"message 3\"", "SEARCH 4\r\n");
	imap_logout(&c);
	world_end();
}

/* What one stores, the other is told at once in IDLE, and is there in the next life. */
static void flags_are_seen(void **state)
{
	struct client a, b;

	world_begin(1);
	deliver_all(0, 3, 7, 300);
	imap_open(&a, 7);
	imap_open(&b, 7);
	imap_select(&a, "INBOX", 3);
	imap_select(&b, "INBOX", 3);
	client_say(&b, "i IDLE\r\n", "+ idling\r\n");
	expect(&a, "STORE 2 +FLAGS (\\Seen $Junk)", "* 2 FETCH (FLAGS (\\Recent \\Seen $Junk))");
	client_until(&b, "* 2 FETCH (FLAGS (");
	assert_true(has(client_until(&b, "))"), "\\Seen $Junk"));
	/* Messages of a flight, and a change that changes nothing. */
	deliver_all(3, 1, 7, 300);
	client_until(&b, "* 4 EXISTS\r\n");
	say(&a, "STORE 2 +FLAGS.SILENT (\\Seen)", "OK");
	client_say(&b, "DONE\r\n", "i OK");
	/* Only what nobody changed meanwhile. */
	say(&a, "STORE 2 (UNCHANGEDSINCE 1) +FLAGS (\\Flagged)", "OK [MODIFIED 2]");
	client_close(&a);
	client_close(&b);
	cut_power();
	imap_open(&a, 7);
	imap_select(&a, "INBOX", 4);
	expect(&a, "FETCH 2 FLAGS", "\\Seen $Junk");
	expect(&a, "SEARCH KEYWORD $Junk", "SEARCH 2\r\n");
	imap_logout(&a);
	world_end();
}

static void appended(void **state)
{
	struct client a, b;
	char text[128];
	slice got;

	world_begin(1);
	imap_open(&a, 7);
	imap_open(&b, 7);
	imap_select(&b, "INBOX", 0);
	client_say(&b, "i IDLE\r\n", "+ idling\r\n");
	append(&a, "INBOX", "(\\Seen $Todo) \"02-Jan-2020 03:04:05 +0000\" ", 400, "x OK [APPENDUID ");
	client_until(&b, "* 1 EXISTS\r\n");
	append(&a, "INBOX", "", 2 * 1000 * 1000, "x OK [APPENDUID ");
	client_until(&b, "* 2 EXISTS\r\n");
	append(&a, "Nothing", "", 400, "x NO [TRYCREATE]");
	/* Two in one command. */
	stream_write(a.stream, slice_lit("x APPEND INBOX {10+}\r\nA: b\r\n\r\nc\n {11+}\r\nA: b\r\n\r\nd\r\n\r\n"));
	client_until(&a, "x OK [APPENDUID ");
	assert_true(has(client_until(&a, "]"), " 3:4"));
	client_until(&a, "\r\n");
	client_until(&b, "* 4 EXISTS\r\n");
	client_close(&b);
	for (int life = 0; life < 2; life++) {
		imap_select(&a, "INBOX", 4);
		expect(&a, "FETCH 1 (FLAGS INTERNALDATE)", " 2-Jan-2020 03:04:05 +0000");
		expect(&a, "FETCH 1 FLAGS", "\\Seen $Todo");
		got = say(&a, "FETCH 2 BODY.PEEK[]", "OK");
		snprintf(text, sizeof text, "{%zu}", (size_t)2 * 1000 * 1000);
		assert_true(has(got, "Subject: message 77\r\n"));
		expect(&a, "FETCH 4 BODY.PEEK[TEXT]", "d\r\n");
		imap_logout(&a);
		if (life == 0)
			kill_store();
		else
			cut_power();
		imap_open(&a, 7);
	}
	client_close(&a);
	world_end();
}

static void copied_and_moved(void **state)
{
	struct client a, b, c;

	world_begin(1);
	deliver_all(0, 6, 7, 300);
	imap_open(&a, 7);
	imap_open(&b, 7);
	imap_open(&c, 7);
	say(&a, "CREATE Lists/One", "OK");
	expect(&a, "LIST \"\" *", " \"Lists\"\r\n");
	imap_select(&a, "INBOX", 6);
	imap_select(&b, "INBOX", 6);
	imap_select(&c, "Lists/One", 0);
	client_say(&b, "i IDLE\r\n", "+ idling\r\n");
	client_say(&c, "i IDLE\r\n", "+ idling\r\n");
	say(&a, "COPY 1:2 Lists/One", "OK [COPYUID ");
	client_until(&c, "* 2 EXISTS\r\n");
	expect(&a, "MOVE 5:6 Lists/One", "* 5 EXPUNGE");
	client_until(&b, "* 5 EXPUNGE\r\n");
	client_until(&c, "* 4 EXISTS\r\n");
	say(&a, "STORE 1 +FLAGS (\\Deleted)", "OK");
	expect(&a, "EXPUNGE", "* 1 EXPUNGE\r\n");
	client_until(&b, "* 1 EXPUNGE\r\n");
	say(&a, "COPY 1 Nowhere", "NO [TRYCREATE]");
	client_say(&c, "DONE\r\n", "i OK");
	assert_true(has(say(&c, "FETCH 4 BODY.PEEK[HEADER.FIELDS (Subject)]", "OK"), "message 5"));
	/* It is deleted under its feet. */
	say(&a, "RENAME Lists/One Lists/Two", "OK");
	say(&c, "NOOP", "OK");
	say(&a, "DELETE Lists/Two", "OK");
	stream_write(c.stream, slice_lit("x NOOP\r\n"));
	client_until(&c, "BYE");
	client_close(&a);
	client_close(&b);
	client_close(&c);
	cut_power();
	imap_open(&a, 7);
	imap_select(&a, "INBOX", 3);
	expect(&a, "LIST \"\" *", " \"Lists\"\r\n");
	imap_logout(&a);
	world_end();
}

/* A disk that fails: NO, and all is as it was; then it works again. */
static void a_change_that_fails(void **state)
{
	struct sim_faults faults = { .sync_error = 1 }, none = { 0 };
	struct client a, b;

	for (uint64_t seed = 1; seed < 4; seed++) {
		world_begin(seed);
		deliver_all(0, 4, 7, 300);
		imap_open(&a, 7);
		imap_open(&b, 7);
		imap_select(&a, "INBOX", 4);
		imap_select(&b, "INBOX", 4);
		client_say(&b, "i IDLE\r\n", "+ idling\r\n");
		sim_set_faults(world.sim, &faults);
		say(&a, "STORE 1:4 +FLAGS.SILENT (\\Deleted)", "NO [UNAVAILABLE]");
		append(&a, "INBOX", "", 400, "x NO [UNAVAILABLE]");
		sim_set_faults(world.sim, &none);
		run_ms(STORE_RETRY_MAX_MS + 1000);
		expect(&a, "FETCH 1 FLAGS", "FLAGS (");
		expect(&a, "SEARCH DELETED", "SEARCH\r\n");
		assert_int_equal(client_rest(&b).len, 0);
		say(&a, "STORE 2 +FLAGS.SILENT (\\Deleted)", "OK");
		expect(&a, "EXPUNGE", "* 2 EXPUNGE\r\n");
		client_until(&b, "* 2 EXPUNGE\r\n");
		append(&a, "INBOX", "", 400, "x OK [APPENDUID ");
		client_until(&b, "* 4 EXISTS\r\n");
		client_close(&a);
		client_close(&b);
		cut_power();
		imap_open(&a, 7);
		imap_select(&a, "INBOX", 4);
		imap_logout(&a);
		world_end();
	}
}

static void the_account_is_removed(void **state)
{
	struct client a, b;

	world_begin(1);
	deliver_all(0, 2, 7, 300);
	imap_open(&a, 7);
	imap_open(&b, 7);
	imap_select(&a, "INBOX", 2);
	imap_select(&b, "INBOX", 2);
	client_say(&b, "i IDLE\r\n", "+ idling\r\n");
	stream_write(a.stream, slice_lit("x STORE 1 +FLAGS (\\Seen)\r\nx FETCH 1:* BODY[]\r\n"));
	remove_account(7);
	client_until(&b, "* BYE [EXPIRED]");
	for (unsigned i = 0; i < WAIT_MS && !(a.closed && b.closed); i++)
		run_ms(1);
	assert_true(a.closed && b.closed);
	client_close(&a);
	client_close(&b);
	adopt_as(&a, SERVICE_IMAP, "a", "");
	login(a.nonce, 7);
	client_until(&a, "BYE");
	client_close(&a);
	world_end();
}

/* POP3 beside IMAP: each sees what the other did, in its own time. */
static void beside_pop3(void **state)
{
	struct client a, p;

	world_begin(1);
	deliver_all(0, 3, 7, 300);
	imap_open(&a, 7);
	imap_select(&a, "INBOX", 3);
	client_say(&a, "i IDLE\r\n", "+ idling\r\n");
	client_open(&p, 7);
	client_until(&p, "+OK");
	client_say(&p, "DELE 2\r\n", "+OK");
	client_quit(&p);
	client_until(&a, "* 2 EXPUNGE\r\n");
	client_say(&a, "DONE\r\n", "i OK");
	say(&a, "CREATE Other", "OK");
	say(&a, "MOVE 1 Other", "OK");
	client_open(&p, 7);
	client_until(&p, "+OK");
	client_say(&p, "STAT\r\n", "+OK 1 ");
	client_quit(&p);
	imap_logout(&a);
	world_end();
}

/* \Recent goes to the first session that selects, also in the next life. */
static void recent_once(void **state)
{
	struct client a, b;

	world_begin(1);
	deliver_all(0, 2, 7, 300);
	imap_open(&a, 7);
	imap_open(&b, 7);
	expect(&a, "SELECT INBOX", "* 2 RECENT\r\n");
	expect(&b, "SELECT INBOX", "* 0 RECENT\r\n");
	say(&b, "UNSELECT", "OK");
	imap_logout(&a);
	imap_logout(&b);
	run_ms(5000);
	deliver_all(2, 1, 7, 300);
	cut_power();
	imap_open(&a, 7);
	expect(&a, "STATUS INBOX (RECENT)", "RECENT 1");
	expect(&a, "SELECT INBOX", "* 1 RECENT\r\n");
	imap_logout(&a);
	world_end();
}

/* Sessions that end while something of theirs is under way. */
static void they_leave_in_the_middle(void **state)
{
	static const char *const last[] = {
		"x STORE 1:* +FLAGS (\\Seen)\r\n", "x FETCH 1:* BODY[]\r\n", "x EXPUNGE\r\n",
		"x APPEND INBOX {100000+}\r\nhalf", "x APPEND INBOX {3+}\r\nabc\r\n",
		"x SEARCH TEXT nothing\r\n", "x CREATE a/b/c\r\n", "x MOVE 1 x\r\n",
		"x IDLE\r\n", "x COMPRESS DEFLATE\r\n",
	};
	struct client a;

	world_begin(1);
	deliver_all(0, 20, 7, 100 * 1000);
	for (size_t i = 0; i < sizeof last / sizeof *last; i++) {
		for (unsigned wait = 0; wait < 4; wait++) {
			imap_open(&a, 7);
			expect(&a, "SELECT INBOX", "EXISTS");
			stream_write(a.stream, slice_from(last[i]));
			run_ms(wait);
			stream_destroy(a.stream);
			buffer_free(&a.got);
		}
	}
	run_ms(1000);
	imap_open(&a, 7);
	expect(&a, "LIST \"\" *", " \"a/b/c\"\r\n");
	expect(&a, "SELECT INBOX", "EXISTS");
	expect(&a, "SEARCH UNSEEN 1:20", "SEARCH\r\n");
	imap_logout(&a);
	world_end();
}

/* Both ways are raw DEFLATE behind the reply to COMPRESS. */
static void compressed(void **state)
{
	static unsigned char packed[4096], plain[1 << 20];
	z_stream out = { 0 }, in = { 0 };
	struct client c;
	slice got;

	world_begin(1);
	deliver_all(0, 30, 7, 20 * 1000);
	imap_open(&c, 7);
	say(&c, "COMPRESS DEFLATE", "OK");
	assert_int_equal(deflateInit2(&out, 6, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY), Z_OK);
	assert_int_equal(inflateInit2(&in, -15), Z_OK);
	in.next_out = plain;
	in.avail_out = sizeof plain;
	for (int i = 0; i < 3; i++) {
		static const char *const lines[] = { "y SELECT INBOX\r\n",
		    "y FETCH 1:* BODY.PEEK[]\r\n", "y LOGOUT\r\n" };

		out.next_in = (Bytef *)(uintptr_t)lines[i];
		out.avail_in = (uInt)strlen(lines[i]);
		out.next_out = packed;
		out.avail_out = sizeof packed;
		assert_int_equal(deflate(&out, Z_SYNC_FLUSH), Z_OK);
		/* In two pieces. */
		stream_write(c.stream, slice_of(packed, 3));
		run_ms(1);
		stream_write(c.stream, slice_of(packed + 3, sizeof packed - out.avail_out - 3));
		for (unsigned ms = 0; ms < 2000; ms++) {
			got = client_rest(&c);
			in.next_in = (Bytef *)(uintptr_t)got.ptr;
			in.avail_in = (uInt)got.len;
			(void)inflate(&in, Z_SYNC_FLUSH);
			c.seen += got.len - in.avail_in;
			got = slice_of(plain, sizeof plain - in.avail_out);
			if (has(got, "y OK"))
				break;
			run_ms(1);
		}
		assert_true(has(got, "y OK"));
		assert_true(i != 1 || (has(got, "message 29\r\n") && has(got, "* 30 FETCH")));
		in.next_out = plain;
		in.avail_out = sizeof plain;
	}
	for (unsigned i = 0; i < WAIT_MS && !c.closed; i++)
		run_ms(1);
	assert_true(c.closed);
	deflateEnd(&out);
	inflateEnd(&in);
	client_close(&c);
	/* What is none ends the session, and only that. */
	imap_open(&c, 7);
	say(&c, "COMPRESS DEFLATE", "OK");
	stream_write(c.stream, slice_lit("y NOOP\r\n\xff\xff\xff\xff"));
	for (unsigned i = 0; i < WAIT_MS && !c.closed; i++)
		run_ms(1);
	assert_true(c.closed);
	client_close(&c);
	world_end();
}

/* Nobody who only looks on keeps a store from its end. */
static void drains(void **state)
{
	struct client a;

	world_begin(1);
	deliver_all(0, 1, 7, 300);
	imap_open(&a, 7);
	imap_select(&a, "INBOX", 1);
	client_say(&a, "i IDLE\r\n", "+ idling\r\n");
	keeper_drain(world.keeper, 60 * 1000);
	for (int i = 0; i < 5000 && !world.ended; i++)
		run_ms(1);
	assert_true(world.ended);
	buffer_free(&a.got);    /* the stream went with the edge */
	world_end();
}

UNIT_TESTS(cmocka_unit_test(selected_and_fetched), cmocka_unit_test(flags_are_seen),
    cmocka_unit_test(appended), cmocka_unit_test(copied_and_moved),
    cmocka_unit_test(a_change_that_fails), cmocka_unit_test(the_account_is_removed),
    cmocka_unit_test(beside_pop3), cmocka_unit_test(recent_once),
    cmocka_unit_test(they_leave_in_the_middle), cmocka_unit_test(compressed),
    cmocka_unit_test(drains))
