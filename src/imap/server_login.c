/* imap/server_login.c - not authenticated: STARTTLS, LOGIN, AUTHENTICATE (RFC 9051 s6.2;
 * SASL-IR, RFC 4959), and what goes in any state: CAPABILITY, NOOP, LOGOUT, ID.
 *
 * A password in the clear is taken from loopback only: elsewhere the session must be under
 * TLS first, and the refusal says so. */
#include <string.h>

#include "base/check.h"
#include "base/limits.h"
#include "imap/server_impl.h"

bool imap_may_login(const struct imap_server *s)
{
	return s->secure || s->loopback;
}

unsigned imap_sasl_offer(const struct imap_server *s)
{
	return (s->config->scram ? SASL_SCRAM : 0u) | (s->secure ? SASL_BINDING : 0u);
}

bool imap_may_starttls(const struct imap_server *s)
{
	return s->config->starttls && !s->secure && s->state == IMAP_NOT_AUTHENTICATED;
}

void imap_forget_login(struct imap_server *s)
{
	if (s->sasl != NULL)
		sasl_server_wipe(s->sasl);
	heap_free(s->heap, s->sasl);
	s->sasl = NULL;
	s->reading = IMAP_READ_COMMAND;
}

static void refuse_clear(struct imap_server *s)
{
	imap_finish(s, "NO", "PRIVACYREQUIRED", imap_may_starttls(s) ?
	    "no passwords in the clear here: STARTTLS first" :
	    "no passwords in the clear here: use IMAP over TLS");
}

static void ask_login(struct imap_server *s, enum sasl_ask ask, slice login, slice secret)
{
	imap_ask(s, IMAP_WAIT_LOGIN, (struct imap_event){
	    .kind = IMAP_EVENT_LOGIN, .login = login, .secret = secret, .ask = ask });
}

void imap_server_login_refused(struct imap_server *s, const char *code, slice words)
{
	if (!imap_answered(s, IMAP_WAIT_LOGIN))
		return;
	imap_forget_login(s);
	imap_finish(s, "NO", code, "%.*s", slice_arg(words));
	imap_go_on(s);
}

void imap_on_login(struct imap_server *s, struct imap_parse *p)
{
	slice login, secret;

	if (!imap_take_space(p) || !imap_take_astring(p, &login) || !imap_take_space(p) ||
	    !imap_take_astring(p, &secret) || !imap_take_end(p))
		imap_finish_bad(s, p);
	else if (!imap_may_login(s))
		refuse_clear(s);
	else if (login.len == 0 || secret.len == 0 || login.len > SASL_LOGIN_MAX ||
	    secret.len > SASL_SECRET_MAX)
		imap_finish(s, "NO", "AUTHENTICATIONFAILED", "that is no name and password");
	else
		ask_login(s, SASL_ASK_PASSWORD, login, secret);
}

/* What to answer when an exchange ended without a login. */
static const struct {
	enum sasl_result result;
	const char *status, *code, *words;
} sasl_failures[] = {
	{ SASL_UNKNOWN, "NO", "CANNOT", "no such mechanism; CAPABILITY lists them" },
	{ SASL_CANCELLED, "BAD", NULL, "cancelled" },
	{ SASL_MALFORMED, "BAD", NULL, "that is not what the mechanism asks for" },
	{ SASL_LONG, "BAD", NULL, "that is too long" },
	{ SASL_REFUSED, "NO", "AUTHORIZATIONFAILED", "nobody may act for somebody else here" },
	{ SASL_UNBOUND, "NO", "AUTHENTICATIONFAILED", "that is not bound to this connection" },
};

static void after_sasl(struct imap_server *s, enum sasl_result result)
{
	if (result == SASL_CHALLENGE) {
		s->reading = IMAP_READ_SASL;
		buffer_add(&s->out, slice_lit("+ "));
		sasl_server_challenge(s->sasl, &s->out);
		buffer_add(&s->out, slice_lit("\r\n"));
		return;
	}
	s->reading = IMAP_READ_COMMAND;
	if (result == SASL_DONE || result == SASL_KEYS) {
		ask_login(s, sasl_server_ask(s->sasl), sasl_server_login(s->sasl),
		    sasl_server_secret(s->sasl));
		return;
	}
	if (result == SASL_ACCEPTED) {
		imap_ask(s, IMAP_WAIT_LOGIN, (struct imap_event){ .kind = IMAP_EVENT_LOGGED_IN });
		return;
	}
	imap_forget_login(s);
	for (size_t i = 0; i < sizeof sasl_failures / sizeof sasl_failures[0]; i++) {
		if (sasl_failures[i].result == result) {
			imap_finish(s, sasl_failures[i].status, sasl_failures[i].code, "%s",
			    sasl_failures[i].words);
			return;
		}
	}
	check(false);
}

void imap_on_authenticate(struct imap_server *s, struct imap_parse *p)
{
	slice mechanism, initial;
	bool has_initial;

	if (!imap_take_space(p) || !imap_take_atom(p, &mechanism)) {
		imap_finish_bad(s, p);
		return;
	}
	has_initial = p->rest.len > 0;
	if (has_initial && !imap_take_space(p)) {
		imap_finish_bad(s, p);
		return;
	}
	initial = p->rest;              /* base 64, or "=": judged by the mechanism */
	if (!imap_may_login(s)) {
		refuse_clear(s);
		return;
	}
	s->sasl = heap_new(s->heap, struct sasl_server);
	after_sasl(s, sasl_server_start(s->sasl, imap_sasl_offer(s), mechanism,
	    has_initial ? &initial : NULL));
}

void imap_on_sasl_line(struct imap_server *s, slice line)
{
	after_sasl(s, sasl_server_step(s->sasl, line));
}

void imap_server_salted(struct imap_server *s, const struct sasl_salt *salt)
{
	if (!imap_answered(s, IMAP_WAIT_LOGIN))
		return;
	after_sasl(s, sasl_server_salted(s->sasl, salt));
	imap_go_on(s);
}

void imap_server_proved(struct imap_server *s, slice signature)
{
	if (!imap_answered(s, IMAP_WAIT_LOGIN))
		return;
	after_sasl(s, sasl_server_proved(s->sasl, signature));
	imap_go_on(s);
}

void imap_on_starttls(struct imap_server *s, struct imap_parse *p)
{
	if (!imap_take_end(p)) {
		imap_finish_bad(s, p);
	} else if (s->secure) {
		imap_finish(s, "BAD", NULL, "TLS is on already");
	} else if (!imap_may_starttls(s)) {
		imap_finish(s, "NO", "CANNOT", "no TLS here");
	} else {
		buffer_add(&s->out, s->tag);
		buffer_add(&s->out, slice_lit(" OK begin TLS\r\n"));
		imap_command_over(s);
		imap_ask(s, IMAP_WAIT_TLS, (struct imap_event){ .kind = IMAP_EVENT_STARTTLS });
	}
}

void imap_server_secured(struct imap_server *s)
{
	if (!imap_answered(s, IMAP_WAIT_TLS))
		return;
	imap_forget_login(s);           /* what was said in the clear does not count */
	imap_command_over(s);
	s->secure = true;
}

void imap_on_capability(struct imap_server *s, struct imap_parse *p)
{
	if (!imap_take_end(p)) {
		imap_finish_bad(s, p);
		return;
	}
	buffer_add(&s->out, slice_lit("* CAPABILITY "));
	imap_put_capabilities(s, &s->out);
	buffer_add(&s->out, slice_lit("\r\n"));
	imap_finish_ok(s);
}

void imap_on_noop(struct imap_server *s, struct imap_parse *p)
{
	if (imap_take_end(p))
		imap_finish_ok(s);
	else
		imap_finish_bad(s, p);
}

void imap_on_logout(struct imap_server *s, struct imap_parse *p)
{
	if (!imap_take_end(p)) {
		imap_finish_bad(s, p);
		return;
	}
	buffer_add(&s->out, slice_lit("* BYE see you\r\n"));
	buffer_add(&s->out, s->tag);
	buffer_add(&s->out, slice_lit(" OK LOGOUT done\r\n"));
	imap_end(s);
}

/* id-params-list (RFC 2971 s3): at most 30 pairs; nobody here wants to know. */
static bool take_id(struct imap_parse *p)
{
	slice name, value;

	if (imap_skip_word(p, "NIL"))
		return imap_take_end(p);
	if (!imap_take(p, '(', "NIL or a list of names and values"))
		return false;
	for (unsigned i = 0; i < IMAP_ID_PAIRS_MAX && !imap_sees(p, ')'); i++) {
		if ((i > 0 && !imap_take_space(p)) || !imap_take_string(p, &name, NULL) ||
		    !imap_take_space(p) || !imap_take_nstring(p, &value))
			return false;
	}
	return imap_take(p, ')', "the end of the list") && imap_take_end(p);
}

void imap_on_id(struct imap_server *s, struct imap_parse *p)
{
	if (!imap_take_space(p) || !take_id(p)) {
		imap_finish_bad(s, p);
		return;
	}
	imap_untagged(s, "ID (\"name\" \"Posthouse\")");
	imap_finish_ok(s);
}
