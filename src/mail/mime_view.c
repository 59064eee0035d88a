/* mail/mime_view.c - a walk over the parts, in their order. */
#include "mail/mime_view.h"

#include "base/limits.h"
#include "mail/html_text.h"
#include "mail/parameter_read.h"

enum { HAS_TEXT = 0x80 };       /* of a multipart, during the walk */

static bool has_name(const struct mime_part *part, struct charsets *charsets, struct heap *heap)
{
	struct arena scratch = arena_init(heap, 4 * PARAMETER_MAX);
	bool has = mime_id(part).len > 0 || mime_filename(part, charsets, &scratch).len > 0;

	arena_reset(&scratch);
	return has;
}

struct walk {
	const struct mime *m;
	uint8_t *uses;
	bool html;                      /* it was found */
};

/* Is it in a multipart/alternative, of which nothing before it is shown as text? Or in
 * something else. Then it is from now on. */
static bool is_first_text(struct walk *w, size_t i)
{
	uint32_t parent = w->m->parts[i].parent;

	if (parent == MIME_NONE || !content_type_is(&w->m->parts[parent].type, "multipart",
	    "alternative"))
		return true;
	if (w->uses[parent] & HAS_TEXT)
		return false;
	w->uses[parent] |= HAS_TEXT;
	return true;
}

static uint8_t judge(struct walk *w, size_t i, bool named)
{
	const struct mime_part *part = &w->m->parts[i];
	slice disposition = mime_disposition(part);
	bool is_inline = slice_equal_ascii(disposition, slice_lit("inline"));
	bool text = content_type_is(&part->type, "text", "plain") ||
	    content_type_is(&part->type, "multipart", NULL);

	/* RFC 2183 s2.8: what else it says means attachment. */
	if (disposition.len > 0 && !is_inline)
		return MIME_USE_ATTACHMENT;
	if (text && is_first_text(w, i))
		return MIME_USE_TEXT | (is_inline && named ? MIME_USE_INLINE : 0);
	if (content_type_is(&part->type, "text", "html") && !w->html) {
		w->html = true;
		return MIME_USE_HTML | (is_inline && named ? MIME_USE_INLINE : 0);
	}
	if (content_type_is(&part->type, "application", "octet-stream"))
		return MIME_USE_ATTACHMENT;
	if (i == 0 && !content_type_is(&part->type, "text", NULL))
		return MIME_USE_ATTACHMENT;
	return named ? MIME_USE_INLINE : MIME_USE_OTHER;
}

const uint8_t *mime_uses(const struct mime *m, struct charsets *charsets, struct arena *arena)
{
	struct walk w = { .m = m, .uses = arena_new(arena, uint8_t, m->n) };
	size_t i = 0;

	while (i < m->n) {
		const struct mime_part *part = &m->parts[i];

		/* One without parts is shown as text, as it stands. */
		if (part->kind == MIME_MULTIPART && part->end > i + 1) {
			i++;
			continue;
		}
		w.uses[i] = judge(&w, i, has_name(part, charsets, arena->heap));
		i = part->end;
	}
	for (i = 0; i < m->n; i++)
		w.uses[i] &= (uint8_t)~HAS_TEXT;
	return w.uses;
}

static long first(const struct mime *m, const uint8_t *uses, enum mime_use use)
{
	for (size_t i = 0; i < m->n; i++) {
		if (uses[i] & use)
			return (long)i;
	}
	return -1;
}

bool mime_html(const struct mime *m, const uint8_t *uses, struct charsets *charsets,
    struct buffer *out)
{
	long i = first(m, uses, MIME_USE_HTML);

	if (i >= 0)
		(void)mime_decode_text(&m->parts[i], charsets, out);
	return i >= 0;
}

slice mime_charset(const struct mime *m, struct arena *arena)
{
	struct buffer label = buffer_init(arena->heap, PARAMETER_MAX);
	slice charset, result = { 0 };
	bool extended;

	for (size_t i = 0; i < m->n && result.len == 0; i++) {
		if (content_type_is(&m->parts[i].type, "text", NULL) &&
		    parameter_join(m->parts[i].parameters, slice_lit("charset"), &label, &charset,
			&extended))
			result = slice_copy(arena, buffer_bytes(&label));
	}
	buffer_free(&label);
	return result;
}

static void text_of_html(const struct mime *m, const uint8_t *uses, struct charsets *charsets,
    enum html_text form, size_t max, struct buffer *out)
{
	struct buffer html = buffer_init(out->heap, max);

	if (mime_html(m, uses, charsets, &html))
		html_text(buffer_bytes(&html), form, out);
	buffer_free(&html);
}

void mime_text(const struct mime *m, const uint8_t *uses, struct charsets *charsets,
    struct buffer *out)
{
	bool begun = false;

	for (size_t i = 0; i < m->n; i++) {
		if (!(uses[i] & MIME_USE_TEXT))
			continue;
		if (begun && !buffer_append(out, slice_lit("\n--\n")))
			return;
		(void)mime_decode_text(&m->parts[i], charsets, out);
		begun = true;
	}
	if (!begun)
		text_of_html(m, uses, charsets, HTML_TEXT_LINES, 3 * m->message.len + 3, out);
}

void mime_snippet(const struct mime *m, const uint8_t *uses, struct charsets *charsets,
    struct buffer *out)
{
	/* No more words than are shown, and one that does not fit: they cost the most. */
	struct buffer words = buffer_init(out->heap, 2 * SNIPPET_MAX);
	struct buffer source = buffer_init(out->heap, SNIPPET_SOURCE_MAX);
	slice text;
	size_t n;

	if (first(m, uses, MIME_USE_HTML) >= 0) {
		text_of_html(m, uses, charsets, HTML_TEXT_WORDS, SNIPPET_SOURCE_MAX, &words);
	} else if (first(m, uses, MIME_USE_TEXT) >= 0) {
		mime_text(m, uses, charsets, &source);
		plain_words(buffer_bytes(&source), &words);
	}
	text = buffer_bytes(&words);
	n = text.len;
	if (n > SNIPPET_MAX) {
		n = SNIPPET_MAX;
		while (n > 0 && (text.ptr[n] & 0xC0) == 0x80)
			n--;
	}
	if (n <= buffer_room(out))
		buffer_add(out, slice_head(text, n));
	if (n < text.len)
		(void)!buffer_append(out, slice_lit("..."));
	buffer_free(&words);
	buffer_free(&source);
}
