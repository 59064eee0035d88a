/* account/record.c - records of an account's log, to bytes and back.
 *
 * Checksums already hold when we read: what does not parse is a bug of ours or
 * the work of a later version, and is answered, not asserted. */
#include "account/record.h"

#include "base/check.h"

enum { VANISHED_LEN_1 = 16, VANISHED_LEN = 18 };
enum { HEAD_REMOVED = 1, HEAD_DAMAGED = 2, HEAD_FLAGS = HEAD_REMOVED | HEAD_DAMAGED };

const char *record_name(uint8_t type)
{
	static const char *const names[] = {
		[RECORD_HEAD] = "head",
		[RECORD_KEYS] = "keys",
		[RECORD_VANISHED] = "vanished",
		[RECORD_BASE] = "base",
		[RECORD_DELIVERED] = "delivered",
		[RECORD_EXPUNGED] = "expunged",
		[RECORD_REMOVED] = "removed",
		[RECORD_MAILBOX] = "mailbox",
		[RECORD_KEYWORD] = "keyword",
		[RECORD_FLAGS] = "flags",
		[RECORD_COPIED] = "copied",
		[RECORD_EXPUNGED_FROM] = "expunged from",
	};

	return type < sizeof names / sizeof names[0] ? names[type] : NULL;
}

void record_head_write(const struct account_head *head, struct buffer *out)
{
	check(head->n_chain <= ACCOUNT_CHAIN_MAX);
	put_u16(out, ACCOUNT_VERSION);
	put_u64(out, head->account);
	put_u8(out, (head->removed ? HEAD_REMOVED : 0) | (head->damaged ? HEAD_DAMAGED : 0));
	put_u32(out, head->uidvalidity);
	put_u32(out, head->uid_next);
	put_u32(out, head->uid_floor);
	put_u64(out, head->modseq);
	put_u64(out, head->count);
	put_u64(out, head->bytes);
	put_u32(out, head->pack_next);
	put_u64(out, (uint64_t)head->created_us);
	put_u32(out, head->n_keys);
	put_u32(out, head->n_chain);
	for (uint32_t i = 0; i < head->n_chain; i++) {
		put_u32(out, head->chain[i].number);
		put_u64(out, head->chain[i].generation);
		put_u32(out, head->chain[i].end);
	}
	put_u32(out, head->uidvalidity_next);
	put_u64(out, head->rows);
}

static bool knows_version(uint16_t version)
{
	return version >= 1 && version <= ACCOUNT_VERSION;
}

/* What version 1 did not know. */
static void read_head_end(struct bytes *in, uint16_t version, struct account_head *head)
{
	if (version == 1) {
		head->uidvalidity_next = head->uidvalidity < UINT32_MAX ? head->uidvalidity + 1 :
		    UINT32_MAX;
		head->rows = head->count;
		return;
	}
	head->uidvalidity_next = get_u32(in);
	head->rows = get_u64(in);
}

uint64_t get_modseq(struct bytes *in)
{
	uint64_t modseq = get_u64(in);

	in->failed = in->failed || modseq > ACCOUNT_MODSEQ_MAX;
	return in->failed ? 0 : modseq;
}

enum record_result record_head_read(slice payload, struct account_head *ret_head)
{
	struct bytes in = bytes_init(payload);
	uint16_t version = get_u16(&in);
	struct account_head head = { .account = get_u64(&in) };
	uint8_t flags = get_u8(&in);

	if (bytes_ok(&in) && (!knows_version(version) || (flags & ~HEAD_FLAGS) != 0))
		return RECORD_NEWER;
	head.removed = (flags & HEAD_REMOVED) != 0;
	head.damaged = (flags & HEAD_DAMAGED) != 0;
	head.uidvalidity = get_u32(&in);
	head.uid_next = get_u32(&in);
	head.uid_floor = get_u32(&in);
	head.modseq = get_modseq(&in);
	head.count = get_u64(&in);
	head.bytes = get_u64(&in);
	head.pack_next = get_u32(&in);
	head.created_us = (int64_t)get_u64(&in);
	head.n_keys = get_u32(&in);
	head.n_chain = get_u32(&in);
	if (head.n_chain > ACCOUNT_CHAIN_MAX || head.n_keys > ACCOUNT_KEYS_MAX ||
	    head.uidvalidity == 0 || head.uid_next == 0)
		return RECORD_BAD;
	for (uint32_t i = 0; i < head.n_chain; i++) {
		head.chain[i].number = get_u32(&in);
		head.chain[i].generation = get_u64(&in);
		head.chain[i].end = get_u32(&in);
	}
	read_head_end(&in, version, &head);
	if (!bytes_end(&in) || head.uidvalidity_next < head.uidvalidity ||
	    head.rows < head.count)
		return RECORD_BAD;
	*ret_head = head;
	return RECORD_OK;
}

static void put_account_key(struct buffer *out, struct account_key key)
{
	put_message_id(out, account_key_id(key));
	put_u16(out, key.recipient);
}

struct account_key get_account_key(struct bytes *in)
{
	struct message_id id = get_message_id(in);

	return account_key_of(id, get_u16(in));
}

void record_keys_write(const struct account_key *keys, uint32_t n, struct buffer *out)
{
	check(n <= ACCOUNT_CHUNK_KEYS);
	put_u32(out, n);
	for (uint32_t i = 0; i < n; i++)
		put_account_key(out, keys[i]);
}

void record_vanished_write(uint64_t account, uint64_t horizon, uint64_t rows,
    const struct account_vanished *vanished, uint32_t n, struct buffer *out)
{
	check(n <= ACCOUNT_VANISHED_MAX);
	put_u16(out, ACCOUNT_VERSION);
	put_u64(out, account);
	put_u64(out, horizon);
	put_u64(out, rows);
	put_u32(out, n);
	for (uint32_t i = 0; i < n; i++) {
		put_u32(out, vanished[i].uids.first);
		put_u32(out, vanished[i].uids.last);
		put_u64(out, vanished[i].modseq);
		put_u16(out, vanished[i].mailbox);
	}
}

void record_rows_write(const struct account_row *rows, uint32_t n, struct buffer *out)
{
	check(n > 0 && n <= ACCOUNT_CHUNK_ROWS);
	put_u32(out, n);
	for (uint32_t i = 0; i < n; i++) {
		put_u32(out, rows[i].uid);
		put_u64(out, rows[i].modseq);
		put_account_key(out, rows[i].key);
		put_u32(out, (uint32_t)rows[i].flags);
		put_u64(out, (uint64_t)rows[i].received_us);
		put_u32(out, rows[i].size);
		put_u16(out, (uint16_t)(rows[i].flags >> 32));
		put_u16(out, (uint16_t)rows[i].mailbox);
		put_u32(out, rows[i].pack);
		put_u32(out, rows[i].offset);
		put_u32(out, rows[i].stored);
		put_u32(out, rows[i].saved_s);
	}
}

struct account_row get_account_row(struct bytes *in)
{
	struct account_row row = { .uid = get_u32(in) };
	uint64_t modseq = get_u64(in), flags;
	uint32_t pack, offset;

	row.modseq = modseq;
	row.key = get_account_key(in);
	flags = get_u32(in);
	row.received_us = account_received((int64_t)get_u64(in));
	row.size = get_u32(in);
	flags |= (uint64_t)get_u16(in) << 32;
	row.flags = flags & ACCOUNT_FLAGS;
	row.mailbox = get_u16(in);
	row.pack = pack = get_u32(in);
	row.offset = offset = get_u32(in);
	row.stored = get_u32(in);
	row.saved_s = get_u32(in);
	if (modseq > ACCOUNT_MODSEQ_MAX || row.pack != pack || row.offset != offset)
		row.uid = 0;
	return row;
}

static void put_ranges(struct buffer *out, const struct uid_range *ranges, uint32_t n)
{
	check(n > 0 && n <= ACCOUNT_CHUNK_RANGES);
	put_u32(out, n);
	for (uint32_t i = 0; i < n; i++) {
		put_u32(out, ranges[i].first);
		put_u32(out, ranges[i].last);
	}
}

void record_expunged_write(const struct account_expunged *expunged, struct buffer *out)
{
	put_u64(out, expunged->modseq);
	put_u16(out, expunged->mailbox);
	put_u64(out, expunged->count);
	put_u64(out, expunged->bytes);
	put_ranges(out, expunged->ranges, expunged->n);
}

void record_flags_write(const struct account_flagged *flagged, struct buffer *out)
{
	put_u64(out, flagged->modseq);
	put_u16(out, flagged->mailbox);
	put_u8(out, (uint8_t)flagged->op);
	put_u64(out, flagged->bits);
	put_ranges(out, flagged->ranges, flagged->n);
}

void record_copied_write(const struct account_copied *copied, struct buffer *out)
{
	put_u64(out, copied->modseq);
	put_u16(out, copied->from);
	put_u16(out, copied->to);
	put_u8(out, copied->move);
	put_u32(out, copied->uid_first);
	put_u32(out, copied->saved_s);
	put_u64(out, copied->count);
	put_u64(out, copied->bytes);
	put_ranges(out, copied->ranges, copied->n);
}

struct uid_range get_uid_range(struct bytes *in)
{
	struct uid_range range = { .first = get_u32(in) };

	range.last = get_u32(in);
	return range;
}

struct account_vanished get_account_vanished(struct bytes *in, uint16_t version)
{
	struct account_vanished vanished = { .uids = get_uid_range(in) };

	vanished.modseq = get_u64(in);
	vanished.mailbox = version == 1 ? ACCOUNT_INBOX : get_u16(in);
	return vanished;
}

void record_removed_write(uint64_t modseq, struct buffer *out)
{
	put_u64(out, modseq);
}

bool record_list_begin(struct bytes *in, size_t item_len, uint32_t *ret_n)
{
	uint32_t n = get_u32(in);

	if (!bytes_ok(in) || in->rest.len != n * item_len)
		return false;
	*ret_n = n;
	return true;
}

enum record_result record_vanished_begin(struct bytes *in, uint64_t *ret_account,
    uint64_t *ret_horizon, uint64_t *ret_rows, uint32_t *ret_n, uint16_t *ret_version)
{
	uint16_t version = get_u16(in);
	uint64_t account = get_u64(in), horizon = get_u64(in), rows = get_u64(in);
	uint32_t n;

	if (bytes_ok(in) && !knows_version(version))
		return RECORD_NEWER;
	if (!record_list_begin(in, version == 1 ? VANISHED_LEN_1 : VANISHED_LEN, &n) ||
	    n > ACCOUNT_VANISHED_MAX)
		return RECORD_BAD;
	*ret_account = account;
	*ret_horizon = horizon;
	*ret_rows = rows;
	*ret_n = n;
	*ret_version = version;
	return RECORD_OK;
}

static bool begin_ranges(struct bytes *in, uint32_t *ret_n)
{
	return record_list_begin(in, RECORD_RANGE_LEN, ret_n) && *ret_n > 0 &&
	    *ret_n <= ACCOUNT_CHUNK_RANGES;
}

bool record_expunged_begin(uint8_t type, struct bytes *in, struct account_expunged *ret)
{
	struct account_expunged expunged = { .modseq = get_modseq(in) };

	expunged.mailbox = type == RECORD_EXPUNGED ? ACCOUNT_INBOX : get_u16(in);
	expunged.count = get_u64(in);
	expunged.bytes = get_u64(in);
	if (!begin_ranges(in, &expunged.n))
		return false;
	*ret = expunged;
	return true;
}

bool record_flags_begin(struct bytes *in, struct account_flagged *ret)
{
	struct account_flagged flagged = { .modseq = get_modseq(in) };
	uint8_t op;

	flagged.mailbox = get_u16(in);
	op = get_u8(in);
	flagged.bits = get_u64(in);
	if (!begin_ranges(in, &flagged.n) || op >= FLAG_OPS ||
	    (flagged.bits & ~ACCOUNT_FLAGS) != 0)
		return false;
	flagged.op = (enum account_flag_op)op;
	*ret = flagged;
	return true;
}

bool record_copied_begin(struct bytes *in, struct account_copied *ret)
{
	struct account_copied copied = { .modseq = get_modseq(in) };
	uint8_t move;

	copied.from = get_u16(in);
	copied.to = get_u16(in);
	move = get_u8(in);
	copied.uid_first = get_u32(in);
	copied.saved_s = get_u32(in);
	copied.count = get_u64(in);
	copied.bytes = get_u64(in);
	if (!begin_ranges(in, &copied.n) || move > 1 || copied.uid_first == 0 ||
	    copied.count == 0 || copied.count >= UINT32_MAX - copied.uid_first)
		return false;
	copied.move = move != 0;
	*ret = copied;
	return true;
}
