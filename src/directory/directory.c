/* directory/directory.c - opening, and domains.
 *
 * Each change is: judge, begin, change, commit, forget the look-ups. Two are
 * never under way at once, since all of it runs in one turn of the loop. */
#include "directory/directory.h"

#include <stdarg.h>
#include <stdio.h>

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

bool directory_say_missing(struct directory *directory, struct directory_error *ret_error,
    const char *format, ...)
{
	va_list args;

	if (database_fault(directory->database) != NULL)
		return directory_say_fault(directory, ret_error);
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

void directory_set_relay(struct directory *directory, bool relay)
{
	if (directory->relay != relay)
		directory_forget(directory);
	directory->relay = relay;
}

bool directory_broken(const struct directory *directory)
{
	return database_broken(directory->database);
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
		return directory_say_missing(directory, ret_error, "domain %.*s is not served"
		    " here; 'posthouse domain list' shows those that are", slice_arg(name));
	count_domain(directory, &domain);
	if (database_fault(database))
		return directory_say_fault(directory, ret_error);
	if (domain.accounts + domain.aliases > 0)
		return directory_say(ret_error, "domain %.*s still has accounts (%llu) or"
		    " aliases (%llu); remove those first", slice_arg(name),
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

void directory_domains(struct directory *directory, slice after,
    bool (*visit)(void *context, const struct directory_domain *domain), void *context)
{
	struct database *database = directory->database;
	bool more = true;
	sqlite3_stmt *row;

	database_clear_fault(database);
	for (size_t i = 0; after.len == 0 && i < directory->n_domains && more; i++) {
		struct directory_domain domain = { directory->domains[i], true, 0, 0 };

		count_domain(directory, &domain);
		more = visit(context, &domain);
	}
	row = database_query(database, QUERY_DOMAINS);
	bind_slice(row, 1, after);
	while (more && database_row(database, row)) {
		struct directory_domain domain = { column_slice(row, 0), false, 0, 0 };

		if (directory_is_configured(directory, domain.name))
			continue;
		count_domain(directory, &domain);
		more = visit(context, &domain);
	}
	database_done(row);
}

bool directory_list_whole(struct directory *directory, struct directory_error *ret_error)
{
	return database_fault(directory->database) == NULL ||
	    directory_say_fault(directory, ret_error);
}
