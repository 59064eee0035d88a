/* smtp/server_auth.c - AUTH (RFC 4954), by auth/sasl.h.
 *
 * A mechanism whose success comes with more data says that in a last challenge, which the
 * client answers with nothing (s4). */
#include "base/check.h"
#include "smtp/server_impl.h"

bool smtp_auth_offered(const struct smtp_server *s)
{
	return s->config->auth && (s->secure || s->loopback) && !s->authenticated;
}

unsigned smtp_sasl_offer(const struct smtp_server *s)
{
	return (s->config->scram ? SASL_SCRAM : 0u) | (s->secure ? SASL_BINDING : 0u);
}

void smtp_auth_end(struct smtp_server *s)
{
	if (s->sasl == NULL)
		return;
	sasl_server_wipe(s->sasl);
	heap_free(s->heap, s->sasl);
	s->sasl = NULL;
}

void smtp_auth_long(struct smtp_server *s)
{
	smtp_auth_end(s);
	smtp_error(s, 500, "5.5.6", "Authentication exchange line is too long");
}

static void challenge(struct smtp_server *s)
{
	buffer_add(&s->out, slice_lit("334 "));
	sasl_server_challenge(s->sasl, &s->out);
	buffer_add(&s->out, slice_lit("\r\n"));
	s->phase = PHASE_AUTH;
}

/* Replies to what ends an exchange without a login to judge. */
static const struct {
	enum sasl_result result;
	unsigned code;
	const char *enhanced, *text;
} failures[] = {
	{ SASL_UNKNOWN, 504, "5.5.4", "Unknown authentication mechanism" },
	{ SASL_CANCELLED, 501, "5.7.0", "Authentication cancelled" },
	{ SASL_MALFORMED, 501, "5.5.2", "Not base 64, or not what the mechanism wants" },
	{ SASL_LONG, 500, "5.5.6", "Authentication exchange line is too long" },
	{ SASL_REFUSED, 535, "5.7.8", "Authenticate as yourself" },
	{ SASL_UNBOUND, 535, "5.7.8", "That is not bound to this connection" },
};

static void ask(struct smtp_server *s)
{
	smtp_push(s, (struct smtp_event){ .kind = SMTP_EVENT_AUTH,
	    .text = sasl_server_login(s->sasl), .secret = sasl_server_secret(s->sasl),
	    .ask = sasl_server_ask(s->sasl) });
}

static void proceed(struct smtp_server *s, enum sasl_result result)
{
	if (result == SASL_CHALLENGE) {
		challenge(s);
		return;
	}
	if (result == SASL_DONE || result == SASL_KEYS) {
		ask(s);
		return;
	}
	smtp_auth_end(s);
	if (result == SASL_ACCEPTED) {
		s->authenticated = true;
		smtp_say(s, 235, "2.7.0", "Authentication successful");
		return;
	}
	for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++) {
		if (failures[i].result == result) {
			smtp_error(s, failures[i].code, failures[i].enhanced, failures[i].text);
			return;
		}
	}
	check(false);
}

/* "AUTH" SP mechanism [SP initial-response] */
void smtp_on_auth(struct smtp_server *s, slice arg)
{
	slice mechanism = slice_cut(&arg, ' '), initial = slice_trim(arg);

	if (!s->config->auth) {
		smtp_error(s, 502, "5.5.1", "AUTH is not offered here");
	} else if (s->authenticated) {
		smtp_error(s, 503, "5.5.1", "Already authenticated");
	} else if (!s->secure && !s->loopback) {
		smtp_error(s, 538, "5.7.11", "Encryption required: STARTTLS first");
	} else {
		check(s->sasl == NULL);
		s->sasl = heap_new(s->heap, struct sasl_server);
		proceed(s, sasl_server_start(s->sasl, smtp_sasl_offer(s), mechanism,
		    initial.len > 0 ? &initial : NULL));
	}
}

void smtp_auth_line(struct smtp_server *s, slice line)
{
	bool proved = s->proved;
	enum sasl_result result = sasl_server_step(s->sasl, line);

	s->proved = false;
	if (!proved || result == SASL_ACCEPTED) {
		proceed(s, result);
		return;
	}
	/* The host takes it for logged in. */
	smtp_auth_end(s);
	smtp_server_refuse(s, &(struct smtp_reply){ 421, "4.7.0",
	    slice_lit("The last line of an authentication is empty, closing") });
}

static bool answered(struct smtp_server *s)
{
	if (s->phase == PHASE_CLOSED)
		return false;           /* it timed out over the question */
	check(s->asked && s->question == SMTP_EVENT_AUTH && s->sasl != NULL);
	s->asked = false;
	return true;
}

void smtp_server_salted(struct smtp_server *s, const struct sasl_salt *salt)
{
	if (answered(s))
		proceed(s, sasl_server_salted(s->sasl, salt));
}

void smtp_server_proved(struct smtp_server *s, slice signature)
{
	if (!answered(s))
		return;
	s->proved = true;
	proceed(s, sasl_server_proved(s->sasl, signature));
}
