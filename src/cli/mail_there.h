/* cli/mail_there.h - what a mailbox holds, so that an import brings nothing twice.
 *
 * Sizes are known from the beginning; of messages that have the size of one that is asked for
 * the text is fetched, once, and a hash of it kept. */
#ifndef CLI_MAIL_THERE_H
#define CLI_MAIL_THERE_H

#include "cli/mail_session.h"

struct mail_there;

/* Of the selected mailbox; what comes to it later is not in it. NULL after a line. */
struct mail_there *mail_there_create(struct mail_session *session);
void mail_there_destroy(struct mail_there *t);  /* NULL is allowed */
bool mail_there_any(const struct mail_there *t);

/* Get to know all of these sizes. No other command may be under way. False: the session is
 * over. */
bool mail_there_look(struct mail_there *t, const uint64_t *sizes, size_t n);
/* Is there one with that text, whose size was looked at? It stands for no other from then on. */
bool mail_there_claim(struct mail_there *t, slice text);

#endif
