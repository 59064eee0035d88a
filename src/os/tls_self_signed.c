/* os/tls_self_signed.c - a certificate of our own making, for the first start.
 *
 * Version 3, ECDSA on P-256 with SHA-256, a random serial (RFC 5280 section
 * 4.1.2.2), the name and its sub-names as subjectAltName, ten years from an
 * hour ago (clocks differ). It is its own issuer and no authority. */
#include "os/tls.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

enum {
	NAME_MAX_LEN = 64,              /* ub-common-name, RFC 5280 appendix A.1 */
	YEARS = 10,
};

/* Letters, digits, hyphens and dots only: it goes into OpenSSL's own syntax. */
static bool is_plain_name(slice name)
{
	if (name.len == 0 || name.len > NAME_MAX_LEN || name.ptr[0] == '.')
		return false;
	for (size_t i = 0; i < name.len; i++) {
		unsigned char c = ascii_lower(name.ptr[i]);

		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.'))
			return false;
	}
	return true;
}

static bool add_extension(X509 *certificate, int nid, const char *value)
{
	X509V3_CTX context;
	X509_EXTENSION *extension;
	bool done;

	X509V3_set_ctx_nodb(&context);
	X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	done = extension != NULL && X509_add_ext(certificate, extension, -1) == 1;
	X509_EXTENSION_free(extension);
	return done;
}

static bool set_serial(X509 *certificate)
{
	unsigned char random[16];
	BIGNUM *number = NULL;
	bool done = RAND_bytes(random, sizeof random) == 1;

	random[0] &= 0x7f;              /* positive */
	random[0] |= 0x40;              /* and not short */
	if (done)
		number = BN_bin2bn(random, sizeof random, NULL);
	done = number != NULL && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate));
	BN_free(number);
	return done;
}

static bool fill(X509 *certificate, EVP_PKEY *key, slice name)
{
	char alternatives[2 * NAME_MAX_LEN + 16];
	X509_NAME *subject = X509_get_subject_name(certificate);

	snprintf(alternatives, sizeof alternatives, "DNS:%.*s,DNS:*.%.*s", slice_arg(name),
	    slice_arg(name));
	return X509_set_version(certificate, X509_VERSION_3) == 1 && set_serial(certificate) &&
	    X509_gmtime_adj(X509_getm_notBefore(certificate), -3600) != NULL &&
	    X509_gmtime_adj(X509_getm_notAfter(certificate), YEARS * 365L * 86400) != NULL &&
	    X509_set_pubkey(certificate, key) == 1 &&
	    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, name.ptr, (int)name.len,
	        -1, 0) == 1 &&
	    X509_set_issuer_name(certificate, subject) == 1 &&
	    add_extension(certificate, NID_subject_alt_name, alternatives) &&
	    add_extension(certificate, NID_basic_constraints, "critical,CA:FALSE") &&
	    add_extension(certificate, NID_ext_key_usage, "serverAuth") &&
	    X509_sign(certificate, key, EVP_sha256()) > 0;
}

static bool copy_out(BIO *bio, struct buffer *ret_pem)
{
	char *bytes;
	long len = BIO_get_mem_data(bio, &bytes);

	return len > 0 && buffer_append(ret_pem, slice_of(bytes, (size_t)len));
}

bool tls_self_signed(slice name, struct buffer *ret_chain, struct buffer *ret_key)
{
	EVP_PKEY *key = NULL;
	X509 *certificate = NULL;
	BIO *chain_pem = NULL, *key_pem = NULL;
	bool done = false;

	if (!is_plain_name(name))
		return false;
	key = EVP_EC_gen("P-256");
	certificate = X509_new();
	chain_pem = BIO_new(BIO_s_mem());
	key_pem = BIO_new(BIO_s_secmem());
	if (key == NULL || certificate == NULL || chain_pem == NULL || key_pem == NULL)
		goto out;
	done = fill(certificate, key, name) && PEM_write_bio_X509(chain_pem, certificate) == 1 &&
	    PEM_write_bio_PrivateKey(key_pem, key, NULL, NULL, 0, NULL, NULL) == 1 &&
	    copy_out(chain_pem, ret_chain) && copy_out(key_pem, ret_key);
out:
	BIO_free(key_pem);
	BIO_free(chain_pem);
	X509_free(certificate);
	EVP_PKEY_free(key);
	return done;
}
