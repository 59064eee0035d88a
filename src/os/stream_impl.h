/* os/stream_impl.h - a stream from inside. For stream*.c only.
 *
 *   stream.c        what owners call: notes what is wanted, asks for a turn
 *   stream_turn.c   what happens on the loop: bytes go up, then down
 *
 *   socket -> scratch -> [raw -> TLS] -> in -> data()
 *   socket <- out <- [TLS <- early] <- stream_write()
 *
 * (1) `raw` holds what TLS did not yet take; nothing is read while it does.
 * (2) `early` holds output from before the handshake's end, in order.
 * (3) After each call of a handler the stream may be gone: look first.
 * (4) A destroyed stream is freed in its next turn, so that slices which are
 *     in use further up the stack stay readable. */
#ifndef OS_STREAM_IMPL_H
#define OS_STREAM_IMPL_H

#include "base/buffer.h"
#include "os/stream.h"

struct secure {
	struct tls_session *session;
	struct buffer raw;
	struct buffer early;
	bool reported;                  /* `secured` was called */
	bool notified;                  /* close_notify is in out */
};

struct stream {
	struct os *os;
	const struct stream_handler *handler;
	void *owner;
	struct os_watch watch;
	struct os_defer turn;
	struct os_timer timer;          /* of an ending */
	struct buffer in;
	struct buffer out;
	struct secure *secure;          /* NULL: plain */
	int fd;                         /* -1: released, or destroyed */
	int error;                      /* what `closed` will say */
	unsigned char watched;          /* OS_READABLE, OS_WRITABLE */
	bool paused : 1;
	bool held : 1;                  /* its end is not reported */
	bool reads_always : 1;
	bool hears_out : 1;             /* a reset is an end of input */
	bool heard : 1;                 /* something came */
	bool acknowledges : 1;          /* at once what is not answered */
	bool reset : 1;                 /* and that came: output is dropped */
	bool offering : 1;              /* inside data() */
	bool fresh : 1;                 /* in `in` is what data() has not judged */
	bool hungry : 1;                /* TLS may have more for us */
	bool wrote : 1;                 /* `drained` is owed */
	bool input_ended : 1;
	bool ending : 1;
	bool shut : 1;                  /* our side is, the rest is lingering */
	bool failed : 1;
	bool closed : 1;                /* said so */
	bool dead : 1;
};

/* Destroyed or released: nothing may be done with its socket. */
static inline bool stream_gone(const struct stream *s)
{
	return s->dead || s->fd < 0;
}

static inline bool stream_in_handshake(const struct stream *s)
{
	return s->secure != NULL && tls_session_state(s->secure->session) == TLS_HANDSHAKE;
}

/* The handlers of its watch, its turn, its timer. */
void stream_ready(struct os_watch *watch, int events);
void stream_turn(struct os_defer *turn);
void stream_time_out(struct os_timer *timer);

void stream_need_turn(struct stream *s);
/* It is broken; `closed` says so in the next turn. Only the first reason counts. */
void stream_fail(struct stream *s, int error);
/* Send what can leave now. */
void stream_flush(struct stream *s);
/* Watch the socket for what we can use now. */
void stream_settle(struct stream *s);

#endif
