/* os/tls.h - TLS 1.2 and later over memory, OpenSSL 3 inside.
 *
 * A session turns network bytes into plain bytes and back; it holds no socket
 * and no buffer of its own beyond OpenSSL's, which are given back when idle.
 * Contexts are counted: sessions keep theirs when a reload brings another.
 *
 * OpenSSL's memory is outside the heap. A context registers with the heap of
 * its role, so that dropping that heap frees it and all its sessions. */
#ifndef OS_TLS_H
#define OS_TLS_H

#include "base/buffer.h"
#include "os/os.h"

struct tls_context;
struct tls_session;

/* Enough for any line that a context's creation leaves in ret_error. */
enum { TLS_ERROR_TEXT = 200 };

/* From PEM: our certificate first, then its chain. NULL with one line in
 * ret_error: which of the two, what is wrong, for people. No renegotiation, no
 * compression, no session cache in memory (tickets instead). The caller holds
 * the first count. All sessions of a context live on `heap`, too. */
struct tls_context *tls_server_context(struct heap *heap, slice chain_pem, slice key_pem,
    char *ret_error, size_t size);
/* For our own clients. Servers must show a certificate that leads to ca_pem and
 * bears the session's server_name; an empty ca_pem: any certificate will do. */
struct tls_context *tls_client_context(struct heap *heap, slice ca_pem, char *ret_error,
    size_t size);
void tls_context_ref(struct tls_context *context);
void tls_context_unref(struct tls_context *context);    /* NULL is allowed */

/* ECDSA P-256, self-signed, ten years, for `name` and its sub-names; PEM.
 * False when name can't stand in a certificate (empty, over 64 bytes, not a
 * domain name). */
bool tls_self_signed(slice name, struct buffer *ret_chain, struct buffer *ret_key);

/*   HANDSHAKE --> OPEN --> CLOSED      the peer sent close_notify
 *        '---------'-----> FAILED      see tls_session_error() */
enum tls_state { TLS_HANDSHAKE, TLS_OPEN, TLS_CLOSED, TLS_FAILED };

struct tls_session *tls_session_create(struct heap *heap, struct tls_context *context,
    const char *server_name);           /* NULL for a server; a client's must be given */
void tls_session_destroy(struct tls_session *session);  /* NULL is allowed */

/* Take network bytes; append plain bytes to *plain and what must be sent to
 * *wire (also after a failure: the alert). Stops early when one of them is
 * full: returns how much of `in` was taken; call again, also with an empty
 * `in`, when there is room. A client starts with an empty `in`. */
size_t tls_session_feed(struct tls_session *session, slice in, struct buffer *plain,
    struct buffer *wire);
/* Encrypt; returns how much of `plain` was taken: 0 unless TLS_OPEN. */
size_t tls_session_write(struct tls_session *session, slice plain, struct buffer *wire);
/* Of so much room in *wire, how much plain text surely fits. */
size_t tls_plain_room(size_t wire_room);
void tls_session_close(struct tls_session *session, struct buffer *wire); /* close_notify */

enum tls_state tls_session_state(const struct tls_session *session);
/* "TLSv1.3" and "TLS_AES_256_GCM_SHA384", for Received and logs; once TLS_OPEN. */
const char *tls_session_version(const struct tls_session *session);
/* Channel bindings, at most `size` bytes; 0: there is none. tls-exporter (RFC 9266), where both
 * sides have the same whatever certificate was shown; tls-server-end-point (RFC 5929 s4), a
 * server's hash of its own certificate. */
size_t tls_session_exporter(const struct tls_session *session, unsigned char *ret, size_t size);
size_t tls_session_end_point(const struct tls_session *session, unsigned char *ret, size_t size);
const char *tls_session_cipher(const struct tls_session *session);
/* Why it failed, in words of people; "" when it did not. */
const char *tls_session_error(const struct tls_session *session);
/* It failed because the peer's certificate is not one that we trust. */
bool tls_session_distrusts(const struct tls_session *session);

#endif
