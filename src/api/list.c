/* api/list.c - members in the order in which Mailpit has them. */
#include "api/list.h"

void api_address_json(struct api_json *j, const char *name, const struct api_address *address)
{
	if (name != NULL)
		api_json_name(j, name);
	api_json_open(j, '{');
	api_json_text(j, "Name", address->name);
	api_json_text(j, "Address", address->address);
	api_json_close(j, '}');
}

void api_addresses_json(struct api_json *j, const char *name, const struct api_addresses *a)
{
	if (name != NULL)
		api_json_name(j, name);
	api_json_open(j, '[');
	for (size_t i = 0; i < a->n; i++)
		api_address_json(j, NULL, &a->list[i]);
	api_json_close(j, ']');
}

void api_texts_json(struct api_json *j, const char *name, const slice *texts, size_t n)
{
	if (name != NULL)
		api_json_name(j, name);
	api_json_open(j, '[');
	for (size_t i = 0; i < n; i++)
		api_json_text(j, NULL, texts[i]);
	api_json_close(j, ']');
}

void api_summary_json(struct api_json *j, const char *name, const struct api_summary *summary)
{
	if (name != NULL)
		api_json_name(j, name);
	api_json_open(j, '{');
	api_json_text(j, "ID", summary->id);
	api_json_text(j, "MessageID", summary->message_id);
	api_json_bool(j, "Read", summary->read);
	api_address_json(j, "From", &summary->from);
	api_addresses_json(j, "To", &summary->to);
	api_addresses_json(j, "Cc", &summary->cc);
	api_addresses_json(j, "Bcc", &summary->bcc);
	api_addresses_json(j, "ReplyTo", &summary->reply_to);
	api_json_text(j, "Subject", summary->subject);
	api_json_time(j, "Created", summary->received_us);
	api_json_text(j, "Username", summary->login);
	api_texts_json(j, "Tags", summary->tags.names, summary->tags.n);
	api_json_number(j, "Size", (int64_t)summary->size);
	api_json_number(j, "Attachments", summary->n_attachments);
	api_json_text(j, "Snippet", summary->snippet);
	api_json_close(j, '}');
}

void api_list_begin(struct api_json *j, const struct api_list_head *head)
{
	api_json_open(j, '{');
	api_json_number(j, "total", (int64_t)head->total);
	api_json_number(j, "unread", (int64_t)head->unread);
	api_json_number(j, "count", (int64_t)head->count);
	api_json_number(j, "messages_count", (int64_t)head->matches);
	api_json_number(j, "messages_unread", (int64_t)head->matches_unread);
	api_json_number(j, "start", (int64_t)head->start);
	api_texts_json(j, "tags", head->tags, head->n_tags);
	api_json_name(j, "messages");
	api_json_open(j, '[');
}

void api_list_add(struct api_json *j, const struct api_summary *summary)
{
	api_summary_json(j, NULL, summary);
}

bool api_list_end(struct api_json *j)
{
	api_json_close(j, ']');
	api_json_close(j, '}');
	return api_json_end(j, true);
}
