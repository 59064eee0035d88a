/* os/tls_impl.h - what contexts and sessions know of each other. For tls*.c only. */
#ifndef OS_TLS_IMPL_H
#define OS_TLS_IMPL_H

#include <openssl/ssl.h>

#include "os/tls.h"

struct tls_context {
	struct heap *heap;
	SSL_CTX *ctx;
	BIO_METHOD *method;             /* how its sessions read and write (tls.c) */
	unsigned count;
	bool client;
	struct list sessions;           /* struct tls_session */
};

/* Free what OpenSSL holds for a session; the struct is the heap's. */
void tls_session_forget(struct list *link);

/* The BIO of a session: reads its `in`, writes its `wire`. NULL when out of memory. */
BIO_METHOD *tls_bio_method(void);

#endif
