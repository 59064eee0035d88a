/* base/limits_mail.h - limits of formats and protocols: mail, SMTP, POP3, IMAP, SASL, DNS, HTTP
 * and its API. base/limits.h has them all. */
#ifndef BASE_LIMITS_MAIL_H
#define BASE_LIMITS_MAIL_H

enum {
	/* http: a request target, in memory some 3 KB. Ours have up to six segments, three
	 * names, and five parameters; search forms of others send more. */
	HTTP_SEGMENTS_MAX = 16,
	HTTP_ARGUMENTS_MAX = 4,
	HTTP_PARAMETERS_MAX = 64,
	HTTP_ALLOW_TEXT = 64,           /* all methods of one path */
	/* Connections of a web role; also its share of descriptors bounds them. */
	HTTP_CONNECTIONS_MAX = 1024,
	/* For each connection: request line and header, then a piece of the body, then the
	 * header of the answer. What browsers send with all their cookies is below 16 KiB. */
	HTTP_POOL_SIZE = 32 * 1024,
	HTTP_FIELD_MAX = 8 * 1024,      /* of an answer's header that we add: a part of that */
	HTTP_BODY_MAX = 5 * 1024 * 1024,
	HTTP_BODIES_MAX = 64 * 1024 * 1024,     /* of all requests at once */
	/* Where more is let in, as for a message that a mock sends: of one, and of all of them
	 * beside the others. While one is read as JSON, its texts are there once more, with the
	 * message, and a file of it that is taken out of base 64. */
	HTTP_LARGE_BODY_MAX = 128 * 1024 * 1024,
	HTTP_LARGE_BODIES_MAX = 2 * HTTP_LARGE_BODY_MAX,
	HTTP_ANSWERS_MAX = 512 * 1024 * 1024,   /* not yet taken by clients: then 503 */
	/* To say the next request, or to take an answer; and on top a second for each so
	 * many bytes. A byte now and then holds no connection for longer. */
	HTTP_PATIENCE_MS = 30 * 1000,
	HTTP_BYTES_PER_S = 4096,
	HTTP_TICK_MS = 1000,            /* between two looks at who is over time */
	WEBSOCKET_FRAME_MAX = 64 * 1024,        /* of a client's, who has nothing to say */

	/* auth: SASL. RFC 4616 s2 wants 255 for each part; an address has up to
	 * 320. A message of PLAIN is authzid NUL authcid NUL passwd; its line is
	 * that in base 64. */
	SASL_LOGIN_MAX = 320,
	SASL_SECRET_MAX = 512,
	SASL_MESSAGE_MAX = 2 * SASL_LOGIN_MAX + SASL_SECRET_MAX + 2,
	SASL_LINE_MAX = (SASL_MESSAGE_MAX + 2) / 3 * 4,
	/* SCRAM: hashes that a guess at a stolen key costs, and a login its client; RFC 7677 s4
	 * wants 4096. The server's part of the nonce has 144 bits; the client's usually 24 to 48
	 * characters. */
	SCRAM_ITERATIONS = 10000,
	SCRAM_ITERATIONS_MAX = 10 * 1000 * 1000,
	SCRAM_SALT_LEN = 16,
	SCRAM_KEYS_MAX = 160,           /* as text (RFC 5803) */
	SCRAM_NONCE_LEN = 18,
	SCRAM_CLIENT_NONCE_MAX = 128,
	SCRAM_HEADER_MAX = SASL_LOGIN_MAX + 64,         /* "p=tls-server-end-point,a=...," */
	SCRAM_BINDING_MAX = 64,         /* a hash; tls-exporter has 32 bytes */
	/* "r=" both nonces ",s=" salt ",i=" iterations and a NUL; the verifier is shorter. */
	SCRAM_CHALLENGE_MAX = SCRAM_CLIENT_NONCE_MAX + 72,
	SCRAM_TEXT_MAX = 2 * SASL_MESSAGE_MAX + SCRAM_CHALLENGE_MAX + 2,        /* AuthMessage */
	SASL_CHALLENGE_MAX = (SCRAM_CHALLENGE_MAX + 2) / 3 * 4,

	/* mail: RFC 5321 s4.5.3.1. A path's 256 count its brackets. */
	ADDRESS_LOCAL_MAX = 64,
	ADDRESS_DOMAIN_MAX = 255,
	ADDRESS_PATH_MAX = 256,
	DOMAIN_LABEL_MAX = 63,
	/* Addresses in one header field: RFC 5322 knows no limit; a From or Sender
	 * that names more than this is not one that somebody may own. */
	MAILBOX_LIST_MAX = 1000,
	/* Comments inside comments (RFC 5322 s3.2.2). Counted, not recursed; the
	 * bound is for readers. */
	COMMENT_DEPTH_MAX = 64,

	/* dns. RFC 1035 s2.3.4: a name in its wire form; a message over TCP has a
	 * length of 16 bits, over UDP 512 bytes unless both sides say more. */
	DNS_NAME_MAX = 255,
	DNS_MESSAGE_MAX = 65535,
	DNS_UDP_PLAIN_MAX = 512,
	/* No path of today fragments this: what servers agreed on in 2020. */
	DNS_UDP_MAX = 1232,
	/* Zone files are for labs and tests: some thousand hosts. What is larger
	 * wants a name server that can reload and transfer. */
	DNS_ZONES_MAX = 1000,
	DNS_ZONE_TEXT_MAX = 4 * 1024 * 1024,
	DNS_ZONE_MEMORY_MAX = 64 * 1024 * 1024, /* names above names, mostly */
	/* An entry of a zone file, comments and line ends taken out: a DKIM key of
	 * 4096 bits has 800 characters. */
	DNS_ENTRY_MAX = 16 * 1024,
	/* Records of one name and type: each is compared with all before it. */
	DNS_RRSET_MAX = 500,
	/* Types of one name: each is looked for among the others. */
	DNS_TYPES_MAX = 100,
	DNS_CHAIN_MAX = 8,              /* CNAMEs behind each other; resolvers follow as many */
	DNS_EXTRA_MAX = 64,             /* hosts whose addresses come along; others are asked for */
	DNS_SUMMARY_MAX = 256,          /* an answer on one line, for people */
	DNS_ZONE_TTL = 3600,            /* seconds, where a zone file says nothing */

	/* smtp: RFC 5321 s4.5.3.1.4 gives a command line 512 octets, to which
	 * MAIL's extensions add: SIZE (RFC 1870) 26, BODY (RFC 6152) 17, SMTPUTF8
	 * (RFC 6531) 10, AUTH (RFC 4954) 500. */
	SMTP_COMMAND_MAX = 512 + 26 + 17 + 10 + 500,
	/* A line of AUTH, RFC 4954 s4; more gets 500 5.5.6. */
	SMTP_AUTH_LINE_MAX = 12288,
	/* CRs in a row that a lenient server takes for one line end if LF follows: that is
	 * known only then. Programs that write CR CR LF have two. */
	SMTP_CR_RUN_MAX = 16,
	/* RFC 5321 s4.5.3.1.5, with code and CRLF. */
	SMTP_REPLY_LINE_MAX = 512,
	/* Words of a reply over several lines; ours have a few hundred. */
	SMTP_REPLY_TEXT_MAX = 2048,
	/* What our client takes as one reply of a foreign server. */
	SMTP_REPLY_TAKE_MAX = 16 * 1024,
	/* Unsent replies at which the engine takes no more input: a client that
	 * pipelines and does not read waits. Plus room for the longest reply. */
	SMTP_OUTPUT_HIGH = 4096,
	SMTP_OUTPUT_MAX = SMTP_OUTPUT_HIGH + 4 * SMTP_REPLY_TEXT_MAX,

	/* mail/dots: a CR that was held back, CRLF, and the lone dot with its CRLF:
	 * 7 at most. */
	DOTS_END_MAX = 8,

	/* pop3. RFC 2449 s4: commands to 255 octets and replies to 512, with CRLF.
	 * AUTH with an initial response, and the lines of its exchange, are longer. */
	POP3_LINE_MAX = 255,
	POP3_AUTH_LINE_MAX = SASL_LINE_MAX + 32,
	POP3_WORDS_MAX = 400,           /* of a reply; leaves place for what frames it */
	/* No command starts unless its reply fits: CAPA's is the longest by far. */
	POP3_REPLY_ROOM = 1024,
	POP3_UIDL_MAX = 70,             /* RFC 1939 s7 */
	POP3_ROW_ROOM = 128,            /* a row of LIST or UIDL, and the dot after the last */
	/* What one session may have unsent: pieces big enough to go fast, small
	 * enough for thousands of slow readers. */
	POP3_OUTPUT_MAX = 32 * 1024,

	/* imap. A tag is repeated in responses, and goes with a session to its store. */
	IMAP_TAG_MAX = 1000,
	IMAP_QUOTED_MAX = 1000,         /* longer strings are literals: clients read lines of 8 KB */
	IMAP_ADDRESS_FIELDS_MAX = 8,    /* fields of one name whose addresses ENVELOPE tells */
	IMAP_LANGUAGES_MAX = 100,       /* of a Content-Language */
	/* Of a sequence-set as it is written: 8 bytes each. Clients name a few thousand
	 * UIDs one by one. */
	IMAP_RANGES_MAX = 100000,
	/* A mailbox's name in UTF-8: what clients' folders of files can have, a few times. */
	IMAP_NAME_MAX = 1000,
	IMAP_LEVELS_MAX = 32,           /* of its hierarchy */
	/* A command without the messages it brings: a set of IMAP_RANGES_MAX, UIDs of ten
	 * digits; and what is made of it. */
	IMAP_COMMAND_MAX = 2 * 1024 * 1024,
	IMAP_PARSE_ARENA_MAX = 4 * IMAP_COMMAND_MAX,
	IMAP_FETCH_ITEMS_MAX = 64,      /* that one FETCH asks for */
	IMAP_FETCH_FIELDS_MAX = 256,    /* names in all its HEADER.FIELDS: each is sought in each field */
	IMAP_SECTION_LEVELS_MAX = 64,   /* of the number of a part */
	IMAP_SEARCH_KEYS_MAX = 4096,    /* of one SEARCH: 100 bytes each */
	/* Of them, those that look at all of a message: of 50 MB, seconds of a thread. */
	IMAP_SEARCH_TEXTS_MAX = 100,
	/* And those that look for a field: together at so much of a message's headers. */
	IMAP_SEARCH_FIELDS_MAX = 256,
	IMAP_SEARCH_FIELDS_OCTETS = 64 * 1024 * 1024,
	IMAP_SEARCH_DEPTH_MAX = 64,     /* of OR, NOT and parentheses in one another */
	/* What a search is made ready in: sets, 8 bytes for each two of a command; texts in
	 * UTF-8, three for one, and folded; "$", at worst every second of ACCOUNT_MESSAGES_MAX. */
	IMAP_SEARCH_ARENA_MAX = 48 * 1024 * 1024,
	/* Messages whose text one work asks for, and octets, but for one message: enough
	 * to forget what a turn to the pool costs, no more than a moment of it. */
	IMAP_WORK_MESSAGES = 128,
	IMAP_WORK_OCTETS = 1024 * 1024,
	IMAP_WORK_HALVED = 16,          /* messages from which two threads share a work */
	IMAP_WORK_HEADER = 16 * 1024,   /* of a message whose header is wanted */
	/* While all of them are remembered: messages, and what each is in the answer. */
	IMAP_WORK_QUICK = 1024,
	IMAP_WORK_DIGEST = 1024,
	/* What a work may hold to be used for the next batch: of messages of a common length. */
	IMAP_WORK_SPARE = 8 * IMAP_WORK_OCTETS,
	/* What may be unsent of the work before when the next begins. */
	IMAP_WORK_AHEAD = 4 * IMAP_WORK_OCTETS,
	/* What FETCH may answer for one message: as often as the message is long, and what
	 * envelopes and structures may be beyond that. Clients ask for each part once. */
	IMAP_ANSWER_TIMES = 4,
	IMAP_ANSWER_MORE = 16 * 1024 * 1024,
	IMAP_KEYWORDS_MAX = 128,        /* in one list of flags */
	IMAP_KEYWORD_MAX = 100,         /* octets of one */
	/* Before login: a name and a password as literals, or an AUTHENTICATE with its
	 * initial response; nobody is known yet. */
	IMAP_LOGIN_COMMAND_MAX = SASL_LINE_MAX + 2048,
	IMAP_WORDS_MAX = 400,           /* of a response, without what a command names */
	/* No command starts unless so much room is left: the capabilities, the flags. */
	IMAP_REPLY_ROOM = 16 * 1024,
	/* What one session may have unsent before what runs waits; then one more response
	 * fits, however long: a set of IMAP_RANGES_MAX, or many keywords. */
	IMAP_OUTPUT_MAX = 32 * 1024,
	IMAP_SYNC_MAX = 4 * 1024 * 1024,
	IMAP_SET_LINE = 1000,           /* ranges in one VANISHED */
	IMAP_TEXT_PIECE = 64 * 1024,    /* of a message that comes, handed on at once */
	/* Messages looked at before other sessions have their turn: well below 5 ms. */
	IMAP_TURN_UNITS = 8 * 1024,
	IMAP_RECENT_RANGES = 256,       /* \Recent in one session: one more each time another took some */
	IMAP_UNSEEN_SCAN = 4096,        /* looked at for the first unseen one */
	IMAP_ID_PAIRS_MAX = 30,         /* RFC 2971 s3.3 */
	/* client: a SEARCH that finds 500,000 messages, or a literal that the caller wants whole. */
	IMAP_CLIENT_RESPONSE_MAX = 4 * 1024 * 1024,
	IMAP_CLIENT_OUTPUT_MAX = 1024 * 1024,   /* messages of an APPEND go out in pieces */
	IMAP_CLIENT_FLIGHT_MAX = 64,    /* commands that are not answered: a bit each */
	IMAP_PATTERNS_MAX = 32,         /* of one LIST */
	IMAP_PATTERN_MAX = 4 * IMAP_NAME_MAX,   /* octets of all of them, each with the reference */
	IMAP_PATTERN_STEPS = 1000,      /* octets of patterns times those of a name, in a unit */
	IMAP_APPENDS_MAX = 1000,        /* messages of one APPEND */

	/* mail: submission. Authors whose ownership must be asked for one by one;
	 * fields that are taken out. */
	SUBMIT_AUTHORS_MAX = 16,
	SUBMIT_CUTS_MAX = 32,
	SUBMIT_ARENA_MAX = (SUBMIT_AUTHORS_MAX + 1) * 8 * 1024,
	/* mail: composing. A line without its CRLF (RFC 5322 s2.1.1). A subject, a name
	 * or a file name: more than any program shows. And a message with all that is
	 * attached, in memory: above what any server takes. */
	LINE_MAX_OCTETS = 998,
	COMPOSE_VALUE_MAX = 16 * 1024,
	COMPOSE_MESSAGE_MAX = 256 * 1024 * 1024,
	/* mail: lint. A finding's place: longer names of fields are cut; recipients that To
	 * and Cc are compared with; and all findings, each rule once. */
	LINT_WHERE_MAX = 64,
	LINT_RECIPIENTS_MAX = 100,
	LINT_ARENA_MAX = 32 * 1024,
	/* Received: names and addresses at their longest, and our own words. */
	RECEIVED_MAX = 1536,
	/* mail: from 8 bits to 7. A line in one piece (longer ones come in several); fields
	 * that say what a part is, unfolded; multiparts inside multiparts; a boundary, for
	 * which RFC 2046 s5.1.1 says 70 and programs have more; parts, two bits each. */
	SEVEN_BIT_LINE_MAX = 1000,
	SEVEN_BIT_TYPE_MAX = 4 * 1024,
	SEVEN_BIT_ENCODING_MAX = 256,
	SEVEN_BIT_DEPTH_MAX = 32,
	SEVEN_BIT_BOUNDARY_MAX = 256,
	SEVEN_BIT_PARTS_MAX = 10000,
	/* What a step writes at most: a line in quoted-printable, or a header's fields. */
	SEVEN_BIT_ROOM = 4 * 1024,

	/* mail: MIME, read. Parts and depth as other servers have them (bounces of bounces
	 * are ten deep); a boundary no longer than a line may be (RFC 5322 s2.1.1). A part
	 * is some 300 bytes, and the array of them is copied as it grows. */
	MIME_PARTS_MAX = 10000,
	MIME_DEPTH_MAX = 32,
	MIME_BOUNDARY_MAX = 998,
	/* What is read of a field that says what a part is, and of those of all parts: reading
	 * parameters takes some 50 ns a byte, several times. */
	MIME_VALUE_MAX = 64 * 1024,
	MIME_VALUES_MAX = 4 * 1024 * 1024,
	MIME_ARENA_MAX = 32 * 1024 * 1024,
	/* Of one parameter, its pieces together, and how many pieces it is made of: names of
	 * files have 255 bytes, three times that in percents, and some 10 pieces. */
	PARAMETER_MAX = 4 * 1024,
	PARAMETER_PIECES_MAX = 64,
	FILENAME_BYTES_MAX = 255,
	/* Of a header field, as it stands, what is decoded to be shown; the rest is cut. */
	HEADER_TEXT_MAX = 64 * 1024,
	/* Of a field of addresses, what is read; and what comes of it: members, and each byte
	 * three or four as UTF-8, twice. */
	ADDRESS_FIELD_MAX = 128 * 1024,
	ADDRESS_FIELD_ARENA_MAX = 2 * 1024 * 1024,
	/* What a snippet may have before its dots, and of a text what is looked at for it. */
	SNIPPET_MAX = 200,
	SNIPPET_SOURCE_MAX = 64 * 1024,
	/* Of HTML, as UTF-8, what is read for its text: a hundred times what programs write. All
	 * of it stands in memory for that, and it may get three times as long as it came. */
	HTML_SOURCE_MAX = 16 * 1024 * 1024,

	/* smtp/client. Unsent output: a body goes out in pieces of half of it. */
	SMTP_CLIENT_OUTPUT_MAX = 64 * 1024,
	SMTP_CLIENT_PATH_MAX = 1024,    /* more than any server takes: it may judge itself */
	/* No command is written unless it fits: MAIL with its parameters. */
	SMTP_CLIENT_COMMAND_ROOM = SMTP_CLIENT_PATH_MAX + 128,
	/* A longer initial response goes on a line of its own (RFC 4954 s4). */
	SMTP_CLIENT_INITIAL_MAX = 400,

	/* pop3/client: a reply or a row of a list; RFC 2449 s4 says 512. */
	POP3_CLIENT_LINE_MAX = 2048,
	POP3_CLIENT_OUTPUT_MAX = 4096,

	/* mail: one side of an address in a header field, obsolete spelling undone;
	 * four times what RFC 5321 s4.5.3.1 lets through anywhere. */
	MAILBOX_PART_MAX = 1024,

	/* A search (search/query.h): as long as a URL may be; each term is looked for in each
	 * message. */
	SEARCH_QUERY_MAX = 8 * 1024,
	/* The longest name of a zone has 32, with "posix/" before it 38; the largest file 3.5 KB. */
	ZONE_NAME_MAX = 64,
	ZONE_FILE_MAX = 64 * 1024,
	SEARCH_TERMS_MAX = 64,

	/* api: a message taken apart: MIME_ARENA_MAX, a byte a part, some names. */
	API_MAIL_ARENA_MAX = MIME_ARENA_MAX + 1024 * 1024,
	/* What a list shows of a message, and an index of 100,000 keeps, usually 500 bytes: a
	 * name, an address, a field, a subject; all addresses together are some 1,000. */
	API_NAME_MAX = 256,
	API_ADDRESS_MAX = 1024,
	API_FIELD_MAX = 1024,
	API_SUBJECT_MAX = 2 * 1024,
	API_SUMMARY_TEXT_MAX = 24 * 1024,
	/* Each field of addresses is read whole, and those of one message one by one. */
	API_SUMMARY_ARENA_MAX = 8 * ADDRESS_FIELD_ARENA_MAX,
	/* All that twice, once folded, which makes it half as long again at most; and in JSON,
	 * where a byte is six. Below IPC_PACKET_MAX. */
	API_PACKED_MAX = 120 * 1024,
	API_SUMMARY_JSON_MAX = 512 * 1024,
	API_WORDS_MAX = 256 * 1024,     /* of one message, what a search looks into */
	API_TAG_MAX = 100,
	API_TAGS_MAX = 100,             /* of one message */
	/* Of one message in full: text, HTML, parts in each list, bytes and fields of the
	 * header; addresses of one field. In JSON a byte may be six. */
	API_TEXT_MAX = 8 * 1024 * 1024,
	API_PARTS_MAX = 1000,
	API_TREE_MAX = 2000,
	API_HEADER_MAX = 1024 * 1024,
	API_FIELDS_MAX = 10000,
	API_FIELDS_FOUND = 64,          /* once, and remembered; few messages have more */
	API_SAME_FIELDS_MAX = 100,      /* of addresses: one is allowed, RFC 5322 s3.6 */
	API_ADDRESSES_TEXT_MAX = 512 * 1024,
	API_MESSAGE_JSON_MAX = 160 * 1024 * 1024,
	API_PART_ARENA_MAX = 64 * 1024,
	API_VIEW_MAX = 32 * 1024 * 1024,        /* addresses of parts are longer than cids */
	/* A request's body as JSON: jansson takes some 130 bytes a value, so that three bytes of
	 * "[],[],..." are no more. 100,000 ids are few beside it. */
	API_JSON_DEPTH_MAX = 32,
	API_JSON_VALUES_MAX = 256 * 1024,
	API_BODY_ARENA_MAX = HTTP_BODY_MAX + 16 * API_JSON_VALUES_MAX * 2,
	/* To send: as many recipients as a transaction has (RFC 5321 s4.5.3.1.8); files. */
	API_SEND_RECIPIENTS_MAX = 100,
	API_SEND_FILES_MAX = 1000,
	API_SEND_HEADERS_MAX = 1000,
	API_SEND_ARENA_MAX = 4 * 1024 * 1024,
	API_EVENT_MAX = API_SUMMARY_JSON_MAX + 1024,
	API_EVENT_LINE_MAX = 1024,

	/* mail/mbox: a line that is looked at as a whole, as for what it begins with; what of a
	 * From_ line, and of a message's keywords, is remembered. */
	MBOX_LINE_MAX = 64 * 1024,
	MBOX_FROM_MAX = 400,
	MBOX_KEYWORDS_MAX = 4000,
};

#endif
