/* os/tls.c - TLS sessions over memory.
 *
 * OpenSSL reads and writes through a BIO of ours, which takes from the slice
 * that is being fed and appends to the buffer that goes out: no copy in
 * between, and nothing that stays allocated while a session is idle.
 *
 * (1) session->in and session->wire are set only during a call.
 * (2) Once FAILED or CLOSED, input is swallowed and OpenSSL not asked again. */
#include "os/tls.h"

#include <openssl/err.h>
#include <openssl/sslerr.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "base/check.h"
#include "os/tls_impl.h"

enum {
	RECORD_MAX = 16384,             /* RFC 8446 section 5.1: plain text of one record */
	RECORD_OVERHEAD = 128,          /* header, nonce, padding, MAC: 85 at most, of CBC */
};

struct tls_session {
	struct list link;               /* in context->sessions; first: see tls_session_forget */
	struct tls_context *context;
	SSL *ssl;
	enum tls_state state;
	slice in;                       /* not yet read by OpenSSL */
	struct buffer *wire;            /* where it writes */
	const char *error;              /* static text; NULL: none */
	bool distrusts;
};

/* ---- the BIO ---- */

static int wire_read(BIO *bio, char *buf, int size)
{
	struct tls_session *s = BIO_get_data(bio);
	size_t n = size > 0 ? (size_t)size : 0;

	BIO_clear_retry_flags(bio);
	if (n > s->in.len)
		n = s->in.len;
	if (n == 0) {
		BIO_set_retry_read(bio);
		return -1;
	}
	memcpy(buf, s->in.ptr, n);
	s->in = slice_drop(s->in, n);
	return (int)n;
}

static int wire_write(BIO *bio, const char *bytes, int len)
{
	struct tls_session *s = BIO_get_data(bio);
	size_t n = len > 0 ? (size_t)len : 0;

	BIO_clear_retry_flags(bio);
	if (s->wire == NULL || buffer_room(s->wire) == 0) {
		BIO_set_retry_write(bio);
		return -1;
	}
	if (n > buffer_room(s->wire))
		n = buffer_room(s->wire);
	buffer_add(s->wire, slice_of(bytes, n));
	return (int)n;
}

static long wire_ctrl(BIO *bio, int command, long number, void *pointer)
{
	return command == BIO_CTRL_FLUSH ? 1 : 0;
}

BIO_METHOD *tls_bio_method(void)
{
	BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "posthouse wire");

	if (method == NULL)
		return NULL;
	BIO_meth_set_read(method, wire_read);
	BIO_meth_set_write(method, wire_write);
	BIO_meth_set_ctrl(method, wire_ctrl);
	return method;
}

/* ---- what went wrong ---- */

/* Words for what peers get wrong; OpenSSL's own for the rest. */
static const char *words_of(unsigned long error)
{
	static const struct {
		int reason;
		const char *words;
	} known[] = {
		{ SSL_R_UNSUPPORTED_PROTOCOL, "the peer speaks no version since TLS 1.2" },
		{ SSL_R_WRONG_VERSION_NUMBER, "what came is not TLS" },
		{ SSL_R_HTTP_REQUEST, "what came is HTTP, not TLS" },
		{ SSL_R_RECORD_LENGTH_MISMATCH, "what came is not TLS" },
		{ SSL_R_NO_SHARED_CIPHER, "the peer shares no cipher with us" },
		{ SSL_R_CERTIFICATE_VERIFY_FAILED, "the peer's certificate is not trusted" },
		{ SSL_R_TLSV1_ALERT_UNKNOWN_CA, "the peer does not trust our certificate" },
		{ SSL_R_SSLV3_ALERT_BAD_CERTIFICATE, "the peer refuses our certificate" },
		{ SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN, "the peer refuses our certificate" },
		{ SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED, "the peer says our certificate expired" },
		{ SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE, "the peer accepts none of our offers" },
		{ SSL_R_TLSV1_ALERT_PROTOCOL_VERSION, "the peer accepts no TLS version of ours" },
		{ SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC, "a damaged or forged record came" },
	};
	const char *reason;

	if (ERR_GET_LIB(error) == ERR_LIB_SSL) {
		for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
			if (ERR_GET_REASON(error) == known[i].reason)
				return known[i].words;
		}
	}
	reason = ERR_reason_error_string(error);
	return reason != NULL ? reason : "the TLS library gives no reason";
}

/* Why the certificate failed says more than that it did. */
static void explain_failure(struct tls_session *s)
{
	unsigned long error = ERR_peek_error();
	long verdict = SSL_get_verify_result(s->ssl);

	s->distrusts = ERR_GET_LIB(error) == ERR_LIB_SSL &&
	    ERR_GET_REASON(error) == SSL_R_CERTIFICATE_VERIFY_FAILED;
	s->error = s->distrusts && verdict != X509_V_OK ?
	    X509_verify_cert_error_string(verdict) : words_of(error);
}

/* After a call that did not succeed. */
static void judge(struct tls_session *s, int result)
{
	switch (SSL_get_error(s->ssl, result)) {
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		return;
	case SSL_ERROR_ZERO_RETURN:
		s->state = TLS_CLOSED;
		return;
	default:
		s->state = TLS_FAILED;
		explain_failure(s);
		ERR_clear_error();
	}
}

/* ---- a session ---- */

/* Whom the certificate must be for (RFC 6125). An address in place of a name has no SNI
 * (RFC 6066 section 3). */
static void name_server(struct tls_session *s, const char *server_name)
{
	X509_VERIFY_PARAM *param = SSL_get0_param(s->ssl);
	int done;

	if (X509_VERIFY_PARAM_set1_ip_asc(param, server_name) == 1)
		return;
	SSL_set_tlsext_host_name(s->ssl, server_name);
	SSL_set_hostflags(s->ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	done = SSL_set1_host(s->ssl, server_name);
	check(done == 1);
}

struct tls_session *tls_session_create(struct heap *heap, struct tls_context *context,
    const char *server_name)
{
	struct tls_session *s = heap_new(heap, struct tls_session);
	BIO *bio = BIO_new(context->method);

	check(context->heap == heap);
	check(context->client == (server_name != NULL));
	ERR_clear_error();
	s->ssl = SSL_new(context->ctx);
	check(s->ssl != NULL && bio != NULL);           /* out of memory, as in heap.c */
	BIO_set_data(bio, s);
	BIO_set_init(bio, 1);
	SSL_set_bio(s->ssl, bio, bio);
	if (context->client) {
		SSL_set_connect_state(s->ssl);
		name_server(s, server_name);
	} else {
		SSL_set_accept_state(s->ssl);
	}
	ERR_clear_error();
	s->context = context;
	tls_context_ref(context);
	list_append(&context->sessions, &s->link);
	return s;
}

void tls_session_forget(struct list *link)
{
	struct tls_session *s = list_item(link, struct tls_session, link);

	SSL_free(s->ssl);
	s->ssl = NULL;
}

void tls_session_destroy(struct tls_session *session)
{
	struct tls_context *context;

	if (session == NULL)
		return;
	context = session->context;
	list_remove(&session->link);
	tls_session_forget(&session->link);
	heap_free(context->heap, session);
	tls_context_unref(context);
}

static void read_plain(struct tls_session *s, struct buffer *plain)
{
	unsigned char record[RECORD_MAX];

	while (s->state == TLS_OPEN && buffer_room(plain) > 0) {
		size_t room = buffer_room(plain), n = 0;
		int result = SSL_read_ex(s->ssl, record, room < sizeof record ? room :
		    sizeof record, &n);

		if (result != 1) {
			judge(s, result);
			return;
		}
		buffer_add(plain, slice_of(record, n));
	}
}

size_t tls_session_feed(struct tls_session *session, slice in, struct buffer *plain,
    struct buffer *wire)
{
	struct tls_session *s = session;
	int result;

	if (s->state == TLS_CLOSED || s->state == TLS_FAILED)
		return in.len;
	s->in = in;
	s->wire = wire;
	ERR_clear_error();
	if (s->state == TLS_HANDSHAKE) {
		result = SSL_do_handshake(s->ssl);
		if (result == 1)
			s->state = TLS_OPEN;
		else
			judge(s, result);
	}
	if (s->state == TLS_OPEN)
		read_plain(s, plain);
	if (s->state == TLS_OPEN || s->state == TLS_HANDSHAKE)
		in.len -= s->in.len;
	s->in = (slice){ 0 };
	s->wire = NULL;
	return in.len;
}

size_t tls_plain_room(size_t wire_room)
{
	const size_t whole = RECORD_MAX + RECORD_OVERHEAD;
	size_t rest = wire_room % whole;

	return wire_room / whole * RECORD_MAX + (rest > RECORD_OVERHEAD ?
	    rest - RECORD_OVERHEAD : 0);
}

size_t tls_session_write(struct tls_session *session, slice plain, struct buffer *wire)
{
	struct tls_session *s = session;
	size_t taken = 0;

	s->wire = wire;
	ERR_clear_error();
	while (s->state == TLS_OPEN && taken < plain.len) {
		size_t room = tls_plain_room(buffer_room(wire)), n = plain.len - taken, wrote = 0;
		int result;

		if (n > RECORD_MAX)
			n = RECORD_MAX;
		if (n > room)
			n = room;
		if (n == 0)
			break;
		result = SSL_write_ex(s->ssl, plain.ptr + taken, n, &wrote);
		if (result != 1) {
			judge(s, result);
			break;
		}
		taken += wrote;
	}
	s->wire = NULL;
	return taken;
}

void tls_session_close(struct tls_session *session, struct buffer *wire)
{
	if (session->state != TLS_OPEN && session->state != TLS_CLOSED)
		return;
	session->wire = wire;
	ERR_clear_error();
	SSL_shutdown(session->ssl);
	ERR_clear_error();
	session->wire = NULL;
}

enum tls_state tls_session_state(const struct tls_session *session)
{
	return session->state;
}

const char *tls_session_version(const struct tls_session *session)
{
	return SSL_get_version(session->ssl);
}

const char *tls_session_cipher(const struct tls_session *session)
{
	return SSL_get_cipher_name(session->ssl);
}

size_t tls_session_exporter(const struct tls_session *session, unsigned char *ret, size_t size)
{
	static const char label[] = "EXPORTER-Channel-Binding";
	enum { LEN = 32 };

	if (size < LEN || SSL_export_keying_material(session->ssl, ret, LEN, label,
	    sizeof label - 1, NULL, 0, 0) != 1)
		return 0;
	return LEN;
}

/* By the hash of the certificate's signature; SHA-256 for the weak ones. */
static const EVP_MD *end_point_hash(X509 *certificate)
{
	int hash = NID_undef;

	if (X509_get_signature_info(certificate, &hash, NULL, NULL, NULL) != 1)
		return NULL;
	return hash == NID_md5 || hash == NID_sha1 ? EVP_sha256() : EVP_get_digestbynid(hash);
}

size_t tls_session_end_point(const struct tls_session *session, unsigned char *ret, size_t size)
{
	X509 *certificate = SSL_get_certificate(session->ssl);
	const EVP_MD *hash = certificate != NULL ? end_point_hash(certificate) : NULL;
	unsigned len = 0;

	if (hash == NULL || (size_t)EVP_MD_get_size(hash) > size ||
	    X509_digest(certificate, hash, ret, &len) != 1)
		return 0;
	return len;
}

bool tls_session_distrusts(const struct tls_session *session)
{
	return session->distrusts;
}

const char *tls_session_error(const struct tls_session *session)
{
	return session->error != NULL ? session->error : "";
}
