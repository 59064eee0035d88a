/* role/mock_user.h - who sent a message to a mock, as a field on top of the message's own.
 *
 *   "X-Posthouse-Login: bob%20b\r\n"
 *
 * The edge writes it into the trace, above its Received; the web reads it there, and nowhere
 * else, so nobody makes it up. Pure. */
#ifndef ROLE_MOCK_USER_H
#define ROLE_MOCK_USER_H

#include "base/arena.h"
#include "base/buffer.h"

#define MOCK_USER_FIELD "X-Posthouse-Login: "

/* Append the field, with CRLF; at most MOCK_USER_MAX. The login: 1 to SASL_LOGIN_MAX bytes, of
 * any kind. */
void mock_user_write(slice login, struct buffer *out);

/* What stands behind MOCK_USER_FIELD, decoded; of the arena. */
slice mock_user_read(slice value, struct arena *arena);

#endif
