/* role/store.c - the store role: the accounts of one shard.
 *
 * Takes deliveries from the router, logins from the directory, connections from
 * the edges. Owns its slots of the folder `account` alone, so nothing here locks
 * a file. This file: start, peers, generations, failures of the disk, drain. */
#include <string.h>

#include "base/check.h"
#include "role/role.h"
#include "role/store_imap.h"

static struct store *store_of(struct frame *frame)
{
	return frame->owner;
}

/* ---- generations whose keys are kept ---- */

static size_t generation_place(const struct store *s, uint64_t generation)
{
	size_t low = 0, high = s->n_live;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (s->live[middle] < generation)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

void store_note_generation(struct store *s, uint64_t generation)
{
	size_t at = generation_place(s, generation);

	if (at < s->n_live && s->live[at] == generation)
		return;
	if (s->n_live == s->live_capacity) {
		s->live_capacity = s->live_capacity == 0 ? 16 : s->live_capacity * 2;
		s->live = heap_resize(s->heap, s->live, s->live_capacity * sizeof *s->live);
	}
	memmove(s->live + at + 1, s->live + at, (s->n_live - at) * sizeof *s->live);
	s->live[at] = generation;
	s->n_live++;
}

/* All that may still be handed over again; keys of others can go. */
static bool on_live(struct store *s, struct ipc_message *message)
{
	uint32_t n = get_u32(&message->body);

	if (!bytes_ok(&message->body) || n > STORE_GENERATIONS_MAX || s->told_live)
		return false;
	s->n_live = 0;
	for (uint32_t i = 0; i < n; i++)
		store_note_generation(s, get_u64(&message->body));
	s->told_live = true;
	s->live_version++;
	return bytes_end(&message->body);
}

static bool on_retired(struct store *s, struct ipc_message *message)
{
	uint64_t generation = get_u64(&message->body);
	size_t at = generation_place(s, generation);

	if (!bytes_end(&message->body))
		return false;
	if (at < s->n_live && s->live[at] == generation) {
		s->n_live--;
		memmove(s->live + at, s->live + at + 1, (s->n_live - at) * sizeof *s->live);
	}
	s->live_version++;
	return true;
}

/* ---- the disk ---- */

void store_failed(struct store *s, const char *what, int error)
{
	uint64_t delay = STORE_RETRY_MS;

	s->failures++;
	if (s->failures <= 2)
		os_log(s->os, OS_ERROR, "%s: %s%s", what, strerror(-error), s->failures == 2 ?
		    "; deliveries wait until the disk works again" : "");
	if (s->failures < 2)
		return;
	for (unsigned i = 2; i < s->failures && delay < STORE_RETRY_MAX_MS; i++)
		delay *= 2;
	if (delay > STORE_RETRY_MAX_MS)
		delay = STORE_RETRY_MAX_MS;
	s->stopped_until_ms = os_now_ms(s->os) + delay;
	store_retry(s, delay);
}

void store_recovered(struct store *s)
{
	if (s->failures >= 2)
		os_log(s->os, OS_INFO, "the disk works again");
	s->failures = 0;
	s->stopped_until_ms = 0;
}

static void on_retry(struct os_timer *timer)
{
	struct store *s = timer->owner;

	list_for(at, &s->boxes) {
		struct box *box = list_item(at, struct box, link);

		if (box->removing)
			box_step(box);
	}
}

void store_retry(struct store *s, uint64_t delay_ms)
{
	os_timer_start(s->os, &s->retry_timer, delay_ms);
}

bool store_stopped(const struct store *s)
{
	return s->stopped_until_ms != 0 && os_now_ms(s->os) < s->stopped_until_ms;
}

/* ---- life ---- */

static void take_config(struct frame *frame)
{
	struct store *s = store_of(frame);

	s->pop3 = (struct pop3_server_config){
		.hostname = frame->config->hostname,
		.errors_max = frame->config->errors_max,
	};
	s->imap = (struct imap_server_config){
		.hostname = frame->config->hostname,
		.compress = true,
		.errors_max = frame->config->errors_max,
		.append_max = frame->config->message_size_max < STORE_APPEND_ACCOUNT_BYTES ?
		    frame->config->message_size_max : STORE_APPEND_ACCOUNT_BYTES,
	};
}

static void on_reload(struct frame *frame)
{
	take_config(frame);
	store_quotas_reload(store_of(frame));
}

static void on_start(struct frame *frame)
{
	struct store *s = store_of(frame);

	if (frame->index >= frame->config->stores) {
		frame_fatal(frame, "store %u is not one of the %u that the configuration names",
		    frame->index, frame->config->stores);
		return;
	}
	s->root = os_open(s->os, OS_ROOT, ".", OS_READ | OS_FOLDER);
	if (s->root < 0) {
		frame_fatal(frame, "%.*s/account: %s", slice_arg(frame->config->data),
		    strerror(-s->root));
		return;
	}
	take_config(frame);
	store_mock_start(s);
	store_sweep_start(s);
	frame_ready(frame);
}

void store_drain_check(struct store *s)
{
	if (!s->frame.draining || s->drained || s->n_sessions > 0 || s->n_offers > 0 ||
	    s->n_answers > 0 || s->n_jobs > 0 || s->flight.busy || !list_empty(&s->dirty))
		return;
	s->drained = true;
	os_timer_stop(s->os, &s->drain_timer);
	frame_drained(&s->frame);
}

static void on_grace_over(struct os_timer *timer)
{
	struct store *s = timer->owner;

	sessions_end(s);
	store_drain_check(s);
}

static void on_drain(struct frame *frame, uint32_t grace_ms)
{
	struct store *s = store_of(frame);

	os_timer_start(s->os, &s->drain_timer, grace_ms);
	sessions_drain(s);
	checkpoint_schedule(s);
	store_drain_check(s);
}

static void on_peer_joined(struct frame *frame, struct ipc_channel *peer)
{
	struct store *s = store_of(frame);

	if (ipc_peer_kind(peer) == ROLE_DIRECTORY)
		store_quotas_forget(s);
	if (ipc_peer_kind(peer) != ROLE_ROUTER)
		return;
	s->epoch++;
	s->told_live = false;
}

/* Answers that the router did not take are asked for again by its next life. */
static void on_peer_left(struct frame *frame, struct ipc_channel *peer)
{
	struct store *s = store_of(frame);

	if (ipc_peer_kind(peer) == ROLE_WEB)
		store_watch_over(s);
	if (ipc_peer_kind(peer) == ROLE_DIRECTORY)
		store_undeletes_over(s);
	if (ipc_peer_kind(peer) != ROLE_ROUTER)
		return;
	s->epoch++;
	sources_forget(s);
	buffer_free(&s->answers);
	s->n_answers = 0;
}

static const struct {
	enum ipc_type type;
	bool (*handle)(struct store *s, struct ipc_message *message);
} messages[] = {
	{ IPC_LIVE, on_live },
	{ IPC_RETIRED, on_retired },
	{ IPC_DELIVER, store_deliver },
	{ IPC_SOURCE_OVER, store_source_over },
	{ IPC_SESSION, store_login },
	{ IPC_REMOVED, store_removed },
	{ IPC_ADOPT, store_adopt },
	{ IPC_WATCH, store_watch },
	{ IPC_FETCH, store_fetch },
	{ IPC_EXPUNGE, store_expunge },
	{ IPC_MARK, store_mark },
	{ IPC_TAG, store_tag },
	{ IPC_UNDELETE, store_undelete },
	{ IPC_QUOTAS, store_quotas },
	{ IPC_HELD, store_held },
};

static bool on_peer_message(struct frame *frame, struct ipc_channel *peer,
    struct ipc_message *message)
{
	for (size_t i = 0; i < sizeof messages / sizeof *messages; i++) {
		if (messages[i].type == message->type)
			return messages[i].handle(store_of(frame), message);
	}
	return false;
}

static void count(struct frame *frame, uint64_t values[COUNTERS])
{
	const struct store *s = frame->owner;

	values[COUNTER_STORE_DELIVERED] = s->n_delivered;
	values[COUNTER_STORE_SESSIONS] = s->n_sessions;
}

static const struct frame_handler handler = {
	.count = count,
	.start = on_start,
	.reload = on_reload,
	.drain = on_drain,
	.peer_joined = on_peer_joined,
	.peer_left = on_peer_left,
	.peer_message = on_peer_message,
};

void store_start(struct os *os, int channel, unsigned index)
{
	struct heap *heap = os_heap(os);
	struct store *s = heap_new(heap, struct store);

	s->os = os;
	s->heap = heap;
	s->root = -1;
	boxes_init(s);
	store_deliver_init(s);
	sources_init(s);
	checkpoint_init(s);
	sessions_init(s);
	store_mock_init(s);
	store_undelete_init(s);
	store_quotas_init(s);
	store_sweep_init(s);
	store_watch_init(s);
	store_fetch_init(s);
	store_tags_init(s);
	list_init(&s->wishes);
	list_init(&s->works);
	append_init(s);
	s->drain_timer = (struct os_timer){ .fire = on_grace_over, .owner = s };
	s->retry_timer = (struct os_timer){ .fire = on_retry, .owner = s };
	frame_init(&s->frame, os, ROLE_STORE, index, channel, &handler, s);
}
