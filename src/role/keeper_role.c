/* role/keeper_role.c - the life of one role, seen from the keeper: spawned,
 * told, watched, ended, spawned again. */
#include "role/keeper_impl.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/text.h"
#include "role/role.h"

void keeper_role_name(const struct keeper_role *r, char ret_name[32])
{
	if (r->kind == ROLE_EDGE || r->kind == ROLE_STORE)
		snprintf(ret_name, 32, "%s %u", role_kind_name(r->kind), r->index);
	else
		snprintf(ret_name, 32, "%s", role_kind_name(r->kind));
}

bool keeper_role_is_down(const struct keeper_role *r)
{
	return !r->running && r->channel == NULL;
}

static bool may_restart(const struct keeper *k)
{
	return k->state == KEEPER_STARTING || k->state == KEEPER_SERVING;
}

/* ---- death and return ---- */

/* At once after a first death, then ever more slowly. */
static uint64_t restart_delay(struct keeper_role *r)
{
	uint64_t delay = KEEPER_RESTART_FIRST_MS;
	char name[32];

	if (os_now_ms(r->keeper->os) - r->spawned_ms >= KEEPER_LIVES_MS)
		r->deaths = 0;
	r->deaths++;
	if (r->deaths == KEEPER_DEATHS_MANY) {
		keeper_role_name(r, name);
		os_log(r->keeper->os, OS_ERROR, "%s died %u times, each time soon after its "
		    "start; it is started again, but more slowly each time", name, r->deaths);
	}
	if (r->deaths == 1)
		return 0;
	for (unsigned i = 2; i < r->deaths && delay < KEEPER_RESTART_MAX_MS; i++)
		delay *= 2;
	return delay < KEEPER_RESTART_MAX_MS ? delay : KEEPER_RESTART_MAX_MS;
}

static void settle_if_down(struct keeper_role *r)
{
	struct keeper *k = r->keeper;

	if (!keeper_role_is_down(r))
		return;
	r->started = false;
	r->ready = false;
	r->draining = false;
	r->unanswered = 0;
	os_timer_stop(k->os, &r->timer);
	if (may_restart(k))
		os_timer_start(k->os, &r->timer, restart_delay(r));
	os_defer(k->os, &k->turn);
}

static void on_exited(struct os_child *child, int status, int signo)
{
	struct keeper_role *r = child->owner;
	char name[32];

	r->running = false;
	if (!r->asked_to_end) {
		keeper_role_name(r, name);
		if (signo != 0)
			os_log(r->keeper->os, OS_ERROR, "%s was ended by signal %d (%s)", name,
			    signo, strsignal(signo));
		else
			os_log(r->keeper->os, OS_ERROR, "%s ended with status %d", name,
			    status);
	}
	settle_if_down(r);
}

void keeper_role_kill(struct keeper_role *r)
{
	if (r->running)
		os_kill(r->keeper->os, &r->child);
}

void keeper_role_dismiss(struct keeper_role *r)
{
	r->asked_to_end = true;
	ipc_channel_destroy(r->channel);
	r->channel = NULL;
	if (r->running)
		os_timer_start(r->keeper->os, &r->timer, KEEPER_END_MS);
	settle_if_down(r);
}

static void on_timer(struct os_timer *timer)
{
	struct keeper_role *r = timer->owner;

	if (r->running)
		keeper_role_kill(r);
	else if (may_restart(r->keeper))
		keeper_role_spawn(r);
}

/* ---- what it says ---- */

static bool on_ready(struct keeper_role *r, struct bytes *body)
{
	if (!bytes_end(body) || !r->started || r->ready)
		return false;
	r->ready = true;
	os_defer(r->keeper->os, &r->keeper->turn);
	return true;
}

static bool on_drained(struct keeper_role *r, struct bytes *body)
{
	if (!bytes_end(body) || !r->draining)
		return false;
	keeper_role_dismiss(r);
	return true;
}

static bool on_pong(struct keeper_role *r, struct bytes *body)
{
	uint64_t cookie = get_u64(body);

	if (!bytes_end(body) || r->unanswered == 0 || cookie != r->ping)
		return false;
	r->unanswered = 0;
	return true;
}

static bool on_fatal(struct keeper_role *r, struct bytes *body)
{
	slice text = get_slice(body, IPC_TEXT_MAX);
	char name[32], words[512];

	if (!bytes_end(body))
		return false;
	keeper_role_name(r, name);
	text_printable(text, words, sizeof words);
	if (r->keeper->state == KEEPER_STARTING)
		keeper_fail(r->keeper, "%s: %s", name, words);
	else
		os_log(r->keeper->os, OS_ERROR, "%s gives up: %s", name, words);
	return true;
}

static bool on_broken(struct keeper_role *r, struct bytes *body)
{
	unsigned kind = get_u8(body), index = get_u16(body);
	struct keeper *k = r->keeper;

	if (!bytes_end(body))
		return false;
	for (size_t i = 0; i < k->n_roles; i++) {
		struct keeper_role *other = &k->roles[i];
		char name[32];

		if (other->kind != kind || other->index != index || other == r)
			continue;
		keeper_role_name(other, name);
		os_log(k->os, OS_ERROR, "%s says that %s broke the protocol: it is ended",
		    role_kind_name(r->kind), name);
		keeper_role_kill(other);
		return true;
	}
	return false;
}

static const struct {
	enum ipc_type type;
	bool (*handle)(struct keeper_role *role, struct bytes *body);
} messages[] = {
	{ IPC_READY, on_ready },
	{ IPC_DRAINED, on_drained },
	{ IPC_PONG, on_pong },
	{ IPC_FATAL, on_fatal },
	{ IPC_BROKEN, on_broken },
};

static bool on_message(struct ipc_channel *channel, struct ipc_message *message)
{
	for (size_t i = 0; i < sizeof messages / sizeof *messages; i++) {
		if (messages[i].type == message->type)
			return messages[i].handle(ipc_owner(channel), &message->body);
	}
	return false;
}

static void on_closed(struct ipc_channel *channel, bool broken)
{
	struct keeper_role *r = ipc_owner(channel);
	char name[32];

	if (broken) {
		keeper_role_name(r, name);
		os_log(r->keeper->os, OS_ERROR, "%s broke the protocol between roles: it is "
		    "ended", name);
	}
	r->channel = NULL;
	ipc_channel_destroy(channel);
	/* It ends by itself when it closed the channel, soon. */
	if (broken)
		keeper_role_kill(r);
	else if (r->running)
		os_timer_start(r->keeper->os, &r->timer, KEEPER_END_MS);
	settle_if_down(r);
}

static const struct ipc_handler handler = { on_message, on_closed };

/* ---- birth ---- */

void keeper_role_init(struct keeper *k, struct keeper_role *r, enum role_kind kind,
    unsigned index)
{
	*r = (struct keeper_role){ .keeper = k, .kind = kind, .index = index };
	r->child = (struct os_child){ .exited = on_exited, .owner = r };
	r->timer = (struct os_timer){ .fire = on_timer, .owner = r };
}

void keeper_role_go(struct keeper_role *r)
{
	struct buffer *out;

	if (r->channel == NULL || r->started)
		return;
	out = ipc_begin(r->channel, IPC_START);
	put_u64(out, (uint64_t)r->keeper->uid);
	put_u64(out, (uint64_t)r->keeper->gid);
	ipc_end(r->channel, -1);
	r->started = true;
}

void keeper_role_spawn(struct keeper_role *r)
{
	struct keeper *k = r->keeper;
	int fds[2], result;
	char name[32];

	check(keeper_role_is_down(r));
	r->asked_to_end = false;
	r->spawned_ms = os_now_ms(k->os);
	result = os_channel_pair(k->os, fds);
	if (result == 0) {
		result = os_spawn(k->os, &r->child, role_program(r->kind), r->index, fds[1]);
		if (result < 0)
			os_close(k->os, fds[0]);
	}
	if (result < 0) {
		keeper_role_name(r, name);
		os_log(k->os, OS_ERROR, "cannot start %s: %s", name, strerror(-result));
		settle_if_down(r);
		return;
	}
	r->running = true;
	r->channel = ipc_channel_create(k->os, fds[0], ROLE_KEEPER, 0, r->kind, r->index,
	    &handler, r);
	keeper_give_all(r);
	if (r->kind != ROLE_EDGE || k->open)
		keeper_role_go(r);
}
