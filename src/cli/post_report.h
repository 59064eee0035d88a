/* cli/post_report.h - tells what came of a message: lines on stderr, and a status of
 * sysexits.h that does not make callers send it twice.
 *
 * EX_OK           each recipient has it
 * EX_NOUSER       refused: no such recipient (5.1.x, or 551 or 553 without it)
 * EX_NOPERM       refused: policy (5.7.x)
 * EX_UNAVAILABLE  refused, in another way
 * EX_TEMPFAIL     nobody has it, and it may work later; or the server may have it or not
 *
 * When some have it, the status is never EX_TEMPFAIL: who gets that sends it again, to
 * all. */
#ifndef CLI_POST_REPORT_H
#define CLI_POST_REPORT_H

#include <sysexits.h>

#include "cli/post.h"

/* One recipient was refused. */
void post_report_refused(const struct post *p, size_t index);

/* The rest, at the end. login_how: what to do for a login, when the server seems to
 * want one. Returns the status. */
int post_report(const struct post *p, const char *login_how);

#endif
