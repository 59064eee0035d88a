/* http/target.h - what a request is for: the path and the query of a request target,
 * taken apart and decoded (RFC 9112 s3.2, RFC 3986 s2.1, s3.3, s3.4). Pure.
 *
 *   "/api/v1/message/a%2Fb?query=x+y&raw"
 *       segments    "api" "v1" "message" "a/b"
 *       parameters  query "x y", raw ""
 *
 * A path is cut before it is decoded, so that "%2F" cuts nothing. Decoded bytes may
 * be anything, NUL included: whoever uses them judges them. */
#ifndef HTTP_TARGET_H
#define HTTP_TARGET_H

#include "base/arena.h"
#include "base/limits.h"

struct http_parameter {
	slice name, value;
};

struct http_target {
	size_t n_segments;              /* at least 1: of "/" it is "" */
	slice segments[HTTP_SEGMENTS_MAX];
	size_t n_parameters;            /* in their order; names may come twice */
	struct http_parameter parameters[HTTP_PARAMETERS_MAX];
};

/* Take `text` apart: a path that begins with "/", or a whole http URI, whose host is
 * left out. What is decoded is copied to `arena`, at most text.len bytes; the rest is
 * borrowed from text. False: neither, too many segments or parameters, or "%" without
 * two digits in the path. A parameter with such a "%" is left out, as browsers' servers
 * have it. */
bool http_target_parse(slice text, struct arena *arena, struct http_target *ret_target)
    __attribute__((warn_unused_result));

/* The first parameter of that name; false when there is none. */
bool http_target_get(const struct http_target *target, const char *name, slice *ret_value);

#endif
