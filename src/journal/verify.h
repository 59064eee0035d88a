/* journal/verify.h - read all that is on its way: segments, parked records, done
 * marks, spool files.
 *
 * Damage is told to a finder. Which messages may still be handed over comes out
 * as well: account/survey.h asks. Changes nothing; blocking; OS_ROOT is the
 * folder `journal`. */
#ifndef JOURNAL_VERIFY_H
#define JOURNAL_VERIFY_H

#include "base/arena.h"
#include "journal/parked.h"
#include "journal/tracker.h"
#include "log/finding.h"
#include "log/log.h"
#include "os/os.h"

enum { JOURNAL_FOLDER_MAX = 16 };

/* One file of the journal. */
struct journal_file {
	char folder[JOURNAL_FOLDER_MAX];        /* "1", "parked", "router" */
	uint32_t number;
	struct log_head head;           /* generation 0: free, or never begun */
	struct tracker done;            /* of an edge's or parked one: what the marks say */
	uint32_t cut;                   /* nothing from there on counts; 0: no such mark */
	bool damaged;                   /* something was told of it */
	bool headless;                  /* ... its head can't be read */
	uint32_t undone;                /* records that may still be delivered */
};

struct journal_verify {
	/* Given: */
	struct os *os;
	struct heap *heap;              /* of this run; dropped with it */
	struct finder *finder;
	/* Called for each record that is not done and can be read; NULL: nobody is.
	 * Slices are borrowed until it returns. body_whole: its frames were judged. */
	void (*record)(void *context, const struct journal_file *file,
	    const struct log_record *record, bool body_whole);
	void *context;

	/* Found: */
	struct journal_file *files;     /* ROUTER_FILES_MAX at most */
	size_t n_files;
	struct message_id *parked;      /* sorted: those that are parked and not done */
	size_t n_parked, parked_capacity;
	bool newer, failed;
	uint64_t damage;                /* findings that are no notes */
	struct arena scratch;
};

/* marks_only: what may be handed over, and no more. */
void journal_verify(struct journal_verify *v, bool marks_only);
/* May the router still hand it over? Not what every store has called durable. */
bool journal_is_pending(const struct journal_verify *v, struct message_id id);

/* "1/003.log"; ret_path has FINDING_PATH places. */
void journal_file_path(const struct journal_file *file, char *ret_path);

/* Call back for each record of an open file of the journal, and for what is
 * damaged; up to `cut`, when it is not 0. False: the disk failed. */
struct journal_reading {
	void (*record)(void *context, const struct log_record *record);
	void (*rot)(void *context, uint32_t from, uint32_t to);
	void *context;
};
bool journal_read_file(struct os *os, struct heap *heap, int fd, const struct log_head *head,
    uint32_t cut, const struct journal_reading *reading);

#endif
