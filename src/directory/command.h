/* directory/command.h - what administrators ask, as JSON: the same words through
 * the control socket and, while no server runs, straight to the database.
 *
 *   {"command": "account add", "address": "alice@example.org", "hash": "$argon2id$..."}
 *   {"ok": true, "address": "alice@example.org", "id": "..."}
 *   {"error": "account alice@example.org is there already"}
 *
 * A "quota" is in bytes; 0: none, null or not there: that of mailbox.quota.
 * Fields that a command does not know are refused. Lists come in parts: an
 * answer with "more" wants the same request again with "after" set to it. */
#ifndef DIRECTORY_COMMAND_H
#define DIRECTORY_COMMAND_H

#include "base/buffer.h"
#include "directory/directory.h"

enum command_effect_kind {
	COMMAND_NOTHING,
	COMMAND_CHANGED,                /* the account's credential or state: forget it */
	COMMAND_QUOTA,                  /* its quota is another one */
	COMMAND_REMOVED,                /* the account is gone */
};

struct command_effect {
	enum command_effect_kind kind;
	uint64_t account;
	uint64_t quota;                 /* QUOTA: it; see struct directory_account */
};

/* Answer one request (a line without its LF, at most CONTROL_REQUEST_MAX):
 * appends one line with its LF, at most CONTROL_ANSWER_MAX + 1 bytes. */
void directory_command(struct directory *directory, slice request, struct buffer *out,
    struct command_effect *ret_effect);

#endif
