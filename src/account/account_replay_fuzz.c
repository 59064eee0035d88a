/* account/account_replay_fuzz.c - records of any shape, applied to a state.
 *
 * Input: records of a u8 type, a u16 length and that many bytes of payload.
 *
 * For: account/state.c account/state_change.c account/state_mailbox.c account/record.c account/record_mailbox.c account/key.c account/describe.c
 *
 * Holds: rows ascend and each is found by its uid; uid_next and modseq never go down
 * (but with a HEAD); a record that does not fit changes nothing; lists stay within
 * their bounds; what is counted of a mailbox is what is in it; each record is told in
 * whole lines. */
#include "fuzz.h"

#include "account/describe.h"
#include "account/state.h"

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

static void check_counted(const struct account_state *s, const struct account_mailbox *m)
{
	uint64_t messages = 0, unseen = 0, deleted = 0, bytes = 0, buried = 0;
	uint64_t deleted_bytes = 0;

	for (size_t i = 0; i < s->n_rows; i++) {
		const struct account_row *row = &s->rows[i];

		buried += row->mailbox == (m->number | ACCOUNT_GRAVEYARD);
		if (row->mailbox != m->number)
			continue;
		messages++;
		bytes += row->size;
		unseen += (row->flags & ACCOUNT_SEEN) == 0;
		deleted += (row->flags & ACCOUNT_DELETED) != 0;
		deleted_bytes += (row->flags & ACCOUNT_DELETED) != 0 ? row->size : 0;
		check(row->uid < m->uid_next && row->modseq <= m->highest_modseq);
	}
	check(m->messages == messages && m->unseen == unseen && m->deleted == deleted &&
	    m->bytes == bytes && m->deleted_bytes == deleted_bytes && m->buried == buried);
	check(m->name.len > 0);
}

static void check_mailboxes(const struct account_state *s)
{
	uint64_t rows = 0;

	check(s->n_mailboxes > 0 && s->mailboxes[0].number == ACCOUNT_INBOX);
	for (size_t i = 0; i < s->n_mailboxes; i++) {
		const struct account_mailbox *m = &s->mailboxes[i];

		check(i == 0 || m->number > s->mailboxes[i - 1].number);
		check(account_mailbox(s, m->number) == m);
		if (i < 64)
			check_counted(s, m);
		rows += m->messages + m->buried;
	}
	check(rows == s->n_rows);
}

static bool take_line(void *context, const char *text)
{
	check(strlen(text) >= 14);
	return true;
}

/* One record; what it may not do. */
static void apply(struct account_state *s, uint8_t type, slice payload)
{
	struct account_head before = s->head;
	size_t rows = s->n_rows, keys = s->keys.n, vanished = s->n_vanished;
	size_t mailboxes = s->n_mailboxes;
	enum record_result result = account_state_apply(s, type, payload);

	if (type != RECORD_HEAD) {
		check(s->head.uid_next >= before.uid_next && s->head.modseq >= before.modseq);
		check(!before.removed || result != RECORD_OK);
	}
	if (result == RECORD_OK)
		return;
	check(memcmp(&before, &s->head, sizeof before) == 0);
	check(rows == s->n_rows && keys == s->keys.n && vanished == s->n_vanished);
	check(mailboxes == s->n_mailboxes);
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
			apply(&full, type, payload);
		apply(&narrow, type, payload);
	}
	check_full(&full);
	check_mailboxes(&full);
	heap_drop(heap);
	return 0;
}
