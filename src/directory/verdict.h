/* directory/verdict.h - what the directory decides about a recipient, a sender
 * or a login, and how each protocol says it.
 *
 * The number of a verdict crosses between roles; the row of the table is what
 * an edge replies. Words that come along with an answer replace the row's when
 * they are not empty: they name the address. */
#ifndef DIRECTORY_VERDICT_H
#define DIRECTORY_VERDICT_H

enum directory_verdict {
	DIRECTORY_OK,
	DIRECTORY_NO_SUCH_USER,         /* our domain, nobody of that name */
	DIRECTORY_RELAYING_DENIED,      /* not our domain, and no login */
	DIRECTORY_NOT_LOCAL,            /* not our domain, and relay = no */
	DIRECTORY_DISABLED,             /* the account takes no mail */
	DIRECTORY_LOGIN_DISABLED,       /* nor does it log in; said after the right password only */
	DIRECTORY_BAD_ADDRESS,          /* not an address, or too long */
	DIRECTORY_TOO_MANY_TARGETS,     /* an alias that leads to too many, or to nobody */
	DIRECTORY_NOT_OWNER,            /* sends as somebody else */
	DIRECTORY_BAD_CREDENTIALS,      /* which of the two is never said */
	DIRECTORY_SLOW_DOWN,            /* guessing: not even tried */
	DIRECTORY_TOO_FAST,             /* a share (role/directory_shares.h) is used up */
	DIRECTORY_OVER_QUOTA,           /* the account is full: it takes no mail for now */
	DIRECTORY_TEMPORARY,            /* the database or the pool can't now: try later */
	DIRECTORY_VERDICTS
};

struct directory_verdict_row {
	enum directory_verdict verdict;
	const char *name;               /* for logs: "no-such-user" */
	unsigned smtp_code;
	const char *smtp_enhanced;      /* RFC 3463 */
	const char *words;
	/* POP3 response code with its blank, RFC 2449 s8 and RFC 3206: "[AUTH] ";
	 * empty when there is none. */
	const char *pop3_code;
	/* IMAP's, without brackets, RFC 5530 and RFC 9051 s7.1; NULL: no login gets it. */
	const char *imap_code;
};

/* The row of a verdict; of DIRECTORY_TEMPORARY for a number that is none (a
 * peer of another version). */
const struct directory_verdict_row *directory_verdict_row(unsigned verdict);

#endif
