/* imap/host.h - what the engine sees of an account: its mailboxes and messages, as they are on
 * disk now.
 *
 * Whoever runs the engine provides it (the store; a table of rows in tests). All of these
 * answer at once, from memory. What takes time leaves as an event (imap/server.h). */
#ifndef IMAP_HOST_H
#define IMAP_HOST_H

#include "base/slice.h"
#include "imap/view.h"

enum { IMAP_KEYWORD_BIT = 5 };          /* flags: enum imap_flag, then keywords from this bit on */
enum { IMAP_FLAG_BITS = 48 };

/* Special uses (RFC 6154), and what else LIST says of a mailbox. */
enum imap_use {
	IMAP_USE_NONE,
	IMAP_USE_ALL,
	IMAP_USE_ARCHIVE,
	IMAP_USE_DRAFTS,
	IMAP_USE_FLAGGED,
	IMAP_USE_JUNK,
	IMAP_USE_SENT,
	IMAP_USE_TRASH,
	IMAP_USES,
};

struct imap_mailbox {
	uint32_t number;                /* the host's name for it */
	slice name;                     /* UTF-8, INBOX spelt so; borrowed until the next change */
	bool exists;                    /* false: only subscribed */
	bool subscribed;
	enum imap_use use;
	uint32_t uidvalidity;           /* also the MAILBOXID (RFC 8474): no other has it, ever */
	uint32_t uid_next;
	uint64_t highest_modseq;        /* at least 1 */
	uint32_t messages, unseen, deleted, recent;
	uint32_t recent_from;           /* from this uid on no session has claimed what is \Recent */
	uint64_t bytes, deleted_bytes;  /* the second: of those that are \Deleted */
};

struct imap_message {
	uint32_t uid;
	uint64_t flags;
	uint64_t modseq;
	int64_t received_us;            /* INTERNALDATE */
	int64_t saved_s;                /* RFC 8514; 0: unknown */
	uint64_t size;                  /* RFC822.SIZE */
	/* EMAILID (RFC 8474): the same for copies. */
	uint64_t email_high, email_low;
};

struct imap_quota {
	uint64_t bytes, bytes_max;      /* max 0: none */
};

struct imap_host {
	void *context;

	/* The i-th mailbox, or name that is subscribed, from 0; false: there are no more. */
	bool (*mailbox)(void *context, size_t i, struct imap_mailbox *ret);
	bool (*find)(void *context, slice name, struct imap_mailbox *ret);

	/* Select a mailbox that exists. The view is the host's; take a reference. From now on
	 * the host calls imap_server_poke() when something in it changed. */
	void (*select)(void *context, uint32_t number);
	void (*unselect)(void *context);
	/* Of the selected mailbox: what is in it now; false: it is gone (deleted). */
	bool (*view)(void *context, struct imap_view **ret_view, struct imap_mailbox *ret);
	/* From which uid on no session has claimed what is \Recent in the selected mailbox (RFC 3501
	 * s2.3.2). What is below `before` is claimed now, at once, by this one; 0: nothing. */
	uint32_t (*recent)(void *context, uint32_t before);
	/* A message of the selected mailbox; false: it is gone. */
	bool (*message)(void *context, uint32_t uid, struct imap_message *ret);
	/* The first uid above `after` whose message changed after modseq; 0: none. */
	uint32_t (*changed)(void *context, uint64_t modseq, uint32_t after);
	/* What of the selected mailbox vanished after modseq, ranges by range, ascending by nothing in particular:
	 * the i-th; false: no more. *ret_all: it is not known so far back; every uid that is
	 * not there may have vanished (RFC 7162 s3.2.5). */
	bool (*vanished)(void *context, uint64_t modseq, size_t i, uint32_t *ret_first,
	    uint32_t *ret_last, bool *ret_all);

	/* The name of a keyword by its bit, ptr NULL: there is none; the bit of a name, -1. */
	slice (*keyword)(void *context, unsigned bit);
	int (*keyword_bit)(void *context, slice name);
	bool (*keywords_full)(void *context);

	void (*quota)(void *context, struct imap_quota *ret);
	int64_t (*now_s)(void *context);        /* wall clock, for WITHIN */
};

#endif
