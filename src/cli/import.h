/* cli/import.h - where messages come from: an mbox, or a Maildir with its folders. */
#ifndef CLI_IMPORT_H
#define CLI_IMPORT_H

#include "cli/mail_append.h"

/* Into a mailbox; NULL: INBOX. False after a line: what was asked for can't be done to its end. */
bool import_mbox(struct haul *t, const char *path, const char *mailbox);
/* The Maildir itself is that mailbox, and its folders are below it, or beside INBOX. */
bool import_maildir(struct haul *t, const char *path, const char *mailbox);

/* When a message came, as far as it says so itself: its newest Received, its Date; else now. */
int64_t import_date(slice message);

#endif
