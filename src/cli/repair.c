/* cli/repair.c - posthouse repair: makes sound what verify finds, deletes nothing. */
#include "cli/repair.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

#include "cli/commands.h"
#include "cli/file.h"
#include "cli/secrets.h"

/* ---- lines ---- */

static void print(struct repair *r, const char *key, const char *words, const char *format,
    va_list args)
{
	char text[FINDING_TEXT + 128];

	inspect_progress_end(&r->in);
	vsnprintf(text, sizeof text, format, args);
	if (r->in.json) {
		json_t *row = json_pack("{s:s}", key, text);

		json_dumpf(row, stdout, JSON_COMPACT);
		printf("\n");
		json_decref(row);
	} else {
		printf("%s: %s\n", words, text);
	}
	fflush(stdout);
}

void repair_say(struct repair *r, const char *format, ...)
{
	va_list args;

	r->repaired++;
	va_start(args, format);
	print(r, r->dry_run ? "would_repair" : "repaired", r->dry_run ? "would repair" :
	    "repaired", format, args);
	va_end(args);
}

void repair_fault(struct repair *r, const char *format, ...)
{
	va_list args;

	r->left++;
	va_start(args, format);
	print(r, "not_repaired", "not repaired", format, args);
	va_end(args);
}

/* ---- the folder aside ---- */

/* Make a folder and open it; it belongs to whom the accounts belong to. */
static int make_folder(int parent, const char *name, const struct stat *owner)
{
	int fd = mkdirat(parent, name, 0700) < 0 && errno != EEXIST ? -1 :
	    openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0 && geteuid() == 0 && fchown(fd, owner->st_uid, owner->st_gid) < 0) {
		close(fd);
		return -1;
	}
	if (fd >= 0 && fsync(parent) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

int repair_aside(struct repair *r)
{
	uid_t uid = geteuid();
	time_t now = time(NULL);
	char stamp[32];
	struct stat owner;
	struct tm tm;
	int parent = -1;

	if (r->aside >= 0)
		return r->aside;
	gmtime_r(&now, &tm);
	strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%SZ", &tm);
	snprintf(r->aside_name, sizeof r->aside_name, "aside/%s", stamp);
	/* The data folder itself may be root's. */
	if (uid != 0 && getuid() == 0 && seteuid(0) < 0)
		return -1;
	if (fstat(r->in.account, &owner) == 0)
		parent = make_folder(r->in.data.fd, "aside", &owner);
	if (parent >= 0) {
		r->aside = make_folder(parent, stamp, &owner);
		close(parent);
	}
	if (r->aside < 0)
		repair_fault(r, "nothing more: cannot make the folder %s/%s: %s",
		    r->in.data.path, r->aside_name, strerror(errno));
	if (geteuid() != uid && seteuid(uid) < 0)
		return -1;
	return r->aside;
}

/* Files that are made must be the server's: become its user, while root runs us. */
static bool become_owner(struct repair *r)
{
	struct stat owner;

	if (fstat(r->in.account, &owner) < 0 || geteuid() != 0 || owner.st_uid == 0)
		return true;
	if (setegid(owner.st_gid) == 0 && seteuid(owner.st_uid) == 0)
		return true;
	cli_fail("cannot become the server's user (%u): %s", (unsigned)owner.st_uid,
	    strerror(errno));
	return false;
}

/* Read only: a new one would open no seal of the old one. */
static bool read_key(struct repair *r)
{
	struct buffer bytes = buffer_init(os_heap(r->in.os), 2 * SEAL_KEY_SIZE);
	bool ok = file_read(r->in.data.fd, "seal.key", &bytes) == 0 &&
	    buffer_bytes(&bytes).len == SEAL_KEY_SIZE;

	if (ok)
		memcpy(r->key.bytes, buffer_bytes(&bytes).ptr, SEAL_KEY_SIZE);
	buffer_free(&bytes);
	return ok;
}

/* ---- all of it ---- */

static void repair_all(struct repair *r)
{
	struct inspect *in = &r->in;

	if (in->only == NULL) {
		repair_directory(r);
		repair_journal(r);
	}
	inspect_marks(in);
	if (in->only == NULL)
		repair_queue(r);
	if (in->only != NULL)
		repair_account(in, in->only->id);
	else
		inspect_folders(in, repair_account);
	inspect_progress_end(in);
}

static void print_sum(const struct repair *r)
{
	const struct inspect *in = &r->in;

	if (in->json) {
		json_t *sum = json_pack("{s:b, s:I, s:I, s:I}", "summary", 1, "findings",
		    (json_int_t)in->findings, "repaired", (json_int_t)r->repaired,
		    "not_repaired", (json_int_t)r->left);

		if (r->aside >= 0)
			json_object_set_new(sum, "aside", json_string(r->aside_name));
		json_dumpf(sum, stdout, JSON_COMPACT);
		printf("\n");
		json_decref(sum);
		return;
	}
	printf("%s: %" PRIu64 " finding%s", in->data.path, in->findings,
	    in->findings == 1 ? "" : "s");
	if (r->dry_run)
		printf("; this was a dry run, nothing was changed\n");
	else if (r->aside >= 0)
		printf("; what was taken away is in %s/%s, WHAT.txt says what it is; `posthouse "
		    "verify` reads all again\n", in->data.path, r->aside_name);
	else
		printf("; nothing was taken away\n");
}

static bool lock(struct repair *r)
{
	int pid = data_holder(&r->in.data);

	if (pid != 0) {
		cli_fail("a server runs on %s (pid %d): stop it first; nothing was touched",
		    r->in.data.path, pid);
		return false;
	}
	r->in.alone = !r->dry_run && data_lock(&r->in.data, &complain_stderr);
	return r->dry_run || r->in.alone;
}

static int run(const struct cli_args *args)
{
	struct repair r = { .aside = -1, .dry_run = cli_flag(args, "--dry-run") };
	int result = CLI_FAILED;

	if (!inspect_open(&r.in, args))
		return CLI_FAILED;
	r.has_key = read_key(&r);
	if (lock(&r) && become_owner(&r) && inspect_directory(&r.in) && inspect_choose(&r.in)) {
		repair_all(&r);
		print_sum(&r);
		result = r.left == 0 ? CLI_OK : CLI_FAILED;
	}
	if (r.aside >= 0)
		close(r.aside);
	inspect_close(&r.in);
	return result;
}

const struct cli_command cli_repair = {
	.name = "repair",
	.words = "[ADDRESS | all]",
	.words_max = 1,
	.summary = "make sound what verify finds; keep what is taken away",
	.details =
	    "The server must be stopped. Mailboxes whose log is damaged get a new one from all\n"
	    "that can be read; messages whose record is lost come back under new UIDs; those\n"
	    "that can't be read vanish from the mailbox. All other messages keep their UIDs.\n"
	    "What the journal still has is kept for delivery; directory.db is made anew from\n"
	    "its rows; an account whose row is lost, but whose mailbox is there, gets one back\n"
	    "without a password. What waits for other hosts goes on waiting; when the text of\n"
	    "such a message is lost, its sender is told as soon as the server runs again.\n"
	    "\n"
	    "Nothing is deleted: copies of what was damaged lie in aside/TIME in the data\n"
	    "folder, what can be read of a message as an .eml file; WHAT.txt says what is what.\n"
	    "A repair that was broken off can be run again.\n",
	.options = {
		{ "--json", NULL, "Print findings, and what was done, as lines of JSON." },
		{ "--dry-run", NULL, "Say what would be done, and change nothing." },
		SETTING_OPTIONS,
	},
	.run = run,
};
