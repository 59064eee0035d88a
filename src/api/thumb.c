/* api/thumb.c - a picture turned, cut and scaled. */
#include "api/thumb_impl.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#include "base/check.h"
#include "base/limits.h"

/* ---- shrinking ---- */

bool shrinking_begin(struct shrinking *s, unsigned width, unsigned height)
{
	unsigned across = width / (2 * THUMB_WIDTH), down = height / (2 * THUMB_WIDTH);

	if (width == 0 || height == 0 || width > THUMB_SIDE_MAX || height > THUMB_SIDE_MAX ||
	    (uint64_t)width * height > WEB_THUMB_PIXELS)
		return false;
	s->width = width;
	s->height = height;
	s->by = across < down ? across : down;
	if (s->by == 0)
		s->by = 1;
	s->out_width = width / s->by;
	s->out_height = height / s->by;
	s->sums = calloc(s->out_width, 3 * sizeof *s->sums);
	s->pixels = calloc((size_t)s->out_width * s->out_height, 3);
	return s->sums != NULL && s->pixels != NULL;
}

/* What is left over at the right and at the bottom is not seen. */
void shrinking_row(struct shrinking *s, const unsigned char *rgb)
{
	unsigned char *to;
	unsigned n = s->by * s->by, row = s->row++ / s->by;

	if (row >= s->out_height)
		return;
	for (size_t x = 0; x < s->out_width; x++) {
		for (size_t i = 0; i < s->by; i++, rgb += 3) {
			s->sums[3 * x] += rgb[0];
			s->sums[3 * x + 1] += rgb[1];
			s->sums[3 * x + 2] += rgb[2];
		}
	}
	if (s->row % s->by != 0)
		return;
	to = s->pixels + (size_t)row * s->out_width * 3;
	for (size_t i = 0; i < (size_t)s->out_width * 3; i++) {
		to[i] = (unsigned char)((s->sums[i] + n / 2) / n);
		s->sums[i] = 0;
	}
}

void shrinking_free(struct shrinking *s)
{
	free(s->sums);
	free(s->pixels);
	s->sums = NULL;
	s->pixels = NULL;
}

/* ---- turning: EXIF 2.3 s4.6.4, Orientation ---- */

static bool lies(const struct shrinking *s)
{
	return s->orientation >= 5;
}

static const unsigned char *pixel(const struct shrinking *s, unsigned x, unsigned y)
{
	unsigned w = s->out_width, h = s->out_height, o = s->orientation, at_x = x, at_y = y;

	if (lies(s)) {
		at_x = y;
		at_y = x;
	}
	if (o == 2 || o == 3 || o == 7 || o == 8)
		at_x = w - 1 - at_x;
	if (o == 3 || o == 4 || o == 6 || o == 7)
		at_y = h - 1 - at_y;
	return s->pixels + ((size_t)at_y * w + at_x) * 3;
}

/* ---- scaling ---- */

struct box {
	double x, y, width, height;
};

/* The mean of what `from` covers. */
static void mean(const struct shrinking *s, const struct box *from, unsigned width,
    unsigned height, unsigned char rgb[3])
{
	double sum[3] = { 0 }, area = 0;

	for (unsigned y = (unsigned)from->y; y < height && y < from->y + from->height; y++) {
		double top = y < from->y ? from->y : y;
		double down = y + 1 > from->y + from->height ? from->y + from->height : y + 1;

		for (unsigned x = (unsigned)from->x; x < width && x < from->x + from->width; x++) {
			double left = x < from->x ? from->x : x;
			double right = x + 1 > from->x + from->width ? from->x + from->width :
			    x + 1;
			double weight = (right - left) * (down - top);
			const unsigned char *p = pixel(s, x, y);

			for (unsigned i = 0; i < 3; i++)
				sum[i] += weight * p[i];
			area += weight;
		}
	}
	for (unsigned i = 0; i < 3; i++)
		rgb[i] = area > 0 ? (unsigned char)(sum[i] / area + 0.5) : 255;
}

/* From `of` of the picture to a place on the white canvas. */
static void draw(const struct shrinking *s, const struct box *of, unsigned width,
    unsigned height, unsigned char *canvas)
{
	unsigned left = (THUMB_WIDTH - width) / 2, top = (THUMB_HEIGHT - height) / 2;
	unsigned w = lies(s) ? s->out_height : s->out_width;
	unsigned h = lies(s) ? s->out_width : s->out_height;

	for (unsigned y = 0; y < height; y++) {
		for (unsigned x = 0; x < width; x++) {
			const struct box from = { of->x + x * of->width / width,
				of->y + y * of->height / height, of->width / width,
				of->height / height };

			mean(s, &from, w, h, canvas +
			    ((size_t)(top + y) * THUMB_WIDTH + left + x) * 3);
		}
	}
}

static void place(const struct shrinking *s, unsigned char *canvas)
{
	double w = lies(s) ? s->out_height : s->out_width;
	double h = lies(s) ? s->out_width : s->out_height;
	unsigned width = THUMB_WIDTH, height = THUMB_HEIGHT;
	struct box of = { 0, 0, w, h };

	if (w < THUMB_WIDTH || h < THUMB_HEIGHT) {      /* fits, and is never enlarged */
		double across = w / THUMB_WIDTH, down = h / THUMB_HEIGHT;
		double by = across > down ? across : down;

		if (by < 1)
			by = 1;
		width = (unsigned)(w / by + 0.5);
		height = (unsigned)(h / by + 0.5);
		width += width == 0;
		height += height == 0;
	} else if (w * THUMB_HEIGHT > h * THUMB_WIDTH) {
		of.width = h * THUMB_WIDTH / THUMB_HEIGHT;
		of.x = (w - of.width) / 2;
	} else {
		of.height = w * THUMB_HEIGHT / THUMB_WIDTH;
		of.y = (h - of.height) / 2;
	}
	check(width <= THUMB_WIDTH && height <= THUMB_HEIGHT);
	draw(s, &of, width, height, canvas);
}

/* ---- writing ---- */

struct failure {
	struct jpeg_error_mgr base;     /* first: libjpeg's pointer is ours */
	jmp_buf back;
};

static void on_error(j_common_ptr jpeg)
{
	struct failure *failure = (struct failure *)jpeg->err;

	longjmp(failure->back, 1);
}

static void be_silent(j_common_ptr jpeg)
{
}

static unsigned char *encode(unsigned char *canvas, size_t *ret_len)
{
	struct jpeg_compress_struct jpeg = { 0 };
	struct failure failure;
	unsigned char *out = NULL;
	unsigned long len = 0;

	jpeg.err = jpeg_std_error(&failure.base);
	failure.base.error_exit = on_error;
	failure.base.output_message = be_silent;
	if (setjmp(failure.back) != 0) {
		jpeg_destroy_compress(&jpeg);
		return NULL;            /* no memory: `out` is lost with it */
	}
	jpeg_create_compress(&jpeg);
	jpeg_mem_dest(&jpeg, &out, &len);
	jpeg.image_width = THUMB_WIDTH;
	jpeg.image_height = THUMB_HEIGHT;
	jpeg.input_components = 3;
	jpeg.in_color_space = JCS_RGB;
	jpeg_set_defaults(&jpeg);
	jpeg_set_quality(&jpeg, THUMB_QUALITY, TRUE);
	jpeg_start_compress(&jpeg, TRUE);
	while (jpeg.next_scanline < THUMB_HEIGHT) {
		JSAMPROW row = canvas + (size_t)jpeg.next_scanline * THUMB_WIDTH * 3;

		jpeg_write_scanlines(&jpeg, &row, 1);
	}
	jpeg_finish_compress(&jpeg);
	jpeg_destroy_compress(&jpeg);
	*ret_len = len;
	return out;
}

unsigned char *api_thumb(slice picture, size_t *ret_len)
{
	static const slice png = slice_lit("\x89PNG\r\n\x1a\n"), jpeg = slice_lit("\xff\xd8\xff"),
	    gif = slice_lit("GIF8");
	unsigned char canvas[THUMB_WIDTH * THUMB_HEIGHT * 3];
	struct shrinking s = { .orientation = 1 };
	bool good = false;

	memset(canvas, 255, sizeof canvas);
	if (slice_starts(picture, png))
		good = thumb_png(picture, &s);
	else if (slice_starts(picture, jpeg))
		good = thumb_jpeg(picture, &s);
	else if (slice_starts(picture, gif))
		good = thumb_gif(picture, &s);
	if (good)
		place(&s, canvas);
	shrinking_free(&s);
	return encode(canvas, ret_len);
}
