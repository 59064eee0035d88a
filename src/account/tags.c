/* account/tags.c - files of tags: their bytes, and their life on disk. */
#include "account/tags.h"

#include <errno.h>
#include <stdio.h>

#include "account/load.h"
#include "account/slot.h"
#include "base/checksum.h"

#define SUFFIX ".tags"

static const slice magic = slice_lit("PHTAGS1\0");

enum { ROW_MIN = 4 + 14 + 4, SUM = 8 };

/* ---- names ---- */

bool tag_names_next(slice *names, slice *ret_name)
{
	size_t len = names->len > 0 ? names->ptr[0] : 0;

	if (len == 0 || len > API_TAG_MAX || len >= names->len)
		return false;
	*ret_name = slice_sub(*names, 1, len);
	*names = slice_drop(*names, 1 + len);
	return true;
}

bool tag_names_ok(slice names)
{
	size_t n = 0;
	slice name;

	while (n <= API_TAGS_MAX && tag_names_next(&names, &name))
		n++;
	return names.len == 0 && n <= API_TAGS_MAX;
}

/* ---- bytes ---- */

void tags_write(uint64_t account, const struct tagged *rows, size_t n, struct buffer *out)
{
	buffer_add(out, magic);
	put_u64(out, account);
	put_u32(out, (uint32_t)n);
	for (size_t i = 0; i < n; i++) {
		put_u32(out, rows[i].uid);
		put_message_id(out, rows[i].id);
		put_slice(out, rows[i].names);
	}
	put_u64(out, checksum64(buffer_bytes(out), 0));
}

bool tags_read_begin(slice file, uint64_t account, struct bytes *ret_in, uint32_t *ret_n)
{
	struct bytes end;
	slice all;

	if (file.len < magic.len + 12 + SUM)
		return false;
	all = slice_head(file, file.len - SUM);
	end = bytes_init(slice_drop(file, all.len));
	*ret_in = bytes_init(all);
	if (get_u64(&end) != checksum64(all, 0) ||
	    !slice_equal(get_raw(ret_in, magic.len), magic) || get_u64(ret_in) != account)
		return false;
	*ret_n = get_u32(ret_in);
	return *ret_n <= ret_in->rest.len / ROW_MIN;
}

bool tags_read_next(struct bytes *in, struct tagged *ret)
{
	ret->uid = get_u32(in);
	ret->id = get_message_id(in);
	ret->names = get_slice(in, TAG_NAMES_MAX);
	return bytes_ok(in) && ret->uid > 0 && tag_names_ok(ret->names);
}

/* ---- disk ---- */

static void path_of(uint64_t account, uint32_t number, char ret_path[ACCOUNT_PATH_MAX])
{
	snprintf(ret_path, ACCOUNT_PATH_MAX, "%02x/%016llx/%03u" SUFFIX, account_slot(account),
	    (unsigned long long)account, (unsigned)number);
}

static int list(struct os *os, struct heap *heap, uint64_t account, uint32_t **ret_numbers,
    size_t *ret_n)
{
	char folder[ACCOUNT_PATH_MAX];

	account_folder_path(account, folder);
	return account_list(os, heap, folder, SUFFIX, ret_numbers, ret_n);
}

static bool is_whole(slice file, uint64_t account)
{
	struct tagged row;
	struct bytes in;
	uint32_t n, last = 0;

	if (!tags_read_begin(file, account, &in, &n))
		return false;
	for (uint32_t i = 0; i < n; i++) {
		if (!tags_read_next(&in, &row) || row.uid <= last)
			return false;
		last = row.uid;
	}
	return bytes_end(&in);
}

/* 0 with an empty slice: it is not whole. */
static int load_one(struct os *os, struct heap *heap, uint64_t account, uint32_t number,
    slice *ret_file)
{
	char path[ACCOUNT_PATH_MAX];
	unsigned char *bytes = NULL;
	int64_t size;
	ssize_t n = 0;
	int fd;

	*ret_file = (slice){ 0 };
	path_of(account, number, path);
	fd = os_open(os, OS_ROOT, path, OS_READ);
	if (fd < 0)
		return fd;
	size = os_size(os, fd);
	if (size > 0 && size <= TAGS_FILE_MAX) {
		bytes = heap_alloc(heap, (size_t)size);
		n = os_pread(os, fd, bytes, (size_t)size, 0);
	}
	os_close(os, fd);
	if (n == size && is_whole(slice_of(bytes, (size_t)n), account)) {
		*ret_file = slice_of(bytes, (size_t)n);
		return 0;
	}
	heap_free(heap, bytes);
	return size < 0 ? (int)size : n < 0 ? (int)n : 0;
}

static int load_newest(struct os *os, struct heap *heap, uint64_t account, slice *ret_file,
    uint32_t *ret_next)
{
	uint32_t *numbers;
	size_t n;
	int error = list(os, heap, account, &numbers, &n);

	*ret_file = (slice){ 0 };
	*ret_next = 1;
	if (error != 0)
		return error;
	if (n > 0)
		*ret_next = numbers[n - 1] + 1;
	while (n > 0 && ret_file->len == 0 && error == 0)
		error = load_one(os, heap, account, numbers[--n], ret_file);
	heap_free(heap, numbers);
	return error;
}

int tags_load(struct os *os, struct heap *heap, uint64_t account, slice *ret_file,
    uint32_t *ret_next)
{
	int error = load_newest(os, heap, account, ret_file, ret_next);

	/* What a life before began to write was done meanwhile. */
	return error == -ENOENT ? load_newest(os, heap, account, ret_file, ret_next) : error;
}

static int write_one(struct os *os, uint64_t account, const char *path, slice file)
{
	char folder[ACCOUNT_PATH_MAX];
	int fd = os_open(os, OS_ROOT, path, OS_WRITE | OS_CREATE | OS_EXCLUSIVE), error;

	if (fd < 0)
		return fd;
	error = os_pwrite(os, fd, file, 0);
	if (error == 0)
		error = os_sync(os, fd);
	os_close(os, fd);
	account_folder_path(account, folder);
	return error != 0 ? error : os_sync_folder_at(os, OS_ROOT, folder);
}

/* What can't be removed now is when the next one is written. */
static void remove_older(struct os *os, uint64_t account, uint32_t number)
{
	struct heap *heap = heap_create(SIZE_MAX);
	char path[ACCOUNT_PATH_MAX];
	uint32_t *numbers;
	size_t n = 0;

	if (list(os, heap, account, &numbers, &n) != 0)
		n = 0;
	for (size_t i = 0; i < n && numbers[i] < number; i++) {
		path_of(account, numbers[i], path);
		(void)os_unlink(os, OS_ROOT, path);
	}
	heap_drop(heap);
}

int tags_save(struct os *os, uint64_t account, uint32_t number, slice file)
{
	char path[ACCOUNT_PATH_MAX];
	int error;

	path_of(account, number, path);
	error = write_one(os, account, path, file);
	if (error == 0)
		remove_older(os, account, number);
	else if (error != -EEXIST)
		(void)os_unlink(os, OS_ROOT, path);
	return error;
}
