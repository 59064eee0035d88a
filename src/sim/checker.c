/* sim/checker.c - the promises, kept in two lists: messages and copies. */
#include "sim/checker_impl.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/text.h"

struct checker *checker_create(struct sim *sim)
{
	struct checker *c = heap_new(sim_heap(sim), struct checker);

	c->sim = sim;
	c->heap = sim_heap(sim);
	list_init(&c->reports);
	list_init(&c->given_up);
	return c;
}

const char *checker_failure(const struct checker *c)
{
	return c->failure[0] != '\0' ? c->failure : NULL;
}

void checker_fail(struct checker *c, const char *format, ...)
{
	va_list args;

	if (c->failure[0] != '\0')
		return;
	va_start(args, format);
	vsnprintf(c->failure, sizeof c->failure, format, args);
	va_end(args);
	sim_note(c->sim, "broken", slice_from(c->failure));
}

unsigned checker_account_add(struct checker *c, slice address)
{
	check(c->n_accounts < CHECKER_ACCOUNTS_MAX);
	c->accounts[c->n_accounts].address = address;
	list_init(&c->accounts[c->n_accounts].copies);
	return c->n_accounts++;
}

slice checker_account_address(const struct checker *c, unsigned account)
{
	return c->accounts[account].address;
}

uint64_t checker_account_bit(const struct checker *c, slice address)
{
	for (unsigned i = 0; i < c->n_accounts; i++) {
		if (slice_equal_ascii(c->accounts[i].address, address))
			return UINT64_C(1) << i;
	}
	return 0;
}

/* ---- senders ---- */

struct message *checker_message(const struct checker *c, unsigned number)
{
	check(number >= 1 && number <= c->n_messages);
	return &c->messages[number];
}

unsigned checker_message_begin(struct checker *c)
{
	if (c->n_messages + 1 >= c->size) {
		c->size = c->size ? 2 * c->size : 64;
		c->messages = heap_resize(c->heap, c->messages, c->size * sizeof *c->messages);
	}
	c->messages[++c->n_messages] = (struct message){ .ends = sim_ends(c->sim) };
	return c->n_messages;
}

unsigned checker_sender_number(const struct checker *c, slice sender)
{
	size_t at = slice_find_last_byte(sender, '@');
	slice local = slice_head(sender, at), domain = slice_drop(sender, at);
	size_t plus = slice_find_byte(local, '+');
	uint64_t number;

	if (plus < local.len)
		local = slice_drop(local, plus + 1);
	else if (!slice_equal(domain, slice_lit("@" CHECKER_AWAY)))
		return 0;
	if (local.len < 2 || (local.ptr[0] != 'm' && local.ptr[0] != 'g') ||
	    !slice_to_u64(slice_drop(local, 1), c->n_messages, &number))
		return 0;
	return (unsigned)number;
}

void checker_nobody_hears(struct checker *c, unsigned message)
{
	checker_message(c, message)->deaf = true;
}

void checker_null_sender(struct checker *c, unsigned message)
{
	checker_message(c, message)->deaf = checker_message(c, message)->null = true;
}

void checker_remote(struct checker *c, unsigned message, uint64_t accounts)
{
	checker_message(c, message)->remote |= accounts;
}

void checker_sealed(struct checker *c, unsigned message, slice recipient, uint64_t accounts)
{
	struct message *m = checker_message(c, message);

	m->sealed |= accounts;
	if (slice_starts(recipient, slice_lit(CHECKER_MOVING "@")))
		m->moving = accounts;
}

void checker_accepted(struct checker *c, unsigned message, uint64_t accounts)
{
	struct message *m = checker_message(c, message);

	m->accounts |= accounts;
	/* Seals do not say which message of the null sender they are for. */
	if ((accounts & ~m->sealed) != 0 && !m->null)
		checker_fail(c, "message m%u: a recipient was accepted that nobody decided on",
		    message);
}

void checker_accepted_moving(struct checker *c, unsigned message)
{
	struct message *m = checker_message(c, message);

	check(!m->null);
	m->accounts |= m->moving;
	if (m->moving == 0)
		checker_fail(c, "message m%u: a recipient was accepted that nobody decided on",
		    message);
}

void checker_dot(struct checker *c, unsigned message)
{
	checker_message(c, message)->dot = true;
}

void checker_reply(struct checker *c, unsigned message, unsigned code)
{
	char text[32];

	checker_message(c, message)->code = code;
	snprintf(text, sizeof text, "m%u %u", message, code);
	sim_note(c->sim, "reply", slice_from(text));
}

void checker_queued_as(struct checker *c, unsigned message, slice id)
{
	struct message *m = checker_message(c, message);

	if (id.len >= sizeof m->id)
		return;
	snprintf(m->id, sizeof m->id, "%.*s", slice_arg(id));
	list_for(at, &c->given_up) {
		const struct given_up *given_up = list_item(at, struct given_up, link);

		if (strcmp(given_up->id, m->id) == 0)
			m->given_up |= given_up->accounts;
	}
}

void checker_given_up(struct checker *c, slice id, slice recipient)
{
	uint64_t bit = checker_account_bit(c, recipient);
	struct given_up *given_up;

	if (bit == 0 || id.len >= sizeof given_up->id)
		return;
	given_up = heap_new(c->heap, struct given_up);
	memcpy(given_up->id, id.ptr, id.len);
	given_up->accounts = bit;
	list_append(&c->given_up, &given_up->link);
	for (unsigned i = 1; i <= c->n_messages; i++) {
		if (slice_equal(slice_from(c->messages[i].id), id))
			c->messages[i].given_up |= bit;
	}
}

static bool acknowledged(const struct message *m)
{
	return m->dot && m->code / 100 == 2;
}

bool checker_may_come(const struct checker *c, const struct message *m)
{
	if (m->code / 100 == 4)
		return m->dot && sim_ends(c->sim) > m->ends;
	return m->dot && m->code / 100 != 5;
}

/* ---- at the end ---- */

/* Nobody can be told of these. Of a message whose id is known the relay's log has to say
 * that it was given up. */
static uint64_t unheard(const struct message *m)
{
	if (!m->deaf)
		return 0;
	return m->id[0] != '\0' ? m->remote & m->given_up : m->remote;
}

/* Accounts that neither have the message, nor is it known why not. */
static uint64_t missing(const struct message *m)
{
	return m->accounts & ~m->copies & ~m->failed & ~m->untold & ~unheard(m);
}

/* Accounts for which rot took it. */
static uint64_t taken(const struct message *m)
{
	return m->rotten | m->lost | m->shaken;
}

static bool settled(const struct message *m)
{
	if (acknowledged(m))
		return (missing(m) & ~(m->rotten & m->named) &
		    ~((m->lost | m->shaken) & m->lost_named)) == 0;
	return (m->copies | m->failed | m->late) == 0 || (missing(m) & ~taken(m)) == 0;
}

bool checker_settled(const struct checker *c)
{
	for (unsigned i = 1; i <= c->n_messages; i++) {
		if (!settled(&c->messages[i]))
			return false;
	}
	return true;
}

void checker_settle(struct checker *c)
{
	for (unsigned i = 1; i <= c->n_messages; i++) {
		const struct message *m = &c->messages[i];

		if (settled(m))
			continue;
		if ((missing(m) & ~taken(m)) == 0)
			checker_fail(c, "message m%u was taken by rot that no log names (at rest %llx, on its way "
			    "%llx, of a log %llx)", i, (unsigned long long)m->rotten,
			    (unsigned long long)m->lost, (unsigned long long)m->shaken);
		else
			checker_fail(c, "message m%u was %s for accounts %llx (elsewhere %llx), "
			    "came to %llx, and its sender heard of %llx", i,
			    acknowledged(m) ? "acknowledged" : "taken without a word",
			    (unsigned long long)m->accounts, (unsigned long long)m->remote,
			    (unsigned long long)m->copies, (unsigned long long)m->failed);
	}
}

struct checker_counts checker_count(const struct checker *c)
{
	struct checker_counts counts = { .messages = c->n_messages, .remote = c->remote,
	    .doubles = c->doubles };

	for (unsigned i = 1; i <= c->n_messages; i++) {
		const struct message *m = &c->messages[i];

		counts.acknowledged += acknowledged(m);
		counts.doubtful += m->dot && m->code == 0;
		counts.refused += m->dot && m->code >= 400;
		counts.full += m->code == 452;
		counts.rotten += (unsigned)__builtin_popcountll(taken(m) & m->accounts);
		counts.taken += (unsigned)__builtin_popcountll(acknowledged(m) ?
		    m->accounts & ~m->copies & ~m->remote : 0);
		counts.reports += (unsigned)__builtin_popcountll(m->failed);
		counts.late += (unsigned)__builtin_popcountll(m->late);
	}
	for (unsigned i = 0; i < c->n_accounts; i++) {
		list_for(at, &c->accounts[i].copies) {
			counts.copies++;
			counts.deleted += list_item(at, struct copy, link)->state == COPY_GONE;
		}
	}
	return counts;
}
