/* cli/secrets.c - the seal key, the certificate, and what relay.host wants. */
#include "cli/secrets.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
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

/* ---- relay.host ---- */

/* Up to `size` bytes, and then nothing. -EFBIG: there are more. */
static int read_whole(int fd, unsigned char *bytes, size_t size, size_t *ret_len)
{
	size_t len = 0;
	ssize_t n = 1;

	while (n > 0 && len < size) {
		n = read(fd, bytes + len, size - len);
		if (n < 0 && errno != EINTR)
			return -errno;
		len += n > 0 ? (size_t)n : 0;
		n = n < 0 ? 1 : n;
	}
	*ret_len = len;
	return len == size ? -EFBIG : 0;
}

/* One line, without its end. NULL: it is; else what is wrong with it. */
static const char *judge_password(int fd, struct relay_secrets *secrets)
{
	unsigned char text[SASL_SECRET_MAX + 3];        /* CR, LF, and one that is too many */
	const char *fault = NULL;
	size_t len = 0;
	int result = read_whole(fd, text, sizeof text, &len);

	if (result == 0 && len > 0 && text[len - 1] == '\n')
		len--;
	if (result == 0 && len > 0 && text[len - 1] == '\r')
		len--;
	if (result < 0 && result != -EFBIG)
		fault = strerror(-result);
	else if (result < 0 || len > SASL_SECRET_MAX)
		fault = "it is too long for a password";
	else if (len == 0)
		fault = "it is empty; its only line must be the password";
	else if (memchr(text, '\n', len) != NULL || memchr(text, '\r', len) != NULL ||
	    memchr(text, 0, len) != NULL)
		fault = "it has more than one line; the only one must be the password";
	if (fault == NULL) {
		memcpy(secrets->password, text, len);
		secrets->password_len = len;
	}
	explicit_bzero(text, sizeof text);
	return fault;
}

static bool read_password(const struct setting *setting, struct arena *arena,
    const struct complaint *to, struct relay_secrets *secrets)
{
	const struct config *config = setting->config;
	const char *path = slice_cstr(arena, config->relay_password_file), *fault;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat status;

	if (fd >= 0 && fstat(fd, &status) == 0 && (status.st_mode & S_IROTH) != 0)
		secrets->others_read = path;
	fault = fd >= 0 ? judge_password(fd, secrets) : strerror(errno);
	if (fd >= 0)
		close(fd);
	if (fault != NULL)
		complain(to, "cannot use %s%s: %s", path, setting_where(setting, arena,
		    "relay.password_file", config_line(config, "relay.password_file")), fault);
	return fault == NULL;
}

static bool read_trusted(const struct setting *setting, struct arena *arena,
    const struct complaint *to, struct relay_secrets *secrets)
{
	const char *path = slice_cstr(arena, setting->config->relay_ca);
	const char *where = setting_where(setting, arena, "relay.ca",
	    config_line(setting->config, "relay.ca"));
	struct heap *heap = heap_create(SIZE_MAX);
	struct buffer pem = buffer_init(heap, RELAY_CA_MAX);
	int result = file_read(AT_FDCWD, path, &pem);
	char why[TLS_ERROR_TEXT] = "there is no certificate in it";
	struct tls_context *context = NULL;

	if (result == -EFBIG)
		snprintf(why, sizeof why, "it is larger than %d bytes", RELAY_CA_MAX);
	else if (result < 0)
		snprintf(why, sizeof why, "%s", strerror(-result));
	else if (buffer_bytes(&pem).len > 0)
		context = tls_client_context(heap, buffer_bytes(&pem), why, sizeof why);
	if (context != NULL)
		secrets->ca = slice_copy(arena, buffer_bytes(&pem));
	else
		complain(to, "cannot use %s%s, by which the certificate of relay.host is judged: "
		    "%s", path, where, why);
	tls_context_unref(context);
	heap_drop(heap);
	return secrets->ca.len > 0;
}

bool secrets_relay(const struct setting *setting, struct arena *arena,
    const struct complaint *to, struct relay_secrets *ret)
{
	const struct config *config = setting->config;

	*ret = (struct relay_secrets){ 0 };
	return (config->relay_password_file.len == 0 ||
	    read_password(setting, arena, to, ret)) &&
	    (!config_relay_judges(config) || read_trusted(setting, arena, to, ret));
}

void secrets_warn_of_relay(const struct relay_secrets *secrets, const struct complaint *to)
{
	if (secrets->others_read != NULL)
		complain(to, "warning: everybody on this host can read %s, the password at "
		    "relay.host: chmod 600 it", secrets->others_read);
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
