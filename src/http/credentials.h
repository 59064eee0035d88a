/* http/credentials.h - HTTP Basic (RFC 7617) against a list as htpasswd writes it.
 *
 *   "ann:$2y$05$... bob:{SHA}... eve:$apr1$... dan:in-the-clear"
 *
 * A row is user:hash; blanks and line ends are between rows. bcrypt and what else crypt(5)
 * knows, SHA-1, Apache's MD5; anything else is the password itself. Pure, and slow: for
 * the pool. */
#ifndef HTTP_CREDENTIALS_H
#define HTTP_CREDENTIALS_H

#include "base/limits.h"
#include "base/slice.h"

/* Each row has a user and a hash, and there is one at least. */
bool credentials_are_rows(slice list);

struct credentials {
	unsigned char bytes[WEB_AUTHORIZATION_MAX];     /* wipe them */
	slice user, password;           /* of them */
};

/* Of a field Authorization. False: it is no Basic, or not to be read. */
bool credentials_read(slice field, struct credentials *ret);

/* Takes as long for users that there are not. */
bool credentials_match(slice list, slice user, slice password);

#endif
