/* role/web_texts.h - texts one after the other in a memory file, so that the web's own
 * memory stays small however much mail a mock holds.
 *
 * Append-only. Who reads many in their order, up or down, reads the file in pieces. When
 * half of it is dead its user copies what lives into another. Mapped instead of read, a walk
 * through 100 MB was slower than it is, by faults. */
#ifndef ROLE_WEB_TEXTS_H
#define ROLE_WEB_TEXTS_H

#include "os/os.h"

struct texts {
	struct os *os;
	int fd;                         /* -1: none */
	uint64_t end;
	uint64_t dead;                  /* bytes of texts that were dropped */
	unsigned char *window;          /* a piece of the file: */
	size_t window_size;
	uint64_t from, to;
};

/* 0 or -errno. */
int texts_init(struct texts *t, struct os *os);
void texts_finish(struct texts *t);

/* 0 or -errno: it is not there then. */
int texts_add(struct texts *t, slice text, uint64_t *ret_at) __attribute__((warn_unused_result));
/* Borrowed until the next call. Empty when it can't be had. */
slice texts_get(struct texts *t, uint64_t at, size_t len);
void texts_drop(struct texts *t, size_t len);
/* Is it time to copy what lives? */
bool texts_want_copy(const struct texts *t);

#endif
