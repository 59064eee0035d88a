/* journal/record_fuzz.c - any bytes as a COMMIT record or a delivery: what is
 * taken is written back as the same bytes. */
#include <stdint.h>

#include "base/check.h"
#include "base/limits.h"
#include "journal/delivery.h"
#include "journal/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct arena arena = arena_init(heap, 1 << 20);
	struct buffer out = buffer_init(heap, SIZE_MAX / 2);
	struct bytes in = bytes_init(slice_of(data, len));
	struct journal_commit commit;
	struct delivery delivery;

	if (journal_commit_read(slice_of(data, len), &arena, &commit)) {
		journal_commit_write(&commit, &out);
		check(slice_equal(buffer_bytes(&out), slice_of(data, len)));
	}
	buffer_free(&out);
	if (delivery_read(&in, &arena, &delivery)) {
		delivery_write(&delivery, &out);
		check(slice_equal(buffer_bytes(&out), slice_head(slice_of(data, len),
		    len - in.rest.len)));
	}
	heap_drop(heap);
	return 0;
}
