/* role/directory_mock_test.c - what the directory role does in a mock, and only there. */
#include "role/directory_mock.h"
#include "role/directory_world_test.h"

#define MOCK "mock = yes\nrelay = no\nlimit.trusted = none\nlimit.refused_per_address = 1\n" \
    "limit.logins_per_account = 1\n"

/* The account that mail goes to, for who logged in as that account, or 0. */
static uint64_t target_of(struct rig *rig, uint64_t account, const char *recipient)
{
	struct arena arena = arena_init(os_heap(rig->os), SEALED_MAX);
	struct buffer *out = ipc_begin(rig->edge, IPC_RECIPIENT);
	struct sealed_recipient what;
	struct answer *a;
	uint64_t target;

	put_u64(out, 77);
	put_u64(out, 4711);
	put_u8(out, 0);
	buffer_add(out, slice_of(peer, 16));
	put_u64(out, account);
	put_slice(out, slice_lit("eve@example.org"));
	put_slice(out, slice_from(recipient));
	ipc_end(rig->edge, -1);
	settle(rig);
	a = &rig->answers[rig->n_answers - 1];
	if (a->verdict != DIRECTORY_OK)
		return 0;
	assert_true(seal_open(&rig->key, slice_of(a->sealed, a->sealed_len), &arena, &what));
	assert_int_equal(what.n_targets, 1);
	assert_slice(what.targets[0].delivered_to, slice_from(recipient));
	target = what.targets[0].account;
	arena_reset(&arena);
	return target;
}

/* All that a mock does, and that nobody else does it. */
static void is_a_mock_only_where_it_says_so(void **state)
{
	static const char *const recipients[] = { "someone@elsewhere.example",
		"nobody@alice.example", "a b\"@", "x@[192.0.2.1]" };
	struct rig *real = rig_create(), *mock = rig_create_from(1, MOCK);
	uint64_t one = target_of(mock, 0, recipients[0]);

	assert_int_not_equal(one, 0);
	for (size_t i = 0; i < sizeof(recipients) / sizeof(recipients[0]); i++) {
		assert_int_equal(target_of(mock, 0, recipients[i]), one);
		assert_int_equal(target_of(mock, mock->alice, recipients[i]), one);
		assert_int_equal(target_of(real, 0, recipients[i]), 0);
		assert_int_equal(target_of(real, real->alice, recipients[i]), 0);
	}
	assert_int_equal(target_of(mock, 0, "postmaster"), one);
	for (int i = 0; i < 3; i++) {
		struct answer *a = log_in(mock, i == 0 ? SERVICE_SMTP : SERVICE_POP3, peer,
		    i == 1 ? "alice@alice.example" : "whoever", "wrong");

		assert_int_equal(a->verdict, DIRECTORY_OK);
		assert_int_equal(a->account, one);
		assert_int_not_equal(log_in(real, i == 0 ? SERVICE_SMTP : SERVICE_POP3, peer,
		    i == 1 ? "alice@alice.example" : "whoever", "wrong")->verdict, DIRECTORY_OK);
	}
	assert_int_equal(mock->n_sessions, 2);
	assert_int_equal(real->n_sessions, 0);
	rig_free(real);
	rig_free(mock);
}

static void makes_a_mailbox_for_each_login(void **state)
{
	static const struct {
		const char *login, *same;
	} cases[] = {
		{ "suite-1", "Suite-1" }, { "suite-2", "suite-2@alice.example" },
		{ "bob@elsewhere.example", "bob@Elsewhere.example" },
		{ "carol@elsewhere.example", "carol%40elsewhere.example@alice.example" }, { "a \"b\\", "A \"b\\" },
		{ "\t\x01\xff", "\t\x01\xff" },
		{ "0123456789012345678901234567890123456789012345678901234567890123456789", NULL },
	};
	struct rig *rig = rig_create_from(1, MOCK "mock.mailboxes = login\n");
	uint64_t one = target_of(rig, 0, "x@y.example"), seen[sizeof(cases) / sizeof(cases[0]) + 1] = { one };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *same = cases[i].same != NULL ? cases[i].same : cases[i].login;
		struct answer *a = log_in(rig, SERVICE_SMTP, peer, cases[i].login, "x");

		if (a->verdict != DIRECTORY_OK)
			fail_msg("%s: %s", cases[i].login, a->words);
		for (size_t j = 0; j <= i; j++)
			assert_int_not_equal(a->account, seen[j]);
		seen[i + 1] = a->account;
		assert_int_equal(target_of(rig, a->account, "x@y.example"), a->account);
		assert_int_equal(log_in(rig, SERVICE_POP3, peer, same, "y")->account, a->account);
	}
	assert_int_equal(log_in(rig, SERVICE_POP3, peer, MOCK_MAILBOX, "y")->account, one);
	assert_int_equal(log_in(rig, SERVICE_SMTP, peer, "", "y")->account, one);
	/* An account that never was: what an edge says is not believed. */
	assert_int_equal(target_of(rig, 4711, "x@y.example"), one);
	rig_free(rig);
}

static void makes_mailboxes_up_to_a_number(void **state)
{
	struct rig *rig = rig_create_from(1, MOCK "mock.mailboxes = login\n");
	size_t made = 3;                /* alice's, bob's, and the one */
	size_t most = os_descriptors_max(rig->os) / 8;
	struct answer *a;

	assert_in_range(most, 100, MOCK_MAILBOXES_MAX);
	for (char name[16]; made < most; made++) {
		snprintf(name, sizeof(name), "n%zu", made);
		rig->n_answers = 0;
		send_login(rig, SERVICE_SMTP, peer, name, "x");
		sim_run_until(rig->sim, sim_now_us(rig->sim) + 50 * 1000);
		assert_int_equal(rig->answers[0].verdict, DIRECTORY_OK);
	}
	a = log_in(rig, SERVICE_POP3, peer, "another", "x");
	assert_int_equal(a->verdict, DIRECTORY_TEMPORARY);
	assert_non_null(strstr(a->words, "mailboxes, and makes no more"));
	assert_int_equal(log_in(rig, SERVICE_POP3, peer, "n50", "x")->verdict, DIRECTORY_OK);
	rig_free(rig);
}

UNIT_TESTS(cmocka_unit_test(is_a_mock_only_where_it_says_so),
    cmocka_unit_test(makes_a_mailbox_for_each_login),
    cmocka_unit_test(makes_mailboxes_up_to_a_number))
