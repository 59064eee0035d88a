/* directory/password.h - password hashes: argon2id made here, others read too.
 *
 * Slow on purpose: by default 64 MiB and some 100 ms each. To be called on the pool, a few
 * at a time; nothing here touches state. A hash is text as crypt(5) and the PHC
 * string format have it, at most PASSWORD_HASH_MAX characters. */
#ifndef DIRECTORY_PASSWORD_H
#define DIRECTORY_PASSWORD_H

#include <stdbool.h>

#include "base/limits.h"
#include "base/slice.h"

enum { PASSWORD_SALT_LEN = 16 };

struct password_hash {
	char text[PASSWORD_HASH_MAX + 1];
};

/* argon2id with two passes over `memory` bytes (PASSWORD_MEMORY_MIN ..
 * PASSWORD_MEMORY_MAX, password.memory of the configuration). False: there is
 * no memory for it now. */
bool password_hash(slice password, size_t memory,
    const unsigned char salt[PASSWORD_SALT_LEN], struct password_hash *ret_hash)
    __attribute__((warn_unused_result));

enum password_result { PASSWORD_RIGHT, PASSWORD_WRONG, PASSWORD_FAILED };

/* FAILED: no memory, or a hash that cannot be read. */
enum password_result password_verify(slice password, slice hash)
    __attribute__((warn_unused_result));

/* A hash brought from elsewhere, "{SCHEME}" in front or not: argon2, yescrypt,
 * scrypt, bcrypt, $6$, $5$. On success the hash without "{SCHEME}". */
bool password_import(slice text, slice *ret_hash);

/* A new one for people to type: 4 groups of 5 letters and digits, 100 bits of
 * `random`; with a NUL. */
enum { PASSWORD_RANDOM_LEN = 20, PASSWORD_GENERATED_LEN = 24 };
void password_generate(const unsigned char random[PASSWORD_RANDOM_LEN],
    char ret_password[PASSWORD_GENERATED_LEN]);

#endif
