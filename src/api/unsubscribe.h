/* api/unsubscribe.h - List-Unsubscribe (RFC 2369, RFC 8058), and what is wrong with it. */
#ifndef API_UNSUBSCRIBE_H
#define API_UNSUBSCRIBE_H

#include "base/arena.h"

enum { UNSUBSCRIBE_LINKS_MAX = 2, UNSUBSCRIBE_ERRORS_TEXT = 1024 };

struct unsubscribe {
	size_t n_links;                 /* one mailto: and one http: or https: at most */
	slice links[UNSUBSCRIBE_LINKS_MAX];     /* of the arena */
	slice errors;                   /* joined by ", "; of the arena; empty: none */
};

/* value: unfolded; the arena must have twice its length and UNSUBSCRIBE_ERRORS_TEXT. An
 * empty value has neither links nor errors. */
struct unsubscribe unsubscribe_read(slice value, struct arena *arena);

#endif
