/* os/os_sim_file.c - the file calls of os.h over a simulated disk. */
#include "os/os_sim_impl.h"

#include <errno.h>
#include <string.h>

#include "base/check.h"
#include "base/checksum.h"

/* ---- paths ---- */

static struct sim_file *file_of(struct sim_process *process, int fd)
{
	struct sim_object *object = sim_fd_get(process, fd);

	return object != NULL && object->kind == SIM_FILE ? (struct sim_file *)object : NULL;
}

static struct sim_inode *folder_of(struct sim_process *process, int dir)
{
	struct sim_file *file;

	if (process->dead)
		return NULL;
	if (dir == OS_ROOT)
		return process->root;
	file = file_of(process, dir);
	return file != NULL && file->inode->folder ? file->inode : NULL;
}

/* Walk to the folder that holds the last name of path. An empty last name (of
 * "" or ".") means the folder itself. */
static int walk(struct sim_process *process, int dir, const char *path,
    struct sim_inode **ret_folder, slice *ret_last)
{
	struct sim_inode *folder = folder_of(process, dir);
	slice rest = slice_from(path), part = { 0 };

	if (folder == NULL)
		return -EBADF;
	check(rest.len <= OS_PATH_MAX);
	check(slice_find(rest, slice_lit("..")) == rest.len);
	while (rest.len > 0) {
		slice next = slice_cut(&rest, '/');
		struct sim_name *name;

		if (next.len == 0 || slice_equal(next, slice_lit(".")))
			continue;
		if (part.len > 0) {
			name = sim_folder_find(folder, part);
			if (name == NULL)
				return -ENOENT;
			if (!name->inode->folder)
				return -ENOTDIR;
			folder = name->inode;
		}
		part = next;
	}
	*ret_folder = folder;
	*ret_last = part;
	return 0;
}

static int find_inode(struct sim_process *process, int dir, const char *path,
    struct sim_inode **ret_inode)
{
	struct sim_name *name;
	slice last;
	int error = walk(process, dir, path, ret_inode, &last);

	if (error != 0 || last.len == 0)
		return error;
	name = sim_folder_find(*ret_inode, last);
	if (name == NULL)
		return -ENOENT;
	*ret_inode = name->inode;
	return 0;
}

static bool may_touch(const struct sim_process *process, bool write)
{
	return !process->confined || (process->may.files && (!write || process->may.files_write));
}

/* A call that changes names: 0 when it may go on. */
static int begin_names(struct sim_process *process, const char *path)
{
	if (!may_touch(process, true))
		return -EACCES;
	if (!sim_disk_call(process))
		return -EIO;
	sim_trace(process->sim, process, SIM_NAME, 0, 0, slice_from(path));
	if (chance_one_in(&process->sim->fault, process->sim->faults.write_full))
		return -ENOSPC;
	return 0;
}

/* ---- names ---- */

static int open_inode(struct sim_process *process, struct sim_inode *inode, int flags)
{
	struct sim_file *file = heap_new(process->sim->heap, struct sim_file);

	sim_object_init(process->sim, &file->object, SIM_FILE);
	file->inode = inode;
	file->flags = flags;
	inode->refs++;
	inode->users++;
	inode->writers += (flags & OS_WRITE) != 0;
	return sim_fd_add(process, &file->object);
}

void sim_file_close(struct sim_file *file)
{
	struct sim_inode *inode = file->inode;

	inode->users--;
	inode->writers -= (file->flags & OS_WRITE) != 0;
	heap_free(file->object.sim->heap, file);
	sim_inode_unref(inode);
}

int sim_os_open(struct os *os, int dir, const char *path, int flags)
{
	struct sim_process *process = sim_process_of(os);
	struct sim_inode *folder, *inode;
	struct sim_name *name = NULL;
	slice last;
	int error;

	if (!may_touch(process, (flags & (OS_WRITE | OS_CREATE)) != 0))
		return -EACCES;
	if (!sim_disk_call(process))
		return -EIO;
	error = walk(process, dir, path, &folder, &last);
	if (error != 0)
		return error;
	inode = folder;
	if (last.len > 0) {
		name = sim_folder_find(folder, last);
		inode = name != NULL ? name->inode : NULL;
	}
	if (inode == NULL) {
		if ((flags & OS_CREATE) == 0)
			return -ENOENT;
		error = begin_names(process, path);
		if (error != 0)
			return error;
		inode = sim_inode_create(process->host, false);
		sim_folder_add(folder, last, inode);
		sim_inode_unref(inode);
	} else if ((flags & OS_CREATE) != 0 && (flags & OS_EXCLUSIVE) != 0) {
		return -EEXIST;
	}
	if (inode->folder && (flags & OS_WRITE) != 0)
		return -EISDIR;
	if (!inode->folder && (flags & OS_FOLDER) != 0)
		return -ENOTDIR;
	return open_inode(process, inode, flags);
}

int sim_os_mkdir(struct os *os, int dir, const char *path)
{
	struct sim_process *process = sim_process_of(os);
	struct sim_inode *folder, *inode;
	slice last;
	int error = walk(process, dir, path, &folder, &last);

	if (error != 0)
		return error;
	if (last.len == 0 || sim_folder_find(folder, last) != NULL)
		return -EEXIST;
	error = begin_names(process, path);
	if (error != 0)
		return error;
	inode = sim_inode_create(process->host, true);
	sim_folder_add(folder, last, inode);
	sim_inode_unref(inode);
	return 0;
}

static int remove_name(struct os *os, int dir, const char *path, bool want_folder)
{
	struct sim_process *process = sim_process_of(os);
	struct sim_inode *folder;
	struct sim_name *name;
	slice last;
	int error = walk(process, dir, path, &folder, &last);

	if (error != 0)
		return error;
	name = last.len > 0 ? sim_folder_find(folder, last) : NULL;
	if (name == NULL)
		return -ENOENT;
	if (name->inode->folder != want_folder)
		return want_folder ? -ENOTDIR : -EISDIR;
	if (want_folder && !list_empty(&name->inode->names))
		return -ENOTEMPTY;
	error = begin_names(process, path);
	if (error == 0)
		sim_folder_remove(folder, name);
	return error;
}

int sim_os_unlink(struct os *os, int dir, const char *path)
{
	return remove_name(os, dir, path, false);
}

int sim_os_rmdir(struct os *os, int dir, const char *path)
{
	return remove_name(os, dir, path, true);
}

int sim_os_list(struct os *os, int dir, const char *path,
    bool (*visit)(void *context, const char *name), void *context)
{
	struct sim_process *process = sim_process_of(os);
	struct sim_inode *folder;
	size_t n = 0, from, i = 0;
	int error = find_inode(process, dir, path, &folder);

	if (error != 0)
		return error;
	if (!folder->folder)
		return -ENOTDIR;
	if (!may_touch(process, false))
		return -EACCES;
	list_for(at, &folder->names)
		n++;
	/* In no order: from a drawn name to the last, then those before it. */
	from = n > 0 ? chance_below(&process->host->chance, n) : 0;
	for (int round = 0; round < 2; round++, i = 0) {
		list_for(at, &folder->names) {
			if ((i++ >= from) == (round == 0) &&
			    !visit(context, list_item(at, struct sim_name, link)->text))
				return 0;
		}
	}
	return 0;
}

/* ---- contents ---- */

int sim_os_has_writer(struct os *os, int fd)
{
	struct sim_file *file = file_of(sim_process_of(os), fd);

	return file != NULL ? file->inode->writers > 0 : -EBADF;
}

int64_t sim_os_size(struct os *os, int fd)
{
	struct sim_file *file = file_of(sim_process_of(os), fd);

	return file != NULL ? (int64_t)file->inode->size : -EBADF;
}

ssize_t sim_os_pread(struct os *os, int fd, void *buf, size_t n, uint64_t offset)
{
	struct sim_process *process = sim_process_of(os);
	struct sim_file *file = file_of(process, fd);
	const struct sim_inode *inode;

	if (file == NULL || (file->flags & OS_READ) == 0)
		return -EBADF;
	inode = file->inode;
	if (inode->folder)
		return -EISDIR;
	if (!sim_disk_call(process))
		return -EIO;
	if ((inode->broken & SIM_BREAK_READ) != 0 ||
	    chance_one_in(&process->sim->fault, process->sim->faults.read_error))
		return -EIO;
	if (offset >= inode->size)
		return 0;
	if (n > inode->size - offset)
		n = inode->size - offset;
	sim_pages_read(inode, buf, n, offset);
	return (ssize_t)n;
}

/* Half of a failed write may be there: whole sectors, by chance. */
static void write_some(struct sim_inode *inode, slice bytes, uint64_t offset)
{
	while (bytes.len > 0) {
		size_t n = SIM_SECTOR - offset % SIM_SECTOR;

		if (n > bytes.len)
			n = bytes.len;
		if (chance_one_in(&inode->host->sim->fault, 2) &&
		    sim_inode_write(inode, slice_head(bytes, n), offset) != 0)
			return;
		bytes = slice_drop(bytes, n);
		offset += n;
	}
}

static int fault_of_write(struct sim *sim, const struct sim_inode *inode)
{
	if ((inode->broken & SIM_BREAK_WRITE) != 0 ||
	    chance_one_in(&sim->fault, sim->faults.write_error))
		return -EIO;
	if (chance_one_in(&sim->fault, sim->faults.write_full))
		return -ENOSPC;
	return 0;
}

int sim_os_pwritev(struct os *os, int fd, const slice *parts, size_t n, uint64_t offset)
{
	struct sim_process *process = sim_process_of(os);
	struct sim_file *file = file_of(process, fd);
	int error;

	if (file == NULL || (file->flags & OS_WRITE) == 0)
		return -EBADF;
	if (!sim_disk_call(process))
		return -EIO;
	error = fault_of_write(process->sim, file->inode);
	sim_trace(process->sim, process, SIM_WRITE, offset, checksum64_of(parts, n, 0),
	    slice_from(error ? "fails" : ""));
	for (size_t i = 0; i < n; i++) {
		if (error == 0)
			error = sim_inode_write(file->inode, parts[i], offset);
		if (error != 0)
			write_some(file->inode, parts[i], offset);
		offset += parts[i].len;
	}
	if (chance_one_in(&process->host->chance, 8))
		sim_inode_write_back(file->inode);
	return error;
}

/* ---- syncs ---- */

static int begin_sync(struct sim_process *process, struct sim_file *file)
{
	bool fails;

	if (file == NULL)
		return -EBADF;
	if (!sim_disk_call(process))
		return -EIO;
	fails = (file->inode->broken & SIM_BREAK_SYNC) != 0 ||
	    chance_one_in(&process->sim->fault, process->sim->faults.sync_error);
	sim_trace(process->sim, process, SIM_SYNC, file->object.number, 0,
	    slice_from(fails ? "fails" : ""));
	return fails ? -EIO : 0;
}

int sim_os_sync(struct os *os, int fd)
{
	struct sim_process *process = sim_process_of(os);
	struct sim_file *file = file_of(process, fd);
	int error = begin_sync(process, file);

	if (error == 0)
		sim_inode_sync(file->inode);
	else if (file != NULL && !process->doomed)
		sim_inode_sync_fails(file->inode);
	return error;
}

int sim_os_sync_folder(struct os *os, int fd)
{
	struct sim_process *process = sim_process_of(os);
	struct sim_file *file = file_of(process, fd);
	int error;

	if (file != NULL && !file->inode->folder)
		return -ENOTDIR;
	error = begin_sync(process, file);
	if (error == 0)
		sim_folder_sync(file->inode);
	return error;
}

int sim_os_sync_system(struct os *os, int fd)
{
	struct sim_process *process = sim_process_of(os);
	int error = begin_sync(process, file_of(process, fd));

	if (error == 0 && !sim_disk_sync(process->host))
		return -EIO;
	if (error == 0)
		return 0;
	if (!process->doomed && error == -EIO)
		sim_disk_sync_fails(process->host);
	return error;
}

int sim_os_free_space(struct os *os, int fd, uint64_t *ret_free, uint64_t *ret_total)
{
	struct sim_process *process = sim_process_of(os);
	uint64_t used = sim_disk_used(process->host), total = process->host->disk_size;

	(void)fd;
	*ret_free = used < total ? total - used : 0;
	*ret_total = total;
	return 0;
}
