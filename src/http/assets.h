/* http/assets.h - the files of the page, which are in the program (web/, web/embed.py),
 * and which form of them a request wants. Pure. */
#ifndef HTTP_ASSETS_H
#define HTTP_ASSETS_H

#include "base/slice.h"

struct http_asset {
	const char *name;               /* "app.js" */
	const char *type;               /* Content-Type */
	const char *tag;                /* ETag, weak: of both forms (RFC 9110 s8.8.3) */
	slice bytes, gzip;
};

extern const struct http_asset http_assets[];
extern const size_t http_assets_n;

/* NULL: there is no such file. Names have case. */
const struct http_asset *http_asset_find(slice name);

/* Accept-Encoding lets gzip come (RFC 9110 s12.5.3): named, or "*", and not with q=0. */
bool http_accepts_gzip(slice accept_encoding);

/* If-None-Match names the tag, so that 304 will do (RFC 9110 s13.1.2, weak comparison). */
bool http_tag_matches(slice if_none_match, const char *tag);

#endif
