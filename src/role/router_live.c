/* role/router_live.c - generations that may still be handed over again.
 *
 * A store remembers the keys of a delivery until its generation is retired. A
 * generation is held by its own segment and by each parked segment that has a
 * copy of one of its records. */
#include "role/router_impl.h"

#include <assert.h>

#include "base/check.h"

/* Those of segments, of parked records, and of one batch more. */
static_assert(4 + 8 * (ROUTER_FILES_MAX + ROUTER_GENERATIONS_MAX + PARK_BATCH_MAX) <=
    IPC_BODY_MAX, "one IPC_LIVE names them all");

void generation_hold(struct router *r, uint64_t number)
{
	struct generation *g = table_get(&r->generations, table_key(number));

	if (g == NULL) {
		g = heap_new(r->heap, struct generation);
		g->number = number;
		table_put(&r->generations, table_key(g->number), g);
	}
	g->holds++;
}

static void tell_retired(struct router *r, uint64_t number)
{
	for (size_t i = 0; i < OUTLETS_MAX; i++) {
		struct store_peer *store = &r->stores[i];

		if (store->channel == NULL || !store->told)
			continue;
		put_u64(ipc_begin(store->channel, IPC_RETIRED), number);
		ipc_end(store->channel, -1);
	}
}

void generation_drop(struct router *r, uint64_t number)
{
	struct generation *g = table_get(&r->generations, table_key(number));

	check(g != NULL && g->holds > 0);
	if (--g->holds > 0)
		return;
	table_remove(&r->generations, table_key(number));
	heap_free(r->heap, g);
	tell_retired(r, number);
}

void generations_tell(struct router *r, struct ipc_channel *store)
{
	struct buffer *out = ipc_begin(store, IPC_LIVE);
	struct generation *g;
	size_t at = 0;

	put_u32(out, (uint32_t)r->generations.count);
	while ((g = table_next(&r->generations, &at)) != NULL)
		put_u64(out, g->number);
	ipc_end(store, -1);
}

void segment_note_parked(struct segment *s, uint64_t generation)
{
	struct bytes known = bytes_init(buffer_bytes(&s->parked));

	while (known.rest.len > 0) {
		if (get_u64(&known) == generation)
			return;
	}
	put_u64(&s->parked, generation);
	generation_hold(s->router, generation);
}
