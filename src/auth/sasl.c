/* auth/sasl.c - the mechanisms' table and the exchange that all of them share.
 *
 *   start --> CHALLENGE --step--> CHALLENGE ... --> DONE | failed
 *
 * SCRAM's (sasl_scram.c) is
 *
 *   CHALLENGE --step--> KEYS --salted--> CHALLENGE --step--> DONE --proved--> CHALLENGE
 *       --step--> ACCEPTED
 *
 * (1) mechanism is set from the start until PLAIN's or LOGIN's SASL_DONE, SCRAM's
 *     SASL_ACCEPTED, or a failure.
 * (2) Once it failed, no byte of the client is kept. */
#include "auth/sasl_impl.h"

#include <string.h>

#include "base/check.h"
#include "mail/base64.h"

/* Keep `from` as login or secret: 1 to `max` bytes without NUL. */
static enum sasl_result keep(slice from, size_t max, unsigned char *ret_bytes, size_t *ret_len)
{
	if (from.len > max)
		return SASL_LONG;
	if (from.len == 0 || slice_find_byte(from, 0) != from.len)
		return SASL_MALFORMED;
	memcpy(ret_bytes, from.ptr, from.len);
	*ret_len = from.len;
	return SASL_DONE;
}

static enum sasl_result keep_login(struct sasl_server *s, slice login)
{
	return keep(login, sizeof s->login, s->login, &s->login_len);
}

static enum sasl_result keep_secret(struct sasl_server *s, slice secret)
{
	return keep(secret, sizeof s->secret, s->secret, &s->secret_len);
}

/* message = [authzid] UTF8NUL authcid UTF8NUL passwd, RFC 4616 s2. */
static enum sasl_result plain_message(struct sasl_server *s, unsigned n, slice message)
{
	slice rest = message;
	slice authzid = slice_cut(&rest, 0);
	slice authcid = slice_cut(&rest, 0);
	enum sasl_result result = keep_login(s, authcid);

	check(n == 0);
	if (result == SASL_DONE)
		result = keep_secret(s, rest);
	/* Nobody here may act for another. */
	if (result == SASL_DONE && authzid.len > 0 && !slice_equal(authzid, authcid))
		result = SASL_REFUSED;
	return result;
}

/* draft-murchison-sasl-login: the login, then the password. */
static enum sasl_result login_message(struct sasl_server *s, unsigned n, slice message)
{
	enum sasl_result result;

	if (n == 1)
		return keep_secret(s, message);
	result = keep_login(s, message);
	return result == SASL_DONE ? SASL_CHALLENGE : result;
}

static const struct sasl_mechanism mechanisms[] = {
	/* name                 needs                       message         challenges */
	{ "PLAIN",              0,                          plain_message,  { "" }                       },
	{ "LOGIN",              0,                          login_message,  { "Username:", "Password:" } },
	{ "SCRAM-SHA-256",      SASL_SCRAM,                 scram_message,  { "", NULL, NULL }           },
	{ "SCRAM-SHA-256-PLUS", SASL_SCRAM | SASL_BINDING,  scram_message,  { "", NULL, NULL }           },
};

static bool offered(const struct sasl_mechanism *m, unsigned offer)
{
	return (m->needs & offer) == m->needs;
}

void sasl_mechanism_names(unsigned offer, struct buffer *out)
{
	for (size_t i = 0; i < sizeof mechanisms / sizeof mechanisms[0]; i++) {
		if (offered(&mechanisms[i], offer))
			buffer_printf(out, "%s%s", i > 0 ? " " : "", mechanisms[i].name);
	}
}

static const struct sasl_mechanism *find(unsigned offer, slice name)
{
	for (size_t i = 0; i < sizeof mechanisms / sizeof mechanisms[0]; i++) {
		if (slice_equal_ascii(name, slice_from(mechanisms[i].name)) &&
		    offered(&mechanisms[i], offer))
			return &mechanisms[i];
	}
	return NULL;
}

void sasl_server_wipe(struct sasl_server *s)
{
	explicit_bzero(s, sizeof *s);
}

static enum sasl_result take_text(struct sasl_server *s, slice text)
{
	size_t len = 0;

	switch (base64_decode(text, s->bytes, sizeof s->bytes, &len)) {
	case BASE64_OK:
		return s->mechanism->message(s, s->n++, slice_of(s->bytes, len));
	case BASE64_LONG:
		return SASL_LONG;
	case BASE64_BAD:
		break;
	}
	return SASL_MALFORMED;
}

/* Uphold the invariants (1) and (2). */
static enum sasl_result settle(struct sasl_server *s, enum sasl_result result)
{
	explicit_bzero(s->bytes, sizeof s->bytes);
	if (result == SASL_CHALLENGE || result == SASL_KEYS)
		return result;
	if (result != SASL_DONE)
		sasl_server_wipe(s);    /* accepted, or failed */
	else if (!s->scram.proof)
		s->mechanism = NULL;
	return result;
}

enum sasl_result sasl_server_start(struct sasl_server *s, unsigned offer, slice mechanism,
    const slice *initial)
{
	check(s->mechanism == NULL && s->login_len == 0 && s->secret_len == 0);
	s->mechanism = find(offer, mechanism);
	s->offer = s->mechanism != NULL ? offer : 0;
	if (s->mechanism == NULL)
		return SASL_UNKNOWN;
	if (initial == NULL)
		return SASL_CHALLENGE;
	/* RFC 4954 s4, RFC 5034 s4: "=" is an initial response of no bytes. */
	if (slice_equal(*initial, slice_lit("=")))
		return settle(s, take_text(s, (slice){ 0 }));
	if (initial->len == 0)
		return settle(s, SASL_MALFORMED);
	return settle(s, take_text(s, *initial));
}

enum sasl_result sasl_server_step(struct sasl_server *s, slice line)
{
	check(s->mechanism != NULL);
	if (slice_equal(line, slice_lit("*")))
		return settle(s, SASL_CANCELLED);
	return settle(s, take_text(s, line));
}

enum sasl_result sasl_server_salted(struct sasl_server *s, const struct sasl_salt *salt)
{
	check(s->mechanism != NULL && s->n == 1 && !s->scram.proof);
	return settle(s, scram_salted(s, salt));
}

enum sasl_result sasl_server_proved(struct sasl_server *s, slice signature)
{
	check(s->mechanism != NULL && s->scram.proof && signature.len == SCRAM_HASH_LEN);
	scram_proved(s, signature);
	return SASL_CHALLENGE;
}

void sasl_server_challenge(const struct sasl_server *s, struct buffer *out)
{
	const char *words;

	check(s->mechanism != NULL);
	check(s->n < sizeof s->mechanism->challenges / sizeof s->mechanism->challenges[0]);
	words = s->mechanism->challenges[s->n];
	base64_encode(words != NULL ? slice_from(words) :
	    slice_of(s->scram.challenge, s->scram.challenge_len), out);
}

enum sasl_ask sasl_server_ask(const struct sasl_server *s)
{
	if (s->mechanism == NULL)
		return SASL_ASK_PASSWORD;
	return s->scram.proof ? SASL_ASK_PROOF : SASL_ASK_SALT;
}

slice sasl_server_login(const struct sasl_server *s)
{
	check(s->login_len > 0);
	return slice_of(s->login, s->login_len);
}

slice sasl_server_secret(const struct sasl_server *s)
{
	switch (sasl_server_ask(s)) {
	case SASL_ASK_PROOF:
		return slice_of(s->scram.said, SCRAM_HASH_LEN + s->scram.text_len);
	case SASL_ASK_SALT:
		return (slice){ 0 };
	default:
		check(s->secret_len > 0);
		return slice_of(s->secret, s->secret_len);
	}
}
