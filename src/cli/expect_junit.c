/* cli/expect_junit.c - XML, escaped. */
#include "cli/expect_junit.h"

#include "mail/utf8.h"

/* Which characters XML 1.0 has (its section 2.2): of the control characters three, and not
 * U+FFFE and U+FFFF. */
static bool is_char(slice character)
{
	unsigned char c = character.ptr[0];

	if (character.len == 1)
		return c >= ' ' || c == '\t' || c == '\n' || c == '\r';
	return !(character.len == 3 && c == 0xef && character.ptr[1] == 0xbf &&
	    character.ptr[2] >= 0xbe);
}

static void add_text(slice text, struct buffer *out)
{
	while (text.len > 0) {
		size_t len = utf8_length(text);
		slice character = slice_head(text, len > 0 ? len : 1);

		text = slice_drop(text, character.len);
		if (len == 0 || !is_char(character))
			buffer_add(out, slice_lit("\xef\xbf\xbd"));
		else if (slice_find_byte(slice_lit("&<>\"'\t\n\r"), character.ptr[0]) < 8)
			buffer_printf(out, "&#%d;", character.ptr[0]);
		else
			buffer_add(out, character);
	}
}

static void add_fault(const struct junit_case *what, struct buffer *out)
{
	const char *kind = what->result == JUNIT_FAILED ? "failure" : "error";

	buffer_printf(out, "\t\t\t<%s message=\"", kind);
	add_text(what->words, out);
	buffer_printf(out, "\" type=\"%s\">", what->result == JUNIT_FAILED ? "expectation" :
	    "no answer");
	add_text(what->words, out);
	buffer_add(out, slice_lit("\n"));
	add_text(what->more, out);
	buffer_printf(out, "</%s>\n", kind);
}

void junit_write(const struct junit_case *what, struct buffer *out)
{
	int failures = what->result == JUNIT_FAILED, errors = what->result == JUNIT_ERROR;

	buffer_printf(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n"
	    "\t<testsuite name=\"posthouse\" tests=\"1\" failures=\"%d\" errors=\"%d\" "
	    "skipped=\"0\" time=\"%.3f\">\n\t\t<testcase classname=\"posthouse.expect\" name=\"",
	    failures, errors, what->seconds);
	add_text(what->name, out);
	buffer_printf(out, "\" time=\"%.3f\">\n", what->seconds);
	if (what->result != JUNIT_PASSED)
		add_fault(what, out);
	buffer_add(out, slice_lit("\t\t</testcase>\n\t</testsuite>\n</testsuites>\n"));
}
