/* base/memory_test.c - heap, arena, buffer and table. */
#include "base/arena.h"
#include "base/buffer.h"
#include "base/bytes.h"
#include "base/checksum.h"
#include "base/limits.h"
#include "base/list.h"
#include "base/table.h"
#include "unit.h"

static void count_drop(void *arg)
{
	++*(int *)arg;
}

static void heap_knows_its_blocks(void **state)
{
	struct heap *heap = heap_create(10000);
	int dropped = 0, kept = 0;
	char *a = heap_alloc(heap, 100), *b;

	for (int i = 0; i < 100; i++)
		assert_int_equal(a[i], 0);
	memset(a, 'a', 100);
	a = heap_resize(heap, a, 200);
	assert_int_equal(a[99], 'a');
	assert_true(heap_used(heap) >= 200);
	assert_null(heap_try(heap, 10000));
	assert_null(heap_try(heap, SIZE_MAX));
	b = heap_try(heap, 1000);
	assert_non_null(b);
	heap_free(heap, a);
	heap_free(heap, NULL);
	heap_free(heap, b);
	assert_int_equal(heap_used(heap), 0);
	(void)heap_alloc(heap, 10);     /* the sanitizer finds it if drop does not */
	heap_on_drop(heap, count_drop, &dropped);
	heap_on_drop(heap, count_drop, &kept);
	heap_cancel_on_drop(heap, count_drop, &kept);
	heap_drop(heap);
	assert_int_equal(dropped, 1);
	assert_int_equal(kept, 0);
}

static void arena_is_bounded(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct arena arena = arena_init(heap, 4096);
	slice copy;

	assert_int_equal(heap_used(heap), 0);
	copy = slice_copy(&arena, slice_lit("hello"));
	assert_slice(copy, slice_lit("hello"));
	assert_slice(slice_lower(&arena, slice_lit("HeLLo")), slice_lit("hello"));
	assert_string_equal(slice_cstr(&arena, copy), "hello");
	assert_slice(arena_printf(&arena, "%d-%s", 7, "x"), slice_lit("7-x"));
	assert_non_null(arena_try(&arena, 1, 3000));
	assert_null(arena_try(&arena, 1, 3000));
	assert_null(arena_try(&arena, SIZE_MAX / 2, 4));
	assert_int_equal(slice_copy(&arena, slice_lit("")).len, 0);
	arena_reset(&arena);
	assert_int_equal(heap_used(heap), 0);
	assert_non_null(arena_try(&arena, 4, 1024));
	arena_reset(&arena);
	heap_drop(heap);
}

static void buffer_is_a_bounded_queue(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct buffer b = buffer_init(heap, 1000);
	size_t in = 0, out = 0;

	for (int round = 0; round < 500; round++) {
		unsigned char chunk[37];

		for (size_t i = 0; i < sizeof chunk; i++)
			chunk[i] = (unsigned char)(in + i);
		if (buffer_append(&b, slice_of(chunk, sizeof chunk)))
			in += sizeof chunk;
		else
			assert_true(buffer_room(&b) < sizeof chunk);
		slice have = buffer_bytes(&b);
		size_t take = (size_t)round % 31 < have.len ? (size_t)round % 31 : have.len;
		for (size_t i = 0; i < take; i++)
			assert_int_equal(have.ptr[i], (unsigned char)(out + i));
		buffer_consume(&b, take);
		out += take;
		assert_true(buffer_bytes(&b).len <= 1000);
	}
	assert_int_equal(in - out, buffer_bytes(&b).len);
	assert_true(in > 1000);
	buffer_consume(&b, buffer_bytes(&b).len);
	assert_int_equal(heap_used(heap), 0);
	buffer_printf(&b, "%s=%d", "n", 42);
	assert_slice(buffer_bytes(&b), slice_lit("n=42"));
	buffer_truncate(&b, 1);
	memcpy(buffer_reserve(&b, 3), "abc", 3);
	buffer_filled(&b, 2);
	assert_slice(buffer_bytes(&b), slice_lit("nab"));
	buffer_free(&b);
	heap_drop(heap);
}

static void fields_end_where_they_end(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct buffer b = buffer_init(heap, 100);

	put_u8(&b, 1);
	put_u16(&b, 0x0203);
	put_u32(&b, 0x04050607);
	put_u64(&b, 0x08090a0b0c0d0e0f);
	put_slice(&b, slice_lit("xyz"));
	for (size_t len = 0; len <= buffer_bytes(&b).len; len++) {
		slice part = guarded_copy(slice_head(buffer_bytes(&b), len));
		struct bytes in = bytes_init(part);
		bool whole = len == buffer_bytes(&b).len;
		uint8_t one = get_u8(&in);
		uint16_t two = get_u16(&in);
		uint32_t four = get_u32(&in);
		uint64_t eight = get_u64(&in);
		slice text = get_slice(&in, 3);

		assert_int_equal(bytes_end(&in), whole);
		if (whole) {
			assert_int_equal(one, 1);
			assert_int_equal(two, 0x0203);
			assert_int_equal(four, 0x04050607);
			assert_int_equal(eight, 0x08090a0b0c0d0e0f);
			assert_slice(text, slice_lit("xyz"));
		}
		guarded_free(part);
	}
	struct bytes in = bytes_init(slice_drop(buffer_bytes(&b), 15));
	(void)get_slice(&in, 2);
	assert_false(bytes_ok(&in));
	buffer_free(&b);
	heap_drop(heap);
}

/* Against a plain array, with keys that collide often. */
static void table_holds_what_was_put(void **state)
{
	enum { KEYS = 300, STEPS = 20000 };
	struct heap *heap = heap_create(SIZE_MAX);
	struct table t = table_init(heap, 1);
	static uint32_t keys[KEYS];
	static bool here[KEYS];
	uint64_t chance = 12345;
	size_t count = 0;

	for (uint32_t i = 0; i < KEYS; i++)
		keys[i] = i;
	for (int step = 0; step < STEPS; step++) {
		chance = chance * 6364136223846793005u + 1442695040888963407u;
		size_t i = (size_t)(chance >> 33) % KEYS;

		assert_ptr_equal(table_get(&t, table_key(keys[i])), here[i] ? &keys[i] : NULL);
		if (chance >> 63) {
			assert_ptr_equal(table_put(&t, table_key(keys[i]), &keys[i]),
			    here[i] ? &keys[i] : NULL);
			count += !here[i];
			here[i] = true;
		} else {
			assert_ptr_equal(table_remove(&t, table_key(keys[i])),
			    here[i] ? &keys[i] : NULL);
			count -= here[i];
			here[i] = false;
		}
		assert_int_equal(t.count, count);
	}
	size_t at = 0, seen = 0;
	while (table_next(&t, &at) != NULL)
		seen++;
	assert_int_equal(seen, count);
	table_free(&t);
	heap_drop(heap);
}

static void checksum_of_parts(void **state)
{
	slice parts[] = { slice_lit("ab"), slice_lit(""), slice_lit("c") };

	assert_int_equal(checksum64(slice_lit("abc"), 7), checksum64_of(parts, 3, 7));
	assert_int_not_equal(checksum64(slice_lit("abc"), 7), checksum64(slice_lit("abc"), 8));
}

struct member {
	struct list link;
	int n;
};

static void list_keeps_order(void **state)
{
	struct list head;
	struct member m[4];
	int sum = 0;

	list_init(&head);
	for (int i = 0; i < 4; i++) {
		m[i].n = i;
		list_append(&head, &m[i].link);
	}
	list_for(at, &head) {
		if (list_item(at, struct member, link)->n == 1)
			list_remove(at);
	}
	list_remove(&m[1].link);        /* twice does no harm */
	list_for(at, &head)
		sum = sum * 10 + list_item(at, struct member, link)->n;
	assert_int_equal(sum, 23);
	assert_ptr_equal(list_take_first(&head), &m[0].link);
	list_remove(&m[2].link);
	list_remove(&m[3].link);
	assert_true(list_empty(&head));
	assert_null(list_take_first(&head));
}

/* Large blocks stay what they are, and can still grow. */
static void test_huge_pages(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);
	unsigned char *block = NULL;
	size_t size = 0;

	for (size_t more = 1000; more < 20u << 20; more = more * 3 + 1) {
		block = heap_resize(heap, block, more);
		heap_use_huge_pages(block);
		for (size_t i = size; i < more; i++)
			block[i] = (unsigned char)(i * 7 % 251);
		size = more;
		for (size_t i = 0; i < size; i += 997)
			assert_int_equal(block[i], (unsigned char)(i * 7 % 251));
	}
	heap_free(heap, block);
	heap_drop(heap);
}

/* Printed into what is there, or past it; and bounded either way. */
static void test_buffer_print(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);
	char text[600];

	memset(text, 'x', sizeof text);
	for (int before = 0; before <= BUFFER_FIRST; before += before < 4 || before > 250 ? 1 : 61) {
		for (int n = 0; n < 300; n++) {
			struct buffer b = buffer_init(heap, 1000);

			buffer_add(&b, slice_of(text, (size_t)before));
			buffer_printf(&b, "%.*s", n, text);
			buffer_printf(&b, "-");
			assert_int_equal(buffer_bytes(&b).len, before + n + 1);
			assert_int_equal(buffer_bytes(&b).ptr[before + n], '-');
			buffer_free(&b);
		}
	}
	heap_drop(heap);
}

static void test_buffer_expect(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct buffer b = buffer_init(heap, 1000);

	buffer_expect(&b, 0);
	assert_null(b.ptr);
	buffer_add(&b, slice_lit("abc"));
	buffer_consume(&b, 1);
	buffer_expect(&b, 700);
	assert_slice(buffer_bytes(&b), slice_lit("bc"));
	assert_true(b.capacity >= 702);
	buffer_expect(&b, SIZE_MAX);    /* no more than it may have */
	assert_int_equal(b.capacity, 1000);
	assert_slice(buffer_bytes(&b), slice_lit("bc"));
	buffer_free(&b);
	heap_drop(heap);
}

UNIT_TESTS(cmocka_unit_test(heap_knows_its_blocks), cmocka_unit_test(arena_is_bounded),
    cmocka_unit_test(buffer_is_a_bounded_queue), cmocka_unit_test(fields_end_where_they_end),
    cmocka_unit_test(table_holds_what_was_put), cmocka_unit_test(checksum_of_parts),
    cmocka_unit_test(list_keeps_order),
    cmocka_unit_test(test_huge_pages),
    cmocka_unit_test(test_buffer_print), cmocka_unit_test(test_buffer_expect))
