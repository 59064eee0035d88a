/* cli/expect.c - posthouse expect: was this message sent? For tests that are shell scripts,
 * make files or CI.
 *
 *   options -> a search -> GET .../wait --a message--> it is shown: 0
 *                                '--time is up--> what came instead is shown: 1 */
#include "cli/expect.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "base/limits.h"
#include "cli/commands.h"
#include "mail/shown.h"
#include "mail/utf8.h"

#define OURS "/api/posthouse/v1"
#define MAILPITS "/api/v1"

/* What was asked for may be in the words, whatever it was. */
static int fail(struct expect *e, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static int fail(struct expect *e, int status, const char *format, ...)
{
	char words[EXPECT_WORDS];
	size_t len, n;
	va_list args;

	va_start(args, format);
	vsnprintf(words, sizeof words, format, args);
	va_end(args);
	len = strlen(words);
	for (size_t i = 0; i < len; i += n > 0 ? n : 1) {
		n = utf8_length(slice_of(words + i, len - i));
		if (n == 0)
			words[i] = '?';
	}
	e->words = slice_copy(&e->arena, slice_of(words, shown_line((unsigned char *)words, len)));
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

static int run(const struct cli_args *args)
{
	struct expect e = { .args = args, .heap = heap_create(EXPECT_MEMORY) };
	const char *why;
	int status;

	e.arena = arena_init(e.heap, EXPECT_WORDS + 8 * (EXPECT_URL_MAX + 4 * SEARCH_QUERY_MAX));
	e.answer = buffer_init(e.heap, EXPECT_ANSWER_MAX);
	status = expect_read(&e);
	if (status == CLI_OK) {
		e.http = expect_http_create(e.heap, &why);
		if (e.http == NULL)
			status = cli_fail("expect: %s", why);
	}
	if (status == CLI_OK) {
		ask(&e);
		status = expect_report(&e);
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
