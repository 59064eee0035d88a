/* base/bytes.h - little-endian fields, the same on disk and between roles.
 *
 * Writers append to a buffer. Readers advance a cursor that remembers the
 * first failure: read all fields, then ask bytes_ok() once. */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <stdint.h>

#include "base/buffer.h"
#include "base/slice.h"

void put_u8(struct buffer *b, uint8_t v);
void put_u16(struct buffer *b, uint16_t v);
void put_u32(struct buffer *b, uint32_t v);
void put_u64(struct buffer *b, uint64_t v);
void put_slice(struct buffer *b, slice s);      /* u32 length, then the bytes */

struct bytes {
	slice rest;
	bool failed;
};

static inline struct bytes bytes_init(slice s)
{
	return (struct bytes){ s, false };
}

/* After a failure they return zero or an empty slice. Slices are borrowed from
 * what the cursor was made of. */
uint8_t get_u8(struct bytes *in);
uint16_t get_u16(struct bytes *in);
uint32_t get_u32(struct bytes *in);
uint64_t get_u64(struct bytes *in);
slice get_slice(struct bytes *in, size_t len_max);
slice get_raw(struct bytes *in, size_t len);

/* Nothing failed. And nothing failed and nothing is left. */
bool bytes_ok(const struct bytes *in);
bool bytes_end(const struct bytes *in);

/* In place, for headers of fixed layout. */
void store_u32(unsigned char *at, uint32_t v);
void store_u64(unsigned char *at, uint64_t v);
uint32_t load_u32(const unsigned char *at);
uint64_t load_u64(const unsigned char *at);

#endif
