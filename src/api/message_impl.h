/* api/message_impl.h - what a part is called, for message.c and message_part.c. */
#ifndef API_MESSAGE_IMPL_H
#define API_MESSAGE_IMPL_H

#include "api/message.h"

/* All of `arena`, which has API_PART_ARENA_MAX. Content-ID as UTF-8 without brackets, at
 * most API_FIELD_MAX; the file's name, or that. */
slice api_part_content_id(const struct api_mail *mail, size_t i, struct arena *arena);
slice api_part_name(const struct api_mail *mail, size_t i, struct arena *arena);
/* As struct api_part has it. */
slice api_part_type(const struct api_mail *mail, size_t i, struct arena *arena);

/* The part of that number that can be had by itself, or -1. */
long api_part_index(const struct api_mail *mail, slice part_id);

#endif
