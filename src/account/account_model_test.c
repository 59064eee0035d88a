/* account/account_model_test.c - changes at random, beside a model that is slow and plain: a
 * list of messages, a list of mailboxes. Between them failed syncs, restarts, power cuts and
 * new bases. After each the account is what the model says. See account_world_test.h. */
#include "account/account_world_test.h"

enum { SEEDS = 30, STEPS = 150, MODEL_MESSAGES = 4096, MODEL_MAILBOXES = 256, SET = 64 };

struct model_message {
	uint32_t uid, number, saved_s;  /* number: of message() */
	unsigned mailbox;
	uint64_t flags;
};

struct model_mailbox {
	unsigned number, state;
	uint32_t uid_next, uidvalidity;
	char name[64];
};

struct model {
	struct model_message messages[MODEL_MESSAGES];
	size_t n;
	struct model_mailbox mailboxes[MODEL_MAILBOXES];
	size_t n_mailboxes;
	uint32_t next;                  /* message() */
};

struct game {
	struct world w;
	struct account *a;
	struct model now, durable;      /* with the changes that wait; without */
	uint64_t random;
};

static uint32_t chance(struct game *g, uint32_t n)
{
	g->random = g->random * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)(g->random >> 33) % n;
}

/* ---- the model ---- */

static struct model_mailbox *model_mailbox(struct model *m, unsigned number)
{
	for (size_t i = 0; i < m->n_mailboxes; i++) {
		if (m->mailboxes[i].number == number)
			return &m->mailboxes[i];
	}
	return NULL;
}

static void model_add(struct model *m, struct model_message message)
{
	struct model_mailbox *box = model_mailbox(m, message.mailbox);

	assert_true(m->n < MODEL_MESSAGES);
	m->messages[m->n++] = message;
	if (box != NULL && box->uid_next <= message.uid)
		box->uid_next = message.uid + 1;
}

static bool among(uint32_t uid, const uint32_t *uids, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (uids[i] == uid)
			return true;
	}
	return false;
}

/* Copies get UIDs in order; with `move` the old ones go. to < 0: they only go. */
static uint64_t model_copy(struct model *m, unsigned from, int to, const uint32_t *uids, size_t n,
    bool move, uint32_t uid, uint32_t saved_s)
{
	size_t before = m->n, kept = 0;
	uint64_t count = 0;

	for (size_t i = 0; i < before; i++) {
		struct model_message copy = m->messages[i];

		if (copy.mailbox != from || !among(copy.uid, uids, n))
			continue;
		count++;
		if (to < 0)
			continue;
		copy.uid = uid++;
		copy.mailbox = (unsigned)to;
		copy.saved_s = saved_s;
		if (is_graveyard(from))
			copy.flags &= ~ACCOUNT_DELETED;
		model_add(m, copy);
	}
	for (size_t i = 0; i < m->n; i++) {
		if (!(move && i < before && m->messages[i].mailbox == from &&
		    among(m->messages[i].uid, uids, n)))
			m->messages[kept++] = m->messages[i];
	}
	m->n = kept;
	return count;
}

/* Entries that nothing needs. */
static void model_sweep(struct model *m)
{
	size_t kept = 0;

	for (size_t i = 0; i < m->n_mailboxes; i++) {
		bool needed = m->mailboxes[i].state != 0;

		for (size_t k = 0; k < m->n && !needed; k++)
			needed = (m->messages[k].mailbox & ~(unsigned)ACCOUNT_GRAVEYARD) ==
			    m->mailboxes[i].number;
		if (needed)
			m->mailboxes[kept++] = m->mailboxes[i];
	}
	m->n_mailboxes = kept;
}

/* ---- is it the same? ---- */

static void check_messages(const struct game *g)
{
	const struct account_state *s = &g->a->state;
	uint64_t count = 0, bytes = 0;

	assert_int_equal(s->n_rows, g->durable.n);
	for (size_t i = 0; i < s->n_rows; i++) {
		const struct model_message *m = &g->durable.messages[i];
		const struct account_row *row = &s->rows[i];
		struct account_row want = message(m->number);

		assert_int_equal(row->uid, m->uid);
		assert_int_equal(row->mailbox, m->mailbox);
		assert_true(row->flags == m->flags);
		assert_int_equal(row->saved_s, m->saved_s);
		assert_int_equal(row->offset, want.offset);
		assert_int_equal(row->key.sequence, want.key.sequence);
		assert_true(row->modseq <= s->head.modseq);
		if (is_graveyard(m->mailbox))
			continue;
		count++;
		bytes += want.size;
		assert_true(row->modseq <= account_mailbox(s, m->mailbox)->highest_modseq);
	}
	assert_int_equal(s->head.count, count);
	assert_int_equal(s->head.bytes, bytes);
	assert_int_equal(s->head.rows, s->n_rows);
}

static void check_mailbox(const struct game *g, const struct model_mailbox *want)
{
	const struct account_mailbox *have = account_mailbox(&g->a->state, want->number);
	uint64_t messages = 0, unseen = 0, deleted = 0, bytes = 0, buried = 0;
	uint64_t deleted_bytes = 0;

	assert_non_null(have);
	for (size_t i = 0; i < g->durable.n; i++) {
		const struct model_message *m = &g->durable.messages[i];

		buried += m->mailbox == (want->number | ACCOUNT_GRAVEYARD);
		if (m->mailbox != want->number)
			continue;
		messages++;
		unseen += (m->flags & ACCOUNT_SEEN) == 0;
		deleted += (m->flags & ACCOUNT_DELETED) != 0;
		deleted_bytes += (m->flags & ACCOUNT_DELETED) != 0 ? message(m->number).size : 0;
		bytes += message(m->number).size;
	}
	assert_int_equal(have->messages, messages);
	assert_int_equal(have->unseen, unseen);
	assert_int_equal(have->deleted, deleted);
	assert_int_equal(have->deleted_bytes, deleted_bytes);
	assert_int_equal(have->bytes, bytes);
	assert_int_equal(have->buried, buried);
	assert_int_equal(have->state, want->state);
	assert_int_equal(have->uid_next, want->uid_next);
	assert_int_equal(have->uidvalidity, want->uidvalidity);
	assert_slice(have->name, slice_from(want->name));
	assert_true(have->highest_modseq <= g->a->state.head.modseq);
}

static void check_game(const struct game *g)
{
	const struct account_state *s = &g->a->state;

	check_messages(g);
	assert_int_equal(s->n_mailboxes, g->durable.n_mailboxes);
	for (size_t i = 0; i < g->durable.n_mailboxes; i++)
		check_mailbox(g, &g->durable.mailboxes[i]);
	/* What vanished is not there. */
	for (size_t i = 0; i < s->n_vanished; i++) {
		uint64_t count, bytes;

		account_state_measure(s, s->vanished[i].mailbox, s->vanished[i].uids, &count,
		    &bytes);
		assert_int_equal(count, 0);
	}
}

/* ---- moves ---- */

/* Some UIDs, ascending: mostly of one mailbox, some of nobody. */
static size_t pick(struct game *g, unsigned mailbox, uint32_t uids[SET])
{
	uint32_t sparse = 1 + chance(g, 4);
	size_t n = 0;

	for (size_t i = 0; i < g->durable.n && n < SET; i++) {
		const struct model_message *m = &g->durable.messages[i];

		if ((m->mailbox == mailbox && chance(g, sparse) == 0) || chance(g, 40) == 0)
			uids[n++] = m->uid;
	}
	return n;
}

static unsigned some_mailbox(struct game *g)
{
	const struct model_mailbox *box;

	do {
		box = &g->durable.mailboxes[chance(g, (uint32_t)g->durable.n_mailboxes)];
	} while ((box->state & MAILBOX_EXISTS) == 0);
	return box->number;
}

static void move_deliver(struct game *g, unsigned mailbox)
{
	struct account_row row = message(g->now.next);

	row.mailbox = mailbox & 0xffff;
	row.flags = chance(g, 2) ? ACCOUNT_SEEN : 0;
	row.saved_s = 50;
	account_deliver(g->a, &row);
	model_add(&g->now, (struct model_message){ row.uid, g->now.next++, 50, mailbox, row.flags });
}

static void move_flag(struct game *g)
{
	unsigned mailbox = some_mailbox(g);
	enum account_flag_op op = (enum account_flag_op)chance(g, FLAG_OPS);
	uint64_t bits = chance(g, 1 << 10), changed = 0;
	uint32_t uids[SET];
	size_t n = pick(g, mailbox, uids);

	for (size_t i = 0; i < g->now.n; i++) {
		struct model_message *m = &g->now.messages[i];
		uint64_t before = m->flags;

		if (m->mailbox != mailbox || !among(m->uid, uids, n))
			continue;
		m->flags = op == FLAGS_ADD ? m->flags | bits :
		    op == FLAGS_REMOVE ? m->flags & ~bits : bits;
		changed += before != m->flags;
	}
	assert_int_equal(account_flag(g->a, (uint16_t)mailbox, op, bits, uids, n), changed);
}

static void move_copy(struct game *g)
{
	unsigned from = some_mailbox(g), to = some_mailbox(g);
	bool move = chance(g, 2);
	uint32_t uids[SET], uid_first;
	uint64_t count;
	size_t n;

	if (chance(g, 3) == 0)
		from |= ACCOUNT_GRAVEYARD;      /* bring back */
	n = pick(g, from, uids);
	if (account_copy(g->a, (uint16_t)from, (uint16_t)to, uids, n, move, 60, &uid_first,
	    &count) == ACCOUNT_CHANGED)
		assert_int_equal(model_copy(&g->now, from, (int)to, uids, n, move, uid_first, 60),
		    count);
	else
		assert_int_equal(model_copy(&g->now, from, -1, uids, n, false, 0, 0), 0);
}

static void move_expunge(struct game *g)
{
	unsigned mailbox = some_mailbox(g);
	uint32_t uids[SET], uid = g->a->uid_next, saved_s = chance(g, 2) ? 70 + chance(g, 9) : 0;
	size_t n = pick(g, mailbox, uids);
	int to = saved_s != 0 ? (int)(mailbox | ACCOUNT_GRAVEYARD) : -1;

	assert_int_equal(account_expunge(g->a, (uint16_t)mailbox, uids, n, saved_s),
	    model_copy(&g->now, mailbox, to, uids, n, true, uid, saved_s));
}

static void move_purge(struct game *g)
{
	uint32_t before_s = 70 + chance(g, 10);
	uint64_t purged = 0;
	size_t kept = 0;

	for (size_t i = 0; i < g->now.n; i++) {
		const struct model_message *m = &g->now.messages[i];

		if (is_graveyard(m->mailbox) && m->saved_s < before_s)
			purged++;
		else
			g->now.messages[kept++] = *m;
	}
	g->now.n = kept;
	assert_int_equal(account_purge(g->a, before_s), purged);
}

static void move_create(struct game *g)
{
	struct model_mailbox box = { .state = MAILBOX_EXISTS, .uid_next = 1,
		.uidvalidity = g->a->uidvalidity_next };
	uint16_t number;

	if (g->now.n_mailboxes >= 12)
		return;
	snprintf(box.name, sizeof box.name, "box/%u", chance(g, 20));
	if (account_create(g->a, slice_from(box.name), USE_NONE, &number) == ACCOUNT_CHANGED) {
		assert_null(model_mailbox(&g->now, number));
		box.number = number;
		g->now.mailboxes[g->now.n_mailboxes++] = box;
	}
}

static void move_rename(struct game *g)
{
	unsigned number = some_mailbox(g);
	char name[16];

	snprintf(name, sizeof name, "new/%u", chance(g, 20));
	if (number != ACCOUNT_INBOX && account_rename(g->a, (uint16_t)number, slice_from(name),
	    0) == ACCOUNT_CHANGED)
		strcpy(model_mailbox(&g->now, number)->name, name);
}

static void move_delete(struct game *g)
{
	unsigned number = some_mailbox(g);
	uint32_t uids[MODEL_MESSAGES], uid = g->a->uid_next, saved_s = chance(g, 2) ? 75 : 0;
	size_t n = 0;
	int to = saved_s != 0 ? (int)(number | ACCOUNT_GRAVEYARD) : -1;

	if (account_delete(g->a, (uint16_t)number, saved_s) != ACCOUNT_CHANGED)
		return;
	/* All of it, also what waits. */
	for (size_t i = 0; i < g->now.n; i++)
		uids[n++] = g->now.messages[i].uid;
	model_copy(&g->now, number, to, uids, n, true, uid, saved_s);
	model_mailbox(&g->now, number)->state = 0;
}

static void move(struct game *g)
{
	unsigned mailbox = some_mailbox(g);

	for (uint32_t i = chance(g, 3); i > 0; i--)
		move_deliver(g, chance(g, 2) ? ACCOUNT_INBOX : mailbox);
	switch (chance(g, 12)) {
	case 0: case 1:
		move_create(g);
		break;
	case 2: case 3:
		move_copy(g);
		break;
	case 4: case 5:
		move_flag(g);
		break;
	case 6: case 7:
		move_expunge(g);
		break;
	case 8:
		move_purge(g);
		break;
	case 9:
		move_rename(g);
		break;
	case 10:
		move_delete(g);
		break;
	}
}

/* ---- lives ---- */

static void settle(struct game *g)
{
	assert_true(commit(&g->w, g->a));
	model_sweep(&g->now);
	g->durable = g->now;
}

/* The sync fails: nothing of it happened, and a HEAD says so before anybody sees it. */
static void fail_once(struct game *g)
{
	struct sim_faults faults = { .sync_error = 1 };
	uint32_t next = g->now.next;

	sim_set_faults(g->w.sim, &faults);
	assert_false(commit(&g->w, g->a));
	faults.sync_error = 0;
	sim_set_faults(g->w.sim, &faults);
	g->now = g->durable;
	g->now.next = next;
	settle(g);
}

static void live_on(struct game *g, bool cut)
{
	struct account_notes notes = { 0 };
	struct account_head head;

	account_drop(&g->w, g->a);
	if (cut) {
		sim_power_cut(g->w.host);
		g->w.os = sim_process_create(g->w.host, "test");
	}
	/* A narrow state counts as a full one does. */
	g->a = load(&g->w, false, ACCOUNT_LOADED);
	head = g->a->state.head;
	assert_int_equal(account_load_rows(g->w.os, g->a, &notes), ACCOUNT_LOADED);
	assert_int_equal(notes.n, 0);
	assert_int_equal(head.count, g->a->state.head.count);
	assert_int_equal(head.rows, g->a->state.head.rows);
	assert_int_equal(head.bytes, g->a->state.head.bytes);
	assert_int_equal(head.uidvalidity_next, g->a->state.head.uidvalidity_next);
	if (account_wants_base(g->a))
		assert_int_equal(rebase(&g->w, g->a), 0);
	settle(g);
}

static void play(struct game *g)
{
	struct model_mailbox inbox = { .state = MAILBOX_EXISTS | MAILBOX_SUBSCRIBED, .uid_next = 1,
		.uidvalidity = 4711, .name = "INBOX" };

	g->now.mailboxes[g->now.n_mailboxes++] = inbox;
	g->durable = g->now;
	g->a = load(&g->w, true, ACCOUNT_LOADED);
	account_born(g->a, 4711, 12345);
	for (int step = 0; step < STEPS; step++) {
		move(g);
		switch (chance(g, 16)) {
		case 0:
			fail_once(g);
			break;
		case 1: case 2:
			settle(g);
			live_on(g, chance(g, 2));
			break;
		case 3:
			settle(g);
			assert_int_equal(rebase(&g->w, g->a), 0);
			break;
		default:
			settle(g);
		}
		if (account_must_base(g->a))
			assert_int_equal(rebase(&g->w, g->a), 0);
		check_game(g);
	}
}

static void an_account_is_what_the_model_says(void **state)
{
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct game *g = calloc(1, sizeof *g);

		assert_non_null(g);
		world_init(&g->w, seed);
		g->random = seed * 0x9e3779b97f4a7c15ULL;
		play(g);
		account_drop(&g->w, g->a);
		world_finish(&g->w);
		free(g);
	}
}

UNIT_TESTS(cmocka_unit_test(an_account_is_what_the_model_says))
