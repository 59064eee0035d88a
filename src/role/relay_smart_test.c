/* role/relay_smart_test.c - the relay and a smart host that wants a login: what it gets, over
 * what, and what becomes of the mail when it does not. */
#include "role/relay_world_test.h"

#define LOGIN "relay.login = bob\nrelay.password_file = /p\n"
#define PLAIN "AUTH PLAIN AGJvYgBzZWNyZXQ=\r\n"         /* bob, secret */
#define OFFERS_AUTH "250-next\r\n250 AUTH PLAIN LOGIN"
#define OFFERS_TLS "250-next\r\n250-STARTTLS\r\n250 AUTH PLAIN"

static struct next_host *host;

static void host_is(struct next_host *h, const char *ehlo)
{
	h->steps[AT_EHLO].reply = ehlo;
	if (h->os == NULL)
		host_listen(h);
}

/* relay.host is a.example, hosts[0], but for what `extra` says. */
static void begin(const char *extra, const char *password)
{
	world_begin(1, extra);
	world.inputs.settings.relay_password = slice_from(password);
	keeper_reload(world.keeper, &world.inputs.settings);
	run_ms(100);
	name_a("a.example", 10);
	name_a("b.example", 11);
	host = world.hosts[0];
}

/* A certificate for that name, self-signed. */
static slice certify(struct next_host *h, const char *name)
{
	struct buffer chain = buffer_init(world.heap, SIZE_MAX / 2);
	struct buffer key = buffer_init(world.heap, SIZE_MAX / 2);

	assert_true(tls_self_signed(slice_from(name), &chain, &key));
	h->chain = buffer_bytes(&chain);
	h->key = buffer_bytes(&key);
	return h->chain;
}

static void trust(slice pem)
{
	world.inputs.settings.relay_ca = pem;
	keeper_reload(world.keeper, &world.inputs.settings);
	run_ms(100);
}

static void assert_waits(const char *words)
{
	wait_for_queue("\"tries\":1", 10 * MINUTE_MS);
	if (!has(buffer_bytes(&world.queue_answer), words))
		fail_msg("not \"%s\" but %.*s", words, slice_arg(buffer_bytes(&world.queue_answer)));
	assert_int_equal(world.n_reports, 0);
}

static void logs_in(void **state)
{
	static const struct { const char *offers, *replies[2], *want; } cases[] = {
		{ OFFERS_AUTH, { NULL }, PLAIN },
		{ "250-next\r\n250 AUTH CRAM-MD5 LOGIN", { "334 VXNlcm5hbWU6" },
		    "AUTH LOGIN\r\nYm9i\r\nc2VjcmV0\r\n" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		begin("relay.host = a.example\nrelay.tls = none\nrelay.sessions_per_host = 1\n" LOGIN,
		    "secret");
		host_is(host, cases[i].offers);
		if (cases[i].replies[0] != NULL)
			host->steps[AT_AUTH] = (struct script){ cases[i].replies[0], .times = 2 };
		for (int k = 0; k < 10; k++)
			deliver("x.example y.example");
		wait_for(host->taken == 20, MINUTE_MS);
		assert_string_equal(host->login, cases[i].want);
		assert_int_equal(host->logins, host->connections);
		run_ms(MINUTE_MS);
		assert_true(queue_is_empty());
		world_end();
	}
}

/* ---- TLS ---- */

struct tls_case {
	const char *name, *tls, *offers, *certificate;
	bool trusted, implicit, arrives;
	const char *words;
	const char *starttls;
};

static const struct tls_case tls_cases[] = {
	{ "verified", "auto", OFFERS_TLS, "a.example", true, false, true },
	{ "verified, and so told", "verify", OFFERS_TLS, "a.example", true, false, true },
	{ "from the first byte", "implicit", OFFERS_AUTH, "a.example", true, true, true },
	{ "any certificate", "required", OFFERS_TLS, "b.example", false, false, true },
	{ "of another name", "auto", OFFERS_TLS, "b.example", true, false, false,
	    "4.7.5 a.example [10.0.0.10]: TLS: hostname mismatch; nothing is sent to it unless it "
	    "shows a certificate for its name, from an authority in relay.ca" },
	{ "of another name, implicit", "implicit", OFFERS_AUTH, "b.example", true, true, false,
	    "4.7.5 a.example [10.0.0.10]: TLS: hostname mismatch; " },
	{ "of nobody we know", "auto", OFFERS_TLS, "a.example", false, false, false,
	    "4.7.5 a.example [10.0.0.10]: TLS: self-signed certificate; " },
	{ "no STARTTLS", "auto", OFFERS_AUTH, "a.example", true, false, false,
	    "4.7.4 a.example [10.0.0.10]: the server does not offer STARTTLS; nothing is sent to "
	    "it in the clear (relay.tls)" },
	{ "no STARTTLS, any certificate", "required", OFFERS_AUTH, "a.example", true, false, false,
	    "4.7.4 a.example [10.0.0.10]: the server does not offer STARTTLS; " },
	{ "no STARTTLS now", "auto", OFFERS_TLS, "a.example", true, false, false,
	    "4.7.4 a.example [10.0.0.10]: 454 4.7.0 later; nothing", "454 4.7.0 later" },
	{ "no TLS where it must be first", "implicit", OFFERS_TLS, "a.example", true, false, false,
	    "4.7.5 a.example [10.0.0.10]: TLS: what came is not TLS; nothing" },
	{ "no EHLO", "auto", "502 5.5.1 what?", "a.example", true, false, false, "4.7.4" },
};

static void tls_case(const struct tls_case *c)
{
	char extra[200];
	slice pem, other;

	snprintf(extra, sizeof extra, "relay.host = a.example\nrelay.tls = %s\n"
	    "relay.retry = 1h\n" LOGIN, c->tls);
	begin(extra, "secret");
	other = certify(host, "a.example");
	pem = certify(host, c->certificate);
	trust(c->trusted ? pem : other);
	host->implicit = c->implicit;
	host->steps[AT_STARTTLS].reply = c->starttls;
	if (strncmp(c->offers, "502", 3) == 0)
		host->steps[AT_EHLO].times = 1;
	host_is(host, c->offers);
	deliver("x.example");
	if (c->arrives) {
		wait_for(host->taken == 1, MINUTE_MS);
		assert_string_equal(host->login, PLAIN);
	} else {
		assert_waits(c->words);
		assert_int_equal(host->logins + host->mails, 0);
		assert_int_equal(host->connections, 1);
	}
	assert_int_equal(host->clear_logins, 0);
	world_end();
}

static void tls(void **state)
{
	for (size_t i = 0; i < sizeof tls_cases / sizeof *tls_cases; i++) {
		if (getenv("RELAY_TEST_LOG") != NULL)
			fprintf(stderr, "---- %s\n", tls_cases[i].name);
		tls_case(&tls_cases[i]);
	}
}

/* Nothing that judges: nothing goes, rather than to anybody. */
static void no_authorities(void **state)
{
	begin("relay.host = a.example\nrelay.retry = 1h\nrelay.tls = verify\n", "");
	certify(host, "a.example");
	host_is(host, OFFERS_TLS);
	deliver("x.example");
	assert_waits("4.7.5 a.example [10.0.0.10]: TLS can't be had: relay.ca has no certificate");
	assert_int_equal(host->connections, 0);
	world_end();
}

/* A bundle of many pieces, ours the last of it; then without ours. */
static void a_large_bundle(void **state)
{
	struct buffer bundle;
	size_t others;

	begin("relay.host = a.example\nrelay.tls = verify\nrelay.retry = 1h\n", "");
	bundle = buffer_init(world.heap, SIZE_MAX / 2);
	while (buffer_bytes(&bundle).len < 3 * RELAY_CA_PIECE)
		buffer_add(&bundle, slice_lit("a comment that is no certificate\n"));
	buffer_add(&bundle, certify(host, "other.example"));
	others = buffer_bytes(&bundle).len;
	buffer_add(&bundle, certify(host, "a.example"));
	trust(buffer_bytes(&bundle));
	host_is(host, OFFERS_TLS);
	deliver("x.example");
	wait_for(host->taken == 1, MINUTE_MS);
	assert_int_equal(host->logins, 0);
	trust(slice_head(buffer_bytes(&bundle), others));
	deliver("x.example");
	assert_waits("self-signed certificate");
	world_end();
}

/* ---- a login that is not taken ---- */

struct refusal_case {
	const char *offers, *auth, *words;
	unsigned logins;                /* the most in ten minutes */
};

static const struct refusal_case refusal_cases[] = {
	{ OFFERS_AUTH, "535 5.7.8 bad password", "4.7.8 a.example [10.0.0.10] does not take our "
	    "login: 535 5.7.8 bad password (relay.login, relay.password_file)", 11 },
	{ OFFERS_AUTH, "535-5.7.8 bad\r\n535 5.7.8 password", "535 5.7.8 bad 5.7.8 password", 11 },
	{ OFFERS_AUTH, "334 ", "login: 334", 11 },
	{ OFFERS_AUTH, "454 4.7.0 not now", "login: 454 4.7.0 not now", 22 },
	{ "250 next", "235 no", "login: the server does not offer AUTH PLAIN or LOGIN", 0 },
	{ "250-next\r\n250 AUTH CRAM-MD5", "235 no", "does not offer AUTH PLAIN or LOGIN", 0 },
};

static void refused(void **state)
{
	for (size_t i = 0; i < sizeof refusal_cases / sizeof *refusal_cases; i++) {
		const struct refusal_case *c = &refusal_cases[i];

		begin("relay.host = a.example\nrelay.tls = none\nrelay.retry = 5s\n"
		    "relay.retry_max = 20s\n" LOGIN, "secret");
		name_a("a.example", 11);                /* another address, which would refuse, too */
		world.hosts[1]->steps[AT_AUTH].reply = host->steps[AT_AUTH].reply = c->auth;
		host_is(world.hosts[1], c->offers);
		host_is(host, c->offers);
		for (int k = 0; k < 50; k++)
			deliver("x.example y.example");
		wait_for_queue("\"tries\":1", MINUTE_MS);
		if (!has(buffer_bytes(&world.queue_answer), c->words))
			fail_msg("%s: %.*s", c->words, slice_arg(buffer_bytes(&world.queue_answer)));
		run_ms(10 * MINUTE_MS);
		assert_in_range(host->logins + world.hosts[1]->logins, c->logins > 0, c->logins);
		assert_int_equal(host->mails + world.hosts[1]->mails, 0);
		assert_int_equal(world.n_reports, 0);
		/* With the right password, at once when that is read. */
		host_is(host, OFFERS_AUTH);
		host->steps[AT_AUTH].reply = NULL;
		host_die(world.hosts[1]);
		world.inputs.settings.relay_password = slice_lit("right");
		keeper_reload(world.keeper, &world.inputs.settings);
		wait_for(host->taken == 100, 2 * MINUTE_MS);
		assert_string_equal(host->login, "AUTH PLAIN AGJvYgByaWdodA==\r\n");
		run_ms(MINUTE_MS);
		assert_true(queue_is_empty());
		for (uint32_t n = 0; n < 50; n++)
			assert_int_equal(world.messages[n].got[0] + world.messages[n].got[1], 2);
		world_end();
	}
}

/* A smart host that wants a login which nobody gave us, or one that it forgot: none of the
 * mail is to blame. */
static void wants_a_login(void **state)
{
	static const struct { enum step step; const char *reply; } cases[] = {
		{ AT_MAIL, "530 5.7.0 Authentication required" },
		{ AT_RCPT, "530 5.7.0 Authentication required" },
		{ AT_DOT, "535 5.7.8 who are you?" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		begin("relay.host = a.example\nrelay.retry = 20m\n", "");
		host->steps[cases[i].step] = (struct script){ cases[i].reply, .times = 1 };
		host_is(host, OFFERS_AUTH);
		deliver("x.example");
		assert_waits(cases[i].reply);
		wait_for(host->taken == 1, HOUR_MS);
		world_end();
	}
}

/* ---- reloads and new lives ---- */

static void the_password_changes(void **state)
{
	begin("relay.host = a.example\nrelay.tls = none\n" LOGIN, "old");
	host_is(host, OFFERS_AUTH);
	deliver("x.example");
	wait_for(host->taken == 1, MINUTE_MS);
	assert_string_equal(host->login, "AUTH PLAIN AGJvYgBvbGQ=\r\n");
	/* The connection that rests goes with the old one. */
	world.inputs.settings.relay_password = slice_lit("secret");
	keeper_reload(world.keeper, &world.inputs.settings);
	run_ms(100);
	deliver("x.example");
	wait_for(host->taken == 2, MINUTE_MS);
	assert_string_equal(host->login, PLAIN);
	assert_int_equal(host->logins, 2);
	/* Nothing changed: it stays. */
	keeper_reload(world.keeper, &world.inputs.settings);
	run_ms(100);
	deliver("x.example");
	wait_for(host->taken == 3, MINUTE_MS);
	assert_int_equal(host->connections, 2);
	/* A new relay is told. */
	kill_role("relay");
	deliver("x.example");
	wait_for(host->taken == 4, MINUTE_MS);
	assert_string_equal(host->login, PLAIN);
	world_end();
}

/* Connections that are not up yet, at whatever step, do not take the new login to the old
 * host, nor the old one to the new. */
static void to_another_host(void **state)
{
	static const enum step steps[] = { AT_CONNECT, AT_EHLO, AT_AUTH };

	for (size_t i = 0; i < 6; i++) {
		struct next_host *next;
		struct script *slow;

		begin("relay.host = a.example\nrelay.tls = none\n" LOGIN, "old");
		next = world.hosts[1];
		slow = &host->steps[steps[i % 3]];
		slow->delay_ms = 5000;
		host_is(host, OFFERS_AUTH);
		host_is(next, OFFERS_AUTH);
		name_mx("x.example", 10, "b.example");
		for (int k = 0; k < 10; k++)
			deliver("x.example");
		run_ms(1000);
		assert_int_equal(host->logins, steps[i % 3] == AT_AUTH);
		world.inputs.settings.relay_password = slice_lit("secret");
		world_reload(i < 3 ? "relay.host = b.example\nrelay.tls = none\n" LOGIN : "");
		wait_for(next->taken == 10, MINUTE_MS);
		run_ms(MINUTE_MS);
		assert_int_equal(host->taken, 0);
		assert_string_equal(next->login, i < 3 ? PLAIN : "");
		assert_string_not_equal(host->login, PLAIN);
		assert_int_equal(host->logins, steps[i % 3] == AT_AUTH);
		world_end();
	}
}

/* A certificate is judged from now on: by authorities that come behind the configuration. */
static void the_rules_change(void **state)
{
	begin("relay.host = a.example\nrelay.tls = required\nrelay.retry = 1h\n" LOGIN, "secret");
	world.inputs.settings.relay_ca = certify(host, "a.example");
	host_is(host, OFFERS_TLS);
	host->steps[AT_CONNECT].silent = true;
	for (int k = 0; k < 10; k++)
		deliver("x.example");
	run_ms(1000);
	assert_int_equal(host->connections, 1);
	host->steps[AT_CONNECT].silent = false;
	world_reload("relay.host = a.example\nrelay.tls = verify\nrelay.retry = 1h\n" LOGIN);
	wait_for(host->taken == 10, MINUTE_MS);
	run_ms(MINUTE_MS);
	assert_true(queue_is_empty());
	world_end();
}

/* Mail for the domain that is called like the smart host: the route by MX is another. */
static void a_domain_of_the_same_name(void **state)
{
	begin("", "");
	name_mx("a.example", 10, "b.example");
	world.hosts[1]->steps[AT_EHLO].delay_ms = 5000;
	host_is(world.hosts[1], OFFERS_AUTH);
	host_is(host, OFFERS_AUTH);
	deliver("a.example");
	run_ms(1000);
	assert_int_equal(world.hosts[1]->connections, 1);
	world.inputs.settings.relay_password = slice_lit("secret");
	world_reload("relay.host = a.example\nrelay.tls = none\n" LOGIN);
	wait_for(host->taken == 1, MINUTE_MS);
	assert_string_equal(host->login, PLAIN);
	assert_int_equal(world.hosts[1]->logins, 0);
	assert_int_equal(world.hosts[1]->taken, 0);
	world_end();
}

UNIT_TESTS(cmocka_unit_test(logs_in), cmocka_unit_test(tls), cmocka_unit_test(no_authorities),
    cmocka_unit_test(a_large_bundle), cmocka_unit_test(refused),
    cmocka_unit_test(wants_a_login), cmocka_unit_test(the_password_changes),
    cmocka_unit_test(to_another_host), cmocka_unit_test(the_rules_change),
    cmocka_unit_test(a_domain_of_the_same_name))
