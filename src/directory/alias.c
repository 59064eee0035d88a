/* directory/alias.c - aliases: addresses that lead to others, here or elsewhere. */
#include "base/check.h"
#include "base/limits.h"
#include "directory/directory_impl.h"

static bool alias_there(struct directory *directory, slice key)
{
	sqlite3_stmt *row = database_query(directory->database, QUERY_ALIAS_HAS);
	bool found;

	bind_slice(row, 1, key);
	found = database_row(directory->database, row);
	database_done(row);
	return found;
}

/* Does mail to this address find anybody? Also when it is disabled. */
static bool check_target(struct directory *directory, struct arena *arena, slice text,
    struct name *ret_name, struct directory_error *ret_error)
{
	struct seal_target *targets;
	size_t n;

	if (!directory_name(directory, arena, text, ret_name, ret_error))
		return false;
	if (!directory_serves(directory, ret_name->domain)) {
		if (directory->relay && database_fault(directory->database) == NULL)
			return true;
		return directory_say_missing(directory, ret_error, "%.*s is not here, and mail"
		    " does not go to other hosts (relay = no in posthouse.conf)",
		    slice_arg(ret_name->key));
	}
	switch (directory_walk(directory, ret_name, arena, &targets, &n)) {
	case DIRECTORY_TEMPORARY:
		return directory_say_fault(directory, ret_error);
	case DIRECTORY_NO_SUCH_USER:
		return directory_say_missing(directory, ret_error, "no account or alias %.*s;"
		    " add it first", slice_arg(ret_name->key));
	default:
		return true;
	}
}

static bool insert_targets(struct directory *directory, const struct name *alias,
    const slice *targets, size_t n, struct directory_error *ret_error)
{
	struct database *database = directory->database;

	for (size_t i = 0; i < n; i++) {
		struct arena scratch = arena_init(os_heap(directory->os), DIRECTORY_SCRATCH_MAX);
		struct name target;
		bool done = check_target(directory, &scratch, targets[i], &target, ret_error);

		if (done) {
			sqlite3_stmt *row = database_query(database, QUERY_ALIAS_ADD);

			bind_slice(row, 1, alias->key);
			bind_slice(row, 2, target.key);
			bind_slice(row, 3, alias->domain);
			bind_u64(row, 4, (uint64_t)os_wall_us(directory->os));
			done = database_run(database, row) ||
			    directory_say_fault(directory, ret_error);
		}
		arena_reset(&scratch);
		if (!done)
			return false;
	}
	return true;
}

/* With its new targets, does it still lead somewhere? */
static bool check_whole(struct directory *directory, const struct name *alias,
    struct arena *arena, struct directory_error *ret_error)
{
	struct seal_target *targets;
	size_t n;

	switch (directory_walk(directory, alias, arena, &targets, &n)) {
	case DIRECTORY_OK:
	case DIRECTORY_DISABLED:
		return true;
	case DIRECTORY_TEMPORARY:
		return directory_say_fault(directory, ret_error);
	default:
		return directory_say(ret_error, "alias %.*s would lead to itself, or to more than"
		    " %d accounts", slice_arg(alias->key), RECIPIENT_TARGETS_MAX);
	}
}

static bool add_alias(struct directory *directory, const struct name *alias,
    struct arena *arena, const slice *targets, size_t n, struct directory_error *ret_error)
{
	struct directory_account account;

	if (!directory_serves(directory, alias->domain))
		return directory_say_missing(directory, ret_error, "domain %.*s is not served"
		    " here; add it first:"
		    " posthouse domain add %.*s", slice_arg(alias->domain),
		    slice_arg(alias->domain));
	if (directory_account_by_key(directory, alias->key, arena, &account))
		return directory_say(ret_error, "%.*s is an account; an alias needs another name",
		    slice_arg(alias->key));
	if (database_fault(directory->database) != NULL)
		return directory_say_fault(directory, ret_error);
	if (!database_begin(directory->database))
		return directory_say_fault(directory, ret_error);
	if (insert_targets(directory, alias, targets, n, ret_error) &&
	    check_whole(directory, alias, arena, ret_error)) {
		if (database_commit(directory->database)) {
			directory_forget(directory);
			return true;
		}
		directory_say_fault(directory, ret_error);
	}
	database_rollback(directory->database);
	return false;
}

bool directory_alias_add(struct directory *directory, slice address, const slice *targets,
    size_t n, struct directory_error *ret_error)
{
	struct arena arena = arena_init(os_heap(directory->os), 2 * DIRECTORY_SCRATCH_MAX);
	struct name alias;
	bool done;

	check(n > 0 && n <= RECIPIENT_TARGETS_MAX);
	database_clear_fault(directory->database);
	done = directory_name(directory, &arena, address, &alias, ret_error) &&
	    add_alias(directory, &alias, &arena, targets, n, ret_error);
	arena_reset(&arena);
	return done;
}

static bool remove_target(struct directory *directory, const struct name *alias,
    struct arena *arena, slice text, struct directory_error *ret_error)
{
	struct name target;
	sqlite3_stmt *row;

	if (!directory_name(directory, arena, text, &target, ret_error))
		return false;
	row = database_query(directory->database, QUERY_ALIAS_REMOVE_TARGET);
	bind_slice(row, 1, alias->key);
	bind_slice(row, 2, target.key);
	if (!database_run(directory->database, row))
		return directory_say_fault(directory, ret_error);
	if (database_changed(directory->database) == 0)
		return directory_say(ret_error, "alias %.*s does not lead to %.*s",
		    slice_arg(alias->key), slice_arg(target.key));
	return true;
}

static bool remove_targets(struct directory *directory, const struct name *alias,
    struct arena *arena, const slice *targets, size_t n, struct directory_error *ret_error)
{
	sqlite3_stmt *row;

	if (n == 0) {
		row = database_query(directory->database, QUERY_ALIAS_REMOVE);
		bind_slice(row, 1, alias->key);
		if (!database_run(directory->database, row))
			return directory_say_fault(directory, ret_error);
		row = database_query(directory->database, QUERY_ALIAS_FORGET_TARGET);
		bind_slice(row, 1, alias->key);
		return database_run(directory->database, row) ||
		    directory_say_fault(directory, ret_error);
	}
	for (size_t i = 0; i < n; i++) {
		if (!remove_target(directory, alias, arena, targets[i], ret_error))
			return false;
	}
	return true;
}

static bool remove_alias(struct directory *directory, const struct name *alias,
    struct arena *arena, const slice *targets, size_t n, struct directory_error *ret_error)
{
	if (!alias_there(directory, alias->key))
		return directory_say_missing(directory, ret_error, "no alias %.*s; 'posthouse alias"
		    " list' shows them", slice_arg(alias->key));
	if (!database_begin(directory->database))
		return directory_say_fault(directory, ret_error);
	if (remove_targets(directory, alias, arena, targets, n, ret_error)) {
		if (database_commit(directory->database)) {
			directory_forget(directory);
			return true;
		}
		directory_say_fault(directory, ret_error);
	}
	database_rollback(directory->database);
	return false;
}

bool directory_alias_remove(struct directory *directory, slice address,
    const slice *targets, size_t n, struct directory_error *ret_error)
{
	struct arena arena = arena_init(os_heap(directory->os), DIRECTORY_SCRATCH_MAX);
	struct name alias;
	bool done;

	check(n <= RECIPIENT_TARGETS_MAX);
	database_clear_fault(directory->database);
	done = directory_name(directory, &arena, address, &alias, ret_error) &&
	    remove_alias(directory, &alias, &arena, targets, n, ret_error);
	arena_reset(&arena);
	return done;
}

static void list(struct directory *directory, enum query query, slice bound,
    bool (*visit)(void *context, slice address, slice target), void *context)
{
	sqlite3_stmt *row;

	database_clear_fault(directory->database);
	row = database_query(directory->database, query);
	bind_slice(row, 1, bound);
	while (database_row(directory->database, row)) {
		if (!visit(context, column_slice(row, 0), column_slice(row, 1)))
			break;
	}
	database_done(row);
}

void directory_aliases_of(struct directory *directory, slice target,
    bool (*visit)(void *context, slice address, slice target), void *context)
{
	list(directory, QUERY_ALIASES_OF, target, visit, context);
}

void directory_aliases(struct directory *directory, slice after,
    bool (*visit)(void *context, slice address, slice target), void *context)
{
	list(directory, QUERY_ALIASES, after, visit, context);
}
