/* config/config_fuzz.c - any text: faults or a configuration, which prints as
 * one that reads the same. */
#include <stdint.h>

#include "base/check.h"
#include "base/limits.h"
#include "config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static slice print(struct heap *heap, const struct config *config)
{
	struct buffer out = buffer_init(heap, CONFIG_TEXT_MAX);

	config_print(config, &out);
	return buffer_bytes(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct arena arena = arena_init(heap, 2 * CONFIG_ARENA_MAX);
	struct config config, again;
	struct config_error error;

	if (len <= CONFIG_FILE_MAX &&
	    config_parse(slice_of(data, len), &arena, &config, &error, 1) == 0) {
		slice text = print(heap, &config);

		check(config_parse(text, &arena, &again, &error, 1) == 0);
		check(slice_equal(print(heap, &again), text));
	}
	heap_drop(heap);
	return 0;
}
