/* pack/batch.h - many messages of a pack's, each whole, one after the other.
 *
 * For who goes through a mailbox: entries that stand next to each other are read at once,
 * and the memory for one message serves the next. What reader.c says of judging (pack.h,
 * 3) holds here. Blocking: for the pool. */
#ifndef PACK_BATCH_H
#define PACK_BATCH_H

#include "pack/pack.h"

struct pack_want {
	uint32_t number, offset;
	uint32_t stored;                /* bytes of the entry, as its row says; wrong is slow */
};

struct pack_batch {
	struct os *os;
	struct heap *heap;
	uint64_t owner;
	/* Opens a pack by its number: a descriptor, or -errno. */
	int (*open)(void *context, uint32_t number);
	void *context;
	uint32_t number;                /* of the pack that is open */
	int fd;                         /* -1: none */
	unsigned char *window;
	size_t window_room;
	uint64_t at;                    /* of the pack, where the window begins */
	size_t len;                     /* of it */
	unsigned char *text;
	size_t text_room;
	struct ZSTD_DCtx_s *zstd;
};

/* Memory comes from heap, which nobody else uses meanwhile. */
void pack_batch_init(struct pack_batch *b, struct os *os, struct heap *heap, uint64_t owner,
    int (*open)(void *context, uint32_t number), void *context);
void pack_batch_close(struct pack_batch *b);
/* Close the pack that is open; memory stays for what is read next. */
void pack_batch_rest(struct pack_batch *b);

/* The text of wants[i]: prefix and body; `head`: up to the blank line, or more. What comes
 * behind i may be read ahead. Never PACK_END. Borrowed until the next call. */
enum pack_result pack_batch_read(struct pack_batch *b, const struct pack_want *wants, size_t n,
    size_t i, bool head, slice *ret_text);

#endif
