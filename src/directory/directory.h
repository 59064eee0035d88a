/* directory/directory.h - domains, accounts, aliases, credentials, and who a
 * recipient is.
 *
 * Kept in directory.db; domains of posthouse.conf are served beside those in it.
 * Addresses are compared by their normal form: local part without quotes and
 * with A-Z lowered, domain in lower-case A-labels. A local part looks for, in
 * this order: itself as an alias, itself as an account, then both without its
 * last "+detail", and so on; "postmaster" at last finds the first account of
 * its domain (RFC 5321 s4.5.1).
 *
 * Everything here runs on the loop: looks are answered from memory or from
 * SQLite's cache; a change waits for the disk, and administrators make few.
 *
 * (1) Account ids are random, never 0 and never used again.
 * (2) A change is on disk when its function returns true.
 * (3) Functions that return bool put one line for people in *ret_error when
 *     they return false, and then changed nothing. */
#ifndef DIRECTORY_DIRECTORY_H
#define DIRECTORY_DIRECTORY_H

#include "base/arena.h"
#include "directory/seal.h"
#include "directory/verdict.h"
#include "os/os.h"

struct directory;

enum {
	DIRECTORY_ERROR_MAX = 512,
	/* What an answer may take of the caller's arena. */
	DIRECTORY_ANSWER_MAX = 64 * 1024,
	/* What a walk over ALIAS_STEPS_MAX addresses takes for itself. */
	DIRECTORY_SCRATCH_MAX = 1024 * 1024,
};

struct directory_error {
	char text[DIRECTORY_ERROR_MAX];
};

/* `file` in `dir` (OS_ROOT or a folder's descriptor, borrowed until close),
 * made if it is not there; NULL: in memory. Nobody else may have it open: the
 * caller holds the lock of the data folder. NULL with one line in *ret_error. */
struct directory *directory_open(struct os *os, int dir, const char *file,
    struct directory_error *ret_error);
/* NULL is allowed. Done by itself, without a touch of the disk, when the heap
 * of `os` is dropped. */
void directory_close(struct directory *directory);

/* The domains of posthouse.conf (normal form); copied. Again at a reload. */
void directory_set_domains(struct directory *directory, const slice *domains, size_t n);
/* Does mail of our users, and of aliases, go to other hosts? No, unless said so. */
void directory_set_relay(struct directory *directory, bool relay);

/* The disk failed under a change: close and open again before the next one. */
bool directory_broken(const struct directory *directory);

/* ---- what is asked ---- */

/* Who is `recipient`, a forward-path without brackets? OK: *ret_targets of
 * `arena` (which has DIRECTORY_ANSWER_MAX left), 1..RECIPIENT_TARGETS_MAX accounts,
 * each once, enabled. submission: asked for somebody who is logged in. */
enum directory_verdict directory_recipient(struct directory *directory, slice recipient,
    bool submission, struct arena *arena, struct seal_target **ret_targets, size_t *ret_n);

/* May the account send as `address` (a reverse-path or From, without brackets)?
 * It may when mail to that address reaches it. Empty (<>): yes. */
enum directory_verdict directory_owns(struct directory *directory, uint64_t account,
    slice address, struct arena *scratch);

/* The limit of what an account may hold: that of mailbox.quota; none, whatever that says. */
#define DIRECTORY_QUOTA_CONFIGURED UINT64_C(0)
#define DIRECTORY_QUOTA_NONE UINT64_MAX

struct directory_account {
	uint64_t id;
	slice address;
	int64_t created_us;             /* since 1970 */
	bool disabled;
	uint64_t quota;                 /* bytes, or one of DIRECTORY_QUOTA_* */
};

/* The account of a login: exactly its address, no alias. OK, NO_SUCH_USER or
 * TEMPORARY; the address is of `arena`. */
enum directory_verdict directory_account_find(struct directory *directory, slice address,
    struct arena *arena, struct directory_account *ret_account);
/* The same for administrators: says what is near when there is none. The
 * account's address is of `arena`. */
bool directory_account_need(struct directory *directory, slice address, struct arena *arena,
    struct directory_account *ret_account, struct directory_error *ret_error);
/* Its password hash, of `arena`; empty when it has none. OK or TEMPORARY. */
enum directory_verdict directory_password_hash(struct directory *directory, uint64_t account,
    struct arena *arena, slice *ret_hash);

/* The keys of its password for SCRAM, as text (auth/scram.h), of `arena`; empty: none. OK or
 * TEMPORARY. */
enum directory_verdict directory_scram_keys(struct directory *directory, uint64_t account,
    struct arena *arena, slice *ret_keys);
/* What only this directory knows, of `arena`: it makes salts for names without keys. OK or
 * TEMPORARY. */
enum directory_verdict directory_salt_secret(struct directory *directory, struct arena *arena,
    slice *ret_secret);

/* ---- what is changed, and lists ---- */

bool directory_domain_add(struct directory *directory, slice name,
    struct directory_error *ret_error);
bool directory_domain_remove(struct directory *directory, slice name,
    struct directory_error *ret_error);

struct directory_domain {
	slice name;
	bool configured;                /* in posthouse.conf */
	uint64_t accounts, aliases;
};

/* Calls visit for each until it returns false: those of posthouse.conf (unless
 * `after` is given), then the others by name, from the first one after `after`.
 * Slices are borrowed until visit returns; it calls nothing of the directory.
 * After this and the lists below: directory_list_whole(). */
void directory_domains(struct directory *directory, slice after,
    bool (*visit)(void *context, const struct directory_domain *domain), void *context);

/* False when the disk failed in the midst of the last list: what was visited is not
 * all that there is. */
bool directory_list_whole(struct directory *directory, struct directory_error *ret_error);

/* hash: as password_hash() makes it, or an imported one (password.h). */
bool directory_account_add(struct directory *directory, slice address, slice hash,
    uint64_t *ret_id, struct directory_error *ret_error);
/* Takes it out of aliases too; *ret_aliases: of how many. */
bool directory_account_remove(struct directory *directory, slice address,
    uint64_t *ret_id, unsigned *ret_aliases, struct directory_error *ret_error);
bool directory_account_disable(struct directory *directory, slice address, bool disabled,
    uint64_t *ret_id, struct directory_error *ret_error);
bool directory_account_quota(struct directory *directory, slice address, uint64_t quota,
    uint64_t *ret_id, struct directory_error *ret_error);
/* Forgets the keys that it had for SCRAM: set those of the new password behind it. */
bool directory_account_password(struct directory *directory, slice address, slice hash,
    uint64_t *ret_id, struct directory_error *ret_error);
bool directory_scram_set(struct directory *directory, uint64_t account, slice keys,
    struct directory_error *ret_error);
/* In order of address, from the first one after `after` (empty: all). */
void directory_accounts(struct directory *directory, slice after,
    bool (*visit)(void *context, const struct directory_account *account), void *context);

/* Those that have a quota of their own, in any order. */
void directory_quotas(struct directory *directory,
    bool (*visit)(void *context, uint64_t account, uint64_t quota), void *context);

/* Targets are local: accounts, aliases, subaddresses of them. Adding to an
 * alias that is there extends it. */
bool directory_alias_add(struct directory *directory, slice address, const slice *targets,
    size_t n, struct directory_error *ret_error);
/* n 0: the whole alias, also where it is a target; otherwise these targets, and
 * the alias with the last. */
bool directory_alias_remove(struct directory *directory, slice address,
    const slice *targets, size_t n, struct directory_error *ret_error);
/* The aliases with `target` among their targets. */
void directory_aliases_of(struct directory *directory, slice target,
    bool (*visit)(void *context, slice address, slice target), void *context);
/* One call a target, in order of address and target. */
void directory_aliases(struct directory *directory, slice after,
    bool (*visit)(void *context, slice address, slice target), void *context);

#endif
