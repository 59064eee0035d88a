/* account/mailbox.c - changes to mailboxes and keywords.
 *
 * They are judged by what will be there once all changes are made: a view is the entries
 * of the state with those of the changes that wait put over them. */
#include <string.h>

#include "account/account.h"
#include "base/check.h"
#include "imap/mailbox.h"

enum { ENTRY_LEN = 40 };                /* of a record, without the name; at most */

struct view {
	struct heap *heap;
	struct mailbox_entry *entries;  /* names: borrowed */
	size_t n, capacity;
};

static struct mailbox_entry *find_number(const struct view *v, uint16_t number)
{
	for (size_t i = 0; i < v->n; i++) {
		if (v->entries[i].number == number)
			return &v->entries[i];
	}
	return NULL;
}

/* As account_mailbox_find(). */
static struct mailbox_entry *find_name(const struct view *v, slice name)
{
	struct mailbox_entry *same = NULL;

	if (imap_name_is_inbox(name))
		return find_number(v, ACCOUNT_INBOX);
	for (size_t i = 0; i < v->n; i++) {
		if (v->entries[i].state != 0 && slice_equal(v->entries[i].name, name))
			return &v->entries[i];
		if (v->entries[i].state != 0 && imap_name_same(v->entries[i].name, name))
			same = &v->entries[i];
	}
	return same;
}

static void put_over(struct view *v, const struct mailbox_entry *entry)
{
	struct mailbox_entry *there = find_number(v, entry->number);

	if (there != NULL) {
		*there = *entry;
		return;
	}
	v->entries = account_state_grow(v->heap, v->entries, v->n, &v->capacity,
	    sizeof *v->entries);
	v->entries[v->n++] = *entry;
}

static struct view view_init(struct account *a)
{
	const struct account_state *s = &a->state;
	struct view v = { .heap = a->heap };

	check(s->full);
	v.capacity = s->n_mailboxes + 1;
	v.entries = heap_alloc(v.heap, v.capacity * sizeof *v.entries);
	for (size_t i = 0; i < s->n_mailboxes; i++)
		v.entries[v.n++] = account_mailbox_entry(&s->mailboxes[i]);
	for (size_t i = 0; i < a->n_changes; i++) {
		struct bytes in = bytes_init(a->changes[i].payload);
		struct mailbox_entry entry;
		uint64_t modseq;
		uint32_t n;

		if (a->changes[i].type != RECORD_MAILBOX ||
		    !record_mailbox_begin(&in, &modseq, &n))
			continue;
		while (n-- > 0 && get_mailbox_entry(&in, &entry))
			put_over(&v, &entry);
	}
	return v;
}

static void view_free(struct view *v)
{
	heap_free(v->heap, v->entries);
}

bool account_has_mailbox(struct account *a, uint16_t number)
{
	const struct account_mailbox *m = account_mailbox(&a->state, number);
	struct mailbox_entry *entry;
	struct view v;
	bool has;

	/* The usual case, without a view: nothing waits. */
	if (a->n_changes == 0)
		return account_mailbox_exists(m);
	v = view_init(a);
	entry = find_number(&v, number);
	has = entry != NULL && (entry->state & MAILBOX_EXISTS) != 0;
	view_free(&v);
	return has;
}

/* A number that nothing has; false: there is none. */
static bool free_number(const struct view *v, uint16_t *ret_number)
{
	bool used[ACCOUNT_MAILBOXES_MAX + 1] = { true };

	if (v->n >= ACCOUNT_MAILBOXES_MAX)
		return false;
	for (size_t i = 0; i < v->n; i++) {
		if (v->entries[i].number <= ACCOUNT_MAILBOXES_MAX)
			used[v->entries[i].number] = true;
	}
	for (uint16_t i = 1; i <= ACCOUNT_MAILBOXES_MAX; i++) {
		if (!used[i]) {
			*ret_number = i;
			return true;
		}
	}
	return false;
}

static void change_entries(struct account *a, uint64_t modseq,
    const struct mailbox_entry *entries, size_t n)
{
	struct buffer payload = buffer_init(a->heap, LOG_RECORD_MAX);

	record_mailbox_begin_write(modseq, (uint32_t)n, &payload);
	for (size_t i = 0; i < n; i++)
		put_mailbox_entry(&payload, &entries[i]);
	account_add_change(a, RECORD_MAILBOX, &payload);
}

/* ---- create ---- */

/* What a new mailbox's record says, but for its modseq. The name, as it is kept, is borrowed. */
static enum account_answer begin_entry(struct account *a, const struct view *v, slice name,
    enum account_use use, struct mailbox_entry *ret)
{
	struct mailbox_entry *there = find_name(v, name);
	struct mailbox_entry entry = { .state = MAILBOX_EXISTS, .use = (uint8_t)use,
		.uid_next = 1, .recent_from = 1, .name = name };

	check(use < USES);
	if (imap_name_judge(name) != IMAP_NAME_OK)
		return ACCOUNT_NAME;
	if (there != NULL && (there->state & MAILBOX_EXISTS) != 0)
		return ACCOUNT_EXISTS;
	if (a->uidvalidity_next == 0 || a->uidvalidity_next == UINT32_MAX)
		return ACCOUNT_NO_ROOM;
	if (there != NULL) {
		entry.number = there->number;
		entry.state |= there->state;
	} else if (!free_number(v, &entry.number)) {
		return ACCOUNT_NO_ROOM;
	}
	entry.uidvalidity = a->uidvalidity_next++;
	*ret = entry;
	return ACCOUNT_CHANGED;
}

static enum account_answer create(struct account *a, struct view *v, slice name,
    enum account_use use, uint16_t *ret_number)
{
	unsigned char room[IMAP_NAME_MAX];
	struct mailbox_entry entry;
	enum account_answer answer = begin_entry(a, v, imap_name_spelt(name, room), use, &entry);

	if (answer != ACCOUNT_CHANGED)
		return answer;
	entry.created_modseq = entry.highest_modseq = ++a->modseq;
	change_entries(a, entry.created_modseq, &entry, 1);
	*ret_number = entry.number;
	return ACCOUNT_CHANGED;
}

enum account_answer account_create(struct account *a, slice name, enum account_use use,
    uint16_t *ret_number)
{
	struct view v = view_init(a);
	enum account_answer answer = create(a, &v, name, use, ret_number);

	view_free(&v);
	return answer;
}

enum account_answer account_create_first(struct account *a, const struct account_first *first,
    size_t n)
{
	struct mailbox_entry *entries = heap_alloc(a->heap, n * sizeof *entries);
	enum account_answer answer = ACCOUNT_CHANGED;
	struct view v = view_init(a);

	for (size_t i = 0; i < n && answer == ACCOUNT_CHANGED; i++) {
		answer = begin_entry(a, &v, first[i].name, first[i].use, &entries[i]);
		if (answer != ACCOUNT_CHANGED)
			break;
		entries[i].state |= MAILBOX_SUBSCRIBED;
		entries[i].created_modseq = entries[i].highest_modseq = a->modseq + 1;
		put_over(&v, &entries[i]);
	}
	if (answer == ACCOUNT_CHANGED)
		change_entries(a, ++a->modseq, entries, n);
	view_free(&v);
	heap_free(a->heap, entries);
	return answer;
}

/* ---- rename ---- */

/* INBOX stays, empty; what came meanwhile is in it. */
static enum account_answer rename_inbox(struct account *a, struct view *v, slice name,
    uint32_t saved_s)
{
	const struct account_state *s = &a->state;
	const struct account_mailbox *inbox = &s->mailboxes[0];
	struct uid_range all = { 1, s->n_rows > 0 ? s->rows[s->n_rows - 1].uid : 1 };
	struct account_copied copied = { .from = ACCOUNT_INBOX, .move = true,
		.saved_s = saved_s, .count = inbox->messages, .bytes = inbox->bytes,
		.ranges = &all, .n = 1 };
	struct buffer payload = buffer_init(a->heap, LOG_RECORD_MAX);
	enum account_answer answer;

	if (copied.count >= UINT32_MAX - a->uid_next)
		return ACCOUNT_NO_ROOM;
	answer = create(a, v, name, USE_NONE, &copied.to);
	if (answer != ACCOUNT_CHANGED || copied.count == 0)
		return answer;
	copied.modseq = ++a->modseq;
	copied.uid_first = a->uid_next;
	a->uid_next += (uint32_t)copied.count;
	record_copied_write(&copied, &payload);
	account_add_change(a, RECORD_COPIED, &payload);
	return ACCOUNT_CHANGED;
}

struct rename {
	struct view *view;
	slice from, to;
	struct mailbox_entry *entries;  /* as they will be; what is in the way, without state */
	size_t n;
	struct buffer names;            /* of the entries, back to back */
	size_t len;                     /* of the record */
};

static bool is_below(slice name, slice above)
{
	return name.len > above.len && slice_starts(name, above) &&
	    name.ptr[above.len] == IMAP_DELIMITER;
}

static bool is_moved(const struct rename *r, const struct mailbox_entry *entry)
{
	return (entry->state & MAILBOX_EXISTS) != 0 && entry->number != ACCOUNT_INBOX &&
	    (slice_equal(entry->name, r->from) || is_below(entry->name, r->from));
}

/* One mailbox; the name's bytes are at `at` of the names. */
static enum account_answer rename_one(struct rename *r, const struct mailbox_entry *old, slice name)
{
	struct mailbox_entry entry = *old, *there = find_name(r->view, name);

	if (imap_name_judge(name) != IMAP_NAME_OK)
		return ACCOUNT_NAME;
	if (there != NULL && (there->state & MAILBOX_EXISTS) != 0 && !is_moved(r, there))
		return ACCOUNT_EXISTS;
	/* The name is subscribed to; two entries of it would not do. */
	if (there != NULL && !is_moved(r, there)) {
		entry.state |= there->state;
		r->entries[r->n] = *there;
		r->entries[r->n++].state = 0;
		r->len += ENTRY_LEN + name.len;
	}
	entry.name = name;
	r->entries[r->n++] = entry;
	r->len += ENTRY_LEN + name.len;
	return r->len + ENTRY_LEN <= LOG_RECORD_MAX ? ACCOUNT_CHANGED : ACCOUNT_SCATTERED;
}

static enum account_answer rename_all(struct rename *r)
{
	struct view *v = r->view;
	enum account_answer answer = ACCOUNT_CHANGED;
	unsigned char *names;
	size_t room = 0, at = 0;

	for (size_t i = 0; i < v->n; i++)
		room += is_moved(r, &v->entries[i]) ? r->to.len + v->entries[i].name.len : 0;
	r->names = buffer_init(v->heap, room + 1);
	names = buffer_reserve(&r->names, room + 1);
	r->entries = heap_alloc(v->heap, 2 * v->n * sizeof *r->entries);
	for (size_t i = 0; i < v->n && answer == ACCOUNT_CHANGED; i++) {
		slice rest;

		if (!is_moved(r, &v->entries[i]))
			continue;
		rest = slice_drop(v->entries[i].name, r->from.len);
		memcpy(names + at, r->to.ptr, r->to.len);
		if (rest.len > 0)
			memcpy(names + at + r->to.len, rest.ptr, rest.len);
		answer = rename_one(r, &v->entries[i],
		    slice_of(names + at, r->to.len + rest.len));
		at += r->to.len + rest.len;
	}
	return answer;
}

enum account_answer account_rename(struct account *a, uint16_t number, slice name,
    uint32_t saved_s)
{
	struct view v = view_init(a);
	struct mailbox_entry *entry = find_number(&v, number);
	unsigned char room[IMAP_NAME_MAX];
	struct rename r = { .view = &v, .to = imap_name_spelt(name, room) };
	enum account_answer answer;

	name = r.to;
	if (entry == NULL || (entry->state & MAILBOX_EXISTS) == 0) {
		answer = ACCOUNT_MISSING;
	} else if (number == ACCOUNT_INBOX) {
		answer = rename_inbox(a, &v, name, saved_s);
	} else if (is_below(name, entry->name)) {
		answer = ACCOUNT_NAME;
	} else if (slice_equal(name, entry->name)) {
		answer = ACCOUNT_EXISTS;
	} else {
		r.from = entry->name;
		answer = rename_all(&r);
		if (answer == ACCOUNT_CHANGED)
			change_entries(a, ++a->modseq, r.entries, r.n);
		heap_free(v.heap, r.entries);
		buffer_free(&r.names);
	}
	view_free(&v);
	return answer;
}

/* ---- delete ---- */

/* All messages of the mailbox, also those whose delivery waits. */
static void expunge_all(struct account *a, uint16_t number, uint32_t saved_s)
{
	const struct account_mailbox *m = account_mailbox(&a->state, number);
	uint64_t count = m != NULL ? m->messages : 0, bytes = m != NULL ? m->bytes : 0;
	struct uid_range all = { 1, a->uid_next - 1 };

	for (size_t i = 0; i < a->n_changes; i++) {
		struct bytes in = bytes_init(a->changes[i].payload);
		uint32_t n;

		if (a->changes[i].type != RECORD_DELIVERED ||
		    !record_list_begin(&in, RECORD_ROW_LEN, &n))
			continue;
		while (n-- > 0) {
			struct account_row row = get_account_row(&in);

			count += row.mailbox == number;
			bytes += row.mailbox == number ? row.size : 0;
		}
	}
	if (count > 0)
		account_expunge_ranges(a, number, &all, 1, count, bytes, saved_s);
}

enum account_answer account_delete(struct account *a, uint16_t number, uint32_t saved_s)
{
	struct view v = view_init(a);
	struct mailbox_entry *entry = find_number(&v, number);
	enum account_answer answer = ACCOUNT_CHANGED;

	if (number == ACCOUNT_INBOX) {
		answer = ACCOUNT_NAME;
	} else if (entry == NULL || (entry->state & MAILBOX_EXISTS) == 0) {
		answer = ACCOUNT_MISSING;
	} else {
		expunge_all(a, number, saved_s);
		entry->state &= (uint8_t)~MAILBOX_EXISTS;
		entry->use = USE_NONE;
		change_entries(a, ++a->modseq, entry, 1);
	}
	view_free(&v);
	return answer;
}

/* ---- what else a mailbox has ---- */

static enum account_answer subscribe(struct account *a, struct view *v, slice name, bool yes)
{
	struct mailbox_entry *there = find_name(v, name);
	unsigned char room[IMAP_NAME_MAX];
	struct mailbox_entry entry = { .uid_next = 1, .recent_from = 1,
		.name = imap_name_spelt(name, room) };

	if (there == NULL && !yes)
		return ACCOUNT_UNCHANGED;
	if (there == NULL && imap_name_judge(name) != IMAP_NAME_OK)
		return ACCOUNT_NAME;
	if (there != NULL)
		entry = *there;
	else if (!free_number(v, &entry.number))
		return ACCOUNT_NO_ROOM;
	entry.state &= (uint8_t)~MAILBOX_SUBSCRIBED;
	entry.state |= yes ? MAILBOX_SUBSCRIBED : 0;
	if (there != NULL && there->state == entry.state)
		return ACCOUNT_UNCHANGED;
	change_entries(a, ++a->modseq, &entry, 1);
	return ACCOUNT_CHANGED;
}

enum account_answer account_subscribe(struct account *a, slice name, bool yes)
{
	struct view v = view_init(a);
	enum account_answer answer = subscribe(a, &v, name, yes);

	view_free(&v);
	return answer;
}

enum account_answer account_recent(struct account *a, uint16_t number, uint32_t from)
{
	struct view v = view_init(a);
	struct mailbox_entry *entry = find_number(&v, number);
	enum account_answer answer = ACCOUNT_CHANGED;

	if (entry == NULL || (entry->state & MAILBOX_EXISTS) == 0) {
		answer = ACCOUNT_MISSING;
	} else if (from <= entry->recent_from) {
		answer = ACCOUNT_UNCHANGED;
	} else {
		entry->recent_from = from;
		change_entries(a, ++a->modseq, entry, 1);
	}
	view_free(&v);
	return answer;
}

enum account_answer account_set_use(struct account *a, uint16_t number, enum account_use use)
{
	struct view v = view_init(a);
	struct mailbox_entry *entry = find_number(&v, number);
	enum account_answer answer = ACCOUNT_CHANGED;

	check(use < USES);
	if (entry == NULL || (entry->state & MAILBOX_EXISTS) == 0) {
		answer = ACCOUNT_MISSING;
	} else if (entry->use == use) {
		answer = ACCOUNT_UNCHANGED;
	} else {
		entry->use = (uint8_t)use;
		change_entries(a, ++a->modseq, entry, 1);
	}
	view_free(&v);
	return answer;
}

/* ---- keywords ---- */

/* Looks for a name among the changes; ret_used gets a bit for each number they take. */
static int find_pending(const struct account *a, slice name, uint64_t *ret_used)
{
	int found = -1;

	*ret_used = 0;
	for (size_t i = 0; i < a->n_changes; i++) {
		struct bytes in = bytes_init(a->changes[i].payload);
		uint8_t number;
		uint32_t n;
		slice other;

		if (a->changes[i].type != RECORD_KEYWORD || !record_keyword_begin(&in, &n))
			continue;
		while (n-- > 0 && get_keyword_entry(&in, &number, &other)) {
			*ret_used |= UINT64_C(1) << number;
			if (slice_equal_ascii(name, other))
				found = number;
		}
	}
	return found;
}

int account_keyword(const struct account *a, slice name)
{
	int number = account_state_keyword(&a->state, name);
	uint64_t used;

	return number >= 0 ? number : find_pending(a, name, &used);
}

int account_keyword_add(struct account *a, slice name)
{
	int number = account_state_keyword(&a->state, name);
	struct buffer payload;
	uint64_t used = 0;

	check(a->state.full);
	if (number < 0)
		number = find_pending(a, name, &used);
	if (number >= 0)
		return number;
	if (name.len == 0 || name.len > IMAP_KEYWORD_MAX)
		return -1;
	for (number = 0; number < ACCOUNT_KEYWORDS_MAX; number++) {
		if (a->state.keywords[number].len == 0 && (used >> number & 1) == 0)
			break;
	}
	if (number == ACCOUNT_KEYWORDS_MAX)
		return -1;
	payload = buffer_init(a->heap, LOG_RECORD_MAX);
	record_keyword_begin_write(1, &payload);
	put_keyword_entry(&payload, (uint8_t)number, name);
	account_add_change(a, RECORD_KEYWORD, &payload);
	return number;
}
