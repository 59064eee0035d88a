/* role/directory_mock.c - who gets what in a mock.
 *
 * (1) role->mock is NULL unless the configuration says `mock`; nothing here but
 *     directory_mock_start() is called then.
 * (2) Accounts are added and never removed: the control socket of a mock is closed. */
#include "role/directory_mock.h"

#include "base/check.h"
#include "base/limits.h"

struct mock {
	slice domain;                   /* of all its accounts; the configuration's */
	uint64_t one;
	struct table ids;               /* of accounts: themselves */
	size_t n;
};

static void know(struct directory_role *role, uint64_t account)
{
	uint64_t *id = heap_new(os_heap(role->os), uint64_t);

	*id = account;
	table_put(&role->mock->ids, table_key(*id), id);
	role->mock->n++;
}

static bool visit(void *context, const struct directory_account *account)
{
	know(context, account->id);
	return true;
}

/* ---- the web, which shows mailboxes by name ---- */

static void tell(struct directory_role *role, uint64_t account, slice address)
{
	struct ipc_channel *web = frame_peer(&role->frame, ROLE_WEB, 0);
	struct buffer *out;

	if (web == NULL)
		return;
	out = ipc_begin(web, IPC_MAILBOX);
	put_u64(out, account);
	put_slice(out, address);
	ipc_end(web, -1);
}

static bool visit_told(void *context, const struct directory_account *account)
{
	tell(context, account->id, account->address);
	return true;
}

void directory_mock_tell(struct directory_role *role)
{
	directory_accounts(role->directory, slice_lit(""), visit_told, role);
}

/* ---- mailboxes ---- */

static bool make(struct directory_role *role, slice address, struct directory_error *error)
{
	uint64_t id;

	if (!directory_account_add(role->directory, address, (slice){ 0 }, &id, error)) {
		if (directory_broken(role->directory))
			directory_reopen(role);
		return false;
	}
	know(role, id);
	tell(role, id, address);
	return true;
}

/* In memory each takes four descriptors, and half of all are for sessions. */
static size_t mailboxes_max(const struct directory_role *role)
{
	size_t most = os_descriptors_max(role->os) / 8;

	return most < MOCK_MAILBOXES_MAX ? most : MOCK_MAILBOXES_MAX;
}

/* False: *ret_words. */
static bool find_or_make(struct directory_role *role, slice login, struct arena *arena,
    struct directory_account *ret_account, slice *ret_words)
{
	slice address = mock_name(arena, login, role->mock->domain);
	enum directory_verdict verdict = directory_account_find(role->directory, address, arena,
	    ret_account);
	struct directory_error error;

	if (verdict == DIRECTORY_OK)
		return true;
	if (verdict == DIRECTORY_NO_SUCH_USER && role->mock->n >= mailboxes_max(role)) {
		*ret_words = arena_printf(arena, "this mock has %zu mailboxes, and makes no more: "
		    "log in with names that were used before, or start it anew", role->mock->n);
		return false;
	}
	if (verdict != DIRECTORY_NO_SUCH_USER || !make(role, address, &error) ||
	    directory_account_find(role->directory, address, arena, ret_account) !=
	    DIRECTORY_OK) {
		*ret_words = slice_lit("the mailbox can't be made now, try again later");
		return false;
	}
	return true;
}

bool directory_mock_start(struct directory_role *role)
{
	const struct config *config = role->frame.config;
	struct arena arena = arena_init(os_heap(role->os), DIRECTORY_ANSWER_MAX);
	struct directory_account account;
	slice words;
	bool ok;

	if (!config->mock)
		return true;
	check(config->n_domains > 0);
	role->mock = heap_new(os_heap(role->os), struct mock);
	role->mock->domain = config->domains[0];
	role->mock->ids = table_init(os_heap(role->os), os_random_u64(role->os));
	directory_accounts(role->directory, slice_lit(""), visit, role);
	ok = find_or_make(role, slice_lit(MOCK_MAILBOX), &arena, &account, &words);
	if (ok)
		role->mock->one = account.id;
	else
		frame_fatal(&role->frame, "%.*s", slice_arg(words));
	arena_reset(&arena);
	return ok;
}

enum directory_verdict directory_mock_recipient(struct directory_role *role, uint64_t account,
    slice recipient, struct arena *arena, struct seal_target **ret_targets, size_t *ret_n)
{
	const struct mock *mock = role->mock;
	bool own = role->frame.config->mock_mailboxes == CONFIG_MAILBOXES_LOGIN &&
	    table_get(&mock->ids, table_key(account)) != NULL;
	struct seal_target *target = arena_new(arena, struct seal_target, 1);

	*target = (struct seal_target){ own ? account : mock->one, recipient };
	*ret_targets = target;
	*ret_n = 1;
	return DIRECTORY_OK;
}

bool directory_mock_login(struct directory_role *role, slice login, struct arena *arena,
    struct directory_account *ret_account, slice *ret_words)
{
	if (role->frame.config->mock_mailboxes == CONFIG_MAILBOXES_ONE)
		login = slice_lit(MOCK_MAILBOX);
	return find_or_make(role, login, arena, ret_account, ret_words);
}
