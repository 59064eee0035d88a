/* base/limits.h - every limit by name, with its reason. One section a module.
 *
 * A limit that an administrator may change has its default here and its key in
 * config/config.c. */
#ifndef BASE_LIMITS_H
#define BASE_LIMITS_H

#include "base/limits_mail.h"
#include "base/limits_tools.h"

enum {
	/* base */
	ARENA_CHUNK_FIRST = 512,        /* an idle connection stays small */
	ARENA_CHUNK_MAX = 64 * 1024,
	BUFFER_FIRST = 256,
	HEAP_SMALL = 1024,              /* glibc's thread cache goes to 1032 */
	TABLE_FIRST = 16,
	/* Token buckets of a role, 16 bytes each; a power of two times eight. So many
	 * can stand at a limit at once; what is named is an address or an id. */
	RATES_ENTRIES = 8192,
	RATES_WHO_MAX = 16,

	/* A path below a role's root; ours are short and made by us. */
	OS_PATH_MAX = 256,
	/* One message between roles, descriptors aside: a delivery of 64 KiB of
	 * body with its envelope. Also the size of a packet of several. */
	IPC_PACKET_MAX = 128 * 1024,
	IPC_FDS_MAX = 4,

	/* A message's body at rest and on its way: zstd frames, each complete in
	 * itself, so that reading needs two such buffers and no more. */
	BODY_FRAME_RAW = 256 * 1024,
	/* ZSTD_compressBound of that, rounded up: no frame of ours is longer. */
	BODY_FRAME_STORED_MAX = 264 * 1024,

	/* os */
	OS_ABSOLUTE_MAX = 4096,         /* PATH_MAX of Linux */
	OS_SCRATCH_SIZE = 64 * 1024,    /* one read: a socket's queue rarely holds more */
	LOG_GATHER_MAX = 16 * 1024,     /* lines of one turn, before they are written */
	OS_LOG_MAX = 1000,              /* so that a line enters a pipe whole: PIPE_BUF is 4096 */
	DESCRIPTORS_MAX = 1 << 20,      /* one process keeps an owner for each */
	/* Fewer (RLIMIT_NOFILE) are no mail server: channels, segments and listeners
	 * alone take some 50. */
	DESCRIPTORS_MIN = 256,
	OS_BRIEF_BYTES = 256 * 1024,    /* copied in about 50 us, as long as a thread takes to wake */
	DEFER_ROUNDS_MAX = 16,          /* chains of gathering are shorter than this */
	CHANNEL_PACKETS = 8,            /* in flight, so that a busy peer costs no turn */
	PLAN_COPY_PIECE = 64 * 1024,    /* on the stack of a pool thread */
	STREAM_END_MS = 30 * 1000,      /* a peer that takes no byte of our last ones */
	STREAM_LINGER_MS = 2 * 1000,    /* its side of the end, before we close ours */
	STREAM_TURN_READS = 4,          /* 64 KiB each, before other streams have theirs */
	TLS_CHAIN_MAX = 16,             /* certificates in a file: real chains have 2 to 4 */
	OS_VECTOR_MAX = 64,             /* slices in one system call; longer lists take several */
	/* What malloc keeps at hand when it is freed, for the next message, and the
	 * blocks that are mapped one by one instead. Giving memory back and getting it
	 * zeroed again costs more than a message; after a while without need it goes:
	 * every MALLOC_TRIM_MS, if little was done in them and something before, and
	 * more than MALLOC_SPARE_MAX is free. */
	MALLOC_KEEP = 2 * 1024 * 1024,
	MALLOC_MAP_FROM = 4 * 1024 * 1024,
	MALLOC_TRIM_MS = 5 * 1000,
	MALLOC_WORKED_MS = 50,          /* of CPU time */
	MALLOC_SPARE_MAX = 16 * 1024 * 1024,

	/* ipc: some addresses, a login with its password, words, numbers. Far above
	 * what the engines let through, so that theirs are the limits that show. */
	IPC_TEXT_MAX = 16 * 1024,
	IPC_ADOPT_MAX = 16 * 1024,      /* SESSION_UNREAD_MAX, a greeting, numbers */
	/* Bytes on the way to a peer before bulk waits: covers the handling of many
	 * packets, and is what a slow store may make a router hold. */
	IPC_WINDOW = 1024 * 1024,
	IPC_CREDIT_AFTER = IPC_WINDOW / 8,      /* rarely a message of its own */
	/* Questions of 5,000 sessions to a peer that stalls; more is a dead peer. */
	IPC_QUEUE_MAX = 16 * 1024 * 1024,
	IPC_QUEUE_FDS_MAX = 256,        /* each is a descriptor held open */
	IPC_PACKETS_PER_TURN = 16,      /* then others on the loop have their turn */

	/* role: processes. More cores than this want more hosts. */
	STORES_MAX = 64,
	EDGES_MAX = 64,
	/* Who writes a journal: edges, and the relay for its reports. */
	ORIGIN_RELAY = EDGES_MAX,
	ORIGINS_MAX = EDGES_MAX + 1,
	/* Whom the router hands messages to: stores, and the relay. */
	OUTLET_RELAY = STORES_MAX,
	OUTLETS_MAX = STORES_MAX + 1,

	/* web */
	/* Connections that an edge has handed to the web and that it has not said to have
	 * taken: each is a descriptor on its way. Others wait where the kernel keeps them. */
	EDGE_OFFERS_MAX = 64,
	COUNTERS_MS = 2 * 1000,         /* between two reports of what a role counts */
	WEB_METRICS_MAX = 256 * 1024,   /* text: 130 roles with 8 lines of 100 bytes each */
	WEB_DRAIN_MS = 5 * 1000,        /* for answers under way; KEEPER_STAGE_MS is all */
	/* A mock's index. Its files are read in pieces; they are copied when more than half of
	 * them, and so much, is dead; from so many UIDs on a range is swept out at once. */
	WEB_WINDOW = 128 * 1024,
	WEB_TEXTS_DEAD_MIN = 1024 * 1024,
	WEB_SWEEP_FROM = 64,
	/* Messages that are read for the index at once, and bytes of them; a longer one goes
	 * alone. Of one that is longer than WEB_RAW_MAX the rest is not shown. */
	WEB_FEED_MAX = 64,
	WEB_FEED_BYTES = 1024 * 1024,
	WEB_RAW_MAX = 64 * 1024 * 1024,
	/* Of each, what the index looks at: an attachment that begins behind that is not counted
	 * there. And how many are taken apart at once on the pool, which has four threads and
	 * mail to store, and by one work. */
	WEB_GIST_RAW_MAX = 16 * 1024 * 1024,
	WEB_GATHERERS = 1,
	/* So long after the last one what memory is free goes back to the system. */
	WEB_CALM_MS = 250,
	WEB_GIST_BATCH = 16,
	/* A walk through all messages looks at the clock after so many, and lets others have
	 * their turn after so long. */
	WEB_TAGS_ARENA_MAX = 256 * 1024 * 1024, /* tags of all messages, mostly a few */
	WEB_QUERY_ARENA_MAX = 4 * 1024 * 1024,
	WEB_TOLD_SINGLY = 200,          /* deleted at once: each is announced; of more, that */
	WEB_WALK_LOOK = 64,
	WEB_WALK_AHEAD = 16,
	WEB_WALK_US = 5 * 1000,
	WEB_ANSWER_MAX = 256 * 1024 * 1024,     /* a list without a limit */
	/* Journeys are read one at a time, in pieces; of files that are more than so many, or
	 * longer, the rest is not read. */
	WEB_JOURNEY_FILES = 1024,
	WEB_JOURNEY_BYTES = 1024 * 1024 * 1024,
	WEB_JOURNEY_PIECE = 256 * 1024,
	WEB_JOURNEYS_MAX = 64,          /* requests that wait for that; others get a 503 */
	/* Messages of one IPC_MARK, 64 KB of UIDs; bytes of one IPC_TAG; after a disk failed, both
	 * are told again. */
	WEB_KEEP_RUN = 16 * 1024,
	WEB_KEEP_TAGS_BYTES = 64 * 1024,
	WEB_KEEP_RETRY_MS = 5 * 1000,
	WEB_SETTLE_MS = 1000,           /* a request waits for what came before it */
	ROUTER_SETTLES_MAX = 4096,
	WEB_SEND_MS = 30 * 1000,        /* POST /api/v1/send */
	WEB_WAITS_MAX = 256,            /* GET .../wait that are under way */
	WEB_WAIT_MS = 30 * 1000,        /* without a timeout */
	WEB_WAIT_MAX_MS = 10 * 60 * 1000,
	/* Who listens to events, and what waits for one of them: then it is gone. */
	WEB_LISTENERS_MAX = 256,
	WEB_LISTENER_BYTES = 1024 * 1024,
	WEB_PING_MS = 54 * 1000,
	WEB_STATS_MS = 250,             /* between two frames of figures */
	/* Passwords that are judged at once, on the pool that stores sync on as well: a bcrypt
	 * is some 50 ms. Others wait; more get 503. Who was right is known by a digest. */
	WEB_LOGINS_RUNNING = 1,
	WEB_LOGINS_WAITING = 64,
	WEB_LOGINS_KNOWN = 64,
	WEB_AUTHORIZATION_MAX = 2048,   /* of the field: a login and a password in base 64 */
	/* Below the first, gzip saves no packet; above the second it takes over a millisecond
	 * and is made on the pool, so many at once: others go as they are. */
	WEB_GZIP_MIN = 1400,
	WEB_GZIP_HERE = 64 * 1024,
	WEB_GZIP_RUNNING = 4,
	/* Thumbnails: a picture's pixels, as the API says, and those that wait for the one that
	 * is made; each holds its part, decoded from base 64. */
	WEB_THUMB_PIXELS = 20 * 1000 * 1000,
	WEB_THUMBS_WAITING = 32,
	WEB_THUMB_BYTES = 32 * 1024 * 1024,
	/* Lists of so many messages are written by turns, one list at a time; others wait, so
	 * many at most. */
	WEB_LISTING_LONG = 500,
	WEB_LISTINGS_WAITING = 64,
	/* Refusals of a second that an edge tells its web: somebody reads them. */
	EDGE_REFUSALS_MAX = 32,
	EDGE_REFUSAL_TEXT = 512,

	/* keeper */
	KEEPER_RESTART_FIRST_MS = 100,  /* after a second death; doubles */
	KEEPER_RESTART_MAX_MS = 30 * 1000,
	KEEPER_LIVES_MS = 60 * 1000,    /* a role that lived so long starts afresh */
	KEEPER_DEATHS_MANY = 5,         /* in a row: then it is said aloud */
	/* Unanswered in a row, over watch.silence, before a role is ended: counted, so
	 * that a keeper that was itself stopped for long does not blame the roles. */
	KEEPER_PINGS = 12,
	KEEPER_STAGE_MS = 10 * 1000,    /* a drained stage syncs and ends */
	KEEPER_END_MS = 5 * 1000,       /* from a closed channel to the end of its process */

	/* config: the file, its text with all defaults and A-labels (at most four
	 * times as long, and some), what is taken from one, and the memory for all
	 * that a role was given in its life: sessions go on with theirs. */
	CONFIG_FILE_MAX = 24 * 1024,
	CONFIG_TEXT_MAX = 4 * CONFIG_FILE_MAX + 8 * 1024,
	CONFIG_DOMAINS_MAX = 1000,      /* more belong in the directory */
	CONFIG_LISTENERS_MAX = 64,
	CONFIG_SERVERS_MAX = 16,        /* name servers: more are no help */
	CONFIG_NETWORKS_MAX = 64,       /* looked through one by one */
	CONFIG_VALUE_MAX = 4096,        /* of a path or a word */
	SHARES_MAX = 100 * 1000 * 1000, /* who needs more writes 0 */
	CONFIG_ARENA_MAX = 1024 * 1024,
	CONFIG_MEMORY_MAX = 64 * 1024 * 1024,

	/* directory */
	/* Accounts that one recipient may lead to: an alias of a whole small firm.
	 * Larger lists are mailing lists, with bounces of their own. */
	RECIPIENT_TARGETS_MAX = 100,
	/* An address in a seal: local part 64 + "@" + domain 255 (RFC 5321
	 * s4.5.3.1), which is also all that a path can hold. */
	SEALED_ADDRESS_MAX = 320,
	/* A sealed decision with RECIPIENT_TARGETS_MAX of the longest addresses. */
	SEALED_MAX = 34 * 1024,
	/* Aliases that lead to aliases: deeper is a mistake. */
	ALIAS_DEPTH_MAX = 10,
	/* Addresses looked at for one recipient: each names some targets, those
	 * again; stops a pyramid of aliases. */
	ALIAS_STEPS_MAX = 1000,
	/* Look-ups kept in memory, some 300 bytes each; all are dropped when it is
	 * full or something changes. */
	RECIPIENT_CACHE_MAX = 4096,
	/* A password hash as text: argon2id has 97 characters, $6$ up to 120,
	 * yescrypt and scrypt stay under libxcrypt's 384. */
	PASSWORD_HASH_MAX = 384,
	/* What people type; also keeps one look at a password cheap. */
	PASSWORD_MAX = 512,

	/* pack: messages of an account. A file is closed at PACK_MAX so that taking
	 * out what was expunged rewrites a bounded amount; entries start below it. */
	PACK_MAX = 64 * 1024 * 1024,
	/* Lines that delivery puts on top of a message: Return-Path, Delivered-To,
	 * and what the journal's record has (Received, a missing Date...). */
	PACK_PREFIX_MAX = 64 * 1024,
	/* Places behind damage that look like an entry, up to the next one that is:
	 * each may cost a read of PACK_PREFIX_MAX. */
	PACK_LOOKS_MAX = 16 * 1024,
	/* Entries that are read with one call: what a disk gives at once, and a cache holds. Over
	 * smaller gaps, of entries that are not wanted, it reads on. */
	PACK_WINDOW = 512 * 1024,
	/* Read of an entry at first: all of most. Contexts of zstd that are kept, 160 KB each: a
	 * pool has four threads, which seldom decompress at once, and a mock has to be small. */
	PACK_READ_AHEAD = 8 * 1024,
	PACK_UNZIP_IDLE = 1,
	PACK_WINDOW_GAP = 16 * 1024,
	/* What is remembered of a message: more would hardly be read faster than the message. */
	DIGEST_RECORD_MAX = 32 * 1024,
	DIGEST_ROWS_MAX = 4096,         /* in one block: more than a batch has */
	DIGEST_BLOCK_MAX = 4 * 1024 * 1024,
	/* Of one pack: the headers of PACK_MAX of small messages, twice. */
	DIGEST_FILE_MAX = 2 * PACK_MAX,
	DIGEST_LOOK_MAX = 256 * 1024,   /* rows that one batch looks through */
	DIGEST_WINDOW = 256 * 1024,     /* as PACK_WINDOW */
	DIGEST_WINDOW_GAP = 4 * 1024,

	/* account */
	/* Rows in memory while a session reads them: 60 bytes each. */
	ACCOUNT_MESSAGES_MAX = 4 * 1024 * 1024,
	ACCOUNT_HUGE_FROM = 4 * 1024 * 1024,    /* bytes of them, in huge pages of 2 MB */
	/* Deliveries that the router may still hand over again. A full journal of
	 * small messages to one account; more wait (DELIVERY_LATER). */
	ACCOUNT_KEYS_MAX = 1024 * 1024,
	/* Segments that one must read to know an account; then a new base. */
	ACCOUNT_CHAIN_MAX = 8,
	/* What follows the base, in records and bytes, before a new base: what a
	 * cold delivery has to read at most after a restart. */
	ACCOUNT_TAIL_RECORDS = 16 * 1024,
	ACCOUNT_TAIL_BYTES = 4 * 1024 * 1024,
	/* Rows, keys and ranges in one record: well below LOG_RECORD_MAX. */
	ACCOUNT_CHUNK_ROWS = 4096,
	ACCOUNT_CHUNK_KEYS = 16 * 1024,
	ACCOUNT_CHUNK_RANGES = 32 * 1024,
	/* Ranges of vanished UIDs that are remembered (16 bytes each). Who asks for
	 * what vanished before that is told every UID that is absent (RFC 7162). */
	ACCOUNT_VANISHED_MAX = 16 * 1024,
	/* Tags of an account of a mock (account/tags.h): in memory, and written whole. */
	TAGS_FILE_MAX = 64 * 1024 * 1024,
	/* Files of one kind in an account's folder: 64 GiB of packs. Also how far a
	 * new file's number may have to skip those that a crash left. */
	ACCOUNT_FILES_MAX = 1024,
	ACCOUNT_PACKS_MAX = 16 * 1024 * 1024,   /* that it ever had: a number is not used again */
	/* Log files of earlier lives that a later one made superfluous, before they
	 * are looked for and unlinked. */
	ACCOUNT_STRAYS_MAX = 4,
	/* Mailboxes of one account, those too that are only subscribed to, or gone with
	 * messages that can be brought back: some 100 bytes each, read with every session. */
	ACCOUNT_MAILBOXES_MAX = 4096,
	/* In one record of a base: with names of IMAP_NAME_MAX still below LOG_RECORD_MAX. */
	ACCOUNT_CHUNK_MAILBOXES = 512,
	/* Keywords that one account's messages have: a row has 48 bits, 5 are \Seen and so on. */
	ACCOUNT_KEYWORDS_MAX = 43,
	/* Lines about damage from one load; the first ones tell. */
	ACCOUNT_NOTES_MAX = 8,
	/* Stretches of packs whose log records are lost, one survey: more become one. */
	SURVEY_GAPS_MAX = 256,
	/* Messages without a record that one survey remembers, some 60 bytes each;
	 * the next run of repair finds the rest. */
	SURVEY_UNNAMED_MAX = 256 * 1024,

	/* directory: a mock. Mailboxes, each with some files and a few KB of memory: a run of
	 * tests has as many as it has workers. */
	MOCK_MAILBOXES_MAX = 1000,
	/* Where old messages go all the time, a pack is closed when it holds this part of the
	 * mailbox, but not smaller than that: then the oldest pack goes soon, and what nobody
	 * needs is never much more. */
	MOCK_PACK_DIVISOR = 8,
	MOCK_PACK_MIN = 1024 * 1024,
	MOCK_AGE_MAX_S = 3650 * 24 * 3600,      /* mock.age; who wants more writes 0 */
	/* How often old messages are looked for, at the most: a part of their age. */
	MOCK_AGE_DIVISOR = 64,
	MOCK_AGE_MIN_MS = 1000,
	MOCK_AGE_MAX_MS = 60 * 1000,

	/* directory: guessing passwords */
	/* Networks and names that failed lately, 32 bytes each; a power of two
	 * times four. More guessers than that push each other out. */
	THROTTLE_ENTRIES = 8192,
	/* Failures further apart than this do not add up. */
	THROTTLE_WINDOW_MS = 15 * 60 * 1000,
	/* The longest wait: a person who mistyped comes back after a coffee. */
	THROTTLE_WAIT_MAX_MS = 15 * 60 * 1000,
	/* Credentials remembered, 32 bytes each, and how long. */
	REMEMBER_ENTRIES = 8192,
	REMEMBER_MS = 5 * 60 * 1000,
	/* Password hashes at once: 64 MiB and a core each. And how many wait: at
	 * 100 ms each the last one waits some seconds, which clients bear. */
	HASHES_MAX = 2,
	HASH_QUEUE_MAX = 64,

	/* journal. A trace: what PACK_PREFIX_MAX leaves after Return-Path and
	 * Delivered-To; ours have some 500 bytes. */
	JOURNAL_TRACE_MAX = 48 * 1024,
	/* Recipients of one COMMIT record: RFC 5321 s4.5.3.1.8 wants 100; with
	 * RECIPIENT_TARGETS_MAX targets each they still number within 16 bits. */
	JOURNAL_RECIPIENTS_MAX = 600,
	/* Bodies up to this go to the store as bytes, larger ones as a descriptor. */
	DELIVERY_INLINE_MAX = 64 * 1024,
	/* Targets in one IPC_DELIVER; more are split: 100 of the longest addresses
	 * have 34 KiB, and fit beside an inline body and a small trace. */
	DELIVERY_TARGETS_MAX = 100,
	/* directory: memory of one argon2id hash. The least that libsodium does is
	 * for tests; HASHES_MAX of the most still fit into a small machine. */
	PASSWORD_MEMORY_MIN = 8 * 1024,
	PASSWORD_MEMORY_MAX = 256 * 1024 * 1024,
	/* Control socket: clients at once, a request and an answer as JSON, rows of
	 * a list in one answer (the client asks for the rest), silence. */
	CONTROL_CLIENTS_MAX = 16,
	CONTROL_REQUEST_MAX = 64 * 1024,
	CONTROL_ANSWER_MAX = 1024 * 1024,
	CONTROL_ROWS_MAX = 200,
	CONTROL_TAG_MAX = 32,           /* of a mailbox that is opened */
	CONTROL_TIMEOUT_MS = 60 * 1000,

	/* log files: looked at so often, rotated at that size, so many kept. */
	LOG_CHECK_MS = 60 * 1000,
	LOG_FILE_MAX = 64 * 1024 * 1024,
	LOG_FILES_KEPT = 4,

	/* edge. What one connection may have unread (a read's worth, so that bodies
	 * come in large pieces) and unsent (the replies to a pipelined group). */
	EDGE_INPUT_MAX = OS_SCRATCH_SIZE,
	EDGE_OUTPUT_MAX = 2 * SMTP_OUTPUT_MAX,
	/* Bytes that a store gets with a session it adopts, and what is on the way
	 * between a client's TLS and its store, each direction. */
	SESSION_UNREAD_MAX = 8 * 1024,
	EDGE_PUMP_MAX = 32 * 1024,
	/* IMAP before login, where RFC 9051 s5.4 asks for nothing: somebody types a password. */
	EDGE_IMAP_LOGIN_MS = 5 * 60 * 1000,
	/* Bodies in memory, all sessions: above this MAIL gets 452 and bodies go to
	 * their spool files early. One session adds at most a frame and a read. */
	EDGE_BODIES_MAX = 128 * 1024 * 1024,
	/* What a network may have of it in any case, others' flood or not. */
	EDGE_BODIES_SHARE = 2 * 1024 * 1024,
	EDGE_HOPS_MAX = 100,            /* Received lines; RFC 5321 s6.3: at least that */
	EDGE_BODY_RAW_MAX = BODY_FRAME_RAW + OS_SCRATCH_SIZE + EDGE_INPUT_MAX,
	/* Seals of one transaction; with the longest trace and body they fit in
	 * LOG_RECORD_MAX. */
	EDGE_SEALED_MAX = 600 * 1024,
	/* Memory of a transaction beside those: addresses, names, authors. */
	EDGE_TRANSACTION_MAX = 64 * 1024,
	EDGE_TRACE_MAX = 4096,          /* Received, Date, Message-ID; a mock's: who sent it */
	MOCK_USER_MAX = 1024,           /* that: a login with three letters a byte */
	/* Without a segment for so long a message gets 452: a router restarts in
	 * less, and clients wait ten minutes (RFC 5321 s4.5.3.2.6). */
	EDGE_SEGMENT_WAIT_MS = 10 * 1000,
	EDGE_TICK_MS = 1000,            /* how exact session timeouts are */
	/* Bytes a second, over a whole body, that give a client more time: below the
	 * slowest modem. At that rate the default limit.message_size takes a day. */
	EDGE_BODY_RATE_MIN = 500,
	EDGE_ACCEPTS_PER_TURN = 64,     /* then those who are in have their turn */
	EDGE_LISTENERS_MAX = CONFIG_LISTENERS_MAX,
	/* One network may have an eighth of the sessions and the memory that are free:
	 * ten that take all they can get leave a third to the others. */
	SHARES_FREE_DIVISOR = 8,

	/* router. Reading: one window; few at once, so that a start with many
	 * segments takes no more memory than a busy hour. */
	ROUTER_WINDOW = 1024 * 1024,
	ROUTER_READERS_MAX = 8,
	/* Messages whose envelopes are in memory, once for the journal and once for
	 * what is parked; more wait on disk. */
	ROUTER_MESSAGES_MAX = 32 * 1024,
	ROUTER_ENVELOPES_MAX = 32 * 1024 * 1024,
	/* Bodies kept for a store that has no room now; others are read again. */
	ROUTER_FRAMES_MAX = 16 * 1024 * 1024,
	/* Deliveries with a descriptor that one store has not answered: well below
	 * IPC_QUEUE_FDS_MAX. */
	ROUTER_DESCRIPTORS_MAX = 40,
	ROUTER_SOURCES_MAX = 24,        /* segments whose descriptor a store has besides */
	ROUTER_SPARES = 2,              /* a producer: one to take while one is made */
	ROUTER_SPARES_MAX = 8,          /* after a busy hour; more are unlinked */
	ROUTER_FILES_MAX = 8192,        /* segments of all producers, at start */
	ROUTER_SPOOLS_MAX = 4096,       /* each holds a descriptor open: RLIMIT_NOFILE */
	ROUTER_WANTS_MAX = 16,          /* segments an edge may ask for ahead */
	ROUTER_DONE_SEGMENT = 1024 * 1024,
	ROUTER_TICK_MS = 1000,          /* done marks, retries, parking */
	ROUTER_DONE_SOON_MS = 50,       /* what another host has: a life that does not know it
	                                 * would send it again */
	ROUTER_RETRY_MS = 5000,         /* after a failure of our own disk work */
	/* Of reading a segment: a minute. A disk that came back by then has lost
	 * nothing; what still can't be read is damaged. */
	ROUTER_READ_TRIES = 12,
	ROUTER_LATER_FIRST_MS = 500,    /* a store's LATER; doubles */
	ROUTER_LATER_MAX_MS = 60 * 1000,
	PARK_AFTER_MS = 10 * 60 * 1000, /* then a message no longer pins its segment */
	PARK_EARLY_MS = 5 * 1000,       /* when the memory for envelopes is full */
	PARK_BATCH_MAX = 64,            /* messages copied with one sync */
	/* The edges answer 452 from 80 % on, until it is below 70 %. */
	ROUTER_FULL_PERCENT = 80,
	ROUTER_AGAIN_PERCENT = 70,
	/* Of the file system: 2 % stay free, but not more than 256 MiB. */
	ROUTER_FREE_DIVISOR = 50,
	ROUTER_FREE_MAX = 256 * 1024 * 1024,
	/* The relay's reports have so much of journal.size besides, two segments at least. */
	ROUTER_RESERVE_DIVISOR = 4,

	/* cli/demo_dialogue: our message is short; a longer one is cut for show. */
	DEMO_TEXT_MAX = 64 * 1024,
	DEMO_PATIENCE_MS = 20 * 1000,
	/* Generations with a record in one parked file, and in all: IPC_LIVE names
	 * them in one message. */
	PARK_GENERATIONS_MAX = 1024,
	ROUTER_GENERATIONS_MAX = 8000,

	/* resolver */
	DNS_ANCHORS_MAX = 16 * 1024,    /* keys that validation begins with: some dozen */
	DNS_ANSWERS_MAX = 64,           /* records of one answer; more are left out */
	RESOLVER_QUERIES_MAX = 4096,    /* under way at once */
	RESOLVER_SOCKETS_MAX = 512,     /* UDP queries under way at once; others wait */
	RESOLVER_TCP_MAX = 64,
	RESOLVER_TIMEOUT_MS = 30 * 1000, /* then it counts as failed, and is asked again later */

	/* journey */
	JOURNEY_LINE_MAX = 8 * 1024,    /* one event; words that are longer are cut */
	JOURNEY_CHECK_MS = 1000,        /* how often sizes are looked at */
	JOURNEY_FILES = 8,              /* of a role: each a part of journey.keep, of journey.size */
	JOURNEY_DIALOGUE_MAX = 4 * 1024,        /* SMTP lines of one transaction */
	/* Read again: fields of an event (ours have twelve at most); what is kept of one
	 * message, all its hosts together: a thousand recipients have some events each, of
	 * 200 bytes. */
	JOURNEY_FIELDS_MAX = 32,
	JOURNEY_FOUND_MAX = 10 * 1000,
	JOURNEY_FOUND_ARENA_MAX = 16 * 1024 * 1024,
	JOURNEY_PLACES_MAX = 1000,      /* mailboxes in which it was filed */
	JOURNEY_WORDS_MAX = 1024,       /* an event, told in words */

	/* queue */
	QUEUE_RECIPIENTS_MAX = 100,     /* of one transaction: RFC 5321 s4.5.3.1.8 */
	QUEUE_REPLY_MAX = 400,          /* of another host's words, as much as helps */
	QUEUE_FILE_SIZE = 8 * 1024 * 1024,      /* of its log */
	QUEUE_PACK_MAX = 16 * 1024 * 1024,      /* one message that waits keeps all of its pack */
	QUEUE_FILES_MAX = 10000,

	/* relay */
	RELAY_TICK_MS = 500,
	RELAY_ENTRIES_MAX = 500 * 1000, /* about 700 bytes each, of one recipient; each destination
	                                 * that waits is another 4 KB */
	RELAY_FRESH_MAX = 2000,         /* messages that are sent without being in the queue */
	RELAY_WINDOW = RELAY_FRESH_MAX / 4 * 3, /* handed over at once, not answered */
	RELAY_FRESH_BYTES = 64 * 1024 * 1024,   /* of their bodies */
	RELAY_FRESH_MS = 20 * 1000,     /* then they go into the queue: the journal is not
	                                 * the place to wait in */
	RELAY_KEYS_MAX = 1000 * 1000,   /* deliveries remembered against doubles, 130 bytes each */
	RELAY_REPORTS_MAX = 64,         /* reports being made; the others wait in the queue */
	RELAY_BATCH_MAX = 512,          /* records of one write to the queue's log */
	RELAY_BATCH_BYTES = 4 * 1024 * 1024,    /* bodies of it */
	RELAY_RETRY_MS = 5000,          /* after a failure of our own disk, or of a role */
	RELAY_HOSTS_MAX = 10,           /* MX hosts tried, in order */
	RELAY_ADDRESSES_MAX = 24,       /* of all of them */
	RELAY_ROUTE_MIN_S = 30,         /* DNS is asked again, at the earliest and the latest */
	RELAY_ROUTE_MAX_S = 3600,
	RELAY_HOST_BAD_MS = 60 * 1000,  /* an address that did not answer is tried last */
	RELAY_CONNECT_MS = 30 * 1000,
	RELAY_DIAL_MS = 10 * 60 * 1000, /* then no more addresses are tried for a connection */
	RELAY_QUESTIONS_MAX = 1000,     /* to the resolver; other destinations wait for a tick */
	RELAY_DUE_MAX = 2000,           /* entries that become due in one tick */
	/* relay.host: a bundle of authorities has some 220 KB; a refused login is tried
	 * again, and a trouble logged again, at the earliest. */
	RELAY_CA_MAX = 2 * 1024 * 1024,
	RELAY_CA_PIECE = 64 * 1024,
	RELAY_LOGIN_PAUSE_MS = 60 * 1000,
	RELAY_TROUBLE_MS = 3600 * 1000,
	RELAY_IDLE_MS = 5000,           /* a session without work */
	RELAY_SESSION_MESSAGES = 100,   /* then another connection, to spread them */
	RELAY_SESSIONS_FIRST = 4,       /* to a destination; more as it goes well */
	RELAY_HEADER_MAX = 16 * 1024,   /* of a message, in a report */
	RELAY_PIECE_MAX = 64 * 1024,    /* of a body, read at once */

	/* store */
	/* Pack and log of each account that was delivered to lately, and for a moment
	 * the folders of a new one; three quarters of RLIMIT_NOFILE at most, less one
	 * for each session. To open both again costs more than the delivery. */
	ACCOUNT_FDS_MAX = 16384,
	/* Accounts in memory: heads are 2 to 6 KB, rows of open sessions more. The
	 * least recently used go, unless they have work to do. */
	STORE_BOXES_MAX = 16 * 1024,
	STORE_MEMORY_MAX = 256 * 1024 * 1024,
	/* A checkpoint of accounts without a session comes this long after the first
	 * delivery; later while it has few messages for each, since it costs by the
	 * account; after a quiet moment already; never more often than every
	 * STORE_GAP_MS. */
	STORE_CHECKPOINT_MS = 1000,
	STORE_CHECKPOINT_FEW_MS = 3000,
	STORE_CHECKPOINT_FEW = 4,       /* messages for each account are not few any more */
	STORE_QUIET_MS = 20,
	STORE_GAP_MS = 100,
	STORE_WATCHED_GAP_MS = 2,       /* while a mock's web wants to hear of all */
	/* What waits for a checkpoint: so many bytes start it at once, or while they are
	 * few for each account so many, or so many messages; or a store's share of this
	 * part of the journal, which holds them meanwhile. */
	STORE_FLUSH_BYTES = 8 * 1024 * 1024,
	STORE_FLUSH_FEW_BYTES = 64 * 1024 * 1024,
	STORE_FLUSH_MESSAGES = 12 * 1024,
	STORE_FLUSH_DIVISOR = 8,
	/* In memory for it: more than a disk that works lets gather (DELIVERY_LATER). */
	STORE_PENDING_MAX = 64 * 1024 * 1024,
	/* Deliveries that wait for an account to be read, or for a checkpoint. */
	STORE_OFFERS_MAX = 32 * 1024,
	/* Files that are synced one by one whatever syncfs would cost. */
	STORE_SYNC_FILES = 32,
	/* A shard whose disk fails tries again after this, doubling. */
	STORE_RETRY_MS = 1000,
	STORE_RETRY_MAX_MS = 60 * 1000,
	/* For the session before it to end: a client that was cut off comes back at
	 * once, and its old connection's end is still on the way. */
	STORE_IN_USE_MS = 2 * 1000,
	/* A session's login and its connection come from two roles; whichever is
	 * first waits this long. Logins a second, times that, with room to spare. */
	STORE_NONCE_MS = 10 * 1000,
	STORE_NONCES_MAX = 10000,
	STORE_SESSIONS_MAX = 16 * 1024,
	/* Messages being read at once: 520 KB each while they are large. */
	STORE_READS_MAX = 128,
	/* Generations of journal segments: of all producers at once. */
	STORE_GENERATIONS_MAX = 16 * 1024,
	STORE_ANSWERS_MAX = 4096,       /* in one IPC_DELIVERED: 17 bytes each */
	/* A mock's web. Messages that are read for it at once, 800 KB each while they are
	 * large (but then the web wants few), by one work of the pool, works, and that wait; what
	 * is read before some is sent, and how it is cut. */
	STORE_FETCHES_MAX = 32,
	STORE_FETCH_BATCH = 16,
	STORE_FETCH_WORKS = 2,
	/* Between two works, unless one is full: waking a thread costs as much as reading some. */
	STORE_FETCH_PAUSE_MS = 2,
	STORE_FETCHES_WAITING = 4096,
	STORE_FETCH_GATHER = 256 * 1024,
	STORE_FETCH_PIECE = 64 * 1024,
	STORE_WISHES_MAX = 4096,        /* that wait */
	STORE_SEEN_RANGES = 1024,       /* of UIDs in one IPC_SEEN: 8 KB, on the stack */
	/* IMAP. Batches of messages that are read and searched at once, on the pool, which has
	 * four threads and mail to sync; each holds its largest message. Others wait, at
	 * most two of each session. */
	STORE_WORKS_RUNNING = 2,
	/* Messages of APPEND that gather, of all sessions, and of one account: others are told to
	 * come later. The largest message fits in the second. */
	STORE_APPEND_BYTES = 128 * 1024 * 1024,
	STORE_APPEND_ACCOUNT_BYTES = 64 * 1024 * 1024,
	/* What changed lately in a mailbox, so that not every session looks through all of it. */
	STORE_VIEW_NOTES = 16,
	/* Messages that were expunged stay for mailbox.undelete, at most so long. Accounts are looked
	 * through for older ones so often: a part of that time, never more often than MIN nor less
	 * than MAX, NONE where nothing is kept; for the first time after FIRST, so that a start has time for mail. One account
	 * each STEP: 100,000 take half an hour, and mail does not notice. */
	UNDELETE_MAX_S = 366 * 24 * 3600,
	STORE_SWEEP_DIVISOR = 14,
	STORE_SWEEP_MIN_MS = 60 * 1000,
	STORE_SWEEP_MAX_MS = 24 * 3600 * 1000,
	STORE_SWEEP_NONE_MS = 3600 * 1000,
	STORE_SWEEP_FIRST_MS = 5 * 60 * 1000,
	STORE_SWEEP_STEP_MS = 20,
	/* A pack is written anew when this part of it is gone; each STORE_SWEEP_DIVISOR-th time, when
	 * anything is. At once so many bytes, four full packs, that they are not long twice on the disk;
	 * and none that would leave less than a tenth of it free. Rows wait so long for a moment without
	 * changes. Old packs stay for a while: a read that was begun opens its pack in milliseconds. */
	STORE_COMPACT_DEAD = 4,
	STORE_COMPACT_BYTES = 4 * PACK_MAX,
	ACCOUNT_COMPACT_SPARE_DIVISOR = 10,
	STORE_SWAP_MAX_MS = 10 * 60 * 1000,
	STORE_PACK_GRACE_MS = 60 * 1000,
	/* An account with more messages than this, buried ones too, buries no more of them, so that
	 * graveyards never take the room of new mail (ACCOUNT_MESSAGES_MAX). */
	STORE_BURY_MESSAGES_MAX = 500 * 1000,
	/* posthouse undelete: requests at once, of all commands that run; rows of one answer, with
	 * sender and subject cut to so many bytes, whatever has to be escaped; numbers of messages
	 * in one request, which is CONTROL_REQUEST_MAX at most. */
	STORE_UNDELETES_MAX = 64,
	STORE_UNDELETE_ROWS = 40,
	STORE_UNDELETE_TEXT_MAX = 300,
	STORE_UNDELETE_IDS_MAX = 1000,
	/* The least that an account may be limited to: IMAP tells limits in KiB. Limits of their own
	 * that a store is told of, at once (IPC_QUEUE_MAX): those of more accounts do not count, which
	 * is logged. Full accounts that the directory knows of; more are as if they were not. */
	QUOTA_MIN = 1024,
	DIRECTORY_QUOTAS_MAX = 512 * 1024,
	DIRECTORY_FULL_MAX = 1024 * 1024,
	STORE_PRODUCER = 0xffff,        /* of the ids of messages that APPEND brings: no journal's */
};

/* The most that an account may be limited to: a petabyte. Not in the enum, which has ints. */
#define QUOTA_MAX (UINT64_C(1) << 50)

#endif
