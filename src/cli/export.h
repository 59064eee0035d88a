/* cli/export.h - where messages go: an mbox, or a Maildir.
 *
 * A target gets a mailbox's messages by ascending UID, in groups. A group is there once it was
 * committed; what a crash leaves of one is taken away or overlooked by the next run, and what is
 * there is asked for, so nothing comes twice. */
#ifndef CLI_EXPORT_H
#define CLI_EXPORT_H

#include "cli/haul.h"

struct export;

struct export_message {
	uint32_t uid;
	unsigned flags;                 /* enum imap_flag */
	slice keywords;                 /* with blanks between them; words with "\" are none */
	int64_t received_s;
	uint64_t size;
};

/* Each false after a line: this mailbox can't go on. */
struct export_kind {
	bool (*open)(struct export *e, slice mailbox, uint32_t uidvalidity);
	bool (*has)(const struct export *e, uint32_t uid);
	/* A message begins; its text comes in pieces. The last one may be empty. */
	bool (*begin)(struct export *e, const struct export_message *m, slice first);
	bool (*text)(struct export *e, slice piece, bool last);
	void (*abort)(struct export *e);        /* no more of it comes */
	bool (*commit)(struct export *e, uint32_t uid_last);
	void (*close)(struct export *e);        /* also when open() failed */
};

struct export {
	struct haul *haul;
	struct mail_session *session;
	struct heap *heap;
	const struct export_kind *kind;
	const char *path;               /* as it was given */
	bool single;                    /* an mbox: path is the file, not a folder */
	void *target;                   /* of the kind */
};

extern const struct export_kind export_mbox, export_maildir;

/* One mailbox, with target and all. */
bool export_run(struct export *e, slice mailbox);

#endif
