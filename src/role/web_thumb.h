/* role/web_thumb.h - thumbnails of pictures (api/thumb.h), made on the pool, one at a time. */
#ifndef ROLE_WEB_THUMB_H
#define ROLE_WEB_THUMB_H

#include "role/web_impl.h"

void web_thumb_init(struct web *web);
/* Answer with the thumbnail of *picture, which is taken over; disposition: of the answer. When
 * too many wait, with 503. */
void web_thumb_answer(struct web *web, struct http_request *request, struct buffer *picture,
    slice disposition);

#endif
