/* mail/qualify.h - puts a domain behind names that stand alone, as local programs
 * write them: "root (Cron Daemon)" becomes "root@host.example (Cron Daemon)". */
#ifndef MAIL_QUALIFY_H
#define MAIL_QUALIFY_H

#include "base/buffer.h"

/* Append the value of an address field, folded or not, with "@domain" in it where
 * a member is one word, or one word in angle brackets. What is anything else stays
 * as it is. False when there is no room: a part was written. */
bool qualify_mailboxes(slice value, slice domain, struct buffer *out)
    __attribute__((warn_unused_result));

#endif
