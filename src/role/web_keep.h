/* role/web_keep.h - what people do with a mock's messages is kept by the stores: whether they
 * are read, and tags. In a lab nothing is: its mailboxes are their users'. */
#ifndef ROLE_WEB_KEEP_H
#define ROLE_WEB_KEEP_H

#include "role/web_impl.h"

/* What of a message is to be kept: bits. */
enum { KEEP_READ = 1, KEEP_TAGS = 2 };

void web_keep_init(struct web *web);
/* The index has it already; the store is told soon. */
void web_keep(struct web *web, struct web_entry *entry, unsigned what);
/* Is it changed by people and not kept yet? Then what the store says of it is older. */
bool web_keeps(const struct web_entry *entry, unsigned what);
/* Answer "ok" once all that was changed by now is on disk, or 503 when it can't be now. */
void web_keep_answer(struct web *web, struct http_request *request);
bool web_kept(struct web *web, struct ipc_channel *store, struct ipc_message *message);
void web_keep_left(struct web *web);            /* a store did */
void web_keep_more(struct web *web);            /* one told all that it has */
/* Is nothing on its way? */
bool web_keep_is_idle(const struct web *web);

#endif
