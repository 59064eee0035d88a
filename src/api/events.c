/* api/events.c - one row of the contract's table each. */
#include "api/events.h"

#include "api/list.h"
#include "base/limits.h"

static struct api_json begin(const char *type, struct buffer *out)
{
	struct api_json j = api_json_begin(out);

	api_json_open(&j, '{');
	api_json_word(&j, "Type", type);
	return j;
}

/* With an object as its data, whose members follow; and its end. */
static struct api_json begin_object(const char *type, struct buffer *out)
{
	struct api_json j = begin(type, out);

	api_json_name(&j, "Data");
	api_json_open(&j, '{');
	return j;
}

static bool end_object(struct api_json *j)
{
	api_json_close(j, '}');
	api_json_close(j, '}');
	return api_json_end(j, false);
}

static bool without_data(const char *type, struct buffer *out)
{
	struct api_json j = begin(type, out);

	api_json_null(&j, "Data");
	api_json_close(&j, '}');
	return api_json_end(&j, false);
}

bool api_event_new(const struct api_summary *summary, struct buffer *out)
{
	struct api_summary unread = *summary;
	struct api_json j = begin("new", out);

	unread.read = false;
	api_summary_json(&j, "Data", &unread);
	api_json_close(&j, '}');
	return api_json_end(&j, false);
}

bool api_event_stats(uint64_t total, uint64_t unread, struct buffer *out)
{
	struct api_json j = begin_object("stats", out);

	api_json_number(&j, "Total", (int64_t)total);
	api_json_number(&j, "Unread", (int64_t)unread);
	api_json_word(&j, "Version", POSTHOUSE_VERSION);
	return end_object(&j);
}

bool api_event_read(slice id, bool read, struct buffer *out)
{
	struct api_json j = begin_object("update", out);

	api_json_text(&j, "ID", id);
	api_json_bool(&j, "Read", read);
	return end_object(&j);
}

bool api_event_tags(slice id, const struct api_tags *tags, struct buffer *out)
{
	struct api_json j = begin_object("update", out);

	api_json_text(&j, "ID", id);
	api_texts_json(&j, "Tags", tags->names, tags->n);
	return end_object(&j);
}

bool api_event_delete(slice id, struct buffer *out)
{
	struct api_json j = begin_object("delete", out);

	api_json_text(&j, "ID", id);
	return end_object(&j);
}

bool api_event_truncate(struct buffer *out)
{
	return without_data("truncate", out);
}

bool api_event_prune(struct buffer *out)
{
	return without_data("prune", out);
}

bool api_event_error(const char *level, const char *protocol, slice ip, slice line,
    struct buffer *out)
{
	struct api_json j = begin_object("error", out);

	if (line.len > API_EVENT_LINE_MAX)
		line.len = API_EVENT_LINE_MAX;
	api_json_word(&j, "Level", level);
	api_json_word(&j, "Type", protocol);
	api_json_text(&j, "IP", ip);
	api_json_text(&j, "Message", line);
	return end_object(&j);
}
