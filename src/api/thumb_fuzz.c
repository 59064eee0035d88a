/* api/thumb_fuzz.c - any bytes as a picture.
 *
 * For: api/thumb.c, api/thumb_gif.c, api/thumb_jpeg.c, api/thumb_png.c
 *
 * Holds: whatever it is, a JPEG comes of it.
 *
 * Input: the picture. */
#include "fuzz.h"

#include "api/thumb.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	slice picture = fuzz_copy(slice_of(data, len));
	size_t n = 0;
	unsigned char *made = api_thumb(picture, &n);

	check(made != NULL && n > 3 && made[0] == 0xff && made[1] == 0xd8);
	free(made);
	free((void *)(uintptr_t)picture.ptr);
	return 0;
}
