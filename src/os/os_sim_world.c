/* os/os_sim_world.c - the simulated world: its queue of events and its trace. */
#include "os/os_sim_impl.h"

#include <string.h>

#include "base/check.h"
#include "base/checksum.h"
#include "base/text.h"

/* ---- queue ---- */

static bool before(const struct sim_event *a, const struct sim_event *b)
{
	return a->at_us != b->at_us ? a->at_us < b->at_us : a->sequence < b->sequence;
}

static void put(struct sim *sim, size_t place, struct sim_event *event)
{
	sim->queue[place] = event;
	event->place = place;
}

static void sift_up(struct sim *sim, struct sim_event *event, size_t place)
{
	while (place > 1 && before(event, sim->queue[place / 2])) {
		put(sim, place, sim->queue[place / 2]);
		place /= 2;
	}
	put(sim, place, event);
}

static void sift_down(struct sim *sim, struct sim_event *event, size_t place)
{
	for (;;) {
		size_t child = place * 2;

		if (child > sim->n_queue)
			break;
		if (child < sim->n_queue && before(sim->queue[child + 1], sim->queue[child]))
			child++;
		if (!before(sim->queue[child], event))
			break;
		put(sim, place, sim->queue[child]);
		place = child;
	}
	put(sim, place, event);
}

void sim_schedule(struct sim *sim, struct sim_event *event, uint64_t delay_us)
{
	check(event->place == 0);
	event->at_us = sim->now_us + delay_us;
	event->sequence = ++sim->sequence;
	if (sim->n_queue + 2 > sim->queue_size) {
		sim->queue_size = sim->queue_size ? sim->queue_size * 2 : 64;
		sim->queue = heap_resize(sim->heap, sim->queue,
		    sim->queue_size * sizeof(*sim->queue));
	}
	sift_up(sim, event, ++sim->n_queue);
}

void sim_unschedule(struct sim *sim, struct sim_event *event)
{
	size_t place = event->place;
	struct sim_event *last;

	if (place == 0)
		return;
	event->place = 0;
	last = sim->queue[sim->n_queue--];
	if (last == event)
		return;
	if (place > 1 && before(last, sim->queue[place / 2]))
		sift_up(sim, last, place);
	else
		sift_down(sim, last, place);
}

bool sim_step(struct sim *sim)
{
	struct sim_event *event;

	check(sim->current == NULL);
	if (sim->n_queue == 0)
		return false;
	event = sim->queue[1];
	sim_unschedule(sim, event);
	check(event->at_us >= sim->now_us);
	sim->now_us = event->at_us;
	sim->n_events++;
	event->fire(event);
	return true;
}

void sim_run_until(struct sim *sim, uint64_t now_us)
{
	while (sim->n_queue > 0 && sim->queue[1]->at_us <= now_us)
		sim_step(sim);
	if (sim->now_us < now_us)
		sim->now_us = now_us;
}

/* ---- world ---- */

struct sim *sim_create(uint64_t seed)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct sim *sim = heap_new(heap, struct sim);

	sim->heap = heap;
	sim->seed = seed;
	sim->loop = chance_init(seed, "loop", 0);
	sim->net = chance_init(seed, "net", 0);
	sim->fault = chance_init(seed, "fault", 0);
	sim->ring = heap_alloc(heap, SIM_TRACE_LINES * sizeof(*sim->ring));
	list_init(&sim->hosts);
	list_init(&sim->processes);
	list_init(&sim->dns);
	list_init(&sim->objects);
	return sim;
}

void sim_destroy(struct sim *sim)
{
	check(sim->current == NULL);
	list_for(at, &sim->processes)
		sim_process_end(list_item(at, struct sim_process, link), 0);
	heap_drop(sim->heap);
}

uint64_t sim_seed(const struct sim *sim)
{
	return sim->seed;
}

uint64_t sim_now_us(const struct sim *sim)
{
	return sim->now_us;
}

uint64_t sim_hash(const struct sim *sim)
{
	return sim->hash;
}

uint64_t sim_events(const struct sim *sim)
{
	return sim->n_events;
}

struct heap *sim_heap(struct sim *sim)
{
	return sim->heap;
}

void sim_set_faults(struct sim *sim, const struct sim_faults *faults)
{
	sim->faults = *faults;
}

void sim_tap(struct sim *sim, void (*fn)(void *arg, struct os *from, slice packet), void *arg)
{
	sim->tap = fn;
	sim->tap_arg = arg;
}

void sim_listen_log(struct sim *sim, void (*fn)(void *arg, struct os *from, slice line),
    void *arg)
{
	check(sim->n_listeners < SIM_LISTENERS_MAX);
	sim->listeners[sim->n_listeners].fn = fn;
	sim->listeners[sim->n_listeners++].arg = arg;
}

void sim_plant(struct sim *sim, enum os_plant plant)
{
	sim->plant = plant;
}

struct world_call {
	struct sim_event event;
	struct sim *sim;
	void (*fn)(void *arg);
	void *arg;
};

static void world_call_fire(struct sim_event *event)
{
	struct world_call call = *list_item(event, struct world_call, event);

	heap_free(call.sim->heap, list_item(event, struct world_call, event));
	call.fn(call.arg);
}

void sim_at(struct sim *sim, uint64_t delay_us, void (*fn)(void *arg), void *arg)
{
	struct world_call *call = heap_new(sim->heap, struct world_call);

	*call = (struct world_call){ { .fire = world_call_fire }, sim, fn, arg };
	sim_schedule(sim, &call->event, delay_us);
}

/* ---- trace ---- */

static const char *const kind_names[SIM_KINDS] = {
	[SIM_TIMER] = "timer", [SIM_READY] = "ready", [SIM_RUN] = "run", [SIM_DONE] = "done",
	[SIM_TURN] = "turn", [SIM_SIGNAL] = "signal", [SIM_START] = "start",
	[SIM_END] = "end", [SIM_EXITED] = "exited", [SIM_ARRIVE] = "arrive",
	[SIM_CONNECT] = "connect", [SIM_RESET] = "reset", [SIM_SEND] = "send",
	[SIM_RECEIVE] = "receive", [SIM_WRITE] = "write", [SIM_READ] = "read",
	[SIM_SYNC] = "sync", [SIM_NAME] = "name", [SIM_FAULT] = "fault", [SIM_CUT] = "cut",
	[SIM_NOTE] = "note", [SIM_LOG] = "log",
};

void sim_trace(struct sim *sim, const struct sim_process *process, enum sim_kind kind,
    uint64_t a, uint64_t b, slice text)
{
	struct sim_trace *line = &sim->ring[sim->ring_next++ % SIM_TRACE_LINES];
	uint64_t fields[5] = { sim->now_us, process ? process->number : 0, kind, a, b };
	slice parts[2] = { slice_of(fields, sizeof fields), text };
	size_t len = text.len < SIM_TRACE_TEXT ? text.len : SIM_TRACE_TEXT - 1;

	sim->hash = checksum64_of(parts, 2, sim->hash);
	line->at_us = sim->now_us;
	line->process = (unsigned)fields[1];
	line->kind = kind;
	line->a = a;
	line->b = b;
	if (len > 0)
		memcpy(line->text, text.ptr, len);
	line->text[len] = '\0';
}

void sim_note(struct sim *sim, const char *what, slice detail)
{
	char text[SIM_TRACE_TEXT];
	char printable[SIM_TRACE_TEXT / 2];
	int n = snprintf(text, sizeof text, "%s: %s", what,
	    text_printable(detail, printable, sizeof printable));

	sim_trace(sim, NULL, SIM_NOTE, 0, detail.len, slice_of(text, (size_t)n));
}

static const char *process_label(const struct sim *sim, unsigned number, char *text, size_t size)
{
	list_for(at, &sim->processes) {
		const struct sim_process *p = list_item(at, struct sim_process, link);

		if (p->number == number) {
			snprintf(text, size, "%s/%s#%u", p->host->name, p->name, p->number);
			return text;
		}
	}
	return "-";
}

static void print_line(const struct sim *sim, const struct sim_trace *line, FILE *out)
{
	char label[80];

	fprintf(out, "%12.6f  %-22s %-8s %8lld %16llx  %s\n", (double)line->at_us / 1e6,
	    process_label(sim, line->process, label, sizeof label), kind_names[line->kind],
	    (long long)line->a, (unsigned long long)line->b, line->text);
}

void sim_print_tail(const struct sim *sim, FILE *out, size_t n)
{
	uint64_t from = 0;

	if (n > SIM_TRACE_LINES)
		n = SIM_TRACE_LINES;
	if (sim->ring_next > n)
		from = sim->ring_next - n;
	for (uint64_t i = from; i < sim->ring_next; i++)
		print_line(sim, &sim->ring[i % SIM_TRACE_LINES], out);
}

void sim_echo(struct sim *sim, FILE *out)
{
	sim->echo = out;
}
