/* os/plan.c - run a list of disk operations on the pool, in order. */
#include "os/plan.h"

#include <errno.h>

#include "base/check.h"
#include "base/limits.h"

/* Through the stack of the pool thread: the heap is the loop's. */
static int copy(struct os *os, const struct plan_step *step)
{
	unsigned char piece[PLAN_COPY_PIECE];
	uint64_t at = 0;

	while (at < step->length) {
		uint64_t left = step->length - at;
		size_t n = left < sizeof piece ? (size_t)left : sizeof piece;
		ssize_t got = os_pread(os, step->from, piece, n, step->from_offset + at);
		int error;

		if (got < 0)
			return (int)got;
		if ((size_t)got < n)
			return -EIO;
		error = os_pwrite(os, step->fd, slice_of(piece, n), step->offset + at);
		if (error != 0)
			return error;
		at += n;
	}
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

static int run_step(struct os *os, const struct plan_step *step)
{
	switch (step->verb) {
	case PLAN_WRITE:
		return os_pwrite(os, step->fd, step->bytes, step->offset);
	case PLAN_COPY:
		return copy(os, step);
	case PLAN_SYNC:
		return sync(os, step->fd);
	case PLAN_SYNC_FOLDER:
		return os_sync_folder(os, step->fd);
	case PLAN_SYNC_SYSTEM:
		return os_sync_system(os, step->fd);
	case PLAN_UNLINK:
		return os_unlink(os, OS_ROOT, step->path);
	}
	check(!"a verb of enum plan_verb");
	return 0;
}

/* On a pool thread. */
static void run(struct os_work *work)
{
	struct plan *plan = work->owner;

	for (size_t i = 0; i < plan->n; i++) {
		plan->error = run_step(work->os, &plan->steps[i]);
		if (plan->error != 0) {
			plan->failed_at = i;
			return;
		}
	}
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
	plan->error = 0;
	plan->failed_at = 0;
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
	plan->failed_at = 0;
}
