/* os/os_sim_break.c - what breaks in a simulated world because it was told to:
 * frozen processes, parted hosts, peers that vanish, files with bad sectors, rot. */
#include "os/os_sim_impl.h"

#include "base/check.h"

/* ---- processes ---- */

void sim_freeze(struct os *os, uint64_t for_us)
{
	struct sim_process *process = sim_process_of(os);

	if (process->dead)
		return;
	sim_trace(process->sim, process, SIM_FAULT, process->number, for_us,
	    slice_lit("frozen"));
	process->frozen_until = process->sim->now_us + for_us;
}

bool sim_frozen(struct sim_process *process, struct sim_event *event)
{
	uint64_t now = process->sim->now_us;

	if (now >= process->frozen_until)
		return false;
	sim_schedule(process->sim, event, process->frozen_until - now);
	return true;
}

/* ---- network ---- */

void sim_host_side(struct sim_host *host, unsigned side)
{
	sim_trace(host->sim, NULL, SIM_FAULT, host->number, side, slice_lit("side of the network"));
	host->side = side;
}

bool sim_parted(const struct sim_stream *s)
{
	return s->remote && s->host->side != s->far->side;
}

/* One of the living streams between hosts; NULL when there is none. */
static struct sim_stream *draw_stream(struct sim *sim)
{
	struct sim_stream *chosen = NULL;
	uint64_t n = 0;

	list_for(at, &sim->objects) {
		struct sim_object *object = list_item(at, struct sim_object, link);
		struct sim_stream *s = (struct sim_stream *)object;

		if (object->kind == SIM_STREAM && s->remote && s->peer != NULL &&
		    chance_one_in(&sim->fault, ++n))
			chosen = s;
	}
	return chosen;
}

void sim_lose_stream(struct sim *sim)
{
	struct sim_stream *s = draw_stream(sim);

	if (s != NULL)
		sim_stream_lose(s);
}

void sim_vanish_stream(struct sim *sim)
{
	struct sim_stream *s = draw_stream(sim), *peer;

	if (s == NULL)
		return;
	peer = s->peer;
	sim_stream_lose(s);
	sim_stream_silence(peer);
}

/* ---- disk ---- */

static struct sim_inode *draw_file(struct sim_host *host)
{
	struct sim_inode *chosen = NULL;
	uint64_t n = 0;

	list_for(at, &host->inodes) {
		struct sim_inode *inode = list_item(at, struct sim_inode, link);

		if (!inode->folder && inode->users > 0 && chance_one_in(&host->sim->fault, ++n))
			chosen = inode;
	}
	return chosen;
}

void sim_break_file(struct sim_host *host, unsigned how)
{
	struct sim_inode *inode = draw_file(host);

	if (inode == NULL)
		return;
	sim_trace(host->sim, NULL, SIM_FAULT, host->number, how, slice_lit("a bad file"));
	inode->broken |= how;
}

void sim_mend_files(struct sim_host *host)
{
	list_for(at, &host->inodes)
		list_item(at, struct sim_inode, link)->broken = 0;
}

/* Paths are short and made by us: folders are at most so deep. */
enum { DEPTH_MAX = 8 };

void sim_disk_each(struct sim_host *host, void (*visit)(void *context,
    const struct sim_disk_file *file), void *context)
{
	struct sim_disk_file file;
	struct list *at[DEPTH_MAX];
	struct sim_inode *folders[DEPTH_MAX] = { host->disk };
	size_t ends[DEPTH_MAX] = { 0 }, depth = 0;

	at[0] = host->disk->names.next;
	for (;;) {
		struct sim_name *name;
		size_t len;

		if (at[depth] == &folders[depth]->names) {
			if (depth-- == 0)
				return;
			continue;
		}
		name = list_item(at[depth], struct sim_name, link);
		at[depth] = at[depth]->next;
		len = ends[depth] + (size_t)snprintf(file.path + ends[depth],
		    sizeof file.path - ends[depth], "%s%s", depth > 0 ? "/" : "", name->text);
		check(len < sizeof file.path);
		if (name->inode->folder) {
			check(++depth < DEPTH_MAX);
			folders[depth] = name->inode;
			at[depth] = name->inode->names.next;
			ends[depth] = len;
			continue;
		}
		file.inode = name->inode;
		file.size = name->inode->size;
		visit(context, &file);
	}
}

void sim_disk_read(const struct sim_disk_file *file, void *buf, size_t n, uint64_t offset)
{
	check(offset + n <= file->size);
	sim_pages_read(file->inode, buf, n, offset);
}

bool sim_disk_rot(const struct sim_disk_file *file, uint64_t offset, unsigned char mask)
{
	if (!sim_pages_rot(file->inode, offset, mask))
		return false;
	sim_trace(file->inode->host->sim, NULL, SIM_FAULT, file->inode->host->number, offset,
	    slice_from(file->path));
	return true;
}
