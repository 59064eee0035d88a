/* sim/checker_reader.c - lists, bodies, deletions. */
#include "sim/checker_impl.h"

#include <string.h>

#include "base/check.h"
#include "base/text.h"

/* ---- lists ---- */

struct copy *checker_copy(const struct checker *c, unsigned account, slice uid)
{
	list_for(at, &c->accounts[account].copies) {
		struct copy *copy = list_item(at, struct copy, link);

		if (slice_equal(slice_from(copy->uid), uid))
			return copy;
	}
	return NULL;
}

void checker_visit(struct checker *c, unsigned account)
{
	c->accounts[account].visited_at = sim_events(c->sim);
}

void checker_list_begin(struct checker *c, unsigned account)
{
	struct account *a = &c->accounts[account];

	a->n_listed = 0;
	a->ends = sim_ends(c->sim);
	list_for(at, &a->copies)
		list_item(at, struct copy, link)->listed = false;
}

void checker_listed(struct checker *c, unsigned account, slice uid)
{
	struct account *a = &c->accounts[account];
	struct copy *copy = checker_copy(c, account, uid);

	if (uid.len == 0 || uid.len > CHECKER_UID_MAX) {
		checker_fail(c, "%.*s: a UIDL of %zu characters", slice_arg(a->address), uid.len);
		return;
	}
	if (copy == NULL) {
		copy = heap_new(c->heap, struct copy);
		memcpy(copy->uid, uid.ptr, uid.len);
		list_append(&a->copies, &copy->link);
	} else if (copy->listed) {
		checker_fail(c, "%.*s: UIDL %s twice in one list", slice_arg(a->address),
		    copy->uid);
	} else if (copy->state == COPY_GONE && !copy->returns && !copy->shaken) {
		checker_fail(c, "%.*s: UIDL %s (message m%u) came back from deletion",
		    slice_arg(a->address), copy->uid, copy->message);
	}
	if (copy->state == COPY_GONE)
		copy->returns = false;
	copy->state = COPY_PRESENT;
	copy->ends = a->ends;
	copy->listed = true;
	copy->place = a->n_listed++;
}

/* Some copy in the account, not known yet, may be one that rot hit: also the second
 * of a message from elsewhere, or one that came back. */
static bool may_be_rotten(const struct checker *c, unsigned account)
{
	uint64_t bit = UINT64_C(1) << account;

	for (unsigned i = 1; i <= c->n_messages; i++) {
		const struct message *m = &c->messages[i];

		if ((m->rotten & (~m->copies | m->remote | m->shaken) & bit) != 0 ||
		    ((m->rotten & bit) != 0 && c->accounts[account].shaken))
			return true;
	}
	return false;
}

/* Rot took what the account's log says of it, and that was named; or the message
 * itself, and the account was repaired. */
static bool may_vanish(const struct checker *c, const struct copy *copy, unsigned account)
{
	const struct message *m = copy->message != 0 ? &c->messages[copy->message] : NULL;
	uint64_t bit = UINT64_C(1) << account;

	if (copy->shaken)
		return m == NULL || (m->lost_named & bit) != 0;
	return c->accounts[account].repaired && (m != NULL ? (m->rotten & bit) != 0 :
	    may_be_rotten(c, account));
}

void checker_list_end(struct checker *c, unsigned account)
{
	struct account *a = &c->accounts[account];

	list_for(at, &a->copies) {
		struct copy *copy = list_item(at, struct copy, link);

		if (copy->listed)
			continue;
		if (copy->state == COPY_PRESENT && !may_vanish(c, copy, account) &&
		    !copy->removing && !(copy->asked && sim_ends(c->sim) > copy->ends))
			checker_fail(c, "%.*s: UIDL %s (message m%u) vanished",
			    slice_arg(a->address), copy->uid, copy->message);
		copy->state = COPY_GONE;
	}
}

slice checker_list_uid(const struct checker *c, unsigned account, size_t place)
{
	list_for(at, &c->accounts[account].copies) {
		struct copy *copy = list_item(at, struct copy, link);

		if (copy->listed && copy->place == place)
			return slice_from(copy->uid);
	}
	return (slice){ 0 };
}

bool checker_known(const struct checker *c, unsigned account, slice uid)
{
	const struct copy *copy = checker_copy(c, account, uid);

	return copy != NULL && (copy->message != 0 || copy->report != NULL);
}

/* ---- bodies ---- */

void checker_body(struct checker *c, unsigned account, slice uid, slice bytes)
{
	slice address = c->accounts[account].address;
	struct copy *copy = checker_copy(c, account, uid);
	unsigned number = checker_message_number(c, bytes);
	char text[80];

	check(copy != NULL);
	if (number == 0 && slice_starts(bytes, slice_lit("Return-Path: <>\r\n"))) {
		number = checker_number_inside(c, bytes);
		if (number == 0 && copy->message == 0) {
			checker_read_report(c, copy, address, bytes);
			return;
		}
	}
	if (number == 0 && c->accounts[account].repaired && checker_is_appended(bytes))
		return;                 /* repair puts what it finds into the INBOX */
	if (number == 0) {
		checker_fail(c, "%.*s: UIDL %s is nobody's message: %s", slice_arg(address),
		    copy->uid, text_printable(bytes, text, sizeof text));
		return;
	}
	if (copy->message == 0)
		checker_arrived(c, number, account, bytes, copy->uid);
	else if (copy->message != number)
		checker_fail(c, "%.*s: UIDL %s was message m%u and is now m%u",
		    slice_arg(address), copy->uid, copy->message, number);
	else if (!checker_same_body(c, number, bytes))
		checker_fail(c, "%.*s: message m%u (UIDL %s) is not what was sent",
		    slice_arg(address), number, copy->uid);
	copy->message = number;
	copy->unreadable = false;
}

static bool is_rotten(const struct checker *c, const struct copy *copy, unsigned account)
{
	return copy->message != 0 &&
	    (c->messages[copy->message].rotten & UINT64_C(1) << account) != 0;
}

void checker_unreadable(struct checker *c, unsigned account, slice uid)
{
	struct copy *copy = checker_copy(c, account, uid);

	check(copy != NULL);
	copy->unreadable = true;
	if (!c->no_excuse || is_rotten(c, copy, account) ||
	    (copy->message == 0 && copy->report == NULL && may_be_rotten(c, account)))
		return;
	checker_fail(c, "%.*s: UIDL %s (message m%u) can't be read",
	    slice_arg(c->accounts[account].address), copy->uid, copy->message);
}

void checker_no_excuse(struct checker *c)
{
	c->no_excuse = true;
}

/* ---- deletions ---- */

void checker_deleting(struct checker *c, unsigned account, slice uid)
{
	struct copy *copy = checker_copy(c, account, uid);

	check(copy != NULL && copy->state == COPY_PRESENT);
	copy->state = COPY_DELETING;
	copy->asked = true;
}

void checker_quit(struct checker *c, unsigned account, bool answered, bool ok)
{
	list_for(at, &c->accounts[account].copies) {
		struct copy *copy = list_item(at, struct copy, link);

		/* -ERR to QUIT: some may be gone, some not (RFC 1939 s6). */
		if (copy->state == COPY_DELETING)
			copy->state = answered && ok ? COPY_GONE : COPY_DOUBTFUL;
	}
}
