/* cli/send.h - posthouse send: the parts.
 *
 * send_plan.c reads the options and what they name; send.c composes, posts and
 * says what came of it. */
#ifndef CLI_SEND_H
#define CLI_SEND_H

#include "cli/cli.h"
#include "cli/post.h"
#include "mail/address_list.h"

struct send {
	struct os *os;
	struct arena arena;
	struct post_server server;
	struct compose_message message;
	struct address_list to, cc, envelope;
	slice from;                     /* of the envelope */
	slice login;                    /* empty: none */
	char secret[PASSWORD_MAX + 1];  /* wiped by send.c */
	size_t room;                    /* bytes that texts and files may still have */
	struct buffer text;             /* composed */
};

/* s has os and arena. CLI_OK, or another status after a line. */
int send_plan_read(struct send *s, const struct cli_args *args);

#endif
