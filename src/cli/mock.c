/* cli/mock.c - posthouse mock: a server for tests, which takes mail for anybody and sends
 * nothing. All roles in one process; in memory unless a folder is named.
 *
 * It is serve_run() with a configuration made of options and of the environment; what
 * differs in the roles hangs on its key `mock`. */
#include "cli/mock.h"

#include <stdio.h>

#include "cli/commands.h"
#include "os/tls.h"

/* ---- in memory ---- */

bool mock_prepare(struct serve *s, unsigned char ret_seal_key[SEAL_KEY_SIZE])
{
	static const char *const folders[] = { "empty", "directory", "journal", "account",
		"queue", "journey" };
	struct buffer chain = buffer_init(s->arena.heap, PEM_MAX);
	struct buffer key = buffer_init(s->arena.heap, PEM_MAX);
	bool ok = tls_self_signed(s->setting.config->hostname, &chain, &key);

	s->data.path = "memory";
	for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
		ok = ok && os_mkdir(s->os, OS_ROOT, folders[i]) == 0;
	os_random(s->os, ret_seal_key, SEAL_KEY_SIZE);
	s->certificate = (struct certificate){ .chain = slice_copy(&s->arena, buffer_bytes(&chain)),
	    .key = slice_copy(&s->arena, buffer_bytes(&key)) };
	buffer_free(&chain);
	buffer_free(&key);
	if (!ok)
		complain(&s->to, "mock: no memory for a certificate and for files");
	return ok;
}

/* ---- words ---- */

static void print_kept(const struct serve *s)
{
	const struct config *config = s->setting.config;

	printf("  mail       %s%s", s->memory ? "in memory, gone at the end" : "in ",
	    s->memory ? "" : s->data.path);
	if (config->mock_messages > 0)
		printf("; the newest %u are kept", config->mock_messages);
	if (config->mock_age_s > 0)
		printf("; for %u seconds", config->mock_age_s);
	printf("\n");
}

static void announce_words(struct serve *s)
{
	static const struct {
		enum service service;
		const char *words, *means;
	} shown[] = {
		{ SERVICE_SMTP, "SMTP", "in the clear or STARTTLS; any login, or none" },
		{ SERVICE_SUBMISSIONS, "SMTP", "TLS from the first byte" },
		{ SERVICE_POP3, "POP3", "any login, any password" },
		{ SERVICE_IMAP, "IMAP", "any login, any password" },
		{ SERVICE_HTTP, "HTTP", "the API, as Mailpit has it; /readyz and /metrics" },
	};
	char text[SERVICES][OS_ADDRESS_TEXT] = { "" };

	printf("A mock mail server: it takes mail for anybody, and sends nothing.\n\n");
	for (size_t i = 0; i < sizeof shown / sizeof *shown; i++) {
		enum service service = shown[i].service;

		if (s->bound[service].port == 0)
			continue;
		os_address_print(&s->bound[service], text[service], OS_ADDRESS_TEXT);
		printf("  %-10s %-18s %s\n", shown[i].words, text[service], shown[i].means);
	}
	print_kept(s);
	printf("\nWhat to try next:\n");
	if (text[SERVICE_SMTP][0] != 0)
		printf("  %s send --server %s --from bob@bob.example --to alice@alice.example -v\n",
		    cli_program(), text[SERVICE_SMTP]);
	if (text[SERVICE_POP3][0] != 0)
		printf("  curl pop3://%s/1 --user mock:any\n", text[SERVICE_POP3]);
	if (s->setting.config->mock_mailboxes == CONFIG_MAILBOXES_LOGIN)
		printf("Mail that is sent with a login is in the mailbox of that name, and what names "
		    "one in its field\nX-Posthouse-Mailbox is in that; what comes without one in "
		    "\"mock\".\n");
	if (text[SERVICE_HTTP][0] != 0)
		printf("  http://%s/ in a browser, or curl http://%s/api/v1/messages\n",
		    text[SERVICE_HTTP], text[SERVICE_HTTP]);
	printf("Ctrl-C ends it.\n");
}

static void on_ready(struct serve *s)
{
	if (s->json)
		return;                 /* serve_announce() said it */
	announce_words(s);
	fflush(stdout);
}

static int run(const struct cli_args *args)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct arena words = arena_init(heap, MOCK_WORDS + 16 * 1024);
	struct serve serve = { .args = args, .mock = true, .one_process = true,
	    .json = cli_flag(args, "--json"), .ready = on_ready };
	int status = CLI_USAGE;

	serve.preset = mock_configure(args, &words, &serve.memory);
	if (serve.preset != NULL)
		status = serve_run(&serve);
	heap_drop(heap);
	return status;
}

const struct cli_command cli_mock = {
	.name = "mock",
	.words = "",
	.summary = "a mail server for tests: takes mail for anybody, sends nothing",
	.details =
	    "Any recipient, any login and any password will do; all mail is kept, to be read\n"
	    "over HTTP, IMAP and POP3, and none leaves. It is in memory unless --data names a folder. All\n"
	    "options but --json and --set can also be set in the environment, POSTHOUSE_SMTP for --smtp,\n"
	    "POSTHOUSE_MAX_MESSAGES for --max-messages; and by Mailpit's names, where it has\n"
	    "one: MP_SMTP_BIND_ADDR, MP_POP3_BIND_ADDR, MP_UI_BIND_ADDR, MP_MAX_MESSAGES,\n"
	    "MP_MAX_AGE, MP_API_CORS, MP_UI_AUTH, MP_UI_AUTH_FILE, MP_SEND_API_AUTH, ..._FILE and\n"
	    "..._ACCEPT_ANY, MP_WEBROOT, MP_DISABLE_HTTP_COMPRESSION and MP_DATABASE (here a folder). Port 0 is any free one; \"none\" closes a service.\n"
	    "Ctrl-C ends it, and SIGHUP, unless it was started by nohup.\n",
	.options = {
		{ "--smtp", "ADDR:PORT", "SMTP, in the clear or STARTTLS: 127.0.0.1:1025." },
		{ "--smtps", "ADDR:PORT", "SMTP under TLS from the first byte: 127.0.0.1:1465." },
		{ "--pop3", "ADDR:PORT", "POP3: 127.0.0.1:1110." },
		{ "--imap", "ADDR:PORT", "IMAP, in the clear or STARTTLS: 127.0.0.1:1143." },
		{ "--http", "ADDR:PORT", "The page, the API, /livez, /readyz and /metrics: 127.0.0.1:8025." },
		{ "--mailboxes", "WHICH", "one: all mail in one mailbox; login: what is sent with "
		    "a login\n                         is in a mailbox of that name, made at first "
		    "use; so is a\n                         message that names one in its field "
		    "X-Posthouse-Mailbox,\n                         which goes before the login." },
		{ "--max-messages", "N", "So many are kept of each mailbox, the oldest go: 500; 0: "
		    "all." },
		{ "--max-age", "TIME", "Older ones go: 3d, 12h; 0: none (the default)." },
		{ "--strict", NULL, "Refuse what a real server refuses." },
		{ "--hosts", "NAMES", "Names that its HTTP may be asked by, beside localhost: a page of a\n"
		    "                         stranger whose name means this host is refused. *: any." },
		{ "--api-cors", "ORIGINS", "Other pages that may use the API: http://app.example:3000; "
		    "*: all." },
		{ "--ui-auth", "USERS", "Who may ask over HTTP: user:password, or as htpasswd writes\n"
		    "                         it, blanks between. Better in the environment, or in a file:" },
		{ "--ui-auth-file", "FILE", "The same, a user a line." },
		{ "--send-api-auth", "USERS", "The same for POST /api/v1/send alone." },
		{ "--send-api-auth-file", "FILE", "The same, a user a line." },
		{ "--send-api-auth-accept-any", NULL, "Anybody may POST /api/v1/send." },
		{ "--webroot", "PATH", "All of HTTP is below this path: /mail/." },
		{ "--disable-http-compression", NULL, "Answer without gzip." },
		{ "--data", "DIR", "Keep mail, marks and tags in this folder, over the end." },
		{ "--json", NULL, "Say where it listens as one line of JSON." },
		{ "--set", "KEY=VALUE", "Set a key of posthouse.conf; may be repeated." },
	},
	.run = run,
};
