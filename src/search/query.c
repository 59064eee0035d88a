/* search/query.c - terms: read once, then asked of each message. */
#include "search/query.h"

#include "base/limits.h"
#include "search/find.h"
#include "search/fold.h"
#include "search/when.h"

/* ---- the query cut into terms ---- */

/* The next term of *in without its quotes, in `ret`, which has room for *in. */
static slice take_term(slice *in, unsigned char *ret)
{
	bool quoted = false;
	size_t n = 0, i = 0;

	for (; i < in->len; i++) {
		unsigned char c = in->ptr[i];

		if (c == '"')
			quoted = !quoted;
		else if (c == ' ' && !quoted)
			break;
		else
			ret[n++] = c;
	}
	*in = slice_drop(*in, i);
	return slice_of(ret, n);
}

/* ---- values ---- */

/* Folded, in `arena`: lower case is at most half as long again. */
static slice fold(slice text, bool words, struct arena *arena)
{
	struct buffer out = buffer_init(arena->heap, text.len * 2 + 8);
	bool ok = words ? fold_words(text, &out) : fold_text(slice_trim(text), &out);
	slice folded = ok ? slice_copy(arena, buffer_bytes(&out)) : slice_head(text, 0);

	buffer_free(&out);
	return folded;
}

/* Digits, maybe with a fraction, and a unit of 1024s. *ret_part: it is a little more. */
static bool read_size(slice text, uint64_t *ret_size, bool *ret_part)
{
	static const struct { const char *text; unsigned shift; } units[] = {
		{ "", 0 }, { "b", 0 }, { "k", 10 }, { "kb", 10 }, { "m", 20 }, { "mb", 20 },
	};
	uint64_t whole = 0, fraction = 0, scale = 1;
	size_t n = 0, digits = 0;
	bool dot = false;

	for (; n < text.len; n++) {
		unsigned char c = text.ptr[n];

		if (c == '.' && !dot) {
			dot = true;
		} else if (c >= '0' && c <= '9') {
			if (dot && scale < 1000000) {
				fraction = fraction * 10 + (unsigned)(c - '0');
				scale *= 10;
			} else if (!dot) {
				whole = whole * 10 + (unsigned)(c - '0');
			}
			if (++digits > 12)
				return false;
		} else {
			break;
		}
	}
	for (size_t i = 0; i < sizeof units / sizeof *units && digits > 0; i++) {
		uint64_t parts;

		if (!slice_equal_ascii(slice_drop(text, n), slice_from(units[i].text)))
			continue;
		parts = fraction << units[i].shift;
		*ret_size = (whole << units[i].shift) + parts / scale;
		*ret_part = parts % scale != 0;
		return true;
	}
	return false;
}

struct word {
	const char *text;
	enum search_key key;
};

static const struct word fields[] = {
	{ "from", SEARCH_FROM }, { "to", SEARCH_TO }, { "cc", SEARCH_CC }, { "bcc", SEARCH_BCC },
	{ "reply-to", SEARCH_REPLY_TO }, { "addressed", SEARCH_ADDRESSED },
	{ "subject", SEARCH_SUBJECT }, { "message-id", SEARCH_MESSAGE_ID }, { "tag", SEARCH_TAG },
	{ NULL, SEARCH_WORDS },
};
static const struct word states[] = {
	{ "is:read", SEARCH_READ }, { "is:unread", SEARCH_UNREAD }, { "is:tagged", SEARCH_TAGGED },
	{ "has:attachment", SEARCH_ATTACHMENT }, { "has:attachments", SEARCH_ATTACHMENT },
	{ "has:inline", SEARCH_INLINE }, { "has:inlines", SEARCH_INLINE },
	{ NULL, SEARCH_WORDS },
};
static const struct word numbers[] = {
	{ "larger", SEARCH_LARGER }, { "smaller", SEARCH_SMALLER }, { "after", SEARCH_AFTER },
	{ "before", SEARCH_BEFORE }, { NULL, SEARCH_WORDS },
};

static enum search_key find_word(const struct word *words, slice text)
{
	while (words->text != NULL && !slice_equal_ascii(slice_from(words->text), text))
		words++;
	return words->key;
}

/* False: it is a term about words after all. */
static bool read_number(struct search_term *t, slice value, const struct when_zone *zone, bool *ret_ignore)
{
	bool part = false;

	if (t->key == SEARCH_AFTER || t->key == SEARCH_BEFORE) {
		*ret_ignore = !when_parse(value, zone, &t->wall_us);
		return true;
	}
	if (!read_size(value, &t->size, &part))
		return false;
	t->size += t->key == SEARCH_SMALLER && part;
	return true;
}

/* False: it counts for nothing. */
static bool read_term(slice text, const struct when_zone *zone, struct arena *arena, struct search_term *t)
{
	slice value = text, name;
	bool ignore = false;

	t->key = find_word(states, text);
	if (t->key != SEARCH_WORDS)
		return true;
	name = slice_cut(&value, ':');
	if (name.len < text.len) {
		t->key = find_word(numbers, name);
		if (t->key != SEARCH_WORDS && read_number(t, value, zone, &ignore))
			return !ignore;
		t->key = find_word(fields, name);
	}
	t->text = t->key != SEARCH_WORDS ? fold(value, false, arena) : fold(text, true, arena);
	return t->text.len > 0;
}

bool search_parse(slice query, const struct when_zone *zone, struct arena *arena,
    struct search_query *ret_query)
{
	unsigned char *unquoted;

	if (query.len > SEARCH_QUERY_MAX)
		return false;
	unquoted = arena_new(arena, unsigned char, query.len + 1);
	*ret_query = (struct search_query){ .terms = arena_new(arena, struct search_term,
	    SEARCH_TERMS_MAX) };
	for (;;) {
		struct search_term t = { 0 };
		slice text;

		while (query.len > 0 && query.ptr[0] == ' ')
			query = slice_drop(query, 1);
		if (query.len == 0)
			return true;
		t.is_not = query.ptr[0] == '-' || query.ptr[0] == '!';
		if (t.is_not)
			query = slice_drop(query, 1);
		text = take_term(&query, unquoted);
		if (!read_term(text, zone, arena, &t))
			continue;
		if (ret_query->n == SEARCH_TERMS_MAX)
			return false;
		ret_query->terms[ret_query->n++] = t;
		ret_query->words = ret_query->words || t.key == SEARCH_WORDS;
	}
}

/* ---- a message ---- */

static bool has_tag(const struct search_message *m, slice tag)
{
	for (size_t i = 0; i < m->n_tags; i++) {
		if (slice_equal_ascii(m->tags[i], tag))         /* there are no others in a tag */
			return true;
	}
	return false;
}

static bool is_true(const struct search_term *t, const struct search_message *m)
{
	switch (t->key) {
	case SEARCH_WORDS:
		return !t->is_not;
	case SEARCH_FROM:
		return find_part(m->from, t->text);
	case SEARCH_TO:
		return find_part(m->to, t->text);
	case SEARCH_CC:
		return find_part(m->cc, t->text);
	case SEARCH_BCC:
		return find_part(m->bcc, t->text);
	case SEARCH_REPLY_TO:
		return find_part(m->reply_to, t->text);
	case SEARCH_ADDRESSED:
		return find_part(m->from, t->text) || find_part(m->to, t->text) ||
		    find_part(m->cc, t->text) || find_part(m->bcc, t->text) ||
		    find_part(m->reply_to, t->text);
	case SEARCH_SUBJECT:
		return find_part(m->subject, t->text);
	case SEARCH_MESSAGE_ID:
		return find_part(m->message_id, t->text);
	case SEARCH_TAG:
		return has_tag(m, t->text);
	case SEARCH_READ:
		return m->read;
	case SEARCH_UNREAD:
		return !m->read;
	case SEARCH_TAGGED:
		return m->n_tags > 0;
	case SEARCH_ATTACHMENT:
		return m->n_attachments > 0;
	case SEARCH_INLINE:
		return m->n_inline > 0;
	case SEARCH_LARGER:
		return m->size > t->size;
	case SEARCH_SMALLER:
		return m->size < t->size;
	case SEARCH_AFTER:
		return m->received_us >= t->wall_us;
	case SEARCH_BEFORE:
		return m->received_us <= t->wall_us;
	}
	return false;
}

bool search_matches(const struct search_query *query, const struct search_message *message)
{
	for (size_t i = 0; i < query->n; i++) {
		if (is_true(&query->terms[i], message) == query->terms[i].is_not)
			return false;
	}
	return true;
}

bool search_matches_words(const struct search_query *query, slice words)
{
	for (size_t i = 0; i < query->n; i++) {
		const struct search_term *t = &query->terms[i];

		if (t->key == SEARCH_WORDS && find_part(words, t->text) == t->is_not)
			return false;
	}
	return true;
}
