/* directory/password.c - argon2id by libsodium, imported hashes by libxcrypt.
 *
 * The salt comes from the caller, so that the simulator decides it; the text is
 * the one that crypto_pwhash_str() would have made. */
#include "directory/password.h"

#include <assert.h>
#include <crypt.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"

/* Those that are still thought hard to turn back; see crypt(5). */
static const slice known[] = {
	slice_lit("$argon2id$"), slice_lit("$argon2i$"), slice_lit("$y$"), slice_lit("$gy$"),
	slice_lit("$7$"), slice_lit("$2b$"), slice_lit("$2y$"), slice_lit("$2a$"),
	slice_lit("$6$"), slice_lit("$5$"),
};

enum { HASH_LEN = 32, PASSES = 2 };

static_assert(PASSWORD_SALT_LEN == crypto_pwhash_SALTBYTES, "libsodium's salt");
static_assert(PASSWORD_MEMORY_MIN >= crypto_pwhash_MEMLIMIT_MIN, "what libsodium does at least");

bool password_hash(slice password, size_t memory,
    const unsigned char salt[PASSWORD_SALT_LEN], struct password_hash *ret_hash)
{
	char salt_text[sodium_base64_ENCODED_LEN(PASSWORD_SALT_LEN,
	    sodium_base64_VARIANT_ORIGINAL_NO_PADDING)];
	char hash_text[sodium_base64_ENCODED_LEN(HASH_LEN,
	    sodium_base64_VARIANT_ORIGINAL_NO_PADDING)];
	unsigned char hash[HASH_LEN];

	check(memory >= PASSWORD_MEMORY_MIN && memory <= PASSWORD_MEMORY_MAX);
	if (crypto_pwhash(hash, sizeof(hash), (const char *)password.ptr, password.len, salt,
	        PASSES, memory, crypto_pwhash_ALG_ARGON2ID13) != 0)
		return false;
	sodium_bin2base64(salt_text, sizeof(salt_text), salt, PASSWORD_SALT_LEN,
	    sodium_base64_VARIANT_ORIGINAL_NO_PADDING);
	sodium_bin2base64(hash_text, sizeof(hash_text), hash, sizeof(hash),
	    sodium_base64_VARIANT_ORIGINAL_NO_PADDING);
	snprintf(ret_hash->text, sizeof(ret_hash->text), "$argon2id$v=19$m=%zu,t=%d,p=1$%s$%s",
	    memory / 1024, PASSES, salt_text, hash_text);
	sodium_memzero(hash, sizeof(hash));
	return true;
}

static enum password_result verify_crypt(const char *password, const char *hash)
{
	struct crypt_data data;
	enum password_result result = PASSWORD_FAILED;
	size_t len = strlen(hash);
	const char *made;

	memset(&data, 0, sizeof(data));
	made = crypt_rn(password, hash, &data, sizeof(data));
	if (made)
		result = PASSWORD_WRONG;
	if (made && strlen(made) == len && sodium_memcmp(made, hash, len) == 0)
		result = PASSWORD_RIGHT;
	sodium_memzero(&data, sizeof(data));
	return result;
}

enum password_result password_verify(slice password, slice hash)
{
	char hash_text[PASSWORD_HASH_MAX + 1] = "", password_text[PASSWORD_MAX + 1] = "";
	enum password_result result;

	if (hash.len == 0 || hash.len > PASSWORD_HASH_MAX)
		return PASSWORD_FAILED;
	if (password.len > PASSWORD_MAX || slice_find_byte(password, '\0') < password.len)
		return PASSWORD_WRONG;
	memcpy(hash_text, hash.ptr, hash.len);
	if (password.len > 0)
		memcpy(password_text, password.ptr, password.len);
	if (slice_starts(hash, slice_lit("$argon2")))
		result = crypto_pwhash_str_verify(hash_text, password_text, password.len) == 0 ?
		    PASSWORD_RIGHT : PASSWORD_WRONG;
	else
		result = verify_crypt(password_text, hash_text);
	sodium_memzero(password_text, sizeof(password_text));
	return result;
}

bool password_import(slice text, slice *ret_hash)
{
	slice hash = slice_trim(text);
	size_t close;

	if (hash.len > 0 && hash.ptr[0] == '{') {
		close = slice_find_byte(hash, '}');
		if (close == hash.len)
			return false;
		hash = slice_drop(hash, close + 1);
	}
	if (hash.len > PASSWORD_HASH_MAX)
		return false;
	for (size_t i = 0; i < hash.len; i++) {
		if (hash.ptr[i] <= ' ' || hash.ptr[i] > '~')
			return false;
	}
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (slice_starts(hash, known[i]) && hash.len > known[i].len) {
			*ret_hash = hash;
			return true;
		}
	}
	return false;
}

void password_generate(const unsigned char random[PASSWORD_RANDOM_LEN],
    char ret_password[PASSWORD_GENERATED_LEN])
{
	/* Those of base/text.h: none that looks like another. */
	static const char digits[] = "0123456789abcdefghjkmnpqrstvwxyz";
	size_t len = 0;

	static_assert(sizeof(digits) == 33, "5 bits each");
	for (size_t i = 0; i < PASSWORD_RANDOM_LEN; i++) {
		if (i > 0 && i % 5 == 0)
			ret_password[len++] = '-';
		ret_password[len++] = digits[random[i] & 31];
	}
	ret_password[len] = '\0';
}
