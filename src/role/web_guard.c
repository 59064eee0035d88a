/* role/web_guard.c - who may ask: by which name, from which page, with which password.
 *
 *   request -> below the web root? -> Host -> Origin -> password -> web_dispatch()
 *                                                          '-> waiting -> running (pool)
 *
 * (1) On loopback each Host is judged, also that of no browser: a page whose name was made to
 *     mean our address sends nothing else that would tell it from a program (http/access.h).
 * (2) Of a password that was right a keyed digest is remembered, so that only the first
 *     request with it costs a hash; a guess costs one each time, and there is one at a time. */
#include <sodium.h>
#include <string.h>

#include "base/check.h"
#include "http/access.h"
#include "http/credentials.h"
#include "role/web_impl.h"

enum { DIGEST = 32, KEY = 32 };

struct web_guard {
	unsigned char key[KEY];
	unsigned char known[WEB_LOGINS_KNOWN][DIGEST];  /* a ring */
	size_t n_known;                 /* of this life */
	struct list waiting;            /* struct login */
	size_t n_waiting, n_running;
	bool all_local;                 /* who listens for HTTP is on loopback */
	slice root;                     /* "/mail/", normal */
	size_t n_root;                  /* its segments: */
	slice segments[HTTP_SEGMENTS_MAX];
};

/* A password that is being judged. */
struct login {
	struct list link;
	struct os_work work;
	struct http_call call;
	slice list;                     /* who may; of the configuration, which stays */
	unsigned char digest[DIGEST];
	struct credentials given;
	bool right;
};

slice web_root(const struct web *web)
{
	return web->guard->root;
}

/* ---- the web root ---- */

static void take_root(struct web *web)
{
	struct web_guard *g = web->guard;
	slice text = web->frame.config->mock_webroot, part;
	struct buffer out = buffer_init(web->heap, CONFIG_VALUE_MAX + 2);

	buffer_add(&out, slice_lit("/"));
	while (text.len > 0 && g->n_root < HTTP_SEGMENTS_MAX) {
		part = slice_cut(&text, '/');
		if (part.len == 0)
			continue;
		g->segments[g->n_root++] = part;
		buffer_add(&out, part);
		buffer_add(&out, slice_lit("/"));
	}
	g->root = buffer_bytes(&out);   /* for life */
}

/* Takes the root off; a path that is not below it is nobody's. */
static bool is_below_root(const struct web_guard *g, struct http_target *target)
{
	if (target->n_segments <= g->n_root)
		return g->n_root == 0;
	for (size_t i = 0; i < g->n_root; i++) {
		if (!slice_equal(target->segments[i], g->segments[i]))
			return false;
	}
	target->n_segments -= g->n_root;
	memmove(target->segments, target->segments + g->n_root,
	    target->n_segments * sizeof *target->segments);
	return true;
}

static bool is_root_itself(const struct web_guard *g, const struct http_target *target)
{
	if (g->n_root == 0 || target->n_segments != g->n_root)
		return false;
	for (size_t i = 0; i < g->n_root; i++) {
		if (!slice_equal(target->segments[i], g->segments[i]))
			return false;
	}
	return true;
}

/* ---- names and pages ---- */

static bool host_may(const struct web *web, const struct http_request *request)
{
	slice list = web->frame.config->mock_hosts, host;

	if (!http_header(request, "Host", &host))
		return true;            /* HTTP/1.0: no browser */
	if (list.len == 0 && !web->guard->all_local)
		return true;
	return http_host_is_local(host) || http_host_is_listed(host, list);
}

bool web_is_foreign(const struct web *web, const struct http_request *request)
{
	slice origin, host = { 0 };

	if (!host_may(web, request))
		return true;
	if (!http_header(request, "Origin", &origin) || origin.len == 0)
		return false;
	http_header(request, "Host", &host);
	return !http_origin_is_own(origin, host) &&
	    !http_origin_is_listed(origin, web->frame.config->mock_origins);
}

/* ---- passwords ---- */

/* Who may ask this; empty: anybody. */
static slice list_for_call(const struct http_call *call)
{
	const struct config *config = call->web->frame.config;
	const struct http_request *request = call->request;
	const struct http_target *t = &request->target;
	bool sends = t->n_segments == 3 && slice_equal(t->segments[0], slice_lit("api")) &&
	    slice_equal(t->segments[1], slice_lit("v1")) &&
	    slice_equal(t->segments[2], slice_lit("send"));

	/* Browsers ask for leave without a password. */
	if (slice_equal(request->method, slice_lit("OPTIONS")) && config->mock_origins.len > 0)
		return (slice){ 0 };
	if (sends && config->mock_send_any)
		return (slice){ 0 };
	return sends && config->mock_send_auth.len > 0 ? config->mock_send_auth :
	    config->mock_auth;
}

static void unauthorized(struct http_call *call)
{
	const struct http_field ask = { "WWW-Authenticate", slice_lit("Basic realm=\"Login\"") };

	web_answer_as(call->web, call->request, &(struct http_answer){ .status = 401,
	    .type = "text/plain", .fields = &ask, .n_fields = 1,
	    .body = slice_lit("Unauthorized.\n") }, NULL);
}

static bool is_known(const struct web_guard *g, const unsigned char digest[DIGEST])
{
	size_t n = g->n_known < WEB_LOGINS_KNOWN ? g->n_known : WEB_LOGINS_KNOWN;
	bool found = false;

	for (size_t i = 0; i < n; i++)
		found = sodium_memcmp(g->known[i], digest, DIGEST) == 0 || found;
	return found;
}

static void run_on_pool(struct os_work *work)
{
	struct login *login = work->owner;

	login->right = credentials_match(login->list, login->given.user, login->given.password);
}

static void start_next(struct web_guard *g);

static void done_on_loop(struct os_work *work)
{
	struct login *login = work->owner;
	struct http_call call = login->call;
	struct web_guard *g = call.web->guard;
	bool right = login->right;

	g->n_running--;
	if (right && !is_known(g, login->digest))
		memcpy(g->known[g->n_known++ % WEB_LOGINS_KNOWN], login->digest, DIGEST);
	sodium_memzero(&login->given, sizeof login->given);
	heap_free(call.web->heap, login);
	start_next(g);
	if (right)
		web_dispatch(&call);
	else
		unauthorized(&call);
}

static void start_next(struct web_guard *g)
{
	struct list *at;
	struct login *login;

	if (g->n_running >= WEB_LOGINS_RUNNING || (at = list_take_first(&g->waiting)) == NULL)
		return;
	login = list_item(at, struct login, link);
	g->n_waiting--;
	g->n_running++;
	os_work_start(login->call.web->os, &login->work);
}

static void judge(struct http_call *call, slice list)
{
	struct web *web = call->web;
	struct web_guard *g = web->guard;
	unsigned char digest[DIGEST];
	crypto_generichash_state state;
	struct login *login;
	slice field;

	if (!http_header(call->request, "Authorization", &field) ||
	    field.len > WEB_AUTHORIZATION_MAX) {
		unauthorized(call);
		return;
	}
	crypto_generichash_init(&state, g->key, KEY, DIGEST);
	crypto_generichash_update(&state, (const unsigned char *)&list.ptr, sizeof list.ptr);
	crypto_generichash_update(&state, field.ptr, field.len);
	crypto_generichash_final(&state, digest, DIGEST);
	if (is_known(g, digest)) {
		web_dispatch(call);
		return;
	}
	if (g->n_waiting >= WEB_LOGINS_WAITING) {
		web_answer_text(web, call->request, 503, "Too many log in, try again later");
		return;
	}
	login = heap_new(web->heap, struct login);
	if (!credentials_read(field, &login->given)) {
		heap_free(web->heap, login);
		unauthorized(call);
		return;
	}
	login->call = *call;
	login->list = list;
	memcpy(login->digest, digest, DIGEST);
	login->work = (struct os_work){ .run = run_on_pool, .done = done_on_loop,
	    .owner = login };
	list_append(&g->waiting, &login->link);
	g->n_waiting++;
	start_next(g);
}

/* ---- all of it ---- */

static bool is_probe(const struct http_target *t)
{
	return t->n_segments == 1 && (slice_equal(t->segments[0], slice_lit("livez")) ||
	    slice_equal(t->segments[0], slice_lit("readyz")));
}

static bool is_guarded(const struct http_target *target)
{
	return slice_equal(target->segments[0], slice_lit("api")) ||
	    slice_equal(target->segments[0], slice_lit("view"));
}

static void redirect_to_root(struct http_call *call)
{
	const struct http_field to = { "Location", call->web->guard->root };

	web_answer_as(call->web, call->request, &(struct http_answer){ .status = 302,
	    .fields = &to, .n_fields = 1 }, NULL);
}

void web_guard(struct http_call *call)
{
	struct web *web = call->web;
	struct http_request *request = call->request;
	struct http_target *target = &request->target;
	slice list;

	if (is_probe(target)) {
		web_dispatch(call);
		return;
	}
	if (!host_may(web, request)) {
		web_answer_text(web, request, 403, "This name is none of ours (Host). If it is: "
		    "name it with --hosts, or in POSTHOUSE_HOSTS, or mock.hosts; \"*\" is any name\n");
		return;
	}
	if (is_root_itself(web->guard, target)) {
		redirect_to_root(call);
		return;
	}
	if (!is_below_root(web->guard, target)) {
		web_answer_text(web, request, 404, "404 page not found");
		return;
	}
	if (is_guarded(target) && web_is_foreign(web, request)) {
		web_answer_text(web, request, 403, "Blocked due to CORS violation");
		return;
	}
	list = is_probe(target) ? (slice){ 0 } : list_for_call(call);
	if (list.len > 0)
		judge(call, list);
	else
		web_dispatch(call);
}

void web_guard_init(struct web *web)
{
	const struct config *config = web->frame.config;
	struct web_guard *g = heap_new(web->heap, struct web_guard);

	web->guard = g;
	os_random(web->os, g->key, KEY);
	list_init(&g->waiting);
	take_root(web);
	g->all_local = config_shows_mail(config);
	for (size_t i = 0; i < config->n_listeners; i++) {
		const struct config_listener *l = &config->listeners[i];
		char text[OS_IP_TEXT + 2] = "[";
		size_t n;

		if (l->service != SERVICE_HTTP || l->address.path[0] != 0)
			continue;
		n = os_ip_print(l->address.ip, text + 1, OS_IP_TEXT);
		text[n + 1] = ']';
		g->all_local = g->all_local && http_host_is_local(slice_of(text, n + 2));
	}
}
