/* auth/sasl_scram.c - the messages of SCRAM (RFC 5802 s5, s7), the server's side.
 *
 *   C: n,,n=user,r=fyko                      gs2-header, client-first-message-bare
 *   S: r=fyko3rfc,s=W22Z,i=4096              server-first-message
 *   C: c=biws,r=fyko3rfc,p=dHzb              client-final-message
 *   S: v=6rri                                server-final-message
 *   C:                                       nothing: success was said with more data
 *
 * (1) text, the AuthMessage, begins with the client's first message without its header; then
 *     come what the server said, and the client's last message without its proof.
 * (2) binding is what both sides know of the connection when bound says so. */
#include <stdio.h>
#include <string.h>

#include "auth/sasl_impl.h"
#include "base/check.h"
#include "mail/base64.h"

/* ---- pieces ---- */

/* "x=" value, up to the next comma, which goes too. False: it is another attribute. */
static bool take(slice *rest, char name, slice *ret_value)
{
	if (rest->len < 2 || rest->ptr[0] != (unsigned char)name || rest->ptr[1] != '=')
		return false;
	*rest = slice_drop(*rest, 2);
	*ret_value = slice_cut(rest, ',');
	return true;
}

/* saslname: "=2C" is a comma, "=3D" an equals sign; no other "=" and no NUL. */
static enum sasl_result take_name(slice from, unsigned char *ret_name, size_t max, size_t *ret_len)
{
	size_t n = 0;

	while (from.len > 0) {
		unsigned char c = from.ptr[0];
		size_t len = 1;

		if (c == '=') {
			len = 3;
			if (slice_starts(from, slice_lit("=2C")))
				c = ',';
			else if (!slice_starts(from, slice_lit("=3D")))
				return SASL_MALFORMED;
		}
		if (c == 0)
			return SASL_MALFORMED;
		if (n == max)
			return SASL_LONG;
		ret_name[n++] = c;
		from = slice_drop(from, len);
	}
	*ret_len = n;
	return n > 0 ? SASL_DONE : SASL_MALFORMED;
}

/* 1*(%x21-2B / %x2D-7E): printable, without the comma. */
static bool is_nonce(slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] < 0x21 || s.ptr[i] > 0x7e || s.ptr[i] == ',')
			return false;
	}
	return s.len > 0;
}

static void add_text(struct sasl_scram *c, slice more)
{
	check(more.len <= SCRAM_TEXT_MAX - c->text_len);
	memcpy(c->said + SCRAM_HASH_LEN + c->text_len, more.ptr, more.len);
	c->text_len += more.len;
}

/* ---- client-first-message ---- */

/* gs2-cbind-flag: what the client knows of bindings. */
static enum sasl_result judge_flag(struct sasl_server *s, slice flag)
{
	bool plus = (s->mechanism->needs & SASL_BINDING) != 0;

	if (slice_equal(flag, slice_lit("n")))
		return plus ? SASL_UNBOUND : SASL_DONE;
	/* "I could, but you did not offer it": then somebody between us removed the offer. */
	if (slice_equal(flag, slice_lit("y")))
		return plus || (s->offer & SASL_BINDING) ? SASL_UNBOUND : SASL_DONE;
	if (!slice_starts(flag, slice_lit("p=")))
		return SASL_MALFORMED;
	flag = slice_drop(flag, 2);
	if (slice_equal(flag, slice_lit("tls-exporter")))
		s->scram.bound = SCRAM_EXPORTER;
	else if (slice_equal(flag, slice_lit("tls-server-end-point")))
		s->scram.bound = SCRAM_ENDPOINT;
	return plus && s->scram.bound != SCRAM_UNBOUND ? SASL_DONE : SASL_UNBOUND;
}

static enum sasl_result judge_authzid(const struct sasl_server *s, slice authzid)
{
	unsigned char name[SASL_LOGIN_MAX];
	enum sasl_result result;
	slice value;
	size_t len;

	if (authzid.len == 0)
		return SASL_DONE;
	if (!take(&authzid, 'a', &value))
		return SASL_MALFORMED;
	result = take_name(value, name, sizeof name, &len);
	/* Nobody here may act for another. */
	if (result == SASL_DONE && !slice_equal(slice_of(name, len), slice_of(s->login, s->login_len)))
		result = SASL_REFUSED;
	return result;
}

static enum sasl_result first_message(struct sasl_server *s, slice message)
{
	slice rest = message, flag = slice_cut(&rest, ','), authzid = slice_cut(&rest, ',');
	slice bare = rest, name, nonce;
	size_t header_len = message.len - rest.len;
	enum sasl_result result = judge_flag(s, flag);

	if (result != SASL_DONE)
		return result;
	if (header_len > sizeof s->scram.header)
		return SASL_LONG;
	/* A mandatory extension, "m=", is not known here, nor anywhere. */
	if (!take(&rest, 'n', &name) || !take(&rest, 'r', &nonce) || !is_nonce(nonce))
		return SASL_MALFORMED;
	if (nonce.len > SCRAM_CLIENT_NONCE_MAX)
		return SASL_LONG;
	result = take_name(name, s->login, sizeof s->login, &s->login_len);
	if (result == SASL_DONE)
		result = judge_authzid(s, authzid);
	if (result != SASL_DONE)
		return result;
	memcpy(s->scram.header, message.ptr, header_len);
	s->scram.header_len = header_len;
	add_text(&s->scram, bare);
	memcpy(s->scram.challenge, "r=", 2);
	memcpy(s->scram.challenge + 2, nonce.ptr, nonce.len);
	s->scram.nonce_len = nonce.len;
	return SASL_KEYS;
}

/* ---- server-first-message ---- */

static bool keep_binding(struct sasl_scram *c, const struct sasl_salt *salt)
{
	slice data = { 0 };

	if (c->bound == SCRAM_EXPORTER)
		data = salt->exporter;
	else if (c->bound == SCRAM_ENDPOINT)
		data = salt->endpoint;
	if (c->bound != SCRAM_UNBOUND && data.len == 0)
		return false;
	check(data.len <= sizeof c->binding);
	if (data.len > 0)
		memcpy(c->binding, data.ptr, data.len);
	c->binding_len = data.len;
	return true;
}

enum sasl_result scram_salted(struct sasl_server *s, const struct sasl_salt *salt)
{
	struct sasl_scram *c = &s->scram;
	char *at = c->challenge + strlen("r=") + c->nonce_len;

	if (!keep_binding(c, salt))
		return SASL_UNBOUND;
	at = scram_put_base64(at, slice_of(salt->nonce, sizeof salt->nonce));
	c->nonce_len = (size_t)(at - c->challenge) - strlen("r=");
	memcpy(at, ",s=", 3);
	at = scram_put_base64(at + 3, slice_of(salt->salt, sizeof salt->salt));
	at += snprintf(at, sizeof ",i=4294967295", ",i=%u", salt->iterations);
	c->challenge_len = (size_t)(at - c->challenge);
	check(c->challenge_len < sizeof c->challenge);
	add_text(c, slice_lit(","));
	add_text(c, slice_of(c->challenge, c->challenge_len));
	return SASL_CHALLENGE;
}

/* ---- client-final-message ---- */

/* Is it the header of the first message and what the connection is bound to? */
static bool same_binding(const struct sasl_scram *c, slice coded)
{
	unsigned char have[SCRAM_HEADER_MAX + SCRAM_BINDING_MAX];
	size_t len = 0;

	return base64_decode(coded, have, sizeof have, &len) == BASE64_OK &&
	    len == c->header_len + c->binding_len &&
	    memcmp(have, c->header, c->header_len) == 0 &&
	    memcmp(have + c->header_len, c->binding, c->binding_len) == 0;
}

static enum sasl_result final_message(struct sasl_server *s, slice message)
{
	struct sasl_scram *c = &s->scram;
	slice rest = message, binding, nonce, proof;
	size_t at = slice_find_last_byte(message, ','), len = 0;

	if (at == message.len || !take(&rest, 'c', &binding) || !take(&rest, 'r', &nonce))
		return SASL_MALFORMED;
	rest = slice_drop(message, at + 1);
	if (!take(&rest, 'p', &proof) ||
	    base64_decode(proof, c->said, SCRAM_HASH_LEN, &len) != BASE64_OK || len != SCRAM_HASH_LEN)
		return SASL_MALFORMED;
	if (!slice_equal(nonce, slice_of(c->challenge + 2, c->nonce_len)))
		return SASL_MALFORMED;
	if (!same_binding(c, binding))
		return SASL_UNBOUND;
	add_text(c, slice_lit(","));
	add_text(c, slice_head(message, at));
	c->proof = true;
	return SASL_DONE;
}

/* ---- server-final-message ---- */

void scram_proved(struct sasl_server *s, slice signature)
{
	struct sasl_scram *c = &s->scram;

	memcpy(c->challenge, "v=", 2);
	c->challenge_len = (size_t)(scram_put_base64(c->challenge + 2, signature) - c->challenge);
}

enum sasl_result scram_message(struct sasl_server *s, unsigned n, slice message)
{
	switch (n) {
	case 0:
		return first_message(s, message);
	case 1:
		return final_message(s, message);
	default:
		return message.len == 0 ? SASL_ACCEPTED : SASL_MALFORMED;
	}
}
