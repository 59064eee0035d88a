/* sim/rot.c - a byte of a pack, and the message that it is part of. */
#include "sim/rot.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "pack/pack.h"

enum { HOSTS_MAX = 64, STRUCK_MAX = 64 };

struct struck {
	const struct station *station;
	char path[200];
	struct pack_place place;        /* of the entry that was hit ... */
	uint64_t offset;                /* ... at this byte of the file */
	unsigned message, account;      /* as the checker counts */
	bool named, found;              /* by a store, by verify */
};

struct rot {
	struct sim *sim;
	struct checker *checker;
	struct {
		const struct station *station;
		unsigned first;
	} hosts[HOSTS_MAX];
	size_t n_hosts;
	struct struck struck[STRUCK_MAX];
	size_t n_struck;
};

/* ---- what stores say ---- */

static struct struck *struck_at(struct rot *rot, const struct os *from, struct pack_place place)
{
	for (size_t i = 0; i < rot->n_struck; i++) {
		struct struck *struck = &rot->struck[i];

		if (station_host(struck->station) == sim_process_host(from) &&
		    struck->place.owner == place.owner &&
		    struck->place.number == place.number && struck->place.offset == place.offset)
			return struck;
	}
	return NULL;
}

/* "account ID: uid U at OFFSET of pack/NNN.pack: damaged" */
static void on_log(void *arg, struct os *from, slice line)
{
	struct rot *rot = arg;
	unsigned long long owner;
	unsigned offset, number;
	struct struck *struck;
	char text[200];

	if (!slice_ends(line, slice_lit(".pack: damaged")))
		return;
	snprintf(text, sizeof text, "%.*s",
	    slice_arg(slice_drop(line, slice_find(line, slice_lit("account ")))));
	if (sscanf(text, "account %16llx: uid %*u at %u of pack/%u.pack", &owner, &offset,
	    &number) != 3) {
		checker_fail(rot->checker, "which bytes are damaged? \"%s\"", text);
		return;
	}
	struck = struck_at(rot, from, (struct pack_place){ owner, number, offset });
	if (struck == NULL) {
		checker_fail(rot->checker, "nothing hit what a store calls damaged: %s", text);
		return;
	}
	struck->named = true;
	checker_damage_named(rot->checker, struck->message, UINT64_C(1) << struck->account);
}

struct rot *rot_create(struct sim *sim, struct checker *checker)
{
	struct rot *rot = heap_new(sim_heap(sim), struct rot);

	rot->sim = sim;
	rot->checker = checker;
	sim_listen_log(sim, on_log, rot);
	return rot;
}

void rot_add(struct rot *rot, struct station *station, unsigned first)
{
	check(rot->n_hosts < HOSTS_MAX);
	rot->hosts[rot->n_hosts].station = station;
	rot->hosts[rot->n_hosts++].first = first;
}

/* ---- where ---- */

struct draw {
	struct chance *chance;
	unsigned seen;
	struct sim_disk_file file;
	struct pack_place place;        /* of its first entry */
};

/* "account/SLOT/ID/pack/NNN.pack" */
static bool is_pack(const struct sim_disk_file *file, struct pack_place *ret_place)
{
	unsigned long long owner;
	unsigned number;
	int end = 0;

	if (sscanf(file->path, "account/%*2x/%16llx/pack/%u.pack%n", &owner, &number, &end) != 2 ||
	    end == 0 || file->path[end] != '\0')
		return false;
	*ret_place = (struct pack_place){ owner, number, 0 };
	return true;
}

static void draw_file(void *context, const struct sim_disk_file *file)
{
	struct draw *draw = context;
	struct pack_place place;

	if (file->size == 0 || !is_pack(file, &place) ||
	    !chance_one_in(draw->chance, ++draw->seen))
		return;
	draw->file = *file;
	draw->place = place;
}

/* The prefix of the entry that the byte is part of, and where that begins; empty:
 * of none. */
static slice prefix_at(slice pack, struct pack_place *place, uint64_t offset)
{
	struct pack_body body;
	slice prefix;

	for (uint64_t at = 0; at <= offset;) {
		uint64_t len;

		place->offset = (uint32_t)at;
		if (pack_entry_parse(slice_drop(pack, (size_t)at), *place, &prefix, &body) !=
		    PACK_OK)
			break;
		len = pack_entry_len(prefix, body);
		if (offset < at + len)
			return prefix;
		at += len;
	}
	return (slice){ 0 };
}

/* The account's number in the checker; false: nobody reads it. */
static bool find_account(const struct rot *rot, const struct station *station, uint64_t id,
    unsigned *ret_account)
{
	size_t host = 0;

	while (host < rot->n_hosts && rot->hosts[host].station != station)
		host++;
	check(host < rot->n_hosts);
	for (unsigned n = 0; n < station_plan(station)->accounts; n++) {
		if (station_account_id(station, n) == id) {
			*ret_account = rot->hosts[host].first + n;
			return true;
		}
	}
	return false;
}

/* ---- what ---- */

static unsigned message_at(struct rot *rot, struct draw *draw, uint64_t offset)
{
	struct heap *heap = sim_heap(rot->sim);
	size_t size = (size_t)draw->file.size;
	unsigned char *bytes = heap_alloc(heap, size);
	unsigned number;

	sim_disk_read(&draw->file, bytes, size, 0);
	number = checker_message_number(rot->checker,
	    prefix_at(slice_of(bytes, size), &draw->place, offset));
	heap_free(heap, bytes);
	return number;
}

bool rot_strike(struct rot *rot, const struct station *station, struct chance *chance)
{
	struct struck *struck = &rot->struck[rot->n_struck];
	struct draw draw = { .chance = chance };
	unsigned account, number;
	uint64_t offset;

	sim_disk_each(station_host(station), draw_file, &draw);
	if (draw.seen == 0 || rot->n_struck == STRUCK_MAX)
		return false;
	offset = chance_below(chance, draw.file.size);
	number = message_at(rot, &draw, offset);
	if (number == 0 || !find_account(rot, station, draw.place.owner, &account) ||
	    !sim_disk_rot(&draw.file, offset, (unsigned char)(1u << chance_below(chance, 8))))
		return false;
	*struck = (struct struck){ .station = station, .place = draw.place, .offset = offset,
	    .message = number, .account = account };
	snprintf(struck->path, sizeof struck->path, "%s", draw.file.path);
	rot->n_struck++;
	checker_rotten(rot->checker, number, UINT64_C(1) << account);
	sim_note(rot->sim, "rot", slice_from(struck->path));
	return true;
}

bool rot_found(struct rot *rot, const struct station *station, slice path, uint64_t from,
    uint64_t to)
{
	bool explained = false;

	for (size_t i = 0; i < rot->n_struck; i++) {
		struct struck *struck = &rot->struck[i];

		if (struck->station == station && slice_equal(path, slice_from(struck->path)) &&
		    from <= struck->offset && struck->offset < to)
			explained = struck->found = true;
	}
	return explained;
}

static bool same_place(struct pack_place a, struct pack_place b)
{
	return a.owner == b.owner && a.number == b.number && a.offset == b.offset;
}

void rot_row_lost(struct rot *rot, const struct station *station, struct pack_place place)
{
	for (size_t i = 0; i < rot->n_struck; i++) {
		struct struck *struck = &rot->struck[i];

		if (struck->station != station || !same_place(struck->place, place))
			continue;
		checker_damage_named(rot->checker, struck->message,
		    UINT64_C(1) << struck->account);
		struck->found = true;
	}
}

void rot_repaired(struct rot *rot, const struct station *station, uint64_t id)
{
	for (size_t i = 0; i < rot->n_struck; i++) {
		struct struck *struck = &rot->struck[i];

		if (struck->station != station || struck->place.owner != id)
			continue;
		checker_damage_named(rot->checker, struck->message,
		    UINT64_C(1) << struck->account);
		struck->named = struck->found = true;
	}
}

void rot_check_found(const struct rot *rot, const struct station *station)
{
	for (size_t i = 0; i < rot->n_struck; i++) {
		const struct struck *struck = &rot->struck[i];

		if (struck->station == station && struck->named && !struck->found)
			checker_fail(rot->checker, "verify does not find message m%u damaged, "
			    "which a store named: %s, byte %llu", struck->message, struck->path,
			    (unsigned long long)struck->offset);
	}
}
