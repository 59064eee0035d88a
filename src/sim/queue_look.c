/* sim/queue_look.c - the last chain of log files that is whole (queue/entry.h), and of
 * each entry the last record in it. */
#include "sim/queue_look.h"

#include <stdio.h>

#include "base/bytes.h"
#include "base/check.h"
#include "base/limits.h"
#include "base/table.h"
#include "log/log.h"
#include "queue/entry.h"

enum { FILES_MAX = 64 };

struct look {
	struct heap *heap;
	struct {
		uint32_t number;
		slice bytes;
	} files[FILES_MAX];             /* by number: that is how a folder is listed */
	size_t n;
};

static void take_file(void *context, const struct sim_disk_file *file)
{
	struct look *look = context;
	unsigned char *bytes;
	unsigned number;
	int end = 0;

	if (sscanf(file->path, "queue/%u.log%n", &number, &end) != 1 || end == 0 ||
	    file->path[end] != '\0')
		return;
	check(look->n < FILES_MAX);
	bytes = heap_alloc(look->heap, (size_t)file->size + 1);
	sim_disk_read(file, bytes, (size_t)file->size, 0);
	look->files[look->n].number = number;
	look->files[look->n++].bytes = slice_of(bytes, (size_t)file->size);
}

/* Call record() for each of a file. */
static void each(const struct look *look, size_t i,
    void (*record)(void *context, const struct log_record *record), void *context)
{
	slice bytes = look->files[i].bytes;
	struct log_reader reader;
	struct log_record is;
	struct log_head head;
	uint32_t from, to, need;

	if (bytes.len < LOG_BLOCK ||
	    log_head_read(slice_head(bytes, LOG_BLOCK), &head) != LOG_HEAD_OK)
		return;
	log_reader_init(&reader, &head, head.size);
	while (reader.offset <= bytes.len && log_next(&reader, slice_drop(bytes, reader.offset),
	    (uint32_t)reader.offset, true, &is, &from, &to, &need) == LOG_RECORD)
		record(context, &is);
}

struct chain {
	uint64_t first;
	bool whole;
};

static void look_for_chain(void *context, const struct log_record *record)
{
	struct chain *chain = context;

	if (record->type == QUEUE_BEGIN && chain->first == 0)
		queue_number_read(record->payload, &chain->first);
	chain->whole = chain->whole || record->type == QUEUE_WHOLE;
}

struct words {
	struct heap *heap;
	struct table table;             /* struct word by number */
	size_t waiting;
};

struct word {
	uint64_t number;
	bool there;
};

static void hear(void *context, const struct log_record *record)
{
	struct words *words = context;
	uint64_t number;
	bool there = record->type == QUEUE_ENTRY;
	struct word *word;

	if (there && record->payload.len > 9)
		number = load_u64(record->payload.ptr + 1);
	else if (record->type != QUEUE_GONE || !queue_number_read(record->payload, &number))
		return;
	word = table_get(&words->table, table_key(number));
	if (word == NULL) {
		word = heap_new(words->heap, struct word);
		word->number = number;
		table_put(&words->table, table_key(word->number), word);
	}
	words->waiting += (size_t)there - (size_t)word->there;
	word->there = there;
}

size_t queue_look(struct sim_host *host)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct look look = { .heap = heap };
	struct words words = { .heap = heap, .table = table_init(heap, 1) };
	uint64_t first = 0;
	size_t waiting;

	sim_disk_each(host, take_file, &look);
	for (size_t i = 0; i < look.n; i++) {
		struct chain chain = { 0, false };

		each(&look, i, look_for_chain, &chain);
		if (chain.whole && chain.first > first)
			first = chain.first;
	}
	for (size_t i = 0; i < look.n; i++) {
		if (look.files[i].number >= first)
			each(&look, i, hear, &words);
	}
	waiting = words.waiting;
	heap_drop(heap);
	return waiting;
}
