/* imap/search.c - keys, read with a stack of what they are in. */
#include "imap/search.h"

#include "base/check.h"

enum argument {
	ARGUMENT_NONE,
	ARGUMENT_TEXT,                  /* astring */
	ARGUMENT_FIELD,                 /* the same; of the field that the row names */
	ARGUMENT_HEADER,                /* a field's name, and an astring */
	ARGUMENT_DATE,
	ARGUMENT_NUMBER,
	ARGUMENT_KEYWORD,
	ARGUMENT_SET,
	ARGUMENT_MODSEQ,
	ARGUMENT_KEYS,                  /* one or two keys */
};

#define HAS(flag) .kind = IMAP_KEY_FLAGS, .bits = (flag), .mask = (flag)
#define HAS_NOT(flag) .kind = IMAP_KEY_FLAGS, .mask = (flag)

static const struct row {
	const char *name;
	enum argument argument;
	enum imap_key_kind kind;
	bool without;
	uint32_t bits, mask;
} rows[] = {
	{ "ALL", .kind = IMAP_KEY_ALL },
	{ "ANSWERED", HAS(IMAP_ANSWERED) },
	{ "BCC", ARGUMENT_FIELD, IMAP_KEY_HEADER },
	{ "BEFORE", ARGUMENT_DATE, IMAP_KEY_BEFORE },
	{ "BODY", ARGUMENT_TEXT, IMAP_KEY_BODY },
	{ "CC", ARGUMENT_FIELD, IMAP_KEY_HEADER },
	{ "DELETED", HAS(IMAP_DELETED) },
	{ "DRAFT", HAS(IMAP_DRAFT) },
	{ "EMAILID", ARGUMENT_TEXT, IMAP_KEY_EMAILID },
	{ "FLAGGED", HAS(IMAP_FLAGGED) },
	{ "FROM", ARGUMENT_FIELD, IMAP_KEY_HEADER },
	{ "HEADER", ARGUMENT_HEADER, IMAP_KEY_HEADER },
	{ "KEYWORD", ARGUMENT_KEYWORD, IMAP_KEY_KEYWORD },
	{ "LARGER", ARGUMENT_NUMBER, IMAP_KEY_LARGER },
	{ "MODSEQ", ARGUMENT_MODSEQ, IMAP_KEY_MODSEQ },
	{ "NEW", .kind = IMAP_KEY_NEW },
	{ "NOT", ARGUMENT_KEYS, IMAP_KEY_NOT },
	{ "OLD", .kind = IMAP_KEY_RECENT, .without = true },
	{ "OLDER", ARGUMENT_NUMBER, IMAP_KEY_OLDER },
	{ "ON", ARGUMENT_DATE, IMAP_KEY_ON },
	{ "OR", ARGUMENT_KEYS, IMAP_KEY_OR },
	{ "RECENT", .kind = IMAP_KEY_RECENT },
	{ "SAVEDATESUPPORTED", .kind = IMAP_KEY_SAVEDATE_SUPPORTED },
	{ "SAVEDBEFORE", ARGUMENT_DATE, IMAP_KEY_SAVED_BEFORE },
	{ "SAVEDON", ARGUMENT_DATE, IMAP_KEY_SAVED_ON },
	{ "SAVEDSINCE", ARGUMENT_DATE, IMAP_KEY_SAVED_SINCE },
	{ "SEEN", HAS(IMAP_SEEN) },
	{ "SENTBEFORE", ARGUMENT_DATE, IMAP_KEY_SENT_BEFORE },
	{ "SENTON", ARGUMENT_DATE, IMAP_KEY_SENT_ON },
	{ "SENTSINCE", ARGUMENT_DATE, IMAP_KEY_SENT_SINCE },
	{ "SINCE", ARGUMENT_DATE, IMAP_KEY_SINCE },
	{ "SMALLER", ARGUMENT_NUMBER, IMAP_KEY_SMALLER },
	{ "SUBJECT", ARGUMENT_FIELD, IMAP_KEY_HEADER },
	{ "TEXT", ARGUMENT_TEXT, IMAP_KEY_TEXT },
	{ "THREADID", ARGUMENT_TEXT, IMAP_KEY_THREADID },
	{ "TO", ARGUMENT_FIELD, IMAP_KEY_HEADER },
	{ "UID", ARGUMENT_SET, IMAP_KEY_UIDS },
	{ "UNANSWERED", HAS_NOT(IMAP_ANSWERED) },
	{ "UNDELETED", HAS_NOT(IMAP_DELETED) },
	{ "UNDRAFT", HAS_NOT(IMAP_DRAFT) },
	{ "UNFLAGGED", HAS_NOT(IMAP_FLAGGED) },
	{ "UNKEYWORD", ARGUMENT_KEYWORD, IMAP_KEY_KEYWORD, .without = true },
	{ "UNSEEN", HAS_NOT(IMAP_SEEN) },
	{ "YOUNGER", ARGUMENT_NUMBER, IMAP_KEY_YOUNGER },
};

/* What is open, the innermost last. */
struct reader {
	struct imap_parse *p;
	struct imap_search *search;
	uint32_t open[IMAP_SEARCH_DEPTH_MAX];
	unsigned depth;
};

static bool fail(struct reader *r, const char *wanted)
{
	r->p->wanted = wanted;
	return false;
}

static struct imap_key *add(struct reader *r, enum imap_key_kind kind)
{
	struct imap_key *key;

	if (r->search->n == IMAP_SEARCH_KEYS_MAX) {
		fail(r, "fewer keys");
		return NULL;
	}
	key = &r->search->keys[r->search->n++];
	*key = (struct imap_key){ .kind = kind, .end = (uint32_t)r->search->n };
	if (r->depth > 0) {
		key->parent = r->open[r->depth - 1];
		r->search->keys[key->parent].children++;
	}
	return key;
}

static bool open(struct reader *r, enum imap_key_kind kind)
{
	if (r->depth == IMAP_SEARCH_DEPTH_MAX)
		return fail(r, "fewer keys in one another");
	if (add(r, kind) == NULL)
		return false;
	r->open[r->depth++] = (uint32_t)r->search->n - 1;
	return true;
}

/* MODSEQ [SP entry-name SP entry-type-req] SP mod-sequence-valzer (RFC 7162 s3.1.5): the
 * entry says nothing, since a message has one mod-sequence. */
static bool take_modseq(struct reader *r, struct imap_key *key)
{
	slice entry;

	r->search->modseq = true;
	if (imap_sees(r->p, '"') && (!imap_take_string(r->p, &entry, NULL) ||
	    !imap_take_space(r->p) || !imap_take_atom(r->p, &entry) || !imap_take_space(r->p)))
		return false;
	return imap_take_number(r->p, INT64_MAX, &key->number);
}

static bool take_argument(struct reader *r, const struct row *row, struct imap_key *key)
{
	uint64_t max = row->kind == IMAP_KEY_OLDER || row->kind == IMAP_KEY_YOUNGER ? UINT32_MAX :
	    INT64_MAX;

	if (row->argument == ARGUMENT_NONE)
		return true;
	if (!imap_take_space(r->p))
		return false;
	switch (row->argument) {
	case ARGUMENT_FIELD:
		key->name = slice_from(row->name);
		return imap_take_astring(r->p, &key->text);
	case ARGUMENT_HEADER:
		return imap_take_astring(r->p, &key->name) && imap_take_space(r->p) &&
		    imap_take_astring(r->p, &key->text);
	case ARGUMENT_TEXT:
		return imap_take_astring(r->p, &key->text);
	case ARGUMENT_DATE:
		return imap_take_date(r->p, &key->days);
	case ARGUMENT_NUMBER:
		return imap_take_number(r->p, max, &key->number);
	case ARGUMENT_KEYWORD:
		return imap_take_atom(r->p, &key->text);
	case ARGUMENT_SET:
		return imap_take_set(r->p, &key->text);
	case ARGUMENT_MODSEQ:
		return take_modseq(r, key);
	case ARGUMENT_NONE:
	case ARGUMENT_KEYS:
		break;
	}
	check(!"no argument");
	return false;
}

static const struct row *find_row(struct imap_parse *p)
{
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		if (imap_skip_word(p, rows[i].name))
			return &rows[i];
	}
	return NULL;
}

/* A key, or the beginning of one that is made of others. */
static bool take_key(struct reader *r)
{
	struct imap_parse *p = r->p;
	const struct row *row;
	struct imap_key *key;

	if (imap_sees(p, '('))
		return imap_take(p, '(', "(") && open(r, IMAP_KEY_AND);
	if (p->rest.len > 0 && (imap_sees(p, '*') || imap_sees(p, '$') ||
	    (p->rest.ptr[0] >= '0' && p->rest.ptr[0] <= '9')))
		return (key = add(r, IMAP_KEY_NUMBERS)) != NULL && imap_take_set(p, &key->text);
	row = find_row(p);
	if (row == NULL)
		return fail(r, "a key of SEARCH, such as UNSEEN or FROM");
	if (row->argument == ARGUMENT_KEYS)
		return open(r, row->kind) && imap_take_space(p);
	key = add(r, row->kind);
	if (key == NULL)
		return false;
	key->without = row->without;
	key->bits = row->bits;
	key->mask = row->mask;
	return take_argument(r, row, key);
}

/* A key was read; what it completes ends. *more: another one is to follow in what is open. */
static bool close_keys(struct reader *r, bool *more)
{
	struct imap_search *s = r->search;

	while (r->depth > 0) {
		uint32_t at = r->open[r->depth - 1];
		struct imap_key *key = &s->keys[at];

		if (key->kind == IMAP_KEY_OR && key->children < 2) {
			*more = true;
			return imap_take_space(r->p);
		}
		if (key->kind == IMAP_KEY_AND) {
			*more = imap_sees(r->p, ' ');
			if (*more)
				return imap_take_space(r->p);
			/* The outermost has no parentheses. */
			if (r->depth > 1 && !imap_take(r->p, ')', ")"))
				return false;
		}
		key->end = (uint32_t)s->n;
		r->depth--;
	}
	*more = false;
	return true;
}

static bool take_keys(struct imap_parse *p, struct imap_search *search)
{
	struct reader r = { .p = p, .search = search };
	bool more = true;

	search->keys = arena_new(p->arena, struct imap_key, IMAP_SEARCH_KEYS_MAX);
	if (!open(&r, IMAP_KEY_AND))
		return false;
	while (more) {
		unsigned depth = r.depth;

		if (!take_key(&r))
			return false;
		/* What was opened wants a key first. */
		if (r.depth == depth && !close_keys(&r, &more))
			return false;
	}
	return true;
}

/* "RETURN" SP "(" [option *(SP option)] ")" SP */
static bool take_return(struct imap_parse *p, struct imap_search *s)
{
	if (!imap_skip_word(p, "RETURN"))
		return true;
	s->returns = true;
	if (!imap_take_space(p) || !imap_take(p, '(', "("))
		return false;
	while (!imap_sees(p, ')')) {
		if (imap_skip_word(p, "MIN"))
			s->min = true;
		else if (imap_skip_word(p, "MAX"))
			s->max = true;
		else if (imap_skip_word(p, "ALL"))
			s->all = true;
		else if (imap_skip_word(p, "COUNT"))
			s->count = true;
		else if (imap_skip_word(p, "SAVE"))
			s->save = true;
		else {
			p->wanted = "MIN, MAX, ALL, COUNT or SAVE";
			return false;
		}
		if (!imap_sees(p, ')') && !imap_take_space(p))
			return false;
	}
	s->all = s->all || !(s->min || s->max || s->count || s->save);
	return imap_take(p, ')', ")") && imap_take_space(p);
}

bool imap_take_search(struct imap_parse *p, struct imap_search *ret)
{
	*ret = (struct imap_search){ 0 };
	if (!take_return(p, ret))
		return false;
	if (imap_skip_word(p, "CHARSET") && (!imap_take_space(p) ||
	    !imap_take_astring(p, &ret->charset) || !imap_take_space(p)))
		return false;
	return take_keys(p, ret);
}

/* ---- judged ---- */

enum imap_key_cost imap_key_cost(const struct imap_key *key)
{
	switch (key->kind) {
	case IMAP_KEY_HEADER:
	case IMAP_KEY_SENT_BEFORE:
	case IMAP_KEY_SENT_ON:
	case IMAP_KEY_SENT_SINCE:
		return IMAP_COST_HEADER;
	case IMAP_KEY_BODY:
	case IMAP_KEY_TEXT:
		/* Nothing is part of everything. */
		return key->text.len > 0 ? IMAP_COST_ALL : IMAP_COST_NONE;
	default:
		return IMAP_COST_NONE;
	}
}

static bool has_children(const struct imap_key *key)
{
	return key->kind == IMAP_KEY_AND || key->kind == IMAP_KEY_OR || key->kind == IMAP_KEY_NOT;
}

void imap_search_begin(const struct imap_search *search, struct imap_key_state *states)
{
	for (size_t i = 0; i < search->n; i++)
		states[i] = (struct imap_key_state){ IMAP_UNKNOWN, search->keys[i].children };
}

/* Key i is judged; and with it those that it decides. Returns the key after them. */
static uint32_t settle(const struct imap_search *search, struct imap_key_state *states,
    uint32_t i, bool yes)
{
	for (;;) {
		uint32_t parent = search->keys[i].parent;
		enum imap_key_kind kind = search->keys[parent].kind;

		states[i].answer = yes ? IMAP_YES : IMAP_NO;
		if (i == 0)
			return search->keys[i].end;
		if (kind == IMAP_KEY_NOT)
			yes = !yes;
		else if (yes == (kind == IMAP_KEY_AND) && --states[parent].left > 0)
			return search->keys[i].end;
		i = parent;
	}
}

enum imap_answer imap_search_go(const struct imap_search *search, enum imap_key_cost most,
    bool (*match)(void *context, const struct imap_key *key), void *context,
    struct imap_key_state *states)
{
	uint32_t i = 0;

	while (states[0].answer == IMAP_UNKNOWN && i < search->n) {
		const struct imap_key *key = &search->keys[i];

		if (states[i].answer != IMAP_UNKNOWN)
			i = key->end;
		else if (has_children(key) || imap_key_cost(key) > most)
			i++;
		else
			i = settle(search, states, i, match(context, key));
	}
	return states[0].answer;
}
