/* sim/imap_device.h - what one device remembers of one mailbox: messages by UID, with
 * their flags and modseqs, as of a HIGHESTMODSEQ. */
#ifndef SIM_IMAP_DEVICE_H
#define SIM_IMAP_DEVICE_H

#include "base/buffer.h"
#include "base/heap.h"
#include "sim/imap_reply.h"

struct imap_known {
	uint32_t uid;
	unsigned flags;
	uint64_t modseq, size, email;   /* 0: not told yet */
	bool fetched;                   /* in the list of all that is being told */
	bool doomed;                    /* the EXPUNGE that was sent takes it */
};

struct imap_device {
	struct heap *heap;
	uint32_t uidvalidity;           /* 0: nothing is remembered */
	uint64_t modseq;                /* all up to it was told; 0: none */
	struct imap_known *known;       /* ascending */
	size_t n, capacity;
};

void imap_device_forget(struct imap_device *d);         /* all */
struct imap_known *imap_device_find(const struct imap_device *d, uint32_t uid);
/* A new one when it is not there. */
struct imap_known *imap_device_put(struct imap_device *d, uint32_t uid);
void imap_device_remove(struct imap_device *d, uint32_t uid);
/* The UIDs, as a set. */
void imap_device_print(const struct imap_device *d, struct buffer *out);
/* NULL: they are the same. Otherwise how they differ, in `text`. */
const char *imap_device_compare(const struct imap_device *a, const struct imap_device *b,
    char *text, size_t size);

#endif
