/* journal/parked.c - see the header. */
#include "journal/parked.h"

#include "base/check.h"

enum { PARKED_VERSION = 2 };

void parked_write(const struct delivery *d, struct buffer *out)
{
	check(d->body.frames.len == 0);
	put_u8(out, PARKED_VERSION);
	delivery_write(d, out);
}

bool parked_read(slice payload, struct arena *arena, struct delivery *ret)
{
	struct bytes in = bytes_init(payload);
	struct delivery d;

	if (get_u8(&in) != PARKED_VERSION || !delivery_read(&in, arena, &d))
		return false;
	if (d.body.frames.len != 0)
		return false;
	d.body.frames = in.rest;
	if (d.body.frames.len != (d.body.spool == 0 ? d.body.stored : 0))
		return false;
	*ret = d;
	return true;
}
