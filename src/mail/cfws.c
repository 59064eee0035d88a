/* mail/cfws.c - skipping blanks and nested comments, with a counter. */
#include "mail/cfws.h"

#include "base/limits.h"

static bool is_blank(unsigned char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* comment = "(" *([FWS] ccontent) [FWS] ")", which nests. */
static bool skip_comment(slice *in)
{
	unsigned depth = 0;

	for (size_t i = 0; i < in->len; i++) {
		switch (in->ptr[i]) {
		case '\\':
			i++;
			break;
		case '(':
			if (++depth > COMMENT_DEPTH_MAX)
				return false;
			break;
		case ')':
			if (--depth == 0) {
				*in = slice_drop(*in, i + 1);
				return true;
			}
			break;
		default:
			break;
		}
	}
	return false;
}

bool cfws_skip(slice *in)
{
	slice at = *in;

	while (at.len > 0) {
		if (is_blank(at.ptr[0]))
			at = slice_drop(at, 1);
		else if (at.ptr[0] != '(')
			break;
		else if (!skip_comment(&at))
			return false;
	}
	*in = at;
	return true;
}

slice cfws_trim(slice s)
{
	while (s.len > 0 && is_blank(s.ptr[0]))
		s = slice_drop(s, 1);
	while (s.len > 0 && is_blank(s.ptr[s.len - 1]))
		s.len--;
	return s;
}
