/* sim/imap_device.c - the remembered view of a mailbox. */
#include "sim/imap_device.h"

#include <stdio.h>
#include <string.h>

#include "imap/sequence.h"

void imap_device_forget(struct imap_device *d)
{
	d->n = 0;
	d->uidvalidity = 0;
	d->modseq = 0;
}

static size_t lower(const struct imap_device *d, uint32_t uid)
{
	size_t low = 0, high = d->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (d->known[middle].uid < uid)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct imap_known *imap_device_find(const struct imap_device *d, uint32_t uid)
{
	size_t at = lower(d, uid);

	return at < d->n && d->known[at].uid == uid ? &d->known[at] : NULL;
}

struct imap_known *imap_device_put(struct imap_device *d, uint32_t uid)
{
	size_t at = lower(d, uid);

	if (at < d->n && d->known[at].uid == uid)
		return &d->known[at];
	if (d->n == d->capacity) {
		d->capacity = d->capacity == 0 ? 16 : 2 * d->capacity;
		d->known = heap_resize(d->heap, d->known, d->capacity * sizeof *d->known);
	}
	memmove(d->known + at + 1, d->known + at, (d->n - at) * sizeof *d->known);
	d->n++;
	d->known[at] = (struct imap_known){ .uid = uid };
	return &d->known[at];
}

void imap_device_remove(struct imap_device *d, uint32_t uid)
{
	size_t at = lower(d, uid);

	if (at == d->n || d->known[at].uid != uid)
		return;
	memmove(d->known + at, d->known + at + 1, (d->n - at - 1) * sizeof *d->known);
	d->n--;
}

void imap_device_print(const struct imap_device *d, struct buffer *out)
{
	struct imap_set_writer set = { .out = out };

	for (size_t i = 0; i < d->n; i++)
		imap_set_add(&set, d->known[i].uid, d->known[i].uid);
	imap_set_finish(&set);
}

const char *imap_device_compare(const struct imap_device *a, const struct imap_device *b,
    char *text, size_t size)
{
	if (a->uidvalidity != b->uidvalidity) {
		snprintf(text, size, "UIDVALIDITY %u and %u", a->uidvalidity, b->uidvalidity);
		return text;
	}
	for (size_t i = 0; i < a->n || i < b->n; i++) {
		const struct imap_known *x = &a->known[i], *y = &b->known[i];

		if (i == a->n || i == b->n || x->uid != y->uid) {
			snprintf(text, size, "%zu messages and %zu, up to UID %u and %u there", a->n,
			    b->n, i < a->n ? x->uid : 0, i < b->n ? y->uid : 0);
			return text;
		}
		if (x->flags != y->flags || x->modseq != y->modseq) {
			snprintf(text, size, "UID %u has flags %x, MODSEQ %llu, and flags %x, MODSEQ %llu",
			    x->uid, x->flags, (unsigned long long)x->modseq, y->flags,
			    (unsigned long long)y->modseq);
			return text;
		}
	}
	return NULL;
}
