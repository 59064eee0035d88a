/* account/describe_test.c - each record in words, and what is none. */
#include "account/describe.h"

#include <errno.h>
#include <stdio.h>

#include "account/record.h"
#include "account/slot.h"
#include "log/log.h"
#include "os/os_sim.h"
#include "unit.h"

static const uint8_t ip[4] = { 127, 0, 0, 1 };

enum { ID = 77, DISK = 1 << 20, SEGMENT = 64 * 1024 };

struct world {
	struct sim *sim;
	struct os *os;
	struct heap *heap;
	struct log_writer log;
	int fd;
	char text[4096];
	size_t len;
	unsigned lines_max;
};

static void world_init(struct world *w)
{
	struct log_head head = { LOG_ACCOUNT, 0, 99, ID, 3, SEGMENT };
	unsigned char block[LOG_BLOCK];
	char path[ACCOUNT_PATH_MAX];

	*w = (struct world){ .sim = sim_create(1), .lines_max = 100 };
	w->os = sim_process_create(sim_host_create(w->sim, "host", ip, DISK), "test");
	w->heap = os_heap(w->os);
	account_slot_path(ID, path);
	assert_int_equal(os_mkdir(w->os, OS_ROOT, path), 0);
	account_folder_path(ID, path);
	assert_int_equal(os_mkdir(w->os, OS_ROOT, path), 0);
	account_log_path(ID, 3, path);
	w->fd = os_open(w->os, OS_ROOT, path, OS_WRITE | OS_CREATE);
	log_head_write(&head, block);
	assert_int_equal(os_pwrite(w->os, w->fd, slice_of(block, sizeof(block)), 0), 0);
	log_writer_init(&w->log, w->heap, &head);
}

static void add(struct world *w, uint8_t type, slice payload)
{
	uint32_t sequence, offset;

	assert_true(log_append(&w->log, type, &payload, 1, &sequence, &offset));
}

static void write_all(struct world *w)
{
	uint32_t offset;
	slice bytes = log_take(&w->log, true, &offset);

	assert_int_equal(os_pwrite(w->os, w->fd, bytes, offset), 0);
	log_taken_done(&w->log);
}

/* Without the segment and offset in front. */
static bool keep_line(void *context, const char *text)
{
	struct world *w = context;

	assert_true(strlen(text) > 14 && strncmp(text, "003 ", 4) == 0);
	w->len += (size_t)snprintf(w->text + w->len, sizeof(w->text) - w->len, "%s\n", text + 14);
	return --w->lines_max > 0;
}

static enum account_described describe(struct world *w)
{
	int error = 0;

	return account_describe(w->os, ID, keep_line, w, &error);
}

static void tells_each_record(void **state)
{
	static const struct uid_range ranges[] = { { 1, 1 }, { 3, 5 } };
	struct account_row row = { .uid = 1, .modseq = 1, .received_us = 1000000,
	    .key = { 3, 2, 1, 4 }, .size = 500, .stored = 300, .pack = 1, .offset = 16 };
	struct account_head head = { .account = ID, .uidvalidity = 5, .uidvalidity_next = 6, .uid_next = 1, .n_chain = 1,
	    .chain = { { 2, 9, 8192 } } };
	struct account_expunged expunged = { 2, 4, 900, ranges, 2, 0 };
	struct mailbox_entry entries[] = {
		{ 3, MAILBOX_EXISTS | MAILBOX_SUBSCRIBED, USE_SENT, 6, 1, 1, 3, 3,
		    slice_lit("Sent\x1b") },
		{ 4, 0, 0, 7, 9, 1, 2, 2, slice_lit("old") },
	};
	struct account_flagged flagged = { 4, 0, FLAGS_ADD,
		ACCOUNT_SEEN | ACCOUNT_DELETED | account_keyword_bit(4), ranges, 2 };
	struct account_copied copied = { 5, 3, 3 | ACCOUNT_GRAVEYARD, true, 20, 0, 4, 900, ranges,
		2 };
	struct account_key key = row.key;
	struct world w;
	struct buffer out;

	world_init(&w);
	out = buffer_init(w.heap, SEGMENT);
	record_head_write(&head, &out);
	add(&w, RECORD_HEAD, buffer_bytes(&out));
	buffer_truncate(&out, 0);
	record_keys_write(&key, 1, &out);
	add(&w, RECORD_KEYS, buffer_bytes(&out));
	buffer_truncate(&out, 0);
	record_rows_write(&row, 1, &out);
	add(&w, RECORD_DELIVERED, buffer_bytes(&out));
	add(&w, RECORD_BASE, buffer_bytes(&out));
	add(&w, RECORD_DELIVERED, slice_drop(buffer_bytes(&out), 1));
	buffer_truncate(&out, 0);
	record_expunged_write(&expunged, &out);
	add(&w, RECORD_EXPUNGED_FROM, buffer_bytes(&out));
	buffer_truncate(&out, 0);
	record_mailbox_begin_write(3, 2, &out);
	put_mailbox_entry(&out, &entries[0]);
	put_mailbox_entry(&out, &entries[1]);
	add(&w, RECORD_MAILBOX, buffer_bytes(&out));
	buffer_truncate(&out, 0);
	record_keyword_begin_write(1, &out);
	put_keyword_entry(&out, 4, slice_lit("$Junk"));
	add(&w, RECORD_KEYWORD, buffer_bytes(&out));
	buffer_truncate(&out, 0);
	record_flags_write(&flagged, &out);
	add(&w, RECORD_FLAGS, buffer_bytes(&out));
	buffer_truncate(&out, 0);
	record_copied_write(&copied, &out);
	add(&w, RECORD_COPIED, buffer_bytes(&out));
	buffer_truncate(&out, 0);
	row.mailbox = 3;
	row.flags = ACCOUNT_SEEN | account_keyword_bit(4);
	record_rows_write(&row, 1, &out);
	add(&w, RECORD_BASE, buffer_bytes(&out));
	buffer_truncate(&out, 0);
	record_vanished_write(ID, 7, 0, NULL, 0, &out);
	add(&w, RECORD_VANISHED, buffer_bytes(&out));
	buffer_truncate(&out, 0);
	record_removed_write(8, &out);
	add(&w, RECORD_REMOVED, buffer_bytes(&out));
	write_all(&w);
	assert_int_equal(describe(&w), DESCRIBED);
	assert_string_equal(w.text,
	    "begins with 0 messages, 0 bytes; next UID 1, UIDVALIDITY 5, modseq 0, made"
	    " 1970-01-01T00:00:00Z\n"
	    "follows segment 002 up to 8192\n"
	    "remembers 1 deliveries that may come again\n"
	    "delivered UID 1 at 1970-01-01T00:00:01Z: message 1.3.2, recipient 4, 500 bytes, pack"
	    " 001 from 16, modseq 1\n"
	    "has UID 1 at 1970-01-01T00:00:01Z: message 1.3.2, recipient 4, 500 bytes, pack"
	    " 001 from 16, modseq 1\n"
	    "a record \"delivered\" that cannot be read\n"
	    "expunged UID 1,3:5: 4 messages, 900 bytes, modseq 2\n"
	    "mailbox 3 is \"Sent?\", subscribed, sent; UIDVALIDITY 6, next UID 1, recent from 1,"
	    " modseq 3\n"
	    "mailbox 4 is gone, was \"old\"; UIDVALIDITY 7, next UID 9, recent from 1, modseq 3\n"
	    "keyword 4 is \"$Junk\"\n"
	    "UID 1,3:5 got \\Deleted \\Seen k4, modseq 4\n"
	    "moved UID 1,3:5 of mailbox 3 to the graveyard of mailbox 3 as UID 20 on: 4 messages,"
	    " 900 bytes, modseq 5\n"
	    "has UID 1 of mailbox 3 at 1970-01-01T00:00:01Z: message 1.3.2, recipient 4, 500"
	    " bytes, pack 001 from 16, modseq 1, \\Seen k4\n"
	    "a base: 0 messages follow; 0 ranges of vanished UIDs, known since modseq 7\n"
	    "removed, modseq 8\n");
	sim_destroy(w.sim);
}

static void names_what_is_newer(void **state)
{
	struct world w;

	world_init(&w);
	add(&w, 200, slice_lit("from the future"));
	write_all(&w);
	assert_int_equal(describe(&w), DESCRIBED_NEWER);
	assert_string_equal(w.text, "a record of a later Posthouse (type 200)\n");
	sim_destroy(w.sim);
}

static void stops_when_told(void **state)
{
	struct world w;

	world_init(&w);
	for (unsigned i = 0; i < 5; i++)
		add(&w, RECORD_REMOVED, slice_lit("12345678"));
	write_all(&w);
	w.lines_max = 2;
	assert_int_equal(describe(&w), DESCRIBED);
	assert_int_equal(w.lines_max, 0);
	sim_destroy(w.sim);
}

static void knows_no_log_from_a_bad_one(void **state)
{
	struct world w;
	int error = 0;

	world_init(&w);
	assert_int_equal(account_describe(w.os, ID + 1, keep_line, &w, &error), DESCRIBED_NONE);
	assert_int_equal(os_pwrite(w.os, w.fd, slice_lit("none"), 0), 0);
	assert_int_equal(os_pwrite(w.os, w.fd, slice_lit("none"), LOG_BLOCK / 2), 0);
	assert_int_equal(describe(&w), DESCRIBED);
	assert_string_equal(w.text, "its head cannot be read: damaged, or not written yet\n");
	sim_destroy(w.sim);
}

UNIT_TESTS(cmocka_unit_test(tells_each_record), cmocka_unit_test(names_what_is_newer),
    cmocka_unit_test(stops_when_told), cmocka_unit_test(knows_no_log_from_a_bad_one))
