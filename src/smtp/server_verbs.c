/* smtp/server_verbs.c - the command table of the SMTP server and its handlers.
 *
 * A row says where a verb is legal and what it needs; HELP prints the rows. The
 * extensions that EHLO announces and the parameters of MAIL are tables too. */
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "mail/address.h"
#include "smtp/server_impl.h"

enum {
	NO_ARG = 1,
	NEEDS_ARG = 2,
	NEEDS_AUTH = 4,         /* 530 where auth_required */
	EIGHT_BIT = 8,          /* octets over 127 may stand in it (RFC 6531 s3.4) */
	HIDDEN = 16,            /* not in HELP */
	MAILBOX_ARG = NEEDS_ARG | NEEDS_AUTH | EIGHT_BIT,
};

struct smtp_verb {
	const char *name;
	unsigned legal;         /* set of IN_* */
	unsigned lenient;       /* more of them, where it is */
	unsigned flags;
	void (*handler)(struct smtp_server *s, slice arg);
	const char *order;      /* what to say where it is not legal */
};

/* ---- EHLO and its extensions ---- */

static bool starttls_offered(const struct smtp_server *s)
{
	return s->config->starttls && !s->secure;
}

static void print_size(const struct smtp_server *s, struct buffer *out)
{
	buffer_printf(out, " %llu", (unsigned long long)s->config->message_size_max);
}

static void print_mechanisms(const struct smtp_server *s, struct buffer *out)
{
	buffer_add(out, slice_lit(" "));
	sasl_mechanism_names(smtp_sasl_offer(s), out);
}

static const struct {
	const char *keyword;
	bool (*offered)(const struct smtp_server *s);   /* NULL: always */
	void (*print)(const struct smtp_server *s, struct buffer *out);
} extensions[] = {
	{ "PIPELINING", NULL, NULL },
	{ "SIZE", NULL, print_size },
	{ "8BITMIME", NULL, NULL },
	{ "SMTPUTF8", NULL, NULL },
	{ "ENHANCEDSTATUSCODES", NULL, NULL },
	{ "STARTTLS", starttls_offered, NULL },
	{ "AUTH", smtp_auth_offered, print_mechanisms },
};

/* A domain, an address literal, or whatever else a client calls itself, as
 * long as it is one printable word (RFC 5321 s4.1.4: a name that does not
 * verify is no reason to refuse). */
static bool take_name(struct smtp_server *s, slice arg, slice *ret_name)
{
	for (size_t i = 0; i < arg.len; i++) {
		if (arg.ptr[i] <= ' ' || arg.ptr[i] > 126)
			return false;
	}
	if (arg.len > ADDRESS_DOMAIN_MAX)
		return false;
	*ret_name = smtp_keep(s, arg);
	return true;
}

static void drop_transaction(struct smtp_server *s)
{
	if (s->state & (IN_MAIL | IN_RCPT))
		smtp_push(s, (struct smtp_event){ .kind = SMTP_EVENT_RESET });
	smtp_forget(s);
}

/* The work of EHLO and HELO but the reply; false when it was refused. */
static bool hello(struct smtp_server *s, slice arg, bool extended)
{
	slice name;

	if (arg.len == 0 || !take_name(s, arg, &name)) {
		if (!s->config->lenient) {
			smtp_error(s, 501, "5.5.4", "Say your host name");
			return false;
		}
		smtp_note(s, DEPARTURE_HELLO_NAME);
		name = slice_lit("unknown");
	}
	if (s->state != IN_START)
		smtp_note(s, DEPARTURE_HELLO_AGAIN);
	drop_transaction(s);
	s->state = IN_READY;
	s->extended = extended;
	smtp_push(s, (struct smtp_event){ .kind = SMTP_EVENT_HELLO, .text = name,
	    .flags = extended ? SMTP_HELLO_EXTENDED : 0 });
	return true;
}

static void on_ehlo(struct smtp_server *s, slice arg)
{
	struct buffer text = buffer_init(s->heap, SMTP_REPLY_TEXT_MAX);
	struct smtp_reply reply = { .code = 250 };

	if (!hello(s, arg, true))
		return;
	buffer_add(&text, s->config->hostname);
	for (size_t i = 0; i < sizeof extensions / sizeof extensions[0]; i++) {
		if (extensions[i].offered != NULL && !extensions[i].offered(s))
			continue;
		buffer_printf(&text, "\n%s", extensions[i].keyword);
		if (extensions[i].print != NULL)
			extensions[i].print(s, &text);
	}
	reply.text = buffer_bytes(&text);
	smtp_reply_write(&reply, &s->out);
	buffer_free(&text);
}

static void on_helo(struct smtp_server *s, slice arg)
{
	struct smtp_reply reply = { .code = 250, .text = s->config->hostname };

	if (hello(s, arg, false))
		smtp_reply_write(&reply, &s->out);
}

/* ---- MAIL and RCPT ---- */

struct mail_parameters {
	uint64_t size;
	unsigned flags;
	unsigned seen;          /* bit a row */
};

static bool set_size(struct mail_parameters *p, slice value)
{
	return value.len <= 20 && slice_to_u64(value, UINT64_MAX, &p->size);
}

static bool set_body(struct mail_parameters *p, slice value)
{
	if (slice_equal_ascii(value, slice_lit("8BITMIME")))
		p->flags |= SMTP_BODY_8BITMIME;
	else if (!slice_equal_ascii(value, slice_lit("7BIT")))
		return false;
	return true;
}

static bool set_utf8(struct mail_parameters *p, slice value)
{
	p->flags |= SMTP_UTF8;
	return value.ptr == NULL;
}

/* RFC 4954 s5: must be taken where AUTH is offered; whom we trust to say who
 * sent a message is nobody, so it is not kept. */
static bool set_auth(struct mail_parameters *p, slice value)
{
	return value.len > 0;
}

static const struct {
	const char *name;
	bool (*set)(struct mail_parameters *p, slice value);    /* value.ptr NULL: none */
} parameters[] = {
	{ "SIZE", set_size }, { "BODY", set_body }, { "SMTPUTF8", set_utf8 }, { "AUTH", set_auth },
};

enum parameter_result { PARAMETER_OK, PARAMETER_UNKNOWN, PARAMETER_BAD };

static enum parameter_result take_parameter(struct mail_parameters *p, slice word)
{
	slice value = word, name = slice_cut(&value, '=');

	if (name.len == word.len)
		value = (slice){ 0 };
	for (size_t i = 0; i < sizeof parameters / sizeof parameters[0]; i++) {
		if (!slice_equal_ascii(name, slice_from(parameters[i].name)))
			continue;
		if (p->seen & (1u << i))
			return PARAMETER_BAD;
		p->seen |= 1u << i;
		return parameters[i].set(p, value) ? PARAMETER_OK : PARAMETER_BAD;
	}
	return PARAMETER_UNKNOWN;
}

/* Mail-parameters = esmtp-param *(SP esmtp-param) */
static bool take_parameters(struct smtp_server *s, slice rest, struct mail_parameters *p)
{
	while (rest.len > 0) {
		slice word = slice_cut(&rest, ' ');
		enum parameter_result result;

		if (word.len == 0)
			continue;
		result = take_parameter(p, word);
		if (result != PARAMETER_OK && s->config->lenient) {
			smtp_note(s, DEPARTURE_PARAMETER);
			continue;
		}
		if (result == PARAMETER_UNKNOWN)
			smtp_error(s, 555, "5.5.4", "Parameter is not known");
		else if (result == PARAMETER_BAD)
			smtp_error(s, 501, "5.5.4", "Parameter has a wrong value");
		if (result != PARAMETER_OK)
			return false;
	}
	return true;
}

/* "FROM:" or "TO:" off the front. */
static bool take_keyword(struct smtp_server *s, slice *arg, slice keyword)
{
	slice word = slice_head(keyword, keyword.len - 1), rest;

	if (slice_starts_ascii(*arg, keyword)) {
		rest = slice_drop(*arg, keyword.len);
		*arg = slice_trim(rest);
		if (arg->ptr != rest.ptr)
			smtp_note(s, DEPARTURE_PATH_BLANK);
		return true;
	}
	if (!s->config->lenient)
		return false;
	rest = *arg;
	if (slice_starts_ascii(rest, word))
		rest = slice_trim(slice_drop(rest, word.len));
	else if (!slice_starts(rest, slice_lit("<")))
		return false;
	if (slice_starts(rest, slice_lit(":"))) {
		smtp_note(s, DEPARTURE_PATH_BLANK);
		rest = slice_trim(slice_drop(rest, 1));
	} else {
		smtp_note(s, DEPARTURE_PATH_KEYWORD);
	}
	*arg = rest;
	return true;
}

/* "FROM:" or "TO:", then a path. Blanks after the colon and a path without
 * brackets are no grammar of RFC 5321, but what people type. */
static bool take_path(struct smtp_server *s, slice *arg, slice keyword, unsigned allow,
    const char *enhanced, struct address *ret)
{
	enum address_result result;
	char text[128];
	bool bare;

	if (!take_keyword(s, arg, keyword)) {
		snprintf(text, sizeof text, "Say %.*s<address>", slice_arg(keyword));
		smtp_error(s, 501, "5.5.4", text);
		return false;
	}
	bare = !slice_starts(*arg, slice_lit("<"));
	result = address_take_path(arg, allow | ADDRESS_ALLOW_UTF8 | ADDRESS_ALLOW_BARE, ret);
	if (result == ADDRESS_OK && arg->len > 0 && arg->ptr[0] != ' ')
		result = ADDRESS_SYNTAX;
	if (result == ADDRESS_OK) {
		if (bare)
			smtp_note(s, DEPARTURE_PATH_BRACKETS);
		return true;
	}
	smtp_note(s, DEPARTURE_PATH_SYNTAX);
	if (s->config->lenient && smtp_mend_path(s, *arg, ret)) {
		*arg = (slice){ 0 };
		return true;
	}
	snprintf(text, sizeof text, "Bad address: %s", address_fault(result));
	smtp_error(s, 501, enhanced, text);
	return false;
}

/* RFC 6531 s3.5: an address beyond ASCII needs the parameter of MAIL. */
static bool utf8_fits(struct smtp_server *s, const struct address *address, bool utf8)
{
	if (utf8 || slice_is_ascii(address->whole))
		return true;
	smtp_note(s, DEPARTURE_PATH_UTF8);
	if (s->config->lenient)
		return true;
	smtp_error(s, 553, "5.6.7", "This address needs SMTPUTF8");
	return false;
}

static void on_mail(struct smtp_server *s, slice arg)
{
	struct mail_parameters p = { 0 };
	struct address address;

	if (!take_path(s, &arg, slice_lit("FROM:"), ADDRESS_ALLOW_NULL, "5.1.7", &address) ||
	    !take_parameters(s, arg, &p) || !utf8_fits(s, &address, p.flags & SMTP_UTF8))
		return;
	if (p.size > s->config->message_size_max) {
		smtp_error(s, 552, "5.3.4", "Message is too large");
		return;
	}
	if (!slice_is_ascii(address.whole))
		p.flags |= SMTP_UTF8;
	if (s->state & (IN_MAIL | IN_RCPT))
		smtp_note(s, DEPARTURE_MAIL_NESTED);
	drop_transaction(s);
	s->utf8 = (p.flags & SMTP_UTF8) != 0;
	smtp_ask(s, (struct smtp_event){ .kind = SMTP_EVENT_MAIL, .size = p.size,
	    .flags = p.flags, .text = smtp_keep(s, address.whole) });
}

static void on_rcpt(struct smtp_server *s, slice arg)
{
	struct address address;

	if (!take_path(s, &arg, slice_lit("TO:"), ADDRESS_ALLOW_POSTMASTER, "5.1.3", &address) ||
	    !utf8_fits(s, &address, s->utf8))
		return;
	if (slice_trim(arg).len > 0)
		smtp_note(s, DEPARTURE_PARAMETER);
	if (slice_trim(arg).len > 0 && !s->config->lenient)
		smtp_error(s, 555, "5.5.4", "Parameter is not known");
	else if (s->recipients >= s->config->recipients_max)
		smtp_say(s, 452, "4.5.3", "Too many recipients");
	else
		smtp_ask(s, (struct smtp_event){ .kind = SMTP_EVENT_RCPT,
		    .text = smtp_keep(s, address.whole) });
}

/* RFC 5321 s4.1.1.4: 554 when no recipient was accepted, 503 when none was named. */
static void on_data(struct smtp_server *s, slice arg)
{
	if (s->state == IN_RCPT || (s->config->lenient && s->refused == 0))
		smtp_ask(s, (struct smtp_event){ .kind = SMTP_EVENT_DATA });
	else if (s->refused > 0)
		smtp_error(s, 554, "5.5.1", "No valid recipients");
	else
		smtp_error(s, 503, "5.5.1", "RCPT first");
}

/* ---- the rest ---- */

static void on_rset(struct smtp_server *s, slice arg)
{
	drop_transaction(s);
	smtp_say(s, 250, "2.0.0", "Ok");
}

static void on_noop(struct smtp_server *s, slice arg)
{
	smtp_say(s, 250, "2.0.0", "Ok");
}

static void on_quit(struct smtp_server *s, slice arg)
{
	smtp_say(s, 221, "2.0.0", "Bye");
	smtp_close(s);
}

/* RFC 5321 s7.3: who exists here is told at RCPT, to whoever sends. */
static void on_vrfy(struct smtp_server *s, slice arg)
{
	smtp_say(s, 252, "2.5.2", "Not verified; RCPT will tell");
}

static void on_expn(struct smtp_server *s, slice arg)
{
	smtp_error(s, 502, "5.5.1", "Lists are not expanded here");
}

static void on_starttls(struct smtp_server *s, slice arg)
{
	if (!s->config->starttls) {
		smtp_error(s, 502, "5.5.1", "STARTTLS is not offered here");
	} else if (s->secure) {
		smtp_error(s, 503, "5.5.1", "TLS is already active");
	} else {
		smtp_say(s, 220, "2.0.0", "Ready to start TLS");
		s->phase = PHASE_TLS;
		smtp_push(s, (struct smtp_event){ .kind = SMTP_EVENT_STARTTLS });
	}
}

/* A web client that was made to speak to us (cross-protocol attack): end it
 * before its body passes for commands. */
static void on_http(struct smtp_server *s, slice arg)
{
	smtp_say(s, 421, "4.7.0", "This is SMTP, not HTTP");
	smtp_close(s);
}

static void on_help(struct smtp_server *s, slice arg);

static const char hello_first[] = "EHLO first";
static const char mail_first[] = "MAIL first";
static const char busy[] = "A transaction is open: end it or say RSET";

static const struct smtp_verb verbs[] = {
	/* verb         legal in             more        flags                handler        where not */
	{ "EHLO",       IN_ANY,              0,          NEEDS_ARG,           on_ehlo,       NULL },
	{ "HELO",       IN_ANY,              0,          NEEDS_ARG,           on_helo,       NULL },
	{ "STARTTLS",   IN_START | IN_READY, 0,          NO_ARG,              on_starttls,   busy },
	{ "AUTH",       IN_READY,            IN_START,   NEEDS_ARG,           smtp_on_auth,  busy },
	{ "MAIL",       IN_READY,            IN_ANY,     MAILBOX_ARG,         on_mail,       busy },
	{ "RCPT",       IN_MAIL | IN_RCPT,   IN_ANY,     MAILBOX_ARG,         on_rcpt,       mail_first },
	{ "DATA",       IN_MAIL | IN_RCPT,   IN_ANY,     NO_ARG | NEEDS_AUTH, on_data,       mail_first },
	{ "RSET",       IN_ANY,              0,          NO_ARG,              on_rset,       NULL },
	{ "NOOP",       IN_ANY,              0,          0,                   on_noop,       NULL },
	{ "VRFY",       IN_ANY,              0,          MAILBOX_ARG,         on_vrfy,       NULL },
	{ "EXPN",       IN_ANY,              0,          NEEDS_ARG | HIDDEN,  on_expn,       NULL },
	{ "HELP",       IN_ANY,              0,          0,                   on_help,       NULL },
	{ "QUIT",       IN_ANY,              0,          NO_ARG,              on_quit,       NULL },
	{ "GET",        IN_ANY,              0,          HIDDEN,              on_http,       NULL },
	{ "POST",       IN_ANY,              0,          HIDDEN,              on_http,       NULL },
	{ "PUT",        IN_ANY,              0,          HIDDEN,              on_http,       NULL },
	{ "CONNECT",    IN_ANY,              0,          HIDDEN,              on_http,       NULL },
};

static void on_help(struct smtp_server *s, slice arg)
{
	char text[160] = "Commands:";
	size_t len = strlen(text);

	for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
		if (verbs[i].flags & HIDDEN)
			continue;
		len += (size_t)snprintf(text + len, sizeof text - len, " %s", verbs[i].name);
		check(len < sizeof text);
	}
	smtp_say(s, 214, "2.0.0", text);
}

static const struct smtp_verb *find_verb(slice name)
{
	for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
		if (slice_equal_ascii(name, slice_from(verbs[i].name)))
			return &verbs[i];
	}
	return NULL;
}

/* What may pass where we are lenient. */
static void note_faults(struct smtp_server *s, const struct smtp_verb *verb, slice arg)
{
	if (verb == NULL) {
		smtp_note(s, DEPARTURE_COMMAND_UNKNOWN);
		return;
	}
	if (!slice_is_ascii(arg) && !(verb->flags & EIGHT_BIT))
		smtp_note(s, DEPARTURE_COMMAND_8BIT);
	if ((verb->flags & NO_ARG) && arg.len > 0)
		smtp_note(s, DEPARTURE_COMMAND_ARGUMENT);
}

/* What was noted belongs to the transaction of its command, or to the session: to each
 * message from then on. */
static void settle_notes(struct smtp_server *s, const struct smtp_verb *verb)
{
	if ((s->state & (IN_MAIL | IN_RCPT)) || (verb != NULL && (verb->lenient & IN_MAIL)))
		s->in_transaction |= s->noted;
	else
		s->in_session |= s->noted;
	s->noted = 0;
}

void smtp_command(struct smtp_server *s, slice line)
{
	slice arg = slice_trim(line), name = slice_cut(&arg, ' ');
	const struct smtp_verb *verb = find_verb(name);
	bool lenient = s->config->lenient;

	arg = slice_trim(arg);
	note_faults(s, verb, arg);
	if (verb == NULL)
		smtp_error(s, 500, "5.5.2", "Command is not known");
	else if (!slice_is_ascii(arg) && !(verb->flags & EIGHT_BIT) && !lenient)
		smtp_error(s, 501, "5.5.2", "Octets over 127 in a command");
	else if ((verb->flags & NEEDS_AUTH) && s->config->auth_required && !s->authenticated)
		smtp_error(s, 530, "5.7.0", "Authentication required");
	else if (!((verb->legal | (lenient ? verb->lenient : 0)) & s->state))
		smtp_error(s, 503, "5.5.1", s->state == IN_START ? hello_first : verb->order);
	else if ((verb->flags & NO_ARG) && arg.len > 0 && !lenient)
		smtp_error(s, 501, "5.5.4", "This command takes no argument");
	else if ((verb->flags & NEEDS_ARG) && arg.len == 0 && !lenient)
		smtp_error(s, 501, "5.5.4", "This command needs an argument");
	else
		verb->handler(s, arg);
	settle_notes(s, verb);
}
