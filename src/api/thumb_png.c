/* api/thumb_png.c - PNG, by libpng. */
#include "api/thumb_impl.h"

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <png.h>

#include "base/limits.h"

enum { CHUNKS_MAX = 64, CHUNK_MAX = 4 * 1024 * 1024 };

struct decoding {
	png_structp png;
	png_infop info;
	slice rest;
	unsigned char *rows;            /* one; of an interlaced picture all */
};

static void take(png_structp png, png_bytep to, size_t n)
{
	struct decoding *d = png_get_io_ptr(png);

	if (n > d->rest.len)
		png_error(png, "it ends");
	memcpy(to, d->rest.ptr, n);
	d->rest = slice_drop(d->rest, n);
}

static void on_error(png_structp png, png_const_charp words)
{
	png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp words)
{
}

/* To RGB on white, 8 bits each. */
static void convert(struct decoding *d)
{
	const png_color_16 white = { .red = 255, .green = 255, .blue = 255, .gray = 255 };

	png_set_scale_16(d->png);
	png_set_expand(d->png);
	png_set_gray_to_rgb(d->png);
	png_set_background(d->png, &white, PNG_BACKGROUND_GAMMA_SCREEN, 0, 1.0);
	png_set_strip_alpha(d->png);
}

static bool read_rows(struct decoding *d, struct shrinking *s)
{
	unsigned width, height;
	size_t size;
	int passes;

	png_set_read_fn(d->png, d, take);
	png_set_user_limits(d->png, THUMB_SIDE_MAX, THUMB_SIDE_MAX);
	png_set_chunk_cache_max(d->png, CHUNKS_MAX);
	png_set_chunk_malloc_max(d->png, CHUNK_MAX);
	png_read_info(d->png, d->info);
	width = png_get_image_width(d->png, d->info);
	height = png_get_image_height(d->png, d->info);
	if (!shrinking_begin(s, width, height))
		return false;
	convert(d);
	passes = png_set_interlace_handling(d->png);
	png_read_update_info(d->png, d->info);
	size = png_get_rowbytes(d->png, d->info);
	if (size != (size_t)width * 3)
		return false;
	d->rows = calloc(passes > 1 ? height : 1, size);
	if (d->rows == NULL)
		return false;
	for (int pass = 1; pass < passes; pass++) {
		for (size_t y = 0; y < height; y++)
			png_read_row(d->png, d->rows + y * size, NULL);
	}
	for (size_t y = 0; y < height; y++) {
		unsigned char *row = d->rows + (passes > 1 ? y * size : 0);

		png_read_row(d->png, row, NULL);
		shrinking_row(s, row);
	}
	return true;
}

bool thumb_png(slice picture, struct shrinking *s)
{
	struct decoding *d = calloc(1, sizeof *d);
	volatile bool good = false;

	if (d == NULL)
		return false;
	d->rest = picture;
	d->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, NULL, on_error, on_warning);
	d->info = d->png != NULL ? png_create_info_struct(d->png) : NULL;
	if (d->info != NULL && setjmp(png_jmpbuf(d->png)) == 0)
		good = read_rows(d, s);
	png_destroy_read_struct(&d->png, &d->info, NULL);
	free(d->rows);
	free(d);
	return good;
}
