/* directory/remember.h - credentials that were right a moment ago.
 *
 * Mail programs log in again and again with the same password; its hash is
 * dear. What was right is remembered for REMEMBER_MS as a BLAKE2b hash under a
 * key that never leaves this memory, over account, password and network: a
 * guesser elsewhere gains nothing from it. Time is an argument. */
#ifndef DIRECTORY_REMEMBER_H
#define DIRECTORY_REMEMBER_H

#include "base/heap.h"
#include "base/slice.h"

struct remember;

enum { REMEMBER_KEY_LEN = 32, REMEMBER_TAG_LEN = 16 };

struct remember_tag {
	unsigned char bytes[REMEMBER_TAG_LEN];
};

struct remember *remember_create(struct heap *heap, const unsigned char key[REMEMBER_KEY_LEN]);
void remember_destroy(struct remember *remember);       /* wipes it */

/* The name of one credential; says nothing about it without the key. */
struct remember_tag remember_tag(const struct remember *remember, uint64_t account,
    slice password, const uint8_t ip[16]);

bool remember_has(const struct remember *remember, const struct remember_tag *tag,
    uint64_t account, uint64_t now_ms);
void remember_add(struct remember *remember, const struct remember_tag *tag,
    uint64_t account, uint64_t now_ms);
/* Its password changed, it was disabled or removed. */
void remember_forget(struct remember *remember, uint64_t account);

#endif
