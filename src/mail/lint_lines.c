/* mail/lint_lines.c - what a line may be, without knowing what it means. */
#include "mail/lint_impl.h"

enum { WIDE = 78 };

static bool is_blank_line(slice line)
{
	return line.len > 0 && slice_trim(line).len == 0;
}

static void look_at(struct linting *l, slice line, size_t number, bool in_header)
{
	if (slice_find_byte(line, '\r') < line.len)
		lint_at_line(l, LINT_LINE_END, number);
	if (slice_find_byte(line, 0) < line.len)
		lint_at_line(l, LINT_NUL, number);
	if (line.len > LINE_MAX_OCTETS)
		lint_at_line(l, in_header ? LINT_HEADER_LONG : LINT_BODY_LONG, number);
	else if (in_header && line.len > WIDE)
		lint_at_line(l, LINT_HEADER_WIDE, number);
	if (in_header && is_blank_line(line))
		lint_at_line(l, LINT_FOLD_EMPTY, number);
	if (!in_header && l->body_8bit == 0 && !slice_is_ascii(line))
		l->body_8bit = number;
}

void lint_lines(struct linting *l)
{
	slice rest = l->input->message;
	size_t behind_header = rest.len - l->header.len, number = 0;

	while (rest.len > 0) {
		bool in_header = rest.len > behind_header;
		size_t end = slice_find_byte(rest, '\n');
		slice line = slice_head(rest, end);

		number++;
		if (end < rest.len && line.len > 0 && line.ptr[line.len - 1] == '\r')
			line.len--;
		else if (end < rest.len)
			lint_at_line(l, LINT_LINE_END, number);
		look_at(l, line, number, in_header);
		rest = slice_drop(rest, end < rest.len ? end + 1 : end);
	}
}
