/* account/account_record_test.c - each record to bytes and back; what is cut off, too long or
 * wrong is told apart and changes nothing. */
#include "account/state.h"
#include "unit.h"

enum { RECORD_SIZE = 1 << 20 };

static const struct uid_range ranges[] = { { 1, 1 }, { 3, 5 }, { 9, 9 } };

static struct account_row row_of(uint32_t uid, uint16_t mailbox)
{
	return (struct account_row){ .uid = uid, .pack = 3, .flags = ACCOUNT_FLAGS - 2,
		.mailbox = mailbox, .modseq = 70 + uid, .key = { 5, uid, 2, 1 },
		.received_us = -77, .size = 4000000000u, .stored = 3000000000u,
		.offset = PACK_MAX - 1, .saved_s = 4100000000u };
}

static struct mailbox_entry entry_of(uint16_t number, uint8_t bits, slice name)
{
	return (struct mailbox_entry){ number, bits, USE_SENT, 4000 + number, 9, 4, 11, 12, name };
}

/* ---- there and back ---- */

static void heads_come_back(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct buffer b = buffer_init(heap, RECORD_SIZE);
	struct account_head head = { .account = 7, .damaged = true, .uidvalidity = 5,
		.uidvalidity_next = 900, .uid_next = 3, .uid_floor = 8, .modseq = 1000, .count = 6,
		.bytes = 50, .rows = 9, .pack_next = 2, .created_us = -4, .n_keys = 3,
		.n_chain = 1, .chain = { { 4, 5, 6 } } };
	struct account_head back;

	record_head_write(&head, &b);
	assert_int_equal(record_head_read(buffer_bytes(&b), &back), RECORD_OK);
	assert_memory_equal(&head, &back, sizeof head);
	for (size_t n = 0; n < buffer_bytes(&b).len; n++)
		assert_int_equal(record_head_read(slice_head(buffer_bytes(&b), n), &back),
		    RECORD_BAD);
	buffer_free(&b);
	head.rows = 5;                  /* fewer than messages */
	record_head_write(&head, &b);
	assert_int_equal(record_head_read(buffer_bytes(&b), &back), RECORD_BAD);
	heap_drop(heap);
}

static void rows_come_back(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct buffer b = buffer_init(heap, RECORD_SIZE);
	struct account_row row = row_of(8, 3 | ACCOUNT_GRAVEYARD), back;
	struct account_key key = row.key, key_back;
	struct bytes in;
	uint32_t n;

	record_rows_write(&row, 1, &b);
	in = bytes_init(buffer_bytes(&b));
	assert_true(record_list_begin(&in, RECORD_ROW_LEN, &n));
	back = get_account_row(&in);
	assert_true(bytes_end(&in));
	assert_int_equal(back.uid, row.uid);
	assert_true(back.flags == row.flags);
	assert_int_equal(back.mailbox, row.mailbox);
	assert_int_equal(back.modseq, row.modseq);
	key_back = back.key;
	assert_memory_equal(&key_back, &key, sizeof key);
	assert_int_equal(back.received_us, row.received_us);
	assert_int_equal(back.size, row.size);
	assert_int_equal(back.stored, row.stored);
	assert_int_equal(back.pack, row.pack);
	assert_int_equal(back.offset, row.offset);
	assert_int_equal(back.saved_s, row.saved_s);
	heap_drop(heap);
}

/* Fields have the width that a row has in memory, not that of the record. */
static void rows_have_an_end(void **state)
{
	static const struct {
		unsigned at;            /* of a byte in the record */
		unsigned char is;
		bool ours;
	} cases[] = {
		{ 4 + 4 + 5, 0x7f, true },      /* modseq */
		{ 4 + 4 + 5, 0x80, false },
		{ 4 + 4 + 6, 1, false },
		{ 4 + 48 + 2, 0xff, true },     /* pack */
		{ 4 + 48 + 3, 1, false },
		{ 4 + 52 + 3, 0x0f, true },     /* offset */
		{ 4 + 52 + 3, 0x10, false },
	};
	struct heap *heap = heap_create(SIZE_MAX);
	struct account_row row = row_of(8, 3);

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct buffer b = buffer_init(heap, RECORD_SIZE);
		unsigned char bytes[4 + RECORD_ROW_LEN];
		struct bytes in = bytes_init(slice_of(bytes + 4, RECORD_ROW_LEN));

		record_rows_write(&row, 1, &b);
		assert_int_equal(buffer_bytes(&b).len, sizeof bytes);
		memcpy(bytes, buffer_bytes(&b).ptr, sizeof bytes);
		bytes[cases[i].at] = cases[i].is;
		assert_int_equal(get_account_row(&in).uid, cases[i].ours ? 8 : 0);
		buffer_free(&b);
	}
	heap_drop(heap);
}

static void row_holds(int64_t us, int64_t want)
{
	struct account_row row = { .received_us = account_received(us) };

	assert_true(row.received_us == want);
}

static void times_have_an_end(void **state)
{
	int64_t year_9999 = INT64_C(253402300799) * 1000000;

	assert_true(account_received(year_9999) == year_9999);
	assert_true(account_received(-year_9999) == -year_9999);
	row_holds(INT64_MAX, (INT64_C(1) << 59) - 1);
	row_holds(INT64_MIN, -(INT64_C(1) << 59));
	row_holds(-1, -1);
}

static void entries_come_back(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct buffer b = buffer_init(heap, RECORD_SIZE);
	struct mailbox_entry entry = entry_of(6, MAILBOX_SUBSCRIBED, slice_lit("a/b")), back;
	uint8_t number;
	struct bytes in;
	slice name;

	put_mailbox_entry(&b, &entry);
	put_keyword_entry(&b, ACCOUNT_KEYWORDS_MAX - 1, slice_lit("$Junk"));
	in = bytes_init(buffer_bytes(&b));
	assert_true(get_mailbox_entry(&in, &back));
	assert_true(slice_equal(back.name, entry.name));
	back.name = entry.name;
	assert_memory_equal(&back, &entry, sizeof entry);
	assert_true(get_keyword_entry(&in, &number, &name));
	assert_int_equal(number, ACCOUNT_KEYWORDS_MAX - 1);
	assert_true(slice_equal(name, slice_lit("$Junk")));
	assert_true(bytes_end(&in));
	heap_drop(heap);
}

static void changes_come_back(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct buffer b = buffer_init(heap, RECORD_SIZE);
	struct account_flagged flagged = { .modseq = 4, .mailbox = 2, .op = FLAGS_SET,
		.bits = ACCOUNT_FLAGS, .ranges = ranges, .n = 3 }, flagged_back;
	struct account_copied copied = { .modseq = 5, .from = 1, .to = 2, .move = true,
		.uid_first = 40, .saved_s = 6, .count = 7, .bytes = 8, .ranges = ranges, .n = 3 },
		copied_back;
	struct account_expunged expunged = { .modseq = 6, .count = 7, .bytes = 8, .mailbox = 9,
		.ranges = ranges, .n = 3 }, expunged_back;
	struct bytes in;

	record_flags_write(&flagged, &b);
	in = bytes_init(buffer_bytes(&b));
	assert_true(record_flags_begin(&in, &flagged_back));
	assert_int_equal(flagged_back.modseq, 4);
	assert_int_equal(flagged_back.mailbox, 2);
	assert_int_equal(flagged_back.op, FLAGS_SET);
	assert_true(flagged_back.bits == ACCOUNT_FLAGS && flagged_back.n == 3);
	assert_int_equal(get_uid_range(&in).last, 1);
	buffer_free(&b);
	record_copied_write(&copied, &b);
	in = bytes_init(buffer_bytes(&b));
	assert_true(record_copied_begin(&in, &copied_back));
	assert_true(copied_back.modseq == 5 && copied_back.from == 1 && copied_back.to == 2 &&
	    copied_back.move && copied_back.uid_first == 40 && copied_back.saved_s == 6 &&
	    copied_back.count == 7 && copied_back.bytes == 8 && copied_back.n == 3);
	buffer_free(&b);
	record_expunged_write(&expunged, &b);
	in = bytes_init(buffer_bytes(&b));
	assert_true(record_expunged_begin(RECORD_EXPUNGED_FROM, &in, &expunged_back));
	assert_true(expunged_back.modseq == 6 && expunged_back.count == 7 &&
	    expunged_back.bytes == 8 && expunged_back.mailbox == 9 && expunged_back.n == 3);
	heap_drop(heap);
}

/* ---- what does not fit ---- */

/* A full state of INBOX 1..4, and mailbox 2 with 5 and 6. */
static void fill(struct account_state *s, struct heap *heap)
{
	struct mailbox_entry entry = entry_of(2, MAILBOX_EXISTS, slice_lit("two"));
	struct buffer b = buffer_init(heap, RECORD_SIZE);

	account_state_init(s, heap, 7);
	s->full = true;
	record_mailbox_begin_write(50, 1, &b);
	put_mailbox_entry(&b, &entry);
	assert_int_equal(account_state_apply(s, RECORD_MAILBOX, buffer_bytes(&b)), RECORD_OK);
	buffer_free(&b);
	for (uint32_t uid = 1; uid <= 6; uid++) {
		struct account_row row = row_of(uid, uid > 4 ? 2 : 0);

		record_rows_write(&row, 1, &b);
		assert_int_equal(account_state_apply(s, RECORD_DELIVERED, buffer_bytes(&b)),
		    RECORD_OK);
		buffer_free(&b);
	}
}

/* One record of each kind that fits fill()'s state. */
static void write_good(unsigned i, struct buffer *b, uint8_t *ret_type)
{
	static const uint8_t types[] = { RECORD_MAILBOX, RECORD_KEYWORD, RECORD_FLAGS,
		RECORD_COPIED, RECORD_EXPUNGED_FROM, RECORD_DELIVERED };
	struct mailbox_entry entries[] = { entry_of(3, MAILBOX_EXISTS, slice_lit("three")),
		entry_of(2, 0, slice_lit("two")) };
	struct account_flagged flagged = { 90, 2, FLAGS_ADD, ACCOUNT_SEEN, ranges, 3 };
	struct account_copied copied = { 90, 0, 2, false, 7, 1, 3, 12000000000u, ranges, 3 };
	struct account_expunged expunged = { 90, 3, 12000000000u, ranges, 3, 0 };
	struct account_row row = row_of(7, 2);

	*ret_type = types[i];
	switch (types[i]) {
	case RECORD_MAILBOX:
		record_mailbox_begin_write(90, 2, b);
		put_mailbox_entry(b, &entries[0]);
		put_mailbox_entry(b, &entries[1]);
		break;
	case RECORD_KEYWORD:
		record_keyword_begin_write(2, b);
		put_keyword_entry(b, 0, slice_lit("$Junk"));
		put_keyword_entry(b, 42, slice_lit("work"));
		break;
	case RECORD_FLAGS:
		record_flags_write(&flagged, b);
		break;
	case RECORD_COPIED:
		record_copied_write(&copied, b);
		break;
	case RECORD_EXPUNGED_FROM:
		record_expunged_write(&expunged, b);
		break;
	case RECORD_DELIVERED:
		record_rows_write(&row, 1, b);
		break;
	}
}

enum { GOOD = 6 };

static void what_is_cut_off_changes_nothing(void **state)
{
	for (unsigned i = 0; i < GOOD; i++) {
		struct heap *heap = heap_create(SIZE_MAX);
		struct buffer b = buffer_init(heap, RECORD_SIZE);
		struct account_state s;
		struct account_head before;
		uint8_t type;
		slice all;

		fill(&s, heap);
		before = s.head;
		write_good(i, &b, &type);
		buffer_add(&b, slice_lit("x"));
		all = buffer_bytes(&b);
		for (size_t n = 0; n <= all.len; n++) {
			if (n == all.len - 1)
				continue;
			assert_int_equal(account_state_apply(&s, type, slice_head(all, n)),
			    RECORD_BAD);
			assert_memory_equal(&before, &s.head, sizeof before);
			assert_int_equal(s.n_rows, 6);
			assert_int_equal(s.n_mailboxes, 2);
		}
		assert_int_equal(account_state_apply(&s, type, slice_head(all, all.len - 1)),
		    RECORD_OK);
		heap_drop(heap);
	}
}

/* A byte of a good record, and what stands there instead. */
static void what_is_wrong_changes_nothing(void **state)
{
	static const struct {
		unsigned good;
		size_t at;
		uint8_t byte;
	} table[] = {
		{ 0, 12, 3 },           /* as it was: this one fits */
		{ 0, 13, 0x80 },        /* the number of a graveyard */
		{ 0, 14, 4 },           /* a state that nobody knows */
		{ 0, 15, USES },        /* a use */
		{ 0, 8, 3 },            /* more entries than there are */
		{ 0, 8, 1 }, { 0, 8, 0 },
		{ 1, 0, 3 }, { 1, 0, 0 },
		{ 1, 4, ACCOUNT_KEYWORDS_MAX },
		{ 1, 5, 0 },            /* no name */
		{ 2, 9, 0x80 },         /* flags in a graveyard */
		{ 2, 10, FLAG_OPS }, { 2, 18, 1 },
		{ 2, 19, 2 }, { 2, 23, 0 }, { 2, 31, 1 }, { 2, 35, 2 },
		{ 3, 11, 0x80 },        /* a copy into a graveyard */
		{ 3, 12, 2 },           /* neither copy nor move */
		{ 3, 13, 6 },           /* its UID is another's */
		{ 3, 13, 0 }, { 3, 21, 0 }, { 3, 25, 1 }, { 3, 41, 0 },
		{ 4, 30, 0 }, { 4, 26, 4 },
		{ 5, 4, 6 }, { 5, 51, 0x80 },
	};

	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		struct heap *heap = heap_create(SIZE_MAX);
		struct buffer b = buffer_init(heap, RECORD_SIZE);
		struct account_state s;
		struct account_head before;
		enum record_result result;
		uint8_t type;

		fill(&s, heap);
		before = s.head;
		write_good(table[i].good, &b, &type);
		b.ptr[b.start + table[i].at] = table[i].byte;
		result = account_state_apply(&s, type, buffer_bytes(&b));
		if ((result == RECORD_OK) != (i == 0))
			fail_msg("line %zu: %d", i, result);
		if (i > 0)
			assert_memory_equal(&before, &s.head, sizeof before);
		heap_drop(heap);
	}
}

/* Narrow and full states count the same. */
static void widths_agree(void **state)
{
	for (unsigned i = 0; i < GOOD; i++) {
		struct heap *heap = heap_create(SIZE_MAX);
		struct buffer b = buffer_init(heap, RECORD_SIZE);
		struct account_state full, narrow;
		uint8_t type;

		fill(&full, heap);
		account_state_init(&narrow, heap, 7);
		narrow.head = full.head;
		write_good(i, &b, &type);
		assert_int_equal(account_state_apply(&full, type, buffer_bytes(&b)), RECORD_OK);
		assert_int_equal(account_state_apply(&narrow, type, buffer_bytes(&b)), RECORD_OK);
		assert_int_equal(full.head.count, narrow.head.count);
		assert_int_equal(full.head.bytes, narrow.head.bytes);
		assert_int_equal(full.head.rows, narrow.head.rows);
		assert_int_equal(full.head.modseq, narrow.head.modseq);
		assert_int_equal(full.head.uid_next, narrow.head.uid_next);
		assert_int_equal(full.head.uidvalidity_next, narrow.head.uidvalidity_next);
		heap_drop(heap);
	}
}

/* A keyword's number never means another. */
static void keywords_stay(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct buffer b = buffer_init(heap, RECORD_SIZE);
	struct account_state s;
	uint8_t type;

	fill(&s, heap);
	write_good(1, &b, &type);
	for (int again = 0; again < 2; again++)
		assert_int_equal(account_state_apply(&s, type, buffer_bytes(&b)), RECORD_OK);
	assert_int_equal(account_state_keyword(&s, slice_lit("$JUNK")), 0);
	assert_int_equal(account_state_keyword(&s, slice_lit("Work")), 42);
	assert_int_equal(account_state_keyword(&s, slice_lit("$Junk2")), -1);
	buffer_free(&b);
	record_keyword_begin_write(1, &b);
	put_keyword_entry(&b, 42, slice_lit("play"));
	assert_int_equal(account_state_apply(&s, type, buffer_bytes(&b)), RECORD_BAD);
	assert_int_equal(account_state_keyword(&s, slice_lit("work")), 42);
	heap_drop(heap);
}

/* Messages whose mailbox no record names are shown all the same. */
static void lost_mailboxes_are_made_up(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct buffer b = buffer_init(heap, RECORD_SIZE);
	struct account_row row = row_of(9, 77);
	const struct account_mailbox *m;
	struct account_state s;

	fill(&s, heap);
	s.head.uidvalidity = 500;
	record_rows_write(&row, 1, &b);
	assert_int_equal(account_state_apply(&s, RECORD_DELIVERED, buffer_bytes(&b)), RECORD_OK);
	assert_int_equal(account_state_adopt(&s), 1);
	assert_int_equal(account_state_adopt(&s), 0);
	m = account_mailbox_find(&s, slice_lit("Recovered 77"));
	assert_true(account_mailbox_exists(m));
	assert_int_equal(m->uidvalidity, 4003);
	assert_int_equal(m->messages, 1);
	heap_drop(heap);
}

UNIT_TESTS(cmocka_unit_test(heads_come_back), cmocka_unit_test(rows_come_back), cmocka_unit_test(rows_have_an_end),
		cmocka_unit_test(times_have_an_end),
    cmocka_unit_test(entries_come_back), cmocka_unit_test(changes_come_back),
    cmocka_unit_test(what_is_cut_off_changes_nothing),
    cmocka_unit_test(what_is_wrong_changes_nothing), cmocka_unit_test(widths_agree),
    cmocka_unit_test(keywords_stay), cmocka_unit_test(lost_mailboxes_are_made_up))
