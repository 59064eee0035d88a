/* role/directory_login.c - is this the password?
 *
 *   LOGIN -> slowed? -> remembered? -> waiting -> running (pool) -> answered
 *                                         '--- following: the same credential
 *
 * (1) At most HASHES_MAX hashes run; HASH_QUEUE_MAX wait, and as many follow.
 *     Networks take turns: who asks for many waits for himself, and is the first
 *     to be refused when the queue is full.
 * (2) A name that is no account costs the same hash, so time tells nothing.
 * (3) Passwords are wiped as soon as they were judged.
 * (4) A mock (directory_mock.h) lets everybody in, and asks none of the above.
 * (5) An imported hash becomes one of ours at the first right password, and who has no keys
 *     for SCRAM gets some.
 * (6) A proof of SCRAM is judged at once: it costs three hashes, and is good for one login. */
#include <sodium.h>
#include <string.h>

#include "account/slot.h"
#include "base/check.h"
#include "base/limits.h"
#include "base/text.h"
#include "directory/name.h"
#include "directory/password.h"
#include "role/directory_mock.h"
#include "role/directory_shares.h"

struct login {
	struct list link;
	struct os_work work;
	struct directory_role *role;
	struct ipc_channel *edge;       /* NULL: gone meanwhile */
	uint64_t request;
	enum service service;
	uint8_t ip[16];
	uint64_t turn;                  /* when its network may have another hash */
	uint64_t account;               /* 0: no such account, or it has no password */
	struct remember_tag tag;
	enum ipc_type answer;           /* IPC_LOGIN_IS, IPC_PROOF_IS */
	unsigned char signature[SCRAM_HASH_LEN];        /* of a right proof */
	/* For the pool: only what is in here. */
	enum password_result result;
	struct password_hash renewed;   /* of an imported hash; empty: none */
	bool stands;                    /* it was right, and is the password still */
	bool wants_keys;
	struct scram_keys keys;         /* iterations 0: none were made */
	size_t memory;
	unsigned char salt[PASSWORD_SALT_LEN];
	size_t name_len, password_len, hash_len;
	unsigned char name[SEALED_ADDRESS_MAX];         /* normal form: what is slowed */
	unsigned char password[PASSWORD_MAX];
	unsigned char hash[PASSWORD_HASH_MAX];
};

void directory_login_start(struct directory_role *role)
{
	unsigned char key[REMEMBER_KEY_LEN];
	int failed = sodium_init();     /* may find the fastest code; 1: was done before */

	check(failed >= 0);
	os_random(role->os, key, sizeof(key));
	role->remember = remember_create(os_heap(role->os), key);
	os_random(role->os, key, sizeof(key));
	role->throttle = throttle_create(os_heap(role->os), key,
	    role->frame.config->auth_failures_max);
	os_random(role->os, key, sizeof(key));
	role->rates = rates_create(os_heap(role->os), key);
	sodium_memzero(key, sizeof(key));
}

static void login_free(struct login *login)
{
	struct heap *heap = os_heap(login->role->os);

	sodium_memzero(login, sizeof(*login));
	heap_free(heap, login);
}

static slice name_of(const struct login *login)
{
	return slice_of(login->name, login->name_len);
}

static bool trusted(const struct login *login)
{
	return config_trusts(login->role->frame.config, login->ip);
}

/* ---- answers ---- */

struct grant {
	uint64_t account;
	slice address;
	uint16_t store;
	uint64_t nonce;
};

static void answer(const struct login *login, enum directory_verdict verdict, slice words,
    const struct grant *grant)
{
	struct buffer *out;

	if (login->edge == NULL)
		return;
	out = ipc_begin(login->edge, login->answer);
	put_u64(out, login->request);
	put_u8(out, (uint8_t)verdict);
	put_slice(out, words);
	put_u64(out, grant->account);
	put_slice(out, grant->address);
	put_u16(out, grant->store);
	put_u64(out, grant->nonce);
	if (login->answer == IPC_PROOF_IS)
		buffer_add(out, slice_of(login->signature, sizeof login->signature));
	ipc_end(login->edge, -1);
}

static void note(const struct login *login, enum os_level level, const char *what)
{
	char name[96], ip[OS_IP_TEXT];

	os_ip_print(login->ip, ip, sizeof(ip));
	os_log(login->role->os, level, "login of %s from %s (%s): %s",
	    text_printable(name_of(login), name, sizeof(name)), ip,
	    service_name(login->service), what);
}

static void refuse(const struct login *login, enum directory_verdict verdict, slice words)
{
	static const struct grant none;
	const struct directory_verdict_row *row = directory_verdict_row(verdict);

	note(login, verdict == DIRECTORY_SLOW_DOWN ? OS_DEBUG : OS_WARN, row->name);
	answer(login, verdict, words, &none);
}

static void refuse_for(const struct login *login, uint64_t wait_ms)
{
	struct arena arena = arena_init(os_heap(login->role->os), DIRECTORY_ANSWER_MAX);

	refuse(login, DIRECTORY_SLOW_DOWN, arena_printf(&arena, "%s (in %llu seconds)",
	    directory_verdict_row(DIRECTORY_SLOW_DOWN)->words,
	    (unsigned long long)(wait_ms + 999) / 1000));
	arena_reset(&arena);
}

/* Tell the account's store to expect the session; it must know before the edge
 * does, as far as two channels allow. False: the store is down. */
static bool announce(struct directory_role *role, struct grant *grant)
{
	struct ipc_channel *store;
	struct buffer *out;

	grant->store = (uint16_t)account_store(grant->account, role->frame.config->stores);
	store = frame_peer(&role->frame, ROLE_STORE, grant->store);
	if (store == NULL)
		return false;
	do {
		grant->nonce = os_random_u64(role->os);
	} while (grant->nonce == 0);
	out = ipc_begin(store, IPC_SESSION);
	put_u64(out, grant->nonce);
	put_u64(out, grant->account);
	put_slice(out, grant->address);
	ipc_end(store, -1);
	ipc_flush(store);
	return true;
}

static bool ends_at_store(enum service service)
{
	return service_is_pop3(service) || service_is_imap(service);
}

static void let_in(struct login *login, const struct directory_account *account)
{
	struct grant grant = { .account = account->id, .address = account->address };

	if (account->disabled) {
		refuse(login, DIRECTORY_LOGIN_DISABLED, (slice){ 0 });
		return;
	}
	if (login->edge == NULL)
		return;
	if (ends_at_store(login->service) && login->role->mock == NULL &&
	    !directory_shares_login(login->role, login->service, account->id, login->ip)) {
		refuse(login, DIRECTORY_SLOW_DOWN,
		    slice_lit("too many logins of this account, try again later"));
		return;
	}
	if (ends_at_store(login->service) && !announce(login->role, &grant)) {
		refuse(login, DIRECTORY_TEMPORARY, (slice){ 0 });
		return;
	}
	note(login, OS_INFO, "ok");
	answer(login, DIRECTORY_OK, (slice){ 0 }, &grant);
}

/* ---- the pool ---- */

static void run_on_pool(struct os_work *work)
{
	struct login *login = work->owner;
	slice password = slice_of(login->password, login->password_len);
	slice hash = slice_of(login->hash, login->hash_len);
	struct password_hash unused;

	if (login->account == 0) {
		login->result = PASSWORD_FAILED;
		if (password_hash(password, login->memory, login->salt, &unused))
			login->result = PASSWORD_WRONG;
		return;
	}
	login->result = password_verify(password, hash);
	if (login->result == PASSWORD_RIGHT && !slice_starts(hash, slice_lit("$argon2id$")) &&
	    !password_hash(password, login->memory, login->salt, &login->renewed))
		login->renewed.text[0] = '\0';  /* another time */
	if (login->result == PASSWORD_RIGHT && login->wants_keys &&
	    !scram_keys_make(password, SCRAM_ITERATIONS, login->salt, &login->keys))
		login->keys.iterations = 0;
}

static void start_next(struct directory_role *role);

/* The account as it is now; it may have changed while the hash ran. */
static enum directory_verdict find_again(struct login *login, struct arena *arena,
    struct directory_account *ret_account)
{
	struct directory *directory = login->role->directory;
	enum directory_verdict verdict = directory_account_find(directory, name_of(login), arena,
	    ret_account);
	slice hash = { 0 };

	if (verdict == DIRECTORY_OK)
		verdict = directory_password_hash(directory, ret_account->id, arena, &hash);
	if (verdict == DIRECTORY_OK && (ret_account->id != login->account ||
	    !slice_equal(slice_of(login->hash, login->hash_len), hash)))
		verdict = DIRECTORY_TEMPORARY;
	return verdict == DIRECTORY_NO_SUCH_USER ? DIRECTORY_BAD_CREDENTIALS : verdict;
}

static void judge(struct login *login, enum password_result result, bool counts)
{
	struct directory_role *role = login->role;
	struct arena arena = arena_init(os_heap(role->os), DIRECTORY_ANSWER_MAX);
	uint64_t now_ms = os_now_ms(role->os);
	struct directory_account account;
	enum directory_verdict verdict;

	switch (result) {
	case PASSWORD_RIGHT:
		verdict = find_again(login, &arena, &account);
		if (verdict != DIRECTORY_OK) {
			refuse(login, verdict, (slice){ 0 });
			break;
		}
		login->stands = true;
		if (login->answer == IPC_LOGIN_IS)
			remember_add(role->remember, &login->tag, login->account, now_ms);
		throttle_succeeded(role->throttle, name_of(login));
		let_in(login, &account);
		break;
	case PASSWORD_WRONG:
		if (counts)
			throttle_failed(role->throttle, trusted(login) ? NULL : login->ip,
			    name_of(login), now_ms);
		if (counts && !trusted(login))
			directory_shares_guessed(role, login->ip);
		refuse(login, DIRECTORY_BAD_CREDENTIALS, (slice){ 0 });
		break;
	case PASSWORD_FAILED:
		refuse(login, DIRECTORY_TEMPORARY, (slice){ 0 });
		break;
	}
	arena_reset(&arena);
}

/* An imported hash is cheaper or dearer than ours, which tells who has one. */
static void renew_hash(struct login *login)
{
	struct directory_error error;
	uint64_t id;

	if (!login->stands || login->renewed.text[0] == '\0')
		return;
	if (!directory_account_password(login->role->directory, name_of(login),
	        slice_from(login->renewed.text), &id, &error))
		os_log(login->role->os, OS_WARN, "an imported hash stays as it is: %s", error.text);
}

static void keep_keys(struct login *login)
{
	struct directory_error error;
	char text[SCRAM_KEYS_MAX + 1];

	if (!login->stands || login->keys.iterations == 0)
		return;
	scram_keys_print(&login->keys, text);
	if (!directory_scram_set(login->role->directory, login->account, slice_from(text), &error))
		os_log(login->role->os, OS_WARN, "keys for SCRAM are not kept: %s", error.text);
}

static bool same_credential(const struct login *a, const struct login *b)
{
	return a->account == b->account && sodium_memcmp(&a->tag, &b->tag, sizeof(a->tag)) == 0 &&
	    slice_equal(name_of(a), name_of(b));
}

static void done_on_loop(struct os_work *work)
{
	struct login *login = work->owner;
	struct directory_role *role = login->role;

	list_remove(&login->link);
	role->n_running--;
	judge(login, login->result, true);
	list_for(at, &role->following) {
		struct login *follower = list_item(at, struct login, link);

		if (!same_credential(login, follower))
			continue;
		list_remove(&follower->link);
		role->n_following--;
		/* The same wrong password from the same program, at once: one failure. */
		judge(follower, login->result, false);
		login_free(follower);
	}
	renew_hash(login);
	keep_keys(login);
	login_free(login);
	start_next(role);
	directory_drain_check(role);
}

static void start_next(struct directory_role *role)
{
	while (role->n_running < HASHES_MAX && !list_empty(&role->waiting)) {
		struct login *login = list_item(list_take_first(&role->waiting), struct login,
		    link);

		role->n_waiting--;
		role->n_running++;
		role->turn = login->turn;
		list_append(&role->running, &login->link);
		login->work = (struct os_work){ .run = run_on_pool, .done = done_on_loop,
			.owner = login };
		os_work_start(role->os, &login->work);
	}
}

/* ---- a question comes ---- */

static bool anyone_same(const struct list *logins, const struct login *login)
{
	list_for(at, logins) {
		if (same_credential(list_item(at, struct login, link), login))
			return true;
	}
	return false;
}

static unsigned count_name(const struct list *logins, const struct login *login)
{
	unsigned n = 0;

	list_for(at, logins)
		n += slice_equal(name_of(list_item(at, struct login, link)), name_of(login));
	return n;
}

/* The turn after the last one of its network, and not one that is over: then who has
 * nothing waiting comes before the second one of all others. */
static uint64_t turn_after(const struct list *logins, const struct login *login, uint64_t turn)
{
	slice network = os_ip_network(login->ip);

	list_for(at, logins) {
		const struct login *l = list_item(at, struct login, link);

		if (l->turn >= turn && slice_equal(os_ip_network(l->ip), network))
			turn = l->turn + 1;
	}
	return turn;
}

/* Into the queue by its turn. When that is full the last one is refused, be it this
 * one or that of a network with a longer line. */
static void wait_for_turn(struct login *login)
{
	struct directory_role *role = login->role;
	struct list *place = role->waiting.next;

	login->turn = turn_after(&role->waiting, login,
	    turn_after(&role->running, login, role->turn));
	while (place != &role->waiting &&
	    list_item(place, struct login, link)->turn <= login->turn)
		place = place->next;
	list_append(place, &login->link);
	if (++role->n_waiting > HASH_QUEUE_MAX) {
		login = list_item(role->waiting.prev, struct login, link);
		list_remove(&login->link);
		role->n_waiting--;
		refuse(login, DIRECTORY_TEMPORARY, (slice){ 0 });
		login_free(login);
	}
	start_next(role);
}

/* Give it a place behind the others, or answer at once. Takes login. */
static void enqueue(struct login *login)
{
	struct directory_role *role = login->role;
	unsigned pending = count_name(&role->waiting, login) + count_name(&role->running, login);
	bool follows = anyone_same(&role->waiting, login) || anyone_same(&role->running, login);
	uint64_t wait_ms = throttle_name_wait_ms(role->throttle, name_of(login),
	    follows ? 0 : pending, os_now_ms(role->os));

	if (wait_ms > 0) {
		refuse_for(login, wait_ms);
		login_free(login);
	} else if (!trusted(login) && !directory_shares_guess(role, login->ip)) {
		refuse(login, DIRECTORY_SLOW_DOWN, (slice){ 0 });
		login_free(login);
	} else if (follows && role->n_following < HASH_QUEUE_MAX) {
		list_append(&role->following, &login->link);
		role->n_following++;
	} else {
		wait_for_turn(login);
	}
}

/* Who it claims to be: its account and hash, if there is one. */
static enum directory_verdict identify(struct login *login, struct arena *arena,
    struct directory_account *ret_account)
{
	struct directory *directory = login->role->directory;
	enum directory_verdict verdict = directory_account_find(directory, name_of(login), arena,
	    ret_account);
	slice hash = { 0 };

	if (verdict == DIRECTORY_OK)
		verdict = directory_password_hash(directory, ret_account->id, arena, &hash);
	if (verdict != DIRECTORY_OK)
		return verdict;
	if (hash.len == 0)
		return DIRECTORY_NO_SUCH_USER;
	login->account = ret_account->id;
	memcpy(login->hash, hash.ptr, hash.len);
	login->hash_len = hash.len;
	login->wants_keys = login->role->frame.config->password_scram &&
	    directory_scram_wanted(login->role, login->account);
	return DIRECTORY_OK;
}

/* A mock takes any password, and hashes none. */
static void admit(struct login *login)
{
	struct arena arena = arena_init(os_heap(login->role->os), DIRECTORY_ANSWER_MAX);
	struct directory_account account;
	slice words;

	if (directory_mock_login(login->role, name_of(login), &arena, &account, &words))
		let_in(login, &account);
	else
		refuse(login, DIRECTORY_TEMPORARY, words);
	login_free(login);
	arena_reset(&arena);
}

static void consider(struct login *login)
{
	struct directory_role *role = login->role;
	struct arena arena = arena_init(os_heap(role->os), DIRECTORY_ANSWER_MAX);
	slice password = slice_of(login->password, login->password_len);
	uint64_t now_ms = os_now_ms(role->os), wait_ms;
	struct directory_account account;
	enum directory_verdict verdict;

	wait_ms = trusted(login) ? 0 : throttle_peer_wait_ms(role->throttle, login->ip, now_ms);
	verdict = identify(login, &arena, &account);
	login->tag = remember_tag(role->remember, login->account, password, login->ip);
	if (wait_ms > 0) {
		refuse_for(login, wait_ms);
		login_free(login);
	} else if (verdict == DIRECTORY_TEMPORARY) {
		refuse(login, verdict, (slice){ 0 });
		login_free(login);
	} else if (verdict == DIRECTORY_OK &&
	    remember_has(role->remember, &login->tag, login->account, now_ms)) {
		let_in(login, &account);
		login_free(login);
	} else {
		enqueue(login);
	}
	arena_reset(&arena);
}

/* The normal form of a login: spellings of one name are slowed together. */
static void set_name(struct login *login, slice text)
{
	struct arena arena = arena_init(os_heap(login->role->os), DIRECTORY_ANSWER_MAX);
	slice key = name_login(&arena, text);

	if (key.len > 0)
		memcpy(login->name, key.ptr, key.len);
	login->name_len = key.len;
	arena_reset(&arena);
}

/* What LOGIN and PROOF have in common; NULL: it breaks the protocol. */
static struct login *take_login(struct directory_role *role, struct ipc_channel *edge,
    struct ipc_message *message, slice *ret_secret)
{
	struct bytes *in = &message->body;
	uint64_t request = get_u64(in);
	uint8_t service = get_u8(in);
	slice ip = get_raw(in, 16), name = get_slice(in, IPC_TEXT_MAX);
	struct login *login;

	*ret_secret = get_slice(in, IPC_TEXT_MAX);
	if (!bytes_end(in) || service >= SERVICE_CONTROL)
		return NULL;
	login = heap_new(os_heap(role->os), struct login);
	login->role = role;
	login->edge = edge;
	login->request = request;
	login->service = (enum service)service;
	login->memory = role->frame.config->password_memory;
	login->answer = message->type == IPC_PROOF ? IPC_PROOF_IS : IPC_LOGIN_IS;
	memcpy(login->ip, ip.ptr, sizeof(login->ip));
	os_random(role->os, login->salt, sizeof(login->salt));
	set_name(login, name);
	return login;
}

bool directory_on_login(struct directory_role *role, struct ipc_channel *edge,
    struct ipc_message *message)
{
	slice password;
	struct login *login = take_login(role, edge, message, &password);

	if (login == NULL)
		return false;
	/* Longer ones are nobody's password: judged like any wrong one. */
	if (password.len <= PASSWORD_MAX && password.len > 0)
		memcpy(login->password, password.ptr, password.len);
	login->password_len = password.len <= PASSWORD_MAX ? password.len : 0;
	if (role->mock != NULL)
		admit(login);
	else
		consider(login);
	return true;
}

static void judge_proof(struct login *login, slice secret)
{
	struct directory_role *role = login->role;
	struct arena arena = arena_init(os_heap(role->os), DIRECTORY_ANSWER_MAX);
	uint64_t now_ms = os_now_ms(role->os), name_ms, wait_ms;
	struct directory_account account;
	enum directory_verdict verdict = identify(login, &arena, &account);

	wait_ms = trusted(login) ? 0 : throttle_peer_wait_ms(role->throttle, login->ip, now_ms);
	name_ms = throttle_name_wait_ms(role->throttle, name_of(login), 0, now_ms);
	if (wait_ms > 0 || name_ms > 0)
		refuse_for(login, wait_ms > name_ms ? wait_ms : name_ms);
	else if (verdict == DIRECTORY_TEMPORARY)
		refuse(login, verdict, (slice){ 0 });
	else if (!trusted(login) && !directory_shares_guess(role, login->ip))
		refuse(login, DIRECTORY_SLOW_DOWN, (slice){ 0 });
	else
		judge(login, directory_prove(role, login->account, secret, login->signature), true);
	arena_reset(&arena);
}

bool directory_on_proof(struct directory_role *role, struct ipc_channel *edge,
    struct ipc_message *message)
{
	slice secret;
	struct login *login = take_login(role, edge, message, &secret);

	if (login == NULL)
		return false;
	if (role->mock != NULL)
		refuse(login, DIRECTORY_TEMPORARY, (slice){ 0 });
	else
		judge_proof(login, secret);
	login_free(login);
	return true;
}

static void forget_edge(struct list *logins, struct ipc_channel *edge)
{
	list_for(at, logins) {
		struct login *login = list_item(at, struct login, link);

		if (login->edge == edge)
			login->edge = NULL;
	}
}

void directory_login_forget_edge(struct directory_role *role, struct ipc_channel *edge)
{
	forget_edge(&role->waiting, edge);
	forget_edge(&role->running, edge);
	forget_edge(&role->following, edge);
}
