/* mail/base64_test.c - RFC 4648's own vectors, and what strict means. */
#include "unit.h"

#include "base/heap.h"
#include "mail/base64.h"

static const struct {
	const char *name, *bytes, *text;
} vectors[] = {
	/* RFC 4648 section 10 */
	{ "empty", "", "" },
	{ "1", "f", "Zg==" },
	{ "2", "fo", "Zm8=" },
	{ "3", "foo", "Zm9v" },
	{ "4", "foob", "Zm9vYg==" },
	{ "5", "fooba", "Zm9vYmE=" },
	{ "6", "foobar", "Zm9vYmFy" },
	{ "last two digits", "\xfb\xef\xbe\xff\xff\xff", "++++////" },
};

static void test_vectors(void **state)
{
	for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
		slice bytes = slice_from(vectors[i].bytes), text = slice_from(vectors[i].text);
		slice in = guarded_copy(bytes), out = guarded_copy(text);
		struct heap *heap = heap_create(SIZE_MAX);
		struct buffer buffer = buffer_init(heap, 64);
		unsigned char have[16];
		size_t len = 99;

		print_message("# %s\n", vectors[i].name);
		base64_encode(in, &buffer);
		assert_slice(buffer_bytes(&buffer), text);
		assert_int_equal(base64_length(bytes.len), text.len);
		/* A place of exactly the size will do; one less will not. */
		assert_int_equal(base64_decode(out, have, bytes.len, &len), BASE64_OK);
		assert_slice(slice_of(have, len), bytes);
		if (bytes.len > 0)
			assert_int_equal(base64_decode(out, have, bytes.len - 1, &len),
			    BASE64_LONG);
		guarded_free(in);
		guarded_free(out);
		heap_drop(heap);
	}
}

static void test_bad(void **state)
{
	static const char *const bad[] = {
		"Z", "Zg", "Zg=", "Zg===", "=", "==", "===", "====", "Z===", "=Zg=", "Zg==Zg==",
		"Zh==", "Zm9=", "Zm8 ", " Zm8", "Zm\n8", "Zm-_", "Zm9v\r\n", "Zm=v", "Z=g=",
		"Zm9v=",
		"Zm\xc3\xa9", "!!!!",
	};

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		slice text = guarded_copy(slice_from(bad[i]));
		unsigned char have[16];
		size_t len = 99;

		if (base64_decode(text, have, sizeof have, &len) != BASE64_BAD)
			fail_msg("accepted \"%s\"", bad[i]);
		assert_int_equal(len, 99);
		guarded_free(text);
	}
	assert_int_equal(base64_decode(slice_of("Z\0==", 4), (unsigned char[3]){ 0 }, 3,
	    &(size_t){ 0 }), BASE64_BAD);
}

/* What goes in comes out, for every length to 256 and every byte. */
static void test_round_trip(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);
	unsigned char bytes[256], have[256];

	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (unsigned char)(i * 167 + 13);
	for (size_t n = 0; n <= sizeof bytes; n++) {
		struct buffer text = buffer_init(heap, 512);
		size_t len = 0;

		base64_encode(slice_of(bytes, n), &text);
		assert_int_equal(base64_decode(buffer_bytes(&text), have, n, &len), BASE64_OK);
		assert_slice(slice_of(have, len), slice_of(bytes, n));
		buffer_free(&text);
	}
	heap_drop(heap);
}

UNIT_TESTS(cmocka_unit_test(test_vectors), cmocka_unit_test(test_bad),
    cmocka_unit_test(test_round_trip))
