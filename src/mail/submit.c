/* mail/submit.c - reading and mending the header of a submission. */
#include "mail/submit.h"

#include <string.h>

#include "base/check.h"
#include "mail/date.h"
#include "mail/header.h"
#include "mail/mailbox.h"

static enum submit_result add_authors(struct submission *s, struct arena *arena, slice value)
{
	struct mailbox_reader r = mailbox_reader_init(value);
	struct mailbox mailbox;
	enum mailbox_result result;
	size_t before = s->n_authors;

	while ((result = mailbox_next(&r, arena, &mailbox)) == MAILBOX_OK) {
		if (s->n_authors == SUBMIT_AUTHORS_MAX)
			return SUBMIT_MANY;
		s->authors[s->n_authors++] = mailbox.address.whole;
	}
	return result == MAILBOX_END && s->n_authors > before ? SUBMIT_OK : SUBMIT_BAD_FROM;
}

static enum submit_result on_from(struct submission *s, struct arena *arena,
    const struct header_field *field)
{
	return add_authors(s, arena, field->value);
}

static enum submit_result on_date(struct submission *s, struct arena *arena,
    const struct header_field *field)
{
	s->has_date = true;
	return SUBMIT_OK;
}

static enum submit_result on_message_id(struct submission *s, struct arena *arena,
    const struct header_field *field)
{
	s->has_message_id = true;
	return SUBMIT_OK;
}

static const struct submit_row {
	const char *name;
	bool once, cut;
	enum submit_result (*handler)(struct submission *s, struct arena *arena,
	    const struct header_field *field);
} rows[] = {
	{ "From", true, false, on_from },
	{ "Sender", true, false, on_from },
	{ "Date", false, false, on_date },
	{ "Message-ID", false, false, on_message_id },
	{ "Bcc", false, true, NULL },
	{ "Resent-Bcc", false, true, NULL },
};

static enum submit_result on_field(struct submission *s, struct arena *arena, slice head,
    const struct header_field *field, unsigned *seen)
{
	size_t from = (size_t)(field->whole.ptr - head.ptr);

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		if (!slice_equal_ascii(field->name, slice_from(rows[i].name)))
			continue;
		if (rows[i].once && (*seen & (1u << i)))
			return SUBMIT_TWICE;
		*seen |= 1u << i;
		if (rows[i].handler != NULL)
			return rows[i].handler(s, arena, field);
		if (s->n_cuts == SUBMIT_CUTS_MAX)
			return SUBMIT_MANY;
		s->cuts[s->n_cuts++] = (struct submit_cut){ from, from + field->whole.len };
	}
	return SUBMIT_OK;
}

/* The header has ended somewhere in `head`? Cheap: asked at each new piece. */
static bool has_ended(slice head, bool final)
{
	struct header_field field;
	enum header_result result;

	while ((result = header_next(&head, final, &field)) == HEADER_FIELD)
		;
	return result != HEADER_MORE;
}

enum submit_result submit_read(slice head, bool final, struct arena *arena,
    struct submission *ret)
{
	struct header_field field;
	enum header_result end;
	unsigned seen = 0;
	slice rest = head;

	if (!has_ended(head, final))
		return SUBMIT_MORE;
	memset(ret, 0, sizeof *ret);
	while ((end = header_next(&rest, final, &field)) == HEADER_FIELD) {
		enum submit_result result = on_field(ret, arena, head, &field, &seen);

		if (result != SUBMIT_OK)
			return result;
	}
	ret->header_len = head.len - rest.len;
	/* A message without a header is another matter: it is all body. */
	if (end == HEADER_BODY && ret->header_len > 0)
		return SUBMIT_BAD_HEADER;
	return SUBMIT_OK;
}

size_t submit_cut(const struct submission *s, unsigned char *bytes, size_t len)
{
	for (size_t i = s->n_cuts; i-- > 0;) {
		struct submit_cut cut = s->cuts[i];

		check(cut.from <= cut.to && cut.to <= len);
		memmove(bytes + cut.from, bytes + cut.to, len - cut.to);
		len -= cut.to - cut.from;
	}
	return len;
}

void submit_add_fields(const struct submission *s, int64_t wall_us, slice unique,
    slice hostname, struct buffer *out)
{
	char date[DATE_TEXT];

	if (!s->has_date) {
		date_print(wall_us, date);
		buffer_printf(out, "Date: %s\r\n", date);
	}
	if (!s->has_message_id)
		buffer_printf(out, "Message-ID: <%.*s@%.*s>\r\n", slice_arg(unique),
		    slice_arg(hostname));
}
