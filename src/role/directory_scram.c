/* role/directory_scram.c - the keys behind SCRAM logins (RFC 5802), which never leave this role.
 *
 * An edge asks how the keys of a name are salted, and hears a salt for each name, also for
 * those that are no account or have no keys: always the same, as if it had some. Then it
 * brings the client's proof, which is judged here. */
#include <string.h>

#include "base/check.h"
#include "base/limits.h"
#include "directory/name.h"
#include "role/directory_impl.h"

static bool get_keys(struct directory_role *role, uint64_t account, struct arena *arena,
    enum directory_verdict *ret_verdict, struct scram_keys *ret_keys)
{
	slice text = { 0 };

	*ret_verdict = directory_scram_keys(role->directory, account, arena, &text);
	return *ret_verdict == DIRECTORY_OK && scram_keys_read(text, ret_keys);
}

/* Of a login in its normal form; made up when it has no keys. */
static enum directory_verdict find_keys(struct directory_role *role, slice name,
    struct arena *arena, struct scram_keys *ret_keys)
{
	struct directory_account account;
	enum directory_verdict verdict = directory_account_find(role->directory, name, arena,
	    &account);
	slice secret;

	if (verdict == DIRECTORY_OK && get_keys(role, account.id, arena, &verdict, ret_keys))
		return DIRECTORY_OK;
	if (verdict == DIRECTORY_TEMPORARY ||
	    directory_salt_secret(role->directory, arena, &secret) != DIRECTORY_OK)
		return DIRECTORY_TEMPORARY;
	*ret_keys = (struct scram_keys){ .iterations = SCRAM_ITERATIONS };
	scram_salt_of(secret, name, ret_keys->salt);
	return DIRECTORY_OK;
}

bool directory_on_salt(struct directory_role *role, struct ipc_channel *edge,
    struct ipc_message *message)
{
	struct arena arena = arena_init(os_heap(role->os), DIRECTORY_ANSWER_MAX);
	struct bytes *in = &message->body;
	uint64_t request = get_u64(in);
	slice login = get_slice(in, IPC_TEXT_MAX);
	unsigned char nonce[SCRAM_NONCE_LEN];
	struct scram_keys keys = { 0 };
	enum directory_verdict verdict;
	struct buffer *out;

	if (!bytes_end(in))
		return false;
	/* A mock knows no passwords, and offers no SCRAM. */
	verdict = role->mock != NULL ? DIRECTORY_TEMPORARY :
	    find_keys(role, name_login(&arena, login), &arena, &keys);
	os_random(role->os, nonce, sizeof nonce);
	out = ipc_begin(edge, IPC_SALT_IS);
	put_u64(out, request);
	put_u8(out, (uint8_t)verdict);
	put_slice(out, (slice){ 0 });
	put_u32(out, keys.iterations);
	buffer_add(out, slice_of(keys.salt, sizeof keys.salt));
	buffer_add(out, slice_of(nonce, sizeof nonce));
	ipc_end(edge, -1);
	arena_reset(&arena);
	return true;
}

enum password_result directory_prove(struct directory_role *role, uint64_t account, slice secret,
    unsigned char ret_signature[SCRAM_HASH_LEN])
{
	struct arena arena = arena_init(os_heap(role->os), DIRECTORY_ANSWER_MAX);
	enum password_result result = PASSWORD_WRONG;
	enum directory_verdict verdict;
	struct scram_keys keys;
	bool has = get_keys(role, account, &arena, &verdict, &keys);

	if (verdict == DIRECTORY_TEMPORARY) {
		result = PASSWORD_FAILED;
	} else {
		if (!has)               /* as long as if it had some */
			keys = (struct scram_keys){ .iterations = 1 };
		if (secret.len > SCRAM_HASH_LEN && scram_prove(&keys,
		    slice_drop(secret, SCRAM_HASH_LEN), secret.ptr, ret_signature) && has)
			result = PASSWORD_RIGHT;
	}
	arena_reset(&arena);
	return result;
}

bool directory_scram_wanted(struct directory_role *role, uint64_t account)
{
	struct arena arena = arena_init(os_heap(role->os), DIRECTORY_ANSWER_MAX);
	enum directory_verdict verdict;
	struct scram_keys keys;
	bool has = get_keys(role, account, &arena, &verdict, &keys);

	arena_reset(&arena);
	return !has && verdict == DIRECTORY_OK;
}
