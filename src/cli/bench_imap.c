/* cli/bench_imap.c - posthouse bench imap: the options, and its life. */
#include "cli/bench_imap.h"

#include <jansson.h>
#include <string.h>

#include "base/limits.h"
#include "base/text.h"
#include "cli/bench_text.h"
#include "mail/date.h"
#include "os/os_uv.h"

/* ---- the options ---- */

static bool take_host(struct bench_imap *b, const json_t *host)
{
	const json_t *account = json_array_get(json_object_get(host, "accounts"), 0);
	const char *server = json_string_value(json_object_get(host, b->plan.tls ? "imaps" : "imap"));
	const char *login = json_string_value(json_object_get(account, "address"));
	const char *secret = json_string_value(json_object_get(account, "password"));

	if (server == NULL || login == NULL || secret == NULL ||
	    !os_address_parse(slice_from(server), &b->plan.server))
		return false;
	b->plan.login = slice_copy(&b->arena, slice_from(login));
	b->plan.secret = slice_copy(&b->arena, slice_from(secret));
	return true;
}

static int read_demo(struct bench_imap *b, const char *file)
{
	json_error_t error;
	json_t *root = strcmp(file, "-") == 0 ? json_loadf(stdin, JSON_DISABLE_EOF_CHECK, &error) :
	    json_load_file(file, 0, &error);
	bool ok;

	if (root == NULL)
		return cli_fail("bench: %s: %s", file, error.text);
	ok = take_host(b, json_array_get(json_object_get(root, "hosts"), 0));
	json_decref(root);
	return ok ? CLI_OK :
	    cli_fail("bench: %s is not what `posthouse serve --demo --json` prints", file);
}

static bool is_quotable(struct bench_imap *b, slice text)
{
	struct buffer out = buffer_init(os_heap(b->os), 2 * SASL_SECRET_MAX + 2);
	bool ok = text.len > 0 && text.len <= SASL_SECRET_MAX && imap_client_quote(&out, text);

	buffer_free(&out);
	return ok;
}

static int read_server(struct bench_imap *b, const struct cli_args *args)
{
	const char *to = cli_value(args, "--to"), *demo = cli_value(args, "--demo");
	const char *auth = cli_value(args, "--auth");
	slice rest = slice_from(auth);
	int status;

	if (demo != NULL && (status = read_demo(b, demo)) != CLI_OK)
		return status;
	if (to != NULL && !os_address_parse(slice_from(to), &b->plan.server))
		return cli_misuse("bench: --to wants an address such as 127.0.0.1:143");
	if (auth != NULL) {
		b->plan.login = slice_cut(&rest, ':');
		b->plan.secret = rest;
	}
	if (b->plan.server.port == 0)
		return cli_misuse("bench starts no server: start one (`posthouse serve --demo --json > "
		    "FILE`) and give --demo FILE, or --to ADDR:PORT and --auth USER:PASSWORD");
	if (!is_quotable(b, b->plan.login) || !is_quotable(b, b->plan.secret))
		return cli_misuse("bench: --auth wants USER:PASSWORD, in ASCII");
	return CLI_OK;
}

static int read_plan(struct bench_imap *b, const struct cli_args *args)
{
	const char *tls = cli_value(args, "--tls");
	struct bench_imap_plan *p = &b->plan;

	p->json = cli_flag(args, "--json");
	p->tls = tls != NULL && strcmp(tls, "tls") == 0;
	if (tls != NULL && !p->tls && strcmp(tls, "none") != 0)
		return cli_misuse("bench imap: --tls wants none or tls");
	if (!cli_number(args, "--messages", 1, BENCH_MESSAGES_MAX, 20000, &p->messages) ||
	    !cli_number(args, "--size", 1, BENCH_IMAP_SIZE_MAX, 8192, &p->size) ||
	    !cli_number(args, "--sessions", 1, BENCH_SESSIONS_MAX, 50, &p->sessions) ||
	    !cli_number(args, "--logins", 1, BENCH_MESSAGES_MAX, 2000, &p->logins) ||
	    !cli_number(args, "--appends", 1, BENCH_MESSAGES_MAX, 1000, &p->appends) ||
	    !cli_number(args, "--pid", 0, INT32_MAX, 0, &p->pid))
		return CLI_USAGE;
	if (p->sessions > p->logins)
		p->sessions = p->logins;
	return read_server(b, args);
}

/* ---- its life ---- */

static bool make_tls(struct bench_imap *b)
{
	char error[TLS_ERROR_TEXT];

	if (!b->plan.tls)
		return true;
	b->tls = tls_client_context(os_heap(b->os), (slice){ 0 }, error, sizeof error);
	if (b->tls == NULL)
		cli_fail("bench: %s", error);
	return b->tls != NULL;
}

static void start(struct bench_imap *b)
{
	unsigned long max = b->plan.appends > b->plan.logins ? b->plan.appends : b->plan.logins;

	text_from_u64(os_random_u64(b->os), b->run);
	date_print(os_wall_us(b->os), b->date);
	b->text = bench_text_make(&b->arena, b->plan.size);
	b->latencies = (struct bench_imap_latencies){ .max = max,
		.us = heap_alloc(os_heap(b->os), max * sizeof *b->latencies.us) };
	bench_imap_start(b);
}

static bool succeeded(const struct bench_imap *b)
{
	for (size_t i = 0; i < BENCH_IMAP_ROWS; i++) {
		if (!b->rows[i].done)
			return false;
	}
	return b->first_fault[0] == '\0';
}

int bench_imap_run(const struct cli_args *args)
{
	const struct os_uv_options options = { .name = "bench", .log_from = OS_ERROR };
	struct bench_imap b = { .os = os_uv_create(&options) };
	int status;

	b.arena = arena_init(os_heap(b.os), SIZE_MAX);
	status = read_plan(&b, args);
	if (status == CLI_OK && !make_tls(&b))
		status = CLI_FAILED;
	if (status == CLI_OK) {
		start(&b);
		os_uv_run(b.os);
		bench_imap_report(&b);
		status = succeeded(&b) ? CLI_OK : CLI_FAILED;
		tls_context_unref(b.tls);
	}
	os_uv_destroy(b.os);
	return status;
}
