/* cli/mock_options.c - what posthouse mock was asked for, in options and in the environment,
 * as a configuration. */
#include "cli/mock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "http/credentials.h"

enum kind { ADDRESS, COUNT, AGE, MAILBOXES, FOLDER, YES, NO, NAMES, ROWS, ROWS_FILE, ROOT };

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
	{ "--imap", "POSTHOUSE_IMAP", NULL, ADDRESS, "listen.imap", "127.0.0.1:1143",
	    SERVICE_IMAP },
	{ "--http", "POSTHOUSE_HTTP", "MP_UI_BIND_ADDR", ADDRESS, "listen.http",
	    "127.0.0.1:8025", SERVICE_HTTP },
	{ "--mailboxes", "POSTHOUSE_MAILBOXES", NULL, MAILBOXES, "mock.mailboxes", "one",
	    SERVICES },
	{ "--max-messages", "POSTHOUSE_MAX_MESSAGES", "MP_MAX_MESSAGES", COUNT, "mock.messages",
	    "500", SERVICES },
	{ "--max-age", "POSTHOUSE_MAX_AGE", "MP_MAX_AGE", AGE, "mock.age", "0", SERVICES },
	{ "--strict", "POSTHOUSE_STRICT", NULL, YES, "mock.strict", "no", SERVICES },
	{ "--hosts", "POSTHOUSE_HOSTS", NULL, NAMES, "mock.hosts", "none", SERVICES },
	{ "--api-cors", "POSTHOUSE_API_CORS", "MP_API_CORS", NAMES, "mock.origins", "none",
	    SERVICES },
	{ "--ui-auth", "POSTHOUSE_UI_AUTH", "MP_UI_AUTH", ROWS, "mock.auth", "none", SERVICES },
	{ "--ui-auth-file", "POSTHOUSE_UI_AUTH_FILE", "MP_UI_AUTH_FILE", ROWS_FILE, "mock.auth",
	    "none", SERVICES },
	{ "--send-api-auth", "POSTHOUSE_SEND_API_AUTH", "MP_SEND_API_AUTH", ROWS,
	    "mock.send_auth", "none", SERVICES },
	{ "--send-api-auth-file", "POSTHOUSE_SEND_API_AUTH_FILE", "MP_SEND_API_AUTH_FILE",
	    ROWS_FILE, "mock.send_auth", "none", SERVICES },
	{ "--send-api-auth-accept-any", "POSTHOUSE_SEND_API_AUTH_ACCEPT_ANY",
	    "MP_SEND_API_AUTH_ACCEPT_ANY", YES, "mock.send_any", "no", SERVICES },
	{ "--webroot", "POSTHOUSE_WEBROOT", "MP_WEBROOT", ROOT, "mock.webroot", "/", SERVICES },
	{ "--disable-http-compression", "POSTHOUSE_DISABLE_HTTP_COMPRESSION",
	    "MP_DISABLE_HTTP_COMPRESSION", NO, "mock.compression", "no", SERVICES },
	{ "--data", "POSTHOUSE_DATA", "MP_DATABASE", FOLDER, "data", NULL, SERVICES },
};

enum { N_ROWS = sizeof rows / sizeof *rows };

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
	bool flag = row->kind == YES || row->kind == NO;
	const char *value = flag ? cli_flag(args, row->option) ? "yes" : NULL :
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
	static const struct {
		char unit;
		unsigned seconds;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 24 * 3600 } };
	uint64_t number;

	for (size_t i = 0; text.len > 1 && i < sizeof units / sizeof *units; i++) {
		if (text.ptr[text.len - 1] == units[i].unit)
			return slice_to_u64(slice_head(text, text.len - 1),
			    MOCK_AGE_MAX_S / units[i].seconds, &number);
	}
	return slice_equal(text, slice_lit("0"));
}

static bool is_one_of(const char *value, const char *a, const char *b, const char *c)
{
	return strcmp(value, a) == 0 || strcmp(value, b) == 0 || strcmp(value, c) == 0;
}

/* Words that are written as they are, in one line. */
static bool is_plain(slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] < ' ' || text.ptr[i] == '#')
			return false;
	}
	return text.len > 0;
}

/* Below which all of HTTP is: parts of letters, digits and "-._~". */
static bool is_root(slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = ascii_lower(text.ptr[i]);

		if ((c < 'a' || c > 'z') && (c < '0' || c > '9') && (c == 0 ||
		    strchr("/-._~", c) == NULL))
			return false;
	}
	return text.len > 0 && slice_find(text, slice_lit("..")) == text.len;
}

/* Who may log in, as one line. Empty: these are no rows. */
static slice rows_of(struct arena *arena, slice text)
{
	unsigned char *line;

	if (slice_equal(text, slice_lit("none")))
		return text;
	if (text.len > CONFIG_VALUE_MAX || !credentials_are_rows(text))
		return (slice){ 0 };
	line = (unsigned char *)(uintptr_t)slice_cstr(arena, text);
	for (size_t i = 0; i < text.len; i++)
		line[i] = line[i] == '\n' || line[i] == '\r' || line[i] == '\t' ? ' ' : line[i];
	text = slice_trim(slice_of(line, text.len));
	return is_plain(text) ? text : (slice){ 0 };
}

static slice rows_in(struct arena *arena, const char *path)
{
	char text[CONFIG_VALUE_MAX + 2];
	FILE *file;
	size_t n;

	if (strcmp(path, "none") == 0)
		return slice_from(path);
	file = fopen(path, "re");
	if (file == NULL)
		return (slice){ 0 };
	n = fread(text, 1, sizeof text - 1, file);
	fclose(file);
	return memchr(text, 0, n) == NULL ? rows_of(arena, slice_of(text, n)) : (slice){ 0 };
}

/* What the configuration says for it. Empty: it makes no sense. */
static slice judge(const struct row *row, struct arena *arena, const char *value)
{
	slice text = slice_from(value);
	bool good = text.len <= CONFIG_VALUE_MAX;
	uint64_t number;

	if (!good)
		return (slice){ 0 };

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
	case NAMES:
		good = is_plain(text);
		break;
	case ROOT:
		good = is_root(text);
		break;
	case ROWS:
		return rows_of(arena, text);
	case ROWS_FILE:
		return rows_in(arena, value);
	case YES:
	case NO:
		if (is_one_of(value, "yes", "true", "1"))
			return row->kind == YES ? slice_lit("yes") : slice_lit("no");
		if (!is_one_of(value, "no", "false", "0"))
			return (slice){ 0 };
		return row->kind == YES ? slice_lit("no") : slice_lit("yes");
	}
	return good ? text : (slice){ 0 };
}

/* Says so, in a line. */
static void refuse(const struct row *row, const char *where, const char *value)
{
	static const char *const words[] = {
		[ADDRESS] = "an address with a port, 127.0.0.1:1025, a port alone, or none",
		[COUNT] = "a number of messages",
		[AGE] = "a time, 3d or 12h",
		[MAILBOXES] = "one, or login",
		[FOLDER] = "a folder",
		[YES] = "yes or no",
		[NO] = "yes or no",
		[NAMES] = "names, with commas between",
		[ROWS] = "user:password, blanks between, none with #",
		[ROWS_FILE] = "a file with user:password a line, as htpasswd writes it",
		[ROOT] = "a path, /mail/, of letters, digits and -._~",
	};
	char shown[64], most[48] = "";

	/* A password is not said again. */
	if (row->kind == ROWS) {
		cli_misuse("mock: %s wants %s, at most %d bytes", where, words[row->kind],
		    CONFIG_VALUE_MAX);
		return;
	}
	if (strlen(value) > CONFIG_VALUE_MAX)
		snprintf(most, sizeof most, ", at most %d bytes", CONFIG_VALUE_MAX);
	else if (row->kind == COUNT)
		snprintf(most, sizeof most, ", at most %d, or 0 for all", ACCOUNT_MESSAGES_MAX);
	else if (row->kind == AGE)
		snprintf(most, sizeof most, ", at most %dd, or 0 for ever",
		    MOCK_AGE_MAX_S / (24 * 3600));
	cli_misuse("mock: %s wants %s%s, not \"%s\"", where, words[row->kind], most,
	    text_printable(slice_from(value), shown, sizeof shown));
}

/* ---- what would do nothing ---- */

/* Keys that --set could set, in vain; with a dot at its end, all below it. */
static const struct {
	const char *key;
	bool memory;                    /* only without a folder */
	const char *why;
} useless[] = {
	{ "data", true, "without --data; name the folder with --data" },
	{ "tls.", true, "without --data: in memory the certificate is made anew at each start" },
	{ "relay.", false, "in a mock: it sends nothing" },
	{ "dns.", false, "in a mock: it sends nothing, and asks for no names" },
};

static bool is_below(slice key, const char *name)
{
	slice row = slice_from(name);

	return slice_ends(row, slice_lit(".")) ? slice_starts(key, row) : slice_equal(key, row);
}

/* False after a line. */
static bool judge_set(const struct cli_args *args, bool memory)
{
	const char *pair;
	char shown[64];

	for (size_t i = 0; (pair = cli_value_at(args, "--set", i)) != NULL; i++) {
		slice rest = slice_from(pair), key = slice_trim(slice_cut(&rest, '='));

		for (size_t j = 0; j < sizeof useless / sizeof *useless; j++) {
			if (!is_below(key, useless[j].key) || (useless[j].memory && !memory))
				continue;
			cli_misuse("mock: --set %s does nothing %s", text_printable(key, shown,
			    sizeof shown), useless[j].why);
			return false;
		}
	}
	return true;
}

/* Whether anybody could reach it; else false after a line. */
static bool judge_listeners(const struct cli_args *args)
{
	const char *where, *pair;

	for (const struct row *row = rows; row < rows + N_ROWS; row++) {
		if (row->kind == ADDRESS && strcmp(given(args, row, &where), "none") != 0)
			return true;
	}
	for (size_t i = 0; (pair = cli_value_at(args, "--set", i)) != NULL; i++) {
		if (slice_starts(slice_trim(slice_from(pair)), slice_lit("listen.")))
			return true;
	}
	cli_misuse("mock: it would listen nowhere; leave --smtp, --smtps, --pop3, --imap or --http "
	    "an address (127.0.0.1:0 takes a free port)");
	return false;
}

/* ---- the configuration ---- */

static bool is_given(const struct cli_args *args, const struct row *row)
{
	const char *where;

	return given(args, row, &where) != row->preset;
}

/* A list and the file with it are two rows of one key: the one that was given says it. */
static bool is_said_by_other(const struct cli_args *args, const struct row *row)
{
	if (row->kind == ROWS)
		return !is_given(args, row) && is_given(args, row + 1);
	return row->kind == ROWS_FILE && !is_given(args, row);
}

/* What can't both be meant. False after a line. */
static bool judge_logins(const struct cli_args *args)
{
	bool sends = false, any = false;
	const char *where;

	for (const struct row *row = rows; row < rows + N_ROWS; row++) {
		if (row->kind == ROWS && is_given(args, row) && is_given(args, row + 1)) {
			cli_misuse("mock: %s and %s (or %s and %s) say the same: leave one",
			    row->option, row[1].option, row->ours, row[1].ours);
			return false;
		}
		sends = sends || (strcmp(row->key, "mock.send_auth") == 0 && is_given(args, row));
		any = any || (strcmp(row->key, "mock.send_any") == 0 && is_given(args, row) &&
		    is_one_of(given(args, row, &where), "yes", "true", "1"));
	}
	if (sends && any)
		cli_misuse("mock: with --send-api-auth-accept-any nobody is asked for a password of "
		    "--send-api-auth: leave one");
	return !(sends && any);
}

const char *mock_configure(const struct cli_args *args, struct arena *arena,
    bool *ret_memory)
{
	struct buffer text = buffer_init(arena->heap, MOCK_WORDS);
	const char *result = NULL;

	buffer_add(&text, slice_lit("hostname = mock.localhost\ndomains = mock.localhost\n"
	    "mock = yes\nrelay = no\nuser = none\nedges = 1\nstores = 1\n"
	    "listen.submission = none\nlisten.pop3s = none\nlisten.imaps = none\n"
	    "limit.trusted = 0.0.0.0/0, ::/0\nlimit.sessions_per_address = 20000\n"
	    "smtp.greeting_delay = 0\ndrain.timeout = 0\n"
	    "journal.size = 16M\njournal.segment = 4M\n"));
	for (const struct row *row = rows; row < rows + N_ROWS; row++) {
		const char *where, *value = given(args, row, &where);
		slice judged = value != NULL ? judge(row, arena, value) : slice_lit("memory");

		if (is_said_by_other(args, row))
			continue;
		if (judged.len == 0) {
			refuse(row, where, value);
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
	if (*ret_memory)
		buffer_add(&text, slice_lit("journey.size = 8M\n"));
	if (judge_logins(args) && judge_set(args, *ret_memory) && judge_listeners(args))
		result = slice_cstr(arena, buffer_bytes(&text));
	buffer_free(&text);
	return result;
}

/* ---- what instead ---- */

const char *mock_instead(struct arena *arena, enum service service, int error)
{
	const char *why = error == -EADDRINUSE ? "is another mock running? " : "";

	for (const struct row *row = rows; row < rows + N_ROWS; row++) {
		if (row->kind == ADDRESS && row->service == service)
			return (const char *)arena_printf(arena, "; %s%s 127.0.0.1:0 takes a "
			    "free port, %s none does without (or set %s)", why, row->option,
			    row->option, row->ours).ptr;
	}
	return "";
}
