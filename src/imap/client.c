/* imap/client.c - the client engine: responses are cut from the input, commands numbered.
 *
 *   LINE -> (a literal follows) KEEP or SKIP -> LINE ... -> an event; OVER after FAILED
 *
 * (1) Nothing is consumed while an event waits.
 * (2) Each command has exactly one DONE, unless the connection ends before.
 * (3) A response that comes whole is told where it lies in the input; only one that comes in
 *     pieces, or has literals, is copied. What is left out is not. */
#include "imap/client.h"

#include <string.h>

#include "base/check.h"
#include "base/limits.h"

enum wait { WAIT_LINE, WAIT_KEEP, WAIT_SKIP, WAIT_OVER };

struct imap_client {
	struct heap *heap;
	size_t literal_max;
	enum wait wait;
	bool greeted;
	uint64_t literal;               /* octets of it still to come */
	uint64_t left_out;
	struct buffer response;         /* what came of it, unless it comes whole */
	size_t line_from;               /* in it: behind the last literal, whose octets are no line */
	bool told;                      /* it was an event's, and is to be emptied */
	uint32_t number;                /* of the last command */
	uint64_t flight;                /* bit 0: the last command, bit 1: the one before */
	struct buffer out;
	struct imap_client_event event;
	bool has_event;
};

/* ---- life ---- */

struct imap_client *imap_client_create(struct heap *heap, size_t literal_max)
{
	struct imap_client *c = heap_new(heap, struct imap_client);

	check(literal_max <= IMAP_CLIENT_RESPONSE_MAX);
	c->heap = heap;
	c->literal_max = literal_max;
	c->response = buffer_init(heap, IMAP_CLIENT_RESPONSE_MAX);
	c->out = buffer_init(heap, IMAP_CLIENT_OUTPUT_MAX);
	return c;
}

static void wipe_out(struct imap_client *c, size_t n)
{
	if (n > 0)
		explicit_bzero(c->out.ptr + c->out.start, n);
}

void imap_client_destroy(struct imap_client *c)
{
	if (c == NULL)
		return;
	wipe_out(c, imap_client_output(c).len);
	buffer_free(&c->out);
	buffer_free(&c->response);
	heap_free(c->heap, c);
}

slice imap_client_output(const struct imap_client *c)
{
	return buffer_bytes(&c->out);
}

void imap_client_sent(struct imap_client *c, size_t n)
{
	wipe_out(c, n);                 /* it may be the password */
	buffer_consume(&c->out, n);
}

/* ---- commands ---- */

uint32_t imap_client_command(struct imap_client *c, slice text)
{
	check(c->greeted && imap_client_room(c) > 0);
	check(c->number < UINT32_MAX);
	check(c->flight >> (IMAP_CLIENT_FLIGHT_MAX - 1) == 0);
	c->number++;
	c->flight = c->flight << 1 | 1;
	buffer_printf(&c->out, "c%u ", c->number);
	buffer_add(&c->out, text);
	buffer_add(&c->out, slice_lit("\r\n"));
	return c->number;
}

void imap_client_say(struct imap_client *c, slice bytes)
{
	buffer_add(&c->out, bytes);
}

size_t imap_client_room(const struct imap_client *c)
{
	enum { TAG_AND_END = 16 };
	size_t room = buffer_room(&c->out);

	return room > TAG_AND_END ? room - TAG_AND_END : 0;
}

unsigned imap_client_in_flight(const struct imap_client *c)
{
	unsigned n = 0;

	for (uint64_t rest = c->flight; rest != 0; rest &= rest - 1)
		n++;
	return n;
}

bool imap_client_quote(struct buffer *out, slice text)
{
	size_t before = buffer_bytes(out).len;
	bool fits = buffer_append(out, slice_lit("\""));

	for (size_t i = 0; i < text.len && fits; i++) {
		unsigned char c = text.ptr[i];

		if (c < ' ' || c >= 0x7f)
			fits = false;
		else if (c == '"' || c == '\\')
			fits = buffer_append(out, slice_lit("\\"));
		fits = fits && buffer_append(out, slice_sub(text, i, 1));
	}
	fits = fits && buffer_append(out, slice_lit("\""));
	if (!fits)
		buffer_truncate(out, before);
	return fits;
}

/* ---- events ---- */

static void raise_event(struct imap_client *c, struct imap_client_event event)
{
	check(!c->has_event);
	c->event = event;
	c->has_event = true;
}

bool imap_client_next(struct imap_client *c, struct imap_client_event *ret_event)
{
	if (!c->has_event)
		return false;
	*ret_event = c->event;
	c->has_event = false;
	return true;
}

static void fail(struct imap_client *c, slice text)
{
	c->wait = WAIT_OVER;
	raise_event(c, (struct imap_client_event){ .kind = IMAP_CLIENT_EVENT_FAILED, .text = text });
}

/* ---- responses ---- */

static enum imap_client_status read_status(slice name)
{
	static const struct {
		slice name;
		enum imap_client_status status;
	} names[] = {
		{ slice_lit("OK"), IMAP_CLIENT_OK }, { slice_lit("NO"), IMAP_CLIENT_NO },
		{ slice_lit("BAD"), IMAP_CLIENT_BAD }, { slice_lit("BYE"), IMAP_CLIENT_BYE },
		{ slice_lit("PREAUTH"), IMAP_CLIENT_PREAUTH },
	};

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (slice_equal_ascii(name, names[i].name))
			return names[i].status;
	}
	return IMAP_CLIENT_NONE;
}

/* "* " is cut off. */
static void on_untagged(struct imap_client *c, slice rest)
{
	struct imap_client_event event = { .kind = IMAP_CLIENT_EVENT_RESPONSE };
	uint64_t number;

	event.name = slice_cut(&rest, ' ');
	if (slice_to_u64(event.name, UINT32_MAX, &number)) {
		event.number = (uint32_t)number;
		event.name = slice_cut(&rest, ' ');
	}
	event.text = rest;
	event.status = read_status(event.name);
	event.left_out = c->left_out;
	if (!c->greeted) {
		event.kind = IMAP_CLIENT_EVENT_GREETING;
		c->greeted = event.status == IMAP_CLIENT_OK || event.status == IMAP_CLIENT_PREAUTH ||
		    event.status == IMAP_CLIENT_BYE;
	}
	if (c->greeted)
		raise_event(c, event);
	else
		fail(c, slice_lit("the server does not speak IMAP"));
}

/* The number of a command that waits, by its tag. */
static bool read_tag(const struct imap_client *c, slice tag, uint32_t *ret_number)
{
	uint64_t number;

	if (!slice_starts(tag, slice_lit("c")) ||
	    !slice_to_u64(slice_drop(tag, 1), c->number, &number) || number == 0 ||
	    c->number - number >= IMAP_CLIENT_FLIGHT_MAX ||
	    (c->flight >> (c->number - number) & 1) == 0)
		return false;
	*ret_number = (uint32_t)number;
	return true;
}

static void on_tagged(struct imap_client *c, slice tag, slice rest)
{
	struct imap_client_event event = { .kind = IMAP_CLIENT_EVENT_DONE };

	event.name = slice_cut(&rest, ' ');
	event.text = rest;
	event.status = read_status(event.name);
	if (!c->greeted) {
		fail(c, slice_lit("the server does not speak IMAP"));
	} else if (!read_tag(c, tag, &event.number)) {
		fail(c, slice_lit("the server answers what was not asked"));
	} else if (event.status != IMAP_CLIENT_OK && event.status != IMAP_CLIENT_NO &&
	    event.status != IMAP_CLIENT_BAD) {
		fail(c, slice_lit("the server's answer has no result"));
	} else {
		c->flight &= ~((uint64_t)1 << (c->number - event.number));
		raise_event(c, event);
	}
}

static void on_response(struct imap_client *c, slice text)
{
	slice rest = text, first = slice_cut(&rest, ' ');

	if (slice_equal(first, slice_lit("*")))
		on_untagged(c, rest);
	else if (!slice_equal(first, slice_lit("+")))
		on_tagged(c, first, rest);
	else if (c->flight == 0)
		fail(c, slice_lit("the server waits for a command that there is not"));
	else
		raise_event(c, (struct imap_client_event){
		    .kind = IMAP_CLIENT_EVENT_CONTINUE, .text = rest });
}

/* ---- from bytes to responses ---- */

/* Only data of untagged responses has literals; the words of a status may end in "{5}" too. */
static bool may_have_literal(slice response)
{
	slice rest = response;

	return slice_equal(slice_cut(&rest, ' '), slice_lit("*")) &&
	    read_status(slice_cut(&rest, ' ')) == IMAP_CLIENT_NONE;
}

/* The response so far, without CR LF, ends in "{number}". */
static bool read_literal(const struct imap_client *c, slice response, uint64_t *ret_len)
{
	slice line = slice_drop(response, c->line_from);
	size_t open;

	if (!slice_ends(line, slice_lit("}")) || !may_have_literal(response))
		return false;
	line.len--;
	open = slice_find_last_byte(line, '{');
	return open < line.len && slice_to_u64(slice_drop(line, open + 1), INT64_MAX, ret_len);
}

static bool keep(struct imap_client *c, slice bytes)
{
	if (buffer_append(&c->response, bytes))
		return true;
	fail(c, slice_lit("the server's response is too long"));
	return false;
}

static void begin_literal(struct imap_client *c, uint64_t len)
{
	c->literal = len;
	if (len > c->literal_max) {
		c->left_out += len;
		c->line_from = buffer_bytes(&c->response).len;
		c->wait = WAIT_SKIP;
	} else if (keep(c, slice_lit("\r\n"))) {
		c->wait = WAIT_KEEP;
	}
}

/* A line, or as much of it as there is. Returns how much of `in` was used. */
static size_t take_line(struct imap_client *c, slice in)
{
	size_t lf = slice_find_byte(in, '\n');
	size_t used = lf < in.len ? lf + 1 : in.len;
	bool alone = lf < in.len && buffer_bytes(&c->response).len == 0;
	slice text = slice_head(in, lf);
	uint64_t len;

	if (alone && text.len > IMAP_CLIENT_RESPONSE_MAX) {
		fail(c, slice_lit("the server's response is too long"));
		return used;
	}
	if (!alone) {
		if (!keep(c, text) || lf == in.len)
			return used;
		text = buffer_bytes(&c->response);
	}
	/* A CR that ended the piece before is here too. */
	if (text.len > c->line_from && slice_ends(text, slice_lit("\r")))
		text.len--;
	if (!read_literal(c, text, &len)) {
		c->told = true;
		on_response(c, text);
	} else if (!alone) {
		buffer_truncate(&c->response, text.len);
		begin_literal(c, len);
	} else if (keep(c, text)) {
		begin_literal(c, len);
	}
	return used;
}

static size_t take_literal(struct imap_client *c, slice in)
{
	size_t n = in.len < c->literal ? in.len : (size_t)c->literal;

	if (c->wait == WAIT_KEEP && !keep(c, slice_head(in, n)))
		return in.len;
	c->literal -= n;
	if (c->literal == 0) {
		c->line_from = buffer_bytes(&c->response).len;
		c->wait = WAIT_LINE;
	}
	return n;
}

size_t imap_client_feed(struct imap_client *c, slice in)
{
	size_t used = 0;

	if (c->has_event)
		return 0;
	if (c->told) {
		buffer_truncate(&c->response, 0);
		c->told = false;
		c->left_out = 0;
		c->line_from = 0;
	}
	while (used < in.len && !c->has_event) {
		slice rest = slice_drop(in, used);

		if (c->wait == WAIT_OVER)
			return in.len;
		/* An empty literal ends where it begins. */
		used += c->wait == WAIT_LINE ? take_line(c, rest) : take_literal(c, rest);
	}
	return used;
}
