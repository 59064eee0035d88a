/* role/keeper_give.c - what the keeper tells a role: configuration, keys,
 * listeners, log, and channels to its peers. */
#include "role/keeper_impl.h"

#include <string.h>

#include "base/check.h"

/* Who talks with whom: each pair has a channel of its own. */
static const struct {
	enum role_kind a, b;
} mesh[] = {
	{ ROLE_EDGE, ROLE_DIRECTORY },
	{ ROLE_EDGE, ROLE_ROUTER },
	{ ROLE_EDGE, ROLE_STORE },
	{ ROLE_DIRECTORY, ROLE_STORE },
	{ ROLE_ROUTER, ROLE_STORE },
	{ ROLE_RELAY, ROLE_ROUTER },
	{ ROLE_RELAY, ROLE_DIRECTORY },
	{ ROLE_RELAY, ROLE_RESOLVER },
	{ ROLE_WEB, ROLE_EDGE },
	{ ROLE_WEB, ROLE_DIRECTORY },
	{ ROLE_WEB, ROLE_ROUTER },
	{ ROLE_WEB, ROLE_STORE },
	{ ROLE_WEB, ROLE_RELAY },
};

static bool talk(enum role_kind a, enum role_kind b)
{
	for (size_t i = 0; i < sizeof mesh / sizeof *mesh; i++) {
		if ((mesh[i].a == a && mesh[i].b == b) || (mesh[i].a == b && mesh[i].b == a))
			return true;
	}
	return false;
}

/* A copy of fd to give away; -1 when there are too many open, which is logged
 * and ends the role: it comes back when there may be fewer. */
static int duplicate(struct keeper_role *r, int fd)
{
	int copy = os_duplicate(r->keeper->os, fd);
	char name[32];

	if (copy >= 0)
		return copy;
	keeper_role_name(r, name);
	os_log(r->keeper->os, OS_ERROR, "no descriptor left for %s: %s", name,
	    strerror(-copy));
	keeper_role_kill(r);
	return -1;
}

void keeper_give_config(struct keeper_role *r, bool with_root)
{
	struct keeper *k = r->keeper;
	int root = -1;

	if (with_root) {
		root = duplicate(r, k->roots[r->kind]);
		if (root < 0)
			return;
	}
	put_slice(ipc_begin(r->channel, IPC_CONFIG), k->config_text);
	ipc_end(r->channel, root);
}

static void give_key(struct keeper_role *r)
{
	if (r->kind != ROLE_DIRECTORY && r->kind != ROLE_ROUTER)
		return;
	buffer_add(ipc_begin(r->channel, IPC_KEY),
	    slice_of(r->keeper->seal_key, sizeof r->keeper->seal_key));
	ipc_end(r->channel, -1);
}

void keeper_give_certificate(struct keeper_role *r)
{
	struct buffer *out;

	/* Without one (the simulator has none) an edge offers no STARTTLS. */
	if (r->kind != ROLE_EDGE || r->keeper->chain.len == 0)
		return;
	out = ipc_begin(r->channel, IPC_CERTIFICATE);
	put_slice(out, r->keeper->chain);
	put_slice(out, r->keeper->key);
	ipc_end(r->channel, -1);
}

void keeper_give_smart_host(struct keeper_role *r)
{
	const struct keeper *k = r->keeper;
	slice ca = k->relay_ca;
	struct buffer *out;

	if (r->kind != ROLE_RELAY || k->relay_host.len == 0)
		return;
	while (ca.len > 0) {
		size_t n = ca.len < RELAY_CA_PIECE ? ca.len : RELAY_CA_PIECE;

		put_slice(ipc_begin(r->channel, IPC_TRUSTED), slice_head(ca, n));
		ipc_end(r->channel, -1);
		ca = slice_drop(ca, n);
	}
	out = ipc_begin(r->channel, IPC_SMART_HOST);
	put_slice(out, k->relay_host);
	put_slice(out, k->relay_login);
	put_slice(out, k->relay_password);
	ipc_end(r->channel, -1);
}

static void give_anchors(struct keeper_role *r)
{
	if (r->kind != ROLE_RESOLVER || r->keeper->dns_anchors.len == 0)
		return;
	put_slice(ipc_begin(r->channel, IPC_ANCHORS), r->keeper->dns_anchors);
	ipc_end(r->channel, -1);
}

static void give_hold(struct keeper_role *r)
{
	int fd = r->keeper->hold >= 0 ? duplicate(r, r->keeper->hold) : -1;

	if (fd < 0)
		return;
	ipc_begin(r->channel, IPC_HOLD);
	ipc_end(r->channel, fd);
}

static void give_beside(struct keeper_role *r)
{
	int fd = r->kind == ROLE_WEB && r->keeper->beside > 0 ?
	    duplicate(r, r->keeper->beside) : -1;

	if (fd < 0)
		return;
	ipc_begin(r->channel, IPC_BESIDE);
	ipc_end(r->channel, fd);
}

static bool is_for(const struct keeper_role *r, const struct keeper_listener *l)
{
	return r->kind == (l->service == SERVICE_CONTROL ? ROLE_DIRECTORY : ROLE_EDGE);
}

static void name_listener(struct buffer *out, const struct keeper_listener *l)
{
	char text[OS_ADDRESS_TEXT];
	size_t len = os_address_print(&l->address, text, sizeof text);

	put_u8(out, (uint8_t)l->service);
	put_slice(out, slice_of(text, len));
}

void keeper_give_listener(struct keeper_role *r, const struct keeper_listener *l)
{
	int fd;

	if (!is_for(r, l))
		return;
	fd = duplicate(r, l->fd);
	if (fd < 0)
		return;
	name_listener(ipc_begin(r->channel, IPC_LISTENER), l);
	ipc_end(r->channel, fd);
}

void keeper_take_listener(struct keeper_role *r, const struct keeper_listener *l)
{
	if (r->kind != ROLE_EDGE || !is_for(r, l))
		return;
	name_listener(ipc_begin(r->channel, IPC_UNLISTEN), l);
	ipc_end(r->channel, -1);
}

static void give_file(struct keeper_role *r, enum ipc_type type,
    int (*open)(struct keeper *, enum role_kind, unsigned))
{
	int fd = open != NULL ? open(r->keeper, r->kind, r->index) : -1;

	if (fd < 0)
		return;
	ipc_begin(r->channel, type);
	ipc_end(r->channel, fd);
}

void keeper_give_log(struct keeper_role *r)
{
	const struct keeper_handler *handler = r->keeper->handler;

	give_file(r, IPC_LOG, handler->open_log);
	give_file(r, IPC_JOURNEY, handler->open_journey);
}

static void give_peer(struct keeper_role *r, const struct keeper_role *peer, int fd)
{
	struct buffer *out = ipc_begin(r->channel, IPC_PEER);

	put_u8(out, (uint8_t)peer->kind);
	put_u16(out, (uint16_t)peer->index);
	ipc_end(r->channel, fd);
	/* At once: a mesh of many roles would hold a descriptor each until the
	 * end of the turn. */
	ipc_flush(r->channel);
}

static bool join(struct keeper_role *a, struct keeper_role *b)
{
	struct keeper *k = a->keeper;
	int fds[2], result = os_channel_pair(k->os, fds);

	if (result < 0) {
		os_log(k->os, OS_ERROR, "no channel between %s and %s: %s",
		    role_kind_name(a->kind), role_kind_name(b->kind), strerror(-result));
		keeper_role_kill(a);
		return false;
	}
	give_peer(a, b, fds[0]);
	give_peer(b, a, fds[1]);
	return true;
}

void keeper_give_all(struct keeper_role *r)
{
	struct keeper *k = r->keeper;

	keeper_give_log(r);
	give_hold(r);
	give_beside(r);
	keeper_give_config(r, true);
	give_key(r);
	keeper_give_certificate(r);
	keeper_give_smart_host(r);
	give_anchors(r);
	for (size_t i = 0; i < k->n_listeners; i++)
		keeper_give_listener(r, &k->listeners[i]);
	for (size_t i = 0; i < k->n_roles; i++) {
		struct keeper_role *peer = &k->roles[i];

		if (peer == r || peer->channel == NULL || !talk(r->kind, peer->kind))
			continue;
		if (!join(r, peer))
			return;
	}
}
