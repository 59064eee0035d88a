/* cli/serve_journey.c - the journeys DATA/journey/ROLE.log (of a mock maybe in memory):
 * opened for each role, rotated by size and by age, kept as long and as large as the
 * configuration says.
 *
 * Of each role there are JOURNEY_FILES at most, ROLE.log the newest, each with at most
 * that part of its share of journey.size, and of journey.keep. (1) A file is dropped
 * when its first event is older than journey.keep. (2) When the older ones of all have
 * more than their part of journey.size, the oldest of them go. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/serve.h"
#include "os/os_uv.h"

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

/* By root alone, but for the web of a lab, which reads it as the user that roles become. */
void serve_journey_share(const struct serve *s, int fd, mode_t mode)
{
	if (s->uid < 0 || !config_shows_mail(s->setting.config))
		return;
	if (fchown(fd, (uid_t)-1, (gid_t)s->gid) < 0 || fchmod(fd, mode) < 0)
		os_log(s->os, OS_WARN, "the web can't read journeys: %s", strerror(errno));
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
	else
		serve_journey_share(s, fd, 0640);
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

static void path_of(char ret_path[NAME + 16], const char *name, unsigned age)
{
	if (age > 0)
		snprintf(ret_path, NAME + 16, "journey/%s.%u", name, age);
	else
		snprintf(ret_path, NAME + 16, "journey/%s", name);
}

/* For reading, as a descriptor of our own; or -1. What lies in a folder on disk may be
 * anything, and is not waited for. */
static int open_file(const struct serve *s, const char *name)
{
	char path[NAME + 16];
	int fd;

	path_of(path, name, 0);
	if (!s->memory)
		return openat(s->data.fd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	fd = os_open(s->os, OS_ROOT, path, OS_READ);
	return fd < 0 ? -1 : fd;
}

static bool look_at(const struct serve *s, const char *name, struct journey_file *ret_file)
{
	int fd = open_file(s, name);
	char head[HEAD + 1] = "";
	long long first_us;
	struct stat st;
	ssize_t n;

	if (fd < 0)
		return false;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		os_close(s->os, fd);
		return false;
	}
	n = pread(fd, head, HEAD, 0);
	os_close(s->os, fd);
	*ret_file = (struct journey_file){ .older = !is_written(s->setting.config, name),
	    .size = st.st_size, .modified_us = st.st_mtim.tv_sec * 1000000LL +
	        st.st_mtim.tv_nsec / 1000 };
	snprintf(ret_file->name, sizeof ret_file->name, "%s", name);
	/* The time of its first event; else, when it was last written. */
	ret_file->first_us = n > 0 && sscanf(head, "{\"t\":%18lld", &first_us) == 1 ? first_us :
	    ret_file->modified_us;
	return true;
}

static int by_age(const void *a, const void *b)
{
	const struct journey_file *x = a, *y = b;

	return x->modified_us < y->modified_us ? -1 : x->modified_us > y->modified_us;
}

struct listing {
	const struct serve *serve;
	struct journey_file *files;     /* from the heap */
	size_t n;
};

static bool list_one(void *context, const char *name)
{
	struct listing *l = context;
	struct journey_file file;

	if (strstr(name, ".log") == NULL || strlen(name) >= NAME ||
	    !look_at(l->serve, name, &file))
		return true;
	l->files = heap_resize(os_heap(l->serve->os), l->files, (l->n + 1) * sizeof file);
	l->files[l->n++] = file;
	return true;
}

/* All of them, the oldest first, from the heap. */
static struct journey_file *list_files(const struct serve *s, size_t *ret_n)
{
	struct listing l = { .serve = s };

	os_list(s->os, OS_ROOT, "journey", list_one, &l);       /* what can't be read is not there */
	if (l.n > 0)
		qsort(l.files, l.n, sizeof *l.files, by_age);
	*ret_n = l.n;
	return l.files;
}

static bool unlink_file(const struct serve *s, const char *name)
{
	char path[NAME + 16];

	path_of(path, name, 0);
	return os_unlink(s->os, OS_ROOT, path) == 0;
}

/* ---- rotation ---- */

/* X.log becomes X.log.1, and so on; the oldest goes. */
static void shift(const struct serve *s, const char *name)
{
	char older[NAME + 16], newer[NAME + 16];

	for (unsigned age = KEPT; age > 0; age--) {
		path_of(older, name, age);
		path_of(newer, name, age - 1);
		os_uv_rename(s->os, newer, older);      /* may not be there yet */
	}
}

static bool is_large(const struct serve *s, enum role_kind kind, unsigned index)
{
	char name[NAME];
	struct journey_file file;

	file_name(name, kind, index, 0);
	return look_at(s, name + strlen("journey/"), &file) &&
	    file.size >= size_max(s->setting.config);
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
static bool judge_age(const struct serve *s, const struct journey_file *files, size_t n)
{
	int64_t keep_us = s->setting.config->journey_keep_s * (int64_t)1000000;
	int64_t now_us = os_wall_us(s->os);
	bool rotated = false;

	for (size_t i = 0; i < n && keep_us > 0; i++) {
		if (files[i].older && now_us - files[i].first_us > keep_us)
			unlink_file(s, files[i].name);
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

static void judge_size(const struct serve *s, const struct journey_file *files, size_t n)
{
	int64_t most = (int64_t)(s->setting.config->journey_size / JOURNEY_FILES * KEPT), sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += files[i].older ? files[i].size : 0;
	for (size_t i = 0; i < n && sum > most; i++) {
		if (files[i].older && files[i].size > 0 && unlink_file(s, files[i].name))
			sum -= files[i].size;
	}
}

static bool judge_files(const struct serve *s)
{
	struct journey_file *files;
	bool rotated;
	size_t n;

	files = list_files(s, &n);
	rotated = judge_age(s, files, n);
	heap_free(os_heap(s->os), files);
	/* Names and sizes may have changed. */
	files = list_files(s, &n);
	if (rotated)
		judge_age(s, files, n);
	judge_size(s, files, n);
	heap_free(os_heap(s->os), files);
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

/* What is written in between is on top: in memory that is to be little. */
static uint64_t check_ms(const struct serve *s)
{
	return s->memory ? JOURNEY_CHECK_MS / 4 : JOURNEY_CHECK_MS;
}

static void on_check(struct os_timer *timer)
{
	struct serve *s = timer->owner;

	if (rotate(s))
		keeper_reopen_logs(s->keeper);
	os_timer_start(s->os, timer, check_ms(s));
}

/* Before the roles: what they are given is not rotated at once. */
void serve_journey_start(struct serve *s)
{
	rotate(s);
	s->journey_check = (struct os_timer){ .fire = on_check, .owner = s };
	os_timer_start(s->os, &s->journey_check, check_ms(s));
}
