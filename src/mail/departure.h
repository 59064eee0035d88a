/* mail/departure.h - what a client does that SMTP does not allow and a mock takes
 * nevertheless: by name, with the clause, and in words.
 *
 * The SMTP engine notes them (smtp/server.h, `lenient`); they go with the message
 * into its journey and its lint. */
#ifndef MAIL_DEPARTURE_H
#define MAIL_DEPARTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum departure {
	DEPARTURE_COMMAND_LINE_END,
	DEPARTURE_COMMAND_LONG,
	DEPARTURE_COMMAND_NUL,
	DEPARTURE_COMMAND_8BIT,
	DEPARTURE_COMMAND_BLANK,
	DEPARTURE_COMMAND_UNKNOWN,
	DEPARTURE_COMMAND_EARLY,
	DEPARTURE_COMMAND_ARGUMENT,
	DEPARTURE_HELLO_NAME,
	DEPARTURE_HELLO_MISSING,
	DEPARTURE_HELLO_AGAIN,
	DEPARTURE_PATH_KEYWORD,
	DEPARTURE_PATH_BLANK,
	DEPARTURE_PATH_BRACKETS,
	DEPARTURE_PATH_SYNTAX,
	DEPARTURE_PATH_UTF8,
	DEPARTURE_PARAMETER,
	DEPARTURE_MAIL_NESTED,
	DEPARTURE_MAIL_MISSING,
	DEPARTURE_RCPT_MISSING,
	DEPARTURE_DATA_EARLY,
	DEPARTURE_DATA_LINE_END,
	DEPARTURE_DATA_NUL,
	DEPARTURE_DATA_DOT,
	DEPARTURE_DATA_END,
	DEPARTURE_DATA_CUT,
	DEPARTURE_REPLIES_UNREAD,
	DEPARTURE_QUIT_MISSING,
	DEPARTURES,
};

/* A set of them. */
static inline uint32_t departure_bit(enum departure d)
{
	return (uint32_t)1 << d;
}

struct departure_row {
	const char *name;               /* "data-line-end" */
	const char *clause;             /* "RFC 5321 section 2.3.8" */
	const char *answer;             /* what a real server says or does; NULL: it takes it too */
	const char *words;              /* what was done */
	const char *remedy;             /* what to do instead */
};

const struct departure_row *departure_row(enum departure d);

#endif
