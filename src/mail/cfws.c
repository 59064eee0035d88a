/* mail/cfws.c - skipping blanks and nested comments, with a counter. */
#include "mail/cfws.h"

#include "base/limits.h"

bool cfws_is_blank(unsigned char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* comment = "(" *([FWS] ccontent) [FWS] ")", which nests. */
size_t cfws_comment(slice in)
{
	unsigned depth = 0;

	for (size_t i = 0; i < in.len; i++) {
		switch (in.ptr[i]) {
		case '\\':
			i++;
			break;
		case '(':
			if (++depth > COMMENT_DEPTH_MAX)
				return 0;
			break;
		case ')':
			if (--depth == 0)
				return i + 1;
			break;
		default:
			break;
		}
	}
	return 0;
}

bool cfws_skip(slice *in)
{
	slice at = *in;

	while (at.len > 0 && (cfws_is_blank(at.ptr[0]) || at.ptr[0] == '(')) {
		size_t n = at.ptr[0] == '(' ? cfws_comment(at) : 1;

		if (n == 0)
			return false;
		at = slice_drop(at, n);
	}
	*in = at;
	return true;
}

slice cfws_trim(slice s)
{
	while (s.len > 0 && cfws_is_blank(s.ptr[0]))
		s = slice_drop(s, 1);
	while (s.len > 0 && cfws_is_blank(s.ptr[s.len - 1]))
		s.len--;
	return s;
}
