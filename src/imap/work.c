/* imap/work.c - a work from its beginning to its end, and one message of it. */
#include "imap/work_impl.h"

#include <string.h>

#include "base/check.h"
#include "base/limits.h"
#include "imap/describe.h"

static struct imap_work *create(size_t n_max)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct imap_work *w = heap_new(heap, struct imap_work);

	w->heap = heap;
	w->items = heap_alloc(heap, n_max * sizeof *w->items);
	w->n_max = n_max;
	w->out = buffer_init(heap, SIZE_MAX / 2);
	w->names = arena_init(heap, SIZE_MAX / 2);
	w->parts = arena_init(heap, MIME_ARENA_MAX + (MIME_PARTS_MAX + 1) *
	    (1 + sizeof(struct imap_part_text)));
	w->digest = buffer_init(heap, DIGEST_RECORD_MAX);
	w->scratch = w->folded = w->texts = w->folds = buffer_init(heap, SIZE_MAX / 32);
	return w;
}

struct imap_work *imap_work_fetch(const struct imap_fetch *fetch, size_t n_max)
{
	struct imap_work *w = create(n_max);
	struct imap_fetch *copy = heap_new(w->heap, struct imap_fetch);

	*copy = *fetch;
	for (size_t i = 0; i < copy->n; i++) {
		struct imap_section *section = &copy->items[i].section;
		slice *fields = arena_new(&w->names, slice, section->n);

		section->part = slice_copy(&w->names, section->part);
		for (size_t k = 0; k < section->n; k++)
			fields[k] = slice_copy(&w->names, section->fields[k]);
		section->fields = fields;
	}
	w->fetch = copy;
	(void)imap_fetch_needs(fetch, &w->need);
	w->digest_parts = imap_fetch_parts(fetch);
	return w;
}

struct imap_work *imap_work_search(const struct imap_search *search, size_t n_max)
{
	struct imap_work *w = create(n_max);
	struct imap_search *copy = heap_new(w->heap, struct imap_search);

	*copy = *search;
	copy->keys = heap_alloc(w->heap, search->n * sizeof *copy->keys);
	memcpy(copy->keys, search->keys, search->n * sizeof *copy->keys);
	for (size_t i = 0; i < copy->n; i++) {
		struct imap_key *key = &copy->keys[i];
		bool asked = imap_key_cost(key) != IMAP_COST_NONE;

		key->set = (struct imap_set){ 0 };
		key->text = asked ? slice_copy(&w->names, key->text) : (slice){ 0 };
		key->name = asked ? slice_copy(&w->names, key->name) : (slice){ 0 };
	}
	w->search = copy;
	w->states = heap_alloc(w->heap, n_max * search->n * sizeof *w->states);
	(void)imap_search_needs(search, &w->need);
	w->digest_parts = imap_search_parts(search);
	return w;
}

static void drop_heap(void *heap)
{
	heap_drop(heap);
}

void imap_work_own(struct imap_work *w, struct heap *owner)
{
	w->owner = owner;
	heap_on_drop(owner, drop_heap, w->heap);
}

void imap_work_free(struct imap_work *w)
{
	while (w != NULL) {
		struct imap_work *beside = w->beside;

		if (w->owner != NULL)
			heap_cancel_on_drop(w->owner, drop_heap, w->heap);
		heap_drop(w->heap);
		w = beside;
	}
}

void imap_work_again(struct imap_work *w)
{
	for (; w != NULL; w = w->beside) {
		w->n = w->n_read = 0;
		w->unknown_encoding = false;
		buffer_truncate(&w->out, 0);
	}
}

struct buffer *imap_work_output(struct imap_work *w)
{
	return buffer_bytes(&w->out).len == 0 && w->beside != NULL ? &w->beside->out : &w->out;
}

size_t imap_work_unsent(const struct imap_work *w)
{
	size_t n = 0;

	for (; w != NULL; w = w->beside)
		n += buffer_bytes(&w->out).len;
	return n;
}

void imap_work_add(struct imap_work *w, const struct imap_work_item *item,
    const struct imap_key_state *states)
{
	check(w->n < w->n_max);
	if (w->search != NULL)
		memcpy(w->states + w->n * w->search->n, states, w->search->n * sizeof *states);
	w->items[w->n++] = *item;
}

/* ---- one message ---- */

slice imap_header(struct imap_look *r)
{
	if (!r->has_header)
		r->header = mime_header(r->text);
	r->has_header = true;
	return r->header;
}

const struct mime *imap_mime(struct imap_look *r)
{
	if (!r->parsed)
		r->m = mime_parse(r->text, &r->w->parts);
	r->parsed = true;
	return &r->m;
}

struct charsets *imap_work_charsets(struct imap_work *w)
{
	if (w->charsets == NULL)
		w->charsets = charsets_create(w->heap);
	return w->charsets;
}

static void fetch_message(struct imap_look *r)
{
	struct imap_work *w = r->w;
	size_t before = buffer_bytes(&w->out).len;

	w->out.size_max = before + IMAP_ANSWER_TIMES * r->text.len + IMAP_ANSWER_MORE;
	imap_fetch_message(r);
}

/* ---- what is remembered ---- */

/* The parts that were told are there already. */
static void remember(struct imap_look *r)
{
	struct imap_work *w = r->w;
	struct imap_writer more = { .out = &w->scratch };
	struct imap_digest digest = { .header = imap_header(r) };
	const unsigned char *told = buffer_bytes(&w->out).ptr;
	bool whole = w->need == IMAP_NEED_ALL || r->text.len >= r->item->message.size;
	size_t envelope;

	if (digest.header.len > DIGEST_RECORD_MAX)
		return;
	digest.has = IMAP_DIGEST_HEADER | IMAP_DIGEST_ENVELOPE | (whole ? IMAP_DIGEST_STRUCTURE : 0);
	buffer_truncate(&w->scratch, 0);
	if (r->envelope_len == 0)
		imap_put_envelope(&more, digest.header, w->heap);
	envelope = buffer_bytes(&w->scratch).len;
	if (whole && r->structure_len == 0)
		imap_put_structure(&more, imap_mime(r), true, w->heap);
	digest.envelope = r->envelope_len > 0 ? slice_of(told + r->envelope_at, r->envelope_len) :
	    slice_head(buffer_bytes(&w->scratch), envelope);
	digest.structure = r->structure_len > 0 ? slice_of(told + r->structure_at, r->structure_len) :
	    slice_drop(buffer_bytes(&w->scratch), envelope);
	if (!more.full && digest.header.len + digest.envelope.len + digest.structure.len <=
	    DIGEST_RECORD_MAX - IMAP_DIGEST_LENGTHS)
		imap_digest_write(&digest, &w->digest);
}

void imap_work_message(struct imap_work *w, size_t i, enum imap_text_result result, slice text)
{
	struct imap_look r = { .w = w, .item = &w->items[i], .text = slice_lit("") };

	check(i < w->n);
	w->n_read++;
	r.item->result = result;
	if (result == IMAP_TEXT_OK)
		r.text = text.len > 0 ? text : slice_lit("");
	if (w->fetch != NULL)
		fetch_message(&r);
	else if (result == IMAP_TEXT_OK)
		imap_search_message(&r);
	buffer_truncate(&w->digest, 0);
	if (w->remembers && r.item->result == IMAP_TEXT_OK)
		remember(&r);
	arena_reset(&w->parts);
}

bool imap_work_digest(struct imap_work *w, size_t i, const struct imap_digest *digest)
{
	struct imap_look r = { .w = w, .item = &w->items[i], .digest = digest,
		.text = digest->header, .header = digest->header, .has_header = true };

	check(i < w->n);
	if (w->digest_parts == 0 || (w->digest_parts & ~digest->has) != 0)
		return false;
	r.item->result = IMAP_TEXT_OK;
	if (w->fetch != NULL)
		fetch_message(&r);
	else
		imap_search_message(&r);
	return true;
}
