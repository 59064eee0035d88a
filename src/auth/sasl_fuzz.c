/* auth/sasl_fuzz.c - the lines of an AUTH exchange: the mechanism and an initial
 * response on the first, the client's answers on the others. The first byte says
 * whether the initial response counts, or the input is login and password.
 *
 * For: auth/sasl.c auth/sasl_scram.c
 *
 * Holds: an exchange is over after at most four lines; login and password are
 * within their limits and have no NUL; nothing of them is left after the wipe;
 * whoever says a login and a password as RFC 4616 or LOGIN wants gets them judged
 * as they are, wherever they fit. */
#include "fuzz.h"

#include "auth/sasl.h"
#include "mail/base64.h"

static void check_wiped(struct sasl_server *s)
{
	static const struct sasl_server none;

	sasl_server_wipe(s);
	check(memcmp(s->bytes, none.bytes, sizeof s->bytes) == 0);
	check(memcmp(s->login, none.login, sizeof s->login) == 0);
	check(memcmp(s->secret, none.secret, sizeof s->secret) == 0);
}

static void check_done(const struct sasl_server *s)
{
	slice login = sasl_server_login(s), secret = sasl_server_secret(s);

	check(login.len > 0 && login.len <= SASL_LOGIN_MAX);
	check(slice_find_byte(login, 0) == login.len);
	if (sasl_server_ask(s) == SASL_ASK_PROOF) {
		check(secret.len > SCRAM_HASH_LEN && secret.len <= SCRAM_HASH_LEN + SCRAM_TEXT_MAX);
		return;
	}
	check(sasl_server_ask(s) == SASL_ASK_PASSWORD && secret.len > 0 && secret.len <= SASL_SECRET_MAX);
	check(slice_find_byte(secret, 0) == secret.len);
}

/* What the host says to a question of SCRAM; else the result stays. */
static enum sasl_result host(struct sasl_server *s, enum sasl_result result)
{
	static const struct sasl_salt salt = { .iterations = 4096, .exporter = slice_lit("bound") };
	static const unsigned char signature[SCRAM_HASH_LEN];

	if (result == SASL_KEYS)
		return sasl_server_salted(s, &salt);
	if (result == SASL_DONE && sasl_server_ask(s) == SASL_ASK_PROOF) {
		check_done(s);
		return sasl_server_proved(s, slice_of(signature, sizeof signature));
	}
	return result;
}

static void any_lines(slice in, bool initial, unsigned offer, struct heap *heap)
{
	struct buffer challenge = buffer_init(heap, SASL_CHALLENGE_MAX);
	struct sasl_server *s = heap_new(heap, struct sasl_server);
	slice first = slice_cut(&in, '\n'), name = slice_cut(&first, ' ');
	enum sasl_result result = host(s, sasl_server_start(s, offer, name, initial ? &first : NULL));
	unsigned lines = 0;

	while (result == SASL_CHALLENGE && in.len > 0) {
		slice line = fuzz_copy(slice_cut(&in, '\n'));

		check(++lines <= 4);
		buffer_truncate(&challenge, 0);
		sasl_server_challenge(s, &challenge);
		result = host(s, sasl_server_step(s, line));
		fuzz_free(line);
	}
	if (result == SASL_DONE)
		check_done(s);
	check_wiped(s);
}

static bool plain_text(slice s)
{
	return s.len > 0 && slice_find_byte(s, 0) == s.len;
}

/* An honest client: "login NUL password" in the input. */
static void honest(slice in, bool plain, struct heap *heap)
{
	struct buffer message = buffer_init(heap, SIZE_MAX / 2), text = message;
	struct sasl_server *s = heap_new(heap, struct sasl_server);
	slice login = slice_cut(&in, 0), secret = in;
	enum sasl_result result;
	bool fits = login.len <= SASL_LOGIN_MAX && secret.len <= SASL_SECRET_MAX;

	if (!plain_text(login) || !plain_text(secret))
		return;
	if (plain) {
		put_u8(&message, 0);
		buffer_add(&message, login);
		put_u8(&message, 0);
		buffer_add(&message, secret);
		base64_encode(buffer_bytes(&message), &text);
		result = sasl_server_start(s, 0, slice_lit("PLAIN"), &(slice){ buffer_bytes(&text).ptr,
		    buffer_bytes(&text).len });
	} else {
		result = sasl_server_start(s, 0, slice_lit("login"), NULL);
		check(result == SASL_CHALLENGE);
		base64_encode(login, &text);
		result = sasl_server_step(s, buffer_bytes(&text));
		buffer_truncate(&text, 0);
		base64_encode(secret, &text);
		if (result == SASL_CHALLENGE)
			result = sasl_server_step(s, buffer_bytes(&text));
	}
	check(result == (fits ? SASL_DONE : SASL_LONG));
	check(!fits || slice_equal(sasl_server_login(s), login));
	check(!fits || slice_equal(sasl_server_secret(s), secret));
	check_wiped(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct heap *heap;
	slice in;

	if (len < 1)
		return 0;
	heap = heap_create(64 << 20);
	in = slice_of(data + 1, len - 1);
	if (data[0] & 2)
		honest(in, data[0] & 1, heap);
	else
		any_lines(in, data[0] & 1, data[0] >> 2 & (SASL_SCRAM | SASL_BINDING), heap);
	heap_drop(heap);
	return 0;
}
