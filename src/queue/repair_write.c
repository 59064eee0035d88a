/* queue/repair_write.c - a chain of log files, as the relay writes it
 * (role/relay_log.c), but blocking. */
#include <errno.h>
#include <string.h>

#include "base/check.h"
#include "queue/repair_impl.h"

enum { PENDING_MAX = 1024 * 1024 };

static void fail(struct queue_chain *c, int error)
{
	if (c->error == 0)
		c->error = error;
}

static void write_out(struct queue_chain *c)
{
	uint32_t offset;
	slice bytes = log_take(&c->writer, true, &offset);

	if (c->error == 0 && bytes.len > 0)
		fail(c, os_pwrite(c->os, c->fd, bytes, offset));
	c->taken_to = offset + (uint32_t)bytes.len;
	log_taken_done(&c->writer);
}

static void close_file(struct queue_chain *c)
{
	queue_chain_sync(c);
	os_close(c->os, c->fd);
	c->fd = -1;
	log_writer_finish(&c->writer);
}

static void begin_file(struct queue_chain *c)
{
	struct log_head head = { .kind = LOG_QUEUE, .size = QUEUE_FILE_SIZE, .number = c->next,
	    .generation = os_random_u64(c->os) | 1 };
	struct buffer first = buffer_init(c->heap, 64);
	unsigned char block[LOG_BLOCK];
	uint32_t sequence, offset;
	char path[QUEUE_PATH];
	bool fits;
	slice part;

	if (c->next == UINT32_MAX - 1)
		fail(c, -EFBIG);
	log_head_write(&head, block);
	log_writer_init(&c->writer, c->heap, &head);
	queue_log_path(c->next++, path);
	if (c->error == 0)
		c->fd = os_open(c->os, OS_ROOT, path, OS_WRITE | OS_CREATE | OS_EXCLUSIVE);
	fail(c, c->fd < 0 ? c->fd : 0);
	if (c->error == 0)
		fail(c, os_pwrite(c->os, c->fd, slice_of(block, sizeof block), 0));
	queue_number_write(c->first, &first);
	part = buffer_bytes(&first);
	fits = log_append(&c->writer, QUEUE_BEGIN, &part, 1, &sequence, &offset);
	check(fits);
	buffer_free(&first);
}

void queue_chain_begin(struct queue_chain *c, const struct queue_verify *v)
{
	const struct queue_disk *d = &v->disk;

	*c = (struct queue_chain){ .os = v->os, .heap = v->heap, .fd = -1, .first = 1 };
	if (d->n_files > 0)
		c->first = d->files[d->n_files - 1].number + 1;
	c->next = c->first;
	begin_file(c);
}

void queue_chain_add(struct queue_chain *c, enum queue_record type, slice payload)
{
	uint32_t sequence, offset;
	bool fits;

	if (!log_append(&c->writer, (uint8_t)type, &payload, 1, &sequence, &offset)) {
		close_file(c);
		begin_file(c);
		fits = log_append(&c->writer, (uint8_t)type, &payload, 1, &sequence, &offset);
		check(fits);
	}
	if (buffer_bytes(&c->writer.pending).len > PENDING_MAX)
		write_out(c);
}

void queue_chain_sync(struct queue_chain *c)
{
	write_out(c);
	if (c->error == 0)
		fail(c, os_sync(c->os, c->fd));
	if (c->error == 0)
		fail(c, os_sync_folder_at(c->os, OS_ROOT, "."));
	if (c->error == 0)
		log_synced(&c->writer, c->taken_to);
}

int queue_chain_end(struct queue_chain *c)
{
	close_file(c);
	return c->error;
}
