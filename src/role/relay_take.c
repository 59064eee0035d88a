/* role/relay_take.c - messages of the router, and answers to it.
 *
 *   DELIVER -> new keys only -> an entry for each domain -> ... -> DELIVERED
 *
 * Nothing comes before the queue is loaded: a router waits until it is asked
 * (IPC_REPORTED_WANT, relay_origin.c).
 *
 * The router hands over again what it has no answer to, and after its own restart
 * also what it had. A key is remembered until its generation is retired, in the
 * queue's log too once it is over (QUEUE_KNOWN), so that nobody gets a message twice. */
#include <string.h>

#include "base/check.h"
#include "role/relay_impl.h"

enum { ANSWER_LEN = 17, ANSWERS_MAX = 4000, TAKEN_MAX = 2 * IPC_PACKET_MAX };

/* ---- answers ---- */

static void flush_answers(struct os_defer *defer)
{
	struct relay *r = defer->owner;
	struct ipc_channel *router = frame_peer(&r->frame, ROLE_ROUTER, 0);

	while (router != NULL && r->n_answers > 0) {
		uint32_t n = r->n_answers < ANSWERS_MAX ? r->n_answers : ANSWERS_MAX;
		struct buffer *out = ipc_begin(router, IPC_DELIVERED);

		put_u32(out, n);
		buffer_add(out, slice_head(buffer_bytes(&r->answers), n * (size_t)ANSWER_LEN));
		ipc_end(router, -1);
		buffer_consume(&r->answers, n * (size_t)ANSWER_LEN);
		r->n_answers -= n;
	}
	relay_drain_check(r);
}

void take_init(struct relay *r)
{
	r->answers = buffer_init(r->heap, SIZE_MAX / 2);
	r->answer_defer = (struct os_defer){ .run = flush_answers, .owner = r };
	r->keys = table_init(r->heap, os_random_u64(r->os));
	r->live = table_init(r->heap, os_random_u64(r->os));
	list_init(&r->keys_old);
}

/* Without a router nobody is told: the next one asks again, and the key knows. */
static void answer(struct relay *r, struct message_id id, uint16_t index,
    enum delivery_result result)
{
	if (frame_peer(&r->frame, ROLE_ROUTER, 0) == NULL)
		return;
	put_message_id(&r->answers, id);
	put_u16(&r->answers, index);
	put_u8(&r->answers, (uint8_t)result);
	r->n_answers++;
	os_defer(r->os, &r->answer_defer);
}

/* ---- keys ---- */

static slice key_bytes(struct message_id id, uint16_t index, struct buffer *out)
{
	put_message_id(out, id);
	put_u16(out, index);
	return buffer_bytes(out);
}

static struct key *find_key(struct relay *r, struct message_id id, uint16_t index)
{
	struct buffer bytes = buffer_init(r->heap, 32);
	struct key *key = table_get(&r->keys, key_bytes(id, index, &bytes));

	buffer_free(&bytes);
	return key;
}

static void drop_key(struct relay *r, struct key *key)
{
	table_remove(&r->keys, slice_of(key->bytes, sizeof key->bytes));
	if (r->log.known == &key->link)
		r->log.known = key->link.next;
	list_remove(&key->link);
	heap_free(r->heap, key);
}

static struct key *add_key(struct relay *r, struct message_id id, uint16_t index)
{
	struct buffer bytes = buffer_init(r->heap, 32);
	struct key *key = heap_new(r->heap, struct key);

	memcpy(key->bytes, key_bytes(id, index, &bytes).ptr, sizeof key->bytes);
	buffer_free(&bytes);
	if (r->keys.count >= RELAY_KEYS_MAX)
		drop_key(r, list_item(r->keys_old.next, struct key, link));
	table_put(&r->keys, slice_of(key->bytes, sizeof key->bytes), key);
	list_append(&r->keys_old, &key->link);
	return key;
}

void take_known(struct relay *r, struct message_id id, uint16_t index)
{
	if (find_key(r, id, index) == NULL)
		add_key(r, id, index)->answered = true;
}

void take_over(struct relay *r, slice key)
{
	struct bytes in = bytes_init(key);
	struct message_id id = get_message_id(&in);
	uint16_t index = get_u16(&in);

	take_known(r, id, index);
	find_key(r, id, index)->logged = true;
}

struct key *take_key(struct relay *r, struct message_id id, uint16_t index)
{
	return find_key(r, id, index);
}

static uint64_t generation_of(const struct key *key)
{
	struct bytes in = bytes_init(slice_of(key->bytes, sizeof key->bytes));

	return get_message_id(&in).generation;
}

/* Those of generations that are no more. */
static void forget_keys(struct relay *r, uint64_t retired)
{
	list_for (at, &r->keys_old) {
		struct key *key = list_item(at, struct key, link);
		uint64_t generation = generation_of(key);

		if (key->answered && (retired != 0 ? generation == retired :
		    table_get(&r->live, table_key(generation)) == NULL))
			drop_key(r, key);
	}
}

/* ---- what the router says of generations ---- */

static void forget_live(struct relay *r)
{
	uint64_t *generation;
	size_t at = 0;

	while ((generation = table_next(&r->live, &at)) != NULL)
		heap_free(r->heap, generation);
	table_free(&r->live);
}

static bool on_live(struct relay *r, struct bytes *in)
{
	uint32_t n = get_u32(in);

	if (!r->loaded)
		return false;
	forget_live(r);
	for (uint32_t i = 0; i < n && bytes_ok(in); i++) {
		uint64_t *generation = heap_new(r->heap, uint64_t);

		*generation = get_u64(in);
		if (table_put(&r->live, table_key(*generation), generation) != NULL)
			return false;
	}
	if (!bytes_end(in))
		return false;
	r->told_live = true;
	forget_keys(r, 0);
	return true;
}

static bool on_retired(struct relay *r, struct bytes *in)
{
	uint64_t generation = get_u64(in), *known;

	if (!bytes_end(in) || generation == 0)
		return false;
	known = table_remove(&r->live, table_key(generation));
	heap_free(r->heap, known);
	forget_keys(r, generation);
	return true;
}

/* ---- deliveries ---- */

static struct body *make_body(struct relay *r, const struct delivery *d, int fd)
{
	struct body *body = body_new(r);

	body->what = (struct pack_body){ d->body.size, d->body.stored, d->body.checksum };
	body->trace = entry_copy(r, d->trace);
	body->fd = fd;
	body->offset = d->body_offset;
	if (fd < 0)
		body->frames = entry_copy(r, d->body.frames);
	return body;
}

/* One entry for all new targets of this one's domain, from i on; they are marked. */
static void take_domain(struct relay *r, const struct delivery *d, struct body *body,
    bool *fresh, uint16_t i)
{
	slice domain = entry_domain(d->targets[i].delivered_to), addresses[QUEUE_RECIPIENTS_MAX];
	uint16_t of[QUEUE_RECIPIENTS_MAX], n = 0;
	struct entry *e;

	for (uint16_t j = i; j < d->n_targets && n < QUEUE_RECIPIENTS_MAX; j++) {
		slice address = d->targets[j].delivered_to;

		if (!fresh[j] || !slice_equal_ascii(domain, entry_domain(address)))
			continue;
		addresses[n] = address;
		of[n++] = j;
	}
	body->refs++;
	e = entry_new(r, body, d->sender, addresses, n);
	e->id = d->id;
	e->received_us = relay_now_us(r);       /* an edge may follow another clock */
	e->needs = d->flags & (JOURNAL_8BITMIME | JOURNAL_SMTPUTF8);
	for (uint16_t j = 0; j < n; j++) {
		e->recipients[j].index = d->targets[of[j]].recipient;
		add_key(r, d->id, d->targets[of[j]].recipient);
		fresh[of[j]] = false;
	}
	r->n_fresh++;
	e->fresh_bytes = body->frames.len;
	r->fresh_bytes += e->fresh_bytes;
	entry_ready(e);
}

static bool too_much(const struct relay *r)
{
	return r->n_entries >= RELAY_ENTRIES_MAX ||
	    r->n_fresh >= RELAY_FRESH_MAX || r->fresh_bytes >= RELAY_FRESH_BYTES ||
	    r->frame.draining;
}

static bool is_sound(const struct delivery *d, int fd)
{
	if ((fd >= 0) == (d->body.frames.len > 0 || d->body.stored == 0))
		return false;
	for (size_t i = 0; i < d->n_targets; i++) {
		if (d->targets[i].account != 0 || d->targets[i].delivered_to.len == 0)
			return false;
	}
	return true;
}

static void take(struct relay *r, const struct delivery *d, int fd)
{
	bool fresh[DELIVERY_TARGETS_MAX] = { false }, later = too_much(r);
	struct body *body;

	for (size_t i = 0; i < d->n_targets; i++) {
		const struct key *key = find_key(r, d->id, d->targets[i].recipient);

		fresh[i] = key == NULL && !later;
		if (key != NULL && key->answered)
			answer(r, d->id, d->targets[i].recipient, DELIVERY_DURABLE);
		else if (key == NULL && later)
			answer(r, d->id, d->targets[i].recipient, DELIVERY_LATER);
	}
	body = make_body(r, d, fd);
	for (uint16_t i = 0; i < d->n_targets; i++) {
		if (fresh[i])
			take_domain(r, d, body, fresh, i);
	}
	body_unref(body);
}

static bool on_deliver(struct relay *r, struct ipc_message *message)
{
	struct arena arena = arena_init(r->heap, TAKEN_MAX);
	int fd = ipc_take_fd(message);
	struct delivery d;
	bool ok = r->told_live && delivery_read(&message->body, &arena, &d) &&
	    bytes_end(&message->body) && is_sound(&d, fd);

	if (ok)
		take(r, &d, fd);
	else if (fd >= 0)
		os_close(r->os, fd);
	arena_reset(&arena);
	return ok;
}

bool take_message(struct relay *r, struct ipc_message *message)
{
	switch (message->type) {
	case IPC_LIVE:
		return on_live(r, &message->body);
	case IPC_RETIRED:
		return on_retired(r, &message->body);
	case IPC_DELIVER:
		return on_deliver(r, message);
	default:
		return false;
	}
}

void take_router_left(struct relay *r)
{
	r->told_live = false;
	buffer_free(&r->answers);
	r->n_answers = 0;
}

void take_answer(struct relay *r, struct entry *e, struct recipient *to,
    enum delivery_result result)
{
	struct key *key = find_key(r, e->id, to->index);

	if (to->answered)
		return;
	to->answered = true;
	if (key != NULL)
		key->answered = true;
	answer(r, e->id, to->index, result);
}
