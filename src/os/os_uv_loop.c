/* os/os_uv_loop.c - the loop of a process, on libuv.
 *
 * One turn: timers, defers, then it waits for descriptors, pool and signals.
 * Defers run in rounds, since the gathering of one (a stream's output) may be
 * the work of the next (a channel's packet). After DEFER_ROUNDS_MAX the rest
 * waits for the next turn, which then does not sleep: whoever arms itself
 * again and again (a long command that yields) does not starve the sockets.
 *
 * Timers are kept when they stop, and used again: arming one costs no call of
 * the kernel and no allocation. So are watches, each for its descriptor's number:
 * a new one makes libuv try the descriptor in epoll, and set its mode. */
#include "os/os_uv_impl.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "base/check.h"
#include "base/limits.h"

/* ---- clock and chance ---- */

uint64_t loop_now_ms(struct os *os)
{
	return uv_now(&os_uv_of(os)->world->loop);
}

uint64_t loop_now_us(struct os *os)
{
	return uv_hrtime() / 1000;
}

int64_t loop_wall_us(struct os *os)
{
	struct os_uv *self = os_uv_of(os);
	struct timespec now;
	int64_t now_us;

	clock_gettime(CLOCK_REALTIME, &now);
	now_us = (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
	if (now_us > self->wall_last_us)
		self->wall_last_us = now_us;
	return self->wall_last_us;
}

void loop_random(struct os *os, void *buf, size_t n)
{
	unsigned char *at = buf;

	while (n > 0) {
		ssize_t got = getrandom(at, n, 0);

		check(got > 0 || errno == EINTR);
		if (got > 0) {
			at += got;
			n -= (size_t)got;
		}
	}
}

/* ---- timers ---- */

struct timer {
	uv_timer_t uv;
	struct list link;               /* in a role's timers, or world->spare_timers */
	struct os_uv *os;
	struct os_timer *timer;
};

static void timer_retire(struct timer *t)
{
	uv_timer_stop(&t->uv);
	t->timer->impl = NULL;
	t->timer = NULL;
	list_remove(&t->link);
	list_append(&t->os->world->spare_timers, &t->link);
}

static void timer_fired(uv_timer_t *uv)
{
	struct timer *t = uv->data;
	struct os_timer *timer = t->timer;

	if (t->os->stopped)
		return;                 /* loop_stop_all() will retire it */
	timer_retire(t);
	timer->fire(timer);
}

void loop_timer_start(struct os *os, struct os_timer *timer, uint64_t delay_ms)
{
	struct os_uv *self = os_uv_of(os);
	struct timer *t = timer->impl;
	struct list *spare;

	if (t == NULL) {
		spare = list_take_first(&self->world->spare_timers);
		if (spare != NULL) {
			t = list_item(spare, struct timer, link);
		} else {
			t = heap_new(self->world->heap, struct timer);
			uv_timer_init(&self->world->loop, &t->uv);
			t->uv.data = t;
		}
		t->os = self;
		t->timer = timer;
		timer->impl = t;
		list_append(&self->timers, &t->link);
	}
	check(t->timer == timer && t->os == self);
	uv_timer_start(&t->uv, timer_fired, delay_ms, 0);
}

void loop_timer_stop(struct os *os, struct os_timer *timer)
{
	if (timer->impl != NULL)
		timer_retire(timer->impl);
}

/* ---- defers ---- */

void loop_defer(struct os *os, struct os_defer *defer)
{
	if (defer->armed)
		return;
	defer->armed = true;
	list_append(&os_uv_of(os)->defers, &defer->link);
}

void loop_defer_cancel(struct os *os, struct os_defer *defer)
{
	if (!defer->armed)
		return;
	defer->armed = false;
	list_remove(&defer->link);
}

/* One round of a role: what is armed now. Returns whether there was any. */
static bool run_round(struct os_uv *os)
{
	struct list *link;
	bool any = false;

	while ((link = list_take_first(&os->defers)) != NULL)
		list_append(&os->running, link);
	while (!os->stopped && (link = list_take_first(&os->running)) != NULL) {
		struct os_defer *defer = list_item(link, struct os_defer, link);

		any = true;
		defer->armed = false;
		defer->run(defer);
	}
	return any;
}

bool loop_run_defers(struct world *world)
{
	for (unsigned round = 0; round < DEFER_ROUNDS_MAX; round++) {
		bool any = false;

		/* A role that starts meanwhile is appended; none goes. */
		for (struct list *at = world->roles.next; at != &world->roles; at = at->next) {
			struct os_uv *os = list_item(at, struct os_uv, link);

			if (!os->stopped && run_round(os))
				any = true;
		}
		if (!any)
			return false;
	}
	return true;
}

/* ---- watches ---- */

struct watch {
	uv_poll_t uv;
	struct list link;               /* in a role's watches; alone when it is spare */
	struct os_uv *os;
	struct os_watch *watch;         /* NULL: spare */
	int fd;
	int events;                     /* UV_READABLE, UV_WRITABLE */
};

static void watch_ready(uv_poll_t *uv, int status, int events)
{
	struct watch *w = uv->data;
	int ready = 0;

	if (w->os->stopped)
		return;
	if (status < 0) {
		/* libuv stops a handle on EPOLLERR; ours is level-triggered. */
		uv_poll_start(&w->uv, w->events, watch_ready);
		ready = OS_READABLE | OS_WRITABLE;
	}
	if (events & UV_READABLE)
		ready |= OS_READABLE;
	if (events & UV_WRITABLE)
		ready |= OS_WRITABLE;
	w->watch->ready(w->watch, ready);
}

/* The one of a descriptor's number. It outlives the descriptor: a descriptor that is
 * watched does not block (os.h makes no other), so nothing of the old one is kept. */
static struct watch *watch_of(struct world *world, int fd)
{
	size_t n = world->n_watches, at = (size_t)fd;
	struct watch *w;
	int error;

	if (at >= n) {
		size_t more = at + at / 2 + 64;

		world->watches = heap_resize(world->heap, world->watches,
		    more * sizeof *world->watches);
		memset(world->watches + n, 0, (more - n) * sizeof *world->watches);
		world->n_watches = more;
	}
	w = world->watches[at];
	if (w != NULL)
		return w;
	w = heap_new(world->heap, struct watch);
	error = uv_poll_init(&world->loop, &w->uv, fd);
	check(error == 0);
	w->uv.data = w;
	w->fd = fd;
	list_init(&w->link);
	world->watches[at] = w;
	return w;
}

void loop_watch_start(struct os *os, struct os_watch *watch, int fd, int events)
{
	struct os_uv *self = os_uv_of(os);
	struct watch *w = watch->impl;
	int wanted = (events & OS_READABLE ? UV_READABLE : 0) |
	    (events & OS_WRITABLE ? UV_WRITABLE : 0);
	int error;

	if (w == NULL) {
		w = watch_of(self->world, fd);
		check(w->watch == NULL);        /* two watches on a descriptor */
		w->os = self;
		w->watch = watch;
		watch->impl = w;
		list_append(&self->watches, &w->link);
	}
	check(w->watch == watch && w->fd == fd);
	if (w->events == wanted)
		return;
	w->events = wanted;
	error = uv_poll_start(&w->uv, wanted, watch_ready);
	check(error == 0);
}

void loop_watch_stop(struct os *os, struct os_watch *watch)
{
	struct watch *w = watch->impl;

	if (w == NULL)
		return;
	watch->impl = NULL;
	w->watch = NULL;
	w->events = 0;
	list_remove(&w->link);
	uv_poll_stop(&w->uv);
}

/* ---- pool work ---- */

struct work {
	uv_work_t uv;
	struct list link;
	struct os_uv *os;
	struct os_work *work;
};

/* On a pool thread. */
static void work_run(uv_work_t *uv)
{
	struct work *w = uv->data;

	w->work->run(w->work);
}

static void work_done(uv_work_t *uv, int status)
{
	struct work *w = uv->data;
	struct os_uv *os = w->os;
	struct os_work *work = w->work;

	work->impl = NULL;
	list_remove(&w->link);
	heap_free(os->world->heap, w);
	if (!os->stopped)
		work->done(work);
}

static void brief_done(struct os_defer *after)
{
	struct os_work *work = after->owner;

	work->impl = NULL;
	work->done(work);
}

static void run_at_once(struct os *os, struct os_work *work)
{
	work->impl = work;
	work->run(work);
	work->after = (struct os_defer){ .run = brief_done, .owner = work };
	os_defer(os, &work->after);
}

void loop_work_start(struct os *os, struct os_work *work)
{
	struct os_uv *self = os_uv_of(os);
	struct work *w;

	check(work->impl == NULL);
	if (work->brief && self->world->memory != NULL) {
		run_at_once(os, work);
		return;
	}
	w = heap_new(self->world->heap, struct work);
	w->uv.data = w;
	w->os = self;
	w->work = work;
	work->impl = w;
	list_append(&self->works, &w->link);
	uv_queue_work(&self->world->loop, &w->uv, work_run, work_done);
}

/* ---- signals ---- */

struct signal_handle {
	uv_signal_t uv;
	struct list link;
	struct os_uv *os;
	struct os_signal *signal;
};

static void signal_caught(uv_signal_t *uv, int signo)
{
	struct signal_handle *s = uv->data;

	if (!s->os->stopped)
		s->signal->caught(s->signal);
}

static void signal_closed(uv_handle_t *handle)
{
	heap_free(world_of(handle)->heap, handle->data);
}

void loop_signal_start(struct os *os, struct os_signal *signal, int signo)
{
	struct os_uv *self = os_uv_of(os);
	struct signal_handle *s = heap_new(self->world->heap, struct signal_handle);
	int error;

	check(signal->impl == NULL);
	uv_signal_init(&self->world->loop, &s->uv);
	s->uv.data = s;
	s->os = self;
	s->signal = signal;
	signal->impl = s;
	list_append(&self->signals, &s->link);
	error = uv_signal_start(&s->uv, signal_caught, signo);
	check(error == 0);
}

void loop_signal_stop(struct os *os, struct os_signal *signal)
{
	struct signal_handle *s = signal->impl;

	if (s == NULL)
		return;
	signal->impl = NULL;
	list_remove(&s->link);
	uv_close((uv_handle_t *)&s->uv, signal_closed);
}

void loop_stop_all(struct os_uv *os)
{
	dns_stop(os);
	list_for(at, &os->timers)
		timer_retire(list_item(at, struct timer, link));
	list_for(at, &os->watches)
		loop_watch_stop(&os->os, list_item(at, struct watch, link)->watch);
	list_for(at, &os->signals)
		loop_signal_stop(&os->os, list_item(at, struct signal_handle, link)->signal);
	list_for(at, &os->works)
		uv_cancel((uv_req_t *)&list_item(at, struct work, link)->uv);
	list_for(at, &os->running)
		loop_defer_cancel(&os->os, list_item(at, struct os_defer, link));
	list_for(at, &os->defers)
		loop_defer_cancel(&os->os, list_item(at, struct os_defer, link));
}
