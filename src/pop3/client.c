/* pop3/client.c - the client engine: one command at a time, most of them a row of
 * the table.
 *
 *   GREETING -> CAPA -> (STLS -> TLS -> CAPA) -> USER -> PASS -> IDLE
 *   IDLE -> REPLY -> (ROWS | BODY) -> IDLE, or OVER after QUIT
 *
 * (1) A line is consumed whole, at most POP3_CLIENT_LINE_MAX bytes of it.
 * (2) Nothing is consumed while an event waits. */
#include "pop3/client.h"

#include <string.h>

#include "base/check.h"
#include "base/limits.h"
#include "mail/dots.h"

enum wait {
	WAIT_GREETING,
	WAIT_CAPA,                      /* before the login: is there STLS? */
	WAIT_CAPA_ROWS,
	WAIT_STLS,
	WAIT_TLS,                       /* for _secured() */
	WAIT_USER,
	WAIT_PASS,
	WAIT_COMMAND,                   /* IDLE: nothing may come */
	WAIT_REPLY,
	WAIT_ROWS,
	WAIT_BODY,
	WAIT_OVER,
};

enum shape { SHAPE_LINE, SHAPE_ROWS, SHAPE_BODY };

struct pop3_client {
	struct heap *heap;
	const struct pop3_client_config *config;
	enum wait wait;
	bool secure;
	bool offers_stls;
	enum pop3_command command;
	struct buffer out;
	struct pop3_client_event events[2];
	unsigned n_events;
	struct dots_reader dots;
	struct buffer words;            /* of the +OK, kept for DONE behind rows or a body */
};

static void parse_stat(slice words, struct pop3_client_event *event);
static bool parse_list_row(slice row, struct pop3_client_event *ret_event);
static bool parse_uidl_row(slice row, struct pop3_client_event *ret_event);
static bool parse_capa_row(slice row, struct pop3_client_event *ret_event);

static const struct command {
	const char *verb;
	unsigned arguments;             /* how many numbers follow */
	enum shape shape;               /* what follows +OK */
	bool (*row)(slice row, struct pop3_client_event *ret_event);
} commands[] = {
	[POP3_STAT] = { "STAT", 0, SHAPE_LINE, NULL },
	[POP3_LIST] = { "LIST", 0, SHAPE_ROWS, parse_list_row },
	[POP3_UIDL] = { "UIDL", 0, SHAPE_ROWS, parse_uidl_row },
	[POP3_RETR] = { "RETR", 1, SHAPE_BODY, NULL },
	[POP3_TOP]  = { "TOP",  2, SHAPE_BODY, NULL },
	[POP3_DELE] = { "DELE", 1, SHAPE_LINE, NULL },
	[POP3_NOOP] = { "NOOP", 0, SHAPE_LINE, NULL },
	[POP3_RSET] = { "RSET", 0, SHAPE_LINE, NULL },
	[POP3_CAPA] = { "CAPA", 0, SHAPE_ROWS, parse_capa_row },
	[POP3_QUIT] = { "QUIT", 0, SHAPE_LINE, NULL },
};

/* ---- life ---- */

static bool is_argument(slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] < ' ' || s.ptr[i] == 0x7f)
			return false;
	}
	return s.len > 0;
}

struct pop3_client *pop3_client_create(struct heap *heap,
    const struct pop3_client_config *config, bool secure)
{
	struct pop3_client *c = heap_new(heap, struct pop3_client);

	check(is_argument(config->login) && config->login.len <= SASL_LOGIN_MAX);
	check(is_argument(config->secret) && config->secret.len <= SASL_SECRET_MAX);
	c->heap = heap;
	c->config = config;
	c->secure = secure;
	c->wait = WAIT_GREETING;
	c->out = buffer_init(heap, POP3_CLIENT_OUTPUT_MAX);
	c->words = buffer_init(heap, POP3_CLIENT_LINE_MAX);
	return c;
}

static void wipe_out(struct pop3_client *c, size_t n)
{
	if (n > 0)
		explicit_bzero(c->out.ptr + c->out.start, n);
}

void pop3_client_destroy(struct pop3_client *c)
{
	if (c == NULL)
		return;
	wipe_out(c, pop3_client_output(c).len);
	buffer_free(&c->out);
	buffer_free(&c->words);
	heap_free(c->heap, c);
}

slice pop3_client_output(const struct pop3_client *c)
{
	return buffer_bytes(&c->out);
}

void pop3_client_sent(struct pop3_client *c, size_t n)
{
	wipe_out(c, n);                 /* it may be the password */
	buffer_consume(&c->out, n);
}

/* ---- events ---- */

static void raise_event(struct pop3_client *c, struct pop3_client_event event)
{
	check(c->n_events < sizeof c->events / sizeof c->events[0]);
	c->events[c->n_events++] = event;
}

bool pop3_client_next(struct pop3_client *c, struct pop3_client_event *ret_event)
{
	if (c->n_events == 0)
		return false;
	*ret_event = c->events[0];
	c->events[0] = c->events[1];
	c->n_events--;
	return true;
}

static void fail(struct pop3_client *c, slice text)
{
	c->wait = WAIT_OVER;
	raise_event(c, (struct pop3_client_event){
	    .kind = POP3_CLIENT_EVENT_FAILED, .text = text });
}

static void done(struct pop3_client *c, bool ok, slice words)
{
	struct pop3_client_event event = {
		.kind = POP3_CLIENT_EVENT_DONE, .ok = ok, .text = words };

	c->wait = WAIT_COMMAND;
	if (ok && c->command == POP3_STAT)
		parse_stat(words, &event);
	raise_event(c, event);
	if (c->command == POP3_QUIT) {
		c->wait = WAIT_OVER;
		raise_event(c, (struct pop3_client_event){ .kind = POP3_CLIENT_EVENT_CLOSED });
	}
}

/* ---- commands ---- */

static void say(struct pop3_client *c, const char *verb, slice argument, enum wait wait)
{
	buffer_printf(&c->out, "%s%s", verb, argument.len > 0 ? " " : "");
	buffer_add(&c->out, argument);
	buffer_add(&c->out, slice_lit("\r\n"));
	c->wait = wait;
}

void pop3_client_command(struct pop3_client *c, enum pop3_command command, uint32_t number,
    uint32_t lines)
{
	const struct command *row = &commands[command];

	check(c->wait == WAIT_COMMAND && c->n_events == 0);
	check(pop3_client_output(c).len == 0);
	c->command = command;
	c->wait = WAIT_REPLY;
	buffer_add(&c->out, slice_from(row->verb));
	if (row->arguments > 0)
		buffer_printf(&c->out, " %u", number);
	if (row->arguments > 1)
		buffer_printf(&c->out, " %u", lines);
	buffer_add(&c->out, slice_lit("\r\n"));
}

void pop3_client_secured(struct pop3_client *c)
{
	check(c->wait == WAIT_TLS && c->n_events == 0);
	c->secure = true;
	say(c, "USER", c->config->login, WAIT_USER);
}

/* ---- rows ---- */

static bool take_number(slice *rest, uint64_t max, uint64_t *ret_number)
{
	return slice_to_u64(slice_cut(rest, ' '), max, ret_number);
}

static void parse_stat(slice words, struct pop3_client_event *event)
{
	uint64_t number, size;

	event->ok = take_number(&words, UINT32_MAX, &number) &&
	    take_number(&words, UINT64_MAX, &size);
	if (!event->ok)
		return;
	event->number = (uint32_t)number;
	event->size = size;
}

static bool parse_list_row(slice row, struct pop3_client_event *ret_event)
{
	uint64_t number;

	if (!take_number(&row, UINT32_MAX, &number) ||
	    !take_number(&row, UINT64_MAX, &ret_event->size))
		return false;
	ret_event->number = (uint32_t)number;
	return true;
}

static bool parse_uidl_row(slice row, struct pop3_client_event *ret_event)
{
	uint64_t number;

	if (!take_number(&row, UINT32_MAX, &number) || row.len == 0 || row.len > POP3_UIDL_MAX)
		return false;
	ret_event->number = (uint32_t)number;
	ret_event->text = row;
	return true;
}

static bool parse_capa_row(slice row, struct pop3_client_event *ret_event)
{
	ret_event->text = row;
	return true;
}

static void on_row(struct pop3_client *c, slice row)
{
	struct pop3_client_event event = { .kind = POP3_CLIENT_EVENT_ITEM };

	if (slice_equal(row, slice_lit(".")))
		done(c, true, buffer_bytes(&c->words));
	else if (commands[c->command].row(row, &event))
		raise_event(c, event);
	else
		fail(c, slice_lit("a row of the server's list is none"));
}

/* ---- replies ---- */

static void log_in(struct pop3_client *c)
{
	if (c->config->stls && !c->secure) {
		if (c->offers_stls)
			say(c, "STLS", (slice){ 0 }, WAIT_STLS);
		else
			fail(c, slice_lit("the server does not offer STLS"));
	} else if (!c->secure && !c->config->clear_login) {
		fail(c, slice_lit("no TLS: the password is not sent in the clear"));
	} else {
		say(c, "USER", c->config->login, WAIT_USER);
	}
}

static void on_answer(struct pop3_client *c, bool ok, slice words)
{
	if (!ok || commands[c->command].shape == SHAPE_LINE) {
		done(c, ok, words);
		return;
	}
	buffer_truncate(&c->words, 0);
	buffer_add(&c->words, words);
	c->dots = (struct dots_reader){ 0 };
	c->wait = commands[c->command].shape == SHAPE_BODY ? WAIT_BODY : WAIT_ROWS;
}

/* "+OK words" or "-ERR words". */
static void on_reply(struct pop3_client *c, slice line)
{
	slice words = line, status = slice_cut(&words, ' ');
	bool ok = slice_equal_ascii(status, slice_lit("+OK"));

	if (!ok && !slice_equal_ascii(status, slice_lit("-ERR"))) {
		fail(c, slice_lit("the server does not speak POP3"));
		return;
	}
	if (!ok && c->wait != WAIT_REPLY && c->wait != WAIT_CAPA) {
		fail(c, words);
		return;
	}
	switch (c->wait) {
	case WAIT_GREETING:
		say(c, "CAPA", (slice){ 0 }, WAIT_CAPA);
		break;
	case WAIT_CAPA:
		if (ok)
			c->wait = WAIT_CAPA_ROWS;
		else
			log_in(c);      /* RFC 1939 has no CAPA */
		break;
	case WAIT_STLS:
		c->wait = WAIT_TLS;
		raise_event(c, (struct pop3_client_event){ .kind = POP3_CLIENT_EVENT_STLS });
		break;
	case WAIT_USER:
		say(c, "PASS", c->config->secret, WAIT_PASS);
		break;
	case WAIT_PASS:
		c->wait = WAIT_COMMAND;
		raise_event(c, (struct pop3_client_event){ .kind = POP3_CLIENT_EVENT_READY });
		break;
	case WAIT_REPLY:
		on_answer(c, ok, words);
		break;
	default:
		fail(c, slice_lit("the server replied out of turn"));
	}
}

static void on_line(struct pop3_client *c, slice line)
{
	if (slice_ends(line, slice_lit("\r")))
		line.len--;
	if (pop3_client_output(c).len > 0)
		fail(c, slice_lit("the server replied out of turn"));
	else if (c->wait == WAIT_ROWS)
		on_row(c, line);
	else if (c->wait != WAIT_CAPA_ROWS)
		on_reply(c, line);
	else if (slice_equal(line, slice_lit(".")))
		log_in(c);
	else if (slice_equal_ascii(line, slice_lit("STLS")))
		c->offers_stls = true;
}

/* Returns how much of `in` was used; 0: no whole line yet. */
static size_t take_line(struct pop3_client *c, slice in)
{
	size_t lf = slice_find_byte(in, '\n');

	if (lf >= POP3_CLIENT_LINE_MAX) {
		fail(c, slice_lit("the server's line is too long"));
		return in.len;
	}
	if (lf == in.len)
		return 0;
	on_line(c, slice_head(in, lf));
	return lf + 1;
}

static size_t take_body(struct pop3_client *c, slice in)
{
	slice rest = in, part;

	switch (dots_read(&c->dots, &rest, &part)) {
	case DOTS_PART:
		raise_event(c, (struct pop3_client_event){
		    .kind = POP3_CLIENT_EVENT_BODY, .text = part });
		break;
	case DOTS_END:
		done(c, true, buffer_bytes(&c->words));
		break;
	case DOTS_MORE:
		break;
	}
	return in.len - rest.len;
}

size_t pop3_client_feed(struct pop3_client *c, slice in)
{
	size_t used = 0;

	while (used < in.len && c->n_events == 0) {
		slice rest = slice_drop(in, used);
		size_t n;

		/* Replies behind STLS's in the clear are not the server's. */
		if (c->wait == WAIT_TLS || c->wait == WAIT_OVER)
			return in.len;
		n = c->wait == WAIT_BODY ? take_body(c, rest) : take_line(c, rest);
		if (n == 0 && c->n_events == 0)
			break;
		used += n;
	}
	return used;
}
