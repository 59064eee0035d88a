/* mail/lint_header.c - fields: which are there, how often, and what is in them. */
#include <string.h>

#include "mail/date.h"
#include "mail/encoded_word.h"
#include "mail/header.h"
#include "mail/lint_impl.h"
#include "mail/mailbox.h"
#include "mail/utf8.h"

enum { DAY_S = 24 * 60 * 60 };

enum known {
	DATE, FROM, SENDER, REPLY_TO, TO, CC, BCC, MESSAGE_ID, IN_REPLY_TO, REFERENCES, SUBJECT,
	MIME_VERSION, CONTENT_TYPE, CONTENT_TRANSFER_ENCODING, CONTENT_DISPOSITION,
	RETURN_PATH, RESENT_DATE, RESENT_FROM, RESENT_SENDER, RESENT_TO, RESENT_CC, RESENT_BCC,
	RESENT_MESSAGE_ID, KNOWN,
};

struct fields {
	struct linting *l;
	unsigned seen[KNOWN];
	bool named;                     /* To or Cc has a recipient of the envelope, or may have
	                                 * one: it was not read to its end */
};

static void on_date(struct fields *f, const struct header_field *field);
static void on_from(struct fields *f, const struct header_field *field);
static void on_addresses(struct fields *f, const struct header_field *field);
static void on_message_id(struct fields *f, const struct header_field *field);

static const struct known_row {
	const char *name;
	bool once;
	bool addresses;                 /* structured: quotes mean something */
	void (*look)(struct fields *f, const struct header_field *field);
} rows[KNOWN] = {
	[DATE] = { "Date", true, false, on_date },
	[FROM] = { "From", true, true, on_from },
	[SENDER] = { "Sender", true, true, on_addresses },
	[REPLY_TO] = { "Reply-To", true, true, on_addresses },
	[TO] = { "To", true, true, on_addresses },
	[CC] = { "Cc", true, true, on_addresses },
	[BCC] = { "Bcc", true, true, NULL },
	[MESSAGE_ID] = { "Message-ID", true, false, on_message_id },
	[IN_REPLY_TO] = { "In-Reply-To", true, false, NULL },
	[REFERENCES] = { "References", true, false, NULL },
	[SUBJECT] = { "Subject", true, false, NULL },
	[MIME_VERSION] = { "MIME-Version", true, false, NULL },
	[CONTENT_TYPE] = { "Content-Type", true, false, NULL },
	[CONTENT_TRANSFER_ENCODING] = { "Content-Transfer-Encoding", true, false, NULL },
	[CONTENT_DISPOSITION] = { "Content-Disposition", true, false, NULL },
	[RETURN_PATH] = { "Return-Path", false, false, NULL },
	[RESENT_DATE] = { "Resent-Date", false, false, NULL },
	[RESENT_FROM] = { "Resent-From", false, true, NULL },
	[RESENT_SENDER] = { "Resent-Sender", false, true, NULL },
	[RESENT_TO] = { "Resent-To", false, true, NULL },
	[RESENT_CC] = { "Resent-Cc", false, true, NULL },
	[RESENT_BCC] = { "Resent-Bcc", false, true, NULL },
	[RESENT_MESSAGE_ID] = { "Resent-Message-ID", false, false, NULL },
};

/* ---- single fields ---- */

static void on_date(struct fields *f, const struct header_field *field)
{
	int64_t now_s = f->l->input->now_s;
	struct date date;

	if (!date_parse(field->value, &date))
		lint_at(f->l, LINT_DATE_BAD, field->name);
	else if (now_s != 0 && (date.seconds > now_s + DAY_S || date.seconds < now_s - DAY_S))
		lint_at(f->l, LINT_DATE_FAR, field->name);
}

static bool is_recipient(const struct linting *l, slice address)
{
	const struct lint_input *in = l->input;

	for (size_t i = 0; i < in->n_recipients && i < LINT_RECIPIENTS_MAX; i++) {
		if (slice_equal_ascii(in->recipients[i], address))
			return true;
	}
	return false;
}

struct mailboxes {
	size_t n;
	bool bad, many, named, is_sender;
};

static struct mailboxes read_mailboxes(struct linting *l, const struct header_field *field)
{
	struct mailbox_reader r = mailbox_reader_init(field->value);
	struct arena scratch = arena_init(l->arena->heap, 8 * MAILBOX_PART_MAX);
	struct mailboxes m = { 0 };
	enum mailbox_result result;
	struct mailbox mailbox;

	while ((result = mailbox_next(&r, &scratch, &mailbox)) == MAILBOX_OK) {
		m.n++;
		m.named = m.named || is_recipient(l, mailbox.address.whole);
		m.is_sender = m.is_sender || slice_equal_ascii(mailbox.address.whole,
		    l->input->sender);
		arena_reset(&scratch);
	}
	arena_reset(&scratch);
	m.many = result == MAILBOX_BAD && m.n >= MAILBOX_LIST_MAX;
	m.bad = result == MAILBOX_BAD && !m.many;
	if (m.many)
		lint_at(l, LINT_ADDRESSES_MANY, field->name);
	return m;
}

static void on_from(struct fields *f, const struct header_field *field)
{
	struct mailboxes m = read_mailboxes(f->l, field);
	const struct lint_input *in = f->l->input;

	if (m.bad || m.n == 0)
		lint_at(f->l, LINT_FROM_BAD, field->name);
	else if (in->envelope && in->sender.len > 0 && !m.is_sender && !m.many)
		lint_at(f->l, LINT_FROM_ENVELOPE, field->name);
	if (m.n > 1)
		f->l->many_from = true;
}

static void on_addresses(struct fields *f, const struct header_field *field)
{
	struct mailboxes m = read_mailboxes(f->l, field);

	if (m.bad)
		lint_at(f->l, LINT_ADDRESSES_BAD, field->name);
	f->named = f->named || m.named || m.many;
}

/* msg-id = "<" id-left "@" id-right ">" */
static void on_message_id(struct fields *f, const struct header_field *field)
{
	slice id = slice_trim(field->value);
	size_t at;
	bool ok;

	while (id.len > 0 && (id.ptr[0] == '\r' || id.ptr[0] == '\n'))
		id = slice_trim(slice_drop(id, 1));
	at = slice_find_byte(id, '@');
	ok = id.len >= 5 && id.ptr[0] == '<' && id.ptr[id.len - 1] == '>' && at > 1 &&
	    at + 2 < id.len;
	for (size_t i = 1; ok && i + 1 < id.len; i++)
		ok = id.ptr[i] > ' ' && id.ptr[i] != '<' && id.ptr[i] != '>' &&
		    (id.ptr[i] != '@' || i == at);
	if (!ok)
		lint_at(f->l, LINT_MESSAGE_ID_BAD, field->name);
}

/* ---- any field ---- */

/* Length of "=?charset?q?text?=" that s begins with; 0: it begins with none. */
static size_t encoded_word_length(slice s)
{
	unsigned marks = 0;

	for (size_t n = 2; n < s.len && s.ptr[n] > ' '; n++) {
		if (s.ptr[n] != '?')
			continue;
		if (++marks == 3)
			return n + 1 < s.len && s.ptr[n + 1] == '=' ? n + 2 : 0;
	}
	return 0;
}

static void look_for_encoded(struct linting *l, const struct header_field *field,
    bool structured)
{
	bool quoted = false;
	slice value = field->value;

	for (size_t i = 0; i < value.len;) {
		slice rest = slice_drop(value, i);
		size_t n = slice_starts(rest, slice_lit("=?")) ? encoded_word_length(rest) : 0;

		if (n > ENCODED_WORD_MAX)
			lint_at(l, LINT_ENCODED_LONG, field->name);
		if (n > 0 && quoted)
			lint_at(l, LINT_ENCODED_QUOTED, field->name);
		if (structured && value.ptr[i] == '"')
			quoted = !quoted;
		else if (quoted && value.ptr[i] == '\\')
			i++;
		i += n > 0 ? n : 1;
	}
}

static void look_at(struct fields *f, const struct header_field *field)
{
	struct linting *l = f->l;
	const struct known_row *row = NULL;

	for (unsigned i = 0; i < KNOWN; i++) {
		if (!slice_equal_ascii(field->name, slice_from(rows[i].name)))
			continue;
		row = &rows[i];
		if (f->seen[i]++ > 0 && row->once)
			lint_at(l, LINT_FIELD_TWICE, field->name);
		else if (row->look != NULL)
			row->look(f, field);
	}
	if (field->whole.ptr[field->name.len] != ':')
		lint_at(l, LINT_FIELD_BLANK, field->name);
	if (!slice_is_ascii(field->value) && !l->input->utf8)
		lint_at(l, row == &rows[SUBJECT] ? LINT_SUBJECT_8BIT : LINT_FIELD_8BIT,
		    field->name);
	else if (!utf8_valid(field->value))
		lint_at(l, LINT_FIELD_UTF8, field->name);
	look_for_encoded(l, field, row != NULL && row->addresses);
}

/* ---- all of them ---- */

static void judge_presence(struct fields *f)
{
	static const struct {
		enum known field;
		enum lint_rule rule;
	} wanted[] = {
		{ DATE, LINT_DATE_MISSING }, { FROM, LINT_FROM_MISSING },
		{ MESSAGE_ID, LINT_MESSAGE_ID_MISSING }, { SUBJECT, LINT_SUBJECT_MISSING },
	}, unwanted[] = {
		{ BCC, LINT_BCC }, { RESENT_BCC, LINT_BCC }, { RETURN_PATH, LINT_RETURN_PATH },
	};
	const struct lint_input *in = f->l->input;
	bool resent = false;

	for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
		if (f->seen[wanted[i].field] == 0)
			lint_at(f->l, wanted[i].rule, slice_lit("header"));
	}
	for (size_t i = 0; i < sizeof unwanted / sizeof unwanted[0]; i++) {
		if (f->seen[unwanted[i].field] > 0)
			lint_at(f->l, unwanted[i].rule, slice_from(rows[unwanted[i].field].name));
	}
	for (unsigned i = RESENT_DATE; i <= RESENT_MESSAGE_ID; i++)
		resent = resent || f->seen[i] > 0;
	if (resent && (f->seen[RESENT_DATE] == 0 || f->seen[RESENT_FROM] == 0))
		lint_at(f->l, LINT_RESENT, slice_lit("header"));
	if (f->l->many_from && f->seen[SENDER] == 0)
		lint_at(f->l, LINT_SENDER_MISSING, slice_lit("From"));
	if (in->envelope && in->n_recipients > 0 && in->n_recipients <= LINT_RECIPIENTS_MAX &&
	    !f->named)
		lint_at(f->l, LINT_RECIPIENT_UNNAMED, slice_lit("header"));
	if (f->seen[MIME_VERSION] == 0 && (f->seen[CONTENT_TYPE] > 0 ||
	    f->seen[CONTENT_TRANSFER_ENCODING] > 0))
		lint_at(f->l, LINT_MIME_VERSION_MISSING, slice_lit("header"));
}

void lint_header(struct linting *l)
{
	struct fields f = { .l = l };
	slice message = l->input->message, rest = message;
	struct header_field field;
	enum header_result result;
	size_t before = message.len;

	while ((result = header_next(&rest, true, &field)) == HEADER_FIELD) {
		look_at(&f, &field);
		before = rest.len;
	}
	l->header = slice_head(message, message.len - before);
	l->body = rest;
	if (l->header.len == 0)
		lint_at_line(l, LINT_HEADER_EMPTY, 1);
	else if (result == HEADER_BODY)
		lint_at(l, LINT_HEADER_LINE, slice_lit("header"));
	else if (rest.len == before)
		lint_at(l, LINT_BODY_MISSING, slice_lit("header"));
	judge_presence(&f);
}
