/* http/access.h - by which name a server is asked, and from which page. Pure.
 *
 * A page of a stranger can have its own name mean our address (DNS rebinding): to a browser
 * it is then of one origin with us, and may read all answers. What it can't change is the
 * name that the browser says in Host. So names are judged, of every request: such a page
 * needs neither Origin nor Sec-Fetch-Site, which browsers leave out over plain HTTP. */
#ifndef HTTP_ACCESS_H
#define HTTP_ACCESS_H

#include "base/slice.h"

/* The host of "host:port" without its port; of "[::1]:80" what is in brackets. Empty: it
 * is none. */
slice http_host_name(slice host);

/* "localhost", a name below it, or a loopback address, with a port or not. */
bool http_host_is_local(slice host);

/* Is it in a list with commas or blanks? Names have no case, nor a dot at their end; ports do
 * not count; "*" is all. */
bool http_host_is_listed(slice host, slice list);

/* Is an Origin (RFC 6454 s7) that of the host that was asked? */
bool http_origin_is_own(slice origin, slice host);
/* Is it in a list with commas or blanks, as "http://host:port", "host:port" or "host"? "*":
 * all are. */
bool http_origin_is_listed(slice origin, slice list);

/* The next word of such a list; empty at its end. */
slice http_list_next(slice *rest);

#endif
