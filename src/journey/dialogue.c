/* journey/dialogue.c - lines of a dialogue; what does not begin like one is passed over. */
#include "journey/dialogue.h"

static bool read_line(slice line, struct dialogue_line *ret_line)
{
	uint64_t ms;
	size_t blank = slice_find_byte(line, ' ');

	ret_line->ms = -1;
	if (blank < line.len && slice_to_u64(slice_head(line, blank), INT64_MAX / 1000, &ms)) {
		ret_line->ms = (int64_t)ms;
		line = slice_drop(line, blank + 1);
	}
	ret_line->server = slice_starts(line, slice_lit("S: "));
	if (!ret_line->server && !slice_starts(line, slice_lit("C: ")))
		return false;
	ret_line->text = slice_drop(line, 3);
	ret_line->masked = !ret_line->server &&
	    slice_equal(ret_line->text, slice_lit("(secret)"));
	return true;
}

bool dialogue_next(slice *rest, struct dialogue_line *ret_line)
{
	while (rest->len > 0) {
		if (read_line(slice_cut(rest, '\n'), ret_line))
			return true;
	}
	return false;
}
