/* role/web_wait.h - GET /api/posthouse/v1/wait?query=...&timeout=30s[&mailbox=...]: the
 * newest message that matches, which may be still to come.
 *
 * With &count=3 it waits until three match. 200 with its summary, as a search lists it; 404
 * when the time is up. */
#ifndef ROLE_WEB_WAIT_H
#define ROLE_WEB_WAIT_H

#include "role/web_impl.h"

void web_wait_init(struct web *web);
void web_wait(struct http_call *call);
void web_waits_see(struct web *web, struct web_entry *entry);   /* one that is new */
void web_waits_end(struct web *web);                            /* at once: 404 */

#endif
