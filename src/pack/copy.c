/* pack/copy.c - an entry to another place, where it says so. */
#include "base/limits.h"
#include "pack/pack.h"

#include <errno.h>

int pack_copy(struct os *os, struct heap *heap, int in, struct pack_place from, int out,
    struct pack_place to, slice prefix, struct pack_body body, uint64_t *ret_checksum)
{
	struct buffer header = buffer_init(heap, PACK_ENTRY + PACK_PREFIX_MAX);
	size_t room = body.stored < PACK_WINDOW ? (size_t)body.stored + 1 : PACK_WINDOW;
	unsigned char *piece = heap_alloc(heap, room);
	uint64_t before = PACK_ENTRY + prefix.len, done = 0;
	struct checksum_stream sum;
	int error = 0;

	checksum_begin(&sum, 0);
	pack_entry_write(&header, to, prefix, body);
	do {
		size_t n = body.stored - done < room ? (size_t)(body.stored - done) : room;
		slice parts[2] = { buffer_bytes(&header), slice_of(piece, n) };

		if (os_pread(os, in, piece, n, from.offset + before + done) != (ssize_t)n) {
			error = -EIO;
			break;
		}
		checksum_add(&sum, parts[1]);
		error = done == 0 ? os_pwritev(os, out, parts, 2, to.offset) :
		    os_pwrite(os, out, parts[1], to.offset + before + done);
		done += n;
	} while (done < body.stored && error == 0);
	*ret_checksum = checksum_end(&sum);
	heap_free(heap, piece);
	buffer_free(&header);
	return error;
}
