/* cli/send.c - posthouse send: writes one message and hands it to a server. */
#include "cli/send.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "cli/commands.h"
#include "os/os_uv.h"

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

static void on_refused(struct post *p, size_t index, unsigned code, const char *words)
{
	char shown[400];

	cli_fail("send: <%s> was refused: %u %s", text_printable(p->recipients[index], shown,
	    sizeof shown), code, words);
}

/* The last line. When each recipient was refused, all was said. */
static int report(const struct post *p)
{
	bool untrusted = p->server->judged &&
	    slice_starts(slice_from(p->words), slice_lit("TLS: "));
	char code[16] = "";

	if (p->code != 0)
		snprintf(code, sizeof code, "%u ", p->code);
	switch (p->outcome) {
	case POST_TAKEN:
		printf("%s%s\n", code, p->words);
		return p->n_refused == 0 ? CLI_OK : CLI_FAILED;
	case POST_REFUSED:
		if (p->n_refused == p->n_recipients)
			return CLI_FAILED;
		break;
	case POST_UNSURE:
		return cli_fail("send: %s may have the message or not: %s", p->server->shown,
		    p->words);
	case POST_UNREACHED:
		break;
	}
	return cli_fail("send: %s: %s%s%s", p->server->shown, code, p->words, untrusted ?
	    "; --ca FILE says whom to trust, --insecure trusts all" : "");
}

static int post(struct send *s, bool verbose)
{
	slice *recipients = arena_new(&s->arena, slice, s->envelope.n);
	struct post p = { .os = s->os, .server = &s->server, .from = s->from, .login = s->login,
		.secret = slice_from(s->secret), .recipients = recipients,
		.n_recipients = s->envelope.n, .parts = { buffer_bytes(&s->text) },
		.verbose = verbose, .refused = on_refused };

	for (size_t i = 0; i < s->envelope.n; i++)
		recipients[i] = s->envelope.items[i].address;
	p.hostname = post_hostname(&s->arena);
	post_run(&p);
	return report(&p);
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
	    "It prints the server's last reply, and a line for each recipient that was refused,\n"
	    "and exits with 0 only when every recipient was accepted.\n",
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
