/* sim/checker_imap.c - messages of the INBOX that go by IMAP; a UIDL is UIDVALIDITY.UID. */
#include "sim/checker_impl.h"

#include <stdio.h>

#include "base/check.h"

static struct copy *find(const struct checker *c, unsigned account, uint32_t uidvalidity,
    uint32_t uid)
{
	char text[32];

	snprintf(text, sizeof text, "%u.%u", uidvalidity, uid);
	return checker_copy(c, account, slice_from(text));
}

bool checker_is_appended(slice bytes)
{
	return slice_starts(bytes, slice_lit(CHECKER_APPENDED));
}

bool checker_may_remove(const struct checker *c, unsigned account, uint32_t uidvalidity,
    uint32_t uid)
{
	const struct copy *copy = find(c, account, uidvalidity, uid);

	return copy != NULL && copy->state == COPY_PRESENT &&
	    (copy->message != 0 || copy->report != NULL);
}

void checker_removing(struct checker *c, unsigned account, uint32_t uidvalidity, uint32_t uid)
{
	struct copy *copy = find(c, account, uidvalidity, uid);

	check(copy != NULL);
	copy->removing = true;
}

void checker_removed(struct checker *c, unsigned account, uint32_t uidvalidity, uint32_t uid)
{
	struct copy *copy = find(c, account, uidvalidity, uid);

	if (copy != NULL && copy->removed_at == 0)
		copy->removed_at = sim_events(c->sim);
}

bool checker_may_go(const struct checker *c, unsigned account, uint32_t uidvalidity,
    uint32_t uid)
{
	const struct copy *copy = find(c, account, uidvalidity, uid);

	return copy != NULL && (copy->state != COPY_PRESENT || copy->asked || copy->removing);
}

unsigned checker_epoch(const struct checker *c, unsigned account)
{
	return c->accounts[account].epoch;
}
