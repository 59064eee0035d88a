/* sim/imap_actor_impl.h - what the files of a simulated device share.
 *
 *   imap_actor.c    the dialogue: from login to a mailbox that is known, and out again
 *   imap_look.c     what is told: into what the device remembers, and is it right?
 *   imap_deed.c     what it changes
 *
 *   LOGIN (CREATE) (ENABLE) -> SELECT (SEARCH) (CHANGES) -> ALL -> SETTLE -> deeds -> LOGOUT
 *
 * (1) What is remembered is as of device->modseq, which moves when a command is answered OK
 *     and all was told by then, never within one. */
#ifndef SIM_IMAP_ACTOR_IMPL_H
#define SIM_IMAP_ACTOR_IMPL_H

#include "imap/client.h"
#include "sim/imap_actor.h"
#include "sim/imap_device.h"
#include "sim/visit.h"

enum imap_step {
	IMAP_STEP_LOGIN, IMAP_STEP_CREATE, IMAP_STEP_ENABLE, IMAP_STEP_SELECT,
	IMAP_STEP_SEARCH,               /* all UIDs: to know which are gone */
	IMAP_STEP_CHANGES,              /* FETCH with CHANGEDSINCE */
	IMAP_STEP_ALL,                  /* each message, ... */
	IMAP_STEP_SETTLE,               /* ... and what happened meanwhile */
	IMAP_STEP_DEED, IMAP_STEP_LOGOUT,
};

/* The selected mailbox, as a session is told of it. */
struct imap_look {
	uint32_t uidvalidity, uid_next;
	unsigned exists_told;           /* how many times */
	uint32_t *numbers, n, capacity; /* without QRESYNC: UIDs, 0: not told */
	uint64_t seen;                  /* the highest modseq so far */
	bool synced;                    /* the device knows all of it, but ... */
	bool behind;                    /* ... for messages that came since */
	bool behind_again;              /* since the command was sent that tells all */
	uint64_t told;                  /* of messages that were known all up to this was told */
	/* What the list of all is judged by, of messages that are known, and of new ones; 0:
	 * nothing was told before. */
	uint64_t base, base_new;
	uint64_t all_asked;
};

enum imap_deed_kind {
	IMAP_DEED_FLAG, IMAP_DEED_MARK, IMAP_DEED_DELETE, IMAP_DEED_EXPUNGE, IMAP_DEED_COPY,
	IMAP_DEED_MOVE, IMAP_DEED_APPEND, IMAP_DEED_NOOP, IMAP_DEED_IDLE, IMAP_DEED_ALL,
	IMAP_DEEDS
};

enum { IMAP_DEED_UIDS = 3 };

struct imap_deed {
	enum imap_deed_kind kind;
	uint32_t uids[IMAP_DEED_UIDS];
	bool left[IMAP_DEED_UIDS];      /* COPYUID of a MOVE named it */
	size_t n;
	bool add, silent;
	unsigned flags;                 /* that are added, or removed */
	bool conditional;
	uint64_t since;
	uint64_t octets;                /* of an APPEND */
};

struct imap_actor {
	struct os *os;
	struct imap_actor_plan plan;
	struct chance chance;
	struct visit visit;
	struct imap_client *client;
	bool behaves, paused;
	unsigned sessions;
	struct os_timer timer;          /* IDLE is over, or ... */
	bool thinks;                    /* ... the next command comes */

	unsigned epoch;                 /* of the book, when the session began */
	struct imap_device boxes[IMAP_BOXES];
	bool created;                   /* the other mailbox is there */
	unsigned appended;

	enum imap_step step;
	uint64_t asked;                 /* when the command was sent: sim_events() */
	bool qresync;                   /* enabled */
	bool resyncs, names;            /* the SELECT says what is remembered; and which UIDs */
	unsigned todo;                  /* mailboxes of this session, as bits */
	unsigned deeds;                 /* left to do in this one */
	enum imap_box box;
	struct imap_look look;
	struct imap_deed deed;
};

static inline struct imap_device *imap_actor_device(struct imap_actor *a)
{
	return &a->boxes[a->box];
}

/* ---- imap_actor.c ---- */
void imap_actor_say(struct imap_actor *a, enum imap_step step, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void imap_actor_ask_all(struct imap_actor *a);
void imap_actor_leave_box(struct imap_actor *a);
/* A broken promise, of the mailbox that is selected. */
void imap_actor_broken(struct imap_actor *a, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* ---- imap_look.c ---- */
void imap_look_begin(struct imap_actor *a);
void imap_look_response(struct imap_actor *a, const struct imap_client_event *event);
/* A command was answered OK: what was told by then can be remembered. */
void imap_look_commit(struct imap_actor *a);
void imap_look_all_begin(struct imap_actor *a);
void imap_look_all_end(struct imap_actor *a);

/* ---- imap_deed.c ---- */
void imap_deed_next(struct imap_actor *a);
/* COPYUID, of a COPY or MOVE. */
void imap_deed_copied(struct imap_actor *a, slice arguments);
void imap_deed_continue(struct imap_actor *a);
void imap_deed_time(struct imap_actor *a);      /* the timer fired */
void imap_deed_done(struct imap_actor *a, const struct imap_client_event *event);

#endif
