/* cli/trace_tail.c - files that grow: how far each was read. */
#include "cli/trace_tail.h"

#include <assert.h>
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/list.h"

enum {
	HEAD = 24,                      /* {"t":1795704231123456, */
	/* Turns: a folder that is read while a file in it is renamed may not show it. */
	MISSED_MAX = 100,
};

static_assert((size_t)TRACE_TURN_BYTES > JOURNEY_LINE_MAX, "the longest line fits");

struct file {
	struct list link;
	size_t folder;
	dev_t device;
	ino_t number;
	size_t head_len;
	char head[HEAD];                /* its first bytes: a number may be used again */
	off_t at;                       /* lines before it were visited */
	bool skip;                      /* until the next end of a line */
	bool there;                     /* in this turn */
	unsigned missed;                /* turns since it was there */
};

struct trace_tail {
	struct heap *heap;
	const char *const *folders;
	size_t n_folders, n_files;
	struct list files;
	size_t back;
	bool begun;                     /* what was there at the beginning is known */
	unsigned char chunk[TRACE_TURN_BYTES];
};

struct reading {
	struct trace_tail *tail;
	size_t folder;
	void (*visit)(void *context, size_t folder, slice line);
	void *context;
	bool more;
};

static struct file *find(struct trace_tail *tail, size_t folder, const struct stat *st)
{
	list_for(at, &tail->files) {
		struct file *file = list_item(at, struct file, link);

		if (file->folder == folder && file->number == st->st_ino &&
		    file->device == st->st_dev)
			return file;
	}
	return NULL;
}

static void begin_at(const struct trace_tail *tail, struct file *file, off_t size)
{
	file->at = 0;
	file->skip = false;
	if (!tail->begun && size > (off_t)tail->back) {
		/* A line may begin right there. */
		file->at = size - (off_t)tail->back - 1;
		file->skip = true;
	}
}

static struct file *take(struct trace_tail *tail, size_t folder, const struct stat *st)
{
	struct file *file = find(tail, folder, st);

	if (file != NULL || tail->n_files == TRACE_FILES_MAX)
		return file;
	file = heap_new(tail->heap, struct file);
	file->folder = folder;
	file->device = st->st_dev;
	file->number = st->st_ino;
	begin_at(tail, file, st->st_size);
	list_append(&tail->files, &file->link);
	tail->n_files++;
	return file;
}

/* Another file that has the number of one that is gone: from its beginning. */
static void judge_head(struct trace_tail *tail, struct file *file, int fd, const struct stat *st)
{
	char head[HEAD];
	ssize_t n = pread(fd, head, HEAD, 0);
	size_t len = n > 0 ? (size_t)n : 0;

	if (st->st_size < file->at || len < file->head_len ||
	    memcmp(head, file->head, file->head_len) != 0)
		begin_at(tail, file, 0);
	memcpy(file->head, head, len);
	file->head_len = len;
}

static void read_file(struct reading *r, struct file *file, int fd)
{
	unsigned char *chunk = r->tail->chunk;
	ssize_t n = pread(fd, chunk, TRACE_TURN_BYTES, file->at);
	slice rest = slice_of(chunk, n > 0 ? (size_t)n : 0);

	while (slice_find_byte(rest, '\n') < rest.len) {
		slice line = slice_cut(&rest, '\n');

		file->at += (off_t)line.len + 1;
		if (!file->skip && line.len <= JOURNEY_LINE_MAX)
			r->visit(r->context, file->folder, line);
		file->skip = false;
	}
	/* No line of ours is as long. */
	if (rest.len > JOURNEY_LINE_MAX) {
		file->at += (off_t)rest.len;
		file->skip = true;
	}
	r->more = r->more || n == TRACE_TURN_BYTES;
}

static void look_at(struct reading *r, int folder, const char *name)
{
	struct file *file;
	struct stat st;
	int fd;

	if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
		return;
	file = take(r->tail, r->folder, &st);
	if (file == NULL || file->there)
		return;
	file->there = true;
	if (st.st_size == file->at)
		return;
	fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return;
	/* It may have been rotated since it was looked at. */
	if (fstat(fd, &st) == 0 && st.st_ino == file->number && st.st_dev == file->device) {
		judge_head(r->tail, file, fd, &st);
		read_file(r, file, fd);
	}
	close(fd);
}

static void read_folder(struct reading *r)
{
	int root = open(r->tail->folders[r->folder], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int fd = root >= 0 ? openat(root, "journey", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *entry;

	while (folder != NULL && (entry = readdir(folder)) != NULL) {
		if (strstr(entry->d_name, ".log") != NULL)
			look_at(r, fd, entry->d_name);
	}
	if (folder != NULL)
		closedir(folder);
	if (root >= 0)
		close(root);
}

static void forget_gone(struct trace_tail *tail)
{
	list_for(at, &tail->files) {
		struct file *file = list_item(at, struct file, link);

		file->missed = file->there ? 0 : file->missed + 1;
		file->there = false;
		if (file->missed <= MISSED_MAX)
			continue;
		list_remove(&file->link);
		heap_free(tail->heap, file);
		tail->n_files--;
	}
}

bool trace_tail_read(struct trace_tail *tail,
    void (*visit)(void *context, size_t folder, slice line), void *context)
{
	struct reading r = { .tail = tail, .visit = visit, .context = context };

	for (r.folder = 0; r.folder < tail->n_folders; r.folder++)
		read_folder(&r);
	forget_gone(tail);
	tail->begun = true;
	return r.more;
}

static void ignore(void *context, size_t folder, slice line)
{
}

struct trace_tail *trace_tail_open(struct heap *heap, const char *const *folders, size_t n,
    size_t back)
{
	struct trace_tail *tail = heap_new(heap, struct trace_tail);

	tail->heap = heap;
	tail->folders = folders;
	tail->n_folders = n;
	tail->back = back;
	list_init(&tail->files);
	if (back == 0)
		trace_tail_read(tail, ignore, NULL);    /* where each file ends now */
	return tail;
}

void trace_tail_close(struct trace_tail *tail)
{
	if (tail == NULL)
		return;
	list_for(at, &tail->files)
		heap_free(tail->heap, list_item(at, struct file, link));
	heap_free(tail->heap, tail);
}
