/* cli/sim.c - posthouse sim: run whole simulated worlds, each from one seed.
 *
 * Each run is a process of its own, as many at once as there are cores: a check()
 * or sanitizer that ends one is a failed run like any other. The child sends its
 * verdict through a pipe; its trace goes to stderr when it fails. */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/checksum.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "sim/faults.h"
#include "sim/world.h"

enum { JOBS_MAX = 16, TAIL_EVENTS = 60, EVENTS_SHOWN = 2000, RUNS_MAX = 1000 * 1000 };

struct job {
	pid_t pid;                      /* 0: none */
	int fd;
	unsigned long run;              /* 0 .. runs - 1 */
	struct world_result result;
	size_t got;                     /* bytes of result */
};

struct batch {
	unsigned long seed, runs;
	struct world_bounds bounds;
	bool verbose, events;
	struct job jobs[JOBS_MAX];
	size_t n_jobs;
	uint64_t *hashes;               /* of each run, for the last line */
	unsigned long started, ended, failed;
	struct checker_counts counts;
	uint64_t n_events;
};

/* ---- in the child ---- */

_Noreturn static void run_child(const struct batch *b, unsigned long seed, int fd)
{
	struct world_options options = { .bounds = b->bounds, .log = b->verbose ? stdout : NULL };
	struct world_result result;
	char *text = NULL;
	size_t len = 0;
	FILE *tail = open_memstream(&text, &len);

	options.events = b->events ? stdout : tail;
	options.n_events = b->events ? EVENTS_SHOWN : TAIL_EVENTS;
	world_run(seed, &options, &result);
	if (tail != NULL)
		fclose(tail);
	if (result.failed && !b->events && text != NULL)
		fprintf(stderr, "\n%s", text);
	free(text);
	fflush(stdout);
	/* Less than PIPE_BUF: one write. */
	if (write(fd, &result, sizeof result) != (ssize_t)sizeof result)
		_exit(CLI_FAILED);
	exit(CLI_OK);
}

/* ---- in the parent ---- */

static bool start_job(struct batch *b, struct job *job)
{
	int fds[2];

	if (pipe(fds) < 0)
		return false;
	*job = (struct job){ .run = b->started++, .fd = fds[0] };
	fflush(stdout);
	fflush(stderr);
	job->pid = fork();
	if (job->pid == 0) {
		close(fds[0]);
		run_child(b, b->seed + job->run, fds[1]);
	}
	close(fds[1]);
	if (job->pid < 0) {
		close(fds[0]);
		job->pid = 0;
		return false;
	}
	return true;
}

static void print_failure(const struct batch *b, const struct job *job, int status)
{
	unsigned long seed = b->seed + job->run;
	char kinds[100];

	fprintf(stderr, "\nseed %lu failed: ", seed);
	if (job->got == sizeof job->result) {
		faults_print(job->result.kinds, kinds, sizeof kinds);
		fprintf(stderr, "%s\n  after %.3f s, %llu events; faults: %s\n",
		    job->result.failure, (double)job->result.now_us / 1e6,
		    (unsigned long long)job->result.events, kinds);
	} else if (WIFSIGNALED(status)) {
		fprintf(stderr, "ended by signal %d (%s)\n", WTERMSIG(status),
		    strsignal(WTERMSIG(status)));
	} else {
		fprintf(stderr, "ended with status %d\n", WEXITSTATUS(status));
	}
	fprintf(stderr, "  again: posthouse sim --seed %lu --events\n", seed);
}

static void add_counts(struct batch *b, const struct world_result *r)
{
	b->n_events += r->events;
	b->counts.messages += r->counts.messages;
	b->counts.acknowledged += r->counts.acknowledged;
	b->counts.doubtful += r->counts.doubtful;
	b->counts.refused += r->counts.refused;
	b->counts.copies += r->counts.copies;
	b->counts.deleted += r->counts.deleted;
}

static void end_job(struct batch *b, struct job *job)
{
	int status = 0;
	bool whole;

	close(job->fd);
	while (waitpid(job->pid, &status, 0) < 0 && errno == EINTR)
		continue;
	job->pid = 0;
	b->ended++;
	whole = job->got == sizeof job->result && WIFEXITED(status) && WEXITSTATUS(status) == 0;
	if (whole) {
		b->hashes[job->run] = job->result.hash;
		add_counts(b, &job->result);
	}
	if (!whole || job->result.failed) {
		b->failed++;
		print_failure(b, job, status);
	}
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r%lu of %lu runs, %lu failed ", b->ended, b->runs, b->failed);
}

static void read_job(struct batch *b, struct job *job)
{
	ssize_t n = read(job->fd, (char *)&job->result + job->got,
	    sizeof job->result - job->got);

	if (n < 0 && errno == EINTR)
		return;
	if (n > 0)
		job->got += (size_t)n;
	if (n <= 0 || job->got == sizeof job->result)
		end_job(b, job);
}

static bool run_batch(struct batch *b)
{
	while (b->ended < b->runs) {
		struct pollfd polls[JOBS_MAX];
		struct job *polled[JOBS_MAX];
		nfds_t n = 0;

		for (size_t i = 0; i < b->n_jobs; i++) {
			struct job *job = &b->jobs[i];

			if (job->pid == 0 && b->started < b->runs && !start_job(b, job))
				return false;
			if (job->pid == 0)
				continue;
			polls[n] = (struct pollfd){ .fd = job->fd, .events = POLLIN };
			polled[n++] = job;
		}
		if (poll(polls, n, -1) < 0 && errno != EINTR)
			return false;
		for (nfds_t i = 0; i < n; i++) {
			if (polls[i].revents != 0)
				read_job(b, polled[i]);
		}
	}
	return true;
}

static void print_summary(const struct batch *b)
{
	uint64_t hash = checksum64(slice_of(b->hashes, b->runs * sizeof *b->hashes), 0);

	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r");
	printf("%lu runs from seed %lu: %lu failed; %u messages, %u acknowledged, %u without an "
	    "answer, %u refused, %u copies, %u deleted, %llu events\n", b->runs, b->seed,
	    b->failed, b->counts.messages, b->counts.acknowledged, b->counts.doubtful,
	    b->counts.refused, b->counts.copies, b->counts.deleted,
	    (unsigned long long)b->n_events);
	printf("trace %016llx\n", (unsigned long long)(b->runs == 1 ? b->hashes[0] : hash));
}

/* A bound of a run; none when not given. */
static bool bound(const struct cli_args *args, const char *name, unsigned long min,
    unsigned *bound)
{
	unsigned long value;

	if (!cli_number(args, name, min, UINT_MAX, *bound, &value))
		return false;
	*bound = (unsigned)value;
	return true;
}

static bool take_bounds(const struct cli_args *args, struct world_bounds *ret)
{
	const char *kinds = cli_value(args, "--kinds");
	char all[200];

	*ret = world_unbounded;
	if (!bound(args, "--hosts", 1, &ret->hosts) ||
	    !bound(args, "--messages", 0, &ret->messages) ||
	    !bound(args, "--faults", 0, &ret->faults))
		return false;
	if (kinds == NULL || faults_parse(slice_from(kinds), &ret->kinds))
		return true;
	faults_print(FAULTS_ALL, all, sizeof all);
	cli_misuse("sim: --kinds wants \"none\" or some of %s", all);
	return false;
}

static int run(const struct cli_args *args)
{
	struct batch b = { .verbose = cli_flag(args, "--verbose"),
	    .events = cli_flag(args, "--events") };
	unsigned long jobs;
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	bool ok;

	if (!cli_number(args, "--seed", 0, UINT32_MAX, 1, &b.seed) ||
	    !cli_number(args, "--runs", 1, RUNS_MAX, 1, &b.runs) ||
	    !cli_number(args, "--jobs", 1, JOBS_MAX, cores > 0 && cores < JOBS_MAX ?
	    (unsigned long)cores : 1, &jobs))
		return CLI_USAGE;
	if (!take_bounds(args, &b.bounds))
		return CLI_USAGE;
	b.n_jobs = b.verbose || b.events ? 1 : jobs;
	b.hashes = calloc(b.runs, sizeof *b.hashes);
	if (b.hashes == NULL)
		return cli_fail("no memory for %lu runs", b.runs);
	ok = run_batch(&b);
	if (ok)
		print_summary(&b);
	free(b.hashes);
	if (!ok)
		return cli_fail("cannot start a run: %s", strerror(errno));
	return b.failed == 0 ? CLI_OK : CLI_FAILED;
}

const struct cli_command cli_sim = {
	.name = "sim",
	.words = "",
	.summary = "run the real roles in a simulated world that breaks, from a seed",
	.details =
	    "Each run is a world of its own: hosts with all roles, senders and readers, and\n"
	    "faults (connections lost, roles killed, power cut, disks that fail or are full).\n"
	    "One seed decides all of it. Checkers hold what Posthouse promises: mail that got\n"
	    "250 arrives exactly once, nothing else does, no byte changes, UIDLs stay.\n"
	    "\n"
	    "The last line is a hash of every event: the same seeds give the same hash.",
	.options = {
		{ "--seed", "N", "The first seed; 1 when not given." },
		{ "--runs", "K", "How many seeds, one after another; 1 when not given." },
		{ "--hosts", "N", "At most so many hosts." },
		{ "--messages", "N", "At most so many messages." },
		{ "--faults", "N", "At most so many faults." },
		{ "--kinds", "LIST", "No other kinds of faults: \"power,disk\", \"none\"." },
		{ "--jobs", "J", "How many at once; one per core when not given." },
		{ "--verbose", NULL, "Print the log of all simulated roles." },
		{ "--events", NULL, "Print the last events of each run." },
	},
	.run = run,
};
