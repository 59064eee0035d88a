/* api/bodies.h - the small bodies of requests. Pure.
 *
 * Slices are of `arena`, which must have API_BODY_ARENA_MAX for a body of HTTP_BODY_MAX.
 * False: *fault is to be answered, as text/plain (with api/send.h, as JSON). */
#ifndef API_BODIES_H
#define API_BODIES_H

#include "api/json_read.h"

struct api_texts {
	size_t n;
	slice *texts;
};

/* PUT /api/v1/messages: {"Read":true,"IDs":[],"Search":""}. Neither IDs nor Search: all
 * messages. Both: a fault. */
struct api_read_body {
	bool read;
	struct api_texts ids;
	slice search;
};
bool api_read_body(slice body, struct arena *arena, struct api_read_body *ret,
    struct api_fault *fault) __attribute__((warn_unused_result));

/* DELETE /api/v1/messages: {"IDs":[]}. No body, or one of blanks, means all messages, as
 * does an empty list: ret->n is 0. What is no JSON is a fault (Mailpit deletes all). */
bool api_ids_body(slice body, struct arena *arena, struct api_texts *ret,
    struct api_fault *fault) __attribute__((warn_unused_result));

/* PUT /api/v1/tags: {"IDs":[],"Tags":[]}; tags as they came. */
bool api_tags_body(slice body, struct arena *arena, struct api_texts *ret_ids,
    struct api_texts *ret_tags, struct api_fault *fault) __attribute__((warn_unused_result));

/* PUT /api/v1/tags/{tag}: {"Name":"new"}; cleaned (api/tags.h). No name is left: the fault
 * "invalid tag name: ...". */
bool api_name_body(slice body, struct arena *arena, slice *ret_name, struct api_fault *fault)
    __attribute__((warn_unused_result));

#endif
