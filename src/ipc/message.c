/* ipc/message.c - the permission table, and the cursor that applies it.
 *
 * A packet holds whole messages: u32 length of the body, u8 type, u8 number
 * of descriptors, body. The descriptors of a packet belong to its messages in
 * order. */
#include "ipc/message.h"

#include <assert.h>

#include "base/check.h"
#include "base/limits.h"

enum {
	KEEPER = 1 << ROLE_KEEPER,
	EDGE = 1 << ROLE_EDGE,
	DIRECTORY = 1 << ROLE_DIRECTORY,
	ROUTER = 1 << ROLE_ROUTER,
	STORE = 1 << ROLE_STORE,
	RELAY = 1 << ROLE_RELAY,
	RESOLVER = 1 << ROLE_RESOLVER,
	WEB = 1 << ROLE_WEB,
	ROLES = EDGE | DIRECTORY | ROUTER | STORE | RELAY | RESOLVER | WEB,
	ANY = KEEPER | ROLES,

	NUMBER = 8,                     /* one u64 */
	SMALL = 64,                     /* a few numbers */
	TEXT = IPC_TEXT_MAX,            /* some addresses and words */
	LARGE = IPC_BODY_MAX,
};

/* In the order of enum ipc_type; the test holds the two together. */
static const struct ipc_rule rules[IPC_TYPES] = {
	/* type              name            from        to        body_max  fds */
	{ IPC_HELLO,         "HELLO",        ANY,        ANY,        SMALL,  0, 0 },
	{ IPC_CREDIT,        "CREDIT",       ANY,        ANY,        SMALL,  0, 0 },

	{ IPC_CONFIG,        "CONFIG",       KEEPER,     ROLES,      LARGE,  0, 1 },
	{ IPC_KEY,           "KEY",          KEEPER,     DIRECTORY | ROUTER, SMALL, 0, 0 },
	{ IPC_CERTIFICATE,   "CERTIFICATE",  KEEPER,     EDGE,       LARGE,  0, 0 },
	{ IPC_LISTENER,      "LISTENER",     KEEPER,     EDGE | DIRECTORY, TEXT, 1, 1 },
	{ IPC_UNLISTEN,      "UNLISTEN",     KEEPER,     EDGE,       TEXT,   0, 0 },
	{ IPC_LOG,           "LOG",          KEEPER,     ROLES,      0,      1, 1 },
	{ IPC_JOURNEY,       "JOURNEY",      KEEPER,     ROLES,      0,      1, 1 },
	{ IPC_HOLD,          "HOLD",         KEEPER,     ROLES,      0,      1, 1 },
	{ IPC_PEER,          "PEER",         KEEPER,     ROLES,      SMALL,  1, 1 },
	{ IPC_START,         "START",        KEEPER,     ROLES,      SMALL,  0, 0 },
	{ IPC_DRAIN,         "DRAIN",        KEEPER,     ROLES,      SMALL,  0, 0 },
	{ IPC_PING,          "PING",         KEEPER,     ROLES,      NUMBER, 0, 0 },
	{ IPC_READY,         "READY",        ROLES,      KEEPER,     0,      0, 0 },
	{ IPC_DRAINED,       "DRAINED",      ROLES,      KEEPER,     0,      0, 0 },
	{ IPC_PONG,          "PONG",         ROLES,      KEEPER,     NUMBER, 0, 0 },
	{ IPC_FATAL,         "FATAL",        ROLES,      KEEPER,     TEXT,   0, 0 },
	/* An edge may not accuse, nor the web: they are those most likely captured. */
	{ IPC_BROKEN,        "BROKEN",       ROLES & ~(EDGE | WEB), KEEPER, SMALL, 0, 0 },

	{ IPC_RECIPIENT,     "RECIPIENT",    EDGE | RELAY,     DIRECTORY,  TEXT,   0, 0 },
	{ IPC_RECIPIENT_IS,  "RECIPIENT_IS", DIRECTORY,  EDGE | RELAY, LARGE,  0, 0 },
	{ IPC_OWNS,          "OWNS",         EDGE,       DIRECTORY,  TEXT,   0, 0 },
	{ IPC_OWNS_IS,       "OWNS_IS",      DIRECTORY,  EDGE,       TEXT,   0, 0 },
	{ IPC_LOGIN,         "LOGIN",        EDGE,       DIRECTORY,  TEXT,   0, 0 },
	{ IPC_LOGIN_IS,      "LOGIN_IS",     DIRECTORY,  EDGE,       TEXT,   0, 0 },
	{ IPC_SALT,          "SALT",         EDGE,       DIRECTORY,  TEXT,   0, 0 },
	{ IPC_SALT_IS,       "SALT_IS",      DIRECTORY,  EDGE,       TEXT,   0, 0 },
	{ IPC_PROOF,         "PROOF",        EDGE,       DIRECTORY,  TEXT,   0, 0 },
	{ IPC_PROOF_IS,      "PROOF_IS",     DIRECTORY,  EDGE,       TEXT,   0, 0 },

	{ IPC_SESSION,       "SESSION",      DIRECTORY,  STORE,      TEXT,   0, 0 },
	{ IPC_REMOVED,       "REMOVED",      DIRECTORY,  STORE,      NUMBER, 0, 0 },

	{ IPC_ADOPT,         "ADOPT",        EDGE | DIRECTORY, STORE,      IPC_ADOPT_MAX, 1, 1 },

	{ IPC_SEGMENT_WANT,  "SEGMENT_WANT", EDGE | RELAY,     ROUTER,     0,      0, 0 },
	{ IPC_SEGMENT,       "SEGMENT",      ROUTER,     EDGE | RELAY, SMALL,  1, 1 },
	{ IPC_SYNCED,        "SYNCED",       EDGE | RELAY,     ROUTER,     SMALL,  0, 0 },
	{ IPC_ABORTED,       "ABORTED",      EDGE | RELAY,     ROUTER,     SMALL,  0, 0 },
	{ IPC_SEGMENT_END,   "SEGMENT_END",  EDGE | RELAY,     ROUTER,     NUMBER, 0, 0 },
	{ IPC_SPOOL_WANT,    "SPOOL_WANT",   EDGE,       ROUTER,     NUMBER, 0, 0 },
	{ IPC_SPOOL,         "SPOOL",        ROUTER,     EDGE,       SMALL,  0, 1 },
	{ IPC_SPOOL_DROP,    "SPOOL_DROP",   EDGE,       ROUTER,     NUMBER, 0, 0 },
	{ IPC_SPACE,         "SPACE",        ROUTER,     EDGE | RELAY, SMALL,  0, 0 },

	{ IPC_LIVE,          "LIVE",         ROUTER,     STORE | RELAY, LARGE,  0, 0 },
	{ IPC_RETIRED,       "RETIRED",      ROUTER,     STORE | RELAY, NUMBER, 0, 0 },
	{ IPC_DELIVER,       "DELIVER",      ROUTER,     STORE | RELAY, LARGE,  0, 1 },
	{ IPC_SOURCE_OVER,   "SOURCE_OVER",  ROUTER,     STORE,      NUMBER, 0, 0 },
	{ IPC_DELIVERED,     "DELIVERED",    STORE | RELAY, ROUTER,     LARGE,  0, 0 },

	{ IPC_REPORTED_WANT, "REPORTED_WANT", RELAY,     ROUTER,     0,      0, 0 },
	{ IPC_REPORTED,      "REPORTED",     ROUTER,     RELAY,      LARGE,  0, 0 },
	{ IPC_REPORTED_OVER, "REPORTED_OVER", RELAY,     ROUTER,     0,      0, 0 },

	{ IPC_RESOLVE,       "RESOLVE",      RELAY,      RESOLVER,   TEXT,   0, 0 },
	{ IPC_RESOLVED,      "RESOLVED",     RESOLVER,   RELAY,      LARGE,  0, 0 },

	{ IPC_QUEUE,         "QUEUE",        DIRECTORY,  RELAY,      LARGE,  0, 0 },
	{ IPC_QUEUE_IS,      "QUEUE_IS",     RELAY,      DIRECTORY,  LARGE,  0, 0 },

	{ IPC_UNDELETE,      "UNDELETE",     DIRECTORY,  STORE,      LARGE,  0, 0 },
	{ IPC_UNDELETE_IS,   "UNDELETE_IS",  STORE,      DIRECTORY,  LARGE,  0, 0 },

	{ IPC_QUOTAS,        "QUOTAS",       DIRECTORY,  STORE,      LARGE,  0, 0 },
	{ IPC_FULL,          "FULL",         STORE,      DIRECTORY,  SMALL,  0, 0 },
	{ IPC_HELD,          "HELD",         DIRECTORY,  STORE,      SMALL,  0, 0 },
	{ IPC_HELD_IS,       "HELD_IS",      STORE,      DIRECTORY,  TEXT,   0, 0 },

	{ IPC_TRUSTED,       "TRUSTED",      KEEPER,     RELAY,      LARGE,  0, 0 },
	{ IPC_SMART_HOST,    "SMART_HOST",   KEEPER,     RELAY,      TEXT,   0, 0 },

	{ IPC_ANCHORS,       "ANCHORS",      KEEPER,     RESOLVER,   LARGE,  0, 0 },

	{ IPC_BESIDE,        "BESIDE",       KEEPER,     WEB,        0,      1, 1 },

	{ IPC_HTTP,          "HTTP",         EDGE,       WEB,        SMALL,  1, 1 },
	{ IPC_HTTP_IS,       "HTTP_IS",      WEB,        EDGE,       SMALL,  0, 0 },

	{ IPC_SMTP,          "SMTP",         WEB,        EDGE,       TEXT,   1, 1 },

	{ IPC_REFUSED,       "REFUSED",      EDGE,       WEB,        TEXT,   0, 0 },

	{ IPC_COUNTERS,      "COUNTERS",     EDGE | DIRECTORY | ROUTER | STORE | RELAY, WEB, SMALL,
	    0, 0 },

	{ IPC_WATCH,         "WATCH",        WEB,        STORE,      0,      0, 0 },
	{ IPC_WATCHED,       "WATCHED",      STORE,      WEB,        0,      0, 0 },
	{ IPC_MESSAGE,       "MESSAGE",      STORE,      WEB,        SMALL,  0, 0 },
	{ IPC_GONE,          "GONE",         STORE,      WEB,        SMALL,  0, 0 },
	{ IPC_FETCH,         "FETCH",        WEB,        STORE,      SMALL,  0, 0 },
	{ IPC_BODY,          "BODY",         STORE,      WEB,        LARGE,  0, 0 },
	{ IPC_EXPUNGE,       "EXPUNGE",      WEB,        STORE,      LARGE,  0, 0 },
	{ IPC_EXPUNGED,      "EXPUNGED",     STORE,      WEB,        SMALL,  0, 0 },
	{ IPC_MARK,          "MARK",         WEB,        STORE,      LARGE,  0, 0 },
	{ IPC_MARKED,        "MARKED",       STORE,      WEB,        SMALL,  0, 0 },
	{ IPC_SEEN,          "SEEN",         STORE,      WEB,        LARGE,  0, 0 },
	{ IPC_TAG,           "TAG",          WEB,        STORE,      LARGE,  0, 0 },
	{ IPC_TAGGED,        "TAGGED",       STORE,      WEB,        SMALL,  0, 0 },
	{ IPC_TAGS,          "TAGS",         STORE,      WEB,        TEXT,   0, 0 },

	{ IPC_SETTLE,        "SETTLE",       WEB,        ROUTER,     NUMBER, 0, 0 },
	{ IPC_SETTLED,       "SETTLED",      ROUTER,     WEB,        NUMBER, 0, 0 },

	{ IPC_MAILBOX,       "MAILBOX",      DIRECTORY,  WEB,        TEXT,   0, 0 },
};

static const char *const kinds[ROLE_KINDS] = {
	[ROLE_KEEPER] = "keeper",
	[ROLE_EDGE] = "edge",
	[ROLE_DIRECTORY] = "directory",
	[ROLE_ROUTER] = "router",
	[ROLE_STORE] = "store",
	[ROLE_RELAY] = "relay",
	[ROLE_RESOLVER] = "resolver",
	[ROLE_WEB] = "web",
};

static const char *const services[SERVICES] = {
	[SERVICE_SMTP] = "smtp",
	[SERVICE_SUBMISSION] = "submission",
	[SERVICE_SUBMISSIONS] = "submissions",
	[SERVICE_POP3] = "pop3",
	[SERVICE_POP3S] = "pop3s",
	[SERVICE_IMAP] = "imap",
	[SERVICE_IMAPS] = "imaps",
	[SERVICE_HTTP] = "http",
	[SERVICE_CONTROL] = "control",
};

static_assert(IPC_TYPES <= 256, "a type is one byte");

const char *role_kind_name(enum role_kind kind)
{
	check((unsigned)kind < ROLE_KINDS);
	return kinds[kind];
}

const char *service_name(enum service service)
{
	check((unsigned)service < SERVICES);
	return services[service];
}

bool service_is_pop3(enum service service)
{
	return service == SERVICE_POP3 || service == SERVICE_POP3S;
}

bool service_is_imap(enum service service)
{
	return service == SERVICE_IMAP || service == SERVICE_IMAPS;
}

const struct ipc_rule *ipc_rule(unsigned type)
{
	return type < IPC_TYPES ? &rules[type] : NULL;
}

bool ipc_rule_permits(const struct ipc_rule *rule, enum role_kind from, enum role_kind to)
{
	return (rule->from & 1u << from) != 0 && (rule->to & 1u << to) != 0;
}

enum ipc_next ipc_next(struct bytes *packet, size_t fds_left, enum role_kind from,
    enum role_kind to, const struct ipc_rule **ret_rule, slice *ret_body, size_t *ret_n_fds)
{
	struct bytes at = *packet;
	const struct ipc_rule *rule;
	uint32_t len;
	uint8_t n_fds;
	slice body;

	if (packet->rest.len == 0)
		return fds_left == 0 ? IPC_NEXT_END : IPC_NEXT_BROKEN;
	len = get_u32(&at);
	rule = ipc_rule(get_u8(&at));
	n_fds = get_u8(&at);
	body = get_raw(&at, len);
	if (!bytes_ok(&at) || rule == NULL || !ipc_rule_permits(rule, from, to))
		return IPC_NEXT_BROKEN;
	if (len > rule->body_max || n_fds > fds_left || n_fds < rule->fds_min ||
	    n_fds > rule->fds_max)
		return IPC_NEXT_BROKEN;
	*packet = at;
	*ret_rule = rule;
	*ret_body = body;
	*ret_n_fds = n_fds;
	return IPC_NEXT_MESSAGE;
}
