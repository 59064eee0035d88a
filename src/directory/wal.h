/* directory/wal.h - is the WAL of a database whole? For directory/verify.c. */
#ifndef DIRECTORY_WAL_H
#define DIRECTORY_WAL_H

#include "os/os.h"

/* False: it is damaged from *ret_at on, and a change that was committed stands
 * behind. No file is whole. A power cut in the middle of a change may leave the
 * same until the next start. */
bool wal_is_whole(struct os *os, int dir, const char *name, uint64_t *ret_at);

#endif
