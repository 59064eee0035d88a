/* account/folders.h - the folders that accounts have, whoever knows of them. */
#ifndef ACCOUNT_FOLDERS_H
#define ACCOUNT_FOLDERS_H

#include "os/os.h"

/* Call visit for each folder SLOT/ID of an account, by slot and id; OS_ROOT is the
 * folder `account`, and visit may change it. 0, or the last -errno of a slot that
 * can't be read; the others are visited all the same. */
int account_folders(struct os *os, void (*visit)(void *context, uint64_t account),
    void *context);

#endif
