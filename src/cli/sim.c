/* cli/sim.c - posthouse sim: run whole simulated worlds, each from one seed, as
 * many at once as there are cores (sim_run.c), and shrink what fails
 * (sim_shrink.c). */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/checksum.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/sim_shrink.h"
#include "sim/faults.h"

enum {
	JOBS_MAX = 16, RUNS_MAX = 1000 * 1000,
	SHRUNK_MAX = 3,                 /* later failures are likely the same again */
	RUN_MS = 15 * 60 * 1000,        /* a run takes a second, with sanitizers some */
	PROGRESS_MS = 60 * 1000,
};

struct batch {
	struct sim_settings settings;
	unsigned long seed, runs;
	bool until_failure, shrink;
	struct sim_run jobs[JOBS_MAX];
	size_t n_jobs;
	int stop_fd;                    /* readable: SIGINT or SIGTERM came */
	bool stopped;
	struct sim_run first;           /* until_failure: the lowest that failed */
	uint64_t *hashes;               /* of each run, for the last line */
	unsigned long started, ended, failed;
	struct checker_counts counts;
	uint64_t n_events;
	uint64_t progress_ms;           /* when to say how far it is */
};

static void print_failure(struct batch *b, struct sim_run *run)
{
	struct sim_settings settings = b->settings;
	char words[1000];
	unsigned tries;

	sim_run_explain(run, words, sizeof words);
	fprintf(stderr, "\nseed %lu failed: %s\n", run->seed, words);
	if (b->shrink && (b->until_failure || b->failed <= SHRUNK_MAX)) {
		tries = sim_shrink(&settings, run, b->stop_fd);
		sim_run_explain(run, words, sizeof words);
		fprintf(stderr, "  shrunk, in %u tries, to: %s\n", tries, words);
	}
	fprintf(stderr, "  again: ");
	sim_run_command(&settings, run->seed, stderr);
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
	b->counts.rotten += r->counts.rotten;
	b->counts.remote += r->counts.remote;
	b->counts.doubles += r->counts.doubles;
	b->counts.reports += r->counts.reports;
	b->counts.late += r->counts.late;
}

/* Runs behind the first one that failed do not count: so it is the same one
 * however many run at once. Those before it go on. */
static void end_at(struct batch *b, const struct sim_run *run)
{
	b->first = *run;
	b->runs = b->started = run->seed - b->seed + 1;
	for (size_t i = 0; i < b->n_jobs; i++) {
		if (b->jobs[i].seed > run->seed)
			sim_run_kill(&b->jobs[i]);
	}
}

static void take_ended(struct batch *b, struct sim_run *run)
{
	b->ended++;
	if (sim_run_whole(run)) {
		b->hashes[run->seed - b->seed] = run->result.hash;
		add_counts(b, &run->result);
	}
	if (!sim_run_failed(run))
		return;
	b->failed++;
	if (b->until_failure)
		end_at(b, run);
	else
		print_failure(b, run);
}

static void show_progress(struct batch *b)
{
	bool terminal = isatty(STDERR_FILENO);

	if (!terminal && sim_clock_ms() < b->progress_ms)
		return;
	b->progress_ms = sim_clock_ms() + PROGRESS_MS;
	fprintf(stderr, "%s%lu of %lu runs, %lu failed%s", terminal ? "\r" : "", b->ended,
	    b->runs, b->failed, terminal ? " " : "\n");
}

/* False: it can't be. */
static bool start_jobs(struct batch *b)
{
	for (size_t i = 0; i < b->n_jobs; i++) {
		struct sim_run *run = &b->jobs[i];

		if (run->pid != 0 || b->started >= b->runs)
			continue;
		if (!sim_run_start(run, &b->settings, b->seed + b->started, RUN_MS))
			return false;
		b->started++;
	}
	return true;
}

/* Wait for something, and take it. False: poll can't be. */
static bool turn(struct batch *b)
{
	struct pollfd polls[JOBS_MAX + 1];
	nfds_t n = 0;

	for (size_t i = 0; i < b->n_jobs; i++)
		polls[n++] = (struct pollfd){ .fd = b->jobs[i].pid != 0 ? b->jobs[i].fd : -1,
		    .events = POLLIN };
	polls[n++] = (struct pollfd){ .fd = b->stop_fd, .events = POLLIN };
	if (poll(polls, n, 1000) < 0 && errno != EINTR)
		return false;
	for (size_t i = 0; i < b->n_jobs; i++) {
		struct sim_run *run = &b->jobs[i];

		if (run->pid == 0)
			continue;
		if ((polls[i].revents != 0 && sim_run_read(run)) ||
		    (run->pid != 0 && sim_run_check_time(run)))
			take_ended(b, run);
	}
	/* Also what came while a failure was being shrunk. */
	polls[0] = (struct pollfd){ .fd = b->stop_fd, .events = POLLIN };
	b->stopped = poll(polls, 1, 0) > 0;
	show_progress(b);
	return true;
}

static bool is_over(const struct batch *b)
{
	for (size_t i = 0; i < b->n_jobs; i++) {
		if (b->jobs[i].pid != 0)
			return b->stopped;
	}
	return b->stopped || b->started == b->runs;
}

static bool run_batch(struct batch *b)
{
	bool ok = true;
	int error;

	b->progress_ms = sim_clock_ms() + PROGRESS_MS;
	while (ok && !is_over(b))
		ok = start_jobs(b) && turn(b);
	error = errno;
	for (size_t i = 0; i < b->n_jobs; i++)
		sim_run_kill(&b->jobs[i]);
	if (ok && b->until_failure && b->failed > 0)
		print_failure(b, &b->first);
	errno = error;
	return ok;
}

static void print_summary(const struct batch *b)
{
	uint64_t hash = checksum64(slice_of(b->hashes, b->runs * sizeof *b->hashes), 0);

	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r");
	if (b->until_failure && b->failed > 0) {
		printf("%lu runs from seed %lu: the last failed\n", b->runs, b->seed);
		return;
	}
	if (b->stopped)
		printf("stopped; %lu of ", b->ended);
	printf("%lu runs from seed %lu: %lu failed; %u messages, %u acknowledged, %u without an "
	    "answer, %u refused, %u copies, %u deleted, %u hit by rot; to other hosts %u, %u of "
	    "them doubles, %u failed, %u told late; %llu events\n", b->runs, b->seed,
	    b->failed, b->counts.messages, b->counts.acknowledged, b->counts.doubtful,
	    b->counts.refused, b->counts.copies, b->counts.deleted,
	    b->counts.rotten, b->counts.remote, b->counts.doubles, b->counts.reports,
	    b->counts.late, (unsigned long long)b->n_events);
	if (!b->stopped)
		printf("trace %016llx\n",
		    (unsigned long long)(b->runs == 1 ? b->hashes[0] : hash));
}

/* ---- arguments ---- */

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

static bool take_plant(const struct cli_args *args, const struct plant **ret)
{
	const char *name = cli_value(args, "--plant");
	char shown[64];

	*ret = name != NULL ? plant_find(slice_from(name)) : NULL;
	if (name == NULL || *ret != NULL)
		return true;
	cli_misuse("sim: there is no plant \"%s\"; see `posthouse sim --plant list`",
	    text_printable(slice_from(name), shown, sizeof shown));
	return false;
}

static bool take_shrink(const struct cli_args *args, bool *ret)
{
	const char *word = cli_value(args, "--shrink");

	*ret = word == NULL || strcmp(word, "yes") == 0;
	if (*ret || strcmp(word, "no") == 0)
		return true;
	cli_misuse("sim: --shrink wants yes or no");
	return false;
}

static bool take_args(const struct cli_args *args, struct batch *b)
{
	unsigned long jobs;
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	b->settings.verbose = cli_flag(args, "--verbose");
	b->settings.events = cli_flag(args, "--events");
	b->until_failure = cli_flag(args, "--until-failure");
	if (!cli_number(args, "--seed", 0, UINT32_MAX, 1, &b->seed) ||
	    !cli_number(args, "--runs", 1, RUNS_MAX, 1, &b->runs) ||
	    !cli_number(args, "--jobs", 1, JOBS_MAX, cores > 0 && cores < JOBS_MAX ?
	    (unsigned long)cores : 1, &jobs) ||
	    !take_bounds(args, &b->settings.bounds) ||
	    !take_plant(args, &b->settings.plant) || !take_shrink(args, &b->shrink))
		return false;
	b->n_jobs = b->settings.verbose || b->settings.events ? 1 : jobs;
	return true;
}

static int list_plants(void)
{
	for (size_t i = 0; i < PLANTS; i++)
		printf("%-14s %s\n", plants[i].name, plants[i].means);
	return CLI_OK;
}

/* Ctrl-C ends the children, and prints what is known. */
static int watch_signals(void)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	return signalfd(-1, &signals, SFD_CLOEXEC);
}

static int run(const struct cli_args *args)
{
	const char *plant = cli_value(args, "--plant");
	struct batch b = { 0 };
	bool ok;

	if (plant != NULL && strcmp(plant, "list") == 0)
		return list_plants();
	if (!take_args(args, &b))
		return CLI_USAGE;
	b.hashes = calloc(b.runs, sizeof *b.hashes);
	if (b.hashes == NULL)
		return cli_fail("no memory for %lu runs", b.runs);
	b.stop_fd = watch_signals();
	ok = b.stop_fd >= 0 && run_batch(&b);
	if (ok)
		print_summary(&b);
	free(b.hashes);
	if (!ok)
		return cli_fail("cannot start a run: %s", strerror(errno));
	return b.failed == 0 && !b.stopped ? CLI_OK : CLI_FAILED;
}

const struct cli_command cli_sim = {
	.name = "sim",
	.words = "",
	.summary = "run the real roles in a simulated world that breaks, from a seed",
	.details =
	    "Each run is a world of its own: hosts with all roles, senders, readers, IMAP\n"
	    "clients and faults (connections lost or mute, hosts cut off, roles killed or frozen, power cut\n"
	    "again and again, disks that fail or are full, clocks that jump, bits at\n"
	    "rest that turn, DNS that is slow, fails or changes, next hosts that refuse or vanish).\n"
	    "One seed decides all of it. Checkers hold what Posthouse promises: mail that got\n"
	    "250 arrives exactly once, nothing else does, no byte changes, UIDLs stay; mail for\n"
	    "other hosts arrives at least once, or its sender is told once that it failed;\n"
	    "what IMAP clients remember is what is there.\n"
	    "\n"
	    "A run that fails is tried again with fewer kinds of faults, hosts, messages and\n"
	    "faults, for some minutes, and the command of the smallest that still fails is\n"
	    "printed. Exit status 1 says that a run failed. Ctrl-C prints what is known.\n"
	    "\n"
	    "--plant builds a mistake in, to see it found: `posthouse sim --plant list`.\n"
	    "No server can be made to have one.\n"
	    "\n"
	    "The last line is a hash of every event: the same seeds give the same hash.",
	.options = {
		{ "--seed", "N", "The first seed; 1 when not given." },
		{ "--runs", "K", "How many seeds, one after another; 1 when not given." },
		{ "--until-failure", NULL, "Stop at the first seed that fails." },
		{ "--hosts", "N", "At most so many hosts." },
		{ "--messages", "N", "At most so many messages." },
		{ "--faults", "N", "At most so many faults." },
		{ "--kinds", "LIST", "No other kinds of faults: \"power,dns,hosts\", \"none\"." },
		{ "--plant", "NAME", "Build this mistake in; \"list\" prints their names." },
		{ "--shrink", "yes|no", "Look for a smaller run that fails; yes when not given." },
		{ "--jobs", "J", "How many at once; one per core when not given." },
		{ "--verbose", NULL, "Print the log of all simulated roles." },
		{ "--events", NULL, "Print the last events of each run." },
	},
	.run = run,
};
