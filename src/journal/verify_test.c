/* journal/verify_test.c - damage to what is on its way is told; what is done, and
 * what was never on disk, is not. */
#include "unit.h"

#include <errno.h>
#include <stdio.h>

#include <zstd.h>

#include "base/checksum.h"
#include "journal/repair.h"
#include "os/os_faulty.h"
#include "os/os_sim.h"

enum { DISK = 64 * 1024 * 1024, SIZE = 256 * 1024, GENERATION = 4242, RECORDS = 5, SPOOL = 7 };

struct world {
	struct sim *sim;
	struct os *os;
	struct heap *heap;
	unsigned kinds[FINDING_KINDS];
	struct finding last;
	unsigned records, whole;
};

struct listener {
	struct finder finder;
	struct world *world;
};

static const uint8_t address[4] = { 127, 0, 0, 1 };

static void write_file(struct world *w, const char *path, slice bytes, uint64_t at)
{
	int fd = os_open(w->os, OS_ROOT, path, OS_WRITE | OS_CREATE);

	assert_true(fd >= 0);
	assert_int_equal(os_pwrite(w->os, fd, bytes, at), 0);
	os_close(w->os, fd);
}

static void flip(struct world *w, const char *path, uint64_t at)
{
	int fd = os_open(w->os, OS_ROOT, path, OS_READ | OS_WRITE);
	unsigned char byte;

	assert_int_equal(os_pread(w->os, fd, &byte, 1, at), 1);
	byte ^= 1;
	assert_int_equal(os_pwrite(w->os, fd, slice_of(&byte, 1), at), 0);
	os_close(w->os, fd);
}

/* A log of `kind`: what was appended, its head, zeros up to its size. */
static void finish_log(struct world *w, struct log_writer *log, const char *path)
{
	unsigned char head[LOG_BLOCK];
	static const unsigned char zero;

	log_head_write(&log->head, head);
	write_file(w, path, slice_of(head, sizeof head), 0);
	write_file(w, path, slice_of(&zero, 1), log->head.size - 1);
	log_writer_finish(log);
}

static void append(struct world *w, struct log_writer *log, const char *path, uint8_t type,
    slice payload)
{
	uint32_t sequence, offset;
	slice bytes;

	assert_true(log_append(log, type, &payload, 1, &sequence, &offset));
	bytes = log_take(log, true, &offset);
	write_file(w, path, bytes, offset);
	log_taken_done(log);
	log_synced(log, log->taken_to);
}

static void commit(struct world *w, struct log_writer *log, unsigned n)
{
	slice sealed = slice_lit("a seal");
	struct buffer payload = buffer_init(w->heap, LOG_RECORD_MAX);
	struct journal_commit c = { .sender = slice_lit("a@b"), .trace = slice_lit("T: t\r\n"),
	    .n_recipients = 1, .sealed = &sealed };
	unsigned char frame[512];
	char text[100];
	int len = snprintf(text, sizeof text, "Subject: %u\r\n\r\nbody %u\r\n", n, n * 7919);

	c.body.size = (uint64_t)len;
	c.body.stored = ZSTD_compress(frame, sizeof frame, text, (size_t)len, 1);
	c.body.checksum = checksum64(slice_of(frame, c.body.stored), 0);
	/* The last one's body is in a file of its own. */
	if (n == RECORDS) {
		c.body.spool = SPOOL;
		write_file(w, "spool/0000000000000007", slice_of(frame, c.body.stored), 0);
	} else {
		c.body.frames = slice_of(frame, c.body.stored);
	}
	journal_commit_write(&c, &payload);
	append(w, log, "1/003.log", JOURNAL_COMMIT, buffer_bytes(&payload));
	buffer_free(&payload);
}

/* The first `done` records are marked as done. */
static void world_init(struct world *w, uint32_t done)
{
	struct log_head journal = { .kind = LOG_JOURNAL, .producer = 1, .number = 3,
	    .generation = GENERATION, .size = SIZE };
	struct log_head marks = { .kind = LOG_DONE, .number = 1, .generation = 99, .size = SIZE };
	struct buffer payload;
	struct log_writer log;
	struct tracker t;

	*w = (struct world){ .sim = sim_create(1), .heap = heap_create(SIZE_MAX) };
	w->os = sim_process_create(sim_host_create(w->sim, "host", address, DISK), "test");
	assert_int_equal(os_mkdir(w->os, OS_ROOT, "1"), 0);
	assert_int_equal(os_mkdir(w->os, OS_ROOT, "router"), 0);
	assert_int_equal(os_mkdir(w->os, OS_ROOT, "spool"), 0);
	log_writer_init(&log, w->heap, &journal);
	for (unsigned n = 1; n <= RECORDS; n++)
		commit(w, &log, n);
	finish_log(w, &log, "1/003.log");
	payload = buffer_init(w->heap, 1000);
	tracker_init(&t, w->heap);
	for (uint32_t n = 1; n <= done; n++)
		tracker_done(&t, n);
	tracker_write(&t, GENERATION, &payload);
	log_writer_init(&log, w->heap, &marks);
	append(w, &log, "router/001.log", DONE_RECORDS, buffer_bytes(&payload));
	finish_log(w, &log, "router/001.log");
}

static void world_finish(struct world *w)
{
	heap_drop(w->heap);
	sim_destroy(w->sim);
}

static void tell(struct finder *finder, const struct finding *finding)
{
	struct world *w = ((struct listener *)finder)->world;

	w->kinds[finding->kind]++;
	w->last = *finding;
}

static void on_record(void *context, const struct journal_file *file,
    const struct log_record *record, bool whole)
{
	struct world *w = context;

	assert_string_equal(file->folder, "1");
	w->records++;
	w->whole += whole;
}

/* How many findings. */
static uint64_t verify(struct world *w, struct journal_verify *v)
{
	struct listener listener = { { tell, NULL, "journal/" }, w };

	memset(w->kinds, 0, sizeof w->kinds);
	w->records = w->whole = 0;
	*v = (struct journal_verify){ .os = w->os, .heap = w->heap, .finder = &listener.finder,
	    .record = on_record, .context = w };
	journal_verify(v, false);
	return v->damage;
}

static struct message_id id(uint32_t sequence)
{
	return (struct message_id){ 1, sequence, GENERATION };
}

static void a_sound_journal(void **state)
{
	struct journal_verify v;
	struct world w;

	(void)state;
	world_init(&w, 2);
	assert_int_equal(verify(&w, &v), 0);
	assert_int_equal(w.records, RECORDS - 2);
	assert_int_equal(w.whole, RECORDS - 2);
	assert_false(journal_is_pending(&v, id(2)));
	assert_true(journal_is_pending(&v, id(3)));
	assert_false(journal_is_pending(&v, (struct message_id){ 1, 3, 5 }));
	world_finish(&w);
}

static void damage_is_told(void **state)
{
	static const struct {
		const char *name, *path;
		uint64_t at;
		enum finding_kind kind;
		unsigned whole;
	} table[] = {
		{ "one copy of the head", "1/003.log", 20, FINDING_KINDS, 3 },
		{ "a record that is not done", "1/003.log", 3 * LOG_BLOCK + 100, FINDING_ROT, 2 },
		{ "a spool file", "spool/0000000000000007", 20, FINDING_BODY, 2 },
		{ "behind the last record", "1/003.log", SIZE - 100, FINDING_KINDS, 3 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		struct journal_verify v;
		struct world w;

		world_init(&w, 2);
		flip(&w, table[i].path, table[i].at);
		if (verify(&w, &v) != (table[i].kind < FINDING_KINDS) ||
		    w.whole != table[i].whole)
			fail_msg("%s: %u findings, %u whole", table[i].name, (unsigned)v.damage,
			    w.whole);
		if (table[i].kind < FINDING_KINDS && w.kinds[table[i].kind] != 1)
			fail_msg("%s: it was told otherwise: %s", table[i].name, w.last.text);
		if (table[i].kind == FINDING_ROT)
			assert_true(w.last.from <= table[i].at && table[i].at < w.last.to);
		world_finish(&w);
	}
}

static void files_damaged_as_a_whole(void **state)
{
	struct journal_verify v;
	struct world w;

	(void)state;
	world_init(&w, 0);
	flip(&w, "1/003.log", 20);
	flip(&w, "1/003.log", LOG_BLOCK / 2 + 20);
	assert_int_equal(verify(&w, &v), 1);
	assert_int_equal(w.kinds[FINDING_HEAD], 1);
	world_finish(&w);

	world_init(&w, 0);
	assert_int_equal(os_unlink(w.os, OS_ROOT, "spool/0000000000000007"), 0);
	assert_int_equal(verify(&w, &v), 1);
	assert_int_equal(w.kinds[FINDING_MISSING], 1);
	world_finish(&w);

	/* Its record is done: it went as it should. */
	world_init(&w, RECORDS);
	assert_int_equal(os_unlink(w.os, OS_ROOT, "spool/0000000000000007"), 0);
	assert_int_equal(verify(&w, &v), 0);
	world_finish(&w);
}

/* ---- repair ---- */

static bool no_targets(void *context, const struct journal_commit *commit, struct arena *arena,
    struct delivery_target *ret_targets, size_t *ret_n)
{
	(void)context;
	(void)commit;
	(void)arena;
	ret_targets[0] = (struct delivery_target){ 0, 7, slice_lit("a@b") };
	*ret_n = 1;
	return true;
}

static void repair(struct world *w, struct journal_verify *found, uint64_t records)
{
	struct journal_repair r = { .found = found, .targets = no_targets };

	assert_int_equal(os_mkdir(w->os, OS_ROOT, "aside"), 0);
	r.aside = os_open(w->os, OS_ROOT, "aside", OS_READ | OS_FOLDER);
	assert_int_equal(journal_repair(&r), 0);
	assert_int_equal(r.files, 1);
	assert_int_equal(r.records, records);
}

static void on_any(void *context, const struct journal_file *file,
    const struct log_record *record, bool whole)
{
	struct world *w = context;

	(void)file;
	(void)record;
	w->records++;
	w->whole += whole;
}

static void what_is_not_done_is_kept(void **state)
{
	struct journal_verify v;
	struct world w;

	(void)state;
	world_init(&w, 2);
	flip(&w, "1/003.log", 3 * LOG_BLOCK + 100);
	assert_int_equal(verify(&w, &v), 1);
	repair(&w, &v, 2);
	v = (struct journal_verify){ .os = w.os, .heap = w.heap, .finder = v.finder,
	    .record = on_any, .context = &w };
	w.records = w.whole = 0;
	v.finder = &(struct listener){ { tell, NULL, "journal/" }, &w }.finder;
	journal_verify(&v, false);
	assert_int_equal(v.damage, 0);
	assert_int_equal(w.records, 2);
	assert_int_equal(w.whole, 2);
	world_finish(&w);
}

/* Marks of other files stand in the one that is damaged: they still count. */
static void done_marks_outlive_their_file(void **state)
{
	struct log_head head = { .kind = LOG_DONE, .number = 2, .generation = 98, .size = SIZE };
	struct journal_verify v;
	struct log_writer log;
	struct buffer fact;
	struct tracker t;
	struct world w;

	(void)state;
	world_init(&w, 0);
	log_writer_init(&log, w.heap, &head);
	tracker_init(&t, w.heap);
	for (uint32_t n = 1; n <= RECORDS; n++)
		tracker_done(&t, n);
	for (uint64_t generation = GENERATION; generation < GENERATION + 3; generation++) {
		fact = buffer_init(w.heap, 1000);
		tracker_write(&t, generation, &fact);
		append(&w, &log, "router/002.log", DONE_RECORDS, buffer_bytes(&fact));
	}
	finish_log(&w, &log, "router/002.log");
	/* The last record's body went when that was marked. */
	assert_int_equal(os_unlink(w.os, OS_ROOT, "spool/0000000000000007"), 0);
	assert_int_equal(verify(&w, &v), 0);
	flip(&w, "router/002.log", 2 * LOG_BLOCK + 50);
	assert_int_equal(verify(&w, &v), 1);
	repair(&w, &v, 0);
	if (verify(&w, &v) != 0)
		fail_msg("after repair: %s: %s", w.last.path, w.last.text);
	assert_int_equal(w.records, 0);
	world_finish(&w);
}

static void a_disk_that_can_not_read_is_a_finding(void **state)
{
	bool fired = true;

	(void)state;
	for (unsigned n = 1; fired; n++) {
		struct os_faulty faulty;
		struct journal_verify v;
		struct world w;

		world_init(&w, 2);
		os_faulty_wrap(&faulty, w.os);
		os_faulty_arm(&faulty, FAULT_READ | FAULT_OPEN, n, -EIO);
		verify(&w, &v);
		fired = os_faulty_fired(&faulty);
		os_faulty_unwrap(&faulty);
		assert_int_equal(v.damage > 0, fired);
		world_finish(&w);
	}
}

UNIT_TESTS(
    cmocka_unit_test(a_sound_journal),
    cmocka_unit_test(damage_is_told),
    cmocka_unit_test(files_damaged_as_a_whole),
    cmocka_unit_test(what_is_not_done_is_kept),
    cmocka_unit_test(done_marks_outlive_their_file),
    cmocka_unit_test(a_disk_that_can_not_read_is_a_finding))
