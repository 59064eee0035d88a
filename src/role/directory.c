/* role/directory.c - the directory role: who recipients are, who owns an
 * address, logins (directory_login.c, directory_scram.c), the control socket (directory_control.c).
 *
 * It alone opens directory.db; it has no network. An OK for a recipient is
 * sealed: the router delivers to nobody that this role did not name. */
#include <string.h>

#include "base/limits.h"
#include "role/directory_mock.h"
#include "role/directory_shares.h"
#include "role/role.h"

static struct directory_role *role_of(struct frame *frame)
{
	return frame->owner;
}

static bool on_keeper_message(struct frame *frame, struct ipc_message *message)
{
	struct directory_role *role = role_of(frame);
	slice key;
	uint8_t service;

	switch (message->type) {
	case IPC_KEY:
		key = get_raw(&message->body, SEAL_KEY_LEN);
		if (!bytes_end(&message->body))
			return false;
		memcpy(role->key.bytes, key.ptr, SEAL_KEY_LEN);
		role->has_key = true;
		return true;
	case IPC_LISTENER:
		service = get_u8(&message->body);
		get_slice(&message->body, IPC_TEXT_MAX);
		if (!bytes_end(&message->body) || service != SERVICE_CONTROL)
			return false;
		directory_control_listen(role, ipc_take_fd(message));
		return true;
	default:
		return false;
	}
}

bool directory_reopen(struct directory_role *role)
{
	const struct config *config = role->frame.config;
	struct directory_error error;

	directory_close(role->directory);
	role->directory = directory_open(role->os, OS_ROOT, "directory.db", &error);
	if (role->directory == NULL) {
		frame_fatal(&role->frame, "%.*s/directory/directory.db: %s",
		    slice_arg(config->data), error.text);
		return false;
	}
	directory_set_domains(role->directory, config->domains, config->n_domains);
	directory_set_relay(role->directory, config->relay);
	return true;
}

static void on_start(struct frame *frame)
{
	struct directory_role *role = role_of(frame);

	if (!role->has_key) {
		frame_fatal(frame, "the keeper gave no key to seal with");
		return;
	}
	if (!directory_reopen(role) || !directory_mock_start(role))
		return;
	directory_login_start(role);
	directory_control_start(role);
	frame_ready(frame);
}

static void on_reload(struct frame *frame)
{
	struct directory_role *role = role_of(frame);
	const struct config *config = frame->config;

	directory_set_domains(role->directory, config->domains, config->n_domains);
	directory_set_relay(role->directory, config->relay);
	throttle_set_max(role->throttle, config->auth_failures_max);
}

void directory_drain_check(struct directory_role *role)
{
	if (!role->frame.draining || role->drained || role->n_running + role->n_waiting > 0)
		return;
	role->drained = true;
	frame_drained(&role->frame);
}

static void on_drain(struct frame *frame, uint32_t grace_ms)
{
	struct directory_role *role = role_of(frame);

	directory_control_stop(role);
	directory_drain_check(role);
}

/* "<eve@example.org>: relaying denied" */
static slice words_for(struct arena *arena, enum directory_verdict verdict, slice address)
{
	if (verdict == DIRECTORY_OK)
		return (slice){ 0 };
	return arena_printf(arena, "<%.*s>: %s", slice_arg(address),
	    directory_verdict_row(verdict)->words);
}

static void answer_recipient(struct directory_role *role, struct ipc_channel *edge,
    uint64_t request, const struct asking *asking, struct sealed_recipient *what)
{
	struct arena arena = arena_init(os_heap(role->os), DIRECTORY_ANSWER_MAX);
	struct buffer sealed = buffer_init(os_heap(role->os), SEALED_MAX);
	enum directory_verdict verdict = DIRECTORY_TOO_FAST;
	struct buffer *out;
	size_t n = 0;
	slice words;

	if (role->mock != NULL) {
		verdict = directory_mock_recipient(role, asking->account, what->recipient, &arena,
		    &what->targets, &n);
		words = (slice){ 0 };
	} else if (directory_shares_allow(role, asking, &words)) {
		verdict = directory_recipient(role->directory, what->recipient,
		    asking->submission, &arena, &what->targets, &n);
		directory_shares_count(role, asking, verdict);
		/* A report is for who sent a message already: it has no other place to go. */
		if (verdict == DIRECTORY_OK && !asking->report &&
		    directory_quota_is_full(role, what->targets, n))
			verdict = DIRECTORY_OVER_QUOTA;
		words = words_for(&arena, verdict, what->recipient);
	}
	if (verdict == DIRECTORY_OK) {
		what->n_targets = (uint16_t)n;
		seal_recipient(&role->key, what, &sealed);
	}
	out = ipc_begin(edge, IPC_RECIPIENT_IS);
	put_u64(out, request);
	put_u8(out, (uint8_t)verdict);
	put_slice(out, words);
	put_slice(out, buffer_bytes(&sealed));
	ipc_end(edge, -1);
	buffer_free(&sealed);
	arena_reset(&arena);
}

static bool on_recipient(struct directory_role *role, struct ipc_channel *edge,
    struct ipc_message *message)
{
	struct sealed_recipient what = { 0 };
	struct bytes *in = &message->body;
	uint64_t request = get_u64(in);
	struct asking asking;
	uint8_t flags;
	slice ip;

	what.transaction = get_u64(in);
	flags = get_u8(in);
	ip = get_raw(in, sizeof(asking.ip));
	asking = (struct asking){ .submission = (flags & RECIPIENT_SUBMISSION) != 0,
		.first = (flags & RECIPIENT_FIRST) != 0, .account = get_u64(in) };
	what.sender = get_slice(in, SEALED_ADDRESS_MAX);
	what.recipient = get_slice(in, SEALED_ADDRESS_MAX);
	if (!bytes_end(in) || flags > (RECIPIENT_SUBMISSION | RECIPIENT_FIRST | RECIPIENT_REPORT))
		return false;
	/* A report goes to whoever sent, also elsewhere; only the relay makes them. */
	asking.report = (flags & RECIPIENT_REPORT) != 0;
	if (asking.report != (ipc_peer_kind(edge) == ROLE_RELAY))
		return false;
	asking.submission = asking.submission || asking.report;
	memcpy(asking.ip, ip.ptr, sizeof(asking.ip));
	answer_recipient(role, edge, request, &asking, &what);
	return true;
}

static bool on_owns(struct directory_role *role, struct ipc_channel *edge,
    struct ipc_message *message)
{
	struct arena arena = arena_init(os_heap(role->os), DIRECTORY_ANSWER_MAX);
	struct bytes *in = &message->body;
	uint64_t request = get_u64(in), account = get_u64(in);
	slice address = get_slice(in, IPC_TEXT_MAX);
	enum directory_verdict verdict;
	struct buffer *out;

	if (!bytes_end(in))
		return false;
	verdict = directory_owns(role->directory, account, address, &arena);
	/* A From: field may hold anything; the reply names it only when it is short. */
	address = slice_head(address, address.len <= SEALED_ADDRESS_MAX ? address.len : 0);
	out = ipc_begin(edge, IPC_OWNS_IS);
	put_u64(out, request);
	put_u8(out, (uint8_t)verdict);
	put_slice(out, words_for(&arena, verdict, address));
	ipc_end(edge, -1);
	arena_reset(&arena);
	return true;
}

static bool on_peer_message(struct frame *frame, struct ipc_channel *peer,
    struct ipc_message *message)
{
	struct directory_role *role = role_of(frame);

	switch (message->type) {
	case IPC_RECIPIENT:
		return on_recipient(role, peer, message);
	case IPC_FULL:
		return directory_on_full(role, peer, message);
	case IPC_QUEUE_IS:
	case IPC_UNDELETE_IS:
	case IPC_HELD_IS:
		return directory_control_on_answer(role, peer, message);
	case IPC_OWNS:
		return on_owns(role, peer, message);
	case IPC_LOGIN:
		return directory_on_login(role, peer, message);
	case IPC_PROOF:
		return directory_on_proof(role, peer, message);
	case IPC_SALT:
		return directory_on_salt(role, peer, message);
	default:
		return false;
	}
}

static void on_peer_joined(struct frame *frame, struct ipc_channel *peer)
{
	if (ipc_peer_kind(peer) == ROLE_WEB && config_shows_mail(frame->config))
		directory_mock_tell(role_of(frame));
	if (ipc_peer_kind(peer) == ROLE_STORE)
		directory_quota_tell(role_of(frame), peer);
}

static void on_peer_left(struct frame *frame, struct ipc_channel *peer)
{
	if (ipc_peer_kind(peer) == ROLE_STORE)
		directory_quota_store_left(role_of(frame), peer);
	if (ipc_peer_kind(peer) == ROLE_EDGE)
		directory_login_forget_edge(role_of(frame), peer);
	else
		directory_control_peer_left(role_of(frame), peer);
}

/* It counts nothing. That it says so tells the web that it is there. */
static void count(struct frame *frame, uint64_t values[COUNTERS])
{
}

static const struct frame_handler handler = {
	.keeper = on_keeper_message,
	.start = on_start,
	.reload = on_reload,
	.drain = on_drain,
	.count = count,
	.peer_joined = on_peer_joined,
	.peer_left = on_peer_left,
	.peer_message = on_peer_message,
};

void directory_start(struct os *os, int channel, unsigned index)
{
	struct directory_role *role = heap_new(os_heap(os), struct directory_role);

	role->os = os;
	role->listener = -1;
	role->full = table_init(os_heap(os), os_random_u64(os));
	list_init(&role->waiting);
	list_init(&role->running);
	list_init(&role->following);
	list_init(&role->clients);
	frame_init(&role->frame, os, ROLE_DIRECTORY, index, channel, &handler, role);
}
