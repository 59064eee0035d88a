/* pack/digest_fuzz.c - any bytes as a file of what is remembered, or one of ours, damaged.
 *
 * Four bytes choose: which, what is damaged, where it is cut.
 *
 * For: pack/digest.c
 *
 * Holds: what is found has the checksum that stands beside it, and of one of ours is what was
 * kept; what was not found and is kept then, is found the next time.*/
#include "fuzz.h"

#include "base/limits.h"
#include "os/os_sim.h"
#include "pack/digest.h"

enum { CHOICES = 4, N = 8, OWNER = 42, VERSION = 1 };

static const uint8_t ip[4] = { 127, 1, 0, 1 };
static struct os *os;                   /* one world for all inputs */

static int open_digest(void *context, uint32_t number, int flags)
{
	return os_open(os, OS_ROOT, "001.digest", flags);
}

static slice record_of(slice in, size_t i)
{
	size_t n = in.len / (i + 2);

	return slice_head(in, n < 2000 ? n : 2000);
}

/* One life: look at all, keep what is missing. How many were there? */
static size_t live(slice in, bool ours)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct digest_reader r;
	struct pack_want wants[N];
	struct digests index;
	size_t found = 0;
	slice got;

	for (uint32_t i = 0; i < N; i++)
		wants[i] = (struct pack_want){ 1, i * 64, 100 };
	digests_init(&index, heap, OWNER, VERSION);
	digest_reader_init(&r, os, heap);
	digest_reader_begin(&r, &index, open_digest, NULL);
	for (size_t i = 0; i < N; i++) {
		if (digest_reader_look(&r, wants, N, i, &got)) {
			check(!ours || slice_equal(got, record_of(in, i)));
			check(got.len <= DIGEST_RECORD_MAX);
			found++;
		} else {
			digest_reader_keep(&r, &wants[i], record_of(in, i));
		}
		/* Two blocks. */
		if (i == N / 2)
			digest_reader_end(&r);
	}
	digest_reader_end(&r);
	heap_drop(heap);
	return found;
}

static void damage(const uint8_t *choices)
{
	int fd = open_digest(NULL, 1, OS_READ | OS_WRITE);
	int64_t size = os_size(os, fd);
	uint64_t at = (uint64_t)(choices[1] << 8 | choices[2]) * 7 % (uint64_t)size;
	unsigned char byte;

	check(os_pread(os, fd, &byte, 1, at) == 1);
	byte ^= (unsigned char)(1 << choices[3] % 8);
	check(os_pwrite(os, fd, slice_of(&byte, 1), at) == 0);
	os_close(os, fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	slice in;
	int fd;

	if (len < CHOICES)
		return 0;
	if (os == NULL)
		os = sim_process_create(sim_host_create(sim_create(1), "a", ip, 1 << 24), "test");
	in = slice_of(data + CHOICES, len - CHOICES);
	if (data[0] % 2 == 0) {
		check(live(in, true) == 0);
		damage(data);
		(void)live(in, true);
		check(live(in, true) == N);
	} else {
		fd = open_digest(NULL, 1, OS_READ | OS_WRITE | OS_CREATE);
		check(os_pwrite(os, fd, in, 0) == 0);
		os_close(os, fd);
		(void)live(in, false);
		check(live(in, false) == N);
	}
	check(os_unlink(os, OS_ROOT, "001.digest") == 0);
	return 0;
}
