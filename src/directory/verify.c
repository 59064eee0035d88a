/* directory/verify.c - directory.db copied and checked. */
#include "directory/verify.h"

#include <errno.h>
#include <sqlite3.h>
#include <string.h>

#include "base/checksum.h"
#include "base/limits.h"
#include "directory/vfs.h"
#include "directory/wal.h"

enum { COPY_PIECE = 64 * 1024, COPY_TRIES = 20, FAULTS_MAX = 20 };

static const char *const files[] = { DIRECTORY_FILE, DIRECTORY_FILE "-wal" };

/* ---- a copy of one moment ---- */

struct copying {
	struct os *os;
	int from, to;
	unsigned char *piece;
};

/* Copy a file, or only read it (to < 0): *ret_sum tells its bytes and its length.
 * One that is not there is as one without bytes. */
static int copy_file(struct copying *c, const char *name, bool write, uint64_t *ret_sum)
{
	int in = os_open(c->os, c->from, name, OS_READ), out = -1, error = 0;
	struct checksum_stream sum;
	uint64_t at = 0;

	*ret_sum = 0;
	if (write)
		os_unlink(c->os, c->to, name);
	if (in == -ENOENT)
		return 0;
	if (in < 0)
		return in;
	if (write)
		out = os_open(c->os, c->to, name, OS_WRITE | OS_CREATE | OS_EXCLUSIVE);
	error = write && out < 0 ? out : 0;
	checksum_begin(&sum, 0);
	while (error == 0) {
		ssize_t n = os_pread(c->os, in, c->piece, COPY_PIECE, at);

		if (n <= 0) {
			error = (int)n;
			break;
		}
		checksum_add(&sum, slice_of(c->piece, (size_t)n));
		if (write)
			error = os_pwrite(c->os, out, slice_of(c->piece, (size_t)n), at);
		at += (uint64_t)n;
	}
	os_close(c->os, in);
	os_close(c->os, out);
	*ret_sum = checksum_end(&sum) + at;
	return error;
}

/* SQLite writes in an order that a power cut may break off anywhere. So what did
 * not change while it was read twice is what such a cut could have left. */
static int copy_once(struct copying *c, bool *ret_same)
{
	uint64_t first[2] = { 0 }, second[2] = { 0 };
	int error = 0;

	for (size_t i = 0; i < 2 && error == 0; i++)
		error = copy_file(c, files[i], true, &first[i]);
	for (size_t i = 0; i < 2 && error == 0; i++)
		error = copy_file(c, files[i], false, &second[i]);
	*ret_same = first[0] == second[0] && first[1] == second[1];
	return error;
}

int directory_copy(struct os *os, int from, int to)
{
	struct copying c = { .os = os, .from = from, .to = to };
	bool same = false;
	int there = os_open(os, from, DIRECTORY_FILE, OS_READ), error = 0;

	if (there < 0)
		return there;
	os_close(os, there);
	c.piece = heap_alloc(os_heap(os), COPY_PIECE);
	for (int i = 0; i < COPY_TRIES && error == 0 && !same; i++)
		error = copy_once(&c, &same);
	heap_free(os_heap(os), c.piece);
	return error != 0 ? error : same ? 0 : -EAGAIN;
}

/* ---- the check ---- */

struct check {
	struct finder *finder;
	sqlite3 *handle;
	unsigned faults;
};

static void tell(struct check *c, enum finding_kind kind, const char *text, const char *more)
{
	struct finding finding = { .kind = kind };

	if (c->faults++ < FAULTS_MAX)
		finder_tell(c->finder, &finding, DIRECTORY_FILE, "%s%s", text, more);
}

/* Each row of the answer is a fault, but for one that says "ok". */
static void ask(struct check *c, const char *sql, enum finding_kind kind, const char *text)
{
	sqlite3_stmt *statement = NULL;
	int result = sqlite3_prepare_v2(c->handle, sql, -1, &statement, NULL);

	while (result == SQLITE_OK || result == SQLITE_ROW) {
		const char *said;

		result = sqlite3_step(statement);
		if (result != SQLITE_ROW)
			break;
		said = (const char *)sqlite3_column_text(statement, 0);
		if (said != NULL && strcmp(said, "ok") != 0)
			tell(c, kind, text, said);
	}
	if (result != SQLITE_DONE)
		tell(c, FINDING_DIRECTORY, "the database can't be read: ", sqlite3_errmsg(c->handle));
	sqlite3_finalize(statement);
}

static const struct {
	const char *sql;
	enum finding_kind kind;
	const char *text;
} questions[] = {
	{ "PRAGMA integrity_check(20)", FINDING_DIRECTORY, "the database is damaged: " },
	{ "SELECT 'table ' || \"table\" || ', row ' || rowid FROM pragma_foreign_key_check",
	  FINDING_DIRECTORY, "a row without the account that it belongs to: " },
	{ "SELECT address FROM account WHERE id = 0 OR domain = '' OR"
	  " substr(address, -length(domain) - 1) <> '@' || domain",
	  FINDING_DIRECTORY, "an account whose address and domain differ: " },
	{ "SELECT address FROM alias WHERE domain = '' OR target NOT LIKE '%_@_%' OR"
	  " substr(address, -length(domain) - 1) <> '@' || domain",
	  FINDING_DIRECTORY, "an alias whose address, domain or target is wrong: " },
	{ "SELECT address FROM account WHERE id NOT IN (SELECT account FROM credential)",
	  FINDING_PASSWORD, "an account without a password: " },
};

static void list_accounts(struct check *c, directory_row *row, void *context)
{
	sqlite3_stmt *statement = NULL;

	if (sqlite3_prepare_v2(c->handle, "SELECT id, address FROM account NOT INDEXED", -1,
	    &statement, NULL) == SQLITE_OK) {
		while (sqlite3_step(statement) == SQLITE_ROW) {
			const unsigned char *address = sqlite3_column_text(statement, 1);

			row(context, (uint64_t)sqlite3_column_int64(statement, 0),
			    slice_of(address, address != NULL ?
			    (size_t)sqlite3_column_bytes(statement, 1) : 0));
		}
	}
	sqlite3_finalize(statement);
}

/* Before SQLite opens it: that begins it anew. */
static void check_wal(struct check *c, struct os *os, int dir)
{
	struct finding finding = { .kind = FINDING_DIRECTORY };

	if (wal_is_whole(os, dir, DIRECTORY_FILE "-wal", &finding.from))
		return;
	c->faults++;
	finder_tell(c->finder, &finding, DIRECTORY_FILE "-wal", "the journal of the database is "
	    "damaged from here on: changes behind it are lost, unless it is a power cut that "
	    "broke off the last one");
}

bool directory_verify(struct os *os, int dir, struct finder *finder, directory_row *row,
    void *context)
{
	struct directory_vfs *vfs = directory_vfs_create(os, dir);
	struct check c = { .finder = finder };
	int result;

	check_wal(&c, os, dir);
	result = sqlite3_open_v2(DIRECTORY_FILE, &c.handle, SQLITE_OPEN_READWRITE |
	    SQLITE_OPEN_NOMUTEX, directory_vfs_name(vfs));
	if (result == SQLITE_OK)
		result = sqlite3_exec(c.handle, "PRAGMA locking_mode = EXCLUSIVE;"
		    "PRAGMA trusted_schema = OFF; SELECT count(*) FROM sqlite_schema;", NULL, NULL,
		    NULL);
	if (result == SQLITE_OK) {
		for (size_t i = 0; i < sizeof questions / sizeof *questions; i++)
			ask(&c, questions[i].sql, questions[i].kind, questions[i].text);
		list_accounts(&c, row, context);
	} else {
		tell(&c, FINDING_DIRECTORY, "the database can't be opened: ", sqlite3_errstr(result));
	}
	sqlite3_close(c.handle);
	directory_vfs_destroy(vfs);
	return result == SQLITE_OK;
}
