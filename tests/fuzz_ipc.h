/* tests/fuzz_ipc.h - mutates lists of messages between roles.
 *
 * Input: three bytes of choices, then frames as channels carry them: u32 length of
 * the body, u8 type, u8 descriptors, body. Frames are inserted as the permission
 * table and the list of fields below make them; dropped, repeated, moved; and have
 * their fields, lengths and types damaged. */
#ifndef TESTS_FUZZ_IPC_H
#define TESTS_FUZZ_IPC_H

#include "fuzz.h"

#include "ipc/message.h"

enum { FUZZ_IPC_HEAD = 3, FUZZ_IPC_FRAMES_MAX = 64 };

/* The fields of each type, as message.h lists them: b w d q are numbers of 1, 2, 4
 * and 8 bytes, s a slice, K and I 32 and 16 raw bytes, i a message id, L a list of numbers,
 * U of UIDs, ascending, T of those with tags, R a list of results, D a delivery. */
static const char *const fuzz_ipc_fields[IPC_TYPES] = {
	[IPC_HELLO] = "wbw", [IPC_CREDIT] = "d", [IPC_CONFIG] = "s", [IPC_KEY] = "K",
	[IPC_CERTIFICATE] = "ss", [IPC_LISTENER] = "bs", [IPC_UNLISTEN] = "bs", [IPC_PEER] = "bw",
	[IPC_START] = "qq", [IPC_DRAIN] = "d", [IPC_PING] = "q", [IPC_PONG] = "q",
	[IPC_FATAL] = "s", [IPC_BROKEN] = "bw", [IPC_RECIPIENT] = "qqbIqss",
	[IPC_RECIPIENT_IS] = "qbss", [IPC_OWNS] = "qqs", [IPC_OWNS_IS] = "qbs",
	[IPC_LOGIN] = "qbIss", [IPC_LOGIN_IS] = "qbsqswq", [IPC_SESSION] = "qqs",
	[IPC_REMOVED] = "q", [IPC_ADOPT] = "qbbIss", [IPC_SEGMENT] = "wqd", [IPC_SYNCED] = "qd",
	[IPC_ABORTED] = "qd", [IPC_SEGMENT_END] = "q", [IPC_SPOOL_WANT] = "q", [IPC_SPOOL] = "qq",
	[IPC_SPOOL_DROP] = "q", [IPC_SPACE] = "b", [IPC_LIVE] = "L", [IPC_RETIRED] = "q",
	[IPC_DELIVER] = "D", [IPC_DELIVERED] = "R", [IPC_TRUSTED] = "s", [IPC_SMART_HOST] = "sss",
	[IPC_ANCHORS] = "s", [IPC_WATCH] = "", [IPC_WATCHED] = "", [IPC_MESSAGE] = "qdiqqddb",
	[IPC_GONE] = "qdd", [IPC_FETCH] = "qqddd", [IPC_BODY] = "qbs", [IPC_EXPUNGE] = "qqU",
	[IPC_EXPUNGED] = "qb", [IPC_MARK] = "qqbU", [IPC_MARKED] = "qb", [IPC_TAG] = "qqT",
	[IPC_TAGGED] = "qb", [IPC_TAGS] = "qds",
};

/* FUZZ_HEARD + i: the i-th last number that the role said; see role_fuzz.c. */
#define FUZZ_HEARD 0xfeed000000000000u

static inline uint64_t fuzz_ipc_number(struct fuzz_chance *c)
{
	static const uint64_t numbers[] = { 0, 1, 2, 3, SERVICE_IMAP, 7, 77, 4096, 4136, 8192, 1 << 20,
		UINT32_MAX, UINT64_MAX, INT64_MAX, FUZZ_HEARD, FUZZ_HEARD + 1, FUZZ_HEARD + 2,
		FUZZ_HEARD + 3 };

	return numbers[fuzz_below(c, sizeof numbers / sizeof numbers[0])];
}

static inline slice fuzz_ipc_text(struct fuzz_chance *c)
{
	static const char *const texts[] = { "", "", "a@x.example", "b@x.example", "all@x.example",
		"nobody@x.example", "a@elsewhere.example", "x.example", "a", "secret", "\r\n",
		"STAT\r\n", "RETR 1\r\nDELE 1\r\n", "QUIT\r\n", "+OK\r\n", "\xff", "a b",
		"Received: x\r\n", "127.0.0.1:25", "[::1]:25" };

	return slice_from(texts[fuzz_below(c, sizeof texts / sizeof texts[0])]);
}

static inline void fuzz_ipc_id(struct fuzz_chance *c, struct buffer *out)
{
	put_u16(out, (uint16_t)fuzz_below(c, 3));
	put_u64(out, fuzz_ipc_number(c));
	put_u32(out, (uint32_t)fuzz_below(c, 5));
}

/* What journal/delivery.h says, with a body that is as it claims, or not. */
static inline void fuzz_ipc_delivery(struct fuzz_chance *c, struct buffer *out)
{
	/* The frames of "S: s\r\n\r\nx\r\n": a zstd frame of one raw block. */
	static const unsigned char frame[] = { 0x28, 0xb5, 0x2f, 0xfd, 0x20, 11, 0x59, 0, 0, 'S', ':',
		' ', 's', '\r', '\n', '\r', '\n', 'x', '\r', '\n' };
	slice frames = slice_of(frame, sizeof frame);
	bool honest = fuzz_below(c, 4) > 0, spooled = fuzz_below(c, 4) == 0;
	size_t n = 1 + fuzz_below(c, 3);

	fuzz_ipc_id(c, out);
	put_u64(out, fuzz_ipc_number(c));
	put_slice(out, fuzz_ipc_text(c));
	put_slice(out, fuzz_ipc_text(c));
	put_u16(out, (uint16_t)n);
	for (size_t i = 0; i < n; i++) {
		put_u16(out, (uint16_t)i);
		put_u64(out, 1 + fuzz_below(c, 3));
		put_slice(out, fuzz_ipc_text(c));
	}
	put_u64(out, honest ? 11 : fuzz_ipc_number(c));
	put_u64(out, honest ? frames.len : fuzz_ipc_number(c));
	put_u64(out, honest ? checksum64(frames, 0) : fuzz_ipc_number(c));
	put_u64(out, spooled ? 1 + fuzz_below(c, 2) : 0);
	put_u64(out, spooled ? fuzz_below(c, 30) : 0);
	put_slice(out, spooled ? (slice){ 0 } : frames);
}

static inline void fuzz_ipc_field(char field, struct fuzz_chance *c, struct buffer *out)
{
	static const uint8_t zeros[32];
	uint32_t n = (uint32_t)fuzz_below(c, 4);

	switch (field) {
	case 'b':
		put_u8(out, (uint8_t)(fuzz_below(c, 4) > 0 ? n : fuzz_ipc_number(c)));
		break;
	case 'w':
		put_u16(out, (uint16_t)(fuzz_below(c, 4) > 0 ? 0 : fuzz_ipc_number(c)));
		break;
	case 'd':
		put_u32(out, (uint32_t)fuzz_ipc_number(c));
		break;
	case 'q':
		put_u64(out, fuzz_ipc_number(c));
		break;
	case 's':
		put_slice(out, fuzz_ipc_text(c));
		break;
	case 'K':
	case 'I':
		buffer_add(out, slice_of(zeros, field == 'K' ? 32 : 16));
		break;
	case 'i':
		fuzz_ipc_id(c, out);
		break;
	case 'U':
		put_u32(out, n);
		for (uint32_t i = 0; i < n; i++)
			put_u32(out, 1 + 2 * i + (uint32_t)fuzz_below(c, 2));
		break;
	case 'T':
		put_u32(out, n);
		for (uint32_t i = 0; i < n; i++) {
			put_u32(out, 1 + 2 * i + (uint32_t)fuzz_below(c, 2));
			put_slice(out, fuzz_below(c, 3) > 0 ? slice_lit("\1a\2bc") : fuzz_ipc_text(c));
		}
		break;
	case 'L':
		put_u32(out, n);
		for (uint32_t i = 0; i < n; i++)
			put_u64(out, fuzz_ipc_number(c));
		break;
	case 'R':
		put_u32(out, n);
		for (uint32_t i = 0; i < n; i++) {
			fuzz_ipc_id(c, out);
			put_u16(out, (uint16_t)fuzz_below(c, 3));
			put_u8(out, (uint8_t)fuzz_below(c, 4));
		}
		break;
	case 'D':
		fuzz_ipc_delivery(c, out);
		break;
	}
}

/* What role_fuzz.c does beside sending messages, as frames of types that are none. */
enum {
	FUZZ_RECORD = 200,      /* body: a COMMIT record, into the segment the role gave */
	FUZZ_COMMIT,            /* u8 flags, slice body: one that is as it should be */
	FUZZ_CLIENT,            /* bytes from a client */
	FUZZ_PACKET,            /* a packet of any bytes */
	FUZZ_TIME,              /* u16 ms pass */
	FUZZ_RESTART,           /* u8 peer: it comes back */
	FUZZ_STEPS_END
};

static inline void fuzz_ipc_step(struct fuzz_chance *c, struct buffer *out)
{
	static const char *const said[] = { "EHLO a\r\n", "MAIL FROM:<a@x.example>\r\n",
		"RCPT TO:<b@x.example>\r\n", "DATA\r\n", "From: a@x.example\r\n\r\nx\r\n.\r\n",
		"EHLO a\r\nMAIL FROM:<>\r\nRCPT TO:<a@x.example>\r\nDATA\r\n",
		"AUTH PLAIN AGEAYg==\r\n", "QUIT\r\n", "RSET\r\n", "USER a@x.example\r\nPASS b\r\n",
		"STAT\r\nUIDL\r\nLIST\r\n", "RETR 1\r\n", "DELE 1\r\nQUIT\r\n", "TOP 1 1\r\n",
		"a LOGIN a@x.example b\r\na NOOP\r\n", "a AUTHENTICATE PLAIN AGEAYg==\r\n",
		"a LOGIN {1}\r\na b\r\n", "a SELECT INBOX\r\n", "a IDLE\r\nDONE\r\n",
		"a APPEND INBOX {3+}\r\nabc {3+}\r\ndef\r\n", "a APPEND INBOX {9+}\r\nabc",
		"a CREATE y\r\na MOVE 1 y\r\n", "a STORE 1:* +FLAGS (\\Deleted k)\r\na EXPUNGE\r\n",
		"a FETCH 1:* (BODY[])\r\n", "a SEARCH TEXT x\r\n", "a COMPRESS DEFLATE\r\n",
		"a SELECT y\r\na DELETE y\r\n", "a RENAME INBOX z\r\n", "a LOGOUT\r\n" };
	uint8_t type = (uint8_t)(FUZZ_RECORD + fuzz_below(c, FUZZ_STEPS_END - FUZZ_RECORD));
	slice text = slice_from(said[fuzz_below(c, sizeof said / sizeof said[0])]);

	if (type != FUZZ_CLIENT)
		text = fuzz_ipc_text(c);
	put_u32(out, (uint32_t)text.len + 2);
	put_u8(out, type);
	put_u8(out, (uint8_t)fuzz_below(c, 4));
	put_u16(out, (uint16_t)fuzz_next(c));
	buffer_add(out, text);
}

/* The role that a byte of choice stands for; a router takes long to begin. */
static inline enum role_kind fuzz_ipc_role(uint8_t choice)
{
	static const enum role_kind roles[8] = { ROLE_EDGE, ROLE_STORE, ROLE_DIRECTORY, ROLE_ROUTER,
		ROLE_EDGE, ROLE_STORE, ROLE_DIRECTORY, ROLE_STORE };

	return roles[choice % 8];
}

/* A frame of a type that `to` takes from `from`, or from anybody (ROLE_KINDS). */
static inline void fuzz_ipc_frame(struct fuzz_chance *c, unsigned from, unsigned to,
    struct buffer *out)
{
	const struct ipc_rule *rule;
	size_t at = buffer_bytes(out).len, n;
	const char *fields;

	if (from == ROLE_KINDS && fuzz_below(c, 3) == 0) {
		fuzz_ipc_step(c, out);
		return;
	}
	do
		rule = ipc_rule((unsigned)fuzz_below(c, IPC_TYPES));
	while (fuzz_below(c, 64) > 0 && ((rule->to & 1u << to) == 0 ||
	    (from < ROLE_KINDS && (rule->from & 1u << from) == 0)));
	fields = fuzz_ipc_fields[rule->type];
	put_u32(out, 0);
	put_u8(out, (uint8_t)rule->type);
	put_u8(out, rule->fds_min + (rule->fds_max > rule->fds_min && fuzz_below(c, 2)));
	for (; fields != NULL && *fields != 0; fields++)
		fuzz_ipc_field(*fields, c, out);
	n = buffer_bytes(out).len - at - IPC_HEADER;
	store_u32(out->ptr + out->start + at, (uint32_t)n);
}

/* The frame at `at`, its length cut to what is there; 0 at the end. */
static inline size_t fuzz_ipc_frame_len(const uint8_t *data, size_t len, size_t at)
{
	uint64_t n;

	if (len - at < IPC_HEADER)
		return len - at;
	n = IPC_HEADER + (uint64_t)load_u32(data + at);
	return n < len - at ? (size_t)n : len - at;
}

static inline size_t fuzz_ipc_start(const uint8_t *data, size_t len, struct fuzz_chance *c)
{
	size_t starts[FUZZ_IPC_FRAMES_MAX], n = 0;

	for (size_t at = FUZZ_IPC_HEAD; at < len && n < FUZZ_IPC_FRAMES_MAX - 1;
	    at += fuzz_ipc_frame_len(data, len, at))
		starts[n++] = at;
	starts[n++] = len;
	return starts[fuzz_below(c, n)];
}

/* Change the body and let its length follow, mostly. */
static inline size_t fuzz_ipc_damage(uint8_t *data, size_t len, size_t size, size_t at, size_t n,
    struct fuzz_chance *c)
{
	size_t before = len;

	if (n <= IPC_HEADER)
		return fuzz_damage(data, len, size, at, n);
	len = fuzz_damage(data, len, size, at + IPC_HEADER, n - IPC_HEADER);
	if (fuzz_below(c, 8) > 0)
		store_u32(data + at, (uint32_t)(n - IPC_HEADER + len - before));
	return len;
}

/* any_sender: frames of whoever may send them to the role that the second byte names
 * (not the keeper), and steps; otherwise from the first byte's to the second's. */
static inline size_t fuzz_ipc_mutate(uint8_t *data, size_t len, size_t size, unsigned seed,
    bool any_sender)
{
	struct fuzz_chance c = { seed };
	struct heap *heap;
	struct buffer fresh;
	size_t at, n;
	slice moved;

	if (len < FUZZ_IPC_HEAD || fuzz_below(&c, 16) == 0)
		return LLVMFuzzerMutate(data, len, size);
	at = fuzz_ipc_start(data, len, &c);
	n = at < len ? fuzz_ipc_frame_len(data, len, at) : 0;
	switch (fuzz_below(&c, 8)) {
	case 0: case 1: case 2:
		heap = heap_create(SIZE_MAX);
		fresh = buffer_init(heap, SIZE_MAX / 2);
		if (any_sender)
			fuzz_ipc_frame(&c, ROLE_KINDS, fuzz_ipc_role(data[1]), &fresh);
		else
			fuzz_ipc_frame(&c, data[0] % ROLE_KINDS, data[1] % ROLE_KINDS, &fresh);
		len = fuzz_splice(data, len, size, at, fuzz_below(&c, 4) > 0 ? 0 : n,
		    buffer_bytes(&fresh));
		heap_drop(heap);
		return len;
	case 3:
		return fuzz_splice(data, len, size, at, n, (slice){ 0 });
	case 4: case 5:
		moved = fuzz_copy(slice_of(data + at, n));
		if (fuzz_below(&c, 2) == 0)
			len = fuzz_splice(data, len, size, at, n, (slice){ 0 });
		at = fuzz_ipc_start(data, len, &c);
		len = fuzz_splice(data, len, size, at, 0, moved);
		fuzz_free(moved);
		return len;
	case 6:
		if (n >= IPC_HEADER)
			data[at + fuzz_below(&c, IPC_HEADER)] ^= (uint8_t)(1u << fuzz_below(&c, 8));
		return len;
	default:
		return fuzz_ipc_damage(data, len, size, at, n, &c);
	}
}

#endif
