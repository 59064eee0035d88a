/* pop3/server_drive.h - plays the edge and the store around a server engine, for
 * its test and its fuzz target: answers its questions from a fixed mailbox, and
 * keeps all that came out.
 *
 * The password is "secret"; everything else is refused. */
#ifndef POP3_SERVER_DRIVE_H
#define POP3_SERVER_DRIVE_H

#include "base/check.h"
#include "pop3/server.h"

enum { DRIVE_MESSAGES = 4 };

static const char *const drive_bodies[DRIVE_MESSAGES] = {
	"Subject: one\r\n\r\nfirst\r\n.second\r\n\r\nfourth\r\n",
	"Subject: two\r\n\r\nno last CRLF",
	"\r\n\r\n\r\n",
	"Subject: only a header\r\n",
};

struct drive {
	struct heap *heap;
	struct pop3_server_config config;
	bool secure, loopback;
	struct pop3_server *s;
	struct pop3_message messages[DRIVE_MESSAGES];
	struct buffer in;               /* given, not consumed */
	struct buffer out;              /* all that was sent */
	struct buffer events;           /* in words */
	size_t send_max;                /* bytes that leave at once */
	size_t part_max;                /* of a body */
	bool fail_body, fail_middle, fail_commit, scram;
	bool tls_wanted, closed;
};

static inline void drive_start(struct drive *d)
{
	d->heap = heap_create(SIZE_MAX);
	d->in = buffer_init(d->heap, SIZE_MAX);
	d->out = buffer_init(d->heap, SIZE_MAX);
	d->events = buffer_init(d->heap, SIZE_MAX);
	d->config = (struct pop3_server_config){
		.hostname = slice_lit("mx.test"), .stls = true, .errors_max = 5, .scram = d->scram };
	d->s = pop3_server_create(d->heap, &d->config, d->secure, d->loopback);
	d->tls_wanted = d->closed = false;
}

static inline void drive_stop(struct drive *d)
{
	pop3_server_destroy(d->s);
	heap_drop(d->heap);
}

static inline bool drive_send(struct drive *d)
{
	slice out = pop3_server_output(d->s);

	if (out.len > d->send_max)
		out = slice_head(out, d->send_max);
	if (out.len == 0)
		return false;
	buffer_add(&d->out, out);
	pop3_server_sent(d->s, out.len);
	return true;
}

/* The store takes over. */
static inline void drive_log_in(struct drive *d)
{
	static const char *const uidls[DRIVE_MESSAGES] = { "u1", "u2", "u3", "u~4!" };
	bool utf8 = pop3_server_utf8(d->s);

	while (drive_send(d))
		;                       /* the edge's last words */
	pop3_server_destroy(d->s);
	d->s = pop3_server_create(d->heap, &d->config, d->secure, d->loopback);
	for (size_t i = 0; i < DRIVE_MESSAGES; i++) {
		slice body = slice_from(drive_bodies[i]);

		d->messages[i] = (struct pop3_message){ .uidl = slice_from(uidls[i]),
			.size = body.len + (slice_ends(body, slice_lit("\r\n")) ? 0 : 2) };
	}
	pop3_server_resume(d->s, d->messages, DRIVE_MESSAGES, utf8);
}

static inline void drive_body(struct drive *d, uint32_t number)
{
	slice rest = slice_from(drive_bodies[number - 1]);

	if (d->fail_body) {
		pop3_server_fail(d->s, slice_lit("[SYS/TEMP] disk\nfailed"));
		return;
	}
	pop3_server_body_begin(d->s);
	while (rest.len > 0 && pop3_server_body_wants(d->s)) {
		size_t n = rest.len < d->part_max ? rest.len : d->part_max;
		size_t taken = pop3_server_body(d->s, slice_head(rest, n));

		check(taken <= n);
		if (taken == 0 && !drive_send(d))
			check(!pop3_server_body_wants(d->s));
		rest = slice_drop(rest, taken);
		if (d->fail_middle) {
			pop3_server_fail(d->s, slice_lit("gone"));
			return;
		}
	}
	pop3_server_body_end(d->s);
}

static inline void drive_commit(struct drive *d)
{
	buffer_printf(&d->events, "commit");
	for (unsigned i = 0; i < DRIVE_MESSAGES; i++) {
		if (d->messages[i].deleted)
			buffer_printf(&d->events, " %u", i + 1);
	}
	buffer_printf(&d->events, "\n");
	pop3_server_committed(d->s, !d->fail_commit);
}

/* A proof of 32 zeros is right, and so is the signature of so many. */
static inline void drive_scram(struct pop3_server *s, const struct pop3_event *e)
{
	static const struct sasl_salt salt = { .iterations = 4096, .exporter = slice_lit("bound") };

	if (e->ask == SASL_ASK_SALT)
		pop3_server_salted(s, &salt);
	else if (memcmp(e->secret.ptr, salt.salt, sizeof salt.salt) == 0)
		pop3_server_proved(s, slice_of((unsigned char[SCRAM_HASH_LEN]){ 0 }, SCRAM_HASH_LEN));
	else
		pop3_server_login_refused(s, slice_lit("[AUTH] wrong"));
}

static inline void drive_event(struct drive *d, const struct pop3_event *e)
{
	switch (e->kind) {
	case POP3_EVENT_LOGGED_IN:
		drive_log_in(d);
		break;
	case POP3_EVENT_LOGIN:
		check(d->secure || d->loopback);
		if (e->ask != SASL_ASK_PASSWORD) {
			drive_scram(d->s, e);
			break;
		}
		check(e->text.len > 0 && e->secret.len > 0);
		buffer_printf(&d->events, "login %.*s %.*s\n", slice_arg(e->text),
		    slice_arg(e->secret));
		if (slice_equal(e->secret, slice_lit("secret")))
			drive_log_in(d);
		else
			pop3_server_login_refused(d->s, slice_lit("[AUTH] wrong"));
		break;
	case POP3_EVENT_STLS:
		check(!d->secure);
		buffer_printf(&d->events, "stls\n");
		d->tls_wanted = true;
		break;
	case POP3_EVENT_RETR:
		check(e->number >= 1 && e->number <= DRIVE_MESSAGES);
		check(!d->messages[e->number - 1].deleted);
		buffer_printf(&d->events, "retr %u%s\n", e->number, e->utf8 ? " utf8" : "");
		drive_body(d, e->number);
		break;
	case POP3_EVENT_COMMIT:
		drive_commit(d);
		break;
	case POP3_EVENT_QUIT:
		check(!d->closed);
		buffer_printf(&d->events, "quit\n");
		d->closed = true;
		break;
	}
}

/* Let the engine go as far as it can. */
static inline void drive_run(struct drive *d)
{
	bool moved;

	do {
		struct pop3_event event;
		size_t used = pop3_server_feed(d->s, buffer_bytes(&d->in));

		moved = used > 0;
		buffer_consume(&d->in, used);
		while (pop3_server_next(d->s, &event)) {
			drive_event(d, &event);
			moved = true;
		}
		moved |= drive_send(d);
	} while (moved);
}

static inline void drive_feed(struct drive *d, slice part)
{
	buffer_add(&d->in, part);
	drive_run(d);
}

/* The handshake is through, if one was asked for. */
static inline void drive_secure(struct drive *d)
{
	if (!d->tls_wanted)
		return;
	d->tls_wanted = false;
	d->secure = true;
	pop3_server_secured(d->s);
	drive_run(d);
}

#endif
