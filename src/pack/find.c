/* pack/find.c - the next entry behind bytes that nobody understands.
 *
 * Entries have no alignment, so each byte may begin one. The magic leaves few
 * places, the header's checksum (with its place) the right ones. What looks like
 * a header costs the reading of its prefix: that is bounded, because what people
 * send could be made of such looks. */
#include "pack/pack.h"

#include <string.h>

#include "base/bytes.h"
#include "base/limits.h"
#include "pack/format.h"

enum { FIND_WINDOW = 64 * 1024 };

/* Judge the places in a window of n bytes whose offset is `at`. */
static enum pack_result find_within(struct os *os, struct heap *heap, int fd,
    const unsigned char *window, size_t n, uint64_t at, unsigned *looks,
    struct pack_place *place)
{
	for (size_t i = 0; i + 4 <= n && at + i <= UINT32_MAX; i++) {
		struct pack_place here = { place->owner, place->number, (uint32_t)(at + i) };
		enum pack_result result;
		struct pack_body body;
		slice prefix;

		if (load_u32(window + i) != PACK_MAGIC || *looks == 0)
			continue;
		--*looks;
		result = pack_look(os, heap, fd, here, &prefix, &body);
		if (result == PACK_DAMAGED)
			continue;
		if (result == PACK_OK)
			heap_free(heap, (void *)(uintptr_t)prefix.ptr);
		*place = here;
		return result;
	}
	return PACK_END;
}

enum pack_result pack_find(struct os *os, struct heap *heap, int fd, uint64_t end,
    struct pack_place *place)
{
	unsigned char *window = heap_alloc(heap, FIND_WINDOW);
	enum pack_result result = PACK_END;
	uint64_t at = place->offset;
	unsigned looks = PACK_LOOKS_MAX;

	while (at < end && result == PACK_END) {
		size_t n = end - at < FIND_WINDOW ? (size_t)(end - at) : FIND_WINDOW;
		ssize_t got = os_pread(os, fd, window, n, at);

		if (got < 0)
			result = PACK_IO;
		else if (got < 4)
			break;
		else
			result = find_within(os, heap, fd, window, (size_t)got, at, &looks,
			    place);
		/* The last three bytes may begin a magic. */
		at += got > 4 ? (uint64_t)got - 3 : 4;
	}
	heap_free(heap, window);
	return result;
}
