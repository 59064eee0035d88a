/* queue/verify.h - read all that waits for other hosts: logs and bodies.
 *
 * Damage is told to a finder, with the message's sender and the recipients that are
 * still due. Entries whose body is not whole, and bodies whose entry is lost, are
 * gathered for queue/repair.h.
 *
 * Most bodies that no entry names are of messages that went out: a pack goes as a whole.
 * One counts as lost (UNNAMED) when
 *
 * (1) records of the log are lost, and it may have come to its place at that time or
 *     later: new bodies get places that rise, and a WHOLE says all that were before,
 * (2) no record that can be read names its place,
 * (3) the router will not hand its message over again.
 *
 * Even then it may be of a message that went out. Of one message for several domains
 * one entry may be lost and another be there: nothing shows that.
 *
 * Changes nothing; blocking. OS_ROOT is the folder `queue`. */
#ifndef QUEUE_VERIFY_H
#define QUEUE_VERIFY_H

#include "log/finding.h"
#include "queue/disk.h"

/* An entry that counts. */
struct queue_live {
	struct queue_entry entry;       /* borrowed from the log's bytes */
	const struct queue_word *word;
	bool bad;                       /* its body can't be read as a whole ... */
	bool due;                       /* ... and recipients wait for it */
	enum pack_result why;
	bool bare;                      /* repair found the body all the same ... */
	struct pack_place bare_place;   /* ... and put it here */
};

/* A body whose entry is lost. */
struct queue_unnamed {
	struct pack_place place;
	uint64_t len;                   /* of the pack's entry */
};

struct queue_verify {
	/* Given: */
	struct os *os;
	struct heap *heap;              /* of this run; dropped with it */
	uint64_t seed;                  /* random */
	bool beside;                    /* a server may run: it has a pack open */
	struct finder *finder;
	/* May the router still hand it over? NULL: none. */
	bool (*pending)(void *context, struct message_id id);
	void *context;

	/* Found: */
	struct queue_disk disk;
	struct queue_live *live;        /* ascending by place */
	size_t n_live, n_due;           /* due: with `bad` and `due` */
	struct queue_unnamed *unnamed;  /* ascending by place */
	size_t n_unnamed, unnamed_capacity;
	bool newer, failed;             /* of a later Posthouse; the disk failed */
	uint64_t damage;                /* findings that are no notes */

	/* While it reads: */
	struct arena arena, scratch;    /* of `live`; of one record */
	uint64_t *places;               /* that any record names; sorted at last */
	size_t n_places, places_capacity;
	uint64_t chain;                 /* whose records come: the number of its first file */
	bool chain_whole;
	uint64_t chain_end;             /* the highest place so far */
	bool lost;                      /* records are lost: bodies ... */
	uint64_t lost_after;            /* ... behind this place may be theirs */
};

void queue_verify(struct queue_verify *v);

/* "from <a@b> to <c@d> and 2 others", in words for people; only those who still wait. */
enum { QUEUE_WHO = 200 };
const char *queue_who(const struct queue_entry *entry, char ret_text[QUEUE_WHO]);

#endif
