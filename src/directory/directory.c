/* directory/directory.c - opening, domains and accounts.
 *
 * Each change is: judge, begin, change, commit, forget the look-ups. Two are
 * never under way at once, since all of it runs in one turn of the loop. */
#include "directory/directory.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/check.h"
#include "base/limits.h"
#include "base/text.h"
#include "directory/directory_impl.h"

bool directory_say(struct directory_error *ret_error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(ret_error->text, sizeof(ret_error->text), format, args);
	va_end(args);
	return false;
}

bool directory_say_fault(struct directory *directory, struct directory_error *ret_error)
{
	const char *fault = database_fault(directory->database);

	return directory_say(ret_error, "directory.db: %s", fault ? fault : "unknown error");
}

struct directory *directory_open(struct os *os, int dir, const char *file,
    struct directory_error *ret_error)
{
	struct database *database = database_open(os, dir, file, ret_error);
	struct directory *directory;

	if (database == NULL)
		return NULL;
	directory = heap_new(os_heap(os), struct directory);
	directory->os = os;
	directory->database = database;
	directory->domain_arena = arena_init(os_heap(os), SIZE_MAX);
	directory->cache = table_init(os_heap(os), os_random_u64(os));
	return directory;
}

void directory_close(struct directory *directory)
{
	if (directory == NULL)
		return;
	directory_forget(directory);
	arena_reset(&directory->domain_arena);
	database_close(directory->database);
	heap_free(os_heap(directory->os), directory);
}

void directory_set_domains(struct directory *directory, const slice *domains, size_t n)
{
	directory_forget(directory);
	arena_reset(&directory->domain_arena);
	directory->n_domains = n;
	directory->domains = arena_new(&directory->domain_arena, slice, n + 1);
	for (size_t i = 0; i < n; i++)
		directory->domains[i] = slice_copy(&directory->domain_arena, domains[i]);
}

bool directory_broken(const struct directory *directory)
{
	return database_broken(directory->database);
}

/* ---- domains ---- */

bool directory_is_configured(const struct directory *directory, slice domain)
{
	for (size_t i = 0; i < directory->n_domains; i++) {
		if (slice_equal(directory->domains[i], domain))
			return true;
	}
	return false;
}

static bool domain_stored(struct directory *directory, slice domain)
{
	sqlite3_stmt *row = database_query(directory->database, QUERY_DOMAIN_HAS);
	bool found;

	bind_slice(row, 1, domain);
	found = database_row(directory->database, row);
	database_done(row);
	return found;
}

bool directory_serves(struct directory *directory, slice domain)
{
	return directory_is_configured(directory, domain) || domain_stored(directory, domain);
}

static bool parse_domain(struct arena *arena, slice name, slice *ret_domain,
    struct directory_error *ret_error)
{
	char shown[128];

	if (name_domain(arena, name, ret_domain))
		return true;
	return directory_say(ret_error, "\"%s\" is not a domain name; write it like example.org",
	    text_printable(name, shown, sizeof(shown)));
}

static bool add_domain(struct directory *directory, slice domain,
    struct directory_error *ret_error)
{
	struct database *database = directory->database;
	sqlite3_stmt *row;

	database_clear_fault(database);
	if (directory_is_configured(directory, domain))
		return directory_say(ret_error, "domain %.*s is served already: it is in"
		    " posthouse.conf", slice_arg(domain));
	if (domain_stored(directory, domain))
		return directory_say(ret_error, "domain %.*s is served already",
		    slice_arg(domain));
	row = database_query(database, QUERY_DOMAIN_ADD);
	bind_slice(row, 1, domain);
	bind_u64(row, 2, (uint64_t)os_wall_us(directory->os));
	if (!database_run(database, row))
		return directory_say_fault(directory, ret_error);
	directory_forget(directory);
	return true;
}

bool directory_domain_add(struct directory *directory, slice name,
    struct directory_error *ret_error)
{
	struct arena arena = arena_init(os_heap(directory->os), DIRECTORY_SCRATCH_MAX);
	slice domain;
	bool done = parse_domain(&arena, name, &domain, ret_error) &&
	    add_domain(directory, domain, ret_error);

	arena_reset(&arena);
	return done;
}

static void count_domain(struct directory *directory, struct directory_domain *domain)
{
	sqlite3_stmt *row = database_query(directory->database, QUERY_DOMAIN_COUNTS);

	bind_slice(row, 1, domain->name);
	if (database_row(directory->database, row)) {
		domain->accounts = column_u64(row, 0);
		domain->aliases = column_u64(row, 1);
	}
	database_done(row);
}

static bool remove_domain(struct directory *directory, slice name,
    struct directory_error *ret_error)
{
	struct database *database = directory->database;
	struct directory_domain domain = { .name = name };
	sqlite3_stmt *row;

	database_clear_fault(database);
	if (directory_is_configured(directory, name))
		return directory_say(ret_error, "domain %.*s is in posthouse.conf; remove it"
		    " there", slice_arg(name));
	if (!domain_stored(directory, name))
		return directory_say(ret_error, "domain %.*s is not served here; 'posthouse"
		    " domain list' shows those that are", slice_arg(name));
	count_domain(directory, &domain);
	if (database_fault(database))
		return directory_say_fault(directory, ret_error);
	if (domain.accounts + domain.aliases > 0)
		return directory_say(ret_error, "domain %.*s still has %llu accounts and %llu"
		    " aliases; remove those first", slice_arg(name),
		    (unsigned long long)domain.accounts, (unsigned long long)domain.aliases);
	row = database_query(database, QUERY_DOMAIN_REMOVE);
	bind_slice(row, 1, name);
	if (!database_run(database, row))
		return directory_say_fault(directory, ret_error);
	directory_forget(directory);
	return true;
}

bool directory_domain_remove(struct directory *directory, slice name,
    struct directory_error *ret_error)
{
	struct arena arena = arena_init(os_heap(directory->os), DIRECTORY_SCRATCH_MAX);
	slice domain;
	bool done = parse_domain(&arena, name, &domain, ret_error) &&
	    remove_domain(directory, domain, ret_error);

	arena_reset(&arena);
	return done;
}

void directory_domains(struct directory *directory,
    bool (*visit)(void *context, const struct directory_domain *domain), void *context)
{
	struct database *database = directory->database;
	bool more = true;
	sqlite3_stmt *row;

	database_clear_fault(database);
	for (size_t i = 0; i < directory->n_domains && more; i++) {
		struct directory_domain domain = { directory->domains[i], true, 0, 0 };

		count_domain(directory, &domain);
		more = visit(context, &domain);
	}
	row = database_query(database, QUERY_DOMAINS);
	while (more && database_row(database, row)) {
		struct directory_domain domain = { column_slice(row, 0), false, 0, 0 };

		if (directory_is_configured(directory, domain.name))
			continue;
		count_domain(directory, &domain);
		more = visit(context, &domain);
	}
	database_done(row);
}

/* ---- accounts ---- */

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

bool directory_account_find(struct directory *directory, slice address, struct arena *arena,
    struct directory_account *ret_account)
{
	struct arena scratch = arena_init(os_heap(directory->os), DIRECTORY_SCRATCH_MAX);
	struct name name;
	bool found;

	database_clear_fault(directory->database);
	found = address.len <= SEALED_ADDRESS_MAX && name_parse(&scratch, address, &name) &&
	    directory_account_by_key(directory, name.key, arena, ret_account);
	arena_reset(&scratch);
	return found;
}

slice directory_password_hash(struct directory *directory, uint64_t account,
    struct arena *arena)
{
	sqlite3_stmt *row = database_query(directory->database, QUERY_CREDENTIAL);
	slice hash = { 0 };

	bind_u64(row, 1, account);
	if (database_row(directory->database, row))
		hash = slice_copy(arena, column_slice(row, 0));
	database_done(row);
	return slice_head(hash, hash.len <= PASSWORD_HASH_MAX ? hash.len : 0);
}

bool directory_name(struct directory *directory, struct arena *arena, slice text,
    struct name *ret_name, struct directory_error *ret_error)
{
	char shown[128];

	if (text.len <= SEALED_ADDRESS_MAX && name_parse(arena, text, ret_name) &&
	    ret_name->plain)
		return true;
	text_printable(text, shown, sizeof(shown));
	if (slice_find_byte(text, '@') == text.len)
		return directory_say(ret_error, "\"%s\" is not a whole address; write it like"
		    " alice@example.org", shown);
	return directory_say(ret_error, "\"%s\" is not an address that can be kept here", shown);
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

/* Find the account of an administrator's word, or say what there is instead. */
static bool need_account(struct directory *directory, struct arena *arena, slice address,
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
		return directory_say(ret_error, "domain %.*s is not served here; add it first:"
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

	if (need_account(directory, &arena, address, &account, ret_error))
		done = finish(directory, database_begin(directory->database) &&
		    delete_account(directory, &account, &aliases), ret_error);
	arena_reset(&arena);
	if (done) {
		*ret_id = account.id;
		*ret_aliases = aliases;
	}
	return done;
}

bool directory_account_disable(struct directory *directory, slice address, bool disabled,
    uint64_t *ret_id, struct directory_error *ret_error)
{
	struct arena arena = arena_init(os_heap(directory->os), DIRECTORY_SCRATCH_MAX);
	struct directory_account account;
	bool done = false;
	sqlite3_stmt *row;

	if (need_account(directory, &arena, address, &account, ret_error)) {
		row = database_query(directory->database, QUERY_ACCOUNT_DISABLE);
		bind_u64(row, 1, account.id);
		bind_u64(row, 2, disabled);
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

bool directory_account_password(struct directory *directory, slice address, slice hash,
    uint64_t *ret_id, struct directory_error *ret_error)
{
	struct arena arena = arena_init(os_heap(directory->os), DIRECTORY_SCRATCH_MAX);
	struct directory_account account;
	bool done = false;

	check(hash.len > 0 && hash.len <= PASSWORD_HASH_MAX);
	if (need_account(directory, &arena, address, &account, ret_error)) {
		done = set_credential(directory, account.id, hash);
		if (!done)
			directory_say_fault(directory, ret_error);
		else
			*ret_id = account.id;
	}
	arena_reset(&arena);
	return done;
}

void directory_accounts(struct directory *directory, slice after,
    bool (*visit)(void *context, const struct directory_account *account), void *context)
{
	sqlite3_stmt *row = database_query(directory->database, QUERY_ACCOUNTS);

	bind_slice(row, 1, after);
	while (database_row(directory->database, row)) {
		struct directory_account account = directory_account_row(row, NULL);

		if (!visit(context, &account))
			break;
	}
	database_done(row);
}
