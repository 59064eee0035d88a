/* mail/address_fuzz.c - any bytes as a path, a mailbox, a list of mailboxes, a
 * domain, a date.
 *
 * For: mail/address.c mail/mailbox.c mail/utf8.c mail/cfws.c
 *
 * Holds: lengths keep to RFC 5321 s4.5.3.1; what one parser took every other way of
 * saying it gives again (as a mailbox, in brackets, in normal form, as the only
 * member of a list); normal forms are their own; a refused path leaves the input
 * where it was; lists end, each member takes some of the input. */
#include "fuzz.h"

#include "mail/address.h"
#include "mail/date.h"
#include "mail/mailbox.h"
#include "mail/utf8.h"

/* What one parser took, every other way of saying it gives again. */
static void check_address(struct arena *arena, const struct address *address)
{
	struct address normal, again, parsed;
	slice bracketed, plain;

	check(address->local.len <= ADDRESS_LOCAL_MAX);
	check(address->domain.len <= ADDRESS_DOMAIN_MAX);
	check(address->whole.len <= ADDRESS_PATH_MAX - 2);
	check(utf8_valid(address->whole));
	if (address->domain.len == 0)
		return;
	check(address->whole.len == address->local.len + 1 + address->domain.len);
	check(address_parse(address->whole, ADDRESS_ALLOW_UTF8, &parsed) == ADDRESS_OK);
	check(slice_equal(parsed.local, address->local));
	bracketed = arena_printf(arena, "<%.*s>", slice_arg(address->whole));
	check(address_take_path(&bracketed, ADDRESS_ALLOW_UTF8, &parsed) == ADDRESS_OK);
	check(bracketed.len == 0 && slice_equal(parsed.whole, address->whole));
	plain = local_plain(arena, address->local);
	check(slice_equal(local_plain(arena, local_quoted(arena, plain)), plain));
	check(slice_equal(slice_lower(arena, plain), local_folded(arena, address->local)));
	if (!address_normal(arena, address, &normal))
		return;
	check(address_parse(normal.whole, ADDRESS_ALLOW_UTF8, &parsed) == ADDRESS_OK);
	check(address_normal(arena, &normal, &again));
	check(slice_equal(normal.whole, again.whole));
	check(slice_equal(local_plain(arena, normal.local), local_plain(arena, address->local)));
}

static void fuzz_path(slice in, unsigned allow, struct arena *arena)
{
	struct address address;
	slice rest = in;

	if (address_take_path(&rest, allow, &address) != ADDRESS_OK) {
		check(rest.ptr == in.ptr && rest.len == in.len);
		return;
	}
	check(rest.len < in.len);
	check_address(arena, &address);
}

/* Spelled as local_quoted() does it, it is a list of one. */
static void check_member(struct arena *arena, const struct address *address)
{
	struct mailbox_reader r = mailbox_reader_init(address->whole);
	struct mailbox again;

	/* What is obsolete lets in a NUL, which no engine does, a quoted CR or LF, and a
	 * quoted bracket in a literal: no address of ours has any of them. */
	if (slice_find_byte(address->whole, 0) < address->whole.len ||
	    slice_find_byte(address->whole, '\r') < address->whole.len ||
	    slice_find_byte(address->whole, '\n') < address->whole.len ||
	    slice_starts(address->domain, slice_lit("[")))
		return;
	check(mailbox_next(&r, arena, &again) == MAILBOX_OK);
	check(slice_equal(again.address.whole, address->whole));
	check(mailbox_next(&r, arena, &again) == MAILBOX_END);
}

static void fuzz_list(slice in, struct heap *heap)
{
	struct mailbox_reader r = mailbox_reader_init(in);
	enum mailbox_result result = MAILBOX_OK;
	size_t n = 0;

	while (result == MAILBOX_OK) {
		struct arena arena = arena_init(heap, 3 * 8 * MAILBOX_PART_MAX);
		struct mailbox m;
		size_t before = r.rest.len;

		result = mailbox_next(&r, &arena, &m);
		if (result == MAILBOX_OK) {
			check(++n <= MAILBOX_LIST_MAX && r.rest.len < before);
			check(utf8_valid(m.address.whole));
			check_member(&arena, &m.address);
		}
		arena_reset(&arena);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct heap *heap = heap_create(64 << 20);
	struct arena arena = arena_init(heap, 1 << 20);
	slice in = fuzz_copy(slice_of(data, len)), normal, again;
	struct date date;
	char text[DATE_TEXT];

	for (unsigned allow = 0; allow < 16; allow++)
		fuzz_path(in, allow, &arena);
	fuzz_list(in, heap);
	if (domain_normal(&arena, in, &normal)) {
		check(domain_normal(&arena, normal, &again));
		check(slice_equal(normal, again));
	}
	if (date_parse(in, &date) && date.seconds > -2208988800 && date.seconds < 253402300800)
		check(date_print(date.seconds * 1000000, text) < DATE_TEXT);
	heap_drop(heap);
	fuzz_free(in);
	return 0;
}
