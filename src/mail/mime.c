/* mail/mime.c - lines of a message into parts, with a stack of what is open.
 *
 *   IN_HEADER --blank line--> IN_BODY, or of a message IN_HEADER of what is in it
 *   any --delimiter of an open multipart--> IN_HEADER of its next part
 *   any --its last delimiter--> IN_BODY, its epilogue
 *
 * (1) open[0] is the root, open[depth - 1] the part that a line belongs to.
 * (2) Each multipart that was opened has its delimiter in delimiters[], innermost last,
 *     until its last one came.
 * (3) Going back to a line that turned out to be the body's happens once a header. */
#include "mail/mime.h"

#include <string.h>

#include "base/check.h"
#include "base/limits.h"
#include "mail/content_decode.h"
#include "mail/parameter_read.h"
#include "mail/utf8.h"

enum { FIRST_PARTS = 8, LINE_MAX_RFC = 998, BOUNDARY_RFC = 70 };

struct delimiter {
	uint32_t part;
	slice boundary;
};

struct parser {
	struct mime m;
	struct arena *arena;
	size_t size;                    /* of m.parts */
	size_t values_left;             /* of MIME_VALUES_MAX */

	size_t at;                      /* the next line */
	size_t lines;                   /* line ends before it */
	bool in_header;
	bool full;                      /* no more parts: delimiters mean nothing */

	uint32_t open[MIME_DEPTH_MAX + 1];
	size_t body_lines[MIME_DEPTH_MAX + 1];  /* p->lines where its body begins */
	unsigned depth;
	struct delimiter delimiters[MIME_DEPTH_MAX];
	unsigned n_delimiters;

	/* In a header: the line that is no field, if the last one was none. */
	bool junk;
	size_t junk_at, junk_lines;
};

static struct mime_part *top(struct parser *p)
{
	return &p->m.parts[p->open[p->depth - 1]];
}

static void open_part(struct parser *p, size_t at)
{
	struct mime_part *part;
	uint32_t i = (uint32_t)p->m.n;

	if (p->m.n == p->size) {
		struct mime_part *parts = arena_new(p->arena, struct mime_part, 2 * p->size);

		memcpy(parts, p->m.parts, p->m.n * sizeof *parts);
		p->m.parts = parts;
		p->size *= 2;
	}
	part = &p->m.parts[p->m.n++];
	part->parent = p->depth > 0 ? p->open[p->depth - 1] : MIME_NONE;
	part->depth = (uint16_t)p->depth;
	part->ordinal = 1;
	if (part->parent != MIME_NONE) {
		uint32_t before = i - 1;

		/* Up from the last part to the one beside this. */
		while (before != part->parent && p->m.parts[before].parent != part->parent)
			before = p->m.parts[before].parent;
		if (before != part->parent)
			part->ordinal = p->m.parts[before].ordinal + 1;
	}
	part->header = slice_sub(p->m.message, at, 0);
	check(p->depth <= MIME_DEPTH_MAX && p->m.n <= MIME_PARTS_MAX);
	p->open[p->depth++] = i;
	part->header_lines = p->lines;  /* until it ends */
	p->in_header = true;
	p->junk = false;
}

/* ---- fields ---- */

bool mime_field_next(slice *rest, struct header_field *ret)
{
	enum header_result result;

	while ((result = header_next(rest, true, ret)) == HEADER_BODY) {
		*rest = slice_drop(*rest, slice_find_byte(*rest, '\n'));
		if (rest->len > 0)
			*rest = slice_drop(*rest, 1);
	}
	return result == HEADER_FIELD;
}

slice mime_field(const struct mime_part *part, const char *name)
{
	struct header_field field;
	slice rest = part->header;

	while (mime_field_next(&rest, &field)) {
		if (slice_equal_ascii(field.name, slice_from(name)))
			return field.value;
	}
	return (slice){ 0 };
}

/* A value, or so much of it as is read. */
static slice take_value(struct parser *p, slice value)
{
	size_t max = p->values_left < MIME_VALUE_MAX ? p->values_left : MIME_VALUE_MAX;

	if (value.len > max)
		value = slice_head(value, max);
	p->values_left -= value.len;
	return value;
}

/* What they say of a part, the first of each. */
static void read_fields(struct parser *p, struct mime_part *part, slice *ret_type)
{
	const struct {
		const char *name;
		slice *value;
	} rows[] = {
		{ "Content-Type", ret_type },
		{ "Content-Transfer-Encoding", &part->encoding_field },
		{ "Content-Disposition", &part->disposition },
		{ "Content-ID", &part->id },
		{ "Content-Description", &part->description },
		{ "Content-MD5", &part->md5 },
		{ "Content-Language", &part->language },
		{ "Content-Location", &part->location },
	};
	struct header_field field;
	slice rest = part->header;

	while (mime_field_next(&rest, &field)) {
		if (!slice_starts_ascii(field.name, slice_lit("Content-")))
			continue;
		for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
			if (!slice_equal_ascii(field.name, slice_from(rows[i].name)))
				continue;
			if (rows[i].value->ptr != NULL)
				part->defects |= MIME_TWICE;
			else
				*rows[i].value = take_value(p, field.value);
		}
	}
}

static slice read_boundary(struct parser *p, slice parameters)
{
	struct buffer joined = buffer_init(p->arena->heap, MIME_BOUNDARY_MAX + 1);
	slice charset, boundary = { 0 };
	bool extended;

	if (parameter_join(parameters, slice_lit("boundary"), &joined, &charset, &extended)) {
		boundary = buffer_bytes(&joined);
		while (boundary.len > 0 && (boundary.ptr[boundary.len - 1] == ' ' ||
		    boundary.ptr[boundary.len - 1] == '\t'))
			boundary.len--;
		if (boundary.len > MIME_BOUNDARY_MAX)
			boundary.len = 0;
		boundary = slice_copy(p->arena, boundary);
	}
	buffer_free(&joined);
	return boundary;
}

static void judge_type(struct parser *p, struct mime_part *part, slice value)
{
	bool digest = part->parent != MIME_NONE &&
	    content_type_is(&p->m.parts[part->parent].type, "multipart", "digest");

	part->type = content_type_read(value);
	part->parameters = slice_drop(value, slice_find_byte(value, ';'));
	if (part->type.type.len > 0) {
		/* Behind the subtype: some leave the semicolon out. */
		part->parameters = slice_drop(value,
		    (size_t)(part->type.subtype.ptr + part->type.subtype.len - value.ptr));
		return;
	}
	if (value.ptr != NULL)
		part->defects |= MIME_BAD_TYPE;
	else if (digest) {
		part->type.type = slice_lit("message");
		part->type.subtype = slice_lit("rfc822");
		return;
	}
	part->type.type = slice_lit("text");
	part->type.subtype = slice_lit("plain");
}

static enum mime_kind judge_kind(struct parser *p, struct mime_part *part)
{
	bool multipart = content_type_is(&part->type, "multipart", NULL);
	bool message = content_type_is(&part->type, "message", "rfc822") ||
	    content_type_is(&part->type, "message", "global");

	if (!multipart && !message)
		return MIME_LEAF;
	if (part->encoding == CONTENT_BASE64 || part->encoding == CONTENT_QUOTED_PRINTABLE) {
		part->defects |= MIME_ENCODED;
		if (message)
			return MIME_LEAF;
		part->encoding = CONTENT_8BIT;
	}
	if (multipart) {
		if (part->type.boundary.len == 0)
			part->type.boundary = read_boundary(p, part->parameters);
		if (part->type.boundary.len > BOUNDARY_RFC)
			part->defects |= MIME_LONG_BOUNDARY;
		if (part->type.boundary.len == 0 || part->type.boundary.len > MIME_BOUNDARY_MAX) {
			part->defects |= MIME_NO_BOUNDARY;
			return MIME_LEAF;
		}
	}
	if (part->depth == MIME_DEPTH_MAX) {
		part->defects |= MIME_TOO_DEEP;
		return MIME_LEAF;
	}
	return multipart ? MIME_MULTIPART : MIME_MESSAGE;
}

/* The header of the innermost part ends at p->at; what follows is its body. */
static void end_header(struct parser *p)
{
	struct mime_part *part = top(p);
	size_t start = (size_t)(part->header.ptr - p->m.message.ptr);
	slice type = { 0 };

	part->header = slice_sub(p->m.message, start, p->at - start);
	part->body = slice_sub(p->m.message, p->at, 0);
	part->header_lines = p->lines - part->header_lines;
	p->body_lines[p->depth - 1] = p->lines;
	p->in_header = false;
	if (!slice_is_ascii(part->header))
		part->defects |= utf8_valid(part->header) ? MIME_UTF8_HEADER : MIME_8BIT_HEADER;
	read_fields(p, part, &type);
	part->encoding = content_encoding_read(part->encoding_field);
	if (part->encoding == CONTENT_UNKNOWN)
		part->defects |= MIME_BAD_ENCODING;
	judge_type(p, part, type);
	part->kind = judge_kind(p, part);
	if (part->kind == MIME_MULTIPART)
		p->delimiters[p->n_delimiters++] = (struct delimiter){ p->open[p->depth - 1],
			part->type.boundary };
}

/* The body begins, which may be another message's header. */
static void begin_body(struct parser *p)
{
	end_header(p);
	if (top(p)->kind != MIME_MESSAGE)
		return;
	/* One is left for the delimiter that may have ended this header. */
	if (p->m.n + 1 < MIME_PARTS_MAX) {
		open_part(p, p->at);
	} else {
		p->m.parts[0].defects |= MIME_TOO_MANY;
		top(p)->kind = MIME_LEAF;
	}
}

/* ---- the ends of parts ---- */

static void close_part(struct parser *p, size_t end, size_t lines)
{
	struct mime_part *part = top(p);
	size_t start = (size_t)(part->body.ptr - p->m.message.ptr);
	bool bad;

	part->body = slice_sub(p->m.message, start, end - start);
	part->lines = lines - p->body_lines[p->depth - 1];
	part->end = (uint32_t)p->m.n;
	part->decoded = part->body.len;
	if (part->kind == MIME_LEAF) {
		part->decoded = content_decode(part->encoding, part->body, NULL, 0, &bad);
		if (bad)
			part->defects |= part->encoding == CONTENT_BASE64 ? MIME_BAD_BASE64 :
			    MIME_BAD_QUOTED;
	}
	if (part->kind == MIME_MULTIPART && part->end == p->open[p->depth - 1] + 1)
		part->defects |= MIME_NO_PARTS;
	if (p->n_delimiters > 0 &&
	    p->delimiters[p->n_delimiters - 1].part == p->open[p->depth - 1]) {
		part->defects |= MIME_NO_END;
		p->n_delimiters--;
	}
	p->depth--;
}

/* The line that holds the innermost header's junk is the body's first. */
static void go_back(struct parser *p)
{
	p->at = p->junk_at;
	p->lines = p->junk_lines;
	top(p)->defects |= MIME_NO_BLANK_LINE;
	begin_body(p);
}

/* End what is open inside of `keep` parts; the line at p->at is a delimiter, or the end. */
static void close_to(struct parser *p, unsigned keep, bool delimiter)
{
	size_t end = p->at, lines = p->lines;

	while (p->in_header)
		begin_body(p);
	if (delimiter && end > 0) {
		end--;
		lines--;
		if (end > 0 && p->m.message.ptr[end - 1] == '\r')
			end--;
	}
	while (p->depth > keep) {
		size_t start = (size_t)(top(p)->body.ptr - p->m.message.ptr);

		/* The line end before is its header's: the body is empty. */
		if (end < start) {
			end = start;
			lines = p->body_lines[p->depth - 1];
		}
		close_part(p, end, lines);
	}
}

/* ---- lines ---- */

/* Which delimiter the line is, or n_delimiters. */
static unsigned find_delimiter(const struct parser *p, slice line, bool *ret_last)
{
	unsigned i = p->n_delimiters;

	while (i-- > 0) {
		if (content_type_delimiter(header_without_end(line), p->delimiters[i].boundary, ret_last))
			return i;
	}
	return p->n_delimiters;
}

/* True when the line was a delimiter, or sent us back. */
static bool take_delimiter(struct parser *p, slice line)
{
	unsigned i, keep = 0;
	bool last;

	if (p->full || line.len < 3 || line.ptr[0] != '-' || line.ptr[1] != '-')
		return false;
	i = find_delimiter(p, line, &last);
	if (i == p->n_delimiters)
		return false;
	if (!last && p->m.n >= MIME_PARTS_MAX) {
		p->m.parts[0].defects |= MIME_TOO_MANY;
		p->full = true;
		return false;
	}
	if (p->in_header && p->junk) {
		go_back(p);
		return true;
	}
	while (p->open[keep] != p->delimiters[i].part)
		keep++;
	close_to(p, keep + 1, true);
	p->n_delimiters = last ? i : i + 1;
	p->at += line.len;
	p->lines += line.ptr[line.len - 1] == '\n';
	if (!last)
		open_part(p, p->at);
	return true;
}

static void take_header_line(struct parser *p, slice line)
{
	bool blank = header_without_end(line).len == 0;
	bool folded = line.ptr[0] == ' ' || line.ptr[0] == '\t';
	struct mime_part *part = top(p);

	if (folded && p->at > (size_t)(part->header.ptr - p->m.message.ptr)) {
		/* Belongs to the line before, whatever that is. */
	} else if (header_name_length(header_without_end(line)) > 0) {
		if (p->junk)
			part->defects |= MIME_NO_COLON;
		p->junk = false;
	} else if (p->junk) {
		go_back(p);
		return;
	} else if (!blank) {
		p->junk = true;
		p->junk_at = p->at;
		p->junk_lines = p->lines;
	}
	p->at += line.len;
	p->lines += line.ptr[line.len - 1] == '\n';
	if (blank)
		begin_body(p);
}

/* What is wrong with the line itself. */
static void note_line(struct parser *p, slice line)
{
	slice text = header_without_end(line);
	struct mime_part *part = top(p);
	bool ended = line.ptr[line.len - 1] == '\n';

	if (ended && line.len - text.len == 1)
		part->defects |= MIME_BARE_LF;
	if (text.len > LINE_MAX_RFC)
		part->defects |= MIME_LONG_LINE;
	if (slice_find_byte(text, '\r') < text.len)
		part->defects |= MIME_BARE_CR;
	if (slice_find_byte(text, 0) < text.len)
		part->defects |= MIME_NUL;
	if (!p->in_header && part->encoding != CONTENT_8BIT && part->encoding != CONTENT_BINARY &&
	    !slice_is_ascii(text))
		part->defects |= MIME_8BIT_BODY;
}

/* As take_header_line() does it. */
slice mime_header(slice message)
{
	size_t at = 0, junk_at = 0;
	bool junk = false;

	while (at < message.len) {
		slice rest = slice_drop(message, at), text;
		size_t end = slice_find_byte(rest, '\n'), len = end < rest.len ? end + 1 : end;
		bool folded = at > 0 && (rest.ptr[0] == ' ' || rest.ptr[0] == '\t');

		text = header_without_end(slice_head(rest, len));
		if (!folded && header_name_length(text) > 0) {
			junk = false;
		} else if (!folded && junk) {
			return slice_head(message, junk_at);
		} else if (!folded) {
			if (text.len == 0)
				return slice_head(message, at + len);
			junk = true;
			junk_at = at;
		}
		at += len;
	}
	return slice_head(message, junk ? junk_at : at);
}

struct mime mime_parse(slice message, struct arena *arena)
{
	struct parser p = { .m = { .message = message }, .arena = arena, .size = FIRST_PARTS,
		.values_left = MIME_VALUES_MAX };

	p.m.parts = arena_new(arena, struct mime_part, FIRST_PARTS);
	open_part(&p, 0);
	for (;;) {
		slice rest = slice_drop(message, p.at), line;
		size_t end = slice_find_byte(rest, '\n');

		if (rest.len == 0 && p.in_header && p.junk) {
			go_back(&p);
			continue;
		}
		if (rest.len == 0)
			break;
		line = slice_head(rest, end < rest.len ? end + 1 : end);
		if (take_delimiter(&p, line))
			continue;
		note_line(&p, line);
		if (p.in_header) {
			take_header_line(&p, line);
		} else {
			p.at += line.len;
			p.lines += line.ptr[line.len - 1] == '\n';
		}
	}
	close_to(&p, 0, false);
	return p.m;
}
