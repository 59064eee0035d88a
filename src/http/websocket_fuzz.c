/* http/websocket_fuzz.c - any bytes as what a client of a WebSocket says.
 *
 * For: http/websocket.c
 *
 * Holds: reading goes on until it needs more or is over; pieces say the same events as the
 * whole; a control frame's payload is no longer than one may be.
 *
 * Input: the size of pieces, then the bytes. */
#include "fuzz.h"

#include "http/websocket.h"

enum { EVENTS = 4096 };

static size_t read_all(slice in, size_t piece, unsigned char *ret_events)
{
	struct websocket ws = { 0 };
	size_t n = 0;

	while (in.len > 0) {
		enum websocket_event event;
		size_t used = websocket_feed(&ws, slice_head(in, piece < in.len ? piece : in.len),
		    &event);

		check(used > 0 && used <= in.len);
		check(ws.n_payload <= WEBSOCKET_CONTROL_MAX);
		check(event != WEBSOCKET_BAD || ws.code != 0);
		in = slice_drop(in, used);
		if (event != WEBSOCKET_NONE && n < EVENTS)
			ret_events[n++] = (unsigned char)event;
	}
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	unsigned char whole[EVENTS], pieces[EVENTS];
	slice text;
	size_t n;

	if (len < 2)
		return 0;
	text = fuzz_copy(slice_of(data + 1, len - 1));
	n = read_all(text, SIZE_MAX, whole);
	check(read_all(text, data[0] % 32 + (size_t)1, pieces) == n);
	check(memcmp(whole, pieces, n) == 0);
	free((void *)(uintptr_t)text.ptr);
	return 0;
}
