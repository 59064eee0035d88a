/* api/thumb_jpeg.c - JPEG, by libjpeg. */
#include "api/thumb_impl.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#include "base/limits.h"

enum { APP1 = JPEG_APP0 + 1, APP1_MAX = 65533, ORIENTATION = 0x0112, FIELDS_MAX = 200 };

struct decoding {
	struct jpeg_decompress_struct jpeg;
	struct jpeg_error_mgr error;
	struct jpeg_progress_mgr progress;
	jmp_buf back;
	unsigned char *row, *rgb;
};

static void on_error(j_common_ptr jpeg)
{
	struct decoding *d = jpeg->client_data;

	longjmp(d->back, 1);
}

static void be_silent(j_common_ptr jpeg)
{
}

/* Each scan goes over all of the picture: a few bytes make it cost seconds. */
static void on_progress(j_common_ptr jpeg)
{
	struct decoding *d = jpeg->client_data;

	if (d->jpeg.input_scan_number > THUMB_SCANS)
		longjmp(d->back, 1);
}

/* ---- EXIF ---- */

static unsigned number(const unsigned char *at, unsigned n, bool little)
{
	unsigned value = 0;

	for (unsigned i = 0; i < n; i++)
		value = value << 8 | at[little ? n - 1 - i : i];
	return value;
}

/* TIFF 6.0 s2: a header, then fields of 12 bytes each. */
static unsigned orientation(slice exif)
{
	bool little;
	size_t at, n;

	if (!slice_starts(exif, slice_of("Exif\0\0", 6)))
		return 1;
	exif = slice_drop(exif, 6);
	little = slice_starts(exif, slice_lit("II"));
	if (exif.len < 8 || (!little && !slice_starts(exif, slice_lit("MM"))))
		return 1;
	at = number(exif.ptr + 4, 4, little);
	if (at > exif.len || exif.len - at < 2)
		return 1;
	n = number(exif.ptr + at, 2, little);
	at += 2;
	for (size_t i = 0; i < n && i < FIELDS_MAX && exif.len - at >= 12; i++, at += 12) {
		unsigned value;

		if (number(exif.ptr + at, 2, little) != ORIENTATION)
			continue;
		value = number(exif.ptr + at + 8, 2, little);
		return value >= 1 && value <= 8 ? value : 1;
	}
	return 1;
}

/* ---- rows ---- */

/* Adobe's CMYK is stored the other way round, and so is what others write. */
static void from_cmyk(const unsigned char *cmyk, unsigned char *rgb, unsigned n)
{
	for (unsigned i = 0; i < n; i++, cmyk += 4, rgb += 3) {
		for (unsigned k = 0; k < 3; k++)
			rgb[k] = (unsigned char)(cmyk[k] * cmyk[3] / 255);
	}
}

static bool begin(struct decoding *d, slice picture, struct shrinking *s)
{
	struct jpeg_decompress_struct *jpeg = &d->jpeg;

	jpeg_create_decompress(jpeg);
	jpeg->client_data = d;
	jpeg->progress = &d->progress;
	jpeg->mem->max_memory_to_use = 8 * (long)WEB_THUMB_PIXELS;
	jpeg_mem_src(jpeg, picture.ptr, picture.len);
	jpeg_save_markers(jpeg, APP1, APP1_MAX);
	if (jpeg_read_header(jpeg, TRUE) != JPEG_HEADER_OK || jpeg->image_width == 0 ||
	    jpeg->image_height == 0 ||
	    (uint64_t)jpeg->image_width * jpeg->image_height > WEB_THUMB_PIXELS)
		return false;
	for (jpeg_saved_marker_ptr m = jpeg->marker_list; m != NULL; m = m->next) {
		if (m->marker == APP1 && s->orientation == 1)
			s->orientation = orientation(slice_of(m->data, m->data_length));
	}
	jpeg->out_color_space = jpeg->jpeg_color_space == JCS_CMYK ||
	    jpeg->jpeg_color_space == JCS_YCCK ? JCS_CMYK : JCS_RGB;
	/* A smaller transform does a part of the work. */
	while (jpeg->scale_denom < 8 &&
	    jpeg->image_width / (jpeg->scale_denom * 2) >= 2 * THUMB_WIDTH &&
	    jpeg->image_height / (jpeg->scale_denom * 2) >= 2 * THUMB_WIDTH)
		jpeg->scale_denom *= 2;
	jpeg->dct_method = JDCT_IFAST;
	jpeg_start_decompress(jpeg);
	if (!shrinking_begin(s, jpeg->output_width, jpeg->output_height))
		return false;
	d->row = malloc((size_t)jpeg->output_width * 4);
	d->rgb = malloc((size_t)jpeg->output_width * 3);
	return d->row != NULL && d->rgb != NULL;
}

static void read_rows(struct decoding *d, struct shrinking *s)
{
	struct jpeg_decompress_struct *jpeg = &d->jpeg;

	while (jpeg->output_scanline < jpeg->output_height) {
		JSAMPROW row = d->row;

		if (jpeg_read_scanlines(jpeg, &row, 1) != 1)
			return;
		if (jpeg->out_color_space == JCS_CMYK)
			from_cmyk(d->row, d->rgb, jpeg->output_width);
		shrinking_row(s, jpeg->out_color_space == JCS_CMYK ? d->rgb : d->row);
	}
}

bool thumb_jpeg(slice picture, struct shrinking *s)
{
	struct decoding *d = calloc(1, sizeof *d);
	volatile bool good = false;

	if (d == NULL)
		return false;
	d->jpeg.err = jpeg_std_error(&d->error);
	d->jpeg.client_data = d;
	d->error.error_exit = on_error;
	d->error.output_message = be_silent;
	d->progress.progress_monitor = on_progress;
	if (setjmp(d->back) == 0 && begin(d, picture, s)) {
		read_rows(d, s);
		good = true;
	}
	jpeg_destroy_decompress(&d->jpeg);
	free(d->row);
	free(d->rgb);
	free(d);
	return good;
}
