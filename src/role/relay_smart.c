/* role/relay_smart.c - the smart host (relay.host): its login, how far TLS must go before it
 * gets anything, and what is said when it does not go so far.
 *
 * (1) From a CONFIG until what the keeper gives for it nobody is dialled; nor while that names
 *     another host or login than CONFIG, which a relay keeps that was reloaded too often.
 * (2) A session that is not READY ends at a reload: what it was told here holds as long as
 *     it needs it.
 * (3) Whatever is wrong with TLS or the login is for now: all mail waits. */
#include <stdio.h>
#include <string.h>

#include "base/checksum.h"
#include "role/relay_impl.h"

/* ---- what the keeper gives ---- */

static bool take_trusted(struct relay *r, struct ipc_message *message)
{
	slice piece = get_slice(&message->body, IPC_BODY_MAX);
	struct smart *smart = &r->smart;

	if (!bytes_end(&message->body))
		return false;
	if (smart->pem.heap == NULL)
		smart->pem = buffer_init(r->heap, RELAY_CA_MAX);
	return buffer_append(&smart->pem, piece);
}

static bool replace(struct relay *r, slice *at, slice text)
{
	if (slice_equal(*at, text))
		return false;
	if (at->len > 0)
		explicit_bzero((void *)(uintptr_t)at->ptr, at->len);
	heap_free(r->heap, (void *)(uintptr_t)at->ptr);
	*at = entry_copy(r, text);
	return true;
}

static bool replace_trusted(struct relay *r)
{
	struct smart *smart = &r->smart;
	slice pem = smart->pem.heap != NULL ? buffer_bytes(&smart->pem) : (slice){ 0 };
	uint64_t sum = pem.len > 0 ? checksum64(pem, 0) : 0;
	char why[TLS_ERROR_TEXT];
	bool changed = sum != smart->pem_sum || (pem.len > 0) != (smart->tls != NULL);

	if (changed) {
		tls_context_unref(smart->tls);
		smart->tls = NULL;
		smart->pem_sum = sum;
		/* Without any authority it would take every certificate. */
		if (pem.len > 0)
			smart->tls = tls_client_context(r->heap, pem, why, sizeof why);
		if (pem.len > 0 && smart->tls == NULL)
			os_log(r->os, OS_ERROR, "relay.ca: %s", why);
	}
	buffer_free(&smart->pem);
	smart->pem = (struct buffer){ 0 };
	return changed;
}

static bool take_host(struct relay *r, struct ipc_message *message)
{
	slice host = get_slice(&message->body, IPC_TEXT_MAX);
	slice login = get_slice(&message->body, SASL_LOGIN_MAX);
	slice password = get_slice(&message->body, SASL_SECRET_MAX);
	struct smart *smart = &r->smart;
	bool changed;

	if (!bytes_end(&message->body))
		return false;
	changed = replace(r, &smart->host, host);
	changed |= replace(r, &smart->login, login);
	changed |= replace(r, &smart->password, password);
	changed |= replace_trusted(r);
	smart->stale = false;
	/* A reload is somebody's wish to try again. */
	smart->proven = false;
	smart->pause_until_ms = smart->quiet_until_ms = 0;
	if (changed && r->frame.started)
		destinations_reload(r);
	return true;
}

bool smart_message(struct relay *r, struct ipc_message *message)
{
	switch (message->type) {
	case IPC_TRUSTED:
		return take_trusted(r, message);
	case IPC_SMART_HOST:
		return take_host(r, message);
	default:
		return false;
	}
}

void smart_config(struct relay *r)
{
	r->smart.stale = true;
	if (r->frame.config->relay_host.name.len > 0)
		return;
	/* No message comes that would say so. */
	replace(r, &r->smart.login, (slice){ 0 });
	replace(r, &r->smart.password, (slice){ 0 });
}

/* ---- may somebody be dialled? ---- */

bool smart_is_known(const struct relay *r)
{
	const struct config *config = r->frame.config;

	if (config->relay_host.name.len == 0)
		return true;
	return !r->smart.stale && slice_equal(r->smart.host, config->relay_host.name) &&
	    slice_equal(r->smart.login, config->relay_login);
}

bool smart_pauses(const struct relay *r)
{
	return r->frame.config->relay_login.len > 0 &&
	    os_now_ms(r->os) < r->smart.pause_until_ms;
}

bool smart_one_only(const struct relay *r)
{
	return r->frame.config->relay_login.len > 0 && !r->smart.proven;
}

/* ---- what a session may do ---- */

static void choose_smart(struct session *s, const struct place *place)
{
	const struct config *config = s->relay->frame.config;
	enum config_tls tls = config_relay_tls(config);
	bool may_fall_back = tls == CONFIG_TLS_OPPORTUNISTIC;

	s->judged = config_relay_judges(config);
	s->implicit = tls == CONFIG_TLS_IMPLICIT || (tls != CONFIG_TLS_NONE &&
	    config_relay_host_port(config) == CONFIG_SUBMISSIONS_PORT);
	if (config->relay_login.len > 0) {
		s->config.login = s->relay->smart.login;
		s->config.secret = s->relay->smart.password;
	}
	s->config.clear_auth = tls == CONFIG_TLS_NONE || config_relay_is_loopback(config);
	if (s->implicit || tls == CONFIG_TLS_NONE || (may_fall_back && place->no_tls))
		s->config.starttls = SMTP_CLIENT_TLS_NONE;
	else
		s->config.starttls = may_fall_back ? SMTP_CLIENT_TLS_OFFERED :
		    SMTP_CLIENT_TLS_REQUIRED;
}

bool smart_choose(struct session *s)
{
	struct relay *r = s->relay;
	const struct place *place = &s->destination->places[s->place];
	const struct config *config = r->frame.config;

	s->smart = config->relay_host.name.len > 0;
	s->implicit = s->judged = false;
	s->config = (struct smtp_client_config){ .hostname = config->hostname,
		.starttls = place->no_tls ? SMTP_CLIENT_TLS_NONE : SMTP_CLIENT_TLS_OFFERED };
	if (s->smart)
		choose_smart(s, place);
	s->tls = s->judged ? r->smart.tls : r->tls;
	if (s->tls != NULL) {
		tls_context_ref(s->tls);
		return true;
	}
	if (s->config.starttls == SMTP_CLIENT_TLS_OFFERED)
		s->config.starttls = SMTP_CLIENT_TLS_NONE;
	if (s->config.starttls == SMTP_CLIENT_TLS_NONE && !s->implicit)
		return true;
	snprintf(s->why, sizeof s->why, "4.7.5 %s [%s]: TLS can't be had: %s; nothing is sent to "
	    "it in the clear (relay.tls)", s->host, s->address, s->judged ?
	    "relay.ca has no certificate that can be used" : "our library has none");
	return false;
}

/* ---- what went wrong ---- */

static void tell_trouble(struct session *s)
{
	struct relay *r = s->relay;
	uint64_t now = os_now_ms(r->os);

	if (now < r->smart.quiet_until_ms)
		return;
	r->smart.quiet_until_ms = now + RELAY_TROUBLE_MS;
	os_log(r->os, OS_WARN, "mail to other hosts waits: %s", s->why);
}

/* In one line, cut so that ours have room. */
static void their_words(const struct smtp_client_event *event, char *ret_text, size_t size)
{
	int n = event->code != 0 ? snprintf(ret_text, size, "%u ", event->code) : 0;

	snprintf(ret_text + n, size - (size_t)n, "%.*s", slice_arg(event->text));
	for (char *at = strchr(ret_text, '\n'); at != NULL; at = strchr(at, '\n'))
		*at = ' ';
}

void smart_failed(struct session *s, const struct smtp_client_event *event)
{
	struct smart *smart = &s->relay->smart;
	char words[QUEUE_REPLY_MAX / 2];

	their_words(event, words, sizeof words);
	if (event->step == SMTP_CLIENT_STEP_STARTTLS) {
		snprintf(s->why, sizeof s->why, "4.7.4 %s [%s]: %s; nothing is sent to it in the "
		    "clear (relay.tls)", s->host, s->address, words);
		tell_trouble(s);
		return;
	}
	snprintf(s->why, sizeof s->why, "4.7.8 %s [%s] does not take our login: %s "
	    "(relay.login, relay.password_file)", s->host, s->address, words);
	smart->proven = false;
	smart->pause_until_ms = os_now_ms(s->relay->os) + RELAY_LOGIN_PAUSE_MS;
	snprintf(smart->refusal, sizeof smart->refusal, "%s", s->why);
	/* Its other addresses would say the same, and count how often. */
	s->refused = event->code / 100 != 4;
	tell_trouble(s);
}

void smart_taken(struct session *s)
{
	struct smart *smart = &s->relay->smart;

	if (s->config.login.len > 0) {
		smart->proven = true;
		smart->pause_until_ms = smart->quiet_until_ms = 0;
	}
	s->config.login = s->config.secret = (slice){ 0 };
}

bool smart_tls_failed(struct session *s, const char *why)
{
	bool must = s->smart && (s->implicit ||
	    s->config.starttls == SMTP_CLIENT_TLS_REQUIRED);

	if (!must || s->secured || strncmp(why, "TLS: ", 5) != 0)
		return false;
	snprintf(s->why, sizeof s->why, "4.7.5 %s [%s]: %s; nothing is sent to it %s", s->host,
	    s->address, why, s->judged ? "unless it shows a certificate for its name, from an "
	    "authority in relay.ca" : "in the clear (relay.tls)");
	tell_trouble(s);
	return true;
}
