/* smtp/reply.c - printing and reading SMTP replies (RFC 5321 s4.2). */
#include "smtp/reply.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/limits.h"
#include "mail/utf8.h"

/* One line: code, '-' or ' ', enhanced code, words. */
static void write_line(const struct smtp_reply *reply, slice words, bool last,
    struct buffer *out)
{
	const char *enhanced = reply->enhanced ? reply->enhanced : "";
	char head[32];
	int n = snprintf(head, sizeof head, "%03u%c%s%s", reply->code, last ? ' ' : '-',
	    enhanced, reply->enhanced && words.len > 0 ? " " : "");
	size_t room, used = 0;

	check(n > 0 && (size_t)n < sizeof head);
	buffer_add(out, slice_of(head, (size_t)n));
	room = SMTP_REPLY_LINE_MAX - (size_t)n - strlen("\r\n");
	while (words.len > 0) {
		size_t len = utf8_length(words);
		bool plain = len > 1 || (len == 1 && words.ptr[0] >= ' ' && words.ptr[0] != 127);
		slice shown = plain ? slice_head(words, len) : slice_lit("?");

		if (used + shown.len > room)
			break;
		buffer_add(out, shown);
		used += shown.len;
		words = slice_drop(words, len ? len : 1);
	}
	buffer_add(out, slice_lit("\r\n"));
}

void smtp_reply_write(const struct smtp_reply *reply, struct buffer *out)
{
	slice rest = reply->text;

	check(reply->code >= 200 && reply->code <= 599);
	if (rest.len > SMTP_REPLY_TEXT_MAX)
		rest = slice_head(rest, SMTP_REPLY_TEXT_MAX);
	do {
		slice words = slice_cut(&rest, '\n');

		write_line(reply, words, rest.len == 0, out);
	} while (rest.len > 0);
}

/* As much as the buffer takes. */
static void append_cut(struct buffer *text, slice words)
{
	size_t room = buffer_room(text);

	buffer_add(text, words.len > room ? slice_head(words, room) : words);
}

/* Reply-line = *( Reply-code "-" [ textstring ] CRLF ) Reply-code [ SP textstring ] CRLF */
static bool read_line(slice line, unsigned *ret_code, bool *ret_last, slice *ret_words)
{
	unsigned code = 0;

	if (line.len > 0 && line.ptr[line.len - 1] == '\r')
		line.len--;
	if (line.len < 3 || line.ptr[0] < '2' || line.ptr[0] > '5')
		return false;
	for (size_t i = 0; i < 3; i++) {
		if (line.ptr[i] < '0' || line.ptr[i] > '9')
			return false;
		code = code * 10 + (unsigned)(line.ptr[i] - '0');
	}
	if (line.len > 3 && line.ptr[3] != ' ' && line.ptr[3] != '-')
		return false;
	*ret_code = code;
	*ret_last = line.len == 3 || line.ptr[3] == ' ';
	*ret_words = slice_drop(line, line.len > 3 ? 4 : 3);
	return true;
}

/* Two passes: is it all there and well-formed, then take it. */
enum smtp_reply_parse smtp_reply_take(slice *in, unsigned *ret_code, struct buffer *text)
{
	slice at = *in, words;
	unsigned code, first = 0;
	bool last = false;

	while (!last) {
		size_t end = slice_find_byte(at, '\n');

		if (end == at.len)
			return in->len > SMTP_REPLY_TAKE_MAX ? SMTP_REPLY_BAD : SMTP_REPLY_MORE;
		if (!read_line(slice_head(at, end), &code, &last, &words))
			return SMTP_REPLY_BAD;
		if (first != 0 && code != first)
			return SMTP_REPLY_BAD;
		first = code;
		at = slice_drop(at, end + 1);
	}
	if (in->len - at.len > SMTP_REPLY_TAKE_MAX)
		return SMTP_REPLY_BAD;
	for (slice line = *in; line.len > at.len;) {
		slice whole = slice_cut(&line, '\n');

		if (whole.ptr != in->ptr)
			append_cut(text, slice_lit("\n"));
		if (read_line(whole, &code, &last, &words))
			append_cut(text, words);
	}
	*in = at;
	*ret_code = first;
	return SMTP_REPLY_DONE;
}
