/* pack/pack_fuzz.c - an entry of a pack: made of the input, then damaged, or full
 * of lies under right checksums.
 *
 * Eight bytes choose: the mode, how long prefix and frames are, what is damaged.
 *
 * For: pack/pack.c pack/reader.c
 *
 * Holds: an honest entry reads back as it was, in pieces that are never empty nor
 * over their bound; a damaged one never reads to its end as something else, nor at
 * another place or for another account; whatever sizes and frames an entry claims,
 * no more than it claims comes out, and reading ends. */
#include "fuzz.h"

#include <zstd.h>

#include "base/limits.h"
#include "os/os_sim.h"
#include "pack/pack.h"

enum { HEAD = 8 };

static const uint8_t ip[4] = { 127, 1, 0, 1 };
static const struct pack_place place = { .owner = 42, .number = 7, .offset = 512 };

/* Frames of at most `raw` bytes, each compressed by itself. */
static void compress(slice text, size_t raw, struct buffer *out)
{
	while (text.len > 0) {
		size_t n = text.len < raw ? text.len : raw, bound = ZSTD_compressBound(n);
		size_t len = ZSTD_compress(buffer_reserve(out, bound), bound, text.ptr, n, 1);

		check(!ZSTD_isError(len));
		buffer_filled(out, len);
		text = slice_drop(text, n);
	}
}

/* Read all; the result, and in *out what came. */
static enum pack_result read_all(struct os *os, struct heap *heap, int fd,
    struct pack_place at, struct buffer *out)
{
	struct pack_reader r;
	enum pack_result result = pack_reader_open(&r, os, heap, fd, at);
	uint64_t size;
	slice piece;

	if (result != PACK_OK)
		return result;
	size = pack_reader_size(&r);
	while ((result = pack_reader_next(&r, &piece)) == PACK_OK) {
		check(piece.len > 0 && piece.len <= BODY_FRAME_RAW);
		buffer_add(out, piece);
		check(buffer_bytes(out).len <= size);
	}
	check(result != PACK_END || buffer_bytes(out).len == size);
	pack_reader_close(&r);
	return result;
}

static void read_honest(struct os *os, struct heap *heap, int fd, slice prefix, slice text)
{
	struct pack_place elsewhere = place, another = place;
	struct buffer out = buffer_init(heap, SIZE_MAX);

	elsewhere.number++;
	another.owner++;
	check(read_all(os, heap, fd, place, &out) == PACK_END);
	check(slice_equal(slice_head(buffer_bytes(&out), prefix.len), prefix));
	check(slice_equal(slice_drop(buffer_bytes(&out), prefix.len), text));
	check(read_all(os, heap, fd, elsewhere, &out) == PACK_DAMAGED);
	check(read_all(os, heap, fd, another, &out) == PACK_DAMAGED);
}

static void entry(struct os *os, struct heap *heap, const uint8_t *choices, slice in)
{
	struct buffer frames = buffer_init(heap, SIZE_MAX), file = frames, out = frames;
	size_t n_prefix = in.len * choices[1] / 256;
	slice prefix = slice_head(in, n_prefix), text = slice_drop(in, n_prefix);
	bool lies = choices[0] & 1, raw = choices[0] & 2, damage = choices[0] & 4;
	struct pack_body body = { .size = text.len };
	int fd = os_open(os, OS_ROOT, "001.pack", OS_READ | OS_WRITE | OS_CREATE);

	/* Raw: the input stands where frames should, so libFuzzer makes them. */
	if (lies && raw)
		buffer_add(&frames, text);
	else
		compress(text, 1 + choices[2] * 16u, &frames);
	body.stored = buffer_bytes(&frames).len;
	body.checksum = checksum64(buffer_bytes(&frames), 0);
	if (lies) {
		body.size = (uint64_t)choices[3] << (choices[4] % 48);
		if (choices[0] & 8)
			body.stored = (uint64_t)choices[5] << (choices[6] % 48);
	}
	pack_entry_write(&file, place, prefix, body);
	buffer_add(&file, buffer_bytes(&frames));
	check(lies || buffer_bytes(&file).len == pack_entry_len(prefix, body));
	if (damage) {
		size_t bit = (choices[6] << 8 | choices[7]) % (buffer_bytes(&file).len * 8);

		file.ptr[file.start + bit / 8] ^= (unsigned char)(1u << bit % 8);
	}
	if (choices[0] & 16)
		buffer_truncate(&file, buffer_bytes(&file).len * choices[7] / 256);
	check(fd >= 0 && os_pwrite(os, fd, buffer_bytes(&file), place.offset) == 0);
	if (!lies && !damage && !(choices[0] & 16)) {
		read_honest(os, heap, fd, prefix, text);
	} else if (read_all(os, heap, fd, place, &out) == PACK_END && !lies) {
		check(!damage && slice_equal(buffer_bytes(&out), in));
	}
	os_close(os, fd);
	check(os_unlink(os, OS_ROOT, "001.pack") == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct os *os;           /* one world for all inputs */
	struct heap *heap;

	if (len < HEAD || len - HEAD > PACK_PREFIX_MAX)
		return 0;
	if (os == NULL)
		os = sim_process_create(sim_host_create(sim_create(1), "a", ip, 1 << 24), "test");
	heap = heap_create(SIZE_MAX);
	entry(os, heap, data, slice_of(data + HEAD, len - HEAD));
	heap_drop(heap);
	return 0;
}
