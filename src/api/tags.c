/* api/tags.c - a sorted list, small enough to be searched one by one. */
#include "api/tags.h"

#include <string.h>

#include "base/limits.h"

static bool is_of_a_tag(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	    c == '.' || c == '_' || c == '@' || c == '-';
}

bool api_tag_clean(slice text, unsigned char room[API_TAG_MAX], slice *ret_text)
{
	size_t n = 0;
	bool gap = false;

	*ret_text = (slice){ 0 };
	for (size_t i = 0; i < text.len; i++) {
		if (!is_of_a_tag(text.ptr[i])) {
			gap = n > 0;
			continue;
		}
		if (n + gap + 1 > API_TAG_MAX)
			return false;
		if (gap)
			room[n++] = ' ';
		gap = false;
		room[n++] = text.ptr[i];
	}
	*ret_text = slice_of(room, n);
	return n > 0;
}

/* By their letters without case. */
static int compare(slice a, slice b)
{
	for (size_t i = 0; i < a.len && i < b.len; i++) {
		int order = (int)ascii_lower(a.ptr[i]) - (int)ascii_lower(b.ptr[i]);

		if (order != 0)
			return order;
	}
	return a.len < b.len ? -1 : a.len > b.len;
}

void api_tags_add(struct api_tags *tags, slice text, struct arena *arena)
{
	unsigned char room[API_TAG_MAX];
	slice name;
	size_t at = 0;

	if (tags->n == API_TAGS_MAX || !api_tag_clean(text, room, &name))
		return;
	while (at < tags->n && compare(tags->names[at], name) < 0)
		at++;
	if (at < tags->n && compare(tags->names[at], name) == 0)
		return;
	/* Capacities are powers of two, and a list is never shortened. */
	if ((tags->n & (tags->n - 1)) == 0) {
		slice *more = arena_new(arena, slice, tags->n > 0 ? 2 * tags->n : 1);

		if (tags->n > 0)
			memcpy(more, tags->names, tags->n * sizeof *more);
		tags->names = more;
	}
	memmove(tags->names + at + 1, tags->names + at, (tags->n - at) * sizeof *tags->names);
	tags->names[at] = slice_copy(arena, name);
	tags->n++;
}

void api_tags_add_list(struct api_tags *tags, slice text, struct arena *arena)
{
	while (text.len > 0)
		api_tags_add(tags, slice_cut(&text, ','), arena);
}

bool api_tags_has(const struct api_tags *tags, slice name)
{
	for (size_t i = 0; i < tags->n; i++) {
		if (slice_equal_ascii(tags->names[i], name))
			return true;
	}
	return false;
}

/* ---- of a message ---- */

static void add_plus(struct api_tags *tags, slice address, struct arena *arena)
{
	slice local = slice_head(address, slice_find_last_byte(address, '@'));

	(void)slice_cut(&local, '+');
	while (local.len > 0)
		api_tags_add(tags, slice_cut(&local, '+'), arena);
}

static void add_plus_of(struct api_tags *tags, const struct api_addresses *addresses,
    struct arena *arena)
{
	for (size_t i = 0; i < addresses->n; i++)
		add_plus(tags, addresses->list[i].address, arena);
}

/* Mostly no address has a plus, and none need be read. */
static bool may_have_plus(const struct api_mail *mail, const struct api_facts *facts)
{
	static const char *const fields[] = { "from", "to", "cc", "bcc" };

	for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
		if (api_mail_may_have(mail, fields[i], '+'))
			return true;
	}
	for (size_t i = 0; i < facts->n_recipients; i++) {
		slice recipient = facts->recipients[i];

		if (!slice_is_ascii(recipient) || slice_find_byte(recipient, '+') < recipient.len)
			return true;
	}
	return false;
}

struct api_tags api_tags_received(const struct api_mail *mail, const struct api_facts *facts,
    struct arena *arena)
{
	static const char *const fields[] = { "from", "to", "cc" };
	struct arena scratch = arena_init(arena->heap, API_SUMMARY_ARENA_MAX);
	bool plus = may_have_plus(mail, facts);
	struct api_tags tags = { 0 };
	struct api_addresses addresses;

	api_tags_add_list(&tags, api_mail_field(mail, "x-tags", HEADER_TEXT_MAX, &scratch), arena);
	for (size_t i = 0; plus && i < sizeof fields / sizeof *fields; i++) {
		addresses = api_mail_addresses(mail, fields[i], API_ADDRESSES_TEXT_MAX, &scratch);
		add_plus_of(&tags, &addresses, arena);
	}
	if (plus) {
		addresses = api_mail_bcc(mail, facts, API_ADDRESSES_TEXT_MAX, &scratch);
		add_plus_of(&tags, &addresses, arena);
	}
	arena_reset(&scratch);
	return tags;
}
