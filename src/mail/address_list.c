/* mail/address_list.c - mailbox.h's reader, and what its mailboxes mean. */
#include "mail/address_list.h"

#include "base/check.h"
#include "base/limits.h"
#include "mail/mailbox.h"
#include "mail/qualify.h"

/* For one mailbox at a time: what mailbox_next() and address_normal() want. */
enum { SCRATCH = 16 * MAILBOX_PART_MAX };

struct address_list address_list_init(struct arena *arena, size_t items_max)
{
	return (struct address_list){ .arena = arena, .items_max = items_max,
		.items = arena_new(arena, struct compose_mailbox, items_max) };
}

static bool has(const struct address_list *list, slice address)
{
	for (size_t i = 0; i < list->n; i++) {
		if (slice_equal(list->items[i].address, address))
			return true;
	}
	return false;
}

bool address_list_put(struct address_list *list, const struct compose_mailbox *mailbox)
{
	if (has(list, mailbox->address))
		return true;
	if (list->n == list->items_max)
		return false;
	list->items[list->n++] = *mailbox;
	return true;
}

bool address_list_put_all(struct address_list *list, const struct address_list *more)
{
	bool fits = true;

	for (size_t i = 0; i < more->n && fits; i++)
		fits = address_list_put(list, &more->items[i]);
	return fits;
}

/* A display-name without its quotes and folds. A backslash stands in quotes only;
 * those of a name that is all quotes are off already. */
static slice plain_name(struct arena *arena, slice name)
{
	unsigned char *out = arena_new(arena, unsigned char, name.len);
	size_t n = 0;

	for (size_t i = 0; i < name.len; i++) {
		unsigned char c = name.ptr[i];

		if (c == '"' || c == '\r' || c == '\n')
			continue;
		if (c == '\\' && i + 1 < name.len)
			c = name.ptr[++i];
		out[n++] = c;
	}
	return slice_trim(slice_of(out, n));
}

static bool put_copy(struct address_list *list, slice name, slice address)
{
	const struct compose_mailbox mailbox = { plain_name(list->arena, name),
		slice_copy(list->arena, address) };

	return address_list_put(list, &mailbox);
}

/* Every domain name is one; whether there is such a host is the server's to say. */
static bool normal(struct arena *scratch, slice whole, slice *ret_address)
{
	struct address address, result;

	if (address_parse(whole, ADDRESS_ALLOW_UTF8, &address) != ADDRESS_OK ||
	    !address_normal(scratch, &address, &result))
		return false;
	*ret_address = result.whole;
	return true;
}

static enum address_list_result add_all(struct address_list *list, slice text,
    struct arena *scratch)
{
	struct mailbox_reader r = mailbox_reader_init(text);
	enum mailbox_result result;
	struct mailbox mailbox;

	while ((result = mailbox_next(&r, scratch, &mailbox)) == MAILBOX_OK) {
		slice address;

		if (!normal(scratch, mailbox.address.whole, &address))
			return ADDRESS_LIST_BAD;
		if (!has(list, address) && !put_copy(list, mailbox.name, address))
			return ADDRESS_LIST_MANY;
		arena_reset(scratch);
	}
	if (result == MAILBOX_END)
		return ADDRESS_LIST_OK;
	return r.n >= MAILBOX_LIST_MAX ? ADDRESS_LIST_MANY : ADDRESS_LIST_BAD;
}

enum address_list_result address_list_add(struct address_list *list, slice text, slice domain)
{
	struct arena scratch = arena_init(list->arena->heap, SCRATCH);
	struct buffer qualified = buffer_init(list->arena->heap,
	    text.len * (domain.len + 2) + domain.len + 2);
	enum address_list_result result;
	bool fits = true;

	if (domain.len > 0)
		fits = qualify_mailboxes(text, domain, &qualified);
	check(fits);                    /* a domain and an @ for each byte at most */
	result = add_all(list, domain.len > 0 ? buffer_bytes(&qualified) : text, &scratch);
	buffer_free(&qualified);
	arena_reset(&scratch);
	return result;
}
