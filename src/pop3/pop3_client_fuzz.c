/* pop3/pop3_client_fuzz.c - any bytes as a server's replies; mutated by the line.
 *
 * The first byte chooses the session, the second where it begins, the third how the
 * input is cut.
 *
 * For: pop3/client.c mail/dots.c
 *
 * Holds: whether lines come whole or in pieces, events, bodies and commands are the
 * same; in pieces of any kind one DONE a command, nothing after the end, never more
 * consumed than there is; commands are whole lines. */
#include "fuzz_lines.h"

#include "pop3/client.h"

enum { HEAD = 3 };

static const char *const texts[] = {
	"+OK\r\n", "-ERR\r\n", "+OK ready\r\n", "-ERR no\r\n", ".\r\n", "..\r\n", "STLS\r\n",
	"UIDL\r\n", "+OK 2 320\r\n", "+OK 1 2 3\r\n", "1 120\r\n", "2 200\r\n", "1 abc\r\n",
	"2 d~f\r\n", "Subject: s\r\n", "\r\n", "text\r\n", "..stuffed\r\n", "+ \r\n",
	"+OK\r\n-ERR\r\n+OK\r\n+OK\r\n", "+OK\r\nS: s\r\n\r\n..x\r\n.\r\n",
	"+OK\r\nSTLS\r\n.\r\n+OK\r\n", "4294967296 1\r\n", "-1 1\r\n", "1 18446744073709551616\r\n",
};
static const struct fuzz_lines lines = { HEAD, texts, sizeof texts / sizeof texts[0] };
FUZZ_LINES_MUTATORS(lines)

static const enum pop3_command commands[] = {
	POP3_STAT, POP3_LIST, POP3_UIDL, POP3_RETR, POP3_TOP, POP3_DELE, POP3_NOOP, POP3_RSET,
	POP3_CAPA, POP3_QUIT,
};

struct caller {
	struct pop3_client *c;
	size_t next;
	struct buffer log, commands;    /* what it said, as bytes */
	bool stls_wanted, over;
};

static void on_event(struct caller *d, const struct pop3_client_event *event)
{
	check(!d->over);
	if (event->kind != POP3_CLIENT_EVENT_BODY)
		buffer_printf(&d->log, "\n%u %d %u %llu ", event->kind, event->ok, event->number,
		    (unsigned long long)event->size);
	buffer_add(&d->log, event->text);
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

		buffer_add(&d->commands, pop3_client_output(d->c));
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

/* A line at a time, each whole or in pieces; or, `wild`, in pieces of any kind. */
static void run(struct caller *d, const struct pop3_client_config *config, struct heap *heap,
    const uint8_t *choices, slice rest, struct fuzz_chance *chance, bool wild)
{
	struct buffer in = buffer_init(heap, SIZE_MAX);

	*d = (struct caller){ .log = buffer_init(heap, SIZE_MAX / 2),
		.commands = buffer_init(heap, SIZE_MAX / 2) };
	d->c = pop3_client_create(heap, config, choices[0] & 4);
	while (rest.len > 0 && !d->over) {
		size_t line = slice_find_byte(rest, '\n');
		size_t n = wild || line == rest.len ? rest.len : line + 1;
		slice copy;

		if (chance != NULL)
			n = fuzz_piece(chance, n);
		buffer_add(&in, slice_head(rest, n));
		rest = slice_drop(rest, n);
		copy = fuzz_copy(buffer_bytes(&in));
		buffer_consume(&in, feed(d, copy));
		fuzz_free(copy);
		if (d->stls_wanted && !d->over) {
			d->stls_wanted = false;
			pop3_client_secured(d->c);
		}
	}
	check(buffer_bytes(&d->commands).len == 0 ||
	    slice_ends(buffer_bytes(&d->commands), slice_lit("\r\n")));
	pop3_client_destroy(d->c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct pop3_client_config config = { .login = slice_lit("a"), .secret = slice_lit("b") };
	struct fuzz_chance chance;
	struct caller lines_whole, lines_cut, wild;
	struct heap *heap;
	slice in;

	if (len < HEAD)
		return 0;
	heap = heap_create(SIZE_MAX);
	in = slice_of(data + HEAD, len - HEAD);
	chance = (struct fuzz_chance){ data[2] };
	config.stls = data[0] & 1;
	config.clear_login = data[0] & 2;
	run(&lines_whole, &config, heap, data, in, NULL, false);
	run(&lines_cut, &config, heap, data, in, &chance, false);
	check(slice_equal(buffer_bytes(&lines_whole.log), buffer_bytes(&lines_cut.log)));
	check(slice_equal(buffer_bytes(&lines_whole.commands), buffer_bytes(&lines_cut.commands)));
	run(&wild, &config, heap, data, in, &chance, true);
	heap_drop(heap);
	return 0;
}
