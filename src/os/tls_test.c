/* os/tls_test.c - two sessions talk over memory. */
#include "os/tls.h"

#include <malloc.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>

#include "unit.h"

/* What OpenSSL holds: its memory is outside the heap. */
static size_t openssl_bytes;

static void *count_malloc(size_t n, const char *file, int line)
{
	void *block = malloc(n);

	openssl_bytes += malloc_usable_size(block);
	return block;
}

static void *count_realloc(void *old, size_t n, const char *file, int line)
{
	void *block;

	openssl_bytes -= old != NULL ? malloc_usable_size(old) : 0;
	block = realloc(old, n);
	openssl_bytes += block != NULL ? malloc_usable_size(block) : 0;
	return block;
}

static void count_free(void *block, const char *file, int line)
{
	openssl_bytes -= block != NULL ? malloc_usable_size(block) : 0;
	free(block);
}

/* One end: a session with its buffers. */
struct end {
	struct tls_session *session;
	struct buffer plain, wire;
};

struct pair {
	struct heap *heap;
	struct buffer chain, key;
	struct tls_context *server_context, *client_context;
	struct end server, client;
};

static void make_contexts(struct pair *p, bool verify)
{
	char error[TLS_ERROR_TEXT] = "";

	p->heap = heap_create(SIZE_MAX);
	p->chain = buffer_init(p->heap, 64 * 1024);
	p->key = buffer_init(p->heap, 64 * 1024);
	assert_true(tls_self_signed(slice_lit("mail.alice.example"), &p->chain, &p->key));
	p->server_context = tls_server_context(p->heap, buffer_bytes(&p->chain),
	    buffer_bytes(&p->key), error, sizeof error);
	assert_string_equal(error, "");
	p->client_context = tls_client_context(p->heap, verify ? buffer_bytes(&p->chain) :
	    (slice){ 0 }, error, sizeof error);
	assert_string_equal(error, "");
}

static void make_sessions(struct pair *p, const char *name, size_t wire_max)
{
	p->server = (struct end){ tls_session_create(p->heap, p->server_context, NULL),
	    buffer_init(p->heap, 64 * 1024), buffer_init(p->heap, wire_max) };
	p->client = (struct end){ tls_session_create(p->heap, p->client_context, name),
	    buffer_init(p->heap, 64 * 1024), buffer_init(p->heap, wire_max) };
}

static void drop_sessions(struct pair *p)
{
	tls_session_destroy(p->server.session);
	tls_session_destroy(p->client.session);
	buffer_free(&p->server.plain);
	buffer_free(&p->server.wire);
	buffer_free(&p->client.plain);
	buffer_free(&p->client.wire);
}

static void drop(struct pair *p)
{
	drop_sessions(p);
	tls_context_unref(p->server_context);
	tls_context_unref(p->client_context);
	heap_drop(p->heap);
}

/* Carry at most `piece` bytes from one to the other; true when any moved. */
static bool carry(struct end *from, struct end *to, size_t piece)
{
	slice out = buffer_bytes(&from->wire), in;
	size_t taken, said = buffer_bytes(&to->wire).len;

	if (out.len > piece)
		out = slice_head(out, piece);
	in = guarded_copy(out);
	taken = tls_session_feed(to->session, in, &to->plain, &to->wire);
	guarded_free(in);
	buffer_consume(&from->wire, taken);
	return taken > 0 || buffer_bytes(&to->wire).len > said;
}

static void talk(struct pair *p, size_t piece)
{
	bool moved = true;

	while (moved) {
		moved = carry(&p->client, &p->server, piece);
		moved = carry(&p->server, &p->client, piece) || moved;
	}
}

/* Every size of pieces, so that each boundary of a record is cut somewhere. */
static void test_every_split(void **state)
{
	struct pair p;

	make_contexts(&p, true);
	for (size_t piece = 1; piece <= 1500; piece += piece < 100 ? 1 : 97) {
		make_sessions(&p, "mail.alice.example", 64 * 1024);
		talk(&p, piece);
		assert_int_equal(tls_session_state(p.client.session), TLS_OPEN);
		assert_int_equal(tls_session_state(p.server.session), TLS_OPEN);
		assert_string_equal(tls_session_version(p.server.session), "TLSv1.3");
		assert_int_equal(tls_session_write(p.client.session, slice_lit("EHLO x\r\n"),
		    &p.client.wire), 8);
		assert_int_equal(tls_session_write(p.server.session, slice_lit("250 y\r\n"),
		    &p.server.wire), 7);
		talk(&p, piece);
		assert_slice(buffer_bytes(&p.server.plain), slice_lit("EHLO x\r\n"));
		assert_slice(buffer_bytes(&p.client.plain), slice_lit("250 y\r\n"));
		drop_sessions(&p);
	}
	make_sessions(&p, "mail.alice.example", 64 * 1024);
	drop(&p);
}

/* Each way the wire's buffer may be too small for what the handshake says. */
static void test_narrow_wire(void **state)
{
	struct pair p;

	make_contexts(&p, false);
	for (size_t wire_max = 1; wire_max < 3000; wire_max = wire_max * 3 / 2 + 1) {
		make_sessions(&p, "x", wire_max);
		talk(&p, SIZE_MAX);
		assert_int_equal(tls_session_state(p.client.session), TLS_OPEN);
		assert_int_equal(tls_session_state(p.server.session), TLS_OPEN);
		drop_sessions(&p);
	}
	make_sessions(&p, "x", 64 * 1024);
	drop(&p);
}

/* A megabyte through buffers of 64 KiB and of 20,000: order, and no loss. */
static void test_bulk(void **state)
{
	struct pair p;
	unsigned char *bytes;
	size_t sent = 0, came = 0, total = 1 << 20;

	make_contexts(&p, false);
	make_sessions(&p, "x", 20000);
	bytes = heap_alloc(p.heap, total);
	for (size_t i = 0; i < total; i++)
		bytes[i] = (unsigned char)(i * 7 + i / 251);
	talk(&p, SIZE_MAX);
	while (came < total) {
		size_t room = tls_plain_room(buffer_room(&p.client.wire));
		size_t took = tls_session_write(p.client.session,
		    slice_of(bytes + sent, total - sent), &p.client.wire);
		slice have;

		assert_true(took >= room || took == total - sent);
		sent += took;
		carry(&p.client, &p.server, 5000);
		have = buffer_bytes(&p.server.plain);
		assert_memory_equal(have.ptr, bytes + came, have.len);
		came += have.len;
		buffer_consume(&p.server.plain, have.len);
	}
	drop(&p);
}

/* Plain room of a few bytes: the rest of a record stays inside. */
static void test_narrow_plain(void **state)
{
	struct pair p;
	size_t came = 0;

	make_contexts(&p, false);
	make_sessions(&p, "x", 64 * 1024);
	talk(&p, SIZE_MAX);
	p.server.plain.size_max = 3;
	assert_int_equal(tls_session_write(p.client.session, slice_lit("0123456789"),
	    &p.client.wire), 10);
	carry(&p.client, &p.server, SIZE_MAX);
	while (came < 10) {
		slice have = buffer_bytes(&p.server.plain);

		assert_true(have.len > 0 && have.len <= 3);
		assert_memory_equal(have.ptr, &"0123456789"[came], have.len);
		came += have.len;
		buffer_consume(&p.server.plain, have.len);
		tls_session_feed(p.server.session, (slice){ 0 }, &p.server.plain, &p.server.wire);
	}
	drop(&p);
}

static void test_close(void **state)
{
	struct pair p;

	make_contexts(&p, false);
	make_sessions(&p, "x", 64 * 1024);
	tls_session_close(p.client.session, &p.client.wire);    /* in the handshake: nothing */
	talk(&p, SIZE_MAX);
	assert_int_equal(tls_session_state(p.server.session), TLS_OPEN);
	assert_int_equal(tls_session_write(p.client.session, slice_lit("last"), &p.client.wire), 4);
	tls_session_close(p.client.session, &p.client.wire);
	carry(&p.client, &p.server, SIZE_MAX);
	assert_int_equal(tls_session_state(p.server.session), TLS_CLOSED);
	assert_slice(buffer_bytes(&p.server.plain), slice_lit("last"));
	assert_string_equal(tls_session_error(p.server.session), "");
	assert_int_equal(tls_session_feed(p.server.session, slice_lit("more"), &p.server.plain,
	    &p.server.wire), 4);
	assert_int_equal(tls_session_write(p.server.session, slice_lit("x"), &p.server.wire), 0);
	drop(&p);
}

static void test_names(void **state)
{
	static const struct {
		const char *name;
		enum tls_state want;
		const char *words;
	} cases[] = {
		{ "mail.alice.example", TLS_OPEN, "" },
		{ "imap.mail.alice.example", TLS_OPEN, "" },
		{ "alice.example", TLS_FAILED, "hostname mismatch" },
		{ "a.b.mail.alice.example", TLS_FAILED, "hostname mismatch" },
		{ "127.0.0.1", TLS_FAILED, "IP address mismatch" },
	};
	struct pair p;

	make_contexts(&p, true);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		make_sessions(&p, cases[i].name, 64 * 1024);
		talk(&p, SIZE_MAX);
		assert_int_equal(tls_session_state(p.client.session), cases[i].want);
		assert_string_equal(tls_session_error(p.client.session), cases[i].words);
		assert_int_equal(tls_session_distrusts(p.client.session),
		    cases[i].want == TLS_FAILED);
		/* The alert reached the server. */
		assert_int_equal(tls_session_state(p.server.session), cases[i].want);
		drop_sessions(&p);
	}
	make_sessions(&p, "x", 64 * 1024);
	drop(&p);
}

static void test_not_trusted(void **state)
{
	struct pair p, other;

	make_contexts(&p, true);
	make_contexts(&other, true);
	make_sessions(&p, "mail.alice.example", 64 * 1024);
	tls_session_destroy(p.client.session);
	p.client.session = tls_session_create(other.heap, other.client_context,
	    "mail.alice.example");
	talk(&p, SIZE_MAX);
	assert_string_equal(tls_session_error(p.client.session), "self-signed certificate");
	assert_true(tls_session_distrusts(p.client.session));
	assert_false(tls_session_distrusts(p.server.session));
	assert_string_equal(tls_session_error(p.server.session),
	    "the peer does not trust our certificate");
	tls_session_destroy(p.client.session);
	p.client.session = NULL;
	drop(&p);
	make_sessions(&other, "x", 64 * 1024);
	drop(&other);
}

static void test_not_tls(void **state)
{
	static const struct { const char *in, *words; } cases[] = {
		{ "EHLO client.example\r\n", "what came is not TLS" },
		{ "GET / HTTP/1.1\r\n\r\n", "what came is HTTP, not TLS" },
	};
	struct pair p;

	make_contexts(&p, false);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		make_sessions(&p, "x", 64 * 1024);
		assert_int_equal(tls_session_feed(p.server.session, slice_from(cases[i].in),
		    &p.server.plain, &p.server.wire), strlen(cases[i].in));
		assert_int_equal(tls_session_state(p.server.session), TLS_FAILED);
		assert_string_equal(tls_session_error(p.server.session), cases[i].words);
		assert_false(tls_session_distrusts(p.server.session));
		drop_sessions(&p);
	}
	make_sessions(&p, "x", 64 * 1024);
	drop(&p);
}

/* One flipped bit ends the session; nothing of the record comes out. */
static void test_damaged_record(void **state)
{
	struct pair p;
	unsigned char *wire;
	size_t len;

	make_contexts(&p, false);
	make_sessions(&p, "x", 64 * 1024);
	talk(&p, SIZE_MAX);
	assert_int_equal(tls_session_write(p.client.session, slice_lit("secret"),
	    &p.client.wire), 6);
	len = buffer_bytes(&p.client.wire).len;
	wire = p.client.wire.ptr + p.client.wire.start;
	wire[len - 3] ^= 1;
	carry(&p.client, &p.server, SIZE_MAX);
	assert_int_equal(tls_session_state(p.server.session), TLS_FAILED);
	assert_string_equal(tls_session_error(p.server.session),
	    "a damaged or forged record came");
	assert_int_equal(buffer_bytes(&p.server.plain).len, 0);
	drop(&p);
}

/* The same key under a passphrase. */
static BIO *lock_key(slice pem)
{
	BIO *in = BIO_new_mem_buf(pem.ptr, (int)pem.len), *out = BIO_new(BIO_s_mem());
	EVP_PKEY *key = PEM_read_bio_PrivateKey(in, NULL, NULL, NULL);
	char words[] = "open sesame";

	assert_int_equal(PEM_write_bio_PKCS8PrivateKey(out, key, EVP_aes_128_cbc(), words,
	    (int)strlen(words), NULL, NULL), 1);
	EVP_PKEY_free(key);
	BIO_free(in);
	return out;
}

static void test_context_errors(void **state)
{
	struct pair p, other;
	char error[TLS_ERROR_TEXT];
	slice chain, key, damaged;
	char *locked;
	long locked_len;
	BIO *bio;

	make_contexts(&p, false);
	make_contexts(&other, false);
	chain = buffer_bytes(&p.chain);
	key = buffer_bytes(&p.key);
	damaged = slice_head(chain, chain.len / 2);
	bio = lock_key(key);
	locked_len = BIO_get_mem_data(bio, &locked);
	const struct { slice chain, key; const char *want; } cases[] = {
		{ { 0 }, key, "certificate: there is no \"BEGIN CERTIFICATE\" in the file" },
		{ key, key, "certificate: there is no \"BEGIN CERTIFICATE\" in the file" },
		{ damaged, key, "certificate: a PEM block in the file is damaged" },
		{ chain, { 0 }, "key: there is no \"BEGIN PRIVATE KEY\" in the file" },
		{ chain, chain, "key: there is no \"BEGIN PRIVATE KEY\" in the file" },
		{ chain, slice_head(key, key.len / 2),
		  "key: the PEM block in the file is damaged" },
		{ chain, buffer_bytes(&other.key), "key: it does not belong to the certificate" },
		{ chain, slice_of(locked, (size_t)locked_len), "key: it is encrypted; Posthouse "
		  "needs it without a passphrase" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		strcpy(error, "untouched");
		assert_null(tls_server_context(p.heap, cases[i].chain, cases[i].key, error,
		    sizeof error));
		assert_string_equal(error, cases[i].want);
	}
	BIO_free(bio);
	assert_null(tls_client_context(p.heap, key, error, sizeof error));
	assert_string_equal(error, "trusted certificates: there is no \"BEGIN CERTIFICATE\" in "
	    "the file");
	make_sessions(&p, "x", 1);
	drop(&p);
	make_sessions(&other, "x", 1);
	drop(&other);
}

static void test_self_signed_names(void **state)
{
	static const struct { const char *name; bool want; } cases[] = {
		{ "localhost", true }, { "a-b.example", true }, { "", false },
		{ ".example", false },
		{ "a,DNS:evil.example", false }, { "a b", false }, { "\xc3\xa4.example", false },
		{ "1234567890123456789012345678901234567890123456789012345678901234", true },
		{ "12345678901234567890123456789012345678901234567890123456789012345", false },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct heap *heap = heap_create(SIZE_MAX);
		struct buffer chain = buffer_init(heap, 8192), key = buffer_init(heap, 8192);

		if (tls_self_signed(slice_from(cases[i].name), &chain, &key) != cases[i].want)
			fail_msg("\"%s\"", cases[i].name);
		heap_drop(heap);
	}
}

/* A reload: the old context lives as long as its sessions. */
static void test_context_is_counted(void **state)
{
	struct pair p;

	make_contexts(&p, false);
	make_sessions(&p, "x", 64 * 1024);
	tls_context_unref(p.server_context);
	tls_context_unref(p.client_context);
	talk(&p, SIZE_MAX);
	assert_int_equal(tls_session_state(p.server.session), TLS_OPEN);
	drop_sessions(&p);
	heap_drop(p.heap);
}

/* Killed: nobody destroys anything, LeakSanitizer finds nothing. */
static void test_dropped_heap(void **state)
{
	struct pair p;
	size_t before = openssl_bytes;

	make_contexts(&p, false);
	make_sessions(&p, "x", 64 * 1024);
	talk(&p, SIZE_MAX);
	heap_drop(p.heap);
	assert_true(openssl_bytes < before + 64 * 1024);        /* caches of the library */
}

static void test_idle_is_small(void **state)
{
	enum { N = 50, IDLE_MAX = 24 * 1024 };
	struct tls_session *servers[N];
	struct pair p;
	size_t openssl, heap, each;

	make_contexts(&p, false);
	openssl = openssl_bytes;
	heap = heap_used(p.heap);
	for (size_t i = 0; i < N; i++) {
		make_sessions(&p, "x", 64 * 1024);
		talk(&p, SIZE_MAX);
		assert_int_equal(tls_session_write(p.client.session, slice_lit("EHLO x\r\n"),
		    &p.client.wire), 8);
		assert_int_equal(tls_session_write(p.server.session, slice_lit("250 y\r\n"),
		    &p.server.wire), 7);
		talk(&p, SIZE_MAX);
		servers[i] = p.server.session;
		p.server.session = NULL;
		drop_sessions(&p);
	}
	each = (openssl_bytes - openssl + heap_used(p.heap) - heap) / N;
	print_message("# an idle TLS session holds %zu bytes\n", each);
	assert_true(each < IDLE_MAX);
	for (size_t i = 0; i < N; i++)
		tls_session_destroy(servers[i]);
	make_sessions(&p, "x", 64 * 1024);
	drop(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_split), cmocka_unit_test(test_narrow_wire),
		cmocka_unit_test(test_bulk), cmocka_unit_test(test_narrow_plain),
		cmocka_unit_test(test_close), cmocka_unit_test(test_names),
		cmocka_unit_test(test_not_trusted), cmocka_unit_test(test_not_tls),
		cmocka_unit_test(test_damaged_record), cmocka_unit_test(test_context_errors),
		cmocka_unit_test(test_self_signed_names), cmocka_unit_test(test_context_is_counted),
		cmocka_unit_test(test_dropped_heap), cmocka_unit_test(test_idle_is_small),
	};

	CRYPTO_set_mem_functions(count_malloc, count_realloc, count_free);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
