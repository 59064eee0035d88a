/* role/mock_user.c - percent signs, as in URLs: a line of letters whatever the login is. */
#include "role/mock_user.h"

#include <assert.h>

#include "base/check.h"
#include "base/limits.h"

static_assert(MOCK_USER_MAX >= sizeof MOCK_USER_FIELD + 3 * SASL_LOGIN_MAX + 2,
    "the longest login fits");
static_assert(RECEIVED_MAX + MOCK_USER_MAX <= EDGE_TRACE_MAX, "and beside it what edges add");

void mock_user_write(slice login, struct buffer *out)
{
	check(login.len > 0 && login.len <= SASL_LOGIN_MAX);
	buffer_add(out, slice_lit(MOCK_USER_FIELD));
	for (size_t i = 0; i < login.len; i++) {
		unsigned char c = login.ptr[i];

		if (c > ' ' && c < 0x7F && c != '%')
			buffer_add(out, slice_sub(login, i, 1));
		else
			buffer_printf(out, "%%%02X", c);
	}
	buffer_add(out, slice_lit("\r\n"));
}

static int digit(unsigned char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

slice mock_user_read(slice value, struct arena *arena)
{
	unsigned char *login = arena_new(arena, unsigned char, value.len + 1);
	size_t len = 0;

	for (size_t i = 0; i < value.len; i++) {
		bool coded = value.ptr[i] == '%' && i + 2 < value.len &&
		    digit(value.ptr[i + 1]) >= 0 && digit(value.ptr[i + 2]) >= 0;

		login[len++] = coded ? (unsigned char)(digit(value.ptr[i + 1]) << 4 |
		    digit(value.ptr[i + 2])) : value.ptr[i];
		i += coded ? 2 : 0;
	}
	return slice_of(login, len);
}
