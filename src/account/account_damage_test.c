/* account/account_damage_test.c - logs that are cut, damaged or of a later version: nothing is
 * invented, and no UID is given twice. See account_world_test.h. */
#include "account/account_world_test.h"

/* The bytes of a log of 12 messages in 3 batches, and their order. */
static slice make_log(struct world *w, unsigned char *bytes, size_t size)
{
	struct account *a = load(w, false, ACCOUNT_LOADED);
	char path[ACCOUNT_PATH_MAX];
	ssize_t n;
	int fd;

	for (uint32_t i = 0; i < 12; i++) {
		deliver(a, i);
		if (i % 4 == 3)
			assert_true(commit(w, a));
	}
	account_drop(w, a);
	account_log_path(ID, 1, path);
	fd = os_open(w->os, OS_ROOT, path, OS_READ);
	n = os_pread(w->os, fd, bytes, size, 0);
	assert_true(n > 0 && (size_t)n < size);
	os_close(w->os, fd);
	return slice_of(bytes, (size_t)n);
}

static void replace_log(struct world *w, slice bytes)
{
	char path[ACCOUNT_PATH_MAX];
	int fd;

	account_log_path(ID, 1, path);
	assert_int_equal(os_unlink(w->os, OS_ROOT, path), 0);
	fd = os_open(w->os, OS_ROOT, path, OS_WRITE | OS_CREATE | OS_EXCLUSIVE);
	assert_true(fd >= 0);
	assert_int_equal(os_pwrite(w->os, fd, bytes, 0), 0);
	os_close(w->os, fd);
}

static void a_log_cut_anywhere_gives_its_beginning(void **state)
{
	static unsigned char bytes[64 * 1024];
	struct world w;
	slice log;
	uint64_t most = 0;

	(void)state;
	world_init(&w, 1);
	log = make_log(&w, bytes, sizeof bytes);
	/* Batches are shorter than 640 bytes; zeros follow. */
	for (size_t n = 0; n <= log.len; n += n % LOG_BLOCK > 640 && n + 64 < log.len ? 64 : 1) {
		struct account *a;
		uint64_t have;

		replace_log(&w, slice_head(log, n));
		a = load(&w, true, ACCOUNT_LOADED);
		check_rows(a, 0, (uint32_t)a->state.n_rows);
		have = a->state.n_rows + a->n_changes;
		/* More bytes never give less. */
		assert_true(have >= most && have <= 12);
		assert_true(a->uid_next > have);
		most = have;
		assert_true(commit(&w, a));
		check_rows(a, 0, (uint32_t)have);
		account_drop(&w, a);
		/* Only the log under test for the next. */
		for (uint32_t i = 2; exists(&w, i); i++) {
			char path[ACCOUNT_PATH_MAX];

			account_log_path(ID, i, path);
			assert_int_equal(os_unlink(w.os, OS_ROOT, path), 0);
		}
	}
	assert_int_equal(most, 12);
	world_finish(&w);
}

static void flip(struct world *w, uint32_t number, uint64_t at)
{
	char path[ACCOUNT_PATH_MAX];
	unsigned char byte;
	int fd;

	account_log_path(ID, number, path);
	fd = os_open(w->os, OS_ROOT, path, OS_READ | OS_WRITE);
	assert_true(fd >= 0);
	assert_int_equal(os_pread(w->os, fd, &byte, 1, at), 1);
	byte ^= 4;
	assert_int_equal(os_pwrite(w->os, fd, slice_of(&byte, 1), at), 0);
	os_close(w->os, fd);
}

/* No mark says that it was synced, but somebody may have seen what stood there. */
static void a_damaged_tail_gives_no_uid_twice(void **state)
{
	static unsigned char bytes[64 * 1024];
	struct account *a;
	struct world w;

	(void)state;
	world_init(&w, 1);
	make_log(&w, bytes, sizeof bytes);
	flip(&w, 1, 3 * LOG_BLOCK + 4);         /* the mark of the last of three batches */
	a = load(&w, true, ACCOUNT_LOADED);
	check_rows(a, 0, 4);                    /* of the second it was the proof */
	assert_int_equal(a->n_changes, 4);
	assert_true(a->uid_next > 12);
	account_drop(&w, a);
	world_finish(&w);
}

/* An account that was there is not shown as a new one, with nothing in it. */
static void a_damaged_head_makes_no_new_account(void **state)
{
	static const uint64_t places[] = { 10, LOG_BLOCK + 4, LOG_BLOCK + 60, LOG_BLOCK + 240 };
	static unsigned char bytes[64 * 1024];
	struct world w;

	(void)state;
	world_init(&w, 1);
	make_log(&w, bytes, sizeof bytes);
	flip(&w, 1, 10);
	flip(&w, 1, LOG_BLOCK / 2 + 10);
	account_drop(&w, load(&w, true, ACCOUNT_DAMAGED));
	world_finish(&w);
	/* Behind a base: what the one batch of the log says of it counts. */
	for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
		struct account *a;

		world_init(&w, 1);
		make_log(&w, bytes, sizeof bytes);
		a = load(&w, true, ACCOUNT_LOADED);
		assert_int_equal(rebase(&w, a), 0);
		account_drop(&w, a);
		assert_true(exists(&w, 3));
		flip(&w, 3, places[i]);
		if (i == 0)
			flip(&w, 3, LOG_BLOCK / 2 + places[i]);
		account_drop(&w, load(&w, true, ACCOUNT_DAMAGED));
		world_finish(&w);
	}
}

static void a_flipped_bit_never_invents(void **state)
{
	static unsigned char bytes[64 * 1024];
	struct world w;
	slice log;
	size_t loaded = 0;

	(void)state;
	world_init(&w, 1);
	log = make_log(&w, bytes, sizeof bytes);
	for (size_t i = 0; i < log.len; i += i % LOG_BLOCK > 640 ? 32 : 1) {
		struct account *a = account_new();
		struct account_notes notes = { 0 };
		enum account_load_result result;

		bytes[i] ^= (unsigned char)(1 << i % 8);
		replace_log(&w, log);
		bytes[i] ^= (unsigned char)(1 << i % 8);
		result = account_load(w.os, a, true, &notes);
		assert_int_not_equal(result, ACCOUNT_IO);
		if (result == ACCOUNT_LOADED) {
			loaded++;
			for (size_t r = 0; r < a->state.n_rows; r++) {
				const struct account_row *row = &a->state.rows[r];

				assert_int_equal(row->size, message(row->uid - 1).size);
			}
			/* Damage in front of a mark does not free the UIDs behind it. */
			if (i >= LOG_BLOCK && i < 3 * LOG_BLOCK)
				assert_int_equal(a->uid_next > 12, 1);
		}
		heap_drop(a->heap);
	}
	assert_true(loaded > 500);
	world_finish(&w);
}

static void a_later_version_is_left_alone(void **state)
{
	struct world w;
	struct account *a;
	struct account_notes notes = { 0 };
	uint32_t sequence, offset;
	slice bytes, payload = slice_lit("something new");

	(void)state;
	world_init(&w, 1);
	a = load(&w, false, ACCOUNT_LOADED);
	deliver(a, 0);
	assert_true(commit(&w, a));
	assert_true(log_append(&a->log, 99, &payload, 1, &sequence, &offset));
	bytes = log_take(&a->log, true, &offset);
	assert_int_equal(os_pwrite(w.os, w.log, bytes, offset), 0);
	log_taken_done(&a->log);
	log_synced(&a->log, a->log.taken_to);
	deliver(a, 1);
	assert_true(commit(&w, a));
	account_drop(&w, a);
	a = account_new();
	assert_int_equal(account_load(w.os, a, false, &notes), ACCOUNT_NEWER);
	account_drop(&w, a);
	world_finish(&w);
}

UNIT_TESTS(cmocka_unit_test(a_log_cut_anywhere_gives_its_beginning),
    cmocka_unit_test(a_damaged_tail_gives_no_uid_twice),
    cmocka_unit_test(a_damaged_head_makes_no_new_account),
    cmocka_unit_test(a_flipped_bit_never_invents), cmocka_unit_test(a_later_version_is_left_alone))
