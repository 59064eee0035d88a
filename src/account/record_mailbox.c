/* account/record_mailbox.c - what records tell of mailboxes and keywords. Their entries have
 * names, so they differ in length and are read until nothing is left. */
#include "account/record.h"
#include "base/check.h"

enum { STATES = MAILBOX_EXISTS | MAILBOX_SUBSCRIBED };

void record_mailbox_begin_write(uint64_t modseq, uint32_t n, struct buffer *out)
{
	check(n > 0 && n <= ACCOUNT_MAILBOXES_MAX);
	put_u64(out, modseq);
	put_u32(out, n);
}

bool record_mailbox_begin(struct bytes *in, uint64_t *ret_modseq, uint32_t *ret_n)
{
	*ret_modseq = get_modseq(in);
	*ret_n = get_u32(in);
	return bytes_ok(in) && *ret_n > 0 && *ret_n <= ACCOUNT_MAILBOXES_MAX;
}

void put_mailbox_entry(struct buffer *out, const struct mailbox_entry *entry)
{
	check(!is_graveyard(entry->number) && entry->name.len <= IMAP_NAME_MAX);
	put_u16(out, entry->number);
	put_u8(out, entry->state);
	put_u8(out, entry->use);
	put_u32(out, entry->uidvalidity);
	put_u32(out, entry->uid_next);
	put_u32(out, entry->recent_from);
	put_u64(out, entry->created_modseq);
	put_u64(out, entry->highest_modseq);
	put_slice(out, entry->name);
}

bool get_mailbox_entry(struct bytes *in, struct mailbox_entry *ret)
{
	struct mailbox_entry entry = { .number = get_u16(in) };

	entry.state = get_u8(in);
	entry.use = get_u8(in);
	entry.uidvalidity = get_u32(in);
	entry.uid_next = get_u32(in);
	entry.recent_from = get_u32(in);
	entry.created_modseq = get_modseq(in);
	entry.highest_modseq = get_modseq(in);
	entry.name = get_slice(in, IMAP_NAME_MAX);
	if (!bytes_ok(in) || is_graveyard(entry.number) || (entry.state & ~STATES) != 0 ||
	    entry.use >= USES || entry.uid_next == 0 || entry.name.len == 0)
		return false;
	*ret = entry;
	return true;
}

void record_keyword_begin_write(uint32_t n, struct buffer *out)
{
	check(n > 0 && n <= ACCOUNT_KEYWORDS_MAX);
	put_u32(out, n);
}

bool record_keyword_begin(struct bytes *in, uint32_t *ret_n)
{
	*ret_n = get_u32(in);
	return bytes_ok(in) && *ret_n > 0 && *ret_n <= ACCOUNT_KEYWORDS_MAX;
}

void put_keyword_entry(struct buffer *out, uint8_t number, slice name)
{
	check(number < ACCOUNT_KEYWORDS_MAX && name.len > 0 && name.len <= IMAP_KEYWORD_MAX);
	put_u8(out, number);
	put_slice(out, name);
}

bool get_keyword_entry(struct bytes *in, uint8_t *ret_number, slice *ret_name)
{
	uint8_t number = get_u8(in);
	slice name = get_slice(in, IMAP_KEYWORD_MAX);

	if (!bytes_ok(in) || number >= ACCOUNT_KEYWORDS_MAX || name.len == 0)
		return false;
	*ret_number = number;
	*ret_name = name;
	return true;
}
