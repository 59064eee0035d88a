/* config/config_table.c - the rows. config_value.c knows their types. */
#include "config/config_table.h"

#include <assert.h>
#include <stddef.h>

#include "base/limits.h"

#define KIB (uint64_t)1024
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)

#define FIELD(member) \
	.offset = offsetof(struct config, member), \
	.width = sizeof(((struct config *)0)->member)

/* enum config_mailboxes */
static const char *const mailboxes_words[] = { "one", "login", NULL };

/* enum config_tls */
static const char *const tls_words[] = { "auto", "none", "opportunistic", "required", "verify",
	"implicit", NULL };

const struct config_key config_keys[CONFIG_KEYS] = {
	{ "hostname", CONFIG_NAME, CONFIG_REQUIRED, FIELD(hostname),
	    .means = "The name of this host, as its MX record has it: greetings and Received "
	    "lines say it." },
	{ "domains", CONFIG_NAMES, .preset = "none",
	    .means = "Domains whose mail is delivered here, beside those of `posthouse domain`." },
	{ "data", CONFIG_WORD, CONFIG_RESTART, FIELD(data), .preset = "/var/lib/posthouse",
	    .means = "The folder that holds all mail, accounts and logs." },
	{ "user", CONFIG_WORD, CONFIG_RESTART, FIELD(user), .preset = "posthouse",
	    .means = "Who the processes become when root starts them." },
	{ "edges", CONFIG_COUNT, CONFIG_RESTART, FIELD(edges), .preset = "0", .max = EDGES_MAX,
	    .means = "Processes that speak with the network; 0: one for each two cores." },
	{ "stores", CONFIG_COUNT, CONFIG_RESTART, FIELD(stores), .preset = "0",
	    .max = STORES_MAX, .means = "Processes that keep accounts; 0: one per core." },

	{ "listen.smtp", CONFIG_LISTEN, .service = SERVICE_SMTP, .preset = "25",
	    .means = "Where mail from other hosts comes in (STARTTLS)." },
	{ "listen.submission", CONFIG_LISTEN, .service = SERVICE_SUBMISSION, .preset = "587",
	    .means = "Where our own users send (STARTTLS, login required)." },
	{ "listen.submissions", CONFIG_LISTEN, .service = SERVICE_SUBMISSIONS, .preset = "465",
	    .means = "The same under TLS from the first byte." },
	{ "listen.pop3", CONFIG_LISTEN, .service = SERVICE_POP3, .preset = "110",
	    .means = "Where our own users fetch (STLS)." },
	{ "listen.pop3s", CONFIG_LISTEN, .service = SERVICE_POP3S, .preset = "995",
	    .means = "The same under TLS from the first byte." },
	{ "listen.imap", CONFIG_LISTEN, .service = SERVICE_IMAP, .preset = "143",
	    .means = "Where mail programs read and keep their mail (STARTTLS)." },
	{ "listen.imaps", CONFIG_LISTEN, .service = SERVICE_IMAPS, .preset = "993",
	    .means = "The same under TLS from the first byte." },
	{ "listen.http", CONFIG_LISTEN, .service = SERVICE_HTTP, .preset = "none",
	    .means = "Where /livez, /readyz and /metrics answer, for whoever asks, in the clear: "
	    "127.0.0.1:8025, or a network of your own." },

	{ "tls.certificate", CONFIG_WORD, FIELD(certificate), .preset = "none",
	    .means = "PEM file with the certificate chain; none: self-signed, made at first "
	    "start." },
	{ "tls.key", CONFIG_WORD, FIELD(key), .preset = "none",
	    .means = "PEM file with the private key of the certificate." },

	{ "limit.message_size", CONFIG_SIZE, FIELD(message_size_max), .min = 64 * KIB,
	    .max = GIB, .preset = "50M",
	    .means = "The largest message taken; EHLO announces it." },
	{ "limit.recipients", CONFIG_COUNT, FIELD(recipients_max), .min = 100,
	    .max = JOURNAL_RECIPIENTS_MAX,
	    .preset = "100",
	    .means = "Recipients of one transaction (RFC 5321 wants at least 100)." },
	{ "limit.errors", CONFIG_COUNT, FIELD(errors_max), .min = 1, .max = 1000,
	    .preset = "10", .means = "Refused commands before a session is ended with 421." },
	{ "limit.sessions", CONFIG_COUNT, FIELD(sessions_max), .min = 1, .max = 20000,
	    .preset = "6000", .means = "Sessions that one edge holds at once." },
	{ "limit.sessions_per_address", CONFIG_COUNT, FIELD(sessions_per_address), .min = 1,
	    .max = 20000, .preset = "100",
	    .means = "Sessions that one edge holds at once with one address (an IPv6 /64)." },
	{ "limit.connections_per_address", CONFIG_COUNT, FIELD(connections_per_address),
	    .max = SHARES_MAX, .preset = "1200",
	    .means = "New connections that one edge takes from an address in a minute; 0: any." },
	{ "limit.messages_per_address", CONFIG_COUNT, FIELD(messages_per_address),
	    .max = SHARES_MAX, .preset = "20000",
	    .means = "Messages that port 25 takes from an address in an hour; 0: any." },
	{ "limit.recipients_per_address", CONFIG_COUNT, FIELD(recipients_per_address),
	    .max = SHARES_MAX, .preset = "50000",
	    .means = "Recipients that port 25 takes from an address in an hour; 0: any." },
	{ "limit.refused_per_address", CONFIG_COUNT, FIELD(refused_per_address),
	    .max = SHARES_MAX, .preset = "2000",
	    .means = "Recipients refused to an address in an hour before it must wait; 0: any." },
	{ "limit.network_factor", CONFIG_COUNT, FIELD(network_factor), .min = 1, .max = 1000,
	    .preset = "4",
	    .means = "A network (IPv4 /24, IPv6 /48) may do as much as so many addresses." },
	{ "limit.messages_per_account", CONFIG_COUNT, FIELD(messages_per_account),
	    .max = SHARES_MAX, .preset = "2000",
	    .means = "Messages that an account may submit in an hour; 0: any." },
	{ "limit.recipients_per_account", CONFIG_COUNT, FIELD(recipients_per_account),
	    .max = SHARES_MAX, .preset = "10000",
	    .means = "Recipients that an account may name in an hour; 0: any." },
	{ "limit.logins_per_account", CONFIG_COUNT, FIELD(logins_per_account),
	    .max = SHARES_MAX, .preset = "5000",
	    .means = "POP3 logins of an account in an hour, and as many of IMAP; 0: any." },
	{ "limit.sessions_per_account", CONFIG_COUNT, FIELD(sessions_per_account),
	    .max = 20000, .preset = "100",
	    .means = "Sessions that an account has at once, of POP3 and IMAP together; 0: any." },
	{ "limit.trusted", CONFIG_NETWORKS, FIELD(trusted), .preset = "127.0.0.0/8, ::1",
	    .means = "Networks that meet no limit of an address, a network or an account." },
	{ "limit.fruitless", CONFIG_TIME, FIELD(fruitless_s), .unit_ms = 1000, .min = 10,
	    .max = 24 * 3600, .preset = "1h",
	    .means = "Time that a session may go on without a message taken, or a login." },
	{ "limit.auth_failures", CONFIG_COUNT, FIELD(auth_failures_max), .min = 1, .max = 1000,
	    .preset = "10", .means = "Failed logins of an address before it is slowed." },
	{ "password.memory", CONFIG_SIZE, FIELD(password_memory), .min = PASSWORD_MEMORY_MIN,
	    .max = PASSWORD_MEMORY_MAX, .preset = "64M",
	    .means = "Memory that one password hash takes: more is harder to guess." },
	{ "password.scram", CONFIG_YES, FIELD(password_scram), .preset = "yes",
	    .means = "Offer SCRAM-SHA-256: programs then show that they know the password without sending it." },

	{ "smtp.greeting_delay", CONFIG_TIME, FIELD(greeting_delay_ms), .unit_ms = 1,
	    .max = 60 * 1000, .preset = "2s",
	    .means = "How long port 25 waits for those who talk before the greeting." },
	{ "smtp.timeout", CONFIG_TIME, FIELD(session_timeout_s), .unit_ms = 1000, .min = 10,
	    .max = 3600, .preset = "5m",
	    .means = "Silence that ends an SMTP session (RFC 5321: at least 5m)." },
	{ "pop3.timeout", CONFIG_TIME, FIELD(pop3_timeout_s), .unit_ms = 1000, .min = 10,
	    .max = 24 * 3600, .preset = "10m",
	    .means = "Silence that ends a POP3 session (RFC 1939: at least 10m)." },
	{ "imap.timeout", CONFIG_TIME, FIELD(imap_timeout_s), .unit_ms = 1000, .min = 30 * 60,
	    .max = 24 * 3600, .preset = "30m",
	    .means = "Silence that ends an IMAP session, once it is logged in (RFC 9051: at least "
	    "30m)." },
	{ "mailbox.quota", CONFIG_SIZE, FIELD(quota), .max = QUOTA_MAX, .preset = "0",
	    .means = "How much mail an account may hold that has no quota of its own (`posthouse "
	    "account quota`); 0: any." },
	{ "mailbox.special_use", CONFIG_YES, FIELD(special_use), .preset = "no",
	    .means = "Whether an account begins, at its first IMAP session, with Archive, Drafts, Junk, Sent and "
	    "Trash, so that all programs use the same (RFC 6154)." },
	{ "mailbox.undelete", CONFIG_TIME, FIELD(undelete_s), .unit_ms = 1000,
	    .max = UNDELETE_MAX_S, .preset = "14d",
	    .means = "How long a message that was expunged (IMAP), deleted (POP3), or in a mailbox "
	    "that was deleted, can be brought back by `posthouse undelete`; 0: it is gone at once." },
	{ "relay", CONFIG_YES, FIELD(relay), .preset = "yes",
	    .means = "Whether mail of our own users, and of aliases, goes to other hosts." },
	{ "relay.host", CONFIG_HOST, FIELD(relay_host), .preset = "none",
	    .means = "A server that takes all mail for other hosts: mx.example.org:587, "
	    "192.0.2.1; none: each domain's own, found by its MX records." },
	{ "relay.login", CONFIG_WORD, FIELD(relay_login), .preset = "none",
	    .means = "The name to log in with at relay.host (AUTH PLAIN or LOGIN); none: no "
	    "login." },
	{ "relay.password_file", CONFIG_WORD, FIELD(relay_password_file), .preset = "none",
	    .means = "The file whose only line is the password of relay.login; read at start and at "
	    "a reload, by root when root starts us." },
	{ "relay.tls", CONFIG_CHOICE, FIELD(relay_tls), .choices = tls_words, .preset = "auto",
	    .means = "What relay.host must show before it gets mail or the login. verify: STARTTLS "
	    "and a certificate for its name, by relay.ca; implicit: the same with TLS from the "
	    "first byte, as on port 465 always; required: TLS with any certificate; opportunistic: "
	    "TLS if it can be had; none: all in the clear, the password as well. auto: verify with "
	    "a login or on port 465, otherwise, and for a loopback address, opportunistic." },
	{ "relay.ca", CONFIG_WORD, FIELD(relay_ca),
	    .preset = "/etc/ssl/certs/ca-certificates.crt",
	    .means = "PEM file with the authorities that relay.host's certificate may come from, or "
	    "with that certificate itself, if self-signed; read like relay.password_file." },
	{ "relay.port", CONFIG_COUNT, FIELD(relay_port), .min = 1, .max = UINT16_MAX,
	    .preset = "25", .means = "The port of other hosts; something else for a lab." },
	{ "relay.networks", CONFIG_NETWORKS, FIELD(relay_networks), .preset = "none",
	    .means = "Mail goes only to hosts whose addresses are in these networks; none: to "
	    "any." },
	{ "relay.retry", CONFIG_TIME, FIELD(relay_retry_s), .unit_ms = 1000, .min = 1,
	    .max = 24 * 3600, .preset = "5m",
	    .means = "How long a message waits after its first failed attempt; then longer." },
	{ "relay.retry_max", CONFIG_TIME, FIELD(relay_retry_max_s), .unit_ms = 1000, .min = 1,
	    .max = 24 * 3600, .preset = "4h",
	    .means = "The longest wait between two attempts." },
	{ "relay.warn", CONFIG_TIME, FIELD(relay_warn_s), .unit_ms = 1000,
	    .max = 30 * 24 * 3600, .preset = "4h",
	    .means = "When the sender is told that a message is delayed; 0: never." },
	{ "relay.expire", CONFIG_TIME, FIELD(relay_expire_s), .unit_ms = 1000, .min = 1,
	    .max = 30 * 24 * 3600, .preset = "5d",
	    .means = "When a message that can't be delivered is returned (RFC 5321: 4 to 5 "
	    "days)." },
	{ "relay.sessions", CONFIG_COUNT, FIELD(relay_sessions), .min = 1, .max = 10000,
	    .preset = "500", .means = "Connections to other hosts at once." },
	{ "relay.sessions_per_host", CONFIG_COUNT, FIELD(relay_sessions_per_host), .min = 1,
	    .max = 1000, .preset = "20", .means = "Connections to one destination at once; "
	    "fewer while it is slow or refuses." },
	{ "mock", CONFIG_YES, CONFIG_RESTART, FIELD(mock), .preset = "no",
	    .means = "Whether mail for anybody and any login are taken, and all mail is kept: what "
	    "`posthouse mock` sets, and only it may." },
	{ "mock.strict", CONFIG_YES, FIELD(mock_strict), .preset = "no",
	    .means = "Whether a mock refuses what a real server refuses." },
	{ "mock.mailboxes", CONFIG_CHOICE, CONFIG_RESTART, FIELD(mock_mailboxes),
	    .choices = mailboxes_words, .preset = "one",
	    .means = "one: all mail of a mock is in one mailbox; login: what was sent with a login "
	    "is in a mailbox of that name, made at first use." },
	{ "mock.messages", CONFIG_COUNT, CONFIG_RESTART, FIELD(mock_messages),
	    .max = ACCOUNT_MESSAGES_MAX, .preset = "500",
	    .means = "How many messages a mailbox of a mock holds, the oldest go; 0: any number." },
	{ "mock.age", CONFIG_TIME, CONFIG_RESTART, FIELD(mock_age_s), .unit_ms = 1000,
	    .max = MOCK_AGE_MAX_S, .preset = "0",
	    .means = "How old messages of a mock become before they go; 0: any age." },
	{ "mock.hosts", CONFIG_WORD, CONFIG_RESTART, FIELD(mock_hosts), .preset = "none",
	    .means = "Names that a mock's HTTP is asked by, beside localhost and loopback addresses; "
	    "*: any. Of one that listens on more than loopback any are, unless this is set." },
	{ "mock.origins", CONFIG_WORD, CONFIG_RESTART, FIELD(mock_origins), .preset = "none",
	    .means = "Origins of other pages that may use a mock's API (CORS): "
	    "http://app.example:3000; *: all." },
	{ "mock.auth", CONFIG_WORD, CONFIG_RESTART, FIELD(mock_auth), .preset = "none",
	    .means = "Who may ask a mock over HTTP, user:password, with blanks between: as htpasswd "
	    "writes it (bcrypt, SHA, MD5) or in the clear." },
	{ "mock.send_auth", CONFIG_WORD, CONFIG_RESTART, FIELD(mock_send_auth), .preset = "none",
	    .means = "The same for POST /api/v1/send; none: mock.auth." },
	{ "mock.send_any", CONFIG_YES, CONFIG_RESTART, FIELD(mock_send_any), .preset = "no",
	    .means = "Whether anybody may POST /api/v1/send." },
	{ "mock.webroot", CONFIG_WORD, CONFIG_RESTART, FIELD(mock_webroot), .preset = "/",
	    .means = "The path that all of a mock's HTTP is below: /mail/." },
	{ "mock.compression", CONFIG_YES, CONFIG_RESTART, FIELD(mock_compression), .preset = "yes",
	    .means = "Whether a mock's HTTP is compressed for who takes gzip." },
	{ "lab", CONFIG_YES, CONFIG_RESTART, FIELD(lab), .preset = "no",
	    .means = "Whether a page at listen.http, on loopback, shows all mail to whoever looks: "
	    "what `posthouse lab` sets, and only it may." },
	{ "lab.hosts", CONFIG_WORD, CONFIG_RESTART, FIELD(lab_hosts), .preset = "none",
	    .means = "Domains of a lab's hosts and where their pages are: "
	    "bob.example=127.0.0.2:8025,alice.example=127.0.0.3:8025." },
	{ "lab.beside", CONFIG_WORD, CONFIG_RESTART, FIELD(lab_beside), .preset = "none",
	    .means = "Folder with the journeys of a lab's other host." },
	{ "dns.servers", CONFIG_SERVERS, CONFIG_RESTART, FIELD(dns_servers), .preset = "system",
	    .means = "Who resolves names: addresses, with a port if it is not 53; system: "
	    "whom /etc/resolv.conf names; root: nobody, we ask from the root on." },
	{ "dns.validate", CONFIG_YES, CONFIG_RESTART, FIELD(dns_validate), .preset = "no",
	    .means = "Whether answers are validated by DNSSEC: what is signed and wrong is not used, "
	    "so mail to it waits. dns.servers must pass signatures on." },
	{ "dns.trust_anchor", CONFIG_WORD, CONFIG_RESTART, FIELD(dns_trust_anchor),
	    .preset = "none",
	    .means = "File with the keys that dns.validate begins with, a DS or DNSKEY record a line, "
	    "like /usr/share/dns/root.key of dns-root-data; none: the root's keys of 2017 and "
	    "2024, which are built in." },
	{ "journey", CONFIG_YES, CONFIG_RESTART, FIELD(journey), .preset = "yes",
	    .means = "Whether it is written down what happens to each message, for `posthouse "
	    "trace`." },
	{ "journey.dialogue", CONFIG_YES, FIELD(journey_dialogue), .preset = "yes",
	    .means = "With the lines of SMTP, passwords masked." },
	{ "journey.keep", CONFIG_TIME, FIELD(journey_keep_s), .unit_ms = 1000,
	    .max = 3650 * 24 * 3600, .preset = "14d",
	    .means = "How long that is kept; 0: until there is no space for it." },
	{ "journey.size", CONFIG_SIZE, FIELD(journey_size), .min = MIB, .max = 1024 * GIB,
	    .preset = "512M", .means = "Space for it; the oldest goes first." },
	{ "drain.timeout", CONFIG_TIME, FIELD(drain_s), .unit_ms = 1000, .max = 3600,
	    .preset = "30s", .means = "How long a stop waits for sessions that are under way." },
	{ "watch.silence", CONFIG_TIME, FIELD(silence_s), .unit_ms = 1000, .min = 4,
	    .max = 3600, .preset = "2m",
	    .means = "How long a process may answer nothing before it is ended and started "
	    "again." },

	{ "journal.size", CONFIG_SIZE, CONFIG_RESTART, FIELD(journal_size), .min = 16 * MIB,
	    .max = 1024 * GIB, .preset = "1G",
	    .means = "Space for messages on their way; at 80 % of it new ones wait outside. Reports "
	    "about mail to other hosts may take a quarter of it, or two segments, besides." },
	{ "journal.segment", CONFIG_SIZE, CONFIG_RESTART, FIELD(segment_size),
	    .min = 4 * MIB, .max = 256 * MIB, .preset = "16M",
	    .means = "Size of one file of the journal." },
};

static_assert(sizeof config_keys / sizeof *config_keys == CONFIG_KEYS, "one row a key");
