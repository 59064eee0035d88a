/* sim/imap_book.h - what IMAP clients of one account were told, on all their devices, and
 * what must therefore hold, whatever broke:
 *
 *   - UIDVALIDITY never changes; UIDNEXT and HIGHESTMODSEQ never fall;
 *   - a UID is one message for ever, and its modseq never falls; no UID below a UIDNEXT
 *     is new once all messages were listed;
 *   - a message that was told stays until somebody asks for it to go, and one that was told
 *     to be gone is gone for ever;
 *   - a keyword whose STORE was answered OK is there, and a message whose COPY, MOVE or
 *     APPEND was: so many octets, at that UID.
 *
 * Two devices hear at different times: `asked` is when the command was sent (sim_events())
 * whose answer this is. Only what anybody was told by then must be in it.
 *
 * Rot in the account's log takes all of this back (checker_epoch()): a new book begins. */
#ifndef SIM_IMAP_BOOK_H
#define SIM_IMAP_BOOK_H

#include "sim/checker.h"
#include "sim/imap_reply.h"

enum imap_box { IMAP_INBOX, IMAP_OTHER, IMAP_BOXES };

enum { IMAP_DEVICES = 2 };

struct imap_book;

/* Lives in the world. */
struct imap_book *imap_book_create(struct sim *sim, struct checker *checker, unsigned account);
/* Which book it is now: others count no more. */
unsigned imap_book_epoch(struct imap_book *book);
const char *imap_box_name(enum imap_box box);

void imap_book_selected(struct imap_book *book, enum imap_box box, uint64_t asked,
    uint32_t uidvalidity, uint32_t uid_next, uint64_t modseq);
void imap_book_saw(struct imap_book *book, enum imap_box box, uint64_t asked,
    const struct imap_sight *sight);
/* These are all, ascending; the SELECT said this UIDNEXT. */
void imap_book_saw_all(struct imap_book *book, enum imap_box box, uint64_t asked,
    const uint32_t *uids, size_t n, uint32_t uid_next);

/* May it be asked to go? In the INBOX only what a reader knows. */
bool imap_book_may_remove(const struct imap_book *book, enum imap_box box, uint32_t uid);
/* `marks`: by \Deleted, that is not at once. */
void imap_book_removing(struct imap_book *book, enum imap_box box, uint32_t uid, bool marks);
void imap_book_gone(struct imap_book *book, enum imap_box box, uint32_t uid);

/* STORE +FLAGS of a device's keyword was answered OK. */
void imap_book_kept(struct imap_book *book, enum imap_box box, uint32_t uid, unsigned device);
/* It was answered OK, though only if nothing changed since this modseq. */
void imap_book_unchanged(struct imap_book *book, enum imap_box box, uint64_t asked,
    uint32_t uid, uint64_t since);
/* APPENDUID or COPYUID; email 0: not known. */
void imap_book_added(struct imap_book *book, enum imap_box box, uint32_t uidvalidity,
    uint32_t uid, uint64_t size, uint64_t email);

/* After imap_book_added(): what it is a copy of. */
void imap_book_copied(struct imap_book *book, enum imap_box from, uint32_t uid,
    enum imap_box to, uint32_t new);

struct imap_book_counts {
	unsigned messages, gone, kept, added;
};

struct imap_book_counts imap_book_count(const struct imap_book *book);

#endif
