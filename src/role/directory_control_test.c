/* role/directory_control_test.c - the role and its administrators: the control socket, what
 * changes by it, a disk that fails. See directory_world_test.h. */
#include "role/directory_world_test.h"

#define OK "{\"ok\":true}\n"

static void hears_administrators(void **state)
{
	struct rig *rig = rig_create();
	struct client c;

	client_open(rig, &c);
	assert_string_equal(client_ask(&c, "{\"command\":\"domain add\",\"domain\":"
	    "\"b.example\"}\n"), OK);
	assert_int_equal(ask_recipient(rig, "x@b.example", false)->verdict,
	    DIRECTORY_NO_SUCH_USER);
	/* Half a line, then the rest and two more. */
	assert_string_equal(client_ask(&c, "{\"command\":\"alias add\",\"address\":"), "");
	assert_string_equal(client_ask(&c, "\"x@b.example\",\"targets\":"
	    "[\"alice@alice.example\"]}\nnonsense\n{\"command\":\"alias remove\","
	    "\"address\":\"x@b.example\"}\n"),
	    OK "{\"error\":\"request: not a JSON object\"}\n" OK);
	assert_int_equal(ask_recipient(rig, "x@b.example", false)->verdict,
	    DIRECTORY_NO_SUCH_USER);
	os_watch_stop(rig->os, &c.watch);
	os_close(rig->os, c.fd);
	settle(rig);
	rig_free(rig);
}

static void forgets_a_changed_password(void **state)
{
	struct rig *rig = rig_create();
	struct client c;

	client_open(rig, &c);
	assert_int_equal(log_in(rig, SERVICE_POP3, peer, "alice@alice.example", "secret")->verdict,
	    DIRECTORY_OK);
	assert_string_equal(client_ask(&c, "{\"command\":\"account disable\",\"address\":"
	    "\"alice@alice.example\"}\n"), OK);
	assert_int_equal(log_in(rig, SERVICE_POP3, peer, "alice@alice.example", "secret")->verdict,
	    DIRECTORY_LOGIN_DISABLED);
	assert_int_equal(log_in(rig, SERVICE_POP3, peer, "alice@alice.example", "Secret")->verdict,
	    DIRECTORY_BAD_CREDENTIALS);
	assert_int_equal(ask_recipient(rig, "alice@alice.example", false)->verdict,
	    DIRECTORY_DISABLED);
	assert_string_equal(client_ask(&c, "{\"command\":\"account enable\",\"address\":"
	    "\"alice@alice.example\"}\n"), OK);
	/* Of the word "other", by openssl passwd -6. */
	assert_string_equal(client_ask(&c, "{\"command\":\"account password\",\"address\":"
	    "\"alice@alice.example\",\"hash\":\"$6$saltsalt$r4j7z8gOqxO9zYH/VSQ4MPgAu/GT"
	    "g0.tIK5o0K3dXowoILt/JRmXmiqFa26mKioMH3Fwhg6qaU0XTibPpoJ8z.\"}\n"), OK);
	assert_int_equal(log_in(rig, SERVICE_POP3, peer, "alice@alice.example", "secret")->verdict,
	    DIRECTORY_BAD_CREDENTIALS);
	assert_int_equal(log_in(rig, SERVICE_POP3, peer, "alice@alice.example", "other")->verdict,
	    DIRECTORY_OK);
	assert_non_null(strstr(client_ask(&c, "{\"command\":\"account remove\",\"address\":"
	    "\"alice@alice.example\"}\n"), "{\"ok\":true,"));
	assert_true(rig->removed == rig->alice);
	assert_int_equal(log_in(rig, SERVICE_POP3, other, "alice@alice.example", "other")->verdict,
	    DIRECTORY_BAD_CREDENTIALS);
	rig_free(rig);
}

#define OPEN(address, more) \
	"{\"command\":\"mailbox open\",\"address\":\"" address "\"" more "}\n"

/* The connection itself goes to the account's store, which is told whose it is first. */
static void gives_a_connection_to_the_store(void **state)
{
	struct rig *rig = rig_create();
	struct client c;

	client_open(rig, &c);
	assert_string_equal(client_ask(&c, OPEN("alcie@alice.example", ",\"tag\":\"t\"")),
	    "{\"error\":\"no account alcie@alice.example; did you mean alice@alice.example?\"}\n");
	assert_non_null(strstr(client_ask(&c, OPEN("alice@alice.example", "")), "no \\\"tag\\\""));
	assert_non_null(strstr(client_ask(&c, "{\"command\":\"mailbox open\"}\n"), "error"));
	assert_non_null(strstr(client_ask(&c, OPEN("alice@alice.example",
	    ",\"tag\":\"ttttttttttttttttttttttttttttttttt\"")), "error"));
	assert_int_equal(rig->n_adopted, 0);
	assert_int_equal(rig->n_sessions, 0);

	/* Disabled: it takes no login, but who looks after the machine may read it. */
	assert_string_equal(client_ask(&c, "{\"command\":\"account disable\",\"address\":"
	    "\"alice@alice.example\"}\n"), OK);
	assert_string_equal(client_ask(&c, OPEN("alice@alice.example",
	    ",\"tag\":\"t1\",\"alone\":true")), "");
	assert_int_equal(rig->n_sessions, 1);
	assert_true(rig->sessions[0].account == rig->alice);
	assert_string_equal(rig->sessions[0].address, "alice@alice.example");
	assert_int_equal(rig->n_adopted, 1);
	assert_true(rig->adopted[0].nonce == rig->sessions[0].nonce);
	assert_int_equal(rig->adopted[0].service, SERVICE_IMAP);
	assert_int_equal(rig->adopted[0].flags, ADOPT_TLS | ADOPT_LOOPBACK | ADOPT_ALONE);
	assert_string_equal(rig->adopted[0].tag, "t1");
	assert_true(c.ended);

	client_open(rig, &c);
	assert_string_equal(client_ask(&c, OPEN("alice@alice.example", ",\"tag\":\"t2\"")), "");
	assert_int_equal(rig->adopted[1].flags, ADOPT_TLS | ADOPT_LOOPBACK);
	assert_true(rig->adopted[1].nonce != rig->adopted[0].nonce);
	rig_free(rig);
}

/* Nobody can have it while its store is not there; the connection stays. */
static void keeps_a_connection_without_a_store(void **state)
{
	struct rig *rig = rig_create();
	struct client c;

	for (unsigned i = 0; i < 2; i++)
		ipc_channel_destroy(rig->stores[i]);
	settle(rig);
	client_open(rig, &c);
	assert_string_equal(client_ask(&c, OPEN("alice@alice.example", ",\"tag\":\"t\"")),
	    "{\"error\":\"the mailbox is not there right now; try again\"}\n");
	assert_non_null(strstr(client_ask(&c, "{\"command\":\"domain list\"}\n"), "true"));
	rig_free(rig);
}

static void bounds_administrators(void **state)
{
	struct rig *rig = rig_create();
	static struct client clients[CONTROL_CLIENTS_MAX + 1];
	static char text[CONTROL_REQUEST_MAX + 2];

	for (size_t i = 0; i <= CONTROL_CLIENTS_MAX; i++)
		client_open(rig, &clients[i]);
	assert_string_equal(clients[CONTROL_CLIENTS_MAX].text,
	    "{\"error\":\"too many commands at once; try again\"}\n");
	assert_true(clients[CONTROL_CLIENTS_MAX].ended);
	/* A request without an end. */
	memset(text, 'x', sizeof(text));
	for (size_t sent = 0; sent < sizeof(text) && !clients[0].ended; ) {
		slice part = slice_of(text + sent, sizeof(text) - sent);
		ssize_t n = os_write(rig->os, clients[0].fd, &part, 1);

		sent += n > 0 ? (size_t)n : 0;
		settle(rig);
	}
	assert_string_equal(clients[0].text, "{\"error\":\"the request is too long\"}\n");
	assert_true(clients[0].ended);
	/* Silence. */
	assert_false(clients[1].ended);
	sim_run_until(rig->sim, sim_now_us(rig->sim) + (CONTROL_TIMEOUT_MS + 1000) * 1000ull);
	assert_true(clients[1].ended);
	client_open(rig, &clients[0]);
	assert_non_null(strstr(client_ask(&clients[0], "{\"command\":\"domain list\"}\n"), "true"));
	rig_free(rig);
}

/* An imported hash works, is replaced by one of ours, and the password stays: also
 * for those who came with it at the same time. */
static void renews_imported_hashes(void **state)
{
	struct rig *rig = rig_create();
	struct client c;

	client_open(rig, &c);
	assert_string_equal(client_ask(&c, "{\"command\":\"account password\",\"address\":"
	    "\"alice@alice.example\",\"hash\":\"$6$saltsalt$r4j7z8gOqxO9zYH/VSQ4MPgAu/GT"
	    "g0.tIK5o0K3dXowoILt/JRmXmiqFa26mKioMH3Fwhg6qaU0XTibPpoJ8z.\"}\n"), OK);
	for (unsigned i = 0; i < 5; i++)
		send_login(rig, SERVICE_SUBMISSION, peer, "alice@alice.example", "other");
	settle(rig);
	assert_int_equal(rig->n_answers, 5);
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(rig->answers[i].verdict, DIRECTORY_OK);
	assert_int_equal(log_in(rig, SERVICE_POP3, other, "alice@alice.example", "other")->verdict,
	    DIRECTORY_OK);
	assert_int_equal(log_in(rig, SERVICE_POP3, other, "alice@alice.example", "secret")->verdict,
	    DIRECTORY_BAD_CREDENTIALS);
	rig_free(rig);
}

/* A password that is changed while a login with the old one is hashed stays changed. */
static void keeps_a_password_that_changes_meanwhile(void **state)
{
	static const unsigned char salt[PASSWORD_SALT_LEN];
	unsigned hashed = 0;

	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct rig *rig = rig_create_seeded(seed);
		struct password_hash hash;
		char line[512];
		struct client c;
		slice text;

		client_open(rig, &c);
		assert_string_equal(client_ask(&c, "{\"command\":\"account password\",\"address\":"
		    "\"alice@alice.example\",\"hash\":\"$6$saltsalt$r4j7z8gOqxO9zYH/VSQ4MPgAu/GT"
		    "g0.tIK5o0K3dXowoILt/JRmXmiqFa26mKioMH3Fwhg6qaU0XTibPpoJ8z.\"}\n"), OK);
		assert_true(password_hash(slice_lit("third"), PASSWORD_MEMORY_MIN, salt, &hash));
		snprintf(line, sizeof(line), "{\"command\":\"account password\",\"address\":"
		    "\"alice@alice.example\",\"hash\":\"%s\"}\n", hash.text);
		text = slice_from(line);
		send_login(rig, SERVICE_SUBMISSION, peer, "alice@alice.example", "other");
		ipc_flush(rig->edge);
		assert_int_equal(os_write(rig->os, c.fd, &text, 1), text.len);
		settle(rig);
		hashed += rig->answers[0].verdict == DIRECTORY_TEMPORARY;
		assert_int_equal(log_in(rig, SERVICE_POP3, other, "alice@alice.example", "other")->verdict,
		    DIRECTORY_BAD_CREDENTIALS);
		assert_int_equal(log_in(rig, SERVICE_POP3, other, "alice@alice.example", "third")->verdict,
		    DIRECTORY_OK);
		rig_free(rig);
	}
	assert_in_range(hashed, 1, 20); /* the change came in between, in some */
}

/* A failed sync costs the change, not the role, unless the disk goes on failing. */
static void opens_again_after_a_failing_disk(void **state)
{
	static const struct sim_faults failing = { .sync_error = 3 }, none;
	unsigned opened_again = 0, ended = 0;

	for (uint64_t seed = 1; seed <= 60; seed++) {
		struct rig *rig = rig_create_seeded(seed);
		struct client c;
		bool refused;

		client_open(rig, &c);
		sim_set_faults(rig->sim, &failing);
		refused = strstr(client_ask(&c, "{\"command\":\"domain add\",\"domain\":"
		    "\"b.example\"}\n"), "{\"error\":\"directory.db: ");
		sim_set_faults(rig->sim, &none);
		ended += rig->n_fatal > 0;
		if (refused && rig->n_fatal == 0) {
			opened_again++;
			assert_string_equal(client_ask(&c, "{\"command\":\"domain add\","
			    "\"domain\":\"c.example\"}\n"), OK);
			assert_int_equal(ask_recipient(rig, "x@c.example", false)->verdict,
			    DIRECTORY_NO_SUCH_USER);
		}
		rig->n_fatal = 0;
		rig_free(rig);
	}
	print_message("# opened again %u times, ended %u times\n", opened_again, ended);
	assert_true(opened_again > 0 && ended > 0);
}

/* The right password is not wrong because the disk can't give its hash. */
static void puts_off_logins_while_the_disk_fails(void **state)
{
	static const struct sim_faults failing = { .read_error = 3 }, none;
	unsigned put_off = 0;

	for (uint64_t seed = 1; seed <= 30; seed++) {
		struct rig *rig = rig_create_seeded(seed);
		uint8_t verdict;

		sim_set_faults(rig->sim, &failing);
		verdict = log_in(rig, SERVICE_POP3, peer, "alice@alice.example", "secret")->verdict;
		sim_set_faults(rig->sim, &none);
		assert_true(verdict == DIRECTORY_OK || verdict == DIRECTORY_TEMPORARY);
		put_off += verdict == DIRECTORY_TEMPORARY;
		assert_int_equal(log_in(rig, SERVICE_POP3, peer, "alice@alice.example",
		    "secret")->verdict, DIRECTORY_OK);
		rig_free(rig);
	}
	print_message("# put off %u times\n", put_off);
	assert_in_range(put_off, 1, 29);
}

static void drains(void **state)
{
	struct rig *rig = rig_create();
	struct client c;

	client_open(rig, &c);
	put_u32(ipc_begin(rig->keeper, IPC_DRAIN), 1000);
	ipc_end(rig->keeper, -1);
	settle(rig);
	assert_int_equal(rig->n_drained, 1);
	assert_true(c.ended);
	ipc_channel_destroy(rig->keeper);
	settle(rig);
	assert_int_equal(rig->n_exits, 1);
	rig_free(rig);
}

UNIT_TESTS(cmocka_unit_test(hears_administrators),
    cmocka_unit_test(gives_a_connection_to_the_store),
    cmocka_unit_test(keeps_a_connection_without_a_store), cmocka_unit_test(forgets_a_changed_password),
    cmocka_unit_test(bounds_administrators), cmocka_unit_test(renews_imported_hashes),
    cmocka_unit_test(keeps_a_password_that_changes_meanwhile),
    cmocka_unit_test(opens_again_after_a_failing_disk),
    cmocka_unit_test(puts_off_logins_while_the_disk_fails), cmocka_unit_test(drains))
