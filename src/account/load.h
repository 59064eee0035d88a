/* account/load.h - read an account from its files. Blocking: for the pool.
 *
 * The newest segment that can be read is the account's head; what stands behind
 * its HEAD and is not called synced by a mark becomes kept changes. Rows, when
 * they are wanted, are read through the whole chain. Damage is set aside: noted,
 * skipped, and never a reason to stop while the head can be read. */
#ifndef ACCOUNT_LOAD_H
#define ACCOUNT_LOAD_H

#include "account/account.h"
#include "os/os.h"

enum account_load_result {
	ACCOUNT_LOADED,         /* also when there is nothing yet */
	ACCOUNT_DAMAGED,        /* no head can be read, but there are segments */
	ACCOUNT_NEWER,          /* written by a later Posthouse */
	ACCOUNT_IO,             /* the disk failed: try again later */
};

/* One line for the log about what is wrong. */
struct account_note {
	char text[200];
};

struct account_notes {
	struct account_note lines[ACCOUNT_NOTES_MAX];
	size_t n;               /* how many there would be */
};

/* Fill *a, which account_init() made. */
enum account_load_result account_load(struct os *os, struct account *a, bool full,
    struct account_notes *notes);

/* Make the state of an open account full; changes that wait, wait on. */
enum account_load_result account_load_rows(struct os *os, struct account *a,
    struct account_notes *notes);

void account_note(struct account_notes *notes, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* ---- reading one segment; also for account/base.c and describe.c ---- */

struct segment_reader {
	struct os *os;
	struct heap *heap;
	int fd;
	struct log_reader log;
	unsigned char *window;
	size_t window_size;
	uint32_t window_at;
	size_t window_len;
	bool final;
};

enum segment_open {
	SEGMENT_OPEN,
	SEGMENT_NONE,           /* no such file */
	SEGMENT_DAMAGED,        /* its head can't be read, or is another's */
	SEGMENT_NEWER,
	SEGMENT_IO,
};

enum segment_open segment_open(struct segment_reader *r, struct os *os, struct heap *heap,
    uint64_t account, uint32_t number);
void segment_close(struct segment_reader *r);

enum segment_next {
	SEGMENT_RECORD,
	SEGMENT_END,
	SEGMENT_ROT,            /* [*ret_from, *ret_to) is lost; go on */
	SEGMENT_FAILED,         /* the disk */
};

enum segment_next segment_next(struct segment_reader *r, struct log_record *ret_record,
    uint32_t *ret_from, uint32_t *ret_to);

/* The numbers of the files "NNN" + suffix in a folder, ascending, in an array of
 * `heap`. No folder is no file; over ACCOUNT_FILES_MAX is -E2BIG. 0 or -errno. */
int account_list(struct os *os, struct heap *heap, const char *folder, const char *suffix,
    uint32_t **ret_numbers, size_t *ret_n);

#endif
