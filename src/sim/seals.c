/* sim/seals.c - a tap on the channels between roles. */
#include "sim/seals.h"

#include <string.h>

#include "base/bytes.h"
#include "base/check.h"
#include "base/text.h"
#include "directory/seal.h"
#include "directory/verdict.h"
#include "ipc/message.h"

enum { HOSTS_MAX = 64 };

struct seals {
	struct checker *checker;
	struct heap *heap;
	struct {
		struct station *station;
		unsigned first;
		struct book *book;
		const struct os *relay;         /* the last one, and ... */
		size_t answered;                /* ... recipients that it answered for */
	} hosts[HOSTS_MAX];
	size_t n_hosts;
};

static uint64_t accounts_of(const struct seals *s, size_t host,
    const struct sealed_recipient *what)
{
	const struct station *station = s->hosts[host].station;
	uint64_t accounts = 0;

	for (size_t i = 0; i < what->n_targets; i++) {
		if (what->targets[i].account == 0)
			accounts |= checker_account_bit(s->checker, what->targets[i].delivered_to);
		for (unsigned n = 0; n < station_plan(station)->accounts; n++) {
			if (station_account_id(station, n) == what->targets[i].account)
				accounts |= UINT64_C(1) << (s->hosts[host].first + n);
		}
	}
	return accounts;
}

static void on_sealed(struct seals *s, size_t host, slice sealed)
{
	struct arena arena = arena_init(s->heap, 256 * 1024);
	struct seal_key key;
	struct sealed_recipient what;
	uint64_t accounts;
	unsigned number;

	memcpy(key.bytes, station_seal_key(s->hosts[host].station), sizeof key.bytes);
	if (!seal_open(&key, sealed, &arena, &what)) {
		checker_fail(s->checker, "a directory sealed what can't be opened");
		arena_reset(&arena);
		return;
	}
	accounts = accounts_of(s, host, &what);
	number = checker_sender_number(s->checker, what.sender);
	if (number != 0)
		checker_sealed(s->checker, number, what.recipient, accounts);
	if (s->hosts[host].book != NULL &&
	    slice_starts(what.recipient, slice_lit(CHECKER_MOVING "@")))
		book_seen(s->hosts[host].book, slice_lit(CHECKER_MOVING),
		    accounts >> s->hosts[host].first);
	arena_reset(&arena);
}

static void on_answers(struct seals *s, size_t host, const struct os *relay, unsigned type,
    slice body)
{
	struct bytes in = bytes_init(body);

	if (type != IPC_DELIVERED)
		return;
	if (s->hosts[host].relay != relay)
		s->hosts[host].answered = 0;
	s->hosts[host].relay = relay;
	s->hosts[host].answered += get_u32(&in);
}

static void on_message(struct seals *s, size_t host, unsigned type, slice body)
{
	struct bytes in = bytes_init(body);
	slice sealed;

	if (type != IPC_RECIPIENT_IS)
		return;
	get_u64(&in);
	if (get_u8(&in) != DIRECTORY_OK)
		return;
	get_slice(&in, IPC_TEXT_MAX);
	sealed = get_slice(&in, SEALED_MAX);
	if (bytes_end(&in))
		on_sealed(s, host, sealed);
}

static size_t host_of(const struct seals *s, const struct os *role)
{
	size_t host = 0;

	while (host < s->n_hosts &&
	    station_host(s->hosts[host].station) != sim_process_host(role))
		host++;
	return host;
}

static void on_packet(void *arg, struct os *from, slice packet)
{
	struct seals *s = arg;
	struct bytes in = bytes_init(packet);
	slice name = slice_from(sim_process_name(from));
	bool relay = slice_starts(name, slice_lit("relay."));
	size_t host;

	if (!relay && !slice_starts(name, slice_lit("directory.")))
		return;
	host = host_of(s, from);
	while (host < s->n_hosts && in.rest.len >= IPC_HEADER) {
		uint32_t len = get_u32(&in);
		unsigned type = get_u8(&in);

		get_u8(&in);
		if (relay)
			on_answers(s, host, from, type, get_raw(&in, len));
		else
			on_message(s, host, type, get_raw(&in, len));
	}
}

size_t seals_answered(const struct seals *seals, const struct os *role)
{
	size_t host = host_of(seals, role);

	return host < seals->n_hosts && seals->hosts[host].relay == role ?
	    seals->hosts[host].answered : 0;
}

struct seals *seals_create(struct sim *sim, struct checker *checker)
{
	struct seals *s = heap_new(sim_heap(sim), struct seals);

	s->checker = checker;
	s->heap = sim_heap(sim);
	sim_tap(sim, on_packet, s);
	return s;
}

void seals_add(struct seals *seals, struct station *station, unsigned first, struct book *book)
{
	check(seals->n_hosts < HOSTS_MAX);
	seals->hosts[seals->n_hosts].station = station;
	seals->hosts[seals->n_hosts].first = first;
	seals->hosts[seals->n_hosts++].book = book;
}
