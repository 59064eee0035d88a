/* log/finding.h - what a check of the disk found, one place at a time.
 *
 * Whoever reads files tells a finder; what becomes of it (a line for people, a
 * line of JSON, a test's list) is the finder's. Checks change nothing. */
#ifndef LOG_FINDING_H
#define LOG_FINDING_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

enum finding_kind {
	FINDING_HEAD,           /* a segment's head can't be read, or is another's */
	FINDING_ROT,            /* bytes of a log that were once on disk are damaged */
	FINDING_MISSING,        /* a file that something names is not there */
	FINDING_SHORT,          /* a file is shorter than it was made */
	FINDING_RECORD,         /* a record is whole, and not what fits there */
	FINDING_ACCOUNT,        /* what an account adds up to contradicts itself */
	FINDING_MESSAGE,        /* a message in a mailbox can't be read as a whole */
	FINDING_UNNAMED,        /* a whole message in a pack whose log record is lost */
	FINDING_BODY,           /* the body of a message on its way can't be read */
	FINDING_DIRECTORY,      /* directory.db, or what it says */
	FINDING_MODE,           /* others may read what is secret */
	FINDING_NEWER,          /* written by a later Posthouse */
	FINDING_DISK,           /* the disk failed to read */
	/* Notes: what a crash or a removal leaves, no damage. */
	FINDING_TORN,           /* a log ends in what was never known to be on disk */
	FINDING_LEFTOVER,       /* files that nothing needs */
	FINDING_PASSWORD,       /* an account that nobody can log in to */
	FINDING_KINDS
};

enum { FINDING_PATH = 128, FINDING_MESSAGE_ID = 32, FINDING_TEXT = 320 };

struct finding {
	enum finding_kind kind;
	char path[FINDING_PATH];        /* below the data folder */
	uint64_t from, to;              /* bytes of the file; both 0: all of it */
	uint64_t account;               /* whose; 0: nobody's */
	uint32_t uid;                   /* of the message, or 0 */
	char message[FINDING_MESSAGE_ID];       /* its id, or empty */
	char text[FINDING_TEXT];        /* what it is, and what it means */
};

/* "log-damaged"; for programs. */
const char *finding_word(enum finding_kind kind);
/* What to do about it, a sentence without its full stop. */
const char *finding_advice(enum finding_kind kind);
bool finding_is_note(enum finding_kind kind);

struct finder {
	void (*tell)(struct finder *finder, const struct finding *finding);
	/* So many more bytes of a file were read; NULL: nobody looks. */
	void (*read)(struct finder *finder, const char *path, uint64_t bytes);
	const char *folder;             /* before each path: "account/" */
};

/* Fill text from the format, put the finder's folder before path, and tell. */
void finder_tell(struct finder *finder, struct finding *finding, const char *path,
    const char *format, ...) __attribute__((format(printf, 4, 5)));
/* Likewise; *damage counts what is no note. */
void finder_count(struct finder *finder, uint64_t *damage, struct finding *finding,
    const char *path, const char *format, va_list args);
void finder_read(struct finder *finder, const char *path, uint64_t bytes);

#endif
