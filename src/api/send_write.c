/* api/send_write.c - the header, then multipart/mixed of multipart/alternative of a text
 * and of multipart/related, each only where there is something for it.
 *
 * All content is 7bit, quoted-printable or base 64. A boundary begins with "=_", which the
 * latter two can't hold (RFC 2046 s5.1.1); text that has one is quoted. */
#include "api/send_impl.h"

#include <string.h>

#include "base/check.h"
#include "base/limits.h"
#include "mail/base64.h"
#include "mail/compose_piece.h"
#include "mail/date.h"
#include "mail/encoded_word.h"
#include "mail/media_type.h"
#include "mail/parameter.h"
#include "mail/quoted_printable.h"
#include "mail/utf8.h"

enum {
	UNIQUE_MAX = 60,
	BOUNDARY_MAX = UNIQUE_MAX + 3,
	DATA_LEAD_MAX = 300,            /* "data:image/png;name=...;base64," */
};

struct boundary {
	unsigned char bytes[BOUNDARY_MAX];
	size_t len;
};

static struct boundary boundary_of(const struct send *s, char level)
{
	slice unique = s->facts->unique;
	struct boundary b = { .bytes = { '=', '_', (unsigned char)level }, .len = unique.len + 3 };

	check(unique.len > 0 && unique.len <= UNIQUE_MAX);
	memcpy(b.bytes + 3, unique.ptr, unique.len);
	return b;
}

static slice bytes_of(const struct boundary *b)
{
	return slice_of(b->bytes, b->len);
}

/* ---- the header ---- */

static bool write_tags(const struct send *s, struct buffer *out)
{
	struct field f = field_begin(out, "X-Tags");

	for (size_t i = 0; i < s->tags.n; i++) {
		field_text(&f, s->tags.names[i]);
		if (i + 1 < s->tags.n)
			field_glue(&f, slice_lit(","));
	}
	return field_end(&f);
}

/* As it was given, as long as it can be: nobody knows what is structured in it. */
static bool write_custom(struct buffer *out, const char *name, slice value)
{
	struct field f = field_begin(out, name);
	bool fits = slice_is_ascii(value);
	slice rest = value;

	while (rest.len > 0)
		fits = fits && slice_cut(&rest, ' ').len <= LINE_MAX_OCTETS - LINT_WHERE_MAX - 4;
	if (!fits)
		encoded_word_write(&f, value);
	else
		field_text(&f, value);
	return field_end(&f);
}

static bool write_headers(const struct send *s, struct buffer *out)
{
	bool has_id = false;

	for (size_t i = 0; i < s->n_headers; i++) {
		char name[LINT_WHERE_MAX + 1];

		memcpy(name, s->headers[i].name.ptr, s->headers[i].name.len);
		name[s->headers[i].name.len] = 0;
		has_id = has_id || slice_equal_ascii(s->headers[i].name, slice_lit("Message-ID"));
		if (!write_custom(out, name, s->headers[i].value))
			return false;
	}
	return has_id || piece_message_id(out, s->facts->unique, s->facts->hostname);
}

static bool write_list(struct buffer *out, const char *name, const struct send_list *list)
{
	return list->n == 0 || compose_mailboxes(out, name, list->list, list->n);
}

/* RFC 5322 s3.6.3 lets a header name nobody; a group without members says so. */
static bool write_header(const struct send *s, struct buffer *out)
{
	char date[DATE_TEXT];
	size_t n = date_print(s->facts->wall_us, date);

	return piece_line(out, "Date", slice_of(date, n)) &&
	    compose_mailboxes(out, "From", &s->from, 1) && write_list(out, "To", &s->to) &&
	    write_list(out, "Cc", &s->cc) && (s->to.n + s->cc.n > 0 ||
	        piece_line(out, "To", slice_lit("undisclosed-recipients:;"))) &&
	    write_list(out, "Reply-To", &s->reply_to) &&
	    (s->subject.len == 0 || piece_text(out, "Subject", s->subject)) &&
	    (s->tags.n == 0 || write_tags(s, out)) && write_headers(s, out) &&
	    piece_line(out, "MIME-Version", slice_lit("1.0"));
}

/* ---- texts ---- */

/* RFC 2045 s2.7: ASCII, short lines, no NUL, no bare CR. */
static bool is_seven_bit(slice text)
{
	size_t line = 0;

	if (slice_find(text, slice_lit("=_")) < text.len)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = text.ptr[i];

		if (c == '\n') {
			line = 0;
			continue;
		}
		if (c == '\r' && i + 1 < text.len && text.ptr[i + 1] == '\n')
			continue;
		if ((c < ' ' && c != '\t') || c > 126 || ++line > LINE_MAX_OCTETS)
			return false;
	}
	return true;
}

static bool write_text(struct buffer *out, const char *type, slice text)
{
	bool plain = is_seven_bit(text);

	return piece_line(out, "Content-Type", slice_from(type)) &&
	    piece_encoding(out, plain ? "7bit" : "quoted-printable") &&
	    (plain ? piece_lines(out, text) : quoted_printable_write(text, out));
}

/* ---- files ---- */

/* What browsers' readAsDataURL() put before it. */
static slice without_lead(slice content)
{
	slice head = slice_head(content, content.len < DATA_LEAD_MAX ? content.len : DATA_LEAD_MAX);
	size_t at = slice_find(head, slice_lit(";base64,"));

	if (slice_starts_ascii(content, slice_lit("data:")) && at < head.len)
		return slice_drop(content, at + sizeof ";base64," - 1);
	return content;
}

/* Where it stops to be base 64. */
static size_t find_bad(slice content)
{
	for (size_t i = 0; i < content.len; i++) {
		unsigned char c = content.ptr[i];

		if (c != '\r' && c != '\n' && base64_digit(c) == 64)
			return i;
	}
	return content.len;
}

/* Line ends may stand in it. False: *fault. */
static bool decode(const struct send_file *file, struct buffer *bytes, struct api_fault *fault)
{
	slice content = without_lead(file->content), rest = content;
	struct buffer digits = buffer_init(bytes->heap, content.len);
	enum base64_result result = BASE64_OK;
	unsigned char *at;
	size_t n = 0;

	while (rest.len > 0) {
		size_t length = 0;

		while (length < rest.len && rest.ptr[length] != '\r' && rest.ptr[length] != '\n')
			length++;
		buffer_add(&digits, slice_head(rest, length));
		rest = slice_drop(rest, length < rest.len ? length + 1 : length);
	}
	at = buffer_reserve(bytes, content.len);
	if (buffer_bytes(&digits).len > 0)
		result = base64_decode(buffer_bytes(&digits), at, content.len, &n);
	buffer_free(&digits);
	if (result != BASE64_OK)
		return api_fault_set(fault, 400, "error decoding base64 attachment \"%.*s\": illegal base64"
		    " data at input byte %zu", (int)(file->name.len < 200 ? file->name.len : 200),
		    (const char *)file->name.ptr, find_bad(content));
	buffer_filled(bytes, n);
	return true;
}

/* By its first bytes, where its name says nothing. */
static const char *sniff(slice bytes)
{
	static const struct {
		const char *bytes, *type;
	} magic[] = {
		{ "\x89PNG\r\n\x1A\n", "image/png" }, { "\xFF\xD8\xFF", "image/jpeg" },
		{ "GIF87a", "image/gif" }, { "GIF89a", "image/gif" }, { "%PDF-", "application/pdf" },
		{ "PK\x03\x04", "application/zip" }, { "\x1F\x8B\x08", "application/gzip" },
		{ "<!DOCTYPE html", "text/html" }, { "<html", "text/html" }, { "<?xml", "text/xml" },
		{ "<svg", "image/svg+xml" },
	};

	for (size_t i = 0; i < sizeof magic / sizeof *magic; i++) {
		if (slice_starts_ascii(bytes, slice_from(magic[i].bytes)))
			return magic[i].type;
	}
	if (!utf8_valid(bytes) || slice_find_byte(bytes, 0) < bytes.len || bytes.len == 0)
		return "application/octet-stream";
	return "text/plain";
}

/* RFC 2046 s5: what is in base 64 is neither a multipart nor a message. */
static slice type_of(const struct send_file *file, slice bytes)
{
	const char *type = media_type_guess(file->name);

	if (slice_starts_ascii(file->type, slice_lit("multipart/")) ||
	    slice_starts_ascii(file->type, slice_lit("message/")))
		return slice_lit("application/octet-stream");
	if (file->type.len > 0)
		return file->type;
	if (strcmp(type, "application/octet-stream") == 0)
		type = sniff(bytes);
	return slice_from(type);
}

static bool write_file_fields(const struct send_file *file, slice bytes, struct buffer *out)
{
	slice type = type_of(file, bytes);
	struct field f = field_begin(out, "Content-Type");

	field_word(&f, type);
	/* Without a word on it, readers take text for ASCII. */
	if (slice_starts_ascii(type, slice_lit("text/")) && slice_find_byte(type, ';') == type.len &&
	    utf8_valid(bytes))
		field_glue(&f, slice_lit("; charset=utf-8"));
	if (!field_end(&f))
		return false;
	f = field_begin(out, "Content-Disposition");
	field_word(&f, file->content_id.len > 0 ? slice_lit("inline") : slice_lit("attachment"));
	if (file->name.len > 0)
		parameter_write(&f, "filename", file->name);
	if (!field_end(&f))
		return false;
	if (file->content_id.len == 0)
		return piece_encoding(out, "base64");
	f = field_begin(out, "Content-ID");
	field_space(&f, file->content_id.len + 2);
	field_glue(&f, slice_lit("<"));
	field_glue(&f, file->content_id);
	field_glue(&f, slice_lit(">"));
	return field_end(&f) && piece_encoding(out, "base64");
}

static bool write_file(const struct send_file *file, struct buffer *out, struct api_fault *fault)
{
	struct buffer bytes = buffer_init(out->heap, file->content.len);
	bool ok = decode(file, &bytes, fault) &&
	    write_file_fields(file, buffer_bytes(&bytes), out) &&
	    piece_base64(out, buffer_bytes(&bytes));

	buffer_free(&bytes);
	return ok;
}

/* ---- multiparts ---- */

static bool write_begin(struct buffer *out, const char *type, const struct boundary *b)
{
	struct field f = field_begin(out, "Content-Type");

	field_word(&f, slice_from(type));
	parameter_write(&f, "boundary", bytes_of(b));
	return field_end(&f);
}

/* Files with a Content-ID, or those without. */
static size_t count(const struct send *s, bool inlines)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n_files; i++)
		n += (s->files[i].content_id.len > 0) == inlines;
	return n;
}

static bool write_files(const struct send *s, bool inlines, const struct boundary *b,
    struct buffer *out, struct api_fault *fault)
{
	for (size_t i = 0; i < s->n_files; i++) {
		if ((s->files[i].content_id.len > 0) == inlines &&
		    (!piece_boundary(out, bytes_of(b), "") || !write_file(&s->files[i], out, fault)))
			return false;
	}
	return piece_boundary(out, bytes_of(b), "--");
}

static bool write_content(const struct send *s, struct buffer *out)
{
	return s->html.len > 0 ? write_text(out, "text/html; charset=utf-8", s->html) :
	    write_text(out, "text/plain; charset=utf-8", s->text);
}

static bool write_related(const struct send *s, struct buffer *out, struct api_fault *fault)
{
	struct boundary b = boundary_of(s, 'r');

	if (count(s, true) == 0)
		return write_content(s, out);
	return write_begin(out, "multipart/related", &b) && piece_boundary(out, bytes_of(&b), "") &&
	    write_content(s, out) && write_files(s, true, &b, out, fault);
}

static bool write_alternative(const struct send *s, struct buffer *out, struct api_fault *fault)
{
	struct boundary b = boundary_of(s, 'a');

	if (s->html.len == 0 || s->text.len == 0)
		return write_related(s, out, fault);
	return write_begin(out, "multipart/alternative", &b) && piece_boundary(out, bytes_of(&b), "") &&
	    write_text(out, "text/plain; charset=utf-8", s->text) && piece_boundary(out, bytes_of(&b), "") &&
	    write_related(s, out, fault) && piece_boundary(out, bytes_of(&b), "--");
}

static bool write_mixed(const struct send *s, struct buffer *out, struct api_fault *fault)
{
	struct boundary b = boundary_of(s, 'm');

	if (count(s, false) == 0)
		return write_alternative(s, out, fault);
	return write_begin(out, "multipart/mixed", &b) && piece_boundary(out, bytes_of(&b), "") &&
	    write_alternative(s, out, fault) && write_files(s, false, &b, out, fault);
}

/* The last line has an end. */
static bool write_end(struct buffer *out)
{
	return slice_ends(buffer_bytes(out), slice_lit("\r\n")) ||
	    buffer_append(out, slice_lit("\r\n"));
}

bool send_write(const struct send *s, struct buffer *out, struct api_fault *fault)
{
	fault->status = 0;
	if (write_header(s, out) && write_mixed(s, out, fault) && write_end(out))
		return true;
	if (fault->status == 0)
		(void)api_fault_set(fault, 413, "message is too large: %zu bytes are allowed",
		    out->size_max);
	return false;
}
