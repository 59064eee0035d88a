/* config/config.h - posthouse.conf: one declarative file, read into a struct.
 *
 * Lines of "key = value"; # begins a comment; lists have commas. The table in
 * config_table.c names each key, its type, default, what it means, and whether
 * a reload takes it over; help, man page and `check` read the same rows. */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include "base/arena.h"
#include "base/buffer.h"
#include "ipc/message.h"
#include "os/os.h"

enum {
	CONFIG_KEYS = 82,               /* rows of the table */
	CONFIG_SUBMISSIONS_PORT = 465,  /* RFC 8314: TLS from the first byte */
};

struct config_listener {
	enum service service;
	struct os_address address;
	unsigned line;                  /* of the file, for messages; 0: a default */
};

/* A server for all mail to other hosts. */
struct config_host {
	slice name;                     /* a name, or an address as text; empty: none */
	uint16_t port;                  /* 0: relay.port */
};

/* Addresses and networks. */
struct config_networks {
	size_t n;
	struct os_prefix *list;
};

/* Name servers. */
struct config_servers {
	bool system;                    /* those that /etc/resolv.conf names */
	size_t n;                       /* or these; none: from the root on */
	struct os_address *list;        /* CONFIG_SERVERS_MAX of them, or NULL */
};

/* How far TLS to relay.host must go. Port 465 is under TLS from the first byte. */
enum config_tls {
	CONFIG_TLS_AUTO,                /* see config_relay_tls() */
	CONFIG_TLS_NONE,                /* a login goes in the clear, too */
	CONFIG_TLS_OPPORTUNISTIC,       /* when it is offered; whoever it is */
	CONFIG_TLS_REQUIRED,            /* whoever it is */
	CONFIG_TLS_VERIFY,              /* only with a certificate for its name */
	CONFIG_TLS_IMPLICIT,            /* the same, from the first byte */
};

/* Where a mock keeps mail. */
enum config_mailboxes {
	CONFIG_MAILBOXES_ONE,
	CONFIG_MAILBOXES_LOGIN,         /* of who logged in; without a login, in the one */
};

struct config {
	slice hostname;
	slice data;                     /* data folder */
	slice user;                     /* whom root becomes; empty: nobody else */
	size_t n_domains;
	slice *domains;                 /* lower case, A-labels; served beside those in the directory */
	size_t n_listeners;
	struct config_listener *listeners;
	slice certificate, key;         /* files; empty: self-signed, made at first start */

	unsigned edges, stores;         /* processes; 0: as many as serve likes */
	uint64_t message_size_max;      /* bytes */
	unsigned recipients_max;        /* a transaction */
	unsigned errors_max;            /* a session */
	unsigned sessions_max;          /* an edge */
	/* Fair shares (role/edge_shares.h, role/directory_shares.h); 0: no limit. */
	unsigned sessions_per_address;  /* of an edge, at once */
	unsigned connections_per_address;       /* to an edge, a minute */
	unsigned messages_per_address;  /* port 25, an hour */
	unsigned recipients_per_address;
	unsigned refused_per_address;   /* recipients that there are not */
	unsigned network_factor;        /* a network's share, in addresses */
	unsigned messages_per_account;  /* submission, an hour */
	unsigned recipients_per_account;
	unsigned logins_per_account;    /* POP3, an hour; as many of IMAP */
	unsigned sessions_per_account;  /* POP3 and IMAP, at once */
	struct config_networks trusted; /* who meets none of these limits */
	unsigned greeting_delay_ms;     /* port 25, against early talkers */
	unsigned session_timeout_s;     /* SMTP, RFC 5321 s4.5.3.2.7 */
	unsigned fruitless_s;           /* a session without a message or a login */
	unsigned pop3_timeout_s;        /* RFC 1939 s3: at least 600 */
	unsigned imap_timeout_s;        /* logged in; RFC 9051 s5.4: at least 1800 */
	bool relay;                     /* does our users' mail go to other hosts? */
	unsigned relay_port;            /* of other hosts */
	struct config_host relay_host;
	struct config_networks relay_networks;  /* of other hosts; none: any */
	slice relay_login;              /* at relay.host; empty: none */
	slice relay_password_file;
	unsigned relay_tls;             /* enum config_tls */
	slice relay_ca;                 /* file; empty: none */
	unsigned relay_retry_s, relay_retry_max_s;      /* the first wait; the longest */
	unsigned relay_warn_s;          /* then the sender hears of the delay; 0: never */
	unsigned relay_expire_s;        /* then it is returned */
	unsigned relay_sessions;        /* at once, to all hosts */
	unsigned relay_sessions_per_host;
	uint64_t quota;                 /* bytes, of an account that has none of its own; 0: none */
	bool special_use;               /* accounts begin with Drafts, Sent ... */
	unsigned undelete_s;            /* how long what is expunged can be brought back; 0: not */
	bool lab;                       /* the web shows mail of our accounts */
	slice lab_hosts;                /* "bob.example=127.0.0.2:8025,...": whose webs there are */
	slice lab_beside;               /* folder of another host's journeys, or empty */
	bool mock, mock_strict;
	unsigned mock_mailboxes;        /* enum config_mailboxes */
	unsigned mock_messages;         /* of a mailbox; 0: any number */
	unsigned mock_age_s;            /* 0: any */
	/* HTTP of a mock (role/web_guard.c); lists with commas or blanks. */
	slice mock_hosts;               /* names that it is reached by; "*": any */
	slice mock_origins;             /* pages that may ask; "*": all */
	slice mock_auth;                /* user:hash ...; empty: nobody is asked */
	slice mock_send_auth;           /* the same for POST /api/v1/send; empty: mock_auth */
	bool mock_send_any;             /* who sends is not asked */
	slice mock_webroot;             /* "/": all paths begin with it, and it ends so */
	bool mock_compression;          /* gzip for who takes it */
	struct config_servers dns_servers;
	bool dns_validate;
	slice dns_trust_anchor;         /* file; empty: the root's keys, built in */
	bool journey, journey_dialogue; /* are events written down; SMTP's lines, too */
	unsigned journey_keep_s;        /* how long; 0: as long as there is space */
	uint64_t journey_size;          /* bytes, of all roles */
	uint64_t journal_size;          /* bytes of all segments */
	unsigned segment_size;
	unsigned drain_s;
	unsigned silence_s;             /* a role, before the keeper ends it */
	unsigned auth_failures_max;     /* an address, before it is slowed */
	uint64_t password_memory;       /* bytes, of one argon2id hash */
	bool password_scram;                /* offer SCRAM-SHA-256 */

	unsigned lines[CONFIG_KEYS];    /* where each key was set; 0: nowhere */
};

/* One fault. `line` 0: of the file as a whole. */
struct config_error {
	unsigned line;
	char text[256];                 /* unknown key "hostnam"; did you mean "hostname"? */
};

/* Parse and judge; all strings are copied to `arena`, which must have room for
 * CONFIG_ARENA_MAX. Returns the number of faults, of which up to `size` are
 * filled, by line, those of the whole last; *ret_config is usable only when it
 * is 0. Defaults stand where a key is not given. Opens no file: cli/check.c
 * looks at folders, ports, certificates. */
size_t config_parse(slice text, struct arena *arena, struct config *ret_config,
    struct config_error *ret_errors, size_t size);

/* Is that address in one of the networks of limit.trusted? */
bool config_trusts(const struct config *config, const uint8_t ip[16]);
/* May mail go to a host with that address (relay.networks)? */
bool config_relays_to(const struct config *config, const uint8_t ip[16]);

/* The port of relay.host, and what relay.tls is there, never AUTO: VERIFY with a login or
 * on port 465, unless relay.host is a loopback address, as text; otherwise OPPORTUNISTIC. */
uint16_t config_relay_host_port(const struct config *config);
enum config_tls config_relay_tls(const struct config *config);
/* Is its certificate judged, by relay.ca? Then nothing goes to another one. */
/* The web shows the mail: a page and an API to all of it. */
static inline bool config_shows_mail(const struct config *config)
{
	return config->mock || config->lab;
}
bool config_relay_judges(const struct config *config);
bool config_relay_is_loopback(const struct config *config);

/* The same configuration as text: what the keeper sends to the roles. */
void config_print(const struct config *config, struct buffer *out);

/* A size as the values of keys have it: 500, 64K, 35M, 2G. */
bool config_size_read(slice text, uint64_t *ret_bytes);
/* The same as text, exactly. */
enum { CONFIG_SIZE_TEXT = 32 };
const char *config_size_print(uint64_t bytes, char ret_text[CONFIG_SIZE_TEXT]);

/* The line that set `key`, or 0. */
unsigned config_line(const struct config *config, const char *key);

/* Text with the lines of `key` taken out and "key = value" at its end. */
void config_override(slice text, slice key, slice value, struct buffer *out);

/* A reload leaves some keys to the next restart: copy their old values to
 * `config`, what they point to in `arena`. Returns how many differed, of which up
 * to `size` are named. */
size_t config_keep(const struct config *old, struct config *config, struct arena *arena,
    const char *ret_names[], size_t size);

#endif
