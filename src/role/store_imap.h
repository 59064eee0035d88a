/* role/store_imap.h - an IMAP session of a store, for the files that have to do with it.
 *
 *   store_imap.c        bytes and events between stream and engine
 *   store_imap_host.c   what the engine asks of the account (imap/host.h)
 *   store_view.c        selected mailboxes: what is in them, who looks on
 *   store_change.c      what commands change
 *   store_append.c      messages that APPEND brings
 *   store_work.c        texts of messages, on the pool
 *   store_zip.c         COMPRESS
 *
 *   flight settles -> views follow -> sessions that look on are poked -> end of the turn: pumped
 *
 * (1) An engine runs only while its box can be read: not while a job has the account.
 * (2) What lands pumps nobody: it wakes sessions, which are pumped at the end of the turn. */
#ifndef ROLE_STORE_IMAP_H
#define ROLE_STORE_IMAP_H

#include "imap/server.h"
#include "role/store_session.h"

/* A stretch of UIDs in which something changed. */
struct view_note {
	uint64_t modseq;                /* the last of them */
	uint32_t first, last;
};

/* A mailbox that sessions have selected. */
struct box_view {
	struct list link;               /* box->views */
	struct box *box;
	uint16_t number;
	uint64_t created_modseq;        /* with the number: which mailbox it is */
	struct list sessions;           /* struct imap_session */
	struct imap_view *view;
	uint32_t recent_from;           /* may be ahead of the account's */
	struct recent *recent;          /* that is being written */
	bool touched;                   /* by what settles */
	size_t row_at;                  /* of the change that was told last */
	struct view_note notes[STORE_VIEW_NOTES];       /* oldest first */
	unsigned n_notes;
	uint64_t floor;                 /* what changed up to this modseq, they don't tell */
};

struct imap_session {
	struct session *session;
	struct imap_server *engine;
	struct imap_host host;
	struct os_defer wake;           /* pump at the end of the turn */
	struct os_timer turn;           /* in the next one */
	slice offered;                  /* by the stream, while it offers */
	bool offering;
	bool left;                      /* the engine did not take all */
	struct box_view *view;          /* selected */
	struct list selected;           /* view->sessions */
	size_t row_at;                  /* of the message that was asked for: the next one follows */
	size_t mailbox_i, mailbox_at;   /* the last that was listed, and where it stood */
	size_t vanished_i, vanished_at; /* likewise */
	struct client_change *change;   /* waits, or flies */
	struct appending *append;
	struct working *working;
	struct zipping *zip;            /* COMPRESS */
};

/* ---- store_imap.c ---- */
void imap_wake(struct imap_session *im);

/* ---- store_imap_host.c ---- */
void imap_host_init(struct imap_session *im);

/* ---- store_view.c ---- */
void view_select(struct imap_session *im, uint16_t number);
void view_unselect(struct imap_session *im);    /* no-op when none is selected */
const struct account_mailbox *view_mailbox(const struct box_view *v);   /* NULL: it is gone */
uint32_t view_changed(struct box_view *v, uint64_t modseq, uint32_t after);
/* Of the selected mailbox: see struct imap_host. */
uint32_t view_recent(struct imap_session *im, uint32_t before);
/* Where \Recent begins in a mailbox. */
uint32_t view_recent_from(const struct box *box, const struct account_mailbox *m);

/* ---- store_change.c ---- */
void change_ask(struct imap_session *im, struct imap_change *change);
void change_leave(struct imap_session *im);
/* The levels above a name are made, as far as they are not there. CHANGED, or what is in the
 * way. */
enum account_answer change_superiors(struct box *box, slice name);
enum imap_result change_result(enum account_answer answer);
/* The bits of flags; keywords that are new are added, when `add`. False: no more fit. */
bool change_bits(struct account *a, const struct imap_flags *flags, bool add, uint64_t *ret_bits);

/* ---- store_append.c ---- */
void append_init(struct store *s);
void append_begin(struct imap_session *im, const struct imap_append *message);
void append_text(struct imap_session *im, slice text);
void append_commit(struct imap_session *im);
void append_drop(struct imap_session *im);      /* also when there is none */

/* ---- store_work.c ---- */
void work_ask(struct imap_session *im, struct imap_work *work);
/* A work is done: the engine has it back. */
bool work_pump(struct imap_session *im);
bool work_runs(const struct imap_session *im);
void work_leave(struct imap_session *im);       /* not while it runs: later */

/* ---- store_zip.c ---- */
void zip_ask(struct imap_session *im);          /* once the output of now is sent: */
void zip_begin(struct imap_session *im);
bool zip_is_on(const struct zipping *z);
/* Pack what the engine has and send it; unpack what came, and feed it. True: something moved. */
bool zip_send(struct imap_session *im);
bool zip_feed(struct imap_session *im, slice in, void (*used)(struct imap_session *im, size_t n));
bool zip_owes(const struct imap_session *im);   /* some of the output is not sent */
void zip_free(struct imap_session *im);

#endif
