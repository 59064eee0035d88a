/* imap/imap_client_fuzz.c - any bytes as a server's responses; mutated by the line.
 *
 * The first byte says how long literals are kept, the second how many commands go out at once,
 * the third how the input is cut.
 *
 * For: imap/client.c
 *
 * Holds: whole or in pieces, events and commands are the same; without an event all is
 * consumed; one DONE a command, nothing after FAILED; what is told came, octets that are left
 * out with it. */
#include "fuzz_lines.h"

#include "imap/client.h"

enum { HEAD = 3, COMMANDS = 8 };

static const char *const texts[] = {
	"* OK hi\r\n", "* PREAUTH hi\r\n", "* BYE\r\n", "c1 OK\r\n", "c2 NO no\r\n", "c3 BAD {5}\r\n",
	"c4 OK\r\n", "c5 OK\r\n", "c1\r\n", "c0 OK\r\n", "c9 OK\r\n", "+ go\r\n", "+\r\n", "*\r\n", "* \r\n",
	"* 3 EXISTS\r\n", "* SEARCH 1 2 3\r\n", "* 1 FETCH (A {3}\r\nabc)\r\n",
	"* 1 FETCH (A {300}\r\n", "* 1 FETCH (A {0}\r\n)\r\n", "* 1 FETCH (A {2}\r\n\r\n B ~{1}\r\n\n)\r\n",
	"* OK {3}\r\n", "* 5 {3}\r\n", "* {3}\r\n", "{3}\r\n", "* 4294967295 EXPUNGE\r\n",
	"* 4294967296 X\r\n", "* 1 FETCH {9223372036854775807}\r\n", "* 1 FETCH {3+}\r\n",
};
static const struct fuzz_lines lines = { HEAD, texts, sizeof texts / sizeof texts[0] };
FUZZ_LINES_MUTATORS(lines)

struct caller {
	struct imap_client *c;
	unsigned at_once, given, done;
	uint32_t answered;              /* a bit for each command */
	uint64_t told, left_out;
	struct buffer log, commands;
	bool greeted, over;
};

static void give(struct caller *d)
{
	while (d->given < COMMANDS && imap_client_in_flight(d->c) < d->at_once) {
		check(imap_client_command(d->c, slice_lit("NOOP")) == d->given + 1);
		d->given++;
	}
}

static void on_event(struct caller *d, const struct imap_client_event *e)
{
	check(!d->over);
	check(d->greeted || e->kind == IMAP_CLIENT_EVENT_GREETING || e->kind == IMAP_CLIENT_EVENT_FAILED);
	buffer_printf(&d->log, "\n%u %u %u %llu ", e->kind, e->status, e->number,
	    (unsigned long long)e->left_out);
	buffer_add(&d->log, e->name);
	buffer_add(&d->log, slice_lit("|"));
	buffer_add(&d->log, e->text);
	switch (e->kind) {
	case IMAP_CLIENT_EVENT_GREETING:
		check(!d->greeted);
		d->greeted = true;
		give(d);
		break;
	case IMAP_CLIENT_EVENT_DONE:
		check(e->number >= 1 && e->number <= d->given);
		check((d->answered >> e->number & 1) == 0);
		d->answered |= 1u << e->number;
		d->done++;
		check(imap_client_in_flight(d->c) == d->given - d->done);
		give(d);
		break;
	case IMAP_CLIENT_EVENT_CONTINUE:
		check(d->given > d->done);
		break;
	case IMAP_CLIENT_EVENT_RESPONSE:
		break;
	case IMAP_CLIENT_EVENT_FAILED:
		d->over = true;
		return;
	}
	d->told += e->name.len + e->text.len;
	d->left_out += e->left_out;
}

static void feed(struct caller *d, slice in)
{
	struct imap_client_event event;

	while (in.len > 0) {
		size_t used = imap_client_feed(d->c, in);

		check(used <= in.len);
		in = slice_drop(in, used);
		if (!imap_client_next(d->c, &event)) {
			check(in.len == 0);
			continue;
		}
		/* Nothing may be in the way of the next event now. */
		on_event(d, &event);
		check(!imap_client_next(d->c, &event));
		buffer_add(&d->commands, imap_client_output(d->c));
		imap_client_sent(d->c, imap_client_output(d->c).len);
	}
}

static void run(struct caller *d, struct heap *heap, const uint8_t *choices, slice rest,
    struct fuzz_chance *chance)
{
	size_t all = rest.len;

	*d = (struct caller){ .log = buffer_init(heap, SIZE_MAX / 2),
		.commands = buffer_init(heap, SIZE_MAX / 2), .at_once = 1 + choices[1] % COMMANDS };
	d->c = imap_client_create(heap, choices[0]);
	while (rest.len > 0) {
		size_t n = chance != NULL ? fuzz_piece(chance, rest.len) : rest.len;
		slice copy = fuzz_copy(slice_head(rest, n));

		rest = slice_drop(rest, n);
		feed(d, copy);
		fuzz_free(copy);
	}
	check(d->told + d->left_out <= all);
	check(buffer_bytes(&d->commands).len == 0 ||
	    slice_ends(buffer_bytes(&d->commands), slice_lit("\r\n")));
	imap_client_destroy(d->c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct fuzz_chance chance;
	struct caller whole, cut;
	struct heap *heap;
	slice in;

	if (len < HEAD)
		return 0;
	heap = heap_create(SIZE_MAX);
	in = slice_of(data + HEAD, len - HEAD);
	chance = (struct fuzz_chance){ data[2] };
	run(&whole, heap, data, in, NULL);
	run(&cut, heap, data, in, &chance);
	check(slice_equal(buffer_bytes(&whole.log), buffer_bytes(&cut.log)));
	check(slice_equal(buffer_bytes(&whole.commands), buffer_bytes(&cut.commands)));
	heap_drop(heap);
	return 0;
}
