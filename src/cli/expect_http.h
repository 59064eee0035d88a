/* cli/expect_http.h - questions to the API of a mock, one at a time, by libcurl, which is
 * loaded here and nowhere else. */
#ifndef CLI_EXPECT_HTTP_H
#define CLI_EXPECT_HTTP_H

#include "base/arena.h"
#include "base/buffer.h"

struct expect_http;

/* NULL: *ret_why says what is missing. */
struct expect_http *expect_http_create(struct heap *heap, const char **ret_why);
void expect_http_destroy(struct expect_http *http);     /* NULL is allowed */

/* GET `url`, answered within patience_ms. The status, and its body in *out, which is emptied
 * first; 0: there is none, and *ret_why (of http) says why. */
long expect_http_get(struct expect_http *http, const char *url, uint64_t patience_ms,
    struct buffer *out, const char **ret_why);

/* Append `value` as a part of a query string. */
void expect_http_escape(slice value, struct buffer *out);

#endif
