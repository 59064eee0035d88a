/* directory/salvage.c - a new database from what can be read of a damaged one.
 *
 * Tables are read from both ends: a damaged page in the middle stops each way, and
 * what lies behind it comes from the other one. Indexes are not believed. */
#include "directory/verify.h"

#include "base/check.h"
#include "base/limits.h"
#include "directory/database.h"
#include "directory/vfs.h"

struct salvage {
	sqlite3 *from;
	struct database *to;
	uint64_t rows;
};

static bool is_text(sqlite3_stmt *row, int at)
{
	return sqlite3_column_type(row, at) == SQLITE_TEXT &&
	    sqlite3_column_bytes(row, at) > 0 &&
	    sqlite3_column_bytes(row, at) <= PASSWORD_HASH_MAX;
}

/* A row that stands already, or that contradicts others, is no fault. */
static bool put(struct salvage *s, sqlite3_stmt *statement)
{
	bool done = database_run(s->to, statement);

	database_clear_fault(s->to);
	s->rows += done && database_changed(s->to) > 0;
	return done;
}

static void put_domain(struct salvage *s, sqlite3_stmt *row)
{
	sqlite3_stmt *to = database_query(s->to, QUERY_DOMAIN_ADD);

	if (!is_text(row, 0))
		return;
	bind_slice(to, 1, column_slice(row, 0));
	bind_u64(to, 2, column_u64(row, 1));
	put(s, to);
}

static void put_account(struct salvage *s, sqlite3_stmt *row)
{
	sqlite3_stmt *to = database_query(s->to, QUERY_ACCOUNT_ADD);
	uint64_t id = column_u64(row, 0);

	if (id == 0 || !is_text(row, 1) || !is_text(row, 2))
		return;
	bind_u64(to, 1, id);
	bind_slice(to, 2, column_slice(row, 1));
	bind_slice(to, 3, column_slice(row, 2));
	bind_u64(to, 4, column_u64(row, 3));
	bind_u64(to, 5, column_u64(row, 5));
	if (!put(s, to) || column_u64(row, 4) == 0)
		return;
	to = database_query(s->to, QUERY_ACCOUNT_DISABLE);
	bind_u64(to, 1, id);
	bind_u64(to, 2, 1);
	database_run(s->to, to);
}

static void put_credential(struct salvage *s, sqlite3_stmt *row)
{
	sqlite3_stmt *to = database_query(s->to, QUERY_CREDENTIAL_SET);

	if (!is_text(row, 1))
		return;
	bind_u64(to, 1, column_u64(row, 0));
	bind_slice(to, 2, column_slice(row, 1));
	bind_u64(to, 3, column_u64(row, 2));
	put(s, to);
}

static void put_alias(struct salvage *s, sqlite3_stmt *row)
{
	sqlite3_stmt *to = database_query(s->to, QUERY_ALIAS_ADD);

	if (!is_text(row, 0) || !is_text(row, 1) || !is_text(row, 2))
		return;
	for (int i = 0; i < 3; i++)
		bind_slice(to, i + 1, column_slice(row, i));
	bind_u64(to, 4, column_u64(row, 3));
	put(s, to);
}

/* Each table, up and down. */
static const struct {
	const char *sql;
	void (*put)(struct salvage *s, sqlite3_stmt *row);
} reads[] = {
	{ "SELECT name, created FROM domain ORDER BY name", put_domain },
	{ "SELECT name, created FROM domain ORDER BY name DESC", put_domain },
	{ "SELECT id, address, domain, created, disabled, quota FROM account NOT INDEXED"
	  " ORDER BY id", put_account },
	{ "SELECT id, address, domain, created, disabled, quota FROM account NOT INDEXED"
	  " ORDER BY id DESC", put_account },
	{ "SELECT account, hash, changed FROM credential ORDER BY account", put_credential },
	{ "SELECT account, hash, changed FROM credential ORDER BY account DESC",
	  put_credential },
	{ "SELECT address, target, domain, created FROM alias NOT INDEXED"
	  " ORDER BY address, target", put_alias },
	{ "SELECT address, target, domain, created FROM alias NOT INDEXED"
	  " ORDER BY address DESC, target DESC", put_alias },
};

static void read_all(struct salvage *s)
{
	for (size_t i = 0; i < sizeof reads / sizeof *reads; i++) {
		sqlite3_stmt *row = NULL;

		if (sqlite3_prepare_v2(s->from, reads[i].sql, -1, &row, NULL) == SQLITE_OK) {
			while (sqlite3_step(row) == SQLITE_ROW)
				reads[i].put(s, row);
		}
		sqlite3_finalize(row);
	}
}

static bool tell(struct finder *finder, const char *text)
{
	struct finding finding = { .kind = FINDING_DISK };

	finder_tell(finder, &finding, DIRECTORY_FILE, "cannot write a new database: %s", text);
	return false;
}

bool directory_salvage(struct os *os, int from, int to, struct finder *finder,
    uint64_t *ret_rows)
{
	struct directory_vfs *vfs;
	struct directory_error error;
	struct salvage s = { 0 };
	bool done = false;

	s.to = database_open(os, to, DIRECTORY_FILE, &error);
	if (s.to == NULL)
		return tell(finder, error.text);
	vfs = directory_vfs_create(os, from);
	if (database_begin(s.to)) {
		if (sqlite3_open_v2(DIRECTORY_FILE, &s.from, SQLITE_OPEN_READWRITE |
		    SQLITE_OPEN_NOMUTEX, directory_vfs_name(vfs)) == SQLITE_OK &&
		    sqlite3_exec(s.from, "PRAGMA locking_mode = EXCLUSIVE;", NULL, NULL,
		    NULL) == SQLITE_OK)
			read_all(&s);
		sqlite3_close(s.from);
		done = database_commit(s.to);
	}
	directory_vfs_destroy(vfs);
	if (!done)
		tell(finder, database_fault(s.to) != NULL ? database_fault(s.to) : "?");
	database_close(s.to);
	*ret_rows = s.rows;
	return done;
}

bool directory_readopt(struct os *os, int dir, uint64_t id, slice address, int64_t now_us)
{
	struct directory_error error;
	struct database *database = database_open(os, dir, DIRECTORY_FILE, &error);
	size_t at = slice_find_last_byte(address, '@');
	sqlite3_stmt *row;
	bool done;

	if (database == NULL)
		return false;
	row = database_query(database, QUERY_ACCOUNT_ADD);
	bind_u64(row, 1, id);
	bind_slice(row, 2, address);
	bind_slice(row, 3, at < address.len ? slice_drop(address, at + 1) : address);
	bind_u64(row, 4, (uint64_t)now_us);
	bind_u64(row, 5, 0);
	done = id != 0 && at > 0 && at < address.len && database_run(database, row);
	database_close(database);
	return done;
}
