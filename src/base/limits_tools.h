/* base/limits_tools.h - limits of the commands that are no server: lab, simulator, bench, import
 * and their kind. base/limits.h has them all. */
#ifndef BASE_LIMITS_TOOLS_H
#define BASE_LIMITS_TOOLS_H

#include "base/limits_mail.h"

enum {
	/* os, simulated */
	SIM_TRACE_LINES = 4096,         /* of the last events, to print when a run fails */
	SIM_TRACE_TEXT = 128,           /* a log line, cut, within an event */
	SIM_SECTOR = 512,               /* what a disk writes whole or not at all */
	SIM_PAGE = 4096,                /* in memory; 8 sectors */
	SIM_FDS_MAX = 4096,             /* of a process; a simulated role that has more leaks */
	SIM_FILE_MAX = 256 * 1024 * 1024,       /* a simulated disk is in memory */
	SIM_DEFERS_MAX = 100 * 1000,    /* in one turn; more is a loop that never ends */
	SIM_STREAM_BUFFER = 64 * 1024,  /* on the way and unread, one direction */
	/* Until TCP gives up a peer that says nothing: Linux, net.ipv4.tcp_retries2. */
	SIM_SILENT_US = 924 * 1000 * 1000,
	SIM_CHANNEL_PACKETS = 10,       /* Linux: net.unix.max_dgram_qlen */
	SIM_SLOW_US = 2000 * 1000,      /* a disk or a network that hangs for a while */

	/* os/link: a whole SMTP reply, or a good piece of a POP3 body; and what an
	 * engine hands over at once. */
	LINK_INPUT_MAX = 64 * 1024,
	LINK_OUTPUT_MAX = 128 * 1024,

	/* cli/lab_dns: a resolver or two, and people with dig. The TCP client that was
	 * silent longest makes room for a new one; what is idle goes (RFC 7766 s6.2.3
	 * says seconds). Answers on their way: more questions wait in the socket. */
	LAB_DNS_CLIENTS_MAX = 100,
	LAB_DNS_IDLE_MS = 10 * 1000,
	LAB_DNS_OUTPUT_MAX = 4 * (DNS_MESSAGE_MAX + 2),
	LAB_DNS_PER_TURN = 64,          /* datagrams or connections, then others have their turn */
	LAB_DNS_PORT_TRIES = 16,        /* for a port that is free for UDP and for TCP */
	LAB_DNS_AGAIN_MS = 1000,        /* after no descriptor was left for a client */
	/* cli/post: addresses of one name that are tried, and how long each. */
	POST_ADDRESSES_MAX = 8,
	POST_CONNECT_MS = 30 * 1000,
	/* For a greeting: RFC 5321 s4.5.3.2.1 says five minutes, and that is for queues;
	 * here somebody waits. And for the answer to QUIT, when all was said. */
	POST_GREETING_MS = 60 * 1000,
	POST_QUIT_MS = 5 * 1000,
	/* A host name with its port, typed (of a domain, 255). */
	POST_NAME_MAX = 300,
	/* Recipients of one transaction: what each server takes (RFC 5321 s4.5.3.1.8). */
	POST_BATCH_MAX = 100,
	/* Lines of the message that --verbose shows: attachments are not for reading. */
	POST_SHOWN_LINES = 200,
	POST_TRANSCRIPT_MAX = LINK_INPUT_MAX * 2,
	/* A server's words in our line: the longest reply line, and some more. */
	POST_WORDS_MAX = 1024,
	/* Files with trusted certificates: a system's bundle has some 220 KB. */
	POST_CA_MAX = 4 * 1024 * 1024,

	/* cli/send, cli/sendmail: more belong on a mailing list. */
	SEND_RECIPIENTS_MAX = 1000,

	/* cli/trace. Of a file in one turn, so that other work has its turn; of what was
	 * there before, so that the session is known whose message comes next. */
	TRACE_TURN_BYTES = 64 * 1024,
	TRACE_BACK_BYTES = 64 * 1024,
	TRACE_FILES_MAX = 4096,         /* of all roles of all hosts; others are not read */
	/* A role writes its events at the end of a turn, each into its own file: what
	 * is older than this is all there, and has an order. */
	TRACE_SETTLE_US = 200 * 1000,
	TRACE_PENDING_MAX = 20 * 1000,  /* events that wait for that */
	/* Messages and sessions whose past is kept; an older one begins anew. */
	TRACE_MESSAGES_MAX = 1000,
	TRACE_SESSIONS_MAX = 1000,
	TRACE_EVENTS_MAX = 300,         /* of one message, until it is shown; of one session */
	/* What a host took may be another one's message, which says so soon after. */
	TRACE_HOLD_US = 10 * 1000 * 1000,
	TRACE_LAST_MAX = 100 * 1000,    /* messages that are shown at once */
	TRACE_HOPS_MAX = 32,            /* places where one message is looked for */

	/* cli/lab: then the advice comes, however far the first message is. */
	LAB_FIRST_MS = 60 * 1000,
	LAB_PATH_MAX = 400,             /* of its folder, in which those of the hosts are */
	/* cli/setup: the data folder's path, absolute. */
	SETUP_PATH_MAX = 1000,
	/* cli/output: what nobody has read yet; then lines are left out. */
	OUTPUT_WAITING_MAX = 1024 * 1024,
	OUTPUT_RETRY_MS = 50,
	OUTPUT_END_MS = 2 * 1000,       /* at the end, for a reader that is slow */

	/* cli/inspect: findings of one part that are compared with those of the next
	 * round, some 600 bytes each; more are only counted. */
	INSPECT_HELD_MAX = 4096,

	/* Commands that read and write mailboxes. A literal of a FETCH is in memory; longer
	 * messages are asked for in pieces. */
	MAIL_LITERAL_MAX = 2 * 1024 * 1024,
	MAIL_PATIENCE_MS = 120 * 1000,  /* a checkpoint on a slow disk */
	HAUL_LIVE_MS = 200,         /* between two looks at how far it is; without a terminal */
	HAUL_LINE_MS = 30 * 1000,
	/* Two of them are in memory, and the server has STORE_APPEND_ACCOUNT_BYTES. */
	IMPORT_BATCH = 200,             /* messages of one APPEND */
	IMPORT_BATCH_BYTES = 4 * 1024 * 1024,
	IMPORT_READ = 512 * 1024,       /* of a file at a time */
	EXPORT_BATCH = 200,             /* messages that are on disk, or not, together */
	EXPORT_BATCH_BYTES = 8 * 1024 * 1024,
	EXPORT_STATE_MAX = 4 * 1024,    /* the file beside an mbox */
	IMPORT_FILES_MAX = 10 * 1000 * 1000,    /* of one folder of a Maildir: their names are in memory */
	MAIL_ALONE_WAIT_MS = 15 * 1000, /* until the import before, which was killed, is over */

	/* cli/bench: what one process can have open; latencies take 4 bytes each. */
	BENCH_IMAP_SIZE_MAX = 256 * 1024,       /* two of these wait for the socket at most */
	BENCH_IMAP_HEADER_MAX = 2048,
	BENCH_IMAP_APPEND_AT_ONCE = 200,        /* messages of a command that fills a mailbox */
	BENCH_PROCESSES_MAX = 64 * 1024,        /* in /proc, of all */
	BENCH_IMAP_FEW = 200,           /* in the mailbox that many sessions look at */
	BENCH_IMAP_PATIENCE_MS = 120 * 1000,    /* a search through a large mailbox takes its time */
	BENCH_SESSIONS_MAX = 15000,
	BENCH_MESSAGES_MAX = 100 * 1000 * 1000,
	BENCH_SIZE_MAX = 256 * 1024 * 1024,
	BENCH_PER_MESSAGE_MAX = 100,
	BENCH_USERS_MAX = 1000 * 1000,
	BENCH_HEADER_MAX = 2 * SMTP_CLIENT_PATH_MAX + 512,
	BENCH_PATIENCE_MS = 60 * 1000,  /* for one message, or the next login */
	BENCH_RETRIES_MAX = 5,          /* connections in a row that came to nothing */
	BENCH_RETRY_MS = 200,           /* times how many failed */
	BENCH_POLL_MS = 50,             /* between two rounds through the mailboxes */
	BENCH_PROBES = 4,               /* mailboxes that are asked at once */
	BENCH_STALL_MS = 30 * 1000,     /* nothing new in any mailbox: give up */

	/* posthouse expect: a mock is near, and answers at once. Lines of EXPECT_COUNT_MAX
	 * messages, of six pieces each, fit in EXPECT_LINES_MAX. */
	EXPECT_CONNECT_MS = 10 * 1000,
	EXPECT_URL_MAX = 2048,
	EXPECT_COUNT_MAX = 1000,
	EXPECT_PIECE = 200,
	EXPECT_WORDS = 16 * 1024,       /* what is wrong, with the search in it */
	EXPECT_LINES_MAX = 2 * 1024 * 1024,
	EXPECT_ANSWER_MAX = 64 * 1024 * 1024,   /* a list with the tags of all messages */
	EXPECT_MEMORY = 256 * 1024 * 1024,
};

#endif
