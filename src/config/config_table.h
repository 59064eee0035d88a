/* config/config_table.h - the keys of posthouse.conf, one row each. */
#ifndef CONFIG_CONFIG_TABLE_H
#define CONFIG_CONFIG_TABLE_H

#include "config/config.h"

enum config_type {
	CONFIG_NAME,            /* a domain name, kept in lower case and A-labels */
	CONFIG_NAMES,           /* a list of them */
	CONFIG_WORD,            /* a path or a name; may be "none" */
	CONFIG_LISTEN,          /* a list of addresses with ports */
	CONFIG_NETWORKS,        /* a list of addresses and networks; may be "none" */
	CONFIG_HOST,            /* a name or an address, maybe with a port; may be "none" */
	CONFIG_SERVERS,         /* a list of addresses, with ports or not; "system"; "root" */
	CONFIG_YES,             /* yes or no */
	CONFIG_CHOICE,          /* one of some words; kept as its number */
	CONFIG_COUNT,           /* a number */
	CONFIG_SIZE,            /* bytes: 500, 64K, 35M, 2G */
	CONFIG_TIME,            /* 500ms, 30s, 5m, 2h */
};

enum {
	CONFIG_RESTART = 1,     /* a reload leaves it as it was */
	CONFIG_REQUIRED = 2,    /* has no default */
};

struct config_key {
	const char *name;
	enum config_type type;
	unsigned flags;
	enum service service;   /* LISTEN */
	uint64_t unit_ms;       /* TIME: of what is stored */
	uint64_t min, max;      /* numbers: in bytes, or in what is stored */
	const char *const *choices;     /* CHOICE: NULL is the last */
	const char *preset;     /* default, as one would write it */
	const char *means;      /* a sentence */
	size_t offset;          /* in struct config; LISTEN, NAMES: none */
	size_t width;           /* of a number: 4 or 8 bytes */
};

extern const struct config_key config_keys[CONFIG_KEYS];

/* Judge and keep one value. On failure *ret_fault says in words what is wrong
 * with it. */
bool config_value_take(const struct config_key *key, slice value, unsigned line,
    struct arena *arena, struct config *config, struct config_error *ret_fault);
/* As one would write it. */
void config_value_print(const struct config_key *key, const struct config *config,
    struct buffer *out);

#endif
