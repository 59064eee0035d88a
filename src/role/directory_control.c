/* role/directory_control.c - the control socket: a request a line, an answer a line
 * (directory/command.h).
 *
 * Only root and the user that the server runs as are heard: the socket's mode
 * says so, and the kernel tells who is there. Commands run in the loop, since
 * each is a few look-ups or one synced change; lists come in parts. A connection that
 * opens a mailbox goes to the account's store, as an edge's do after a login. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "account/slot.h"
#include "base/limits.h"
#include "role/directory_impl.h"

enum { ACCEPT_AGAIN_MS = 1000 };        /* after running out of descriptors */

/* Whose session the connection is about to become. */
struct opening {
	uint64_t account;
	uint8_t flags;                  /* ADOPT_* */
	char address[SEALED_ADDRESS_MAX], tag[CONTROL_TAG_MAX + 1];
};

struct client {
	struct list link;
	struct directory_role *role;
	struct stream *stream;
	struct os_timer idle;
	struct os_timer next;           /* more requests are in: go on next turn */
	uint64_t question;              /* to the relay or a store, while it is not answered; or 0 */
	enum role_kind asked;           /* who has it */
	unsigned asked_index;
	struct opening *opening;        /* NULL: it stays ours */
};

static void client_free(struct client *client)
{
	struct directory_role *role = client->role;

	os_timer_stop(role->os, &client->idle);
	os_timer_stop(role->os, &client->next);
	stream_destroy(client->stream);
	list_remove(&client->link);
	role->n_clients--;
	heap_free(os_heap(role->os), client->opening);
	heap_free(os_heap(role->os), client);
}

static void say_last(struct client *client, const char *line)
{
	stream_write(client->stream, slice_from(line));
	stream_end(client->stream);
}

static void apply(struct directory_role *role, const struct command_effect *effect)
{
	struct ipc_channel *store;

	if (effect->kind == COMMAND_NOTHING)
		return;
	if (effect->kind == COMMAND_QUOTA) {
		directory_quota_changed(role, effect->account, effect->quota);
		return;
	}
	remember_forget(role->remember, effect->account);
	if (effect->kind != COMMAND_REMOVED)
		return;
	store = frame_peer(&role->frame, ROLE_STORE,
	    account_store(effect->account, role->frame.config->stores));
	if (store == NULL)
		return;                 /* without sessions, then */
	put_u64(ipc_begin(store, IPC_REMOVED), effect->account);
	ipc_end(store, -1);
}

/* ---- what others answer ---- */

static void answer_error(struct client *client, const char *words)
{
	json_t *json = json_pack("{s:s}", "error", words);
	char *text = json_dumps(json, JSON_COMPACT);

	stream_write(client->stream, slice_from(text));
	stream_write(client->stream, slice_lit("\n"));
	free(text);
	json_decref(json);
}

/* The account with that address; false: the client was told why not. */
static bool find_account(struct client *client, const char *address, uint64_t *ret_account)
{
	struct directory_role *role = client->role;
	struct arena arena = arena_init(os_heap(role->os), DIRECTORY_ANSWER_MAX);
	struct directory_account account;
	struct directory_error error;
	bool found = address != NULL && directory_account_need(role->directory,
	    slice_from(address), &arena, &account, &error);

	if (found)
		*ret_account = account.id;
	else
		answer_error(client, address == NULL ? "it takes an address" : error.text);
	arena_reset(&arena);
	return found;
}

static void answered(struct client *client, slice answer)
{
	client->question = 0;
	stream_write(client->stream, answer);
	stream_write(client->stream, slice_lit("\n"));
	os_timer_start(client->role->os, &client->idle, CONTROL_TIMEOUT_MS);
	stream_resume(client->stream);
}

static void answered_error(struct client *client, const char *words)
{
	answer_error(client, words);
	client->question = 0;
	os_timer_start(client->role->os, &client->idle, CONTROL_TIMEOUT_MS);
	stream_resume(client->stream);
}

/* A message to `peer`, to which its body is added behind the question's number; NULL, and the
 * client has its answer: it is not there. */
static struct buffer *begin_question(struct client *client, enum ipc_type type,
    struct ipc_channel *peer, const char *away)
{
	struct buffer *out;

	if (peer == NULL) {
		answer_error(client, away);
		return NULL;
	}
	stream_pause(client->stream);
	client->question = ++client->role->question_last;
	client->asked = ipc_peer_kind(peer);
	client->asked_index = ipc_peer_index(peer);
	out = ipc_begin(peer, type);
	put_u64(out, client->question);
	return out;
}

static void ask_relay(struct client *client, slice request)
{
	struct ipc_channel *relay = frame_peer(&client->role->frame, ROLE_RELAY, 0);
	struct buffer *out = begin_question(client, IPC_QUEUE, relay,
	    "the relay is not there; try again");

	if (out == NULL)
		return;
	put_slice(out, request);
	ipc_end(relay, -1);
}

/* The store that has the account; HELD takes no request. */
static void ask_store(struct client *client, enum ipc_type type, slice request, const char *address)
{
	struct directory_role *role = client->role;
	struct ipc_channel *store;
	struct buffer *out;
	uint64_t account;

	if (!find_account(client, address, &account))
		return;
	store = frame_peer(&role->frame, ROLE_STORE,
	    account_store(account, role->frame.config->stores));
	out = begin_question(client, type, store,
	    "the mailbox is not there right now; try again");
	if (out == NULL)
		return;
	put_u64(out, account);
	if (type == IPC_UNDELETE)
		put_slice(out, request);
	ipc_end(store, -1);
}

bool directory_control_on_answer(struct directory_role *role, struct ipc_channel *peer,
    struct ipc_message *message)
{
	uint64_t question = get_u64(&message->body);
	slice answer = get_slice(&message->body, CONTROL_ANSWER_MAX);

	if (!bytes_end(&message->body))
		return false;
	list_for (at, &role->clients) {
		struct client *client = list_item(at, struct client, link);

		if (question != 0 && client->question == question &&
		    client->asked == ipc_peer_kind(peer) &&
		    client->asked_index == ipc_peer_index(peer))
			answered(client, answer);
	}
	return true;
}

void directory_control_peer_left(struct directory_role *role, struct ipc_channel *peer)
{
	list_for (at, &role->clients) {
		struct client *client = list_item(at, struct client, link);

		if (client->question != 0 && client->asked == ipc_peer_kind(peer) &&
		    client->asked_index == ipc_peer_index(peer))
			answered_error(client, client->asked == ROLE_RELAY ?
			    "the relay was restarted; try again" :
			    "the store was restarted; try again");
	}
}

/* ---- a mailbox is opened: the store goes on, in IMAP ---- */

/* {"command": "mailbox open", "address": ..., "tag": ..., "alone": true}: who may do this may
 * read the files anyway, so there is no password. On success the store says so, to that tag. */
static void open_mailbox(struct client *client, json_t *request)
{
	const char *address = json_string_value(json_object_get(request, "address"));
	const char *tag = json_string_value(json_object_get(request, "tag"));
	struct opening *opening;
	uint64_t account;

	if (address == NULL || tag == NULL || tag[0] == '\0' || strlen(tag) > CONTROL_TAG_MAX ||
	    strlen(address) >= SEALED_ADDRESS_MAX) {
		answer_error(client, "request: no \"address\" or no \"tag\", or too long ones");
		return;
	}
	if (!find_account(client, address, &account))
		return;
	opening = heap_new(os_heap(client->role->os), struct opening);
	opening->account = account;
	opening->flags = ADOPT_TLS | ADOPT_LOOPBACK;
	if (json_is_true(json_object_get(request, "alone")))
		opening->flags |= ADOPT_ALONE;
	memcpy(opening->address, address, strlen(address));
	memcpy(opening->tag, tag, strlen(tag));
	client->opening = opening;
	stream_pause(client->stream);
	os_timer_start(client->role->os, &client->next, 0);
}

static void send_session(struct directory_role *role, struct ipc_channel *store,
    const struct opening *opening, slice unread, int fd)
{
	static const unsigned char nowhere[16];
	struct buffer *out;
	uint64_t nonce;

	do {
		nonce = os_random_u64(role->os);
	} while (nonce == 0);
	out = ipc_begin(store, IPC_SESSION);
	put_u64(out, nonce);
	put_u64(out, opening->account);
	put_slice(out, slice_from(opening->address));
	ipc_end(store, -1);
	out = ipc_begin(store, IPC_ADOPT);
	put_u64(out, nonce);
	put_u8(out, SERVICE_IMAP);
	put_u8(out, opening->flags);
	buffer_add(out, slice_of(nowhere, sizeof nowhere));
	put_slice(out, slice_from(opening->tag));
	put_slice(out, unread);
	ipc_end(store, fd);
	os_log(role->os, OS_INFO, "%s opened by an administrator", opening->address);
}

/* In a turn of its own, since nothing is given away from inside `data`. */
static void hand_over(struct client *client)
{
	struct directory_role *role = client->role;
	struct ipc_channel *store = frame_peer(&role->frame, ROLE_STORE,
	    account_store(client->opening->account, role->frame.config->stores));
	slice unread;
	int fd;

	if (store == NULL) {
		heap_free(os_heap(role->os), client->opening);
		client->opening = NULL;
		answer_error(client, "the mailbox is not there right now; try again");
		stream_resume(client->stream);
		return;
	}
	fd = stream_release(client->stream, &unread);
	if (fd >= 0 && unread.len <= SESSION_UNREAD_MAX)
		send_session(role, store, client->opening, unread, fd);
	else if (fd >= 0)
		os_close(role->os, fd);
	client_free(client);
}

/* ---- requests ---- */

/* What another role answers; false: it is the directory's own. */
static bool pass_on(struct client *client, slice request)
{
	json_t *json = json_loadb((const char *)request.ptr, request.len, 0, NULL);
	const char *command = json_string_value(json_object_get(json, "command"));
	bool queue = command != NULL && strncmp(command, "queue ", 6) == 0;
	bool undelete = command != NULL && strncmp(command, "undelete ", 9) == 0;
	bool held = command != NULL && strcmp(command, "account held") == 0;
	bool mailbox = command != NULL && strcmp(command, "mailbox open") == 0;

	if (queue)
		ask_relay(client, request);
	else if (undelete || held)
		ask_store(client, undelete ? IPC_UNDELETE : IPC_HELD, request,
		    json_string_value(json_object_get(json, "address")));
	else if (mailbox)
		open_mailbox(client, json);
	json_decref(json);
	return queue || undelete || held || mailbox;
}

static void run_request(struct client *client, slice request)
{
	struct directory_role *role = client->role;
	struct buffer out = buffer_init(os_heap(role->os), CONTROL_ANSWER_MAX + 1);
	struct command_effect effect;

	directory_command(role->directory, request, &out, &effect);
	apply(role, &effect);
	stream_write(client->stream, buffer_bytes(&out));
	buffer_free(&out);
	os_timer_start(role->os, &client->idle, CONTROL_TIMEOUT_MS);
	if (directory_broken(role->directory)) {
		os_log(role->os, OS_ERROR, "directory.db: the disk failed; opening it again");
		directory_reopen(role);
	}
}

static void on_next(struct os_timer *timer)
{
	struct client *client = timer->owner;

	if (client->opening != NULL)
		hand_over(client);
	else if (stream_unsent(client->stream) == 0 && client->question == 0)
		stream_resume(client->stream);
}

/* One request a turn, since a change waits for the disk; and none while the
 * answer before it is not read. */
static size_t on_data(struct stream *stream, slice in)
{
	struct client *client = stream_owner(stream);
	size_t len = slice_find_byte(in, '\n');

	if (len > CONTROL_REQUEST_MAX) {
		say_last(client, "{\"error\":\"the request is too long\"}\n");
		return in.len;
	}
	if (len == in.len)
		return 0;
	if (pass_on(client, slice_head(in, len)))
		return len + 1;
	run_request(client, slice_head(in, len));
	if (len + 1 < in.len || stream_unsent(stream) > 0) {
		stream_pause(stream);
		os_timer_start(client->role->os, &client->next, 0);
	}
	return len + 1;
}

static void on_drained(struct stream *stream)
{
	const struct client *client = stream_owner(stream);

	if (client->question == 0)
		stream_resume(stream);
}

static void on_closed(struct stream *stream, int error)
{
	client_free(stream_owner(stream));
}

static const struct stream_handler client_handler = {
	.data = on_data,
	.drained = on_drained,
	.closed = on_closed,
};

static void on_idle(struct os_timer *timer)
{
	client_free(timer->owner);
}

static bool is_permitted(struct directory_role *role, int fd)
{
	int64_t uid = os_peer_uid(role->os, fd);

	return uid == 0 || (uid > 0 && uid == (int64_t)geteuid());
}

static void serve(struct directory_role *role, int fd)
{
	struct client *client = heap_new(os_heap(role->os), struct client);

	client->role = role;
	client->idle = (struct os_timer){ .fire = on_idle, .owner = client };
	client->next = (struct os_timer){ .fire = on_next, .owner = client };
	list_append(&role->clients, &client->link);
	role->n_clients++;
	client->stream = stream_create(role->os, fd, CONTROL_REQUEST_MAX + 2,
	    2 * CONTROL_ANSWER_MAX, &client_handler, client);
	os_timer_start(role->os, &client->idle, CONTROL_TIMEOUT_MS);
	if (!is_permitted(role, fd))
		say_last(client, "{\"error\":\"only root and the server's user may do this\"}\n");
	else if (role->n_clients > CONTROL_CLIENTS_MAX)
		say_last(client, "{\"error\":\"too many commands at once; try again\"}\n");
}

static void on_accept_again(struct os_timer *timer);

static void on_connection(struct os_watch *watch, int events)
{
	struct directory_role *role = watch->owner;
	struct os_address peer;
	int fd = os_accept(role->os, role->listener, &peer);

	if (fd >= 0 && role->n_clients < 2 * CONTROL_CLIENTS_MAX) {
		serve(role, fd);
	} else if (fd >= 0) {
		os_close(role->os, fd);
	} else if (fd != -EAGAIN && fd != -ECONNABORTED && fd != -EINTR) {
		os_log(role->os, OS_ERROR, "control socket: %s", strerror(-fd));
		os_watch_stop(role->os, watch);
		role->accept_again = (struct os_timer){ .fire = on_accept_again, .owner = role };
		os_timer_start(role->os, &role->accept_again, ACCEPT_AGAIN_MS);
	}
}

static void on_accept_again(struct os_timer *timer)
{
	struct directory_role *role = timer->owner;

	os_watch_start(role->os, &role->accepting, role->listener, OS_READABLE);
}

void directory_control_listen(struct directory_role *role, int fd)
{
	directory_control_stop(role);
	role->listener = fd;
	if (role->directory)
		directory_control_start(role);
}

void directory_control_start(struct directory_role *role)
{
	if (role->listener < 0)
		return;
	role->accepting = (struct os_watch){ .ready = on_connection, .owner = role };
	os_watch_start(role->os, &role->accepting, role->listener, OS_READABLE);
}

void directory_control_stop(struct directory_role *role)
{
	list_for(at, &role->clients)
		client_free(list_item(at, struct client, link));
	if (role->listener < 0)
		return;
	os_timer_stop(role->os, &role->accept_again);
	if (role->directory)
		os_watch_stop(role->os, &role->accepting);
	os_close(role->os, role->listener);
	role->listener = -1;
}
