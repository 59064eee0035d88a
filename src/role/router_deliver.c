/* role/router_deliver.c - stores: hand over, answers, later.
 *
 *   QUEUED -> HANDED -> DONE
 *     ^          |
 *     |          '-> LATER  (a target can't now; growing delay)
 *     '--------------'
 *
 * A store that dies gives back all that it was handed: it is queued again, and
 * handed over when the store is back and has been told what is live. */
#include "role/router_impl.h"

#include <assert.h>

#include "base/check.h"
#include "ipc/message.h"
#include "journey/event.h"

/* The relay gets no sources: 0. */
static uint64_t source_bit(const struct router *r, const struct store_peer *store)
{
	size_t index = (size_t)(store - r->stores);

	static_assert(STORES_MAX <= 64, "a bit for each");
	return index < STORES_MAX ? UINT64_C(1) << index : 0;
}

static slice key_of(const struct part *part)
{
	return slice_of(part->key, sizeof part->key);
}

/* ---- the table of what is handed over ---- */

static void handed_add(struct part *part)
{
	struct router *r = part->message->segment->router;
	struct part *same = table_get(&r->handed, key_of(part));

	if (same == NULL) {
		part->same = NULL;
		table_put(&r->handed, key_of(part), part);
	} else {
		part->same = same->same;
		same->same = part;
	}
	list_append(&part->store->handed, &part->link);
	part->store->n_handed++;
}

static void handed_remove(struct part *part)
{
	struct router *r = part->message->segment->router;
	struct part *at = table_get(&r->handed, key_of(part));

	check(at != NULL);
	if (at == part) {
		/* The key is borrowed from the entry's part. */
		table_remove(&r->handed, key_of(part));
		if (part->same != NULL)
			table_put(&r->handed, key_of(part->same), part->same);
	} else {
		while (at->same != part) {
			at = at->same;
			check(at != NULL);
		}
		at->same = part->same;
	}
	part->same = NULL;
	list_remove(&part->link);
	part->store->n_handed--;
	if (part->with_fd)
		part->store->descriptors--;
	part->with_fd = part->in_file = false;
}

void part_detach(struct part *part)
{
	if (part->state == PART_HANDED)
		handed_remove(part);
	else
		list_remove(&part->link);
}

/* ---- handing over ---- */

static uint32_t list_targets(const struct part *part, struct delivery_target *ret_targets)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < part->n; i++) {
		const struct target *t = &part->message->targets[part->first + i];

		if (!t->done)
			ret_targets[n++] = (struct delivery_target){ t->recipient, t->account,
			    t->delivered_to };
	}
	return n;
}

/* Bytes of the message without its body. */
static size_t envelope_size(const struct delivery *d)
{
	size_t size = 128 + d->sender.len + d->trace.len;

	for (size_t i = 0; i < d->n_targets; i++)
		size += 16 + d->targets[i].delivered_to.len;
	return size;
}

/* A store copies bodies out of the segment when it writes them to its packs: they
 * go neither through a channel nor through its memory. It gets each segment once. */
static bool goes_by_source(const struct store_peer *store, const struct message *m)
{
	const struct router *r = m->segment->router;

	return store != &r->stores[OUTLET_RELAY] && m->spool == NULL && m->body.stored > 0 &&
	    ((m->segment->given & source_bit(r, store)) != 0 ||
	    store->sources < ROUTER_SOURCES_MAX);
}

/* False: no descriptor left. *ret_fd -1: the store has it. */
static bool name_source(struct store_peer *store, const struct message *m, struct delivery *d,
    int *ret_fd)
{
	struct segment *s = m->segment;
	struct router *r = s->router;
	uint64_t bit = source_bit(r, store);

	*ret_fd = -1;
	if ((s->given & bit) == 0) {
		*ret_fd = os_duplicate(r->os, s->fd_read);
		if (*ret_fd < 0)
			return false;
		if (s->source == 0)
			s->source = ++r->last_source;
		s->given |= bit;
		store->sources++;
	}
	d->source = s->source;
	d->body_offset = m->frames_at;
	return true;
}

/* A descriptor for this message alone. */
static bool name_descriptor(const struct store_peer *store, const struct message *m,
    struct delivery *d, int *ret_fd)
{
	struct router *r = m->segment->router;

	if (store->descriptors >= ROUTER_DESCRIPTORS_MAX)
		return false;
	d->body_offset = m->spool != NULL ? 0 : m->frames_at;
	*ret_fd = os_duplicate(r->os, m->spool != NULL ? m->spool->fd : m->segment->fd_read);
	return *ret_fd >= 0;
}

void segment_source_over(struct segment *s)
{
	struct router *r = s->router;

	for (size_t i = 0; i < STORES_MAX && s->given != 0; i++) {
		struct store_peer *store = &r->stores[i];

		if ((s->given & source_bit(r, store)) == 0)
			continue;
		s->given &= ~source_bit(r, store);
		store->sources--;
		put_u64(ipc_begin(store->channel, IPC_SOURCE_OVER), s->source);
		ipc_end(store->channel, -1);
	}
	s->source = 0;
}

/* The store that joins has none. */
static void sources_forget(struct router *r, struct store_peer *store)
{
	list_for(at, &r->segments)
		list_item(at, struct segment, link)->given &= ~source_bit(r, store);
	store->sources = 0;
}

/* A store tells by itself that it was handed something, as soon: the event of who
 * has most to do is spared. */
static void tell_handed(const struct part *part, uint32_t n)
{
	const struct router *r = part->message->segment->router;
	struct event event;

	if (part->store != &r->stores[OUTLET_RELAY] || !event_begin(&event, r->os, "handed"))
		return;
	event_id(&event, part->message->id);
	event_text(&event, "to", slice_lit("relay"));
	event_number(&event, "recipients", n);
	event_end(&event);
}

/* False: not now. */
static bool hand_over(struct store_peer *store, struct part *part)
{
	struct delivery_target targets[DELIVERY_TARGETS_MAX];
	struct message *m = part->message;
	struct delivery d = {
		.id = m->id, .received_us = m->received_us, .flags = m->flags,
		.sender = m->sender,
		.trace = m->trace, .targets = targets, .body = m->body,
	};
	bool sourced = goes_by_source(store, m), inlined = !sourced &&
	    m->body.frames.len > 0 && m->body.frames.len <= DELIVERY_INLINE_MAX;
	int fd = -1;

	d.n_targets = (uint16_t)list_targets(part, targets);
	if (inlined && envelope_size(&d) + m->body.frames.len > IPC_BODY_MAX)
		inlined = false;
	if (ipc_room(store->channel) < IPC_PACKET_MAX)
		return false;
	if (sourced ? !name_source(store, m, &d, &fd) : !inlined && m->body.stored > 0 &&
	    !name_descriptor(store, m, &d, &fd))
		return false;
	if (!inlined)
		d.body.frames = (slice){ 0 };
	delivery_write(&d, ipc_begin(store->channel, IPC_DELIVER));
	ipc_end(store->channel, fd);
	tell_handed(part, d.n_targets);
	list_remove(&part->link);
	part->state = PART_HANDED;
	part->waiting = d.n_targets;
	part->in_file = !inlined;
	part->with_fd = fd >= 0 && !sourced;
	store->descriptors += part->with_fd;
	for (uint32_t i = 0; i < part->n; i++)
		m->targets[part->first + i].later = false;
	handed_add(part);
	if (os_planted(m->segment->router->os, OS_PLANT_EARLY_DONE))
		message_done(m);
	message_frames_used(m);
	return true;
}

static void on_room(struct ipc_channel *channel);

/* The relay sends at the speed of others. More than it holds it would put off. */
static bool is_sated(const struct store_peer *store, const struct part *next)
{
	const struct router *r = next->message->segment->router;

	return store == &r->stores[OUTLET_RELAY] && store->n_handed >= RELAY_WINDOW;
}

static void store_pump(struct store_peer *store)
{
	while (store->channel != NULL && store->told && !list_empty(&store->queue)) {
		struct part *part = list_item(store->queue.next, struct part, link);

		if (is_sated(store, part))
			return;         /* its next answer comes here again */
		if (hand_over(store, part))
			continue;
		/* Otherwise an answer frees a descriptor, or a tick tries again. */
		if (ipc_room(store->channel) < IPC_PACKET_MAX)
			ipc_on_room(store->channel, on_room);
		return;
	}
}

static void on_room(struct ipc_channel *channel)
{
	struct frame *frame = ipc_owner(channel);
	struct router *r = frame->owner;
	unsigned index = ipc_peer_kind(channel) == ROLE_RELAY ? OUTLET_RELAY :
	    ipc_peer_index(channel);
	struct store_peer *store = &r->stores[index];

	if (store->channel == channel)
		store_pump(store);
}

void part_queue(struct part *part)
{
	list_remove(&part->link);
	part->state = PART_QUEUED;
	list_append(&part->store->queue, &part->link);
	store_pump(part->store);
}

/* ---- answers ---- */

static void part_later(struct router *r, struct part *part)
{
	uint64_t delay = ROUTER_LATER_FIRST_MS;

	for (unsigned i = 0; i < part->tries && delay < ROUTER_LATER_MAX_MS; i++)
		delay *= 2;
	part->tries++;
	if (delay > ROUTER_LATER_MAX_MS)
		delay = ROUTER_LATER_MAX_MS;
	/* Not all at once again: one of them may be what the others fail by. */
	part->due_ms = os_now_ms(r->os) + delay / 2 + os_random_u64(r->os) % (delay / 2 + 1);
	part->state = PART_LATER;
	list_append(&r->later, &part->link);
}

/* All its targets have answered. */
static void part_answered(struct router *r, struct part *part)
{
	struct message *m = part->message;
	bool later = false;

	handed_remove(part);
	for (uint32_t i = 0; i < part->n; i++)
		later = later || m->targets[part->first + i].later;
	if (later) {
		part_later(r, part);
		return;
	}
	part->state = PART_DONE;
	check(m->parts_left > 0);
	if (--m->parts_left == 0)
		message_end(m);
}

/* A part that waits for this answer, or NULL: it was parked meanwhile. */
static struct target *find_target(struct router *r, const struct store_peer *store, slice key,
    uint16_t recipient, struct part **ret_part)
{
	for (struct part *part = table_get(&r->handed, key); part != NULL; part = part->same) {
		if (part->store != store)
			continue;
		for (uint32_t i = 0; i < part->n; i++) {
			struct target *t = &part->message->targets[part->first + i];

			if (t->recipient == recipient && !t->done && !t->later) {
				*ret_part = part;
				return t;
			}
		}
	}
	return NULL;
}

static bool on_delivered(struct router *r, struct store_peer *store, struct bytes *in)
{
	uint32_t n = get_u32(in);

	for (uint32_t i = 0; i < n && bytes_ok(in); i++) {
		slice key = get_raw(in, 14);
		uint16_t recipient = get_u16(in);
		uint8_t result = get_u8(in);
		struct part *part;
		struct target *t;

		if (!bytes_ok(in) || result > DELIVERY_LATER)
			return false;
		/* What is done is done for a parked copy, too. */
		while ((t = find_target(r, store, key, recipient, &part)) != NULL) {
			t->done = result != DELIVERY_LATER;
			t->later = !t->done;
			if (--part->waiting == 0)
				part_answered(r, part);
			if (result == DELIVERY_LATER)
				break;
		}
	}
	if (!bytes_end(in))
		return false;
	store_pump(store);
	router_drain_check(r);
	return true;
}

bool store_message(struct router *r, unsigned index, struct ipc_message *message)
{
	return message->type == IPC_DELIVERED &&
	    on_delivered(r, &r->stores[index], &message->body);
}

/* ---- stores come and go ---- */

/* The relay reads its queue first: before that it knows no key. */
static bool is_listening(const struct router *r, const struct store_peer *store)
{
	return store->channel != NULL && (store != &r->stores[OUTLET_RELAY] || r->relay_asks);
}

static void tell_live(struct router *r, struct store_peer *store)
{
	if (!r->loaded || store->told || !is_listening(r, store))
		return;
	generations_tell(r, store->channel);
	store->told = true;
	store_pump(store);
}

void store_joined(struct router *r, struct ipc_channel *channel, unsigned index)
{
	struct store_peer *store = &r->stores[index];

	store->channel = channel;
	store->told = false;
	tell_live(r, store);
}

void stores_tell(struct router *r)
{
	for (size_t i = 0; i < OUTLETS_MAX; i++)
		tell_live(r, &r->stores[i]);
}

void store_left(struct router *r, unsigned index)
{
	struct store_peer *store = &r->stores[index];
	struct list back;

	store->channel = NULL;
	store->told = false;
	sources_forget(r, store);
	list_init(&back);
	while (!list_empty(&store->handed)) {
		struct part *part = list_item(store->handed.next, struct part, link);

		/* It may be only its channel that is gone. */
		if (part->in_file)
			part->message->segment->unsure = true;
		handed_remove(part);
		part->state = PART_QUEUED;
		list_append(&back, &part->link);
	}
	/* Before those that were never handed over, in their order. */
	if (!list_empty(&back)) {
		back.prev->next = store->queue.next;
		store->queue.next->prev = back.prev;
		store->queue.next = back.next;
		back.next->prev = &store->queue;
	}
}

void stores_tick(struct router *r)
{
	uint64_t now = os_now_ms(r->os);

	/* Nobody holds descriptors for long that nobody reads. */
	list_for(at, &r->segments) {
		struct segment *s = list_item(at, struct segment, link);

		if (s->n_messages == 0)
			segment_source_over(s);
	}
	list_for(at, &r->later) {
		struct part *part = list_item(at, struct part, link);

		if (part->due_ms <= now)
			part_queue(part);
	}
	for (size_t i = 0; i < OUTLETS_MAX; i++)
		store_pump(&r->stores[i]);
}
