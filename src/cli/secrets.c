/* cli/secrets.c - the seal key and the certificate. */
#include "cli/secrets.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/check.h"
#include "cli/file.h"
#include "os/tls.h"

/* ---- seal key ---- */

static int make_seal_key(const struct data_folder *d, unsigned char ret_key[SEAL_KEY_SIZE])
{
	if (getrandom(ret_key, SEAL_KEY_SIZE, 0) != SEAL_KEY_SIZE)
		return -EIO;
	/* Replaces the empty file that a power cut left: nothing was sealed yet. */
	return file_write(d->fd, "seal.key", slice_of(ret_key, SEAL_KEY_SIZE), true);
}

bool secrets_seal_key(const struct data_folder *d, const struct complaint *to,
    unsigned char ret_key[SEAL_KEY_SIZE])
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct buffer bytes = buffer_init(heap, SEAL_KEY_SIZE + 1);
	int result = file_read(d->fd, "seal.key", &bytes);
	slice have = buffer_bytes(&bytes);

	if (result == 0 && have.len == SEAL_KEY_SIZE) {
		memcpy(ret_key, have.ptr, SEAL_KEY_SIZE);
	} else if (result == -ENOENT || (result == 0 && have.len == 0)) {
		result = make_seal_key(d, ret_key);
		if (result < 0)
			complain(to, "cannot make %s/seal.key: %s", d->path, strerror(-result));
	} else if (result == 0 || result == -EFBIG) {
		complain(to, "%s/seal.key is damaged: it must have %d bytes; without it, messages "
		    "on their way to accounts would not be delivered", d->path, SEAL_KEY_SIZE);
		result = -EINVAL;
	} else {
		complain(to, "cannot read %s/seal.key: %s", d->path, strerror(-result));
	}
	if (bytes.ptr != NULL)
		explicit_bzero(bytes.ptr, bytes.capacity);
	heap_drop(heap);
	return result == 0;
}

/* ---- certificate ---- */

static bool read_pem(int dir, const char *path, const char *where, struct arena *arena,
    const struct complaint *to, slice *ret)
{
	struct buffer text = buffer_init(arena->heap, PEM_MAX);
	int result = file_read(dir, path, &text);

	if (result == 0)
		*ret = slice_copy(arena, buffer_bytes(&text));
	else
		complain(to, "cannot read %s%s: %s", path, where, result == -EFBIG ?
		    "it is too large for a certificate or key" : strerror(-result));
	buffer_free(&text);
	return result == 0;
}

static bool read_configured(const struct setting *setting, struct arena *arena,
    const struct complaint *to, struct certificate *c)
{
	const struct config *config = setting->config;
	const char *key = slice_cstr(arena, config->key);

	c->file = slice_cstr(arena, config->certificate);
	return read_pem(AT_FDCWD, c->file, setting_where(setting, arena, "tls.certificate",
	        config_line(config, "tls.certificate")), arena, to, &c->chain) &&
	    read_pem(AT_FDCWD, key, setting_where(setting, arena, "tls.key",
	        config_line(config, "tls.key")), arena, to, &c->key);
}

/* The key first: a certificate that is there has its key. */
static bool make_own(const struct setting *setting, const struct data_folder *d,
    struct arena *arena, const struct complaint *to)
{
	struct buffer chain = buffer_init(arena->heap, PEM_MAX);
	struct buffer key = buffer_init(arena->heap, PEM_MAX);
	bool ok = tls_self_signed(setting->config->hostname, &chain, &key);
	int result = 0;

	if (!ok)
		complain(to, "cannot make a certificate for %.*s",
		    slice_arg(setting->config->hostname));
	if (ok)
		result = file_write(d->fd, "tls/key.pem", buffer_bytes(&key), true);
	if (ok && result == 0)
		result = file_write(d->fd, "tls/certificate.pem", buffer_bytes(&chain), true);
	if (result < 0)
		complain(to, "cannot write to %s/tls: %s", d->path, strerror(-result));
	buffer_free(&chain);
	buffer_free(&key);
	return ok && result == 0;
}

static bool read_own(const struct setting *setting, const struct data_folder *d,
    struct arena *arena, const struct complaint *to, struct certificate *c)
{
	slice file = arena_printf(arena, "%s/tls/certificate.pem", d->path);
	char shown[300];

	c->file = (const char *)file.ptr;
	c->made = faccessat(d->fd, "tls/certificate.pem", F_OK, 0) < 0;
	if (c->made && !make_own(setting, d, arena, to))
		return false;
	snprintf(shown, sizeof shown, " (in %s)", d->path);
	return read_pem(d->fd, "tls/certificate.pem", shown, arena, to, &c->chain) &&
	    read_pem(d->fd, "tls/key.pem", shown, arena, to, &c->key);
}

bool secrets_certificate(const struct setting *setting, const struct data_folder *data,
    struct arena *arena, const struct complaint *to, struct certificate *ret)
{
	struct certificate c = { 0 };
	bool configured = setting->config->certificate.len > 0;
	char why[TLS_ERROR_TEXT];
	struct tls_context *context;
	struct heap *heap;

	if (!(configured ? read_configured(setting, arena, to, &c) :
	    read_own(setting, data, arena, to, &c)))
		return false;
	heap = heap_create(SIZE_MAX);
	context = tls_server_context(heap, c.chain, c.key, why, sizeof why);
	if (context == NULL)
		complain(to, "%s%s: %s", c.file, configured ? setting_where(setting, arena,
		    "tls.certificate", config_line(setting->config, "tls.certificate")) : "",
		    why);
	tls_context_unref(context);
	heap_drop(heap);
	if (context != NULL)
		*ret = c;
	return context != NULL;
}

bool secrets_days_left(slice chain, int *ret_days)
{
	BIO *bio = BIO_new_mem_buf(chain.ptr, (int)chain.len);
	X509 *first = bio != NULL ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
	int days, seconds;
	bool ok = first != NULL &&
	    ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(first));

	if (ok)
		*ret_days = days;
	X509_free(first);
	BIO_free(bio);
	return ok;
}
