/* api/thumb_impl.h - the inside of thumb*.c.
 *
 *   bytes -> a decoder, row by row -> shrinking: by a whole number -> a picture of some hundred
 *   pixels -> thumb.c turns, cuts and scales it -> JPEG */
#ifndef API_THUMB_IMPL_H
#define API_THUMB_IMPL_H

#include <stdbool.h>
#include <stdint.h>

#include "api/thumb.h"

/* Rows come in, each `by` of them become one. RGB, a byte each. */
struct shrinking {
	unsigned width, height;         /* of what comes in */
	unsigned by;
	unsigned out_width, out_height;
	unsigned row;                   /* that comes next */
	uint32_t *sums;                 /* out_width * 3 */
	unsigned char *pixels;          /* out_width * out_height * 3, of calloc() */
	unsigned orientation;           /* 1 to 8, EXIF */
};

/* False: too large, or no memory. All of it is freed by shrinking_free(), at any time. */
bool shrinking_begin(struct shrinking *s, unsigned width, unsigned height);
void shrinking_row(struct shrinking *s, const unsigned char *rgb);
void shrinking_free(struct shrinking *s);

/* Decode into *s. False: it is broken or too large; *s is to be freed all the same. */
bool thumb_png(slice picture, struct shrinking *s);
bool thumb_jpeg(slice picture, struct shrinking *s);
bool thumb_gif(slice picture, struct shrinking *s);

#endif
