/* cli/sendmail.h - posthouse sendmail: the parts.
 *
 * sendmail_options.c reads the arguments as programs give them, sendmail_place.c
 * says where we are (server, domain, user), sendmail_relay.c is -bs, sendmail.c
 * the rest. All return what sysexits.h has. */
#ifndef CLI_SENDMAIL_H
#define CLI_SENDMAIL_H

#include <sysexits.h>

#include "base/arena.h"
#include "base/limits.h"
#include "mail/address_list.h"
#include "os/os.h"

enum sendmail_mode {
	SENDMAIL_DELIVER,               /* -bm */
	SENDMAIL_SMTP,                  /* -bs */
	SENDMAIL_ALIASES,               /* -bi, -I */
	SENDMAIL_QUEUE,                 /* -bp */
	SENDMAIL_RUN_QUEUE,             /* -q */
};

/* Borrowed from argv. */
struct sendmail_options {
	enum sendmail_mode mode;
	bool recipients;                /* -t */
	bool no_dot;                    /* -i, -oi */
	bool verbose;                   /* -v */
	const char *from, *name, *config;       /* -f, -F, -C; NULL: not given */
	const char *words[SEND_RECIPIENTS_MAX];
	size_t n_words;
};

/* EX_OK, or EX_USAGE after a line. */
int sendmail_options_read(int argc, char **argv, struct sendmail_options *ret_options);

/* Where we are. */
struct sendmail_place {
	struct os_address server;       /* that takes mail without a login */
	bool has_server;                /* false: the one that was given is a name */
	const char *login;              /* NULL: none */
	const char *password_file;
	const char *submission;         /* the server for a login: ADDR:PORT or NAME:PORT */
	slice domain;                   /* for names without one */
	slice hostname;                 /* for EHLO, and a Message-ID */
	struct compose_mailbox user;    /* who runs this */
};

/* By posthouse.conf, if it is there: `config`, or the one of /etc. EX_OK, or another
 * status after a line. */
int sendmail_place_read(const char *config, struct arena *arena, struct sendmail_place *ret_place);

/* Bytes between stdin and stdout and the server, until it closes. */
int sendmail_relay(struct os *os, const struct os_address *server);

/* "posthouse: sendmail: " and the text to stderr. Returns status. */
int sendmail_fail(int status, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
