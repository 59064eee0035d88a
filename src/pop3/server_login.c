/* pop3/server_login.c - AUTHORIZATION: USER and PASS (RFC 1939 s7), AUTH
 * (RFC 5034), STLS (RFC 2595), UTF8 (RFC 6856), and CAPA (RFC 2449), whose list
 * depends on the same conditions.
 *
 * A password in the clear is taken from loopback only: elsewhere the session
 * must be under TLS first, and the refusal says so. */
#include <string.h>

#include "base/check.h"
#include "base/limits.h"
#include "pop3/server_impl.h"

static bool may_log_in(const struct pop3_server *s)
{
	return s->secure || s->loopback;
}

static bool may_stls(const struct pop3_server *s)
{
	return s->config->stls && !s->secure && s->state == POP3_AUTHORIZATION;
}

static void refuse_clear(struct pop3_server *s)
{
	pop3_reply_error(s, may_stls(s) ?
	    slice_lit("[SYS/PERM] no passwords in the clear here: issue STLS first") :
	    slice_lit("[SYS/PERM] no passwords in the clear here: use POP3 over TLS"));
}

static void wipe(struct buffer *b)
{
	if (b->ptr != NULL)
		explicit_bzero(b->ptr, b->capacity);
	buffer_free(b);
}

void pop3_forget_login(struct pop3_server *s)
{
	wipe(&s->login);
	wipe(&s->secret);
	if (s->sasl != NULL)
		sasl_server_wipe(s->sasl);
	heap_free(s->heap, s->sasl);
	s->sasl = NULL;
	s->sasl_running = false;
}

static unsigned sasl_offer(const struct pop3_server *s)
{
	return (s->config->scram ? SASL_SCRAM : 0u) | (s->secure ? SASL_BINDING : 0u);
}

static void ask(struct pop3_server *s, struct pop3_event question)
{
	s->wait = POP3_WAIT_LOGIN;
	pop3_raise(s, question);
}

void pop3_server_login_refused(struct pop3_server *s, slice words)
{
	if (!pop3_answered(s, POP3_WAIT_LOGIN))
		return;
	pop3_forget_login(s);
	pop3_reply_error(s, words);
}

void pop3_on_user(struct pop3_server *s, const struct pop3_command *command)
{
	pop3_forget_login(s);
	if (!may_log_in(s)) {
		refuse_clear(s);
		return;
	}
	/* Whether there is such a user is not for everybody to know. */
	buffer_add(&s->login, command->text);
	pop3_reply_ok(s, "now the password");
}

void pop3_on_pass(struct pop3_server *s, const struct pop3_command *command)
{
	slice login = buffer_bytes(&s->login);

	if (!may_log_in(s)) {
		refuse_clear(s);
	} else if (login.len == 0) {
		pop3_reply_error(s, slice_lit("USER comes first"));
	} else {
		buffer_add(&s->secret, command->text);
		ask(s, (struct pop3_event){ .kind = POP3_EVENT_LOGIN, .text = login,
		    .secret = buffer_bytes(&s->secret), .ask = SASL_ASK_PASSWORD });
	}
}

/* What to answer when an exchange ended without a login. */
static const struct {
	enum sasl_result result;
	slice words;
} sasl_failures[] = {
	{ SASL_UNKNOWN,   slice_lit("no such mechanism; CAPA lists them") },
	{ SASL_CANCELLED, slice_lit("cancelled") },
	{ SASL_MALFORMED, slice_lit("that is not what the mechanism asks for") },
	{ SASL_LONG,      slice_lit("that is too long") },
	{ SASL_REFUSED,   slice_lit("[AUTH] nobody may act for somebody else here") },
	{ SASL_UNBOUND,   slice_lit("[AUTH] that is not bound to this connection") },
};

static void after_sasl(struct pop3_server *s, enum sasl_result result)
{
	s->sasl_running = result == SASL_CHALLENGE;
	if (result == SASL_CHALLENGE) {
		buffer_add(&s->out, slice_lit("+ "));
		sasl_server_challenge(s->sasl, &s->out);
		buffer_add(&s->out, slice_lit("\r\n"));
		return;
	}
	if (result == SASL_DONE || result == SASL_KEYS) {
		ask(s, (struct pop3_event){ .kind = POP3_EVENT_LOGIN, .text = sasl_server_login(s->sasl),
		    .secret = sasl_server_secret(s->sasl), .ask = sasl_server_ask(s->sasl) });
		return;
	}
	if (result == SASL_ACCEPTED) {
		ask(s, (struct pop3_event){ .kind = POP3_EVENT_LOGGED_IN });
		return;
	}
	pop3_forget_login(s);
	for (size_t i = 0; i < sizeof sasl_failures / sizeof sasl_failures[0]; i++) {
		if (sasl_failures[i].result == result) {
			pop3_reply_error(s, sasl_failures[i].words);
			return;
		}
	}
	check(false);
}

/* auth-command = "AUTH" SP mechanism [SP initial-response], RFC 5034 s4. */
void pop3_on_auth(struct pop3_server *s, const struct pop3_command *command)
{
	slice rest = command->text;
	bool has_initial = slice_find_byte(rest, ' ') < rest.len;
	slice mechanism = slice_cut(&rest, ' ');

	pop3_forget_login(s);
	if (!may_log_in(s)) {
		refuse_clear(s);
		return;
	}
	s->sasl = heap_new(s->heap, struct sasl_server);
	after_sasl(s, sasl_server_start(s->sasl, sasl_offer(s), mechanism, has_initial ? &rest : NULL));
}

void pop3_on_auth_line(struct pop3_server *s, slice line)
{
	after_sasl(s, sasl_server_step(s->sasl, line));
}

void pop3_server_salted(struct pop3_server *s, const struct sasl_salt *salt)
{
	if (pop3_answered(s, POP3_WAIT_LOGIN))
		after_sasl(s, sasl_server_salted(s->sasl, salt));
}

void pop3_server_proved(struct pop3_server *s, slice signature)
{
	if (pop3_answered(s, POP3_WAIT_LOGIN))
		after_sasl(s, sasl_server_proved(s->sasl, signature));
}

void pop3_on_stls(struct pop3_server *s, const struct pop3_command *command)
{
	if (s->secure) {
		pop3_reply_error(s, slice_lit("TLS is on already"));
	} else if (!may_stls(s)) {
		pop3_reply_error(s, slice_lit("[SYS/PERM] no TLS here"));
	} else if (s->utf8) {
		/* RFC 6856 s2.1: not after UTF8. */
		pop3_reply_error(s, slice_lit("STLS comes before UTF8"));
	} else {
		pop3_reply_ok(s, "begin TLS");
		s->wait = POP3_WAIT_TLS;
		pop3_raise(s, (struct pop3_event){ .kind = POP3_EVENT_STLS });
	}
}

void pop3_server_secured(struct pop3_server *s)
{
	if (!pop3_answered(s, POP3_WAIT_TLS))
		return;
	pop3_forget_login(s);           /* what was said in the clear does not count */
	s->secure = true;
	s->skipping = false;
}

void pop3_on_utf8(struct pop3_server *s, const struct pop3_command *command)
{
	s->utf8 = true;
	pop3_reply_ok(s, "UTF-8 it is");
}

static bool always(const struct pop3_server *s)
{
	return true;
}

static const struct {
	const char *line;
	bool (*applies)(const struct pop3_server *s);
} capabilities[] = {
	{ "TOP", always },
	{ "UIDL", always },
	{ "PIPELINING", always },
	{ "RESP-CODES", always },
	{ "AUTH-RESP-CODE", always },
	{ "EXPIRE NEVER", always },
	{ "UTF8", always },
	{ "STLS", may_stls },
	{ "USER", may_log_in },
	{ "IMPLEMENTATION Posthouse", always },
};

void pop3_on_capa(struct pop3_server *s, const struct pop3_command *command)
{
	pop3_reply_ok(s, "this is what there is");
	for (size_t i = 0; i < sizeof capabilities / sizeof capabilities[0]; i++) {
		if (capabilities[i].applies(s))
			buffer_printf(&s->out, "%s\r\n", capabilities[i].line);
	}
	if (may_log_in(s)) {
		buffer_add(&s->out, slice_lit("SASL "));
		sasl_mechanism_names(sasl_offer(s), &s->out);
		buffer_add(&s->out, slice_lit("\r\n"));
	}
	buffer_add(&s->out, slice_lit(".\r\n"));
}
