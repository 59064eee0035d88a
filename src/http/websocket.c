/* http/websocket.c - frames of RFC 6455, read byte by byte where they are split. */
#include "http/websocket.h"

#include <openssl/sha.h>
#include <string.h>

#include "base/bytes.h"
#include "base/check.h"
#include "base/limits.h"
#include "mail/base64.h"

enum { FIN = 0x80, RESERVED = 0x70, OPCODE = 0x0F, MASKED = 0x80, LENGTH = 0x7F };

bool websocket_accept(slice key, char ret_accept[WEBSOCKET_ACCEPT + 1])
{
	static const char magic[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
	unsigned char text[WEBSOCKET_KEY + sizeof magic - 1], digest[SHA_DIGEST_LENGTH], nonce[16];
	struct heap *heap;
	struct buffer out;
	size_t n;

	if (key.len != WEBSOCKET_KEY || base64_decode(key, nonce, sizeof nonce, &n) != BASE64_OK ||
	    n != sizeof nonce)
		return false;
	memcpy(text, key.ptr, WEBSOCKET_KEY);
	memcpy(text + WEBSOCKET_KEY, magic, sizeof magic - 1);
	SHA1(text, sizeof text, digest);
	heap = heap_create(SIZE_MAX);
	out = buffer_init(heap, WEBSOCKET_ACCEPT);
	base64_encode(slice_of(digest, sizeof digest), &out);
	memcpy(ret_accept, buffer_bytes(&out).ptr, WEBSOCKET_ACCEPT);
	ret_accept[WEBSOCKET_ACCEPT] = '\0';
	heap_drop(heap);
	return true;
}

/* ---- reading ---- */

static enum websocket_op op_of(const struct websocket *ws)
{
	return (enum websocket_op)(ws->header[0] & OPCODE);
}

static bool is_control(const struct websocket *ws)
{
	return (ws->header[0] & 0x08) != 0;
}

/* Bytes of the header, as far as the first two say. Without a mask it is refused at once. */
static unsigned header_length(const struct websocket *ws)
{
	unsigned length = ws->header[1] & LENGTH;

	if ((ws->header[1] & MASKED) == 0)
		return 2;
	return 2 + (length == 126 ? 2 : length == 127 ? 8 : 0) + 4;
}

static uint64_t payload_length(const struct websocket *ws)
{
	unsigned length = ws->header[1] & LENGTH, n = length == 126 ? 2 : length == 127 ? 8 : 0;
	uint64_t sum = 0;

	for (unsigned i = 0; i < n; i++)
		sum = sum << 8 | ws->header[2 + i];
	return n == 0 ? length : sum;
}

/* 0, or the code with which it is refused: s5.1 (masked), s5.2, s5.4, s5.5. */
static unsigned judge(const struct websocket *ws)
{
	bool fin = (ws->header[0] & FIN) != 0;
	uint64_t length = payload_length(ws);
	unsigned op = op_of(ws);

	if ((ws->header[0] & RESERVED) != 0 || (ws->header[1] & MASKED) == 0)
		return WEBSOCKET_PROTOCOL;
	if (is_control(ws) && (op > WEBSOCKET_OP_PONG || !fin || length > WEBSOCKET_CONTROL_MAX))
		return WEBSOCKET_PROTOCOL;
	if (!is_control(ws) && (op > WEBSOCKET_OP_BINARY ||
	    (op == WEBSOCKET_OP_CONTINUED) != ws->in_message))
		return WEBSOCKET_PROTOCOL;
	return length > WEBSOCKET_FRAME_MAX ? WEBSOCKET_TOO_BIG : 0;
}

static enum websocket_event frame_over(struct websocket *ws)
{
	ws->in_payload = false;
	ws->n_header = 0;
	switch (op_of(ws)) {
	case WEBSOCKET_OP_PING:
		return WEBSOCKET_PING;
	case WEBSOCKET_OP_PONG:
		return WEBSOCKET_PONG;
	case WEBSOCKET_OP_CLOSE:
		/* A code, and then words (s5.5.1): a lone byte is neither. */
		ws->over = true;
		ws->code = WEBSOCKET_PROTOCOL;
		return ws->n_payload == 1 ? WEBSOCKET_BAD : WEBSOCKET_CLOSE;
	case WEBSOCKET_OP_CONTINUED:
	case WEBSOCKET_OP_TEXT:
	case WEBSOCKET_OP_BINARY:
		ws->in_message = (ws->header[0] & FIN) == 0;
		return WEBSOCKET_MESSAGE;
	}
	check(!"an opcode");
}

static size_t take_header(struct websocket *ws, slice in, enum websocket_event *ret_event)
{
	size_t used = 0;

	while (used < in.len && (ws->n_header < 2 || ws->n_header < header_length(ws)))
		ws->header[ws->n_header++] = in.ptr[used++];
	if (ws->n_header < 2 || ws->n_header < header_length(ws))
		return used;
	ws->code = judge(ws);
	if (ws->code != 0) {
		ws->over = true;
		*ret_event = WEBSOCKET_BAD;
		return used;
	}
	ws->left = payload_length(ws);
	ws->n_payload = 0;
	ws->in_payload = true;
	return used;
}

static size_t take_payload(struct websocket *ws, slice in)
{
	const unsigned char *mask = ws->header + header_length(ws) - 4;
	size_t n = in.len < ws->left ? in.len : (size_t)ws->left;

	for (size_t i = 0; i < n && is_control(ws); i++) {
		ws->payload[ws->n_payload] = in.ptr[i] ^ mask[ws->n_payload % 4];
		ws->n_payload++;
	}
	ws->left -= n;
	return n;
}

size_t websocket_feed(struct websocket *ws, slice in, enum websocket_event *ret_event)
{
	size_t used = 0;

	*ret_event = WEBSOCKET_NONE;
	if (ws->over)
		return in.len;
	if (!ws->in_payload)
		used = take_header(ws, in, ret_event);
	if (!ws->in_payload)
		return used;
	used += take_payload(ws, slice_drop(in, used));
	if (ws->left == 0)
		*ret_event = frame_over(ws);
	return used;
}

/* ---- writing ---- */

void websocket_write(enum websocket_op op, slice payload, struct buffer *out)
{
	unsigned n = payload.len < 126 ? 0 : payload.len <= UINT16_MAX ? 2 : 8;

	put_u8(out, (uint8_t)(FIN | op));
	put_u8(out, n == 0 ? (uint8_t)payload.len : n == 2 ? 126 : 127);
	for (unsigned i = n; i > 0; i--)
		put_u8(out, (uint8_t)((uint64_t)payload.len >> (8 * (i - 1))));
	buffer_add(out, payload);
}

void websocket_write_close(unsigned code, struct buffer *out)
{
	const unsigned char bytes[2] = { (unsigned char)(code >> 8), (unsigned char)code };

	websocket_write(WEBSOCKET_OP_CLOSE, slice_of(bytes, 2), out);
}
