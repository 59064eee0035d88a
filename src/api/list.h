/* api/list.h - summaries as JSON: lists, searches, events. Pure. */
#ifndef API_LIST_H
#define API_LIST_H

#include "api/json.h"
#include "api/summary.h"

/* MessagesSummary, in three steps, so that only one summary is in memory. */
struct api_list_head {
	uint64_t total, unread;         /* of the mailbox */
	uint64_t matches, matches_unread;       /* messages_count, messages_unread: of the
	                                 * search; of a list the same as total and unread */
	uint64_t start;                 /* the offset used */
	uint64_t count;                 /* how many messages follow */
	const slice *tags;              /* all tags, sorted */
	size_t n_tags;
};

void api_list_begin(struct api_json *j, const struct api_list_head *head);
void api_list_add(struct api_json *j, const struct api_summary *summary);
/* False: no room; *out is as before api_json_begin(). A summary is at most
 * API_SUMMARY_JSON_MAX. */
bool api_list_end(struct api_json *j) __attribute__((warn_unused_result));

/* MessageSummary, as a value; empty lists are []. */
void api_summary_json(struct api_json *j, const char *name, const struct api_summary *summary);

/* {"Name":"","Address":""}, and a list of them; name NULL: without one. */
void api_address_json(struct api_json *j, const char *name, const struct api_address *address);
void api_addresses_json(struct api_json *j, const char *name, const struct api_addresses *a);

/* ["a","b"] */
void api_texts_json(struct api_json *j, const char *name, const slice *texts, size_t n);

#endif
