/* queue/queue_verify_test.c - any byte flipped, any disk call failed: found, repaired; what
 * was not hit itself waits as before, and nothing is gone without a word. */
#include "unit.h"

#include <errno.h>
#include <stdio.h>

#include <zstd.h>

#include "base/checksum.h"
#include "os/os_faulty.h"
#include "os/os_sim.h"
#include "queue/repair.h"

/* Message 2 went out before this chain, message 6 in it; 5 is for two domains; the second
 * recipient of 3 has failed already. */
enum { DISK = 32 * 1024 * 1024, MESSAGES = 8, ENTRIES = 7, OTHER = 15, FILES = 2, PACKS = 2,
	HEAD_CHECKSUM = 56 };

struct world {
	struct sim *sim;
	struct os *os;
	struct heap *heap;              /* of the reading at hand */
	struct heap *own;
	struct pack_place places[MESSAGES + 1];
	struct pack_body bodies[MESSAGES + 1];
	uint64_t ends[PACKS + 1];
	int aside;
	unsigned kinds[FINDING_KINDS];
	struct finding last;
	bool (*pending)(void *context, struct message_id id);
};

static const uint8_t address[4] = { 127, 0, 0, 1 };

/* ---- a queue with history ---- */

static void write_at(struct world *w, const char *path, slice bytes, uint64_t at)
{
	int fd = os_open(w->os, OS_ROOT, path, OS_WRITE | OS_CREATE);

	assert_true(fd >= 0);
	assert_int_equal(os_pwrite(w->os, fd, bytes, at), 0);
	assert_int_equal(os_sync(w->os, fd), 0);
	os_close(w->os, fd);
}

static struct message_id id_of(unsigned n)
{
	return (struct message_id){ 1, n, 1000 };
}

static void write_body(struct world *w, unsigned n, uint32_t pack)
{
	struct buffer entry = buffer_init(w->own, 1 << 16);
	char prefix[200], text[200], id[MESSAGE_ID_TEXT], path[QUEUE_PATH];
	unsigned char frame[512];
	struct pack_body body;
	int len = snprintf(text, sizeof text, "Subject: %u\r\n\r\nThis is message %u of them.\r\n",
	    n, n * 7919);

	message_id_print(id_of(n), id);
	snprintf(prefix, sizeof prefix, "Received: from x ([1.2.3.4])\r\n\tby y (Posthouse) with "
	    "ESMTP id %s; Thu, 26 Nov 2026 00:00:%02u +0000\r\n", id, n);
	body.size = (uint64_t)len;
	body.stored = ZSTD_compress(frame, sizeof frame, text, (size_t)len, 1);
	assert_false(ZSTD_isError(body.stored));
	body.checksum = checksum64(slice_of(frame, body.stored), 0);
	w->places[n] = (struct pack_place){ QUEUE_PACKS, pack, (uint32_t)w->ends[pack] };
	w->bodies[n] = body;
	pack_entry_write(&entry, w->places[n], slice_from(prefix), body);
	buffer_add(&entry, slice_of(frame, body.stored));
	queue_pack_path(pack, path);
	write_at(w, path, buffer_bytes(&entry), w->ends[pack]);
	w->ends[pack] += buffer_bytes(&entry).len;
	buffer_free(&entry);
}

struct log {
	struct world *world;
	struct log_writer writer;
	char path[QUEUE_PATH];
};

static void add(struct log *l, enum queue_record type, slice payload)
{
	uint32_t sequence, offset;

	assert_true(log_append(&l->writer, (uint8_t)type, &payload, 1, &sequence, &offset));
}

static void write_batch(struct log *l)
{
	uint32_t offset;
	slice bytes = log_take(&l->writer, true, &offset);

	write_at(l->world, l->path, bytes, offset);
	log_synced(&l->writer, offset + (uint32_t)bytes.len);
	log_taken_done(&l->writer);
}

static void add_number(struct log *l, enum queue_record type, uint64_t number)
{
	struct buffer payload = buffer_init(l->world->own, 64);

	queue_number_write(number, &payload);
	add(l, type, buffer_bytes(&payload));
	buffer_free(&payload);
}

static void log_begin(struct log *l, struct world *w, uint32_t number, uint64_t first)
{
	struct log_head head = { .kind = LOG_QUEUE, .number = number, .size = QUEUE_FILE_SIZE,
	    .generation = 77 + number };
	unsigned char block[LOG_BLOCK];

	l->world = w;
	queue_log_path(number, l->path);
	log_head_write(&head, block);
	write_at(w, l->path, slice_of(block, sizeof block), 0);
	log_writer_init(&l->writer, w->own, &head);
	add_number(l, QUEUE_BEGIN, first);
}

static void add_entry(struct log *l, unsigned number, unsigned n)
{
	struct buffer payload = buffer_init(l->world->own, 4096);
	struct queue_recipient recipients[] = {
		{ 0, QUEUE_WAITING, slice_lit("one@far.example"), slice_lit("450 4.2.0 later") },
		{ 1, QUEUE_FAILED, slice_lit("two@far.example"), slice_lit("550 5.1.1 who?") },
	};
	struct queue_entry e = { .number = number, .id = id_of(n), .received_us = 1000,
	    .tries = 3, .flags = QUEUE_HELD, .sender = slice_lit("sender@here.example"),
	    .place = l->world->places[n], .body = l->world->bodies[n],
	    .n_recipients = n == 3 ? 2 : 1, .recipients = recipients };

	if (n == 8)
		e.sender = (slice){ 0 };
	recipients[0].index = number == OTHER ? 5 : 0;
	queue_entry_write(&e, &payload);
	add(l, QUEUE_ENTRY, buffer_bytes(&payload));
	buffer_free(&payload);
}

static void write_logs(struct world *w)
{
	static const unsigned char keys[3 * QUEUE_KEY] = "these are three keys";
	struct log l;

	log_begin(&l, w, 1, 1);
	add_entry(&l, 1, 1);
	add_entry(&l, 3, 3);
	add(&l, QUEUE_KNOWN, slice_of(keys, sizeof keys));
	add(&l, QUEUE_WHOLE, (slice){ 0 });
	write_batch(&l);
	add_entry(&l, 4, 4);
	write_batch(&l);
	add_entry(&l, 5, 5);
	add_entry(&l, OTHER, 5);
	write_batch(&l);
	add_entry(&l, 6, 6);
	write_batch(&l);
	add_number(&l, QUEUE_GONE, 6);
	write_batch(&l);
	add_entry(&l, 4, 4);
	write_batch(&l);
	add_entry(&l, 7, 7);
	write_batch(&l);
	log_writer_finish(&l.writer);
	log_begin(&l, w, 2, 1);
	add_entry(&l, 8, 8);
	write_batch(&l);
	add_entry(&l, 8, 8);
	write_batch(&l);
	log_writer_finish(&l.writer);
}

static void world_init(struct world *w)
{
	*w = (struct world){ .sim = sim_create(1), .own = heap_create(SIZE_MAX) };
	w->os = sim_process_create(sim_host_create(w->sim, "host", address, DISK), "test");
	assert_int_equal(os_mkdir(w->os, OS_ROOT, "pack"), 0);
	assert_int_equal(os_mkdir(w->os, OS_ROOT, "aside"), 0);
	w->aside = os_open(w->os, OS_ROOT, "aside", OS_READ | OS_FOLDER);
	for (unsigned n = 1; n <= MESSAGES; n++)
		write_body(w, n, n <= 3 ? 1 : 2);
	write_logs(w);
}

static void world_finish(struct world *w)
{
	heap_drop(w->heap);
	heap_drop(w->own);
	sim_destroy(w->sim);
}

/* ---- reading and repairing ---- */

struct listener {
	struct finder finder;
	struct world *world;
};

static struct listener listener;

static void tell(struct finder *finder, const struct finding *finding)
{
	struct world *w = ((struct listener *)finder)->world;

	w->kinds[finding->kind]++;
	w->last = *finding;
}

static void verify(struct world *w, struct queue_verify *v)
{
	listener = (struct listener){ { tell, NULL, "queue/" }, w };
	heap_drop(w->heap);
	w->heap = heap_create(SIZE_MAX);
	memset(w->kinds, 0, sizeof w->kinds);
	*v = (struct queue_verify){ .os = w->os, .heap = w->heap, .seed = 1,
	    .finder = &listener.finder, .pending = w->pending };
	queue_verify(v);
}

static int repair(struct world *w, struct queue_verify *v, struct queue_repair *r)
{
	*r = (struct queue_repair){ .verify = v, .aside = w->aside };
	return queue_repair(r);
}

/* What there is of each message, after repair if need be. */
struct there {
	unsigned waiting, failed;       /* recipients, all messages together */
	unsigned waits[MESSAGES + 1], fails[MESSAGES + 1], unnamed[MESSAGES + 1];
	unsigned keys;
};

static void mend(struct world *w, struct there *ret)
{
	struct queue_repair r;
	struct queue_verify v;

	memset(ret, 0, sizeof *ret);
	verify(w, &v);
	assert_false(v.failed || v.newer);
	for (size_t i = 0; i < v.n_unnamed; i++) {
		for (unsigned n = 1; n <= MESSAGES; n++)
			ret->unnamed[n] += memcmp(&v.unnamed[i].place, &w->places[n],
			    sizeof w->places[n]) == 0;
	}
	if (v.damage > 0)
		assert_int_equal(repair(w, &v, &r), 0);
	verify(w, &v);
	if (v.damage > 0)
		fail_msg("after repair: %s: %s", w->last.path, w->last.text);
	ret->keys = (unsigned)(buffer_bytes(&v.disk.known).len / QUEUE_KEY);
	for (size_t i = 0; i < v.n_live; i++) {
		const struct queue_entry *e = &v.live[i].entry;

		assert_in_range(e->id.sequence, 1, MESSAGES);
		for (size_t k = 0; k < e->n_recipients; k++) {
			bool waits = e->recipients[k].state == QUEUE_WAITING;

			ret->waits[e->id.sequence] += waits;
			ret->fails[e->id.sequence] += !waits;
			ret->waiting += waits;
			ret->failed += !waits;
		}
		/* Those that wait do it as before. */
		if (e->recipients[0].state == QUEUE_WAITING)
			assert_true(e->flags == QUEUE_HELD && e->tries == 3);
	}
}

static uint32_t size_of(struct world *w, const char *path)
{
	int fd = os_open(w->os, OS_ROOT, path, OS_READ);
	int64_t size = os_size(w->os, fd);

	assert_true(fd >= 0 && size > 0);
	os_close(w->os, fd);
	return (uint32_t)size;
}

static void flip(struct world *w, const char *path, uint32_t offset, unsigned char mask)
{
	int fd = os_open(w->os, OS_ROOT, path, OS_READ | OS_WRITE);
	unsigned char byte;

	assert_true(fd >= 0);
	assert_int_equal(os_pread(w->os, fd, &byte, 1, offset), 1);
	byte ^= mask;
	assert_int_equal(os_pwrite(w->os, fd, slice_of(&byte, 1), offset), 0);
	os_close(w->os, fd);
}

static bool count_eml(void *context, const char *name)
{
	unsigned *n = context;

	*n += slice_ends(slice_from(name), slice_lit(".eml"));
	return true;
}

static unsigned messages_aside(struct world *w)
{
	unsigned n = 0;

	assert_int_equal(os_list(w->os, OS_ROOT, "aside", count_eml, &n), 0);
	return n;
}

static bool aside_says(struct world *w, const char *words)
{
	char text[16 * 1024];
	int fd = os_open(w->os, w->aside, "WHAT.txt", OS_READ);
	ssize_t n = os_pread(w->os, fd, text, sizeof text, 0);

	assert_true(n > 0);
	os_close(w->os, fd);
	return slice_find(slice_of(text, (size_t)n), slice_from(words)) < (size_t)n;
}

/* ---- tests ---- */

static void a_sound_queue_has_no_finding(void **state)
{
	struct queue_verify v;
	struct world w;

	(void)state;
	world_init(&w);
	verify(&w, &v);
	assert_int_equal(v.damage, 0);
	assert_int_equal(v.n_live, ENTRIES);
	assert_int_equal(v.n_unnamed, 0);
	for (unsigned kind = 0; kind < FINDING_KINDS; kind++)
		assert_int_equal(w.kinds[kind], 0);
	assert_int_equal(os_unlink(w.os, OS_ROOT, "001.log"), 0);
	assert_int_equal(os_unlink(w.os, OS_ROOT, "002.log"), 0);
	verify(&w, &v);
	assert_int_equal(v.damage, 0);
	assert_int_equal(w.kinds[FINDING_LEFTOVER], PACKS);
	world_finish(&w);
}

/* All but its last batch, which is as if it had never been on disk: there the same entry
 * is said for the second time. */
static void every_flipped_byte_of_a_log_is_survived(void **state)
{
	unsigned found = 0;

	(void)state;
	for (uint32_t log = 1; log <= FILES; log++) {
		uint32_t size = 2 * LOG_BLOCK;

		for (uint32_t at = log; at < size; at += 23) {
			struct queue_verify v;
			char path[QUEUE_PATH];
			struct there there;
			struct world w;

			if (at % LOG_BLOCK > 600 && at % 5 != 0)
				continue;       /* padding */
			world_init(&w);
			queue_log_path(log, path);
			size = size_of(&w, path);
			flip(&w, path, at, 0x20);
			verify(&w, &v);
			found += v.damage > 0;
			mend(&w, &there);
			for (unsigned n = 1; n <= MESSAGES; n++) {
				if (n != 2 && n != 6 && there.waits[n] + there.unnamed[n] == 0)
					fail_msg("%s, byte %u: %u is lost", path, at, n);
			}
			assert_int_equal(there.failed, there.fails[3]);
			world_finish(&w);
		}
	}
	assert_true(found > 100);
}

/* What went out before is not taken for lost, when the log shows that it can't be. */
static void damage_behind_a_base_hides_what_came_then(void **state)
{
	struct queue_verify v;
	struct there there;
	struct world w;

	(void)state;
	world_init(&w);
	flip(&w, "001.log", 2 * LOG_BLOCK + 100, 1);    /* the first word on 4 */
	flip(&w, "001.log", 6 * LOG_BLOCK + 100, 1);    /* and the second */
	verify(&w, &v);
	assert_int_equal(w.kinds[FINDING_ROT], 2);
	assert_int_equal(w.kinds[FINDING_UNNAMED], 1);
	mend(&w, &there);
	assert_int_equal(there.unnamed[4], 1);
	assert_int_equal(there.unnamed[2], 0);
	assert_int_equal(there.waiting, ENTRIES - 1);
	assert_int_equal(there.keys, 3);
	assert_int_equal(messages_aside(&w), 1);
	world_finish(&w);
	/* But in the base it may be. */
	world_init(&w);
	flip(&w, "001.log", LOG_BLOCK + 150, 1);
	mend(&w, &there);
	assert_int_equal(there.unnamed[2], 1);
	world_finish(&w);
}

static bool all_pending(void *context, struct message_id id)
{
	return id.generation == 1000 && id.sequence <= MESSAGES;
}

static void what_is_pending_is_not_lost(void **state)
{
	struct queue_verify v;
	struct world w;

	(void)state;
	world_init(&w);
	flip(&w, "001.log", LOG_BLOCK + 150, 1);
	w.pending = all_pending;
	verify(&w, &v);
	assert_int_equal(w.kinds[FINDING_ROT], 1);
	assert_int_equal(v.damage, 1);
	world_finish(&w);
}

/* Bytes of the header and the trace cost the trace; those of the body the message. */
static void every_flipped_byte_of_a_pack_is_found(void **state)
{
	unsigned bare = 0, lost = 0;

	(void)state;
	for (unsigned n = 1; n <= MESSAGES; n++) {
		unsigned due = n == 2 || n == 6 ? 0 : n == 5 ? 2 : 1;
		uint32_t end = n == 3 || n == 8 ? 0 : 1;

		for (uint32_t at = 0;; at += 17) {
			struct queue_verify v;
			char path[QUEUE_PATH];
			struct there there;
			struct world w;
			uint32_t from;

			world_init(&w);
			queue_pack_path(w.places[n].number, path);
			from = w.places[n].offset;
			end = n == 3 || n == 8 ? size_of(&w, path) : w.places[n + 1].offset;
			if (from + at >= end) {
				world_finish(&w);
				break;
			}
			flip(&w, path, from + at, 0x20);
			verify(&w, &v);
			assert_int_equal(v.damage, due);
			assert_int_equal(w.kinds[FINDING_BODY], due);
			mend(&w, &there);
			assert_int_equal(there.waiting + there.failed, ENTRIES + 1);
			assert_int_equal(there.waits[n] + there.fails[n], due + (n == 3));
			if (due > 0 && there.waits[n] > 0) {
				assert_int_equal(there.waits[n], due);
				assert_true(aside_says(&w, "goes on without its Received"));
				bare++;
			} else if (due > 0) {
				assert_int_equal(there.waiting, ENTRIES - due);
				assert_true(aside_says(&w, "was not delivered to "
				    "<one@far.example>"));
				assert_true(aside_says(&w, n == 8 ? "nobody is told" :
				    "from <sender@here.example>: its sender is told"));
				lost++;
			}
			world_finish(&w);
		}
	}
	assert_true(bare > 20 && lost > 10);
}

/* What had failed before is told under its old name, what fails now under another: the one
 * may have been told by an earlier life. */
static void a_lost_body_is_told_of_by_itself(void **state)
{
	struct queue_verify v;
	struct queue_repair r;
	unsigned names = 0;
	struct world w;

	(void)state;
	world_init(&w);
	flip(&w, "pack/001.pack", (uint32_t)w.ends[1] - 5, 1);
	verify(&w, &v);
	assert_true(strstr(w.last.text, "from <sender@here.example> to <one@far.example>") != NULL);
	assert_int_equal(repair(&w, &v, &r), 0);
	assert_int_equal(r.kept, ENTRIES - 1);
	assert_int_equal(r.returned, 1);
	assert_int_equal(r.silent, 0);
	verify(&w, &v);
	assert_int_equal(v.damage, 0);
	assert_int_equal(w.kinds[FINDING_LEFTOVER], 2);
	assert_int_equal(v.n_live, ENTRIES + 1);
	for (size_t i = 0; i < v.n_live; i++) {
		const struct queue_entry *e = &v.live[i].entry;

		if (e->id.sequence != 3)
			continue;
		assert_int_equal(e->n_recipients, 1);
		assert_int_equal(e->recipients[0].state, QUEUE_FAILED);
		if (e->number == 3)
			assert_slice(e->recipients[0].reply, slice_lit("550 5.1.1 who?"));
		else
			assert_true(slice_starts(e->recipients[0].reply, slice_lit("5.3.0 ")));
		names += e->number == 3 ? 1 : 2;
	}
	assert_int_equal(names, 3);
	world_finish(&w);
}

static void files_may_be_missing(void **state)
{
	struct queue_verify v;
	struct there there;
	struct world w;

	(void)state;
	world_init(&w);
	assert_int_equal(os_unlink(w.os, OS_ROOT, "001.log"), 0);
	verify(&w, &v);
	assert_int_equal(w.kinds[FINDING_MISSING], 1);
	assert_string_equal(v.finder->folder, "queue/");
	mend(&w, &there);
	for (unsigned n = 1; n < MESSAGES; n++)
		assert_int_equal(there.unnamed[n], 1);
	assert_int_equal(there.waiting, 1);
	world_finish(&w);
	world_init(&w);
	assert_int_equal(os_unlink(w.os, OS_ROOT, "pack/002.pack"), 0);
	verify(&w, &v);
	assert_int_equal(w.kinds[FINDING_MISSING], 1);
	assert_int_equal(w.kinds[FINDING_BODY], ENTRIES - 2);
	mend(&w, &there);
	assert_int_equal(there.waiting, 2);
	assert_int_equal(there.failed, ENTRIES - 2 + 1);
	assert_true(aside_says(&w, "queue/pack/002.pack is not there"));
	world_finish(&w);
}

/* A whole chain, and one that it took the place of. */
static void an_older_chain_is_a_note(void **state)
{
	struct queue_verify v;
	struct world w;
	struct log l;

	(void)state;
	world_init(&w);
	log_begin(&l, &w, 3, 3);
	add_entry(&l, 1, 1);
	add(&l, QUEUE_WHOLE, (slice){ 0 });
	write_batch(&l);
	log_writer_finish(&l.writer);
	verify(&w, &v);
	assert_int_equal(v.damage, 0);
	assert_int_equal(v.n_live, 1);
	assert_int_equal(w.kinds[FINDING_LEFTOVER], 2 + 1);
	/* Damaged, it is more than that: what it had may not be in the new one. */
	flip(&w, "001.log", LOG_BLOCK + 150, 1);
	verify(&w, &v);
	assert_int_equal(w.kinds[FINDING_ROT], 1);
	assert_true(v.n_unnamed > 0);
	world_finish(&w);
}

/* The body of another message: told, and not sent. */
static void a_place_with_another_message(void **state)
{
	struct queue_verify v;
	struct there there;
	struct world w;

	(void)state;
	world_init(&w);
	w.ends[1] = w.places[1].offset;
	write_body(&w, 7, 1);           /* as long as the first */
	verify(&w, &v);
	assert_int_equal(w.kinds[FINDING_BODY], 1);
	assert_true(strstr(w.last.text, "another one") != NULL);
	mend(&w, &there);
	assert_int_equal(there.fails[1], 1);
	world_finish(&w);
}

static void a_later_posthouse(void **state)
{
	struct log_head head = { .kind = LOG_QUEUE, .number = 3, .size = QUEUE_FILE_SIZE,
	    .generation = 7 };
	unsigned char block[LOG_BLOCK];
	struct queue_verify v;
	struct world w;

	(void)state;
	world_init(&w);
	log_head_write(&head, block);
	block[8]++;                     /* its version */
	store_u64(block + HEAD_CHECKSUM, checksum64(slice_of(block, HEAD_CHECKSUM), 0));
	write_at(&w, "003.log", slice_of(block, sizeof block), 0);
	verify(&w, &v);
	assert_true(v.newer);
	assert_int_equal(w.kinds[FINDING_NEWER], 1);
	world_finish(&w);
}

/* Three damages; then the n-th disk call of the repair fails, and all that follow. */
static void a_repair_that_fails_anywhere_is_run_again(void **state)
{
	bool fired = true;

	(void)state;
	for (unsigned n = 1; fired; n++) {
		struct os_faulty faulty;
		struct queue_repair r;
		struct queue_verify v;
		struct there there;
		struct world w;

		world_init(&w);
		flip(&w, "001.log", 2 * LOG_BLOCK + 100, 1);
		flip(&w, "001.log", 6 * LOG_BLOCK + 100, 1);            /* 4 has no entry */
		flip(&w, "pack/001.pack", w.places[1].offset + 10, 1);  /* 1 no trace */
		flip(&w, "pack/001.pack", (uint32_t)w.ends[1] - 5, 1);  /* 3 no body */
		verify(&w, &v);
		assert_int_equal(v.damage, 5);
		os_faulty_wrap(&faulty, w.os);
		os_faulty_arm(&faulty, FAULT_ANY, n, -EIO);
		faulty.all_after = true;
		repair(&w, &v, &r);
		fired = os_faulty_fired(&faulty);
		os_faulty_unwrap(&faulty);
		mend(&w, &there);
		if (there.waits[1] != 1 || there.waits[3] != 0 || there.fails[3] != 2 ||
		    there.waiting != ENTRIES - 2 || there.failed != 2 || there.keys < 3)
			fail_msg("call %u: %u wait, %u failed", n, there.waiting, there.failed);
		assert_true(messages_aside(&w) >= 2);
		world_finish(&w);
	}
}

static void a_disk_that_can_not_read_is_a_finding(void **state)
{
	bool fired = true;

	(void)state;
	for (unsigned n = 1; fired; n++) {
		struct os_faulty faulty;
		struct queue_verify v;
		struct world w;

		world_init(&w);
		os_faulty_wrap(&faulty, w.os);
		os_faulty_arm(&faulty, FAULT_READ | FAULT_OPEN, n, -EIO);
		verify(&w, &v);
		fired = os_faulty_fired(&faulty);
		os_faulty_unwrap(&faulty);
		if (fired != (v.damage > 0) || fired != v.failed)
			fail_msg("call %u: %u findings", n, (unsigned)v.damage);
		world_finish(&w);
	}
}

UNIT_TESTS(
    cmocka_unit_test(a_sound_queue_has_no_finding),
    cmocka_unit_test(every_flipped_byte_of_a_log_is_survived),
    cmocka_unit_test(damage_behind_a_base_hides_what_came_then),
    cmocka_unit_test(what_is_pending_is_not_lost),
    cmocka_unit_test(every_flipped_byte_of_a_pack_is_found),
    cmocka_unit_test(a_lost_body_is_told_of_by_itself),
    cmocka_unit_test(files_may_be_missing),
    cmocka_unit_test(an_older_chain_is_a_note),
    cmocka_unit_test(a_place_with_another_message),
    cmocka_unit_test(a_later_posthouse),
    cmocka_unit_test(a_repair_that_fails_anywhere_is_run_again),
    cmocka_unit_test(a_disk_that_can_not_read_is_a_finding))
