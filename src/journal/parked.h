/* journal/parked.h - a record that could not be finished for a long time, copied
 * out of its segment so that it pins no space there (LOG_PARKED).
 *
 *   u8 version | delivery without frames | frames to the end (none when spooled)
 *
 * It keeps its message id, so that a target that was reached meanwhile is not
 * reached twice. At most DELIVERY_TARGETS_MAX targets; more make more records. */
#ifndef JOURNAL_PARKED_H
#define JOURNAL_PARKED_H

#include "journal/delivery.h"

enum parked_type { PARKED_DELIVERY = 1 };

/* d->body.frames empty; the frames follow as a part of their own. */
void parked_write(const struct delivery *d, struct buffer *out);
/* False: not one that we know. d->body.frames are borrowed from `payload`. */
bool parked_read(slice payload, struct arena *arena, struct delivery *ret);

#endif
