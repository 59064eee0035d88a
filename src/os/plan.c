/* os/plan.c - run a list of disk operations on the pool, in order. */
#include "os/plan.h"

#include <errno.h>
#include <string.h>

#include "base/check.h"
#include "base/checksum.h"
#include "base/limits.h"

/* What goes to one place after another, on the stack of the pool thread: the heap is
 * the loop's. */
struct window {
	struct os *os;
	int fd;
	uint64_t offset;
	size_t n;
	unsigned char bytes[PLAN_COPY_PIECE];
};

static int flush(struct window *w)
{
	int error = 0;

	if (w->n > 0)
		error = os_pwrite(w->os, w->fd, slice_of(w->bytes, w->n), w->offset);
	w->n = 0;
	return error;
}

/* The next byte is for this place. */
static int move_to(struct window *w, int fd, uint64_t offset)
{
	int error = 0;

	if (w->n == sizeof w->bytes || w->fd != fd || w->offset + w->n != offset)
		error = flush(w);
	if (w->n == 0) {
		w->fd = fd;
		w->offset = offset;
	}
	return error;
}

static size_t room(const struct window *w, uint64_t wanted)
{
	size_t left = sizeof w->bytes - w->n;

	return wanted < left ? (size_t)wanted : left;
}

static int write_bytes(struct window *w, const struct plan_step *step)
{
	slice bytes = step->bytes;
	int error = 0;

	if (bytes.len >= sizeof w->bytes) {
		error = flush(w);
		return error != 0 ? error : os_pwrite(w->os, step->fd, bytes, step->offset);
	}
	while (error == 0 && bytes.len > 0) {
		size_t n;

		error = move_to(w, step->fd, step->offset + (step->bytes.len - bytes.len));
		n = room(w, bytes.len);
		memcpy(w->bytes + w->n, bytes.ptr, n);
		w->n += n;
		bytes = slice_drop(bytes, n);
	}
	return error;
}

static int copy(struct window *w, struct plan_step *step)
{
	struct checksum_stream sum;
	uint64_t at = 0;

	checksum_begin(&sum, 0);
	while (at < step->length) {
		int error = move_to(w, step->fd, step->offset + at);
		size_t n = room(w, step->length - at);
		ssize_t got;

		if (error != 0)
			return error;
		got = os_pread(w->os, step->from, w->bytes + w->n, n, step->from_offset + at);
		if (got != (ssize_t)n) {
			step->unreadable = true;
			step->read_error = got < 0 ? (int)got : -EIO;
			return 0;
		}
		checksum_add(&sum, slice_of(w->bytes + w->n, n));
		w->n += n;
		at += n;
	}
	step->unreadable = checksum_end(&sum) != step->checksum;
	return 0;
}

/* Never again after a failure: Linux has marked the pages clean, and would say 0. */
static int sync(struct os *os, int fd)
{
	int error = os_sync(os, fd);

	if (error != 0 && os_planted(os, OS_PLANT_SYNC_AGAIN))
		error = os_sync(os, fd);
	return error;
}

static int run_step(struct window *w, struct plan_step *step)
{
	int error;

	if (step->verb == PLAN_WRITE)
		return write_bytes(w, step);
	if (step->verb == PLAN_COPY)
		return copy(w, step);
	error = flush(w);
	if (error != 0)
		return error;
	switch (step->verb) {
	case PLAN_SYNC:
		return sync(w->os, step->fd);
	case PLAN_SYNC_FOLDER:
		return os_sync_folder(w->os, step->fd);
	case PLAN_SYNC_SYSTEM:
		return os_sync_system(w->os, step->fd);
	case PLAN_UNLINK:
		return os_unlink(w->os, OS_ROOT, step->path);
	case PLAN_WRITE:
	case PLAN_COPY:
		break;
	}
	check(!"a verb of enum plan_verb");
	return 0;
}

/* On a pool thread. */
static void run(struct os_work *work)
{
	struct plan *plan = work->owner;
	struct window w;

	w.os = work->os;
	w.fd = -1;
	w.offset = w.n = 0;
	for (size_t i = 0; i < plan->n && plan->error == 0; i++) {
		plan->error = run_step(&w, &plan->steps[i]);
		plan->unreadable = plan->unreadable || plan->steps[i].unreadable;
	}
	if (plan->error == 0)
		plan->error = flush(&w);
}

static void done(struct os_work *work)
{
	struct plan *plan = work->owner;

	plan->done(plan);
}

void plan_init(struct plan *plan, void (*done_fn)(struct plan *plan), void *owner)
{
	*plan = (struct plan){ .done = done_fn, .owner = owner };
	plan->work = (struct os_work){ .run = run, .done = done, .owner = plan };
}

void plan_add(struct os *os, struct plan *plan, struct plan_step step)
{
	check(plan->work.impl == NULL);
	if (plan->n == plan->capacity) {
		plan->capacity = plan->capacity == 0 ? 4 : plan->capacity * 2;
		plan->steps = heap_resize(os_heap(os), plan->steps,
		    plan->capacity * sizeof *plan->steps);
	}
	plan->steps[plan->n++] = step;
}

void plan_start(struct os *os, struct plan *plan)
{
	uint64_t bytes = 0;

	plan->error = 0;
	plan->unreadable = false;
	for (size_t i = 0; i < plan->n && bytes <= OS_BRIEF_BYTES; i++)
		bytes += plan->steps[i].bytes.len + plan->steps[i].length;
	plan->work.brief = bytes <= OS_BRIEF_BYTES;
	os_work_start(os, &plan->work);
}

void plan_reset(struct os *os, struct plan *plan)
{
	check(plan->work.impl == NULL);
	heap_free(os_heap(os), plan->steps);
	plan->steps = NULL;
	plan->n = 0;
	plan->capacity = 0;
	plan->error = 0;
}
