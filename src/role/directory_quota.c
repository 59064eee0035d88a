/* role/directory_quota.c - how much accounts may hold: told to their stores, which say who is full.
 *
 * The directory remembers the full ones in memory only. A store that comes tells them again, as far as
 * it knows of them; until then nobody of it is full. */
#include "account/slot.h"
#include "base/limits.h"
#include "role/directory_impl.h"

enum { QUOTAS_IN_MESSAGE = 1000 };

struct full {
	uint64_t account;
};

/* ---- limits, to a store ---- */

struct telling {
	struct directory_role *role;
	struct ipc_channel *store;
	struct buffer gathered;         /* of one message */
	uint32_t n;
	unsigned all;                   /* that were told, or not */
};

static void flush(struct telling *t)
{
	struct buffer *out = ipc_begin(t->store, IPC_QUOTAS);

	put_u32(out, t->n);
	buffer_add(out, buffer_bytes(&t->gathered));
	ipc_end(t->store, -1);
	buffer_truncate(&t->gathered, 0);
	t->n = 0;
}

static bool tell_one(void *context, uint64_t account, uint64_t quota)
{
	struct telling *t = context;

	if (account_store(account, t->role->frame.config->stores) != ipc_peer_index(t->store))
		return true;
	if (t->all++ >= DIRECTORY_QUOTAS_MAX)
		return true;
	put_u64(&t->gathered, account);
	put_u64(&t->gathered, quota);
	if (++t->n == QUOTAS_IN_MESSAGE)
		flush(t);
	return true;
}

void directory_quota_tell(struct directory_role *role, struct ipc_channel *store)
{
	struct telling t = { .role = role, .store = store,
		.gathered = buffer_init(os_heap(role->os), IPC_BODY_MAX) };
	struct directory_error error;

	directory_quotas(role->directory, tell_one, &t);
	if (t.n > 0)
		flush(&t);
	/* Without its end nobody of that store has a limit. */
	if (directory_list_whole(role->directory, &error))
		flush(&t);
	else
		os_log(role->os, OS_ERROR, "quotas can't be read, and do not count: %s", error.text);
	if (t.all > DIRECTORY_QUOTAS_MAX)
		os_log(role->os, OS_ERROR, "%u accounts of a store have quotas of their own, and %d count: "
		    "let mailbox.quota say what most of them have", t.all, DIRECTORY_QUOTAS_MAX);
	buffer_free(&t.gathered);
}

void directory_quota_changed(struct directory_role *role, uint64_t account, uint64_t quota)
{
	struct ipc_channel *store = frame_peer(&role->frame, ROLE_STORE,
	    account_store(account, role->frame.config->stores));
	struct buffer *out;

	if (store == NULL)
		return;                 /* it hears of all when it comes */
	out = ipc_begin(store, IPC_QUOTAS);
	put_u32(out, 1);
	put_u64(out, account);
	put_u64(out, quota);
	ipc_end(store, -1);
}

/* ---- who is full ---- */

static void forget(struct directory_role *role, struct full *full)
{
	table_remove(&role->full, table_key(full->account));
	heap_free(os_heap(role->os), full);
}

bool directory_on_full(struct directory_role *role, struct ipc_channel *store,
    struct ipc_message *message)
{
	uint64_t account = get_u64(&message->body);
	uint8_t is_full = get_u8(&message->body);
	struct full *full;

	if (!bytes_end(&message->body) || is_full > 1 ||
	    account_store(account, role->frame.config->stores) != ipc_peer_index(store))
		return false;
	full = table_get(&role->full, table_key(account));
	if (is_full == (full != NULL))
		return true;
	if (full != NULL) {
		forget(role, full);
		return true;
	}
	if (role->full.count >= DIRECTORY_FULL_MAX)
		return true;
	full = heap_new(os_heap(role->os), struct full);
	full->account = account;
	table_put(&role->full, table_key(full->account), full);
	return true;
}

void directory_quota_store_left(struct directory_role *role, struct ipc_channel *store)
{
	struct table kept = table_init(os_heap(role->os), role->full.seed);
	struct full *full;
	size_t at = 0;

	while ((full = table_next(&role->full, &at)) != NULL) {
		if (account_store(full->account, role->frame.config->stores) == ipc_peer_index(store))
			heap_free(os_heap(role->os), full);
		else
			table_put(&kept, table_key(full->account), full);
	}
	table_free(&role->full);
	role->full = kept;
}

bool directory_quota_is_full(const struct directory_role *role, const struct seal_target *targets,
    size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (table_get(&role->full, table_key(targets[i].account)) == NULL)
			return false;
	}
	return n > 0;
}
