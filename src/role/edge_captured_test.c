/* role/edge_captured_test.c - an edge that lies to the router: in its journal, and
 * about segments that are not its own, or that it has not let go of.
 *
 * The router and keeper are the real ones; see router_world_test.h. A store there
 * fails the test when it is handed a message that no honest edge wrote. */
#include "role/router_world_test.h"

static const char two[] = "journal.size = 64M\njournal.segment = 4M\nedges = 2\n";

/* ---- seals ---- */

struct decision {
	uint64_t transaction;
	const char *sender;
	uint64_t account;
};

enum { TRANSACTION = 1000 };

static const struct decision honest = { TRANSACTION, "sender@there.example", 1 };

static slice seal_of(const struct decision *d, const unsigned char *key_bytes)
{
	struct buffer out = buffer_init(world.heap, SEALED_MAX);
	struct seal_target target = { d->account, slice_lit("bob@here.example") };
	struct sealed_recipient what = { d->transaction, slice_from(d->sender),
	    slice_lit("bob@here.example"), 1, &target };
	struct seal_key key;
	slice sealed;

	memcpy(key.bytes, key_bytes, SEAL_KEY_LEN);
	seal_recipient(&key, &what, &out);
	sealed = slice_copy(&world.arena, buffer_bytes(&out));
	buffer_free(&out);
	return sealed;
}

static slice sealed(const struct decision *d)
{
	return seal_of(d, world.inputs.seal_key);
}

static unsigned char *changed(slice s)
{
	return (unsigned char *)(uintptr_t)s.ptr;       /* our own copy */
}

static slice lie_none(void) { return sealed(&honest); }
static slice lie_empty(void) { return (slice){ 0 }; }
static slice lie_cut(void) { return slice_head(sealed(&honest), sealed(&honest).len - 1); }

static slice lie_no_mac(void)
{
	return slice_head(sealed(&honest), sealed(&honest).len - SEAL_MAC_LEN);
}

static slice lie_longer(void)
{
	slice s = sealed(&honest);
	unsigned char *longer = arena_take(&world.arena, s.len + 1, 1);

	memcpy(longer, s.ptr, s.len);
	return slice_of(longer, s.len + 1);
}

static slice lie_other_key(void)
{
	unsigned char key[SEAL_KEY_LEN];

	memcpy(key, world.inputs.seal_key, sizeof key);
	key[SEAL_KEY_LEN - 1] ^= 0x80;
	return seal_of(&honest, key);
}

static slice lie_no_key(void)
{
	static const unsigned char zeros[SEAL_KEY_LEN] = { 1 };

	return seal_of(&honest, zeros);
}

static slice lie_transaction(void)
{
	return sealed(&(struct decision){ TRANSACTION + 1, honest.sender, 1 });
}

static slice lie_sender(void)
{
	return sealed(&(struct decision){ TRANSACTION, "boss@here.example", 1 });
}

static slice lie_null_sender(void)
{
	return sealed(&(struct decision){ TRANSACTION, "", 1 });
}

/* The account of one true seal with the MAC of another. */
static slice lie_other_mac(void)
{
	slice s = sealed(&honest);
	slice other = sealed(&(struct decision){ TRANSACTION, honest.sender, 2 });
	size_t at = s.len - SEAL_MAC_LEN;

	memcpy(changed(s) + at, other.ptr + at, SEAL_MAC_LEN);
	return s;
}

static const struct {
	const char *name;
	slice (*seal)(void);
} lies[] = {
	{ "not sealed", lie_empty },
	{ "cut", lie_cut },
	{ "without its MAC", lie_no_mac },
	{ "a byte more", lie_longer },
	{ "sealed with another key", lie_other_key },
	{ "sealed with a guessed key", lie_no_key },
	{ "for another transaction", lie_transaction },
	{ "for another sender", lie_sender },
	{ "for the null sender", lie_null_sender },
	{ "with the MAC of another account", lie_other_mac },
};

/* ---- records ---- */

/* One committed record of an honest recipient and of `last`; not in world.sent, so
 * that a delivery of any part of it fails the test. */
static void commit_record(slice last)
{
	struct edge_stand_in *e = world.edge;
	struct buffer out = buffer_init(world.heap, LOG_RECORD_MAX);
	slice seals[2] = { sealed(&honest), last }, payload;
	struct journal_commit commit = { .transaction = honest.transaction, .received_us = 77,
	    .sender = slice_from(honest.sender), .trace = slice_lit("Received: here\r\n"),
	    .n_recipients = 2, .sealed = seals,
	    .body = { 8, 4, checksum64(slice_lit("evil"), 0), 0, slice_lit("evil") } };
	uint32_t sequence, offset;

	journal_commit_write(&commit, &out);
	payload = buffer_bytes(&out);
	assert_true(log_append(&e->writer, JOURNAL_COMMIT, &payload, 1, &sequence, &offset));
	buffer_free(&out);
	edge_commit();
}

static void world_of_two(uint64_t seed)
{
	world_begin(seed, two);
	assert_non_null(world.edge);
	assert_non_null(world.other);
}

/* Messages of the edge that did nothing, all of which arrive once. */
static void other_sends(void)
{
	edges_swap();
	edge_send(3, 100);
	edges_swap();
	assert_all_durable(10000);
	assert_int_equal(handed_most(), 1);
}

/* `e`, which was captured, was ended and comes back; `witness` was not. */
static void assert_ended(const char *name, const struct edge_stand_in *e,
    const struct edge_stand_in *witness)
{
	for (unsigned i = 0; i < 200 && (world.edge == e || world.edge == NULL); i++)
		run_ms(50);
	if (world.edge == e || world.edge == NULL)
		fail_msg("%s: the edge goes on", name);
	if (world.other != witness)
		fail_msg("%s: the other edge was ended", name);
	other_sends();
	/* Afterwards, and for the next router, too. */
	sim_kill(process("router"));
	run_ms(5000);
	assert_non_null(world.edge);
	edge_send(3, 100);
	assert_all_durable(10000);
}

static void try_seal(const char *name, slice (*seal)(void), size_t flip, uint64_t seed)
{
	const struct edge_stand_in *e, *witness;
	slice last;

	world_of_two(seed);
	edge_send(2, 100);
	other_sends();
	e = world.edge;
	witness = world.other;
	last = seal();
	if (flip < last.len)
		changed(last)[flip] ^= 1;
	assert_true(edge_has_segment(5000));
	commit_record(last);
	assert_ended(name, e, witness);
	world_end();
}

static void test_seals(void **state)
{
	for (size_t i = 0; i < sizeof lies / sizeof *lies; i++)
		try_seal(lies[i].name, lies[i].seal, SIZE_MAX, i + 1);
}

/* Of transaction, addresses, account, MAC: the MAC covers all (seal_test.c flips each). */
static void test_flipped_byte(void **state)
{
	size_t len;

	world_of_two(1);
	len = sealed(&honest).len;
	world_end();
	for (size_t at = 0; at < len; at += 9)
		try_seal("a flipped byte", lie_none, at, at + 1);
}

/* The record that all of these change would be delivered as it is. */
static void test_honest_record(void **state)
{
	const struct edge_stand_in *e;
	unsigned handed = 0;

	world_of_two(1);
	world.strangers = &handed;
	e = world.edge;
	assert_true(edge_has_segment(5000));
	commit_record(lie_none());
	run_ms(3000);
	assert_true(handed > 0);
	assert_ptr_equal(world.edge, e);
	world_end();
}

/* ---- whose segment ---- */

enum whose { OTHERS, FINISHED, RETIRED, NOBODYS };

static const struct {
	const char *name;
	enum ipc_type type;
	enum whose whose;
} claims[] = {
	{ "another edge's is synced", IPC_SYNCED, OTHERS },
	{ "another edge's is aborted", IPC_ABORTED, OTHERS },
	{ "another edge's has ended", IPC_SEGMENT_END, OTHERS },
	{ "a finished one is synced", IPC_SYNCED, FINISHED },
	{ "a finished one is aborted", IPC_ABORTED, FINISHED },
	{ "a finished one has ended", IPC_SEGMENT_END, FINISHED },
	{ "a retired one is synced", IPC_SYNCED, RETIRED },
	{ "a retired one is aborted", IPC_ABORTED, RETIRED },
	{ "a retired one has ended", IPC_SEGMENT_END, RETIRED },
	{ "none is synced", IPC_SYNCED, NOBODYS },
	{ "none has ended", IPC_SEGMENT_END, NOBODYS },
};

/* Bring about a segment that the first edge may not speak of. */
static uint64_t generation_of(enum whose whose)
{
	uint64_t own = world.edge->head.generation;

	switch (whose) {
	case OTHERS:
		return world.other->head.generation;
	case FINISHED:
		for (size_t i = 0; i < STORES; i++)
			world.stores[i]->answer = ANSWER_HOLD;
		edge_send(1, 100);
		edge_end_segment();
		run_ms(1000);
		return own;
	case RETIRED:
		edge_end_segment();
		for (unsigned i = 0; i < 200 && world.stores[0]->n_retired == 0; i++)
			run_ms(50);
		assert_true(world.stores[0]->n_retired > 0);
		return own;
	case NOBODYS:
		return 0;
	}
	return 0;
}

static void test_claims(void **state)
{
	for (size_t i = 0; i < sizeof claims / sizeof *claims; i++) {
		const struct edge_stand_in *e, *witness;
		/* Within the segment, and above all that was written to it. */
		uint32_t offset = 1 << 20;
		uint64_t generation;

		world_of_two(i + 1);
		edge_send(2, 100);
		other_sends();
		e = world.edge;
		witness = world.other;
		generation = generation_of(claims[i].whose);
		edge_say(claims[i].type, generation,
		    claims[i].type == IPC_SEGMENT_END ? NULL : &offset);
		run_ms(1000);
		for (size_t k = 0; k < STORES; k++) {
			world.stores[k]->answer = ANSWER_DURABLE;
			store_release(world.stores[k]);
		}
		assert_ended(claims[i].name, e, witness);
		world_end();
	}
}

/* ---- what it let go of ---- */

/* It says that it is done with its segment, and keeps a descriptor of it: it is
 * ended before the router believes that the segment is finished. */
static void keep_finished(const char *name, enum ipc_type type, bool duplicate, uint64_t seed)
{
	const struct edge_stand_in *e, *witness;
	uint32_t offset;
	int kept;

	world_of_two(seed);
	edge_send(2, 100);
	other_sends();
	e = world.edge;
	witness = world.other;
	offset = e->writer.synced_to;
	kept = duplicate ? os_duplicate(e->frame.os, e->fd) : -1;
	if (duplicate) {
		os_close(world.edge->frame.os, e->fd);
		world.edge->fd = -1;
		assert_true(kept >= 0);
	}
	edge_say(type, e->head.generation, type == IPC_ABORTED ? &offset : NULL);
	assert_ended(name, e, witness);
	world_end();
}

static void test_keeps_finished(void **state)
{
	keep_finished("ended and kept", IPC_SEGMENT_END, false, 1);
	keep_finished("ended, a copy kept", IPC_SEGMENT_END, true, 2);
	keep_finished("aborted and kept", IPC_ABORTED, false, 3);
	keep_finished("aborted, a copy kept", IPC_ABORTED, true, 4);
}

UNIT_TESTS(cmocka_unit_test(test_honest_record), cmocka_unit_test(test_seals),
    cmocka_unit_test(test_flipped_byte), cmocka_unit_test(test_claims),
    cmocka_unit_test(test_keeps_finished))
