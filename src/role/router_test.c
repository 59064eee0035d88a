/* role/router_test.c - the router among stand-ins: what is acknowledged arrives, whoever
 * dies, stalls, lies or is full. See router_world_test.h. */
#include "role/router_world_test.h"

/* Records written before they are announced stay with the edge. */
static void test_plain(void **state)
{
	world_begin(1, small);
	assert_true(edge_has_segment(5000));
	for (uint32_t i = 0; i < 50; i++)
		assert_non_null(edge_append(i * 40, 0, false));
	edge_write();
	run_ms(3000);
	assert_int_equal(world.deliveries, 0);
	assert_non_null(edge_append(10, 0, false));
	edge_commit();
	assert_all_durable(2000);
	assert_int_equal(handed_most(), 1);
	assert_int_equal(world.descriptors, 0);
	world_end();
}

/* Stores get the segment's descriptor, once. */
static void test_large_bodies(void **state)
{
	const uint32_t lens[] = { 0, 1, DELIVERY_INLINE_MAX - 1, DELIVERY_INLINE_MAX,
	                          DELIVERY_INLINE_MAX + 1, 250 * 1024 };

	world_begin(2, small);
	for (size_t i = 0; i < sizeof lens / sizeof *lens; i++)
		edge_send(3, lens[i]);
	assert_all_durable(5000);
	assert_int_equal(handed_most(), 1);
	assert_int_equal(world.descriptors, 0);
	assert_in_range(world.sources, 1, 2 * STORES);
	world_end();
}

/* Many times the journal's space goes through it: files are used again. */
static void test_recycling(void **state)
{
	unsigned lives;

	world_begin(3, "journal.size = 32M\njournal.segment = 4M\n");
	for (unsigned i = 0; i < 100; i++) {
		edge_send(8, 120 * 1024);
		run_ms(100);
	}
	assert_all_durable(5000);
	run_ms(5000);
	lives = world.n_generations;
	assert_true(lives > 20);
	assert_true(files_in("1") <= 8);
	assert_int_equal(handed_most(), 1);
	assert_true(world.sources > lives / 2);
	for (size_t i = 0; i < STORES; i++)
		assert_true(world.stores[i]->n_retired + 3 > lives);
	world_end();
}

static void test_spool(void **state)
{
	uint64_t dropped;

	world_begin(4, small);
	assert_true(edge_has_segment(5000));
	assert_non_null(edge_append(700000, edge_spool(700000, world.n_sent * 7 + 1), false));
	edge_commit();
	dropped = edge_spool(10, 1);
	edge_spool(10, 2);
	assert_int_equal(files_in("spool"), 3);
	edge_say(IPC_SPOOL_DROP, dropped, NULL);
	assert_all_durable(5000);
	run_ms(5000);
	/* Done and dropped ones are gone; the one in work goes with its edge. */
	assert_int_equal(files_in("spool"), 1);
	sim_kill(process("edge"));
	run_ms(5000);
	assert_int_equal(files_in("spool"), 0);
	world_end();
}

/* What can't be removed now goes when the disk lets it. */
static void test_spool_stays(void **state)
{
	struct os_faulty faulty;

	(void)state;
	world_begin(4, small);
	assert_true(edge_has_segment(5000));
	assert_non_null(edge_append(700000, edge_spool(700000, world.n_sent * 7 + 1), false));
	os_faulty_wrap(&faulty, process("router"));
	os_faulty_arm(&faulty, FAULT_REMOVE, 1, -ENOSPC);
	faulty.all_after = true;
	edge_commit();
	assert_all_durable(5000);
	run_ms(10 * 1000);
	assert_int_equal(files_in("spool"), 1);
	os_faulty_unwrap(&faulty);
	run_ms(10 * 1000);
	assert_int_equal(files_in("spool"), 0);
	world_end();
}

/* A spool file outlives the router until its record is done, and no longer. */
static void test_spool_restart(void **state)
{
	world_begin(5, small);
	assert_true(edge_has_segment(5000));
	world.stores[0]->answer = world.stores[1]->answer = world.answer = ANSWER_HOLD;
	assert_non_null(edge_append(700000, edge_spool(700000, world.n_sent * 7 + 1), false));
	edge_commit();
	edge_spool(10, 2);
	run_ms(1000);
	sim_kill(process("router"));
	run_ms(5000);
	assert_true(edge_has_segment(5000));
	run_ms(3000);
	assert_int_equal(files_in("spool"), 1);
	for (size_t i = 0; i < STORES; i++) {
		world.stores[i]->answer = ANSWER_DURABLE;
		store_release(world.stores[i]);
	}
	assert_all_durable(5000);
	run_ms(5000);
	assert_int_equal(files_in("spool"), 0);
	world_end();
}

/* A recipient that the directory did not seal: nobody gets anything, the edge
 * ends, and what others sent goes on. */
static void test_forged_seal(void **state)
{
	struct edge_stand_in *e;

	world_begin(6, small);
	edge_send(2, 100);
	assert_all_durable(5000);
	e = world.edge;
	assert_non_null(edge_append(50, 0, true));
	edge_commit();
	world.sent[2].acknowledged = false;
	run_ms(10000);
	for (size_t k = 0; k < TARGETS; k++)
		assert_int_equal(world.sent[2].handed[k], 0);
	assert_non_null(world.edge);
	assert_ptr_not_equal(world.edge, e);
	edge_send(3, 100);
	assert_all_durable(5000);
	world_end();
}

static void test_later(void **state)
{
	world_begin(7, small);
	world.stores[0]->answer = ANSWER_LATER;
	edge_send(20, 100);
	run_ms(10000);
	assert_in_range(handed_most(), 3, 8);
	assert_false(all_durable());
	world.stores[0]->answer = ANSWER_DURABLE;
	assert_all_durable(20000);
	world_end();
}

static void test_store_dies(void **state)
{
	world_begin(8, small);
	world.answer = ANSWER_DURABLE;
	world.stores[0]->answer = world.stores[1]->answer = ANSWER_HOLD;
	edge_send(300, 2000);
	run_ms(1000);
	sim_kill(process("store"));
	run_ms(3000);
	for (size_t i = 0; i < STORES; i++) {
		assert_true(world.stores[i]->told);
		if (world.stores[i]->answer == ANSWER_DURABLE)
			assert_true(world.stores[i]->n_live > 0);
		world.stores[i]->answer = ANSWER_DURABLE;
		store_release(world.stores[i]);
	}
	assert_all_durable(5000);
	assert_int_equal(handed_most(), 2);
	world_end();
}

/* What an edge wrote and did not announce may have been acknowledged. */
static void test_edge_dies(void **state)
{
	world_begin(9, small);
	edge_send(10, 300);
	for (unsigned i = 0; i < 10; i++)
		assert_non_null(edge_append(200, 0, false));
	edge_write();
	sim_kill(process("edge"));
	for (size_t i = 0; i < world.n_sent; i++)
		world.sent[i].acknowledged = true;
	assert_all_durable(5000);
	run_ms(3000);
	edge_send(10, 300);
	assert_all_durable(5000);
	world_end();
}

/* What was given up is not delivered, also not by the next router. */
static void test_aborted(void **state)
{
	uint64_t generation;
	uint32_t offset;

	world_begin(10, small);
	edge_send(5, 300);
	for (unsigned i = 0; i < 5; i++)
		assert_non_null(edge_append(200, 0, false));
	edge_write();
	offset = world.edge->writer.synced_to;
	world.stores[0]->answer = world.stores[1]->answer = ANSWER_HOLD;
	generation = world.edge->head.generation;
	edge_forget(world.edge);
	edge_say(IPC_ABORTED, generation, &offset);
	run_ms(3000);
	sim_kill(process("router"));
	run_ms(5000);
	assert_true(edge_has_segment(5000));
	for (size_t i = 0; i < STORES; i++) {
		store_release(world.stores[i]);
		world.stores[i]->answer = ANSWER_DURABLE;
	}
	assert_all_durable(5000);
	run_ms(3000);
	for (size_t i = 5; i < 10; i++) {
		for (size_t k = 0; k < TARGETS; k++)
			assert_int_equal(world.sent[i].handed[k], 0);
	}
	world_end();
}

static void test_router_dies(void **state)
{
	world_begin(11, small);
	edge_send(40, 300);
	run_ms(3000);
	assert_true(all_durable());
	world.stores[0]->answer = world.stores[1]->answer = ANSWER_HOLD;
	edge_send(40, 300);
	run_ms(100);
	sim_kill(process("router"));
	run_ms(4000);
	for (size_t i = 0; i < STORES; i++) {
		assert_true(world.stores[i]->told && world.stores[i]->n_live > 0);
		world.stores[i]->answer = ANSWER_DURABLE;
		world.stores[i]->n_held = 0;
	}
	sim_kill(process("router"));
	assert_all_durable(10000);
	/* The done marks spared the first forty. */
	for (size_t i = 0; i < 40; i++) {
		for (size_t k = 0; k < TARGETS; k++)
			assert_int_equal(world.sent[i].handed[k], 1);
	}
	edge_send(40, 300);
	assert_all_durable(10000);
	run_ms(5000);
	/* The edge may have had a write on its way: that file is not used again. */
	assert_true(files_in("1") <= 3);
	world_end();
}

/* A store that can't for hours pins no space in the journal. */
/* An edge that speaks to a new router before that has found its segments: they
 * are retired all the same, and none is kept for ever. */
static void test_edge_speaks_early(void **state)
{
	world_begin(31, small);
	for (unsigned life = 0; life < 8; life++) {
		edge_send(5, 300);
		sim_kill(process("router"));
		while (edge_router() != NULL)
			run_us(50);
		while (edge_router() == NULL)
			run_us(50);
		edge_want();
		assert_all_durable(10000);
		run_ms(5000);
		assert_true(files_in("1") <= 3);
	}
	world_end();
}

/* A file that a failing disk would not let go is tried again: a journal never
 * fills up with those. */
static void test_retiring_fails(void **state)
{
	const struct sim_faults failing = { .sync_error = 1 }, none = { 0 };

	world_begin(32, small);
	for (unsigned life = 0; life < 20; life++) {
		edge_send(3, 300);
		assert_all_durable(10000);
		run_ms(1000);
		sim_set_faults(world.sim, &failing);
		sim_kill(process("edge"));
		run_ms(200);
		sim_set_faults(world.sim, &none);
		/* The keeper waits longer from time to time. */
		for (unsigned i = 0; i < 600 && edge_router() == NULL; i++)
			run_ms(100);
		run_ms(7000);
		assert_true(edge_has_segment(5000));
	}
	world_end();
}

static void test_parked(void **state)
{
	unsigned retired;

	world_begin(12, small);
	world.answer = world.stores[0]->answer = ANSWER_LATER;
	edge_send(150, 3000);
	edge_send(3, 200 * 1024);
	edge_end_segment();
	run_ms(60 * 1000);
	assert_int_equal(world.stores[1]->n_retired, 0);
	run_ms(11 * 60 * 1000);
	/* Its segment is used again, but its generation is alive in the copies. */
	assert_true(edge_has_segment(5000));
	assert_int_equal(world.stores[1]->n_retired, 0);
	assert_int_equal(files_in("parked") > 0, 1);
	edge_send(10, 100);
	/* Neither a new router nor a new store forgets them. */
	sim_kill(process("router"));
	run_ms(5000);
	assert_true(edge_has_segment(5000));
	for (size_t i = 0; i < STORES; i++)
		assert_true(world.stores[i]->n_live > 0);
	retired = world.stores[1]->n_retired;
	world.answer = world.stores[0]->answer = ANSWER_DURABLE;
	assert_all_durable(5 * 60 * 1000);
	run_ms(20 * 1000);
	assert_true(world.stores[1]->n_retired > retired);
	world_end();
}

/* One store that takes nothing does not hold up the other: what waits for it is
 * parked before the memory for envelopes runs out. */
static void test_one_store_stalls(void **state)
{
	world_begin(18, "journal.size = 64M\njournal.segment = 4M\n");
	world.answer = world.stores[0]->answer = ANSWER_LATER;
	for (unsigned i = 0; i < 100; i++) {
		edge_send(100, 10);
		run_ms(50);
	}
	run_ms(120 * 1000);
	for (size_t i = 0; i < world.n_sent; i++) {
		for (size_t k = 0; k < TARGETS; k++) {
			if (account_store(world.sent[i].accounts[k], STORES) == 1)
				assert_true(world.sent[i].durable[k]);
		}
	}
	world.answer = world.stores[0]->answer = ANSWER_DURABLE;
	assert_all_durable(10 * 60 * 1000);
	world_end();
}

/* Parking fails at any of its disk calls: nothing is lost or pinned for ever. */
static void test_parking_fails(void **state)
{
	for (unsigned n = 1; n < 12; n++) {
		struct os_faulty faulty;
		bool fired;

		world_begin(30 + n, small);
		world.answer = world.stores[0]->answer = ANSWER_LATER;
		edge_send(20, 3000);
		edge_end_segment();
		run_ms(PARK_AFTER_MS - 60 * 1000);
		os_faulty_wrap(&faulty, process("router"));
		os_faulty_arm(&faulty, FAULT_WRITE | FAULT_SYNC | FAULT_READ, n,
		    n % 2 ? -EIO : -ENOSPC);
		run_ms(2 * PARK_AFTER_MS);
		fired = os_faulty_fired(&faulty);
		os_faulty_unwrap(&faulty);
		sim_kill(process("router"));
		run_ms(5000);
		world.answer = world.stores[0]->answer = ANSWER_DURABLE;
		assert_all_durable(5 * 60 * 1000);
		world_end();
		if (!fired)
			break;
	}
}

/* Stores that take nothing: at 80 % the edge is told, below 70 % again. */
static void test_full(void **state)
{
	unsigned n = 0;

	world_begin(16, "journal.size = 32M\njournal.segment = 4M\n");
	world.stores[0]->answer = world.stores[1]->answer = ANSWER_HOLD;
	while (!world.edge->full && n++ < 500) {
		edge_send(1, 200 * 1024);
		run_ms(20);
	}
	assert_true(world.edge->full);
	assert_in_range(n, 100, 140);
	for (size_t i = 0; i < STORES; i++) {
		world.stores[i]->answer = ANSWER_DURABLE;
		store_release(world.stores[i]);
	}
	assert_all_durable(10000);
	run_ms(3000);
	assert_false(world.edge->full);
	edge_send(10, 100);
	assert_all_durable(5000);
	world_end();
}

static void test_drain(void **state)
{
	world_begin(17, small);
	edge_send(50, 1000);
	keeper_drain(world.keeper, 10000);
	run_ms(12000);
	assert_true(world.ended);
	assert_string_equal(world.failure, "");
	assert_true(all_durable());
	/* Drained cleanly: nothing is handed over again. */
	keeper_begin();
	run_ms(5000);
	assert_true(world.ready);
	edge_send(5, 100);
	assert_all_durable(5000);
	assert_int_equal(handed_most(), 1);
	world_end();
}

/* An edge that says what it may not is ended, and nothing else is. */
static void test_edge_lies(void **state)
{
	const struct {
		enum ipc_type type;
		int64_t generation;             /* relative to its own */
		uint32_t offset;
	} cases[] = {
		{ IPC_SYNCED, 1, LOG_BLOCK }, { IPC_SYNCED, 0, UINT32_MAX },
		{ IPC_SYNCED, 0, 0 }, { IPC_ABORTED, 0, 0 }, { IPC_ABORTED, 3, 2 * LOG_BLOCK },
		{ IPC_SEGMENT_END, 1, 0 }, { IPC_SPOOL_DROP, 0, 0 },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct edge_stand_in *e;
		bool with_offset = cases[i].type == IPC_SYNCED || cases[i].type == IPC_ABORTED;

		world_begin(20 + i, small);
		edge_send(5, 100);
		e = world.edge;
		edge_say(cases[i].type, e->head.generation + (uint64_t)cases[i].generation,
		    with_offset ? &cases[i].offset : NULL);
		run_ms(8000);
		assert_non_null(world.edge);
		assert_ptr_not_equal(world.edge, e);
		edge_send(5, 100);
		assert_all_durable(5000);
		world_end();
	}
}

/* ---- everything fails ---- */

static bool chance(uint64_t *state, unsigned n)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (*state >> 33) % n == 0;
}

/* A record with a spool file, unless the router that made it is gone. */
static void survive_spool(struct edge_stand_in *e)
{
	uint64_t generation = e->head.generation;
	uint64_t spool = edge_try_spool(300000, world.n_sent * 7 + 1);

	if (spool != 0 && world.edge == e && e->fd >= 0 && e->head.generation == generation)
		(void)edge_append(300000, spool, false);
}

static void survive_step(uint64_t *state)
{
	struct edge_stand_in *e = world.edge;

	if (edge_has_segment(3000) && world.edge == e) {
		for (unsigned i = 0; i < 4 && e->fd >= 0; i++) {
			if (edge_append(chance(state, 5) ? 90000 : 700, 0, false) == NULL)
				break;
		}
		if (chance(state, 4) && e->fd >= 0)
			survive_spool(e);
		if (world.edge == e && e->fd >= 0 && !chance(state, 8))
			edge_commit();
		if (world.edge == e && e->fd >= 0 && chance(state, 6) && e->first_unsynced == world.n_sent)
			edge_end_segment();
	}
	if (chance(state, 12) && process("edge") != NULL)
		sim_kill(process("edge"));
	if (chance(state, 12) && process("router") != NULL)
		sim_kill_after(process("router"), *state % 50);
	if (chance(state, 12) && process("store") != NULL)
		sim_kill(process("store"));
	if (chance(state, 30)) {
		sim_power_cut(world.host);
		world.edge = NULL;
		run_ms(10);
		keeper_begin();
		run_ms(5000);
	}
	run_ms(*state >> 40 & 255);
}

/* Roles die and the power goes at any time: what was acknowledged arrives, no
 * byte differs, and nothing appears that nobody wrote (check_body, on_deliver). */
static void test_survives(void **state)
{
	for (uint64_t seed = 1; seed <= 8; seed++) {
		uint64_t random = seed * 0x9e3779b97f4a7c15;

		world_begin(seed, "journal.size = 64M\njournal.segment = 4M\n");
		for (unsigned i = 0; i < 60; i++)
			survive_step(&random);
		for (unsigned i = 0; i < 20 && !edge_has_segment(5000); i++)
			run_ms(5000);
		for (unsigned i = 0; i < 100 && !all_durable(); i++)
			run_ms(1000);
		if (!all_durable())
			fail_msg("seed %llu: an acknowledged message did not arrive",
			    (unsigned long long)seed);
		/* All is retired in the end: nothing stays pinned. */
		edge_end_segment();
		run_ms(30000);
		assert_true(files_in("1") <= 10);
		assert_int_equal(files_in("spool"), 0);
		world_end();
	}
}

/* The n-th disk operation of the router fails, for every n. */
static void test_disk_fails(void **state)
{
	const unsigned kinds[] = { FAULT_WRITE | FAULT_SYNC, FAULT_OPEN | FAULT_REMOVE,
	                           FAULT_READ };

	for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
		/* Close at first, then wider: a file is made with many writes. */
		for (unsigned n = 1; n < 1000; n += 1 + n / 4) {
			struct os_faulty faulty;
			bool fired;

			world_begin(n, "journal.size = 32M\njournal.segment = 4M\n");
			os_faulty_wrap(&faulty, process("router"));
			os_faulty_arm(&faulty, kinds[k], n, n % 2 ? -EIO : -ENOSPC);
			for (unsigned i = 0; i < 6; i++) {
				edge_send(12, 120 * 1024);
				edge_end_segment();
				run_ms(300);
			}
			fired = os_faulty_fired(&faulty);
			assert_all_durable(30000);
			edge_send(5, 100);
			assert_all_durable(30000);
			os_faulty_unwrap(&faulty);
			world_end();
			if (!fired)
				break;
		}
	}
}

UNIT_TESTS(cmocka_unit_test(test_plain), cmocka_unit_test(test_large_bodies),
    cmocka_unit_test(test_recycling), cmocka_unit_test(test_spool),
    cmocka_unit_test(test_spool_restart), cmocka_unit_test(test_spool_stays),
    cmocka_unit_test(test_forged_seal), cmocka_unit_test(test_later),
    cmocka_unit_test(test_store_dies), cmocka_unit_test(test_edge_dies),
    cmocka_unit_test(test_aborted), cmocka_unit_test(test_router_dies),
    cmocka_unit_test(test_edge_speaks_early), cmocka_unit_test(test_retiring_fails),
    cmocka_unit_test(test_parked), cmocka_unit_test(test_one_store_stalls),
    cmocka_unit_test(test_parking_fails), cmocka_unit_test(test_full),
    cmocka_unit_test(test_drain), cmocka_unit_test(test_edge_lies),
    cmocka_unit_test(test_survives), cmocka_unit_test(test_disk_fails))
