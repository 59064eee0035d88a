/* cli/lint.c - posthouse lint: what is wrong with a message, in words. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

#include "base/limits.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/file.h"
#include "mail/address.h"
#include "mail/lint.h"

static json_t *text_of(slice s)
{
	return json_stringn((const char *)s.ptr, s.len);
}

static void print_json(const struct lint *lint)
{
	for (size_t i = 0; i < lint->n; i++) {
		const struct lint_finding *f = &lint->findings[i];
		json_t *line = json_pack("{s:s, s:s, s:o, s:s, s:s, s:s}", "rule", f->rule,
		    "severity", lint_severity_name(f->severity), "where", text_of(f->where),
		    "clause", f->clause, "words", f->words, "remedy", f->remedy);

		json_dumpf(line, stdout, JSON_COMPACT);
		printf("\n");
		json_decref(line);
	}
}

static void print_words(const struct lint *lint)
{
	for (size_t i = 0; i < lint->n; i++) {
		const struct lint_finding *f = &lint->findings[i];

		printf("%s: %.*s: %s (%s, %s)\n    %s\n", lint_severity_name(f->severity),
		    slice_arg(f->where), f->words, f->rule, f->clause, f->remedy);
	}
	if (lint->n == 0)
		printf("nothing to say against it\n");
}

static bool has_errors(const struct lint *lint)
{
	for (size_t i = 0; i < lint->n; i++) {
		if (lint->findings[i].severity == LINT_ERROR)
			return true;
	}
	return false;
}

/* An address of the envelope, with brackets or without; "" and "<>" are the null sender. */
static bool read_path(const char *value, unsigned allow, slice *ret_path)
{
	slice text = slice_trim(slice_from(value));
	struct address address = { 0 };

	if (text.len == 0 && !(allow & ADDRESS_ALLOW_NULL))
		return false;
	if (text.len > 0 && (address_take_path(&text, allow | ADDRESS_ALLOW_UTF8 | ADDRESS_ALLOW_BARE,
	    &address) != ADDRESS_OK || text.len > 0))
		return false;
	*ret_path = address.whole;
	return true;
}

static int misuse(const char *option, const char *value)
{
	char shown[200];

	return cli_misuse("lint: %s wants an address such as alice@example.org, not \"%s\"", option,
	    text_printable(slice_from(value), shown, sizeof shown));
}

/* The envelope that the options say. Room for CLI_GIVEN_MAX recipients. */
static int read_envelope(const struct cli_args *args, struct lint_input *input, slice *recipients)
{
	const char *from = cli_value(args, "--from"), *to;

	if (from != NULL && !read_path(from, ADDRESS_ALLOW_NULL, &input->sender))
		return misuse("--from", from);
	while ((to = cli_value_at(args, "--to", input->n_recipients)) != NULL) {
		if (!read_path(to, ADDRESS_ALLOW_POSTMASTER, &recipients[input->n_recipients]))
			return misuse("--to", to);
		input->n_recipients++;
	}
	input->recipients = recipients;
	input->envelope = from != NULL || input->n_recipients > 0;
	return CLI_OK;
}

static int run(const struct cli_args *args)
{
	struct heap *heap = heap_create(2 * (size_t)COMPOSE_MESSAGE_MAX);
	struct buffer text = buffer_init(heap, COMPOSE_MESSAGE_MAX);
	struct arena arena = arena_init(heap, LINT_ARENA_MAX);
	slice recipients[CLI_GIVEN_MAX];
	struct lint_input input = { .utf8 = cli_flag(args, "--smtputf8"), .now_s = time(NULL) };
	char shown[64];
	struct lint lint;
	int result;

	result = read_envelope(args, &input, recipients);
	if (result != CLI_OK) {
		heap_drop(heap);
		return result;
	}
	result = file_read_named(args->words[0], &text);
	if (result < 0) {
		heap_drop(heap);
		return cli_fail("cannot read %s: %s", text_printable(slice_from(args->words[0]),
		    shown, sizeof shown), strerror(-result));
	}
	input.message = buffer_bytes(&text);
	lint = lint_read(&input, &arena);
	if (cli_flag(args, "--json"))
		print_json(&lint);
	else
		print_words(&lint);
	result = has_errors(&lint) ? CLI_FAILED : CLI_OK;
	heap_drop(heap);
	return result;
}

const struct cli_command cli_lint = {
	.name = "lint",
	.words = "FILE | -",
	.words_min = 1,
	.words_max = 1,
	.summary = "what is wrong with a message, with the RFC's clause and the remedy",
	.details =
	    "FILE is a message as it goes over the wire, header and body; - reads it from\n"
	    "standard input. An error is what servers refuse or readers get wrong, a warning what\n"
	    "is not allowed, or not wise, and mostly taken, a hint what is allowed and often not\n"
	    "meant. Exit 1: there are errors.\n",
	.options = {
		{ "--from", "ADDRESS", "The envelope's sender; <> for none." },
		{ "--to", "ADDRESS", "A recipient of the envelope; may be given several times." },
		{ "--smtputf8", NULL, "It is sent with SMTPUTF8: UTF-8 may stand in the header." },
		{ "--json", NULL, "A line of JSON for each finding." },
	},
	.run = run,
};
