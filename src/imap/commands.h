/* imap/commands.h - the engine's tables of commands and capabilities, for help and
 * doc/RFC.md. */
#ifndef IMAP_COMMANDS_H
#define IMAP_COMMANDS_H

#include <stdbool.h>
#include <stddef.h>

struct imap_command_words {
	const char *name;               /* "FETCH", "IMAP4rev2" */
	const char *rfc;                /* where it is from: "RFC 9051 s6.4.5" */
	const char *words;              /* what it does, one line; NULL for capabilities */
	bool uid;                       /* there is "UID FETCH", too */
};

/* The i-th, from 0; false: there are no more. */
bool imap_command_row(size_t i, struct imap_command_words *ret);
bool imap_capability_row(size_t i, struct imap_command_words *ret);

#endif
