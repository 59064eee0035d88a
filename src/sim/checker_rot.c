/* sim/checker_rot.c - what rot hit, and so what may be missing. */
#include "sim/checker_impl.h"

#include "sim/dsn_look.h"

void checker_rotten(struct checker *c, unsigned message, uint64_t accounts)
{
	checker_message(c, message)->rotten |= accounts;
}

void checker_log_hit(struct checker *c, unsigned account)
{
	struct account *a = &c->accounts[account];

	a->epoch++;
	/* It may be back, or not. */
	list_for(at, &a->copies)
		list_item(at, struct copy, link)->removed_at = 0;
}

void checker_damage_named(struct checker *c, unsigned message, uint64_t accounts)
{
	checker_message(c, message)->named |= accounts;
}

/* Which message is it, or of which is it a report? 0: nobody's. */
static unsigned number_of(const struct checker *c, slice bytes, struct dsn_look *ret_look)
{
	unsigned number = checker_message_number(c, bytes);

	ret_look->n = 0;
	ret_look->id = (slice){ 0 };
	if (number == 0)
		number = checker_number_inside(c, bytes);
	if (number == 0 && dsn_look(slice_drop(bytes, checker_trace_len(bytes)), ret_look))
		number = checker_sender_number(c, ret_look->to);
	return number;
}

static void lose_report(struct checker *c, unsigned number, const struct dsn_look *look)
{
	for (size_t i = 0; i < look->n; i++)
		c->messages[number].untold |= checker_account_bit(c, look->recipients[i].address);
}

unsigned checker_lost(struct checker *c, uint64_t accounts, slice bytes)
{
	struct dsn_look look;
	unsigned number = number_of(c, bytes, &look);

	if (number == 0)
		return 0;
	lose_report(c, number, &look);
	if (look.n == 0)
		checker_message(c, number)->lost |= accounts;
	return number;
}

unsigned checker_lost_by_id(struct checker *c, uint64_t accounts, slice id)
{
	for (unsigned i = 1; i <= c->n_messages; i++) {
		if (!slice_equal(slice_from(c->messages[i].id), id))
			continue;
		c->messages[i].lost |= accounts;
		return i;
	}
	return 0;
}

unsigned checker_row_lost(struct checker *c, unsigned account, slice uid, slice bytes)
{
	struct copy *copy = checker_copy(c, account, uid);
	struct dsn_look look;
	unsigned number = number_of(c, bytes, &look);
	struct report *report;

	if (copy != NULL)
		copy->shaken = true;
	if (number == 0 && copy != NULL)
		number = copy->message;
	if (number == 0)
		return 0;
	lose_report(c, number, &look);
	report = look.n > 0 ? checker_report(c, look.id) : NULL;
	if (report != NULL)
		report->shaken = true;
	if (look.n == 0)
		checker_message(c, number)->shaken |= UINT64_C(1) << account;
	return number;
}

void checker_lost_named(struct checker *c, unsigned message, uint64_t accounts)
{
	checker_message(c, message)->lost_named |= accounts;
}

void checker_retold(struct checker *c, slice bytes)
{
	struct dsn_look look;
	unsigned number = number_of(c, bytes, &look);

	if (number != 0)
		checker_message(c, number)->retold = true;
}

void checker_all_retold(struct checker *c)
{
	for (unsigned i = 1; i <= c->n_messages; i++)
		c->messages[i].retold = true;
}

void checker_redelivers(struct checker *c, unsigned account)
{
	c->accounts[account].redelivers = true;
}

void checker_shaken(struct checker *c, unsigned account)
{
	struct account *a = &c->accounts[account];

	a->shaken = true;
	checker_log_hit(c, account);
	list_for(at, &a->copies) {
		struct copy *copy = list_item(at, struct copy, link);

		copy->returns = copy->returns || copy->state != COPY_PRESENT || copy->removing;
	}
}

void checker_repaired(struct checker *c, unsigned account)
{
	c->accounts[account].repaired = true;
	checker_log_hit(c, account);
}
