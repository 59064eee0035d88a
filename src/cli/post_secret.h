/* cli/post_secret.h - the password of a login, for those who hand a message to a server. */
#ifndef CLI_POST_SECRET_H
#define CLI_POST_SECRET_H

#include "base/heap.h"
#include "base/limits.h"
#include "base/slice.h"

/* The first line of `file`, which may be a pipe. CLI_OK, or CLI_FAILED after a line that
 * begins with `command`. The caller wipes it. */
int post_secret_file(const char *command, const char *file, struct heap *heap,
    char ret_secret[PASSWORD_MAX + 1]);

/* The same of what is there already; where: for the line. */
int post_secret_take(const char *command, slice secret, const char *where,
    char ret_secret[PASSWORD_MAX + 1]);

#endif
