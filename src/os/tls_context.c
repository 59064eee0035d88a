/* os/tls_context.c - certificates and keys, and what is the same for all
 * sessions that use them. */
#include "os/tls_impl.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>

#include "base/check.h"
#include "base/limits.h"

/* ---- life ---- */

static void forget(void *arg)
{
	struct tls_context *context = arg;

	list_for(at, &context->sessions)
		tls_session_forget(at);
	SSL_CTX_free(context->ctx);
	BIO_meth_free(context->method);
}

static struct tls_context *create(struct heap *heap, bool client)
{
	struct tls_context *c = heap_new(heap, struct tls_context);

	c->heap = heap;
	c->client = client;
	c->count = 1;
	list_init(&c->sessions);
	c->method = tls_bio_method();
	c->ctx = SSL_CTX_new(client ? TLS_client_method() : TLS_server_method());
	check(c->method != NULL && c->ctx != NULL);     /* out of memory, as in heap.c */
	heap_on_drop(heap, forget, c);
	SSL_CTX_set_min_proto_version(c->ctx, TLS1_2_VERSION);
	SSL_CTX_set_options(c->ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	SSL_CTX_set_mode(c->ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
	    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_session_cache_mode(c->ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_num_tickets(c->ctx, 1);
	return c;
}

void tls_context_ref(struct tls_context *context)
{
	context->count++;
}

void tls_context_unref(struct tls_context *context)
{
	if (context == NULL)
		return;
	check(context->count > 0);
	if (--context->count > 0)
		return;
	check(list_empty(&context->sessions));
	heap_cancel_on_drop(context->heap, forget, context);
	forget(context);
	heap_free(context->heap, context);
}

/* ---- PEM ---- */

#define NO_CERTIFICATE "there is no \"BEGIN CERTIFICATE\" in the file"

static BIO *memory_of(slice pem)
{
	BIO *bio;

	if (pem.len > INT_MAX)
		return NULL;
	bio = BIO_new_mem_buf(pem.len > 0 ? (const void *)pem.ptr : "", (int)pem.len);
	check(bio != NULL);
	return bio;
}

/* The end of the file is an error to OpenSSL, too; it is none to us. */
static bool at_end(void)
{
	unsigned long error = ERR_peek_last_error();
	bool end = error == 0 || (ERR_GET_LIB(error) == ERR_LIB_PEM &&
	    ERR_GET_REASON(error) == PEM_R_NO_START_LINE);

	ERR_clear_error();
	return end;
}

/* The next certificate, or NULL: at the end, or damaged (then false). */
static bool next_certificate(BIO *bio, X509 **ret_certificate)
{
	ERR_clear_error();
	*ret_certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	return *ret_certificate != NULL || at_end();
}

static const char *use_chain(SSL_CTX *ctx, slice pem)
{
	BIO *bio = memory_of(pem);
	const char *fault = NULL;
	X509 *certificate;
	unsigned n = 0;

	if (bio == NULL)
		return "certificate: the file is too large";
	while (fault == NULL) {
		if (!next_certificate(bio, &certificate)) {
			fault = "certificate: a PEM block in the file is damaged";
		} else if (certificate == NULL) {
			if (n == 0)
				fault = "certificate: " NO_CERTIFICATE;
			break;
		} else if (++n > TLS_CHAIN_MAX) {
			fault = "certificate: the chain is too long";
		} else if (n == 1 && SSL_CTX_use_certificate(ctx, certificate) != 1) {
			fault = "certificate: its key is too short or of an unknown kind";
		} else if (n > 1 && SSL_CTX_add1_chain_cert(ctx, certificate) != 1) {
			fault = "certificate: the chain holds one that can't be used";
		}
		X509_free(certificate);
	}
	BIO_free(bio);
	ERR_clear_error();
	return fault;
}

/* Asked for when the key is encrypted: notes that, and gives none. */
static int no_passphrase(char *buf, int size, int writing, void *context)
{
	*(bool *)context = true;
	return 0;
}

static const char *use_key(SSL_CTX *ctx, slice pem)
{
	BIO *bio = memory_of(pem);
	bool encrypted = false;
	const char *fault = NULL;
	EVP_PKEY *key;

	if (bio == NULL)
		return "key: the file is too large";
	ERR_clear_error();
	key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, &encrypted);
	if (key == NULL && encrypted)
		fault = "key: it is encrypted; Posthouse needs it without a passphrase";
	else if (key == NULL && slice_find(pem, slice_lit("PRIVATE KEY-----")) == pem.len)
		fault = "key: there is no \"BEGIN PRIVATE KEY\" in the file";
	else if (key == NULL)
		fault = "key: the PEM block in the file is damaged";
	else if (X509_check_private_key(SSL_CTX_get0_certificate(ctx), key) != 1)
		fault = "key: it does not belong to the certificate";
	else if (SSL_CTX_use_PrivateKey(ctx, key) != 1)
		fault = "key: it is of a kind that can't be used";
	EVP_PKEY_free(key);
	BIO_free(bio);
	ERR_clear_error();
	return fault;
}

struct tls_context *tls_server_context(struct heap *heap, slice chain_pem, slice key_pem,
    char *ret_error, size_t size)
{
	struct tls_context *c = create(heap, false);
	const char *fault = use_chain(c->ctx, chain_pem);

	if (fault == NULL)
		fault = use_key(c->ctx, key_pem);
	if (fault == NULL)
		return c;
	snprintf(ret_error, size, "%s", fault);
	tls_context_unref(c);
	return NULL;
}

static const char *trust(SSL_CTX *ctx, slice pem)
{
	BIO *bio = memory_of(pem);
	const char *fault = NULL;
	X509 *certificate;
	unsigned n = 0;

	if (bio == NULL)
		return "trusted certificates: the file is too large";
	while (fault == NULL) {
		if (!next_certificate(bio, &certificate))
			fault = "trusted certificates: a PEM block in the file is damaged";
		else if (certificate == NULL && n == 0)
			fault = "trusted certificates: " NO_CERTIFICATE;
		else if (certificate == NULL)
			break;
		else if (X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), certificate) != 1)
			fault = "trusted certificates: the file holds one that can't be used";
		X509_free(certificate);
		n++;
	}
	BIO_free(bio);
	ERR_clear_error();
	return fault;
}

struct tls_context *tls_client_context(struct heap *heap, slice ca_pem, char *ret_error,
    size_t size)
{
	struct tls_context *c = create(heap, true);
	const char *fault;

	if (ca_pem.len == 0)
		return c;
	fault = trust(c->ctx, ca_pem);
	if (fault == NULL) {
		SSL_CTX_set_verify(c->ctx, SSL_VERIFY_PEER, NULL);
		return c;
	}
	snprintf(ret_error, size, "%s", fault);
	tls_context_unref(c);
	return NULL;
}
