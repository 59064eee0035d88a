/* directory/verdict.c - the table of verdicts. Order is arbitrary. */
#include "directory/verdict.h"

#include <assert.h>
#include <stddef.h>

#include "base/check.h"

static const struct directory_verdict_row verdicts[] = {
	{ DIRECTORY_OK, "ok", 250, "2.1.5", "Ok", "", NULL },
	{ DIRECTORY_NO_SUCH_USER, "no-such-user", 550, "5.1.1", "no such user here", "", NULL },
	{ DIRECTORY_RELAYING_DENIED, "relaying-denied", 550, "5.7.1", "relaying denied", "", NULL },
	{ DIRECTORY_NOT_LOCAL, "not-local", 550, "5.7.1",
	    "this server sends no mail to other hosts", "", NULL },
	{ DIRECTORY_DISABLED, "disabled", 550, "5.2.1", "account is disabled", "", NULL },
	{ DIRECTORY_LOGIN_DISABLED, "login-disabled", 535, "5.7.13", "account is disabled",
	    "[AUTH] ", "AUTHORIZATIONFAILED" },
	{ DIRECTORY_BAD_ADDRESS, "bad-address", 553, "5.1.3", "not a valid address", "", NULL },
	{ DIRECTORY_TOO_MANY_TARGETS, "too-many-targets", 550, "5.4.6",
	    "alias leads to too many addresses, to itself or to nobody", "", NULL },
	{ DIRECTORY_NOT_OWNER, "not-owner", 550, "5.7.1",
	    "the account that is logged in does not own this address", "", NULL },
	{ DIRECTORY_BAD_CREDENTIALS, "bad-credentials", 535, "5.7.8",
	    "authentication credentials invalid", "[AUTH] ", "AUTHENTICATIONFAILED" },
	{ DIRECTORY_SLOW_DOWN, "slow-down", 454, "4.7.0",
	    "too many failed logins, try again later", "[LOGIN-DELAY] ", "LIMIT" },
	{ DIRECTORY_TOO_FAST, "too-fast", 450, "4.7.1", "too much at once, try again later",
	    "[SYS/TEMP] ", "LIMIT" },
	{ DIRECTORY_OVER_QUOTA, "over-quota", 452, "4.2.2", "mailbox is full, try again later", "",
	    NULL },
	{ DIRECTORY_TEMPORARY, "temporary", 451, "4.3.0",
	    "temporary failure, try again later", "[SYS/TEMP] ", "UNAVAILABLE" },
};

static_assert(sizeof(verdicts) / sizeof(verdicts[0]) == DIRECTORY_VERDICTS, "a row for each");

const struct directory_verdict_row *directory_verdict_row(unsigned verdict)
{
	const struct directory_verdict_row *temporary = NULL;

	for (size_t i = 0; i < DIRECTORY_VERDICTS; i++) {
		if (verdicts[i].verdict == verdict)
			return &verdicts[i];
		if (verdicts[i].verdict == DIRECTORY_TEMPORARY)
			temporary = &verdicts[i];
	}
	check(temporary != NULL);
	return temporary;
}
