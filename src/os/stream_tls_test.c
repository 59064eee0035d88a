/* os/stream_tls_test.c - streams under TLS: from the first byte, or behind STARTTLS. */
#include "os/stream_world_test.h"

/* The peer becomes a stream, too. */
static void begin_two(struct world *w, enum mode mode, enum mode peer_mode)
{
	begin(w, mode);
	w->b = see(w, peer_mode);
	w->b.stream = stream_create(w->os, w->peer, IN_MAX, OUT_MAX, &handler, &w->b);
	w->peer = -1;
}

struct contexts {
	struct tls_context *server, *client;
};

static struct contexts make_contexts(struct world *w)
{
	struct heap *heap = os_heap(w->os);
	struct buffer chain = buffer_init(heap, 8192), key = buffer_init(heap, 8192);
	char error[TLS_ERROR_TEXT];
	struct contexts c;

	assert_true(tls_self_signed(slice_lit("alice.example"), &chain, &key));
	c.server = tls_server_context(heap, buffer_bytes(&chain), buffer_bytes(&key), error,
	    sizeof error);
	c.client = tls_client_context(heap, buffer_bytes(&chain), error, sizeof error);
	assert_non_null(c.server);
	assert_non_null(c.client);
	return c;
}

/* Both under TLS, as soon as they have spun; a's certificate is alice.example's. */
static void secure_two(struct world *w, const char *wanted)
{
	struct contexts c = make_contexts(w);

	stream_secure(w->a.stream, c.server, NULL);
	stream_secure(w->b.stream, c.client, wanted);
}

static void test_tls(void **state)
{
	struct world w;

	begin_two(&w, ECHO, ALL);
	secure_two(&w, "alice.example");
	/* Written before the handshake is through: leaves after it, in order. */
	stream_write(w.b.stream, slice_lit("EHLO "));
	stream_write(w.b.stream, slice_lit("x\r\n"));
	spin(&w);
	stream_write(w.b.stream, slice_lit("QUIT\r\n"));
	spin(&w);
	assert_int_equal(w.a.secured, 1);
	assert_int_equal(w.b.secured, 1);
	assert_int_equal(tls_session_state(stream_tls(w.a.stream)), TLS_OPEN);
	assert_slice(seen_data(&w.b), slice_lit("EHLO x\r\nQUIT\r\n"));
	stream_end(w.b.stream);
	spin(&w);
	assert_int_equal(w.a.closed, 1);
	assert_int_equal(w.a.error, 0);
	stream_destroy(w.a.stream);
	w.a.stream = NULL;
	spin(&w);
	assert_int_equal(w.b.closed, 1);
	assert_int_equal(w.b.error, 0);
	finish(&w);
}

/* Four megabytes each way at once, through small buffers. */
static void pour(struct seen *s, const unsigned char *bytes, size_t total, size_t *sent)
{
	size_t n = stream_room(s->stream);

	if (n > total - *sent)
		n = total - *sent;
	stream_write(s->stream, slice_of(bytes + *sent, n));
	*sent += n;
}

static void test_bulk(void **state)
{
	const size_t total = 4 << 20;

	for (int tls = 0; tls < 2; tls++) {
		struct world w;
		unsigned char *bytes;
		size_t sent_a = 0, sent_b = 0;
		unsigned turns = 0;

		begin_two(&w, ALL, ALL);
		stream_read_always(w.b.stream);         /* else both wait for the other */
		bytes = heap_alloc(os_heap(w.os), total);
		os_random(w.os, bytes, total);
		if (tls)
			secure_two(&w, "alice.example");
		while (seen_data(&w.a).len < total || seen_data(&w.b).len < total) {
			pour(&w.a, bytes, total, &sent_a);
			pour(&w.b, bytes, total, &sent_b);
			spin_for(&w, 1);
			assert_true(++turns < 20000);
		}
		assert_memory_equal(seen_data(&w.a).ptr, bytes, total);
		assert_memory_equal(seen_data(&w.b).ptr, bytes, total);
		assert_int_equal(w.a.closed + w.b.closed, 0);
		finish(&w);
	}
}

/* CVE-2011-0411: what is pipelined behind STARTTLS never counts, wherever the
 * cut between two reads is. */
static void test_starttls_injection(void **state)
{
	const slice text = slice_lit("NOOP\nSTARTTLS\nEVIL\nEVIL");

	for (size_t cut = 0; cut <= text.len; cut++) {
		struct world w;
		char buf[64];

		begin(&w, LINES);
		w.a.context = make_contexts(&w).server;
		if (cut > 0)
			peer_says(&w, slice_head(text, cut));
		if (cut < 14)
			spin(&w);
		if (cut < text.len)
			peer_says(&w, slice_drop(text, cut));
		spin(&w);
		assert_slice(seen_data(&w.a), slice_lit("NOOP\nSTARTTLS\n"));
		assert_slice(slice_head(peer_hears(&w, buf, sizeof buf), 4), slice_lit("220\n"));
		finish(&w);
	}
}

static void test_starttls(void **state)
{
	struct world w;
	struct contexts c;

	begin_two(&w, LINES, LINES);
	c = make_contexts(&w);
	w.a.context = c.server;
	stream_write(w.b.stream, slice_lit("STARTTLS\n"));
	spin(&w);
	assert_slice(seen_data(&w.b), slice_lit("220\n"));
	stream_secure(w.b.stream, c.client, "alice.example");
	spin(&w);
	stream_write(w.b.stream, slice_lit("after\n"));
	spin(&w);
	assert_slice(seen_data(&w.a), slice_lit("STARTTLS\nafter\n"));
	finish(&w);
}

static void test_tls_fails(void **state)
{
	struct world w;
	char buf[64];
	slice heard;

	begin(&w, ALL);
	stream_secure(w.a.stream, make_contexts(&w).server, NULL);
	stream_write(w.a.stream, slice_lit("220 never sent in the clear\r\n"));
	peer_says(&w, slice_lit("EHLO x\r\n"));
	spin(&w);
	assert_int_equal(w.a.secured, 1);
	assert_int_equal(w.a.closed, 1);
	assert_int_equal(w.a.error, -EPROTO);
	assert_string_equal(tls_session_error(stream_tls(w.a.stream)), "what came is not TLS");
	heard = peer_hears(&w, buf, sizeof buf);
	assert_int_equal(slice_find(heard, slice_lit("220")), heard.len);
	finish(&w);
}

/* Who fails tells the other why, before it closes. */
static void test_alert_arrives(void **state)
{
	struct world w;

	begin_two(&w, ALL, ALL);
	secure_two(&w, "bob.example");
	spin(&w);
	assert_int_equal(w.b.error, -EPROTO);
	assert_string_equal(tls_session_error(stream_tls(w.b.stream)), "hostname mismatch");
	assert_int_equal(w.a.error, -EPROTO);
	assert_string_equal(tls_session_error(stream_tls(w.a.stream)),
	    "the peer refuses our certificate");
	assert_int_equal(w.a.closed + w.b.closed, 2);
	finish(&w);
}

static void test_destroy_when_secured(void **state)
{
	struct world w;

	begin_two(&w, ALL, ALL);
	w.a.destroy_in = 's';
	secure_two(&w, "alice.example");
	spin(&w);
	assert_null(w.a.stream);
	assert_int_equal(w.b.closed, 1);
	finish(&w);
}

/* The end under TLS: a last line written before the handshake still arrives. */
static void test_end_before_handshake(void **state)
{
	struct world w;
	struct contexts c;

	begin_two(&w, ALL, ALL);
	c = make_contexts(&w);
	stream_secure(w.a.stream, c.server, NULL);
	stream_write(w.a.stream, slice_lit("421 too many\r\n"));
	stream_end(w.a.stream);
	stream_secure(w.b.stream, c.client, "alice.example");
	spin(&w);
	assert_slice(seen_data(&w.b), slice_lit("421 too many\r\n"));
	assert_int_equal(w.b.closed, 1);
	assert_int_equal(w.b.error, 0);
	finish(&w);
}

/* Killed: the heap goes, nobody destroys anything. */
static void test_dropped(void **state)
{
	struct world w;

	begin_two(&w, ECHO, ALL);
	secure_two(&w, "alice.example");
	spin(&w);
	w.os->ops = w.real;
	os_uv_destroy(w.os);
}

UNIT_TESTS(cmocka_unit_test(test_tls), cmocka_unit_test(test_bulk),
    cmocka_unit_test(test_starttls_injection), cmocka_unit_test(test_starttls),
    cmocka_unit_test(test_tls_fails), cmocka_unit_test(test_alert_arrives),
    cmocka_unit_test(test_destroy_when_secured), cmocka_unit_test(test_end_before_handshake),
    cmocka_unit_test(test_dropped))
