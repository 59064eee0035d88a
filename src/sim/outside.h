/* sim/outside.h - the world outside of the simulated Posthouses: the DNS that all of
 * them ask, and domains whose next hosts are scripted.
 *
 *   away.example      senders' mailboxes
 *   far.example       two MX hosts
 *   plain.example     no MX, one address
 *   nomail.example    takes no mail (RFC 7505)
 *   nowhere.example   is not there
 */
#ifndef SIM_OUTSIDE_H
#define SIM_OUTSIDE_H

#include "sim/checker.h"
#include "sim/station.h"

struct outside;

enum { OUTSIDE_HOSTS = 3 };

/* Lives in the world. */
struct outside *outside_create(struct sim *sim, struct checker *checker);
/* Its MX record and address. */
void outside_add_station(struct outside *outside, const struct station *station);
/* Somebody whom mail can be forwarded to, drawn; some of them it never reaches. Each
 * is an account of the checker. */
slice outside_draw(struct outside *outside, struct chance *chance);
struct sim_host *outside_host(struct outside *outside, unsigned number);

/* Some next host is in a bad mood, some name changes or is gone, for a while. */
void outside_strike_host(struct outside *outside, struct chance *chance);
void outside_strike_dns(struct outside *outside, struct chance *chance);
/* From now on all is well. */
void outside_calm(struct outside *outside);

#endif
