/* mail/mbox_write.c - a message as an mbox has it: mboxrd, and the flags in Status and X-Status. */
#include "mail/mbox.h"
#include "mail/mbox_line.h"

/* Behind its other fields. "O": it is no new mail. */
static void put_flags(const struct mbox_writer *w, struct buffer *out)
{
	static const struct {
		unsigned flag;
		const char *letter;
	} letters[] = {
		{ MBOX_ANSWERED, "A" }, { MBOX_FLAGGED, "F" }, { MBOX_DRAFT, "T" },
		{ MBOX_DELETED, "D" },
	};
	const unsigned x = MBOX_ANSWERED | MBOX_FLAGGED | MBOX_DRAFT | MBOX_DELETED;

	buffer_add(out, w->flags & MBOX_SEEN ? slice_lit("Status: RO\n") : slice_lit("Status: O\n"));
	if (w->flags & x) {
		buffer_add(out, slice_lit("X-Status: "));
		for (size_t i = 0; i < sizeof letters / sizeof *letters; i++) {
			if (w->flags & letters[i].flag)
				buffer_add(out, slice_from(letters[i].letter));
		}
		buffer_add(out, slice_lit("\n"));
	}
	if (w->keywords.len > 0) {
		buffer_add(out, slice_lit("X-Keywords: "));
		buffer_add(out, w->keywords);
		buffer_add(out, slice_lit("\n"));
	}
}

static void end_header(struct mbox_writer *w, struct buffer *out)
{
	put_flags(w, out);
	buffer_add(out, slice_lit("\n"));
	w->body = true;
	w->dropping = false;
}

static void write_line(struct mbox_writer *w, slice line, bool ended, struct buffer *out)
{
	bool first = !w->mid_line;
	slice value;

	w->mid_line = !ended;
	if (first && !w->body && line.len == 0) {
		end_header(w, out);
		return;
	}
	if (first && !w->body && line.ptr[0] != ' ' && line.ptr[0] != '\t')
		w->dropping = mbox_line_field(line, &value) != MBOX_FIELD_OTHER;
	if (w->dropping)
		return;
	if (first && mbox_line_is_from(line))
		buffer_add(out, slice_lit(">"));
	buffer_add(out, line);
	/* A CR that is the line's own would be taken for half of its end. */
	if (ended)
		buffer_add(out, slice_ends(line, slice_lit("\r")) ? slice_lit("\r\n") : slice_lit("\n"));
}

void mbox_write(struct mbox_writer *w, slice *in, bool final, struct buffer *out)
{
	slice line;
	bool ended;

	while (mbox_line_take(in, final, &line, &ended))
		write_line(w, line, ended, out);
	if (!final)
		return;
	if (w->mid_line && !w->dropping)
		buffer_add(out, slice_lit("\n"));
	if (!w->body)
		end_header(w, out);
	/* What parts it from the next. */
	buffer_add(out, slice_lit("\n"));
}
