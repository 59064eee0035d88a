/* sim/world_idle.c - what must be so once nothing is left to do: the journal holds
 * nothing but spares, and roles hold what they held the last time. */
#include "sim/world_impl.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/limits.h"
#include "base/table.h"
#include "log/log.h"
#include "sim/queue_look.h"

/* ---- journals ---- */

enum { FIRST_RECORDS = LOG_RECORD_MAX + 4 * LOG_BLOCK };   /* the longest, and its mark */

struct journal_look {
	struct world *w;
	struct station *station;
	unsigned in_use;                /* segments with a record in them */
};

/* Is there a record of its present use in the segment? */
static bool holds_records(const struct sim_disk_file *file)
{
	static unsigned char bytes[FIRST_RECORDS];
	size_t n = file->size < sizeof bytes ? (size_t)file->size : sizeof bytes;
	struct log_reader reader;
	struct log_record record;
	struct log_head head;
	uint32_t from, to, need;

	sim_disk_read(file, bytes, n, 0);
	if (n < LOG_BLOCK || log_head_read(slice_of(bytes, LOG_BLOCK), &head) != LOG_HEAD_OK ||
	    head.generation == 0)
		return false;
	log_reader_init(&reader, &head, head.size);
	return log_next(&reader, slice_of(bytes + LOG_BLOCK, n - LOG_BLOCK), LOG_BLOCK,
	    n == file->size, &record, &from, &to, &need) == LOG_RECORD;
}

static void look_at_file(void *context, const struct sim_disk_file *file)
{
	struct journal_look *look = context;
	slice path = slice_from(file->path);

	if (!slice_starts(path, slice_lit("journal/")))
		return;
	path = slice_drop(path, 8);
	if (slice_starts(path, slice_lit("spool/")))
		checker_fail(look->w->checker, "%s: %s was never removed",
		    sim_host_name(station_host(look->station)), file->path);
	else if (slice_starts(path, slice_lit("parked/")) && holds_records(file))
		checker_fail(look->w->checker, "%s: %s is still there, though all is delivered",
		    sim_host_name(station_host(look->station)), file->path);
	else if (path.len > 0 && path.ptr[0] >= '1' && path.ptr[0] <= '9')
		look->in_use += holds_records(file);
}

void world_check_journals(struct world *w)
{
	for (size_t i = 0; i < w->n_stations; i++) {
		struct journal_look look = { .w = w, .station = w->stations[i] };

		sim_disk_each(station_host(w->stations[i]), look_at_file, &look);
		/* Each edge writes into one, and so does the relay. */
		if (look.in_use > station_plan(w->stations[i])->edges + 1)
			checker_fail(w->checker, "%s: %u segments of the journal are not freed",
			    sim_host_name(station_host(w->stations[i])), look.in_use);
	}
}

bool world_queues_empty(struct world *w)
{
	for (size_t i = 0; i < w->n_stations; i++) {
		if (queue_look(station_host(w->stations[i])) > 0)
			return false;
	}
	return true;
}

/* ---- roles ---- */

/* What a role may hold more by the chance of what happened last: buffers that
 * grew, a cache that took a row. */
enum { SLACK_BYTES = 8 * 1024 };

/* The relay's segment of the journal and the pack of its queue come with the first
 * report, and the first message that waits; the router holds the former, too, and the
 * next. */
enum { SLACK_DESCRIPTORS = 2 };

static size_t slack_descriptors(const char *role)
{
	return slice_starts(slice_from(role), slice_lit("relay.")) ||
	    slice_starts(slice_from(role), slice_lit("router.")) ? SLACK_DESCRIPTORS : 0;
}

enum { ACCOUNT_NAME = 2 + 1 + 16 };     /* SLOT/ID */

struct account_look {
	const struct os *role;
	char account[ACCOUNT_NAME];     /* the last one; its files come one after another */
	bool log, pack;                 /* open, to be written */
	size_t kept;
};

static void look_at_account(void *context, const struct sim_disk_file *file)
{
	struct account_look *look = context;
	slice path = slice_from(file->path);
	bool *seen;

	if (!slice_starts(path, slice_lit("account/")))
		return;
	path = slice_drop(path, 8);
	if (path.len < ACCOUNT_NAME)
		return;
	if (memcmp(look->account, path.ptr, ACCOUNT_NAME) != 0) {
		memcpy(look->account, path.ptr, ACCOUNT_NAME);
		look->log = look->pack = false;
	}
	seen = slice_ends(path, slice_lit(".log")) ? &look->log : &look->pack;
	if (*seen || sim_descriptors_to_write(look->role, file) == 0)
		return;
	*seen = true;
	look->kept++;
}

/* A store keeps one log and one pack of an account that it wrote to: which accounts
 * those are is by chance. All else that is open counts. */
static size_t weigh_descriptors(struct sim_host *host, const struct os *role)
{
	struct account_look look = { .role = role };

	sim_disk_each(host, look_at_account, &look);
	return sim_descriptors(role) - look.kept;
}

size_t world_weigh(struct world *w, struct holding *ret_list, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < w->n_stations; i++) {
		struct sim_host *host = station_host(w->stations[i]);
		struct os *list[64];
		size_t have = sim_host_processes(host, list, 64);

		for (size_t j = 0; j < have && j < 64 && n < size; j++) {
			/* It comes with the first use: let all have it. */
			os_scratch(list[j]);
			ret_list[n++] = (struct holding){ list[j], heap_used(os_heap(list[j])),
			    weigh_descriptors(host, list[j]),
			    seals_answered(w->seals, list[j]) };
		}
	}
	return n;
}

/* A relay remembers each recipient that it answered for until the segment of the
 * journal has another use: one that is idle has none. A key, with what the heap adds,
 * and a table of them that doubles. */
enum { KEY_BYTES = 72 };

static size_t table_bytes(size_t n)
{
	size_t capacity = TABLE_FIRST;

	while (n + n / 3 > capacity)
		capacity *= 2;
	return capacity * sizeof(struct table_entry);
}

static size_t keys_bytes(const struct holding *a, const struct holding *b)
{
	return (b->answered - a->answered) * KEY_BYTES + table_bytes(b->answered) -
	    table_bytes(a->answered);
}

static void compare_one(struct world *w, const struct holding *a, const struct holding *b)
{
	const char *host = sim_host_name(sim_process_host(a->role));
	const char *name = sim_process_name(a->role);

	if (b->descriptors > a->descriptors + slack_descriptors(name))
		checker_fail(w->checker, "%s/%s had %zu descriptors open when idle, and later %zu",
		    host, name, a->descriptors, b->descriptors);
	else if (b->bytes > a->bytes + SLACK_BYTES + keys_bytes(a, b))
		checker_fail(w->checker, "%s/%s held %zu bytes when idle, and later %zu", host, name,
		    a->bytes, b->bytes);
}

void world_compare(struct world *w, const struct holding *before, size_t n_before,
    const struct holding *after, size_t n_after)
{
	for (size_t i = 0; i < n_before; i++) {
		for (size_t j = 0; j < n_after; j++) {
			if (before[i].role == after[j].role)
				compare_one(w, &before[i], &after[j]);
		}
	}
}
