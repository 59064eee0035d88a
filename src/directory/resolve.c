/* directory/resolve.c - who is a recipient?
 *
 * An account, or an address of another host: a target whose account is 0.
 *
 * A walk over addresses: each is looked at once, an alias adds its targets at
 * the end of the list, an account goes into the result. So loops end, and the
 * list, its depth and the result are bounded by ALIAS_STEPS_MAX,
 * ALIAS_DEPTH_MAX and RECIPIENT_TARGETS_MAX. Edges ask at each RCPT: results
 * are kept by the recipient as written until anything changes. */
#include <string.h>

#include "base/check.h"
#include "base/limits.h"
#include "directory/directory_impl.h"

struct step {
	struct step *next;
	slice key, local, domain, written;
	unsigned depth;
};

struct walk {
	struct directory *directory;
	struct arena *arena;
	struct step *first, *last;
	size_t n_steps;
	struct table seen;              /* the steps by key */
	struct seal_target *targets;
	size_t n_targets;
	bool matched, disabled, too_many;
};

struct cached {
	slice recipient;
	enum directory_verdict verdict;
	size_t n_targets;
	struct seal_target targets[];   /* and the bytes of all slices behind them */
};

static void add_step(struct walk *walk, struct step step)
{
	struct step *added;

	if (walk->n_steps == ALIAS_STEPS_MAX || step.depth > ALIAS_DEPTH_MAX) {
		walk->too_many = true;
		return;
	}
	added = arena_new(walk->arena, struct step, 1);
	*added = step;
	if (walk->last)
		walk->last->next = added;
	else
		walk->first = added;
	walk->last = added;
	walk->n_steps++;
	table_put(&walk->seen, added->key, added);
}

static void add_account(struct walk *walk, const struct directory_account *account,
    slice delivered_to)
{
	walk->matched = true;
	if (account->disabled) {
		walk->disabled = true;
		return;
	}
	for (size_t i = 0; i < walk->n_targets; i++) {
		if (walk->targets[i].account == account->id)
			return;
	}
	if (walk->n_targets == RECIPIENT_TARGETS_MAX) {
		walk->too_many = true;
		return;
	}
	if (delivered_to.len > SEALED_ADDRESS_MAX)
		delivered_to = account->address;
	walk->targets[walk->n_targets++] = (struct seal_target){ account->id, delivered_to };
}

/* For the relay, when mail goes to other hosts at all. */
static void add_remote(struct walk *walk, slice address)
{
	if (!walk->directory->relay)
		return;
	for (size_t i = 0; i < walk->n_targets; i++) {
		if (walk->targets[i].account == 0 &&
		    slice_equal(walk->targets[i].delivered_to, address))
			return;
	}
	if (walk->n_targets == RECIPIENT_TARGETS_MAX)
		walk->too_many = true;
	else
		walk->targets[walk->n_targets++] = (struct seal_target){ 0, address };
}

/* Targets are stored in normal form: no need to parse them. */
static bool follow_alias(struct walk *walk, slice key, unsigned depth)
{
	struct database *database = walk->directory->database;
	sqlite3_stmt *row = database_query(database, QUERY_ALIAS_TARGETS);
	bool found = false;

	bind_slice(row, 1, key);
	while (!walk->too_many && database_row(database, row)) {
		slice target = column_slice(row, 0);
		size_t at = slice_find_last_byte(target, '@');

		found = true;
		if (at == target.len || target.len > SEALED_ADDRESS_MAX)
			continue;               /* not by us: an edited database */
		if (table_get(&walk->seen, target))
			continue;
		target = slice_copy(walk->arena, target);
		if (!directory_serves(walk->directory, slice_drop(target, at + 1))) {
			add_remote(walk, target);
			continue;
		}
		add_step(walk, (struct step){
			.key = target, .local = slice_head(target, at),
			.domain = slice_drop(target, at + 1), .written = target,
			.depth = depth + 1,
		});
	}
	database_done(row);
	walk->matched |= found;
	return found;
}

static bool first_account(struct walk *walk, slice domain, struct directory_account *ret_account)
{
	struct database *database = walk->directory->database;
	sqlite3_stmt *row = database_query(database, QUERY_ACCOUNT_FIRST);
	bool found;

	bind_slice(row, 1, domain);
	found = database_row(database, row);
	if (found)
		*ret_account = directory_account_row(row, walk->arena);
	database_done(row);
	return found;
}

/* local@domain, which is a step's key without details, so it fits. */
static slice join(slice local, slice domain, unsigned char ret_text[SEALED_ADDRESS_MAX])
{
	check(local.len + 1 + domain.len <= SEALED_ADDRESS_MAX);
	memcpy(ret_text, local.ptr, local.len);
	ret_text[local.len] = '@';
	memcpy(ret_text + local.len + 1, domain.ptr, domain.len);
	return slice_of(ret_text, local.len + 1 + domain.len);
}

static void look_at(struct walk *walk, const struct step *step)
{
	unsigned char text[SEALED_ADDRESS_MAX];
	struct directory_account account;
	slice local = step->local;

	do {
		slice key = join(local, step->domain, text);

		if (follow_alias(walk, key, step->depth))
			return;
		if (directory_account_by_key(walk->directory, key, walk->arena, &account)) {
			add_account(walk, &account,
			    local.len == step->local.len ? account.address : step->written);
			return;
		}
	} while (name_drop_detail(&local));
	if (slice_equal(local, slice_lit("postmaster")) &&
	    first_account(walk, step->domain, &account))
		add_account(walk, &account, step->written);
}

static enum directory_verdict judge(const struct walk *walk)
{
	if (database_fault(walk->directory->database))
		return DIRECTORY_TEMPORARY;
	if (walk->too_many)
		return DIRECTORY_TOO_MANY_TARGETS;
	if (walk->n_targets > 0)
		return DIRECTORY_OK;
	if (walk->disabled)
		return DIRECTORY_DISABLED;
	return walk->matched ? DIRECTORY_TOO_MANY_TARGETS : DIRECTORY_NO_SUCH_USER;
}

enum directory_verdict directory_walk(struct directory *directory, const struct name *name,
    struct arena *arena, struct seal_target **ret_targets, size_t *ret_n)
{
	struct walk walk = {
		.directory = directory, .arena = arena,
		.seen = table_init(os_heap(directory->os), directory->cache.seed),
		.targets = arena_new(arena, struct seal_target, RECIPIENT_TARGETS_MAX),
	};
	enum directory_verdict verdict;

	database_clear_fault(directory->database);
	add_step(&walk, (struct step){ .key = name->key, .local = name->local,
	    .domain = name->domain, .written = name->written });
	for (struct step *step = walk.first; step && !walk.too_many; step = step->next)
		look_at(&walk, step);
	table_free(&walk.seen);
	verdict = judge(&walk);
	*ret_targets = walk.targets;
	*ret_n = verdict == DIRECTORY_OK ? walk.n_targets : 0;
	return verdict;
}

/* "Postmaster" alone is that of our first domain (RFC 5321 s4.1.1.3). */
static bool complete_postmaster(struct directory *directory, struct arena *arena,
    slice *recipient)
{
	slice domain = { 0 };
	sqlite3_stmt *row;

	if (!slice_equal_ascii(*recipient, slice_lit("postmaster")))
		return true;
	if (directory->n_domains > 0) {
		domain = directory->domains[0];
	} else {
		row = database_query(directory->database, QUERY_DOMAIN_FIRST);
		if (database_row(directory->database, row))
			domain = slice_copy(arena, column_slice(row, 0));
		database_done(row);
	}
	if (domain.len == 0)
		return false;
	*recipient = arena_printf(arena, "postmaster@%.*s", slice_arg(domain));
	return true;
}

static enum directory_verdict look_up(struct directory *directory, slice recipient,
    struct arena *arena, struct seal_target **ret_targets, size_t *ret_n)
{
	struct name name;

	database_clear_fault(directory->database);
	if (!complete_postmaster(directory, arena, &recipient))
		return database_fault(directory->database) ? DIRECTORY_TEMPORARY :
		    DIRECTORY_NO_SUCH_USER;
	if (!name_parse(arena, recipient, &name))
		return DIRECTORY_BAD_ADDRESS;
	if (!directory_serves(directory, name.domain))
		return database_fault(directory->database) ? DIRECTORY_TEMPORARY :
		    DIRECTORY_RELAYING_DENIED;
	return directory_walk(directory, &name, arena, ret_targets, ret_n);
}

static void remember(struct directory *directory, slice recipient,
    enum directory_verdict verdict, const struct seal_target *targets, size_t n)
{
	size_t head = sizeof(struct cached) + n * sizeof(struct seal_target);
	size_t size = head + recipient.len;
	struct cached *cached;
	unsigned char *text;

	if (directory->cache.count >= RECIPIENT_CACHE_MAX)
		directory_forget(directory);
	for (size_t i = 0; i < n; i++)
		size += targets[i].delivered_to.len;
	cached = heap_alloc(os_heap(directory->os), size);
	text = (unsigned char *)cached + head;
	memcpy(text, recipient.ptr, recipient.len);
	cached->recipient = slice_of(text, recipient.len);
	text += recipient.len;
	cached->verdict = verdict;
	cached->n_targets = n;
	for (size_t i = 0; i < n; i++) {
		slice to = targets[i].delivered_to;

		memcpy(text, to.ptr, to.len);
		cached->targets[i] = (struct seal_target){
			targets[i].account, slice_of(text, to.len) };
		text += to.len;
	}
	table_put(&directory->cache, cached->recipient, cached);
}

void directory_forget(struct directory *directory)
{
	struct cached *cached;
	size_t at = 0;

	while ((cached = table_next(&directory->cache, &at)) != NULL)
		heap_free(os_heap(directory->os), cached);
	table_free(&directory->cache);
}

static enum directory_verdict recall(const struct cached *cached, struct arena *arena,
    struct seal_target **ret_targets, size_t *ret_n)
{
	struct seal_target *targets = arena_new(arena, struct seal_target, cached->n_targets + 1);

	for (size_t i = 0; i < cached->n_targets; i++) {
		targets[i].account = cached->targets[i].account;
		targets[i].delivered_to = slice_copy(arena, cached->targets[i].delivered_to);
	}
	*ret_targets = targets;
	*ret_n = cached->n_targets;
	return cached->verdict;
}

/* Somebody of ours sends to an address of another host. */
static enum directory_verdict to_other_host(struct directory *directory, slice recipient,
    struct arena *arena, struct seal_target **ret_targets, size_t *ret_n)
{
	struct name name;

	if (!directory->relay)
		return DIRECTORY_NOT_LOCAL;
	if (!name_parse(arena, recipient, &name) || name.written.len > SEALED_ADDRESS_MAX)
		return DIRECTORY_BAD_ADDRESS;
	*ret_targets = arena_new(arena, struct seal_target, 1);
	**ret_targets = (struct seal_target){ 0, name.written };
	*ret_n = 1;
	return DIRECTORY_OK;
}

enum directory_verdict directory_recipient(struct directory *directory, slice recipient,
    bool submission, struct arena *arena, struct seal_target **ret_targets, size_t *ret_n)
{
	struct arena scratch = arena_init(os_heap(directory->os), DIRECTORY_SCRATCH_MAX);
	struct seal_target *targets = NULL;
	enum directory_verdict verdict;
	struct cached *cached;
	size_t n = 0;

	if (recipient.len == 0 || recipient.len > SEALED_ADDRESS_MAX)
		return DIRECTORY_BAD_ADDRESS;
	cached = table_get(&directory->cache, recipient);
	if (cached == NULL) {
		verdict = look_up(directory, recipient, &scratch, &targets, &n);
		if (verdict == DIRECTORY_TEMPORARY) {
			arena_reset(&scratch);
			return verdict;
		}
		remember(directory, recipient, verdict, targets, n);
		cached = table_get(&directory->cache, recipient);
		check(cached != NULL);
		arena_reset(&scratch);
	}
	verdict = recall(cached, arena, ret_targets, ret_n);
	return verdict == DIRECTORY_RELAYING_DENIED && submission ?
	    to_other_host(directory, recipient, arena, ret_targets, ret_n) : verdict;
}

enum directory_verdict directory_owns(struct directory *directory, uint64_t account,
    slice address, struct arena *scratch)
{
	struct seal_target *targets;
	enum directory_verdict verdict;
	size_t n = 0;

	if (address.len == 0)
		return DIRECTORY_OK;    /* <>: nobody's; notifications carry it (RFC 3461) */
	verdict = directory_recipient(directory, address, true, scratch, &targets, &n);
	if (verdict == DIRECTORY_TEMPORARY || verdict == DIRECTORY_BAD_ADDRESS)
		return verdict;
	for (size_t i = 0; i < n; i++) {
		if (targets[i].account == account)
			return DIRECTORY_OK;
	}
	return DIRECTORY_NOT_OWNER;
}
