/* cli/haul.h - what import and export have alike: how far it is, what went wrong, and a
 * Ctrl-C that ends it between two messages. */
#ifndef CLI_HAUL_H
#define CLI_HAUL_H

#include <jansson.h>

#include "cli/mail_session.h"

struct haul {
	struct mail_session *session;
	struct heap *heap;
	const char *verb;               /* "imported" */
	bool live;                      /* a line at the terminal that is written over */
	/* What there is to do, as far as it is known; 0: it is not. */
	uint64_t total_bytes, total_messages;
	uint64_t at_bytes, at_messages; /* how far */
	/* What came of it. */
	uint64_t done, done_bytes, present, failed;
	uint64_t began_ms, shown_ms;
	json_t *mailboxes;              /* their names, as they were met */
};

/* Signals are heard from here on. */
void haul_begin(struct haul *t, struct mail_session *session, const char *verb);
/* Somebody pressed Ctrl-C: no more shall be begun. */
bool haul_stopped(void);
/* Go on with how far it is, where that is looked at. */
void haul_show(struct haul *t);
/* A line on stderr: about one message that failed, or not. */
void haul_fail(struct haul *t, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void haul_note(struct haul *t, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* What came of it, on stdout. Returns CLI_*. ok: nothing but single messages failed. */
int haul_end(struct haul *t, bool ok, bool json);

#endif
