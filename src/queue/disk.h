/* queue/disk.h - the queue as it lies on disk: all log files, and what they say.
 *
 *   NNN.log        chains of files: the last one with a WHOLE counts, and what came
 *                  after it; of an entry the last record (queue/entry.h)
 *   pack/NNN.pack  bodies
 *
 * Changes nothing; blocking, for the pool. OS_ROOT is the folder `queue`. */
#ifndef QUEUE_DISK_H
#define QUEUE_DISK_H

#include "base/limits.h"
#include "base/table.h"
#include "log/log.h"
#include "os/os.h"
#include "queue/entry.h"

enum { QUEUE_PATH = 32 };

struct queue_file {
	uint32_t number;
	uint64_t first;                 /* number of its chain's first; 0: no record says it */
	bool whole;                     /* a WHOLE is in it */
	bool closed;                    /* the next file of its chain is there: it has no torn tail */
	bool newer;                     /* of a later Posthouse: not read */
	bool gone;                      /* since it was listed */
	unsigned damaged;               /* places */
	slice bytes;
	struct log_head head;
};

/* The last word on an entry. */
struct queue_word {
	uint64_t number;
	struct queue_file *file;        /* that has it */
	uint32_t offset, next;          /* the record's bytes there */
	slice payload;                  /* empty: gone */
};

enum queue_damage {
	QUEUE_DAMAGED_HEAD,             /* none of the file is read */
	QUEUE_DAMAGED_BYTES,            /* records are lost */
	QUEUE_DAMAGED_RECORD,           /* a whole record that nobody understands */
};

struct queue_disk {
	/* Given: */
	struct os *os;
	struct heap *heap;              /* of this reading; dropped with it */
	uint64_t seed;                  /* random */
	/* Called for each record of each file, in order, also of files that do not count;
	 * and for what is damaged. NULL: nobody is. */
	void (*record)(void *context, const struct queue_file *file,
	    const struct log_record *record);
	void (*damage)(void *context, const struct queue_file *file, enum queue_damage damage,
	    uint32_t from, uint32_t to);
	void *context;

	/* Found: */
	struct queue_file *files;       /* ascending, QUEUE_FILES_MAX at most */
	size_t n_files;
	uint32_t *packs;                /* numbers, ascending, likewise */
	size_t n_packs;
	bool too_many;                  /* there are more files than that */
	uint64_t first;                 /* files below this number do not count */
	struct table words;             /* struct queue_word by number */
	struct buffer known;            /* keys of recipients that are over */
	const char *step;               /* what failed, in words */
};

/* Read all. 0 or -errno. Entries are not judged: queue_entry_read() the payloads. */
int queue_disk_read(struct queue_disk *d);

void queue_log_path(uint32_t number, char ret_path[QUEUE_PATH]);
void queue_pack_path(uint32_t number, char ret_path[QUEUE_PATH]);

#endif
