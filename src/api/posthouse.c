/* api/posthouse.c - lint, envelope and parts, in our own words. */
#include "api/posthouse.h"

#include "api/list.h"
#include "api/message_impl.h"
#include "base/limits.h"
#include "mail/header_text.h"
#include "mail/parameter_read.h"

/* ---- lint ---- */

/* The number of "line 12", or 0. */
static uint64_t line_of(slice where)
{
	uint64_t line;

	return slice_starts(where, slice_lit("line ")) &&
	    slice_to_u64(slice_drop(where, 5), UINT32_MAX, &line) ? line : 0;
}

/* lines: how many stand before what was looked at. */
static void finding_json(struct api_json *j, const struct lint_finding *f, uint64_t lines)
{
	uint64_t line = line_of(f->where);

	api_json_open(j, '{');
	api_json_word(j, "Name", f->rule);
	api_json_word(j, "Severity", lint_severity_name(f->severity));
	api_json_text(j, "Where", f->where);
	api_json_number(j, "Line", (int64_t)(line > 0 ? line + lines : 0));
	api_json_word(j, "Clause", f->clause);
	api_json_word(j, "Text", f->words);
	api_json_word(j, "Remedy", f->remedy);
	api_json_close(j, '}');
}

static bool lint_json(slice id, const struct lint *lint, uint64_t lines, struct buffer *out)
{
	struct api_json j = api_json_begin(out);
	unsigned n[LINT_ERROR + 1] = { 0 };

	api_json_open(&j, '{');
	api_json_text(&j, "ID", id);
	api_json_name(&j, "Findings");
	api_json_open(&j, '[');
	for (size_t i = 0; i < lint->n; i++) {
		n[lint->findings[i].severity]++;
		finding_json(&j, &lint->findings[i], lines);
	}
	api_json_close(&j, ']');
	api_json_number(&j, "Errors", n[LINT_ERROR]);
	api_json_number(&j, "Warnings", n[LINT_WARNING]);
	api_json_number(&j, "Hints", n[LINT_HINT]);
	api_json_close(&j, '}');
	return api_json_end(&j, true);
}

bool api_lint_json(slice id, const struct lint *lint, struct buffer *out)
{
	return lint_json(id, lint, 0, out);
}

static uint64_t count_lines(slice text)
{
	uint64_t n = 0;

	for (; text.len > 0; n++)
		(void)slice_cut(&text, '\n');
	return n;
}

/* Drop the next field if it has that name. */
static bool drop_field(slice *message, const char *name)
{
	struct header_field field;
	slice rest = *message;

	if (header_next(&rest, true, &field) != HEADER_FIELD ||
	    !slice_equal_ascii(field.name, slice_from(name)))
		return false;
	*message = rest;
	return true;
}

/* Without the fields that delivery put on top, in their order: one for each recipient, the
 * others once. */
static slice without_trace(slice message)
{
	drop_field(&message, "Return-Path");
	while (drop_field(&message, "Delivered-To"))
		;
	drop_field(&message, "X-Posthouse-Login");
	drop_field(&message, "Received");
	return message;
}

bool api_mail_lint_json(const struct api_mail *mail, const struct api_facts *facts,
    int64_t now_s, struct buffer *out)
{
	struct arena scratch = arena_init(mail->heap, LINT_ARENA_MAX);
	slice whole = mail->mime.message, message = without_trace(whole);
	struct lint_input input = {
		.message = message, .envelope = true, .sender = facts->sender,
		.recipients = facts->recipients, .n_recipients = facts->n_recipients,
		.utf8 = facts->utf8, .departures = facts->departures, .now_s = now_s,
	};
	struct lint lint = lint_read(&input, &scratch);
	bool fits = lint_json(facts->id, &lint,
	    count_lines(slice_head(whole, whole.len - message.len)), out);

	arena_reset(&scratch);
	return fits;
}

/* ---- the envelope ---- */

bool api_envelope_json(const struct api_facts *facts, struct buffer *out)
{
	struct api_json j = api_json_begin(out);

	api_json_open(&j, '{');
	api_json_text(&j, "ID", facts->id);
	api_json_text(&j, "Mailbox", facts->mailbox);
	api_json_text(&j, "From", facts->sender);
	api_texts_json(&j, "To", facts->recipients, facts->n_recipients);
	api_json_text(&j, "Login", facts->login);
	api_json_bool(&j, "SMTPUTF8", facts->utf8);
	api_json_time(&j, "Received", facts->received_us);
	api_json_number(&j, "Size", (int64_t)facts->size);
	api_json_close(&j, '}');
	return api_json_end(&j, true);
}

/* ---- parts ---- */

static const struct {
	enum mime_use use;
	const char *name;
} uses[] = {
	{ MIME_USE_TEXT, "text" }, { MIME_USE_HTML, "html" }, { MIME_USE_ATTACHMENT, "attachment" },
	{ MIME_USE_INLINE, "inline" }, { MIME_USE_OTHER, "other" },
};

static const struct {
	enum mime_defect defect;
	const char *name, *words;
} defects[] = {
	{ MIME_NO_END, "no-end", "the last boundary is missing" },
	{ MIME_NO_BOUNDARY, "no-boundary", "a multipart that does not say its boundary" },
	{ MIME_NO_PARTS, "no-parts", "the boundary stands nowhere in it" },
	{ MIME_TOO_DEEP, "too-deep", "too many parts inside of parts: not opened" },
	{ MIME_TOO_MANY, "too-many", "too many parts: the rest is not split" },
	{ MIME_ENCODED, "encoded", "base64 or quoted-printable around parts, which is not allowed" },
	{ MIME_BAD_TYPE, "bad-type", "the Content-Type can't be read: taken for text/plain" },
	{ MIME_BAD_ENCODING, "bad-encoding", "an unknown Content-Transfer-Encoding: shown as it stands" },
	{ MIME_TWICE, "twice", "a Content- field is there twice: the first counts" },
	{ MIME_NO_COLON, "no-colon", "a line in the header that is no field" },
	{ MIME_NO_BLANK_LINE, "no-blank-line", "no blank line between header and body" },
	{ MIME_BAD_BASE64, "bad-base64", "the base64 is damaged" },
	{ MIME_BAD_QUOTED, "bad-quoted-printable", "the quoted-printable is damaged" },
	{ MIME_8BIT_HEADER, "8bit-header", "octets of 8 bits in the header that are no UTF-8" },
	{ MIME_UTF8_HEADER, "utf8-header", "UTF-8 in the header" },
	{ MIME_8BIT_BODY, "8bit-body", "octets of 8 bits, where the encoding says 7" },
	{ MIME_NUL, "nul", "octets of zero" },
	{ MIME_BARE_LF, "bare-lf", "lines that end in LF without a CR" },
	{ MIME_BARE_CR, "bare-cr", "CRs without an LF" },
	{ MIME_LONG_LINE, "long-line", "a line over 998 octets" },
	{ MIME_LONG_BOUNDARY, "long-boundary", "a boundary over 70 octets" },
};

static void uses_json(struct api_json *j, unsigned bits)
{
	api_json_name(j, "Use");
	api_json_open(j, '[');
	for (size_t i = 0; i < sizeof uses / sizeof *uses; i++) {
		if (bits & uses[i].use)
			api_json_word(j, NULL, uses[i].name);
	}
	api_json_close(j, ']');
}

static void defects_json(struct api_json *j, unsigned bits)
{
	api_json_name(j, "Defects");
	api_json_open(j, '[');
	for (size_t i = 0; i < sizeof defects / sizeof *defects; i++) {
		if (!(bits & defects[i].defect))
			continue;
		api_json_open(j, '{');
		api_json_word(j, "Name", defects[i].name);
		api_json_word(j, "Text", defects[i].words);
		api_json_close(j, '}');
	}
	api_json_close(j, ']');
}

static void part_json(struct api_json *j, const struct api_mail *mail, size_t i)
{
	const struct mime_part *part = &mail->mime.parts[i];
	struct arena scratch = arena_init(mail->heap, 2 * API_PART_ARENA_MAX);
	char id[MIME_SECTION_MAX];
	size_t n = api_mail_part_id(mail, i, id);
	slice encoding = header_text(mail->charsets, mail->label, part->encoding_field, API_NAME_MAX,
	    &scratch);

	api_json_open(j, '{');
	api_json_text(j, "PartID", slice_of(id, n));
	api_json_number(j, "Parent", part->parent == MIME_NONE ? -1 : (int64_t)part->parent);
	api_json_number(j, "Depth", part->depth);
	api_json_text(j, "ContentType", api_part_type(mail, i, &scratch));
	api_json_text(j, "Charset", parameter_text(part->parameters, slice_lit("charset"),
	    mail->charsets, &scratch));
	api_json_text(j, "Encoding", encoding);
	api_json_text(j, "Disposition", header_text(mail->charsets, mail->label,
	    mime_disposition(part), API_NAME_MAX, &scratch));
	api_json_text(j, "FileName", mime_filename(part, mail->charsets, &scratch));
	api_json_text(j, "ContentID", api_part_content_id(mail, i, &scratch));
	api_json_number(j, "Size", (int64_t)part->decoded);
	api_json_number(j, "Lines", (int64_t)part->lines);
	uses_json(j, mail->uses[i]);
	defects_json(j, part->defects);
	api_json_close(j, '}');
	arena_reset(&scratch);
}

bool api_parts_json(const struct api_mail *mail, slice id, struct buffer *out)
{
	struct api_json j = api_json_begin(out);

	api_json_open(&j, '{');
	api_json_text(&j, "ID", id);
	api_json_name(&j, "Parts");
	api_json_open(&j, '[');
	for (size_t i = 0; i < mail->mime.n && i < API_TREE_MAX; i++)
		part_json(&j, mail, i);
	api_json_close(&j, ']');
	api_json_close(&j, '}');
	return api_json_end(&j, true);
}

/* ---- wait ---- */

bool api_wait_read(slice text, uint64_t *ret_ms)
{
	static const struct {
		slice unit;
		uint64_t ms;
	} units[] = { { slice_lit("ms"), 1 }, { slice_lit("s"), 1000 }, { slice_lit("m"), 60000 } };
	uint64_t number, ms = 1000;

	for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
		if (!slice_ends(text, units[i].unit))
			continue;
		text = slice_head(text, text.len - units[i].unit.len);
		ms = units[i].ms;
		break;
	}
	if (!slice_to_u64(text, UINT32_MAX, &number))
		return false;
	*ret_ms = number * ms;
	return true;
}
