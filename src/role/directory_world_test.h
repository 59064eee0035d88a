/* role/directory_world_test.h - the directory role among a pretended keeper, edge and store, in
 * a simulated world, and what these ask it. For tests. */
#ifndef ROLE_DIRECTORY_WORLD_TEST_H
#define ROLE_DIRECTORY_WORLD_TEST_H

#include <errno.h>
#include <stdio.h>

#include "account/slot.h"
#include "base/limits.h"
#include "directory/directory.h"
#include "directory/password.h"
#include "ipc/channel.h"
#include "os/os_sim.h"
#include "role/role.h"
#include "unit.h"

/* role.c names all roles; this test needs one. */
__attribute__((weak)) void edge_start(struct os *os, int channel, unsigned index) { }
__attribute__((weak)) void router_start(struct os *os, int channel, unsigned index) { }
__attribute__((weak)) void store_start(struct os *os, int channel, unsigned index) { }
__attribute__((weak)) void relay_start(struct os *os, int channel, unsigned index) { }
__attribute__((weak)) void resolver_start(struct os *os, int channel, unsigned index) { }

static const uint8_t ip[4] = { 127, 1, 0, 1 };
static const uint8_t peer[16] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1 };
static const uint8_t other[16] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 2 };

enum { DISK = 16 << 20, FAILURES_MAX = 3, ANSWERS = 128 };

static const char config[] = "hostname = mx.alice.example\ndomains = alice.example\n"
    "password.memory = 8K\nlimit.auth_failures = 3\nedges = 1\nstores = 2\n";

struct answer {
	enum ipc_type type;
	uint64_t request, account, nonce;
	uint8_t verdict;
	uint16_t store;
	char words[256], address[64];
	unsigned char sealed[1024];
	size_t sealed_len;
};

struct session {
	uint64_t nonce, account;
	char address[64];
};

/* What a store was given of a connection, which it closes. */
struct adopted {
	uint64_t nonce;
	uint8_t service, flags;
	char tag[64];
};

/* What a store is told of an account's quota. */
struct told_quota {
	unsigned store;
	uint64_t account, bytes;
};

struct rig {
	struct sim *sim;
	struct os *os;
	struct os_child child;
	struct ipc_channel *keeper, *edge, *stores[2];
	unsigned n_ready, n_drained, n_fatal, n_broken, n_exits;
	struct answer answers[ANSWERS];
	size_t n_answers;
	struct session sessions[64];
	size_t n_sessions;
	struct adopted adopted[4];
	size_t n_adopted;
	uint64_t removed;
	struct told_quota quotas[64];
	size_t n_quotas;
	unsigned n_quotas_over[2];      /* of a store: lists that were ended */
	uint64_t held_request, held;    /* the last HELD */
	uint64_t alice;
	struct seal_key key;
	const char *extra;              /* lines of configuration */
};

static void copy_text(struct bytes *in, char *ret_text, size_t size)
{
	slice text = get_slice(in, size - 1);

	memcpy(ret_text, text.len ? (const char *)text.ptr : "", text.len);
	ret_text[text.len] = '\0';
}

static void read_answer(struct rig *rig, struct ipc_message *message)
{
	struct answer *a = &rig->answers[rig->n_answers++];
	struct bytes *in = &message->body;
	slice sealed;

	assert_true(rig->n_answers < ANSWERS);
	a->type = message->type;
	a->request = get_u64(in);
	a->verdict = get_u8(in);
	copy_text(in, a->words, sizeof(a->words));
	if (a->type == IPC_RECIPIENT_IS) {
		sealed = get_slice(in, sizeof(a->sealed));
		memcpy(a->sealed, sealed.len ? (const void *)sealed.ptr : "", sealed.len);
		a->sealed_len = sealed.len;
	} else if (a->type == IPC_LOGIN_IS) {
		a->account = get_u64(in);
		copy_text(in, a->address, sizeof(a->address));
		a->store = get_u16(in);
		a->nonce = get_u64(in);
	}
	assert_true(bytes_end(in));
}

static void read_adopted(struct rig *rig, struct ipc_message *message)
{
	struct adopted *a = &rig->adopted[rig->n_adopted++];
	struct bytes *in = &message->body;

	assert_true(rig->n_adopted <= sizeof rig->adopted / sizeof *rig->adopted);
	a->nonce = get_u64(in);
	a->service = get_u8(in);
	a->flags = get_u8(in);
	get_raw(in, 16);
	copy_text(in, a->tag, sizeof a->tag);
	assert_int_equal(get_slice(in, SESSION_UNREAD_MAX).len, 0);
	assert_true(bytes_end(in));
	os_close(rig->os, ipc_take_fd(message));
}

static void read_quotas(struct rig *rig, unsigned store, struct bytes *in)
{
	uint32_t n = get_u32(in);

	rig->n_quotas_over[store] += n == 0;
	for (uint32_t i = 0; i < n; i++) {
		struct told_quota *q = &rig->quotas[rig->n_quotas++];

		assert_true(rig->n_quotas <= sizeof rig->quotas / sizeof *rig->quotas);
		q->store = store;
		q->account = get_u64(in);
		q->bytes = get_u64(in);
	}
	assert_true(bytes_end(in));
}

static bool on_message(struct ipc_channel *channel, struct ipc_message *message)
{
	struct rig *rig = ipc_owner(channel);

	switch (message->type) {
	case IPC_READY:
		rig->n_ready++;
		break;
	case IPC_DRAINED:
		rig->n_drained++;
		break;
	case IPC_FATAL:
		rig->n_fatal++;
		break;
	case IPC_BROKEN:
		assert_int_equal(get_u8(&message->body), ROLE_EDGE);
		rig->n_broken++;
		break;
	case IPC_SESSION:
		rig->sessions[rig->n_sessions].nonce = get_u64(&message->body);
		rig->sessions[rig->n_sessions].account = get_u64(&message->body);
		copy_text(&message->body, rig->sessions[rig->n_sessions].address, 64);
		rig->n_sessions++;
		break;
	case IPC_ADOPT:
		read_adopted(rig, message);
		break;
	case IPC_REMOVED:
		rig->removed = get_u64(&message->body);
		break;
	case IPC_QUOTAS:
		read_quotas(rig, channel == rig->stores[1], &message->body);
		break;
	case IPC_HELD:
		rig->held_request = get_u64(&message->body);
		rig->held = get_u64(&message->body);
		break;
	default:
		read_answer(rig, message);
		break;
	}
	return true;
}

static void on_closed(struct ipc_channel *channel, bool broken)
{
	assert_false(broken);
}

static const struct ipc_handler handler = { on_message, on_closed };

static void on_exit_of_role(struct os_child *child, int status, int signo)
{
	((struct rig *)child->owner)->n_exits++;
}

static void settle(struct rig *rig)
{
	sim_run_until(rig->sim, sim_now_us(rig->sim) + 2000 * 1000);
}

static void add(struct directory *directory, const char *address, const char *password,
    uint64_t *ret_id)
{
	static const unsigned char salt[PASSWORD_SALT_LEN];
	struct directory_error error;
	struct password_hash hash;
	bool done = password_hash(slice_from(password), PASSWORD_MEMORY_MIN, salt, &hash) &&
	    directory_account_add(directory, slice_from(address), slice_from(hash.text), ret_id,
	    &error);

	assert_true(done);
}

static void lay_out(struct rig *rig)
{
	static const slice domain = slice_lit("alice.example");
	struct directory_error error;
	struct directory *directory;
	int folder;
	uint64_t id;

	assert_int_equal(os_mkdir(rig->os, OS_ROOT, "directory"), 0);
	folder = os_open(rig->os, OS_ROOT, "directory", OS_READ | OS_FOLDER);
	directory = directory_open(rig->os, folder, "directory.db", &error);
	assert_non_null(directory);
	directory_set_domains(directory, &domain, 1);
	add(directory, "alice@alice.example", "secret", &rig->alice);
	add(directory, "bob@alice.example", "hunter2", &id);
	directory_close(directory);
	os_close(rig->os, folder);
}

/* A channel to the role: our end; the other one goes along with PEER. */
static struct ipc_channel *join(struct rig *rig, enum role_kind kind, unsigned index)
{
	struct buffer *out;
	int fds[2];

	assert_int_equal(os_channel_pair(rig->os, fds), 0);
	out = ipc_begin(rig->keeper, IPC_PEER);
	put_u8(out, (uint8_t)kind);
	put_u16(out, (uint16_t)index);
	ipc_end(rig->keeper, fds[1]);
	return ipc_channel_create(rig->os, fds[0], kind, index, ROLE_DIRECTORY, 0, &handler, rig);
}

static void give_listener(struct rig *rig)
{
	struct os_address address = { .path = "control.sock" };
	struct buffer *out = ipc_begin(rig->keeper, IPC_LISTENER);
	int fd = os_listen(rig->os, &address, 8);

	assert_true(fd >= 0);
	put_u8(out, SERVICE_CONTROL);
	put_slice(out, slice_lit("unix:control.sock"));
	ipc_end(rig->keeper, fd);
}

static void send_config(struct rig *rig, int root)
{
	char text[1024];

	snprintf(text, sizeof(text), "%s%s", config, rig->extra);
	put_slice(ipc_begin(rig->keeper, IPC_CONFIG), slice_from(text));
	ipc_end(rig->keeper, root);
}

static void start_role(struct rig *rig)
{
	int fds[2], root = os_open(rig->os, OS_ROOT, "directory", OS_READ | OS_FOLDER);
	struct buffer *out;

	assert_int_equal(os_channel_pair(rig->os, fds), 0);
	rig->child = (struct os_child){ .exited = on_exit_of_role, .owner = rig };
	assert_int_equal(os_spawn(rig->os, &rig->child, role_program(ROLE_DIRECTORY), 0, fds[1]),
	    0);
	rig->keeper = ipc_channel_create(rig->os, fds[0], ROLE_KEEPER, 0, ROLE_DIRECTORY, 0,
	    &handler, rig);
	send_config(rig, root);
	buffer_add(ipc_begin(rig->keeper, IPC_KEY), slice_of(rig->key.bytes, SEAL_KEY_LEN));
	ipc_end(rig->keeper, -1);
	give_listener(rig);
	rig->edge = join(rig, ROLE_EDGE, 0);
	rig->stores[0] = join(rig, ROLE_STORE, 0);
	rig->stores[1] = join(rig, ROLE_STORE, 1);
	out = ipc_begin(rig->keeper, IPC_START);
	put_u64(out, (uint64_t)-1);
	put_u64(out, (uint64_t)-1);
	ipc_end(rig->keeper, -1);
	settle(rig);
	assert_int_equal(rig->n_ready, 1);
}

static struct rig *rig_create_from(uint64_t seed, const char *extra)
{
	struct rig *rig = calloc(1, sizeof(*rig));

	rig->extra = extra;
	rig->sim = sim_create(seed);
	rig->os = sim_process_create(sim_host_create(rig->sim, "a", ip, DISK), "test");
	memset(rig->key.bytes, 7, SEAL_KEY_LEN);
	lay_out(rig);
	start_role(rig);
	return rig;
}

static struct rig *rig_create_seeded(uint64_t seed)
{
	return rig_create_from(seed, "");
}

static struct rig *rig_create(void)
{
	return rig_create_seeded(1);
}

static void rig_free(struct rig *rig)
{
	assert_int_equal(rig->n_fatal, 0);
	sim_destroy(rig->sim);
	free(rig);
}

/* ---- questions ---- */

static inline struct answer *ask_recipient(struct rig *rig, const char *recipient, bool submission)
{
	struct buffer *out = ipc_begin(rig->edge, IPC_RECIPIENT);

	put_u64(out, 77);
	put_u64(out, 4711);
	put_u8(out, (submission ? RECIPIENT_SUBMISSION : 0) | RECIPIENT_FIRST);
	buffer_add(out, slice_of(peer, 16));
	put_u64(out, submission ? rig->alice : 0);
	put_slice(out, slice_lit("eve@example.org"));
	put_slice(out, slice_from(recipient));
	ipc_end(rig->edge, -1);
	settle(rig);
	assert_true(rig->n_answers > 0);
	return &rig->answers[rig->n_answers - 1];
}

static inline struct answer *ask_owns(struct rig *rig, uint64_t account, const char *address)
{
	struct buffer *out = ipc_begin(rig->edge, IPC_OWNS);

	put_u64(out, 78);
	put_u64(out, account);
	put_slice(out, slice_from(address));
	ipc_end(rig->edge, -1);
	settle(rig);
	assert_true(rig->n_answers > 0);
	return &rig->answers[rig->n_answers - 1];
}

static void send_login(struct rig *rig, enum service service, const uint8_t from[16],
    const char *login, const char *password)
{
	struct buffer *out = ipc_begin(rig->edge, IPC_LOGIN);

	put_u64(out, 79);
	put_u8(out, (uint8_t)service);
	buffer_add(out, slice_of(from, 16));
	put_slice(out, slice_from(login));
	put_slice(out, slice_from(password));
	ipc_end(rig->edge, -1);
}

static struct answer *log_in(struct rig *rig, enum service service, const uint8_t from[16],
    const char *login, const char *password)
{
	size_t before = rig->n_answers;

	send_login(rig, service, from, login, password);
	settle(rig);
	assert_int_equal(rig->n_answers, before + 1);
	assert_int_equal(rig->answers[before].request, 79);
	return &rig->answers[before];
}

/* ---- administrators ---- */

struct client {
	struct rig *rig;
	struct os_watch watch;
	int fd;
	char text[8192];
	size_t len;
	bool ended;
};

static inline void on_readable(struct os_watch *watch, int events)
{
	struct client *c = watch->owner;
	ssize_t n = os_read(c->rig->os, c->fd, c->text + c->len, sizeof(c->text) - 1 - c->len);

	if (n == -EAGAIN)
		return;
	if (n <= 0) {
		c->ended = true;
		os_watch_stop(c->rig->os, watch);
		return;
	}
	c->len += (size_t)n;
	c->text[c->len] = '\0';
}

static inline void client_open(struct rig *rig, struct client *c)
{
	struct os_address address = { .path = "control.sock" };

	memset(c, 0, sizeof(*c));
	c->rig = rig;
	c->fd = os_connect(rig->os, &address);
	assert_true(c->fd >= 0);
	c->watch = (struct os_watch){ .ready = on_readable, .owner = c };
	os_watch_start(rig->os, &c->watch, c->fd, OS_READABLE);
	settle(rig);
}

static inline void client_say(struct client *c, slice text)
{
	assert_int_equal(os_write(c->rig->os, c->fd, &text, 1), text.len);
	settle(c->rig);
}

static inline const char *client_ask(struct client *c, const char *line)
{
	c->len = 0;
	c->text[0] = '\0';
	client_say(c, slice_from(line));
	return c->text;
}

#endif
