/* role/web_watch.c - a mock's messages, as its stores tell of them.
 *
 *   MESSAGE -> index_add() -> read (web_fetch.c) -> its gist (web_gist.c) -> listed, and announced
 *   GONE -> index_remove(), announced
 *   SEEN -> index_set_read(), announced
 *
 * (1) A message is listed, counted and found from its summary on, and not before.
 * (2) When a store leaves, what it told is stale; what its next life does not tell again,
 *     before its WATCHED, is gone. What people did with messages survives that. */
#include <stdio.h>
#include <string.h>

#include "account/slot.h"
#include "account/tags.h"
#include "base/check.h"
#include "directory/mock_name.h"
#include "directory/name.h"
#include "role/directory_mock.h"
#include "role/web_events.h"
#include "role/web_gist.h"
#include "role/web_impl.h"
#include "role/web_journey.h"
#include "role/web_keep.h"
#include "role/web_mail.h"
#include "role/web_settle.h"
#include "role/web_wait.h"
#include "role/web_walk.h"

/* ---- mailboxes ---- */

static int digit(unsigned char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "bob%40bob.example@mock.localhost" is bob@bob.example's (directory/mock_name.h). */
static slice name_of(struct heap *heap, slice address)
{
	slice local = slice_head(address, slice_find_last_byte(address, '@'));
	unsigned char *name = heap_alloc(heap, local.len + 1);
	size_t len = 0;

	for (size_t i = 0; i < local.len; i++) {
		bool coded = local.ptr[i] == '%' && i + 2 < local.len &&
		    digit(local.ptr[i + 1]) >= 0 && digit(local.ptr[i + 2]) >= 0;

		name[len++] = coded ? (unsigned char)(digit(local.ptr[i + 1]) << 4 |
		    digit(local.ptr[i + 2])) : local.ptr[i];
		i += coded ? 2 : 0;
	}
	return slice_of(name, len);
}

struct web_mailbox *web_mailbox_of(const struct web *web, uint64_t account)
{
	return table_get(&web->accounts, table_key(account));
}

slice web_mailbox_name(const struct web *web, uint64_t account)
{
	const struct web_mailbox *m = web_mailbox_of(web, account);

	return m != NULL ? m->name : (slice){ 0 };
}

static struct web_mailbox *find_mailbox(const struct web *web, slice name)
{
	struct web_mailbox *m = web->mailboxes;

	while (m != NULL && !slice_equal_ascii(m->name, name))
		m = m->next;
	return m;
}

/* People write it as they log in, or as it is shown. */
struct web_mailbox *web_mailbox_named(const struct web *web, slice name)
{
	struct arena arena = arena_init(web->heap, DIRECTORY_ANSWER_MAX);
	struct web_mailbox *m = find_mailbox(web, name);
	slice found;

	if (m != NULL || name.len == 0)
		return m;
	found = name_of(web->heap, mock_name(&arena, name_login(&arena, name),
	    web->frame.config->domains[0]));
	m = find_mailbox(web, found);
	heap_free(web->heap, (void *)(uintptr_t)found.ptr);
	arena_reset(&arena);
	return m;
}

static bool on_mailbox(struct web *web, struct ipc_message *message)
{
	uint64_t account = get_u64(&message->body);
	slice address = get_slice(&message->body, SEALED_ADDRESS_MAX);
	struct web_mailbox *m, **at = &web->mailboxes;

	if (!bytes_end(&message->body))
		return false;
	if (web_mailbox_of(web, account) != NULL)
		return true;
	m = heap_new(web->heap, struct web_mailbox);
	m->account = account;
	m->name = name_of(web->heap, address);
	while (*at != NULL && slice_compare((*at)->name, m->name) < 0)
		at = &(*at)->next;
	m->next = *at;
	*at = m;
	table_put(&web->accounts, table_key(m->account), m);
	return true;
}

/* ---- messages ---- */

/* What the index keeps when nobody can say what is in a message. */
static void list_blank(struct web *web, struct web_entry *entry)
{
	if (index_list(web->index, entry, (slice){ 0 }, (slice){ 0 }))
		web_changed(web);
}

/* In the order in which they were read. */
void web_gathered(struct web *web, struct web_fetch *fetch, const struct web_gist *gist)
{
	struct web_entry *entry = fetch->entry;

	if (!entry->gone && gist->fits) {
		if (!entry->tagged)
			index_set_tags(web->index, entry, gist->summary.tags.names,
			    gist->summary.tags.n);
		entry->n_attachments = (uint16_t)(gist->summary.n_attachments < UINT16_MAX ?
		    gist->summary.n_attachments : UINT16_MAX);
	}
	if (entry->gone) {
		;
	} else if (gist->fits && index_list(web->index, entry, buffer_bytes(&gist->head),
	    buffer_bytes(&gist->words))) {
		web_tell_new(web, &gist->summary);
		web_waits_see(web, entry);
	} else {
		list_blank(web, entry);
	}
	web_fed(fetch);
}

static void on_read(struct web_fetch *fetch, bool ok)
{
	struct web *web = fetch->web;

	if (!fetch->entry->gone && ok) {
		web_gather(web, fetch);
		return;
	}
	/* A store that left tells of it again; one whose disk fails has it all the same. */
	if (!fetch->entry->gone && frame_peer(&web->frame, ROLE_STORE,
	    account_store(fetch->entry->account, web->frame.config->stores)) != NULL)
		list_blank(web, fetch->entry);
	web_fed(fetch);
}

static void remove_entry(struct web *web, struct web_entry *entry)
{
	if (entry->listed)
		web_changed(web);
	index_remove(web->index, entry);
}

/* As its mailbox has it now. True: it is another than it was. */
static bool take_seen(struct web *web, struct web_entry *entry, bool seen)
{
	if (entry->read == seen || web_keeps(entry, KEEP_READ))
		return false;
	index_set_read(web->index, entry, seen);
	return entry->listed;
}

static bool on_message(struct web *web, struct ipc_message *message)
{
	struct bytes *in = &message->body;
	struct web_entry what = { .account = get_u64(in) }, *entry;
	uint8_t seen;

	what.uid = get_u32(in);
	what.id = get_message_id(in);
	what.received_us = (int64_t)get_u64(in);
	what.size = get_u64(in);
	what.pack = get_u32(in);
	what.offset = get_u32(in);
	seen = get_u8(in);
	if (!bytes_end(in) || seen > 1)
		return false;
	entry = index_find_place(web->index, what.account, what.uid);
	if (entry != NULL && message_id_equal(entry->id, what.id)) {
		entry->stale = false;
		entry->pack = what.pack;
		entry->offset = what.offset;
		/* A lab's own marks are nowhere else. */
		if (web->frame.config->mock)
			take_seen(web, entry, seen == 1);
		return true;
	}
	if (entry != NULL)
		remove_entry(web, entry);       /* another mailbox, under the same number */
	entry = index_add(web->index, &what);
	check(entry != NULL);
	index_set_read(web->index, entry, seen == 1);
	web_feed(web, entry, on_read);
	return true;
}

struct going {
	struct web *web;
	size_t n_unasked;
};

/* Messages that somebody named are announced one by one, the others as a whole. */
static void on_removed(void *context, struct web_entry *entry)
{
	struct going *going = context;

	if (!entry->listed)
		return;
	going->web->n_deleted++;
	if (entry->asked_away)
		web_tell_deleted(going->web, entry);
	else
		going->n_unasked++;
}

static bool on_gone(struct web *web, struct ipc_message *message)
{
	uint64_t account = get_u64(&message->body);
	uint32_t first = get_u32(&message->body), last = get_u32(&message->body);
	struct going going = { .web = web };

	if (!bytes_end(&message->body) || first > last)
		return false;
	index_remove_range(web->index, account, first, last, on_removed, &going);
	web_changed(web);
	if (going.n_unasked > 0 && !web->truncating)
		web_tell_pruned(web);
	return true;
}

/* What people had put on it in an earlier life. */
static bool on_tags(struct web *web, struct ipc_message *message)
{
	uint64_t account = get_u64(&message->body);
	uint32_t uid = get_u32(&message->body);
	slice packed = get_slice(&message->body, TAG_NAMES_MAX), name;
	struct web_entry *entry = index_find_place(web->index, account, uid);
	unsigned char rooms[API_TAGS_MAX][API_TAG_MAX];
	slice names[API_TAGS_MAX];
	size_t n = 0;

	if (!bytes_end(&message->body) || !tag_names_ok(packed))
		return false;
	if (entry == NULL || web_keeps(entry, KEEP_TAGS))
		return true;
	while (tag_names_next(&packed, &name)) {
		if (api_tag_clean(name, rooms[n], &names[n]))
			n++;
	}
	index_set_tags(web->index, entry, names, n);
	entry->tagged = true;
	if (entry->listed)
		web_tell_tags(web, entry);
	return true;
}

/* ---- marks of others ---- */

struct seeing {
	struct web *web;
	bool seen;
	struct web_entry *changed[WEB_TOLD_SINGLY];
	size_t n;                       /* all, also those that have no place there */
};

static void on_one_seen(void *context, struct web_entry *entry)
{
	struct seeing *seeing = context;

	if (!take_seen(seeing->web, entry, seeing->seen))
		return;
	if (seeing->n < WEB_TOLD_SINGLY)
		seeing->changed[seeing->n] = entry;
	seeing->n++;
}

static bool on_seen(struct web *web, struct ipc_message *message)
{
	struct bytes *in = &message->body;
	uint64_t account = get_u64(in);
	uint8_t seen = get_u8(in);
	uint32_t n = get_u32(in), after = 0;
	struct web_range ranges[STORE_SEEN_RANGES];
	struct seeing seeing = { .web = web, .seen = seen == 1 };

	if (seen > 1 || n > STORE_SEEN_RANGES)
		return false;
	for (uint32_t i = 0; i < n; i++) {
		ranges[i].first = get_u32(in);
		ranges[i].last = get_u32(in);
		in->failed = in->failed || ranges[i].first <= after ||
		    ranges[i].last < ranges[i].first;
		after = ranges[i].last;
	}
	if (!bytes_end(in))
		return false;
	index_each(web->index, account, ranges, n, on_one_seen, &seeing);
	for (size_t i = 0; i < seeing.n && seeing.n <= WEB_TOLD_SINGLY; i++)
		web_tell_read(web, seeing.changed[i]);
	if (seeing.n > WEB_TOLD_SINGLY)
		web_tell_pruned(web);
	if (seeing.n > 0)
		web_changed(web);
	return true;
}

/* ---- a store comes and goes ---- */

static bool of_store(const struct web *web, const struct web_entry *entry, unsigned store)
{
	return account_store(entry->account, web->frame.config->stores) == store;
}

/* Those of a store that are stale, or all that are not listed: none of them is. */
static void drop(struct web *web, unsigned store, bool stale)
{
	struct web_index *index = web->index;
	struct web_entry **found = heap_alloc(web->heap, (index->places.count + 1) * sizeof *found);
	struct web_entry *entry;
	size_t n = 0, at = 0;

	while ((entry = table_next(&index->places, &at)) != NULL) {
		if (of_store(web, entry, store) && (stale ? entry->stale : !entry->listed))
			found[n++] = entry;
	}
	for (size_t i = 0; i < n; i++)
		remove_entry(web, found[i]);
	heap_free(web->heap, found);
}

static bool on_watched(struct web *web, struct ipc_channel *peer, struct ipc_message *message)
{
	if (!bytes_end(&message->body))
		return false;
	drop(web, ipc_peer_index(peer), true);
	web->listed[ipc_peer_index(peer)] = true;
	web_keep_more(web);
	if (web_knows_all(web) && !web->ready)
		frame_ready(&web->frame);
	web->ready = web->ready || web_knows_all(web);
	return true;
}

/* ---- stores ---- */

bool web_knows_all(const struct web *web)
{
	for (unsigned i = 0; i < web->frame.config->stores; i++) {
		if (!web->listed[i])
			return false;
	}
	return !web->frame.draining;
}

void web_watch_joined(struct web *web, struct ipc_channel *peer)
{
	if (web->index != NULL && ipc_peer_kind(peer) == ROLE_STORE)
		ipc_send(peer, IPC_WATCH);
}

void web_watch_left(struct web *web, struct ipc_channel *peer)
{
	unsigned store = ipc_peer_index(peer);

	if (web->index == NULL || ipc_peer_kind(peer) != ROLE_STORE)
		return;
	web->listed[store] = false;
	web_fetch_left(web, store);
	web_keep_left(web);
	drop(web, store, false);
	for (size_t i = 0; i < web->index->n_listed; i++) {
		struct web_entry *entry = index_at(web->index, i);

		entry->stale = entry->stale || of_store(web, entry, store);
	}
}

bool web_watch_message(struct web *web, struct ipc_channel *peer, struct ipc_message *message)
{
	if (web->index == NULL)
		return false;
	switch (message->type) {
	case IPC_MESSAGE:
		return on_message(web, message);
	case IPC_GONE:
		return on_gone(web, message);
	case IPC_WATCHED:
		return on_watched(web, peer, message);
	case IPC_BODY:
		return web_fetch_body(web, peer, message);
	case IPC_SETTLED:
		return web_settled(web, message);
	case IPC_EXPUNGED:
		return web_expunged(web, peer, message);
	case IPC_SEEN:
		return on_seen(web, message);
	case IPC_TAGS:
		return on_tags(web, message);
	case IPC_MARKED:
	case IPC_TAGGED:
		return web_kept(web, peer, message);
	case IPC_MAILBOX:
		return on_mailbox(web, message);
	default:
		return false;
	}
}

bool web_watch_start(struct web *web)
{
	struct web_index *index;
	int error;

	if (!config_shows_mail(web->frame.config))
		return true;
	index = heap_new(web->heap, struct web_index);
	error = index_init(index, web->os);
	if (error != 0) {
		snprintf(web->error, sizeof web->error, "no file in memory: %s", strerror(-error));
		return false;
	}
	web->index = index;
	web->charsets = charsets_create(web->heap);
	web->accounts = table_init(web->heap, os_random_u64(web->os));
	web_fetch_init(web);
	web_keep_init(web);
	web_journey_init(web);
	web_gist_init(web);
	web_walk_init(web);
	web_settle_init(web);
	web_wait_init(web);
	web_events_init(web);
	return true;
}

/* ---- what it says ---- */

void web_summary(struct web *web, struct web_entry *entry, struct arena *arena,
    struct api_summary *ret)
{
	char name[WEB_NAME_TEXT];
	size_t len = web_entry_name(entry, name);

	if (!api_summary_unpack(index_head(web->index, entry), arena, ret))
		*ret = (struct api_summary){ .size = entry->size, .received_us = entry->received_us };
	ret->id = slice_copy(arena, slice_of(name, len));
	ret->mailbox = web_mailbox_name(web, entry->account);
	ret->read = entry->read;
	ret->tags = web_entry_tags(entry, arena);
}
