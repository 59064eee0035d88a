/* directory/database_fuzz.c - directory.db with damage, below the real VFS on a
 * simulated disk. A step is four bytes: where, and what stands there then.
 *
 * For: directory/vfs.c directory/database.c directory/resolve.c directory/account.c directory/alias.c
 *
 * Holds: a file of any content is opened or refused with a line that says why; what
 * it then answers keeps to the bounds of answers (accounts that can be sealed,
 * addresses that fit), and no question ends the role. */
#include "fuzz_steps.h"

#include <stdio.h>

#include "base/limits.h"
#include "directory/directory.h"
#include "os/os_sim.h"

enum { STEP = 4, IMAGE_MAX = 256 * 1024 };
FUZZ_STEPS_MUTATORS(1, STEP)

static const uint8_t ip[4] = { 127, 1, 0, 1 };
static const slice domain = slice_lit("x.example");

static unsigned char image[IMAGE_MAX];
static size_t image_len;
static struct os *os;                   /* one world for all inputs */

/* A directory as one has it, once. */
static void make_image(void)
{
	struct directory_error error;
	struct directory *d;
	char name[64];
	uint64_t id;
	ssize_t n;
	int fd;

	os = sim_process_create(sim_host_create(sim_create(1), "a", ip, 1 << 22), "test");
	d = directory_open(os, OS_ROOT, "directory.db", &error);
	check(d != NULL && directory_domain_add(d, slice_lit("y.example"), &error));
	directory_set_domains(d, &domain, 1);
	for (unsigned i = 0; i < 40; i++) {
		slice target = slice_of(name, (size_t)snprintf(name, sizeof name,
		    "user%u@%c.example", i, i & 1 ? 'x' : 'y'));

		check(directory_account_add(d, target, slice_lit("$6$salt$hash"), &id, &error));
		check(directory_alias_add(d, slice_lit("all@x.example"), &target, 1, &error));
	}
	directory_close(d);
	fd = os_open(os, OS_ROOT, "directory.db", OS_READ);
	n = os_pread(os, fd, image, sizeof image, 0);
	check(n > 4096 && (size_t)n < sizeof image);
	image_len = (size_t)n;
	os_close(os, fd);
}

static void damage(unsigned char *bytes, size_t *len, const uint8_t *p)
{
	/* The first page, the roots of the tables and their leaves alike. */
	size_t at = ((size_t)p[1] << 8 | p[2]) * 2 % *len;

	switch (p[0] % 8) {
	case 0:
		*len = at + 1;
		break;
	case 1:
		memset(bytes + at, p[3], *len - at < 64 ? *len - at : 64);
		break;
	case 2:
		bytes[at % 100] = p[3];         /* the header */
		break;
	case 3:
		bytes[at / 4096 * 4096 + p[3] % 64] = p[0];     /* a page's header */
		break;
	default:
		bytes[at] = p[3];
	}
}

static bool visit_account(void *context, const struct directory_account *account)
{
	check(account->address.ptr != NULL || account->address.len == 0);
	return ++*(unsigned *)context < 1000;
}

static bool visit_alias(void *context, slice address, slice target)
{
	return ++*(unsigned *)context < 1000;
}

static bool visit_domain(void *context, const struct directory_domain *row)
{
	return ++*(unsigned *)context < 1000;
}

static void ask(struct directory *d, struct heap *heap, const char *text)
{
	const struct seal_key key = { { 1 } };
	struct arena arena = arena_init(heap, DIRECTORY_ANSWER_MAX + DIRECTORY_SCRATCH_MAX);
	struct buffer sealed = buffer_init(heap, SEALED_MAX);
	struct sealed_recipient what = { .recipient = slice_from(text) };
	struct directory_account account;
	slice hash;
	size_t n;

	if (directory_recipient(d, what.recipient, false, &arena, &what.targets, &n) ==
	    DIRECTORY_OK) {
		check(n > 0 && n <= RECIPIENT_TARGETS_MAX);
		what.n_targets = (uint16_t)n;
		seal_recipient(&key, &what, &sealed);
	}
	buffer_free(&sealed);
	arena_reset(&arena);
	if (directory_account_find(d, what.recipient, &arena, &account) == DIRECTORY_OK) {
		check(account.id != 0 && account.address.len <= SEALED_ADDRESS_MAX);
		(void)directory_password_hash(d, account.id, &arena, &hash);
		(void)directory_owns(d, account.id, slice_lit("all@x.example"), &arena);
	}
	arena_reset(&arena);
}

static void use(struct directory *d, struct heap *heap)
{
	static const char *const names[] = { "user1@x.example", "all@x.example", "user2@y.example",
		"postmaster@x.example", "nobody@y.example", "user3+z@x.example" };
	slice target = slice_lit("user5@x.example");
	struct directory_error error = { "" };
	unsigned n = 0, aliases;
	uint64_t id;

	directory_set_domains(d, &domain, 1);
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		ask(d, heap, names[i]);
	directory_accounts(d, (slice){ 0 }, visit_account, &n);
	directory_aliases(d, (slice){ 0 }, visit_alias, &n);
	directory_domains(d, (slice){ 0 }, visit_domain, &n);
	if (!directory_account_add(d, slice_lit("new@x.example"), slice_lit("$6$a$b"), &id, &error))
		check(error.text[0] != 0);
	if (!directory_alias_add(d, slice_lit("two@x.example"), &target, 1, &error))
		check(error.text[0] != 0);
	if (!directory_account_remove(d, target, &id, &aliases, &error))
		check(error.text[0] != 0);
	if (!directory_domain_remove(d, slice_lit("y.example"), &error))
		check(error.text[0] != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static unsigned char bytes[IMAGE_MAX];
	struct directory_error error = { "" };
	struct directory *directory;
	size_t n;
	int fd;

	if (len > 1 + 32 * STEP)
		return 0;
	if (image_len == 0)
		make_image();
	n = image_len;
	memcpy(bytes, image, n);
	for (size_t at = 1; at + STEP <= len; at += STEP)
		damage(bytes, &n, data + at);
	(void)os_unlink(os, OS_ROOT, "directory.db");
	(void)os_unlink(os, OS_ROOT, "directory.db-wal");
	(void)os_unlink(os, OS_ROOT, "directory.db-journal");
	fd = os_open(os, OS_ROOT, "directory.db", OS_WRITE | OS_CREATE);
	check(os_pwrite(os, fd, slice_of(bytes, n), 0) == 0);
	os_close(os, fd);
	directory = directory_open(os, OS_ROOT, "directory.db", &error);
	if (directory != NULL)
		use(directory, os_heap(os));
	else
		check(error.text[0] != 0);
	directory_close(directory);
	return 0;
}
