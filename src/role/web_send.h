/* role/web_send.h - how long the body of POST /api/v1/send may be: the message that it says may
 * have limit.message_size, and JSON is about as long. Its content is in base 64 there as well,
 * without line ends; names of members and escapes have HTTP_BODY_MAX on top. */
#ifndef ROLE_WEB_SEND_H
#define ROLE_WEB_SEND_H

#include "role/web_impl.h"

void web_send_init(struct web *web);
size_t web_send_body_max(const struct web *web, const struct http_request *request);
/* False: it is another request. Else it is answered. */
bool web_send_refused(struct web *web, struct http_request *request, unsigned status);

#endif
