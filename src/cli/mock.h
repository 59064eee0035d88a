/* cli/mock.h - what `posthouse mock` adds to a server. */
#ifndef CLI_MOCK_H
#define CLI_MOCK_H

#include "cli/serve.h"

/* What to write instead, for a listener that can't be bound (-errno); begins with "; ".
 * Of `arena`. */
const char *mock_instead(struct arena *arena, enum service service, int error);

/* Without a data folder: folders, keys and certificate, all in memory. False after a
 * line. */
bool mock_prepare(struct serve *serve, unsigned char ret_seal_key[SEAL_KEY_SIZE]);

#endif
