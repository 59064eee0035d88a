/* role/directory_role_test.c - the role and its peers: recipients, logins, sessions, fair
 * shares. See directory_world_test.h. */
#include "role/directory_world_test.h"

static void seals_recipients(void **state)
{
	struct rig *rig = rig_create();
	struct arena arena = arena_init(os_heap(rig->os), SEALED_MAX);
	struct answer *a = ask_recipient(rig, "Alice+x@alice.example", false);
	struct sealed_recipient what;

	assert_int_equal(a->type, IPC_RECIPIENT_IS);
	assert_int_equal(a->request, 77);
	assert_int_equal(a->verdict, DIRECTORY_OK);
	assert_true(seal_open(&rig->key, slice_of(a->sealed, a->sealed_len), &arena, &what));
	assert_int_equal(what.transaction, 4711);
	assert_slice(what.sender, slice_lit("eve@example.org"));
	assert_slice(what.recipient, slice_lit("Alice+x@alice.example"));
	assert_int_equal(what.n_targets, 1);
	assert_true(what.targets[0].account == rig->alice);
	assert_slice(what.targets[0].delivered_to, slice_lit("Alice+x@alice.example"));

	a = ask_recipient(rig, "alic@alice.example", false);
	assert_int_equal(a->verdict, DIRECTORY_NO_SUCH_USER);
	assert_string_equal(a->words, "<alic@alice.example>: no such user here");
	assert_int_equal(a->sealed_len, 0);
	a = ask_recipient(rig, "bob@example.org", false);
	assert_int_equal(a->verdict, DIRECTORY_RELAYING_DENIED);
	assert_string_equal(a->words, "<bob@example.org>: relaying denied");
	/* Our own users' mail goes to other hosts. */
	a = ask_recipient(rig, "Bob@Example.org", true);
	assert_int_equal(a->verdict, DIRECTORY_OK);
	assert_true(seal_open(&rig->key, slice_of(a->sealed, a->sealed_len), &arena, &what));
	assert_int_equal(what.n_targets, 1);
	assert_int_equal(what.targets[0].account, 0);
	assert_slice(what.targets[0].delivered_to, slice_lit("Bob@example.org"));

	assert_int_equal(ask_owns(rig, rig->alice, "alice+y@alice.example")->verdict, DIRECTORY_OK);
	a = ask_owns(rig, rig->alice, "bob@alice.example");
	assert_int_equal(a->verdict, DIRECTORY_NOT_OWNER);
	assert_string_equal(a->words, "<bob@alice.example>: the account that is logged in does not"
	    " own this address");
	rig_free(rig);
}

static void tells_the_store_of_a_session(void **state)
{
	struct rig *rig = rig_create();
	struct answer *a = log_in(rig, SERVICE_POP3S, peer, "Alice@ALICE.example", "secret");

	assert_int_equal(a->verdict, DIRECTORY_OK);
	assert_true(a->account == rig->alice);
	assert_string_equal(a->address, "alice@alice.example");
	assert_int_equal(a->store, account_store(rig->alice, 2));
	assert_int_equal(rig->n_sessions, 1);
	assert_true(a->nonce != 0 && rig->sessions[0].nonce == a->nonce);
	assert_true(rig->sessions[0].account == rig->alice);
	assert_string_equal(rig->sessions[0].address, "alice@alice.example");
	/* Another one has another nonce; one for sending has none. */
	a = log_in(rig, SERVICE_POP3, peer, "alice@alice.example", "secret");
	assert_int_equal(a->verdict, DIRECTORY_OK);
	assert_int_equal(rig->n_sessions, 2);
	assert_true(rig->sessions[1].nonce != rig->sessions[0].nonce);
	a = log_in(rig, SERVICE_SUBMISSION, peer, "alice@alice.example", "secret");
	assert_int_equal(a->verdict, DIRECTORY_OK);
	assert_true(a->account == rig->alice && a->nonce == 0);
	assert_int_equal(rig->n_sessions, 2);
	rig_free(rig);
}

static void says_temporary_without_a_store(void **state)
{
	struct rig *rig = rig_create();
	unsigned store = account_store(rig->alice, 2);

	ipc_channel_destroy(rig->stores[store]);
	settle(rig);
	assert_int_equal(log_in(rig, SERVICE_POP3, peer, "alice@alice.example", "secret")->verdict,
	    DIRECTORY_TEMPORARY);
	assert_int_equal(log_in(rig, SERVICE_SUBMISSION, peer, "alice@alice.example",
	    "secret")->verdict, DIRECTORY_OK);
	rig_free(rig);
}

static void slows_guessing(void **state)
{
	static const char *const names[] = { "alice@alice.example", "nobody@alice.example", "x" };

	for (size_t i = 0; i < 3; i++) {
		struct rig *rig = rig_create();
		struct answer *a;

		for (unsigned n = 0; n < FAILURES_MAX; n++)
			assert_int_equal(log_in(rig, SERVICE_POP3, peer, names[i], "no")->verdict,
			    DIRECTORY_BAD_CREDENTIALS);
		/* Two seconds pass with each question; the wait grows beyond that. */
		for (unsigned n = 0; n < 2; n++)
			log_in(rig, SERVICE_POP3, peer, names[i], "no");
		a = log_in(rig, SERVICE_POP3, peer, names[i], "no");
		assert_int_equal(a->verdict, DIRECTORY_SLOW_DOWN);
		assert_non_null(strstr(a->words, "too many failed logins"));
		/* The network as well, whatever the name; and the name from elsewhere. */
		assert_int_equal(log_in(rig, SERVICE_POP3, peer, "bob@alice.example",
		    "hunter2")->verdict, DIRECTORY_SLOW_DOWN);
		rig_free(rig);
	}
}

/* Many at once are no way around it: one hash a guess, and no more than the free ones. */
static void counts_guesses_at_once(void **state)
{
	struct rig *rig = rig_create();
	unsigned bad = 0, slow = 0;
	char password[16];

	for (unsigned i = 0; i < 20; i++) {
		snprintf(password, sizeof(password), "guess%u", i);
		send_login(rig, SERVICE_POP3, other, "alice@alice.example", password);
	}
	settle(rig);
	assert_int_equal(rig->n_answers, 20);
	for (size_t i = 0; i < 20; i++) {
		bad += rig->answers[i].verdict == DIRECTORY_BAD_CREDENTIALS;
		slow += rig->answers[i].verdict == DIRECTORY_SLOW_DOWN;
	}
	assert_int_equal(bad, FAILURES_MAX);
	assert_int_equal(slow, 20 - FAILURES_MAX);
	rig_free(rig);
}

/* The same right password many times at once: all get in. */
static void lets_many_sessions_in(void **state)
{
	struct rig *rig = rig_create();

	for (unsigned i = 0; i < 40; i++)
		send_login(rig, SERVICE_POP3, peer, "alice@alice.example", "secret");
	settle(rig);
	assert_int_equal(rig->n_answers, 40);
	assert_int_equal(rig->n_sessions, 40);
	for (size_t i = 0; i < 40; i++)
		assert_int_equal(rig->answers[i].verdict, DIRECTORY_OK);
	rig_free(rig);
}

static void forgets_an_edge(void **state)
{
	struct rig *rig = rig_create();

	send_login(rig, SERVICE_POP3, peer, "alice@alice.example", "secret");
	ipc_flush(rig->edge);
	ipc_channel_destroy(rig->edge);
	settle(rig);
	assert_int_equal(rig->n_sessions, 0);
	rig->edge = join(rig, ROLE_EDGE, 0);
	settle(rig);
	assert_int_equal(ask_recipient(rig, "alice@alice.example", false)->verdict, DIRECTORY_OK);
	rig_free(rig);
}

/* A question with a byte too many or too few ends the channel. */
static void ends_who_breaks_the_protocol(void **state)
{
	for (unsigned kind = 0; kind < 4; kind++) {
		struct rig *rig = rig_create();
		struct buffer *out = ipc_begin(rig->edge, kind < 2 ? IPC_RECIPIENT : IPC_LOGIN);

		put_u64(out, 1);
		if (kind == 1) {
			put_u64(out, 2);
			put_u8(out, 4);         /* no flag of ours */
			buffer_add(out, slice_of(peer, 16));
			put_u64(out, 0);
			put_slice(out, slice_lit(""));
			put_slice(out, slice_lit("alice@alice.example"));
		} else if (kind == 3) {
			put_u8(out, SERVICE_CONTROL);
			buffer_add(out, slice_of(peer, 16));
			put_slice(out, slice_lit("alice@alice.example"));
			put_slice(out, slice_lit("secret"));
		}
		ipc_end(rig->edge, -1);
		settle(rig);
		assert_int_equal(rig->n_answers, 0);
		assert_int_equal(rig->n_broken, 1);
		rig_free(rig);
	}
}

/* ---- fair shares ---- */

enum { FIRST = RECIPIENT_FIRST, MORE = 0, SUBMITS = RECIPIENT_SUBMISSION };

static struct answer *ask_from(struct rig *rig, const char *from, unsigned flags,
    uint64_t account, const char *recipient)
{
	struct buffer *out = ipc_begin(rig->edge, IPC_RECIPIENT);
	uint8_t who[16];

	assert_true(os_ip_parse(slice_from(from), who));
	put_u64(out, 77);
	put_u64(out, 4711);
	put_u8(out, (uint8_t)flags);
	buffer_add(out, slice_of(who, 16));
	put_u64(out, account);
	put_slice(out, slice_lit("eve@example.org"));
	put_slice(out, slice_from(recipient));
	ipc_end(rig->edge, -1);
	rig->n_answers = 0;
	settle(rig);
	assert_int_equal(rig->n_answers, 1);
	return &rig->answers[0];
}

static void shares_out_recipients(void **state)
{
	static const char alice[] = "alice@alice.example", nobody[] = "x@alice.example";
	static const struct {
		const char *from;
		unsigned flags;
		uint64_t account;
		const char *recipient;
		unsigned n;             /* times OK, or refused as wrong; then: */
		const char *want;       /* NULL: go on */
	} steps[] = {
		{ "192.0.2.1", FIRST, 0, alice, 3, "too many messages from your address, try again "
		    "later" },
		{ "192.0.2.1", MORE, 0, alice, 3, "too many recipients from your address, try again "
		    "later" },
		{ "192.0.2.2", FIRST, 0, alice, 3, "too many messages from your address, try again "
		    "later" },
		{ "192.0.2.3", FIRST, 0, alice, 0, "too many messages from your network, try again "
		    "later" },
		{ "192.0.2.3", MORE, 0, alice, 3, "too many recipients from your network, try again "
		    "later" },
		{ "192.0.3.1", FIRST, 0, alice, 1, NULL },
		{ "2001:db8::1", FIRST, 0, alice, 3, "too many messages from your address, try again "
		    "later" },
		{ "2001:db8::2", FIRST, 0, alice, 0, "too many messages from your address, try again "
		    "later" },
		{ "2001:db8:0:1::1", FIRST, 0, alice, 3, NULL },
		{ "2001:db8:0:2::1", FIRST, 0, alice, 0, "too many messages from your network, try "
		    "again later" },
		{ "127.0.0.1", FIRST, 0, alice, 20, NULL },
		{ "127.0.0.1", FIRST, 0, nobody, 20, NULL },
		{ "192.0.2.1", FIRST | SUBMITS, 5, alice, 2, "too many messages from this account, "
		    "try again later" },
		{ "192.0.2.1", MORE | SUBMITS, 5, alice, 3, "too many recipients from this account, "
		    "try again later" },
		{ "198.51.100.1", FIRST | SUBMITS, 5, alice, 0, "too many messages from this account, "
		    "try again later" },
		{ "192.0.2.1", FIRST | SUBMITS, 6, alice, 1, NULL },
		{ "203.0.113.1", FIRST, 0, nobody, 2, "too many wrong recipients from your address, "
		    "try again later" },
		{ "203.0.113.1", FIRST, 0, alice, 0, "too many wrong recipients from your address, "
		    "try again later" },
		{ "203.0.113.2", FIRST, 0, nobody, 2, "too many wrong recipients from your address, "
		    "try again later" },
		{ "203.0.113.3", FIRST, 0, alice, 0, "too many wrong recipients from your network, "
		    "try again later" },
	};
	struct rig *rig = rig_create_from(1, "limit.messages_per_address = 3\n"
	    "limit.recipients_per_address = 6\nlimit.refused_per_address = 2\n"
	    "limit.network_factor = 2\nlimit.messages_per_account = 2\n"
	    "limit.recipients_per_account = 5\n");

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		bool ok = steps[i].recipient == alice;
		struct answer *a;

		for (unsigned n = 0; n < steps[i].n; n++) {
			a = ask_from(rig, steps[i].from, steps[i].flags, steps[i].account,
			    steps[i].recipient);
			if (a->verdict != (ok ? DIRECTORY_OK : DIRECTORY_NO_SUCH_USER))
				fail_msg("step %zu: %u: %s", i, n, a->words);
		}
		if (steps[i].want == NULL)
			continue;
		a = ask_from(rig, steps[i].from, steps[i].flags, steps[i].account,
		    steps[i].recipient);
		if (a->verdict != DIRECTORY_TOO_FAST || strcmp(a->words, steps[i].want) != 0)
			fail_msg("step %zu: %u %s", i, a->verdict, a->words);
		assert_int_equal(a->sealed_len, 0);
	}
	/* Two wrong ones an hour: another one after half of it. */
	sim_run_until(rig->sim, sim_now_us(rig->sim) + (uint64_t)1800 * 1000 * 1000);
	assert_int_equal(ask_from(rig, "203.0.113.1", FIRST, 0, alice)->verdict, DIRECTORY_OK);
	rig_free(rig);
}

static void shares_out_logins(void **state)
{
	struct rig *rig = rig_create_from(1, "limit.logins_per_account = 2\n");
	static const uint8_t here[16] = { [15] = 1 };
	struct answer *a;

	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(log_in(rig, SERVICE_POP3S, i ? peer : other, "alice@alice.example",
		    "secret")->verdict, DIRECTORY_OK);
	a = log_in(rig, SERVICE_POP3, other, "alice@alice.example", "secret");
	assert_int_equal(a->verdict, DIRECTORY_SLOW_DOWN);
	assert_string_equal(a->words, "too many logins of this account, try again later");
	assert_int_equal(rig->n_sessions, 2);
	/* Those of IMAP are counted apart. */
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(log_in(rig, i ? SERVICE_IMAP : SERVICE_IMAPS, peer,
		    "alice@alice.example", "secret")->verdict, i < 2 ? DIRECTORY_OK :
		    DIRECTORY_SLOW_DOWN);
	assert_int_equal(rig->n_sessions, 4);
	assert_int_equal(log_in(rig, SERVICE_SUBMISSION, peer, "alice@alice.example",
	    "secret")->verdict, DIRECTORY_OK);
	assert_int_equal(log_in(rig, SERVICE_POP3, peer, "bob@alice.example", "hunter2")->verdict,
	    DIRECTORY_OK);
	assert_int_equal(log_in(rig, SERVICE_POP3, here, "alice@alice.example", "secret")->verdict,
	    DIRECTORY_OK);
	rig_free(rig);
}

/* A network that guesses much waits for itself: who comes from elsewhere is next,
 * and the guessers lose the places of a full queue. */
static void takes_turns(void **state)
{
	enum { GUESSES = HASHES_MAX + HASH_QUEUE_MAX };
	struct rig *rig = rig_create();
	uint8_t guesser[16];
	size_t n_bad = 0, n_later = 0, before = 0;
	char name[16];

	memcpy(guesser, peer, 16);
	guesser[12] = 10;
	for (unsigned i = 0; i < GUESSES; i++) {
		guesser[15] = (uint8_t)i;
		snprintf(name, sizeof(name), "x%u", i);
		send_login(rig, SERVICE_POP3, guesser, name, "no");
	}
	send_login(rig, SERVICE_POP3, other, "bob@alice.example", "hunter2");
	settle(rig);
	assert_int_equal(rig->n_answers, GUESSES + 1);
	for (size_t i = 0; i < rig->n_answers; i++) {
		n_bad += rig->answers[i].verdict == DIRECTORY_BAD_CREDENTIALS;
		n_later += rig->answers[i].verdict == DIRECTORY_TEMPORARY;
		if (rig->answers[i].verdict == DIRECTORY_OK)
			before = n_bad;
	}
	assert_int_equal(n_bad, GUESSES - 1);
	assert_int_equal(n_later, 1);
	assert_int_equal(rig->n_sessions, 1);
	print_message("# %zu guesses were judged before\n", before);
	assert_true(before < GUESSES / 2);      /* his own takes its time */
	/* So many that the network must wait, addresses that never failed, too. */
	guesser[15] = 200;
	assert_int_equal(log_in(rig, SERVICE_POP3, guesser, "y", "no")->verdict,
	    DIRECTORY_SLOW_DOWN);
	assert_int_equal(log_in(rig, SERVICE_POP3, peer, "y", "no")->verdict,
	    DIRECTORY_BAD_CREDENTIALS);
	rig_free(rig);
}

UNIT_TESTS(cmocka_unit_test(shares_out_recipients), cmocka_unit_test(shares_out_logins),
    cmocka_unit_test(takes_turns), cmocka_unit_test(seals_recipients),
    cmocka_unit_test(tells_the_store_of_a_session),
    cmocka_unit_test(says_temporary_without_a_store), cmocka_unit_test(slows_guessing),
    cmocka_unit_test(counts_guesses_at_once), cmocka_unit_test(lets_many_sessions_in),
    cmocka_unit_test(forgets_an_edge), cmocka_unit_test(ends_who_breaks_the_protocol))
