/* mail/compose.c - the header, then the text, then the files. */
#include "mail/compose.h"

#include <string.h>

#include "base/check.h"
#include "base/limits.h"
#include "mail/address.h"
#include "mail/compose_piece.h"
#include "mail/date.h"
#include "mail/encoded_word.h"
#include "mail/parameter.h"
#include "mail/quoted_printable.h"
#include "mail/utf8.h"

enum { BOUNDARY_MAX = 70 };             /* RFC 2046 s5.1.1 */

/* ---- judging ---- */

static enum compose_result judge_value(slice value)
{
	if (value.len > COMPOSE_VALUE_MAX)
		return COMPOSE_VALUE;
	for (size_t i = 0; i < value.len; i++) {
		unsigned char c = value.ptr[i];

		if ((c < ' ' && c != '\t') || c == 127)
			return COMPOSE_CONTROL;
	}
	return utf8_valid(value) ? COMPOSE_OK : COMPOSE_UTF8;
}

enum compose_result compose_judge_mailbox(const struct compose_mailbox *mailbox)
{
	enum compose_result result = judge_value(mailbox->name);
	struct address address;

	if (result == COMPOSE_OK)
		result = judge_value(mailbox->address);
	if (result == COMPOSE_OK &&
	    address_parse(mailbox->address, ADDRESS_ALLOW_UTF8, &address) != ADDRESS_OK)
		return COMPOSE_ADDRESS;
	return result;
}

static enum compose_result judge_list(const struct compose_mailbox *list, size_t n)
{
	enum compose_result result = COMPOSE_OK;

	for (size_t i = 0; i < n && result == COMPOSE_OK; i++)
		result = compose_judge_mailbox(&list[i]);
	return result;
}

static enum compose_result judge_files(const struct compose_message *m)
{
	enum compose_result result = COMPOSE_OK;

	for (size_t i = 0; i < m->n_files && result == COMPOSE_OK; i++)
		result = judge_value(m->files[i].name);
	return result;
}

static enum compose_result judge_text(slice text)
{
	return utf8_valid(text) ? COMPOSE_OK : COMPOSE_UTF8;
}

static enum compose_result judge(const struct compose_message *m, const char **ret_where)
{
	enum compose_result result;

	check(m->unique.len > 0 && m->unique.len <= BOUNDARY_MAX - 8 && m->hostname.len > 0);
	if ((result = compose_judge_mailbox(&m->from)) != COMPOSE_OK)
		*ret_where = "the sender";
	else if ((result = judge_list(m->to, m->n_to)) != COMPOSE_OK ||
	    (result = judge_list(m->cc, m->n_cc)) != COMPOSE_OK)
		*ret_where = "a recipient";
	else if ((result = judge_value(m->subject)) != COMPOSE_OK)
		*ret_where = "the subject";
	else if ((result = judge_files(m)) != COMPOSE_OK)
		*ret_where = "the name of an attachment";
	else if ((result = judge_text(m->text)) != COMPOSE_OK)
		*ret_where = "the text";
	return result;
}

const char *compose_fault(enum compose_result result)
{
	static const char *const words[] = {
		[COMPOSE_OK] = "is all right",
		[COMPOSE_CONTROL] = "holds a control character, such as a line end",
		[COMPOSE_UTF8] = "is not UTF-8",
		[COMPOSE_ADDRESS] = "is no address",
		[COMPOSE_VALUE] = "is too long",
		[COMPOSE_LONG] = "is too large",
	};

	return words[result];
}

/* ---- mailboxes ---- */

/* Words that need no quotes: atext of RFC 5322 s3.2.3, and blanks. */
static bool is_phrase(slice name)
{
	for (size_t i = 0; i < name.len; i++) {
		if (strchr("()<>[]:;@\\,.\"", name.ptr[i]) != NULL)
			return false;
	}
	return true;
}

static size_t quoted_length(slice name)
{
	size_t n = 2;

	for (size_t i = 0; i < name.len; i++)
		n += name.ptr[i] == '"' || name.ptr[i] == '\\' ? 2 : 1;
	return n;
}

static void write_quoted(struct field *f, slice name)
{
	field_space(f, quoted_length(name));
	field_glue(f, slice_lit("\""));
	for (size_t i = 0; i < name.len; i++) {
		if (name.ptr[i] == '"' || name.ptr[i] == '\\')
			field_glue(f, slice_lit("\\"));
		field_glue(f, slice_sub(name, i, 1));
	}
	field_glue(f, slice_lit("\""));
}

static void write_name(struct field *f, slice name)
{
	if (encoded_word_needed(name) || (!is_phrase(name) && quoted_length(name) > FIELD_LINE - 2))
		encoded_word_write(f, name);
	else if (is_phrase(name))
		field_text(f, name);
	else
		write_quoted(f, name);
}

static void write_mailbox(struct field *f, const struct compose_mailbox *mailbox)
{
	slice name = slice_trim(mailbox->name);

	if (name.len == 0) {
		field_word(f, mailbox->address);
		return;
	}
	write_name(f, name);
	field_space(f, mailbox->address.len + 2);
	field_glue(f, slice_lit("<"));
	field_glue(f, mailbox->address);
	field_glue(f, slice_lit(">"));
}

bool compose_mailboxes(struct buffer *out, const char *field,
    const struct compose_mailbox *list, size_t n)
{
	struct field f = field_begin(out, field);

	for (size_t i = 0; i < n; i++) {
		write_mailbox(&f, &list[i]);
		if (i + 1 < n)
			field_glue(&f, slice_lit(","));
	}
	return field_end(&f);
}

/* ---- the header ---- */

/* RFC 5322 s3.6.3 lets a header name nobody; many readers take one that does for
 * junk. */
static bool write_to(const struct compose_message *m, struct buffer *out)
{
	if (m->n_to + m->n_cc == 0)
		return piece_line(out, "To", slice_lit("undisclosed-recipients:;"));
	return (m->n_to == 0 || compose_mailboxes(out, "To", m->to, m->n_to)) &&
	    (m->n_cc == 0 || compose_mailboxes(out, "Cc", m->cc, m->n_cc));
}

static bool write_header(const struct compose_message *m, struct buffer *out)
{
	char date[DATE_TEXT];
	size_t n = date_print(m->wall_us, date);

	return piece_line(out, "Date", slice_of(date, n)) &&
	    compose_mailboxes(out, "From", &m->from, 1) && write_to(m, out) &&
	    (m->subject.len == 0 || piece_text(out, "Subject", m->subject)) &&
	    piece_message_id(out, m->unique, m->hostname) && piece_line(out, "MIME-Version", slice_lit("1.0"));
}

/* ---- the text ---- */

enum encoding { SEVEN_BIT, EIGHT_BIT, QUOTED };

static const char *const encoding_names[] = { "7bit", "8bit", "quoted-printable" };

/* RFC 2045 s2.7, s2.8: neither has NUL, a bare CR, or lines over 998. */
static enum encoding choose(slice text, bool eight_bit, slice boundary)
{
	enum encoding encoding = SEVEN_BIT;
	size_t line = 0;

	/* So unlikely that nobody saw it, and harmless this way: "=_" is encoded. */
	if (boundary.len > 0 && slice_find(text, boundary) < text.len)
		return QUOTED;
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = text.ptr[i];

		if (c == '\n') {
			line = 0;
			continue;
		}
		if (c == '\r' && i + 1 < text.len && text.ptr[i + 1] == '\n')
			continue;
		if ((c < ' ' && c != '\t') || ++line > LINE_MAX_OCTETS)
			return QUOTED;
		if (c > 127)
			encoding = EIGHT_BIT;
	}
	return encoding == EIGHT_BIT && !eight_bit ? QUOTED : encoding;
}

/* The fields of the text, and the text; its last line has an end. */
static bool write_text(const struct compose_message *m, bool eight_bit, slice boundary,
    struct buffer *out)
{
	enum encoding encoding = choose(m->text, eight_bit, boundary);
	bool fits;

	fits = piece_line(out, "Content-Type", slice_lit("text/plain; charset=utf-8")) &&
	    piece_encoding(out, encoding_names[encoding]) && (encoding == QUOTED ?
	        quoted_printable_write(m->text, out) : piece_lines(out, m->text));
	if (!fits || m->text.len == 0 || m->text.ptr[m->text.len - 1] == '\n')
		return fits;
	return buffer_append(out, slice_lit("\r\n"));
}

/* ---- the files ---- */

static bool write_file(const struct compose_file *file, struct buffer *out)
{
	struct field f = field_begin(out, "Content-Type");

	field_word(&f, slice_from(file->type));
	/* Without a word on it, readers take text for ASCII. */
	if (slice_starts(slice_from(file->type), slice_lit("text/")) && utf8_valid(file->bytes))
		field_glue(&f, slice_lit("; charset=utf-8"));
	if (!field_end(&f))
		return false;
	f = field_begin(out, "Content-Disposition");
	field_word(&f, slice_lit("attachment"));
	if (file->name.len > 0)
		parameter_write(&f, "filename", file->name);
	return field_end(&f) && piece_encoding(out, "base64") && piece_base64(out, file->bytes);
}

/* multipart/mixed: RFC 2046 s5.1.3. Neither quoted-printable nor base 64 can hold
 * "=_", which is what it suggests for boundaries. */
static bool write_parts(const struct compose_message *m, bool eight_bit, struct buffer *out)
{
	struct field f = field_begin(out, "Content-Type");
	unsigned char bytes[BOUNDARY_MAX] = "=_";
	slice boundary = slice_of(bytes, m->unique.len + 2);

	memcpy(bytes + 2, m->unique.ptr, m->unique.len);
	field_word(&f, slice_lit("multipart/mixed"));
	parameter_write(&f, "boundary", boundary);
	/* RFC 2045 s6.4: 8bit in it is 8bit outside. Files are base 64. */
	if (!field_end(&f) || (choose(m->text, eight_bit, boundary) == EIGHT_BIT &&
	    !piece_line(out, "Content-Transfer-Encoding", slice_lit("8bit"))))
		return false;
	if (!piece_boundary(out, boundary, "") || !write_text(m, eight_bit, boundary, out))
		return false;
	for (size_t i = 0; i < m->n_files; i++) {
		if (!piece_boundary(out, boundary, "") || !write_file(&m->files[i], out))
			return false;
	}
	return piece_boundary(out, boundary, "--");
}

/* ---- all of it ---- */

/* RFC 6531 s3.1: whoever takes such an address takes 8BITMIME, too. */
static bool has_utf8_address(const struct compose_message *m)
{
	bool found = !slice_is_ascii(m->from.address);

	for (size_t i = 0; i < m->n_to; i++)
		found = found || !slice_is_ascii(m->to[i].address);
	for (size_t i = 0; i < m->n_cc; i++)
		found = found || !slice_is_ascii(m->cc[i].address);
	return found;
}

enum compose_result compose_write(const struct compose_message *m, struct buffer *out,
    const char **ret_where)
{
	enum compose_result result = judge(m, ret_where);
	bool eight_bit = has_utf8_address(m);

	if (result != COMPOSE_OK)
		return result;
	if (write_header(m, out) && (m->n_files > 0 ? write_parts(m, eight_bit, out) :
	    write_text(m, eight_bit, (slice){ 0 }, out)))
		return COMPOSE_OK;
	*ret_where = "the message";
	return COMPOSE_LONG;
}
