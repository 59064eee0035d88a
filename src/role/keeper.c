/* role/keeper.c - the whole: which roles there are, when all are ready, what a
 * reload changes, when all have ended. One role's life is in keeper_role.c. */
#include "role/keeper.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "role/keeper_impl.h"

/* ---- the whole, judged at the end of a turn ---- */

static bool all_ready(const struct keeper *k, bool with_edges)
{
	for (size_t i = 0; i < k->n_roles; i++) {
		if (!k->roles[i].ready && (with_edges || k->roles[i].kind != ROLE_EDGE))
			return false;
	}
	return true;
}

static bool all_down(const struct keeper *k)
{
	for (size_t i = 0; i < k->n_roles; i++) {
		if (!keeper_role_is_down(&k->roles[i]))
			return false;
	}
	return true;
}

/* Edges take connections only when somebody stands behind them. */
static void open_doors(struct keeper *k)
{
	k->open = true;
	for (size_t i = 0; i < k->n_roles; i++) {
		if (k->roles[i].kind == ROLE_EDGE)
			keeper_role_go(&k->roles[i]);
	}
}

static void on_turn(struct os_defer *defer)
{
	struct keeper *k = defer->owner;

	if (k->state == KEEPER_STARTING) {
		if (!k->open && all_ready(k, false))
			open_doors(k);
		if (all_ready(k, true)) {
			k->state = KEEPER_SERVING;
			if (k->handler->ready != NULL)
				k->handler->ready(k);
		}
	}
	if (k->state == KEEPER_DRAINING)
		keeper_drain_turn(k);
	if (k->state == KEEPER_STOPPING && all_down(k)) {
		k->state = KEEPER_ENDED;
		os_timer_stop(k->os, &k->watch);
		k->handler->ended(k, k->failure[0] ? k->failure : NULL);
	}
}

void keeper_stop(struct keeper *k)
{
	if (k->state == KEEPER_ENDED)
		return;
	if (k->state == KEEPER_DRAINING)
		os_timer_stop(k->os, &k->stage_end);
	k->state = KEEPER_STOPPING;
	for (size_t i = 0; i < k->n_roles; i++) {
		struct keeper_role *r = &k->roles[i];

		r->asked_to_end = true;
		os_timer_stop(k->os, &r->timer);
		keeper_role_kill(r);
	}
	os_defer(k->os, &k->turn);
}

void keeper_fail(struct keeper *k, const char *format, ...)
{
	va_list args;

	if (k->failure[0] == 0) {
		va_start(args, format);
		vsnprintf(k->failure, sizeof k->failure, format, args);
		va_end(args);
	}
	keeper_stop(k);
}

/* ---- the watch ---- */

static void watch_role(struct keeper *k, struct keeper_role *r)
{
	char name[32];

	if (r->channel == NULL)
		return;
	if (r->unanswered == 0) {
		put_u64(ipc_begin(r->channel, IPC_PING), ++r->ping);
		ipc_end(r->channel, -1);
	}
	if (r->unanswered++ == KEEPER_PINGS) {
		keeper_role_name(r, name);
		os_log(k->os, OS_ERROR, "%s has been silent for %u seconds: it is ended", name,
		    (unsigned)(k->silence_ms / 1000));
		keeper_role_kill(r);
	}
}

static void on_watch(struct os_timer *timer)
{
	struct keeper *k = timer->owner;

	if (k->state != KEEPER_STARTING && k->state != KEEPER_SERVING)
		return;
	for (size_t i = 0; i < k->n_roles; i++)
		watch_role(k, &k->roles[i]);
	os_timer_start(k->os, timer, k->silence_ms / KEEPER_PINGS);
}

/* ---- settings ---- */

static void replace(struct keeper *k, slice *at, slice bytes)
{
	unsigned char *copy = heap_alloc(os_heap(k->os), bytes.len + 1);

	if (bytes.len > 0)
		memcpy(copy, bytes.ptr, bytes.len);
	if (at->len > 0)
		explicit_bzero((void *)(uintptr_t)at->ptr, at->len);
	heap_free(os_heap(k->os), (void *)(uintptr_t)at->ptr);
	*at = slice_of(copy, bytes.len);
}

static void take_texts(struct keeper *k, const struct keeper_settings *settings)
{
	struct buffer text = buffer_init(os_heap(k->os), CONFIG_TEXT_MAX);

	check(settings->config->edges > 0 && settings->config->stores > 0);
	config_print(settings->config, &text);
	replace(k, &k->config_text, buffer_bytes(&text));
	buffer_free(&text);
	k->silence_ms = (uint64_t)settings->config->silence_s * 1000;
	replace(k, &k->chain, settings->chain);
	replace(k, &k->key, settings->key);
	replace(k, &k->relay_host, settings->config->relay_host.name);
	replace(k, &k->relay_login, settings->config->relay_login);
	replace(k, &k->relay_password, settings->relay_password);
	replace(k, &k->relay_ca, settings->relay_ca);
	replace(k, &k->dns_anchors, settings->dns_anchors);
}

static bool same_listener(const struct keeper_listener *l, enum service service,
    const struct os_address *address)
{
	return l->service == service && l->address.port == address->port &&
	    memcmp(l->address.ip, address->ip, sizeof address->ip) == 0 &&
	    strcmp(l->address.path, address->path) == 0;
}

static bool is_among(const struct keeper_listener *list, size_t n, enum service service,
    const struct os_address *address)
{
	for (size_t i = 0; i < n; i++) {
		if (same_listener(&list[i], service, address))
			return true;
	}
	return false;
}

bool keeper_listens(const struct keeper *k, enum service service,
    const struct os_address *address)
{
	return is_among(k->listeners, k->n_listeners, service, address);
}

static void tell_listener(struct keeper *k, const struct keeper_listener *l,
    void (*tell)(struct keeper_role *, const struct keeper_listener *))
{
	for (size_t i = 0; i < k->n_roles; i++) {
		if (k->roles[i].channel != NULL)
			tell(&k->roles[i], l);
	}
}

/* Close what is no longer named, open what is new. */
static void change_listeners(struct keeper *k, const struct keeper_settings *settings)
{
	size_t kept = 0;

	for (size_t i = 0; i < k->n_listeners; i++) {
		struct keeper_listener *l = &k->listeners[i];

		if (is_among(settings->listeners, settings->n_listeners, l->service,
		    &l->address)) {
			k->listeners[kept++] = *l;
			continue;
		}
		tell_listener(k, l, keeper_take_listener);
		os_close(k->os, l->fd);
	}
	k->n_listeners = kept;
	for (size_t i = 0; i < settings->n_listeners; i++) {
		const struct keeper_listener *l = &settings->listeners[i];

		if (keeper_listens(k, l->service, &l->address)) {
			os_close(k->os, l->fd);
			continue;
		}
		check(k->n_listeners < sizeof k->listeners / sizeof *k->listeners);
		k->listeners[k->n_listeners++] = *l;
		tell_listener(k, l, keeper_give_listener);
	}
}

static bool has_role(const struct keeper *k, enum role_kind kind)
{
	for (size_t i = 0; i < k->n_roles; i++) {
		if (k->roles[i].kind == kind)
			return true;
	}
	return false;
}

/* Somebody listens for HTTP. */
static bool wants_web(const struct keeper *k)
{
	for (size_t i = 0; i < k->n_listeners; i++) {
		if (k->listeners[i].service == SERVICE_HTTP)
			return true;
	}
	return false;
}

void keeper_reload(struct keeper *k, const struct keeper_settings *settings)
{
	take_texts(k, settings);
	for (size_t i = 0; i < k->n_roles; i++) {
		if (k->roles[i].channel == NULL)
			continue;
		keeper_give_config(&k->roles[i], false);
		keeper_give_certificate(&k->roles[i]);
		keeper_give_smart_host(&k->roles[i]);
	}
	change_listeners(k, settings);
	/* It stays when nobody wants it any more: until the next start. */
	if (k->state < KEEPER_DRAINING && wants_web(k) && !has_role(k, ROLE_WEB)) {
		keeper_role_init(k, &k->roles[k->n_roles], ROLE_WEB, 0);
		keeper_role_spawn(&k->roles[k->n_roles++]);
	}
}

void keeper_reopen_logs(struct keeper *k)
{
	for (size_t i = 0; i < k->n_roles; i++) {
		if (k->roles[i].channel != NULL)
			keeper_give_log(&k->roles[i]);
	}
}

/* ---- start ---- */

/* Those that reach other hosts are not there in a mock: it sends nothing. A place for the
 * web is there, also if only a reload wants it. */
static void init_roles(struct keeper *k, unsigned stores, unsigned edges, bool mock)
{
	struct keeper_role *at;

	check(stores <= STORES_MAX && edges <= EDGES_MAX);
	at = k->roles = heap_alloc(os_heap(k->os), (5 + stores + edges) * sizeof *k->roles);
	keeper_role_init(k, at++, ROLE_DIRECTORY, 0);
	keeper_role_init(k, at++, ROLE_ROUTER, 0);
	if (!mock) {
		keeper_role_init(k, at++, ROLE_RESOLVER, 0);
		keeper_role_init(k, at++, ROLE_RELAY, 0);
	}
	for (unsigned i = 0; i < stores; i++)
		keeper_role_init(k, at++, ROLE_STORE, i);
	if (wants_web(k))
		keeper_role_init(k, at++, ROLE_WEB, 0);
	for (unsigned i = 0; i < edges; i++)
		keeper_role_init(k, at++, ROLE_EDGE, i);
	k->n_roles = (size_t)(at - k->roles);
}

struct keeper *keeper_start(struct os *os, const struct keeper_inputs *inputs,
    const struct keeper_handler *handler, void *owner)
{
	struct keeper *k = heap_new(os_heap(os), struct keeper);
	const struct keeper_settings *settings = &inputs->settings;

	k->os = os;
	k->handler = handler;
	k->owner = owner;
	k->turn = (struct os_defer){ .run = on_turn, .owner = k };
	k->watch = (struct os_timer){ .fire = on_watch, .owner = k };
	memcpy(k->seal_key, inputs->seal_key, sizeof k->seal_key);
	memcpy(k->roots, inputs->roots, sizeof k->roots);
	k->hold = inputs->hold;
	k->beside = inputs->beside;
	k->uid = inputs->uid;
	k->gid = inputs->gid;
	take_texts(k, settings);
	change_listeners(k, settings);
	init_roles(k, settings->config->stores, settings->config->edges,
	    settings->config->mock);
	for (size_t i = 0; i < k->n_roles; i++)
		keeper_role_spawn(&k->roles[i]);
	if (inputs->watch)
		os_timer_start(os, &k->watch, k->silence_ms / KEEPER_PINGS);
	return k;
}

void *keeper_owner(const struct keeper *k)
{
	return k->owner;
}

struct os *keeper_os(const struct keeper *k)
{
	return k->os;
}
