/* cli/expect.c - posthouse expect: was this message sent? For tests that are shell scripts,
 * make files or CI.
 *
 *   options -> a search -> GET .../wait --a message--> it is shown: 0
 *                                '--time is up--> what came instead is shown: 1 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <time.h>

#include <jansson.h>

#include "base/limits.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/expect_http.h"
#include "cli/expect_junit.h"
#include "cli/file.h"
#include "mail/shown.h"
#include "mail/utf8.h"

#define OURS "/api/posthouse/v1"
#define MAILPITS "/api/v1"

struct expect {
	const struct cli_args *args;
	struct heap *heap;
	struct arena arena;
	slice url;                      /* without a slash at its end */
	struct buffer query;
	slice mailbox;                  /* empty: any */
	const char *within;             /* as it was given */
	uint64_t within_ms;
	unsigned long count;
	struct expect_http *http;
	struct buffer answer;
	/* What came of it. */
	int status;
	slice words;                    /* why not */
	json_t *messages;               /* that match; NULL: none is known */
	json_t *newest;                 /* when none does: of all that are there */
	uint64_t there;                 /* so many */
	double seconds;
};

/* ---- what is asked for ---- */

/* "500ms", "5s", "2m", or seconds, as the API has it. */
static bool read_time(slice text, uint64_t *ret_ms)
{
	static const struct {
		slice unit;
		uint64_t ms;
	} units[] = { { slice_lit("ms"), 1 }, { slice_lit("s"), 1000 }, { slice_lit("m"), 60000 } };
	uint64_t number, ms = 1000;

	for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
		if (!slice_ends(text, units[i].unit))
			continue;
		text = slice_head(text, text.len - units[i].unit.len);
		ms = units[i].ms;
		break;
	}
	if (!slice_to_u64(text, WEB_WAIT_MAX_MS / ms, &number))
		return false;
	*ret_ms = number * ms;
	return true;
}

static bool add_to_query(struct expect *e, const char *before, slice value, const char *after)
{
	if (buffer_room(&e->query) < strlen(before) + value.len + strlen(after) + 1)
		return false;
	if (buffer_bytes(&e->query).len > 0)
		buffer_add(&e->query, slice_lit(" "));
	buffer_add(&e->query, slice_from(before));
	buffer_add(&e->query, value);
	buffer_add(&e->query, slice_from(after));
	return true;
}

static bool is_blank(slice text)
{
	return slice_trim(text).len == 0;
}

/* The language has nothing in which a quote could stand: what is before it and what is behind
 * it are looked for apart. */
static int add_field(struct expect *e, const char *option, const char *key)
{
	const char *value;

	for (size_t i = 0; (value = cli_value_at(e->args, option, i)) != NULL; i++) {
		slice rest = slice_from(value);
		bool any = false;

		while (rest.len > 0) {
			slice piece = slice_cut(&rest, '"');

			if (is_blank(piece))
				continue;
			any = true;
			if (!add_to_query(e, key, piece, "\""))
				return cli_misuse("expect: that is too long to be looked for");
		}
		if (!any)
			return cli_misuse("expect: %s wants something to look for, and it is empty",
			    option);
	}
	return CLI_OK;
}

static int read_query(struct expect *e)
{
	static const char *const fields[][2] = { { "--from", "from:\"" }, { "--to", "to:\"" },
		{ "--subject", "subject:\"" } };
	const char *value = cli_value(e->args, "--query");

	e->query = buffer_init(e->heap, SEARCH_QUERY_MAX);
	for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
		int status = add_field(e, fields[i][0], fields[i][1]);

		if (status != CLI_OK)
			return status;
	}
	if (value != NULL && is_blank(slice_from(value)))
		return cli_misuse("expect: --query wants something to look for, and it is empty");
	if (value != NULL && !add_to_query(e, "", slice_from(value), ""))
		return cli_misuse("expect: that is too long to be looked for");
	return CLI_OK;
}

static int read_url(struct expect *e)
{
	const char *value = cli_value(e->args, "--url"), *where = "--url";
	slice url;
	char shown[64];

	if (value == NULL) {
		value = getenv("POSTHOUSE_URL");
		where = "POSTHOUSE_URL";
	}
	url = value != NULL && value[0] != 0 ? slice_from(value) :
	    slice_lit("http://127.0.0.1:8025");
	if (slice_find(url, slice_lit("://")) == url.len)
		url = arena_printf(&e->arena, "http://%.*s",
		    slice_arg(slice_head(url, url.len < EXPECT_URL_MAX ? url.len : 0)));
	while (slice_ends(url, slice_lit("/")))
		url = slice_head(url, url.len - 1);
	if ((!slice_starts_ascii(url, slice_lit("http://")) &&
	    !slice_starts_ascii(url, slice_lit("https://"))) || url.len > EXPECT_URL_MAX ||
	    url.len < strlen("http://x"))
		return cli_misuse("expect: %s wants an address such as http://127.0.0.1:8025, not "
		    "\"%s\"", where, text_printable(slice_from(value), shown, sizeof shown));
	e->url = url;
	return CLI_OK;
}

static int read_options(struct expect *e)
{
	const char *mailbox = cli_value(e->args, "--mailbox");
	char shown[64];
	int status = read_query(e);

	if (status == CLI_OK)
		status = read_url(e);
	if (status != CLI_OK)
		return status;
	e->within = cli_value(e->args, "--within");
	if (e->within == NULL)
		e->within = "10s";
	if (!read_time(slice_from(e->within), &e->within_ms))
		return cli_misuse("expect: --within wants a time up to %dm: 500ms, 5s, 2m, not "
		    "\"%s\"", WEB_WAIT_MAX_MS / 60000, text_printable(slice_from(e->within), shown,
		    sizeof shown));
	e->mailbox = slice_from(mailbox);
	if (mailbox != NULL && (is_blank(e->mailbox) || e->mailbox.len > SASL_LOGIN_MAX))
		return cli_misuse("expect: --mailbox wants a name of up to %d bytes",
		    SASL_LOGIN_MAX);
	return cli_number(e->args, "--count", 0, EXPECT_COUNT_MAX, 1, &e->count) ? CLI_OK :
	    CLI_USAGE;
}

/* ---- the answers ---- */

/* What was asked for may be in the words, whatever it was. */
static int fail(struct expect *e, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static int fail(struct expect *e, int status, const char *format, ...)
{
	char words[EXPECT_WORDS];
	va_list args;

	va_start(args, format);
	vsnprintf(words, sizeof words, format, args);
	va_end(args);
	for (size_t i = 0, n; words[i] != 0; i += n > 0 ? n : 1) {
		n = utf8_length(slice_from(words + i));
		if (n == 0)
			words[i] = '?';
	}
	e->words = slice_copy(&e->arena, slice_of(words, shown_line((unsigned char *)words,
	    strlen(words))));
	return e->status = status;
}

/* "?query=...&mailbox=..." and what `more` says. */
static const char *target_of(struct expect *e, const char *path, bool query, const char *more)
{
	struct buffer url = buffer_init(e->heap, EXPECT_URL_MAX + 4 * (size_t)SEARCH_QUERY_MAX);
	const char *result;

	buffer_add(&url, e->url);
	buffer_printf(&url, "%s?%s", path, more);
	if (query) {
		buffer_add(&url, slice_lit("&query="));
		expect_http_escape(buffer_bytes(&e->query), &url);
	}
	if (e->mailbox.len > 0) {
		buffer_add(&url, slice_lit("&mailbox="));
		expect_http_escape(e->mailbox, &url);
	}
	result = slice_cstr(&e->arena, buffer_bytes(&url));
	buffer_free(&url);
	return result;
}

/* What the URL is without a login that it may hold. */
static slice url_shown(const struct expect *e)
{
	size_t scheme = slice_find(e->url, slice_lit("://")) + 3;
	size_t at = slice_find_last_byte(e->url, '@');

	return at < e->url.len ? slice_drop(e->url, at + 1) : slice_drop(e->url, scheme);
}

static int fail_unreached(struct expect *e, const char *why)
{
	return fail(e, EX_UNAVAILABLE, "no answer from %.*s: %s; start a mock with `%s mock`, or say "
	    "where it is with --url or POSTHOUSE_URL", slice_arg(url_shown(e)), why, cli_program());
}

/* No answer that was asked for. */
static int fail_status(struct expect *e, long status)
{
	if (status == 503)
		return fail(e, EX_UNAVAILABLE, "%.*s has no time: it ends, or too many wait "
		    "already", slice_arg(url_shown(e)));
	return fail(e, EX_UNAVAILABLE, "%.*s answers %ld, which no mock of Posthouse does here; is "
	    "another program there?", slice_arg(url_shown(e)), status);
}

/* The answer as JSON, or NULL after fail(). */
static json_t *ask_json(struct expect *e, const char *url)
{
	const char *why;
	long status = expect_http_get(e->http, url, 0, &e->answer, &why);
	slice text = buffer_bytes(&e->answer);
	json_t *json;

	if (status == 0) {
		fail_unreached(e, why);
		return NULL;
	}
	json = status == 200 ? json_loadb((const char *)text.ptr, text.len, 0, NULL) : NULL;
	if (json == NULL)
		fail_status(e, status);
	return json;
}

/* Of a list: its messages, a new reference, never NULL; and how many there are in all. */
static json_t *list_of(json_t *answer, const char *number, uint64_t *ret_n)
{
	json_t *messages = json_object_get(answer, "messages");
	json_int_t n = json_integer_value(json_object_get(answer, number));

	*ret_n = n > 0 ? (uint64_t)n : 0;
	return json_is_array(messages) ? json_incref(messages) : json_array();
}

/* All that match, up to `count`; false after fail(). */
static bool ask_matching(struct expect *e, uint64_t *ret_n)
{
	bool query = buffer_bytes(&e->query).len > 0;
	char more[32];
	json_t *answer;

	snprintf(more, sizeof more, "limit=%lu", e->count);
	answer = ask_json(e, target_of(e, query ? MAILPITS "/search" : MAILPITS "/messages", query,
	    more));
	if (answer == NULL)
		return false;
	json_decref(e->messages);
	e->messages = list_of(answer, query ? "messages_count" : "total", ret_n);
	json_decref(answer);
	return true;
}

/* What stands before the search, which may be empty: then nothing. */
static const char *before_query(const struct expect *e, const char *words)
{
	return buffer_bytes(&e->query).len > 0 ? words : "";
}

/* 404: none, or not so many, came in time. */
static int came_not(struct expect *e)
{
	uint64_t n = 0;
	json_t *answer;
	slice query = buffer_bytes(&e->query);

	if (e->count == 0)
		return e->status = CLI_OK;
	if (e->count > 1 && !ask_matching(e, &n))
		return e->status;
	answer = ask_json(e, target_of(e, MAILPITS "/messages", false, "limit=3"));
	if (answer == NULL)
		return e->status;
	e->newest = list_of(answer, "total", &e->there);
	json_decref(answer);
	if (n > 0)
		return fail(e, CLI_FAILED, "%llu of %lu messages came within %s%s%.*s",
		    (unsigned long long)n, e->count, e->within, before_query(e, " that match "),
		    slice_arg(query));
	return fail(e, CLI_FAILED, "no message came within %s%s%.*s", e->within,
	    before_query(e, " that matches "), slice_arg(query));
}

static int came(struct expect *e)
{
	slice text = buffer_bytes(&e->answer), query = buffer_bytes(&e->query);
	json_t *message = json_loadb((const char *)text.ptr, text.len, 0, NULL);
	uint64_t n;

	if (!json_is_string(json_object_get(message, "ID"))) {
		json_decref(message);
		return fail_status(e, 200);
	}
	e->messages = json_array();
	json_array_append_new(e->messages, message);
	if (e->count == 0)
		return fail(e, CLI_FAILED, "a message is there, and none should be%s%.*s",
		    before_query(e, " that matches "), slice_arg(query));
	if (e->count > 1)
		ask_matching(e, &n);
	return e->status;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int ask(struct expect *e)
{
	double begun = now();
	char more[64];
	const char *why;
	long status;

	snprintf(more, sizeof more, "timeout=%llums&count=%lu", (unsigned long long)e->within_ms,
	    e->count > 0 ? e->count : 1);
	status = expect_http_get(e->http, target_of(e, OURS "/wait", buffer_bytes(&e->query).len > 0,
	    more), e->within_ms, &e->answer, &why);
	e->seconds = now() - begun;
	if (status == 0)
		return fail_unreached(e, why);
	if (status == 200)
		return came(e);
	if (status == 404 && slice_starts(buffer_bytes(&e->answer), slice_lit("Message not found")))
		return came_not(e);
	if (status == 400)
		return fail(e, CLI_USAGE, "the search is too long, or makes no sense");
	return fail_status(e, status);
}

/* ---- what is said ---- */

/* At most `most` bytes, whole characters. */
static void add_piece(const char *text, size_t most, struct buffer *out)
{
	slice rest = slice_from(text);
	size_t len = 0, n;

	while ((n = utf8_length(slice_drop(rest, len))) > 0 && len + n <= most)
		len += n;
	buffer_add(out, slice_head(rest, len));
	if (len < rest.len)
		buffer_add(out, slice_lit("..."));
}

static void add_address(json_t *who, struct buffer *out)
{
	const char *address = json_string_value(json_object_get(who, "Address"));

	add_piece(address != NULL && address[0] != 0 ? address : "-", EXPECT_PIECE, out);
}

/* "ID  FROM -> TO, TO  SUBJECT", in one line. */
static void describe(json_t *message, struct buffer *out)
{
	const char *id = json_string_value(json_object_get(message, "ID"));
	const char *subject = json_string_value(json_object_get(message, "Subject"));
	json_t *to = json_object_get(message, "To");
	size_t before = buffer_bytes(out).len, n = json_array_size(to);
	unsigned char *text;

	add_piece(id != NULL ? id : "-", EXPECT_PIECE, out);
	buffer_add(out, slice_lit("  "));
	add_address(json_object_get(message, "From"), out);
	buffer_add(out, slice_lit(" -> "));
	for (size_t i = 0; i < n && i < 3; i++) {
		if (i > 0)
			buffer_add(out, slice_lit(", "));
		add_address(json_array_get(to, i), out);
	}
	if (n > 3)
		buffer_printf(out, " and %zu more", n - 3);
	buffer_add(out, n > 0 ? slice_lit("  ") : slice_lit("-  "));
	add_piece(subject != NULL ? subject : "", EXPECT_PIECE, out);
	text = out->ptr + out->start + before;
	buffer_truncate(out, before + shown_line(text, buffer_bytes(out).len - before));
	buffer_add(out, slice_lit("\n"));
}

/* Lines: the messages that are there, or those that came instead. */
static void describe_all(const struct expect *e, struct buffer *out)
{
	size_t i;
	json_t *message;

	json_array_foreach(e->messages, i, message) {
		if (i < EXPECT_COUNT_MAX)
			describe(message, out);
	}
	if (e->newest == NULL)
		return;
	if (e->there == 0)
		buffer_printf(out, "There is no message at all%s.\n",
		    e->mailbox.len > 0 ? " in this mailbox" : "");
	else
		buffer_printf(out, "The newest of the %llu that are there:\n",
		    (unsigned long long)e->there);
	json_array_foreach(e->newest, i, message) {
		if (i < 3)
			describe(message, out);
	}
}

static void print_json(const struct expect *e)
{
	slice query = buffer_bytes(&e->query);
	json_t *line = json_pack("{s:b, s:o?, s:f, s:O*, s:O*}", "ok", e->status == CLI_OK, "query",
	    json_stringn((const char *)query.ptr, query.len), "seconds",
	    (double)(int64_t)(e->seconds * 1000) / 1000, "messages", e->messages, "newest", e->newest);

	if (e->status != CLI_OK)
		json_object_set_new(line, "error", json_stringn((const char *)e->words.ptr,
		    e->words.len));
	json_dumpf(line, stdout, JSON_COMPACT | JSON_REAL_PRECISION(6));
	printf("\n");
	json_decref(line);
}

/* False after a line. */
static bool write_junit(const struct expect *e, const char *path, slice lines)
{
	struct junit_case what = { .name = buffer_bytes(&e->query), .seconds = e->seconds,
	    .result = e->status == CLI_OK ? JUNIT_PASSED : e->status == CLI_FAILED ? JUNIT_FAILED :
	    JUNIT_ERROR, .words = e->words, .more = lines };
	struct buffer xml = buffer_init(e->heap, EXPECT_LINES_MAX * 16);
	mode_t mask = umask(0);
	char shown[64];
	int result;

	umask(mask);
	if (what.name.len == 0)
		what.name = slice_lit("any message");
	junit_write(&what, &xml);
	result = file_write(AT_FDCWD, path, buffer_bytes(&xml), true);
	if (result == 0 && chmod(path, 0666 & ~mask) != 0)      /* no secret: others read it */
		result = -errno;
	buffer_free(&xml);
	if (result != 0)
		cli_fail("expect: cannot write %s: %s", text_printable(slice_from(path), shown,
		    sizeof shown), strerror(-result));
	return result == 0;
}

static int report(const struct expect *e)
{
	const char *junit = cli_value(e->args, "--junit");
	struct buffer lines = buffer_init(e->heap, EXPECT_LINES_MAX);
	bool written = true;
	slice text;

	describe_all(e, &lines);
	text = buffer_bytes(&lines);
	if (e->status != CLI_OK)
		fprintf(stderr, "posthouse: expect: %.*s\n", slice_arg(e->words));
	if (cli_flag(e->args, "--json"))
		print_json(e);
	else if (text.len > 0)
		fwrite(text.ptr, 1, text.len, e->status == CLI_OK ? stdout : stderr);
	if (junit != NULL)
		written = write_junit(e, junit, text);
	buffer_free(&lines);
	return e->status == CLI_OK && !written ? CLI_FAILED : e->status;
}

static int run(const struct cli_args *args)
{
	struct expect e = { .args = args, .heap = heap_create(EXPECT_MEMORY) };
	const char *why;
	int status;

	e.arena = arena_init(e.heap, EXPECT_WORDS + 8 * (EXPECT_URL_MAX + 4 * SEARCH_QUERY_MAX));
	e.answer = buffer_init(e.heap, EXPECT_ANSWER_MAX);
	status = read_options(&e);
	if (status == CLI_OK) {
		e.http = expect_http_create(e.heap, &why);
		if (e.http == NULL)
			status = cli_fail("expect: %s", why);
	}
	if (status == CLI_OK) {
		ask(&e);
		status = report(&e);
	}
	expect_http_destroy(e.http);
	json_decref(e.messages);
	json_decref(e.newest);
	heap_drop(e.heap);
	return status;
}

const struct cli_command cli_expect = {
	.name = "expect",
	.words = "",
	.summary = "wait for a message in a mock: for tests that are scripts",
	.details =
	    "Ends as soon as a message is there that matches all that is given, also one that came\n"
	    "before, and prints its ID, sender, recipients and subject; when none came in time, what\n"
	    "came instead. --from, --to and --subject look for a part of that field, whatever its\n"
	    "case; each may be repeated. A \" can't be looked for: what is before it and behind it is,\n"
	    "apart. Without any of them every message will do.\n"
	    "Exit 0: it is there; 1: it is not; 2: that makes no sense; 69: no mock answers.\n",
	.options = {
		{ "--to", "TEXT", "An address or name in To." },
		{ "--from", "TEXT", "An address or name in From." },
		{ "--subject", "TEXT", "Words of the subject, as they stand there." },
		{ "--query", "SEARCH", "A search, as the page and the API have it: has:attachment." },
		{ "--within", "TIME", "Wait up to so long: 500ms, 5s (10s), 2m; 0: only look." },
		{ "--count", "N", "So many messages; 0: none may come, all the time that it waits." },
		{ "--mailbox", "NAME", "Only in this mailbox (mock --mailboxes login)." },
		{ "--url", "URL", "The mock's: http://127.0.0.1:8025, or POSTHOUSE_URL." },
		{ "--junit", "FILE", "Write the result as JUnit's XML as well." },
		{ "--json", NULL, "Print a line of JSON instead." },
	},
	.run = run,
};
