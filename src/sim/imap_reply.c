/* sim/imap_reply.c - as little of IMAP's grammar as the simulated server's responses need. */
#include "sim/imap_reply.h"

#include "base/checksum.h"

/* ---- words ---- */

static slice take(slice *rest, size_t n)
{
	slice word = slice_head(*rest, n);

	*rest = slice_drop(*rest, n);
	return word;
}

static slice take_word(slice *rest)
{
	size_t n = 0;

	while (n < rest->len && rest->ptr[n] != ' ' && rest->ptr[n] != ')' && rest->ptr[n] != '(')
		n++;
	return take(rest, n);
}

static bool take_byte(slice *rest, char c)
{
	if (rest->len == 0 || rest->ptr[0] != (unsigned char)c)
		return false;
	*rest = slice_drop(*rest, 1);
	return true;
}

static bool take_number(slice *rest, uint64_t *ret)
{
	return slice_to_u64(take_word(rest), INT64_MAX, ret);
}

/* "(12)" */
static bool take_in_parentheses(slice *rest, slice *ret)
{
	if (!take_byte(rest, '('))
		return false;
	*ret = take_word(rest);
	return take_byte(rest, ')');
}

/* ---- FETCH ---- */

static unsigned flag_bit(slice name)
{
	static const struct {
		slice name;
		unsigned bit;
	} names[] = {
		{ slice_lit("\\Seen"), IMAP_REPLY_SEEN },
		{ slice_lit("\\Answered"), IMAP_REPLY_ANSWERED },
		{ slice_lit("\\Flagged"), IMAP_REPLY_FLAGGED },
		{ slice_lit("\\Deleted"), IMAP_REPLY_DELETED },
		{ slice_lit("device0"), IMAP_REPLY_DEVICE },
		{ slice_lit("device1"), IMAP_REPLY_DEVICE << 1 },
		{ slice_lit("\\Recent"), 0 },
	};

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (slice_equal_ascii(name, names[i].name))
			return names[i].bit;
	}
	return IMAP_REPLY_OTHER;
}

static bool take_flags(slice *rest, struct imap_sight *sight)
{
	sight->has_flags = true;
	if (!take_byte(rest, '('))
		return false;
	while (!take_byte(rest, ')')) {
		slice word = take_word(rest);

		if (word.len == 0)
			return false;
		sight->flags |= flag_bit(word);
		take_byte(rest, ' ');
	}
	return true;
}

static bool take_item(slice *rest, struct imap_sight *sight)
{
	slice name = take_word(rest), text;
	uint64_t number = 0;
	bool ok;

	if (!take_byte(rest, ' '))
		return false;
	if (slice_equal_ascii(name, slice_lit("FLAGS")))
		return take_flags(rest, sight);
	if (slice_equal_ascii(name, slice_lit("UID"))) {
		ok = take_number(rest, &number);
		sight->uid = (uint32_t)number;
		return ok && number > 0 && number <= UINT32_MAX;
	}
	if (slice_equal_ascii(name, slice_lit("MODSEQ")))
		return take_in_parentheses(rest, &text) &&
		    slice_to_u64(text, INT64_MAX, &sight->modseq) && sight->modseq > 0;
	if (slice_equal_ascii(name, slice_lit("RFC822.SIZE")))
		return take_number(rest, &sight->size);
	if (!slice_equal_ascii(name, slice_lit("EMAILID")) || !take_in_parentheses(rest, &text))
		return false;
	sight->email = checksum64(text, 0) | 1;
	return true;
}

bool imap_reply_fetch(slice text, struct imap_sight *ret)
{
	*ret = (struct imap_sight){ 0 };
	if (!take_byte(&text, '('))
		return false;
	do {
		if (!take_item(&text, ret))
			return false;
	} while (take_byte(&text, ' '));
	return take_byte(&text, ')') && text.len == 0;
}

/* ---- codes and sets ---- */

bool imap_reply_code(slice text, const char *name, slice *ret_arguments)
{
	slice code;

	if (!take_byte(&text, '['))
		return false;
	code = slice_head(text, slice_find_byte(text, ']'));
	if (!slice_equal_ascii(slice_cut(&code, ' '), slice_from(name)))
		return false;
	*ret_arguments = code;
	return true;
}

uint64_t imap_reply_number(slice text)
{
	uint64_t number;

	return take_number(&text, &number) ? number : 0;
}

bool imap_reply_range(slice *set, uint32_t *ret_first, uint32_t *ret_last)
{
	uint64_t first, last;
	size_t n = 0;
	slice word;

	while (n < set->len && set->ptr[n] != ',' && set->ptr[n] != ' ')
		n++;
	word = take(set, n);
	if (set->len > 0)
		*set = slice_drop(*set, 1);
	if (!slice_to_u64(slice_head(word, slice_find_byte(word, ':')), UINT32_MAX, &first))
		return false;
	last = first;
	if (slice_find_byte(word, ':') < word.len &&
	    !slice_to_u64(slice_drop(word, slice_find_byte(word, ':') + 1), UINT32_MAX, &last))
		return false;
	*ret_first = (uint32_t)first;
	*ret_last = (uint32_t)last;
	return true;
}

bool imap_reply_set_has(slice set, uint32_t uid)
{
	uint32_t first, last;

	while (set.len > 0 && imap_reply_range(&set, &first, &last)) {
		if (first <= uid && uid <= last)
			return true;
	}
	return false;
}

uint32_t imap_reply_uid(struct imap_uids *uids)
{
	uint32_t first;

	if (uids->at < uids->last)
		return ++uids->at;
	if (uids->set.len == 0 || !imap_reply_range(&uids->set, &first, &uids->last))
		return 0;
	uids->at = first;
	return first;
}
