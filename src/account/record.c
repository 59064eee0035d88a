/* account/record.c - records of an account's log, to bytes and back.
 *
 * Checksums already hold when we read: what does not parse is a bug of ours or
 * the work of a later version, and is answered, not asserted. */
#include "account/record.h"

#include "base/check.h"

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
}

enum record_result record_head_read(slice payload, struct account_head *ret_head)
{
	struct bytes in = bytes_init(payload);
	uint16_t version = get_u16(&in);
	struct account_head head = { .account = get_u64(&in) };
	uint8_t flags = get_u8(&in);

	if (bytes_ok(&in) && (version != ACCOUNT_VERSION || (flags & ~HEAD_FLAGS) != 0))
		return RECORD_NEWER;
	head.removed = (flags & HEAD_REMOVED) != 0;
	head.damaged = (flags & HEAD_DAMAGED) != 0;
	head.uidvalidity = get_u32(&in);
	head.uid_next = get_u32(&in);
	head.uid_floor = get_u32(&in);
	head.modseq = get_u64(&in);
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
	if (!bytes_end(&in))
		return RECORD_BAD;
	*ret_head = head;
	return RECORD_OK;
}

static void put_account_key(struct buffer *out, struct account_key key)
{
	put_message_id(out, key.id);
	put_u16(out, key.recipient);
}

struct account_key get_account_key(struct bytes *in)
{
	struct account_key key = { .id = get_message_id(in) };

	key.recipient = get_u16(in);
	return key;
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
		put_u32(out, rows[i].flags);
		put_u64(out, (uint64_t)rows[i].received_us);
		put_u64(out, rows[i].size);
		put_u32(out, rows[i].pack);
		put_u32(out, rows[i].offset);
		put_u64(out, rows[i].stored);
	}
}

struct account_row get_account_row(struct bytes *in)
{
	struct account_row row = { .uid = get_u32(in) };

	row.modseq = get_u64(in);
	row.key = get_account_key(in);
	row.flags = get_u32(in);
	row.received_us = (int64_t)get_u64(in);
	row.size = get_u64(in);
	row.pack = get_u32(in);
	row.offset = get_u32(in);
	row.stored = get_u64(in);
	return row;
}

void record_expunged_write(const struct account_expunged *expunged, struct buffer *out)
{
	check(expunged->n > 0 && expunged->n <= ACCOUNT_CHUNK_RANGES);
	put_u64(out, expunged->modseq);
	put_u64(out, expunged->count);
	put_u64(out, expunged->bytes);
	put_u32(out, expunged->n);
	for (uint32_t i = 0; i < expunged->n; i++) {
		put_u32(out, expunged->ranges[i].first);
		put_u32(out, expunged->ranges[i].last);
	}
}

struct uid_range get_uid_range(struct bytes *in)
{
	struct uid_range range = { .first = get_u32(in) };

	range.last = get_u32(in);
	return range;
}

struct account_vanished get_account_vanished(struct bytes *in)
{
	struct account_vanished vanished = { .uids = get_uid_range(in) };

	vanished.modseq = get_u64(in);
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
    uint64_t *ret_horizon, uint64_t *ret_rows, uint32_t *ret_n)
{
	uint16_t version = get_u16(in);
	uint64_t account = get_u64(in), horizon = get_u64(in), rows = get_u64(in);
	uint32_t n;

	if (bytes_ok(in) && version != ACCOUNT_VERSION)
		return RECORD_NEWER;
	if (!record_list_begin(in, RECORD_VANISHED_LEN, &n) || n > ACCOUNT_VANISHED_MAX)
		return RECORD_BAD;
	*ret_account = account;
	*ret_horizon = horizon;
	*ret_rows = rows;
	*ret_n = n;
	return RECORD_OK;
}

bool record_expunged_begin(struct bytes *in, struct account_expunged *ret)
{
	struct account_expunged expunged = { .modseq = get_u64(in) };

	expunged.count = get_u64(in);
	expunged.bytes = get_u64(in);
	if (!record_list_begin(in, RECORD_RANGE_LEN, &expunged.n) || expunged.n == 0)
		return false;
	*ret = expunged;
	return true;
}
