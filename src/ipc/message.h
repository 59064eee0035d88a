/* ipc/message.h - the typed messages between roles and who may send what.
 *
 * The table in message.c is the permission: a message that is not in it for
 * this sender and receiver, is longer than its row says, brings descriptors its
 * row does not name, or does not parse to its last byte ends its sender.
 *
 * Fields are those of base/bytes.h, in the order listed. "slice" is a u32
 * length and bytes. Version: IPC_VERSION goes first on each new channel, so
 * that a half-finished upgrade is refused, not misread. */
#ifndef IPC_MESSAGE_H
#define IPC_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/limits.h"

enum {
	IPC_VERSION = 11,
	IPC_HEADER = 6,                 /* u32 body length, u8 type, u8 descriptors */
	IPC_BODY_MAX = IPC_PACKET_MAX - IPC_HEADER,
};

enum role_kind {
	ROLE_KEEPER,
	ROLE_EDGE,
	ROLE_DIRECTORY,
	ROLE_ROUTER,
	ROLE_STORE,
	ROLE_RELAY,
	ROLE_RESOLVER,
	ROLE_WEB,
	ROLE_KINDS
};

const char *role_kind_name(enum role_kind kind);        /* "edge" */

enum ipc_type {
	/* any pair: the channel itself, handled inside ipc/channel.c */
	IPC_HELLO,              /* u16 version, u8 kind, u16 index */
	IPC_CREDIT,             /* u32 bytes that were read and handled */

	/* keeper -> role. CONFIG and what a role needs come first, then PEERs,
	 * then START. A PEER for a (kind, index) that is there replaces it. */
	IPC_CONFIG,             /* slice text of the configuration (config.h); + fd: the
	                         * role's root folder, only before START */
	IPC_KEY,                /* 32 bytes: the seal key (directory, router) */
	IPC_CERTIFICATE,        /* slice chain PEM, slice key PEM (edge) */
	IPC_LISTENER,           /* u8 service, slice address text; + fd (edge; directory: control) */
	IPC_UNLISTEN,           /* u8 service, slice address text (edge) */
	IPC_LOG,                /* + fd: append the log here from now on */
	IPC_JOURNEY,            /* + fd: append events of messages here from now on */
	IPC_HOLD,               /* + fd: keep it open for life: the lock of the data folder */
	IPC_PEER,               /* u8 kind, u16 index; + fd: channel */
	IPC_START,              /* u64 uid, u64 gid to become (UINT64_MAX: stay who you are):
	                         * confine yourself and serve */
	IPC_DRAIN,              /* u32 grace ms: accept nothing new, end what runs, then DRAINED */
	IPC_PING,               /* u64 cookie */
	/* role -> keeper */
	IPC_READY,              /* nothing: confined and serving */
	IPC_DRAINED,            /* nothing: all that it owed is done and on disk */
	IPC_PONG,               /* u64 cookie */
	IPC_FATAL,              /* slice: why this role can't go on; one line for people */
	IPC_BROKEN,             /* u8 kind, u16 index: that peer broke the protocol, end it */

	/* edge <-> directory. `request` is the number that who asks gives its question. The
	 * relay asks for the senders that its reports go to (RECIPIENT_REPORT). */
	IPC_RECIPIENT,          /* u64 request, u64 transaction, u8 RECIPIENT_*, 16 bytes peer
	                         * ip, u64 account (0: no login), slice sender, slice recipient */
	IPC_RECIPIENT_IS,       /* u64 request, u8 verdict (enum directory_verdict), slice words,
	                         * slice sealed (directory/seal.h; empty unless OK) */
	IPC_OWNS,               /* u64 request, u64 account, slice address: may it send as this? */
	IPC_OWNS_IS,            /* u64 request, u8 verdict, slice words */
	IPC_LOGIN,              /* u64 request, u8 service, 16 bytes peer ip, slice login,
	                         * slice password */
	IPC_LOGIN_IS,           /* u64 request, u8 verdict, slice words, u64 account, slice
	                         * address (the account's own), u16 store, u64 nonce */
	IPC_SALT,               /* u64 request, slice login: how are its SCRAM keys salted? */
	IPC_SALT_IS,            /* u64 request, u8 verdict, slice words, u32 iterations, 16 bytes
	                         * salt, 18 bytes nonce: as if everybody had some */
	IPC_PROOF,              /* as LOGIN; SCRAM's proof and AuthMessage for the password */
	IPC_PROOF_IS,           /* as LOGIN_IS, then 32 bytes signature */

	/* directory -> store */
	IPC_SESSION,            /* u64 nonce, u64 account, slice address: expect an ADOPT */
	IPC_REMOVED,            /* u64 account: end its sessions, drop what is in memory */

	/* edge -> store; directory -> store, of an administrator's connection */
	IPC_ADOPT,              /* u64 nonce, u8 service, u8 flags (ADOPT_*), 16 bytes peer ip,
	                         * slice greeting (what the reply to the login must carry: IMAP's
	                         * tag, at most IMAP_TAG_MAX; empty for POP3),
	                         * slice unread (at most SESSION_UNREAD_MAX); + fd: stream */

	/* edge <-> router: the journal. The relay's, for its reports, likewise, without
	 * spool files. */
	IPC_SEGMENT_WANT,       /* nothing: the edge has no segment, or half of one left */
	IPC_SEGMENT,            /* u16 producer, u64 generation, u32 size; + fd: write-only */
	IPC_SYNCED,             /* u64 generation, u32 offset: all below is on disk */
	IPC_ABORTED,            /* u64 generation, u32 offset: nothing from here on counts; the
	                         * segment is finished */
	IPC_SEGMENT_END,        /* u64 generation: nothing more comes */
	IPC_SPOOL_WANT,         /* u64 request: a body is over BODY_INLINE_MAX */
	IPC_SPOOL,              /* u64 request, u64 spool id (0: no space); + fd unless 0 */
	IPC_SPOOL_DROP,         /* u64 spool id: no record will name it */
	IPC_SPACE,              /* u8 full: 1 at 80 % of the journal's space or a full disk
	                         * (answer 452 to MAIL), 0 when it passed */

	/* router <-> store, router <-> relay */
	IPC_LIVE,               /* u32 n, n * u64: the generations that may still be redelivered;
	                         * after each PEER (the relay's: its REPORTED_WANT), before any
	                         * DELIVER */
	IPC_RETIRED,            /* u64 generation: forget its keys */
	IPC_DELIVER,            /* journal/delivery.h; + fd when the body is not inside, unless
	                         * its source is known */
	IPC_SOURCE_OVER,        /* u64: no delivery names this source any more */
	IPC_DELIVERED,          /* u32 n, n * (message id, u16 recipient, u8 result): durable, or
	                         * refused for good, or not now (enum delivery_result) */

	/* relay <-> router */
	IPC_REPORTED_WANT,      /* nothing: no write for an earlier router is under way, and the
	                         * queue is loaded. Once after each PEER, before anything else */
	IPC_REPORTED,           /* u32 n, n * u64 transaction: the records of earlier lives of
	                         * the relay, while they are there; the last has n 0 */
	IPC_REPORTED_OVER,      /* nothing: all that it was told is written down in its queue;
	                         * before any SEGMENT_WANT */

	/* relay <-> resolver */
	IPC_RESOLVE,            /* u64 request, u16 type, slice name (OS_DNS_NAME_MAX - 1) */
	IPC_RESOLVED,           /* u64 request, u8 status (enum os_dns_status), u8 secure, u32
	                         * ttl in s, slice canonical, slice why, u16 n, n * slice data */

	/* directory <-> relay: what somebody at the control socket wants of the queue */
	IPC_QUEUE,              /* u64 request, slice command (JSON; role/relay_control.h) */
	IPC_QUEUE_IS,           /* u64 request, slice answer (JSON) */

	/* directory <-> store: the same of an account's expunged messages */
	IPC_UNDELETE,           /* u64 request, u64 account, slice command (JSON;
	                         * role/store_undelete.c) */
	IPC_UNDELETE_IS,        /* u64 request, slice answer (JSON) */

	/* directory <-> store: how much accounts may hold, and which are full */
	IPC_QUOTAS,             /* u32 n, n * (u64 account, u64 bytes): limits of their own; 0: none of
	                         * its own, over QUOTA_MAX: no limit. After each PEER all that there
	                         * are, and the last has n 0; then each that changes */
	IPC_FULL,               /* u64 account, u8: 1 it holds its limit or more, 0 no longer */
	IPC_HELD,               /* u64 request, u64 account: how much is in it? */
	IPC_HELD_IS,            /* u64 request, slice answer (JSON) */

	/* keeper -> relay: about relay.host, after each CONFIG that names one */
	IPC_TRUSTED,            /* slice: a piece of relay.ca's PEM, none when no certificate is
	                         * judged; all of them come before ... */
	IPC_SMART_HOST,         /* slice host, slice login, slice password: whom it is for, as
	                         * CONFIG has it, since that is another message */

	/* keeper -> resolver */
	IPC_ANCHORS,            /* slice: what dns.trust_anchor holds, a record a line; before START */

	/* keeper -> web, in a lab */
	IPC_BESIDE,             /* + fd: folder of another host's journeys; before START */

	/* edge <-> web. Not one byte of the stream was read. */
	IPC_HTTP,               /* u64 number, 16 bytes peer ip; + fd: stream */
	IPC_HTTP_IS,            /* u64 number, u8 HTTP_*: of unknown ones it means nothing */

	/* web -> edge, in a mock: speak SMTP on it, as with who came from there */
	IPC_SMTP,               /* 16 bytes peer ip, slice user (empty: none); + fd: stream */

	/* edge -> web, in a mock: what somebody was refused, for who watches */
	IPC_REFUSED,            /* u8 service, 16 bytes peer ip, slice line (EDGE_REFUSAL_TEXT) */

	/* role -> web, once it is ready, then now and then: what it counted in its life */
	IPC_COUNTERS,           /* a u64 for each counter of its kind (role/counters.h) */

	/* web <-> store, in a mock. `request` is the web's number. */
	IPC_WATCH,              /* nothing: tell of all messages, once */
	IPC_WATCHED,            /* nothing: all that were there when it began are told */
	IPC_MESSAGE,            /* u64 account, u32 uid, message id, i64 received us, u64 size,
	                         * u32 pack, u32 offset, u8 seen: it is durable */
	IPC_GONE,               /* u64 account, u32 first uid, u32 last: of these, none is there */
	IPC_FETCH,              /* u64 request, u64 account, u32 uid, u32 pack, u32 offset */
	IPC_BODY,               /* u64 request, u8 BODY_*, slice: the next bytes of the message */
	IPC_EXPUNGE,            /* u64 request, u64 account, u32 n, n * u32 uid, ascending; n 0:
	                         * all that are there */
	IPC_EXPUNGED,           /* u64 request, u8: 1 they are gone, 0 they may not be */
	IPC_MARK,               /* u64 request, u64 account, u8 seen, u32 n (not 0), n * u32 uid,
	                         * ascending */
	IPC_MARKED,             /* u64 request, u8: 1 it is durable, 0 it may not be */
	IPC_SEEN,               /* u64 account, u8 seen, u32 n, n * (u32 first uid, u32 last),
	                         * ascending and apart: it is durable, whoever marked them */
	IPC_TAG,                /* u64 request, u64 account, u32 n (not 0), n * (u32 uid, slice
	                         * names as of account/tags.h), ascending */
	IPC_TAGGED,             /* u64 request, u8: 1 it is durable, 0 it may not be */
	IPC_TAGS,               /* u64 account, u32 uid, slice names: behind its MESSAGE, if
	                         * somebody ever set them */

	/* web <-> router, in a mock. `request` is the web's number. */
	IPC_SETTLE,             /* u64 request: of all that edges have announced as synced ... */
	IPC_SETTLED,            /* u64 request: ... each delivery is answered */

	/* directory -> web, in a mock */
	IPC_MAILBOX,            /* u64 account, slice address */

	IPC_TYPES
};

enum service {
	SERVICE_SMTP,           /* 25 */
	SERVICE_SUBMISSION,     /* 587 */
	SERVICE_SUBMISSIONS,    /* 465 */
	SERVICE_POP3,           /* 110 */
	SERVICE_POP3S,          /* 995 */
	SERVICE_IMAP,           /* 143 */
	SERVICE_IMAPS,          /* 993 */
	SERVICE_HTTP,
	SERVICE_CONTROL,        /* the directory's Unix socket */
	SERVICES
};

const char *service_name(enum service service);         /* "smtp", "pop3s" */
/* Either of the two ports of a protocol that reads mailboxes. */
bool service_is_pop3(enum service service);
bool service_is_imap(enum service service);

enum {
	RECIPIENT_SUBMISSION = 1,
	RECIPIENT_FIRST = 2,            /* no other was taken yet */
	RECIPIENT_REPORT = 4,           /* by the relay */
};
enum { HTTP_TAKEN, HTTP_CLOSED };         /* in this order */
enum { BODY_MORE, BODY_END, BODY_FAILED };      /* the last two with the last bytes, or none */
enum { ADOPT_TLS = 1, ADOPT_LOOPBACK = 2, ADOPT_UTF8 = 4,
	ADOPT_ALONE = 8,                /* IMAP: no other session of the account has this */
};

struct ipc_rule {
	enum ipc_type type;
	const char *name;
	unsigned from, to;              /* bit sets of 1 << role_kind */
	uint32_t body_max;
	uint8_t fds_min, fds_max;
};

/* The row of a type, or NULL for a number that is none. */
const struct ipc_rule *ipc_rule(unsigned type);
bool ipc_rule_permits(const struct ipc_rule *rule, enum role_kind from, enum role_kind to);

/* Take the next message of a packet that `from` sent to `to`; fds_left of the
 * packet's descriptors are not yet claimed. Everything its row says of it holds
 * when it returns IPC_NEXT_MESSAGE; what its fields hold is for the handler.
 * IPC_NEXT_END: nothing is left, neither bytes nor descriptors. */
enum ipc_next { IPC_NEXT_MESSAGE, IPC_NEXT_END, IPC_NEXT_BROKEN };
enum ipc_next ipc_next(struct bytes *packet, size_t fds_left, enum role_kind from,
    enum role_kind to, const struct ipc_rule **ret_rule, slice *ret_body, size_t *ret_n_fds)
    __attribute__((warn_unused_result));

#endif
