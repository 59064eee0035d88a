/* imap/search_prepare.c - keys as they are written, made what messages are compared with. */
#include "base/check.h"
#include "base/limits.h"
#include "imap/work.h"
#include "search/fold.h"

struct preparing {
	const struct imap_search *search;
	const struct imap_search_facts *facts;
	struct arena *arena;
	struct charsets *charsets;
};

/* In UTF-8, and folded. Three octets for one, and of those again three for two at most. */
static slice prepare_text(struct preparing *p, slice text)
{
	struct buffer decoded = buffer_init(p->facts->heap, 4 * text.len + 64);
	struct buffer folded = buffer_init(p->facts->heap, 6 * text.len + 128);

	(void)charset_decode(p->charsets, p->search->charset, text, &decoded);
	(void)!fold_text(buffer_bytes(&decoded), &folded);
	text = slice_copy(p->arena, buffer_bytes(&folded));
	buffer_free(&decoded);
	buffer_free(&folded);
	return text;
}

static bool prepare_set(struct preparing *p, struct imap_key *key)
{
	bool uids = key->kind == IMAP_KEY_UIDS;

	if (!slice_equal(key->text, slice_lit("$")))
		return imap_set_read(key->text, uids ? p->facts->star_uid : p->facts->star_sequence,
		    p->arena, &key->set) == IMAP_SET_OK;
	/* Kept as uids, whatever they are asked for as. */
	key->kind = IMAP_KEY_UIDS;
	if (p->facts->saved != NULL)
		key->set = *p->facts->saved;
	return true;
}

static void prepare_keyword(struct preparing *p, struct imap_key *key)
{
	int bit = p->facts->host->keyword_bit(p->facts->host->context, key->text);

	key->number = bit >= 0 && bit < IMAP_FLAG_BITS ? (uint64_t)1 << bit : 0;
}

static bool prepare_key(struct preparing *p, struct imap_key *key)
{
	switch (key->kind) {
	case IMAP_KEY_HEADER:
	case IMAP_KEY_BODY:
	case IMAP_KEY_TEXT:
		key->text = prepare_text(p, key->text);
		return true;
	case IMAP_KEY_NUMBERS:
	case IMAP_KEY_UIDS:
		return prepare_set(p, key);
	case IMAP_KEY_KEYWORD:
		prepare_keyword(p, key);
		return true;
	case IMAP_KEY_OLDER:
	case IMAP_KEY_YOUNGER:
		key->days = p->facts->now_s - (int64_t)key->number;
		return true;
	default:
		return true;
	}
}

enum imap_search_ready imap_search_prepare(struct imap_search *search,
    const struct imap_search_facts *facts, struct arena *arena)
{
	struct preparing p = { search, facts, arena, NULL };
	struct heap *heap;
	bool ok = true;

	if (search->charset.len > 0 && !charset_known(search->charset))
		return IMAP_SEARCH_CHARSET;
	/* It holds what iconv opens, until it is dropped. */
	heap = heap_create(SIZE_MAX);
	p.charsets = charsets_create(heap);
	for (size_t i = 0; i < search->n && ok; i++)
		ok = prepare_key(&p, &search->keys[i]);
	heap_drop(heap);
	return ok ? IMAP_SEARCH_READY : IMAP_SEARCH_SET;
}
