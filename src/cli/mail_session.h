/* cli/mail_session.h - an account's mailboxes, for the commands of an administrator: IMAP
 * through DATA/control.sock, without port, password or TLS.
 *
 *   {"command": "mailbox open", ...} -> the directory hands the connection to the account's
 *   store, which answers as to a login -> from there on it is an IMAP session like any other
 *
 * Blocking. Failures are one line on stderr, and the end of the session. */
#ifndef CLI_MAIL_SESSION_H
#define CLI_MAIL_SESSION_H

#include "cli/control_client.h"
#include "imap/client.h"
#include "imap/parse.h"

enum { MAIL_SESSION_READ = 64 * 1024 };

struct mail_session {
	struct control *control;
	struct heap *heap;
	const char *address;
	int fd;
	struct imap_client *client;
	slice in;                       /* read and not fed */
	bool failed;                    /* a line was said */
	unsigned char read[MAIL_SESSION_READ];
};

/* Of a control_open() with a server. alone: there is no other such session of this account,
 * and nothing of the one before is still on its way. False after a line. */
bool mail_session_open(struct mail_session *s, struct control *control, const char *address,
    bool alone);
void mail_session_close(struct mail_session *s);        /* also of one that never opened */

/* Send a command; its number, or 0 after a line. More of it, as it is: waits for room. */
uint32_t mail_session_send(struct mail_session *s, slice text);
bool mail_session_say(struct mail_session *s, slice bytes);
/* The next event, a response or the end of a command; false after a line. */
bool mail_session_next(struct mail_session *s, struct imap_client_event *ret_event);
/* Whether one can be had without waiting. */
bool mail_session_ready(struct mail_session *s);

/* Send a command and hand each response to `on` (may be NULL) until it is done. True: OK.
 * Otherwise a line says what was asked for, and the server's words; s->failed tells whether
 * the session is over, too. */
bool mail_session_run(struct mail_session *s, slice text,
    void (*on)(void *context, const struct imap_client_event *event), void *context);

/* "SELECT" and such with a mailbox's name in UTF-8, for a command. */
bool mail_session_name(struct buffer *out, const char *verb, slice name);

/* What LIST answers: (\HasNoChildren \Sent) "/" name. */
struct mail_listed {
	slice attributes;               /* with blanks between them */
	slice name;                     /* UTF-8 */
	bool exists;                    /* it may be selected */
};

bool mail_listed_read(slice text, struct arena *arena, struct mail_listed *ret);

/* What FETCH answers. */
struct mail_fetched {
	uint32_t uid;
	unsigned flags;                 /* enum imap_flag */
	slice keywords;                 /* with blanks between them, "\Recent" as well */
	int64_t received_s;
	uint64_t size;
	slice body;                     /* BINARY[], whole or a part; ptr NULL: not there */
};

/* Read a FETCH response. The arena is for strings that had to be copied. */
bool mail_fetched_read(slice text, struct arena *arena, struct mail_fetched *ret);

#endif
