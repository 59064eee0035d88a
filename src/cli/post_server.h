/* cli/post_server.h - which server a message is handed to, and what it must prove. */
#ifndef CLI_POST_SERVER_H
#define CLI_POST_SERVER_H

#include "base/arena.h"
#include "base/limits.h"
#include "os/os.h"
#include "os/tls.h"
#include "smtp/client.h"

struct post_server {
	const char *shown;              /* "127.0.0.1:25", as it was typed */
	struct os_address addresses[POST_ADDRESSES_MAX];        /* to be tried in turn */
	size_t n_addresses;
	const char *name;               /* for its certificate: a host name, or an ip */
	bool loopback;                  /* all of them are */
	bool implicit;                  /* TLS from the first byte */
	enum smtp_client_tls starttls;
	struct tls_context *tls;        /* NULL: no TLS at all */
	bool judged;                    /* its certificate is */
};

/* What was typed; NULL: nothing. */
struct post_server_words {
	const char *command;            /* for error lines: "send" */
	const char *server;             /* ADDR:PORT or NAME:PORT */
	const char *tls;                /* none, starttls, required, implicit */
	const char *ca;                 /* PEM file */
	bool insecure;
};

/* Look it up and judge it; memory is of `arena`. CLI_OK, or another status after a
 * line. Certificates are judged by --ca, else by the system's bundle; those of
 * loopback only by --ca: who can listen there needs no certificate. */
int post_server_read(const struct post_server_words *words, struct arena *arena,
    struct post_server *ret_server);
void post_server_finish(struct post_server *server);

/* An address of this host, in the clear. */
void post_server_local(const struct os_address *address, struct arena *arena,
    struct post_server *ret_server);

#endif
