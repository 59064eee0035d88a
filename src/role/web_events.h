/* role/web_events.h - who listens to what happens: WebSockets of GET /api/events.
 *
 * Frames are those of api/events.h. A listener that does not read what it is told is gone
 * when WEB_LISTENER_BYTES wait for it. */
#ifndef ROLE_WEB_EVENTS_H
#define ROLE_WEB_EVENTS_H

#include "role/web_impl.h"

void web_events_init(struct web *web);
void web_events(struct http_call *call);        /* GET /api/events */
void web_events_drain(struct web *web);         /* they end */

void web_tell_new(struct web *web, const struct api_summary *summary);
void web_tell_read(struct web *web, const struct web_entry *entry);
void web_tell_tags(struct web *web, const struct web_entry *entry);
void web_tell_deleted(struct web *web, const struct web_entry *entry);
void web_tell_pruned(struct web *web);          /* look again at all of it; once a turn */
void web_tell_truncated(struct web *web);
/* IPC_REFUSED. False: it broke the protocol. */
bool web_refused(struct web *web, struct ipc_message *message);
/* Its figures are others: told soon, by itself after the above. */
void web_changed(struct web *web);

#endif
