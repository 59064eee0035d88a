/* directory/seal_targets.c - all seals of one record, opened. */
#include "directory/seal_targets.h"

bool seal_targets(void *key, const struct journal_commit *commit, struct arena *arena,
    struct delivery_target *ret_targets, size_t *ret_n)
{
	size_t n = 0;

	for (size_t i = 0; i < commit->n_recipients; i++) {
		struct sealed_recipient to;

		if (!seal_open(key, commit->sealed[i], arena, &to) ||
		    to.transaction != commit->transaction ||
		    !slice_equal(to.sender, commit->sender))
			return false;
		for (size_t j = 0; j < to.n_targets; j++, n++)
			ret_targets[n] = (struct delivery_target){ (uint16_t)n,
			    to.targets[j].account, to.targets[j].delivered_to };
	}
	*ret_n = n;
	return true;
}
