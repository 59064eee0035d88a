/* pack/unzip.h - zstd's contexts for decompressing, kept for who comes next.
 *
 * To make one costs more than to decompress a message of some kilobytes: it asks the
 * processor what it can (CPUID), and where that is a virtual one, the host answers. Any
 * thread may call this, at any time. */
#ifndef PACK_UNZIP_H
#define PACK_UNZIP_H

#include <stdatomic.h>
#include <stddef.h>

#include "base/heap.h"
#include "base/limits.h"

struct ZSTD_DCtx_s;

struct pack_unzip {
	_Atomic(struct ZSTD_DCtx_s *) idle[PACK_UNZIP_IDLE];
};

/* Until the heap is dropped; then nobody may be at work. */
void pack_unzip_init(struct pack_unzip *unzip, struct heap *heap);

/* As ZSTD_decompress(): one frame, at most `room` bytes; the result may be an error, for
 * ZSTD_isError(). unzip may be NULL: nothing is kept. */
size_t pack_unzip(struct pack_unzip *unzip, void *to, size_t room, const void *frame, size_t len);

#endif
