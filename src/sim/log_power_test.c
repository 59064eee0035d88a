/* sim/log_power_test.c - the log on a disk that loses power: what was synced is
 * read back, in order and unchanged; what was not is there or cut, never other
 * bytes; and what an earlier use of the segment left never counts. */
#include "unit.h"

#include <stdio.h>

#include "base/bytes.h"
#include "log/log.h"
#include "os/os_sim.h"

enum { SEEDS = 400, SIZE = 96 * 1024, USES = 3, RECORD_MAX = 9000 };

struct log_world {
	struct sim *sim;
	struct sim_host *host;
	struct os *os;
	struct chance chance;
	int fd;
	uint64_t seed;
	struct log_head head;
	uint32_t appended, synced;      /* sequences */
};

/* What record `sequence` of this use holds. */
static slice payload(const struct log_world *w, uint32_t sequence, unsigned char *bytes)
{
	struct chance c = chance_init(w->seed ^ w->head.generation, "record", sequence);
	size_t len = chance_skewed(&c, 0, RECORD_MAX);

	chance_fill(&c, bytes, len);
	return slice_of(bytes, len);
}

static bool append_some(struct log_world *w, struct log_writer *log)
{
	unsigned char bytes[RECORD_MAX];

	for (size_t n = chance_between(&w->chance, 1, 4); n > 0; n--) {
		slice part = payload(w, w->appended + 1, bytes);
		uint32_t sequence, offset;

		if (!log_append(log, 7, &part, 1, &sequence, &offset))
			return false;
		assert_int_equal(sequence, ++w->appended);
	}
	return true;
}

/* One batch to the disk; false when the disk refused. */
static bool write_batch(struct log_world *w, struct log_writer *log)
{
	uint32_t offset;
	slice bytes = log_take(log, chance_one_in(&w->chance, 2), &offset);
	uint32_t end = offset + (uint32_t)bytes.len, last = w->appended;

	if (os_pwrite(w->os, w->fd, bytes, offset) != 0)
		return false;
	log_taken_done(log);
	if (chance_one_in(&w->chance, 3))
		return true;            /* not synced, this time */
	if (os_sync(w->os, w->fd) != 0)
		return false;
	log_synced(log, end);
	w->synced = last;
	return true;
}

static void use_segment(struct log_world *w)
{
	const struct sim_faults failing = { .write_error = 20, .sync_error = 20 }, none = { 0 };
	struct heap *heap = heap_create(SIZE_MAX);
	unsigned char head[LOG_BLOCK];
	struct log_writer log;

	w->head.generation = os_random_u64(w->os) | 1;
	w->appended = w->synced = 0;
	log_head_write(&w->head, head);
	assert_int_equal(os_pwrite(w->os, w->fd, slice_of(head, sizeof head), 0), 0);
	assert_int_equal(os_sync(w->os, w->fd), 0);
	log_writer_init(&log, heap, &w->head);
	if (chance_one_in(&w->chance, 2))
		sim_set_faults(w->sim, &failing);
	for (size_t n = chance_below(&w->chance, 12); n > 0; n--) {
		bool room = append_some(w, &log);

		if (!write_batch(w, &log) || !room)
			break;
	}
	sim_set_faults(w->sim, &none);
	heap_drop(heap);
}

static void read_back(struct log_world *w)
{
	static unsigned char window[SIZE], bytes[RECORD_MAX];
	ssize_t n = os_pread(w->os, w->fd, window, sizeof window, 0);
	struct log_reader r;
	struct log_head head;
	struct log_record record;
	uint32_t from, to, need, last = 0;
	enum log_read result;

	assert_true(n >= LOG_BLOCK);
	assert_int_equal(log_head_read(slice_of(window, LOG_BLOCK), &head), LOG_HEAD_OK);
	assert_true(head.generation == w->head.generation);
	log_reader_init(&r, &head, head.size);
	while ((result = log_next(&r, slice_of(window, (size_t)n), 0, true, &record, &from, &to,
	    &need)) == LOG_RECORD) {
		assert_int_equal(record.sequence, ++last);
		assert_true(last <= w->appended);
		assert_slice(record.payload, payload(w, last, bytes));
	}
	/* A batch that never was synced may be torn, a synced one is whole. */
	if (result != LOG_END)
		fail_msg("seed %llu: result %d at %u", (unsigned long long)w->seed, result,
		    r.offset);
	if (last < w->synced)
		fail_msg("seed %llu: %u records of %u that were synced",
		    (unsigned long long)w->seed, last, w->synced);
}

static void run_seed(uint64_t seed)
{
	static const uint8_t ip[4] = { 127, 0, 0, 1 };
	struct log_world w = { .sim = sim_create(seed), .seed = seed };
	int folder;

	w.chance = chance_init(seed, "test", 0);
	w.host = sim_host_create(w.sim, "a", ip, 1024 * 1024);
	w.os = sim_process_create(w.host, "writer");
	w.head = (struct log_head){ .kind = LOG_JOURNAL, .number = 1, .size = SIZE };
	w.fd = os_open(w.os, OS_ROOT, "1.log", OS_CREATE | OS_READ | OS_WRITE);
	folder = os_open(w.os, OS_ROOT, ".", OS_READ | OS_FOLDER);
	assert_int_equal(os_sync_folder(w.os, folder), 0);
	for (size_t i = 0; i < USES; i++) {
		use_segment(&w);
		sim_power_cut(w.host);
		w.os = sim_process_create(w.host, "writer");
		w.fd = os_open(w.os, OS_ROOT, "1.log", OS_READ | OS_WRITE);
		assert_true(w.fd >= 0);
		read_back(&w);
	}
	sim_destroy(w.sim);
}

static void test_power_cuts(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++)
		run_seed(seed);
}

UNIT_TESTS(cmocka_unit_test(test_power_cuts))
