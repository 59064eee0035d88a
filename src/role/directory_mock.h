/* role/directory_mock.h - the policy of `posthouse mock` (config->mock): mail for anybody
 * and any login are taken, and there is nobody else that mail could go to.
 *
 * A mailbox is an account of the first of `domains`. One, MOCK_MAILBOX, is there from the
 * start. With mock.mailboxes = login each name that logs in has one, made at first use:
 * what is sent with that login is in it, and it is what POP3 shows. A message that names a
 * mailbox (role/edge_mailbox.c) is as one sent with that login. A mailbox is never taken away
 * while the mock runs. */
#ifndef ROLE_DIRECTORY_MOCK_H
#define ROLE_DIRECTORY_MOCK_H

#include "directory/mock_name.h"
#include "role/directory_impl.h"

/* After the database is open. True without a mock, where role->mock stays NULL; false
 * after frame_fatal(). */
bool directory_mock_start(struct directory_role *role);

/* Whoever it is for: the mailbox of the account that asks, or the one. OK. role->mock is
 * there, as for the next. */
enum directory_verdict directory_mock_recipient(struct directory_role *role, uint64_t account,
    slice recipient, struct arena *arena, struct seal_target **ret_targets, size_t *ret_n);

/* The mailbox of a login (a name in its normal form). False: *ret_words (of arena) says
 * why not. */
bool directory_mock_login(struct directory_role *role, slice login, struct arena *arena,
    struct directory_account *ret_account, slice *ret_words);

/* The web is there: it hears of all mailboxes, and of each new one from now on. */
void directory_mock_tell(struct directory_role *role);

#endif
