/* cli/export_mbox.c - a mailbox as an mbox, and beside it a file that says how far it goes.
 *
 *   FILE.posthouse: "writing 17 310 99182": UIDVALIDITY, the last UID, the length of FILE then
 *
 *   "done" -> "writing", on disk -> messages, on disk -> "writing", further on, ... -> "done"
 *
 * (1) What is behind that length while it says "writing" is a group that was not through: it is
 *     cut off. While it says "done", somebody else wrote it: then FILE is left alone.
 * (2) A FILE without such a file is somebody else's. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "cli/cli.h"
#include "cli/export.h"
#include "cli/file.h"
#include "mail/header.h"
#include "mail/mbox.h"

enum { PATH = 4096, OUT = 1024 * 1024 };

struct state {
	char word[8];                   /* "writing", "done" */
	uint32_t uidvalidity, uid;
	uint64_t length;
};

struct target {
	char path[PATH], state_path[PATH + 16];
	int fd;
	struct state state;
	bool opened;                    /* the state says "writing", and by us */
	uint64_t length;                /* with what is not committed, without `out` */
	uint64_t begin;                 /* of the message that comes in pieces */
	struct buffer raw, out;
	struct mbox_writer writer;
	struct buffer keywords;
};

/* ---- names ---- */

/* What no file's name can have, or what would hide it. */
static bool put_name(slice mailbox, char *ret, size_t size)
{
	size_t n = strlen(ret);

	for (size_t i = 0; i < mailbox.len; i++) {
		unsigned char c = mailbox.ptr[i];
		bool coded = c == '/' || c == '%' || (c == '.' && i == 0);

		if (n + 4 > size)
			return false;
		n += (size_t)snprintf(ret + n, size - n, coded ? "%%%02X" : "%c", c);
	}
	n += (size_t)snprintf(ret + n, size - n, ".mbox");
	return n < size;
}

static bool make_paths(const struct export *e, struct target *t, slice mailbox)
{
	int n = snprintf(t->path, sizeof t->path, e->single ? "%s" : "%s/", e->path);

	if (n < 0 || n >= (int)sizeof t->path ||
	    (!e->single && !put_name(mailbox, t->path, sizeof t->path)))
		return false;
	snprintf(t->state_path, sizeof t->state_path, "%s.posthouse", t->path);
	return true;
}

/* ---- the state ---- */

static bool read_state(struct target *t, bool *ret_there)
{
	char text[EXPORT_STATE_MAX];
	int fd = open(t->state_path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, text, sizeof text - 1) : -1;
	int error = errno;

	if (fd >= 0)
		close(fd);
	*ret_there = false;
	if (fd < 0 && error == ENOENT)
		return true;
	text[n > 0 ? n : 0] = '\0';
	if (n < 0 || sscanf(text, "posthouse export: %7s %" SCNu32 " %" SCNu32 " %" SCNu64,
	        t->state.word, &t->state.uidvalidity, &t->state.uid, &t->state.length) != 4) {
		cli_fail("cannot make sense of %s: %s", t->state_path, n < 0 ? strerror(error) :
		    "it is not what an export wrote; move it away with its mbox");
		return false;
	}
	*ret_there = true;
	return true;
}

static bool write_state(struct target *t, const char *word)
{
	char text[200];
	int error;

	snprintf(t->state.word, sizeof t->state.word, "%s", word);
	snprintf(text, sizeof text, "posthouse export: %s %" PRIu32 " %" PRIu32 " %" PRIu64 "\n",
	    word, t->state.uidvalidity, t->state.uid, t->state.length);
	error = file_write(AT_FDCWD, t->state_path, slice_from(text), true);
	if (error < 0)
		cli_fail("cannot write %s: %s", t->state_path, strerror(-error));
	return error == 0;
}

/* ---- opening ---- */

static bool refuse(const struct target *t, const char *why)
{
	cli_fail("%s %s; export to another file, or move it away", t->path, why);
	return false;
}

static bool judge(struct target *t, bool known, uint32_t uidvalidity, const struct stat *st)
{
	if (!S_ISREG(st->st_mode))
		return refuse(t, "is no file");
	if (!known)
		return st->st_size == 0 || refuse(t, "is there, and no export wrote it");
	if (t->state.uidvalidity != uidvalidity)
		return refuse(t, "is of another mailbox, or of this one before it was made anew "
		    "(UIDVALIDITY)");
	if ((uint64_t)st->st_size < t->state.length)
		return refuse(t, "was made shorter by another program since");
	if ((uint64_t)st->st_size > t->state.length && strcmp(t->state.word, "done") == 0)
		return refuse(t, "was written to by another program since");
	return true;
}

static bool cannot(const struct target *t, const char *what)
{
	cli_fail("cannot %s %s: %s", what, t->path, strerror(errno));
	return false;
}

static bool open_file(struct target *t, uint32_t uidvalidity)
{
	struct stat st;
	bool known;

	if (!read_state(t, &known))
		return false;
	if (known && access(t->path, F_OK) < 0 && errno == ENOENT)
		known = false;          /* it was taken away, to begin anew */
	t->fd = open(t->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (t->fd < 0 || fstat(t->fd, &st) < 0)
		return cannot(t, "write");
	if (flock(t->fd, LOCK_EX | LOCK_NB) < 0)
		return refuse(t, "is being written by another export");
	if (!judge(t, known, uidvalidity, &st))
		return false;
	if (!known)
		t->state = (struct state){ .uidvalidity = uidvalidity };
	if (!write_state(t, "writing"))
		return false;
	t->opened = true;
	t->length = t->state.length;
	if (ftruncate(t->fd, (off_t)t->length) < 0)
		return cannot(t, "cut");
	return true;
}

static bool open_target(struct export *e, slice mailbox, uint32_t uidvalidity)
{
	struct target *t = heap_new(e->heap, struct target);

	e->target = t;
	t->fd = -1;
	t->raw = buffer_init(e->heap, SIZE_MAX / 2);
	t->out = buffer_init(e->heap, SIZE_MAX / 2);
	t->keywords = buffer_init(e->heap, SIZE_MAX / 2);
	if (!make_paths(e, t, mailbox)) {
		cli_fail("%s: the name of the file would be too long", e->path);
		return false;
	}
	return open_file(t, uidvalidity);
}

static bool has(const struct export *e, uint32_t uid)
{
	const struct target *t = e->target;

	return uid <= t->state.uid;
}

/* ---- messages ---- */

static bool flush(struct target *t)
{
	slice out = buffer_bytes(&t->out);

	while (out.len > 0) {
		ssize_t n = pwrite(t->fd, out.ptr, out.len, (off_t)t->length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return cannot(t, "write");
		out = slice_drop(out, (size_t)n);
		t->length += (uint64_t)n;
	}
	buffer_truncate(&t->out, 0);
	return true;
}

static unsigned flags_of(unsigned imap)
{
	return (imap & IMAP_SEEN ? MBOX_SEEN : 0) | (imap & IMAP_ANSWERED ? MBOX_ANSWERED : 0) |
	    (imap & IMAP_FLAGGED ? MBOX_FLAGGED : 0) | (imap & IMAP_DELETED ? MBOX_DELETED : 0) |
	    (imap & IMAP_DRAFT ? MBOX_DRAFT : 0);
}

static slice sender_of(slice first)
{
	slice path = header_find(first, slice_lit("Return-Path"));

	if (path.ptr == NULL)
		return (slice){ 0 };
	path = slice_trim(path);
	if (slice_starts(path, slice_lit("<")) && slice_ends(path, slice_lit(">")))
		path = slice_sub(path, 1, path.len - 2);
	return path;
}

static bool begin(struct export *e, const struct export_message *m, slice first)
{
	struct target *t = e->target;
	slice rest = m->keywords;

	if (buffer_bytes(&t->out).len > OUT && !flush(t))
		return false;
	if (first.len < m->size && !flush(t))
		return false;
	t->begin = t->length;
	buffer_truncate(&t->keywords, 0);
	while (rest.len > 0) {
		slice word = slice_cut(&rest, ' ');

		if (word.len == 0 || word.ptr[0] == '\\')
			continue;
		if (buffer_bytes(&t->keywords).len > 0)
			buffer_add(&t->keywords, slice_lit(" "));
		buffer_add(&t->keywords, word);
	}
	mbox_from_write(&t->out, sender_of(first), m->received_s);
	t->writer = (struct mbox_writer){ .flags = flags_of(m->flags),
		.keywords = buffer_bytes(&t->keywords) };
	return true;
}

static bool text(struct export *e, slice piece, bool last)
{
	struct target *t = e->target;
	slice rest = piece;

	/* What was left of the piece before comes first. */
	if (buffer_bytes(&t->raw).len > 0) {
		buffer_add(&t->raw, piece);
		rest = buffer_bytes(&t->raw);
	}
	mbox_write(&t->writer, &rest, last, &t->out);
	if (buffer_bytes(&t->raw).len > 0)
		buffer_consume(&t->raw, buffer_bytes(&t->raw).len - rest.len);
	else if (rest.len > 0)
		buffer_add(&t->raw, rest);
	return buffer_bytes(&t->out).len <= OUT || flush(t);
}

/* Only what comes in pieces is aborted, and that began where the file ended. */
static void abort_message(struct export *e)
{
	struct target *t = e->target;

	buffer_truncate(&t->raw, 0);
	buffer_truncate(&t->out, 0);
	t->length = t->begin;
}

static bool commit(struct export *e, uint32_t uid_last)
{
	struct target *t = e->target;

	if (!flush(t))
		return false;
	/* An aborted message may have been longer. */
	if (ftruncate(t->fd, (off_t)t->length) < 0 || fdatasync(t->fd) < 0)
		return cannot(t, "write");
	t->state.uid = uid_last;
	t->state.length = t->length;
	return write_state(t, "writing");
}

static void close_target(struct export *e)
{
	struct target *t = e->target;

	/* A disk that is full has room for no state either; then it says "writing", which is as
	 * good. */
	if (t->opened && ftruncate(t->fd, (off_t)t->state.length) == 0 && fsync(t->fd) == 0)
		write_state(t, "done");
	if (t->fd >= 0)
		close(t->fd);
	buffer_free(&t->raw);
	buffer_free(&t->out);
	buffer_free(&t->keywords);
	heap_free(e->heap, t);
	e->target = NULL;
}

const struct export_kind export_mbox = {
	.open = open_target,
	.has = has,
	.begin = begin,
	.text = text,
	.abort = abort_message,
	.commit = commit,
	.close = close_target,
};
