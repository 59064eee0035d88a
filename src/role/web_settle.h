/* role/web_settle.h - requests that wait until what was answered 250 is listed. */
#ifndef ROLE_WEB_SETTLE_H
#define ROLE_WEB_SETTLE_H

#include "role/web_impl.h"

#define WEB_AWAY "The mailboxes can't be read now, try again"

void web_settle_init(struct web *web);
/* Then call its route. */
void web_settle(struct http_call *call);
bool web_settled(struct web *web, struct ipc_message *message);
void web_settle_check(struct web *web);         /* something was listed */

#endif
