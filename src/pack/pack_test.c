/* pack/pack_test.c - entries read back as they were, or not at all. */
#include "unit.h"

#include <stdio.h>

#include <zstd.h>

#include "base/bytes.h"
#include "base/checksum.h"
#include "base/limits.h"
#include "os/os_sim.h"
#include "pack/pack.h"

struct world {
	struct sim *sim;
	struct os *os;
	struct heap *heap;
	int fd;
};

static const uint8_t address[4] = { 127, 0, 0, 1 };
static const struct pack_place place = { .owner = 42, .number = 7, .offset = 1000 };

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof *w);
	struct sim_host *host;

	w->sim = sim_create(1);
	host = sim_host_create(w->sim, "host", address, 256 * 1024 * 1024);
	w->os = sim_process_create(host, "test");
	w->heap = heap_create(SIZE_MAX);
	w->fd = os_open(w->os, OS_ROOT, "001.pack", OS_READ | OS_WRITE | OS_CREATE);
	assert_true(w->fd >= 0);
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	os_close(w->os, w->fd);
	heap_drop(w->heap);
	sim_destroy(w->sim);
	free(w);
	return 0;
}

/* Frames of `raw` bytes each, as the edge makes them. */
static struct pack_body compress(slice text, size_t raw, struct buffer *out)
{
	struct pack_body body = { .size = text.len };

	do {
		size_t n = text.len < raw ? text.len : raw;
		size_t bound = ZSTD_compressBound(n);
		unsigned char *at = buffer_reserve(out, bound);
		size_t len = ZSTD_compress(at, bound, text.ptr, n, 1);

		assert_false(ZSTD_isError(len));
		assert_true(len <= BODY_FRAME_STORED_MAX);
		buffer_filled(out, len);
		text = slice_drop(text, n);
	} while (text.len > 0);
	body.stored = buffer_bytes(out).len;
	body.checksum = checksum64(buffer_bytes(out), 0);
	return body;
}

/* The whole message, or how reading ended. */
static enum pack_result read_all(struct world *w, struct pack_place at, struct buffer *out)
{
	struct pack_reader reader;
	enum pack_result result = pack_reader_open(&reader, w->os, w->heap, w->fd, at);
	slice piece;

	if (result != PACK_OK)
		return result;
	while ((result = pack_reader_next(&reader, &piece)) == PACK_OK) {
		assert_true(piece.len > 0 && piece.len <= BODY_FRAME_RAW);
		buffer_add(out, piece);
	}
	if (result == PACK_END)
		assert_int_equal(buffer_bytes(out).len, pack_reader_size(&reader));
	pack_reader_close(&reader);
	return result;
}

static slice pattern(struct buffer *b, size_t n)
{
	for (size_t i = 0; buffer_bytes(b).len < n; i++)
		buffer_printf(b, "%zu bottles of %zx\r\n", i, i * i * 2654435761u);
	buffer_truncate(b, n);
	return buffer_bytes(b);
}

/* What is read at first ends in the header's prefix, the body, or behind. */
static void around_the_first_read(void **state)
{
	struct world *w = *state;

	for (size_t total = PACK_READ_AHEAD - 30; total < PACK_READ_AHEAD + 30; total++) {
		for (size_t prefix = 10; prefix < 2 * PACK_READ_AHEAD; prefix += PACK_READ_AHEAD - 85) {
			struct buffer text = buffer_init(w->heap, SIZE_MAX / 2);
			struct buffer stored = buffer_init(w->heap, SIZE_MAX / 2);
			struct buffer entry = buffer_init(w->heap, SIZE_MAX / 2);
			struct buffer want = buffer_init(w->heap, SIZE_MAX / 2);
			struct buffer out = buffer_init(w->heap, SIZE_MAX / 2);
			struct pack_body body;

			/* Random bytes: the frame is a few bytes longer than they are. */
			for (size_t n = prefix + PACK_ENTRY; n < total; n++)
				put_u8(&text, (uint8_t)os_random_u64(w->os));
			body = compress(buffer_bytes(&text), BODY_FRAME_RAW, &stored);
			for (size_t n = 0; n < prefix; n++)
				put_u8(&want, 'P');
			pack_entry_write(&entry, place, buffer_bytes(&want), body);
			buffer_add(&entry, buffer_bytes(&stored));
			assert_int_equal(os_pwrite(w->os, w->fd, buffer_bytes(&entry), place.offset), 0);
			buffer_add(&want, buffer_bytes(&text));
			assert_int_equal(read_all(w, place, &out), PACK_END);
			assert_slice(buffer_bytes(&out), buffer_bytes(&want));
			buffer_free(&text);
			buffer_free(&stored);
			buffer_free(&entry);
			buffer_free(&want);
			buffer_free(&out);
		}
	}
}

static void entries_read_back(void **state)
{
	static const struct {
		const char *name;
		size_t size, raw;
		const char *prefix;
	} table[] = {
		{ "empty body", 0, BODY_FRAME_RAW, "Return-Path: <a@b>\r\n" },
		{ "no prefix", 100, BODY_FRAME_RAW, "" },
		{ "nothing at all", 0, BODY_FRAME_RAW, "" },
		{ "small", 1000, BODY_FRAME_RAW, "Return-Path: <>\r\nDelivered-To: x@y\r\n" },
		{ "one whole frame", BODY_FRAME_RAW, BODY_FRAME_RAW, "A: b\r\n" },
		{ "a frame and a byte", BODY_FRAME_RAW + 1, BODY_FRAME_RAW, "A: b\r\n" },
		{ "many frames", 3 * 1000 * 1000, BODY_FRAME_RAW, "A: b\r\n" },
		{ "many tiny frames", 5000, 1, "A: b\r\n" },
		{ "frames across the window", 900 * 1000, 100 * 1000, "A: b\r\n" },
	};
	struct world *w = *state;

	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		struct buffer text = buffer_init(w->heap, SIZE_MAX / 2);
		struct buffer stored = buffer_init(w->heap, SIZE_MAX / 2);
		struct buffer entry = buffer_init(w->heap, SIZE_MAX / 2);
		struct buffer out = buffer_init(w->heap, SIZE_MAX / 2);
		struct buffer want = buffer_init(w->heap, SIZE_MAX / 2);
		slice prefix = slice_from(table[i].prefix), parsed;
		struct pack_body same;
		struct pack_body body = compress(pattern(&text, table[i].size), table[i].raw,
		    &stored);

		print_message("# %s\n", table[i].name);
		pack_entry_write(&entry, place, prefix, body);
		buffer_add(&entry, buffer_bytes(&stored));
		assert_int_equal(buffer_bytes(&entry).len, pack_entry_len(prefix, body));
		assert_int_equal(os_pwrite(w->os, w->fd, buffer_bytes(&entry), place.offset), 0);
		assert_int_equal(read_all(w, place, &out), PACK_END);
		assert_int_equal(pack_entry_parse(buffer_bytes(&entry), place, &parsed, &same),
		    PACK_OK);
		assert_slice(parsed, prefix);
		assert_memory_equal(&same, &body, sizeof body);
		buffer_add(&want, prefix);
		buffer_add(&want, buffer_bytes(&text));
		assert_slice(buffer_bytes(&out), buffer_bytes(&want));
		buffer_free(&text);
		buffer_free(&stored);
		buffer_free(&entry);
		buffer_free(&out);
		buffer_free(&want);
	}
}

/* A small entry on disk, for damage. */
static struct buffer small_entry(struct world *w, const char *text, size_t raw)
{
	struct buffer stored = buffer_init(w->heap, SIZE_MAX / 2);
	struct buffer entry = buffer_init(w->heap, SIZE_MAX / 2);
	struct pack_body body = compress(slice_from(text), raw, &stored);

	pack_entry_write(&entry, place, slice_lit("A: b\r\n"), body);
	buffer_add(&entry, buffer_bytes(&stored));
	buffer_free(&stored);
	return entry;
}

static void each_flipped_bit_is_found(void **state)
{
	struct world *w = *state;
	struct buffer entry = small_entry(w, "Subject: x\r\n\r\nHello, all of you.\r\n", 12);
	slice bytes = buffer_bytes(&entry);
	struct buffer out = buffer_init(w->heap, SIZE_MAX / 2);

	assert_int_equal(os_pwrite(w->os, w->fd, bytes, place.offset), 0);
	for (size_t i = 0; i < bytes.len * 8; i++) {
		unsigned char flipped = bytes.ptr[i / 8] ^ (unsigned char)(1 << i % 8);
		enum pack_result result;

		assert_int_equal(os_pwrite(w->os, w->fd, slice_of(&flipped, 1),
		    place.offset + i / 8), 0);
		result = read_all(w, place, &out);
		if (result != PACK_DAMAGED)
			fail_msg("bit %zu of byte %zu: %d", i % 8, i / 8, result);
		assert_int_equal(buffer_bytes(&out).len, 0);
		assert_int_equal(os_pwrite(w->os, w->fd, slice_sub(bytes, i / 8, 1),
		    place.offset + i / 8), 0);
	}
	assert_int_equal(read_all(w, place, &out), PACK_END);
	buffer_free(&out);
	buffer_free(&entry);
}

/* Nothing that zstd can make smaller, so a turned bit of a frame is one of the text. */
static slice noise(struct buffer *b, size_t n)
{
	uint64_t x = 88172645463325252u;

	for (size_t i = 0; i < n; i++) {
		unsigned char byte;

		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		byte = (unsigned char)(x >> 32);
		buffer_add(b, slice_of(&byte, 1));
	}
	return buffer_bytes(b);
}

static void flip(struct world *w, uint64_t at)
{
	unsigned char byte;

	assert_int_equal(os_pread(w->os, w->fd, &byte, 1, at), 1);
	byte ^= 1;
	assert_int_equal(os_pwrite(w->os, w->fd, slice_of(&byte, 1), at), 0);
}

/* The bytes may turn when all was judged and not all was given out. What can be
 * kept is given as it was judged; a longer body does not come to its end. */
static void rot_behind_the_judge(void **state)
{
	static const struct {
		size_t size, from_end;          /* the turned byte, of the stored ones */
		enum pack_result want;
	} table[] = {
		{ 1000, 500, PACK_END },
		{ BODY_FRAME_RAW, 500, PACK_END },
		{ 600 * 1000, 500, PACK_DAMAGED },
		{ 600 * 1000, 590 * 1000, PACK_DAMAGED },
	};
	struct world *w = *state;

	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		struct buffer text = buffer_init(w->heap, SIZE_MAX / 2);
		struct buffer stored = buffer_init(w->heap, SIZE_MAX / 2);
		struct buffer entry = buffer_init(w->heap, SIZE_MAX / 2);
		struct buffer out = buffer_init(w->heap, SIZE_MAX / 2);
		struct pack_body body = compress(noise(&text, table[i].size), BODY_FRAME_RAW,
		    &stored);
		struct pack_reader reader;
		enum pack_result result;
		slice piece;

		pack_entry_write(&entry, place, (slice){ 0 }, body);
		buffer_add(&entry, buffer_bytes(&stored));
		assert_int_equal(os_pwrite(w->os, w->fd, buffer_bytes(&entry), place.offset), 0);
		assert_int_equal(pack_reader_open(&reader, w->os, w->heap, w->fd, place), PACK_OK);
		flip(w, place.offset + buffer_bytes(&entry).len - table[i].from_end);
		while ((result = pack_reader_next(&reader, &piece)) == PACK_OK)
			buffer_add(&out, piece);
		pack_reader_close(&reader);
		assert_int_equal(result, table[i].want);
		if (result == PACK_END)
			assert_true(slice_equal(buffer_bytes(&out), buffer_bytes(&text)));
		else
			assert_true(buffer_bytes(&out).len < table[i].size);
		buffer_free(&text);
		buffer_free(&stored);
		buffer_free(&entry);
		buffer_free(&out);
	}
}

static void each_short_file_is_found(void **state)
{
	struct world *w = *state;
	struct buffer entry = small_entry(w, "Hello\r\n", BODY_FRAME_RAW);
	slice bytes = buffer_bytes(&entry);
	struct buffer out = buffer_init(w->heap, SIZE_MAX / 2);
	struct pack_body body;
	slice prefix;

	for (size_t n = 0; n < bytes.len; n++) {
		slice head = guarded_copy(slice_head(bytes, n));

		assert_int_equal(pack_entry_parse(head, place, &prefix, &body), PACK_DAMAGED);
		guarded_free(head);
		assert_int_equal(os_pwrite(w->os, w->fd, slice_head(bytes, n), place.offset), 0);
		assert_int_equal(read_all(w, place, &out), PACK_DAMAGED);
	}
	buffer_free(&out);
	buffer_free(&entry);
}

static void an_entry_of_another_place_is_damage(void **state)
{
	struct world *w = *state;
	struct buffer entry = small_entry(w, "Hello\r\n", BODY_FRAME_RAW);
	struct buffer out = buffer_init(w->heap, SIZE_MAX / 2);
	struct pack_place other = place;

	assert_int_equal(os_pwrite(w->os, w->fd, buffer_bytes(&entry), place.offset), 0);
	other.owner++;
	assert_int_equal(read_all(w, other, &out), PACK_DAMAGED);
	other = place;
	other.number++;
	assert_int_equal(read_all(w, other, &out), PACK_DAMAGED);
	other = place;
	other.offset += 4096;
	assert_int_equal(os_pwrite(w->os, w->fd, buffer_bytes(&entry), other.offset), 0);
	assert_int_equal(read_all(w, other, &out), PACK_DAMAGED);
	buffer_free(&out);
	buffer_free(&entry);
}

/* Frames whose checksum holds but which are not what the header says: only a
 * captured sender makes them. */
static void frames_that_lie(void **state)
{
	static const struct {
		const char *name;
		size_t size, raw;       /* of the text, a frame */
		int64_t more;           /* what the header adds to the size */
		size_t cut;             /* stored bytes that lack */
	} table[] = {
		{ "larger than said", 1000, BODY_FRAME_RAW, -1, 0 },
		{ "smaller than said", 1000, BODY_FRAME_RAW, 1, 0 },
		{ "a second frame too many", 2000, 1000, -1000, 0 },
		{ "a frame over the limit", BODY_FRAME_RAW + 1, BODY_FRAME_RAW + 1, 0, 0 },
		{ "a frame that never ends", 1000, BODY_FRAME_RAW, 0, 3 },
		{ "a bomb", 64 * 1024 * 1024, 64 * 1024 * 1024, 0, 0 },
	};
	struct world *w = *state;

	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		struct buffer text = buffer_init(w->heap, SIZE_MAX / 2);
		struct buffer stored = buffer_init(w->heap, SIZE_MAX / 2);
		struct buffer entry = buffer_init(w->heap, SIZE_MAX / 2);
		struct buffer out = buffer_init(w->heap, SIZE_MAX / 2);
		unsigned char *zeros = buffer_reserve(&text, table[i].size);
		struct pack_body body;

		print_message("# %s\n", table[i].name);
		memset(zeros, 'x', table[i].size);
		buffer_filled(&text, table[i].size);
		compress(buffer_bytes(&text), table[i].raw, &stored);
		buffer_truncate(&stored, buffer_bytes(&stored).len - table[i].cut);
		body = (struct pack_body){
			.size = table[i].size + (uint64_t)table[i].more,
			.stored = buffer_bytes(&stored).len,
			.checksum = checksum64(buffer_bytes(&stored), 0),
		};
		pack_entry_write(&entry, place, slice_lit("A: b\r\n"), body);
		buffer_add(&entry, buffer_bytes(&stored));
		assert_int_equal(os_pwrite(w->os, w->fd, buffer_bytes(&entry), place.offset), 0);
		assert_int_equal(read_all(w, place, &out), PACK_DAMAGED);
		assert_true(buffer_bytes(&out).len <= 6 + body.size);
		buffer_free(&text);
		buffer_free(&stored);
		buffer_free(&entry);
		buffer_free(&out);
	}
}

static void a_later_version_is_left_alone(void **state)
{
	struct world *w = *state;
	struct buffer entry = small_entry(w, "Hello\r\n", BODY_FRAME_RAW);
	struct buffer out = buffer_init(w->heap, SIZE_MAX / 2);
	unsigned char where[16] = { 42, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 0xe8, 3 };
	unsigned char *at = entry.ptr + entry.start;
	slice parts[3];
	uint64_t sum;

	/* What a later Posthouse would write: another version, its checksum right. */
	at[4] = PACK_VERSION + 1;
	parts[0] = slice_of(where, sizeof where);
	parts[1] = slice_of(at, 56);
	parts[2] = slice_lit("A: b\r\n");
	sum = checksum64_of(parts, 3, 0);
	for (size_t i = 0; i < 8; i++)
		at[56 + i] = (unsigned char)(sum >> (8 * i));
	assert_int_equal(os_pwrite(w->os, w->fd, buffer_bytes(&entry), place.offset), 0);
	assert_int_equal(read_all(w, place, &out), PACK_NEWER);
	buffer_free(&entry);
}

static void checksums_in_pieces(void **state)
{
	struct checksum_stream sum[2];
	slice text = slice_lit("The quick brown fox jumps over the lazy dog, twice.");

	(void)state;
	/* At every alignment of the state, cut at every place. */
	for (size_t n = 0; n <= text.len; n++) {
		struct checksum_stream *c = (void *)((char *)sum + n);

		checksum_begin(c, 5);
		checksum_add(c, slice_head(text, n));
		checksum_add(c, slice_drop(text, n));
		assert_int_equal(checksum_end(c), checksum64(text, 5));
	}
}

UNIT_TESTS(cmocka_unit_test_setup_teardown(entries_read_back, set_up, tear_down),
    cmocka_unit_test_setup_teardown(around_the_first_read, set_up, tear_down),
    cmocka_unit_test_setup_teardown(each_flipped_bit_is_found, set_up, tear_down),
    cmocka_unit_test_setup_teardown(rot_behind_the_judge, set_up, tear_down),
    cmocka_unit_test_setup_teardown(each_short_file_is_found, set_up, tear_down),
    cmocka_unit_test_setup_teardown(an_entry_of_another_place_is_damage, set_up, tear_down),
    cmocka_unit_test_setup_teardown(frames_that_lie, set_up, tear_down),
    cmocka_unit_test_setup_teardown(a_later_version_is_left_alone, set_up, tear_down),
    cmocka_unit_test(checksums_in_pieces))
