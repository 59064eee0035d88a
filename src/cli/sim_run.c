/* cli/sim_run.c - fork a run, gather its verdict. */
#include "cli/sim_run.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cli/cli.h"
#include "sim/faults.h"

enum { TAIL_EVENTS = 60, EVENTS_SHOWN = 2000 };

uint64_t sim_clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* ---- in the child ---- */

/* A world takes and returns memory all the time: keep what was cleared once. */
static void keep_memory(void)
{
	mallopt(M_MMAP_THRESHOLD, 32 * 1024 * 1024);
	mallopt(M_TRIM_THRESHOLD, 512 * 1024 * 1024);
	mallopt(M_TOP_PAD, 16 * 1024 * 1024);
}

static void be_silent(void)
{
	int fd = open("/dev/null", O_RDWR);

	if (fd < 0 || dup2(fd, STDOUT_FILENO) < 0 || dup2(fd, STDERR_FILENO) < 0)
		_exit(CLI_FAILED);
}

_Noreturn static void run_child(const struct sim_settings *settings, unsigned long seed, int fd)
{
	struct world_options options = { .bounds = settings->bounds,
	    .plant = settings->plant != NULL ? settings->plant->plant : OS_PLANT_NONE,
	    .log = settings->verbose ? stdout : NULL };
	struct world_result result;
	char *text = NULL;
	size_t len = 0;
	FILE *tail = open_memstream(&text, &len);

	/* SIGINT stays blocked: the parent ends its children, which have not failed. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (settings->silent)
		be_silent();
	keep_memory();
	options.events = settings->events ? stdout : tail;
	options.n_events = settings->events ? EVENTS_SHOWN : TAIL_EVENTS;
	world_run(seed, &options, &result);
	if (tail != NULL)
		fclose(tail);
	if (result.failed && !settings->events && text != NULL)
		fprintf(stderr, "\n%s", text);
	free(text);
	fflush(stdout);
	/* Less than PIPE_BUF: one write. */
	if (write(fd, &result, sizeof result) != (ssize_t)sizeof result)
		_exit(CLI_FAILED);
	exit(CLI_OK);
}

/* ---- in the parent ---- */

bool sim_run_start(struct sim_run *run, const struct sim_settings *settings,
    unsigned long seed, uint64_t ms_max)
{
	uint64_t now_ms = sim_clock_ms();
	int fds[2];
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return false;
	fflush(stdout);
	fflush(stderr);
	pid = fork();
	if (pid == 0) {
		close(fds[0]);
		run_child(settings, seed, fds[1]);
	}
	close(fds[1]);
	if (pid < 0) {
		close(fds[0]);
		return false;
	}
	*run = (struct sim_run){ .pid = pid, .fd = fds[0], .seed = seed,
	    .since_ms = now_ms, .until_ms = now_ms + ms_max };
	return true;
}

static void end(struct sim_run *run)
{
	close(run->fd);
	while (waitpid(run->pid, &run->status, 0) < 0 && errno == EINTR)
		continue;
	run->pid = 0;
	run->took_ms = sim_clock_ms() - run->since_ms;
}

bool sim_run_read(struct sim_run *run)
{
	ssize_t n = read(run->fd, (char *)&run->result + run->got,
	    sizeof run->result - run->got);

	if (n < 0 && errno == EINTR)
		return false;
	if (n > 0)
		run->got += (size_t)n;
	if (n > 0 && run->got < sizeof run->result)
		return false;
	end(run);
	return true;
}

void sim_run_kill(struct sim_run *run)
{
	if (run->pid == 0)
		return;
	kill(run->pid, SIGKILL);
	end(run);
}

bool sim_run_check_time(struct sim_run *run)
{
	if (sim_clock_ms() < run->until_ms)
		return false;
	run->late = true;
	sim_run_kill(run);
	return true;
}

bool sim_run_whole(const struct sim_run *run)
{
	return run->got == sizeof run->result && WIFEXITED(run->status) &&
	    WEXITSTATUS(run->status) == 0;
}

bool sim_run_failed(const struct sim_run *run)
{
	return !sim_run_whole(run) || run->result.failed;
}

void sim_run_explain(const struct sim_run *run, char *ret_text, size_t size)
{
	char kinds[200];

	if (run->late) {
		snprintf(ret_text, size, "it did not end in its time");
	} else if (run->got == sizeof run->result) {
		faults_print(run->result.kinds, kinds, sizeof kinds);
		snprintf(ret_text, size, "%s\n  after %.3f s, %llu events, with %u hosts, %u "
		    "messages, %u faults of %s", run->result.failure,
		    (double)run->result.now_us / 1e6, (unsigned long long)run->result.events,
		    run->result.hosts, run->result.messages, run->result.struck, kinds);
	} else if (WIFSIGNALED(run->status)) {
		snprintf(ret_text, size, "ended by signal %d (%s)", WTERMSIG(run->status),
		    strsignal(WTERMSIG(run->status)));
	} else {
		snprintf(ret_text, size, "ended with status %d", WEXITSTATUS(run->status));
	}
}

void sim_run_command(const struct sim_settings *settings, unsigned long seed, FILE *out)
{
	const struct world_bounds *b = &settings->bounds;
	char kinds[200];

	fprintf(out, "posthouse sim --seed %lu", seed);
	if (b->hosts != world_unbounded.hosts)
		fprintf(out, " --hosts %u", b->hosts);
	if (b->messages != world_unbounded.messages)
		fprintf(out, " --messages %u", b->messages);
	if (b->faults != world_unbounded.faults)
		fprintf(out, " --faults %u", b->faults);
	if (b->kinds != world_unbounded.kinds) {
		faults_print(b->kinds, kinds, sizeof kinds);
		fprintf(out, " --kinds %s", kinds);
	}
	if (settings->plant != NULL)
		fprintf(out, " --plant %s", settings->plant->name);
	fprintf(out, " --events\n");
}
