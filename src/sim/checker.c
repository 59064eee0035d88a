/* sim/checker.c - the promises, kept in two lists: messages and copies. */
#include "sim/checker.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/checksum.h"
#include "base/list.h"
#include "base/text.h"
#include "journal/message_id.h"
#include "sim/dsn_look.h"
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
	unsigned message;               /* from 1; 0: body not compared yet, or ... */
	struct report *report;          /* ... it is one */
	uint64_t hash;                  /* of the report's bytes */
	enum copy_state state;
	bool asked;                     /* was COPY_DELETING once: may still go ... */
	uint64_t ends;                  /* ... once more have ended than when the list that it
	                                 * was last in was asked for: whoever answered lived */
	bool unreadable;                /* when it was last tried */
	bool shaken;                    /* rot hit its record in the account's log */
	bool returns;                   /* ... or the one that says it was deleted: it may be
	                                 * back, once */
	bool listed;
	size_t place;
};

struct message {
	uint64_t accounts;              /* of accepted recipients */
	uint64_t copies;                /* accounts that have or had one */
	uint64_t sealed, moving;        /* decided by the directory; for CHECKER_MOVING */
	uint64_t rotten;                /* accounts whose copy rot hit, ... */
	uint64_t named;                 /* ... and a store said so */
	uint64_t lost;                  /* accounts for which rot hit its only record, ... */
	uint64_t lost_named;            /* ... and somebody said so */
	uint64_t shaken;                /* accounts whose log lost that they have it */
	uint64_t untold;                /* a report on these was lost */
	bool retold;                    /* the queue may have lost that its sender was told */
	uint64_t ends;                  /* of processes, when it began */
	bool dot;
	unsigned code;                  /* after the dot; 0: none came */
	uint64_t remote;                /* accounts that are elsewhere */
	uint64_t failed, late;          /* its sender was told so of these */
	bool deaf, null;                /* nobody can be told; the reverse-path was null */
	char id[MESSAGE_ID_TEXT];       /* as the server said when it took it; or empty */
	uint64_t given_up;              /* a relay said so of these */
};

/* What a relay said of a message, maybe before its sender heard the id. */
struct given_up {
	struct list link;
	char id[MESSAGE_ID_TEXT];
	uint64_t accounts;
};

/* That some recipients of a message failed, or are late. */
struct report {
	struct list link;
	char id[80];                    /* Message-ID */
	unsigned message;
	bool shaken;                    /* as that of a copy */
};

struct account {
	slice address;
	struct list copies;
	size_t n_listed;
	uint64_t ends;                  /* of processes, when it was last asked for its list */
	bool shaken;                    /* its log lost changes */
	bool redelivers;                /* done marks are lost, too: it may stand beside itself */
	bool repaired;
};

struct checker {
	struct sim *sim;
	struct heap *heap;
	struct account accounts[CHECKER_ACCOUNTS_MAX];
	unsigned n_accounts;
	struct message *messages;       /* from 1 */
	unsigned n_messages, size;
	struct list reports;
	struct list given_up;
	unsigned remote, doubles;
	bool no_excuse;
	char failure[512];
};

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

uint64_t checker_account_bit(const struct checker *c, slice address)
{
	for (unsigned i = 0; i < c->n_accounts; i++) {
		if (slice_equal_ascii(c->accounts[i].address, address))
			return UINT64_C(1) << i;
	}
	return 0;
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
	message_of(c, message)->deaf = true;
}

void checker_null_sender(struct checker *c, unsigned message)
{
	message_of(c, message)->deaf = message_of(c, message)->null = true;
}

void checker_remote(struct checker *c, unsigned message, uint64_t accounts)
{
	message_of(c, message)->remote |= accounts;
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
	/* Seals do not say which message of the null sender they are for. */
	if ((accounts & ~m->sealed) != 0 && !m->null)
		checker_fail(c, "message m%u: a recipient was accepted that nobody decided on",
		    message);
}

void checker_accepted_moving(struct checker *c, unsigned message)
{
	struct message *m = message_of(c, message);

	check(!m->null);
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

void checker_queued_as(struct checker *c, unsigned message, slice id)
{
	struct message *m = message_of(c, message);

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

static bool may_come(const struct checker *c, const struct message *m)
{
	if (m->code / 100 == 4)
		return m->dot && sim_ends(c->sim) > m->ends;
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
	a->ends = sim_ends(c->sim);
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
		    !(copy->asked && sim_ends(c->sim) > copy->ends))
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

	return copy != NULL && (copy->message != 0 || copy->report != NULL);
}

/* The length of what delivery put on top: only these fields, each whole. */
static size_t trace_len(slice bytes)
{
	static const char *const fields[] = { "Return-Path: ", "Delivered-To: ", "Received: " };
	slice rest = bytes;

	while (rest.len > 0) {
		size_t end = slice_find(rest, slice_lit("\r\n"));
		bool known = rest.len < bytes.len && (rest.ptr[0] == ' ' || rest.ptr[0] == '\t');

		for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
			known = known || slice_starts(rest, slice_from(fields[i]));
		if (!known || end == rest.len)
			break;
		rest = slice_drop(rest, end + 2);
	}
	return bytes.len - rest.len;
}

/* Which message is it? Its Return-Path, the first line, says so. */
unsigned checker_message_number(const struct checker *c, slice bytes)
{
	static const slice before = slice_lit("Return-Path: <");
	size_t end;

	if (!slice_starts(bytes, before))
		return 0;
	bytes = slice_drop(bytes, before.len);
	end = slice_find(bytes, slice_lit(">\r\n"));
	return end < bytes.len ? checker_sender_number(c, slice_head(bytes, end)) : 0;
}

/* With the null sender its own header says so. */
static unsigned number_inside(const struct checker *c, slice bytes)
{
	static const slice before = slice_lit("Subject: number ");
	slice rest = slice_drop(bytes, trace_len(bytes));
	uint64_t number;

	if (!slice_starts(rest, before))
		return 0;
	rest = slice_drop(rest, before.len);
	if (!slice_to_u64(slice_head(rest, slice_find(rest, slice_lit("\r\n"))), c->n_messages,
	    &number) || number == 0 || !c->messages[number].null)
		return 0;
	return (unsigned)number;
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
	same = slice_ends(bytes, body) && trace_len(bytes) == bytes.len - body.len;
	buffer_free(&want);
	return same;
}

/* May the account have this other copy of a message, or report? When its log lost that it
 * has it, or that it was deleted: once, and not beside itself. True uses that up. */
static bool let_return(struct account *a, unsigned number, const struct report *report,
    bool shaken)
{
	bool back = shaken;

	if (a->redelivers && (shaken || a->shaken))
		return true;
	list_for(at, &a->copies) {
		const struct copy *copy = list_item(at, struct copy, link);

		if (copy->message != number || copy->report != report)
			continue;
		if (copy->listed)
			return false;
		back = back || copy->returns;
	}
	list_for(at, &a->copies) {
		struct copy *copy = list_item(at, struct copy, link);

		if (copy->message == number && copy->report == report)
			copy->returns = false;
	}
	return back;
}

/* Another copy of a message came into an account. */
static void arrived(struct checker *c, unsigned number, unsigned account, slice bytes,
    const char *uid)
{
	slice address = c->accounts[account].address;
	struct message *m = message_of(c, number);
	uint64_t bit = UINT64_C(1) << account;

	if (!may_come(c, m))
		checker_fail(c, "%.*s: message m%u came, which was %s", slice_arg(address),
		    number, m->dot ? "refused" : "never finished");
	else if ((m->accounts & bit) == 0)
		checker_fail(c, "%.*s: message m%u came, which was for others",
		    slice_arg(address), number);
	else if ((m->copies & ~m->remote & bit) != 0 && !let_return(&c->accounts[account],
	    number, NULL, (m->shaken & bit) != 0))
		checker_fail(c, "%.*s: message m%u came twice, now as UIDL %s",
		    slice_arg(address), number, uid);
	else if (!same_body(c, number, bytes))
		checker_fail(c, "%.*s: message m%u (UIDL %s) is not what was sent",
		    slice_arg(address), number, uid);
	c->remote += (m->remote & bit) != 0;
	c->doubles += (m->copies & m->remote & bit) != 0;
	m->copies |= bit;
}

/* ---- reports ---- */

static struct report *find_report(struct checker *c, slice id)
{
	list_for(at, &c->reports) {
		struct report *report = list_item(at, struct report, link);

		if (slice_equal(slice_from(report->id), id))
			return report;
	}
	return NULL;
}

static void note_report(struct checker *c, unsigned number, const struct dsn_look *look)
{
	struct message *m = message_of(c, number);

	for (size_t i = 0; i < look->n; i++) {
		slice address = look->recipients[i].address;
		bool delayed = look->recipients[i].delayed;
		uint64_t bit = checker_account_bit(c, address);
		uint64_t *told = delayed ? &m->late : &m->failed;

		if ((m->accounts & m->remote & bit) == 0)
			checker_fail(c, "a report on m%u to <%.*s>, who was no recipient of it "
			    "elsewhere", number, slice_arg(address));
		else if ((*told & bit) != 0 && !m->retold)
			checker_fail(c, "the sender of m%u is told twice that <%.*s> %s, now in %.*s",
			    number, slice_arg(address), delayed ? "is late" : "failed",
			    slice_arg(look->id));
		*told |= bit;
	}
}

static bool let_report_return(struct checker *c, slice mailbox, const struct report *report)
{
	uint64_t bit = checker_account_bit(c, mailbox);

	return bit != 0 && let_return(&c->accounts[__builtin_ctzll(bit)], 0, report,
	    report->shaken);
}

/* A report came to `mailbox`: from the same host, or as mail of another. */
static struct report *take_report(struct checker *c, slice mailbox, bool outside, slice bytes)
{
	slice domain = slice_drop(mailbox, slice_find_last_byte(mailbox, '@') + 1);
	struct dsn_look look;
	struct report *report;
	unsigned number;

	if (!dsn_look(slice_drop(bytes, trace_len(bytes)), &look)) {
		checker_fail(c, "<%.*s> got what is nobody's message", slice_arg(mailbox));
		return NULL;
	}
	number = checker_sender_number(c, look.to);
	if (number == 0 || look.id.len >= sizeof report->id) {
		checker_fail(c, "<%.*s> got a report to <%.*s>, who sent nothing",
		    slice_arg(mailbox), slice_arg(look.to));
		return NULL;
	}
	report = find_report(c, look.id);
	if (!may_come(c, message_of(c, number))) {
		checker_fail(c, "<%.*s> got a report on m%u, which was refused",
		    slice_arg(mailbox), number);
	} else if (report != NULL && report->message != number) {
		checker_fail(c, "two reports have the Message-ID %s", report->id);
	} else if (report != NULL && !outside && slice_ends(look.reporter, domain) &&
	    !let_report_return(c, mailbox, report)) {
		checker_fail(c, "<%.*s> got the report %s on m%u twice", slice_arg(mailbox),
		    report->id, number);
	} else if (report != NULL) {
		c->doubles++;
	} else {
		report = heap_new(c->heap, struct report);
		snprintf(report->id, sizeof report->id, "%.*s", slice_arg(look.id));
		report->message = number;
		list_append(&c->reports, &report->link);
		note_report(c, number, &look);
	}
	return report;
}

static void read_report(struct checker *c, struct copy *copy, slice address, slice bytes)
{
	uint64_t hash = checksum64(bytes, 0);

	if (copy->report == NULL)
		copy->report = take_report(c, address, false, bytes);
	else if (copy->hash != hash)
		checker_fail(c, "%.*s: UIDL %s was the report %s and is now another",
		    slice_arg(address), copy->uid, copy->report->id);
	copy->hash = hash;
	copy->unreadable = false;
}

void checker_outside(struct checker *c, slice sender, slice recipient, slice bytes)
{
	uint64_t bit = checker_account_bit(c, recipient);
	unsigned number = sender.len > 0 ? checker_sender_number(c, sender) :
	    number_inside(c, bytes);

	if (sender.len == 0 && number == 0 && checker_sender_number(c, recipient) != 0)
		take_report(c, recipient, true, bytes);
	else if (number == 0 || bit == 0)
		checker_fail(c, "another host got mail of <%.*s> to <%.*s>: nobody's message",
		    slice_arg(sender), slice_arg(recipient));
	else
		arrived(c, number, (unsigned)__builtin_ctzll(bit), bytes, "elsewhere");
}

/* ---- readers ---- */

void checker_body(struct checker *c, unsigned account, slice uid, slice bytes)
{
	slice address = c->accounts[account].address;
	struct copy *copy = find_copy(c, account, uid);
	unsigned number = checker_message_number(c, bytes);
	char text[80];

	check(copy != NULL);
	if (number == 0 && slice_starts(bytes, slice_lit("Return-Path: <>\r\n"))) {
		number = number_inside(c, bytes);
		if (number == 0 && copy->message == 0) {
			read_report(c, copy, address, bytes);
			return;
		}
	}
	if (number == 0) {
		checker_fail(c, "%.*s: UIDL %s is nobody's message: %s", slice_arg(address),
		    copy->uid, text_printable(bytes, text, sizeof text));
		return;
	}
	if (copy->message == 0)
		arrived(c, number, account, bytes, copy->uid);
	else if (copy->message != number)
		checker_fail(c, "%.*s: UIDL %s was message m%u and is now m%u",
		    slice_arg(address), copy->uid, copy->message, number);
	else if (!same_body(c, number, bytes))
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
	struct copy *copy = find_copy(c, account, uid);

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

/* ---- rot ---- */

void checker_rotten(struct checker *c, unsigned message, uint64_t accounts)
{
	message_of(c, message)->rotten |= accounts;
}

void checker_damage_named(struct checker *c, unsigned message, uint64_t accounts)
{
	message_of(c, message)->named |= accounts;
}

/* Which message is it, or of which is it a report? 0: nobody's. */
static unsigned number_of(const struct checker *c, slice bytes, struct dsn_look *ret_look)
{
	unsigned number = checker_message_number(c, bytes);

	ret_look->n = 0;
	ret_look->id = (slice){ 0 };
	if (number == 0)
		number = number_inside(c, bytes);
	if (number == 0 && dsn_look(slice_drop(bytes, trace_len(bytes)), ret_look))
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
		message_of(c, number)->lost |= accounts;
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
	struct copy *copy = find_copy(c, account, uid);
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
	report = look.n > 0 ? find_report(c, look.id) : NULL;
	if (report != NULL)
		report->shaken = true;
	if (look.n == 0)
		message_of(c, number)->shaken |= UINT64_C(1) << account;
	return number;
}

void checker_lost_named(struct checker *c, unsigned message, uint64_t accounts)
{
	message_of(c, message)->lost_named |= accounts;
}

void checker_retold(struct checker *c, slice bytes)
{
	struct dsn_look look;
	unsigned number = number_of(c, bytes, &look);

	if (number != 0)
		message_of(c, number)->retold = true;
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
	list_for(at, &a->copies) {
		struct copy *copy = list_item(at, struct copy, link);

		copy->returns = copy->returns || copy->state != COPY_PRESENT;
	}
}

void checker_repaired(struct checker *c, unsigned account)
{
	c->accounts[account].repaired = true;
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
