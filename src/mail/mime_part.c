/* mail/mime_part.c - what one part of a message is called, and what it holds. */
#include "mail/mime.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/limits.h"
#include "mail/cfws.h"
#include "mail/content_decode.h"
#include "mail/parameter_read.h"
#include "mail/shown.h"
#include "mail/utf8.h"

static_assert(MIME_SECTION_MAX >= (MIME_DEPTH_MAX + 1) * (sizeof "10000." - 1),
    "a number may be too long");

bool mime_is_message(const struct mime *m, size_t i)
{
	uint32_t parent = m->parts[i].parent;

	return parent == MIME_NONE || m->parts[parent].kind == MIME_MESSAGE;
}

/* ---- numbers ---- */

/* Has it a number of its own in its parent's? A multipart that is all of a message has
 * not: its parts are counted in the message. */
static bool is_counted(const struct mime *m, size_t i)
{
	return !mime_is_message(m, i) || m->parts[i].kind != MIME_MULTIPART;
}

size_t mime_section(const struct mime *m, size_t i, char ret_text[MIME_SECTION_MAX])
{
	uint32_t path[MIME_DEPTH_MAX + 1];
	size_t n = 0, len = 0;

	for (uint32_t at = (uint32_t)i; at != MIME_NONE; at = m->parts[at].parent) {
		if (is_counted(m, at))
			path[n++] = m->parts[at].ordinal;
	}
	ret_text[0] = 0;
	while (n-- > 0)
		len += (size_t)snprintf(ret_text + len, MIME_SECTION_MAX - len, "%s%u",
		    len > 0 ? "." : "", path[n]);
	return len;
}

/* The part of that number directly in part i, which is no message's multipart. */
static long find_in(const struct mime *m, size_t i, uint64_t number)
{
	for (size_t at = i + 1; at < m->parts[i].end; at = m->parts[at].end) {
		if (m->parts[at].ordinal == number)
			return (long)at;
	}
	return -1;
}

long mime_find(const struct mime *m, slice section)
{
	bool in_message = true;         /* what is counted is a message's, the one at `at` */
	long at = 0;

	if (section.len == 0)
		return 0;
	for (;;) {
		slice word = slice_head(section, slice_find_byte(section, '.'));
		uint64_t number;

		if (!slice_to_u64(word, UINT32_MAX, &number))
			return -1;
		if (!in_message && m->parts[at].kind == MIME_MESSAGE)
			at++;           /* the message in it */
		else if (!in_message && m->parts[at].kind == MIME_LEAF)
			return -1;
		if (m->parts[at].kind == MIME_MULTIPART)
			at = find_in(m, (size_t)at, number);
		else if (number != 1 || !mime_is_message(m, (size_t)at))
			return -1;
		if (at < 0 || word.len == section.len)
			return at;
		section = slice_drop(section, word.len + 1);
		in_message = false;
	}
}

/* ---- fields ---- */

slice mime_disposition(const struct mime_part *part)
{
	slice value = part->disposition;
	size_t n = 0;

	if (!cfws_skip(&value))
		return (slice){ 0 };
	while (n < value.len && !cfws_is_blank(value.ptr[n]) && value.ptr[n] != ';' && value.ptr[n] != '(')
		n++;
	return slice_head(value, n);
}

slice mime_id(const struct mime_part *part)
{
	slice id = part->id;

	if (!cfws_skip(&id))
		return (slice){ 0 };
	if (id.len > 0 && id.ptr[0] == '<') {
		id = slice_drop(id, 1);
		return slice_head(id, slice_find_byte(id, '>'));
	}
	return cfws_trim(id);
}

static slice safe_name(slice name, struct arena *arena)
{
	unsigned char out[FILENAME_BYTES_MAX];
	size_t n = 0, length;

	for (name = slice_trim(name); (length = utf8_length(name)) > 0; name = slice_drop(name, length)) {
		enum shown how = shown_as(slice_head(name, length));
		bool odd = how == SHOWN_BLANK || name.ptr[0] == '/' || name.ptr[0] == '\\';
		slice put = odd ? slice_lit("_") : slice_head(name, length);

		if (how == SHOWN_NOT)
			continue;
		if (n + put.len > FILENAME_BYTES_MAX)
			break;
		memcpy(out + n, put.ptr, put.len);
		n += put.len;
	}
	name = slice_trim(slice_of(out, n));
	if (slice_equal(name, slice_lit(".")) || slice_equal(name, slice_lit("..")))
		return slice_lit("_");
	return name.len > 0 ? slice_copy(arena, name) : slice_lit("");
}

slice mime_filename(const struct mime_part *part, struct charsets *charsets,
    struct arena *arena)
{
	slice parameters = slice_drop(part->disposition, slice_find_byte(part->disposition, ';'));
	struct arena scratch = arena_init(arena->heap, 3 * PARAMETER_MAX);
	slice name = parameter_text(parameters, slice_lit("filename"), charsets, &scratch);

	if (name.len == 0)
		name = parameter_text(part->parameters, slice_lit("name"), charsets, &scratch);
	name = safe_name(name, arena);
	arena_reset(&scratch);
	return name;
}

/* ---- content ---- */

bool mime_decode(const struct mime_part *part, struct buffer *out)
{
	bool bad;

	if (part->decoded > buffer_room(out))
		return false;
	if (part->decoded == 0)
		return true;
	content_decode(part->encoding, part->body, buffer_reserve(out, part->decoded),
	    part->decoded, &bad);
	buffer_filled(out, part->decoded);
	return true;
}

/* The beginning of the body that decodes to at least `octets`, if it has that many: four
 * for one are enough, but where there is more than line ends between them. */
static slice body_for(const struct mime_part *part, size_t octets)
{
	return octets < part->body.len / 4 ? slice_head(part->body, 4 * octets) : part->body;
}

unsigned mime_decode_text(const struct mime_part *part, struct charsets *charsets,
    struct buffer *out)
{
	struct buffer label = buffer_init(out->heap, PARAMETER_MAX);
	slice charset, body = body_for(part, charset_enough(buffer_room(out)));
	struct buffer bytes = buffer_init(out->heap, body.len);
	bool extended, bad;
	unsigned faults;

	(void)parameter_join(part->parameters, slice_lit("charset"), &label, &charset, &extended);
	if (part->encoding == CONTENT_BASE64 || part->encoding == CONTENT_QUOTED_PRINTABLE) {
		unsigned char *at = buffer_reserve(&bytes, body.len);

		buffer_filled(&bytes, content_decode(part->encoding, body, at, body.len, &bad));
		body = buffer_bytes(&bytes);
	}
	faults = charset_decode(charsets, slice_trim(buffer_bytes(&label)), body, out);
	buffer_free(&label);
	buffer_free(&bytes);
	return faults;
}
