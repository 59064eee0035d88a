/* os/stream.h - a connection with buffers, plain or under TLS.
 *
 * Reads into a buffer that all streams of a role share; only what the owner did
 * not consume is kept, so an idle stream is small. Runs on any os.
 *
 *   open --stream_end--> ending --all sent--> lingering --> closed
 *     '---- end of input, error -------------------------> closed
 *
 * (1) Handlers are called from the loop only, never from inside a call.
 * (2) `data` is not called while more than half of out_max is unsent: a peer
 *     that sends and never reads is slowed, not buffered for.
 * (3) What one turn of the loop writes leaves together, at its end. */
#ifndef OS_STREAM_H
#define OS_STREAM_H

#include "os/os.h"
#include "os/tls.h"

struct stream;

struct stream_handler {
	/* Bytes came: return how many were consumed. The rest is offered again,
	 * longer, with the next bytes or after stream_resume(). Without either, a
	 * full input buffer (in_max) stops the reading. */
	size_t (*data)(struct stream *stream, slice in);
	/* All output has left (also when it did so in the turn that wrote it). May
	 * be NULL. */
	void (*drained)(struct stream *stream);
	/* The handshake is through (TLS_OPEN) or failed, which `closed` follows. May be NULL. */
	void (*secured)(struct stream *stream);
	/* End of input (error 0), or -errno: -EPROTO when TLS failed, -ENOBUFS when
	 * more was written than out_max holds, -ETIMEDOUT after stream_end(). Called
	 * once. The owner destroys the stream, now or later. */
	void (*closed)(struct stream *stream, int error);
};

/* Takes fd. The stream reads at once. in_max: unconsumed input; out_max: unsent
 * output (check stream_room() before long writes). */
struct stream *stream_create(struct os *os, int fd, size_t in_max, size_t out_max,
    const struct stream_handler *handler, void *owner);
/* Drops what was not sent. Allowed in any handler; NULL is allowed. */
void stream_destroy(struct stream *stream);

void *stream_owner(const struct stream *stream);
struct os *stream_os(const struct stream *stream);

/* Queue output; it leaves at the end of this turn, if it can. More than there is
 * room for breaks the stream: closed(-ENOBUFS) follows. */
void stream_write(struct stream *stream, slice bytes);
size_t stream_room(const struct stream *stream);
size_t stream_unsent(const struct stream *stream);

/* Stop and go on reading (back-pressure). resume offers what is buffered, in a
 * later call from the loop. */
void stream_pause(struct stream *stream);
void stream_resume(struct stream *stream);
/* The owner still owes an answer: until stream_resume() the end of input is not
 * `closed` (a client may have said all, and shut its side down). Cheaper than a
 * pause: reading goes on, up to in_max. */
void stream_hold(struct stream *stream);

/* For clients: call `data` also while much is unsent (2). One that pipelines must
 * read while it writes, or it and a server wait for each other (RFC 2920
 * section 3.1). */
void stream_read_always(struct stream *stream);

/* A peer that reset the connection may have said all before: read on to the end of what
 * came, as if it had ended its input, drop what is written, and only then call closed,
 * with the error (-ECONNRESET, -EPIPE, -ENOTCONN). What comes is acknowledged at once
 * (os_acknowledge()). */
void stream_hear_out(struct stream *stream);

/* For servers whose clients write a command in pieces: from now on what has no answer yet is
 * acknowledged at once, or not any more. A client's kernel holds a small piece, such as the CRLF
 * behind a literal, until the one before it is (Nagle), and ours would wait 40 ms for an answer
 * to go along. */
void stream_acknowledge(struct stream *stream, bool at_once);

/* Send what is queued, then shut down and call closed. Input is dropped, and
 * read for at most STREAM_LINGER_MS so that the last reply is not lost to a reset. */
void stream_end(struct stream *stream);

/* From the next byte on TLS; what was written before leaves in the clear. Drops
 * input that was buffered in the clear (RFC 3207 section 4.2, CVE-2011-0411). */
void stream_secure(struct stream *stream, struct tls_context *context, const char *server_name);
const struct tls_session *stream_tls(const struct stream *stream);      /* NULL: plain */

/* Give the socket away: fills *ret_unread (borrowed until destroy), returns the
 * descriptor, now the caller's; only stream_destroy() may follow. Or -EAGAIN
 * while output is unsent (again after `drained`), or why the stream is broken.
 * Not under TLS, not from inside `data`. */
int stream_release(struct stream *stream, slice *ret_unread);

#endif
