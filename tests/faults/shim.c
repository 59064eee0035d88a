/* tests/faults/shim.c - a disk and a clock that misbehave, for LD_PRELOAD.
 *
 * The test and every process of the server share a page: the file that
 * POSTHOUSE_FAULTS names, mapped before a role confines itself. The test writes
 * rules into it; the shim counts what it did, and keeps what a failed sync lost:
 * Linux marks such pages clean, so the page cache goes on to show what no power
 * cut leaves. shim.py puts back what was there before. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { RULES = 8, LOST = 4096, HEADS = 256, BLOCK = 4096 };
enum { FDATASYNC = 1, FSYNC = 2, SYNCFS = 4 };

/* The same in shim.py. */
struct rule {
	char role[16];
	uint32_t calls;
	int32_t error;                  /* 0: only late */
	int32_t left;                   /* how often; -1: until it is changed */
	uint32_t hits;
	uint32_t wait_ms;
	uint32_t unused;
};

struct lost {
	uint64_t inode, offset;
	uint32_t len;
	uint32_t healed;                /* written again, and synced */
	unsigned char before[BLOCK];
};

struct head {
	uint64_t inode;
	unsigned char bytes[BLOCK];
};

struct page {
	int64_t wall_us;                /* added to the wall clock */
	uint32_t lock;
	uint32_t n_lost;                /* LOST + 1: there were more */
	struct rule rules[RULES];
	struct head heads[HEADS];
	struct lost lost[LOST];
};

/* Written since the last sync of this file, up to a block each. */
struct dirty {
	uint64_t inode, offset, when;
	uint32_t len;
	struct dirty *next;
	unsigned char before[BLOCK];
	unsigned char *after;           /* of a file's first block */
};

static struct page *page;
static char role[16];
static struct dirty *dirty;
static uint64_t writes;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

__attribute__((constructor)) static void shim_init(int argc, char **argv, char **envp)
{
	const char *path = getenv("POSTHOUSE_FAULTS");
	int fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
	void *at = fd >= 0 ? mmap(NULL, sizeof *page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) :
	    MAP_FAILED;

	if (at == MAP_FAILED)
		abort();
	close(fd);
	page = at;
	strncpy(role, argc > 2 && strcmp(argv[1], "role") == 0 ? argv[2] : "keeper",
	    sizeof role - 1);
}

/* Held for a moment only: after two seconds its owner was killed while it had it. */
static void lock_page(void)
{
	for (unsigned i = 0; i < 20000; i++) {
		if (__atomic_exchange_n(&page->lock, 1, __ATOMIC_ACQUIRE) == 0)
			return;
		usleep(100);
	}
}

static void unlock_page(void)
{
	__atomic_store_n(&page->lock, 0, __ATOMIC_RELEASE);
}

/* ---- what was written and what became of it ---- */

static uint64_t inode_of(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 ? st.st_ino : 0;
}

/* A file that this process may not read: its first block is kept since its last
 * sync, all else is zeros when it was never written, and no record otherwise. */
static void read_before(int fd, struct dirty *d)
{
	memset(d->before, 0, sizeof d->before);
	if (pread(fd, d->before, d->len, (off_t)d->offset) >= 0 || d->offset != 0)
		return;
	lock_page();
	for (size_t i = 0; i < HEADS; i++) {
		if (page->heads[i].inode == d->inode)
			memcpy(d->before, page->heads[i].bytes, sizeof d->before);
	}
	unlock_page();
}

static void note_first_block(struct dirty *d, const struct iovec *parts, int n)
{
	size_t len = 0;

	d->after = malloc(BLOCK);
	if (d->after == NULL)
		abort();
	memcpy(d->after, d->before, BLOCK);
	for (int i = 0; i < n && len < d->len; i++) {
		size_t some = parts[i].iov_len < d->len - len ? parts[i].iov_len : d->len - len;

		memcpy(d->after + len, parts[i].iov_base, some);
		len += some;
	}
}

static void note_write(int fd, const struct iovec *parts, int n, uint64_t offset, size_t len)
{
	uint64_t inode = inode_of(fd), end = offset + len;

	pthread_mutex_lock(&mutex);
	writes++;
	while (offset < end) {
		uint64_t block_end = (offset / BLOCK + 1) * BLOCK;
		struct dirty *d = malloc(sizeof *d);

		if (d == NULL)
			abort();
		*d = (struct dirty){ .inode = inode, .offset = offset, .when = writes,
		    .len = (uint32_t)((block_end < end ? block_end : end) - offset),
		    .next = dirty };
		read_before(fd, d);
		if (offset == 0)
			note_first_block(d, parts, n);
		dirty = d;
		offset += d->len;
	}
	pthread_mutex_unlock(&mutex);
}

/* Of a block that was synced: a failure before no longer matters. */
static void heal(const struct dirty *d)
{
	for (uint32_t i = 0; i < page->n_lost && i < LOST; i++) {
		struct lost *l = &page->lost[i];

		if (l->inode == d->inode && l->offset / BLOCK == d->offset / BLOCK)
			l->healed = 1;
	}
}

static void keep_head(const struct dirty *d)
{
	struct head *at = NULL;

	for (size_t i = 0; i < HEADS; i++) {
		struct head *h = &page->heads[i];

		if (h->inode == d->inode || (h->inode == 0 && at == NULL))
			at = h;
		if (h->inode == d->inode)
			break;
	}
	if (at == NULL)
		return;
	at->inode = d->inode;
	memcpy(at->bytes, d->after, BLOCK);
}

static void lose(const struct dirty *d)
{
	struct lost *l = &page->lost[page->n_lost];

	if (page->n_lost >= LOST) {
		page->n_lost = LOST + 1;
		return;
	}
	*l = (struct lost){ .inode = d->inode, .offset = d->offset, .len = d->len };
	memcpy(l->before, d->before, sizeof l->before);
	page->n_lost++;
}

/* A sync of what was written until `until` has ended. inode 0: of all files. */
static void note_sync(uint64_t inode, uint64_t until, bool failed)
{
	struct dirty **at = &dirty, *oldest_first = NULL;

	pthread_mutex_lock(&mutex);
	while (*at != NULL) {
		struct dirty *d = *at;

		if (d->when > until || (inode != 0 && d->inode != inode)) {
			at = &d->next;
			continue;
		}
		*at = d->next;
		d->next = oldest_first;
		oldest_first = d;
	}
	lock_page();
	while (oldest_first != NULL) {
		struct dirty *d = oldest_first;

		if (failed)
			lose(d);
		else
			heal(d);
		if (!failed && d->after != NULL)
			keep_head(d);
		oldest_first = d->next;
		free(d->after);
		free(d);
	}
	unlock_page();
	pthread_mutex_unlock(&mutex);
}

ssize_t pwritev(int fd, const struct iovec *parts, int n, off_t offset)
{
	static ssize_t (*real)(int, const struct iovec *, int, off_t);
	size_t len = 0;

	if (real == NULL)
		*(void **)&real = dlsym(RTLD_NEXT, "pwritev");
	for (int i = 0; i < n; i++)
		len += parts[i].iov_len;
	note_write(fd, parts, n, (uint64_t)offset, len);
	return real(fd, parts, n, offset);
}

ssize_t pwritev64(int fd, const struct iovec *parts, int n, off_t offset)
    __attribute__((alias("pwritev")));

/* ---- the rules ---- */

static struct rule *rule_for(uint32_t call)
{
	for (size_t i = 0; i < RULES; i++) {
		struct rule *r = &page->rules[i];
		int32_t left = __atomic_load_n(&r->left, __ATOMIC_ACQUIRE);

		if (left == 0 || (r->calls & call) == 0 || strcmp(r->role, role) != 0)
			continue;
		while (left > 0 && !__atomic_compare_exchange_n(&r->left, &left, left - 1, false,
		    __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
			;
		if (left != 0)
			return r;
	}
	return NULL;
}

static int sync_by(uint32_t call, const char *name, int fd)
{
	struct rule *r = rule_for(call);
	uint64_t inode = call == SYNCFS ? 0 : inode_of(fd);
	int (*real)(int), result, error;
	uint64_t until;

	*(void **)&real = dlsym(RTLD_NEXT, name);
	pthread_mutex_lock(&mutex);
	until = writes;
	pthread_mutex_unlock(&mutex);
	if (r != NULL) {
		__atomic_add_fetch(&r->hits, 1, __ATOMIC_ACQ_REL);
		nanosleep(&(struct timespec){ r->wait_ms / 1000,
		    r->wait_ms % 1000 * 1000000L }, NULL);
	}
	if (r != NULL && r->error != 0) {
		note_sync(inode, until, true);
		errno = r->error;
		return -1;
	}
	result = real(fd);
	error = errno;
	note_sync(inode, until, result != 0);
	errno = error;
	return result;
}

int fdatasync(int fd)
{
	return sync_by(FDATASYNC, "fdatasync", fd);
}

int fsync(int fd)
{
	return sync_by(FSYNC, "fsync", fd);
}

int syncfs(int fd)
{
	return sync_by(SYNCFS, "syncfs", fd);
}

/* ---- the clock ---- */

int clock_gettime(clockid_t clock, struct timespec *now)
{
	static int (*real)(clockid_t, struct timespec *);
	int64_t us = page != NULL ? __atomic_load_n(&page->wall_us, __ATOMIC_RELAXED) : 0;
	int result;

	if (real == NULL)
		*(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
	result = real(clock, now);
	if (result == 0 && us != 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
		int64_t ns = now->tv_sec * 1000000000LL + now->tv_nsec + us * 1000;

		now->tv_sec = ns / 1000000000;
		now->tv_nsec = ns % 1000000000;
	}
	return result;
}

int gettimeofday(struct timeval *now, void *zone)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	*now = (struct timeval){ t.tv_sec, t.tv_nsec / 1000 };
	return 0;
}

time_t time(time_t *now)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	if (now != NULL)
		*now = t.tv_sec;
	return t.tv_sec;
}
