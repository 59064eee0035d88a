/* cli/send.c - posthouse send: writes one message and hands it to a server. */
#include "cli/send.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/post_report.h"
#include "os/os_uv.h"

/* Beside CLI_OK, CLI_FAILED (nobody has it) and EX_TEMPFAIL (try again). */
enum { SEND_TO_SOME = 3 };

static int compose(struct send *s)
{
	char first[14], second[14];
	const char *where;
	enum compose_result result;

	text_from_u64(os_random_u64(s->os), first);
	text_from_u64(os_random_u64(s->os), second);
	s->message.unique = arena_printf(&s->arena, "%s%s", first, second);
	s->message.wall_us = os_wall_us(s->os);
	s->text = buffer_init(os_heap(s->os), COMPOSE_MESSAGE_MAX);
	result = compose_write(&s->message, &s->text, &where);
	if (result == COMPOSE_OK)
		return CLI_OK;
	return cli_fail("send: %s %s%s", where, compose_fault(result), result != COMPOSE_UTF8 ? "" :
	    "; convert it with iconv, or attach it");
}

/* The last line, and what the caller is to think. */
static int report(const struct post *p)
{
	int status = post_report(p, "--login USER, with --server at port 587 or 465");

	if (p->outcome == POST_TAKEN)
		printf("%u %s\n", p->code, p->words);
	if (!cli_printed() && status == EX_OK)
		return EX_IOERR;
	if (status == EX_OK)
		return CLI_OK;
	if (p->n_taken > 0)
		return SEND_TO_SOME;
	return status == EX_TEMPFAIL ? EX_TEMPFAIL : CLI_FAILED;
}

static int post(struct send *s, bool verbose)
{
	slice *addresses = arena_new(&s->arena, slice, s->envelope.n);
	struct post p = { .os = s->os, .command = "send", .server = &s->server, .from = s->from,
		.login = s->login, .secret = slice_from(s->secret), .addresses = addresses,
		.n_recipients = s->envelope.n, .parts = { buffer_bytes(&s->text) },
		.has_options = true, .verbose = verbose };
	int status;

	for (size_t i = 0; i < s->envelope.n; i++)
		addresses[i] = s->envelope.items[i].address;
	p.hostname = post_hostname(&s->arena);
	post_run(&p);
	status = report(&p);
	post_finish(&p);
	return status;
}

static int run(const struct cli_args *args)
{
	const struct os_uv_options options = { .name = "send", .log_from = OS_ERROR };
	struct send s = { .os = os_uv_create(&options) };
	int status;

	s.arena = arena_init(os_heap(s.os), COMPOSE_MESSAGE_MAX);
	status = send_plan_read(&s, args);
	if (status == CLI_OK)
		status = compose(&s);
	if (status == CLI_OK)
		status = post(&s, cli_flag(args, "--verbose") || cli_flag(args, "-v"));
	explicit_bzero(s.secret, sizeof s.secret);
	post_server_finish(&s.server);
	os_uv_destroy(s.os);
	return status;
}

const struct cli_command cli_send = {
	.name = "send",
	.words = "",
	.summary = "write a message and hand it to a server",
	.details =
	    "The text comes from --body, --body-file or standard input. --to, --cc, --bcc and\n"
	    "--attach may be repeated; addresses may have commas between them and names before\n"
	    "them: \"Alice <alice@example.org>\". A first message to the server of\n"
	    "`posthouse demo`, with the port that it prints:\n"
	    "    echo 'Hi Alice.' | posthouse send --server 127.0.0.1:PORT \\\n"
	    "        --from bob@alice.example --to alice@alice.example --subject hello -v\n"
	    "TLS is used when the server offers it. The certificate is judged by --ca, or by\n"
	    "what the system trusts; that of a server on loopback only by --ca. The password is\n"
	    "the first line of --password-file, or POSTHOUSE_PASSWORD in the environment, or\n"
	    "asked at the terminal; it is sent under TLS, or on loopback.\n"
	    "It prints the server's last reply, and a line for each recipient that was refused.\n"
	    "Recipients go to the server a hundred at a time, and whom it refuses for there being\n"
	    "too many (452) once more with the next. Exit status: 0 everybody has it; 1 nobody;\n"
	    "2 wrong usage; 3 some have it, the lines say who doesn't: don't send it again to\n"
	    "all; 74 everybody, but that could not be printed; 75 nobody, but later it may work,\n"
	    "or there was no word that could be read after the message, which may or may not\n"
	    "have been taken.\n",
	.options = {
		{ "--from", "ADDRESS", "The sender (the login, if that is an address)." },
		{ "--to", "ADDRESSES", "Recipients." },
		{ "--cc", "ADDRESSES", "Recipients of a copy." },
		{ "--bcc", "ADDRESSES", "Recipients that the others don't see." },
		{ "--subject", "TEXT", "The subject." },
		{ "--body", "TEXT", "The text." },
		{ "--body-file", "FILE", "The file with the text." },
		{ "--attach", "FILE", "A file to go with it." },
		{ "--server", "ADDR:PORT", "The server, also by name (127.0.0.1:25)." },
		{ "--tls", "HOW", "none, starttls (if offered), required, implicit (starttls; "
		    "implicit on port 465)." },
		{ "--ca", "FILE", "Certificates, in PEM, that the server's must lead to." },
		{ "--insecure", NULL, "Take any certificate." },
		{ "--login", "USER", "Log in first." },
		{ "--password-file", "FILE", "Its first line is the password." },
		{ "--verbose", NULL, "Show the dialogue as it happens; passwords as ********." },
		{ "-v", NULL, "The same." },
	},
	.run = run,
};
