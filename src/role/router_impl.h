/* role/router_impl.h - what the files of the router share.
 *
 *   router.c            the role: peers, keeper, tick, drain
 *   router_scan.c       start: what lies in the journal's folders
 *   router_segments.c   files of segments: make, hand out, retire
 *   router_live.c       generations that may still be handed over again
 *   router_edge.c       messages of the edges
 *   router_spool.c      bodies in files of their own
 *   router_read.c       windows of segments become messages
 *   router_message.c    messages, their targets, their end
 *   router_deliver.c    stores: hand over, answers, later
 *   router_relay.c      the relay: both an edge and a store
 *   router_settle.c     whether all is delivered, for a mock's web
 *   router_park.c       what takes too long is copied out of its segment
 *   router_done.c       what is done, lazily on disk
 *   router_log.c        the logs that the router itself writes
 *
 *   SEGMENT: MAKING -> SPARE -> OPEN -> CLOSED -> MAKING (a new generation)
 *              |                          '-----> ASIDE  (damaged: kept)
 *              '--> gone (could not be made)
 *
 * (1) A segment is OPEN for one writer of one life; its generation is never
 *     handed out twice.
 * (2) A generation is retired when its head was overwritten and synced, and only
 *     then do stores forget its keys. Where its writer was not seen to let go
 *     of it (it died, or we did, or the system can't tell), the file is removed
 *     instead.
 * (3) A record ends when all its targets have, or when its parked copy is
 *     synced. A spool file goes after that was written into the done log.
 * (4) Whatever of our own disk work fails, a record is only ever handed over
 *     once too often (stores know its key), never lost. */
#ifndef ROLE_ROUTER_IMPL_H
#define ROLE_ROUTER_IMPL_H

#include "base/limits.h"
#include "base/table.h"
#include "directory/seal.h"
#include "journal/delivery.h"
#include "journal/parked.h"
#include "journal/tracker.h"
#include "log/log.h"
#include "os/plan.h"
#include "role/frame.h"

enum { ROUTER_PATH = 48 };

enum segment_state {
	SEGMENT_MAKING,         /* zeros, or a new head, on their way to the disk */
	SEGMENT_SPARE,          /* a fresh generation is on disk, nobody writes */
	SEGMENT_OPEN,           /* an edge or the router itself writes */
	SEGMENT_CLOSED,         /* nothing more comes: read to the end, deliver, retire */
	SEGMENT_ASIDE,          /* damaged, otherwise done: kept, never used again */
};

/* The files of one producer. */
struct pool {
	struct list link;
	struct router *router;
	char folder[16];
	enum log_kind kind;
	uint16_t producer;              /* of an edge: its index + 1 */
	uint32_t size;                  /* of new segments */
	uint32_t number_next;
	unsigned n_spare, n_making;
	uint64_t retry_ms;              /* make none before */
};

struct segment {
	struct list link;               /* router->segments */
	struct router *router;
	struct pool *pool;
	struct log_head head;
	enum segment_state state;
	int fd_read;                    /* while it is not MAKING */
	int fd_write;                   /* SPARE; the router's own while OPEN */
	bool held;                      /* its generation is in router->generations */

	/* Reading. */
	struct list reading;            /* router->readable */
	struct log_reader reader;
	struct tracker tracker;
	uint32_t need;                  /* the reader's last wish */
	uint32_t ended_at;              /* its limit when it last said LOG_END */
	bool busy;                      /* a window is being read */
	bool waits;                     /* it could not be read: again in a while */
	unsigned tries;                 /* of that, so far */
	bool sync_first;                /* what its writer wrote may not be on disk: sync, then
	                                 * read (again) to the end */
	bool until_edge;                /* of an earlier life: its edge may still write and answer
	                                 * 250, until it has spoken to this router */
	bool unsure;                    /* a write may still be on its way: never used again */
	bool tells_writers;             /* os_has_writer() works here */
	bool collecting;                /* only note which generations are parked here */
	bool read_all;                  /* the reader was at the end after CLOSED */
	bool until_relay;               /* the relay that wrote it died: a new one has to hear
	                                 * what it reported before this is forgotten */
	bool damaged;
	bool done_dirty;                /* the tracker knows more than the done log; of the
	                                 * done log itself: a newer file says all of it */
	bool spooled;                   /* one of its records had a spool file */
	uint32_t cut;                   /* DONE_CUT, or 0 */
	unsigned n_messages;            /* in memory */
	uint64_t source;                /* its number for those that have its descriptor */
	uint64_t given;                 /* to these stores: bits */
	struct buffer parked;           /* u64 each: the generations parked here */
	struct buffer reported;         /* u64 each: the relay's transactions in it */
};

struct generation {
	uint64_t number;
	unsigned holds;
};

struct spool {
	struct list link;               /* router->spools_* or the edge's */
	uint64_t id;
	uint16_t producer;              /* 0: it was there at the start */
	int fd;                         /* read-only, or -1 */
	bool named;                     /* a record names it */
	unsigned users;                 /* messages that were read and name it */
	unsigned promised;              /* parked records that will be */
	uint64_t stored;                /* bytes, once named */
};

/* One record on its way. */
struct message {
	struct list link;               /* router->messages, oldest first */
	struct list fresh;              /* router->fresh */
	struct segment *segment;
	uint32_t sequence;
	struct message_id id;
	struct arena arena;             /* sender, trace, targets, parts */
	int64_t received_us;
	uint16_t flags;                 /* JOURNAL_* */
	slice sender, trace;
	struct journal_body body;       /* frames: in memory now, or empty */
	uint32_t frames_at;             /* in the segment */
	struct spool *spool;
	uint64_t since_ms;
	uint64_t serial;                /* counts up */
	size_t bytes;                   /* of the budget */
	bool frames_kept;
	uint32_t n_targets, n_parts, parts_left;
	struct target *targets;         /* by store */
	struct part *parts;
};

struct target {
	uint64_t account;               /* 0: the address is another host's */
	slice delivered_to;
	uint16_t recipient;
	bool done, later;
};

enum part_state { PART_QUEUED, PART_HANDED, PART_LATER, PART_DONE };

/* Targets of one message in one store, one IPC_DELIVER. */
struct part {
	struct list link;               /* the store's queue or handed, or router->later */
	struct message *message;
	struct part *same;              /* the next with this key in router->handed */
	struct store_peer *store;
	enum part_state state;
	uint32_t first, n;              /* of message->targets */
	uint32_t waiting;               /* of them, not yet answered */
	bool with_fd;                   /* of its own, for the body */
	bool in_file;                   /* who has it reads the body in our file */
	unsigned tries;
	uint64_t due_ms;
	unsigned char key[14];
};

/* Whoever writes a journal: an edge, or the relay (ORIGIN_RELAY). */
struct edge_peer {
	struct ipc_channel *channel;    /* NULL: down */
	struct pool *pool;
	unsigned wants;
	bool spoke;                     /* it knows that this router is a new one */
	struct list spools;             /* handed out, not named yet */
};

/* Whoever takes messages: a store, or the relay (OUTLET_RELAY). */
struct store_peer {
	struct ipc_channel *channel;
	struct list queue, handed;
	unsigned n_handed;
	unsigned descriptors;           /* handed over and not answered */
	unsigned sources;               /* segments whose descriptor it has */
	bool told;                      /* IPC_LIVE was sent */
};

/* A log that the router writes itself. */
struct own_log {
	struct pool *pool;
	struct segment *segment;        /* OPEN, or NULL */
	struct log_writer writer;
	struct plan plan;
	bool busy;                      /* the plan runs */
};

struct budget {
	uint32_t n;
	size_t bytes;
};

struct router {
	struct frame frame;
	struct os *os;
	struct heap *heap;
	struct seal_key key;
	bool has_key, loaded, drained, full;
	uint64_t drain_end_ms;
	bool relay_asks, relay_told;    /* what earlier relays reported */

	struct list pools;
	struct list segments;
	struct table generations;       /* by number */
	struct list readable;
	unsigned readers;
	unsigned starting;              /* segments to read before `loaded` */
	struct arena scratch;           /* of one record */

	struct edge_peer edges[ORIGINS_MAX];
	struct store_peer stores[OUTLETS_MAX];

	struct table spools;            /* by id */
	struct list spools_named;       /* and those that were there at the start */
	struct list spools_orphan;      /* of edges that are gone */
	struct list spools_done;        /* to be unlinked after the next done mark */
	struct list spools_marked;      /* that mark is being written */
	uint64_t spooled;               /* bytes of named ones */
	unsigned n_spools;

	struct list messages;           /* oldest first; without those being parked */
	struct list fresh;              /* messages whose frames are in the window being read */
	uint64_t serial_last;           /* of messages */
	struct table handed;            /* parts by key */
	struct list later;
	uint64_t last_source;
	struct budget journal, parked;
	size_t frames_kept;

	struct own_log done_log;
	struct os_timer done_soon;
	bool done_waits;                /* done_soon runs */
	struct buffer done_bytes;       /* scratch */
	struct own_log park_log;
	unsigned n_parking;             /* messages that are being copied */

	struct list settles;            /* router_settle.c */
	size_t n_settles;
	struct os_defer settle_defer;

	struct os_timer tick;
	struct os_timer reread;         /* segments that could not be read */
	struct os_work space_work;
	bool space_busy;
	uint64_t space_free, space_total;       /* the pool's answer */
	uint64_t disk_free, disk_total; /* 0: not known yet */
	uint64_t space_due_ms;
};

/* ---- router.c ---- */
void router_loaded(struct router *r);
void router_full_update(struct router *r);
/* Drained, when nothing is left to do or the grace is over. */
void router_drain_check(struct router *r);

/* ---- router_scan.c ---- */
void router_scan(struct router *r);

/* ---- router_segments.c ---- */
struct pool *pool_get(struct router *r, const char *folder, enum log_kind kind,
    uint16_t producer, uint32_t size);
/* Keep spares ready, as far as space allows. */
void pool_fill(struct pool *pool);
/* A spare becomes OPEN: its write descriptor is the segment's (fd_write). */
struct segment *pool_take(struct pool *pool);
void segment_path(const struct pool *pool, uint32_t number, char ret_path[ROUTER_PATH]);
/* A segment that was found at the start. */
struct segment *segment_found(struct pool *pool, const struct log_head *head, int fd_read);
/* One whose head can't be read: it stays as it is. */
void segment_found_damaged(struct pool *pool, uint32_t number, uint32_t size);
void router_segment_close(struct segment *s);
/* Retire it, or set it aside, when all is done. */
void segment_check(struct segment *s);
struct segment *segment_by_generation(const struct router *r, uint64_t generation);
/* Bytes that count as used, of the journal's space. */
uint64_t segments_used(const struct router *r);

/* ---- router_live.c ---- */
void generation_hold(struct router *r, uint64_t number);
void generation_drop(struct router *r, uint64_t number);        /* at 0: RETIRED */
void generations_tell(struct router *r, struct ipc_channel *store);
void segment_note_parked(struct segment *s, uint64_t generation);

/* ---- router_edge.c ---- */
void edge_joined(struct router *r, struct ipc_channel *channel, unsigned index);
void edge_left(struct router *r, unsigned index);
bool edge_message(struct router *r, unsigned index, struct ipc_message *message);
/* It has no sync under way for a router before this one. */
void edge_spoke(struct router *r, unsigned index);
void edges_serve(struct router *r);     /* hand out what was asked for */

/* ---- router_spool.c ---- */
void spool_want(struct router *r, unsigned edge, uint64_t request);
bool spool_drop(struct router *r, unsigned edge, uint64_t id);
void spools_edge_left(struct router *r, unsigned edge);
void spool_found(struct router *r, uint64_t id);
/* A record names it; NULL: it is not there. `producer` 0: the router's own copy. */
struct spool *spool_name(struct router *r, uint64_t id, uint16_t producer, uint64_t stored);
/* Open it and call message_start; ends the message when it can't be read. */
void spool_open(struct message *m);
/* A message is parked: `copies` records, not yet read, name its file instead. */
void spool_promise(struct spool *spool, unsigned copies);
void spool_finished(struct router *r, struct spool *spool);
void spools_mark(struct router *r);             /* a done mark is being written */
void spools_marked(struct router *r, bool ok);
void spools_sweep(struct router *r);            /* those that no record names */

/* ---- router_read.c ---- */
void segment_wake(struct segment *s);           /* there may be something to read */
void readers_pump(struct router *r);

/* ---- router_message.c ---- */
/* False: there is no room in memory now. */
bool message_room(struct router *r, enum log_kind kind);
void message_take(struct segment *s, const struct log_record *record);
void message_start(struct message *m);
void message_done(struct message *m);           /* for the done log */
void message_end(struct message *m);            /* all targets are done, or it is parked */
void messages_settle(struct router *r);         /* the window goes: keep frames or drop them */
void message_drop_frames(struct message *m);
void message_frames_used(struct message *m);    /* dropped once all parts had them */

/* ---- router_deliver.c ---- */
void store_joined(struct router *r, struct ipc_channel *channel, unsigned index);
void store_left(struct router *r, unsigned index);
void stores_tell(struct router *r);     /* those that may be told now: what is live */
bool store_message(struct router *r, unsigned index, struct ipc_message *message);
void part_queue(struct part *part);
void part_detach(struct part *part);
void stores_tick(struct router *r);
/* Nothing is read there any more by way of its source. */
void segment_source_over(struct segment *s);

/* ---- router_relay.c ---- */
void relay_joined(struct router *r, struct ipc_channel *channel);
void relay_left(struct router *r);
bool relay_message(struct router *r, struct ipc_channel *channel, struct ipc_message *message);
/* Where the relay writes its reports: a journal with space of its own. */
bool pool_is_of_relay(const struct pool *pool);
/* A record of the relay's: it will be told after its next start. */
void segment_note_reported(struct segment *s, uint64_t transaction);
/* Tell a new relay what earlier ones reported, once all of it was read. */
void relay_tell(struct router *r);

/* ---- router_settle.c ---- */
void settles_init(struct router *r);
bool settle_message(struct router *r, struct ipc_message *message);
void settles_check(struct router *r);           /* at the end of the turn */
void settles_forget(struct router *r);          /* the web left */

/* ---- router_park.c ---- */
void park_init(struct router *r);
void park_tick(struct router *r);
bool park_is_idle(const struct router *r);

/* ---- router_done.c ---- */
void done_init(struct router *r);
void done_learn(struct router *r, const struct log_record *record);
void done_flush(struct router *r);
/* Before the next tick: something is done that no key would keep from being done again. */
void done_soon(struct router *r);
bool done_is_clean(const struct router *r);
/* ---- router_log.c: logs that the router writes itself ---- */
void own_log_init(struct router *r, struct own_log *log, struct pool *pool,
    void (*done)(struct plan *plan));
/* It has a segment to write; false: not now. */
bool own_log_ready(struct own_log *log);
/* Write and sync what was appended; `done` follows. */
void own_log_write(struct own_log *log);
/* In `done`: whether it is on disk. After a failure the segment is finished. */
bool own_log_written(struct own_log *log);
/* No more goes into this segment. */
void own_log_close(struct own_log *log);

#endif
