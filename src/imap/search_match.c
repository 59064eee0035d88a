/* imap/search_match.c - does a message fit? First what needs no text, on the loop; then its
 * header; then all of it.
 *
 * Texts are compared folded (search/fold.h). Where both are ASCII, as most are, the text is
 * not even copied: letters of either case are found in place. */
#include <string.h>

#include "base/limits.h"
#include "imap/work_impl.h"
#include "mail/date.h"
#include "mail/header_text.h"
#include "search/find.h"
#include "search/fold.h"

enum { DAY = 24 * 60 * 60 };

bool imap_search_needs(const struct imap_search *search, enum imap_work_need *ret)
{
	enum imap_key_cost most = IMAP_COST_NONE;

	for (size_t i = 0; i < search->n; i++) {
		if (imap_key_cost(&search->keys[i]) > most)
			most = imap_key_cost(&search->keys[i]);
	}
	*ret = most == IMAP_COST_ALL ? IMAP_NEED_ALL : IMAP_NEED_HEADER;
	return most != IMAP_COST_NONE;
}

unsigned imap_search_parts(const struct imap_search *search)
{
	enum imap_work_need need;

	return imap_search_needs(search, &need) && need == IMAP_NEED_HEADER ? IMAP_DIGEST_HEADER : 0;
}

static int64_t floor_of(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

/* Before, on or since a day; in the order of the kinds. */
static bool fits_day(enum imap_key_kind kind, enum imap_key_kind before, int64_t seconds,
    int64_t day)
{
	int64_t is = floor_of(seconds, DAY);

	if (kind == before)
		return is < day;
	return kind == before + 1 ? is == day : is >= day;
}

/* ---- without text ---- */

static bool fits_flags(const struct imap_work_item *item, const struct imap_key *key)
{
	uint64_t flags = item->message.flags;

	switch (key->kind) {
	case IMAP_KEY_FLAGS:
		return (flags & key->mask) == key->bits;
	case IMAP_KEY_KEYWORD:
		return ((flags & key->number) != 0) != key->without;
	case IMAP_KEY_RECENT:
		return item->recent != key->without;
	default:
		return item->recent && !(flags & IMAP_SEEN);
	}
}

static bool fits_id(const struct imap_work_item *item, const struct imap_key *key)
{
	char text[IMAP_EMAIL_ID_TEXT];
	size_t len = imap_email_id(&item->message, text);

	return slice_equal(key->text, slice_of(text, len));
}

/* RFC 8514 s4.3: of what is not known when it was saved, INTERNALDATE. */
static int64_t saved_s(const struct imap_message *m)
{
	return m->saved_s != 0 ? m->saved_s : floor_of(m->received_us, 1000000);
}

static bool match_plain(void *context, const struct imap_key *key)
{
	const struct imap_work_item *item = context;
	const struct imap_message *m = &item->message;
	int64_t received_s = floor_of(m->received_us, 1000000);

	switch (key->kind) {
	case IMAP_KEY_FLAGS:
	case IMAP_KEY_KEYWORD:
	case IMAP_KEY_RECENT:
	case IMAP_KEY_NEW:
		return fits_flags(item, key);
	case IMAP_KEY_NUMBERS:
		return imap_set_has(&key->set, item->sequence);
	case IMAP_KEY_UIDS:
		return imap_set_has(&key->set, m->uid);
	case IMAP_KEY_BEFORE:
	case IMAP_KEY_ON:
	case IMAP_KEY_SINCE:
		return fits_day(key->kind, IMAP_KEY_BEFORE, received_s, key->days);
	case IMAP_KEY_SAVED_BEFORE:
	case IMAP_KEY_SAVED_ON:
	case IMAP_KEY_SAVED_SINCE:
		return fits_day(key->kind, IMAP_KEY_SAVED_BEFORE, saved_s(m), key->days);
	case IMAP_KEY_LARGER:
		return m->size > key->number;
	case IMAP_KEY_SMALLER:
		return m->size < key->number;
	case IMAP_KEY_OLDER:
		return received_s <= key->days;
	case IMAP_KEY_YOUNGER:
		return received_s >= key->days;
	case IMAP_KEY_MODSEQ:
		return m->modseq >= key->number;
	case IMAP_KEY_EMAILID:
		return fits_id(item, key);
	case IMAP_KEY_THREADID:
		return false;
	default:
		return true;            /* ALL, SAVEDATESUPPORTED, and BODY "" */
	}
}

enum imap_answer imap_search_judge(const struct imap_search *search,
    const struct imap_work_item *item, struct imap_key_state *states)
{
	imap_search_begin(search, states);
	return imap_search_go(search, IMAP_COST_NONE, match_plain, (void *)(uintptr_t)item, states);
}

/* ---- texts ---- */

/* In what is ASCII, which stands for itself. */
static bool has_plain(slice text, slice part)
{
	return slice_is_ascii(part) && find_part_any_case(text, part);
}

/* In what is UTF-8, as it is written. */
static bool has_folded(struct imap_work *w, slice text, slice part)
{
	if (slice_is_ascii(part))
		return find_part_any_case(text, part);
	buffer_truncate(&w->folded, 0);
	return fold_text(text, &w->folded) && find_part(buffer_bytes(&w->folded), part);
}

/* Is what it says not what is written? */
static bool is_coded(slice value)
{
	return !slice_is_ascii(value) || find_part(value, slice_lit("=?"));
}

/* May the part stand where a field is folded? Only with its blank. */
static bool may_span(slice value, slice part)
{
	return (slice_find_byte(part, ' ') < part.len || slice_find_byte(part, '\t') < part.len) &&
	    slice_find_byte(value, '\n') < value.len;
}

/* A field's value, or all of the field. */
static bool value_has(struct imap_work *w, slice value, slice part)
{
	if (!is_coded(value) && !may_span(value, part))
		return has_plain(value, part);
	buffer_truncate(&w->scratch, 0);
	header_text_decode(imap_work_charsets(w), (slice){ 0 }, value, &w->scratch);
	return has_folded(w, buffer_bytes(&w->scratch), part);
}

/* In all fields of a header, with their names. */
static bool header_has(struct imap_work *w, slice header, slice part)
{
	struct header_field field;

	if (!is_coded(header)) {
		if (has_plain(header, part))
			return true;
		if (!slice_is_ascii(part) || !may_span(header, part))
			return false;
	}
	while (mime_field_next(&header, &field)) {
		if (value_has(w, field.whole, part))
			return true;
	}
	return false;
}

/* Octets of ASCII that may stand for others: with escapes, or in Unicode's encodings. */
static bool is_wide(const struct mime_part *part)
{
	slice p = part->parameters;

	return slice_find_byte(part->body, '\x1b') < part->body.len ||
	    find_part_any_case(p, slice_lit("ucs")) || find_part_any_case(p, slice_lit("unicode")) ||
	    (find_part_any_case(p, slice_lit("utf")) && !find_part_any_case(p, slice_lit("utf-8")));
}

static void decode_part(struct imap_work *w, const struct mime_part *part, struct imap_part_text *t)
{
	bool encoded = part->encoding == CONTENT_BASE64 || part->encoding == CONTENT_QUOTED_PRINTABLE;

	t->known = true;
	t->as_is = !encoded && slice_is_ascii(part->body) && !is_wide(part);
	if (t->as_is)
		return;
	t->at = buffer_bytes(&w->texts).len;
	(void)mime_decode_text(part, imap_work_charsets(w), &w->texts);
	t->len = buffer_bytes(&w->texts).len - t->at;
}

static slice folded_part(struct imap_work *w, struct imap_part_text *t)
{
	if (!t->folds) {
		t->folds = true;
		t->fold_at = buffer_bytes(&w->folds).len;
		if (!fold_text(slice_sub(buffer_bytes(&w->texts), t->at, t->len), &w->folds))
			buffer_truncate(&w->folds, t->fold_at);
		t->fold_len = buffer_bytes(&w->folds).len - t->fold_at;
	}
	return slice_sub(buffer_bytes(&w->folds), t->fold_at, t->fold_len);
}

static bool part_has(struct imap_look *r, size_t i, slice text)
{
	struct imap_work *w = r->w;
	struct imap_part_text *t;

	if (r->texts == NULL)
		r->texts = arena_new(&w->parts, struct imap_part_text, r->m.n);
	t = &r->texts[i];
	if (!t->known)
		decode_part(w, &r->m.parts[i], t);
	if (t->as_is)
		return has_plain(r->m.parts[i].body, text);
	if (slice_is_ascii(text))
		return find_part_any_case(slice_sub(buffer_bytes(&w->texts), t->at, t->len), text);
	return find_part(folded_part(w, t), text);
}

/* BODY, in parts that are text and the headers of messages in it; or TEXT, in all headers,
 * too. */
static bool message_has(struct imap_look *r, slice text, bool headers)
{
	const struct mime *m;

	if (headers && header_has(r->w, imap_header(r), text))
		return true;
	m = imap_mime(r);
	for (size_t i = 0; i < m->n; i++) {
		const struct mime_part *part = &m->parts[i];

		if (i > 0 && (headers || mime_is_message(m, i)) &&
		    header_has(r->w, part->header, text))
			return true;
		if (part->kind == MIME_LEAF && part->body.len > 0 &&
		    (content_type_is(&part->type, "text", NULL) ||
		    content_type_is(&part->type, "multipart", NULL)) && part_has(r, i, text))
			return true;
	}
	return false;
}

/* What each key looks at: all of it, but for many keys and a header of megabytes. */
static slice bounded_header(struct imap_look *r)
{
	slice header = imap_header(r);
	unsigned n = r->w->search->n_fields;
	size_t max = IMAP_SEARCH_FIELDS_OCTETS / (n > 0 ? n : 1);

	return header.len > max ? slice_head(header, max) : header;
}

/* HEADER: in one of the fields of that name. */
static bool field_has(struct imap_look *r, const struct imap_key *key)
{
	slice rest = bounded_header(r);
	struct header_field field;

	while (mime_field_next(&rest, &field)) {
		if (slice_equal_ascii(field.name, key->name) &&
		    (key->text.len == 0 || value_has(r->w, field.value, key->text)))
			return true;
	}
	return false;
}

/* The day that Date says where it was written. Without one, none. */
static bool fits_sent(struct imap_look *r, const struct imap_key *key)
{
	slice rest = bounded_header(r);
	struct header_field field;
	struct date date;

	while (mime_field_next(&rest, &field)) {
		if (slice_equal_ascii(field.name, slice_lit("Date")))
			return date_parse(field.value, &date) && fits_day(key->kind,
			    IMAP_KEY_SENT_BEFORE, date.seconds + 60 * date.zone_minutes,
			    key->days);
	}
	return false;
}

static bool match_text(void *context, const struct imap_key *key)
{
	struct imap_look *r = context;

	switch (key->kind) {
	case IMAP_KEY_HEADER:
		return field_has(r, key);
	case IMAP_KEY_SENT_BEFORE:
	case IMAP_KEY_SENT_ON:
	case IMAP_KEY_SENT_SINCE:
		return fits_sent(r, key);
	case IMAP_KEY_BODY:
	case IMAP_KEY_TEXT:
		return message_has(r, key->text, key->kind == IMAP_KEY_TEXT);
	default:
		return false;           /* those were judged before */
	}
}

void imap_search_message(struct imap_look *r)
{
	const struct imap_search *search = r->w->search;
	struct imap_key_state *states = r->w->states + (size_t)(r->item - r->w->items) * search->n;

	buffer_truncate(&r->w->texts, 0);
	buffer_truncate(&r->w->folds, 0);
	if (imap_search_go(search, IMAP_COST_HEADER, match_text, r, states) == IMAP_UNKNOWN)
		(void)imap_search_go(search, IMAP_COST_ALL, match_text, r, states);
	r->item->hit = states[0].answer == IMAP_YES;
}
