/* cli/mail_append.h - brings messages into one mailbox, each once however often it is tried.
 *
 *   letters gather -> what the mailbox has of the same sizes is fetched and hashed -> those that
 *   are not there go out in one APPEND -> answered while the next ones gather
 *
 * (1) What is there is what the mailbox holds, and nothing else is remembered: so a run that was
 *     killed anywhere is gone on with by the same command.
 * (2) Each message of the mailbox stands for one letter: of letters that are the same to the
 *     byte as many are there afterwards as there were of them. */
#ifndef CLI_MAIL_APPEND_H
#define CLI_MAIL_APPEND_H

#include "cli/haul.h"

struct mail_letter {
	slice text;                     /* with CRLF */
	unsigned flags;                 /* enum imap_flag */
	slice keywords;                 /* with blanks between them; what is no keyword is left out */
	int64_t received_s;
	const char *label;              /* for a line about it: where it is from */
};

struct mail_append;

/* Makes the mailbox (UTF-8) when there is none, and looks through it. NULL after a line. */
struct mail_append *mail_append_begin(struct haul *t, slice name);
/* False: the session is over. A letter that fails by itself is counted, and told. */
bool mail_append_add(struct mail_append *a, const struct mail_letter *letter);
/* All that was added is answered. Frees it. */
bool mail_append_end(struct mail_append *a);
/* The largest message that the server takes. */
uint64_t mail_append_limit(const struct mail_append *a);

#endif
