/* cli/sim_shrink.c - greedy: take away, look whether it still fails.
 *
 * A bound changes what comes after it, so less may fail where more does not:
 * nothing here takes the number that fails for monotonic. */
#include "cli/sim_shrink.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

enum {
	TRIES_MAX = 80,
	TIME_MIN_MS = 2 * 60 * 1000,    /* or so many times what the run took */
	TIME_FACTOR = 20,
	TIME_MAX_MS = 15 * 60 * 1000,
	/* To begin with, when a run died without a word of how much it had. */
	HOSTS_GUESS = 64, MESSAGES_GUESS = 1024, FAULTS_GUESS = 1024,
};

struct shrink {
	struct sim_settings *settings;
	struct sim_run *run;
	int stop_fd;
	bool stopped;
	unsigned tries;
	uint64_t until_ms;
};

/* False: stopped. */
static bool wait_for(struct shrink *s, struct sim_run *run)
{
	for (;;) {
		struct pollfd polls[2] = { { .fd = run->fd, .events = POLLIN },
		    { .fd = s->stop_fd, .events = POLLIN } };

		if (poll(polls, 2, 1000) < 0 && errno != EINTR)
			return false;
		if (polls[1].revents != 0)
			return false;
		if (polls[0].revents != 0 && sim_run_read(run))
			return true;
		if (run->pid != 0 && sim_run_check_time(run))
			return true;
	}
}

/* Does it still fail with these bounds? Then they are the new ones. */
static bool try(struct shrink *s, const struct world_bounds *bounds)
{
	struct sim_settings settings = *s->settings;
	struct sim_run run;
	uint64_t now_ms = sim_clock_ms();

	if (s->stopped || s->tries == TRIES_MAX || now_ms >= s->until_ms)
		return false;
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r  shrinking: try %u ", s->tries + 1);
	settings.bounds = *bounds;
	settings.silent = true;
	if (!sim_run_start(&run, &settings, s->run->seed, s->until_ms - now_ms))
		return false;
	s->tries++;
	s->stopped = !wait_for(s, &run);
	sim_run_kill(&run);
	/* One that was cut off says nothing, unless the first one hung as well. */
	if (s->stopped || !sim_run_failed(&run) || (run.late && !s->run->late))
		return false;
	s->settings->bounds = *bounds;
	*s->run = run;
	return true;
}

/* No more than the run that failed had. */
static void tighten(struct shrink *s)
{
	const struct world_result *had = &s->run->result;
	struct world_bounds bounds = s->settings->bounds;

	if (sim_run_whole(s->run)) {
		bounds.hosts = had->hosts;
		bounds.messages = had->messages;
		bounds.faults = had->struck;
		bounds.kinds = had->kinds;
		try(s, &bounds);
		return;
	}
	if (bounds.hosts > HOSTS_GUESS)
		bounds.hosts = HOSTS_GUESS;
	if (bounds.messages > MESSAGES_GUESS)
		bounds.messages = MESSAGES_GUESS;
	if (bounds.faults > FAULTS_GUESS)
		bounds.faults = FAULTS_GUESS;
	try(s, &bounds);
}

static void fewer_kinds(struct shrink *s)
{
	struct world_bounds bounds = s->settings->bounds;

	bounds.kinds = 0;
	if (s->settings->bounds.kinds == 0 || try(s, &bounds))
		return;
	for (unsigned kind = 1; kind != 0; kind <<= 1) {
		bounds = s->settings->bounds;
		bounds.kinds &= ~kind;
		if (bounds.kinds != s->settings->bounds.kinds && bounds.kinds != 0)
			try(s, &bounds);
	}
}

/* One of the numbers of the bounds, down towards `least`: by all of what is above
 * it, by half of that, by a quarter, and so on. */
static void fewer(struct shrink *s, size_t place, unsigned least)
{
	struct world_bounds bounds = s->settings->bounds;
	unsigned *number = (unsigned *)((char *)&bounds + place), step = *number - least;

	while (step > 0) {
		bounds = s->settings->bounds;
		if (step > *number - least)
			step = *number - least;
		*number -= step;
		if (step > 0 && !try(s, &bounds))
			step /= 2;
	}
}

static uint64_t time_for(const struct sim_run *run)
{
	uint64_t ms = TIME_FACTOR * run->took_ms;

	if (ms > TIME_MAX_MS)
		return TIME_MAX_MS;
	return ms > TIME_MIN_MS ? ms : TIME_MIN_MS;
}

unsigned sim_shrink(struct sim_settings *settings, struct sim_run *run, int stop_fd)
{
	struct shrink s = { .settings = settings, .run = run, .stop_fd = stop_fd,
	    .until_ms = sim_clock_ms() + time_for(run) };
	struct world_bounds before;

	tighten(&s);
	do {
		before = settings->bounds;
		fewer_kinds(&s);
		fewer(&s, offsetof(struct world_bounds, hosts), 1);
		fewer(&s, offsetof(struct world_bounds, messages), 0);
		fewer(&s, offsetof(struct world_bounds, faults), 0);
	} while (memcmp(&before, &settings->bounds, sizeof before) != 0);
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r%30s\r", "");
	return s.tries;
}
