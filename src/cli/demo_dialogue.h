/* cli/demo_dialogue.h - the demonstration: send one message by SMTP, read it back
 * by POP3, and print both dialogues so that people can read along. Passwords are
 * masked. */
#ifndef CLI_DEMO_DIALOGUE_H
#define CLI_DEMO_DIALOGUE_H

#include "cli/transcript.h"
#include "os/link.h"
#include "pop3/client.h"
#include "smtp/client.h"

struct demo_dialogue {
	/* Filled by the caller; borrowed until done(). */
	struct os_address smtp, pop3;   /* both in the clear: loopback only */
	slice from, to;                 /* addresses */
	slice login, password;          /* of the mailbox that `to` leads to */
	/* Called once; what went wrong was printed on stderr. */
	void (*done)(struct demo_dialogue *d, bool ok);
	void *owner;

	/* Its own. */
	struct os *os;
	struct link link;
	struct os_timer again, deadline;
	struct smtp_client_config smtp_config;
	struct smtp_client *smtp_client;
	struct smtp_client_message message;
	struct pop3_client_config pop3_config;
	struct pop3_client *pop3_client;
	struct buffer text;             /* the message */
	size_t text_at;
	bool in_body;
	bool over;                      /* done() is due or was called */
	struct transcript shown;        /* not printed yet */
	char id[16];                    /* of the message, random: how we know it again */
	struct buffer read_back;        /* what RETR brought */
	enum pop3_command pop3_command; /* that runs */
	bool ok;                        /* SMTP: taken; POP3: it was our message */
};

/* d is zeroed but for the caller's fields. Takes at most DEMO_PATIENCE_MS. */
void demo_dialogue_start(struct os *os, struct demo_dialogue *d);

#endif
