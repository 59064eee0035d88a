/* cli/secrets.h - the seal key, the certificate and the password for relay.host that a
 * server starts with. */
#ifndef CLI_SECRETS_H
#define CLI_SECRETS_H

#include "base/arena.h"
#include "base/limits.h"
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

/* For relay.host. */
struct relay_secrets {
	slice ca;                       /* PEM; empty: its certificate is not judged */
	size_t password_len;            /* 0: no login */
	unsigned char password[SASL_SECRET_MAX];        /* wipe it */
	const char *others_read;        /* the password's file, when others than owner and group
	                                 * can read it: a warning */
};

/* From relay.password_file and relay.ca. False after a line. Memory of ca is of `arena`:
 * RELAY_CA_MAX and some. */
bool secrets_relay(const struct setting *setting, struct arena *arena,
    const struct complaint *to, struct relay_secrets *ret);
void secrets_warn_of_relay(const struct relay_secrets *secrets, const struct complaint *to);

/* Days until the first certificate of a chain expires; negative: since when. */
bool secrets_days_left(slice chain, int *ret_days);

#endif
