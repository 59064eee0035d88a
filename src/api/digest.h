/* api/digest.h - MD5, SHA-1 and SHA-256 of a file that is attached: what Mailpit's API
 * tells, for tests to compare. Nothing is kept safe by them. */
#ifndef API_DIGEST_H
#define API_DIGEST_H

#include "base/slice.h"

/* Lower-case hexadecimal, with a NUL. */
struct api_digests {
	char md5[2 * 16 + 1], sha1[2 * 20 + 1], sha256[2 * 32 + 1];
};

struct api_digests api_digests_of(slice bytes);

#endif
