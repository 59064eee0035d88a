/* imap/structure.c - BODY and BODYSTRUCTURE: each part in the order of the text; the end of
 * what holds others is written when the last of them was. */
#include "base/limits.h"
#include "imap/describe.h"
#include "mail/cfws.h"
#include "mail/parameter_read.h"

/* In a multipart in which there is nothing. */
#define EMPTY_PART "(\"text\" \"plain\" NIL NIL NIL \"7bit\" 0 0"

static slice of_field(slice value)
{
	slice text = cfws_trim(value);

	return value.ptr != NULL && text.len == 0 ? slice_lit("") : text;
}

/* body-fld-param: as they stand, also those in pieces (RFC 2231). */
static void put_parameters(struct imap_writer *w, slice parameters, struct heap *heap)
{
	struct parameter_reader r = { .rest = parameters };
	struct parameter p;
	bool open = false;

	while (!w->full && parameter_next(&r, &p)) {
		unsigned char *plain = heap_alloc(heap, p.value.len + 1);

		imap_put(w, open ? slice_lit(" ") : slice_lit("("));
		open = true;
		imap_put_string(w, p.name);
		imap_put(w, slice_lit(" "));
		imap_put_string(w, slice_of(plain, parameter_plain(&p, plain)));
		heap_free(heap, plain);
	}
	imap_put(w, open ? slice_lit(")") : slice_lit("NIL"));
}

static void put_encoding(struct imap_writer *w, const struct mime_part *part)
{
	slice written = of_field(part->encoding_field);

	imap_put_string(w, written.len > 0 ? written : slice_lit("7bit"));
}

/* ---- what only BODYSTRUCTURE has ---- */

static void put_disposition(struct imap_writer *w, const struct mime_part *part,
    struct heap *heap)
{
	slice type = mime_disposition(part), rest = part->disposition;

	if (type.len == 0) {
		imap_put(w, slice_lit("NIL"));
		return;
	}
	content_type_cut(&rest);
	imap_put(w, slice_lit("("));
	imap_put_string(w, type);
	imap_put(w, slice_lit(" "));
	put_parameters(w, rest, heap);
	imap_put(w, slice_lit(")"));
}

/* Tags with commas between them (RFC 3282). */
static void put_languages(struct imap_writer *w, slice rest)
{
	bool open = false;

	for (unsigned n = 0; rest.len > 0 && n < IMAP_LANGUAGES_MAX; n++) {
		slice one = cfws_trim(slice_cut(&rest, ','));

		if (one.len == 0)
			continue;
		imap_put(w, open ? slice_lit(" ") : slice_lit("("));
		open = true;
		imap_put_string(w, one);
	}
	imap_put(w, open ? slice_lit(")") : slice_lit("NIL"));
}

/* dsp SP lang SP loc */
static void put_extension(struct imap_writer *w, const struct mime_part *part,
    struct heap *heap)
{
	imap_put(w, slice_lit(" "));
	put_disposition(w, part, heap);
	imap_put(w, slice_lit(" "));
	put_languages(w, part->language);
	imap_put(w, slice_lit(" "));
	imap_put_nstring(w, of_field(part->location));
}

/* ---- parts ---- */

/* As what a part without others in it is told. */
static void media_of(const struct mime_part *part, slice *ret_type, slice *ret_subtype)
{
	*ret_type = part->type.type;
	*ret_subtype = part->type.subtype;
	if (part->kind != MIME_LEAF)
		return;
	if (slice_equal_ascii(*ret_type, slice_lit("multipart"))) {
		*ret_type = slice_lit("text");
		*ret_subtype = slice_lit("plain");
	} else if (content_type_is(&part->type, "message", "rfc822") ||
	    content_type_is(&part->type, "message", "global")) {
		*ret_type = slice_lit("application");
		*ret_subtype = slice_lit("octet-stream");
	}
}

static bool has_lines(const struct mime_part *part)
{
	slice type, subtype;

	media_of(part, &type, &subtype);
	return part->kind == MIME_MESSAGE || slice_equal_ascii(type, slice_lit("text"));
}

/* media SP param SP id SP desc SP enc SP octets */
static void put_begin(struct imap_writer *w, const struct mime_part *part, struct heap *heap)
{
	slice type, subtype;

	media_of(part, &type, &subtype);
	imap_put_string(w, type);
	imap_put(w, slice_lit(" "));
	imap_put_string(w, subtype);
	imap_put(w, slice_lit(" "));
	put_parameters(w, part->parameters, heap);
	imap_put(w, slice_lit(" "));
	imap_put_nstring(w, of_field(part->id));
	imap_put(w, slice_lit(" "));
	imap_put_nstring(w, of_field(part->description));
	imap_put(w, slice_lit(" "));
	put_encoding(w, part);
	imap_put(w, slice_lit(" "));
	imap_put_number(w, part->body.len);
}

/* What follows octets, or in a message the body in it. */
static void put_end(struct imap_writer *w, const struct mime_part *part, bool extended,
    struct heap *heap)
{
	if (has_lines(part)) {
		imap_put(w, slice_lit(" "));
		imap_put_number(w, part->lines);
	}
	if (part->kind == MIME_MULTIPART) {
		imap_put(w, slice_lit(" "));
		imap_put_string(w, part->type.subtype);
		if (extended) {
			imap_put(w, slice_lit(" "));
			put_parameters(w, part->parameters, heap);
		}
	} else if (extended) {
		imap_put(w, slice_lit(" "));
		imap_put_nstring(w, of_field(part->md5));
	}
	if (extended)
		put_extension(w, part, heap);
	imap_put(w, slice_lit(")"));
}

static void put_part(struct imap_writer *w, const struct mime *m, size_t i, bool extended,
    struct heap *heap)
{
	const struct mime_part *part = &m->parts[i];

	imap_put(w, slice_lit("("));
	switch (part->kind) {
	case MIME_LEAF:
		put_begin(w, part, heap);
		break;
	case MIME_MESSAGE:
		put_begin(w, part, heap);
		imap_put(w, slice_lit(" "));
		imap_put_envelope(w, m->parts[i + 1].header, heap);
		imap_put(w, slice_lit(" "));
		break;
	case MIME_MULTIPART:
		if (part->end == i + 1)
			imap_put(w, extended ? slice_lit(EMPTY_PART " NIL NIL NIL NIL)") :
			    slice_lit(EMPTY_PART ")"));
		break;
	}
}

void imap_put_structure(struct imap_writer *w, const struct mime *m, bool extended,
    struct heap *heap)
{
	for (size_t i = 0; i < m->n && !w->full; i++) {
		put_part(w, m, i, extended, heap);
		/* It ends with the last part in it, and so may those that hold it. */
		for (size_t at = i; at != MIME_NONE && m->parts[at].end == i + 1;
		    at = m->parts[at].parent)
			put_end(w, &m->parts[at], extended, heap);
	}
}
