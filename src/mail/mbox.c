/* mail/mbox.c - reads an mbox.
 *
 * (1) A line that begins with "From " begins a message only behind a blank line, and only
 *     when it has a time as From_ lines have, unless the file's first one has none either:
 *     not every program quotes what people write at the beginning of a paragraph.
 * (2) The blank line before the next message, or before the end, is the file's.
 * (3) Content-Length is not believed: too many of them are of another message, or were
 *     counted with other line ends. */
#include "mail/mbox.h"

#include <string.h>

#include "mail/mbox_line.h"

/* ---- what comes out ---- */

static void put(struct mbox_reader *r, slice text, struct buffer *out)
{
	r->size += text.len;
	if (!r->too_long && !buffer_append(out, text))
		r->too_long = true;
}

/* ---- the file's own fields ---- */

static void read_status(struct mbox_reader *r, slice value, bool x)
{
	static const struct {
		char letter;
		bool x;
		unsigned flag;
	} letters[] = {
		{ 'R', false, MBOX_SEEN }, { 'O', false, MBOX_OLD }, { 'A', true, MBOX_ANSWERED },
		{ 'F', true, MBOX_FLAGGED }, { 'D', true, MBOX_DELETED }, { 'T', true, MBOX_DRAFT },
	};

	for (size_t i = 0; i < value.len; i++) {
		for (size_t k = 0; k < sizeof letters / sizeof *letters; k++) {
			if (letters[k].x == x && letters[k].letter == value.ptr[i])
				r->flags |= letters[k].flag;
		}
	}
}

/* Those that have no room are left out. */
static void add_keywords(struct mbox_reader *r, slice value)
{
	while (value.len > 0) {
		slice word = slice_trim(slice_cut(&value, ' '));
		size_t blank = r->keywords_len > 0;

		if (word.len == 0 || r->keywords_len + blank + word.len > sizeof r->keywords)
			continue;
		if (blank)
			r->keywords[r->keywords_len++] = ' ';
		memcpy(r->keywords + r->keywords_len, word.ptr, word.len);
		r->keywords_len += word.len;
	}
}

/* True: the line is the file's, not the message's. */
static bool take_field(struct mbox_reader *r, slice line)
{
	slice value;

	if (line.ptr[0] == ' ' || line.ptr[0] == '\t') {
		if (r->in_keywords)
			add_keywords(r, line);
		return r->dropping;
	}
	r->dropping = true;
	r->in_keywords = false;
	switch (mbox_line_field(line, &value)) {
	case MBOX_FIELD_STATUS:
		read_status(r, value, false);
		break;
	case MBOX_FIELD_X_STATUS:
		read_status(r, value, true);
		break;
	case MBOX_FIELD_KEYWORDS:
		r->in_keywords = true;
		add_keywords(r, value);
		break;
	case MBOX_FIELD_IMAP:
		r->pseudo = true;
		break;
	case MBOX_FIELD_DROPPED:
		break;
	case MBOX_FIELD_OTHER:
		r->dropping = false;
	}
	return r->dropping;
}

/* ---- lines ---- */

static bool begins_message(const struct mbox_reader *r, slice line)
{
	if (r->mid_line || !slice_starts(line, slice_lit("From ")))
		return false;
	if (!r->begun || !r->open)
		return true;
	return r->after_blank && (r->dateless || mbox_from_read(slice_drop(line, 5)).dated);
}

static void begin(struct mbox_reader *r, slice line)
{
	slice from = slice_drop(line, 5);

	if (!r->begun)
		r->dateless = !mbox_from_read(from).dated;
	r->begun = r->open = r->header = true;
	r->after_blank = r->blank_held = r->dropping = r->in_keywords = false;
	r->too_long = r->pseudo = false;
	r->flags = 0;
	r->size = 0;
	r->keywords_len = 0;
	r->from_len = from.len < sizeof r->from ? from.len : sizeof r->from;
	if (r->from_len > 0)
		memcpy(r->from, from.ptr, r->from_len);
}

/* A line of a message, or a piece of one. */
static void take(struct mbox_reader *r, slice line, bool ended, bool final, struct buffer *out)
{
	bool first = !r->mid_line, empty = first && line.len == 0;

	r->mid_line = !ended;
	if (r->blank_held)
		put(r, slice_lit("\r\n"), out);
	r->blank_held = empty && !r->header;
	r->after_blank = empty;
	if (r->header && first && !empty)
		take_field(r, line);
	if (empty && r->header)
		r->header = r->dropping = false;
	if (r->blank_held || r->dropping)
		return;
	if (first && line.len > 0 && line.ptr[0] == '>' && mbox_line_is_from(line))
		line = slice_drop(line, 1);
	put(r, line, out);
	if (ended || final)
		put(r, slice_lit("\r\n"), out);
}

enum mbox_result mbox_read(struct mbox_reader *r, slice *in, bool final, struct buffer *out)
{
	slice before = *in, line;
	bool ended;

	while (mbox_line_take(in, final, &line, &ended)) {
		if (begins_message(r, line)) {
			if (r->open) {
				r->open = false;
				*in = before;   /* it is looked at again */
				return MBOX_MESSAGE;
			}
			begin(r, line);
			r->from_goes_on = !ended;
		} else if (r->from_goes_on) {
			r->from_goes_on = !ended;
		} else if (r->open) {
			take(r, line, ended, final && in->len == 0, out);
		} else if (r->begun || line.len > 0) {
			return MBOX_NOT;
		}
		before = *in;
	}
	if (!final)
		return MBOX_MORE;
	if (!r->open)
		return MBOX_END;
	r->open = false;
	return MBOX_MESSAGE;
}
