/* account/files.c - new files, and old ones that nothing names any more. */
#include "account/files.h"

#include <errno.h>
#include <string.h>

#include "account/slot.h"
#include "base/check.h"

enum { PACKS, FOLDER, SLOT, ROOT };     /* of account_files.folders */

void account_files_init(struct account_files *files)
{
	*files = (struct account_files){ .log = -1, .pack = -1, .folders = { -1, -1, -1, -1 } };
}

static void close_one(struct os *os, int *fd)
{
	if (*fd >= 0)
		os_close(os, *fd);
	*fd = -1;
}

void account_files_close_folders(struct os *os, struct account_files *files)
{
	for (size_t i = 0; i < ACCOUNT_FOLDERS; i++)
		close_one(os, &files->folders[i]);
}

void account_files_close(struct os *os, struct account_files *files)
{
	account_files_close_folders(os, files);
	close_one(os, &files->log);
	close_one(os, &files->pack);
}

/* 1: made, 0: was there. */
static int make_folder(struct os *os, const char *path)
{
	int result = os_mkdir(os, OS_ROOT, path);

	if (result == -EEXIST)
		return 0;
	return result < 0 ? result : 1;
}

static int open_folder(struct os *os, const char *path, int *ret_fd)
{
	*ret_fd = os_open(os, OS_ROOT, path, OS_READ | OS_FOLDER);
	return *ret_fd < 0 ? *ret_fd : 0;
}

/* Folders from the slot down; opened where an entry is new. */
static int make_folders(struct os *os, uint64_t account, bool first, struct account_files *files)
{
	char slot[ACCOUNT_PATH_MAX], folder[ACCOUNT_PATH_MAX], packs[ACCOUNT_PATH_MAX];
	int slot_made, folder_made, packs_made, error = 0;

	account_slot_path(account, slot);
	account_folder_path(account, folder);
	account_packs_path(account, packs);
	slot_made = make_folder(os, slot);
	folder_made = slot_made < 0 ? slot_made : make_folder(os, folder);
	packs_made = folder_made < 0 ? folder_made : make_folder(os, packs);
	if (packs_made < 0)
		return packs_made;
	if (first || slot_made)
		error = open_folder(os, ".", &files->folders[ROOT]);
	if (error == 0 && (first || folder_made))
		error = open_folder(os, slot, &files->folders[SLOT]);
	if (error == 0)
		error = open_folder(os, folder, &files->folders[FOLDER]);
	if (error == 0)
		error = open_folder(os, packs, &files->folders[PACKS]);
	return error;
}

/* A file that was not there, of this number or a later one. */
static int create_file(struct os *os, uint64_t account,
    void (*path_of)(uint64_t account, uint32_t number, char ret_path[ACCOUNT_PATH_MAX]),
    uint32_t number, uint32_t *ret_number)
{
	char path[ACCOUNT_PATH_MAX];
	int fd = -EEXIST;

	for (uint32_t i = 0; i < ACCOUNT_FILES_MAX && fd == -EEXIST; i++) {
		*ret_number = number + i;
		path_of(account, *ret_number, path);
		fd = os_open(os, OS_ROOT, path, OS_READ | OS_WRITE | OS_CREATE | OS_EXCLUSIVE);
	}
	return fd;
}

int account_files_create(struct os *os, uint64_t account, unsigned what, uint32_t log_number,
    uint32_t pack_number, struct account_files *ret)
{
	struct account_files files;
	int error;

	account_files_init(&files);
	error = make_folders(os, account, (what & FILES_FIRST) != 0, &files);
	if (error == 0 && (what & FILES_LOG)) {
		files.log = create_file(os, account, account_log_path, log_number,
		    &files.log_number);
		error = files.log < 0 ? files.log : 0;
	}
	if (error == 0 && (what & FILES_PACK) && pack_number >= ACCOUNT_PACKS_MAX - ACCOUNT_FILES_MAX)
		error = -ENOSPC;
	if (error == 0 && (what & FILES_PACK)) {
		files.pack = create_file(os, account, account_pack_path, pack_number,
		    &files.pack_number);
		error = files.pack < 0 ? files.pack : 0;
	}
	if (error < 0) {
		account_files_close(os, &files);
		return error;
	}
	*ret = files;
	return 0;
}

/* ---- what nothing names any more ---- */

static bool in_chain(const struct account *a, uint32_t number)
{
	for (uint32_t i = 0; i < a->state.head.n_chain; i++) {
		if (a->state.head.chain[i].number == number)
			return true;
	}
	return number == a->segment.number;
}

/* A segment whose first record can be read: not one to set aside. */
static bool reads_well(struct os *os, struct account *a, uint32_t number)
{
	struct segment_reader reader;
	struct log_record record;
	uint32_t from, to;
	bool well;

	if (segment_open(&reader, os, a->heap, a->state.head.account, number) != SEGMENT_OPEN)
		return false;
	well = segment_next(&reader, &record, &from, &to) == SEGMENT_RECORD;
	segment_close(&reader);
	return well;
}

void account_collect_logs(struct os *os, struct account *a)
{
	char path[ACCOUNT_PATH_MAX];
	uint32_t *numbers;
	size_t n;

	a->strays = 0;
	account_folder_path(a->state.head.account, path);
	if (a->state.head.damaged || account_list(os, a->heap, path, ".log", &numbers, &n) < 0)
		return;
	for (size_t i = 0; i < n; i++) {
		if (numbers[i] >= a->segment.number || in_chain(a, numbers[i]) ||
		    !reads_well(os, a, numbers[i]))
			continue;
		account_log_path(a->state.head.account, numbers[i], path);
		/* One that stays is found again by the next collection. */
		(void)os_unlink(os, OS_ROOT, path);
	}
	heap_free(a->heap, numbers);
}

/* Packs that rows are in: not in order, for copies stand behind younger messages. */
static uint32_t *used_packs(struct account *a, size_t *ret_n)
{
	const struct account_state *s = &a->state;
	uint32_t *used = NULL;
	size_t n = 0, capacity = 0;

	for (size_t i = 0; i < s->n_rows; i++) {
		size_t at = n;

		if (i > 0 && s->rows[i].pack == s->rows[i - 1].pack)
			continue;
		while (at > 0 && used[at - 1] > s->rows[i].pack)
			at--;
		if (at > 0 && used[at - 1] == s->rows[i].pack)
			continue;
		used = account_state_grow(a->heap, used, n, &capacity, sizeof *used);
		memmove(used + at + 1, used + at, (n - at) * sizeof *used);
		used[at] = s->rows[i].pack;
		n++;
	}
	*ret_n = n;
	return used;
}

/* Files of packs that nothing uses: those of `suffix` below pack_number. */
static void unlink_unused(struct os *os, struct account *a, const char *suffix,
    void (*path_of)(uint64_t account, uint32_t number, char ret_path[ACCOUNT_PATH_MAX]),
    const uint32_t *used, size_t n_used, uint32_t pack_number)
{
	char path[ACCOUNT_PATH_MAX];
	uint32_t *numbers;
	size_t n, at = 0;

	account_packs_path(a->state.head.account, path);
	if (account_list(os, a->heap, path, suffix, &numbers, &n) < 0)
		return;
	for (size_t i = 0; i < n && numbers[i] < pack_number; i++) {
		while (at < n_used && used[at] < numbers[i])
			at++;
		if (at < n_used && used[at] == numbers[i])
			continue;
		path_of(a->state.head.account, numbers[i], path);
		(void)os_unlink(os, OS_ROOT, path);
	}
	heap_free(a->heap, numbers);
}

void account_collect_packs(struct os *os, struct account *a, uint32_t pack_number)
{
	const struct account_state *s = &a->state;
	uint32_t *used;
	size_t n_used;

	check(s->full || s->head.removed);
	if (s->head.damaged)
		return;
	used = used_packs(a, &n_used);
	unlink_unused(os, a, ".digest", account_digest_path, used, n_used, pack_number);
	unlink_unused(os, a, ".pack", account_pack_path, used, n_used, pack_number);
	heap_free(a->heap, used);
}
