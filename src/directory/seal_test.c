/* directory/seal_test.c - what is sealed comes back; anything else does not. */
#include "directory/seal.h"

#include <stdio.h>

#include "base/limits.h"
#include "unit.h"

static const struct seal_key key = { { 1, 2, 3, 4, 5 } };

static struct sealed_recipient sample(struct seal_target targets[2])
{
	targets[0] = (struct seal_target){ 7, slice_lit("alice@alice.example") };
	targets[1] = (struct seal_target){ UINT64_MAX, slice_lit("bob@alice.example") };
	return (struct sealed_recipient){
		.transaction = 0x1122334455667788, .sender = slice_lit("carol@example.org"),
		.recipient = slice_lit("team@alice.example"), .n_targets = 2, .targets = targets,
	};
}

static void opens_what_it_sealed(void **state)
{
	static const slice senders[] = { slice_lit(""), slice_lit("carol@example.org") };

	for (size_t i = 0; i < 2; i++) {
		struct heap *heap = heap_create(SIZE_MAX);
		struct arena arena = arena_init(heap, SEALED_MAX);
		struct buffer out = buffer_init(heap, SEALED_MAX);
		struct seal_target targets[2];
		struct sealed_recipient in = sample(targets), back;
		slice sealed;

		in.sender = senders[i];
		seal_recipient(&key, &in, &out);
		sealed = guarded_copy(buffer_bytes(&out));
		assert_true(seal_open(&key, sealed, &arena, &back));
		assert_int_equal(back.transaction, in.transaction);
		assert_slice(back.sender, in.sender);
		assert_slice(back.recipient, in.recipient);
		assert_int_equal(back.n_targets, 2);
		for (size_t t = 0; t < 2; t++) {
			assert_true(back.targets[t].account == targets[t].account);
			assert_slice(back.targets[t].delivered_to, targets[t].delivered_to);
		}
		guarded_free(sealed);
		heap_drop(heap);
	}
}

static void appends_behind_what_is_there(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct arena arena = arena_init(heap, SEALED_MAX);
	struct buffer out = buffer_init(heap, SEALED_MAX + 5);
	struct seal_target targets[2];
	struct sealed_recipient in = sample(targets), back;

	buffer_add(&out, slice_lit("hello"));
	seal_recipient(&key, &in, &out);
	assert_true(seal_open(&key, slice_drop(buffer_bytes(&out), 5), &arena, &back));
	assert_false(seal_open(&key, buffer_bytes(&out), &arena, &back));
	heap_drop(heap);
}

/* Every single flipped bit, every cut, every added byte, and another key. */
static void refuses_what_was_touched(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct arena arena = arena_init(heap, SEALED_MAX);
	struct buffer out = buffer_init(heap, SEALED_MAX);
	struct seal_target targets[2];
	struct sealed_recipient in = sample(targets), back;
	struct seal_key other = key;
	unsigned char copy[512];
	slice sealed;

	seal_recipient(&key, &in, &out);
	sealed = buffer_bytes(&out);
	assert_true(sealed.len < sizeof(copy));
	memcpy(copy, sealed.ptr, sealed.len);
	for (size_t i = 0; i < sealed.len; i++) {
		for (unsigned bit = 0; bit < 8; bit++) {
			copy[i] ^= (unsigned char)(1u << bit);
			if (seal_open(&key, slice_of(copy, sealed.len), &arena, &back))
				fail_msg("bit %u of byte %zu flipped, still opens", bit, i);
			copy[i] ^= (unsigned char)(1u << bit);
		}
	}
	for (size_t len = 0; len < sealed.len; len++) {
		slice cut = guarded_copy(slice_head(sealed, len));

		assert_false(seal_open(&key, cut, &arena, &back));
		guarded_free(cut);
	}
	copy[sealed.len] = 0;
	assert_false(seal_open(&key, slice_of(copy, sealed.len + 1), &arena, &back));
	assert_true(seal_open(&key, slice_of(copy, sealed.len), &arena, &back));
	other.bytes[SEAL_KEY_LEN - 1] ^= 1;
	assert_false(seal_open(&other, sealed, &arena, &back));
	heap_drop(heap);
}

static void holds_the_longest_decision(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct arena arena = arena_init(heap, SEALED_MAX);
	struct buffer out = buffer_init(heap, SEALED_MAX);
	struct seal_target *targets = heap_alloc(heap,
	    RECIPIENT_TARGETS_MAX * sizeof(struct seal_target));
	unsigned char *text = heap_alloc(heap, SEALED_ADDRESS_MAX);
	slice longest = slice_of(text, SEALED_ADDRESS_MAX);
	struct sealed_recipient back, in = { 1, longest, longest, RECIPIENT_TARGETS_MAX, targets };

	memset(text, 'a', SEALED_ADDRESS_MAX);
	for (uint64_t i = 0; i < RECIPIENT_TARGETS_MAX; i++)
		targets[i] = (struct seal_target){ i + 1, longest };
	seal_recipient(&key, &in, &out);
	assert_true(seal_open(&key, buffer_bytes(&out), &arena, &back));
	assert_int_equal(back.n_targets, RECIPIENT_TARGETS_MAX);
	assert_true(back.targets[RECIPIENT_TARGETS_MAX - 1].account == RECIPIENT_TARGETS_MAX);
	heap_drop(heap);
}

UNIT_TESTS(cmocka_unit_test(opens_what_it_sealed),
    cmocka_unit_test(appends_behind_what_is_there),
    cmocka_unit_test(refuses_what_was_touched),
    cmocka_unit_test(holds_the_longest_decision))
