/* role/edge_body_test.c - how the edge takes messages: large, in pieces, cut off, and while disks and
 * other roles fail. */
#include "os/os_impl.h"
#include "role/edge_world_test.h"

/* Lines of a text that does not compress away, with dots. */
static slice long_text(size_t size, bool stuffed)
{
	struct buffer b = buffer_init(world.heap, size + 200);
	uint64_t x = 1;

	buffer_add(&b, slice_lit("Subject: long\r\n\r\n"));
	while (buffer_bytes(&b).len < size) {
		for (unsigned i = 0; i < 8; i++) {
			x = x * 6364136223846793005u + 1442695040888963407u;
			if (i == 0 && x >> 60 == 1)
				buffer_add(&b, stuffed ? slice_lit("..") : slice_lit("."));
			buffer_printf(&b, "%08x", (unsigned)(x >> 32));
		}
		buffer_add(&b, slice_lit("\r\n"));
	}
	return buffer_bytes(&b);
}

static void send_long(size_t size, const char *reply)
{
	struct client c;

	client_open(&c, "10.0.0.1:25");
	say_mail(&c);
	client_send(&c, long_text(size, true));
	client_say(&c, ".\r\n", reply);
	client_close(&c);
}

static void test_large(void **state)
{
	static const size_t sizes[] = { 100, BODY_FRAME_RAW - 80, BODY_FRAME_RAW,
	    BODY_FRAME_RAW + 1, 2 * BODY_FRAME_RAW, 3000000 };
	unsigned n = sizeof sizes / sizeof sizes[0];

	world_begin("");
	for (unsigned i = 0; i < n; i++) {
		send_long(sizes[i], "250 2.0.0 ");
		assert_int_equal(world.n_messages, i + 1);
		assert_int_equal(world.messages[i].spooled, body_of(i).len > BODY_FRAME_RAW);
		if (long_text(sizes[i], false).len != body_of(i).len)
			continue;       /* stuffing made the sent one stop earlier */
		assert_slice(body_of(i), long_text(sizes[i], false));
	}
	assert_int_equal(world.drops, 0);
	world.no_spools = true;
	send_long(1000000, "452 4.3.1 ");
	assert_int_equal(world.n_messages, n);
	world_end();
}

#define NEXT_TO_DATA "MAIL FROM:<x@there.example>\r\nRCPT TO:<bob@here.example>\r\nDATA\r\n"

static unsigned acknowledged;

static void count_acknowledged(struct os *os, int fd)
{
	acknowledged++;
}

/* Pieces of a message are acknowledged when they come: the client's kernel may hold back the next. */
static void test_pieces(void **state)
{
	const struct os_ops *real;
	struct os_ops counting;
	struct client c;

	world_begin("");
	real = edge_os()->ops;
	counting = *real;
	counting.acknowledge = count_acknowledged;
	edge_os()->ops = &counting;
	acknowledged = 0;
	client_open(&c, "10.0.0.1:25");
	client_expect(&c, "220 ");
	client_say(&c, "EHLO there.example\r\n", "250 ");
	client_say(&c, NEXT_TO_DATA, "354 ");
	assert_int_equal(acknowledged, 0);
	stream_write(c.stream, slice_lit("Subject: x\r\n\r\n"));
	run_ms(100);
	assert_true(acknowledged > 0);
	client_say(&c, "text\r\n.\r\n", "250 2.0.0 ");
	client_close(&c);
	edge_os()->ops = real;
	world_end();
}

static void test_too_large(void **state)
{
	world_begin("limit.message_size = 1M\n");
	send_long(1100000, "552 5.3.4 ");
	assert_int_equal(world.n_messages, 0);
	assert_int_equal(world.drops, 1);
	world_end();
}

/* The n-th write or sync fails, for all n: never a 250 without its record, and
 * the next message goes into a new segment. Each message is a write and a sync. */
static void test_disk_fails(void **state)
{
	enum { COUNT = 3 };

	for (unsigned n = 1; n <= 2 * COUNT + 1; n++) {
		static struct os_faulty faulty;
		bool fires = n <= 2 * COUNT;
		struct client c;

		world_begin("");
		os_faulty_wrap(&faulty, edge_os());
		os_faulty_arm(&faulty, FAULT_WRITE | FAULT_SYNC, n, -EIO);
		client_open(&c, "10.0.0.1:25");
		client_expect(&c, "220 ");
		client_say(&c, "HELO c\r\n", "250 ");
		for (unsigned i = 0; i < COUNT; i++) {
			client_say(&c, NEXT_TO_DATA, "354 ");
			client_say(&c, TEXT ".\r\n", i == (n - 1) / 2 ? "451 4.3.0 " :
			    "250 2.0.0 Ok: queued");
		}
		assert_int_equal(os_faulty_fired(&faulty), fires);
		assert_int_equal(world.aborts, fires);
		assert_int_equal(world.n_messages, fires ? COUNT - 1 : COUNT);
		client_close(&c);
		os_faulty_unwrap(&faulty);
		world_end();
	}
}

static void test_segments(void **state)
{
	enum { COUNT = 50 };
	struct client c;

	world_begin("");
	client_open(&c, "10.0.0.1:25");
	client_expect(&c, "220 ");
	client_say(&c, "HELO c\r\n", "250 ");
	for (unsigned i = 0; i < COUNT; i++) {
		client_say(&c, NEXT_TO_DATA, "354 ");
		client_send(&c, long_text(240000, true));
		client_say(&c, ".\r\n", "250 2.0.0 ");
	}
	assert_int_equal(world.n_messages, COUNT);
	assert_true(world.ends >= 1);
	/* A segment too small for a message refuses it, and serves others. */
	world.segment_size = 64 * 1024;
	sim_kill(world.router->os);
	run_ms(2000);
	client_say(&c, NEXT_TO_DATA, "354 ");
	client_send(&c, long_text(240000, true));
	client_say(&c, ".\r\n", "451 4.3.0 ");
	client_say(&c, NEXT_TO_DATA, "354 ");
	client_say(&c, TEXT ".\r\n", "250 2.0.0 ");
	client_close(&c);
	world_end();
}

/* No router, no segment: 452 after a while, and all is well once it is back. */
static void test_no_segment(void **state)
{
	struct client c;

	world_begin("");
	world.no_segments = true;
	sim_kill(world.router->os);
	run_ms(1000);
	client_open(&c, "10.0.0.1:25");
	say_mail(&c);
	client_say(&c, TEXT ".\r\n", "452 4.3.1 ");
	world.no_segments = false;
	sim_kill(world.router->os);
	run_ms(3000);
	client_say(&c, "MAIL FROM:<>\r\nRCPT TO:<bob@here.example>\r\nDATA\r\n", "354 ");
	client_say(&c, TEXT ".\r\n", "250 2.0.0 ");
	assert_int_equal(world.n_messages, 1);
	client_close(&c);
	world_end();
}

/* Records in all segments, whoever announced them. */
static unsigned count_records(void)
{
	unsigned n = 0;

	for (unsigned i = 1; i <= world.generation; i++) {
		const struct segment *segment = &world.segments[i];
		unsigned char *bytes = heap_alloc(world.heap, segment->head.size);
		struct log_reader reader;
		struct log_record record;
		uint32_t from, to, need;
		char path[32];
		ssize_t len;
		int fd;

		snprintf(path, sizeof path, "root/%u.log", i);
		fd = os_open(world.os, OS_ROOT, path, OS_READ);
		len = os_pread(world.os, fd, bytes, segment->head.size, 0);
		log_reader_init(&reader, &segment->head, segment->head.size);
		while (log_next(&reader, slice_of(bytes, (size_t)len), 0, true, &record, &from, &to,
		    &need) == LOG_RECORD)
			n++;
		os_close(world.os, fd);
		heap_free(world.heap, bytes);
	}
	return n;
}

/* The router dies at any moment of a commit: the reply says what the journal
 * holds. Each try strikes a little later. */
static void test_router_dies(void **state)
{
	enum { TRIES = 60, LATER_US = 200 };
	unsigned taken = 0;

	for (unsigned i = 0; i < TRIES; i++) {
		struct client c;
		bool yes;

		world_begin("");
		client_open(&c, "10.0.0.1:25");
		say_mail(&c);
		client_expect(&c, "\r\n");
		client_send(&c, slice_lit(TEXT ".\r\n"));
		sim_run_until(world.sim, sim_now_us(world.sim) + i * LATER_US);
		sim_kill(world.router->os);
		client_expect(&c, "\r\n");
		yes = slice_find(buffer_bytes(&c.got), slice_lit("250 2.0.0 Ok: queued")) <
		    buffer_bytes(&c.got).len;
		taken += yes;
		run_ms(5000);
		assert_int_equal(count_records(), yes);
		client_close(&c);
		world_end();
	}
	print_message("# %u of %d taken\n", taken, TRIES);
	assert_true(taken > 0);
}

/* The client goes at any moment of a large message: nothing of it stays in
 * memory, its spool file is dropped or belongs to a record. */
/* The end that never comes: of the input, of the connection, of patience. */
static void test_cut(void **state)
{
	enum { SHUT, CLOSE, WAIT, WAYS };

	for (int way = 0; way < 2 * WAYS; way++) {
		bool lenient = way < WAYS;
		struct client c;
		size_t before;

		world_begin(lenient ? A_MOCK : "");
		send_long(1000, "250 2.0.0 ");
		run_ms(1000);
		before = heap_used(os_heap(edge_os()));
		client_open(&c, "10.0.0.1:25");
		client_expect(&c, "220 ");
		client_send(&c, slice_lit(MAIL_TO_DATA "Subject: s\r\n\r\nthe la"));
		client_expect(&c, "354 ");
		if (way % WAYS == SHUT)
			assert_int_equal(os_shutdown(world.client_os, c.fd), 0);
		if (way % WAYS == CLOSE)
			client_close(&c);
		else
			client_expect_closed(&c);
		run_ms(5000);
		assert_int_equal(world.n_messages, lenient ? 2 : 1);
		if (lenient)
			assert_slice(world.messages[1].body,
			    slice_lit("Subject: s\r\n\r\nthe la\r\n"));
		if (way % WAYS != CLOSE)
			client_close(&c);
		run_ms(5000);
		assert_true(heap_used(os_heap(edge_os())) <= before);
		world_end();
	}
}

/* The line end that a cut message lacks may be what makes it too large for memory. */
static void test_cut_large(void **state)
{
	world_begin(A_MOCK);
	for (unsigned i = 0; i < 5; i++) {
		size_t size = BODY_FRAME_RAW - 3 + i;
		unsigned char *text = arena_new(&world.arena, unsigned char, size);
		struct client c;

		memset(text, 'x', size);
		memcpy(text, "S: s\r\n\r\n", 8);
		client_open(&c, "10.0.0.1:25");
		client_expect(&c, "220 ");
		client_send(&c, slice_lit(MAIL_TO_DATA));
		client_expect(&c, "354 ");
		client_send(&c, slice_of(text, size));
		run_ms(1000);
		assert_int_equal(stream_unsent(c.stream), 0);
		assert_int_equal(os_shutdown(world.client_os, c.fd), 0);
		client_expect_closed(&c);
		run_ms(5000);
		assert_int_equal(world.n_messages, i + 1);
		assert_int_equal(world.messages[i].body.len, size + 2);
		client_close(&c);
	}
	world_end();
}

static void test_client_goes(void **state)
{
	enum { TRIES = 80, LATER_US = 150 };
	size_t before;

	world_begin("");
	send_long(600000, "250 2.0.0 ");
	run_ms(1000);
	before = heap_used(os_heap(edge_os()));
	for (unsigned i = 0; i < TRIES; i++) {
		struct client c;

		client_open(&c, "10.0.0.1:25");
		client_expect(&c, "220 ");
		client_send(&c, slice_lit(MAIL_TO_DATA));
		client_send(&c, long_text(600000, true));
		client_send(&c, slice_lit(".\r\n"));
		sim_run_until(world.sim, sim_now_us(world.sim) + i * LATER_US);
		client_close(&c);
		run_ms(5000);
		assert_int_equal(world.n_messages + world.drops, world.spool);
	}
	print_message("# %u of %d taken, %u spool files dropped\n", world.n_messages - 1, TRIES,
	    world.drops);
	assert_true(world.n_messages > 1 && world.drops > 1);
	assert_true(heap_used(os_heap(edge_os())) <= before);
	world_end();
}

UNIT_TESTS(cmocka_unit_test(test_large), cmocka_unit_test(test_pieces),
    cmocka_unit_test(test_too_large), cmocka_unit_test(test_disk_fails),
    cmocka_unit_test(test_segments), cmocka_unit_test(test_no_segment),
    cmocka_unit_test(test_router_dies), cmocka_unit_test(test_cut),
    cmocka_unit_test(test_cut_large), cmocka_unit_test(test_client_goes))
