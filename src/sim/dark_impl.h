/* sim/dark_impl.h - what dark.c (when) and dark_hit.c (what) share. */
#ifndef SIM_DARK_IMPL_H
#define SIM_DARK_IMPL_H

#include "sim/dark.h"
#include "sim/log_look.h"

enum { DARK_HOSTS_MAX = 64, DARK_HITS_MAX = 16, DARK_LOST_MAX = 64, DARK_STRIKES_MAX = 3 };

enum dark_kind { DARK_JOURNAL, DARK_ACCOUNT, DARK_QUEUE, DARK_KINDS };

/* One place that turned. */
struct hit {
	struct station *station;
	enum dark_kind kind;
	char path[200];
	uint64_t generation;            /* of the file */
	uint32_t from, to;              /* of what the byte is part of */
	uint32_t offset;
	unsigned char turned;           /* what stands there since */
	bool sure;                      /* verify must find it, and whoever reads it say so */
	bool grave;                     /* the account can't be used until it is repaired */
	bool renumbers;                 /* all messages of the account come back as others */
	bool named, repaired;
	unsigned account;               /* DARK_ACCOUNT: as the checker counts */
	uint64_t id;                    /* ... and in file names */
	struct {
		unsigned message;
		uint64_t accounts;
	} lost[DARK_LOST_MAX];
	size_t n_lost;
};

struct dark {
	struct sim *sim;
	struct checker *checker;
	struct rot *rot;
	struct {
		struct station *station;
		unsigned first;
	} hosts[DARK_HOSTS_MAX];
	size_t n_hosts;
	struct hit hits[DARK_HITS_MAX];
	size_t n_hits;
	unsigned strikes;
};

/* Draw a file of this kind and a byte of it that matters, say what is lost with it, and
 * turn it. False: there is none. */
bool dark_hit(struct dark *dark, struct station *station, enum dark_kind kind,
    struct chance *chance, struct hit *ret);
unsigned dark_first(const struct dark *dark, const struct station *station);

#endif
