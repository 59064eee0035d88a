/* pack/unzip_test.c - frames come out as they went in, whoever asks, and contexts are kept. */
#include "pack/unzip.h"

#include <pthread.h>

#include <zstd.h>

#include "unit.h"

enum { THREADS = 8, TIMES = 300, SIZE = 20000 };

struct worker {
	struct pack_unzip *unzip;
	unsigned char text[SIZE], frame[SIZE + 1000];
	size_t len, wrong;
};

static void fill(struct worker *w, unsigned seed)
{
	for (size_t i = 0; i < sizeof w->text; i++)
		w->text[i] = (unsigned char)((i * seed >> 7) % 61 + i % 13);
	w->len = ZSTD_compress(w->frame, sizeof w->frame, w->text, sizeof w->text, 1);
	assert_false(ZSTD_isError(w->len));
}

static void *work(void *owner)
{
	struct worker *w = owner;
	unsigned char out[SIZE];

	for (int i = 0; i < TIMES; i++) {
		size_t got = pack_unzip(w->unzip, out, sizeof out, w->frame, w->len);

		w->wrong += got != sizeof out || memcmp(out, w->text, sizeof out) != 0;
		/* What fails leaves a context that is as good. */
		got = pack_unzip(w->unzip, out, sizeof out, w->frame, w->len - 1);
		w->wrong += !ZSTD_isError(got);
		got = pack_unzip(w->unzip, out, sizeof out - 1, w->frame, w->len);
		w->wrong += !ZSTD_isError(got);
	}
	return NULL;
}

static void test_threads(void **state)
{
	struct worker *workers = calloc(THREADS, sizeof *workers);
	struct heap *heap = heap_create(SIZE_MAX);
	struct pack_unzip unzip;
	pthread_t threads[THREADS];

	pack_unzip_init(&unzip, heap);
	for (unsigned i = 0; i < THREADS; i++) {
		workers[i].unzip = &unzip;
		fill(&workers[i], 3 + i);
		assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(workers[i].wrong, 0);
	}
	assert_non_null(atomic_load(&unzip.idle[0]));
	heap_drop(heap);
	assert_null(atomic_load(&unzip.idle[0]));
	free(workers);
}

static void test_kept(void **state)
{
	struct worker *w = calloc(1, sizeof *w);
	struct heap *heap = heap_create(SIZE_MAX);
	struct pack_unzip unzip;
	unsigned char out[SIZE];
	void *context;

	pack_unzip_init(&unzip, heap);
	fill(w, 3);
	assert_int_equal(pack_unzip(NULL, out, sizeof out, w->frame, w->len), sizeof out);
	assert_int_equal(pack_unzip(&unzip, out, sizeof out, w->frame, w->len), sizeof out);
	context = atomic_load(&unzip.idle[0]);
	assert_non_null(context);
	assert_int_equal(pack_unzip(&unzip, out, sizeof out, w->frame, w->len), sizeof out);
	assert_ptr_equal(atomic_load(&unzip.idle[0]), context);
	for (size_t i = 1; i < PACK_UNZIP_IDLE; i++)
		assert_null(atomic_load(&unzip.idle[i]));
	heap_drop(heap);
	free(w);
}

UNIT_TESTS(cmocka_unit_test(test_threads), cmocka_unit_test(test_kept))
