/* directory/directory_test.c - tables of addresses and who they lead to. */
#include "directory/directory.h"

#include <stdio.h>

#include "base/limits.h"
#include "os/os_impl.h"
#include "unit.h"

/* An os that has a clock and chance, and no disk: the database is in memory. */
struct world {
	struct os os;
	uint64_t random, wall;
	struct arena arena;
	struct directory *directory;
	struct directory_error error;
};

static void count_random(struct os *os, void *buf, size_t n)
{
	memset(buf, (int)++((struct world *)os)->random, n);
}

static int64_t count_wall(struct os *os)
{
	return (int64_t)++((struct world *)os)->wall;
}

static const struct os_ops world_ops = { .random = count_random, .wall_us = count_wall };

static const slice configured[] = {
	slice_lit("alice.example"), slice_lit("xn--bcher-kva.example"),
};

static void add_account(struct world *w, const char *address)
{
	uint64_t id;

	if (!directory_account_add(w->directory, slice_from(address), slice_lit("hash"), &id,
	        &w->error))
		fail_msg("%s: %s", address, w->error.text);
	assert_true(id != 0);
}

static void add_alias(struct world *w, const char *alias, const char *targets)
{
	slice list[8], rest = slice_from(targets);
	size_t n = 0;

	while (rest.len > 0)
		list[n++] = slice_cut(&rest, ' ');
	if (!directory_alias_add(w->directory, slice_from(alias), list, n, &w->error))
		fail_msg("%s: %s", alias, w->error.text);
}

static struct world *world_create(void)
{
	struct world *w = calloc(1, sizeof(*w));

	w->os.ops = &world_ops;
	w->os.heap = heap_create(SIZE_MAX);
	w->arena = arena_init(w->os.heap, 16 << 20);
	w->directory = directory_open(&w->os, OS_ROOT, NULL, &w->error);
	if (!w->directory)
		fail_msg("%s", w->error.text);
	directory_set_domains(w->directory, configured, 2);
	return w;
}

static void world_free(struct world *w)
{
	heap_drop(w->os.heap);
	free(w);
}

static void populate(struct world *w)
{
	assert_true(directory_domain_add(w->directory, slice_lit("Other.Example"), &w->error));
	add_account(w, "Alice@alice.example");
	add_account(w, "bob@ALICE.example");
	add_account(w, "carol@other.example");
	add_account(w, "off@alice.example");
	add_account(w, "j\xc3\xb6rg@b\xc3\xbc" "cher.example");
	add_alias(w, "team@alice.example", "alice@alice.example bob@alice.example");
	add_alias(w, "all@alice.example", "team@alice.example carol@other.example");
	add_alias(w, "alice+x@alice.example", "bob@alice.example");
	add_alias(w, "list@alice.example", "alice+list@alice.example");
	add_alias(w, "mixed@alice.example", "off@alice.example bob@alice.example");
	add_alias(w, "dead@alice.example", "off@alice.example");
	add_alias(w, "postmaster@other.example", "alice@alice.example");
	uint64_t id;
	assert_true(directory_account_disable(w->directory, slice_lit("off@alice.example"), true,
	    &id, &w->error));
}

/* "address address" of the targets in order. */
static const char *targets_text(struct world *w, const struct seal_target *targets, size_t n)
{
	static char text[1024];
	size_t len = 0;

	text[0] = '\0';
	for (size_t i = 0; i < n; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%.*s", i ? " " : "",
		    slice_arg(targets[i].delivered_to));
	return text;
}

static const struct {
	const char *recipient;
	enum directory_verdict verdict;
	const char *targets;
} recipients[] = {
	{ "alice@alice.example", DIRECTORY_OK, "alice@alice.example" },
	{ "ALICE@Alice.EXAMPLE", DIRECTORY_OK, "alice@alice.example" },
	{ "\"alice\"@alice.example", DIRECTORY_OK, "alice@alice.example" },
	{ "alice+news@alice.example", DIRECTORY_OK, "alice+news@alice.example" },
	{ "Alice+News@alice.example", DIRECTORY_OK, "Alice+News@alice.example" },
	{ "alice+a+b@alice.example", DIRECTORY_OK, "alice+a+b@alice.example" },
	{ "alice+x@alice.example", DIRECTORY_OK, "bob@alice.example" },
	{ "alice+x+y@alice.example", DIRECTORY_OK, "bob@alice.example" },
	{ "+alice@alice.example", DIRECTORY_NO_SUCH_USER, "" },
	{ "alic@alice.example", DIRECTORY_NO_SUCH_USER, "" },
	{ "team@alice.example", DIRECTORY_OK, "alice@alice.example bob@alice.example" },
	{ "team+now@alice.example", DIRECTORY_OK, "alice@alice.example bob@alice.example" },
	{ "all@alice.example", DIRECTORY_OK,
	    "carol@other.example alice@alice.example bob@alice.example" },
	{ "list@alice.example", DIRECTORY_OK, "alice+list@alice.example" },
	{ "off@alice.example", DIRECTORY_DISABLED, "" },
	{ "off+x@alice.example", DIRECTORY_DISABLED, "" },
	{ "dead@alice.example", DIRECTORY_DISABLED, "" },
	{ "mixed@alice.example", DIRECTORY_OK, "bob@alice.example" },
	{ "postmaster@alice.example", DIRECTORY_OK, "postmaster@alice.example" },
	{ "PostMaster@alice.example", DIRECTORY_OK, "PostMaster@alice.example" },
	{ "Postmaster", DIRECTORY_OK, "postmaster@alice.example" },
	{ "postmaster@other.example", DIRECTORY_OK, "alice@alice.example" },
	{ "postmaster@elsewhere.example", DIRECTORY_RELAYING_DENIED, "" },
	{ "carol@other.example", DIRECTORY_OK, "carol@other.example" },
	{ "carol@alice.example", DIRECTORY_NO_SUCH_USER, "" },
	{ "j\xc3\xb6rg@b\xc3\xbc" "cher.example", DIRECTORY_OK,
	    "j\xc3\xb6rg@xn--bcher-kva.example" },
	{ "J\xc3\xb6rg@xn--bcher-kva.example", DIRECTORY_OK,
	    "j\xc3\xb6rg@xn--bcher-kva.example" },
	{ "eve@example.org", DIRECTORY_RELAYING_DENIED, "" },
	{ "alice@[127.0.0.1]", DIRECTORY_RELAYING_DENIED, "" },
	{ "alice", DIRECTORY_BAD_ADDRESS, "" },
	{ "alice@", DIRECTORY_BAD_ADDRESS, "" },
	{ "@alice.example", DIRECTORY_BAD_ADDRESS, "" },
	{ "", DIRECTORY_BAD_ADDRESS, "" },
	{ "\"\"@alice.example", DIRECTORY_BAD_ADDRESS, "" },
	{ "\"team@alice.example\"@alice.example", DIRECTORY_NO_SUCH_USER, "" },
};

/* Twice: from the database, then from memory. */
static void finds_recipients(void **state)
{
	struct world *w = world_create();

	populate(w);
	for (unsigned round = 0; round < 2; round++) {
		for (size_t i = 0; i < sizeof(recipients) / sizeof(recipients[0]); i++) {
			slice recipient = guarded_copy(slice_from(recipients[i].recipient));
			struct seal_target *targets;
			size_t n = 0;
			enum directory_verdict verdict = directory_recipient(w->directory,
			    recipient, false, &w->arena, &targets, &n);

			if (verdict != recipients[i].verdict ||
			    strcmp(targets_text(w, targets, n), recipients[i].targets) != 0)
				fail_msg("%s: %s \"%s\"", recipients[i].recipient,
				    directory_verdict_row(verdict)->name,
				    targets_text(w, targets, n));
			guarded_free(recipient);
		}
	}
	world_free(w);
}

static enum directory_verdict ask(struct world *w, const char *recipient, size_t *ret_n)
{
	struct seal_target *targets;

	*ret_n = 0;
	return directory_recipient(w->directory, slice_from(recipient), false, &w->arena,
	    &targets, ret_n);
}

/* What was asked before a change is not what is answered after it. */
static void forgets_at_each_change(void **state)
{
	struct world *w = world_create();
	slice bob = slice_lit("bob@alice.example");
	unsigned aliases;
	uint64_t id, again;
	size_t n;

	assert_int_equal(ask(w, "bob@alice.example", &n), DIRECTORY_NO_SUCH_USER);
	add_account(w, "bob@alice.example");
	assert_int_equal(ask(w, "bob@alice.example", &n), DIRECTORY_OK);
	assert_true(directory_account_disable(w->directory, bob, true, &id, &w->error));
	assert_int_equal(ask(w, "bob@alice.example", &n), DIRECTORY_DISABLED);
	assert_true(directory_account_disable(w->directory, bob, false, &id, &w->error));
	add_alias(w, "robert@alice.example", "bob@alice.example");
	assert_int_equal(ask(w, "robert@alice.example", &n), DIRECTORY_OK);
	assert_true(directory_account_remove(w->directory, bob, &again, &aliases, &w->error));
	assert_true(again == id);
	assert_int_equal(aliases, 1);
	assert_int_equal(ask(w, "robert@alice.example", &n), DIRECTORY_NO_SUCH_USER);
	assert_int_equal(ask(w, "x@new.example", &n), DIRECTORY_RELAYING_DENIED);
	assert_true(directory_domain_add(w->directory, slice_lit("new.example"), &w->error));
	assert_int_equal(ask(w, "x@new.example", &n), DIRECTORY_NO_SUCH_USER);
	assert_true(directory_domain_remove(w->directory, slice_lit("new.example"), &w->error));
	assert_int_equal(ask(w, "x@new.example", &n), DIRECTORY_RELAYING_DENIED);
	directory_set_domains(w->directory, NULL, 0);
	assert_int_equal(ask(w, "bob@alice.example", &n), DIRECTORY_RELAYING_DENIED);
	assert_int_equal(ask(w, "postmaster", &n), DIRECTORY_NO_SUCH_USER);
	world_free(w);
}

static void owns_what_reaches_it(void **state)
{
	static const struct {
		const char *address;
		enum directory_verdict alice, bob;
	} cases[] = {
		{ "", DIRECTORY_OK, DIRECTORY_OK },
		{ "alice@alice.example", DIRECTORY_OK, DIRECTORY_NOT_OWNER },
		{ "Alice+any@alice.example", DIRECTORY_OK, DIRECTORY_NOT_OWNER },
		{ "alice+x@alice.example", DIRECTORY_NOT_OWNER, DIRECTORY_OK },
		{ "team@alice.example", DIRECTORY_OK, DIRECTORY_OK },
		{ "postmaster@alice.example", DIRECTORY_OK, DIRECTORY_NOT_OWNER },
		{ "alice@example.org", DIRECTORY_NOT_OWNER, DIRECTORY_NOT_OWNER },
		{ "nobody@alice.example", DIRECTORY_NOT_OWNER, DIRECTORY_NOT_OWNER },
		{ "alice", DIRECTORY_BAD_ADDRESS, DIRECTORY_BAD_ADDRESS },
	};
	struct world *w = world_create();
	struct directory_account alice, bob;
	slice hash;

	populate(w);
	assert_int_equal(directory_account_find(w->directory, slice_lit("ALICE@alice.example"),
	    &w->arena, &alice), DIRECTORY_OK);
	assert_int_equal(directory_account_find(w->directory, slice_lit("bob@alice.example"),
	    &w->arena, &bob), DIRECTORY_OK);
	assert_slice(alice.address, slice_lit("alice@alice.example"));
	assert_int_equal(directory_password_hash(w->directory, alice.id, &w->arena, &hash),
	    DIRECTORY_OK);
	assert_slice(hash, slice_lit("hash"));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		slice address = slice_from(cases[i].address);

		if (directory_owns(w->directory, alice.id, address, &w->arena) != cases[i].alice ||
		    directory_owns(w->directory, bob.id, address, &w->arena) != cases[i].bob)
			fail_msg("%s", cases[i].address);
	}
	assert_int_equal(directory_account_find(w->directory, slice_lit("team@alice.example"),
	    &w->arena, &alice), DIRECTORY_NO_SUCH_USER);
	world_free(w);
}

struct change {
	const char *what;               /* a: account, r: its removal, A: alias, R, d: domain, D */
	const char *address, *targets;
	const char *error;              /* how its line begins; NULL: it is done */
};

static const struct change changes[] = {
	{ "a", "alice@alice.example", NULL, "account alice@alice.example is there already" },
	{ "a", "Alice@ALICE.example", NULL, "account alice@alice.example is there already" },
	{ "a", "team@alice.example", NULL, "team@alice.example is an alias; remove that first" },
	{ "a", "eve@example.org", NULL, "domain example.org is not served here; add it first: "
	    "posthouse domain add example.org" },
	{ "a", "eve", NULL, "\"eve\" is not a whole address; write it like" },
	{ "a", "e ve@alice.example", NULL, "\"e ve@alice.example\" is not an address" },
	{ "a", "\"e ve\"@alice.example", NULL, "\"\"e ve\"@alice.example\" is not an address" },
	{ "r", "alcie@alice.example", NULL, "no account alcie@alice.example; did you mean "
	    "alice@alice.example?" },
	{ "r", "zzzzzz@alice.example", NULL, "no account zzzzzz@alice.example; 'posthouse" },
	{ "A", "x@alice.example", "nobody@alice.example", "no account or alias nobody@alice.ex" },
	{ "A", "x@alice.example", "x@alice.example", "no account or alias x@alice.example" },
	{ "A", "x@alice.example", "eve@example.org", "eve@example.org is not here, and mail does not go" },
	{ "A", "x@example.org", "alice@alice.example", "domain example.org is not served" },
	{ "A", "alice@alice.example", "bob@alice.example", "alice@alice.example is an account" },
	{ "A", "x@alice.example", "alice@alice.example nobody@alice.example", "no account or" },
	{ "R", "x@alice.example", NULL, "no alias x@alice.example; 'posthouse alias list'" },
	{ "R", "team@alice.example", "carol@other.example", "alias team@alice.example does not" },
	{ "R", "team@alice.example", "bob@alice.example", NULL },
	{ "R", "team@alice.example", "alice@alice.example", NULL },
	{ "R", "team@alice.example", NULL, "no alias team@alice.example" },
	{ "d", "alice.example", NULL, "domain alice.example is served already: it is in post" },
	{ "d", "other.example", NULL, "domain other.example is served already" },
	{ "d", "-x-", NULL, "\"-x-\" is not a domain name" },
	{ "d", "[127.0.0.1]", NULL, "\"[127.0.0.1]\" is not a domain name" },
	{ "D", "alice.example", NULL, "domain alice.example is in posthouse.conf; remove it" },
	{ "D", "nowhere.example", NULL, "domain nowhere.example is not served here" },
	{ "D", "other.example", NULL, "domain other.example still has accounts (1) or aliases (1" },
};

static bool run_change(struct world *w, const struct change *change)
{
	slice address = slice_from(change->address), targets = slice_from(change->targets);
	slice list[8];
	unsigned aliases;
	uint64_t id;
	size_t n = 0;

	while (targets.len > 0)
		list[n++] = slice_cut(&targets, ' ');
	switch (change->what[0]) {
	case 'a':
		return directory_account_add(w->directory, address, slice_lit("h"), &id, &w->error);
	case 'r':
		return directory_account_remove(w->directory, address, &id, &aliases, &w->error);
	case 'A':
		return directory_alias_add(w->directory, address, list, n, &w->error);
	case 'R':
		return directory_alias_remove(w->directory, address, list, n, &w->error);
	case 'd':
		return directory_domain_add(w->directory, address, &w->error);
	default:
		return directory_domain_remove(w->directory, address, &w->error);
	}
}

static void refuses_wrong_changes(void **state)
{
	struct world *w = world_create();
	size_t n;

	populate(w);
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		const struct change *c = &changes[i];
		bool done = run_change(w, c);

		if (done != (c->error == NULL))
			fail_msg("%s %s: %s", c->what, c->address, done ? "done" : w->error.text);
		if (c->error && strncmp(w->error.text, c->error, strlen(c->error)) != 0)
			fail_msg("%s %s: \"%s\"", c->what, c->address, w->error.text);
	}
	/* A half-done alias was undone. */
	assert_int_equal(ask(w, "x@alice.example", &n), DIRECTORY_NO_SUCH_USER);
	world_free(w);
}

static void ends_loops_and_pyramids(void **state)
{
	struct world *w = world_create();
	char from[64], to[64], error[128];
	slice target;
	size_t n;

	add_account(w, "alice@alice.example");
	add_alias(w, "a0@alice.example", "alice@alice.example");
	for (unsigned i = 1; i <= ALIAS_DEPTH_MAX; i++) {
		snprintf(from, sizeof(from), "a%u@alice.example", i);
		snprintf(to, sizeof(to), "a%u@alice.example", i - 1);
		target = slice_from(to);
		if (i < ALIAS_DEPTH_MAX)
			assert_true(directory_alias_add(w->directory, slice_from(from), &target, 1,
			    &w->error));
		else
			assert_false(directory_alias_add(w->directory, slice_from(from), &target, 1,
			    &w->error));
	}
	/* A loop with a way out: a0 -> alice, a0 -> a5 -> ... -> a0. */
	add_alias(w, "a0@alice.example", "a5@alice.example");
	assert_int_equal(ask(w, "a0@alice.example", &n), DIRECTORY_OK);
	assert_int_equal(n, 1);
	/* Without one it is refused at RCPT. */
	target = slice_lit("alice@alice.example");
	assert_true(directory_alias_remove(w->directory, slice_lit("a0@alice.example"), &target, 1,
	    &w->error));
	assert_int_equal(ask(w, "a0@alice.example", &n), DIRECTORY_TOO_MANY_TARGETS);

	/* One target too many. */
	for (unsigned i = 0; i <= RECIPIENT_TARGETS_MAX; i++) {
		snprintf(to, sizeof(to), "user%u@alice.example", i);
		add_account(w, to);
		target = slice_from(to);
		assert_int_equal(directory_alias_add(w->directory, slice_lit("big@alice.example"),
		    &target, 1, &w->error), i < RECIPIENT_TARGETS_MAX);
	}
	snprintf(error, sizeof(error), "alias big@alice.example would lead to itself, or to more"
	    " than %d accounts", RECIPIENT_TARGETS_MAX);
	assert_string_equal(w->error.text, error);
	assert_int_equal(ask(w, "big@alice.example", &n), DIRECTORY_OK);
	assert_int_equal(n, RECIPIENT_TARGETS_MAX);
	world_free(w);
}

/* More recipients than the cache holds: it stays bounded and right. */
static void bounds_its_memory(void **state)
{
	struct world *w = world_create();
	char recipient[64];
	size_t before, n;

	add_account(w, "alice@alice.example");
	before = heap_used(w->os.heap);
	for (unsigned i = 0; i < 3 * RECIPIENT_CACHE_MAX; i++) {
		snprintf(recipient, sizeof(recipient), "alice+%u@alice.example", i);
		assert_int_equal(ask(w, recipient, &n), DIRECTORY_OK);
		arena_reset(&w->arena);
	}
	assert_true(heap_used(w->os.heap) - before < RECIPIENT_CACHE_MAX * 512);
	world_free(w);
}

struct listing {
	char text[1024];
	size_t len;
};

static bool list_domain(void *context, const struct directory_domain *domain)
{
	struct listing *l = context;

	l->len += (size_t)snprintf(l->text + l->len, sizeof(l->text) - l->len, "%.*s %d %d %d\n",
	    slice_arg(domain->name), domain->configured, (int)domain->accounts,
	    (int)domain->aliases);
	return true;
}

static bool list_account(void *context, const struct directory_account *account)
{
	struct listing *l = context;

	l->len += (size_t)snprintf(l->text + l->len, sizeof(l->text) - l->len, "%.*s%s\n",
	    slice_arg(account->address), account->disabled ? " disabled" : "");
	return true;
}

static bool list_alias(void *context, slice address, slice target)
{
	struct listing *l = context;

	l->len += (size_t)snprintf(l->text + l->len, sizeof(l->text) - l->len, "%.*s %.*s\n",
	    slice_arg(address), slice_arg(target));
	return true;
}

static void lists_all(void **state)
{
	struct world *w = world_create();
	struct listing domains = { "", 0 }, accounts = { "", 0 }, aliases = { "", 0 };

	populate(w);
	directory_domains(w->directory, slice_lit(""), list_domain, &domains);
	assert_string_equal(domains.text, "alice.example 1 3 6\nxn--bcher-kva.example 1 1 0\n"
	    "other.example 0 1 1\n");
	directory_accounts(w->directory, slice_lit("alice@alice.example"), list_account, &accounts);
	assert_string_equal(accounts.text, "bob@alice.example\ncarol@other.example\n"
	    "j\xc3\xb6rg@xn--bcher-kva.example\noff@alice.example disabled\n");
	directory_aliases(w->directory, slice_lit("list@alice.example"), list_alias, &aliases);
	assert_string_equal(aliases.text, "mixed@alice.example bob@alice.example\n"
	    "mixed@alice.example off@alice.example\n"
	    "postmaster@other.example alice@alice.example\n"
	    "team@alice.example alice@alice.example\nteam@alice.example bob@alice.example\n");
	world_free(w);
}

UNIT_TESTS(cmocka_unit_test(finds_recipients), cmocka_unit_test(forgets_at_each_change),
    cmocka_unit_test(owns_what_reaches_it), cmocka_unit_test(refuses_wrong_changes),
    cmocka_unit_test(ends_loops_and_pyramids), cmocka_unit_test(bounds_its_memory),
    cmocka_unit_test(lists_all))
