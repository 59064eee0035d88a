/* account/account_mailbox_test.c - what clients do to mailboxes, flags and copies: each case
 * by itself. See account_world_test.h; account_model_test.c has them all at random. */
#include "account/account_world_test.h"

/* An account with messages 0..9 as UIDs 1..10 of INBOX, and what a case needs of it. */
struct fixture {
	struct world w;
	struct account *a;
};

enum { MESSAGES = 10, NOW = 1000 };

static void begin(struct fixture *f)
{
	world_init(&f->w, 1);
	f->a = load(&f->w, true, ACCOUNT_LOADED);
	for (uint32_t i = 0; i < MESSAGES; i++)
		deliver(f->a, i);
	assert_true(commit(&f->w, f->a));
}

static void end(struct fixture *f)
{
	account_drop(&f->w, f->a);
	world_finish(&f->w);
}

static void settle(struct fixture *f)
{
	assert_true(commit(&f->w, f->a));
}

/* A later life sees the same: once from the log, once from a base. */
static void live_on(struct fixture *f, bool base)
{
	if (base)
		assert_int_equal(rebase(&f->w, f->a), 0);
	account_drop(&f->w, f->a);
	f->a = load(&f->w, true, ACCOUNT_LOADED);
	settle(f);
}

static uint16_t make(struct fixture *f, const char *name)
{
	uint16_t number = 0;

	assert_int_equal(account_create(f->a, slice_from(name), USE_NONE, &number),
	    ACCOUNT_CHANGED);
	settle(f);
	return number;
}

static const struct account_mailbox *find(const struct fixture *f, const char *name)
{
	return account_mailbox_find(&f->a->state, slice_from(name));
}

static bool is_there(const struct fixture *f, const char *name)
{
	return account_mailbox_exists(find(f, name));
}

static uint64_t messages_in(const struct fixture *f, uint16_t number)
{
	const struct account_mailbox *m = account_mailbox(&f->a->state, number);

	return m == NULL ? 0 : is_graveyard(number) ? m->buried : m->messages;
}

static void flags_are_set(void **state)
{
	static const uint32_t all[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 }, some[] = { 2, 4 };
	const struct account_mailbox *inbox;
	struct fixture f;
	uint64_t modseq;
	int work;

	begin(&f);
	work = account_keyword_add(f.a, slice_lit("work"));
	assert_int_equal(work, 0);
	/* It has its number before it is durable, and only one. */
	assert_int_equal(account_keyword_add(f.a, slice_lit("WORK")), work);
	assert_int_equal(account_keyword(f.a, slice_lit("Work")), work);
	assert_int_equal(account_flag(f.a, ACCOUNT_INBOX, FLAGS_SET, account_keyword_bit(work),
	    some, 2), 2);
	settle(&f);
	modseq = f.a->state.rows[1].modseq;
	assert_int_equal(account_flag(f.a, ACCOUNT_INBOX, FLAGS_ADD, ACCOUNT_SEEN, all, 11), 10);
	assert_int_equal(f.a->n_changes, 1);
	settle(&f);
	assert_true(f.a->state.rows[1].modseq > modseq);
	assert_int_equal(account_flag(f.a, ACCOUNT_INBOX, FLAGS_ADD, ACCOUNT_SEEN, all, 11), 0);
	assert_int_equal(f.a->n_changes, 0);
	assert_int_equal(account_flag(f.a, ACCOUNT_INBOX, FLAGS_REMOVE, ACCOUNT_SEEN, some, 2), 2);
	settle(&f);
	modseq = f.a->state.rows[0].modseq;
	/* Of those in the range only what changes has a new modseq. */
	assert_int_equal(account_flag(f.a, ACCOUNT_INBOX, FLAGS_ADD, ACCOUNT_SEEN | ACCOUNT_DELETED,
	    some, 1), 1);
	settle(&f);
	for (int life = 0; life < 3; life++) {
		inbox = &f.a->state.mailboxes[0];
		assert_int_equal(f.a->state.rows[0].modseq, modseq);
		assert_true(f.a->state.rows[1].flags == (ACCOUNT_SEEN | ACCOUNT_DELETED |
		    account_keyword_bit(work)));
		assert_true(f.a->state.rows[3].flags == account_keyword_bit(work));
		assert_int_equal(inbox->unseen, 1);
		assert_int_equal(inbox->deleted, 1);
		assert_int_equal(inbox->highest_modseq, f.a->state.head.modseq);
		assert_int_equal(account_keyword(f.a, slice_lit("work")), work);
		live_on(&f, life == 0);
	}
	end(&f);
}

static void keywords_run_out(void **state)
{
	struct fixture f;
	char name[16];

	begin(&f);
	for (int i = 0; i < ACCOUNT_KEYWORDS_MAX; i++) {
		snprintf(name, sizeof name, "k%d", i);
		assert_int_equal(account_keyword_add(f.a, slice_from(name)), i);
		if (i % 20 == 0)
			settle(&f);
	}
	assert_int_equal(account_keyword_add(f.a, slice_lit("more")), -1);
	assert_int_equal(account_keyword(f.a, slice_lit("more")), -1);
	assert_int_equal(account_keyword_add(f.a, slice_lit("K7")), 7);
	end(&f);
}

static void copies_have_their_own_uids(void **state)
{
	static const uint32_t some[] = { 2, 3, 7, 77 };
	struct fixture f;
	uint32_t uid_first;
	uint64_t count, vanished;
	uint16_t work, other;

	begin(&f);
	work = make(&f, "work");
	other = make(&f, "other");
	assert_int_equal(account_copy(f.a, 0, 99, some, 4, false, NOW, &uid_first, &count),
	    ACCOUNT_MISSING);
	assert_int_equal(account_copy(f.a, 0, work, some + 3, 1, false, NOW, &uid_first, &count),
	    ACCOUNT_UNCHANGED);
	/* A delivery that waits takes its UID before. */
	deliver(f.a, 10);
	assert_int_equal(account_copy(f.a, 0, work, some, 4, false, NOW, &uid_first, &count),
	    ACCOUNT_CHANGED);
	assert_int_equal(uid_first, 12);
	assert_int_equal(count, 3);
	deliver(f.a, 11);
	settle(&f);
	assert_int_equal(f.a->state.n_rows, 15);
	assert_int_equal(account_state_find(&f.a->state, 13)->offset, message(2).offset);
	assert_int_equal(account_state_find(&f.a->state, 13)->saved_s, NOW);
	assert_int_equal(account_state_find(&f.a->state, 15)->mailbox, 0);
	vanished = f.a->state.n_vanished;
	/* Moved on, through others' UIDs. */
	assert_int_equal(account_copy(f.a, work, other, (uint32_t[]){ 12, 14, 15 }, 3, true, NOW,
	    &uid_first, &count), ACCOUNT_CHANGED);
	settle(&f);
	for (int life = 0; life < 3; life++) {
		assert_int_equal(f.a->state.n_vanished, vanished + 2);
		assert_int_equal(f.a->state.vanished[vanished].mailbox, work);
		assert_int_equal(messages_in(&f, 0), 12);
		assert_int_equal(messages_in(&f, work), 1);
		assert_int_equal(messages_in(&f, other), 2);
		assert_int_equal(account_mailbox(&f.a->state, work)->uid_next, 15);
		assert_int_equal(account_mailbox(&f.a->state, other)->uid_next, 18);
		assert_int_equal(account_state_find(&f.a->state, 17)->offset, message(6).offset);
		assert_int_equal(f.a->state.head.count, 15);
		live_on(&f, life == 1);
	}
	/* Within one mailbox. */
	assert_int_equal(account_copy(f.a, 0, 0, some, 3, true, NOW, &uid_first, &count),
	    ACCOUNT_CHANGED);
	settle(&f);
	assert_int_equal(messages_in(&f, 0), 12);
	end(&f);
}

static void what_is_expunged_can_be_brought_back(void **state)
{
	static const uint32_t some[] = { 1, 2, 5 };
	struct fixture f;
	uint32_t uid_first;
	uint64_t count, bytes;

	begin(&f);
	bytes = f.a->state.head.bytes;
	assert_int_equal(account_expunge(f.a, 0, some, 3, NOW), 3);
	settle(&f);
	for (int life = 0; life < 2; life++) {
		assert_int_equal(f.a->state.head.count, 7);
		assert_int_equal(f.a->state.head.rows, 10);
		assert_int_equal(messages_in(&f, 0), 7);
		assert_int_equal(messages_in(&f, ACCOUNT_GRAVEYARD), 3);
		assert_int_equal(f.a->state.n_vanished, 2);
		assert_int_equal(account_state_find(&f.a->state, 11)->mailbox, ACCOUNT_GRAVEYARD);
		assert_int_equal(f.a->state.mailboxes[0].uid_next, 11);
		live_on(&f, life == 0);
	}
	assert_int_equal(account_copy(f.a, ACCOUNT_GRAVEYARD, 0, (uint32_t[]){ 12 }, 1, true, NOW,
	    &uid_first, &count), ACCOUNT_CHANGED);
	settle(&f);
	assert_int_equal(f.a->state.head.count, 8);
	assert_int_equal(account_state_find(&f.a->state, uid_first)->offset, message(1).offset);
	assert_int_equal(f.a->state.n_vanished, 2);
	assert_int_equal(account_purge(f.a, NOW), 0);
	assert_int_equal(account_purge(f.a, NOW + 1), 2);
	settle(&f);
	assert_int_equal(f.a->state.head.rows, 8);
	assert_int_equal(f.a->state.head.bytes, bytes - message(0).size - message(4).size);
	assert_int_equal(f.a->state.n_vanished, 2);
	assert_int_equal(messages_in(&f, ACCOUNT_GRAVEYARD), 0);
	end(&f);
}

/* What waits says what it will add, as what is durable then has it; what takes away says nothing. */
static void bytes_that_come_are_known(void **state)
{
	static const uint32_t some[] = { 1, 2, 5 };
	uint64_t bytes, more, count;
	uint32_t uid_first, buried;
	struct fixture f;

	begin(&f);
	for (int fails = 1; fails >= 0; fails--) {
		bytes = f.a->state.head.bytes;
		deliver(f.a, 20);
		deliver(f.a, 21);
		assert_int_equal(account_copy(f.a, 0, 0, some, 3, false, NOW, &uid_first, &count),
		    ACCOUNT_CHANGED);
		more = message(0).size + message(1).size + message(4).size + message(20).size +
		    message(21).size;
		assert_int_equal(f.a->bytes_more, more);
		assert_int_equal(f.a->state.head.bytes, bytes);
		if (fails)
			account_withdraw(f.a);
		else
			settle(&f);
		assert_int_equal(f.a->bytes_more, 0);
		assert_int_equal(f.a->state.head.bytes, fails ? bytes : bytes + more);
	}
	assert_int_equal(account_copy(f.a, 0, 0, some, 3, true, NOW, &uid_first, &count),
	    ACCOUNT_CHANGED);
	assert_int_equal(f.a->bytes_more, 0);
	settle(&f);
	assert_int_equal(account_expunge(f.a, 0, &uid_first, 1, NOW), 1);
	assert_int_equal(f.a->bytes_more, 0);
	settle(&f);
	buried = f.a->state.head.uid_next - 1;
	assert_int_equal(account_copy(f.a, ACCOUNT_GRAVEYARD, 0, &buried, 1, true, NOW, &uid_first,
	    &count), ACCOUNT_CHANGED);
	assert_int_equal(f.a->bytes_more, message(0).size);
	settle(&f);
	assert_int_equal(f.a->state.head.bytes, bytes + more);
	end(&f);
}

static void mailboxes_are_made_and_found(void **state)
{
	static const struct {
		const char *name;
		enum account_answer want;
	} table[] = {
		{ "a", ACCOUNT_CHANGED }, { "a", ACCOUNT_EXISTS }, { "A", ACCOUNT_CHANGED },
		{ "a/b", ACCOUNT_CHANGED }, { "", ACCOUNT_NAME }, { "a//b", ACCOUNT_NAME },
		{ "inbox", ACCOUNT_EXISTS }, { "inbox/x", ACCOUNT_CHANGED },
		{ "a/", ACCOUNT_NAME }, { "a\n", ACCOUNT_NAME },
	};
	uint32_t uidvalidity = 4711;
	uint16_t number;
	struct fixture f;

	begin(&f);
	/* The first time they wait, then they are there. */
	for (int again = 0; again < 2; again++) {
		for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
			enum account_answer want = again && table[i].want == ACCOUNT_CHANGED ?
			    ACCOUNT_EXISTS : table[i].want;

			if (account_create(f.a, slice_from(table[i].name), USE_SENT, &number) !=
			    want)
				fail_msg("%s, turn %d", table[i].name, again);
		}
		settle(&f);
	}
	live_on(&f, true);
	assert_int_equal(f.a->state.n_mailboxes, 5);
	for (size_t i = 1; i < f.a->state.n_mailboxes; i++) {
		assert_true(f.a->state.mailboxes[i].uidvalidity > uidvalidity);
		uidvalidity = f.a->state.mailboxes[i].uidvalidity;
		assert_int_equal(f.a->state.mailboxes[i].use, USE_SENT);
	}
	assert_int_equal(find(&f, "iNbOx")->number, ACCOUNT_INBOX);
	assert_slice(find(&f, "inbox/x")->name, slice_lit("INBOX/x"));
	assert_null(find(&f, "inbox/X"));
	assert_true(is_there(&f, "A"));
	assert_int_equal(account_set_use(f.a, find(&f, "A")->number, USE_SENT), ACCOUNT_UNCHANGED);
	assert_int_equal(account_set_use(f.a, find(&f, "A")->number, USE_JUNK), ACCOUNT_CHANGED);
	settle(&f);
	assert_int_equal(find(&f, "A")->use, USE_JUNK);
	end(&f);
}

/* As a version that knew no better made it. */
static uint16_t make_as_is(struct fixture *f, const char *name, uint16_t number)
{
	struct mailbox_entry entry = { .number = number, .state = MAILBOX_EXISTS, .uid_next = 1,
		.recent_from = 1, .name = slice_from(name) };
	struct buffer payload = buffer_init(f->a->heap, 4096);

	entry.uidvalidity = f->a->uidvalidity_next++;
	entry.created_modseq = entry.highest_modseq = ++f->a->modseq;
	record_mailbox_begin_write(entry.created_modseq, 1, &payload);
	put_mailbox_entry(&payload, &entry);
	account_add_change(f->a, RECORD_MAILBOX, &payload);
	settle(f);
	return number;
}

static void what_is_below_inbox_is_found_in_any_case(void **state)
{
	static const uint32_t one[] = { 1 };
	uint16_t number, lone, below, exact, both;
	uint32_t uid;
	uint64_t count;
	struct fixture f;

	begin(&f);
	lone = make_as_is(&f, "inbox/lone", 11);
	below = make_as_is(&f, "inbox/lone/below", 12);
	both = make_as_is(&f, "inbox/both", 13);
	exact = make_as_is(&f, "INBOX/both", 14);
	assert_int_equal(account_copy(f.a, ACCOUNT_INBOX, lone, one, 1, false, NOW, &uid, &count),
	    ACCOUNT_CHANGED);
	settle(&f);
	for (int life = 0; life < 3; life++) {
		live_on(&f, life == 1);
		assert_int_equal(find(&f, "inbox/lone")->number, lone);
		assert_slice(find(&f, "INBOX/lone")->name, slice_lit("INBOX/lone"));
		assert_int_equal(find(&f, "INBOX/lone")->messages, 1);
		assert_int_equal(find(&f, "Inbox/lone/below")->number, below);
		/* Each has its name, since none may be lost. */
		assert_int_equal(find(&f, "inbox/both")->number, both);
		assert_int_equal(find(&f, "INBOX/both")->number, exact);
		assert_int_equal(account_create(f.a, slice_lit("INBOX/lone"), USE_NONE, &number),
		    ACCOUNT_EXISTS);
		assert_int_equal(account_rename(f.a, exact, slice_lit("inbox/both/a"), NOW),
		    ACCOUNT_NAME);
	}
	/* Where one of the two goes, the other is below INBOX. */
	assert_int_equal(account_delete(f.a, exact, NOW), ACCOUNT_CHANGED);
	settle(&f);
	assert_int_equal(find(&f, "INBOX/both")->number, both);
	assert_int_equal(account_create(f.a, slice_lit("INBOX/both"), USE_NONE, &number),
	    ACCOUNT_EXISTS);
	live_on(&f, false);
	assert_slice(find(&f, "inbox/both")->name, slice_lit("INBOX/both"));
	assert_int_equal(account_rename(f.a, lone, slice_lit("iNbOx/moved"), NOW), ACCOUNT_CHANGED);
	settle(&f);
	assert_slice(find(&f, "inbox/moved/below")->name, slice_lit("INBOX/moved/below"));
	assert_int_equal(account_subscribe(f.a, slice_lit("inbox/moved"), true), ACCOUNT_CHANGED);
	assert_int_equal(account_subscribe(f.a, slice_lit("inbox/none"), true), ACCOUNT_CHANGED);
	settle(&f);
	assert_int_equal(find(&f, "INBOX/moved")->state, MAILBOX_EXISTS | MAILBOX_SUBSCRIBED);
	assert_slice(find(&f, "inbox/none")->name, slice_lit("INBOX/none"));
	end(&f);
}

static void a_rename_takes_what_is_below(void **state)
{
	struct fixture f;
	uint16_t work, number;
	uint32_t uidvalidity;

	begin(&f);
	work = make(&f, "work");
	make(&f, "work/a");
	make(&f, "work/a/b");
	make(&f, "workshop");
	make(&f, "w");
	make(&f, "taken/a");
	uidvalidity = find(&f, "work")->uidvalidity;
	assert_int_equal(account_rename(f.a, work, slice_lit("workshop"), NOW), ACCOUNT_EXISTS);
	assert_int_equal(account_rename(f.a, work, slice_lit("taken"), NOW), ACCOUNT_EXISTS);
	assert_int_equal(account_rename(f.a, work, slice_lit("inbox"), NOW), ACCOUNT_EXISTS);
	assert_int_equal(account_rename(f.a, work, slice_lit("work/c"), NOW), ACCOUNT_NAME);
	assert_int_equal(account_rename(f.a, work, slice_lit("/"), NOW), ACCOUNT_NAME);
	assert_int_equal(account_rename(f.a, 99, slice_lit("x"), NOW), ACCOUNT_MISSING);
	assert_int_equal(f.a->n_changes, 0);
	/* A name that is only subscribed to gives way. */
	assert_int_equal(account_subscribe(f.a, slice_lit("play/a"), true), ACCOUNT_CHANGED);
	settle(&f);
	number = find(&f, "work/a")->number;
	assert_int_equal(account_rename(f.a, work, slice_lit("play"), NOW), ACCOUNT_CHANGED);
	assert_int_equal(f.a->n_changes, 1);
	settle(&f);
	for (int life = 0; life < 2; life++) {
		assert_int_equal(find(&f, "play")->uidvalidity, uidvalidity);
		assert_int_equal(find(&f, "play/a")->number, number);
		assert_int_equal(find(&f, "play/a")->state, MAILBOX_EXISTS | MAILBOX_SUBSCRIBED);
		assert_true(is_there(&f, "play/a/b"));
		assert_true(is_there(&f, "workshop"));
		assert_null(find(&f, "work"));
		assert_null(find(&f, "work/a"));
		assert_int_equal(f.a->state.n_mailboxes, 7);
		live_on(&f, life == 0);
	}
	end(&f);
}

static void inbox_renamed_is_there_empty(void **state)
{
	struct fixture f;

	begin(&f);
	make(&f, "INBOX/child");
	deliver(f.a, 10);
	assert_int_equal(account_rename(f.a, ACCOUNT_INBOX, slice_lit("old"), NOW),
	    ACCOUNT_CHANGED);
	settle(&f);
	live_on(&f, false);
	/* What came meanwhile stays. */
	assert_int_equal(messages_in(&f, ACCOUNT_INBOX), 1);
	assert_int_equal(find(&f, "old")->messages, 10);
	assert_true(is_there(&f, "INBOX/child"));
	assert_int_equal(f.a->state.mailboxes[0].uidvalidity, 4711);
	end(&f);
}

static void a_deleted_mailbox_leaves_its_messages(void **state)
{
	static const uint32_t some[] = { 1, 2 };
	struct account_row appended = message(50);
	uint32_t uid_first, uidvalidity;
	uint64_t count;
	struct fixture f;
	uint16_t work;

	begin(&f);
	work = make(&f, "work");
	uidvalidity = find(&f, "work")->uidvalidity;
	assert_int_equal(account_copy(f.a, 0, work, some, 2, false, NOW, &uid_first, &count),
	    ACCOUNT_CHANGED);
	settle(&f);
	/* An APPEND that waits goes too. */
	appended.mailbox = work;
	account_deliver(f.a, &appended);
	assert_int_equal(account_delete(f.a, ACCOUNT_INBOX, NOW), ACCOUNT_NAME);
	assert_int_equal(account_delete(f.a, work, NOW), ACCOUNT_CHANGED);
	assert_false(account_has_mailbox(f.a, work));
	settle(&f);
	assert_int_equal(account_delete(f.a, work, NOW), ACCOUNT_MISSING);
	live_on(&f, true);
	assert_null(find(&f, "work"));
	assert_int_equal(messages_in(&f, work | ACCOUNT_GRAVEYARD), 3);
	assert_int_equal(f.a->state.head.count, 10);
	assert_slice(account_mailbox(&f.a->state, work)->name, slice_lit("work"));
	/* Another one of that name is another one. */
	assert_true(make(&f, "work") != work);
	assert_true(find(&f, "work")->uidvalidity > uidvalidity);
	assert_int_equal(find(&f, "work")->uid_next, 1);
	assert_int_equal(account_copy(f.a, work | ACCOUNT_GRAVEYARD, find(&f, "work")->number,
	    (uint32_t[]){ 14, 15, 16 }, 3, true, NOW, &uid_first, &count), ACCOUNT_CHANGED);
	settle(&f);
	assert_int_equal(count, 3);
	assert_int_equal(find(&f, "work")->messages, 3);
	/* Nothing is left of the first one, nor, for good, of the second. */
	assert_null(account_mailbox(&f.a->state, work));
	assert_int_equal(account_delete(f.a, find(&f, "work")->number, 0), ACCOUNT_CHANGED);
	settle(&f);
	assert_int_equal(f.a->state.n_mailboxes, 1);
	assert_int_equal(f.a->state.head.rows, 10);
	end(&f);
}

static void names_are_subscribed_to(void **state)
{
	struct fixture f;
	uint16_t number;

	begin(&f);
	assert_int_equal(account_subscribe(f.a, slice_lit("news"), false), ACCOUNT_UNCHANGED);
	assert_int_equal(account_subscribe(f.a, slice_lit("news"), true), ACCOUNT_CHANGED);
	assert_int_equal(account_subscribe(f.a, slice_lit("news"), true), ACCOUNT_UNCHANGED);
	assert_int_equal(account_subscribe(f.a, slice_lit("a//b"), true), ACCOUNT_NAME);
	assert_int_equal(account_subscribe(f.a, slice_lit("Inbox"), false), ACCOUNT_CHANGED);
	settle(&f);
	live_on(&f, true);
	assert_int_equal(find(&f, "news")->state, MAILBOX_SUBSCRIBED);
	assert_int_equal(find(&f, "INBOX")->state, MAILBOX_EXISTS);
	number = make(&f, "news");
	assert_int_equal(number, find(&f, "news")->number);
	assert_int_equal(find(&f, "news")->state, MAILBOX_EXISTS | MAILBOX_SUBSCRIBED);
	assert_int_equal(account_delete(f.a, number, NOW), ACCOUNT_CHANGED);
	settle(&f);
	assert_int_equal(find(&f, "news")->state, MAILBOX_SUBSCRIBED);
	assert_int_equal(account_subscribe(f.a, slice_lit("news"), false), ACCOUNT_CHANGED);
	settle(&f);
	assert_int_equal(f.a->state.n_mailboxes, 1);
	end(&f);
}

/* The entry that tells of \Recent was made before a message came, and is written after. */
static void recent_does_not_take_uid_next_back(void **state)
{
	struct fixture f;

	begin(&f);
	deliver(f.a, 10);
	assert_int_equal(account_recent(f.a, ACCOUNT_INBOX, 11), ACCOUNT_CHANGED);
	settle(&f);
	live_on(&f, false);
	assert_int_equal(f.a->state.mailboxes[0].recent_from, 11);
	assert_int_equal(f.a->state.mailboxes[0].uid_next, 12);
	assert_int_equal(account_recent(f.a, ACCOUNT_INBOX, 11), ACCOUNT_UNCHANGED);
	end(&f);
}

static void scattered_sets_are_refused(void **state)
{
	enum { N = 2 * (ACCOUNT_CHUNK_RANGES + 1) };
	struct fixture f;
	uint32_t uid_first, *uids;
	uint64_t count;
	uint16_t work;

	begin(&f);
	work = make(&f, "work");
	for (uint32_t i = MESSAGES; i < N; i++) {
		deliver(f.a, i);
		if (i % 1024 == 0)
			settle(&f);
	}
	settle(&f);
	uids = heap_alloc(f.a->heap, N * sizeof *uids);
	for (uint32_t i = 0; i < N / 2; i++)
		uids[i] = 1 + 2 * i;
	assert_int_equal(account_copy(f.a, 0, work, uids, N / 2, false, NOW, &uid_first, &count),
	    ACCOUNT_SCATTERED);
	assert_int_equal(f.a->n_changes, 0);
	/* Flags need not be at once, nor what is expunged; a whole one is one record. */
	assert_int_equal(account_flag(f.a, 0, FLAGS_ADD, ACCOUNT_SEEN, uids, N / 2), N / 2);
	assert_int_equal(f.a->n_changes, 2);
	settle(&f);
	assert_int_equal(account_expunge(f.a, 0, uids, N / 2, NOW), N / 2);
	settle(&f);
	assert_int_equal(messages_in(&f, 0), N / 2);
	assert_int_equal(f.a->state.mailboxes[0].unseen, N / 2);
	for (uint32_t i = 0; i < N / 2; i++)
		uids[i] = 2 + 2 * i;
	assert_int_equal(account_copy(f.a, 0, work, uids, N / 2, false, NOW, &uid_first, &count),
	    ACCOUNT_CHANGED);
	assert_int_equal(count, N / 2);
	settle(&f);
	live_on(&f, true);
	assert_int_equal(messages_in(&f, work), N / 2);
	assert_int_equal(messages_in(&f, ACCOUNT_GRAVEYARD), N / 2);
	end(&f);
}

/* Who asks in order is told the same, wherever it looked last. */
static void what_is_near_is_found(void **state)
{
	struct fixture f;
	static const uint32_t gone[] = { 1, 4, 5 };

	begin(&f);
	account_expunge(f.a, 0, gone, 3, 0);
	settle(&f);
	for (size_t from = 0; from < 14; from++) {
		for (uint32_t uid = 0; uid < 14; uid++) {
			size_t at = from;

			assert_int_equal(account_state_lower_near(&f.a->state, uid, &at),
			    account_state_lower(&f.a->state, uid));
			at = from;
			assert_ptr_equal(account_state_find_near(&f.a->state, uid, &at),
			    account_state_find(&f.a->state, uid));
		}
	}
	end(&f);
}

/* Copies keep their packs, in whatever order they name them. */
static void packs_of_copies_stay(void **state)
{
	struct fixture f;
	uint16_t work;
	uint64_t count;
	uint32_t uid_first;
	struct account_files none;
	int fd;
	static const uint32_t young[] = { 11 }, old[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 };
	struct account_row row = message(200);  /* pack 3 */

	begin(&f);
	work = make(&f, "work");
	account_deliver(f.a, &row);
	settle(&f);
	/* Pack 1 is named by a row behind one of pack 3. */
	assert_int_equal(account_copy(f.a, 0, work, old, 1, false, NOW, &uid_first, &count),
	    ACCOUNT_CHANGED);
	settle(&f);
	account_expunge(f.a, 0, old, 10, 0);
	settle(&f);
	assert_int_equal(f.a->state.rows[0].uid, young[0]);
	for (uint32_t n = 1; n <= 4; n++) {
		struct account_files files;

		char path[ACCOUNT_PATH_MAX];

		assert_int_equal(account_files_create(f.w.os, ID, FILES_PACK, 0, n, &files), 0);
		account_files_close(f.w.os, &files);
		account_digest_path(ID, n, path);
		fd = os_open(f.w.os, OS_ROOT, path, OS_WRITE | OS_CREATE);
		assert_true(fd >= 0);
		os_close(f.w.os, fd);
	}
	assert_int_equal(account_files_create(f.w.os, ID, FILES_PACK, 0, ACCOUNT_PACKS_MAX, &none), -ENOSPC);
	account_collect_packs(f.w.os, f.a, 4);
	for (uint32_t n = 1; n <= 4; n++) {
		char path[ACCOUNT_PATH_MAX];

		for (int i = 0; i < 2; i++) {
			(i == 0 ? account_pack_path : account_digest_path)(ID, n, path);
			fd = os_open(f.w.os, OS_ROOT, path, OS_READ);
			assert_int_equal(fd >= 0, n != 2);
			if (fd >= 0)
				os_close(f.w.os, fd);
		}
	}
	end(&f);
}

UNIT_TESTS(cmocka_unit_test(flags_are_set), cmocka_unit_test(keywords_run_out),
    cmocka_unit_test(copies_have_their_own_uids),
    cmocka_unit_test(what_is_expunged_can_be_brought_back),
    cmocka_unit_test(bytes_that_come_are_known),
    cmocka_unit_test(mailboxes_are_made_and_found),
    cmocka_unit_test(what_is_below_inbox_is_found_in_any_case),
		cmocka_unit_test(a_rename_takes_what_is_below),
    cmocka_unit_test(inbox_renamed_is_there_empty),
    cmocka_unit_test(a_deleted_mailbox_leaves_its_messages),
    cmocka_unit_test(names_are_subscribed_to),
    cmocka_unit_test(recent_does_not_take_uid_next_back),
    cmocka_unit_test(scattered_sets_are_refused), cmocka_unit_test(packs_of_copies_stay),
    cmocka_unit_test(what_is_near_is_found))
