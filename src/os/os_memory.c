/* os/os_memory.c - names over memfds.
 *
 * (1) A node's number is never used again. A descriptor of a folder is a memfd that holds
 *     it, made when somebody opens the folder; so any duplicate leads back to the node.
 * (2) A folder that was removed has no node: calls below it find nothing.
 * (3) The lock is held for names only, never while bytes are read or written. */
#include "os/os_memory.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/heap.h"
#include "base/limits.h"
#include "base/list.h"
#include "base/table.h"
#include "os/os.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U         /* Linux 6.3; before it: EINVAL */
#endif

struct node {
	struct list link;               /* in the parent's nodes */
	uint64_t number;
	int fd;                         /* a file's, for reading; a folder has none */
	bool folder;
	struct list nodes;              /* in a folder */
	slice name;
};

struct memory {
	struct heap *heap;
	pthread_mutex_t lock;
	struct table folders;           /* by number */
	struct node *root;
	uint64_t number_last;
};

/* ---- descriptors ---- */

int memory_file(void)
{
	int fd = memfd_create("posthouse", MFD_CLOEXEC | MFD_NOEXEC_SEAL);

	if (fd < 0 && errno == EINVAL)
		fd = memfd_create("posthouse", MFD_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* An open file of its own, not a duplicate: with its own way of being open. */
static int open_again(int fd, int how)
{
	char path[32];
	int again;

	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	again = open(path, how | O_CLOEXEC);
	return again < 0 ? -errno : again;
}

/* The same open file once more, which does for what is only read at offsets. */
static int duplicate(int fd)
{
	int again = fcntl(fd, F_DUPFD_CLOEXEC, 3);

	return again < 0 ? -errno : again;
}

/* ---- nodes; with the lock ---- */

static struct node *node_add(struct memory *m, struct node *parent, slice name, int fd, bool folder)
{
	struct node *node = heap_new(m->heap, struct node);
	unsigned char *copy = heap_alloc(m->heap, name.len + 1);

	if (name.len > 0)
		memcpy(copy, name.ptr, name.len);
	*node = (struct node){ .number = ++m->number_last, .fd = fd, .folder = folder,
	    .name = slice_of(copy, name.len) };
	list_init(&node->link);
	list_init(&node->nodes);
	if (parent != NULL)
		list_append(&parent->nodes, &node->link);
	if (folder)
		table_put(&m->folders, table_key(node->number), node);
	return node;
}

static void node_remove(struct memory *m, struct node *node)
{
	check(list_empty(&node->nodes));
	if (node->folder)
		table_remove(&m->folders, table_key(node->number));
	list_remove(&node->link);
	if (!node->folder)
		close(node->fd);
	heap_free(m->heap, (void *)(uintptr_t)node->name.ptr);
	heap_free(m->heap, node);
}

static struct node *find(struct node *folder, slice name)
{
	list_for(at, &folder->nodes) {
		struct node *node = list_item(at, struct node, link);

		if (slice_equal(node->name, name))
			return node;
	}
	return NULL;
}

static struct node *folder_of(struct memory *m, int dir)
{
	uint64_t number;

	if (dir == AT_FDCWD)
		return m->root;
	if (pread(dir, &number, sizeof number, 0) != (ssize_t)sizeof number)
		return NULL;
	return table_get(&m->folders, table_key(number));
}

/* The folder that the last name of a path is in, and that name: empty when the path is
 * `dir` itself. 0 or -errno. */
static int walk(struct memory *m, int dir, const char *path, struct node **ret_folder,
    slice *ret_name)
{
	struct node *folder = folder_of(m, dir);
	slice rest = slice_from(path), name = { 0 };

	if (folder == NULL)
		return -ENOENT;
	while (rest.len > 0) {
		slice part = slice_cut(&rest, '/');

		if (part.len == 0 || slice_equal(part, slice_lit(".")))
			continue;
		if (name.len > 0) {
			folder = find(folder, name);
			if (folder == NULL)
				return -ENOENT;
			if (!folder->folder)
				return -ENOTDIR;
		}
		name = part;
	}
	*ret_folder = folder;
	*ret_name = name;
	return 0;
}

/* A new file: what its name holds, and a descriptor for who asked. */
static int make_file(struct memory *m, struct node *folder, slice name, int how)
{
	int fd = memory_file(), kept, asked;

	if (fd < 0)
		return fd;
	kept = open_again(fd, O_RDONLY);
	asked = kept < 0 ? kept : open_again(fd, how);
	close(fd);
	if (asked < 0) {
		if (kept >= 0)
			close(kept);
		return asked;
	}
	node_add(m, folder, name, kept, false);
	return asked;
}

static int open_folder(const struct node *folder)
{
	int fd = memory_file();

	if (fd < 0)
		return fd;
	if (pwrite(fd, &folder->number, sizeof folder->number, 0) ==
	    (ssize_t)sizeof folder->number)
		return fd;
	close(fd);
	return -ENOSPC;
}

static int open_node(struct memory *m, struct node *folder, slice name, int flags)
{
	int how = (flags & OS_READ) && (flags & OS_WRITE) ? O_RDWR : flags & OS_WRITE ?
	    O_WRONLY : O_RDONLY;
	struct node *node = name.len > 0 ? find(folder, name) : folder;

	if (node == NULL)
		return flags & OS_CREATE ? make_file(m, folder, name, how) : -ENOENT;
	if (flags & OS_EXCLUSIVE)
		return -EEXIST;
	if (node->folder)
		return how == O_RDONLY ? open_folder(node) : -EISDIR;
	if (flags & OS_FOLDER)
		return -ENOTDIR;
	return how == O_RDONLY ? duplicate(node->fd) : open_again(node->fd, how);
}

/* ---- the calls ---- */

struct memory *memory_create(void)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct memory *m = heap_new(heap, struct memory);

	m->heap = heap;
	m->folders = table_init(heap, 0);       /* numbers of our own: nobody chooses them */
	m->root = node_add(m, NULL, (slice){ 0 }, -1, true);
	pthread_mutex_init(&m->lock, NULL);
	return m;
}

/* Level by level, without recursion: a folder's nodes take its place. */
void memory_destroy(struct memory *m)
{
	struct list left, *at;

	if (m == NULL)
		return;
	list_init(&left);
	list_append(&left, &m->root->link);
	while ((at = list_take_first(&left)) != NULL) {
		struct node *node = list_item(at, struct node, link);

		while ((at = list_take_first(&node->nodes)) != NULL)
			list_append(&left, at);
		node_remove(m, node);
	}
	pthread_mutex_destroy(&m->lock);
	heap_drop(m->heap);
}

int memory_open(struct memory *m, int dir, const char *path, int flags)
{
	struct node *folder;
	slice name;
	int result;

	pthread_mutex_lock(&m->lock);
	result = walk(m, dir, path, &folder, &name);
	if (result == 0)
		result = open_node(m, folder, name, flags);
	pthread_mutex_unlock(&m->lock);
	return result;
}

int memory_mkdir(struct memory *m, int dir, const char *path)
{
	struct node *folder;
	slice name;
	int result;

	pthread_mutex_lock(&m->lock);
	result = walk(m, dir, path, &folder, &name);
	if (result == 0 && (name.len == 0 || find(folder, name) != NULL))
		result = -EEXIST;
	if (result == 0)
		node_add(m, folder, name, -1, true);
	pthread_mutex_unlock(&m->lock);
	return result;
}

static int remove_node(struct memory *m, struct node *folder, slice name, bool is_folder)
{
	struct node *node = name.len > 0 ? find(folder, name) : NULL;

	if (node == NULL)
		return name.len > 0 ? -ENOENT : -EBUSY;
	if (node->folder != is_folder)
		return is_folder ? -ENOTDIR : -EISDIR;
	if (!list_empty(&node->nodes))
		return -ENOTEMPTY;
	node_remove(m, node);
	return 0;
}

int memory_remove(struct memory *m, int dir, const char *path, bool is_folder)
{
	struct node *folder;
	slice name;
	int result;

	pthread_mutex_lock(&m->lock);
	result = walk(m, dir, path, &folder, &name);
	if (result == 0)
		result = remove_node(m, folder, name, is_folder);
	pthread_mutex_unlock(&m->lock);
	return result;
}

static int rename_node(struct memory *m, struct node *node, struct node *folder, slice name)
{
	struct node *old = name.len > 0 ? find(folder, name) : folder;
	unsigned char *copy;

	if (node->folder || (old != NULL && old->folder))
		return -EISDIR;
	if (old == node)
		return 0;
	if (old != NULL)
		node_remove(m, old);
	copy = heap_alloc(m->heap, name.len + 1);
	memcpy(copy, name.ptr, name.len);
	heap_free(m->heap, (void *)(uintptr_t)node->name.ptr);
	node->name = slice_of(copy, name.len);
	list_remove(&node->link);
	list_append(&folder->nodes, &node->link);
	return 0;
}

int memory_rename(struct memory *m, int dir, const char *from, const char *to)
{
	struct node *folder, *node = NULL;
	slice name;
	int result;

	pthread_mutex_lock(&m->lock);
	result = walk(m, dir, from, &folder, &name);
	if (result == 0)
		node = name.len > 0 ? find(folder, name) : folder;
	if (result == 0 && node == NULL)
		result = -ENOENT;
	if (result == 0)
		result = walk(m, dir, to, &folder, &name);
	if (result == 0)
		result = rename_node(m, node, folder, name);
	pthread_mutex_unlock(&m->lock);
	return result;
}

/* The names as they are now, copied: visit may call us. *ret_names is freed by the
 * caller, each with its NUL. */
static int copy_names(struct memory *m, int dir, const char *path, char **ret_names,
    size_t *ret_len)
{
	struct node *folder, *node;
	size_t len = 0;
	slice name;
	int result = walk(m, dir, path, &folder, &name);

	if (result != 0)
		return result;
	node = name.len > 0 ? find(folder, name) : folder;
	if (node == NULL)
		return -ENOENT;
	if (!node->folder)
		return -ENOTDIR;
	list_for(at, &node->nodes)
		len += list_item(at, struct node, link)->name.len + 1;
	*ret_names = heap_alloc(m->heap, len + 1);
	*ret_len = 0;
	list_for(at, &node->nodes) {
		slice of = list_item(at, struct node, link)->name;

		memcpy(*ret_names + *ret_len, of.ptr, of.len + 1);
		*ret_len += of.len + 1;
	}
	return 0;
}

int memory_list(struct memory *m, int dir, const char *path,
    bool (*visit)(void *, const char *), void *context)
{
	char *names;
	size_t len;
	int result;

	pthread_mutex_lock(&m->lock);
	result = copy_names(m, dir, path, &names, &len);
	pthread_mutex_unlock(&m->lock);
	if (result != 0)
		return result;
	for (size_t at = 0; at < len && visit(context, names + at);)
		at += strlen(names + at) + 1;
	pthread_mutex_lock(&m->lock);
	heap_free(m->heap, names);
	pthread_mutex_unlock(&m->lock);
	return 0;
}

bool memory_extend(int fd, slice bytes, uint64_t offset)
{
	struct stat st;

	if (bytes.len == 0 || bytes.ptr[0] != 0 ||
	    memcmp(bytes.ptr, bytes.ptr + 1, bytes.len - 1) != 0)
		return false;
	return fstat(fd, &st) == 0 && offset >= (uint64_t)st.st_size &&
	    ftruncate(fd, (off_t)(offset + bytes.len)) == 0;
}

int memory_free_space(uint64_t *ret_free, uint64_t *ret_total)
{
	FILE *file = fopen("/proc/meminfo", "re");
	unsigned long long total = 0, available = 0, value;
	char line[128];

	if (file == NULL)
		return -errno;
	while (fgets(line, sizeof line, file) != NULL) {
		if (sscanf(line, "MemTotal: %18llu", &value) == 1)
			total = value;
		else if (sscanf(line, "MemAvailable: %18llu", &value) == 1)
			available = value;
	}
	fclose(file);
	if (total == 0)
		return -ENOTSUP;
	*ret_free = available * 1024;
	*ret_total = total * 1024;
	return 0;
}
