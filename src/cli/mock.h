/* cli/mock.h - what `posthouse mock` adds to a server. */
#ifndef CLI_MOCK_H
#define CLI_MOCK_H

#include "cli/serve.h"

enum { MOCK_WORDS = 64 * 1024 };        /* the configuration as text */

/* The configuration, of `arena`; *ret_memory: without a data folder. NULL after a line. */
const char *mock_configure(const struct cli_args *args, struct arena *arena,
    bool *ret_memory);

/* What to write instead, for a listener that can't be bound (-errno); begins with "; ".
 * Of `arena`. */
const char *mock_instead(struct arena *arena, enum service service, int error);

/* Without a data folder: folders, keys and certificate, all in memory. False after a
 * line. */
bool mock_prepare(struct serve *serve, unsigned char ret_seal_key[SEAL_KEY_SIZE]);

#endif
