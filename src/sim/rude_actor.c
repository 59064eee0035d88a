/* sim/rude_actor.c - one connection after another, each bad in a way of its own.
 *
 *   RESTING -> DIALLING -> ANNOYING -> RESTING ... */
#include "sim/rude_actor.h"

#include <errno.h>
#include <string.h>

#include "base/check.h"
#include "os/dial.h"

enum manner {
	MANNER_MUTE,            /* not a byte */
	MANNER_TRICKLE,         /* a few bytes now and then */
	MANNER_DEAF,            /* all that goes out, and nothing read */
	MANNER_ENDLESS,         /* one line that never ends */
	MANNERS
};

enum { STAYS_MIN_MS = 1000, STAYS_MAX_MS = 300 * 1000, REST_MAX_MS = 5000, STEP_MAX_MS = 4000,
	STEP_WRITES = 16 };

struct rude_actor {
	struct os *os;
	struct rude_actor_plan plan;
	struct chance chance;
	struct dial dial;
	struct os_watch watch;
	struct os_timer timer, leave;   /* the next bytes; enough of this one */
	int fd;                         /* -1: none */
	enum manner manner;
	bool stopped;
	char text[4096];
	size_t at;
};

static void rest(struct rude_actor *a)
{
	if (!a->stopped)
		os_timer_start(a->os, &a->timer, chance_skewed(&a->chance, 10, REST_MAX_MS));
}

static void close_it(struct rude_actor *a)
{
	dial_stop(&a->dial);
	os_timer_stop(a->os, &a->timer);
	os_timer_stop(a->os, &a->leave);
	if (a->fd >= 0) {
		os_watch_stop(a->os, &a->watch);
		os_close(a->os, a->fd);
	}
	a->fd = -1;
}

static void on_leave(struct os_timer *timer)
{
	struct rude_actor *a = timer->owner;

	close_it(a);
	rest(a);
}

/* Commands that are understood, refused or neither; none that sends a message. */
static void draw_text(struct rude_actor *a)
{
	static const char *const lines[] = { "NOOP\r\n", "EHLO x\r\n", "RSET\r\n", "CAPA\r\n",
	    "MAIL FROM:<>\r\n", "RCPT TO:<nobody@nowhere.example>\r\n", "USER x\r\n", "HELP\r\n",
	    "VRFY x\r\n", "\r\n", "XYZZY\r\n", "MAIL\r\n" };
	size_t n = 0;

	memset(a->text, 'x', sizeof a->text);
	while (a->manner != MANNER_ENDLESS) {
		const char *line = lines[chance_below(&a->chance, sizeof lines / sizeof *lines)];

		if (strlen(line) > sizeof a->text - n)
			break;
		memcpy(a->text + n, line, strlen(line));
		n += strlen(line);
	}
	a->at = 0;
}

/* Up to `most` bytes; 0 when none went out. */
static size_t say(struct rude_actor *a, size_t most)
{
	slice rest_of = slice_of(a->text + a->at, sizeof a->text - a->at);
	ssize_t n;

	if (rest_of.len > most)
		rest_of = slice_head(rest_of, most);
	n = os_write(a->os, a->fd, &rest_of, 1);
	if (n <= 0)
		return 0;
	a->at += (size_t)n;
	if (a->at == sizeof a->text)
		draw_text(a);
	return (size_t)n;
}

static void on_ready(struct os_watch *watch, int events)
{
	struct rude_actor *a = watch->owner;
	char heard[4096];
	ssize_t n = -EAGAIN;

	if ((events & OS_READABLE) != 0)
		n = os_read(a->os, a->fd, heard, sizeof heard);
	if (n == 0 || (n < 0 && n != -EAGAIN)) {
		close_it(a);
		rest(a);
	}
}

static void on_timer(struct os_timer *timer)
{
	struct rude_actor *a = timer->owner;

	if (a->fd < 0) {
		if (!dial_start(&a->dial, &a->plan.server))
			rest(a);
		return;
	}
	if (a->manner == MANNER_TRICKLE)
		say(a, chance_between(&a->chance, 1, 8));
	else if (a->manner != MANNER_MUTE)
		for (int i = 0; i < STEP_WRITES && say(a, sizeof a->text) > 0; i++)
			continue;
	os_timer_start(a->os, timer, chance_skewed(&a->chance, 10, STEP_MAX_MS));
}

static void on_dialled(struct dial *dial, int fd)
{
	struct rude_actor *a = dial->owner;

	if (fd < 0) {
		rest(a);
		return;
	}
	a->fd = fd;
	a->manner = (enum manner)chance_below(&a->chance, MANNERS);
	draw_text(a);
	if (a->manner != MANNER_DEAF)
		os_watch_start(a->os, &a->watch, fd, OS_READABLE);
	os_timer_start(a->os, &a->timer, 1);
	os_timer_start(a->os, &a->leave,
	    chance_skewed(&a->chance, STAYS_MIN_MS, STAYS_MAX_MS));
}

struct rude_actor *rude_actor_create(struct os *os, const struct rude_actor_plan *plan)
{
	struct rude_actor *a = heap_new(os_heap(os), struct rude_actor);

	a->os = os;
	a->plan = *plan;
	a->chance = chance_init(plan->seed, "rude", plan->number);
	a->fd = -1;
	a->timer = (struct os_timer){ .fire = on_timer, .owner = a };
	a->leave = (struct os_timer){ .fire = on_leave, .owner = a };
	a->watch = (struct os_watch){ .ready = on_ready, .owner = a };
	dial_init(&a->dial, os, on_dialled, a);
	rest(a);
	return a;
}

void rude_actor_stop(struct rude_actor *actor)
{
	actor->stopped = true;
	close_it(actor);
}
