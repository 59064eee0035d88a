/* queue/entry.c - records of the queue's log.
 *
 *   u8 version | u64 number | message id | u64 received_us | u64 next_us | u16 tries |
 *   u16 reports | u8 flags | u16 needs | slice sender | u32 pack | u32 offset |
 *   u64 size | u64 stored | u64 checksum | u16 n | n * (u16 index, u8 state,
 *   slice address, slice reply) */
#include "queue/entry.h"

#include "base/check.h"
#include "base/limits.h"

enum { ENTRY_VERSION = 1 };

void queue_entry_write(const struct queue_entry *e, struct buffer *out)
{
	check(e->number != 0 && e->place.number != 0 && e->sender.len <= SEALED_ADDRESS_MAX);
	check(e->n_recipients > 0 && e->n_recipients <= QUEUE_RECIPIENTS_MAX);
	put_u8(out, ENTRY_VERSION);
	put_u64(out, e->number);
	put_message_id(out, e->id);
	put_u64(out, (uint64_t)e->received_us);
	put_u64(out, (uint64_t)e->next_us);
	put_u16(out, e->tries);
	put_u16(out, e->reports);
	put_u8(out, e->flags);
	put_u16(out, e->needs);
	put_slice(out, e->sender);
	put_u32(out, e->place.number);
	put_u32(out, e->place.offset);
	put_u64(out, e->body.size);
	put_u64(out, e->body.stored);
	put_u64(out, e->body.checksum);
	put_u16(out, e->n_recipients);
	for (size_t i = 0; i < e->n_recipients; i++) {
		const struct queue_recipient *r = &e->recipients[i];

		check(r->address.len <= SEALED_ADDRESS_MAX && r->reply.len <= QUEUE_REPLY_MAX);
		put_u16(out, r->index);
		put_u8(out, r->state);
		put_slice(out, r->address);
		put_slice(out, r->reply);
	}
}

static bool read_recipients(struct bytes *in, struct arena *arena, struct queue_entry *e)
{
	e->n_recipients = get_u16(in);
	if (!bytes_ok(in) || e->n_recipients == 0 || e->n_recipients > QUEUE_RECIPIENTS_MAX)
		return false;
	e->recipients = arena_try(arena, e->n_recipients, sizeof *e->recipients);
	if (e->recipients == NULL)
		return false;
	for (size_t i = 0; i < e->n_recipients; i++) {
		struct queue_recipient *r = &e->recipients[i];

		r->index = get_u16(in);
		r->state = get_u8(in);
		r->address = get_slice(in, SEALED_ADDRESS_MAX);
		r->reply = get_slice(in, QUEUE_REPLY_MAX);
		if (r->state > QUEUE_FAILED || r->address.len == 0)
			return false;
	}
	return bytes_end(in);
}

bool queue_entry_read(slice payload, struct arena *arena, struct queue_entry *ret)
{
	struct bytes in = bytes_init(payload);
	struct queue_entry e = { .place.owner = QUEUE_PACKS };

	if (get_u8(&in) != ENTRY_VERSION)
		return false;
	e.number = get_u64(&in);
	e.id = get_message_id(&in);
	e.received_us = (int64_t)get_u64(&in);
	e.next_us = (int64_t)get_u64(&in);
	e.tries = get_u16(&in);
	e.reports = get_u16(&in);
	e.flags = get_u8(&in);
	e.needs = get_u16(&in);
	e.sender = get_slice(&in, SEALED_ADDRESS_MAX);
	e.place.number = get_u32(&in);
	e.place.offset = get_u32(&in);
	e.body.size = get_u64(&in);
	e.body.stored = get_u64(&in);
	e.body.checksum = get_u64(&in);
	if (!read_recipients(&in, arena, &e) || e.number == 0 || e.place.number == 0)
		return false;
	*ret = e;
	return true;
}

void queue_number_write(uint64_t number, struct buffer *out)
{
	put_u64(out, number);
}

bool queue_number_read(slice payload, uint64_t *ret_number)
{
	struct bytes in = bytes_init(payload);

	*ret_number = get_u64(&in);
	return bytes_end(&in);
}
