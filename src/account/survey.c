/* account/survey.c - files listed, logs and packs read, what is lost decided. */
#include "account/survey.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "account/slot.h"

void survey_tell(struct account_survey *s, struct finding *finding, const char *path,
    const char *format, ...)
{
	va_list args;

	finding->account = s->account;
	va_start(args, format);
	finder_count(s->finder, &s->damage, finding, path, format, args);
	va_end(args);
}

void survey_disk_failed(struct account_survey *s, const char *path)
{
	struct finding finding = { .kind = FINDING_DISK };

	s->failed = true;
	survey_tell(s, &finding, path, "the disk can't read this file");
}

/* ---- what a prefix says ---- */

bool survey_message_id(slice prefix, struct message_id *ret_id)
{
	slice rest = prefix;

	for (;;) {
		size_t at = slice_find(rest, slice_lit(" id "));
		size_t len = 0;

		if (at == rest.len)
			return false;
		rest = slice_drop(rest, at + 4);
		while (len < rest.len && rest.ptr[len] > ' ' && rest.ptr[len] != ';')
			len++;
		if (message_id_parse(slice_head(rest, len), ret_id))
			return true;
	}
}

slice survey_delivered_to(slice prefix)
{
	static const char name[] = "\r\nDelivered-To: ";
	size_t at = slice_find(prefix, slice_from(name));
	slice rest;

	if (at == prefix.len)
		return (slice){ 0 };
	rest = slice_drop(prefix, at + sizeof name - 1);
	return slice_cut(&rest, '\r');
}

/* ---- files ---- */

/* Only the last pack grows. 0 or -errno. */
static int find_packs_end(struct account_survey *s)
{
	uint32_t last = s->n_packs > 0 ? s->packs[s->n_packs - 1] : 0;
	char path[ACCOUNT_PATH_MAX];
	int64_t size;
	int fd;

	s->packs_end = survey_place(last, 0);
	if (last == 0)
		return 0;
	account_pack_path(s->account, last, path);
	fd = os_open(s->os, OS_ROOT, path, OS_READ);
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;  /* gone since it was listed */
	size = os_size(s->os, fd);
	os_close(s->os, fd);
	if (size < 0)
		return (int)size;
	s->packs_end = survey_place(last, size > UINT32_MAX ? UINT32_MAX : (uint32_t)size);
	return 0;
}

static bool list_files(struct account_survey *s)
{
	char folder[ACCOUNT_PATH_MAX], packs[ACCOUNT_PATH_MAX];
	struct finding finding = { .kind = FINDING_DISK };
	int error;

	account_folder_path(s->account, folder);
	account_packs_path(s->account, packs);
	error = account_list(s->os, s->heap, folder, ".log", &s->logs, &s->n_logs);
	if (error == 0)
		error = account_list(s->os, s->heap, packs, ".pack", &s->packs, &s->n_packs);
	if (error == 0)
		error = find_packs_end(s);
	if (error == 0)
		return true;
	s->failed = true;
	survey_tell(s, &finding, folder, "the folder can't be read: %s", strerror(-error));
	return false;
}

static int by_number(const void *a, const void *b)
{
	uint64_t x, y;

	memcpy(&x, a, sizeof x);
	memcpy(&y, b, sizeof y);
	return x < y ? -1 : x > y;
}

void account_survey(struct account_survey *s)
{
	account_state_init(&s->state, s->heap, s->account);
	s->state.full = true;
	if (!list_files(s))
		return;
	survey_logs(s);
	if (s->n_places > 0)
		qsort(s->places, s->n_places, sizeof *s->places, by_number);
	if (!s->state.head.removed)
		survey_packs(s);
}
