/* api/message_part.c - one part of a message, by its number. */
#include "api/message_impl.h"

#include <string.h>

#include "base/limits.h"
#include "mail/header_text.h"

enum { TYPE_MAX = 127 };                /* RFC 6838 s4.2, of each half */

slice api_part_content_id(const struct api_mail *mail, size_t i, struct arena *arena)
{
	return header_text(mail->charsets, mail->label, mime_id(&mail->mime.parts[i]), API_FIELD_MAX,
	    arena);
}

slice api_part_name(const struct api_mail *mail, size_t i, struct arena *arena)
{
	slice name = mime_filename(&mail->mime.parts[i], mail->charsets, arena);

	return name.len > 0 ? name : api_part_content_id(mail, i, arena);
}

/* RFC 6838 s4.2. */
static bool is_name(slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = ascii_lower(s.ptr[i]);

		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || strchr("!#$&-^_.+", c) != NULL) ||
		    c == 0)
			return false;
	}
	return s.len > 0 && s.len <= TYPE_MAX;
}

slice api_part_type(const struct api_mail *mail, size_t i, struct arena *arena)
{
	const struct content_type *t = &mail->mime.parts[i].type;
	slice whole;

	if (t->type.len == 0)
		return slice_lit("text/plain");
	if (!is_name(t->type) || !is_name(t->subtype))
		return slice_lit("application/octet-stream");
	whole = arena_printf(arena, "%.*s/%.*s", slice_arg(t->type), slice_arg(t->subtype));
	return slice_lower(arena, whole);
}

long api_part_index(const struct api_mail *mail, slice part_id)
{
	const unsigned uses = MIME_USE_ATTACHMENT | MIME_USE_INLINE | MIME_USE_OTHER;

	for (size_t i = 0; i < mail->mime.n; i++) {
		char id[MIME_SECTION_MAX];
		size_t n;

		if (!(mail->uses[i] & uses))
			continue;
		n = api_mail_part_id(mail, i, id);
		if (n > 0 && slice_equal(slice_of(id, n), part_id))
			return (long)i;
	}
	return -1;
}

/* Percents for all but letters, digits and "-._~" (RFC 3986 s2.3). */
static slice disposition(slice name, struct arena *arena)
{
	static const char digits[] = "0123456789ABCDEF", lead[] = "inline; filename=\"";
	unsigned char *out = arena_new(arena, unsigned char, sizeof lead + 3 * name.len + 1);
	size_t n = sizeof lead - 1;

	memcpy(out, lead, n);
	for (size_t i = 0; i < name.len; i++) {
		unsigned char c = name.ptr[i], lower = ascii_lower(c);

		if ((lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
		    c == '_' || c == '~') {
			out[n++] = c;
			continue;
		}
		out[n++] = '%';
		out[n++] = (unsigned char)digits[c >> 4];
		out[n++] = (unsigned char)digits[c & 15];
	}
	out[n++] = '"';
	return slice_of(out, n);
}

bool api_part_find(const struct api_mail *mail, slice part_id, struct arena *arena,
    struct api_part *ret)
{
	long i = api_part_index(mail, part_id);

	if (i < 0)
		return false;
	ret->part = &mail->mime.parts[i];
	ret->type = api_part_type(mail, (size_t)i, arena);
	ret->file_name = api_part_name(mail, (size_t)i, arena);
	ret->disposition = disposition(ret->file_name, arena);
	ret->size = ret->part->decoded;
	return true;
}

bool api_part_content(const struct api_part *part, struct buffer *out)
{
	return mime_decode(part->part, out);
}
