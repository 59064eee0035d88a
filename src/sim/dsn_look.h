/* sim/dsn_look.h - what a report says (RFC 3464), read as a stranger would: by its
 * text alone. */
#ifndef SIM_DSN_LOOK_H
#define SIM_DSN_LOOK_H

#include <stdbool.h>

#include "base/slice.h"

enum { DSN_LOOK_MAX = 32 };

struct dsn_look {                       /* borrowed from the bytes */
	slice to;                       /* without brackets */
	slice id;                       /* Message-ID */
	slice reporter;                 /* Reporting-MTA, without its type */
	struct {
		slice address;
		bool delayed;           /* otherwise it failed */
	} recipients[DSN_LOOK_MAX];
	size_t n;
};

/* `bytes` begins with the report's own header, behind the trace. False: it is no
 * report, or one that says nothing. */
bool dsn_look(slice bytes, struct dsn_look *ret);

#endif
