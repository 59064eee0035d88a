/* api/message.c - the full message, and its header, as JSON. */
#include "api/message.h"

#include <stdlib.h>

#include "api/digest.h"
#include "api/list.h"
#include "api/message_impl.h"
#include "api/unsubscribe.h"
#include "base/limits.h"
#include "mail/date.h"
#include "mail/header_text.h"

/* For what one message's fields need, each bounded. */
enum { SCRATCH = 2 * API_SUMMARY_ARENA_MAX };

/* ---- parts ---- */

static void part_json(struct api_json *j, const struct api_mail *mail, size_t i)
{
	const struct mime_part *part = &mail->mime.parts[i];
	struct arena scratch = arena_init(mail->heap, API_PART_ARENA_MAX);
	struct buffer content = buffer_init(mail->heap, part->decoded);
	char id[MIME_SECTION_MAX];
	size_t n = api_mail_part_id(mail, i, id);
	struct api_digests digests;

	(void)!mime_decode(part, &content);
	digests = api_digests_of(buffer_bytes(&content));
	api_json_open(j, '{');
	api_json_text(j, "PartID", slice_of(id, n));
	api_json_text(j, "FileName", api_part_name(mail, i, &scratch));
	api_json_text(j, "ContentType", api_part_type(mail, i, &scratch));
	api_json_text(j, "ContentID", api_part_content_id(mail, i, &scratch));
	api_json_number(j, "Size", (int64_t)part->decoded);
	api_json_name(j, "Checksums");
	api_json_open(j, '{');
	api_json_word(j, "MD5", digests.md5);
	api_json_word(j, "SHA1", digests.sha1);
	api_json_word(j, "SHA256", digests.sha256);
	api_json_close(j, '}');
	api_json_close(j, '}');
	buffer_free(&content);
	arena_reset(&scratch);
}

static bool is_listed(const struct api_mail *mail, size_t i, unsigned uses)
{
	struct arena scratch;
	bool named;

	if (!(mail->uses[i] & uses))
		return false;
	scratch = arena_init(mail->heap, API_PART_ARENA_MAX);
	named = api_part_name(mail, i, &scratch).len > 0;
	arena_reset(&scratch);
	return named;
}

/* Level by level: Mailpit has it so. */
static void parts_json(struct api_json *j, const char *name, const struct api_mail *mail,
    unsigned uses)
{
	size_t n = 0;

	api_json_name(j, name);
	api_json_open(j, '[');
	for (unsigned depth = 0; depth <= MIME_DEPTH_MAX; depth++) {
		for (size_t i = 0; i < mail->mime.n && n < API_PARTS_MAX; i++) {
			if (mail->mime.parts[i].depth == depth && is_listed(mail, i, uses)) {
				part_json(j, mail, i);
				n++;
			}
		}
	}
	api_json_close(j, ']');
}

/* ---- the message ---- */

static void unsubscribe_json(struct api_json *j, const struct api_mail *mail,
    struct arena *scratch)
{
	slice header = api_mail_field(mail, "list-unsubscribe", HEADER_TEXT_MAX, scratch);
	struct unsubscribe u = unsubscribe_read(header, scratch);

	api_json_name(j, "ListUnsubscribe");
	api_json_open(j, '{');
	api_json_text(j, "Header", header);
	api_texts_json(j, "Links", u.links, u.n_links);
	api_json_text(j, "Errors", u.errors);
	api_json_text(j, "HeaderPost", api_mail_field(mail, "list-unsubscribe-post", API_FIELD_MAX,
	    scratch));
	api_json_close(j, '}');
}

static void date_json(struct api_json *j, const struct api_mail *mail,
    const struct api_facts *facts)
{
	struct date date;

	if (date_parse(api_mail_value(mail, "date"), &date))
		api_json_date(j, "Date", date.seconds, date.zone_minutes);
	else
		api_json_time(j, "Date", facts->received_us);
}

static void addresses_json(struct api_json *j, const struct api_mail *mail,
    const struct api_facts *facts, struct arena *scratch)
{
	static const struct {
		const char *name, *field;
	} lists[] = { { "To", "to" }, { "Cc", "cc" }, { "Bcc", NULL }, { "ReplyTo", "reply-to" } };

	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
		struct api_addresses all = lists[i].field == NULL ?
		    api_mail_bcc(mail, facts, API_ADDRESSES_TEXT_MAX, scratch) :
		    api_mail_addresses(mail, lists[i].field, API_ADDRESSES_TEXT_MAX, scratch);

		api_addresses_json(j, lists[i].name, &all);
	}
}

static void return_path_json(struct api_json *j, const struct api_mail *mail,
    const struct api_facts *facts, slice from, struct arena *scratch)
{
	slice path = api_mail_id(mail, "return-path", scratch);

	if (path.len == 0)
		path = facts->sender;
	api_json_text(j, "ReturnPath", path.len > 0 ? path : from);
}

static void text_json(struct api_json *j, const struct api_mail *mail)
{
	struct buffer text = buffer_init(mail->heap, API_TEXT_MAX);

	api_view_text(mail, &text);
	api_json_text(j, "Text", buffer_bytes(&text));
	buffer_free(&text);
	(void)mime_html(&mail->mime, mail->uses, mail->charsets, &text);
	api_json_text(j, "HTML", buffer_bytes(&text));
	buffer_free(&text);
}

bool api_message_json(const struct api_mail *mail, const struct api_facts *facts,
    const struct api_tags *tags, struct buffer *out)
{
	struct arena scratch = arena_init(mail->heap, SCRATCH);
	struct api_json j = api_json_begin(out);
	struct api_address from = api_mail_from(mail, &scratch);

	api_json_open(&j, '{');
	api_json_text(&j, "ID", facts->id);
	api_json_text(&j, "MessageID", api_mail_id(mail, "message-id", &scratch));
	api_address_json(&j, "From", &from);
	addresses_json(&j, mail, facts, &scratch);
	return_path_json(&j, mail, facts, from.address, &scratch);
	api_json_text(&j, "Subject", api_mail_field(mail, "subject", HEADER_TEXT_MAX, &scratch));
	unsubscribe_json(&j, mail, &scratch);
	date_json(&j, mail, facts);
	api_texts_json(&j, "Tags", tags->names, tags->n);
	api_json_text(&j, "Username", facts->login);
	text_json(&j, mail);
	api_json_number(&j, "Size", (int64_t)facts->size);
	parts_json(&j, "Inline", mail, MIME_USE_INLINE | MIME_USE_OTHER);
	parts_json(&j, "Attachments", mail, MIME_USE_ATTACHMENT);
	api_json_close(&j, '}');
	arena_reset(&scratch);
	return api_json_end(&j, true);
}

/* ---- the header ---- */

struct field {
	slice name, value;              /* name: as Go spells it */
	size_t place;
};

static bool is_token(unsigned char c)
{
	return c > ' ' && c < 127 && slice_find_byte(slice_lit("()<>@,;:\\\"/[]?={}"), c) == 17;
}

/* "Message-Id": a capital first and behind each "-"; what has odd characters stays. */
static slice canonical(slice name, struct arena *arena)
{
	unsigned char *out;
	bool first = true;

	for (size_t i = 0; i < name.len; i++) {
		if (!is_token(name.ptr[i]))
			return name;
	}
	out = arena_new(arena, unsigned char, name.len);
	for (size_t i = 0; i < name.len; i++) {
		unsigned char c = ascii_lower(name.ptr[i]);

		out[i] = first && c >= 'a' && c <= 'z' ? (unsigned char)(c - ('a' - 'A')) : c;
		first = c == '-';
	}
	return slice_of(out, name.len);
}

static bool is_blank(unsigned char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* In one line: each fold, with the blanks around it, is one blank. */
static slice unfold(slice value, struct arena *arena)
{
	unsigned char *out = arena_new(arena, unsigned char, value.len);
	size_t n = 0;

	for (size_t i = 0; i < value.len; i++) {
		unsigned char c = value.ptr[i];

		if (c == '\r' || c == '\n') {
			while (n > 0 && is_blank(out[n - 1]))
				n--;
			while (i + 1 < value.len && is_blank(value.ptr[i + 1]))
				i++;
			c = ' ';
		}
		out[n++] = c;
	}
	return slice_trim(slice_of(out, n));
}

static int by_name(const void *a, const void *b)
{
	const struct field *one = a, *other = b;
	int order = slice_compare(one->name, other->name);

	if (order != 0)
		return order;
	return one->place < other->place ? -1 : one->place > other->place;
}

static size_t collect(const struct api_mail *mail, struct field *fields, struct arena *arena)
{
	struct header_field found;
	slice rest = mail->mime.parts[0].header;
	const unsigned char *start = rest.ptr;
	size_t n = 0;

	while (n < API_FIELDS_MAX && mime_field_next(&rest, &found)) {
		if ((size_t)(found.whole.ptr - start) + found.whole.len > API_HEADER_MAX)
			break;
		fields[n] = (struct field){ canonical(found.name, arena), unfold(found.value, arena), n };
		n++;
	}
	return n;
}

bool api_headers_json(const struct api_mail *mail, struct buffer *out)
{
	/* Names and values, each rounded up. */
	struct arena scratch = arena_init(mail->heap, API_HEADER_MAX +
	    API_FIELDS_MAX * (sizeof(struct field) + 64));
	struct field *fields = arena_new(&scratch, struct field, API_FIELDS_MAX);
	size_t n = collect(mail, fields, &scratch);
	struct api_json j = api_json_begin(out);

	if (n > 0)
		qsort(fields, n, sizeof *fields, by_name);
	api_json_open(&j, '{');
	for (size_t i = 0; i < n;) {
		slice name = fields[i].name;

		api_json_name_of(&j, name);
		api_json_open(&j, '[');
		for (; i < n && slice_equal(fields[i].name, name); i++)
			api_json_text(&j, NULL, fields[i].value);
		api_json_close(&j, ']');
	}
	api_json_close(&j, '}');
	arena_reset(&scratch);
	return api_json_end(&j, true);
}
