/* api/mail.c - addresses and fields, as all that is shown of a message has them. */
#include "api/mail.h"

#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "mail/address_field.h"
#include "mail/header_text.h"
#include "mail/utf8.h"

/* Fields are looked for again and again: they are found once. */
static void find_fields(struct api_mail *mail, struct arena *arena)
{
	slice header = mail->mime.parts[0].header;
	struct header_field found[API_FIELDS_FOUND], *fields;
	size_t n = 0;

	mail->more = header.len > API_HEADER_MAX ? slice_head(header, API_HEADER_MAX) : header;
	while (n < API_FIELDS_FOUND && mime_field_next(&mail->more, &found[n]))
		n++;
	if (n == 0)
		return;
	fields = arena_new(arena, struct header_field, n);
	memcpy(fields, found, n * sizeof *fields);
	mail->fields = fields;
	mail->n_fields = n;
}

/* A walk over the fields. */
struct walk {
	size_t i;
	slice more;
};

static bool next_field(const struct api_mail *mail, struct walk *walk, struct header_field *ret)
{
	if (walk->i >= mail->n_fields)
		return mime_field_next(&walk->more, ret);
	*ret = mail->fields[walk->i++];
	return true;
}

struct api_mail api_mail_read(slice raw, struct charsets *charsets, struct arena *arena)
{
	struct api_mail mail = { .charsets = charsets, .heap = arena->heap };

	mail.mime = mime_parse(raw, arena);
	mail.uses = mime_uses(&mail.mime, charsets, arena);
	mail.label = mime_charset(&mail.mime, arena);
	find_fields(&mail, arena);
	return mail;
}

/* At most max bytes of whole characters. */
static slice cut(slice text, size_t max)
{
	size_t n = max;

	if (text.len <= max)
		return text;
	while (n > 0 && (text.ptr[n] & 0xC0) == 0x80)
		n--;
	return slice_head(text, n);
}

/* ---- addresses ---- */

/* A list that grows, bounded in members and bytes of text. */
struct gathering {
	struct arena *arena;
	struct api_addresses all;
	size_t capacity;
	size_t text_left;
};

static void add(struct gathering *g, slice name, slice address)
{
	size_t more = g->capacity == 0 ? 4 : 2 * g->capacity;

	name = cut(name, API_NAME_MAX);
	address = cut(address, API_ADDRESS_MAX);
	if (g->all.n == MAILBOX_LIST_MAX || name.len + address.len > g->text_left) {
		g->text_left = 0;       /* no gaps: what follows is left out, too */
		return;
	}
	if (g->all.n == g->capacity) {
		struct api_address *list = arena_new(g->arena, struct api_address, more);

		if (g->all.n > 0)
			memcpy(list, g->all.list, g->all.n * sizeof *list);
		g->all.list = list;
		g->capacity = more;
	}
	g->text_left -= name.len + address.len;
	g->all.list[g->all.n++] = (struct api_address){ slice_copy(g->arena, name),
		slice_copy(g->arena, address) };
}

static void add_field(struct gathering *g, const struct api_mail *mail, slice value)
{
	struct arena scratch = arena_init(g->arena->heap, ADDRESS_FIELD_ARENA_MAX);
	struct address_field f = address_field_read(value, mail->charsets, mail->label, &scratch);

	for (size_t i = 0; i < f.n && g->text_left > 0; i++) {
		const struct address_member *m = &f.members[i];

		if (m->kind == ADDRESS_MAILBOX || m->kind == ADDRESS_UNREADABLE)
			add(g, m->name, m->address);
	}
	arena_reset(&scratch);
}

static void add_fields(struct gathering *g, const struct api_mail *mail, const char *field)
{
	struct walk walk = { .more = mail->more };
	struct header_field found;
	slice name = slice_from(field);
	size_t n = 0;

	while (g->text_left > 0 && n < API_SAME_FIELDS_MAX && next_field(mail, &walk, &found)) {
		if (!slice_equal_ascii(found.name, name))
			continue;
		add_field(g, mail, found.value);
		n++;
	}
}

struct api_addresses api_mail_addresses(const struct api_mail *mail, const char *field,
    size_t text_max, struct arena *arena)
{
	struct gathering g = { .arena = arena, .text_left = text_max };

	add_fields(&g, mail, field);
	return g.all;
}

struct api_address api_mail_from(const struct api_mail *mail, struct arena *arena)
{
	struct api_addresses from = api_mail_addresses(mail, "from", API_SUMMARY_TEXT_MAX, arena);

	for (size_t i = 0; i < from.n; i++) {
		if (from.list[i].address.len > 0)
			return from.list[i];
	}
	return (struct api_address){ .name = api_mail_field(mail, "from", API_NAME_MAX, arena) };
}

bool api_mail_may_have(const struct api_mail *mail, const char *field, unsigned char c)
{
	struct walk walk = { .more = mail->more };
	struct header_field found;
	slice name = slice_from(field);

	while (next_field(mail, &walk, &found)) {
		if (slice_equal_ascii(found.name, name) && (!slice_is_ascii(found.value) ||
		    slice_find_byte(found.value, c) < found.value.len))
			return true;
	}
	return false;
}

static bool names(const struct api_addresses *list, slice address)
{
	for (size_t i = 0; i < list->n; i++) {
		if (slice_equal_ascii(list->list[i].address, address))
			return true;
	}
	return false;
}

/* A recipient of a lenient server may be octets of any kind. */
static void add_recipient(struct gathering *g, const struct api_mail *mail, slice recipient)
{
	struct buffer text = buffer_init(g->arena->heap, API_ADDRESS_MAX);

	if (utf8_valid(recipient)) {
		add(g, (slice){ 0 }, recipient);
		return;
	}
	(void)charset_decode(mail->charsets, mail->label, recipient, &text);
	add(g, (slice){ 0 }, buffer_bytes(&text));
	buffer_free(&text);
}

struct api_addresses api_mail_bcc(const struct api_mail *mail, const struct api_facts *facts,
    size_t text_max, struct arena *arena)
{
	struct gathering g = { .arena = arena, .text_left = text_max };
	struct arena scratch = arena_init(arena->heap, API_SUMMARY_ARENA_MAX);
	struct api_addresses to = api_mail_addresses(mail, "to", API_ADDRESSES_TEXT_MAX, &scratch);
	struct api_addresses cc = api_mail_addresses(mail, "cc", API_ADDRESSES_TEXT_MAX, &scratch);

	add_fields(&g, mail, "bcc");
	for (size_t i = 0; i < facts->n_recipients; i++) {
		slice recipient = facts->recipients[i];

		if (recipient.len > 0 && !names(&to, recipient) && !names(&cc, recipient) &&
		    !names(&g.all, recipient))
			add_recipient(&g, mail, recipient);
	}
	arena_reset(&scratch);
	return g.all;
}

/* ---- fields ---- */

slice api_mail_value(const struct api_mail *mail, const char *field)
{
	struct walk walk = { .more = mail->more };
	struct header_field found;
	slice name = slice_from(field);

	while (next_field(mail, &walk, &found)) {
		if (slice_equal_ascii(found.name, name))
			return found.value;
	}
	return (slice){ 0 };
}

slice api_mail_field(const struct api_mail *mail, const char *field, size_t text_max,
    struct arena *arena)
{
	return header_text(mail->charsets, mail->label, api_mail_value(mail, field), text_max, arena);
}

slice api_mail_id(const struct api_mail *mail, const char *field, struct arena *arena)
{
	slice id = api_mail_field(mail, field, API_FIELD_MAX, arena);

	if (id.len > 0 && id.ptr[0] == '<') {
		id = slice_drop(id, 1);
		id = slice_trim(slice_head(id, slice_find_byte(id, '>')));
	}
	return id;
}

/* ---- parts ---- */

size_t api_mail_part_id(const struct api_mail *mail, size_t part,
    char ret_text[MIME_SECTION_MAX])
{
	const struct mime *m = &mail->mime;
	uint32_t path[MIME_DEPTH_MAX + 1];
	size_t n = 0, len = 0;

	ret_text[0] = 0;
	for (uint32_t at = (uint32_t)part; m->parts[at].parent != MIME_NONE; at = m->parts[at].parent) {
		if (m->parts[m->parts[at].parent].kind == MIME_MESSAGE)
			return 0;
		path[n++] = m->parts[at].ordinal;
	}
	if (n == 0)
		return (size_t)snprintf(ret_text, MIME_SECTION_MAX, "0");
	while (n-- > 0)
		len += (size_t)snprintf(ret_text + len, MIME_SECTION_MAX - len, "%s%u",
		    len > 0 ? "." : "", path[n]);
	return len;
}
