/* cli/export_maildir.c - a mailbox as a folder of a Maildir.
 *
 *   tmp/NAME, written -> on disk, all of a group -> cur/NAME:2,FS, by rename -> on disk
 *
 * What is there is what cur and new hold under our names, whatever flags they have by now. In tmp
 * may be what a crash left: it is written anew. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "cli/cli.h"
#include "cli/export.h"
#include "cli/file.h"
#include "cli/maildir_name.h"
#include "imap/mailbox.h"

enum { PATH = 4096, TMP_NAME = 64 };

struct pending {
	char tmp[TMP_NAME];             /* "tmp/..." */
	char name[MAILDIR_NAME_MAX + 1];
};

struct target {
	struct haul *haul;
	char path[PATH];
	int fd;
	uint32_t uidvalidity;
	uint32_t *there;                /* ascending */
	size_t n_there, room_there;
	/* The message that is being written. */
	struct export_message m;
	struct maildir_flags flags;
	int file;                       /* -1: none */
	uint64_t size;
	bool held_cr;                   /* the piece before ended in CR */
	struct buffer out;
	struct pending pending[EXPORT_BATCH];   /* the last one is being written, if one is */
	size_t n;
	/* dovecot-keywords */
	char words[MAILDIR_KEYWORDS][IMAP_KEYWORD_MAX + 1];
	bool new_words, too_many;
};

static bool cannot(const struct target *t, const char *what, const char *name)
{
	cli_fail("cannot %s %s/%s: %s", what, t->path, name, strerror(errno));
	return false;
}

/* ---- what is there ---- */

static bool add_there(struct export *e, struct target *t, uint32_t uid)
{
	if (t->n_there == IMPORT_FILES_MAX)
		return false;
	if (t->n_there == t->room_there) {
		size_t room = t->room_there > 0 ? 2 * t->room_there : 1024;
		uint32_t *more = heap_alloc(e->heap, room * sizeof *more);

		if (t->n_there > 0)
			memcpy(more, t->there, t->n_there * sizeof *more);
		heap_free(e->heap, t->there);
		t->there = more;
		t->room_there = room;
	}
	t->there[t->n_there++] = uid;
	return true;
}

static bool read_there(struct export *e, struct target *t, const char *sub)
{
	int fd = openat(t->fd, sub, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;
	struct maildir_id id;
	bool ok = true;

	if (stream == NULL) {
		if (fd >= 0)
			close(fd);
		return cannot(t, "read", sub);
	}
	while (ok && (entry = readdir(stream)) != NULL) {
		if (maildir_name_read(slice_from(entry->d_name), &id) &&
		    id.uidvalidity == t->uidvalidity)
			ok = add_there(e, t, id.uid);
	}
	closedir(stream);
	if (!ok)
		cli_fail("%s/%s has more than %d files", t->path, sub, IMPORT_FILES_MAX);
	return ok;
}

static int by_uid(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static bool has(const struct export *e, uint32_t uid)
{
	const struct target *t = e->target;

	return t->n_there > 0 && bsearch(&uid, t->there, t->n_there, sizeof uid, by_uid) != NULL;
}

/* ---- folders ---- */

static bool is_empty(int fd)
{
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = copy >= 0 ? fdopendir(copy) : NULL;
	const struct dirent *entry;
	bool empty = stream != NULL;

	while (empty && (entry = readdir(stream)) != NULL)
		empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
	if (stream != NULL)
		closedir(stream);
	else if (copy >= 0)
		close(copy);
	return empty;
}

/* Opens it, and makes what a Maildir has in it. */
static bool open_folder(struct target *t, bool sub)
{
	static const char *const parts[] = { "tmp", "new", "cur" };

	if (mkdir(t->path, 0700) < 0 && errno != EEXIST)
		return cannot(t, "make", "");
	t->fd = open(t->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (t->fd < 0)
		return cannot(t, "open", "");
	if (faccessat(t->fd, "cur", F_OK, 0) < 0 && faccessat(t->fd, "new", F_OK, 0) < 0 &&
	    faccessat(t->fd, "tmp", F_OK, 0) < 0 && !is_empty(t->fd)) {
		cli_fail("%s is no Maildir, and not empty; name another folder", t->path);
		return false;
	}
	for (size_t i = 0; i < 3; i++) {
		if (mkdirat(t->fd, parts[i], 0700) < 0 && errno != EEXIST)
			return cannot(t, "make", parts[i]);
	}
	if (sub) {
		int mark = openat(t->fd, "maildirfolder", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

		if (mark < 0)
			return cannot(t, "make", "maildirfolder");
		close(mark);
	}
	return true;
}

/* The Maildir itself comes before its folders, whichever mailboxes are exported. */
static bool open_place(const struct export *e, struct target *t, slice mailbox)
{
	struct buffer folder = buffer_init(e->heap, 8 * IMAP_NAME_MAX);
	bool inbox = imap_name_is_inbox(mailbox), fits = true;

	snprintf(t->path, sizeof t->path, "%s", e->path);
	if (!open_folder(t, false))
		return false;
	if (inbox)
		return true;
	close(t->fd);
	t->fd = -1;
	fits = maildir_folder_write(mailbox, &folder) &&
	    buffer_bytes(&folder).len <= MAILDIR_NAME_MAX &&
	    snprintf(t->path, sizeof t->path, "%s/%.*s", e->path,
	    slice_arg(buffer_bytes(&folder))) < (int)sizeof t->path;
	buffer_free(&folder);
	if (!fits) {
		cli_fail("%s: no folder can have the name of the mailbox \"%.*s\"; leave it out with "
		    "--mailbox, or use --mbox FILE", e->path, slice_arg(mailbox));
		return false;
	}
	return open_folder(t, true);
}

static void read_words(const struct export *e, struct target *t)
{
	struct buffer file = buffer_init(e->heap, IMPORT_READ);
	slice rest;

	if (file_read(t->fd, "dovecot-keywords", &file) < 0)
		buffer_truncate(&file, 0);
	rest = buffer_bytes(&file);
	while (rest.len > 0) {
		slice line = slice_cut(&rest, '\n');
		uint64_t number;

		if (slice_to_u64(slice_cut(&line, ' '), MAILDIR_KEYWORDS - 1, &number) &&
		    line.len <= IMAP_KEYWORD_MAX)
			snprintf(t->words[number], sizeof t->words[number], "%.*s", slice_arg(line));
	}
	buffer_free(&file);
}

static bool open_target(struct export *e, slice mailbox, uint32_t uidvalidity)
{
	struct target *t = heap_new(e->heap, struct target);

	e->target = t;
	t->haul = e->haul;
	t->fd = t->file = -1;
	t->uidvalidity = uidvalidity;
	t->out = buffer_init(e->heap, SIZE_MAX / 2);
	if (!open_place(e, t, mailbox))
		return false;
	/* It would write the same files in tmp. */
	if (flock(t->fd, LOCK_EX | LOCK_NB) < 0) {
		cli_fail("%s is being written by another export", t->path);
		return false;
	}
	if (!read_there(e, t, "cur") || !read_there(e, t, "new"))
		return false;
	if (t->n_there > 0)
		qsort(t->there, t->n_there, sizeof *t->there, by_uid);
	read_words(e, t);
	return true;
}

/* ---- keywords ---- */

static void take_word(struct target *t, slice word)
{
	int free_one = -1;

	for (int i = MAILDIR_KEYWORDS - 1; i >= 0; i--) {
		if (slice_equal_ascii(word, slice_from(t->words[i]))) {
			t->flags.keywords |= 1u << i;
			return;
		}
		if (t->words[i][0] == '\0')
			free_one = i;
	}
	if (free_one < 0 || word.len > IMAP_KEYWORD_MAX) {
		if (!t->too_many)
			haul_note(t->haul, "%s: a Maildir knows %d keywords; others are left out",
			    t->path, MAILDIR_KEYWORDS);
		t->too_many = true;
		return;
	}
	snprintf(t->words[free_one], sizeof t->words[free_one], "%.*s", slice_arg(word));
	t->flags.keywords |= 1u << free_one;
	t->new_words = true;
}

static void take_flags(struct target *t, const struct export_message *m)
{
	slice rest = m->keywords;

	t->flags = (struct maildir_flags){ .flags = m->flags };
	while (rest.len > 0) {
		slice word = slice_cut(&rest, ' ');

		if (slice_equal_ascii(word, slice_lit("$Forwarded")))
			t->flags.passed = true;
		else if (word.len > 0 && word.ptr[0] != '\\')
			take_word(t, word);
	}
}

static bool write_words(const struct export *e, struct target *t)
{
	struct buffer file = buffer_init(e->heap, IMPORT_READ);
	int error;

	for (unsigned i = 0; i < MAILDIR_KEYWORDS; i++) {
		if (t->words[i][0] != '\0')
			buffer_printf(&file, "%u %s\n", i, t->words[i]);
	}
	error = file_write(t->fd, "dovecot-keywords", buffer_bytes(&file), true);
	buffer_free(&file);
	t->new_words = false;
	errno = -error;
	return error == 0 || cannot(t, "write", "dovecot-keywords");
}

/* ---- messages ---- */

static bool begin(struct export *e, const struct export_message *m, slice first)
{
	struct target *t = e->target;
	struct pending *p = &t->pending[t->n];
	const int how = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC;

	t->m = *m;
	take_flags(t, m);
	snprintf(p->tmp, sizeof p->tmp, "tmp/V%uU%u.posthouse", t->uidvalidity, m->uid);
	t->file = openat(t->fd, p->tmp, how, 0600);
	if (t->file < 0 && errno == EEXIST && unlinkat(t->fd, p->tmp, 0) == 0)
		t->file = openat(t->fd, p->tmp, how, 0600);
	if (t->file < 0)
		return cannot(t, "write", p->tmp);
	t->n++;
	t->size = 0;
	t->held_cr = false;
	return true;
}

static bool write_out(struct target *t)
{
	slice out = buffer_bytes(&t->out);

	while (out.len > 0) {
		ssize_t n = write(t->file, out.ptr, out.len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return cannot(t, "write", t->pending[t->n - 1].tmp);
		out = slice_drop(out, (size_t)n);
		t->size += (uint64_t)n;
	}
	buffer_truncate(&t->out, 0);
	return true;
}

/* Without the CR of CRLF, which two pieces may share. */
static void put_lines(struct target *t, slice piece, bool last)
{
	if (t->held_cr && (piece.len == 0 || piece.ptr[0] != '\n'))
		buffer_add(&t->out, slice_lit("\r"));
	t->held_cr = !last && slice_ends(piece, slice_lit("\r"));
	if (t->held_cr)
		piece.len--;
	while (piece.len > 0) {
		size_t cr = slice_find(piece, slice_lit("\r\n"));
		bool own = cr < piece.len && cr > 0 && piece.ptr[cr - 1] == '\r';

		buffer_add(&t->out, slice_head(piece, cr));
		piece = slice_drop(piece, cr);
		/* With a CR of the line's own before it, CRLF stays. */
		if (piece.len > 0 && !own)
			piece = slice_drop(piece, 1);
		if (piece.len > 0 && own) {
			buffer_add(&t->out, slice_lit("\r"));
			piece = slice_drop(piece, 1);
		}
		if (piece.len > 0) {
			buffer_add(&t->out, slice_lit("\n"));
			piece = slice_drop(piece, 1);
		}
	}
}

static bool text(struct export *e, slice piece, bool last)
{
	struct target *t = e->target;
	const struct timespec times[2] = { { .tv_sec = (time_t)t->m.received_s },
	    { .tv_sec = (time_t)t->m.received_s } };

	put_lines(t, piece, last);
	if (!write_out(t))
		return false;
	if (!last)
		return true;
	futimens(t->file, times);
	close(t->file);
	t->file = -1;
	maildir_name_write(t->pending[t->n - 1].name,
	    (struct maildir_id){ t->uidvalidity, t->m.uid }, t->m.received_s, t->size, t->m.size,
	    t->flags);
	return true;
}

static void abort_message(struct export *e)
{
	struct target *t = e->target;

	if (t->file < 0)
		return;
	close(t->file);
	t->file = -1;
	unlinkat(t->fd, t->pending[--t->n].tmp, 0);
	buffer_truncate(&t->out, 0);
}

/* Under a name that nobody has. */
static bool give_name(const struct target *t, const struct pending *p)
{
	char name[MAILDIR_NAME_MAX + 8];

	snprintf(name, sizeof name, "cur/%s", p->name);
	if (renameat2(t->fd, p->tmp, t->fd, name, RENAME_NOREPLACE) == 0)
		return true;
	/* Some file systems can't; then they know links. */
	if (errno != EINVAL && errno != ENOSYS)
		return cannot(t, "make", name);
	if (linkat(t->fd, p->tmp, t->fd, name, 0) < 0)
		return cannot(t, "make", name);
	unlinkat(t->fd, p->tmp, 0);
	return true;
}

static bool sync_folder(const struct target *t, const char *name)
{
	int fd = openat(t->fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool ok = fd >= 0 && fsync(fd) == 0;

	if (!ok)
		cannot(t, "sync", name);
	if (fd >= 0)
		close(fd);
	return ok;
}

/* One sync for all of them: one each would take most of the time. */
static bool commit(struct export *e, uint32_t uid_last)
{
	struct target *t = e->target;
	bool ok = !t->new_words || write_words(e, t);
	size_t n = 0;

	if (ok && t->n > 0 && syncfs(t->fd) < 0)
		ok = cannot(t, "sync", "");
	while (ok && n < t->n)
		ok = give_name(t, &t->pending[n++]);
	ok = ok && (t->n == 0 || sync_folder(t, "cur"));
	if (ok)
		t->n = 0;
	return ok;
}

static void close_target(struct export *e)
{
	struct target *t = e->target;

	if (t->file >= 0)
		close(t->file);
	/* Of a group that failed: those that have their name are not in tmp. */
	for (size_t i = 0; i < t->n; i++)
		unlinkat(t->fd, t->pending[i].tmp, 0);
	if (t->fd >= 0)
		close(t->fd);
	buffer_free(&t->out);
	heap_free(e->heap, t->there);
	heap_free(e->heap, t);
	e->target = NULL;
}

const struct export_kind export_maildir = {
	.open = open_target,
	.has = has,
	.begin = begin,
	.text = text,
	.abort = abort_message,
	.commit = commit,
	.close = close_target,
};
