/* cli/bench_plan.c - the options of bench, judged, and the file of serve --demo. */
#include <jansson.h>
#include <string.h>

#include "base/limits.h"
#include "base/text.h"
#include "cli/bench.h"
#include "cli/cli.h"

/* ---- small parts ---- */

static int misuse(const char *option, const char *value, const char *wants)
{
	char shown[80];

	return cli_misuse("bench: %s wants %s, not \"%s\"", option, wants,
	    text_printable(slice_from(value), shown, sizeof shown));
}

/* "user:password"; the password may hold colons. */
static bool split_login(const char *text, slice *ret_login, slice *ret_secret)
{
	slice rest = slice_from(text), login = slice_cut(&rest, ':');

	if (login.len == 0 || login.len > SASL_LOGIN_MAX || rest.len == 0 ||
	    rest.len > SASL_SECRET_MAX)
		return false;
	*ret_login = login;
	*ret_secret = rest;
	return true;
}

static void add_mailbox(struct bench_plan *p, slice login, slice secret)
{
	if (p->n_mailboxes < CLI_GIVEN_MAX)
		p->mailboxes[p->n_mailboxes++] = (struct bench_mailbox){
			.login = login, .secret = secret };
}

/* --pop3-password: a mailbox for each recipient. */
static int look_into_all(struct bench *b)
{
	struct bench_plan *p = &b->plan;

	if (p->n_mailboxes > 0)
		return cli_misuse("bench: --pop3-password is for all recipients; leave out "
		    "--pop3-login and --demo");
	p->mailboxes = arena_new(&b->arena, struct bench_mailbox, p->n_recipients);
	p->n_mailboxes = p->n_recipients;
	for (size_t i = 0; i < p->n_recipients; i++) {
		p->mailboxes[i] = (struct bench_mailbox){
			.login = p->recipients[i].address, .secret = p->pop3_secret };
		p->recipients[i].mailbox = &p->mailboxes[i];
	}
	return CLI_OK;
}

/* ---- recipients ---- */

static void add_recipient(struct bench *b, slice address)
{
	struct bench_plan *p = &b->plan;
	struct bench_recipient *r = &p->recipients[p->n_recipients++];

	r->address = slice_copy(&b->arena, address);
	for (size_t i = 0; i < p->n_mailboxes; i++) {
		if (slice_equal_ascii(address, p->mailboxes[i].login))
			r->mailbox = &p->mailboxes[i];
	}
}

static void make_room(struct bench *b, size_t n)
{
	b->plan.recipients = arena_new(&b->arena, struct bench_recipient, n);
}

static int read_list(struct bench *b, const char *text)
{
	slice rest = slice_from(text);
	size_t n = 1;

	for (const char *at = text; *at != 0; at++)
		n += *at == ',';
	make_room(b, n);
	while (rest.len > 0) {
		slice address = slice_trim(slice_cut(&rest, ','));

		if (slice_find_byte(address, '@') == address.len)
			return misuse("--recipients", text, "addresses, with commas");
		add_recipient(b, address);
	}
	return b->plan.n_recipients > 0 ? CLI_OK :
	    misuse("--recipients", text, "addresses, with commas");
}

static int read_template(struct bench *b, const struct cli_args *args, const char *text)
{
	slice all = slice_from(text), head, tail;
	size_t at = slice_find(all, slice_lit("%d"));
	unsigned long users;

	if (!cli_number(args, "--users", 1, BENCH_USERS_MAX, 100, &users))
		return CLI_USAGE;
	if (at == all.len || slice_find_byte(all, '@') == all.len ||
	    all.len > SMTP_CLIENT_PATH_MAX)
		return misuse("--rcpt-template", text, "an address with %d in it");
	head = slice_head(all, at);
	tail = slice_drop(all, at + 2);
	make_room(b, users);
	for (unsigned long i = 1; i <= users; i++)
		add_recipient(b, arena_printf(&b->arena, "%.*s%lu%.*s", slice_arg(head), i,
		    slice_arg(tail)));
	return CLI_OK;
}

static int read_recipients(struct bench *b, const struct cli_args *args)
{
	const char *list = cli_value(args, "--recipients");
	const char *template = cli_value(args, "--rcpt-template");
	struct bench_plan *p = &b->plan;

	if (list != NULL && template != NULL)
		return cli_misuse("bench: give --recipients or --rcpt-template, not both");
	if (list != NULL)
		return read_list(b, list);
	if (template != NULL)
		return read_template(b, args, template);
	if (p->n_mailboxes == 0)
		return cli_misuse("bench: whom to? Give --recipients or --rcpt-template");
	make_room(b, p->n_mailboxes);
	for (size_t i = 0; i < p->n_mailboxes; i++)
		add_recipient(b, p->mailboxes[i].login);
	return CLI_OK;
}

/* ---- serve's JSON line ---- */

static bool demo_address(const json_t *host, const char *key, struct os_address *ret)
{
	const char *text = json_string_value(json_object_get(host, key));

	return text != NULL && os_address_parse(slice_from(text), ret);
}

static bool take_demo(struct bench *b, const json_t *host)
{
	struct bench_plan *p = &b->plan;
	const json_t *accounts = json_object_get(host, "accounts");
	const char *service = p->tls == BENCH_TLS_IMPLICIT ? "submissions" : "smtp";
	struct os_address pop3;

	if (!demo_address(host, service, &p->to) || !demo_address(host, "pop3", &pop3))
		return false;
	p->pop3 = pop3;
	for (size_t i = 0; i < json_array_size(accounts); i++) {
		const json_t *account = json_array_get(accounts, i);
		const char *login = json_string_value(json_object_get(account, "address"));
		const char *secret = json_string_value(json_object_get(account, "password"));

		if (login == NULL || secret == NULL)
			return false;
		add_mailbox(p, slice_copy(&b->arena, slice_from(login)),
		    slice_copy(&b->arena, slice_from(secret)));
	}
	if (p->n_mailboxes == 0)
		return false;
	/* Submission takes only what an account sends. */
	if (p->tls == BENCH_TLS_IMPLICIT) {
		p->login = p->mailboxes[0].login;
		p->secret = p->mailboxes[0].secret;
	}
	return true;
}

static int read_demo(struct bench *b, const char *file)
{
	json_error_t error;
	json_t *root = strcmp(file, "-") == 0 ? json_loadf(stdin, JSON_DISABLE_EOF_CHECK, &error) :
	    json_load_file(file, 0, &error);
	bool ok;

	if (root == NULL)
		return cli_fail("bench: %s: %s", file, error.text);
	ok = take_demo(b, json_array_get(json_object_get(root, "hosts"), 0));
	json_decref(root);
	return ok ? CLI_OK :
	    cli_fail("bench: %s is not what `posthouse serve --demo --json` prints", file);
}

/* ---- all of it ---- */

static int read_servers(struct bench *b, const struct cli_args *args)
{
	struct bench_plan *p = &b->plan;
	const char *to = cli_value(args, "--to"), *demo = cli_value(args, "--demo");
	const char *pop3 = cli_value(args, "--pop3"), *login;
	const char *password = cli_value(args, "--pop3-password");
	int status;

	if (to == NULL && demo == NULL)
		return cli_misuse("bench starts no server: start one (`posthouse serve --demo "
		    "--json > FILE`) and give --demo FILE, or --to ADDR:PORT");
	if (demo != NULL && (status = read_demo(b, demo)) != CLI_OK)
		return status;
	if (to != NULL && !os_address_parse(slice_from(to), &p->to))
		return misuse("--to", to, "an address such as 127.0.0.1:25");
	if (pop3 != NULL && !os_address_parse(slice_from(pop3), &p->pop3))
		return misuse("--pop3", pop3, "an address such as 127.0.0.1:110");
	for (size_t i = 0; (login = cli_value_at(args, "--pop3-login", i)) != NULL; i++) {
		slice name, secret;

		if (!split_login(login, &name, &secret))
			return cli_misuse("bench: --pop3-login wants USER:PASSWORD");
		add_mailbox(p, name, secret);
	}
	if (password != NULL)
		p->pop3_secret = slice_from(password);
	if ((p->n_mailboxes > 0 || password != NULL) && p->pop3.port == 0 && p->pop3.path[0] == 0)
		return cli_misuse("bench: --pop3-login and --pop3-password need --pop3 ADDR:PORT");
	if (p->n_mailboxes == 0 && password == NULL && pop3 != NULL)
		return cli_misuse("bench: --pop3 needs --pop3-login USER:PASSWORD or "
		    "--pop3-password SECRET");
	return CLI_OK;
}

static int read_tls(struct bench_plan *p, const char *text)
{
	static const char *const names[] = { "none", "starttls", "tls" };

	for (size_t i = 0; text != NULL && i < sizeof names / sizeof names[0]; i++) {
		if (strcmp(text, names[i]) == 0) {
			p->tls = (enum bench_tls)i;
			return CLI_OK;
		}
	}
	return text == NULL ? CLI_OK : misuse("--tls", text, "none, starttls or tls");
}

static int read_sender(struct bench_plan *p, const struct cli_args *args)
{
	const char *auth = cli_value(args, "--auth"), *from = cli_value(args, "--from");

	if (auth != NULL && !split_login(auth, &p->login, &p->secret))
		return cli_misuse("bench: --auth wants USER:PASSWORD");
	if (from != NULL)
		p->from = slice_from(from);
	else
		p->from = p->login.len > 0 ? p->login : slice_lit("bench@client.example");
	if (p->from.len > SMTP_CLIENT_PATH_MAX)
		return cli_misuse("bench: the address of --from is too long");
	return CLI_OK;
}

static int read_numbers(struct bench_plan *p, const struct cli_args *args)
{
	if (!cli_number(args, "--sessions", 1, BENCH_SESSIONS_MAX, 10, &p->sessions) ||
	    !cli_number(args, "--messages", 1, BENCH_MESSAGES_MAX, 1000, &p->messages) ||
	    !cli_number(args, "--size", 1, BENCH_SIZE_MAX, 10240, &p->size) ||
	    !cli_number(args, "--per-message", 1, BENCH_PER_MESSAGE_MAX, 1, &p->per_message) ||
	    !cli_number(args, "--pop3-before", 0, ACCOUNT_MESSAGES_MAX, 0, &p->before))
		return CLI_USAGE;
	p->before_known = cli_value(args, "--pop3-before") != NULL;
	if (p->sessions > p->messages)
		p->sessions = p->messages;
	return CLI_OK;
}

int bench_plan_read(struct bench *b, const struct cli_args *args)
{
	struct bench_plan *p = &b->plan;
	int status;

	if (strcmp(args->words[0], "smtp") != 0)
		return cli_misuse("bench: there are only `bench smtp` and `bench imap`");
	p->json = cli_flag(args, "--json");
	p->renew = cli_flag(args, "--new");
	p->mailboxes = arena_new(&b->arena, struct bench_mailbox, CLI_GIVEN_MAX);
	if ((status = read_numbers(p, args)) != CLI_OK ||
	    (status = read_tls(p, cli_value(args, "--tls"))) != CLI_OK ||
	    (status = read_servers(b, args)) != CLI_OK ||
	    (status = read_sender(p, args)) != CLI_OK ||
	    (status = read_recipients(b, args)) != CLI_OK)
		return status;
	if (p->per_message > p->n_recipients)
		return cli_misuse("bench: --per-message %lu, but only %zu recipients",
		    p->per_message, p->n_recipients);
	if (p->pop3_secret.len > 0 && (status = look_into_all(b)) != CLI_OK)
		return status;
	for (size_t i = 0; i < p->n_mailboxes; i++)
		p->mailboxes[i].before = p->mailboxes[i].now = p->before;
	return CLI_OK;
}
