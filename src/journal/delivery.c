/* journal/delivery.c - the body of IPC_DELIVER.
 *
 *   message id | u64 received_us | u16 flags | slice sender | slice trace |
 *   u16 n | n * (u16 recipient, u64 account, slice delivered_to) |
 *   u64 size | u64 stored | u64 checksum | u64 spool | u64 source |
 *   u64 body_offset | slice frames */
#include "journal/delivery.h"

#include "base/check.h"
#include "base/limits.h"

void delivery_write(const struct delivery *d, struct buffer *out)
{
	check(d->n_targets > 0 && d->n_targets <= DELIVERY_TARGETS_MAX);
	check(d->body.frames.len == 0 || d->body.frames.len == d->body.stored);
	check(d->body.frames.len <= DELIVERY_INLINE_MAX);
	put_message_id(out, d->id);
	put_u64(out, (uint64_t)d->received_us);
	put_u16(out, d->flags);
	put_slice(out, d->sender);
	put_slice(out, d->trace);
	put_u16(out, d->n_targets);
	for (size_t i = 0; i < d->n_targets; i++) {
		put_u16(out, d->targets[i].recipient);
		put_u64(out, d->targets[i].account);
		put_slice(out, d->targets[i].delivered_to);
	}
	put_u64(out, d->body.size);
	put_u64(out, d->body.stored);
	put_u64(out, d->body.checksum);
	put_u64(out, d->body.spool);
	put_u64(out, d->source);
	put_u64(out, d->body_offset);
	put_slice(out, d->body.frames);
}

static bool read_targets(struct bytes *in, struct arena *arena, struct delivery *d)
{
	d->n_targets = get_u16(in);
	if (!bytes_ok(in) || d->n_targets == 0 || d->n_targets > DELIVERY_TARGETS_MAX)
		return false;
	d->targets = arena_try(arena, d->n_targets, sizeof *d->targets);
	if (d->targets == NULL)
		return false;
	for (size_t i = 0; i < d->n_targets; i++) {
		d->targets[i].recipient = get_u16(in);
		d->targets[i].account = get_u64(in);
		d->targets[i].delivered_to = get_slice(in, SEALED_ADDRESS_MAX);
	}
	return bytes_ok(in);
}

bool delivery_read(struct bytes *in, struct arena *arena, struct delivery *ret)
{
	struct delivery d = { 0 };

	d.id = get_message_id(in);
	d.received_us = (int64_t)get_u64(in);
	d.flags = get_u16(in);
	d.sender = get_slice(in, SEALED_ADDRESS_MAX);
	d.trace = get_slice(in, JOURNAL_TRACE_MAX);
	if (!read_targets(in, arena, &d))
		return false;
	d.body.size = get_u64(in);
	d.body.stored = get_u64(in);
	d.body.checksum = get_u64(in);
	d.body.spool = get_u64(in);
	d.source = get_u64(in);
	d.body_offset = get_u64(in);
	d.body.frames = get_slice(in, DELIVERY_INLINE_MAX);
	if (!bytes_ok(in) || (d.body.frames.len > 0 && d.body.frames.len != d.body.stored))
		return false;
	*ret = d;
	return true;
}
