/* sim/rot.h - bits of messages at rest turn.
 *
 * Only in packs: there each byte belongs to one message of one account, so the
 * checker can go on to demand all else. */
#ifndef SIM_ROT_H
#define SIM_ROT_H

#include "pack/pack.h"
#include "sim/checker.h"
#include "sim/station.h"

struct rot;

/* Listens to the log as well: a store that meets damage must name it, and nothing
 * else. */
struct rot *rot_create(struct sim *sim, struct checker *checker);
/* The station's accounts are numbered in the checker from `first` on. */
void rot_add(struct rot *rot, struct station *station, unsigned first);

/* Turn a drawn bit of a drawn pack of the station, and tell the checker whose it
 * was. False: that byte is of no message at rest, and nothing turned. */
bool rot_strike(struct rot *rot, const struct station *station, struct chance *chance);

/* Its row is gone as well: nobody will name what rot did to the message there. */
void rot_row_lost(struct rot *rot, const struct station *station, struct pack_place place);
/* The account was repaired: what was hit in it counts no more. */
void rot_repaired(struct rot *rot, const struct station *station, uint64_t id);

/* verify calls these bytes of the file damaged, its path below the root of the disk.
 * Was it rot? */
bool rot_found(struct rot *rot, const struct station *station, slice path, uint64_t from,
    uint64_t to);
/* After all of the station's disk was verified: what a store named, verify found. */
void rot_check_found(const struct rot *rot, const struct station *station);

#endif
