/* api/digest.c - OpenSSL's functions of old: they are nothing but arithmetic, where those
 * that replaced them load providers, from files that a confined role can't open. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "api/digest.h"

#include <openssl/md5.h>
#include <openssl/sha.h>

static void print(const unsigned char *digest, size_t n, char *ret)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		ret[2 * i] = digits[digest[i] >> 4];
		ret[2 * i + 1] = digits[digest[i] & 15];
	}
	ret[2 * n] = 0;
}

struct api_digests api_digests_of(slice bytes)
{
	/* They want a pointer, for no bytes as well. */
	const unsigned char *at = bytes.len > 0 ? bytes.ptr : (const unsigned char *)"";
	unsigned char digest[SHA256_DIGEST_LENGTH];
	struct api_digests ret;

	print(MD5(at, bytes.len, digest), MD5_DIGEST_LENGTH, ret.md5);
	print(SHA1(at, bytes.len, digest), SHA_DIGEST_LENGTH, ret.sha1);
	print(SHA256(at, bytes.len, digest), SHA256_DIGEST_LENGTH, ret.sha256);
	return ret;
}
