/* directory/vfs.h - the files of an SQLite database, through os.h.
 *
 * So the database lies below the folder that the role was confined to, is
 * found there without absolute paths, and in the simulator is on a disk that
 * loses power like every other. One process at a time: there is no shared
 * memory and no locking inside; whoever opens the database holds the lock of
 * the data folder (the keeper, or a command while no server runs), and SQLite
 * runs with locking_mode=EXCLUSIVE. */
#ifndef DIRECTORY_VFS_H
#define DIRECTORY_VFS_H

#include "os/os.h"

struct directory_vfs;

/* Files are names in `dir` (OS_ROOT or a folder's descriptor, borrowed). */
struct directory_vfs *directory_vfs_create(struct os *os, int dir);
void directory_vfs_destroy(struct directory_vfs *vfs);  /* after the database is closed */

/* For sqlite3_open_v2. Lives as long as the vfs. */
const char *directory_vfs_name(const struct directory_vfs *vfs);

/* From here on nothing is read or written any more: as if the power was cut. */
void directory_vfs_cut(struct directory_vfs *vfs);

/* A write or sync failed: what was written since the last good sync may be
 * gone whatever a read shows (DESIGN section 4, log rule 4). */
bool directory_vfs_failed(const struct directory_vfs *vfs);

#endif
