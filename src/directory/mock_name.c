/* directory/mock_name.c - percent signs, as in URLs; what is too long as a digest. */
#include "directory/mock_name.h"

#include <sodium.h>
#include <stdio.h>

#include "base/limits.h"

static bool stays(slice login, size_t i)
{
	unsigned char c = login.ptr[i];

	if (c == '.')           /* inside of a dot-atom, alone */
		return i > 0 && i + 1 < login.len && login.ptr[i + 1] != '.';
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
	    c == '%';                   /* of a name that is encoded already */
}

/* A login may be an address, or any text: as a local part, "bob%40bob.example". False: it
 * is too long for one. */
static bool encode(slice login, char ret_local[ADDRESS_LOCAL_MAX + 1])
{
	size_t len = 0;

	for (size_t i = 0; i < login.len; i++) {
		size_t need = stays(login, i) ? 1 : 3;

		if (len + need > ADDRESS_LOCAL_MAX)
			return false;
		snprintf(ret_local + len, need + 1, need == 1 ? "%c" : "%%%02x", login.ptr[i]);
		len += need;
	}
	return true;
}

/* What is too long goes by its digest. */
slice mock_name(struct arena *arena, slice login, slice domain)
{
	unsigned char digest[crypto_generichash_BYTES_MIN];
	char local[ADDRESS_LOCAL_MAX + 1] = MOCK_MAILBOX;

	/* Somebody logs in with the address of a mailbox. */
	if (login.len > domain.len + 1 && login.ptr[login.len - domain.len - 1] == '@' &&
	    slice_equal(slice_drop(login, login.len - domain.len), domain))
		login = slice_head(login, login.len - domain.len - 1);
	if (!encode(login, local)) {
		crypto_generichash(digest, sizeof(digest), login.ptr, login.len, NULL, 0);
		sodium_bin2hex(local, sizeof(local), digest, sizeof(digest));
	}
	return arena_printf(arena, "%s@%.*s", local, slice_arg(domain));
}
