/* smtp/client_auth.c - AUTH PLAIN (RFC 4616) and LOGIN, the client's side (RFC
 * 4954). What carries the password is wiped as it leaves. */
#include <string.h>

#include "base/limits.h"
#include "mail/base64.h"
#include "smtp/client_impl.h"

static void write_base64(struct smtp_client *c, slice bytes)
{
	base64_encode(bytes, &c->out);
	buffer_add(&c->out, slice_lit("\r\n"));
	c->out_secret = true;
}

/* PLAIN's message: no authzid, the login, the password (RFC 4616). */
static void write_plain(struct smtp_client *c)
{
	unsigned char message[SASL_LOGIN_MAX + SASL_SECRET_MAX + 2];
	slice login = c->config->login, secret = c->config->secret;
	size_t n = login.len + secret.len + 2;

	message[0] = message[login.len + 1] = 0;
	memcpy(message + 1, login.ptr, login.len);
	if (secret.len > 0)
		memcpy(message + login.len + 2, secret.ptr, secret.len);
	write_base64(c, slice_of(message, n));
	explicit_bzero(message, sizeof message);
}

void smtp_client_authenticate(struct smtp_client *c)
{
	size_t message = c->config->login.len + c->config->secret.len + 2;

	c->step = SMTP_CLIENT_STEP_LOGIN;
	if (!c->secure && !c->config->clear_auth) {
		smtp_client_fail(c, 0, slice_lit("no TLS: the password is not sent in the clear"));
	} else if (c->offers & SMTP_CLIENT_AUTH_PLAIN) {
		if (base64_length(message) > SMTP_CLIENT_INITIAL_MAX) {
			smtp_client_command(c, "AUTH PLAIN", EXPECT_AUTH_MESSAGE);
			return;
		}
		buffer_add(&c->out, slice_lit("AUTH PLAIN "));
		write_plain(c);
		c->expect = EXPECT_AUTH;
	} else if (c->offers & SMTP_CLIENT_AUTH_LOGIN) {
		smtp_client_command(c, "AUTH LOGIN", EXPECT_AUTH_MESSAGE);
	} else {
		smtp_client_fail(c, 0, slice_lit("the server does not offer AUTH PLAIN or LOGIN"));
	}
}

void smtp_client_on_auth_message(struct smtp_client *c)
{
	if (c->code != 334) {
		smtp_client_fail_reply(c);
	} else if (c->offers & SMTP_CLIENT_AUTH_PLAIN) {
		write_plain(c);
		c->expect = EXPECT_AUTH;
	} else {
		write_base64(c, c->config->login);
		c->expect = EXPECT_AUTH_SECRET;
	}
}

void smtp_client_on_auth_secret(struct smtp_client *c)
{
	if (c->code != 334) {
		smtp_client_fail_reply(c);
		return;
	}
	write_base64(c, c->config->secret);
	c->expect = EXPECT_AUTH;
}

void smtp_client_on_auth(struct smtp_client *c)
{
	if (c->code == 235)
		smtp_client_become_ready(c);
	else
		smtp_client_fail_reply(c);
}
