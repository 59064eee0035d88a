/* base/bytes.c - little-endian fields. */
#include "base/bytes.h"

#include "base/check.h"

static void store(unsigned char *at, uint64_t v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		at[i] = (unsigned char)(v >> (8 * i));
}

static uint64_t load(const unsigned char *at, size_t n)
{
	uint64_t v = 0;

	for (size_t i = 0; i < n; i++)
		v |= (uint64_t)at[i] << (8 * i);
	return v;
}

void store_u32(unsigned char *at, uint32_t v) { store(at, v, 4); }
void store_u64(unsigned char *at, uint64_t v) { store(at, v, 8); }
uint32_t load_u32(const unsigned char *at) { return (uint32_t)load(at, 4); }
uint64_t load_u64(const unsigned char *at) { return load(at, 8); }

static void put(struct buffer *b, uint64_t v, size_t n)
{
	unsigned char raw[8];

	store(raw, v, n);
	buffer_add(b, slice_of(raw, n));
}

void put_u8(struct buffer *b, uint8_t v) { put(b, v, 1); }
void put_u16(struct buffer *b, uint16_t v) { put(b, v, 2); }
void put_u32(struct buffer *b, uint32_t v) { put(b, v, 4); }
void put_u64(struct buffer *b, uint64_t v) { put(b, v, 8); }

void put_slice(struct buffer *b, slice s)
{
	check(s.len <= UINT32_MAX);
	put_u32(b, (uint32_t)s.len);
	buffer_add(b, s);
}

slice get_raw(struct bytes *in, size_t len)
{
	slice s;

	if (in->failed || len > in->rest.len) {
		in->failed = true;
		return (slice){ 0 };
	}
	s = slice_head(in->rest, len);
	in->rest = slice_drop(in->rest, len);
	return s;
}

static uint64_t get(struct bytes *in, size_t n)
{
	slice raw = get_raw(in, n);

	return in->failed ? 0 : load(raw.ptr, n);
}

uint8_t get_u8(struct bytes *in) { return (uint8_t)get(in, 1); }
uint16_t get_u16(struct bytes *in) { return (uint16_t)get(in, 2); }
uint32_t get_u32(struct bytes *in) { return (uint32_t)get(in, 4); }
uint64_t get_u64(struct bytes *in) { return get(in, 8); }

slice get_slice(struct bytes *in, size_t len_max)
{
	uint32_t len = get_u32(in);

	if (len > len_max)
		in->failed = true;
	return get_raw(in, len);
}

bool bytes_ok(const struct bytes *in)
{
	return !in->failed;
}

bool bytes_end(const struct bytes *in)
{
	return !in->failed && in->rest.len == 0;
}
