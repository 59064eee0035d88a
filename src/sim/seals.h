/* sim/seals.h - tell the checker what directories decide, from what they say to
 * their edges: for which message, by its reverse-path, which recipient leads to
 * which accounts. And count what relays answer to their routers. */
#ifndef SIM_SEALS_H
#define SIM_SEALS_H

#include "sim/book.h"
#include "sim/checker.h"
#include "sim/station.h"

struct seals;

struct seals *seals_create(struct sim *sim, struct checker *checker);
/* The station's accounts are numbered in the checker from `first` on. What its
 * directory decides about CHECKER_MOVING must agree with the book, unless that
 * is NULL. */
void seals_add(struct seals *seals, struct station *station, unsigned first, struct book *book);
/* For how many recipients the role has answered, if it is a relay. */
size_t seals_answered(const struct seals *seals, const struct os *role);

#endif
