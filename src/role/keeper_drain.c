/* role/keeper_drain.c - the end, in the order of a message's way: when the edges
 * are through nothing new comes in, the relay sends nothing new and puts what it
 * has into its queue, then what the router owes is handed to the stores, then they
 * write it down. */
#include "role/keeper_impl.h"

#include "base/check.h"

static const enum role_kind stages[] = { ROLE_EDGE, ROLE_WEB, ROLE_RELAY, ROLE_ROUTER, ROLE_STORE,
	ROLE_DIRECTORY, ROLE_RESOLVER };

enum { STAGES = sizeof stages / sizeof *stages };

static void drain_role(struct keeper_role *r)
{
	if (r->channel == NULL || r->draining)
		return;
	if (!r->ready) {
		keeper_role_dismiss(r);
		return;
	}
	r->draining = true;
	put_u32(ipc_begin(r->channel, IPC_DRAIN), r->keeper->grace_ms);
	ipc_end(r->channel, -1);
}

static void begin_stage(struct keeper *k)
{
	enum role_kind kind = stages[k->stage];

	for (size_t i = 0; i < k->n_roles; i++) {
		if (k->roles[i].kind == kind)
			drain_role(&k->roles[i]);
	}
	os_timer_start(k->os, &k->stage_end,
	    KEEPER_STAGE_MS + (kind == ROLE_EDGE ? k->grace_ms : 0));
}

static bool stage_is_through(const struct keeper *k)
{
	for (size_t i = 0; i < k->n_roles; i++) {
		if (k->roles[i].kind == stages[k->stage] && !keeper_role_is_down(&k->roles[i]))
			return false;
	}
	return true;
}

void keeper_drain_turn(struct keeper *k)
{
	check(k->state == KEEPER_DRAINING && k->stage < STAGES);
	while (stage_is_through(k)) {
		os_timer_stop(k->os, &k->stage_end);
		if (++k->stage == STAGES) {
			keeper_stop(k);
			return;
		}
		begin_stage(k);
	}
}

static void on_stage_end(struct os_timer *timer)
{
	struct keeper *k = timer->owner;

	for (size_t i = 0; i < k->n_roles; i++) {
		struct keeper_role *r = &k->roles[i];
		char name[32];

		if (r->kind != stages[k->stage] || !r->running)
			continue;
		keeper_role_name(r, name);
		os_log(k->os, OS_WARN, "%s is not through in time: it is stopped; nothing "
		    "acknowledged is lost", name);
		r->asked_to_end = true;
		keeper_role_kill(r);
	}
}

void keeper_drain(struct keeper *k, uint32_t grace_ms)
{
	if (k->state == KEEPER_STARTING || k->state >= KEEPER_DRAINING) {
		keeper_stop(k);
		return;
	}
	k->state = KEEPER_DRAINING;
	k->stage = 0;
	k->grace_ms = grace_ms;
	k->stage_end = (struct os_timer){ .fire = on_stage_end, .owner = k };
	for (size_t i = 0; i < k->n_roles; i++)
		os_timer_stop(k->os, &k->roles[i].timer);
	begin_stage(k);
	os_defer(k->os, &k->turn);
}
