/* role/store_deliver.c - deliveries: taken, judged, made a change, answered.
 *
 * Each target of an IPC_DELIVER is an offer. It waits in box->offers until the
 * account is loaded and its files are open, in box->pending until its record is
 * durable, and is answered exactly once, unless the router left meanwhile. */
#include <assert.h>
#include <string.h>

#include "account/slot.h"
#include "base/check.h"
#include "journey/event.h"
#include "role/store_impl.h"

enum { INCOMING_MAX = 2 * IPC_PACKET_MAX, ANSWER_LEN = 17 };

static_assert(JOURNAL_TRACE_MAX + 2 * SEALED_ADDRESS_MAX + 64 <= PACK_PREFIX_MAX,
    "the lines that delivery adds fit beside the longest trace");
static_assert(STORE_ANSWERS_MAX * ANSWER_LEN + 4 <= IPC_PACKET_MAX - 6,
    "an IPC_DELIVERED fits in a packet");

/* ---- the journey ---- */

static const struct delivery_target *target_of(const struct offer *offer)
{
	return &offer->incoming->delivery.targets[offer->target];
}

/* Its place in the mailbox is decided; tell_durable() follows when that is on disk. */
static void tell_filed(const struct store *s, const struct offer *offer,
    const struct account_row *row)
{
	struct event event;

	if (!event_begin(&event, s->os, "filed"))
		return;
	event_id(&event, offer->incoming->delivery.id);
	event_name(&event, "account", target_of(offer)->account);
	event_number(&event, "uid", row->uid);
	event_text(&event, "to", target_of(offer)->delivered_to);
	event_number(&event, "pack", row->pack);
	event_number(&event, "offset", row->offset);
	event_end(&event);
}

/* For all messages of the mailbox that were on their way. */
static void tell_durable(const struct box *box)
{
	struct event event;

	if (!event_begin(&event, box->store->os, "durable"))
		return;
	event_name(&event, "account", box->id);
	event_end(&event);
}

static void tell_refused(const struct store *s, const struct offer *offer,
    enum delivery_result result)
{
	struct event event;

	if (result == DELIVERY_DURABLE || !event_begin(&event, s->os,
	    result == DELIVERY_LATER ? "put-off" : "no-account"))
		return;
	event_id(&event, offer->incoming->delivery.id);
	event_name(&event, "account", target_of(offer)->account);
	event_end(&event);
}

/* ---- answers ---- */

static void flush_answers(struct os_defer *defer)
{
	struct store *s = defer->owner;
	struct ipc_channel *router = frame_peer(&s->frame, ROLE_ROUTER, 0);

	while (router != NULL && s->n_answers > 0) {
		uint32_t n = s->n_answers < STORE_ANSWERS_MAX ? s->n_answers : STORE_ANSWERS_MAX;
		struct buffer *out = ipc_begin(router, IPC_DELIVERED);

		put_u32(out, n);
		buffer_add(out, slice_head(buffer_bytes(&s->answers), n * (size_t)ANSWER_LEN));
		ipc_end(router, -1);
		buffer_consume(&s->answers, n * (size_t)ANSWER_LEN);
		s->n_answers -= n;
	}
	store_drain_check(s);
}

void store_deliver_init(struct store *s)
{
	s->answers = buffer_init(s->heap, SIZE_MAX / 2);
	s->answer_defer = (struct os_defer){ .run = flush_answers, .owner = s };
}

static void incoming_unref(struct store *s, struct incoming *incoming)
{
	if (--incoming->refs > 0)
		return;
	if (incoming->fd >= 0)
		os_close(s->os, incoming->fd);
	source_unref(incoming->source);
	arena_reset(&incoming->arena);
	heap_free(s->heap, incoming);
}

static void judged(struct offer *offer)
{
	if (!offer->judged)
		offer->incoming->waiting--;
	offer->judged = true;
}

static void answer(struct store *s, struct offer *offer, enum delivery_result result)
{
	struct incoming *incoming = offer->incoming;

	judged(offer);
	tell_refused(s, offer, result);
	s->n_delivered += result == DELIVERY_DURABLE;
	if (incoming->epoch == s->epoch) {
		put_message_id(&s->answers, incoming->delivery.id);
		put_u16(&s->answers, target_of(offer)->recipient);
		put_u8(&s->answers, (uint8_t)result);
		s->n_answers++;
		os_defer(s->os, &s->answer_defer);
	}
	list_remove(&offer->link);
	heap_free(s->heap, offer);
	incoming_unref(s, incoming);
	s->n_offers--;
}

void offers_answer(struct box *box, struct list *offers, size_t n, enum delivery_result result)
{
	if (result == DELIVERY_DURABLE && n > 0 && !list_empty(offers))
		tell_durable(box);
	for (size_t i = 0; i < n && !list_empty(offers); i++)
		answer(box->store, list_item(offers->next, struct offer, link), result);
}

/* ---- taken ---- */

static bool read_incoming(struct store *s, slice bytes, struct incoming *incoming)
{
	struct bytes in = bytes_init(bytes);
	struct delivery *d = &incoming->delivery;

	if (!delivery_read(&in, &incoming->arena, d) || !bytes_end(&in))
		return false;
	if (d->source != 0) {
		incoming->source = source_use(s, d->source, incoming->fd);
		incoming->fd = -1;
	}
	if ((incoming->fd >= 0 || incoming->source != NULL) ==
	    (d->body.frames.len > 0 || d->body.stored == 0))
		return false;
	for (size_t i = 0; i < d->n_targets; i++) {
		if (account_store(d->targets[i].account, s->frame.config->stores) !=
		    s->frame.index)
			return false;
	}
	return true;
}

/* The message dies when its handler returns. Mostly all targets were judged by
 * then, and what the pack needs was copied; else the rest needs a copy, too. */
static void outlive_message(struct incoming *incoming, slice bytes)
{
	struct delivery *d = &incoming->delivery;
	bool again = true;

	if (incoming->waiting > 0) {
		struct bytes in = bytes_init(slice_copy(&incoming->arena, bytes));

		again = delivery_read(&in, &incoming->arena, d);
	} else {
		d->sender = d->trace = d->body.frames = (slice){ 0 };
		for (size_t i = 0; i < d->n_targets; i++)
			d->targets[i].delivered_to = (slice){ 0 };
	}
	check(again);
}

static bool too_much(const struct store *s)
{
	return s->n_offers > STORE_OFFERS_MAX || s->pending_bytes > STORE_PENDING_MAX;
}

static void add_offer(struct store *s, struct incoming *incoming, uint16_t target, bool later)
{
	struct offer *offer = heap_new(s->heap, struct offer);
	struct box *box;

	offer->incoming = incoming;
	offer->target = target;
	list_init(&offer->link);
	incoming->refs++;
	incoming->waiting++;
	s->n_offers++;
	if (later) {
		answer(s, offer, DELIVERY_LATER);
		return;
	}
	box = box_get(s, target_of(offer)->account);
	list_append(&box->offers, &offer->link);
	box_step(box);
}

bool store_deliver(struct store *s, struct ipc_message *message)
{
	struct incoming *incoming = heap_new(s->heap, struct incoming);
	slice bytes = message->body.rest;
	bool later = too_much(s);

	incoming->refs = 1;
	incoming->epoch = s->epoch;
	incoming->fd = ipc_take_fd(message);
	incoming->arena = arena_init(s->heap, INCOMING_MAX);
	if (!s->told_live || !read_incoming(s, bytes, incoming)) {
		incoming_unref(s, incoming);
		return false;
	}
	store_note_generation(s, incoming->delivery.id.generation);
	s->last_offer_ms = os_now_ms(s->os);
	for (uint16_t i = 0; i < incoming->delivery.n_targets; i++)
		add_offer(s, incoming, i, later);
	outlive_message(incoming, bytes);
	incoming_unref(s, incoming);
	checkpoint_schedule(s);
	return true;
}

/* ---- judged, made a change ---- */

static void write_delivered_to(slice address, struct buffer *out)
{
	buffer_add(out, slice_lit("Delivered-To: "));
	buffer_add(out, address);
	buffer_add(out, slice_lit("\r\n"));
}

/* RFC 5321 s4.4: Return-Path on top, once, at final delivery. In a mock the message is for
 * all of them: as many are named as fit. */
static void write_prefix(const struct store *s, const struct delivery *d,
    const struct delivery_target *target, struct buffer *out)
{
	buffer_add(out, slice_lit("Return-Path: <"));
	buffer_add(out, d->sender);
	buffer_add(out, slice_lit(">\r\n"));
	write_delivered_to(target->delivered_to, out);
	for (size_t i = 0; s->frame.config->mock && i < d->n_targets; i++) {
		const struct delivery_target *other = &d->targets[i];

		if (other == target || other->account != target->account ||
		    buffer_room(out) < d->trace.len + other->delivered_to.len + 32)
			continue;
		write_delivered_to(other->delivered_to, out);
	}
	buffer_add(out, d->trace);
}

/* Behind what gathers for the pack. */
static void add_piece(struct box *box, struct piece *piece)
{
	struct store *s = box->store;
	size_t here = piece->len + buffer_bytes(&piece->frames).len;

	piece->offset = box->pack_end;
	list_append(&box->pieces, &piece->link);
	box->pack_end += here + piece->from_len;
	s->pending_bytes += here;
	s->unsaved_bytes += here + piece->from_len;
	s->unsaved_messages++;
}

static void add_delivered(struct box *box, const struct incoming *incoming, slice entry)
{
	const struct journal_body *body = &incoming->delivery.body;
	struct piece *piece = heap_alloc(box->store->heap, sizeof *piece + entry.len +
	    body->frames.len);

	*piece = (struct piece){ .from = -1, .len = entry.len + body->frames.len };
	memcpy(piece->bytes, entry.ptr, entry.len);
	if (body->frames.len > 0)
		memcpy(piece->bytes + entry.len, body->frames.ptr, body->frames.len);
	if (body->frames.len == 0 && body->stored > 0) {
		piece->from = incoming->source != NULL ? incoming->source->fd : incoming->fd;
		piece->from_offset = incoming->delivery.body_offset;
		piece->from_len = body->stored;
		piece->checksum = body->checksum;
	}
	add_piece(box, piece);
}

void box_add_piece(struct box *box, slice entry, struct buffer *frames)
{
	struct piece *piece = heap_alloc(box->store->heap, sizeof *piece + entry.len);

	*piece = (struct piece){ .from = -1, .len = entry.len, .frames = *frames };
	*frames = buffer_init(frames->heap, frames->size_max);
	memcpy(piece->bytes, entry.ptr, entry.len);
	add_piece(box, piece);
}

void pieces_free(struct box *box, struct list *pieces)
{
	struct list *at;

	while ((at = list_take_first(pieces)) != NULL) {
		struct piece *piece = list_item(at, struct piece, link);

		box->store->pending_bytes -= piece->len + buffer_bytes(&piece->frames).len;
		buffer_free(&piece->frames);
		heap_free(box->store->heap, piece);
	}
}

/* A mock's mailbox is for everybody: one message, however many recipients it had. */
static struct account_key key_of(const struct store *s, const struct offer *offer)
{
	uint16_t recipient = s->frame.config->mock ? 0 : target_of(offer)->recipient;

	return account_key_of(offer->incoming->delivery.id, recipient);
}

static void add_message(struct box *box, struct offer *offer)
{
	struct incoming *incoming = offer->incoming;
	const struct delivery *d = &incoming->delivery;
	struct pack_body body = { d->body.size, d->body.stored, d->body.checksum };
	struct pack_place place = { box->id, box->pack, (uint32_t)box->pack_end };
	struct buffer prefix = buffer_init(box->store->heap, PACK_PREFIX_MAX);
	struct buffer entry = buffer_init(box->store->heap, PACK_PREFIX_MAX + PACK_ENTRY);
	struct account_row row = {
		.key = key_of(box->store, offer),
		.received_us = account_received(d->received_us),
		.saved_s = (uint32_t)(os_wall_us(box->store->os) / 1000000),
		.pack = place.number,
		.offset = place.offset,
	};

	write_prefix(box->store, d, target_of(offer), &prefix);
	pack_entry_write(&entry, place, buffer_bytes(&prefix), body);
	row.size = (uint32_t)(buffer_bytes(&prefix).len + body.size);
	row.stored = (uint32_t)pack_entry_len(buffer_bytes(&prefix), body);
	add_delivered(box, incoming, buffer_bytes(&entry));
	buffer_free(&prefix);
	buffer_free(&entry);
	account_deliver(box->account, &row);
	tell_filed(box->store, offer, &row);
	offer->ours = true;
}

/* Entries begin below PACK_MAX, or behind what already waits for this pack; a
 * heap of large ones behind it would leave the 32 bits of an offset. */
bool box_pack_is_crowded(const struct box *box)
{
	return box->pack_end > UINT32_MAX / 2;
}

bool box_take_offers(struct box *box)
{
	struct store *s = box->store;

	while (!list_empty(&box->offers)) {
		struct offer *offer = list_item(box->offers.next, struct offer, link);
		enum account_deliver verdict = account_judge(box->account, key_of(box->store, offer));

		if (verdict == ACCOUNT_KNOWN) {
			answer(s, offer, DELIVERY_DURABLE);
			continue;
		}
		if (verdict == ACCOUNT_REMOVED || box->removing) {
			answer(s, offer, DELIVERY_NO_ACCOUNT);
			continue;
		}
		if (verdict == ACCOUNT_FULL || store_stopped(s)) {
			answer(s, offer, DELIVERY_LATER);
			continue;
		}
		if (!box_writable(box, true))
			return false;
		if (verdict == ACCOUNT_ADDED && box_pack_is_crowded(box)) {
			answer(s, offer, DELIVERY_LATER);
			continue;
		}
		if (verdict == ACCOUNT_ADDED)
			add_message(box, offer);
		judged(offer);
		list_remove(&offer->link);
		list_append(&box->pending, &offer->link);
		box_dirty(box, box_has_sessions(box));
	}
	return true;
}

void box_judge_waiting(struct box *box)
{
	list_for(at, &box->pending) {
		struct offer *offer = list_item(at, struct offer, link);

		if (!offer->ours &&
		    account_judge(box->account, key_of(box->store, offer)) == ACCOUNT_KNOWN)
			answer(box->store, offer, DELIVERY_DURABLE);
	}
}
