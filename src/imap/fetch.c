/* imap/fetch.c - items of FETCH, read and told. */
#include "imap/fetch.h"

#include <string.h>

static const struct {
	const char *name;
	enum imap_fetch_kind kind;
} simple[] = {
	/* Those that begin as others do stand before them. */
	{ "BODYSTRUCTURE", IMAP_FETCH_BODYSTRUCTURE }, { "BODY", IMAP_FETCH_BODY },
	{ "EMAILID", IMAP_FETCH_EMAILID }, { "ENVELOPE", IMAP_FETCH_ENVELOPE },
	{ "FLAGS", IMAP_FETCH_FLAGS }, { "INTERNALDATE", IMAP_FETCH_INTERNALDATE },
	{ "MODSEQ", IMAP_FETCH_MODSEQ }, { "PREVIEW", IMAP_FETCH_PREVIEW },
	{ "RFC822.HEADER", IMAP_FETCH_RFC822_HEADER }, { "RFC822.SIZE", IMAP_FETCH_RFC822_SIZE },
	{ "RFC822.TEXT", IMAP_FETCH_RFC822_TEXT }, { "RFC822", IMAP_FETCH_RFC822 },
	{ "SAVEDATE", IMAP_FETCH_SAVEDATE }, { "THREADID", IMAP_FETCH_THREADID },
	{ "UID", IMAP_FETCH_UID },
};

/* ---- sections ---- */

/* section-part = nz-number *("." nz-number); *more: a "." follows, and a word. */
static bool take_part(struct imap_parse *p, slice *ret, bool *more)
{
	const unsigned char *from = p->rest.ptr;
	uint64_t number;
	unsigned levels = 0;

	*more = false;
	do {
		*ret = slice_of(from, (size_t)(p->rest.ptr - from));
		if (*more && (p->rest.len == 0 || p->rest.ptr[0] < '0' || p->rest.ptr[0] > '9')) {
			ret->len--;     /* the point is not the part's */
			return true;
		}
		if (++levels > IMAP_SECTION_LEVELS_MAX) {
			p->wanted = "fewer levels";
			return false;
		}
		if (!imap_take_nz_number(p, UINT32_MAX, &number))
			return false;
		*more = imap_sees(p, '.');
	} while (*more && imap_take(p, '.', "."));
	*ret = slice_of(from, (size_t)(p->rest.ptr - from));
	return true;
}

/* header-list = "(" astring *(SP astring) ")" */
static bool take_fields(struct imap_parse *p, struct imap_section *section)
{
	section->fields = arena_new(p->arena, slice, IMAP_FETCH_FIELDS_MAX);
	if (!imap_take_space(p) || !imap_take(p, '(', "("))
		return false;
	do {
		if (section->n == IMAP_FETCH_FIELDS_MAX) {
			p->wanted = "fewer fields";
			return false;
		}
		if (!imap_take_astring(p, &section->fields[section->n++]))
			return false;
	} while (imap_sees(p, ' ') && imap_take_space(p));
	return imap_take(p, ')', ")");
}

/* section-msgtext / "MIME", which only a part has. */
static bool take_text(struct imap_parse *p, struct imap_section *section)
{
	if (imap_skip_word(p, "HEADER.FIELDS.NOT")) {
		section->kind = IMAP_SECTION_FIELDS_NOT;
		return take_fields(p, section);
	}
	if (imap_skip_word(p, "HEADER.FIELDS")) {
		section->kind = IMAP_SECTION_FIELDS;
		return take_fields(p, section);
	}
	if (imap_skip_word(p, "HEADER")) {
		section->kind = IMAP_SECTION_HEADER;
		return true;
	}
	if (imap_skip_word(p, "TEXT")) {
		section->kind = IMAP_SECTION_TEXT;
		return true;
	}
	section->kind = IMAP_SECTION_MIME;
	if (section->part.len > 0)
		return imap_take_word(p, "MIME");
	p->wanted = "HEADER, HEADER.FIELDS, HEADER.FIELDS.NOT, TEXT or a number";
	return false;
}

/* section = "[" [section-spec] "]" */
static bool take_section(struct imap_parse *p, bool binary, struct imap_section *section)
{
	bool more = true;

	*section = (struct imap_section){ .kind = IMAP_SECTION_ALL };
	if (!imap_take(p, '[', "["))
		return false;
	if (imap_sees(p, ']'))
		return imap_take(p, ']', "]");
	if (p->rest.len > 0 && p->rest.ptr[0] >= '0' && p->rest.ptr[0] <= '9' &&
	    !take_part(p, &section->part, &more))
		return false;
	if (more && binary) {
		p->wanted = "the number of a part";
		return false;
	}
	return (!more || take_text(p, section)) && imap_take(p, ']', "]");
}

/* partial = "<" number64 "." nz-number64 ">" */
static bool take_partial(struct imap_parse *p, struct imap_fetch_item *item)
{
	uint64_t offset, length;

	if (!imap_sees(p, '<'))
		return true;
	if (!imap_take(p, '<', "<") || !imap_take_number(p, UINT32_MAX, &offset) ||
	    !imap_take(p, '.', ".") || !imap_take_nz_number(p, UINT32_MAX, &length) ||
	    !imap_take(p, '>', ">"))
		return false;
	item->partial = true;
	item->offset = (uint32_t)offset;
	item->length = (uint32_t)length;
	return true;
}

/* ---- items ---- */

static bool sets_seen(enum imap_fetch_kind kind)
{
	return kind == IMAP_FETCH_RFC822 || kind == IMAP_FETCH_RFC822_TEXT ||
	    kind == IMAP_FETCH_SECTION || kind == IMAP_FETCH_BINARY;
}

static bool same_text(slice a, slice b)
{
	return slice_equal_ascii(a, b);
}

static bool same(const struct imap_fetch_item *a, const struct imap_fetch_item *b)
{
	if (a->kind != b->kind || a->section.kind != b->section.kind || a->partial != b->partial ||
	    a->offset != b->offset || a->length != b->length || a->section.n != b->section.n ||
	    !same_text(a->section.part, b->section.part))
		return false;
	for (size_t i = 0; i < a->section.n; i++) {
		if (!same_text(a->section.fields[i], b->section.fields[i]))
			return false;
	}
	return true;
}

static bool add(struct imap_parse *p, const struct imap_fetch_item *item, struct imap_fetch *f)
{
	for (size_t i = 0; i < f->n; i++) {
		if (same(&f->items[i], item)) {
			f->items[i].peek = f->items[i].peek && item->peek;
			return true;
		}
	}
	if (f->n == IMAP_FETCH_ITEMS_MAX) {
		p->wanted = "fewer items";
		return false;
	}
	f->names += item->section.n;
	if (f->names > IMAP_FETCH_FIELDS_MAX) {
		p->wanted = "fewer fields";
		return false;
	}
	f->items[f->n++] = *item;
	return true;
}

/* BODY[, BODY.PEEK[, BINARY[, BINARY.PEEK[ or BINARY.SIZE[. */
static bool skip_section_word(struct imap_parse *p, struct imap_fetch_item *item)
{
	static const struct {
		const char *name;
		enum imap_fetch_kind kind;
		bool peek;
	} rows[] = {
		{ "BODY[", IMAP_FETCH_SECTION, false }, { "BODY.PEEK[", IMAP_FETCH_SECTION, true },
		{ "BINARY[", IMAP_FETCH_BINARY, false }, { "BINARY.PEEK[", IMAP_FETCH_BINARY, true },
		{ "BINARY.SIZE[", IMAP_FETCH_BINARY_SIZE, true },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		if (slice_starts_ascii(p->rest, slice_from(rows[i].name))) {
			p->rest = slice_drop(p->rest, strlen(rows[i].name) - 1);
			item->kind = rows[i].kind;
			item->peek = rows[i].peek;
			return true;
		}
	}
	return false;
}

/* PREVIEW [SP "(" "LAZY" ")"] (RFC 8970 s3.1) */
static bool take_preview(struct imap_parse *p, struct imap_fetch_item *item)
{
	struct imap_parse q = *p;

	if (!imap_sees(&q, ' '))
		return true;
	q.rest = slice_drop(q.rest, 1);
	if (!slice_starts_ascii(q.rest, slice_lit("(LAZY)")))
		return true;
	p->rest = slice_drop(q.rest, strlen("(LAZY)"));
	item->lazy = true;
	return true;
}

static bool take_item(struct imap_parse *p, struct imap_fetch *f)
{
	struct imap_fetch_item item = { .kind = IMAP_FETCH_SECTION };

	if (skip_section_word(p, &item))
		return take_section(p, item.kind != IMAP_FETCH_SECTION, &item.section) &&
		    (item.kind == IMAP_FETCH_BINARY_SIZE || take_partial(p, &item)) &&
		    add(p, &item, f);
	for (size_t i = 0; i < sizeof simple / sizeof simple[0]; i++) {
		if (!imap_skip_word(p, simple[i].name))
			continue;
		item.kind = simple[i].kind;
		item.peek = !sets_seen(item.kind);
		return (item.kind != IMAP_FETCH_PREVIEW || take_preview(p, &item)) &&
		    add(p, &item, f);
	}
	p->wanted = "an item of a message, such as FLAGS or BODY[]";
	return false;
}

static void add_all(struct imap_fetch *f, const enum imap_fetch_kind *kinds, size_t n)
{
	for (size_t i = 0; i < n; i++)
		f->items[f->n++] = (struct imap_fetch_item){ .kind = kinds[i], .peek = true };
}

static bool skip_macro(struct imap_parse *p, struct imap_fetch *f)
{
	static const enum imap_fetch_kind kinds[] = { IMAP_FETCH_FLAGS, IMAP_FETCH_INTERNALDATE,
		IMAP_FETCH_RFC822_SIZE, IMAP_FETCH_ENVELOPE, IMAP_FETCH_BODY };

	if (imap_skip_word(p, "FAST"))
		add_all(f, kinds, 3);
	else if (imap_skip_word(p, "ALL"))
		add_all(f, kinds, 4);
	else if (imap_skip_word(p, "FULL"))
		add_all(f, kinds, 5);
	return f->n > 0;
}

/* fetch-modifiers = SP "(" "CHANGEDSINCE" SP mod-sequence-value [SP "VANISHED"] ")" */
static bool take_modifiers(struct imap_parse *p, struct imap_fetch *f)
{
	if (p->rest.len == 0)
		return true;
	if (!imap_take_space(p) || !imap_take(p, '(', "("))
		return false;
	do {
		if (imap_skip_word(p, "VANISHED"))
			f->vanished = true;
		else if (!imap_take_word(p, "CHANGEDSINCE") || !imap_take_space(p) ||
		    !imap_take_number(p, INT64_MAX, &f->modseq))
			return false;
		else
			f->changed_since = true;
	} while (imap_sees(p, ' ') && imap_take_space(p));
	return imap_take(p, ')', ")");
}

bool imap_take_fetch(struct imap_parse *p, struct imap_fetch *ret)
{
	bool list = imap_sees(p, '(');

	*ret = (struct imap_fetch){ 0 };
	if (skip_macro(p, ret))
		return take_modifiers(p, ret);
	if (list && !imap_take(p, '(', "("))
		return false;
	do {
		if (!take_item(p, ret))
			return false;
	} while (list && imap_sees(p, ' ') && imap_take_space(p));
	return (!list || imap_take(p, ')', ")")) && take_modifiers(p, ret);
}

/* ---- told ---- */

/* As clients write it, who may look for what they wrote. */
static void put_field(struct imap_writer *w, slice name)
{
	bool plain = name.len > 0;

	for (size_t i = 0; i < name.len; i++) {
		unsigned char c = ascii_lower(name.ptr[i]);

		plain = plain && ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
		    c == '_');
	}
	if (plain)
		imap_put(w, name);
	else
		imap_put_string(w, name);
}

static void put_section(struct imap_writer *w, const struct imap_section *section)
{
	static const char *const words[] = { "", "HEADER", "HEADER.FIELDS", "HEADER.FIELDS.NOT", "TEXT",
		"MIME" };

	imap_put(w, slice_lit("["));
	imap_put(w, section->part);
	if (section->part.len > 0 && section->kind != IMAP_SECTION_ALL)
		imap_put(w, slice_lit("."));
	imap_put(w, slice_from(words[section->kind]));
	for (size_t i = 0; i < section->n; i++) {
		imap_put(w, i == 0 ? slice_lit(" (") : slice_lit(" "));
		put_field(w, section->fields[i]);
	}
	imap_put(w, section->n > 0 ? slice_lit(")]") : slice_lit("]"));
}

void imap_put_item(struct imap_writer *w, const struct imap_fetch_item *item)
{
	if (item->kind < IMAP_FETCH_SECTION) {
		for (size_t i = 0; i < sizeof simple / sizeof simple[0]; i++) {
			if (simple[i].kind == item->kind)
				imap_put(w, slice_from(simple[i].name));
		}
		return;
	}
	imap_put(w, item->kind == IMAP_FETCH_SECTION ? slice_lit("BODY") :
	    item->kind == IMAP_FETCH_BINARY ? slice_lit("BINARY") : slice_lit("BINARY.SIZE"));
	put_section(w, &item->section);
	if (item->partial) {
		imap_put(w, slice_lit("<"));
		imap_put_number(w, item->offset);
		imap_put(w, slice_lit(">"));
	}
}
