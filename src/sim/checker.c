/* sim/checker.c - the promises, kept in two lists: messages and copies. */
#include "sim/checker.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/list.h"
#include "base/text.h"
#include "sim/sim_message.h"

enum copy_state {
	COPY_PRESENT,
	COPY_DELETING,          /* marked in a session that said QUIT */
	COPY_DOUBTFUL,          /* that QUIT got no answer, or -ERR */
	COPY_GONE,
};

struct copy {
	struct list link;
	char uid[CHECKER_UID_MAX + 1];
	unsigned message;               /* from 1; 0: body not compared yet */
	enum copy_state state;
	bool asked;                     /* was COPY_DELETING once: may still go ... */
	uint64_t deaths;                /* ... once more have died than when it was last seen */
	bool unreadable;                /* when it was last tried */
	bool listed;
	size_t place;
};

struct message {
	uint64_t accounts;              /* of accepted recipients */
	uint64_t copies;                /* accounts that have or had one */
	uint64_t sealed, moving;        /* decided by the directory; for CHECKER_MOVING */
	uint64_t rotten;                /* accounts whose copy rot hit, ... */
	uint64_t named;                 /* ... and a store said so */
	uint64_t deaths;                /* in the world, when it began */
	bool dot;
	unsigned code;                  /* after the dot; 0: none came */
};

struct account {
	slice address;
	struct list copies;
	size_t n_listed;
};

struct checker {
	struct sim *sim;
	struct heap *heap;
	struct account accounts[CHECKER_ACCOUNTS_MAX];
	unsigned n_accounts;
	struct message *messages;       /* from 1 */
	unsigned n_messages, size;
	bool no_excuse;
	char failure[512];
};

struct checker *checker_create(struct sim *sim)
{
	struct checker *c = heap_new(sim_heap(sim), struct checker);

	c->sim = sim;
	c->heap = sim_heap(sim);
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

/* ---- senders ---- */

static struct message *message_of(const struct checker *c, unsigned number)
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
	c->messages[++c->n_messages] = (struct message){ .deaths = sim_deaths(c->sim) };
	return c->n_messages;
}

void checker_sealed(struct checker *c, unsigned message, slice recipient, uint64_t accounts)
{
	struct message *m = message_of(c, message);

	m->sealed |= accounts;
	if (slice_starts(recipient, slice_lit(CHECKER_MOVING "@")))
		m->moving = accounts;
}

void checker_accepted(struct checker *c, unsigned message, uint64_t accounts)
{
	struct message *m = message_of(c, message);

	m->accounts |= accounts;
	if ((accounts & ~m->sealed) != 0)
		checker_fail(c, "message m%u: a recipient was accepted that nobody decided on",
		    message);
}

void checker_accepted_moving(struct checker *c, unsigned message)
{
	struct message *m = message_of(c, message);

	m->accounts |= m->moving;
	if (m->moving == 0)
		checker_fail(c, "message m%u: a recipient was accepted that nobody decided on",
		    message);
}

void checker_dot(struct checker *c, unsigned message)
{
	message_of(c, message)->dot = true;
}

void checker_reply(struct checker *c, unsigned message, unsigned code)
{
	char text[32];

	message_of(c, message)->code = code;
	snprintf(text, sizeof text, "m%u %u", message, code);
	sim_note(c->sim, "reply", slice_from(text));
}

static bool acknowledged(const struct message *m)
{
	return m->dot && m->code / 100 == 2;
}

static bool may_come(const struct checker *c, const struct message *m)
{
	if (m->code / 100 == 4)
		return m->dot && sim_deaths(c->sim) > m->deaths;
	return m->dot && m->code / 100 != 5;
}

/* ---- readers ---- */

static struct copy *find_copy(const struct checker *c, unsigned account, slice uid)
{
	list_for(at, &c->accounts[account].copies) {
		struct copy *copy = list_item(at, struct copy, link);

		if (slice_equal(slice_from(copy->uid), uid))
			return copy;
	}
	return NULL;
}

void checker_list_begin(struct checker *c, unsigned account)
{
	struct account *a = &c->accounts[account];

	a->n_listed = 0;
	list_for(at, &a->copies)
		list_item(at, struct copy, link)->listed = false;
}

void checker_listed(struct checker *c, unsigned account, slice uid)
{
	struct account *a = &c->accounts[account];
	struct copy *copy = find_copy(c, account, uid);

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
	} else if (copy->state == COPY_GONE) {
		checker_fail(c, "%.*s: UIDL %s (message m%u) came back from deletion",
		    slice_arg(a->address), copy->uid, copy->message);
	}
	copy->state = COPY_PRESENT;
	copy->deaths = sim_deaths(c->sim);
	copy->listed = true;
	copy->place = a->n_listed++;
}

void checker_list_end(struct checker *c, unsigned account)
{
	struct account *a = &c->accounts[account];

	list_for(at, &a->copies) {
		struct copy *copy = list_item(at, struct copy, link);

		if (copy->listed)
			continue;
		if (copy->state == COPY_PRESENT &&
		    !(copy->asked && sim_deaths(c->sim) > copy->deaths))
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
	const struct copy *copy = find_copy(c, account, uid);

	return copy != NULL && copy->message != 0;
}

/* Which message is it? Its Return-Path, the first line, says so. */
unsigned checker_message_number(const struct checker *c, slice bytes)
{
	static const slice before = slice_lit("Return-Path: <m");
	slice rest = bytes, digits;
	uint64_t number;

	if (!slice_starts(rest, before))
		return 0;
	rest = slice_drop(rest, before.len);
	digits = slice_cut(&rest, '@');
	if (!slice_starts(rest, slice_lit("away.example>\r\n")) ||
	    !slice_to_u64(digits, c->n_messages, &number))
		return 0;
	return (unsigned)number;
}

/* What delivery put on top: only these fields, each whole. */
static bool is_trace(slice head)
{
	static const char *const fields[] = { "Return-Path: ", "Delivered-To: ", "Received: " };
	bool first = true;

	while (head.len > 0) {
		size_t end = slice_find(head, slice_lit("\r\n"));
		bool known = !first && (head.ptr[0] == ' ' || head.ptr[0] == '\t');

		for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
			known = known || slice_starts(head, slice_from(fields[i]));
		if (!known || end == head.len)
			return false;
		head = slice_drop(head, end + 2);
		first = false;
	}
	return true;
}

static bool same_body(const struct checker *c, unsigned number, slice bytes)
{
	struct buffer want = buffer_init(c->heap, SIM_MESSAGE_MAX);
	slice body;
	bool same;

	sim_message_make(sim_seed(c->sim), number, &want);
	/* RFC 5321 s4.1.1.4: the dot stands on a line of its own. */
	body = buffer_bytes(&want);
	if (body.len > 0 && !slice_ends(body, slice_lit("\r\n")))
		buffer_add(&want, slice_lit("\r\n"));
	body = buffer_bytes(&want);
	same = slice_ends(bytes, body) && is_trace(slice_head(bytes, bytes.len - body.len));
	buffer_free(&want);
	return same;
}

void checker_body(struct checker *c, unsigned account, slice uid, slice bytes)
{
	slice address = c->accounts[account].address;
	struct copy *copy = find_copy(c, account, uid);
	unsigned number = checker_message_number(c, bytes);
	struct message *m;
	char text[80];

	check(copy != NULL);
	if (number == 0) {
		checker_fail(c, "%.*s: UIDL %s is nobody's message: %s", slice_arg(address),
		    copy->uid, text_printable(bytes, text, sizeof text));
		return;
	}
	m = message_of(c, number);
	if (copy->message != 0 && copy->message != number)
		checker_fail(c, "%.*s: UIDL %s was message m%u and is now m%u",
		    slice_arg(address), copy->uid, copy->message, number);
	else if (!may_come(c, m))
		checker_fail(c, "%.*s: message m%u came, which was %s", slice_arg(address),
		    number, m->dot ? "refused" : "never finished");
	else if ((m->accounts & UINT64_C(1) << account) == 0)
		checker_fail(c, "%.*s: message m%u came, which was for others",
		    slice_arg(address), number);
	else if (copy->message == 0 && (m->copies & UINT64_C(1) << account) != 0)
		checker_fail(c, "%.*s: message m%u came twice, now as UIDL %s",
		    slice_arg(address), number, copy->uid);
	else if (!same_body(c, number, bytes))
		checker_fail(c, "%.*s: message m%u (UIDL %s) is not what was sent",
		    slice_arg(address), number, copy->uid);
	copy->message = number;
	copy->unreadable = false;
	m->copies |= UINT64_C(1) << account;
}

static bool is_rotten(const struct checker *c, const struct copy *copy, unsigned account)
{
	return copy->message != 0 &&
	    (c->messages[copy->message].rotten & UINT64_C(1) << account) != 0;
}

/* Some copy in the account, not known yet, may be one that rot hit. */
static bool may_be_rotten(const struct checker *c, unsigned account)
{
	for (unsigned i = 1; i <= c->n_messages; i++) {
		if ((c->messages[i].rotten & ~c->messages[i].copies & UINT64_C(1) << account) != 0)
			return true;
	}
	return false;
}

void checker_unreadable(struct checker *c, unsigned account, slice uid)
{
	struct copy *copy = find_copy(c, account, uid);

	check(copy != NULL);
	copy->unreadable = true;
	if (!c->no_excuse || is_rotten(c, copy, account) ||
	    (copy->message == 0 && may_be_rotten(c, account)))
		return;
	checker_fail(c, "%.*s: UIDL %s (message m%u) can't be read",
	    slice_arg(c->accounts[account].address), copy->uid, copy->message);
}

void checker_no_excuse(struct checker *c)
{
	c->no_excuse = true;
}

/* ---- rot ---- */

void checker_rotten(struct checker *c, unsigned message, uint64_t accounts)
{
	message_of(c, message)->rotten |= accounts;
}

void checker_damage_named(struct checker *c, unsigned message, uint64_t accounts)
{
	message_of(c, message)->named |= accounts;
}

void checker_deleting(struct checker *c, unsigned account, slice uid)
{
	struct copy *copy = find_copy(c, account, uid);

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

/* ---- at the end ---- */

static bool settled(const struct message *m)
{
	if (acknowledged(m))
		return (m->accounts & ~m->copies & ~(m->rotten & m->named)) == 0;
	return m->copies == 0 || (m->accounts & ~m->copies & ~m->rotten) == 0;
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
		if ((m->accounts & ~m->copies & ~m->rotten) == 0)
			checker_fail(c, "message m%u was taken by rot that no log names", i);
		else
			checker_fail(c, "message m%u was %s for accounts %llx and came to %llx",
			    i, acknowledged(m) ? "acknowledged" : "taken without a word",
			    (unsigned long long)m->accounts, (unsigned long long)m->copies);
	}
}

struct checker_counts checker_count(const struct checker *c)
{
	struct checker_counts counts = { .messages = c->n_messages };

	for (unsigned i = 1; i <= c->n_messages; i++) {
		const struct message *m = &c->messages[i];

		counts.acknowledged += acknowledged(m);
		counts.doubtful += m->dot && m->code == 0;
		counts.refused += m->dot && m->code >= 400;
		counts.full += m->code == 452;
		counts.rotten += (unsigned)__builtin_popcountll(m->rotten & m->accounts);
		counts.taken += (unsigned)__builtin_popcountll(acknowledged(m) ?
		    m->accounts & ~m->copies : 0);
	}
	for (unsigned i = 0; i < c->n_accounts; i++) {
		list_for(at, &c->accounts[i].copies) {
			counts.copies++;
			counts.deleted += list_item(at, struct copy, link)->state == COPY_GONE;
		}
	}
	return counts;
}
