/* mail/qualify.c - one look at each member of a list, by what it is made of. */
#include "mail/qualify.h"

/* One member: from its start to the comma, colon or semicolon that ends it. */
struct member {
	size_t len;
	unsigned words;                 /* in the brackets, once there are some */
	size_t word_end;                /* of the last of them */
	bool has_at, in_word, closed;
	bool in_angle;
};

static bool is_blank(unsigned char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Where what begins at `i` with `open` ends: behind its `close`, or at the end of
 * all. Comments nest, the others do not. */
static size_t skip(slice in, size_t i, unsigned char open, unsigned char close)
{
	size_t depth = 0;

	for (; i < in.len; i++) {
		unsigned char c = in.ptr[i];

		if (c == '\\')
			i++;
		else if (c == close && (open != close || depth > 0) && --depth == 0)
			return i + 1;
		else if (c == open && (depth == 0 || open == '('))
			depth++;
	}
	return in.len;
}

static void word_byte(struct member *m, size_t end)
{
	if (m->closed)
		return;
	m->words += !m->in_word;
	m->in_word = true;
	m->word_end = end;
}

static void angle(struct member *m, bool opens)
{
	m->in_word = false;
	m->in_angle = opens;
	if (opens) {
		m->words = 0;
		m->has_at = false;
	} else {
		m->closed = true;
	}
}

static struct member scan(slice in)
{
	struct member m = { 0 };
	size_t i = 0;

	while (i < in.len) {
		unsigned char c = in.ptr[i];
		size_t next = i + 1;

		if (c == '(') {
			next = skip(in, i, '(', ')');
			m.in_word = false;
		} else if (c == '"' || c == '[') {
			next = skip(in, i, c, c == '"' ? '"' : ']');
			word_byte(&m, next);
		} else if (is_blank(c)) {
			m.in_word = false;
		} else if (c == '<' || c == '>') {
			angle(&m, c == '<');
		} else if (!m.in_angle && (c == ',' || c == ':' || c == ';')) {
			break;
		} else {
			m.has_at = m.has_at || (c == '@' && !m.closed);
			word_byte(&m, next);
		}
		i = next;
	}
	m.len = i;
	return m;
}

bool qualify_mailboxes(slice value, slice domain, struct buffer *out)
{
	bool fits = true;

	while (fits && value.len > 0) {
		struct member m = scan(value);
		/* What a colon ends is a group's name. */
		bool lone = m.words == 1 && !m.has_at && !m.in_angle &&
		    (m.len == value.len || value.ptr[m.len] != ':');
		size_t head = lone ? m.word_end : m.len;

		fits = buffer_append(out, slice_head(value, head));
		if (lone)
			fits = fits && buffer_append(out, slice_lit("@")) &&
			    buffer_append(out, domain);
		fits = fits && buffer_append(out, slice_sub(value, head, m.len - head));
		value = slice_drop(value, m.len);
		if (value.len > 0) {
			fits = fits && buffer_append(out, slice_head(value, 1));
			value = slice_drop(value, 1);
		}
	}
	return fits;
}
