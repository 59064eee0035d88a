/* os/dial.h - connect, and get a stream: what every client begins with. */
#ifndef OS_DIAL_H
#define OS_DIAL_H

#include "os/stream.h"

struct dial {
	struct os_watch watch;
	struct os *os;
	int fd;                         /* -1: not dialling */
	/* fd of a connection, now the owner's; or -errno. */
	void (*done)(struct dial *dial, int fd);
	void *owner;
};

void dial_init(struct dial *dial, struct os *os, void (*done)(struct dial *dial, int fd),
    void *owner);
/* done() follows, but not from inside this call; false: it can't even start. */
bool dial_start(struct dial *dial, const struct os_address *address);
void dial_stop(struct dial *dial);

#endif
