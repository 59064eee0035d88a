/* auth/scram.c - SCRAM-SHA-256: keys, proofs and signatures (RFC 5802 s3):
 *
 *   SaltedPassword  = Hi(Normalize(password), salt, i)         (PBKDF2 with HMAC)
 *   StoredKey       = H(HMAC(SaltedPassword, "Client Key"))
 *   ServerKey       = HMAC(SaltedPassword, "Server Key")
 *   ClientProof     = ClientKey XOR HMAC(StoredKey, AuthMessage)
 *   ServerSignature = HMAC(ServerKey, AuthMessage) */
#include "auth/scram.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "base/check.h"
#include "base/text.h"
#include "mail/base64.h"

#define KEYS_PREFIX "SCRAM-SHA-256$"

static void hmac(slice key, slice text, unsigned char ret[SCRAM_HASH_LEN])
{
	unsigned len = SCRAM_HASH_LEN;
	const unsigned char *done = HMAC(EVP_sha256(), key.ptr, (int)key.len, text.ptr, text.len, ret, &len);

	check(done != NULL && len == SCRAM_HASH_LEN);
}

/* PBKDF2 of the bytes as they are. */
static bool salted(slice password, const struct scram_keys *keys, unsigned char ret[SCRAM_HASH_LEN])
{
	return PKCS5_PBKDF2_HMAC((const char *)password.ptr, (int)password.len, keys->salt,
	    SCRAM_SALT_LEN, (int)keys->iterations, EVP_sha256(), SCRAM_HASH_LEN, ret) == 1;
}

/* The normal form, to be freed; NULL: it has none, it is taken as it is. */
static utf8proc_uint8_t *normal_form(slice password, size_t *ret_len)
{
	utf8proc_uint8_t *text = NULL;
	utf8proc_ssize_t len = utf8proc_map(password.ptr, (utf8proc_ssize_t)password.len, &text,
	    UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT);

	if (len < 0)
		return NULL;
	*ret_len = (size_t)len;
	return text;
}

bool scram_keys_make(slice password, uint32_t iterations, const unsigned char salt[SCRAM_SALT_LEN],
    struct scram_keys *ret_keys)
{
	unsigned char key[SCRAM_HASH_LEN], client[SCRAM_HASH_LEN];
	slice wanted = password;
	size_t len = 0;
	utf8proc_uint8_t *normal = normal_form(password, &len);
	bool done;

	if (normal != NULL)
		wanted = slice_of(normal, len);
	*ret_keys = (struct scram_keys){ .iterations = iterations };
	memcpy(ret_keys->salt, salt, SCRAM_SALT_LEN);
	done = salted(wanted, ret_keys, key);
	if (normal != NULL)
		OPENSSL_cleanse(normal, len);
	free(normal);
	if (!done)
		return false;
	hmac(slice_of(key, sizeof key), slice_lit("Client Key"), client);
	SHA256(client, sizeof client, ret_keys->stored);
	hmac(slice_of(key, sizeof key), slice_lit("Server Key"), ret_keys->server);
	OPENSSL_cleanse(key, sizeof key);
	OPENSSL_cleanse(client, sizeof client);
	return true;
}

/* ---- as text ---- */

char *scram_put_base64(char *at, slice bytes)
{
	return at + EVP_EncodeBlock((unsigned char *)at, bytes.ptr, (int)bytes.len);
}

void scram_keys_print(const struct scram_keys *keys, char ret_text[SCRAM_KEYS_MAX + 1])
{
	char *at = ret_text + snprintf(ret_text, 40, KEYS_PREFIX "%u:", keys->iterations);

	at = scram_put_base64(at, slice_of(keys->salt, sizeof keys->salt));
	*at++ = '$';
	at = scram_put_base64(at, slice_of(keys->stored, sizeof keys->stored));
	*at++ = ':';
	at = scram_put_base64(at, slice_of(keys->server, sizeof keys->server));
	check(at <= ret_text + SCRAM_KEYS_MAX);
}

static bool take_base64(slice text, unsigned char *ret, size_t want)
{
	size_t len = 0;

	return base64_decode(text, ret, want, &len) == BASE64_OK && len == want;
}

bool scram_keys_read(slice text, struct scram_keys *ret_keys)
{
	slice iterations, salt, stored;
	uint64_t n;

	*ret_keys = (struct scram_keys){ 0 };
	if (!slice_starts(text, slice_lit(KEYS_PREFIX)))
		return false;
	text = slice_drop(text, strlen(KEYS_PREFIX));
	iterations = slice_cut(&text, ':');
	salt = slice_cut(&text, '$');
	stored = slice_cut(&text, ':');
	if (!slice_to_u64(iterations, SCRAM_ITERATIONS_MAX, &n) || n == 0)
		return false;
	ret_keys->iterations = (uint32_t)n;
	return take_base64(salt, ret_keys->salt, sizeof ret_keys->salt) &&
	    take_base64(stored, ret_keys->stored, sizeof ret_keys->stored) &&
	    take_base64(text, ret_keys->server, sizeof ret_keys->server);
}

/* ---- an exchange ---- */

bool scram_prove(const struct scram_keys *keys, slice auth_message,
    const unsigned char proof[SCRAM_HASH_LEN], unsigned char ret_signature[SCRAM_HASH_LEN])
{
	unsigned char client[SCRAM_HASH_LEN], stored[SCRAM_HASH_LEN];
	bool right;

	hmac(slice_of(keys->stored, sizeof keys->stored), auth_message, client);
	for (size_t i = 0; i < sizeof client; i++)
		client[i] ^= proof[i];
	SHA256(client, sizeof client, stored);
	right = CRYPTO_memcmp(stored, keys->stored, sizeof stored) == 0;
	hmac(slice_of(keys->server, sizeof keys->server), auth_message, ret_signature);
	if (!right)
		memset(ret_signature, 0, SCRAM_HASH_LEN);
	OPENSSL_cleanse(client, sizeof client);
	return right;
}

void scram_salt_of(slice secret, slice name, unsigned char ret_salt[SCRAM_SALT_LEN])
{
	unsigned char bytes[SCRAM_HASH_LEN];

	hmac(secret, name, bytes);
	memcpy(ret_salt, bytes, SCRAM_SALT_LEN);
}
