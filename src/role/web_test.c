/* role/web_test.c - the web role on the real loop. */
#include "role/web_world_test.h"

static void begin(void)
{
	begin_as("hostname = mx.here.example\nedges = 2\nstores = 2\n");
	settle(&w.n_ready, 1);
	w.edge[0] = join(ROLE_EDGE, 0);
	w.edge[1] = join(ROLE_EDGE, 1);
	w.directory = join(ROLE_DIRECTORY, 0);
	w.router = join(ROLE_ROUTER, 0);
	w.relay = join(ROLE_RELAY, 0);
	w.store[0] = join(ROLE_STORE, 0);
	w.store[1] = join(ROLE_STORE, 1);
}

static slice ask(const char *line)
{
	return ask_with(line, "");
}

static void report(struct ipc_channel *from, enum role_kind kind, uint64_t first)
{
	struct buffer *out = ipc_begin(from, IPC_COUNTERS);

	for (size_t i = 0; i < counters_of(kind); i++)
		put_u64(out, first + i);
	ipc_end(from, -1);
	turn();
	turn();
}

static void all_report(void)
{
	report(w.edge[0], ROLE_EDGE, 0);
	report(w.edge[1], ROLE_EDGE, 0);
	report(w.directory, ROLE_DIRECTORY, 0);
	report(w.router, ROLE_ROUTER, 0);
	report(w.relay, ROLE_RELAY, 0);
	report(w.store[0], ROLE_STORE, 0);
	report(w.store[1], ROLE_STORE, 0);
}

/* ---- tests ---- */

static void test_routes(void **state)
{
	static const struct {
		const char *line, *status, *part, *body;
	} cases[] = {
		{ "GET /livez", "200", "\r\nContent-Length: 0\r\n", "" },
		{ "HEAD /livez", "200", "\r\nContent-Length: 0\r\n", "" },
		{ "GET /livez?x=1", "200", "", "" },
		{ "GET /readyz", "200", "", "" },
		{ "HEAD /metrics", "200", "version=0.0.4", "" },
		{ "POST /livez", "405", "\r\nAllow: GET, HEAD\r\n", "Method Not Allowed" },
		{ "OPTIONS /metrics", "405", "\r\nAllow: GET, HEAD\r\n", "Method Not Allowed" },
		{ "GET /", "404", "\r\nContent-Type: text/plain\r\n", "404 page not found" },
		{ "GET /livez/", "404", "", "404 page not found" },
		{ "GET /%6Civez", "200", "", "" },
		{ "GET /livez%2F", "404", "", "404 page not found" },
		{ "GET /api/v1/info", "404", "", "File not found" },
		{ "GET /%zz", "400", "", "Bad Request" },
		{ "OPTIONS *", "400", "", "Bad Request" },
	};

	begin();
	all_report();
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		slice answer = ask(cases[i].line);
		size_t at = slice_find(answer, slice_lit("\r\n\r\n"));

		if (!slice_starts(answer, slice_lit("HTTP/1.1 ")) ||
		    !slice_starts(slice_drop(answer, 9), slice_from(cases[i].status)) ||
		    !has(answer, cases[i].part) || at == answer.len ||
		    !slice_equal(slice_drop(answer, at + 4), slice_from(cases[i].body)))
			fail_msg("%s: %.*s", cases[i].line, slice_arg(answer));
		assert_true(has(answer, "\r\nContent-Security-Policy: default-src 'self'; "));
		assert_true(has(answer, "\r\nReferrer-Policy: no-referrer\r\n"));
		assert_true(has(answer, "\r\nX-Content-Type-Options: nosniff\r\n"));
	}
	end();
}

/* 503 while one of them is away, or has not said yet that it is ready. */
static void test_ready(void **state)
{
	struct ipc_channel **peers[] = { &w.edge[1], &w.directory, &w.router, &w.relay,
		&w.store[1] };
	static const enum role_kind kinds[] = { ROLE_EDGE, ROLE_DIRECTORY, ROLE_ROUTER, ROLE_RELAY,
		ROLE_STORE };

	begin();
	assert_true(has(ask("GET /readyz"), "HTTP/1.1 503 "));
	all_report();
	assert_true(has(ask("GET /readyz"), "HTTP/1.1 200 "));
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		unsigned index = kinds[i] == ROLE_EDGE || kinds[i] == ROLE_STORE;

		ipc_channel_destroy(*peers[i]);
		turn();
		assert_true(has(ask("GET /readyz"), "HTTP/1.1 503 "));
		assert_true(has(ask("GET /livez"), "HTTP/1.1 200 "));
		assert_true(has(ask("GET /metrics"), "\nposthouse_ready 0\n"));
		*peers[i] = join(kinds[i], index);
		assert_true(has(ask("GET /readyz"), "HTTP/1.1 503 "));
		report(*peers[i], kinds[i], 0);
		assert_true(has(ask("GET /readyz"), "HTTP/1.1 200 "));
	}
	end();
}

static void test_metrics(void **state)
{
	slice text;

	begin();
	report(w.edge[0], ROLE_EDGE, 100);
	report(w.edge[1], ROLE_EDGE, 200);
	report(w.store[1], ROLE_STORE, 300);
	report(w.edge[0], ROLE_EDGE, 1000);
	report(w.store[1], ROLE_STORE, UINT64_MAX - 1);
	text = ask("GET /metrics");
	assert_true(has(text, "\n# TYPE posthouse_sessions gauge\nposthouse_sessions{role=\"edge.0\"} 1000\n"
	    "posthouse_sessions{role=\"edge.1\"} 200\n# HELP posthouse_connections_total "));
	assert_true(has(text, "\n# TYPE posthouse_connections_total counter\n"
	    "posthouse_connections_total{role=\"edge.0\"} 1001\n"));
	assert_true(has(text, "\nposthouse_mailbox_sessions{role=\"store.1\"} "
	    "18446744073709551615\n"));
	assert_false(has(text, "store.0"));
	assert_true(has(text, "\nposthouse_build_info{version=\"" POSTHOUSE_VERSION "\"} 1\n"));
	assert_true(has(text, "\nposthouse_http_connections 1\n"));
	assert_true(has(text, "\nposthouse_http_requests_total 0\n"));
	ask("GET /nowhere");
	text = ask("GET /metrics");
	assert_true(has(text, "\nposthouse_http_requests_total 2\n"));
	assert_true(has(text, "\nposthouse_http_requests_failed_total 1\n"));
	ipc_channel_destroy(w.edge[1]);
	turn();
	assert_false(has(ask("GET /metrics"), "edge.1"));
	end();
}

/* As many roles as there can be, with the longest numbers: it fits. */
static void test_metrics_fit(void **state)
{
	slice text;

	begin();
	for (unsigned i = 0; i < EDGES_MAX; i++)
		report(i < 2 ? w.edge[i] : join(ROLE_EDGE, i), ROLE_EDGE, UINT64_MAX - 10);
	for (unsigned i = 0; i < STORES_MAX; i++)
		report(i < 2 ? w.store[i] : join(ROLE_STORE, i), ROLE_STORE, UINT64_MAX - 10);
	text = ask("GET /metrics");
	assert_true(slice_starts(text, slice_lit("HTTP/1.1 200 ")));
	assert_true(has(text, "edge.63") && has(text, "store.63"));
	assert_true(text.len < WEB_METRICS_MAX / 2);
	end();
}

/* Each edge hears of its own connections: taken, then closed. */
static void test_visits(void **state)
{
	int fd, other;

	begin();
	fd = visit(0, 4711);
	settle(&w.n_taken, 1);
	assert_int_equal(w.last, 4711);
	other = visit(1, 4711);
	settle(&w.n_taken, 2);
	say(fd, "GET /livez HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
	hear_all(fd);
	os_close(w.os, fd);
	settle(&w.n_closed, 1);
	/* The edge goes; its connection does not. */
	ipc_channel_destroy(w.edge[1]);
	turn();
	say(other, "GET /livez HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
	assert_true(slice_starts(hear_all(other), slice_lit("HTTP/1.1 200 ")));
	w.edge[1] = join(ROLE_EDGE, 1);
	assert_int_equal(w.n_closed, 1);
	end();
}

/* What no row allows, or is not whole: the web may not accuse, so it begins anew. */
static void test_broken(void **state)
{
	for (unsigned i = 0; i < 2; i++) {
		begin();
		if (i == 0) {
			put_u64(ipc_begin(w.router, IPC_COUNTERS), 1);
			ipc_end(w.router, -1);
		} else {
			report(w.store[0], ROLE_EDGE, 1);
		}
		settle(&w.n_exited, 1);
		assert_int_equal(w.n_fatal, 1);
		end();
	}
}

/* An edge that breaks the protocol is heard no more; what others bring is served. */
static void test_broken_edge(void **state)
{
	int other;

	begin();
	all_report();
	other = visit(1, 4711);
	settle(&w.n_taken, 1);
	put_u64(ipc_begin(w.edge[0], IPC_HTTP), 1);
	ipc_end(w.edge[0], os_duplicate(w.os, other));
	settle(&w.n_left, 1);
	say(other, "GET /readyz HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
	assert_true(slice_starts(hear_all(other), slice_lit("HTTP/1.1 503 ")));
	os_close(w.os, other);
	/* The next edge is another one. */
	ipc_channel_destroy(w.edge[0]);
	w.edge[0] = join(ROLE_EDGE, 0);
	report(w.edge[0], ROLE_EDGE, 0);
	assert_true(has(ask("GET /readyz"), "HTTP/1.1 200 "));
	assert_int_equal(w.n_fatal + w.n_exited, 0);
	end();
}

static void test_drain(void **state)
{
	int idle, half;

	for (int grace = 0; grace < 2; grace++) {
		begin();
		idle = visit(0, 1);
		half = visit(0, 2);
		settle(&w.n_taken, 2);
		if (grace)
			say(half, "GET /livez HTTP/1.1\r\n");
		for (unsigned i = 0; i < 10; i++)
			turn();
		put_u32(ipc_begin(w.keeper, IPC_DRAIN), 50);
		ipc_end(w.keeper, -1);
		settle(&w.n_drained, 1);
		for (unsigned i = 0; i < 100; i++)
			turn();
		assert_int_equal(w.n_drained, 1);
		os_close(w.os, idle);
		os_close(w.os, half);
		end();
	}
}

UNIT_TESTS(cmocka_unit_test(test_routes), cmocka_unit_test(test_ready),
    cmocka_unit_test(test_metrics), cmocka_unit_test(test_metrics_fit),
    cmocka_unit_test(test_visits), cmocka_unit_test(test_broken),
    cmocka_unit_test(test_broken_edge), cmocka_unit_test(test_drain))
