/* cli/lab.h - the parts of posthouse lab: two hosts, each a server of its own
 * processes, and the zones that lead from one to the other. */
#ifndef CLI_LAB_H
#define CLI_LAB_H

#include <sys/types.h>

#include <jansson.h>

#include "base/buffer.h"
#include "dns/zone.h"
#include "os/os.h"

/* ---- lab_host.c: a child, and its first line of JSON ---- */

struct lab_host {
	const char *name;               /* "bob" */
	const char *address;            /* "127.0.0.2" */
	char data[512];                 /* its data folder */
	pid_t pid;                      /* 0: none */
	struct os *os;
	int fd;                         /* its standard output; -1: closed */
	struct os_watch watch;
	struct buffer output;
	json_t *says;                   /* what it said when it was ready, or NULL */
	/* It is ready; or it has ended, says is NULL then or it was ready before. */
	void (*changed)(struct lab_host *host);
	void *owner;
};

/* Start `posthouse serve` for it. False after a line. ports: of smtp, submission,
 * submissions, pop3, pop3s. */
bool lab_host_start(struct lab_host *host, struct os *os, const unsigned ports[5],
    const char *dns);
void lab_host_end(struct lab_host *host);       /* SIGTERM */
/* A line on why it ended: the last that it said. */
void lab_host_explain(const struct lab_host *host);
/* Has it ended? Does not wait. */
bool lab_host_is_gone(struct lab_host *host);

/* ---- lab_zones.c ---- */

/* bob.example, alice.example and their reverse zone. */
void lab_zones_add(struct dns_zones *zones, const struct lab_host *hosts, size_t n);

#endif
