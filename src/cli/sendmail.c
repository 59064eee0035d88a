/* cli/sendmail.c - posthouse sendmail: what cron, PHP, git and mail programs run to
 * send. It mends the message and hands it to the server of this host. */
#include "cli/sendmail.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/post_report.h"
#include "cli/post_secret.h"
#include "mail/handed.h"
#include "mail/utf8.h"
#include "os/os_uv.h"

#define MANY "more than %d recipients; send it in several runs, or to a mailing list"

struct sendmail {
	struct os *os;
	struct arena arena;
	struct sendmail_options options;
	struct sendmail_place place;
	struct address_list recipients;
	struct compose_mailbox sender;  /* of a From that is missing */
	slice from;                     /* of the envelope; empty: <> */
	struct buffer text;             /* as it came, with CRLF */
	struct buffer header;           /* as it goes */
	slice body;                     /* of text */
	struct post_server server;
	char secret[PASSWORD_MAX + 1];  /* of a login; wiped when it is over */
};

int sendmail_fail(int status, const char *format, ...)
{
	char text[POST_WORDS_MAX + 512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	cli_fail("sendmail: %s", text);
	return status;
}

static const char *shown(slice text, char ret[200])
{
	return text_printable(slice_trim(text), ret, 200);
}

/* ---- who, and whom to ---- */

static bool is_null(const char *address)
{
	return strcmp(address, "") == 0 || strcmp(address, "<>") == 0;
}

/* In some other script, of cron's, say: a name is not worth a message. */
static slice as_utf8(struct arena *arena, slice name)
{
	unsigned char *out = arena_new(arena, unsigned char, name.len);
	slice rest = name;

	while (rest.len > 0) {
		size_t n = utf8_length(rest);

		memcpy(out + (name.len - rest.len), n > 0 ? rest.ptr : (const unsigned char *)"?",
		    n > 0 ? n : 1);
		rest = slice_drop(rest, n > 0 ? n : 1);
	}
	return slice_of(out, name.len);
}

/* Whose the envelope is without -f: an account sends as itself. */
static slice login_address(struct sendmail *s)
{
	struct address_list list = address_list_init(&s->arena, 1);
	slice login = slice_from(s->place.login);

	if (login.len > 0 && address_list_add(&list, login, (slice){ 0 }) == ADDRESS_LIST_OK &&
	    list.n == 1)
		return list.items[0].address;
	return s->place.user.address;
}

static int read_sender(struct sendmail *s)
{
	struct address_list list = address_list_init(&s->arena, 2);
	const struct sendmail_options *o = &s->options;
	char text[200];

	s->sender = s->place.user;
	if (o->from == NULL) {
		s->from = login_address(s);
	} else if (!is_null(o->from)) {
		if (address_list_add(&list, slice_from(o->from), s->place.domain) !=
		    ADDRESS_LIST_OK || list.n != 1)
			return sendmail_fail(EX_USAGE, "-f wants one address, not \"%s\"",
			    shown(slice_from(o->from), text));
		s->from = list.items[0].address;
		/* Somebody else's address does not go with the user's own name. */
		s->sender = (struct compose_mailbox){ .address = s->from };
	}
	if (o->name != NULL)
		s->sender.name = as_utf8(&s->arena, slice_from(o->name));
	if (compose_judge_mailbox(&s->sender) != COMPOSE_OK)
		return sendmail_fail(EX_USAGE, "-F wants a name that a header can hold, not \"%s\"",
		    shown(s->sender.name, text));
	return EX_OK;
}

static int read_words(struct sendmail *s)
{
	char text[200];

	s->recipients = address_list_init(&s->arena, SEND_RECIPIENTS_MAX);
	for (size_t i = 0; i < s->options.n_words; i++) {
		slice word = slice_from(s->options.words[i]);

		switch (address_list_add(&s->recipients, word, s->place.domain)) {
		case ADDRESS_LIST_OK:
			break;
		case ADDRESS_LIST_MANY:
			return sendmail_fail(EX_USAGE, MANY, SEND_RECIPIENTS_MAX);
		case ADDRESS_LIST_BAD:
			return sendmail_fail(EX_DATAERR, "\"%s\" is no address",
			    shown(word, text));
		}
	}
	if (s->recipients.n == 0 && !s->options.recipients)
		return sendmail_fail(EX_USAGE, "whom to? Give addresses, or -t to take them from "
		    "To, Cc and Bcc");
	return EX_OK;
}

/* ---- the message ---- */

static int read_text(struct sendmail *s)
{
	struct handed_text t = { .dot_ends = !s->options.no_dot };
	unsigned char bytes[16 * 1024];

	s->text = buffer_init(os_heap(s->os), COMPOSE_MESSAGE_MAX);
	for (;;) {
		ssize_t n = read(STDIN_FILENO, bytes, sizeof bytes);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return sendmail_fail(EX_IOERR, "cannot read standard input: %s",
			    strerror(errno));
		if (!(n == 0 ? handed_text_end(&t, &s->text) :
		    handed_text_take(&t, slice_of(bytes, (size_t)n), &s->text)))
			return sendmail_fail(EX_DATAERR, "the message is larger than %d MiB",
			    COMPOSE_MESSAGE_MAX >> 20);
		if (n == 0 || t.ended)
			return EX_OK;
	}
}

static int mend(struct sendmail *s)
{
	char first[14], second[14], text[200];
	struct handed_plan plan = { .recipients = s->options.recipients,
		.domain = s->place.domain, .sender = s->sender, .wall_us = os_wall_us(s->os),
		.hostname = s->place.hostname };

	text_from_u64(os_random_u64(s->os), first);
	text_from_u64(os_random_u64(s->os), second);
	plan.unique = arena_printf(&s->arena, "%s%s", first, second);
	s->header = buffer_init(os_heap(s->os), 2 * (size_t)COMPOSE_MESSAGE_MAX);
	switch (handed_header(buffer_bytes(&s->text), &plan, &s->recipients, &s->header,
	    &s->body)) {
	case HANDED_OK:
		break;
	case HANDED_BAD:
		return sendmail_fail(EX_DATAERR, "the header names \"%s\", which is no list of "
		    "addresses", shown(s->body, text));
	case HANDED_NO_FIELD:
		return sendmail_fail(EX_DATAERR, "the header has a line that is no field, \"%s\", and "
		    "recipients behind it; put a blank line before the text",
		    shown(slice_head(s->body, slice_find_byte(s->body, '\r')), text));
	case HANDED_MANY:
		return sendmail_fail(EX_DATAERR, MANY, SEND_RECIPIENTS_MAX);
	case HANDED_LONG:
		return sendmail_fail(EX_DATAERR, "the header is too large");
	}
	if (s->recipients.n == 0)
		return sendmail_fail(EX_DATAERR, "whom to? There is no address in To, Cc and Bcc");
	return EX_OK;
}

/* ---- the server ---- */

static int read_server(struct sendmail *s)
{
	const struct sendmail_place *place = &s->place;
	const struct post_server_words words = { .command = "sendmail", .server = place->submission };
	int status;

	if (place->login == NULL) {
		post_server_local(&place->server, &s->arena, &s->server);
		return EX_OK;
	}
	if (post_secret_file("sendmail", place->password_file, s->arena.heap, s->secret) != CLI_OK)
		return EX_CONFIG;
	status = post_server_read(&words, &s->arena, &s->server);
	return status == CLI_OK ? EX_OK : status == CLI_USAGE ? EX_CONFIG : EX_TEMPFAIL;
}

static int post(struct sendmail *s)
{
	slice *addresses = arena_new(&s->arena, slice, s->recipients.n);
	struct post p = { .os = s->os, .command = "sendmail", .server = &s->server,
		.hostname = s->place.hostname, .login = slice_from(s->place.login),
		.secret = slice_from(s->secret), .from = s->from, .addresses = addresses,
		.n_recipients = s->recipients.n, .parts = { buffer_bytes(&s->header), s->body },
		.verbose = s->options.verbose };
	int status;

	for (size_t i = 0; i < s->recipients.n; i++)
		addresses[i] = s->recipients.items[i].address;
	post_run(&p);
	status = post_report(&p, "POSTHOUSE_SENDMAIL_LOGIN; see `posthouse help sendmail`");
	if (p.outcome == POST_TAKEN && s->options.verbose)
		printf("%u %s\n", p.code, p.words);
	post_finish(&p);
	/* What -v could not print changes nothing of it: callers send again what fails. */
	cli_printed();
	return status;
}

/* ---- all of it ---- */

static int deliver(struct sendmail *s)
{
	int status;

	if ((status = read_sender(s)) != EX_OK || (status = read_words(s)) != EX_OK ||
	    (status = read_text(s)) != EX_OK || (status = mend(s)) != EX_OK ||
	    (status = read_server(s)) != EX_OK)
		return status;
	return post(s);
}

static int run_mode(struct sendmail *s)
{
	int status = sendmail_place_read(s->options.config, &s->arena, &s->place);

	if (status != EX_OK)
		return status;
	if (s->options.mode != SENDMAIL_SMTP)
		return deliver(s);
	if (!s->place.has_server)
		return sendmail_fail(EX_CONFIG, "-bs wants POSTHOUSE_SENDMAIL_SERVER to be an address");
	return sendmail_relay(s->os, &s->place.server);
}

static int run(int argc, char **argv)
{
	const struct os_uv_options options = { .name = "sendmail", .log_from = OS_ERROR };
	struct sendmail s = { 0 };
	int status = sendmail_options_read(argc, argv, &s.options);

	if (status != EX_OK)
		return status;
	switch (s.options.mode) {
	case SENDMAIL_ALIASES:
		printf("Aliases are changed by `posthouse alias`, at once: nothing to rebuild.\n");
		return cli_printed() ? EX_OK : EX_IOERR;
	case SENDMAIL_QUEUE:
		printf("The queue is shown by `posthouse queue list`.\n");
		return cli_printed() ? EX_OK : EX_IOERR;
	case SENDMAIL_RUN_QUEUE:
		/* The server does that by itself; a crontab may ask for it. */
		if (!s.options.recipients && s.options.n_words == 0)
			return EX_OK;
		break;
	case SENDMAIL_DELIVER:
	case SENDMAIL_SMTP:
		break;
	}
	s.os = os_uv_create(&options);
	s.arena = arena_init(os_heap(s.os), 2 * (size_t)COMPOSE_MESSAGE_MAX);
	status = run_mode(&s);
	explicit_bzero(s.secret, sizeof s.secret);
	post_server_finish(&s.server);
	os_uv_destroy(s.os);
	return status;
}

const struct cli_command cli_sendmail = {
	.name = "sendmail",
	.words = "[OPTIONS] [ADDRESS...]",
	.summary = "hand a message to the server of this host, as /usr/sbin/sendmail does",
	.details =
	    "For programs that know sendmail: cron, PHP, git send-email, mutt. A link to it does\n"
	    "the same by its name:\n"
	    "    ln -s $(command -v posthouse) /usr/sbin/sendmail\n"
	    "The message is standard input. From, Date and Message-ID are added when they are\n"
	    "missing, Bcc is removed, and names without a domain get the first of `domains`, or\n"
	    "`hostname`, of /etc/posthouse/posthouse.conf, which also says where the server is\n"
	    "(listen.smtp; 127.0.0.1:25 without it; POSTHOUSE_SENDMAIL_SERVER=ADDR:PORT in the\n"
	    "environment goes before). Without -i, a line of one dot ends the message. A line that\n"
	    "is no field ends the header, too; with -t, when fields with recipients follow it,\n"
	    "nothing is sent. Of a message that was sent on, -t heeds the newest Resent fields.\n"
	    "Values may be glued to their option. Other options are taken and not heeded.\n"
	    "\n"
	    "Whom it reaches: accounts and aliases of this host. For other hosts, that port takes\n"
	    "no mail from anybody (5.7.1, status 77): log in. With POSTHOUSE_SENDMAIL_LOGIN=USER\n"
	    "and POSTHOUSE_SENDMAIL_PASSWORD_FILE=FILE in the environment it submits as that\n"
	    "account, at listen.submission (127.0.0.1:587), or at POSTHOUSE_SENDMAIL_SERVER, then\n"
	    "also NAME:PORT, with TLS when it is offered. From and -f must be addresses of the\n"
	    "account. -bs logs nobody in.\n"
	    "\n"
	    "It keeps no queue of its own: when the server is down, or answers \"later\", the message\n"
	    "is NOT sent, nor kept, and the status is 75. Some callers take 75 for \"queued\": PHP's\n"
	    "mail(), of 8.5 too, then returns true.\n"
	    "\n"
	    "Exit status, of sysexits.h: 0 taken for all; 64 wrong usage; 65 not an address, or no\n"
	    "header that can be read; 67 a recipient is not known (5.1.x, 551, 553); 69 refused in\n"
	    "another way; 75 try again later: nobody has it, or it may or may not have been taken,\n"
	    "as no word on it came that can be read; 77 refused by policy (5.7.x); 78 bad\n"
	    "configuration. When some have it, the lines say who doesn't, and the status is never\n"
	    "75, but 69: to try again would be to send it to all again.\n",
	.options = {
		{ "-t", NULL, "Recipients are those of To, Cc and Bcc, too." },
		{ "-i", NULL, "A line of one dot is text. The same: -oi." },
		{ "-f", "ADDRESS", "The sender of the envelope. The same: -r." },
		{ "-F", "NAME", "The sender's name, for a From that is missing." },
		{ "-v", NULL, "Show the dialogue as it happens." },
		{ "-C", "FILE", "Read this posthouse.conf." },
		{ "-bm", NULL, "Deliver a message: what it does without any -b." },
		{ "-bs", NULL, "Connect standard input and output to the server." },
		{ "-bi", NULL, "Nothing: aliases need no rebuilding." },
		{ "-bp", NULL, "Say how the queue is shown." },
	},
	.run_raw = run,
};
