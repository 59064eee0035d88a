/* cli/secrets.h - the seal key and the certificate that a server starts with. */
#ifndef CLI_SECRETS_H
#define CLI_SECRETS_H

#include "base/arena.h"
#include "cli/data.h"
#include "cli/setting.h"

enum {
	PEM_MAX = 64 * 1024,            /* a chain of a dozen, with text between */
	SEAL_KEY_SIZE = 32,
};

/* DATA/seal.key; made at first start. False after a line. */
bool secrets_seal_key(const struct data_folder *data, const struct complaint *to,
    unsigned char ret_key[SEAL_KEY_SIZE]);

struct certificate {
	const char *file;               /* of the chain */
	slice chain, key;               /* PEM */
	bool made;                      /* self-signed, just now */
};

/* From the files of the configuration, or DATA/tls/, self-signed, made at first
 * start. Chain and key belong together when it returns true; otherwise false
 * after a line. All memory is of `arena`: 2 * PEM_MAX and some. */
bool secrets_certificate(const struct setting *setting, const struct data_folder *data,
    struct arena *arena, const struct complaint *to, struct certificate *ret);

/* Days until the first certificate of a chain expires; negative: since when. */
bool secrets_days_left(slice chain, int *ret_days);

#endif
