/* role/store_imap_test.c - IMAP sessions of a store: what one changes the others see, what is
 * delivered is pushed, what fails changes nothing. See store_world_test.h, store_imap_world_test.h. */
#include <zlib.h>

#include "account/slot.h"
#include "role/store_imap_world_test.h"

/* ---- */

static bool open_alone(struct client *c, uint64_t account)
{
	adopt_with(c, SERVICE_IMAP, ADOPT_LOOPBACK | ADOPT_ALONE, "a", "");
	login(c->nonce, account);
	client_until(c, " ");
	if (has(client_rest(c), "OK"))
		return true;
	client_until(c, "BYE [INUSE] ");
	client_close(c);
	return false;
}

static unsigned count_inbox(struct client *c)
{
	return has(say(c, "STATUS INBOX (MESSAGES)", "OK"), "(MESSAGES 1)");
}

/* One sends a message and goes without a word, after a while. The next one is let in when it
 * is there, or never will be. */
static bool alone_after(unsigned ms)
{
	struct client one, two;
	char line[64];
	unsigned n;
	slice text;

	world_begin(1 + ms);
	text = body_text(1, 30000);
	assert_true(open_alone(&one, 7));
	snprintf(line, sizeof line, "T7 APPEND INBOX {%zu+}\r\n", text.len);
	stream_write(one.stream, slice_from(line));
	stream_write(one.stream, text);
	stream_write(one.stream, slice_lit("\r\n"));
	run_ms(ms);
	stream_end(one.stream);
	while (!open_alone(&two, 7))
		run_ms(1);
	client_until(&two, "\r\n");
	n = count_inbox(&two);
	run_ms(5000);
	assert_int_equal(count_inbox(&two), n);
	imap_logout(&two);
	client_close(&one);
	world_end();
	return n == 1;
}

/* Of those that want to be alone there is one, beside any others. */
static void alone(void **state)
{
	struct client one, two, other;
	unsigned there = 0;

	world_begin(1);
	imap_open(&other, 7);
	assert_true(open_alone(&one, 7));
	client_until(&one, "\r\n");
	assert_false(open_alone(&two, 7));
	imap_select(&other, "INBOX", 0);
	imap_logout(&one);
	assert_true(open_alone(&two, 7));
	client_close(&two);
	client_close(&other);
	world_end();
	for (unsigned ms = 0; ms < 40; ms++)
		there += alone_after(ms);
	assert_in_range(there, 1, 39);
}

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
	/* .SILENT, but for what another one changed meanwhile. */
	say(&a, "STORE 1 +FLAGS (\\Flagged)", "OK");
	assert_true(has(say(&b, "STORE 1 +FLAGS.SILENT (\\Answered)", "OK"), "\\Flagged"));
	assert_false(has(say(&b, "STORE 1 -FLAGS.SILENT (\\Answered)", "OK"), "* 1 FETCH"));
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
	append(&a, "INBOX", "(\\Seen $Todo) \"02-Jan-2020 03:04:05 +0000\" ", 400, "T7 OK [APPENDUID ");
	client_until(&b, "* 1 EXISTS\r\n");
	append(&a, "INBOX", "", 2 * 1000 * 1000, "T7 OK [APPENDUID ");
	client_until(&b, "* 2 EXISTS\r\n");
	append(&a, "Nothing", "", 400, "T7 NO [TRYCREATE]");
	/* Two in one command. */
	stream_write(a.stream, slice_lit("T7 APPEND INBOX {10+}\r\nA: b\r\n\r\nc\n {11+}\r\nA: b\r\n\r\nd\r\n\r\n"));
	client_until(&a, "T7 OK [APPENDUID ");
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
	stream_write(c.stream, slice_lit("T7 NOOP\r\n"));
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
		append(&a, "INBOX", "", 400, "T7 NO [UNAVAILABLE]");
		sim_set_faults(world.sim, &none);
		run_ms(STORE_RETRY_MAX_MS + 1000);
		expect(&a, "FETCH 1 FLAGS", "FLAGS (");
		expect(&a, "SEARCH DELETED", "SEARCH\r\n");
		assert_int_equal(client_rest(&b).len, 0);
		say(&a, "STORE 2 +FLAGS.SILENT (\\Deleted)", "OK");
		expect(&a, "EXPUNGE", "* 2 EXPUNGE\r\n");
		client_until(&b, "* 2 EXPUNGE\r\n");
		append(&a, "INBOX", "", 400, "T7 OK [APPENDUID ");
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
	stream_write(a.stream, slice_lit("T7 STORE 1 +FLAGS (\\Seen)\r\nT7 FETCH 1:* BODY[]\r\n"));
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

/* \Recent goes to the first session that selects, or is told; also in the next life. */
static void recent_once(void **state)
{
	struct client a, b;

	world_begin(1);
	deliver_all(0, 2, 7, 300);
	imap_open(&a, 7);
	imap_open(&b, 7);
	expect(&a, "SELECT INBOX", "* 2 RECENT\r\n");
	expect(&b, "SELECT INBOX", "* 0 RECENT\r\n");
	/* Nor is what comes while both look on told to both; a reader only takes nothing. */
	say(&b, "EXAMINE INBOX", "OK");
	client_say(&b, "i IDLE\r\n", "+ idling\r\n");
	deliver_all(2, 1, 7, 300);
	client_until(&b, "* 3 EXISTS\r\n* 1 RECENT\r\n");
	client_say(&b, "DONE\r\n", "i OK");
	expect(&a, "NOOP", "* 3 EXISTS\r\n* 3 RECENT\r\n");
	expect(&b, "SELECT INBOX", "* 0 RECENT\r\n");
	client_say(&a, "i IDLE\r\n", "+ idling\r\n");
	client_say(&b, "i IDLE\r\n", "+ idling\r\n");
	deliver_all(3, 1, 7, 300);
	client_until(&a, "* 4 EXISTS\r\n");
	client_until(&b, "* 4 EXISTS\r\n");
	client_say(&a, "DONE\r\n", "i OK");
	client_say(&b, "DONE\r\n", "i OK");
	expect(&a, "SEARCH RECENT", "* SEARCH 1 2 3 4\r\n");
	expect(&b, "SEARCH RECENT", "* SEARCH\r\n");
	say(&b, "UNSELECT", "OK");
	imap_logout(&a);
	imap_logout(&b);
	run_ms(5000);
	deliver_all(4, 1, 7, 300);
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
		"T7 STORE 1:* +FLAGS (\\Seen)\r\n", "T7 FETCH 1:* BODY[]\r\n", "T7 EXPUNGE\r\n",
		"T7 APPEND INBOX {100000+}\r\nhalf", "T7 APPEND INBOX {3+}\r\nabc\r\n",
		"T7 SEARCH TEXT nothing\r\n", "T7 CREATE a/b/c\r\n", "T7 MOVE 1 x\r\n",
		"T7 IDLE\r\n", "T7 COMPRESS DEFLATE\r\n",
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

static void expect_in_order(struct client *c, unsigned n)
{
	slice got = client_until(c, "T7 OK");
	char line[32];

	for (unsigned i = 1; i <= n; i++) {
		size_t at;

		snprintf(line, sizeof line, "* %u FETCH (", i);
		at = slice_find(got, slice_from(line));
		if (at == got.len)
			fail_msg("\"%s\" does not follow", line);
		got = slice_drop(got, at);
	}
}

/* Whole messages are unpacked by two threads, while there are free ones: some sessions have one, or
 * none, or leave then. */
static void halves_of_a_work(void **state)
{
	enum { SESSIONS = 4, MESSAGES = 40 };
	struct client c[SESSIONS];

	world_begin(1);
	deliver_all(0, MESSAGES, 7, 30 * 1000);
	for (unsigned wait = 0; wait < 6; wait++) {
		for (int i = 0; i < SESSIONS; i++) {
			imap_open(&c[i], 7);
			imap_select(&c[i], "INBOX", MESSAGES);
		}
		for (int i = 0; i < SESSIONS; i++)
			stream_write(c[i].stream, slice_lit("T7 FETCH 1:* (BODY.PEEK[] FLAGS)\r\n"));
		run_ms(wait);
		stream_destroy(c[wait % SESSIONS].stream);
		buffer_free(&c[wait % SESSIONS].got);
		for (int i = 0; i < SESSIONS; i++) {
			if (i == (int)wait % SESSIONS)
				continue;
			expect_in_order(&c[i], MESSAGES);
			client_until(&c[i], "\r\n");
			imap_logout(&c[i]);
		}
	}
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

/* Silence: a while of it, but not in the middle of a message. */
static void silent_ones_end(void **state)
{
	struct client a, b;

	world_begin(1);
	imap_open(&a, 7);
	imap_open(&b, 7);
	imap_select(&a, "INBOX", 0);
	client_say(&a, "i IDLE\r\n", "+ idling\r\n");
	stream_write(b.stream, slice_lit("T7 APPEND INBOX {1000+}\r\nhalf"));
	run_ms(world.config.session_timeout_s * 1000ULL - 5000);
	assert_false(b.closed);
	run_ms(10 * 1000);
	assert_true(b.closed);
	run_ms((world.config.imap_timeout_s - world.config.session_timeout_s) * 1000ULL - 20000);
	assert_false(a.closed);
	run_ms(30 * 1000);
	assert_true(a.closed && has(client_rest(&a), "* BYE"));
	client_close(&a);
	client_close(&b);
	world_end();
}

/* A client that asks for everything is not in the way of one who asks for nothing; and what
 * many who only look on cost. */
static void many_sessions(void **state)
{
	enum { SESSIONS = 100 };
	static struct client c[SESSIONS];
	size_t before, each;

	world_begin(1);
	deliver_all(0, 30, 7, 10 * 1000);
	imap_open(&c[0], 7);
	imap_select(&c[0], "INBOX", 30);
	before = heap_used(os_heap(store_os()));
	for (int i = 1; i < SESSIONS; i++) {
		imap_open(&c[i], 7);
		imap_select(&c[i], "INBOX", 30);
		client_say(&c[i], "i IDLE\r\n", "+ idling\r\n");
	}
	each = (heap_used(os_heap(store_os())) - before) / (SESSIONS - 1);
	print_message("# a session in IDLE: %zu bytes\n", each);
	assert_true(each < 8 * 1024);
	deliver_all(30, 1, 7, 300);
	for (int i = 1; i < SESSIONS; i++)
		client_until(&c[i], "* 31 EXISTS\r\n");
	say(&c[0], "NOOP", "OK");
	say(&c[0], "STORE 31 +FLAGS (\\Seen)", "OK");
	for (int i = 1; i < SESSIONS; i++) {
		client_until(&c[i], "* 31 FETCH (FLAGS (\\");
		client_say(&c[i], "DONE\r\n", "i OK");
		stream_write(c[i].stream, slice_lit("T7 FETCH 1:* BODY.PEEK[]\r\n"));
	}
	stream_write(c[0].stream, slice_lit("T7 NOOP\r\n"));
	for (int i = 0; i < 3; i++)
		run_ms(1);
	assert_true(slice_find(client_rest(&c[0]), slice_lit("T7 OK")) < client_rest(&c[0]).len);
	for (int i = 1; i < SESSIONS; i++)
		client_until(&c[i], "T7 OK");
	for (int i = 0; i < SESSIONS; i++)
		client_close(&c[i]);
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

/* POP3 and IMAP together; other accounts, trusted networks and administrators go on. */
static void an_account_has_so_many_sessions(void **state)
{
	static const unsigned char far[16] = { [10] = 0xff, 0xff, 192, 0, 2, 1 };
	static const unsigned char near[16] = { [10] = 0xff, 0xff, 127, 0, 0, 1 };
	struct client a, b, p, more, others[3];

	world_begin_as(1, "limit.sessions_per_account = 4\n");
	deliver_all(0, 1, 7, 300);
	memcpy(world.peer_ip, far, sizeof far);
	imap_open(&a, 7);
	imap_open(&b, 7);
	client_open(&p, 7);
	client_until(&p, "+OK");
	client_open(&others[0], 7);             /* it waits for the mailbox */
	run_ms(1);
	adopt_as(&more, SERVICE_IMAP, "a1", "");
	login(more.nonce, 7);
	client_until(&more, "a1 NO [LIMIT] This account has too many sessions; try again later\r\n* BYE ");
	client_close(&more);
	client_open(&more, 7);
	client_until(&more, "-ERR [SYS/TEMP] This account has too many sessions");
	client_close(&more);
	client_until(&others[0], "-ERR [IN-USE]");
	client_close(&others[0]);
	imap_open(&others[0], 8);
	memcpy(world.peer_ip, near, sizeof near);
	for (size_t i = 1; i < 3; i++) {
		imap_open(&others[i], 7);
		memset(world.peer_ip, 0, sizeof near);
	}
	memcpy(world.peer_ip, far, sizeof far);
	imap_open(&more, 7);
	imap_logout(&more);
	client_quit(&p);
	imap_open(&more, 7);
	imap_select(&more, "INBOX", 1);
	imap_logout(&more);
	for (size_t i = 0; i < 3; i++)
		imap_logout(&others[i]);
	imap_logout(&a);
	imap_logout(&b);
	world_end();
}

UNIT_TESTS(cmocka_unit_test(an_account_has_so_many_sessions), cmocka_unit_test(alone),
    cmocka_unit_test(selected_and_fetched), cmocka_unit_test(flags_are_seen),
    cmocka_unit_test(appended), cmocka_unit_test(copied_and_moved),
    cmocka_unit_test(a_change_that_fails), cmocka_unit_test(the_account_is_removed),
    cmocka_unit_test(beside_pop3), cmocka_unit_test(recent_once),
    cmocka_unit_test(they_leave_in_the_middle), cmocka_unit_test(halves_of_a_work), cmocka_unit_test(compressed),
    cmocka_unit_test(silent_ones_end), cmocka_unit_test(many_sessions), cmocka_unit_test(drains))
