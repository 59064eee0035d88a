/* cli/expect_tell.c - what posthouse expect says: a line a message, JSON, JUnit's XML. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/limits.h"
#include "base/text.h"
#include "cli/expect.h"
#include "cli/expect_junit.h"
#include "cli/file.h"
#include "mail/shown.h"
#include "mail/utf8.h"

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

int expect_report(const struct expect *e)
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
