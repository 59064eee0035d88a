/* cli/mock.c - posthouse mock: a server for tests, which takes mail for anybody and sends
 * nothing. All roles in one process; in memory unless a folder is named.
 *
 * It is serve_run() with a configuration made of options and of the environment; what
 * differs in the roles hangs on its key `mock`. */
#include "cli/mock.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "os/tls.h"

enum { MOCK_WORDS = 64 * 1024 };        /* the configuration as text */

enum kind { ADDRESS, COUNT, AGE, MAILBOXES, FOLDER, YES };

/* An option goes before POSTHOUSE_*, that before the name that Mailpit gives it. */
static const struct row {
	const char *option, *ours, *mailpit;
	enum kind kind;
	const char *key, *preset;
	enum service service;           /* of an address */
} rows[] = {
	{ "--smtp", "POSTHOUSE_SMTP", "MP_SMTP_BIND_ADDR", ADDRESS, "listen.smtp",
	    "127.0.0.1:1025", SERVICE_SMTP },
	{ "--smtps", "POSTHOUSE_SMTPS", NULL, ADDRESS, "listen.submissions", "127.0.0.1:1465",
	    SERVICE_SUBMISSIONS },
	{ "--pop3", "POSTHOUSE_POP3", "MP_POP3_BIND_ADDR", ADDRESS, "listen.pop3",
	    "127.0.0.1:1110", SERVICE_POP3 },
	{ "--http", "POSTHOUSE_HTTP", "MP_UI_BIND_ADDR", ADDRESS, "listen.http",
	    "127.0.0.1:8025", SERVICE_HTTP },
	{ "--mailboxes", "POSTHOUSE_MAILBOXES", NULL, MAILBOXES, "mock.mailboxes", "one",
	    SERVICES },
	{ "--max-messages", "POSTHOUSE_MAX_MESSAGES", "MP_MAX_MESSAGES", COUNT, "mock.messages",
	    "500", SERVICES },
	{ "--max-age", "POSTHOUSE_MAX_AGE", "MP_MAX_AGE", AGE, "mock.age", "0", SERVICES },
	{ "--strict", "POSTHOUSE_STRICT", NULL, YES, "mock.strict", "no", SERVICES },
	{ "--data", "POSTHOUSE_DATA", "MP_DATABASE", FOLDER, "data", NULL, SERVICES },
};

enum { ROWS = sizeof rows / sizeof *rows };

/* ---- what is asked for ---- */

static const char *environment(const char *name)
{
	const char *value = name != NULL ? getenv(name) : NULL;

	return value != NULL && value[0] != 0 ? value : NULL;
}

/* What was given for a row, and where; the preset. */
static const char *given(const struct cli_args *args, const struct row *row,
    const char **ret_where)
{
	const char *value = row->kind == YES ? cli_flag(args, row->option) ? "yes" : NULL :
	    cli_value(args, row->option);

	*ret_where = row->option;
	if (value == NULL) {
		value = environment(row->ours);
		*ret_where = row->ours;
	}
	if (value == NULL) {
		value = environment(row->mailpit);
		*ret_where = row->mailpit;
	}
	return value != NULL ? value : row->preset;
}

/* ADDR:PORT; a port alone is on loopback, as is "localhost"; ":PORT" and "[::]:PORT" are all
 * addresses, as Mailpit has it. Of `arena`; empty: none of these. */
static slice address_of(struct arena *arena, const char *value)
{
	slice text = slice_from(value), local = slice_lit("localhost:"), all = slice_lit("[::]:");
	struct os_address address;
	uint64_t port;

	if (strcmp(value, "none") == 0)
		return text;
	if (slice_to_u64(text, UINT16_MAX, &port))
		return arena_printf(arena, "127.0.0.1:%s", value);
	if (slice_starts(text, local))
		text = arena_printf(arena, "127.0.0.1:%s", value + local.len);
	else if (slice_starts(text, all))
		text = slice_drop(text, all.len);
	else if (value[0] == ':')
		text = slice_drop(text, 1);
	if (slice_to_u64(text, UINT16_MAX, &port))
		return text;            /* the configuration's word for all addresses */
	return os_address_parse(text, &address) && address.path[0] == 0 ? text : (slice){ 0 };
}

/* "3d", "12h", "90m", "45s"; "0" is for ever. */
static bool is_age(slice text)
{
	uint64_t number;

	if (text.len > 1 && strchr("smhd", text.ptr[text.len - 1]) != NULL)
		text = slice_head(text, text.len - 1);
	else if (!slice_equal(text, slice_lit("0")))
		return false;
	return slice_to_u64(text, UINT32_MAX, &number);
}

static bool is_one_of(const char *value, const char *a, const char *b, const char *c)
{
	return strcmp(value, a) == 0 || strcmp(value, b) == 0 || strcmp(value, c) == 0;
}

/* What the configuration says for it. Empty: it makes no sense. */
static slice judge(const struct row *row, struct arena *arena, const char *value)
{
	slice text = slice_from(value);
	uint64_t number;
	bool good = true;

	switch (row->kind) {
	case ADDRESS:
		return address_of(arena, value);
	case COUNT:
		good = slice_to_u64(text, ACCOUNT_MESSAGES_MAX, &number);
		break;
	case AGE:
		good = is_age(text);
		break;
	case MAILBOXES:
		good = strcmp(value, "one") == 0 || strcmp(value, "login") == 0;
		break;
	case FOLDER:
		good = strstr(value, "://") == NULL && strpbrk(value, "#\n") == NULL;
		break;
	case YES:
		if (is_one_of(value, "yes", "true", "1"))
			return slice_lit("yes");
		return is_one_of(value, "no", "false", "0") ? slice_lit("no") : (slice){ 0 };
	}
	return good ? text : (slice){ 0 };
}

static const char *wanted(enum kind kind)
{
	static const char *const words[] = {
		[ADDRESS] = "an address with a port, 127.0.0.1:1025, a port alone, or none",
		[COUNT] = "a number of messages, or 0 for all",
		[AGE] = "a time, 3d or 12h",
		[MAILBOXES] = "one, or login",
		[FOLDER] = "a folder",
		[YES] = "yes or no",
	};

	return words[kind];
}

/* The configuration, of `arena`; *ret_memory: without a data folder. NULL after a line. */
static const char *configure(const struct cli_args *args, struct arena *arena, bool *ret_memory)
{
	struct buffer text = buffer_init(arena->heap, MOCK_WORDS);
	const char *result;

	buffer_add(&text, slice_lit("hostname = mock.localhost\ndomains = mock.localhost\n"
	    "mock = yes\nrelay = no\nuser = none\nedges = 1\nstores = 1\n"
	    "listen.submission = none\nlisten.pop3s = none\n"
	    "limit.trusted = 0.0.0.0/0, ::/0\nlimit.sessions_per_address = 20000\n"
	    "smtp.greeting_delay = 0\ndrain.timeout = 0\n"
	    "journal.size = 16M\njournal.segment = 4M\n"));
	for (const struct row *row = rows; row < rows + ROWS; row++) {
		const char *where, *value = given(args, row, &where);
		slice judged = value != NULL ? judge(row, arena, value) : slice_lit("memory");

		if (judged.len == 0) {
			cli_misuse("mock: %s wants %s, not \"%s\"", where, wanted(row->kind), value);
			buffer_free(&text);
			return NULL;
		}
		if (row->kind == FOLDER)
			*ret_memory = value == NULL;
		buffer_add(&text, slice_from(row->key));
		buffer_add(&text, slice_lit(" = "));
		buffer_add(&text, judged);
		buffer_add(&text, slice_lit("\n"));
	}
	/* Nobody could read it, and it would grow. */
	if (*ret_memory)
		buffer_add(&text, slice_lit("journey = no\n"));
	result = slice_cstr(arena, buffer_bytes(&text));
	buffer_free(&text);
	return result;
}

/* ---- in memory ---- */

bool mock_prepare(struct serve *s, unsigned char ret_seal_key[SEAL_KEY_SIZE])
{
	static const char *const folders[] = { "empty", "directory", "journal", "account",
		"queue" };
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

const char *mock_instead(struct arena *arena, enum service service, int error)
{
	const char *why = error == -EADDRINUSE ? "is another mock running? " : "";

	for (const struct row *row = rows; row < rows + ROWS; row++) {
		if (row->kind == ADDRESS && row->service == service)
			return (const char *)arena_printf(arena, "; %s%s 127.0.0.1:0 takes a "
			    "free port, %s none does without (or set %s)", why, row->option,
			    row->option, row->ours).ptr;
	}
	return "";
}

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
		printf("  curl pop3://%s/1 --user alice:secret\n", text[SERVICE_POP3]);
	if (text[SERVICE_HTTP][0] != 0)
		printf("  curl http://%s/api/v1/messages\n", text[SERVICE_HTTP]);
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

	serve.preset = configure(args, &words, &serve.memory);
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
	    "over HTTP and POP3, and none leaves. It is in memory unless --data names a folder. What the\n"
	    "options say can also be set in the environment, as POSTHOUSE_SMTP for --smtp,\n"
	    "POSTHOUSE_MAX_MESSAGES for --max-messages; and by Mailpit's names, where it has\n"
	    "one: MP_SMTP_BIND_ADDR, MP_POP3_BIND_ADDR, MP_UI_BIND_ADDR, MP_MAX_MESSAGES,\n"
	    "MP_MAX_AGE and MP_DATABASE (here a folder). Port 0 is any free one; \"none\" closes a service.\n",
	.options = {
		{ "--smtp", "ADDR:PORT", "SMTP, in the clear or STARTTLS: 127.0.0.1:1025." },
		{ "--smtps", "ADDR:PORT", "SMTP under TLS from the first byte: 127.0.0.1:1465." },
		{ "--pop3", "ADDR:PORT", "POP3: 127.0.0.1:1110." },
		{ "--http", "ADDR:PORT", "The API, /livez, /readyz and /metrics: 127.0.0.1:8025." },
		{ "--mailboxes", "WHICH", "one: all mail in one mailbox; login: what is sent with "
		    "a login\n                         is in a mailbox of that name, made at first "
		    "use." },
		{ "--max-messages", "N", "So many are kept of each mailbox, the oldest go: 500; 0: "
		    "all." },
		{ "--max-age", "TIME", "Older ones go: 3d, 12h; 0: none (the default)." },
		{ "--strict", NULL, "Refuse what a real server refuses." },
		{ "--data", "DIR", "Keep mail in this folder, over the end." },
		{ "--json", NULL, "Say where it listens as one line of JSON." },
		{ "--set", "KEY=VALUE", "Set a key of posthouse.conf; may be repeated." },
	},
	.run = run,
};
