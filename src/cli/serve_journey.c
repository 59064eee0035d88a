/* cli/serve_journey.c - the journeys DATA/journey/ROLE.log: opened for each role,
 * rotated by size, kept as long and as large as the configuration says. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/serve.h"

enum { NAME = 64, KEPT = 7 };           /* older files of a role */

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

/* Each role's share, in files of an eighth. */
static int64_t size_max(const struct config *config)
{
	unsigned roles = 2 + config->edges + config->stores;

	return (int64_t)(config->journey_size / roles / (KEPT + 1));
}

static bool is_old(const struct serve *s, const struct stat *st)
{
	unsigned keep_s = s->setting.config->journey_keep_s;

	return keep_s > 0 && os_wall_us(s->os) / 1000000 - st->st_mtime > keep_s;
}

static void drop_old(const struct serve *s, enum role_kind kind, unsigned index)
{
	char name[NAME];
	struct stat st;

	for (unsigned age = 1; age <= KEPT; age++) {
		file_name(name, kind, index, age);
		if (fstatat(s->data.fd, name, &st, 0) == 0 && is_old(s, &st))
			unlinkat(s->data.fd, name, 0);
	}
}

static bool rotate(const struct serve *s, enum role_kind kind, unsigned index)
{
	char older[NAME], newer[NAME];
	struct stat st;

	drop_old(s, kind, index);
	file_name(newer, kind, index, 0);
	if (fstatat(s->data.fd, newer, &st, 0) < 0 || st.st_size < size_max(s->setting.config))
		return false;
	for (unsigned age = KEPT; age > 0; age--) {
		file_name(older, kind, index, age);
		file_name(newer, kind, index, age - 1);
		renameat(s->data.fd, newer, s->data.fd, older); /* may not be there yet */
	}
	return true;
}

bool serve_journey_rotate(struct serve *s)
{
	const struct config *config = s->setting.config;
	bool rotated = rotate(s, ROLE_ROUTER, 0);

	rotated |= rotate(s, ROLE_RELAY, 0);
	for (unsigned i = 0; i < config->edges; i++)
		rotated |= rotate(s, ROLE_EDGE, i);
	for (unsigned i = 0; i < config->stores; i++)
		rotated |= rotate(s, ROLE_STORE, i);
	return rotated;
}
