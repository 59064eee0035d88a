/* sim/dark.h - bits of logs and of bodies on their way turn while the host is off.
 *
 * Power is cut, bits of what its roles will read again turn, and before it starts again
 * an administrator looks with `verify`, which must name each damaged place, and repairs,
 * now or before the weather is over; then verify must have nothing left to say.
 *
 *   journal    a record: its message may be lost, if it was not delivered yet
 *   account    a record of the log: what it said of messages may be lost
 *   queue      a record: its message may be lost, its sender be told again
 *   pack       a message that waits there: its sender is told, or it goes all the same
 *   spool      a body on its way: its message is lost
 *
 * Damage in what no later mark calls synced can't be told from a torn tail: then all
 * behind it is lost as well, and nobody need name it. */
#ifndef SIM_DARK_H
#define SIM_DARK_H

#include "log/finding.h"
#include "sim/checker.h"
#include "sim/rot.h"
#include "sim/station.h"

struct dark;

struct dark *dark_create(struct sim *sim, struct checker *checker, struct rot *rot);
/* Its accounts are numbered in the checker from `first` on. */
void dark_add(struct dark *dark, struct station *station, unsigned first);

/* Cut the power of the station and turn bits of a drawn file. False: there was nothing
 * that would be missed; the power is cut all the same. */
bool dark_strike(struct dark *dark, struct station *station, struct chance *chance);
/* Verify found in an account what came out of a journal that was hit, repaired or not. */
bool dark_was_on_its_way(const struct dark *dark, const struct station *station,
    const struct finding *finding);
/* Repair what is not repaired yet. */
void dark_mend(struct dark *dark);
#endif
