/* role/web_api.h - the routes of a mock's API, for web_routes.c: Mailpit's below /api/v1,
 * ours below /api/posthouse/v1.
 *
 * A message is named by {id}; "latest" is the newest, or with ?query= the newest that
 * matches. Each route of many messages is of all mailboxes, unless ?mailbox= or the field
 * X-Posthouse-Mailbox names one. */
#ifndef ROLE_WEB_API_H
#define ROLE_WEB_API_H

#include "role/web_impl.h"

/* web_list.c */
void web_list(struct http_call *call);                  /* GET /api/v1/messages */
void web_set_read(struct http_call *call);              /* PUT */
void web_delete(struct http_call *call);                /* DELETE */
void web_search(struct http_call *call);                /* GET /api/v1/search */
void web_delete_found(struct http_call *call);          /* DELETE */

/* web_message.c */
void web_message(struct http_call *call);               /* GET /api/v1/message/{id} */
void web_headers(struct http_call *call);
void web_raw(struct http_call *call);
void web_part(struct http_call *call);                  /* .../part/{part} */
void web_thumb(struct http_call *call);                 /* .../part/{part}/thumb */
void web_view(struct http_call *call);                  /* GET /view/{id}.html, .txt */
void web_lint(struct http_call *call);                  /* GET /api/posthouse/v1/message/{id}/lint */
void web_envelope(struct http_call *call);
void web_parts(struct http_call *call);
void web_journey(struct http_call *call);
void web_transcript(struct http_call *call);

/* web_send.c */
void web_send(struct http_call *call);                  /* POST /api/v1/send */

/* web_tagged.c */
void web_tags(struct http_call *call);                  /* GET /api/v1/tags */
void web_tags_put(struct http_call *call);              /* PUT */
void web_tag_rename(struct http_call *call);            /* PUT /api/v1/tags/{tag} */
void web_tag_delete(struct http_call *call);            /* DELETE */

/* web_about.c */
void web_info(struct http_call *call);                  /* GET /api/v1/info */
void web_ui(struct http_call *call);                    /* GET /api/v1/webui */
void web_chaos(struct http_call *call);                 /* GET, PUT /api/v1/chaos */
void web_hosts(struct http_call *call);                 /* GET /api/posthouse/v1/hosts */
void web_mailboxes(struct http_call *call);             /* GET /api/posthouse/v1/mailboxes */
void web_openapi(struct http_call *call);               /* GET /api/posthouse/v1/openapi.json */
void web_swagger(struct http_call *call);               /* GET /api/v1/swagger.json */

/* web_routes.c */
/* Is it a path of the API? Then it is answered, here or by a route. */
bool web_api(struct http_call *call);

#endif
