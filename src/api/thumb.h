/* api/thumb.h - a picture made small, as Mailpit does: THUMB_WIDTH by THUMB_HEIGHT, JPEG. Pure,
 * but for the memory that libpng, libjpeg and giflib take for themselves; slow: for the pool.
 *
 * A picture that is larger both ways is scaled and cut at its edges; another one is made to
 * fit and stands on white. PNG, JPEG, which may say how it lies (EXIF), and the first picture
 * of a GIF; of anything else, of what is broken and of what has over WEB_THUMB_PIXELS the thumbnail is white.
 *
 * Pictures are strangers'. What a decoder may take is bounded: THUMB_SIDE_MAX either way, no
 * more than THUMB_SCANS of a progressive JPEG, and of memory some 4 bytes a pixel. */
#ifndef API_THUMB_H
#define API_THUMB_H

#include <stddef.h>

#include "base/slice.h"

enum {
	THUMB_WIDTH = 180,
	THUMB_HEIGHT = 120,
	THUMB_QUALITY = 70,
	THUMB_SIDE_MAX = 65500,
	THUMB_SCANS = 64,
};

/* A JPEG, of malloc(). NULL: no memory. */
unsigned char *api_thumb(slice picture, size_t *ret_len);

#endif
