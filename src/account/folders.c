/* account/folders.c - every slot is listed, then its accounts are visited: eight
 * bytes an account. */
#include "account/folders.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "account/slot.h"

struct slot {
	struct heap *heap;
	unsigned number;
	uint64_t *ids;
	size_t n, capacity;
};

static bool add_folder(void *context, const char *name)
{
	struct slot *slot = context;
	char *end;
	uint64_t id = strtoull(name, &end, 16);

	if (strlen(name) != 16 || *end != '\0' || id == 0 || account_slot(id) != slot->number)
		return true;
	if (slot->n == slot->capacity) {
		slot->capacity = slot->capacity == 0 ? 64 : 2 * slot->capacity;
		slot->ids = heap_resize(slot->heap, slot->ids,
		    slot->capacity * sizeof *slot->ids);
	}
	slot->ids[slot->n++] = id;
	return true;
}

static int ascending(const void *a, const void *b)
{
	uint64_t x, y;

	memcpy(&x, a, sizeof x);
	memcpy(&y, b, sizeof y);
	return x < y ? -1 : x > y;
}

int account_folders(struct os *os, void (*visit)(void *context, uint64_t account), void *context)
{
	struct slot slots[ACCOUNT_SLOTS] = { 0 };
	char path[ACCOUNT_PATH_MAX];
	int error = 0;

	/* All slots first: visit may move the root. */
	for (unsigned i = 0; i < ACCOUNT_SLOTS; i++) {
		int result;

		slots[i].heap = os_heap(os);
		slots[i].number = i;
		snprintf(path, sizeof path, "%02x", i);
		result = os_list(os, OS_ROOT, path, add_folder, &slots[i]);
		error = result != 0 && result != -ENOENT ? result : error;
	}
	for (unsigned i = 0; i < ACCOUNT_SLOTS; i++) {
		if (slots[i].n > 0)
			qsort(slots[i].ids, slots[i].n, sizeof *slots[i].ids, ascending);
		for (size_t k = 0; k < slots[i].n; k++)
			visit(context, slots[i].ids[k]);
		heap_free(slots[i].heap, slots[i].ids);
	}
	return error;
}
