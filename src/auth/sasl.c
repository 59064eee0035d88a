/* auth/sasl.c - the mechanisms' table and the exchange that all of them share.
 *
 *   start --> CHALLENGE --step--> CHALLENGE ... --> DONE | failed
 *
 * (1) mechanism is set exactly while the last result was SASL_CHALLENGE.
 * (2) Unless the result is SASL_DONE, no byte of the client is kept once the
 *     exchange is over. */
#include "auth/sasl.h"

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
	/* name    plaintext  message         challenges */
	{ "PLAIN", true,      plain_message,  { "" }                       },
	{ "LOGIN", true,      login_message,  { "Username:", "Password:" } },
};

void sasl_mechanism_names(struct buffer *out)
{
	for (size_t i = 0; i < sizeof mechanisms / sizeof mechanisms[0]; i++)
		buffer_printf(out, "%s%s", i > 0 ? " " : "", mechanisms[i].name);
}

static const struct sasl_mechanism *find(slice name)
{
	for (size_t i = 0; i < sizeof mechanisms / sizeof mechanisms[0]; i++) {
		if (slice_equal_ascii(name, slice_from(mechanisms[i].name)))
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
	if (result == SASL_DONE)
		s->mechanism = NULL;
	else if (result != SASL_CHALLENGE)
		sasl_server_wipe(s);
	return result;
}

enum sasl_result sasl_server_start(struct sasl_server *s, slice mechanism, const slice *initial)
{
	check(s->mechanism == NULL && s->login_len == 0 && s->secret_len == 0);
	s->mechanism = find(mechanism);
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

void sasl_server_challenge(const struct sasl_server *s, struct buffer *out)
{
	check(s->mechanism != NULL);
	check(s->n < sizeof s->mechanism->challenges / sizeof s->mechanism->challenges[0]);
	base64_encode(slice_from(s->mechanism->challenges[s->n]), out);
}

slice sasl_server_login(const struct sasl_server *s)
{
	check(s->login_len > 0);
	return slice_of(s->login, s->login_len);
}

slice sasl_server_secret(const struct sasl_server *s)
{
	check(s->secret_len > 0);
	return slice_of(s->secret, s->secret_len);
}
