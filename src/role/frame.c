/* role/frame.c - what every role does alike. */
#include "role/frame.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/limits.h"
#include "role/role.h"

/* ---- what the web is told ---- */

static void on_counting(struct os_timer *timer)
{
	struct frame *f = timer->owner;
	struct ipc_channel *web = frame_peer(f, ROLE_WEB, 0);
	uint64_t values[COUNTERS] = { 0 };
	struct buffer *out;

	if (web == NULL)
		return;
	f->handler->count(f, values);
	if (ipc_room(web) >= IPC_PACKET_MAX) {  /* else it is slow: the next will do */
		out = ipc_begin(web, IPC_COUNTERS);
		for (unsigned i = 0; i < COUNTERS; i++) {
			if (counter_row((enum counter)i)->kind == f->kind)
				put_u64(out, values[i]);
		}
		ipc_end(web, -1);
	}
	os_timer_start(f->os, timer, COUNTERS_MS);
}

/* Not before it is ready: the web takes what it hears for a sign of that. At once, so that
 * an edge has said it before it hands over its first connection. */
static void begin_counting(struct frame *f)
{
	if (f->ready && !f->over && f->handler->count != NULL)
		on_counting(&f->counting);
}

/* ---- peers ---- */

static size_t find_peer(const struct frame *f, enum role_kind kind, unsigned index)
{
	size_t i = 0;

	while (i < f->n_peers && (ipc_peer_kind(f->peers[i]) != kind ||
	    ipc_peer_index(f->peers[i]) != index))
		i++;
	return i;
}

struct ipc_channel *frame_peer(const struct frame *f, enum role_kind kind, unsigned index)
{
	size_t i = find_peer(f, kind, index);

	return i < f->n_peers ? f->peers[i] : NULL;
}

static void remove_peer(struct frame *f, size_t i)
{
	struct ipc_channel *peer = f->peers[i];

	f->peers[i] = f->peers[--f->n_peers];
	f->handler->peer_left(f, peer);
	ipc_channel_destroy(peer);
}

static bool on_peer_message(struct ipc_channel *peer, struct ipc_message *message)
{
	struct frame *f = ipc_owner(peer);

	return f->over || f->handler->peer_message(f, peer, message);
}

/* An edge and the web go on without each other: mail comes in without the web, and one edge
 * of many, if it was captured, is not to end what others bring. */
static bool does_without(enum role_kind kind, enum role_kind peer)
{
	return (kind == ROLE_EDGE && peer == ROLE_WEB) || (kind == ROLE_WEB && peer == ROLE_EDGE);
}

/* A broken peer must not go on as it is. An edge or the web may not accuse others, so it
 * goes itself: it comes back with new channels to all. */
static void on_peer_closed(struct ipc_channel *peer, bool broken)
{
	struct frame *f = ipc_owner(peer);
	enum role_kind kind = ipc_peer_kind(peer);
	unsigned index = ipc_peer_index(peer);
	int error = ipc_error(peer);

	remove_peer(f, find_peer(f, kind, index));
	/* It lives, and so do we: nobody would make another channel. Our next life has one. */
	if (error != 0 && !f->over)
		frame_fatal(f, "the channel to %s %u is lost: %s", role_kind_name(kind), index,
		    strerror(-error));
	if (!broken)
		return;
	os_log(f->os, OS_ERROR, "%s %u broke the protocol between roles",
	    role_kind_name(kind), index);
	if (does_without(f->kind, kind))
		return;
	if (f->kind == ROLE_EDGE || f->kind == ROLE_WEB) {
		frame_fatal(f, "%s %u broke the protocol between roles", role_kind_name(kind),
		    index);
	} else {
		struct buffer *out = ipc_begin(f->keeper, IPC_BROKEN);

		put_u8(out, (uint8_t)kind);
		put_u16(out, (uint16_t)index);
		ipc_end(f->keeper, -1);
	}
}

void frame_end_peer(struct frame *f, struct ipc_channel *peer)
{
	check(ipc_owner(peer) == f);
	on_peer_closed(peer, true);
}

static const struct ipc_handler peer_handler = { on_peer_message, on_peer_closed };

static void open_peer(struct frame *f, enum role_kind kind, unsigned index, int fd)
{
	check(f->n_peers < PEERS_MAX);
	f->peers[f->n_peers++] = ipc_channel_create(f->os, fd, f->kind, f->index, kind, index,
	    &peer_handler, f);
}

static void join_peer(struct frame *f, struct ipc_channel *peer)
{
	if (f->handler->peer_joined != NULL)
		f->handler->peer_joined(f, peer);
	if (ipc_peer_kind(peer) == ROLE_WEB)
		begin_counting(f);
}

static void keep_pending(struct frame *f, enum role_kind kind, unsigned index, int fd)
{
	size_t i = 0;

	while (i < f->n_pending && (f->pending[i].kind != kind || f->pending[i].index != index))
		i++;
	check(i < PEERS_MAX);
	if (i < f->n_pending)
		os_close(f->os, f->pending[i].fd);
	else
		f->n_pending++;
	f->pending[i] = (struct frame_pending){ kind, index, fd };
}

static bool index_is_legal(unsigned kind, unsigned index)
{
	switch (kind) {
	case ROLE_DIRECTORY:
	case ROLE_ROUTER:
	case ROLE_RELAY:
	case ROLE_RESOLVER:
	case ROLE_WEB:
		return index == 0;
	case ROLE_STORE:
		return index < STORES_MAX;
	case ROLE_EDGE:
		return index < EDGES_MAX;
	default:
		return false;
	}
}

static bool on_peer(struct frame *f, struct ipc_message *message)
{
	unsigned kind = get_u8(&message->body), index = get_u16(&message->body);
	size_t i;
	int fd;

	if (!bytes_end(&message->body) || !index_is_legal(kind, index))
		return false;
	fd = ipc_take_fd(message);
	if (!f->started) {
		keep_pending(f, (enum role_kind)kind, index, fd);
		return true;
	}
	i = find_peer(f, (enum role_kind)kind, index);
	if (i < f->n_peers)
		remove_peer(f, i);
	open_peer(f, (enum role_kind)kind, index, fd);
	join_peer(f, f->peers[f->n_peers - 1]);
	return true;
}

/* ---- configuration ---- */

/* Take a configuration that differs from the last. The keeper judged it before:
 * a fault here is a keeper of another version. */
static bool take_config(struct frame *f, slice text)
{
	struct config *config;
	struct config_error error;

	if (f->config != NULL && slice_equal(text, f->config_text))
		return true;
	if (f->config_arena.size_max - f->config_arena.used < CONFIG_ARENA_MAX + text.len) {
		os_log(f->os, OS_WARN, "too many reloads: the configuration stays as it was "
		    "until the next restart");
		return true;
	}
	config = arena_new(&f->config_arena, struct config, 1);
	if (config_parse(text, &f->config_arena, config, &error, 1) != 0) {
		frame_fatal(f, "the keeper's configuration has a fault in line %u: %s",
		    error.line, error.text);
		return true;
	}
	f->config_text = slice_copy(&f->config_arena, text);
	f->config = config;
	if (f->started && f->handler->reload != NULL)
		f->handler->reload(f);
	return true;
}

static bool on_config(struct frame *f, struct ipc_message *message)
{
	slice text = get_slice(&message->body, CONFIG_TEXT_MAX);

	if (!bytes_end(&message->body) || (f->started && message->n_fds > 0))
		return false;
	if (message->n_fds > 0) {
		os_close(f->os, f->root);
		f->root = ipc_take_fd(message);
	}
	return take_config(f, text);
}

/* ---- start, drain, watch ---- */

static bool confine(struct frame *f, uint64_t uid, uint64_t gid)
{
	struct os_confinement may = role_may(f->kind, f->config);
	const char *step = "";
	int result;

	may.beside = f->beside > 0 ? f->beside : 0;
	result = os_confine(f->os, &may, f->root, (int64_t)uid, (int64_t)gid, &step);
	if (result < 0) {
		frame_fatal(f, "cannot confine itself (%s): %s", step, strerror(-result));
		return false;
	}
	f->root = OS_ROOT;      /* os_confine has it now */
	return true;
}

static bool on_start(struct frame *f, struct ipc_message *message)
{
	uint64_t uid = get_u64(&message->body), gid = get_u64(&message->body);

	if (!bytes_end(&message->body) || f->started || f->config == NULL)
		return false;
	if (!confine(f, uid, gid))
		return true;
	for (size_t i = 0; i < f->n_pending; i++)
		open_peer(f, f->pending[i].kind, f->pending[i].index, f->pending[i].fd);
	heap_free(os_heap(f->os), f->pending);
	f->pending = NULL;
	f->n_pending = 0;
	f->started = true;
	f->handler->start(f);
	for (size_t i = 0; i < f->n_peers && !f->over; i++)
		join_peer(f, f->peers[i]);
	return true;
}

static bool on_drain(struct frame *f, struct ipc_message *message)
{
	uint32_t grace_ms = get_u32(&message->body);

	if (!bytes_end(&message->body))
		return false;
	if (f->draining)
		return true;
	f->draining = true;
	if (!f->started)
		frame_drained(f);
	else
		f->handler->drain(f, grace_ms);
	return true;
}

static bool on_ping(struct frame *f, struct ipc_message *message)
{
	uint64_t cookie = get_u64(&message->body);

	if (!bytes_end(&message->body))
		return false;
	put_u64(ipc_begin(f->keeper, IPC_PONG), cookie);
	ipc_end(f->keeper, -1);
	return true;
}

static bool on_log(struct frame *f, struct ipc_message *message)
{
	if (!bytes_end(&message->body))
		return false;
	os_log_to(f->os, ipc_take_fd(message));
	return true;
}

static bool on_journey(struct frame *f, struct ipc_message *message)
{
	if (!bytes_end(&message->body))
		return false;
	os_event_to(f->os, ipc_take_fd(message));
	return true;
}

/* The data folder stays locked until the last role of a keeper that was killed
 * has ended: otherwise the next one would read a journal that is still written. */
static bool on_hold(struct frame *f, struct ipc_message *message)
{
	if (!bytes_end(&message->body) || f->hold >= 0)
		return false;
	f->hold = ipc_take_fd(message);
	return true;
}

static bool on_beside(struct frame *f, struct ipc_message *message)
{
	if (!bytes_end(&message->body) || f->started || f->beside >= 0)
		return false;
	f->beside = ipc_take_fd(message);
	return true;
}

/* ---- the keeper's messages ---- */

static const struct {
	enum ipc_type type;
	bool (*handle)(struct frame *frame, struct ipc_message *message);
} messages[] = {
	{ IPC_CONFIG, on_config },
	{ IPC_PEER, on_peer },
	{ IPC_START, on_start },
	{ IPC_DRAIN, on_drain },
	{ IPC_PING, on_ping },
	{ IPC_LOG, on_log },
	{ IPC_JOURNEY, on_journey },
	{ IPC_HOLD, on_hold },
	{ IPC_BESIDE, on_beside },
};

static bool on_keeper_message(struct ipc_channel *keeper, struct ipc_message *message)
{
	struct frame *f = ipc_owner(keeper);

	if (f->over)
		return true;
	for (size_t i = 0; i < sizeof messages / sizeof *messages; i++) {
		if (messages[i].type == message->type)
			return messages[i].handle(f, message);
	}
	return f->handler->keeper != NULL && f->handler->keeper(f, message);
}

/* Without a keeper nobody would restart, reload or stop this role. */
static void on_keeper_closed(struct ipc_channel *keeper, bool broken)
{
	struct frame *f = ipc_owner(keeper);

	if (broken)
		os_log(f->os, OS_ERROR, "the keeper broke the protocol between roles");
	os_stop(f->os, broken || ipc_error(keeper) != 0 ? 1 : 0);
}

static const struct ipc_handler keeper_handler = { on_keeper_message, on_keeper_closed };

void frame_init(struct frame *f, struct os *os, enum role_kind kind, unsigned index,
    int channel, const struct frame_handler *handler, void *owner)
{
	*f = (struct frame){ .os = os, .kind = kind, .index = index, .handler = handler,
	    .owner = owner, .root = OS_ROOT, .hold = -1, .beside = -1 };
	f->counting = (struct os_timer){ .fire = on_counting, .owner = f };
	f->config_arena = arena_init(os_heap(os), CONFIG_MEMORY_MAX);
	f->pending = heap_alloc(os_heap(os), PEERS_MAX * sizeof *f->pending);
	f->keeper = ipc_channel_create(os, channel, kind, index, ROLE_KEEPER, 0,
	    &keeper_handler, f);
}

void frame_ready(struct frame *f)
{
	ipc_send(f->keeper, IPC_READY);
	f->ready = true;
	begin_counting(f);
}

void frame_drained(struct frame *f)
{
	ipc_send(f->keeper, IPC_DRAINED);
}

void frame_fatal(struct frame *f, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	os_log(f->os, OS_ERROR, "%s", text);
	put_slice(ipc_begin(f->keeper, IPC_FATAL), slice_from(text));
	ipc_end(f->keeper, -1);
	ipc_flush(f->keeper);
	f->over = true;
	os_stop(f->os, 1);
}
