/* sim/visit.c - the round of a simulated client. */
#include "sim/visit.h"

#include "base/check.h"

enum { PATIENCE_MS = 20 * 1000 };

static void on_leave(struct os_defer *defer)
{
	struct visit *v = defer->owner;

	v->manner->end(v->owner);
	dial_stop(&v->dial);
	stream_destroy(v->stream);
	v->stream = NULL;
	visit_rest(v);
}

static void on_dialled(struct dial *dial, int fd)
{
	struct visit *v = dial->owner;

	if (fd < 0) {
		visit_leave(v);
		return;
	}
	v->stream = stream_create(v->os, fd, v->manner->in_max, v->manner->out_max,
	    v->manner->stream, v->owner);
	stream_read_always(v->stream);
	v->manner->begin(v->owner);
}

static void on_timer(struct os_timer *timer)
{
	struct visit *v = timer->owner;

	if (!visit_rests(v)) {
		visit_leave(v);
		return;
	}
	visit_moves(v);
	if (!dial_start(&v->dial, &v->server))
		visit_leave(v);
}

void visit_init(struct visit *v, struct os *os, const struct os_address *server,
    const struct visit_manner *manner, void *owner)
{
	*v = (struct visit){ .os = os, .manner = manner, .owner = owner, .server = *server };
	v->timer = (struct os_timer){ .fire = on_timer, .owner = v };
	v->leave = (struct os_defer){ .run = on_leave, .owner = v };
	dial_init(&v->dial, os, on_dialled, v);
}

void visit_in(struct visit *v, uint64_t ms)
{
	os_timer_start(v->os, &v->timer, ms);
}

void visit_rest(struct visit *v)
{
	int64_t ms = v->manner->rest_ms(v->owner);

	check(visit_rests(v));
	if (ms == VISIT_NEVER)
		os_timer_stop(v->os, &v->timer);
	else
		visit_in(v, (uint64_t)ms);
}

bool visit_rests(const struct visit *v)
{
	return v->stream == NULL && v->dial.fd < 0;
}

void visit_moves(struct visit *v)
{
	visit_in(v, PATIENCE_MS);
}

void visit_leave(struct visit *v)
{
	os_defer(v->os, &v->leave);
}

bool visit_leaves(const struct visit *v)
{
	return v->leave.armed;
}
