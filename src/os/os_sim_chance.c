/* os/os_sim_chance.c - xoshiro256** in streams. */
#include "os/os_sim_chance.h"

#include <string.h>

#include "base/check.h"
#include "base/checksum.h"

static uint64_t splitmix(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

struct chance chance_init(uint64_t seed, const char *subject, uint64_t number)
{
	uint64_t state = checksum64(slice_from(subject), seed) + number * 0xd1342543de82ef95u;
	struct chance c;

	for (size_t i = 0; i < 4; i++)
		c.state[i] = splitmix(&state);
	return c;
}

static uint64_t rotate(uint64_t x, int k)
{
	return x << k | x >> (64 - k);
}

uint64_t chance_u64(struct chance *c)
{
	uint64_t *s = c->state, result = rotate(s[1] * 5, 7) * 9, t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotate(s[3], 45);
	return result;
}

uint64_t chance_below(struct chance *c, uint64_t n)
{
	check(n > 0);
	return (uint64_t)((unsigned __int128)chance_u64(c) * n >> 64);
}

uint64_t chance_between(struct chance *c, uint64_t low, uint64_t high)
{
	check(low <= high);
	return low + chance_below(c, high - low + 1);
}

bool chance_one_in(struct chance *c, uint64_t n)
{
	return n > 0 && chance_below(c, n) == 0;
}

uint64_t chance_skewed(struct chance *c, uint64_t low, uint64_t high)
{
	uint64_t base = low > 0 ? low : 1, top, doublings = 0;

	check(low <= high);
	while (base << doublings < high)
		doublings++;
	top = base << chance_below(c, doublings + 1);
	return chance_between(c, low, top < high ? top : high);
}

void chance_fill(struct chance *c, void *buf, size_t n)
{
	unsigned char *at = buf;

	while (n > 0) {
		uint64_t v = chance_u64(c);
		size_t part = n < sizeof v ? n : sizeof v;

		memcpy(at, &v, part);
		at += part;
		n -= part;
	}
}
