/* directory/database.c - SQLite underneath the directory.
 *
 * The version of the tables is PRAGMA user_version: the number of migrations
 * that were run. Each runs in a transaction of its own; a version that we do
 * not know is refused, because an older program would misread it.
 *
 * At each opening the WAL is copied into the database, so that it stays small. */
#include "directory/database.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "directory/vfs.h"

struct database {
	struct os *os;
	struct directory_vfs *vfs;      /* NULL: in memory */
	sqlite3 *handle;
	sqlite3_stmt *statements[QUERIES];
	bool faulty;
	char fault[DIRECTORY_ERROR_MAX];
};

/* Account ids are 64 random bits, stored as SQLite's signed 64. Times are in
 * microseconds since 1970. An alias is as many rows as it has targets. */
static const char *const migrations[] = {
	"CREATE TABLE domain ("
	"  name TEXT PRIMARY KEY,"
	"  created INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
	"CREATE TABLE account ("
	"  id INTEGER PRIMARY KEY CHECK (id <> 0),"
	"  address TEXT NOT NULL UNIQUE,"
	"  domain TEXT NOT NULL,"
	"  created INTEGER NOT NULL,"
	"  disabled INTEGER NOT NULL DEFAULT 0,"
	"  quota INTEGER NOT NULL DEFAULT 0) STRICT;"
	"CREATE INDEX account_by_domain ON account (domain, created, id);"
	"CREATE TABLE credential ("
	"  account INTEGER PRIMARY KEY REFERENCES account (id) ON DELETE CASCADE,"
	"  hash TEXT NOT NULL,"
	"  changed INTEGER NOT NULL) STRICT;"
	"CREATE TABLE alias ("
	"  address TEXT NOT NULL,"
	"  target TEXT NOT NULL,"
	"  domain TEXT NOT NULL,"
	"  created INTEGER NOT NULL,"
	"  PRIMARY KEY (address, target)) STRICT, WITHOUT ROWID;"
	"CREATE INDEX alias_by_target ON alias (target);"
	"CREATE INDEX alias_by_domain ON alias (domain);",

	/* Keys that belong to the credential of now; and what this directory alone knows. */
	"CREATE TABLE scram ("
	"  account INTEGER PRIMARY KEY REFERENCES account (id) ON DELETE CASCADE,"
	"  keys TEXT NOT NULL) STRICT;"
	"CREATE TABLE secret ("
	"  name TEXT PRIMARY KEY,"
	"  value TEXT NOT NULL) STRICT, WITHOUT ROWID;"
	"INSERT INTO secret (name, value) VALUES ('salt', hex(randomblob(32)));",
};

enum { VERSION = sizeof(migrations) / sizeof(migrations[0]) };

static const char *const queries[QUERIES] = {
	[QUERY_BEGIN] = "BEGIN IMMEDIATE",
	[QUERY_COMMIT] = "COMMIT",
	[QUERY_ROLLBACK] = "ROLLBACK",
	[QUERY_DOMAIN_HAS] = "SELECT 1 FROM domain WHERE name = ?1",
	[QUERY_DOMAIN_ADD] = "INSERT INTO domain (name, created) VALUES (?1, ?2)",
	[QUERY_DOMAIN_REMOVE] = "DELETE FROM domain WHERE name = ?1",
	[QUERY_DOMAINS] = "SELECT name FROM domain WHERE name > ?1 ORDER BY name",
	[QUERY_DOMAIN_FIRST] = "SELECT name FROM domain ORDER BY created, name LIMIT 1",
	[QUERY_DOMAIN_COUNTS] = "SELECT (SELECT count(*) FROM account WHERE domain = ?1),"
	    " (SELECT count(DISTINCT address) FROM alias WHERE domain = ?1)",
	[QUERY_ACCOUNT_FIND] = "SELECT id, address, created, disabled, quota FROM account"
	    " WHERE address = ?1",
	[QUERY_ACCOUNT_FIRST] = "SELECT id, address, created, disabled, quota FROM account"
	    " WHERE domain = ?1 ORDER BY created, id LIMIT 1",
	[QUERY_ACCOUNT_ADD] = "INSERT INTO account (id, address, domain, created, quota)"
	    " VALUES (?1, ?2, ?3, ?4, ?5)",
	[QUERY_ACCOUNT_REMOVE] = "DELETE FROM account WHERE id = ?1",
	[QUERY_ACCOUNT_DISABLE] = "UPDATE account SET disabled = ?2 WHERE id = ?1",
	[QUERY_ACCOUNT_QUOTA] = "UPDATE account SET quota = ?2 WHERE id = ?1",
	[QUERY_QUOTAS] = "SELECT id, quota FROM account WHERE quota <> 0",
	[QUERY_ACCOUNTS] = "SELECT id, address, created, disabled, quota FROM account"
	    " WHERE address > ?1 ORDER BY address",
	[QUERY_CREDENTIAL] = "SELECT hash FROM credential WHERE account = ?1",
	[QUERY_CREDENTIAL_SET] = "INSERT INTO credential (account, hash, changed)"
	    " VALUES (?1, ?2, ?3) ON CONFLICT (account)"
	    " DO UPDATE SET hash = excluded.hash, changed = excluded.changed",
	[QUERY_SCRAM] = "SELECT keys FROM scram WHERE account = ?1",
	[QUERY_SCRAM_SET] = "INSERT OR REPLACE INTO scram (account, keys) VALUES (?1, ?2)",
	[QUERY_SCRAM_FORGET] = "DELETE FROM scram WHERE account = ?1",
	[QUERY_SECRET] = "SELECT value FROM secret WHERE name = ?1",
	[QUERY_ALIAS_HAS] = "SELECT 1 FROM alias WHERE address = ?1 LIMIT 1",
	[QUERY_ALIAS_TARGETS] = "SELECT target FROM alias WHERE address = ?1 ORDER BY target",
	[QUERY_ALIAS_ADD] = "INSERT OR IGNORE INTO alias (address, target, domain, created)"
	    " VALUES (?1, ?2, ?3, ?4)",
	[QUERY_ALIAS_REMOVE] = "DELETE FROM alias WHERE address = ?1",
	[QUERY_ALIAS_REMOVE_TARGET] = "DELETE FROM alias WHERE address = ?1 AND target = ?2",
	[QUERY_ALIAS_FORGET_TARGET] = "DELETE FROM alias WHERE target = ?1",
	[QUERY_ALIASES_OF] = "SELECT address, target FROM alias WHERE target = ?1"
	    " ORDER BY address",
	[QUERY_ALIASES] = "SELECT address, target FROM alias WHERE address > ?1"
	    " ORDER BY address, target",
};

static void note_fault(struct database *database)
{
	database->faulty = true;
	snprintf(database->fault, sizeof(database->fault), "%s", sqlite3_errmsg(database->handle));
}

static bool execute(struct database *database, const char *sql)
{
	if (sqlite3_exec(database->handle, sql, NULL, NULL, NULL) == SQLITE_OK)
		return true;
	note_fault(database);
	return false;
}

/* A PRAGMA's number, or -1. */
static int64_t read_number(struct database *database, const char *sql)
{
	sqlite3_stmt *statement = NULL;
	int64_t number = -1;

	if (sqlite3_prepare_v2(database->handle, sql, -1, &statement, NULL) == SQLITE_OK &&
	    sqlite3_step(statement) == SQLITE_ROW)
		number = sqlite3_column_int64(statement, 0);
	else
		note_fault(database);
	sqlite3_finalize(statement);
	return number;
}

static bool migrate_one(struct database *database, int64_t version)
{
	char sql[48];

	snprintf(sql, sizeof(sql), "PRAGMA user_version = %lld", (long long)version + 1);
	if (!execute(database, "BEGIN IMMEDIATE"))
		return false;
	if (execute(database, migrations[version]) && execute(database, sql) &&
	    execute(database, "COMMIT"))
		return true;
	if (!sqlite3_get_autocommit(database->handle))
		sqlite3_exec(database->handle, "ROLLBACK", NULL, NULL, NULL);
	return false;
}

static bool migrate(struct database *database, struct directory_error *ret_error)
{
	int64_t version = read_number(database, "PRAGMA user_version");

	if (version > VERSION) {
		snprintf(ret_error->text, sizeof(ret_error->text),
		    "was written by a newer Posthouse (its version is %lld, this program knows"
		    " %d); use that one", (long long)version, VERSION);
		return false;
	}
	while (version >= 0 && version < VERSION && migrate_one(database, version))
		version++;
	if (version == VERSION)
		return true;
	if (version < 0 && !database->faulty)
		snprintf(ret_error->text, sizeof(ret_error->text),
		    "is damaged, or no directory of Posthouse: its version is %lld",
		    (long long)version);
	else
		snprintf(ret_error->text, sizeof(ret_error->text), "%s", database->fault);
	return false;
}

static bool set_up(struct database *database, struct directory_error *ret_error)
{
	/* EXCLUSIVE comes before WAL: then its index needs no shared memory. EXTRA
	 * too: it syncs the folder when the rollback journal of the change to WAL
	 * goes. One that came back after a power cut would undo all since. */
	if (execute(database, "PRAGMA locking_mode = EXCLUSIVE;"
	        "PRAGMA synchronous = EXTRA;"
	        "PRAGMA journal_mode = WAL;"
	        "PRAGMA temp_store = MEMORY;"
	        "PRAGMA foreign_keys = ON;"
	        "PRAGMA trusted_schema = OFF;"
	        "PRAGMA wal_checkpoint(RESTART);"))
		return migrate(database, ret_error);
	snprintf(ret_error->text, sizeof(ret_error->text), "%s", database->fault);
	return false;
}

/* The role was killed: the memory goes, the disk stays as it is. */
static void dropped(void *arg)
{
	struct database *database = arg;

	if (database->vfs)
		directory_vfs_cut(database->vfs);
	database_close(database);
}

struct database *database_open(struct os *os, int dir, const char *file,
    struct directory_error *ret_error)
{
	struct database *database = heap_new(os_heap(os), struct database);
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
	int result;

	database->os = os;
	if (file)
		database->vfs = directory_vfs_create(os, dir);
	heap_on_drop(os_heap(os), dropped, database);
	result = sqlite3_open_v2(file ? file : ":memory:", &database->handle, flags,
	    file ? directory_vfs_name(database->vfs) : NULL);
	if (result == SQLITE_OK && set_up(database, ret_error))
		return database;
	if (result != SQLITE_OK)
		snprintf(ret_error->text, sizeof(ret_error->text), "%s", sqlite3_errstr(result));
	database_close(database);
	return NULL;
}

void database_close(struct database *database)
{
	int result;

	if (database == NULL)
		return;
	heap_cancel_on_drop(os_heap(database->os), dropped, database);
	for (size_t i = 0; i < QUERIES; i++)
		sqlite3_finalize(database->statements[i]);
	result = sqlite3_close(database->handle);
	check(result == SQLITE_OK);
	directory_vfs_destroy(database->vfs);
	heap_free(os_heap(database->os), database);
}

sqlite3_stmt *database_query(struct database *database, enum query query)
{
	sqlite3_stmt **at = &database->statements[query];

	if (*at == NULL) {
		int result = sqlite3_prepare_v3(database->handle, queries[query], -1,
		    SQLITE_PREPARE_PERSISTENT, at, NULL);

		if (result != SQLITE_OK)
			note_fault(database);
	} else {
		sqlite3_reset(*at);
		sqlite3_clear_bindings(*at);
	}
	return *at;
}

void database_done(sqlite3_stmt *statement)
{
	if (statement) {
		sqlite3_reset(statement);
		sqlite3_clear_bindings(statement);
	}
}

void bind_slice(sqlite3_stmt *statement, int at, slice text)
{
	if (statement)
		sqlite3_bind_text(statement, at, text.len ? (const char *)text.ptr : "",
		    (int)text.len, SQLITE_STATIC);
}

void bind_u64(sqlite3_stmt *statement, int at, uint64_t value)
{
	if (statement)
		sqlite3_bind_int64(statement, at, (sqlite3_int64)value);
}

slice column_slice(sqlite3_stmt *statement, int at)
{
	const unsigned char *text = sqlite3_column_text(statement, at);

	return slice_of(text, text ? (size_t)sqlite3_column_bytes(statement, at) : 0);
}

uint64_t column_u64(sqlite3_stmt *statement, int at)
{
	return (uint64_t)sqlite3_column_int64(statement, at);
}

bool database_row(struct database *database, sqlite3_stmt *statement)
{
	int result = statement ? sqlite3_step(statement) : SQLITE_IOERR;

	if (result == SQLITE_ROW)
		return true;
	if (result != SQLITE_DONE && statement)
		note_fault(database);
	return false;
}

bool database_run(struct database *database, sqlite3_stmt *statement)
{
	int result = statement ? sqlite3_step(statement) : SQLITE_IOERR;

	if (result != SQLITE_DONE && statement)
		note_fault(database);
	database_done(statement);
	return result == SQLITE_DONE;
}

int database_changed(struct database *database)
{
	return sqlite3_changes(database->handle);
}

bool database_begin(struct database *database)
{
	return database_run(database, database_query(database, QUERY_BEGIN));
}

bool database_commit(struct database *database)
{
	if (database_run(database, database_query(database, QUERY_COMMIT)))
		return true;
	database_rollback(database);
	return false;
}

void database_rollback(struct database *database)
{
	if (!sqlite3_get_autocommit(database->handle))
		sqlite3_exec(database->handle, "ROLLBACK", NULL, NULL, NULL);
}

const char *database_fault(const struct database *database)
{
	return database->faulty ? database->fault : NULL;
}

void database_clear_fault(struct database *database)
{
	database->faulty = false;
}

bool database_broken(const struct database *database)
{
	return database->vfs && directory_vfs_failed(database->vfs);
}
