/* os/tls_fuzz.c - two ends of TLS, and somebody between them.
 *
 * Two bytes of choices, then steps of three: an end writes, bytes are carried in any
 * pieces, one on the way is changed, dropped or said twice, an end closes; or the
 * server gets the input as it is. OpenSSL draws its own keys: bytes on the wire
 * differ from run to run, what must hold does not.
 *
 * For: os/tls.c os/tls_context.c os/tls_self_signed.c
 *
 * Holds: what comes out at one end is a beginning of what went in at the other, all
 * of it when nobody interfered; nothing comes out before the handshake is through;
 * no more is taken than is there or fits; a failure has words, and is final. */
#include "fuzz_steps.h"

#include "os/tls.h"

enum { HEAD = 2, STEP = 3, ROOM = 40 * 1024 };
FUZZ_STEPS_MUTATORS(HEAD, STEP)

struct end {
	struct tls_session *session;
	struct buffer plain, wire;      /* what came out, what must leave */
	struct buffer sent;
};

static struct heap *heap;               /* of the contexts and all sessions */
static struct tls_context *server_context, *client_context;

static void make_contexts(void)
{
	struct buffer chain, key;
	char error[TLS_ERROR_TEXT] = "";

	heap = heap_create(SIZE_MAX);
	chain = buffer_init(heap, 64 * 1024);
	key = buffer_init(heap, 64 * 1024);
	check(tls_self_signed(slice_lit("mx.example"), &chain, &key));
	server_context = tls_server_context(heap, buffer_bytes(&chain), buffer_bytes(&key), error,
	    sizeof error);
	client_context = tls_client_context(heap, buffer_bytes(&chain), error, sizeof error);
	check(server_context != NULL && client_context != NULL);
}

static void check_end(const struct end *e, enum tls_state before)
{
	enum tls_state now = tls_session_state(e->session);

	check(before != TLS_FAILED || now == TLS_FAILED);
	check((now == TLS_FAILED) == (tls_session_error(e->session)[0] != 0));
	check(now != TLS_HANDSHAKE || buffer_bytes(&e->plain).len == 0);
}

static size_t feed(struct end *e, slice in)
{
	enum tls_state before = tls_session_state(e->session);
	slice copy = fuzz_copy(in);
	size_t n = tls_session_feed(e->session, copy, &e->plain, &e->wire);

	check(n <= in.len);
	fuzz_free(copy);
	check_end(e, before);
	return n;
}

static void carry(struct end *from, struct end *to, size_t n)
{
	slice out = buffer_bytes(&from->wire);

	if (n < out.len)
		out = slice_head(out, n);
	buffer_consume(&from->wire, feed(to, out));
}

static void say(struct end *e, size_t n)
{
	static const unsigned char text[256] = "MAIL FROM:<a@b.example>\r\n";
	slice plain = slice_of(text, n);
	size_t taken = tls_session_write(e->session, plain, &e->wire);

	check(taken <= n && (taken == 0 || tls_session_state(e->session) == TLS_OPEN));
	buffer_add(&e->sent, slice_head(plain, taken));
}

/* Somebody on the way; false when there was nothing to interfere with. */
static bool interfere(struct end *from, uint8_t how, uint8_t where)
{
	slice out = buffer_bytes(&from->wire), again;
	size_t at;
	bool fits;

	if (out.len == 0)
		return false;
	at = out.len * where / 256;
	switch (how % 3) {
	case 0:
		from->wire.ptr[from->wire.start + at] ^= (unsigned char)(1u << (how >> 2 & 7));
		return true;
	case 1:
		buffer_truncate(&from->wire, at);
		return true;
	default:
		again = fuzz_copy(slice_drop(out, at));
		fits = buffer_append(&from->wire, again);
		fuzz_free(again);
		return fits;
	}
}

static void check_received(const struct end *from, const struct end *to, bool whole)
{
	slice sent = buffer_bytes(&from->sent), got = buffer_bytes(&to->plain);

	check(slice_starts(sent, got));
	check(!whole || got.len == sent.len);
}

static void converse(const uint8_t *data, size_t len, struct end *client, struct end *server)
{
	bool interfered = false, closed = false;

	feed(client, (slice){ 0 });
	for (unsigned i = 0; i < 20 && (data[0] & 1); i++) {
		carry(client, server, SIZE_MAX);
		carry(server, client, SIZE_MAX);
	}
	check(!(data[0] & 1) || tls_session_state(client->session) == TLS_OPEN);
	for (size_t at = HEAD; at + STEP <= len; at += STEP) {
		const uint8_t *p = data + at;
		struct end *from = p[0] & 1 ? client : server, *to = p[0] & 1 ? server : client;

		switch (p[0] / 2 % 8) {
		case 0: case 1:
			say(from, p[1]);
			break;
		case 2: case 3: case 4:
			carry(from, to, 1 + p[1] * (size_t)(p[2] & 63));
			break;
		case 5:
			interfered |= interfere(from, p[1], p[2]);
			break;
		case 6:
			interfered |= p[1] > 250 && feed(to, slice_of(data, len)) > 0;
			break;
		default:
			if (p[1] < 20) {
				tls_session_close(from->session, &from->wire);
				closed = true;
			}
		}
		check_received(client, server, false);
		check_received(server, client, false);
	}
	for (unsigned i = 0; i < 40; i++) {
		carry(client, server, 1 + data[1] * 8u);
		carry(server, client, SIZE_MAX);
	}
	while (!interfered && !closed && buffer_bytes(&client->wire).len > 0)
		carry(client, server, SIZE_MAX);
	check_received(client, server, !interfered && !closed);
	check_received(server, client, !interfered && !closed);
	/* Who closes during the handshake breaks it off. */
	check(interfered || closed || (tls_session_state(client->session) != TLS_FAILED &&
	    tls_session_state(server->session) != TLS_FAILED));
}

static struct end end_create(struct tls_context *context, const char *name)
{
	return (struct end){ tls_session_create(heap, context, name), buffer_init(heap, ROOM),
		buffer_init(heap, ROOM), buffer_init(heap, SIZE_MAX / 2) };
}

static void end_destroy(struct end *e)
{
	tls_session_destroy(e->session);
	buffer_free(&e->plain);
	buffer_free(&e->wire);
	buffer_free(&e->sent);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct end client, server;

	if (len < HEAD || len > HEAD + 100 * STEP)
		return 0;
	if (heap == NULL)
		make_contexts();
	client = end_create(client_context, "mx.example");
	server = end_create(server_context, NULL);
	if (data[0] & 2) {
		struct fuzz_chance chance = { data[1] };
		slice in = slice_of(data + HEAD, len - HEAD);

		while (in.len > 0) {
			size_t n = feed(&server, slice_head(in, fuzz_piece(&chance, in.len)));

			if (n == 0)
				break;
			in = slice_drop(in, n);
		}
		check(buffer_bytes(&server.plain).len == 0);
	} else {
		converse(data, len, &client, &server);
	}
	end_destroy(&client);
	end_destroy(&server);
	return 0;
}
