/* role/relay_seven_bit.c - a message of 8 bits for a host that does not offer 8BITMIME
 * (RFC 6152 s3): made one of 7 bits on the way out; the queue keeps it as it came.
 *
 *   send --> read all of it --nothing of 8 bits----> send it as it is
 *                 |-----------convertible----------> send, read it again, convert
 *                 '-----------not------------------> the engine refuses it, we say why
 *
 * (1) Before MAIL it is known whether all of it can be converted: nothing is begun
 *     that has to be broken off.
 * (2) Meanwhile the session has its entry, and the engine is READY: when the connection
 *     ends, it is as if it had ended at MAIL. */
#include <stdio.h>

#include "base/check.h"
#include "mail/seven_bit.h"
#include "role/relay_impl.h"

enum { OUT_MAX = 4 * SEVEN_BIT_ROOM };

struct conversion {
	struct seven_bit *engine;
	struct reading *scan;           /* NULL: it is judged */
	struct buffer out;              /* converted, and not given to the SMTP engine yet */
	bool ended;                     /* nothing follows that */
	bool convert;
	char why[QUEUE_REPLY_MAX];      /* not; empty: it can */
};

void conversion_end(struct session *s)
{
	struct conversion *c = s->conversion;

	s->conversion = NULL;
	if (c == NULL)
		return;
	body_read_stop(c->scan);
	seven_bit_destroy(c->engine);
	buffer_free(&c->out);
	heap_free(s->relay->heap, c);
}

/* ---- before it is sent ---- */

static void judge(struct session *s)
{
	struct conversion *c = s->conversion;
	const char *why;

	body_read_stop(c->scan);
	c->scan = NULL;
	switch (seven_bit_judge(c->engine, &why)) {
	case SEVEN_BIT_NOTHING:
		s->message.needs &= ~(unsigned)SMTP_CLIENT_8BITMIME;
		break;
	case SEVEN_BIT_CONVERTIBLE:
		s->message.needs &= ~(unsigned)SMTP_CLIENT_8BITMIME;
		s->message.size = 0;            /* it grows, we do not know yet how much */
		c->convert = true;
		break;
	case SEVEN_BIT_CANNOT:
		snprintf(c->why, sizeof c->why, "5.6.3 the server does not offer 8BITMIME, and the "
		    "message can't be converted to 7 bits: %s", why);
		break;
	}
	smtp_client_send(s->client, &s->message);
	session_go_on(s);
}

static void on_scanned(struct reading *reading, slice piece, bool ok)
{
	struct session *s = reading->owner;

	if (s->conn.finishing)
		return;                 /* it is stopped with the connection */
	if (!ok) {
		session_body_lost(s);
		return;
	}
	link_patience(&s->conn, smtp_client_patience_ms(s->client));
	seven_bit_scan(s->conversion->engine, piece);
	if (body_read_ended(reading))
		judge(s);
	else
		body_read_on(reading);
}

bool conversion_begin(struct session *s)
{
	unsigned offers = smtp_client_offers(s->client);
	uint64_t most = smtp_client_size_max(s->client);
	struct conversion *c;

	check(s->conversion == NULL);
	if (!(s->message.needs & ~offers & SMTP_CLIENT_8BITMIME))
		return false;
	/* What is refused anyway is refused for that. It does not get smaller. */
	if ((s->message.needs & ~offers & SMTP_CLIENT_SMTPUTF8) ||
	    (most != 0 && s->message.size > most)) {
		s->message.needs &= ~(unsigned)SMTP_CLIENT_8BITMIME;
		return false;
	}
	c = heap_new(s->relay->heap, struct conversion);
	c->engine = seven_bit_create(s->relay->heap);
	c->out = buffer_init(s->relay->heap, OUT_MAX);
	s->conversion = c;
	c->scan = body_read(s->entry->body, on_scanned, s);
	return true;
}

slice conversion_words(const struct session *s, slice words)
{
	const struct conversion *c = s->conversion;

	return c != NULL && c->why[0] != 0 ? slice_from(c->why) : words;
}

/* ---- while it is sent ---- */

static bool converts(const struct session *s)
{
	return s->conversion != NULL && s->conversion->convert;
}

/* True: nothing is left of what was converted. */
static bool give_out(struct session *s)
{
	struct buffer *out = &s->conversion->out;

	buffer_consume(out, smtp_client_body(s->client, buffer_bytes(out)));
	return buffer_bytes(out).len == 0;
}

size_t conversion_give(struct session *s, slice piece)
{
	slice rest = piece;
	size_t n;

	if (!converts(s))
		return smtp_client_body(s->client, piece);
	do {
		n = seven_bit_convert(s->conversion->engine, rest, &s->conversion->out);
		rest = slice_drop(rest, n);
	} while (give_out(s) && rest.len > 0);
	return piece.len - rest.len;
}

enum conversion_result conversion_finish(struct session *s)
{
	struct conversion *c = s->conversion;

	if (!converts(s))
		return CONVERSION_DONE;
	if (!give_out(s))
		return CONVERSION_FULL;
	if (!c->ended && !seven_bit_convert_end(c->engine, &c->out))
		return CONVERSION_BROKEN;
	c->ended = true;
	return give_out(s) ? CONVERSION_DONE : CONVERSION_FULL;
}
