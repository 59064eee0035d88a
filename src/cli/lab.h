/* cli/lab.h - the parts of posthouse lab: two hosts, each a server of its own
 * processes, the zones that lead from one to the other, and what is shown. */
#ifndef CLI_LAB_H
#define CLI_LAB_H

#include <sys/types.h>

#include <jansson.h>

#include "base/buffer.h"
#include "cli/cli.h"
#include "cli/lab_dns.h"
#include "cli/output.h"
#include "cli/trace.h"
#include "cli/trace_follow.h"
#include "dns/zone.h"
#include "os/os.h"

/* ---- lab_host.c: a child, and its first line of JSON ---- */

struct lab_host {
	const char *name;               /* "bob" */
	const char *title;              /* "Bob" */
	const char *address;            /* "127.0.0.2" */
	char data[512];                 /* its data folder */
	pid_t pid;                      /* 0: none */
	int status;                     /* of the last one, as waitpid() says it */
	struct os *os;
	int fd;                         /* its standard output; -1: closed */
	struct os_watch watch;
	struct buffer output;
	json_t *says;                   /* what it said when it was ready, or NULL */
	bool ended;                     /* it was said that it has ended */
	/* It is ready; or it has ended: fd is -1 then. */
	void (*changed)(struct lab_host *host);
	void *owner;
};

/* Start `posthouse serve` for it, also once it has ended. False after a line. ports: of
 * smtp, submission, submissions, pop3, pop3s, http, imap, imaps. other: whose journeys go on with its. */
bool lab_host_start(struct lab_host *host, const struct lab_host *other, struct os *os,
    const unsigned ports[8], const char *dns);
void lab_host_end(struct lab_host *host);       /* SIGTERM */
/* Why it ended: the last that it said. */
const char *lab_host_why(const struct lab_host *host, char *ret_text, size_t size);
/* Has it ended? Does not wait. */
bool lab_host_is_gone(struct lab_host *host);

/* ---- the whole ---- */

enum { LAB_HOSTS = 2, LAB_BOB = 0, LAB_ALICE = 1, LAB_HTTP = 5, LAB_IMAP = 6, LAB_PORTS = 8 };

struct lab {
	const struct cli_args *args;
	struct os *os;
	struct output *output;
	FILE *out;                      /* to write to it */
	int lock;                       /* of the folder; -1: none */
	struct lab_host hosts[LAB_HOSTS];
	unsigned ports[LAB_PORTS], dns_port;
	char dns_text[OS_ADDRESS_TEXT];
	struct dns_zones *zones;
	struct lab_dns *dns;
	struct os_signal interrupt, terminate, again;
	struct os_watch enter;
	bool reads;                     /* `enter` runs */
	struct os_timer look;
	uint64_t began_ms, ready_ms, ending_ms;
	bool json, send, ready, ending;
	int status;
	pid_t sender;
	struct trace trace;
	struct trace_follow *follow;
	bool failed;                    /* the first message could not be sent */
	bool advised;
};

/* ---- lab_show.c ---- */

/* Of the host's only account: "address", "password". */
const char *lab_account(const struct lab *lab, size_t host, const char *field);
/* Journeys, from now on. */
void lab_show_start(struct lab *lab);
/* What is new of them. */
void lab_show(struct lab *lab);
/* What to try; once. */
void lab_advise(struct lab *lab);
/* It has ended, and how it begins again; it is up again. */
void lab_tell_ended(struct lab *lab, const struct lab_host *host);
void lab_tell_again(struct lab *lab, const struct lab_host *host);
void lab_announce(struct lab *lab);             /* JSON */

/* ---- lab_zones.c ---- */

/* bob.example, alice.example and their reverse zone. */
void lab_zones_add(struct dns_zones *zones, const struct lab_host *hosts, size_t n);
/* All other names are not there; unless somebody has brought a root. */
void lab_zones_close(struct dns_zones *zones);

#endif
