/* account/survey_test.c - any byte flipped, any disk call failed: found, repaired,
 * and all messages are there that were not hit themselves. */
#include "unit.h"

#include <errno.h>
#include <stdio.h>

#include <zstd.h>

#include "account/repair.h"
#include "account/slot.h"
#include "base/checksum.h"
#include "os/os_faulty.h"
#include "os/os_sim.h"

enum { ID = 77, DISK = 16 * 1024 * 1024, LIVES = 3, EACH = 3, MESSAGES = LIVES * EACH };

struct world {
	struct sim *sim;
	struct os *os;
	struct heap *heap;              /* of the survey at hand */
	uint64_t generation;
	uint32_t sent;
	int aside;
	bool appends;                   /* entries are written as a client's APPEND does it */
	unsigned kinds[FINDING_KINDS];  /* told by the survey at hand */
	struct finding last;
};

static const uint8_t address[4] = { 127, 0, 0, 1 };

/* ---- an account with history ---- */

static slice prefix_of(uint32_t n, struct buffer *out)
{
	char id[MESSAGE_ID_TEXT];

	message_id_print((struct message_id){ 1, n + 1, 1000 }, id);
	buffer_printf(out, "Return-Path: <a@b>\r\nDelivered-To: c@d\r\nReceived: from x ([1.2.3.4])"
	    "\r\n\tby y (Posthouse) with ESMTP id %s; Thu, 26 Nov 2026 00:00:%02u +0000\r\n", id,
	    (unsigned)n);
	return buffer_bytes(out);
}

/* Write message n into a pack; fills the place and the sizes of the row. */
static void write_entry(struct world *w, struct account *a, int pack, uint32_t n,
    struct account_row *row)
{
	struct buffer prefix = buffer_init(a->heap, 1 << 16), entry = buffer_init(a->heap, 1 << 16);
	struct pack_place place = { ID, row->pack, row->offset };
	char text[512];
	unsigned char frame[1024];
	struct pack_body body;
	int len = snprintf(text, sizeof text, "Subject: %u\r\n\r\nThis is message %u of them.\r\n",
	    (unsigned)n, (unsigned)n * 7919);

	body.size = (uint64_t)len;
	body.stored = ZSTD_compress(frame, sizeof frame, text, (size_t)len, 1);
	assert_false(ZSTD_isError(body.stored));
	body.checksum = checksum64(slice_of(frame, body.stored), 0);
	if (!w->appends)
		prefix_of(n, &prefix);
	pack_entry_write(&entry, place, buffer_bytes(&prefix), body);
	buffer_add(&entry, slice_of(frame, body.stored));
	assert_int_equal(os_pwrite(w->os, pack, buffer_bytes(&entry), row->offset), 0);
	row->stored = (uint32_t)buffer_bytes(&entry).len;
	row->size = (uint32_t)(buffer_bytes(&prefix).len + body.size);
	buffer_free(&prefix);
	buffer_free(&entry);
}

static void settle(struct world *w, struct account *a, int log)
{
	struct account_write writes[2];
	size_t n = account_take(a, a->n_changes, writes);

	assert_true(n > 0);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(os_pwrite(w->os, log, writes[i].bytes, writes[i].offset), 0);
	assert_int_equal(os_sync(w->os, log), 0);
	account_settled(a);
}

/* A store's life: one segment, one pack, a settle after each delivery. */
static void live(struct world *w, uint32_t messages)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct account *a = heap_new(heap, struct account);
	struct account_notes notes = { 0 };
	struct account_files files;
	uint32_t end = 0;

	account_init(a, heap, ID);
	assert_int_equal(account_load(w->os, a, false, &notes), ACCOUNT_LOADED);
	assert_int_equal(account_files_create(w->os, ID, FILES_LOG | FILES_PACK | FILES_FIRST,
	    a->log_next, a->state.head.pack_next, &files), 0);
	account_begin(a, files.log_number, ++w->generation, 4711, 12345);
	for (uint32_t i = 0; i < messages; i++) {
		struct account_row row = { .key = { 1000, w->sent + 1, 1, 0 },
		    .pack = files.pack_number, .offset = end };

		write_entry(w, a, files.pack, w->sent++, &row);
		end += row.stored;
		account_deliver(a, &row);
		settle(w, a, files.log);
	}
	account_files_close(w->os, &files);
	heap_drop(heap);
}

static void world_init(struct world *w, unsigned lives)
{
	struct sim_host *host;

	*w = (struct world){ .sim = sim_create(1), .generation = 5000 };
	host = sim_host_create(w->sim, "host", address, DISK);
	w->os = sim_process_create(host, "test");
	assert_int_equal(os_mkdir(w->os, OS_ROOT, "aside"), 0);
	w->aside = os_open(w->os, OS_ROOT, "aside", OS_READ | OS_FOLDER);
	for (unsigned i = 0; i < lives; i++)
		live(w, EACH);
}

static void world_finish(struct world *w)
{
	heap_drop(w->heap);
	sim_destroy(w->sim);
}

/* ---- survey and repair ---- */

struct listener {
	struct finder finder;
	struct world *world;
};

static void tell(struct finder *finder, const struct finding *finding)
{
	struct world *w = ((struct listener *)finder)->world;

	w->kinds[finding->kind]++;
	w->last = *finding;
}

static struct listener listener;

static void survey(struct world *w, struct account_survey *s)
{
	listener = (struct listener){ { tell, NULL, "account/" }, w };
	heap_drop(w->heap);
	w->heap = heap_create(SIZE_MAX);
	memset(w->kinds, 0, sizeof w->kinds);
	*s = (struct account_survey){ .os = w->os, .heap = w->heap, .finder = &listener.finder,
	    .account = ID };
	account_survey(s);
}

static int repair(struct world *w, struct account_survey *s)
{
	struct account_repair r = { .survey = s, .aside = w->aside,
	    .birth = { ++w->generation, ++w->generation, 9999, 54321 } };

	return account_repair(&r);
}

/* Repaired if need be, sound then, and nobody is there twice. Returns how many of
 * the messages there are; bits of *ret_have, of *ret_same those with the old UID. */
static unsigned mend(struct world *w, unsigned *ret_have, unsigned *ret_same)
{
	struct account_survey s;
	unsigned n = 0;

	survey(w, &s);
	assert_false(s.failed);
	if (s.damage > 0)
		assert_int_equal(repair(w, &s), 0);
	survey(w, &s);
	if (s.damage > 0)
		fail_msg("after repair: %s: %s", w->last.path, w->last.text);
	*ret_have = *ret_same = 0;
	for (size_t i = 0; i < s.state.n_rows; i++) {
		uint32_t number = s.state.rows[i].key.sequence;

		assert_in_range(number, 1, MESSAGES);
		assert_int_equal(*ret_have & 1u << number, 0);
		*ret_have |= 1u << number;
		*ret_same |= s.state.rows[i].uid == number ? 1u << number : 0;
		n++;
	}
	return n;
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

static uint32_t size_of(struct world *w, const char *path)
{
	int fd = os_open(w->os, OS_ROOT, path, OS_READ);
	int64_t size = os_size(w->os, fd);

	assert_true(fd >= 0 && size > 0);
	os_close(w->os, fd);
	return (uint32_t)size;
}

/* ---- tests ---- */

static void a_sound_account_has_no_finding(void **state)
{
	struct account_survey s;
	struct world w;

	(void)state;
	world_init(&w, LIVES);
	survey(&w, &s);
	assert_int_equal(s.damage, 0);
	assert_int_equal(s.state.n_rows, MESSAGES);
	assert_int_equal(s.n_unnamed, 0);
	world_finish(&w);
	world_init(&w, 0);
	survey(&w, &s);
	assert_int_equal(s.damage, 0);
	world_finish(&w);
}

/* In steps that meet each record. */
static void every_flipped_byte_of_a_log_is_survived(void **state)
{
	unsigned have, same, found = 0;

	(void)state;
	for (uint32_t log = 1; log <= LIVES; log++) {
		uint32_t size = 2 * LOG_BLOCK;

		for (uint32_t at = log; at < size; at += 61) {
			struct account_survey s;
			char path[ACCOUNT_PATH_MAX];
			struct world w;

			world_init(&w, LIVES);
			account_log_path(ID, log, path);
			size = size_of(&w, path);
			flip(&w, path, at, 0x20);
			survey(&w, &s);
			found += s.damage > 0;
			if (mend(&w, &have, &same) != MESSAGES)
				fail_msg("%s, byte %u: messages are lost", path, at);
			world_finish(&w);
		}
	}
	assert_true(found > 30);
}

/* All rows in a base, and one batch of a log that says that it counts: what is damaged
 * there can't be a torn tail. */
static void a_base_without_its_log_is_found(void **state)
{
	unsigned have, same, found = 0;
	uint32_t size = 2 * LOG_BLOCK;

	(void)state;
	for (uint32_t at = LOG_BLOCK; at < size; at += 7) {
		struct account_notes notes = { 0 };
		struct account_survey s;
		enum account_load_result result;
		struct account account;
		char path[ACCOUNT_PATH_MAX];
		struct world w;

		world_init(&w, LIVES);
		survey(&w, &s);
		assert_int_equal(repair(&w, &s), 0);
		account_log_path(ID, LIVES + 2, path);
		size = size_of(&w, path);
		flip(&w, path, at, 0x20);
		survey(&w, &s);
		account_init(&account, w.heap, ID);
		result = account_load(w.os, &account, true, &notes);
		if (s.damage == 0 && (result != ACCOUNT_LOADED ||
		    account.state.n_rows != MESSAGES))
			fail_msg("%s, byte %u: shown as %zu messages, and nothing is found", path,
			    at, account.state.n_rows);
		found += s.damage > 0;
		if (mend(&w, &have, &same) != MESSAGES)
			fail_msg("%s, byte %u: messages are lost", path, at);
		world_finish(&w);
	}
	assert_true(found > 10);
}

/* A crash before the first sync of a log leaves any part of its head block: a note. */
static void a_log_that_was_never_whole_is_no_damage(void **state)
{
	for (uint32_t size = 0; size <= LOG_BLOCK; size += 8) {
		unsigned char block[LOG_BLOCK];
		struct account_survey s;
		char path[ACCOUNT_PATH_MAX];
		struct world w;
		int fd;

		world_init(&w, LIVES);
		log_head_write(&(struct log_head){ .kind = LOG_ACCOUNT, .generation = 7,
		    .owner = ID, .number = LIVES + 1, .size = LOG_SEGMENT_MAX }, block);
		account_log_path(ID, LIVES + 1, path);
		fd = os_open(w.os, OS_ROOT, path, OS_WRITE | OS_CREATE);
		assert_int_equal(os_pwrite(w.os, fd, slice_of(block, size), 0), 0);
		os_close(w.os, fd);
		survey(&w, &s);
		if (s.damage > 0)
			fail_msg("%u bytes: %s: %s", size, w.last.path, w.last.text);
		assert_int_equal(w.kinds[FINDING_LEFTOVER], size < LOG_BLOCK);
		if (size < LOG_BLOCK)
			assert_non_null(strstr(w.last.path, path));
		assert_int_equal(s.state.n_rows, MESSAGES);
		world_finish(&w);
	}
	(void)state;
}

static void a_flipped_byte_of_a_pack_costs_one_message(void **state)
{
	unsigned have, same;

	(void)state;
	for (uint32_t pack = 1; pack <= LIVES; pack++) {
		uint32_t size = 1;

		for (uint32_t at = 0; at < size; at += 29) {
			struct account_survey s;
			char path[ACCOUNT_PATH_MAX];
			struct world w;

			world_init(&w, LIVES);
			account_pack_path(ID, pack, path);
			size = size_of(&w, path);
			flip(&w, path, at, 0x20);
			survey(&w, &s);
			assert_int_equal(s.damage, 1);
			assert_int_equal(w.kinds[FINDING_MESSAGE], 1);
			assert_true(w.last.from <= at && at < w.last.to);
			assert_int_equal(mend(&w, &have, &same), MESSAGES - 1);
			assert_int_equal(have, same);
			world_finish(&w);
		}
	}
}

static void files_may_be_missing(void **state)
{
	char path[ACCOUNT_PATH_MAX];
	unsigned have, same;

	(void)state;
	for (uint32_t n = 1; n <= LIVES; n++) {
		struct world w;

		world_init(&w, LIVES);
		account_log_path(ID, n, path);
		assert_int_equal(os_unlink(w.os, OS_ROOT, path), 0);
		assert_int_equal(mend(&w, &have, &same), MESSAGES);
		world_finish(&w);
		world_init(&w, LIVES);
		account_pack_path(ID, n, path);
		assert_int_equal(os_unlink(w.os, OS_ROOT, path), 0);
		assert_int_equal(mend(&w, &have, &same), MESSAGES - EACH);
		assert_int_equal(have, same);
		world_finish(&w);
	}
}

/* What is on its way still will come by itself; unless the account has its key. */
static bool all_pending(void *context, struct message_id id)
{
	(void)context;
	(void)id;
	return true;
}

static void what_is_pending_is_not_lost(void **state)
{
	struct account_survey s;
	char path[ACCOUNT_PATH_MAX];
	struct world w;

	(void)state;
	world_init(&w, 1);
	account_log_path(ID, 1, path);
	assert_int_equal(os_unlink(w.os, OS_ROOT, path), 0);
	survey(&w, &s);
	assert_int_equal(w.kinds[FINDING_UNNAMED], EACH);
	s = (struct account_survey){ .os = w.os, .heap = w.heap, .finder = &listener.finder,
	    .account = ID, .pending = all_pending };
	account_survey(&s);
	assert_int_equal(s.damage, 0);
	world_finish(&w);
}

/* An APPEND that did not come to its end: its bytes are there, and nobody was told so. */
static void an_unfinished_append_is_not_lost(void **state)
{
	struct account_survey s;
	struct account a;
	struct account_row row = { .pack = 1 };
	char path[ACCOUNT_PATH_MAX];
	struct world w;
	int pack;

	(void)state;
	for (unsigned appends = 0; appends < 2; appends++) {
		world_init(&w, 1);
		survey(&w, &s);
		a = (struct account){ .heap = w.heap };
		account_pack_path(ID, row.pack, path);
		row.offset = size_of(&w, path);
		pack = os_open(w.os, OS_ROOT, path, OS_WRITE);
		w.appends = appends;
		write_entry(&w, &a, pack, w.sent, &row);
		os_close(w.os, pack);
		survey(&w, &s);
		assert_int_equal(w.kinds[FINDING_UNNAMED], !appends);
		world_finish(&w);
	}
}

/* Several messages of one APPEND, of whose record the power left a part. */
static void a_torn_append_is_not_lost(void **state)
{
	enum { APPENDED = 100 };

	(void)state;
	for (size_t written = 0; written < APPENDED * RECORD_ROW_LEN; written += 1500) {
		struct account_row rows[APPENDED];
		struct account_write writes[2];
		struct account_notes notes = { 0 };
		struct account_files files;
		struct account_survey s;
		struct heap *heap = heap_create(SIZE_MAX);
		struct account *a = heap_new(heap, struct account);
		struct world w;
		uint32_t end = 0;

		world_init(&w, 1);
		w.appends = true;
		account_init(a, heap, ID);
		assert_int_equal(account_load(w.os, a, false, &notes), ACCOUNT_LOADED);
		assert_int_equal(account_files_create(w.os, ID, FILES_LOG | FILES_PACK | FILES_FIRST,
		    a->log_next, a->state.head.pack_next, &files), 0);
		account_begin(a, files.log_number, ++w.generation, 4711, 12345);
		settle(&w, a, files.log);
		for (uint32_t i = 0; i < APPENDED; i++) {
			rows[i] = (struct account_row){ .key = { 7, i + 1, 9, 0 },
			    .pack = files.pack_number, .offset = end };
			write_entry(&w, a, files.pack, EACH + i, &rows[i]);
			end += rows[i].stored;
		}
		account_deliver_all(a, rows, APPENDED);
		assert_int_equal(account_take(a, a->n_changes, writes), 1);
		assert_int_equal(os_pwrite(w.os, files.log, slice_head(writes[0].bytes, written),
		    writes[0].offset), 0);
		account_files_close(w.os, &files);
		heap_drop(heap);
		survey(&w, &s);
		assert_int_equal(s.state.n_rows, EACH);
		assert_int_equal(s.damage, 0);
		assert_int_equal(w.kinds[FINDING_UNNAMED], 0);
		world_finish(&w);
	}
}

/* A server delivers while the survey reads: a whole entry comes into the pack. */
static void deliver_meanwhile(struct finder *finder, const char *log, uint64_t bytes)
{
	struct world *w = ((struct listener *)finder)->world;
	struct account a = { .heap = w->heap };
	struct account_row row = { .pack = 1 };
	char path[ACCOUNT_PATH_MAX];
	int pack;

	(void)bytes;
	if (strstr(log, ".log") == NULL)
		return;
	account_pack_path(ID, row.pack, path);
	row.offset = size_of(w, path);
	pack = os_open(w->os, OS_ROOT, path, OS_WRITE);
	write_entry(w, &a, pack, w->sent++, &row);
	os_close(w->os, pack);
}

static void what_comes_meanwhile_is_not_lost(void **state)
{
	struct account_survey s;
	struct world w;

	(void)state;
	world_init(&w, 1);
	survey(&w, &s);
	listener.finder.read = deliver_meanwhile;
	s = (struct account_survey){ .os = w.os, .heap = w.heap, .finder = &listener.finder,
	    .account = ID };
	account_survey(&s);
	assert_int_equal(w.sent, EACH + 1);
	assert_int_equal(s.damage, 0);
	/* And one that stands there before it, without a record, is. */
	survey(&w, &s);
	assert_int_equal(w.kinds[FINDING_UNNAMED], 1);
	world_finish(&w);
}

/* Two damages; then the n-th disk call of the repair fails, and all that follow. */
static void a_repair_that_fails_anywhere_is_run_again(void **state)
{
	unsigned have, same;
	bool fired = true;

	(void)state;
	for (unsigned n = 1; fired; n++) {
		char path[ACCOUNT_PATH_MAX];
		struct account_survey s;
		struct os_faulty faulty;
		struct world w;

		world_init(&w, LIVES);
		account_log_path(ID, 2, path);
		flip(&w, path, 2 * LOG_BLOCK + 60, 1);
		account_pack_path(ID, 3, path);
		flip(&w, path, 10, 1);
		survey(&w, &s);
		assert_true(s.damage > 1);
		os_faulty_wrap(&faulty, w.os);
		os_faulty_arm(&faulty, FAULT_ANY, n, -EIO);
		faulty.all_after = true;
		repair(&w, &s);
		fired = os_faulty_fired(&faulty);
		os_faulty_unwrap(&faulty);
		if (mend(&w, &have, &same) != MESSAGES - 1)
			fail_msg("call %u: %x are left", n, have);
		world_finish(&w);
	}
}

static void a_disk_that_can_not_read_is_a_finding(void **state)
{
	bool fired = true;

	(void)state;
	for (unsigned n = 1; fired; n++) {
		struct account_survey s;
		struct os_faulty faulty;
		struct world w;

		world_init(&w, LIVES);
		os_faulty_wrap(&faulty, w.os);
		os_faulty_arm(&faulty, FAULT_READ | FAULT_OPEN, n, -EIO);
		survey(&w, &s);
		fired = os_faulty_fired(&faulty);
		os_faulty_unwrap(&faulty);
		assert_true(s.n_bad <= MESSAGES);
		if (fired != (s.damage > 0))
			fail_msg("call %u: %u findings", n, (unsigned)s.damage);
		world_finish(&w);
	}
}

/* ---- mailboxes ---- */

/* A life of a client: UIDs 1 to 3 are copied to "work", 4 is moved there, 5 is expunged into
 * the graveyard; some have flags and a keyword. */
static void live_client(struct world *w)
{
	static const uint32_t uids[] = { 1, 2, 3, 4, 5 };
	struct heap *heap = heap_create(SIZE_MAX);
	struct account *a = heap_new(heap, struct account);
	struct account_notes notes = { 0 };
	struct account_files files;
	uint32_t uid_first;
	uint16_t work;
	uint64_t n;
	int keyword;

	account_init(a, heap, ID);
	assert_int_equal(account_load(w->os, a, true, &notes), ACCOUNT_LOADED);
	assert_int_equal(account_files_create(w->os, ID, FILES_LOG | FILES_FIRST, a->log_next, 0,
	    &files), 0);
	account_begin(a, files.log_number, ++w->generation, 4711, 12345);
	settle(w, a, files.log);
	assert_int_equal(account_create(a, slice_lit("work"), USE_NONE, &work), ACCOUNT_CHANGED);
	settle(w, a, files.log);
	assert_int_equal(account_copy(a, 0, work, uids, 3, false, 7, &uid_first, &n),
	    ACCOUNT_CHANGED);
	settle(w, a, files.log);
	assert_int_equal(account_copy(a, 0, work, uids + 3, 1, true, 7, &uid_first, &n),
	    ACCOUNT_CHANGED);
	settle(w, a, files.log);
	keyword = account_keyword_add(a, slice_lit("$Junk"));
	assert_int_equal(account_flag(a, 0, FLAGS_ADD, ACCOUNT_SEEN | account_keyword_bit(keyword),
	    uids, 5), 4);
	settle(w, a, files.log);
	assert_int_equal(account_expunge(a, 0, uids + 4, 1, 7), 1);
	settle(w, a, files.log);
	account_files_close(w->os, &files);
	heap_drop(heap);
}

/* Which messages are there, at least once. */
static unsigned present(const struct account_survey *s)
{
	unsigned have = 0;

	for (size_t i = 0; i < s->state.n_rows; i++)
		have |= 1u << s->state.rows[i].key.sequence;
	return have;
}

static void copies_are_sound(void **state)
{
	const struct account_mailbox *work;
	struct account_survey s;
	char path[ACCOUNT_PATH_MAX];
	struct world w;

	world_init(&w, LIVES);
	live_client(&w);
	survey(&w, &s);
	assert_int_equal(s.damage, 0);
	assert_int_equal(s.state.n_rows, MESSAGES + 3);
	/* The bytes of UID 2 are those of its copy too. */
	account_pack_path(ID, s.state.rows[1].pack, path);
	flip(&w, path, s.state.rows[1].offset + 3, 0x20);
	survey(&w, &s);
	assert_int_equal(w.kinds[FINDING_MESSAGE], 2);
	assert_int_equal(s.n_bad, 2);
	assert_int_equal(repair(&w, &s), 0);
	survey(&w, &s);
	assert_int_equal(s.damage, 0);
	assert_int_equal(s.state.n_rows, MESSAGES + 1);
	work = account_mailbox_find(&s.state, slice_lit("work"));
	assert_non_null(work);
	assert_int_equal(work->uidvalidity, 4712);
	assert_int_equal(work->messages, 3);
	assert_int_equal(s.state.mailboxes[0].buried, 1);
	assert_true(s.state.rows[0].flags == (ACCOUNT_SEEN | account_keyword_bit(0)));
	assert_int_equal(account_state_keyword(&s.state, slice_lit("$junk")), 0);
	world_finish(&w);
}

/* The last place that a record names is that of a copy, whose UID is above those of messages
 * behind it that were expunged. */
static void what_was_expunged_below_a_copy_is_not_lost(void **state)
{
	static const uint32_t copied[] = { 2 }, gone[] = { 2, 3 };
	struct account_notes notes = { 0 };
	struct account_survey s;
	struct heap *heap = heap_create(SIZE_MAX);
	struct account *a = heap_new(heap, struct account);
	struct account_files files;
	struct account_birth birth;
	uint32_t uid_first;
	struct world w;
	uint16_t work;
	uint64_t n;
	int log;

	(void)state;
	world_init(&w, 1);
	account_init(a, heap, ID);
	assert_int_equal(account_load(w.os, a, true, &notes), ACCOUNT_LOADED);
	assert_int_equal(account_files_create(w.os, ID, FILES_LOG, a->log_next, 0, &files), 0);
	account_begin(a, files.log_number, ++w.generation, 4711, 12345);
	settle(&w, a, files.log);
	assert_int_equal(account_create(a, slice_lit("work"), USE_NONE, &work), ACCOUNT_CHANGED);
	settle(&w, a, files.log);
	assert_int_equal(account_copy(a, 0, work, copied, 1, false, 7, &uid_first, &n),
	    ACCOUNT_CHANGED);
	settle(&w, a, files.log);
	assert_int_equal(account_expunge(a, 0, gone, 2, 0), 2);
	settle(&w, a, files.log);
	account_files_close(w.os, &files);
	birth = (struct account_birth){ ++w.generation, ++w.generation, 4711, 12345 };
	assert_int_equal(account_rebase(w.os, a, &birth, 0, &log), 0);
	os_close(w.os, log);
	heap_drop(heap);
	survey(&w, &s);
	assert_int_equal(s.state.n_rows, 2);
	assert_int_equal(s.damage, 0);
	world_finish(&w);
}

/* Any byte of the client's log: no message is lost, and repair makes it sound. */
static void a_client_s_log_may_be_damaged(void **state)
{
	unsigned all = ((1u << MESSAGES) - 1) << 1;
	uint32_t size = 1;

	for (uint32_t at = 0; at < size; at += at % LOG_BLOCK < 200 ? 19 : 1301) {
		struct account_survey s;
		char path[ACCOUNT_PATH_MAX];
		struct world w;

		world_init(&w, LIVES);
		live_client(&w);
		account_log_path(ID, LIVES + 1, path);
		size = size_of(&w, path);
		flip(&w, path, at, 0x20);
		survey(&w, &s);
		assert_false(s.failed);
		if (s.damage > 0)
			assert_int_equal(repair(&w, &s), 0);
		survey(&w, &s);
		if (s.damage > 0 || present(&s) != all)
			fail_msg("byte %u: %s: %s", (unsigned)at, w.last.path, w.last.text);
		world_finish(&w);
	}
}

UNIT_TESTS(cmocka_unit_test(copies_are_sound),
    cmocka_unit_test(a_client_s_log_may_be_damaged),
    cmocka_unit_test(what_was_expunged_below_a_copy_is_not_lost),
    cmocka_unit_test(an_unfinished_append_is_not_lost),
    cmocka_unit_test(a_torn_append_is_not_lost),
    cmocka_unit_test(a_sound_account_has_no_finding),
    cmocka_unit_test(every_flipped_byte_of_a_log_is_survived),
    cmocka_unit_test(a_base_without_its_log_is_found),
    cmocka_unit_test(a_log_that_was_never_whole_is_no_damage),
    cmocka_unit_test(a_flipped_byte_of_a_pack_costs_one_message),
    cmocka_unit_test(files_may_be_missing),
    cmocka_unit_test(what_is_pending_is_not_lost),
    cmocka_unit_test(what_comes_meanwhile_is_not_lost),
    cmocka_unit_test(a_repair_that_fails_anywhere_is_run_again),
    cmocka_unit_test(a_disk_that_can_not_read_is_a_finding))
