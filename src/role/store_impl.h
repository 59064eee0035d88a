/* role/store_impl.h - what the files of the store share.
 *
 *   store.c             the role: peers, generations, drain
 *   store_box.c         open accounts: load, files, rebase, forget
 *   store_deliver.c     IPC_DELIVER -> offers -> changes -> answers
 *   store_source.c      files of the router that bodies are in
 *   store_digest.c      what is remembered of messages
 *   store_checkpoint.c  changes -> disk, in flights
 *   store_mock.c        what a mock's mailboxes keep, and what that takes
 *   store_watch.c       a mock's web: told what is there, and what changes
 *   store_fetch.c       the same: messages, piece by piece
 *   store_wish.c        the same: messages go, and are marked
 *   store_tags.c        the same: tags that people put on them
 *   store_queue.c       what clients change, in their order
 *   store_first.c       the mailboxes that an account begins with
 *   store_quota.c       how much an account may hold
 *   store_undelete.c    an administrator lists what was expunged, and brings it back
 *   store_sweep.c       what was expunged long ago goes
 *   store_compact.c     its bytes, too
 *   store_session.c     logins and connections meet; the session's life
 *   store_pop3.c        the POP3 engine's events
 *   store_imap.c        the IMAP engine's; see store_imap.h for what belongs to it
 *   store_read.c        messages from packs, piece by piece
 *
 *   IPC_DELIVER -> offer -(box loaded, files open)-> change -(flight)-> IPC_DELIVERED
 *
 * A box is an open account. Its heap belongs to the loop, or while `busy` to one
 * work on the pool; box_step() is called whenever something may go on. It does
 * nothing while the box is busy, and only takes offers while it flies.
 *
 * A flight is one plan at a time for all accounts that take part:
 *
 *   bodies -> packs, new folder entries -> sync -> records -> logs -> sync -> settled
 *
 * (1) A record is not written before the body it names is synced: a durable
 *     record has a durable body, whatever a power cut does.
 * (2) Nothing is answered DURABLE, and no session sees a message, before its
 *     record is synced.
 * (3) When a flight fails, what flew is taken back and answered LATER; the next
 *     change goes to new files. When those fail too, the shard answers LATER to
 *     everything until a try succeeds, at growing intervals. */
#ifndef ROLE_STORE_IMPL_H
#define ROLE_STORE_IMPL_H

#include "account/files.h"
#include "base/limits.h"
#include "base/table.h"
#include "imap/server.h"
#include "journal/delivery.h"
#include "os/plan.h"
#include "os/stream.h"
#include "pack/digest.h"
#include "pack/pack.h"
#include "pop3/server.h"
#include "role/frame.h"

struct box;
struct session;

/* A segment of the router's. It is not used anew before all that is in it was
 * answered. */
struct source {
	struct store *store;
	uint64_t number;
	int fd;
	unsigned refs;                  /* the table's is one */
};

/* One IPC_DELIVER, until all its targets are answered. */
struct incoming {
	unsigned refs;
	unsigned waiting;               /* offers that were not judged yet: they need its bytes */
	unsigned epoch;                 /* of the router that sent it */
	struct arena arena;
	struct delivery delivery;
	struct source *source;          /* or NULL */
	int fd;                         /* of the body alone, or -1 */
};

/* One target of it. */
struct offer {
	struct list link;               /* box->offers, then box->pending */
	struct incoming *incoming;
	uint16_t target;                /* of the incoming's */
	bool judged;                    /* in box->pending, or about to be answered */
	bool ours;                      /* a change was made for it; else it waits for one */
};

/* A message for the pack: its entry, and its body, there or in a descriptor. */
struct piece {
	struct list link;               /* box->pieces, then box->flying_pieces */
	uint64_t offset;
	int from;                       /* -1: all is in bytes */
	uint64_t from_offset, from_len, checksum;
	struct buffer frames;           /* or here, behind the bytes */
	size_t len;
	unsigned char bytes[];
};

/* What a client changes. */
struct box_change {
	struct list link;               /* box->changes */
	const struct change_kind *kind;
	bool made, flies;
};

struct change_kind {
	bool together;                  /* it only adds: others like it may be made meanwhile */
	bool pack;                      /* messages: a pack must be open */
	bool cold;                      /* nobody waits for it */
	bool looks;                     /* it changes nothing: no files, unless others do */
	/* The box is writable. False: there is nothing to change; it has landed. */
	bool (*make)(struct box *box, struct box_change *c);
	/* It is durable (or was nothing), or is not going to be. */
	void (*landed)(struct box *box, struct box_change *c, bool ok);
};

enum job {
	JOB_NONE,
	JOB_LOAD,                       /* the head, or all */
	JOB_ROWS,                       /* make it full */
	JOB_FILES,                      /* open or make log and pack */
	JOB_REBASE,
	JOB_COLLECT,                    /* logs that nothing needs */
	JOB_PACKS,                      /* packs of which nothing is used */
	JOB_TAGS,                       /* read them */
};

/* Of a box: what is remembered of its messages. */
struct box_digests {
	struct box *box;                /* NULL: it went, and a work has this alone */
	struct store *store;
	struct digests index;           /* with a heap of its own */
	size_t memory;                  /* of it, when it was last given back */
	bool taken;                     /* by a work that runs */
};

struct box {
	struct list link;               /* store->boxes, least recently used first */
	struct list opened;             /* store->opened, likewise: it has descriptors */
	struct store *store;
	uint64_t id;
	struct heap *heap;
	struct account *account;        /* in heap */
	bool loaded;
	enum account_load_result bad;   /* not ACCOUNT_LOADED: it can't be used */
	uint64_t bad_until_ms;          /* then try again */
	unsigned live_version;          /* of the generations its keys were judged by */
	size_t counted;                 /* bytes of its heap in store->memory */

	bool busy, flying;
	enum job job;
	struct os_work work;
	struct account_notes notes;
	enum account_load_result loading;
	int error;                      /* of the job */
	bool want_full;
	unsigned want_files;
	struct account_birth birth;
	slice tags;                     /* as JOB_TAGS read them, in heap */
	uint32_t tags_next;

	struct account_files files;     /* of the open segment; folders not yet synced */
	struct account_files new_files; /* what a job made */
	uint32_t pack;                  /* number of the open pack, or 0 */
	uint64_t pack_end;
	uint32_t pack_first;            /* no older one is there, as far as we know; 0: who knows */
	bool pack_over;                 /* no entry goes there any more */
	/* Until then none is unlinked: somebody may be about to open one. */
	uint64_t packs_kept_until_ms;
	uint32_t packs_unused;          /* as the rebase that runs may think of those below */
	const struct account_compaction *moves; /* of the sweep's rebase that runs, or NULL */

	struct list offers;             /* wait for the box */
	struct list pending;            /* wait for their records, in their order */
	size_t n_flying;                /* the first of pending that fly */
	struct list pieces, flying_pieces;
	struct list dirty;              /* store->dirty, hot ones first */
	bool hot;                       /* somebody waits: sync at once */
	struct list starved;            /* store->starved: waits for descriptors */
	bool flush_failed;              /* since a session asked */

	struct session *session;        /* POP3: one at a time */
	struct list next;               /* sessions that wait for it to end */
	struct list imap;               /* sessions, any number of them */
	struct list views;              /* struct box_view: the mailboxes they have selected */
	struct box_digests *digests;    /* once they are asked for */
	size_t append_bytes;            /* of store->append_bytes */
	struct list changes;            /* of clients, store_queue.c */
	struct box_change first;        /* store_first.c */
	bool first_waits;               /* sessions wait for it */
	unsigned boarded, flight, landed;       /* flights it was on, is on; the last that landed */
	bool removing;                  /* IPC_REMOVED came: no more deliveries */
	bool purged;                    /* and only the HEAD that says so is left */
};

struct flight {
	struct plan plan;
	struct list boxes;              /* struct flying */
	bool logs;                      /* the second half */
	bool system;                    /* this half ends in a syncfs */
	size_t n_files;                 /* synced in this half */
	bool busy;
	uint64_t since_us;
};

struct flying {
	struct list link;
	struct box *box;
	size_t n_changes;               /* that were there when it boarded */
	struct account_write writes[2];
	size_t n_writes;
};

/* What a mock's web knows. */
struct watch {
	bool on;
	bool listing;                   /* it was not told yet that it knows all */
	struct table accounts;          /* struct watched, by id */
	struct list untold;             /* of them, with something to tell */
	struct watch_scan *scan;        /* that runs, or NULL */
};

enum sweep_phase {
	SWEEP_BEGINS,
	SWEEP_PURGED,
	SWEEP_COPIES,                   /* on the pool; the box goes on */
	SWEEP_SWAPS,                    /* rows are to name new places, or packs to go */
};

/* Accounts are gone through, one after the other. */
struct sweep {
	struct os_timer timer;          /* the next account, or the next time */
	struct sweep_scan *scan;        /* lists them, or NULL */
	struct heap *heap;              /* with the list; NULL: none is gone through */
	uint64_t *accounts;
	size_t n, at;
	size_t n_first;                 /* without those that come again */
	uint64_t turn;                  /* how often, since 1970 */
	bool waits;                     /* for accounts[at] */
	enum sweep_phase phase;
	struct store_compact *compact;  /* or NULL */
	bool was_there;                 /* it was in memory before */
	struct box_change change;
};

/* A login that waits for its connection, or the other way round. */
struct nonce {
	struct list link;               /* store->nonces, oldest first */
	uint64_t number;
	uint64_t expires_ms;
	uint64_t account;               /* of a login */
	struct buffer login;            /* its address */
	struct session *session;        /* of a connection */
};

struct store {
	struct frame frame;
	struct os *os;
	struct heap *heap;
	bool drained;
	int root;                       /* for syncfs */

	struct table table;             /* boxes by id */
	struct list boxes, opened;
	size_t n_boxes, n_fds, memory;
	struct list starved;            /* boxes */
	struct os_defer limit_defer;
	size_t n_jobs;

	unsigned epoch;                 /* changes with the router */
	bool told_live;
	uint64_t *live;                 /* generations, sorted */
	size_t n_live, live_capacity;
	unsigned live_version;

	size_t n_offers;
	struct buffer answers;
	uint32_t n_answers;
	struct os_defer answer_defer;

	struct table sources;           /* by number */
	struct list dirty;
	size_t pending_bytes;           /* of pieces, in memory */
	uint64_t unsaved_bytes;         /* since the last flight of all: of messages */
	size_t unsaved_messages, unsaved_boxes;
	struct flight flight;
	struct os_timer checkpoint_timer;
	struct os_defer checkpoint_defer;
	uint64_t dirty_since_ms, last_offer_ms, last_flight_ms;
	uint64_t sync_file_us, sync_system_us;  /* what they cost lately */
	bool no_sync_system;

	unsigned failures;              /* in a row */
	uint64_t stopped_until_ms;
	struct os_timer retry_timer;    /* for removals: nobody asks for them again */

	struct table nonce_table;       /* by number */
	struct list nonces;
	size_t n_nonces;
	struct os_timer nonce_timer;

	struct list sessions;
	size_t n_sessions;
	uint64_t n_delivered;           /* for the web */
	size_t n_reading;
	struct list readers;            /* sessions that wait to read */
	struct os_timer drain_timer;
	struct pop3_server_config pop3;
	struct imap_server_config imap;
	struct list works;              /* struct working: IMAP's, that wait for the pool */
	size_t n_works;                 /* that run */
	size_t append_bytes;            /* of messages that gather */
	void *zstd;                     /* to compress them */
	uint64_t append_generation;     /* of their ids; 0: none yet */
	uint32_t append_sequence;
	struct os_timer age_timer;      /* of a mock: its old messages go */
	struct watch watch;
	struct list fetches, fetching;  /* struct fetch: those that wait, and the others */
	size_t n_fetches, n_fetching, n_fetch_works;
	struct pack_unzip unzip;
	struct os_defer fetch_defer;
	struct os_timer fetch_timer;
	uint64_t fetch_ms;              /* when the last work began */
	struct list wishes;             /* of the web */
	size_t n_wishes;
	struct table tags;              /* struct account_tags, by account, while the web is there */
	struct list taggings;           /* of the web, too */
	struct table quotas;            /* struct quota, by account */
	bool told_quotas;               /* all that the directory has */
	unsigned quotas_epoch;          /* changes with the directory */
	struct list undeletes;          /* of the directory */
	size_t n_undeletes;
	struct sweep sweep;
};

/* ---- store.c ---- */
void store_note_generation(struct store *s, uint64_t generation);
/* Nothing is owed any more? Then say so. */
void store_drain_check(struct store *s);
/* The disk failed, or works again. */
void store_failed(struct store *s, const char *what, int error);
void store_recovered(struct store *s);
bool store_stopped(const struct store *s);
void store_retry(struct store *s, uint64_t delay_ms);

/* ---- store_box.c ---- */
void boxes_init(struct store *s);
struct box *box_get(struct store *s, uint64_t id);
/* Do what can be done now, as far as nothing else has the box. */
void box_step(struct box *box);
/* May changes be made (with `pack`: messages)? False: a job prepares it. */
bool box_writable(struct box *box, bool pack);
/* No work of the pool changes what sessions see? */
bool box_is_readable(const struct box *box);
/* Something waits for a flight; hot: so does somebody. */
void box_dirty(struct box *box, bool hot);
void box_count_memory(struct box *box);
/* It is not full: a job makes it so. */
void box_start_rows(struct box *box);
void box_start_tags(struct box *box);   /* store_tags_loaded() comes */
/* A new base, with these moves; store_compact_swapped() comes. No changes but kept ones. */
void box_rebase_for(struct box *box, const struct account_compaction *moves);
void box_close_folders(struct box *box);
void box_close_files(struct box *box);
/* At the end of the turn: forget idle accounts and close idle files, until what is
 * open is within limits. Only this and the next one free a box. */
void boxes_limit(struct store *s);
/* Is there a descriptor for one more session? Closes files of idle accounts for it. */
bool boxes_leave_descriptor(struct store *s);

/* ---- store_deliver.c ---- */
void store_deliver_init(struct store *s);
bool store_deliver(struct store *s, struct ipc_message *message);
/* Judge the offers of a loaded box. False: a job prepares it, the rest waits. */
bool box_take_offers(struct box *box);
/* Answer pending ones that only waited for a record that is durable now. */
void box_judge_waiting(struct box *box);
void offers_answer(struct box *box, struct list *offers, size_t n, enum delivery_result result);
void pieces_free(struct box *box, struct list *pieces);
/* An entry for the pack, at its end: with what is in frames, which it takes. */
void box_add_piece(struct box *box, slice entry, struct buffer *frames);
/* No entry may be added now. */
bool box_pack_is_crowded(const struct box *box);

/* ---- store_source.c ---- */
void sources_init(struct store *s);
/* fd: -1, or what came along, which is taken. NULL: the router's mistake. */
struct source *source_use(struct store *s, uint64_t number, int fd);
void source_unref(struct source *source);       /* NULL is allowed */
bool store_source_over(struct store *s, struct ipc_message *message);
void sources_forget(struct store *s);           /* the router left */

/* ---- store_checkpoint.c ---- */
void checkpoint_init(struct store *s);
void checkpoint_schedule(struct store *s);

/* ---- store_digest.c ---- */
/* For a work that begins; nobody has them. */
struct box_digests *digests_take(struct box *box);
void digests_give_back(struct box_digests *d);
bool digests_are_taken(const struct box *box);
size_t digests_memory(const struct box *box);
void digests_forget(struct box *box);           /* it goes */

/* ---- store_mock.c ---- */
void store_mock_init(struct store *s);
void store_mock_start(struct store *s);         /* the configuration is there */
/* Has a mailbox an end here? Then boxes are loaded in full. */
bool store_mock_trims(const struct store *s);
/* Before the box's changes fly: what is over its number, or too old, goes with them. */
void store_mock_trim(struct box *box);
bool store_mock_expired(const struct box *box); /* its oldest message, durable, is too old */
/* At what size another pack begins. */
uint64_t store_pack_max(const struct box *box);
/* Are there packs of which nothing is used? Then JOB_PACKS is worth it. */
bool store_mock_wants_packs(const struct box *box);

/* ---- store_watch.c ---- */
void store_watch_init(struct store *s);
bool store_watch(struct store *s, struct ipc_message *message);
void store_watch_over(struct store *s);         /* the web left */
bool store_watches(const struct store *s);      /* somebody wants to know at once */
/* Was the web told of messages of that account? */
bool store_watch_told(const struct store *s, uint64_t account);
/* Is the box to be loaded for it? */
bool store_watch_wants(const struct box *box);
/* Tell what there is; true: a job or a flight comes first. */
bool store_watch_step(struct box *box);
void store_watch_bad(struct box *box);          /* it can't be read */
/* Around account_settled(). */
void store_watch_settling(const struct box *box);
void store_watch_settled(struct box *box);
void store_web_room(struct ipc_channel *web);

/* ---- store_fetch.c ---- */
void store_fetch_init(struct store *s);
bool store_fetch(struct store *s, struct ipc_message *message);
void store_fetch_room(struct store *s);
void store_fetches_over(struct store *s);

/* ---- store_wish.c ---- */
bool store_expunge(struct store *s, struct ipc_message *message);
bool store_mark(struct store *s, struct ipc_message *message);
void store_wishes_over(struct store *s);        /* the web left */

/* ---- store_tags.c ---- */
void store_tags_init(struct store *s);
bool store_tag(struct store *s, struct ipc_message *message);
/* Are they to be loaded, before the web is told of its messages? */
bool store_tags_want(const struct box *box);
/* A file, borrowed; empty: there was none. */
void store_tags_loaded(struct box *box, int error, slice file, uint32_t next);
/* Those of one message, if somebody put some on it. */
void store_tags_tell(const struct store *s, struct ipc_channel *web, uint64_t account,
    const struct account_row *row);
void store_tags_gone(struct store *s, uint64_t account, uint32_t first, uint32_t last);
void store_tags_over(struct store *s);          /* the web left */

/* ---- store_first.c ---- */
bool store_first_step(struct box *box);         /* true: sessions wait for them */

/* ---- store_quota.c ---- */
void store_quotas_init(struct store *s);
bool store_quotas(struct store *s, struct ipc_message *message);
bool store_held(struct store *s, struct ipc_message *message);
void store_quotas_forget(struct store *s);      /* another directory is there */
void store_quotas_reload(struct store *s);      /* the configuration is another one */
uint64_t box_quota(const struct box *box);      /* bytes; 0: none */
/* May it hold so many bytes more? */
bool box_has_quota(const struct box *box, uint64_t more);
/* What it holds may be another amount: tell the directory if it is full now, or no more. */
void box_judge_quota(struct box *box);

/* ---- store_undelete.c ---- */
void store_undelete_init(struct store *s);
/* What is expunged now: when that is, for account_expunge(); 0: for good. */
uint32_t store_bury_s(const struct box *box);
bool store_undelete(struct store *s, struct ipc_message *message);
void store_undeletes_over(struct store *s);     /* the directory left */

/* ---- store_sweep.c ---- */
void store_sweep_init(struct store *s);
void store_sweep_start(struct store *s);        /* the configuration is there */
bool store_sweep_wants(const struct box *box);  /* is it its turn? */
/* Do what there is; true: a job comes first. */
bool store_sweep_step(struct box *box);
void store_sweep_bad(struct box *box);          /* it can't be read */
bool store_sweep_copies(const struct box *box); /* a work may make packs of it */
void store_sweep_next(struct box *box);         /* it is done with */
void store_sweep_again(struct store *s, uint64_t account);      /* later, once more */

/* ---- store_compact.c ---- */
/* Write packs anew that hold much of what is gone; thorough: anything. Full state. */
void store_compact_start(struct box *box, bool thorough);
/* Let rows name the new packs, and let unused ones go; true: a job comes first. */
bool store_compact_swap(struct box *box);
void store_compact_swapped(struct box *box, bool ok);
void store_compact_over(struct store *s);       /* what is there of it is forgotten */

/* ---- store_queue.c ---- */
/* A change waits; box_step() comes to it. */
void box_change(struct box *box, struct box_change *c, const struct change_kind *kind);
/* Make what can be made. True: a job comes first. */
bool box_changes_step(struct box *box);
void box_changes_board(struct box *box);
void box_changes_landed(struct box *box, bool ok);
void box_changes_fail(struct box *box);         /* those that are not made */

/* ---- store_session.c ---- */
/* Ascending; for the journey. */
void store_tell_deleted(const struct box *box, const uint32_t *uids, size_t n);
void sessions_init(struct store *s);
bool store_login(struct store *s, struct ipc_message *message);
bool store_adopt(struct store *s, struct ipc_message *message);
bool store_removed(struct store *s, struct ipc_message *message);
/* Has the box sessions; do some wait for it? */
bool box_has_sessions(const struct box *box);
bool box_is_awaited(struct box *box);
/* Some wait for what is not durable yet. */
bool sessions_want_flight(struct box *box);
void sessions_ready(struct box *box);
/* Those that wait can't have it; `all`: the others can't have it any longer. */
enum session_refusal {
	REFUSE_REMOVED,                 /* the account is gone */
	REFUSE_IN_USE,                  /* POP3: by another session */
	REFUSE_MANY,                    /* limit.sessions_per_account */
	REFUSE_LATER,                   /* the disk failed */
	REFUSE_DAMAGED,
	REFUSALS,
};
void sessions_refuse(struct box *box, enum session_refusal why, bool all);
void box_wake_sessions(struct box *box);            /* the box can be read again */
void sessions_drain(struct store *s);
/* ---- store_view.c: around account_settled() ---- */
void views_settling(struct box *box);
void views_settled(struct box *box);
void session_over(struct session *session);     /* at once, whatever it did */
void sessions_end(struct store *s);

#endif
