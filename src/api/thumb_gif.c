/* api/thumb_gif.c - the first picture of a GIF, by giflib. */
#include "api/thumb_impl.h"

#include <stdlib.h>
#include <string.h>

#include <gif_lib.h>

struct decoding {
	slice rest;
	int transparent;                /* an index, or NO_TRANSPARENT_COLOR */
	unsigned width, height;
	GifPixelType *indexes;
	unsigned char *rgb;             /* of a row */
};

static int take(GifFileType *gif, GifByteType *to, int n)
{
	struct decoding *d = gif->UserData;
	size_t len = n < 0 ? 0 : (size_t)n < d->rest.len ? (size_t)n : d->rest.len;

	if (len > 0)
		memcpy(to, d->rest.ptr, len);
	d->rest = slice_drop(d->rest, len);
	return (int)len;
}

/* Of what stands before a picture one tells which colour is none of it. */
static bool read_extension(GifFileType *gif, struct decoding *d)
{
	GifByteType *block;
	int code;

	if (DGifGetExtension(gif, &code, &block) == GIF_ERROR)
		return false;
	while (block != NULL) {
		GraphicsControlBlock control;

		if (code == GRAPHICS_EXT_FUNC_CODE &&
		    DGifExtensionToGCB(block[0], block + 1, &control) == GIF_OK)
			d->transparent = control.TransparentColor;
		if (DGifGetExtensionNext(gif, &block) == GIF_ERROR)
			return false;
	}
	return true;
}

static bool find_picture(GifFileType *gif, struct decoding *d)
{
	GifRecordType type;

	for (;;) {
		if (DGifGetRecordType(gif, &type) == GIF_ERROR)
			return false;
		if (type == IMAGE_DESC_RECORD_TYPE)
			return DGifGetImageDesc(gif) == GIF_OK;
		if (type != EXTENSION_RECORD_TYPE || !read_extension(gif, d))
			return false;
	}
}

/* An interlaced one has every eighth row first, then what is between them. */
static bool read_indexes(GifFileType *gif, struct decoding *d)
{
	static const unsigned from[] = { 0, 4, 2, 1 }, step[] = { 8, 8, 4, 2 };

	for (unsigned pass = 0; pass < (gif->Image.Interlace ? 4 : 1); pass++) {
		for (unsigned y = from[pass]; y < d->height; y += gif->Image.Interlace ? step[pass] : 1) {
			if (DGifGetLine(gif, d->indexes + (size_t)y * d->width, (int)d->width) == GIF_ERROR)
				return false;
		}
	}
	return true;
}

/* On white, as far as it is transparent. An index without a colour is black. */
static void paint_row(const struct decoding *d, const ColorMapObject *map, const GifPixelType *row)
{
	for (size_t x = 0; x < d->width; x++) {
		GifColorType c = row[x] == d->transparent ? (GifColorType){ 255, 255, 255 } :
		    row[x] < map->ColorCount ? map->Colors[row[x]] : (GifColorType){ 0, 0, 0 };

		d->rgb[3 * x] = c.Red;
		d->rgb[3 * x + 1] = c.Green;
		d->rgb[3 * x + 2] = c.Blue;
	}
}

static bool read_picture(GifFileType *gif, struct decoding *d, struct shrinking *s)
{
	const ColorMapObject *map;

	if (!find_picture(gif, d) || gif->Image.Width <= 0 || gif->Image.Height <= 0)
		return false;
	map = gif->Image.ColorMap != NULL ? gif->Image.ColorMap : gif->SColorMap;
	d->width = (unsigned)gif->Image.Width;
	d->height = (unsigned)gif->Image.Height;
	if (map == NULL || !shrinking_begin(s, d->width, d->height))
		return false;
	d->indexes = calloc(d->height, d->width);
	d->rgb = calloc(d->width, 3);
	if (d->indexes == NULL || d->rgb == NULL || !read_indexes(gif, d))
		return false;
	for (size_t y = 0; y < d->height; y++) {
		paint_row(d, map, d->indexes + y * d->width);
		shrinking_row(s, d->rgb);
	}
	return true;
}

bool thumb_gif(slice picture, struct shrinking *s)
{
	struct decoding d = { .rest = picture, .transparent = NO_TRANSPARENT_COLOR };
	GifFileType *gif = DGifOpen(&d, take, NULL);
	bool good = gif != NULL && read_picture(gif, &d, s);

	if (gif != NULL)
		DGifCloseFile(gif, NULL);
	free(d.indexes);
	free(d.rgb);
	return good;
}
