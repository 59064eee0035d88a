/* os/dial.c - connect and wait until it is through. */
#include "os/dial.h"

static void dial_ready(struct os_watch *watch, int events)
{
	struct dial *dial = watch->owner;
	int fd = dial->fd, error = os_connected(dial->os, fd);

	(void)events;
	os_watch_stop(dial->os, watch);
	dial->fd = -1;
	if (error != 0)
		os_close(dial->os, fd);
	dial->done(dial, error != 0 ? error : fd);
}

void dial_init(struct dial *dial, struct os *os, void (*done)(struct dial *dial, int fd),
    void *owner)
{
	*dial = (struct dial){ .os = os, .fd = -1, .done = done, .owner = owner };
	dial->watch.ready = dial_ready;
	dial->watch.owner = dial;
}

bool dial_start(struct dial *dial, const struct os_address *address)
{
	dial->fd = os_connect(dial->os, address);
	if (dial->fd < 0) {
		dial->fd = -1;
		return false;
	}
	os_watch_start(dial->os, &dial->watch, dial->fd, OS_WRITABLE);
	return true;
}

void dial_stop(struct dial *dial)
{
	if (dial->fd < 0)
		return;
	os_watch_stop(dial->os, &dial->watch);
	os_close(dial->os, dial->fd);
	dial->fd = -1;
}
