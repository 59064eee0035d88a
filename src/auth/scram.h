/* auth/scram.h - the arithmetic of SCRAM-SHA-256 (RFC 5802 s3, RFC 7677), and the keys that a
 * server keeps instead of a password.
 *
 * Who steals the keys can't log in with them, but can guess at the password with
 * SCRAM_ITERATIONS hashes a try. */
#ifndef AUTH_SCRAM_H
#define AUTH_SCRAM_H

#include "base/buffer.h"
#include "base/limits.h"

enum { SCRAM_HASH_LEN = 32 };           /* SHA-256 */

struct scram_keys {
	uint32_t iterations;
	unsigned char salt[SCRAM_SALT_LEN];
	unsigned char stored[SCRAM_HASH_LEN], server[SCRAM_HASH_LEN];
};

/* iterations: SCRAM_ITERATIONS, some milliseconds of hashing. The password is taken in Unicode's
 * normal form KC where it is UTF-8, as RFC 4013 would have it. False: no memory for that. */
bool scram_keys_make(slice password, uint32_t iterations, const unsigned char salt[SCRAM_SALT_LEN],
    struct scram_keys *ret_keys) __attribute__((warn_unused_result));

/* As text, in the form of RFC 5803: "SCRAM-SHA-256$10000:salt$stored:server", at most
 * SCRAM_KEYS_MAX characters; with a NUL. read() is false for anything else. */
void scram_keys_print(const struct scram_keys *keys, char ret_text[SCRAM_KEYS_MAX + 1]);
bool scram_keys_read(slice text, struct scram_keys *ret_keys);

/* Write them in base 64; returns where that ends. */
char *scram_put_base64(char *at, slice bytes);

/* Does the client's proof show that it knows the password? Then the signature that shows
 * the same of the server. In constant time. */
bool scram_prove(const struct scram_keys *keys, slice auth_message,
    const unsigned char proof[SCRAM_HASH_LEN], unsigned char ret_signature[SCRAM_HASH_LEN])
    __attribute__((warn_unused_result));

/* The salt of a name that has no keys: always the same, as if it had some. */
void scram_salt_of(slice secret, slice name, unsigned char ret_salt[SCRAM_SALT_LEN]);

#endif
