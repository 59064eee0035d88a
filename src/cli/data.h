/* cli/data.h - the data folder: made at first start, of one version, locked.
 *
 *   version   "1"; a folder of a newer one is refused
 *   lock      flock, with the process id of the keeper inside
 *   control.sock   the directory's socket while a server runs
 *   seal.key, tls/, log/, and a folder for each role that keeps files */
#ifndef CLI_DATA_H
#define CLI_DATA_H

#include "cli/setting.h"

enum { DATA_VERSION = 1 };

struct data_folder {
	const char *path;
	int fd;
	int lock;                       /* -1: not locked by us */
};

/* Open the folder, make it and what is in it when `make`, judge its version.
 * False after a line of complaint. The strings are borrowed. */
bool data_open(const char *path, bool make, const struct complaint *to,
    struct data_folder *ret_data);
void data_close(struct data_folder *data);

/* Lock it for this process, and whoever gets a duplicate of data->lock. When
 * whoever has it was killed, wait for its roles to end. False after a line:
 * "already running on X (pid N)". */
bool data_lock(struct data_folder *data, const struct complaint *to);
/* The process id of the server that runs on it; 0: none. */
int data_holder(const struct data_folder *data);

/* Give the folders of the roles, and all that is in them, to this user. */
bool data_give(const struct data_folder *data, unsigned uid, unsigned gid,
    const struct complaint *to);

#endif
