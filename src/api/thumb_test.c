/* api/thumb_test.c - thumbnails of pictures that are made here, and of broken ones. */
#include "api/thumb.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gif_lib.h>
#include <jpeglib.h>
#include <png.h>

#include "unit.h"

static unsigned char canvas[THUMB_HEIGHT][THUMB_WIDTH][3];

/* Into `canvas`. */
static void look(slice picture)
{
	struct jpeg_decompress_struct jpeg;
	struct jpeg_error_mgr error;
	size_t len = 0;
	unsigned char *made = api_thumb(picture, &len);

	assert_non_null(made);
	jpeg.err = jpeg_std_error(&error);
	jpeg_create_decompress(&jpeg);
	jpeg_mem_src(&jpeg, made, len);
	assert_int_equal(jpeg_read_header(&jpeg, TRUE), JPEG_HEADER_OK);
	assert_int_equal(jpeg.image_width, THUMB_WIDTH);
	assert_int_equal(jpeg.image_height, THUMB_HEIGHT);
	jpeg_start_decompress(&jpeg);
	while (jpeg.output_scanline < THUMB_HEIGHT) {
		JSAMPROW row = canvas[jpeg.output_scanline][0];

		jpeg_read_scanlines(&jpeg, &row, 1);
	}
	jpeg_finish_decompress(&jpeg);
	jpeg_destroy_decompress(&jpeg);
	free(made);
}

static const char *colour(unsigned x, unsigned y)
{
	const unsigned char *p = canvas[y][x];

	if (p[0] > 230 && p[1] > 230 && p[2] > 230)
		return "white";
	return p[0] > 150 && p[1] < 100 && p[2] < 100 ? "red" :
	    p[0] < 100 && p[1] > 150 && p[2] < 100 ? "green" :
	    p[0] < 100 && p[1] < 100 && p[2] > 150 ? "blue" : "other";
}

static void assert_white(void)
{
	for (unsigned y = 0; y < THUMB_HEIGHT; y += 7) {
		for (unsigned x = 0; x < THUMB_WIDTH; x += 7)
			assert_string_equal(colour(x, y), "white");
	}
}

/* The left half red, of the right one the upper part green, the lower one blue. */
static unsigned char *paint(unsigned width, unsigned height)
{
	unsigned char *rgb = calloc((size_t)width * height, 3);

	assert_non_null(rgb);
	for (size_t y = 0; y < height; y++) {
		for (size_t x = 0; x < width; x++)
			rgb[(y * width + x) * 3 + (x < width / 2 ? 0 : y < height / 2 ? 1 : 2)] = 255;
	}
	return rgb;
}

/* Of malloc(). */
static slice png_of(unsigned width, unsigned height)
{
	png_image image = { .version = PNG_IMAGE_VERSION, .width = width, .height = height,
		.format = PNG_FORMAT_RGB };
	unsigned char *rgb = paint(width, height), *out;
	png_alloc_size_t len = 0;

	assert_true(png_image_write_to_memory(&image, NULL, &len, 0, rgb, 0, NULL));
	out = malloc(len);
	assert_true(png_image_write_to_memory(&image, out, &len, 0, rgb, 0, NULL));
	free(rgb);
	return slice_of(out, len);
}

static slice jpeg_of(unsigned width, unsigned height, unsigned orientation, bool progressive)
{
	unsigned char exif[] = "Exif\0\0MM\0*\0\0\0\10\0\1\1\22\0\3\0\0\0\1\0\0\0\0\0\0\0\0";
	struct jpeg_compress_struct jpeg;
	struct jpeg_error_mgr error;
	unsigned char *rgb = paint(width, height), *out = NULL;
	unsigned long len = 0;

	exif[25] = (unsigned char)orientation;
	jpeg.err = jpeg_std_error(&error);
	jpeg_create_compress(&jpeg);
	jpeg_mem_dest(&jpeg, &out, &len);
	jpeg.image_width = width;
	jpeg.image_height = height;
	jpeg.input_components = 3;
	jpeg.in_color_space = JCS_RGB;
	jpeg_set_defaults(&jpeg);
	if (progressive)
		jpeg_simple_progression(&jpeg);
	jpeg_start_compress(&jpeg, TRUE);
	jpeg_write_marker(&jpeg, JPEG_APP0 + 1, exif, sizeof exif - 1);
	while (jpeg.next_scanline < height) {
		JSAMPROW row = rgb + (size_t)jpeg.next_scanline * width * 3;

		jpeg_write_scanlines(&jpeg, &row, 1);
	}
	jpeg_finish_compress(&jpeg);
	jpeg_destroy_compress(&jpeg);
	free(rgb);
	return slice_of(out, len);
}

static int give(GifFileType *gif, const GifByteType *bytes, int n)
{
	slice *out = gif->UserData;
	unsigned char *more = realloc((void *)(uintptr_t)out->ptr, out->len + (size_t)n);

	assert_non_null(more);
	memcpy(more + out->len, bytes, (size_t)n);
	*out = slice_of(more, out->len + (size_t)n);
	return n;
}

enum { GIF_INTERLACED = 1, GIF_OWN_COLOURS = 2, GIF_NO_GREEN = 4 };

static slice gif_of(unsigned width, unsigned height, unsigned options)
{
	static const GifColorType colours[4] = { { 255, 0, 0 }, { 0, 255, 0 }, { 0, 0, 255 } };
	ColorMapObject *map = GifMakeMapObject(4, colours);
	bool own = options & GIF_OWN_COLOURS, interlaced = options & GIF_INTERLACED;
	unsigned char *rgb = paint(width, height), *row = calloc(width, 1);
	slice out = { 0 };
	GifFileType *gif = EGifOpen(&out, give, NULL);

	EGifSetGifVersion(gif, true);
	assert_int_equal(EGifPutScreenDesc(gif, (int)width, (int)height, 2, 0, own ? NULL : map), GIF_OK);
	EGifPutComment(gif, "a comment");
	if (options & GIF_NO_GREEN) {
		GraphicsControlBlock control = { .TransparentColor = 1 };
		GifByteType bytes[4];

		assert_int_equal(EGifGCBToExtension(&control, bytes), 4);
		assert_int_equal(EGifPutExtension(gif, GRAPHICS_EXT_FUNC_CODE, 4, bytes), GIF_OK);
	}
	assert_int_equal(EGifPutImageDesc(gif, 0, 0, (int)width, (int)height, interlaced, own ? map : NULL),
	    GIF_OK);
	for (unsigned pass = 0; pass < (interlaced ? 4 : 1); pass++) {
		static const unsigned from[] = { 0, 4, 2, 1 }, step[] = { 8, 8, 4, 2 };

		for (unsigned y = from[pass]; y < height; y += interlaced ? step[pass] : 1) {
			for (unsigned x = 0; x < width; x++) {
				const unsigned char *p = rgb + ((size_t)y * width + x) * 3;

				row[x] = p[0] ? 0 : p[1] ? 1 : 2;
			}
			assert_int_equal(EGifPutLine(gif, row, (int)width), GIF_OK);
		}
	}
	assert_int_equal(EGifCloseFile(gif, NULL), GIF_OK);
	GifFreeMapObject(map);
	free(rgb);
	free(row);
	return out;
}

static void release(slice picture)
{
	free((void *)(uintptr_t)picture.ptr);
}

static void assert_corners(const char *top_left, const char *top_right, const char *bottom_left,
    const char *bottom_right)
{
	enum { X = 40, Y = 20 };

	assert_string_equal(colour(X, Y), top_left);
	assert_string_equal(colour(THUMB_WIDTH - 1 - X, Y), top_right);
	assert_string_equal(colour(X, THUMB_HEIGHT - 1 - Y), bottom_left);
	assert_string_equal(colour(THUMB_WIDTH - 1 - X, THUMB_HEIGHT - 1 - Y), bottom_right);
}

/* Cut at the edges when it is larger, on white when it is smaller. */
static void test_sizes(void **state)
{
	static const unsigned sizes[][2] = { { 180, 120 }, { 360, 240 }, { 400, 300 }, { 3000, 900 },
		{ 800, 5000 }, { 1801, 1203 } };
	slice picture;

	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		picture = png_of(sizes[i][0], sizes[i][1]);
		look(picture);
		assert_corners("red", "green", "red", "blue");
		release(picture);
		picture = jpeg_of(sizes[i][0], sizes[i][1], 1, i % 2 == 0);
		look(picture);
		assert_corners("red", "green", "red", "blue");
		release(picture);
	}
	picture = png_of(20, 20);       /* not made larger */
	look(picture);
	assert_string_equal(colour(84, 60), "red");
	assert_string_equal(colour(95, 53), "green");
	assert_string_equal(colour(70, 60), "white");
	assert_string_equal(colour(90, 40), "white");
	release(picture);
	picture = png_of(3600, 60);     /* 180 by 3 */
	look(picture);
	assert_string_equal(colour(40, 59), "red");
	assert_string_equal(colour(40, 50), "white");
	release(picture);
	picture = png_of(1, 10000);
	look(picture);
	release(picture);
}

static void test_orientations(void **state)
{
	static const char *const corners[9][4] = { [1] = { "red", "green", "red", "blue" },
		[2] = { "green", "red", "blue", "red" }, [3] = { "blue", "red", "green", "red" },
		[4] = { "red", "blue", "red", "green" }, [5] = { "red", "red", "green", "blue" },
		[6] = { "red", "red", "blue", "green" }, [7] = { "blue", "green", "red", "red" },
		[8] = { "green", "blue", "red", "red" } };

	for (unsigned i = 1; i <= 8; i++) {
		slice picture = jpeg_of(i < 5 ? 360 : 240, i < 5 ? 240 : 360, i, false);

		look(picture);
		print_message("# orientation %u\n", i);
		assert_corners(corners[i][0], corners[i][1], corners[i][2], corners[i][3]);
		release(picture);
	}
}

/* Its first picture, however it is kept; on white where it is none. */
static void test_gif(void **state)
{
	static const unsigned sizes[][2] = { { 180, 120 }, { 400, 300 }, { 1801, 1203 } };

	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		for (unsigned options = 0; options < 8; options++) {
			slice picture = gif_of(sizes[i][0], sizes[i][1], options);

			look(picture);
			assert_corners("red", options & GIF_NO_GREEN ? "white" : "green", "red", "blue");
			release(picture);
		}
	}
}

/* What ends early, whose size is a lie, and what has no colours. */
static void test_gif_white(void **state)
{
	slice picture = gif_of(400, 300, 0);
	unsigned char *copy = malloc(picture.len);

	for (size_t n = 0; n + 20 < picture.len; n += n < 60 ? 1 : 97) {
		look(slice_head(picture, n));
		assert_white();
	}
	memcpy(copy, picture.ptr, picture.len);
	copy[10] &= 0x7f;               /* no global colours: those bytes are no blocks */
	look(slice_of(copy, picture.len));
	assert_white();
	free(copy);
	release(picture);
	picture = gif_of(5000, 4001, 0);
	look(picture);
	assert_white();
	release(picture);
}

/* Nothing, what is no picture, what ends early, and what is too large. */
static void test_white(void **state)
{
	slice picture = png_of(400, 300);
	unsigned char *head;

	look((slice){ 0 });
	assert_white();
	look(slice_lit("GIF89a"));
	assert_white();
	look(slice_lit("\xff\xd8\xff"));
	assert_white();
	for (size_t n = 0; n < picture.len; n += 97) {
		look(slice_head(picture, n));
		assert_white();
	}
	head = malloc(picture.len);
	memcpy(head, picture.ptr, picture.len);
	memcpy(head + 16, "\0\0\x7f\xff\0\0\x7f\xff", 8);       /* IHDR: 32767 by 32767 */
	look(slice_of(head, picture.len));
	assert_white();
	free(head);
	release(picture);
	picture = png_of(5000, 4001);
	look(picture);
	assert_white();
	release(picture);
}

UNIT_TESTS(cmocka_unit_test(test_sizes), cmocka_unit_test(test_orientations),
    cmocka_unit_test(test_gif), cmocka_unit_test(test_gif_white), cmocka_unit_test(test_white))
