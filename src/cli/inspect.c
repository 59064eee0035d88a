/* cli/inspect.c - the data folder opened, findings printed, progress shown. */
#include "cli/inspect.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "base/check.h"
#include "base/limits.h"
#include "base/text.h"
#include "os/os_uv.h"

enum { MEMORY = 8 * 1024 * 1024, PROGRESS_MS = 200, PATH_SHOWN = 48 };

/* ---- opening ---- */

static int open_folder(const struct inspect *in, const char *name)
{
	return openat(in->data.fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static bool open_all(struct inspect *in)
{
	const char *path = slice_cstr(&in->arena, in->setting.config->data);

	if (!data_open(path, false, &complain_stderr, &in->data))
		return false;
	in->account = open_folder(in, "account");
	in->journal = open_folder(in, "journal");
	in->directory = open_folder(in, "directory");
	in->queue = open_folder(in, "queue");
	if (in->account < 0 || in->journal < 0 || in->directory < 0 || in->queue < 0) {
		cli_fail("cannot read all folders in %s: %s%s", path, strerror(errno),
		    errno == EACCES ? "; run this as root or as the server's user" : "");
		return false;
	}
	return true;
}

bool inspect_open(struct inspect *in, const struct cli_args *args)
{
	const struct os_uv_options options = { .log_stderr = true, .log_from = OS_WARN };

	*in = (struct inspect){ .args = args, .account = -1, .journal = -1, .directory = -1,
	    .queue = -1, .scratch = -1, .data = { .fd = -1, .lock = -1 }, .json = cli_flag(args, "--json") };
	in->os = os_uv_create(&options);
	in->arena = arena_init(os_heap(in->os), MEMORY);
	in->names = arena_init(os_heap(in->os), SIZE_MAX);
	if (setting_read(args, NULL, "hostname = localhost\n", &in->arena, &complain_stderr,
	        &in->setting) && open_all(in))
		return true;
	inspect_close(in);
	return false;
}

void inspect_close(struct inspect *in)
{
	inspect_progress_end(in);
	inspect_scratch_drop(in);
	heap_drop(in->marks_heap);
	if (in->account >= 0)
		close(in->account);
	if (in->journal >= 0)
		close(in->journal);
	if (in->directory >= 0)
		close(in->directory);
	if (in->queue >= 0)
		close(in->queue);
	if (in->data.fd >= 0)
		data_close(&in->data);
	os_uv_destroy(in->os);
}

void inspect_root(struct inspect *in, int folder)
{
	os_uv_set_root(in->os, fcntl(folder, F_DUPFD_CLOEXEC, 3));
}

/* ---- a place for a copy ---- */

static void hold_signals(struct inspect *in)
{
	sigset_t ends;

	sigemptyset(&ends);
	sigaddset(&ends, SIGHUP);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &ends, &in->signals);
}

/* Made by who started us, in a folder that is theirs, for who we have become. */
static int make_scratch(struct inspect *in)
{
	uid_t uid = geteuid();
	int error = 0;

	if (uid != getuid() && seteuid(getuid()) < 0)
		return -errno;
	if (mkdtemp(in->scratch_path) == NULL) {
		error = -errno;
		in->scratch_path[0] = '\0';
	} else {
		in->scratch = open(in->scratch_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (in->scratch < 0 || fchown(in->scratch, uid, getegid()) < 0)
			error = -errno;
	}
	if (uid != geteuid() && seteuid(uid) < 0)
		return -errno;
	return error;
}

bool inspect_scratch_open(struct inspect *in)
{
	const char *base = getenv("TMPDIR");
	int n, error = -ENAMETOOLONG;

	if (base == NULL || base[0] != '/')
		base = "/tmp";
	n = snprintf(in->scratch_path, sizeof in->scratch_path, "%s/posthouse-XXXXXX", base);
	hold_signals(in);
	in->holding = true;
	if (n < (int)sizeof in->scratch_path)
		error = make_scratch(in);
	else
		in->scratch_path[0] = '\0';
	if (error == 0)
		return true;
	inspect_scratch_drop(in);
	cli_fail("cannot make a folder for a copy of directory.db in %s: %s", base,
	    strerror(-error));
	return false;
}

void inspect_scratch_drop(struct inspect *in)
{
	static const char *const names[] = { "directory.db", "directory.db-wal",
	    "directory.db-journal" };
	uid_t uid = geteuid();

	if (in->scratch >= 0) {
		for (size_t i = 0; i < sizeof names / sizeof *names; i++)
			unlinkat(in->scratch, names[i], 0);
		close(in->scratch);
		in->scratch = -1;
	}
	if (in->scratch_path[0] != '\0') {
		if (rmdir(in->scratch_path) < 0 && uid != getuid() && seteuid(getuid()) == 0) {
			rmdir(in->scratch_path);
			check(seteuid(uid) == 0);
		}
		in->scratch_path[0] = '\0';
	}
	if (in->holding)
		pthread_sigmask(SIG_SETMASK, &in->signals, NULL);
	in->holding = false;
}

/* ---- which accounts ---- */

static int by_id(const void *key, const void *at)
{
	const struct inspect_account *x = key, *y = at;

	return x->id < y->id ? -1 : x->id > y->id;
}

const char *inspect_address(const struct inspect *in, uint64_t id)
{
	const struct inspect_account key = { .id = id }, *found = NULL;

	if (in->n_accounts > 0)
		found = bsearch(&key, in->accounts, in->n_accounts, sizeof key, by_id);
	return found != NULL ? found->address : NULL;
}

bool inspect_choose(struct inspect *in)
{
	const char *word = in->args->n_words > 0 ? in->args->words[0] : "all";
	char shown[256];

	if (strcmp(word, "all") == 0)
		return true;
	for (size_t i = 0; i < in->n_accounts; i++) {
		if (slice_equal_ascii(slice_from(word), slice_from(in->accounts[i].address)))
			in->only = &in->accounts[i];
	}
	if (in->only == NULL)
		cli_fail("there is no account \"%s\"; `posthouse account list` lists all",
		    text_printable(slice_from(word), shown, sizeof shown));
	return in->only != NULL;
}

/* ---- lines ---- */

static void print_json(struct inspect *in, const struct finding *f)
{
	const char *address = f->account != 0 ? inspect_address(in, f->account) : NULL;
	json_t *row = json_pack("{s:s, s:b, s:s, s:s, s:s}", "finding", finding_word(f->kind),
	    "note", finding_is_note(f->kind), "file", f->path, "what", f->text, "do",
	    finding_advice(f->kind));
	char id[20];

	if (f->from != 0 || f->to != 0)
		json_object_set_new(row, "from", json_integer((json_int_t)f->from));
	if (f->to != 0)
		json_object_set_new(row, "to", json_integer((json_int_t)f->to));
	if (f->account != 0) {
		snprintf(id, sizeof id, "%016" PRIx64, f->account);
		json_object_set_new(row, "account", json_string(id));
	}
	if (address != NULL)
		json_object_set_new(row, "address", json_string(address));
	if (f->uid != 0)
		json_object_set_new(row, "uid", json_integer(f->uid));
	if (f->message[0] != '\0')
		json_object_set_new(row, "message", json_string(f->message));
	json_dumpf(row, stdout, JSON_COMPACT);
	printf("\n");
	json_decref(row);
}

static void print_line(struct inspect *in, const struct finding *f)
{
	const char *address = f->account != 0 ? inspect_address(in, f->account) : NULL;

	printf("%s%s", finding_is_note(f->kind) ? "note: " : "", f->path);
	if (f->to != 0)
		printf(", bytes %" PRIu64 " to %" PRIu64, f->from, f->to);
	else if (f->from != 0)
		printf(", byte %" PRIu64, f->from);
	printf(": %s", f->text);
	if (address != NULL)
		printf("; mailbox %s", address);
	if (f->uid != 0)
		printf(", UID %" PRIu32, f->uid);
	if (f->message[0] != '\0')
		printf(", message %s", f->message);
	printf("; what to do: %s\n", finding_advice(f->kind));
}

void inspect_tell(struct inspect *in, const struct finding *finding)
{
	if (finding_is_note(finding->kind))
		in->notes++;
	else
		in->findings++;
	if (in->quiet)
		return;
	inspect_progress_end(in);
	if (in->json)
		print_json(in, finding);
	else
		print_line(in, finding);
	fflush(stdout);
}

/* ---- progress ---- */

void inspect_progress_end(struct inspect *in)
{
	if (in->showing)
		fprintf(stderr, "\r\033[K");
	in->showing = false;
}

static void progress(struct finder *finder, const char *path, uint64_t bytes)
{
	struct inspect *in = ((struct sieve *)finder)->inspect;
	uint64_t now = os_now_us(in->os) / 1000;

	in->files++;
	in->bytes += bytes;
	if (in->json || now - in->shown_ms < PROGRESS_MS || !isatty(STDERR_FILENO))
		return;
	in->shown_ms = now;
	in->showing = true;
	fprintf(stderr, "\r\033[K%" PRIu64 " reads, %" PRIu64 " MB, %s%.*s", in->files,
	    in->bytes / 1000000, finder->folder, PATH_SHOWN, path);
}

/* ---- sieves ---- */

static void remember(struct finder *finder, const struct finding *finding)
{
	struct sieve *sieve = (struct sieve *)finder;
	struct heap *heap = os_heap(sieve->inspect->os);

	if (sieve->n == INSPECT_HELD_MAX) {
		sieve->dropped++;
		return;
	}
	if (sieve->n == sieve->capacity) {
		sieve->capacity = sieve->capacity == 0 ? 8 : 2 * sieve->capacity;
		sieve->list = heap_resize(heap, sieve->list,
		    sieve->capacity * sizeof *sieve->list);
	}
	sieve->list[sieve->n++] = *finding;
}

void sieve_init(struct sieve *sieve, struct inspect *in, const char *folder)
{
	*sieve = (struct sieve){ .finder = { remember, progress, folder }, .inspect = in };
}

void sieve_free(struct sieve *sieve)
{
	heap_free(os_heap(sieve->inspect->os), sieve->list);
}
