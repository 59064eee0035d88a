/* directory/account.c - accounts and their credentials. */
#include "base/check.h"
#include "base/limits.h"
#include "base/text.h"
#include "directory/directory_impl.h"

struct directory_account directory_account_row(sqlite3_stmt *row, struct arena *arena)
{
	slice address = column_slice(row, 1);

	return (struct directory_account){
		.id = column_u64(row, 0),
		.address = arena ? slice_copy(arena, address) : address,
		.created_us = (int64_t)column_u64(row, 2),
		.disabled = column_u64(row, 3) != 0,
		.quota = column_u64(row, 4),
	};
}

bool directory_account_by_key(struct directory *directory, slice key, struct arena *arena,
    struct directory_account *ret_account)
{
	sqlite3_stmt *row = database_query(directory->database, QUERY_ACCOUNT_FIND);
	bool found;

	bind_slice(row, 1, key);
	found = database_row(directory->database, row);
	if (found)
		*ret_account = directory_account_row(row, arena);
	database_done(row);
	return found;
}

enum directory_verdict directory_account_find(struct directory *directory, slice address,
    struct arena *arena, struct directory_account *ret_account)
{
	struct arena scratch = arena_init(os_heap(directory->os), DIRECTORY_SCRATCH_MAX);
	struct name name;
	bool found;

	database_clear_fault(directory->database);
	found = address.len <= SEALED_ADDRESS_MAX && name_parse(&scratch, address, &name) &&
	    directory_account_by_key(directory, name.key, arena, ret_account);
	arena_reset(&scratch);
	if (found)
		return DIRECTORY_OK;
	return database_fault(directory->database) ? DIRECTORY_TEMPORARY : DIRECTORY_NO_SUCH_USER;
}

/* The one text that a query finds by a number, or by a name where there is one; empty: none. */
static enum directory_verdict read_text(struct directory *directory, enum query query,
    uint64_t number, slice name, struct arena *arena, slice *ret_text)
{
	sqlite3_stmt *row;
	slice text = { 0 };

	database_clear_fault(directory->database);
	row = database_query(directory->database, query);
	if (name.len > 0)
		bind_slice(row, 1, name);
	else
		bind_u64(row, 1, number);
	if (database_row(directory->database, row))
		text = slice_copy(arena, column_slice(row, 0));
	database_done(row);
	if (database_fault(directory->database))
		return DIRECTORY_TEMPORARY;
	*ret_text = slice_head(text, text.len <= PASSWORD_HASH_MAX ? text.len : 0);
	return DIRECTORY_OK;
}

enum directory_verdict directory_password_hash(struct directory *directory, uint64_t account,
    struct arena *arena, slice *ret_hash)
{
	return read_text(directory, QUERY_CREDENTIAL, account, (slice){ 0 }, arena, ret_hash);
}

enum directory_verdict directory_scram_keys(struct directory *directory, uint64_t account,
    struct arena *arena, slice *ret_keys)
{
	return read_text(directory, QUERY_SCRAM, account, (slice){ 0 }, arena, ret_keys);
}

enum directory_verdict directory_salt_secret(struct directory *directory, struct arena *arena,
    slice *ret_secret)
{
	return read_text(directory, QUERY_SECRET, 0, slice_lit("salt"), arena, ret_secret);
}

struct nearest {
	slice word;
	size_t distance;
	char name[128];
};

static bool look_nearer(void *context, const struct directory_account *account)
{
	struct nearest *nearest = context;
	size_t distance = text_distance(nearest->word, account->address, nearest->distance);

	if (distance < nearest->distance) {
		nearest->distance = distance;
		text_printable(account->address, nearest->name, sizeof(nearest->name));
	}
	return nearest->distance > 1;
}

bool directory_account_need(struct directory *directory, slice address, struct arena *arena,
    struct directory_account *ret_account, struct directory_error *ret_error)
{
	struct nearest nearest = { .distance = 3 };
	struct name name;

	database_clear_fault(directory->database);
	if (!directory_name(directory, arena, address, &name, ret_error))
		return false;
	if (directory_account_by_key(directory, name.key, arena, ret_account))
		return true;
	if (database_fault(directory->database))
		return directory_say_fault(directory, ret_error);
	nearest.word = name.key;
	directory_accounts(directory, slice_lit(""), look_nearer, &nearest);
	if (nearest.name[0])
		return directory_say(ret_error, "no account %.*s; did you mean %s?",
		    slice_arg(name.key), nearest.name);
	return directory_say(ret_error, "no account %.*s; 'posthouse account list' shows them",
	    slice_arg(name.key));
}

static bool check_new_account(struct directory *directory, const struct name *name,
    struct arena *arena, struct directory_error *ret_error)
{
	struct directory_account there;
	sqlite3_stmt *row;
	bool alias;

	if (!directory_serves(directory, name->domain))
		return directory_say_missing(directory, ret_error, "domain %.*s is not served"
		    " here; add it first:"
		    " posthouse domain add %.*s", slice_arg(name->domain),
		    slice_arg(name->domain));
	if (directory_account_by_key(directory, name->key, arena, &there))
		return directory_say(ret_error, "account %.*s is there already",
		    slice_arg(name->key));
	row = database_query(directory->database, QUERY_ALIAS_HAS);
	bind_slice(row, 1, name->key);
	alias = database_row(directory->database, row);
	database_done(row);
	if (alias)
		return directory_say(ret_error, "%.*s is an alias; remove that first",
		    slice_arg(name->key));
	if (database_fault(directory->database))
		return directory_say_fault(directory, ret_error);
	return true;
}

static bool set_credential(struct directory *directory, uint64_t id, slice hash)
{
	sqlite3_stmt *row = database_query(directory->database, QUERY_CREDENTIAL_SET);

	bind_u64(row, 1, id);
	bind_slice(row, 2, hash);
	bind_u64(row, 3, (uint64_t)os_wall_us(directory->os));
	if (!database_run(directory->database, row))
		return false;
	/* Keys of an earlier password would still let somebody in. */
	row = database_query(directory->database, QUERY_SCRAM_FORGET);
	bind_u64(row, 1, id);
	return database_run(directory->database, row);
}

static bool insert_account(struct directory *directory, const struct name *name, slice hash,
    uint64_t id)
{
	sqlite3_stmt *row = database_query(directory->database, QUERY_ACCOUNT_ADD);

	bind_u64(row, 1, id);
	bind_slice(row, 2, name->key);
	bind_slice(row, 3, name->domain);
	bind_u64(row, 4, (uint64_t)os_wall_us(directory->os));
	bind_u64(row, 5, 0);
	return database_run(directory->database, row) &&
	    (hash.len == 0 || set_credential(directory, id, hash));
}

/* The end of a change: commit and forget, or undo and say why. */
static bool finish(struct directory *directory, bool done, struct directory_error *ret_error)
{
	if (done && database_commit(directory->database)) {
		directory_forget(directory);
		return true;
	}
	database_rollback(directory->database);
	return directory_say_fault(directory, ret_error);
}

bool directory_account_add(struct directory *directory, slice address, slice hash,
    uint64_t *ret_id, struct directory_error *ret_error)
{
	struct arena arena = arena_init(os_heap(directory->os), DIRECTORY_SCRATCH_MAX);
	struct name name;
	bool done = false;
	uint64_t id;

	check(hash.len <= PASSWORD_HASH_MAX);
	database_clear_fault(directory->database);
	do {
		id = os_random_u64(directory->os);
	} while (id == 0);
	if (directory_name(directory, &arena, address, &name, ret_error) &&
	    check_new_account(directory, &name, &arena, ret_error))
		done = finish(directory, database_begin(directory->database) &&
		    insert_account(directory, &name, hash, id), ret_error);
	arena_reset(&arena);
	if (done)
		*ret_id = id;
	return done;
}

static bool delete_account(struct directory *directory, const struct directory_account *account,
    unsigned *ret_aliases)
{
	struct database *database = directory->database;
	sqlite3_stmt *row = database_query(database, QUERY_ALIAS_FORGET_TARGET);

	bind_slice(row, 1, account->address);
	if (!database_run(database, row))
		return false;
	*ret_aliases = (unsigned)database_changed(database);
	row = database_query(database, QUERY_ACCOUNT_REMOVE);
	bind_u64(row, 1, account->id);
	return database_run(database, row);
}

bool directory_account_remove(struct directory *directory, slice address,
    uint64_t *ret_id, unsigned *ret_aliases, struct directory_error *ret_error)
{
	struct arena arena = arena_init(os_heap(directory->os), DIRECTORY_SCRATCH_MAX);
	struct directory_account account;
	unsigned aliases = 0;
	bool done = false;

	if (directory_account_need(directory, address, &arena, &account, ret_error))
		done = finish(directory, database_begin(directory->database) &&
		    delete_account(directory, &account, &aliases), ret_error);
	arena_reset(&arena);
	if (done) {
		*ret_id = account.id;
		*ret_aliases = aliases;
	}
	return done;
}

/* A query that sets one number of an account. */
static bool set_number(struct directory *directory, enum query query, slice address,
    uint64_t number, uint64_t *ret_id, struct directory_error *ret_error)
{
	struct arena arena = arena_init(os_heap(directory->os), DIRECTORY_SCRATCH_MAX);
	struct directory_account account;
	bool done = false;
	sqlite3_stmt *row;

	if (directory_account_need(directory, address, &arena, &account, ret_error)) {
		row = database_query(directory->database, query);
		bind_u64(row, 1, account.id);
		bind_u64(row, 2, number);
		done = database_run(directory->database, row);
		if (!done)
			directory_say_fault(directory, ret_error);
		else
			*ret_id = account.id;
		directory_forget(directory);
	}
	arena_reset(&arena);
	return done;
}

bool directory_account_disable(struct directory *directory, slice address, bool disabled,
    uint64_t *ret_id, struct directory_error *ret_error)
{
	return set_number(directory, QUERY_ACCOUNT_DISABLE, address, disabled, ret_id, ret_error);
}

bool directory_account_quota(struct directory *directory, slice address, uint64_t quota,
    uint64_t *ret_id, struct directory_error *ret_error)
{
	return set_number(directory, QUERY_ACCOUNT_QUOTA, address, quota, ret_id, ret_error);
}

void directory_quotas(struct directory *directory,
    bool (*visit)(void *context, uint64_t account, uint64_t quota), void *context)
{
	sqlite3_stmt *row;

	database_clear_fault(directory->database);
	row = database_query(directory->database, QUERY_QUOTAS);
	while (database_row(directory->database, row) &&
	    visit(context, column_u64(row, 0), column_u64(row, 1)))
		;
	database_done(row);
}

bool directory_account_password(struct directory *directory, slice address, slice hash,
    uint64_t *ret_id, struct directory_error *ret_error)
{
	struct arena arena = arena_init(os_heap(directory->os), DIRECTORY_SCRATCH_MAX);
	struct directory_account account;
	bool done = false;

	check(hash.len > 0 && hash.len <= PASSWORD_HASH_MAX);
	if (directory_account_need(directory, address, &arena, &account, ret_error)) {
		done = finish(directory, database_begin(directory->database) &&
		    set_credential(directory, account.id, hash), ret_error);
		if (done)
			*ret_id = account.id;
	}
	arena_reset(&arena);
	return done;
}

bool directory_scram_set(struct directory *directory, uint64_t account, slice keys,
    struct directory_error *ret_error)
{
	sqlite3_stmt *row;

	check(keys.len > 0 && keys.len <= SCRAM_KEYS_MAX);
	database_clear_fault(directory->database);
	row = database_query(directory->database, QUERY_SCRAM_SET);
	bind_u64(row, 1, account);
	bind_slice(row, 2, keys);
	return database_run(directory->database, row) || directory_say_fault(directory, ret_error);
}

void directory_accounts(struct directory *directory, slice after,
    bool (*visit)(void *context, const struct directory_account *account), void *context)
{
	sqlite3_stmt *row;

	database_clear_fault(directory->database);
	row = database_query(directory->database, QUERY_ACCOUNTS);
	bind_slice(row, 1, after);
	while (database_row(directory->database, row)) {
		struct directory_account account = directory_account_row(row, NULL);

		if (!visit(context, &account))
			break;
	}
	database_done(row);
}
