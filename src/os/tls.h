/* os/tls.h - TLS 1.2 and later over memory, OpenSSL 3 inside.
 *
 * A session turns network bytes into plain bytes and back; it holds no socket.
 * Contexts are counted: sessions keep theirs when a reload brings another. */
#ifndef OS_TLS_H
#define OS_TLS_H

#include "base/buffer.h"
#include "os/os.h"

struct tls_context;
struct tls_session;

/* From PEM. NULL with one line in ret_error: which of the two, what is wrong,
 * for people. SSL_MODE_RELEASE_BUFFERS; no session cache in memory, tickets. */
struct tls_context *tls_server_context(slice chain_pem, slice key_pem, char *ret_error, size_t size);
/* For our own clients. verify_name NULL: any certificate will do. */
struct tls_context *tls_client_context(slice ca_pem, char *ret_error, size_t size);
void tls_context_ref(struct tls_context *context);
void tls_context_unref(struct tls_context *context);

/* ECDSA P-256, self-signed, ten years, for `name` and its sub-names; PEM. */
bool tls_self_signed(slice name, struct buffer *ret_chain, struct buffer *ret_key);

enum tls_state { TLS_HANDSHAKE, TLS_OPEN, TLS_CLOSED, TLS_FAILED };

struct tls_session *tls_session_create(struct heap *heap, struct tls_context *context,
    const char *server_name);           /* NULL: we are the server */
void tls_session_destroy(struct tls_session *session);

/* Take network bytes; append plain bytes to *plain and what must be sent to
 * *wire. Bounded by the buffers' maxima: returns how much of `in` was taken. */
size_t tls_session_feed(struct tls_session *session, slice in, struct buffer *plain,
    struct buffer *wire);
/* Encrypt; returns how much of `plain` was taken. */
size_t tls_session_write(struct tls_session *session, slice plain, struct buffer *wire);
void tls_session_close(struct tls_session *session, struct buffer *wire); /* close_notify */

enum tls_state tls_session_state(const struct tls_session *session);
/* "TLSv1.3 TLS_AES_256_GCM_SHA384", for Received and logs. */
const char *tls_session_version(const struct tls_session *session);
const char *tls_session_cipher(const struct tls_session *session);
const char *tls_session_error(const struct tls_session *session);

#endif
