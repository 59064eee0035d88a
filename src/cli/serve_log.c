/* cli/serve_log.c - the text logs DATA/log/ROLE.log: opened for each role, and
 * rotated by size. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/serve.h"

enum { LOG_NAME = 64 };

static void log_name(char ret_name[LOG_NAME], enum role_kind kind, unsigned index)
{
	if (kind == ROLE_EDGE || kind == ROLE_STORE)
		snprintf(ret_name, LOG_NAME, "log/%s.%u.log", role_kind_name(kind), index);
	else
		snprintf(ret_name, LOG_NAME, "log/%s.log", role_kind_name(kind));
}

int serve_log_open(struct serve *s, enum role_kind kind, unsigned index)
{
	char name[LOG_NAME];
	int fd;

	if (s->memory)
		return -1;
	log_name(name, kind, index);
	fd = os_open(s->os, OS_ROOT, name, OS_WRITE | OS_CREATE);
	if (fd < 0)
		os_log(s->os, OS_WARN, "cannot open %s: %s", name, strerror(-fd));
	return fd;
}

/* X.log becomes X.log.1, that X.log.2, and the oldest goes. */
static bool rotate(const struct serve *s, enum role_kind kind, unsigned index)
{
	char name[LOG_NAME], older[LOG_NAME + 8], newer[LOG_NAME + 8];
	struct stat st;

	log_name(name, kind, index);
	if (fstatat(s->data.fd, name, &st, 0) < 0 || st.st_size < LOG_FILE_MAX)
		return false;
	for (int i = LOG_FILES_KEPT; i > 0; i--) {
		snprintf(older, sizeof older, "%s.%d", name, i);
		if (i > 1)
			snprintf(newer, sizeof newer, "%s.%d", name, i - 1);
		else
			snprintf(newer, sizeof newer, "%s", name);
		renameat(s->data.fd, newer, s->data.fd, older); /* may not be there yet */
	}
	return true;
}

static void on_log_check(struct os_timer *timer)
{
	struct serve *s = timer->owner;
	const struct config *config = s->setting.config;
	static const enum role_kind single[] = { ROLE_DIRECTORY, ROLE_ROUTER, ROLE_RELAY,
		ROLE_RESOLVER, ROLE_WEB };
	bool rotated = false;

	for (size_t i = 0; i < sizeof single / sizeof *single; i++)
		rotated |= rotate(s, single[i], 0);
	for (unsigned i = 0; i < config->edges; i++)
		rotated |= rotate(s, ROLE_EDGE, i);
	for (unsigned i = 0; i < config->stores; i++)
		rotated |= rotate(s, ROLE_STORE, i);
	if (rotate(s, ROLE_KEEPER, 0))
		os_log_to(s->os, serve_log_open(s, ROLE_KEEPER, 0));
	if (rotated)
		keeper_reopen_logs(s->keeper);
	os_timer_start(s->os, timer, LOG_CHECK_MS);
}

void serve_log_start(struct serve *s)
{
	os_log_to(s->os, serve_log_open(s, ROLE_KEEPER, 0));
	s->log_check = (struct os_timer){ .fire = on_log_check, .owner = s };
	os_timer_start(s->os, &s->log_check, LOG_CHECK_MS);
}
