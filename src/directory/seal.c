/* directory/seal.c - recipient decisions under a MAC.
 *
 * Layout, fields of base/bytes.h:
 *
 *   u8 version | u64 transaction | slice sender | slice recipient |
 *   u16 n | n * (u64 account, slice delivered_to) | 16 bytes MAC
 *
 * (1) The MAC covers every byte before it, the version included.
 * (2) The MAC is checked before any field is read: what is not ours is not parsed.
 * (3) Lengths inside make the encoding unambiguous: two different decisions
 *     never have the same bytes. */
#include "directory/seal.h"

#include <assert.h>
#include <sodium.h>

#include "base/check.h"
#include "base/limits.h"

enum { SEAL_VERSION = 1 };

static_assert(SEALED_MAX >= 1 + 8 + 2 * (4 + SEALED_ADDRESS_MAX) + 2 +
    RECIPIENT_TARGETS_MAX * (8 + 4 + SEALED_ADDRESS_MAX) + SEAL_MAC_LEN,
    "the longest decision fits");
static_assert(SEAL_KEY_LEN >= crypto_generichash_KEYBYTES_MIN &&
    SEAL_KEY_LEN <= crypto_generichash_KEYBYTES_MAX, "a key that BLAKE2b takes");
static_assert(SEAL_MAC_LEN >= crypto_generichash_BYTES_MIN, "a MAC that BLAKE2b makes");

static void make_mac(const struct seal_key *key, slice bytes, unsigned char ret_mac[SEAL_MAC_LEN])
{
	int failed = crypto_generichash(ret_mac, SEAL_MAC_LEN, bytes.ptr, bytes.len,
	    key->bytes, SEAL_KEY_LEN);

	check(failed == 0);
}

void seal_recipient(const struct seal_key *key, const struct sealed_recipient *what,
    struct buffer *out)
{
	size_t start = buffer_bytes(out).len;
	unsigned char mac[SEAL_MAC_LEN];

	check(what->n_targets > 0 && what->n_targets <= RECIPIENT_TARGETS_MAX);
	check(what->sender.len <= SEALED_ADDRESS_MAX);
	check(what->recipient.len > 0 && what->recipient.len <= SEALED_ADDRESS_MAX);
	put_u8(out, SEAL_VERSION);
	put_u64(out, what->transaction);
	put_slice(out, what->sender);
	put_slice(out, what->recipient);
	put_u16(out, what->n_targets);
	for (size_t i = 0; i < what->n_targets; i++) {
		check(what->targets[i].delivered_to.len <= SEALED_ADDRESS_MAX);
		put_u64(out, what->targets[i].account);
		put_slice(out, what->targets[i].delivered_to);
	}
	make_mac(key, slice_drop(buffer_bytes(out), start), mac);
	buffer_add(out, slice_of(mac, sizeof(mac)));
	check(buffer_bytes(out).len - start <= SEALED_MAX);
}

/* Fields of bytes that carry our MAC; still judged, since a later version of
 * Posthouse with the same key may have written them. */
static bool read_fields(struct bytes *in, struct arena *arena, struct sealed_recipient *ret_what)
{
	struct sealed_recipient what = { 0 };

	if (get_u8(in) != SEAL_VERSION)
		return false;
	what.transaction = get_u64(in);
	what.sender = get_slice(in, SEALED_ADDRESS_MAX);
	what.recipient = get_slice(in, SEALED_ADDRESS_MAX);
	what.n_targets = get_u16(in);
	if (!bytes_ok(in) || what.n_targets == 0 || what.n_targets > RECIPIENT_TARGETS_MAX)
		return false;
	what.targets = arena_try(arena, what.n_targets, sizeof(*what.targets));
	if (!what.targets)
		return false;
	for (size_t i = 0; i < what.n_targets; i++) {
		what.targets[i].account = get_u64(in);
		what.targets[i].delivered_to = get_slice(in, SEALED_ADDRESS_MAX);
		/* For another host: there is no place but the address. */
		if (what.targets[i].account == 0 && what.targets[i].delivered_to.len == 0)
			return false;
	}
	if (!bytes_end(in))
		return false;
	*ret_what = what;
	return true;
}

bool seal_open(const struct seal_key *key, slice sealed, struct arena *arena,
    struct sealed_recipient *ret_what)
{
	unsigned char mac[SEAL_MAC_LEN];
	struct bytes in;
	slice body;

	if (sealed.len <= SEAL_MAC_LEN || sealed.len > SEALED_MAX)
		return false;
	body = slice_head(sealed, sealed.len - SEAL_MAC_LEN);
	make_mac(key, body, mac);
	if (sodium_memcmp(mac, sealed.ptr + body.len, SEAL_MAC_LEN) != 0)
		return false;
	in = bytes_init(body);
	return read_fields(&in, arena, ret_what);
}
