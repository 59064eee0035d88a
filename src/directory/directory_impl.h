/* directory/directory_impl.h - what the files of directory/ share. */
#ifndef DIRECTORY_DIRECTORY_IMPL_H
#define DIRECTORY_DIRECTORY_IMPL_H

#include "base/table.h"
#include "directory/database.h"
#include "directory/directory.h"
#include "directory/name.h"

struct directory {
	struct os *os;
	struct database *database;
	struct arena domain_arena;
	slice *domains;                 /* of posthouse.conf */
	size_t n_domains;
	bool relay;                     /* mail goes to other hosts, too */
	struct table cache;             /* resolve.c: recipient as written -> struct cached */
};

/* Fill *ret_error and return false. */
bool directory_say(struct directory_error *ret_error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The same for what was not found; unless the database could not be read: then it
 * may be there, and the fault is told. */
bool directory_say_missing(struct directory *directory, struct directory_error *ret_error,
    const char *format, ...) __attribute__((format(printf, 3, 4)));
/* The same for a fault of the database. */
bool directory_say_fault(struct directory *directory, struct directory_error *ret_error);

/* Parse an address of an administrator; false with a line. `domain` served? */
bool directory_name(struct directory *directory, struct arena *arena, slice text,
    struct name *ret_name, struct directory_error *ret_error);
bool directory_is_configured(const struct directory *directory, slice domain);
bool directory_serves(struct directory *directory, slice domain);

/* By id or key; slices of `arena`. */
bool directory_account_by_key(struct directory *directory, slice key, struct arena *arena,
    struct directory_account *ret_account);
struct directory_account directory_account_row(sqlite3_stmt *row, struct arena *arena);

/* Forget all look-ups: something changed. */
void directory_forget(struct directory *directory);

/* Follow one address from the database, past the cache. */
enum directory_verdict directory_walk(struct directory *directory, const struct name *name,
    struct arena *arena, struct seal_target **ret_targets, size_t *ret_n);

#endif
