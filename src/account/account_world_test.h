/* account/account_world_test.h - an account on a simulated disk: made, filled, loaded, looked
 * at. For tests. */
#ifndef ACCOUNT_ACCOUNT_WORLD_TEST_H
#define ACCOUNT_ACCOUNT_WORLD_TEST_H

#include <errno.h>
#include <stdio.h>

#include "account/files.h"
#include "account/slot.h"
#include "os/os_sim.h"
#include "unit.h"

enum { ID = 77, DISK = 64 * 1024 * 1024 };

struct world {
	struct sim *sim;
	struct sim_host *host;
	struct os *os;
	uint64_t generation;
	int log;                        /* of the account under test */
};

static const uint8_t address[4] = { 127, 0, 0, 1 };

static void world_init(struct world *w, uint64_t seed)
{
	*w = (struct world){ .sim = sim_create(seed), .generation = seed * 1000, .log = -1 };
	w->host = sim_host_create(w->sim, "host", address, DISK);
	w->os = sim_process_create(w->host, "test");
}

static void world_finish(struct world *w)
{
	sim_destroy(w->sim);
}

static struct account *account_new(void)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct account *a = heap_new(heap, struct account);

	account_init(a, heap, ID);
	return a;
}

static inline void account_drop(struct world *w, struct account *a)
{
	if (w->log >= 0 && sim_process_alive(w->os))
		os_close(w->os, w->log);
	w->log = -1;
	heap_drop(a->heap);
}

static inline struct account *load(struct world *w, bool full, enum account_load_result want)
{
	struct account *a = account_new();
	struct account_notes notes = { 0 };

	assert_int_equal(account_load(w->os, a, full, &notes), want);
	return a;
}

static struct account_row message(uint32_t n)
{
	return (struct account_row){
		.key = { 1000 + n / 10, n, 1, 2 },
		.received_us = 5000 + n,
		.size = 100 + n,
		.stored = 90 + n,
		.pack = 1 + n / 100,
		.offset = n * 1000,
	};
}

static inline void deliver(struct account *a, uint32_t n)
{
	struct account_row row = message(n);

	assert_int_equal(account_judge(a, row.key), ACCOUNT_ADDED);
	account_deliver(a, &row);
	assert_int_equal(account_judge(a, row.key), ACCOUNT_PENDING);
}

/* What the store does: false when the disk failed, and the account knows. */
static inline bool commit(struct world *w, struct account *a)
{
	struct account_write writes[2];
	bool ok = true;
	size_t n;

	if (!a->open) {
		struct account_files files;

		if (w->log >= 0)
			os_close(w->os, w->log);
		w->log = -1;
		if (account_files_create(w->os, ID, FILES_LOG | FILES_FIRST, a->log_next, 0,
		    &files) < 0)
			return false;
		for (size_t i = 0; i < ACCOUNT_FOLDERS; i++)
			ok = (files.folders[i] < 0 ||
			    os_sync_folder(w->os, files.folders[i]) == 0) && ok;
		account_files_close_folders(w->os, &files);
		w->log = files.log;
		account_begin(a, files.log_number, ++w->generation, 4711, 12345);
	}
	n = account_take(a, a->n_changes, writes);
	assert_true(n > 0);
	for (size_t i = 0; i < n && ok; i++)
		ok = os_pwrite(w->os, w->log, writes[i].bytes, writes[i].offset) == 0;
	if (ok && os_sync(w->os, w->log) == 0)
		account_settled(a);
	else
		account_failed(a);
	return a->open;
}

static inline void check_rows(const struct account *a, uint32_t from, uint32_t n)
{
	uint64_t bytes = 0;

	assert_int_equal(a->state.head.count, n);
	for (uint32_t i = 0; i < n; i++) {
		struct account_row want = message(from + i);

		bytes += want.size;
		if (!a->state.full)
			continue;
		assert_int_equal(a->state.rows[i].size, want.size);
		assert_int_equal(a->state.rows[i].offset, want.offset);
		assert_int_equal(a->state.rows[i].received_us, want.received_us);
		assert_int_equal(a->state.rows[i].key.generation, want.key.generation);
	}
	assert_int_equal(a->state.head.bytes, bytes);
	if (a->state.full)
		assert_int_equal(a->state.n_rows, n);
}

static inline int rebase(struct world *w, struct account *a)
{
	struct account_birth birth = { ++w->generation, ++w->generation, 4711, 12345 };

	if (w->log >= 0)
		os_close(w->os, w->log);
	w->log = -1;
	return account_rebase(w->os, a, &birth, UINT32_MAX, &w->log);
}

static inline bool exists(struct world *w, uint32_t number)
{
	char path[ACCOUNT_PATH_MAX];
	int fd;

	account_log_path(ID, number, path);
	fd = os_open(w->os, OS_ROOT, path, OS_READ);
	if (fd >= 0)
		os_close(w->os, fd);
	return fd >= 0;
}

#endif
