/* role/web_index.c - the messages that a mock's web knows, in their order. */
#include "role/web_index.h"

#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/check.h"
#include "base/text.h"

int index_init(struct web_index *index, struct os *os)
{
	int error;

	*index = (struct web_index){ .os = os, .heap = os_heap(os) };
	index->names = table_init(index->heap, os_random_u64(os));
	index->places = table_init(index->heap, os_random_u64(os));
	error = texts_init(&index->heads, os);
	return error != 0 ? error : texts_init(&index->words, os);
}

/* ---- names and places ---- */

static void write_place(unsigned char ret[12], uint64_t account, uint32_t uid)
{
	store_u64(ret, account);
	store_u32(ret + 8, uid);
}

static void write_key(unsigned char ret[28], struct message_id id, uint64_t account, uint32_t uid)
{
	memset(ret, 0, 28);
	store_u32(ret, id.producer);
	store_u64(ret + 4, id.generation);
	store_u32(ret + 12, id.sequence);
	write_place(ret + 16, account, uid);
}

static slice key_of(const struct web_entry *entry)
{
	return slice_of(entry->key, sizeof entry->key);
}

static slice place_of(const struct web_entry *entry)
{
	return slice_of(entry->place, sizeof entry->place);
}

size_t web_entry_name(const struct web_entry *entry, char ret_name[WEB_NAME_TEXT])
{
	size_t len = message_id_print(entry->id, ret_name);
	char account[14], uid[14];

	if (!entry->twin)
		return len;
	text_from_u64(entry->account, account);
	text_from_u64(entry->uid, uid);
	return len + (size_t)snprintf(ret_name + len, WEB_NAME_TEXT - len, "-%s-%s", account, uid);
}

struct web_entry *index_find_name(const struct web_index *index, slice name)
{
	slice rest = name, text = slice_cut(&rest, '-');
	uint64_t account = 0, uid = 0;
	unsigned char key[28];
	struct message_id id;

	if (!message_id_parse(text, &id))
		return NULL;
	if (text.len < name.len && (!text_to_u64(slice_cut(&rest, '-'), &account) ||
	    !text_to_u64(rest, &uid) || uid == 0 || uid > UINT32_MAX))
		return NULL;
	write_key(key, id, account, (uint32_t)uid);
	return table_get(&index->names, slice_of(key, sizeof key));
}

struct web_entry *index_find_place(const struct web_index *index, uint64_t account, uint32_t uid)
{
	unsigned char place[12];

	write_place(place, account, uid);
	return table_get(&index->places, slice_of(place, sizeof place));
}

/* ---- come and go ---- */

struct web_entry *index_add(struct web_index *index, const struct web_entry *what)
{
	struct web_entry *entry;

	if (index_find_place(index, what->account, what->uid) != NULL)
		return NULL;
	entry = heap_new(index->heap, struct web_entry);
	entry->id = what->id;
	entry->account = what->account;
	entry->uid = what->uid;
	entry->pack = what->pack;
	entry->offset = what->offset;
	entry->received_us = what->received_us;
	entry->size = what->size;
	entry->serial = ++index->serial_last;
	entry->refs = 1;
	write_place(entry->place, entry->account, entry->uid);
	write_key(entry->key, entry->id, 0, 0);
	entry->twin = table_get(&index->names, key_of(entry)) != NULL;
	if (entry->twin)
		write_key(entry->key, entry->id, entry->account, entry->uid);
	table_put(&index->places, place_of(entry), entry);
	table_put(&index->names, key_of(entry), entry);
	return entry;
}

void index_hold(struct web_entry *entry)
{
	entry->refs++;
}

void index_release(struct web_index *index, struct web_entry *entry)
{
	check(entry->refs > 0);
	if (--entry->refs > 0)
		return;
	index_set_tags(index, entry, NULL, 0);
	heap_free(index->heap, entry);
}

/* ---- the order ---- */

static bool is_below(const struct web_entry *entry, int64_t received_us, uint64_t serial)
{
	return entry->received_us < received_us ||
	    (entry->received_us == received_us && entry->serial < serial);
}

/* How many are below. */
static size_t count_below(const struct web_index *index, int64_t received_us, uint64_t serial)
{
	size_t low = 0, high = index->n_listed;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (is_below(index->listed[index->first + middle], received_us, serial))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct web_entry *index_at(const struct web_index *index, size_t i)
{
	check(i < index->n_listed);
	return index->listed[index->first + index->n_listed - 1 - i];
}

size_t index_rank_below(const struct web_index *index, int64_t received_us, uint64_t serial)
{
	return index->n_listed - count_below(index, received_us, serial);
}

size_t index_rank(const struct web_index *index, const struct web_entry *entry)
{
	if (!entry->listed)
		return index->n_listed;
	return index_rank_below(index, entry->received_us, entry->serial) - 1;
}

static void make_room(struct web_index *index)
{
	if (index->first + index->n_listed < index->capacity)
		return;
	if (index->first > index->capacity / 2) {
		memmove(index->listed, index->listed + index->first,
		    index->n_listed * sizeof *index->listed);
		index->first = 0;
		return;
	}
	index->capacity = index->capacity == 0 ? 256 : index->capacity * 2;
	index->listed = heap_resize(index->heap, index->listed,
	    index->capacity * sizeof *index->listed);
}

static void insert(struct web_index *index, struct web_entry *entry)
{
	size_t at = count_below(index, entry->received_us, entry->serial);
	struct web_entry **place;

	make_room(index);
	place = index->listed + index->first + at;
	memmove(place + 1, place, (index->n_listed - at) * sizeof *place);
	*place = entry;
	index->n_listed++;
	entry->listed = true;
	index->n_unread += !entry->read;
	index->changes++;
}

static void take_out(struct web_index *index, struct web_entry *entry)
{
	size_t at = count_below(index, entry->received_us, entry->serial);
	struct web_entry **place = index->listed + index->first + at;

	check(at < index->n_listed && *place == entry);
	if (at == 0)
		index->first++;
	else
		memmove(place, place + 1, (index->n_listed - at - 1) * sizeof *place);
	index->n_listed--;
	entry->listed = false;
	index->n_unread -= !entry->read;
	index->changes++;
}

/* ---- what they say ---- */

/* Down or up, whichever the file's window likes: the order of the file is nearly theirs. */
static bool copy_text(struct texts *from, struct texts *to, uint64_t *at, size_t len)
{
	slice text = texts_get(from, *at, len);

	return text.len == len && texts_add(to, text, at) == 0;
}

static uint64_t *offset_in(struct web_index *index, const struct texts *t, size_t i)
{
	struct web_entry *entry = index->listed[index->first + i];

	return t == &index->heads ? &entry->head_at : &entry->words_at;
}

/* Copy what lives. When there is no memory for both, all stays as it is. */
static void copy_texts(struct web_index *index, struct texts *t)
{
	size_t n = index->n_listed, done = 0;
	struct texts copy;
	uint64_t *at;

	if (!texts_want_copy(t) || texts_init(&copy, index->os) != 0)
		return;
	at = heap_alloc(index->heap, (n + 1) * sizeof *at);
	for (; done < n; done++) {
		const struct web_entry *entry = index->listed[index->first + done];

		at[done] = *offset_in(index, t, done);
		if (!copy_text(t, &copy, &at[done], t == &index->heads ? entry->head_len :
		    entry->words_len))
			break;
	}
	if (done == n) {
		for (size_t i = 0; i < n; i++)
			*offset_in(index, t, i) = at[i];
		texts_finish(t);
		*t = copy;
	} else {
		texts_finish(&copy);
		t->dead = 0;            /* not again at once */
	}
	heap_free(index->heap, at);
}

slice index_head(struct web_index *index, const struct web_entry *entry)
{
	return texts_get(&index->heads, entry->head_at, entry->head_len);
}

slice index_words(struct web_index *index, const struct web_entry *entry)
{
	return texts_get(&index->words, entry->words_at, entry->words_len);
}

static void drop_texts(struct web_index *index, const struct web_entry *entry)
{
	texts_drop(&index->heads, entry->head_len);
	texts_drop(&index->words, entry->words_len);
}

bool index_list(struct web_index *index, struct web_entry *entry, slice head, slice words)
{
	check(!entry->listed && !entry->gone);
	check(head.len <= UINT32_MAX && words.len <= UINT32_MAX);
	if (texts_add(&index->heads, head, &entry->head_at) != 0)
		return false;
	if (texts_add(&index->words, words, &entry->words_at) != 0) {
		texts_drop(&index->heads, head.len);
		return false;
	}
	entry->head_len = (uint32_t)head.len;
	entry->words_len = (uint32_t)words.len;
	insert(index, entry);
	return true;
}

void index_remove(struct web_index *index, struct web_entry *entry)
{
	check(!entry->gone);
	if (entry->listed) {
		take_out(index, entry);
		drop_texts(index, entry);
	}
	entry->gone = true;
	table_remove(&index->places, place_of(entry));
	table_remove(&index->names, key_of(entry));
	index_release(index, entry);
	copy_texts(index, &index->heads);
	copy_texts(index, &index->words);
}

/* Many of them: one pass, not one for each. */
static void sweep(struct web_index *index, uint64_t account, uint32_t first, uint32_t last,
    void (*removed)(void *context, struct web_entry *entry), void *context)
{
	size_t kept = 0;

	for (size_t i = 0; i < index->n_listed; i++) {
		struct web_entry *entry = index->listed[index->first + i];

		if (entry->account != account || entry->uid < first || entry->uid > last) {
			index->listed[index->first + kept++] = entry;
			continue;
		}
		removed(context, entry);
		entry->listed = false;
		index->n_unread -= !entry->read;
		drop_texts(index, entry);
	}
	index->n_listed = kept;
	index->changes++;
}

void index_remove_range(struct web_index *index, uint64_t account, uint32_t first,
    uint32_t last, void (*removed)(void *context, struct web_entry *entry), void *context)
{
	struct web_entry **found, *entry;
	size_t n = 0, at = 0;

	if ((uint64_t)last - first < WEB_SWEEP_FROM) {
		for (uint64_t uid = first; uid <= last; uid++) {
			entry = index_find_place(index, account, (uint32_t)uid);
			if (entry == NULL)
				continue;
			removed(context, entry);
			index_remove(index, entry);
		}
		return;
	}
	sweep(index, account, first, last, removed, context);
	found = heap_alloc(index->heap, (index->places.count + 1) * sizeof *found);
	while ((entry = table_next(&index->places, &at)) != NULL) {
		if (entry->account == account && entry->uid >= first && entry->uid <= last)
			found[n++] = entry;
	}
	for (size_t i = 0; i < n; i++)
		index_remove(index, found[i]);
	heap_free(index->heap, found);
}

static bool is_within(const struct web_range *ranges, size_t n, uint32_t uid)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (ranges[middle].last < uid)
			low = middle + 1;
		else
			high = middle;
	}
	return low < n && ranges[low].first <= uid;
}

void index_each(const struct web_index *index, uint64_t account, const struct web_range *ranges,
    size_t n, void (*each)(void *context, struct web_entry *entry), void *context)
{
	struct web_entry *entry;
	uint64_t width = 0;
	size_t at = 0;

	for (size_t i = 0; i < n; i++)
		width += (uint64_t)ranges[i].last - ranges[i].first + 1;
	for (size_t i = 0; i < n && width <= index->places.count; i++) {
		for (uint64_t uid = ranges[i].first; uid <= ranges[i].last; uid++) {
			entry = index_find_place(index, account, (uint32_t)uid);
			if (entry != NULL)
				each(context, entry);
		}
	}
	while (width > index->places.count && (entry = table_next(&index->places, &at)) != NULL) {
		if (entry->account == account && is_within(ranges, n, entry->uid))
			each(context, entry);
	}
}
