/* api/events.h - what a WebSocket of GET /api/events is told: {"Type":"...","Data":...},
 * one text frame each, without a line end. Pure.
 *
 * Each appends to *out. False: no room; *out is as before. API_EVENT_MAX is always enough. */
#ifndef API_EVENTS_H
#define API_EVENTS_H

#include "api/summary.h"

bool api_event_new(const struct api_summary *summary, struct buffer *out)
    __attribute__((warn_unused_result));            /* Read is false in it */
bool api_event_stats(uint64_t total, uint64_t unread, struct buffer *out)
    __attribute__((warn_unused_result));            /* with our version */
bool api_event_read(slice id, bool read, struct buffer *out)
    __attribute__((warn_unused_result));            /* "update" */
bool api_event_tags(slice id, const struct api_tags *tags, struct buffer *out)
    __attribute__((warn_unused_result));            /* "update" */
bool api_event_delete(slice id, struct buffer *out) __attribute__((warn_unused_result));
bool api_event_truncate(struct buffer *out) __attribute__((warn_unused_result));
bool api_event_prune(struct buffer *out) __attribute__((warn_unused_result));
/* A reply that refused something. level: "warning" for 4xx, "error" for 5xx, -ERR, NO
 * and BAD; protocol: "smtpd", "pop3" or "imap"; line: cut at API_EVENT_LINE_MAX. */
bool api_event_error(const char *level, const char *protocol, slice ip, slice line,
    struct buffer *out) __attribute__((warn_unused_result));

#endif
