/* cli/serve_journey.c - the journeys DATA/journey/ROLE.log: opened for each role,
 * rotated by size and by age, kept as long and as large as the configuration says.
 *
 * Of each role there are JOURNEY_FILES at most, ROLE.log the newest, each with at most
 * that part of its share of journey.size, and of journey.keep. (1) A file is dropped
 * when its first event is older than journey.keep. (2) When the older ones of all have
 * more than their part of journey.size, the oldest of them go. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/serve.h"

enum { NAME = 64, KEPT = JOURNEY_FILES - 1, HEAD = 24 };

/* One of them, as it lies there. */
struct journey_file {
	char name[NAME];                /* "edge.0.log.1" */
	bool older;                     /* nobody writes it any more */
	int64_t size, modified_us, first_us;
};

static void file_name(char ret_name[NAME], enum role_kind kind, unsigned index, unsigned age)
{
	char number[16] = "", suffix[16] = "";

	if (kind == ROLE_EDGE || kind == ROLE_STORE)
		snprintf(number, sizeof number, ".%u", index);
	if (age > 0)
		snprintf(suffix, sizeof suffix, ".%u", age);
	snprintf(ret_name, NAME, "journey/%s%s.log%s", role_kind_name(kind), number, suffix);
}

/* Those that write events. */
static bool has_journey(enum role_kind kind)
{
	return kind == ROLE_EDGE || kind == ROLE_ROUTER || kind == ROLE_STORE ||
	    kind == ROLE_RELAY;
}

int serve_journey_open(struct serve *s, enum role_kind kind, unsigned index)
{
	char name[NAME];
	int fd;

	if (!s->setting.config->journey || !has_journey(kind))
		return -1;
	file_name(name, kind, index, 0);
	fd = os_open(s->os, OS_ROOT, name, OS_WRITE | OS_CREATE);
	if (fd < 0)
		os_log(s->os, OS_WARN, "cannot open %s: %s", name, strerror(-fd));
	return fd;
}

/* What one file may have. */
static int64_t size_max(const struct config *config)
{
	unsigned roles = 2 + config->edges + config->stores;

	return (int64_t)(config->journey_size / roles / JOURNEY_FILES);
}

/* ---- what is there ---- */

static bool is_written(const struct config *config, const char *name)
{
	char written[NAME];
	const char *base = written + strlen("journey/");

	for (unsigned i = 0; i < config->edges || i < config->stores || i == 0; i++) {
		static const enum role_kind kinds[] = { ROLE_ROUTER, ROLE_RELAY, ROLE_EDGE,
			ROLE_STORE };
		const unsigned counts[] = { 1, 1, config->edges, config->stores };

		for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
			file_name(written, kinds[k], i, 0);
			if (i < counts[k] && strcmp(base, name) == 0)
				return true;
		}
	}
	return false;
}

/* The time of its first event; else, when it was last written. */
static int64_t first_of(int folder, const char *name, int64_t modified_us)
{
	int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	char head[HEAD + 1] = "";
	ssize_t n = fd >= 0 ? pread(fd, head, HEAD, 0) : 0;
	long long first_us;

	if (fd >= 0)
		close(fd);
	if (n > 0 && sscanf(head, "{\"t\":%18lld", &first_us) == 1)
		return first_us;
	return modified_us;
}

static int by_age(const void *a, const void *b)
{
	const struct journey_file *x = a, *y = b;

	return x->modified_us < y->modified_us ? -1 : x->modified_us > y->modified_us;
}

/* All of them, the oldest first, from the heap. */
static struct journey_file *list_files(const struct serve *s, int folder, size_t *ret_n)
{
	int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *all = fd >= 0 ? fdopendir(fd) : NULL;
	struct journey_file *files = NULL;
	struct dirent *entry;
	size_t n = 0;

	while (all != NULL && (entry = readdir(all)) != NULL) {
		struct journey_file file = { 0 };
		struct stat st;

		if (strstr(entry->d_name, ".log") == NULL || strlen(entry->d_name) >= NAME ||
		    fstatat(folder, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		    !S_ISREG(st.st_mode))
			continue;
		snprintf(file.name, sizeof file.name, "%s", entry->d_name);
		file.older = !is_written(s->setting.config, file.name);
		file.size = st.st_size;
		file.modified_us = st.st_mtime * 1000000LL;
		file.first_us = first_of(folder, file.name, file.modified_us);
		files = heap_resize(os_heap(s->os), files, (n + 1) * sizeof *files);
		files[n++] = file;
	}
	if (all != NULL)
		closedir(all);
	else if (fd >= 0)
		close(fd);
	if (n > 0)
		qsort(files, n, sizeof *files, by_age);
	*ret_n = n;
	return files;
}

/* ---- rotation ---- */

/* X.log becomes X.log.1, and so on; the oldest goes. */
static void shift(const struct serve *s, const char *name)
{
	char older[NAME + 16], newer[NAME + 16];

	for (unsigned age = KEPT; age > 0; age--) {
		snprintf(older, sizeof older, "journey/%s.%u", name, age);
		snprintf(newer, sizeof newer, age > 1 ? "journey/%s.%u" : "journey/%s", name, age - 1);
		renameat(s->data.fd, newer, s->data.fd, older); /* may not be there yet */
	}
}

static bool is_large(const struct serve *s, enum role_kind kind, unsigned index)
{
	char name[NAME];
	struct stat st;

	file_name(name, kind, index, 0);
	return fstatat(s->data.fd, name, &st, 0) == 0 && st.st_size >= size_max(s->setting.config);
}

static bool rotate_large(const struct serve *s, enum role_kind kind, unsigned index)
{
	char name[NAME];

	if (!is_large(s, kind, index))
		return false;
	file_name(name, kind, index, 0);
	shift(s, name + strlen("journey/"));
	return true;
}

/* Those that are too old go; those that are written and begin to be are rotated. */
static bool judge_age(const struct serve *s, int folder, const struct journey_file *files,
    size_t n)
{
	int64_t keep_us = s->setting.config->journey_keep_s * (int64_t)1000000;
	int64_t now_us = os_wall_us(s->os);
	bool rotated = false;

	for (size_t i = 0; i < n && keep_us > 0; i++) {
		if (files[i].older && now_us - files[i].first_us > keep_us)
			unlinkat(folder, files[i].name, 0);
	}
	/* From here on older ones have other names. */
	for (size_t i = 0; i < n && keep_us > 0; i++) {
		if (!files[i].older && files[i].size > 0 &&
		    now_us - files[i].first_us > keep_us / JOURNEY_FILES) {
			shift(s, files[i].name);
			rotated = true;
		}
	}
	return rotated;
}

static void judge_size(const struct serve *s, int folder, const struct journey_file *files,
    size_t n)
{
	int64_t most = (int64_t)(s->setting.config->journey_size / JOURNEY_FILES * KEPT), sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += files[i].older ? files[i].size : 0;
	for (size_t i = 0; i < n && sum > most; i++) {
		if (files[i].older && files[i].size > 0 && unlinkat(folder, files[i].name, 0) == 0)
			sum -= files[i].size;
	}
}

static bool judge_files(const struct serve *s)
{
	int folder = openat(s->data.fd, "journey", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct journey_file *files;
	bool rotated;
	size_t n;

	if (folder < 0)
		return false;
	files = list_files(s, folder, &n);
	rotated = judge_age(s, folder, files, n);
	heap_free(os_heap(s->os), files);
	/* Names and sizes may have changed. */
	files = list_files(s, folder, &n);
	if (rotated)
		judge_age(s, folder, files, n);
	judge_size(s, folder, files, n);
	heap_free(os_heap(s->os), files);
	close(folder);
	return rotated;
}

/* As often as journey.keep makes a difference. */
static uint64_t look_ms(const struct config *config)
{
	uint64_t ms = (uint64_t)config->journey_keep_s * 1000 / JOURNEY_FILES / 8;

	if (ms < JOURNEY_CHECK_MS)
		return JOURNEY_CHECK_MS;
	return ms < LOG_CHECK_MS ? ms : LOG_CHECK_MS;
}

/* True: roles must open theirs again. */
static bool rotate(struct serve *s)
{
	const struct config *config = s->setting.config;
	bool rotated = rotate_large(s, ROLE_ROUTER, 0);
	uint64_t now_ms = os_now_ms(s->os);

	rotated |= rotate_large(s, ROLE_RELAY, 0);
	for (unsigned i = 0; i < config->edges; i++)
		rotated |= rotate_large(s, ROLE_EDGE, i);
	for (unsigned i = 0; i < config->stores; i++)
		rotated |= rotate_large(s, ROLE_STORE, i);
	if (!rotated && s->journey_look_ms != 0 && now_ms < s->journey_look_ms)
		return false;
	s->journey_look_ms = now_ms + look_ms(config);
	return judge_files(s) || rotated;
}

/* ---- its timer ---- */

static void on_check(struct os_timer *timer)
{
	struct serve *s = timer->owner;

	if (rotate(s))
		keeper_reopen_logs(s->keeper);
	os_timer_start(s->os, timer, JOURNEY_CHECK_MS);
}

/* Before the roles: what they are given is not rotated at once. */
void serve_journey_start(struct serve *s)
{
	rotate(s);
	s->journey_check = (struct os_timer){ .fire = on_check, .owner = s };
	os_timer_start(s->os, &s->journey_check, JOURNEY_CHECK_MS);
}
