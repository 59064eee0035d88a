/* sim/checker.h - what the simulated world's clients know, and what must
 * therefore hold.
 *
 * A message here is one transaction: a sender that tries again sends another,
 * told apart by its reverse-path. So the promises are sharp:
 *   - acknowledged (250 after the dot): exactly once in each mailbox of its
 *     accepted recipients, whatever broke;
 *   - the dot was sent, but no reply came: in none of them or once in each;
 *   - a 4xx after the dot: likewise, but nowhere unless some process ended since
 *     the message began: a record whose sync failed may count after a restart;
 *   - everything else, and a 5xx after the dot: nowhere;
 *   - nowhere without a decision of the directory, sealed for this message.
 * And for mailboxes: a UIDL belongs to one message for ever; a message that was
 * seen stays until its reader deletes it; deleted (+OK to QUIT, or seen to be
 * gone) is gone for ever; bytes do not change. After a QUIT that got no +OK its
 * marked messages may go, each by itself; one that was seen once more goes only
 * when some process has ended since that list was asked for: a record that failed
 * to be synced may be on the disk all the same, and count after a restart. The list
 * may come later than that, and the one who wrote it be dead by then.
 *
 * Mail for other hosts may come twice, when a reply to the dot was lost or somebody
 * died: that is counted. An acknowledged message is at its mailbox elsewhere at least
 * once, or one report that it failed is with its sender; at most one more says that it
 * is late. Nobody is told of a message with the null sender, nor of one that was
 * refused. A report itself is mail: where it goes to another host it may fail, if the
 * relay says so, and come twice.
 *
 * Rot takes only what it hit: a copy whose bytes turned stays listed, but may be
 * unreadable, and then a store must say so; if it can be read it is what was sent.
 *
 * The first broken promise is kept; later ones are its consequences. */
#ifndef SIM_CHECKER_H
#define SIM_CHECKER_H

#include "base/buffer.h"
#include "os/os_sim.h"

enum { CHECKER_ACCOUNTS_MAX = 64, CHECKER_UID_MAX = 70 };

/* Where senders live that no simulated Posthouse serves. */
#define CHECKER_AWAY "away.example"

struct checker;

struct checker *checker_create(struct sim *sim);
/* NULL while all promises hold. */
const char *checker_failure(const struct checker *c);
void checker_fail(struct checker *c, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Accounts are numbered from 0. The address is borrowed. */
unsigned checker_account_add(struct checker *c, slice address);
slice checker_account_address(const struct checker *c, unsigned account);
/* 0: no such; otherwise its bit. */
uint64_t checker_account_bit(const struct checker *c, slice address);

/* ---- senders ---- */

/* A new message; its reverse-path is "mNUMBER@" CHECKER_AWAY, "USER+mNUMBER@" and a
 * domain of a simulated host; or what checker_nobody_hears() is about. */
unsigned checker_message_begin(struct checker *c);
/* The number in such a reverse-path; 0: none. */
unsigned checker_sender_number(const struct checker *c, slice sender);
/* Its sender can't be told of it: "gNUMBER@" CHECKER_AWAY, whose mailbox is gone; or
 * the report to it was refused for good, or expired. */
void checker_nobody_hears(struct checker *c, unsigned message);
/* Its reverse-path is null: its content says which one it is. */
void checker_null_sender(struct checker *c, unsigned message);
/* The directory sealed a decision for this message. */
void checker_sealed(struct checker *c, unsigned message, slice recipient, uint64_t accounts);
/* A recipient that leads to the accounts of the set was accepted. */
void checker_accepted(struct checker *c, unsigned message, uint64_t accounts);
/* Of these accounts some are elsewhere. */
void checker_remote(struct checker *c, unsigned message, uint64_t accounts);
/* The same of CHECKER_MOVING@..., which leads to other accounts now and then:
 * where the last decision that was sealed for it says. */
#define CHECKER_MOVING "moves"
void checker_accepted_moving(struct checker *c, unsigned message);
void checker_dot(struct checker *c, unsigned message);          /* is about to leave */
void checker_reply(struct checker *c, unsigned message, unsigned code);
/* What the 250 calls it. From then on mail for another host may be gone without a report
 * only where a relay says in its log that it gave up the message of this id, for this
 * recipient: nobody could be told. */
void checker_queued_as(struct checker *c, unsigned message, slice id);
void checker_given_up(struct checker *c, slice id, slice recipient);

/* ---- readers, one at a time per account ---- */

/* One connects: what it is told is not older. */
void checker_visit(struct checker *c, unsigned account);
/* Before it is asked for. */
void checker_list_begin(struct checker *c, unsigned account);
void checker_listed(struct checker *c, unsigned account, slice uid);
void checker_list_end(struct checker *c, unsigned account);
/* The uid's text of the last list, by its place in it; empty when past its end. */
slice checker_list_uid(const struct checker *c, unsigned account, size_t place);
/* Has its body been compared before? */
bool checker_known(const struct checker *c, unsigned account, slice uid);
void checker_body(struct checker *c, unsigned account, slice uid, slice bytes);
/* A message that was listed can't be read. An error for ever, once no fault is
 * left to explain it. */
void checker_unreadable(struct checker *c, unsigned account, slice uid);
/* From now on a message that can't be read is a broken promise. */
void checker_no_excuse(struct checker *c);
/* QUIT leaves with this one marked; then how that ended. */
void checker_deleting(struct checker *c, unsigned account, slice uid);
void checker_quit(struct checker *c, unsigned account, bool answered, bool ok);

/* ---- IMAP clients, beside the reader (sim/imap_book.h), in the INBOX ---- */

/* How the messages begin that they APPEND, to another mailbox. */
#define CHECKER_APPENDED "Subject: appended "
/* A reader has read it and it is there: it may be asked to go. */
bool checker_may_remove(const struct checker *c, unsigned account, uint32_t uidvalidity,
    uint32_t uid);
void checker_removing(struct checker *c, unsigned account, uint32_t uidvalidity, uint32_t uid);
/* Somebody was told that it is gone. */
void checker_removed(struct checker *c, unsigned account, uint32_t uidvalidity, uint32_t uid);
/* A reader may have deleted it. */
bool checker_may_go(const struct checker *c, unsigned account, uint32_t uidvalidity,
    uint32_t uid);
/* Another number: what was told before of flags and modseqs, and of which messages there
 * are, counts no more, since rot hit the account's log or repair wrote it anew. */
unsigned checker_epoch(const struct checker *c, unsigned account);

/* ---- mailboxes that no simulated Posthouse serves ---- */

/* One took this, as it came after DATA. */
void checker_outside(struct checker *c, slice sender, slice recipient, slice bytes);

/* ---- rot ---- */

/* Bytes of a message turned: on its way to all (accounts = its own), or at rest
 * in one. */
void checker_rotten(struct checker *c, unsigned message, uint64_t accounts);
/* Somewhere in an account's log. */
void checker_log_hit(struct checker *c, unsigned account);
/* A store named the damage in its log: of this copy, not of some. */
void checker_damage_named(struct checker *c, unsigned message, uint64_t accounts);

/* Rot hit the one record of this message on its way to these accounts, whose bytes
 * begin with its Return-Path: it may not come, once somebody named the damage. Of a
 * report: its sender may not be told. Which message it is, or is told of; 0: nobody's. */
unsigned checker_lost(struct checker *c, uint64_t accounts, slice bytes);
/* The same of one whose bytes can't be read, since they were hit before: what its 250
 * called it says which it is. */
unsigned checker_lost_by_id(struct checker *c, uint64_t accounts, slice id);
/* The same of what an account's log says of a copy: it may be gone, and come back as
 * another. */
unsigned checker_row_lost(struct checker *c, unsigned account, slice uid, slice bytes);
void checker_lost_named(struct checker *c, unsigned message, uint64_t accounts);
/* Rot hit what the queue knows of this one: reports on it may come again. */
void checker_retold(struct checker *c, slice bytes);
/* Rot hit whom the queue has told, of all messages so far. */
void checker_all_retold(struct checker *c);
/* Rot hit what the router knows to be done: what an account lost may be there twice, from
 * the journal and from repair. */
void checker_redelivers(struct checker *c, unsigned account);
/* The account's log lost changes: what was deleted before may be there again, once. */
void checker_shaken(struct checker *c, unsigned account);
/* It was repaired: what can't be read is not listed any more. */
void checker_repaired(struct checker *c, unsigned account);

/* Which message do these bytes begin, by their Return-Path? 0: none. */
unsigned checker_message_number(const struct checker *c, slice bytes);

/* ---- at the end ---- */

/* Has each acknowledged message come, and each doubtful one to all or none? */
bool checker_settled(const struct checker *c);
/* The same, as a failure that names one that is not. */
void checker_settle(struct checker *c);

struct checker_counts {
	unsigned messages, acknowledged, doubtful, refused, copies, deleted;
	unsigned full;          /* refused with 452: no room */
	unsigned rotten;        /* copies that rot hit; and that it took */
	unsigned taken;
	unsigned remote;        /* deliveries to other hosts; those that came once more */
	unsigned doubles;
	unsigned reports, late; /* that a message failed, or is late */
};

struct checker_counts checker_count(const struct checker *c);

#endif
