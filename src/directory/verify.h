/* directory/verify.h - is directory.db sound, and what does it say? And what can
 * be saved of one that is not.
 *
 * SQLite takes no locks here (vfs.h), so nobody opens the file beside a server:
 * a copy is looked at, of one moment. */
#ifndef DIRECTORY_VERIFY_H
#define DIRECTORY_VERIFY_H

#include "log/finding.h"
#include "os/os.h"

#define DIRECTORY_FILE "directory.db"

/* Copy the database and its WAL from one folder to another, both descriptors, so
 * that they are what they were at one moment: both are read again, and all is
 * copied again when they changed meanwhile. 0 or -errno; -EAGAIN: it never held
 * still; -ENOENT: there is none. */
int directory_copy(struct os *os, int from, int to);

/* An account that has a row. Borrowed until it returns. */
typedef void directory_row(void *context, uint64_t id, slice address);

/* Check a database that nobody else has open: in the folder `dir`. Tells what is
 * wrong; `row` is called for each account that can be read. False: it can't even be
 * opened. */
bool directory_verify(struct os *os, int dir, struct finder *finder, directory_row *row,
    void *context);

/* Make a new database in the folder `to` with every row that can still be read of
 * the one in `from`; rows that contradict others are left out. Counts the rows.
 * Both are descriptors. False: after a finding about the disk. */
bool directory_salvage(struct os *os, int from, int to, struct finder *finder,
    uint64_t *ret_rows);

/* Give an account that lost its row a new one, without a password: nobody logs in
 * until it has one. In the database in the folder `dir`. */
bool directory_readopt(struct os *os, int dir, uint64_t id, slice address, int64_t now_us);

#endif
