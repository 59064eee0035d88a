/* imap/envelope.c - ENVELOPE: ten fields of a header, in a fixed order. */
#include "base/limits.h"
#include "imap/describe.h"
#include "mail/address_field.h"
#include "mail/cfws.h"
#include "mail/header.h"

enum field {
	DATE,
	SUBJECT,
	FROM,
	SENDER,
	REPLY_TO,
	TO,
	CC,
	BCC,
	IN_REPLY_TO,
	MESSAGE_ID,
	FIELDS,
};

#define NAME(text) { (const unsigned char *)(text), sizeof(text) - 1 }

static const slice names[FIELDS] = {
	NAME("Date"), NAME("Subject"), NAME("From"), NAME("Sender"), NAME("Reply-To"), NAME("To"),
	NAME("Cc"), NAME("Bcc"), NAME("In-Reply-To"), NAME("Message-ID"),
};

/* Borrowed from the header. */
struct fields {
	slice values[FIELDS][IMAP_ADDRESS_FIELDS_MAX];
	size_t n[FIELDS];
};

static void collect(slice header, struct fields *ret)
{
	struct header_field field;

	*ret = (struct fields){ 0 };
	while (mime_field_next(&header, &field)) {
		for (size_t i = 0; i < FIELDS; i++) {
			if (field.name.len == names[i].len &&
			    slice_equal_ascii(field.name, names[i]) && ret->n[i] < IMAP_ADDRESS_FIELDS_MAX)
				ret->values[i][ret->n[i]++] = cfws_trim(field.value);
		}
	}
}

/* ---- addresses ---- */

/* RFC 9051 s7.5.2: the local-part without RFC 5322's quoting. */
static void put_local(struct imap_writer *w, slice local, struct arena *arena)
{
	unsigned char *plain;
	size_t n = 0;

	if (local.len < 2 || local.ptr[0] != '"') {
		imap_put_string(w, local);
		return;
	}
	local = slice_sub(local, 1, local.len - 2);
	plain = arena_new(arena, unsigned char, local.len + 1);
	for (size_t i = 0; i < local.len; i++) {
		if (local.ptr[i] == '\\' && i + 1 < local.len)
			i++;
		plain[n++] = local.ptr[i];
	}
	imap_put_string(w, slice_of(plain, n));
}

/* "(" name SP adl SP mailbox SP host ")" */
static void put_address(struct imap_writer *w, const struct address_member *m,
    struct arena *arena)
{
	switch (m->kind) {
	case ADDRESS_MAILBOX:
	case ADDRESS_UNREADABLE:
		imap_put(w, slice_lit("("));
		imap_put_nstring(w, m->name.len > 0 ? m->name : (slice){ 0 });
		imap_put(w, slice_lit(" NIL "));
		put_local(w, m->local, arena);
		imap_put(w, slice_lit(" "));
		imap_put_string(w, m->domain);
		imap_put(w, slice_lit(")"));
		break;
	case ADDRESS_GROUP:
		imap_put(w, slice_lit("(NIL NIL "));
		imap_put_string(w, m->name);
		imap_put(w, slice_lit(" NIL)"));
		break;
	case ADDRESS_GROUP_END:
		imap_put(w, slice_lit("(NIL NIL NIL NIL)"));
		break;
	}
}

/* *open: "(" was written. */
static void put_members(struct imap_writer *w, slice value, bool *open, struct heap *heap)
{
	struct arena arena = arena_init(heap, ADDRESS_FIELD_ARENA_MAX);
	struct address_field f = address_field_read(value, NULL, (slice){ 0 }, &arena);

	for (size_t i = 0; i < f.n; i++) {
		if (!*open)
			imap_put(w, slice_lit("("));
		*open = true;
		put_address(w, &f.members[i], &arena);
	}
	arena_reset(&arena);
}

static void put_addresses(struct imap_writer *w, const struct fields *fields, enum field field,
    struct heap *heap)
{
	bool open = false;

	for (size_t i = 0; i < fields->n[field]; i++)
		put_members(w, fields->values[field][i], &open, heap);
	/* RFC 9051 s7.5.2: as From, when they are absent or empty. */
	for (size_t i = 0; !open && (field == SENDER || field == REPLY_TO) &&
	    i < fields->n[FROM]; i++)
		put_members(w, fields->values[FROM][i], &open, heap);
	imap_put(w, open ? slice_lit(")") : slice_lit("NIL"));
}

void imap_put_envelope(struct imap_writer *w, slice header, struct heap *heap)
{
	struct fields fields;

	collect(header, &fields);
	for (enum field field = 0; field < FIELDS; field++) {
		imap_put(w, field == 0 ? slice_lit("(") : slice_lit(" "));
		if (field >= FROM && field <= BCC)
			put_addresses(w, &fields, field, heap);
		else
			imap_put_nstring(w, fields.n[field] > 0 ? fields.values[field][0] :
			    (slice){ 0 });
	}
	imap_put(w, slice_lit(")"));
}
