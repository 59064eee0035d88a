/* account/account_replay_fuzz.c - records of any shape never break a state.
 *
 * Input: records of a u8 type, a u16 length and that many bytes of payload. */
#include <string.h>

#include "account/describe.h"
#include "account/state.h"
#include "base/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check_full(const struct account_state *s)
{
	uint32_t uid = 0;

	for (size_t i = 0; i < s->n_rows; i++) {
		check(s->rows[i].uid > uid);
		uid = s->rows[i].uid;
		check(account_state_find(s, uid) == &s->rows[i]);
	}
	check(s->n_rows == 0 || uid < s->head.uid_next || s->head.uid_next == 0);
	check(s->n_vanished <= ACCOUNT_VANISHED_MAX);
}

static bool take_line(void *context, const char *text)
{
	check(strlen(text) >= 14);
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct describer describer = { .line = take_line };
	struct heap *heap = heap_create(SIZE_MAX);
	struct account_state narrow, full;
	struct bytes in = bytes_init(slice_of(data, len));

	account_state_init(&narrow, heap, 1);
	account_state_init(&full, heap, 1);
	full.full = true;
	for (;;) {
		uint8_t type = get_u8(&in);
		slice payload = get_raw(&in, get_u16(&in));

		if (!bytes_ok(&in))
			break;
		account_describe_record(&describer, type, payload);
		/* A head may say anything of the rows before it. */
		if (type != RECORD_HEAD)
			(void)account_state_apply(&full, type, payload);
		(void)account_state_apply(&narrow, type, payload);
	}
	check_full(&full);
	heap_drop(heap);
	return 0;
}
