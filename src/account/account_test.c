/* account/account_test.c - what was durable comes back, whatever happened since. See
 * account_world_test.h. */
#include "account/account_world_test.h"

/* ---- names ---- */

static void names_and_places(void **state)
{
	static const struct {
		const char *name, *suffix;
		uint32_t want;          /* 0: not ours */
	} table[] = {
		{ "001.log", ".log", 1 }, { "999.log", ".log", 999 }, { "1000.log", ".log", 1000 },
		{ "012.pack", ".pack", 12 }, { "012.pack", ".log", 0 }, { "1.log", ".log", 0 },
		{ "000.log", ".log", 0 }, { "0001.log", ".log", 0 }, { ".log", ".log", 0 },
		{ "99999999999.log", ".log", 0 }, { "+12.log", ".log", 0 }, { "", ".log", 0 },
		{ "4294967295.log", ".log", UINT32_MAX }, { "pack", ".log", 0 },
	};
	char path[ACCOUNT_PATH_MAX];
	unsigned seen[4] = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		uint32_t number = 0;
		bool ok = account_file_number(table[i].name, table[i].suffix, &number);

		if (ok != (table[i].want != 0) || number != table[i].want)
			fail_msg("%s: %u", table[i].name, number);
	}
	account_log_path(ID, 7, path);
	assert_string_equal(path + 2, "/000000000000004d/007.log");
	account_pack_path(ID, 1234, path);
	assert_string_equal(path + 2, "/000000000000004d/pack/1234.pack");
	/* The longest path fits. */
	account_pack_path(UINT64_MAX, UINT32_MAX, path);
	assert_true(strlen(path) < ACCOUNT_PATH_MAX - 1);
	for (uint64_t id = 0; id < 4000; id++) {
		assert_true(account_slot(id) < ACCOUNT_SLOTS);
		seen[account_store(id, 4)]++;
	}
	for (size_t i = 0; i < 4; i++)
		assert_in_range(seen[i], 800, 1200);
}

/* ---- keys ---- */

static struct account_key key_of(unsigned n)
{
	return (struct account_key){ n % 11, n / 7 % 5, (uint16_t)(n % 3), (uint16_t)(n % 2) };
}

static void keys_are_a_set(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct key_set set = key_set_init(heap);
	static const uint64_t live[] = { 2, 3, 10 };
	size_t n;

	(void)state;
	for (unsigned i = 0; i < 500; i++) {
		key_set_add(&set, key_of(i * 7919));
		key_set_add(&set, key_of(i * 7919));
		assert_true(key_set_has(&set, key_of(i * 7919)));
	}
	n = set.n;
	assert_true(n <= 330);
	key_set_remove(&set, key_of(0));
	key_set_remove(&set, key_of(0));
	assert_int_equal(set.n, n - 1);
	assert_false(key_set_has(&set, key_of(0)));
	key_set_retire(&set, 3);
	key_set_keep(&set, live, 3);
	for (size_t i = 0; i < set.n; i++)
		assert_true(set.keys[i].generation == 2 || set.keys[i].generation == 10);
	assert_true(set.n > 0);
	key_set_retire(&set, 2);
	key_set_retire(&set, 10);
	assert_int_equal(set.n, 0);
	heap_drop(heap);
}

/* ---- states ---- */

static void a_state_refuses_what_does_not_fit(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct account_state s;
	struct buffer b = buffer_init(heap, 1 << 20);
	struct account_row rows[2] = { message(1), message(2) };
	struct uid_range backwards[2] = { { 5, 6 }, { 2, 3 } }, upside = { 4, 3 };
	struct account_expunged expunged = { .modseq = 9, .ranges = backwards, .n = 2 };

	(void)state;
	account_state_init(&s, heap, ID);
	s.full = true;
	rows[0].uid = 3;
	rows[1].uid = 3;
	record_rows_write(rows, 2, &b);
	assert_int_equal(account_state_apply(&s, RECORD_DELIVERED, buffer_bytes(&b)), RECORD_BAD);
	assert_int_equal(s.n_rows, 0);
	assert_int_equal(s.head.count, 0);
	rows[1].uid = 4;
	buffer_free(&b);
	record_rows_write(rows, 2, &b);
	assert_int_equal(account_state_apply(&s, RECORD_DELIVERED, buffer_bytes(&b)), RECORD_OK);
	assert_int_equal(account_state_apply(&s, RECORD_DELIVERED, buffer_bytes(&b)), RECORD_BAD);
	assert_int_equal(s.head.uid_next, 5);
	assert_non_null(account_state_find(&s, 3));
	assert_null(account_state_find(&s, 5));
	buffer_free(&b);
	record_expunged_write(&expunged, &b);
	assert_int_equal(account_state_apply(&s, RECORD_EXPUNGED_FROM, buffer_bytes(&b)),
	    RECORD_BAD);
	buffer_free(&b);
	expunged.ranges = &upside;
	expunged.n = 1;
	record_expunged_write(&expunged, &b);
	assert_int_equal(account_state_apply(&s, RECORD_EXPUNGED_FROM, buffer_bytes(&b)),
	    RECORD_BAD);
	assert_int_equal(account_state_apply(&s, 200, slice_lit("")), RECORD_NEWER);
	assert_int_equal(account_state_apply(&s, RECORD_HEAD, slice_lit("")), RECORD_BAD);
	assert_int_equal(account_state_apply(&s, RECORD_HEAD,
	    slice_lit("\3\0aaaaaaaaaaaaaaaaaaaaaaaaaaa")), RECORD_NEWER);
	assert_int_equal(s.n_rows, 2);
	heap_drop(heap);
}

static void what_vanished_is_bounded(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct account_state s;

	(void)state;
	account_state_init(&s, heap, ID);
	s.full = true;
	for (uint32_t i = 1; i <= ACCOUNT_VANISHED_MAX + 1; i++) {
		struct buffer b = buffer_init(heap, 1 << 20);
		struct uid_range range = { i, i };
		struct account_expunged expunged = { .modseq = i, .ranges = &range, .n = 1 };

		record_expunged_write(&expunged, &b);
		assert_int_equal(account_state_apply(&s, RECORD_EXPUNGED_FROM, buffer_bytes(&b)),
		    RECORD_OK);
		buffer_free(&b);
	}
	assert_int_equal(s.n_vanished, ACCOUNT_VANISHED_MAX / 2 + 1);
	assert_int_equal(s.horizon, ACCOUNT_VANISHED_MAX / 2);
	assert_int_equal(s.vanished[0].modseq, s.horizon + 1);
	heap_drop(heap);
}

/* ---- lives ---- */

static void deliveries_come_back(void **state)
{
	struct world w;
	struct account *a;

	(void)state;
	world_init(&w, 1);
	a = load(&w, true, ACCOUNT_LOADED);
	assert_int_equal(a->state.head.uidvalidity, 0);
	for (uint32_t i = 0; i < 25; i++) {
		deliver(a, i);
		if (i % 5 == 4)
			assert_true(commit(&w, a));
	}
	account_drop(&w, a);
	for (int full = 0; full < 2; full++) {
		a = load(&w, full, ACCOUNT_LOADED);
		/* The last batch has no mark behind it: it is written again. */
		assert_int_equal(a->n_changes, 5);
		check_rows(a, 0, 20);
		assert_int_equal(a->uid_next, 26);
		assert_int_equal(a->modseq, 25);
		assert_int_equal(account_judge(a, message(3).key), ACCOUNT_KNOWN);
		assert_int_equal(account_judge(a, message(24).key), ACCOUNT_PENDING);
		assert_int_equal(account_judge(a, message(25).key), ACCOUNT_ADDED);
		account_drop(&w, a);
	}
	a = load(&w, true, ACCOUNT_LOADED);
	assert_true(commit(&w, a));
	check_rows(a, 0, 25);
	assert_int_equal(a->state.head.uidvalidity, 4711);
	assert_int_equal(account_judge(a, message(24).key), ACCOUNT_KNOWN);
	account_drop(&w, a);
	world_finish(&w);
}

static void expunged_messages_stay_away(void **state)
{
	static const uint32_t gone[] = { 2, 3, 4, 7, 10, 99 };
	struct world w;
	struct account *a;

	(void)state;
	world_init(&w, 1);
	a = load(&w, true, ACCOUNT_LOADED);
	for (uint32_t i = 0; i < 10; i++)
		deliver(a, i);
	assert_true(commit(&w, a));
	assert_int_equal(account_expunge(a, ACCOUNT_INBOX, gone, 6, 0), 5);
	assert_int_equal(a->state.n_rows, 10);
	assert_true(commit(&w, a));
	for (int life = 0; life < 3; life++) {
		assert_int_equal(a->state.n_rows, 5);
		assert_int_equal(a->state.head.count, 5);
		assert_int_equal(a->state.n_vanished, 3);
		assert_int_equal(a->state.vanished[0].uids.last, 4);
		assert_null(account_state_find(&a->state, 7));
		assert_int_equal(account_state_find(&a->state, 8)->size, message(7).size);
		assert_int_equal(a->uid_next, 11);
		assert_int_equal(account_expunge(a, ACCOUNT_INBOX, gone, 6, 0), 0);
		account_drop(&w, a);
		a = load(&w, true, ACCOUNT_LOADED);
		assert_true(commit(&w, a));
	}
	account_drop(&w, a);
	world_finish(&w);
}

/* Lives whose segment wrote once are followed by one that holds all of it. */
static void superseded_segments_go(void **state)
{
	struct world w;
	struct account *a;

	(void)state;
	world_init(&w, 1);
	for (uint32_t life = 0; life < 40; life++) {
		a = load(&w, false, ACCOUNT_LOADED);
		deliver(a, life);
		assert_true(commit(&w, a));
		assert_int_equal(a->state.head.n_chain, 0);
		if (account_wants_collect(a))
			account_collect_logs(w.os, a);
		assert_true(a->strays <= ACCOUNT_STRAYS_MAX);
		account_drop(&w, a);
	}
	for (uint32_t i = 1; i <= 30; i++)
		assert_false(exists(&w, i));
	a = load(&w, true, ACCOUNT_LOADED);
	assert_true(commit(&w, a));
	check_rows(a, 0, 40);
	account_drop(&w, a);
	world_finish(&w);
}

/* Each life makes a segment, until there must be a base. */
static void chains_end_in_a_base(void **state)
{
	struct world w;
	struct account *a;
	uint32_t bases = 0;

	(void)state;
	world_init(&w, 1);
	for (uint32_t life = 0; life < 40; life++) {
		a = load(&w, life % 2 == 1, ACCOUNT_LOADED);
		assert_int_equal(a->uid_next, 2 * life + 1);
		if (account_wants_base(a)) {
			struct account_notes notes = { 0 };

			if (!a->state.full)
				assert_int_equal(account_load_rows(w.os, a, &notes),
				    ACCOUNT_LOADED);
			/* Also with what an earlier life left, as it must be in the end. */
			assert_int_equal(rebase(&w, a), 0);
			assert_false(exists(&w, a->segment.number - 2));
			assert_int_equal(a->state.head.n_chain, 1);
			assert_true(exists(&w, a->segment.number - 1));
			bases++;
		}
		deliver(a, 2 * life);
		assert_true(commit(&w, a));
		deliver(a, 2 * life + 1);
		assert_true(commit(&w, a));
		check_rows(a, 0, 2 * life + 2);
		account_drop(&w, a);
	}
	assert_in_range(bases, 4, 8);
	a = load(&w, true, ACCOUNT_LOADED);
	assert_true(commit(&w, a));
	check_rows(a, 0, 80);
	account_drop(&w, a);
	world_finish(&w);
}

/* Wherever a rebase is cut off, the account is what it was. */
static void an_unfinished_base_is_nobodys(void **state)
{
	bool finished = false;

	(void)state;
	for (uint64_t calls = 1; !finished; calls++) {
		struct world w;
		struct account *a;

		world_init(&w, 1);
		a = load(&w, true, ACCOUNT_LOADED);
		for (uint32_t i = 0; i < 10; i++)
			deliver(a, i);
		assert_true(commit(&w, a));
		account_drop(&w, a);
		a = load(&w, true, ACCOUNT_LOADED);
		assert_int_equal(a->n_changes, 10);
		sim_kill_after(w.os, calls);
		finished = rebase(&w, a) == 0 && a->strays == 0;
		heap_drop(a->heap);
		w.log = -1;
		if (calls % 2)
			sim_power_cut(w.host);
		else if (sim_process_alive(w.os))
			sim_kill(w.os);
		w.os = sim_process_create(w.host, "test");
		a = load(&w, true, ACCOUNT_LOADED);
		assert_true(commit(&w, a));
		check_rows(a, 0, 10);
		account_drop(&w, a);
		world_finish(&w);
		assert_true(calls < 1000);
	}
}

static void a_failure_takes_back(void **state)
{
	struct world w;
	struct account *a;
	struct sim_faults faults = { .sync_error = 1 };

	(void)state;
	world_init(&w, 1);
	a = load(&w, false, ACCOUNT_LOADED);
	deliver(a, 0);
	assert_true(commit(&w, a));
	deliver(a, 1);
	deliver(a, 2);
	sim_set_faults(w.sim, &faults);
	assert_false(commit(&w, a));
	check_rows(a, 0, 1);
	assert_int_equal(account_judge(a, message(1).key), ACCOUNT_ADDED);
	faults.sync_error = 0;
	sim_set_faults(w.sim, &faults);
	/* The router hands it over again; it gets a UID of its own. */
	deliver(a, 1);
	assert_true(commit(&w, a));
	account_drop(&w, a);
	a = load(&w, true, ACCOUNT_LOADED);
	assert_true(commit(&w, a));
	check_rows(a, 0, 2);
	assert_int_equal(a->state.rows[0].uid, 1);
	assert_int_equal(a->state.rows[1].uid, 4);
	account_drop(&w, a);
	world_finish(&w);
}

static void kept_changes_survive_a_failure(void **state)
{
	struct world w;
	struct account *a;
	struct sim_faults faults = { .sync_error = 1 };

	(void)state;
	world_init(&w, 1);
	a = load(&w, false, ACCOUNT_LOADED);
	deliver(a, 0);
	assert_true(commit(&w, a));
	account_drop(&w, a);
	a = load(&w, false, ACCOUNT_LOADED);
	assert_int_equal(a->n_changes, 1);
	deliver(a, 1);
	sim_set_faults(w.sim, &faults);
	assert_false(commit(&w, a));
	assert_int_equal(a->n_changes, 1);
	assert_int_equal(account_judge(a, message(0).key), ACCOUNT_PENDING);
	assert_int_equal(account_judge(a, message(1).key), ACCOUNT_ADDED);
	faults.sync_error = 0;
	sim_set_faults(w.sim, &faults);
	assert_true(commit(&w, a));
	check_rows(a, 0, 1);
	account_drop(&w, a);
	world_finish(&w);
}

static void a_removed_account_stays_removed(void **state)
{
	struct world w;
	struct account *a;

	(void)state;
	world_init(&w, 1);
	a = load(&w, true, ACCOUNT_LOADED);
	deliver(a, 0);
	assert_true(commit(&w, a));
	account_remove(a);
	assert_int_equal(account_judge(a, message(1).key), ACCOUNT_REMOVED);
	assert_true(commit(&w, a));
	for (int life = 0; life < 3; life++) {
		account_drop(&w, a);
		a = load(&w, life % 2, ACCOUNT_LOADED);
		assert_true(a->removed);
		assert_int_equal(account_judge(a, message(0).key), ACCOUNT_REMOVED);
		assert_true(commit(&w, a));
		assert_int_equal(a->state.head.count, 0);
	}
	account_drop(&w, a);
	world_finish(&w);
}

/* ---- chance ---- */

struct history {
	uint32_t settled;               /* messages 0..settled-1 are durable */
	uint32_t offered;               /* and these may be */
	uint32_t uid_seen;              /* highest of a durable one */
};

/* Rows are the offered messages in order, none twice, all settled ones there. */
static void check_history(const struct account *a, struct history *h)
{
	uint32_t next = 0, uid = 0;

	for (size_t i = 0; i < a->state.n_rows; i++) {
		const struct account_row *row = &a->state.rows[i];
		uint32_t n = (uint32_t)row->received_us - 5000;

		assert_true(row->uid > uid);
		uid = row->uid;
		assert_int_equal(n, next);
		assert_int_equal(row->size, message(n).size);
		next = n + 1;
	}
	assert_true(next >= h->settled && next <= h->offered);
	h->settled = next;
	h->offered = next;
	if (uid > h->uid_seen)
		h->uid_seen = uid;
	assert_true(a->uid_next > h->uid_seen);
}

/* A new base when it is time; false: the disk failed. */
static bool ready(struct world *w, struct account *a)
{
	if (!account_wants_base(a) || (a->n_changes > 0 && !a->changes[a->n_changes - 1].kept))
		return true;
	return rebase(w, a) == 0;
}

static void one_life(struct world *w, struct history *h, uint64_t chance)
{
	struct account *a = account_new();
	struct account_notes notes = { 0 };
	struct sim_faults faults = { .sync_error = chance % 3 == 0 ? 9 : 0,
	    .write_error = chance % 3 == 1 ? 9 : 0, .write_full = chance % 5 == 1 ? 9 : 0 };
	uint32_t turns = 1 + (uint32_t)(chance >> 8) % 12;

	assert_int_equal(account_load(w->os, a, true, &notes), ACCOUNT_LOADED);
	assert_int_equal(notes.n, 0);
	sim_set_faults(w->sim, &faults);
	for (uint32_t i = 0; i < turns; i++) {
		uint32_t more = 1 + (uint32_t)(chance >> (16 + i)) % 3;

		if (!ready(w, a))
			break;
		/* Offered again after a failure: what follows the durable ones. */
		for (uint32_t n = 0; n < more; n++) {
			uint32_t m = h->settled + n;

			if (account_judge(a, message(m).key) == ACCOUNT_ADDED)
				deliver(a, m);
			if (m + 1 > h->offered)
				h->offered = m + 1;
		}
		if (commit(w, a))
			check_history(a, h);
	}
	faults = (struct sim_faults){ 0 };
	sim_set_faults(w->sim, &faults);
	w->log = -1;
	heap_drop(a->heap);
}

/* Lives that end in a kill or a power cut, on a disk that fails. */
static void what_was_settled_is_never_lost(void **state)
{
	enum { SEEDS = 60, LIVES = 25 };

	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct history h = { 0 };
		struct world w;
		uint64_t chance = seed * 0x9e3779b97f4a7c15ULL;

		world_init(&w, seed);
		for (int life = 0; life < LIVES; life++) {
			chance = chance * 6364136223846793005ULL + 1442695040888963407ULL;
			one_life(&w, &h, chance >> 20);
			if (chance >> 62 == 0)
				sim_power_cut(w.host);
			else
				sim_kill(w.os);
			w.os = sim_process_create(w.host, "test");
		}
		one_life(&w, &h, 2);
		assert_true(h.settled > 10);
		world_finish(&w);
	}
}

/* Of durable ones, of changes, and beside those that a change expunges. */
static void the_oldest_go(void **state)
{
	static const uint32_t gone[] = { 2, 4 };
	struct account *a;
	struct world w;

	world_init(&w, 1);
	a = load(&w, true, ACCOUNT_LOADED);
	for (uint32_t n = 1; n <= 6; n++)
		deliver(a, n);
	assert_true(commit(&w, a));
	assert_int_equal(account_trim(a, 6, INT64_MIN), 0);
	assert_int_equal(account_trim(a, 0, INT64_MIN), 0);
	assert_int_equal(a->n_changes, 0);
	/* Without 2 and 4 there are 7: 1 and 3 go. */
	account_expunge(a, ACCOUNT_INBOX, gone, 2, 0);
	for (uint32_t n = 7; n <= 9; n++)
		deliver(a, n);
	assert_int_equal(account_trim(a, 5, INT64_MIN), 2);
	assert_int_equal(account_trim(a, 5, INT64_MIN), 0);
	assert_true(commit(&w, a));
	check_rows(a, 5, 5);
	/* By age, and those too that never were durable. */
	assert_int_equal(account_trim(a, 0, 5000 + 6), 1);
	for (uint32_t n = 10; n <= 14; n++)
		deliver(a, n);
	assert_int_equal(account_trim(a, 2, INT64_MIN), 7);
	assert_true(commit(&w, a));
	check_rows(a, 13, 2);
	assert_int_equal(account_trim(a, 1, INT64_MAX), 2);
	assert_true(commit(&w, a));
	check_rows(a, 15, 0);
	assert_int_equal(a->state.head.bytes, 0);
	account_drop(&w, a);
	world_finish(&w);
}

/* Messages that come together (an APPEND of several): however much of what was written is on
 * disk after a power cut, and in whatever order, all of them are there or none. */
static void some_come_together_or_not(void **state)
{
	enum { BEFORE = 3, TOGETHER = 300 };
	size_t step = 512, len = step;
	bool all = false;

	for (size_t at = 0; at <= len; at += step) {
		for (int order = 0; order < 2; order++) {
			struct account_row rows[TOGETHER];
			struct account_write writes[2];
			struct account *a;
			struct world w;
			uint64_t n;

			world_init(&w, 1);
			a = load(&w, true, ACCOUNT_LOADED);
			for (uint32_t i = 0; i < BEFORE; i++)
				deliver(a, i);
			assert_true(commit(&w, a));
			for (uint32_t i = 0; i < TOGETHER; i++)
				rows[i] = message(BEFORE + i);
			account_deliver_all(a, rows, TOGETHER);
			assert_int_equal(rows[TOGETHER - 1].uid, BEFORE + TOGETHER);
			assert_int_equal(account_take(a, a->n_changes, writes), 1);
			len = writes[0].bytes.len;
			/* The front of it, or all but a piece in the middle. */
			assert_int_equal(os_pwrite(w.os, w.log, slice_head(writes[0].bytes, at),
			    writes[0].offset), 0);
			if (order == 1 && at + step < len)
				assert_int_equal(os_pwrite(w.os, w.log, slice_drop(writes[0].bytes,
				    at + step), (uint64_t)writes[0].offset + at + step), 0);
			assert_int_equal(os_sync(w.os, w.log), 0);
			account_drop(&w, a);
			a = load(&w, true, ACCOUNT_LOADED);
			assert_true(commit(&w, a));
			n = a->state.head.count;
			all = all || n == BEFORE + TOGETHER;
			assert_true(n == BEFORE || n == BEFORE + TOGETHER);
			check_rows(a, 0, (uint32_t)n);
			account_drop(&w, a);
			world_finish(&w);
		}
	}
	assert_true(all);
}

UNIT_TESTS(cmocka_unit_test(some_come_together_or_not), cmocka_unit_test(the_oldest_go), cmocka_unit_test(names_and_places), cmocka_unit_test(keys_are_a_set),
    cmocka_unit_test(a_state_refuses_what_does_not_fit),
    cmocka_unit_test(what_vanished_is_bounded), cmocka_unit_test(deliveries_come_back),
    cmocka_unit_test(expunged_messages_stay_away), cmocka_unit_test(superseded_segments_go),
    cmocka_unit_test(chains_end_in_a_base), cmocka_unit_test(an_unfinished_base_is_nobodys),
    cmocka_unit_test(a_failure_takes_back), cmocka_unit_test(kept_changes_survive_a_failure),
    cmocka_unit_test(a_removed_account_stays_removed),
    cmocka_unit_test(what_was_settled_is_never_lost))
