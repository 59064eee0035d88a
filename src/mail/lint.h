/* mail/lint.h - what is wrong with a message, and with how it was sent: each finding
 * with the RFC's clause, in words, and what to do instead.
 *
 * Pure, and linear in the message: each rule is found once at most, with the place
 * where it was first. Reads the header and the lines; the parts inside a multipart are
 * not looked into. */
#ifndef MAIL_LINT_H
#define MAIL_LINT_H

#include "base/arena.h"
#include "mail/departure.h"

enum lint_severity {
	LINT_HINT,                      /* allowed, and often not meant */
	LINT_WARNING,                   /* not allowed, or not wise; mostly taken */
	LINT_ERROR,                     /* servers refuse it, or readers get it wrong */
};

struct lint_input {
	slice message;                  /* as it came, without our trace */
	bool envelope;                  /* sender and recipients are known */
	slice sender;                   /* reverse-path, no brackets */
	const slice *recipients;
	size_t n_recipients;
	bool utf8;                      /* MAIL had SMTPUTF8 */
	uint32_t departures;            /* departure_bit() of the dialogue */
	int64_t now_s;                  /* since 1970; 0: nobody knows */
};

struct lint_finding {
	const char *rule;               /* "date-missing", or the name of a departure */
	enum lint_severity severity;
	slice where;                    /* "Subject", "line 12"; of the arena, printable ASCII */
	const char *clause;             /* "RFC 5322 section 3.6.1" */
	const char *words;
	const char *remedy;
};

struct lint {
	struct lint_finding *findings;  /* of the arena: dialogue first, then by rule */
	size_t n;
};

/* The arena has room for LINT_ARENA_MAX. Borrows nothing of the input. */
struct lint lint_read(const struct lint_input *input, struct arena *arena);

const char *lint_severity_name(enum lint_severity severity);    /* "hint" */

#endif
