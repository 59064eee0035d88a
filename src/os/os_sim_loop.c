/* os/os_sim_loop.c - a simulated process's loop: clock, timers, watches, deferred
 * calls, work and signals.
 *
 * One turn of a process: sim_enter, one handler, what it deferred, sim_leave.
 * Ends and power cuts that struck meanwhile happen in sim_leave.
 */
#include "os/os_sim_impl.h"

#include "base/check.h"

/* ---- turns ---- */

static void run_defers(struct sim_process *process)
{
	for (size_t n = 0; !list_empty(&process->defers); n++) {
		struct list *first = list_take_first(&process->defers);
		struct os_defer *defer = list_item(first, struct os_defer, link);

		check(n < SIM_DEFERS_MAX);
		defer->armed = false;
		defer->run(defer);
	}
}

void sim_enter(struct sim_process *process)
{
	check(process->sim->current == NULL);
	check(!process->dead);
	process->sim->current = process;
}

void sim_leave(struct sim_process *process)
{
	struct sim_host *host = process->host;

	check(process->sim->current == process);
	run_defers(process);
	process->sim->current = NULL;
	if (process->doomed)
		sim_process_end(process, -9);
	else if (process->stopping)
		sim_process_end(process, process->status);
	if (host->cut_pending)
		sim_power_cut(host);
}

static void turn_fire(struct sim_event *event)
{
	struct sim_process *process = list_item(event, struct sim_process, turn);

	if (sim_frozen(process, event))
		return;
	sim_trace(process->sim, process, SIM_TURN, 0, 0, (slice){ 0 });
	sim_enter(process);
	sim_leave(process);
}

void sim_turn_soon(struct sim_process *process)
{
	if (process->turn.place == 0 && !process->dead) {
		process->turn.fire = turn_fire;
		sim_schedule(process->sim, &process->turn, 0);
	}
}

void sim_os_defer(struct os *os, struct os_defer *defer)
{
	struct sim_process *process = sim_process_of(os);

	if (defer->armed)
		return;
	defer->armed = true;
	list_append(&process->defers, &defer->link);
	if (process->sim->current == NULL)
		sim_turn_soon(process);
}

void sim_os_defer_cancel(struct os *os, struct os_defer *defer)
{
	if (!defer->armed)
		return;
	defer->armed = false;
	list_remove(&defer->link);
}

/* ---- clock ---- */

uint64_t sim_os_now_us(struct os *os)
{
	return sim_process_of(os)->sim->now_us;
}

uint64_t sim_os_now_ms(struct os *os)
{
	return sim_os_now_us(os) / 1000;
}

int64_t sim_os_wall_us(struct os *os)
{
	struct sim_process *process = sim_process_of(os);
	int64_t now = process->host->wall_base_us + (int64_t)process->sim->now_us;

	if (now > process->wall_us)
		process->wall_us = now;
	return process->wall_us;
}

void sim_os_random(struct os *os, void *buf, size_t n)
{
	chance_fill(&sim_process_of(os)->chance, buf, n);
}

/* ---- timers ---- */

struct sim_timer {
	struct sim_event event;
	struct list link;
	struct sim_process *process;
	struct os_timer *timer;
};

static void timer_free(struct sim_timer *t)
{
	sim_unschedule(t->process->sim, &t->event);
	list_remove(&t->link);
	heap_free(t->process->sim->heap, t);
}

static void timer_fire(struct sim_event *event)
{
	struct sim_timer *t = list_item(event, struct sim_timer, event);
	struct sim_process *process = t->process;
	struct os_timer *timer = t->timer;

	if (sim_frozen(process, event))
		return;
	timer_free(t);
	timer->impl = NULL;
	sim_trace(process->sim, process, SIM_TIMER, 0, 0, (slice){ 0 });
	sim_enter(process);
	timer->fire(timer);
	sim_leave(process);
}

/* Timers are a little late, never early. */
void sim_os_timer_start(struct os *os, struct os_timer *timer, uint64_t delay_ms)
{
	struct sim_process *process = sim_process_of(os);
	struct sim_timer *t = timer->impl;

	if (process->dead)
		return;
	if (t == NULL) {
		t = heap_new(process->sim->heap, struct sim_timer);
		t->event.fire = timer_fire;
		t->process = process;
		t->timer = timer;
		list_append(&process->timers, &t->link);
		timer->impl = t;
	}
	sim_unschedule(process->sim, &t->event);
	sim_schedule(process->sim, &t->event,
	    delay_ms * 1000 + chance_skewed(&process->sim->loop, 1, 2000));
}

void sim_os_timer_stop(struct os *os, struct os_timer *timer)
{
	if (timer->impl == NULL || sim_process_of(os)->dead)
		return;
	timer_free(timer->impl);
	timer->impl = NULL;
}

/* ---- watches ---- */

static void watch_schedule(struct sim_watch *w)
{
	if (w->event.place == 0 && (sim_object_ready(w->object) & w->events) != 0)
		sim_schedule(w->process->sim, &w->event,
		    chance_skewed(&w->process->sim->loop, 1, 100));
}

void sim_object_wake(struct sim_object *object)
{
	list_for(at, &object->watches)
		watch_schedule(list_item(at, struct sim_watch, object_link));
}

static void watch_free(struct sim_watch *w)
{
	sim_unschedule(w->process->sim, &w->event);
	list_remove(&w->process_link);
	list_remove(&w->object_link);
	w->process->fd_watches[w->fd] = NULL;
	heap_free(w->process->sim->heap, w);
}

static void watch_fire(struct sim_event *event)
{
	struct sim_watch *w = list_item(event, struct sim_watch, event);
	struct sim_process *process = w->process;
	int fd = w->fd, events = sim_object_ready(w->object) & w->events;

	if (sim_frozen(process, event) || events == 0)
		return;
	sim_trace(process->sim, process, SIM_READY, w->object->number, (uint64_t)events,
	    (slice){ 0 });
	sim_enter(process);
	w->watch->ready(w->watch, events);
	sim_leave(process);
	/* Level-triggered: again, if it is still there and still ready. */
	if (!process->dead && process->fd_watches[fd] != NULL)
		watch_schedule(process->fd_watches[fd]);
}

void sim_os_watch_start(struct os *os, struct os_watch *watch, int fd, int events)
{
	struct sim_process *process = sim_process_of(os);
	struct sim_object *object = sim_fd_get(process, fd);
	struct sim_watch *w = watch->impl;

	if (process->dead)
		return;
	check(object != NULL && object->kind != SIM_FILE);
	check(events != 0);
	if (w == NULL) {
		check(process->fd_watches[fd] == NULL);
		w = heap_new(process->sim->heap, struct sim_watch);
		w->event.fire = watch_fire;
		w->process = process;
		w->object = object;
		w->watch = watch;
		w->fd = fd;
		list_append(&process->watches, &w->process_link);
		list_append(&object->watches, &w->object_link);
		process->fd_watches[fd] = w;
		watch->impl = w;
	}
	check(w->fd == fd);
	w->events = events;
	watch_schedule(w);
}

void sim_os_watch_stop(struct os *os, struct os_watch *watch)
{
	if (watch->impl == NULL || sim_process_of(os)->dead)
		return;
	watch_free(watch->impl);
	watch->impl = NULL;
}

/* ---- work ---- */

struct sim_work {
	struct sim_event event;
	struct list link;
	struct sim_process *process;
	struct os_work *work;
};

static uint64_t work_delay(struct sim *sim)
{
	if (chance_one_in(&sim->fault, sim->faults.slow))
		return chance_between(&sim->fault, SIM_SLOW_US / 100, SIM_SLOW_US);
	return chance_skewed(&sim->loop, 20, 5000);
}

static void work_done(struct sim_event *event)
{
	struct sim_work *w = list_item(event, struct sim_work, event);
	struct sim_process *process = w->process;
	struct os_work *work = w->work;

	if (sim_frozen(process, event))
		return;
	list_remove(&w->link);
	heap_free(process->sim->heap, w);
	work->impl = NULL;
	sim_trace(process->sim, process, SIM_DONE, 0, 0, (slice){ 0 });
	sim_enter(process);
	work->done(work);
	sim_leave(process);
}

static void work_run(struct sim_event *event)
{
	struct sim_work *w = list_item(event, struct sim_work, event);
	struct sim_process *process = w->process;

	if (sim_frozen(process, event))
		return;
	sim_trace(process->sim, process, SIM_RUN, 0, 0, (slice){ 0 });
	w->event.fire = work_done;
	sim_schedule(process->sim, &w->event, work_delay(process->sim));
	sim_enter(process);
	w->work->run(w->work);
	sim_leave(process);
}

void sim_os_work_start(struct os *os, struct os_work *work)
{
	struct sim_process *process = sim_process_of(os);
	struct sim_work *w;

	if (process->dead)
		return;
	w = heap_new(process->sim->heap, struct sim_work);
	w->event.fire = work_run;
	w->process = process;
	w->work = work;
	list_append(&process->works, &w->link);
	work->impl = w;
	sim_schedule(process->sim, &w->event, work_delay(process->sim));
}

/* ---- signals ---- */

struct sim_signal {
	struct sim_event event;
	struct list link;
	struct sim_process *process;
	struct os_signal *signal;
	int signo;
};

static void signal_fire(struct sim_event *event)
{
	struct sim_signal *s = list_item(event, struct sim_signal, event);
	struct sim_process *process = s->process;

	if (sim_frozen(process, event))
		return;
	sim_trace(process->sim, process, SIM_SIGNAL, (uint64_t)s->signo, 0, (slice){ 0 });
	sim_enter(process);
	s->signal->caught(s->signal);
	sim_leave(process);
}

void sim_os_signal_start(struct os *os, struct os_signal *signal, int signo)
{
	struct sim_process *process = sim_process_of(os);
	struct sim_signal *s = heap_new(process->sim->heap, struct sim_signal);

	check(signal->impl == NULL);
	s->event.fire = signal_fire;
	s->process = process;
	s->signal = signal;
	s->signo = signo;
	signal->impl = s;
	list_append(&process->signals, &s->link);
}

static void signal_free(struct sim_signal *s)
{
	sim_unschedule(s->process->sim, &s->event);
	list_remove(&s->link);
	heap_free(s->process->sim->heap, s);
}

void sim_os_signal_stop(struct os *os, struct os_signal *signal)
{
	if (signal->impl == NULL || sim_process_of(os)->dead)
		return;
	signal_free(signal->impl);
	signal->impl = NULL;
}

void sim_signal(struct os *os, int signo)
{
	struct sim_process *process = sim_process_of(os);

	if (process->dead)
		return;
	list_for(at, &process->signals) {
		struct sim_signal *s = list_item(at, struct sim_signal, link);

		if (s->signo == signo) {
			if (s->event.place == 0)
				sim_schedule(process->sim, &s->event, 1);
			return;
		}
	}
	sim_kill(os);
}

/* ---- the end of a process ---- */

void sim_loop_drop(struct sim_process *process)
{
	struct sim *sim = process->sim;

	sim_unschedule(sim, &process->turn);
	list_for(at, &process->timers)
		timer_free(list_item(at, struct sim_timer, link));
	list_for(at, &process->watches)
		watch_free(list_item(at, struct sim_watch, process_link));
	list_for(at, &process->signals)
		signal_free(list_item(at, struct sim_signal, link));
	list_for(at, &process->works) {
		struct sim_work *w = list_item(at, struct sim_work, link);

		sim_unschedule(sim, &w->event);
		list_remove(&w->link);
		heap_free(sim->heap, w);
	}
	list_init(&process->defers);
}
