/* http/websocket.h - the server's side of the WebSocket protocol (RFC 6455). Pure.
 *
 * The handshake is HTTP; then frames. This server talks and its clients listen: what they
 * say is read, judged and passed over, but for pings and the end.
 *
 *   struct websocket ws = { 0 };
 *   used = websocket_feed(&ws, in, &event);      until it is WEBSOCKET_NONE
 *
 * Limits: a frame of a client's has at most WEBSOCKET_FRAME_MAX bytes. */
#ifndef HTTP_WEBSOCKET_H
#define HTTP_WEBSOCKET_H

#include "base/buffer.h"

enum websocket_event {
	WEBSOCKET_NONE,                 /* more input is needed */
	WEBSOCKET_PING,                 /* answer websocket_write(WEBSOCKET_OP_PONG, payload) */
	WEBSOCKET_PONG,
	WEBSOCKET_MESSAGE,              /* or a part of one: it is gone */
	WEBSOCKET_CLOSE,                /* answer the same frame (payload), and close */
	WEBSOCKET_BAD,                  /* answer CLOSE with `code`, and close */
};

enum websocket_op {
	WEBSOCKET_OP_CONTINUED = 0, WEBSOCKET_OP_TEXT = 1, WEBSOCKET_OP_BINARY = 2,
	WEBSOCKET_OP_CLOSE = 8, WEBSOCKET_OP_PING = 9, WEBSOCKET_OP_PONG = 10,
};

enum { WEBSOCKET_CONTROL_MAX = 125, WEBSOCKET_KEY = 24, WEBSOCKET_ACCEPT = 28 };
enum { WEBSOCKET_GOING_AWAY = 1001, WEBSOCKET_PROTOCOL = 1002, WEBSOCKET_TOO_BIG = 1009 };

struct websocket {
	unsigned char header[14];
	unsigned n_header;
	uint64_t left;                  /* of the payload */
	bool in_payload;
	bool in_message;                /* fragments follow */
	bool over;                      /* CLOSE or BAD came: nothing more is read */
	unsigned char payload[WEBSOCKET_CONTROL_MAX];
	size_t n_payload;               /* of a control frame, unmasked */
	unsigned code;                  /* of BAD */
};

/* Sec-WebSocket-Accept for a client's Sec-WebSocket-Key (s4.2.2). False: that is no key. */
bool websocket_accept(slice key, char ret_accept[WEBSOCKET_ACCEPT + 1]);

/* Read up to the next event. Returns how much was used, all with WEBSOCKET_NONE. */
size_t websocket_feed(struct websocket *ws, slice in, enum websocket_event *ret_event);

/* Append a whole frame. *out has room for payload.len + 10. */
void websocket_write(enum websocket_op op, slice payload, struct buffer *out);
/* CLOSE with a code (s7.4). */
void websocket_write_close(unsigned code, struct buffer *out);

#endif
