/* account/base.c - the whole state as one segment, written and verified.
 *
 * The file is nobody's until a later HEAD names it, so a crash at any point
 * leaves the account as it was. What is read back is compared by what it adds up
 * to: as many rows and ranges, and the same checksum over all payloads. */
#include "account/files.h"

#include <errno.h>

#include "account/slot.h"
#include "base/check.h"
#include "base/checksum.h"

struct base {
	struct os *os;
	struct account *account;
	struct log_writer log;
	int fd;
	uint64_t checksum;              /* of each payload, seeded with the one before */
};

static int write_out(struct base *b, bool close)
{
	uint32_t offset;
	slice bytes = log_take(&b->log, close, &offset);
	int error = bytes.len == 0 ? 0 : os_pwrite(b->os, b->fd, bytes, offset);

	log_taken_done(&b->log);
	return error;
}

static int add(struct base *b, uint8_t type, struct buffer *payload)
{
	uint32_t sequence, offset;
	slice bytes = buffer_bytes(payload);
	int error = -EFBIG;

	b->checksum = checksum64(bytes, b->checksum);
	if (log_append(&b->log, type, &bytes, 1, &sequence, &offset))
		error = write_out(b, false);
	buffer_free(payload);
	return error;
}

static int add_mailboxes(struct base *b)
{
	const struct account_state *s = &b->account->state;
	int error = 0;

	for (size_t at = 0; at < s->n_mailboxes && error == 0;) {
		struct buffer payload = buffer_init(b->account->heap, LOG_RECORD_MAX);
		size_t left = s->n_mailboxes - at;
		size_t n = left < ACCOUNT_CHUNK_MAILBOXES ? left : ACCOUNT_CHUNK_MAILBOXES;

		record_mailbox_begin_write(0, (uint32_t)n, &payload);
		for (size_t i = at; i < at + n; i++) {
			struct mailbox_entry entry = account_mailbox_entry(&s->mailboxes[i]);

			put_mailbox_entry(&payload, &entry);
		}
		error = add(b, RECORD_MAILBOX, &payload);
		at += n;
	}
	return error;
}

static int add_keywords(struct base *b)
{
	const struct account_state *s = &b->account->state;
	struct buffer payload = buffer_init(b->account->heap, LOG_RECORD_MAX);
	uint32_t n = 0;

	for (uint8_t i = 0; i < ACCOUNT_KEYWORDS_MAX; i++)
		n += s->keywords[i].len > 0;
	if (n == 0)
		return 0;
	record_keyword_begin_write(n, &payload);
	for (uint8_t i = 0; i < ACCOUNT_KEYWORDS_MAX; i++) {
		if (s->keywords[i].len > 0)
			put_keyword_entry(&payload, i, s->keywords[i]);
	}
	return add(b, RECORD_KEYWORD, &payload);
}

static int add_all(struct base *b)
{
	const struct account_state *s = &b->account->state;
	struct buffer payload = buffer_init(b->account->heap, LOG_RECORD_MAX);
	int error;

	record_vanished_write(s->head.account, s->horizon, s->n_rows, s->vanished,
	    (uint32_t)s->n_vanished, &payload);
	error = add(b, RECORD_VANISHED, &payload);
	if (error == 0)
		error = add_mailboxes(b);
	if (error == 0)
		error = add_keywords(b);
	for (size_t at = 0; at < s->n_rows && error == 0;) {
		size_t left = s->n_rows - at;
		uint32_t n = left < ACCOUNT_CHUNK_ROWS ? (uint32_t)left : ACCOUNT_CHUNK_ROWS;

		record_rows_write(s->rows + at, n, &payload);
		error = add(b, RECORD_BASE, &payload);
		at += n;
	}
	return error != 0 ? error : write_out(b, true);
}

static int read_back(struct base *b, uint32_t number, uint32_t end)
{
	struct segment_reader reader;
	struct log_record record;
	uint64_t checksum = 0;
	uint32_t from, to;
	enum segment_next next;

	if (segment_open(&reader, b->os, b->account->heap, b->account->state.head.account,
	    number) != SEGMENT_OPEN)
		return -EIO;
	reader.log.limit = end;
	reader.log.synced_to = end;
	while ((next = segment_next(&reader, &record, &from, &to)) == SEGMENT_RECORD)
		checksum = checksum64(record.payload, checksum);
	segment_close(&reader);
	return next == SEGMENT_END && checksum == b->checksum ? 0 : -EIO;
}

static int write_file(struct base *b, uint32_t number, uint64_t generation, int folder)
{
	unsigned char block[LOG_BLOCK];
	struct log_head head = {
		.kind = LOG_ACCOUNT,
		.generation = generation,
		.owner = b->account->state.head.account,
		.number = number,
		.size = LOG_SEGMENT_MAX,
	};
	int error;

	log_writer_init(&b->log, b->account->heap, &head);
	log_head_write(&head, block);
	error = os_pwrite(b->os, b->fd, slice_of(block, sizeof block), 0);
	if (error == 0)
		error = add_all(b);
	if (error == 0)
		error = os_sync(b->os, b->fd);
	if (error == 0)
		error = os_sync_folder(b->os, folder);
	if (error == 0)
		error = read_back(b, number, b->log.taken_to);
	log_writer_finish(&b->log);
	return error;
}

static int write_base(struct os *os, struct account *a, uint64_t generation,
    struct account_segment *ret_base)
{
	struct base b = { .os = os, .account = a };
	struct account_files files;
	int error;

	error = account_files_create(os, a->state.head.account, FILES_LOG, a->log_next, 0, &files);
	if (error != 0)
		return error;
	b.fd = files.log;
	error = write_file(&b, files.log_number, generation, files.folders[1]);
	if (error == 0)
		*ret_base = (struct account_segment){ files.log_number, generation,
		    b.log.taken_to };
	account_files_close(os, &files);
	return error;
}

/* The segment whose HEAD makes the base valid. */
static int write_segment(struct os *os, struct account *a, const struct account_birth *birth,
    int *ret_log)
{
	struct account_files files;
	struct account_write writes[2];
	size_t n;
	int error;

	error = account_files_create(os, a->state.head.account, FILES_LOG, a->log_next, 0, &files);
	if (error != 0)
		return error;
	account_begin(a, files.log_number, birth->generation, birth->uidvalidity,
	    birth->created_us);
	n = account_take(a, a->n_changes, writes);
	check(n > 0);
	for (size_t i = 0; i < n && error == 0; i++)
		error = os_pwrite(os, files.log, writes[i].bytes, writes[i].offset);
	if (error == 0)
		error = os_sync_folder(os, files.folders[1]);
	if (error == 0)
		error = os_sync(os, files.log);
	account_files_close_folders(os, &files);
	if (error != 0) {
		account_failed(a);
		os_close(os, files.log);
		return error;
	}
	account_settled(a);
	*ret_log = files.log;
	return 0;
}

int account_rebase(struct os *os, struct account *a, const struct account_birth *birth,
    uint32_t pack_number, int *ret_log)
{
	struct account_segment base = { 0 };
	int error = 0;

	account_absorb(a);
	/* A removed account is its HEAD and nothing else. */
	if (!a->state.head.removed)
		error = write_base(os, a, birth->base_generation, &base);
	if (error != 0)
		return error;
	account_based(a, &base);
	error = write_segment(os, a, birth, ret_log);
	if (error != 0)
		return error;
	account_collect_logs(os, a);
	/* Nor does any of its mail stay, not even what came a moment ago. */
	account_collect_packs(os, a, a->state.head.removed ? UINT32_MAX : pack_number);
	return 0;
}
