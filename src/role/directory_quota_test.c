/* role/directory_quota_test.c - quotas: set by administrators, told to stores, which say who is
 * full. See directory_world_test.h. */
#include "role/directory_world_test.h"

#define OK "{\"ok\":true}\n"
#define QUOTA(address, value) \
	"{\"command\":\"account quota\",\"address\":\"" address "@alice.example\",\"quota\":" value "}\n"
#define ALIAS(targets) \
	"{\"command\":\"alias add\",\"address\":\"all@alice.example\",\"targets\":[" targets "]}\n"

static unsigned store_of(uint64_t account)
{
	return account_store(account, 2);
}

static void say_full(struct rig *rig, unsigned store, uint64_t account, bool full)
{
	struct buffer *out = ipc_begin(rig->stores[store], IPC_FULL);

	put_u64(out, account);
	put_u8(out, full);
	ipc_end(rig->stores[store], -1);
	settle(rig);
}

static void store_comes_back(struct rig *rig, unsigned store)
{
	ipc_channel_destroy(rig->stores[store]);
	settle(rig);
	rig->stores[store] = join(rig, ROLE_STORE, store);
	settle(rig);
}

static void expect_told(struct rig *rig, size_t at, uint64_t account, uint64_t bytes)
{
	assert_true(at < rig->n_quotas);
	assert_int_equal(rig->quotas[at].store, store_of(account));
	assert_true(rig->quotas[at].account == account);
	assert_true(rig->quotas[at].bytes == bytes);
}

/* Each store hears of all that are its own when it comes, and then of each change. */
static void tells_stores_the_limits(void **state)
{
	struct rig *rig = rig_create();
	unsigned mine = store_of(rig->alice);
	struct client c;

	assert_int_equal(rig->n_quotas_over[0], 1);
	assert_int_equal(rig->n_quotas_over[1], 1);
	assert_int_equal(rig->n_quotas, 0);
	client_open(rig, &c);
	assert_string_equal(client_ask(&c, QUOTA("alice", "2048")), OK);
	assert_int_equal(rig->n_quotas, 1);
	expect_told(rig, 0, rig->alice, 2048);
	assert_non_null(strstr(client_ask(&c, "{\"command\":\"account show\",\"address\":"
	    "\"alice@alice.example\"}\n"), "\"quota\":2048"));
	store_comes_back(rig, mine);
	store_comes_back(rig, 1 - mine);
	assert_int_equal(rig->n_quotas_over[0], 2);
	assert_int_equal(rig->n_quotas_over[1], 2);
	assert_int_equal(rig->n_quotas, 2);
	expect_told(rig, 1, rig->alice, 2048);
	/* None at all is another thing than none of its own. */
	assert_string_equal(client_ask(&c, QUOTA("alice", "0")), OK);
	assert_true(rig->quotas[2].bytes > QUOTA_MAX);
	assert_non_null(strstr(client_ask(&c, "{\"command\":\"account list\"}\n"), "\"quota\":0"));
	assert_string_equal(client_ask(&c, QUOTA("alice", "null")), OK);
	expect_told(rig, 3, rig->alice, 0);
	assert_null(strstr(client_ask(&c, "{\"command\":\"account list\"}\n"), "quota"));
	store_comes_back(rig, mine);
	assert_int_equal(rig->n_quotas, 4);
	rig_free(rig);
}

static void puts_off_mail_for_who_is_full(void **state)
{
	struct rig *rig = rig_create();
	unsigned mine = store_of(rig->alice);
	struct answer *a;
	struct client c;

	client_open(rig, &c);
	assert_string_equal(client_ask(&c, ALIAS("\"alice@alice.example\",\"bob@alice.example\"")), OK);
	say_full(rig, mine, rig->alice, true);
	a = ask_recipient(rig, "Alice+x@alice.example", false);
	assert_int_equal(a->verdict, DIRECTORY_OVER_QUOTA);
	assert_string_equal(a->words, "<Alice+x@alice.example>: mailbox is full, try again later");
	assert_int_equal(a->sealed_len, 0);
	assert_int_equal(ask_recipient(rig, "alice@alice.example", true)->verdict, DIRECTORY_OVER_QUOTA);
	assert_int_equal(ask_recipient(rig, "bob@alice.example", false)->verdict, DIRECTORY_OK);
	/* Others on a list get theirs. */
	assert_int_equal(ask_recipient(rig, "all@alice.example", false)->verdict, DIRECTORY_OK);
	assert_int_equal(log_in(rig, SERVICE_IMAP, peer, "alice@alice.example", "secret")->verdict,
	    DIRECTORY_OK);
	say_full(rig, mine, rig->alice, true);
	say_full(rig, mine, rig->alice, false);
	assert_int_equal(ask_recipient(rig, "alice@alice.example", false)->verdict, DIRECTORY_OK);
	/* What a store said goes with it, what the other one said stays. */
	say_full(rig, mine, rig->alice, true);
	store_comes_back(rig, 1 - mine);
	assert_int_equal(ask_recipient(rig, "alice@alice.example", false)->verdict, DIRECTORY_OVER_QUOTA);
	store_comes_back(rig, mine);
	assert_int_equal(ask_recipient(rig, "alice@alice.example", false)->verdict, DIRECTORY_OK);
	rig_free(rig);
}

/* A report has no other place to go. */
static void takes_reports_always(void **state)
{
	struct rig *rig = rig_create();
	struct ipc_channel *relay = join(rig, ROLE_RELAY, 0);
	struct buffer *out;

	settle(rig);
	say_full(rig, store_of(rig->alice), rig->alice, true);
	out = ipc_begin(relay, IPC_RECIPIENT);
	put_u64(out, 77);
	put_u64(out, 4711);
	put_u8(out, RECIPIENT_REPORT);
	buffer_add(out, slice_of(peer, 16));
	put_u64(out, 0);
	put_slice(out, slice_lit(""));
	put_slice(out, slice_lit("alice@alice.example"));
	ipc_end(relay, -1);
	settle(rig);
	assert_int_equal(rig->n_answers, 1);
	assert_int_equal(rig->answers[0].verdict, DIRECTORY_OK);
	rig_free(rig);
}

static void asks_the_store_what_is_held(void **state)
{
	struct rig *rig = rig_create();
	unsigned mine = store_of(rig->alice);
	struct buffer *out;
	struct client c;

	client_open(rig, &c);
	assert_string_equal(client_ask(&c, "{\"command\":\"account held\",\"address\":"
	    "\"alice@alice.example\"}\n"), "");
	assert_true(rig->held == rig->alice && rig->held_request != 0);
	out = ipc_begin(rig->stores[mine], IPC_HELD_IS);
	put_u64(out, rig->held_request);
	put_slice(out, slice_lit("{\"ok\":true,\"bytes\":1}"));
	ipc_end(rig->stores[mine], -1);
	settle(rig);
	assert_string_equal(c.text, "{\"ok\":true,\"bytes\":1}\n");
	assert_non_null(strstr(client_ask(&c, "{\"command\":\"account held\",\"address\":"
	    "\"zoe@alice.example\"}\n"), "no account zoe"));
	client_ask(&c, "{\"command\":\"account held\",\"address\":\"alice@alice.example\"}\n");
	ipc_channel_destroy(rig->stores[mine]);
	settle(rig);
	assert_non_null(strstr(c.text, "the store was restarted"));
	rig_free(rig);
}

UNIT_TESTS(cmocka_unit_test(tells_stores_the_limits),
    cmocka_unit_test(puts_off_mail_for_who_is_full), cmocka_unit_test(takes_reports_always),
    cmocka_unit_test(asks_the_store_what_is_held))
