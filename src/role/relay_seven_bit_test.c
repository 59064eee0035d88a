/* role/relay_seven_bit_test.c - messages of 8 bits, and hosts that do not offer 8BITMIME:
 * what is converted, what goes as it is, what comes back; what breaks meanwhile. */
#include "role/relay_world_test.h"

#define LABEL "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
#define EIGHT "Content-Transfer-Encoding: 8bit\r\n"
#define WORDS " gr\xc3\xbc\xc3\x9f" "e "

static unsigned n_converted, n_plain;

static unsigned hex(unsigned char c)
{
	return c <= '9' ? c - '0' + 0u : c - 'A' + 10u;
}

/* Quoted-printable undone; the line end of a soft break goes with its "=". */
static slice decode(slice text)
{
	struct buffer out = buffer_init(world.heap, SIZE_MAX / 2);

	while (text.len > 0) {
		slice run = slice_cut(&text, '=');

		buffer_add(&out, run);
		if (text.len >= 2 && text.ptr[0] == '\r') {
			text = slice_drop(text, 2);
		} else if (text.len >= 2) {
			unsigned char c = (unsigned char)(hex(text.ptr[0]) << 4 | hex(text.ptr[1]));

			buffer_add(&out, slice_of(&c, 1));
			text = slice_drop(text, 2);
		}
	}
	return buffer_bytes(&out);
}

static slice behind(slice text, const char *mark)
{
	size_t at = slice_find(text, slice_from(mark));

	assert_true(at < text.len);
	return slice_drop(text, at + strlen(mark));
}

/* It has 7 bits, and says what was given. */
static void take_converted(struct next_host *h, slice from, const slice *to, size_t n, slice text)
{
	unsigned number, target;

	assert_int_equal(n, 1);
	assert_true(slice_starts(text, slice_from(trace)));
	assert_true(slice_is_ascii(text));
	assert_int_equal(sscanf((const char *)to[0].ptr, "r%u.%u@", &number, &target), 2);
	world.messages[number].got[target]++;
	if (slice_find(text, slice_lit("quoted-printable\r\n")) < text.len) {
		slice had = body_text(number, world.messages[number].size);

		assert_slice(decode(behind(text, "\r\n\r\n")), behind(had, "\r\n\r\n"));
		assert_true(slice_find(text, slice_lit("8bit")) == text.len);
		n_converted++;
	} else {
		n_plain++;
	}
}

static uint32_t deliver_eight(const char *fields, const char *words, size_t size)
{
	uint32_t n = world.n_messages++;

	world.messages[n] = (struct message){ .size = size, .fields = fields, .words = words,
	    .n_targets = 1, .domains = { "x.example" }, .flags = JOURNAL_8BITMIME,
	    .received_us = os_wall_us(world.os) };
	memset(world.messages[n].results, NO_RESULT, sizeof world.messages[n].results);
	hand_over(n, true);
	return n;
}

static void begin_seven(const char *extra)
{
	world_begin_plain(1, extra);
	world.hosts[0]->took = take_converted;
	n_converted = n_plain = 0;
}

/* Of all sizes: in memory, in several pieces, in a file of the router's. */
static void converted(void **state)
{
	static const size_t sizes[] = { 300, 63 * 1024, 200 * 1000, BODY_FRAME_RAW, 3 * 1000 * 1000 };

	begin_seven("");
	for (uint32_t i = 0; i < 5; i++) {
		uint32_t n = deliver_eight(LABEL EIGHT, WORDS, sizes[i]);

		wait_for(answered(n), MINUTE_MS);
		assert_int_equal(world.messages[n].got[0], 1);
	}
	assert_int_equal(n_converted, 5);
	assert_int_equal(world.n_reports, 0);
	assert_int_equal(world.hosts[0]->connections, 1);
	assert_true(queue_is_empty());
	world_end();
}

/* It said 8BITMIME, and has nothing of it. */
static void ascii_as_it_is(void **state)
{
	world_begin_plain(1, "");
	for (uint32_t n = 0; n < 2; n++) {
		deliver_eight(LABEL EIGHT, "", 300);
		wait_for(answered(n), MINUTE_MS);
		assert_int_equal(world.messages[n].got[0], 1);  /* count_taken() compares */
	}
	world_end();
}

static void as_it_is_where_it_may(void **state)
{
	world_begin_plain(1, "");
	world.hosts[0]->steps[AT_EHLO].reply = "250-next\r\n250-PIPELINING\r\n250 8BITMIME";
	deliver_eight(LABEL EIGHT, WORDS, 100 * 1000);
	wait_for(answered(0), MINUTE_MS);
	assert_int_equal(world.messages[0].got[0], 1);
	world_end();
}

/* The session goes on with others. */
static void what_cannot_be(void **state)
{
	static const struct {
		const char *fields, *words;
	} rows[] = {
		{ "X: gr\xc3\xbc\xc3\x9f" "e\r\n", "RFC 6532" },
		{ "Content-Type: message/partial\r\n" EIGHT, "RFC 2046 s5.2" },
	};

	begin_seven("");
	for (unsigned i = 0; i < 2; i++) {
		uint32_t n = deliver_eight(rows[i].fields, WORDS, 300);

		wait_for(answered(n), 2000);
		wait_for(world.messages[n].failures[0] == 1, 2000);
		assert_true(has(report(i), "Status: 5.6.3"));
		assert_true(has(report(i), "8BITMIME"));
		assert_true(has(report(i), rows[i].words));
		n = deliver_eight(LABEL EIGHT, WORDS, 300);
		wait_for(answered(n), 2000);
		assert_int_equal(world.messages[n].got[0], 1);
	}
	assert_int_equal(world.hosts[0]->connections, 1);
	assert_int_equal(n_converted, 2);
	world_end();
}

/* What is refused for something else is not looked at for this. */
static void other_reasons(void **state)
{
	begin_seven("");
	world.hosts[0]->steps[AT_EHLO].reply = "250-next\r\n250 SIZE 1000";
	deliver_eight(LABEL EIGHT, WORDS, 5000);
	wait_for(world.messages[0].failures[0] == 1, 2000);
	assert_true(has(report(0), "5.3.4"));
	deliver_eight(LABEL EIGHT, WORDS, 300);
	wait_for(answered(1), 2000);
	assert_int_equal(world.messages[1].got[0], 1);
	world.messages[2] = (struct message){ .size = 300, .fields = "X: \xc3\xbc\r\n",
	    .n_targets = 1, .domains = { "x.example" },
	    .flags = JOURNAL_8BITMIME | JOURNAL_SMTPUTF8, .received_us = os_wall_us(world.os) };
	hand_over(world.n_messages++, true);
	wait_for(world.messages[2].failures[0] == 1, 2000);
	assert_true(has(report(1), "5.6.7"));
	world_end();
}

/* The queue keeps it as it came, for a host that is better. */
static void tried_again(void **state)
{
	uint32_t n;

	begin_seven("relay.retry = 1m\nrelay.retry_max = 1m\n");
	world.hosts[0]->steps[AT_DOT] = (struct script){ .reply = "451 4.3.0 later", .times = 2 };
	n = deliver_eight(LABEL EIGHT, WORDS, 100 * 1000);
	wait_for(world.messages[n].got[0] == 1, 10 * MINUTE_MS);
	assert_int_equal(n_converted, 1);
	world.hosts[0]->steps[AT_MAIL] = (struct script){ .reply = "451 4.3.0 later", .times = 1 };
	n = deliver_eight(LABEL EIGHT, WORDS, 100 * 1000);
	wait_for(answered(n), MINUTE_MS);
	world.hosts[0]->took = count_taken;
	world.hosts[0]->steps[AT_EHLO].reply = "250-next\r\n250 8BITMIME";
	wait_for(world.messages[n].got[0] == 1, 10 * MINUTE_MS);
	world_end();
}

/* The host goes away at each moment from here on: while it is read, too. */
static void the_host_goes(void **state)
{
	for (uint64_t us = 0; us < 40 * 1000; us += 1000) {
		begin_seven("relay.retry = 1m\nrelay.retry_max = 1m\n");
		deliver_eight(LABEL EIGHT, WORDS, 600 * 1000);
		sim_run_until(world.sim, sim_now_us(world.sim) + us);
		host_die(world.hosts[0]);
		run_ms(10 * SECOND_MS);
		host_listen(world.hosts[0]);
		wait_for(world.messages[0].got[0] >= 1, 10 * MINUTE_MS);
		assert_int_equal(world.n_reports, 0);
		run_ms(1000);
		assert_true(queue_is_empty());
		world_end();
	}
}

static bool flip_a_byte(void *context, const char *name)
{
	char path[64];
	unsigned char byte;
	int fd;

	snprintf(path, sizeof path, "queue/pack/%s", name);
	fd = os_open(world.os, OS_ROOT, path, OS_READ | OS_WRITE);
	assert_int_equal(os_pread(world.os, fd, &byte, 1, 200), 1);
	byte ^= 4;
	assert_int_equal(os_pwrite(world.os, fd, slice_of(&byte, 1), 200), 0);
	os_close(world.os, fd);
	return true;
}

static void a_damaged_body(void **state)
{
	begin_seven("relay.retry = 10m\nrelay.retry_max = 10m\nrelay.expire = 1h\n");
	host_die(world.hosts[0]);
	deliver_eight(LABEL EIGHT, WORDS, 5000);
	wait_for(answered(0), MINUTE_MS);
	run_ms(SECOND_MS);
	os_list(world.os, OS_ROOT, "queue/pack", flip_a_byte, NULL);
	host_listen(world.hosts[0]);
	wait_for(world.n_reports == 1, 3 * HOUR_MS);
	assert_true(has(report(0), "4.3.0"));
	assert_int_equal(world.hosts[0]->mails, 0);
	run_ms(1000);
	assert_true(queue_is_empty());
	world_end();
}

UNIT_TESTS(cmocka_unit_test(converted), cmocka_unit_test(ascii_as_it_is),
    cmocka_unit_test(as_it_is_where_it_may), cmocka_unit_test(what_cannot_be),
    cmocka_unit_test(other_reasons), cmocka_unit_test(tried_again),
    cmocka_unit_test(the_host_goes), cmocka_unit_test(a_damaged_body))
