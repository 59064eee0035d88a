/* sim/sound.h - what `posthouse verify` says of a host's disk, and what `posthouse
 * repair` makes of it, in an instant between two events. */
#ifndef SIM_SOUND_H
#define SIM_SOUND_H

#include "journal/verify.h"
#include "sim/checker.h"
#include "sim/dark.h"
#include "sim/rot.h"
#include "sim/station.h"

/* Read the journal, the directory, the queue and every account of the host, beside its
 * roles. A finding fails the run: whatever crashed and failed before, verify must not cry
 * wolf, but where rot struck; there it must. */
void sound_check(struct station *s, struct checker *checker, struct rot *rot,
    const struct dark *dark);

/* Whoever reads the journal, the queue and all accounts; none of the roles may live. */
struct sound_look {
	/* Each finding that is no note. */
	void (*tell)(void *context, const struct finding *finding);
	/* Each record of the journal that is not done, read by `os`, whose root is the
	 * journal; NULL: nobody asks. */
	void (*record)(void *context, struct os *os, const struct journal_file *file,
	    const struct log_record *record);
	void *context;
};
void sound_look(struct station *s, struct checker *checker, const struct sound_look *look);

/* Repair the journal, the queue and all damaged accounts; no role may live. account() hears of
 * each that was repaired, and whether its log was damaged. False after a failure. */
bool sound_repair(struct station *s, struct checker *checker,
    void (*account)(void *context, uint64_t id, bool log), void *context);

/* A process of the host whose root is this folder. */
struct os *sound_reader(struct station *s, struct checker *checker, const char *folder);

#endif
