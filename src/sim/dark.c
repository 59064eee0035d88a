/* sim/dark.c - power cut, rot, verify, repair; and who names it. */
#include "sim/dark_impl.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "sim/sound.h"

/* ---- who says so ---- */

static void named(struct dark *dark, struct hit *hit)
{
	hit->named = true;
	for (size_t i = 0; i < hit->n_lost; i++)
		checker_lost_named(dark->checker, hit->lost[i].message, hit->lost[i].accounts);
}

/* Lines name files below the folder of a role, and accounts that can't be read. */
static bool is_about(slice line, const struct hit *hit)
{
	slice path = slice_from(hit->path);
	char text[200];

	if (hit->kind == DARK_PACK || hit->kind == DARK_SPOOL)
		return false;           /* verify names them by their message */
	if (hit->kind == DARK_QUEUE)
		return slice_find(line, path) < line.len;
	path = slice_drop(path, slice_find_byte(path, '/') + 1);
	snprintf(text, sizeof text, "%s%.*s", hit->kind == DARK_JOURNAL ? "journal file " : "",
	    slice_arg(path));
	if (slice_find(line, slice_from(text)) < line.len)
		return true;
	snprintf(text, sizeof text, "account %016" PRIx64 " can't be read", hit->id);
	return hit->kind == DARK_ACCOUNT && slice_find(line, slice_from(text)) < line.len;
}

static void on_log(void *arg, struct os *from, slice line)
{
	struct dark *dark = arg;

	for (size_t i = 0; i < dark->n_hits; i++) {
		struct hit *hit = &dark->hits[i];

		if (!hit->named && station_host(hit->station) == sim_process_host(from) &&
		    slice_find(line, slice_lit("damaged")) < line.len && is_about(line, hit))
			named(dark, hit);
		else if (!hit->named && station_host(hit->station) == sim_process_host(from) &&
		    slice_find(line, slice_lit("can be read")) < line.len && is_about(line, hit))
			named(dark, hit);
	}
}

struct dark *dark_create(struct sim *sim, struct checker *checker, struct rot *rot)
{
	struct dark *dark = heap_new(sim_heap(sim), struct dark);

	dark->sim = sim;
	dark->checker = checker;
	dark->rot = rot;
	sim_listen_log(sim, on_log, dark);
	return dark;
}

void dark_add(struct dark *dark, struct station *station, unsigned first)
{
	check(dark->n_hosts < DARK_HOSTS_MAX);
	dark->hosts[dark->n_hosts].station = station;
	dark->hosts[dark->n_hosts++].first = first;
}

unsigned dark_first(const struct dark *dark, const struct station *station)
{
	size_t host = 0;

	while (host < dark->n_hosts && dark->hosts[host].station != station)
		host++;
	check(host < dark->n_hosts);
	return dark->hosts[host].first;
}

/* ---- verify ---- */

struct audit {
	struct dark *dark;
	struct station *station;
	bool sound;                     /* nothing may be found */
	bool found[DARK_HITS_MAX];
	unsigned n;
};

static bool is_of(const struct hit *hit, const struct finding *finding)
{
	if (hit->kind == DARK_ACCOUNT)
		return finding->account == hit->id;
	if (hit->kind == DARK_PACK || hit->kind == DARK_SPOOL)
		return slice_equal(slice_from(finding->path), slice_from(hit->path)) &&
		    finding->from == hit->from;
	return slice_equal(slice_from(finding->path), slice_from(hit->path)) &&
	    (finding->to == 0 || (finding->from <= hit->offset && hit->offset < finding->to));
}

/* What is missing behind damage is damage as well. A body may go on from a spool file
 * to the queue. */
static bool explains(const struct hit *hit, const struct finding *finding)
{
	bool in_queue = slice_starts(slice_from(finding->path), slice_lit("queue/"));

	switch (hit->kind) {
	case DARK_ACCOUNT:
		return finding->account == hit->id;
	case DARK_QUEUE:
	case DARK_PACK:
		return in_queue;
	case DARK_SPOOL:
		return finding->kind == FINDING_BODY;
	case DARK_JOURNAL:
		return !in_queue;
	case DARK_KINDS:
		break;
	}
	return false;
}

/* While a segment is there its messages may be handed over, for all that verify knows.
 * Once it is used anew, one whose record had rotted is missed where half of a delivery
 * left it: in packs. */
bool dark_was_on_its_way(const struct dark *dark, const struct station *station,
    const struct finding *finding)
{
	for (size_t i = 0; i < dark->n_hits && finding->kind == FINDING_UNNAMED; i++) {
		const struct hit *hit = &dark->hits[i];

		if (hit->station == station && hit->n_lost > 0 && finding->account != 0 &&
		    (hit->kind == DARK_JOURNAL || hit->kind == DARK_SPOOL))
			return true;
	}
	return false;
}

static void judge(void *context, const struct finding *finding)
{
	struct audit *audit = context;
	struct dark *dark = audit->dark;
	bool explained = false;

	audit->n++;
	for (size_t i = 0; i < dark->n_hits; i++) {
		const struct hit *hit = &dark->hits[i];

		if (hit->station != audit->station || hit->repaired)
			continue;
		explained = explained || explains(hit, finding);
		audit->found[i] = audit->found[i] || is_of(hit, finding);
	}
	explained = explained || dark_was_on_its_way(dark, audit->station, finding);
	if (finding->kind == FINDING_MESSAGE && rot_found(dark->rot, audit->station,
	    slice_from(finding->path), finding->from, finding->to))
		explained = true;
	if (audit->sound || !explained)
		checker_fail(dark->checker, "verify of %s%s: %s, bytes %llu to %llu: %s",
		    sim_host_name(station_host(audit->station)), audit->sound ?
		    " after repair" : "", finding->path, (unsigned long long)finding->from,
		    (unsigned long long)finding->to, finding->text);
}

static void run_audit(struct dark *dark, struct station *station, bool sound,
    struct audit *ret)
{
	const struct sound_look look = { .tell = judge, .context = ret };

	*ret = (struct audit){ .dark = dark, .station = station, .sound = sound };
	sound_look(station, dark->checker, &look);
}

struct place {
	const struct hit *hit;
	bool still;
};

static void look_at_place(void *context, const struct sim_disk_file *file)
{
	struct place *place = context;
	unsigned char block[LOG_BLOCK], byte;
	struct log_head head;

	if (strcmp(file->path, place->hit->file) != 0 || file->size <= place->hit->offset)
		return;
	sim_disk_read(file, &byte, 1, place->hit->offset);
	place->still = byte == place->hit->turned;
	if (!place->still || place->hit->generation == 0 || file->size < LOG_BLOCK)
		return;
	sim_disk_read(file, block, sizeof block, 0);
	place->still = place->hit->offset < LOG_BLOCK ||
	    (log_head_read(slice_of(block, sizeof block), &head) == LOG_HEAD_OK &&
	    head.generation == place->hit->generation);
}

/* A file that was used anew, or is gone, has no damage any more. */
static bool still_there(const struct hit *hit)
{
	struct place place = { hit, false };

	sim_disk_each(station_host(hit->station), look_at_place, &place);
	return place.still;
}

/* Bodies whose messages are over are read by nobody: those are demanded at once, from
 * hit `from` on. */
static void demand_found(struct dark *dark, const struct audit *audit, size_t from)
{
	for (size_t i = 0; i < dark->n_hits; i++) {
		const struct hit *hit = &dark->hits[i];

		if ((hit->kind == DARK_PACK || hit->kind == DARK_SPOOL) && i < from)
			continue;
		if (hit->station == audit->station && hit->sure && !hit->repaired &&
		    !audit->found[i] && still_there(hit))
			checker_fail(dark->checker, "verify of %s does not find %s, byte %u",
			    sim_host_name(station_host(hit->station)), hit->file, hit->offset);
	}
}

/* ---- repair ---- */

struct mending {
	struct dark *dark;
	struct station *station;
};

static void on_repaired(void *context, uint64_t id, bool log)
{
	struct mending *mending = context;
	struct dark *dark = mending->dark;
	unsigned first = dark_first(dark, mending->station);

	for (unsigned n = 0; n < station_plan(mending->station)->accounts; n++) {
		if (station_account_id(mending->station, n) != id)
			continue;
		checker_repaired(dark->checker, first + n);
		if (log)
			checker_shaken(dark->checker, first + n);
	}
	rot_repaired(dark->rot, mending->station, id);
}

static void repair(struct dark *dark, struct station *station)
{
	struct mending mending = { dark, station };
	struct audit audit;

	if (!sound_repair(station, dark->checker, on_repaired, &mending))
		return;
	for (size_t i = 0; i < dark->n_hits; i++) {
		struct hit *hit = &dark->hits[i];

		if (hit->station != station)
			continue;
		if (!hit->named)
			named(dark, hit);       /* verify did */
		hit->repaired = true;
	}
	run_audit(dark, station, true, &audit);
}

/* Nothing fails now but what we turn. */
static void go_dark(struct dark *dark, struct station *station)
{
	static const struct sim_faults none;

	sim_set_faults(dark->sim, &none);       /* until some are drawn again */
	sim_power_cut(station_host(station));
	sim_power_cut_after(station_host(station), 0);
	sim_mend_files(station_host(station));
}

static bool must_repair(const struct dark *dark, const struct station *station, size_t from)
{
	for (size_t i = 0; i < dark->n_hits; i++) {
		const struct hit *hit = &dark->hits[i];

		if (hit->station != station || hit->repaired)
			continue;
		/* A file set aside is space that the journal lacks. */
		if (hit->grave || (i < from && (hit->kind == DARK_JOURNAL ||
		    hit->kind == DARK_SPOOL)))
			return true;
	}
	return false;
}

bool dark_strike(struct dark *dark, struct station *station, struct chance *chance)
{
	size_t before = dark->n_hits;
	enum dark_kind kind = (enum dark_kind)chance_below(chance, DARK_KINDS);
	uint64_t want = chance_skewed(chance, 1, 3);
	struct audit audit;

	if (dark->strikes == DARK_STRIKES_MAX)
		return false;
	dark->strikes++;
	go_dark(dark, station);
	while (want-- > 0 && dark->n_hits < DARK_HITS_MAX) {
		struct hit *hit = &dark->hits[dark->n_hits];

		for (int i = 0; i < DARK_KINDS; i++) {
			if (kind < DARK_PACK ? dark_hit(dark, station, kind, chance, hit) :
			    dark_hit_body(dark, station, kind, chance, hit))
				break;
			kind = (kind + 1) % DARK_KINDS;
		}
		if (hit->station == NULL)
			break;
		dark->n_hits++;
		sim_note(dark->sim, "dark rot", slice_from(hit->file));
		if (!hit->sure)
			named(dark, hit);       /* nobody can tell */
	}
	if (dark->n_hits == before)
		return false;
	run_audit(dark, station, false, &audit);
	demand_found(dark, &audit, before);
	if (chance_one_in(chance, 2) || must_repair(dark, station, before))
		repair(dark, station);
	return true;
}

void dark_mend(struct dark *dark)
{
	for (size_t i = 0; i < dark->n_hosts; i++) {
		struct station *station = dark->hosts[i].station;
		bool damaged = false;
		struct audit audit;

		for (size_t j = 0; j < dark->n_hits; j++)
			damaged = damaged || (dark->hits[j].station == station &&
			    !dark->hits[j].repaired);
		if (!damaged)
			continue;
		go_dark(dark, station);
		run_audit(dark, station, false, &audit);
		demand_found(dark, &audit, DARK_HITS_MAX);
		repair(dark, station);
	}
}
