/* mail/seven_bit.c - two passes over one message with the same eyes: the first finds
 * out what is to be done with each part, the second does it.
 *
 *   HEADER --blank line--> CONTENT    of a part that has no parts
 *     |  ^   or no field
 *     |  '----------------- message/rfc822: the header of what is in it
 *     '-------------------> BETWEEN   boundaries: of a multipart, before its first
 *
 *   any --boundary of a multipart around it--> HEADER, of its next part
 *   any --its last boundary--> BETWEEN
 *
 * (1) Parts have numbers, in the order of their headers; plan[] has what is to be done
 *     with each. Both passes count alike, as they read the same octets.
 * (2) Nothing of 8 bits is written, whatever is read.
 * (3) A line of more than SEVEN_BIT_LINE_MAX comes in several chunks; where they are
 *     cut does not depend on the pieces of input. */
#include "mail/seven_bit.h"

#include <string.h>

#include "base/check.h"
#include "mail/content_type.h"
#include "mail/transfer.h"

enum action { KEEP, SAY_7BIT, TO_QUOTED_PRINTABLE, TO_BASE64 };
static const char *const action_names[] = { NULL, "7bit", "quoted-printable", "base64" };

enum field { FIELD_OTHER, FIELD_VERSION, FIELD_TYPE, FIELD_ENCODING, FIELDS };

/* Why not. They stand behind "can't be converted to 7 bits: ". */
#define WHY_HEADER "a field of its header has 8-bit characters (RFC 6532 s3.2)"
#define WHY_SIGNED "a signed part has 8-bit characters, and may not be changed (RFC 1847 s2.1)"
#define WHY_MESSAGE "a part that may not be encoded has 8-bit characters (RFC 2046 s5.2)"
#define WHY_ENCODED "a part that says it is encoded has 8-bit characters (RFC 2045 s6.2)"
#define WHY_UNKNOWN "a part with 8-bit characters has an unknown encoding (RFC 2045 s6.3)"
#define WHY_BOUNDARY "where the parts of a multipart begin can't be told (RFC 2046 s5.1.1)"
#define WHY_FIELDS "what a part with 8-bit characters is can't be told (RFC 2045 s3)"
#define WHY_DEEP "its parts are nested too deeply (RFC 2046 s5.1)"
#define WHY_MANY "it has too many parts (RFC 2046 s5.1)"

struct level {                          /* a multipart around what is read */
	unsigned char boundary[SEVEN_BIT_BOUNDARY_MAX];
	size_t len;
	bool digest;                    /* its parts are messages (RFC 2046 s5.1.5) */
	bool begun;                     /* it has a part */
	bool eight;                     /* there is something of 8 bits before that */
};

struct value {
	unsigned char *bytes;
	size_t len, max;
	unsigned n;                     /* fields of that name */
	bool full;
};

struct seven_bit {
	struct heap *heap;
	struct buffer *out;             /* NULL: scanning */
	bool eight, differs;            /* an octet of 8 bits; one that was not planned for */
	const char *why;                /* the first reason against it */

	unsigned char line[SEVEN_BIT_LINE_MAX];
	size_t n_line;
	bool within;                    /* some of that line was handed on */
	bool after_cr;                  /* a LF that comes next belongs to the CR */

	enum { IN_HEADER, IN_CONTENT, IN_BETWEEN } at;
	struct level levels[SEVEN_BIT_DEPTH_MAX];
	size_t depth;

	/* the part whose header came last */
	size_t n_parts;
	bool root;                      /* it is a message */
	bool in_digest, begun;          /* begun: its header has a line */
	bool unclear;                   /* where that ends */
	struct value values[FIELDS];
	unsigned char type[SEVEN_BIT_TYPE_MAX], encoding[SEVEN_BIT_ENCODING_MAX];
	enum field field;
	bool dropping;                  /* the field, for ours stands in its place */
	enum content_encoding says;
	enum action to;                 /* if it must be */
	const char *against;            /* why it can't be, or NULL */
	bool part_eight, part_odd;      /* odd: NUL, or a long line */
	size_t line_len;                /* so far */
	bool writing;
	struct transfer_writer writer;

	uint8_t plan[(SEVEN_BIT_PARTS_MAX + 3) / 4];
};

struct chunk {
	slice text;
	bool first, last;               /* of its line */
	bool newline;                   /* last, and not by the end of the message */
};

/* ---- the plan ---- */

static enum action planned(const struct seven_bit *s)
{
	size_t i = s->n_parts - 1;

	return i < SEVEN_BIT_PARTS_MAX ? (enum action)(s->plan[i / 4] >> (i % 4 * 2) & 3) : KEEP;
}

static void plan(struct seven_bit *s, enum action action)
{
	size_t i = s->n_parts - 1;

	if (s->out == NULL && i < SEVEN_BIT_PARTS_MAX)
		s->plan[i / 4] |= (uint8_t)(action << (i % 4 * 2));
}

static void refuse(struct seven_bit *s, const char *why)
{
	if (s->why == NULL)
		s->why = why;
}

/* ---- output ---- */

static void put(struct seven_bit *s, slice text)
{
	if (s->out != NULL)
		buffer_add(s->out, text);
}

/* As it is, but for octets of 8 bits. */
static void put_ascii(struct seven_bit *s, slice text)
{
	while (s->out != NULL && text.len > 0) {
		size_t n = 0;

		while (n < text.len && text.ptr[n] < 0x80)
			n++;
		put(s, slice_head(text, n));
		text = slice_drop(text, n);
		if (text.len > 0) {
			put(s, slice_lit("?"));
			text = slice_drop(text, 1);
		}
	}
}

static void put_newline(struct seven_bit *s, const struct chunk *c)
{
	if (c->newline)
		put(s, slice_lit("\r\n"));
}

static void put_encoding(struct seven_bit *s, enum action action)
{
	put(s, slice_lit("Content-Transfer-Encoding: "));
	put(s, slice_from(action_names[action]));
	put(s, slice_lit("\r\n"));
}

static bool is_encoded(enum action action)
{
	return action == TO_QUOTED_PRINTABLE || action == TO_BASE64;
}

/* ---- a part's header ---- */

static void begin_part(struct seven_bit *s, bool root, bool in_digest)
{
	s->at = IN_HEADER;
	s->n_parts++;
	s->root = root;
	s->in_digest = in_digest;
	s->begun = s->dropping = s->unclear = false;
	s->field = FIELD_OTHER;
	for (size_t i = 0; i < FIELDS; i++) {
		s->values[i].len = s->values[i].n = 0;
		s->values[i].full = false;
	}
}

/* field-name, then blanks, then a colon; the length with the colon, or 0. */
static size_t name_length(slice line, slice *ret_name)
{
	size_t n = 0, end;

	while (n < line.len && line.ptr[n] > ' ' && line.ptr[n] < 127 && line.ptr[n] != ':')
		n++;
	end = n;
	while (end < line.len && (line.ptr[end] == ' ' || line.ptr[end] == '\t'))
		end++;
	*ret_name = slice_head(line, n);
	return n > 0 && end < line.len && line.ptr[end] == ':' ? end + 1 : 0;
}

static enum field field_of(slice name)
{
	static const char *const names[FIELDS] = { "", "MIME-Version", "Content-Type",
	    "Content-Transfer-Encoding" };

	for (size_t i = FIELD_VERSION; i < FIELDS; i++) {
		if (slice_equal_ascii(name, slice_from(names[i])))
			return (enum field)i;
	}
	return FIELD_OTHER;
}

static void keep_value(struct seven_bit *s, slice text)
{
	struct value *v = &s->values[s->field];

	if (v->bytes == NULL)
		return;
	v->full = v->full || text.len > v->max - v->len;
	if (v->full || text.len == 0)
		return;
	memcpy(v->bytes + v->len, text.ptr, text.len);
	v->len += text.len;
}

static void begin_field(struct seven_bit *s, slice name)
{
	enum action action = planned(s);

	s->field = field_of(name);
	s->values[s->field].n++;
	s->dropping = s->out != NULL && s->field == FIELD_ENCODING && action != KEEP;
	if (s->dropping && s->values[FIELD_ENCODING].n == 1)
		put_encoding(s, action);
}

/* Whatever it is that the text of a header line belongs to. */
static void put_field(struct seven_bit *s, const struct chunk *c)
{
	if (!slice_is_ascii(c->text)) {
		s->eight = s->differs = true;
		refuse(s, WHY_HEADER);
	}
	s->begun = true;
	if (s->dropping)
		return;
	put_ascii(s, c->text);
	put_newline(s, c);
}

/* ---- what follows the header ---- */

enum kind { CONTENT, MULTIPART, MESSAGE };

static enum kind judge_multipart(struct seven_bit *s, const struct content_type *t)
{
	if (content_type_is(t, "multipart", "signed"))
		s->against = WHY_SIGNED;
	else if (t->boundary.len == 0 || t->boundary.len > SEVEN_BIT_BOUNDARY_MAX)
		s->against = WHY_BOUNDARY;
	else if (s->depth == SEVEN_BIT_DEPTH_MAX)
		s->against = WHY_DEEP;
	else
		return MULTIPART;
	return CONTENT;
}

/* What it is, from its fields: sets says, to, against. */
static enum kind judge_part(struct seven_bit *s, struct content_type *ret_type)
{
	const struct value *type = &s->values[FIELD_TYPE], *encoding = &s->values[FIELD_ENCODING];
	struct content_type t = content_type_read(slice_of(type->bytes, type->len));
	bool message = type->n == 0 && s->in_digest;

	*ret_type = t;
	s->says = content_encoding_read(slice_of(encoding->bytes, encoding->len));
	s->to = t.type.len == 0 || content_type_is(&t, "text", NULL) ? TO_QUOTED_PRINTABLE : TO_BASE64;
	if (s->says == CONTENT_BINARY)
		s->to = TO_BASE64;
	s->against = NULL;
	if (s->n_parts > SEVEN_BIT_PARTS_MAX)
		s->against = WHY_MANY;
	else if (s->unclear || type->n > 1 || encoding->n > 1 || type->full || encoding->full)
		s->against = WHY_FIELDS;
	else if (s->says == CONTENT_QUOTED_PRINTABLE || s->says == CONTENT_BASE64)
		s->against = WHY_ENCODED;
	else if (s->says == CONTENT_UNKNOWN)
		s->against = WHY_UNKNOWN;
	if (s->against != NULL)
		return CONTENT;
	if (content_type_is(&t, "multipart", NULL))
		return judge_multipart(s, &t);
	if (message || content_type_is(&t, "message", "rfc822"))
		return MESSAGE;
	/* RFC 6532 s3.5: those may be encoded, for hosts like these. */
	if (slice_starts_ascii(t.subtype, slice_lit("global")) && content_type_is(&t, "message", NULL))
		s->to = TO_QUOTED_PRINTABLE;
	else if (content_type_is(&t, "message", NULL))
		s->against = WHY_MESSAGE;
	return CONTENT;
}

static bool says_8bit(const struct seven_bit *s)
{
	return s->says == CONTENT_8BIT || s->says == CONTENT_BINARY;
}

static void enter_multipart(struct seven_bit *s, const struct content_type *t)
{
	struct level *level = &s->levels[s->depth++];

	memcpy(level->boundary, t->boundary.ptr, t->boundary.len);
	level->len = t->boundary.len;
	level->digest = content_type_is(t, "multipart", "digest");
	level->begun = level->eight = false;
	s->at = IN_BETWEEN;
}

static void enter_content(struct seven_bit *s)
{
	enum action action = planned(s);

	s->at = IN_CONTENT;
	s->part_eight = s->part_odd = false;
	s->line_len = 0;
	s->writing = s->out != NULL && is_encoded(action);
	s->writer = (struct transfer_writer){ .kind = action == TO_BASE64 ? TRANSFER_BASE64 :
	    TRANSFER_QUOTED_PRINTABLE };
}

/* The fields that it lacks for what is done with it. */
static void put_fields(struct seven_bit *s, enum kind kind)
{
	enum action action = planned(s);

	if (s->root && s->values[FIELD_VERSION].n == 0 && (kind != CONTENT || is_encoded(action)))
		put(s, slice_lit("MIME-Version: 1.0\r\n"));
	if (!is_encoded(action))
		return;
	if (s->values[FIELD_TYPE].n == 0)
		put(s, slice_lit("Content-Type: text/plain; charset=unknown-8bit\r\n"));
	if (s->values[FIELD_ENCODING].n == 0)
		put_encoding(s, action);
}

/* blank: a blank line ends the header; otherwise a line that is no field does. */
static void end_header(struct seven_bit *s, bool blank, bool newline)
{
	struct content_type t;
	enum kind kind = judge_part(s, &t);

	put_fields(s, kind);
	if (blank ? newline : is_encoded(planned(s)))
		put(s, slice_lit("\r\n"));
	if (kind != CONTENT && says_8bit(s))
		plan(s, SAY_7BIT);
	if (kind == MULTIPART)
		enter_multipart(s, &t);
	else if (kind == MESSAGE)
		begin_part(s, true, false);
	else
		enter_content(s);
}

/* ---- content ---- */

static void look_at_content(struct seven_bit *s, const struct chunk *c)
{
	if (!slice_is_ascii(c->text)) {
		s->eight = s->part_eight = true;
		if (s->against != NULL)
			refuse(s, s->against);
	}
	s->line_len = c->first ? c->text.len : s->line_len + c->text.len;
	if (s->line_len > LINE_MAX_OCTETS || slice_find_byte(c->text, 0) < c->text.len)
		s->part_odd = true;
}

static void on_content(struct seven_bit *s, const struct chunk *c)
{
	look_at_content(s, c);
	if (s->writing) {
		transfer_text(&s->writer, c->text, c->last, s->out);
		if (c->newline)
			transfer_newline(&s->writer, s->out);
		return;
	}
	s->differs = s->differs || s->part_eight;
	put_ascii(s, c->text);
	put_newline(s, c);
}

static void end_content(struct seven_bit *s, bool delimiter)
{
	if (s->at != IN_CONTENT)
		return;
	if (s->writing)
		transfer_end(&s->writer, delimiter, s->out);
	if (s->against != NULL)
		return;
	if (s->part_eight || (says_8bit(s) && s->part_odd))
		plan(s, s->to);
	else if (says_8bit(s))
		plan(s, SAY_7BIT);
}

static void on_between(struct seven_bit *s, const struct chunk *c)
{
	if (!slice_is_ascii(c->text)) {
		s->eight = true;
		if (s->depth > 0 && !s->levels[s->depth - 1].begun)
			s->levels[s->depth - 1].eight = true;
	}
	put_ascii(s, c->text);
	put_newline(s, c);
}

/* ---- lines ---- */

/* A boundary that never came: what has 8 bits may be all that there is. */
static void leave_levels(struct seven_bit *s, size_t depth)
{
	while (s->depth > depth) {
		const struct level *level = &s->levels[--s->depth];

		if (level->eight && !level->begun)
			refuse(s, WHY_BOUNDARY);
	}
}

/* The outermost first: who reads an inner one to its end stops there. */
static bool take_boundary(struct seven_bit *s, const struct chunk *c)
{
	if (!c->first || !c->last || !slice_starts(c->text, slice_lit("--")))
		return false;
	for (size_t i = 0; i < s->depth; i++) {
		const struct level *level = &s->levels[i];
		bool closes;

		if (!content_type_delimiter(c->text, slice_of(level->boundary, level->len), &closes))
			continue;
		end_content(s, true);
		leave_levels(s, i + 1);
		s->levels[i].begun = true;
		put(s, c->text);
		put_newline(s, c);
		if (closes) {
			leave_levels(s, i);
			s->at = IN_BETWEEN;
		} else {
			begin_part(s, false, s->levels[i].digest);
		}
		return true;
	}
	return false;
}

/* True: it was a line of the header. */
static bool take_header_line(struct seven_bit *s, const struct chunk *c)
{
	slice name;
	size_t n;

	if (c->first && c->text.len == 0) {
		end_header(s, true, c->newline);
		return true;
	}
	if (!c->first || (s->begun && (c->text.ptr[0] == ' ' || c->text.ptr[0] == '\t'))) {
		keep_value(s, c->text);
		put_field(s, c);
		return true;
	}
	n = name_length(c->text, &name);
	if (n > 0) {
		begin_field(s, name);
		keep_value(s, slice_drop(c->text, n));
		put_field(s, c);
		return true;
	}
	/* mbox's line, which some programs leave before a message that they send on. Behind
	 * fields of others some take it for the body, and some do not. */
	s->unclear = s->root && slice_starts(c->text, slice_lit("From "));
	if (s->unclear && !s->begun) {
		s->unclear = false;
		put_field(s, c);
		return true;
	}
	end_header(s, false, false);
	return false;
}

static void on_chunk(struct seven_bit *s, slice text, bool last, bool newline)
{
	struct chunk c = { text, !s->within, last, newline };

	s->within = !last;
	s->n_line = 0;
	if (take_boundary(s, &c))
		return;
	/* A message may begin at once, without a blank line, within another. */
	while (s->at == IN_HEADER) {
		if (take_header_line(s, &c))
			return;
	}
	if (s->at == IN_CONTENT)
		on_content(s, &c);
	else
		on_between(s, &c);
}

static void keep(struct seven_bit *s, slice *in, size_t n)
{
	if (n > 0)
		memcpy(s->line + s->n_line, in->ptr, n);
	s->n_line += n;
	*in = slice_drop(*in, n);
}

/* Take some of it off *in: at most one chunk is handed on. */
static void take(struct seven_bit *s, slice *in)
{
	slice all = *in;
	size_t n = 0, room = SEVEN_BIT_LINE_MAX - s->n_line;

	if (s->after_cr && all.ptr[0] == '\n')
		*in = slice_drop(all, 1);
	if (s->after_cr) {
		s->after_cr = false;
		return;
	}
	while (n < all.len && n <= room && all.ptr[n] != '\r' && all.ptr[n] != '\n')
		n++;
	if (n > room) {
		keep(s, in, room);
		on_chunk(s, slice_of(s->line, SEVEN_BIT_LINE_MAX), false, false);
	} else if (n == all.len) {
		keep(s, in, n);
	} else {
		slice text = slice_head(all, n);

		s->after_cr = all.ptr[n] == '\r';
		if (s->n_line > 0) {
			keep(s, in, n);
			text = slice_of(s->line, s->n_line);
		}
		*in = slice_drop(all, n + 1);
		on_chunk(s, text, true, true);
	}
}

static void end(struct seven_bit *s)
{
	if (s->n_line > 0)
		on_chunk(s, slice_of(s->line, s->n_line), true, false);
	end_content(s, false);
	leave_levels(s, 0);
}

static void begin(struct seven_bit *s)
{
	s->depth = s->n_parts = s->n_line = 0;
	s->within = s->after_cr = false;
	begin_part(s, true, false);
}

/* ---- from outside ---- */

struct seven_bit *seven_bit_create(struct heap *heap)
{
	struct seven_bit *s = heap_new(heap, struct seven_bit);

	s->heap = heap;
	s->values[FIELD_TYPE].bytes = s->type;
	s->values[FIELD_TYPE].max = sizeof s->type;
	s->values[FIELD_ENCODING].bytes = s->encoding;
	s->values[FIELD_ENCODING].max = sizeof s->encoding;
	begin(s);
	return s;
}

void seven_bit_destroy(struct seven_bit *s)
{
	if (s != NULL)
		heap_free(s->heap, s);
}

void seven_bit_scan(struct seven_bit *s, slice part)
{
	while (part.len > 0)
		take(s, &part);
}

enum seven_bit_result seven_bit_judge(struct seven_bit *s, const char **ret_why)
{
	end(s);
	begin(s);
	s->differs = false;
	if (!s->eight)
		return SEVEN_BIT_NOTHING;
	if (s->why == NULL)
		return SEVEN_BIT_CONVERTIBLE;
	*ret_why = s->why;
	return SEVEN_BIT_CANNOT;
}

size_t seven_bit_convert(struct seven_bit *s, slice part, struct buffer *out)
{
	slice rest = part;

	s->out = out;
	while (rest.len > 0 && buffer_room(out) >= SEVEN_BIT_ROOM)
		take(s, &rest);
	return part.len - rest.len;
}

bool seven_bit_convert_end(struct seven_bit *s, struct buffer *out)
{
	check(buffer_room(out) >= SEVEN_BIT_ROOM);
	s->out = out;
	end(s);
	return !s->differs;
}
