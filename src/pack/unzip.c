/* pack/unzip.c - a few slots; who finds none full makes a context, who finds none empty frees
 * his own. */
#include "pack/unzip.h"

#include <zstd.h>

#include "base/check.h"

static ZSTD_DCtx *take(struct pack_unzip *unzip)
{
	ZSTD_DCtx *context = NULL;

	for (size_t i = 0; i < PACK_UNZIP_IDLE && context == NULL; i++)
		context = atomic_exchange(&unzip->idle[i], NULL);
	if (context == NULL) {
		context = ZSTD_createDCtx();
		check(context != NULL);
	}
	return context;
}

static void give_back(struct pack_unzip *unzip, ZSTD_DCtx *context)
{
	for (size_t i = 0; i < PACK_UNZIP_IDLE && context != NULL; i++)
		context = atomic_exchange(&unzip->idle[i], context);
	ZSTD_freeDCtx(context);
}

static void close_all(void *context)
{
	struct pack_unzip *unzip = context;

	for (size_t i = 0; i < PACK_UNZIP_IDLE; i++)
		ZSTD_freeDCtx(atomic_exchange(&unzip->idle[i], NULL));
}

void pack_unzip_init(struct pack_unzip *unzip, struct heap *heap)
{
	for (size_t i = 0; i < PACK_UNZIP_IDLE; i++)
		atomic_init(&unzip->idle[i], NULL);
	heap_on_drop(heap, close_all, unzip);
}

size_t pack_unzip(struct pack_unzip *unzip, void *to, size_t room, const void *frame, size_t len)
{
	ZSTD_DCtx *context;
	size_t got;

	if (unzip == NULL)
		return ZSTD_decompress(to, room, frame, len);
	context = take(unzip);
	got = ZSTD_decompressDCtx(context, to, room, frame, len);
	give_back(unzip, context);
	return got;
}
