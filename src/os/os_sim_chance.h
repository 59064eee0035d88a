/* os/os_sim_chance.h - repeatable chance for the simulator.
 *
 * One stream per subject (network, disk, each process ...), each from the seed
 * and a name: one draw more in one subject does not shift the others.
 * xoshiro256** (Blackman and Vigna), seeded by splitmix64. Not for secrets. */
#ifndef OS_OS_SIM_CHANCE_H
#define OS_OS_SIM_CHANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct chance {
	uint64_t state[4];
};

struct chance chance_init(uint64_t seed, const char *subject, uint64_t number);

uint64_t chance_u64(struct chance *c);
uint64_t chance_below(struct chance *c, uint64_t n);    /* 0 .. n - 1; n > 0 */
uint64_t chance_between(struct chance *c, uint64_t low, uint64_t high); /* both ends */
/* Once in n times; never when n is 0. */
bool chance_one_in(struct chance *c, uint64_t n);
/* low .. high, each doubling about as likely as the next: many draws are short,
 * some are long. high is below 2^62. */
uint64_t chance_skewed(struct chance *c, uint64_t low, uint64_t high);
void chance_fill(struct chance *c, void *buf, size_t n);

#endif
