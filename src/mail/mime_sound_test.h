/* mail/mime_sound_test.h - what holds of the parts of any message, for tests and the fuzz
 * target. */
#ifndef MAIL_MIME_SOUND_TEST_H
#define MAIL_MIME_SOUND_TEST_H

#include "base/check.h"
#include "base/limits.h"
#include "mail/mime.h"

static inline size_t mime_line_ends(slice s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.len; i++)
		n += s.ptr[i] == '\n';
	return n;
}

/* It lies in its parent, behind the sibling before it. */
static inline void mime_place_sound(const struct mime *m, size_t i)
{
	const struct mime_part *part = &m->parts[i], *parent = &m->parts[part->parent];
	const unsigned char *end = part->body.ptr + part->body.len;
	size_t before = part->parent + 1;

	check(part->parent < i && part->end <= parent->end && part->depth == parent->depth + 1);
	check(parent->kind != MIME_LEAF && part->depth <= MIME_DEPTH_MAX);
	check(part->header.ptr >= parent->body.ptr && end <= parent->body.ptr + parent->body.len);
	if (parent->kind == MIME_MESSAGE)
		check(part->header.ptr == parent->body.ptr && part->end == parent->end &&
		    end == parent->body.ptr + parent->body.len);
	if (part->ordinal == 1) {
		check(before == i);
		return;
	}
	while (m->parts[before].end < i)
		before = m->parts[before].end;
	check(m->parts[before].end == i && m->parts[before].ordinal == part->ordinal - 1);
	check(m->parts[before].body.ptr + m->parts[before].body.len <= part->header.ptr);
}

/* Its number leads to it, or to the message that it is all of. */
static inline void mime_number_sound(const struct mime *m, size_t i)
{
	char text[MIME_SECTION_MAX];
	size_t len = mime_section(m, i, text);
	long found = mime_find(m, slice_of(text, len));

	check(found >= 0);
	if ((size_t)found != i)
		check(mime_is_message(m, i) && m->parts[i].kind == MIME_MULTIPART &&
		    (size_t)found == m->parts[i].parent);
}

static inline void mime_sound(const struct mime *m)
{
	check(m->n > 0 && m->n <= MIME_PARTS_MAX && m->parts[0].parent == MIME_NONE);
	check(m->parts[0].header.ptr == m->message.ptr && m->parts[0].end == m->n);
	check(m->parts[0].header.len + m->parts[0].body.len == m->message.len);
	check(mime_header(m->message).len == m->parts[0].header.len);
	for (size_t i = 0; i < m->n; i++) {
		const struct mime_part *part = &m->parts[i];

		check(part->header.ptr + part->header.len == part->body.ptr);
		check(part->header_lines == mime_line_ends(part->header));
		check(part->decoded <= part->body.len);
		check(part->end > i && (part->kind != MIME_LEAF || part->end == i + 1));
		check(part->kind != MIME_MESSAGE || part->end > i + 1);
		check(part->type.type.len > 0 && part->type.subtype.len > 0);
		if (i > 0)
			mime_place_sound(m, i);
		if (i < 100) {
			mime_number_sound(m, i);
			check(part->lines == mime_line_ends(part->body));
		}
	}
}

#endif
