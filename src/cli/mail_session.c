/* cli/mail_session.c - IMAP through the control socket. */
#include "cli/mail_session.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/text.h"
#include "cli/cli.h"
#include "imap/mailbox.h"
#include "imap/time.h"

#define TAG "open"

enum { SAID = 300 };

/* ---- life ---- */

enum opened { OPENED, OPENED_IN_USE, OPENED_NOT };

static enum opened read_welcome(struct mail_session *s)
{
	struct control *c = s->control;
	char said[SAID];
	const char *error;
	json_t *answer;
	slice line;

	errno = 0;
	if (!control_read_line(c, &line)) {
		cli_fail("the server ended the conversation; try again");
		return OPENED_NOT;
	}
	if (slice_starts(line, slice_lit(TAG " OK")))
		return OPENED;
	if (slice_starts(line, slice_lit("* BYE [INUSE]")))
		return OPENED_IN_USE;
	answer = json_loadb((const char *)line.ptr, line.len, 0, NULL);
	error = json_string_value(json_object_get(answer, "error"));
	cli_fail("%s", error != NULL ? error : text_printable(line, said, sizeof said));
	json_decref(answer);
	return OPENED_NOT;
}

static enum opened try_open(struct mail_session *s, bool alone)
{
	struct control *c = s->control;
	json_t *request = json_pack("{s:s, s:s, s:s, s:b}", "command", "mailbox open", "address",
	    s->address, "tag", TAG, "alone", alone);
	char *text = request != NULL ? json_dumps(request, JSON_COMPACT) : NULL;
	enum opened opened = OPENED_NOT;

	json_decref(request);
	if (text == NULL)
		cli_fail("what was given is not UTF-8");
	else if (!control_write(c->socket, slice_from(text)) ||
	    !control_write(c->socket, slice_lit("\n")))
		cli_fail("cannot talk to the server: %s", strerror(errno));
	else
		opened = read_welcome(s);
	free(text);
	return opened;
}

static void begin(struct mail_session *s)
{
	struct control *c = s->control;
	struct imap_client_event event;
	slice greeting = slice_lit("* PREAUTH by the control socket\r\n");

	s->fd = c->socket;
	c->socket = -1;
	/* The line was all: nobody speaks to us unasked. */
	buffer_free(&c->answers);
	s->client = imap_client_create(s->heap, MAIL_LITERAL_MAX);
	imap_client_feed(s->client, greeting);
	imap_client_next(s->client, &event);
}

bool mail_session_open(struct mail_session *s, struct control *control, const char *address,
    bool alone)
{
	const struct timespec step = { .tv_nsec = 100 * 1000000L };
	enum opened opened;

	*s = (struct mail_session){ .control = control, .heap = os_heap(control->os),
		.address = address, .fd = -1 };
	if (control->socket < 0) {
		cli_fail("no server runs on %s: mailboxes are read and written by a running one; "
		    "`posthouse serve` starts it", control->data.path);
		return false;
	}
	/* One that was killed is over as soon as the store has read what it sent. */
	for (unsigned waited = 0; ; waited += 100) {
		opened = try_open(s, alone);
		if (opened != OPENED_IN_USE)
			break;
		if (waited >= MAIL_ALONE_WAIT_MS) {
			cli_fail("another import to %s is under way; try again when it is through",
			    address);
			return false;
		}
		nanosleep(&step, NULL);
		if (!control_again(control))
			return false;
	}
	if (opened == OPENED)
		begin(s);
	return opened == OPENED;
}

void mail_session_close(struct mail_session *s)
{
	imap_client_destroy(s->client);
	s->client = NULL;
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}

/* ---- bytes ---- */

static bool fail(struct mail_session *s, const char *words)
{
	if (!s->failed)
		cli_fail("%s", words);
	s->failed = true;
	return false;
}

static bool send_some(struct mail_session *s)
{
	slice out = imap_client_output(s->client);
	ssize_t n = send(s->fd, out.ptr, out.len, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n < 0 && errno != EAGAIN && errno != EINTR)
		return fail(s, "the server ended the session; run this again when it is back");
	if (n > 0)
		imap_client_sent(s->client, (size_t)n);
	return true;
}

static bool read_some(struct mail_session *s)
{
	ssize_t n = recv(s->fd, s->read, sizeof s->read, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return true;
	if (n <= 0)
		return fail(s, "the server ended the session; run this again when it is back");
	s->in = slice_of(s->read, (size_t)n);
	return true;
}

/* Until bytes move; `hear`: in either direction. */
static bool wait_bytes(struct mail_session *s, bool hear)
{
	bool talks = imap_client_output(s->client).len > 0;
	struct pollfd at = { .fd = s->fd,
		.events = (short)((talks ? POLLOUT : 0) | (hear ? POLLIN : 0)) };
	int n;

	do
		n = poll(&at, 1, MAIL_PATIENCE_MS);
	while (n < 0 && errno == EINTR);
	if (n == 0)
		return fail(s, "the server does not answer; see its logs, and try again");
	if (n < 0)
		return fail(s, strerror(errno));
	if ((at.revents & POLLOUT) && !send_some(s))
		return false;
	if (hear && (at.revents & ~POLLOUT))
		return read_some(s);
	return hear || (at.revents & ~POLLOUT) == 0 ||
	    fail(s, "the server ended the session; run this again when it is back");
}

uint32_t mail_session_send(struct mail_session *s, slice text)
{
	while (imap_client_room(s->client) < text.len) {
		if (s->failed || !wait_bytes(s, false))
			return 0;
	}
	return imap_client_command(s->client, text);
}

bool mail_session_say(struct mail_session *s, slice bytes)
{
	while (bytes.len > 0) {
		size_t room = imap_client_room(s->client), n = bytes.len < room ? bytes.len : room;

		imap_client_say(s->client, slice_head(bytes, n));
		bytes = slice_drop(bytes, n);
		if (bytes.len > 0 && !wait_bytes(s, false))
			return false;
	}
	return true;
}

static bool feed(struct mail_session *s)
{
	size_t n;

	if (s->in.len == 0)
		return false;
	n = imap_client_feed(s->client, s->in);
	s->in = slice_drop(s->in, n);
	return n > 0;
}

bool mail_session_next(struct mail_session *s, struct imap_client_event *ret_event)
{
	char said[SAID];

	while (!s->failed) {
		if (!imap_client_next(s->client, ret_event)) {
			if (!feed(s) && !wait_bytes(s, true))
				return false;
			continue;
		}
		if (ret_event->kind == IMAP_CLIENT_EVENT_FAILED)
			return fail(s, text_printable(ret_event->text, said, sizeof said));
		if (ret_event->status != IMAP_CLIENT_BYE)
			return true;
		return fail(s, text_printable(ret_event->text, said, sizeof said));
	}
	return false;
}

bool mail_session_ready(struct mail_session *s)
{
	struct pollfd at = { .fd = s->fd, .events = POLLIN };

	return s->in.len > 0 || poll(&at, 1, 0) > 0;
}

/* ---- commands ---- */

bool mail_session_run(struct mail_session *s, slice text,
    void (*on)(void *context, const struct imap_client_event *event), void *context)
{
	uint32_t number = mail_session_send(s, text);
	char asked[100], said[SAID];
	struct imap_client_event event;

	while (mail_session_next(s, &event)) {
		if (event.kind == IMAP_CLIENT_EVENT_RESPONSE && on != NULL)
			on(context, &event);
		if (event.kind != IMAP_CLIENT_EVENT_DONE || event.number != number)
			continue;
		if (event.status == IMAP_CLIENT_OK)
			return true;
		cli_fail("%s: %s", text_printable(text, asked, sizeof asked),
		    text_printable(event.text, said, sizeof said));
		return false;
	}
	return false;
}

bool mail_session_name(struct buffer *out, const char *verb, slice name)
{
	struct buffer coded = buffer_init(out->heap, 4 * IMAP_NAME_MAX);
	bool fits = imap_utf7_write(name, &coded) && buffer_append(out, slice_from(verb)) &&
	    buffer_append(out, slice_lit(" ")) && imap_client_quote(out, buffer_bytes(&coded));

	buffer_free(&coded);
	return fits;
}

/* ---- LIST ---- */

bool mail_listed_read(slice text, struct arena *arena, struct mail_listed *ret)
{
	struct imap_parse p = imap_parse_begin(text, arena);
	size_t end = slice_find_byte(text, ')');
	struct mail_listed listed = { .exists = true };
	slice delimiter, rest;

	if (!imap_take(&p, '(', "attributes") || end == text.len)
		return false;
	listed.attributes = rest = slice_sub(text, 1, end - 1);
	p.rest = slice_drop(text, end + 1);
	if (!imap_take_space(&p) || !imap_take_nstring(&p, &delimiter) || !imap_take_space(&p) ||
	    !imap_take_mailbox(&p, false, &listed.name))
		return false;
	while (rest.len > 0) {
		slice one = slice_cut(&rest, ' ');

		if (slice_equal_ascii(one, slice_lit("\\NonExistent")) ||
		    slice_equal_ascii(one, slice_lit("\\Noselect")))
			listed.exists = false;
	}
	*ret = listed;
	return true;
}

/* ---- FETCH ---- */

static unsigned flag_of(slice word)
{
	static const struct {
		slice name;
		unsigned bit;
	} flags[] = {
		{ slice_lit("\\Answered"), IMAP_ANSWERED }, { slice_lit("\\Flagged"), IMAP_FLAGGED },
		{ slice_lit("\\Deleted"), IMAP_DELETED }, { slice_lit("\\Seen"), IMAP_SEEN },
		{ slice_lit("\\Draft"), IMAP_DRAFT },
	};

	for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
		if (slice_equal_ascii(word, flags[i].name))
			return flags[i].bit;
	}
	return 0;
}

static bool take_flags(struct imap_parse *p, struct mail_fetched *f)
{
	size_t end = slice_find_byte(p->rest, ')');
	slice list;

	if (!imap_take(p, '(', "flags") || end >= p->rest.len + 1)
		return false;
	list = slice_head(p->rest, end - 1);
	p->rest = slice_drop(p->rest, end);
	f->keywords = list;
	while (list.len > 0)
		f->flags |= flag_of(slice_cut(&list, ' '));
	return true;
}

static bool take_date(struct imap_parse *p, struct mail_fetched *f)
{
	slice text;

	return imap_take_string(p, &text, NULL) && imap_time_read(text, &f->received_s);
}

static bool take_body(struct imap_parse *p, struct mail_fetched *f)
{
	/* "BINARY[]", "BINARY[]<0>": unlike BODY[] it may hold a NUL. */
	p->rest = slice_drop(p->rest, slice_find_byte(p->rest, ' '));
	return imap_take_space(p) && imap_take_nstring(p, &f->body);
}

static bool take_item(struct imap_parse *p, struct mail_fetched *f)
{
	uint64_t number;

	if (slice_starts_ascii(p->rest, slice_lit("BINARY[]")))
		return take_body(p, f);
	if (imap_skip_word(p, "UID")) {
		if (!imap_take_space(p) || !imap_take_nz_number(p, UINT32_MAX, &number))
			return false;
		f->uid = (uint32_t)number;
		return true;
	}
	if (imap_skip_word(p, "FLAGS"))
		return imap_take_space(p) && take_flags(p, f);
	if (imap_skip_word(p, "INTERNALDATE"))
		return imap_take_space(p) && take_date(p, f);
	return imap_take_word(p, "RFC822.SIZE") && imap_take_space(p) &&
	    imap_take_number(p, UINT64_MAX, &f->size);
}

bool mail_fetched_read(slice text, struct arena *arena, struct mail_fetched *ret)
{
	struct imap_parse p = imap_parse_begin(text, arena);
	struct mail_fetched f = { 0 };

	if (!imap_take(&p, '(', "items"))
		return false;
	do {
		if (!take_item(&p, &f))
			return false;
	} while (imap_sees(&p, ' ') && imap_take_space(&p));
	if (!imap_take(&p, ')', "the end") || f.uid == 0)
		return false;
	*ret = f;
	return true;
}
