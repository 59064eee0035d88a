/* directory/database.h - directory.db: the tables, their migrations, and the
 * prepared statements.
 *
 * Inside directory/ only. All calls block on the disk for a read or a sync;
 * changes are rare. */
#ifndef DIRECTORY_DATABASE_H
#define DIRECTORY_DATABASE_H

#include <sqlite3.h>

#include "directory/directory.h"

struct database;

/* `file` in `dir`, made if it is not there; NULL: in memory, gone at the end.
 * NULL with one line in ret_error. */
struct database *database_open(struct os *os, int dir, const char *file,
    struct directory_error *ret_error);
void database_close(struct database *database);

enum query {
	QUERY_BEGIN, QUERY_COMMIT, QUERY_ROLLBACK,
	QUERY_DOMAIN_HAS, QUERY_DOMAIN_ADD, QUERY_DOMAIN_REMOVE, QUERY_DOMAINS,
	QUERY_DOMAIN_FIRST, QUERY_DOMAIN_COUNTS,
	QUERY_ACCOUNT_FIND, QUERY_ACCOUNT_FIRST, QUERY_ACCOUNT_ADD,
	QUERY_ACCOUNT_REMOVE, QUERY_ACCOUNT_DISABLE, QUERY_ACCOUNTS,
	QUERY_ACCOUNT_QUOTA, QUERY_QUOTAS,
	QUERY_CREDENTIAL, QUERY_CREDENTIAL_SET,
	QUERY_SCRAM, QUERY_SCRAM_SET, QUERY_SCRAM_FORGET, QUERY_SECRET,
	QUERY_ALIAS_HAS, QUERY_ALIAS_TARGETS, QUERY_ALIAS_ADD, QUERY_ALIAS_REMOVE,
	QUERY_ALIAS_REMOVE_TARGET, QUERY_ALIAS_FORGET_TARGET, QUERY_ALIASES,
	QUERY_ALIASES_OF,
	QUERIES
};

/* The statement, reset and without bindings: bind, then step. One use of each
 * at a time. */
sqlite3_stmt *database_query(struct database *database, enum query query);
/* After the last step: lets go of the read or write lock. */
void database_done(sqlite3_stmt *statement);

void bind_slice(sqlite3_stmt *statement, int at, slice text);   /* borrowed until done */
void bind_u64(sqlite3_stmt *statement, int at, uint64_t value);
slice column_slice(sqlite3_stmt *statement, int at);            /* until the next step */
uint64_t column_u64(sqlite3_stmt *statement, int at);

/* One step: a row. False: none, or a fault, which database_fault() tells. */
bool database_row(struct database *database, sqlite3_stmt *statement);
/* Run a change without rows; false is a fault. */
bool database_run(struct database *database, sqlite3_stmt *statement);
int database_changed(struct database *database);        /* rows of the last change */

bool database_begin(struct database *database);
/* Commit: on disk when it returns true. After false nothing happened, except
 * that a failed sync may have left it undecided: see database_broken(). */
bool database_commit(struct database *database);
void database_rollback(struct database *database);

/* Since it was opened a statement failed (not for want of rows). */
const char *database_fault(const struct database *database);    /* NULL: none */
void database_clear_fault(struct database *database);
/* The disk failed: close it and open it again. */
bool database_broken(const struct database *database);

#endif
