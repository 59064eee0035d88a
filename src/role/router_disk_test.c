/* role/router_disk_test.c - what a router finds on its disk: damaged, unreadable, newer,
 * not synced, or none of its own. See router_world_test.h. */
#include "role/router_world_test.h"

#include "log/format.h"

/* A disk that can't be read for a while has lost nothing. */
static void test_unreadable_for_a_while(void **state)
{
	const struct sim_faults failing = { .read_error = 1 }, none = { 0 };

	(void)state;
	world_begin(34, small);
	assert_true(edge_has_segment(5000));
	sim_set_faults(world.sim, &failing);
	edge_send(10, 3000);
	run_ms(20 * 1000);
	assert_false(all_durable());
	sim_set_faults(world.sim, &none);
	assert_all_durable(30 * 1000);
	/* It is not taken for damaged: used again like any other. */
	edge_end_segment();
	run_ms(5000);
	assert_true(world.stores[0]->n_retired > 0);
	world_end();
}

static void damage(uint64_t generation, uint32_t offset, uint32_t len)
{
	unsigned char *junk = heap_alloc(world.heap, len);
	char path[32];

	memset(junk, 0xdb, len);
	for (unsigned number = 0; number < 10; number++) {
		unsigned char block[LOG_BLOCK];
		struct log_head head;
		int fd;

		snprintf(path, sizeof path, "1/%03u.log", number);
		fd = os_open(world.os, world.root, path, OS_READ | OS_WRITE);
		if (fd < 0)
			continue;
		if (os_pread(world.os, fd, block, sizeof block, 0) == LOG_BLOCK &&
		    log_head_read(slice_of(block, LOG_BLOCK), &head) == LOG_HEAD_OK &&
		    head.generation == generation)
			assert_int_equal(os_pwrite(world.os, fd, slice_of(junk, len), offset), 0);
		os_close(world.os, fd);
	}
}

/* All of the head's block is turned over; twice, it is as it was. */
static void flip_head(const char *path)
{
	unsigned char block[LOG_BLOCK];
	int fd = os_open(world.os, world.root, path, OS_READ | OS_WRITE);

	assert_int_equal(os_pread(world.os, fd, block, sizeof block, 0), LOG_BLOCK);
	for (size_t i = 0; i < sizeof block; i++)
		block[i] ^= 0xff;
	assert_int_equal(os_pwrite(world.os, fd, slice_of(block, sizeof block), 0), 0);
	os_close(world.os, fd);
}

/* A file whose head can't be read keeps the bodies that it may name: who mends
 * the head has lost nothing. */
static void test_headless_keeps_spool(void **state)
{
	const char *const path = "1/000.log";

	(void)state;
	world_begin(36, small);
	assert_true(edge_has_segment(5000));
	for (size_t i = 0; i < STORES; i++)
		world.stores[i]->answer = ANSWER_HOLD;
	assert_non_null(edge_append(700000, edge_spool(700000, world.n_sent * 7 + 1), false));
	edge_commit();
	flip_head(path);
	world.answer = ANSWER_DURABLE;
	sim_kill(world.os);
	run_ms(100);
	keeper_begin();
	run_ms(5000);
	/* The edge has spoken: all else is read to its end. */
	assert_true(edge_has_segment(5000));
	run_ms(5000);
	assert_true(world.ready && !all_durable());
	assert_int_equal(files_in("spool"), 1);
	flip_head(path);
	sim_kill(world.os);
	run_ms(100);
	keeper_begin();
	assert_all_durable(30 * 1000);
	run_ms(5000);
	assert_int_equal(files_in("spool"), 0);
	world_end();
}

/* Rot in the middle: named, kept, and all that is behind it is delivered. */
static void test_rot(void **state)
{
	uint64_t generation;
	size_t missing = 0;
	unsigned files;

	world_begin(13, small);
	world.stores[0]->answer = world.stores[1]->answer = ANSWER_HOLD;
	assert_true(edge_has_segment(5000));
	sim_kill(process("router"));
	/* Write while no router reads. */
	run_ms(10);
	run_ms(5000);
	assert_true(edge_has_segment(5000));
	generation = world.edge->head.generation;
	for (unsigned i = 0; i < 30; i++) {
		assert_non_null(edge_append(500, 0, false));
		if (i % 10 == 9) {
			edge_write();
			os_sync(world.edge->frame.os, world.edge->fd);
			log_synced(&world.edge->writer, world.edge->writer.taken_to);
		}
	}
	damage(generation, 2 * LOG_BLOCK + 100, 600);
	for (size_t i = 0; i < STORES; i++)
		world.stores[i]->answer = ANSWER_DURABLE;
	edge_say(IPC_SYNCED, generation, &world.edge->writer.synced_to);
	edge_end_segment();
	run_ms(10000);
	for (size_t i = 0; i < world.n_sent; i++)
		missing += !world.sent[i].durable[0];
	assert_in_range(missing, 1, 3);
	files = files_in("1");
	edge_send(10, 100);
	run_ms(1000);
	assert_true(files_in("1") >= files);
	/* A new router delivers nothing of it a second time. */
	run_ms(3000);
	sim_kill(process("router"));
	run_ms(5000);
	assert_int_equal(handed_most(), 1);
	world_end();
}

static void test_newer_head(void **state)
{
	unsigned char block[LOG_BLOCK];
	struct log_head head = { LOG_JOURNAL, 1, 5, 0, 77, 1 << 20 };
	int fd;

	world_begin(14, small);
	log_head_write(&head, block);
	store_u32(block + 8, LOG_VERSION + 1);
	store_u64(block + 56, checksum64(slice_of(block, 56), 0));
	fd = os_open(world.os, world.root, "1/077.log", OS_WRITE | OS_CREATE);
	assert_true(fd >= 0);
	assert_int_equal(os_pwrite(world.os, fd, slice_of(block, LOG_BLOCK), 0), 0);
	os_close(world.os, fd);
	sim_kill(world.os);
	keeper_begin();
	run_ms(5000);
	assert_true(world.ended);
	assert_non_null(strstr(world.failure, "newer Posthouse"));
	world_end();
}

/* A file whose making was cut short, one without a head, one that belongs
 * elsewhere: nothing stops the start, and only the first is removed. */
static void test_strange_files(void **state)
{
	const char *const names[] = { "1/050.log", "1/051.log", "1/052.log", "1/x.log" };
	struct log_head head = { LOG_JOURNAL, 9, 5, 0, 52, 1 << 20 };
	unsigned char block[LOG_BLOCK];
	unsigned before;

	world_begin(15, small);
	edge_send(5, 100);
	assert_all_durable(5000);
	sim_kill(world.os);
	run_ms(100);
	world.os = sim_process_create(world.host, "setup");
	world.root = os_open(world.os, OS_ROOT, "journal", OS_READ | OS_FOLDER);
	before = files_in("1");
	for (size_t i = 0; i < 4; i++) {
		int fd = os_open(world.os, world.root, names[i], OS_WRITE | OS_CREATE);

		memset(block, i == 0 ? 0 : 0x33, sizeof block);
		if (i == 2)
			log_head_write(&head, block);
		assert_int_equal(os_pwrite(world.os, fd, slice_of(block, LOG_BLOCK), 0), 0);
		os_close(world.os, fd);
	}
	sim_kill(world.os);
	keeper_begin();
	run_ms(5000);
	assert_true(world.ready);
	edge_send(5, 100);
	assert_all_durable(5000);
	run_ms(3000);
	assert_true(files_in("1") >= 3);
	assert_true(os_open(world.os, world.root, "1/050.log", OS_READ) < 0);
	assert_true(os_open(world.os, world.root, "1/051.log", OS_READ) >= 0);
	assert_true(os_open(world.os, world.root, "1/052.log", OS_READ) >= 0);
	assert_true(before > 0);
	world_end();
}

static bool store_knows(uint64_t generation)
{
	for (unsigned i = 0; i < world.stores[0]->n_live; i++) {
		if (world.stores[0]->live[i] == generation)
			return true;
	}
	return false;
}

/* A head that could not be synced, as a router left it that died at once. */
static void leave_unsynced_head(uint64_t old, uint64_t fresh)
{
	const struct sim_faults failing = { .sync_error = 1 }, none = { 0 };
	struct log_head head = { LOG_JOURNAL, 1, old, 0, 60, 1 << 20 };
	struct os *os = sim_process_create(world.host, "setup");
	int fd, root = os_open(os, OS_ROOT, "journal", OS_READ | OS_FOLDER);
	unsigned char block[LOG_BLOCK];

	fd = os_open(os, root, "1/060.log", OS_WRITE | OS_CREATE);
	log_head_write(&head, block);
	assert_int_equal(os_pwrite(os, fd, slice_of(block, LOG_BLOCK), 0), 0);
	assert_int_equal(os_sync(os, fd), 0);
	assert_int_equal(os_sync_system(os, root), 0);
	head.generation = fresh;
	log_head_write(&head, block);
	assert_int_equal(os_pwrite(os, fd, slice_of(block, LOG_BLOCK), 0), 0);
	sim_set_faults(world.sim, &failing);
	assert_int_equal(os_sync(os, fd), -EIO);
	sim_set_faults(world.sim, &none);
	sim_kill(os);
}

/* What the stores are told is on the disk: a power cut brings no generation back
 * whose keys they were let to forget. */
static void test_head_in_cache_only(void **state)
{
	for (uint64_t seed = 40; seed < 48; seed++) {
		world_begin(seed, small);
		edge_send(1, 100);
		assert_all_durable(5000);
		sim_kill(world.os);
		run_ms(100);
		leave_unsynced_head(5, 6);
		keeper_begin();
		run_ms(3000);
		assert_true(world.ready && store_knows(6) && !store_knows(5));
		sim_power_cut(world.host);
		keeper_begin();
		run_ms(3000);
		assert_true(world.ready && store_knows(6) && !store_knows(5));
		world_end();
	}
}

/* Heads that can't be read for a while: the stores are told of all that is live, and
 * what was acknowledged is delivered without another start. */
static void test_unreadable_head(void **state)
{
	const struct sim_faults failing = { .read_error = 2 }, none = { 0 };

	(void)state;
	for (uint64_t seed = 50; seed < 58; seed++) {
		uint64_t generation;

		world_begin(seed, small);
		world.stores[0]->answer = world.stores[1]->answer = ANSWER_LATER;
		edge_send(5, 100);
		run_ms(1000);
		generation = world.edge->head.generation;
		sim_kill(process("router"));
		sim_set_faults(world.sim, &failing);
		run_ms(12 * 1000);
		sim_set_faults(world.sim, &none);
		run_ms(20 * 1000);
		assert_true(store_knows(generation));
		world.stores[0]->answer = world.stores[1]->answer = ANSWER_DURABLE;
		assert_all_durable(2 * ROUTER_LATER_MAX_MS);
		world_end();
	}
}

UNIT_TESTS(cmocka_unit_test(test_rot), cmocka_unit_test(test_headless_keeps_spool),
    cmocka_unit_test(test_unreadable_for_a_while), cmocka_unit_test(test_newer_head),
    cmocka_unit_test(test_strange_files), cmocka_unit_test(test_head_in_cache_only),
    cmocka_unit_test(test_unreadable_head))
