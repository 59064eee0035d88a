/* role/directory_role_test.c - the role among a pretended keeper, edge and store, in a
 * simulated world: recipients, logins, sessions, the control socket. */
#include "unit.h"

#include <errno.h>
#include <stdio.h>

#include "account/slot.h"
#include "base/limits.h"
#include "directory/directory.h"
#include "directory/password.h"
#include "ipc/channel.h"
#include "os/os_sim.h"
#include "role/role.h"

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
	uint64_t removed;
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
	case IPC_REMOVED:
		rig->removed = get_u64(&message->body);
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

static struct answer *ask_recipient(struct rig *rig, const char *recipient, bool submission)
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

static struct answer *ask_owns(struct rig *rig, uint64_t account, const char *address)
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

static void seals_recipients(void **state)
{
	struct rig *rig = rig_create();
	struct arena arena = arena_init(os_heap(rig->os), SEALED_MAX);
	struct answer *a = ask_recipient(rig, "Alice+x@alice.example", false);
	struct sealed_recipient what;

	assert_int_equal(a->type, IPC_RECIPIENT_IS);
	assert_int_equal(a->request, 77);
	assert_int_equal(a->verdict, DIRECTORY_OK);
	assert_true(seal_open(&rig->key, slice_of(a->sealed, a->sealed_len), &arena, &what));
	assert_int_equal(what.transaction, 4711);
	assert_slice(what.sender, slice_lit("eve@example.org"));
	assert_slice(what.recipient, slice_lit("Alice+x@alice.example"));
	assert_int_equal(what.n_targets, 1);
	assert_true(what.targets[0].account == rig->alice);
	assert_slice(what.targets[0].delivered_to, slice_lit("Alice+x@alice.example"));

	a = ask_recipient(rig, "alic@alice.example", false);
	assert_int_equal(a->verdict, DIRECTORY_NO_SUCH_USER);
	assert_string_equal(a->words, "<alic@alice.example>: no such user here");
	assert_int_equal(a->sealed_len, 0);
	a = ask_recipient(rig, "bob@example.org", false);
	assert_int_equal(a->verdict, DIRECTORY_RELAYING_DENIED);
	assert_string_equal(a->words, "<bob@example.org>: relaying denied");
	/* Our own users' mail goes to other hosts. */
	a = ask_recipient(rig, "Bob@Example.org", true);
	assert_int_equal(a->verdict, DIRECTORY_OK);
	assert_true(seal_open(&rig->key, slice_of(a->sealed, a->sealed_len), &arena, &what));
	assert_int_equal(what.n_targets, 1);
	assert_int_equal(what.targets[0].account, 0);
	assert_slice(what.targets[0].delivered_to, slice_lit("Bob@example.org"));

	assert_int_equal(ask_owns(rig, rig->alice, "alice+y@alice.example")->verdict, DIRECTORY_OK);
	a = ask_owns(rig, rig->alice, "bob@alice.example");
	assert_int_equal(a->verdict, DIRECTORY_NOT_OWNER);
	assert_string_equal(a->words, "<bob@alice.example>: the account that is logged in does not"
	    " own this address");
	rig_free(rig);
}

static void tells_the_store_of_a_session(void **state)
{
	struct rig *rig = rig_create();
	struct answer *a = log_in(rig, SERVICE_POP3S, peer, "Alice@ALICE.example", "secret");

	assert_int_equal(a->verdict, DIRECTORY_OK);
	assert_true(a->account == rig->alice);
	assert_string_equal(a->address, "alice@alice.example");
	assert_int_equal(a->store, account_store(rig->alice, 2));
	assert_int_equal(rig->n_sessions, 1);
	assert_true(a->nonce != 0 && rig->sessions[0].nonce == a->nonce);
	assert_true(rig->sessions[0].account == rig->alice);
	assert_string_equal(rig->sessions[0].address, "alice@alice.example");
	/* Another one has another nonce; one for sending has none. */
	a = log_in(rig, SERVICE_POP3, peer, "alice@alice.example", "secret");
	assert_int_equal(a->verdict, DIRECTORY_OK);
	assert_int_equal(rig->n_sessions, 2);
	assert_true(rig->sessions[1].nonce != rig->sessions[0].nonce);
	a = log_in(rig, SERVICE_SUBMISSION, peer, "alice@alice.example", "secret");
	assert_int_equal(a->verdict, DIRECTORY_OK);
	assert_true(a->account == rig->alice && a->nonce == 0);
	assert_int_equal(rig->n_sessions, 2);
	rig_free(rig);
}

static void says_temporary_without_a_store(void **state)
{
	struct rig *rig = rig_create();
	unsigned store = account_store(rig->alice, 2);

	ipc_channel_destroy(rig->stores[store]);
	settle(rig);
	assert_int_equal(log_in(rig, SERVICE_POP3, peer, "alice@alice.example", "secret")->verdict,
	    DIRECTORY_TEMPORARY);
	assert_int_equal(log_in(rig, SERVICE_SUBMISSION, peer, "alice@alice.example",
	    "secret")->verdict, DIRECTORY_OK);
	rig_free(rig);
}

static void slows_guessing(void **state)
{
	static const char *const names[] = { "alice@alice.example", "nobody@alice.example", "x" };

	for (size_t i = 0; i < 3; i++) {
		struct rig *rig = rig_create();
		struct answer *a;

		for (unsigned n = 0; n < FAILURES_MAX; n++)
			assert_int_equal(log_in(rig, SERVICE_POP3, peer, names[i], "no")->verdict,
			    DIRECTORY_BAD_CREDENTIALS);
		/* Two seconds pass with each question; the wait grows beyond that. */
		for (unsigned n = 0; n < 2; n++)
			log_in(rig, SERVICE_POP3, peer, names[i], "no");
		a = log_in(rig, SERVICE_POP3, peer, names[i], "no");
		assert_int_equal(a->verdict, DIRECTORY_SLOW_DOWN);
		assert_non_null(strstr(a->words, "too many failed logins"));
		/* The network as well, whatever the name; and the name from elsewhere. */
		assert_int_equal(log_in(rig, SERVICE_POP3, peer, "bob@alice.example",
		    "hunter2")->verdict, DIRECTORY_SLOW_DOWN);
		rig_free(rig);
	}
}

/* Many at once are no way around it: one hash a guess, and no more than the free ones. */
static void counts_guesses_at_once(void **state)
{
	struct rig *rig = rig_create();
	unsigned bad = 0, slow = 0;
	char password[16];

	for (unsigned i = 0; i < 20; i++) {
		snprintf(password, sizeof(password), "guess%u", i);
		send_login(rig, SERVICE_POP3, other, "alice@alice.example", password);
	}
	settle(rig);
	assert_int_equal(rig->n_answers, 20);
	for (size_t i = 0; i < 20; i++) {
		bad += rig->answers[i].verdict == DIRECTORY_BAD_CREDENTIALS;
		slow += rig->answers[i].verdict == DIRECTORY_SLOW_DOWN;
	}
	assert_int_equal(bad, FAILURES_MAX);
	assert_int_equal(slow, 20 - FAILURES_MAX);
	rig_free(rig);
}

/* The same right password many times at once: all get in. */
static void lets_many_sessions_in(void **state)
{
	struct rig *rig = rig_create();

	for (unsigned i = 0; i < 40; i++)
		send_login(rig, SERVICE_POP3, peer, "alice@alice.example", "secret");
	settle(rig);
	assert_int_equal(rig->n_answers, 40);
	assert_int_equal(rig->n_sessions, 40);
	for (size_t i = 0; i < 40; i++)
		assert_int_equal(rig->answers[i].verdict, DIRECTORY_OK);
	rig_free(rig);
}

static void forgets_an_edge(void **state)
{
	struct rig *rig = rig_create();

	send_login(rig, SERVICE_POP3, peer, "alice@alice.example", "secret");
	ipc_flush(rig->edge);
	ipc_channel_destroy(rig->edge);
	settle(rig);
	assert_int_equal(rig->n_sessions, 0);
	rig->edge = join(rig, ROLE_EDGE, 0);
	settle(rig);
	assert_int_equal(ask_recipient(rig, "alice@alice.example", false)->verdict, DIRECTORY_OK);
	rig_free(rig);
}

/* A question with a byte too many or too few ends the channel. */
static void ends_who_breaks_the_protocol(void **state)
{
	for (unsigned kind = 0; kind < 4; kind++) {
		struct rig *rig = rig_create();
		struct buffer *out = ipc_begin(rig->edge, kind < 2 ? IPC_RECIPIENT : IPC_LOGIN);

		put_u64(out, 1);
		if (kind == 1) {
			put_u64(out, 2);
			put_u8(out, 4);         /* no flag of ours */
			buffer_add(out, slice_of(peer, 16));
			put_u64(out, 0);
			put_slice(out, slice_lit(""));
			put_slice(out, slice_lit("alice@alice.example"));
		} else if (kind == 3) {
			put_u8(out, SERVICE_CONTROL);
			buffer_add(out, slice_of(peer, 16));
			put_slice(out, slice_lit("alice@alice.example"));
			put_slice(out, slice_lit("secret"));
		}
		ipc_end(rig->edge, -1);
		settle(rig);
		assert_int_equal(rig->n_answers, 0);
		assert_int_equal(rig->n_broken, 1);
		rig_free(rig);
	}
}

/* ---- fair shares ---- */

enum { FIRST = RECIPIENT_FIRST, MORE = 0, SUBMITS = RECIPIENT_SUBMISSION };

static struct answer *ask_from(struct rig *rig, const char *from, unsigned flags,
    uint64_t account, const char *recipient)
{
	struct buffer *out = ipc_begin(rig->edge, IPC_RECIPIENT);
	uint8_t who[16];

	assert_true(os_ip_parse(slice_from(from), who));
	put_u64(out, 77);
	put_u64(out, 4711);
	put_u8(out, (uint8_t)flags);
	buffer_add(out, slice_of(who, 16));
	put_u64(out, account);
	put_slice(out, slice_lit("eve@example.org"));
	put_slice(out, slice_from(recipient));
	ipc_end(rig->edge, -1);
	rig->n_answers = 0;
	settle(rig);
	assert_int_equal(rig->n_answers, 1);
	return &rig->answers[0];
}

static void shares_out_recipients(void **state)
{
	static const char alice[] = "alice@alice.example", nobody[] = "x@alice.example";
	static const struct {
		const char *from;
		unsigned flags;
		uint64_t account;
		const char *recipient;
		unsigned n;             /* times OK, or refused as wrong; then: */
		const char *want;       /* NULL: go on */
	} steps[] = {
		{ "192.0.2.1", FIRST, 0, alice, 3, "too many messages from your address, try again "
		    "later" },
		{ "192.0.2.1", MORE, 0, alice, 3, "too many recipients from your address, try again "
		    "later" },
		{ "192.0.2.2", FIRST, 0, alice, 3, "too many messages from your address, try again "
		    "later" },
		{ "192.0.2.3", FIRST, 0, alice, 0, "too many messages from your network, try again "
		    "later" },
		{ "192.0.2.3", MORE, 0, alice, 3, "too many recipients from your network, try again "
		    "later" },
		{ "192.0.3.1", FIRST, 0, alice, 1, NULL },
		{ "2001:db8::1", FIRST, 0, alice, 3, "too many messages from your address, try again "
		    "later" },
		{ "2001:db8::2", FIRST, 0, alice, 0, "too many messages from your address, try again "
		    "later" },
		{ "2001:db8:0:1::1", FIRST, 0, alice, 3, NULL },
		{ "2001:db8:0:2::1", FIRST, 0, alice, 0, "too many messages from your network, try "
		    "again later" },
		{ "127.0.0.1", FIRST, 0, alice, 20, NULL },
		{ "127.0.0.1", FIRST, 0, nobody, 20, NULL },
		{ "192.0.2.1", FIRST | SUBMITS, 5, alice, 2, "too many messages from this account, "
		    "try again later" },
		{ "192.0.2.1", MORE | SUBMITS, 5, alice, 3, "too many recipients from this account, "
		    "try again later" },
		{ "198.51.100.1", FIRST | SUBMITS, 5, alice, 0, "too many messages from this account, "
		    "try again later" },
		{ "192.0.2.1", FIRST | SUBMITS, 6, alice, 1, NULL },
		{ "203.0.113.1", FIRST, 0, nobody, 2, "too many wrong recipients from your address, "
		    "try again later" },
		{ "203.0.113.1", FIRST, 0, alice, 0, "too many wrong recipients from your address, "
		    "try again later" },
		{ "203.0.113.2", FIRST, 0, nobody, 2, "too many wrong recipients from your address, "
		    "try again later" },
		{ "203.0.113.3", FIRST, 0, alice, 0, "too many wrong recipients from your network, "
		    "try again later" },
	};
	struct rig *rig = rig_create_from(1, "limit.messages_per_address = 3\n"
	    "limit.recipients_per_address = 6\nlimit.refused_per_address = 2\n"
	    "limit.network_factor = 2\nlimit.messages_per_account = 2\n"
	    "limit.recipients_per_account = 5\n");

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		bool ok = steps[i].recipient == alice;
		struct answer *a;

		for (unsigned n = 0; n < steps[i].n; n++) {
			a = ask_from(rig, steps[i].from, steps[i].flags, steps[i].account,
			    steps[i].recipient);
			if (a->verdict != (ok ? DIRECTORY_OK : DIRECTORY_NO_SUCH_USER))
				fail_msg("step %zu: %u: %s", i, n, a->words);
		}
		if (steps[i].want == NULL)
			continue;
		a = ask_from(rig, steps[i].from, steps[i].flags, steps[i].account,
		    steps[i].recipient);
		if (a->verdict != DIRECTORY_TOO_FAST || strcmp(a->words, steps[i].want) != 0)
			fail_msg("step %zu: %u %s", i, a->verdict, a->words);
		assert_int_equal(a->sealed_len, 0);
	}
	/* Two wrong ones an hour: another one after half of it. */
	sim_run_until(rig->sim, sim_now_us(rig->sim) + (uint64_t)1800 * 1000 * 1000);
	assert_int_equal(ask_from(rig, "203.0.113.1", FIRST, 0, alice)->verdict, DIRECTORY_OK);
	rig_free(rig);
}

static void shares_out_logins(void **state)
{
	struct rig *rig = rig_create_from(1, "limit.logins_per_account = 2\n");
	static const uint8_t here[16] = { [15] = 1 };
	struct answer *a;

	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(log_in(rig, SERVICE_POP3S, i ? peer : other, "alice@alice.example",
		    "secret")->verdict, DIRECTORY_OK);
	a = log_in(rig, SERVICE_POP3, other, "alice@alice.example", "secret");
	assert_int_equal(a->verdict, DIRECTORY_SLOW_DOWN);
	assert_string_equal(a->words, "too many logins of this account, try again later");
	assert_int_equal(rig->n_sessions, 2);
	assert_int_equal(log_in(rig, SERVICE_SUBMISSION, peer, "alice@alice.example",
	    "secret")->verdict, DIRECTORY_OK);
	assert_int_equal(log_in(rig, SERVICE_POP3, peer, "bob@alice.example", "hunter2")->verdict,
	    DIRECTORY_OK);
	assert_int_equal(log_in(rig, SERVICE_POP3, here, "alice@alice.example", "secret")->verdict,
	    DIRECTORY_OK);
	rig_free(rig);
}

/* A network that guesses much waits for itself: who comes from elsewhere is next,
 * and the guessers lose the places of a full queue. */
static void takes_turns(void **state)
{
	enum { GUESSES = HASHES_MAX + HASH_QUEUE_MAX };
	struct rig *rig = rig_create();
	uint8_t guesser[16];
	size_t n_bad = 0, n_later = 0, before = 0;
	char name[16];

	memcpy(guesser, peer, 16);
	guesser[12] = 10;
	for (unsigned i = 0; i < GUESSES; i++) {
		guesser[15] = (uint8_t)i;
		snprintf(name, sizeof(name), "x%u", i);
		send_login(rig, SERVICE_POP3, guesser, name, "no");
	}
	send_login(rig, SERVICE_POP3, other, "bob@alice.example", "hunter2");
	settle(rig);
	assert_int_equal(rig->n_answers, GUESSES + 1);
	for (size_t i = 0; i < rig->n_answers; i++) {
		n_bad += rig->answers[i].verdict == DIRECTORY_BAD_CREDENTIALS;
		n_later += rig->answers[i].verdict == DIRECTORY_TEMPORARY;
		if (rig->answers[i].verdict == DIRECTORY_OK)
			before = n_bad;
	}
	assert_int_equal(n_bad, GUESSES - 1);
	assert_int_equal(n_later, 1);
	assert_int_equal(rig->n_sessions, 1);
	print_message("# %zu guesses were judged before\n", before);
	assert_true(before < GUESSES / 2);      /* his own takes its time */
	/* So many that the network must wait, addresses that never failed, too. */
	guesser[15] = 200;
	assert_int_equal(log_in(rig, SERVICE_POP3, guesser, "y", "no")->verdict,
	    DIRECTORY_SLOW_DOWN);
	assert_int_equal(log_in(rig, SERVICE_POP3, peer, "y", "no")->verdict,
	    DIRECTORY_BAD_CREDENTIALS);
	rig_free(rig);
}

/* ---- the control socket ---- */

struct client {
	struct rig *rig;
	struct os_watch watch;
	int fd;
	char text[8192];
	size_t len;
	bool ended;
};

static void on_readable(struct os_watch *watch, int events)
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

static void client_open(struct rig *rig, struct client *c)
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

static void client_say(struct client *c, slice text)
{
	assert_int_equal(os_write(c->rig->os, c->fd, &text, 1), text.len);
	settle(c->rig);
}

static const char *client_ask(struct client *c, const char *line)
{
	c->len = 0;
	c->text[0] = '\0';
	client_say(c, slice_from(line));
	return c->text;
}

#define OK "{\"ok\":true}\n"

static void hears_administrators(void **state)
{
	struct rig *rig = rig_create();
	struct client c;

	client_open(rig, &c);
	assert_string_equal(client_ask(&c, "{\"command\":\"domain add\",\"domain\":"
	    "\"b.example\"}\n"), OK);
	assert_int_equal(ask_recipient(rig, "x@b.example", false)->verdict,
	    DIRECTORY_NO_SUCH_USER);
	/* Half a line, then the rest and two more. */
	assert_string_equal(client_ask(&c, "{\"command\":\"alias add\",\"address\":"), "");
	assert_string_equal(client_ask(&c, "\"x@b.example\",\"targets\":"
	    "[\"alice@alice.example\"]}\nnonsense\n{\"command\":\"alias remove\","
	    "\"address\":\"x@b.example\"}\n"),
	    OK "{\"error\":\"request: not a JSON object\"}\n" OK);
	assert_int_equal(ask_recipient(rig, "x@b.example", false)->verdict,
	    DIRECTORY_NO_SUCH_USER);
	os_watch_stop(rig->os, &c.watch);
	os_close(rig->os, c.fd);
	settle(rig);
	rig_free(rig);
}

static void forgets_a_changed_password(void **state)
{
	struct rig *rig = rig_create();
	struct client c;

	client_open(rig, &c);
	assert_int_equal(log_in(rig, SERVICE_POP3, peer, "alice@alice.example", "secret")->verdict,
	    DIRECTORY_OK);
	assert_string_equal(client_ask(&c, "{\"command\":\"account disable\",\"address\":"
	    "\"alice@alice.example\"}\n"), OK);
	assert_int_equal(log_in(rig, SERVICE_POP3, peer, "alice@alice.example", "secret")->verdict,
	    DIRECTORY_LOGIN_DISABLED);
	assert_int_equal(log_in(rig, SERVICE_POP3, peer, "alice@alice.example", "Secret")->verdict,
	    DIRECTORY_BAD_CREDENTIALS);
	assert_int_equal(ask_recipient(rig, "alice@alice.example", false)->verdict,
	    DIRECTORY_DISABLED);
	assert_string_equal(client_ask(&c, "{\"command\":\"account enable\",\"address\":"
	    "\"alice@alice.example\"}\n"), OK);
	/* Of the word "other", by openssl passwd -6. */
	assert_string_equal(client_ask(&c, "{\"command\":\"account password\",\"address\":"
	    "\"alice@alice.example\",\"hash\":\"$6$saltsalt$r4j7z8gOqxO9zYH/VSQ4MPgAu/GT"
	    "g0.tIK5o0K3dXowoILt/JRmXmiqFa26mKioMH3Fwhg6qaU0XTibPpoJ8z.\"}\n"), OK);
	assert_int_equal(log_in(rig, SERVICE_POP3, peer, "alice@alice.example", "secret")->verdict,
	    DIRECTORY_BAD_CREDENTIALS);
	assert_int_equal(log_in(rig, SERVICE_POP3, peer, "alice@alice.example", "other")->verdict,
	    DIRECTORY_OK);
	assert_non_null(strstr(client_ask(&c, "{\"command\":\"account remove\",\"address\":"
	    "\"alice@alice.example\"}\n"), "{\"ok\":true,"));
	assert_true(rig->removed == rig->alice);
	assert_int_equal(log_in(rig, SERVICE_POP3, other, "alice@alice.example", "other")->verdict,
	    DIRECTORY_BAD_CREDENTIALS);
	rig_free(rig);
}

static void bounds_administrators(void **state)
{
	struct rig *rig = rig_create();
	static struct client clients[CONTROL_CLIENTS_MAX + 1];
	static char text[CONTROL_REQUEST_MAX + 2];

	for (size_t i = 0; i <= CONTROL_CLIENTS_MAX; i++)
		client_open(rig, &clients[i]);
	assert_string_equal(clients[CONTROL_CLIENTS_MAX].text,
	    "{\"error\":\"too many commands at once; try again\"}\n");
	assert_true(clients[CONTROL_CLIENTS_MAX].ended);
	/* A request without an end. */
	memset(text, 'x', sizeof(text));
	for (size_t sent = 0; sent < sizeof(text) && !clients[0].ended; ) {
		slice part = slice_of(text + sent, sizeof(text) - sent);
		ssize_t n = os_write(rig->os, clients[0].fd, &part, 1);

		sent += n > 0 ? (size_t)n : 0;
		settle(rig);
	}
	assert_string_equal(clients[0].text, "{\"error\":\"the request is too long\"}\n");
	assert_true(clients[0].ended);
	/* Silence. */
	assert_false(clients[1].ended);
	sim_run_until(rig->sim, sim_now_us(rig->sim) + (CONTROL_TIMEOUT_MS + 1000) * 1000ull);
	assert_true(clients[1].ended);
	client_open(rig, &clients[0]);
	assert_non_null(strstr(client_ask(&clients[0], "{\"command\":\"domain list\"}\n"), "true"));
	rig_free(rig);
}

/* An imported hash works, is replaced by one of ours, and the password stays: also
 * for those who came with it at the same time. */
static void renews_imported_hashes(void **state)
{
	struct rig *rig = rig_create();
	struct client c;

	client_open(rig, &c);
	assert_string_equal(client_ask(&c, "{\"command\":\"account password\",\"address\":"
	    "\"alice@alice.example\",\"hash\":\"$6$saltsalt$r4j7z8gOqxO9zYH/VSQ4MPgAu/GT"
	    "g0.tIK5o0K3dXowoILt/JRmXmiqFa26mKioMH3Fwhg6qaU0XTibPpoJ8z.\"}\n"), OK);
	for (unsigned i = 0; i < 5; i++)
		send_login(rig, SERVICE_SUBMISSION, peer, "alice@alice.example", "other");
	settle(rig);
	assert_int_equal(rig->n_answers, 5);
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(rig->answers[i].verdict, DIRECTORY_OK);
	assert_int_equal(log_in(rig, SERVICE_POP3, other, "alice@alice.example", "other")->verdict,
	    DIRECTORY_OK);
	assert_int_equal(log_in(rig, SERVICE_POP3, other, "alice@alice.example", "secret")->verdict,
	    DIRECTORY_BAD_CREDENTIALS);
	rig_free(rig);
}

/* A failed sync costs the change, not the role, unless the disk goes on failing. */
static void opens_again_after_a_failing_disk(void **state)
{
	static const struct sim_faults failing = { .sync_error = 3 }, none;
	unsigned opened_again = 0, ended = 0;

	for (uint64_t seed = 1; seed <= 60; seed++) {
		struct rig *rig = rig_create_seeded(seed);
		struct client c;
		bool refused;

		client_open(rig, &c);
		sim_set_faults(rig->sim, &failing);
		refused = strstr(client_ask(&c, "{\"command\":\"domain add\",\"domain\":"
		    "\"b.example\"}\n"), "{\"error\":\"directory.db: ");
		sim_set_faults(rig->sim, &none);
		ended += rig->n_fatal > 0;
		if (refused && rig->n_fatal == 0) {
			opened_again++;
			assert_string_equal(client_ask(&c, "{\"command\":\"domain add\","
			    "\"domain\":\"c.example\"}\n"), OK);
			assert_int_equal(ask_recipient(rig, "x@c.example", false)->verdict,
			    DIRECTORY_NO_SUCH_USER);
		}
		rig->n_fatal = 0;
		rig_free(rig);
	}
	print_message("# opened again %u times, ended %u times\n", opened_again, ended);
	assert_true(opened_again > 0 && ended > 0);
}

/* The right password is not wrong because the disk can't give its hash. */
static void puts_off_logins_while_the_disk_fails(void **state)
{
	static const struct sim_faults failing = { .read_error = 3 }, none;
	unsigned put_off = 0;

	for (uint64_t seed = 1; seed <= 30; seed++) {
		struct rig *rig = rig_create_seeded(seed);
		uint8_t verdict;

		sim_set_faults(rig->sim, &failing);
		verdict = log_in(rig, SERVICE_POP3, peer, "alice@alice.example", "secret")->verdict;
		sim_set_faults(rig->sim, &none);
		assert_true(verdict == DIRECTORY_OK || verdict == DIRECTORY_TEMPORARY);
		put_off += verdict == DIRECTORY_TEMPORARY;
		assert_int_equal(log_in(rig, SERVICE_POP3, peer, "alice@alice.example",
		    "secret")->verdict, DIRECTORY_OK);
		rig_free(rig);
	}
	print_message("# put off %u times\n", put_off);
	assert_in_range(put_off, 1, 29);
}

static void drains(void **state)
{
	struct rig *rig = rig_create();
	struct client c;

	client_open(rig, &c);
	put_u32(ipc_begin(rig->keeper, IPC_DRAIN), 1000);
	ipc_end(rig->keeper, -1);
	settle(rig);
	assert_int_equal(rig->n_drained, 1);
	assert_true(c.ended);
	ipc_channel_destroy(rig->keeper);
	settle(rig);
	assert_int_equal(rig->n_exits, 1);
	rig_free(rig);
}

UNIT_TESTS(cmocka_unit_test(shares_out_recipients),
    cmocka_unit_test(shares_out_logins), cmocka_unit_test(takes_turns),
    cmocka_unit_test(seals_recipients), cmocka_unit_test(tells_the_store_of_a_session),
    cmocka_unit_test(says_temporary_without_a_store), cmocka_unit_test(slows_guessing),
    cmocka_unit_test(counts_guesses_at_once), cmocka_unit_test(lets_many_sessions_in),
    cmocka_unit_test(forgets_an_edge), cmocka_unit_test(ends_who_breaks_the_protocol),
    cmocka_unit_test(hears_administrators), cmocka_unit_test(forgets_a_changed_password),
    cmocka_unit_test(bounds_administrators),
    cmocka_unit_test(renews_imported_hashes),
    cmocka_unit_test(opens_again_after_a_failing_disk),
    cmocka_unit_test(puts_off_logins_while_the_disk_fails), cmocka_unit_test(drains))
