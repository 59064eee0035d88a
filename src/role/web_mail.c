/* role/web_mail.c - what a message's own first lines say of its envelope.
 *
 * They are the store's: Return-Path, then Delivered-To for each recipient; then the edge's: who
 * logged in, if somebody did, and Received.
 * What stands below is whatever its sender wrote. */
#include "role/web_mail.h"

#include "role/directory_mock.h"
#include "role/mock_user.h"

static bool take_line(slice *rest, slice name, slice *ret_value)
{
	slice line = *rest, value;
	size_t end = slice_find(line, slice_lit("\r\n"));

	if (end == line.len || !slice_starts(line, name))
		return false;
	value = slice_drop(slice_head(line, end), name.len);
	*rest = slice_drop(line, end + 2);
	*ret_value = value;
	return true;
}

static void read_envelope(slice raw, struct arena *arena, struct api_facts *facts)
{
	slice rest = raw, value, *recipients;
	size_t n = 0;

	if (!take_line(&rest, slice_lit("Return-Path: "), &value))
		return;
	if (value.len >= 2 && value.ptr[0] == '<')
		facts->sender = slice_sub(value, 1, value.len - 2);
	recipients = arena_new(arena, slice, DELIVERY_TARGETS_MAX);
	while (n < DELIVERY_TARGETS_MAX && take_line(&rest, slice_lit("Delivered-To: "), &value))
		recipients[n++] = value;
	facts->recipients = recipients;
	facts->n_recipients = n;
	if (take_line(&rest, slice_lit(MOCK_USER_FIELD), &value))
		facts->login = mock_user_read(value, arena);
}

struct api_facts web_mail_facts(const struct web *web, const struct web_entry *entry,
    struct arena *arena)
{
	char name[WEB_NAME_TEXT];
	size_t len = web_entry_name(entry, name);
	bool logins = web->frame.config->mock_mailboxes == CONFIG_MAILBOXES_LOGIN;
	struct api_facts facts = {
		.id = slice_copy(arena, slice_of(name, len)),
		.mailbox = web_mailbox_name(web, entry->account),
		.received_us = entry->received_us,
		.size = entry->size,
		.read = entry->read,
	};

	/* Without a login mail is in the one mailbox, but for what names another. */
	if (logins && !slice_equal(facts.mailbox, slice_lit(MOCK_MAILBOX)))
		facts.login = facts.mailbox;
	return facts;
}

void web_mail_open(const struct api_facts *facts, slice raw, struct charsets *charsets,
    struct arena *arena, struct web_mail *ret)
{
	*ret = (struct web_mail){ .facts = *facts, .arena = arena,
	    .mail = api_mail_read(raw, charsets, arena) };
	read_envelope(raw, arena, &ret->facts);
}

void web_mail_read(struct web *web, const struct web_entry *entry, slice raw,
    struct arena *arena, struct web_mail *ret)
{
	struct api_facts facts = web_mail_facts(web, entry, arena);

	web_mail_open(&facts, raw, web->charsets, arena, ret);
}

struct api_tags web_entry_tags(const struct web_entry *entry, struct arena *arena)
{
	struct api_tags tags = { .n = entry->n_tags };

	tags.names = arena_new(arena, slice, entry->n_tags + (size_t)1);
	for (size_t i = 0; i < entry->n_tags; i++)
		tags.names[i] = slice_copy(arena, web_tag_name(entry->tags[i]));
	return tags;
}
