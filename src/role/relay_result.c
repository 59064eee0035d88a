/* role/relay_result.c - what a next host's replies mean (RFC 5321 s4.2.1): 2xx it has
 * it, 4xx later, 5xx never. */
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/text.h"
#include "journey/event.h"
#include "role/relay_impl.h"

/* ---- the log ---- */

static void tell_journey(const struct entry *e, const struct recipient *to, const char *host,
    const char *status)
{
	struct event event;

	if (!event_begin(&event, e->relay->os, status))
		return;
	event_id(&event, e->id);
	event_name(&event, "q", e->number);
	event_text(&event, "to", to->address);
	event_text(&event, "host", slice_from(host));
	event_text(&event, "words", to->reply);
	event_end(&event);
}

static void tell(const struct entry *e, const struct recipient *to, const char *host,
    const char *status)
{
	struct relay *r = e->relay;
	char id[MESSAGE_ID_TEXT];
	int64_t age_ms = (relay_now_us(r) - e->received_us) / 1000;

	message_id_print(e->id, id);
	tell_journey(e, to, host, status);
	os_log(r->os, OS_INFO, "%s: to=<%.*s> relay=%s delay=%lld.%03lld status=%s (%.*s)", id,
	    slice_arg(to->address), host,
	    (long long)(age_ms / 1000), (long long)(age_ms % 1000), status,
	    slice_arg(to->reply));
}

static void relay_name(const struct session *s, char *ret_text, size_t size)
{
	snprintf(ret_text, size, "%s[%s]", s->host, s->address);
}

/* ---- time ---- */

/* Twice as long each time, up to the longest; a fifth more or less, so that what
 * failed together does not come back together. */
static int64_t next_delay_us(const struct entry *e)
{
	const struct config *config = e->relay->frame.config;
	uint64_t delay = (uint64_t)config->relay_retry_s * 1000000;
	uint64_t most = (uint64_t)config->relay_retry_max_s * 1000000;

	for (unsigned i = 1; i < e->tries && delay < most; i++)
		delay *= 2;
	if (delay > most)
		delay = most;
	return (int64_t)(delay - delay / 5 + os_random_u64(e->relay->os) % (delay * 2 / 5 + 1));
}

static void fail_waiting(struct entry *e, const char *more)
{
	char text[QUEUE_REPLY_MAX + 64];

	for (size_t i = 0; i < e->n_recipients; i++) {
		struct recipient *to = &e->recipients[i];

		if (to->state != QUEUE_WAITING || to->delivered)
			continue;
		snprintf(text, sizeof text, "%s%.*s", more, slice_arg(to->reply));
		entry_set_reply(e, to, slice_from(text));
		to->state = QUEUE_FAILED;
		tell(e, to, "none", "expired");
	}
}

/* After an attempt that left some recipients waiting. */
static void go_on_later(struct entry *e)
{
	const struct config *config = e->relay->frame.config;
	int64_t now = relay_now_us(e->relay), age = now - e->received_us;

	if (e->tries < UINT16_MAX)
		e->tries++;
	e->next_us = now + next_delay_us(e);
	if (age >= (int64_t)config->relay_expire_s * 1000000)
		fail_waiting(e, "4.4.7 it could not be delivered in time; the last word was: ");
	else if (config->relay_warn_s > 0 && !e->warned &&
	    age >= (int64_t)config->relay_warn_s * 1000000)
		e->warn_due = true;
}

/* ---- all recipients alike ---- */

void entry_defer(struct entry *e, slice why)
{
	for (size_t i = 0; i < e->n_recipients; i++) {
		struct recipient *to = &e->recipients[i];

		if (to->state != QUEUE_WAITING || to->delivered)
			continue;
		entry_set_reply(e, to, why);
		tell(e, to, "none", "deferred");
	}
	go_on_later(e);
	entry_settle(e);
}

void entry_refuse(struct entry *e, slice why)
{
	for (size_t i = 0; i < e->n_recipients; i++) {
		struct recipient *to = &e->recipients[i];

		if (to->state != QUEUE_WAITING || to->delivered)
			continue;
		entry_set_reply(e, to, why);
		to->state = QUEUE_FAILED;
		tell(e, to, "none", "bounced");
	}
	entry_settle(e);
}

/* ---- what was sent ---- */

static struct recipient *recipient_at(struct session *s, size_t i)
{
	check(i < s->message.n_recipients);
	return &s->entry->recipients[s->of[i]];
}

static void keep_words(struct session *s, struct recipient *to, unsigned code, slice text)
{
	char words[QUEUE_REPLY_MAX];
	size_t n = 0;

	if (code != 0)
		n = (size_t)snprintf(words, sizeof words, "%u ", code);
	for (size_t i = 0; i < text.len && n < sizeof words; i++)
		words[n++] = text.ptr[i] == '\n' ? ' ' : (char)text.ptr[i];
	entry_set_reply(s->entry, to, slice_of(words, n));
}

/* It wants TLS, which failed there a moment ago: the next time it is tried again. Or it is
 * our smart host, and wants a login, or another one (RFC 4954 s6): no fault of the mail's. */
static bool wants_more(struct session *s, unsigned code)
{
	struct destination *d = s->destination;
	bool tls = code == 530 && s->config.starttls == SMTP_CLIENT_TLS_NONE;
	bool login = s->smart && (code == 530 || code == 534 || code == 535 || code == 538);

	if (!tls && !login)
		return false;
	if (s->place < d->n_places)
		d->places[s->place].no_tls = false;
	s->messages = RELAY_SESSION_MESSAGES;   /* over another connection */
	return true;
}

/* 2xx is not the last word: the message's is. */
void result_recipient(struct session *s, size_t i, unsigned code, slice text)
{
	struct recipient *to = recipient_at(s, i);
	char host[DNS_NAME_TEXT + OS_IP_TEXT + 4];
	/* 552 is said by old servers that mean 452: too many (RFC 5321 s4.5.3.1.10). */
	bool for_good = code / 100 == 5 && code != 552 && !wants_more(s, code);

	s->taken[i] = code / 100 == 2;
	s->answered[i] = true;
	if (s->taken[i])
		return;
	keep_words(s, to, code, text);
	if (for_good)
		to->state = QUEUE_FAILED;
	relay_name(s, host, sizeof host);
	tell(s->entry, to, host, for_good ? "bounced" : "deferred");
}

static void word_on(struct session *s, size_t i, unsigned code, slice text)
{
	struct recipient *to = recipient_at(s, i);
	char host[DNS_NAME_TEXT + OS_IP_TEXT + 4];
	const char *status = "deferred";

	keep_words(s, to, code, text);
	if (code / 100 == 2) {
		to->delivered = true;
		s->relay->n_sent++;
		status = "sent";
	} else if (code / 100 == 5 && !wants_more(s, code)) {
		to->state = QUEUE_FAILED;
		status = "bounced";
	}
	relay_name(s, host, sizeof host);
	tell(s->entry, to, host, status);
	if (to->delivered)
		take_answer(s->relay, s->entry, to, DELIVERY_DURABLE);
}

/* Those that RCPT took, and those that were never asked for: MAIL was refused. */
void result_message(struct session *s, unsigned code, slice text)
{
	struct entry *e = s->entry;

	session_tell(s, NULL);
	for (size_t i = 0; i < s->message.n_recipients; i++) {
		if (s->taken[i] || !s->answered[i])
			word_on(s, i, code, text);
	}
	s->entry = NULL;
	if (code / 100 == 2)
		destination_went_well(s->destination);
	else if (code / 100 == 4)
		destination_went_badly(s->destination);
	if (entry_waiting(e) > 0)
		go_on_later(e);
	entry_settle(e);
}

void result_unheard(struct session *s, const char *why)
{
	struct entry *e = s->entry;

	session_tell(s, why);
	s->entry = NULL;
	if (e->held)
		entry_wait(e);
	else
		entry_ready(e);
}

void result_lost(struct session *s, const char *why)
{
	struct entry *e = s->entry;

	session_tell(s, why);
	for (size_t i = 0; i < s->message.n_recipients; i++) {
		if (s->taken[i] || !s->answered[i])
			word_on(s, i, 0, slice_from(why));
	}
	s->entry = NULL;
	destination_went_badly(s->destination);
	if (entry_waiting(e) > 0)
		go_on_later(e);
	entry_settle(e);
}
