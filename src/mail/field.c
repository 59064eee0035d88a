/* mail/field.c - words into lines. */
#include "mail/field.h"

struct field field_begin(struct buffer *out, const char *name)
{
	struct field f = { .out = out, .fits = true };

	field_glue(&f, slice_from(name));
	field_glue(&f, slice_lit(":"));
	f.begun = false;
	return f;
}

void field_glue(struct field *f, slice text)
{
	f->fits = f->fits && buffer_append(f->out, text);
	f->column += text.len;
	f->begun = true;
}

void field_fold(struct field *f)
{
	field_glue(f, slice_lit("\r\n"));
	f->column = 0;
}

/* Blanks, then `len` bytes. No line holds the name alone: some readers take that
 * for an empty field. */
static void space(struct field *f, slice blanks, size_t len)
{
	if (f->begun && f->column > 0 && f->column + blanks.len + len + 1 > FIELD_LINE)
		field_fold(f);
	field_glue(f, blanks);
}

void field_space(struct field *f, size_t len)
{
	space(f, slice_lit(" "), len);
}

void field_word(struct field *f, slice word)
{
	field_space(f, word.len);
	field_glue(f, word);
}

static size_t count_blanks(slice s, bool blanks)
{
	size_t n = 0;

	while (n < s.len && (s.ptr[n] == ' ' || s.ptr[n] == '\t') == blanks)
		n++;
	return n;
}

void field_text(struct field *f, slice text)
{
	text = slice_trim(text);
	if (text.len > 0)
		field_space(f, count_blanks(text, false));
	while (text.len > 0) {
		slice blanks, word;

		blanks = slice_head(text, count_blanks(text, true));
		text = slice_drop(text, blanks.len);
		word = slice_head(text, count_blanks(text, false));
		text = slice_drop(text, word.len);
		if (blanks.len > 0)
			space(f, blanks, word.len);
		field_glue(f, word);
	}
}

bool field_end(struct field *f)
{
	field_glue(f, slice_lit("\r\n"));
	return f->fits;
}
