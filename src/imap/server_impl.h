/* imap/server_impl.h - the server engine's inside, shared by its files:
 *
 *   server.c            life, output, events, what runs
 *   server_read.c       lines and literals -> commands
 *   server_commands.c   the tables of commands and capabilities
 *   server_reply.c      responses
 *   server_sync.c       what other sessions changed: EXPUNGE, EXISTS, FETCH (FLAGS); IDLE
 *   server_login.c      not authenticated: STARTTLS, LOGIN, AUTHENTICATE
 *   server_list.c       LIST, LSUB, STATUS, NAMESPACE, GETQUOTA
 *   server_mailbox.c    CREATE, DELETE, RENAME, SUBSCRIBE
 *   server_select.c     SELECT, EXAMINE, CLOSE, UNSELECT, ENABLE
 *   server_store.c      STORE, COPY, MOVE, EXPUNGE
 *   server_append.c     APPEND
 *   server_fetch.c      FETCH
 *   server_search.c     SEARCH
 *
 *   NOT_AUTHENTICATED --resume()--> AUTHENTICATED <--SELECT, CLOSE--> SELECTED
 *
 * (1) One command runs at a time. It ends in imap_finish(), which tells what others changed,
 *     then the tagged reply; the next begins after that.
 * (2) `step` goes on with what runs whenever there is room; while `wait` is something, only
 *     that answer goes on. Nor does it while a work is held, or what it `drains` is not sent: what is
 *     written to `out` comes before the works' output.
 * (3) Whatever a command holds is of the arena, which lives as long as it; `uids` is, too. */
#ifndef IMAP_SERVER_IMPL_H
#define IMAP_SERVER_IMPL_H

#include "imap/sequence.h"
#include "imap/server.h"
#include "imap/write.h"

enum imap_state {                       /* bits: commands name several */
	IMAP_NOT_AUTHENTICATED = 1,
	IMAP_AUTHENTICATED = 2,
	IMAP_SELECTED = 4,
	IMAP_OVER = 8,
};

enum imap_wait {
	IMAP_WAIT_NOTHING,
	IMAP_WAIT_TLS,
	IMAP_WAIT_LOGIN,
	IMAP_WAIT_CHANGE,
	IMAP_WAIT_APPEND,
	IMAP_WAIT_COMMIT,
	IMAP_WAIT_WORK,
};

/* What lines are read as. */
enum imap_reading {
	IMAP_READ_COMMAND,
	IMAP_READ_SASL,
	IMAP_READ_IDLE,                 /* DONE */
	IMAP_READ_APPEND,               /* what follows a message's literal */
};

struct imap_command {
	const char *name;               /* "FETCH" */
	unsigned states;                /* legal in */
	unsigned traits;                /* IMAP_HAS_UID ... */
	/* Parse what stands behind the name, and begin; each way leads to imap_finish(). */
	void (*run)(struct imap_server *s, struct imap_parse *p);
	const char *rfc;                /* "9051 s6.4.5" */
	const char *words;              /* one line of help */
};

enum {
	IMAP_HAS_UID = 1,               /* "UID" may stand before it */
	IMAP_ONLY_UID = 2,
	IMAP_KEEPS_NUMBERS = 4,         /* no EXPUNGE may be told in it (RFC 9051 s7.5.1), without UID */
};

struct imap_sync {
	struct imap_view *target;       /* NULL: none runs */
	uint32_t target_n, at;
	int phase;
	uint64_t modseq;
	uint32_t last;                  /* uid up to which it was known */
	uint32_t number;                /* of the change that was told last */
};

/* What is \Recent in this session: UIDs, ascending and apart. It is told of what came before
 * others claimed it, so there may be gaps. */
struct imap_recent {
	struct imap_range *ranges;      /* of the heap; IMAP_RECENT_RANGES, or NULL */
	size_t n;
};

struct imap_appending {
	bool on, utf8, refused, waits;
	size_t n;                       /* messages given to the host */
	enum imap_result result;        /* why it was refused */
	struct imap_append message;
	slice name;                     /* of the arena */
};

/* VANISHED (EARLIER), line by line (RFC 7162 s3.2.10); begins zeroed but for the first two. */
struct imap_vanishing {
	uint64_t modseq;
	const struct imap_set *known;   /* UIDs that the client has, or asks for; NULL: any */
	size_t at;                      /* how far it was told */
	bool all;                       /* it is not known so far back: what is absent is told */
	uint32_t absent;
};

struct imap_server {
	struct heap *heap;
	const struct imap_server_config *config;
	const struct imap_host *host;
	enum imap_state state;
	enum imap_wait wait;
	enum imap_reading reading;
	bool secure, loopback, compressed;
	bool rev2, condstore, qresync, utf8;    /* what was enabled, or as good as */
	unsigned errors;
	struct imap_event event;
	bool event_ready;
	bool hungry;                    /* it yields */
	bool in_line;                   /* what was sent ends within a line */
	unsigned budget;                /* steps until it does */

	/* reading */
	struct buffer command;          /* of a command, as far as it is here */
	size_t scanned;                 /* of it, without an LF from there on */
	uint64_t literal_left;
	bool literal_message;           /* it is APPEND's */
	bool skipping;                  /* the rest of a command is passed over */
	unsigned char tail[32];         /* its last octets */
	size_t tail_len;
	struct buffer text;             /* of the TEXT event */

	/* the command that runs */
	const struct imap_command *row;
	bool uid;                       /* it began with UID */
	slice tag;                      /* of `command` or the arena */
	struct arena arena;
	uint32_t *uids;                 /* of the heap */
	void (*step)(struct imap_server *s);
	void (*answered)(struct imap_server *s, enum imap_result result);
	void (*worked)(struct imap_server *s, struct imap_work *work);
	struct imap_change change;
	struct buffer last;             /* its tagged reply, once it ends */
	void *job;                      /* of the arena: what its file needs */

	/* AUTHENTICATE; wiped when it is answered */
	struct sasl_server *sasl;

	/* of the session */
	slice login;                    /* of the heap */
	struct imap_appending append;

	/* SELECTED */
	uint32_t mailbox;               /* its number */
	bool read_only;
	struct imap_view *view;
	uint32_t n;                     /* messages the session knows of, the first of the view */
	uint64_t modseq;                /* what changed up to it was told */
	struct imap_recent recent;
	uint32_t *saved;                /* "$" (RFC 5182): uids, ascending */
	size_t n_saved;
	struct imap_sync sync;
	bool poked;
	bool flags_told;                /* the names of keywords that FLAGS told */
	unsigned keywords_told;

	struct buffer out;
	struct imap_work *ready, *held; /* finished; their output follows `out`, in this order */
	bool drains;                    /* what runs goes on once that is sent */
	struct imap_work *building;     /* of a SEARCH, not yet begun */
	struct imap_work *spare;        /* of the command that runs, done: for its next batch */
};

/* ---- server.c ---- */
void imap_raise(struct imap_server *s, struct imap_event event);
void imap_ask(struct imap_server *s, enum imap_wait wait, struct imap_event event);
/* Ask for s->change; `answered` is called with the result. */
void imap_ask_change(struct imap_server *s, void (*answered)(struct imap_server *s,
    enum imap_result result));
bool imap_answered(struct imap_server *s, enum imap_wait wait);
void imap_end(struct imap_server *s);           /* the BYE event; OVER */
bool imap_room(const struct imap_server *s);    /* for some more of what runs */
void imap_go_on(struct imap_server *s);
/* A step counts itself; true: enough for this turn. */
bool imap_yields(struct imap_server *s, unsigned units);
/* A command looked at so many messages or names at once: too many, and no other begins in this
 * turn. */
void imap_charge(struct imap_server *s, size_t n);
void imap_command_over(struct imap_server *s);
/* It is done, and may serve again. */
void imap_spare(struct imap_server *s, struct imap_work *work);
/* One that did, empty; NULL: there is none. */
struct imap_work *imap_take_spare(struct imap_server *s);

/* What a message counts of IMAP_WORK_OCTETS; quick: as if it were remembered. */
uint64_t imap_work_octets(enum imap_work_need need, bool quick, const struct imap_message *message);

/* ---- server_read.c ---- */
size_t imap_read(struct imap_server *s, slice in);

/* ---- server_commands.c ---- */
void imap_dispatch(struct imap_server *s, slice text);
/* Of a command whose beginning is here: true if it was answered, since no more of it could help. */
bool imap_refuse(struct imap_server *s, slice text);
void imap_append_row(struct imap_server *s);    /* it is APPEND that runs */
void imap_put_capabilities(struct imap_server *s, struct buffer *out);

/* ---- server_reply.c ---- */
struct imap_writer imap_writer(struct imap_server *s);
void imap_untagged(struct imap_server *s, const char *format, ...)
    __attribute__((format(printf, 2, 3)));      /* "* " and CRLF are added */
/* The tagged reply: "OK", "NO", "BAD"; code without brackets, or NULL. Exactly once. */
void imap_finish(struct imap_server *s, const char *status, const char *code,
    const char *format, ...) __attribute__((format(printf, 4, 5)));
void imap_finish_ok(struct imap_server *s);     /* "OK name done" */
void imap_finish_bad(struct imap_server *s, const struct imap_parse *p);       /* with the position */
void imap_finish_result(struct imap_server *s, enum imap_result result, bool try_create);
/* A mailbox's name as this session's revision has it. */
void imap_put_mailbox(struct imap_writer *w, const struct imap_server *s, slice name);
/* "(\Seen $Junk)", with the parentheses; recent: \Recent in front. */
void imap_put_flags(struct imap_writer *w, const struct imap_server *s, uint64_t flags, bool recent);
const char *imap_use_name(enum imap_use use);   /* "\\Sent"; NULL for none */

/* ---- server_sync.c ---- */
void imap_sync_begin(struct imap_server *s, bool expunges);
bool imap_sync_more(struct imap_server *s);     /* true: all is told */
void imap_sync_stop(struct imap_server *s);
/* What is new in the first s->n of the view is \Recent, as far as no other session has claimed
 * it; and is claimed, unless the mailbox is open to read only. */
void imap_claim_recent(struct imap_server *s);
bool imap_is_recent(const struct imap_server *s, uint32_t uid);
uint32_t imap_count_recent(const struct imap_server *s);
void imap_forget_recent(struct imap_server *s);
void imap_tell_keywords(struct imap_server *s);         /* FLAGS, when there are new ones */
void imap_tell_flags(struct imap_server *s);            /* FLAGS and PERMANENTFLAGS */
void imap_on_idle(struct imap_server *s, struct imap_parse *p);
void imap_on_idle_line(struct imap_server *s, slice line);
/* Where the uid or sequence set of a command leads: s->uids, of messages the session knows, ascending.
 * False: it was finished with BAD. */
bool imap_resolve(struct imap_server *s, slice set, size_t *ret_n);
/* Some command asks for mod-sequences (RFC 7162 s3.1). */
void imap_use_condstore(struct imap_server *s);

/* ---- the commands ---- */
void imap_on_capability(struct imap_server *s, struct imap_parse *p);
void imap_on_noop(struct imap_server *s, struct imap_parse *p);
void imap_on_logout(struct imap_server *s, struct imap_parse *p);
void imap_on_id(struct imap_server *s, struct imap_parse *p);
void imap_on_starttls(struct imap_server *s, struct imap_parse *p);
void imap_on_login(struct imap_server *s, struct imap_parse *p);
void imap_on_authenticate(struct imap_server *s, struct imap_parse *p);
unsigned imap_sasl_offer(const struct imap_server *s);
void imap_on_sasl_line(struct imap_server *s, slice line);
void imap_forget_login(struct imap_server *s);
bool imap_may_login(const struct imap_server *s);
bool imap_may_starttls(const struct imap_server *s);

void imap_on_enable(struct imap_server *s, struct imap_parse *p);
void imap_on_compress(struct imap_server *s, struct imap_parse *p);
void imap_on_select(struct imap_server *s, struct imap_parse *p);
void imap_on_examine(struct imap_server *s, struct imap_parse *p);
void imap_on_close(struct imap_server *s, struct imap_parse *p);
void imap_on_unselect(struct imap_server *s, struct imap_parse *p);
void imap_unselect(struct imap_server *s);      /* when one is selected */
/* False: it goes on later, with more room. */
bool imap_tell_vanished(struct imap_server *s, struct imap_vanishing *job);

void imap_on_list(struct imap_server *s, struct imap_parse *p);
void imap_on_lsub(struct imap_server *s, struct imap_parse *p);
void imap_on_status(struct imap_server *s, struct imap_parse *p);
void imap_on_namespace(struct imap_server *s, struct imap_parse *p);
void imap_on_getquota(struct imap_server *s, struct imap_parse *p);
void imap_on_getquotaroot(struct imap_server *s, struct imap_parse *p);
/* "(MESSAGES 3 ...)" for the items of a status-att-list, which imap_take_status() takes. */
bool imap_take_status(struct imap_parse *p, unsigned *ret_items);
void imap_put_status(struct imap_writer *w, const struct imap_server *s,
    const struct imap_mailbox *mailbox, unsigned items);

void imap_on_create(struct imap_server *s, struct imap_parse *p);
void imap_on_delete(struct imap_server *s, struct imap_parse *p);
void imap_on_rename(struct imap_server *s, struct imap_parse *p);
void imap_on_subscribe(struct imap_server *s, struct imap_parse *p);
void imap_on_unsubscribe(struct imap_server *s, struct imap_parse *p);
/* May it be made, or renamed to? False: it was finished with NO. */
bool imap_judge_name(struct imap_server *s, slice name);

void imap_on_store(struct imap_server *s, struct imap_parse *p);
void imap_on_copy(struct imap_server *s, struct imap_parse *p);
void imap_on_move(struct imap_server *s, struct imap_parse *p);
void imap_on_expunge(struct imap_server *s, struct imap_parse *p);
/* Take into s->change, to be expunged, those of n uids, or of all when uids is NULL, that are \Deleted.
 * False: there are none. */
bool imap_find_deleted(struct imap_server *s, const uint32_t *uids, size_t n);

/* A line so far that ends in a literal: is it a message's? Then it was taken care of. */
bool imap_append_literal(struct imap_server *s, slice line, uint64_t size, bool waits);
void imap_append_line(struct imap_server *s, slice line, bool literal, uint64_t size, bool waits);
void imap_append_text(struct imap_server *s, slice text);       /* of its literal */
void imap_append_text_end(struct imap_server *s);
void imap_append_over(struct imap_server *s);   /* the host forgets what it has */
void imap_on_append(struct imap_server *s, struct imap_parse *p);

void imap_on_fetch(struct imap_server *s, struct imap_parse *p);
void imap_on_search(struct imap_server *s, struct imap_parse *p);

#endif
