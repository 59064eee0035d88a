/* cli/expect_read.c - the options of posthouse expect, as a search in the API's language. */
#include "cli/expect.h"

#include <stdlib.h>
#include <string.h>

#include "api/posthouse.h"
#include "base/limits.h"
#include "base/text.h"

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

int expect_read(struct expect *e)
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
	if (!api_wait_read(slice_from(e->within), &e->within_ms) || e->within_ms > WEB_WAIT_MAX_MS)
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
