/* http/route.h - which function answers a request, by path and method. Pure.
 *
 * A table of rows. A path is literal segments and "{name}", which stands for any one segment
 * that is not empty; where several paths fit, the one with the fewest names counts, wherever
 * it stands: "/message/latest" before "/message/{id}". Paths that fit with as many names, as
 * "/a/{x}" and "/{y}/b" fit "/a/b", count as one path there: no method may have both. */
#ifndef HTTP_ROUTE_H
#define HTTP_ROUTE_H

#include "http/target.h"

/* Of whoever has the table: what its functions get. */
struct http_call;

struct http_route {
	const char *method;             /* "GET", which stands for HEAD as well (RFC 9110 s9.3.2) */
	const char *path;               /* "/api/v1/message/{id}" */
	void (*answer)(struct http_call *call);
};

struct http_match {
	const struct http_route *route; /* NULL: there is none */
	size_t n_arguments;
	slice arguments[HTTP_ARGUMENTS_MAX];    /* for each {name}; of the target */
	/* The path has routes, for other methods: what an answer 405 must say (RFC 9110
	 * s10.2.1), "GET, HEAD, POST". Empty: no such path. */
	char allow[HTTP_ALLOW_TEXT];
};

/* Methods are compared with their case (RFC 9110 s9.1). */
void http_route_find(const struct http_route *routes, size_t n, slice method,
    const struct http_target *target, struct http_match *ret_match);

#endif
