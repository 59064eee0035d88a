/* cli/import_maildir.c - the files of a Maildir, and of its folders.
 *
 * Names are read first, all of a folder, and sorted: so each run brings them in the same order,
 * and knows how far it is. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "cli/cli.h"
#include "cli/file.h"
#include "cli/import.h"
#include "cli/maildir_name.h"
#include "imap/mailbox.h"

struct names {
	struct heap *heap;
	char **list;
	size_t n, room;
};

struct folder {
	struct haul *t;
	struct mail_append *to;
	const char *path;
	int fd;
	struct buffer raw, text, keyword_file, keywords;
	slice words[MAILDIR_KEYWORDS];  /* of keyword_file */
};

/* ---- names ---- */

static bool add_name(struct names *names, const char *prefix, const char *name)
{
	size_t size = strlen(prefix) + strlen(name) + 1;

	if (names->n == IMPORT_FILES_MAX)
		return false;
	if (names->n == names->room) {
		size_t room = names->room > 0 ? 2 * names->room : 256;
		char **list = heap_alloc(names->heap, room * sizeof *list);

		if (names->n > 0)
			memcpy(list, names->list, names->n * sizeof *list);
		heap_free(names->heap, names->list);
		names->list = list;
		names->room = room;
	}
	names->list[names->n] = heap_alloc(names->heap, size);
	snprintf(names->list[names->n++], size, "%s%s", prefix, name);
	return true;
}

static void free_names(struct names *names)
{
	for (size_t i = 0; i < names->n; i++)
		heap_free(names->heap, names->list[i]);
	heap_free(names->heap, names->list);
	*names = (struct names){ .heap = names->heap };
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* What stands in dir/sub; hidden: what begins with a dot, instead of what does not. 0 or errno. */
static int list_folder(int dir, const char *sub, const char *prefix, bool hidden,
    struct names *names)
{
	int fd = openat(dir, sub, O_RDONLY | O_DIRECTORY | O_CLOEXEC), error = 0;
	DIR *stream = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;

	if (stream == NULL) {
		error = errno;
		if (fd >= 0)
			close(fd);
		return error;
	}
	errno = 0;
	while (error == 0 && (entry = readdir(stream)) != NULL) {
		if ((entry->d_name[0] == '.') != hidden || strcmp(entry->d_name, ".") == 0 ||
		    strcmp(entry->d_name, "..") == 0)
			continue;
		if (!add_name(names, prefix, entry->d_name))
			error = EOVERFLOW;
		errno = 0;
	}
	if (error == 0)
		error = errno;
	closedir(stream);
	return error;
}

/* ---- keywords ---- */

/* "0 $label1", a line each: what the letter a means. */
static void read_keywords(struct folder *f)
{
	slice rest;

	if (file_read(f->fd, "dovecot-keywords", &f->keyword_file) < 0)
		buffer_truncate(&f->keyword_file, 0);
	rest = buffer_bytes(&f->keyword_file);
	while (rest.len > 0) {
		slice line = slice_cut(&rest, '\n');
		uint64_t number;

		if (slice_to_u64(slice_cut(&line, ' '), MAILDIR_KEYWORDS - 1, &number))
			f->words[number] = slice_trim(line);
	}
}

static slice keywords_of(struct folder *f, struct maildir_flags flags)
{
	buffer_truncate(&f->keywords, 0);
	if (flags.passed)
		buffer_add(&f->keywords, slice_lit("$Forwarded "));
	for (unsigned i = 0; i < MAILDIR_KEYWORDS; i++) {
		if ((flags.keywords >> i & 1) == 0 || f->words[i].len == 0)
			continue;
		buffer_add(&f->keywords, f->words[i]);
		buffer_add(&f->keywords, slice_lit(" "));
	}
	return buffer_bytes(&f->keywords);
}

/* ---- messages ---- */

static bool take_text(struct buffer *out, slice raw)
{
	bool fits = true;

	while (raw.len > 0 && fits) {
		size_t n = slice_find_byte(raw, '\n');
		slice line = slice_head(raw, n);
		bool ended = n < raw.len;

		if (ended && slice_ends(line, slice_lit("\r")))
			line.len--;
		fits = buffer_append(out, line) && (!ended || buffer_append(out, slice_lit("\r\n")));
		raw = slice_drop(raw, ended ? n + 1 : n);
	}
	return fits;
}

static bool bring(struct folder *f, const char *name)
{
	slice base = slice_from(name + 4);      /* behind "cur/" */
	struct maildir_flags flags = maildir_flags_read(base);
	int fd = openat(f->fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat stat = { 0 };
	struct mail_letter letter;
	char label[2 * 4096];
	int error;

	snprintf(label, sizeof label, "%s/%s", f->path, name);
	if (fd < 0 || fstat(fd, &stat) < 0 || !S_ISREG(stat.st_mode)) {
		error = fd < 0 ? errno : EINVAL;
		if (fd >= 0)
			close(fd);
		/* A directory is none of ours; what a mail program moved is found at the next run. */
		haul_fail(f->t, "%s: not imported: %s", label,
		    error == EINVAL ? "it is no file" : strerror(error));
		return true;
	}
	buffer_truncate(&f->raw, 0);
	buffer_truncate(&f->text, 0);
	error = -file_read_fd(fd, &f->raw);
	close(fd);
	if (error == EFBIG || (error == 0 && !take_text(&f->text, buffer_bytes(&f->raw)))) {
		haul_fail(f->t, "%s: not imported: it has %lld bytes, and %llu are the most, with "
		    "CRLF (limit.message_size)", label, (long long)stat.st_size,
		    (unsigned long long)mail_append_limit(f->to));
		return true;
	}
	if (error != 0) {
		haul_fail(f->t, "%s: not imported: %s", label, strerror(error));
		return true;
	}
	letter = (struct mail_letter){ .text = buffer_bytes(&f->text), .flags = flags.flags,
		.keywords = keywords_of(f, flags), .received_s = stat.st_mtim.tv_sec,
		.label = label };
	f->t->at_messages++;
	f->t->at_bytes += letter.text.len;
	return mail_append_add(f->to, &letter);
}

static bool bring_all(struct folder *f, const struct names *names, slice mailbox)
{
	bool ok = true;

	f->to = mail_append_begin(f->t, mailbox);
	if (f->to == NULL)
		return false;
	f->raw = buffer_init(f->t->heap, mail_append_limit(f->to));
	f->text = buffer_init(f->t->heap, mail_append_limit(f->to));
	f->keyword_file = buffer_init(f->t->heap, IMPORT_READ);
	f->keywords = buffer_init(f->t->heap, IMPORT_READ + 100);
	read_keywords(f);
	for (size_t i = 0; i < names->n && ok && !haul_stopped(); i++)
		ok = bring(f, names->list[i]);
	ok = mail_append_end(f->to) && ok;
	buffer_free(&f->raw);
	buffer_free(&f->text);
	buffer_free(&f->keyword_file);
	buffer_free(&f->keywords);
	return ok;
}

/* ---- folders ---- */

static bool is_maildir(int fd)
{
	return faccessat(fd, "cur", F_OK, 0) == 0 || faccessat(fd, "new", F_OK, 0) == 0;
}

static bool import_folder(struct haul *t, int fd, const char *path, slice mailbox)
{
	struct folder f = { .t = t, .path = path, .fd = fd };
	struct names names = { .heap = t->heap };
	int error = list_folder(fd, "cur", "cur/", false, &names);
	bool ok;

	if (error == 0 || error == ENOENT)
		error = list_folder(fd, "new", "new/", false, &names);
	if (error != 0 && error != ENOENT) {
		cli_fail("cannot read %s: %s", path, strerror(error));
		free_names(&names);
		return false;
	}
	if (names.n > 0)
		qsort(names.list, names.n, sizeof *names.list, by_name);
	t->total_messages += names.n;
	ok = bring_all(&f, &names, mailbox);
	free_names(&names);
	return ok;
}

/* A folder whose name is no mailbox's is named, and passed over. */
static bool import_sub(struct haul *t, int root, const char *path, const char *name,
    const char *above)
{
	struct buffer mailbox = buffer_init(t->heap, 4 * IMAP_NAME_MAX);
	int fd = openat(root, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool changed = false, ok = true;
	char whole[4096];

	if (fd < 0 || !is_maildir(fd)) {
		if (fd >= 0)
			close(fd);
		return true;            /* some other hidden file */
	}
	snprintf(whole, sizeof whole, "%s/%s", path, name);
	if (above != NULL)
		buffer_printf(&mailbox, "%s/", above);
	if (!maildir_folder_read(slice_from(name), &mailbox, &changed) ||
	    imap_name_judge(buffer_bytes(&mailbox)) != IMAP_NAME_OK) {
		haul_fail(t, "%s: not imported: no mailbox can have that name; rename the folder",
		    whole);
	} else {
		if (changed)
			haul_note(t, "%s becomes \"%.*s\": no mailbox can have its name", whole,
			    slice_arg(buffer_bytes(&mailbox)));
		ok = import_folder(t, fd, whole, buffer_bytes(&mailbox));
	}
	close(fd);
	buffer_free(&mailbox);
	return ok;
}

bool import_maildir(struct haul *t, const char *path, const char *mailbox)
{
	struct names names = { .heap = t->heap };
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool ok;
	int error;

	if (fd < 0) {
		cli_fail("cannot read %s: %s%s", path, strerror(errno), errno == ENOTDIR ?
		    "; an mbox is brought with --mbox" : "");
		return false;
	}
	if (!is_maildir(fd)) {
		cli_fail("%s is no Maildir: neither cur nor new is in it", path);
		close(fd);
		return false;
	}
	error = list_folder(fd, ".", "", true, &names);
	if (error != 0)
		cli_fail("cannot read %s: %s", path, strerror(error));
	if (names.n > 0)
		qsort(names.list, names.n, sizeof *names.list, by_name);
	ok = error == 0 && import_folder(t, fd, path, slice_from(mailbox != NULL ? mailbox : "INBOX"));
	for (size_t i = 0; i < names.n && ok && !haul_stopped(); i++)
		ok = import_sub(t, fd, path, names.list[i], mailbox);
	free_names(&names);
	close(fd);
	return ok;
}
