/* api/json.h - JSON (RFC 8259), written as Go's encoding/json writes it: compact, "<",
 * ">" and "&" as \u003c, \u003e and \u0026, U+2028 and U+2029 likewise, and what is no
 * UTF-8 as U+FFFD, one a byte. Pure.
 *
 *   struct api_json j = api_json_begin(out);
 *   api_json_open(&j, '{');
 *   api_json_text(&j, "Name", name);               {"Name":"...","To":["a","b"]}
 *   api_json_name(&j, "To");
 *   api_json_open(&j, '[');
 *   api_json_text(&j, NULL, a);                    NULL: a member of an array
 *   api_json_text(&j, NULL, b);
 *   api_json_close(&j, ']');
 *   api_json_close(&j, '}');
 *   return api_json_end(&j, true);
 *
 * Commas come by themselves. What has no room is dropped, with all that follows. */
#ifndef API_JSON_H
#define API_JSON_H

#include "base/buffer.h"

struct api_json {
	struct buffer *out;
	size_t start;                   /* what *out held before */
	bool comma;                     /* something stands before, in the same brackets */
	bool full;
};

/* Append to *out, whose size_max is the bound. */
struct api_json api_json_begin(struct buffer *out);

/* The end; with a line end behind it if `line`. False: not all of it had room, and *out is
 * as it was at the beginning. */
bool api_json_end(struct api_json *j, bool line) __attribute__((warn_unused_result));

void api_json_open(struct api_json *j, char bracket);   /* '{' or '[' */
void api_json_close(struct api_json *j, char bracket);  /* '}' or ']' */

/* The name of the member that follows; of our own, printable ASCII. */
void api_json_name(struct api_json *j, const char *name);
void api_json_name_of(struct api_json *j, slice name);  /* any bytes, escaped */

/* Values; name NULL: without one. */
void api_json_text(struct api_json *j, const char *name, slice value);
void api_json_word(struct api_json *j, const char *name, const char *value);
void api_json_number(struct api_json *j, const char *name, int64_t value);
void api_json_bool(struct api_json *j, const char *name, bool value);
void api_json_null(struct api_json *j, const char *name);

/* A time in UTC with milliseconds: "2026-11-22T06:15:54.749Z" (RFC 3339). Years are
 * bounded to 1 to 9999. */
void api_json_time(struct api_json *j, const char *name, int64_t wall_us);
/* In its zone, minutes east of UTC, without a fraction: "2025-07-01T10:00:00+02:00". */
void api_json_date(struct api_json *j, const char *name, int64_t seconds, int zone_minutes);

/* How long text is as a JSON string at most, its quotes with it. */
size_t api_json_length_max(size_t text_len);

#endif
