/* auth/sasl_test.c - exchanges as tables: the client's lines, and what each
 * leads to. */
#include "unit.h"

#include "auth/sasl.h"
#include "base/heap.h"
#include "mail/base64.h"

static const struct exchange {
	const char *name;
	const char *mechanism, *initial;        /* initial NULL: none */
	const char *lines[3];                   /* NULL: no more */
	const char *challenges[3];              /* one before each line */
	enum sasl_result want;
	const char *login, *secret;
} exchanges[] = {
	{ "RFC 4616 s4, tim", "PLAIN", "AHRpbQB0YW5zdGFhZnRhbnN0YWFm", { NULL }, { NULL },
	  SASL_DONE, "tim", "tanstaaftanstaaf" },
	{ "asked", "plain", NULL, { "AHRpbQB0YW5zdGFhZnRhbnN0YWFm" }, { "" },
	  SASL_DONE, "tim", "tanstaaftanstaaf" },
	{ "authzid is authcid", "PLAIN", "dGltAHRpbQB4", { NULL }, { NULL },
	  SASL_DONE, "tim", "x" },
	{ "authzid is another (RFC 4616 s4, Ursel and Kurt)", "PLAIN",
	  "VXJzZWwAS3VydAB4aXBqMzBmYmo=", { NULL }, { NULL }, SASL_REFUSED, NULL, NULL },
	{ "empty initial", "PLAIN", "=", { NULL }, { NULL }, SASL_MALFORMED, NULL, NULL },
	{ "initial of no characters", "PLAIN", "", { NULL }, { NULL }, SASL_MALFORMED, NULL, NULL },
	{ "no password", "PLAIN", "AHRpbQA=", { NULL }, { NULL }, SASL_MALFORMED, NULL, NULL },
	{ "one NUL", "PLAIN", "dGltAHg=", { NULL }, { NULL }, SASL_MALFORMED, NULL, NULL },
	{ "three NULs", "PLAIN", "AHRpbQB4AHk=", { NULL }, { NULL }, SASL_MALFORMED, NULL, NULL },
	{ "no login", "PLAIN", "AAB4", { NULL }, { NULL }, SASL_MALFORMED, NULL, NULL },
	{ "not base 64", "PLAIN", "AHRpbQB4!", { NULL }, { NULL }, SASL_MALFORMED, NULL, NULL },
	{ "cancelled", "PLAIN", NULL, { "*" }, { "" }, SASL_CANCELLED, NULL, NULL },
	{ "8 bits", "PLAIN", "AMOpAMO8", { NULL }, { NULL }, SASL_DONE, "\xc3\xa9", "\xc3\xbc" },

	{ "login", "LOGIN", NULL, { "dGlt", "eA==" }, { "VXNlcm5hbWU6", "UGFzc3dvcmQ6" },
	  SASL_DONE, "tim", "x" },
	{ "login, name at once", "login", "dGlt", { "eA==" }, { "UGFzc3dvcmQ6" },
	  SASL_DONE, "tim", "x" },
	{ "login, no name", "LOGIN", NULL, { "" }, { "VXNlcm5hbWU6" }, SASL_MALFORMED, NULL, NULL },
	{ "login, NUL", "LOGIN", NULL, { "dABt" }, { "VXNlcm5hbWU6" }, SASL_MALFORMED, NULL, NULL },
	{ "login, no password", "LOGIN", "dGlt", { "" }, { "UGFzc3dvcmQ6" },
	  SASL_MALFORMED, NULL, NULL },
	{ "login, cancelled", "LOGIN", "dGlt", { "*" }, { "UGFzc3dvcmQ6" },
	  SASL_CANCELLED, NULL, NULL },

	{ "not offered", "SCRAM-SHA-256", NULL, { NULL }, { NULL }, SASL_UNKNOWN, NULL, NULL },
	{ "unknown", "CRAM-MD5", NULL, { NULL }, { NULL }, SASL_UNKNOWN, NULL, NULL },
	{ "a part of a name", "PLAI", NULL, { NULL }, { NULL }, SASL_UNKNOWN, NULL, NULL },
	{ "no name", "", NULL, { NULL }, { NULL }, SASL_UNKNOWN, NULL, NULL },
};

/* No byte of the client may be left. */
static void assert_wiped(const struct sasl_server *s)
{
	static const struct sasl_server none;

	assert_memory_equal(s, &none, sizeof none);
}

static void run(const struct exchange *e)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct buffer challenge = buffer_init(heap, SASL_CHALLENGE_MAX);
	struct sasl_server s = { 0 };
	slice initial = guarded_copy(slice_from(e->initial));
	enum sasl_result have = sasl_server_start(&s, 0, slice_from(e->mechanism),
	    e->initial ? &initial : NULL);

	print_message("# %s\n", e->name);
	for (size_t i = 0; i < 3 && e->lines[i] != NULL; i++) {
		slice line = guarded_copy(slice_from(e->lines[i]));

		assert_int_equal(have, SASL_CHALLENGE);
		sasl_server_challenge(&s, &challenge);
		assert_slice(buffer_bytes(&challenge), slice_from(e->challenges[i]));
		buffer_truncate(&challenge, 0);
		have = sasl_server_step(&s, line);
		guarded_free(line);
	}
	assert_int_equal(have, e->want);
	if (have == SASL_DONE) {
		assert_slice(sasl_server_login(&s), slice_from(e->login));
		assert_slice(sasl_server_secret(&s), slice_from(e->secret));
		sasl_server_wipe(&s);
	}
	assert_wiped(&s);
	guarded_free(initial);
	heap_drop(heap);
}

static void test_exchanges(void **state)
{
	for (size_t i = 0; i < sizeof exchanges / sizeof exchanges[0]; i++)
		run(&exchanges[i]);
}

static void fill(struct buffer *b, unsigned char c, size_t n)
{
	for (size_t i = 0; i < n; i++)
		buffer_add(b, slice_of(&c, 1));
}

/* PLAIN with parts of the given lengths; what start() says to it. */
static enum sasl_result plain_of(size_t authzid, size_t login, size_t secret)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct buffer message = buffer_init(heap, 65536), text = buffer_init(heap, 65536);
	struct sasl_server s = { 0 };
	enum sasl_result result;
	slice initial;

	fill(&message, 'a', authzid);
	fill(&message, 0, 1);
	fill(&message, 'a', login);
	fill(&message, 0, 1);
	fill(&message, 's', secret);
	base64_encode(buffer_bytes(&message), &text);
	initial = buffer_bytes(&text);
	result = sasl_server_start(&s, 0, slice_lit("PLAIN"), &initial);
	if (result != SASL_DONE)
		assert_wiped(&s);
	else
		assert_int_equal(sasl_server_secret(&s).len, secret);
	assert_true(text.end - text.start <= SASL_LINE_MAX || result == SASL_LONG);
	heap_drop(heap);
	return result;
}

static void test_lengths(void **state)
{
	/* RFC 4616 s2: each up to 255 must do. */
	assert_int_equal(plain_of(255, 255, 255), SASL_DONE);
	assert_int_equal(plain_of(SASL_LOGIN_MAX, SASL_LOGIN_MAX, SASL_SECRET_MAX), SASL_DONE);
	assert_int_equal(plain_of(0, SASL_LOGIN_MAX + 1, 1), SASL_LONG);
	assert_int_equal(plain_of(0, 1, SASL_SECRET_MAX + 1), SASL_LONG);
	assert_int_equal(plain_of(0, 1, 12288), SASL_LONG);
	assert_int_equal(plain_of(SASL_LOGIN_MAX, 1, 1), SASL_REFUSED);
}

static void test_names(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct buffer names = buffer_init(heap, 128);

	sasl_mechanism_names(0, &names);
	assert_slice(buffer_bytes(&names), slice_lit("PLAIN LOGIN"));
	buffer_truncate(&names, 0);
	sasl_mechanism_names(SASL_SCRAM, &names);
	assert_slice(buffer_bytes(&names), slice_lit("PLAIN LOGIN SCRAM-SHA-256"));
	buffer_truncate(&names, 0);
	sasl_mechanism_names(SASL_SCRAM | SASL_BINDING, &names);
	assert_slice(buffer_bytes(&names), slice_lit("PLAIN LOGIN SCRAM-SHA-256 SCRAM-SHA-256-PLUS"));
	buffer_truncate(&names, 0);
	sasl_mechanism_names(SASL_BINDING, &names);
	assert_slice(buffer_bytes(&names), slice_lit("PLAIN LOGIN"));
	heap_drop(heap);
}

UNIT_TESTS(cmocka_unit_test(test_exchanges), cmocka_unit_test(test_lengths),
    cmocka_unit_test(test_names))
