/* pop3/pop3_client_fuzz.c - any bytes as a server's replies, in any pieces.
 *
 * The first byte chooses the session and the second how the input is cut. What
 * must hold: nothing after the end, and one DONE a command. */
#include "base/check.h"
#include "pop3/client.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const enum pop3_command commands[] = {
	POP3_STAT, POP3_LIST, POP3_UIDL, POP3_RETR, POP3_TOP, POP3_DELE, POP3_NOOP, POP3_RSET,
	POP3_CAPA, POP3_QUIT,
};

struct caller {
	struct pop3_client *c;
	size_t next;
	bool stls_wanted, over;
};

static void on_event(struct caller *d, const struct pop3_client_event *event)
{
	check(!d->over);
	switch (event->kind) {
	case POP3_CLIENT_EVENT_STLS:
		d->stls_wanted = true;
		break;
	case POP3_CLIENT_EVENT_READY:
	case POP3_CLIENT_EVENT_DONE:
		check(event->kind == POP3_CLIENT_EVENT_DONE || d->next == 0);
		if (d->next < sizeof commands / sizeof commands[0])
			pop3_client_command(d->c, commands[d->next++], 1, 2);
		break;
	case POP3_CLIENT_EVENT_ITEM:
	case POP3_CLIENT_EVENT_BODY:
		check(d->next > 0);
		break;
	case POP3_CLIENT_EVENT_FAILED:
	case POP3_CLIENT_EVENT_CLOSED:
		d->over = true;
		break;
	}
}

static size_t feed(struct caller *d, slice in)
{
	struct pop3_client_event event;
	size_t used = 0, n;

	do {
		size_t before = used;

		pop3_client_sent(d->c, pop3_client_output(d->c).len);
		n = pop3_client_feed(d->c, slice_drop(in, used));
		used += n;
		while (pop3_client_next(d->c, &event)) {
			on_event(d, &event);
			n++;
		}
		check(used >= before && used <= in.len);
	} while (n > 0);
	return used;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct pop3_client_config config = { .login = slice_lit("a"), .secret = slice_lit("b") };
	struct heap *heap;
	struct caller d = { 0 };
	struct buffer in;
	size_t cut, at = 2;

	if (len < 2)
		return 0;
	heap = heap_create(SIZE_MAX);
	in = buffer_init(heap, SIZE_MAX);
	config.stls = data[0] & 1;
	config.clear_login = data[0] & 2;
	d.c = pop3_client_create(heap, &config, data[0] & 4);
	cut = 1 + (data[1] & 63);
	while (at < len && !d.over) {
		size_t n = len - at < cut ? len - at : cut;

		buffer_add(&in, slice_of(data + at, n));
		buffer_consume(&in, feed(&d, buffer_bytes(&in)));
		at += n;
		if (d.stls_wanted && !d.over) {
			d.stls_wanted = false;
			pop3_client_secured(d.c);
		}
	}
	pop3_client_destroy(d.c);
	heap_drop(heap);
	return 0;
}
