/* os/os_sim_disk.c - what a simulated disk keeps.
 *
 * Two layers. Processes see the cache. A power cut leaves the durable layer,
 * and of what was not synced whatever chance had already written:
 *   - each dirty sector (512 bytes) whole or not at all, in any order;
 *   - a new size, the old one, or one between;
 *   - of the changes to one name (made, removed, made again) the first few.
 * Chance also writes single sectors back long before any sync.
 *
 * A sync that fails marks the dirty sectors clean, as Linux does: some reached
 * the disk, none will be tried again, the cache still shows them, the next sync
 * reports success, and a power cut shows what is really there.
 */
#include "os/os_sim_impl.h"

#include <errno.h>
#include <string.h>

#include "base/check.h"

/* ---- inodes ---- */

struct sim_inode *sim_inode_create(struct sim_host *host, bool folder)
{
	struct sim_inode *inode = heap_new(host->sim->heap, struct sim_inode);

	inode->host = host;
	inode->refs = 1;
	inode->folder = folder;
	list_init(&inode->names);
	list_init(&inode->durable_names);
	list_init(&inode->changes);
	list_append(&host->inodes, &inode->link);
	return inode;
}

/* Drop the names of one list; inodes that nobody holds any more go to `dead`. */
static void drop_names(struct sim_inode *folder, struct list *names, struct list *dead)
{
	list_for(at, names) {
		struct sim_name *name = list_item(at, struct sim_name, link);

		list_remove(at);
		if (--name->inode->refs == 0) {
			list_remove(&name->inode->link);
			list_append(dead, &name->inode->link);
		}
		heap_free(folder->host->sim->heap, name);
	}
}

void sim_inode_unref(struct sim_inode *inode)
{
	struct heap *heap = inode->host->sim->heap;
	struct list dead;

	check(inode->refs > 0);
	if (--inode->refs > 0)
		return;
	list_init(&dead);
	list_remove(&inode->link);
	list_append(&dead, &inode->link);
	while (!list_empty(&dead)) {
		inode = list_item(list_take_first(&dead), struct sim_inode, link);
		drop_names(inode, &inode->names, &dead);
		drop_names(inode, &inode->durable_names, &dead);
		drop_names(inode, &inode->changes, &dead);
		sim_pages_free(inode);
		heap_free(heap, inode);
	}
}

uint64_t sim_disk_used(const struct sim_host *host)
{
	uint64_t used = 0;

	list_for(at, &host->inodes) {
		const struct sim_inode *inode = list_item(at, struct sim_inode, link);

		if (inode->users > 0)
			used += inode->size;
	}
	return used;
}

/* ---- files ---- */

int sim_inode_write(struct sim_inode *inode, slice bytes, uint64_t offset)
{
	if (bytes.len == 0)
		return 0;
	if (offset > SIM_FILE_MAX - bytes.len)
		return -EFBIG;
	if (offset + bytes.len > inode->size && sim_disk_used(inode->host) +
	    (offset + bytes.len - inode->size) > inode->host->disk_size)
		return -ENOSPC;
	sim_pages_write(inode, bytes, offset);
	if (inode->size < offset + bytes.len)
		inode->size = offset + bytes.len;
	return 0;
}

void sim_inode_sync(struct sim_inode *inode)
{
	sim_pages_sync(inode);
	inode->durable_size = inode->size;
}

/* Some sectors reach the disk; which, and how many, is chance. */
void sim_inode_write_back(struct sim_inode *inode)
{
	struct chance *chance = &inode->host->chance;

	sim_pages_write_back(inode, chance, chance_between(chance, 1, 4));
	if (inode->size != inode->durable_size && chance_one_in(chance, 2))
		inode->durable_size = inode->size;
}

void sim_inode_sync_fails(struct sim_inode *inode)
{
	sim_inode_write_back(inode);
	sim_pages_believe(inode);
}

static void cut_file(struct sim_inode *inode)
{
	struct chance *chance = &inode->host->chance;

	sim_inode_write_back(inode);
	if (inode->size > inode->durable_size && chance_one_in(chance, 2))
		inode->durable_size = chance_between(chance, inode->durable_size, inode->size);
	sim_pages_cut(inode, inode->durable_size);
	inode->size = inode->durable_size;
}

/* ---- folders ---- */

static struct sim_name *find(struct list *names, slice text)
{
	list_for(at, names) {
		struct sim_name *name = list_item(at, struct sim_name, link);

		if (slice_equal(slice_from(name->text), text))
			return name;
	}
	return NULL;
}

struct sim_name *sim_folder_find(struct sim_inode *folder, slice name)
{
	return find(&folder->names, name);
}

static struct sim_name *name_add(struct list *names, slice text, struct sim_inode *inode)
{
	struct sim_name *name = heap_new(inode->host->sim->heap, struct sim_name);

	check(text.len < sizeof name->text);
	memcpy(name->text, text.ptr, text.len);
	name->inode = inode;
	inode->refs++;
	list_append(names, &name->link);
	return name;
}

static void name_free(struct sim_name *name)
{
	struct sim_inode *inode = name->inode;

	list_remove(&name->link);
	heap_free(inode->host->sim->heap, name);
	sim_inode_unref(inode);
}

void sim_folder_add(struct sim_inode *folder, slice name, struct sim_inode *inode)
{
	name_add(&folder->names, name, inode);
	name_add(&folder->changes, name, inode)->add = true;
	inode->users++;
}

void sim_folder_remove(struct sim_inode *folder, struct sim_name *name)
{
	struct sim_inode *inode = name->inode;

	name_add(&folder->changes, slice_from(name->text), inode)->add = false;
	inode->users--;
	name_free(name);
}

/* A change reaches the disk. */
static void apply(struct sim_inode *folder, const struct sim_name *change)
{
	struct sim_name *there = find(&folder->durable_names, slice_from(change->text));

	if (there != NULL)
		name_free(there);
	if (change->add)
		name_add(&folder->durable_names, slice_from(change->text), change->inode);
}

void sim_folder_sync(struct sim_inode *folder)
{
	list_for(at, &folder->changes) {
		struct sim_name *change = list_item(at, struct sim_name, link);

		apply(folder, change);
		name_free(change);
	}
}

/* Was an earlier change to the same name lost? Then this one is. */
static bool after_lost(const struct sim_inode *folder, const struct sim_name *change)
{
	list_for(at, &folder->changes) {
		const struct sim_name *earlier = list_item(at, struct sim_name, link);

		if (earlier == change)
			return false;
		if (earlier->lost && strcmp(earlier->text, change->text) == 0)
			return true;
	}
	return false;
}

static void cut_folder(struct sim_inode *folder)
{
	list_for(at, &folder->changes) {
		struct sim_name *change = list_item(at, struct sim_name, link);

		change->lost = after_lost(folder, change) ||
		    chance_one_in(&folder->host->chance, 2);
		if (!change->lost)
			apply(folder, change);
	}
	while (!list_empty(&folder->changes))
		name_free(list_item(folder->changes.next, struct sim_name, link));
}

/* What processes see becomes what the disk has. */
static void reload_folder(struct sim_inode *folder)
{
	while (!list_empty(&folder->names)) {
		struct sim_name *name = list_item(folder->names.next, struct sim_name, link);

		name->inode->users--;
		name_free(name);
	}
	list_for(at, &folder->durable_names) {
		struct sim_name *name = list_item(at, struct sim_name, link);

		name_add(&folder->names, slice_from(name->text), name->inode);
		name->inode->users++;
	}
}

/* ---- the whole disk ---- */

/* Run fn over all inodes, though it may drop names: each is held meanwhile. */
static void each_inode(struct sim_host *host, void (*fn)(struct sim_inode *inode))
{
	list_for(at, &host->inodes)
		list_item(at, struct sim_inode, link)->refs++;
	list_for(at, &host->inodes)
		fn(list_item(at, struct sim_inode, link));
	/* Frees this one and earlier ones at most: later ones are still held. */
	list_for(at, &host->inodes)
		sim_inode_unref(list_item(at, struct sim_inode, link));
}

static void sync_inode(struct sim_inode *inode)
{
	if (inode->folder)
		sim_folder_sync(inode);
	else if ((inode->broken & SIM_BREAK_SYNC) != 0)
		sim_inode_sync_fails(inode);
	else
		sim_inode_sync(inode);
}

static void fail_inode(struct sim_inode *inode)
{
	if (!inode->folder)
		sim_inode_sync_fails(inode);
}

static void cut_inode(struct sim_inode *inode)
{
	if (inode->folder)
		cut_folder(inode);
	else
		cut_file(inode);
}

static void reload_inode(struct sim_inode *inode)
{
	if (inode->folder)
		reload_folder(inode);
}

bool sim_disk_sync(struct sim_host *host)
{
	bool ok = true;

	each_inode(host, sync_inode);
	list_for(at, &host->inodes)
		ok = ok && (list_item(at, struct sim_inode, link)->broken & SIM_BREAK_SYNC) == 0;
	return ok;
}

void sim_disk_sync_fails(struct sim_host *host)
{
	each_inode(host, fail_inode);
}

void sim_disk_settle(struct sim_host *host)
{
	sim_disk_sync(host);
}

void sim_disk_cut(struct sim_host *host)
{
	each_inode(host, cut_inode);
	each_inode(host, reload_inode);
}
