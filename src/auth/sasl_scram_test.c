/* auth/sasl_scram_test.c - SCRAM: RFC 7677's example, and what a server makes of each message. */
#include "unit.h"

#include "auth/sasl.h"
#include "base/heap.h"
#include "mail/base64.h"

enum { OFFER = SASL_SCRAM | SASL_BINDING };

#define NONCE "AAAAAAAAAAAAAAAAAAAAAAAA"        /* 18 zeros */
#define SALT "W22ZaJ0SNY7soEsUEjb6gQ=="

static struct heap *heap;

static slice coded(slice text)
{
	struct buffer out = buffer_init(heap, SIZE_MAX / 2);

	base64_encode(text, &out);
	return buffer_bytes(&out);
}

static slice decoded(slice text)
{
	unsigned char *bytes = heap_alloc(heap, text.len + 1);
	size_t len = 0;

	assert_int_equal(base64_decode(text, bytes, text.len + 1, &len), BASE64_OK);
	return slice_of(bytes, len);
}

static slice challenge_of(const struct sasl_server *s)
{
	struct buffer out = buffer_init(heap, SASL_CHALLENGE_MAX);

	sasl_server_challenge(s, &out);
	return decoded(buffer_bytes(&out));
}

/* ---- RFC 7677 s3 ---- */

static const char example[] = "n=user,r=rOprNGfwEbeRWgbNEkqO,"
    "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=" SALT ",i=4096,"
    "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";

static struct scram_keys pencil(void)
{
	struct scram_keys keys;

	assert_true(scram_keys_make(slice_lit("pencil"), 4096, decoded(slice_lit(SALT)).ptr, &keys));
	return keys;
}

static void test_example(void **state)
{
	slice proof = decoded(slice_lit("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="));
	struct scram_keys keys = pencil();
	unsigned char signature[SCRAM_HASH_LEN], other[SCRAM_HASH_LEN];

	assert_true(scram_prove(&keys, slice_from(example), proof.ptr, signature));
	assert_slice(coded(slice_of(signature, sizeof signature)),
	    slice_lit("6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="));
	for (size_t i = 0; i < sizeof other; i++) {
		memcpy(other, proof.ptr, sizeof other);
		other[i] ^= 1;
		assert_false(scram_prove(&keys, slice_from(example), other, signature));
	}
	assert_false(scram_prove(&keys, slice_drop(slice_from(example), 1), proof.ptr, signature));
}

static void test_keys(void **state)
{
	static const char *const bad[] = { "", "SCRAM-SHA-256$", "SCRAM-SHA-1$4096:AA==$AA==:AA==",
		"SCRAM-SHA-256$0:" SALT "$AAAA:AAAA", "SCRAM-SHA-256$4096:" SALT "$AAAA",
		"SCRAM-SHA-256$99999999999:" SALT "$AAAA:AAAA" };
	struct scram_keys keys = pencil(), again;
	char text[SCRAM_KEYS_MAX + 1];

	scram_keys_print(&keys, text);
	assert_true(scram_keys_read(slice_from(text), &again));
	assert_memory_equal(&keys, &again, sizeof keys);
	for (size_t n = 0; n < strlen(text); n++)
		assert_false(scram_keys_read(slice_head(slice_from(text), n), &again));
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_false(scram_keys_read(slice_from(bad[i]), &again));
	keys.iterations = SCRAM_ITERATIONS_MAX;
	scram_keys_print(&keys, text);
	assert_true(scram_keys_read(slice_from(text), &again));
}

/* The same password typed as one letter or as two is the same. */
static void test_normal_form(void **state)
{
	slice salt = decoded(slice_lit(SALT));
	struct scram_keys a, b;

	assert_true(scram_keys_make(slice_lit("\xc3\xa9"), 1, salt.ptr, &a));
	assert_true(scram_keys_make(slice_lit("e\xcc\x81"), 1, salt.ptr, &b));
	assert_memory_equal(&a, &b, sizeof a);
	assert_true(scram_keys_make(slice_lit("\xe9"), 1, salt.ptr, &b));      /* no UTF-8: as it is */
	assert_memory_not_equal(&a, &b, sizeof a);
}

/* ---- messages ---- */

static const struct first {
	const char *mechanism, *message;
	unsigned offer;
	enum sasl_result want;
	const char *login, *challenge;  /* of SASL_KEYS */
} firsts[] = {
	{ "SCRAM-SHA-256", "n,,n=user,r=abc", OFFER, SASL_KEYS, "user", "r=abc" NONCE ",s=" SALT ",i=4096" },
	{ "scram-sha-256", "y,,n=user,r=abc", SASL_SCRAM, SASL_KEYS, "user",
	  "r=abc" NONCE ",s=" SALT ",i=4096" },
	{ "SCRAM-SHA-256-PLUS", "p=tls-exporter,,n=user,r=abc", OFFER, SASL_KEYS, "user",
	  "r=abc" NONCE ",s=" SALT ",i=4096" },
	{ "SCRAM-SHA-256-PLUS", "p=tls-server-end-point,,n=user,r=abc", OFFER, SASL_KEYS, "user",
	  "r=abc" NONCE ",s=" SALT ",i=4096" },
	{ "SCRAM-SHA-256", "n,a=user,n=user,r=abc", OFFER, SASL_KEYS, "user",
	  "r=abc" NONCE ",s=" SALT ",i=4096" },
	{ "SCRAM-SHA-256", "n,,n=a=2Cb=3Dc,r=~!,x=more", OFFER, SASL_KEYS, "a,b=c",
	  "r=~!" NONCE ",s=" SALT ",i=4096" },
	{ "SCRAM-SHA-256", "n,a=other,n=user,r=abc", OFFER, SASL_REFUSED, NULL, NULL },
	{ "SCRAM-SHA-256", "n,b=user,n=user,r=abc", OFFER, SASL_MALFORMED, NULL, NULL },
	/* "I could": while it was offered. Bound without -PLUS; -PLUS and not bound; unknown. */
	{ "SCRAM-SHA-256", "y,,n=user,r=abc", OFFER, SASL_UNBOUND, NULL, NULL },
	{ "SCRAM-SHA-256", "p=tls-exporter,,n=user,r=abc", OFFER, SASL_UNBOUND, NULL, NULL },
	{ "SCRAM-SHA-256-PLUS", "n,,n=user,r=abc", OFFER, SASL_UNBOUND, NULL, NULL },
	{ "SCRAM-SHA-256-PLUS", "y,,n=user,r=abc", OFFER, SASL_UNBOUND, NULL, NULL },
	{ "SCRAM-SHA-256-PLUS", "p=tls-unique,,n=user,r=abc", OFFER, SASL_UNBOUND, NULL, NULL },
	{ "SCRAM-SHA-256-PLUS", "p=tls-exporter,,n=user,r=abc", SASL_SCRAM, SASL_UNKNOWN, NULL, NULL },
	{ "SCRAM-SHA-256", "n,,n=user,r=abc", SASL_BINDING, SASL_UNKNOWN, NULL, NULL },
	{ "SCRAM-SHA-256", "", OFFER, SASL_MALFORMED, NULL, NULL },
	{ "SCRAM-SHA-256", "x,,n=user,r=abc", OFFER, SASL_MALFORMED, NULL, NULL },
	{ "SCRAM-SHA-256", "n,,m=ext,n=user,r=abc", OFFER, SASL_MALFORMED, NULL, NULL },
	{ "SCRAM-SHA-256", "n,,n=,r=abc", OFFER, SASL_MALFORMED, NULL, NULL },
	{ "SCRAM-SHA-256", "n,,n=a=2D,r=abc", OFFER, SASL_MALFORMED, NULL, NULL },
	{ "SCRAM-SHA-256", "n,,n=a=,r=abc", OFFER, SASL_MALFORMED, NULL, NULL },
	{ "SCRAM-SHA-256", "n,,n=user,r=", OFFER, SASL_MALFORMED, NULL, NULL },
	{ "SCRAM-SHA-256", "n,,n=user,r=a b", OFFER, SASL_MALFORMED, NULL, NULL },
	{ "SCRAM-SHA-256", "n,,n=user", OFFER, SASL_MALFORMED, NULL, NULL },
	{ "SCRAM-SHA-256", "n,,r=abc,n=user", OFFER, SASL_MALFORMED, NULL, NULL },
};

static struct sasl_salt salt_of(void)
{
	struct sasl_salt salt = { .iterations = 4096, .exporter = slice_lit("exported"),
		.endpoint = slice_lit("hash of a certificate") };

	memcpy(salt.salt, decoded(slice_lit(SALT)).ptr, sizeof salt.salt);
	return salt;
}

/* The first message, and the answer to SASL_KEYS. */
static enum sasl_result begin(struct sasl_server *s, const struct first *f)
{
	slice line = coded(slice_from(f->message));

	memset(s, 0, sizeof *s);
	if (line.len == 0)
		line = slice_lit("=");
	return sasl_server_start(s, f->offer, slice_from(f->mechanism), &line);
}

static void test_first(void **state)
{
	static const struct sasl_server none;

	for (size_t i = 0; i < sizeof firsts / sizeof firsts[0]; i++) {
		const struct first *f = &firsts[i];
		struct sasl_salt salt = salt_of();
		struct sasl_server s;

		print_message("# %s\n", f->message);
		assert_int_equal(begin(&s, f), f->want);
		if (f->want != SASL_KEYS) {
			assert_memory_equal(&s, &none, sizeof s);
			continue;
		}
		assert_int_equal(sasl_server_ask(&s), SASL_ASK_SALT);
		assert_slice(sasl_server_login(&s), slice_from(f->login));
		assert_int_equal(sasl_server_salted(&s, &salt), SASL_CHALLENGE);
		assert_slice(challenge_of(&s), slice_from(f->challenge));
		sasl_server_wipe(&s);
	}
}

/* A connection that has nothing to be bound to. */
static void test_no_binding(void **state)
{
	struct sasl_salt salt = salt_of();
	struct sasl_server s;

	salt.exporter = salt.endpoint = (slice){ 0 };
	assert_int_equal(begin(&s, &firsts[2]), SASL_KEYS);
	assert_int_equal(sasl_server_salted(&s, &salt), SASL_UNBOUND);
	assert_int_equal(begin(&s, &firsts[3]), SASL_KEYS);
	assert_int_equal(sasl_server_salted(&s, &salt), SASL_UNBOUND);
	assert_int_equal(begin(&s, &firsts[0]), SASL_KEYS);
	assert_int_equal(sasl_server_salted(&s, &salt), SASL_CHALLENGE);
}

#define PROOF "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="

static const struct final {
	size_t first;
	const char *binding, *rest;     /* "c=" of it, coded, then the rest */
	enum sasl_result want;
} finals[] = {
	{ 0, "n,,", ",r=abc" NONCE ",p=" PROOF, SASL_DONE },
	{ 0, "n,,", ",r=abc" NONCE ",x=y,p=" PROOF, SASL_DONE },
	{ 1, "y,,", ",r=abc" NONCE ",p=" PROOF, SASL_DONE },
	{ 2, "p=tls-exporter,,exported", ",r=abc" NONCE ",p=" PROOF, SASL_DONE },
	{ 3, "p=tls-server-end-point,,hash of a certificate", ",r=abc" NONCE ",p=" PROOF, SASL_DONE },
	{ 4, "n,a=user,", ",r=abc" NONCE ",p=" PROOF, SASL_DONE },
	/* Of another connection, another header. */
	{ 2, "p=tls-exporter,,exportex", ",r=abc" NONCE ",p=" PROOF, SASL_UNBOUND },
	{ 2, "p=tls-exporter,,", ",r=abc" NONCE ",p=" PROOF, SASL_UNBOUND },
	{ 2, "p=tls-exporter,,exported and more", ",r=abc" NONCE ",p=" PROOF, SASL_UNBOUND },
	{ 2, "p=tls-server-end-point,,hash of a certificate", ",r=abc" NONCE ",p=" PROOF, SASL_UNBOUND },
	{ 0, "y,,", ",r=abc" NONCE ",p=" PROOF, SASL_UNBOUND },
	{ 4, "n,,", ",r=abc" NONCE ",p=" PROOF, SASL_UNBOUND },
	/* Another nonce: the client's alone, a part, one more. */
	{ 0, "n,,", ",r=abc,p=" PROOF, SASL_MALFORMED },
	{ 0, "n,,", ",r=abx" NONCE ",p=" PROOF, SASL_MALFORMED },
	{ 0, "n,,", ",r=abc" NONCE "A,p=" PROOF, SASL_MALFORMED },
	{ 0, "n,,", ",r=abc" NONCE, SASL_MALFORMED },
	{ 0, "n,,", ",r=abc" NONCE ",p=", SASL_MALFORMED },
	{ 0, "n,,", ",r=abc" NONCE ",p=AAAA", SASL_MALFORMED },
	{ 0, "n,,", ",r=abc" NONCE ",p=" PROOF ",x=y", SASL_MALFORMED },
	{ 0, "n,,", ",p=" PROOF, SASL_MALFORMED },
	{ 0, "n,,", "", SASL_MALFORMED },
};

static enum sasl_result step(struct sasl_server *s, slice message)
{
	return sasl_server_step(s, coded(message));
}

static void test_final(void **state)
{
	static const unsigned char signature[SCRAM_HASH_LEN];
	static const struct sasl_server none;

	for (size_t i = 0; i < sizeof finals / sizeof finals[0]; i++) {
		const struct final *f = &finals[i];
		struct buffer text = buffer_init(heap, 4096), said = buffer_init(heap, 4096);
		const struct first *first = &firsts[f->first];
		struct sasl_salt salt = salt_of();
		struct sasl_server s;

		print_message("# %zu %s%s\n", f->first, f->binding, f->rest);
		assert_int_equal(begin(&s, first), SASL_KEYS);
		assert_int_equal(sasl_server_salted(&s, &salt), SASL_CHALLENGE);
		buffer_printf(&text, "c=%.*s%s", slice_arg(coded(slice_from(f->binding))), f->rest);
		assert_int_equal(step(&s, buffer_bytes(&text)), f->want);
		if (f->want != SASL_DONE) {
			assert_memory_equal(&s, &none, sizeof s);
			continue;
		}
		assert_int_equal(sasl_server_ask(&s), SASL_ASK_PROOF);
		buffer_add(&said, decoded(slice_lit(PROOF)));
		buffer_printf(&said, "%s,%s,%.*s", strstr(first->message, "n=user"), first->challenge,
		    (int)(buffer_bytes(&text).len - strlen(",p=" PROOF)), (const char *)buffer_bytes(&text).ptr);
		assert_slice(sasl_server_secret(&s), buffer_bytes(&said));
		assert_int_equal(sasl_server_proved(&s, slice_of(signature, sizeof signature)), SASL_CHALLENGE);
		assert_slice(challenge_of(&s), slice_lit("v=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="));
		assert_int_equal(i % 2 ? sasl_server_step(&s, slice_lit("")) :
		    sasl_server_step(&s, slice_lit("*")), i % 2 ? SASL_ACCEPTED : SASL_CANCELLED);
		assert_memory_equal(&s, &none, sizeof s);
	}
}

/* Each at its limit, and one more. */
static void test_lengths(void **state)
{
	for (size_t more = 0; more < 2; more++) {
		struct buffer name = buffer_init(heap, 4096), nonce = buffer_init(heap, 4096);
		struct first f = { "SCRAM-SHA-256", (const char *)buffer_bytes(&name).ptr, OFFER, SASL_KEYS,
			NULL, NULL };
		struct sasl_salt salt = salt_of();
		struct sasl_server s;

		buffer_printf(&name, "n,a=%0*d,n=%0*d,r=x", SASL_LOGIN_MAX, 1, SASL_LOGIN_MAX, 1);
		if (more)
			buffer_printf(&nonce, "n,,n=%0*d,r=x", SASL_LOGIN_MAX + 1, 1);
		else
			buffer_printf(&nonce, "n,a=%0*d,n=%0*d,r=%0*d", SASL_LOGIN_MAX, 1, SASL_LOGIN_MAX, 1,
			    SCRAM_CLIENT_NONCE_MAX, 1);
		buffer_add(&nonce, slice_of("", 1));
		f.message = (const char *)buffer_bytes(&nonce).ptr;
		assert_int_equal(begin(&s, &f), more ? SASL_LONG : SASL_KEYS);
		if (more)
			continue;
		salt.iterations = UINT32_MAX;
		assert_int_equal(sasl_server_salted(&s, &salt), SASL_CHALLENGE);
		assert_in_range(challenge_of(&s).len, SCRAM_CLIENT_NONCE_MAX, SCRAM_CHALLENGE_MAX - 1);
		sasl_server_wipe(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_example), cmocka_unit_test(test_keys), cmocka_unit_test(test_normal_form),
		cmocka_unit_test(test_first), cmocka_unit_test(test_no_binding), cmocka_unit_test(test_final),
		cmocka_unit_test(test_lengths),
	};
	int failed;

	cmocka_set_message_output(CM_OUTPUT_TAP);
	heap = heap_create(SIZE_MAX);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	heap_drop(heap);
	return failed;
}
