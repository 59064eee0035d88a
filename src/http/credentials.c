/* http/credentials.c - passwords of HTTP Basic, judged. */
#include "http/credentials.h"

#include <crypt.h>
#include <openssl/evp.h>
#include <sodium.h>
#include <string.h>

#include "http/access.h"
#include "mail/base64.h"

enum { HASH_TEXT = 256, APR1_ROUNDS = 1000, APR1_SALT = 8, MD5 = 16 };

/* ---- rows ---- */

/* Blanks only: a password in the clear may have a comma. */
static slice next_row(slice *rest)
{
	slice row;
	size_t n = 0;

	while (rest->len > 0 && rest->ptr[0] <= ' ')
		*rest = slice_drop(*rest, 1);
	while (n < rest->len && rest->ptr[n] > ' ')
		n++;
	row = slice_head(*rest, n);
	*rest = slice_drop(*rest, n);
	return row;
}

bool credentials_are_rows(slice list)
{
	slice row = next_row(&list);
	bool good = row.len > 0;

	for (; good && row.len > 0; row = next_row(&list)) {
		size_t colon = slice_find_byte(row, ':');

		good = colon > 0 && colon + 1 < row.len && row.len < HASH_TEXT;
	}
	return good;
}

bool credentials_read(slice field, struct credentials *ret)
{
	slice scheme = slice_lit("Basic ");
	size_t len, colon;

	if (!slice_starts_ascii(field, scheme) || base64_decode(slice_trim(slice_drop(field,
	    scheme.len)), ret->bytes, sizeof ret->bytes, &len) != BASE64_OK)
		return false;
	ret->password = slice_of(ret->bytes, len);
	colon = slice_find_byte(ret->password, ':');
	ret->user = slice_head(ret->password, colon);
	if (colon == len || slice_find_byte(ret->password, 0) < len)
		return false;
	ret->password = slice_drop(ret->password, colon + 1);
	return true;
}

/* ---- hashes ---- */

static bool is_same(slice a, slice b)
{
	return a.len == b.len && sodium_memcmp(a.ptr, b.ptr, a.len) == 0;
}

static bool is_sha(slice password, slice hash)
{
	unsigned char digest[20], wanted[20];
	size_t len;

	return base64_decode(hash, wanted, sizeof wanted, &len) == BASE64_OK &&
	    len == sizeof wanted &&
	    EVP_Digest(password.ptr, password.len, digest, NULL, EVP_sha1(), NULL) == 1 &&
	    sodium_memcmp(digest, wanted, sizeof wanted) == 0;
}

static void feed(EVP_MD_CTX *md, slice bytes)
{
	(void)EVP_DigestUpdate(md, bytes.ptr, bytes.len);
}

static void begin(EVP_MD_CTX *md)
{
	(void)EVP_DigestInit_ex(md, EVP_md5(), NULL);
}

/* The first digest of MD5-crypt. */
static void apr1_first(EVP_MD_CTX *md, slice password, slice salt, unsigned char sum[MD5])
{
	begin(md);
	feed(md, password);
	feed(md, salt);
	feed(md, password);
	(void)EVP_DigestFinal_ex(md, sum, NULL);
	begin(md);
	feed(md, password);
	feed(md, slice_lit("$apr1$"));
	feed(md, salt);
	for (size_t left = password.len; left > 0; left -= left < MD5 ? left : MD5)
		feed(md, slice_of(sum, left < MD5 ? left : MD5));
	for (size_t bits = password.len; bits > 0; bits >>= 1)
		feed(md, bits & 1 ? slice_of("", 1) : slice_head(password, 1));
	(void)EVP_DigestFinal_ex(md, sum, NULL);
}

static void apr1_rounds(EVP_MD_CTX *md, slice password, slice salt, unsigned char sum[MD5])
{
	for (unsigned i = 0; i < APR1_ROUNDS; i++) {
		slice last = slice_of(sum, MD5);

		begin(md);
		feed(md, i & 1 ? password : last);
		if (i % 3 != 0)
			feed(md, salt);
		if (i % 7 != 0)
			feed(md, password);
		feed(md, i & 1 ? last : password);
		(void)EVP_DigestFinal_ex(md, sum, NULL);
	}
}

/* Its own base 64: of three bytes at a time, the low bits first. */
static size_t apr1_text(const unsigned char sum[MD5], char text[24])
{
	static const char digits[] =
	    "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	static const unsigned char order[5][3] = { { 0, 6, 12 }, { 1, 7, 13 }, { 2, 8, 14 },
		{ 3, 9, 15 }, { 4, 10, 5 } };
	size_t n = 0;

	for (size_t i = 0; i < 5; i++) {
		unsigned bits = (unsigned)sum[order[i][0]] << 16 |
		    (unsigned)sum[order[i][1]] << 8 | sum[order[i][2]];

		for (unsigned j = 0; j < 4; j++, bits >>= 6)
			text[n++] = digits[bits & 63];
	}
	text[n++] = digits[sum[11] & 63];
	text[n++] = digits[sum[11] >> 6];
	return n;
}

/* Apache's MD5: that of crypt(5), but for a word that is hashed along. */
static bool is_apr1(slice password, slice rest)
{
	slice salt = slice_cut(&rest, '$');
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	unsigned char sum[MD5];
	char text[24];
	bool same = false;

	salt = slice_head(salt, salt.len < APR1_SALT ? salt.len : APR1_SALT);
	if (md != NULL) {
		apr1_first(md, password, salt, sum);
		apr1_rounds(md, password, salt, sum);
		same = is_same(slice_of(text, apr1_text(sum, text)), rest);
	}
	EVP_MD_CTX_free(md);
	return same;
}

static bool is_crypt(slice password, slice hash)
{
	char words[WEB_AUTHORIZATION_MAX + 1], wanted[HASH_TEXT] = "";
	struct crypt_data data;
	const char *made;
	bool same;

	if (password.len >= sizeof words || hash.len >= sizeof wanted)
		return false;
	memcpy(words, password.ptr, password.len);
	words[password.len] = 0;
	memcpy(wanted, hash.ptr, hash.len);
	memset(&data, 0, sizeof data);
	made = crypt_rn(words, wanted, &data, sizeof data);
	same = made != NULL && is_same(slice_from(made), hash);
	sodium_memzero(&data, sizeof data);
	sodium_memzero(words, sizeof words);
	return same;
}

static bool is_password(slice password, slice hash)
{
	static const char *const known[] = { "$2a$", "$2b$", "$2y$", "$5$", "$6$", "$y$", "$7$",
		"$1$" };

	if (slice_starts(hash, slice_lit("{SHA}")))
		return is_sha(password, slice_drop(hash, 5));
	if (slice_starts(hash, slice_lit("$apr1$")))
		return is_apr1(password, slice_drop(hash, 6));
	for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
		if (slice_starts(hash, slice_from(known[i])))
			return is_crypt(password, hash);
	}
	return is_same(password, hash);
}

bool credentials_match(slice list, slice user, slice password)
{
	slice rest = list, row, first = { 0 };
	bool known = false, right = false;

	while ((row = next_row(&rest)).len > 0) {
		slice name = slice_cut(&row, ':');

		if (first.len == 0)
			first = row;
		if (!is_same(name, user))
			continue;
		known = true;
		right = is_password(password, row) || right;
	}
	if (!known)
		(void)is_password(password, first);
	return right;
}
