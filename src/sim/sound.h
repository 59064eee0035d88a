/* sim/sound.h - what `posthouse verify` says of a host's disk, at the end of a run. */
#ifndef SIM_SOUND_H
#define SIM_SOUND_H

#include "sim/checker.h"
#include "sim/rot.h"
#include "sim/station.h"

/* Read the journal, the directory and every account of the host, beside its roles,
 * in an instant between two events. A finding fails the run: whatever crashed and
 * failed before, verify must not cry wolf, but where rot struck; there it must. */
void sound_check(struct station *s, struct checker *checker, struct rot *rot);

#endif
