/* os/os_faulty.c - stands before the table of another os. */
#include "os/os_faulty.h"

#include "base/check.h"
#include "base/list.h"

static struct os_faulty *faulty_of(struct os *os)
{
	return list_item(os->ops, struct os_faulty, ops);
}

/* 0, or what this operation fails with. Also called on pool threads. */
static int fault(struct os *os, unsigned kind)
{
	struct os_faulty *f = faulty_of(os);
	unsigned number;

	if (f->n == 0 || (f->kinds & kind) == 0)
		return 0;
	number = atomic_fetch_add(&f->count, 1) + 1;
	return number == f->n || (f->all_after && number > f->n) ? f->error : 0;
}

static int faulty_open(struct os *os, int dir, const char *path, int flags)
{
	int error = fault(os, FAULT_OPEN);

	return error != 0 ? error : faulty_of(os)->real->open(os, dir, path, flags);
}

static int faulty_mkdir(struct os *os, int dir, const char *path)
{
	int error = fault(os, FAULT_OPEN);

	return error != 0 ? error : faulty_of(os)->real->mkdir(os, dir, path);
}

static int faulty_unlink(struct os *os, int dir, const char *path)
{
	int error = fault(os, FAULT_REMOVE);

	return error != 0 ? error : faulty_of(os)->real->unlink(os, dir, path);
}

static int faulty_rmdir(struct os *os, int dir, const char *path)
{
	int error = fault(os, FAULT_REMOVE);

	return error != 0 ? error : faulty_of(os)->real->rmdir(os, dir, path);
}

static int faulty_list(struct os *os, int dir, const char *path,
    bool (*visit)(void *, const char *), void *context)
{
	int error = fault(os, FAULT_READ);

	return error != 0 ? error : faulty_of(os)->real->list(os, dir, path, visit, context);
}

static int64_t faulty_size(struct os *os, int fd)
{
	int error = fault(os, FAULT_READ);

	return error != 0 ? error : faulty_of(os)->real->size(os, fd);
}

static ssize_t faulty_pread(struct os *os, int fd, void *buf, size_t n, uint64_t offset)
{
	int error = fault(os, FAULT_READ);

	return error != 0 ? error : faulty_of(os)->real->pread(os, fd, buf, n, offset);
}

static int faulty_pwritev(struct os *os, int fd, const slice *parts, size_t n,
    uint64_t offset)
{
	const struct os_ops *real = faulty_of(os)->real;
	int error = fault(os, FAULT_WRITE);

	if (error == 0)
		return real->pwritev(os, fd, parts, n, offset);
	if (n > 0) {
		slice half = slice_head(parts[0], parts[0].len / 2);

		real->pwritev(os, fd, &half, 1, offset);
	}
	return error;
}

static int faulty_sync(struct os *os, int fd)
{
	int error = fault(os, FAULT_SYNC);

	return error != 0 ? error : faulty_of(os)->real->sync(os, fd);
}

static int faulty_sync_folder(struct os *os, int fd)
{
	int error = fault(os, FAULT_SYNC);

	return error != 0 ? error : faulty_of(os)->real->sync_folder(os, fd);
}

static int faulty_sync_system(struct os *os, int fd)
{
	int error = fault(os, FAULT_SYNC);

	return error != 0 ? error : faulty_of(os)->real->sync_system(os, fd);
}

static int faulty_channel_send(struct os *os, int fd, slice message, const int *fds,
    size_t n_fds)
{
	int error = fault(os, FAULT_CHANNEL);

	return error != 0 ? error :
	    faulty_of(os)->real->channel_send(os, fd, message, fds, n_fds);
}

static ssize_t faulty_channel_receive(struct os *os, int fd, void *buf, size_t size,
    int ret_fds[], size_t *ret_n_fds)
{
	ssize_t n = faulty_of(os)->real->channel_receive(os, fd, buf, size, ret_fds, ret_n_fds);
	int error = n > 0 ? fault(os, FAULT_CHANNEL) : 0;

	if (error == 0)
		return n;
	while (*ret_n_fds > 0)
		os_close(os, ret_fds[--*ret_n_fds]);
	return error;
}

void os_faulty_wrap(struct os_faulty *faulty, struct os *os)
{
	*faulty = (struct os_faulty){ .ops = *os->ops, .real = os->ops, .os = os };
	faulty->ops.open = faulty_open;
	faulty->ops.mkdir = faulty_mkdir;
	faulty->ops.unlink = faulty_unlink;
	faulty->ops.rmdir = faulty_rmdir;
	faulty->ops.list = faulty_list;
	faulty->ops.size = faulty_size;
	faulty->ops.pread = faulty_pread;
	faulty->ops.pwritev = faulty_pwritev;
	faulty->ops.sync = faulty_sync;
	faulty->ops.sync_folder = faulty_sync_folder;
	faulty->ops.sync_system = faulty_sync_system;
	faulty->ops.channel_send = faulty_channel_send;
	faulty->ops.channel_receive = faulty_channel_receive;
	os->ops = &faulty->ops;
}

void os_faulty_unwrap(struct os_faulty *faulty)
{
	check(faulty->os->ops == &faulty->ops);
	faulty->os->ops = faulty->real;
}

void os_faulty_arm(struct os_faulty *faulty, unsigned kinds, unsigned n, int error)
{
	check(error < 0);
	faulty->kinds = kinds;
	faulty->n = n;
	faulty->error = error;
	faulty->all_after = false;
	atomic_store(&faulty->count, 0);
}

bool os_faulty_fired(const struct os_faulty *faulty)
{
	return faulty->n > 0 && atomic_load(&faulty->count) >= faulty->n;
}
