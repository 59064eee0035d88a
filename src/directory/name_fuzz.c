/* directory/name_fuzz.c - any text as a name of the directory and as a password's
 * hash; any bytes as a seal.
 *
 * For: directory/name.c directory/seal.c directory/password.c mail/address.c
 *
 * Holds: what is written of a name is a name with the same key, and the key fits an
 * account's and a seal's bounds; a hash that is imported is printable, within its
 * bound, and imported again as itself; a seal of any decision opens to the same
 * decision, at every other byte, length, or key it does not open. */
#include "fuzz.h"

#include "base/limits.h"
#include "directory/name.h"
#include "directory/password.h"
#include "directory/seal.h"

static void fuzz_name(struct arena *arena, slice in)
{
	struct name name, again;
	slice domain, local;

	if (name_domain(arena, in, &domain))
		check(name_domain(arena, domain, &local) && slice_equal(domain, local));
	if (!name_parse(arena, in, &name))
		return;
	check(name.key.len == name.local.len + 1 + name.domain.len);
	check(name.key.len <= SEALED_ADDRESS_MAX && name.local.len > 0);
	check(name_parse(arena, name.written, &again));
	check(slice_equal(name.key, again.key) && slice_equal(name.written, again.written));
	check(name.plain == again.plain);
	for (local = name.local; name_drop_detail(&local);)
		check(local.len > 0 && slice_starts(name.local, local));
}

static void fuzz_hash(slice in)
{
	slice hash, again;

	if (!password_import(in, &hash))
		return;
	check(hash.len > 0 && hash.len <= PASSWORD_HASH_MAX);
	for (size_t i = 0; i < hash.len; i++)
		check(hash.ptr[i] > ' ' && hash.ptr[i] <= '~');
	check(password_import(hash, &again) && slice_equal(hash, again));
}

static void check_same(const struct sealed_recipient *a, const struct sealed_recipient *b)
{
	check(a->transaction == b->transaction && a->n_targets == b->n_targets);
	check(slice_equal(a->sender, b->sender) && slice_equal(a->recipient, b->recipient));
	for (size_t i = 0; i < a->n_targets; i++) {
		check(a->targets[i].account == b->targets[i].account);
		check(slice_equal(a->targets[i].delivered_to, b->targets[i].delivered_to));
	}
}

/* A decision made of the input: numbers first, then addresses by the line. */
static void fuzz_seal(struct arena *arena, struct heap *heap, slice in)
{
	struct seal_key key = { { 1, 2, 3 } }, other = { { 1, 2, 4 } };
	struct buffer out = buffer_init(heap, SEALED_MAX);
	struct sealed_recipient what = { 0 }, opened;
	struct seal_target *targets;
	struct bytes at = bytes_init(in);
	size_t bit;
	slice sealed;

	check(!seal_open(&key, in, arena, &opened));
	bit = get_u16(&at);
	what.transaction = get_u64(&at);
	what.n_targets = 1 + get_u8(&at) % RECIPIENT_TARGETS_MAX;
	what.sender = slice_cut(&at.rest, '\n');
	what.recipient = slice_cut(&at.rest, '\n');
	if (what.recipient.len == 0 || what.recipient.len > SEALED_ADDRESS_MAX ||
	    what.sender.len > SEALED_ADDRESS_MAX)
		return;
	what.targets = targets = arena_new(arena, struct seal_target, what.n_targets);
	for (size_t i = 0; i < what.n_targets; i++) {
		slice to = slice_cut(&at.rest, '\n');

		targets[i].account = i * 77 + 1;
		targets[i].delivered_to = slice_head(to, to.len < SEALED_ADDRESS_MAX ? to.len :
		    SEALED_ADDRESS_MAX);
	}
	seal_recipient(&key, &what, &out);
	sealed = fuzz_copy(buffer_bytes(&out));
	check(seal_open(&key, sealed, arena, &opened));
	check_same(&what, &opened);
	check(!seal_open(&other, sealed, arena, &opened));
	check(!seal_open(&key, slice_head(sealed, bit % sealed.len), arena, &opened));
	out.ptr[out.start + bit / 8 % sealed.len] ^= (unsigned char)(1u << bit % 8);
	check(!seal_open(&key, buffer_bytes(&out), arena, &opened));
	fuzz_free(sealed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct heap *heap = heap_create(64 << 20);
	struct arena arena = arena_init(heap, 1 << 20);
	slice in = fuzz_copy(slice_of(data, len));

	fuzz_name(&arena, in);
	fuzz_hash(in);
	fuzz_seal(&arena, heap, in);
	fuzz_free(in);
	heap_drop(heap);
	return 0;
}
