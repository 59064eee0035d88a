/* role/web_tags.c - the tags of messages: words of the people who read them.
 *
 * A tag is there while some message has it; its case is that of its first use. The list
 * of all is sorted, and short. */
#include <string.h>

#include "base/check.h"
#include "role/web_index.h"

slice web_tag_name(const struct web_tag *tag)
{
	return slice_of(tag->name, tag->len);
}

static int compare(slice a, slice b)
{
	size_t n = a.len < b.len ? a.len : b.len;

	for (size_t i = 0; i < n; i++) {
		int order = ascii_lower(a.ptr[i]) - ascii_lower(b.ptr[i]);

		if (order != 0)
			return order;
	}
	return a.len < b.len ? -1 : a.len > b.len;
}

struct web_tag *index_tag(const struct web_index *index, slice name)
{
	struct web_tag *tag = index->tags;

	while (tag != NULL && compare(web_tag_name(tag), name) != 0)
		tag = tag->next;
	return tag;
}

static struct web_tag *make(struct web_index *index, slice name)
{
	struct web_tag **at = &index->tags, *tag;

	while (*at != NULL && compare(web_tag_name(*at), name) < 0)
		at = &(*at)->next;
	if (*at != NULL && compare(web_tag_name(*at), name) == 0)
		return *at;
	tag = heap_alloc(index->heap, sizeof *tag + name.len);
	tag->len = name.len;
	memcpy(tag->name, name.ptr, name.len);
	tag->next = *at;
	*at = tag;
	return tag;
}

static void unref(struct web_index *index, struct web_tag *tag)
{
	struct web_tag **at = &index->tags;

	if (--tag->refs > 0)
		return;
	while (*at != tag)
		at = &(*at)->next;
	*at = tag->next;
	heap_free(index->heap, tag);
}

static bool has(struct web_tag *const *tags, size_t n, const struct web_tag *tag)
{
	for (size_t i = 0; i < n; i++) {
		if (tags[i] == tag)
			return true;
	}
	return false;
}

/* Put it among those that are sorted. */
static void put_sorted(struct web_tag **tags, size_t n, struct web_tag *tag)
{
	while (n > 0 && compare(web_tag_name(tags[n - 1]), web_tag_name(tag)) > 0) {
		tags[n] = tags[n - 1];
		n--;
	}
	tags[n] = tag;
}

void index_set_tags(struct web_index *index, struct web_entry *entry, const slice *names,
    size_t n)
{
	struct web_tag **old = entry->tags, *tags[API_TAGS_MAX];
	size_t n_old = entry->n_tags, n_new = 0;

	for (size_t i = 0; i < n && n_new < API_TAGS_MAX; i++) {
		struct web_tag *tag;

		check(names[i].len > 0 && names[i].len <= API_TAG_MAX);
		tag = make(index, names[i]);
		if (has(tags, n_new, tag))
			continue;
		tag->refs++;
		put_sorted(tags, n_new++, tag);
	}
	entry->tags = NULL;
	entry->n_tags = (uint16_t)n_new;
	if (n_new > 0) {
		entry->tags = heap_alloc(index->heap, n_new * sizeof *tags);
		memcpy(entry->tags, tags, n_new * sizeof *tags);
	}
	for (size_t i = 0; i < n_old; i++)
		unref(index, old[i]);
	heap_free(index->heap, old);
}

void index_set_read(struct web_index *index, struct web_entry *entry, bool read)
{
	if (entry->read == read)
		return;
	if (entry->listed)
		index->n_unread += read ? (size_t)-1 : 1;
	entry->read = read;
}

void index_rename_tag(struct web_index *index, struct web_tag *tag, slice name,
    void (*changed)(void *context, struct web_entry *entry), void *context)
{
	tag->refs++;                    /* ours, until it is over */
	for (size_t i = 0; i < index->n_listed; i++) {
		struct web_entry *entry = index->listed[index->first + i];
		slice names[API_TAGS_MAX];
		size_t n = 0;

		if (!has(entry->tags, entry->n_tags, tag))
			continue;
		for (size_t k = 0; k < entry->n_tags; k++) {
			if (entry->tags[k] != tag)
				names[n++] = web_tag_name(entry->tags[k]);
			else if (name.len > 0)
				names[n++] = name;
		}
		index_set_tags(index, entry, names, n);
		changed(context, entry);
	}
	unref(index, tag);
}
