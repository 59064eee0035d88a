/* role/relay_impl.h - what the files of the relay share.
 *
 *   relay.c             the role: peers, tick, drain
 *   relay_take.c        messages of the router, answers to it, keys against doubles
 *   relay_entry.c       entries: made, joined to destinations, their time
 *   relay_body.c        a message's bytes, for whoever sends them
 *   relay_log.c         the queue on disk: what changed is written, in groups
 *   relay_files.c       its files: made, closed, removed
 *   relay_load.c        the queue as it is found at a start
 *   relay_route.c       a destination's hosts and addresses, by DNS
 *   relay_destination.c who may have how many sessions
 *   relay_smart.c       the smart host: its login, and TLS that it must have
 *   relay_session.c     one connection to a next host
 *   relay_seven_bit.c   messages of 8 bits for hosts that take 7
 *   relay_result.c      what its replies mean for the entry
 *   relay_report.c      DSNs: made, committed, once
 *   relay_origin.c      the journal they go into
 *   relay_control.c     posthouse queue
 *
 *   ENTRY: fresh (the router still has it) ----all delivered--------------> gone
 *            '--deferred, failed, slow--> in the queue's log --all over--> gone
 *
 * (1) The router hears "durable" of a recipient when it is delivered, or when its
 *     entry is in the queue's log, its body in a pack, and both are synced; never before.
 * (2) A recipient that failed for good leaves its entry only when its report is
 *     synced in the journal, or when there is nobody to tell.
 * (3) Nothing is freed inside a callback of what is freed. */
#ifndef ROLE_RELAY_IMPL_H
#define ROLE_RELAY_IMPL_H

#include "base/limits.h"
#include "base/table.h"
#include "dns/dns_record.h"
#include "journal/delivery.h"
#include "log/log.h"
#include "mail/dsn.h"
#include "os/link.h"
#include "os/plan.h"
#include "queue/entry.h"
#include "role/frame.h"
#include "smtp/client.h"

struct relay;
struct destination;
struct session;
struct conversion;

/* ---- messages ---- */

/* Shared by the entries of one message. */
struct body {
	struct relay *relay;
	unsigned refs, readers;
	bool leaves;                    /* its memory goes with the last reader */
	struct pack_body what;
	slice trace;                    /* in memory, unless it is in a pack */
	slice frames;                   /* likewise; or ... */
	int fd;                         /* ... in this file, -1: none, from ... */
	uint32_t step;                  /* of the plan: the last of this one */
	uint64_t offset;
	struct pack_place place;        /* in the queue's packs, when number > 0 ... */
	bool durable;                   /* ... and synced there */
	bool turned;                    /* it was once not what its checksum says */
	uint64_t unread_until_ms;       /* the file did not give it: not before; 0: it was not
	                                 * asked for, or gave it */
};

struct recipient {
	uint16_t index;
	uint8_t state;                  /* enum queue_state */
	bool delivered, answered;       /* answered: the router has heard */
	bool in_report;                 /* its failure is being told, or may have been */
	slice address;                  /* behind its entry */
	slice reply;                    /* of relay->words; or empty */
};

/* What another host said, or what befell it: one text for all that hear the same. */
struct words {
	unsigned refs;
	uint16_t len;
	unsigned char text[];
};

enum entry_state {
	ENTRY_WAITING,                  /* for its time */
	ENTRY_READY,                    /* for a session */
	ENTRY_SENDING,
	ENTRY_REPORTING,                /* nothing else is to be done */
	ENTRY_GONE,                     /* until that is on disk */
};

struct entry {
	struct list link;               /* relay->entries */
	struct list at;                 /* destination->ready; list_init()ed elsewhere */
	struct list dirty;              /* relay->log.dirty or .flight */
	struct list reporting;          /* relay->reporting */
	struct relay *relay;
	struct destination *destination;
	struct body *body;
	size_t place;                   /* in relay->later, from 1; 0: not in it */
	uint64_t number;                /* its name */
	uint64_t serial;                /* rises along relay->entries */
	struct message_id id;
	int64_t received_us, next_us;   /* of relay_now_us() */
	uint64_t since_ms;              /* monotonic: when it came to us */
	size_t fresh_bytes;             /* that it holds in memory, until it is stored */
	enum entry_state state;
	bool stored;                    /* in the log, synced */
	bool logged;                    /* some log may hold a record of it, or soon will */
	bool flying, again;             /* a record is being written; it changed meanwhile */
	bool held, warned;
	bool warn_due, in_report;
	unsigned unsettled;             /* reports committed, and the queue does not say so */
	uint16_t tries, reports, needs;
	uint16_t n_recipients;
	slice sender;                   /* behind the recipients */
	struct recipient recipients[];
};

/* ---- next hosts ---- */

struct host {
	char name[DNS_NAME_TEXT];
	uint16_t preference;
};

struct place {
	uint8_t ip[16];
	uint8_t host;                   /* of the destination's */
	bool no_tls;                    /* STARTTLS failed there */
	uint64_t bad_until_ms;
};

enum route_state { ROUTE_NONE, ROUTE_ASKING, ROUTE_READY };

struct destination {
	struct relay *relay;
	struct list link;               /* relay->destinations */
	slice domain;                   /* the key; own block */
	struct list ready;              /* entries, in the order of their time */
	unsigned n_ready, n_entries;
	struct list sessions;
	unsigned n_sessions, sessions_max;

	enum route_state route;
	uint64_t route_until_ms;
	uint64_t route_reload;          /* relay->reloads, when it was looked for */
	uint16_t port;                  /* of the route */
	struct host hosts[RELAY_HOSTS_MAX];
	size_t n_hosts;
	struct place *places;           /* RELAY_ADDRESSES_MAX of them, while there is a route */
	size_t n_places;
	unsigned asking;                /* questions to the resolver */
	bool failed;                    /* some look-up */
	uint32_t ttl_s;
	char why[QUEUE_REPLY_MAX];      /* of a look-up that failed */
	char left_out[QUEUE_REPLY_MAX]; /* a host that relay.networks leaves out; or empty */
};

struct session {
	struct list link;
	struct relay *relay;
	struct destination *destination;
	struct link conn;
	struct os_timer idle;
	struct smtp_client_config config;       /* of this connection, by smart_choose() ... */
	struct tls_context *tls;        /* counted; NULL: none can be had */
	bool smart, implicit, judged;   /* relay.host; TLS from the first byte; its certificate
	                                 * must be right */
	bool refused;                   /* the login was: no other place is tried */
	struct smtp_client *client;
	size_t place;                   /* of the destination's */
	uint32_t tried;                 /* places so far: bits */
	char host[DNS_NAME_TEXT];
	char address[OS_IP_TEXT];
	bool heard;                     /* a byte since the message was begun */
	uint64_t since_ms;              /* of the first place */
	bool secured, was_ready, at_rest, quitting, over;
	char why[QUEUE_REPLY_MAX];      /* the last failure to connect */

	struct buffer dialogue;         /* since it was written down, for the journey */
	struct entry *entry;            /* being sent */
	unsigned messages;
	slice *recipients;              /* of the message */
	uint16_t *of;                   /* and which of the entry's they are */
	bool taken[QUEUE_RECIPIENTS_MAX], answered[QUEUE_RECIPIENTS_MAX];       /* by RCPT */
	struct smtp_client_message message;
	struct conversion *conversion;  /* to 7 bits; NULL: there is nothing to convert */
	struct reading *reading;
	slice piece;
	bool mute;                      /* nothing is written down for the journey */
	uint64_t began_us;
};

/* What the keeper gave for relay.host, and how its login goes. */
struct smart {
	slice host, login, password;    /* own blocks; host, login: as CONFIG has them */
	bool stale;                     /* there is a CONFIG since, and more on the way */
	struct buffer pem;              /* of relay.ca, until all of it is there */
	uint64_t pem_sum;
	struct tls_context *tls;        /* by that, judges; NULL: there is none */
	bool proven;                    /* the login was taken */
	char refusal[QUEUE_REPLY_MAX];  /* words, while ... */
	uint64_t pause_until_ms;        /* ... it is not tried again */
	uint64_t quiet_until_ms;        /* the log has heard of the trouble */
};

/* ---- the queue on disk ---- */

struct queue_log {
	bool busy;                      /* files are made, or a plan runs */
	bool renew;                     /* begin a chain: the first, or after a failure, or
	                                 * because this one is long */
	uint64_t retry_ms;
	uint32_t number_next, first;    /* of log files; of this chain's first */
	int fd;                         /* -1: none; */
	bool full;
	struct log_writer writer;
	uint32_t pack_next, pack;       /* of pack files; of the open one */
	int pack_fd;
	uint64_t pack_end;
	struct list dirty, flight;
	struct plan bodies;             /* of the flight, to the pack; then ... */
	struct arena scratch;           /* what stands before them there */
	size_t scratch_bytes;           /* of theirs */
	struct plan records;            /* ... to the log, and of the base */
	uint32_t taken_to;
	struct list *cursor;            /* the next entry of the base; NULL: it is written */
	struct list *known;             /* and the next key, of relay->keys_old */
	bool whole_flight;
	uint64_t written, base;         /* bytes of the chain; of them when it was whole */
	struct buffer old, trash;       /* u32 each: log files from before this chain; packs
	                                 * and logs to be removed: u8 pack, u32 */
	struct os_work sweep;
	bool sweeping;
	struct table packs;             /* struct pack_use by number */
};

struct pack_use {
	uint32_t number;
	unsigned users;                 /* bodies */
};

/* ---- reports ---- */

struct report {
	struct list link;               /* origin->waiting or flight */
	struct relay *relay;
	struct entry *entry;
	bool delay;                     /* otherwise it failed */
	uint64_t transaction, request;
	struct message_id id;           /* of the report, once it is appended */
	slice sealed;                   /* own block */
	struct reading *reading;
	struct buffer head;             /* of the message, as far as it is told */
};

struct origin {
	int fd, next_fd;                /* segments; -1: none */
	struct log_head head, next;
	struct log_writer writer;
	struct plan plan;
	struct list waiting, flight;    /* struct report */
	uint32_t sync_to;
	bool wanted, syncing, lost, full;
	bool told;                      /* by this router, what earlier lives reported */
	bool asked;
	bool over;                      /* it knows that we have written that down */
	unsigned unsettled;             /* of all entries */
};

/* ---- the role ---- */

/* A delivery that the router may hand over again. */
struct key {
	struct list link;               /* relay->keys, oldest first */
	unsigned char bytes[QUEUE_KEY]; /* message id, index */
	bool answered;                  /* otherwise its entry is fresh */
	bool logged;                    /* the queue's log knows it, too */
};

struct relay {
	struct frame frame;
	struct os *os;
	struct heap *heap;
	struct tls_context *tls;
	struct pack_unzip unzip;
	struct smart smart;
	uint64_t reloads;
	struct os_timer tick;
	int64_t wall_us, since_us;      /* both clocks at the start */
	bool loaded, drained;

	struct list entries;
	size_t n_entries, n_fresh;
	uint64_t n_sent;                /* recipients, for the web */
	uint64_t serial_last;
	uint64_t fresh_bytes;
	struct table numbers;           /* entries by number */
	struct entry **later;           /* a binary heap by next_us, from 1 */
	size_t n_later, later_size;
	struct table words;             /* struct words by their text */

	struct table keys;
	struct list keys_old;
	struct table live;              /* generations, uint64_t * */
	bool told_live;
	struct buffer answers;          /* 17 bytes each */
	uint32_t n_answers;
	struct os_defer answer_defer;

	struct table destinations;      /* by domain */
	struct list all_destinations;
	struct list closing;            /* sessions that are over */
	struct os_defer bury_defer;
	unsigned n_sessions;
	struct list questions;
	uint64_t request_last;
	struct table requests;

	struct queue_log log;
	struct list reporting;          /* entries whose sender must be told */
	struct table asked;             /* reports whose recipient the directory judges */
	unsigned n_reports;             /* being made; at most RELAY_REPORTS_MAX */
	struct origin origin;
	struct table reported;          /* transactions of earlier lives, uint64_t * */
	bool compared;                  /* all of them with the queue as it was loaded */
	uint64_t judge_again_ms;        /* the directory could not say */
};

/* ---- relay.c ---- */
void relay_drain_check(struct relay *r);
/* The wall clock of the start, and what has passed since: jumps of the wall clock, in
 * which all mail would expire or none be tried, are not followed. */
int64_t relay_now_us(const struct relay *r);

/* ---- relay_take.c ---- */
void take_init(struct relay *r);
void take_router_left(struct relay *r);
bool take_message(struct relay *r, struct ipc_message *message);
/* Its recipient is delivered, or safe in the queue. */
void take_answer(struct relay *r, struct entry *e, struct recipient *to,
    enum delivery_result result);
/* A recipient that the queue had at the start; or one that it knows to be over. */
void take_known(struct relay *r, struct message_id id, uint16_t index);
void take_over(struct relay *r, slice key);
/* The key of a recipient that is over; NULL: the journal holds it no more. */
struct key *take_key(struct relay *r, struct message_id id, uint16_t index);

/* ---- relay_entry.c ---- */
/* For the domain of the first address. Takes the body's count; the texts are copied. */
struct entry *entry_new(struct relay *r, struct body *body, slice sender,
    const slice *addresses, size_t n);
slice entry_domain(slice address);              /* what follows the last '@' */
slice entry_copy(struct relay *r, slice text);
void entry_set_reply(struct entry *e, struct recipient *to, slice reply);
void entry_set_words(struct entry *e, struct recipient *to, slice text); /* printable */
/* It stands in its destination's queue now; which one that is, the configuration of
 * this moment says. */
void entry_ready(struct entry *e);
/* Not before next_us. */
void entry_wait(struct entry *e);
/* Something about it must be written down. */
void entry_changed(struct entry *e);
/* What comes next for it: report, another attempt, or it is gone. */
void entry_settle(struct entry *e);
void entry_free(struct entry *e);
void entries_due(struct relay *r);
/* Its times come from a clock that was ahead of ours: it waits no longer, and is no
 * younger, than if it had come now. */
void entry_clamp(struct entry *e);
void entries_store_slow(struct relay *r, bool all);
unsigned entry_waiting(const struct entry *e);  /* recipients still to be reached */
bool entry_has_failed(const struct entry *e);
bool entry_is_over(const struct entry *e);      /* nobody to reach, none to tell of */
void entry_name(const struct entry *e, char ret_text[14]);

/* ---- relay_body.c ---- */
struct body *body_new(struct relay *r);
void body_unref(struct body *b);
void body_leave_memory(struct body *b);         /* it is in a pack now */
/* Read it piece by piece: done() is called on the loop, never at once, with each, then
 * with an empty one; ok false: it can't be read. The piece is borrowed until the next
 * call. */
struct reading {
	struct os_work work;
	struct os_defer defer;
	struct body *body;
	struct heap *heap;              /* of the reader */
	struct pack_reader reader;
	struct pack_place place;        /* of the body, when it began */
	bool open, busy, last, failed, stopped;
	int fd;
	slice frames, rest;             /* that are not read yet; of the last one */
	unsigned char *raw, *window;
	size_t room;
	slice piece;
	void (*done)(struct reading *reading, slice piece, bool ok);
	void *owner;
	bool trace_given;
};
struct reading *body_read(struct body *b, void (*done)(struct reading *, slice, bool),
    void *owner);
void body_read_on(struct reading *reading);
bool body_read_ended(const struct reading *reading);    /* nothing follows the piece */
void body_read_stop(struct reading *reading);     /* NULL is allowed; done() comes no more */

/* ---- relay_log.c ---- */
void queue_init(struct relay *r);
void queue_start(struct relay *r);              /* loaded: begin a chain of our own */
void queue_step(struct relay *r);
bool queue_idle(const struct relay *r);
void queue_forget(struct entry *e);             /* it is being freed */

/* ---- relay_files.c ---- */
/* The next of the log, or pack, or both; log.busy until they are there, or not. */
void queue_make(struct relay *r, bool log, bool pack);
void queue_close_log(struct relay *r);
void queue_close_pack(struct relay *r);
/* By how many bodies; the last one's end removes it, unless it is open. */
void queue_pack_used(struct relay *r, uint32_t number);
void queue_pack_unused(struct relay *r, uint32_t number);
void queue_throw_away(struct relay *r, bool pack, uint32_t number);    /* by the next ... */
void queue_sweep(struct relay *r);
void queue_trouble(struct relay *r, int error); /* said, and nothing is tried for a while */

/* ---- relay_load.c ---- */
void queue_load(struct relay *r);               /* then queue_start(), or frame_fatal() */

/* ---- relay_route.c ---- */
void route_find(struct destination *d);
void route_forget_questions(struct relay *r);
bool route_answer(struct relay *r, struct ipc_message *message);
void route_resolver_left(struct relay *r);

/* ---- relay_destination.c ---- */
struct destination *destination_get(struct relay *r, slice domain);
void destination_pump(struct destination *d);
/* Every entry that is ready fails like this: temporarily, or for good. */
void destination_defer(struct destination *d, const char *why);
void destination_refuse(struct destination *d, const char *why);
struct entry *destination_take(struct destination *d);
void destinations_tick(struct relay *r);
void destinations_reload(struct relay *r);
void destination_went_well(struct destination *d);
void destination_went_badly(struct destination *d);
void destination_lost_session(struct destination *d);

/* ---- relay_smart.c ---- */
bool smart_message(struct relay *r, struct ipc_message *message);       /* of the keeper */
void smart_config(struct relay *r);             /* another CONFIG */
/* What the keeper gave is for the host and the login of the configuration. */
bool smart_is_known(const struct relay *r);
bool smart_pauses(const struct relay *r);       /* the login was refused a moment ago */
/* Whether the login is right is not known: one connection tries it, not many. */
bool smart_one_only(const struct relay *r);
/* How the session may speak to its place; counts s->tls. False: not at all, s->why. */
bool smart_choose(struct session *s);
/* A failure of STARTTLS or the login; and of the handshake: false, it is of another kind.
 * What is to be said of it is in s->why, and in the log, if that has not heard lately. */
void smart_taken(struct session *s);            /* it is READY: the login was right */
void smart_failed(struct session *s, const struct smtp_client_event *event);
bool smart_tls_failed(struct session *s, const char *why);

/* ---- relay_session.c ---- */
void session_open(struct destination *d);
void sessions_bury(struct relay *r);
void session_quit(struct session *s);
/* Write down an attempt and its dialogue: before the entry's fate is. why: it broke. */
void session_tell(struct session *s, const char *why);
/* Those at rest take what is ready. */
void sessions_wake(struct destination *d);

/* The engine has something to say, other than by input. */
void session_go_on(struct session *s);
/* Its entry's body can't be read: neither half of it nor a dot goes out. */
void session_body_lost(struct session *s);

/* ---- relay_seven_bit.c ---- */
/* True: the message has to be looked at first, and is sent by that. May clear
 * SMTP_CLIENT_8BITMIME of message.needs. */
bool conversion_begin(struct session *s);
/* The words of a message that the engine refused, and why it was not converted. */
slice conversion_words(const struct session *s, slice words);
/* smtp_client_body(), and what has to be done before its end. */
size_t conversion_give(struct session *s, slice piece);
enum conversion_result {
	CONVERSION_DONE,
	CONVERSION_FULL,                /* again when the engine has room */
	CONVERSION_BROKEN,              /* what was read is not what was looked at */
};
enum conversion_result conversion_finish(struct session *s);
void conversion_end(struct session *s);         /* may be called again */

/* ---- relay_result.c ---- */
/* Words of another host about one recipient of what was sent. code 0: none. */
void result_recipient(struct session *s, size_t i, unsigned code, slice text);
void result_message(struct session *s, unsigned code, slice text);
/* Nothing was decided for those recipients that have no word yet. */
void result_lost(struct session *s, const char *why);
/* The connection was over before the message began. */
void result_unheard(struct session *s, const char *why);
void entry_defer(struct entry *e, slice why);
void entry_refuse(struct entry *e, slice why);

/* ---- relay_report.c ---- */
void report_init(struct relay *r);
void report_start(struct entry *e);
/* It was in the queue; what an earlier life told of it is not known yet. */
void report_loaded(struct entry *e);
void reports_compare(struct relay *r);          /* now it is: relay->reported */
void reports_step(struct relay *r);
bool report_answer(struct relay *r, struct ipc_message *message);
void report_directory_left(struct relay *r);
/* Append the payload of its COMMIT record, which will have this id. */
void report_write(struct report *report, struct message_id id, struct buffer *out);
void report_committed(struct report *report, bool ok);
/* Nothing is left to be told: the message arrived meanwhile, or was dropped. */
bool report_is_moot(const struct report *report);
void report_forgo(struct report *report);

/* ---- relay_origin.c ---- */
void origin_init(struct relay *r);
void origin_router_came(struct relay *r);
void origin_router_left(struct relay *r);
bool origin_message(struct relay *r, struct ipc_message *message);
void origin_commit(struct report *report);
void origin_step(struct relay *r);
bool origin_idle(const struct relay *r);

/* ---- relay_control.c ---- */
bool control_queue(struct relay *r, struct ipc_message *message);

#endif
