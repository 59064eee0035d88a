/* cli/trace.h - the journey of a message, out of the files that the roles wrote
 * (journey/search.h finds it): read, put in order, told in words. */
#ifndef CLI_TRACE_H
#define CLI_TRACE_H

#include <stdbool.h>
#include <stdio.h>

#include <jansson.h>

#include "base/heap.h"
#include "base/slice.h"
#include "journey/search.h"

enum { TRACE_FOLDERS_MAX = JOURNEY_FOLDERS_MAX };

struct trace {
	const char *folders[TRACE_FOLDERS_MAX];         /* data folders */
	const char *names[TRACE_FOLDERS_MAX];           /* of their hosts, or NULL */
	size_t n_folders;
	json_t *events;                 /* an array, in order of time; each with
	                                 * "folder", its number there */
};

/* All events of the message, also those of its session, and of what it became on
 * other hosts among the folders: as far as their words lead to one that took it from
 * this sender, after that. The array is the caller's (json_decref). */
void trace_message(struct trace *trace, struct heap *heap, const char *id);
/* Ids of the last n messages that the first folder accepted, oldest first; with `to`: of
 * those for that address. An array of strings. */
json_t *trace_ids(const struct trace *trace, const char *to, size_t n);
/* What the next host calls it: of a "sent" that says "queued as ID". */
bool trace_next_id(const json_t *event, char *ret_id, size_t size);

/* One event as a line, with the time since `begin_us`; `dialogue`: and SMTP's lines. */
void trace_print(FILE *out, const struct trace *trace, const json_t *event,
    json_int_t begin_us, bool dialogue);

#endif
