/* directory/mock_name.h - the mailbox that a mock gives to who logs in with a name. */
#ifndef DIRECTORY_MOCK_NAME_H
#define DIRECTORY_MOCK_NAME_H

#include "base/arena.h"

/* That of who gives no name, too. */
#define MOCK_MAILBOX "mock"

/* Its address, of arena: login, in its normal form (name_login()), at `domain`; the login may
 * say that already. Any text has one: "bob%40bob.example@mock.localhost". */
slice mock_name(struct arena *arena, slice login, slice domain);

#endif
